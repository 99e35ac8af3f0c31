#include "block/key_index.h"
#include "unit/block/fixture.h"

/* Orders of changes of one table (id, a): "I1" insert 1, "D1", "U1" update, "C12" key 1 becomes 2.
 * What a compacted load reads, as opcode and id. */
static void
load_of(const char *changes, uint64_t memory, Buf *ret)
{
    Fixture f;
    OutTable *out;
    Block *block;
    CLEANUP(buf_clear) Buf served = BUF_INIT;

    fixture_init(&f);
    f.block.compact_memory = (int64_t)memory;
    f.config.dialect.header_count = 1;
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 1, 1);
    fixture_begin(&f);
    for (const char *at = changes; *at != '\0'; at++) {
        const char key[] = {at[1], '\0'};
        const char new_key[] = {(char)(at[0] == 'C' ? at[2] : 0), '\0'};

        if (*at == 'I')
            fixture_insert(&f, out, ROW(TX(key)));
        else if (*at == 'D')
            fixture_delete(&f, out, ROW(TX(key)));
        else if (*at == 'U')
            fixture_update(&f, out, NULL, ROW(TX(key)));
        else
            fixture_update(&f, out, ROW(TX(key)), ROW(TX(new_key)));
        at += *at == 'C' ? 2 : 1;
        if (at[1] == ' ')
            at++;
    }
    fixture_commit(&f);
    block = fixture_finish(&f);
    fixture_serve(block, 0, true, &served);
    for (size_t i = 0; i < served.len; i++)
        if (served.data[i] != '"' && served.data[i] != ',')
            buf_add_char(ret, (char)(served.data[i] == '\n' ? ' ' : served.data[i]));
    block_free(block);
    fixture_clear(&f);
}

static void
the_last_line_of_each_key_stays(void **state)
{
    static const char *const cases[][2] = {
        {"I1", "I1 "},
        {"I1 U1", "I1 "},
        {"I1 D1", "D1 "},
        {"D1 I1", "I1 "},
        {"I1 D1 I1", "I1 "},
        {"U1 D1", "D1 "},
        {"D1", "D1 "},
        {"I1 I2 U1", "I2 I1 "},
        {"C12", "D1 I2 "},
        /* of the lines that meet at a key both stay (key_moves.h), but for a line in front */
        {"C12 C23", "D1 I2 D2 I3 "},
        {"C12 C23 C31", "I2 D2 I3 D3 I1 "},
        {"C19 C21 C92", "I9 I1 D9 I2 "}, /* a swap of 1 and 2 by way of 9 */
        {"U2 C12 C21", "I2 D2 I1 "},
        {"D1 D1", "D1 "},
        {"I1 C12 I1", "I2 I1 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf seen = BUF_INIT;

        load_of(cases[i][0], 1 << 20, &seen);
        assert_string_equal(buf_string(&seen), cases[i][1]);
    }
}

static void
over_budget_every_line_is_loaded(void **state)
{
    CLEANUP(buf_clear) Buf seen = BUF_INIT;

    (void)state;
    load_of("I1 U1", 100, &seen);
    assert_string_equal(buf_string(&seen), "I1 D1 I1 ");
}

static void
only_the_file_that_is_over_budget_falls_back(void **state)
{
    Fixture f;
    OutTable *small;
    OutTable *large;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    fixture_init(&f);
    f.block.compact_memory = 20000;
    fixture_open(&f);
    small = fixture_table(&f, "s", "small", 1, 1);
    large = fixture_table(&f, "s", "large", 1, 1);
    fixture_begin(&f);
    for (int i = 0; i < 2000; i++) {
        fixture_insert(&f, large, ROW(TX(arena_printf(f.arena, "%d", i))));
        fixture_insert(&f, small, ROW(TX(i % 2 == 0 ? "even" : "odd")));
    }
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_text(block->manifest.files[0].table, "large");
    assert_int_equal(block->superseded[0].bit_count, 0);
    assert_int_equal(block->superseded[1].bit_count, 2000);
    assert_int_equal(block->superseded[1].set_count, 1998);
    assert_true(line_set_has(&block->superseded[1], 1));
    assert_true(line_set_has(&block->superseded[1], 1998));
    assert_false(line_set_has(&block->superseded[1], 1999));
    assert_false(line_set_has(&block->superseded[1], 2001));
    fixture_clear(&f);
}

static void
a_table_that_needs_all_lines_is_not_compacted(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 1, 1);
    out->all_lines = true;
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("1")));
    fixture_insert(&f, out, ROW(TX("1")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_int_equal(block->superseded[0].bit_count, 0);
    fixture_clear(&f);
}

static void
values_of_a_key_do_not_run_together(void **state)
{
    CLEANUP(buf_clear) Buf scratch = BUF_INIT;
    KeyHash a = key_hash(1, (const Text[]){TEXT("a"), TEXT("bc")}, 2, &scratch);
    KeyHash b = key_hash(1, (const Text[]){TEXT("ab"), TEXT("c")}, 2, &scratch);
    KeyHash other_seed = key_hash(2, (const Text[]){TEXT("a"), TEXT("bc")}, 2, &scratch);

    (void)state;
    assert_false(a.low == b.low && a.high == b.high);
    assert_false(a.low == other_seed.low && a.high == other_seed.high);
}

static void
memory_stays_within_the_budget_and_is_given_back(void **state)
{
    KeyBudget budget = {1 << 20, 0};
    KeyIndex *index = key_index_new(&budget);
    CLEANUP(buf_clear) Buf scratch = BUF_INIT;
    uint64_t row_id = 0;
    bool ok = true;

    (void)state;
    while (ok) {
        char digits[24];
        Text key = {digits, 0};

        row_id++;
        key.len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)row_id);
        ok = key_index_add(index, key_hash(0, &key, 1, &scratch), row_id, 0);
        assert_true(budget.used <= budget.limit);
    }
    /* 96 bytes a key at worst */
    assert_true(key_index_count(index) >= (1 << 20) / 96);
    key_index_free(index);
    assert_int_equal(budget.used, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_line_of_each_key_stays),
        cmocka_unit_test(over_budget_every_line_is_loaded),
        cmocka_unit_test(only_the_file_that_is_over_budget_falls_back),
        cmocka_unit_test(a_table_that_needs_all_lines_is_not_compacted),
        cmocka_unit_test(values_of_a_key_do_not_run_together),
        cmocka_unit_test(memory_stays_within_the_budget_and_is_given_back),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
