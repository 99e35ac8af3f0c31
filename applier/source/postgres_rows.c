#include "source/postgres_rows.h"

void
postgres_rows_relation(const PostgresTable *table, Buf *sql)
{
    if (!table->base.is_partitioned)
        buf_add_string(sql, "ONLY ");
    postgres_add_identifier(sql, table->base.schema);
    buf_add_char(sql, '.');
    postgres_add_identifier(sql, table->base.name);
}

/* The server takes an untyped literal for the type on the operator's other side. */
static void
add_value(const SourceColumn *column, const Value *value, Buf *sql)
{
    if (value->kind != VALUE_TEXT) {
        buf_add_string(sql, "NULL");
        return;
    }
    if (column->logical == LOGICAL_BYTES) {
        buf_add_string(sql, "'\\x");
        buf_add_text(sql, value->text);
        buf_add_char(sql, '\'');
        return;
    }
    postgres_add_literal(sql, value->text);
}

static const SourceColumn *
key_column(const PostgresTable *table, size_t i)
{
    return &table->base.columns[table->base.key[i]];
}

/* As the index of the key compares it. */
static void
add_key(const PostgresTable *table, size_t i, Buf *sql)
{
    postgres_add_identifier(sql, key_column(table, i)->name);
    if (table->key_collations[i].data != NULL)
        buf_addf(sql, " COLLATE " TEXT_FMT, TEXT_ARG(table->key_collations[i]));
}

static void
add_comparison(
    const PostgresTable *table, size_t i, const char *operator, const Value * value, Buf *sql)
{
    add_key(table, i, sql);
    buf_addf(sql, " OPERATOR(" TEXT_FMT ".%s) ", TEXT_ARG(table->key_operators[i]), operator);
    add_value(key_column(table, i), value, sql);
}

static bool
has_own_operators(const PostgresTable *table)
{
    for (size_t i = 0; i < table->base.key_count; i++)
        if (!text_is(table->key_operators[i], "pg_catalog"))
            return true;
    return false;
}

/* "(a, b) > (1, 2)": an index can be entered there. */
static void
add_row_after(const PostgresTable *table, const Value *after, Buf *sql)
{
    buf_add_string(sql, "ROW(");
    for (size_t i = 0; i < table->base.key_count; i++) {
        buf_add_string(sql, i == 0 ? "" : ", ");
        add_key(table, i, sql);
    }
    buf_add_string(sql, ") OPERATOR(pg_catalog.>) ROW(");
    for (size_t i = 0; i < table->base.key_count; i++) {
        buf_add_string(sql, i == 0 ? "" : ", ");
        add_value(key_column(table, i), &after[i], sql);
    }
    buf_add_char(sql, ')');
}

/* The same where columns have operators of their own, which a row comparison cannot name:
 * "a >= 1 AND (a > 1 OR (a = 1 AND (b > 2)))" */
static void
add_nested_after(const PostgresTable *table, const Value *after, Buf *sql)
{
    size_t count = table->base.key_count;

    add_comparison(table, 0, ">=", &after[0], sql);
    buf_add_string(sql, " AND ");
    for (size_t i = 0; i < count; i++) {
        buf_add_char(sql, '(');
        add_comparison(table, i, ">", &after[i], sql);
        if (i + 1 < count) {
            buf_add_string(sql, " OR (");
            add_comparison(table, i, "=", &after[i], sql);
            buf_add_string(sql, " AND ");
        }
    }
    for (size_t i = 1; i < count; i++)
        buf_add_string(sql, "))");
    buf_add_char(sql, ')');
}

static void
add_keys(const PostgresTable *table, const Value *keys, size_t key_total, Buf *sql)
{
    size_t count = table->base.key_count;

    buf_add_char(sql, '(');
    for (size_t i = 0; i < key_total; i++) {
        buf_add_string(sql, i == 0 ? "(" : " OR (");
        for (size_t j = 0; j < count; j++) {
            buf_add_string(sql, j == 0 ? "" : " AND ");
            add_comparison(table, j, "=", &keys[i * count + j], sql);
        }
        buf_add_char(sql, ')');
    }
    buf_add_char(sql, ')');
}

static void
add_conditions(const PostgresTable *table, const SnapshotChunk *chunk, size_t key_first,
    size_t key_count, Buf *sql)
{
    const char *joint = " WHERE ";

    if (table->base.filter.data != NULL) {
        buf_addf(sql, "%s(" TEXT_FMT ")", joint, TEXT_ARG(table->base.filter));
        joint = " AND ";
    }
    if (table->base.key_count == 0)
        return;
    if (chunk->keys != NULL) {
        buf_add_string(sql, joint);
        add_keys(table, chunk->keys + key_first * table->base.key_count, key_count, sql);
        joint = " AND ";
    }
    if (chunk->after == NULL)
        return;
    buf_add_string(sql, joint);
    if (has_own_operators(table))
        add_nested_after(table, chunk->after, sql);
    else
        add_row_after(table, chunk->after, sql);
}

void
postgres_rows_statement(const PostgresTable *table, const SnapshotChunk *chunk, size_t key_first,
    size_t key_count, Buf *sql)
{
    bool is_whole = chunk->after == NULL && chunk->keys == NULL && chunk->limit == 0;
    bool first = true;

    buf_add_string(sql, "COPY (SELECT ");
    for (size_t i = 0; i < table->base.column_count; i++) {
        if (table->base.columns[i].is_generated)
            continue;
        buf_add_string(sql, first ? "" : ", ");
        postgres_add_identifier(sql, table->base.columns[i].name);
        first = false;
    }
    buf_add_string(sql, " FROM ");
    postgres_rows_relation(table, sql);
    add_conditions(table, chunk, key_first, key_count, sql);
    for (size_t i = 0; i < table->base.key_count && !is_whole; i++) {
        buf_add_string(sql, i == 0 ? " ORDER BY " : ", ");
        add_key(table, i, sql);
    }
    if (chunk->limit > 0 && table->base.key_count > 0) {
        buf_add_string(sql, " LIMIT ");
        buf_add_u64(sql, (uint64_t)chunk->limit);
    }
    buf_add_string(sql, ") TO STDOUT");
}

/* The byte that "\c" stands for; COPY TO writes no octal or hexadecimal ones. */
static char
unescape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'v':
        return '\v';
    default:
        return c;
    }
}

/* One field from at on; returns where it ended (a tab, or end), NULL for a torn one. */
static char *
split_field(char *at, char *end, Value *ret_value)
{
    char *start = at;
    char *to;

    if (end - at >= 2 && at[0] == '\\' && at[1] == 'N' && (end - at == 2 || at[2] == '\t')) {
        *ret_value = (Value){.kind = VALUE_NULL};
        return at + 2;
    }
    /* most fields have nothing to decode */
    while (at < end && *at != '\t' && *at != '\\')
        at++;
    to = at;
    while (at < end && *at != '\t') {
        if (*at == '\\') {
            if (++at == end)
                return NULL;
            *to++ = unescape(*at++);
        } else {
            *to++ = *at++;
        }
    }
    *ret_value = (Value){VALUE_TEXT, {start, (size_t)(to - start)}};
    return at;
}

bool
postgres_rows_split(char *line, size_t len, Value *values, size_t count)
{
    char *end = line + len;
    char *at = line;

    if (len > 0 && end[-1] == '\n')
        end--;
    for (size_t i = 0; i < count; i++) {
        at = split_field(at, end, &values[i]);
        if (at == NULL || (i + 1 < count && at == end))
            return false;
        if (i + 1 < count)
            at++;
    }
    return at == end;
}
