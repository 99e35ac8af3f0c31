#include <inttypes.h>

#include "target/sql_dialect_common.h"

/*
 * PostgreSQL 15, "SQL Commands". A statement that cannot run inside a transaction block ends up
 * here too: it would fail at run time, and the check before the run says it better.
 */
static bool
is_transaction_control(const LeadingWords *leading)
{
    static const char *const always[] = {"commit", "end", "abort", "begin", "vacuum", NULL};
    const Text *words = leading->words;
    size_t after = 1;

    if (sql_word_in(words[0], always))
        return true;
    if (sql_word_is(words[0], "start"))
        return sql_word_is(words[1], "transaction");
    if (sql_word_is(words[0], "prepare"))
        return sql_word_is(words[1], "transaction");
    if (!sql_word_is(words[0], "rollback"))
        return false;
    /* ROLLBACK [WORK | TRANSACTION] TO [SAVEPOINT] goes back inside the transaction */
    if (sql_word_is(words[1], "work") || sql_word_is(words[1], "transaction"))
        after = 2;
    return !sql_word_is(words[after], "to");
}

static bool
is_outside_transactions(const LeadingWords *leading)
{
    static const char *const objects[] = {"database", "tablespace", "subscription", "system", NULL};
    static const char *const indexed[] = {"index", "table", "schema", NULL};
    const Text *words = leading->words;

    if (sql_word_is(words[0], "create") || sql_word_is(words[0], "drop") ||
        sql_word_is(words[0], "alter")) {
        if (sql_word_is(words[0], "alter") && !sql_word_is(words[1], "system"))
            return false;
        if (sql_word_in(words[1], objects))
            return true;
        for (size_t i = 1; i < 4; i++) {
            if (sql_word_is(words[i], "concurrently"))
                return true;
        }
        return false;
    }
    if (sql_word_is(words[0], "reindex"))
        return sql_word_is(words[1], "database") || sql_word_is(words[1], "system") ||
               (sql_word_in(words[1], indexed) && sql_word_is(words[2], "concurrently"));
    return false;
}

StatementKind
sql_postgres_classify(Text sql)
{
    LeadingWords leading = sql_leading_words(&sql_dialect_postgres, sql);
    SqlToken token;
    bool from = false;

    if (is_transaction_control(&leading) || is_outside_transactions(&leading))
        return STATEMENT_ENDS_TRANSACTION;
    if (!sql_word_is(leading.words[0], "copy"))
        return STATEMENT_PLAIN;
    sql_scanner_init(&leading.rest, &sql_dialect_postgres, sql);
    for (sql_scanner_next(&leading.rest, &token); token.kind != SQL_END;
         sql_scanner_next(&leading.rest, &token)) {
        if (token.kind == SQL_WORD && from && sql_word_is(token.text, "stdin"))
            return STATEMENT_LOAD_STREAMED;
        if (token.kind != SQL_SPACE && token.kind != SQL_BLOCK_COMMENT &&
            token.kind != SQL_LINE_COMMENT)
            from = token.kind == SQL_WORD && sql_word_is(token.text, "from");
    }
    return STATEMENT_PLAIN;
}

/*
 * Texts under a deterministic collation are equal only byte by byte. The driver sets is_text only
 * for the others: citext and columns of a nondeterministic collation.
 */
static void
postgres_key_equals(const TargetColumn *column, const char *left, const char *right, Buf *out)
{
    const SqlDialect *dialect = &sql_dialect_postgres;

    sql_add_equals(dialect, column, left, right, out);
    if (!column->is_text)
        return;
    buf_add_string(out, " AND ");
    sql_add_column(dialect, left, column->name, out);
    buf_add_string(out, "::text COLLATE \"C\" = ");
    sql_add_column(dialect, right, column->name, out);
    buf_add_string(out, "::text COLLATE \"C\"");
}

static void
postgres_key_group(const TargetColumn *column, const char *alias, Buf *out)
{
    sql_add_column(&sql_dialect_postgres, alias, column->name, out);
    if (column->is_text)
        buf_add_string(out, "::text COLLATE \"C\"");
}

/* COPY reads every type from its own text form. */
static void
postgres_load_columns(const Text *header, size_t header_count, const TargetColumn *const *columns,
    const LogicalType *logical, size_t column_count, Buf *list, Buf *set)
{
    (void)logical;
    (void)set;
    sql_add_load_columns(&sql_dialect_postgres, header, header_count, columns, column_count, list);
}

/* ---- partitions ---- */

/* Documentation, "System Administration Functions", Advisory Lock Functions: held until the end of
 * the transaction, in this database only. */
static void
postgres_try_lock(uint64_t number, Buf *out)
{
    buf_addf(out, "SELECT pg_catalog.pg_try_advisory_xact_lock(%" PRId64 ")", (int64_t)number);
}

static void
add_regclass(Text quoted_table, Buf *out)
{
    sql_add_string(&sql_dialect_postgres, quoted_table, out);
    buf_add_string(out, "::pg_catalog.regclass");
}

static void
postgres_attachment(Text partition, Text parent, Buf *out)
{
    buf_add_string(out, "SELECT c.relispartition FROM pg_catalog.pg_inherits i"
                        " JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE i.inhrelid = ");
    add_regclass(partition, out);
    buf_add_string(out, " AND i.inhparent = ");
    add_regclass(parent, out);
}

static void
postgres_column_default(Text schema, Text table, Text column, Buf *out)
{
    CLEANUP(buf_clear) Buf quoted = BUF_INIT;

    sql_add_table(&sql_dialect_postgres, schema, table, &quoted);
    buf_add_string(out,
        "SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"
        " WHERE d.adrelid = ");
    add_regclass(buf_text(&quoted), out);
    buf_add_string(out, " AND a.attname = ");
    sql_add_string(&sql_dialect_postgres, column, out);
}

const SqlDialect sql_dialect_postgres = {
    .name = "postgres",
    .identifier_quote = '"',
    .escape_strings = true,
    .dollar_quotes = true,
    .nested_comments = true,
    .has_schemas = true,
    .empty_table = "TRUNCATE TABLE ",
    .name_limit = 63,
    .types =
        {
            .opcode = "varchar(2)",
            .number = "bigint",
            .service = "varchar(100)",
            .block = "varchar(255)",
            .position = "text",
            .unchanged = "text",
            .time = "timestamp(6)",
            .nullable = "",
            .table_tail = "",
            .latest = " FOR UPDATE",
        },
    .ddl =
        {
            .find_schema = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ",
            .change_type = "ALTER TABLE %%TABLE%% ALTER COLUMN %%COLUMN%% TYPE %%TYPE%%"
                           " USING %%COLUMN%%::%%TYPE%%",
            .drop_not_null = "ALTER TABLE %%TABLE%% ALTER COLUMN %%COLUMN%% DROP NOT NULL",
            .limit_wait = "SET lock_timeout = '3s'",
        },
    .partition =
        {
            .try_lock = postgres_try_lock,
            .attachment = postgres_attachment,
            .column_default = postgres_column_default,
            .limit_wait = "SET LOCAL lock_timeout = '3s'",
        },
    .classify = sql_postgres_classify,
    .key_equals = postgres_key_equals,
    .key_group = postgres_key_group,
    .load_columns = postgres_load_columns,
};
