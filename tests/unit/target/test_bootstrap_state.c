#include "target/bootstrap_state.h"

#include "support/sqlite_db.h"

#define SERVICE TEXT("sales")

static BootstrapState
state_of(const char *schema, const char *table, BootstrapPhase phase)
{
    return (BootstrapState){.schema = text_of(schema),
        .table = text_of(table),
        .phase = phase,
        .position = TEXT("0/1A2B'\\3C"),
        .rows = 12};
}

static bool
write_state(Db *db, Text service, BootstrapState state)
{
    return bootstrap_state_write(db->target, TEXT(""), service, &state, &db->err);
}

static size_t
read_states(Db *db, Text service, BootstrapState **ret_states)
{
    size_t count = 99;

    assert_ok(bootstrap_state_read(
                  db->target, TEXT(""), service, db->arena, ret_states, &count, &db->err),
        db->err);
    return count;
}

static void
reading_makes_no_table(void **state)
{
    Db *db = *state;
    BootstrapState *states;

    assert_int_equal(read_states(db, SERVICE, &states), 0);
    assert_string_equal(db_query(db, "SELECT count(*) FROM sqlite_schema"), "0");
}

static void
what_is_written_is_read_back(void **state)
{
    Db *db = *state;
    BootstrapState *states;

    assert_ok(bootstrap_state_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(bootstrap_state_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(write_state(db, SERVICE, state_of("public", "o'rders", BOOTSTRAP_COPYING)), db->err);
    assert_ok(write_state(db, SERVICE, state_of("", "a", BOOTSTRAP_READY)), db->err);
    assert_int_equal(read_states(db, SERVICE, &states), 2);
    assert_int_equal(states[0].schema.len, 0);
    assert_true(text_is(states[0].table, "a"));
    assert_int_equal(states[0].phase, BOOTSTRAP_READY);
    assert_true(text_is(states[1].schema, "public"));
    assert_true(text_is(states[1].table, "o'rders"));
    assert_int_equal(states[1].phase, BOOTSTRAP_COPYING);
    assert_true(text_is(states[1].position, "0/1A2B'\\3C"));
    assert_int_equal(states[1].rows, 12);
}

static void
a_table_has_one_row_which_is_replaced(void **state)
{
    Db *db = *state;
    BootstrapState *states;

    assert_ok(bootstrap_state_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(write_state(db, SERVICE, state_of("public", "a", BOOTSTRAP_COPYING)), db->err);
    assert_ok(write_state(db, SERVICE, state_of("public", "a", BOOTSTRAP_READY)), db->err);
    assert_int_equal(read_states(db, SERVICE, &states), 1);
    assert_int_equal(states[0].phase, BOOTSTRAP_READY);
    assert_false(target_sqlite.in_transaction(db->target));
}

static void
names_with_dots_and_services_do_not_meet(void **state)
{
    Db *db = *state;
    BootstrapState *states;

    assert_ok(bootstrap_state_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(write_state(db, SERVICE, state_of("a.b", "c", BOOTSTRAP_COPYING)), db->err);
    assert_ok(write_state(db, SERVICE, state_of("a", "b.c", BOOTSTRAP_READY)), db->err);
    assert_ok(write_state(db, TEXT("other"), state_of("a", "b.c", BOOTSTRAP_COPYING)), db->err);
    assert_int_equal(read_states(db, SERVICE, &states), 2);
    assert_ok(
        bootstrap_state_remove(db->target, TEXT(""), SERVICE, TEXT("a"), TEXT("b.c"), &db->err),
        db->err);
    assert_int_equal(read_states(db, SERVICE, &states), 1);
    assert_true(text_is(states[0].schema, "a.b"));
    assert_int_equal(read_states(db, TEXT("other"), &states), 1);
}

static void
inside_a_transaction_it_ends_with_it(void **state)
{
    Db *db = *state;
    BootstrapState *states;

    assert_ok(bootstrap_state_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(write_state(db, SERVICE, state_of("public", "a", BOOTSTRAP_COPYING)), db->err);
    assert_ok(target_sqlite.begin(db->target, &db->err), db->err);
    assert_ok(write_state(db, SERVICE, state_of("public", "a", BOOTSTRAP_READY)), db->err);
    target_sqlite.rollback(db->target);
    assert_int_equal(read_states(db, SERVICE, &states), 1);
    assert_int_equal(states[0].phase, BOOTSTRAP_COPYING);
}

static void
a_spooled_copy_is_told_apart(void **state)
{
    Db *db = *state;
    BootstrapState spooled = state_of("public", "a", BOOTSTRAP_COPYING);
    BootstrapState *states;

    spooled.is_spooled = true;
    assert_ok(bootstrap_state_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(write_state(db, SERVICE, spooled), db->err);
    assert_int_equal(read_states(db, SERVICE, &states), 1);
    assert_int_equal(states[0].phase, BOOTSTRAP_COPYING);
    assert_true(states[0].is_spooled);
    assert_ok(write_state(db, SERVICE, state_of("public", "a", BOOTSTRAP_COPYING)), db->err);
    assert_int_equal(read_states(db, SERVICE, &states), 1);
    assert_false(states[0].is_spooled);
}

static void
removing_where_there_is_no_table_is_fine(void **state)
{
    Db *db = *state;

    assert_ok(bootstrap_state_remove(db->target, TEXT(""), SERVICE, TEXT("a"), TEXT("b"), &db->err),
        db->err);
}

static void
a_table_of_another_shape_and_an_unknown_state_are_refused(void **state)
{
    Db *db = *state;
    BootstrapState *states;
    size_t count;

    (void)db_run(db, "CREATE TABLE dray_bootstrap (service TEXT, source_schema TEXT)");
    assert_error(db, bootstrap_state_prepare(db->target, TEXT(""), &db->err), ERR_TARGET,
        "table dray_bootstrap has no column source_table: it is not a table of bootstraps of this "
        "version");
    (void)db_run(db, "DROP TABLE dray_bootstrap");
    assert_ok(bootstrap_state_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(write_state(db, SERVICE, state_of("public", "a", BOOTSTRAP_COPYING)), db->err);
    (void)db_run(db, "UPDATE dray_bootstrap SET state = 'done'");
    assert_error(db,
        bootstrap_state_read(db->target, TEXT(""), SERVICE, db->arena, &states, &count, &db->err),
        ERR_TARGET,
        "read dray_bootstrap: table dray_bootstrap: the state of public.a is none of copying, "
        "spooled, ready");
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, db_setup, db_teardown)

static const struct CMUnitTest tests[] = {
    WITH_DB(reading_makes_no_table),
    WITH_DB(what_is_written_is_read_back),
    WITH_DB(a_table_has_one_row_which_is_replaced),
    WITH_DB(names_with_dots_and_services_do_not_meet),
    WITH_DB(inside_a_transaction_it_ends_with_it),
    WITH_DB(a_spooled_copy_is_told_apart),
    WITH_DB(removing_where_there_is_no_table_is_fine),
    WITH_DB(a_table_of_another_shape_and_an_unknown_state_are_refused),
};

TEST_MAIN(tests)
