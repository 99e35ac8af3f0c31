/* Reading of manifest.json: the fields' names and order are in manifest.c. */
#include "block/manifest.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/map.h"
#include "block/manifest_read.h"

#define MANIFEST_LIMIT ((size_t)1 << 28)

/* Where in the document a field stands, for error texts: "files[2].columns[0]". */
typedef struct Place {
    const char *path; /* of the manifest */
    char within[80];  /* "" at the top, else it ends in "." */
    Arena *arena;
} Place;

static bool
fail(const Place *place, const char *field, const char *reason, Error *err)
{
    return error_set(err, ERR_DATA, "%s: %s%s: %s", place->path, place->within, field, reason);
}

static void
document_free(json_t *json)
{
    json_decref(json);
}
CLEANUP_DEFINE(json_t *, document_free);

static bool
hex_text(const char *hex, size_t len, Arena *arena, Text *ret)
{
    char *data = arena_alloc(arena, len / 2 + 1);
    unsigned byte = 0;

    for (size_t i = 0; i < len; i++) {
        char c = hex[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        byte = byte << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        if (i % 2 == 1)
            data[i / 2] = (char)byte;
    }
    *ret = (Text){data, len / 2};
    return len % 2 == 0;
}

static bool
text_value(const Place *place, const char *field, const json_t *value, Text *ret, Error *err)
{
    const json_t *hex = json_object_get(value, "hex");

    if (json_is_string(value)) {
        *ret =
            arena_text(place->arena, (Text){json_string_value(value), json_string_length(value)});
        return true;
    }
    if (json_is_string(hex) && json_object_size(value) == 1 &&
        hex_text(json_string_value(hex), json_string_length(hex), place->arena, ret))
        return true;
    return fail(place, field, value == NULL ? "missing" : "not a text", err);
}

static bool
get_text(const Place *place, const json_t *object, const char *field, Text *ret, Error *err)
{
    return text_value(place, field, json_object_get(object, field), ret, err);
}

static bool
u64_value(const Place *place, const char *field, const json_t *value, uint64_t *ret, Error *err)
{
    if (value == NULL)
        return fail(place, field, "missing", err);
    if (json_is_string(value) &&
        text_to_u64((Text){json_string_value(value), json_string_length(value)}, ret))
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return fail(place, field, "not a whole number of 0 to 18446744073709551615", err);
    *ret = (uint64_t)json_integer_value(value);
    return true;
}

static bool
get_u64(const Place *place, const json_t *object, const char *field, uint64_t *ret, Error *err)
{
    return u64_value(place, field, json_object_get(object, field), ret, err);
}

static bool
get_int(const Place *place, const json_t *object, const char *field, int64_t max, int64_t *ret,
    Error *err)
{
    const json_t *value = json_object_get(object, field);

    if (value == NULL)
        return fail(place, field, "missing", err);
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return fail(place, field, "not a whole number in range", err);
    *ret = json_integer_value(value);
    return true;
}

static bool
get_bool(const Place *place, const json_t *object, const char *field, bool *ret, Error *err)
{
    const json_t *value = json_object_get(object, field);

    if (!json_is_boolean(value))
        return fail(place, field, value == NULL ? "missing" : "neither true nor false", err);
    *ret = json_is_true(value);
    return true;
}

/* One that a manifest of an older program has not: false then. */
static bool
get_new_bool(const Place *place, const json_t *object, const char *field, bool *ret, Error *err)
{
    *ret = false;
    return json_object_get(object, field) == NULL || get_bool(place, object, field, ret, err);
}

static bool
get_time(const Place *place, const json_t *object, const char *field, int64_t *ret, Error *err)
{
    const json_t *value = json_object_get(object, field);

    if (json_is_null(value)) {
        *ret = TIME_UNKNOWN;
        return true;
    }
    if (!json_is_string(value) ||
        !clock_parse((Text){json_string_value(value), json_string_length(value)}, ret))
        return fail(place, field, value == NULL ? "missing" : "neither a time nor null", err);
    return true;
}

/* The index of a word in names. */
static bool
get_word(const Place *place, const json_t *object, const char *field, const char *const *names,
    int *ret, Error *err)
{
    const json_t *value = json_object_get(object, field);

    if (!json_is_string(value))
        return fail(place, field, value == NULL ? "missing" : "not a text", err);
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(json_string_value(value), names[i]) == 0) {
            *ret = i;
            return true;
        }
    }
    return fail(place, field, "an unknown word", err);
}

static bool
get_container(const Place *place, const json_t *object, const char *field, bool is_array,
    const json_t **ret, Error *err)
{
    const json_t *value = json_object_get(object, field);

    if (value == NULL)
        return fail(place, field, "missing", err);
    if (is_array ? !json_is_array(value) : !json_is_object(value))
        return fail(place, field, is_array ? "not an array" : "not an object", err);
    *ret = value;
    return true;
}

static bool
read_header(const Place *place, const json_t *object, CsvDialect *dialect, Error *err)
{
    const json_t *header = NULL;
    bool seen[HEADER_COUNT] = {false};

    if (!get_container(place, object, "header", true, &header, err))
        return false;
    if (json_array_size(header) > HEADER_COUNT)
        return fail(place, "header", "too many columns", err);
    for (size_t i = 0; i < json_array_size(header); i++) {
        const json_t *entry = json_array_get(header, i);
        HeaderColumn column;
        Text word;

        if (!get_text(place, entry, "column", &word, err))
            return false;
        if (!header_column_parse(word, &column) || seen[column])
            return fail(place, "header", "an unknown or repeated column", err);
        seen[column] = true;
        dialect->header[i] = column;
        if (!get_text(place, entry, "name", &dialect->header_names[column], err))
            return false;
    }
    dialect->header_count = json_array_size(header);
    return true;
}

static bool
read_notation(const Place *place, const json_t *object, Notation *notation, Error *err)
{
    int bytes = 0;
    int bools = 0;
    int zone = 0;
    int geometry = GEOMETRY_EWKB; /* of manifests from before there were geometries */
    int64_t max_year = 0;
    int64_t digits = 0;

    if (!get_word(place, object, "bytes", manifest_bytes_names, &bytes, err) ||
        !get_word(place, object, "bools", manifest_bools_names, &bools, err) ||
        !get_word(place, object, "zone", manifest_zone_names, &zone, err) ||
        (json_object_get(object, "geometry") != NULL &&
            !get_word(place, object, "geometry", manifest_geometry_names, &geometry, err)) ||
        !get_bool(place, object, "numeric_nan", &notation->numeric_nan, err) ||
        !get_bool(place, object, "numeric_infinity", &notation->numeric_infinity, err) ||
        !get_bool(place, object, "float_special", &notation->float_special, err) ||
        !get_bool(place, object, "infinite_dates", &notation->infinite_dates, err) ||
        !get_bool(place, object, "bc_dates", &notation->bc_dates, err) ||
        !get_bool(place, object, "zero_dates", &notation->zero_dates, err) ||
        !get_int(place, object, "max_year", INT32_MAX, &max_year, err) ||
        !get_int(place, object, "fraction_digits", 1000, &digits, err) ||
        !get_int(place, object, "max_hours", INT64_MAX, &notation->max_hours, err) ||
        !get_new_bool(place, object, "long_times", &notation->long_times, err) ||
        !get_new_bool(place, object, "nul_texts", &notation->nul_texts, err))
        return false;
    notation->bytes = (BytesNotation)bytes;
    notation->bools = (BoolNotation)bools;
    notation->zone = (ZoneNotation)zone;
    notation->geometry = (GeometryNotation)geometry;
    notation->max_year = (int)max_year;
    notation->fraction_digits = (int)digits;
    return true;
}

static bool
read_dialect(Place place, const json_t *root, CsvDialect *dialect, Error *err)
{
    const json_t *object = NULL;
    int style = 0;

    if (!get_container(&place, root, "dialect", false, &object, err))
        return false;
    (void)snprintf(place.within, sizeof(place.within), "dialect.");
    if (!get_word(&place, object, "style", manifest_style_names, &style, err) ||
        !get_text(&place, object, "null_word", &dialect->null_word, err))
        return false;
    dialect->style = (CsvStyle)style;
    return read_header(&place, object, dialect, err) &&
           read_notation(&place, object, &dialect->notation, err);
}

static bool
read_columns(const Place *place, const json_t *object, BlockFile *file, Error *err)
{
    const json_t *columns = NULL;

    if (!get_container(place, object, "columns", true, &columns, err))
        return false;
    file->column_count = json_array_size(columns);
    file->columns = ARENA_ARRAY(place->arena, BlockColumn, file->column_count + 1);
    for (size_t i = 0; i < file->column_count; i++) {
        const json_t *entry = json_array_get(columns, i);
        BlockColumn *column = &file->columns[i];
        Place at = *place;
        Text logical;

        (void)snprintf(at.within, sizeof(at.within), "%.40scolumns[%zu].", place->within, i);
        if (!get_text(&at, entry, "name", &column->name, err) ||
            !get_text(&at, entry, "source_type", &column->source_type, err) ||
            !get_text(&at, entry, "logical", &logical, err))
            return false;
        if (!logical_type_parse(logical, &column->logical))
            return fail(&at, "logical", "an unknown type", err);
    }
    return true;
}

static bool
read_key(const Place *place, const json_t *object, BlockFile *file, Error *err)
{
    const json_t *key = NULL;

    if (!get_container(place, object, "key", true, &key, err))
        return false;
    file->key_count = json_array_size(key);
    if (file->key_count > file->column_count)
        return fail(place, "key", "more entries than columns", err);
    file->key = ARENA_ARRAY(place->arena, size_t, file->key_count + 1);
    for (size_t i = 0; i < file->key_count; i++) {
        uint64_t index = 0;

        if (!u64_value(place, "key", json_array_get(key, i), &index, err))
            return false;
        if (index >= file->column_count)
            return fail(place, "key", "no such column", err);
        for (size_t j = 0; j < i; j++)
            if (file->key[j] == index)
                return fail(place, "key", "a column twice", err);
        file->key[i] = index;
    }
    return true;
}

static bool
read_rows(const Place *place, const json_t *object, BlockFile *file, Error *err)
{
    const json_t *rows = NULL;
    uint64_t sum = 0;

    if (!get_u64(place, object, "row_count", &file->row_count, err) ||
        !get_container(place, object, "rows", false, &rows, err))
        return false;
    for (size_t i = 0; i < OPCODE_COUNT; i++) {
        const json_t *value = json_object_get(rows, opcode_name((Opcode)i));

        if (value == NULL)
            continue;
        if (!u64_value(place, "rows", value, &file->rows[i], err))
            return false;
        if (__builtin_add_overflow(sum, file->rows[i], &sum))
            return fail(place, "rows", "the sum is too large", err);
    }
    if (sum != file->row_count)
        return fail(place, "row_count", "not the sum of rows", err);
    return true;
}

/* A name is looked up in the block's directory and nowhere else. */
static bool
read_name(const Place *place, const json_t *object, BlockFile *file, Error *err)
{
    const json_t *value = json_object_get(object, "name");

    file->name = TEXT_NONE;
    if (json_is_null(value)) {
        if (!file->truncate || file->row_count > 0 || file->bytes > 0)
            return fail(place, "name", "null, but there are rows or no truncate", err);
        return true;
    }
    if (!text_value(place, "name", value, &file->name, err))
        return false;
    if (file->name.len == 0 || file->name.len > 255 ||
        memchr(file->name.data, '/', file->name.len) ||
        memchr(file->name.data, '\0', file->name.len) || text_is(file->name, ".") ||
        text_is(file->name, "..") || text_is(file->name, MANIFEST_FILE))
        return fail(place, "name", "not a file name in the block's directory", err);
    return true;
}

static bool
read_checksum(const Place *place, const json_t *object, uint64_t *ret, Error *err)
{
    Text text;
    uint64_t sum = 0;

    if (!get_text(place, object, "checksum", &text, err))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (text.len != 16 || !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return fail(place, "checksum", "not 16 hex digits", err);
        sum = sum << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    if (text.len == 0)
        return fail(place, "checksum", "not 16 hex digits", err);
    *ret = sum;
    return true;
}

static bool
read_contested(const Place *place, const json_t *object, BlockFile *file, Error *err)
{
    const json_t *pairs = json_object_get(object, "contested");

    if (pairs == NULL)
        return true;
    if (!get_container(place, object, "contested", true, &pairs, err))
        return false;
    file->contested_count = json_array_size(pairs);
    if (file->contested_count > CONTESTED_LIMIT)
        return fail(place, "contested", "too many pairs", err);
    if (file->contested_count > 0 && file->key_count == 0)
        return fail(place, "contested", "pairs, but there is no key", err);
    file->contested = ARENA_ARRAY(place->arena, ContestedPair, file->contested_count + 1);
    for (size_t i = 0; i < file->contested_count; i++) {
        const json_t *pair = json_array_get(pairs, i);
        ContestedPair *to = &file->contested[i];

        if (!json_is_array(pair) || json_array_size(pair) != 2)
            return fail(place, "contested", "not a pair of two row_ids", err);
        if (!u64_value(place, "contested", json_array_get(pair, 0), &to->image, err) ||
            !u64_value(place, "contested", json_array_get(pair, 1), &to->end, err))
            return false;
        if (to->image == 0 || to->image >= to->end || to->end > file->row_count)
            return fail(place, "contested", "not an earlier and a later line of the file", err);
        if (i > 0 && to->end <= file->contested[i - 1].end)
            return fail(place, "contested", "not in the order of the later lines", err);
    }
    return true;
}

static bool
read_unchanged(const Place *place, const json_t *object, BlockFile *file, Error *err)
{
    const json_t *positions = json_object_get(object, "unchanged");

    if (json_object_get(object, "moved_origins") != NULL &&
        !get_u64(place, object, "moved_origins", &file->moved_origins, err))
        return false;
    if (positions != NULL && !get_container(place, object, "unchanged", true, &positions, err))
        return false;
    if (file->moved_origins > file->rows[OPCODE_O])
        return fail(place, "moved_origins", "more than there are O lines", err);
    if ((positions != NULL && json_array_size(positions) > 0) != (file->rows[OPCODE_O] > 0))
        return fail(place, "unchanged", "O lines without columns, or columns without O lines", err);
    file->unchanged_count = json_array_size(positions);
    file->unchanged = ARENA_ARRAY(place->arena, size_t, file->unchanged_count + 1);
    for (size_t i = 0; i < file->unchanged_count; i++) {
        uint64_t position;

        if (!u64_value(place, "unchanged", json_array_get(positions, i), &position, err))
            return false;
        if (position == 0 || position > file->column_count)
            return fail(place, "unchanged", "no such column", err);
        file->unchanged[i] = (size_t)position - 1;
        if (i > 0 && file->unchanged[i] <= file->unchanged[i - 1])
            return fail(place, "unchanged", "not in the order of the columns", err);
    }
    return true;
}

static bool
read_file(const Place *place, const json_t *object, BlockFile *file, Error *err)
{
    file->truncate_time_us = TIME_UNKNOWN;
    if (!json_is_object(object))
        return fail(place, "name", "not an object", err);
    if (!get_text(place, object, "schema", &file->schema, err) ||
        !get_text(place, object, "table", &file->table, err) ||
        !get_u64(place, object, "generation", &file->generation, err) ||
        !get_bool(place, object, "truncate", &file->truncate, err))
        return false;
    if (file->generation == 0)
        return fail(place, "generation", "generations begin at 1", err);
    if (file->truncate &&
        (!get_u64(place, object, "truncate_seqno", &file->truncate_seqno, err) ||
            !get_time(place, object, "truncate_time", &file->truncate_time_us, err)))
        return false;
    return read_rows(place, object, file, err) &&
           get_u64(place, object, "bytes", &file->bytes, err) &&
           read_name(place, object, file, err) &&
           read_checksum(place, object, &file->checksum, err) &&
           read_columns(place, object, file, err) && read_key(place, object, file, err) &&
           read_contested(place, object, file, err) && read_unchanged(place, object, file, err);
}

static bool
read_files(const Place *place, const json_t *root, Manifest *manifest, Error *err)
{
    const json_t *files = NULL;
    Map names = MAP_INIT;
    bool ok = true;

    if (!get_container(place, root, "files", true, &files, err))
        return false;
    manifest->file_count = json_array_size(files);
    manifest->files = ARENA_ARRAY(place->arena, BlockFile, manifest->file_count + 1);
    for (size_t i = 0; i < manifest->file_count && ok; i++) {
        BlockFile *file = &manifest->files[i];
        Place at = *place;

        (void)snprintf(at.within, sizeof(at.within), "files[%zu].", i);
        ok = read_file(&at, json_array_get(files, i), file, err);
        if (ok && file->name.data != NULL && map_put(&names, file->name, file) != NULL)
            ok = fail(&at, "name", "another file has the same name", err);
    }
    map_clear(&names);
    return ok;
}

static bool
read_root(const Place *place, const json_t *root, Manifest *manifest, Error *err)
{
    uint64_t version = 0;

    if (!json_is_object(root))
        return fail(place, "version", "the document is not an object", err);
    if (!get_u64(place, root, "version", &version, err))
        return false;
    if (version != MANIFEST_VERSION)
        return error_set(err, ERR_DATA,
            "%s: version: format version %" PRIu64 ", but this program reads only %d", place->path,
            version, MANIFEST_VERSION);
    if (!get_text(place, root, "service", &manifest->service, err) ||
        !get_u64(place, root, "fence", &manifest->fence, err) ||
        !get_u64(place, root, "first_seqno", &manifest->first_seqno, err) ||
        !get_u64(place, root, "last_seqno", &manifest->last_seqno, err) ||
        !get_u64(place, root, "transactions", &manifest->transactions, err) ||
        !get_time(place, root, "first_commit", &manifest->first_commit_us, err) ||
        !get_time(place, root, "last_commit", &manifest->last_commit_us, err) ||
        !get_text(place, root, "position_before", &manifest->position_before, err) ||
        !get_text(place, root, "position_after", &manifest->position_after, err) ||
        !get_text(place, root, "target_type", &manifest->target_type, err))
        return false;
    if (manifest->last_seqno < manifest->first_seqno)
        return fail(place, "last_seqno", "less than first_seqno", err);
    return read_dialect(*place, root, &manifest->dialect, err) &&
           read_files(place, root, manifest, err);
}

bool
manifest_parse(const char *path, Text json, Arena *arena, Manifest *ret_manifest, Error *err)
{
    json_error_t reason;
    CLEANUP(document_free)
    json_t *root =
        json_loadb(json.data == NULL ? "" : json.data, json.len, JSON_REJECT_DUPLICATES, &reason);
    Place place = {path, "", arena};
    Manifest manifest = {0};

    if (root == NULL)
        return error_set(err, ERR_DATA, "%s:%d: not JSON: %s", path, reason.line, reason.text);
    if (!read_root(&place, root, &manifest, err))
        return false;
    *ret_manifest = manifest;
    return true;
}

bool
manifest_read(const char *directory, Arena *arena, Manifest *ret_manifest, Error *err)
{
    CLEANUP(buf_clear) Buf path = BUF_INIT;
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    buf_addf(&path, "%s/%s", directory, MANIFEST_FILE);
    return file_read_all(path.data, MANIFEST_LIMIT, &text, err) &&
           manifest_parse(path.data, buf_text(&text), arena, ret_manifest, err);
}
