#include "source/mysql/canonical.h"

#include <stdlib.h>

/* The greatest number of single precision, and from where on a number is no such one. */
#define SINGLE_MAX    "3.4028234663852886e38"
#define SINGLE_BEYOND "3.4028235677973366e38"

/* The column, and what the server knows of it. */
typedef struct Shown {
    const char *x;
    Text type;
    LogicalType logical;
    unsigned nulls;
} Shown;

static bool
type_is(const Shown *shown, const char *name)
{
    return text_equal_nocase(
        (Text){shown->type.data, MIN(shown->type.len, strlen(name))}, text_of(name));
}

static bool
is_single(const Shown *shown)
{
    return shown->logical == LOGICAL_FLOAT && type_is(shown, "float");
}

static bool
has_word(Text type, const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i + len <= type.len; i++)
        if (text_equal_nocase((Text){type.data + i, len}, text_of(word)))
            return true;
    return false;
}

/* ---- texts ---- */

/* Numbers, dates and texts alike; of numbers without the zeros that ZEROFILL and YEAR show. */
static void
add_text(const Shown *shown, Buf *sql)
{
    bool is_number = shown->logical == LOGICAL_INT || shown->logical == LOGICAL_UINT ||
                     shown->logical == LOGICAL_NUMERIC;

    if (is_number && has_word(shown->type, "zerofill"))
        buf_addf(sql, "CONVERT(%s + 0 USING utf8mb4)", shown->x);
    else if (shown->logical == LOGICAL_FLOAT)
        buf_addf(sql, "CONVERT(%s + 0e0 USING utf8mb4)", shown->x);
    else
        buf_addf(sql, "CONVERT(%s USING utf8mb4)", shown->x);
}

/* Of a fraction, of a number or of a second. */
static void
add_trimmed_text(const char *text, Buf *sql)
{
    buf_addf(sql,
        "CASE WHEN LOCATE('.', %s) > 0 THEN TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM %s))"
        " ELSE %s END",
        text, text, text);
}

/* ---- numbers ---- */

/* The digits that single precision takes, where they give the same number again. */
static void
add_digits(const char *x, int digits, Buf *sql)
{
    buf_addf(sql, "ROUND(%s + 0e0, %d - FLOOR(LOG10(ABS(%s + 0e0))))", x, digits - 1, x);
}

/* The shortest text that gives the same number of single precision again. */
static void
add_single_text(const Shown *shown, Buf *sql)
{
    buf_addf(sql, "CASE WHEN %s = 0 THEN '0'", shown->x);
    for (int digits = 6; digits <= 8; digits++) {
        CLEANUP(buf_clear) Buf rounded = BUF_INIT;

        add_digits(shown->x, digits, &rounded);
        buf_addf(sql, " WHEN CAST(%s AS FLOAT) + 0e0 = %s + 0e0 THEN CONVERT(%s USING utf8mb4)",
            buf_string(&rounded), shown->x, buf_string(&rounded));
    }
    buf_add_string(sql, " ELSE CONVERT(");
    add_digits(shown->x, 9, sql);
    buf_add_string(sql, " USING utf8mb4) END");
}

static void
add_number(const Shown *shown, Buf *sql)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    CLEANUP(buf_clear) Buf plain = BUF_INIT;

    if (type_is(shown, "year")) {
        buf_addf(sql, "CONVERT(%s + 0 USING utf8mb4)", shown->x);
        return;
    }
    if (is_single(shown))
        add_single_text(shown, &text);
    else
        add_text(shown, &text);
    if (shown->logical != LOGICAL_FLOAT) {
        add_trimmed_text(buf_string(&text), sql);
        return;
    }
    /* floats show exponents, decimals do not */
    buf_addf(&plain, "CONVERT(CAST((%s) AS DECIMAL(65,30)) USING utf8mb4)", buf_string(&text));
    buf_addf(sql, "CASE WHEN LOCATE('e', (%s)) = 0 THEN (%s) ELSE ", buf_string(&text),
        buf_string(&text));
    add_trimmed_text(buf_string(&plain), sql);
    buf_add_string(sql, " END");
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

/* What is out of range for single precision would be an error. */
static void
add_float(const Shown *shown, CanonicalForm form, Buf *sql)
{
    CLEANUP(buf_clear) Buf rounded = BUF_INIT;
    const char *x = shown->x;

    if (form == CANONICAL_FLOAT8 || is_single(shown) || shown->logical != LOGICAL_FLOAT) {
        add_bits(x, sql);
        return;
    }
    buf_addf(&rounded, "(CASE WHEN ABS(%s) >= " SINGLE_BEYOND " THEN %s WHEN ABS(%s) > " SINGLE_MAX,
        x, x, x);
    buf_addf(&rounded, " THEN SIGN(%s) * " SINGLE_MAX " ELSE CAST(%s AS FLOAT) + 0e0 END)", x, x);
    add_bits(buf_string(&rounded), sql);
}

static void
add_bool(const Shown *shown, Buf *sql)
{
    buf_addf(
        sql, "CASE CONVERT(%s USING utf8mb4) WHEN '1' THEN 't' WHEN '0' THEN 'f' ELSE ", shown->x);
    buf_addf(sql, "CONVERT(%s USING utf8mb4) END", shown->x);
}

/* ---- bytes ---- */

static void
add_bytes(const Shown *shown, Buf *sql)
{
    if (shown->logical == LOGICAL_BYTES)
        buf_addf(sql,
            "CASE WHEN OCTET_LENGTH(%s) > 4096 THEN CONCAT('M', MD5(%s)) ELSE LOWER(HEX(%s)) END",
            shown->x, shown->x, shown->x);
    else
        buf_addf(sql, "LOWER(CONVERT(%s USING utf8mb4))", shown->x);
}

static void
add_bit_digits(const Shown *shown, Buf *sql)
{
    size_t open = text_find(shown->type, '(');
    long digits = open < shown->type.len ? strtol(shown->type.data + open + 1, NULL, 10) : 1;

    if (shown->logical == LOGICAL_BIT)
        buf_addf(sql, "LPAD(BIN(%s + 0), %ld, '0')", shown->x, digits);
    else
        add_text(shown, sql);
}

/*
 * The server's own bytes are the SRID and WKB, both little-endian: "e6100000 01 01000000 …". In
 * EWKB the SRID stands behind the type, which has a bit for it; without one there is only WKB.
 */
static void
add_geometry(const Shown *shown, Buf *sql)
{
    CLEANUP(buf_clear) Buf hexadecimal = BUF_INIT;
    const char *h;

    if (shown->logical == LOGICAL_GEOMETRY || shown->logical == LOGICAL_BYTES)
        buf_addf(&hexadecimal, "CONVERT(HEX(%s) USING utf8mb4)", shown->x);
    else
        buf_addf(&hexadecimal, "CONVERT(%s USING utf8mb4)", shown->x);
    h = buf_string(&hexadecimal);
    buf_addf(sql, "LOWER(CASE WHEN SUBSTR(%s, 1, 8) = '00000000' THEN SUBSTR(%s, 9) ELSE ", h, h);
    buf_addf(sql, "CONCAT(SUBSTR(%s, 9, 8), '20', SUBSTR(%s, 1, 8), SUBSTR(%s, 19)) END)", h, h, h);
}

/* ---- dates and times ---- */

static bool
is_date(const Shown *shown)
{
    return shown->logical == LOGICAL_DATE || shown->logical == LOGICAL_TIMESTAMP ||
           shown->logical == LOGICAL_TIMESTAMPTZ;
}

/* What was turned into NULL on the way. */
static bool
add_null_case(const Shown *shown, Buf *sql)
{
    const char *x = shown->x;

    if ((shown->nulls & CANONICAL_NULL_ZERO) != 0 && is_date(shown)) {
        buf_addf(sql,
            "CASE WHEN YEAR(%s) = 0 OR MONTH(%s) = 0 OR DAYOFMONTH(%s) = 0 THEN NULL ELSE ", x, x,
            x);
        return true;
    }
    if ((shown->nulls & CANONICAL_NULL_TIME) != 0 && shown->logical == LOGICAL_TIME) {
        buf_addf(sql, "CASE WHEN %s < '00:00:00' OR %s > '24:00:00' THEN NULL ELSE ", x, x);
        return true;
    }
    return false;
}

static void
add_moment(const Shown *shown, CanonicalForm form, Buf *sql)
{
    bool has_case = add_null_case(shown, sql);
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    add_text(shown, &text);
    if (form == CANONICAL_DATE)
        buf_add_text(sql, buf_text(&text));
    else if (form == CANONICAL_TIMESTAMPTZ && !is_date(shown)) /* a text: the source's own */
        buf_addf(sql, "REPLACE(%s, '+00', '')", buf_string(&text));
    else if (form != CANONICAL_DATE && shown->logical == LOGICAL_DATE)
        buf_addf(sql, "CONCAT(%s, ' 00:00:00')", buf_string(&text));
    else
        add_trimmed_text(buf_string(&text), sql);
    if (has_case)
        buf_add_string(sql, " END");
}

/* ---- JSON ---- */

/* MySQL shows its JSON as PostgreSQL shows jsonb: keys by length, then by bytes, and a blank behind
 * commas and colons. MariaDB's is a text. */
static void
add_jsonb(const Shown *shown, Buf *sql)
{
    if (shown->logical == LOGICAL_JSON && !type_is(shown, "json"))
        buf_addf(sql, "CONVERT(JSON_LOOSE(%s) USING utf8mb4)", shown->x);
    else
        add_text(shown, sql);
}

static void
add_form(const Shown *shown, CanonicalForm form, Buf *sql)
{
    switch (form) {
    case CANONICAL_BOOL:
        add_bool(shown, sql);
        return;
    case CANONICAL_FLOAT4:
    case CANONICAL_FLOAT8:
        add_float(shown, form, sql);
        return;
    case CANONICAL_NUMBER:
        add_number(shown, sql);
        return;
    case CANONICAL_BYTES:
        add_bytes(shown, sql);
        return;
    case CANONICAL_BIT:
        add_bit_digits(shown, sql);
        return;
    case CANONICAL_GEOMETRY:
        add_geometry(shown, sql);
        return;
    case CANONICAL_PADDED:
        buf_addf(sql, "TRIM(TRAILING ' ' FROM CONVERT(%s USING utf8mb4))", shown->x);
        return;
    case CANONICAL_DATE:
    case CANONICAL_TIMESTAMP:
    case CANONICAL_TIMESTAMPTZ:
    case CANONICAL_TIME:
    case CANONICAL_TIMETZ:
    case CANONICAL_TIME_UTC:
        add_moment(shown, form, sql);
        return;
    case CANONICAL_JSONB:
        add_jsonb(shown, sql);
        return;
    case CANONICAL_TEXT:
        break;
    }
    if (is_single(shown))
        add_single_text(shown, sql);
    else
        add_text(shown, sql);
}

/* One collation for all, so that they can be joined. */
void
source_mysql_canonical(
    const char *expression, Text type, LogicalType logical, Canonical canonical, Buf *sql)
{
    CLEANUP(buf_clear) Buf number = BUF_INIT;
    Shown shown = {expression, type, logical, canonical.nulls};

    if (logical == LOGICAL_BIT && canonical.form != CANONICAL_BIT) {
        buf_addf(&number, "(%s + 0)", expression);
        shown.x = buf_string(&number);
    }
    buf_add_char(sql, '(');
    add_form(&shown, canonical.form, sql);
    buf_add_string(sql, ") COLLATE utf8mb4_bin");
}
