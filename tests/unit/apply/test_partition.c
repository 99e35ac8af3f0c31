/* Which partition a block's files go to, and what making sure of it costs; how partitions are made
 * is tested with real servers in integration/test_partitions.py. */
#include "apply/partition/partition.h"

#include "apply/context.h"
#include "apply/plan.h"
#include "event/rule.h"
#include "support/pipeline.h"

#define RULES                                                                                   \
    "tables:\n"                                                                                 \
    "  - {match: public.item, target: item, merge_script: keep_latest.sql, partition: day}\n"   \
    "  - {match: public.zoned, target: item, partition: {by: hour, time_zone: Asia/Kolkata}}\n" \
    "  - {match: public.plain, target: 'dw.%%TABLE%%'}\n"

#define DAY  INT64_C(86400000000)
#define NOON (19782 * DAY + DAY / 2) /* 2024-02-29 12:00:00 */

static unsigned calls;

static bool
count_execute(Target *target, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err)
{
    calls++;
    return target_sqlite.execute(target, sql, feed, ret_rows, err);
}

static bool
count_query(Target *target, Text sql, TargetRowFn *row, void *context, Error *err)
{
    calls++;
    return target_sqlite.query(target, sql, row, context, err);
}

static bool
count_describe(
    Target *target, Text schema, Text name, Arena *arena, TargetTable **ret_table, Error *err)
{
    calls++;
    return target_sqlite.describe(target, schema, name, arena, ret_table, err);
}

static bool
count_begin(Target *target, Error *err)
{
    calls++;
    return target_sqlite.begin(target, err);
}

/* A configuration with the rules above, a target that counts, and a block of one file. */
typedef struct World {
    TestService service;
    Config *config;
    Context *context;
    TargetDriver driver;
    Target *target;
    PartitionCache cache;
    BlockColumn columns[2];
    size_t key[1];
    BlockFile file;
    Block block;
    Arena *arena;
} World;

static int
setup(void **state)
{
    World *world = calloc(1, sizeof(*world));
    Error err;

    assert_non_null(world);
    log_set_level(LOG_ERROR);
    test_service_init(&world->service);
    test_service_sql(&world->service, "CREATE TABLE item (id INTEGER, name TEXT DEFAULT 'x')");
    world->config = test_service_config(&world->service, RULES, &err);
    assert_ok(world->config != NULL, err);
    world->context = context_open(world->config, &err);
    assert_ok(world->context != NULL, err);
    world->driver = target_sqlite;
    world->driver.execute = count_execute;
    world->driver.query = count_query;
    world->driver.describe = count_describe;
    world->driver.begin = count_begin;
    world->context->target = &world->driver;
    world->target = target_sqlite.open(world->config->target_options, &err);
    assert_non_null(world->target);
    world->target->driver = &world->driver;
    world->columns[0] = (BlockColumn){.name = TEXT("id"), .source_type = TEXT("")};
    world->columns[1] = (BlockColumn){.name = TEXT("name"), .source_type = TEXT("")};
    world->file = (BlockFile){.name = TEXT("public.item.csv"),
        .schema = TEXT("public"),
        .table = TEXT("item"),
        .generation = 1,
        .columns = world->columns,
        .column_count = 2,
        .key = world->key,
        .key_count = 1};
    world->block.manifest = (Manifest){.first_seqno = 1,
        .last_seqno = 2,
        .first_commit_us = NOON,
        .last_commit_us = NOON + 1,
        .dialect = world->context->dialect,
        .files = &world->file,
        .file_count = 1};
    world->arena = arena_new();
    *state = world;
    return 0;
}

static int
teardown(void **state)
{
    World *world = *state;

    partition_cache_clear(&world->cache);
    target_sqlite.close(world->target);
    context_close(world->context);
    config_free(world->config);
    arena_free(world->arena);
    test_service_clear(&world->service);
    free(world);
    return 0;
}

static void
expect_target(World *world, const char *table, const char *schema, const char *name)
{
    const TableRule *rule;
    Text got_schema;
    Text got_name;
    Error err;

    world->file.table = text_of(table);
    rule = rule_find(&world->config->tables, world->file.schema, world->file.table);
    assert_ok(partition_target(
                  rule, &world->block, &world->file, world->arena, &got_schema, &got_name, &err),
        err);
    assert_text(got_schema, schema);
    assert_text(got_name, name);
}

static void
a_rule_and_the_blocks_time_name_the_partition(void **state)
{
    World *world = *state;

    expect_target(world, "item", "", "item_2024_02_29");
    expect_target(world, "zoned", "", "item_2024_02_29_17");
    expect_target(world, "plain", "dw", "plain");
    expect_target(world, "unknown", "public", "unknown");
    world->block.manifest.last_commit_us = NOON + DAY / 2 - 1;
    expect_target(world, "item", "", "item_2024_02_29");
}

static void
expect_refused(World *world, const char *text)
{
    const TableRule *rule =
        rule_find(&world->config->tables, world->file.schema, world->file.table);
    Text schema;
    Text name;
    Error err;

    assert_false(
        partition_target(rule, &world->block, &world->file, world->arena, &schema, &name, &err));
    assert_string_equal(err.text, text);
    assert_int_equal(err.kind, ERR_DATA);
    assert_false(err.retriable);
}

static void
a_block_of_two_partitions_or_of_no_time_is_refused(void **state)
{
    World *world = *state;

    world->block.manifest.last_commit_us = NOON + DAY / 2;
    expect_refused(world,
        "table public.item: the block has transactions of two partitions, item_2024_02_29 and "
        "item_2024_03_01: it was written under another rule, and can only be loaded by a "
        "configuration with that rule");
    world->block.manifest.first_commit_us = TIME_UNKNOWN;
    world->block.manifest.last_commit_us = TIME_UNKNOWN;
    expect_refused(world,
        "table public.item: the commit time is not known, so neither is the partition "
        "\"YYYY_MM_DD\"");
}

static bool
prepare(World *world, Error *err)
{
    return partition_prepare(world->context, world->target, &world->block, &world->cache, err);
}

static void
a_partition_that_is_known_costs_no_query(void **state)
{
    World *world = *state;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    calls = 0;
    assert_ok(prepare(world, &err), err);
    assert_true(calls > 0);
    test_service_query(&world->service,
        "SELECT table_schema, partition, parent, suffix, period_start, period_end, state, service"
        " FROM dray_partition",
        &rows);
    assert_string_equal(rows.data,
        "|item_2024_02_29|item|2024_02_29|2024-02-29 00:00:00.000|2024-03-01 00:00:00.000|ready|"
        "test\n");
    test_service_query(
        &world->service, "SELECT sql FROM sqlite_master WHERE name = 'item_2024_02_29'", &rows);
    assert_non_null(strstr(rows.data, "\"name\" TEXT DEFAULT ('x')"));
    assert_non_null(strstr(rows.data, ", PRIMARY KEY (\"id\")"));

    calls = 0;
    for (int i = 0; i < 10; i++)
        assert_ok(prepare(world, &err), err);
    assert_int_equal(calls, 0);
    /* after a new connection it is looked at, and that is all */
    partition_cache_clear(&world->cache);
    assert_ok(prepare(world, &err), err);
    assert_in_range(calls, 1, 4);
}

static void
a_block_without_such_tables_costs_nothing_either(void **state)
{
    World *world = *state;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    calls = 0;
    world->file.table = TEXT("plain");
    assert_ok(prepare(world, &err), err);
    world->block.manifest.file_count = 0;
    world->block.manifest.last_commit_us = TIME_UNKNOWN;
    assert_ok(prepare(world, &err), err);
    assert_int_equal(calls, 0);
    test_service_query(
        &world->service, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'dray%'", &rows);
    assert_string_equal(rows.data, "0\n");
}

static void
the_plan_says_that_a_partition_is_gone_so_that_it_can_be_made_again(void **state)
{
    World *world = *state;
    BlockPlan plan = {NULL, 0, false};
    Error err;

    assert_ok(prepare(world, &err), err);
    assert_ok(
        plan_block(world->context, world->target, &world->block, world->arena, &plan, &err), err);
    assert_text(plan.plans[0].base->name, "item_2024_02_29");
    assert_text(plan.plans[0].table, "item");
    assert_text(plan.plans[0].stage_name, "stage_item");
    assert_false(plan.lacks_partition);
    assert_ok(
        plan_parents(world->context, world->target, &world->block, world->arena, &plan, &err), err);
    assert_text(plan.plans[0].base->name, "item");

    test_service_sql(&world->service, "DROP TABLE item_2024_02_29");
    assert_false(
        plan_block(world->context, world->target, &world->block, world->arena, &plan, &err));
    assert_string_equal(err.text, "table public.item: its partition item_2024_02_29 is gone");
    assert_true(plan.lacks_partition);
    assert_true(err.retriable);
}

static void
two_tables_meet_in_one_partition_only_under_the_same_rule(void **state)
{
    World *world = *state;
    BlockFile files[2] = {world->file, world->file};
    BlockPlan plan = {NULL, 0, false};
    Error err;

    files[1].table = TEXT("zoned");
    world->block.manifest.files = files;
    world->block.manifest.file_count = 2;
    assert_ok(prepare(world, &err), err);
    assert_false(
        plan_block(world->context, world->target, &world->block, world->arena, &plan, &err));
    assert_string_equal(err.text,
        "tables public.item and public.zoned go to one target table, but one to item_2024_02_29 "
        "and the other to item_2024_02_29_17: write the same partition: in the rules of both");
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void
a_table_without_its_key_gets_no_partition(void **state)
{
    World *world = *state;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    world->file.key_count = 0;
    assert_false(prepare(world, &err));
    assert_non_null(strstr(
        err.text, "table public.item: partition item_2024_02_29: the table has no key, which "));
    assert_int_equal(err.kind, ERR_CONFIG);
    test_service_query(&world->service,
        "SELECT count(*) FROM sqlite_master WHERE name = 'item_2024_02_29'", &rows);
    assert_string_equal(rows.data, "0\n");
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static const struct CMUnitTest tests[] = {
    WITH_WORLD(a_rule_and_the_blocks_time_name_the_partition),
    WITH_WORLD(a_block_of_two_partitions_or_of_no_time_is_refused),
    WITH_WORLD(a_partition_that_is_known_costs_no_query),
    WITH_WORLD(a_block_without_such_tables_costs_nothing_either),
    WITH_WORLD(the_plan_says_that_a_partition_is_gone_so_that_it_can_be_made_again),
    WITH_WORLD(two_tables_meet_in_one_partition_only_under_the_same_rule),
    WITH_WORLD(a_table_without_its_key_gets_no_partition),
};

TEST_MAIN(tests)
