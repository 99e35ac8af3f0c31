#include "target/sqlite_value.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

/* Decimal digits that every double keeps, and integers that it counts without gaps. */
#define DOUBLE_DIGITS  15
#define DOUBLE_INTEGER (INT64_C(1) << 53)

static bool
type_has(Text type, const char *word)
{
    size_t len = strlen(word);

    for (size_t at = 0; at + len <= type.len; at++)
        if (text_equal_nocase((Text){type.data + at, len}, (Text){word, len}))
            return true;
    return false;
}

static bool
type_begins(Text type, const char *word)
{
    size_t len = strlen(word);

    return type.len >= len && text_equal_nocase((Text){type.data, len}, (Text){word, len});
}

SqliteAffinity
sqlite_value_affinity(Text type)
{
    if (type_has(type, "INT"))
        return AFFINITY_NUMERIC;
    if (type_has(type, "CHAR") || type_has(type, "CLOB") || type_has(type, "TEXT"))
        return AFFINITY_TEXT;
    if (type.len == 0 || type_has(type, "BLOB"))
        return AFFINITY_NONE;
    if (type_has(type, "REAL") || type_has(type, "FLOA") || type_has(type, "DOUB"))
        return AFFINITY_REAL;
    return AFFINITY_NUMERIC;
}

LogicalType
sqlite_value_logical(Text type)
{
    static const struct {
        const char *begin;
        LogicalType logical;
    } names[] = {
        {"BOOL", LOGICAL_BOOL},
        {"BLOB", LOGICAL_BYTES},
        {"BINARY", LOGICAL_BYTES},
        {"VARBINARY", LOGICAL_BYTES},
        {"BYTEA", LOGICAL_BYTES},
        {"BIT", LOGICAL_BIT},
        {"JSON", LOGICAL_JSON},
        {"UUID", LOGICAL_UUID},
        {"INTERVAL", LOGICAL_INTERVAL},
        {"TIMESTAMPTZ", LOGICAL_TIMESTAMPTZ},
        {"TIMESTAMP WITH TIME ZONE", LOGICAL_TIMESTAMPTZ},
        {"TIMESTAMP", LOGICAL_TIMESTAMP},
        {"DATETIME", LOGICAL_TIMESTAMP},
        {"DATE", LOGICAL_DATE},
        {"TIMETZ", LOGICAL_TIMETZ},
        {"TIME WITH TIME ZONE", LOGICAL_TIMETZ},
        {"TIME", LOGICAL_TIME},
        {"DEC", LOGICAL_NUMERIC},
        {"NUMERIC", LOGICAL_NUMERIC},
        {"NUMBER", LOGICAL_NUMERIC},
    };

    if (type.len == 0)
        return LOGICAL_UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (type_begins(type, names[i].begin))
            return names[i].logical;
    if (type_has(type, "INT"))
        return type_has(type, "UNSIGNED") ? LOGICAL_UINT : LOGICAL_INT;
    switch (sqlite_value_affinity(type)) {
    case AFFINITY_TEXT:
        return LOGICAL_TEXT;
    case AFFINITY_REAL:
        return LOGICAL_FLOAT;
    case AFFINITY_NONE:
        return LOGICAL_BYTES;
    case AFFINITY_NUMERIC:
        break;
    }
    return LOGICAL_OTHER;
}

/* What a text looks like to SQLite when it is put into a numeric column. */
typedef struct NumberLook {
    bool is_number;
    bool is_integer; /* neither point nor exponent */
    bool is_plain;   /* the number printed again gives the same bytes */
    Text trimmed;    /* without white space around */
    int significant; /* digits between the first and the last one that is not 0 */
    bool is_zero;
} NumberLook;

static size_t
count_digits(Text text, size_t at)
{
    size_t count = 0;

    while (at + count < text.len && isdigit((unsigned char)text.data[at + count]))
        count++;
    return count;
}

static int
significant_digits(const char *digits, size_t len)
{
    int count = 0;
    int zeros = 0;

    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)digits[i]))
            continue;
        if (digits[i] == '0') {
            zeros += count > 0;
        } else {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

static bool
skip_exponent(Text text, size_t *at)
{
    size_t next = *at + 1;
    size_t digits;

    if (*at >= text.len || (text.data[*at] != 'e' && text.data[*at] != 'E'))
        return true;
    if (next < text.len && (text.data[next] == '+' || text.data[next] == '-'))
        next++;
    digits = count_digits(text, next);
    *at = next + digits;
    return digits > 0;
}

/* SQLite prints no zeros at the end, and numbers below 0.0001 with an exponent. */
static bool
is_plain_fraction(Text text, size_t at)
{
    Text digits = {text.data + at, text.len - at};

    return digits.len > 0 && digits.data[digits.len - 1] != '0' &&
           !(text_starts_with(digits, "0000") && at == 2 + (size_t)(text.data[0] == '-') &&
               text.data[at - 2] == '0');
}

static NumberLook
number_look(Text value)
{
    Text text = text_trim(value);
    NumberLook look = {.trimmed = text};
    bool sign = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t start = sign ? 1 : 0;
    size_t whole = count_digits(text, start);
    size_t at = start + whole;
    size_t fraction = 0;
    bool point = at < text.len && text.data[at] == '.';
    size_t mantissa_end;

    if (point) {
        fraction = count_digits(text, at + 1);
        at += 1 + fraction;
    }
    mantissa_end = at;
    if (whole + fraction == 0 || !skip_exponent(text, &at) || at != text.len)
        return look;
    look.is_number = true;
    look.is_integer = !point && mantissa_end == text.len;
    look.significant = significant_digits(text.data + start, mantissa_end - start);
    look.is_zero = look.significant == 0;
    look.is_plain = text.len == value.len && mantissa_end == text.len && text.data[0] != '+' &&
                    whole > 0 && (whole == 1 || text.data[start] != '0') &&
                    !(look.is_zero && sign) &&
                    (!point || is_plain_fraction(text, start + whole + 1));
    return look;
}

static bool
to_double(Text number, double *ret)
{
    char copy[512];

    if (number.len >= sizeof(copy))
        return false;
    memcpy(copy, number.data, number.len);
    copy[number.len] = '\0';
    *ret = strtod(copy, NULL);
    return true;
}

/* PostgreSQL's and MySQL's words; NaN has no storage class of its own, it stays text. */
static bool
to_infinity(Text value, double *ret)
{
    if (text_is(value, "Infinity"))
        *ret = (double)INFINITY;
    else if (text_is(value, "-Infinity"))
        *ret = (double)-INFINITY;
    else
        return false;
    return true;
}

static const char *
store_float(Text value, const NumberLook *look, SqliteStored *stored)
{
    if (to_infinity(value, &stored->real)) {
        stored->storage = STORAGE_REAL;
    } else if (look->is_number) {
        if (!to_double(look->trimmed, &stored->real) || isinf(stored->real) ||
            (stored->real == 0 && !look->is_zero))
            return "no floating-point number can hold it";
        stored->storage = STORAGE_REAL;
    }
    return NULL;
}

static bool
store_integer(Text digits, SqliteStored *stored)
{
    if (digits.len > 0 && digits.data[0] == '+')
        digits = (Text){digits.data + 1, digits.len - 1};
    if (!text_to_i64(digits, &stored->integer))
        return false;
    stored->storage = STORAGE_INTEGER;
    return true;
}

static bool
is_numeric(LogicalType logical)
{
    return logical == LOGICAL_INT || logical == LOGICAL_UINT || logical == LOGICAL_NUMERIC ||
           logical == LOGICAL_FLOAT || logical == LOGICAL_BOOL || logical == LOGICAL_UNKNOWN;
}

static const char *
store_number(
    SqliteAffinity affinity, LogicalType logical, const NumberLook *look, SqliteStored *stored)
{
    if (!is_numeric(logical) && !look->is_plain)
        return "the column would turn the text into a number";
    if (look->is_integer) {
        if (!store_integer(look->trimmed, stored))
            return "an integer past 64 bits would lose digits";
        if (affinity == AFFINITY_REAL &&
            (stored->integer > DOUBLE_INTEGER || stored->integer < -DOUBLE_INTEGER))
            return "an integer past 53 bits would lose digits in a floating-point column";
        return NULL;
    }
    if (look->significant > DOUBLE_DIGITS)
        return "more than 15 significant digits would be rounded";
    return store_float(look->trimmed, look, stored);
}

const char *
sqlite_value_store(
    SqliteAffinity affinity, LogicalType logical, Text value, SqliteStored *ret_stored)
{
    NumberLook look;

    *ret_stored = (SqliteStored){.storage = STORAGE_TEXT};
    if (logical == LOGICAL_BYTES) {
        ret_stored->storage = STORAGE_BLOB;
        return NULL;
    }
    if (affinity == AFFINITY_TEXT)
        return NULL;
    look = number_look(value);
    if (logical == LOGICAL_FLOAT)
        return store_float(value, &look, ret_stored);
    if (affinity == AFFINITY_NONE) {
        /* a number without a declared type compares with others only as a number */
        if ((logical == LOGICAL_INT || logical == LOGICAL_UINT || logical == LOGICAL_BOOL) &&
            look.is_integer && look.is_plain)
            (void)store_integer(value, ret_stored);
        return NULL;
    }
    return look.is_number ? store_number(affinity, logical, &look, ret_stored) : NULL;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
sqlite_value_unhex(Text hex, Buf *out)
{
    char *to;

    if (text_starts_with(hex, "\\x"))
        hex = (Text){hex.data + 2, hex.len - 2};
    if (hex.len % 2 != 0)
        return false;
    to = buf_reserve(out, hex.len / 2);
    for (size_t i = 0; i < hex.len; i += 2) {
        int high = hex_digit(hex.data[i]);
        int low = hex_digit(hex.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        to[i / 2] = (char)(high * 16 + low);
    }
    buf_grown(out, hex.len / 2);
    return true;
}
