#include "source/postgres_canonical.h"
#include "target/checksum.h"

/* REPEATABLE READ takes its snapshot with the first query. */
static const char *const open_view[] = {
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1", NULL};

static void
name_column(const TargetColumn *column, Buf *out)
{
    buf_add_string(out, "base.");
    sql_add_identifier(&sql_dialect_postgres, column->name, out);
}

static void
canonical(const TargetColumn *column, Canonical how, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    name_column(column, &name);
    postgres_canonical(buf_string(&name), column->type, column->logical, how, sql);
}

static void
key_value(const TargetColumn *column, LogicalType logical, Buf *sql)
{
    if (logical == LOGICAL_BOOL) {
        canonical(column, (Canonical){CANONICAL_BOOL, 0}, sql);
    } else if (column->logical == LOGICAL_BYTES) {
        buf_add_string(sql, "encode(");
        name_column(column, sql);
        buf_add_string(sql, ", 'hex')");
    } else {
        canonical(column, (Canonical){CANONICAL_TEXT, 0}, sql);
    }
}

const ChecksumFamily checksum_postgres = {
    .dialect = &sql_dialect_postgres,
    .open_view = open_view,
    .canonical = canonical,
    .key_value = key_value,
    .only = "ONLY ",
    .join_open = "(",
    .join_next = " || ",
    .join_close = ")",
    .length = "length",
    /* a server's own encoding may be another one */
    .md5_open = "md5(convert_to(",
    .md5_close = ", 'UTF8'))",
    .part_open = "('x' || substr(",
    .part_close = ", 1, 15))::bit(60)::bigint",
    .sum_open = "mod(sum(",
    .sum_close = "), 18446744073709551616)::text",
    .modulo = "%",
    .by_bytes = " COLLATE \"C\"",
};
