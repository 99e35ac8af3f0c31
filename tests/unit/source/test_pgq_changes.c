#include "postgres_world.h"

#include "source/pgq/changes.h"

static PgqSourceOptions pgq = {.queue = "sales"};

/* The changes of a batch, and a connection to the catalogue. */
typedef struct World {
    PgqChanges *changes;
    PostgresConnection *connection;
    Event event;
    PgqEvent raw;
    Buf bytes; /* of the raw event, which is changed when it is read */
    Buf shown;
    Error err;
} World;

static int
set_up(void **state)
{
    World *world = calloc(1, sizeof(*world));
    PgqBatch batch = {
        .from = {.queue_id = 5, .tick = 41, .time_us = 1000, .snapshot = TEXT("10:12:10")},
        .to = {.queue_id = 5, .tick = 42, .time_us = 2000, .snapshot = TEXT("20:20:")}};

    (void)clean(state);
    assert_non_null(world);
    pgq.unknown_events = PGQ_UNKNOWN_ERROR;
    pgq.retried_events = PGQ_RETRIED_ERROR;
    world->changes = pgq_changes_new(&pgq);
    world->connection = postgres_connection_open(&options, POSTGRES_ORDINARY, &world->err);
    assert_non_null(world->connection);
    pgq_changes_begin(world->changes, &batch, &world->event);
    *state = world;
    return 0;
}

static int
tear_down(void **state)
{
    World *world = *state;

    pgq_changes_free(world->changes);
    postgres_connection_close(world->connection);
    buf_clear(&world->bytes);
    buf_clear(&world->shown);
    free(world);
    return 0;
}

static Text
keep(World *world, const char *text)
{
    size_t at = world->bytes.len;

    if (text == NULL)
        return TEXT_NONE;
    buf_add_string(&world->bytes, text);
    return (Text){world->bytes.data + at, strlen(text)};
}

/* Take an event of transaction 15 into s.t; *ret_is_event as pgq_changes_take() tells. */
static bool
take(World *world, const char *type, const char *data, const char *old, bool *ret_is_event)
{
    buf_reset(&world->bytes, SIZE_MAX);
    (void)buf_reserve(&world->bytes, 4096);
    world->raw = (PgqEvent){.id = 98231,
        .txid = 15,
        .retry = world->raw.retry,
        .type = keep(world, type),
        .data = keep(world, data),
        .extra1 = keep(world, "s.t"),
        .extra2 = keep(world, old)};
    world->event = (Event){.kind = EVENT_COMMIT};
    return pgq_changes_take(
        world->changes, world->connection, &world->raw, &world->event, ret_is_event, &world->err);
}

static void
show_row(const Table *table, const Value *row, Buf *out)
{
    for (size_t i = 0; i < table->column_count; i++) {
        buf_addf(out, " " TEXT_FMT, TEXT_ARG(table->columns[i].name));
        if (row[i].kind == VALUE_TEXT)
            buf_addf(out, "=" TEXT_FMT, TEXT_ARG(row[i].text));
        else
            buf_add_string(out, row[i].kind == VALUE_NULL ? "" : "?");
    }
}

/* The change as text. */
static const char *
change_of(World *world, const char *type, const char *data, const char *old)
{
    static const char *const kinds[] = {"insert", "update", "delete"};
    const Change *change = &world->event.change;
    bool is_event = false;

    world->raw.retry = -1;
    assert_ok(take(world, type, data, old, &is_event), world->err);
    assert_true(is_event);
    assert_int_equal(world->event.kind, EVENT_CHANGE);
    buf_reset(&world->shown, SIZE_MAX);
    buf_add_string(&world->shown, kinds[change->kind]);
    if (change->after != NULL)
        show_row(change->table, change->after, &world->shown);
    if (change->before != NULL) {
        buf_add_string(&world->shown, " before");
        show_row(change->table, change->before, &world->shown);
    }
    return buf_string(&world->shown);
}

static void
a_batch_is_a_transaction_with_the_places_of_its_ticks(void **state)
{
    World *world = *state;
    PgqPosition end = {.queue_id = 5, .tick = 42, .time_us = 2000, .snapshot = TEXT_NONE};

    assert_int_equal(world->event.kind, EVENT_BEGIN);
    assert_int_equal(world->event.commit_time_us, 2000);
    assert_text(world->event.position, "5:41:1000/10:12:10");
    assert_text(world->event.where, "queue sales, batch 41-42");
    run("CREATE TABLE t (id int PRIMARY KEY)");
    assert_string_equal(change_of(world, "I:id", "id=1", NULL), "insert id=1");
    assert_text(world->event.position, "5:41:1000#15");
    assert_text(world->event.where, "queue sales, batch 41-42, event 98231");
    pgq_changes_commit(world->changes, &end, &world->event);
    assert_int_equal(world->event.kind, EVENT_COMMIT);
    assert_text(world->event.position, "5:42:2000");
    assert_text(world->event.where, "queue sales, batch 41-42");
}

static void
types_come_from_the_catalogue_and_generated_columns_are_left_out(void **state)
{
    World *world = *state;
    const Table *table;

    run("CREATE DOMAIN price AS numeric(10,2); CREATE TABLE t (id int PRIMARY KEY, twice int"
        " GENERATED ALWAYS AS (id * 2) STORED, raw bytea, cost price, at timestamptz)");
    assert_string_equal(
        change_of(world, "I:id",
            "id=1&twice=2&raw=%5cx00ff&cost=1.50&at=2024-01-01+12%3a00%3a00%2b02&new=x", NULL),
        "insert id=1 raw=00ff cost=1.50 at=2024-01-01 10:00:00+00 new=x");
    table = world->event.change.table;
    assert_text(table->schema, "s");
    assert_text(table->name, "t");
    assert_true(table->has_key);
    assert_true(table->columns[0].in_key);
    assert_false(table->columns[1].in_key);
    assert_text(table->columns[0].type, "integer");
    assert_int_equal(table->columns[2].logical, LOGICAL_NUMERIC);
    /* a column that the catalogue does not have */
    assert_null(table->columns[4].type.data);
    assert_int_equal(table->columns[4].logical, LOGICAL_UNKNOWN);
    assert_string_equal(change_of(world, "D:id", "id=1&twice=2&raw&cost&at&new=", NULL),
        "delete before id=1 raw cost at new=");
    assert_ptr_equal(world->event.change.table, table);
}

static void
an_update_has_its_old_row_where_the_trigger_writes_one(void **state)
{
    World *world = *state;

    run("CREATE TABLE t (id int PRIMARY KEY, v text, g int GENERATED ALWAYS AS (1) STORED)");
    assert_string_equal(
        change_of(world, "U:id", "id=2&v=b&g=1", "id=1&v&g=1"), "update id=2 v=b before id=1 v");
    assert_string_equal(change_of(world, "U:id", "id=2&v=c&g=1", NULL), "update id=2 v=c");
    /* in another order, and without a column */
    assert_string_equal(
        change_of(world, "U:id", "id=2&v=b&g=1", "id=1"), "update id=2 v=b before id=1 v?");
    assert_string_equal(
        change_of(world, "U:id", "id=2&v=b&g=1", "v=a&id=1"), "update id=2 v=b before id=1 v=a");
}

static void
other_names_another_key_or_other_types_make_another_table(void **state)
{
    World *world = *state;
    PostgresConnection *other;
    const Table *first;
    const Table *second;

    run("CREATE TABLE t (id int, v text)");
    (void)change_of(world, "I:id", "id=1&v=%5cxab", NULL);
    first = world->event.change.table;
    (void)change_of(world, "I:id", "id=1", NULL);
    second = world->event.change.table;
    assert_true(second->id != first->id);
    (void)change_of(world, "I:id,v", "id=1&v=%5cxab", NULL);
    assert_true(world->event.change.table->id != first->id);
    assert_true(world->event.change.table->columns[1].in_key);
    (void)change_of(world, "I:", "id=1&v=%5cxab", NULL);
    assert_false(world->event.change.table->has_key);
    /* the same again: the same table */
    (void)change_of(world, "I:id", "id=1&v=%5cxab", NULL);
    assert_ptr_equal(world->event.change.table, first);
    /* another connection asks the catalogue again */
    run("ALTER TABLE t ALTER v TYPE bytea USING v::bytea");
    assert_string_equal(change_of(world, "I:id", "id=1&v=%5cxab", NULL), "insert id=1 v=\\xab");
    other = world->connection;
    world->connection = postgres_connection_open(&options, POSTGRES_ORDINARY, &world->err);
    assert_non_null(world->connection);
    assert_string_equal(change_of(world, "I:id", "id=1&v=%5cxab", NULL), "insert id=1 v=ab");
    assert_true(world->event.change.table->id != first->id);
    /* what was not changed stays */
    (void)change_of(world, "I:id", "id=1", NULL);
    assert_ptr_equal(world->event.change.table, second);
    postgres_connection_close(other);
}

static void
what_the_catalogue_forgot_stays_as_it_was(void **state)
{
    World *world = *state;
    PostgresConnection *other = world->connection;
    const Table *first;

    run("CREATE TABLE t (id int PRIMARY KEY, v bytea)");
    (void)change_of(world, "I:id", "id=1&v=%5cxab", NULL);
    first = world->event.change.table;
    run("DROP TABLE t");
    world->connection = postgres_connection_open(&options, POSTGRES_ORDINARY, &world->err);
    assert_non_null(world->connection);
    assert_string_equal(change_of(world, "I:id", "id=1&v=%5cxab", NULL), "insert id=1 v=ab");
    assert_ptr_equal(world->event.change.table, first);
    postgres_connection_close(other);
}

static void
a_truncate_names_its_table(void **state)
{
    World *world = *state;
    bool is_event;

    world->raw.retry = -1;
    assert_ok(take(world, "R", "", NULL, &is_event), world->err);
    assert_true(is_event);
    assert_int_equal(world->event.kind, EVENT_TRUNCATE);
    assert_text(world->event.schema, "s");
    assert_text(world->event.table, "t");
    assert_text(world->event.position, "5:41:1000#15");
}

static void
unknown_and_retried_events_are_errors_or_left_out_and_told(void **state)
{
    World *world = *state;
    bool is_event;

    world->raw.retry = -1;
    assert_false(take(world, "mail", "to=me", NULL, &is_event));
    assert_int_equal(world->err.kind, ERR_DATA);
    assert_string_equal(world->err.text,
        "queue sales, batch 41-42, event 98231: type \"mail\" is none that pgq.logutriga or "
        "pgq.jsontriga write: somebody else uses the queue, too. Set source: unknown_events to "
        "skip, to leave such events out");
    world->raw.retry = 2;
    assert_false(take(world, "I:id", "id=1", NULL, &is_event));
    assert_string_equal(world->err.text,
        "queue sales, batch 41-42, event 98231: it came back from the retry queue (ev_retry 2), "
        "behind events that were younger: applied now it may undo them. Set source: "
        "retried_events to apply or skip");
    assert_null(pgq_changes_notice(world->changes).data);

    pgq.unknown_events = PGQ_UNKNOWN_SKIP;
    pgq.retried_events = PGQ_RETRIED_SKIP;
    for (int i = 0; i < 3; i++) {
        assert_ok(take(world, "I:id", "id=1", NULL, &is_event), world->err);
        assert_false(is_event);
    }
    world->raw.retry = -1;
    assert_ok(take(world, "mail", "to=me", NULL, &is_event), world->err);
    assert_false(is_event);
    assert_text(pgq_changes_notice(world->changes),
        "queue sales: 1 events of unknown types were left out, the last one was event 98231 (type "
        "\"mail\"); queue sales: 3 events of the retry queue were left out, the last one was event "
        "98231 (type \"I:id\")");
    assert_null(pgq_changes_notice(world->changes).data);

    pgq.retried_events = PGQ_RETRIED_APPLY;
    world->raw.retry = 2;
    assert_ok(take(world, "R", "", NULL, &is_event), world->err);
    assert_true(is_event);
}

static void
events_that_a_snapshot_holds_are_left_out(void **state)
{
    World *world = *state;
    bool is_event;

    world->raw.retry = -1;
    pgq_changes_filter(world->changes, TEXT("15:16:15"), TEXT_NONE);
    assert_ok(take(world, "R", "", NULL, &is_event), world->err);
    assert_true(is_event);
    pgq_changes_filter(world->changes, TEXT("16:16:"), TEXT_NONE);
    assert_ok(take(world, "R", "", NULL, &is_event), world->err);
    assert_false(is_event);
    pgq_changes_filter(world->changes, TEXT_NONE, TEXT("15:16:15"));
    assert_ok(take(world, "R", "", NULL, &is_event), world->err);
    assert_false(is_event);
}

static void
errors_name_table_and_column(void **state)
{
    World *world = *state;
    bool is_event;

    run("CREATE TABLE t (id int PRIMARY KEY, at date)");
    world->raw.retry = -1;
    assert_false(take(world, "I:id", "id=1&at=01%2f02%2f2024", NULL, &is_event));
    if (strstr(world->err.text, "queue sales, batch 41-42, event 98231: table s.t, column at: ") !=
        world->err.text)
        fail_msg("%s", world->err.text);
    assert_false(take(world, "U:id", "id=1&at=2024-01-01", "id=1&at=x", &is_event));
    if (strstr(world->err.text, "event 98231: old row: table s.t, column at: ") == NULL)
        fail_msg("%s", world->err.text);
}

static void
values_of_another_encoding_are_converted(void **state)
{
    World *world = *state;
    PostgresSourceOptions latin = options;
    char place[sizeof(conninfo) + 16];
    PostgresConnection *other = world->connection;
    PgqBatch batch = {.from = {.queue_id = 5, .tick = 42}, .to = {.queue_id = 5, .tick = 43}};

    run("DROP DATABASE IF EXISTS latin");
    run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    (void)snprintf(place, sizeof(place), "host=%s user=postgres dbname=latin", server.socket);
    latin.connection = place;
    world->connection = postgres_connection_open(&latin, POSTGRES_ORDINARY, &world->err);
    assert_non_null(world->connection);
    assert_string_equal(change_of(world, "I:id", "id=1&v=a", NULL), "insert id=1 v=a");
    /* it looks like UTF-8, too */
    assert_string_equal(change_of(world, "I:id", "id=1&v=%c3%a9", NULL), "insert id=1 v=Ã©");
    assert_string_equal(
        change_of(world, "U:id", "id=1&v=%e9", "id=1&v=%fc"), "update id=1 v=é before id=1 v=ü");
    postgres_connection_close(world->connection);
    /* the next batch comes over another connection */
    world->connection = other;
    pgq_changes_begin(world->changes, &batch, &world->event);
    assert_string_equal(change_of(world, "I:id", "id=1&v=%c3%a9", NULL), "insert id=1 v=é");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_batch_is_a_transaction_with_the_places_of_its_ticks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            types_come_from_the_catalogue_and_generated_columns_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_update_has_its_old_row_where_the_trigger_writes_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            other_names_another_key_or_other_types_make_another_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_the_catalogue_forgot_stays_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_truncate_names_its_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            unknown_and_retried_events_are_errors_or_left_out_and_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            events_that_a_snapshot_holds_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_name_table_and_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            values_of_another_encoding_are_converted, set_up, tear_down),
    };

    return run_world(tests, ARRAY_LEN(tests));
}
