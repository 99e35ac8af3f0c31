#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/field.h"

typedef struct Options {
    bool flag;
    int64_t number;
    int64_t bytes;
    int64_t time;
    const char *text;
    const char *path;
    int choice;
    Retain retain;
    TextList list;
} Options;

#define AT(member) offsetof(Options, member)

static const Field fields[] = {
    {"flag", FIELD_BOOL, AT(flag), "true", 0, 0, NULL, 0, "A flag."},
    {"number", FIELD_INT, AT(number), "-3", 0, 0, NULL, 0, "A number."},
    {"bytes", FIELD_BYTES, AT(bytes), "64MiB", 0, 0, NULL, 0, "A size."},
    {"time", FIELD_TIME, AT(time), "1s", 0, 0, NULL, 0, "A duration."},
    {"text", FIELD_TEXT, AT(text), "some text", 0, 0, NULL, 0, "A text."},
    {"path", FIELD_PATH, AT(path), "a/b", 0, 0, NULL, 0, "A path."},
    {"choice", FIELD_CHOICE, AT(choice), "green", 0, 0, "red|green|blue", 0, "A choice."},
    {"retain", FIELD_RETAIN, AT(retain), "7d", 0, 0, NULL, 0, "Retention."},
    {"list", FIELD_LIST, AT(list), "a, b,c", 0, 0, NULL, 0, "A list."},
    {"bounded", FIELD_INT, AT(number), NULL, 1, 64, NULL, 0, "A number."},
    {"bounded_bytes", FIELD_BYTES, AT(bytes), NULL, 1024, 1048576, NULL, 0, "A size."},
    {"bounded_time", FIELD_TIME, AT(time), NULL, 100, 90000, NULL, 0, "A duration."},
    {"at_least", FIELD_INT, AT(number), NULL, 2, INT64_MAX, NULL, 0, "A number."},
    {"filled", FIELD_TEXT, AT(text), NULL, 0, 0, NULL, FIELD_FILLED, "A text."},
    {"map", FIELD_MAP, 0, NULL, 0, 0, NULL, 0, "A mapping."},
    {NULL},
};

static Arena *arena;
static Options options;
static Buf reason;

static int
set_up(void **state)
{
    (void)state;
    arena = arena_new();
    memset(&options, 0, sizeof(options));
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    buf_clear(&reason);
    arena_free(arena);
    return 0;
}

static bool
parse(const char *name, Text value)
{
    const Field *field = field_find(fields, text_of(name));

    assert_non_null(field);
    buf_clear(&reason);
    return field_parse(field, value, "/etc/dray", arena, &options, &reason);
}

static void
refused(const char *name, const char *value, const char *text)
{
    Options before = options;

    assert_false(parse(name, text_of(value)));
    assert_string_equal(reason.data, text);
    assert_memory_equal(&before, &options, sizeof(before));
}

static void
presets_fill_every_type(void **state)
{
    (void)state;
    field_set_presets(fields, "/etc/dray", arena, &options);
    assert_true(options.flag);
    assert_int_equal(options.number, -3);
    assert_int_equal(options.bytes, 64 << 20);
    assert_int_equal(options.time, 1000);
    assert_string_equal(options.text, "some text");
    assert_string_equal(options.path, "/etc/dray/a/b");
    assert_int_equal(options.choice, 1);
    assert_int_equal(options.retain.kind, RETAIN_AGE);
    assert_int_equal(options.retain.amount, 7 * 86400000LL);
    assert_int_equal(options.list.count, 3);
    assert_string_equal(options.list.items[0], "a");
    assert_string_equal(options.list.items[1], "b");
    assert_string_equal(options.list.items[2], "c");
}

static void
a_field_is_found_by_its_whole_name(void **state)
{
    (void)state;
    assert_ptr_equal(field_find(fields, TEXT("number")), &fields[1]);
    assert_null(field_find(fields, TEXT("numbe")));
    assert_null(field_find(fields, TEXT("")));
    assert_null(field_find(fields, TEXT("Number")));
}

static void
flags_are_true_or_false(void **state)
{
    (void)state;
    assert_true(parse("flag", TEXT("true")));
    assert_true(options.flag);
    assert_true(parse("flag", TEXT("false")));
    assert_false(options.flag);
    refused("flag", "yes", "is neither true nor false");
    refused("flag", "True", "is neither true nor false");
    refused("flag", "", "is neither true nor false");
}

static void
numbers_are_whole_and_within_bounds(void **state)
{
    (void)state;
    assert_true(parse("number", TEXT("-9223372036854775808")));
    assert_true(options.number == INT64_MIN);
    assert_true(parse("bounded", TEXT("1")));
    assert_true(parse("bounded", TEXT("64")));
    assert_int_equal(options.number, 64);
    refused("bounded", "0", "is less than 1");
    refused("bounded", "65", "is more than 64");
    refused("at_least", "1", "is less than 2");
    refused("number", "9223372036854775808", "is not a whole number");
    refused("number", "1.5", "is not a whole number");
    refused("number", "1 ", "is not a whole number");
    refused("number", "", "is not a whole number");
    refused("number", "0x10", "is not a whole number");
}

static void
assert_bytes(const char *text, int64_t expected)
{
    assert_true(parse("bytes", text_of(text)));
    assert_true(options.bytes == expected);
}

static void
sizes_have_binary_units(void **state)
{
    static const char *wrong = "is not a size such as 64MiB (units: B, KiB, MiB, GiB, TiB)";

    (void)state;
    assert_bytes("0", 0);
    assert_bytes("1234", 1234);
    assert_bytes("12B", 12);
    assert_bytes("2k", 2048);
    assert_bytes("2K", 2048);
    assert_bytes("2KiB", 2048);
    assert_bytes("64M", 64LL << 20);
    assert_bytes("512MiB", 512LL << 20);
    assert_bytes("10GiB", 10LL << 30);
    assert_bytes("10 G", 10LL << 30);
    assert_bytes("3T", 3LL << 40);
    assert_bytes("8388607TiB", 8388607LL << 40);
    refused("bytes", "8388608TiB", "is too large");
    refused("bytes", "99999999999999999999", "is too large");
    refused("bytes", "1MB", wrong);
    refused("bytes", "1.5GiB", wrong);
    refused("bytes", "-1", wrong);
    refused("bytes", "MiB", wrong);
    refused("bytes", "", wrong);
    refused("bounded_bytes", "1023", "is less than 1KiB");
    refused("bounded_bytes", "2MiB", "is more than 1MiB");
}

static void
assert_time(const char *text, int64_t expected)
{
    assert_true(parse("time", text_of(text)));
    assert_true(options.time == expected);
}

static void
durations_need_a_unit(void **state)
{
    static const char *wrong = "is not a duration such as 30s (units: ms, s, min, h, d)";

    (void)state;
    assert_time("0", 0);
    assert_time("500ms", 500);
    assert_time("1s", 1000);
    assert_time("5min", 300000);
    assert_time("2h", 7200000);
    assert_time("7 d", 604800000);
    refused("time", "10", wrong);
    refused("time", "00", wrong);
    refused("time", "5m", wrong);
    refused("time", "1h30min", wrong);
    refused("time", "s", wrong);
    refused("time", "999999999999999d", "is too large");
    refused("bounded_time", "99ms", "is less than 100ms");
    refused("bounded_time", "2min", "is more than 90s");
}

static void
texts_are_kept_and_paths_made_absolute(void **state)
{
    (void)state;
    assert_true(parse("text", TEXT("")));
    assert_string_equal(options.text, "");
    assert_true(parse("text", (Text){"only this", 4}));
    assert_string_equal(options.text, "only");
    assert_true(parse("path", TEXT("/var/lib")));
    assert_string_equal(options.path, "/var/lib");
    assert_true(parse("path", TEXT("-")));
    assert_string_equal(options.path, "-");
    assert_false(parse("text", (Text){"a\0b", 3}));
    assert_string_equal(reason.data, "holds a NUL byte");
    refused("path", "", "is empty");
    refused("filled", "", "is empty");
}

static void
choices_are_counted_from_the_left(void **state)
{
    (void)state;
    assert_true(parse("choice", TEXT("red")));
    assert_int_equal(options.choice, 0);
    assert_true(parse("choice", TEXT("blue")));
    assert_int_equal(options.choice, 2);
    refused("choice", "gree", "is not one of red, green, blue");
    refused("choice", "red|green", "is not one of red, green, blue");
    refused("choice", "", "is not one of red, green, blue");
}

static void
assert_retain(const char *text, RetainKind kind, int64_t amount)
{
    assert_true(parse("retain", text_of(text)));
    assert_int_equal(options.retain.kind, kind);
    assert_true(options.retain.amount == amount);
}

static void
retention_is_an_age_a_number_or_a_size(void **state)
{
    static const char *wrong = "is none of: none, all, an age (7d), a number of blocks "
                               "(100 blocks), a size (50GiB)";

    (void)state;
    assert_retain("none", RETAIN_NONE, 0);
    assert_retain("all", RETAIN_ALL, 0);
    assert_retain("7d", RETAIN_AGE, 604800000);
    assert_retain("90min", RETAIN_AGE, 5400000);
    assert_retain("100 blocks", RETAIN_BLOCKS, 100);
    assert_retain("1 block", RETAIN_BLOCKS, 1);
    assert_retain("50GiB", RETAIN_BYTES, 50LL << 30);
    assert_retain("5B", RETAIN_BYTES, 5);
    refused("retain", "100", wrong);
    refused("retain", "", wrong);
    refused("retain", "7 days", wrong);
    refused("retain", "blocks", "is not a number of blocks such as 100 blocks");
    refused("retain", "0 blocks", "is not a number of blocks such as 100 blocks");
    refused("retain", "0d", "retains nothing: write none");
    refused("retain", "0", "retains nothing: write none");
}

static void
a_mapping_is_no_text(void **state)
{
    (void)state;
    refused("map", "a", "is not a mapping");
}

static void
the_distance_counts_single_slips(void **state)
{
    (void)state;
    assert_int_equal(field_distance(TEXT("max_rows"), TEXT("max_rows")), 0);
    assert_int_equal(field_distance(TEXT("max_row"), TEXT("max_rows")), 1);
    assert_int_equal(field_distance(TEXT("max_rwos"), TEXT("max_rows")), 1);
    assert_int_equal(field_distance(TEXT("mxa_rwos"), TEXT("max_rows")), 2);
    assert_int_equal(field_distance(TEXT("max-rows"), TEXT("max_rows")), 1);
    assert_int_equal(field_distance(TEXT(""), TEXT("abc")), 3);
    assert_int_equal(field_distance(TEXT("abc"), TEXT("")), 3);
    assert_int_equal(field_distance(TEXT("kitten"), TEXT("sitting")), 3);
    assert_true(
        field_distance(TEXT("0123456789012345678901234567890123456789x"), TEXT("a")) == SIZE_MAX);
}

static void
assert_described(const char *name, const char *expected)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    field_describe_type(field_find(fields, text_of(name)), &out);
    assert_string_equal(out.data, expected);
}

static void
types_are_described_for_people(void **state)
{
    (void)state;
    assert_described("flag", "true or false");
    assert_described("number", "whole number");
    assert_described("bounded", "whole number, 1 to 64");
    assert_described("at_least", "whole number, at least 2");
    assert_described("bytes", "size");
    assert_described("bounded_bytes", "size, 1KiB to 1MiB");
    assert_described("bounded_time", "duration, 100ms to 90s");
    assert_described("text", "text");
    assert_described("path", "path");
    assert_described("choice", "one of red, green, blue");
    assert_described("retain", "none, all, a duration, a number of blocks or a size");
    assert_described("list", "list of texts");
    assert_described("map", "mapping of texts");
    assert_string_equal(field_preset(field_find(fields, TEXT("bytes"))), "64MiB");
    assert_string_equal(field_preset(field_find(fields, TEXT("filled"))), "");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(presets_fill_every_type),
        TEST(a_field_is_found_by_its_whole_name),
        TEST(flags_are_true_or_false),
        TEST(numbers_are_whole_and_within_bounds),
        TEST(sizes_have_binary_units),
        TEST(durations_need_a_unit),
        TEST(texts_are_kept_and_paths_made_absolute),
        TEST(choices_are_counted_from_the_left),
        TEST(retention_is_an_age_a_number_or_a_size),
        TEST(a_mapping_is_no_text),
        TEST(the_distance_counts_single_slips),
        TEST(types_are_described_for_people),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
