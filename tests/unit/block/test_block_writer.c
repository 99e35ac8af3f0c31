#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/block/fixture.h"

#define H(op, seqno, row) "\"" op "\",\"" seqno "\",\"" row "\",\"2016-03-11 20:51:10.000\","

static void
lines_are_as_the_design_says(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    Error err;

    (void)state;
    fixture_init(&f);
    f.seqno = 84899;
    fixture_open(&f);
    out = fixture_table(&f, "public", "sites", 2, 1);
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("986"), TX("http://www.continent.com/software")));
    fixture_commit(&f);
    fixture_begin(&f);
    fixture_update(&f, out, NULL, ROW(TX("143"), TX("http://www.microsoft.com")));
    fixture_update(&f, out, ROW(TX("143"), ABSENT), ROW(TX("144"), NUL));
    fixture_delete(&f, out, ROW(TX("9"), TX("x")));
    assert_int_equal(block_writer_rows(f.writer), 6);
    fixture_commit(&f);
    assert_int_equal(block_writer_transactions(f.writer), 2);
    assert_true(block_writer_first_change_ms(f.writer) >= 0);
    block = fixture_finish(&f);
    assert_int_equal(block_writer_first_change_ms(f.writer), -1);
    assert_served(block, 0, false,
        H("I", "84900", "1") "\"986\",\"http://www.continent.com/software\"\n" H(
            "D", "84901", "2") "\"143\",null\n" H("I", "84901",
            "3") "\"143\",\"http://www.microsoft.com\"\n" H("D", "84901",
            "4") "\"143\",null\n" H("I", "84901", "5") "\"144\",null\n" H("D", "84901",
            "6") "\"9\",null\n");
    assert_served(block, 0, true,
        H("I", "84900", "1") "\"986\",\"http://www.continent.com/software\"\n" H(
            "D", "84901", "4") "\"143\",null\n" H("I", "84901", "5") "\"144\",null\n" H("D",
            "84901", "6") "\"9\",null\n");
    assert_text(block->manifest.files[0].name, "public.sites.csv");
    assert_int_equal(block->manifest.first_seqno, 84900);
    assert_int_equal(block->manifest.last_seqno, 84901);
    assert_int_equal(block->manifest.transactions, 2);
    assert_text(block->manifest.position_before, "before");
    assert_text(block->manifest.position_after, "after");
    assert_int_equal(block->manifest.files[0].rows[OPCODE_I], 3);
    assert_int_equal(block->manifest.files[0].rows[OPCODE_D], 3);
    assert_true(text_ends_with(text_of(block->path), "/00000000000000084900"));
    assert_ok(block_check(block, true, &err), err);
    fixture_clear(&f);
}

static void
opcodes_follow_the_options(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    Error err;

    (void)state;
    fixture_init(&f);
    f.block.update_opcode = f.block.distinguish_updates = true;
    f.config.dialect.header[0] = HEADER_SERVICE;
    f.config.dialect.header[1] = HEADER_OPCODE;
    f.config.dialect.header_count = 2;
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 2, 1);
    fixture_begin(&f);
    fixture_update(&f, out, NULL, ROW(TX("1"), TX("a")));
    fixture_update(&f, out, ROW(TX("1"), ABSENT), ROW(TX("1"), TX("b")));
    fixture_update(&f, out, ROW(TX("1"), ABSENT), ROW(TX("2"), TX("c")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_served(block, 0, false,
        "\"sales\",\"U\",\"1\",\"a\"\n\"sales\",\"U\",\"1\",\"b\"\n"
        "\"sales\",\"UD\",\"1\",null\n\"sales\",\"UI\",\"2\",\"c\"\n");
    assert_served(block, 0, true, "\"sales\",\"UD\",\"1\",null\n\"sales\",\"UI\",\"2\",\"c\"\n");
    assert_ok(block_check(block, true, &err), err);
    fixture_clear(&f);
}

static void
a_table_may_want_its_updates_told_from_deletes(void **state)
{
    Fixture f;
    OutTable *other;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    Error err;

    (void)state;
    fixture_init(&f);
    f.config.dialect.header[0] = HEADER_OPCODE;
    f.config.dialect.header_count = 1;
    fixture_open(&f);
    other = fixture_table(&f, "s", "t", 2, 1);
    out = fixture_table(&f, "s", "u", 2, 1);
    out->distinguish_updates = true;
    fixture_begin(&f);
    fixture_update(&f, other, NULL, ROW(TX("1"), TX("a")));
    fixture_update(&f, out, NULL, ROW(TX("1"), TX("a")));
    fixture_delete(&f, out, ROW(TX("2"), TX("x")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_served(block, 0, false, "\"D\",\"1\",null\n\"I\",\"1\",\"a\"\n");
    assert_served(block, 1, false, "\"UD\",\"1\",null\n\"UI\",\"1\",\"a\"\n\"D\",\"2\",null\n");
    assert_ok(block_check(block, true, &err), err);
    fixture_clear(&f);
}

static void
hard_values_come_back_byte_for_byte(void **state)
{
    static const char *const hard[] = {"", "null", "\\N", "\"", "\"\"", "a,b", "\r", "\n", "a\r\nb",
        "\t", "\xF0\x9F\x9A\x9A", "\\", "\\.", "'", " lead", "trail ", "%s%n"};
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(block_free) Block *again = NULL;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 2, 1);
    fixture_begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(hard); i++)
        fixture_insert(&f, out, ROW(TX(hard[i]), TX(hard[i])));
    fixture_insert(&f, out, ROW(TX("last"), NUL));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_ok(block_check(block, true, &err), err);
    again = block_open(block->path, &err);
    assert_non_null(again);
    assert_null(again->superseded);
    assert_int_equal(again->manifest.files[0].row_count, ARRAY_LEN(hard) + 1);
    assert_int_equal(again->manifest.files[0].checksum, block->manifest.files[0].checksum);
    {
        CLEANUP(buf_clear) Buf served = BUF_INIT;

        fixture_serve(again, 0, true, &served);
        assert_non_null(strstr(served.data, "\"null\",\"null\"\n"));
        assert_non_null(strstr(served.data, "\"\"\"\",\"\"\"\"\n"));
        assert_non_null(strstr(served.data, "\"last\",null\n"));
        assert_non_null(strstr(served.data, "\"a\r\nb\",\"a\r\nb\"\n"));
    }
    fixture_clear(&f);
}

static void
what_cannot_be_written_names_table_and_column(void **state)
{
    struct {
        const Value *before;
        const Value *after;
        const char *text;
    } cases[] = {
        {NULL, ROW(TX("1"), UNCHANGED),
            "table s.t: seqno 1: the source does not tell the value of column a"},
        {NULL, ROW(NUL, TX("x")), "table s.t: seqno 1: key column id is null"},
        {ROW(ABSENT, TX("x")), NULL,
            "table s.t: seqno 1: delete does not tell the old value of key column id (replica "
            "identity)"},
        {ROW(ABSENT, TX("x")), ROW(TX("1"), TX("y")),
            "table s.t: seqno 1: update does not tell the old value of key column id (replica "
            "identity)"},
        {NULL, ROW(TX("1"), TX("x\xff")),
            "table s.t: seqno 1: column a: not UTF-8 at offset 1 (byte 0xff)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Fixture f;
        OutTable *out;
        Error err;

        fixture_init(&f);
        fixture_open(&f);
        out = fixture_table(&f, "s", "t", 2, 1);
        fixture_begin(&f);
        fixture_insert(&f, out, ROW(TX("0"), TX("")));
        assert_false(fixture_try(&f, out, cases[i].before, cases[i].after, &err));
        assert_int_equal(err.kind, ERR_DATA);
        assert_string_equal(err.text, cases[i].text);
        /* nothing of it may be loaded */
        assert_false(block_writer_commit(f.writer, TEXT(""), &err));
        assert_null(block_writer_finish(f.writer, &err));
        block_writer_abandon(f.writer);
        f.seqno = 0;
        fixture_begin(&f);
        fixture_insert(&f, out, ROW(TX("1"), TX("x")));
        fixture_commit(&f);
        block_free(fixture_finish(&f));
        fixture_clear(&f);
    }
}

static void
unchanged_values_come_from_the_old_image(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    fixture_init(&f);
    f.config.dialect.header_count = 1;
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 2, 1);
    fixture_begin(&f);
    fixture_update(&f, out, ROW(TX("1"), TX("big")), ROW(TX("2"), UNCHANGED));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_served(block, 0, false, "\"D\",\"1\",null\n\"I\",\"2\",\"big\"\n");
    fixture_clear(&f);
}

static void
without_a_key_the_whole_old_row_is_written(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    fixture_init(&f);
    f.config.dialect.header_count = 1;
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 3, 0);
    fixture_begin(&f);
    fixture_update(&f, out, ROW(TX("1"), NUL, ABSENT), ROW(TX("2"), TX("x"), NUL));
    fixture_delete(&f, out, ROW(TX("2"), TX("x"), NUL));
    fixture_delete(&f, out, ROW(TX("2"), TX("x"), NUL));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_int_equal(block->superseded[0].bit_count, 0);
    assert_served(block, 0, true,
        "\"D\",\"1\",null,null\n\"I\",\"2\",\"x\",null\n\"D\",\"2\",\"x\",null\n"
        "\"D\",\"2\",\"x\",null\n");
    fixture_clear(&f);
}

static void
a_truncate_begins_a_generation(void **state)
{
    Fixture f;
    OutTable *t;
    OutTable *u;
    CLEANUP(block_free) Block *block = NULL;
    const BlockFile *files;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    t = fixture_table(&f, "s", "t", 2, 1);
    u = fixture_table(&f, "s", "u", 2, 1);
    fixture_begin(&f);
    fixture_insert(&f, t, ROW(TX("1"), TX("x")));
    fixture_insert(&f, u, ROW(TX("1"), TX("x")));
    assert_ok(block_writer_truncate(f.writer, TEXT("s"), TEXT("t"), &err), err);
    fixture_commit(&f);
    fixture_begin(&f);
    assert_ok(block_writer_truncate(f.writer, TEXT("s"), TEXT("t"), &err), err);
    fixture_insert(&f, t, ROW(TX("1"), TX("y")));
    assert_ok(block_writer_truncate(f.writer, TEXT("s"), TEXT("u"), &err), err);
    assert_ok(block_writer_truncate(f.writer, TEXT("s"), TEXT("u"), &err), err);
    assert_ok(block_writer_truncate(f.writer, TEXT(""), TEXT("v"), &err), err);
    fixture_commit(&f);
    block = fixture_finish(&f);
    files = block->manifest.files;
    assert_int_equal(block->manifest.file_count, 5);
    assert_text(files[0].name, "s.t.csv");
    assert_false(files[0].truncate);
    assert_text(files[1].name, "s.t.2.csv");
    assert_true(files[1].truncate);
    assert_int_equal(files[1].truncate_seqno, 1);
    assert_int_equal(files[1].generation, 2);
    assert_int_equal(files[1].row_count, 1);
    assert_text(files[2].name, "s.u.csv");
    assert_null(files[3].name.data);
    assert_true(files[3].truncate);
    assert_int_equal(files[3].generation, 2);
    assert_int_equal(files[3].column_count, 2);
    assert_null(files[4].name.data);
    assert_text(files[4].table, "v");
    assert_int_equal(files[4].generation, 1);
    assert_int_equal(block->superseded[0].set_count, 0); /* keys do not meet across generations */
    assert_ok(block_check(block, true, &err), err);
    fixture_clear(&f);
}

static void
changed_columns_begin_a_generation_and_equal_ones_do_not(void **state)
{
    Fixture f;
    OutTable *a;
    OutTable *same;
    OutTable *wider;
    OutTable *other_key;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    a = fixture_table(&f, "s", "t", 2, 1);
    same = fixture_table(&f, "s", "t", 2, 1);
    same->id = 99;
    wider = fixture_table(&f, "s", "t", 3, 1);
    other_key = fixture_table(&f, "s", "t", 3, 2);
    fixture_begin(&f);
    fixture_insert(&f, a, ROW(TX("1"), TX("x")));
    fixture_insert(&f, same, ROW(TX("1"), TX("x")));
    fixture_insert(&f, wider, ROW(TX("1"), TX("x"), TX("y")));
    fixture_insert(&f, other_key, ROW(TX("1"), TX("x"), TX("y")));
    fixture_insert(&f, a, ROW(TX("1"), TX("x")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_int_equal(block->manifest.file_count, 4);
    assert_int_equal(block->manifest.files[0].row_count, 2);
    assert_int_equal(block->superseded[0].set_count, 1);
    assert_text(block->manifest.files[3].name, "s.t.4.csv");
    assert_int_equal(block->manifest.files[1].column_count, 3);
    assert_int_equal(block->manifest.files[2].key_count, 2);
    assert_false(block->manifest.files[1].truncate);
    fixture_clear(&f);
}

static void
a_block_without_lines_has_a_manifest_alone(void **state)
{
    Fixture f;
    CLEANUP(block_free) Block *block = NULL;
    FileList names = {NULL, 0};
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    fixture_begin(&f);
    fixture_commit(&f);
    fixture_begin(&f);
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_true(text_ends_with(text_of(block->path), "/00000000000000000001"));
    assert_int_equal(block->manifest.file_count, 0);
    assert_int_equal(block->manifest.last_seqno, 2);
    assert_int_equal(block->manifest.transactions, 2);
    assert_ok(file_list(block->path, &names, &err), err);
    assert_int_equal(names.count, 1);
    assert_string_equal(names.names[0], MANIFEST_FILE);
    file_list_free(&names);
    fixture_clear(&f);
}

static size_t
open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;

    while (readdir(directory) != NULL)
        count++;
    (void)closedir(directory);
    return count;
}

static void
four_hundred_tables_share_the_descriptors(void **state)
{
    enum { TABLES = 400, ROUNDS = 5 };
    Fixture f;
    OutTable *tables[TABLES];
    CLEANUP(block_free) Block *block = NULL;
    size_t before = open_descriptors();
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < TABLES; i++)
        tables[i] = fixture_table(&f, "s", arena_printf(f.arena, "t%zu", i), 2, 1);
    for (size_t round = 0; round < ROUNDS; round++) {
        fixture_begin(&f);
        for (size_t i = 0; i < TABLES; i++)
            fixture_insert(&f, tables[i],
                ROW(TX(arena_printf(f.arena, "%zu", round)), TX(arena_printf(f.arena, "%zu", i))));
        fixture_commit(&f);
        assert_true(open_descriptors() - before <= 128);
    }
    block = fixture_finish(&f);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(block->manifest.file_count, TABLES);
    assert_text(block->manifest.files[399].name, "s.t399.csv");
    assert_int_equal(block->manifest.files[7].row_count, ROUNDS);
    assert_ok(block_check(block, true, &err), err);
    fixture_clear(&f);
}

static void
hostile_names_stay_in_the_directory_and_never_meet(void **state)
{
    Fixture f;
    CLEANUP(block_free) Block *block = NULL;
    char *longer;
    Error err;
    static const char *const names[][2] = {{"..", ".."}, {"../..", "etc/passwd"}, {"/", "\x01\xff"},
        {"a.b", "c"}, {"a", "b.c"}, {"a", "b"}, {"a%2Eb", "c"}, {"", "items"}, {"items", "2"},
        {"\"q\"", "$(rm -rf /)"}, {"a b", "%"}, {"%", "%"}, {"", "."}, {"A", "b"}};

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    longer = arena_alloc(f.arena, 1001);
    memset(longer, '/', 1000);
    fixture_begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        fixture_insert(&f, fixture_table(&f, names[i][0], names[i][1], 1, 1), ROW(TX("1")));
    assert_ok(block_writer_truncate(f.writer, TEXT(""), TEXT("items"), &err), err);
    fixture_insert(&f, fixture_table(&f, "", "items", 1, 1), ROW(TX("2")));
    for (size_t i = 0; i < 5; i++) {
        char *name = arena_string(f.arena, longer);

        name[i * 249] = '.';
        fixture_insert(&f, fixture_table(&f, name, name, 1, 1), ROW(TX("1")));
    }
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_int_equal(block->manifest.file_count, ARRAY_LEN(names) + 6);
    for (size_t i = 0; i < block->manifest.file_count; i++) {
        assert_int_equal(block->manifest.files[i].row_count, 1);
        assert_true(block->manifest.files[i].name.len <= 255);
        assert_true(block->manifest.files[i].name.data[0] != '.');
    }
    assert_ok(block_check(block, true, &err), err);
    block_free(block);
    block = block_open(
        arena_printf(f.arena, "%s/00000000000000000001", f.directory), &err); /* rejects twins */
    assert_non_null(block);
    assert_true(text_is(block->manifest.files[2].table, "\x01\xff"));
    fixture_clear(&f);
}

static void
a_value_of_fifty_megabytes_passes(void **state)
{
    size_t len = (size_t)50 << 20;
    char *big = malloc(len + 1);
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    Error err;

    (void)state;
    assert_non_null(big);
    memset(big, '"', len);
    big[len] = '\0';
    fixture_init(&f);
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 2, 1);
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("1"), TX(big)));
    fixture_insert(&f, out, ROW(TX("2"), TX("small")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_true(block->manifest.files[0].bytes > 2 * len);
    assert_ok(block_check(block, true, &err), err);
    free(big);
    fixture_clear(&f);
}

static void
a_block_is_full_at_its_limits(void **state)
{
    Fixture f;
    OutTable *out;

    (void)state;
    fixture_init(&f);
    f.block.max_rows = 2;
    f.block.max_bytes = 1000;
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 2, 1);
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("1"), TX("x")));
    assert_false(block_writer_is_full(f.writer));
    fixture_insert(&f, out, ROW(TX("2"), TX("x")));
    assert_true(block_writer_is_full(f.writer));
    f.block.max_rows = 3;
    assert_false(block_writer_is_full(f.writer));
    f.block.max_bytes = 50;
    assert_true(block_writer_is_full(f.writer));
    block_writer_abandon(f.writer);
    assert_int_equal(block_writer_transactions(f.writer), 0);
    fixture_clear(&f);
}

static void
an_unknown_commit_time_is_the_time_of_reading(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(buf_clear) Buf served = BUF_INIT;
    int64_t now = clock_now_us();
    int64_t read;
    Error err;

    (void)state;
    fixture_init(&f);
    f.config.dialect.header[0] = HEADER_TIMESTAMP;
    f.config.dialect.header_count = 1;
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 1, 1);
    assert_ok(block_writer_begin(f.writer, 5, TIME_UNKNOWN, TEXT(""), &err), err);
    fixture_insert(&f, out, ROW(TX("1")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_true(block->manifest.first_commit_us == TIME_UNKNOWN);
    fixture_serve(block, 0, false, &served);
    assert_true(
        clock_parse((Text){served.data + 1, text_find((Text){served.data + 1, 40}, '"')}, &read));
    assert_true(read >= now && read < now + 10000000);
    fixture_clear(&f);
}

static void
remains_of_a_crash_do_not_get_into_a_block(void **state)
{
    Fixture f;
    char *path;
    FileList names = {NULL, 0};
    Error err;

    (void)state;
    fixture_init(&f);
    path = arena_printf(f.arena, "%s/00000000000000000001", f.directory);
    assert_ok(file_make_directory(path, &err), err);
    assert_ok(
        file_write_durable(arena_printf(f.arena, "%s/s.gone.csv", path), "\"torn", 5, &err), err);
    fixture_open(&f);
    fixture_begin(&f);
    fixture_insert(&f, fixture_table(&f, "s", "t", 1, 1), ROW(TX("1")));
    fixture_commit(&f);
    block_free(fixture_finish(&f));
    assert_ok(file_list(path, &names, &err), err);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.names[0], "manifest.json");
    assert_string_equal(names.names[1], "s.t.csv");
    file_list_free(&names);
    fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_as_the_design_says),
        cmocka_unit_test(opcodes_follow_the_options),
        cmocka_unit_test(a_table_may_want_its_updates_told_from_deletes),
        cmocka_unit_test(hard_values_come_back_byte_for_byte),
        cmocka_unit_test(what_cannot_be_written_names_table_and_column),
        cmocka_unit_test(unchanged_values_come_from_the_old_image),
        cmocka_unit_test(without_a_key_the_whole_old_row_is_written),
        cmocka_unit_test(a_truncate_begins_a_generation),
        cmocka_unit_test(changed_columns_begin_a_generation_and_equal_ones_do_not),
        cmocka_unit_test(a_block_without_lines_has_a_manifest_alone),
        cmocka_unit_test(four_hundred_tables_share_the_descriptors),
        cmocka_unit_test(hostile_names_stay_in_the_directory_and_never_meet),
        cmocka_unit_test(a_value_of_fifty_megabytes_passes),
        cmocka_unit_test(a_block_is_full_at_its_limits),
        cmocka_unit_test(an_unknown_commit_time_is_the_time_of_reading),
        cmocka_unit_test(remains_of_a_crash_do_not_get_into_a_block),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
