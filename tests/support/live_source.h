/*
 * live_source.h - a source that a test plays: transactions with places of their own, progress
 * without transactions, failures
 *
 * Positions are numbers. A transaction has its BEGIN at begin and is behind it at end. It is an
 * ordinary driver; the test puts it in the place of the configuration's (live_context()).
 */
#pragma once

#include <pthread.h>

#include "support/pipeline.h"

#define LIVE_MAX 64

typedef struct LiveTransaction {
    uint64_t begin;
    uint64_t end;
    int id; /* inserts this row of public.item; 0: no row */
} LiveTransaction;

typedef struct Live {
    pthread_mutex_t mutex;
    LiveTransaction transactions[LIVE_MAX];
    size_t count;
    uint64_t idle;         /* when nothing is left: EVENT_POSITION with this, if it is later */
    uint64_t fail_at;      /* the transaction with this begin fails behind its row, retriably … */
    int fail_times;        /* … this often, or -1: until it is changed */
    ErrorKind fail_kind;   /* … with this kind */
    bool fail_idle;        /* once, when nothing is left */
    uint64_t acknowledged; /* last one */
    int acknowledges;
    int opens;
    const TestService *check; /* acknowledge() looks there whether the target has the position */
    bool ahead;               /* it had not */
} Live;

static Live live;

typedef struct LiveSource {
    Source base;
    bool until_end;
    uint64_t at; /* told up to here */
    int step;    /* in the transaction: 0 before BEGIN, 1 row, 2 commit */
    size_t index;
    char position[32];
    Value values[2];
    char id[16];
} LiveSource;

static const Column live_columns[] = {
    {.name = {"id", 2}, .type = {"integer", 7}, .logical = LOGICAL_INT, .in_key = true},
    {.name = {"name", 4}, .type = {"text", 4}, .logical = LOGICAL_TEXT}};
static const Table live_table = {.id = UINT64_MAX,
    .schema = {"public", 6},
    .name = {"item", 4},
    .columns = live_columns,
    .column_count = 2,
    .has_key = true};

static inline uint64_t
live_number(Text position)
{
    uint64_t number = 0;

    return text_to_u64(position, &number) ? number : 0;
}

static inline int
live_compare(Text a, Text b)
{
    uint64_t left = live_number(a);
    uint64_t right = live_number(b);

    return (left > right) - (left < right);
}

static const SourceDriver live_driver;

static inline Source *
live_open(const SourceStart *start, Error *err)
{
    LiveSource *source = calloc(1, sizeof(*source));

    (void)err;
    source->base.driver = &live_driver;
    source->at = live_number(start->position);
    source->until_end = start->until_end;
    (void)pthread_mutex_lock(&live.mutex);
    live.opens++;
    while (source->index < live.count && live.transactions[source->index].begin < source->at)
        source->index++;
    (void)pthread_mutex_unlock(&live.mutex);
    return &source->base;
}

static inline Text
live_text(LiveSource *source, uint64_t number)
{
    (void)snprintf(source->position, sizeof(source->position), "%llu", (unsigned long long)number);
    return text_of(source->position);
}

/* With the mutex. */
static inline Next
live_transaction(LiveSource *source, Event *event, Error *err)
{
    const LiveTransaction *transaction = &live.transactions[source->index];

    event->where = TEXT("live");
    switch (source->step) {
    case 0:
        event->kind = EVENT_BEGIN;
        event->commit_time_us = 1000000;
        event->position = live_text(source, transaction->begin);
        source->step = transaction->id != 0 ? 1 : 2;
        return NEXT_ITEM;
    case 1:
        (void)snprintf(source->id, sizeof(source->id), "%d", transaction->id);
        source->values[0] = (Value){.kind = VALUE_TEXT, .text = text_of(source->id)};
        source->values[1] = (Value){.kind = VALUE_TEXT, .text = TEXT("x")};
        event->kind = EVENT_CHANGE;
        event->change =
            (Change){.kind = CHANGE_INSERT, .table = &live_table, .after = source->values};
        source->step = 2;
        return NEXT_ITEM;
    default:
        break;
    }
    if (live.fail_at == transaction->begin && live.fail_times != 0) {
        live.fail_times -= live.fail_times > 0;
        (void)error_set_retriable(
            err, live.fail_kind, "played failure at %llu", (unsigned long long)transaction->begin);
        return NEXT_FAILED;
    }
    event->kind = EVENT_COMMIT;
    event->position = live_text(source, transaction->end);
    source->at = transaction->end;
    source->step = 0;
    source->index++;
    return NEXT_ITEM;
}

static inline Next
live_next(Source *base, int64_t wait_ms, Event *event, Error *err)
{
    LiveSource *source = (LiveSource *)base;
    int64_t end_ms = clock_monotonic_ms() + wait_ms;
    Next next = NEXT_IDLE;

    for (;;) {
        (void)pthread_mutex_lock(&live.mutex);
        if (source->index < live.count) {
            next = live_transaction(source, event, err);
        } else if (live.fail_idle) {
            live.fail_idle = false;
            (void)error_set_retriable(err, ERR_SOURCE, "played failure");
            next = NEXT_FAILED;
        } else if (live.idle > source->at) {
            event->kind = EVENT_POSITION;
            event->position = live_text(source, live.idle);
            source->at = live.idle;
            next = NEXT_ITEM;
        } else if (source->until_end) {
            next = NEXT_END;
        }
        (void)pthread_mutex_unlock(&live.mutex);
        if (next != NEXT_IDLE || clock_monotonic_ms() >= end_ms || stop_level() != STOP_NONE)
            return next;
        (void)stop_wait(STOP_AFTER_BLOCK, 5);
    }
}

static inline bool
live_acknowledge(Source *source, Text position, Error *err)
{
    const TestService *check;

    (void)source;
    (void)err;
    (void)pthread_mutex_lock(&live.mutex);
    live.acknowledged = live_number(position);
    live.acknowledges++;
    check = live.check;
    (void)pthread_mutex_unlock(&live.mutex);
    if (check != NULL) {
        CLEANUP(buf_clear) Buf rows = BUF_INIT;

        test_service_query(check, "SELECT source_position FROM dray_position", &rows);
        if (rows.len > 0)
            rows.len--;
        live.ahead |= live_compare(position, buf_text(&rows)) > 0;
    }
    return true;
}

static inline void
live_close(Source *source)
{
    free(source);
}

static const SourceDriver live_driver = {
    .name = "live",
    .summary = "played by a test",
    .open = live_open,
    .close = live_close,
    .next = live_next,
    .acknowledge = live_acknowledge,
    .compare = live_compare,
};

static inline void
live_init(TestService *service)
{
    live = (Live){.mutex = PTHREAD_MUTEX_INITIALIZER, .fail_kind = ERR_SOURCE};
    test_service_init(service);
    test_service_sql(service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
    stop_reset();
    log_set_level(LOG_ERROR);
}

static inline void
live_add(uint64_t begin, uint64_t end, int id)
{
    (void)pthread_mutex_lock(&live.mutex);
    assert_true(live.count < LIVE_MAX);
    live.transactions[live.count++] = (LiveTransaction){begin, end, id};
    (void)pthread_mutex_unlock(&live.mutex);
}

#define live_set(member, value)                  \
    do {                                         \
        (void)pthread_mutex_lock(&live.mutex);   \
        live.member = (value);                   \
        (void)pthread_mutex_unlock(&live.mutex); \
    } while (0)

/* A whole run with the played source. */
static inline bool
live_run(const TestService *service, const char *extra, const RunOptions *options,
    PipelineTotals *totals, Error *err)
{
    CLEANUP(config_free) Config *config = test_service_config(service, extra, err);
    CLEANUP(context_close) Context *context = NULL;

    *totals = (PipelineTotals){0};
    if (config == NULL)
        return false;
    context = context_open(config, err);
    if (context == NULL)
        return false;
    context->source = &live_driver;
    return pipeline_run(context, options, totals, err);
}

/* A run in the background. */
typedef struct LiveRun {
    const TestService *service;
    const char *extra;
    RunOptions options;
    PipelineTotals totals;
    bool ok;
    Error err;
    pthread_t thread;
} LiveRun;

static inline void *
live_run_main(void *argument)
{
    LiveRun *run = argument;

    run->ok = live_run(run->service, run->extra, &run->options, &run->totals, &run->err);
    return NULL;
}

static inline void
live_start(LiveRun *run, const TestService *service, const char *extra)
{
    *run = (LiveRun){.service = service, .extra = extra};
    assert_int_equal(pthread_create(&run->thread, NULL, live_run_main, run), 0);
}

static inline void
live_stop(LiveRun *run)
{
    stop_request(STOP_AFTER_BLOCK);
    assert_int_equal(pthread_join(run->thread, NULL), 0);
    stop_reset();
    if (!run->ok)
        fail_msg("%s", run->err.text);
}

/* The target's rows, as "a|b\n" lines. */
static inline void
live_expect(const TestService *service, const char *sql, const char *expected)
{
    CLEANUP(buf_clear) Buf rows = BUF_INIT;

    test_service_query(service, sql, &rows);
    assert_string_equal(buf_string(&rows), expected);
}

/* Wait until a query answers this. */
static inline void
live_wait(const TestService *service, const char *sql, const char *expected)
{
    CLEANUP(buf_clear) Buf rows = BUF_INIT;

    for (int i = 0; i < 2000; i++) {
        test_service_query(service, sql, &rows);
        if (strcmp(buf_string(&rows), expected) == 0)
            return;
        (void)stop_wait(STOP_NOW, 10);
    }
    fail_msg("%s: %s instead of %s", sql, buf_string(&rows), expected);
}
