#include "apply/partition/partition.h"

#include <stdlib.h>

#include "apply/partition/make.h"
#include "apply/partition/retain.h"
#include "apply/partition/template.h"
#include "base/clock.h"
#include "base/fault.h"
#include "event/rule.h"

#define TABLE_FMT    TEXT_FMT "." TEXT_FMT
#define TABLE_ARG(f) TEXT_ARG((f)->schema), TEXT_ARG((f)->table)

#define DEFAULT_TEMPLATE "partition.sql"
#define RETIRE_AGAIN_MS  60000

static const char *const expire_templates[] = {
    [EXPIRE_DROP] = "partition_drop.sql", [EXPIRE_DETACH] = "partition_detach.sql"};

void
partition_cache_clear(PartitionCache *cache)
{
    map_clear(&cache->known);
    cache->has_table = false;
}

/* ---- which one ---- */

bool
partition_target(const TableRule *rule, const Block *block, const BlockFile *file, Arena *arena,
    Text *ret_schema, Text *ret_table, Error *err)
{
    const Manifest *manifest = &block->manifest;
    Partition partition;
    Partition first;

    rule_target(rule, file->schema, file->table, arena, ret_schema, ret_table);
    if (rule == NULL || rule->partition == NULL)
        return true;
    if (!partition_of(rule->partition, manifest->last_commit_us, arena, &partition, err) ||
        !partition_of(rule->partition, manifest->first_commit_us, arena, &first, err))
        return error_wrap(err, "table " TABLE_FMT, TABLE_ARG(file));
    if (!text_equal(partition.suffix, first.suffix))
        return error_set(err, ERR_DATA,
            "table " TABLE_FMT ": the block has transactions of two partitions, " TEXT_FMT
            " and " TEXT_FMT
            ": it was written under another rule, and can only be loaded by a configuration with "
            "that rule",
            TABLE_ARG(file), TEXT_ARG(partition_name(*ret_table, first.suffix, arena)),
            TEXT_ARG(partition_name(*ret_table, partition.suffix, arena)));
    *ret_table = partition_name(*ret_table, partition.suffix, arena);
    return true;
}

/* ---- a job ---- */

bool
partition_job_wrap(const PartitionJob *job, Error *err)
{
    return error_wrap(
        err, "table " TABLE_FMT ": partition " TEXT_FMT, TABLE_ARG(job->file), TEXT_ARG(job->name));
}

static size_t
name_length(const SqlDialect *sql, Text name)
{
    size_t len = 0;

    if (!sql->name_limit_is_characters)
        return name.len;
    for (size_t i = 0; i < name.len; i++)
        len += ((unsigned char)name.data[i] & 0xc0) != 0x80;
    return len;
}

/* PostgreSQL would cut it, and never find the table again. */
static bool
check_name(const PartitionJob *job, Error *err)
{
    const SqlDialect *sql = job->context->target->sql;
    size_t len = name_length(sql, job->name);

    if (sql->name_limit == 0 || len <= sql->name_limit)
        return true;
    return error_set(err, ERR_CONFIG,
        "its name has %zu %s, and %s takes %zu: write a rule with a shorter target:, or a shorter "
        "format in partition: {by: …}",
        len, sql->name_limit_is_characters ? "characters" : "bytes", job->context->target->name,
        sql->name_limit);
}

static bool
find_parent(PartitionJob *job, Error *err)
{
    const TargetDriver *driver = job->context->target;

    if (!driver->describe(
            job->target, job->schema, job->parent_name, job->arena, &job->parent, err))
        return false;
    if (job->parent == NULL)
        return error_set(err, ERR_CONFIG,
            "the target has no table " TEXT_FMT "%s" TEXT_FMT
            ", of which it would be a partition: create that, or write a rule with target:",
            TEXT_ARG(job->schema), job->schema.len > 0 ? "." : "", TEXT_ARG(job->parent_name));
    return true;
}

static bool
find_templates(PartitionJob *job, Error *err)
{
    const PartitionRule *rule = job->rule->partition;

    job->make_path = partition_template(
        job->context, rule->template != NULL ? rule->template : DEFAULT_TEMPLATE, job->arena, err);
    if (job->make_path == NULL)
        return false;
    if (rule->retain_ms == 0)
        return true;
    job->expire_path =
        partition_template(job->context, expire_templates[rule->expire], job->arena, err);
    if (job->expire_path != NULL)
        return true;
    return error_wrap(err,
        "partition.expire: there are no shipped statements for it on target %s: write them, or "
        "choose the other way",
        job->context->target->name);
}

bool
partition_job_open(PartitionJob *job, Error *err)
{
    if (!check_name(job, err) || !find_parent(job, err) || !find_templates(job, err))
        return false;
    job->row = (PartitionRow){.schema = job->parent->schema,
        .name = job->name,
        .parent = job->parent->name,
        .suffix = job->partition.suffix,
        .start_us = job->partition.start_us,
        .end_us = job->partition.end_us};
    return true;
}

/* ---- before a block ---- */

/* Else it would be made without its key. */
static bool
check_key(const PartitionJob *job, Error *err)
{
    const Script *script = context_script(job->context, job->rule);

    if (!script->needs_key || job->file->name.data == NULL || job->file->key_count > 0)
        return true;
    return error_set(err, ERR_CONFIG,
        "the table has no key, which %s needs: write a rule with key: [column, …], or with "
        "merge_script: keep_all.sql",
        script->path);
}

static bool
is_whole(const PartitionJob *job, const PartitionSight *sight)
{
    if (sight->table == NULL || sight->row == NULL || sight->row->is_making)
        return false;
    for (size_t i = 0; i < job->parent->column_count; i++)
        if (partition_lacks(job, sight->table, i))
            return false;
    return true;
}

static bool
prepare_job(PartitionJob *job, PartitionCache *cache, Error *err)
{
    Text schema = text_of(job->context->config->target.position_schema);
    PartitionSight sight;
    bool looked;
    bool made = false;
    bool all = true;

    if (!check_key(job, err) || !partition_job_open(job, err) ||
        (!cache->has_table && !partition_state_prepare(job->target, schema, err)))
        return false;
    cache->has_table = true;
    looked = partition_look(job, &sight, err);
    /* without the lock it may be dropped while it is looked at */
    if (!looked && err->retriable)
        return false;
    if ((!looked || !is_whole(job, &sight)) && !partition_make(job, &made, err))
        return false;
    if (made)
        CRASH_POINT("partition.committed");
    if (!partition_retire(job, &all, err))
        return false;
    if (!all)
        cache->look_again_ms = clock_monotonic_ms() + RETIRE_AGAIN_MS;
    return true;
}

static void
cache_key(const PartitionJob *job, Buf *key)
{
    buf_add_text(key, job->schema);
    buf_add_char(key, '\0');
    buf_add_text(key, job->name);
}

static bool
prepare_file(const Context *context, Target *target, const Block *block, const BlockFile *file,
    PartitionCache *cache, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    PartitionJob job = {.context = context,
        .target = target,
        .rule = rule_find(&context->config->tables, file->schema, file->table),
        .file = file,
        .commit_us = block->manifest.last_commit_us,
        .arena = arena};

    if (job.rule == NULL || job.rule->skip || job.rule->partition == NULL)
        return true;
    if (!partition_target(job.rule, block, file, arena, &job.schema, &job.name, err) ||
        !partition_of(job.rule->partition, job.commit_us, arena, &job.partition, err))
        return false;
    rule_target(job.rule, file->schema, file->table, arena, &job.schema, &job.parent_name);
    if (!context->target->sql->has_schemas)
        job.schema = TEXT("");
    cache_key(&job, &key);
    if (map_get(&cache->known, buf_text(&key)) != NULL)
        return true;
    if (!prepare_job(&job, cache, err))
        return partition_job_wrap(&job, err);
    (void)map_put(&cache->known, buf_text(&key), cache);
    return true;
}

bool
partition_prepare(
    const Context *context, Target *target, const Block *block, PartitionCache *cache, Error *err)
{
    if (cache->look_again_ms != 0 && clock_monotonic_ms() >= cache->look_again_ms) {
        cache->look_again_ms = 0;
        map_clear(&cache->known);
    }
    for (size_t i = 0; i < block->manifest.file_count; i++)
        if (!prepare_file(context, target, block, &block->manifest.files[i], cache, err))
            return false;
    return true;
}

/* ---- dray check ---- */

bool
partition_check(const Context *context, Target *target, const TableRule *rule,
    const BlockFile *file, Buf *report, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    PartitionJob job = {.context = context,
        .target = target,
        .rule = rule,
        .file = file,
        .key_is_unknown = file->column_count == 0,
        .commit_us = clock_now_us(),
        .arena = arena};
    TemplateStatements statements;
    TargetTable *table = NULL;

    if (!partition_of(rule->partition, job.commit_us, arena, &job.partition, err))
        return false;
    rule_target(rule, file->schema, file->table, arena, &job.schema, &job.parent_name);
    if (!context->target->sql->has_schemas)
        job.schema = TEXT("");
    job.name = partition_name(job.parent_name, job.partition.suffix, arena);
    if (!partition_job_open(&job, err) || !partition_make_statements(&job, &statements, err) ||
        !context->target->describe(target, job.parent->schema, job.name, arena, &table, err))
        return error_wrap(err, "partition " TEXT_FMT, TEXT_ARG(job.name));
    buf_addf(report, "partition " TEXT_FMT " %s, from %s%s%s\n", TEXT_ARG(job.name),
        table == NULL ? "will be made" : "is there", job.make_path,
        job.expire_path == NULL ? "" : ", and goes by ",
        job.expire_path == NULL ? "" : job.expire_path);
    return true;
}
