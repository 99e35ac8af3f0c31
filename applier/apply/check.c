#include "apply/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "apply/plan.h"
#include "apply/router.h"
#include "base/file.h"
#include "base/log.h"
#include "block/block_writer.h"
#include "block/retention.h"
#include "ddl/stage.h"
#include "target/position.h"

/* How far into the source's log the check looks for tables. */
#define PEEK_EVENTS 200000
#define PEEK_MS     5000

typedef struct Check {
    const Context *context;
    Buf *report;
    Target *target;
    Error first; /* the first error found */
    Map tables;  /* "schema.table" -> anything: already looked at */
} Check;

static void
add_error(Check *check, const char *what, const Error *err)
{
    buf_addf(check->report, "error    %s: %s\n", what, err->text);
    if (check->first.kind == ERR_NONE)
        check->first = *err;
}

static void
add_ok(Check *check, const char *fmt, const char *detail)
{
    buf_addf(check->report, "ok       %s%s\n", fmt, detail);
}

/* Findings of a driver, indented below its line. */
static void
add_findings(Check *check, Text findings)
{
    while (findings.len > 0) {
        size_t end = text_find(findings, '\n');

        buf_addf(check->report, "         " TEXT_FMT "\n", (int)end, findings.data);
        findings.data += MIN(findings.len, end + 1);
        findings.len -= MIN(findings.len, end + 1);
    }
}

static void
check_target(Check *check)
{
    const Context *context = check->context;
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf findings = BUF_INIT;
    Position position;
    bool found = false;
    Error err;

    check->target = context->target->open(context->config->target_options, &err);
    if (check->target == NULL) {
        add_error(check, "target", &err);
        return;
    }
    if (context->target->check != NULL && !context->target->check(check->target, &findings, &err))
        add_error(check, "target", &err);
    else
        add_ok(check, "target ", context->target->name);
    add_findings(check, buf_text(&findings));
    if (!position_read(check->target, text_of(context->config->target.position_schema),
            text_of(context->config->service), arena, &position, &found, &err))
        add_error(check, "position", &err);
    else if (found)
        buf_addf(check->report,
            "ok       position seqno %" PRIu64 ", fence %" PRIu64 ", source " TEXT_FMT "\n",
            position.seqno, position.fence, TEXT_ARG(position.source_position));
    else
        add_ok(check, "position: none yet, the service begins at the source's beginning", "");
}

static void
check_directory(Check *check)
{
    const char *directory = check->context->config->block.directory;
    char *probe = file_join(directory, "check.tmp");
    Error err;

    if (!file_make_directory(directory, &err) || !file_write_durable(probe, "", 0, &err) ||
        unlink(probe) != 0)
        add_error(check, "block.directory", &err);
    else
        add_ok(check, "block.directory ", directory);
    free(probe);
}

static void
check_scripts(Check *check)
{
    const Context *context = check->context;

    for (size_t i = 0; i < context->script_count; i++)
        if (context->scripts[i] != NULL)
            add_ok(check, "merge script ", context->scripts[i]->path);
}

/* Plan one table as the loader would plan a file of it. */
static void
check_out_table(Check *check, const OutTable *out)
{
    const Context *context = check->context;
    CLEANUP(arena_free) Arena *arena = arena_new();
    BlockFile file = {.name = TEXT("check"),
        .schema = out->source_schema,
        .table = out->source_name,
        .generation = 1,
        .column_count = out->column_count,
        .key = out->key,
        .key_count = out->key_count};
    Block block = {.manifest = {.files = &file, .file_count = 1}};
    const char *name = arena_printf(arena, "table " TEXT_FMT "." TEXT_FMT,
        TEXT_ARG(out->source_schema), TEXT_ARG(out->source_name));
    BlockPlan plan;
    StageSpec spec;
    TargetTable *stage = NULL;
    Text why = TEXT("");
    Error err;

    file.columns = ARENA_ARRAY(arena, BlockColumn, out->column_count + 1);
    for (size_t i = 0; i < out->column_count; i++)
        file.columns[i] = (BlockColumn){
            out->columns[i].name, out->columns[i].source_type, out->columns[i].logical};
    if (!plan_block(context, check->target, &block, arena, &plan, &err)) {
        add_error(check, name, &err);
        return;
    }
    spec = (StageSpec){plan.plans[0].base, plan.plans[0].stage_schema, plan.plans[0].stage_name,
        &context->dialect};
    if (!context->target->describe(check->target, spec.schema, spec.name, arena, &stage, &err)) {
        add_error(check, name, &err);
        return;
    }
    if (stage == NULL && context->config->target.create_tables == CREATE_NONE) {
        (void)error_set(&err, ERR_TARGET,
            "the staging table " TEXT_FMT " is missing and target.create_tables is none",
            TEXT_ARG(spec.name));
        add_error(check, name, &err);
    } else if (stage != NULL && !stage_fits(&spec, stage, context->target->sql, arena, &why) &&
               context->config->target.create_tables == CREATE_NONE) {
        (void)error_set(&err, ERR_TARGET, "the staging table " TEXT_FMT " does not fit: " TEXT_FMT,
            TEXT_ARG(spec.name), TEXT_ARG(why));
        add_error(check, name, &err);
    } else {
        buf_addf(check->report,
            "ok       %s to %s" TEXT_FMT ", key of %zu columns, staging table " TEXT_FMT "%s\n",
            name, "", TEXT_ARG(plan.plans[0].base->name), out->key_count, TEXT_ARG(spec.name),
            stage == NULL ? " (will be made)" : "");
    }
}

static void
check_change(Check *check, Router *router, const Event *event)
{
    const Table *table = event->change.table;
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    const OutTable *out = NULL;
    Error err;

    buf_addf(&name, TEXT_FMT "." TEXT_FMT, TEXT_ARG(table->schema), TEXT_ARG(table->name));
    if (map_put(&check->tables, buf_text(&name), check) != NULL)
        return;
    if (!router_table(router, table, &out, &err))
        add_error(check, name.data, &err);
    else if (out == NULL)
        add_ok(check, "skipped by rule: ", name.data);
    else
        check_out_table(check, out);
}

static void
peek(Check *check, Source *source)
{
    Router *router = router_new(check->context);
    int64_t end_ms = clock_monotonic_ms() + PEEK_MS;
    Error err;

    for (size_t i = 0; i < PEEK_EVENTS && clock_monotonic_ms() < end_ms; i++) {
        Event event = {0};
        Next next = check->context->source->next(source, 0, &event, &err);

        if (next == NEXT_FAILED)
            add_error(check, "source", &err);
        if (next != NEXT_ITEM)
            break;
        if (event.kind == EVENT_CHANGE && check->target != NULL)
            check_change(check, router, &event);
    }
    router_free(router);
}

static void
check_source(Check *check)
{
    const Context *context = check->context;
    const Config *config = context->config;
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf findings = BUF_INIT;
    CLEANUP(source_close) Source *source = NULL;
    SourceStart start = {.service = config->service,
        .options = config->source_options,
        .position = TEXT(""),
        .until_end = true};
    Position position;
    bool found = false;
    Error err;

    if (check->target != NULL &&
        position_read(check->target, text_of(config->target.position_schema),
            text_of(config->service), arena, &position, &found, &err) &&
        found)
        start.position = position.source_position;
    if (context->source->check != NULL && !context->source->check(&start, &findings, &err)) {
        add_error(check, "source", &err);
        add_findings(check, buf_text(&findings));
        return;
    }
    source = context->source->open(&start, &err);
    if (source == NULL) {
        add_error(check, "source", &err);
        return;
    }
    add_ok(check, "source ", context->source->name);
    add_findings(check, buf_text(&findings));
    peek(check, source);
}

bool
check_run(const Context *context, Buf *report, Error *err)
{
    Check check = {.context = context, .report = report};

    check_scripts(&check);
    check_directory(&check);
    check_target(&check);
    check_source(&check);
    target_close(check.target);
    map_clear(&check.tables);
    if (check.first.kind == ERR_NONE)
        return true;
    *err = check.first;
    return false;
}
