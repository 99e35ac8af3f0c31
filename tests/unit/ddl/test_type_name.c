#include "ddl/type_name.h"
#include "support/test.h"

static void
other_spellings_of_a_type_are_equal(void **state)
{
    (void)state;
    assert_true(type_name_equal(TEXT("INT"), TEXT("integer")));
    assert_true(type_name_equal(TEXT("int(11)"), TEXT("integer")));
    assert_true(type_name_equal(TEXT("int(10) unsigned"), TEXT("int unsigned")));
    assert_true(type_name_equal(TEXT("varchar(20)"), TEXT("character varying(20)")));
    assert_true(type_name_equal(
        TEXT("varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"), TEXT("VARCHAR(20)")));
    assert_true(type_name_equal(TEXT("decimal(10, 2)"), TEXT("numeric(10,2)")));
    assert_true(type_name_equal(TEXT("timestamptz(3)"), TEXT("timestamp(3) with time zone")));
    assert_true(type_name_equal(TEXT("timestamp(3)"), TEXT("timestamp(3) without time zone")));
    assert_true(type_name_equal(TEXT(""), TEXT("")));
}

static void
other_types_are_not(void **state)
{
    (void)state;
    assert_false(type_name_equal(TEXT("integer"), TEXT("bigint")));
    assert_false(type_name_equal(TEXT("int unsigned"), TEXT("int")));
    assert_false(type_name_equal(TEXT("varchar(20)"), TEXT("varchar(21)")));
    assert_false(type_name_equal(TEXT("varchar(20)"), TEXT("varchar")));
    assert_false(type_name_equal(TEXT("numeric(10,2)"), TEXT("numeric(10,3)")));
    assert_false(type_name_equal(TEXT("timestamp"), TEXT("timestamptz")));
    assert_false(type_name_equal(TEXT("integer"), TEXT("integer[]")));
    assert_false(type_name_equal(TEXT("text"), TEXT("")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(other_spellings_of_a_type_are_equal),
    cmocka_unit_test(other_types_are_not),
};

TEST_MAIN(tests)
