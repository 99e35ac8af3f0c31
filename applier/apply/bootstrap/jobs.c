#include "apply/bootstrap/jobs.h"

#include <inttypes.h>

#include "apply/bootstrap/control.h"
#include "apply/bootstrap/copy.h"
#include "apply/bootstrap/handover.h"
#include "apply/create_table.h"
#include "base/fault.h"
#include "base/file.h"
#include "block/block.h"

typedef struct Listing {
    SourceTable **tables;
    size_t count;
    BootstrapState *states;
    size_t state_count;
    bool *is_named; /* by index in options.tables: a table fits it */
} Listing;

static size_t
operand_count(const BootstrapRun *run)
{
    size_t count = 0;

    while (run->options->tables != NULL && run->options->tables[count] != NULL)
        count++;
    return count;
}

/* ---- which tables -----------------------------------------------------------------------------
 */

static bool
list_tables(BootstrapRun *run, Listing *listing, Error *err)
{
    SourceStart start = bootstrap_source_start(run);
    CLEANUP(source_tables_close)
    SourceTables *tables = run->context->source->tables_open(&start, err);

    return tables != NULL &&
           tables->driver->list(tables, run->arena, &listing->tables, &listing->count, err);
}

static bool
is_wanted(const BootstrapRun *run, Listing *listing, const char *name)
{
    size_t count = operand_count(run);
    bool wanted = count == 0;

    for (size_t i = 0; i < count; i++)
        if (text_glob(text_of(name), run->options->tables[i])) {
            listing->is_named[i] = true;
            wanted = true;
        }
    return wanted;
}

static bool
find_unnamed(BootstrapRun *run, Listing *listing, const char **missing)
{
    size_t missing_count = 0;

    for (size_t i = 0; i < operand_count(run); i++)
        listing->is_named[i] = false;
    for (size_t i = 0; i < listing->count; i++) {
        const SourceTable *table = listing->tables[i];

        (void)is_wanted(run, listing,
            arena_printf(
                run->arena, TEXT_FMT "." TEXT_FMT, TEXT_ARG(table->schema), TEXT_ARG(table->name)));
    }
    for (size_t i = 0; i < operand_count(run); i++)
        if (!listing->is_named[i])
            missing[missing_count++] = run->options->tables[i];
    missing[missing_count] = NULL;
    return missing_count > 0;
}

/* "a.b.c" may be table "b.c" of schema "a", or "c" of "a.b". */
static bool
describe_named(
    BootstrapRun *run, SourceTables *tables, const char *name, SourceTable **ret_table, Error *err)
{
    *ret_table = NULL;
    for (const char *dot = strchr(name, '.'); dot != NULL && *ret_table == NULL;
         dot = strchr(dot + 1, '.')) {
        Text schema = {name, (size_t)(dot - name)};

        if (!tables->driver->describe(tables, schema, text_of(dot + 1), run->arena, ret_table, err))
            return false;
    }
    return true;
}

/*
 * A table that is published before it is marked could reach a service that knows nothing of its
 * bootstrap, should we be killed in between. Those that are named by a glob can only be marked
 * afterwards.
 */
static bool
mark_before_published(BootstrapRun *run, const char *const *names, Error *err)
{
    SourceStart start = bootstrap_source_start(run);
    CLEANUP(source_tables_close)
    SourceTables *tables = run->context->source->tables_open(&start, err);

    if (tables == NULL)
        return false;
    for (; *names != NULL; names++) {
        SourceTable *table;

        if (!describe_named(run, tables, *names, &table, err))
            return false;
        if (table == NULL)
            continue;
        if (!bootstrap_control_mark(run, table, err))
            return error_wrap(err, "table %s", *names);
        bootstrap_tell(run, false,
            "table %s: is published now; its changes are passed over until it is loaded", *names);
    }
    return true;
}

/* What is named must be there; what is there but not published yet is added to the publication. */
static bool
list_named(BootstrapRun *run, Listing *listing, Error *err)
{
    const char **missing = ARENA_ARRAY(run->arena, const char *, operand_count(run) + 1);

    listing->is_named = ARENA_ARRAY(run->arena, bool, operand_count(run) + 1);
    if (!list_tables(run, listing, err))
        return false;
    if (find_unnamed(run, listing, missing) && bootstrap_publishes(run)) {
        /* the service must not see changes of these tables before they are marked */
        if ((run->is_beside && !bootstrap_hold(run, err)) ||
            !mark_before_published(run, missing, err) || !bootstrap_publish(run, missing, err) ||
            !list_tables(run, listing, err))
            return false;
        CRASH_POINT("bootstrap.published");
    }
    if (find_unnamed(run, listing, missing))
        return error_set(err, ERR_USAGE,
            "no table of the source fits %s: name it as schema.table, or with * and ?; only "
            "tables that are %s can be loaded",
            missing[0], bootstrap_publishes(run) ? "published" : "among source.tables");
    if (listing->count == 0 && !bootstrap_publishes(run))
        return error_set(err, ERR_SOURCE,
            "the source has no table for this service: source.tables, and the rights of its user, "
            "say which ones it sees");
    if (listing->count == 0)
        return error_set(err, ERR_SOURCE,
            "the source publishes no table for this service: dray install says which ones it "
            "would");
    return true;
}

/* ---- how a table is begun ---------------------------------------------------------------------
 */

static const BootstrapState *
find_state(const Listing *listing, const SourceTable *table)
{
    for (size_t i = 0; i < listing->state_count; i++)
        if (text_equal(listing->states[i].schema, table->schema) &&
            text_equal(listing->states[i].table, table->name))
            return &listing->states[i];
    return NULL;
}

static void
name_job(BootstrapRun *run, BootstrapJob *job)
{
    CLEANUP(buf_clear) Buf file = BUF_INIT;

    job->service = bootstrap_service_name(run, text_of(job->name));
    block_file_name(job->source->schema, job->source->name, 1, &file);
    if (text_ends_with(buf_text(&file), ".csv"))
        file.len -= strlen(".csv");
    job->directory =
        arena_printf(run->arena, "%s/" TEXT_FMT, run->directory, TEXT_ARG(buf_text(&file)));
}

/* May the interrupted copy go on where it was? Only where the stream has not passed its snapshot:
 * what the service passed over meanwhile would be missing. */
static bool
may_resume(BootstrapRun *run, const BootstrapJob *job, const BootstrapState *state, bool *ret_may,
    Error *err)
{
    const SourceDriver *source = run->context->source;
    Position position;

    *ret_may = false;
    if (!state->is_spooled || run->is_beside || run->options->replace || source->compare == NULL ||
        !bootstrap_is_spooled(job->directory, state->position))
        return true;
    if (!bootstrap_control_position(run, run->context->config->service, &position, err))
        return false;
    *ret_may = source->compare(position.source_position, state->position) <= 0;
    return true;
}

static bool
has_partitions(const BootstrapJob *job)
{
    return job->out->rule != NULL && job->out->rule->partition != NULL;
}

static const char *
why_rows_stay(BootstrapRun *run, const BootstrapJob *job)
{
    if (has_partitions(job))
        return "Its rows may be in an earlier partition than the one that a new copy begins with";
    return arena_printf(run->arena, "Its %s does not remove rows by itself",
        context_script(run->context, job->out->rule)->path);
}

/* An earlier run did not end. */
static bool
begin_again(BootstrapRun *run, BootstrapJob *job, const BootstrapState *state, Error *err)
{
    Position loaded;

    if (!may_resume(run, job, state, &job->resumes, err))
        return false;
    if (job->resumes) {
        job->spools = true;
        job->position = state->position;
        bootstrap_tell(run, false,
            "table %s: an earlier bootstrap was interrupted while it loaded: it goes on behind the "
            "last chunk that was committed",
            job->name);
        return true;
    }
    if (!state->is_spooled) {
        job->truncates = true;
        bootstrap_tell(run, false,
            "table %s: an earlier bootstrap was interrupted: the target table is emptied and the "
            "copy started again",
            job->name);
        return true;
    }
    if (!bootstrap_control_position(run, job->service, &loaded, err))
        return false;
    if (loaded.seqno > 0 && !run->options->replace && !run->options->keep)
        return error_set(err, ERR_TARGET,
            "table %s: an earlier bootstrap was interrupted while it loaded, and cannot go on: its "
            "blocks are gone, or the service has run since. %s: remove those of this bootstrap "
            "from the target and give --keep, or give --replace",
            job->name, why_rows_stay(run, job));
    bootstrap_tell(run, false,
        "table %s: an earlier bootstrap was interrupted before any row was loaded: it is started "
        "again",
        job->name);
    return true;
}

/* The target table must be empty, unless somebody says what is to become of its rows. */
static bool
check_rows(BootstrapRun *run, BootstrapJob *job, Error *err)
{
    bool has_row = false;
    Text table;

    if (job->truncates || job->resumes || run->options->keep)
        return true;
    if (run->options->replace) {
        job->truncates = true;
        return true;
    }
    if (!bootstrap_control_find_row(run, job->out, &has_row, &table, err))
        return error_wrap(err, "table %s", job->name);
    if (has_row)
        return error_set(err, ERR_TARGET,
            "table %s: the target table " TEXT_FMT
            " is not empty: --replace empties it first, --keep loads over what is there",
            job->name, TEXT_ARG(table));
    return true;
}

static bool
set_mode(BootstrapRun *run, BootstrapJob *job, const BootstrapState *state, Error *err)
{
    bool is_shared = job->out->rule != NULL && job->out->rule->shared;
    bool must_spool;

    if (is_shared && run->options->replace)
        return error_set(err, ERR_USAGE,
            "table %s: --replace would empty " TEXT_FMT
            ", which other source tables share: remove its rows yourself and give --keep",
            job->name, TEXT_ARG(job->out->target_name));
    if (is_shared && run->is_beside)
        return error_set(err, ERR_USAGE,
            "table %s: the target table " TEXT_FMT
            " has several source tables, which cannot be loaded beside a running service: stop it "
            "for this bootstrap",
            job->name, TEXT_ARG(job->out->target_name));
    /* a copy that is begun again may be of another time, and would empty another partition */
    must_spool =
        is_shared || has_partitions(job) || context_script(run->context, job->out->rule)->all_lines;
    job->spools = must_spool || run->options->keep;
    if (state != NULL && state->phase == BOOTSTRAP_COPYING && !begin_again(run, job, state, err))
        return false;
    /* what an interrupted run left is ours to remove, also with --keep */
    if (job->truncates && !must_spool)
        job->spools = false;
    return check_rows(run, job, err);
}

/* ---- the list ---------------------------------------------------------------------------------
 */

/* Is the table to be loaded at all? */
static bool
is_job(BootstrapRun *run, Listing *listing, const SourceTable *table, const char *name)
{
    const TableRule *rule = rule_find(&run->context->config->tables, table->schema, table->name);
    const BootstrapState *state = find_state(listing, table);

    if (!is_wanted(run, listing, name))
        return false;
    if (rule != NULL && rule->skip) {
        if (operand_count(run) > 0)
            bootstrap_tell(run, false, "table %s: left out by a table rule", name);
        return false;
    }
    if (state != NULL && state->phase == BOOTSTRAP_READY && !run->options->again &&
        !run->options->replace) {
        run->left_alone++;
        bootstrap_tell(run, false,
            "table %s: ready since position " TEXT_FMT ": left alone (--again loads it once more)",
            name, TEXT_ARG(state->position));
        return false;
    }
    return true;
}

static bool
route_job(BootstrapRun *run, BootstrapJob *job, Error *err)
{
    const Table *shape = create_table_shape(job->source, run->arena);
    int64_t started_ms = clock_monotonic_ms();

    for (unsigned tries = 0;
         !router_table(run->router, shape, TEXT_NONE, TEXT_NONE, &job->out, err); tries++) {
        /* columns that are missing do not come by waiting: here, a person is there */
        if (err->kind == ERR_SCHEMA || !bootstrap_may_retry(run, started_ms, tries, err))
            return error_wrap(err, "table %s", job->name);
    }
    if (job->out == NULL)
        return error_set(err, ERR_INTERNAL, "table %s is routed nowhere", job->name);
    if (job->source->problem.data != NULL)
        bootstrap_tell(run, true, "table %s: " TEXT_FMT, job->name, TEXT_ARG(job->source->problem));
    return true;
}

/* All missing tables in one go. */
static bool
check_base_tables(BootstrapRun *run, Error *err)
{
    CLEANUP(buf_clear) Buf missing = BUF_INIT;
    size_t count = 0;

    for (size_t i = 0; i < run->job_count; i++) {
        const OutTable *out = run->jobs[i].out;
        TargetTable *table = NULL;

        if (!bootstrap_control_describe(run, out, &table, err))
            return error_wrap(err, "table %s", run->jobs[i].name);
        if (table != NULL)
            continue;
        if (count++ < 20)
            buf_addf(&missing, "%s" TEXT_FMT "%s" TEXT_FMT, count == 1 ? "" : ", ",
                TEXT_ARG(out->target_schema), out->target_schema.len > 0 ? "." : "",
                TEXT_ARG(out->target_name));
    }
    if (count == 0)
        return true;
    if (count > 20)
        buf_add_string(&missing, " …");
    return error_set(err, ERR_TARGET,
        "the target lacks %zu table%s: %s: make them with dray ddl %s --execute, or with "
        "create_tables: all",
        count, count == 1 ? "" : "s", missing.data, run->context->config->path);
}

static bool
fill_jobs(BootstrapRun *run, Listing *listing, Error *err)
{
    run->jobs = ARENA_ARRAY(run->arena, BootstrapJob, listing->count + 1);
    for (size_t i = 0; i < listing->count; i++) {
        const SourceTable *table = listing->tables[i];
        const char *name = arena_printf(
            run->arena, TEXT_FMT "." TEXT_FMT, TEXT_ARG(table->schema), TEXT_ARG(table->name));
        BootstrapJob *job = &run->jobs[run->job_count];

        if (!is_job(run, listing, table, name))
            continue;
        job->source = table;
        job->name = name;
        name_job(run, job);
        if (!route_job(run, job, err))
            return false;
        run->job_count++;
    }
    return true;
}

bool
bootstrap_plan(BootstrapRun *run, Error *err)
{
    Listing listing = {0};

    if (!bootstrap_control_states(run, &listing.states, &listing.state_count, err) ||
        !list_named(run, &listing, err) || !fill_jobs(run, &listing, err) ||
        !check_base_tables(run, err))
        return false;
    for (size_t i = 0; i < run->job_count; i++)
        if (!set_mode(run, &run->jobs[i], find_state(&listing, run->jobs[i].source), err))
            return false;
    return true;
}
