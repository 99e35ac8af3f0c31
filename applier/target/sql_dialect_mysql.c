#include <inttypes.h>

#include "target/sql_dialect_common.h"

/*
 * MariaDB Knowledge Base "SQL statements that cause an implicit commit", and MySQL 8.0 Reference
 * Manual 13.3.3. Anything CREATE, ALTER or DROP counts, but for temporary tables.
 */
static bool
is_definition(const Text *words)
{
    static const char *const always[] = {"alter", "truncate", "rename", "grant", "revoke", "flush",
        "reset", "install", "uninstall", "shutdown", "import", NULL};
    bool create = sql_word_is(words[0], "create");

    if (sql_word_in(words[0], always))
        return true;
    if (!create && !sql_word_is(words[0], "drop"))
        return false;
    if (sql_word_is(words[1], "temporary"))
        return sql_word_is(words[2], "sequence");
    return !(create && sql_word_is(words[1], "or") && sql_word_is(words[2], "replace") &&
             sql_word_is(words[3], "temporary"));
}

static bool
is_administration(const Text *words)
{
    static const char *const tables[] = {"analyze", "check", "optimize", "repair", NULL};
    static const char *const kinds[] = {
        "table", "tables", "view", "no_write_to_binlog", "local", NULL};
    static const char *const threads[] = {
        "slave", "slaves", "replica", "replicas", "all", "group_replication", NULL};

    if (sql_word_in(words[0], tables))
        return sql_word_in(words[1], kinds);
    if (sql_word_is(words[0], "start") || sql_word_is(words[0], "stop"))
        return sql_word_in(words[1], threads) || sql_word_is(words[1], "transaction");
    if (sql_word_is(words[0], "cache") || sql_word_is(words[0], "load"))
        return sql_word_is(words[1], "index");
    if (sql_word_is(words[0], "lock"))
        return sql_word_is(words[1], "table") || sql_word_is(words[1], "tables") ||
               sql_word_is(words[1], "instance");
    if (sql_word_is(words[0], "unlock"))
        return true;
    return sql_word_is(words[0], "change") &&
           (sql_word_is(words[1], "master") || sql_word_is(words[1], "replication"));
}

static bool
is_transaction_control(const Text *words)
{
    if (sql_word_is(words[0], "commit") || sql_word_is(words[0], "xa"))
        return true;
    /* BEGIN NOT ATOMIC is a block of statements */
    if (sql_word_is(words[0], "begin"))
        return !sql_word_is(words[1], "not");
    if (!sql_word_is(words[0], "rollback"))
        return false;
    return !sql_word_is(words[sql_word_is(words[1], "work") ? 2 : 1], "to");
}

/* SET PASSWORD, SET ROLE's default, and autocommit anywhere in a list of variables. */
static bool
is_committing_set(const Text *words, Text sql)
{
    if (!sql_word_is(words[0], "set"))
        return false;
    if (sql_word_is(words[1], "password") || sql_word_is(words[1], "default"))
        return true;
    return sql_has_word(&sql_dialect_mysql, sql, "autocommit");
}

static StatementKind
classify(Text sql)
{
    LeadingWords leading = sql_leading_words(&sql_dialect_mysql, sql);
    const Text *words = leading.words;

    /* MariaDB: SET STATEMENT variable = value FOR statement */
    if (sql_word_is(words[0], "set") && sql_word_is(words[1], "statement")) {
        SqlToken token;

        sql_scanner_init(&leading.rest, &sql_dialect_mysql, sql);
        do
            sql_scanner_next(&leading.rest, &token);
        while (
            token.kind != SQL_END && !(token.kind == SQL_WORD && sql_word_is(token.text, "for")));
        return classify((Text){sql.data + leading.rest.at, sql.len - leading.rest.at});
    }
    if (is_definition(words) || is_administration(words) || is_transaction_control(words) ||
        is_committing_set(words, sql))
        return STATEMENT_ENDS_TRANSACTION;
    if (sql_word_is(words[0], "load") &&
        (sql_word_is(words[1], "data") || sql_word_is(words[1], "xml"))) {
        for (size_t i = 2; i < 4; i++) {
            if (sql_word_is(words[i], "local"))
                return STATEMENT_LOAD_STREAMED;
        }
    }
    return STATEMENT_PLAIN;
}

static void
add_bytes(const TargetColumn *column, const char *alias, Buf *out)
{
    buf_add_string(out, "CAST(");
    sql_add_column(&sql_dialect_mysql, alias, column->name, out);
    buf_add_string(out, " AS BINARY)");
}

/*
 * Most collations ignore case, accents or trailing spaces. The plain comparison finds the row by
 * its index, the second one tells the bytes apart.
 */
static void
key_equals(const TargetColumn *column, const char *left, const char *right, Buf *out)
{
    sql_add_equals(&sql_dialect_mysql, column, left, right, out);
    if (!column->is_text)
        return;
    buf_add_string(out, " AND ");
    add_bytes(column, left, out);
    buf_add_string(out, " = ");
    add_bytes(column, right, out);
}

static void
key_group(const TargetColumn *column, const char *alias, Buf *out)
{
    if (column->is_text)
        add_bytes(column, alias, out);
    else
        sql_add_column(&sql_dialect_mysql, alias, column->name, out);
}

/* What LOAD DATA must do with a column's text; "" is nothing. The first %s of a form is a variable.
 */
static void
add_conversion(const TargetColumn *column, LogicalType logical, size_t number, Buf *out)
{
    const char *before = "";
    const char *after = "";

    /* of a geometry the file has the server's own bytes; a text column keeps their digits */
    bool is_geometry = logical == LOGICAL_GEOMETRY &&
                       (column->logical == LOGICAL_GEOMETRY || column->logical == LOGICAL_BYTES);

    if (logical == LOGICAL_UNKNOWN)
        logical = column->logical;
    if (logical == LOGICAL_BYTES || is_geometry) {
        before = "UNHEX(";
        after = ")";
    } else if (column->logical == LOGICAL_BIT && logical == LOGICAL_BIT) {
        before = "CAST(CONV(";
        after = ", 2, 10) AS UNSIGNED)";
    } else if (column->logical == LOGICAL_BIT) {
        before = "CAST(";
        after = " AS UNSIGNED)";
    } else {
        return;
    }
    buf_addf(out, "%s@dray_%zu%s", before, number, after);
}

static void
load_columns(const Text *header, size_t header_count, const TargetColumn *const *columns,
    const LogicalType *logical, size_t column_count, Buf *list, Buf *set)
{
    const SqlDialect *dialect = &sql_dialect_mysql;
    size_t number = 0;

    sql_add_load_columns(dialect, header, header_count, NULL, 0, list);
    for (size_t i = 0; i < column_count; i++) {
        CLEANUP(buf_clear) Buf value = BUF_INIT;

        if (header_count + i > 0)
            buf_add_string(list, ", ");
        add_conversion(columns[i], logical[i], number + 1, &value);
        if (value.len == 0) {
            sql_add_identifier(dialect, columns[i]->name, list);
            continue;
        }
        number++;
        buf_addf(list, "@dray_%zu", number);
        buf_add_string(set, number == 1 ? "SET " : ", ");
        sql_add_identifier(dialect, columns[i]->name, set);
        buf_add_string(set, " = ");
        buf_add_text(set, buf_text(&value));
    }
}

/* ---- partitions ---- */

/* MySQL reference manual, "Locking Functions": a lock of the session, of the whole server; DDL and
 * COMMIT leave it alone, the end of the connection releases it. */
static void
try_lock(uint64_t number, Buf *out)
{
    buf_addf(out, "SELECT GET_LOCK('dray_partition_%016" PRIx64 "', 0)", number);
}

static void
unlock(uint64_t number, Buf *out)
{
    buf_addf(out, "SELECT RELEASE_LOCK('dray_partition_%016" PRIx64 "')", number);
}

/*
 * MariaDB tells the expression, MySQL the value of a literal as it is, and an expression with its
 * quotes escaped (reference manuals, "The INFORMATION_SCHEMA COLUMNS Table").
 */
static void
column_default(Text schema, Text table, Text column, Buf *out)
{
    buf_add_string(out,
        "SELECT CASE WHEN COLUMN_DEFAULT IS NULL OR VERSION() LIKE '%MariaDB%' THEN COLUMN_DEFAULT"
        " WHEN EXTRA LIKE '%DEFAULT_GENERATED%' THEN"
        " CONCAT('(', REPLACE(REPLACE(REPLACE(COLUMN_DEFAULT, '\\\\\\\\', CHAR(1)), '\\\\'"
        "'', ''''), CHAR(1), '\\\\'), ')')"
        " WHEN COLUMN_DEFAULT REGEXP '^(b''[01]*''|0x[0-9A-Fa-f]*)$' THEN COLUMN_DEFAULT"
        " ELSE QUOTE(COLUMN_DEFAULT) END FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ");
    sql_add_string(&sql_dialect_mysql, schema, out);
    buf_add_string(out, " AND TABLE_NAME = ");
    sql_add_string(&sql_dialect_mysql, table, out);
    buf_add_string(out, " AND COLUMN_NAME = ");
    sql_add_string(&sql_dialect_mysql, column, out);
}

const SqlDialect sql_dialect_mysql = {
    .name = "mysql",
    .identifier_quote = '`',
    .backslash_strings = true,
    .double_quoted_strings = true,
    .hash_comments = true,
    .dash_needs_space = true,
    .backtick_identifiers = true,
    .fold_names = true,
    .has_schemas = true,
    .executable_comments = true,
    .qualified_set = true,
    .empty_table = "TRUNCATE TABLE ",
    .name_limit = 64, /* for names of Dray's own, bytes are on the safe side */
    .name_limit_is_characters = true,
    .types =
        {
            .opcode = "VARCHAR(2) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            .number = "BIGINT",
            .service = "VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            .block = "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            .position = "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            .unchanged = "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            .time = "DATETIME(6)",
            .nullable = " NULL",
            .table_tail = " ENGINE=InnoDB",
            .latest = " FOR UPDATE",
        },
    .ddl =
        {
            .find_schema = "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ",
            .change_type = "ALTER TABLE %%TABLE%% MODIFY COLUMN %%COLUMN%% %%TYPE%%",
            .drop_not_null = "ALTER TABLE %%TABLE%% MODIFY COLUMN %%COLUMN%% %%TYPE%% NULL",
            .limit_wait = "SET SESSION lock_wait_timeout = 3",
            .hex_strings = true,
            .default_in_parentheses = true,
        },
    .partition =
        {
            .try_lock = try_lock,
            .unlock = unlock,
            .column_default = column_default,
            .limit_wait = "SET SESSION lock_wait_timeout = 3",
            .unlimit_wait = "SET SESSION lock_wait_timeout = DEFAULT",
        },
    .classify = classify,
    .key_equals = key_equals,
    .key_group = key_group,
    .load_columns = load_columns,
};
