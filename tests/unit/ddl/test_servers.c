/*
 * The position table and staging tables on a real server: one program for each, by -DSERVER_MYSQL
 */
#include "ddl/stage.h"

#include <pthread.h>

#include "support/test.h"
#include "target/position.h"
#include "target/server.h"

#ifdef SERVER_MYSQL
#include "target/mysql.h"
#define DRIVER       target_mysql
#define SCHEMA       "dw"
#define OTHER_SCHEMA "other"
#define FULL         "`" SCHEMA "`."
#else
#include "target/postgres.h"
#define DRIVER       target_postgres
#define SCHEMA       "public"
#define OTHER_SCHEMA "other"
#define FULL         "\"" SCHEMA "\"."
#endif

#define SERVICE TEXT("sales's \\ caf\xc3\xa9")

static Server server;
static Arena *arena;
static Target *target;
static Error err;

static Target *
connect_server(void)
{
    Target *opened;
#ifdef SERVER_MYSQL
    MysqlOptions options = {
        .client = {.socket = server.socket, .user = "root", .database = SCHEMA}};

    opened = target_mysql.open(&options, &err);
    if (opened == NULL) {
        /* the database is made by the first connection */
        int64_t rows;

        options.client.database = "mysql";
        opened = target_mysql.open(&options, &err);
        assert_ok(opened != NULL, err);
        assert_ok(DRIVER.execute(opened, TEXT("CREATE DATABASE " SCHEMA), NULL, &rows, &err), err);
        target_close(opened);
        options.client.database = SCHEMA;
        opened = target_mysql.open(&options, &err);
    }
#else
    PostgresOptions options = {.connect_timeout_ms = 10000,
        .connection =
            arena_printf(arena, "host=%s user=postgres dbname=postgres", server.directory)};

    opened = target_postgres.open(&options, &err);
#endif
    assert_ok(opened != NULL, err);
    return opened;
}

static void
run(const char *sql)
{
    int64_t rows;

    if (!DRIVER.execute(target, text_of(sql), NULL, &rows, &err))
        fail_msg("%s: %s", sql, err.text);
}

static int
start(void **state)
{
    (void)state;
    arena = arena_new();
#ifdef SERVER_MYSQL
    server_start_mariadb(&server);
#else
    server_start_postgres(&server);
#endif
    target = connect_server();
    run("CREATE SCHEMA " OTHER_SCHEMA);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    target_close(target);
    server_stop(&server);
    arena_free(arena);
    return 0;
}

/* ---- position ---- */

static Position
acquire(Text schema)
{
    Position position;

    assert_ok(position_prepare(target, schema, &err), err);
    assert_ok(position_acquire(target, schema, SERVICE, arena, &position, &err), err);
    return position;
}

static Position
position_to(uint64_t fence, uint64_t seqno)
{
    return (Position){fence, seqno, TEXT("0/1A2B'\\3C \xf0\x9f\x98\x80"),
        TEXT("00000000000000000001"), INT64_C(1457729470000123), 0};
}

static bool
move(Target *on, Text schema, uint64_t before, Position to)
{
    bool unknown;

    assert_ok(DRIVER.begin(on, &err), err);
    if (position_write(on, schema, SERVICE, before, &to, &err))
        return DRIVER.commit(on, &unknown, &err);
    DRIVER.rollback(on);
    return false;
}

static void
the_position_is_kept_under_the_fence(void **state)
{
    static const char *const schemas[] = {"", OTHER_SCHEMA};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        Text schema = text_of(schemas[i]);
        Position position;
        bool found;

        assert_ok(position_read(target, schema, SERVICE, arena, &position, &found, &err), err);
        assert_false(found);
        assert_int_equal(acquire(schema).fence, 1);
        assert_ok(move(target, schema, 0, position_to(1, INT64_MAX)), err);
        position = acquire(schema);
        assert_int_equal(position.fence, 2);
        assert_true(position.seqno == INT64_MAX);
        assert_text(position.source_position, "0/1A2B'\\3C \xf0\x9f\x98\x80");
        assert_text(position.block, "00000000000000000001");
        assert_true(position.commit_us == INT64_C(1457729470000123));
        assert_in_range(position.updated_us, clock_now_us() - 60000000, clock_now_us());

        assert_false(move(target, schema, INT64_MAX, position_to(1, INT64_MAX)));
        assert_non_null(
            strstr(err.text, "fence is 2, ours is 1: another process took the service"));
        assert_int_equal(err.kind, ERR_FENCED);
        assert_false(move(target, schema, 5, position_to(2, 6)));
        assert_non_null(strstr(err.text, "seqno is 9223372036854775807, expected 5"));
        assert_int_equal(err.kind, ERR_FENCED);
        assert_ok(position_reacquire(target, schema, SERVICE, 2, arena, &position, &err), err);
        assert_false(position_reacquire(target, schema, SERVICE, 1, arena, &position, &err));
        assert_int_equal(err.kind, ERR_FENCED);
        assert_ok(position_read(target, schema, SERVICE, arena, &position, &found, &err), err);
        assert_true(found && position.fence == 2);
    }
}

typedef struct Racer {
    Target *target;
    uint64_t fences[10];
    Error err;
} Racer;

static void *
race(void *context)
{
    Racer *racer = context;
    CLEANUP(arena_free) Arena *own = arena_new();
    Text schema = TEXT("");

    for (size_t i = 0; i < ARRAY_LEN(racer->fences); i++) {
        Position position;

        /* a deadlock or a serialization failure may be tried again, as the service does */
        while (!position_prepare(racer->target, schema, &racer->err) ||
               !position_acquire(racer->target, schema, TEXT("race"), own, &position, &racer->err))
            if (!racer->err.retriable)
                return NULL;
        racer->fences[i] = position.fence;
    }
    return NULL;
}

static void
no_two_processes_get_the_same_fence(void **state)
{
    Racer racers[4] = {{NULL}};
    pthread_t threads[4];
    bool seen[41] = {false};

    (void)state;
    run("DROP TABLE IF EXISTS dray_position");
    for (size_t i = 0; i < 4; i++)
        racers[i].target = connect_server();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        target_close(racers[i].target);
    }
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 10; j++) {
            if (racers[i].fences[j] == 0)
                fail_msg("%s", racers[i].err.text);
            assert_in_range(racers[i].fences[j], 1, 40);
            assert_false(seen[racers[i].fences[j]]);
            seen[racers[i].fences[j]] = true;
        }
}

/* Who makes the row of a new service between our update, which found none, and our next statement.
 */
static Target *rival;

static bool
execute_then_lose_the_race(
    Target *on, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *ret_error)
{
    Target *winner = rival;
    Position position;
    bool ok = DRIVER.execute(on, sql, feed, ret_rows, ret_error);

    rival = NULL;
    if (winner != NULL) {
        assert_ok(position_acquire(winner, TEXT(""), TEXT("new"), arena, &position, &err), err);
        assert_int_equal(position.fence, 1);
    }
    return ok;
}

static void
a_row_that_another_process_made_first_is_not_taken_for_ours(void **state)
{
    Target *winner = connect_server();
    TargetDriver losing = DRIVER;
    Position position;

    (void)state;
    assert_ok(position_prepare(target, TEXT(""), &err), err);
    losing.execute = execute_then_lose_the_race;
    rival = winner;
    target->driver = &losing;
    assert_ok(position_acquire(target, TEXT(""), TEXT("new"), arena, &position, &err), err);
    target->driver = &DRIVER;
    assert_int_equal(position.fence, 2);
    target_close(winner);
}

static void *
take_over(void *context)
{
    Racer *racer = context;
    CLEANUP(arena_free) Arena *own = arena_new();
    Position position;

    if (position_acquire(racer->target, TEXT(""), SERVICE, own, &position, &racer->err))
        racer->fences[0] = position.seqno;
    return NULL;
}

/* Whoever takes over waits for the older one's open transaction, and sees what it committed. */
static void
taking_over_waits_for_an_open_block(void **state)
{
    Racer racer = {.target = connect_server()};
    Position position = acquire(TEXT(""));
    Position next = position_to(position.fence, position.seqno + 7);
    pthread_t thread;
    bool unknown;

    (void)state;
    assert_ok(DRIVER.begin(target, &err), err);
    assert_ok(position_write(target, TEXT(""), SERVICE, position.seqno, &next, &err), err);
    assert_int_equal(pthread_create(&thread, NULL, take_over, &racer), 0);
    struct timespec wait = {0, 200000000};
    (void)nanosleep(&wait, NULL);
    assert_int_equal(racer.fences[0], 0);
    assert_ok(DRIVER.commit(target, &unknown, &err), err);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (racer.fences[0] == 0)
        fail_msg("%s", racer.err.text);
    assert_int_equal(racer.fences[0], position.seqno + 7);
    target_close(racer.target);
}

/* The block's transaction has a snapshot of the row from before the takeover. */
static void
a_replaced_process_is_told_what_is_committed(void **state)
{
    Target *other = connect_server();
    Position position = acquire(TEXT(""));
    Position next = position_to(position.fence, position.seqno + 1);
    Position taken;
    bool found;

    (void)state;
    assert_ok(DRIVER.begin(target, &err), err);
    assert_ok(position_read(target, TEXT(""), SERVICE, arena, &taken, &found, &err), err);
    assert_ok(position_acquire(other, TEXT(""), SERVICE, arena, &taken, &err), err);
    assert_false(position_write(target, TEXT(""), SERVICE, position.seqno, &next, &err));
    assert_int_equal(err.kind, ERR_FENCED);
    assert_non_null(strstr(err.text, "another process took the service over"));
    DRIVER.rollback(target);
    target_close(other);
}

/* ---- staging tables ---- */

static const CsvDialect csv = {
    .header = {HEADER_OPCODE, HEADER_SEQNO, HEADER_ROW_ID, HEADER_TIMESTAMP, HEADER_SERVICE},
    .header_count = 5,
    .header_names = {{"dray_opcode", 11}, {"dray_seqno", 10}, {"dray_row_id", 11},
        {"dray_timestamp", 14}, {"dray_service", 12}},
};

static const char *
template_path(void)
{
    const char *root = getenv("DRAY_SOURCE_ROOT");

    return arena_printf(arena, "%s/templates/%s/stage.sql", root == NULL ? "." : root, DRIVER.name);
}

static TargetTable *
describe(const char *schema, Text name)
{
    TargetTable *table = NULL;

    assert_ok(DRIVER.describe(target, text_of(schema), name, arena, &table, &err), err);
    return table;
}

static void
make_base(void)
{
#ifdef SERVER_MYSQL
    run("CREATE TABLE `odd``name` (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, "
        "`a b` VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL, "
        "t TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, "
        "e ENUM('a''b','B') NOT NULL, s SET('x','y'), b BIT(3), j JSON, d DECIMAL(30,10), "
        "dt DATETIME(6), bin VARBINARY(300), g INT AS (YEAR(dt)) STORED, y YEAR, "
        "long_text LONGTEXT, PRIMARY KEY (id, `a b`))");
#else
    run("CREATE TYPE mood AS ENUM ('sad', 'o''k')");
    run("CREATE DOMAIN positive AS integer NOT NULL CHECK (VALUE > 0)");
    run("CREATE TABLE \"odd\"\"name\" (id bigint GENERATED ALWAYS AS IDENTITY, "
        "\"a b\" character varying(20) COLLATE \"C\" NOT NULL, t timestamptz NOT NULL "
        "DEFAULT now(), e mood NOT NULL, p positive, arr text[] NOT NULL, j jsonb, "
        "d numeric(30,10), i interval day to second, bin bytea, b bit varying(3), "
        "g bigint GENERATED ALWAYS AS (id + 1) STORED, PRIMARY KEY (id, \"a b\"))");
#endif
}

static void
every_type_of_a_base_table_gets_its_staging_table(void **state)
{
#ifdef SERVER_MYSQL
    Text name = TEXT("odd`name");
#else
    Text name = TEXT("odd\"name");
#endif
    StageSpec spec = {.schema = TEXT(OTHER_SCHEMA), .csv = &csv};
    const TargetTable *stage;
    Text why;

    (void)state;
    make_base();
    spec.base = describe("", name);
    assert_non_null(spec.base);
    spec.name = stage_table_name(DRIVER.sql, TEXT("stage_"), name, 2, arena);
    assert_false(stage_prepare(target, &spec, template_path(), false, &err));
    assert_int_equal(err.kind, ERR_TARGET);
    assert_ok(stage_prepare(target, &spec, template_path(), true, &err), err);
    assert_false(DRIVER.in_transaction(target));
    /* it fits as it is, not only after it was made */
    assert_ok(stage_prepare(target, &spec, template_path(), false, &err), err);
    stage = describe(OTHER_SCHEMA, spec.name);
    assert_non_null(stage);
    assert_int_equal(stage->column_count, spec.base->column_count + 5);
    assert_int_equal(stage->key_count, 0);
    assert_true(stage_fits(&spec, stage, DRIVER.sql, arena, &why));
    /* a D line: only the header and the key */
    run(arena_printf(arena, "INSERT INTO %s (dray_opcode, dray_row_id) VALUES ('D', 1)",
#ifdef SERVER_MYSQL
        "other.`stage_odd``name~2`"
#else
        "other.\"stage_odd\"\"name~2\""
#endif
        ));
    /* a type that changes is noticed, and the table made again */
#ifdef SERVER_MYSQL
    run("ALTER TABLE `odd``name` MODIFY e ENUM('a''b','b2') NOT NULL");
#else
    run("ALTER TABLE \"odd\"\"name\" ALTER d TYPE numeric(31,10)");
#endif
    spec.base = describe("", name);
    assert_false(stage_prepare(target, &spec, template_path(), false, &err));
    assert_ok(stage_prepare(target, &spec, template_path(), true, &err), err);
    assert_ok(stage_prepare(target, &spec, template_path(), false, &err), err);
}

static void
the_longest_names_fit(void **state)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    StageSpec spec = {.schema = TEXT(""), .csv = &csv};

    (void)state;
    for (size_t i = 0; i < DRIVER.sql->name_limit; i++)
        buf_add_char(&name, (char)('a' + (char)(i % 26)));
    buf_addf(&sql, "CREATE TABLE %s (id INT PRIMARY KEY)", name.data);
    run(sql.data);
    spec.base = describe("", buf_text(&name));
    for (uint64_t ordinal = 1; ordinal < 12; ordinal += 5) {
        spec.name = stage_table_name(DRIVER.sql, TEXT("stage_"), buf_text(&name), ordinal, arena);
        assert_ok(stage_prepare(target, &spec, template_path(), true, &err), err);
        assert_non_null(describe("", spec.name));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_position_is_kept_under_the_fence),
    cmocka_unit_test(no_two_processes_get_the_same_fence),
    cmocka_unit_test(a_row_that_another_process_made_first_is_not_taken_for_ours),
    cmocka_unit_test(taking_over_waits_for_an_open_block),
    cmocka_unit_test(a_replaced_process_is_told_what_is_committed),
    cmocka_unit_test(every_type_of_a_base_table_gets_its_staging_table),
    cmocka_unit_test(the_longest_names_fit),
};

int
main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
