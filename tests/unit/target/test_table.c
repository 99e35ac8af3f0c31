#include "target/table.h"

#include "support/sqlite_db.h"

static TargetColumn columns[] = {
    {.name = {"id", 2}, .type = {"int", 3}},
    {.name = {"Id", 2}, .type = {"text", 4}},
    {.name = {"note", 4}, .type = {"text", 4}},
};
static size_t key[] = {0};

static TargetTable
table(void)
{
    return (TargetTable){TEXT(""), TEXT("t"), columns, 3, key, 1};
}

static void
an_exact_name_wins_over_a_folded_one(void **state)
{
    TargetTable t = table();

    (void)state;
    assert_ptr_equal(target_table_column(&t, TEXT("Id"), true), &columns[1]);
    assert_ptr_equal(target_table_column(&t, TEXT("id"), true), &columns[0]);
    assert_ptr_equal(target_table_column(&t, TEXT("NOTE"), true), &columns[2]);
    assert_null(target_table_column(&t, TEXT("NOTE"), false));
    assert_null(target_table_column(&t, TEXT("other"), true));
}

static void
tables_differ_by_name_type_and_key(void **state)
{
    TargetTable a = table();
    TargetTable b = table();
    TargetColumn other[3];
    size_t other_key[] = {1};

    (void)state;
    assert_true(target_table_equal(&a, &b));
    memcpy(other, columns, sizeof(columns));
    other[2].type = TEXT("varchar");
    b.columns = other;
    assert_false(target_table_equal(&a, &b));
    other[2] = columns[2];
    assert_true(target_table_equal(&a, &b));
    other[2].name = TEXT("notes");
    assert_false(target_table_equal(&a, &b));
    b = table();
    b.key = other_key;
    assert_false(target_table_equal(&a, &b));
    b = table();
    b.key_count = 0;
    assert_false(target_table_equal(&a, &b));
    b = table();
    b.column_count = 2;
    assert_false(target_table_equal(&a, &b));
    b = table();
    b.schema = TEXT("dw");
    assert_false(target_table_equal(&a, &b));
}

static void
drivers_are_found_by_name_and_are_whole(void **state)
{
    (void)state;
    assert_ptr_equal(target_find("sqlite"), &target_sqlite);
    assert_non_null(target_find("postgres"));
    assert_non_null(target_find("mysql"));
    assert_null(target_find("oracle"));
    for (const TargetDriver *const *driver = target_drivers; *driver != NULL; driver++) {
        assert_non_null((*driver)->summary);
        assert_non_null((*driver)->fields);
        assert_non_null((*driver)->sql);
        if ((*driver)->missing != NULL)
            continue;
        assert_true((*driver)->options_size > 0);
        assert_non_null((*driver)->null_word.data);
        assert_true((*driver)->open != NULL && (*driver)->close != NULL);
        assert_true((*driver)->begin != NULL && (*driver)->commit != NULL);
        assert_true((*driver)->rollback != NULL && (*driver)->in_transaction != NULL);
        assert_true((*driver)->execute != NULL && (*driver)->query != NULL);
        assert_true((*driver)->describe != NULL && (*driver)->check != NULL);
    }
    target_close(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_exact_name_wins_over_a_folded_one),
    cmocka_unit_test(tables_differ_by_name_type_and_key),
    cmocka_unit_test(drivers_are_found_by_name_and_are_whole),
};

TEST_MAIN(tests)
