#include "source/postgres_canonical.h"

/* The column, and what PostgreSQL knows of it. */
typedef struct Shown {
    const char *x;
    Text type;
    LogicalType logical;
    unsigned nulls;
} Shown;

static bool
is_single(const Shown *shown)
{
    return text_starts_with(shown->type, "real") || text_starts_with(shown->type, "float4");
}

static bool
is_integer(const Shown *shown)
{
    return shown->logical == LOGICAL_INT || shown->logical == LOGICAL_UINT;
}

/* bool::text is "true"; a text or integer column may hold what a CSV file has for it. */
static void
add_bool(const Shown *shown, Buf *sql)
{
    buf_addf(sql,
        "CASE %s::text WHEN 'true' THEN 't' WHEN 'false' THEN 'f' WHEN '1' THEN 't'"
        " WHEN '0' THEN 'f' ELSE %s::text END",
        shown->x, shown->x);
}

/* What follows a CASE: the words that became NULL on the way. */
static void
add_null_words(const Shown *shown, const char *x, Buf *sql)
{
    if (shown->nulls & CANONICAL_NULL_NAN)
        buf_addf(sql, " WHEN %s = 'NaN' THEN NULL", x);
    if (shown->nulls & CANONICAL_NULL_INFINITY)
        buf_addf(sql, " WHEN %s IN ('Infinity', '-Infinity') THEN NULL", x);
}

static void
add_number(const Shown *shown, Buf *sql)
{
    CLEANUP(buf_clear) Buf x = BUF_INIT;

    /* a float prints exponents, numeric does not */
    buf_addf(
        &x, shown->logical == LOGICAL_FLOAT ? "%s::text::numeric::text" : "%s::text", shown->x);
    if (is_integer(shown)) {
        buf_add_text(sql, buf_text(&x));
        return;
    }
    buf_add_string(sql, "CASE");
    add_null_words(shown, buf_string(&x), sql);
    buf_addf(sql, " WHEN position('.' in %s) > 0 THEN rtrim(rtrim(%s, '0'), '.') ELSE %s END",
        buf_string(&x), buf_string(&x), buf_string(&x));
}

/* Adding 0 makes 0 of -0. */
static void
add_bits(const Shown *shown, const char *number, Buf *sql)
{
    if (is_integer(shown)) {
        buf_addf(sql, "encode(float8send(%s), 'hex')", number);
        return;
    }
    buf_add_string(sql, "CASE");
    add_null_words(shown, shown->x, sql);
    buf_addf(sql, " WHEN %s = 'NaN' THEN 'NaN' ELSE encode(float8send(%s + 0::float8), 'hex') END",
        shown->x, number);
}

static void
add_float(const Shown *shown, CanonicalForm form, Buf *sql)
{
    CLEANUP(buf_clear) Buf number = BUF_INIT;

    if (shown->logical == LOGICAL_TEXT) {
        buf_addf(sql, "%s::text", shown->x);
        return;
    }
    if (form == CANONICAL_FLOAT8)
        buf_addf(&number, is_single(shown) ? "%s::text::float8" : "%s::float8", shown->x);
    else if (is_single(shown))
        buf_addf(&number, "%s::float8", shown->x);
    else /* what is out of range for single precision would be an error */
        buf_addf(&number,
            "CASE WHEN abs(%s::float8) >= 3.4028235677973366e38 THEN %s::float8"
            " WHEN abs(%s::float8) <= 7.006492321624085e-46 THEN 0"
            " ELSE %s::float8::float4::float8 END",
            shown->x, shown->x, shown->x, shown->x);
    add_bits(shown, buf_string(&number), sql);
}

static void
add_bytes(const Shown *shown, Buf *sql)
{
    if (shown->logical == LOGICAL_BYTES)
        buf_addf(sql,
            "CASE WHEN octet_length(%s) > 4096 THEN 'M' || md5(%s) ELSE encode(%s, 'hex') END",
            shown->x, shown->x, shown->x);
    else /* a text column has the CSV file's notation */
        buf_addf(sql,
            "CASE WHEN left(%s::text, 2) = '\\x' THEN substr(%s::text, 3) ELSE %s::text END",
            shown->x, shown->x, shown->x);
}

/* x is a date or timestamp expression. */
static void
add_moment(const Shown *shown, const char *x, Buf *sql)
{
    bool infinity = shown->nulls & CANONICAL_NULL_INFINITY;
    bool range = shown->nulls & CANONICAL_NULL_RANGE;

    if (infinity || range)
        buf_add_string(sql, "CASE");
    if (infinity)
        buf_addf(sql, " WHEN NOT isfinite(%s) THEN NULL", x);
    if (range)
        buf_addf(sql, " WHEN isfinite(%s) AND (%s < '0001-01-01' OR %s >= '10000-01-01') THEN NULL",
            x, x, x);
    if (infinity || range)
        buf_addf(sql, " ELSE %s::text END", x);
    else
        buf_addf(sql, "%s::text", x);
}

static void
add_timestamp(const Shown *shown, CanonicalForm form, Buf *sql)
{
    CLEANUP(buf_clear) Buf x = BUF_INIT;

    if (shown->logical == LOGICAL_TIMESTAMPTZ)
        buf_addf(&x, "(%s AT TIME ZONE 'UTC')", shown->x);
    else if (shown->logical == LOGICAL_TIMESTAMP || shown->logical == LOGICAL_DATE)
        buf_addf(&x, "%s::timestamp", shown->x);
    if (x.len > 0)
        add_moment(shown, buf_string(&x), sql);
    else
        buf_addf(sql, form == CANONICAL_TIMESTAMPTZ ? "replace(%s::text, '+00', '')" : "%s::text",
            shown->x);
}

static void
add_time(const Shown *shown, CanonicalForm form, Buf *sql)
{
    bool zone = shown->logical == LOGICAL_TIMETZ;

    if (form == CANONICAL_TIME_UTC && zone)
        /* where nothing is shifted 24:00:00 stays what it is */
        buf_addf(sql,
            "CASE WHEN date_part('timezone', %s) = 0 THEN %s::time::text"
            " ELSE (%s AT TIME ZONE 'UTC')::time::text END",
            shown->x, shown->x, shown->x);
    else
        buf_addf(sql, form == CANONICAL_TIME && zone ? "%s::time::text" : "%s::text", shown->x);
}

void
postgres_canonical(
    const char *expression, Text type, LogicalType logical, Canonical canonical, Buf *sql)
{
    Shown shown = {expression, type, logical, canonical.nulls};

    switch (canonical.form) {
    case CANONICAL_BOOL:
        add_bool(&shown, sql);
        return;
    case CANONICAL_NUMBER:
        add_number(&shown, sql);
        return;
    case CANONICAL_FLOAT8:
    case CANONICAL_FLOAT4:
        add_float(&shown, canonical.form, sql);
        return;
    case CANONICAL_BYTES:
        add_bytes(&shown, sql);
        return;
    case CANONICAL_DATE:
        if (logical == LOGICAL_DATE)
            add_moment(&shown, expression, sql);
        else
            buf_addf(sql, "%s::text", expression);
        return;
    case CANONICAL_TIME:
    case CANONICAL_TIMETZ:
    case CANONICAL_TIME_UTC:
        add_time(&shown, canonical.form, sql);
        return;
    case CANONICAL_TIMESTAMP:
    case CANONICAL_TIMESTAMPTZ:
        add_timestamp(&shown, canonical.form, sql);
        return;
    case CANONICAL_PADDED:
        buf_addf(sql, "rtrim(%s::text, ' ')", expression);
        return;
    case CANONICAL_JSONB:
        buf_addf(sql, "%s::jsonb::text", expression);
        return;
    case CANONICAL_GEOMETRY: /* PostGIS shows EWKB in upper-case hexadecimal */
        buf_addf(sql, "lower(%s::text)", expression);
        return;
    case CANONICAL_TEXT:
    case CANONICAL_BIT:
        break;
    }
    /* a type may have a cast that tells something else than what it shows: inet has */
    if (logical == LOGICAL_OTHER)
        buf_addf(sql, "CASE WHEN %s IS NOT NULL THEN concat(%s) END", expression, expression);
    else
        buf_addf(sql, "%s::text", expression);
}
