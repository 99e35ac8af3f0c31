#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "target/sql_dialect.h"

static const char *const kinds[] = {
    [STATEMENT_PLAIN] = "plain",
    [STATEMENT_LOAD_STREAMED] = "streamed",
    [STATEMENT_ENDS_TRANSACTION] = "ends",
};

static void
expect_kind(const SqlDialect *dialect, StatementKind kind, const char *const *statements)
{
    for (; *statements != NULL; statements++) {
        CLEANUP(buf_clear) Buf got = BUF_INIT;
        CLEANUP(buf_clear) Buf expected = BUF_INIT;

        buf_addf(&got, "%s: %s", *statements, kinds[dialect->classify(text_of(*statements))]);
        buf_addf(&expected, "%s: %s", *statements, kinds[kind]);
        assert_string_equal(buf_string(&got), buf_string(&expected));
    }
}

static void
test_postgres_statements_that_end_the_transaction(void **state)
{
    static const char *const ends[] = {"COMMIT", "commit work", "END", "ABORT", "BEGIN", "ROLLBACK",
        "START TRANSACTION", "PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'x'",
        "ROLLBACK PREPARED 'x'", "ROLLBACK AND CHAIN", "VACUUM t", "CREATE DATABASE x",
        "DROP TABLESPACE x", "ALTER SYSTEM SET a = 1", "CREATE INDEX CONCURRENTLY i ON t (a)",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "REINDEX DATABASE d",
        "/* x */ -- y\n commit", NULL};
    static const char *const plain[] = {"SELECT 1", "ROLLBACK TO x", "ROLLBACK TO SAVEPOINT x",
        "ROLLBACK WORK TO SAVEPOINT x", "SAVEPOINT x", "PREPARE p AS SELECT 1", "TRUNCATE t",
        "CREATE TABLE commit (a int)", "ANALYZE t", "ALTER DATABASE d SET a = 1", "\"commit\"",
        "COPY t FROM '/stdin.csv'", "COPY t TO STDOUT", "", NULL};
    static const char *const streamed[] = {"COPY t FROM STDIN",
        "copy t (a, \"from\") from  stdin csv",
        "/* x */ COPY %%STAGE_TABLE_FQN%% (a) FROM /* y */ STDIN", NULL};

    (void)state;
    expect_kind(&sql_dialect_postgres, STATEMENT_ENDS_TRANSACTION, ends);
    expect_kind(&sql_dialect_postgres, STATEMENT_PLAIN, plain);
    expect_kind(&sql_dialect_postgres, STATEMENT_LOAD_STREAMED, streamed);
}

static void
test_mysql_statements_that_commit_implicitly(void **state)
{
    static const char *const ends[] = {"ALTER TABLE t ADD a int", "CREATE TABLE t (a int)",
        "CREATE OR REPLACE TABLE t (a int)", "DROP TABLE t", "CREATE INDEX i ON t (a)",
        "TRUNCATE t", "TRUNCATE TABLE t", "RENAME TABLE a TO b", "LOCK TABLES t READ",
        "UNLOCK TABLES", "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "ROLLBACK WORK",
        "SET autocommit = 0", "SET @a = 1, SESSION autocommit = 1", "SET @@autocommit = 1",
        "SET PASSWORD = 'x'", "GRANT ALL ON t TO u", "REVOKE ALL ON t FROM u", "ANALYZE TABLE t",
        "CHECK TABLE t", "OPTIMIZE LOCAL TABLE t", "REPAIR TABLE t", "CACHE INDEX t IN c",
        "LOAD INDEX INTO CACHE t", "FLUSH TABLES", "RESET MASTER", "INSTALL PLUGIN p SONAME 's'",
        "UNINSTALL PLUGIN p", "CHANGE MASTER TO a = 1", "START SLAVE", "STOP REPLICA",
        "XA START 'x'", "/*!50100 TRUNCATE t */", "/*M! COMMIT */", "# x\n(TRUNCATE t)", "SHUTDOWN",
        "SET STATEMENT max_statement_time = 1 FOR TRUNCATE t", "CREATE TEMPORARY SEQUENCE s", NULL};
    static const char *const plain[] = {"CREATE TEMPORARY TABLE t (a int)",
        "CREATE OR REPLACE TEMPORARY TABLE t (a int)", "DROP TEMPORARY TABLE t",
        "ROLLBACK TO SAVEPOINT x", "ROLLBACK TO x", "SAVEPOINT x", "DELETE FROM t",
        "SET STATEMENT a = 1 FOR SELECT 1", "SET @a = 'autocommit'",
        "BEGIN NOT ATOMIC SELECT 1; END", "LOAD DATA INFILE 'x' INTO TABLE t",
        "/* TRUNCATE t */ SELECT 1", "`truncate`", "ANALYZE SELECT 1", NULL};
    static const char *const streamed[] = {"LOAD DATA LOCAL INFILE 'x' INTO TABLE t",
        "load data low_priority local infile 'x' into table t", NULL};

    (void)state;
    expect_kind(&sql_dialect_mysql, STATEMENT_ENDS_TRANSACTION, ends);
    expect_kind(&sql_dialect_mysql, STATEMENT_PLAIN, plain);
    expect_kind(&sql_dialect_mysql, STATEMENT_LOAD_STREAMED, streamed);
}

static void
test_sqlite_statements(void **state)
{
    static const char *const ends[] = {"BEGIN IMMEDIATE", "COMMIT", "END", "ROLLBACK", "VACUUM",
        "ATTACH 'x' AS y", "DETACH y", "ROLLBACK TRANSACTION", NULL};
    static const char *const plain[] = {"ROLLBACK TO x", "ROLLBACK TRANSACTION TO x", "SAVEPOINT x",
        "CREATE TABLE t (a)", "PRAGMA x", NULL};
    static const char *const streamed[] = {".import 'x' t", NULL};

    (void)state;
    expect_kind(&sql_dialect_sqlite, STATEMENT_ENDS_TRANSACTION, ends);
    expect_kind(&sql_dialect_sqlite, STATEMENT_PLAIN, plain);
    expect_kind(&sql_dialect_sqlite, STATEMENT_LOAD_STREAMED, streamed);
}

static void
test_names_and_strings_cannot_end_early(void **state)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    sql_add_identifier(&sql_dialect_postgres, TEXT("a\"b\\"), &out);
    buf_add_char(&out, ' ');
    sql_add_identifier(&sql_dialect_mysql, TEXT("a`b\\\""), &out);
    buf_add_char(&out, ' ');
    sql_add_string(&sql_dialect_postgres, TEXT("a'b\\"), &out);
    buf_add_char(&out, ' ');
    sql_add_string(&sql_dialect_mysql, TEXT("a'b\\"), &out);
    buf_add_char(&out, ' ');
    sql_add_table(&sql_dialect_postgres, TEXT("s.t"), TEXT("x"), &out);
    buf_add_char(&out, ' ');
    sql_add_table(&sql_dialect_sqlite, TEXT("s"), TEXT("x"), &out);
    assert_string_equal(
        buf_string(&out), "\"a\"\"b\\\" `a``b\\\"` 'a''b\\' 'a''b\\\\' \"s.t\".\"x\" \"x\"");
}

static void
test_keys_are_equal_byte_by_byte(void **state)
{
    static const struct {
        const SqlDialect *dialect;
        bool is_text;
        const char *equals;
        const char *group;
    } cases[] = {
        {&sql_dialect_postgres, false, "base.\"k\" = stage.\"k\"", "stage.\"k\""},
        {&sql_dialect_postgres, true,
            "base.\"k\" = stage.\"k\" AND base.\"k\"::text COLLATE \"C\" = stage.\"k\"::text "
            "COLLATE \"C\"",
            "stage.\"k\"::text COLLATE \"C\""},
        {&sql_dialect_mysql, false, "base.`k` = stage.`k`", "stage.`k`"},
        {&sql_dialect_mysql, true,
            "base.`k` = stage.`k` AND CAST(base.`k` AS BINARY) = CAST(stage.`k` AS BINARY)",
            "CAST(stage.`k` AS BINARY)"},
        {&sql_dialect_sqlite, true,
            "base.\"k\" = stage.\"k\" AND base.\"k\" = stage.\"k\" COLLATE BINARY",
            "stage.\"k\" COLLATE BINARY"},
        {&sql_dialect_vertica, true, "base.\"k\" = stage.\"k\"", "stage.\"k\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf equals = BUF_INIT;
        CLEANUP(buf_clear) Buf group = BUF_INIT;
        TargetColumn column = {.name = TEXT("k"), .is_text = cases[i].is_text};

        cases[i].dialect->key_equals(&column, "base", "stage", &equals);
        cases[i].dialect->key_group(&column, "stage", &group);
        assert_string_equal(buf_string(&equals), cases[i].equals);
        assert_string_equal(buf_string(&group), cases[i].group);
    }
}

static void
test_mysql_load_converts_bytes_and_bits(void **state)
{
    static const Text header[] = {TEXT("op")};
    static const TargetColumn a = {.name = TEXT("a"), .logical = LOGICAL_TEXT};
    static const TargetColumn b = {.name = TEXT("b"), .logical = LOGICAL_BYTES};
    static const TargetColumn c = {.name = TEXT("c"), .logical = LOGICAL_BIT};
    static const TargetColumn g = {.name = TEXT("g"), .logical = LOGICAL_GEOMETRY};
    static const TargetColumn *const columns[] = {&a, &b, &c, &c, &c, &a, &g, &b, &a, &g};
    static const LogicalType logical[] = {LOGICAL_TEXT, LOGICAL_UNKNOWN, LOGICAL_BIT, LOGICAL_BOOL,
        LOGICAL_UNKNOWN, LOGICAL_BIT, LOGICAL_GEOMETRY, LOGICAL_GEOMETRY, LOGICAL_GEOMETRY,
        LOGICAL_UNKNOWN};
    CLEANUP(buf_clear) Buf list = BUF_INIT;
    CLEANUP(buf_clear) Buf set = BUF_INIT;

    (void)state;
    sql_dialect_mysql.load_columns(header, 1, columns, logical, 10, &list, &set);
    assert_string_equal(buf_string(&list),
        "`op`, `a`, @dray_1, @dray_2, @dray_3, @dray_4, `a`, @dray_5, @dray_6, `a`, `g`");
    assert_string_equal(buf_string(&set),
        "SET `b` = UNHEX(@dray_1), `c` = CAST(CONV(@dray_2, 2, 10) AS UNSIGNED), "
        "`c` = CAST(@dray_3 AS UNSIGNED), `c` = CAST(CONV(@dray_4, 2, 10) AS UNSIGNED), "
        "`g` = UNHEX(@dray_5), `b` = UNHEX(@dray_6)");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_postgres_statements_that_end_the_transaction),
        cmocka_unit_test(test_mysql_statements_that_commit_implicitly),
        cmocka_unit_test(test_sqlite_statements),
        cmocka_unit_test(test_names_and_strings_cannot_end_early),
        cmocka_unit_test(test_keys_are_equal_byte_by_byte),
        cmocka_unit_test(test_mysql_load_converts_bytes_and_bits),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
