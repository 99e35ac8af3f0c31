#include "target/sql_dialect_common.h"

/*
 * Vertica and Redshift quote as PostgreSQL does. Where the checker needs more: Vertica's COPY …
 * FROM LOCAL STDIN, and its TRUNCATE, and all of its DDL, commit; Redshift's TRUNCATE commits.
 * ClickHouse has quoting of its own.
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

static StatementKind
clickhouse_classify(Text sql)
{
    (void)sql;
    return STATEMENT_PLAIN; /* it has no transactions */
}

/* They all compare texts byte by byte by default. */
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
            .unchanged = "varchar(65000)",
            .time = "timestamp",
            .nullable = "",
            .table_tail = "",
            .latest = "",
        },
    .ddl =
        {
            .find_schema = "SELECT 1 FROM v_catalog.schemata WHERE schema_name = ",
            .change_type = "ALTER TABLE %%TABLE%% ALTER COLUMN %%COLUMN%% SET DATA TYPE %%TYPE%%",
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
            .unchanged = "varchar(65000)",
            .time = "timestamp",
            .nullable = "",
            .table_tail = "",
            .latest = "",
        },
    .ddl =
        {
            .find_schema = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ",
            .change_type = "ALTER TABLE %%TABLE%% ALTER COLUMN %%COLUMN%% TYPE %%TYPE%%",
        },
    .classify = redshift_classify,
    .key_equals = text_key_equals,
    .key_group = text_key_group,
    .load_columns = text_load_columns,
};

/* Source: ClickHouse documentation, "SQL Reference", "Syntax" (strings take backslashes,
 * identifiers stand in backticks or double quotes) and "CREATE TABLE" (NULL modifier). */
const SqlDialect sql_dialect_clickhouse = {
    .name = "clickhouse",
    .identifier_quote = '`',
    .backslash_strings = true,
    .hash_comments = true,
    .backtick_identifiers = true,
    .has_schemas = true,
    .types =
        {
            .opcode = "String",
            .number = "Int64",
            .service = "String",
            .block = "String",
            .position = "String",
            .time = "DateTime64(6, 'UTC')",
            .unchanged = "String",
            .nullable = " NULL",
            .table_tail = "",
            .latest = "",
        },
    .ddl =
        {
            .find_schema = "SELECT 1 FROM system.databases WHERE name = ",
            .change_type = "ALTER TABLE %%TABLE%% MODIFY COLUMN %%COLUMN%% %%TYPE%%",
        },
    .classify = clickhouse_classify,
    .key_equals = text_key_equals,
    .key_group = text_key_group,
    .load_columns = text_load_columns,
};
