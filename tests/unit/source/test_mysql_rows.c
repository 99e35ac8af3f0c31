#include "source/mysql/rows.h"

#include "support/test.h"

static const Text members[] = {{"z", 1}, {"it's", 4}, {"", 0}, {"a", 1}};

static SourceColumn columns[] = {
    {.name = {"id", 2}, .type_name = {"int", 3}, .logical = LOGICAL_INT},
    {.name = {"kind", 4},
        .type_name = {"enum", 4},
        .logical = LOGICAL_TEXT,
        .labels = members,
        .label_count = 4},
    {.name = {"na`me", 5}, .type_name = {"varchar", 7}, .logical = LOGICAL_TEXT},
    {.name = {"f", 1}, .type_name = {"float", 5}, .logical = LOGICAL_FLOAT},
    {.name = {"d", 1}, .type_name = {"double", 6}, .logical = LOGICAL_FLOAT},
    {.name = {"raw", 3}, .type_name = {"varbinary", 9}, .logical = LOGICAL_BYTES},
    {.name = {"bits", 4}, .type_name = {"bit", 3}, .logical = LOGICAL_BIT},
    {.name = {"at", 2}, .type_name = {"timestamp", 9}, .logical = LOGICAL_TIMESTAMPTZ},
    {.name = {"some", 4},
        .type_name = {"set", 3},
        .logical = LOGICAL_TEXT,
        .labels = members,
        .label_count = 4},
    {.name = {"y", 1}, .type_name = {"year", 4}, .logical = LOGICAL_INT},
    {.name = {"made", 4}, .type_name = {"int", 3}, .logical = LOGICAL_INT, .is_generated = true},
};
static BinlogValueType types[ARRAY_LEN(columns)];

static Value
text_value(const char *text)
{
    return (Value){VALUE_TEXT, text_of(text)};
}

/* What stands behind FROM, of a table with this key. */
static void
check(const size_t *key, size_t key_count, const SnapshotChunk *wanted, size_t key_total,
    const char *expected)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MysqlTable table = {.base = {.schema = TEXT("s"),
                            .name = TEXT("t"),
                            .columns = columns,
                            .column_count = ARRAY_LEN(columns),
                            .key = (size_t *)(uintptr_t)key,
                            .key_count = key_count},
        .types = types,
        .has_primary_key = key_count > 0};
    SnapshotChunk chunk = *wanted;
    const char *from;

    chunk.table = &table.base;
    source_mysql_rows_statement(&table, &chunk, 0, key_total, &sql);
    from = strstr(buf_string(&sql), " FROM ");
    assert_non_null(from);
    assert_string_equal(from + 6, expected);
}

static void
check_after(size_t column, const char *value, const char *condition)
{
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    Value after = text_value(value);

    buf_addf(&expected, "`s`.`t` FORCE INDEX (PRIMARY) WHERE (%s) ORDER BY ", condition);
    source_mysql_add_name(&expected, columns[column].name);
    buf_add_string(&expected, " LIMIT 5");
    check(&column, 1, &(SnapshotChunk){.after = &after, .limit = 5}, 0, buf_string(&expected));
}

static void
columns_are_shown_so_that_nothing_of_them_is_lost(void **state)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MysqlTable table = {.base = {.schema = TEXT("s"),
                            .name = TEXT("t"),
                            .columns = columns,
                            .column_count = ARRAY_LEN(columns)},
        .types = types};

    (void)state;
    source_mysql_rows_statement(
        &table, &(SnapshotChunk){.table = &table.base, .limit = 5}, 0, 0, &sql);
    /* no key: as a whole; floats as doubles; no generated columns */
    assert_string_equal(buf_string(&sql),
        "SELECT `id`, `kind`, `na``me`, (`f` * 1e0), (`d` * 1e0), `raw`, `bits`, `at`, `some`, `y`"
        " FROM `s`.`t`");
}

static void
the_first_chunk_is_in_the_order_of_the_key_and_a_whole_table_in_any(void **state)
{
    const size_t key[] = {0, 2};

    (void)state;
    check(key, 2, &(SnapshotChunk){.limit = 10}, 0,
        "`s`.`t` FORCE INDEX (PRIMARY) ORDER BY `id`, `na``me` LIMIT 10");
    check(key, 2, &(SnapshotChunk){.limit = 0}, 0, "`s`.`t`");
}

static void
the_next_chunk_enters_the_index_behind_the_last_key(void **state)
{
    const size_t key[] = {0, 2, 3};
    const Value after[] = {text_value("-7"), text_value("it's \\"), text_value("0.1")};

    (void)state;
    check(key, 3, &(SnapshotChunk){.after = after, .limit = 10}, 0,
        "`s`.`t` FORCE INDEX (PRIMARY) WHERE `id` >= -7 AND (`id` > -7 OR (`id` = -7 AND (`na``me` "
        "> 'it''s \\\\' OR (`na``me` = 'it''s \\\\' AND (`f` > 1.00000001490116119e-01)))))"
        " ORDER BY `id`, `na``me`, `f` LIMIT 10");
}

static void
members_of_an_enum_follow_by_number_and_not_by_name(void **state)
{
    const size_t key[] = {1, 0};
    const Value after[] = {text_value("z"), text_value("3")};

    (void)state;
    check_after(1, "z", "`kind` IN ('it''s', '', 'a')");
    check_after(1, "a", "`kind` IN (NULL)");
    /* none of the members: the error value, which is number 0 */
    check_after(1, "x", "`kind` > 0");
    check(key, 2, &(SnapshotChunk){.after = after, .limit = 1}, 0,
        "`s`.`t` FORCE INDEX (PRIMARY) WHERE (`kind` IN ('it''s', '', 'a') OR (`kind` = 'z' AND "
        "(`id` > 3))) ORDER BY `kind`, `id` LIMIT 1");
}

static void
values_are_those_that_the_index_has(void **state)
{
    (void)state;
    check_after(3, "-1e30", "`f` > -1.00000001504746622e+30");
    check_after(4, "0.1", "`d` > 0.1e0");
    check_after(4, "-1e+300", "`d` > -1e+300");
    check_after(5, "00ff", "`raw` > x'00ff'");
    check_after(5, "", "`raw` > x''");
    check_after(6, "101", "`bits` > 5");
    check_after(7, "2024-01-02 03:04:05.5+00", "`at` > '2024-01-02 03:04:05.5'");
    /* members z and a: bits 1 and 8 */
    check_after(8, "z,a", "`some` > 9");
    check_after(8, "", "`some` > 0");
    /* as numbers 0 to 69 would be years of this century */
    check_after(9, "0000", "`y` > '0000'");
}

static void
what_is_no_value_of_the_type_stays_inside_its_quotes(void **state)
{
    (void)state;
    check_after(0, "1 or 1=1", "`id` > '1 or 1=1'");
    check_after(5, "00' or '", "`raw` > '00'' or '''");
    check_after(6, "1 or 1", "`bits` > '1 or 1'");
}

static void
rows_are_found_by_their_keys(void **state)
{
    const size_t key[] = {0, 1};
    const Value keys[] = {text_value("1"), text_value("z"), text_value("2"), text_value("x")};

    (void)state;
    check(key, 2, &(SnapshotChunk){.keys = keys, .key_total = 2}, 2,
        "`s`.`t` FORCE INDEX (PRIMARY) WHERE ((`id` = 1 AND `kind` = 'z') OR (`id` = 2 AND `kind` "
        "= 0)) ORDER BY `id`, `kind`");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_shown_so_that_nothing_of_them_is_lost),
        cmocka_unit_test(the_first_chunk_is_in_the_order_of_the_key_and_a_whole_table_in_any),
        cmocka_unit_test(the_next_chunk_enters_the_index_behind_the_last_key),
        cmocka_unit_test(members_of_an_enum_follow_by_number_and_not_by_name),
        cmocka_unit_test(values_are_those_that_the_index_has),
        cmocka_unit_test(what_is_no_value_of_the_type_stays_inside_its_quotes),
        cmocka_unit_test(rows_are_found_by_their_keys),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
