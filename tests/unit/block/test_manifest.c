#include "unit/block/fixture.h"

static Manifest
sample(Arena *arena)
{
    Manifest manifest = {.service = TEXT("sales"),
        .fence = UINT64_MAX,
        .first_seqno = 84900,
        .last_seqno = 84901,
        .first_commit_us = FIXTURE_TIME,
        .last_commit_us = TIME_UNKNOWN,
        .position_before = TEXT(""),
        .position_after = TEXT("0/1\xff\x00Z"),
        .transactions = 2,
        .dialect = fixture_dialect(),
        .target_type = TEXT("postgres"),
        .files = ARENA_ARRAY(arena, BlockFile, 2),
        .file_count = 2};

    manifest.files[0] = (BlockFile){.name = TEXT("public.o\"x.csv"),
        .schema = TEXT("public"),
        .table = TEXT("o\"x\xC3\xA9"),
        .generation = 1,
        .columns = ARENA_ARRAY(arena, BlockColumn, 2),
        .column_count = 2,
        .key = ARENA_ARRAY(arena, size_t, 2),
        .key_count = 2,
        .rows = {3, 1},
        .row_count = 4,
        .bytes = 100,
        .checksum = UINT64_C(0xfedcba9876543210),
        .contested = ARENA_ARRAY(arena, ContestedPair, 2),
        .contested_count = 2};
    manifest.files[0].contested[0] = (ContestedPair){2, 3};
    manifest.files[0].contested[1] = (ContestedPair){1, 4};
    manifest.files[0].columns[0] = (BlockColumn){TEXT("id"), TEXT("bigint"), LOGICAL_INT};
    manifest.files[0].columns[1] = (BlockColumn){TEXT("\xff"), TEXT(""), LOGICAL_TIMESTAMPTZ};
    manifest.files[0].key[0] = 1;
    manifest.files[1] = (BlockFile){.schema = TEXT(""),
        .table = TEXT("t"),
        .generation = 2,
        .truncate = true,
        .truncate_seqno = 84901,
        .truncate_time_us = FIXTURE_TIME + 1,
        .columns = ARENA_ARRAY(arena, BlockColumn, 1),
        .key = ARENA_ARRAY(arena, size_t, 1)};
    return manifest;
}

static void
what_is_written_is_read_back(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Manifest manifest = sample(arena);
    Manifest back;
    char *directory = test_directory();
    CLEANUP(buf_clear) Buf before = BUF_INIT;
    CLEANUP(buf_clear) Buf after = BUF_INIT;
    Error err;

    (void)state;
    manifest.dialect.notation.geometry = GEOMETRY_EWKT;
    manifest.dialect.notation.long_times = true;
    assert_ok(manifest_write(&manifest, directory, &err), err);
    assert_ok(manifest_read(directory, arena, &back, &err), err);
    manifest_print(&manifest, &before);
    manifest_print(&back, &after);
    assert_string_equal(before.data, after.data);
    assert_true(back.fence == UINT64_MAX);
    assert_true(back.last_commit_us == TIME_UNKNOWN);
    assert_true(back.first_commit_us == FIXTURE_TIME);
    assert_true(back.files[1].truncate_time_us == FIXTURE_TIME + 1);
    assert_true(text_equal(back.position_after, TEXT("0/1\xff\x00Z")));
    assert_true(text_is(back.files[0].columns[1].name, "\xff"));
    assert_int_equal(back.files[0].columns[1].logical, LOGICAL_TIMESTAMPTZ);
    assert_true(back.files[0].checksum == UINT64_C(0xfedcba9876543210));
    assert_null(back.files[1].name.data);
    assert_int_equal(back.files[0].contested_count, 2);
    assert_true(back.files[0].contested[1].image == 1 && back.files[0].contested[1].end == 4);
    assert_int_equal(back.files[1].contested_count, 0);
    assert_null(strstr(strstr(before.data, "\"table\": \"t\""), "contested"));
    assert_int_equal(back.dialect.header[3], HEADER_TIMESTAMP);
    assert_text(back.dialect.header_names[HEADER_ROW_ID], "dray_row_id");
    assert_true(back.dialect.notation.bc_dates);
    assert_int_equal(back.dialect.notation.geometry, GEOMETRY_EWKT);
    assert_true(back.dialect.notation.long_times);
    assert_ok(file_remove_tree(directory, &err), err);
    free(directory);
}

/* The sample's text with one piece replaced, parsed. */
static void
parse_edited(const char *from, const char *to, Error *err, bool *ret_ok)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Manifest manifest = sample(arena);
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    CLEANUP(buf_clear) Buf edited = BUF_INIT;
    const char *at;

    manifest_print(&manifest, &text);
    at = strstr(text.data, from);
    if (at == NULL)
        fail_msg("not in the manifest: %s", from);
    else {
        buf_add(&edited, text.data, (size_t)(at - text.data));
        buf_add_string(&edited, to);
        buf_add_string(&edited, at + strlen(from));
    }
    *ret_ok = manifest_parse("d/manifest.json", buf_text(&edited), arena, &manifest, err);
}

static void
a_manifest_from_before_geometries_is_read(void **state)
{
    bool ok = false;
    Error err = {0};

    (void)state;
    parse_edited("\"geometry\": \"ewkb\",", "", &err, &ok);
    assert_ok(ok, err);
    parse_edited(",\n    \"long_times\": false", "", &err, &ok);
    assert_ok(ok, err);
    parse_edited("\"nul_texts\": false,", "", &err, &ok);
    assert_ok(ok, err);
}

static void
an_edited_manifest_is_refused_with_the_field(void **state)
{
    static const char *const cases[][3] = {
        {"\"version\": 1", "\"version\": 2",
            "version: format version 2, but this program reads only 1"},
        {"\"version\": 1,", "", "version: missing"},
        {"\"fence\": \"18446744073709551615\"", "\"fence\": \"18446744073709551616\"",
            "fence: not a whole number of 0 to 18446744073709551615"},
        {"\"transactions\": 2", "\"transactions\": -2",
            "transactions: not a whole number of 0 to 18446744073709551615"},
        {"\"transactions\": 2", "\"transactions\": 2.0",
            "transactions: not a whole number of 0 to 18446744073709551615"},
        {"\"last_seqno\": 84901", "\"last_seqno\": 1", "last_seqno: less than first_seqno"},
        {"\"service\": \"sales\"", "\"service\": null", "service: not a text"},
        {"\"first_commit\": \"2016-03-11", "\"first_commit\": \"2016-13-11",
            "first_commit: neither a time nor null"},
        {"\"style\": \"quoted\"", "\"style\": \"q\"", "dialect.style: an unknown word"},
        {"\"column\": \"row_id\"", "\"column\": \"seqno\"",
            "dialect.header: an unknown or repeated column"},
        {"\"bc_dates\": true", "\"bc_dates\": 1", "dialect.bc_dates: neither true nor false"},
        {"\"geometry\": \"ewkb\"", "\"geometry\": \"wkb\"", "dialect.geometry: an unknown word"},
        {"\"long_times\": false", "\"long_times\": 0",
            "dialect.long_times: neither true nor false"},
        {"\"max_hours\": 24", "\"max_hours\": -1",
            "dialect.max_hours: not a whole number in range"},
        {"public.o\\\"x.csv", "../x", "files[0].name: not a file name in the block's directory"},
        {"public.o\\\"x.csv", "..", "files[0].name: not a file name in the block's directory"},
        {"public.o\\\"x.csv", "", "files[0].name: not a file name in the block's directory"},
        {"public.o\\\"x.csv", "manifest.json",
            "files[0].name: not a file name in the block's directory"},
        {"\"public.o\\\"x.csv\"", "{\"hex\": \"6100\"}",
            "files[0].name: not a file name in the block's directory"},
        {"\"public.o\\\"x.csv\"", "{\"hex\": \"6\"}", "files[0].name: not a text"},
        {"\"public.o\\\"x.csv\"", "null", "files[0].name: null, but there are rows or no truncate"},
        {"\"name\": null", "\"name\": \"public.o\\\"x.csv\"",
            "files[1].name: another file has the same name"},
        {"\"generation\": 1", "\"generation\": 0", "files[0].generation: generations begin at 1"},
        {"\"row_count\": 4", "\"row_count\": 5", "files[0].row_count: not the sum of rows"},
        {"\"I\": 3", "\"I\": \"18446744073709551615\"", "files[0].rows: the sum is too large"},
        {"fedcba9876543210", "fedcba987654321", "files[0].checksum: not 16 hex digits"},
        {"\"logical\": \"int\"", "\"logical\": \"int5\"",
            "files[0].columns[0].logical: an unknown type"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Error err;
        bool ok;
        char expected[200];

        parse_edited(cases[i][0], cases[i][1], &err, &ok);
        if (ok)
            fail_msg("%s was taken", cases[i][1]);
        (void)snprintf(expected, sizeof(expected), "d/manifest.json: %s", cases[i][2]);
        assert_string_equal(err.text, expected);
        assert_int_equal(err.kind, ERR_DATA);
    }
}

static void
keys_point_at_columns(void **state)
{
    static const char *const keys[][2] = {{"[0, 2]", "files[0].key: no such column"},
        {"[1, 1]", "files[0].key: a column twice"},
        {"[0, 1, 0]", "files[0].key: more entries than columns"},
        {"[\"x\"]", "files[0].key: not a whole number of 0 to 18446744073709551615"},
        {"{}", "files[0].key: not an array"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        Buf edit = BUF_INIT;
        Error err;
        bool ok;

        /* a repeated field is refused, so the old one gets another name */
        buf_addf(&edit, "\"key\": %s, \"old_key\": [", keys[i][0]);
        parse_edited("\"key\": [", edit.data, &err, &ok);
        assert_false(ok);
        assert_string_equal(err.text + strlen("d/manifest.json: "), keys[i][1]);
        buf_clear(&edit);
    }
}

static void
contested_lines_are_pairs_of_the_files_lines(void **state)
{
    static const char *const pairs[][2] = {
        {"[[0, 2]]", "not an earlier and a later line of the file"},
        {"[[2, 2]]", "not an earlier and a later line of the file"},
        {"[[3, 5]]", "not an earlier and a later line of the file"},
        {"[[1, 3], [2, 3]]", "not in the order of the later lines"},
        {"[[1, 4], [2, 3]]", "not in the order of the later lines"},
        {"[[1]]", "not a pair of two row_ids"}, {"[1, 2]", "not a pair of two row_ids"},
        {"[[1, 2, 3]]", "not a pair of two row_ids"},
        {"[[1, null]]", "not a whole number of 0 to 18446744073709551615"}, {"{}", "not an array"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        Buf edit = BUF_INIT;
        Error err;
        bool ok;

        buf_addf(&edit, "\"contested\": %s, \"old\": [", pairs[i][0]);
        parse_edited("\"contested\": [", edit.data, &err, &ok);
        assert_false(ok);
        assert_string_equal(
            err.text + strlen("d/manifest.json: files[0].contested: "), pairs[i][1]);
        buf_clear(&edit);
    }
}

static void
unknown_fields_are_ignored_and_repeated_ones_are_not(void **state)
{
    Error err;
    bool ok;

    (void)state;
    parse_edited("\"version\": 1", "\"later\": [1], \"version\": 1", &err, &ok);
    assert_ok(ok, err);
    parse_edited("\"version\": 1", "\"version\": 1, \"version\": 1", &err, &ok);
    assert_false(ok);
    assert_non_null(strstr(err.text, "d/manifest.json:2: not JSON: "));
}

static void
a_cut_manifest_is_refused_at_every_length(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Manifest manifest = sample(arena);
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Error err;

    (void)state;
    manifest_print(&manifest, &text);
    for (size_t len = 0; len < text.len - 2; len++)
        assert_false(manifest_parse("m", (Text){text.data, len}, arena, &manifest, &err));
    assert_ok(manifest_parse("m", buf_text(&text), arena, &manifest, &err), err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_manifest_from_before_geometries_is_read),
        cmocka_unit_test(an_edited_manifest_is_refused_with_the_field),
        cmocka_unit_test(keys_point_at_columns),
        cmocka_unit_test(contested_lines_are_pairs_of_the_files_lines),
        cmocka_unit_test(unknown_fields_are_ignored_and_repeated_ones_are_not),
        cmocka_unit_test(a_cut_manifest_is_refused_at_every_length),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
