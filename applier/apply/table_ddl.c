#include "apply/table_ddl.h"

#include <stdlib.h>

#include "apply/create_table.h"
#include "base/map.h"
#include "ddl/stage.h"

/* The table that tells how the target spells the mapping's types. */
#define TYPES_TABLE "dray_types"

/* One table of the source on its way. */
typedef struct Job Job;
struct Job {
    const SourceTable *source;
    const OutTable *out;
    BaseSpec spec;
    const Script *script;
    char *template_path; /* of the base table */
    const Job *same;     /* an earlier job that makes the same table */
    TargetTable *base;   /* execute: as the target has it; NULL: it does not */
    bool exists;         /* it was there before */
};

typedef struct DdlRun {
    const Context *context;
    const TableDdl *ddl;
    Buf *out;
    Arena *arena;
    TypeMap *types;
    Target *target; /* with execute */
    Job *jobs;
    size_t job_count;
    Map schemas;     /* that the text has made already */
    size_t warnings; /* columns that may lose */
    size_t misfits;  /* tables that lack something */
} DdlRun;

static const char *
table_name(const DdlRun *run, Text schema, Text name)
{
    return arena_printf(run->arena, TEXT_FMT "%s" TEXT_FMT, TEXT_ARG(schema),
        schema.len > 0 ? "." : "", TEXT_ARG(name));
}

/* As the rules say; where the table is there, with the schema that it is in. */
static const char *
target_name(const DdlRun *run, const Job *job)
{
    if (job->base != NULL)
        return table_name(run, job->base->schema, job->base->name);
    return table_name(run, run->ddl->sql->has_schemas ? job->out->target_schema : TEXT(""),
        job->out->target_name);
}

/* Texts of servers and files may have several lines; a comment has one. */
static void
add_comment(DdlRun *run, const char *what, Text text)
{
    buf_addf(run->out, "-- %s", what);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n')
            buf_add_char(run->out, ' ');
        else
            buf_add_char(run->out, text.data[i]);
    }
    buf_add_char(run->out, '\n');
}

/* ---- which tables ---- */

static bool
is_wanted(const DdlRun *run, const SourceTable *source, bool *used)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    bool wanted = run->ddl->glob_count == 0;

    buf_addf(&name, TEXT_FMT "." TEXT_FMT, TEXT_ARG(source->schema), TEXT_ARG(source->name));
    for (size_t i = 0; i < run->ddl->glob_count; i++) {
        bool match = text_glob(buf_text(&name), run->ddl->globs[i]);

        used[i] |= match;
        wanted |= match;
    }
    return wanted;
}

/* Two source tables make one target table only where both rules say so. */
static bool
find_same(const DdlRun *run, Job *job, Error *err)
{
    bool shared = job->out->rule != NULL && job->out->rule->shared;

    for (size_t i = 0; i < run->job_count; i++) {
        const Job *other = &run->jobs[i];

        if (strcmp(target_name(run, other), target_name(run, job)) != 0)
            continue;
        if (!shared || !other->out->rule->shared)
            return error_set(err, ERR_CONFIG,
                "tables %s and %s both go to the target table %s: write a rule with another "
                "target: for one, or shared: true in the rules of both",
                table_name(run, other->out->source_schema, other->out->source_name),
                table_name(run, job->out->source_schema, job->out->source_name),
                target_name(run, job));
        job->same = other->same != NULL ? other->same : other;
        return true;
    }
    return true;
}

static bool
add_job(DdlRun *run, const SourceTable *source, Error *err)
{
    const Context *context = run->context;
    const TableRule *rule = rule_find(&context->config->tables, source->schema, source->name);
    Job *job = &run->jobs[run->job_count];
    const Table *table;

    if (rule != NULL && rule->skip)
        return true;
    table = create_table_shape(source, run->arena);
    job->source = source;
    job->script = context_script(context, rule);
    job->out = rule_apply(rule, table, NULL, 0, run->arena, err);
    if (job->out == NULL || !find_same(run, job, err))
        return false;
    job->spec = (BaseSpec){.source = source,
        .out = job->out,
        .types = run->types,
        .sql = run->ddl->sql,
        .table = table,
        .csv = &context->dialect};
    job->template_path = base_table_template(context->config->directory, context->data_directory,
        run->ddl->sql, "base", job->script->path, err);
    if (job->template_path == NULL)
        return false;
    run->job_count++;
    return true;
}

static bool
list_jobs(DdlRun *run, Error *err)
{
    const Context *context = run->context;
    const SourceStart start = {.service = context->config->service,
        .options = context->config->source_options,
        .position = TEXT("")};
    CLEANUP(source_tables_close) SourceTables *tables = NULL;
    bool *used = ARENA_ARRAY(run->arena, bool, run->ddl->glob_count + 1);
    SourceTable **list;
    size_t count;

    if (context->source->tables_open == NULL)
        return error_set(err, ERR_CONFIG,
            "source.type: %s has no catalogue that could describe tables", context->source->name);
    tables = context->source->tables_open(&start, err);
    if (tables == NULL || !tables->driver->list(tables, run->arena, &list, &count, err))
        return false;
    run->jobs = ARENA_ARRAY(run->arena, Job, count + 1);
    for (size_t i = 0; i < count; i++)
        if (is_wanted(run, list[i], used) && !add_job(run, list[i], err))
            return false;
    for (size_t i = 0; i < run->ddl->glob_count; i++)
        if (!used[i])
            return error_set(err, ERR_USAGE,
                "no table that the source publishes matches \"%s\": dray check lists them",
                run->ddl->globs[i]);
    return true;
}

/* ---- staging tables ---- */

/* As the loader will name it (apply/plan.c). */
static void
name_stage(const DdlRun *run, const TargetTable *base, StageSpec *ret_spec)
{
    const StageConfig *stage = &run->context->config->stage;
    bool apart = stage->schema[0] != '\0' && base->schema.len > 0;
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    if (apart)
        buf_addf(&name, TEXT_FMT "_", TEXT_ARG(base->schema));
    buf_add_text(&name, base->name);
    *ret_spec = (StageSpec){.base = base,
        .schema = apart ? text_of(stage->schema) : base->schema,
        .name = stage_table_name(
            run->ddl->sql, text_of(stage->table_prefix), buf_text(&name), 1, run->arena),
        .csv = &run->context->dialect};
}

/* ---- as text ---- */

static void
add_statements(DdlRun *run, const TemplateStatements *statements)
{
    for (size_t i = 0; i < statements->count; i++)
        buf_addf(run->out, TEXT_FMT ";\n", TEXT_ARG(statements->items[i]));
}

static bool
print_schema(DdlRun *run, Text schema, Error *err)
{
    const Context *context = run->context;
    TemplateStatements statements;
    char *path;
    bool ok;

    if (!run->ddl->sql->has_schemas || schema.len == 0 || map_put(&run->schemas, schema, run))
        return true;
    path = base_table_template(
        context->config->directory, context->data_directory, run->ddl->sql, "schema", NULL, err);
    ok = path != NULL &&
         base_table_schema(run->ddl->sql, schema, path, run->arena, &statements, err);
    if (ok)
        add_statements(run, &statements);
    free(path);
    return ok;
}

static void
print_remarks(DdlRun *run, const Job *job)
{
    const SourceTable *source = job->source;

    buf_addf(run->out, "-- %s -> %s, for %s\n",
        table_name(run, job->out->source_schema, job->out->source_name), target_name(run, job),
        job->script->path);
    if (source->problem.data != NULL)
        add_comment(run, "problem: ", source->problem);
    for (size_t i = 0; i < source->column_count; i++)
        if (source->columns[i].is_generated)
            add_comment(run, "left out, since it is computed in the source and not in its stream: ",
                source->columns[i].name);
    if (job->out->key_count == 0 && job->script->needs_key)
        buf_addf(run->out,
            "-- problem: it has no key, which %s needs: write a rule with key: "
            "[column, …]\n",
            job->script->path);
}

static bool
print_stage(DdlRun *run, const Job *job, Error *err)
{
    const Context *context = run->context;
    TargetTable *base;
    StageSpec spec;
    char *path;
    bool ok;

    if (!base_table_describe(&job->spec, job->template_path, run->arena, &base, err))
        return false;
    name_stage(run, base, &spec);
    if (!print_schema(run, spec.schema, err))
        return false;
    path = base_table_template(
        context->config->directory, context->data_directory, run->ddl->sql, "stage", NULL, err);
    ok = path != NULL && stage_print(run->ddl->sql, &spec, path, run->out, err);
    free(path);
    return ok;
}

static size_t
count_lines(const Buf *lines)
{
    size_t count = 0;

    for (size_t i = 0; i < lines->len; i++)
        count += lines->data[i] == '\n';
    return count;
}

static bool
print_job(DdlRun *run, const Job *job, Error *err)
{
    CLEANUP(buf_clear) Buf warnings = BUF_INIT;
    TemplateStatements statements;

    if (run->out->len > 0)
        buf_add_char(run->out, '\n');
    print_remarks(run, job);
    if (job->same != NULL) {
        buf_addf(run->out, "-- the table is that of %s above\n",
            table_name(run, job->same->out->source_schema, job->same->out->source_name));
        return true;
    }
    if (!base_table_create(
            &job->spec, job->template_path, run->arena, &statements, &warnings, err) ||
        !print_schema(run, job->out->target_schema, err))
        return false;
    run->warnings += count_lines(&warnings);
    add_statements(run, &statements);
    return print_stage(run, job, err);
}

static bool
print_all(DdlRun *run, bool only_missing, Error *err)
{
    for (size_t i = 0; i < run->job_count; i++)
        if (!(only_missing && run->jobs[i].exists) && !print_job(run, &run->jobs[i], err))
            return false;
    return true;
}

static bool
refuse_loss(const DdlRun *run, Error *err)
{
    if (run->warnings == 0 || run->ddl->accept_loss)
        return true;
    return error_set(err, ERR_DATA,
        "%zu column%s may lose values or refuse them: read the warnings, then edit a copy of the "
        "mapping table in templates/types/, or accept it with --accept-loss%s",
        run->warnings, run->warnings == 1 ? "" : "s",
        run->ddl->execute ? "; nothing was made" : "");
}

/* ---- comparing ---- */

static Text
without_character_set(Text type)
{
    const char *found = memmem(type.data, type.len, " CHARACTER SET ", 15);

    return found == NULL ? type : (Text){type.data, (size_t)(found - type.data)};
}

/* The expected table with the types as the target itself spells them, by a temporary table. Where
 * that cannot be made *ret_spelled is NULL: types are not compared then. */
static void
spell_types(const DdlRun *run, const TargetTable *expected, TargetTable **ret_spelled)
{
    Target *target = run->target;
    const SqlDialect *sql = run->ddl->sql;
    CLEANUP(buf_clear) Buf create = BUF_INIT;
    int64_t rows;
    Error ignored;

    *ret_spelled = NULL;
    buf_add_string(&create, "CREATE TEMPORARY TABLE ");
    sql_add_table(sql, TEXT(""), TEXT(TYPES_TABLE), &create);
    for (size_t i = 0; i < expected->column_count; i++) {
        buf_add_string(&create, i == 0 ? " (" : ", ");
        sql_add_identifier(sql, expected->columns[i].name, &create);
        buf_addf(
            &create, " " TEXT_FMT "%s", TEXT_ARG(expected->columns[i].type), sql->types.nullable);
    }
    buf_add_char(&create, ')');
    if (!target->driver->execute(target, buf_text(&create), NULL, &rows, &ignored))
        return;
    if (!target->driver->describe(
            target, TEXT(""), TEXT(TYPES_TABLE), run->arena, ret_spelled, &ignored))
        *ret_spelled = NULL;
    (void)target->driver->execute(target, TEXT("DROP TABLE " TYPES_TABLE), NULL, &rows, &ignored);
}

static const OutColumn *
out_column(const Job *job, Text name)
{
    for (size_t i = 0; i < job->out->column_count; i++)
        if (text_equal(job->out->columns[i].name, name))
            return &job->out->columns[i];
    return NULL;
}

static bool
tell_missing(DdlRun *run, const Job *job, const TargetColumn *column, Error *err)
{
    const OutColumn *out = out_column(job, column->name);
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (out != NULL && !base_table_add_column(&job->spec, out, &sql, NULL, err))
        return false;
    buf_addf(run->out, "lacks    %s: column " TEXT_FMT " " TEXT_FMT "%s%s\n", target_name(run, job),
        TEXT_ARG(column->name), TEXT_ARG(column->type), sql.len > 0 ? ": " : "", buf_string(&sql));
    return true;
}

static bool
tell_type(DdlRun *run, const Job *job, const TargetColumn *expected, const TargetColumn *actual,
    Error *err)
{
    const OutColumn *out = out_column(job, expected->name);
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    Text wanted = expected->type;
    Text is = actual->type;

    if (memmem(wanted.data, wanted.len, "CHARACTER SET", 13) != NULL) {
        wanted = without_character_set(wanted);
        is = without_character_set(is);
    }
    if (out == NULL || text_equal_nocase(wanted, is))
        return true;
    if (!base_table_change_type(&job->spec, out, &sql, NULL, err))
        return false;
    buf_addf(run->out,
        "differs  %s: column " TEXT_FMT " is " TEXT_FMT ", the mapping says " TEXT_FMT ": %s\n",
        target_name(run, job), TEXT_ARG(actual->name), TEXT_ARG(is), TEXT_ARG(wanted),
        buf_string(&sql));
    return true;
}

static bool
compare(DdlRun *run, const Job *job, const TargetTable *actual, Error *err)
{
    const SqlDialect *sql = run->ddl->sql;
    TargetTable *expected;
    TargetTable *spelled;
    bool lacks = false;

    if (!base_table_describe(&job->spec, job->template_path, run->arena, &expected, err))
        return false;
    spell_types(run, expected, &spelled);
    buf_addf(run->out, "exists   %s\n", target_name(run, job));
    for (size_t i = 0; i < expected->column_count; i++) {
        const TargetColumn *wanted = &expected->columns[i];
        const TargetColumn *found = target_table_column(actual, wanted->name, sql->fold_names);
        const TargetColumn *known =
            spelled == NULL ? NULL : target_table_column(spelled, wanted->name, sql->fold_names);

        lacks |= found == NULL;
        if (found == NULL && !tell_missing(run, job, wanted, err))
            return false;
        if (found != NULL && known != NULL && !tell_type(run, job, known, found, err))
            return false;
    }
    run->misfits += lacks;
    return true;
}

/* ---- making ---- */

static bool
describe_base(const DdlRun *run, Job *job, Error *err)
{
    TargetTable *base = NULL;

    if (!run->target->driver->describe(
            run->target, job->out->target_schema, job->out->target_name, run->arena, &base, err))
        return error_wrap(err, "base table %s", target_name(run, job));
    job->base = base;
    return true;
}

static bool
look(DdlRun *run, Error *err)
{
    for (size_t i = 0; i < run->job_count; i++) {
        Job *job = &run->jobs[i];
        CLEANUP(buf_clear) Buf warnings = BUF_INIT;
        TemplateStatements statements;

        if (!describe_base(run, job, err))
            return false;
        job->exists = job->base != NULL;
        if (job->exists || job->same != NULL)
            continue;
        if (!base_table_create(
                &job->spec, job->template_path, run->arena, &statements, &warnings, err))
            return false;
        run->warnings += count_lines(&warnings);
    }
    return true;
}

static bool
make_stage(DdlRun *run, const Job *job, const TargetTable *base, Error *err)
{
    const Context *context = run->context;
    TargetTable *stage = NULL;
    StageSpec spec;
    Text why;
    bool fits;

    name_stage(run, base, &spec);
    if (!create_table_schema(context, run->target, spec.schema, err) ||
        !run->target->driver->describe(
            run->target, spec.schema, spec.name, run->arena, &stage, err))
        return error_wrap(err, "staging table of %s", target_name(run, job));
    fits = stage != NULL && stage_fits(&spec, stage, run->ddl->sql, run->arena, &why);
    if (!stage_prepare(run->target, &spec, context->stage_template, true, err))
        return error_wrap(err, "table %s", target_name(run, job));
    buf_addf(run->out, "%s %s\n", fits ? "exists  " : "made    ",
        table_name(run, spec.schema, spec.name));
    return true;
}

static bool
make_job(DdlRun *run, Job *job, Error *err)
{
    bool made = false;

    if (job->same != NULL)
        return true;
    if (!job->exists &&
        (!create_table_run(run->context, run->target, &job->spec, NULL, &made, err) ||
            !describe_base(run, job, err)))
        return false;
    if (job->base == NULL)
        return error_set(err, ERR_TARGET, "base table %s: %s did not make it",
            target_name(run, job), job->template_path);
    if (made)
        buf_addf(run->out, "made     %s\n", target_name(run, job));
    else if (!compare(run, job, job->base, err))
        return false;
    return make_stage(run, job, job->base, err);
}

static bool
make_all(DdlRun *run, Error *err)
{
    run->target = run->context->target->open(run->context->config->target_options, err);
    if (run->target == NULL || !look(run, err))
        return false;
    if (run->warnings > 0 && !run->ddl->accept_loss) {
        run->warnings = 0;
        return print_all(run, true, err) && refuse_loss(run, err);
    }
    for (size_t i = 0; i < run->job_count; i++)
        if (!make_job(run, &run->jobs[i], err))
            return false;
    if (run->misfits == 0)
        return true;
    return error_set(err, ERR_TARGET,
        "%zu table%s lack%s columns that the service needs: see the lines that begin with lacks",
        run->misfits, run->misfits == 1 ? "" : "s", run->misfits == 1 ? "s" : "");
}

bool
table_ddl_run(const Context *context, const TableDdl *ddl, Buf *out, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(type_map_free) TypeMap *types = create_table_types(context, ddl->sql, err);
    DdlRun run = {.context = context, .ddl = ddl, .out = out, .arena = arena, .types = types};
    bool ok;

    if (types == NULL)
        return false;
    ok = list_jobs(&run, err);
    if (ok)
        ok = ddl->execute ? make_all(&run, err)
                          : print_all(&run, false, err) && refuse_loss(&run, err);
    target_close(run.target);
    map_clear(&run.schemas);
    for (size_t i = 0; i < run.job_count; i++)
        free(run.jobs[i].template_path);
    return ok;
}
