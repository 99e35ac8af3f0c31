#include "target/bootstrap_state.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "target/own_table.h"

#define STATE_TABLE "dray_bootstrap"

/* What the types of the columns hold. */
#define SERVICE_LIMIT 100
#define NAME_LIMIT    255

static const char *const column_names[] = {"service", "source_schema", "source_table", "state",
    "source_position", "row_count", "updated_at"};

static const char *const phase_names[] = {
    [BOOTSTRAP_COPYING] = "copying", [BOOTSTRAP_READY] = "ready"};

#define SPOOLED "spooled"

/* ---- SQL ---- */

static void
add_table(const Target *target, Text schema, Buf *sql)
{
    sql_add_table(target->driver->sql, schema, TEXT(STATE_TABLE), sql);
}

static void
add_column(const Target *target, const char *name, Buf *sql)
{
    sql_add_identifier(target->driver->sql, text_of(name), sql);
}

/* name = 'text', with what is to stand in front */
static void
add_equals(const Target *target, const char *front, const char *name, Text text, Buf *sql)
{
    buf_add_string(sql, front);
    add_column(target, name, sql);
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

static const OwnTable own_table = {.name = STATE_TABLE,
    .what = "a table of bootstraps",
    .columns = column_names,
    .column_count = ARRAY_LEN(column_names),
    .key_count = 3,
    .not_null_count = 4,
    .crash_point = "bootstrap_state.create"};

static bool
describe(Target *target, Text schema, Arena *arena, TargetTable **ret_table, Error *err)
{
    return own_table_describe(target, schema, &own_table, arena, ret_table, err);
}

bool
bootstrap_state_prepare(Target *target, Text schema, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const SqlTypes *types = &target->driver->sql->types;
    const char *const column_types[] = {types->service, types->block, types->block, types->service,
        types->position, types->number, types->time};
    TargetTable *table = NULL;

    return own_table_prepare(target, schema, &own_table, column_types, arena, &table, err) &&
           own_table_check(target, &own_table, table, err);
}

/* ---- reading ---- */

typedef struct StateReading {
    Arena *arena;
    BootstrapState *states;
    size_t count;
    size_t size;
} StateReading;

static Text
row_text(Arena *arena, const Value *value)
{
    return value->kind == VALUE_TEXT ? arena_text(arena, value->text) : TEXT("");
}

static bool
row_phase(const Value *value, BootstrapState *state)
{
    if (value->kind != VALUE_TEXT)
        return false;
    state->is_spooled = text_is(value->text, SPOOLED);
    if (state->is_spooled) {
        state->phase = BOOTSTRAP_COPYING;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(phase_names); i++)
        if (text_is(value->text, phase_names[i])) {
            state->phase = (BootstrapPhase)i;
            return true;
        }
    return false;
}

static const char *
phase_name(const BootstrapState *state)
{
    if (state->phase == BOOTSTRAP_COPYING && state->is_spooled)
        return SPOOLED;
    return phase_names[state->phase];
}

static BootstrapState *
next_state(StateReading *reading)
{
    if (reading->count == reading->size) {
        size_t size = reading->size == 0 ? 16 : reading->size * 2;
        BootstrapState *states = ARENA_ARRAY(reading->arena, BootstrapState, size);

        if (reading->count > 0)
            memcpy(states, reading->states, reading->count * sizeof(*states));
        reading->states = states;
        reading->size = size;
    }
    return &reading->states[reading->count++];
}

static bool
read_row(void *context, const Value *values, size_t count, Error *err)
{
    StateReading *reading = context;
    BootstrapState *state = next_state(reading);

    if (count != 5)
        return error_set(err, ERR_INTERNAL, "a row of " STATE_TABLE " has %zu values", count);
    *state = (BootstrapState){.schema = row_text(reading->arena, &values[0]),
        .table = row_text(reading->arena, &values[1]),
        .position = row_text(reading->arena, &values[3])};
    if (!row_phase(&values[2], state))
        return error_set(err, ERR_TARGET,
            "table " STATE_TABLE ": the state of " TEXT_FMT "." TEXT_FMT
            " is none of copying, spooled, ready",
            TEXT_ARG(state->schema), TEXT_ARG(state->table));
    if (values[4].kind == VALUE_TEXT && !text_to_u64(values[4].text, &state->rows))
        return error_set(err, ERR_TARGET,
            "table " STATE_TABLE ": row_count of " TEXT_FMT "." TEXT_FMT " is no whole number",
            TEXT_ARG(state->schema), TEXT_ARG(state->table));
    return true;
}

static void
add_select(const Target *target, Text schema, Text service, Buf *sql)
{
    for (size_t i = 1; i < ARRAY_LEN(column_names) - 1; i++) {
        buf_add_string(sql, i == 1 ? "SELECT " : ", ");
        add_column(target, column_names[i], sql);
    }
    buf_add_string(sql, " FROM ");
    add_table(target, schema, sql);
    add_equals(target, " WHERE ", "service", service, sql);
    for (size_t i = 1; i < own_table.key_count; i++) {
        buf_add_string(sql, i == 1 ? " ORDER BY " : ", ");
        add_column(target, column_names[i], sql);
    }
}

bool
bootstrap_state_read(Target *target, Text schema, Text service, Arena *arena,
    BootstrapState **ret_states, size_t *ret_count, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    StateReading reading = {.arena = arena};
    TargetTable *table = NULL;

    if (!describe(target, schema, arena, &table, err))
        return false;
    if (table != NULL) {
        add_select(target, schema, service, &sql);
        if (!own_table_check(target, &own_table, table, err) ||
            !target->driver->query(target, buf_text(&sql), read_row, &reading, err))
            return error_wrap(err, "read " STATE_TABLE);
    }
    *ret_states = reading.states;
    *ret_count = reading.count;
    return true;
}

/* ---- writing ---- */

/* A string constant cannot hold NUL, and a bigint not every uint64_t. */
static bool
is_storable(Text text, size_t limit)
{
    return text.len <= limit && (text.len == 0 || memchr(text.data, '\0', text.len) == NULL);
}

static bool
check_storable(Text service, const BootstrapState *state, Error *err)
{
    if (service.len == 0 || !is_storable(service, SERVICE_LIMIT))
        return error_set(err, ERR_CONFIG, "service: a name of 1 to 100 bytes is needed");
    if (!is_storable(state->schema, NAME_LIMIT) || !is_storable(state->table, NAME_LIMIT))
        return error_set(err, ERR_DATA,
            "table " TEXT_FMT "." TEXT_FMT ": " STATE_TABLE
            " takes names of up to 255 bytes without NUL",
            TEXT_ARG(state->schema), TEXT_ARG(state->table));
    if (!is_storable(state->position, SIZE_MAX) || state->rows > INT64_MAX)
        return error_set(err, ERR_INTERNAL,
            "the source position holds a NUL byte, or %" PRIu64 " rows are past 63 bits",
            state->rows);
    return true;
}

static bool
delete_row(Target *target, Text schema, Text service, const BootstrapState *state, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "DELETE FROM ");
    add_table(target, schema, &sql);
    add_equals(target, " WHERE ", "service", service, &sql);
    add_equals(target, " AND ", "source_schema", state->schema, &sql);
    add_equals(target, " AND ", "source_table", state->table, &sql);
    return run(target, &sql, err);
}

static bool
insert_row(Target *target, Text schema, Text service, const BootstrapState *state, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const SqlDialect *dialect = target->driver->sql;
    const Text texts[] = {
        service, state->schema, state->table, text_of(phase_name(state)), state->position};
    char time[TIME_TEXT_SIZE];

    buf_add_string(&sql, "INSERT INTO ");
    add_table(target, schema, &sql);
    for (size_t i = 0; i < ARRAY_LEN(column_names); i++) {
        buf_add_string(&sql, i == 0 ? " (" : ", ");
        add_column(target, column_names[i], &sql);
    }
    buf_add_string(&sql, ") VALUES (");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        sql_add_string(dialect, texts[i], &sql);
        buf_add_string(&sql, ", ");
    }
    buf_addf(&sql, "%" PRIu64 ", ", state->rows);
    sql_add_string(dialect, clock_format(clock_now_us(), time), &sql);
    buf_add_char(&sql, ')');
    return run(target, &sql, err);
}

/* Delete and insert, not an upsert: every target knows them, and the row that comes back is whole.
 */
static bool
replace_row(
    Target *target, Text schema, Text service, const BootstrapState *state, bool insert, Error *err)
{
    bool unknown;

    if (target->driver->in_transaction(target))
        return delete_row(target, schema, service, state, err) &&
               (!insert || insert_row(target, schema, service, state, err));
    if (!target->driver->begin(target, err))
        return false;
    CRASH_POINT("bootstrap_state.write");
    /* an unknown outcome is an error like any other here: to write once more does no harm */
    if (delete_row(target, schema, service, state, err) &&
        (!insert || insert_row(target, schema, service, state, err)) &&
        target->driver->commit(target, &unknown, err))
        return true;
    target->driver->rollback(target);
    return false;
}

bool
bootstrap_state_write(
    Target *target, Text schema, Text service, const BootstrapState *state, Error *err)
{
    if (!check_storable(service, state, err))
        return false;
    return replace_row(target, schema, service, state, true, err) ||
           error_wrap(err, "write " STATE_TABLE);
}

bool
bootstrap_state_remove(
    Target *target, Text schema, Text service, Text source_schema, Text source_table, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    BootstrapState state = {.schema = source_schema, .table = source_table};
    TargetTable *table = NULL;

    if (!check_storable(service, &state, err) || !describe(target, schema, arena, &table, err))
        return false;
    return table == NULL || replace_row(target, schema, service, &state, false, err) ||
           error_wrap(err, "write " STATE_TABLE);
}
