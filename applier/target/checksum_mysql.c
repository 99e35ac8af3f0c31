#include <stdlib.h>

#include "target/checksum.h"

static const char *const open_view[] = {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", NULL};

static void
name_column(const TargetColumn *column, Buf *out)
{
    buf_add_string(out, "base.");
    sql_add_identifier(&sql_dialect_mysql, column->name, out);
}

static bool
type_is(const TargetColumn *column, const char *name)
{
    return text_equal_nocase(
        (Text){column->type.data, MIN(column->type.len, strlen(name))}, text_of(name));
}

/* Numbers, dates and texts alike; MariaDB's texts of single precision have six digits. */
static void
add_text(const char *x, Buf *sql)
{
    buf_addf(sql, "CONVERT(%s USING utf8mb4)", x);
}

/* Of a fraction, of a number or of a second. */
static void
add_trimmed(const char *x, Buf *sql)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    add_text(x, &text);
    buf_addf(sql,
        "CASE WHEN LOCATE('.', %s) > 0 THEN TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM %s))"
        " ELSE %s END",
        buf_string(&text), buf_string(&text), buf_string(&text));
}

/*
 * The bits of a double out of arithmetic that is exact: the number is scaled by a power of two
 * until its 53 digits are a whole number. LOG2 may be off by one near a power of two, which is
 * corrected. What is below the smallest normal number is scaled in two steps, since 2^1074 is no
 * double.
 */
static void
add_bits(const char *x, Buf *sql)
{
    CLEANUP(buf_clear) Buf size = BUF_INIT;
    CLEANUP(buf_clear) Buf guess = BUF_INIT;
    CLEANUP(buf_clear) Buf exponent = BUF_INIT;
    const char *a, *g, *e;

    buf_addf(&size, "ABS(%s + 0e0)", x);
    a = buf_string(&size);
    buf_addf(&guess, "GREATEST(-1022, LEAST(1023, FLOOR(LOG2(%s))))", a);
    g = buf_string(&guess);
    buf_addf(&exponent, "(%s + CASE WHEN %s < POW(2, %s) THEN -1 WHEN %s < 1023 AND %s >= ", g, a,
        g, g, a);
    buf_addf(&exponent, "POW(2, LEAST(1023, %s + 1)) THEN 1 ELSE 0 END)", g);
    e = buf_string(&exponent);
    buf_addf(sql, "CASE WHEN %s = 0 THEN '0000000000000000' ELSE LOWER(LPAD(HEX(", x);
    buf_addf(sql, "CASE WHEN %s < 0 THEN 9223372036854775808 ELSE 0 END | ", x);
    buf_addf(
        sql, "CASE WHEN %s < POW(2, -1022) THEN CAST(%s * POW(2, 537) * POW(2, 537) AS ", a, a);
    buf_addf(sql, "UNSIGNED) ELSE CAST(%s + 1023 AS UNSIGNED) << 52 | ", e);
    buf_addf(sql, "CAST(%s / POW(2, %s - 52) AS UNSIGNED) & 4503599627370495 END", a, e);
    buf_add_string(sql, "), 16, '0')) END");
}

static void
add_bool(const char *x, Buf *sql)
{
    buf_addf(sql, "CASE CONVERT(%s USING utf8mb4) WHEN '1' THEN 't' WHEN '0' THEN 'f' ELSE ", x);
    buf_addf(sql, "CONVERT(%s USING utf8mb4) END", x);
}

static void
add_bytes(const TargetColumn *column, const char *x, Buf *sql)
{
    if (column->logical == LOGICAL_BYTES)
        buf_addf(sql,
            "CASE WHEN OCTET_LENGTH(%s) > 4096 THEN CONCAT('M', MD5(%s)) ELSE LOWER(HEX(%s)) END",
            x, x, x);
    else
        buf_addf(sql, "LOWER(CONVERT(%s USING utf8mb4))", x);
}

static void
add_bit_digits(const TargetColumn *column, const char *x, Buf *sql)
{
    size_t open = text_find(column->type, '(');
    long digits = column->logical == LOGICAL_BIT && open < column->type.len
                      ? strtol(column->type.data + open + 1, NULL, 10)
                      : 1;

    if (column->logical == LOGICAL_BIT)
        buf_addf(sql, "LPAD(BIN(%s + 0), %ld, '0')", x, digits);
    else
        add_text(x, sql);
}

static void
add_form(const TargetColumn *column, CanonicalForm form, const char *x, Buf *sql)
{
    CLEANUP(buf_clear) Buf number = BUF_INIT;

    if (column->logical == LOGICAL_BIT && form != CANONICAL_BIT) {
        buf_addf(&number, "(%s + 0)", x);
        x = buf_string(&number);
    }
    switch (form) {
    case CANONICAL_BOOL:
        add_bool(x, sql);
        return;
    case CANONICAL_FLOAT4:
    case CANONICAL_FLOAT8:
        add_bits(x, sql);
        return;
    case CANONICAL_BYTES:
        add_bytes(column, x, sql);
        return;
    case CANONICAL_BIT:
        add_bit_digits(column, x, sql);
        return;
    case CANONICAL_PADDED:
        buf_addf(sql, "TRIM(TRAILING ' ' FROM CONVERT(%s USING utf8mb4))", x);
        return;
    case CANONICAL_TIMESTAMPTZ:
        if (column->is_text) { /* a policy of values: passes the source's text on */
            buf_addf(sql, "REPLACE(CONVERT(%s USING utf8mb4), '+00', '')", x);
            return;
        }
        add_trimmed(x, sql);
        return;
    case CANONICAL_NUMBER:
    case CANONICAL_TIME:
    case CANONICAL_TIMETZ:
    case CANONICAL_TIME_UTC:
    case CANONICAL_TIMESTAMP:
        add_trimmed(x, sql);
        return;
    case CANONICAL_GEOMETRY:
    case CANONICAL_TEXT:
    case CANONICAL_JSONB:
    case CANONICAL_DATE:
        break;
    }
    add_text(x, sql);
}

/* One collation for all, so that they can be joined. */
static void
canonical(const TargetColumn *column, Canonical how, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    name_column(column, &name);
    buf_add_string(sql, "(");
    add_form(column, how.form, buf_string(&name), sql);
    buf_add_string(sql, ") COLLATE utf8mb4_bin");
}

static void
key_value(const TargetColumn *column, LogicalType logical, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    name_column(column, &name);
    if (column->logical == LOGICAL_BYTES)
        buf_addf(sql, "LOWER(HEX(%s))", buf_string(&name));
    else if (column->logical == LOGICAL_FLOAT && type_is(column, "float"))
        buf_addf(sql, "CONVERT(%s + 0e0 USING utf8mb4)", buf_string(&name));
    else if (logical == LOGICAL_TIMESTAMPTZ || logical == LOGICAL_TIMETZ)
        buf_addf(sql, "CONCAT(%s, '+00')", buf_string(&name));
    else
        add_form(column,
            logical == LOGICAL_BOOL  ? CANONICAL_BOOL
            : logical == LOGICAL_BIT ? CANONICAL_BIT
                                     : CANONICAL_TEXT,
            buf_string(&name), sql);
}

const ChecksumFamily checksum_mysql = {
    .dialect = &sql_dialect_mysql,
    .open_view = open_view,
    .canonical = canonical,
    .key_value = key_value,
    .join_open = "CONCAT(",
    .join_next = ", ",
    .join_close = ")",
    .length = "CHAR_LENGTH",
    .md5_open = "MD5(",
    .md5_close = ")",
    .part_open = "CAST(CONV(SUBSTR(",
    .part_close = ", 1, 15), 16, 10) AS UNSIGNED)",
    .sum_open = "CONVERT(MOD(SUM(",
    .sum_close = "), 18446744073709551616) USING utf8mb4)",
    .modulo = "%",
    .by_bytes = "",
};
