#include "block/manifest.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "block/manifest_read.h"

static const char *const opcode_names[OPCODE_COUNT] = {
    [OPCODE_I] = "I",
    [OPCODE_D] = "D",
    [OPCODE_U] = "U",
    [OPCODE_UI] = "UI",
    [OPCODE_UD] = "UD",
    [OPCODE_O] = "O",
};

const char *
opcode_name(Opcode opcode)
{
    assert(opcode < OPCODE_COUNT);
    return opcode_names[opcode];
}

bool
opcode_parse(Text text, Opcode *ret)
{
    for (size_t i = 0; i < OPCODE_COUNT; i++) {
        if (text_is(text, opcode_names[i])) {
            *ret = (Opcode)i;
            return true;
        }
    }
    return false;
}

const char *const manifest_style_names[] = {"quoted", "tungsten_mysql", "tungsten_default", NULL};
const char *const manifest_bytes_names[] = {"hex", "backslash_hex", NULL};
const char *const manifest_bools_names[] = {"letters", "digits", NULL};
const char *const manifest_zone_names[] = {"kept", "utc", NULL};
const char *const manifest_geometry_names[] = {"ewkb", "ewkt", "srid_wkb", NULL};

static json_t *
text_json(Text text)
{
    CLEANUP(buf_clear) Buf hex = BUF_INIT;
    json_t *object;

    if (text.data == NULL)
        return json_string("");
    if (text_is_utf8(text, NULL) && memchr(text.data, '\0', text.len) == NULL)
        return json_stringn(text.data, text.len);
    for (size_t i = 0; i < text.len; i++)
        buf_addf(&hex, "%02x", (unsigned char)text.data[i]);
    object = json_object();
    (void)json_object_set_new(object, "hex", json_string(buf_string(&hex)));
    return object;
}

static json_t *
u64_json(uint64_t number)
{
    char digits[24];

    if (number <= INT64_MAX)
        return json_integer((json_int_t)number);
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
    return json_string(digits);
}

static json_t *
time_json(int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    return time_us == TIME_UNKNOWN ? json_null() : json_string(clock_format(time_us, text).data);
}

/* jansson answers -1 for a value that is NULL: only when memory is out. */
static void
put(json_t *object, const char *name, json_t *value)
{
    if (value == NULL || json_object_set_new(object, name, value) != 0)
        abort();
}

static void
append(json_t *array, json_t *value)
{
    if (value == NULL || json_array_append_new(array, value) != 0)
        abort();
}

static json_t *
dialect_json(const CsvDialect *dialect)
{
    const Notation *notation = &dialect->notation;
    json_t *object = json_object();
    json_t *header = json_array();

    put(object, "style", json_string(manifest_style_names[dialect->style]));
    put(object, "null_word", text_json(dialect->null_word));
    for (size_t i = 0; i < dialect->header_count; i++) {
        json_t *column = json_object();

        put(column, "column", json_string(header_column_name(dialect->header[i])));
        put(column, "name", text_json(dialect->header_names[dialect->header[i]]));
        append(header, column);
    }
    put(object, "header", header);
    put(object, "bytes", json_string(manifest_bytes_names[notation->bytes]));
    put(object, "bools", json_string(manifest_bools_names[notation->bools]));
    put(object, "zone", json_string(manifest_zone_names[notation->zone]));
    put(object, "geometry", json_string(manifest_geometry_names[notation->geometry]));
    put(object, "numeric_nan", json_boolean(notation->numeric_nan));
    put(object, "numeric_infinity", json_boolean(notation->numeric_infinity));
    put(object, "float_special", json_boolean(notation->float_special));
    put(object, "infinite_dates", json_boolean(notation->infinite_dates));
    put(object, "bc_dates", json_boolean(notation->bc_dates));
    put(object, "zero_dates", json_boolean(notation->zero_dates));
    put(object, "max_year", json_integer(notation->max_year));
    put(object, "fraction_digits", json_integer(notation->fraction_digits));
    put(object, "max_hours", json_integer(notation->max_hours));
    put(object, "nul_texts", json_boolean(notation->nul_texts));
    put(object, "long_times", json_boolean(notation->long_times));
    return object;
}

static json_t *
columns_json(const BlockFile *file)
{
    json_t *columns = json_array();

    for (size_t i = 0; i < file->column_count; i++) {
        json_t *column = json_object();

        put(column, "name", text_json(file->columns[i].name));
        put(column, "source_type", text_json(file->columns[i].source_type));
        put(column, "logical", json_string(logical_type_name(file->columns[i].logical)));
        append(columns, column);
    }
    return columns;
}

static json_t *
contested_json(const BlockFile *file)
{
    json_t *pairs = json_array();

    for (size_t i = 0; i < file->contested_count; i++) {
        json_t *pair = json_array();

        append(pair, u64_json(file->contested[i].image));
        append(pair, u64_json(file->contested[i].end));
        append(pairs, pair);
    }
    return pairs;
}

/* Positions from 1, as in the lines. */
static json_t *
unchanged_json(const BlockFile *file)
{
    json_t *positions = json_array();

    for (size_t i = 0; i < file->unchanged_count; i++)
        append(positions, u64_json(file->unchanged[i] + 1));
    return positions;
}

static json_t *
file_json(const BlockFile *file)
{
    json_t *object = json_object();
    json_t *rows = json_object();
    json_t *key = json_array();
    char checksum[20];

    (void)snprintf(checksum, sizeof(checksum), "%016" PRIx64, file->checksum);
    for (size_t i = 0; i < OPCODE_COUNT; i++)
        if (file->rows[i] > 0)
            put(rows, opcode_names[i], u64_json(file->rows[i]));
    for (size_t i = 0; i < file->key_count; i++)
        append(key, u64_json(file->key[i]));
    put(object, "name", file->name.data == NULL ? json_null() : text_json(file->name));
    put(object, "schema", text_json(file->schema));
    put(object, "table", text_json(file->table));
    put(object, "generation", u64_json(file->generation));
    put(object, "truncate", json_boolean(file->truncate));
    if (file->truncate) {
        put(object, "truncate_seqno", u64_json(file->truncate_seqno));
        put(object, "truncate_time", time_json(file->truncate_time_us));
    }
    put(object, "row_count", u64_json(file->row_count));
    put(object, "rows", rows);
    put(object, "bytes", u64_json(file->bytes));
    put(object, "checksum", json_string(checksum));
    put(object, "key", key);
    put(object, "columns", columns_json(file));
    if (file->contested_count > 0)
        put(object, "contested", contested_json(file));
    if (file->unchanged_count > 0)
        put(object, "unchanged", unchanged_json(file));
    if (file->moved_origins > 0)
        put(object, "moved_origins", u64_json(file->moved_origins));
    return object;
}

void
manifest_print(const Manifest *manifest, Buf *out)
{
    json_t *root = json_object();
    json_t *files = json_array();
    char *text;

    put(root, "version", json_integer(MANIFEST_VERSION));
    put(root, "service", text_json(manifest->service));
    put(root, "fence", u64_json(manifest->fence));
    put(root, "first_seqno", u64_json(manifest->first_seqno));
    put(root, "last_seqno", u64_json(manifest->last_seqno));
    put(root, "transactions", u64_json(manifest->transactions));
    put(root, "first_commit", time_json(manifest->first_commit_us));
    put(root, "last_commit", time_json(manifest->last_commit_us));
    put(root, "position_before", text_json(manifest->position_before));
    put(root, "position_after", text_json(manifest->position_after));
    put(root, "target_type", text_json(manifest->target_type));
    put(root, "dialect", dialect_json(&manifest->dialect));
    for (size_t i = 0; i < manifest->file_count; i++)
        append(files, file_json(&manifest->files[i]));
    put(root, "files", files);
    text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (text == NULL)
        abort();
    buf_add_string(out, text);
    buf_add_char(out, '\n');
    free(text);
}

bool
manifest_write(const Manifest *manifest, const char *directory, Error *err)
{
    CLEANUP(buf_clear) Buf path = BUF_INIT;
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    buf_addf(&path, "%s/%s", directory, MANIFEST_FILE);
    manifest_print(manifest, &text);
    return file_write_durable(path.data, text.data, text.len, err);
}
