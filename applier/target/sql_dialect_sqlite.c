#include "target/sql_dialect_common.h"

static StatementKind
sqlite_classify(Text sql)
{
    static const char *const always[] = {
        "begin", "commit", "end", "vacuum", "attach", "detach", NULL};
    LeadingWords leading = sql_leading_words(&sql_dialect_sqlite, sql);
    const Text *words = leading.words;

    if (sql_word_in(words[0], always))
        return STATEMENT_ENDS_TRANSACTION;
    if (sql_word_is(words[0], "rollback") &&
        !sql_word_is(words[sql_word_is(words[1], "transaction") ? 2 : 1], "to"))
        return STATEMENT_ENDS_TRANSACTION;
    if (text_starts_with(text_trim(sql), ".import"))
        return STATEMENT_LOAD_STREAMED;
    return STATEMENT_PLAIN;
}

/* The column's own collation finds the row by its index, BINARY tells the bytes apart. */
static void
sqlite_key_equals(const TargetColumn *column, const char *left, const char *right, Buf *out)
{
    sql_add_equals(&sql_dialect_sqlite, column, left, right, out);
    if (!column->is_text)
        return;
    buf_add_string(out, " AND ");
    sql_add_equals(&sql_dialect_sqlite, column, left, right, out);
    buf_add_string(out, " COLLATE BINARY");
}

static void
sqlite_key_group(const TargetColumn *column, const char *alias, Buf *out)
{
    sql_add_column(&sql_dialect_sqlite, alias, column->name, out);
    if (column->is_text)
        buf_add_string(out, " COLLATE BINARY");
}

/* The driver's .import converts the values itself. */
static void
sqlite_load_columns(const Text *header, size_t header_count, const TargetColumn *const *columns,
    const LogicalType *logical, size_t column_count, Buf *list, Buf *set)
{
    (void)logical;
    (void)set;
    sql_add_load_columns(&sql_dialect_sqlite, header, header_count, columns, column_count, list);
}

static void
sqlite_column_default(Text schema, Text table, Text column, Buf *out)
{
    (void)schema;
    buf_add_string(out, "SELECT dflt_value FROM pragma_table_xinfo(");
    sql_add_string(&sql_dialect_sqlite, table, out);
    buf_add_string(out, ") WHERE name = ");
    sql_add_string(&sql_dialect_sqlite, column, out);
}

const SqlDialect sql_dialect_sqlite = {
    .name = "sqlite",
    .identifier_quote = '"',
    .backtick_identifiers = true,
    .bracket_identifiers = true,
    .dot_commands = true,
    .fold_names = true,
    .types =
        {
            .opcode = "VARCHAR(2)",
            .number = "BIGINT",
            .service = "VARCHAR(100)",
            .block = "TEXT",
            .position = "TEXT",
            .unchanged = "TEXT",
            .time = "TEXT",
            .nullable = "",
            .table_tail = "",
            .latest = "",
        },
    .ddl =
        {
            .hex_strings = true,
        },
    /* BEGIN IMMEDIATE is the lock */
    .partition =
        {
            .column_default = sqlite_column_default,
        },
    .classify = sqlite_classify,
    .key_equals = sqlite_key_equals,
    .key_group = sqlite_key_group,
    .load_columns = sqlite_load_columns,
};
