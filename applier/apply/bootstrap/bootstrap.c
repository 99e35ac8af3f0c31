#include "apply/bootstrap/bootstrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "apply/bootstrap/control.h"
#include "apply/bootstrap/copy.h"
#include "apply/bootstrap/handover.h"
#include "apply/bootstrap/jobs.h"
#include "apply/retry.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/stop.h"

#define SHOW_MS            200
#define SERVICE_NAME_LIMIT 100

/* ---- what the parts share ---------------------------------------------------------------------
 */

static void
flush_lines(BootstrapRun *run)
{
    CLEANUP(buf_clear) Buf lines = BUF_INIT;

    (void)pthread_mutex_lock(&run->mutex);
    lines = run->lines;
    run->lines = BUF_INIT;
    (void)pthread_mutex_unlock(&run->mutex);
    for (size_t at = 0; at < lines.len; at += strlen(lines.data + at) + 1)
        if (run->options->tell != NULL)
            run->options->tell(
                run->options->progress_context, lines.data[at] == 'w', lines.data + at + 1);
}

void
bootstrap_tell(BootstrapRun *run, bool is_warning, const char *fmt, ...)
{
    va_list args;

    (void)pthread_mutex_lock(&run->mutex);
    buf_add_char(&run->lines, is_warning ? 'w' : 'i');
    va_start(args, fmt);
    buf_addv(&run->lines, fmt, args);
    va_end(args);
    buf_add_char(&run->lines, '\0');
    (void)pthread_mutex_unlock(&run->mutex);
    if (pthread_equal(pthread_self(), run->main_thread))
        flush_lines(run);
}

static uint64_t
expected_rows(const BootstrapJob *job, uint64_t rows)
{
    if (job->state == JOB_COPIED || job->state == JOB_READY || job->source->row_estimate < 0)
        return rows;
    return MAX((uint64_t)job->source->row_estimate, rows);
}

void
bootstrap_show(BootstrapRun *run)
{
    BootstrapFigures figures = {.all_tables = run->job_count};

    (void)pthread_mutex_lock(&run->mutex);
    for (size_t i = 0; i < run->job_count; i++) {
        const BootstrapJob *job = &run->jobs[i];
        uint64_t rows = atomic_load(&job->rows);

        figures.rows += rows;
        figures.all_rows += expected_rows(job, rows);
        figures.bytes += atomic_load(&job->bytes);
        figures.tables += job->state == JOB_COPIED || job->state == JOB_READY;
    }
    (void)pthread_mutex_unlock(&run->mutex);
    flush_lines(run);
    if (run->options->progress != NULL)
        run->options->progress(run->options->progress_context, &figures);
}

void
bootstrap_derive(const BootstrapRun *run, const char *service, const char *directory,
    Config *config, Context *context)
{
    *config = *run->context->config;
    config->position_service = service;
    config->block.directory = directory;
    *context = *run->context;
    context->config = config;
}

const char *
bootstrap_service_name(const BootstrapRun *run, Text part)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    size_t len;

    buf_addf(&name, "%s/" TEXT_FMT, run->context->config->service, TEXT_ARG(part));
    if (name.len <= SERVICE_NAME_LIMIT)
        return arena_string(run->arena, name.data);
    /* not in the middle of a character */
    len = SERVICE_NAME_LIMIT - strlen("%") - 16;
    while (len > 0 && ((unsigned char)name.data[len] & 0xC0) == 0x80)
        len--;
    return arena_printf(run->arena, "%.*s%%%016" PRIx64, (int)len, name.data,
        (uint64_t)XXH3_64bits(name.data, name.len));
}

bool
bootstrap_may_retry(BootstrapRun *run, int64_t started_ms, unsigned tries, Error *err)
{
    const RetryConfig *retry = &run->context->config->retry;
    int64_t wait_ms;

    if (!err->retriable)
        return false;
    if (!retry_next(retry, started_ms, tries, &wait_ms))
        return error_wrap(err, "gave up after %u tries", tries + 1);
    bootstrap_tell(run, true, "will try again in %" PRId64 " ms: %s", wait_ms, err->text);
    if (stop_wait(STOP_AFTER_BLOCK, wait_ms))
        return error_set(err, ERR_STOPPED, "stopped");
    return true;
}

SourceStart
bootstrap_source_start(const BootstrapRun *run)
{
    const Config *config = run->context->config;

    return (SourceStart){
        .service = config->service, .options = config->source_options, .position = TEXT("")};
}

bool
bootstrap_publishes(const BootstrapRun *run)
{
    return run->context->source->install != NULL &&
           (run->context->source->abilities & SOURCE_PLACE_IN_TARGET) == 0;
}

bool
bootstrap_publish(BootstrapRun *run, const char *const *tables, Error *err)
{
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    const Config *config = run->context->config;
    SourceInstall install = {
        .service = config->service, .options = config->source_options, .tables = tables};
    bool ok;

    if (run->context->source->install == NULL)
        return true;
    ok = run->context->source->install(&install, &report, err);

    for (const char *line = report.data; line != NULL && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        Text text = {line, len};

        /* what is wrong with a table is told when it is planned */
        if (len > 0 && !text_starts_with(text, "table "))
            bootstrap_tell(run, text_starts_with(text, "warning"), TEXT_FMT, TEXT_ARG(text));
        line += len + (line[len] == '\n' ? 1 : 0);
    }
    return ok;
}

void
bootstrap_remove_blocks(BootstrapRun *run, const char *directory)
{
    Error err;

    if (run->context->config->block.retain.kind == RETAIN_NONE &&
        !file_remove_tree(directory, &err))
        bootstrap_tell(run, true, "%s", err.text);
}

/* ---- workers ----------------------------------------------------------------------------------
 */

static bool
same_target(const OutTable *a, const OutTable *b)
{
    return text_equal(a->target_name, b->target_name) &&
           text_equal(a->target_schema, b->target_schema);
}

/* Two tables that share a target share its staging table, too: one after the other. */
static bool
is_free(const BootstrapRun *run, const BootstrapJob *job)
{
    for (size_t i = 0; i < run->job_count; i++)
        if (run->jobs[i].state == JOB_RUNNING && same_target(run->jobs[i].out, job->out))
            return false;
    return true;
}

/* The largest first: so that no large one is left for the end. */
static BootstrapJob *
choose_job(BootstrapRun *run, bool *ret_any)
{
    BootstrapJob *chosen = NULL;

    *ret_any = false;
    for (size_t i = 0; i < run->job_count; i++) {
        BootstrapJob *job = &run->jobs[i];

        if (job->state != JOB_WAITING)
            continue;
        *ret_any = true;
        if (is_free(run, job) &&
            (chosen == NULL || job->source->byte_estimate > chosen->source->byte_estimate))
            chosen = job;
    }
    return chosen;
}

static void
wait_changed(BootstrapRun *run)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SHOW_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&run->changed, &run->mutex, &until);
}

static BootstrapJob *
take_job(BootstrapRun *run)
{
    BootstrapJob *job = NULL;
    bool any = true;

    (void)pthread_mutex_lock(&run->mutex);
    while (job == NULL && any && stop_level() < STOP_AFTER_BLOCK) {
        job = choose_job(run, &any);
        if (job == NULL && any)
            wait_changed(run);
    }
    if (job != NULL)
        job->state = JOB_RUNNING;
    (void)pthread_mutex_unlock(&run->mutex);
    return job;
}

static void *
worker_main(void *argument)
{
    BootstrapWorker *worker = argument;
    BootstrapRun *run = worker->run;
    BootstrapJob *job;

    while ((job = take_job(run)) != NULL) {
        Error err = {.kind = ERR_NONE};
        bool ok = bootstrap_copy(worker, job, &err);

        (void)pthread_mutex_lock(&run->mutex);
        job->state = ok ? JOB_COPIED : JOB_FAILED;
        job->error = err;
        (void)pthread_cond_broadcast(&run->changed);
        (void)pthread_mutex_unlock(&run->mutex);
    }
    (void)pthread_mutex_lock(&run->mutex);
    run->active_count--;
    (void)pthread_cond_broadcast(&run->changed);
    (void)pthread_mutex_unlock(&run->mutex);
    return NULL;
}

static bool
start_workers(BootstrapRun *run, Error *err)
{
    size_t waiting = 0;

    for (size_t i = 0; i < run->job_count; i++)
        waiting += run->jobs[i].state == JOB_WAITING;
    run->worker_count = MIN(waiting, (size_t)run->context->config->bootstrap.connections);
    run->workers = ARENA_ARRAY(run->arena, BootstrapWorker, run->worker_count + 1);
    run->active_count = 0;
    for (size_t i = 0; i < run->worker_count; i++) {
        BootstrapWorker *worker = &run->workers[i];

        worker->run = run;
        (void)pthread_mutex_lock(&run->mutex);
        run->active_count++;
        (void)pthread_mutex_unlock(&run->mutex);
        worker->is_started = pthread_create(&worker->thread, NULL, worker_main, worker) == 0;
        if (worker->is_started)
            continue;
        (void)pthread_mutex_lock(&run->mutex);
        run->active_count--;
        (void)pthread_mutex_unlock(&run->mutex);
        /* fewer do as well */
        if (i == 0)
            return error_set(err, ERR_INTERNAL, "no thread could be started");
    }
    return true;
}

/* After STOP_NOW the statements that run are given up. */
static void
cancel_loaders(BootstrapRun *run)
{
    if (stop_level() < STOP_NOW)
        return;
    (void)pthread_mutex_lock(&run->mutex);
    for (size_t i = 0; i < run->worker_count; i++)
        if (run->workers[i].loader != NULL)
            loader_cancel(run->workers[i].loader);
    (void)pthread_mutex_unlock(&run->mutex);
}

/* Without a service a copied table is ready at once. */
static void
finish_job(BootstrapRun *run, BootstrapJob *job)
{
    Error err = {.kind = ERR_NONE};
    bool ok = bootstrap_control_ready(run, job, &err);

    (void)pthread_mutex_lock(&run->mutex);
    job->state = ok ? JOB_READY : JOB_FAILED;
    job->error = err;
    (void)pthread_mutex_unlock(&run->mutex);
    if (ok)
        bootstrap_remove_blocks(run, job->directory);
}

static BootstrapJob *
find_copied(BootstrapRun *run)
{
    for (size_t i = 0; !run->is_beside && i < run->job_count; i++)
        if (run->jobs[i].state == JOB_COPIED)
            return &run->jobs[i];
    return NULL;
}

static void
watch_workers(BootstrapRun *run)
{
    bool active = true;

    while (active) {
        BootstrapJob *copied;

        bootstrap_show(run);
        cancel_loaders(run);
        (void)pthread_mutex_lock(&run->mutex);
        copied = find_copied(run);
        active = run->active_count > 0 || copied != NULL;
        if (copied == NULL && active)
            wait_changed(run);
        (void)pthread_mutex_unlock(&run->mutex);
        if (copied != NULL)
            finish_job(run, copied);
    }
    for (size_t i = 0; i < run->worker_count; i++)
        if (run->workers[i].is_started)
            (void)pthread_join(run->workers[i].thread, NULL);
    run->worker_count = 0;
}

/* ---- rounds: one snapshot each ----------------------------------------------------------------
 */

/* Readers that will be open at the same time. */
static size_t
count_readers(const BootstrapRun *run)
{
    size_t count = 0;

    for (size_t i = 0; i < run->job_count; i++)
        count += run->jobs[i].state == JOB_WAITING && !run->jobs[i].resumes;
    return MIN(count, (size_t)run->context->config->bootstrap.connections);
}

static void
tell_notice(BootstrapRun *run)
{
    const SnapshotDriver *driver = run->context->source->snapshot;
    Text notice = driver->notice == NULL ? TEXT_NONE : driver->notice(run->snapshot);

    if (notice.data != NULL)
        bootstrap_tell(run, false, "snapshot at " TEXT_FMT ": " TEXT_FMT, TEXT_ARG(run->position),
            TEXT_ARG(notice));
}

static bool
take_snapshot(BootstrapRun *run, Error *err)
{
    const SnapshotDriver *driver = run->context->source->snapshot;
    SourceStart start = bootstrap_source_start(run);
    int64_t started_ms = clock_monotonic_ms();

    start.readers = count_readers(run);
    if (bootstrap_publishes(run) &&
        (run->context->source->abilities & SOURCE_SNAPSHOT_AT_ONCE) == 0)
        bootstrap_tell(
            run, false, "takes a snapshot: transactions that are open at the source end first");
    for (unsigned tries = 0; run->snapshot == NULL; tries++) {
        run->snapshot = driver->open(&start, err);
        if (run->snapshot == NULL && !bootstrap_may_retry(run, started_ms, tries, err))
            return error_wrap(err, "snapshot");
    }
    run->snapshot_us = clock_now_us();
    run->position = arena_text(run->arena, driver->position(run->snapshot));
    tell_notice(run);
    for (size_t i = 0; i < run->job_count; i++)
        if (run->jobs[i].state == JOB_WAITING && !run->jobs[i].resumes)
            run->jobs[i].position = run->position;
    CRASH_POINT("bootstrap.snapshot");
    return true;
}

static bool
run_round(BootstrapRun *run, bool is_marked, Error *err)
{
    /* a service that ended before it could be held may leave no position */
    bool ok = take_snapshot(run, err) &&
              ((is_marked && run->is_beside) || bootstrap_control_begin(run, err));

    CRASH_POINT("bootstrap.begun");
    ok = ok && start_workers(run, err);
    if (ok)
        watch_workers(run);
    if (ok && run->is_beside && !bootstrap_hand_over(run, err)) {
        for (size_t i = 0; i < run->job_count; i++)
            if (run->jobs[i].state == JOB_COPIED) {
                run->jobs[i].state = JOB_FAILED;
                run->jobs[i].error = *err;
            }
    }
    snapshot_close(STEAL(run->snapshot));
    return ok;
}

/*
 * What the source's end did not let come through is tried once more, from another snapshot: a lost
 * connection, or a table that was rewritten since the snapshot.
 */
static bool
may_revive(const BootstrapJob *job)
{
    return job->state == JOB_FAILED && job->error.retriable && job->error.kind == ERR_SOURCE &&
           (!job->spools || !bootstrap_is_spooled(job->directory, job->position));
}

/* *ret_failure: of one of them. */
static size_t
count_revivable(const BootstrapRun *run, Error *ret_failure)
{
    size_t count = 0;

    for (size_t i = 0; i < run->job_count; i++)
        if (may_revive(&run->jobs[i])) {
            count++;
            *ret_failure = run->jobs[i].error;
        }
    return count;
}

static void
revive_jobs(BootstrapRun *run)
{
    for (size_t i = 0; i < run->job_count; i++) {
        BootstrapJob *job = &run->jobs[i];

        if (!may_revive(job))
            continue;
        bootstrap_tell(
            run, true, "%s: the table is copied again from another snapshot", job->error.text);
        job->state = JOB_WAITING;
        job->truncates |= !job->spools;
        atomic_store(&job->rows, 0);
        atomic_store(&job->bytes, 0);
    }
}

static bool
run_rounds(BootstrapRun *run, Error *err)
{
    int64_t started_ms = clock_monotonic_ms();
    bool is_marked = run->is_beside;
    Error failure;

    if (run->is_beside && !bootstrap_mark_held(run, err))
        return false;
    for (unsigned tries = 0;; tries++) {
        if (!run_round(run, is_marked, err))
            return false;
        is_marked = false;
        if (count_revivable(run, &failure) == 0 ||
            !bootstrap_may_retry(run, started_ms, tries, &failure))
            return true;
        revive_jobs(run);
    }
}

/* ---- the run ----------------------------------------------------------------------------------
 */

static bool
check_source(const Context *context, const BootstrapOptions *options, Error *err)
{
    const SourceDriver *source = context->source;

    if (source->snapshot == NULL || source->tables_open == NULL || source->compare == NULL)
        return error_set(err, ERR_CONFIG,
            "source.type: %s cannot be read at an exact position of its change stream, so there is "
            "nothing that dray bootstrap could load",
            source->name);
    if (options->replace && options->keep)
        return error_set(err, ERR_USAGE, "--replace and --keep exclude each other");
    return true;
}

static int
lock_file(const Context *context, const char *name, Error *err)
{
    char *path = file_join(context->config->block.directory, name);
    int fd = file_lock(path, err);

    free(path);
    return fd;
}

/* Is a service running? If not, its lock is ours for the time of the run. */
static bool
look_for_service(BootstrapRun *run, Error *err)
{
    HoldClient *hold = hold_connect(run->context->config->block.directory, &run->is_beside, err);

    if (hold == NULL && run->is_beside)
        return false;
    hold_disconnect(hold);
    if (run->is_beside)
        return true;
    run->service_lock_fd = lock_file(run->context, "lock", err);
    return run->service_lock_fd >= 0 && bootstrap_publish(run, NULL, err);
}

static void
count_totals(const BootstrapRun *run, BootstrapTotals *totals)
{
    totals->left_alone = run->left_alone;
    for (size_t i = 0; i < run->job_count; i++) {
        const BootstrapJob *job = &run->jobs[i];

        totals->rows += atomic_load(&job->rows);
        totals->bytes += atomic_load(&job->bytes);
        totals->failed += job->state == JOB_FAILED && job->error.kind != ERR_STOPPED;
        if (job->state != JOB_READY) {
            totals->unfinished++;
            continue;
        }
        totals->tables++;
        (void)snprintf(
            totals->position, sizeof(totals->position), TEXT_FMT, TEXT_ARG(job->position));
    }
}

/* Each failed table is told; the first one is the run's error. */
static bool
judge(BootstrapRun *run, const BootstrapTotals *totals, Error *err)
{
    const BootstrapJob *first = NULL;

    for (size_t i = 0; i < run->job_count; i++) {
        const BootstrapJob *job = &run->jobs[i];

        if (job->state != JOB_FAILED || job->error.kind == ERR_STOPPED)
            continue;
        if (first != NULL)
            bootstrap_tell(run, true, "%s", job->error.text);
        first = first == NULL ? job : first;
    }
    if (first != NULL) {
        *err = first->error;
        return false;
    }
    if (totals->unfinished > 0)
        return error_set(err, ERR_STOPPED, "stopped: %" PRIu64 " of %zu tables are not loaded",
            totals->unfinished, run->job_count);
    return true;
}

static bool
run_all(BootstrapRun *run, BootstrapTotals *totals, Error *err)
{
    const RouterOptions embedded = {.embedded = true};
    bool ok;

    if (!look_for_service(run, err))
        return false;
    run->router = router_new(run->context, &embedded);
    if (!bootstrap_plan(run, err)) {
        run->job_count = 0;
        return false;
    }
    ok = run->job_count == 0 || run_rounds(run, err);
    bootstrap_show(run);
    count_totals(run, totals);
    return ok && judge(run, totals, err);
}

static void
run_clear(BootstrapRun *run)
{
    hold_disconnect(run->hold);
    router_free(run->router);
    target_close(run->control);
    file_close(run->service_lock_fd);
    flush_lines(run);
    /* stays where blocks are retained */
    (void)rmdir(run->directory);
    buf_clear(&run->lines);
    (void)pthread_mutex_destroy(&run->mutex);
    (void)pthread_mutex_destroy(&run->snapshot_mutex);
    (void)pthread_mutex_destroy(&run->load_mutex);
    (void)pthread_cond_destroy(&run->changed);
    arena_free(run->arena);
}

bool
bootstrap_run(const Context *context, const BootstrapOptions *options, BootstrapTotals *ret_totals,
    Error *err)
{
    BootstrapRun run = {.context = context,
        .options = options,
        .service_lock_fd = -1,
        .main_thread = pthread_self(),
        .has_one_writer = (context->target->abilities & TARGET_PARALLEL_LOAD) == 0};
    CLEANUP(file_close) int lock_fd = -1;
    int64_t started_us = clock_monotonic_us();
    bool ok;

    *ret_totals = (BootstrapTotals){0};
    if (!check_source(context, options, err) ||
        !file_make_directory(context->config->block.directory, err))
        return false;
    lock_fd = lock_file(context, "bootstrap.lock", err);
    if (lock_fd < 0)
        return error_wrap(err, "another dray bootstrap of this service runs");
    run.arena = arena_new();
    run.directory = arena_printf(run.arena, "%s/bootstrap", context->config->block.directory);
    (void)pthread_mutex_init(&run.mutex, NULL);
    (void)pthread_mutex_init(&run.snapshot_mutex, NULL);
    (void)pthread_mutex_init(&run.load_mutex, NULL);
    (void)pthread_cond_init(&run.changed, NULL);
    ok = run_all(&run, ret_totals, err);
    ret_totals->elapsed_us = clock_monotonic_us() - started_us;
    run_clear(&run);
    return ok;
}
