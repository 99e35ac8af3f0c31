/* What "dray blocks" prints of lists that no service would leave. */
#include "base/file.h"
#include "cli/block_report.h"
#include "support/test.h"

static void
check_lines_become_json_by_their_first_word(void **state)
{
    BlockList list = {NULL, 2, 0};
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    block_report_check_json(&list, TEXT("fault: /a: x: \"y\"\nnote: /b: z\nfault: c\n"), &out);
    assert_string_equal(out.data,
        "{\n  \"blocks\": 2,\n  \"faults\": [\n    \"/a: x: \\\"y\\\"\",\n    \"c\"\n  ],\n"
        "  \"notes\": [\n    \"/b: z\"\n  ]\n}\n");
    buf_reset(&out, SIZE_MAX);
    list.count = 0;
    block_report_check_json(&list, TEXT(""), &out);
    assert_string_equal(out.data, "{\n  \"blocks\": 0,\n  \"faults\": [],\n  \"notes\": []\n}\n");
}

static void
pruning_tells_what_is_gone_or_would_be(void **state)
{
    char first[] = "/d/00000000000000000001";
    char second[] = "/d/00000000000000000003";
    BlockEntry entries[] = {{.path = first, .first_seqno = 1, .bytes = 10},
        {.path = second, .first_seqno = 3, .bytes = 5}};
    BlockList list = {entries, 2, 0};
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    block_report_prune(&list, false, &out);
    assert_string_equal(out.data, "removed /d/00000000000000000001 (10 bytes)\n"
                                  "removed /d/00000000000000000003 (5 bytes)\n15 bytes freed\n");
    buf_reset(&out, SIZE_MAX);
    list.count = 1;
    block_report_prune(&list, true, &out);
    assert_string_equal(
        out.data, "would remove /d/00000000000000000001 (10 bytes)\n10 bytes would be freed\n");
    buf_reset(&out, SIZE_MAX);
    block_report_prune_json(&list, true, &out);
    assert_string_equal(out.data,
        "{\n  \"dry_run\": true,\n  \"removed\": [\n    {\n"
        "      \"path\": \"/d/00000000000000000001\",\n      \"first_seqno\": 1,\n"
        "      \"bytes\": 10\n    }\n  ],\n  \"bytes\": 10\n}\n");
}

static void
a_damaged_and_an_unfinished_block_are_told_apart(void **state)
{
    char *directory = test_directory();
    char *path = file_join(directory, "00000000000000000001");
    char *manifest = file_join(path, "manifest.json");
    BlockEntry entry = {.path = path, .first_seqno = 1, .finished = true, .bytes = 2};
    BlockList list = {&entry, 1, 2};
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    uint64_t committed = 5;
    Error err;

    (void)state;
    assert_ok(file_make_directory(path, &err), err);
    assert_ok(file_write_durable(manifest, "{}", 2, &err), err);
    assert_int_equal(block_report_check(&list, &out), 1);
    assert_non_null(strstr(out.data, "fault: "));
    assert_non_null(strstr(out.data, manifest));
    buf_reset(&out, SIZE_MAX);
    block_report_text(&list, &committed, &out);
    assert_non_null(strstr(out.data, "damaged\n1 blocks, 2 bytes\n"));
    entry.finished = false;
    buf_reset(&out, SIZE_MAX);
    assert_int_equal(block_report_check(&list, &out), 0);
    assert_non_null(strstr(out.data, "note: "));
    buf_reset(&out, SIZE_MAX);
    block_report_json(&list, NULL, &out);
    assert_non_null(strstr(out.data, "\"state\": \"unfinished\""));
    assert_ok(file_remove_tree(directory, &err), err);
    free(manifest);
    free(path);
    free(directory);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(check_lines_become_json_by_their_first_word),
    cmocka_unit_test(pruning_tells_what_is_gone_or_would_be),
    cmocka_unit_test(a_damaged_and_an_unfinished_block_are_told_apart),
};

int
main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
