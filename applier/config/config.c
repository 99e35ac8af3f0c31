#include "config/config.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "config/document.h"
#include "config/section.h"
#include "config/table_rules.h"

#define FILE_SIZE_MAX ((size_t)1024 * 1024)
#define SERVICE_MAX   100

#define AT(member) offsetof(Config, member)

static const Field service_fields[] = {
    {"service", FIELD_TEXT, AT(service), NULL, 0, 0, NULL, FIELD_REQUIRED,
        "The service's name, 1 to 100 of the characters A-Z a-z 0-9 _ . -; the position in the "
        "target is kept under it."},
    {"pidfile", FIELD_PATH, AT(pidfile), NULL, 0, 0, NULL, FIELD_FILLED,
        "dray run writes its process id here and removes the file at its end; dray run -d, -r, -s "
        "and -k need it. The directory must exist."},
    {NULL},
};

/* Read by itself, too, out of a file with mistakes elsewhere. */
#define PIDFILE_FIELDS (service_fields + 1)

static const Field source_fields[] = {
    {"type", FIELD_TEXT, AT(source_type), NULL, 0, 0, NULL, FIELD_REQUIRED,
        "The source driver; its own options stand beside it."},
    {NULL},
};

static const Field block_fields[] = {
    {"directory", FIELD_PATH, AT(block.directory), NULL, 0, 0, NULL, FIELD_REQUIRED,
        "Where commit blocks are written and retained; made when it is missing. One service "
        "alone."},
    {"max_rows", FIELD_INT, AT(block.max_rows), "500000", 1, INT64_MAX, NULL, FIELD_RELOADABLE,
        "A block is closed at the end of the transaction that reaches this number of CSV lines."},
    {"max_bytes", FIELD_BYTES, AT(block.max_bytes), "512MiB", 1, INT64_MAX, NULL, FIELD_RELOADABLE,
        "The same for the bytes of all its CSV files."},
    {"max_interval", FIELD_TIME, AT(block.max_interval_ms), "1s", 0, 0, NULL, FIELD_RELOADABLE,
        "A block that is not full is closed this long after its first change, once the loader is "
        "free."},
    {"compact", FIELD_BOOL, AT(block.compact), "true", 0, 0, NULL, FIELD_RELOADABLE,
        "Load only the last line of each key of a block, where the merge script permits; the "
        "files keep every line."},
    {"compact_memory", FIELD_BYTES, AT(block.compact_memory), "24MiB", 0, 0, NULL, FIELD_RELOADABLE,
        "Memory for the keys of a block; tables that do not fit are loaded without compaction."},
    {"retain", FIELD_RETAIN, AT(block.retain), "none", 0, 0, NULL, FIELD_RELOADABLE,
        "Which committed blocks are kept for replay."},
    {"min_free", FIELD_BYTES, AT(block.min_free), "64MiB", 0, 0, NULL, FIELD_RELOADABLE,
        "No new block is begun while the file system of the directory has less room than this."},
    {"update_opcode", FIELD_BOOL, AT(block.update_opcode), "false", 0, 0, NULL, 0,
        "Write an update that leaves the key as it was as one U line, not as D and I."},
    {"distinguish_updates", FIELD_BOOL, AT(block.distinguish_updates), "false", 0, 0, NULL, 0,
        "Write the two lines of an update as UD and UI, not as D and I."},
    {NULL},
};

static const Field csv_fields[] = {
    {"null", FIELD_TEXT, AT(csv.null_word), NULL, 0, 0, NULL, FIELD_NULL_WORD,
        "The bare word that stands for null in the CSV files. Without it the target driver's "
        "own."},
    {NULL},
};

static const Field values_fields[] = {
    {"zero_date", FIELD_CHOICE, AT(values.zero_date), "error", 0, 0, "error|null|text", 0,
        "What becomes of MySQL's 0000-00-00 and of dates with a zero month or day where the "
        "target cannot hold them: error stops the service, null loads NULL, text passes the "
        "source's text on."},
    {"infinity", FIELD_CHOICE, AT(values.infinity), "error", 0, 0, "error|null|text", 0,
        "The same for infinite dates and numbers."},
    {"nan", FIELD_CHOICE, AT(values.nan), "error", 0, 0, "error|null|text", 0, "The same for NaN."},
    {"out_of_range", FIELD_CHOICE, AT(values.out_of_range), "error", 0, 0, "error|null|text", 0,
        "The same for other values out of the target's range, such as dates before Christ."},
    {NULL},
};

static const Field stage_fields[] = {
    {"schema", FIELD_TEXT, AT(stage.schema), "", 0, 0, NULL, 0,
        "Schema of the staging tables; empty: the base table's."},
    {"table_prefix", FIELD_TEXT, AT(stage.table_prefix), "stage_", 0, 0, NULL, 0,
        "Put before the base table's name in the name of its staging table."},
    {"column_prefix", FIELD_TEXT, AT(stage.column_prefix), "dray_", 0, 0, NULL, 0,
        "Put before the names of the header columns in a staging table."},
    {"header_columns", FIELD_LIST, AT(stage.header_columns), "opcode, seqno, row_id, timestamp", 0,
        0, NULL, FIELD_FILLED,
        "The columns in front of each CSV line, in order, out of opcode, seqno, row_id, "
        "timestamp, service and unchanged; all but the last two are needed. unchanged comes last "
        "where it is not named, and only in services whose source may leave values out."},
    {"opcode_column", FIELD_TEXT, AT(stage.opcode_column), "opcode", 0, 0, NULL, FIELD_FILLED,
        "Name of the header column opcode, behind the prefix."},
    {"seqno_column", FIELD_TEXT, AT(stage.seqno_column), "seqno", 0, 0, NULL, FIELD_FILLED,
        "Name of the header column seqno, behind the prefix."},
    {"row_id_column", FIELD_TEXT, AT(stage.row_id_column), "row_id", 0, 0, NULL, FIELD_FILLED,
        "Name of the header column row_id, behind the prefix."},
    {"timestamp_column", FIELD_TEXT, AT(stage.timestamp_column), "timestamp", 0, 0, NULL,
        FIELD_FILLED, "Name of the header column timestamp, behind the prefix."},
    {"service_column", FIELD_TEXT, AT(stage.service_column), "service", 0, 0, NULL, FIELD_FILLED,
        "Name of the header column service, behind the prefix."},
    {"unchanged_column", FIELD_TEXT, AT(stage.unchanged_column), "unchanged", 0, 0, NULL,
        FIELD_FILLED, "Name of the header column unchanged, behind the prefix."},
    {NULL},
};

static const Field target_fields[] = {
    {"type", FIELD_TEXT, AT(target_type), NULL, 0, 0, NULL, FIELD_REQUIRED,
        "The target driver; its own options stand beside it."},
    {"merge_script", FIELD_TEXT, AT(target.merge_script), "merge.sql", 0, 0, NULL, FIELD_FILLED,
        "The merge script, looked up beside the configuration file, then among those that are "
        "installed for the target type."},
    {"loaders", FIELD_INT, AT(target.loaders), "1", 1, 64, NULL, 0,
        "Connections that run @load sections side by side."},
    {"create_tables", FIELD_CHOICE, AT(target.create_tables), "stage", 0, 0, "none|stage|all", 0,
        "Which missing tables are made: none, staging tables, or base tables as well."},
    {"schema_changes", FIELD_CHOICE, AT(target.schema_changes), "stop", 0, 0,
        "inherit|stop|add_columns|ignore", 0,
        "What happens when the source's columns change: stop waits until the target has them and "
        "names the statements, add_columns adds new columns and otherwise waits, ignore leaves "
        "out what the target lacks. A table rule may say otherwise; inherit means stop here."},
    {"command_time_limit", FIELD_TIME, AT(target.command_time_limit_ms), "10min", 0, 0, NULL,
        FIELD_RELOADABLE,
        "An operating-system command of a merge script that runs longer is "
        "killed and fails its block; 0: no limit."},
    {"position_schema", FIELD_TEXT, AT(target.position_schema), "", 0, 0, NULL, 0,
        "Schema of the table dray_position; empty: the connection's own."},
    {NULL},
};

static const Field retry_fields[] = {
    {"first_wait", FIELD_TIME, AT(retry.first_wait_ms), "200ms", 1, INT64_MAX, NULL,
        FIELD_RELOADABLE,
        "Wait before the first retry after a fault that may pass by itself; "
        "doubled each time."},
    {"max_wait", FIELD_TIME, AT(retry.max_wait_ms), "30s", 1, INT64_MAX, NULL, FIELD_RELOADABLE,
        "The longest wait between two retries."},
    {"max_time", FIELD_TIME, AT(retry.max_time_ms), "0", 0, 0, NULL, FIELD_RELOADABLE,
        "Stop the service when a fault has lasted this long; 0: retry without end."},
    {NULL},
};

static const Field bootstrap_fields[] = {
    {"connections", FIELD_INT, AT(bootstrap.connections), "4", 1, 64, NULL, 0,
        "Tables that dray bootstrap copies side by side, each with a connection to the source and "
        "one to the target."},
    {"chunk_rows", FIELD_INT, AT(bootstrap.chunk_rows), "100000", 1, INT64_MAX, NULL, 0,
        "Rows that dray bootstrap reads, merges and commits at once."},
    {NULL},
};

static const Field verify_fields[] = {
    {"connections", FIELD_INT, AT(verify.connections), "2", 1, 64, NULL, 0,
        "Tables that dray verify compares side by side."},
    {"slice_rows", FIELD_INT, AT(verify.slice_rows), "10000", 1, INT64_MAX, NULL, 0,
        "About how many rows one checksum of dray verify covers; where it differs, these rows are "
        "compared one by one."},
    {"max_keys", FIELD_INT, AT(verify.max_keys), "100", 1, INT64_MAX, NULL, 0,
        "How many differing keys of a table dray verify prints."},
    {NULL},
};

static const Field log_fields[] = {
    {"level", FIELD_CHOICE, AT(log.level), "info", 0, 0, "error|warn|info|debug", FIELD_RELOADABLE,
        "The least important lines that are written."},
    {"file", FIELD_PATH, AT(log.file), NULL, 0, 0, NULL, FIELD_RELOADABLE,
        "Append to this file. Without it log lines go to standard error."},
    {NULL},
};

const ConfigSection config_sections[] = {
    {"", "The service.", service_fields},
    {"source", "Where changes come from.", source_fields},
    {"block", "Commit blocks: how large they become, where they are, how long they are kept.",
        block_fields},
    {"csv", "How the CSV files spell null.", csv_fields},
    {"values", "What becomes of values that the target cannot hold.", values_fields},
    {"stage", "Staging tables and the header columns of CSV files.", stage_fields},
    {"target", "The warehouse, and how rows are merged into it.", target_fields},
    {"retry",
        "Waiting after faults that may pass by themselves: lost connections, deadlocks, "
        "a server that is starting.",
        retry_fields},
    {"bootstrap", "Copying the rows that are there before the changes.", bootstrap_fields},
    {"verify", "Comparing source and target.", verify_fields},
    {"log", "Log lines.", log_fields},
    {NULL, NULL, NULL},
};

/* One reading of a file. */
typedef struct Loading {
    Document document;
    Config *config;
    const yaml_node_t *root;
} Loading;

/* An option's node, or the nearest one above it. */
static const yaml_node_t *
option_node(Loading *loading, const char *section, const char *option)
{
    const yaml_node_t *above = section_child(&loading->document, loading->root, section);
    const yaml_node_t *node = section_child(&loading->document, above, option);

    if (node != NULL)
        return node;
    return above != NULL ? above : loading->root;
}

static void
check_service(Loading *loading)
{
    Text name = text_of(loading->config->service);
    bool ok =
        name.len >= 1 && name.len <= SERVICE_MAX && !text_is(name, ".") && !text_is(name, "..");
    CLEANUP(buf_clear) Buf shown = BUF_INIT;

    if (name.data == NULL)
        return;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '-');
    }
    if (ok)
        return;
    document_add_shown(
        &shown, document_raw(section_child(&loading->document, loading->root, "service")));
    document_mistake(&loading->document,
        section_child(&loading->document, loading->root, "service"), "service",
        "%s is not 1 to %d of the characters A-Z a-z 0-9 _ . -", shown.data, SERVICE_MAX);
}

static void
check_null_word(Loading *loading)
{
    Text word = text_of(loading->config->csv.null_word);
    bool ok = word.len >= 1 && word.len <= 64;
    CLEANUP(buf_clear) Buf shown = BUF_INIT;
    const yaml_node_t *node = option_node(loading, "csv", "null");

    if (word.data == NULL)
        return;
    for (size_t i = 0; i < word.len; i++)
        ok = ok && word.data[i] > ' ' && word.data[i] < 0x7f && strchr("\",", word.data[i]) == NULL;
    if (ok)
        return;
    document_add_shown(&shown, document_raw(node));
    document_mistake(&loading->document, node, "csv.null",
        "%s is not a word of 1 to 64 ASCII characters without blank, comma and quote", shown.data);
}

typedef struct HeaderName {
    const char *name;
    bool needed;
    const char *option;
    size_t offset; /* of the name of the column in Config */
} HeaderName;

static const HeaderName header_names[] = {
    {"opcode", true, "opcode_column", AT(stage.opcode_column)},
    {"seqno", true, "seqno_column", AT(stage.seqno_column)},
    {"row_id", true, "row_id_column", AT(stage.row_id_column)},
    {"timestamp", true, "timestamp_column", AT(stage.timestamp_column)},
    {"service", false, "service_column", AT(stage.service_column)},
    {"unchanged", false, "unchanged_column", AT(stage.unchanged_column)},
};

static const char *
header_column(const Loading *loading, const HeaderName *header)
{
    const char *name;

    memcpy(&name, (const char *)loading->config + header->offset, sizeof(name));
    return name;
}

static size_t
count_header(const TextList *list, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += strcmp(list->items[i], name) == 0 ? 1 : 0;
    return count;
}

static bool
is_header(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(header_names); i++) {
        if (strcmp(header_names[i].name, name) == 0)
            return true;
    }
    return false;
}

static void
check_header_columns(Loading *loading)
{
    const TextList *list = &loading->config->stage.header_columns;
    const yaml_node_t *node = option_node(loading, "stage", "header_columns");
    const char *option = "stage.header_columns";

    for (size_t i = 0; i < list->count; i++) {
        CLEANUP(buf_clear) Buf shown = BUF_INIT;

        if (is_header(list->items[i]))
            continue;
        document_add_shown(&shown, text_of(list->items[i]));
        document_mistake(&loading->document, node, option,
            "%s is not one of opcode, seqno, row_id, timestamp, service, unchanged", shown.data);
    }
    for (size_t i = 0; i < ARRAY_LEN(header_names); i++) {
        size_t count = count_header(list, header_names[i].name);

        if (count == 0 && header_names[i].needed)
            document_mistake(
                &loading->document, node, option, "%s is missing", header_names[i].name);
        else if (count > 1)
            document_mistake(
                &loading->document, node, option, "%s is given twice", header_names[i].name);
    }
}

/* Names of columns must differ, and staging tables from base tables. */
static void
check_stage(Loading *loading)
{
    const StageConfig *stage = &loading->config->stage;

    for (size_t i = 0; i < ARRAY_LEN(header_names); i++) {
        const char *name = header_column(loading, &header_names[i]);

        for (size_t j = 0; j < i; j++) {
            if (!text_equal_nocase(
                    text_of(header_column(loading, &header_names[j])), text_of(name)))
                continue;
            document_mistake(&loading->document,
                option_node(loading, "stage", header_names[i].option),
                arena_printf(loading->config->arena, "stage.%s", header_names[i].option),
                "the same name as %s", header_names[j].option);
        }
    }
    if (stage->schema[0] == '\0' && stage->table_prefix[0] == '\0')
        document_mistake(&loading->document, option_node(loading, "stage", "table_prefix"),
            "stage.table_prefix",
            "table_prefix and schema are both empty: a staging table would be its base table");
}

static void
check_retry(Loading *loading)
{
    if (loading->config->retry.first_wait_ms > loading->config->retry.max_wait_ms)
        document_mistake(&loading->document, option_node(loading, "retry", "first_wait"),
            "retry.first_wait", "more than retry.max_wait");
}

/* The driver that "type" names, or NULL after a mistake was noted (missing: section_read does). */
static const DriverFields *
find_driver(Loading *loading, const char *section, const DriverFields *drivers)
{
    const yaml_node_t *node = section_child(&loading->document, loading->root, section);
    const yaml_node_t *type = section_child(&loading->document, node, "type");
    const char *option = arena_printf(loading->config->arena, "%s.type", section);
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Guess guess;
    Text name;

    /* what is no text is reported with the other options */
    if (type == NULL || type->type != YAML_SCALAR_NODE || section_is_empty(type))
        return NULL;
    if (strstr((const char *)type->data.scalar.value, "${") != NULL) {
        document_mistake(&loading->document, type, option, "must be written out, without ${");
        return NULL;
    }
    name = document_raw(type);
    guess = (Guess){.wanted = name};
    for (const DriverFields *driver = drivers; driver->name != NULL; driver++) {
        if (text_is(name, driver->name) && driver->missing == NULL)
            return driver;
        if (text_is(name, driver->name)) {
            document_mistake(&loading->document, type, option, "%s is not in this build: %s",
                driver->name, driver->missing);
            return NULL;
        }
        guess_name(&guess, driver->name);
    }
    document_add_shown(&text, name);
    buf_addf(&text, " is not one of");
    for (const DriverFields *driver = drivers; driver->name != NULL; driver++)
        buf_addf(&text, "%s %s", driver == drivers ? "" : ",", driver->name);
    guess_print(&guess, &text);
    document_mistake(&loading->document, type, option, "%s", text.data);
    return NULL;
}

static void
read_section(Loading *loading, const char *name, const Field *fields, const DriverFields *driver,
    void *options)
{
    const SectionTable tables[] = {
        {fields, loading->config, ""},
        {driver == NULL ? NULL : driver->fields, options, ""},
    };
    const bool is_driven = fields == source_fields || fields == target_fields;
    const Section section = {
        .name = name,
        .tables = tables,
        .table_count = driver == NULL || driver->fields == NULL ? 1 : 2,
        .open = is_driven && driver == NULL,
    };

    section_read(&loading->document, section_child(&loading->document, loading->root, name),
        loading->root, &section);
}

static void *
read_driver_section(
    Loading *loading, const char *name, const Field *fields, const DriverFields *drivers)
{
    const DriverFields *driver = find_driver(loading, name, drivers);
    Arena *arena = loading->config->arena;
    void *options = arena_alloc(arena, driver == NULL ? 1 : driver->options_size + 1);

    if (driver != NULL && driver->fields != NULL)
        field_set_presets(driver->fields, loading->document.directory, arena, options);
    read_section(loading, name, fields, driver, options);
    return options;
}

static void
read_all(Loading *loading, const ConfigSchema *schema)
{
    static const char *const others[] = {"source", "block", "csv", "values", "stage", "target",
        "retry", "bootstrap", "verify", "log", "tables", NULL};
    Config *config = loading->config;
    const SectionTable top = {service_fields, config, ""};
    const Section section = {.name = "", .tables = &top, .table_count = 1, .others = others};

    for (size_t i = 0; config_sections[i].name != NULL; i++)
        field_set_presets(
            config_sections[i].fields, loading->document.directory, config->arena, config);
    section_read(&loading->document, loading->root, NULL, &section);
    if (loading->root != NULL && loading->root->type != YAML_MAPPING_NODE)
        return;
    config->source_options = read_driver_section(loading, "source", source_fields, schema->sources);
    config->target_options = read_driver_section(loading, "target", target_fields, schema->targets);
    for (size_t i = 0; config_sections[i].name != NULL; i++) {
        const ConfigSection *one = &config_sections[i];

        if (one->fields != service_fields && one->fields != source_fields &&
            one->fields != target_fields)
            read_section(loading, one->name, one->fields, NULL, NULL);
    }
    table_rules_read(&loading->document, section_child(&loading->document, loading->root, "tables"),
        &config->tables);
    check_service(loading);
    check_null_word(loading);
    check_header_columns(loading);
    check_stage(loading);
    check_retry(loading);
    if (config->target.schema_changes == SCHEMA_INHERIT)
        config->target.schema_changes = SCHEMA_STOP;
}

Config *
config_parse(const char *path, Text yaml, const ConfigSchema *schema, Error *err)
{
    Arena *arena = arena_new();
    CLEANUP(config_free) Config *config = ARENA_NEW(arena, Config);
    Loading loading = {.config = config};
    /* declared behind what it points at, which must outlive it */
    CLEANUP(document_close) Document *document = NULL;
    char *directory = file_directory(path);

    config->arena = arena;
    config->path = arena_string(arena, path);
    config->directory = arena_string(arena, directory);
    free(directory);
    document = &loading.document;
    if (!document_open(document, config->path, config->directory, yaml, arena, err))
        return NULL;
    loading.root = document_root(document);
    read_all(&loading, schema);
    if (!document_finish(document, err))
        return NULL;
    return STEAL(config);
}

Config *
config_load(const char *path, const ConfigSchema *schema, Error *err)
{
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;

    if (!file_read_all(path, FILE_SIZE_MAX, &yaml, err)) {
        err->kind = ERR_CONFIG;
        return NULL;
    }
    return config_parse(path, buf_text(&yaml), schema, err);
}

static bool
read_pidfile(const char *path, Text yaml, Arena *arena, char **ret_pidfile, Error *err)
{
    Document storage = {0};
    CLEANUP(document_close) Document *document = &storage;
    char *directory = file_directory(path);
    Config config = {0};
    const SectionTable table = {PIDFILE_FIELDS, &config, ""};
    const Section section = {.name = "", .tables = &table, .table_count = 1, .open = true};
    bool ok = document_open(document, path, arena_string(arena, directory), yaml, arena, err);

    free(directory);
    if (!ok)
        return false;
    section_read(document, document_root(document), NULL, &section);
    if (!document_finish(document, err))
        return false;
    if (config.pidfile == NULL)
        return error_set(err, ERR_CONFIG, "%s: pidfile is not set", path);
    *ret_pidfile = text_dup(text_of(config.pidfile));
    return true;
}

char *
config_load_pidfile(const char *path, Error *err)
{
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    char *pidfile = NULL;
    Arena *arena;

    if (!file_read_all(path, FILE_SIZE_MAX, &yaml, err)) {
        err->kind = ERR_CONFIG;
        return NULL;
    }
    arena = arena_new();
    (void)!read_pidfile(path, buf_text(&yaml), arena, &pidfile, err);
    arena_free(arena);
    return pidfile;
}

void
config_free(Config *config)
{
    if (config == NULL)
        return;
    table_rules_close(&config->tables);
    arena_free(config->arena);
}
