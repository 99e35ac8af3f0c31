#include "apply/schema/missing.h"

#include "apply/schema/column_origin.h"
#include "base/log.h"

static int
policy_of(const Admission *admission)
{
    const TableRule *rule = admission->out->rule;

    if (rule != NULL && rule->schema_changes != SCHEMA_INHERIT)
        return rule->schema_changes;
    return admission->watch->context->config->target.schema_changes;
}

bool
admission_lacks(const Admission *admission)
{
    if (admission->target == NULL)
        return true;
    for (size_t i = 0; i < admission->out->column_count; i++)
        if (admission_column(admission, admission->out->columns[i].name) == NULL)
            return true;
    return false;
}

/* ---- ignore --------------------------------------------------------------------------------- */

static void
leave_out(Admission *admission, size_t index)
{
    OutTable *out = admission->out;

    memmove(out->columns + index, out->columns + index + 1,
        (out->column_count - index - 1) * sizeof(*out->columns));
    out->column_count--;
    for (size_t i = 0; i < out->key_count; i++)
        if (out->key[i] > index)
            out->key[i]--;
}

static void
leave_out_missing(Admission *admission)
{
    OutTable *out = admission->out;

    for (size_t i = 0; i < out->column_count;) {
        const OutColumn *column = &out->columns[i];

        if (column->in_key || admission_column(admission, column->name) != NULL) {
            i++;
            continue;
        }
        admission_warn(admission,
            "column " TEXT_FMT " is not in the target table %s and is left out, as "
            "schema_changes: ignore says; once the target has it, new rows carry it",
            TEXT_ARG(column->name), admission_table_sql(admission));
        leave_out(admission, i);
    }
}

/* ---- adding --------------------------------------------------------------------------------- */

/* Do rows that are older than the column have a value in the source that is not known here? */
static bool
old_values_are_lost(const Admission *admission, const OutColumn *column, const SourceColumn *source)
{
    Text name = admission_source_name(admission, column);

    /* the shape before had it, or there was none: it may be as old as the table. Where columns have
     * no numbers the catalogue does not know which of them were added */
    if (admission->before == NULL || admission_known(admission, name) != NULL || source == NULL)
        return source == NULL || source->added_value.data == NULL || source->number == 0;
    return source->added_value.data == NULL &&
           (source->has_default || source->not_null || source->is_identity);
}

static void
warn_old_values(const Admission *admission, const OutColumn *column)
{
    const SourceColumn *source =
        admission->source == NULL
            ? NULL
            : source_table_column(admission->source, admission_source_name(admission, column));

    if (!old_values_are_lost(admission, column, source))
        return;
    admission_warn(admission,
        "column " TEXT_FMT
        ": rows that are in the target already have %s in it; if they have other values in the "
        "source, dray verify %s --table " TEXT_FMT "." TEXT_FMT " --repair brings them",
        TEXT_ARG(column->name),
        source != NULL && source->added_value.data != NULL ? "its DEFAULT" : "NULL",
        admission->watch->context->config->path, TEXT_ARG(admission->table->schema),
        TEXT_ARG(admission->table->name));
}

/* False (retriable) where the target is away or the table is locked; *ret_done false with the
 * server's text in failure where it refuses. */
static bool
run_add(Admission *admission, Text sql, bool *ret_done, Error *failure, Error *err)
{
    Target *target = catalog_target(admission->catalog, err);
    const char *limit = admission->watch->context->target->sql->ddl.limit_wait;
    int64_t rows;

    if (target == NULL)
        return false;
    if (limit != NULL && !target->driver->execute(target, text_of(limit), NULL, &rows, err)) {
        catalog_disconnect(admission->catalog);
        return false;
    }
    *ret_done = target->driver->execute(target, sql, NULL, &rows, failure);
    if (*ret_done || !failure->retriable)
        return true;
    *err = *failure;
    catalog_disconnect(admission->catalog);
    return false;
}

static bool
add_column(Admission *admission, const OutColumn *column, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf warnings = BUF_INIT;
    BaseSpec spec;
    Error failure;
    bool done;

    if (!admission_spec(admission, &spec, err) ||
        !base_table_add_column(&spec, column, &sql, &warnings, err))
        return false;
    if (!run_add(admission, buf_text(&sql), &done, &failure, err))
        return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT ": %s",
            TEXT_ARG(admission->table->schema), TEXT_ARG(admission->table->name), sql.data);
    if (!admission_refresh(admission, err))
        return false;
    /* somebody else was faster, or the server took it and said otherwise */
    if (admission->target != NULL && admission_column(admission, column->name) != NULL) {
        log_line(LOG_INFO, "reader", "table " TEXT_FMT "." TEXT_FMT ": column added: %s",
            TEXT_ARG(admission->table->schema), TEXT_ARG(admission->table->name), sql.data);
        if (warnings.len > 0)
            admission_warn(admission, "%s", warnings.data);
        warn_old_values(admission, column);
        return true;
    }
    admission_add(admission,
        "column " TEXT_FMT " was added in the source, and cannot be added in the target (%s): run "
        "%s;",
        TEXT_ARG(column->name), done ? "it is not there afterwards" : failure.text, sql.data);
    return true;
}

/* ---- asking for it -------------------------------------------------------------------------- */

static const char *
rename_sql(const Admission *admission, const BaseSpec *spec, Text from, Text to)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    base_table_rename_column(spec, from, to, &sql);
    return arena_string(admission->arena, sql.data);
}

static void
ask_added(Admission *admission, const OutColumn *column, const char *sql)
{
    warn_old_values(admission, column);
    if (!column->in_key)
        admission_add(admission, "column " TEXT_FMT " was added in the source: run %s;",
            TEXT_ARG(column->name), sql);
    else
        admission_add(admission,
            "column " TEXT_FMT
            " of the key was added in the source: rows that are in the target have no value in it "
            "and cannot be found by it: run %s; and then dray bootstrap %s " TEXT_FMT "." TEXT_FMT
            " to load them anew",
            TEXT_ARG(column->name), sql, admission->watch->context->config->path,
            TEXT_ARG(admission->table->schema), TEXT_ARG(admission->table->name));
}

static void
ask_unknown(Admission *admission, const BaseSpec *spec, const OutColumn *column,
    const ColumnOrigin *origin, const char *sql)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    buf_addf(&text,
        "column " TEXT_FMT
        " is new in the source, and it is not known whether it was added or renamed: if it was "
        "added, run %s;",
        TEXT_ARG(column->name), sql);
    for (size_t i = 0; i < origin->count; i++)
        buf_addf(&text, " if " TEXT_FMT " was renamed to it, run %s;", TEXT_ARG(origin->names[i]),
            rename_sql(admission, spec, origin->names[i], column->name));
    admission_add(admission, "%s", text.data);
}

static bool
ask(Admission *admission, const OutColumn *column, const ColumnOrigin *origin, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    BaseSpec spec;

    if (!admission_spec(admission, &spec, err))
        return false;
    for (size_t i = 0; i < origin->count; i++)
        shape_memory_add_rename(
            admission->watch->memory, admission->table, origin->names[i], column->name);
    if (origin->kind == ORIGIN_RENAMED) {
        admission_add(admission, "column " TEXT_FMT " was renamed to " TEXT_FMT ": run %s;",
            TEXT_ARG(origin->names[0]), TEXT_ARG(column->name),
            rename_sql(admission, &spec, origin->names[0], column->name));
        return true;
    }
    if (!base_table_add_column(&spec, column, &sql, NULL, err))
        return false;
    if (origin->kind == ORIGIN_UNKNOWN)
        ask_unknown(admission, &spec, column, origin, sql.data);
    else
        ask_added(admission, column, sql.data);
    return true;
}

bool
admission_missing(Admission *admission, Error *err)
{
    const int policy = policy_of(admission);
    OutTable *out = admission->out;

    if (policy == SCHEMA_IGNORE)
        leave_out_missing(admission);
    for (size_t i = 0; i < out->column_count; i++) {
        const OutColumn *column = &out->columns[i];
        OriginQuestion question = {.table = admission->table,
            .out = out,
            .target = admission->target,
            .before = admission->before,
            .source = admission->source,
            .fold_names = admission->watch->context->target->sql->fold_names};
        ColumnOrigin origin;

        if (admission_column(admission, column->name) != NULL)
            continue;
        origin = column_origin(&question, column, admission->arena);
        if (policy == SCHEMA_ADD_COLUMNS && origin.kind == ORIGIN_ADDED && !column->in_key) {
            if (!add_column(admission, column, err))
                return false;
            if (admission->target == NULL)
                return error_set_retriable(err, ERR_TARGET, "the target table %s was dropped",
                    admission_table_sql(admission));
        } else if (!ask(admission, column, &origin, err)) {
            return false;
        }
    }
    return true;
}
