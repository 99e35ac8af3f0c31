#include "postgres_world.h"
#include "source/pgoutput.h"

/* ---- exactness ---- */

typedef struct Writer {
    pthread_t thread;
    int number;
    atomic_bool *stop;
    long rows;
} Writer;

static void *
write_rows(void *context)
{
    Writer *writer = context;
    PGconn *pq = PQconnectdb(conninfo);
    char sql[128];

    while (!atomic_load(writer->stop)) {
        (void)snprintf(sql, sizeof(sql), "INSERT INTO s.w VALUES (%ld)",
            writer->rows * WRITERS + writer->number);
        PQclear(PQexec(pq, sql));
        writer->rows++;
    }
    PQfinish(pq);
    return NULL;
}

static uint64_t
lsn_number(const char *text)
{
    uint64_t lsn = 0;

    assert_true(lsn_parse(text_of(text), &lsn));
    return lsn;
}

/* From the messages of a permanent slot: where the transaction of each row begins to commit. Of
 * Begin: Byte1 'B', Int64 LSN. Of Insert: 'I', Int32, 'N', Int16, 't', Int32 length, text. */
static void
read_commits(uint64_t *commits, size_t size)
{
    PGresult *result = PQexecParams(admin,
        "SELECT data FROM pg_logical_slot_get_binary_changes('witness', NULL, NULL,"
        " 'proto_version', '1', 'publication_names', 'pub')",
        0, NULL, NULL, NULL, NULL, 1);
    uint64_t commit = 0;

    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    for (int i = 0; i < PQntuples(result); i++) {
        Reader reader = reader_of(PQgetvalue(result, i, 0), (size_t)PQgetlength(result, i, 0));
        uint8_t kind = reader_u8(&reader);

        if (kind == 'B')
            commit = reader_be64(&reader);
        if (kind == 'I') {
            uint64_t id = 0;

            (void)reader_bytes(&reader, 8);
            assert_true(text_to_u64(reader_bytes(&reader, reader_be32(&reader)), &id));
            assert_true(id < size);
            commits[id] = commit;
        }
    }
    PQclear(result);
}

static void
a_snapshot_has_exactly_the_transactions_before_its_position(void **state)
{
    enum { SNAPSHOTS = 6, SIZE = 1000000 };
    atomic_bool stop = false;
    Writer writers[WRITERS];
    uint64_t *commits = calloc(SIZE, sizeof(*commits));
    uint8_t *seen[SNAPSHOTS];
    uint64_t positions[SNAPSHOTS];
    size_t inside = 0;
    size_t outside = 0;

    (void)state;
    run("CREATE TABLE w (id bigint PRIMARY KEY); CREATE PUBLICATION pub FOR TABLE w");
    run("SELECT pg_create_logical_replication_slot('witness', 'pgoutput')");
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (Writer){.number = i, .stop = &stop};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_rows, &writers[i]), 0);
    }
    for (int i = 0; i < SNAPSHOTS; i++) {
        View view = open_view();
        SnapshotChunk chunk = {.table = describe(view.reader, view.arena, "w")};
        Buf row = BUF_INIT;
        Change change;

        seen[i] = calloc(SIZE, 1);
        positions[i] = lsn_number(D->position(view.snapshot).data);
        begin(view.reader, &chunk);
        while (next_row(view.reader, &row, &change))
            seen[i][strtoul(buf_string(&row), NULL, 10)] = 1;
        buf_clear(&row);
        close_view(&view);
        (void)usleep(20000);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < WRITERS; i++)
        (void)pthread_join(writers[i].thread, NULL);
    read_commits(commits, SIZE);
    run("SELECT pg_drop_replication_slot('witness')");
    for (int i = 0; i < SNAPSHOTS; i++) {
        for (size_t id = 0; id < SIZE; id++) {
            bool before = commits[id] != 0 && commits[id] < positions[i];

            if (before != (seen[i][id] != 0))
                fail_msg("row %zu, snapshot %d: committed at %lX, position %lX", id, i,
                    (unsigned long)commits[id], (unsigned long)positions[i]);
            inside += before;
            outside += commits[id] != 0 && !before;
        }
        free(seen[i]);
    }
    free(commits);
    assert_true(inside > 100 && outside > 100);
}

static void
a_reader_does_not_see_later_commits_and_outlives_the_snapshot(void **state)
{
    View view;
    SnapshotChunk chunk;

    (void)state;
    run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    view = open_view();
    run("INSERT INTO t VALUES (2); UPDATE t SET id = 5 WHERE id = 1");
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "t")};
    assert_string_equal(rows_of(view.reader, &chunk), "1\n");
    snapshot_close(view.snapshot);
    view.snapshot = NULL;
    assert_string_equal(rows_of(view.reader, &chunk), "1\n");
    close_view(&view);
}

static void
a_snapshot_that_was_handed_over_keeps_its_position_and_its_readers(void **state)
{
    View view;
    SnapshotChunk chunk;
    PostgresConnection *connection = NULL;
    PostgresConnection *again = NULL;
    Buf slot = BUF_INIT;
    PGresult *result;
    Error err;

    (void)state;
    run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    view = open_view();
    assert_ok(postgres_snapshot_take(view.snapshot, &connection, &slot, &err), err);
    result = PQexec(admin, "SELECT slot_name, temporary, plugin FROM pg_replication_slots");
    assert_int_equal(PQntuples(result), 1);
    assert_string_equal(PQgetvalue(result, 0, 0), buf_string(&slot));
    assert_string_equal(PQgetvalue(result, 0, 1), "t");
    PQclear(result);
    postgres_connection_close(connection);
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "t")};
    assert_string_equal(rows_of(view.reader, &chunk), "1\n");
    assert_true(D->position(view.snapshot).len > 2);
    assert_null(D->reader_open(view.snapshot, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_false(postgres_snapshot_take(view.snapshot, &again, &slot, &err));
    buf_clear(&slot);
    close_view(&view);
}

static void *
request_stop(void *context)
{
    (void)usleep(300000);
    stop_request(*(StopLevel *)context);
    return NULL;
}

static void
a_stop_ends_the_wait_for_old_transactions_and_says_who_they_are(void **state)
{
    StopLevel level = STOP_AFTER_BLOCK;
    PGconn *other = connect_server();
    pthread_t thread;
    PGresult *slots;
    char who[200];
    Error err;

    (void)state;
    run("CREATE TABLE t (id int)");
    PQclear(PQexec(other, "SET application_name = 'month end'; BEGIN; INSERT INTO s.t VALUES (1)"));
    assert_int_equal(pthread_create(&thread, NULL, request_stop, &level), 0);
    assert_null(D->open(&start, &err));
    (void)pthread_join(thread, NULL);
    stop_reset();
    assert_int_equal(err.kind, ERR_STOPPED);
    (void)snprintf(who, sizeof(who),
        "stopped while the server waited for transactions to end that had begun before the "
        "snapshot: process %d (user postgres, application \"month end\", since ",
        PQbackendPID(other));
    if (strncmp(err.text, who, strlen(who)) != 0)
        fail_msg("%s", err.text);
    /* cancelled at the server as well, though the transaction goes on */
    for (int i = 0; i < 200; i++) {
        bool gone;

        slots = PQexec(admin, "SELECT FROM pg_replication_slots");
        gone = PQntuples(slots) == 0;
        PQclear(slots);
        if (gone)
            break;
        assert_true(i < 199);
        (void)usleep(20000);
    }
    PQfinish(other);
}

/* ---- reading ---- */

static void
values_are_canonical_whatever_bytes_they_have(void **state)
{
    (void)state;
    run("CREATE TABLE t (id int, a text, b bytea, c boolean, d text[], e timestamptz, f interval,"
        " g int GENERATED ALWAYS AS (id * 2) STORED, h float8, i bytea[])");
    run("INSERT INTO t (id, a, b, c, d, e, f, h, i) VALUES"
        " (1, E'a\\tb\\nc\\rd\\\\e\\bf\\fg\\x0bh', '\\x00ff5c', true, '{\"a,b\",NULL}',"
        " '2026-01-01 00:00+05', '1 day 02:00', 0.1, '{\"\\\\x00\"}'),"
        " (2, '\\N', '', false, '{}', 'infinity', '-1 mon', 'NaN', NULL),"
        " (3, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
        " (4, '\\', '\\x5c4e', true, '{\"\\\\\"}', '0044-03-15 00:00+00 BC', '0',"
        " '-Infinity', NULL)");
    assert_string_equal(read_whole("t"),
        "1|a\tb\nc\rd\\e\bf\fg\vh|00ff5c|t|{\"a,b\",NULL}|2025-12-31 19:00:00+00|1 day "
        "02:00:00|0.1|{\"\\\\x00\"}\n"
        "2|\\N||f|{}|infinity|-1 mons|NaN|~\n"
        "3||~|~|~|~|~|~|~\n"
        "4|\\|5c4e|t|{\"\\\\\"}|0044-03-15 00:00:00+00 BC|00:00:00|-Infinity|~\n");
}

static void
the_shape_is_that_of_the_change_stream(void **state)
{
    View view;
    SnapshotChunk chunk;
    Change first;
    Change second;
    Buf row = BUF_INIT;

    (void)state;
    run("CREATE TABLE t (v text, gone int, b int, g int GENERATED ALWAYS AS (b) STORED, a"
        " varchar(9), PRIMARY KEY (b, a)); ALTER TABLE t DROP gone; INSERT INTO t VALUES"
        " ('x', 1, DEFAULT, 'y'), ('x', 2, DEFAULT, 'y')");
    view = open_view();
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "t"), .limit = 1};
    begin(view.reader, &chunk);
    assert_true(next_row(view.reader, &row, &first));
    assert_text(first.table->schema, "s");
    assert_text(first.table->name, "t");
    assert_int_equal(first.table->column_count, 3);
    assert_text(first.table->columns[0].name, "v");
    assert_true(first.table->columns[0].may_omit);
    assert_false(first.table->columns[0].in_key);
    assert_text(first.table->columns[1].name, "b");
    assert_true(first.table->columns[1].in_key);
    assert_int_equal(first.table->columns[1].logical, LOGICAL_INT);
    assert_text(first.table->columns[2].type, "character varying(9)");
    assert_true(first.table->columns[2].in_key);
    assert_false(first.table->columns[2].may_omit);
    assert_true(first.table->has_key);
    assert_false(next_row(view.reader, &row, &second));
    begin(view.reader, &chunk);
    assert_true(next_row(view.reader, &row, &second));
    assert_ptr_equal(first.table, second.table);
    buf_clear(&row);
    close_view(&view);
}

/* Read a table in chunks; every row exactly once, in as many as the table has. */
static void
check_chunks(const char *name, int64_t limit, const char *expected_rows)
{
    View view = open_view();
    SnapshotChunk chunk = {.table = describe(view.reader, view.arena, name), .limit = limit};
    const SourceTable *table = chunk.table;
    Value *after = ARENA_ARRAY(view.arena, Value, table->key_count);
    Buf row = BUF_INIT;
    Map seen = {0};
    uint64_t expected = 0;

    assert_true(table->key_count > 0);
    for (;;) {
        int64_t count = 0;
        Change change;

        begin(view.reader, &chunk);
        while (next_row(view.reader, &row, &change)) {
            if (map_put(&seen, buf_text(&row), &view) != NULL)
                fail_msg("%s: row %s comes twice", name, buf_string(&row));
            for (size_t i = 0; i < table->key_count; i++)
                after[i] =
                    (Value){VALUE_TEXT, arena_text(view.arena, change.after[table->key[i]].text)};
            count++;
        }
        assert_true(count <= limit);
        chunk.after = after;
        if (count < limit)
            break;
    }
    assert_true(text_to_u64(text_of(expected_rows), &expected));
    if (seen.count != expected)
        fail_msg("%s: %zu of %s rows", name, seen.count, expected_rows);
    map_clear(&seen);
    buf_clear(&row);
    close_view(&view);
}

static void
chunks_have_every_row_once_whatever_the_key_sorts_like(void **state)
{
    (void)state;
    run("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic ="
        " false); CREATE COLLATION digits (provider = icu, locale = 'en-u-kn-true')");
    run("CREATE TABLE plain (a text, b text COLLATE \"en-x-icu\", c int, PRIMARY KEY (b, c, a));"
        "INSERT INTO plain SELECT (ARRAY['x', 'X', 'ä', E'\\t', '''', '\\', '', E'\\n'])[i % 8 + "
        "1],"
        " (ARRAY['a', 'A', 'á', 'a-b', 'ab', '\"', 'zz', 'Z'])[i / 8 % 8 + 1], i / 64"
        " FROM generate_series(0, 511) i");
    check_chunks("plain", 7, "512");
    check_chunks("plain", 512, "512");
    run("CREATE TABLE folded (a text COLLATE nocase, b text COLLATE digits, PRIMARY KEY (a, b));"
        "INSERT INTO folded SELECT DISTINCT ON (lower(x), y) x, y FROM (SELECT"
        " (ARRAY['a', 'B', 'c', 'Ä'])[i % 4 + 1] AS x, 'n' || i / 4 AS y"
        " FROM generate_series(0, 399) i) q");
    check_chunks("folded", 7, "400");
    /* unique by bytes, though the column itself holds 'a' and 'A' for equal */
    run("CREATE TABLE by_index (a text COLLATE nocase NOT NULL, n int);"
        "CREATE UNIQUE INDEX by_bytes ON by_index (a COLLATE \"C\" DESC);"
        "ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_bytes;"
        "INSERT INTO by_index SELECT (CASE WHEN i % 2 = 0 THEN 'k' ELSE 'K' END) || i / 2, i"
        " FROM generate_series(0, 99) i");
    check_chunks("by_index", 1, "100");
}

static void
chunks_have_every_row_once_whatever_type_the_key_has(void **state)
{
    static const char *const types[][2] = {
        {"bytea", "decode(lpad(to_hex(i), 4, '0'), 'hex')"},
        {"numeric", "CASE i WHEN 3 THEN 'NaN' WHEN 4 THEN 'Infinity' ELSE i / 3.0 END"},
        {"float8", "CASE i WHEN 3 THEN 'NaN' WHEN 4 THEN '-Infinity' ELSE i / 3.0 END"},
        {"timestamptz", "'2026-03-29 00:00+01'::timestamptz + i * interval '10 minutes'"},
        {"boolean", "i = 1"},
        {"uuid", "md5(i::text)::uuid"},
        {"char(6)", "'k' || i"},
        {"\"char\"", "chr(40 + i)::\"char\""},
        {"bit(8)", "i::bit(8)"},
        {"int4range", "int4range(i, i + 5)"},
        {"int[]", "ARRAY[i % 7, i]"},
        {"interval", "i * interval '1 hour'"},
        {"inet", "('10.0.0.' || i)::inet"},
        {"date", "DATE '2026-01-01' - i"},
        {"s.mood", "(ARRAY['low', 'high', 'it''s'])[i + 1]::s.mood"},
        {"s.code", "'c' || i"},
    };

    (void)state;
    run("CREATE TYPE mood AS ENUM ('low', 'high', 'it''s'); CREATE DOMAIN code AS varchar(9)");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        int rows = strcmp(types[i][0], "boolean") == 0  ? 2
                   : strcmp(types[i][0], "s.mood") == 0 ? 3
                                                        : 60;
        char count[16];
        char sql[256];

        (void)snprintf(sql, sizeof(sql),
            "DROP TABLE IF EXISTS k; CREATE TABLE k (v int, a %s PRIMARY KEY); INSERT INTO k SELECT"
            " i, %s FROM generate_series(0, %d) i",
            types[i][0], types[i][1], rows - 1);
        run(sql);
        (void)snprintf(count, sizeof(count), "%d", rows);
        check_chunks("k", 7, count);
    }
}

/* Operators of an extension are not in pg_catalog, and its type would be compared as text. */
static void
chunks_are_right_by_the_operators_of_an_extension(void **state)
{
    PGresult *found = PQexec(admin, "SELECT FROM pg_available_extensions WHERE name = 'citext'");
    int count = PQntuples(found);

    (void)state;
    PQclear(found);
    if (count == 0)
        skip();
    run("CREATE EXTENSION citext SCHEMA s;"
        "CREATE TABLE c (n int, a citext, PRIMARY KEY (a, n)); INSERT INTO c SELECT i % 3,"
        " (CASE WHEN i % 2 = 0 THEN 'Word' ELSE 'word' END) || chr(65 + i / 3 % 26)"
        " FROM generate_series(0, 77) i");
    check_chunks("c", 5, "78");
}

static void
rows_are_found_by_many_keys(void **state)
{
    enum { KEYS = 1000 };
    const size_t key_values = (size_t)2 * KEYS;
    View view;
    SnapshotChunk chunk;
    Value *keys;
    Map seen = {0};
    Buf row = BUF_INIT;
    Change change;

    (void)state;
    run("CREATE TABLE t (a int, v text, b bytea, PRIMARY KEY (b, a)); INSERT INTO t SELECT i, 'v'"
        " || i, decode(to_hex(i + 4096), 'hex') FROM generate_series(0, 4999) i");
    view = open_view();
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "t"), .key_total = KEYS};
    keys = ARENA_ARRAY(view.arena, Value, key_values);
    for (size_t i = 0; i < KEYS; i++) {
        size_t id = i * 6; /* some are not there */

        keys[2 * i] = (Value){VALUE_TEXT, text_of(arena_printf(view.arena, "%zx", id + 4096))};
        keys[2 * i + 1] = (Value){VALUE_TEXT, text_of(arena_printf(view.arena, "%zu", id))};
    }
    chunk.keys = keys;
    begin(view.reader, &chunk);
    memset(keys, 0, sizeof(*keys) * key_values); /* the reader has copies */
    while (next_row(view.reader, &row, &change)) {
        assert_int_equal(strtol(buf_string(&row), NULL, 10) % 6, 0);
        assert_null(map_put(&seen, buf_text(&row), &view));
    }
    assert_int_equal(seen.count, 834);
    chunk.key_total = 0;
    assert_string_equal(rows_of(view.reader, &chunk), "");
    map_clear(&seen);
    buf_clear(&row);
    close_view(&view);
}

static void
partitions_and_children_come_once(void **state)
{
    (void)state;
    run("CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
        "INSERT INTO p VALUES (1), (11);"
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent);"
        "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2)");
    assert_string_equal(read_whole("p1"), "1\n");
    assert_string_equal(read_whole("p"), "1\n11\n");
    assert_string_equal(read_whole("parent"), "1\n");
    assert_string_equal(read_whole("child"), "2\n");
}

static void
only_what_the_publication_sends_is_read(void **state)
{
    (void)state;
    run("CREATE TABLE t (id int PRIMARY KEY, a text, b text, n int);"
        "INSERT INTO t VALUES (1, 'a', 'b', 1), (2, 'c', 'd', 9)");
    assert_string_equal(read_whole("t"), "1|a|b|1\n2|c|d|9\n");
    run("CREATE PUBLICATION pub FOR TABLE t (id, b) WHERE (id > 1)");
    assert_string_equal(read_whole("t"), "2|d\n");
}

static void
a_table_without_columns_or_rows_is_read(void **state)
{
    (void)state;
    run("CREATE TABLE none (); INSERT INTO none DEFAULT VALUES; INSERT INTO none DEFAULT VALUES;"
        "CREATE TABLE empty (id int)");
    assert_string_equal(read_whole("none"), "\n\n");
    assert_string_equal(read_whole("empty"), "");
}

static void
a_table_that_was_rewritten_after_the_snapshot_is_an_error(void **state)
{
    static const char *const changes[] = {
        "TRUNCATE t", "ALTER TABLE t ALTER v TYPE bigint", "VACUUM FULL t"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        View view;
        SourceTable *table = NULL;
        Error err = {0};

        run("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t"
            " VALUES (1, 1)");
        view = open_view();
        run(changes[i]);
        assert_false(D->describe(view.reader, TEXT("s"), TEXT("t"), view.arena, &table, &err));
        assert_int_equal(err.kind, ERR_SOURCE);
        assert_true(err.retriable);
        assert_string_equal(err.text,
            "table s.t: its rows were rewritten after the snapshot was taken (ALTER TABLE, "
            "TRUNCATE, VACUUM FULL or CLUSTER of t), so that the snapshot does not show them all: "
            "begin again with another snapshot");
        close_view(&view);
    }
}

static void
a_described_table_cannot_be_rewritten(void **state)
{
    View view;
    PGresult *result;
    SnapshotChunk chunk;

    (void)state;
    run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
    view = open_view();
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "t")};
    assert_string_equal(rows_of(view.reader, &chunk), "1\n");
    run("SET lock_timeout = 100");
    result = PQexec(admin, "TRUNCATE s.t");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "55P03");
    PQclear(result);
    run("SET lock_timeout = '10s'");
    assert_string_equal(rows_of(view.reader, &chunk), "1\n");
    close_view(&view);
}

static bool
collect(void *context, const Value *values, size_t count, Error *err)
{
    Buf *out = context;

    if (out->len > 40)
        return error_set(err, ERR_DATA, "enough");
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == VALUE_NULL)
            buf_add_char(out, '~');
        else
            buf_add_text(out, values[i].text);
        buf_add_char(out, ' ');
    }
    return true;
}

static void
errors_and_given_up_chunks_leave_the_view_as_it_is(void **state)
{
    View view;
    SnapshotChunk chunk;
    Change change;
    Buf row = BUF_INIT;
    Buf out = BUF_INIT;
    Error err;

    (void)state;
    run("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', 1000)"
        " FROM generate_series(1, 50000) i; CREATE TABLE u (id int); INSERT INTO u VALUES (7)");
    view = open_view();
    run("INSERT INTO u VALUES (8)");
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "t")};
    begin(view.reader, &chunk);
    assert_true(next_row(view.reader, &row, &change));
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "u")};
    assert_string_equal(rows_of(view.reader, &chunk), "7\n");
    assert_false(D->query(view.reader, TEXT("SELECT 1 / 0"), collect, &out, &err));
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_string_equal(err.sqlstate, "22012");
    assert_ok(
        D->query(view.reader, TEXT("SELECT id, NULL, '' FROM s.u"), collect, &out, &err), err);
    assert_text(buf_text(&out), "7 ~  ");
    assert_false(
        D->query(view.reader, TEXT("SELECT generate_series(1, 100000)"), collect, &out, &err));
    assert_string_equal(err.text, "enough");
    assert_string_equal(rows_of(view.reader, &chunk), "7\n");
    buf_clear(&row);
    buf_clear(&out);
    close_view(&view);
}

static void
row_security_does_not_hide_rows_in_silence(void **state)
{
    View view;
    SnapshotChunk chunk;
    char as_role[320];
    Error err;

    (void)state;
    run("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN REPLICATION; GRANT USAGE ON SCHEMA s"
        " TO reader; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);"
        "GRANT SELECT ON t TO reader; ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY half ON t USING (id = 1)");
    (void)snprintf(as_role, sizeof(as_role), "host=%s user=reader dbname=postgres", server.socket);
    options.connection = as_role;
    view = open_view();
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "t")};
    assert_false(D->read(view.reader, &chunk, &err));
    assert_non_null(strstr(err.text, "row-level security"));
    close_view(&view);
    options.connection = conninfo;
    run("DROP TABLE t; REVOKE ALL ON SCHEMA s FROM reader; DROP ROLE reader");
}

static void
a_million_rows_take_no_memory(void **state)
{
    View view;
    SnapshotChunk chunk;
    Change change;
    long before;
    long rows = 0;
    Error err;
    Next next;

    (void)state;
    run("CREATE TABLE big (id int PRIMARY KEY, v text); INSERT INTO big SELECT i,"
        " md5(i::text) FROM generate_series(1, 1000000) i");
    view = open_view();
    chunk = (SnapshotChunk){.table = describe(view.reader, view.arena, "big")};
    assert_true(chunk.table->byte_estimate > 60000000);
    begin(view.reader, &chunk);
    before = server_peak_memory();
    while ((next = D->next(view.reader, &change, &err)) == NEXT_ITEM)
        rows++;
    assert_int_equal(next, NEXT_END);
    assert_int_equal(rows, 1000000);
    assert_true(server_peak_memory() - before < 2048);
    close_view(&view);
}

#define CASE(test) cmocka_unit_test_setup(test, clean)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_snapshot_has_exactly_the_transactions_before_its_position),
        CASE(a_reader_does_not_see_later_commits_and_outlives_the_snapshot),
        CASE(a_snapshot_that_was_handed_over_keeps_its_position_and_its_readers),
        CASE(a_stop_ends_the_wait_for_old_transactions_and_says_who_they_are),
        CASE(values_are_canonical_whatever_bytes_they_have),
        CASE(the_shape_is_that_of_the_change_stream),
        CASE(chunks_have_every_row_once_whatever_the_key_sorts_like),
        CASE(chunks_have_every_row_once_whatever_type_the_key_has),
        CASE(chunks_are_right_by_the_operators_of_an_extension),
        CASE(rows_are_found_by_many_keys),
        CASE(partitions_and_children_come_once),
        CASE(only_what_the_publication_sends_is_read),
        CASE(a_table_without_columns_or_rows_is_read),
        CASE(a_table_that_was_rewritten_after_the_snapshot_is_an_error),
        CASE(a_described_table_cannot_be_rewritten),
        CASE(errors_and_given_up_chunks_leave_the_view_as_it_is),
        CASE(row_security_does_not_hide_rows_in_silence),
        CASE(a_million_rows_take_no_memory),
    };

    return run_world(tests, ARRAY_LEN(tests));
}
