#include <inttypes.h>

#include "base/fault.h"
#include "target/mysql.h"

#define NO_SUCH_TABLE    1146
#define NO_SUCH_DATABASE 1049
#define SMALL_PACKET     (UINT64_C(16) * 1024 * 1024)

LogicalType
target_mysql_logical(Text type)
{
    LogicalType logical = logical_type_of_mysql(type);

    /* the session is in UTC, and LOAD DATA takes no zone */
    return logical == LOGICAL_TIMESTAMPTZ ? LOGICAL_TIMESTAMP : logical;
}

static bool
has_word(Text text, const char *word)
{
    return text.data != NULL && memmem(text.data, text.len, word, strlen(word)) != NULL;
}

/* The columns of SHOW FULL COLUMNS and SHOW INDEX (MariaDB, MySQL: reference manuals). */
enum {
    SHOW_FIELD,
    SHOW_TYPE,
    SHOW_COLLATION,
    SHOW_NULL,
    SHOW_KEY,
    SHOW_DEFAULT,
    SHOW_EXTRA,
};
enum {
    INDEX_NAME = 2,
    INDEX_SEQUENCE = 3,
    INDEX_COLUMN = 4,
};

typedef struct Description {
    Arena *arena;
    TargetTable *table;
    size_t size; /* of table->columns, and of table->key */
} Description;

static TargetColumn *
grow_columns(Description *description)
{
    TargetTable *table = description->table;

    if (table->column_count == description->size) {
        TargetColumn *old = table->columns;

        description->size = description->size == 0 ? 32 : description->size * 2;
        table->columns = ARENA_ARRAY(description->arena, TargetColumn, description->size);
        if (old != NULL)
            memcpy(table->columns, old, table->column_count * sizeof(*old));
    }
    return &table->columns[table->column_count++];
}

static bool
take_column(void *context, const Value *values, size_t count, Error *err)
{
    Description *description = context;
    Arena *arena = description->arena;
    TargetColumn *column = grow_columns(description);
    Text collation = values[SHOW_COLLATION].text;
    Text extra = values[SHOW_EXTRA].text;

    (void)count;
    (void)err;
    column->name = arena_text(arena, values[SHOW_FIELD].text);
    column->type = arena_text(arena, values[SHOW_TYPE].text);
    column->is_text = values[SHOW_COLLATION].kind == VALUE_TEXT;
    if (column->is_text) {
        Text charset = {collation.data, text_find(collation, '_')};

        column->type =
            text_of(arena_printf(arena, TEXT_FMT " CHARACTER SET " TEXT_FMT " COLLATE " TEXT_FMT,
                TEXT_ARG(values[SHOW_TYPE].text), TEXT_ARG(charset), TEXT_ARG(collation)));
    }
    column->logical = target_mysql_logical(values[SHOW_TYPE].text);
    column->not_null = text_is(values[SHOW_NULL].text, "NO");
    /* not MySQL's DEFAULT_GENERATED: that is a default that is an expression */
    column->generated =
        has_word(extra, "VIRTUAL") || has_word(extra, "STORED") || has_word(extra, "PERSISTENT");
    column->has_default = values[SHOW_DEFAULT].kind == VALUE_TEXT ||
                          has_word(extra, "auto_increment") || has_word(extra, "DEFAULT_GENERATED");
    return true;
}

static bool
take_key(void *context, const Value *values, size_t count, Error *err)
{
    Description *description = context;
    TargetTable *table = description->table;
    uint64_t at;

    (void)count;
    if (!text_is(values[INDEX_NAME].text, "PRIMARY"))
        return true;
    if (!text_to_u64(values[INDEX_SEQUENCE].text, &at) || at == 0 || at > table->column_count)
        return error_set(err, ERR_INTERNAL, "SHOW INDEX is not understood");
    for (size_t i = 0; i < table->column_count; i++)
        if (text_equal(table->columns[i].name, values[INDEX_COLUMN].text))
            table->key[at - 1] = i;
    table->key_count = MAX(table->key_count, (size_t)at);
    return true;
}

typedef struct OneRow {
    Arena *arena;
    Value values[16];
    bool found;
} OneRow;

static bool
take_row(void *context, const Value *values, size_t count, Error *err)
{
    OneRow *row = context;

    (void)err;
    for (size_t i = 0; i < MIN(count, ARRAY_LEN(row->values)); i++)
        row->values[i] = (Value){values[i].kind, arena_text(row->arena, values[i].text)};
    row->found = true;
    return true;
}

static bool
schema_of(MysqlTarget *target, Text schema, Arena *arena, Text *ret_schema, Error *err)
{
    OneRow row = {.arena = arena};

    if (schema.len > 0) {
        *ret_schema = arena_text(arena, schema);
        return true;
    }
    if (!target_mysql_rows(target, TEXT("SELECT DATABASE()"), take_row, &row, err))
        return false;
    if (!row.found || row.values[0].kind != VALUE_TEXT)
        return error_set(err, ERR_CONFIG,
            "the connection has no database of its own: give target.database, or name one with the "
            "table");
    *ret_schema = row.values[0].text;
    return true;
}

/* A temporary table is in no catalogue, and is what it says. */
static bool
check_kind(MysqlTarget *target, const TargetTable *table, Arena *arena, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    OneRow row = {.arena = arena};

    buf_add_string(&sql,
        "SELECT t.TABLE_TYPE, t.ENGINE, e.TRANSACTIONS FROM information_schema.TABLES t"
        " LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE t.TABLE_SCHEMA = ");
    sql_add_string(&sql_dialect_mysql, table->schema, &sql);
    buf_add_string(&sql, " AND t.TABLE_NAME = ");
    sql_add_string(&sql_dialect_mysql, table->name, &sql);
    if (!target_mysql_rows(target, buf_text(&sql), take_row, &row, err))
        return false;
    if (!row.found)
        return true;
    if (has_word(row.values[0].text, "VIEW"))
        return error_set(err, ERR_TARGET,
            TEXT_FMT "." TEXT_FMT " is a view: rows can be merged into tables only",
            TEXT_ARG(table->schema), TEXT_ARG(table->name));
    if (row.values[2].kind == VALUE_TEXT && !text_is(row.values[2].text, "YES"))
        return error_set(err, ERR_TARGET,
            "table " TEXT_FMT "." TEXT_FMT " uses the engine " TEXT_FMT
            ", which has no transactions: ALTER TABLE … ENGINE=InnoDB",
            TEXT_ARG(table->schema), TEXT_ARG(table->name), TEXT_ARG(row.values[1].text));
    return true;
}

static bool
show(MysqlTarget *target, const char *what, const TargetTable *table, TargetRowFn *row,
    Description *description, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_addf(&sql, "SHOW %s FROM ", what);
    sql_add_table(&sql_dialect_mysql, table->schema, table->name, &sql);
    return target_mysql_rows(target, buf_text(&sql), row, description, err);
}

/* *ret_found false where there is no such table. */
static bool
describe_table(MysqlTarget *target, Description *description, bool *ret_found, Error *err)
{
    TargetTable *table = description->table;

    *ret_found = true;
    if (!show(target, "FULL COLUMNS", table, take_column, description, err)) {
        unsigned number = mysql_errno(target->mysql);

        *ret_found = false;
        return number == NO_SUCH_TABLE || number == NO_SUCH_DATABASE;
    }
    if (!check_kind(target, table, description->arena, err))
        return false;
    table->key = ARENA_ARRAY(description->arena, size_t, table->column_count + 1);
    return show(target, "INDEX", table, take_key, description, err);
}

bool
target_mysql_describe(
    Target *base, Text schema, Text name, Arena *arena, TargetTable **ret_table, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;
    Description description = {.arena = arena, .table = ARENA_NEW(arena, TargetTable)};
    bool found;

    if (FAULT("mysql.describe"))
        return target_mysql_lose(target, err);
    if (target->lost)
        return error_set_retriable(err, ERR_TARGET, "the connection was lost before");
    description.table->name = arena_text(arena, name);
    if (!schema_of(target, schema, arena, &description.table->schema, err) ||
        !describe_table(target, &description, &found, err))
        return error_wrap(err, "describe " TEXT_FMT, TEXT_ARG(name));
    *ret_table = found ? description.table : NULL;
    return true;
}

/* ---- check ---- */

/* The columns of check_sql. */
enum {
    CHECK_VERSION,
    CHECK_DATABASE,
    CHECK_USER,
    CHECK_LOCAL_INFILE,
    CHECK_PACKET,
    CHECK_READ_ONLY,
    CHECK_LOG_BIN,
    CHECK_BINLOG_FORMAT,
    CHECK_ENGINE,
    CHECK_ENGINE_TRANSACTIONS,
    CHECK_FLUSH,
    CHECK_SQL_MODE,
};

static const char check_sql[] =
    "SELECT VERSION(), DATABASE(), CURRENT_USER(), @@global.local_infile, @@max_allowed_packet,"
    " @@global.read_only, @@global.log_bin, @@session.binlog_format, @@default_storage_engine,"
    " (SELECT TRANSACTIONS FROM information_schema.ENGINES"
    " WHERE ENGINE = @@default_storage_engine), @@global.innodb_flush_log_at_trx_commit,"
    " @@session.sql_mode";

static bool
is_on(Value value)
{
    return text_is(value.text, "1") || text_equal_nocase(value.text, TEXT("ON"));
}

static void
report_facts(const MysqlTarget *target, const Value *values, Buf *report)
{
    const char *cipher = mysql_get_ssl_cipher(target->mysql);
    uint64_t packet = 0;

    buf_addf(report, "%s " TEXT_FMT ", database " TEXT_FMT ", user " TEXT_FMT ", %s\n",
        has_word(values[CHECK_VERSION].text, "MariaDB") ? "MariaDB" : "MySQL",
        TEXT_ARG(values[CHECK_VERSION].text),
        TEXT_ARG(values[CHECK_DATABASE].kind == VALUE_TEXT ? values[CHECK_DATABASE].text
                                                           : TEXT("(none)")),
        TEXT_ARG(values[CHECK_USER].text), cipher == NULL ? "no TLS" : cipher);
    if (text_to_u64(values[CHECK_PACKET].text, &packet) && packet < SMALL_PACKET)
        buf_addf(report,
            "note: max_allowed_packet is %" PRIu64
            " bytes: statements and values must be smaller\n",
            packet);
    if (is_on(values[CHECK_READ_ONLY]))
        buf_add_string(
            report, "note: read_only is on: only users with the right to ignore it can write\n");
    if (!text_is(values[CHECK_FLUSH].text, "1"))
        buf_add_string(report, "note: innodb_flush_log_at_trx_commit is not 1: a crash of the "
                               "server's machine can lose "
                               "the last blocks after the source was told that they are safe\n");
}

bool
target_mysql_check(Target *base, Buf *report, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;
    CLEANUP(arena_free) Arena *arena = arena_new();
    OneRow row = {.arena = arena};
    const Value *values = row.values;

    if (!target_mysql_rows(target, text_of(check_sql), take_row, &row, err))
        return false;
    report_facts(target, values, report);
    if (!is_on(values[CHECK_LOCAL_INFILE]))
        return error_set(err, ERR_TARGET,
            "local_infile is off on the server, so that LOAD DATA LOCAL is refused: SET GLOBAL "
            "local_infile = ON, or let the merge script use LOAD DATA INFILE or INSERT");
    if (!has_word(values[CHECK_SQL_MODE].text, "STRICT_ALL_TABLES"))
        return error_set(err, ERR_TARGET, "sql_mode could not be made strict: it is " TEXT_FMT,
            TEXT_ARG(values[CHECK_SQL_MODE].text));
    if (!text_is(values[CHECK_ENGINE_TRANSACTIONS].text, "YES"))
        return error_set(err, ERR_TARGET,
            "default_storage_engine is " TEXT_FMT
            ", which has no transactions: new tables would lose rows; set it to InnoDB",
            TEXT_ARG(values[CHECK_ENGINE].text));
    if (is_on(values[CHECK_LOG_BIN]) && text_is(values[CHECK_BINLOG_FORMAT].text, "STATEMENT") &&
        target->options.isolation == ISOLATION_READ_COMMITTED)
        return error_set(err, ERR_TARGET,
            "binlog_format is STATEMENT, which InnoDB refuses with isolation read-committed: set "
            "target.isolation to repeatable-read, or binlog_format to ROW or MIXED");
    return true;
}
