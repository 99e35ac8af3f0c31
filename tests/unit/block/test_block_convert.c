#include "block/block_convert.h"
#include "block/tungsten.h"
#include "unit/block/fixture.h"

static CsvDialect
other_dialect(void)
{
    CsvDialect dialect = fixture_dialect();

    dialect.null_word = TEXT("NULL");
    dialect.notation = (Notation){.bools = BOOL_DIGITS,
        .zone = ZONE_UTC,
        .zero_dates = true,
        .max_year = 9999,
        .fraction_digits = 6,
        .max_hours = 838};
    dialect.header[0] = HEADER_SEQNO;
    dialect.header[1] = HEADER_ROW_ID;
    dialect.header[2] = HEADER_OPCODE;
    dialect.header_count = 3;
    return dialect;
}

static void
put_file(const char *directory, const char *name, const char *text)
{
    char *path = file_join(directory, name);
    Error err;

    assert_ok(file_write_durable(path, text, strlen(text), &err), err);
    free(path);
}

static void
a_block_goes_into_another_dialect(void **state)
{
    Fixture f;
    OutTable *out;
    CsvDialect to = other_dialect();
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(block_free) Block *converted = NULL;
    char *directory;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 4, 1);
    out->columns[1].logical = LOGICAL_BYTES;
    out->columns[2].logical = LOGICAL_BOOL;
    out->columns[3].logical = LOGICAL_TIMESTAMPTZ;
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("1"), TX("00ff"), TX("t"), TX("2016-01-01 00:30:00+01")));
    fixture_delete(&f, out, ROW(TX("NULL"), ABSENT, ABSENT, ABSENT));
    assert_ok(block_writer_truncate(f.writer, TEXT("s"), TEXT("t"), &err), err);
    fixture_commit(&f);
    block = fixture_finish(&f);
    directory = arena_printf(f.arena, "%s/converted", f.directory);
    converted = block_convert_block(block, directory, &to, "mysql", &f.values, &err);
    if (converted == NULL)
        fail_msg("%s", err.text);
    else {
        assert_served(converted, 0, true,
            "\"1\",\"1\",\"I\",\"1\",\"00ff\",\"1\",\"2015-12-31 23:30:00\"\n"
            "\"1\",\"2\",\"D\",\"NULL\",NULL,NULL,NULL\n");
        assert_text(converted->manifest.target_type, "mysql");
        assert_int_equal(converted->manifest.file_count, 2);
        assert_true(converted->manifest.files[1].truncate);
        assert_int_equal(converted->manifest.first_commit_us, FIXTURE_TIME);
        assert_ok(block_check(converted, true, &err), err);
    }
    assert_null(block_convert_block(block, directory, &to, "mysql", &f.values, &err));
    assert_non_null(strstr(err.text, "/converted/00000000000000000001: exists already"));
    fixture_clear(&f);
}

static void
a_value_that_does_not_fit_names_line_and_column(void **state)
{
    Fixture f;
    OutTable *out;
    CsvDialect to = other_dialect();
    CLEANUP(block_free) Block *block = NULL;
    char *directory;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    out = fixture_table(&f, "s", "t", 2, 1);
    out->columns[1].logical = LOGICAL_DATE;
    fixture_begin(&f);
    fixture_insert(&f, out, ROW(TX("1\n"), TX("2016-01-01")));
    fixture_insert(&f, out, ROW(TX("2"), TX("infinity")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    directory = arena_printf(f.arena, "%s/converted", f.directory);
    assert_null(block_convert_block(block, directory, &to, "mysql", &f.values, &err));
    assert_non_null(strstr(
        err.text, "s.t.csv:3: column a: value \"infinity\": the target has no infinite dates"));
    assert_false(file_exists(arena_printf(f.arena, "%s/00000000000000000001", directory)));
    fixture_clear(&f);
}

static void
tungsten_files_become_a_block(void **state)
{
    Fixture f;
    TungstenCsv csv;
    CsvDialect from;
    CsvDialect to = fixture_dialect();
    BlockColumn columns[] = {
        {TEXT("id"), TEXT(""), LOGICAL_INT}, {TEXT("url"), TEXT(""), LOGICAL_TEXT}};
    size_t key[] = {0};
    ConvertFile file = {0};
    ConvertRequest request = {0};
    CLEANUP(block_free) Block *block = NULL;
    Error err;

    (void)state;
    fixture_init(&f);
    put_file(f.directory, "shop-sites-84900.csv",
        "\"I\",\"84900\",\"1\",\"2016-03-11 20:51:10.000\",\"986\",\"a\\\"b\\\\\"\n"
        "\"UD\",\"84901\",\"2\",\"2016-03-11 20:51:11.000\",\"143\",\\N\n"
        "\"UI\",\"84903\",\"3\",\"2016-03-11 20:51:11.000\",\"143\",\"\\\\N\"\n");
    assert_false(tungsten_csv_parse(TEXT("mysq"), &csv));
    assert_false(tungsten_csv_parse(TEXT(""), &csv));
    assert_true(tungsten_csv_parse(TEXT("redshift"), &csv));
    assert_int_equal(csv, TUNGSTEN_CSV_REDSHIFT);
    assert_true(tungsten_csv_parse(TEXT("mysql"), &csv));
    from = tungsten_dialect(csv);
    file.path = arena_printf(f.arena, "%s/shop-sites-84900.csv", f.directory);
    file.table = (BlockFile){.schema = TEXT("shop"),
        .table = TEXT("sites"),
        .columns = columns,
        .column_count = 2,
        .key = key,
        .key_count = 1};
    request = (ConvertRequest){.files = &file,
        .file_count = 1,
        .counts_seqnos = true,
        .directory = f.directory,
        .to = &to,
        .target_type = "postgres",
        .values = &f.values};
    request.manifest = (Manifest){.service = TEXT("sales"), .first_seqno = 84900, .dialect = from};
    block = block_convert(&request, &err);
    if (block == NULL)
        fail_msg("%s", err.text);
    else {
        assert_served(block, 0, true,
            "\"I\",\"84900\",\"1\",\"2016-03-11 20:51:10.000\",\"986\",\"a\"\"b\\\"\n"
            "\"UD\",\"84901\",\"2\",\"2016-03-11 20:51:11.000\",\"143\",null\n"
            "\"UI\",\"84903\",\"3\",\"2016-03-11 20:51:11.000\",\"143\",\"\\N\"\n");
        assert_int_equal(block->manifest.last_seqno, 84903);
        assert_int_equal(block->manifest.transactions, 4);
        assert_int_equal(block->manifest.first_commit_us, FIXTURE_TIME);
        assert_int_equal(block->manifest.last_commit_us, FIXTURE_TIME + 1000000);
        assert_ok(block_check(block, true, &err), err);
    }
    fixture_clear(&f);
}

static void
tungsten_names_are_split_from_the_right(void **state)
{
    Fixture f;
    TungstenFile *files;
    size_t count;
    TungstenTable known[] = {{TEXT("a-b"), TEXT("c")}};
    TungstenTable both[] = {{TEXT("a-b"), TEXT("c")}, {TEXT("a"), TEXT("b-c")}};
    Error err;

    (void)state;
    fixture_init(&f);
    assert_false(tungsten_is_directory(f.directory));
    put_file(f.directory, "s-t-10.csv", "");
    put_file(f.directory, "s-u-9.csv", "");
    put_file(f.directory, "s-t.csv", "");
    put_file(f.directory, "t-10.csv", "");
    put_file(f.directory, "s-t-10.txt", "");
    assert_true(tungsten_is_directory(f.directory));
    assert_ok(tungsten_list(f.directory, NULL, 0, f.arena, &files, &count, &err), err);
    assert_int_equal(count, 2);
    assert_text(files[0].table, "u");
    assert_int_equal(files[0].first_seqno, 9);
    assert_text(files[1].schema, "s");
    put_file(f.directory, "a-b-c-10.csv", "");
    assert_false(tungsten_list(f.directory, NULL, 0, f.arena, &files, &count, &err));
    assert_non_null(strstr(err.text, ": a-b-c-10.csv: ambiguous: "));
    assert_ok(tungsten_list(f.directory, known, 1, f.arena, &files, &count, &err), err);
    assert_text(files[1].schema, "a-b");
    assert_text(files[1].table, "c");
    assert_false(tungsten_list(f.directory, both, 2, f.arena, &files, &count, &err));
    put_file(f.directory, "manifest.json", "");
    assert_false(tungsten_is_directory(f.directory));
    fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_goes_into_another_dialect),
        cmocka_unit_test(a_value_that_does_not_fit_names_line_and_column),
        cmocka_unit_test(tungsten_files_become_a_block),
        cmocka_unit_test(tungsten_names_are_split_from_the_right),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
