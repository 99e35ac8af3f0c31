#include "apply/replay/tungsten.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/file.h"
#include "block/block_convert.h"
#include "block/tungsten.h"
#include "ddl/stage.h"
#include "event/rule.h"

#define TUNGSTEN_TYPE   "tungsten"
#define TUNGSTEN_PREFIX "tungsten_"

bool
replay_is_tungsten(const Block *block)
{
    return text_is(block->manifest.target_type, TUNGSTEN_TYPE);
}

/* Tables that a rule names without wildcards part an ambiguous file name. */
static size_t
known_tables(const TableRules *rules, Arena *arena, TungstenTable **ret_known)
{
    size_t count = 0;

    *ret_known = ARENA_ARRAY(arena, TungstenTable, rules->count + 1);
    for (size_t i = 0; i < rules->count; i++) {
        Text match = rules->rules[i].match;
        size_t dot = text_find(match, '.');

        if (dot == match.len || strpbrk(match.data, "*?[") != NULL)
            continue;
        (*ret_known)[count++] =
            (TungstenTable){{match.data, dot}, {match.data + dot + 1, match.len - dot - 1}};
    }
    return count;
}

/* The files from *at on that have the same first seqno. */
static Block *
list_block(const char *directory, const TungstenFile *files, size_t count, size_t *at)
{
    Block *block = calloc(1, sizeof(*block));
    Manifest *manifest;
    size_t start = *at;

    if (block == NULL)
        abort();
    block->arena = arena_new();
    block->path = text_dup(text_of(directory));
    manifest = &block->manifest;
    manifest->target_type = TEXT(TUNGSTEN_TYPE);
    manifest->first_seqno = files[start].first_seqno;
    while (*at < count && files[*at].first_seqno == manifest->first_seqno)
        (*at)++;
    manifest->last_seqno = manifest->first_seqno;
    manifest->first_commit_us = manifest->last_commit_us = TIME_UNKNOWN;
    manifest->file_count = *at - start;
    manifest->files = ARENA_ARRAY(block->arena, BlockFile, manifest->file_count);
    for (size_t i = start; i < *at; i++)
        manifest->files[i - start] = (BlockFile){.name = arena_text(block->arena, files[i].name),
            .schema = arena_text(block->arena, files[i].schema),
            .table = arena_text(block->arena, files[i].table),
            .generation = 1};
    return block;
}

bool
replay_tungsten_list(const Context *context, const char *directory, ReplayList *list, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    TungstenTable *known;
    size_t known_count = known_tables(&context->config->tables, arena, &known);
    TungstenFile *files = NULL;
    size_t count = 0;

    if (!tungsten_is_directory(directory))
        return error_set(err, ERR_DATA,
            "replay %s: neither a block, nor a directory of blocks, nor CSV files of Tungsten's",
            directory);
    if (!tungsten_list(directory, known, known_count, arena, &files, &count, err))
        return false;
    for (size_t at = 0; at < count;)
        replay_list_add(list, list_block(directory, files, count, &at));
    return true;
}

typedef struct TungstenPlan {
    const Context *context;
    Target *target;
    const CsvDialect *dialect;
    Arena *arena;
} TungstenPlan;

/* Where plan_block() looks for it. */
static Text
stage_name(const TungstenPlan *plan, const TargetTable *base, Text *ret_schema)
{
    const StageConfig *stage = &plan->context->config->stage;
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    *ret_schema = base->schema;
    if (stage->schema[0] != '\0' && base->schema.len > 0) {
        *ret_schema = text_of(stage->schema);
        buf_addf(&name, TEXT_FMT "_", TEXT_ARG(base->schema));
    }
    buf_add_text(&name, base->name);
    return stage_table_name(
        plan->context->target->sql, text_of(stage->table_prefix), buf_text(&name), 1, plan->arena);
}

/* Ours as the configuration names them, or Tungsten's own. */
static bool
is_header(const CsvDialect *ours, Text name)
{
    Text start = {name.data, MIN(name.len, strlen(TUNGSTEN_PREFIX))};

    for (size_t i = 0; i < ours->header_count; i++)
        if (text_equal_nocase(ours->header_names[ours->header[i]], name))
            return true;
    return text_equal_nocase(start, TEXT(TUNGSTEN_PREFIX));
}

/* The columns behind the header columns of the staging table, else those of the base table. */
static bool
find_columns(const TungstenPlan *plan, const TargetTable *base, ConvertFile *file, Error *err)
{
    Text schema;
    Text name = stage_name(plan, base, &schema);
    TargetTable *stage = NULL;
    const TargetTable *from;
    size_t skip = 0;

    if (!plan->context->target->describe(plan->target, schema, name, plan->arena, &stage, err))
        return false;
    from = stage == NULL ? base : stage;
    while (stage != NULL && skip < stage->column_count &&
           is_header(&plan->context->dialect, stage->columns[skip].name))
        skip++;
    file->table.column_count = from->column_count - skip;
    file->table.columns = ARENA_ARRAY(plan->arena, BlockColumn, file->table.column_count + 1);
    for (size_t i = skip; i < from->column_count; i++)
        file->table.columns[i - skip] =
            (BlockColumn){from->columns[i].name, TEXT(""), from->columns[i].logical};
    return true;
}

static bool
find_key(const TungstenPlan *plan, const TableRule *rule, const TargetTable *base,
    ConvertFile *file, Error *err)
{
    size_t count = rule != NULL && rule->key_count > 0 ? rule->key_count : base->key_count;

    file->table.key = ARENA_ARRAY(plan->arena, size_t, count + 1);
    for (size_t i = 0; i < count; i++) {
        Text name =
            rule != NULL && rule->key_count > 0 ? rule->key[i] : base->columns[base->key[i]].name;
        size_t at = 0;

        while (at < file->table.column_count && !text_equal(file->table.columns[at].name, name))
            at++;
        if (at == file->table.column_count)
            return error_set(err, ERR_CONFIG,
                "%s: key column " TEXT_FMT " is not among the columns", file->path, TEXT_ARG(name));
        file->table.key[file->table.key_count++] = at;
    }
    return true;
}

static bool
plan_file(const TungstenPlan *plan, const Block *block, const BlockFile *listed, ConvertFile *file,
    Error *err)
{
    const Context *context = plan->context;
    const TableRule *rule = rule_find(&context->config->tables, listed->schema, listed->table);
    TargetTable *base = NULL;
    Text schema;
    Text name;

    *file = (ConvertFile){.table = *listed,
        .path = arena_printf(plan->arena, "%s/" TEXT_FMT, block->path, TEXT_ARG(listed->name))};
    rule_target(rule, listed->schema, listed->table, plan->arena, &schema, &name);
    if (!context->target->describe(plan->target, schema, name, plan->arena, &base, err))
        return false;
    if (base == NULL)
        return error_set(
            err, ERR_TARGET, "%s: the target has no table " TEXT_FMT, file->path, TEXT_ARG(name));
    return find_columns(plan, base, file, err) && find_key(plan, rule, base, file, err);
}

static bool
find_dialect(const char *csv_type, CsvDialect *ret_dialect, Error *err)
{
    TungstenCsv csv;

    if (!tungsten_csv_parse(text_of(csv_type), &csv))
        return error_set(err, ERR_USAGE,
            "--csv-type %s: one of default, mysql, oracle, vertica, redshift is expected",
            csv_type);
    *ret_dialect = tungsten_dialect(csv);
    return true;
}

Block *
replay_tungsten_convert(const Context *context, const Block *block, const char *csv_type,
    const char *parent_directory, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(target_close) Target *target = NULL;
    const Manifest *manifest = &block->manifest;
    CsvDialect dialect;
    ConvertFile *files = ARENA_ARRAY(arena, ConvertFile, manifest->file_count + 1);
    ConvertRequest request = {.manifest = *manifest,
        .files = files,
        .counts_seqnos = true,
        .directory = parent_directory,
        .to = &context->dialect,
        .target_type = context->target->name,
        .values = &context->config->values};

    if (!find_dialect(csv_type, &dialect, err))
        return NULL;
    target = context->target->open(context->config->target_options, err);
    if (target == NULL)
        return NULL;
    for (size_t i = 0; i < manifest->file_count; i++) {
        TungstenPlan plan = {context, target, &dialect, arena};
        const TableRule *rule = rule_find(
            &context->config->tables, manifest->files[i].schema, manifest->files[i].table);

        if (rule != NULL && rule->skip)
            continue;
        if (!plan_file(&plan, block, &manifest->files[i], &files[request.file_count], err))
            return NULL;
        request.file_count++;
    }
    request.manifest.dialect = dialect;
    request.manifest.service = text_of(context->config->service);
    request.manifest.position_before = TEXT("");
    request.manifest.position_after =
        text_of(arena_printf(arena, TUNGSTEN_TYPE ":%" PRIu64, manifest->last_seqno));
    return block_convert(&request, err);
}
