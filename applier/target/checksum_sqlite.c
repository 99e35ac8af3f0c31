#include "target/checksum.h"

/* A transaction's view begins with its first read. */
static const char *const open_view[] = {"BEGIN", "SELECT COUNT(*) FROM sqlite_master", NULL};

static void
add_form(const TargetColumn *column, CanonicalForm form, const char *x, Buf *sql)
{
    switch (form) {
    case CANONICAL_BOOL:
        buf_addf(sql,
            "CASE CAST(%s AS TEXT) WHEN '1' THEN 't' WHEN '0' THEN 'f' ELSE CAST(%s AS TEXT) END",
            x, x);
        return;
    case CANONICAL_NUMBER:
        buf_addf(sql, "dray_number(%s)", x);
        return;
    case CANONICAL_FLOAT4:
        buf_addf(sql, "dray_float4(%s)", x);
        return;
    case CANONICAL_FLOAT8:
        buf_addf(sql, "dray_float8(%s)", x);
        return;
    case CANONICAL_BYTES: /* hex(NULL) is an empty text */
        buf_addf(sql,
            "CASE WHEN %s IS NULL THEN NULL WHEN typeof(%s) = 'text' THEN lower(%s) WHEN"
            " length(%s) > 4096 THEN 'M' || dray_md5(%s) ELSE lower(hex(%s)) END",
            x, x, x, x, x, x);
        return;
    case CANONICAL_PADDED:
        buf_addf(sql, "rtrim(CAST(%s AS TEXT), ' ')", x);
        return;
    case CANONICAL_TIMESTAMPTZ:
        buf_addf(sql, "replace(CAST(%s AS TEXT), '+00', '')", x);
        return;
    case CANONICAL_TIMESTAMP: /* a date in a column for both */
        buf_addf(sql,
            column->logical == LOGICAL_TIMESTAMP
                ? "CASE WHEN length(%s) = 10 THEN %s || ' 00:00:00' ELSE CAST(%s AS TEXT) END"
                : "CAST(%s AS TEXT)",
            x, x, x);
        return;
    case CANONICAL_GEOMETRY:
        buf_addf(sql, "dray_geometry(%s)", x);
        return;
    case CANONICAL_TEXT:
    case CANONICAL_JSONB:
    case CANONICAL_BIT:
    case CANONICAL_DATE:
    case CANONICAL_TIME:
    case CANONICAL_TIMETZ:
    case CANONICAL_TIME_UTC:
        break;
    }
    buf_addf(sql, "CAST(%s AS TEXT)", x);
}

static void
canonical(const TargetColumn *column, Canonical how, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_add_string(&name, "base.");
    sql_add_identifier(&sql_dialect_sqlite, column->name, &name);
    add_form(column, how.form, buf_string(&name), sql);
}

static void
key_value(const TargetColumn *column, LogicalType logical, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_add_string(&name, "base.");
    sql_add_identifier(&sql_dialect_sqlite, column->name, &name);
    if (logical == LOGICAL_BYTES)
        buf_addf(sql, "CASE typeof(%s) WHEN 'blob' THEN lower(hex(%s)) ELSE lower(%s) END",
            buf_string(&name), buf_string(&name), buf_string(&name));
    else
        add_form(column, logical == LOGICAL_BOOL ? CANONICAL_BOOL : CANONICAL_TEXT,
            buf_string(&name), sql);
}

const ChecksumFamily checksum_sqlite = {
    .dialect = &sql_dialect_sqlite,
    .open_view = open_view,
    .free_mode_query = "PRAGMA journal_mode",
    .free_mode = "wal",
    .one_writer = true,
    .canonical = canonical,
    .key_value = key_value,
    .join_open = "(",
    .join_next = " || ",
    .join_close = ")",
    .length = "length",
    .md5_open = "dray_md5(",
    .md5_close = ")",
    .part_open = "dray_part(",
    .part_close = ")",
    .sum_open = "dray_sum(",
    .sum_close = ")",
    .modulo = "%",
    .by_bytes = "",
};
