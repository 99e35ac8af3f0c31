#include "source/binlog/json_value.h"

#include <inttypes.h>

#include "source/binlog/decimal.h"
#include "source/binlog/digits.h"
#include "source/binlog/shortest.h"
#include "source/binlog/table_map.h"

enum {
    SMALL_OBJECT = 0,
    LARGE_OBJECT = 1,
    SMALL_ARRAY = 2,
    LARGE_ARRAY = 3,
    LITERAL = 4,
    NUMBER_I16 = 5,
    NUMBER_U16 = 6,
    NUMBER_I32 = 7,
    NUMBER_U32 = 8,
    NUMBER_I64 = 9,
    NUMBER_U64 = 10,
    NUMBER_DOUBLE = 11,
    STRING = 12,
    OTHER = 15,
};

static bool
damaged(Error *err, const char *reason)
{
    return error_set(err, ERR_DATA, "binary JSON: %s", reason);
}

BinlogJson
binlog_json_value(Text binary)
{
    if (binary.len == 0)
        return (BinlogJson){LITERAL, TEXT("\0")};
    return (BinlogJson){(uint8_t)binary.data[0], {binary.data + 1, binary.len - 1}};
}

bool
binlog_json_is_container(const BinlogJson *value)
{
    return value->type <= LARGE_ARRAY;
}

static size_t
number_at(Text data, size_t at, size_t width)
{
    return binlog_read_le((const uint8_t *)data.data + at, width);
}

bool
binlog_json_open(const BinlogJson *value, BinlogJsonContainer *ret, Error *err)
{
    size_t width = value->type == LARGE_OBJECT || value->type == LARGE_ARRAY ? 4 : 2;
    bool is_object = value->type <= LARGE_OBJECT;
    size_t entry = 1 + width + (is_object ? width + 2 : 0);
    size_t count;
    size_t size;

    if (value->data.len < 2 * width)
        return damaged(err, "it ends within a container's size");
    count = number_at(value->data, 0, width);
    size = number_at(value->data, width, width);
    if (size > value->data.len)
        return damaged(err, "a container is longer than what it is in");
    if (size < 2 * width || count > (size - 2 * width) / entry)
        return damaged(err, "a container has more entries than bytes");
    *ret = (BinlogJsonContainer){
        is_object, count, 2 * width + count * entry, width, {value->data.data, size}};
    return true;
}

bool
binlog_json_key(const BinlogJsonContainer *container, size_t index, Text *ret_key, Error *err)
{
    size_t at = 2 * container->width + index * (container->width + 2);
    size_t offset = number_at(container->data, at, container->width);
    size_t len = number_at(container->data, at + container->width, 2);

    if (offset < container->header || offset > container->data.len ||
        len > container->data.len - offset)
        return damaged(err, "a key is not in its object");
    *ret_key = (Text){container->data.data + offset, len};
    return true;
}

bool
binlog_json_child(
    const BinlogJsonContainer *container, size_t index, BinlogJson *ret_value, Error *err)
{
    size_t entry = 1 + container->width;
    size_t at = container->header - (container->count - index) * entry;
    unsigned type = (uint8_t)container->data.data[at];
    size_t offset;

    if (type == LITERAL || type == NUMBER_I16 || type == NUMBER_U16 ||
        (container->width == 4 && (type == NUMBER_I32 || type == NUMBER_U32))) {
        *ret_value = (BinlogJson){type, {container->data.data + at + 1, container->width}};
        return true;
    }
    offset = number_at(container->data, at + 1, container->width);
    if (offset < container->header || offset > container->data.len)
        return damaged(err, "a value is not in its container");
    *ret_value = (BinlogJson){type, {container->data.data + offset, container->data.len - offset}};
    return true;
}

/* A length of several bytes at *at. */
static bool
read_length(Text data, size_t *at, size_t *ret_length, Error *err)
{
    uint64_t length = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte;

        if (*at >= data.len)
            return damaged(err, "it ends within a length");
        byte = (uint8_t)data.data[(*at)++];
        length |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0) {
            if (length > data.len - *at)
                return damaged(err, "a text is longer than what it is in");
            *ret_length = length;
            return true;
        }
    }
    return damaged(err, "a length has too many bytes");
}

static void
print_control(unsigned char c, Buf *out)
{
    static const char *const names[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};

    if (c < ARRAY_LEN(names) && names[c] != NULL)
        buf_add(out, names[c], 2);
    else
        buf_addf(out, "\\u%04x", c);
}

bool
binlog_json_print_string(Text text, Buf *out, Error *err)
{
    size_t begin = 0;

    if (!text_is_utf8(text, NULL))
        return damaged(err, "a text is no UTF-8");
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(out, text.data + begin, i - begin);
        begin = i + 1;
        if (c < 0x20) {
            print_control(c, out);
        } else {
            buf_add_char(out, '\\');
            buf_add_char(out, (char)c);
        }
    }
    buf_add(out, text.data + begin, text.len - begin);
    buf_add_char(out, '"');
    return true;
}

/* An exponent only where the point would stand before the first digit by more than 14 places, or
 * behind the 15th and no digit behind it; without sign or zeros. A number without fraction and
 * exponent gets ".0". */
static void
print_double(double number, Buf *out)
{
    char text[BINLOG_SHORTEST_TEXT];
    char digits[BINLOG_SHORTEST_TEXT] = "0";
    const char *end = binlog_print_mysql_double(text, number);
    const char *at = text;
    int count = 0;
    int point = 0; /* where the point stands among the digits */
    int exponent = 0;
    bool is_behind = false;

    if (*at == '-') {
        buf_add_char(out, '-');
        at++;
    }
    for (; at < end && *at != 'e'; at++) {
        if (*at == '.') {
            is_behind = true;
            continue;
        }
        point += !is_behind;
        digits[count++] = *at;
    }
    if (at < end) {
        bool is_below = at[1] == '-';

        for (at += 2; at < end; at++)
            exponent = 10 * exponent + (*at - '0');
        point += is_below ? -exponent : exponent;
    }
    for (at = digits; count > 1 && *at == '0'; at++, count--)
        point--;
    while (count > 1 && at[count - 1] == '0')
        count--;
    if (point < -14 || point > MAX(15, count - 1)) {
        buf_add_char(out, *at);
        if (count > 1)
            buf_add_char(out, '.');
        buf_add(out, at + 1, (size_t)count - 1);
        buf_addf(out, "e%d", point - 1);
        return;
    }
    if (point <= 0)
        buf_add_string(out, "0.");
    for (int i = point; i < 0; i++)
        buf_add_char(out, '0');
    for (int i = 0; i < MAX(count, point); i++) {
        if (i == point && i > 0)
            buf_add_char(out, '.');
        buf_add_char(out, (char)(i < count ? at[i] : '0'));
    }
    if (count <= point)
        buf_add_string(out, ".0");
}

static void
print_base64(unsigned type, Text bytes, Buf *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t line = 57; /* bytes a line of 76 letters */

    buf_addf(out, "\"base64:type%u:", type);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t count = MIN(bytes.len - i, 3U);
        uint32_t group = 0;
        char *to;

        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (j < count ? (uint8_t)bytes.data[i + j] : 0U);
        if (i > 0 && i % line == 0)
            buf_add_string(out, "\\n");
        to = buf_reserve(out, 4);
        for (size_t j = 0; j < 4; j++)
            to[j] = (char)(j <= count ? letters[group >> (18 - 6 * j) & 63] : '=');
        buf_grown(out, 4);
    }
    buf_add_char(out, '"');
}

static bool
print_decimal(Text data, Buf *out, Error *err)
{
    unsigned precision = data.len < 2 ? 0 : (uint8_t)data.data[0];
    unsigned scale = data.len < 2 ? 0 : (uint8_t)data.data[1];
    size_t size = binlog_decimal_size(precision, scale);
    char text[BINLOG_DECIMAL_TEXT];
    char *end = text;

    if (size == 0 || data.len - 2 != size)
        return damaged(err, "a decimal has not the bytes of its digits");
    if (!binlog_decimal_print((const uint8_t *)data.data + 2, precision, scale, &end, err))
        return error_wrap(err, "binary JSON");
    buf_add(out, text, (size_t)(end - text));
    return true;
}

static bool
print_time(unsigned type, Text data, Buf *out, Error *err)
{
    int64_t packed;
    uint64_t whole;
    uint64_t fraction;
    uint64_t days;

    if (data.len != 8)
        return damaged(err, "a date or time has not 8 bytes");
    packed = (int64_t)binlog_read_le((const uint8_t *)data.data, 8);
    whole = packed < 0 ? -(uint64_t)packed : (uint64_t)packed;
    fraction = whole & 0xFFFFFF;
    whole >>= 24;
    buf_add_string(out, packed < 0 ? "\"-" : "\"");
    if (type != MYSQL_COLUMN_TIME) {
        days = whole >> 17;
        buf_addf(out, "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64, (days >> 5) / 13, (days >> 5) % 13,
            days & 31);
        whole &= 0x1FFFF;
    }
    if (type != MYSQL_COLUMN_TIME && type != MYSQL_COLUMN_DATE)
        buf_add_char(out, ' ');
    if (type != MYSQL_COLUMN_DATE)
        buf_addf(out, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%06" PRIu64, whole >> 12 & 0x3FF,
            whole >> 6 & 63, whole & 63, fraction);
    buf_add_char(out, '"');
    return true;
}

static bool
print_other(Text data, Buf *out, size_t *ret_len, Error *err)
{
    size_t at = 1;
    size_t len = 0;
    unsigned type;
    Text bytes;

    if (data.len == 0)
        return damaged(err, "it ends before a value's type");
    type = (uint8_t)data.data[0];
    if (!read_length(data, &at, &len, err))
        return false;
    bytes = (Text){data.data + at, len};
    *ret_len = at + len;
    if (type == MYSQL_COLUMN_NEWDECIMAL)
        return print_decimal(bytes, out, err);
    if (type == MYSQL_COLUMN_DATE || type == MYSQL_COLUMN_TIME || type == MYSQL_COLUMN_DATETIME ||
        type == MYSQL_COLUMN_TIMESTAMP)
        return print_time(type, bytes, out, err);
    print_base64(type, bytes, out);
    return true;
}

static bool
print_literal(Text data, Buf *out, Error *err)
{
    static const char *const names[] = {"null", "true", "false"};
    uint8_t literal = data.len == 0 ? 0xFF : (uint8_t)data.data[0];

    if (literal >= ARRAY_LEN(names))
        return damaged(err, "a literal is none of null, true and false");
    buf_add_string(out, names[literal]);
    return true;
}

static void
print_number(unsigned type, const uint8_t *at, Buf *out)
{
    static const uint8_t sizes[] = {[NUMBER_I16] = 2,
        [NUMBER_U16] = 2,
        [NUMBER_I32] = 4,
        [NUMBER_U32] = 4,
        [NUMBER_I64] = 8,
        [NUMBER_U64] = 8};
    uint64_t bits = binlog_read_le(at, sizes[type]);
    char *to = buf_reserve(out, BINLOG_DIGITS_I64);
    const char *end;

    if (type == NUMBER_I16)
        end = binlog_print_i64(to, (int16_t)bits);
    else if (type == NUMBER_I32)
        end = binlog_print_i64(to, (int32_t)bits);
    else if (type == NUMBER_I64)
        end = binlog_print_i64(to, (int64_t)bits);
    else
        end = binlog_print_u64(to, bits);
    buf_grown(out, (size_t)(end - to));
}

static size_t
size_of_number(unsigned type)
{
    return type <= NUMBER_U16 ? 2 : type <= NUMBER_U32 ? 4 : 8;
}

static bool
print_any_number(const BinlogJson *value, Buf *out, size_t *ret_len, Error *err)
{
    const uint8_t *at = (const uint8_t *)value->data.data;
    uint64_t bits;
    double number;

    *ret_len = size_of_number(value->type);
    if (value->data.len < *ret_len)
        return damaged(err, "it ends within a number");
    if (value->type != NUMBER_DOUBLE) {
        print_number(value->type, at, out);
        return true;
    }
    bits = binlog_read_le(at, 8);
    memcpy(&number, &bits, sizeof(number));
    if (!__builtin_isfinite(number))
        return damaged(err, "a number is infinite or none");
    print_double(number, out);
    return true;
}

bool
binlog_json_print_scalar(const BinlogJson *value, Buf *out, size_t *ret_len, Error *err)
{
    size_t at = 0;
    size_t len = 0;

    if (value->type == LITERAL) {
        *ret_len = 1;
        return print_literal(value->data, out, err);
    }
    if (value->type >= NUMBER_I16 && value->type <= NUMBER_DOUBLE)
        return print_any_number(value, out, ret_len, err);
    if (value->type == OTHER)
        return print_other(value->data, out, ret_len, err);
    if (value->type != STRING)
        return error_set(err, ERR_DATA, "binary JSON: value of unknown type %u", value->type);
    if (!read_length(value->data, &at, &len, err))
        return false;
    *ret_len = at + len;
    return binlog_json_print_string((Text){value->data.data + at, len}, out, err);
}
