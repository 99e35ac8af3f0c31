#include "source/mysql/canonical.h"
#include "target/checksum.h"

static const char *const open_view[] = {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", NULL};

static void
name_column(const TargetColumn *column, Buf *out)
{
    buf_add_string(out, "base.");
    sql_add_identifier(&sql_dialect_mysql, column->name, out);
}

static void
canonical(const TargetColumn *column, Canonical how, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    name_column(column, &name);
    source_mysql_canonical(buf_string(&name), column->type, column->logical, how, sql);
}

static void
key_value(const TargetColumn *column, LogicalType logical, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    CanonicalForm form = logical == LOGICAL_BOOL  ? CANONICAL_BOOL
                         : logical == LOGICAL_BIT ? CANONICAL_BIT
                                                  : CANONICAL_TEXT;

    name_column(column, &name);
    if (column->logical == LOGICAL_BYTES)
        buf_addf(sql, "LOWER(HEX(%s))", buf_string(&name));
    else if (logical == LOGICAL_TIMESTAMPTZ || logical == LOGICAL_TIMETZ)
        buf_addf(sql, "CONCAT(%s, '+00')", buf_string(&name));
    else
        source_mysql_canonical(
            buf_string(&name), column->type, column->logical, (Canonical){form, 0}, sql);
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
