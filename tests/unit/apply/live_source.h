/*
 * live_source.h - a source with a catalogue that a test writes, an SQLite target, and a router
 *
 * Positions are decimal numbers. Only what the router asks a source for is there.
 */
#pragma once

#include "apply/router.h"
#include "ddl/shape_column.h"
#include "support/pipeline.h"

typedef struct LiveSource {
    TestService service;
    Config *config;
    Context *context;
    Router *router;
    Arena *arena;
} LiveSource;

/* A column as the stream (number 0) or the catalogue tells it. */
typedef struct Told {
    const char *name;
    const char *type;
    int number;
    bool in_key;
    const char *added_value;
    bool has_default;
} Told;

static SourceTable live_table; /* what the catalogue has; no column: it has no such table */
static unsigned live_asked;    /* how often it was asked */
static SourceColumn live_columns[16];

static int
live_compare(Text a, Text b)
{
    uint64_t left = 0;
    uint64_t right = 0;

    (void)(text_to_u64(a, &left) && text_to_u64(b, &right));
    return left < right ? -1 : left > right;
}

static void
live_tables_close(SourceTables *tables)
{
    free(tables);
}

static bool
live_describe(
    SourceTables *tables, Text schema, Text name, Arena *arena, SourceTable **ret_table, Error *err)
{
    (void)tables;
    (void)schema;
    (void)name;
    (void)arena;
    (void)err;
    live_asked++;
    *ret_table = live_table.column_count == 0 ? NULL : &live_table;
    return true;
}

static SourceTables *
live_tables_open(const SourceStart *start, Error *err)
{
    static const SourceTablesDriver driver = {
        .close = live_tables_close, .describe = live_describe};
    SourceTables *tables = calloc(1, sizeof(*tables));

    (void)start;
    (void)err;
    assert_non_null(tables);
    tables->driver = &driver;
    return tables;
}

static const SourceDriver live_driver = {
    .name = "postgres", .compare = live_compare, .tables_open = live_tables_open};

/* rules is a YAML list, or NULL. */
static inline void
live_open(LiveSource *live, const char *rules, const RouterOptions *options)
{
    CLEANUP(buf_clear) Buf extra = BUF_INIT;
    Error err;

    *live = (LiveSource){.arena = arena_new()};
    test_service_init(&live->service);
    log_set_level(LOG_ERROR);
    buf_addf(&extra, "tables: %s\n", rules == NULL ? "[]" : rules);
    live->config = test_service_config(&live->service, extra.data, &err);
    assert_ok(live->config != NULL, err);
    assert_ok(file_make_directory(live->config->block.directory, &err), err);
    live->context = context_open(live->config, &err);
    assert_ok(live->context != NULL, err);
    live->context->source = &live_driver;
    live->router = router_new(live->context, options);
    live_table = (SourceTable){.column_count = 0};
    live_asked = 0;
}

/* As after a restart of the service. */
static inline void
live_restart(LiveSource *live)
{
    router_free(live->router);
    live->router = router_new(live->context, NULL);
}

static inline void
live_close(LiveSource *live)
{
    router_free(live->router);
    context_close(live->context);
    config_free(live->config);
    arena_free(live->arena);
    test_service_clear(&live->service);
}

/* The catalogue has public.item so from now on. */
static inline void
live_tell(LiveSource *live, const Told *columns, size_t count)
{
    live_table = (SourceTable){.schema = TEXT("public"),
        .name = TEXT("item"),
        .columns = live_columns,
        .column_count = count,
        .is_published = true};
    for (size_t i = 0; i < count; i++) {
        Text type = text_of(columns[i].type);

        live_columns[i] = shape_column(
            text_of(columns[i].name), type, logical_type_of_postgres(type), live->arena);
        live_columns[i].number = columns[i].number;
        live_columns[i].added_value = text_of(columns[i].added_value);
        live_columns[i].has_default = columns[i].has_default;
    }
}

/* A new shape of public.item in the stream. */
static inline const Table *
live_shape(const LiveSource *live, const Told *columns, size_t count)
{
    Table *table = ARENA_NEW(live->arena, Table);
    Column *list = ARENA_ARRAY(live->arena, Column, count);

    for (size_t i = 0; i < count; i++) {
        Text type = text_of(columns[i].type);

        list[i] = (Column){.name = text_of(columns[i].name),
            .type = type,
            .logical = logical_type_of_postgres(type),
            .in_key = columns[i].in_key};
        table->has_key |= columns[i].in_key;
    }
    table->id = source_next_table_id();
    table->schema = TEXT("public");
    table->name = TEXT("item");
    table->columns = list;
    table->column_count = count;
    return table;
}

#define LIVE_TELL(live, ...) \
    live_tell((live), (const Told[]){__VA_ARGS__}, ARRAY_LEN(((const Told[]){__VA_ARGS__})))
#define LIVE_SHAPE(live, ...) \
    live_shape((live), (const Told[]){__VA_ARGS__}, ARRAY_LEN(((const Told[]){__VA_ARGS__})))
