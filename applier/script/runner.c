#include "script/runner.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "script/command.h"

/* What every error of a statement begins with: place in the script, table, CSV file. */
static bool
wrap(const ScriptRun *run, const ScriptStatement *statement, Error *err)
{
    /* a load has named it already, with the line */
    if (run->feed != NULL && !text_starts_with(text_of(err->text), "CSV file "))
        (void)error_wrap(err, "CSV file " TEXT_FMT, TEXT_ARG(load_feed_file(run->feed)->name));
    if (run->table.data != NULL && run->table.len > 0)
        return error_wrap(err, "%s:%d: table " TEXT_FMT, run->script->path, statement->line,
            TEXT_ARG(run->table));
    return error_wrap(err, "%s:%d", run->script->path, statement->line);
}

/* ---- the line of a failed load ---- */

/* The number behind the first mark in the text. */
static bool
number_behind(const char *text, const char *mark, uint64_t *ret_number)
{
    const char *found = strstr(text, mark);
    size_t len = 0;

    if (found == NULL)
        return false;
    found += strlen(mark);
    while (isdigit((unsigned char)found[len]))
        len++;
    return text_to_u64((Text){found, len}, ret_number);
}

/* The physical line on which the nth record begins: LOAD DATA counts records, whose values may hold
 * line ends. A quote inside a value is doubled, so that every quote byte turns inside into outside.
 */
static bool
line_of_record(LoadFeed *feed, uint64_t record, uint64_t *ret_line)
{
    Error ignored = {0};
    bool inside = false;
    uint64_t line = 1;
    Text piece;

    if (!load_feed_rewind(feed, &ignored))
        return false;
    while (record > 1) {
        if (!load_feed_read(feed, &piece, &ignored) || piece.len == 0)
            return false;
        for (size_t i = 0; i < piece.len && record > 1; i++) {
            if (piece.data[i] == '"')
                inside = !inside;
            if (piece.data[i] != '\n')
                continue;
            line++;
            if (!inside)
                record--;
        }
    }
    *ret_line = line;
    return true;
}

/* Prepend the CSV file, and its line where the server's text tells one. */
static bool
wrap_load(LoadFeed *feed, Error *err)
{
    Text name = load_feed_file(feed)->name;
    const char *copy;
    Error ignored = {0};
    uint64_t served;
    uint64_t row_id;
    uint64_t seqno;
    uint64_t line;
    bool found;

    assert(err != NULL);
    /* "COPY stage_orders, line 3, column amount"; "… for column 'amount' at row 3" */
    copy = strstr(err->text, "COPY ");
    found = copy != NULL && number_behind(copy, ", line ", &served);
    if (!found)
        found =
            number_behind(err->text, " at row ", &served) && line_of_record(feed, served, &served);
    if (found && load_feed_locate(feed, served, &row_id, &seqno, &line, &ignored))
        return error_wrap(err,
            "CSV file " TEXT_FMT " line %" PRIu64 " (row_id %" PRIu64 ", seqno %" PRIu64 ")",
            TEXT_ARG(name), line, row_id, seqno);
    return error_wrap(err, "CSV file " TEXT_FMT, TEXT_ARG(name));
}

/* ---- statements ---- */

static bool
run_load(Target *target, const ScriptRun *run, Text sql, int64_t *ret_rows, Error *err)
{
    if (run->feed == NULL)
        return error_set(err, ERR_INTERNAL, "a streamed load without a file");
    /* the script may load the file twice */
    if (!load_feed_rewind(run->feed, err))
        return false;
    if (!target->driver->execute(target, sql, run->feed, ret_rows, err))
        return wrap_load(run->feed, err);
    if (load_feed_is_finished(run->feed))
        return true;
    (void)error_set(err, ERR_SCRIPT, "the load did not read the file to its end");
    return wrap_load(run->feed, err);
}

/* Of the rows whose values lines leave out, each must be in the base table; one that the target has
 * lost is never loaded with NULL in their place. */
static bool
check_unchanged(const ScriptRun *run, uint64_t rows, uint64_t expected, Error *err)
{
    if (rows == expected || (rows < expected && merge_params_allow(run->params, CONDITION_AGAIN)))
        return true;
    if (merge_params_in_partition(run->params))
        return error_set(err, ERR_DATA,
            "%" PRIu64 " lines leave out values that updates left unchanged, and the partition has "
            "the rows of %" PRIu64 " of them only; they are not looked for in other partitions: "
            "give the source table REPLICA IDENTITY FULL",
            expected, rows);
    return error_set(err, ERR_DATA,
        "%" PRIu64 " lines leave out values that updates left unchanged, and the target has the "
        "rows of %" PRIu64 " of them only: it lacks rows that the source has updated; dray verify "
        "--repair brings them in, dray bootstrap loads the table anew",
        expected, rows);
}

static bool
check_rows(const ScriptRun *run, const ScriptStatement *statement, int64_t rows, Error *err)
{
    const ScriptPiece *expect = statement->expect_rows;
    const ParamValue *value = NULL;
    uint64_t expected;
    Text text;

    if (expect == NULL)
        return true;
    if (expect->parameter.data != NULL)
        value = merge_params_get(run->params, expect->parameter);
    text = value != NULL ? value->raw : expect->text;
    if (text.data == NULL || !text_to_u64(text, &expected))
        return error_set(err, ERR_SCRIPT, "@expect rows: %%%%" TEXT_FMT "%%%% is not a number",
            TEXT_ARG(expect->parameter));
    if (rows < 0)
        return error_set(err, ERR_SCRIPT,
            "@expect rows %" PRIu64 ": the target does not tell how many rows it changed",
            expected);
    if (value != NULL && text_is(expect->parameter, "UNCHANGED_ROWS"))
        return check_unchanged(run, (uint64_t)rows, expected, err);
    if ((uint64_t)rows != expected)
        return error_set(err, ERR_SCRIPT,
            "%" PRIu64 " rows expected, the statement changed %" PRId64, expected, rows);
    return true;
}

static bool
run_sql(
    Target *target, const ScriptRun *run, const ScriptStatement *statement, Text sql, Error *err)
{
    int64_t rows = -1;
    bool ok;

    if (statement->kind == STATEMENT_LOAD_STREAMED)
        ok = run_load(target, run, sql, &rows, err);
    else
        ok = target->driver->execute(target, sql, NULL, &rows, err);
    if (!ok)
        return false;
    if (run->in_transaction && !target->driver->in_transaction(target))
        return error_set(err, ERR_SCRIPT,
            "the statement ended the block's transaction (it commits implicitly); what it had "
            "changed until then is committed");
    return check_rows(run, statement, rows, err);
}

static bool
run_command(const ScriptRun *run, const Buf *command, Error *err)
{
    const ParamValue *service = merge_params_get(run->params, TEXT("SERVICE"));

    return command_run(
        buf_string(command), service == NULL ? "" : service->raw.data, run->time_limit_ms, err);
}

static bool
run_statement(Target *target, const ScriptRun *run, const ScriptStatement *statement,
    ScriptTiming *timing, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    int64_t started = clock_monotonic_us();
    int64_t *time;
    bool ok;

    /* its errors name the place already */
    if (!script_fill(run->script, statement, run->params, &text, err))
        return false;
    if (statement->is_command)
        ok = run_command(run, &text, err);
    else
        ok = run_sql(target, run, statement, buf_text(&text), err);
    if (!ok)
        return wrap(run, statement, err);
    if (timing == NULL)
        return true;
    time = statement->kind == STATEMENT_LOAD_STREAMED ? &timing->load_us : &timing->merge_us;
    *time += clock_monotonic_us() - started;
    return true;
}

bool
script_run(
    Target *target, const ScriptRun *run, ScriptSection section, ScriptTiming *timing, Error *err)
{
    for (size_t i = 0; i < run->script->counts[section]; i++) {
        const ScriptStatement *statement = &run->script->sections[section][i];

        if (!merge_params_allow(run->params, statement->condition) ||
            (run->loads_only && statement->kind != STATEMENT_LOAD_STREAMED))
            continue;
        if (!run_statement(target, run, statement, timing, err))
            return false;
    }
    return true;
}
