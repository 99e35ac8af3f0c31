/* Keys that meet inside a transaction, through the whole pipeline; the lines and pairs themselves
 * are tested in unit/block/test_key_moves.c. */
#include "apply/replay/replay.h"
#include "support/pipeline.h"

#define ONE_BLOCK  "block: {directory: blocks, retain: all, max_interval: 1h}\n"
#define EVERY_LINE "block: {directory: blocks, retain: all, max_interval: 1h, compact: false}\n"
#define SINGLE     "block: {directory: blocks, retain: all, max_rows: 1, max_interval: 0s}\n"

/* "I1" insert with the name "i1", "D1", "U1" update, "C12" key 1 becomes 2 and the name "c12";
 * "/" the next transaction. */
static void
log_changes(TestService *service, const char *changes)
{
    test_log_begin(service);
    for (const char *at = changes; *at != '\0'; at++) {
        char name[4] = {(char)(*at | 0x20), at[1], (char)(*at == 'C' ? at[2] : 0), '\0'};

        if (*at == ' ')
            continue;
        if (*at == '/') {
            test_log_commit(service);
            test_log_begin(service);
            continue;
        }
        if (*at == 'C') {
            test_log_change(service, 'U', at[1] - '0', at[2] - '0', name);
            at += 2;
        } else {
            test_log_change(service, *at, at[1] - '0', at[1] - '0', name);
            at++;
        }
    }
    test_log_commit(service);
}

static void
expect_rows(const TestService *service, const char *expected)
{
    CLEANUP(buf_clear) Buf rows = BUF_INIT;

    test_service_query(service,
        "SELECT coalesce(group_concat(id || name, ' '), '') FROM (SELECT id, name FROM item "
        "ORDER BY id)",
        &rows);
    assert_string_equal(rows.data, expected);
}

/* The base table has the keys 1 2 3; then the changes, in one run. */
static void
expect_after(const char *changes, const char *config, const char *expected)
{
    TestService service;
    PipelineTotals totals;
    Error err;

    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);"
                               "INSERT INTO item VALUES (1, 'one'), (2, 'two'), (3, 'three')");
    log_changes(&service, changes);
    assert_ok(test_service_run(&service, config, &totals, &err), err);
    expect_rows(&service, expected);
    test_service_clear(&service);
}

static void
the_base_table_tells_a_swap_from_a_chain(void **state)
{
    static const char *const cases[][2] = {
        {"C12 C21", "1c21 2c12 3three\n"}, {"C21 C12", "1c21 2c12 3three\n"},
        {"C12 C23 C31", "1c31 2c12 3c23\n"}, {"C31 C23 C12", "1c31 2c12 3c23\n"},
        {"C12 C23 C34", "2c12 3c23 4c34\n"}, {"C14 C45 C56", "2two 3three 6c56\n"},
        {"C14 C41", "1c41 2two 3three\n"}, {"C14 D4", "2two 3three\n"},
        {"C12 C21 D2", "1c21 3three\n"}, {"C12 C21 C29", "1c21 3three 9c29\n"},
        {"D2 C12 C24", "3three 4c24\n"}, {"C12 C21 / C12 C21", "1c21 2c12 3three\n"},
        {"C14 C45 / I4 / C45 C54", "2two 3three 4c54 5c45\n"},
        {"I4 I5 C45 C54", "1one 2two 3three 4c54 5c45\n"},
        {"C12 C32 C24 C21", "1c21 2c32 4c24\n"}, /* three rows at key 2 for a moment */
    };
    static const char *const configs[] = {ONE_BLOCK, EVERY_LINE, SINGLE};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t j = 0; j < ARRAY_LEN(configs); j++)
            expect_after(cases[i][0], configs[j], cases[i][1]);
}

static void
the_staging_table_is_left_as_the_script_leaves_it(void **state)
{
    TestService service;
    PipelineTotals totals;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    (void)state;
    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);"
                               "INSERT INTO item VALUES (1, 'one'), (2, 'two')");
    log_changes(&service, "C12 C21");
    assert_ok(test_service_run(&service, ONE_BLOCK, &totals, &err), err);
    test_service_query(
        &service, "SELECT dray_opcode, dray_row_id, id FROM stage_item ORDER BY 2", &rows);
    assert_string_equal(rows.data, "I|2|2\nI|4|1\n");
    test_service_clear(&service);
}

static void
replace_in_file(const char *path, const char *from, const char *to)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    CLEANUP(buf_clear) Buf edited = BUF_INIT;
    const char *at;
    Error err;

    assert_ok(file_read_all(path, 1 << 20, &text, &err), err);
    at = strstr(text.data, from);
    assert_non_null(at);
    if (at == NULL)
        return;
    buf_add(&edited, text.data, (size_t)(at - text.data));
    buf_add_string(&edited, to);
    buf_add_string(&edited, at + strlen(from));
    assert_ok(file_write_durable(path, edited.data, edited.len, &err), err);
}

/* A pair that the file contradicts is never taken on trust. */
static void
pairs_that_do_not_fit_the_file_are_refused(void **state)
{
    TestService service;
    PipelineTotals totals;
    char *manifest;
    char *directory;
    const char *directories[1];
    ReplayTotals replayed;
    CLEANUP(config_free) Config *config = NULL;
    CLEANUP(context_close) Context *context = NULL;
    ReplayOptions options = {.directories = directories, .directory_count = 1, .again = true};
    Error err;

    (void)state;
    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
    log_changes(&service, "I1 I2 C12 C21 I3");
    assert_ok(test_service_run(&service, ONE_BLOCK, &totals, &err), err);
    directory = test_service_path(&service, "blocks/00000000000000000001");
    manifest = file_join(directory, "manifest.json");
    directories[0] = directory;
    replace_in_file(manifest, "          4,\n          5\n", "          1,\n          5\n");
    config = test_service_config(&service, ONE_BLOCK, &err);
    assert_non_null(config);
    context = context_open(config, &err);
    assert_non_null(context);
    assert_false(replay_run(context, &options, &replayed, &err));
    assert_int_equal(err.kind, ERR_DATA);
    if (strstr(err.text, "table public.item: keys that meet in one transaction: row_ids 1 and 5: "
                         "no two lines of one key that meet") == NULL)
        fail_msg("%s", err.text);
    expect_rows(&service, "1c21 2c12 3i3\n");
    free(manifest);
    free(directory);
    test_service_clear(&service);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_base_table_tells_a_swap_from_a_chain),
    cmocka_unit_test(the_staging_table_is_left_as_the_script_leaves_it),
    cmocka_unit_test(pairs_that_do_not_fit_the_file_are_refused),
};

TEST_MAIN(tests)
