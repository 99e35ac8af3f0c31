#include "apply/deletes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "block/csv.h"
#include "ddl/stage.h"

#define READ_SIZE ((size_t)16 * 1024)

#define TABLE_FMT    TEXT_FMT "." TEXT_FMT
#define TABLE_ARG(f) TEXT_ARG((f)->schema), TEXT_ARG((f)->table)

/* One D line, to be named. */
typedef struct DeleteLine {
    const CsvDialect *dialect;
    CsvReader *reader;
    uint64_t line; /* 0: none was found */
    char seqno[24];
    char row_id[24];
} DeleteLine;

static DeletePolicy
policy(const MergePlan *plan)
{
    return plan->rule == NULL ? DELETES_ERROR : (DeletePolicy)plan->rule->deletes;
}

bool
deletes_check(const Context *context, const Block *block, const MergePlan *plan, Error *err)
{
    const CsvDialect *dialect = &block->manifest.dialect;
    Text name = dialect->header_names[HEADER_OPCODE];

    if (!plan->script->has_deletes || policy(plan) != DELETES_KEEP)
        return true;
    if (dialect_header_at(dialect, HEADER_OPCODE) == dialect->header_count)
        return error_set(err, ERR_CONFIG,
            "table " TABLE_FMT ": deletes: keep needs the opcode in the CSV files, and "
            "stage.header_columns is without it",
            TABLE_ARG(plan->file));
    if (target_table_column(plan->base, name, context->target->sql->fold_names) != NULL)
        return true;
    return error_set(err, ERR_CONFIG,
        "table " TABLE_FMT ": under deletes: keep its target table " TEXT_FMT
        " needs a column " TEXT_FMT " (of type %s, nullable) for the opcode, which tells a "
        "deleted row from the others: add it, or set deletes: ignore",
        TABLE_ARG(plan->file), TEXT_ARG(plan->base->name), TEXT_ARG(name),
        stage_header_type(context->target->sql, HEADER_OPCODE));
}

/* ---- the line ---- */

static void
keep_number(const CsvDialect *dialect, HeaderColumn column, const Value *values, size_t count,
    char *ret_text, size_t size)
{
    size_t at = dialect_header_at(dialect, column);
    uint64_t number;

    if (at < MIN(count, dialect->header_count) && values[at].kind == VALUE_TEXT &&
        text_to_u64(values[at].text, &number))
        (void)snprintf(ret_text, size, "%" PRIu64, number);
}

/* Ends the reading at the first D line. */
static bool
on_record(void *context, const Value *values, size_t count, Error *err)
{
    DeleteLine *found = context;
    size_t at = dialect_header_at(found->dialect, HEADER_OPCODE);
    Opcode opcode;

    if (at >= MIN(count, found->dialect->header_count) || values[at].kind != VALUE_TEXT ||
        !opcode_parse(values[at].text, &opcode) || opcode != OPCODE_D)
        return true;
    found->line = block_csv_line(found->reader);
    keep_number(found->dialect, HEADER_SEQNO, values, count, found->seqno, sizeof(found->seqno));
    keep_number(found->dialect, HEADER_ROW_ID, values, count, found->row_id, sizeof(found->row_id));
    return error_set(err, ERR_DATA, "found");
}

/* Up to the first D line. */
static bool
read_lines(const char *path, CsvReader *reader, Error *err)
{
    CLEANUP(file_close) int fd = file_open(path, 0, err);
    char piece[READ_SIZE];
    size_t len = 1;

    while (fd >= 0 && len > 0)
        if (!file_read(fd, piece, sizeof(piece), path, &len, err) ||
            !block_csv_feed(reader, (Text){piece, len}, err))
            return false;
    return fd >= 0;
}

/* A file that cannot be read has no such line: it is refused all the same. */
static void
find_line(const Block *block, const BlockFile *file, DeleteLine *found)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    CLEANUP(block_csv_free) CsvReader *reader = NULL;
    Error ignored;
    char *path;

    buf_add_text(&name, file->name);
    path = file_join(block->path, buf_string(&name));
    reader = block_csv_new(found->dialect, path, on_record, found);
    found->reader = reader;
    (void)read_lines(path, reader, &ignored);
    free(path);
}

/* ---- refusing ---- */

#define WAYS_OUT                                                                               \
    "%s has no way to delete, and the table's rule says deletes: error: say deletes: keep (a " \
    "row of its own, with the opcode) or deletes: ignore, or choose another merge_script"

static bool
refuse_truncate(const MergePlan *plan, Error *err)
{
    return error_set(err, ERR_DATA,
        "table " TABLE_FMT ": it was truncated in the source (seqno %" PRIu64 "): " WAYS_OUT,
        TABLE_ARG(plan->file), plan->file->truncate_seqno, plan->script->path);
}

/* Blocks of other scripts write the old key of an update as D. */
static bool
may_be_updates(const MergePlan *plan)
{
    const uint64_t *rows = plan->file->rows;

    return plan->script->distinguishes && rows[OPCODE_UD] == 0 && rows[OPCODE_UI] == 0 &&
           rows[OPCODE_I] > 0;
}

static bool
refuse_delete(const Block *block, const MergePlan *plan, Error *err)
{
    const BlockFile *file = plan->file;
    DeleteLine found = {.dialect = &block->manifest.dialect, .seqno = "?", .row_id = "?"};
    CLEANUP(buf_clear) Buf place = BUF_INIT;

    find_line(block, file, &found);
    if (found.line > 0)
        buf_addf(&place, " line %" PRIu64 " (row_id %s, seqno %s)", found.line, found.row_id,
            found.seqno);
    return error_set(err, ERR_DATA,
        "table " TABLE_FMT ": CSV file " TEXT_FMT
        "%s: a row was deleted in the source%s: " WAYS_OUT,
        TABLE_ARG(file), TEXT_ARG(file->name), buf_string(&place),
        may_be_updates(plan) ? ", or updated: a block that was written for another merge script "
                               "does not tell the two apart"
                             : "",
        plan->script->path);
}

bool
deletes_refuse(const Block *block, const BlockPlan *plan, Error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const MergePlan *one = &plan->plans[i];
        bool ok = true;

        if (one->script == NULL || !one->script->has_deletes || policy(one) != DELETES_ERROR)
            continue;
        if (one->file->truncate)
            ok = refuse_truncate(one, err);
        else if (one->file->rows[OPCODE_D] > 0)
            ok = refuse_delete(block, one, err);
        if (!ok)
            return error_wrap(err, "block %" PRIu64, block->manifest.first_seqno);
    }
    return true;
}
