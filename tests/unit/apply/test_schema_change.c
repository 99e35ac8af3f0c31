#include "live_source.h"
#include "target/bootstrap_state.h"

#define ID                       \
    {                            \
        "id", "integer", 1, true \
    }
#define POLICY(name)  "[{match: public.item, schema_changes: " name "}]"
#define ITEM(columns) "CREATE TABLE item (id INTEGER PRIMARY KEY" columns ")"

/* NULL, with *err set, where it is refused. */
static const OutTable *
ask(LiveSource *live, const Table *table, const char *position, Error *err)
{
    const OutTable *out = NULL;

    return router_table(live->router, table, text_of(position), TEXT_NONE, &out, err) ? out : NULL;
}

static const OutTable *
admit(LiveSource *live, const Table *table, const char *position)
{
    Error err;
    const OutTable *out = ask(live, table, position, &err);

    assert_ok(out != NULL, err);
    return out;
}

/* Refused as a schema change; the text holds these words. */
static void
refuse(LiveSource *live, const Table *table, const char *position, const char *words)
{
    Error err;

    assert_null(ask(live, table, position, &err));
    if (err.kind != ERR_SCHEMA || strstr(err.text, words) == NULL)
        fail_msg("%s\n  does not have: %s", err.text, words);
    assert_true(err.retriable);
}

static void
assert_columns(const OutTable *out, const char *expected)
{
    CLEANUP(buf_clear) Buf names = BUF_INIT;

    for (size_t i = 0; i < out->column_count; i++)
        buf_addf(&names, "%s" TEXT_FMT "%s", i == 0 ? "" : " ", TEXT_ARG(out->columns[i].name),
            out->columns[i].in_key ? "*" : "");
    assert_string_equal(names.data, expected);
}

static void
assert_target(const LiveSource *live, const char *expected)
{
    CLEANUP(buf_clear) Buf rows = BUF_INIT;

    test_service_query(&live->service,
        "SELECT group_concat(name || ':' || type || coalesce(':' || dflt_value, ''), ' ')"
        " FROM pragma_table_info('item')",
        &rows);
    assert_text(text_trim(buf_text(&rows)), expected);
}

/* ---- columns that the target lacks ---------------------------------------------------------- */

static void
stop_waits_until_the_target_has_the_column(void **state)
{
    LiveSource live;
    const Table *table;
    Error err;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(""));
    LIVE_TELL(&live, ID);
    assert_columns(admit(&live, LIVE_SHAPE(&live, ID), "1"), "id*");
    LIVE_TELL(&live, ID, {"more", "text", 2, .added_value = "it's"});
    table = LIVE_SHAPE(&live, ID, {"more", "text"});
    assert_null(ask(&live, table, "2", &err));
    assert_string_equal(err.text,
        "table public.item: its columns are not those of the target table \"item\", which must "
        "follow first: (1) column more was added in the source: run ALTER TABLE \"item\" ADD "
        "COLUMN \"more\" TEXT DEFAULT 'it''s'; (dray goes on by itself once this is done)");
    assert_int_equal(err.kind, ERR_SCHEMA);
    refuse(&live, table, "2", "column more was added");
    test_service_sql(&live.service, "ALTER TABLE item ADD COLUMN more TEXT");
    assert_columns(admit(&live, table, "2"), "id* more");
    live_close(&live);
}

static void
add_columns_adds_several_with_the_values_of_older_rows(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, POLICY("add_columns"), NULL);
    test_service_sql(&live.service, ITEM(""));
    LIVE_TELL(&live, ID);
    (void)admit(&live, LIVE_SHAPE(&live, ID), "1");
    LIVE_TELL(&live, ID, {"a", "text", 2}, {"b", "integer", 3, .added_value = "7"});
    assert_columns(
        admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}, {"b", "integer"}), "2"), "id* a b");
    assert_target(&live, "id:INTEGER a:TEXT b:INTEGER:'7'");
    live_close(&live);
}

static void
a_column_that_somebody_added_a_moment_ago_is_seen(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, POLICY("add_columns"), NULL);
    test_service_sql(&live.service, ITEM(""));
    LIVE_TELL(&live, ID);
    (void)admit(&live, LIVE_SHAPE(&live, ID), "1");
    /* the catalogue of the target still is the one of a moment ago */
    test_service_sql(&live.service, "ALTER TABLE item ADD COLUMN a VARCHAR(7)");
    LIVE_TELL(&live, ID, {"a", "text", 2});
    assert_columns(admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}), "2"), "id* a");
    assert_target(&live, "id:INTEGER a:VARCHAR(7)");
    live_close(&live);
}

static void
ignore_leaves_columns_out_but_not_those_of_the_key(void **state)
{
    LiveSource live;
    const OutTable *out;

    (void)state;
    live_open(&live, POLICY("ignore"), NULL);
    test_service_sql(&live.service, ITEM(", kept TEXT"));
    LIVE_TELL(&live, {"a", "text", 1}, {"kept", "text", 2}, {"id", "integer", 3});
    out = admit(&live,
        LIVE_SHAPE(&live, {"a", "text"}, {"kept", "text"}, {"id", "integer", .in_key = true}), "1");
    assert_columns(out, "kept id*");
    assert_int_equal(out->key_count, 1);
    assert_int_equal(out->key[0], 1);
    assert_int_equal(out->columns[1].source_index, 2);
    refuse(&live,
        LIVE_SHAPE(&live, {"a", "text", .in_key = true}, {"id", "integer", .in_key = true}), "2",
        "column a of the key was added in the source");
    live_close(&live);
}

/* ---- added or renamed ----------------------------------------------------------------------- */

static void
the_number_tells_a_rename(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, POLICY("add_columns"), NULL);
    test_service_sql(&live.service, ITEM(", a TEXT, b TEXT"));
    LIVE_TELL(&live, ID, {"a", "text", 2}, {"b", "text", 3});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}, {"b", "text"}), "1");
    LIVE_TELL(&live, ID, {"a", "text", 2}, {"c", "text", 3});
    refuse(&live, LIVE_SHAPE(&live, ID, {"a", "text"}, {"c", "text"}), "2",
        "(1) column b was renamed to c: run ALTER TABLE \"item\" RENAME COLUMN \"b\" TO \"c\";");
    live_close(&live);
}

static void
the_number_tells_an_added_column_beside_a_dropped_one_after_a_restart(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, POLICY("add_columns"), NULL);
    test_service_sql(&live.service, ITEM(", a TEXT"));
    LIVE_TELL(&live, ID, {"a", "text", 2});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}), "1");
    live_restart(&live);
    LIVE_TELL(&live, ID, {"c", "text", 3});
    assert_columns(admit(&live, LIVE_SHAPE(&live, ID, {"c", "text"}), "2"), "id* c");
    assert_target(&live, "id:INTEGER a:TEXT c:TEXT");
    live_close(&live);
}

static void
without_a_shape_before_both_are_named(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, POLICY("add_columns"), NULL);
    test_service_sql(&live.service, ITEM(", a TEXT"));
    LIVE_TELL(&live, ID, {"c", "text", 3});
    refuse(&live, LIVE_SHAPE(&live, ID, {"c", "text"}), "2",
        "(1) column c is new in the source, and it is not known whether it was added or renamed: "
        "if it was added, run ALTER TABLE \"item\" ADD COLUMN \"c\" TEXT; if a was renamed to it, "
        "run ALTER TABLE \"item\" RENAME COLUMN \"a\" TO \"c\"; (dray");
    live_close(&live);
}

static void
the_order_excludes_a_rename_where_nothing_else_is_known(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, POLICY("add_columns"), NULL);
    /* old stands before b, which c stands behind: c is younger than old */
    test_service_sql(&live.service, ITEM(", old TEXT, b TEXT"));
    LIVE_TELL(&live, ID, {"b", "text", 4}, {"c", "text", 7});
    assert_columns(
        admit(&live, LIVE_SHAPE(&live, ID, {"b", "text"}, {"c", "text"}), "2"), "id* b c");
    live_close(&live);
}

static void
the_order_proves_a_rename_where_numbers_came_too_late(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", a TEXT, b TEXT"));
    /* the catalogue is ahead of the stream from the beginning */
    LIVE_TELL(&live, ID, {"z", "text", 2}, {"b", "text", 3});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}, {"b", "text"}), "1");
    refuse(&live, LIVE_SHAPE(&live, ID, {"z", "text"}, {"b", "text"}), "2",
        "column a was renamed to z");
    live_close(&live);
}

static void
old_names_go_into_a_column_that_is_renamed_already(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", a TEXT"));
    LIVE_TELL(&live, ID, {"a", "text", 2});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}), "1");
    /* by the number: nothing was asked for yet */
    LIVE_TELL(&live, ID, {"b", "text", 2});
    test_service_sql(&live.service, "ALTER TABLE item RENAME a TO b");
    router_forget_all(live.router);
    assert_columns(admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}), "2"), "id* b");
    /* by what was asked for, after a restart: b, then c */
    LIVE_TELL(&live, ID, {"c", "text", 2});
    refuse(&live, LIVE_SHAPE(&live, ID, {"c", "text"}), "3",
        "if b was renamed to it, run ALTER TABLE \"item\" RENAME COLUMN \"b\" TO \"c\";");
    test_service_sql(&live.service, "ALTER TABLE item RENAME b TO c");
    live_restart(&live);
    LIVE_TELL(&live, ID);
    assert_columns(admit(&live, LIVE_SHAPE(&live, ID, {"b", "text"}), "3"), "id* c");
    live_close(&live);
}

/* ---- types ---------------------------------------------------------------------------------- */

static void
another_type_is_asked_for_once_and_not_on_the_way_back(void **state)
{
    LiveSource live;
    const Table *old;
    const Table *new;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", n INTEGER"));
    old = LIVE_SHAPE(&live, ID, {"n", "integer"});
    new = LIVE_SHAPE(&live, ID, {"n", "text"});
    LIVE_TELL(&live, ID, {"n", "integer", 2});
    (void)admit(&live, old, "10");
    LIVE_TELL(&live, ID, {"n", "text", 2});
    refuse(&live, new, "20", "column n was integer in the source and is text: ");
    test_service_sql(&live.service, "DROP TABLE item; " ITEM(", n TEXT"));
    (void)admit(&live, new, "20");
    /* the stream is read again from further back: the old shape is no change */
    live_restart(&live);
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "integer"}), "15");
    /* and so it is at the start of the very transaction */
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "integer"}), "20");
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "text"}), "20");
    /* later it would be one, but the target's type is none that the old one makes */
    test_service_sql(&live.service, "DROP TABLE item; " ITEM(", n BLOB"));
    router_forget_all(live.router);
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "integer"}), "30");
    live_close(&live);
}

static void
types_that_the_target_does_not_tell_apart_are_no_change(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", n INTEGER"));
    LIVE_TELL(&live, ID, {"n", "integer", 2});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "integer"}), "1");
    LIVE_TELL(&live, ID, {"n", "bigint", 2});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "bigint"}), "2");
    live_close(&live);
}

static void
a_column_dropped_and_added_with_another_type_is_asked_about(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", n INTEGER"));
    LIVE_TELL(&live, ID, {"n", "integer", 2});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "integer"}), "1");
    LIVE_TELL(&live, ID, {"n", "text", 3});
    refuse(&live, LIVE_SHAPE(&live, ID, {"n", "text"}), "2",
        "column n was dropped in the source and added again as text: run ALTER TABLE \"item\" DROP "
        "COLUMN \"n\"; run ALTER TABLE \"item\" ADD COLUMN \"n\" TEXT;");
    live_close(&live);
}

/* ---- dropped columns, keys ------------------------------------------------------------------ */

static void
a_dropped_column_that_must_not_be_null_is_asked_about(void **state)
{
    LiveSource live;
    const Table *table;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", n INTEGER NOT NULL, own INTEGER NOT NULL"));
    LIVE_TELL(&live, ID, {"n", "integer", 2});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "integer"}), "1");
    LIVE_TELL(&live, ID);
    table = LIVE_SHAPE(&live, ID);
    refuse(&live, table, "2", "column n was dropped in the source, and must not be NULL");
    test_service_sql(&live.service, "DROP TABLE item; " ITEM(", n INTEGER, own INTEGER NOT NULL"));
    (void)admit(&live, table, "2");
    live_close(&live);
}

static void
a_table_that_lost_its_key_is_refused(void **state)
{
    LiveSource live;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", n INTEGER"));
    LIVE_TELL(&live, ID, {"n", "integer", 2});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"n", "integer"}), "1");
    refuse(
        &live, LIVE_SHAPE(&live, {"id", "integer"}, {"n", "integer"}), "2", "has no key any more");
    live_close(&live);
}

static void
a_new_column_of_the_key_must_be_the_targets_primary_key(void **state)
{
    LiveSource live;
    const Table *table;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", n INTEGER"));
    LIVE_TELL(&live, ID);
    (void)admit(&live, LIVE_SHAPE(&live, ID), "1");
    LIVE_TELL(&live, {"id", "integer", 1}, {"n", "integer", 2, true});
    table = LIVE_SHAPE(&live, {"id", "integer"}, {"n", "integer", .in_key = true});
    refuse(&live, table, "2", "column n of the key is new");
    test_service_sql(
        &live.service, "DROP TABLE item; CREATE TABLE item (id INTEGER, n INTEGER PRIMARY KEY)");
    (void)admit(&live, table, "2");
    live_close(&live);
}

static void
after_a_bootstrap_a_new_column_of_the_key_is_right(void **state)
{
    BootstrapState bootstrap = {.schema = TEXT("public"),
        .table = TEXT("item"),
        .phase = BOOTSTRAP_READY,
        .position = TEXT("50")};
    LiveSource live;
    const Table *table;
    Target *target;
    Error err;

    (void)state;
    live_open(&live, NULL, NULL);
    test_service_sql(&live.service, ITEM(", n INTEGER"));
    LIVE_TELL(&live, ID);
    (void)admit(&live, LIVE_SHAPE(&live, ID), "1");
    LIVE_TELL(&live, {"id", "integer", 1}, {"n", "integer", 2, true});
    table = LIVE_SHAPE(&live, {"id", "integer"}, {"n", "integer", .in_key = true});
    refuse(&live, table, "2", "run dray bootstrap ");
    target = live.context->target->open(live.config->target_options, &err);
    assert_ok(target != NULL, err);
    assert_ok(bootstrap_state_prepare(target, TEXT(""), &err), err);
    assert_ok(bootstrap_state_write(target, TEXT(""), TEXT("test"), &bootstrap, &err), err);
    target_close(target);
    router_forget_all(live.router);
    assert_null(ask(&live, table, "2", &err));
    assert_columns(admit(&live, table, "50"), "id n*");
    live_close(&live);
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void
a_missing_table_names_the_command_that_makes_it(void **state)
{
    LiveSource live;
    const Table *table;

    (void)state;
    live_open(&live, NULL, NULL);
    LIVE_TELL(&live, ID);
    table = LIVE_SHAPE(&live, ID);
    refuse(&live, table, "1",
        "table public.item: the target has no table \"item\": create it (dray ddl ");
    test_service_sql(&live.service, ITEM(""));
    (void)admit(&live, table, "1");
    live_close(&live);
}

static void
a_check_changes_nothing_and_leaves_the_rest_to_the_plan(void **state)
{
    const RouterOptions options = {.look_only = true};
    LiveSource live;

    (void)state;
    live_open(&live, POLICY("add_columns"), &options);
    test_service_sql(&live.service, ITEM(""));
    LIVE_TELL(&live, ID, {"a", "text", 2});
    assert_columns(admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}), "1"), "id* a");
    assert_target(&live, "id:INTEGER");
    live_close(&live);
}

static void
damaged_lines_of_the_memory_are_passed_over(void **state)
{
    static const char rubbish[] = "{\"schema\":\"public\",\"table\":\"item\"}\n[1]\n{\"schema\":";
    LiveSource live;
    FILE *file;
    char *path;

    (void)state;
    live_open(&live, POLICY("add_columns"), NULL);
    test_service_sql(&live.service, ITEM(", a TEXT"));
    LIVE_TELL(&live, ID, {"a", "text", 2});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}), "1");
    path = file_join(live.config->block.directory, "shapes.jsonl");
    file = fopen(path, "a");
    assert_non_null(file);
    assert_int_equal(fputs(rubbish, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
    live_restart(&live);
    LIVE_TELL(&live, ID, {"a", "text", 2}, {"b", "text", 3});
    (void)admit(&live, LIVE_SHAPE(&live, ID, {"a", "text"}, {"b", "text"}), "2");
    live_restart(&live);
    LIVE_TELL(&live, ID, {"a", "text", 2}, {"c", "text", 3});
    refuse(&live, LIVE_SHAPE(&live, ID, {"a", "text"}, {"c", "text"}), "3",
        "column b was renamed to c");
    free(path);
    live_close(&live);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(stop_waits_until_the_target_has_the_column),
    cmocka_unit_test(add_columns_adds_several_with_the_values_of_older_rows),
    cmocka_unit_test(a_column_that_somebody_added_a_moment_ago_is_seen),
    cmocka_unit_test(ignore_leaves_columns_out_but_not_those_of_the_key),
    cmocka_unit_test(the_number_tells_a_rename),
    cmocka_unit_test(the_number_tells_an_added_column_beside_a_dropped_one_after_a_restart),
    cmocka_unit_test(without_a_shape_before_both_are_named),
    cmocka_unit_test(the_order_excludes_a_rename_where_nothing_else_is_known),
    cmocka_unit_test(the_order_proves_a_rename_where_numbers_came_too_late),
    cmocka_unit_test(old_names_go_into_a_column_that_is_renamed_already),
    cmocka_unit_test(another_type_is_asked_for_once_and_not_on_the_way_back),
    cmocka_unit_test(types_that_the_target_does_not_tell_apart_are_no_change),
    cmocka_unit_test(a_column_dropped_and_added_with_another_type_is_asked_about),
    cmocka_unit_test(a_dropped_column_that_must_not_be_null_is_asked_about),
    cmocka_unit_test(a_table_that_lost_its_key_is_refused),
    cmocka_unit_test(a_new_column_of_the_key_must_be_the_targets_primary_key),
    cmocka_unit_test(after_a_bootstrap_a_new_column_of_the_key_is_right),
    cmocka_unit_test(a_missing_table_names_the_command_that_makes_it),
    cmocka_unit_test(a_check_changes_nothing_and_leaves_the_rest_to_the_plan),
    cmocka_unit_test(damaged_lines_of_the_memory_are_passed_over),
};

TEST_MAIN(tests)
