#include "source/jsonl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/stop.h"
#include "source/json.h"
#include "source/jsonl_position.h"
#include "source/lines.h"
#include "source/wal2json.h"

/* Lines before the position are decoded again for the shapes of their tables: this much. */
#define HISTORY_SIZE ((size_t)4 << 20)
/* check() looks at so many lines. */
#define CHECK_LINES 1000
/* Commit times do not grow exactly as commit lsns do. */
#define TIME_SLACK_US INT64_C(1000000)

typedef enum Transaction {
    TRANSACTION_NONE,
    TRANSACTION_MARKED, /* between B and C */
    TRANSACTION_RUN,    /* lines of one xid, or one line without xid */
} Transaction;

typedef struct Jsonl {
    Source base;
    JsonlOptions options;
    Lines *lines;
    Wal2json *decoder;
    WalLine line;
    Transaction transaction;
    bool pending;  /* line is decoded and not handed out */
    bool marked;   /* the log has B and C */
    bool due;      /* a line without xid was handed out: its COMMIT comes next */
    bool resuming; /* standard input: nothing behind the position was seen yet */
    bool aside;    /* lines up to the next C are of a transaction that was committed before */
    bool ended;
    bool has_xid; /* of the transaction */
    bool begun_has_lsn;
    bool has_lsn; /* of the last commit */
    uint64_t xid;
    uint64_t begun_lsn;
    uint64_t lsn;
    int64_t last_time_us; /* the latest commit time so far */
    int64_t line_ms;      /* monotonic time of the last line */
    uint64_t repeated;    /* transactions that were passed over */
    uint64_t handed;      /* lines of the open transaction that were handed out, and their hash */
    uint64_t handed_hash;
    uint64_t again; /* so many of them are expected once more, and the hash of those that came */
    uint64_t again_hash;
    uint64_t line_hash;
    Buf begun; /* where the transaction began */
    Buf position;
    Buf where;
    Buf notice;
} Jsonl;

#define JSONL_FIELD(member) offsetof(JsonlOptions, member)

static const Field fields[] = {
    {.name = "path",
        .type = FIELD_PATH,
        .offset = JSONL_FIELD(path),
        .flags = FIELD_REQUIRED,
        .doc =
            "The log: a file, a directory of files that are read in the order of their names, or "
            "\"-\" for standard input."},
    {.name = "pattern",
        .type = FIELD_TEXT,
        .offset = JSONL_FIELD(pattern),
        .preset = "*.jsonl",
        .doc = "Glob of the file names to read where path is a directory."},
    {.name = "follow",
        .type = FIELD_BOOL,
        .offset = JSONL_FIELD(follow),
        .preset = "false",
        .doc = "Wait for more at the end of the log instead of ending there."},
    {.name = "poll_interval",
        .type = FIELD_TIME,
        .offset = JSONL_FIELD(poll_interval_ms),
        .preset = "100ms",
        .min = 1,
        .max = 3600000,
        .doc = "How often a followed log is looked at."},
    {.name = "transaction_wait",
        .type = FIELD_TIME,
        .offset = JSONL_FIELD(transaction_wait_ms),
        .preset = "1s",
        .min = 0,
        .max = 3600000,
        .doc = "In a followed log without B and C lines: how long no further line of an xid must "
               "come before its transaction is taken as complete."},
    {.name = "max_line",
        .type = FIELD_BYTES,
        .offset = JSONL_FIELD(max_line),
        .preset = "1GiB",
        .min = 1024,
        .max = (INT64_C(1) << 31) - 1,
        .doc = "A longer line is an error."},
    {.name = "skip_repeated",
        .type = FIELD_BOOL,
        .offset = JSONL_FIELD(skip_repeated),
        .preset = "true",
        .doc = "Pass over a transaction whose commit lsn is not above the last one's: the recorder "
               "writes some once more after a restart."},
    {.name = NULL},
};

static void
set_where(const Jsonl *jsonl, Buf *where)
{
    where->len = 0;
    buf_add_text(where, lines_file(jsonl->lines));
    buf_add_char(where, ':');
    buf_add_u64(where, lines_number(jsonl->lines));
}

/* Error at the present line. */
#define fail_line(jsonl, err, fmt, ...)   \
    (set_where((jsonl), &(jsonl)->where), \
        error_set((err), ERR_DATA, "%s: " fmt, buf_string(&(jsonl)->where), ##__VA_ARGS__))

static void
see_time(Jsonl *jsonl, const WalLine *line)
{
    int64_t time_us;

    if (line->timestamp.data != NULL && clock_parse(line->timestamp, &time_us))
        jsonl->last_time_us = MAX(jsonl->last_time_us, time_us);
}

/* Know the shapes of tables as if the log had been read from further back. */
static bool
read_history(Jsonl *jsonl, Error *err)
{
    CLEANUP(buf_clear) Buf history = BUF_INIT;
    char *at;
    char *end;
    char *stop;

    if (!lines_history(jsonl->lines, HISTORY_SIZE, &history, err))
        return false;
    at = history.data;
    stop = at == NULL ? NULL : at + history.len;
    for (; at < stop; at = end + 1) {
        size_t len;
        WalLine line;
        Error unused;

        end = memchr(at, '\n', (size_t)(stop - at));
        if (end == NULL)
            end = stop;
        len = (size_t)(end - at);
        if (len > 0 && at[len - 1] == '\r')
            len--;
        /* what is wrong in it was reported when it was read; here it only teaches nothing */
        if (len > 0 && wal2json_decode(jsonl->decoder, at, len, &line, &unused))
            see_time(jsonl, &line);
    }
    return true;
}

static void
jsonl_free(Jsonl *jsonl)
{
    if (jsonl == NULL)
        return;
    lines_close(jsonl->lines);
    wal2json_free(jsonl->decoder);
    buf_clear(&jsonl->begun);
    buf_clear(&jsonl->position);
    buf_clear(&jsonl->where);
    buf_clear(&jsonl->notice);
    free(jsonl);
}

static void
jsonl_close(Source *source)
{
    jsonl_free((Jsonl *)source);
}

static bool
open_at(Jsonl *jsonl, const SourceStart *start, Error *err)
{
    LinesConfig config = {
        .path = jsonl->options.path,
        .pattern = jsonl->options.pattern,
        .follow = jsonl->options.follow && !start->until_end,
        .max_line = jsonl->options.max_line,
    };
    JsonlPosition position = {0};
    bool resume = start->position.len > 0;

    if (resume && !jsonl_position_parse(start->position, &position, err))
        return false;
    jsonl->lines = lines_open(&config, resume ? &position.place : NULL, err);
    if (jsonl->lines == NULL)
        return false;
    jsonl->options.follow = config.follow;
    jsonl->has_lsn = position.has_lsn;
    jsonl->lsn = position.lsn;
    if (!resume)
        return true;
    if (lines_is_stream(jsonl->lines)) {
        jsonl->resuming = true;
        if (!position.has_lsn)
            return error_set(err, ERR_SOURCE,
                "cannot go on from standard input: the position has no lsn, so that it is not "
                "known "
                "what of the input is new: record the log with include-lsn=1, or read it as a "
                "file");
        return true;
    }
    return read_history(jsonl, err);
}

static Jsonl *
open_log(const SourceStart *start, Error *err)
{
    Jsonl *jsonl = calloc(1, sizeof(*jsonl));

    if (jsonl == NULL)
        abort();
    jsonl->base.driver = &source_jsonl;
    jsonl->options = *(const JsonlOptions *)start->options;
    jsonl->decoder = wal2json_new();
    jsonl->last_time_us = TIME_UNKNOWN;
    if (open_at(jsonl, start, err))
        return jsonl;
    jsonl_free(jsonl);
    return NULL;
}

static Source *
jsonl_open(const SourceStart *start, Error *err)
{
    /* the base comes first: NULL stays NULL */
    return (Source *)open_log(start, err);
}

static uint64_t
mix_hash(uint64_t before, uint64_t line)
{
    return (before ^ line) * UINT64_C(0x9E3779B97F4A7C15) + (before >> 29);
}

static bool
same_xid(const Jsonl *jsonl)
{
    return jsonl->has_xid && jsonl->line.has_xid && jsonl->xid == jsonl->line.xid;
}

static Next
give_begin(Jsonl *jsonl, Transaction transaction, Event *ret_event, Error *err)
{
    const WalLine *line = &jsonl->line;
    int64_t time_us = TIME_UNKNOWN;

    if (line->timestamp.data != NULL && !clock_parse(line->timestamp, &time_us)) {
        (void)fail_line(
            jsonl, err, "timestamp \"" TEXT_FMT "\" is not a time", TEXT_ARG(line->timestamp));
        return NEXT_FAILED;
    }
    jsonl->transaction = transaction;
    jsonl->has_xid = line->has_xid;
    jsonl->xid = line->xid;
    jsonl->begun_has_lsn = line->has_lsn;
    jsonl->begun_lsn = line->lsn;
    jsonl->handed = jsonl->handed_hash = jsonl->again = 0;
    jsonl->last_time_us = MAX(jsonl->last_time_us, time_us);
    set_where(jsonl, &jsonl->begun);
    *ret_event =
        (Event){.kind = EVENT_BEGIN, .commit_time_us = time_us, .where = buf_text(&jsonl->begun)};
    return NEXT_ITEM;
}

/* Ends the transaction at the place. */
static Next
give_commit(Jsonl *jsonl, const LinesPlace *place, Event *ret_event)
{
    JsonlPosition position = {*place, jsonl->has_lsn, jsonl->lsn};

    jsonl_position_format(&position, &jsonl->position);
    set_where(jsonl, &jsonl->where);
    jsonl->transaction = TRANSACTION_NONE;
    jsonl->due = false;
    *ret_event = (Event){.kind = EVENT_COMMIT,
        .commit_time_us = TIME_UNKNOWN,
        .position = buf_text(&jsonl->position),
        .where = buf_text(&jsonl->where)};
    return NEXT_ITEM;
}

static Next
give_commit_before(Jsonl *jsonl, Event *ret_event)
{
    LinesPlace place = lines_before(jsonl->lines);

    return give_commit(jsonl, &place, ret_event);
}

static Next
give_commit_after(Jsonl *jsonl, Event *ret_event)
{
    LinesPlace place = lines_after(jsonl->lines);

    return give_commit(jsonl, &place, ret_event);
}

static Next
give_change(Jsonl *jsonl, Event *ret_event)
{
    const WalLine *line = &jsonl->line;

    set_where(jsonl, &jsonl->where);
    jsonl->pending = false;
    *ret_event = (Event){
        .kind = line->action == WAL_TRUNCATE ? EVENT_TRUNCATE : EVENT_CHANGE,
        .commit_time_us = TIME_UNKNOWN,
        .change = line->change,
        .schema = line->schema,
        .table = line->table,
        .where = buf_text(&jsonl->where),
    };
    return NEXT_ITEM;
}

/*
 * A commit lsn that is not above the last one's. The recorder writes transactions again that it had
 * not reported as flushed when it was stopped; but the log of another server may look alike, and
 * its transactions must not get lost: they are later than the last one.
 */
static bool
check_repeated(Jsonl *jsonl, Error *err)
{
    const WalLine *line = &jsonl->line;
    int64_t time_us = TIME_UNKNOWN;

    if (line->timestamp.data == NULL || !clock_parse(line->timestamp, &time_us) ||
        jsonl->last_time_us == TIME_UNKNOWN)
        return fail_line(jsonl, err,
            "commit lsn %" PRIX32 "/%" PRIX32
            " is not above the last one's, and without timestamps it is not known whether the "
            "transaction is repeated or another server's: record the log with include-timestamp=1, "
            "or set skip_repeated: false",
            (uint32_t)(line->lsn >> 32), (uint32_t)line->lsn);
    if (time_us > jsonl->last_time_us + TIME_SLACK_US)
        return fail_line(jsonl, err,
            "commit lsn %" PRIX32 "/%" PRIX32
            " is not above the last one's, but its time is later: this is another server's log: "
            "start a new service, or set skip_repeated: false",
            (uint32_t)(line->lsn >> 32), (uint32_t)line->lsn);
    return true;
}

/* At a B: is it of a transaction that was committed before? */
static bool
find_repeated(Jsonl *jsonl, bool *ret_repeated, Error *err)
{
    const WalLine *line = &jsonl->line;

    *ret_repeated = false;
    if (jsonl->resuming && !line->has_lsn)
        return error_set(err, ERR_SOURCE,
            "cannot go on from standard input: its B lines have no lsn, so that it is not known "
            "what of it is new: record the log with include-lsn=1, or read it as a file");
    if (!line->has_lsn || !jsonl->has_lsn || line->lsn > jsonl->lsn ||
        !(jsonl->resuming || jsonl->options.skip_repeated)) {
        jsonl->resuming = false;
        return true;
    }
    if (!jsonl->resuming && !check_repeated(jsonl, err))
        return false;
    jsonl->repeated += !jsonl->resuming;
    *ret_repeated = true;
    return true;
}

/* A B inside a transaction: the recorder was stopped in it, and writes it again from its start. */
static Next
begin_again(Jsonl *jsonl, Error *err)
{
    const WalLine *line = &jsonl->line;
    bool same =
        jsonl->begun_has_lsn && line->has_lsn ? jsonl->begun_lsn == line->lsn : same_xid(jsonl);

    if (!same) {
        (void)fail_line(jsonl, err, "a transaction begins inside the one that began at %s",
            buf_string(&jsonl->begun));
        return NEXT_FAILED;
    }
    jsonl->again = jsonl->handed;
    jsonl->again_hash = 0;
    return NEXT_IDLE;
}

static Next
next_begin(Jsonl *jsonl, Event *ret_event, Error *err)
{
    if (jsonl->transaction == TRANSACTION_RUN)
        return give_commit_before(jsonl, ret_event);
    jsonl->pending = false;
    jsonl->marked = true;
    if (!find_repeated(jsonl, &jsonl->aside, err))
        return NEXT_FAILED;
    if (jsonl->aside)
        return NEXT_IDLE;
    if (jsonl->transaction == TRANSACTION_MARKED)
        return begin_again(jsonl, err);
    return give_begin(jsonl, TRANSACTION_MARKED, ret_event, err);
}

static Next
fail_again(Jsonl *jsonl, Error *err)
{
    (void)fail_line(jsonl, err, "the transaction that began at %s is repeated with other content",
        buf_string(&jsonl->begun));
    return NEXT_FAILED;
}

static Next
next_commit(Jsonl *jsonl, Event *ret_event, Error *err)
{
    const WalLine *line = &jsonl->line;

    jsonl->pending = false;
    if (jsonl->aside) {
        jsonl->aside = false;
        return NEXT_IDLE;
    }
    if (jsonl->transaction != TRANSACTION_MARKED) {
        (void)fail_line(jsonl, err, "a transaction ends that did not begin");
        return NEXT_FAILED;
    }
    if (jsonl->has_xid && line->has_xid && !same_xid(jsonl)) {
        (void)fail_line(jsonl, err,
            "the end of transaction %" PRIu64 " inside transaction %" PRIu64 ", which began at %s",
            line->xid, jsonl->xid, buf_string(&jsonl->begun));
        return NEXT_FAILED;
    }
    if (jsonl->again > 0)
        return fail_again(jsonl, err);
    if (line->has_lsn || jsonl->begun_has_lsn) {
        jsonl->has_lsn = true;
        jsonl->lsn = line->has_lsn ? line->lsn : jsonl->begun_lsn;
    }
    return give_commit_after(jsonl, ret_event);
}

/* A change between B and C. */
static Next
next_marked(Jsonl *jsonl, Event *ret_event, Error *err)
{
    const WalLine *line = &jsonl->line;

    if (jsonl->has_xid && line->has_xid && !same_xid(jsonl)) {
        (void)fail_line(jsonl, err,
            "a change of transaction %" PRIu64 " inside transaction %" PRIu64 ", which began at %s",
            line->xid, jsonl->xid, buf_string(&jsonl->begun));
        return NEXT_FAILED;
    }
    if (jsonl->again > 0) {
        jsonl->pending = false;
        jsonl->again_hash = mix_hash(jsonl->again_hash, jsonl->line_hash);
        if (--jsonl->again == 0 && jsonl->again_hash != jsonl->handed_hash)
            return fail_again(jsonl, err);
        return NEXT_IDLE;
    }
    jsonl->handed++;
    jsonl->handed_hash = mix_hash(jsonl->handed_hash, jsonl->line_hash);
    return give_change(jsonl, ret_event);
}

static Next
next_change(Jsonl *jsonl, Event *ret_event, Error *err)
{
    if (jsonl->aside) {
        jsonl->pending = false;
        return NEXT_IDLE;
    }
    if (jsonl->transaction == TRANSACTION_MARKED)
        return next_marked(jsonl, ret_event, err);
    if (jsonl->transaction == TRANSACTION_RUN) {
        /* a line without xid is handed out right after its BEGIN, and ends its transaction */
        jsonl->due = !jsonl->has_xid;
        if (jsonl->due || same_xid(jsonl))
            return give_change(jsonl, ret_event);
        return give_commit_before(jsonl, ret_event);
    }
    if (jsonl->marked) {
        (void)fail_line(jsonl, err, "a change outside of a transaction");
        return NEXT_FAILED;
    }
    if (jsonl->resuming) {
        (void)error_set(err, ERR_SOURCE,
            "cannot go on from standard input: it has no B and C lines, so that it is not known "
            "what of it is new: record the log with include-transaction=1, or read it as a file");
        return NEXT_FAILED;
    }
    return give_begin(jsonl, TRANSACTION_RUN, ret_event, err);
}

static Next
next_pending(Jsonl *jsonl, Event *ret_event, Error *err)
{
    switch (jsonl->line.action) {
    case WAL_BEGIN:
        return next_begin(jsonl, ret_event, err);
    case WAL_COMMIT:
        return next_commit(jsonl, ret_event, err);
    case WAL_CHANGE:
    case WAL_TRUNCATE:
        return next_change(jsonl, ret_event, err);
    case WAL_MESSAGE:
        break;
    }
    jsonl->pending = false;
    return NEXT_IDLE;
}

/* Nothing more; what is open is left out. */
static Next
end_log(Jsonl *jsonl)
{
    if (jsonl->repeated > 0)
        buf_addf(&jsonl->notice, "%s%" PRIu64 " repeated transaction%s passed over",
            jsonl->notice.len == 0 ? "" : "; ", jsonl->repeated, jsonl->repeated == 1 ? "" : "s");
    jsonl->transaction = TRANSACTION_NONE;
    jsonl->ended = true;
    return NEXT_END;
}

/* A line without its end. NEXT_ITEM: it is whole, nevertheless. */
static Next
torn_line(Jsonl *jsonl, const Line *line, Error *err)
{
    Error reason;

    if (source_json_is_object((Text){line->data, line->len}, &reason))
        return NEXT_ITEM;
    set_where(jsonl, &jsonl->where);
    if (line->later) {
        (void)error_set(err, ERR_DATA, "%s: the line is torn, and a later file follows: %s",
            buf_string(&jsonl->where), reason.text);
        return NEXT_FAILED;
    }
    buf_addf(&jsonl->notice, "%s: last line is torn: %s, transaction left out",
        buf_string(&jsonl->where), reason.text);
    return end_log(jsonl);
}

static Next
at_end(Jsonl *jsonl, Event *ret_event)
{
    if (jsonl->transaction == TRANSACTION_RUN)
        return give_commit_after(jsonl, ret_event);
    if (jsonl->transaction == TRANSACTION_MARKED)
        buf_addf(&jsonl->notice,
            "%s:%" PRIu64 ": log ends inside the transaction that began at %s, "
            "transaction left out",
            lines_file(jsonl->lines).data, lines_number(jsonl->lines), buf_string(&jsonl->begun));
    return end_log(jsonl);
}

/* Nothing to read now: does the run of an xid count as complete? */
static bool
is_quiet(const Jsonl *jsonl)
{
    return jsonl->transaction == TRANSACTION_RUN && !lines_has_part(jsonl->lines) &&
           clock_monotonic_ms() - jsonl->line_ms >= jsonl->options.transaction_wait_ms;
}

/* Read and decode a line. NEXT_ITEM: it is pending. */
static Next
read_line(Jsonl *jsonl, Error *err)
{
    Line line;
    Next next = lines_next(jsonl->lines, &line, err);

    if (next == NEXT_ITEM && line.torn)
        next = torn_line(jsonl, &line, err);
    if (next != NEXT_ITEM)
        return next;
    if (jsonl->transaction == TRANSACTION_MARKED)
        jsonl->line_hash = XXH3_64bits(line.data, line.len);
    if (!wal2json_decode(jsonl->decoder, line.data, line.len, &jsonl->line, err)) {
        set_where(jsonl, &jsonl->where);
        (void)error_wrap(err, "%s", buf_string(&jsonl->where));
        return NEXT_FAILED;
    }
    jsonl->pending = true;
    if (jsonl->transaction == TRANSACTION_RUN || !jsonl->marked)
        jsonl->line_ms = clock_monotonic_ms();
    return NEXT_ITEM;
}

/* Wait for the log to grow; false when the time is over. */
static bool
wait_more(Jsonl *jsonl, int64_t until_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t part_ms = MIN(until_ms - now_ms, jsonl->options.poll_interval_ms);

    if (part_ms <= 0)
        return false;
    if (jsonl->transaction == TRANSACTION_RUN)
        part_ms = MIN(part_ms, MAX(jsonl->options.transaction_wait_ms, INT64_C(1)));
    return !lines_wait(jsonl->lines, part_ms);
}

static Next
next_event(Jsonl *jsonl, int64_t wait_ms, Event *ret_event, Error *err)
{
    int64_t until_ms = -1;

    for (;;) {
        Next next;

        if (jsonl->pending) {
            next = next_pending(jsonl, ret_event, err);
            if (next != NEXT_IDLE)
                return next;
        }
        next = read_line(jsonl, err);
        if (next == NEXT_FAILED)
            return next;
        if (next == NEXT_END)
            return jsonl->ended ? NEXT_END : at_end(jsonl, ret_event);
        if (next == NEXT_ITEM)
            continue;
        if (is_quiet(jsonl))
            return give_commit_after(jsonl, ret_event);
        if (until_ms < 0)
            until_ms = clock_monotonic_ms() + wait_ms;
        if (!wait_more(jsonl, until_ms))
            return NEXT_IDLE;
    }
}

static Next
jsonl_next(Source *source, int64_t wait_ms, Event *ret_event, Error *err)
{
    Jsonl *jsonl = (Jsonl *)source;

    if (jsonl->ended)
        return NEXT_END;
    if (jsonl->due)
        return give_commit_after(jsonl, ret_event);
    return next_event(jsonl, wait_ms, ret_event, err);
}

static Text
jsonl_notice(Source *source)
{
    const Jsonl *jsonl = (Jsonl *)source;

    return jsonl->notice.len == 0 ? TEXT_NONE : buf_text(&jsonl->notice);
}

/* What a log was recorded without, and what follows from that. */
static void
report_lines(Jsonl *jsonl, const WalLine *change, bool has_time, Buf *report)
{
    if (!jsonl->marked && !change->has_xid)
        buf_add_string(report, "the log has neither B and C lines nor xid: each line is taken as a "
                               "transaction (record it with include-transaction=1)\n");
    else if (!jsonl->marked)
        buf_add_string(report, "the log has no B and C lines: lines in a row with the same xid are "
                               "taken as a transaction (record it with include-transaction=1)\n");
    if (!has_time)
        buf_add_string(report, "the log has no timestamp: commit times are unknown (record it with "
                               "include-timestamp=1)\n");
    if (!change->change.table->has_key)
        buf_addf(report,
            "the log tells no key of table %s%s%s: it is taken from the table's rule or the target "
            "(record it with include-pk=1)\n",
            change->change.table->schema.data, change->schema.len > 0 ? "." : "",
            change->change.table->name.data);
    if (change->change.table->column_count > 0 &&
        change->change.table->columns[0].type.data == NULL)
        buf_add_string(report, "the log has no types: the target's columns decide (record it with "
                               "include-types=1)\n");
}

/* Look at the first lines behind the position. */
static bool
check_lines(Jsonl *jsonl, Buf *report, Error *err)
{
    Event event = {0};
    bool has_time = false;

    for (int i = 0; i < CHECK_LINES; i++) {
        Next next = jsonl_next(&jsonl->base, 0, &event, err);

        if (next == NEXT_FAILED)
            return false;
        if (next != NEXT_ITEM)
            break;
        if (event.kind == EVENT_BEGIN)
            has_time = event.commit_time_us != TIME_UNKNOWN;
        if (event.kind == EVENT_CHANGE) {
            report_lines(jsonl, &jsonl->line, has_time, report);
            break;
        }
    }
    return true;
}

static bool
jsonl_check(const SourceStart *start, Buf *report, Error *err)
{
    Jsonl *jsonl = open_log(start, err);
    bool ok;

    if (jsonl == NULL)
        return false;
    /* what is read from standard input is gone */
    ok = lines_is_stream(jsonl->lines) || check_lines(jsonl, report, err);
    jsonl_free(jsonl);
    return ok;
}

const SourceDriver source_jsonl = {
    .name = "jsonl",
    .summary = "A transaction log that wal2json (format version 2) wrote: one JSON object a line.",
    .fields = fields,
    .options_size = sizeof(JsonlOptions),
    .open = jsonl_open,
    .close = jsonl_close,
    .next = jsonl_next,
    .notice = jsonl_notice,
    .check = jsonl_check,
};
