/* What the block writer makes of values that an update left unchanged and the source did not
 * repeat. Tables have the key "id" and the text columns a, b, c …, of which the last ones may be
 * left out. */
#include <unistd.h>

#include "block/block_convert.h"
#include "unit/block/fixture.h"

/* A dialect whose lines are short: opcode, row_id, unchanged. */
static void
open_writer(Fixture *f)
{
    fixture_init(f);
    f->config.dialect.header[0] = HEADER_OPCODE;
    f->config.dialect.header[1] = HEADER_ROW_ID;
    f->config.dialect.header[2] = HEADER_UNCHANGED;
    f->config.dialect.header_count = 3;
    f->config.dialect.header_names[HEADER_UNCHANGED] = TEXT("dray_unchanged");
    fixture_open(f);
}

/* columns besides the key; all of them may be left out */
static OutTable *
table_with(Fixture *f, size_t columns)
{
    OutTable *out = fixture_table(f, "public", "doc", columns + 1, 1);

    for (size_t i = 1; i <= columns; i++)
        out->columns[i].may_omit = true;
    return out;
}

#define KEY(id) ROW(TX(id), ABSENT, ABSENT, ABSENT)

/* Finish, check the block, and compare what a load reads: every line, or (compact) the last ones.
 */
static Block *
finish(Fixture *f, const char *every, const char *compact)
{
    Block *block;
    Error err;

    fixture_commit(f);
    block = fixture_finish(f);
    assert_served(block, 0, false, every);
    if (compact != NULL)
        assert_served(block, 0, true, compact);
    assert_ok(block_check(block, true, &err), err);
    return block;
}

/* finish() where the block itself tells no more. */
static void
check_lines(Fixture *f, const char *every, const char *compact)
{
    block_free(finish(f, every, compact));
}

static void
an_earlier_image_in_the_block_gives_the_value(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("1"), TX("x"), TX("say \"hi\",\n"), NUL));
    fixture_commit(&f);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), TX("y"), UNCHANGED, UNCHANGED));
    block = finish(&f,
        "\"I\",\"1\",null,\"1\",\"x\",\"say \"\"hi\"\",\n\",null\n"
        "\"D\",\"2\",null,\"1\",null,null,null\n"
        "\"I\",\"3\",null,\"1\",\"y\",\"say \"\"hi\"\",\n\",null\n",
        "\"I\",\"3\",null,\"1\",\"y\",\"say \"\"hi\"\",\n\",null\n");
    assert_int_equal(block->manifest.files[0].unchanged_count, 0);
    assert_int_equal(block->manifest.files[0].rows[OPCODE_O], 0);
    fixture_clear(&f);
}

static void
without_an_earlier_image_the_line_is_marked_and_says_where_the_value_is(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("7"), ROW(TX("7"), UNCHANGED, TX("b"), UNCHANGED));
    block = finish(&f,
        "\"D\",\"1\",null,\"7\",null,null,null\n"
        "\"O\",\"2\",null,\"7\",null,null,null\n"
        "\"I\",\"3\",\",2,4,\",\"7\",null,\"b\",null\n",
        "\"O\",\"2\",null,\"7\",null,null,null\n"
        "\"I\",\"3\",\",2,4,\",\"7\",null,\"b\",null\n");
    assert_int_equal(block->manifest.files[0].unchanged_count, 2);
    assert_int_equal(block->manifest.files[0].unchanged[0], 1);
    assert_int_equal(block->manifest.files[0].unchanged[1], 3);
    assert_int_equal(block->manifest.files[0].rows[OPCODE_O], 1);
    assert_int_equal(block->manifest.files[0].moved_origins, 0);
    assert_int_equal(block->superseded[0].origin_count, 0);
    fixture_clear(&f);
}

static void
a_new_block_knows_nothing_of_the_one_before(void **state)
{
    Fixture f;
    OutTable *out;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("1"), TX("x"), TX("y"), TX("z")));
    fixture_commit(&f);
    block_free(fixture_finish(&f));
    fixture_begin(&f);
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), TX("new"), TX("y"), UNCHANGED));
    check_lines(&f,
        "\"D\",\"1\",null,\"1\",null,null,null\n"
        "\"O\",\"2\",null,\"1\",null,null,null\n"
        "\"I\",\"3\",\",4,\",\"1\",\"new\",\"y\",null\n",
        NULL);
    fixture_clear(&f);
}

static void
a_chain_of_updates_is_marked_in_every_line_and_loaded_as_one(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), UNCHANGED, UNCHANGED, TX("1")));
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), UNCHANGED, TX("whole"), UNCHANGED));
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), UNCHANGED, UNCHANGED, UNCHANGED));
    block = finish(&f,
        "\"D\",\"1\",null,\"1\",null,null,null\n"
        "\"O\",\"2\",null,\"1\",null,null,null\n"
        "\"I\",\"3\",\",2,3,\",\"1\",null,null,\"1\"\n"
        "\"D\",\"4\",null,\"1\",null,null,null\n"
        "\"O\",\"5\",null,\"1\",null,null,null\n"
        "\"I\",\"6\",\",2,\",\"1\",null,\"whole\",\"1\"\n"
        "\"D\",\"7\",null,\"1\",null,null,null\n"
        "\"O\",\"8\",null,\"1\",null,null,null\n"
        "\"I\",\"9\",\",2,\",\"1\",null,\"whole\",\"1\"\n",
        "\"O\",\"8\",null,\"1\",null,null,null\n"
        "\"I\",\"9\",\",2,\",\"1\",null,\"whole\",\"1\"\n");
    assert_int_equal(block->superseded[0].set_count, 7);
    assert_int_equal(block->superseded[0].origin_count, 2);
    assert_int_equal(block->manifest.files[0].rows[OPCODE_O], 3);
    fixture_clear(&f);
}

/* Twice, and then updates that leave the key alone: the origin stays the key before the file. */
static void
a_row_that_changes_its_key_has_its_values_under_the_first_one(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("1"), ROW(TX("2"), TX("a"), TX("b"), UNCHANGED));
    fixture_commit(&f);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("2"), ROW(TX("3"), UNCHANGED, TX("c"), UNCHANGED));
    fixture_update(&f, out, KEY("3"), ROW(TX("3"), UNCHANGED, UNCHANGED, UNCHANGED));
    block = finish(&f,
        "\"D\",\"1\",null,\"1\",null,null,null\n"
        "\"O\",\"2\",null,\"1\",null,null,null\n"
        "\"I\",\"3\",\",4,\",\"2\",\"a\",\"b\",null\n"
        "\"D\",\"4\",null,\"2\",null,null,null\n"
        "\"O\",\"5\",null,\"1\",null,null,null\n"
        "\"I\",\"6\",\",4,\",\"3\",\"a\",\"c\",null\n"
        "\"D\",\"7\",null,\"3\",null,null,null\n"
        "\"O\",\"8\",null,\"1\",null,null,null\n"
        "\"I\",\"9\",\",4,\",\"3\",\"a\",\"c\",null\n",
        "\"D\",\"1\",null,\"1\",null,null,null\n"
        "\"D\",\"4\",null,\"2\",null,null,null\n"
        "\"O\",\"8\",null,\"1\",null,null,null\n"
        "\"I\",\"9\",\",4,\",\"3\",\"a\",\"c\",null\n");
    assert_int_equal(block->manifest.files[0].moved_origins, 3);
    fixture_clear(&f);
}

/* The key that a row left may be another row's afterwards: neither takes the other's values. */
static void
a_key_that_is_used_again_is_another_row(void **state)
{
    Fixture f;
    OutTable *out;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("1"), ROW(TX("2"), TX("a"), TX("b"), UNCHANGED));
    fixture_insert(&f, out, ROW(TX("1"), TX("new"), TX("new"), TX("new")));
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), TX("newer"), UNCHANGED, UNCHANGED));
    fixture_update(&f, out, KEY("2"), ROW(TX("2"), TX("d"), UNCHANGED, UNCHANGED));
    check_lines(&f,
        "\"D\",\"1\",null,\"1\",null,null,null\n"
        "\"O\",\"2\",null,\"1\",null,null,null\n"
        "\"I\",\"3\",\",4,\",\"2\",\"a\",\"b\",null\n"
        "\"I\",\"4\",null,\"1\",\"new\",\"new\",\"new\"\n"
        "\"D\",\"5\",null,\"1\",null,null,null\n"
        "\"I\",\"6\",null,\"1\",\"newer\",\"new\",\"new\"\n"
        "\"D\",\"7\",null,\"2\",null,null,null\n"
        "\"O\",\"8\",null,\"1\",null,null,null\n"
        "\"I\",\"9\",\",4,\",\"2\",\"d\",\"b\",null\n",
        "\"I\",\"6\",null,\"1\",\"newer\",\"new\",\"new\"\n"
        "\"O\",\"8\",null,\"1\",null,null,null\n"
        "\"I\",\"9\",\",4,\",\"2\",\"d\",\"b\",null\n");
    fixture_clear(&f);
}

static void
a_row_that_is_deleted_and_comes_again_has_its_new_values(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), TX("a"), TX("b"), UNCHANGED));
    fixture_delete(&f, out, KEY("1"));
    fixture_insert(&f, out, ROW(TX("1"), TX("p"), TX("q"), TX("r")));
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), UNCHANGED, TX("s"), UNCHANGED));
    block = finish(&f,
        "\"D\",\"1\",null,\"1\",null,null,null\n"
        "\"O\",\"2\",null,\"1\",null,null,null\n"
        "\"I\",\"3\",\",4,\",\"1\",\"a\",\"b\",null\n"
        "\"D\",\"4\",null,\"1\",null,null,null\n"
        "\"I\",\"5\",null,\"1\",\"p\",\"q\",\"r\"\n"
        "\"D\",\"6\",null,\"1\",null,null,null\n"
        "\"I\",\"7\",null,\"1\",\"p\",\"s\",\"r\"\n",
        "\"I\",\"7\",null,\"1\",\"p\",\"s\",\"r\"\n");
    assert_int_equal(block->superseded[0].origin_count, 1);
    fixture_clear(&f);
}

static void
opcodes_of_updates_are_known_as_images(void **state)
{
    Fixture f;
    OutTable *out;

    (void)state;
    open_writer(&f);
    f.block.update_opcode = f.block.distinguish_updates = true;
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("1"), ROW(TX("1"), TX("a"), TX("b"), UNCHANGED));
    fixture_update(&f, out, KEY("1"), ROW(TX("2"), UNCHANGED, TX("c"), UNCHANGED));
    fixture_update(&f, out, KEY("2"), ROW(TX("2"), UNCHANGED, UNCHANGED, TX("d")));
    fixture_update(&f, out, KEY("2"), ROW(TX("2"), TX("e"), UNCHANGED, UNCHANGED));
    check_lines(&f,
        "\"O\",\"1\",null,\"1\",null,null,null\n"
        "\"U\",\"2\",\",4,\",\"1\",\"a\",\"b\",null\n"
        "\"UD\",\"3\",null,\"1\",null,null,null\n"
        "\"O\",\"4\",null,\"1\",null,null,null\n"
        "\"UI\",\"5\",\",4,\",\"2\",\"a\",\"c\",null\n"
        "\"U\",\"6\",null,\"2\",\"a\",\"c\",\"d\"\n"
        "\"U\",\"7\",null,\"2\",\"e\",\"c\",\"d\"\n",
        "\"UD\",\"3\",null,\"1\",null,null,null\n\"U\",\"7\",null,\"2\",\"e\",\"c\",\"d\"\n");
    fixture_clear(&f);
}

/* The rows are found without the hash of compaction too. */
static void
lines_are_found_without_compaction(void **state)
{
    for (int without = 0; without < 3; without++) {
        Fixture f;
        OutTable *out;

        (void)state;
        open_writer(&f);
        out = table_with(&f, 1);
        f.block.compact = without != 0;
        out->all_lines = without == 1;
        if (without == 2)
            f.block.compact_memory = 0;
        fixture_begin(&f);
        fixture_insert(&f, out, ROW(TX("1"), TX("x")));
        fixture_update(&f, out, ROW(TX("1"), ABSENT), ROW(TX("2"), UNCHANGED));
        check_lines(&f,
            "\"I\",\"1\",null,\"1\",\"x\"\n\"D\",\"2\",null,\"1\",null\n"
            "\"I\",\"3\",null,\"2\",\"x\"\n",
            NULL);
        fixture_clear(&f);
    }
}

static void
a_value_that_looks_like_a_mark_is_a_value(void **state)
{
    static const char *const values[] = {
        ",2,", ",2,3,", "null", "O", "", "\"", "\\N", "NULL", "unchanged"};
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(buf_clear) Buf served = BUF_INIT;
    Error err;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 2);
    fixture_begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        fixture_insert(&f, out, ROW(TX(values[i]), TX(values[i]), TX(values[i])));
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        fixture_update(
            &f, out, ROW(TX(values[i]), ABSENT, ABSENT), ROW(TX(values[i]), UNCHANGED, TX("u")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_int_equal(block->manifest.files[0].rows[OPCODE_O], 0);
    assert_ok(block_check(block, true, &err), err);
    fixture_serve(block, 0, true, &served);
    assert_string_equal(served.data,
        "\"I\",\"11\",null,\",2,\",\",2,\",\"u\"\n"
        "\"I\",\"13\",null,\",2,3,\",\",2,3,\",\"u\"\n"
        "\"I\",\"15\",null,\"null\",\"null\",\"u\"\n\"I\",\"17\",null,\"O\",\"O\",\"u\"\n"
        "\"I\",\"19\",null,\"\",\"\",\"u\"\n\"I\",\"21\",null,\"\"\"\",\"\"\"\",\"u\"\n"
        "\"I\",\"23\",null,\"\\N\",\"\\N\",\"u\"\n\"I\",\"25\",null,\"NULL\",\"NULL\",\"u\"\n"
        "\"I\",\"27\",null,\"unchanged\",\"unchanged\",\"u\"\n");
    fixture_clear(&f);
}

/* Bytes are in the target's notation in the file already, and are not converted once more. */
static void
a_value_is_copied_in_the_notation_of_the_target(void **state)
{
    Fixture f;
    OutTable *out;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 1);
    out->columns[0].logical = LOGICAL_BYTES;
    out->columns[1].logical = LOGICAL_BYTES;
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("0a"), TX("00ff")));
    fixture_update(&f, out, ROW(TX("0a"), ABSENT), ROW(TX("0a"), UNCHANGED));
    fixture_update(&f, out, ROW(TX("0b"), ABSENT), ROW(TX("0c"), UNCHANGED));
    fixture_update(&f, out, ROW(TX("0c"), ABSENT), ROW(TX("0d"), UNCHANGED));
    check_lines(&f,
        "\"I\",\"1\",null,\"\\x0a\",\"\\x00ff\"\n\"D\",\"2\",null,\"\\x0a\",null\n"
        "\"I\",\"3\",null,\"\\x0a\",\"\\x00ff\"\n"
        "\"D\",\"4\",null,\"\\x0b\",null\n\"O\",\"5\",null,\"\\x0b\",null\n"
        "\"I\",\"6\",\",2,\",\"\\x0c\",null\n\"D\",\"7\",null,\"\\x0c\",null\n"
        "\"O\",\"8\",null,\"\\x0b\",null\n\"I\",\"9\",\",2,\",\"\\x0d\",null\n",
        NULL);
    fixture_clear(&f);
}

/* Values larger than every buffer, lines that were flushed long ago, files that were closed. */
static void
lines_are_read_back_from_the_disk(void **state)
{
    enum { ROWS = 40, TABLES = 400, LARGE = 300000 };
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(buf_clear) Buf large = BUF_INIT;
    CLEANUP(buf_clear) Buf served = BUF_INIT;
    char id[12];
    size_t found = 0;
    Error err;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 2);
    for (size_t i = 0; i < LARGE; i++)
        buf_add_char(&large, "ab\"\n,"[i % 5]);
    fixture_begin(&f);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        fixture_insert(&f, out,
            ROW(TX(id), i % 4 == 0 ? ((Value){VALUE_TEXT, buf_text(&large)}) : TX(id), TX("old")));
    }
    for (int i = 0; i < TABLES; i++)
        fixture_insert(
            &f, fixture_table(&f, "many", arena_printf(f.arena, "t%d", i), 1, 1), ROW(TX("1")));
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        fixture_update(&f, out, ROW(TX(id), ABSENT, ABSENT), ROW(TX(id), UNCHANGED, TX("updated")));
    }
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_ok(block_check(block, true, &err), err);
    assert_int_equal(block->manifest.files[0].rows[OPCODE_O], 0);
    fixture_serve(block, 0, true, &served);
    for (const char *at = served.data; (at = strstr(at, "\"updated\"\n")) != NULL; at++)
        found++;
    assert_int_equal(found, ROWS);
    assert_true(served.len > (size_t)LARGE * ROWS / 4);
    assert_null(strstr(served.data, "null,null"));
    fixture_clear(&f);
}

/* Rows of a generation that was ended are in the base table when the next one is merged. */
static void
what_does_not_fit_into_memory_begins_a_new_generation(void **state)
{
    enum { ROWS = 1000 };
    Fixture f;
    OutTable *out;
    OutTable *other;
    CLEANUP(block_free) Block *block = NULL;
    char id[12];
    uint64_t origins = 0;
    Error err;

    (void)state;
    open_writer(&f);
    f.block.compact_memory = 8192;
    out = table_with(&f, 1);
    other = table_with(&f, 1);
    other->source_name = TEXT("other");
    fixture_begin(&f);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        fixture_insert(&f, out, ROW(TX(id), TX("x")));
        if (i % 10 == 0)
            fixture_insert(&f, other, ROW(TX(id), TX("x")));
    }
    for (int i = 0; i < ROWS; i++) {
        char key[13];

        (void)snprintf(id, sizeof(id), "%d", i);
        (void)snprintf(key, sizeof(key), "-%d", i);
        fixture_update(&f, out, ROW(TX(id), ABSENT), ROW(TX(key), UNCHANGED));
        fixture_update(&f, out, ROW(TX(key), ABSENT), ROW(TX(key), UNCHANGED));
    }
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_ok(block_check(block, true, &err), err);
    assert_true(block->manifest.file_count > 4);
    assert_true(block->manifest.file_count < 60);
    for (size_t i = 0; i < block->manifest.file_count; i++) {
        const BlockFile *file = &block->manifest.files[i];

        origins += file->rows[OPCODE_O];
        if (text_is(file->table, "doc"))
            assert_int_equal(file->generation, i + 1);
    }
    assert_true(origins >= 2 * ROWS - 100);
    fixture_clear(&f);
}

static void
a_truncate_or_new_columns_forget_the_rows(void **state)
{
    Fixture f;
    OutTable *out;
    OutTable *wider;
    CLEANUP(block_free) Block *block = NULL;
    Error err;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 1);
    wider = table_with(&f, 2);
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("1"), TX("x")));
    fixture_update(&f, wider, ROW(TX("1"), ABSENT, ABSENT), ROW(TX("1"), UNCHANGED, TX("added")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_served(block, 1, true,
        "\"O\",\"2\",null,\"1\",null,null\n\"I\",\"3\",\",2,\",\"1\",null,\"added\"\n");
    assert_ok(block_check(block, true, &err), err);
    fixture_clear(&f);
}

/* A table that does not leave values out any more (REPLICA IDENTITY FULL) begins a new file. */
static void
a_table_may_begin_to_leave_values_out(void **state)
{
    Fixture f;
    OutTable *full;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;

    (void)state;
    open_writer(&f);
    full = fixture_table(&f, "public", "doc", 2, 1);
    out = table_with(&f, 1);
    fixture_begin(&f);
    fixture_insert(&f, full, ROW(TX("1"), TX("x")));
    fixture_update(&f, full, ROW(TX("1"), TX("x")), ROW(TX("2"), UNCHANGED));
    fixture_update(&f, out, ROW(TX("2"), ABSENT), ROW(TX("2"), UNCHANGED));
    fixture_commit(&f);
    block = fixture_finish(&f);
    assert_int_equal(block->manifest.file_count, 2);
    assert_served(block, 0, true, "\"D\",\"2\",null,\"1\",null\n\"I\",\"3\",null,\"2\",\"x\"\n");
    assert_served(block, 1, true, "\"O\",\"2\",null,\"2\",null\n\"I\",\"3\",\",2,\",\"2\",null\n");
    fixture_clear(&f);
}

static void
what_cannot_be_known_is_refused(void **state)
{
    static const char *const reasons[] = {
        "table public.doc: seqno 1: column a: the update left the value unchanged, the source does "
        "not repeat it, and the last line of this key in the block is a delete, or a change to "
        "another key: give the table REPLICA IDENTITY FULL",
        "table public.doc: seqno 1: column a: the update left the value unchanged, the source does "
        "not repeat it, and two rows have met at this key, so that it is not known which one "
        "changes: give the table REPLICA IDENTITY FULL",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        Fixture f;
        OutTable *out;
        Change change = {CHANGE_UPDATE, NULL, ROW(TX("2"), UNCHANGED), ROW(TX("2"), ABSENT)};
        Error err;

        open_writer(&f);
        out = table_with(&f, 1);
        fixture_begin(&f);
        if (i == 0) {
            fixture_delete(&f, out, ROW(TX("2"), ABSENT));
        } else {
            fixture_insert(&f, out, ROW(TX("1"), TX("one")));
            fixture_insert(&f, out, ROW(TX("2"), TX("two")));
            fixture_update(&f, out, ROW(TX("1"), ABSENT), ROW(TX("2"), UNCHANGED));
        }
        assert_false(block_writer_change(f.writer, out, &change, &err));
        assert_int_equal(err.kind, ERR_DATA);
        assert_string_equal(err.text, reasons[i]);
        fixture_clear(&f);
    }
}

/* A source whose files have no such header column (jsonl) has the error of old. */
static void
without_the_header_column_nothing_is_left_out(void **state)
{
    Fixture f;
    OutTable *out;
    Change change = {CHANGE_UPDATE, NULL, ROW(TX("2"), UNCHANGED), ROW(TX("2"), ABSENT)};
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    out = table_with(&f, 1);
    fixture_begin(&f);
    assert_false(block_writer_change(f.writer, out, &change, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(err.text,
        "table public.doc: seqno 1: the source does not tell the value of column a, which the "
        "update left unchanged");
    fixture_clear(&f);
}

/* To another target and back: marks and O lines go along, line by line. */
static void
a_conversion_keeps_what_is_left_out(void **state)
{
    Fixture f;
    OutTable *out;
    CsvDialect to;
    char *directory;
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(block_free) Block *converted = NULL;
    Error err;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 1);
    out->columns[1].logical = LOGICAL_BYTES;
    fixture_begin(&f);
    fixture_update(&f, out, ROW(TX("1"), ABSENT), ROW(TX("2"), UNCHANGED));
    fixture_update(&f, out, ROW(TX("3"), ABSENT), ROW(TX("3"), TX("00ff")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    to = f.config.dialect;
    to.notation.bytes = BYTES_HEX;
    to.null_word = TEXT("NULL");
    to.header[0] = HEADER_UNCHANGED;
    to.header[2] = HEADER_OPCODE;
    directory = file_join(f.directory, "converted");
    converted = block_convert_block(block, directory, &to, "mysql", &f.values, &err);
    assert_ok(converted != NULL, err);
    assert_served(converted, 0, true,
        "NULL,\"1\",\"D\",\"1\",NULL\nNULL,\"2\",\"O\",\"1\",NULL\n"
        "\",2,\",\"3\",\"I\",\"2\",NULL\nNULL,\"4\",\"D\",\"3\",NULL\n"
        "NULL,\"5\",\"I\",\"3\",\"00ff\"\n");
    assert_int_equal(converted->manifest.files[0].unchanged_count, 1);
    assert_int_equal(converted->manifest.files[0].moved_origins, 1);
    assert_ok(block_check(converted, true, &err), err);
    to.header[0] = HEADER_SERVICE;
    block_free(STEAL(converted));
    assert_ok(file_remove_tree(directory, &err), err);
    converted = block_convert_block(block, directory, &to, "mysql", &f.values, &err);
    assert_null(converted);
    assert_int_equal(err.kind, ERR_INTERNAL);
    free(directory);
    fixture_clear(&f);
}

static void
the_manifest_says_which_columns_are_left_out(void **state)
{
    Fixture f;
    OutTable *out;
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(block_free) Block *again = NULL;
    CLEANUP(buf_clear) Buf json = BUF_INIT;
    Error err;

    (void)state;
    open_writer(&f);
    out = table_with(&f, 3);
    fixture_begin(&f);
    fixture_update(&f, out, KEY("1"), ROW(TX("2"), UNCHANGED, TX("b"), UNCHANGED));
    fixture_commit(&f);
    block = fixture_finish(&f);
    again = block_open(block->path, &err);
    assert_non_null(again);
    assert_int_equal(again->manifest.files[0].unchanged_count, 2);
    assert_int_equal(again->manifest.files[0].unchanged[1], 3);
    assert_int_equal(again->manifest.files[0].moved_origins, 1);
    manifest_print(&block->manifest, &json);
    assert_non_null(strstr(json.data, "\"O\": 1"));
    assert_non_null(strstr(json.data, "\"unchanged\": [\n        2,\n        4\n      ]"));
    assert_non_null(strstr(json.data, "\"moved_origins\": 1"));
    fixture_clear(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_earlier_image_in_the_block_gives_the_value),
    cmocka_unit_test(without_an_earlier_image_the_line_is_marked_and_says_where_the_value_is),
    cmocka_unit_test(a_new_block_knows_nothing_of_the_one_before),
    cmocka_unit_test(a_chain_of_updates_is_marked_in_every_line_and_loaded_as_one),
    cmocka_unit_test(a_row_that_changes_its_key_has_its_values_under_the_first_one),
    cmocka_unit_test(a_key_that_is_used_again_is_another_row),
    cmocka_unit_test(a_row_that_is_deleted_and_comes_again_has_its_new_values),
    cmocka_unit_test(opcodes_of_updates_are_known_as_images),
    cmocka_unit_test(lines_are_found_without_compaction),
    cmocka_unit_test(a_value_that_looks_like_a_mark_is_a_value),
    cmocka_unit_test(a_value_is_copied_in_the_notation_of_the_target),
    cmocka_unit_test(lines_are_read_back_from_the_disk),
    cmocka_unit_test(what_does_not_fit_into_memory_begins_a_new_generation),
    cmocka_unit_test(a_truncate_or_new_columns_forget_the_rows),
    cmocka_unit_test(a_table_may_begin_to_leave_values_out),
    cmocka_unit_test(what_cannot_be_known_is_refused),
    cmocka_unit_test(without_the_header_column_nothing_is_left_out),
    cmocka_unit_test(a_conversion_keeps_what_is_left_out),
    cmocka_unit_test(the_manifest_says_which_columns_are_left_out),
};

TEST_MAIN(tests)
