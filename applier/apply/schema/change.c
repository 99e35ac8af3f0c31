#include "apply/schema/change.h"

#include <stdarg.h>
#include <stdlib.h>

#include "apply/create_table.h"
#include "apply/schema/difference.h"
#include "apply/schema/missing.h"
#include "base/file.h"
#include "base/log.h"

#define MEMORY_FILE  "shapes.jsonl"
#define RENAMES_DEEP 8

#define TABLE_FMT    TEXT_FMT "." TEXT_FMT
#define TABLE_ARG(a) TEXT_ARG((a)->table->schema), TEXT_ARG((a)->table->name)

SchemaWatch *
schema_watch_new(const Context *context, bool keeps)
{
    SchemaWatch *watch = calloc(1, sizeof(*watch));
    char *path = NULL;

    if (watch == NULL)
        abort();
    watch->context = context;
    if (context->source->tables_open == NULL)
        return watch;
    if (keeps)
        path = file_join(context->config->block.directory, MEMORY_FILE);
    watch->memory = shape_memory_open(path, context->source->compare);
    free(path);
    return watch;
}

void
schema_watch_free(SchemaWatch *watch)
{
    if (watch == NULL)
        return;
    shape_memory_close(watch->memory);
    source_tables_close(watch->tables);
    type_map_free(watch->types);
    map_clear(&watch->told);
    free(watch);
}

/* ---- what an admission asks for ------------------------------------------------------------- */

bool
admission_describe(Admission *admission, Error *err)
{
    SchemaWatch *watch = admission->watch;
    const Context *context = watch->context;
    const Table *table = admission->table;
    SourceStart start = {
        .service = context->config->service, .options = context->config->source_options};

    if (admission->is_described)
        return true;
    if (watch->tables == NULL)
        watch->tables = context->source->tables_open(&start, err);
    if (watch->tables == NULL)
        return error_wrap(err, "the source's catalogue");
    if (!watch->tables->driver->describe(
            watch->tables, table->schema, table->name, admission->arena, &admission->source, err)) {
        source_tables_close(STEAL(watch->tables));
        return error_wrap(err, "the source's catalogue");
    }
    admission->is_described = true;
    return true;
}

bool
admission_refresh(Admission *admission, Error *err)
{
    const OutTable *out = admission->out;

    catalog_forget(admission->catalog, out->target_schema, out->target_name);
    return catalog_table(
        admission->catalog, out->target_schema, out->target_name, &admission->target, err);
}

bool
admission_spec(Admission *admission, BaseSpec *ret_spec, Error *err)
{
    SchemaWatch *watch = admission->watch;
    const Context *context = watch->context;

    if (watch->types == NULL)
        watch->types = create_table_types(context, context->target->sql, err);
    if (watch->types == NULL)
        return false;
    *ret_spec = (BaseSpec){.source = admission->source,
        .out = admission->out,
        .types = watch->types,
        .sql = context->target->sql,
        .table = admission->table,
        .csv = &context->dialect};
    return true;
}

void
admission_add(Admission *admission, const char *fmt, ...)
{
    va_list args;

    buf_addf(&admission->todo, "%s(%zu) ", admission->todo_count == 0 ? "" : " ",
        admission->todo_count + 1);
    va_start(args, fmt);
    buf_addv(&admission->todo, fmt, args);
    va_end(args);
    admission->todo_count++;
}

void
admission_warn(const Admission *admission, const char *fmt, ...)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    va_list args;

    buf_addf(&text, "table " TABLE_FMT ": ", TABLE_ARG(admission));
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    if (map_put(&admission->watch->told, buf_text(&text), admission->watch) == NULL)
        log_line(LOG_WARN, "reader", "%s", text.data);
}

const TargetColumn *
admission_column(const Admission *admission, Text name)
{
    return target_table_column(
        admission->target, name, admission->watch->context->target->sql->fold_names);
}

Text
admission_source_name(const Admission *admission, const OutColumn *column)
{
    return admission->table->columns[column->source_index].name;
}

const KnownColumn *
admission_known(const Admission *admission, Text source_name)
{
    for (size_t i = 0; admission->before != NULL && i < admission->before->column_count; i++)
        if (text_equal(admission->before->columns[i].name, source_name))
            return &admission->before->columns[i];
    return NULL;
}

int
admission_number(const Admission *admission, Text source_name)
{
    const SourceColumn *column =
        admission->source == NULL ? NULL : source_table_column(admission->source, source_name);

    return column == NULL ? 0 : column->number;
}

const char *
admission_table_sql(const Admission *admission)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    sql_add_table(admission->watch->context->target->sql, admission->out->target_schema,
        admission->out->target_name, &name);
    return arena_string(admission->arena, name.data);
}

const char *
admission_name_sql(const Admission *admission, Text name)
{
    CLEANUP(buf_clear) Buf quoted = BUF_INIT;

    sql_add_identifier(admission->watch->context->target->sql, name, &quoted);
    return arena_string(admission->arena, quoted.data);
}

/* ---- a missing table ------------------------------------------------------------------------ */

static void
log_lines(LogLevel level, Text text)
{
    while (text.len > 0) {
        size_t len = text_find(text, '\n');

        log_line(level, "reader", TEXT_FMT, (int)len, text.data);
        len = MIN(len + 1, text.len);
        text = (Text){text.data + len, text.len - len};
    }
}

static bool
make_table(Admission *admission, Error *err)
{
    const Context *context = admission->watch->context;
    CLEANUP(buf_clear) Buf warnings = BUF_INIT;
    Target *target;

    if (context->config->target.create_tables != CREATE_ALL)
        return error_set_retriable(err, ERR_SCHEMA,
            "table " TABLE_FMT
            ": the target has no table %s: create it (dray ddl %s --execute does), or write a rule "
            "with target: or skip: true; dray goes on by itself once it is there",
            TABLE_ARG(admission), admission_table_sql(admission), context->config->path);
    target = catalog_target(admission->catalog, err);
    if (target == NULL)
        return false;
    if (!create_table_ensure(context, target, admission->table, admission->out, &warnings, err)) {
        catalog_disconnect(admission->catalog);
        return false;
    }
    log_lines(LOG_WARN, buf_text(&warnings));
    if (!admission_refresh(admission, err))
        return false;
    if (admission->target == NULL)
        return error_set_retriable(err, ERR_TARGET,
            "table " TABLE_FMT ": %s was made, and is gone again", TABLE_ARG(admission),
            admission_table_sql(admission));
    return true;
}

/* ---- the target is ahead -------------------------------------------------------------------- */

/* May a column that the target lacks go into this one there? */
static bool
is_free(const Admission *admission, Text name)
{
    const TargetColumn *column = name.data == NULL ? NULL : admission_column(admission, name);

    if (column == NULL || column->generated)
        return false;
    for (size_t i = 0; i < admission->out->column_count; i++)
        if (text_equal_nocase(admission->out->columns[i].name, name))
            return false;
    return true;
}

/* What the catalogue calls the column that had this name in the shape before. */
static Text
name_by_number(const Admission *admission, Text source_name)
{
    const KnownColumn *known = admission_known(admission, source_name);

    if (known == NULL || known->number == 0 || admission->source == NULL ||
        source_table_column(admission->source, source_name) != NULL)
        return TEXT_NONE;
    for (size_t i = 0; i < admission->source->column_count; i++)
        if (admission->source->columns[i].number == known->number)
            return rule_column_name(admission->out->rule, admission->source->columns[i].name);
    return TEXT_NONE;
}

/* The last of the names that the DBA was asked to give it, one after the other, that is there. */
static Text
name_by_request(const Admission *admission, Text name, int depth)
{
    for (size_t i = 0; depth < RENAMES_DEEP; i++) {
        Text next = shape_memory_renamed(admission->watch->memory, admission->table, name, i);

        if (next.data == NULL)
            break;
        if (!is_free(admission, next))
            next = name_by_request(admission, next, depth + 1);
        if (next.data != NULL)
            return next;
    }
    return TEXT_NONE;
}

/* out lives as long as its route, longer than what is kept here. */
static void
follow_renames(Admission *admission, Arena *arena)
{
    for (size_t i = 0; i < admission->out->column_count; i++) {
        OutColumn *column = &admission->out->columns[i];
        Text old = column->name;
        Text new;

        if (admission_column(admission, old) != NULL)
            continue;
        new = name_by_number(admission, admission_source_name(admission, column));
        if (!is_free(admission, new))
            new = name_by_request(admission, old, 0);
        if (new.data == NULL)
            continue;
        column->name = arena_text(arena, new);
        admission_warn(admission,
            "its column " TEXT_FMT " is called " TEXT_FMT " in the target already, and goes there",
            TEXT_ARG(old), TEXT_ARG(new));
    }
}

/* ---- the comparison ------------------------------------------------------------------------- */

static bool
refuse(Admission *admission, Error *err)
{
    return error_set_retriable(err, ERR_SCHEMA,
        "table " TABLE_FMT
        ": its columns are not those of the target table %s, which must follow first: %s (dray "
        "goes on by itself once this is done)",
        TABLE_ARG(admission), admission_table_sql(admission), admission->todo.data);
}

static bool
compare(Admission *admission, Arena *arena, Error *err)
{
    bool lacks = admission_lacks(admission);

    /* nothing is decided by what the target or the source were a while ago */
    if ((lacks || !admission->is_same) &&
        (!admission_refresh(admission, err) || !admission_describe(admission, err)))
        return false;
    if (admission->target == NULL)
        return error_set_retriable(err, ERR_TARGET, "table " TABLE_FMT ": %s was dropped",
            TABLE_ARG(admission), admission_table_sql(admission));
    follow_renames(admission, arena);
    if (admission_lacks(admission) && !admission_missing(admission, err))
        return false;
    if (!admission->is_same && admission->before != NULL && !admission_differences(admission, err))
        return false;
    if (admission->todo_count > 0)
        return refuse(admission, err);
    return admission_identity(admission, err);
}

/* Were all rows loaded anew since the shape before? */
static bool
is_reloaded(const Admission *admission, Text snapshot)
{
    int (*compare_positions)(Text a, Text b) = admission->watch->context->source->compare;

    return admission->before != NULL && snapshot.len > 0 && compare_positions != NULL &&
           compare_positions(admission->before->since, snapshot) < 0;
}

bool
schema_watch_admit(SchemaWatch *watch, Catalog *catalog, const SchemaShape *shape,
    const TargetTable **ret_base, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Admission admission = {.watch = watch,
        .catalog = catalog,
        .table = shape->table,
        .out = shape->out,
        .target = shape->target,
        .arena = arena};
    bool ok;

    *ret_base = shape->target;
    if (watch->memory == NULL)
        return true;
    admission.before =
        shape_memory_before(watch->memory, shape->table, shape->position, &admission.is_same);
    admission.is_reloaded = is_reloaded(&admission, shape->snapshot);
    ok = (shape->target != NULL || make_table(&admission, err)) &&
         compare(&admission, shape->arena, err);
    buf_clear(&admission.todo);
    if (!ok)
        return false;
    if (!admission.is_same)
        shape_memory_add(watch->memory, shape->table, shape->position, admission.source);
    *ret_base = admission.target;
    return true;
}
