#include "target/sql_dialect_common.h"

/*
 * Vertica and Redshift quote as PostgreSQL does. Where the checker needs more: Vertica's COPY …
 * FROM LOCAL STDIN, and its TRUNCATE, and all of its DDL, commit; Redshift's TRUNCATE commits.
 */

static StatementKind
vertica_classify(Text sql)
{
    static const char *const committing[] = {"truncate", "create", "drop", "alter", NULL};
    LeadingWords leading = sql_leading_words(&sql_dialect_vertica, sql);

    if (sql_word_in(leading.words[0], committing))
        return STATEMENT_ENDS_TRANSACTION;
    if (sql_word_is(leading.words[0], "copy") && sql_has_word(&sql_dialect_vertica, sql, "stdin"))
        return STATEMENT_LOAD_STREAMED;
    return sql_postgres_classify(sql);
}

static StatementKind
redshift_classify(Text sql)
{
    LeadingWords leading = sql_leading_words(&sql_dialect_redshift, sql);

    if (sql_word_is(leading.words[0], "truncate"))
        return STATEMENT_ENDS_TRANSACTION;
    return sql_postgres_classify(sql);
}

/* Both compare texts byte by byte by default. */
static void
text_key_equals(const TargetColumn *column, const char *left, const char *right, Buf *out)
{
    sql_add_equals(&sql_dialect_postgres, column, left, right, out);
}

static void
text_key_group(const TargetColumn *column, const char *alias, Buf *out)
{
    sql_add_column(&sql_dialect_postgres, alias, column->name, out);
}

static void
text_load_columns(const Text *header, size_t header_count, const TargetColumn *const *columns,
    const LogicalType *logical, size_t column_count, Buf *list, Buf *set)
{
    (void)logical;
    (void)set;
    sql_add_load_columns(&sql_dialect_postgres, header, header_count, columns, column_count, list);
}

const SqlDialect sql_dialect_vertica = {
    .name = "vertica",
    .identifier_quote = '"',
    .escape_strings = true,
    .dollar_quotes = true,
    .nested_comments = true,
    .fold_names = true,
    .has_schemas = true,
    .name_limit = 128,
    .types =
        {
            .opcode = "varchar(2)",
            .number = "bigint",
            .service = "varchar(100)",
            .block = "varchar(255)",
            .position = "varchar(65000)",
            .time = "timestamp",
            .nullable = "",
            .table_tail = "",
            .latest = "",
        },
    .classify = vertica_classify,
    .key_equals = text_key_equals,
    .key_group = text_key_group,
    .load_columns = text_load_columns,
};

const SqlDialect sql_dialect_redshift = {
    .name = "redshift",
    .identifier_quote = '"',
    .escape_strings = true,
    .dollar_quotes = true,
    .nested_comments = true,
    .fold_names = true,
    .has_schemas = true,
    .name_limit = 127,
    .types =
        {
            .opcode = "varchar(2)",
            .number = "bigint",
            .service = "varchar(100)",
            .block = "varchar(255)",
            .position = "varchar(65000)",
            .time = "timestamp",
            .nullable = "",
            .table_tail = "",
            .latest = "",
        },
    .classify = redshift_classify,
    .key_equals = text_key_equals,
    .key_group = text_key_group,
    .load_columns = text_load_columns,
};
