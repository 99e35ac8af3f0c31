#include "ddl/stage.h"

#include "base/fault.h"
#include "ddl/template.h"

const char *
stage_header_type(const SqlDialect *sql, HeaderColumn header)
{
    switch (header) {
    case HEADER_OPCODE:
        return sql->types.opcode;
    case HEADER_TIMESTAMP:
        return sql->types.time;
    case HEADER_SERVICE:
        return sql->types.service;
    case HEADER_UNCHANGED:
        return sql->types.unchanged;
    case HEADER_SEQNO:
    case HEADER_ROW_ID:
    case HEADER_COUNT:
        break;
    }
    return sql->types.number;
}

static bool
names_equal(const SqlDialect *sql, Text a, Text b)
{
    return sql->fold_names ? text_equal_nocase(a, b) : text_equal(a, b);
}

static Text
header_name(const StageSpec *spec, size_t index)
{
    return spec->csv->header_names[spec->csv->header[index]];
}

/* ---- does it fit ---- */

/* Is there a staging table at all? Only one that has every header column may ever be dropped. */
static bool
has_header(
    const StageSpec *spec, const TargetTable *stage, const SqlDialect *sql, Text *ret_missing)
{
    for (size_t i = 0; i < spec->csv->header_count; i++) {
        *ret_missing = header_name(spec, i);
        if (target_table_column(stage, *ret_missing, sql->fold_names) == NULL)
            return false;
    }
    return true;
}

/* seqno and row_id are compared as numbers: as text 10 comes before 9. */
static bool
header_type_fits(HeaderColumn header, LogicalType logical)
{
    switch (header) {
    case HEADER_SEQNO:
    case HEADER_ROW_ID:
        return logical == LOGICAL_INT || logical == LOGICAL_UINT || logical == LOGICAL_NUMERIC;
    case HEADER_TIMESTAMP:
        return logical == LOGICAL_TIMESTAMP || logical == LOGICAL_TIMESTAMPTZ ||
               logical == LOGICAL_TEXT;
    case HEADER_OPCODE:
    case HEADER_SERVICE:
    case HEADER_UNCHANGED:
        return logical == LOGICAL_TEXT || logical == LOGICAL_OTHER;
    case HEADER_COUNT:
        break;
    }
    return false;
}

static bool
is_header(const StageSpec *spec, const SqlDialect *sql, Text name)
{
    for (size_t i = 0; i < spec->csv->header_count; i++)
        if (names_equal(sql, header_name(spec, i), name))
            return true;
    return false;
}

static bool
header_fits(const StageSpec *spec, const TargetTable *stage, const SqlDialect *sql, Buf *why)
{
    for (size_t i = 0; i < spec->csv->header_count; i++) {
        Text name = header_name(spec, i);
        const TargetColumn *column = target_table_column(stage, name, sql->fold_names);

        if (column == NULL)
            buf_addf(why, "column " TEXT_FMT " is missing", TEXT_ARG(name));
        else if (column->generated)
            buf_addf(why, "column " TEXT_FMT " is generated", TEXT_ARG(name));
        else if (!header_type_fits(spec->csv->header[i], column->logical))
            buf_addf(why, "column " TEXT_FMT " is of type " TEXT_FMT " and should be %s",
                TEXT_ARG(name), TEXT_ARG(column->type),
                stage_header_type(sql, spec->csv->header[i]));
        else
            continue;
        return false;
    }
    return true;
}

/* Case tells nothing in a type's name, but the labels of an enumeration apart. */
static bool
types_equal(Text a, Text b)
{
    return text_find(a, '\'') < a.len ? text_equal(a, b) : text_equal_nocase(a, b);
}

static bool
base_columns_fit(const StageSpec *spec, const TargetTable *stage, const SqlDialect *sql, Buf *why)
{
    for (size_t i = 0; i < spec->base->column_count; i++) {
        const TargetColumn *base = &spec->base->columns[i];
        const TargetColumn *column = target_table_column(stage, base->name, sql->fold_names);

        /* an audit table has the header columns itself */
        if (is_header(spec, sql, base->name))
            continue;
        if (column == NULL)
            buf_addf(why, "column " TEXT_FMT " is missing", TEXT_ARG(base->name));
        else if (column->generated)
            buf_addf(why, "column " TEXT_FMT " is generated", TEXT_ARG(base->name));
        else if (column->not_null)
            buf_addf(why, "column " TEXT_FMT " is NOT NULL: lines of deletes have only the key",
                TEXT_ARG(base->name));
        else if (!types_equal(column->type, base->type))
            buf_addf(why,
                "column " TEXT_FMT " is of type '" TEXT_FMT "', in the base table '" TEXT_FMT "'",
                TEXT_ARG(base->name), TEXT_ARG(column->type), TEXT_ARG(base->type));
        else
            continue;
        return false;
    }
    return true;
}

/* Columns and keys that a DBA added must take any line. */
static bool
additions_fit(const StageSpec *spec, const TargetTable *stage, const SqlDialect *sql, Buf *why)
{
    bool key_fits = stage->key_count == 0;

    for (size_t i = 0; i < stage->column_count; i++) {
        const TargetColumn *column = &stage->columns[i];

        if (!column->not_null || column->has_default || column->generated ||
            is_header(spec, sql, column->name) ||
            target_table_column(spec->base, column->name, sql->fold_names) != NULL)
            continue;
        buf_addf(why,
            "column " TEXT_FMT " is NOT NULL, has no default and is not in the base table",
            TEXT_ARG(column->name));
        return false;
    }
    for (size_t i = 0; i < stage->key_count; i++)
        key_fits |= names_equal(
            sql, stage->columns[stage->key[i]].name, spec->csv->header_names[HEADER_ROW_ID]);
    if (!key_fits)
        buf_addf(why, "its primary key has no column " TEXT_FMT ": a key may come in several lines",
            TEXT_ARG(spec->csv->header_names[HEADER_ROW_ID]));
    return key_fits;
}

bool
stage_fits(const StageSpec *spec, const TargetTable *stage, const SqlDialect *sql, Arena *arena,
    Text *ret_why)
{
    CLEANUP(buf_clear) Buf why = BUF_INIT;

    if (header_fits(spec, stage, sql, &why) && base_columns_fit(spec, stage, sql, &why) &&
        additions_fit(spec, stage, sql, &why))
        return true;
    *ret_why = arena_text(arena, buf_text(&why));
    return false;
}

/* ---- statements ---- */

static bool
check_names(const SqlDialect *sql, const StageSpec *spec, Error *err)
{
    if (names_equal(sql, spec->name, spec->base->name) &&
        (!sql->has_schemas || text_equal(spec->schema, spec->base->schema)))
        return error_set(err, ERR_CONFIG,
            "table " TEXT_FMT " would be its own staging table: set stage.table_prefix or "
            "stage.schema",
            TEXT_ARG(spec->base->name));
    return true;
}

static void
add_columns(const SqlDialect *sql, const StageSpec *spec, Buf *out)
{
    for (size_t i = 0; i < spec->csv->header_count; i++) {
        buf_add_string(out, i == 0 ? "    " : ",\n    ");
        sql_add_identifier(sql, header_name(spec, i), out);
        buf_addf(out, " %s%s", stage_header_type(sql, spec->csv->header[i]), sql->types.nullable);
    }
    for (size_t i = 0; i < spec->base->column_count; i++) {
        const TargetColumn *column = &spec->base->columns[i];

        if (is_header(spec, sql, column->name))
            continue;
        buf_add_string(out, out->len == 0 ? "    " : ",\n    ");
        sql_add_identifier(sql, column->name, out);
        if (column->type.len > 0)
            buf_addf(out, " " TEXT_FMT, TEXT_ARG(column->type));
        buf_add_string(out, sql->types.nullable);
    }
}

static bool
fill_template(const SqlDialect *sql, const StageSpec *spec, const char *template_path, Arena *arena,
    TemplateStatements *ret_statements, Error *err)
{
    CLEANUP(buf_clear) Buf stage = BUF_INIT;
    CLEANUP(buf_clear) Buf base = BUF_INIT;
    CLEANUP(buf_clear) Buf columns = BUF_INIT;
    TemplateParam params[3];

    sql_add_table(sql, spec->schema, spec->name, &stage);
    sql_add_table(sql, spec->base->schema, spec->base->name, &base);
    add_columns(sql, spec, &columns);
    params[0] = (TemplateParam){"STAGE_TABLE_FQN", buf_text(&stage)};
    params[1] = (TemplateParam){"BASE_TABLE_FQN", buf_text(&base)};
    params[2] = (TemplateParam){"COLUMNS", buf_text(&columns)};
    return template_load(template_path, sql, &(TemplateParams){params, ARRAY_LEN(params)}, arena,
        ret_statements, err);
}

bool
stage_print(
    const SqlDialect *sql, const StageSpec *spec, const char *template_path, Buf *out, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    TemplateStatements statements;

    if (!check_names(sql, spec, err) ||
        !fill_template(sql, spec, template_path, arena, &statements, err))
        return false;
    for (size_t i = 0; i < statements.count; i++) {
        buf_add_text(out, statements.items[i]);
        buf_add_string(out, ";\n");
    }
    return true;
}

/* ---- making it ---- */

typedef struct Preparation {
    Target *target;
    const SqlDialect *sql;
    const StageSpec *spec;
    const char *template_path;
    Arena *arena;
} Preparation;

static bool
run_statements(const Preparation *preparation, bool drop, Error *err)
{
    Target *target = preparation->target;
    const StageSpec *spec = preparation->spec;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    TemplateStatements statements;
    int64_t rows;

    if (!fill_template(preparation->sql, spec, preparation->template_path, preparation->arena,
            &statements, err))
        return false;
    buf_add_string(&sql, "DROP TABLE ");
    sql_add_table(preparation->sql, spec->schema, spec->name, &sql);
    if (drop && !target->driver->execute(target, buf_text(&sql), NULL, &rows, err))
        return error_wrap(err, "drop it");
    CRASH_POINT("stage.dropped");
    for (size_t i = 0; i < statements.count; i++)
        if (!target->driver->execute(target, statements.items[i], NULL, &rows, err))
            return error_wrap(err, "make it from %s", preparation->template_path);
    CRASH_POINT("stage.made");
    return true;
}

/* In one transaction where the target can, so that nobody ever sees half of it. */
static bool
make_stage(const Preparation *preparation, bool drop, Error *err)
{
    Target *target = preparation->target;
    bool unknown;

    if ((target->driver->abilities & TARGET_TRANSACTIONAL_DDL) == 0)
        return run_statements(preparation, drop, err);
    if (!target->driver->begin(target, err))
        return false;
    if (run_statements(preparation, drop, err) && target->driver->commit(target, &unknown, err))
        return true;
    target->driver->rollback(target);
    return false;
}

static bool
describe_stage(const Preparation *preparation, TargetTable **ret_stage, Error *err)
{
    Target *target = preparation->target;

    return target->driver->describe(target, preparation->spec->schema, preparation->spec->name,
        preparation->arena, ret_stage, err);
}

/* What is made must fit. Where making it failed, another process may have made it meanwhile. */
static bool
make_and_check(const Preparation *preparation, bool drop, Error *err)
{
    TargetTable *stage = NULL;
    Error failure;
    Text why;
    bool made = make_stage(preparation, drop, &failure);

    if (!made && failure.retriable) {
        *err = failure;
        return false;
    }
    if (!describe_stage(preparation, &stage, made ? err : &(Error){0})) {
        if (!made)
            *err = failure;
        return false;
    }
    if (stage != NULL &&
        stage_fits(preparation->spec, stage, preparation->sql, preparation->arena, &why))
        return true;
    if (!made) {
        *err = failure;
        return false;
    }
    if (stage == NULL)
        return error_set(err, ERR_TARGET, "%s did not make the table", preparation->template_path);
    return error_set(err, ERR_TARGET, "made from %s it does not fit: " TEXT_FMT,
        preparation->template_path, TEXT_ARG(why));
}

static bool
prepare(const Preparation *preparation, bool create, Error *err)
{
    const StageSpec *spec = preparation->spec;
    TargetTable *stage = NULL;
    Text missing;
    Text why;

    if (!describe_stage(preparation, &stage, err))
        return false;
    if (stage == NULL && !create)
        return error_set(err, ERR_TARGET,
            "it is missing: make it with dray ddl --execute, or set target.create_tables: stage");
    if (stage == NULL)
        return make_and_check(preparation, false, err);
    if (stage_fits(spec, stage, preparation->sql, preparation->arena, &why))
        return true;
    if (!has_header(spec, stage, preparation->sql, &missing))
        return error_set(err, ERR_TARGET,
            "a table of this name has no column " TEXT_FMT
            ": it is no staging table of ours and is left alone; rename it, or set "
            "stage.table_prefix or stage.column_prefix",
            TEXT_ARG(missing));
    if (!create)
        return error_set(err, ERR_TARGET,
            TEXT_FMT ": change or drop it, or set target.create_tables: stage", TEXT_ARG(why));
    return make_and_check(preparation, true, err);
}

bool
stage_prepare(
    Target *target, const StageSpec *spec, const char *template_path, bool create, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Preparation preparation = {target, target->driver->sql, spec, template_path, arena};

    if (!check_names(target->driver->sql, spec, err))
        return false;
    if (prepare(&preparation, create, err))
        return true;
    if (spec->schema.len > 0)
        return error_wrap(err, "staging table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(spec->schema),
            TEXT_ARG(spec->name));
    return error_wrap(err, "staging table " TEXT_FMT, TEXT_ARG(spec->name));
}
