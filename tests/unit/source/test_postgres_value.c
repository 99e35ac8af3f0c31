#include "source/postgres_value.h"

#include "source/postgres.h"
#include "source/postgres_relation.h"
#include "support/test.h"

static Value
text_value(const char *text)
{
    return (Value){VALUE_TEXT, text_of(text)};
}

static void
bytea_loses_its_prefix_and_nothing_else_changes(void **state)
{
    Value value = text_value("\\x00ff");
    Error err;

    (void)state;
    assert_ok(postgres_value_canonical(LOGICAL_BYTES, &value, &err), err);
    assert_text(value.text, "00ff");
    value = text_value("\\x");
    assert_ok(postgres_value_canonical(LOGICAL_BYTES, &value, &err), err);
    assert_int_equal(value.kind, VALUE_TEXT);
    assert_int_equal(value.text.len, 0);
    value = text_value("\\x00ff");
    assert_ok(postgres_value_canonical(LOGICAL_TEXT, &value, &err), err);
    assert_text(value.text, "\\x00ff");
    value = (Value){.kind = VALUE_UNCHANGED};
    assert_ok(postgres_value_canonical(LOGICAL_BYTES, &value, &err), err);
    assert_int_equal(value.kind, VALUE_UNCHANGED);
}

static void
bytea_in_another_notation_is_refused(void **state)
{
    Value value = text_value("\\000\\377");
    Error err;

    (void)state;
    assert_false(postgres_value_canonical(LOGICAL_BYTES, &value, &err));
    assert_int_equal(err.kind, ERR_DATA);
}

static void
positions_are_compared_as_numbers(void **state)
{
    (void)state;
    assert_true(source_postgres.compare(TEXT("0/9"), TEXT("0/10")) < 0);
    assert_true(source_postgres.compare(TEXT("2/0"), TEXT("1/FFFFFFFF")) > 0);
    assert_int_equal(source_postgres.compare(TEXT("0/a"), TEXT("0/A")), 0);
    assert_true(source_postgres.compare(TEXT(""), TEXT("0/1")) < 0);
    assert_true(source_postgres.compare(TEXT("0/1"), TEXT("log.jsonl:12")) > 0);
}

/* The catalogue knows type 25 as text, 17 as bytea, and no other. */
static bool
some_facts(void *context, const PgoutputMessage *relation, bool primary_key, Arena *arena,
    PostgresColumnFacts *facts, Error *err)
{
    unsigned *asked = context;

    (void)primary_key;
    (void)arena;
    (void)err;
    ++*asked;
    for (size_t i = 0; i < relation->column_count; i++)
        if (relation->columns[i].type == 25 || relation->columns[i].type == 17) {
            facts[i].type = relation->columns[i].type == 25 ? TEXT("text") : TEXT("bytea");
            facts[i].base_type = facts[i].type;
            facts[i].is_variable = true;
        }
    return true;
}

static void
equal_relation_messages_share_a_table_and_ask_the_catalogue_once(void **state)
{
    PgoutputColumn columns[] = {{TEXT("id"), 25, -1, true}, {TEXT("b"), 17, -1, false}};
    PgoutputMessage message = {.kind = PGOUTPUT_RELATION,
        .oid = 7,
        .schema = TEXT("s"),
        .name = TEXT("t"),
        .identity = 'd',
        .columns = columns,
        .column_count = 2};
    unsigned asked = 0;
    CLEANUP(postgres_relations_free)
    PostgresRelations *relations = postgres_relations_new(some_facts, &asked);
    const Table *first;
    const Table *second;
    Error err;

    (void)state;
    assert_null(postgres_relations_find(relations, 7));
    assert_ok(postgres_relations_take(relations, TEXT("one"), &message, &err), err);
    first = postgres_relation_table(postgres_relations_find(relations, 7));
    assert_ok(postgres_relations_take(relations, TEXT("two"), &message, &err), err);
    second = postgres_relation_table(postgres_relations_find(relations, 7));
    assert_int_not_equal(first->id, second->id);
    assert_ok(postgres_relations_take(relations, TEXT("one"), &message, &err), err);
    assert_ptr_equal(postgres_relation_table(postgres_relations_find(relations, 7)), first);
    assert_int_equal(asked, 2);
    assert_true(first->has_key && first->columns[0].in_key && !first->columns[0].may_omit);
    assert_true(!first->columns[1].in_key && first->columns[1].may_omit);
    for (uint32_t oid = 100; oid < 1000; oid++) {
        message.oid = oid;
        assert_ok(postgres_relations_take(relations, TEXT("many"), &message, &err), err);
    }
    assert_ptr_equal(postgres_relation_table(postgres_relations_find(relations, 7)), first);
    assert_non_null(postgres_relations_find(relations, 999));
    assert_null(postgres_relations_find(relations, 1000));
}

static void
a_type_that_is_gone_keeps_the_name_of_its_message(void **state)
{
    PgoutputColumn columns[] = {{TEXT("a"), 501, -1, true}, {TEXT("b"), 502, -1, false},
        {TEXT("c"), 503, -1, false}, {TEXT("d"), 504, -1, false}};
    PgoutputMessage message = {.kind = PGOUTPUT_RELATION,
        .oid = 7,
        .schema = TEXT("s"),
        .name = TEXT("t"),
        .identity = 'd',
        .columns = columns,
        .column_count = 4};
    PgoutputMessage types[] = {
        {.kind = PGOUTPUT_TYPE, .oid = 501, .schema = TEXT("s"), .name = TEXT("mood")},
        {.kind = PGOUTPUT_TYPE, .oid = 502, .schema = TEXT("pg_catalog"), .name = TEXT("bytea")},
        {.kind = PGOUTPUT_TYPE, .oid = 503, .schema = TEXT("pg_catalog"), .name = TEXT("_int4")}};
    unsigned asked = 0;
    CLEANUP(postgres_relations_free)
    PostgresRelations *relations = postgres_relations_new(some_facts, &asked);
    const Table *table;
    Error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        postgres_relations_type(relations, &types[i]);
    assert_ok(postgres_relations_take(relations, TEXT("one"), &message, &err), err);
    table = postgres_relation_table(postgres_relations_find(relations, 7));
    assert_text(table->columns[0].type, "s.mood");
    assert_int_equal(table->columns[0].logical, LOGICAL_OTHER);
    assert_int_equal(table->columns[1].logical, LOGICAL_BYTES);
    assert_int_equal(table->columns[2].logical, LOGICAL_ARRAY);
    assert_null(table->columns[3].type.data);
    assert_int_equal(table->columns[3].logical, LOGICAL_OTHER);
}

static void
a_row_of_another_width_is_refused(void **state)
{
    PgoutputColumn columns[] = {{TEXT("a"), 25, -1, true}};
    Value values[] = {{.kind = VALUE_NULL}, {.kind = VALUE_NULL}};
    PgoutputMessage message = {.kind = PGOUTPUT_RELATION,
        .oid = 7,
        .schema = TEXT("s"),
        .name = TEXT("t"),
        .identity = 'd',
        .columns = columns,
        .column_count = 1};
    PgoutputMessage row = {.kind = PGOUTPUT_INSERT, .oid = 7, .after = values, .after_count = 2};
    unsigned asked = 0;
    CLEANUP(postgres_relations_free)
    PostgresRelations *relations = postgres_relations_new(some_facts, &asked);
    Change change;
    Error err;

    (void)state;
    assert_ok(postgres_relations_take(relations, TEXT("one"), &message, &err), err);
    assert_false(
        postgres_relation_change(postgres_relations_find(relations, 7), &row, &change, &err));
    assert_string_equal(err.text, "table s.t: a row of 2 columns, where the table has 1");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(bytea_loses_its_prefix_and_nothing_else_changes),
    cmocka_unit_test(bytea_in_another_notation_is_refused),
    cmocka_unit_test(positions_are_compared_as_numbers),
    cmocka_unit_test(equal_relation_messages_share_a_table_and_ask_the_catalogue_once),
    cmocka_unit_test(a_type_that_is_gone_keeps_the_name_of_its_message),
    cmocka_unit_test(a_row_of_another_width_is_refused),
};

TEST_MAIN(tests)
