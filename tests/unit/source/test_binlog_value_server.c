/*
 * Real servers: what they write into their logs and what they show in a SELECT of the same row must
 * give the same canonical text, byte for byte, for every type, with hard values and random ones.
 */
#include "source/binlog/value.h"

#include <mysql.h>

#include "../target/server.h"
#include "base/file.h"
#include "binlog_random.h"
#include "binlog_value_cases.h"
#include "source/binlog/wire.h"
#include "support/test.h"

#define ROWS       2000
#define BATCH      250
#define MAX_EVENTS (1 << 28)

typedef struct Column {
    const ValueCase *value_case;
    char table[32];
    Arena *arena; /* of the table map, and of the texts read from the log */
    BinlogTableMap map;
    BinlogValueType type;
    Value values[ROWS]; /* from the log, by the row's id */
    bool is_there[ROWS];
} Column;

typedef struct World {
    Server *server;
    MYSQL *mysql;
    unsigned kind; /* ON_MARIADB, ON_MYSQL */
    Column *columns;
    size_t column_count;
    BinlogMemory *memory;
    BinlogFormat format;
} World;

static uint64_t seed;

static void
run(World *world, const char *sql)
{
    if (mysql_query(world->mysql, sql) != 0)
        fail_msg("%.200s: %s", sql, mysql_error(world->mysql));
}

static void
connect_server(World *world)
{
    world->mysql = mysql_init(NULL);
    assert_non_null(world->mysql);
    if (mysql_real_connect(world->mysql, NULL, "root", "", NULL, 0, world->server->socket, 0) ==
        NULL)
        fail_msg("%s", mysql_error(world->mysql));
    run(world, "SET NAMES utf8mb4");
    run(world, "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'");
    run(world, "CREATE DATABASE v");
    run(world, "USE v");
}

static void
fill(World *world, Column *column, uint64_t *random)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (world->kind == ON_MARIADB)
        run(world, column->value_case->servers == ON_MARIADB_53
                       ? "SET GLOBAL mysql56_temporal_format = OFF"
                       : "SET GLOBAL mysql56_temporal_format = ON");
    buf_addf(&sql, "CREATE TABLE %s (id INT PRIMARY KEY, v %s)", column->table,
        column->value_case->type);
    run(world, sql.data);
    for (unsigned id = 0; id < ROWS;) {
        sql.len = 0;
        buf_addf(&sql, "INSERT IGNORE INTO %s VALUES ", column->table);
        do {
            buf_addf(&sql, "%s(%u,", id % BATCH == 0 ? "" : ",", id);
            if (id % 50 == 49)
                buf_add_string(&sql, "NULL");
            else
                column->value_case->add(column->value_case, id, random, &sql);
            buf_add_char(&sql, ')');
        } while (++id % BATCH != 0);
        run(world, sql.data);
    }
}

static Column *
find_column(World *world, uint64_t table_id)
{
    for (size_t i = 0; i < world->column_count; i++)
        if (world->columns[i].arena != NULL && world->columns[i].map.id == table_id)
            return &world->columns[i];
    return NULL;
}

/* As the schema does: members in UTF-8, the character set, the digits of MariaDB's old times. */
static void
set_type(Column *column, const BinlogColumn *mapped)
{
    BinlogValueType *type = &column->type;
    Text *labels = ARENA_ARRAY(column->arena, Text, mapped->label_count);
    Error err;

    *type = (BinlogValueType){
        .column = *mapped, .logical = LOGICAL_OTHER, .special = column->value_case->special};
    if (mapped->collation != BINLOG_COLLATION_BINARY)
        type->charset = binlog_charset_of_collation(mapped->collation);
    for (size_t i = 0; i < mapped->label_count; i++) {
        CLEANUP(buf_clear) Buf label = BUF_INIT;

        assert_non_null(type->charset);
        assert_ok(binlog_charset_convert(type->charset, mapped->labels[i], &label, &err), err);
        labels[i] = arena_text(column->arena, buf_text(&label));
    }
    type->column.labels = labels;
    if (column->value_case->servers == ON_MARIADB_53)
        type->column.decimals = column->value_case->decimals;
}

static void
take_table_map(World *world, const BinlogEvent *event)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    BinlogTableMap map;
    Error err;

    assert_ok(binlog_read_table_map(&world->format, event, arena, &map, &err), err);
    for (size_t i = 0; i < world->column_count; i++) {
        Column *column = &world->columns[i];

        if (!text_is(map.name, column->table) || !text_is(map.schema, "v") || column->arena != NULL)
            continue;
        assert_int_equal(map.column_count, 2);
        assert_true(map.has_signs && map.has_names);
        column->map = map;
        column->arena = STEAL(arena);
        set_type(column, &map.columns[1]);
        return;
    }
}

static void
take_row(World *world, Column *column, const uint8_t **at, const uint8_t *end)
{
    bool is_null = (**at & 2) != 0;
    const uint8_t *skipped;
    uint32_t id;
    Value value = {VALUE_NULL, TEXT_NONE};
    Error err;

    assert_true(end - *at >= 5);
    memcpy(&id, *at + 1, sizeof(id));
    assert_true(id < ROWS);
    *at += 5;
    skipped = *at;
    if (!is_null) {
        if (!binlog_value_read(&column->type, at, end, world->memory, &value, &err))
            fail_msg("%s, row %u of the log: %s", column->value_case->type, id, err.text);
        assert_ok(binlog_value_skip(&column->type.column, &skipped, end, &err), err);
        assert_ptr_equal(skipped, *at);
        value.text = arena_text(column->arena, value.text);
    }
    column->values[id] = value;
    column->is_there[id] = true;
    binlog_memory_reset(world->memory);
}

static void
take_rows(World *world, const BinlogEvent *event)
{
    Reader reader = binlog_event_reader(event);
    Column *column = find_column(world, binlog_wire_int(&reader, 6));
    const uint8_t *at;
    const uint8_t *end;
    Text rest;

    (void)binlog_wire_int(&reader, 2);
    if (event->type == BINLOG_WRITE_ROWS)
        (void)reader_bytes(&reader, (size_t)binlog_wire_int(&reader, 2) - 2);
    if (column == NULL)
        return;
    assert_int_equal(binlog_wire_length(&reader), 2);
    assert_int_equal(reader_u8(&reader) & 3, 3);
    rest = binlog_wire_rest(&reader);
    at = (const uint8_t *)rest.data;
    end = at + rest.len;
    while (at < end)
        take_row(world, column, &at, end);
}

static void
take_log(World *world, Text log)
{
    BinlogEvent event;
    Error err;

    world->format = (BinlogFormat){.server_version = ""};
    log.data += 4;
    log.len -= 4;
    while (log.len >= BINLOG_HEADER_SIZE) {
        uint32_t size = binlog_event_size(log);

        assert_true(size <= log.len);
        assert_ok(binlog_event_read(&world->format, (Text){log.data, size}, &event, &err), err);
        if (event.type == BINLOG_FORMAT_DESCRIPTION)
            assert_ok(binlog_read_format(&event, &world->format, &err), err);
        else if (event.type == BINLOG_TABLE_MAP)
            take_table_map(world, &event);
        else if (event.type == BINLOG_WRITE_ROWS || event.type == BINLOG_WRITE_ROWS_V1)
            take_rows(world, &event);
        log.data += size;
        log.len -= size;
    }
}

static void
read_logs(World *world)
{
    FileList list;
    Error err;

    run(world, "FLUSH BINARY LOGS");
    assert_ok(file_list(world->server->data, &list, &err), err);
    for (size_t i = 0; i < list.count; i++) {
        CLEANUP(buf_clear) Buf log = BUF_INIT;
        char *path = file_join(world->server->data, list.names[i]);

        if (text_glob(text_of(list.names[i]), "log.[0-9]*")) {
            assert_ok(file_read_all(path, MAX_EVENTS, &log, &err), err);
            take_log(world, buf_text(&log));
        }
        free(path);
    }
    file_list_free(&list);
}

/* How many rows are not the same. */
static unsigned
compare_row(World *world, const Column *column, MYSQL_ROW row, const unsigned long *lengths)
{
    unsigned id = (unsigned)strtoul(row[0], NULL, 10);
    const Value *logged = &column->values[id];
    Value value = {VALUE_NULL, TEXT_NONE};
    Error err;

    if (!column->is_there[id])
        fail_msg("%s: row %u is not in the log", column->value_case->type, id);
    if (row[1] != NULL && !binlog_value_from_text(&column->type, (Text){row[1], lengths[1]},
                              world->memory, &value, &err))
        fail_msg("%s, row %u as shown: %s", column->value_case->type, id, err.text);
    if (value.kind == logged->kind && text_equal(value.text, logged->text))
        return 0;
    print_error("%s, row %u: log \"" TEXT_FMT "\", shown \"" TEXT_FMT "\" as \"" TEXT_FMT "\"\n",
        column->value_case->type, id, TEXT_ARG(logged->text), (int)MIN(lengths[1], 1000UL),
        row[1] == NULL ? "" : row[1], TEXT_ARG(value.text));
    return 1;
}

static unsigned
compare(World *world, const Column *column)
{
    unsigned type = column->type.column.type;
    bool is_real = type == MYSQL_COLUMN_FLOAT || type == MYSQL_COLUMN_DOUBLE;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MYSQL_RES *result;
    MYSQL_ROW row;
    unsigned different = 0;
    unsigned count = 0;

    if (column->arena == NULL)
        fail_msg("%s: the log has no rows", column->value_case->type);
    buf_addf(&sql, "SELECT id, %s FROM %s", is_real ? "(v * 1e0)" : "v", column->table);
    run(world, sql.data);
    result = mysql_store_result(world->mysql);
    assert_non_null(result);
    for (; (row = mysql_fetch_row(result)) != NULL; count++) {
        different += compare_row(world, column, row, mysql_fetch_lengths(result));
        binlog_memory_reset(world->memory);
    }
    mysql_free_result(result);
    assert_int_equal(count, ROWS);
    return different;
}

static void
set_up(World *world, unsigned kind)
{
    static const char *const more[] = {"--log-bin=log", "--server-id=1", "--binlog-format=ROW",
        "--binlog-row-metadata=FULL", "--binlog-row-image=FULL", "--max-allowed-packet=64M", NULL};

    /* stopped once more, and removed, at exit */
    static Server server;

    *world = (World){.kind = kind, .memory = binlog_memory_new(), .server = &server};
    if (kind == ON_MARIADB)
        server_start_mariadb_with(world->server, more);
    else
        server_start_mysql_with(world->server, more);
    connect_server(world);
    world->columns = calloc(value_case_count, sizeof(*world->columns));
    assert_non_null(world->columns);
    for (size_t i = 0; i < value_case_count; i++) {
        Column *column = &world->columns[world->column_count];

        if ((value_cases[i].servers & (kind == ON_MARIADB ? ON_MARIADB | ON_MARIADB_53 : kind)) ==
            0)
            continue;
        column->value_case = &value_cases[i];
        (void)snprintf(column->table, sizeof(column->table), "t%zu", i);
        world->column_count++;
    }
}

static void
tear_down(World *world)
{
    for (size_t i = 0; i < world->column_count; i++)
        arena_free(world->columns[i].arena);
    free(world->columns);
    mysql_close(world->mysql);
    binlog_memory_free(world->memory);
    server_stop(world->server);
}

static void
check_server(unsigned kind)
{
    uint64_t random = seed;
    unsigned different = 0;
    World world;

    set_up(&world, kind);
    for (size_t i = 0; i < world.column_count; i++)
        fill(&world, &world.columns[i], &random);
    read_logs(&world);
    for (size_t i = 0; i < world.column_count; i++)
        different += compare(&world, &world.columns[i]);
    assert_int_equal(different, 0);
    print_message("# %zu types, %d rows each\n", world.column_count, ROWS);
    tear_down(&world);
}

static void
log_and_select_of_mariadb_agree_in_every_type(void **state)
{
    (void)state;
    check_server(ON_MARIADB);
}

static void
log_and_select_of_mysql_agree_in_every_type(void **state)
{
    (void)state;
    check_server(ON_MYSQL);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest on_mariadb[] = {
        cmocka_unit_test(log_and_select_of_mariadb_agree_in_every_type),
    };
    const struct CMUnitTest on_mysql[] = {
        cmocka_unit_test(log_and_select_of_mysql_agree_in_every_type),
    };
    bool mysql = argc > 1 && strcmp(argv[1], "mysql") == 0;

    if (mysql ? !server_has_mysql() : !server_has_mariadb())
        return server_skip(mysql ? "MySQL" : "MariaDB");
    seed = random_seed();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return mysql ? cmocka_run_group_tests(on_mysql, NULL, NULL)
                 : cmocka_run_group_tests(on_mariadb, NULL, NULL);
}
