#include "cli/progress.h"

#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/test.h"

static const ProgressFigures figures = {
    .rows = 1500000, .all_rows = 3061000, .bytes = 356515840, .tables = 3, .all_tables = 12};

static void
assert_bar(const ProgressFigures *shown, double rate, size_t width, const char *expected)
{
    Buf line = BUF_INIT;

    progress_bar("copied", shown, rate, width, &line);
    assert_string_equal(line.data, expected);
    assert_true(line.len <= width);
    buf_clear(&line);
}

static void
assert_plain(const ProgressFigures *shown, double rate, const char *expected)
{
    Buf line = BUF_INIT;

    progress_plain("copied", shown, rate, &line);
    assert_string_equal(line.data, expected);
    buf_clear(&line);
}

static void
a_wide_terminal_shows_everything(void **state)
{
    (void)state;
    assert_bar(&figures, 85000, 120,
        "copied [##############                ]  49% 3/12 tables 1.5M rows 340 MiB 85k rows/s "
        "0:18 left");
}

static void
a_narrow_terminal_leaves_out_the_least_needed_first(void **state)
{
    (void)state;
    assert_bar(
        &figures, 85000, 70, "copied  49% 3/12 tables 1.5M rows 340 MiB 85k rows/s 0:18 left");
    assert_bar(&figures, 85000, 60, "copied  49% 3/12 tables 1.5M rows 85k rows/s 0:18 left");
    assert_bar(&figures, 85000, 50, "copied  49% 3/12 tables 1.5M rows 0:18 left");
    assert_bar(&figures, 85000, 46, "copied  49% 3/12 tables 1.5M rows 0:18 left");
    assert_bar(&figures, 85000, 42, "copied [###     ]  49% 1.5M rows 0:18 left");
    assert_bar(&figures, 85000, 32, "copied  49% 1.5M rows 0:18 left");
    assert_bar(&figures, 85000, 22, "copied  49% 1.5M rows");
    assert_bar(&figures, 85000, 12, "copied  49%");
    assert_bar(&figures, 85000, 5, "copie");
    assert_bar(&figures, 85000, 0, "");
}

static void
every_width_is_kept(void **state)
{
    (void)state;
    for (size_t width = 0; width < 200; width++) {
        Buf line = BUF_INIT;

        progress_bar("copied", &figures, 12.5, width, &line);
        assert_true(line.len <= width);
        buf_clear(&line);
    }
}

static void
without_a_total_there_is_no_bar(void **state)
{
    ProgressFigures unknown = {.rows = 999};

    (void)state;
    assert_bar(&unknown, 10, 80, "copied 999 rows 10 rows/s");
    assert_plain(&unknown, -1, "copied rows=999");
}

static void
an_estimate_that_was_too_low_never_says_that_it_is_done(void **state)
{
    ProgressFigures more = {.rows = 200, .all_rows = 100};

    (void)state;
    assert_bar(&more, -1, 32, "copied [######## ]  99% 200 rows");
    more.ended = true;
    assert_bar(&more, -1, 32, "copied [#########] 100% 200 rows");
}

static void
plain_lines_are_exact(void **state)
{
    ProgressFigures noted = figures;

    (void)state;
    assert_plain(&noted, 85000,
        "copied rows=1500000/3061000 tables=3/12 bytes=356515840 rate=85000/s left=18s");
    noted.note = TEXT("seqno=7");
    noted.rows = 3061000;
    noted.ended = true;
    assert_plain(&noted, -1, "copied seqno=7 rows=3061000/3061000 tables=3/12 bytes=356515840");
}

static void
hours_are_told(void **state)
{
    ProgressFigures slow = {.rows = 1, .all_rows = 7264};

    (void)state;
    assert_bar(&slow, 1, 60, "copied [                 ]   0% 1 rows 1 rows/s 2:01:03 left");
}

static void
counts_and_bytes_are_rounded_to_the_next_unit(void **state)
{
    ProgressFigures some = {.rows = 999, .bytes = 1023};

    (void)state;
    assert_bar(&some, -1, 80, "copied 999 rows 1023 B");
    some.rows = 1000;
    some.bytes = 1024;
    assert_bar(&some, -1, 80, "copied 1.0k rows 1.0 KiB");
    some.rows = 999600;
    some.bytes = UINT64_C(1) << 40;
    assert_bar(&some, -1, 80, "copied 1.0M rows 1.0 TiB");
}

static void
a_file_gets_a_line_at_the_end_and_not_one_a_call(void **state)
{
    FILE *file = tmpfile();
    Progress *progress;
    char text[200];
    size_t len;

    (void)state;
    assert_non_null(file);
    progress = progress_new(file, "copied");
    for (int i = 0; i < 1000; i++)
        progress_show(progress, &(ProgressFigures){.rows = (uint64_t)i, .all_rows = 1000});
    progress_end(progress, &(ProgressFigures){.rows = 0, .ended = true});
    progress_free(progress);
    rewind(file);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    assert_string_equal(text, "copied rows=0\n");
    (void)fclose(file);
}

static void
a_terminal_gets_one_line_that_fits_its_width(void **state)
{
    struct winsize size = {.ws_row = 24, .ws_col = 33};
    ProgressFigures end = {.rows = 200, .all_rows = 100, .ended = true};
    Progress *progress;
    char text[200];
    FILE *file;
    int master;
    int slave;
    size_t len = 0;

    (void)state;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
    file = fdopen(slave, "w");
    assert_non_null(file);
    progress = progress_new(file, "copied");
    progress_end(progress, &end);
    progress_free(progress);
    /* a terminal may hand a line out in parts */
    while (len == 0 || text[len - 1] != '\n') {
        ssize_t more = read(master, text + len, sizeof(text) - 1 - len);

        assert_true(more > 0);
        len += (size_t)more;
    }
    text[len] = '\0';
    assert_non_null(strstr(text, "\rcopied "));
    assert_non_null(strstr(text, " 100% 200 rows"));
    assert_non_null(strstr(text, "\033[K\r\n"));
    assert_true(len <= 33 + 6);
    (void)fclose(file);
    (void)close(master);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_wide_terminal_shows_everything),
    cmocka_unit_test(a_narrow_terminal_leaves_out_the_least_needed_first),
    cmocka_unit_test(every_width_is_kept),
    cmocka_unit_test(without_a_total_there_is_no_bar),
    cmocka_unit_test(an_estimate_that_was_too_low_never_says_that_it_is_done),
    cmocka_unit_test(plain_lines_are_exact),
    cmocka_unit_test(hours_are_told),
    cmocka_unit_test(counts_and_bytes_are_rounded_to_the_next_unit),
    cmocka_unit_test(a_file_gets_a_line_at_the_end_and_not_one_a_call),
    cmocka_unit_test(a_terminal_gets_one_line_that_fits_its_width),
};

TEST_MAIN(tests)
