#include "target/mysql.h"

#define D                 target_mysql
#define OPTIONS           MysqlOptions
#define CONNECTION_OPTION options.client.connection
#define CONNECTION        "socket=%s user=root dbname=dw "

#include "driver_test.h"

static int
make_database(void **state)
{
    Error err = {0};
    int64_t rows;

    (void)state;
    arena = arena_new();
    field_set_presets(D.fields, ".", arena, &options);
    options.client.connection = arena_printf(arena, "socket=%s user=root", server.socket);
    target = D.open(&options, &err);
    if (target == NULL || !D.execute(target, TEXT("CREATE DATABASE dw"), NULL, &rows, &err))
        print_error("%s\n", err.text);
    return tear_down(state);
}

/* ---- describe and check ---- */

static void
every_kind_of_column_is_described(void **state)
{
    const TargetTable *table;

    (void)state;
    run("CREATE TABLE `Ta``ble` (i int, b bigint unsigned NOT NULL AUTO_INCREMENT UNIQUE,"
        " ok tinyint(1) DEFAULT 0, n decimal(10,2) NOT NULL, f float, d double, y year,"
        " s varchar(7) CHARACTER SET latin1 COLLATE latin1_german2_ci NOT NULL DEFAULT 'x',"
        " t longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, e enum('a','b''c')"
        " CHARACTER SET utf8mb4, st set('a') CHARACTER SET utf8mb4,"
        " bi bit(3), vb varbinary(9), bl blob, da date, ti time(3), dt datetime(6),"
        " ts timestamp NULL, g int AS (i + 1) VIRTUAL, g2 int AS (i + 1) STORED, u uuid,"
        " de int DEFAULT (1 + 1), p point, PRIMARY KEY (n, i))");
    table = describe("", "Ta`ble");
    assert_non_null(table);
    assert_true(text_is(table->schema, "dw"));
    assert_int_equal(table->column_count, 23);
    assert_int_equal(table->key_count, 2);
    assert_true(text_is(table->columns[table->key[0]].name, "n"));
    assert_true(text_is(table->columns[table->key[1]].name, "i"));
    assert_string_equal(column_text(table, "i"), "int(11): int filled");
    assert_string_equal(column_text(table, "b"), "bigint(20) unsigned: uint filled default");
    assert_string_equal(column_text(table, "ok"), "tinyint(1): int default");
    assert_string_equal(column_text(table, "n"), "decimal(10,2): numeric filled");
    assert_string_equal(column_text(table, "f"), "float: float");
    assert_string_equal(column_text(table, "d"), "double: float");
    assert_string_equal(column_text(table, "y"), "year(4): int");
    assert_string_equal(column_text(table, "s"),
        "varchar(7) CHARACTER SET latin1 COLLATE latin1_german2_ci: text filled default text");
    assert_string_equal(
        column_text(table, "t"), "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin: text text");
    assert_string_equal(column_text(table, "e"),
        "enum('a','b''c') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci: text text");
    assert_string_equal(column_text(table, "st"),
        "set('a') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci: text text");
    assert_string_equal(column_text(table, "bi"), "bit(3): bit");
    assert_string_equal(column_text(table, "vb"), "varbinary(9): bytes");
    assert_string_equal(column_text(table, "bl"), "blob: bytes");
    assert_string_equal(column_text(table, "da"), "date: date");
    assert_string_equal(column_text(table, "ti"), "time(3): time");
    assert_string_equal(column_text(table, "dt"), "datetime(6): timestamp");
    assert_string_equal(column_text(table, "ts"), "timestamp: timestamp");
    assert_string_equal(column_text(table, "g"), "int(11): int generated");
    assert_string_equal(column_text(table, "g2"), "int(11): int generated");
    assert_string_equal(column_text(table, "u"), "uuid: uuid");
    assert_string_equal(column_text(table, "de"), "int(11): int default");
    assert_string_equal(column_text(table, "p"), "point: geometry");
    assert_non_null(describe("dw", "Ta`ble"));
    assert_null(describe("nowhere", "Ta`ble"));
    assert_null(describe("", "nothing"));
    run("DROP TABLE `Ta``ble`");
}

static void
the_types_a_staging_table_inherits_can_be_created(void **state)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const TargetTable *table;

    (void)state;
    run("CREATE TEMPORARY TABLE kinds(a char(3) CHARACTER SET latin1, b enum('a','b,c'),"
        " c varchar(9) COLLATE utf8mb4_unicode_ci, d bigint(5) unsigned zerofill, e json,"
        " f char(3) CHARACTER SET binary)");
    table = describe("", "kinds");
    for (size_t i = 0; i < table->column_count; i++)
        buf_addf(&sql, "%s" TEXT_FMT " " TEXT_FMT, i == 0 ? "CREATE TEMPORARY TABLE again(" : ", ",
            TEXT_ARG(table->columns[i].name), TEXT_ARG(table->columns[i].type));
    buf_add_string(&sql, ")");
    run(buf_string(&sql));
    for (size_t i = 0; i < table->column_count; i++)
        assert_true(text_equal(table->columns[i].type, describe("", "again")->columns[i].type));
}

static void
views_and_engines_without_transactions_are_refused(void **state)
{
    TargetTable *table = NULL;
    Error err = {0};

    (void)state;
    run("CREATE VIEW v AS SELECT 1");
    run("CREATE TABLE m(i int PRIMARY KEY) ENGINE=MyISAM");
    assert_false(D.describe(target, TEXT(""), TEXT("v"), arena, &table, &err));
    assert_string_equal(
        err.text, "describe v: dw.v is a view: rows can be merged into tables only");
    assert_false(D.describe(target, TEXT(""), TEXT("m"), arena, &table, &err));
    assert_string_equal(err.text, "describe m: table dw.m uses the engine MyISAM, which has no "
                                  "transactions: ALTER TABLE … ENGINE=InnoDB");
    run("DROP TABLE m");
    run("DROP VIEW v");
}

static void
a_connection_without_a_database_says_so(void **state)
{
    TargetTable *table = NULL;
    Error err = {0};

    (void)state;
    D.close(target);
    options.client.connection = arena_printf(arena, "socket=%s user=root", server.socket);
    target = D.open(&options, &err);
    assert_non_null(target);
    assert_false(D.describe(target, TEXT(""), TEXT("t"), arena, &table, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void
check_reports_the_server(void **state)
{
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    Error err = {0};

    (void)state;
    assert_true(D.check(target, &report, &err));
    assert_non_null(strstr(buf_string(&report), "MariaDB 10."));
    assert_non_null(strstr(buf_string(&report), "database dw, user root@localhost, no TLS"));
    assert_non_null(strstr(buf_string(&report), "innodb_flush_log_at_trx_commit is not 1"));
}

static void
check_refuses_settings_that_lose_rows(void **state)
{
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    Error err = {0};

    (void)state;
    run("SET GLOBAL local_infile = OFF");
    assert_false(D.check(target, &report, &err));
    run("SET GLOBAL local_infile = ON");
    assert_non_null(strstr(err.text, "local_infile is off"));
    run("SET SESSION default_storage_engine = MyISAM");
    assert_false(D.check(target, &report, &err));
    assert_non_null(strstr(err.text, "default_storage_engine is MyISAM"));
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(every_kind_of_column_is_described),
        EACH(the_types_a_staging_table_inherits_can_be_created),
        EACH(views_and_engines_without_transactions_are_refused),
        EACH(a_connection_without_a_database_says_so),
        EACH(check_reports_the_server),
        EACH(check_refuses_settings_that_lose_rows),
    };

    if (!server_has_mariadb())
        return server_skip("MariaDB");
    server_start_mariadb(&server);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_database, NULL);
}
