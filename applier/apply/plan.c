#include "apply/plan.h"

#include <stdlib.h>

#include "apply/deletes.h"
#include "apply/partition/partition.h"
#include "ddl/stage.h"
#include "event/rule.h"

#define TABLE_FMT    TEXT_FMT "." TEXT_FMT
#define TABLE_ARG(f) TEXT_ARG((f)->schema), TEXT_ARG((f)->table)

typedef struct Planner {
    const Context *context;
    Target *target;
    const Block *block;
    Arena *arena;
    Map bases;    /* "schema\0table" -> BaseUse */
    bool parents; /* plan_parents() */
    bool lacks_partition;
} Planner;

/* A base table in this block: described once, however many files it has. */
typedef struct BaseUse {
    const TargetTable *table;
    const BlockFile *file; /* the first one */
    bool shared;
    uint64_t files;
} BaseUse;

static bool
is_partition(const Planner *planner, const MergePlan *plan)
{
    return !planner->parents && plan->rule != NULL && plan->rule->partition != NULL;
}

static bool
base_missing(Planner *planner, const MergePlan *plan, Text schema, Text name, Error *err)
{
    const char *dot = schema.len > 0 ? "." : "";

    if (!is_partition(planner, plan))
        return error_set(err, ERR_TARGET,
            "table " TABLE_FMT ": the target has no table " TEXT_FMT "%s" TEXT_FMT
            ": create it, or write a rule with target: or skip: true",
            TABLE_ARG(plan->file), TEXT_ARG(schema), dot, TEXT_ARG(name));
    planner->lacks_partition = true;
    return error_set_retriable(err, ERR_TARGET,
        "table " TABLE_FMT ": its partition " TEXT_FMT "%s" TEXT_FMT " is gone",
        TABLE_ARG(plan->file), TEXT_ARG(schema), dot, TEXT_ARG(name));
}

/* NULL on failure. */
static BaseUse *
base_describe(Planner *planner, const MergePlan *plan, Text schema, Text name, Error *err)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    TargetTable *table = NULL;
    BaseUse *use;

    buf_add_text(&key, schema);
    buf_add_char(&key, '\0');
    buf_add_text(&key, name);
    use = map_get(&planner->bases, buf_text(&key));
    if (use != NULL)
        return use;
    if (!planner->context->target->describe(
            planner->target, schema, name, planner->arena, &table, err)) {
        (void)error_wrap(err, "table " TABLE_FMT, TABLE_ARG(plan->file));
        return NULL;
    }
    if (table == NULL) {
        (void)base_missing(planner, plan, schema, name, err);
        return NULL;
    }
    use = ARENA_NEW(planner->arena, BaseUse);
    use->table = table;
    use->file = plan->file;
    use->shared = plan->rule != NULL && plan->rule->shared;
    (void)map_put(&planner->bases, buf_text(&key), use);
    return use;
}

static bool
base_find(Planner *planner, MergePlan *plan, Error *err)
{
    const BlockFile *file = plan->file;
    BaseUse *use;
    Text schema;
    Text name;

    rule_target(plan->rule, file->schema, file->table, planner->arena, &schema, &name);
    plan->table = name;
    if (is_partition(planner, plan) &&
        !partition_target(plan->rule, planner->block, file, planner->arena, &schema, &name, err))
        return false;
    if (!planner->context->target->sql->has_schemas)
        schema = TEXT("");
    use = base_describe(planner, plan, schema, name, err);
    if (use == NULL)
        return false;
    plan->base = use->table;
    plan->ordinal = ++use->files;
    if ((!text_equal(use->file->schema, file->schema) ||
            !text_equal(use->file->table, file->table)) &&
        !(use->shared && plan->rule != NULL && plan->rule->shared))
        return error_set(err, ERR_CONFIG,
            "tables " TABLE_FMT " and " TABLE_FMT " both go to the target table " TEXT_FMT
            ": write a rule with another target: for one, or shared: true in the rules of both",
            TABLE_ARG(use->file), TABLE_ARG(file), TEXT_ARG(name));
    return true;
}

static bool
column_missing(Planner *planner, const MergePlan *plan, Text column, Error *err)
{
    bool partition = is_partition(planner, plan);

    planner->lacks_partition |= partition;
    return error_set(err, ERR_CONFIG,
        "table " TABLE_FMT ": column " TEXT_FMT " is not in the target table " TEXT_FMT
        "%s: add it %s, or write a rule with columns: {skip: [" TEXT_FMT "]}",
        TABLE_ARG(plan->file), TEXT_ARG(column), TEXT_ARG(plan->base->name),
        partition ? ", nor in that of which it is a partition" : "",
        partition ? "to both" : "there", TEXT_ARG(column));
}

static bool
match_columns(Planner *planner, MergePlan *plan, Error *err)
{
    const BlockFile *file = plan->file;

    plan->columns = ARENA_ARRAY(planner->arena, const TargetColumn *, file->column_count + 1);
    for (size_t i = 0; i < file->column_count; i++) {
        plan->columns[i] = target_table_column(
            plan->base, file->columns[i].name, planner->context->target->sql->fold_names);
        if (plan->columns[i] == NULL)
            return column_missing(planner, plan, file->columns[i].name, err);
    }
    return true;
}

/*
 * Only a script that keeps every line by itself may have a base table with the header columns: in a
 * merge they would be columns that only the target has, and meet the staging table's own.
 */
static bool
check_header(const Planner *planner, const MergePlan *plan, Error *err)
{
    const CsvDialect *dialect = &planner->block->manifest.dialect;
    const SqlDialect *sql = planner->context->target->sql;

    for (size_t i = 0; i < dialect->header_count; i++) {
        Text name = dialect->header_names[dialect->header[i]];
        bool in_file = false;

        for (size_t j = 0; j < plan->file->column_count; j++)
            in_file |= text_equal_nocase(plan->file->columns[j].name, name);
        if (in_file || (plan->script->needs_key &&
                           target_table_column(plan->base, name, sql->fold_names) != NULL))
            return error_set(err, ERR_CONFIG,
                "table " TABLE_FMT ": %s has a column " TEXT_FMT
                ", which is a header column of the staging tables: set stage.column_prefix",
                TABLE_ARG(plan->file), in_file ? "it" : "its target table", TEXT_ARG(name));
    }
    return true;
}

/* Lines that leave values out are never merged as if they were whole. */
static bool
check_unchanged(const Planner *planner, const MergePlan *plan, Error *err)
{
    const CsvDialect *dialect = &planner->block->manifest.dialect;
    Text name = dialect->header_names[HEADER_UNCHANGED];

    if (plan->file->unchanged_count == 0)
        return true;
    if (!plan->script->has_unchanged)
        return error_set(err, ERR_CONFIG,
            "table " TABLE_FMT ": updates have left values unchanged that the source does not "
            "repeat, and %s has no statement under \"-- @if unchanged\" to fill them in: take it "
            "over from the shipped scripts, or give the source table REPLICA IDENTITY FULL",
            TABLE_ARG(plan->file), plan->script->path);
    if (plan->script->fills_unchanged ||
        target_table_column(plan->base, name, planner->context->target->sql->fold_names) != NULL)
        return true;
    return error_set(err, ERR_CONFIG,
        "table " TABLE_FMT ": updates have left values unchanged that the source does not repeat, "
        "and %s keeps such lines with NULL in their place: the target table " TEXT_FMT
        " needs a column " TEXT_FMT " (of type %s, nullable) that says so: add it",
        TABLE_ARG(plan->file), plan->script->path, TEXT_ARG(plan->base->name), TEXT_ARG(name),
        planner->context->target->sql->types.unchanged);
}

static bool
find_key(MergePlan *plan, Error *err)
{
    plan->key = plan->file->key;
    plan->key_count = plan->file->key_count;
    /* a truncate without any line has no columns, and merges nothing */
    if (plan->key_count > 0 || plan->file->name.data == NULL || !plan->script->needs_key)
        return true;
    return error_set(err, ERR_CONFIG,
        "table " TABLE_FMT " has no key, which %s needs: write a rule with key: [column, …], or "
        "with merge_script: append.sql",
        TABLE_ARG(plan->file), plan->script->path);
}

/* In a schema for staging tables alone, tables of several schemas meet: their schema goes in front.
 */
static void
name_stage(const Planner *planner, MergePlan *plan)
{
    const StageConfig *stage = &planner->context->config->stage;
    bool apart = stage->schema[0] != '\0' && plan->base->schema.len > 0;
    /* only parallel loads fill several staging tables of one base table at the same time */
    uint64_t ordinal = plan->script->has_load ? plan->ordinal : 1;
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    if (apart)
        buf_addf(&name, TEXT_FMT "_", TEXT_ARG(plan->base->schema));
    /* all partitions of a table, which come one after the other, have one */
    buf_add_text(&name, planner->parents || plan->rule == NULL || plan->rule->partition == NULL
                            ? plan->base->name
                            : plan->table);
    plan->stage_schema = apart ? text_of(stage->schema) : plan->base->schema;
    plan->stage_name = stage_table_name(planner->context->target->sql, text_of(stage->table_prefix),
        buf_text(&name), ordinal, planner->arena);
}

/* Two base tables never share a staging table: a.b_c and a_b.c could. */
static bool
check_stages(const BlockPlan *plan, Error *err)
{
    Map stages = MAP_INIT;
    bool ok = true;

    for (size_t i = 0; ok && i < plan->count; i++) {
        MergePlan *one = &plan->plans[i];
        CLEANUP(buf_clear) Buf key = BUF_INIT;
        const MergePlan *other;

        if (one->script == NULL)
            continue;
        buf_addf(
            &key, TEXT_FMT "." TEXT_FMT, TEXT_ARG(one->stage_schema), TEXT_ARG(one->stage_name));
        other = map_get(&stages, buf_text(&key));
        if (other == NULL)
            (void)map_put(&stages, buf_text(&key), one);
        else if (other->base != one->base && text_equal(other->table, one->table))
            ok = error_set(err, ERR_CONFIG,
                "tables " TABLE_FMT " and " TABLE_FMT
                " go to one target table, but one to " TEXT_FMT " and the other to " TEXT_FMT
                ": write the same partition: in the rules of both",
                TABLE_ARG(other->file), TABLE_ARG(one->file), TEXT_ARG(other->base->name),
                TEXT_ARG(one->base->name));
        else if (other->base != one->base)
            ok = error_set(err, ERR_CONFIG,
                "tables " TABLE_FMT " and " TABLE_FMT
                " would have one staging table, %s: leave stage.schema empty",
                TABLE_ARG(other->file), TABLE_ARG(one->file), key.data);
    }
    map_clear(&stages);
    return ok;
}

static bool
plan_file(Planner *planner, const BlockFile *file, MergePlan *plan, Error *err)
{
    const Context *context = planner->context;

    *plan = (MergePlan){.file = file,
        .dialect = &planner->block->manifest.dialect,
        .rule = rule_find(&context->config->tables, file->schema, file->table)};
    if (plan->rule != NULL && plan->rule->skip)
        return true;
    plan->script = context_script(context, plan->rule);
    if (!base_find(planner, plan, err) || !match_columns(planner, plan, err) ||
        !check_header(planner, plan, err) || !check_unchanged(planner, plan, err) ||
        !find_key(plan, err) || !deletes_check(context, planner->block, plan, err))
        return false;
    name_stage(planner, plan);
    return true;
}

static bool
plan_files(Planner *planner, BlockPlan *ret_plan, Error *err)
{
    const Manifest *manifest = &planner->block->manifest;
    bool ok = true;

    ret_plan->count = manifest->file_count;
    ret_plan->plans = ARENA_ARRAY(planner->arena, MergePlan, manifest->file_count + 1);
    for (size_t i = 0; ok && i < manifest->file_count; i++)
        ok = plan_file(planner, &manifest->files[i], &ret_plan->plans[i], err);
    ret_plan->lacks_partition = planner->lacks_partition;
    map_clear(&planner->bases);
    return ok && check_stages(ret_plan, err);
}

bool
plan_block(const Context *context, Target *target, const Block *block, Arena *arena,
    BlockPlan *ret_plan, Error *err)
{
    Planner planner = {context, target, block, arena, MAP_INIT, false, false};

    return plan_files(&planner, ret_plan, err);
}

bool
plan_parents(const Context *context, Target *target, const Block *block, Arena *arena,
    BlockPlan *ret_plan, Error *err)
{
    Planner planner = {context, target, block, arena, MAP_INIT, true, false};

    return plan_files(&planner, ret_plan, err);
}

bool
plan_again(BlockPlan *plan, Error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        MergePlan *one = &plan->plans[i];

        one->again = true;
        if (one->script != NULL && one->script->fills_unchanged && one->file->moved_origins > 0)
            return error_set(err, ERR_DATA,
                "table " TABLE_FMT ": in the block an update changes a key and leaves other values "
                "out, which are only in the target: once the target holds the block it can no "
                "longer be told which row has them: load the table anew with dray bootstrap, or "
                "replay from before the block into a target without it",
                TABLE_ARG(one->file));
    }
    return true;
}

bool
plan_is_compact(const Block *block, const MergePlan *plan)
{
    /* the writer has the lines of the whole file that a later line of the key replaces */
    return plan->file->name.data != NULL && plan->script->streams && !plan->script->all_lines &&
           block->superseded != NULL &&
           block->superseded[plan->file - block->manifest.files].bit_count > 0;
}

MergeTable
plan_merge_table(const Context *context, const Block *block, const MergePlan *plan)
{
    return (MergeTable){.dialect = context->target->sql,
        .block = block,
        .service = context->config->service,
        .block_path = block->path,
        .file = plan->file,
        .base = plan->base,
        .stage_schema = plan->stage_schema,
        .stage_name = plan->stage_name,
        .columns = plan->columns,
        .key = plan->key,
        .key_count = plan->key_count,
        .stage_is_compact = plan_is_compact(block, plan),
        .again = plan->again,
        .keeps_deletes = plan->rule != NULL && plan->rule->deletes == DELETES_KEEP,
        .is_partition = plan->rule != NULL && plan->rule->partition != NULL};
}

typedef struct StageCacheEntry {
    Arena *arena;
    TargetTable *base;
    uint64_t rows; /* loaded since it was emptied; UINT64_MAX: not known */
} StageCacheEntry;

void
stage_cache_clear(StageCache *cache)
{
    map_each (&cache->fitting, entry) {
        arena_free(((StageCacheEntry *)entry->value)->arena);
        free(entry->value);
    }
    map_clear(&cache->fitting);
}

static TargetTable *
table_copy(const TargetTable *table, Arena *arena)
{
    TargetTable *copy = ARENA_NEW(arena, TargetTable);

    *copy = *table;
    copy->schema = arena_text(arena, table->schema);
    copy->name = arena_text(arena, table->name);
    copy->columns = ARENA_ARRAY(arena, TargetColumn, table->column_count + 1);
    copy->key = ARENA_ARRAY(arena, size_t, table->key_count + 1);
    if (table->key_count > 0)
        memcpy(copy->key, table->key, table->key_count * sizeof(*copy->key));
    for (size_t i = 0; i < table->column_count; i++) {
        copy->columns[i] = table->columns[i];
        copy->columns[i].name = arena_text(arena, table->columns[i].name);
        copy->columns[i].type = arena_text(arena, table->columns[i].type);
    }
    return copy;
}

static void
cache_put(StageCache *cache, Text key, const TargetTable *base)
{
    StageCacheEntry *entry = map_get(&cache->fitting, key);

    if (entry == NULL) {
        entry = calloc(1, sizeof(*entry));
        if (entry == NULL)
            abort();
        (void)map_put(&cache->fitting, key, entry);
    }
    arena_free(entry->arena);
    entry->arena = arena_new();
    entry->base = table_copy(base, entry->arena);
    entry->rows = UINT64_MAX;
}

static void
cache_key(const MergePlan *plan, Buf *key)
{
    buf_add_text(key, plan->stage_schema);
    buf_add_char(key, '\0');
    buf_add_text(key, plan->stage_name);
    /* a replayed block may have one header column more */
    buf_addf(key, "%c%zu", '\0', plan->dialect->header_count);
}

bool
plan_stage(const Context *context, Target *target, const BlockPlan *plan, StageCache *cache,
    bool *ret_cached, Error *err)
{
    *ret_cached = false;
    for (size_t i = 0; i < plan->count; i++) {
        const MergePlan *one = &plan->plans[i];
        StageSpec spec = {one->base, one->stage_schema, one->stage_name, one->dialect};
        CLEANUP(buf_clear) Buf key = BUF_INIT;
        const StageCacheEntry *known;

        if (one->script == NULL || one->file->name.data == NULL)
            continue;
        cache_key(one, &key);
        known = map_get(&cache->fitting, buf_text(&key));
        if (known != NULL && target_table_equal(known->base, one->base)) {
            *ret_cached = true;
            continue;
        }
        if (!stage_prepare(target, &spec, context->stage_template,
                context->config->target.create_tables != CREATE_NONE, err))
            return error_wrap(err, "table " TABLE_FMT, TABLE_ARG(one->file));
        cache_put(cache, buf_text(&key), one->base);
    }
    return true;
}

/* NULL where the plan loads nothing. */
static StageCacheEntry *
stage_of(const StageCache *cache, const MergePlan *plan)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;

    if (plan->script == NULL || plan->file->name.data == NULL)
        return NULL;
    cache_key(plan, &key);
    return map_get(&cache->fitting, buf_text(&key));
}

/* Without the right to it, or the table, DELETE does it, or says what is wrong. */
static bool
empty_stage(const Context *context, Target *target, const MergePlan *plan, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    buf_add_string(&sql, context->target->sql->empty_table);
    sql_add_table(context->target->sql, plan->stage_schema, plan->stage_name, &sql);
    return context->target->execute(target, buf_text(&sql), NULL, &rows, err) || !err->retriable;
}

bool
plan_empty_stages(
    const Context *context, Target *target, const BlockPlan *plan, StageCache *cache, Error *err)
{
    if (context->target->sql->empty_table == NULL)
        return true;
    for (size_t i = 0; i < plan->count; i++) {
        StageCacheEntry *stage = stage_of(cache, &plan->plans[i]);

        if (stage == NULL || stage->rows <= STAGE_ROWS)
            continue;
        if (!empty_stage(context, target, &plan->plans[i], err))
            return error_wrap(err, "table " TABLE_FMT, TABLE_ARG(plan->plans[i].file));
        stage->rows = 0;
    }
    for (size_t i = 0; i < plan->count; i++) {
        StageCacheEntry *stage = stage_of(cache, &plan->plans[i]);

        if (stage != NULL)
            stage->rows += plan->plans[i].file->row_count;
    }
    return true;
}
