#include "apply/connection.h"

#include <stdlib.h>

#include "base/file.h"

void
connection_init(Connection *connection, const Context *context)
{
    connection->context = context;
    connection->target = NULL;
    connection->prepared = calloc(context->script_count, sizeof(*connection->prepared));
    if (connection->prepared == NULL)
        abort();
}

static bool
take_zero_dates(const Connection *connection, Error *err)
{
    const Context *context = connection->context;
    int64_t rows;

    return context->target->take_zero_dates == NULL ||
           context->config->values.zero_date != POLICY_TEXT ||
           context->target->execute(
               connection->target, text_of(context->target->take_zero_dates), NULL, &rows, err);
}

bool
connection_open(Connection *connection, Error *err)
{
    const Context *context = connection->context;

    connection_drop(connection);
    connection->target = context->target->open(context->config->target_options, err);
    if (connection->target == NULL)
        return false;
    if (take_zero_dates(connection, err))
        return true;
    connection_drop(connection);
    return false;
}

void
connection_drop(Connection *connection)
{
    target_close(STEAL(connection->target));
    if (connection->prepared != NULL)
        memset(connection->prepared, 0,
            connection->context->script_count * sizeof(*connection->prepared));
}

static bool
run_plain(Connection *connection, const Script *script, ScriptSection section, Error *err)
{
    const Config *config = connection->context->config;
    CLEANUP(arena_free) Arena *arena = arena_new();
    MergeTable table = {.dialect = connection->context->target->sql, .service = config->service};
    ScriptRun run = {.script = script,
        .params = merge_params_new(&table, arena),
        .time_limit_ms = config->target.command_time_limit_ms};

    return script_run(connection->target, &run, section, NULL, err);
}

bool
connection_prepare(Connection *connection, const Script *script, Error *err)
{
    const Context *context = connection->context;

    for (size_t i = 0; i < context->script_count; i++) {
        if (context->scripts[i] != script || connection->prepared[i])
            continue;
        if (!run_plain(connection, script, SECTION_PREPARE, err))
            return false;
        connection->prepared[i] = true;
    }
    return true;
}

void
connection_clear(Connection *connection)
{
    Error ignored;

    for (size_t i = 0; connection->target != NULL && i < connection->context->script_count; i++)
        if (connection->prepared[i])
            (void)!run_plain(
                connection, connection->context->scripts[i], SECTION_RELEASE, &ignored);
    connection_drop(connection);
    free(STEAL(connection->prepared));
}

bool
connection_run(Connection *connection, const SectionRun *run, ScriptTiming *timing, Error *err)
{
    const Config *config = connection->context->config;
    const MergePlan *plan = run->plan;
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(load_feed_close) LoadFeed *feed = NULL;
    Block view = *run->block;
    MergeTable table = {.dialect = connection->context->target->sql,
        .block = run->block,
        .service = config->service,
        .block_path = run->block->path};
    ScriptRun script = {.script = run->script,
        .in_transaction = run->in_transaction,
        .time_limit_ms = config->target.command_time_limit_ms};

    if (plan != NULL) {
        table = plan_merge_table(connection->context, run->block, plan);
        script.table = text_of(arena_printf(arena, TEXT_FMT "." TEXT_FMT,
            TEXT_ARG(plan->file->schema), TEXT_ARG(plan->file->table)));
    }
    if (plan != NULL && plan->file->name.data != NULL) {
        size_t index = (size_t)(plan->file - run->block->manifest.files);

        if (plan->left_out != NULL) {
            view.superseded = ARENA_ARRAY(arena, LineSet, index + 1);
            view.superseded[index] = *plan->left_out;
        }
        feed = load_feed_open(&view, index, table.stage_is_compact || plan->left_out != NULL, err);
        if (feed == NULL)
            return false;
        table.rows = load_feed_rows(feed);
        table.origins = load_feed_origins(feed);
        table.csv_path = load_feed_path(feed);
        script.feed = feed;
    }
    script.params = merge_params_new(&table, arena);
    return script_run(connection->target, &script, run->section, timing, err);
}
