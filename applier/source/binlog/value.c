#include "source/binlog/value.h"

#include <float.h>

#include "source/binlog/address.h"
#include "source/binlog/compress.h"
#include "source/binlog/decimal.h"
#include "source/binlog/digits.h"
#include "source/binlog/geometry.h"
#include "source/binlog/json.h"
#include "source/binlog/shortest.h"
#include "source/binlog/temporal.h"

#define BITS_MAX 64

static const uint8_t *
bytes_of(Text text)
{
    return (const uint8_t *)text.data;
}

static bool
no_metadata(const BinlogColumn *column, Error *err)
{
    return error_set(err, ERR_SOURCE, "column type %u with length %u and %u decimals is not known",
        column->type, column->length, column->decimals);
}

/* Bytes of a value of fixed size; 0: it has a length in front, or the type is not known. */
static size_t
fixed_size(const BinlogColumn *column)
{
    switch (column->type) {
    case MYSQL_COLUMN_TINY:
    case MYSQL_COLUMN_YEAR:
        return 1;
    case MYSQL_COLUMN_SHORT:
        return 2;
    case MYSQL_COLUMN_INT24:
        return 3;
    case MYSQL_COLUMN_LONG:
    case MYSQL_COLUMN_FLOAT:
        return 4;
    case MYSQL_COLUMN_LONGLONG:
    case MYSQL_COLUMN_DOUBLE:
        return 8;
    case MYSQL_COLUMN_NEWDECIMAL:
        return binlog_decimal_size(column->length, column->decimals);
    case MYSQL_COLUMN_BIT:
        return column->length <= BITS_MAX ? (column->length + 7) / 8 : 0;
    case MYSQL_COLUMN_ENUM:
        return column->length <= 2 ? column->length : 0;
    case MYSQL_COLUMN_SET:
        return column->length <= 8 ? column->length : 0;
    default:
        return binlog_temporal_size(column->type, column->decimals);
    }
}

/* Bytes of the length in front of a value; 0: it has none, or the type is not known. */
static size_t
length_size(const BinlogColumn *column)
{
    switch (column->type) {
    case MYSQL_COLUMN_STRING:
    case MYSQL_COLUMN_VARCHAR:
    case MYSQL_COLUMN_VAR_STRING:
    case MYSQL_COLUMN_VARCHAR_COMPRESSED:
        return column->length > UINT8_MAX ? 2 : 1;
    case MYSQL_COLUMN_TINY_BLOB:
    case MYSQL_COLUMN_MEDIUM_BLOB:
    case MYSQL_COLUMN_LONG_BLOB:
    case MYSQL_COLUMN_BLOB:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
    case MYSQL_COLUMN_JSON:
    case MYSQL_COLUMN_GEOMETRY:
    case MYSQL_COLUMN_VECTOR:
        return column->length <= 4 ? column->length : 0;
    default:
        return 0;
    }
}

/* The value's bytes, without a length; *at goes on behind them. */
static bool
take(
    const BinlogColumn *column, const uint8_t **at, const uint8_t *end, Text *ret_bytes, Error *err)
{
    size_t left = (size_t)(end - *at);
    size_t head = 0;
    size_t len = fixed_size(column);

    if (len == 0) {
        head = length_size(column);
        if (head == 0)
            return no_metadata(column, err);
        if (left < head)
            return error_set(err, ERR_SOURCE, "the row ends inside a value's length");
        len = (size_t)binlog_read_le(*at, head);
    }
    if (left - head < len)
        return error_set(err, ERR_SOURCE,
            "the row ends inside a value: of its %zu bytes %zu are "
            "there",
            len, left - head);
    *ret_bytes = (Text){(const char *)*at + head, len};
    *at += head + len;
    return true;
}

bool
binlog_value_skip(const BinlogColumn *column, const uint8_t **at, const uint8_t *end, Error *err)
{
    Text bytes;

    return take(column, at, end, &bytes, err);
}

static Text
hex(Text bytes, BinlogMemory *memory)
{
    char *room = binlog_memory_room(memory, 2 * bytes.len);

    return binlog_memory_end(memory, binlog_print_hex(room, bytes));
}

static bool
write_utf8(Text text, Text *ret_text, Error *err)
{
    size_t at = 0;

    if (!text_is_utf8(text, &at))
        return error_set(err, ERR_DATA, "byte %zu of the text, 0x%02x, is not UTF-8", at + 1,
            (unsigned)(uint8_t)text.data[at]);
    *ret_text = text;
    return true;
}

/* CHAR: blanks at the end are none of the value. */
static Text
without_padding(const BinlogValueType *type, Text text)
{
    if (type->column.type == MYSQL_COLUMN_STRING)
        while (text.len > 0 && text.data[text.len - 1] == ' ')
            text.len--;
    return text;
}

static bool
write_characters(
    const BinlogValueType *type, Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    Buf *scratch;

    if (binlog_charset_is_utf8(type->charset)) {
        if (!write_utf8(bytes, ret_text, err))
            return false;
    } else {
        scratch = binlog_memory_scratch(memory);
        if (!binlog_charset_convert(type->charset, bytes, scratch, err))
            return false;
        *ret_text = binlog_memory_take(memory, scratch);
    }
    *ret_text = without_padding(type, *ret_text);
    return true;
}

/* The bytes of BINARY(length), of which the log has cut zeros off the end. */
static bool
pad(Text bytes, size_t length, uint8_t *to, Error *err)
{
    if (bytes.len > length)
        return error_set(
            err, ERR_DATA, "%zu bytes where there can be %zu at most", bytes.len, length);
    if (bytes.len > 0)
        memcpy(to, bytes.data, bytes.len);
    memset(to + bytes.len, 0, length - bytes.len);
    return true;
}

static bool
write_binary(
    const BinlogValueType *type, Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    size_t missing = 0;
    char *to;

    if (type->column.type == MYSQL_COLUMN_STRING) {
        if (bytes.len > type->column.length)
            return error_set(err, ERR_DATA, "%zu bytes where there can be %u at most", bytes.len,
                type->column.length);
        missing = type->column.length - bytes.len;
    }
    to = binlog_print_hex(binlog_memory_room(memory, 2 * (bytes.len + missing)), bytes);
    memset(to, '0', 2 * missing);
    *ret_text = binlog_memory_end(memory, to + 2 * missing);
    return true;
}

static bool
write_address(
    const BinlogValueType *type, Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    char *to = binlog_memory_room(memory, BINLOG_ADDRESS_TEXT);
    uint8_t whole[16];

    if (!pad(bytes, type->special == BINLOG_INET4 ? 4 : sizeof(whole), whole, err))
        return false;
    if (type->special == BINLOG_UUID)
        to = binlog_print_uuid(to, whole);
    else if (type->special == BINLOG_INET6)
        to = binlog_print_inet6(to, whole);
    else
        to = binlog_print_inet4(to, whole);
    *ret_text = binlog_memory_end(memory, to);
    return true;
}

/* Numbers of 4 bytes as a list, or as bytes, as the table wants them. */
static bool
write_vector(
    const BinlogValueType *type, Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    char *to;

    if (type->logical == LOGICAL_BYTES) {
        *ret_text = hex(bytes, memory);
        return true;
    }
    if (bytes.len % 4 != 0)
        return error_set(err, ERR_DATA, "a vector of %zu bytes: no multiple of 4", bytes.len);
    to = binlog_memory_room(memory, bytes.len / 4 * BINLOG_SHORTEST_TEXT + 2);
    *to++ = '[';
    for (size_t i = 0; i < bytes.len; i += 4) {
        uint32_t bits = (uint32_t)binlog_read_le(bytes_of(bytes) + i, 4);
        float number;

        memcpy(&number, &bits, sizeof(number));
        if (i > 0)
            *to++ = ',';
        to = binlog_print_float(to, number);
    }
    *to++ = ']';
    *ret_text = binlog_memory_end(memory, to);
    return true;
}

static bool
write_string(
    const BinlogValueType *type, Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    switch (type->special) {
    case BINLOG_UUID:
    case BINLOG_INET6:
    case BINLOG_INET4:
        return write_address(type, bytes, memory, ret_text, err);
    case BINLOG_VECTOR:
        return write_vector(type, bytes, memory, ret_text, err);
    case BINLOG_PLAIN:
    case BINLOG_JSON_TEXT:
        break;
    }
    if (type->charset == NULL)
        return write_binary(type, bytes, memory, ret_text, err);
    return write_characters(type, bytes, memory, ret_text, err);
}

static bool
write_compressed(
    const BinlogValueType *type, Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    CLEANUP(buf_clear) Buf plain = BUF_INIT;

    /* not the memory's scratch: converting takes that one */
    if (bytes.len > 0 && !binlog_uncompress_column(bytes, &plain, err))
        return false;
    return write_string(type, binlog_memory_take(memory, &plain), memory, ret_text, err);
}

static bool
write_json(Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    Buf *scratch = binlog_memory_scratch(memory);

    if (!binlog_json_print(bytes, scratch, err))
        return false;
    *ret_text = binlog_memory_take(memory, scratch);
    return true;
}

static bool
write_geometry(Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    char *to = binlog_memory_room(memory, binlog_geometry_room(bytes.len));

    if (!binlog_geometry_print(bytes, &to, err))
        return false;
    *ret_text = binlog_memory_end(memory, to);
    return true;
}

static bool
write_member(const BinlogColumn *column, uint64_t number, Text *ret_text, Error *err)
{
    if (number > column->label_count)
        return error_set(err, ERR_DATA, "member %llu of an enumeration of %zu",
            (unsigned long long)number, column->label_count);
    *ret_text = number == 0 ? TEXT("") : column->labels[number - 1];
    return true;
}

static bool
write_members(
    const BinlogColumn *column, uint64_t bits, BinlogMemory *memory, Text *ret_text, Error *err)
{
    size_t len = 0;
    char *to;

    if (column->label_count < BITS_MAX && bits >> column->label_count != 0)
        return error_set(err, ERR_DATA, "the members 0x%llx of a set of %zu",
            (unsigned long long)bits, column->label_count);
    for (uint64_t left = bits; left != 0; left &= left - 1)
        len += column->labels[__builtin_ctzll(left)].len + 1;
    to = binlog_memory_room(memory, len);
    for (uint64_t left = bits; left != 0; left &= left - 1) {
        Text label = column->labels[__builtin_ctzll(left)];

        if (left != bits)
            *to++ = ',';
        memcpy(to, label.data, label.len);
        to += label.len;
    }
    *ret_text = binlog_memory_end(memory, to);
    return true;
}

static char *
print_bits(char *to, uint64_t bits, unsigned count)
{
    while (count > 0)
        *to++ = (char)('0' + (bits >> --count & 1));
    return to;
}

/* Of size bytes, little-endian, in two's complement. */
static char *
print_integer(char *to, const BinlogColumn *column, Text bytes)
{
    uint64_t number = binlog_read_le(bytes_of(bytes), bytes.len);
    unsigned unused = 64 - 8 * (unsigned)bytes.len;

    if (column->is_unsigned)
        return binlog_print_u64(to, number);
    /* the sign's bit is moved to the top and back */
    return binlog_print_i64(to, (int64_t)(number << unused) >> unused);
}

/* The greatest number's shortest text is a little greater than it is. MySQL, which reads doubles,
 * would find it out of a FLOAT's range: it gets all digits. */
static char *
print_single(char *to, float number)
{
    static const char greatest[] = "3.4028234663852886e+38";

    if (number != FLT_MAX && number != -FLT_MAX)
        return binlog_print_float(to, number);
    if (number < 0)
        *to++ = '-';
    memcpy(to, greatest, sizeof(greatest) - 1);
    return to + sizeof(greatest) - 1;
}

static char *
print_real(char *to, Text bytes)
{
    uint64_t bits = binlog_read_le(bytes_of(bytes), bytes.len);
    uint32_t low = (uint32_t)bits;
    double number;
    float single;

    if (bytes.len == sizeof(single)) {
        memcpy(&single, &low, sizeof(single));
        return print_single(to, single);
    }
    memcpy(&number, &bits, sizeof(number));
    return binlog_print_double(to, number);
}

#define NUMBER_TEXT 128 /* bytes at most of all below */
_Static_assert(
    NUMBER_TEXT >= BINLOG_DECIMAL_TEXT && NUMBER_TEXT >= BITS_MAX, "the longest numbers");

/* What has a fixed size, but for enumerations and sets. */
static bool
write_fixed(
    const BinlogColumn *column, Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    char *to = binlog_memory_room(memory, NUMBER_TEXT);
    unsigned year;

    switch (column->type) {
    case MYSQL_COLUMN_TINY:
    case MYSQL_COLUMN_SHORT:
    case MYSQL_COLUMN_INT24:
    case MYSQL_COLUMN_LONG:
    case MYSQL_COLUMN_LONGLONG:
        to = print_integer(to, column, bytes);
        break;
    case MYSQL_COLUMN_YEAR:
        year = (uint8_t)bytes.data[0];
        to = binlog_print_padded(to, year == 0 ? 0 : 1900 + year, 4);
        break;
    case MYSQL_COLUMN_FLOAT:
    case MYSQL_COLUMN_DOUBLE:
        to = print_real(to, bytes);
        break;
    case MYSQL_COLUMN_NEWDECIMAL:
        if (!binlog_decimal_print(bytes_of(bytes), column->length, column->decimals, &to, err))
            return false;
        break;
    case MYSQL_COLUMN_BIT:
        to = print_bits(to, binlog_read_be(bytes_of(bytes), bytes.len), column->length);
        break;
    default:
        if (!binlog_temporal_print(column->type, column->decimals, bytes_of(bytes), &to, err))
            return false;
        break;
    }
    *ret_text = binlog_memory_end(memory, to);
    return true;
}

static bool
write_value(
    const BinlogValueType *type, Text bytes, BinlogMemory *memory, Text *ret_text, Error *err)
{
    const BinlogColumn *column = &type->column;

    switch (column->type) {
    case MYSQL_COLUMN_STRING:
    case MYSQL_COLUMN_VARCHAR:
    case MYSQL_COLUMN_VAR_STRING:
    case MYSQL_COLUMN_TINY_BLOB:
    case MYSQL_COLUMN_MEDIUM_BLOB:
    case MYSQL_COLUMN_LONG_BLOB:
    case MYSQL_COLUMN_BLOB:
        return write_string(type, bytes, memory, ret_text, err);
    case MYSQL_COLUMN_VARCHAR_COMPRESSED:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
        return write_compressed(type, bytes, memory, ret_text, err);
    case MYSQL_COLUMN_JSON:
        return write_json(bytes, memory, ret_text, err);
    case MYSQL_COLUMN_GEOMETRY:
        return write_geometry(bytes, memory, ret_text, err);
    case MYSQL_COLUMN_VECTOR:
        return write_vector(type, bytes, memory, ret_text, err);
    case MYSQL_COLUMN_ENUM:
        return write_member(column, binlog_read_le(bytes_of(bytes), bytes.len), ret_text, err);
    case MYSQL_COLUMN_SET:
        return write_members(
            column, binlog_read_le(bytes_of(bytes), bytes.len), memory, ret_text, err);
    default:
        return write_fixed(column, bytes, memory, ret_text, err);
    }
}

bool
binlog_value_read(const BinlogValueType *type, const uint8_t **at, const uint8_t *end,
    BinlogMemory *memory, Value *ret_value, Error *err)
{
    const uint8_t *next = *at;
    Text bytes = TEXT("");
    Text text = TEXT("");

    if (!take(&type->column, &next, end, &bytes, err) ||
        !write_value(type, bytes, memory, &text, err))
        return false;
    *at = next;
    *ret_value = (Value){VALUE_TEXT, text};
    return true;
}

/* ZEROFILL fills with zeros. */
static Text
without_zeros(Text shown)
{
    while (shown.len > 1 && shown.data[0] == '0' && shown.data[1] != '.') {
        shown.data++;
        shown.len--;
    }
    return shown;
}

static bool
real_from_text(
    const BinlogColumn *column, Text shown, BinlogMemory *memory, Text *ret_text, Error *err)
{
    char *to = binlog_memory_room(memory, BINLOG_SHORTEST_TEXT);
    double number;

    if (!binlog_parse_double(shown, &number))
        return error_set(err, ERR_DATA, "\"" TEXT_FMT "\" is no floating-point number",
            (int)MIN(shown.len, (size_t)60), shown.data);
    if (column->type == MYSQL_COLUMN_FLOAT)
        to = print_single(to, (float)number);
    else
        to = binlog_print_double(to, number);
    *ret_text = binlog_memory_end(memory, to);
    return true;
}

static bool
bits_from_text(
    const BinlogColumn *column, Text shown, BinlogMemory *memory, Text *ret_text, Error *err)
{
    char *to = binlog_memory_room(memory, BITS_MAX);

    if (column->length > BITS_MAX || shown.len > (column->length + 7) / 8)
        return error_set(
            err, ERR_DATA, "%zu bytes where there can be %u bits", shown.len, column->length);
    to = print_bits(to, binlog_read_be(bytes_of(shown), shown.len), column->length);
    *ret_text = binlog_memory_end(memory, to);
    return true;
}

/* YEAR(2) of old tables has two digits: 70 to 99 are of the century before. */
static Text
year_from_text(Text shown, BinlogMemory *memory)
{
    char *to;

    if (shown.len != 2)
        return shown;
    to = binlog_memory_room(memory, 4);
    *to++ = shown.data[0] < '7' ? '2' : '1';
    *to++ = shown.data[0] < '7' ? '0' : '9';
    memcpy(to, shown.data, 2);
    return binlog_memory_end(memory, to + 2);
}

static Text
timestamp_from_text(Text shown, BinlogMemory *memory)
{
    Text trimmed = binlog_temporal_trim(shown);
    char *to = binlog_memory_room(memory, trimmed.len + 3);

    memcpy(to, trimmed.data, trimmed.len);
    to += trimmed.len;
    *to++ = '+';
    *to++ = '0';
    *to++ = '0';
    return binlog_memory_end(memory, to);
}

static bool
string_from_text(
    const BinlogValueType *type, Text shown, BinlogMemory *memory, Text *ret_text, Error *err)
{
    if (type->special == BINLOG_VECTOR)
        return write_vector(type, shown, memory, ret_text, err);
    if (type->special == BINLOG_PLAIN && type->charset == NULL)
        return write_binary(type, shown, memory, ret_text, err);
    if (!write_utf8(shown, ret_text, err))
        return false;
    *ret_text = without_padding(type, *ret_text);
    return true;
}

static bool
text_from_text(
    const BinlogValueType *type, Text shown, BinlogMemory *memory, Text *ret_text, Error *err)
{
    switch (type->column.type) {
    case MYSQL_COLUMN_TINY:
    case MYSQL_COLUMN_SHORT:
    case MYSQL_COLUMN_INT24:
    case MYSQL_COLUMN_LONG:
    case MYSQL_COLUMN_LONGLONG:
    case MYSQL_COLUMN_NEWDECIMAL:
        *ret_text = without_zeros(shown);
        return true;
    case MYSQL_COLUMN_YEAR:
        *ret_text = year_from_text(shown, memory);
        return true;
    case MYSQL_COLUMN_FLOAT:
    case MYSQL_COLUMN_DOUBLE:
        return real_from_text(&type->column, shown, memory, ret_text, err);
    case MYSQL_COLUMN_BIT:
        return bits_from_text(&type->column, shown, memory, ret_text, err);
    case MYSQL_COLUMN_TIMESTAMP:
    case MYSQL_COLUMN_TIMESTAMP2:
        *ret_text = timestamp_from_text(shown, memory);
        return true;
    case MYSQL_COLUMN_DATE:
    case MYSQL_COLUMN_NEWDATE:
    case MYSQL_COLUMN_TIME:
    case MYSQL_COLUMN_TIME2:
    case MYSQL_COLUMN_DATETIME:
    case MYSQL_COLUMN_DATETIME2:
        *ret_text = binlog_temporal_trim(shown);
        return true;
    case MYSQL_COLUMN_GEOMETRY:
        return write_geometry(shown, memory, ret_text, err);
    case MYSQL_COLUMN_VECTOR:
        return write_vector(type, shown, memory, ret_text, err);
    case MYSQL_COLUMN_JSON:
    case MYSQL_COLUMN_ENUM:
    case MYSQL_COLUMN_SET:
        return write_utf8(shown, ret_text, err);
    default:
        return string_from_text(type, shown, memory, ret_text, err);
    }
}

bool
binlog_value_from_text(
    const BinlogValueType *type, Text shown, BinlogMemory *memory, Value *ret_value, Error *err)
{
    Text text = TEXT("");

    if (!text_from_text(type, shown, memory, &text, err))
        return false;
    *ret_value = (Value){VALUE_TEXT, text};
    return true;
}

bool
binlog_value_is_by_bytes(const BinlogValueType *type)
{
    switch (type->column.type) {
    case MYSQL_COLUMN_STRING:
    case MYSQL_COLUMN_VAR_STRING:
    case MYSQL_COLUMN_VARCHAR:
    case MYSQL_COLUMN_VARCHAR_COMPRESSED:
    case MYSQL_COLUMN_TINY_BLOB:
    case MYSQL_COLUMN_MEDIUM_BLOB:
    case MYSQL_COLUMN_LONG_BLOB:
    case MYSQL_COLUMN_BLOB:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
        return type->charset != NULL && !binlog_charset_is_utf8(type->charset);
    default:
        return false;
    }
}

bool
binlog_value_from_bytes(
    const BinlogValueType *type, Text bytes, BinlogMemory *memory, Value *ret_value, Error *err)
{
    Text text = TEXT("");

    if (!write_characters(type, bytes, memory, &text, err))
        return false;
    *ret_value = (Value){VALUE_TEXT, text};
    return true;
}
