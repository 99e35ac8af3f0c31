#include "live_source.h"

#include "target/bootstrap_state.h"

static void
set_state(const LiveSource *live, BootstrapPhase phase, const char *position)
{
    BootstrapState bootstrap = {.schema = TEXT("public"),
        .table = TEXT("item"),
        .phase = phase,
        .position = text_of(position)};
    Error err;
    Target *target = live->context->target->open(live->config->target_options, &err);

    assert_ok(target != NULL, err);
    assert_ok(bootstrap_state_prepare(target, TEXT(""), &err), err);
    assert_ok(bootstrap_state_write(target, TEXT(""), TEXT("test"), &bootstrap, &err), err);
    target_close(target);
}

static const Table *
item(LiveSource *live)
{
    LIVE_TELL(live, {"id", "integer", 1}, {"name", "text", 2});
    return LIVE_SHAPE(live, {"id", "integer", .in_key = true}, {"name", "text"});
}

static void
open_item(LiveSource *live, const RouterOptions *options)
{
    live_open(live, NULL, options);
    test_service_sql(&live->service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
}

static bool
counts_at(LiveSource *live, const Table *table, const char *position, Text own)
{
    const OutTable *out = NULL;
    bool truncate_counts = false;
    Error err;

    assert_ok(router_table(live->router, table, text_of(position), own, &out, &err), err);
    assert_ok(router_truncates(live->router, table->schema, table->name, text_of(position), own,
                  &truncate_counts, &err),
        err);
    assert_int_equal(truncate_counts, out != NULL);
    return out != NULL;
}

static bool
counts(LiveSource *live, const Table *table, const char *position)
{
    return counts_at(live, table, position, TEXT_NONE);
}

static void
a_table_without_a_snapshot_counts(void **state)
{
    LiveSource live;

    (void)state;
    open_item(&live, NULL);
    assert_true(counts(&live, item(&live), "5"));
    live_close(&live);
}

static void
what_the_snapshot_holds_is_passed_over(void **state)
{
    LiveSource live;
    const Table *table;

    (void)state;
    open_item(&live, NULL);
    set_state(&live, BOOTSTRAP_READY, "100");
    table = item(&live);
    assert_false(counts(&live, table, "9"));
    assert_false(counts(&live, table, "99"));
    assert_true(counts(&live, table, "100"));
    assert_true(counts(&live, table, "101"));
    live_close(&live);
}

/* A transaction at 90 whose changes are at places before and behind the snapshot's. */
static void
of_a_transaction_before_the_snapshot_just_the_changes_behind_it_pass(void **state)
{
    LiveSource live;
    const Table *table;

    (void)state;
    open_item(&live, NULL);
    set_state(&live, BOOTSTRAP_READY, "100");
    table = item(&live);
    assert_false(counts_at(&live, table, "90", TEXT("99")));
    assert_true(counts_at(&live, table, "90", TEXT("100")));
    assert_false(counts_at(&live, table, "90", TEXT("98")));
    assert_true(counts_at(&live, table, "90", TEXT("140")));
    assert_false(counts(&live, table, "90"));
    /* a transaction behind it passes whole, whatever its changes say */
    assert_true(counts_at(&live, table, "100", TEXT("99")));
    assert_true(counts_at(&live, table, "101", TEXT("1")));
    live_close(&live);
}

static void
a_change_behind_the_snapshot_does_not_open_what_is_shut(void **state)
{
    LiveSource live;
    const Table *table;

    (void)state;
    open_item(&live, NULL);
    set_state(&live, BOOTSTRAP_COPYING, "10");
    table = item(&live);
    assert_false(counts_at(&live, table, "90", TEXT("99")));
    live_close(&live);
}

static void
a_source_that_is_read_again_from_further_back_is_compared_again(void **state)
{
    LiveSource live;
    const Table *table;

    (void)state;
    open_item(&live, NULL);
    set_state(&live, BOOTSTRAP_READY, "100");
    table = item(&live);
    assert_true(counts(&live, table, "120"));
    assert_false(counts(&live, table, "90"));
    assert_false(counts(&live, item(&live), "95"));
    assert_true(counts(&live, table, "100"));
    live_close(&live);
}

static void
a_table_that_is_being_copied_is_passed_over_until_it_is_handed_over(void **state)
{
    LiveSource live;
    const Table *table;

    (void)state;
    open_item(&live, NULL);
    set_state(&live, BOOTSTRAP_COPYING, "10");
    table = item(&live);
    assert_false(counts(&live, table, "5"));
    assert_false(counts(&live, table, "500"));
    set_state(&live, BOOTSTRAP_READY, "600");
    router_forget_all(live.router);
    assert_false(counts(&live, table, "599"));
    assert_true(counts(&live, table, "600"));
    live_close(&live);
}

static void
an_embedded_router_does_not_ask_for_snapshots(void **state)
{
    const RouterOptions options = {.embedded = true};
    LiveSource live;

    (void)state;
    open_item(&live, &options);
    set_state(&live, BOOTSTRAP_COPYING, "10");
    assert_true(counts(&live, item(&live), "5"));
    live_close(&live);
}

static void
other_tables_than_the_only_ones_are_passed_over(void **state)
{
    const Text others[] = {TEXT("public.other")};
    const Text both[] = {TEXT("public.other"), TEXT("public.item")};
    LiveSource live;

    (void)state;
    open_item(&live, &(RouterOptions){.only = others, .only_count = 1});
    assert_false(counts(&live, item(&live), "5"));
    live_close(&live);
    open_item(&live, &(RouterOptions){.only = both, .only_count = 2});
    assert_true(counts(&live, item(&live), "5"));
    live_close(&live);
}

static void
a_skipped_table_is_passed_over(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, "[{match: public.item, skip: true}]", NULL);
    assert_false(counts(&live, item(&live), "5"));
    live_close(&live);
}

static void
a_route_is_made_once_and_again_after_forgetting(void **state)
{
    LiveSource live;
    const Table *table;
    const OutTable *first = NULL;
    const OutTable *second = NULL;
    Error err;

    (void)state;
    open_item(&live, NULL);
    table = item(&live);
    assert_ok(router_table(live.router, table, TEXT("1"), TEXT_NONE, &first, &err), err);
    router_forget_old(live.router);
    assert_ok(router_table(live.router, table, TEXT("2"), TEXT_NONE, &second, &err), err);
    assert_ptr_equal(first, second);
    assert_int_equal(live_asked, 1);
    router_forget_all(live.router);
    assert_ok(router_table(live.router, table, TEXT("3"), TEXT_NONE, &second, &err), err);
    assert_text(second->target_name, "item");
    /* the same shape: the source's catalogue has nothing new to tell */
    assert_int_equal(live_asked, 1);
    live_close(&live);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_table_without_a_snapshot_counts),
    cmocka_unit_test(what_the_snapshot_holds_is_passed_over),
    cmocka_unit_test(of_a_transaction_before_the_snapshot_just_the_changes_behind_it_pass),
    cmocka_unit_test(a_change_behind_the_snapshot_does_not_open_what_is_shut),
    cmocka_unit_test(a_source_that_is_read_again_from_further_back_is_compared_again),
    cmocka_unit_test(a_table_that_is_being_copied_is_passed_over_until_it_is_handed_over),
    cmocka_unit_test(an_embedded_router_does_not_ask_for_snapshots),
    cmocka_unit_test(other_tables_than_the_only_ones_are_passed_over),
    cmocka_unit_test(a_skipped_table_is_passed_over),
    cmocka_unit_test(a_route_is_made_once_and_again_after_forgetting),
};

TEST_MAIN(tests)
