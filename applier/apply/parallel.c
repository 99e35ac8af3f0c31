#include "apply/parallel.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/stop.h"

typedef struct Worker {
    ParallelLoad *load;
    Connection connection;
    pthread_t thread;
} Worker;

struct ParallelLoad {
    const Context *context;
    Worker *workers;
    size_t count;

    /* one run */
    const Block *block;
    const BlockPlan *plan;
    pthread_mutex_t mutex;
    size_t next; /* plan to take next */
    bool failed;
    Error error; /* of the first failure */
};

ParallelLoad *
parallel_load_new(const Context *context, size_t count)
{
    ParallelLoad *load = calloc(1, sizeof(*load));

    if (load == NULL)
        abort();
    load->context = context;
    load->count = count;
    load->workers = calloc(count, sizeof(*load->workers));
    if (load->workers == NULL)
        abort();
    (void)pthread_mutex_init(&load->mutex, NULL);
    for (size_t i = 0; i < count; i++) {
        load->workers[i].load = load;
        connection_init(&load->workers[i].connection, context);
    }
    return load;
}

void
parallel_load_free(ParallelLoad *load)
{
    if (load == NULL)
        return;
    for (size_t i = 0; i < load->count; i++)
        connection_clear(&load->workers[i].connection);
    (void)pthread_mutex_destroy(&load->mutex);
    free(load->workers);
    free(load);
}

static bool
wants_load(const MergePlan *plan)
{
    return plan->script != NULL && plan->script->has_load && plan->file->name.data != NULL;
}

/* NULL when none is left or another worker failed. */
static const MergePlan *
take_plan(ParallelLoad *load)
{
    const MergePlan *plan = NULL;

    (void)pthread_mutex_lock(&load->mutex);
    while (!load->failed && plan == NULL && load->next < load->plan->count) {
        if (wants_load(&load->plan->plans[load->next]))
            plan = &load->plan->plans[load->next];
        load->next++;
    }
    (void)pthread_mutex_unlock(&load->mutex);
    return plan;
}

static bool
load_file(ParallelLoad *load, Connection *connection, const MergePlan *plan, Error *err)
{
    const TargetDriver *driver = load->context->target;
    /* it is no transaction that must stay open: MySQL's TRUNCATE commits, and may */
    SectionRun run = {load->block, plan, plan->script, SECTION_LOAD, false};
    bool unknown;

    if (stop_level() >= STOP_NOW)
        return error_set(err, ERR_STOPPED, "stopped while loading");
    if ((connection->target == NULL && !connection_open(connection, err)) ||
        !connection_prepare(connection, plan->script, err))
        return false;
    if (!driver->begin(connection->target, err))
        return false;
    if (connection_run(connection, &run, NULL, err) &&
        (!driver->in_transaction(connection->target) ||
            driver->commit(connection->target, &unknown, err)))
        return true;
    driver->rollback(connection->target);
    return false;
}

static void *
worker_main(void *argument)
{
    Worker *worker = argument;
    ParallelLoad *load = worker->load;
    const MergePlan *plan;
    Error err;

    while ((plan = take_plan(load)) != NULL) {
        if (load_file(load, &worker->connection, plan, &err))
            continue;
        (void)pthread_mutex_lock(&load->mutex);
        if (!load->failed)
            load->error = err;
        load->failed = true;
        (void)pthread_mutex_unlock(&load->mutex);
        connection_drop(&worker->connection);
    }
    return NULL;
}

bool
parallel_load_run(ParallelLoad *load, const Block *block, const BlockPlan *plan, Error *err)
{
    size_t files = 0;
    size_t started = 0;

    for (size_t i = 0; i < plan->count; i++)
        files += wants_load(&plan->plans[i]);
    load->block = block;
    load->plan = plan;
    load->next = 0;
    load->failed = false;
    for (; started < MIN(files, load->count); started++)
        if (pthread_create(
                &load->workers[started].thread, NULL, worker_main, &load->workers[started]) != 0)
            break;
    if (files > 0 && started == 0)
        return error_set(err, ERR_INTERNAL, "no thread could be started");
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(load->workers[i].thread, NULL);
    if (!load->failed)
        return true;
    for (size_t i = 0; i < load->count; i++)
        connection_drop(&load->workers[i].connection);
    *err = load->error;
    return false;
}
