#include "apply/create_table.h"

#include <stdlib.h>

/* Another process that makes the same table is waited for by trying again. */
#define TRIES 3

TypeMap *
create_table_types(const Context *context, const SqlDialect *sql, Error *err)
{
    return type_map_load(context->data_directory, context->config->directory,
        source_type_names(context->source), sql, err);
}

const Table *
create_table_shape(const SourceTable *source, Arena *arena)
{
    Table *table = ARENA_NEW(arena, Table);
    Column *columns = ARENA_ARRAY(arena, Column, source->column_count + 1);

    for (size_t i = 0; i < source->column_count; i++) {
        const SourceColumn *from = &source->columns[i];
        Column *column = &columns[table->column_count];

        if (from->is_generated)
            continue;
        *column = (Column){.name = from->name,
            .type = from->type,
            .logical = from->logical,
            .may_omit = from->may_omit};
        for (size_t k = 0; k < source->key_count; k++)
            column->in_key |= source->key[k] == i;
        table->has_key |= column->in_key;
        table->column_count++;
    }
    table->id = source_next_table_id();
    table->schema = source->schema;
    table->name = source->name;
    table->columns = columns;
    return table;
}

/* ---- running ---- */

typedef struct Maker {
    const Context *context;
    Target *target;
    const SqlDialect *sql;
    const BaseSpec *spec; /* NULL: a schema only */
    Buf *warnings;
    Arena *arena;
} Maker;

static bool
run_all(const Maker *maker, const TemplateStatements *statements, Error *err)
{
    int64_t rows;

    for (size_t i = 0; i < statements->count; i++)
        if (!maker->target->driver->execute(maker->target, statements->items[i], NULL, &rows, err))
            return false;
    return true;
}

/* In one transaction where the target can. */
static bool
run_together(const Maker *maker, const TemplateStatements *statements, Error *err)
{
    Target *target = maker->target;
    bool unknown;

    if ((target->driver->abilities & TARGET_TRANSACTIONAL_DDL) == 0)
        return run_all(maker, statements, err);
    if (!target->driver->begin(target, err))
        return false;
    if (run_all(maker, statements, err) && target->driver->commit(target, &unknown, err))
        return true;
    target->driver->rollback(target);
    return false;
}

static bool
take_any(void *context, const Value *values, size_t count, Error *err)
{
    bool *found = context;

    (void)values;
    (void)count;
    (void)err;
    *found = true;
    return true;
}

static bool
find_schema(const Maker *maker, Text schema, bool *ret_found, Error *err)
{
    const SqlDialect *sql = maker->sql;
    CLEANUP(buf_clear) Buf query = BUF_INIT;

    *ret_found = sql->ddl.find_schema == NULL || schema.len == 0;
    if (*ret_found)
        return true;
    buf_add_string(&query, sql->ddl.find_schema);
    sql_add_string(sql, schema, &query);
    return maker->target->driver->query(maker->target, buf_text(&query), take_any, ret_found, err);
}

static bool
make_schema(const Maker *maker, Text schema, Error *err)
{
    const Context *context = maker->context;
    TemplateStatements statements;
    Error failure;
    bool found;
    char *path;
    bool ok;

    if (!find_schema(maker, schema, &found, err))
        return false;
    if (found)
        return true;
    path = base_table_template(
        context->config->directory, context->data_directory, maker->sql, "schema", NULL, err);
    if (path == NULL)
        return false;
    ok = base_table_schema(maker->sql, schema, path, maker->arena, &statements, err);
    free(path);
    if (!ok)
        return false;
    if (run_together(maker, &statements, &failure))
        return true;
    /* another process may have made it meanwhile */
    if (!failure.retriable && find_schema(maker, schema, &found, err) && found)
        return true;
    *err = failure;
    return error_wrap(err, "make the schema " TEXT_FMT, TEXT_ARG(schema));
}

bool
create_table_schema(const Context *context, Target *target, Text schema, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const Maker maker = {
        .context = context, .target = target, .sql = target->driver->sql, .arena = arena};

    return make_schema(&maker, schema, err);
}

static bool
is_there(const Maker *maker, bool *ret_there, Error *err)
{
    const OutTable *out = maker->spec->out;
    TargetTable *table = NULL;

    if (!maker->target->driver->describe(
            maker->target, out->target_schema, out->target_name, maker->arena, &table, err))
        return false;
    *ret_there = table != NULL;
    return true;
}

static bool
make_table(const Maker *maker, const char *path, bool *ret_made, Error *err)
{
    TemplateStatements statements;
    Error failure;
    bool there;

    if (!base_table_create(maker->spec, path, maker->arena, &statements, maker->warnings, err))
        return false;
    for (int tries = 1;; tries++) {
        if (!is_there(maker, &there, err))
            return false;
        *ret_made = !there;
        if (there)
            return true;
        if (make_schema(maker, maker->spec->out->target_schema, &failure) &&
            run_together(maker, &statements, &failure))
            return true;
        if (failure.retriable && tries < TRIES)
            continue;
        *err = failure;
        /* made by another process between the look and the statement */
        if (!failure.retriable && is_there(maker, &there, &failure) && there) {
            *ret_made = false;
            return true;
        }
        return error_wrap(err, "make it from %s", path);
    }
}

bool
create_table_run(const Context *context, Target *target, const BaseSpec *spec, Buf *warnings,
    bool *ret_made, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const Maker maker = {context, target, spec->sql, spec, warnings, arena};
    const OutTable *out = spec->out;
    char *path = base_table_template(context->config->directory, context->data_directory, spec->sql,
        "base", context_script(context, out->rule)->path, err);
    bool ok = path != NULL && make_table(&maker, path, ret_made, err) &&
              make_schema(&maker, text_of(context->config->stage.schema), err);

    free(path);
    if (ok)
        return true;
    return error_wrap(err, "base table " TEXT_FMT "%s" TEXT_FMT, TEXT_ARG(out->target_schema),
        out->target_schema.len > 0 ? "." : "", TEXT_ARG(out->target_name));
}

/* ---- create_tables: all ---- */

/* The source's own description; none where it has no catalogue, or not this table any more. */
static bool
describe_source(const Context *context, const Table *table, Arena *arena,
    const SourceTable **ret_source, Error *err)
{
    const SourceStart start = {.service = context->config->service,
        .options = context->config->source_options,
        .position = TEXT("")};
    CLEANUP(source_tables_close) SourceTables *tables = NULL;
    SourceTable *found = NULL;

    *ret_source = NULL;
    if (context->source->tables_open == NULL)
        return true;
    tables = context->source->tables_open(&start, err);
    if (tables == NULL ||
        !tables->driver->describe(tables, table->schema, table->name, arena, &found, err))
        return false;
    *ret_source = found;
    return true;
}

bool
create_table_ensure(const Context *context, Target *target, const Table *table, const OutTable *out,
    Buf *warnings, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(type_map_free) TypeMap *types = NULL;
    BaseSpec spec = {
        .out = out, .sql = context->target->sql, .table = table, .csv = &context->dialect};
    bool made;

    types = create_table_types(context, spec.sql, err);
    if (types == NULL || !describe_source(context, table, arena, &spec.source, err))
        return error_wrap(err, "target.create_tables: all");
    spec.types = types;
    if (create_table_run(context, target, &spec, warnings, &made, err))
        return true;
    return error_wrap(err, "target.create_tables: all");
}
