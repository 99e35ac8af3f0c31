#include "apply/bootstrap/control.h"

#include "base/clock.h"
#include "base/fault.h"
#include "event/partition.h"

static Text
state_schema(const BootstrapRun *run)
{
    return text_of(run->context->config->target.position_schema);
}

static Text
main_service(const BootstrapRun *run)
{
    return text_of(run->context->config->service);
}

/* ---- the connection ---------------------------------------------------------------------------
 */

static bool
call_once(BootstrapRun *run, bool is_plain, ControlFn *call, void *argument, Error *err)
{
    const TargetDriver *driver = run->context->target;
    bool unknown;

    if (run->control == NULL)
        run->control = driver->open(run->context->config->target_options, err);
    if (run->control == NULL)
        return false;
    if (is_plain)
        return call(run, argument, err);
    if (!driver->begin(run->control, err))
        return false;
    /* what all these calls write may be written once more: an unknown outcome is a failure */
    if (call(run, argument, err) && driver->commit(run->control, &unknown, err))
        return true;
    driver->rollback(run->control);
    return false;
}

bool
bootstrap_control(BootstrapRun *run, bool is_plain, ControlFn *call, void *argument, Error *err)
{
    int64_t started_ms = clock_monotonic_ms();

    for (unsigned tries = 0; !call_once(run, is_plain, call, argument, err); tries++) {
        target_close(STEAL(run->control));
        if (!bootstrap_may_retry(run, started_ms, tries, err))
            return false;
    }
    return true;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

typedef struct StateList {
    BootstrapState *states;
    size_t count;
} StateList;

static bool
read_states(BootstrapRun *run, void *argument, Error *err)
{
    StateList *list = argument;

    return bootstrap_state_prepare(run->control, state_schema(run), err) &&
           position_prepare(run->control, state_schema(run), err) &&
           bootstrap_state_read(run->control, state_schema(run), main_service(run), run->arena,
               &list->states, &list->count, err);
}

bool
bootstrap_control_states(
    BootstrapRun *run, BootstrapState **ret_states, size_t *ret_count, Error *err)
{
    StateList list = {NULL, 0};

    if (!bootstrap_control(run, true, read_states, &list, err))
        return false;
    *ret_states = list.states;
    *ret_count = list.count;
    return true;
}

typedef struct PositionAsked {
    Text service;
    Position position;
    bool found;
} PositionAsked;

static bool
read_position(BootstrapRun *run, void *argument, Error *err)
{
    PositionAsked *asked = argument;

    return position_read(run->control, state_schema(run), asked->service, run->arena,
        &asked->position, &asked->found, err);
}

bool
bootstrap_control_position(
    BootstrapRun *run, const char *service, Position *ret_position, Error *err)
{
    PositionAsked asked = {.service = text_of(service)};

    if (!bootstrap_control(run, true, read_position, &asked, err))
        return false;
    *ret_position =
        asked.found ? asked.position : (Position){.source_position = TEXT(""), .block = TEXT("")};
    return true;
}

typedef struct TableAsked {
    const OutTable *out;
    TargetTable *table;
    Text name; /* of the table that is looked at */
    bool has_row;
} TableAsked;

static bool
describe_table(BootstrapRun *run, void *argument, Error *err)
{
    TableAsked *asked = argument;

    return run->context->target->describe(run->control, asked->out->target_schema,
        asked->out->target_name, run->arena, &asked->table, err);
}

bool
bootstrap_control_describe(
    BootstrapRun *run, const OutTable *out, TargetTable **ret_table, Error *err)
{
    TableAsked asked = {.out = out};

    if (!bootstrap_control(run, true, describe_table, &asked, err))
        return false;
    *ret_table = asked.table;
    return true;
}

static bool
note_row(void *context, const Value *values, size_t count, Error *err)
{
    TableAsked *asked = context;

    (void)values;
    (void)count;
    (void)err;
    asked->has_row = true;
    return true;
}

/* Rows go to the partition of the snapshot's time, which is soon. Other partitions have what they
 * had at their time. */
static bool
find_partition(BootstrapRun *run, TableAsked *asked, Error *err)
{
    const OutTable *out = asked->out;
    Partition partition;

    if (!partition_of(out->rule->partition, clock_now_us(), run->arena, &partition, err))
        return false;
    asked->name = partition_name(out->target_name, partition.suffix, run->arena);
    return run->context->target->describe(
        run->control, out->target_schema, asked->name, run->arena, &asked->table, err);
}

static bool
look_for_row(BootstrapRun *run, void *argument, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    TableAsked *asked = argument;
    const OutTable *out = asked->out;

    asked->has_row = false;
    asked->name = out->target_name;
    if (out->rule != NULL && out->rule->partition != NULL) {
        if (!find_partition(run, asked, err))
            return false;
        if (asked->table == NULL)
            return true;
    }
    buf_add_string(&sql, "SELECT 1 FROM ");
    sql_add_table(run->context->target->sql, out->target_schema, asked->name, &sql);
    buf_add_string(&sql, " LIMIT 1");
    return run->context->target->query(run->control, buf_text(&sql), note_row, asked, err);
}

bool
bootstrap_control_find_row(
    BootstrapRun *run, const OutTable *out, bool *ret_found, Text *ret_table, Error *err)
{
    TableAsked asked = {.out = out};

    if (!bootstrap_control(run, true, look_for_row, &asked, err))
        return false;
    *ret_found = asked.has_row;
    *ret_table = asked.name;
    return true;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* Where nothing at the source keeps the place from which the stream goes on, the target does. */
static bool
write_place(BootstrapRun *run, Error *err)
{
    if ((run->context->source->abilities & SOURCE_PLACE_IN_TARGET) == 0 || run->is_beside ||
        run->position.data == NULL)
        return true;
    return position_begin(run->control, state_schema(run), main_service(run), run->position, err);
}

static bool
write_copying(BootstrapRun *run, void *argument, Error *err)
{
    (void)argument;
    for (size_t i = 0; i < run->job_count; i++) {
        const BootstrapJob *job = &run->jobs[i];
        BootstrapState state = {.schema = job->source->schema,
            .table = job->source->name,
            .phase = BOOTSTRAP_COPYING,
            .is_spooled = job->spools,
            .position = job->position};

        if (job->state != JOB_WAITING)
            continue;
        if (!bootstrap_state_write(
                run->control, state_schema(run), main_service(run), &state, err) ||
            (!job->resumes &&
                !position_remove(run->control, state_schema(run), text_of(job->service), err)))
            return error_wrap(err, "table %s", job->name);
    }
    if (!write_place(run, err))
        return false;
    CRASH_POINT("bootstrap.mark");
    return true;
}

bool
bootstrap_control_begin(BootstrapRun *run, Error *err)
{
    return bootstrap_control(run, false, write_copying, NULL, err);
}

static bool
write_mark(BootstrapRun *run, void *argument, Error *err)
{
    const BootstrapState *state = argument;

    return bootstrap_state_write(run->control, state_schema(run), main_service(run), state, err);
}

bool
bootstrap_control_mark(BootstrapRun *run, const SourceTable *table, Error *err)
{
    BootstrapState state = {.schema = table->schema,
        .table = table->name,
        .phase = BOOTSTRAP_COPYING,
        .is_spooled = true,
        .position = TEXT("")};

    return bootstrap_control(run, false, write_mark, &state, err);
}

static bool
write_one_ready(BootstrapRun *run, const BootstrapJob *job, Text position, Error *err)
{
    BootstrapState state = {.schema = job->source->schema,
        .table = job->source->name,
        .phase = BOOTSTRAP_READY,
        .position = position,
        .rows = atomic_load(&job->rows)};

    return (bootstrap_state_write(
                run->control, state_schema(run), main_service(run), &state, err) &&
               position_remove(run->control, state_schema(run), text_of(job->service), err)) ||
           error_wrap(err, "table %s", job->name);
}

static bool
write_ready(BootstrapRun *run, void *argument, Error *err)
{
    const BootstrapJob *job = argument;

    if (!write_one_ready(run, job, job->position, err))
        return false;
    CRASH_POINT("bootstrap.ready");
    return true;
}

bool
bootstrap_control_ready(BootstrapRun *run, BootstrapJob *job, Error *err)
{
    return bootstrap_control(run, false, write_ready, job, err);
}

typedef struct ReadyHeld {
    const Position *service;
    Text position;
    const char *catch_up;
} ReadyHeld;

static bool
write_ready_held(BootstrapRun *run, void *argument, Error *err)
{
    const ReadyHeld *held = argument;

    /* the same values once more: locks the row, and fails where fence or seqno are others */
    if (!position_write(run->control, state_schema(run), main_service(run), held->service->seqno,
            held->service, err))
        return false;
    for (size_t i = 0; i < run->job_count; i++)
        if (run->jobs[i].state == JOB_COPIED &&
            !write_one_ready(run, &run->jobs[i], held->position, err))
            return false;
    if (!position_remove(run->control, state_schema(run), text_of(held->catch_up), err))
        return false;
    CRASH_POINT("bootstrap.ready");
    return true;
}

bool
bootstrap_control_ready_held(
    BootstrapRun *run, const Position *service, Text position, const char *catch_up, Error *err)
{
    ReadyHeld held = {service, position, catch_up};

    return bootstrap_control(run, false, write_ready_held, &held, err);
}

static bool
forget(BootstrapRun *run, void *argument, Error *err)
{
    return position_remove(run->control, state_schema(run), text_of((const char *)argument), err);
}

bool
bootstrap_control_forget(BootstrapRun *run, const char *service, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_add_string(&name, service);
    return bootstrap_control(run, true, forget, name.data, err);
}
