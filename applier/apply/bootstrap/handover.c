#include "apply/bootstrap/handover.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apply/bootstrap/control.h"
#include "apply/pipeline.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/stop.h"
#include "block/block.h"

/* A table is handed over when so much is left to be streamed, in the time of the source. */
#define NEAR_US INT64_C(2000000)
/* A copy that was this short leaves no more than this to be streamed. */
#define SHORT_COPY_US INT64_C(5000000)
#define POLL_MS       200
#define INTERVAL_MS   INT64_C(500)
#define AWAY_MS       15000
#define HOLD_TRIES    5

/* What makes the service stand still: a hold, or, where it has ended, its lock. */
typedef struct Standstill {
    HoldClient *hold;
    int lock_fd;
    Position service;
} Standstill;

/* The stream of the tables' changes behind the snapshot, on a thread of its own. */
typedef struct CatchUp {
    BootstrapRun *run;
    const char *service;
    const char *directory;
    Config config;
    Context context;
    RunLimit limit;
    RunOptions options;
    pthread_t thread;
    atomic_bool has_ended;
    PipelineTotals totals;
    bool ok;
    Error error;
} CatchUp;

/* ---- standing still ---------------------------------------------------------------------------
 */

static void
standstill_end(Standstill *still)
{
    hold_disconnect(STEAL(still->hold));
    file_close(still->lock_fd);
    still->lock_fd = -1;
}

static bool
take_lock(const BootstrapRun *run, Standstill *still, Error *err)
{
    char *path = file_join(run->context->config->block.directory, "lock");

    still->lock_fd = file_lock(path, err);
    free(path);
    return still->lock_fd >= 0;
}

/*
 * Afterwards the service reads nothing, and still->service is where it stands. Its position is read
 * before and behind the hold: with one fence in both, it is the process that holds.
 */
static bool
standstill_begin(BootstrapRun *run, Standstill *still, Error *err)
{
    const char *name = run->context->config->service;
    CLEANUP(buf_clear) Buf position = BUF_INIT;
    bool is_running = false;
    uint64_t seqno = 0;
    Position before;

    *still = (Standstill){.lock_fd = -1};
    if (!bootstrap_control_position(run, name, &before, err))
        return false;
    still->hold = hold_connect(run->context->config->block.directory, &is_running, err);
    if (still->hold == NULL && is_running)
        return false;
    if (still->hold == NULL)
        return take_lock(run, still, err) &&
               bootstrap_control_position(run, name, &still->service, err);
    if (!hold_at(still->hold, TEXT(""), &position, &seqno, err) ||
        !bootstrap_control_position(run, name, &still->service, err))
        return false;
    if (still->service.fence != before.fence || still->service.seqno != seqno)
        return error_set_retriable(
            err, ERR_SOURCE, "the service was started again while it was asked to hold");
    still->service.source_position = arena_text(run->arena, buf_text(&position));
    return true;
}

/*
 * A service that ended a moment ago may come back by itself (systemd's RestartSec): with its lock
 * taken it would give up for good.
 */
static bool
wait_for_service(BootstrapRun *run, bool *told, Error *err)
{
    char *path = file_join(run->context->config->block.directory, "lock");
    int64_t end_ms = clock_monotonic_ms() + AWAY_MS;
    bool is_back = file_is_locked(path);

    if (!is_back && !*told)
        bootstrap_tell(run, false, "the service has ended: waiting whether it is started again");
    *told = true;
    while (!is_back && clock_monotonic_ms() < end_ms && !stop_wait(STOP_AFTER_BLOCK, POLL_MS))
        is_back = file_is_locked(path);
    free(path);
    if (stop_level() >= STOP_AFTER_BLOCK)
        return error_set(err, ERR_STOPPED, "stopped while the service was away");
    return true;
}

static bool
standstill_retry(BootstrapRun *run, Standstill *still, Error *err)
{
    int64_t started_ms = clock_monotonic_ms();
    bool told = false;

    for (unsigned tries = 0;; tries++) {
        if (!wait_for_service(run, &told, err))
            return false;
        if (standstill_begin(run, still, err))
            return true;
        standstill_end(still);
        /* it was stopped, or started, while it was asked */
        if (err->kind == ERR_SOURCE && tries < HOLD_TRIES)
            err->retriable = true;
        if (!bootstrap_may_retry(run, started_ms, tries, err))
            return error_wrap(err, "hold the service");
    }
}

bool
bootstrap_hold(BootstrapRun *run, Error *err)
{
    Standstill still;

    if (!standstill_retry(run, &still, err))
        return false;
    if (still.hold == NULL) {
        /* it has ended: its lock is ours */
        run->is_beside = false;
        run->service_lock_fd = still.lock_fd;
        return true;
    }
    run->hold = still.hold;
    CRASH_POINT("bootstrap.held");
    return true;
}

/* Until it stood still the service may have written to a table that was empty when it was planned:
 * the snapshot has these rows, too. */
static bool
check_still_empty(BootstrapRun *run, Error *err)
{
    for (size_t i = 0; i < run->job_count; i++) {
        const BootstrapJob *job = &run->jobs[i];
        bool has_row = false;
        Text table;

        if (job->truncates || job->resumes || run->options->keep)
            continue;
        if (!bootstrap_control_find_row(run, job->out, &has_row, &table, err))
            return error_wrap(err, "table %s", job->name);
        if (has_row)
            return error_set(err, ERR_TARGET,
                "table %s: the running service has begun to write to the target table " TEXT_FMT
                " meanwhile: --replace empties it first, --keep loads over what is there",
                job->name, TEXT_ARG(table));
    }
    return true;
}

bool
bootstrap_mark_held(BootstrapRun *run, Error *err)
{
    bool ok = run->hold != NULL || bootstrap_hold(run, err);

    ok = ok && check_still_empty(run, err) && bootstrap_control_begin(run, err);
    hold_disconnect(STEAL(run->hold));
    CRASH_POINT("bootstrap.marked");
    return ok;
}

/* ---- the stream -------------------------------------------------------------------------------
 */

static void *
catch_up_main(void *argument)
{
    CatchUp *catch_up = argument;

    catch_up->ok =
        pipeline_run(&catch_up->context, &catch_up->options, &catch_up->totals, &catch_up->error);
    atomic_store(&catch_up->has_ended, true);
    return NULL;
}

static void
name_tables(CatchUp *catch_up)
{
    BootstrapRun *run = catch_up->run;
    Text *only = ARENA_ARRAY(run->arena, Text, run->job_count);
    size_t count = 0;

    for (size_t i = 0; i < run->job_count; i++)
        if (run->jobs[i].state == JOB_COPIED)
            only[count++] = text_of(run->jobs[i].name);
    catch_up->options = (RunOptions){.only = only,
        .only_count = count,
        .limit = &catch_up->limit,
        .snapshot = run->snapshot,
        .embedded = true};
}

static bool
catch_up_start(CatchUp *catch_up, BootstrapRun *run, Error *err)
{
    CLEANUP(buf_clear) Buf place = BUF_INIT;

    catch_up->run = run;
    catch_up->service = bootstrap_service_name(run, TEXT("+changes"));
    /* "+" is in no table's file name */
    block_file_name(TEXT(""), run->position, 1, &place);
    catch_up->directory = arena_printf(run->arena, "%s/+%s", run->directory, place.data);
    bootstrap_derive(
        run, catch_up->service, catch_up->directory, &catch_up->config, &catch_up->context);
    /* it is watched by what it commits */
    catch_up->config.block.max_interval_ms =
        MIN(catch_up->config.block.max_interval_ms, INTERVAL_MS);
    name_tables(catch_up);
    if (!file_remove_tree(catch_up->directory, err) ||
        !file_make_directory(catch_up->directory, err) ||
        !bootstrap_control_forget(run, catch_up->service, err))
        return false;
    if (pthread_create(&catch_up->thread, NULL, catch_up_main, catch_up) != 0)
        return error_set(err, ERR_INTERNAL, "no thread could be started");
    return true;
}

/* Wait until it has ended, or (near) the rest is small. */
static bool
catch_up_wait(CatchUp *catch_up, bool until_near, Error *err)
{
    BootstrapRun *run = catch_up->run;
    int (*compare)(Text a, Text b) = run->context->source->compare;

    while (!atomic_load(&catch_up->has_ended)) {
        Position ours;
        Position service;

        bootstrap_show(run);
        (void)stop_wait(STOP_NOW, POLL_MS);
        if (!until_near)
            continue;
        if (stop_level() >= STOP_AFTER_BLOCK)
            return true;
        if (!bootstrap_control_position(run, catch_up->service, &ours, err) ||
            !bootstrap_control_position(run, run->context->config->service, &service, err))
            return false;
        if (compare(ours.source_position, service.source_position) >= 0 ||
            (ours.commit_us != TIME_UNKNOWN && service.commit_us != TIME_UNKNOWN &&
                service.commit_us - ours.commit_us < NEAR_US && ours.seqno > 0))
            return true;
    }
    return true;
}

static bool
catch_up_result(const CatchUp *catch_up, Error *err)
{
    if (!catch_up->ok) {
        *err = catch_up->error;
        return error_wrap(err, "the changes behind the snapshot");
    }
    if (!catch_up->totals.complete)
        return error_set(err, ERR_STOPPED, "stopped");
    return true;
}

/* ---- handing over -----------------------------------------------------------------------------
 */

/* The service stands still at or before this position, and the tables are brought to it. */
static bool
write_ready(BootstrapRun *run, CatchUp *catch_up, const Standstill *still, Error *err)
{
    Text position = still->service.source_position;
    Position ours;

    if (!bootstrap_control_position(run, catch_up->service, &ours, err))
        return false;
    if (run->context->source->compare(ours.source_position, position) > 0)
        position = ours.source_position;
    CRASH_POINT("bootstrap.caught_up");
    if (!bootstrap_control_ready_held(run, &still->service, position, catch_up->service, err))
        return err->kind != ERR_FENCED
                   ? false
                   : error_set_retriable(err, ERR_SOURCE,
                         "the service was started again while the tables were handed over to it");
    for (size_t i = 0; i < run->job_count; i++)
        if (run->jobs[i].state == JOB_COPIED) {
            run->jobs[i].position = position;
            run->jobs[i].state = JOB_READY;
        }
    CRASH_POINT("bootstrap.handed_over");
    return true;
}

static bool
hand_over_held(BootstrapRun *run, CatchUp *catch_up, Standstill *still, Error *err)
{
    catch_up->limit.position = still->service.source_position;
    atomic_store(&catch_up->limit.is_set, true);
    return catch_up_wait(catch_up, false, err) && catch_up_result(catch_up, err) &&
           write_ready(run, catch_up, still, err);
}

/* A limit before everything ends it at once. */
static void
catch_up_end(CatchUp *catch_up)
{
    if (!atomic_load(&catch_up->limit.is_set)) {
        catch_up->limit.position = catch_up->run->position;
        atomic_store(&catch_up->limit.is_set, true);
    }
    (void)pthread_join(catch_up->thread, NULL);
}

bool
bootstrap_hand_over(BootstrapRun *run, Error *err)
{
    CatchUp catch_up = {.ok = false};
    Standstill still = {.lock_fd = -1};
    bool is_short = clock_now_us() - run->snapshot_us < SHORT_COPY_US;
    bool any = false;
    bool ok;

    for (size_t i = 0; i < run->job_count; i++)
        any |= run->jobs[i].state == JOB_COPIED;
    if (!any)
        return true;
    if (!catch_up_start(&catch_up, run, err))
        return false;
    ok = is_short || catch_up_wait(&catch_up, true, err);
    if (ok && stop_level() >= STOP_AFTER_BLOCK)
        ok = error_set(err, ERR_STOPPED, "stopped");
    if (ok && atomic_load(&catch_up.has_ended))
        ok = catch_up_result(&catch_up, err);
    ok = ok && standstill_retry(run, &still, err) && hand_over_held(run, &catch_up, &still, err);
    standstill_end(&still);
    catch_up_end(&catch_up);
    if (ok)
        bootstrap_remove_blocks(run, catch_up.directory);
    return ok;
}
