#include "source/pgq/record.h"

#include <ctype.h>
#include <stdlib.h>

#include "source/json.h"
#include "source/pgq/urlencoded.h"

/* PostgreSQL's limit of columns; a longer list of keys is none. */
#define KEY_PIECES_MAX 1600
/* Rows up to this width are searched for a name that comes twice without a hash. */
#define NARROW_ROW 16

/* Columns of one row, where they grow. */
typedef struct Row {
    Text **names;
    Value **values;
    size_t *count;
    size_t *room;
} Row;

void
pgq_record_clear(PgqRecord *record)
{
    free(record->names);
    free(record->row);
    free(record->keys);
    free(record->old_names);
    free(record->old_row);
    free(record->slots);
    *record = (PgqRecord){0};
}

static void *
resized(void *items, size_t count, size_t size)
{
    items = realloc(items, count * size);
    if (items == NULL)
        abort();
    return items;
}

static void
add_column(const Row *row, Text name, Value value)
{
    if (*row->count == *row->room) {
        *row->room = MAX((size_t)16, *row->room * 2);
        *row->names = resized(*row->names, *row->room, sizeof(**row->names));
        *row->values = resized(*row->values, *row->room, sizeof(**row->values));
    }
    (*row->names)[*row->count] = name;
    (*row->values)[(*row->count)++] = value;
}

static void
add_key(PgqRecord *record, Text name)
{
    if (record->key_count == record->key_room) {
        record->key_room = MAX((size_t)4, record->key_room * 2);
        record->keys = resized(record->keys, record->key_room, sizeof(*record->keys));
    }
    record->keys[record->key_count++] = name;
}

/* Index of the name, or count. */
static size_t
find_name(const Text *names, size_t count, Text name)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].len == name.len && memcmp(names[i].data, name.data, name.len) == 0)
            return i;
    return count;
}

static uint64_t
hash_of(Text name)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.data[i]) * UINT64_C(0x100000001B3);
    return hash ^ hash >> 32;
}

/* The hash's size is a power of two, at least twice the count. */
static size_t
find_twice_in_hash(PgqRecord *record, const Text *names, size_t count)
{
    size_t size = 64;

    while (size < count * 2)
        size *= 2;
    if (size > record->slot_room) {
        record->slots = resized(record->slots, size, sizeof(*record->slots));
        record->slot_room = size;
    }
    memset(record->slots, 0, size * sizeof(*record->slots));
    for (size_t i = 0; i < count; i++) {
        size_t slot = hash_of(names[i]) & (size - 1);

        for (; record->slots[slot] != 0; slot = (slot + 1) & (size - 1))
            if (text_equal(names[record->slots[slot] - 1], names[i]))
                return i;
        record->slots[slot] = (uint32_t)i + 1;
    }
    return count;
}

static bool
check_names(PgqRecord *record, const Text *names, size_t count, Error *err)
{
    size_t twice = count;

    if (count > NARROW_ROW)
        twice = find_twice_in_hash(record, names, count);
    for (size_t i = 1; count <= NARROW_ROW && i < count && twice == count; i++)
        if (find_name(names, i, names[i]) < i)
            twice = i;
    if (twice < count)
        return error_set(
            err, ERR_DATA, "column " TEXT_FMT " is there twice", TEXT_ARG(names[twice]));
    return true;
}

/* The bytes of an event belong to its reader. */
static char *
writable(Text text)
{
    return (char *)(uintptr_t)text.data;
}

static bool
read_urlencoded(
    PgqRecord *record, Text text, const Row *row, bool *ret_is_unconvertible, Error *err)
{
    UrlencodedScan scan;
    Value value;
    Text name;
    Next next;

    urlencoded_init(&scan, writable(text), text.len, record->encoding);
    while ((next = urlencoded_next(&scan, &name, &value, err)) == NEXT_ITEM)
        add_column(row, name, value);
    *ret_is_unconvertible = scan.is_unconvertible;
    return next == NEXT_END && check_names(record, *row->names, *row->count, err);
}

static Value
value_of(const JsonScalar *scalar)
{
    switch (scalar->kind) {
    case JSON_KIND_NULL:
        break;
    case JSON_KIND_TRUE:
        return (Value){VALUE_TEXT, TEXT("t")};
    case JSON_KIND_FALSE:
        return (Value){VALUE_TEXT, TEXT("f")};
    case JSON_KIND_NUMBER:
    case JSON_KIND_TEXT:
        return (Value){VALUE_TEXT, scalar->text};
    }
    return (Value){VALUE_NULL, TEXT_NONE};
}

static bool
read_json(PgqRecord *record, Text text, const Row *row, Error *err)
{
    JsonScalar scalar;
    JsonScan scan;
    Text name;
    Next next;

    source_json_init(&scan, writable(text), text.len);
    if (!source_json_open(&scan, '{', err))
        return false;
    while ((next = source_json_member(&scan, &name, err)) == NEXT_ITEM) {
        if (!source_json_scalar(&scan, &scalar, err))
            return false;
        if (name.len == 0)
            return source_json_error(&scan, err, "a column without a name");
        add_column(row, name, value_of(&scalar));
    }
    return next == NEXT_END && source_json_end(&scan, err) &&
           check_names(record, *row->names, *row->count, err);
}

static bool
read_row(PgqRecord *record, Text text, const Row *row, bool *ret_is_unconvertible, Error *err)
{
    *ret_is_unconvertible = false;
    if (record->style == PGQ_STYLE_JSON)
        return read_json(record, text, row, err);
    return read_urlencoded(record, text, row, ret_is_unconvertible, err);
}

/* The column that the name stands for; blanks around it may be the list's. */
static bool
find_key(const PgqRecord *record, Text name, Text *ret_name)
{
    size_t at = find_name(record->names, record->count, name);

    if (at == record->count)
        at = find_name(record->names, record->count, text_trim(name));
    if (at == record->count)
        return false;
    *ret_name = record->names[at];
    return true;
}

static Text
cut_piece(Text *list)
{
    size_t len = text_find(*list, ',');
    Text piece = {list->data, len};
    size_t passed = MIN(len + 1, list->len);

    list->data += passed;
    list->len -= passed;
    return piece;
}

/* The list as columns whose names may hold commas: begins[i] is where piece i begins. */
static bool
read_keys_with_commas(PgqRecord *record, Text list, Error *err)
{
    size_t begins[KEY_PIECES_MAX + 1];
    uint8_t
        ways[KEY_PIECES_MAX + 1]; /* in how many the list can be read from a piece on; 2: more */
    uint16_t ends[KEY_PIECES_MAX + 1];
    size_t longest = 0;
    size_t pieces = 0;
    Text name;

    for (Text rest = list; rest.data < list.data + list.len; (void)cut_piece(&rest)) {
        if (pieces == KEY_PIECES_MAX)
            return error_set(err, ERR_DATA, "more columns in the key than a table can have");
        begins[pieces++] = (size_t)(rest.data - list.data);
    }
    begins[pieces] = list.len + 1;
    for (size_t i = 0; i < record->count; i++)
        longest = MAX(longest, record->names[i].len);
    ways[pieces] = 1;
    for (size_t from = pieces; from-- > 0;) {
        ways[from] = 0;
        for (size_t to = from + 1; to <= pieces; to++) {
            Text joined = {list.data + begins[from], begins[to] - begins[from] - 1};

            /* blanks in front and behind may not count */
            if (text_trim(joined).len > longest)
                break;
            if (ways[to] == 0 || !find_key(record, joined, &name))
                continue;
            ways[from] = (uint8_t)MIN(ways[from] + ways[to], 2);
            ends[from] = (uint16_t)to;
        }
    }
    if (ways[0] != 1)
        return error_set(err, ERR_DATA,
            ways[0] == 0 ? "the row lacks a column of its key (\"" TEXT_FMT "\")"
                         : "the key \"" TEXT_FMT "\" can be read in several ways, since names have "
                           "\",\" in them; use pgq.jsontriga, whose names are quoted",
            TEXT_ARG(list));
    for (size_t from = 0; from < pieces; from = ends[from]) {
        Text joined = {list.data + begins[from], begins[ends[from]] - begins[from] - 1};

        if (find_key(record, joined, &name))
            add_key(record, name);
    }
    return true;
}

static bool
any_name_has_comma(const PgqRecord *record)
{
    for (size_t i = 0; i < record->count; i++)
        if (memchr(record->names[i].data, ',', record->names[i].len) != NULL)
            return true;
    return false;
}

static bool
read_keys(PgqRecord *record, Text list, Error *err)
{
    Text rest = list;

    if (list.len == 0)
        return true;
    if (text_find(list, ',') < list.len && any_name_has_comma(record))
        return read_keys_with_commas(record, list, err);
    while (rest.data < list.data + list.len) {
        Text piece = cut_piece(&rest);
        Text name;

        if (!find_key(record, piece, &name))
            return error_set(
                err, ERR_DATA, "the row lacks column " TEXT_FMT " of its key", TEXT_ARG(piece));
        add_key(record, name);
    }
    return true;
}

/* Has each column of the key a value there, and the row each column? */
static bool
is_old_row(const PgqRecord *record)
{
    for (size_t i = 0; i < record->old_count; i++)
        /* as a rule both have the same columns */
        if (!(i < record->count && text_equal(record->names[i], record->old_names[i])) &&
            find_name(record->names, record->count, record->old_names[i]) == record->count)
            return false;
    for (size_t i = 0; i < record->key_count; i++) {
        size_t at = find_name(record->old_names, record->old_count, record->keys[i]);

        if (at == record->old_count || record->old_row[at].kind != VALUE_TEXT)
            return false;
    }
    return true;
}

/* What cannot be converted may be an old row: to take it for something else could lose the change
 * of a key. */
static bool
read_old_row(PgqRecord *record, Text text, Error *err)
{
    Row old = {&record->old_names, &record->old_row, &record->old_count, &record->old_room};
    bool is_unconvertible;
    Error reason;

    if (text.len == 0 || record->change != CHANGE_UPDATE)
        return true;
    if (read_row(record, text, &old, &is_unconvertible, &reason) && is_old_row(record))
        return true;
    record->old_count = 0;
    if (!is_unconvertible)
        return true;
    *err = reason;
    return error_wrap(err, "ev_extra2");
}

static bool
take_table(PgqRecord *record, Text text, Error *err)
{
    size_t dot;

    if (text.len == 0)
        return error_set(err, ERR_DATA, "ev_extra1 is %s, where schema and table should stand",
            text.data == NULL ? "null" : "empty");
    dot = text_find(text, '.');
    record->schema = dot == text.len ? TEXT("") : (Text){text.data, dot};
    record->table = dot == text.len ? text : (Text){text.data + dot + 1, text.len - dot - 1};
    return true;
}

static bool
take_row(PgqEvent *event, PgqRecord *record, Error *err)
{
    Row row = {&record->names, &record->row, &record->count, &record->room};
    bool is_unconvertible;

    if (event->data.data == NULL)
        return error_set(err, ERR_DATA, "ev_data is null, where a row should stand");
    return read_row(record, event->data, &row, &is_unconvertible, err) ||
           error_wrap(err, "ev_data");
}

/* Neither an apostrophe nor a bracket ever stands in urlencoded data. */
static bool
is_sql(Text data)
{
    return data.len > 0 && (data.data[0] == '(' || memchr(data.data, '\'', data.len) != NULL);
}

static bool
read_text_change(PgqEvent *event, PgqRecord *record, Error *err)
{
    bool is_bare = event->type.len == 1;
    Text keys = is_bare ? event->extra2 : (Text){event->type.data + 2, event->type.len - 2};

    if (is_bare && event->data.data != NULL && is_sql(event->data))
        return error_set(err, ERR_DATA,
            "ev_data is SQL, which pgq.sqltriga writes and nobody can take apart for sure: make a "
            "trigger of pgq.logutriga or pgq.jsontriga in its place");
    if (!take_row(event, record, err) || !read_keys(record, keys, err))
        return false;
    return is_bare || read_old_row(record, event->extra2, err);
}

/* False: the type is nothing of a trigger's. */
static bool
take_text_type(Text type, PgqRecord *record)
{
    static const char letters[] = {'I', 'U', 'D'};

    record->style = PGQ_STYLE_TEXT;
    if (type.len == 0)
        return false;
    if (text_equal(type, TEXT("R"))) {
        record->kind = PGQ_RECORD_TRUNCATE;
        return true;
    }
    if (type.len > 1 && type.data[1] != ':')
        return false;
    record->kind = PGQ_RECORD_CHANGE;
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (type.data[0] == letters[i]) {
            record->change = (ChangeKind)i;
            return true;
        }
    return false;
}

static bool
take_json_text(JsonScan *scan, Text *ret_text, Error *err)
{
    JsonScalar scalar;

    if (!source_json_scalar(scan, &scalar, err))
        return false;
    if (scalar.kind != JSON_KIND_TEXT)
        return source_json_error(scan, err, "a name that is not a text");
    *ret_text = scalar.text;
    return true;
}

/* ["schema","table"] */
static bool
take_json_table(JsonScan *scan, PgqRecord *record, Error *err)
{
    Text names[2] = {TEXT_NONE, TEXT_NONE};
    size_t count = 0;
    Next next;

    if (!source_json_open(scan, '[', err))
        return false;
    while ((next = source_json_element(scan, err)) == NEXT_ITEM) {
        if (count == 2)
            return source_json_error(scan, err, "a third name of the table");
        if (!take_json_text(scan, &names[count++], err))
            return false;
    }
    if (next == NEXT_FAILED)
        return false;
    if (count < 2 || names[1].len == 0)
        return source_json_error(scan, err, "schema and table should stand before this");
    record->schema = names[0];
    record->table = names[1];
    return true;
}

static bool
take_json_keys(JsonScan *scan, PgqRecord *record, Error *err)
{
    Next next;
    Text name;

    record->key_count = 0;
    if (!source_json_open(scan, '[', err))
        return false;
    while ((next = source_json_element(scan, err)) == NEXT_ITEM) {
        if (!take_json_text(scan, &name, err))
            return false;
        add_key(record, name);
    }
    return next == NEXT_END;
}

/* Skip the blanks and the text; false: something else stands there. */
static bool
skip_over(Text *text, const char *expected)
{
    while (text->len > 0 && isspace((unsigned char)text->data[0]))
        *text = (Text){text->data + 1, text->len - 1};
    if (!text_starts_with(*text, expected))
        return false;
    *text = (Text){text->data + strlen(expected), text->len - strlen(expected)};
    return true;
}

/* jsontriga's types begin with the operation. False: it is none of its types. */
static bool
take_json_type(Text type, PgqRecord *record)
{
    static const char *const changes[] = {"\"INSERT\"", "\"UPDATE\"", "\"DELETE\""};
    Text rest = type;

    record->style = PGQ_STYLE_JSON;
    if (!skip_over(&rest, "{") || !skip_over(&rest, "\"op\"") || !skip_over(&rest, ":"))
        return false;
    record->kind = PGQ_RECORD_TRUNCATE;
    if (skip_over(&rest, "\"TRUNCATE\""))
        return true;
    record->kind = PGQ_RECORD_CHANGE;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        if (skip_over(&rest, changes[i])) {
            record->change = (ChangeKind)i;
            return true;
        }
    return false;
}

static bool
read_json_type(Text type, PgqRecord *record, Error *err)
{
    JsonScan scan;
    Text member;
    Next next;
    bool ok;

    source_json_init(&scan, writable(type), type.len);
    if (!source_json_open(&scan, '{', err))
        return false;
    while ((next = source_json_member(&scan, &member, err)) == NEXT_ITEM) {
        if (text_equal(member, TEXT("table")))
            ok = take_json_table(&scan, record, err);
        else if (text_equal(member, TEXT("pkey")))
            ok = take_json_keys(&scan, record, err);
        else
            ok = source_json_skip(&scan, err);
        if (!ok)
            return false;
    }
    if (next == NEXT_FAILED || !source_json_end(&scan, err))
        return false;
    if (record->table.data == NULL)
        return source_json_error(&scan, err, "\"table\" is not there");
    return true;
}

/* Keys become the row's own names. */
static bool
match_json_keys(PgqRecord *record, Error *err)
{
    for (size_t i = 0; i < record->key_count; i++)
        if (!find_key(record, record->keys[i], &record->keys[i]))
            return error_set(err, ERR_DATA, "the row lacks column " TEXT_FMT " of its key",
                TEXT_ARG(record->keys[i]));
    return true;
}

static bool
read_json_change(PgqEvent *event, PgqRecord *record, Error *err)
{
    return take_row(event, record, err) && match_json_keys(record, err) &&
           read_old_row(record, event->extra2, err);
}

bool
pgq_record_read(PgqEvent *event, PgqRecord *record, Error *err)
{
    bool is_json = event->type.len > 0 && event->type.data[0] == '{';
    bool ok = true;

    record->count = record->key_count = record->old_count = 0;
    record->schema = record->table = TEXT_NONE;
    if (!(is_json ? take_json_type(event->type, record) : take_text_type(event->type, record))) {
        record->kind = PGQ_RECORD_UNKNOWN;
        return true;
    }
    if (is_json && !read_json_type(event->type, record, err))
        return error_wrap(err, "ev_type");
    if (!is_json && !take_table(record, event->extra1, err))
        return false;
    if (record->kind == PGQ_RECORD_TRUNCATE)
        record->key_count = 0;
    else
        ok = is_json ? read_json_change(event, record, err) : read_text_change(event, record, err);
    if (!ok)
        return error_wrap(err, "table " TEXT_FMT "%s" TEXT_FMT, TEXT_ARG(record->schema),
            record->schema.len > 0 ? "." : "", TEXT_ARG(record->table));
    return true;
}
