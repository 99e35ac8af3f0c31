#include "target/partition_state.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "target/own_table.h"

#define STATE_TABLE  "dray_partition"
#define STATE_MAKING "making"
#define STATE_READY  "ready"
#define NAME_LIMIT   255 /* what the types of the columns hold */

static const char *const column_names[] = {"table_schema", "partition", "parent", "suffix",
    "period_start", "period_end", "state", "service", "made_at"};

enum {
    COLUMN_SCHEMA,
    COLUMN_NAME,
    COLUMN_PARENT,
    COLUMN_SUFFIX,
    COLUMN_START,
    COLUMN_END,
    COLUMN_STATE,
    COLUMNS_READ, /* the rest is for people */
};

static const OwnTable own_table = {.name = STATE_TABLE,
    .what = "a table of partitions",
    .columns = column_names,
    .column_count = ARRAY_LEN(column_names),
    .key_count = 2,
    .not_null_count = 4,
    .crash_point = "partition_state.create"};

/* ---- SQL ---- */

static void
add_table(const Target *target, Text position_schema, Buf *sql)
{
    sql_add_table(target->driver->sql, position_schema, TEXT(STATE_TABLE), sql);
}

static void
add_column(const Target *target, const char *name, Buf *sql)
{
    sql_add_identifier(target->driver->sql, text_of(name), sql);
}

/* name = 'text', with what is to stand in front */
static void
add_equals(const Target *target, const char *front, int column, Text text, Buf *sql)
{
    buf_add_string(sql, front);
    add_column(target, column_names[column], sql);
    buf_add_string(sql, " = ");
    sql_add_string(target->driver->sql, text, sql);
}

static bool
run(Target *target, const Buf *sql, Error *err)
{
    int64_t rows;

    return target->driver->execute(target, buf_text(sql), NULL, &rows, err);
}

/* ---- the table ---- */

bool
partition_state_prepare(Target *target, Text position_schema, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const SqlTypes *types = &target->driver->sql->types;
    const char *const column_types[] = {types->block, types->block, types->block, types->block,
        types->time, types->time, types->service, types->service, types->time};
    TargetTable *table = NULL;

    return own_table_prepare(
               target, position_schema, &own_table, column_types, arena, &table, err) &&
           own_table_check(target, &own_table, table, err);
}

/* ---- reading ---- */

typedef struct Reading {
    Arena *arena;
    PartitionRow *rows;
    size_t count;
    size_t size;
} Reading;

static PartitionRow *
next_row(Reading *reading)
{
    if (reading->count == reading->size) {
        size_t size = reading->size == 0 ? 16 : reading->size * 2;
        PartitionRow *rows = ARENA_ARRAY(reading->arena, PartitionRow, size);

        if (reading->count > 0)
            memcpy(rows, reading->rows, reading->count * sizeof(*rows));
        reading->rows = rows;
        reading->size = size;
    }
    return &reading->rows[reading->count++];
}

static Text
row_text(Arena *arena, const Value *value)
{
    return value->kind == VALUE_TEXT ? arena_text(arena, value->text) : TEXT("");
}

static bool
row_time(const Value *value, int64_t *ret_time)
{
    *ret_time = TIME_UNKNOWN;
    return value->kind != VALUE_TEXT || clock_parse(value->text, ret_time);
}

static bool
read_row(void *context, const Value *values, size_t count, Error *err)
{
    Reading *reading = context;
    PartitionRow *row = next_row(reading);

    if (count != COLUMNS_READ)
        return error_set(err, ERR_INTERNAL, "a row of " STATE_TABLE " has %zu values", count);
    *row = (PartitionRow){.schema = row_text(reading->arena, &values[COLUMN_SCHEMA]),
        .name = row_text(reading->arena, &values[COLUMN_NAME]),
        .parent = row_text(reading->arena, &values[COLUMN_PARENT]),
        .suffix = row_text(reading->arena, &values[COLUMN_SUFFIX]),
        .is_making = values[COLUMN_STATE].kind == VALUE_TEXT &&
                     text_is(values[COLUMN_STATE].text, STATE_MAKING)};
    if (!row_time(&values[COLUMN_START], &row->start_us) ||
        !row_time(&values[COLUMN_END], &row->end_us))
        return error_set(err, ERR_TARGET,
            "table " STATE_TABLE ": a time in the row of " TEXT_FMT " cannot be read",
            TEXT_ARG(row->name));
    return true;
}

static void
add_select(const Target *target, Text position_schema, Buf *sql)
{
    for (int i = 0; i < COLUMNS_READ; i++) {
        buf_add_string(sql, i == 0 ? "SELECT " : ", ");
        add_column(target, column_names[i], sql);
    }
    buf_add_string(sql, " FROM ");
    add_table(target, position_schema, sql);
}

static bool
read_rows(Target *target, const Buf *sql, Reading *reading, Error *err)
{
    return target->driver->query(target, buf_text(sql), read_row, reading, err) ||
           error_wrap(err, "read " STATE_TABLE);
}

bool
partition_state_find(Target *target, Text position_schema, Text schema, Text name, Arena *arena,
    PartitionRow **ret_row, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    Reading reading = {.arena = arena};

    add_select(target, position_schema, &sql);
    add_equals(target, " WHERE ", COLUMN_SCHEMA, schema, &sql);
    add_equals(target, " AND ", COLUMN_NAME, name, &sql);
    if (!read_rows(target, &sql, &reading, err))
        return false;
    *ret_row = reading.count == 0 ? NULL : &reading.rows[0];
    return true;
}

bool
partition_state_list(Target *target, Text position_schema, const PartitionRow *parent, Arena *arena,
    PartitionRow **ret_rows, size_t *ret_count, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    Reading reading = {.arena = arena};

    add_select(target, position_schema, &sql);
    add_equals(target, " WHERE ", COLUMN_SCHEMA, parent->schema, &sql);
    add_equals(target, " AND ", COLUMN_PARENT, parent->parent, &sql);
    buf_add_string(&sql, " ORDER BY ");
    add_column(target, column_names[COLUMN_END], &sql);
    buf_add_string(&sql, ", ");
    add_column(target, column_names[COLUMN_NAME], &sql);
    if (!read_rows(target, &sql, &reading, err))
        return false;
    *ret_rows = reading.rows;
    *ret_count = reading.count;
    return true;
}

/* ---- writing ---- */

static bool
check_storable(const PartitionRow *row, Error *err)
{
    const Text names[] = {row->schema, row->name, row->parent, row->suffix};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].len > NAME_LIMIT ||
            (names[i].len > 0 && memchr(names[i].data, '\0', names[i].len) != NULL))
            return error_set(err, ERR_DATA,
                STATE_TABLE " takes names of up to %d bytes without NUL: \"" TEXT_FMT "\"",
                NAME_LIMIT, TEXT_ARG(names[i]));
    return true;
}

static bool
delete_row(Target *target, Text position_schema, Text schema, Text name, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "DELETE FROM ");
    add_table(target, position_schema, &sql);
    add_equals(target, " WHERE ", COLUMN_SCHEMA, schema, &sql);
    add_equals(target, " AND ", COLUMN_NAME, name, &sql);
    return run(target, &sql, err);
}

/* The end of the year 9999 is in the year 10000, which not every target can store. */
static void
add_time(const Target *target, int64_t time_us, Buf *sql)
{
    char text[TIME_TEXT_SIZE];

    if (time_us == TIME_UNKNOWN || time_us >= clock_days(10000, 1, 1) * 86400 * 1000000 ||
        time_us < clock_days(1000, 1, 1) * 86400 * 1000000)
        buf_add_string(sql, "NULL");
    else
        sql_add_string(target->driver->sql, clock_format(time_us, text), sql);
}

static bool
insert_row(Target *target, Text position_schema, Text service, const PartitionRow *row, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const SqlDialect *dialect = target->driver->sql;
    const Text names[] = {row->schema, row->name, row->parent, row->suffix};

    buf_add_string(&sql, "INSERT INTO ");
    add_table(target, position_schema, &sql);
    for (size_t i = 0; i < ARRAY_LEN(column_names); i++) {
        buf_add_string(&sql, i == 0 ? " (" : ", ");
        add_column(target, column_names[i], &sql);
    }
    buf_add_string(&sql, ") VALUES (");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        sql_add_string(dialect, names[i], &sql);
        buf_add_string(&sql, ", ");
    }
    add_time(target, row->start_us, &sql);
    buf_add_string(&sql, ", ");
    add_time(target, row->end_us, &sql);
    buf_add_string(&sql, ", ");
    sql_add_string(dialect, row->is_making ? TEXT(STATE_MAKING) : TEXT(STATE_READY), &sql);
    buf_add_string(&sql, ", ");
    sql_add_string(dialect, service, &sql);
    buf_add_string(&sql, ", ");
    add_time(target, clock_now_us(), &sql);
    buf_add_char(&sql, ')');
    return run(target, &sql, err);
}

bool
partition_state_write(
    Target *target, Text position_schema, Text service, const PartitionRow *row, Error *err)
{
    bool unknown;
    bool ok;

    if (!check_storable(row, err))
        return false;
    if (target->driver->in_transaction(target)) {
        ok = delete_row(target, position_schema, row->schema, row->name, err) &&
             insert_row(target, position_schema, service, row, err);
        return ok || error_wrap(err, "write " STATE_TABLE);
    }
    if (!target->driver->begin(target, err))
        return error_wrap(err, "write " STATE_TABLE);
    CRASH_POINT("partition_state.write");
    /* an unknown outcome is an error like any other here: to write once more does no harm */
    if (delete_row(target, position_schema, row->schema, row->name, err) &&
        insert_row(target, position_schema, service, row, err) &&
        target->driver->commit(target, &unknown, err))
        return true;
    target->driver->rollback(target);
    return error_wrap(err, "write " STATE_TABLE);
}

bool
partition_state_remove(Target *target, Text position_schema, Text schema, Text name, Error *err)
{
    return delete_row(target, position_schema, schema, name, err) ||
           error_wrap(err, "write " STATE_TABLE);
}
