#include "source/jsonl.h"

#include <pthread.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/stop.h"
#include "events.h"

typedef struct Log {
    char *directory;
    char *path; /* directory/shop.jsonl */
    EventDump dump;
    Error err;
} Log;

static int
set_up(void **state)
{
    Log *log = calloc(1, sizeof(*log));

    assert_non_null(log);
    log->directory = test_directory();
    log->path = file_join(log->directory, "shop.jsonl");
    stop_reset();
    *state = log;
    return 0;
}

static int
tear_down(void **state)
{
    Log *log = *state;

    stop_reset();
    assert_ok(file_remove_tree(log->directory, &log->err), log->err);
    free(log->directory);
    free(log->path);
    buf_clear(&log->dump.text);
    free(log);
    return 0;
}

/* Append; ' stands for " */
static void
append(const Log *log, const char *name, const char *text)
{
    char *path = file_join(log->directory, name);
    FILE *file = fopen(path, "ab");

    assert_non_null(file);
    for (const char *at = text; *at != '\0'; at++)
        assert_int_not_equal(fputc(*at == '\'' ? '"' : *at, file), EOF);
    assert_int_equal(fclose(file), 0);
    free(path);
}

/* Read everything from the path at the position; the answer that ended it. */
static Next
run(Log *log, JsonlOptions *options, const char *position, Text expected_notice)
{
    CLEANUP(source_close) Source *source = jsonl_open_at(options, position, &log->err);
    Text notice;
    Next next;

    buf_reset(&log->dump.text, SIZE_MAX);
    log->dump.id_count = 0;
    if (source == NULL)
        return NEXT_FAILED;
    next = dump_all(&log->dump, source, 0, &log->err);
    notice = source_jsonl.notice(source);
    if (expected_notice.data == NULL)
        assert_null(notice.data);
    else
        assert_text(notice, expected_notice.data);
    return next;
}

static void
assert_events(Log *log, const char *position, const char *expected, Text notice)
{
    JsonlOptions options = jsonl_options(log->path);

    assert_ok(run(log, &options, position, notice) == NEXT_END, log->err);
    assert_string_equal(buf_string(&log->dump.text), expected);
}

static void
assert_fails(Log *log, const char *path, const char *position, ErrorKind kind, const char *error)
{
    JsonlOptions options = jsonl_options(path);

    assert_int_equal(run(log, &options, position, TEXT_NONE), NEXT_FAILED);
    assert_string_equal(log->err.text, error);
    assert_int_equal(log->err.kind, kind);
}

#define B(xid)   "{'action':'B','xid':" xid ",'timestamp':'2026-03-11 20:51:10.5+00'}\n"
#define C(xid)   "{'action':'C','xid':" xid "}\n"
#define I(value) "{'action':'I','table':'t','columns':[{'name':'v','value':" value "}]}\n"
#define XI(xid, value) \
    "{'action':'I','xid':" xid ",'table':'t','columns':[{'name':'v','value':" value "}]}\n"
#define BEGIN      "BEGIN 2026-03-11 20:51:10.500\n"
#define UNKNOWN    "BEGIN unknown\n"
#define ROW(value) "INSERT .t #1 (v unknown) new \"" value "\"\n"
#define COMMIT     "COMMIT\n"

static void
begin_and_commit_lines_make_transactions(void **state)
{
    append(*state, "shop.jsonl",
        B("1") I("1") I("2") C("1") "{'action':'M','content':'x'}\n" B("2") C("2"));
    assert_events(*state, "", BEGIN ROW("1") ROW("2") COMMIT BEGIN COMMIT, TEXT_NONE);
}

static void
lines_of_one_xid_make_a_transaction(void **state)
{
    append(*state, "shop.jsonl", XI("7", "1") XI("7", "2") XI("8", "3") XI("7", "4"));
    assert_events(*state, "",
        UNKNOWN ROW("1") ROW("2") COMMIT UNKNOWN ROW("3") COMMIT UNKNOWN ROW("4") COMMIT,
        TEXT_NONE);
}

static void
lines_without_xid_are_transactions_of_their_own(void **state)
{
    append(*state, "shop.jsonl", I("1") I("2") "{'action':'T','table':'t'}\n");
    assert_events(*state, "",
        UNKNOWN ROW("1") COMMIT UNKNOWN ROW("2") COMMIT UNKNOWN "TRUNCATE .t\n" COMMIT, TEXT_NONE);
}

static void
empty_lines_and_crlf_are_accepted(void **state)
{
    append(*state, "shop.jsonl", "\r\n\n{'action':'B'}\r\n" I("1") "\n{'action':'C'}\r\n\n");
    assert_events(*state, "", UNKNOWN ROW("1") COMMIT, TEXT_NONE);
}

static void
a_last_line_without_its_end_counts_where_it_is_whole(void **state)
{
    append(*state, "shop.jsonl", "{'action':'B'}\n" I("1") "{'action':'C'}");
    assert_events(*state, "", UNKNOWN ROW("1") COMMIT, TEXT_NONE);
}

static void
a_torn_last_line_leaves_its_transaction_out(void **state)
{
    append(*state, "shop.jsonl", B("1") I("1") C("1") B("2") I("2") "{'action':'I','ta");
    assert_events(*state, "", BEGIN ROW("1") COMMIT BEGIN ROW("2"),
        TEXT("shop.jsonl:6: last line is torn: column 18: the line ends inside a string, "
             "transaction left out"));
}

static void
a_torn_last_line_leaves_the_run_before_it_out(void **state)
{
    append(*state, "shop.jsonl", XI("1", "1") XI("2", "2") "{");
    assert_events(*state, "", UNKNOWN ROW("1") COMMIT UNKNOWN ROW("2"),
        TEXT("shop.jsonl:3: last line is torn: column 2: the line ends where a key or \"}\" should "
             "stand, transaction left out"));
}

static void
a_transaction_without_its_end_is_left_out(void **state)
{
    append(*state, "shop.jsonl", B("1") I("1"));
    assert_events(*state, "", BEGIN ROW("1"),
        TEXT(
            "shop.jsonl:2: log ends inside the transaction that began at shop.jsonl:1, transaction "
            "left out"));
}

static void
lines_out_of_place_are_refused(void **state)
{
    static const struct {
        const char *lines, *error;
    } bad[] = {
        {C("1"), "shop.jsonl:1: a transaction ends that did not begin"},
        {B("1") B("2"),
            "shop.jsonl:2: a transaction begins inside the one that began at shop.jsonl:1"},
        {B("1") C("1") I("1"), "shop.jsonl:3: a change outside of a transaction"},
        {I("1") C("1"), "shop.jsonl:2: a transaction ends that did not begin"},
        {B("1") XI("2", "1"), "shop.jsonl:2: a change of transaction 2 inside transaction 1, which "
                              "began at shop.jsonl:1"},
        {B("1") C("2"), "shop.jsonl:2: the end of transaction 2 inside transaction 1, which began "
                        "at shop.jsonl:1"},
        {B("1") "\n{'action':'I','table':5}\n", "shop.jsonl:3: column 23: table is not a text"},
        {"{'action':'B','timestamp':'yesterday'}\n",
            "shop.jsonl:1: timestamp \"yesterday\" is not a time"},
    };
    Log *log = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        (void)unlink(log->path);
        append(log, "shop.jsonl", bad[i].lines);
        assert_fails(log, log->path, "", ERR_DATA, bad[i].error);
    }
}

static void
a_line_above_the_limit_is_refused(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->path);

    options.max_line = 100;
    append(log, "shop.jsonl",
        I("'short'") I("'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'"));
    assert_int_equal(run(log, &options, "", TEXT_NONE), NEXT_FAILED);
    assert_string_equal(
        log->err.text, "shop.jsonl:2: the line is longer than max_line (100 bytes)");
}

static void
a_value_of_50_megabytes_arrives_and_the_memory_goes(void **state)
{
    Log *log = *state;
    CLEANUP(source_close) Source *source = NULL;
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    JsonlOptions options = jsonl_options(log->path);
    size_t len = (size_t)50 << 20;
    Event event;

    buf_add_string(
        &line, "{\"action\":\"I\",\"table\":\"t\",\"columns\":[{\"name\":\"v\",\"value\":\"");
    memset(buf_reserve(&line, len), 'x', len);
    buf_grown(&line, len);
    buf_add_string(&line, "\\n\"}]}\n");
    assert_ok(file_write_durable(log->path, line.data, line.len, &log->err), log->err);
    append(log, "shop.jsonl", I("1") I("2"));
    source = jsonl_open_at(&options, "", &log->err);
    assert_ok(source != NULL, log->err);
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_ITEM);
    assert_ok(source_jsonl.next(source, 0, &event, &log->err) == NEXT_ITEM, log->err);
    assert_int_equal(event.change.after[0].text.len, len + 1);
    assert_int_equal(event.change.after[0].text.data[len], '\n');
    assert_int_equal(dump_all(&log->dump, source, 0, &log->err), NEXT_END);
    assert_string_equal(
        buf_string(&log->dump.text), COMMIT UNKNOWN ROW("1") COMMIT UNKNOWN ROW("2") COMMIT);
}

/* The events behind each COMMIT's position, read from there, are those read in one go. */
static void
assert_every_position_resumes(Log *log, const char *path, size_t min_positions)
{
    JsonlOptions options = jsonl_options(path);
    CLEANUP(buf_clear) Buf all = BUF_INIT;
    size_t positions = 0;

    log->dump.positions = true;
    assert_ok(run(log, &options, "", TEXT_NONE) == NEXT_END, log->err);
    buf_add_text(&all, buf_text(&log->dump.text));
    for (char *at = strstr(all.data, "COMMIT "); at != NULL; at = strstr(at, "COMMIT ")) {
        CLEANUP(buf_clear) Buf position = BUF_INIT;

        at += strlen("COMMIT ");
        buf_add(&position, at, strcspn(at, "\n"));
        assert_ok(run(log, &options, position.data, TEXT_NONE) == NEXT_END, log->err);
        assert_string_equal(buf_string(&log->dump.text), at + position.len + 1);
        positions++;
    }
    assert_true(positions >= min_positions);
}

static void
reading_goes_on_at_every_position(void **state)
{
    Log *log = *state;

    append(log, "shop.jsonl",
        B("1") I("1") I("2") C("1") "\n" B("2") C("2") "\r\n" B("3") I("'\\u00e9\\n'") I("4")
            C("3") "{'action':'M'}\n" B("4") I("5") "{'action':'C','xid':4}");
    assert_every_position_resumes(log, log->path, 4);
}

static void
reading_goes_on_at_every_position_of_runs(void **state)
{
    Log *log = *state;

    append(log, "shop.jsonl",
        XI("1", "1") XI("1", "'\\t'") "{'action':'M'}\n\n" XI("2", "3") XI("3", "4"));
    assert_every_position_resumes(log, log->path, 3);
}

static void
reading_goes_on_in_rotated_files(void **state)
{
    Log *log = *state;

    append(log, "log-1.jsonl", B("1") I("1") C("1") B("2") I("2"));
    append(log, "log-2.jsonl", I("3") C("2"));
    append(log, "log-3.jsonl", "");
    append(log, "log-4.jsonl", B("3") I("4") C("3"));
    append(log, "notes.txt", "not a log");
    assert_every_position_resumes(log, log->directory, 3);
    log->dump.positions = false;
    log->dump.text.len = 0;
    assert_events((free(log->path), log->path = text_dup(text_of(log->directory)), log), "",
        BEGIN ROW("1") COMMIT BEGIN ROW("2") ROW("3") COMMIT BEGIN ROW("4") COMMIT, TEXT_NONE);
}

static void
a_run_over_two_files_is_one_transaction(void **state)
{
    Log *log = *state;

    append(log, "1.jsonl", XI("1", "1"));
    append(log, "2.jsonl", XI("1", "2") XI("2", "3"));
    append(log, "3.jsonl", XI("3", "4"));
    assert_every_position_resumes(log, log->directory, 3);
}

static void
positions_read_so(void **state)
{
    Log *log = *state;

    append(log, "shop.jsonl",
        B("1") C("1") "{'action':'B','lsn':'0/A'}\n{'action':'C','lsn':'16/B374D848'}\n");
    log->dump.positions = true;
    assert_events(log, "",
        BEGIN "COMMIT shop.jsonl:85:2:bdc2c31cb3fc0d7a\n" UNKNOWN
              "COMMIT shop.jsonl:147:4:86bd88ad0718d7bf:16/B374D848\n",
        TEXT_NONE);
}

static void
a_changed_log_is_not_gone_on_with(void **state)
{
    Log *log = *state;
    CLEANUP(buf_clear) Buf position = BUF_INIT;
    const char *at;

    append(log, "shop.jsonl", B("1") I("1") C("1") B("2") I("2") C("2"));
    log->dump.positions = true;
    assert_int_equal(run(log, &(JsonlOptions){.path = log->path, .pattern = "*", .max_line = 1000},
                         "", TEXT_NONE),
        NEXT_END);
    at = strstr(log->dump.text.data, "COMMIT ") + strlen("COMMIT ");
    buf_add(&position, at, strcspn(at, "\n"));
    (void)unlink(log->path);
    assert_fails(log, log->directory, position.data, ERR_SOURCE,
        "cannot go on at shop.jsonl, byte 147: the file is missing: bring back the log that was "
        "read so far, or start a new service");
    append(log, "shop.jsonl", B("1"));
    assert_fails(log, log->path, position.data, ERR_SOURCE,
        "cannot go on at shop.jsonl, byte 147: the file is shorter: bring back the log that was "
        "read so far, or start a new service");
    append(log, "shop.jsonl", I("9") C("1") B("2") I("2") C("2"));
    assert_fails(log, log->path, position.data, ERR_SOURCE,
        "cannot go on at shop.jsonl, byte 147: the file has other content before it: bring back "
        "the log that was read so far, or start a new service");
    assert_fails(log, log->path, "0/123", ERR_SOURCE,
        "position \"0/123\" is not one of source jsonl (file:offset:line:check)");
}

static void
a_torn_line_before_a_later_file_is_refused(void **state)
{
    Log *log = *state;

    append(log, "1.jsonl", B("1") "{'action':");
    append(log, "2.jsonl", C("1"));
    assert_fails(log, log->directory, "", ERR_DATA,
        "1.jsonl:2: the line is torn, and a later file follows: column 11: the line ends where a "
        "value should stand");
}

static void
what_cannot_be_opened_is_named(void **state)
{
    Log *log = *state;
    CLEANUP(buf_clear) Buf error = BUF_INIT;

    buf_addf(&error, "open %s: No such file or directory", log->path);
    assert_fails(log, log->path, "", ERR_SOURCE, error.data);
    assert_false(log->err.retriable);
    assert_fails(log, "/dev/null", "", ERR_SOURCE,
        "open /dev/null: neither a file nor a directory (for a pipe use path: \"-\")");
}

/* Take events until one of the kind comes. */
static void
wait_for(Log *log, Source *source, EventKind kind)
{
    for (int i = 0; i < 2000; i++) {
        Event event;
        Next next = source_jsonl.next(source, 10, &event, &log->err);

        if (next == NEXT_FAILED)
            fail_msg("%s", log->err.text);
        assert_int_not_equal(next, NEXT_END);
        if (next == NEXT_ITEM)
            dump_event(&log->dump, &event);
        if (next == NEXT_ITEM && event.kind == kind)
            return;
    }
    fail_msg("nothing came");
}

static void *
write_slowly(void *context)
{
    const Log *log = context;
    static const char *const parts[] = {"{'action':'B'}\n{'action':'I','tab",
        "le':'t','columns':[{'name':'v','val", "ue':1}]}\n{'action':'C'}", "\n"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        (void)usleep(20000);
        append(log, "shop.jsonl", parts[i]);
    }
    return NULL;
}

static void
a_followed_log_waits_for_the_rest_of_a_line(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->path);
    CLEANUP(source_close) Source *source = NULL;
    pthread_t writer;
    Event event;

    options.follow = true;
    append(log, "shop.jsonl", B("1") C("1"));
    source = jsonl_open_at(&options, "", &log->err);
    assert_ok(source != NULL, log->err);
    assert_int_equal(pthread_create(&writer, NULL, write_slowly, log), 0);
    wait_for(log, source, EVENT_COMMIT);
    wait_for(log, source, EVENT_COMMIT);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_string_equal(log->dump.text.data, BEGIN COMMIT UNKNOWN ROW("1") COMMIT);
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_IDLE);
}

static void
a_followed_run_ends_after_a_quiet_time(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->path);
    CLEANUP(source_close) Source *source = NULL;
    Event event;

    options.follow = true;
    append(log, "shop.jsonl", XI("1", "1"));
    source = jsonl_open_at(&options, "", &log->err);
    assert_ok(source != NULL, log->err);
    wait_for(log, source, EVENT_CHANGE);
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_IDLE);
    /* a part of a line keeps it open */
    append(log, "shop.jsonl", "{'action':'I',");
    (void)usleep(80000);
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_IDLE);
    append(log, "shop.jsonl", "'xid':1,'table':'t','columns':[{'name':'v','value':2}]}\n");
    wait_for(log, source, EVENT_COMMIT);
    assert_string_equal(log->dump.text.data, UNKNOWN ROW("1") ROW("2") COMMIT);
}

static void
a_followed_directory_goes_to_new_files(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->directory);
    CLEANUP(source_close) Source *source = NULL;
    Event event;

    options.follow = true;
    source = jsonl_open_at(&options, "", &log->err);
    assert_ok(source != NULL, log->err);
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_IDLE);
    append(log, "5.jsonl", B("1") I("1"));
    wait_for(log, source, EVENT_CHANGE);
    /* empty as yet: the writer may still be with the file before */
    append(log, "6.jsonl", "");
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_IDLE);
    append(log, "5.jsonl", I("2"));
    append(log, "6.jsonl", I("3") C("1"));
    wait_for(log, source, EVENT_COMMIT);
    assert_string_equal(log->dump.text.data, BEGIN ROW("1") ROW("2") ROW("3") COMMIT);
    append(log, "4.jsonl", B("2"));
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_FAILED);
    assert_string_equal(log->err.text,
        "4.jsonl: appeared when 6.jsonl was already being read: names must sort in the order of "
        "time");
}

static void
a_followed_file_may_be_renamed_and_made_anew(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->path);
    CLEANUP(source_close) Source *source = NULL;
    char *old = file_join(log->directory, "shop.jsonl.1");
    Event event;

    options.follow = true;
    append(log, "shop.jsonl", B("1") I("1"));
    source = jsonl_open_at(&options, "", &log->err);
    assert_ok(source != NULL, log->err);
    wait_for(log, source, EVENT_CHANGE);
    assert_int_equal(rename(log->path, old), 0);
    free(old);
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_IDLE);
    append(log, "shop.jsonl.1", I("2") C("1"));
    append(log, "shop.jsonl", B("2") I("3") C("2"));
    wait_for(log, source, EVENT_COMMIT);
    wait_for(log, source, EVENT_COMMIT);
    assert_string_equal(log->dump.text.data, BEGIN ROW("1") ROW("2") COMMIT BEGIN ROW("3") COMMIT);
    assert_int_equal(truncate(log->path, 10), 0);
    assert_int_equal(source_jsonl.next(source, 0, &event, &log->err), NEXT_FAILED);
    assert_string_equal(
        log->err.text, "shop.jsonl: was truncated while it was read: what stood in it is lost");
}

static void
until_end_does_not_wait(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->path);
    SourceStart start = {.options = &options, .position = TEXT(""), .until_end = true};
    CLEANUP(source_close) Source *source = NULL;

    options.follow = true;
    append(log, "shop.jsonl", B("1") C("1"));
    source = source_jsonl.open(&start, &log->err);
    assert_ok(source != NULL, log->err);
    assert_int_equal(dump_all(&log->dump, source, 60000, &log->err), NEXT_END);
}

static void
a_stop_ends_the_wait(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->path);
    CLEANUP(source_close) Source *source = NULL;
    int64_t begin_ms = clock_monotonic_ms();
    Event event;

    options.follow = true;
    options.poll_interval_ms = 60000;
    append(log, "shop.jsonl", "");
    source = jsonl_open_at(&options, "", &log->err);
    assert_ok(source != NULL, log->err);
    stop_request(STOP_AFTER_BLOCK);
    assert_int_equal(source_jsonl.next(source, 60000, &event, &log->err), NEXT_IDLE);
    assert_true(clock_monotonic_ms() - begin_ms < 10000);
}

/* The text as standard input of this process. */
static void
put_on_stdin(const Log *log, const char *text)
{
    char *path = file_join(log->directory, "input");
    int fd;

    (void)unlink(path);
    append(log, "input", text);
    fd = file_open(path, 0, &(Error){0});
    assert_true(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    file_close(fd);
    free(path);
}

#define LB(lsn) "{'action':'B','lsn':'" lsn "'}\n"
#define LC(lsn) "{'action':'C','lsn':'" lsn "'}\n"

static void
standard_input_goes_on_behind_the_lsn(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options("/etc/dray/-");
    const char *input =
        LB("0/A") I("1") LC("0/A") LB("0/B") I("2") LC("0/B") LB("1/0") I("3") LC("1/0");

    put_on_stdin(log, input);
    assert_ok(run(log, &options, "", TEXT_NONE) == NEXT_END, log->err);
    assert_string_equal(log->dump.text.data,
        UNKNOWN ROW("1") COMMIT UNKNOWN ROW("2") COMMIT UNKNOWN ROW("3") COMMIT);
    put_on_stdin(log, input);
    assert_ok(run(log, &options, "-:99:9:0123456789abcdef:0/B", TEXT_NONE) == NEXT_END, log->err);
    assert_string_equal(log->dump.text.data, UNKNOWN ROW("3") COMMIT);
}

static void
standard_input_without_lsn_is_not_gone_on_with(void **state)
{
    Log *log = *state;

    put_on_stdin(log, B("1") C("1"));
    assert_fails(log, "-", "-:99:9:0123456789abcdef", ERR_SOURCE,
        "cannot go on from standard input: the position has no lsn, so that it is not known what "
        "of the input is new: record the log with include-lsn=1, or read it as a file");
    assert_fails(log, "-", "-:99:9:0123456789abcdef:0/B", ERR_SOURCE,
        "cannot go on from standard input: its B lines have no lsn, so that it is not known what "
        "of "
        "it is new: record the log with include-lsn=1, or read it as a file");
    put_on_stdin(log, I("1"));
    assert_fails(log, "-", "-:99:9:0123456789abcdef:0/B", ERR_SOURCE,
        "cannot go on from standard input: it has no B and C lines, so that it is not known what "
        "of "
        "it is new: record the log with include-transaction=1, or read it as a file");
}

#define RB(lsn, second) "{'action':'B','lsn':'" lsn "','timestamp':'2026-03-11 20:51:" second "'}\n"
#define AT(second)      "BEGIN 2026-03-11 20:51:" second ".000\n"

static void
transactions_that_the_recorder_wrote_again_are_passed_over(void **state)
{
    append(*state, "shop.jsonl",
        RB("0/A", "10") I("1") LC("0/A") RB("0/B", "11") I("2") LC("0/B") RB("0/A", "10") I("1")
            LC("0/A") RB("0/B", "11") I("2") LC("0/B") RB("0/C", "12") I("3") LC("0/C"));
    assert_events(*state, "",
        AT("10") ROW("1") COMMIT AT("11") ROW("2") COMMIT AT("12") ROW("3") COMMIT,
        TEXT("2 repeated transactions passed over"));
}

static void
repeated_transactions_are_known_after_going_on(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->path);
    CLEANUP(buf_clear) Buf position = BUF_INIT;
    const char *at;

    append(log, "shop.jsonl", RB("0/A", "10") LC("0/A") RB("0/B", "11") LC("0/B"));
    log->dump.positions = true;
    assert_int_equal(run(log, &options, "", TEXT_NONE), NEXT_END);
    at = strrchr(log->dump.text.data, ' ') + 1;
    buf_add(&position, at, strcspn(at, "\n"));
    log->dump.positions = false;
    append(log, "shop.jsonl", RB("0/B", "11") LC("0/B") RB("0/C", "12") LC("0/C"));
    assert_events(log, position.data, AT("12") COMMIT, TEXT("1 repeated transaction passed over"));
}

static void
a_transaction_cut_by_a_restart_goes_on_where_it_was(void **state)
{
    append(*state, "shop.jsonl",
        RB("0/A", "10") I("1") LC("0/A") RB("0/B", "11") I("2") I("3") RB("0/A", "10") I("1")
            RB("0/A", "10") I("1") LC("0/A") RB("0/B", "11") I("2") RB("0/B", "11") I("2") I("3")
                I("4") LC("0/B"));
    assert_events(*state, "", AT("10") ROW("1") COMMIT AT("11") ROW("2") ROW("3") ROW("4") COMMIT,
        TEXT("2 repeated transactions passed over"));
}

static void
what_only_looks_repeated_is_refused(void **state)
{
    static const struct {
        const char *lines, *error;
    } bad[] = {
        {RB("0/B", "10") LC("0/B") RB("0/A", "12"),
            "shop.jsonl:3: commit lsn 0/A is not above the last one's, but its time is later: this "
            "is another server's log: start a new service, or set skip_repeated: false"},
        {LB("0/B") LC("0/B") LB("0/B"), "shop.jsonl:3: commit lsn 0/B is not above the last one's, "
                                        "and without timestamps it is "
                                        "not known whether the transaction is repeated or another "
                                        "server's: record the log with "
                                        "include-timestamp=1, or set skip_repeated: false"},
        {LB("0/B") I("1") LB("0/B") I("2"),
            "shop.jsonl:4: the transaction that began at shop.jsonl:1 is repeated with other "
            "content"},
        {LB("0/B") I("1") I("2") LB("0/B") I("1") LC("0/B"),
            "shop.jsonl:6: the transaction that began at shop.jsonl:1 is repeated with other "
            "content"},
        {LB("0/B") I("1") LB("0/C"),
            "shop.jsonl:3: a transaction begins inside the one that began at shop.jsonl:1"},
    };
    Log *log = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        (void)unlink(log->path);
        append(log, "shop.jsonl", bad[i].lines);
        assert_fails(log, log->path, "", ERR_DATA, bad[i].error);
    }
}

static void
check_reports_what_the_log_lacks(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->path);
    SourceStart start = {.options = &options, .position = TEXT("")};
    CLEANUP(buf_clear) Buf report = BUF_INIT;

    append(log, "shop.jsonl", I("1"));
    assert_ok(source_jsonl.check(&start, &report, &log->err), log->err);
    assert_string_equal(buf_string(&report),
        "the log has neither B and C lines nor xid: each line is taken as a transaction (record it "
        "with include-transaction=1)\n"
        "the log has no timestamp: commit times are unknown (record it with include-timestamp=1)\n"
        "the log tells no key of table t: it is taken from the table's rule or the target (record "
        "it with include-pk=1)\n"
        "the log has no types: the target's columns decide (record it with include-types=1)\n");
}

#ifdef WITH_FAULTS
/* Whichever call fails: an error of the source that may pass, and nothing but whole lines before.
 */
static void
every_failing_call_is_an_error_of_the_source(void **state)
{
    Log *log = *state;
    JsonlOptions options = jsonl_options(log->directory);
    CLEANUP(buf_clear) Buf position = BUF_INIT;
    CLEANUP(buf_clear) Buf rest = BUF_INIT;
    const char *at;
    bool hit = true;

    append(log, "1.jsonl", B("1") I("1") C("1"));
    append(log, "2.jsonl", B("2") I("2") C("2"));
    log->dump.positions = true;
    assert_ok(run(log, &options, "", TEXT_NONE) == NEXT_END, log->err);
    at = strstr(log->dump.text.data, "COMMIT ") + strlen("COMMIT ");
    buf_add(&position, at, strcspn(at, "\n"));
    buf_add_string(&rest, strchr(at, '\n') + 1);
    for (int nth = 1; hit; nth++) {
        Next next;

        assert_true(nth < 100);
        fault_arm(nth);
        next = run(log, &options, position.data, TEXT_NONE);
        hit = fault_was_hit();
        fault_arm(0);
        assert_int_equal(next, hit ? NEXT_FAILED : NEXT_END);
        assert_true(!hit || (log->err.kind == ERR_SOURCE && log->err.retriable));
        assert_memory_equal(buf_string(&log->dump.text), rest.data, log->dump.text.len);
        assert_true(hit || nth > 5);
    }
}
#endif

static void
the_registry_finds_drivers_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(source_find("jsonl"), &source_jsonl);
    assert_null(source_find("nothing"));
    for (size_t i = 0; source_drivers[i] != NULL; i++)
        assert_true(source_drivers[i]->name != NULL && source_drivers[i]->summary != NULL &&
                    source_drivers[i]->fields != NULL &&
                    (source_drivers[i]->missing != NULL ||
                        (source_drivers[i]->open != NULL && source_drivers[i]->close != NULL &&
                            source_drivers[i]->next != NULL)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(begin_and_commit_lines_make_transactions),
    TEST(lines_of_one_xid_make_a_transaction),
    TEST(lines_without_xid_are_transactions_of_their_own),
    TEST(empty_lines_and_crlf_are_accepted),
    TEST(a_last_line_without_its_end_counts_where_it_is_whole),
    TEST(a_torn_last_line_leaves_its_transaction_out),
    TEST(a_torn_last_line_leaves_the_run_before_it_out),
    TEST(a_transaction_without_its_end_is_left_out),
    TEST(lines_out_of_place_are_refused),
    TEST(a_line_above_the_limit_is_refused),
    TEST(a_value_of_50_megabytes_arrives_and_the_memory_goes),
    TEST(reading_goes_on_at_every_position),
    TEST(reading_goes_on_at_every_position_of_runs),
    TEST(reading_goes_on_in_rotated_files),
    TEST(a_run_over_two_files_is_one_transaction),
    TEST(positions_read_so),
    TEST(a_changed_log_is_not_gone_on_with),
    TEST(a_torn_line_before_a_later_file_is_refused),
    TEST(what_cannot_be_opened_is_named),
    TEST(a_followed_log_waits_for_the_rest_of_a_line),
    TEST(a_followed_run_ends_after_a_quiet_time),
    TEST(a_followed_directory_goes_to_new_files),
    TEST(a_followed_file_may_be_renamed_and_made_anew),
    TEST(until_end_does_not_wait),
    TEST(a_stop_ends_the_wait),
    TEST(standard_input_goes_on_behind_the_lsn),
    TEST(standard_input_without_lsn_is_not_gone_on_with),
    TEST(transactions_that_the_recorder_wrote_again_are_passed_over),
    TEST(repeated_transactions_are_known_after_going_on),
    TEST(a_transaction_cut_by_a_restart_goes_on_where_it_was),
    TEST(what_only_looks_repeated_is_refused),
    TEST(check_reports_what_the_log_lacks),
#ifdef WITH_FAULTS
    TEST(every_failing_call_is_an_error_of_the_source),
#endif
    TEST(the_registry_finds_drivers_by_name),
};

TEST_MAIN(tests)
