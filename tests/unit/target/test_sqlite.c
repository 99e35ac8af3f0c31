#include "target/sqlite.h"

#include <pthread.h>
#include <xxhash.h>

#include "base/stop.h"
#include "block/csv.h"
#include "support/sqlite_db.h"
#include "target/sqlite_value.h"

#define NULL_WORD TEXT("null")

static const CsvDialect dialect = {
    .style = CSV_QUOTED,
    .null_word = {"null", 4},
    .notation = {.bytes = BYTES_HEX, .bools = BOOL_DIGITS},
    .header = {HEADER_OPCODE, HEADER_SEQNO, HEADER_ROW_ID, HEADER_TIMESTAMP},
    .header_count = 4,
    .header_names = {{"dray_opcode", 11}, {"dray_seqno", 10}, {"dray_row_id", 11},
        {"dray_timestamp", 14}},
};

/* ---- a block of one file, its lines made by the test ---- */

typedef struct Lines {
    Buf csv;
    uint64_t count;
} Lines;

/* NULL is null. */
static void
add_line(Lines *lines, const char *const *values, size_t count)
{
    CLEANUP(buf_clear) Buf number = BUF_INIT;
    CLEANUP(buf_clear) Buf line = BUF_INIT;

    buf_add_u64(&number, ++lines->count);
    block_csv_add_value(&line, TEXT("I"));
    block_csv_add_value(&line, TEXT("84900"));
    block_csv_add_value(&line, buf_text(&number));
    block_csv_add_value(&line, TEXT("2016-03-11 20:51:10.000"));
    for (size_t i = 0; i < count; i++) {
        if (values[i] == NULL)
            block_csv_add_null(&line, NULL_WORD);
        else
            block_csv_add_value(&line, text_of(values[i]));
    }
    block_csv_end_line(&line);
    buf_add_text(&lines->csv, buf_text(&line));
}

static Block *
make_block(Db *db, const Lines *lines, BlockColumn *columns, size_t count)
{
    BlockFile file = {
        .name = TEXT("public.items.csv"),
        .schema = TEXT("public"),
        .table = TEXT("items"),
        .generation = 1,
        .columns = columns,
        .column_count = count,
        .row_count = lines->count,
        .bytes = lines->csv.len,
        .checksum = XXH3_64bits(lines->csv.data, lines->csv.len),
    };
    Manifest manifest = {
        .service = TEXT("sales"),
        .fence = 1,
        .first_seqno = 84900,
        .last_seqno = 84900,
        .first_commit_us = TIME_UNKNOWN,
        .last_commit_us = TIME_UNKNOWN,
        .position_before = TEXT("a"),
        .position_after = TEXT("b"),
        .transactions = 1,
        .dialect = dialect,
        .target_type = TEXT("sqlite"),
        .files = &file,
        .file_count = 1,
    };
    char *directory = file_join(db->directory, "00000000000000084900");
    char *path = file_join(directory, "public.items.csv");
    Block *block;

    file.rows[OPCODE_I] = lines->count;
    assert_ok(file_make_directory(directory, &db->err), db->err);
    assert_ok(file_write_durable(path, lines->csv.data, lines->csv.len, &db->err), db->err);
    assert_ok(manifest_write(&manifest, directory, &db->err), db->err);
    block = block_open(directory, &db->err);
    assert_ok(block != NULL, db->err);
    free(directory);
    free(path);
    return block;
}

#define STAGE_HEADER \
    "dray_opcode VARCHAR(2), dray_seqno BIGINT, dray_row_id BIGINT, dray_timestamp TEXT"

/* .import of lines into "stage items"; its rows, or -1 with db->err. */
static int64_t
import(Db *db, const Lines *lines, BlockColumn *columns, size_t count)
{
    CLEANUP(block_free) Block *block = make_block(db, lines, columns, count);
    CLEANUP(load_feed_close) LoadFeed *feed = load_feed_open(block, 0, true, &db->err);
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows = -1;

    assert_ok(feed != NULL, db->err);
    buf_addf(&sql, ".import '%s' \"stage items\"", load_feed_path(feed));
    if (!target_sqlite.execute(db->target, buf_text(&sql), feed, &rows, &db->err))
        return -1;
    assert_true(load_feed_is_finished(feed));
    return rows;
}

/* One value in a column of this type: what SQLite stores, or the error. */
static const char *
stored(Db *db, const char *type, LogicalType logical, const char *value)
{
    Lines lines = {BUF_INIT, 0};
    BlockColumn column = {TEXT("v"), TEXT(""), logical};
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    (void)db_run(db, "DROP TABLE IF EXISTS \"stage items\"");
    buf_addf(&sql, "CREATE TABLE \"stage items\" (" STAGE_HEADER ", v %s)", type);
    (void)db_run(db, sql.data);
    add_line(&lines, &value, 1);
    if (import(db, &lines, &column, 1) != 1) {
        buf_clear(&lines.csv);
        return db->err.text;
    }
    buf_clear(&lines.csv);
    return db_query(db, "SELECT typeof(v), v FROM \"stage items\"");
}

static void
import_keeps_every_value(void **state)
{
    Db *db = *state;
    Lines lines = {BUF_INIT, 0};
    BlockColumn columns[] = {{TEXT("id"), TEXT(""), LOGICAL_INT},
        {TEXT("text \"q\""), TEXT(""), LOGICAL_TEXT}, {TEXT("data"), TEXT(""), LOGICAL_BYTES}};
    const char *first[] = {"-9223372036854775808", "a,\"b\"\r\n\t\xf0\x9f\x98\x80", "00ff0a"};
    const char *second[] = {"2", "null", ""};
    const char *third[] = {"3", NULL, NULL};
    const char *fourth[] = {"4", "", "DEADbeef"};

    (void)db_run(db, "CREATE TABLE \"stage items\" (" STAGE_HEADER
                     ", data BLOB, id INTEGER, \"text \"\"q\"\"\" TEXT, more TEXT)");
    add_line(&lines, first, 3);
    add_line(&lines, second, 3);
    add_line(&lines, third, 3);
    add_line(&lines, fourth, 3);
    assert_int_equal(import(db, &lines, columns, 3), 4);
    assert_string_equal(db_query(db, "SELECT id, \"text \"\"q\"\"\", data, typeof(data), more "
                                     "FROM \"stage items\" ORDER BY dray_row_id"),
        "-9223372036854775808|a,\"b\"\r\n\t\xf0\x9f\x98\x80|00ff0a|blob|<null>;"
        "2|null||blob|<null>;3|<null>|<null>|null|<null>;4||deadbeef|blob|<null>");
    assert_string_equal(db_query(db, "SELECT DISTINCT dray_opcode, dray_seqno, typeof(dray_seqno), "
                                     "dray_timestamp FROM \"stage items\""),
        "I|84900|integer|2016-03-11 20:51:10.000");
    assert_false(target_sqlite.in_transaction(db->target));
    buf_clear(&lines.csv);
}

static void
import_keeps_several_long_blobs_of_a_line(void **state)
{
    Db *db = *state;
    Lines lines = {BUF_INIT, 0};
    BlockColumn columns[] = {{TEXT("a"), TEXT(""), LOGICAL_BYTES},
        {TEXT("b"), TEXT(""), LOGICAL_BYTES}, {TEXT("c"), TEXT(""), LOGICAL_BYTES}};
    CLEANUP(buf_clear) Buf hex = BUF_INIT;

    (void)db_run(db, "CREATE TABLE \"stage items\" (" STAGE_HEADER ", a BLOB, b BLOB, c BLOB)");
    for (int i = 0; i < 300000; i++)
        buf_add_string(&hex, "ab");
    add_line(&lines, (const char *[]){"0102", hex.data, "03"}, 3);
    add_line(&lines, (const char *[]){hex.data, hex.data, hex.data}, 3);
    assert_int_equal(import(db, &lines, columns, 3), 2);
    assert_string_equal(db_query(db, "SELECT a = x'0102', length(b), hex(substr(b, 1, 2)), "
                                     "hex(c) FROM \"stage items\" LIMIT 1"),
        "1|300000|ABAB|03");
    assert_string_equal(db_query(db, "SELECT length(a), a = b, b = c, hex(substr(c, 299999)) "
                                     "FROM \"stage items\" WHERE dray_row_id = 2"),
        "300000|1|1|ABAB");
    buf_clear(&lines.csv);
}

static void
import_stores_numbers_as_the_column_says(void **state)
{
    Db *db = *state;

    assert_string_equal(stored(db, "INTEGER", LOGICAL_INT, "-12"), "integer|-12");
    assert_string_equal(stored(db, "NUMERIC(10,2)", LOGICAL_NUMERIC, "1.50"), "real|1.5");
    assert_string_equal(stored(db, "NUMERIC", LOGICAL_NUMERIC, "2.00"), "integer|2");
    assert_string_equal(stored(db, "NUMERIC", LOGICAL_NUMERIC, "NaN"), "text|NaN");
    assert_string_equal(
        stored(db, "TEXT", LOGICAL_INT, "12345678901234567890123"), "text|12345678901234567890123");
    assert_string_equal(stored(db, "TEXT", LOGICAL_NUMERIC, "0.10"), "text|0.10");
    assert_string_equal(stored(db, "BOOLEAN", LOGICAL_BOOL, "1"), "integer|1");
    assert_string_equal(
        stored(db, "DOUBLE", LOGICAL_FLOAT, "0.30000000000000004"), "real|0.30000000000000004");
    assert_string_equal(stored(db, "REAL", LOGICAL_FLOAT, "5e-324"), "real|4.94065645841247e-324");
    assert_string_equal(stored(db, "REAL", LOGICAL_FLOAT, "-Infinity"), "real|-inf");
    assert_string_equal(stored(db, "REAL", LOGICAL_FLOAT, "NaN"), "text|NaN");
    assert_string_equal(stored(db, "", LOGICAL_INT, "12"), "integer|12");
    assert_string_equal(stored(db, "", LOGICAL_NUMERIC, "12.50"), "text|12.50");
    assert_string_equal(stored(db, "DATE", LOGICAL_DATE, "2016-03-11"), "text|2016-03-11");
    assert_string_equal(stored(db, "DATETIME", LOGICAL_TIMESTAMPTZ, "2016-03-11 20:51:10+01"),
        "text|2016-03-11 20:51:10+01");
    assert_string_equal(stored(db, "TEXT", LOGICAL_UNKNOWN, "007"), "text|007");
    assert_string_equal(stored(db, "INTEGER", LOGICAL_UNKNOWN, "7"), "integer|7");
}

#define REFUSED(value, type, why)                                              \
    "public.items.csv line 1 (row_id 1, seqno 84900): column v: value '" value \
    "' cannot be kept in type " type ": " why "; declare the base column TEXT"

static void
import_refuses_what_a_column_would_change(void **state)
{
    Db *db = *state;

    assert_string_equal(stored(db, "NUMERIC", LOGICAL_NUMERIC, "12345678901234567890123"),
        REFUSED("12345678901234567890123", "NUMERIC", "an integer past 64 bits would lose digits"));
    assert_int_equal(db->err.kind, ERR_DATA);
    assert_false(db->err.retriable);
    assert_string_equal(stored(db, "INTEGER", LOGICAL_UINT, "9223372036854775808"),
        REFUSED("9223372036854775808", "INTEGER", "an integer past 64 bits would lose digits"));
    assert_string_equal(stored(db, "DECIMAL(20,4)", LOGICAL_NUMERIC, "1234567890123.4567"),
        REFUSED("1234567890123.4567", "DECIMAL(20,4)",
            "more than 15 significant digits would be rounded"));
    assert_string_equal(stored(db, "REAL", LOGICAL_INT, "9007199254740993"),
        REFUSED("9007199254740993", "REAL",
            "an integer past 53 bits would lose digits in a floating-point column"));
    /* the trap: STRING is a numeric type to SQLite */
    assert_string_equal(stored(db, "STRING", LOGICAL_TEXT, "00123"),
        REFUSED("00123", "STRING", "the column would turn the text into a number"));
    assert_string_equal(stored(db, "BIT(4)", LOGICAL_BIT, "0101"),
        REFUSED("0101", "BIT(4)", "the column would turn the text into a number"));
    assert_string_equal(stored(db, "BLOB", LOGICAL_BYTES, "0g"),
        "public.items.csv line 1 (row_id 1, seqno 84900): column v: value '0g' is not hexadecimal");
    assert_string_equal(db_query(db, "SELECT count(*) FROM \"stage items\""), "0");
}

static void
import_names_the_line_and_leaves_nothing_behind(void **state)
{
    Db *db = *state;
    Lines lines = {BUF_INIT, 0};
    BlockColumn columns[] = {{TEXT("v"), TEXT(""), LOGICAL_TEXT}};
    const char *good[] = {"a\nb"};
    const char *bad[] = {"x"};
    const char *long_values[] = {"x", "y"};

    (void)db_run(db, "CREATE TABLE \"stage items\" (" STAGE_HEADER ", v TEXT CHECK (v <> 'x'))");
    add_line(&lines, good, 1);
    add_line(&lines, bad, 1);
    assert_int_equal(import(db, &lines, columns, 1), -1);
    assert_string_equal(db->err.text, "public.items.csv line 3 (row_id 2, seqno 84900): CHECK "
                                      "constraint failed: v <> 'x'");
    assert_int_equal(db->err.kind, ERR_DATA);
    assert_false(target_sqlite.in_transaction(db->target));
    assert_string_equal(db_query(db, "SELECT count(*) FROM \"stage items\""), "0");

    buf_clear(&lines.csv);
    lines.count = 0;
    add_line(&lines, long_values, 2);
    assert_int_equal(import(db, &lines, columns, 1), -1);
    assert_int_equal(db->err.kind, ERR_DATA);
    assert_non_null(strstr(db->err.text, "6 values, expected 5"));
    buf_clear(&lines.csv);
}

static void
import_needs_the_table_the_columns_and_the_file(void **state)
{
    Db *db = *state;
    Lines lines = {BUF_INIT, 0};
    BlockColumn columns[] = {{TEXT("v"), TEXT(""), LOGICAL_TEXT}};
    const char *values[] = {"a"};
    int64_t rows;

    add_line(&lines, values, 1);
    assert_int_equal(import(db, &lines, columns, 1), -1);
    assert_string_equal(db->err.text, "staging table stage items is missing");
    (void)db_run(db, "CREATE TABLE \"stage items\" (" STAGE_HEADER ", w TEXT)");
    assert_int_equal(import(db, &lines, columns, 1), -1);
    assert_string_equal(db->err.text, "staging table stage items has no column v");
    assert_int_equal(db->err.kind, ERR_TARGET);
    assert_error(db,
        target_sqlite.execute(db->target, TEXT(".import a.csv t"), NULL, &rows, &db->err),
        ERR_SCRIPT, ".import reads a CSV file of the block; there is none here");
    buf_clear(&lines.csv);
}

static void
import_is_spelled_in_two_words(void **state)
{
    Db *db = *state;
    Lines lines = {BUF_INIT, 0};
    BlockColumn columns[] = {{TEXT("v"), TEXT(""), LOGICAL_TEXT}};
    const char *values[] = {"a"};
    static const char *const good[] = {".import public.items.csv t", ".import 'public.items.csv' t",
        "  .import \"x y/public.items.csv\"  \"main\".\"t\" ;", ".import public.items.csv [t]",
        "-- load\n.import public.items.csv main.`t`"};
    static const struct {
        const char *sql;
        const char *text;
    } bad[] = {
        {".import", ".import: CSV_FILE STAGE_TABLE_FQN is expected"},
        {".import public.items.csv", ".import: CSV_FILE STAGE_TABLE_FQN is expected"},
        {".import 'public.items.csv t", ".import: CSV_FILE STAGE_TABLE_FQN is expected"},
        {".import public.items.csv \"t", ".import: a table's name is expected behind the file"},
        {".import public.items.csv t.", ".import: a table's name is expected behind \".\""},
        {".import public.items.csv t more",
            ".import: nothing is expected behind the table, not  more"},
        {".tables", "dot command \".tables\": only .import is known"},
    };
    Block *block;
    LoadFeed *feed;
    int64_t rows;

    (void)db_run(db, "CREATE TABLE t (" STAGE_HEADER ", v TEXT)");
    add_line(&lines, values, 1);
    block = make_block(db, &lines, columns, 1);
    feed = load_feed_open(block, 0, false, &db->err);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(load_feed_rewind(feed, &db->err), db->err);
        assert_ok(
            target_sqlite.execute(db->target, text_of(good[i]), feed, &rows, &db->err), db->err);
        assert_int_equal(rows, 1);
    }
    assert_string_equal(db_query(db, "SELECT count(*) FROM t"), "5");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_error(db,
            target_sqlite.execute(db->target, text_of(bad[i].sql), feed, &rows, &db->err),
            ERR_SCRIPT, bad[i].text);
    /* loading the feed where the script asks for another file would be a silent mistake */
    assert_false(
        target_sqlite.execute(db->target, TEXT(".import other.csv t"), feed, &rows, &db->err));
    assert_non_null(strstr(db->err.text, ".import loads the block's file "));
    load_feed_close(feed);
    block_free(block);
    buf_clear(&lines.csv);
}

static void
import_in_a_transaction_is_part_of_it(void **state)
{
    Db *db = *state;
    Lines lines = {BUF_INIT, 0};
    BlockColumn columns[] = {{TEXT("v"), TEXT(""), LOGICAL_TEXT}};
    const char *values[] = {"a"};

    (void)db_run(db, "CREATE TABLE \"stage items\" (" STAGE_HEADER ", v TEXT)");
    add_line(&lines, values, 1);
    assert_ok(target_sqlite.begin(db->target, &db->err), db->err);
    assert_int_equal(import(db, &lines, columns, 1), 1);
    assert_true(target_sqlite.in_transaction(db->target));
    target_sqlite.rollback(db->target);
    assert_string_equal(db_query(db, "SELECT count(*) FROM \"stage items\""), "0");
    buf_clear(&lines.csv);
}

static void
import_ends_when_it_is_stopped(void **state)
{
    Db *db = *state;
    Lines lines = {BUF_INIT, 0};
    BlockColumn columns[] = {{TEXT("v"), TEXT(""), LOGICAL_TEXT}};
    const char *values[] = {"a"};

    (void)db_run(db, "CREATE TABLE \"stage items\" (" STAGE_HEADER ", v TEXT)");
    add_line(&lines, values, 1);
    stop_request(STOP_NOW);
    assert_int_equal(import(db, &lines, columns, 1), -1);
    stop_reset();
    assert_int_equal(db->err.kind, ERR_STOPPED);
    buf_clear(&lines.csv);
}

/* ---- statements ---- */

static void
execute_counts_only_changed_rows(void **state)
{
    Db *db = *state;

    assert_int_equal(db_run(db, "CREATE TABLE t (a)"), -1);
    assert_int_equal(db_run(db, "INSERT INTO t VALUES (1), (2), (3)"), 3);
    assert_int_equal(db_run(db, "SELECT * FROM t"), -1);
    assert_int_equal(db_run(db, "CREATE TABLE u (a)"), -1);
    assert_int_equal(db_run(db, " /* all */ -- of it\n DELETE FROM t"), 3);
    assert_int_equal(db_run(db, "UPDATE t SET a = 1"), 0);
    assert_int_equal(db_run(db, "WITH n(a) AS (VALUES (1), (2)) INSERT INTO t SELECT a FROM n"), 2);
    assert_int_equal(db_run(db, "WITH n(a) AS (VALUES (1), (2)) SELECT a FROM n"), -1);
    assert_int_equal(db_run(db, "-- nothing"), -1);
    assert_int_equal(db_run(db, "DELETE FROM t; -- done"), 2);
}

static void
execute_takes_one_statement(void **state)
{
    Db *db = *state;
    int64_t rows;

    (void)db_run(db, "CREATE TABLE t (a)");
    assert_error(db,
        target_sqlite.execute(
            db->target, TEXT("DELETE FROM t; DROP TABLE t"), NULL, &rows, &db->err),
        ERR_SCRIPT, "one statement is expected, more follows: \" DROP TABLE t\"");
    assert_error(db,
        target_sqlite.execute(db->target, TEXT("DELETE FROM t; rubbish"), NULL, &rows, &db->err),
        ERR_SCRIPT, "one statement is expected, more follows: \" rubbish\"");
    assert_error(db, target_sqlite.execute(db->target, TEXT("SELECT 1\0"), NULL, &rows, &db->err),
        ERR_SCRIPT, "the statement holds a NUL byte");
    assert_string_equal(db_query(db, "SELECT count(*) FROM sqlite_schema"), "1");
}

static void
errors_have_kind_and_place(void **state)
{
    Db *db = *state;
    int64_t rows;

    (void)db_run(db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL)");
    assert_error(db,
        target_sqlite.execute(db->target, TEXT("SELECT a,\n  c FROM t"), NULL, &rows, &db->err),
        ERR_SCRIPT, "no such column: c at line 2, column 3 of the statement");
    /* a misspelt quoted column is no string constant */
    assert_error(db,
        target_sqlite.execute(db->target, TEXT("UPDATE t SET b = \"cc\""), NULL, &rows, &db->err),
        ERR_SCRIPT, "no such column: cc at line 1, column 18 of the statement");
    assert_error(db,
        target_sqlite.execute(
            db->target, TEXT("INSERT INTO t VALUES (1, NULL)"), NULL, &rows, &db->err),
        ERR_DATA, "NOT NULL constraint failed: t.b");
    assert_error(db,
        target_sqlite.execute(
            db->target, TEXT("INSERT INTO t VALUES ('x', 'y')"), NULL, &rows, &db->err),
        ERR_DATA, "datatype mismatch");
}

static void
a_locked_database_is_retriable(void **state)
{
    Db *db = *state;
    Target *other = db_connect(db, 20);
    CLEANUP(buf_clear) Buf expected = BUF_INIT;

    buf_addf(&expected, "begin: %s: database is locked", db->path);
    assert_ok(target_sqlite.begin(db->target, &db->err), db->err);
    assert_error(db, target_sqlite.begin(other, &db->err), ERR_TARGET, expected.data);
    assert_true(db->err.retriable);
    assert_false(target_sqlite.in_transaction(other));
    target_sqlite.rollback(db->target);
    assert_ok(target_sqlite.begin(other, &db->err), db->err);
    target_close(other);
}

static void *
cancel_soon(void *context)
{
    for (int i = 0; i < 20; i++) {
        (void)stop_wait(STOP_NOW, 10);
        target_sqlite.cancel(context);
    }
    return NULL;
}

static void
another_thread_can_cancel_a_statement(void **state)
{
    Db *db = *state;
    pthread_t thread;
    int64_t rows;
    bool ok;

    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, db->target), 0);
    ok = target_sqlite.execute(db->target,
        TEXT("WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) "
             "SELECT count(*) FROM n"),
        NULL, &rows, &db->err);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(ok);
    assert_non_null(strstr(db->err.text, "interrupted"));
    assert_true(db->err.retriable);
}

static void
query_gives_exact_values(void **state)
{
    Db *db = *state;

    assert_string_equal(db_query(db, "SELECT 0.1, 1e300, 0.1 + 0.2, x'00ff', NULL, '', 12, 3.0"),
        "0.1|1e+300|0.30000000000000004|00ff|<null>||12|3");
}

static void
a_foreign_file_is_refused(void **state)
{
    Db *db = *state;
    char *path = file_join(db->directory, "not.db");
    SqliteOptions options = {.path = path};
    char *missing = file_join(db->directory, "no/such/directory.db");

    assert_ok(
        file_write_durable(path, "this is a text file, not a database", 36, &db->err), db->err);
    assert_null(target_sqlite.open(&options, &db->err));
    assert_int_equal(db->err.kind, ERR_TARGET);
    assert_false(db->err.retriable);
    assert_non_null(strstr(db->err.text, "file is not a database"));
    options.path = missing;
    assert_null(target_sqlite.open(&options, &db->err));
    assert_non_null(strstr(db->err.text, "unable to open database file"));
    assert_non_null(strstr(db->err.text, "No such file or directory"));
    free(path);
    free(missing);
}

/* ---- catalogue ---- */

static void
describe_tells_types_keys_and_collations(void **state)
{
    Db *db = *state;
    TargetTable *table = NULL;

    (void)db_run(db, "CREATE TABLE t (a INT NOT NULL, b VARCHAR(20) COLLATE NOCASE DEFAULT 'x', "
                     "c, d NUMERIC(10,2) GENERATED ALWAYS AS (a * 2) STORED, e TEXT AS (b), "
                     "f TIMESTAMP WITH TIME ZONE, PRIMARY KEY (b, a)) WITHOUT ROWID");
    assert_ok(target_sqlite.describe(db->target, TEXT("x"), TEXT("T"), db->arena, &table, &db->err),
        db->err);
    assert_non_null(table);
    assert_int_equal(table->column_count, 6);
    assert_text(table->columns[0].type, "INT");
    assert_true(table->columns[0].not_null && !table->columns[0].is_text);
    assert_int_equal(table->columns[0].logical, LOGICAL_INT);
    assert_text(table->columns[1].type, "VARCHAR(20) COLLATE \"NOCASE\"");
    assert_true(table->columns[1].is_text && table->columns[1].has_default);
    assert_int_equal(table->columns[1].logical, LOGICAL_TEXT);
    assert_text(table->columns[2].type, "");
    assert_int_equal(table->columns[2].logical, LOGICAL_UNKNOWN);
    assert_true(table->columns[3].generated && table->columns[4].generated);
    assert_false(table->columns[5].generated);
    assert_int_equal(table->columns[3].logical, LOGICAL_NUMERIC);
    assert_int_equal(table->columns[5].logical, LOGICAL_TIMESTAMPTZ);
    assert_int_equal(table->key_count, 2);
    assert_int_equal(table->key[0], 1);
    assert_int_equal(table->key[1], 0);
    assert_ok(
        target_sqlite.describe(db->target, TEXT(""), TEXT("none"), db->arena, &table, &db->err),
        db->err);
    assert_null(table);
}

static void
describe_knows_tables_with_many_columns(void **state)
{
    Db *db = *state;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    TargetTable *table = NULL;

    buf_add_string(&sql, "CREATE TABLE wide (");
    for (int i = 0; i < 100; i++)
        buf_addf(&sql, "c%d INTEGER, ", i);
    buf_add_string(&sql, "PRIMARY KEY (c99, c1, c50))");
    (void)db_run(db, sql.data);
    assert_ok(
        target_sqlite.describe(db->target, TEXT(""), TEXT("wide"), db->arena, &table, &db->err),
        db->err);
    assert_int_equal(table->column_count, 100);
    assert_int_equal(table->key_count, 3);
    assert_int_equal(table->key[0], 99);
    assert_int_equal(table->key[1], 1);
    assert_int_equal(table->key[2], 50);

    buf_reset(&sql, 0);
    buf_add_string(&sql, "CREATE TABLE keys (");
    for (int i = 0; i < 60; i++)
        buf_addf(&sql, "c%d INTEGER, ", i);
    for (int i = 59; i >= 0; i--)
        buf_addf(&sql, "%sc%d", i == 59 ? "PRIMARY KEY (" : ", ", i);
    buf_add_string(&sql, "))");
    (void)db_run(db, sql.data);
    assert_ok(
        target_sqlite.describe(db->target, TEXT(""), TEXT("keys"), db->arena, &table, &db->err),
        db->err);
    assert_int_equal(table->key_count, 60);
    assert_int_equal(table->key[59], 0);
}

static void
types_are_known_by_their_names(void **state)
{
    static const struct {
        const char *type;
        SqliteAffinity affinity;
        LogicalType logical;
    } cases[] = {
        {"INTEGER", AFFINITY_NUMERIC, LOGICAL_INT},
        {"bigint unsigned", AFFINITY_NUMERIC, LOGICAL_UINT},
        {"CHARINT", AFFINITY_NUMERIC, LOGICAL_INT},
        {"Interval", AFFINITY_NUMERIC, LOGICAL_INTERVAL},
        {"varchar(10)", AFFINITY_TEXT, LOGICAL_TEXT},
        {"CLOB", AFFINITY_TEXT, LOGICAL_TEXT},
        {"BLOB", AFFINITY_NONE, LOGICAL_BYTES},
        {"", AFFINITY_NONE, LOGICAL_UNKNOWN},
        {"double precision", AFFINITY_REAL, LOGICAL_FLOAT},
        {"DECIMAL(5,2)", AFFINITY_NUMERIC, LOGICAL_NUMERIC},
        {"STRING", AFFINITY_NUMERIC, LOGICAL_OTHER},
        {"date", AFFINITY_NUMERIC, LOGICAL_DATE},
        {"datetime", AFFINITY_NUMERIC, LOGICAL_TIMESTAMP},
        {"time", AFFINITY_NUMERIC, LOGICAL_TIME},
        {"timestamp", AFFINITY_NUMERIC, LOGICAL_TIMESTAMP},
        {"jsonb", AFFINITY_NUMERIC, LOGICAL_JSON},
        {"uuid", AFFINITY_NUMERIC, LOGICAL_UUID},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(sqlite_value_affinity(text_of(cases[i].type)), cases[i].affinity);
        assert_int_equal(sqlite_value_logical(text_of(cases[i].type)), cases[i].logical);
    }
}

/* What is stored must print as it came: SQLite itself is the judge. */
static void
kept_text_reads_back_the_same(void **state)
{
    Db *db = *state;
    static const char *const values[] = {"0", "-0", "+1", "1.", ".5", "1.5", "1.50", "00", "1e5",
        "1E+5", " 1", "1 ", "0x10", "1_000", "--1", "", "-", ".", "e5", "1e", "100",
        "123456789012345", "1234567890.12345", "0.000001", "0.0001", "-0.00001", "10.00001",
        "9223372036854775807", "9223372036854775808", "1.0", "-1.25", "\t7", "Infinity", "nan",
        "0.1", "1,5"};

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        CLEANUP(buf_clear) Buf kept = BUF_INIT;
        const char *result = stored(db, "NUMERIC", LOGICAL_TEXT, values[i]);

        if (strstr(result, "would turn the text") != NULL || strstr(result, "would lose") != NULL)
            continue;
        buf_add_string(&kept, strchr(result, '|') + 1);
        assert_string_equal(buf_string(&kept), values[i]);
    }
}

static void
check_reports_what_loses_data(void **state)
{
    Db *db = *state;
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    SqliteOptions options = {.path = db->path, .synchronous = SYNCHRONOUS_NORMAL};
    Target *normal;

    assert_ok(target_sqlite.check(db->target, &report, &db->err), db->err);
    assert_non_null(strstr(report.data, "journal_mode wal, synchronous full, encoding UTF-8\n"));
    assert_null(strstr(report.data, "warning"));
    assert_string_equal(db_query(db, "PRAGMA synchronous"), "2");
    normal = target_sqlite.open(&options, &db->err);
    assert_ok(normal != NULL && target_sqlite.check(normal, &report, &db->err), db->err);
    assert_non_null(strstr(report.data, "warning: with synchronous: normal"));
    target_close(normal);
}

static void
delete_journal_is_synchronised_to_the_directory(void **state)
{
    Db *db = *state;
    SqliteOptions options = {.path = db->path, .journal_mode = JOURNAL_DELETE};
    Target *old = db->target;

    target_close(old);
    db->target = target_sqlite.open(&options, &db->err);
    assert_ok(db->target != NULL, db->err);
    assert_string_equal(db_query(db, "PRAGMA journal_mode"), "delete");
    assert_string_equal(db_query(db, "PRAGMA synchronous"), "3");
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, db_setup, db_teardown)

static const struct CMUnitTest tests[] = {
    WITH_DB(import_keeps_every_value),
    WITH_DB(import_keeps_several_long_blobs_of_a_line),
    WITH_DB(import_stores_numbers_as_the_column_says),
    WITH_DB(import_refuses_what_a_column_would_change),
    WITH_DB(import_names_the_line_and_leaves_nothing_behind),
    WITH_DB(import_needs_the_table_the_columns_and_the_file),
    WITH_DB(import_is_spelled_in_two_words),
    WITH_DB(import_in_a_transaction_is_part_of_it),
    WITH_DB(import_ends_when_it_is_stopped),
    WITH_DB(execute_counts_only_changed_rows),
    WITH_DB(execute_takes_one_statement),
    WITH_DB(errors_have_kind_and_place),
    WITH_DB(a_locked_database_is_retriable),
    WITH_DB(another_thread_can_cancel_a_statement),
    WITH_DB(query_gives_exact_values),
    WITH_DB(a_foreign_file_is_refused),
    WITH_DB(describe_tells_types_keys_and_collations),
    WITH_DB(describe_knows_tables_with_many_columns),
    cmocka_unit_test(types_are_known_by_their_names),
    WITH_DB(kept_text_reads_back_the_same),
    WITH_DB(check_reports_what_loses_data),
    WITH_DB(delete_journal_is_synchronised_to_the_directory),
};

TEST_MAIN(tests)
