#include "target/sqlite.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"
#include "target/sqlite_functions.h"
#include "target/sqlite_value.h"

static const Field sqlite_fields[] = {
    {"path", FIELD_PATH, offsetof(SqliteOptions, path), NULL, 0, 0, NULL,
        FIELD_REQUIRED | FIELD_FILLED, "The database file; it is made when it is missing."},
    {"busy_timeout", FIELD_TIME, offsetof(SqliteOptions, busy_timeout_ms), "30s", 0,
        INT64_C(86400000), NULL, 0, "How long to wait for a lock that another process holds."},
    {"synchronous", FIELD_CHOICE, offsetof(SqliteOptions, synchronous), "full", 0, 0, "full|normal",
        0,
        "With full a committed block survives a power failure; with normal the last blocks may be "
        "lost after the source was told that they are safe."},
    {"journal_mode", FIELD_CHOICE, offsetof(SqliteOptions, journal_mode), "wal", 0, 0, "wal|delete",
        0,
        "The journal: wal lets others read during a commit block, delete works on file systems "
        "without shared memory."},
    {"foreign_keys", FIELD_BOOL, offsetof(SqliteOptions, foreign_keys), "false", 0, 0, NULL, 0,
        "Enforce foreign keys on this connection."},
    {NULL},
};

/* ---- errors ---- */

typedef enum CodeClass {
    CODE_BUSY,
    CODE_INTERRUPTED,
    CODE_DATA,
    CODE_SCRIPT,
    CODE_TARGET,
} CodeClass;

static CodeClass
code_class(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return CODE_BUSY;
    case SQLITE_INTERRUPT:
        return CODE_INTERRUPTED;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return CODE_DATA;
    case SQLITE_ERROR:
    case SQLITE_AUTH:
    case SQLITE_SCHEMA:
    case SQLITE_RANGE:
        return CODE_SCRIPT;
    default:
        return CODE_TARGET;
    }
}

/* " at line 2, column 8 of the statement", where SQLite tells. */
static void
add_place(SqliteTarget *target, Text sql, Buf *out)
{
    int at = sql.data == NULL ? -1 : sqlite3_error_offset(target->db);
    int line = 1;
    int column = 1;

    if (at < 0 || (size_t)at > sql.len)
        return;
    for (int i = 0; i < at; i++) {
        column = sql.data[i] == '\n' ? 1 : column + 1;
        line += sql.data[i] == '\n';
    }
    buf_addf(out, " at line %d, column %d of the statement", line, column);
}

/* SQLite's texts for disk trouble leave out what the system said. */
static void
add_system_error(SqliteTarget *target, int code, Buf *out)
{
    int primary = code & 0xff;
    int number = sqlite3_system_errno(target->db);

    if (primary != SQLITE_IOERR && primary != SQLITE_CANTOPEN && primary != SQLITE_FULL)
        return;
    buf_addf(out, " (code %d", code);
    if (number != 0)
        buf_addf(out, ": %s", strerror(number));
    buf_add_char(out, ')');
}

bool
sqlite_error(SqliteTarget *target, int code, Text sql, Error *err)
{
    CLEANUP(buf_clear) Buf detail = BUF_INIT;
    int extended = sqlite3_extended_errcode(target->db);
    const char *text = sqlite3_errmsg(target->db);

    if ((extended & 0xff) == (code & 0xff))
        code = extended;
    else
        text = sqlite3_errstr(code);
    add_place(target, sql, &detail);
    add_system_error(target, code, &detail);
    switch (code_class(code)) {
    case CODE_BUSY:
        return error_set_retriable(err, ERR_TARGET, "%s: %s", target->path, text);
    case CODE_INTERRUPTED:
        if (stop_level() == STOP_NOW)
            return error_set(err, ERR_STOPPED, "stopped");
        return error_set_retriable(err, ERR_TARGET, "%s: %s", target->path, text);
    case CODE_DATA:
        return error_set(err, ERR_DATA, "%s%s", text, buf_string(&detail));
    case CODE_SCRIPT:
        return error_set(err, ERR_SCRIPT, "%s%s", text, buf_string(&detail));
    case CODE_TARGET:
        break;
    }
    return error_set(err, ERR_TARGET, "%s: %s%s", target->path, text, buf_string(&detail));
}

bool
sqlite_run(SqliteTarget *target, const char *sql, Error *err)
{
    int code = sqlite3_exec(target->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK || sqlite_error(target, code, TEXT_NONE, err);
}

/* ---- connection ---- */

static SqliteTarget *
sqlite_of(Target *target)
{
    return (SqliteTarget *)(void *)target;
}

static int
wait_busy(void *context, int count)
{
    SqliteTarget *target = context;
    int64_t now = clock_monotonic_ms();

    if (count == 0)
        target->busy_since_ms = now;
    if (atomic_load(&target->cancelled) || now - target->busy_since_ms >= target->busy_timeout_ms)
        return 0;
    return !stop_wait(STOP_NOW, count < 6 ? INT64_C(1) << count : 50);
}

static int
keep_first_value(void *context, int count, char **values, char **names)
{
    Buf *value = context;

    (void)names;
    if (count > 0 && values[0] != NULL && value->len == 0)
        buf_add_string(value, values[0]);
    return 0;
}

static bool
pragma_value(SqliteTarget *target, const char *pragma, Buf *value, Error *err)
{
    int code = sqlite3_exec(target->db, pragma, keep_first_value, value, NULL);

    return code == SQLITE_OK || sqlite_error(target, code, TEXT_NONE, err);
}

/* A mode that is already set takes no lock. */
static bool
set_journal_mode(SqliteTarget *target, SqliteJournal mode, Error *err)
{
    CLEANUP(buf_clear) Buf before = BUF_INIT;
    CLEANUP(buf_clear) Buf after = BUF_INIT;
    const char *wanted = mode == JOURNAL_WAL ? "wal" : "delete";

    if (!pragma_value(target, "PRAGMA journal_mode", &before, err))
        return false;
    if (text_is(buf_text(&before), wanted))
        return true;
    if (!pragma_value(target,
            mode == JOURNAL_WAL ? "PRAGMA journal_mode = wal" : "PRAGMA journal_mode = delete",
            &after, err))
        return error_wrap(err, "set journal_mode %s", wanted);
    if (!text_is(buf_text(&after), wanted))
        return error_set(err, ERR_TARGET, "%s: journal_mode is '%s' and cannot be set to '%s'",
            target->path, buf_string(&after), wanted);
    return true;
}

static const char *
synchronous_pragma(const SqliteOptions *options)
{
    if (options->synchronous == SYNCHRONOUS_NORMAL)
        return "PRAGMA synchronous = normal";
    /* without a write-ahead log, full leaves the journal's removal to the system: a power failure
     * could undo a committed block */
    return options->journal_mode == JOURNAL_DELETE ? "PRAGMA synchronous = extra"
                                                   : "PRAGMA synchronous = full";
}

static bool
set_up(SqliteTarget *target, const SqliteOptions *options, Error *err)
{
    int code;

    (void)sqlite3_extended_result_codes(target->db, 1);
    (void)sqlite3_busy_handler(target->db, wait_busy, target);
    /* else a misspelt "column" is a string constant */
    (void)sqlite3_db_config(target->db, SQLITE_DBCONFIG_DQS_DML, 0, (int *)NULL);
    (void)sqlite3_db_config(target->db, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)NULL);
    code = sqlite_functions_add(target->db);
    if (code != SQLITE_OK)
        return sqlite_error(target, code, TEXT_NONE, err);
    return set_journal_mode(target, (SqliteJournal)options->journal_mode, err) &&
           sqlite_run(target, synchronous_pragma(options), err) &&
           sqlite_run(target,
               options->foreign_keys ? "PRAGMA foreign_keys = on" : "PRAGMA foreign_keys = off",
               err);
}

static void
sqlite_close(Target *base)
{
    SqliteTarget *target = sqlite_of(base);

    if (target == NULL)
        return;
    (void)sqlite3_close_v2(target->db);
    free(target->path);
    free(target);
}

static Target *
sqlite_open(const void *untyped, Error *err)
{
    const SqliteOptions *options = untyped;
    SqliteTarget *target = calloc(1, sizeof(*target));
    int code;

    if (target == NULL)
        abort();
    target->base.driver = &target_sqlite;
    target->path = text_dup(text_of(options->path));
    target->busy_timeout_ms = options->busy_timeout_ms;
    target->synchronous = (SqliteSynchronous)options->synchronous;
    if (FAULT("sqlite.open")) {
        (void)error_set_errno(err, ERR_TARGET, "open %s", options->path);
        sqlite_close(&target->base);
        return NULL;
    }
    code = sqlite3_open_v2(options->path, &target->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (target->db == NULL)
        abort();
    if (code == SQLITE_OK ? !set_up(target, options, err)
                          : !sqlite_error(target, code, TEXT_NONE, err)) {
        (void)error_wrap(err, "open database");
        sqlite_close(&target->base);
        return NULL;
    }
    return &target->base;
}

/* ---- transactions ---- */

static bool
sqlite_in_transaction(Target *base)
{
    return sqlite3_get_autocommit(sqlite_of(base)->db) == 0;
}

static bool
sqlite_begin(Target *base, Error *err)
{
    SqliteTarget *target = sqlite_of(base);

    atomic_store(&target->cancelled, false);
    if (FAULT("sqlite.begin"))
        return error_set_errno(err, ERR_TARGET, "%s: begin", target->path);
    return sqlite_run(target, "BEGIN IMMEDIATE", err) || error_wrap(err, "begin");
}

static void
sqlite_rollback(Target *base)
{
    if (sqlite_in_transaction(base))
        (void)sqlite3_exec(sqlite_of(base)->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool
sqlite_commit(Target *base, bool *ret_unknown, Error *err)
{
    SqliteTarget *target = sqlite_of(base);
    int code;

    *ret_unknown = false;
    CRASH_POINT("sqlite.before_commit");
    if (FAULT("sqlite.commit"))
        return error_set_retriable(err, ERR_TARGET, "%s: commit: made to fail", target->path);
    if (FAULT("sqlite.commit_unsent")) {
        *ret_unknown = true;
        sqlite_rollback(base);
        return error_set_retriable(err, ERR_TARGET, "%s: commit: made to be lost", target->path);
    }
    code = sqlite3_exec(target->db, "COMMIT", NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        /* the commit record may have reached the disk though its fsync failed: whoever opens the
         * file next would find it */
        *ret_unknown = (code & 0xff) == SQLITE_IOERR;
        (void)sqlite_error(target, code, TEXT_NONE, err);
        return error_wrap(err, "commit");
    }
    CRASH_POINT("sqlite.after_commit");
    if (FAULT("sqlite.commit_lost")) {
        *ret_unknown = true;
        return error_set_retriable(err, ERR_TARGET, "%s: commit: made to be lost", target->path);
    }
    return true;
}

static void
sqlite_cancel(Target *base)
{
    SqliteTarget *target = sqlite_of(base);

    atomic_store(&target->cancelled, true);
    sqlite3_interrupt(target->db);
}

/* ---- statements ---- */

/* Without white space and comments in front. */
static Text
skip_blank(Text sql)
{
    for (;;) {
        const char *end = NULL;

        while (sql.len > 0 && isspace((unsigned char)sql.data[0]))
            sql = (Text){sql.data + 1, sql.len - 1};
        if (text_starts_with(sql, "--"))
            end = memchr(sql.data, '\n', sql.len);
        else if (text_starts_with(sql, "/*") && sql.len > 3) {
            end = memmem(sql.data + 2, sql.len - 2, "*/", 2);
            end = end == NULL ? NULL : end + 1;
        } else
            return sql;
        if (end == NULL)
            return (Text){sql.data + sql.len, 0};
        end++;
        sql = (Text){end, sql.len - (size_t)(end - sql.data)};
    }
}

static bool
begins_with_word(Text sql, const char *word)
{
    size_t len = strlen(word);

    return sql.len >= len && text_equal_nocase((Text){sql.data, len}, text_of(word)) &&
           (sql.len == len || (!isalnum((unsigned char)sql.data[len]) && sql.data[len] != '_'));
}

/* sqlite3_changes64() keeps the number of an earlier statement unless this one changes rows. */
static bool
counts_rows(Text sql, sqlite3_stmt *statement)
{
    return sqlite3_stmt_readonly(statement) == 0 &&
           (begins_with_word(sql, "INSERT") || begins_with_word(sql, "UPDATE") ||
               begins_with_word(sql, "DELETE") || begins_with_word(sql, "REPLACE") ||
               begins_with_word(sql, "WITH"));
}

static void
statement_free(sqlite3_stmt *statement)
{
    (void)sqlite3_finalize(statement);
}
CLEANUP_DEFINE(sqlite3_stmt *, statement_free);

/* Exactly one statement. *ret_statement stays NULL where there are only comments. */
static bool
prepare_one(SqliteTarget *target, Text sql, sqlite3_stmt **ret_statement, Error *err)
{
    CLEANUP(statement_free) sqlite3_stmt *statement = NULL;
    CLEANUP(statement_free) sqlite3_stmt *second = NULL;
    const char *tail;
    const char *end = sql.data + sql.len;
    int code;

    if (sql.len > INT32_MAX)
        return error_set(err, ERR_SCRIPT, "the statement is longer than 2 GiB");
    if (sql.len > 0 && memchr(sql.data, '\0', sql.len) != NULL)
        return error_set(err, ERR_SCRIPT, "the statement holds a NUL byte");
    code = sqlite3_prepare_v2(target->db, sql.data, (int)sql.len, &statement, &tail);
    if (code != SQLITE_OK)
        return sqlite_error(target, code, sql, err);
    while (statement != NULL && tail < end) {
        const char *next;

        code = sqlite3_prepare_v2(target->db, tail, (int)(end - tail), &second, &next);
        if (code != SQLITE_OK || second != NULL)
            return error_set(err, ERR_SCRIPT, "one statement is expected, more follows: \"%.*s\"",
                (int)MIN(end - tail, 40), tail);
        tail = next;
    }
    *ret_statement = STEAL(statement);
    return true;
}

static bool
run_statement(SqliteTarget *target, Text sql, int64_t *ret_rows, Error *err)
{
    CLEANUP(statement_free) sqlite3_stmt *statement = NULL;
    int code;

    if (!prepare_one(target, sql, &statement, err))
        return false;
    *ret_rows = -1;
    if (statement == NULL)
        return true;
    do
        code = sqlite3_step(statement);
    while (code == SQLITE_ROW);
    if (code != SQLITE_DONE)
        return sqlite_error(target, code, sql, err);
    if (counts_rows(skip_blank(sql), statement))
        *ret_rows = sqlite3_changes64(target->db);
    return true;
}

static bool
sqlite_execute(Target *base, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err)
{
    SqliteTarget *target = sqlite_of(base);
    Text start = skip_blank(sql);

    atomic_store(&target->cancelled, false);
    if (FAULT("sqlite.execute"))
        return error_set_errno(err, ERR_TARGET, "%s: execute", target->path);
    if (begins_with_word(start, ".import"))
        return sqlite_import(target, (Text){start.data + 7, start.len - 7}, feed, ret_rows, err);
    if (text_starts_with(start, "."))
        return error_set(err, ERR_SCRIPT, "dot command \"%.*s\": only .import is known",
            (int)MIN(start.len, (size_t)40), start.data);
    return run_statement(target, sql, ret_rows, err);
}

/* 17 digits name every double; take the fewest that name this one. */
static void
add_real(Buf *out, double real)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    buf_add_string(out, text);
}

static void
add_value(sqlite3_stmt *statement, int column, Buf *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *data;
    int len;

    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_FLOAT:
        add_real(out, sqlite3_column_double(statement, column));
        return;
    case SQLITE_BLOB:
        data = sqlite3_column_blob(statement, column);
        len = sqlite3_column_bytes(statement, column);
        for (int i = 0; i < len; i++) {
            buf_add_char(out, digits[data[i] >> 4]);
            buf_add_char(out, digits[data[i] & 15]);
        }
        return;
    default:
        data = sqlite3_column_text(statement, column);
        len = sqlite3_column_bytes(statement, column);
        if (data != NULL)
            buf_add(out, data, (size_t)len);
    }
}

typedef struct Row {
    Arena *arena;
    Value *values;
    size_t *ends;
    Buf bytes;
} Row;

static void
row_clear(Row *row)
{
    arena_free(row->arena);
    buf_clear(&row->bytes);
}

static void
row_clear_auto(Row *row)
{
    row_clear(row);
}

/* The bytes may move while they grow: the views are made at the end. */
static void
row_fill(Row *row, sqlite3_stmt *statement, size_t count)
{
    size_t start = 0;

    buf_reset(&row->bytes, 65536);
    (void)buf_reserve(&row->bytes, 1);
    for (size_t i = 0; i < count; i++) {
        bool is_null = sqlite3_column_type(statement, (int)i) == SQLITE_NULL;

        row->values[i].kind = is_null ? VALUE_NULL : VALUE_TEXT;
        if (!is_null)
            add_value(statement, (int)i, &row->bytes);
        row->ends[i] = row->bytes.len;
    }
    for (size_t i = 0; i < count; i++) {
        row->values[i].text = row->values[i].kind == VALUE_NULL
                                  ? TEXT_NONE
                                  : (Text){row->bytes.data + start, row->ends[i] - start};
        start = row->ends[i];
    }
}

static bool
sqlite_query(Target *base, Text sql, TargetRowFn *row_fn, void *context, Error *err)
{
    SqliteTarget *target = sqlite_of(base);
    CLEANUP(statement_free) sqlite3_stmt *statement = NULL;
    CLEANUP(row_clear) Row row = {.arena = arena_new()};
    size_t count;
    int code;

    atomic_store(&target->cancelled, false);
    if (FAULT("sqlite.query"))
        return error_set_errno(err, ERR_TARGET, "%s: query", target->path);
    if (!prepare_one(target, sql, &statement, err))
        return false;
    if (statement == NULL)
        return error_set(err, ERR_SCRIPT, "a query is expected");
    count = (size_t)sqlite3_column_count(statement);
    row.values = ARENA_ARRAY(row.arena, Value, count + 1);
    row.ends = ARENA_ARRAY(row.arena, size_t, count + 1);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        row_fill(&row, statement, count);
        if (!row_fn(context, row.values, count, err))
            return false;
    }
    return code == SQLITE_DONE || sqlite_error(target, code, sql, err);
}

/* ---- catalogue ---- */

static Text
column_text(sqlite3_stmt *statement, int column, Arena *arena)
{
    const char *data = (const char *)sqlite3_column_text(statement, column);
    int len = sqlite3_column_bytes(statement, column);

    return arena_text(arena, data == NULL ? TEXT("") : (Text){data, (size_t)len});
}

/* The collation belongs to the type: a staging column must compare as the base column does. */
static void
describe_collation(SqliteTarget *target, const char *table, TargetColumn *column, Arena *arena)
{
    const char *collation = NULL;
    int code = sqlite3_table_column_metadata(
        target->db, NULL, table, column->name.data, NULL, &collation, NULL, NULL, NULL);

    if (code != SQLITE_OK || collation == NULL || sqlite3_stricmp(collation, "BINARY") == 0)
        return;
    column->is_text = true;
    column->type = text_of(arena_printf(arena, TEXT_FMT "%sCOLLATE \"%s\"", TEXT_ARG(column->type),
        column->type.len == 0 ? "" : " ", collation));
}

static void
describe_column(sqlite3_stmt *statement, TargetTable *table, Arena *arena)
{
    TargetColumn *column = &table->columns[table->column_count];
    int place = sqlite3_column_int(statement, 4);

    column->name = column_text(statement, 0, arena);
    column->type = column_text(statement, 1, arena);
    column->logical = sqlite_value_logical(column->type);
    column->not_null = sqlite3_column_int(statement, 2) != 0;
    column->has_default = sqlite3_column_int(statement, 3) != 0;
    column->generated = sqlite3_column_int(statement, 5) != 0;
    if (place > 0) {
        table->key[place - 1] = table->column_count;
        table->key_count = MAX(table->key_count, (size_t)place);
    }
    table->column_count++;
}

static bool
describe_columns(
    SqliteTarget *target, sqlite3_stmt *statement, TargetTable *table, Arena *arena, Error *err)
{
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (table->columns == NULL) {
            size_t count = (size_t)sqlite3_column_int(statement, 6);

            table->columns = ARENA_ARRAY(arena, TargetColumn, count);
            table->key = ARENA_ARRAY(arena, size_t, count);
        }
        describe_column(statement, table, arena);
    }
    return code == SQLITE_DONE || sqlite_error(target, code, TEXT_NONE, err);
}

static bool
sqlite_describe(
    Target *base, Text schema, Text name, Arena *arena, TargetTable **ret_table, Error *err)
{
    static const char sql[] = "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden, "
                              "count(*) OVER () FROM pragma_table_xinfo(?1) ORDER BY cid";
    SqliteTarget *target = sqlite_of(base);
    CLEANUP(statement_free) sqlite3_stmt *statement = NULL;
    TargetTable *table = ARENA_NEW(arena, TargetTable);
    int code;

    (void)schema;
    if (FAULT("sqlite.describe"))
        return error_set_errno(
            err, ERR_TARGET, "%s: describe table " TEXT_FMT, target->path, TEXT_ARG(name));
    code = sqlite3_prepare_v2(target->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text64(statement, 1, name.data, name.len, SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK)
        return sqlite_error(target, code, TEXT_NONE, err);
    table->schema = TEXT("");
    table->name = arena_text(arena, name);
    if (!describe_columns(target, statement, table, arena, err))
        return error_wrap(err, "describe table " TEXT_FMT, TEXT_ARG(name));
    for (size_t i = 0; i < table->column_count; i++)
        describe_collation(target, table->name.data, &table->columns[i], arena);
    *ret_table = table->column_count == 0 ? NULL : table;
    return true;
}

/* ---- check ---- */

static bool
sqlite_check(Target *base, Buf *report, Error *err)
{
    SqliteTarget *target = sqlite_of(base);
    CLEANUP(buf_clear) Buf journal = BUF_INIT;
    CLEANUP(buf_clear) Buf encoding = BUF_INIT;

    if (!pragma_value(target, "PRAGMA journal_mode", &journal, err) ||
        !pragma_value(target, "PRAGMA encoding", &encoding, err))
        return false;
    buf_addf(report, "SQLite %s, %s: journal_mode %s, synchronous %s, encoding %s\n",
        sqlite3_libversion(), target->path, buf_string(&journal),
        target->synchronous == SYNCHRONOUS_FULL ? "full" : "normal", buf_string(&encoding));
    if (target->synchronous == SYNCHRONOUS_NORMAL)
        buf_add_string(report, "warning: with synchronous: normal a power failure can lose blocks "
                               "that the source was told are safe\n");
    if (sqlite3_db_readonly(target->db, "main") == 1)
        return error_set(err, ERR_TARGET, "%s: the database is read-only", target->path);
    if (!sqlite_begin(base, err))
        return false;
    sqlite_rollback(base);
    return true;
}

const TargetDriver target_sqlite = {
    .name = "sqlite",
    .summary = "SQLite database file",
    .fields = sqlite_fields,
    .options_size = sizeof(SqliteOptions),
    .abilities = TARGET_TRANSACTIONS | TARGET_TRANSACTIONAL_DDL,
    .sql = &sql_dialect_sqlite,
    .null_word = {"null", 4},
    .notation =
        {
            .bytes = BYTES_HEX,
            .bools = BOOL_DIGITS,
            .zone = ZONE_KEPT,
            .geometry = GEOMETRY_EWKT,
            .numeric_nan = true,
            .numeric_infinity = true,
            .float_special = true,
            .infinite_dates = true,
            .bc_dates = true,
            .zero_dates = true,
            .max_year = 0,
            .fraction_digits = 18,
            .max_hours = 0,
        },
    .open = sqlite_open,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .in_transaction = sqlite_in_transaction,
    .execute = sqlite_execute,
    .query = sqlite_query,
    .describe = sqlite_describe,
    .check = sqlite_check,
    .cancel = sqlite_cancel,
};
