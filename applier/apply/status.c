#include "apply/status.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "block/retention.h"
#include "target/position.h"

#define STATUS_NAME  "status.json"
#define STATUS_LIMIT ((size_t)1 << 20)

static json_t *
text_json(Text text)
{
    return json_stringn(text.len == 0 ? "" : text.data, text.len);
}

static json_t *
time_json(int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    return time_us == TIME_UNKNOWN ? json_null() : text_json(clock_format(time_us, text));
}

bool
status_write(const Context *context, const StatusFile *status, Error *err)
{
    const Config *config = context->config;
    char *path = file_join(config->block.directory, STATUS_NAME);
    CLEANUP(buf_clear) Buf tmp = BUF_INIT;
    json_t *root = json_object();
    bool ok;

    (void)json_object_set_new(root, "service", json_string(config->service));
    (void)json_object_set_new(root, "pid", json_integer(getpid()));
    (void)json_object_set_new(root, "state", json_string(status->state));
    (void)json_object_set_new(root, "seqno", json_integer((json_int_t)status->seqno));
    (void)json_object_set_new(root, "source_position", text_json(status->source_position));
    (void)json_object_set_new(root, "commit_timestamp", time_json(status->commit_us));
    (void)json_object_set_new(root, "updated_at", time_json(status->updated_us));
    (void)json_object_set_new(root, "caught_up", json_boolean(status->caught_up));
    if (status->last_error != NULL) {
        (void)json_object_set_new(root, "last_error", json_string(status->last_error));
        (void)json_object_set_new(root, "last_error_at", time_json(status->last_error_us));
    }
    buf_addf(&tmp, "%s.tmp", path);
    /* no fsync: the position is in the target, this is for people to look at */
    ok = !FAULT("status.write") && json_dump_file(root, tmp.data, JSON_INDENT(2)) == 0 &&
         rename(tmp.data, path) == 0;
    if (!ok)
        (void)error_set_errno(err, ERR_IO, "write %s", path);
    json_decref(root);
    free(path);
    return ok;
}

static Text
member_text(const json_t *root, const char *name, Arena *arena)
{
    const json_t *member = json_object_get(root, name);

    if (!json_is_string(member))
        return TEXT("");
    return arena_text(arena, (Text){json_string_value(member), json_string_length(member)});
}

static int64_t
member_time(const json_t *root, const char *name, Arena *arena)
{
    int64_t time_us = TIME_UNKNOWN;

    if (!clock_parse(member_text(root, name, arena), &time_us))
        return TIME_UNKNOWN;
    return time_us;
}

/* The service's own last word; a missing or damaged file says nothing. */
static bool
read_file(const Context *context, Arena *arena, ServiceStatus *status)
{
    char *path = file_join(context->config->block.directory, STATUS_NAME);
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    json_t *root = NULL;
    bool caught_up = false;
    Error ignored;

    if (file_exists(path) && file_read_all(path, STATUS_LIMIT, &text, &ignored))
        root = json_loadb(text.data, text.len, 0, NULL);
    if (root != NULL) {
        status->state = member_text(root, "state", arena);
        status->seqno = (uint64_t)json_integer_value(json_object_get(root, "seqno"));
        status->source_position = member_text(root, "source_position", arena);
        status->commit_us = member_time(root, "commit_timestamp", arena);
        status->updated_us = member_time(root, "updated_at", arena);
        status->last_error = member_text(root, "last_error", arena);
        status->last_error_us = member_time(root, "last_error_at", arena);
        caught_up = json_is_true(json_object_get(root, "caught_up"));
    }
    json_decref(root);
    free(path);
    return caught_up;
}

static void
read_position(const Context *context, Arena *arena, ServiceStatus *status)
{
    const Config *config = context->config;
    CLEANUP(target_close) Target *target = NULL;
    Position position;
    bool found = false;
    Error err;

    target = context->target->open(config->target_options, &err);
    if (target == NULL || !position_read(target, text_of(config->target.position_schema),
                              text_of(config->service), arena, &position, &found, &err)) {
        status->target_error = text_of(arena_string(arena, err.text));
        return;
    }
    status->target_answers = true;
    if (!found)
        return;
    status->seqno = position.seqno;
    status->source_position = position.source_position;
    status->commit_us = position.commit_us;
    status->updated_us = position.updated_us;
}

/* ---- the source ---- */

/* What the process that asks the source hands back. */
typedef struct SourceAnswer {
    bool ok;
    int64_t bytes;
    SourceLag lag;
    char error[1024];
} SourceAnswer;

static void
ask_source(const Context *context, SourceAnswer *answer)
{
    const Config *config = context->config;
    const SourceDriver *driver = context->source;
    SourceStart start = {
        .service = config->service, .options = config->source_options, .position = TEXT("")};
    Error err;

    answer->ok = (driver->retained == NULL || driver->retained(&start, &answer->bytes, &err)) &&
                 (driver->lag == NULL || driver->lag(&start, &answer->lag, &err));
    if (!answer->ok)
        (void)snprintf(answer->error, sizeof(answer->error), "%.1000s", err.text);
}

/* False: nothing whole came in time. */
static bool
read_answer(int fd, SourceAnswer *answer)
{
    int64_t end_ms = clock_monotonic_ms() + STATUS_SOURCE_MS;
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    for (;;) {
        int64_t left = end_ms - clock_monotonic_ms();

        if (left <= 0)
            return false;
        /* it is shorter than a pipe takes at once */
        if (poll(&watched, 1, (int)left) > 0)
            return read(fd, answer, sizeof(*answer)) == (ssize_t)sizeof(*answer);
    }
}

/*
 * A server that is not there can take any time to say so, at any place inside a library: another
 * process asks, and is given up.
 */
static void
read_source(const Context *context, Arena *arena, ServiceStatus *status)
{
    const SourceDriver *driver = context->source;
    SourceAnswer answer = {.bytes = -1, .lag = {-1, -1}};
    int ends[2];
    pid_t child;

    if ((driver->retained == NULL && driver->lag == NULL) || pipe(ends) != 0)
        return;
    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        ask_source(context, &answer);
        (void)!write(ends[1], &answer, sizeof(answer));
        _exit(0);
    }
    (void)close(ends[1]);
    if (child < 0 || !read_answer(ends[0], &answer))
        (void)snprintf(
            answer.error, sizeof(answer.error), "no answer within %d s", STATUS_SOURCE_MS / 1000);
    (void)close(ends[0]);
    if (child > 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
    }
    answer.error[sizeof(answer.error) - 1] = '\0';
    if (answer.ok) {
        status->retained_bytes = answer.bytes;
        status->source_behind_us = answer.lag.behind_us;
        status->source_pending = answer.lag.pending;
    }
    status->source_error = text_of(arena_string(arena, answer.error));
}

bool
status_note(const Context *context, const char *state, const Error *failure, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    ServiceStatus last = {
        .source_position = TEXT(""), .commit_us = TIME_UNKNOWN, .updated_us = TIME_UNKNOWN};
    StatusFile status = {
        .state = state, .last_error = failure->text, .last_error_us = clock_now_us()};

    (void)read_file(context, arena, &last);
    status.seqno = last.seqno;
    status.source_position = last.source_position;
    status.commit_us = last.commit_us;
    status.updated_us = last.updated_us;
    return status_write(context, &status, err);
}

static bool
is_running(const Config *config)
{
    char *path = file_join(config->block.directory, "lock");
    bool held = file_is_locked(path);

    free(path);
    return held;
}

bool
status_read(const Context *context, Arena *arena, ServiceStatus *ret_status, Error *err)
{
    const Config *config = context->config;
    BlockList storage = {0};
    CLEANUP(block_list_free) BlockList *blocks = &storage;
    ServiceStatus status = {.service = text_of(config->service),
        .state = TEXT("never run"),
        .source_position = TEXT(""),
        .commit_us = TIME_UNKNOWN,
        .updated_us = TIME_UNKNOWN,
        .lag_seconds = -1,
        .last_error = TEXT(""),
        .last_error_us = TIME_UNKNOWN,
        .target_error = TEXT(""),
        .retained_bytes = -1,
        .source_behind_us = -1,
        .source_pending = -1,
        .source_error = TEXT("")};
    bool caught_up = read_file(context, arena, &status);

    status.process_runs = is_running(config);
    /* a process that was killed could not say so */
    if (!status.process_runs &&
        (text_is(status.state, "running") || text_is(status.state, "retrying") ||
            text_is(status.state, "waiting") || text_is(status.state, "holding")))
        status.state = TEXT("killed");
    read_position(context, arena, &status);
    read_source(context, arena, &status);
    /* what the source has got since a process ended nobody knows */
    if (caught_up && status.process_runs && text_is(status.state, "running"))
        status.lag_seconds = 0;
    else if (status.commit_us != TIME_UNKNOWN)
        status.lag_seconds = (double)(clock_now_us() - status.commit_us) / 1e6;
    if (!block_list(config->block.directory, blocks, err))
        return false;
    status.block_count = blocks->count;
    status.block_bytes = blocks->bytes;
    *ret_status = status;
    return true;
}
