#include "mysql_world.h"

#define SERVER_ID 0x80001234U
/* No server is that slow. */
#define WAIT_MS     30000
#define MIB         ((size_t)1 << 20)
#define LARGE_VALUE (40 * MIB)
#define MAX_GROWTH  16384L /* KiB */

typedef struct Read {
    BinlogFormat format;
    BinlogEvent event; /* the last one */
    Buf types; /* of all events since the stream was opened: "ROTATE FORMAT_DESCRIPTION …" */
    size_t count;
} Read;

static Error err;
static BinlogPosition *position;
static Read seen;

/* ---- opening and reading ---- */

static MysqlStream *
open_stream(bool until_end)
{
    const MysqlStreamStart start = {
        .options = &options,
        .server_id = SERVER_ID,
        .position = position,
        .until_end = until_end,
    };

    buf_reset(&seen.types, SIZE_MAX);
    seen.format = (BinlogFormat){0};
    seen.count = 0;
    return source_mysql_stream_open(&start, &err);
}

static MysqlStream *
must_open(bool until_end)
{
    MysqlStream *stream = open_stream(until_end);

    if (stream == NULL)
        fail_msg("%s", err.text);
    return stream;
}

/* Where the log ends now. */
static void
mark(void)
{
    binlog_position_free(position);
    position = source_mysql_server_position(admin, &options, &err);
    if (position == NULL)
        fail_msg("%s", err.text);
}

static void
set_position(BinlogPositionKind kind, const char *text)
{
    binlog_position_free(position);
    position = binlog_position_parse(text_of(text), kind, &err);
    if (position == NULL)
        fail_msg("%s", err.text);
}

/* Every event is whole: its sizes and its checksum are right. */
static Next
next_event(MysqlStream *stream, int64_t wait_ms)
{
    Text bytes;
    char name[16];
    Next next = source_mysql_stream_next(stream, wait_ms, &bytes, &err);

    if (next != NEXT_ITEM)
        return next;
    assert_ok(binlog_event_read(&seen.format, bytes, &seen.event, &err), err);
    assert_int_equal(seen.event.size, bytes.len);
    if (seen.event.type == BINLOG_FORMAT_DESCRIPTION)
        assert_ok(binlog_read_format(&seen.event, &seen.format, &err), err);
    seen.count++;
    if (seen.count < 1000)
        buf_addf(&seen.types, "%s%s", seen.types.len == 0 ? "" : " ",
            binlog_type_name(seen.event.type, name));
    return next;
}

/* The types of all events, up to the end. */
static const char *
read_all(MysqlStream *stream)
{
    Next next;

    while ((next = next_event(stream, WAIT_MS)) == NEXT_ITEM)
        ;
    if (next == NEXT_FAILED)
        fail_msg("%s", err.text);
    assert_int_equal(next, NEXT_END);
    return buf_string(&seen.types);
}

/* Up to an event of this type. */
static void
read_to(MysqlStream *stream, unsigned type)
{
    do {
        Next next = next_event(stream, WAIT_MS);

        if (next != NEXT_ITEM)
            fail_msg("%s", next == NEXT_FAILED ? err.text : "no such event");
    } while (seen.event.type != type);
}

/* Up to the failure. */
static void
read_to_failure(MysqlStream *stream)
{
    int64_t end_ms = clock_monotonic_ms() + WAIT_MS;
    Next next;

    do
        next = next_event(stream, WAIT_MS);
    while (next == NEXT_ITEM && clock_monotonic_ms() < end_ms);
    assert_int_equal(next, NEXT_FAILED);
}

/* Type by type, with what the kind of server writes in front. */
static void
assert_types(const char *on_mariadb_types, const char *on_mysql_types)
{
    assert_string_equal(buf_string(&seen.types), on_mysql ? on_mysql_types : on_mariadb_types);
}

static unsigned
write_rows(void)
{
    return on_mysql ? BINLOG_WRITE_ROWS : BINLOG_WRITE_ROWS_V1;
}

/* ---- what comes ---- */

static void
the_events_behind_a_file_position_come_to_the_end(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;

    (void)state;
    run("CREATE TABLE t (i int)");
    mark();
    run("INSERT INTO t VALUES (1), (2)");
    run("UPDATE t SET i = i + 10");
    stream = must_open(true);
    (void)read_all(stream);
    assert_types("ROTATE FORMAT_DESCRIPTION MARIADB_GTID TABLE_MAP WRITE_ROWS_V1 XID MARIADB_GTID "
                 "TABLE_MAP UPDATE_ROWS_V1 XID",
        "ROTATE FORMAT_DESCRIPTION GTID QUERY TABLE_MAP WRITE_ROWS XID GTID QUERY TABLE_MAP "
        "UPDATE_ROWS XID");
    /* and the end stays the end */
    assert_int_equal(next_event(stream, 0), NEXT_END);
}

static void
the_events_behind_gtids_come_to_the_end(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;

    (void)state;
    options.position = MYSQL_BY_GTID;
    run("CREATE TABLE t (i int)");
    run("INSERT INTO t VALUES (1)");
    mark();
    run("INSERT INTO t VALUES (2)");
    run("FLUSH BINARY LOGS");
    run("DELETE FROM t WHERE i = 1");
    stream = must_open(true);
    (void)read_all(stream);
    assert_non_null(strstr(
        buf_string(&seen.types), on_mysql ? "GTID QUERY TABLE_MAP WRITE_ROWS XID ROTATE"
                                          : "MARIADB_GTID TABLE_MAP WRITE_ROWS_V1 XID ROTATE"));
    assert_true(text_ends_with(
        buf_text(&seen.types), on_mysql ? "GTID QUERY TABLE_MAP DELETE_ROWS XID"
                                        : "MARIADB_GTID TABLE_MAP DELETE_ROWS_V1 XID"));
    /* the transaction before is not among them */
    assert_null(strstr(strstr(buf_string(&seen.types), "WRITE_ROWS") + 1, "WRITE_ROWS"));
}

static void
without_gtids_the_log_comes_from_its_beginning(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;

    (void)state;
    binlog_position_free(position);
    position = binlog_position_new(on_mysql ? BINLOG_POSITION_MYSQL : BINLOG_POSITION_MARIADB);
    run(on_mysql ? "RESET BINARY LOGS AND GTIDS" : "RESET MASTER");
    run("CREATE TABLE t (i int)");
    run("INSERT INTO t VALUES (2)");
    stream = must_open(true);
    (void)read_all(stream);
    assert_non_null(strstr(buf_string(&seen.types),
        on_mysql ? "GTID QUERY GTID QUERY TABLE_MAP" : "MARIADB_GTID QUERY MARIADB_GTID"));
}

static void
a_position_with_prepared_transactions_is_one(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    BinlogPrepared prepared = {{1, TEXT("a"), TEXT("b")}, TEXT("log.000001"), 4};

    (void)state;
    options.position = MYSQL_BY_GTID;
    run("CREATE TABLE t (i int)");
    mark();
    binlog_position_add_prepared(position, &prepared);
    run("INSERT INTO t VALUES (2)");
    stream = must_open(true);
    (void)read_all(stream);
    assert_non_null(strstr(buf_string(&seen.types), "TABLE_MAP"));
}

static void
a_live_stream_waits_and_gives_what_comes(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    int64_t begun;

    (void)state;
    run("CREATE TABLE t (i int)");
    mark();
    stream = must_open(false);
    while (next_event(stream, 500) == NEXT_ITEM)
        ;
    begun = clock_monotonic_ms();
    assert_int_equal(next_event(stream, 0), NEXT_IDLE);
    assert_true(clock_monotonic_ms() - begun < 200);
    begun = clock_monotonic_ms();
    assert_int_equal(next_event(stream, 300), NEXT_IDLE);
    assert_true(clock_monotonic_ms() - begun >= 300);
    for (int i = 0; i < 5; i++) {
        run("INSERT INTO t VALUES (3)");
        read_to(stream, write_rows());
        read_to(stream, BINLOG_XID);
    }
}

static void
a_silent_server_sends_heartbeats(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    BinlogHeartbeat heartbeat;
    BinlogPosition *end;
    uint64_t offset;

    (void)state;
    options.heartbeat_ms = 100;
    run("CREATE TABLE t (i int)");
    mark();
    run("INSERT INTO t VALUES (3)");
    stream = must_open(false);
    for (int i = 0; i < 3; i++)
        do
            assert_int_equal(next_event(stream, WAIT_MS), NEXT_ITEM);
        while (seen.event.type != BINLOG_HEARTBEAT && seen.event.type != BINLOG_HEARTBEAT_V2);
    assert_ok(binlog_read_heartbeat(&seen.event, &heartbeat, &err), err);
    end = source_mysql_server_file_position(admin, &err);
    assert_non_null(end);
    assert_true(text_equal(heartbeat.file, binlog_position_file(end, &offset)));
    assert_int_equal(heartbeat.offset, offset);
    binlog_position_free(end);
}

/* libmysqlclient cannot register. */
static void
we_are_among_the_servers_replicas(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    CLEANUP(buf_clear) Buf id = BUF_INIT;

    (void)state;
    mark();
    stream = must_open(false);
    assert_non_null(stream);
    buf_addf(&id, "%u", SERVER_ID);
#ifdef MARIADB_PACKAGE_VERSION
    assert_string_equal(ask(on_mysql ? "SHOW REPLICAS" : "SHOW REPLICA HOSTS"), buf_string(&id));
#endif
}

static void
a_row_of_40_mib_comes_as_one_event(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;

    (void)state;
    run("CREATE TABLE t (i int, b longblob)");
    mark();
    run("INSERT INTO t VALUES (1, REPEAT('0123456789abcdef', 40 * 65536))");
    run("INSERT INTO t VALUES (2, 'small')");
    stream = must_open(true);
    read_to(stream, write_rows());
    assert_true(seen.event.size > LARGE_VALUE);
    assert_memory_equal(seen.event.body.data + seen.event.body.len - 16, "0123456789abcdef", 16);
    read_to(stream, write_rows());
    assert_true(seen.event.size < 200);
    assert_true(text_ends_with(seen.event.body, "small"));
    (void)read_all(stream);
}

static void
a_slow_consumer_does_not_let_memory_grow(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    long before = server_peak_memory();
    size_t rows = 0;

    (void)state;
    run("CREATE TABLE t (i int, b longblob)");
    mark();
    for (int i = 0; i < 10; i++)
        run("INSERT INTO t SELECT 1, REPEAT('x', 100000) FROM (SELECT 1 UNION ALL SELECT 2 UNION "
            "ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL "
            "SELECT 7 UNION ALL SELECT 8) a, (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 "
            "UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION "
            "ALL SELECT 8) b");
    stream = must_open(true);
    (void)usleep(500000);
    while (next_event(stream, WAIT_MS) == NEXT_ITEM)
        rows += seen.event.type == write_rows() ? 1 : 0;
    assert_true(rows >= 10);
    /* 64 MB went by, and the large value of another test may have been there before */
    assert_true(server_peak_memory() - before < MAX_GROWTH);
}

static void
many_small_events_come_quickly(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t begun;

    (void)state;
    run("CREATE TABLE t (i int AUTO_INCREMENT PRIMARY KEY, j int) ENGINE = InnoDB");
    buf_add_string(&sql, "INSERT INTO t (j) VALUES (0)");
    for (int i = 1; i < 1000; i++)
        buf_addf(&sql, ", (%d)", i);
    run(buf_string(&sql));
    mark();
    run("BEGIN");
    buf_reset(&sql, 0);
    buf_add_string(&sql, "UPDATE t SET j = j + 1 WHERE i = 1");
    for (int i = 0; i < 20000; i++)
        run(buf_string(&sql));
    run("COMMIT");
    stream = must_open(true);
    begun = clock_monotonic_us();
    (void)read_all(stream);
    print_message(
        "# %zu events in %" PRId64 " ms\n", seen.count, (clock_monotonic_us() - begun) / 1000);
    assert_true(seen.count >= 40000);
}

/* ---- ends ---- */

static void *
stop_soon(void *context)
{
    (void)usleep(300000);
    stop_request(*(StopLevel *)context);
    return NULL;
}

static void
a_stop_request_ends_the_wait_and_keeps_the_events(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    StopLevel level = STOP_AFTER_BLOCK;
    int64_t begun;
    pthread_t thread;

    (void)state;
    run("CREATE TABLE t (i int)");
    mark();
    stream = must_open(false);
    while (next_event(stream, 500) == NEXT_ITEM)
        ;
    begun = clock_monotonic_ms();
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &level), 0);
    assert_int_equal(next_event(stream, WAIT_MS), NEXT_IDLE);
    assert_true(clock_monotonic_ms() - begun < WAIT_MS / 2);
    assert_int_equal(pthread_join(thread, NULL), 0);
    /* what is there is given: an open transaction may need it */
    run("INSERT INTO t VALUES (1)");
    begun = clock_monotonic_ms();
    while (clock_monotonic_ms() - begun < WAIT_MS && next_event(stream, WAIT_MS) != NEXT_ITEM)
        (void)usleep(1000);
    assert_true(clock_monotonic_ms() - begun < WAIT_MS);
    stop_request(STOP_NOW);
    begun = clock_monotonic_ms();
    while (next_event(stream, WAIT_MS) == NEXT_ITEM)
        ;
    assert_true(clock_monotonic_ms() - begun < WAIT_MS / 2);
}

static void
closing_ends_a_reader_that_waits_for_the_server(void **state)
{
    int64_t begun;

    (void)state;
    mark();
    for (int i = 0; i < 10; i++) {
        MysqlStream *stream = must_open(false);

        if (i % 2 == 0)
            (void)next_event(stream, 50);
        begun = clock_monotonic_ms();
        source_mysql_stream_close(stream);
        assert_true(clock_monotonic_ms() - begun < 2000);
    }
}

static void
closing_ends_a_reader_whose_pieces_are_full(void **state)
{
    MysqlStream *stream;
    int64_t begun;

    (void)state;
    run("CREATE TABLE t (i int, b longblob)");
    mark();
    for (int i = 0; i < 20; i++)
        run("INSERT INTO t VALUES (1, REPEAT('x', 500000))");
    stream = must_open(false);
    read_to(stream, write_rows());
    (void)usleep(200000);
    begun = clock_monotonic_ms();
    source_mysql_stream_close(stream);
    assert_true(clock_monotonic_ms() - begun < 2000);
}

/* MySQL makes itself a certificate; the MariaDB of these tests has none. */
static void
closing_ends_a_reader_that_waits_for_the_server_with_tls(void **state)
{
    MysqlStream *stream;
    int64_t begun;

    (void)state;
    if (!on_mysql)
        return;
    options.client.ssl_mode = SSL_REQUIRED;
    run("CREATE TABLE t (i int, b longblob)");
    mark();
    stream = must_open(false);
    for (int i = 0; i < 3; i++) {
        run("INSERT INTO t VALUES (1, REPEAT('x', 500000))");
        read_to(stream, write_rows());
    }
    while (next_event(stream, 300) == NEXT_ITEM)
        ;
    begun = clock_monotonic_ms();
    source_mysql_stream_close(stream);
    assert_true(clock_monotonic_ms() - begun < 2000);
}

/* ---- failures ---- */

static void
a_killed_connection_is_retriable(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    (void)state;
    mark();
    stream = must_open(false);
    (void)next_event(stream, WAIT_MS);
    buf_addf(&sql, "KILL %s",
        ask("SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%' "
            "ORDER BY id DESC LIMIT 1"));
    run(buf_string(&sql));
    read_to_failure(stream);
    print_message("# killed: %s\n", err.text);
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_true(err.retriable);
    /* and it stays failed */
    assert_int_equal(next_event(stream, 0), NEXT_FAILED);
}

static void
a_server_that_stops_is_retriable(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;

    (void)state;
    mark();
    stream = must_open(false);
    (void)next_event(stream, WAIT_MS);
    restart_server();
    read_to_failure(stream);
    print_message("# stopped: %s\n", err.text);
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_true(err.retriable);
}

static void
a_server_that_is_away_is_retriable(void **state)
{
    (void)state;
    mark();
    options.client.socket = "/nowhere";
    assert_null(open_stream(false));
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_true(err.retriable);
}

static void
the_fault_point_loses_the_connection(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;

    (void)state;
    mark();
    stream = must_open(false);
    fault_arm_point("source.mysql.stream", 1, EIO);
    assert_int_equal(next_event(stream, WAIT_MS), NEXT_FAILED);
    assert_true(err.retriable);
    fault_arm(0);
    read_to_failure(stream);
    assert_true(err.retriable);
}

/* Opening fails, or the first events do. */
static void
open_and_fail(void)
{
    MysqlStream *stream = open_stream(false);

    if (stream != NULL)
        read_to_failure(stream);
    source_mysql_stream_close(stream);
    print_message("# %s\n", err.text);
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_false(err.retriable);
}

/* What the server sends a log to keeps that log, also when it has not noticed that we are gone. */
static void
end_dumps(void)
{
    const char *id;

    while (*(id = ask("SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog "
                      "Dump%' LIMIT 1")) != '\0') {
        CLEANUP(buf_clear) Buf sql = BUF_INIT;
        Error ignored;

        buf_addf(&sql, "KILL %s", id);
        (void)!source_mysql_server_query(admin, buf_text(&sql), NULL, NULL, &ignored);
        (void)usleep(20000);
    }
}

static void
purge(void)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t end_ms = clock_monotonic_ms() + WAIT_MS;
    CLEANUP(binlog_position_free) BinlogPosition *end = NULL;
    uint64_t offset;
    Text file;

    end_dumps();
    run("FLUSH BINARY LOGS");
    end = source_mysql_server_file_position(admin, &err);
    assert_non_null(end);
    file = binlog_position_file(end, &offset);
    buf_add_string(&sql, "PURGE BINARY LOGS TO ");
    source_mysql_add_string(&sql, file);
    /* MariaDB keeps a log until all that is in it is safely in the tables as well */
    while (!text_equal(text_of(ask("SHOW BINARY LOGS")), file)) {
        run(buf_string(&sql));
        assert_true(clock_monotonic_ms() < end_ms);
        (void)usleep(20000);
    }
}

static void
a_purged_log_is_told_with_the_way_out(void **state)
{
    (void)state;
    run("CREATE TABLE t (i int)");
    mark();
    run("INSERT INTO t VALUES (1)");
    purge();
    open_and_fail();
    assert_non_null(strstr(err.text, "1236"));
    assert_non_null(strstr(err.text, "dray bootstrap"));
    assert_non_null(strstr(err.text, "binlog_expire_logs_seconds"));
}

static void
purged_gtids_are_told_with_the_way_out(void **state)
{
    (void)state;
    options.position = MYSQL_BY_GTID;
    run("CREATE TABLE t (i int)");
    mark();
    run("INSERT INTO t VALUES (1)");
    purge();
    open_and_fail();
    assert_non_null(strstr(err.text, "1236"));
    assert_non_null(strstr(err.text, "dray bootstrap"));
    assert_non_null(strstr(err.text, "binlog_expire_logs_seconds"));
}

static void
a_place_behind_the_end_of_the_log_is_refused(void **state)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    uint64_t offset;
    Text file;

    (void)state;
    mark();
    file = binlog_position_file(position, &offset);
    buf_addf(&text, TEXT_FMT ":%" PRIu64, TEXT_ARG(file), offset + 100000);
    set_position(BINLOG_POSITION_FILE, buf_string(&text));
    open_and_fail();
    assert_non_null(strstr(err.text, "connect to the right one"));
}

static void
gtids_that_the_log_does_not_have_are_refused(void **state)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    (void)state;
    if (on_mysql) {
        buf_add_string(&text, ask("SELECT @@server_uuid"));
        buf_add_string(&text, ":1-1000000");
        set_position(BINLOG_POSITION_MYSQL, buf_string(&text));
    } else {
        set_position(BINLOG_POSITION_MARIADB, "0-5-1000000");
    }
    open_and_fail();
    assert_non_null(strstr(err.text, "connect to the right one"));
}

static void
a_number_that_the_log_passed_over_is_refused(void **state)
{
    (void)state;
    if (on_mysql)
        return;
    options.position = MYSQL_BY_GTID;
    run("CREATE TABLE t (i int)");
    run("SET SESSION gtid_seq_no = 500000");
    run("INSERT INTO t VALUES (1)");
    set_position(BINLOG_POSITION_MARIADB, "0-5-400000");
    open_and_fail();
    assert_non_null(strstr(err.text, "connect to the right one"));
}

static void
gtids_of_the_other_kind_are_refused(void **state)
{
    (void)state;
    if (on_mysql)
        set_position(BINLOG_POSITION_MARIADB, "0-5-1");
    else
        set_position(BINLOG_POSITION_MYSQL, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5");
    open_and_fail();
    assert_non_null(strstr(err.text, "connect to the right server"));
}

static void
another_one_with_our_server_id_is_told(void **state)
{
    CLEANUP(source_mysql_stream_close) MysqlStream *first = NULL;
    CLEANUP(source_mysql_stream_close) MysqlStream *second = NULL;

    (void)state;
    mark();
    first = must_open(false);
    (void)next_event(first, 500);
    second = must_open(false);
    assert_non_null(second);
    read_to_failure(first);
    print_message("# %s\n", err.text);
    assert_non_null(strstr(err.text, "source.server_id"));
    assert_false(err.retriable);
}

static void
missing_rights_are_told_with_the_way_out(void **state)
{
    (void)state;
    mark();
    run("DROP USER IF EXISTS someone@localhost");
    run("CREATE USER someone@localhost IDENTIFIED BY 'topsecret'");
    options.client.user = "someone";
    options.client.password = "topsecret";
    open_and_fail();
    run("DROP USER someone@localhost");
    assert_non_null(strstr(err.text, "GRANT REPLICATION SLAVE"));
    assert_null(strstr(err.text, "topsecret"));
}

static int
finish(void **state)
{
    (void)state;
    binlog_position_free(position);
    buf_clear(&seen.types);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_slow_consumer_does_not_let_memory_grow, clean),
        cmocka_unit_test_setup(the_events_behind_a_file_position_come_to_the_end, clean),
        cmocka_unit_test_setup(the_events_behind_gtids_come_to_the_end, clean),
        cmocka_unit_test_setup(a_position_with_prepared_transactions_is_one, clean),
        cmocka_unit_test_setup(a_live_stream_waits_and_gives_what_comes, clean),
        cmocka_unit_test_setup(a_silent_server_sends_heartbeats, clean),
        cmocka_unit_test_setup(we_are_among_the_servers_replicas, clean),
        cmocka_unit_test_setup(a_row_of_40_mib_comes_as_one_event, clean),
        cmocka_unit_test_setup(many_small_events_come_quickly, clean),
        cmocka_unit_test_setup(a_stop_request_ends_the_wait_and_keeps_the_events, clean),
        cmocka_unit_test_setup(closing_ends_a_reader_that_waits_for_the_server, clean),
        cmocka_unit_test_setup(closing_ends_a_reader_whose_pieces_are_full, clean),
        cmocka_unit_test_setup(closing_ends_a_reader_that_waits_for_the_server_with_tls, clean),
        cmocka_unit_test_setup(a_killed_connection_is_retriable, clean),
        cmocka_unit_test_setup(a_server_that_is_away_is_retriable, clean),
        cmocka_unit_test_setup(the_fault_point_loses_the_connection, clean),
        cmocka_unit_test_setup(a_purged_log_is_told_with_the_way_out, clean),
        cmocka_unit_test_setup(purged_gtids_are_told_with_the_way_out, clean),
        cmocka_unit_test_setup(a_place_behind_the_end_of_the_log_is_refused, clean),
        cmocka_unit_test_setup(gtids_that_the_log_does_not_have_are_refused, clean),
        cmocka_unit_test_setup(a_number_that_the_log_passed_over_is_refused, clean),
        cmocka_unit_test_setup(gtids_of_the_other_kind_are_refused, clean),
        cmocka_unit_test_setup(another_one_with_our_server_id_is_told, clean),
        cmocka_unit_test_setup(missing_rights_are_told_with_the_way_out, clean),
        cmocka_unit_test_setup(a_server_that_stops_is_retriable, clean),
        cmocka_unit_test_setup_teardown(
            without_gtids_the_log_comes_from_its_beginning, clean, finish),
    };

    return run_world(argc, argv, tests, ARRAY_LEN(tests));
}
