#include "target/sqlite_functions.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "block/geometry.h"
#include "target/md5.h"

#define PART_DIGITS 15

static void
give_text(sqlite3_context *context, Text text)
{
    sqlite3_result_text64(context, text.data, text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static Text
text_argument(sqlite3_value *value)
{
    const void *data = sqlite3_value_type(value) == SQLITE_BLOB ? sqlite3_value_blob(value)
                                                                : sqlite3_value_text(value);
    int len = sqlite3_value_bytes(value);

    return (Text){data == NULL ? "" : data, (size_t)len};
}

static void
call_md5(sqlite3_context *context, int count, sqlite3_value **values)
{
    char hex[MD5_HEX_SIZE];

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    md5_hex(text_argument(values[0]), hex);
    give_text(context, text_of(hex));
}

static void
call_part(sqlite3_context *context, int count, sqlite3_value **values)
{
    Text digest;
    char digits[PART_DIGITS + 1] = "";

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    digest = text_argument(values[0]);
    memcpy(digits, digest.data, MIN(digest.len, (size_t)PART_DIGITS));
    sqlite3_result_int64(context, (sqlite3_int64)strtoull(digits, NULL, 16));
}

static void
step_sum(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint64_t *sum = sqlite3_aggregate_context(context, sizeof(*sum));

    (void)count;
    if (sum != NULL && sqlite3_value_type(values[0]) != SQLITE_NULL)
        *sum += (uint64_t)sqlite3_value_int64(values[0]);
}

static void
give_sum(sqlite3_context *context)
{
    const uint64_t *sum = sqlite3_aggregate_context(context, 0);
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, sum == NULL ? 0 : *sum);
    give_text(context, text_of(text));
}

/* Without zeros behind the last digit of the fraction. */
static Text
trim_fraction(Text number)
{
    if (text_find(number, '.') == number.len)
        return number;
    while (number.data[number.len - 1] == '0')
        number.len--;
    if (number.data[number.len - 1] == '.')
        number.len--;
    return number;
}

/* "-1.25e-07" as "-0.000000125". */
static void
expand_exponent(const char *text, Buf *out)
{
    Text mantissa = {text, text_find(text_of(text), 'e')};
    long exponent = strtol(text + mantissa.len + 1, NULL, 10);
    char digits[32];
    long count = 0;
    long point;

    if (mantissa.data[0] == '-') {
        buf_add_char(out, '-');
        mantissa = (Text){mantissa.data + 1, mantissa.len - 1};
    }
    for (size_t i = 0; i < mantissa.len; i++)
        if (mantissa.data[i] != '.')
            digits[count++] = mantissa.data[i];
    point = exponent + 1; /* one digit stands before the point */
    if (point <= 0) {
        buf_add_string(out, "0.");
        for (long i = point; i < 0; i++)
            buf_add_char(out, '0');
    }
    for (long i = 0; i < MAX(count, point); i++) {
        if (i == point && i > 0)
            buf_add_char(out, '.');
        if (i < count)
            buf_add_char(out, digits[i]);
        else
            buf_add_char(out, '0');
    }
}

/* Fifteen digits are what a decimal keeps in a double; a number that needs more shows them all. */
static void
add_real(double real, Buf *out)
{
    char text[40];

    if (real == 0) {
        buf_add_char(out, '0');
        return;
    }
    (void)snprintf(text, sizeof(text), "%.14e", real);
    if (strtod(text, NULL) != real)
        (void)snprintf(text, sizeof(text), "%.16e", real);
    if (strchr(text, 'e') == NULL)
        buf_add_string(out, real < 0 ? "-Infinity" : "Infinity");
    else
        expand_exponent(text, out);
}

static void
call_number(sqlite3_context *context, int count, sqlite3_value **values)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    (void)count;
    switch (sqlite3_value_type(values[0])) {
    case SQLITE_NULL:
        return;
    case SQLITE_FLOAT:
        add_real(sqlite3_value_double(values[0]), &text);
        break;
    default:
        buf_add_text(&text, text_argument(values[0]));
        break;
    }
    give_text(context, trim_fraction(buf_text(&text)));
}

static void
give_bits(sqlite3_context *context, double real)
{
    char text[24];
    uint64_t bits;

    memcpy(&bits, &real, sizeof(bits));
    (void)snprintf(text, sizeof(text), "%016" PRIx64, real == 0 ? 0 : bits);
    give_text(context, text_of(text));
}

static void
show_float(sqlite3_context *context, sqlite3_value *value, bool is_single)
{
    int type = sqlite3_value_type(value);
    double real = sqlite3_value_double(value);

    if (type == SQLITE_NULL)
        return;
    if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
        Text word = text_argument(value);

        /* NaN has no storage class of its own */
        if (!text_is(word, "Infinity") && !text_is(word, "-Infinity")) {
            give_text(context, word);
            return;
        }
        real = (double)(word.data[0] == '-' ? -INFINITY : INFINITY);
    }
    give_bits(context, is_single ? (double)(float)real : real);
}

static void
call_float8(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    show_float(context, values[0], false);
}

static void
call_float4(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    show_float(context, values[0], true);
}

/* What is no EWKT is shown as it is, and so is unlike any geometry. */
static void
call_geometry(sqlite3_context *context, int count, sqlite3_value **values)
{
    CLEANUP(buf_clear) Buf hex = BUF_INIT;
    Text text;

    (void)count;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    text = text_argument(values[0]);
    give_text(context, geometry_from_ewkt(text, &hex) == NULL ? buf_text(&hex) : text);
}

int
sqlite_functions_add(sqlite3 *db)
{
    static const struct {
        const char *name;
        void (*call)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {
        {"dray_md5", call_md5},
        {"dray_part", call_part},
        {"dray_number", call_number},
        {"dray_float8", call_float8},
        {"dray_float4", call_float4},
        {"dray_geometry", call_geometry},
    };
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    int code = SQLITE_OK;

    for (size_t i = 0; i < ARRAY_LEN(functions) && code == SQLITE_OK; i++)
        code = sqlite3_create_function_v2(
            db, functions[i].name, 1, flags, NULL, functions[i].call, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(
            db, "dray_sum", 1, flags, NULL, NULL, step_sum, give_sum, NULL);
    return code;
}
