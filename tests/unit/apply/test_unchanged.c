/*
 * Values that updates left unchanged, from the block writer through every shipped script into a
 * real target, over random histories, compared with a model. One program for all targets: the
 * argument names one.
 */
#include <unistd.h>

#include "unchanged_world.h"

static void
live_through(const char *script, unsigned seed)
{
    static World world;
    uint64_t origins = 0;
    uint64_t moved = 0;

    world_init(&world, script, seed);
    for (int i = 0; i < 12; i++) {
        Block *block = write_block(&world);

        for (size_t j = 0; j < block->manifest.file_count; j++) {
            origins += block->manifest.files[j].rows[OPCODE_O];
            moved += block->manifest.files[j].moved_origins;
        }
        load(&world, block);
        block_free(block);
        compare(&world, "live");
    }
    assert_true(origins > 0);
    replay_twice(&world, moved);
    world_clear(&world);
}

static void
live_through_all(const char *script)
{
    const char *given = getenv("DRAY_TEST_SEED");
    unsigned first = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 1;
    unsigned count = given != NULL ? 1 : strcmp(target_type, "sqlite") == 0 ? 12 : 4;

    for (unsigned seed = first; seed < first + count; seed++)
        live_through(script, seed);
}

static void
merge_is_equal_to_the_source(void **state)
{
    (void)state;
    live_through_all("merge.sql");
}

static void
merge_parallel_is_equal_to_the_source(void **state)
{
    (void)state;
    if (strcmp(target_type, "sqlite") == 0)
        return; /* it has none */
    live_through_all("merge_parallel.sql");
}

static void
soft_delete_keeps_the_last_values(void **state)
{
    (void)state;
    live_through_all("soft_delete.sql");
}

static void
history_has_every_version_whole(void **state)
{
    (void)state;
    live_through_all("history.sql");
}

static void
append_says_what_a_line_leaves_out(void **state)
{
    (void)state;
    live_through_all("append.sql");
}

static bool
load_one_update(World *world, Error *err)
{
    LoaderMode mode = {.again = false};
    LoaderTiming timing = {0, 0, 0};
    CLEANUP(block_free) Block *block = NULL;

    fixture_begin(&world->f);
    update_row(world, 1, 1);
    world->versions[0].omitted[2] = true;
    fixture_commit(&world->f);
    block = fixture_finish(&world->f);
    return loader_apply(world->loader, block, &mode, &timing, err);
}

/* Nothing of the block is merged then. */
static void
a_row_that_the_target_has_lost_is_never_made_up(void **state)
{
    static const char *const scripts[] = {
        "merge.sql", "soft_delete.sql", "history.sql", "merge_parallel.sql"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts) - (strcmp(target_type, "sqlite") == 0); i++) {
        static World world;
        CLEANUP(buf_clear) Buf none = BUF_INIT;
        Error err;

        world_init(&world, scripts[i], 1);
        run(&world, "DELETE FROM doc WHERE id = 1");
        fixture_begin(&world.f);
        send(&world, 1, &(Version){.row = world.rows[1], .omitted = {false, false, true, false}});
        fixture_commit(&world.f);
        {
            CLEANUP(block_free) Block *block = fixture_finish(&world.f);
            LoaderMode mode = {.again = false};
            LoaderTiming timing = {0, 0, 0};

            assert_false(loader_apply(world.loader, block, &mode, &timing, &err));
        }
        assert_int_equal(err.kind, ERR_DATA);
        assert_false(err.retriable);
        if (strstr(err.text,
                ": table .doc: CSV file doc.csv: 1 lines leave out values that updates "
                "left unchanged, and the target has the rows of 0 of them only: it "
                "lacks rows that the source has updated; dray verify --repair brings "
                "them in, dray bootstrap loads the table anew") == NULL)
            fail_msg("%s", err.text);
        expect_rows(&world, "SELECT id FROM doc WHERE id = 1", &none, "after the error");
        world_clear(&world);
    }
}

static void
an_audit_table_without_the_column_is_told_to_get_it(void **state)
{
    static World world;
    Error err;

    (void)state;
    world_init(&world, "append.sql", 1);
    run(&world, "ALTER TABLE doc DROP COLUMN dray_unchanged");
    fixture_begin(&world.f);
    insert_row(&world, 7);
    fixture_commit(&world.f);
    {
        CLEANUP(block_free) Block *block = fixture_finish(&world.f);

        load(&world, block);
    }
    assert_false(load_one_update(&world, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    if (strstr(err.text, "keeps such lines with NULL in their place: the target table doc needs a "
                         "column dray_unchanged (of type ") == NULL)
        fail_msg("%s", err.text);
    world_clear(&world);
}

/* An older script of one's own would load NULL. */
static void
a_script_that_does_not_know_of_it_is_refused(void **state)
{
    static World world;
    Error err;

    (void)state;
    world_init(&world, "merge.sql", 1);
    world.context->scripts[0]->has_unchanged = false;
    assert_false(load_one_update(&world, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    if (strstr(err.text, "merge.sql has no statement under \"-- @if unchanged\" to fill them in") ==
        NULL)
        fail_msg("%s", err.text);
    world_clear(&world);
}

/* Many marked lines at once: the scripts' joins must not be a loop over a loop. */
static void
many_lines_are_filled_in_quickly(void **state)
{
    static const char *const scripts[] = {"merge.sql", "history.sql", "soft_delete.sql"};
    enum { ROWS = 10000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        static World world;
        CLEANUP(buf_clear) Buf sql = BUF_INIT;
        CLEANUP(buf_clear) Buf expected = BUF_INIT;
        int64_t started;
        Error err;

        world_init(&world, scripts[i], 1);
        world.f.block.compact_memory = 24 << 20;
        run(&world, "DELETE FROM doc");
        run(&world, "CREATE INDEX doc_id ON doc (id)");
        for (int row = 0; row < ROWS; row++) {
            buf_addf(&sql, "%s(%d, 'a', 'big %d')",
                row % 1000 == 0 ? "INSERT INTO doc (id, a, big) VALUES " : ", ", row, row);
            if (row % 1000 < 999)
                continue;
            run(&world, sql.data);
            buf_reset(&sql, 0);
        }
        fixture_begin(&world.f);
        for (int row = 0; row < ROWS; row++) {
            Value before[COLUMNS] = {NUL, ABSENT, ABSENT, ABSENT};
            Value after[COLUMNS] = {NUL, TX("b"), UNCHANGED, UNCHANGED};
            char id[12];

            (void)snprintf(id, sizeof(id), "%d", row);
            before[0] = after[0] = TX(id);
            fixture_update(&world.f, world.out, before, after);
        }
        fixture_commit(&world.f);
        {
            CLEANUP(block_free) Block *block = fixture_finish(&world.f);
            LoaderMode mode = {.again = false};
            LoaderTiming timing = {0, 0, 0};

            started = clock_monotonic_ms();
            assert_ok(loader_apply(world.loader, block, &mode, &timing, &err), err);
        }
        print_message("# %s %s: %d lines filled in: %d ms\n", target_type, scripts[i], ROWS,
            (int)(clock_monotonic_ms() - started));
        assert_true(clock_monotonic_ms() - started < 30000);
        buf_addf(&expected, "%d\n", ROWS);
        buf_reset(&sql, 0);
        buf_addf(&sql, "SELECT COUNT(*) FROM doc WHERE a = 'b' AND big LIKE 'big %%'");
        expect_rows(&world, sql.data, &expected, "filled");
        world_clear(&world);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(merge_is_equal_to_the_source),
    cmocka_unit_test(merge_parallel_is_equal_to_the_source),
    cmocka_unit_test(soft_delete_keeps_the_last_values),
    cmocka_unit_test(history_has_every_version_whole),
    cmocka_unit_test(append_says_what_a_line_leaves_out),
    cmocka_unit_test(a_row_that_the_target_has_lost_is_never_made_up),
    cmocka_unit_test(an_audit_table_without_the_column_is_told_to_get_it),
    cmocka_unit_test(a_script_that_does_not_know_of_it_is_refused),
    cmocka_unit_test(many_lines_are_filled_in_quickly),
};

/* A new MariaDB has no database of ours. */
static void
create_database(void)
{
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    CLEANUP(config_free) Config *config = NULL;
    CLEANUP(target_close) Target *target = NULL;
    const TargetDriver *driver = target_find("mysql");
    int64_t rows;
    Error err;

    buf_addf(&yaml,
        "service: test\nsource: {type: jsonl, path: none}\nblock: {directory: blocks}\n"
        "target: {type: mysql, connection: socket=%s user=root}\n",
        server.socket);
    config = config_parse("test.yaml", buf_text(&yaml), cli_schema(), &err);
    assert_ok(config != NULL, err);
    target = driver->open(config->target_options, &err);
    assert_ok(target != NULL, err);
    assert_ok(driver->execute(target, TEXT("CREATE DATABASE dw"), NULL, &rows, &err), err);
}

static int
start(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    if (strcmp(target_type, "postgres") == 0)
        server_start_postgres(&server);
    if (strcmp(target_type, "mysql") == 0) {
        server_start_mariadb(&server);
        create_database();
    }
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    if (strcmp(target_type, "sqlite") != 0)
        server_stop(&server);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc > 1)
        target_type = argv[1];
    /* servers wait for the disk a lot */
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 0);
    if (strcmp(target_type, "postgres") == 0 && !server_has_postgres())
        return server_skip("no PostgreSQL");
    if (strcmp(target_type, "mysql") == 0 && !server_has_mariadb())
        return server_skip("no MariaDB");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, start, stop);
}
