#include "apply/verify/plan.h"

#include <inttypes.h>
#include <stdlib.h>

/* More slices would need more memory than they save work. */
#define SLICES_MAX 65536

typedef struct Planner {
    const Context *context;
    const VerifyOptions *options;
    VerifyPair *pair;
    Arena *arena;
    BootstrapState *states;
    size_t state_count;
} Planner;

bool
verify_names_table(const char *globs, Text schema, Text name)
{
    CLEANUP(buf_clear) Buf table = BUF_INIT;
    Text rest = text_of(globs == NULL ? "" : globs);
    bool any = false;
    bool named = false;

    if (schema.len > 0)
        buf_addf(&table, TEXT_FMT ".", TEXT_ARG(schema));
    buf_add_text(&table, name);
    while (rest.len > 0) {
        size_t len = text_find(rest, ',');
        Text glob = text_trim((Text){rest.data, len});
        bool leaves_out = text_starts_with(glob, "!");
        char *pattern = text_dup(leaves_out ? (Text){glob.data + 1, glob.len - 1} : glob);
        bool fits = text_glob(buf_text(&table), pattern);

        free(pattern);
        if (leaves_out && fits)
            return false;
        any = any || !leaves_out;
        named = named || (!leaves_out && fits);
        len += len < rest.len;
        rest = (Text){rest.data + len, rest.len - len};
    }
    return named || !any;
}

static void
not_compared(VerifyPlan *plan, const char *reason)
{
    plan->result->result = VERIFY_NOT_COMPARED;
    plan->result->reason = text_of(reason);
}

/* ---- shapes ---- */

static void
make_shape(Planner *planner, VerifyPlan *plan)
{
    const SourceTable *source = plan->source;
    Column *columns = ARENA_ARRAY(planner->arena, Column, source->column_count + 1);
    size_t count = 0;

    for (size_t i = 0; i < source->column_count; i++) {
        const SourceColumn *column = &source->columns[i];
        bool in_key = false;

        if (column->is_generated)
            continue;
        for (size_t j = 0; j < source->key_count; j++)
            in_key = in_key || source->key[j] == i;
        columns[count++] =
            (Column){column->name, column->type, column->logical, in_key, column->may_omit};
    }
    plan->shape = (Table){.id = source_next_table_id(),
        .schema = source->schema,
        .name = source->name,
        .columns = columns,
        .column_count = count,
        .has_key = source->key_count > 0};
}

static const SourceColumn *
source_column(const VerifyPlan *plan, const OutColumn *column)
{
    return source_table_column(plan->source, plan->shape.columns[column->source_index].name);
}

/* The place of a source key's column in the target's key; key_count where it has none. */
static size_t
key_place(const VerifyPlan *plan, Text name)
{
    const OutTable *out = plan->out;
    size_t at = 0;

    while (at < out->key_count &&
           !text_equal(plan->shape.columns[out->columns[out->key[at]].source_index].name, name))
        at++;
    return at;
}

/* Rows are read from the snapshot by the source's key, and written by the target's. */
static void
judge_repair(Planner *planner, VerifyPlan *plan)
{
    const SourceTable *source = plan->source;
    bool same = plan->out->key_count == source->key_count;

    if (plan->out->key_count == 0) {
        plan->unrepairable = TEXT("without a key it cannot be repaired: bootstrap it again");
        return;
    }
    plan->source_key = ARENA_ARRAY(planner->arena, size_t, source->key_count + 1);
    for (size_t i = 0; same && i < source->key_count; i++) {
        plan->source_key[i] = key_place(plan, source->columns[source->key[i]].name);
        same = plan->source_key[i] < plan->out->key_count;
    }
    if (!same)
        plan->unrepairable = TEXT("it cannot be repaired, since its key in the target is another "
                                  "one than in the source: bootstrap it again");
}

/* ---- columns ---- */

static const char *
show_source(Planner *planner, VerifyPlan *plan, const SourceColumn *column, Canonical canonical)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    planner->context->source->snapshot->canonical(column, canonical, &sql);
    (void)plan;
    return arena_string(planner->arena, buf_string(&sql));
}

/* A key's canonical value at the source: what SnapshotChunk.keys takes. */
static const char *
source_value(Planner *planner, VerifyPlan *plan, const SourceColumn *column)
{
    CanonicalForm form = CANONICAL_TEXT;

    if (column->logical == LOGICAL_BOOL)
        form = CANONICAL_BOOL;
    else if (column->logical == LOGICAL_BYTES)
        form = CANONICAL_BYTES;
    else if (column->logical == LOGICAL_BIT)
        form = CANONICAL_BIT;
    return show_source(planner, plan, column, (Canonical){form, 0});
}

static void
add_column(Planner *planner, VerifyPlan *plan, const OutColumn *out, const TargetColumn *target,
    bool in_key)
{
    const Context *context = planner->context;
    const SourceColumn *source = source_column(plan, out);
    const ChecksumFamily *family = checksum_family(context->target->sql);
    Canonical canonical = checksum_form(source->type_name, source->logical, target,
        &context->target->notation, &context->config->values);
    ChecksumColumn *columns[2];
    CLEANUP(buf_clear) Buf shown = BUF_INIT;
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    size_t at = plan->sides[SIDE_SOURCE].column_count;

    for (size_t i = 0; i < 2; i++)
        columns[i] = (ChecksumColumn *)(uintptr_t)plan->sides[i].columns + at;
    family->canonical(target, canonical, &shown);
    family->key_value(target, source->logical, &value);
    *columns[SIDE_SOURCE] = (ChecksumColumn){.shown = show_source(planner, plan, source, canonical),
        .value = in_key ? source_value(planner, plan, source) : NULL,
        .is_free = checksum_is_free(canonical.form, target)};
    *columns[SIDE_TARGET] =
        (ChecksumColumn){.shown = arena_string(planner->arena, buf_string(&shown)),
            .value = in_key ? arena_string(planner->arena, buf_string(&value)) : NULL,
            .is_free = columns[SIDE_SOURCE]->is_free};
    plan->names[at] = out->name;
    for (size_t i = 0; i < 2; i++)
        plan->sides[i].column_count++;
}

/* "columns a, b are missing in the target" */
static void
name_missing(Planner *planner, VerifyPlan *plan, const Buf *missing, size_t count)
{
    plan->result->result = VERIFY_DIFFERENT;
    plan->result->reason = text_of(arena_printf(planner->arena, "the target has no column%s %s",
        count == 1 ? "" : "s", buf_string(missing)));
}

static SchemaPolicy
schema_policy(const Planner *planner, const VerifyPlan *plan)
{
    const TableRule *rule = plan->out->rule;
    int policy = rule == NULL ? (int)SCHEMA_INHERIT : rule->schema_changes;

    return (SchemaPolicy)(policy == SCHEMA_INHERIT ? planner->context->config->target.schema_changes
                                                   : policy);
}

static bool
add_columns(Planner *planner, VerifyPlan *plan)
{
    const OutTable *out = plan->out;
    bool fold = planner->context->target->sql->fold_names;
    size_t *key = ARENA_ARRAY(planner->arena, size_t, out->key_count + 1);
    CLEANUP(buf_clear) Buf missing = BUF_INIT;
    size_t missing_count = 0;
    bool has_key = true;

    plan->names = ARENA_ARRAY(planner->arena, Text, out->column_count + 1);
    for (size_t i = 0; i < 2; i++)
        plan->sides[i].columns = ARENA_ARRAY(planner->arena, ChecksumColumn, out->column_count + 1);
    for (size_t i = 0; i < out->column_count; i++) {
        const TargetColumn *target = target_table_column(plan->target, out->columns[i].name, fold);

        bool in_key = false;

        for (size_t j = 0; j < out->key_count; j++) {
            if (out->key[j] != i)
                continue;
            key[j] = plan->sides[SIDE_SOURCE].column_count;
            in_key = true;
        }
        if (target != NULL) {
            add_column(planner, plan, &out->columns[i], target, in_key);
            continue;
        }
        has_key = has_key && !in_key;
        buf_addf(&missing, "%s" TEXT_FMT, missing_count++ == 0 ? "" : ", ",
            TEXT_ARG(out->columns[i].name));
    }
    for (size_t i = 0; i < 2; i++) {
        plan->sides[i].key = key;
        plan->sides[i].key_count = has_key ? out->key_count : 0;
    }
    plan->result->has_key = plan->sides[SIDE_SOURCE].key_count > 0;
    if (missing_count > 0 && schema_policy(planner, plan) != SCHEMA_IGNORE)
        name_missing(planner, plan, &missing, missing_count);
    return plan->sides[SIDE_SOURCE].column_count > 0;
}

/* ---- sides ---- */

static void
set_from(Planner *planner, VerifyPlan *plan)
{
    const Context *context = planner->context;
    const SqlDialect *dialects[] = {
        target_find(source_type_names(context->source))->sql, context->target->sql};
    const Text schemas[] = {plan->source->schema, plan->target->schema};
    const Text names[] = {plan->source->name, plan->target->name};
    const Script *script = context_script(context, plan->out->rule);
    int64_t slice_rows = MAX(context->config->verify.slice_rows, INT64_C(1));
    int64_t slices =
        MIN(MAX(plan->source->row_estimate, INT64_C(0)) / slice_rows + 1, (int64_t)SLICES_MAX);

    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_clear) Buf from = BUF_INIT;
        ChecksumTable *side = &plan->sides[i];

        side->family = checksum_family(dialects[i]);
        if (i == SIDE_SOURCE && side->family->only != NULL && !plan->source->is_partitioned)
            buf_add_string(&from, side->family->only);
        sql_add_table(dialects[i], schemas[i], names[i], &from);
        buf_add_string(&from, " AS base");
        side->from = arena_string(planner->arena, buf_string(&from));
        side->slices = (uint64_t)slices;
    }
    if (plan->source->filter.data != NULL)
        plan->sides[SIDE_SOURCE].where = arena_text(planner->arena, plan->source->filter).data;
    if (script->live.data != NULL)
        plan->sides[SIDE_TARGET].where = arena_text(planner->arena, script->live).data;
}

/* ---- one table ---- */

static bool
find_target(Planner *planner, VerifyPlan *plan, const TableRule *rule, Error *err)
{
    Target *target = planner->pair->target;
    TargetTable *table = NULL;
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    Text schema, base;

    rule_target(rule, plan->source->schema, plan->source->name, planner->arena, &schema, &base);
    if (planner->context->target->sql->has_schemas && schema.len > 0)
        buf_addf(&name, TEXT_FMT ".", TEXT_ARG(schema));
    buf_add_text(&name, base);
    plan->result->target = arena_text(planner->arena, buf_text(&name));
    if (!target->driver->describe(target, schema, base, planner->arena, &table, err))
        return error_wrap(err, "table " TEXT_FMT, TEXT_ARG(plan->result->target));
    plan->target = table;
    return true;
}

static bool
is_copying(const Planner *planner, const SourceTable *source)
{
    for (size_t i = 0; i < planner->state_count; i++)
        if (planner->states[i].phase == BOOTSTRAP_COPYING &&
            text_equal(planner->states[i].schema, source->schema) &&
            text_equal(planner->states[i].table, source->name))
            return true;
    return false;
}

/* NULL, or why the table cannot be compared. */
static const char *
obstacle(Planner *planner, const VerifyPlan *plan, const TableRule *rule)
{
    const Script *script = context_script(planner->context, rule);

    if (is_copying(planner, plan->source))
        return "its bootstrap is not finished: run dray bootstrap";
    if (rule != NULL && rule->partition != NULL)
        return arena_printf(planner->arena,
            "its rule has partition:, so that its rows are spread over tables by the time of their "
            "changes: leave the table out with --table '!" TEXT_FMT "'",
            TEXT_ARG(plan->result->source));
    if (plan->target == NULL)
        return "the target has no such table";
    if (script->all_lines && script->live.data == NULL)
        return arena_printf(planner->arena,
            "%s keeps every change, so that the rows of the source are not told apart: leave the "
            "table out with --table '!" TEXT_FMT "'",
            script->path, TEXT_ARG(plan->result->source));
    if (rule != NULL && rule->shared)
        return "several source tables meet in its target table";
    return NULL;
}

static bool
plan_table(Planner *planner, VerifyPlan *plan, const TableRule *rule, Error *err)
{
    Text *key;
    const char *reason;

    if (!find_target(planner, plan, rule, err))
        return false;
    reason = obstacle(planner, plan, rule);
    if (reason != NULL) {
        not_compared(plan, reason);
        return true;
    }
    make_shape(planner, plan);
    key = ARENA_ARRAY(planner->arena, Text, plan->target->key_count + 1);
    for (size_t i = 0; i < plan->target->key_count; i++)
        key[i] = plan->target->columns[plan->target->key[i]].name;
    plan->out = rule_apply(rule, &plan->shape, key, plan->target->key_count, planner->arena, err);
    if (plan->out == NULL)
        return false;
    judge_repair(planner, plan);
    if (!add_columns(planner, plan))
        not_compared(plan, "source and target have no column in common");
    set_from(planner, plan);
    return true;
}

static bool
begin_plan(
    Planner *planner, const SourceTable *listed, VerifyPlan *plan, VerifyTable *result, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    if (listed->schema.len > 0)
        buf_addf(&name, TEXT_FMT ".", TEXT_ARG(listed->schema));
    buf_add_text(&name, listed->name);
    plan->result = result;
    result->source = arena_text(planner->arena, buf_text(&name));
    result->target = result->source;
    if (!planner->context->source->snapshot->describe(planner->pair->reader, listed->schema,
            listed->name, planner->arena, &plan->source, err)) {
        /* what one table has wrong need not keep the others from being compared */
        if (err->retriable || err->kind != ERR_SOURCE)
            return false;
        plan->source = NULL;
        not_compared(plan, arena_string(planner->arena, err->text));
        return true;
    }
    if (plan->source == NULL)
        not_compared(plan, "it was made after the snapshot was taken");
    return true;
}

/* ---- all tables ---- */

static bool
list_tables(Planner *planner, SourceTable ***ret_tables, size_t *ret_count, Error *err)
{
    const Context *context = planner->context;
    CLEANUP(source_tables_close) SourceTables *tables = NULL;
    SourceStart start = {.service = context->config->service,
        .options = context->config->source_options,
        .position = TEXT(""),
        .until_end = true};

    tables = context->source->tables_open(&start, err);
    if (tables == NULL || !tables->driver->list(tables, planner->arena, ret_tables, ret_count, err))
        return false;
    return bootstrap_state_read(planner->pair->target,
        text_of(context->config->target.position_schema), text_of(context->config->service),
        planner->arena, &planner->states, &planner->state_count, err);
}

static bool
is_wanted(const Planner *planner, const SourceTable *table)
{
    const TableRule *rule =
        rule_find(&planner->context->config->tables, table->schema, table->name);

    return (rule == NULL || !rule->skip) &&
           verify_names_table(planner->options->tables, table->schema, table->name);
}

bool
verify_plan(const Context *context, const VerifyOptions *options, VerifyPair *pair,
    VerifyReport *report, VerifyPlan **ret_plans, Error *err)
{
    Planner planner = {context, options, pair, report->arena, NULL, 0};
    SourceTable **tables;
    VerifyPlan *plans;
    size_t count;

    if (!list_tables(&planner, &tables, &count, err))
        return false;
    plans = ARENA_ARRAY(report->arena, VerifyPlan, count + 1);
    report->tables = ARENA_ARRAY(report->arena, VerifyTable, count + 1);
    for (size_t i = 0; i < count; i++) {
        VerifyPlan *plan = &plans[report->table_count];
        VerifyTable *result = &report->tables[report->table_count];

        if (!is_wanted(&planner, tables[i]))
            continue;
        if (!begin_plan(&planner, tables[i], plan, result, err) ||
            (plan->source != NULL &&
                !plan_table(&planner, plan,
                    rule_find(&context->config->tables, tables[i]->schema, tables[i]->name), err)))
            return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(tables[i]->schema),
                TEXT_ARG(tables[i]->name));
        report->table_count++;
    }
    *ret_plans = plans;
    if (report->table_count == 0)
        return error_set(err, ERR_USAGE, "no table of the source %s%s",
            options->tables == NULL ? "is carried by this service" : "fits --table ",
            options->tables == NULL ? "" : options->tables);
    return true;
}
