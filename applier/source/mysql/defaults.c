#include "source/mysql/defaults.h"

#include <stdlib.h>

static const Value not_known = {.kind = VALUE_ABSENT};
static const Value null_value = {.kind = VALUE_NULL};

/* The character behind a backslash. */
static char
unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case '0':
        return '\0';
    default:
        return c;
    }
}

bool
source_mysql_read_string(Text sql, size_t *at, Buf *out)
{
    size_t i = *at;

    if (i >= sql.len || sql.data[i] != '\'')
        return false;
    for (i++; i < sql.len; i++) {
        char c = sql.data[i];

        if (c == '\'') {
            if (i + 1 >= sql.len || sql.data[i + 1] != '\'') {
                *at = i + 1;
                return true;
            }
            i++;
        } else if (c == '\\' && i + 1 < sql.len) {
            i++;
            c = unescape(sql.data[i]);
        }
        buf_add_char(out, c);
    }
    return false;
}

static bool
is_number(Text text)
{
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        bool is_digit = text.data[i] >= '0' && text.data[i] <= '9';

        digits += is_digit ? 1 : 0;
        if (!is_digit && (text.data[i] == '\0' || strchr("+-.eE", text.data[i]) == NULL))
            return false;
    }
    return digits > 0;
}

/* b'101' as the bytes that the server shows for such a column. */
static bool
read_bits(Text text, unsigned length, Buf *out)
{
    size_t bytes = (length + 7) / 8;
    uint64_t number = 0;

    if (!text_starts_with(text, "b'") || text.len < 3 || text.data[text.len - 1] != '\'' ||
        bytes > 8)
        return false;
    for (size_t i = 2; i + 1 < text.len; i++) {
        if (text.data[i] != '0' && text.data[i] != '1')
            return false;
        number = number << 1 | (text.data[i] == '1' ? 1 : 0);
    }
    for (size_t i = bytes; i > 0; i--)
        buf_add_char(out, (char)(number >> (8 * (i - 1)) & 0xff));
    return true;
}

static bool
is_ascii(Text text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return true;
}

/* MariaDB's SQL as what the server would show for the value. */
static bool
read_sql(const MysqlColumnFacts *facts, const BinlogValueType *type, Buf *out)
{
    Text text = facts->default_text;
    size_t at = 0;

    if (type->column.type == MYSQL_COLUMN_BIT)
        return read_bits(text, type->column.length, out);
    if (text_starts_with(text, "'")) {
        if (!source_mysql_read_string(text, &at, out) || at != text.len)
            return false;
        return type->logical != LOGICAL_BYTES ||
               (is_ascii(buf_text(out)) && memchr(buf_string(out), '?', out->len) == NULL);
    }
    buf_add_text(out, text);
    return is_number(text);
}

static bool
read_shown(const MysqlColumnFacts *facts, const BinlogValueType *type, Buf *out)
{
    Text text = facts->default_text;

    if (memmem(facts->extra.data, facts->extra.len, "DEFAULT_GENERATED", 17) != NULL ||
        type->logical == LOGICAL_BYTES)
        return false;
    if (type->column.type == MYSQL_COLUMN_BIT)
        return read_bits(text, type->column.length, out);
    if (type->logical == LOGICAL_TIMESTAMPTZ && !text_starts_with(text, "0000-00-00"))
        return false;
    buf_add_text(out, text);
    return true;
}

static bool
is_function_default(const MysqlColumnFacts *facts)
{
    return memmem(facts->extra.data, facts->extra.len, "on update", 9) != NULL;
}

/* Of a column that is NOT NULL and has no DEFAULT. */
static bool
add_implicit(const BinlogValueType *type, Buf *out)
{
    switch (type->logical) {
    case LOGICAL_INT:
    case LOGICAL_UINT:
    case LOGICAL_FLOAT:
        buf_add_string(out, type->column.type == MYSQL_COLUMN_YEAR ? "0000" : "0");
        return true;
    case LOGICAL_NUMERIC:
        buf_add_char(out, '0');
        for (unsigned i = 0; i < type->column.decimals; i++)
            buf_add_string(out, i == 0 ? ".0" : "0");
        return true;
    case LOGICAL_BIT:
        for (unsigned i = 0; i < (type->column.length + 7) / 8; i++)
            buf_add_char(out, '\0');
        return true;
    case LOGICAL_TEXT:
        if (type->column.type == MYSQL_COLUMN_ENUM) {
            if (type->column.label_count == 0)
                return false;
            buf_add_text(out, type->column.labels[0]);
        }
        return true;
    case LOGICAL_BYTES:
        return type->special == BINLOG_PLAIN && type->column.type != MYSQL_COLUMN_VECTOR;
    case LOGICAL_DATE:
        buf_add_string(out, "0000-00-00");
        return true;
    case LOGICAL_TIME:
        buf_add_string(out, "00:00:00");
        return true;
    case LOGICAL_TIMESTAMP:
    case LOGICAL_TIMESTAMPTZ:
        buf_add_string(out, "0000-00-00 00:00:00");
        return true;
    case LOGICAL_UNKNOWN:
    case LOGICAL_BOOL:
    case LOGICAL_TIMETZ:
    case LOGICAL_INTERVAL:
    case LOGICAL_JSON:
    case LOGICAL_UUID:
    case LOGICAL_ARRAY:
    case LOGICAL_OTHER:
    case LOGICAL_GEOMETRY:
        break;
    }
    return false;
}

static Value
value_of(const BinlogValueType *type, Text shown, Arena *arena)
{
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    Value value;
    Error ignored;

    /* what the server shows and is no value is as good as not known */
    if (!binlog_value_from_text(type, shown, memory, &value, &ignored))
        return not_known;
    value.text = arena_text(arena, value.text);
    return value;
}

Value
source_mysql_column_default(
    const MysqlColumnFacts *facts, const BinlogValueType *type, Arena *arena)
{
    CLEANUP(buf_clear) Buf shown = BUF_INIT;
    Text text = facts->default_text;
    bool is_known;

    if (text.data != NULL && facts->is_mariadb && text_is(text, "NULL"))
        return null_value;
    if (text.data == NULL && !facts->not_null)
        return null_value;
    if (text.data == NULL)
        is_known = !is_function_default(facts) && add_implicit(type, &shown);
    else if (facts->is_mariadb)
        is_known = read_sql(facts, type, &shown);
    else
        is_known = read_shown(facts, type, &shown);
    return is_known ? value_of(type, buf_text(&shown), arena) : not_known;
}
