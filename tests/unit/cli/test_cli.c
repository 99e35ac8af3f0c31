/* The command line: words become options and operands, mistakes become exit code 2. */
#include <unistd.h>

#include "cli/cli.h"
#include "cli/reference.h"
#include "support/test.h"

/* What a run of the program prints on one of the two, and its exit code. */
static int
run_program(int stream, Buf *out, const char *const *words)
{
    char *argv[16] = {NULL};
    char name[] = "/tmp/dray-test-XXXXXX";
    int file = mkstemp(name);
    int saved = dup(stream);
    int argc = 0;
    int code;
    ssize_t len;

    assert_true(file >= 0 && saved >= 0);
    argv[argc++] = text_dup(TEXT("dray"));
    while (*words != NULL)
        argv[argc++] = text_dup(text_of(*words++));
    (void)fflush(stdout);
    assert_true(dup2(file, stream) >= 0);
    code = cli_main(argc, argv);
    (void)fflush(stdout);
    assert_true(dup2(saved, stream) >= 0);
    buf_reset(out, SIZE_MAX);
    len = pread(file, buf_reserve(out, 1 << 20), (1 << 20) - 1, 0);
    assert_true(len >= 0);
    buf_grown(out, (size_t)len);
    (void)close(saved);
    (void)close(file);
    (void)unlink(name);
    while (argc > 0)
        free(argv[--argc]);
    return code;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
assert_usage(const char *const *words, const char *expected)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    assert_int_equal(run_program(STDERR_FILENO, &out, words), 2);
    if (strstr(buf_string(&out), expected) == NULL)
        fail_msg("\"%s\" is not in: %s", expected, buf_string(&out));
}

static void
mistakes_name_the_command_and_what_it_takes(void **state)
{
    (void)state;
    assert_usage(WORDS("rum"), "dray: usage error: unknown command rum, did you mean run?\n");
    assert_usage(WORDS("-x"), "unknown option -x");
    assert_usage(WORDS("run"),
        "dray run: too few arguments, it takes: CONFIG [-d | -r | -s [--wait] | -k] [-q | -v] "
        "[--until-end] [--until-seqno N] [--until-position POSITION]\n"
        "usage: dray run CONFIG [-d | -r | -s [--wait] | -k] [-q | -v] [--until-end] "
        "[--until-seqno N] [--until-position POSITION] (see dray run --help)\n");
    assert_usage(WORDS("status", "a", "b"), "dray status: too many arguments");
    assert_usage(WORDS("run", "a", "--until-sekno=3"),
        "dray run: unknown option --until-sekno, did you mean --until-seqno?");
    assert_usage(WORDS("run", "a", "--until-seqno"), "--until-seqno needs a value: N");
    assert_usage(WORDS("run", "--until-seqno", "1", "a", "--until-seqno=2"), "is given twice");
    assert_usage(WORDS("run", "a", "--until-end=yes"), "--until-end takes no value");
    assert_usage(WORDS("run", "a", "-u"), "dray run: unknown option -u");
    assert_usage(WORDS("run", "a", "--until-seqno", "-1"), "\"-1\" is not a seqno");
    assert_usage(WORDS("run", "a", "--until-seqno", "18446744073709551616"), "is not a seqno");
    assert_usage(WORDS("replay", "a", "b", "--table", "x.*"), "--table");
}

/* What the run of "dray try" was given. */
static char given[200];

static int
note_given(const Arguments *arguments)
{
    int len = 0;

    for (size_t i = 0; arguments->command->options[i].name != NULL; i++) {
        if (arguments->values[i] != NULL)
            len += snprintf(given + len, sizeof(given) - (size_t)len, "%s=%s ",
                arguments->command->options[i].name, arguments->values[i]);
    }
    (void)snprintf(given + len, sizeof(given) - (size_t)len, "%zu:%s", arguments->operand_count,
        arguments->operand_count > 0 ? arguments->operands[0] : "");
    return 0;
}

static const Option try_options[] = {
    {"daemon", NULL, "Flag.", 'd'},
    {"verbose", NULL, "Flag.", 'v'},
    {"count", "N", "Value.", 'n'},
    {"long", "N", "Without a letter."},
    {NULL, NULL, NULL},
};

static const Command try_command = {
    .name = "try",
    .operands = "[FILE]",
    .doc = "Try.",
    .operands_max = 1,
    .options = try_options,
    .run = note_given,
};

static const char *
try_words(const char *const *words)
{
    char *argv[16] = {NULL};
    int argc = 0;

    given[0] = '\0';
    while (*words != NULL)
        argv[argc++] = text_dup(text_of(*words++));
    (void)cli_run_command(&try_command, argc, argv);
    while (argc > 0)
        free(argv[--argc]);
    return given;
}

static void
letters_stand_for_options_as_in_getopt(void **state)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    assert_string_equal(try_words(WORDS("-d", "file")), "daemon= 1:file");
    assert_string_equal(try_words(WORDS("file", "-dv")), "daemon= verbose= 1:file");
    assert_string_equal(try_words(WORDS("-n", "3", "-v")), "verbose= count=3 0:");
    assert_string_equal(try_words(WORDS("-dn3v")), "daemon= count=3v 0:");
    assert_string_equal(try_words(WORDS("-dn", "-v")), "daemon= count=-v 0:");
    assert_string_equal(try_words(WORDS("--", "-d")), "1:-d");
    assert_string_equal(try_words(WORDS("-")), "1:-");
    /* mistakes: nothing runs */
    assert_string_equal(try_words(WORDS("-dx")), "");
    assert_string_equal(try_words(WORDS("-dd")), "");
    assert_string_equal(try_words(WORDS("-d", "--daemon")), "");
    assert_string_equal(try_words(WORDS("-n")), "");
    assert_string_equal(try_words(WORDS("-d-v")), "");
    reference_command_help(&try_command, &out);
    assert_non_null(strstr(out.data, "  -d, --daemon      Flag.\n"));
    assert_non_null(strstr(out.data, "  -n, --count N     Value.\n"));
    assert_non_null(strstr(out.data, "  --long N          Without a letter.\n"));
}

static void
what_excludes_each_other_is_told_before_anything_is_read(void **state)
{
    (void)state;
    assert_usage(WORDS("run", "a", "-dx"), "dray run: unknown option -x\n");
    assert_usage(WORDS("run", "a", "-ds"), "dray run: --daemon and --stop exclude each other");
    assert_usage(WORDS("run", "a", "-s", "-k"), "dray run: --stop and --kill exclude each other");
    assert_usage(WORDS("run", "a", "-qv"), "dray run: --quiet and --verbose exclude each other");
    assert_usage(WORDS("run", "a", "-vv"), "dray run: --verbose is given twice");
    assert_usage(
        WORDS("run", "a", "-r", "--until-end"), "--reload and --until-end exclude each other");
    assert_usage(WORDS("run", "a", "-k", "--wait"), "dray run: --wait belongs to --stop");
}

/* A command's letters must differ, or one of them could never be meant. */
static void
no_command_has_a_letter_twice(void **state)
{
    (void)state;
    for (const Command *const *one = commands; *one != NULL; one++)
        for (const Option *a = (*one)->options; a->name != NULL; a++)
            for (const Option *b = (*one)->options; b < a && a->letter != '\0'; b++)
                if (a->letter == b->letter || a->letter == 'h')
                    fail_msg("dray %s: -%c", (*one)->name, a->letter);
}

static void
help_of_a_command_wins_over_its_mistakes(void **state)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    CLEANUP(buf_clear) Buf help = BUF_INIT;

    (void)state;
    for (const Command *const *one = commands; *one != NULL; one++) {
        assert_int_equal(run_program(STDOUT_FILENO, &out, WORDS((*one)->name, "--help")), 0);
        assert_int_equal(run_program(STDOUT_FILENO, &help, WORDS("help", (*one)->name)), 0);
        assert_string_equal(out.data, help.data);
        assert_int_equal(run_program(STDOUT_FILENO, &out, WORDS((*one)->name, "-h")), 0);
        assert_string_equal(out.data, help.data);
        assert_non_null(strstr(out.data, (*one)->name));
        assert_ptr_equal(command_find((*one)->name), *one);
    }
    assert_int_equal(run_program(STDOUT_FILENO, &out, WORDS("--version")), 0);
    assert_string_equal(out.data, "dray " DRAY_VERSION "\n");
    assert_null(command_find("nonsense"));
}

static void
each_line_of_an_error_has_its_kind_in_front(void **state)
{
    Error err;

    (void)state;
    (void)error_set(&err, ERR_CONFIG, "a\nb");
    assert_int_equal(cli_fail(&err), 3);
    (void)error_set(&err, ERR_SCRIPT, "a");
    assert_int_equal(cli_fail(&err), 1);
    (void)error_set(&err, ERR_FENCED, "a");
    assert_int_equal(cli_fail(&err), 6);
    (void)error_set(&err, ERR_INTERNAL, "a");
    assert_int_equal(cli_fail(&err), 70);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(mistakes_name_the_command_and_what_it_takes),
    cmocka_unit_test(letters_stand_for_options_as_in_getopt),
    cmocka_unit_test(what_excludes_each_other_is_told_before_anything_is_read),
    cmocka_unit_test(no_command_has_a_letter_twice),
    cmocka_unit_test(help_of_a_command_wins_over_its_mistakes),
    cmocka_unit_test(each_line_of_an_error_has_its_kind_in_front),
};

int
main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
