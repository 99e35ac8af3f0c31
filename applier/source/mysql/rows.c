#include "source/mysql/rows.h"

#include <stdlib.h>

/* Members of an enum that are listed; of a longer one the rest is compared by number. */
#define LABELS_MAX 1000

typedef struct KeyPart {
    const SourceColumn *column;
    const BinlogValueType *type;
} KeyPart;

static KeyPart
key_part(const MysqlTable *table, size_t i)
{
    size_t at = table->base.key[i];

    return (KeyPart){&table->base.columns[at], &table->types[at]};
}

static bool
is_type(const KeyPart *part, const char *name)
{
    return text_is(part->column->type_name, name);
}

/* ---- values as literals ---- */

/* The number of an enum's member, from 1; 0: none, or the empty error value. */
static size_t
label_number(const SourceColumn *column, Text value)
{
    for (size_t i = 0; i < column->label_count; i++)
        if (text_equal(column->labels[i], value))
            return i + 1;
    return 0;
}

static uint64_t
set_number(const SourceColumn *column, Text value)
{
    uint64_t bits = 0;

    while (value.len > 0) {
        size_t len = text_find(value, ',');
        size_t number = label_number(column, (Text){value.data, len});

        if (number > 0 && number <= 64)
            bits |= UINT64_C(1) << (number - 1);
        len += len < value.len;
        value = (Text){value.data + len, value.len - len};
    }
    return bits;
}

/* With an exponent, so that it is no decimal number. A single-precision one is compared as the
 * double that it is. */
static void
add_float(const KeyPart *part, Text value, Buf *sql)
{
    char *text = text_dup(value);

    if (is_type(part, "float"))
        buf_addf(sql, "%.17e", (double)strtof(text, NULL));
    else
        buf_add_text(sql, value);
    if (!is_type(part, "float") && strpbrk(text, "eE") == NULL)
        buf_add_string(sql, "e0");
    free(text);
}

/* A time zone is not for the server to read: the session's is UTC. */
static void
add_moment(Text value, Buf *sql)
{
    size_t zone = text_find(value, '+');

    source_mysql_add_string(sql, (Text){value.data, zone});
}

static bool
is_number(Text value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((value.data[i] < '0' || value.data[i] > '9') && value.data[i] != '.' &&
            !(i == 0 && value.data[i] == '-'))
            return false;
    return value.len > 0;
}

static bool
is_hexadecimal(Text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (strchr("0123456789abcdefABCDEF", value.data[i]) == NULL || value.data[i] == '\0')
            return false;
    return value.len % 2 == 0;
}

/* As a number: what MySQL makes of b'1…1' in a comparison is below zero where it has 64 bits. */
static bool
read_bits(Text value, uint64_t *ret_number)
{
    *ret_number = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] != '0' && value.data[i] != '1')
            return false;
        *ret_number = *ret_number << 1 | (value.data[i] == '1');
    }
    return value.len > 0 && value.len <= 64;
}

static void
add_value(const KeyPart *part, const Value *value, Buf *sql)
{
    LogicalType logical = part->column->logical;
    uint64_t bits;

    if (value->kind != VALUE_TEXT) {
        buf_add_string(sql, "NULL");
    } else if (is_type(part, "set")) {
        buf_add_u64(sql, set_number(part->column, value->text));
    } else if (logical == LOGICAL_FLOAT) {
        add_float(part, value->text, sql);
    } else if (logical == LOGICAL_BYTES && is_hexadecimal(value->text)) {
        buf_addf(sql, "x'" TEXT_FMT "'", TEXT_ARG(value->text));
    } else if (logical == LOGICAL_BIT && read_bits(value->text, &bits)) {
        buf_add_u64(sql, bits);
    } else if (logical == LOGICAL_TIMESTAMP || logical == LOGICAL_TIMESTAMPTZ) {
        add_moment(value->text, sql);
    } else if (!is_type(part, "year") && is_number(value->text) &&
               (logical == LOGICAL_INT || logical == LOGICAL_UINT || logical == LOGICAL_NUMERIC)) {
        buf_add_text(sql, value->text);
    } else {
        source_mysql_add_string(sql, value->text);
    }
}

/* ---- conditions ---- */

static void
add_comparison(const KeyPart *part, const char *operator, const Value * value, Buf *sql)
{
    source_mysql_add_name(sql, part->column->name);
    buf_addf(sql, " %s ", operator);
    add_value(part, value, sql);
}

/* The members behind one, in the order of their numbers. */
static void
add_enum_after(const KeyPart *part, size_t number, Buf *sql)
{
    const SourceColumn *column = part->column;

    source_mysql_add_name(sql, column->name);
    if (number == 0 || column->label_count - number > LABELS_MAX) {
        buf_add_string(sql, " > ");
        buf_add_u64(sql, number);
        return;
    }
    if (number == column->label_count) {
        buf_add_string(sql, " IN (NULL)");
        return;
    }
    for (size_t i = number; i < column->label_count; i++) {
        buf_add_string(sql, i == number ? " IN (" : ", ");
        source_mysql_add_string(sql, column->labels[i]);
    }
    buf_add_char(sql, ')');
}

/* The empty text may be a member, or the error value, whose number is 0. */
static void
add_enum_equal(const KeyPart *part, size_t number, const Value *value, Buf *sql)
{
    if (number > 0) {
        add_comparison(part, "=", value, sql);
        return;
    }
    source_mysql_add_name(sql, part->column->name);
    buf_add_string(sql, " = 0");
}

static void
add_equal(const KeyPart *part, const Value *value, Buf *sql)
{
    if (is_type(part, "enum") && value->kind == VALUE_TEXT)
        add_enum_equal(part, label_number(part->column, value->text), value, sql);
    else
        add_comparison(part, "=", value, sql);
}

static void
add_greater(const KeyPart *part, const Value *value, Buf *sql)
{
    if (is_type(part, "enum") && value->kind == VALUE_TEXT)
        add_enum_after(part, label_number(part->column, value->text), sql);
    else
        add_comparison(part, ">", value, sql);
}

/* "a >= 1 AND (a > 1 OR (a = 1 AND (b > 2)))" */
static void
add_after(const MysqlTable *table, const Value *after, Buf *sql)
{
    size_t count = table->base.key_count;
    KeyPart first = key_part(table, 0);

    if (count > 1 && !is_type(&first, "enum")) {
        add_comparison(&first, ">=", &after[0], sql);
        buf_add_string(sql, " AND ");
    }
    for (size_t i = 0; i < count; i++) {
        KeyPart part = key_part(table, i);

        buf_add_char(sql, '(');
        add_greater(&part, &after[i], sql);
        if (i + 1 == count)
            break;
        buf_add_string(sql, " OR (");
        add_equal(&part, &after[i], sql);
        buf_add_string(sql, " AND ");
    }
    for (size_t i = 1; i < count; i++)
        buf_add_string(sql, "))");
    buf_add_char(sql, ')');
}

static void
add_keys(const MysqlTable *table, const Value *keys, size_t key_total, Buf *sql)
{
    size_t count = table->base.key_count;

    buf_add_char(sql, '(');
    for (size_t i = 0; i < key_total; i++) {
        buf_add_string(sql, i == 0 ? "(" : " OR (");
        for (size_t j = 0; j < count; j++) {
            KeyPart part = key_part(table, j);

            buf_add_string(sql, j == 0 ? "" : " AND ");
            add_equal(&part, &keys[i * count + j], sql);
        }
        buf_add_char(sql, ')');
    }
    buf_add_char(sql, ')');
}

/* ---- the statement ---- */

/* The server shows only six digits of a single-precision number as such, and "?" for what is no
 * character of a set. */
static void
add_column(const SourceColumn *column, const BinlogValueType *type, Buf *sql)
{
    bool by_bytes = binlog_value_is_by_bytes(type);

    if (column->logical == LOGICAL_FLOAT)
        buf_add_char(sql, '(');
    if (by_bytes)
        buf_add_string(sql, "CAST(");
    source_mysql_add_name(sql, column->name);
    if (by_bytes)
        buf_add_string(sql, " AS BINARY)");
    if (column->logical == LOGICAL_FLOAT)
        buf_add_string(sql, " * 1e0)"); /* adding 0e0 would make 0 of -0 */
}

static void
add_from(const MysqlTable *table, bool by_key, Buf *sql)
{
    buf_add_string(sql, " FROM ");
    source_mysql_add_name(sql, table->base.schema);
    buf_add_char(sql, '.');
    source_mysql_add_name(sql, table->base.name);
    /* for a large chunk the optimizer might rather sort the whole table */
    if (by_key && table->has_primary_key)
        buf_add_string(sql, " FORCE INDEX (PRIMARY)");
}

void
source_mysql_rows_statement(const MysqlTable *table, const SnapshotChunk *chunk, size_t key_first,
    size_t key_count, Buf *sql)
{
    bool has_key = table->base.key_count > 0;
    bool in_order = has_key && (chunk->after != NULL || chunk->keys != NULL || chunk->limit > 0);
    const char *joint = " WHERE ";
    bool first = true;

    buf_add_string(sql, "SELECT ");
    for (size_t i = 0; i < table->base.column_count; i++) {
        if (table->base.columns[i].is_generated)
            continue;
        buf_add_string(sql, first ? "" : ", ");
        add_column(&table->base.columns[i], &table->types[i], sql);
        first = false;
    }
    add_from(table, in_order, sql);
    if (has_key && chunk->keys != NULL) {
        buf_add_string(sql, joint);
        add_keys(table, chunk->keys + key_first * table->base.key_count, key_count, sql);
        joint = " AND ";
    }
    if (has_key && chunk->after != NULL) {
        buf_add_string(sql, joint);
        add_after(table, chunk->after, sql);
    }
    for (size_t i = 0; i < table->base.key_count && in_order; i++) {
        buf_add_string(sql, i == 0 ? " ORDER BY " : ", ");
        source_mysql_add_name(sql, table->base.columns[table->base.key[i]].name);
    }
    if (chunk->limit > 0 && has_key) {
        buf_add_string(sql, " LIMIT ");
        buf_add_u64(sql, (uint64_t)chunk->limit);
    }
}
