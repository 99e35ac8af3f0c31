#include "target/position.h"

#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "target/own_table.h"

#define POSITION_TABLE "dray_position"

/* Attempts to take a new service over while another process does the same. */
#define ACQUIRE_TRIES 3

static const char *const column_names[] = {
    "service", "fence", "seqno", "source_position", "block", "commit_timestamp", "updated_at"};

/* ---- SQL ---- */

static void
add_table(const Target *target, Text schema, Buf *sql)
{
    sql_add_table(target->driver->sql, schema, TEXT(POSITION_TABLE), sql);
}

static void
add_column(const Target *target, const char *name, Buf *sql)
{
    sql_add_identifier(target->driver->sql, text_of(name), sql);
}

static void
add_time(const Target *target, int64_t time_us, Buf *sql)
{
    char text[TIME_TEXT_SIZE];

    if (time_us == TIME_UNKNOWN)
        buf_add_string(sql, "NULL");
    else
        sql_add_string(target->driver->sql, clock_format(time_us, text), sql);
}

/* name = value, with what is to stand in front */
static void
add_number(const Target *target, const char *front, const char *name, uint64_t number, Buf *sql)
{
    buf_add_string(sql, front);
    add_column(target, name, sql);
    buf_addf(sql, " = %" PRIu64, number);
}

static void
add_string(const Target *target, const char *front, const char *name, Text text, Buf *sql)
{
    buf_add_string(sql, front);
    add_column(target, name, sql);
    buf_add_string(sql, " = ");
    sql_add_string(target->driver->sql, text, sql);
}

static void
add_set_time(const Target *target, const char *front, const char *name, int64_t time_us, Buf *sql)
{
    buf_add_string(sql, front);
    add_column(target, name, sql);
    buf_add_string(sql, " = ");
    add_time(target, time_us, sql);
}

static void
add_update(const Target *target, Text schema, Buf *sql)
{
    buf_add_string(sql, "UPDATE ");
    add_table(target, schema, sql);
    add_set_time(target, " SET ", "updated_at", clock_now_us(), sql);
}

static bool
run(Target *target, const Buf *sql, int64_t *ret_rows, Error *err)
{
    return target->driver->execute(target, buf_text(sql), NULL, ret_rows, err);
}

/* A string constant cannot hold NUL, and a bigint not every uint64_t. */
static bool
check_storable(Text service, const Position *position, Error *err)
{
    if (service.len == 0 || service.len > 100 || memchr(service.data, '\0', service.len) != NULL)
        return error_set(err, ERR_CONFIG, "service: a name of 1 to 100 bytes is needed");
    if (position == NULL)
        return true;
    if (position->source_position.len > 0 &&
        memchr(position->source_position.data, '\0', position->source_position.len) != NULL)
        return error_set(err, ERR_INTERNAL, "the source position holds a NUL byte");
    if (position->seqno > INT64_MAX || position->fence > INT64_MAX)
        return error_set(err, ERR_INTERNAL,
            "seqno %" PRIu64 " or fence %" PRIu64 " is past 63 bits", position->seqno,
            position->fence);
    return true;
}

/* ---- the table ---- */

static const OwnTable own_table = {.name = POSITION_TABLE,
    .what = "a position table",
    .columns = column_names,
    .column_count = ARRAY_LEN(column_names),
    .key_count = 1,
    .not_null_count = 3,
    .crash_point = "position.create"};

static bool
describe(Target *target, Text schema, Arena *arena, TargetTable **ret_table, Error *err)
{
    return own_table_describe(target, schema, &own_table, arena, ret_table, err);
}

/* Without the key two processes could both become the first of a service. */
static bool
check_table(const Target *target, const TargetTable *table, Error *err)
{
    Text key = table->key_count == 1 ? table->columns[table->key[0]].name : TEXT("");

    if (!own_table_check(target, &own_table, table, err))
        return false;
    return text_equal_nocase(key, TEXT("service")) ||
           error_set(err, ERR_TARGET,
               "table " POSITION_TABLE ": its primary key must be the column service alone");
}

bool
position_prepare(Target *target, Text schema, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const SqlTypes *types = &target->driver->sql->types;
    const char *const column_types[] = {types->service, types->number, types->number,
        types->position, types->block, types->time, types->time};
    TargetTable *table = NULL;

    return own_table_prepare(target, schema, &own_table, column_types, arena, &table, err) &&
           check_table(target, table, err);
}

/* ---- the row ---- */

typedef struct RowReading {
    Arena *arena;
    Position position;
    bool found;
} RowReading;

static Text
row_text(Arena *arena, const Value *value)
{
    return value->kind == VALUE_TEXT ? arena_text(arena, value->text) : TEXT("");
}

static int64_t
row_time(const Value *value)
{
    int64_t time_us;

    if (value->kind != VALUE_TEXT || !clock_parse(value->text, &time_us))
        return TIME_UNKNOWN;
    return time_us;
}

static bool
read_row(void *context, const Value *values, size_t count, Error *err)
{
    RowReading *reading = context;
    Position *position = &reading->position;

    if (count != 6)
        return error_set(err, ERR_INTERNAL, "the position row has %zu values", count);
    if (values[0].kind != VALUE_TEXT || !text_to_u64(values[0].text, &position->fence) ||
        values[1].kind != VALUE_TEXT || !text_to_u64(values[1].text, &position->seqno))
        return error_set(
            err, ERR_TARGET, "table " POSITION_TABLE ": fence or seqno is not a whole number");
    position->source_position = row_text(reading->arena, &values[2]);
    position->block = row_text(reading->arena, &values[3]);
    position->commit_us = row_time(&values[4]);
    position->updated_us = row_time(&values[5]);
    reading->found = true;
    return true;
}

static bool
select_row(Target *target, Text schema, Text service, bool latest, RowReading *reading, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    reading->found = false;
    for (size_t i = 1; i < ARRAY_LEN(column_names); i++) {
        buf_add_string(&sql, i == 1 ? "SELECT " : ", ");
        add_column(target, column_names[i], &sql);
    }
    buf_add_string(&sql, " FROM ");
    add_table(target, schema, &sql);
    add_string(target, " WHERE ", "service", service, &sql);
    if (latest)
        buf_add_string(&sql, target->driver->sql->types.latest);
    return target->driver->query(target, buf_text(&sql), read_row, reading, err);
}

bool
position_read(Target *target, Text schema, Text service, Arena *arena, Position *ret_position,
    bool *ret_found, Error *err)
{
    RowReading reading = {.arena = arena};
    TargetTable *table = NULL;

    if (!check_storable(service, NULL, err) || !describe(target, schema, arena, &table, err))
        return false;
    if (table != NULL && (!check_table(target, table, err) ||
                             !select_row(target, schema, service, false, &reading, err)))
        return error_wrap(err, "read the position");
    *ret_found = reading.found;
    if (reading.found)
        *ret_position = reading.position;
    return true;
}

/* ---- taking over ---- */

static bool
commit(Target *target, Error *err)
{
    bool unknown;

    /* an unknown outcome is an error like any other here: to acquire once more does no harm */
    return target->driver->commit(target, &unknown, err);
}

static bool
raise_fence(Target *target, Text schema, Text service, int64_t *ret_rows, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    add_update(target, schema, &sql);
    buf_add_string(&sql, ", ");
    add_column(target, "fence", &sql);
    buf_add_string(&sql, " = ");
    add_column(target, "fence", &sql);
    buf_add_string(&sql, " + 1");
    add_string(target, " WHERE ", "service", service, &sql);
    return run(target, &sql, ret_rows, err);
}

static bool
insert_row(
    Target *target, Text schema, Text service, unsigned fence, Text source_position, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    buf_add_string(&sql, "INSERT INTO ");
    add_table(target, schema, &sql);
    for (size_t i = 0; i < ARRAY_LEN(column_names); i++) {
        buf_add_string(&sql, i == 0 ? " (" : ", ");
        add_column(target, column_names[i], &sql);
    }
    buf_add_string(&sql, ") VALUES (");
    sql_add_string(target->driver->sql, service, &sql);
    buf_addf(&sql, ", %u, 0, ", fence);
    sql_add_string(target->driver->sql, source_position, &sql);
    buf_add_string(&sql, ", '', NULL, ");
    add_time(target, clock_now_us(), &sql);
    buf_add_char(&sql, ')');
    return run(target, &sql, &rows, err);
}

/* Where the update found no row, one that can be read now is another process's, with its fence.
 * *ret_raced: another process made the row first; the transaction is of no use any more. */
static bool
acquire_in_transaction(
    Target *target, Text schema, Text service, RowReading *reading, bool *ret_raced, Error *err)
{
    int64_t raised;

    reading->found = false;
    if (!raise_fence(target, schema, service, &raised, err))
        return false;
    if (raised != 0 && !select_row(target, schema, service, false, reading, err))
        return false;
    if (!reading->found) {
        if (!insert_row(target, schema, service, 1, TEXT(""), err)) {
            *ret_raced = true;
            return false;
        }
        if (!select_row(target, schema, service, false, reading, err))
            return false;
    }
    if (!reading->found)
        return error_set(err, ERR_TARGET,
            "table " POSITION_TABLE ": the new row is not found: is there a trigger or a policy?");
    return commit(target, err);
}

bool
position_acquire(
    Target *target, Text schema, Text service, Arena *arena, Position *ret_position, Error *err)
{
    RowReading reading = {.arena = arena};
    Error failure;

    if (!check_storable(service, NULL, err))
        return false;
    for (int tries = 1;; tries++) {
        bool raced = false;

        if (!target->driver->begin(target, &failure))
            break;
        CRASH_POINT("position.acquire");
        if (acquire_in_transaction(target, schema, service, &reading, &raced, &failure)) {
            *ret_position = reading.position;
            return true;
        }
        target->driver->rollback(target);
        if (!raced || tries == ACQUIRE_TRIES)
            break;
    }
    *err = failure;
    return error_wrap(err, "take service " TEXT_FMT " over", TEXT_ARG(service));
}

static bool
fenced(Text service, uint64_t theirs, uint64_t ours, Error *err)
{
    return error_set(err, ERR_FENCED,
        "service " TEXT_FMT ": fence is %" PRIu64 ", ours is %" PRIu64
        ": another process took the service over",
        TEXT_ARG(service), theirs, ours);
}

static bool
row_missing(Text service, Error *err)
{
    return error_set(err, ERR_FENCED, "service " TEXT_FMT ": its row in " POSITION_TABLE " is gone",
        TEXT_ARG(service));
}

/* The update waits for the row where a lost transaction still holds it. */
static bool
reacquire_in_transaction(
    Target *target, Text schema, Text service, uint64_t fence, RowReading *reading, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    add_update(target, schema, &sql);
    add_string(target, " WHERE ", "service", service, &sql);
    add_number(target, " AND ", "fence", fence, &sql);
    if (!run(target, &sql, &rows, err) || !select_row(target, schema, service, false, reading, err))
        return false;
    if (!reading->found)
        return row_missing(service, err);
    if (reading->position.fence != fence)
        return fenced(service, reading->position.fence, fence, err);
    return commit(target, err);
}

bool
position_reacquire(Target *target, Text schema, Text service, uint64_t fence, Arena *arena,
    Position *ret_position, Error *err)
{
    RowReading reading = {.arena = arena};

    if (!check_storable(service, NULL, err) || !target->driver->begin(target, err))
        return false;
    if (!reacquire_in_transaction(target, schema, service, fence, &reading, err)) {
        target->driver->rollback(target);
        return false;
    }
    *ret_position = reading.position;
    return true;
}

/* ---- moving on ---- */

static void
add_move(const Target *target, Text schema, const Position *position, Buf *sql)
{
    add_update(target, schema, sql);
    add_number(target, ", ", "seqno", position->seqno, sql);
    add_string(target, ", ", "source_position", position->source_position, sql);
    add_string(target, ", ", "block", position->block, sql);
    add_set_time(target, ", ", "commit_timestamp", position->commit_us, sql);
}

/* Why the update found no row, or (the target told no count) whether it did. */
static bool
check_moved(Target *target, Text schema, Text service, uint64_t seqno_before,
    const Position *position, int64_t rows, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    RowReading reading = {.arena = arena};

    if (!select_row(target, schema, service, true, &reading, err))
        return false;
    if (!reading.found)
        return row_missing(service, err);
    if (reading.position.fence != position->fence)
        return fenced(service, reading.position.fence, position->fence, err);
    if (rows < 0 && reading.position.seqno == position->seqno)
        return true;
    return error_set(err, ERR_FENCED,
        "service " TEXT_FMT ": seqno is %" PRIu64 ", expected %" PRIu64
        ": another process moved the position",
        TEXT_ARG(service), reading.position.seqno, seqno_before);
}

bool
position_write(Target *target, Text schema, Text service, uint64_t seqno_before,
    const Position *position, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    if (!check_storable(service, position, err))
        return false;
    add_move(target, schema, position, &sql);
    add_string(target, " WHERE ", "service", service, &sql);
    add_number(target, " AND ", "fence", position->fence, &sql);
    add_number(target, " AND ", "seqno", seqno_before, &sql);
    CRASH_POINT("position.write");
    if (!run(target, &sql, &rows, err))
        return error_wrap(err, "write the position");
    if (rows == 1)
        return true;
    return check_moved(target, schema, service, seqno_before, position, rows, err);
}

/* ---- forgetting ---- */

bool
position_begin(Target *target, Text schema, Text service, Text source_position, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Position position = {.source_position = source_position};
    RowReading reading = {.arena = arena};
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    if (!check_storable(service, &position, err) ||
        !select_row(target, schema, service, true, &reading, err))
        return error_wrap(err, "write the position");
    if (!reading.found)
        return insert_row(target, schema, service, 0, source_position, err) ||
               error_wrap(err, "write the position");
    if (reading.position.seqno > 0 || reading.position.source_position.len > 0)
        return true;
    add_update(target, schema, &sql);
    add_string(target, ", ", "source_position", source_position, &sql);
    add_string(target, " WHERE ", "service", service, &sql);
    return run(target, &sql, &rows, err) || error_wrap(err, "write the position");
}

bool
position_remove(Target *target, Text schema, Text service, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    TargetTable *table = NULL;
    int64_t rows;

    if (!check_storable(service, NULL, err) || !describe(target, schema, arena, &table, err))
        return false;
    if (table == NULL)
        return true;
    buf_add_string(&sql, "DELETE FROM ");
    add_table(target, schema, &sql);
    add_string(target, " WHERE ", "service", service, &sql);
    CRASH_POINT("position.remove");
    return run(target, &sql, &rows, err) || error_wrap(err, "remove the position");
}
