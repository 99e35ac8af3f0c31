#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/rule.h"

static const Column columns[] = {
    {TEXT("id"), TEXT("integer"), LOGICAL_INT, true},
    {TEXT("region"), TEXT("text"), LOGICAL_TEXT, true},
    {TEXT("descr"), TEXT("text"), LOGICAL_TEXT, false},
    {TEXT("card_number"), TEXT("text"), LOGICAL_TEXT, false},
};

static const Table orders = {7, TEXT("public"), TEXT("orders"), columns, 4, true};
static const Table keyless = {8, TEXT(""), TEXT("orders"), columns, 4, false};

static Arena *arena;

static int
set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void
assert_text(Text text, const char *expected)
{
    assert_non_null(text.data);
    assert_string_equal(arena_text(arena, text).data, expected);
}

static void
the_first_rule_that_matches_wins(void **state)
{
    const TableRule list[] = {
        {.match = TEXT("public.audit_*"), .skip = true},
        {.match = TEXT("public.orders")},
        {.match = TEXT("public.*")},
        {.match = TEXT("orders")},
    };
    const TableRules rules = {list, 4};

    (void)state;
    assert_ptr_equal(rule_find(&rules, TEXT("public"), TEXT("audit_log")), &list[0]);
    assert_ptr_equal(rule_find(&rules, TEXT("public"), TEXT("orders")), &list[1]);
    assert_ptr_equal(rule_find(&rules, TEXT("public"), TEXT("order")), &list[2]);
    assert_null(rule_find(&rules, TEXT("sales"), TEXT("orders")));
    assert_null(rule_find(&(TableRules){NULL, 0}, TEXT("public"), TEXT("orders")));
}

static void
without_a_schema_the_tables_name_alone_is_matched(void **state)
{
    const TableRule list[] = {{.match = TEXT("*.orders")}, {.match = TEXT("orders")}};
    const TableRules rules = {list, 2};

    (void)state;
    assert_ptr_equal(rule_find(&rules, TEXT(""), TEXT("orders")), &list[1]);
    assert_ptr_equal(rule_find(&rules, TEXT_NONE, TEXT("orders")), &list[1]);
    assert_ptr_equal(rule_find(&rules, TEXT("any"), TEXT("orders")), &list[0]);
}

static void
a_match_need_not_end_in_nul(void **state)
{
    const TableRule list[] = {{.match = {"public.orders_old", 13}}};
    const TableRules rules = {list, 1};

    (void)state;
    assert_ptr_equal(rule_find(&rules, TEXT("public"), TEXT("orders")), &list[0]);
    assert_null(rule_find(&rules, TEXT("public"), TEXT("orders_old")));
}

static void
assert_target(const char *target, Text schema, Text table, const char *expected_schema,
    const char *expected_table)
{
    const TableRule rule = {.target = text_of(target)};
    Text ret_schema;
    Text ret_table;

    rule_target(&rule, schema, table, arena, &ret_schema, &ret_table);
    assert_text(ret_schema, expected_schema);
    assert_text(ret_table, expected_table);
}

static void
a_table_without_rule_or_target_keeps_its_name(void **state)
{
    Text schema;
    Text table;

    (void)state;
    rule_target(NULL, TEXT("public"), TEXT("orders"), arena, &schema, &table);
    assert_text(schema, "public");
    assert_text(table, "orders");
    rule_target(NULL, TEXT_NONE, TEXT("orders"), arena, &schema, &table);
    assert_text(schema, "");
    assert_text(table, "orders");
    assert_target(NULL, TEXT("public"), TEXT("orders"), "public", "orders");
}

static void
a_target_is_filled_with_the_sources_names(void **state)
{
    (void)state;
    assert_target("dw.items", TEXT("public"), TEXT("orders"), "dw", "items");
    assert_target("dw.%%TABLE%%", TEXT("public"), TEXT("orders"), "dw", "orders");
    assert_target("items", TEXT("public"), TEXT("orders"), "", "items");
    assert_target("%%SCHEMA%%_%%TABLE%%", TEXT("public"), TEXT("orders"), "", "public_orders");
    assert_target("%%TABLE%%.%%SCHEMA%%", TEXT("public"), TEXT("orders"), "orders", "public");
    assert_target("%%SCHEMA%%.x_%%TABLE%%_x", TEXT(""), TEXT("orders"), "", "x_orders_x");
}

static void
a_dot_in_a_name_splits_nothing(void **state)
{
    (void)state;
    assert_target("dw.%%TABLE%%", TEXT("a.b"), TEXT("c.d"), "dw", "c.d");
    assert_target("\"d.w\".\"a \"\"b\"\" c\"", TEXT("p"), TEXT("t"), "d.w", "a \"b\" c");
    assert_target("\"x.%%TABLE%%\"", TEXT("p"), TEXT("t"), "", "x.t");
    assert_target("dw.\"o.p\"", TEXT("p"), TEXT("t"), "dw", "o.p");
}

static void
without_a_rule_every_column_and_the_sources_key_are_carried(void **state)
{
    Error err;
    OutTable *out = rule_apply(NULL, &orders, NULL, 0, arena, &err);

    (void)state;
    assert_non_null(out);
    assert_int_equal(out->id, 7);
    assert_null(out->rule);
    assert_text(out->source_schema, "public");
    assert_text(out->source_name, "orders");
    assert_text(out->target_schema, "public");
    assert_text(out->target_name, "orders");
    assert_int_equal(out->column_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(text_equal(out->columns[i].name, columns[i].name));
        assert_true(text_equal(out->columns[i].source_type, columns[i].type));
        assert_int_equal(out->columns[i].logical, columns[i].logical);
        assert_int_equal(out->columns[i].source_index, i);
        assert_int_equal(out->columns[i].in_key, columns[i].in_key);
    }
    assert_int_equal(out->key_count, 2);
    assert_int_equal(out->key[0], 0);
    assert_int_equal(out->key[1], 1);
    assert_false(out->all_lines);
}

static void
columns_are_skipped_and_renamed(void **state)
{
    const Text skip[] = {TEXT("card_*")};
    const Text key[] = {TEXT("description"), TEXT("id")};
    const ColumnRename renames[] = {
        {TEXT("descr"), TEXT("description")}, {TEXT("absent"), TEXT("other")}};
    const TableRule rule = {.skip_columns = skip,
        .skip_column_count = 1,
        .renames = renames,
        .rename_count = 2,
        .key = key,
        .key_count = 2};
    Error err;
    OutTable *out = rule_apply(&rule, &orders, NULL, 0, arena, &err);

    (void)state;
    assert_non_null(out);
    assert_ptr_equal(out->rule, &rule);
    assert_int_equal(out->column_count, 3);
    assert_text(out->columns[2].name, "description");
    assert_int_equal(out->columns[2].source_index, 2);
    assert_int_equal(out->key_count, 2);
    assert_int_equal(out->key[0], 2);
    assert_int_equal(out->key[1], 0);
    assert_true(out->columns[2].in_key);
    assert_false(out->columns[1].in_key);
}

static void
a_key_column_behind_a_skipped_one_keeps_its_place(void **state)
{
    static const Column some[] = {
        {TEXT("a"), TEXT_NONE, LOGICAL_TEXT, false},
        {TEXT("b"), TEXT_NONE, LOGICAL_INT, true},
    };
    const Table table = {9, TEXT("s"), TEXT("t"), some, 2, true};
    const Text skip[] = {TEXT("a")};
    const TableRule rule = {.skip_columns = skip, .skip_column_count = 1};
    Error err;
    OutTable *out = rule_apply(&rule, &table, NULL, 0, arena, &err);

    (void)state;
    assert_non_null(out);
    assert_int_equal(out->column_count, 1);
    assert_int_equal(out->columns[0].source_index, 1);
    assert_null(out->columns[0].source_type.data);
    assert_int_equal(out->key_count, 1);
    assert_int_equal(out->key[0], 0);
}

static void
two_columns_may_change_names(void **state)
{
    const ColumnRename renames[] = {{TEXT("id"), TEXT("region")}, {TEXT("region"), TEXT("id")}};
    const TableRule rule = {.renames = renames, .rename_count = 2};
    Error err;
    OutTable *out = rule_apply(&rule, &orders, NULL, 0, arena, &err);

    (void)state;
    assert_non_null(out);
    assert_text(out->columns[0].name, "region");
    assert_text(out->columns[1].name, "id");
}

static void
the_targets_key_serves_where_nothing_else_is_known(void **state)
{
    const Text same[] = {TEXT("REGION"), TEXT("id")};
    const Text more[] = {TEXT("id"), TEXT("surrogate")};
    Error err;
    OutTable *out = rule_apply(NULL, &keyless, same, 2, arena, &err);

    (void)state;
    assert_non_null(out);
    assert_int_equal(out->key_count, 2);
    assert_int_equal(out->key[0], 1);
    assert_int_equal(out->key[1], 0);

    out = rule_apply(NULL, &keyless, more, 2, arena, &err);
    assert_non_null(out);
    assert_int_equal(out->key_count, 0);
    assert_false(out->columns[0].in_key);

    out = rule_apply(NULL, &keyless, NULL, 0, arena, &err);
    assert_non_null(out);
    assert_int_equal(out->key_count, 0);

    out = rule_apply(NULL, &orders, more, 1, arena, &err);
    assert_non_null(out);
    assert_int_equal(out->key_count, 2);
}

static void
assert_refused(const TableRule *rule, const Table *table, const char *text)
{
    Error err = {ERR_NONE};

    assert_null(rule_apply(rule, table, NULL, 0, arena, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(err.retriable);
    assert_string_equal(err.text, text);
}

static void
mistakes_name_the_table_and_the_rules_line(void **state)
{
    const Text all[] = {TEXT("*")};
    const Text id[] = {TEXT("id")};
    const Text key_absent[] = {TEXT("id"), TEXT("number")};
    const Text key_new[] = {TEXT("number")};
    const ColumnRename both[] = {{TEXT("descr"), TEXT("id")}};
    const ColumnRename renamed[] = {{TEXT("id"), TEXT("number")}};
    const Table empty = {10, TEXT("public"), TEXT("none"), NULL, 0, false};
    TableRule rule = {.line = 12, .skip_columns = all, .skip_column_count = 1};

    (void)state;
    assert_refused(
        &rule, &orders, "table public.orders: rule in line 12: columns.skip leaves no column");
    rule = (TableRule){.line = 13, .key = key_absent, .key_count = 2};
    assert_refused(
        &rule, &keyless, "table orders: rule in line 13: key column number is not in the table");
    rule = (TableRule){.line = 14, .renames = both, .rename_count = 1};
    assert_refused(&rule, &orders,
        "table public.orders: rule in line 14: columns id and descr both become id");
    rule = (TableRule){.line = 15, .skip_columns = id, .skip_column_count = 1};
    assert_refused(&rule, &orders,
        "table public.orders: rule in line 15: key column id is in columns.skip, and the rule "
        "names no other key");
    rule.key = key_new;
    rule.key_count = 1;
    rule.renames = renamed;
    rule.rename_count = 1;
    assert_refused(&rule, &orders,
        "table public.orders: rule in line 15: key column number is in columns.skip");
    assert_refused(NULL, &empty, "table public.none: the table has no columns");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_first_rule_that_matches_wins),
        TEST(without_a_schema_the_tables_name_alone_is_matched),
        TEST(a_match_need_not_end_in_nul),
        TEST(a_table_without_rule_or_target_keeps_its_name),
        TEST(a_target_is_filled_with_the_sources_names),
        TEST(a_dot_in_a_name_splits_nothing),
        TEST(without_a_rule_every_column_and_the_sources_key_are_carried),
        TEST(columns_are_skipped_and_renamed),
        TEST(a_key_column_behind_a_skipped_one_keeps_its_place),
        TEST(two_columns_may_change_names),
        TEST(the_targets_key_serves_where_nothing_else_is_known),
        TEST(mistakes_name_the_table_and_the_rules_line),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
