#include "convert/hbrep.h"

#include <ctype.h>
#include <inttypes.h>

#include "convert/output.h"
#include "convert/skytools.h"

#define MAIN_SECTION "HBaseReplic"

static const SkytoolsOption own_options[] = {
    {"bootstrap_tmpfile", "dray bootstrap reads the table without a file between"},
    {"bootstrap_row_limit", "dray bootstrap reads in chunks of bootstrap.chunk_rows"},
    {NULL, NULL},
};

/* The next word of *text, which is moved behind it; empty at the end. */
static Text
next_word(Text *text)
{
    Text word = text_trim(*text);
    size_t len = 0;

    while (len < word.len && !isspace((unsigned char)word.data[len]))
        len++;
    *text = (Text){word.data + len, word.len - len};
    return (Text){word.data, len};
}

static size_t
count_words(Text text)
{
    size_t count = 0;

    while (next_word(&text).len > 0)
        count++;
    return count;
}

static void
add_block(Skytools *skytools)
{
    Text size = skytools_get(skytools, "max_batch_size");
    uint64_t rows = 10000;

    skytools_add_block(skytools);
    if (size.data != NULL && (!text_to_u64(size, &rows) || rows == 0 || rows > INT64_MAX)) {
        skytools_mistake(skytools, skytools->section, "max_batch_size",
            "\"" TEXT_FMT "\" is no number from 1 on", TEXT_ARG(size));
        return;
    }
    buf_addf(&skytools->out->yaml, "  max_rows: %" PRIu64 "\n", rows);
}

/* "name: value" behind indent, which has the comment's sign. A scalar is one line. */
static void
add_comment_option(Buf *out, const char *indent, const char *name, Text value)
{
    uint64_t number;

    if (!text_to_u64(value, &number)) {
        output_option(out, indent, name, value);
        return;
    }
    buf_addf(out, "%s%s: " TEXT_FMT "\n", indent, name, TEXT_ARG(value));
}

static void
add_target(Skytools *skytools)
{
    Buf *yaml = &skytools->out->yaml;
    Text host = skytools_get(skytools, "hbase_hostname");
    Text port = skytools_get(skytools, "hbase_port");

    buf_add_string(yaml, "\n# This Dray has no target for HBase. What hbrep wrote to:\n"
                         "# target:\n#   type: hbase\n");
    add_comment_option(yaml, "#   ", "host", host.data == NULL ? TEXT("localhost") : host);
    add_comment_option(yaml, "#   ", "port", port.data == NULL ? TEXT("9090") : port);
}

/* A glob that matches just this name. */
static void
add_match(Buf *out, Text name)
{
    CLEANUP(buf_clear) Buf glob = BUF_INIT;

    for (size_t i = 0; i < name.len; i++) {
        if (strchr("*?[\\", name.data[i]) != NULL)
            buf_add_char(&glob, '\\');
        buf_add(&glob, name.data + i, 1);
    }
    buf_add_string(out, "  - match: ");
    output_value(out, buf_text(&glob));
    buf_add_char(out, '\n');
}

/* "column: family:qualifier" for each column, as comments. */
static void
add_cells(Skytools *skytools, const PythonIniSection *table, Text columns, Text descriptors)
{
    Buf *yaml = &skytools->out->yaml;

    buf_add_string(yaml, "    # columns, and their cells:\n");
    for (;;) {
        Text column = next_word(&columns);
        Text cell = next_word(&descriptors);
        size_t colon = text_find(cell, ':');

        if (column.len == 0 || cell.len == 0)
            break;
        if (colon == cell.len || memchr(cell.data + colon + 1, ':', cell.len - colon - 1) != NULL)
            skytools_mistake(skytools, table, "hbase_column_descriptors",
                "\"" TEXT_FMT "\" has not exactly one \":\"", TEXT_ARG(cell));
        buf_add_string(yaml, "    #   ");
        output_scalar(yaml, column);
        buf_add_string(yaml, ": ");
        output_scalar(yaml, cell);
        buf_add_char(yaml, '\n');
    }
}

static void
check_name(Skytools *skytools, const PythonIniSection *table)
{
    Text schema = skytools_need(skytools, table, "psql_schema");
    Text name = skytools_need(skytools, table, "psql_table_name");
    CLEANUP(buf_clear) Buf full = BUF_INIT;

    buf_addf(&full, TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(name));
    if (schema.len > 0 && name.len > 0 && !text_equal(buf_text(&full), table->name))
        skytools_note(skytools, table, "psql_table_name",
            "the events of %s never came to section [" TEXT_FMT
            "]: its name must be the table's, and the rule here is for the section's",
            buf_string(&full), TEXT_ARG(table->name));
}

static void
add_table(Skytools *skytools, const PythonIniSection *table)
{
    Buf *yaml = &skytools->out->yaml;
    Text key = skytools_need(skytools, table, "psql_key_column");
    Text columns = skytools_need(skytools, table, "psql_columns");
    Text hbase_table = skytools_need(skytools, table, "hbase_table_name");
    Text descriptors = skytools_need(skytools, table, "hbase_column_descriptors");
    Text prefix = skytools_need(skytools, table, "hbase_row_prefix");

    check_name(skytools, table);
    if (count_words(columns) != count_words(descriptors))
        skytools_mistake(skytools, table, "hbase_column_descriptors",
            "%zu of them for %zu psql_columns", count_words(descriptors), count_words(columns));
    add_match(yaml, table->name);
    buf_add_string(yaml, "    key: [");
    /* in brackets a comma would end it */
    if (text_find(key, ',') < key.len || text_find(key, '{') < key.len ||
        text_find(key, '}') < key.len) {
        skytools_mistake(
            skytools, table, "psql_key_column", "hbrep takes one column's name, without , { }");
    } else {
        output_value(yaml, key);
    }
    buf_add_string(yaml, "]\n");
    add_comment_option(yaml, "    # ", "table", hbase_table);
    add_comment_option(yaml, "    # ", "row", prefix);
    add_cells(skytools, table, columns, descriptors);
}

static void
add_tables(Skytools *skytools)
{
    Buf *yaml = &skytools->out->yaml;
    size_t count = 0;

    buf_add_string(yaml, "\ntables:\n");
    map_each (&skytools->ini->sections, entry) {
        const PythonIniSection *table = entry->value;

        if (table == skytools->section)
            continue;
        add_table(skytools, table);
        count++;
    }
    if (count == 0)
        skytools_note(skytools, skytools->section, "job_name", "no table has a section");
    buf_add_string(yaml, "  # hbrep left all other tables of the queue out\n"
                         "  - match: \"*\"\n    skip: true\n");
}

static void
add_notes(Skytools *skytools)
{
    buf_addf(&skytools->out->notes,
        "%s: this Dray has no target for HBase: write a target: of another type, and tables for "
        "it\n"
        "%s: hbrep took the named columns alone: leave others out with columns: {skip: […]}\n"
        "%s: hbrep's triggers (hbase_replic) can stay as they are; dray install adds none to a "
        "table that has one\n",
        skytools->path, skytools->path, skytools->path);
}

static bool
run(const char *path, Text text, Conversion *out, Error *err)
{
    CLEANUP(skytools_clear) Skytools skytools;
    CLEANUP(buf_clear) Buf head = BUF_INIT;

    if (!skytools_open(&skytools, MAIN_SECTION, path, text, out, err))
        return false;
    buf_addf(&head, "Made from %s by dray convert hbrep.", path);
    output_comment(&out->yaml, "", buf_text(&head));
    buf_add_char(&out->yaml, '\n');
    skytools_add_service(&skytools);
    skytools_add_source(&skytools, "postgresql_db");
    add_block(&skytools);
    add_target(&skytools);
    add_tables(&skytools);
    skytools_add_log(&skytools);
    add_notes(&skytools);
    skytools_note_unused(&skytools, own_options);
    return skytools_finish(&skytools, err);
}

const Converter convert_hbrep = {
    .name = "hbrep",
    .summary = "tables of a PgQ queue into HBase; its source and its rules",
    .run = run,
};
