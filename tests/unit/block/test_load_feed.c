#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/block/fixture.h"

/* Lines with newlines and quotes in them; every second key comes twice. */
static Block *
block_of(Fixture *f, size_t rows)
{
    OutTable *out = fixture_table(f, "s", "t", 2, 1);

    fixture_begin(f);
    for (size_t i = 0; i < rows; i++)
        fixture_insert(f, out,
            ROW(TX(arena_printf(f->arena, "%zu", i / 2)), TX(i % 3 == 0 ? "a\n\"b\n" : "plain")));
    fixture_commit(f);
    return fixture_finish(f);
}

static char *
path_of_file(const Fixture *f, const Block *block)
{
    return arena_printf(f->arena, "%s/%s", block->path, block->manifest.files[0].name.data);
}

/* Replace one byte of a file. */
static void
poke(const char *path, off_t at, char byte)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static bool
drain(LoadFeed *feed, Error *err)
{
    Text piece;

    do
        if (!load_feed_read(feed, &piece, err))
            return false;
    while (piece.len > 0);
    return true;
}

static void
superseded_lines_are_left_out_across_buffers(void **state)
{
    Fixture f;
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(load_feed_close) LoadFeed *feed = NULL;
    CLEANUP(buf_clear) Buf all = BUF_INIT;
    CLEANUP(buf_clear) Buf some = BUF_INIT;
    Buf expected = BUF_INIT;
    size_t row = 0;
    bool quoted = false;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    block = block_of(&f, 20000);
    fixture_serve(block, 0, false, &all);
    fixture_serve(block, 0, true, &some);
    for (size_t i = 0; i < all.len; i++) {
        quoted ^= all.data[i] == '"';
        if (row % 2 == 1)
            buf_add_char(&expected, all.data[i]);
        row += all.data[i] == '\n' && !quoted;
    }
    assert_int_equal(row, 20000);
    assert_true(all.len > (size_t)4 * 256 * 1024);
    assert_string_equal(some.data, expected.data);
    feed = load_feed_open(block, 0, true, &err);
    assert_non_null(feed);
    assert_int_equal(load_feed_rows(feed), 10000);
    assert_true(load_feed_path(feed)[0] == '/');
    assert_ok(drain(feed, &err), err);
    assert_true(load_feed_is_finished(feed));
    assert_ok(load_feed_rewind(feed, &err), err);
    assert_false(load_feed_is_finished(feed));
    assert_ok(drain(feed, &err), err);
    assert_true(load_feed_is_finished(feed));
    buf_clear(&expected);
    fixture_clear(&f);
}

static void
damage_is_told_by_feed_and_check(void **state)
{
    Fixture f;
    CLEANUP(block_free) Block *block = NULL;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    block = block_of(&f, 4);
    assert_ok(block_check(block, true, &err), err);
    for (uint64_t at = 0; at < block->manifest.files[0].bytes; at++) {
        CLEANUP(load_feed_close) LoadFeed *feed = load_feed_open(block, 0, true, &err);
        char old;
        int fd = open(path_of_file(&f, block), O_RDONLY | O_CLOEXEC);

        assert_int_equal(pread(fd, &old, 1, (off_t)at), 1);
        (void)close(fd);
        poke(path_of_file(&f, block), (off_t)at, (char)(old ^ 1));
        assert_non_null(feed);
        assert_false(drain(feed, &err));
        assert_int_equal(err.kind, ERR_DATA);
        assert_non_null(strstr(err.text, ": checksum "));
        assert_false(block_check(block, false, &err));
        assert_non_null(strstr(err.text, ": checksum "));
        assert_false(block_check(block, true, &err));
        poke(path_of_file(&f, block), (off_t)at, old);
    }
    assert_ok(block_check(block, true, &err), err);
    assert_int_equal(truncate(path_of_file(&f, block), 50), 0);
    assert_null(load_feed_open(block, 0, true, &err));
    assert_non_null(strstr(err.text, ": 50 bytes, but the manifest says "));
    assert_false(block_check(block, false, &err));
    assert_non_null(strstr(err.text, ": 50 bytes, but the manifest says "));
    assert_false(block_check(block, true, &err));
    assert_non_null(strstr(err.text, ":1: the last line is cut off"));
    assert_int_equal(unlink(path_of_file(&f, block)), 0);
    assert_false(block_check(block, false, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_non_null(strstr(err.text, ": the manifest names it, but it is missing"));
    fixture_clear(&f);
}

static void
a_check_reads_the_lines_against_the_manifest(void **state)
{
    Fixture f;
    CLEANUP(block_free) Block *block = NULL;
    BlockFile *file;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    block = block_of(&f, 4);
    file = &block->manifest.files[0];
    file->column_count = 1;
    assert_false(block_check(block, true, &err));
    assert_non_null(strstr(err.text, "s.t.csv:1: table s.t: 6 values where 5 are expected"));
    file->column_count = 2;
    file->row_count = 5;
    assert_false(block_check(block, true, &err));
    assert_non_null(strstr(err.text, ": 4 lines, but the manifest says 5"));
    file->row_count = 4;
    file->rows[OPCODE_I] = 3;
    assert_false(block_check(block, true, &err));
    assert_non_null(strstr(err.text, ": 4 lines with opcode I, but the manifest says 3"));
    file->rows[OPCODE_I] = 4;
    block->manifest.first_seqno = 2;
    assert_false(block_check(block, true, &err));
    assert_non_null(strstr(err.text, ":1: table s.t: seqno is outside the block"));
    block->manifest.first_seqno = 1;
    block->manifest.dialect.header[1] = HEADER_ROW_ID;
    assert_false(block_check(block, true, &err));
    assert_non_null(strstr(err.text, ":4: table s.t: row_id does not grow by 1"));
    fixture_clear(&f);
}

static void
a_served_line_is_found_in_the_file(void **state)
{
    /* rows 1 and 4 have three physical lines; rows 1 and 3 are superseded */
    static const struct {
        bool skip;
        uint64_t served;
        uint64_t row_id;
        uint64_t file_line;
    } cases[] = {{false, 1, 1, 1}, {false, 3, 1, 3}, {false, 4, 2, 4}, {false, 6, 4, 6},
        {false, 8, 4, 8}, {true, 1, 2, 4}, {true, 2, 4, 6}, {true, 4, 4, 8}};
    Fixture f;
    CLEANUP(block_free) Block *block = NULL;
    Error err;
    uint64_t row_id = 0;
    uint64_t seqno = 0;
    uint64_t line = 0;

    (void)state;
    fixture_init(&f);
    f.seqno = 41;
    fixture_open(&f);
    block = block_of(&f, 4);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(load_feed_close)
        LoadFeed *feed = load_feed_open(block, 0, cases[i].skip, &err);

        assert_ok(load_feed_locate(feed, cases[i].served, &row_id, &seqno, &line, &err), err);
        assert_int_equal(row_id, cases[i].row_id);
        assert_int_equal(seqno, 42);
        assert_int_equal(line, cases[i].file_line);
        assert_false(load_feed_locate(feed, 9, &row_id, &seqno, &line, &err));
        assert_ok(drain(feed, &err), err); /* the search does not disturb the reading */
    }
    fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(superseded_lines_are_left_out_across_buffers),
        cmocka_unit_test(damage_is_told_by_feed_and_check),
        cmocka_unit_test(a_check_reads_the_lines_against_the_manifest),
        cmocka_unit_test(a_served_line_is_found_in_the_file),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
