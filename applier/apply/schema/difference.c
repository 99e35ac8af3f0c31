#include "apply/schema/difference.h"

#include "ddl/type_name.h"

/* ---- dropped -------------------------------------------------------------------------------- */

static bool
shape_has(const Table *table, Text name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (text_equal(table->columns[i].name, name))
            return true;
    return false;
}

static bool
is_written(const Admission *admission, const TargetColumn *target)
{
    for (size_t i = 0; i < admission->out->column_count; i++)
        if (admission_column(admission, admission->out->columns[i].name) == target)
            return true;
    return false;
}

static bool
in_target_key(const TargetTable *target, const TargetColumn *column)
{
    for (size_t i = 0; i < target->key_count; i++)
        if (&target->columns[target->key[i]] == column)
            return true;
    return false;
}

static bool
ask_nullable(Admission *admission, const TargetColumn *column, Error *err)
{
    const SqlDialect *sql = admission->watch->context->target->sql;
    const TemplateParam params[] = {{"TABLE", text_of(admission_table_sql(admission))},
        {"COLUMN", text_of(admission_name_sql(admission, column->name))}, {"TYPE", column->type}};
    CLEANUP(buf_clear) Buf statement = BUF_INIT;
    TemplateStatements statements;

    if (sql->ddl.drop_not_null == NULL || in_target_key(admission->target, column)) {
        admission_add(admission,
            "column " TEXT_FMT
            " was dropped in the source, and must not be NULL in the target%s: make the target "
            "table anew without this, copy the rows, and rename it",
            TEXT_ARG(column->name),
            in_target_key(admission->target, column) ? ", as a part of its primary key" : "");
        return true;
    }
    buf_addf(&statement, "%s;", sql->ddl.drop_not_null);
    if (!template_fill("drop of NOT NULL", buf_text(&statement), sql,
            &(TemplateParams){params, ARRAY_LEN(params), NULL, 0}, admission->arena, &statements,
            err))
        return false;
    admission_add(admission,
        "column " TEXT_FMT
        " was dropped in the source, and must not be NULL in the target, where it has no DEFAULT: "
        "run " TEXT_FMT ";",
        TEXT_ARG(column->name), TEXT_ARG(statements.items[0]));
    return true;
}

static bool
admit_dropped(Admission *admission, Error *err)
{
    for (size_t i = 0; i < admission->before->column_count; i++) {
        Text source_name = admission->before->columns[i].name;
        const TargetColumn *column;

        if (shape_has(admission->table, source_name) ||
            rule_skips_column(admission->out->rule, source_name))
            continue;
        column = admission_column(admission, rule_column_name(admission->out->rule, source_name));
        if (column == NULL || column->generated || is_written(admission, column))
            continue;
        if (column->not_null && !column->has_default) {
            if (!ask_nullable(admission, column, err))
                return false;
        } else if (admission->todo_count == 0) {
            admission_warn(admission,
                "column " TEXT_FMT
                " was dropped in the source (or renamed, if a column was added here by hand): the "
                "target keeps it, new rows get its DEFAULT or NULL",
                TEXT_ARG(column->name));
        }
    }
    return true;
}

/* ---- another type, another column ----------------------------------------------------------- */

/* What the mapping tables make of a type of this column. The catalogue may be ahead of the stream:
 * then the shape's own text describes it. */
static bool
map_type(Admission *admission, const OutColumn *column, Text type, MappedType *ret_type, Error *err)
{
    Text name = admission_source_name(admission, column);
    const SourceColumn *source =
        admission->source == NULL ? NULL : source_table_column(admission->source, name);
    Column shape = admission->table->columns[column->source_index];
    Table table = {.schema = admission->table->schema,
        .name = admission->table->name,
        .columns = &shape,
        .column_count = 1};
    OutColumn out = *column;
    BaseSpec spec;

    if (!admission_spec(admission, &spec, err))
        return false;
    if (!text_equal(type, shape.type))
        shape.logical = LOGICAL_UNKNOWN;
    shape.type = type;
    out.source_index = 0;
    out.source_type = type;
    spec.table = &table;
    if (source == NULL || !text_equal(source->type, type))
        spec.source = NULL;
    return base_table_column_type(&spec, &out, admission->arena, ret_type, err);
}

static bool
ask_type(Admission *admission, const OutColumn *column, const KnownColumn *known, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    BaseSpec spec;
    const SourceColumn *source = NULL;
    Text type = column->source_type;

    if (!admission_spec(admission, &spec, err))
        return false;
    if (spec.source != NULL)
        source = source_table_column(spec.source, admission_source_name(admission, column));
    if (source == NULL || !text_equal(source->type, type))
        spec.source = NULL;
    if (!base_table_change_type(&spec, column, &sql, NULL, err))
        return false;
    if (text_starts_with(buf_text(&sql), "--"))
        admission_add(admission,
            "column " TEXT_FMT " was " TEXT_FMT " in the source and is " TEXT_FMT ": %s;",
            TEXT_ARG(column->name), TEXT_ARG(known->type), TEXT_ARG(type), sql.data + 3);
    else
        admission_add(admission,
            "column " TEXT_FMT " was " TEXT_FMT " in the source and is " TEXT_FMT ": run %s;",
            TEXT_ARG(column->name), TEXT_ARG(known->type), TEXT_ARG(type), sql.data);
    return true;
}

static bool
admit_type(Admission *admission, const OutColumn *column, const KnownColumn *known, Error *err)
{
    const TargetColumn *target = admission_column(admission, column->name);
    MappedType old;
    MappedType new;

    if (target == NULL || known->type.len == 0 || text_equal(known->type, column->source_type))
        return true;
    if (!map_type(admission, column, known->type, &old, err) ||
        !map_type(admission, column, column->source_type, &new, err))
        return false;
    if (type_name_equal(old.type, new.type) || type_name_equal(target->type, new.type))
        return true;
    if (type_name_equal(target->type, old.type))
        return ask_type(admission, column, known, err);
    admission_warn(admission,
        "column " TEXT_FMT " was " TEXT_FMT " in the source and is " TEXT_FMT
        "; the target's column has a type of its own and stays " TEXT_FMT,
        TEXT_ARG(column->name), TEXT_ARG(known->type), TEXT_ARG(column->source_type),
        TEXT_ARG(target->type));
    return true;
}

/* Dropped and added again under its name: rows that are older have other values now. */
static bool
admit_replaced(Admission *admission, const OutColumn *column, const KnownColumn *known, Error *err)
{
    const char *table = admission_table_sql(admission);
    const char *name = admission_name_sql(admission, column->name);
    const TargetColumn *target = admission_column(admission, column->name);
    CLEANUP(buf_clear) Buf add = BUF_INIT;
    BaseSpec spec;
    MappedType old;

    if (target == NULL)
        return true;
    if (!admission_spec(admission, &spec, err) ||
        !base_table_add_column(&spec, column, &add, NULL, err))
        return false;
    if (known->type.len > 0 && !text_equal(known->type, column->source_type)) {
        if (!map_type(admission, column, known->type, &old, err))
            return false;
        if (type_name_equal(target->type, old.type)) {
            admission_add(admission,
                "column " TEXT_FMT " was dropped in the source and added again as " TEXT_FMT
                ": run ALTER TABLE %s DROP COLUMN %s; run %s;",
                TEXT_ARG(column->name), TEXT_ARG(column->source_type), table, name, add.data);
            return true;
        }
    }
    if (!admission->is_reloaded)
        admission_warn(admission,
            "column " TEXT_FMT " was dropped in the source and added again, so that older rows "
            "lost their values there; "
            "the target keeps them unless you run ALTER TABLE %s DROP COLUMN %s; run %s;",
            TEXT_ARG(column->name), table, name, add.data);
    return true;
}

static bool
admit_columns(Admission *admission, Error *err)
{
    for (size_t i = 0; i < admission->out->column_count; i++) {
        const OutColumn *column = &admission->out->columns[i];
        Text name = admission_source_name(admission, column);
        const KnownColumn *known = admission_known(admission, name);
        int number = admission_number(admission, name);
        bool ok;

        if (known == NULL)
            continue;
        ok = known->number > 0 && number > 0 && known->number != number
                 ? admit_replaced(admission, column, known, err)
                 : admit_type(admission, column, known, err);
        if (!ok)
            return false;
    }
    return true;
}

/* ---- another key ---------------------------------------------------------------------------- */

static void
add_key_names(const Admission *admission, Buf *out)
{
    for (size_t i = 0; i < admission->out->key_count; i++)
        buf_addf(out, "%s%s", i == 0 ? "" : ", ",
            admission_name_sql(admission, admission->out->columns[admission->out->key[i]].name));
}

/* Is the target's primary key made of the same columns? */
static bool
is_target_key(const Admission *admission)
{
    const OutTable *out = admission->out;

    if (out->key_count != admission->target->key_count)
        return false;
    for (size_t i = 0; i < out->key_count; i++) {
        const TargetColumn *column = admission_column(admission, out->columns[out->key[i]].name);

        if (column == NULL || !in_target_key(admission->target, column))
            return false;
    }
    return true;
}

/* Was this column there before, maybe under another name? */
static bool
was_there(const Admission *admission, const OutColumn *column)
{
    Text name = admission_source_name(admission, column);
    int number = admission_number(admission, name);

    if (admission_known(admission, name) != NULL)
        return true;
    for (size_t i = 0; number > 0 && i < admission->before->column_count; i++)
        if (admission->before->columns[i].number == number)
            return true;
    return false;
}

static bool
key_has_new_column(const Admission *admission, const OutColumn **ret_column)
{
    for (size_t i = 0; i < admission->out->key_count; i++) {
        *ret_column = &admission->out->columns[admission->out->key[i]];
        if (!was_there(admission, *ret_column) &&
            admission_column(admission, (*ret_column)->name) != NULL)
            return true;
    }
    return false;
}

static bool
key_differs(const Admission *admission)
{
    size_t count = 0;

    for (size_t i = 0; i < admission->before->column_count; i++)
        count += admission->before->columns[i].in_key ? 1 : 0;
    for (size_t i = 0; i < admission->table->column_count; i++) {
        const Column *column = &admission->table->columns[i];
        const KnownColumn *known = admission_known(admission, column->name);

        if (column->in_key && (known == NULL || !known->in_key))
            return true;
        count -= column->in_key ? 1 : 0;
    }
    return count != 0;
}

static void
admit_new_key(Admission *admission)
{
    CLEANUP(buf_clear) Buf names = BUF_INIT;
    const OutColumn *column = NULL;

    if (!key_differs(admission) || is_target_key(admission))
        return;
    add_key_names(admission, &names);
    if (!admission->is_reloaded && key_has_new_column(admission, &column))
        admission_add(admission,
            "column " TEXT_FMT
            " of the key is new, so that the rows in the target have no value of the source in it "
            "and cannot be found by it: run dray bootstrap %s " TEXT_FMT "." TEXT_FMT
            " to load them anew, or fill it in and make (%s) the primary key of the target table",
            TEXT_ARG(column->name), admission->watch->context->config->path,
            TEXT_ARG(admission->table->schema), TEXT_ARG(admission->table->name), names.data);
    else
        admission_warn(admission,
            "its key is (%s) now, and rows are found by it; the primary key of the target table "
            "%s is another one: rows that it takes for the same stop the service, and without an "
            "index on (%s) merging is slow",
            names.data, admission_table_sql(admission), names.data);
}

static void
admit_key(Admission *admission)
{
    const TableRule *rule = admission->out->rule;

    if (rule != NULL && rule->key_count > 0)
        return;
    if (admission->table->has_key)
        admit_new_key(admission);
    else if (admission->before->has_key && admission->out->key_count > 0 &&
             context_script(admission->watch->context, rule)->needs_key)
        admission_add(admission,
            "the source's table has no key any more, and rows that it tells apart would be one "
            "under the primary key of the target table: give it a primary key or a REPLICA "
            "IDENTITY and run dray bootstrap %s " TEXT_FMT "." TEXT_FMT
            ", or write a rule with key: [column, …] or with merge_script: append.sql",
            admission->watch->context->config->path, TEXT_ARG(admission->table->schema),
            TEXT_ARG(admission->table->name));
}

bool
admission_differences(Admission *admission, Error *err)
{
    if (!admit_dropped(admission, err) || !admit_columns(admission, err))
        return false;
    admit_key(admission);
    return true;
}

/* ---- the key of a rule ---------------------------------------------------------------------- */

bool
admission_identity(Admission *admission, Error *err)
{
    const OutTable *out = admission->out;

    if (out->rule == NULL || out->rule->key_count == 0 || !admission->table->has_key)
        return true;
    for (size_t i = 0; i < out->key_count; i++) {
        const OutColumn *column = &out->columns[out->key[i]];

        if (admission->table->columns[column->source_index].in_key)
            continue;
        if (!admission_describe(admission, err))
            return false;
        if (admission->source == NULL || admission->source->identity == IDENTITY_FULL)
            return true;
        admission_warn(admission,
            "the key of its rule has the column " TEXT_FMT
            ", whose old value the source does not tell: an update or delete of this table will "
            "stop the service. Inserts do not. Give the table a REPLICA IDENTITY that has the key "
            "(USING INDEX, or FULL)",
            TEXT_ARG(column->name));
        return true;
    }
    return true;
}
