#include "apply/verify/verify.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "apply/verify/compare.h"
#include "apply/verify/cut.h"
#include "apply/verify/plan.h"
#include "apply/verify/repair.h"
#include "base/clock.h"
#include "base/stop.h"

typedef struct Verify {
    const Context *context;
    const VerifyOptions *options;
    VerifyCut *cut;
    VerifyReport *report;
    VerifyPlan *plans;
    VerifyRepair *repair; /* NULL: only compare */
    bool only_repaired;   /* the second look */

    pthread_mutex_t mutex; /* all below, and the calls of options */
    size_t next;           /* the next table to compare */
    size_t done;
    uint64_t done_rows;
    uint64_t all_rows;
    bool failed;
    Error error;
} Verify;

typedef struct Worker {
    Verify *verify;
    VerifyPair *pair;
    pthread_t thread;
    bool started;
    Arena *arena; /* of the keys of its tables; the report's */
} Worker;

/* ---- one table ---- */

static bool
set_savepoint(Target *target, const char *sql, Error *err)
{
    int64_t rows;

    return target->driver->execute(target, text_of(sql), NULL, &rows, err);
}

static bool
compare_table(Worker *worker, const VerifyPlan *plan, Error *err)
{
    Verify *verify = worker->verify;
    CLEANUP(verify_repair_table_free) VerifyRepairTable *repair = NULL;
    VerifyCompare compare = {.plan = plan,
        .pair = worker->pair,
        .driver = verify->context->source->snapshot,
        .arena = worker->arena,
        .max_keys = (size_t)verify->context->config->verify.max_keys};

    if (verify->repair != NULL && plan->unrepairable.data == NULL) {
        repair = verify_repair_table_new(verify->repair, plan, worker->pair->rows);
        compare.repair = verify_repair_row;
        compare.repair_context = repair;
    }
    return set_savepoint(worker->pair->target, "SAVEPOINT dray", err) &&
           verify_compare(&compare, err) &&
           (repair == NULL || verify_repair_table_finish(repair, err));
}

/* What one table has wrong need not keep the others from being compared. */
static bool
survive(Worker *worker, VerifyTable *result, Error *err)
{
    Error lost;

    if (err->retriable || err->kind == ERR_STOPPED || err->kind == ERR_INTERNAL ||
        worker->verify->repair != NULL ||
        !set_savepoint(worker->pair->target, "ROLLBACK TO SAVEPOINT dray", &lost))
        return error_wrap(err, "table " TEXT_FMT, TEXT_ARG(result->source));
    result->result = VERIFY_NOT_COMPARED;
    result->reason = arena_text(worker->arena, text_of(err->text));
    return true;
}

static bool
do_table(Worker *worker, size_t index, Error *err)
{
    VerifyPlan *plan = &worker->verify->plans[index];
    VerifyTable *result = plan->result;
    VerifyResult planned = result->result;
    int64_t start_us = clock_monotonic_us();

    if (result->result == VERIFY_NOT_COMPARED)
        return true;
    if (worker->verify->only_repaired)
        result->result = result->reason.data == NULL ? VERIFY_EQUAL : VERIFY_DIFFERENT;
    if (!compare_table(worker, plan, err) && !survive(worker, result, err))
        return false;
    if (worker->verify->repair != NULL && planned != VERIFY_NOT_COMPARED &&
        result->result == VERIFY_DIFFERENT && plan->unrepairable.data != NULL)
        result->reason = plan->unrepairable;
    result->elapsed_us = clock_monotonic_us() - start_us;
    return true;
}

/* ---- all tables ---- */

static bool
take_table(Verify *verify, size_t *ret_index)
{
    bool found = false;

    (void)pthread_mutex_lock(&verify->mutex);
    while (!found && !verify->failed && verify->next < verify->report->table_count) {
        *ret_index = verify->next++;
        /* the second look is at what the repair wrote */
        found = !verify->only_repaired || verify->report->tables[*ret_index].repaired > 0;
    }
    (void)pthread_mutex_unlock(&verify->mutex);
    return found;
}

static void
table_done(Verify *verify, size_t index)
{
    const VerifyOptions *options = verify->options;
    const VerifyTable *table = &verify->report->tables[index];

    (void)pthread_mutex_lock(&verify->mutex);
    verify->done++;
    verify->done_rows += MAX(table->source_rows, table->target_rows);
    if (options->compared != NULL && (verify->repair == NULL || table->repaired == 0))
        options->compared(options->context, table);
    if (options->progress != NULL)
        options->progress(options->context, verify->done_rows,
            MAX(verify->all_rows, verify->done_rows), verify->done, verify->report->table_count);
    (void)pthread_mutex_unlock(&verify->mutex);
}

static void *
work(void *context)
{
    Worker *worker = context;
    Verify *verify = worker->verify;
    size_t index;
    Error err;

    while (take_table(verify, &index)) {
        if (do_table(worker, index, &err)) {
            table_done(verify, index);
            continue;
        }
        (void)pthread_mutex_lock(&verify->mutex);
        if (!verify->failed)
            verify->error = err;
        verify->failed = true;
        (void)pthread_mutex_unlock(&verify->mutex);
    }
    return NULL;
}

static bool
compare_all(Verify *verify, Worker *workers, size_t count, Error *err)
{
    verify->next = verify->done = 0;
    verify->done_rows = 0;
    for (size_t i = 1; i < count; i++)
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    /* this thread is the first worker */
    (void)work(&workers[0]);
    for (size_t i = 1; i < count; i++)
        if (workers[i].started)
            (void)pthread_join(workers[i].thread, NULL);
    if (verify->failed)
        *err = verify->error;
    return !verify->failed;
}

/* ---- the run ---- */

static void
tell(const Verify *verify, const char *what)
{
    if (verify->options->told != NULL)
        verify->options->told(verify->options->context, what);
}

static bool
repair_all(Verify *verify, Worker *workers, size_t count, Error *err)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < verify->report->table_count; i++)
        rows += verify->report->tables[i].repaired;
    if (rows == 0)
        return true;
    tell(verify, "writing the rows that differ");
    verify_cut_leave_target(verify->cut);
    if (!verify_cut_guard(verify->cut, err) || !verify_repair_commit(verify->repair, err) ||
        !verify_cut_unguard(verify->cut, err))
        return error_wrap(err, "repair");
    verify_repair_close(verify->repair);
    verify->repair = NULL;
    verify->report->repaired = true;
    tell(verify, "comparing the repaired tables again");
    verify->only_repaired = true;
    return verify_cut_enter_target(verify->cut, err) && compare_all(verify, workers, count, err);
}

static bool
can_verify(const Context *context, Error *err)
{
    const TargetDriver *alike = target_find(source_type_names(context->source));

    if (context->source->snapshot == NULL || context->source->tables_open == NULL ||
        context->source->compare == NULL)
        return error_set(err, ERR_CONFIG, "source type %s has no snapshots: it cannot be verified",
            context->source->name);
    if (alike == NULL || alike->sql == NULL || checksum_family(alike->sql) == NULL)
        return error_set(err, ERR_CONFIG,
            "source type %s cannot be verified: its checksums are "
            "not known",
            context->source->name);
    if (checksum_family(context->target->sql) == NULL)
        return error_set(err, ERR_CONFIG,
            "target type %s cannot be verified: its checksums are "
            "not known",
            context->target->name);
    return true;
}

/* It writes its position row: our views might be in the way. */
static bool
open_repair(Verify *verify, Error *err)
{
    verify_cut_leave_target(verify->cut);
    verify->repair = verify_repair_open(verify->context, verify_cut_position(verify->cut), err);
    return verify->repair != NULL && verify_cut_enter_target(verify->cut, err);
}

static bool
run_with(Verify *verify, Worker *workers, size_t count, Error *err)
{
    VerifyReport *report = verify->report;

    for (size_t i = 0; i < count; i++)
        workers[i] = (Worker){verify, verify_cut_pair(verify->cut, i), 0, false, report->arenas[i]};
    if (verify->options->repair && !open_repair(verify, err))
        return error_wrap(err, "repair");
    if (!verify_plan(
            verify->context, verify->options, workers[0].pair, report, &verify->plans, err))
        return false;
    for (size_t i = 0; i < report->table_count; i++)
        if (verify->plans[i].source != NULL)
            verify->all_rows += (uint64_t)MAX(verify->plans[i].source->row_estimate, INT64_C(0));
    return compare_all(verify, workers, count, err) &&
           (verify->repair == NULL || repair_all(verify, workers, count, err));
}

static VerifyReport *
report_new(size_t workers)
{
    Arena *arena = arena_new();
    VerifyReport *report = ARENA_NEW(arena, VerifyReport);

    report->arena = arena;
    report->arenas = ARENA_ARRAY(report->arena, Arena *, workers);
    report->arena_count = workers;
    for (size_t i = 0; i < workers; i++)
        report->arenas[i] = arena_new();
    return report;
}

bool
verify_run(
    const Context *context, const VerifyOptions *options, VerifyReport **ret_report, Error *err)
{
    size_t count = (size_t)context->config->verify.connections;
    CLEANUP(verify_cut_close) VerifyCut *cut = NULL;
    CLEANUP(verify_report_free) VerifyReport *report = report_new(count);
    Verify verify = {.context = context, .options = options, .report = report};
    Worker *workers;
    bool ok;

    if (!can_verify(context, err))
        return false;
    cut = verify_cut_open(context, count, options->repair, options->told, options->context, err);
    if (cut == NULL)
        return false;
    verify.cut = cut;
    report->position = arena_text(report->arena, verify_cut_position(cut));
    workers = ARENA_ARRAY(report->arena, Worker, count);
    (void)pthread_mutex_init(&verify.mutex, NULL);
    ok = run_with(&verify, workers, count, err);
    verify_repair_close(verify.repair);
    (void)pthread_mutex_destroy(&verify.mutex);
    for (size_t i = 0; ok && i < report->table_count; i++)
        report->counts[report->tables[i].result]++;
    if (ok)
        *ret_report = STEAL(report);
    return ok;
}

bool
verify_report_is_equal(const VerifyReport *report)
{
    return report->counts[VERIFY_EQUAL] == report->table_count;
}

void
verify_report_free(VerifyReport *report)
{
    if (report == NULL)
        return;
    for (size_t i = 0; i < report->arena_count; i++)
        arena_free(report->arenas[i]);
    arena_free(report->arena);
}
