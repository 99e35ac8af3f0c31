#include "block/tungsten.h"

#include <stdlib.h>

#include "base/file.h"
#include "block/manifest.h"

/* "<rest>-<digits>.csv" */
static bool
split_name(Text name, Text *ret_rest, uint64_t *ret_seqno)
{
    size_t dash;

    if (!text_ends_with(name, ".csv"))
        return false;
    name.len -= 4;
    for (dash = name.len; dash > 0 && name.data[dash - 1] != '-';)
        dash--;
    *ret_rest = (Text){name.data, dash == 0 ? 0 : dash - 1};
    return dash > 0 && text_find(*ret_rest, '-') < ret_rest->len &&
           text_to_u64((Text){name.data + dash, name.len - dash}, ret_seqno);
}

static bool
is_table(Text rest, const TungstenTable *table)
{
    return rest.len == table->schema.len + 1 + table->table.len &&
           rest.data[table->schema.len] == '-' &&
           text_equal((Text){rest.data, table->schema.len}, table->schema) &&
           text_equal((Text){rest.data + table->schema.len + 1, table->table.len}, table->table);
}

static bool
resolve(Text rest, const TungstenTable *known, size_t known_count, TungstenFile *file, Error *err)
{
    size_t first = text_find(rest, '-');
    Text behind = {rest.data + first + 1, rest.len - first - 1};
    size_t matches = 0;

    for (size_t i = 0; i < known_count; i++) {
        if (!is_table(rest, &known[i]))
            continue;
        file->schema = known[i].schema;
        file->table = known[i].table;
        matches++;
    }
    if (matches == 1)
        return true;
    if (matches > 1 || text_find(behind, '-') < behind.len)
        return error_set(err, ERR_DATA,
            "%s: ambiguous: where does the schema's name end and the table's begin",
            file->name.data);
    file->schema = (Text){rest.data, first};
    file->table = behind;
    return true;
}

static int
by_seqno(const void *a, const void *b)
{
    const TungstenFile *left = a;
    const TungstenFile *right = b;

    if (left->first_seqno != right->first_seqno)
        return left->first_seqno < right->first_seqno ? -1 : 1;
    return text_compare(left->name, right->name);
}

bool
tungsten_list(const char *directory, const TungstenTable *known, size_t known_count, Arena *arena,
    TungstenFile **ret_files, size_t *ret_count, Error *err)
{
    FileList storage = {NULL, 0};
    CLEANUP(file_list_free) FileList *names = &storage;
    TungstenFile *files;
    size_t count = 0;

    if (!file_list(directory, names, err))
        return false;
    files = ARENA_ARRAY(arena, TungstenFile, names->count + 1);
    for (size_t i = 0; i < names->count; i++) {
        TungstenFile *file = &files[count];
        Text rest;

        file->name = arena_text(arena, text_of(names->names[i]));
        if (!split_name(file->name, &rest, &file->first_seqno))
            continue;
        if (!text_is_utf8(file->name, NULL))
            return error_set(
                err, ERR_DATA, "%s/%s: the name is not UTF-8", directory, file->name.data);
        if (!resolve(rest, known, known_count, file, err))
            return error_wrap(err, "%s", directory);
        count++;
    }
    qsort(files, count, sizeof(*files), by_seqno);
    *ret_files = files;
    *ret_count = count;
    return true;
}

bool
tungsten_is_directory(const char *directory)
{
    FileList storage = {NULL, 0};
    CLEANUP(file_list_free) FileList *names = &storage;
    bool found = false;
    Error ignored;

    if (!file_list(directory, names, &ignored))
        return false;
    for (size_t i = 0; i < names->count; i++) {
        Text rest;
        uint64_t seqno;

        if (strcmp(names->names[i], MANIFEST_FILE) == 0)
            return false;
        found = found || split_name(text_of(names->names[i]), &rest, &seqno);
    }
    return found;
}

bool
tungsten_csv_parse(Text csv_type, TungstenCsv *ret_csv)
{
    static const TungstenCsv types[] = {TUNGSTEN_CSV_PLAIN, TUNGSTEN_CSV_BACKSLASH,
        TUNGSTEN_CSV_BACKSLASH, TUNGSTEN_CSV_VERTICA, TUNGSTEN_CSV_REDSHIFT};
    Text words = TEXT(TUNGSTEN_CSV_TYPES);

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        size_t end = text_find(words, '|');

        if (text_equal((Text){words.data, end}, csv_type)) {
            *ret_csv = types[i];
            return true;
        }
        end = MIN(end + 1, words.len);
        words = (Text){words.data + end, words.len - end};
    }
    return false;
}

CsvDialect
tungsten_dialect(TungstenCsv csv)
{
    static const struct {
        CsvStyle style;
        const char *null_word;
    } types[] = {
        [TUNGSTEN_CSV_PLAIN] = {CSV_TUNGSTEN_DEFAULT, "null"},
        [TUNGSTEN_CSV_BACKSLASH] = {CSV_TUNGSTEN_MYSQL, "\\N"},
        [TUNGSTEN_CSV_VERTICA] = {CSV_TUNGSTEN_MYSQL, "null"},
        [TUNGSTEN_CSV_REDSHIFT] = {CSV_QUOTED, "null"},
    };

    return (CsvDialect){
        .style = types[csv].style,
        .null_word = text_of(types[csv].null_word),
        .notation = {.numeric_nan = true,
            .numeric_infinity = true,
            .float_special = true,
            .infinite_dates = true,
            .bc_dates = true,
            .zero_dates = true,
            .zone = ZONE_UTC,
            .bools = BOOL_DIGITS,
            .fraction_digits = 9},
        .header = {HEADER_OPCODE, HEADER_SEQNO, HEADER_ROW_ID, HEADER_TIMESTAMP},
        .header_count = 4,
        .header_names = {TEXT("tungsten_opcode"), TEXT("tungsten_seqno"), TEXT("tungsten_row_id"),
            TEXT("tungsten_commit_timestamp"), TEXT("tungsten_service")},
    };
}
