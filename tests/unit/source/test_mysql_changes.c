#include "source/mysql/changes.h"

#include <inttypes.h>

#include "source/mysql/log_query.h"
#include "support/test.h"

/* Events of a log that nobody wrote, for what servers do seldom. Statements are all that is in
 * them: rows come from real servers (tests/integration). */

typedef struct World {
    MysqlSourceOptions options;
    SourceStart source;
    MysqlSchema *schema;
    MysqlChanges *changes;
    Buf event;
    uint64_t offset;
    uint32_t server_id;
    uint32_t time;
    Buf said; /* what came of it */
    Error err;
} World;

static void
world_open_at(World *world, const char *position, bool is_new)
{
    MysqlChangesStart start = {.source = &world->source};
    BinlogPosition *parsed =
        binlog_position_parse(text_of(position), BINLOG_POSITION_MARIADB, &world->err);

    assert_non_null(parsed);
    world->source = (SourceStart){.service = "test",
        .options = &world->options,
        .position = is_new ? TEXT("") : text_of(position)};
    world->schema = source_mysql_schema_new(&world->source);
    start.schema = world->schema;
    start.position = parsed;
    world->changes = source_mysql_changes_new(&start);
    binlog_position_free(parsed);
    world->server_id = 11;
    world->time = 1000;
}

static void
world_close(World *world)
{
    source_mysql_changes_free(world->changes);
    source_mysql_schema_free(world->schema);
    buf_clear(&world->event);
    buf_clear(&world->said);
}

static void
add_int(Buf *buf, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buf_add_char(buf, (char)(value >> (8 * i)));
}

static void
note(World *world, const Event *event)
{
    static const char *const names[] = {"begin", "change", "truncate", "commit", "rollback", "at"};

    buf_addf(&world->said, "%s%s", world->said.len > 0 ? " " : "", names[event->kind]);
    if (event->kind == EVENT_TRUNCATE)
        buf_addf(&world->said, " " TEXT_FMT "." TEXT_FMT, TEXT_ARG(event->schema),
            TEXT_ARG(event->table));
    else
        buf_addf(&world->said, " " TEXT_FMT, TEXT_ARG(event->position));
    if (event->kind == EVENT_BEGIN)
        buf_addf(&world->said, " %" PRIi64, event->commit_time_us / 1000000);
}

/* Hand an event over; false with world->err. */
static bool
take_flagged(World *world, unsigned type, Text body, uint32_t end, unsigned flags)
{
    Event event;
    Next next;

    buf_reset(&world->event, SIZE_MAX);
    add_int(&world->event, world->time, 4);
    add_int(&world->event, type, 1);
    add_int(&world->event, world->server_id, 4);
    add_int(&world->event, BINLOG_HEADER_SIZE + body.len, 4);
    add_int(&world->event, end, 4);
    add_int(&world->event, flags, 2);
    buf_add_text(&world->event, body);
    if (!source_mysql_changes_take(world->changes, buf_text(&world->event), &world->err))
        return false;
    while ((next = source_mysql_changes_next(world->changes, &event, &world->err)) == NEXT_ITEM)
        note(world, &event);
    return next == NEXT_IDLE;
}

static bool
take(World *world, unsigned type, Text body)
{
    world->offset += BINLOG_HEADER_SIZE + body.len;
    return take_flagged(world, type, body, (uint32_t)world->offset, 0);
}

static void
go(World *world, unsigned type, Text body)
{
    assert_ok(take(world, type, body), world->err);
}

static void
begin_file(World *world, const char *name, uint64_t offset)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;

    add_int(&body, offset, 8);
    buf_add_string(&body, name);
    world->offset = offset;
    assert_ok(
        take_flagged(world, BINLOG_ROTATE, buf_text(&body), 0, BINLOG_FLAG_ARTIFICIAL), world->err);
}

/* The first event of a file; created: the server had just started. */
static void
go_format(World *world, uint32_t created)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;

    add_int(&body, 4, 2);
    buf_add_string(&body, "10.11.19-MariaDB");
    while (body.len < 52)
        buf_add_char(&body, '\0');
    add_int(&body, created, 4);
    add_int(&body, BINLOG_HEADER_SIZE, 1);
    for (int i = 0; i < 171; i++)
        buf_add_char(&body, '\0');
    add_int(&body, 0, 1);
    add_int(&body, 0, 4); /* the checksum that it has in any case */
    go(world, BINLOG_FORMAT_DESCRIPTION, buf_text(&body));
}

static bool
take_gtid(World *world, uint64_t sequence, unsigned flags)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;

    add_int(&body, sequence, 8);
    add_int(&body, 0, 4);
    add_int(&body, flags, 1);
    add_int(&body, 0, 6);
    return take(world, BINLOG_MARIADB_GTID, buf_text(&body));
}

static void
go_gtid(World *world, uint64_t sequence, unsigned flags)
{
    assert_ok(take_gtid(world, sequence, flags), world->err);
}

static bool
take_query(World *world, const char *schema, const char *sql)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;

    add_int(&body, 0, 8);
    add_int(&body, strlen(schema), 1);
    add_int(&body, 0, 4);
    buf_add_string(&body, schema);
    buf_add_char(&body, '\0');
    buf_add_string(&body, sql);
    return take(world, BINLOG_QUERY, buf_text(&body));
}

static void
go_query(World *world, const char *schema, const char *sql)
{
    assert_ok(take_query(world, schema, sql), world->err);
}

static void
assert_said(World *world, const char *expected)
{
    assert_string_equal(buf_string(&world->said), expected);
    buf_reset(&world->said, SIZE_MAX);
}

static void
assert_position(World *world, const char *expected)
{
    Event event;

    assert_true(source_mysql_changes_position(world->changes, &event));
    assert_text(event.position, expected);
    assert_false(source_mysql_changes_position(world->changes, &event));
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void
a_new_service_tells_first_where_it_begins(void **state)
{
    World world = {0};
    Event event;

    (void)state;
    world_open_at(&world, "0-11-100", true);
    assert_int_equal(source_mysql_changes_next(world.changes, &event, &world.err), NEXT_ITEM);
    note(&world, &event);
    assert_said(&world, "at 0-11-100");
    assert_int_equal(source_mysql_changes_next(world.changes, &event, &world.err), NEXT_IDLE);
    assert_false(source_mysql_changes_position(world.changes, &event));
    world_close(&world);
    world = (World){0};
    world_open_at(&world, "0-11-100", false);
    assert_int_equal(source_mysql_changes_next(world.changes, &event, &world.err), NEXT_IDLE);
    world_close(&world);
}

static void
a_truncate_is_a_transaction_of_its_own(void **state)
{
    World world = {0};

    (void)state;
    world_open_at(&world, "0-11-100", false);
    begin_file(&world, "bin.000001", 4);
    go_format(&world, 1);
    go_gtid(&world, 101, MARIADB_GTID_STANDALONE | MARIADB_GTID_DDL);
    go_query(&world, "shop", "truncate table item");
    assert_said(&world, "begin 0-11-100 1000 truncate shop.item commit 0-11-101");
    go_gtid(&world, 102, 0);
    go_query(&world, "shop", "TRUNCATE other . item");
    go_query(&world, "", "COMMIT");
    assert_said(&world, "begin 0-11-101 1000 truncate other.item commit 0-11-102");
    world_close(&world);
}

static void
offsets_count_on_behind_four_gigabytes(void **state)
{
    World world = {0};

    (void)state;
    world_open_at(&world, "bin.000001:4294967200", false);
    begin_file(&world, "bin.000001", UINT64_C(4294967200));
    go_gtid(&world, 101, MARIADB_GTID_STANDALONE);
    go_query(&world, "shop", "truncate table item");
    assert_said(&world, "begin bin.000001:4294967200 1000 truncate shop.item commit "
                        "bin.000001:4294967294");
    go_gtid(&world, 102, MARIADB_GTID_STANDALONE);
    go_query(&world, "shop", "truncate table item");
    assert_said(&world, "begin bin.000001:4294967294 1000 truncate shop.item commit "
                        "bin.000001:4294967388");
    world_close(&world);
}

static void
heartbeats_and_rotations_move_a_position_in_files(void **state)
{
    World world = {0};
    Event event;

    (void)state;
    world_open_at(&world, "bin.000001:4", false);
    begin_file(&world, "bin.000001", 4);
    assert_false(source_mysql_changes_position(world.changes, &event));
    assert_ok(take_flagged(&world, BINLOG_HEARTBEAT, TEXT("bin.000001"), 500, 0), world.err);
    assert_position(&world, "bin.000001:500");
    /* an older place, and another file */
    assert_ok(take_flagged(&world, BINLOG_HEARTBEAT, TEXT("bin.000001"), 400, 0), world.err);
    assert_ok(take_flagged(&world, BINLOG_HEARTBEAT, TEXT("bin.000002"), 600, 0), world.err);
    assert_false(source_mysql_changes_position(world.changes, &event));
    begin_file(&world, "bin.000002", 4);
    assert_position(&world, "bin.000002:4");
    /* a place behind 4 GiB needs the newer kind */
    assert_ok(take_flagged(&world, BINLOG_HEARTBEAT_V2,
                  TEXT("\1\12bin.000002\2\11\xfe\0\0\0\0\2\0\0\0\0"), 0, 0),
        world.err);
    assert_position(&world, "bin.000002:8589934592");
    world_close(&world);
}

static void
transactions_that_are_cut_off_by_a_restart_never_happened(void **state)
{
    World world = {0};

    (void)state;
    world_open_at(&world, "0-11-100", false);
    begin_file(&world, "bin.000001", 4);
    go_format(&world, 1);
    go_gtid(&world, 101, 0);
    go_query(&world, "shop", "truncate table item");
    begin_file(&world, "bin.000002", 4);
    go_format(&world, 2000);
    /* the number is given again */
    go_gtid(&world, 101, MARIADB_GTID_STANDALONE);
    go_query(&world, "shop", "truncate table other");
    assert_said(&world, "begin 0-11-100 1000 truncate shop.other commit 0-11-101");
    world_close(&world);
}

static void
a_large_transaction_that_rolls_back_is_told_so(void **state)
{
    CLEANUP(buf_clear) Buf remark = BUF_INIT;
    World world = {0};

    (void)state;
    buf_add_string(&remark, "truncate item /* ");
    for (int i = 0; i < 600000; i++)
        buf_add_char(&remark, 'x');
    buf_add_string(&remark, " */");
    world_open_at(&world, "0-11-100", false);
    begin_file(&world, "bin.000001", 4);
    go_gtid(&world, 101, 0);
    go_query(&world, "shop", remark.data);
    assert_said(&world, "");
    go_query(&world, "shop", remark.data);
    assert_said(&world, "begin 0-11-100 1000 truncate shop.item truncate shop.item");
    go_query(&world, "shop", remark.data);
    go_query(&world, "", "ROLLBACK");
    assert_said(&world, "truncate shop.item rollback 0-11-101");
    /* a small one is no event at all */
    go_gtid(&world, 102, 0);
    go_query(&world, "shop", "truncate item");
    go_query(&world, "", "ROLLBACK");
    assert_said(&world, "");
    assert_position(&world, "0-11-102");
    world_close(&world);
}

static void
transactions_of_ignored_servers_and_of_our_own_are_passed_over(void **state)
{
    const char *ids[] = {"77", "78"};
    World world = {.options = {.server_id = 5, .ignore_server_ids = {ids, 2}}};

    (void)state;
    world_open_at(&world, "0-11-100", false);
    begin_file(&world, "bin.000001", 4);
    for (uint32_t i = 0; i < 3; i++) {
        world.server_id = (uint32_t[]){78, 5, 77}[i];
        go_gtid(&world, 101 + i, MARIADB_GTID_STANDALONE);
        go_query(&world, "shop", "truncate item");
    }
    buf_reset(&world.said, SIZE_MAX);
    world.server_id = 6;
    go_gtid(&world, 104, MARIADB_GTID_STANDALONE);
    go_query(&world, "shop", "truncate item");
    assert_said(&world, "begin 0-77-103 1000 truncate shop.item commit 0-6-104");
    world_close(&world);
}

static void
assert_refused(World *world, bool taken, const char *expected)
{
    assert_false(taken);
    assert_int_equal(world->err.kind, ERR_SOURCE);
    assert_false(world->err.retriable);
    assert_string_equal(world->err.text, expected);
    world_close(world);
}

static void
what_cannot_be_carried_is_refused_with_its_place(void **state)
{
    World world = {0};

    (void)state;
    world_open_at(&world, "0-11-100", false);
    begin_file(&world, "bin.000001", 4);
    assert_refused(&world, take(&world, BINLOG_INCIDENT, TEXT("\1\0\4lost")),
        "bin.000001:4: the server says that changes are missing in its log here (\"lost\"): begin "
        "anew behind this place, and copy the tables again: dray bootstrap");
    world = (World){0};
    world_open_at(&world, "0-11-100", false);
    begin_file(&world, "bin.000001", 4);
    assert_refused(&world, take(&world, 99, TEXT("what")),
        "bin.000001:4: an event of type 99, which is not known here: what it holds could not be "
        "carried");
    world = (World){0};
    world_open_at(&world, "0-11-100", false);
    begin_file(&world, "bin.000001", 4);
    assert_ok(take_flagged(&world, 99, TEXT("what"), 27, BINLOG_FLAG_IGNORABLE), world.err);
    world.offset = 27;
    assert_refused(&world, take_query(&world, "shop", "truncate item"),
        "bin.000001:27: a transaction without a GTID");
    world = (World){0};
    world_open_at(&world, "0-11-100", false);
    begin_file(&world, "bin.000001", 4);
    go_gtid(&world, 101, 0);
    assert_refused(&world, take_gtid(&world, 102, 0),
        "bin.000001:42: the transaction at bin.000001:4 has no end");
}

/* ---- statements ----------------------------------------------------------------------------- */

static bool
concerns(const char *globs, const char *database, const char *sql)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    const char *items[2] = {globs, NULL};
    MysqlSourceOptions options = {.tables = {items, globs == NULL ? 0 : 1}};
    BinlogFormat format = {0};
    BinlogEvent event = {.type = BINLOG_QUERY};
    LogQuery query = {.sql = TEXT_NONE};
    Error err;
    bool answer;

    add_int(&body, 0, 8);
    add_int(&body, strlen(database), 1);
    add_int(&body, 0, 4);
    buf_add_string(&body, database);
    buf_add_char(&body, '\0');
    buf_add_string(&body, sql);
    event.body = buf_text(&body);
    assert_ok(log_query_read(&query, &format, &event, true, &err), err);
    answer = log_query_concerns(&query, &options);
    log_query_clear(&query);
    return answer;
}

static void
a_statement_concerns_the_tables_it_names_and_else_what_it_might(void **state)
{
    (void)state;
    /* DDL names its table */
    assert_true(concerns("shop.*", "shop", "truncate ITEM"));
    assert_false(concerns("shop.item", "shop", "truncate other"));
    assert_false(concerns("shop.*", "shop", "truncate other.item"));
    assert_true(concerns("shop.*", "other", "alter table shop.item drop partition p"));
    assert_false(concerns(NULL, "mysql", "truncate general_log"));
    /* what others change, only a server knows */
    assert_true(concerns("shop.*", "shop", "insert into other.item values (1)"));
    assert_false(concerns("shop.*", "other", "insert into item values (1)"));
    assert_false(concerns("shop.*", "other", "insert into other.item values (1.5)"));
    assert_true(concerns("shop.*", "other", "insert into `shop` . item values (1)"));
    assert_true(concerns("sh?p.*", "other", "insert into third.item values (1)"));
    assert_false(concerns("sh?p.*", "other", "insert into item values (1)"));
    assert_true(concerns("*item", "other", "delete from t"));
    assert_true(concerns(NULL, "other", "delete from t"));
    assert_true(concerns("shop.*", "other", "SELECT `other`.`f`()"));
}

static void
server_ids_are_the_services_own(void **state)
{
    MysqlSourceOptions options = {.server_id = 41};
    SourceStart start = {.service = "sales", .options = &options};
    SourceStart other = {.service = "stock", .options = &options};
    Snapshot snapshot = {NULL};
    uint32_t made;

    (void)state;
    assert_int_equal(source_mysql_server_id(&start, MYSQL_ID_STREAM), 41);
    assert_int_equal(source_mysql_server_id(&start, MYSQL_ID_CHECK), 44);
    start.snapshot = &snapshot;
    assert_int_equal(source_mysql_server_id(&start, MYSQL_ID_STREAM), 45);
    start.snapshot = NULL;
    options.server_id = 0;
    made = source_mysql_server_id(&start, MYSQL_ID_STREAM);
    assert_true(made >= UINT32_C(0x80000000));
    assert_int_equal(source_mysql_server_id(&start, MYSQL_ID_BESIDE), made + 1);
    assert_int_not_equal(source_mysql_server_id(&other, MYSQL_ID_STREAM) / 8, made / 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_service_tells_first_where_it_begins),
        cmocka_unit_test(a_truncate_is_a_transaction_of_its_own),
        cmocka_unit_test(offsets_count_on_behind_four_gigabytes),
        cmocka_unit_test(heartbeats_and_rotations_move_a_position_in_files),
        cmocka_unit_test(transactions_that_are_cut_off_by_a_restart_never_happened),
        cmocka_unit_test(a_large_transaction_that_rolls_back_is_told_so),
        cmocka_unit_test(transactions_of_ignored_servers_and_of_our_own_are_passed_over),
        cmocka_unit_test(what_cannot_be_carried_is_refused_with_its_place),
        cmocka_unit_test(a_statement_concerns_the_tables_it_names_and_else_what_it_might),
        cmocka_unit_test(server_ids_are_the_services_own),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
