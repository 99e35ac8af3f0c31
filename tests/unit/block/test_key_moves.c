#include "block/key_moves.h"
#include "unit/block/fixture.h"

/* of the table of keys; key_moves.h has the sum */
#define SLOT_BYTES UINT64_C(24)

static KeyHash
hash_of(uint64_t number)
{
    return (KeyHash){number * 64, number}; /* all in one place of a small table */
}

static void
expect_leave(KeyMoves *moves, uint64_t key, uint64_t row_id, bool expected)
{
    bool contested = !expected;

    assert_true(key_moves_leave(moves, hash_of(key), row_id, &contested));
    assert_int_equal(contested, expected);
}

static void
the_youngest_open_line_is_closed_first(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    KeyBudget budget = {1 << 20, 0};
    CLEANUP(key_moves_free) KeyMoves *moves = key_moves_new(&budget);
    BlockFile file = {0};
    static const ContestedPair pairs[] = {{3, 4}, {2, 5}, {1, 6}, {8, 9}};

    (void)state;
    expect_leave(moves, 1, 1, false);
    for (uint64_t row_id = 1; row_id <= 3; row_id++)
        assert_true(key_moves_arrive(moves, hash_of(1), row_id));
    expect_leave(moves, 2, 4, false);
    for (uint64_t row_id = 4; row_id <= 6; row_id++)
        expect_leave(moves, 1, row_id, true);
    expect_leave(moves, 1, 7, false);
    assert_true(key_moves_arrive(moves, hash_of(1), 8));
    expect_leave(moves, 1, 9, true);
    key_moves_list(moves, arena, &file);
    assert_int_equal(file.contested_count, ARRAY_LEN(pairs));
    assert_memory_equal(file.contested, pairs, sizeof(pairs));
}

static void
a_transactions_end_forgets_keys_and_gives_memory_back(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    KeyBudget budget = {1 << 20, 0};
    CLEANUP(key_moves_free) KeyMoves *moves = key_moves_new(&budget);
    BlockFile file = {0};

    (void)state;
    for (uint64_t key = 1; key <= 1000; key++)
        assert_true(key_moves_arrive(moves, hash_of(key), key));
    for (uint64_t key = 1; key <= 10; key++)
        assert_true(key_moves_arrive(moves, hash_of(1), 1000 + key));
    expect_leave(moves, 500, 2000, true);
    assert_true(budget.used >= 1000 * SLOT_BYTES);
    key_moves_end(moves);
    assert_int_equal(budget.used, 0);
    expect_leave(moves, 501, 2001, false);
    key_moves_list(moves, arena, &file);
    assert_int_equal(file.contested_count, 1);
    assert_true(file.contested[0].image == 500 && file.contested[0].end == 2000);
}

static void
keys_that_rows_come_to_and_leave_again_take_no_more_memory(void **state)
{
    KeyBudget budget = {SLOT_BYTES * 2 * 64, 0};
    CLEANUP(key_moves_free) KeyMoves *moves = key_moves_new(&budget);
    uint64_t row_id = 0;

    (void)state;
    for (uint64_t key = 1; key <= 30000; key++) {
        assert_true(key_moves_arrive(moves, hash_of(key), ++row_id));
        expect_leave(moves, key, ++row_id, true);
    }
    assert_true(budget.used <= 64 * SLOT_BYTES);
}

static void
too_many_keys_or_pairs_are_told(void **state)
{
    KeyBudget small = {64 * SLOT_BYTES, 0};
    KeyBudget large = {1 << 20, 0};
    CLEANUP(key_moves_free) KeyMoves *moves = key_moves_new(&small);
    CLEANUP(key_moves_free) KeyMoves *pairs = key_moves_new(&large);
    bool contested;

    (void)state;
    for (uint64_t key = 1; key <= 48; key++)
        assert_true(key_moves_arrive(moves, hash_of(key), key));
    assert_false(key_moves_arrive(moves, hash_of(49), 49));
    for (uint64_t i = 0; i < CONTESTED_LIMIT; i++) {
        assert_true(key_moves_arrive(pairs, hash_of(1), 2 * i + 1));
        expect_leave(pairs, 1, 2 * i + 2, true);
    }
    assert_true(key_moves_arrive(pairs, hash_of(1), 2 * CONTESTED_LIMIT + 1));
    assert_false(key_moves_leave(pairs, hash_of(1), 2 * CONTESTED_LIMIT + 2, &contested));
}

/* ---- the writer ---- */

/* "I1" insert, "D1" delete, "U1" update, "C12" key 1 becomes 2, "T" truncate, "/" the next
 * transaction. The pairs of all files, as "image-end "; of a further file behind "| ". */
static void
pairs_of(const char *changes, const BlockConfig *config, Buf *ret)
{
    Fixture f;
    OutTable *out;
    Block *block;
    Error err;

    fixture_init(&f);
    if (config != NULL)
        f.block = *config;
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 1, 1);
    fixture_begin(&f);
    for (const char *at = changes; *at != '\0'; at++) {
        const char key[] = {at[1], '\0'};
        const char new_key[] = {(char)(*at == 'C' ? at[2] : 0), '\0'};

        if (*at == ' ')
            continue;
        if (*at == '/') {
            fixture_commit(&f);
            fixture_begin(&f);
            continue;
        }
        if (*at == 'T') {
            assert_ok(block_writer_truncate(f.writer, TEXT("s"), TEXT("t"), &err), err);
            continue;
        }
        if (*at == 'I')
            fixture_insert(&f, out, ROW(TX(key)));
        else if (*at == 'D')
            fixture_delete(&f, out, ROW(TX(key)));
        else if (*at == 'U')
            fixture_update(&f, out, NULL, ROW(TX(key)));
        else
            fixture_update(&f, out, ROW(TX(key)), ROW(TX(new_key)));
        at += *at == 'C' ? 2 : 1;
    }
    fixture_commit(&f);
    block = fixture_finish(&f);
    for (size_t i = 0; i < block->manifest.file_count; i++) {
        const BlockFile *file = &block->manifest.files[i];

        buf_add_string(ret, i > 0 ? "| " : "");
        for (size_t j = 0; j < file->contested_count; j++)
            buf_addf(ret, "%d-%d ", (int)file->contested[j].image, (int)file->contested[j].end);
    }
    block_free(block);
    fixture_clear(&f);
}

static void
only_lines_that_meet_in_one_transaction_and_file_are_pairs(void **state)
{
    static const char *const cases[][2] = {
        {"C12 C21", "2-3 "},
        {"C12 C23 C34", "2-3 4-5 "},
        {"C12 D2", "2-3 "},
        {"C12 / C21", ""},
        {"C12 / C34 C21", ""},
        {"C12 T C21", "| "},
        {"C12 T C21 C13", "| 2-3 "},
        {"I1 D1", ""},
        {"I1 U1 D1", ""},
        {"U1 D1", ""},
        {"D2 C12", ""},
        {"C12 U2", ""},        /* lines D1 I2 D2 I2 */
        {"C12 U2 D2", "2-5 "}, /* the update in between opens and closes nothing */
        {"C12 C32 C24 C25", "4-5 2-7 "},
        {"C12 C23 C42 C21", "2-3 6-7 "},
        {"C12 C21 C13", "2-3 4-5 "},
        {"C12 C23 D2", "2-3 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf seen = BUF_INIT;

        pairs_of(cases[i][0], NULL, &seen);
        assert_string_equal(buf_string(&seen), cases[i][1]);
    }
}

static void
pairs_do_not_depend_on_the_options(void **state)
{
    static const BlockConfig configs[] = {
        {.compact = false, .compact_memory = 1 << 20},
        {.compact = true, .compact_memory = 0},
        {.compact = true, .compact_memory = 100},
        {.compact = true, .compact_memory = 1 << 20, .distinguish_updates = true},
    };
    static const BlockConfig update_opcode = {.update_opcode = true};
    CLEANUP(buf_clear) Buf seen = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        buf_reset(&seen, 0);
        pairs_of("I9 C12 U2 C21", &configs[i], &seen);
        assert_string_equal(buf_string(&seen), "3-6 ");
    }
    buf_reset(&seen, 0);
    pairs_of("I9 C12 U2 C21", &update_opcode, &seen);
    assert_string_equal(buf_string(&seen), "3-5 ");
}

static void
too_many_pairs_are_refused_with_the_table(void **state)
{
    Fixture f;
    OutTable *out;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 1, 1);
    fixture_begin(&f);
    for (size_t i = 0; i < CONTESTED_LIMIT / 2; i++) {
        fixture_update(&f, out, ROW(TX("1")), ROW(TX("2")));
        fixture_update(&f, out, ROW(TX("2")), ROW(TX("1")));
    }
    fixture_update(&f, out, ROW(TX("1")), ROW(TX("2")));
    assert_false(fixture_try(&f, out, ROW(TX("2")), ROW(TX("1")), &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(err.text,
        "table s.t: seqno 1: more than 100000 times in one block an update brings a row to a key "
        "that a row leaves later in the same transaction: so many key changes that meet cannot be "
        "resolved");
    fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_youngest_open_line_is_closed_first),
        cmocka_unit_test(a_transactions_end_forgets_keys_and_gives_memory_back),
        cmocka_unit_test(keys_that_rows_come_to_and_leave_again_take_no_more_memory),
        cmocka_unit_test(too_many_keys_or_pairs_are_told),
        cmocka_unit_test(only_lines_that_meet_in_one_transaction_and_file_are_pairs),
        cmocka_unit_test(pairs_do_not_depend_on_the_options),
        cmocka_unit_test(too_many_pairs_are_refused_with_the_table),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
