#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/stop.h"
#include "target/mysql.h"

#define SHOWN_WARNINGS 3

static bool
is_one_of(unsigned number, const unsigned *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

void
target_mysql_classify(unsigned number, const char *sqlstate, const char *message,
    ErrorKind *ret_kind, bool *ret_retriable)
{
    static const ErrorKind kinds[] = {
        [MYSQL_FAULT_CONNECTION] = ERR_TARGET,
        [MYSQL_FAULT_RIGHTS] = ERR_TARGET,
        [MYSQL_FAULT_DATA] = ERR_DATA,
        [MYSQL_FAULT_STATEMENT] = ERR_SCRIPT,
    };

    *ret_kind = kinds[client_mysql_fault(number, sqlstate, message, ret_retriable)];
}

bool
target_mysql_error(MysqlTarget *target, MYSQL *mysql, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    unsigned number = mysql_errno(mysql);
    const char *sqlstate = mysql_sqlstate(mysql);
    ErrorKind kind;
    bool retriable;

    target_mysql_classify(number, sqlstate, mysql_error(mysql), &kind, &retriable);
    client_mysql_add_message(&target->options.client, mysql_error(mysql), &text);
    if (client_mysql_is_lost(number))
        target->lost = true;
    (void)error_set(err, kind, "%s (error %u)", buf_string(&text), number);
    err->retriable = retriable;
    if (!client_mysql_is_own_error(number))
        (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate);
    if (number == 1317 && stop_level() >= STOP_NOW) {
        err->kind = ERR_STOPPED;
        err->retriable = false;
    }
    return false;
}

bool
target_mysql_lose(MysqlTarget *target, Error *err)
{
    client_mysql_cut(target->mysql);
    target->lost = true;
    return error_set_retriable(err, ERR_TARGET, "connection lost: injected fault");
}

/* ---- the file of LOAD DATA LOCAL ---- */

static int
file_open_fn(void **ret_file, const char *name, void *context)
{
    MysqlTarget *target = context;

    (void)name;
    *ret_file = target;
    target->piece = TEXT("");
    target->refused = target->feed == NULL;
    if (target->refused)
        return 1;
    target->feed_failed = !load_feed_rewind(target->feed, &target->feed_error);
    return target->feed_failed ? 1 : 0;
}

static bool
next_piece(MysqlTarget *target, Error *err)
{
    if (stop_level() >= STOP_NOW)
        return error_set(err, ERR_STOPPED, "stopped while loading");
    if (FAULT("mysql.load"))
        return target_mysql_lose(target, err);
    return load_feed_read(target->feed, &target->piece, err);
}

static int
file_read_fn(void *file, char *data, unsigned len)
{
    MysqlTarget *target = file;
    size_t part;

    if (target->feed == NULL)
        return -1;
    if (target->piece.len == 0 && !next_piece(target, &target->feed_error)) {
        target->feed_failed = true;
        return -1;
    }
    part = MIN(target->piece.len, (size_t)len);
    memcpy(data, target->piece.data, part);
    target->piece = (Text){target->piece.data + part, target->piece.len - part};
    return (int)part;
}

static void
file_end_fn(void *file)
{
    (void)file;
}

/* The library keeps the text as its own error; ours is in feed_error. */
static int
file_error_fn(void *file, char *text, unsigned len)
{
    (void)file;
    (void)snprintf(text, len, "the CSV file could not be read");
    return 1; /* not one of the numbers that mean a lost connection */
}

void
target_mysql_serve_files(MysqlTarget *target)
{
    mysql_set_local_infile_handler(
        target->mysql, file_open_fn, file_read_fn, file_end_fn, file_error_fn, target);
}

/* ---- results ---- */

/* One result set, row by row. After a refused row the others are thrown away. */
static bool
take_rows(MysqlTarget *target, MYSQL_RES *result, TargetRowFn *function, void *context, Error *err)
{
    bool ok = true;
    MYSQL_ROW row;

    while ((row = mysql_fetch_row(result)) != NULL)
        if (ok && function != NULL)
            ok = client_mysql_give_row(result, row, function, context, err);
    if (ok && mysql_errno(target->mysql) != 0)
        ok = target_mysql_error(target, target->mysql, err);
    mysql_free_result(result);
    return ok;
}

static bool
take_results(
    MysqlTarget *target, TargetRowFn *function, void *context, int64_t *ret_rows, Error *err)
{
    MYSQL *mysql = target->mysql;
    bool ok = true;
    int more;

    for (;;) {
        MYSQL_RES *result = mysql_use_result(mysql);
        Error ignored;

        if (result != NULL)
            ok = take_rows(target, result, function, context, ok ? err : &ignored) && ok;
        else if (mysql_field_count(mysql) != 0)
            return ok ? target_mysql_error(target, mysql, err) : false;
        *ret_rows = (int64_t)mysql_affected_rows(mysql);
        more = mysql_next_result(mysql);
        if (more > 0)
            return ok ? target_mysql_error(target, mysql, err) : false;
        if (more < 0)
            return ok;
    }
}

static bool
send_statement(MysqlTarget *target, Text sql, Error *err)
{
    /* an empty text is a server error, as it should be */
    if (mysql_real_query(target->mysql, sql.data == NULL ? "" : sql.data, sql.len) != 0)
        return target_mysql_error(target, target->mysql, err);
    return true;
}

bool
target_mysql_rows(MysqlTarget *target, Text sql, TargetRowFn *row, void *context, Error *err)
{
    int64_t rows;

    return send_statement(target, sql, err) && take_results(target, row, context, &rows, err);
}

/* ---- warnings ---- */

typedef struct Warnings {
    const MysqlTarget *target;
    Buf text;
    size_t count;
} Warnings;

/* Level, code, message. */
static bool
take_warning(void *context, const Value *values, size_t count, Error *err)
{
    /* about the statement's spelling, or the binary log */
    static const unsigned harmless[] = {1287, 1592, 1618, 1681, 1682, 3719, 3778, 3779};
    Warnings *warnings = context;
    uint64_t number = 0;

    (void)err;
    if (count < 3 || text_is(values[0].text, "Note") || !text_to_u64(values[1].text, &number) ||
        is_one_of((unsigned)number, harmless, ARRAY_LEN(harmless)))
        return true;
    if (warnings->count++ < SHOWN_WARNINGS) {
        CLEANUP(buf_clear) Buf message = BUF_INIT;

        buf_add_text(&message, values[2].text);
        buf_add_string(&warnings->text, warnings->count == 1 ? "" : "; ");
        client_mysql_add_message(
            &warnings->target->options.client, buf_string(&message), &warnings->text);
        buf_addf(&warnings->text, " (%" PRIu64 ")", number);
    }
    return true;
}

/* "Records: 3  Deleted: 0  Skipped: 1  Warnings: 1" */
static uint64_t
skipped_rows(const char *info)
{
    const char *found = info == NULL ? NULL : strstr(info, "Skipped: ");
    uint64_t count = 0;

    if (found != NULL)
        count = strtoull(found + strlen("Skipped: "), NULL, 10);
    return count;
}

static bool
check_warnings(MysqlTarget *target, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    unsigned announced = mysql_warning_count(target->mysql);
    uint64_t skipped = skipped_rows(mysql_info(target->mysql));
    Warnings warnings = {.target = target, .text = BUF_INIT};
    bool ok = true;

    if (announced == 0 && skipped == 0)
        return true;
    if (announced > 0)
        ok = target_mysql_rows(target, TEXT("SHOW WARNINGS"), take_warning, &warnings, err);
    if (ok && (warnings.count > 0 || skipped > 0)) {
        if (skipped > 0)
            buf_addf(&text, "%" PRIu64 " row%s skipped", skipped, skipped == 1 ? "" : "s");
        if (warnings.count > 0)
            buf_addf(&text, "%s%u warning%s: %s", skipped > 0 ? ", " : "", announced,
                announced == 1 ? "" : "s", buf_string(&warnings.text));
        if (warnings.count > SHOWN_WARNINGS)
            buf_add_string(&text, " …");
        ok = error_set(err, ERR_DATA, "rows would be changed or lost: %s", buf_string(&text));
    }
    buf_clear(&warnings.text);
    return ok;
}

/* Behind white space and comments; the comments that MySQL executes count as text. */
static Text
first_word(Text sql)
{
    size_t at = 0;
    size_t len = 0;

    while (at < sql.len) {
        Text rest = {sql.data + at, sql.len - at};

        if (isspace((unsigned char)sql.data[at]) || sql.data[at] == '(') {
            at++;
        } else if (sql.data[at] == '#' || text_starts_with(rest, "--")) {
            at += text_find(rest, '\n');
        } else if (text_starts_with(rest, "/*") && !text_starts_with(rest, "/*!") &&
                   !text_starts_with(rest, "/*M!")) {
            const char *end = memmem(rest.data + 2, rest.len - 2, "*/", 2);

            at = end == NULL ? sql.len : (size_t)(end - sql.data) + 2;
        } else {
            break;
        }
    }
    while (at + len < sql.len && isalpha((unsigned char)sql.data[at + len]))
        len++;
    return (Text){sql.data + at, len};
}

static bool
changes_rows(Text sql)
{
    static const char *const words[] = {"INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD", "WITH"};
    Text word = first_word(sql);

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text_equal_nocase(word, text_of(words[i])))
            return true;
    return false;
}

/* ---- statements ---- */

static bool
run_statement(MysqlTarget *target, Text sql, int64_t *ret_rows, Error *err)
{
    target->refused = false;
    target->feed_failed = false;
    if (!send_statement(target, sql, err)) {
        if (target->feed_failed)
            *err = target->feed_error;
        else if (target->refused)
            return error_set(err, ERR_SCRIPT, "LOAD DATA LOCAL: there is no CSV file to load here");
        return false;
    }
    if (!take_results(target, NULL, NULL, ret_rows, err))
        return false;
    return !changes_rows(sql) || check_warnings(target, err);
}

static bool
run_in_own_transaction(MysqlTarget *target, Text sql, int64_t *ret_rows, Error *err)
{
    Error ignored;
    int64_t rows;

    if (!run_statement(target, TEXT("START TRANSACTION"), &rows, err))
        return false;
    if (run_statement(target, sql, ret_rows, err) &&
        run_statement(target, TEXT("COMMIT"), &rows, err))
        return true;
    if (!target->lost)
        (void)!run_statement(target, TEXT("ROLLBACK"), &rows, &ignored);
    return false;
}

bool
target_mysql_run(MysqlTarget *target, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err)
{
    bool ok;

    if (target->lost)
        return error_set_retriable(err, ERR_TARGET, "the connection was lost before");
    target->feed = feed;
    if (feed == NULL || target->base.driver->in_transaction(&target->base) ||
        !text_equal_nocase(first_word(sql), TEXT("LOAD")))
        ok = run_statement(target, sql, ret_rows, err);
    else
        ok = run_in_own_transaction(target, sql, ret_rows, err);
    target->feed = NULL;
    return ok;
}
