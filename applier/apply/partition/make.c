#include "apply/partition/make.h"

#include <inttypes.h>
#include <xxhash.h>

#include "apply/partition/template.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/stop.h"

/* How long another process may take to make a partition. */
#define LOCK_MS       60000
#define FIRST_WAIT_MS 5
#define LAST_WAIT_MS  200

static Text
state_schema(const PartitionJob *job)
{
    return text_of(job->context->config->target.position_schema);
}

/* ---- the lock ---- */

/* One for all partitions of a parent: making one may look at the others, and ATTACH waits for
 * another one anyway. */
static uint64_t
lock_number(const PartitionJob *job)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_add_string(&name, "dray_partition");
    buf_add_char(&name, '\0');
    buf_add_text(&name, job->parent->schema);
    buf_add_char(&name, '\0');
    buf_add_text(&name, job->parent->name);
    return XXH3_64bits(name.data, name.len);
}

static bool
take_answer(void *context, const Value *values, size_t count, Error *err)
{
    bool *yes = context;

    (void)err;
    *yes = count > 0 && values[0].kind == VALUE_TEXT &&
           (text_is(values[0].text, "t") || text_is(values[0].text, "1"));
    return true;
}

static bool
take_lock(const PartitionJob *job, Error *err)
{
    const TargetDriver *driver = job->target->driver;
    int64_t end_ms = clock_monotonic_ms() + LOCK_MS;
    CLEANUP(buf_clear) Buf query = BUF_INIT;

    if (driver->sql->partition.try_lock == NULL)
        return true;
    driver->sql->partition.try_lock(lock_number(job), &query);
    for (int64_t wait_ms = FIRST_WAIT_MS;; wait_ms = MIN(2 * wait_ms, LAST_WAIT_MS)) {
        bool is_ours = false;

        if (!driver->query(job->target, buf_text(&query), take_answer, &is_ours, err))
            return error_wrap(err, "lock");
        if (is_ours)
            return true;
        if (clock_monotonic_ms() > end_ms)
            return error_set_retriable(err, ERR_TARGET,
                "another process has been making partitions of " TEXT_FMT " for more than %d s",
                TEXT_ARG(job->parent->name), LOCK_MS / 1000);
        if (stop_wait(STOP_NOW, wait_ms))
            return error_set(err, ERR_STOPPED, "stopped while waiting for another process");
    }
}

/* A connection that is lost has no lock. */
static void
give_lock(const PartitionJob *job)
{
    const TargetDriver *driver = job->target->driver;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    Error ignored;
    int64_t rows;

    if (driver->sql->partition.unlock == NULL)
        return;
    driver->sql->partition.unlock(lock_number(job), &sql);
    (void)!driver->execute(job->target, buf_text(&sql), NULL, &rows, &ignored);
}

static bool
work_in_transaction(PartitionJob *job, PartitionWork *work, void *context, Error *err)
{
    const TargetDriver *driver = job->target->driver;
    bool unknown;

    if (!driver->begin(job->target, err))
        return false;
    /* where the outcome is not known the next try finds out */
    if (take_lock(job, err) && work(job, context, err) &&
        driver->commit(job->target, &unknown, err))
        return true;
    driver->rollback(job->target);
    return false;
}

bool
partition_in_lock(PartitionJob *job, PartitionWork *work, void *context, Error *err)
{
    bool ok;

    if ((job->target->driver->abilities & TARGET_TRANSACTIONAL_DDL) != 0)
        return work_in_transaction(job, work, context, err);
    if (!take_lock(job, err))
        return false;
    ok = work(job, context, err);
    give_lock(job);
    return ok;
}

/* ---- what is there ---- */

bool
partition_look(PartitionJob *job, PartitionSight *ret_sight, Error *err)
{
    *ret_sight = (PartitionSight){NULL, NULL};
    return job->target->driver->describe(
               job->target, job->parent->schema, job->name, job->arena, &ret_sight->table, err) &&
           partition_state_find(job->target, state_schema(job), job->row.schema, job->name,
               job->arena, &ret_sight->row, err);
}

bool
partition_lacks(const PartitionJob *job, const TargetTable *table, size_t column)
{
    const TargetColumn *wanted = &job->parent->columns[column];

    return !wanted->generated &&
           target_table_column(table, wanted->name, job->target->driver->sql->fold_names) == NULL;
}

/* ---- columns that the parent has got meanwhile ---- */

static bool
adds_columns(const PartitionJob *job)
{
    int policy = job->rule->schema_changes;

    if (policy == SCHEMA_INHERIT)
        policy = job->context->config->target.schema_changes;
    return policy == SCHEMA_ADD_COLUMNS;
}

static bool
add_column_sql(const PartitionJob *job, const TargetColumn *column, Buf *out, Error *err)
{
    const SqlDialect *sql = job->target->driver->sql;
    CLEANUP(buf_clear) Buf value = BUF_INIT;

    if (!partition_column_default(job, column, &value, err))
        return false;
    buf_add_string(out, "ALTER TABLE ");
    sql_add_table(sql, job->parent->schema, job->name, out);
    buf_add_string(out, " ADD COLUMN ");
    sql_add_identifier(sql, column->name, out);
    buf_addf(out, " " TEXT_FMT "%s", TEXT_ARG(column->type), sql->types.nullable);
    if (value.len > 0)
        buf_addf(out, " DEFAULT %s", value.data);
    return true;
}

/* Does the block have values for it? */
static bool
is_in_file(const PartitionJob *job, const TargetColumn *column)
{
    bool fold = job->target->driver->sql->fold_names;

    for (size_t i = 0; i < job->file->column_count; i++) {
        Text name = job->file->columns[i].name;

        if (text_equal(name, column->name) || (fold && text_equal_nocase(name, column->name)))
            return true;
    }
    return false;
}

/* Not added by Dray: it must be there before the block is. */
static bool
ask_for_column(const PartitionJob *job, const TargetColumn *column, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (!is_in_file(job, column))
        return true;
    if (!add_column_sql(job, column, &sql, err))
        return false;
    return error_set_retriable(err, ERR_SCHEMA,
        "it lacks the column " TEXT_FMT " that its parent " TEXT_FMT
        " has: run %s; or write schema_changes: add_columns (dray goes on by itself once it is "
        "there)",
        TEXT_ARG(column->name), TEXT_ARG(job->parent->name), sql.data);
}

static bool
add_column(const PartitionJob *job, const TargetColumn *column, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    if (!add_column_sql(job, column, &sql, err))
        return false;
    if (!job->target->driver->execute(job->target, buf_text(&sql), NULL, &rows, err))
        return error_wrap(err, "%s", sql.data);
    CRASH_POINT("partition.column_added");
    log_line(LOG_INFO, "loader", "partition " TEXT_FMT ": column added: %s", TEXT_ARG(job->name),
        sql.data);
    return true;
}

static bool
set_wait(const PartitionJob *job, const char *sql, Error *err)
{
    int64_t rows;

    return sql == NULL || job->target->driver->execute(job->target, text_of(sql), NULL, &rows, err);
}

static bool
fit_columns(const PartitionJob *job, const TargetTable *table, Error *err)
{
    const SqlPartition *sql = &job->target->driver->sql->partition;
    bool adds = adds_columns(job);
    Error ignored;
    bool ok = !adds || set_wait(job, sql->limit_wait, err);

    for (size_t i = 0; ok && i < job->parent->column_count; i++)
        if (partition_lacks(job, table, i))
            ok = adds ? add_column(job, &job->parent->columns[i], err)
                      : ask_for_column(job, &job->parent->columns[i], err);
    if (adds)
        (void)!set_wait(job, sql->unlimit_wait, &ignored);
    return ok;
}

/* ---- making it ---- */

static bool
write_row(PartitionJob *job, bool is_making, Error *err)
{
    job->row.is_making = is_making;
    return partition_state_write(
        job->target, state_schema(job), text_of(job->context->config->service), &job->row, err);
}

static bool
run_template(PartitionJob *job, Error *err)
{
    TemplateStatements statements;
    PartitionSight sight;

    if (!partition_make_statements(job, &statements, err) ||
        !partition_run(job, job->make_path, &statements, err))
        return false;
    CRASH_POINT("partition.made");
    if (!partition_look(job, &sight, err))
        return false;
    return sight.table != NULL || error_set(err, ERR_SCRIPT, "%s has made no table " TEXT_FMT,
                                      job->make_path, TEXT_ARG(job->name));
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

/* A table without its last statements, of a process that has died or of this try. Only an empty one
 * is dropped. */
static bool
drop_half_made(PartitionJob *job, Error *err)
{
    const TargetDriver *driver = job->target->driver;
    CLEANUP(buf_clear) Buf table = BUF_INIT;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    bool has_rows = false;
    int64_t rows;

    sql_add_table(driver->sql, job->parent->schema, job->name, &table);
    buf_addf(&sql, "SELECT 1 FROM %s LIMIT 1", table.data);
    if (!driver->query(job->target, buf_text(&sql), take_any, &has_rows, err))
        return false;
    if (has_rows)
        return error_set(err, ERR_TARGET,
            "the table %s is half made (its row in dray_partition says making: a process died "
            "while it ran the template), but has rows: complete it by hand and then set its state "
            "to ready, or drop it",
            table.data);
    buf_reset(&sql, 256);
    buf_addf(&sql, "DROP TABLE %s", table.data);
    return driver->execute(job->target, buf_text(&sql), NULL, &rows, err);
}

/* After a failure: best effort, the next try does it again. */
static void
undo(PartitionJob *job)
{
    PartitionSight sight;
    Error ignored;

    if (partition_look(job, &sight, &ignored) &&
        (sight.table == NULL || drop_half_made(job, &ignored)))
        (void)!partition_state_remove(
            job->target, state_schema(job), job->row.schema, job->name, &ignored);
}

/* Where every statement commits: who finds the row making, and has the lock, knows that nobody is
 * at it any more. */
static bool
make_in_steps(PartitionJob *job, Error *err)
{
    if (!write_row(job, true, err))
        return false;
    CRASH_POINT("partition.making");
    if (run_template(job, err))
        return write_row(job, false, err);
    undo(job);
    return false;
}

static bool
make(PartitionJob *job, Error *err)
{
    if ((job->target->driver->abilities & TARGET_TRANSACTIONAL_DDL) == 0)
        return make_in_steps(job, err);
    return run_template(job, err) && write_row(job, false, err);
}

static bool
make_work(PartitionJob *job, void *context, Error *err)
{
    bool *made = context;
    PartitionSight sight;

    if (!partition_look(job, &sight, err))
        return false;
    if (sight.table != NULL && sight.row != NULL && sight.row->is_making) {
        if (!drop_half_made(job, err))
            return false;
        sight.table = NULL;
    }
    *made = sight.table == NULL;
    if (sight.table == NULL)
        return make(job, err);
    return (sight.row != NULL || write_row(job, false, err)) && fit_columns(job, sight.table, err);
}

bool
partition_make(PartitionJob *job, bool *ret_made, Error *err)
{
    if (!partition_in_lock(job, make_work, ret_made, err))
        return false;
    if (*ret_made)
        log_line(LOG_INFO, "loader", "partition " TEXT_FMT " of " TEXT_FMT " made from %s",
            TEXT_ARG(job->name), TEXT_ARG(job->parent->name), job->make_path);
    return true;
}
