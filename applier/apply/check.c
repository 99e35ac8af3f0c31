#include "apply/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "apply/partition/partition.h"
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
#define PEEK_BLOCKS 100

typedef struct Check {
    const Context *context;
    Buf *report;
    Target *target;
    Error first; /* the first error found */
    Map tables;  /* "schema.table" of the source: already looked at */
    Map bases;   /* "schema.table" in the target -> BaseUse */
    Arena *arena;
} Check;

/* The source table that was first seen to go to a base table. */
typedef struct BaseUse {
    Text name;
    bool shared;
} BaseUse;

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

/* Findings of a driver, indented below its line; those that begin with "warning: " stand out. */
static void
add_findings(Check *check, Text findings)
{
    while (findings.len > 0) {
        static const char word[] = "warning: ";
        size_t end = text_find(findings, '\n');
        size_t skip = text_starts_with(findings, word) ? sizeof(word) - 1 : 0;

        buf_addf(check->report, "%s" TEXT_FMT "\n", skip > 0 ? "warning  " : "         ",
            (int)(end - skip), findings.data + skip);
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

    if (!file_make_directory(directory, &err) || !file_write_durable(probe, "", 0, &err)) {
        add_error(check, "block.directory", &err);
    } else if (unlink(probe) != 0) {
        (void)error_set_errno(&err, ERR_IO, "remove %s", probe);
        add_error(check, "block.directory", &err);
    } else {
        add_ok(check, "block.directory ", directory);
    }
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

/* The same as plan_block() finds where both tables are in one block. */
static bool
check_clash(Check *check, const MergePlan *plan, Error *err)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    bool shared = plan->rule != NULL && plan->rule->shared;
    BaseUse *use;
    Text name;

    buf_addf(&key, TEXT_FMT "." TEXT_FMT, TEXT_ARG(plan->base->schema), TEXT_ARG(plan->base->name));
    name = text_of(arena_printf(check->arena, TEXT_FMT "." TEXT_FMT, TEXT_ARG(plan->file->schema),
        TEXT_ARG(plan->file->table)));
    use = map_get(&check->bases, buf_text(&key));
    if (use == NULL) {
        use = ARENA_NEW(check->arena, BaseUse);
        *use = (BaseUse){name, shared};
        (void)map_put(&check->bases, buf_text(&key), use);
        return true;
    }
    if (text_equal(use->name, name) || (use->shared && shared))
        return true;
    return error_set(err, ERR_CONFIG,
        "tables " TEXT_FMT " and " TEXT_FMT " both go to the target table " TEXT_FMT
        ": write a rule with another target: for one, or shared: true in the rules of both",
        TEXT_ARG(use->name), TEXT_ARG(name), TEXT_ARG(plan->base->name));
}

static bool
check_stage(Check *check, const MergePlan *plan, Arena *arena, bool *ret_missing, Error *err)
{
    const Context *context = check->context;
    StageSpec spec = {plan->base, plan->stage_schema, plan->stage_name, &context->dialect};
    TargetTable *stage = NULL;
    Text why = TEXT("");

    if (!context->target->describe(check->target, spec.schema, spec.name, arena, &stage, err))
        return false;
    *ret_missing = stage == NULL;
    if (context->config->target.create_tables != CREATE_NONE)
        return true;
    if (stage == NULL)
        return error_set(err, ERR_TARGET,
            "the staging table " TEXT_FMT
            " is missing and target.create_tables is none: create it, or set "
            "target.create_tables: stage",
            TEXT_ARG(spec.name));
    if (!stage_fits(&spec, stage, context->target->sql, arena, &why))
        return error_set(err, ERR_TARGET,
            "the staging table " TEXT_FMT " does not fit: " TEXT_FMT
            ": change it, or drop it and set target.create_tables: stage",
            TEXT_ARG(spec.name), TEXT_ARG(why));
    return true;
}

/* Plan one table as the loader would plan a file of it. */
static void
check_file(Check *check, const BlockFile *file)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    BlockFile copy = *file;
    Block block = {
        .manifest = {.dialect = check->context->dialect, .files = &copy, .file_count = 1}};
    const char *name = arena_printf(
        arena, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(file->schema), TEXT_ARG(file->table));
    CLEANUP(buf_clear) Buf findings = BUF_INIT;
    BlockPlan plan;
    const MergePlan *one;
    bool missing = false;
    Error err;

    if (!plan_parents(check->context, check->target, &block, arena, &plan, &err)) {
        add_error(check, name, &err);
        return;
    }
    one = &plan.plans[0];
    if (one->script == NULL) {
        add_ok(check, "skipped by rule: ", name);
        return;
    }
    if (!check_clash(check, one, &err) || !check_stage(check, one, arena, &missing, &err)) {
        add_error(check, name, &err);
        return;
    }
    if (one->rule != NULL && one->rule->partition != NULL &&
        !partition_check(check->context, check->target, one->rule, file, &findings, &err)) {
        add_error(check, name, &err);
        return;
    }
    buf_addf(check->report,
        "ok       %s to " TEXT_FMT ", key of %zu columns, staging table " TEXT_FMT "%s\n", name,
        TEXT_ARG(one->base->name), one->key_count, TEXT_ARG(one->stage_name),
        missing ? " (will be made)" : "");
    add_findings(check, buf_text(&findings));
}

static void
check_out_table(Check *check, const OutTable *out)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    BlockFile file = {.name = TEXT("check"),
        .schema = out->source_schema,
        .table = out->source_name,
        .generation = 1,
        .column_count = out->column_count,
        .key = out->key,
        .key_count = out->key_count};

    file.columns = ARENA_ARRAY(arena, BlockColumn, out->column_count + 1);
    for (size_t i = 0; i < out->column_count; i++)
        file.columns[i] = (BlockColumn){
            out->columns[i].name, out->columns[i].source_type, out->columns[i].logical};
    check_file(check, &file);
}

/* True once a table. */
static bool
is_new(Check *check, Text schema, Text table)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_addf(&name, TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(table));
    return map_put(&check->tables, buf_text(&name), check) == NULL;
}

static void
check_change(Check *check, Router *router, const Event *event)
{
    const Table *table = event->change.table;
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    const OutTable *out = NULL;
    Error err;

    if (!is_new(check, table->schema, table->name))
        return;
    buf_addf(&name, TEXT_FMT "." TEXT_FMT, TEXT_ARG(table->schema), TEXT_ARG(table->name));
    if (!router_table(router, table, TEXT_NONE, TEXT_NONE, &out, &err))
        add_error(check, name.data, &err);
    else if (out == NULL)
        add_ok(check, "skipped by rule: ", name.data);
    else
        check_out_table(check, out);
}

static void
peek(Check *check, Source *source)
{
    const RouterOptions options = {.look_only = true};
    Router *router = router_new(check->context, &options);
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

/* The newest retained blocks tell of tables that the source's next lines may not have. */
static void
check_blocks(Check *check)
{
    BlockList storage = {0};
    CLEANUP(block_list_free) BlockList *blocks = &storage;
    Error err;

    if (!block_list(check->context->config->block.directory, blocks, &err)) {
        add_error(check, "block.directory", &err);
        return;
    }
    for (size_t i = blocks->count, seen = 0; i > 0 && seen < PEEK_BLOCKS; i--) {
        const BlockEntry *entry = &blocks->entries[i - 1];
        CLEANUP(block_free) Block *block = entry->finished ? block_open(entry->path, &err) : NULL;

        if (!entry->finished)
            continue;
        seen++;
        if (block == NULL) {
            add_error(check, "block", &err);
            continue;
        }
        for (size_t j = 0; j < block->manifest.file_count; j++) {
            const BlockFile *file = &block->manifest.files[j];

            if (file->name.data != NULL && is_new(check, file->schema, file->table))
                check_file(check, file);
        }
    }
}

/* The base table of a rule that names its table; its partition too. */
static bool
check_rule(Check *check, const TableRule *rule, Buf *findings, Text *ret_name, Error *err)
{
    const TargetDriver *driver = check->context->target;
    size_t dot = text_find(rule->match, '.');
    const BlockFile file = {.schema = {rule->match.data, dot},
        .table = {rule->match.data + dot + 1, rule->match.len - dot - 1}};
    TargetTable *base = NULL;
    Text schema;

    rule_target(rule, file.schema, file.table, check->arena, &schema, ret_name);
    if (!driver->sql->has_schemas)
        schema = TEXT("");
    if (!driver->describe(check->target, schema, *ret_name, check->arena, &base, err))
        return false;
    if (base == NULL)
        return error_set(err, ERR_TARGET,
            "the target has no table " TEXT_FMT ": create it, or write skip: true in its rule",
            TEXT_ARG(*ret_name));
    return rule->partition == NULL ||
           partition_check(check->context, check->target, rule, &file, findings, err);
}

/* Rules that name a table without wildcards: their base tables must be there. */
static void
check_rules(Check *check)
{
    const TableRules *rules = &check->context->config->tables;

    for (size_t i = 0; i < rules->count; i++) {
        CLEANUP(buf_clear) Buf findings = BUF_INIT;
        const TableRule *rule = &rules->rules[i];
        const char *what = arena_printf(check->arena, "table " TEXT_FMT, TEXT_ARG(rule->match));
        Text name;
        Error err;

        if (rule->skip || text_find(rule->match, '.') == rule->match.len ||
            strpbrk(rule->match.data, "*?[\\") != NULL ||
            map_get(&check->tables, rule->match) != NULL)
            continue;
        if (!check_rule(check, rule, &findings, &name, &err)) {
            add_error(check, what, &err);
            continue;
        }
        buf_addf(check->report, "ok       %s to " TEXT_FMT "\n", what, TEXT_ARG(name));
        add_findings(check, buf_text(&findings));
    }
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
    Check check = {.context = context, .report = report, .arena = arena_new()};

    check_scripts(&check);
    check_directory(&check);
    check_target(&check);
    check_source(&check);
    if (check.target != NULL) {
        check_blocks(&check);
        check_rules(&check);
    }
    target_close(check.target);
    map_clear(&check.tables);
    map_clear(&check.bases);
    arena_free(check.arena);
    if (check.first.kind == ERR_NONE)
        return true;
    *err = check.first;
    return false;
}
