#include "apply/partition/template.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "ddl/stage_name.h"

#define INDEX_PREFIX "key_of_"

static const char no_key[] =
    "the table has no key: write a rule with key: [column, …], or put the lines under \"-- @if "
    "key\" in a template of your own";

/* ---- files ---- */

const char *
partition_template(const Context *context, const char *name, Arena *arena, Error *err)
{
    const char *config = context->config->directory;
    const char *data = context->data_directory;
    const char *target = context->target->name;
    char *beside = file_join(config, name);
    const char *const places[] = {
        arena_string(arena, beside),
        arena_printf(arena, "%s/templates/%s/%s", config, target, name),
        arena_printf(arena, "%s/templates/%s", config, name),
        arena_printf(arena, "%s/templates/%s/%s", data, target, name),
        arena_printf(arena, "%s/templates/%s", data, name),
    };

    free(beside);
    for (size_t i = 0; i < (name[0] == '/' ? 1 : ARRAY_LEN(places)); i++)
        if (file_exists(places[i]))
            return places[i];
    if (name[0] == '/')
        (void)error_set(err, ERR_CONFIG, "there is no template %s", name);
    else
        (void)error_set(
            err, ERR_CONFIG, "the template %s is neither %s nor %s", name, places[0], places[3]);
    return NULL;
}

/* ---- the key ---- */

/* The names of the file's key, or of the parent's where the file has no columns. */
static void
find_key(const PartitionJob *job, const Text **ret_names, size_t *ret_count)
{
    const BlockFile *file = job->file;
    const TargetTable *parent = job->parent;
    bool has_file = file->column_count > 0;
    size_t count = has_file ? file->key_count : parent->key_count;
    Text *names = ARENA_ARRAY(job->arena, Text, count + 1);

    for (size_t i = 0; i < count; i++)
        names[i] =
            has_file ? file->columns[file->key[i]].name : parent->columns[parent->key[i]].name;
    *ret_names = names;
    *ret_count = count;
}

/*
 * May the partition have a unique key? Not under a script that merges by no key. One that keeps
 * every line may keep several rows of one key (history.sql) or one (soft_delete.sql): then the
 * parent is as the partition has to be.
 */
static bool
is_unique(const PartitionJob *job, size_t key_count)
{
    const Script *script = context_script(job->context, job->rule);

    if (!script->needs_key)
        return false;
    return job->parent->key_count > 0 || (key_count > 0 && !script->all_lines);
}

/* ---- parameters ---- */

static void
add_names(const SqlDialect *sql, const Text *names, size_t count, Buf *out)
{
    for (size_t i = 0; i < count; i++) {
        buf_add_string(out, i == 0 ? "" : ", ");
        sql_add_identifier(sql, names[i], out);
    }
}

static void
add_parent_key(const PartitionJob *job, Buf *out)
{
    for (size_t i = 0; i < job->parent->key_count; i++) {
        buf_add_string(out, i == 0 ? "" : ", ");
        sql_add_identifier(
            job->context->target->sql, job->parent->columns[job->parent->key[i]].name, out);
    }
}

static bool
take_text(void *context, const Value *values, size_t count, Error *err)
{
    Buf *out = context;

    (void)err;
    if (count > 0 && values[0].kind == VALUE_TEXT)
        buf_add_text(out, values[0].text);
    return true;
}

bool
partition_column_default(const PartitionJob *job, const TargetColumn *column, Buf *out, Error *err)
{
    const SqlDialect *sql = job->context->target->sql;
    CLEANUP(buf_clear) Buf query = BUF_INIT;

    if (!column->has_default || sql->partition.column_default == NULL)
        return true;
    sql->partition.column_default(job->parent->schema, job->parent->name, column->name, &query);
    return job->target->driver->query(job->target, buf_text(&query), take_text, out, err);
}

/* Name, type, NOT NULL and DEFAULT of the parent's columns; generated ones cannot be told so. */
static bool
add_columns(const PartitionJob *job, Buf *out, Error *err)
{
    const SqlDialect *sql = job->context->target->sql;

    for (size_t i = 0; i < job->parent->column_count; i++) {
        const TargetColumn *column = &job->parent->columns[i];
        CLEANUP(buf_clear) Buf value = BUF_INIT;

        if (column->generated)
            continue;
        if (!partition_column_default(job, column, &value, err))
            return false;
        buf_add_string(out, out->len == 0 ? "    " : ",\n    ");
        sql_add_identifier(sql, column->name, out);
        if (column->type.len > 0)
            buf_addf(out, " " TEXT_FMT, TEXT_ARG(column->type));
        if (value.len > 0)
            buf_addf(out, " DEFAULT (%s)", value.data);
        buf_add_string(out, column->not_null ? " NOT NULL" : sql->types.nullable);
    }
    return true;
}

/* Parameters' values, which live as long as the job. */
static Text
keep(const PartitionJob *job, Buf *value)
{
    Text text = arena_text(job->arena, buf_text(value));

    buf_clear(value);
    return text;
}

static Text
table_sql(const PartitionJob *job, Text name)
{
    Buf text = BUF_INIT;

    sql_add_table(job->context->target->sql, job->parent->schema, name, &text);
    return keep(job, &text);
}

static Text
string_sql(const PartitionJob *job, Text value)
{
    Buf text = BUF_INIT;

    sql_add_string(job->context->target->sql, value, &text);
    return keep(job, &text);
}

static Text
time_sql(const PartitionJob *job, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    return string_sql(job, clock_format(time_us, text));
}

static Text
index_sql(const PartitionJob *job)
{
    const SqlDialect *sql = job->context->target->sql;
    Buf text = BUF_INIT;

    sql_add_identifier(
        sql, stage_table_name(sql, TEXT(INDEX_PREFIX), job->name, 1, job->arena), &text);
    return keep(job, &text);
}

/* Before the first one runs. */
static bool
check_kinds(
    const PartitionJob *job, const char *path, const TemplateStatements *statements, Error *err)
{
    const TargetDriver *driver = job->context->target;
    bool together = (driver->abilities & TARGET_TRANSACTIONAL_DDL) != 0;

    for (size_t i = 0; i < statements->count; i++) {
        StatementKind kind = driver->sql->classify(statements->items[i]);

        if (kind == STATEMENT_LOAD_STREAMED)
            return error_set(err, ERR_SCRIPT, "%s:%d: there is no CSV file to load here", path,
                statements->lines[i]);
        if (together && kind == STATEMENT_ENDS_TRANSACTION)
            return error_set(err, ERR_SCRIPT,
                "%s:%d: this statement cannot run inside a transaction, or ends it; a template "
                "runs in one, together with its row in dray_partition",
                path, statements->lines[i]);
    }
    return true;
}

bool
partition_statements(PartitionJob *job, const char *path, const TemplateFlag *flags,
    size_t flag_count, TemplateStatements *ret_statements, Error *err)
{
    const SqlDialect *sql = job->context->target->sql;
    MagicWords words = {.schema = sql->has_schemas ? job->parent->schema : TEXT(""),
        .partition = job->name,
        .parent = job->parent->name};
    Buf key = BUF_INIT;
    Buf parent_key = BUF_INIT;
    Buf columns = BUF_INIT;
    Buf schema = BUF_INIT;

    find_key(job, &words.key, &words.key_count);
    add_names(sql, words.key, words.key_count, &key);
    add_parent_key(job, &parent_key);
    if (words.schema.len > 0)
        sql_add_identifier(sql, words.schema, &schema);
    if (!add_columns(job, &columns, err)) {
        buf_clear(&key);
        buf_clear(&parent_key);
        buf_clear(&columns);
        buf_clear(&schema);
        return false;
    }
    {
        const char *missing = words.key_count > 0 || job->key_is_unknown ? NULL : no_key;
        const TemplateParam params[] = {
            {"PARTITION_TABLE_FQN", table_sql(job, job->name), NULL},
            {"PARENT_TABLE_FQN", table_sql(job, job->parent->name), NULL},
            {"PARTITION_SCHEMA", keep(job, &schema), NULL},
            {"PKEY", keep(job, &key), missing},
            {"PARENT_PKEY", keep(job, &parent_key),
                job->parent->key_count > 0 ? NULL : "the parent has no primary key"},
            {"COLUMNS", keep(job, &columns), NULL},
            {"PARTITION", string_sql(job, job->partition.suffix), NULL},
            {"PARTITION_START", time_sql(job, job->partition.start_us), NULL},
            {"PARTITION_END", time_sql(job, job->partition.end_us), NULL},
            {"PARTITION_INDEX", index_sql(job), NULL},
        };
        const TemplateParams all = {params, ARRAY_LEN(params), flags, flag_count, &words, missing,
            .may_be_empty = path != job->make_path};

        return template_load(path, sql, &all, job->arena, ret_statements, err) &&
               check_kinds(job, path, ret_statements, err);
    }
}

bool
partition_make_statements(PartitionJob *job, TemplateStatements *ret_statements, Error *err)
{
    const Text *names;
    size_t count;
    bool has_parent_key = job->parent->key_count > 0;
    bool unique;

    find_key(job, &names, &count);
    unique = is_unique(job, count);
    {
        const TemplateFlag flags[] = {
            {"key", unique},
            {"parent_key", unique && has_parent_key},
            {"new_key", unique && !has_parent_key},
            {"surplus_key", !unique && has_parent_key},
        };

        return partition_statements(
            job, job->make_path, flags, ARRAY_LEN(flags), ret_statements, err);
    }
}

/* ---- running ---- */

bool
partition_run(
    const PartitionJob *job, const char *path, const TemplateStatements *statements, Error *err)
{
    for (size_t i = 0; i < statements->count; i++) {
        int64_t rows;

        if (job->target->driver->execute(job->target, statements->items[i], NULL, &rows, err)) {
            CRASH_POINT("partition.statement");
            continue;
        }
        /* rows that do not fit a new constraint: no data of ours is meant */
        if (err->kind == ERR_DATA)
            err->kind = ERR_SCRIPT;
        return error_wrap(err, "%s:%d", path, statements->lines[i]);
    }
    return true;
}
