#include "apply/partition/retain.h"

#include "apply/partition/make.h"
#include "apply/partition/template.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"

static Text
state_schema(const PartitionJob *job)
{
    return text_of(job->context->config->target.position_schema);
}

static bool
is_over(const PartitionJob *job, const PartitionRow *row)
{
    return row->end_us != TIME_UNKNOWN && !text_equal(row->name, job->name) &&
           job->commit_us - row->end_us >= job->rule->partition->retain_ms * 1000;
}

/* ---- one old partition ---- */

typedef struct Attachment {
    bool belongs;
    bool is_attached;
} Attachment;

static bool
take_attachment(void *context, const Value *values, size_t count, Error *err)
{
    Attachment *attachment = context;

    (void)err;
    attachment->belongs = true;
    attachment->is_attached = count > 0 && values[0].kind == VALUE_TEXT &&
                              (text_is(values[0].text, "t") || text_is(values[0].text, "1"));
    return true;
}

static bool
find_attachment(const PartitionJob *old, Attachment *ret_attachment, Error *err)
{
    const SqlDialect *sql = old->target->driver->sql;
    CLEANUP(buf_clear) Buf partition = BUF_INIT;
    CLEANUP(buf_clear) Buf parent = BUF_INIT;
    CLEANUP(buf_clear) Buf query = BUF_INIT;

    *ret_attachment = (Attachment){false, false};
    if (sql->partition.attachment == NULL)
        return true;
    sql_add_table(sql, old->parent->schema, old->name, &partition);
    sql_add_table(sql, old->parent->schema, old->parent->name, &parent);
    sql->partition.attachment(buf_text(&partition), buf_text(&parent), &query);
    return old->target->driver->query(
        old->target, buf_text(&query), take_attachment, ret_attachment, err);
}

static bool
run_template(PartitionJob *old, Error *err)
{
    TemplateStatements statements;
    Attachment attachment;

    if (!find_attachment(old, &attachment, err))
        return false;
    {
        const TemplateFlag flags[] = {{"attached", attachment.is_attached},
            {"inherits", attachment.belongs && !attachment.is_attached}};

        return partition_statements(
                   old, old->expire_path, flags, ARRAY_LEN(flags), &statements, err) &&
               partition_run(old, old->expire_path, &statements, err);
    }
}

/* Another process may have let it go meanwhile; one that was dropped by hand only leaves its row.
 */
static bool
retire_work(PartitionJob *old, void *context, Error *err)
{
    const SqlPartition *sql = &old->target->driver->sql->partition;
    PartitionSight sight;
    Error ignored;
    int64_t rows;
    bool ok;

    (void)context;
    if (!partition_look(old, &sight, err))
        return false;
    if (sight.row == NULL)
        return true;
    if (sight.table != NULL) {
        ok = (sql->limit_wait == NULL || old->target->driver->execute(old->target,
                                             text_of(sql->limit_wait), NULL, &rows, err)) &&
             run_template(old, err);
        if (sql->unlimit_wait != NULL)
            (void)!old->target->driver->execute(
                old->target, text_of(sql->unlimit_wait), NULL, &rows, &ignored);
        if (!ok)
            return false;
        CRASH_POINT("partition.retired");
    }
    return partition_state_remove(old->target, state_schema(old), old->row.schema, old->name, err);
}

static bool
retire(const PartitionJob *job, const PartitionRow *row, Error *err)
{
    PartitionJob old = *job;
    bool drops = job->rule->partition->expire == EXPIRE_DROP;

    old.row = *row;
    old.name = row->name;
    old.partition = (Partition){row->suffix, row->start_us, row->end_us};
    if (!partition_in_lock(&old, retire_work, NULL, err)) {
        (void)partition_job_wrap(&old, err);
        return error_wrap(err, "cannot %s it", drops ? "drop" : "detach");
    }
    log_line(LOG_INFO, "loader", "partition " TEXT_FMT " of " TEXT_FMT " %s: its time is over",
        TEXT_ARG(row->name), TEXT_ARG(job->parent->name), drops ? "dropped" : "detached");
    return true;
}

/* ---- all of them ---- */

bool
partition_retire(PartitionJob *job, bool *ret_all, Error *err)
{
    PartitionRow *rows;
    size_t count;

    *ret_all = true;
    if (job->expire_path == NULL)
        return true;
    if (!partition_state_list(
            job->target, state_schema(job), &job->row, job->arena, &rows, &count, err))
        return false;
    for (size_t i = 0; *ret_all && i < count; i++) {
        if (!is_over(job, &rows[i]))
            continue;
        /* loading goes on without: that an old table stays harms nobody */
        if (!retire(job, &rows[i], err)) {
            if (err->kind == ERR_STOPPED)
                return false;
            log_line(LOG_WARN, "loader", "%s; will try again", err->text);
            *ret_all = false;
        }
    }
    return true;
}
