/*
 * One core's speed from canonical values to a finished block, and back out of it:
 *
 *     bench_block [CHANGES [TABLES]]      1000000 changes of 8 columns in 1 table
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "block/block_writer.h"
#include "block/load_feed.h"

enum { COLUMNS = 8 };

static const LogicalType types[COLUMNS] = {LOGICAL_INT, LOGICAL_TEXT, LOGICAL_NUMERIC,
    LOGICAL_TIMESTAMPTZ, LOGICAL_BOOL, LOGICAL_TEXT, LOGICAL_FLOAT, LOGICAL_DATE};

static OutTable *
make_table(Arena *arena, size_t number)
{
    OutTable *out = ARENA_NEW(arena, OutTable);

    out->source_schema = TEXT("public");
    out->source_name = text_of(arena_printf(arena, "orders_%zu", number));
    out->columns = ARENA_ARRAY(arena, OutColumn, COLUMNS);
    out->column_count = COLUMNS;
    out->key = ARENA_ARRAY(arena, size_t, 1);
    out->key_count = 1;
    for (size_t i = 0; i < COLUMNS; i++)
        out->columns[i] = (OutColumn){
            text_of(arena_printf(arena, "column_%zu", i)), TEXT(""), types[i], i, i == 0};
    return out;
}

static bool
write_changes(
    BlockWriter *writer, OutTable *const *tables, size_t table_count, uint64_t changes, Error *err)
{
    char id[24];
    Value row[COLUMNS] = {{VALUE_TEXT, {id, 0}}, {VALUE_TEXT, TEXT("a customer's name")},
        {VALUE_TEXT, TEXT("12345.67")}, {VALUE_TEXT, TEXT("2016-03-11 20:51:10.123456+01")},
        {VALUE_TEXT, TEXT("t")}, {VALUE_TEXT, TEXT("http://www.continent.com/software?q=\"x\"")},
        {VALUE_TEXT, TEXT("1.5e-07")}, {VALUE_NULL, TEXT_NONE}};

    for (uint64_t i = 0; i < changes; i++) {
        const OutTable *out = tables[i % table_count];
        Change change = {CHANGE_INSERT, NULL, row, NULL};

        row[0].text.len = (size_t)snprintf(id, sizeof(id), "%" PRIu64, i);
        if (i % 100 == 0 && !block_writer_begin(writer, i + 1, 1457729470000000, TEXT(""), err))
            return false;
        if (!block_writer_change(writer, out, &change, err))
            return false;
        if ((i % 100 == 99 || i + 1 == changes) && !block_writer_commit(writer, TEXT(""), err))
            return false;
    }
    return true;
}

static bool
read_back(const Block *block, Error *err)
{
    for (size_t i = 0; i < block->manifest.file_count; i++) {
        CLEANUP(load_feed_close) LoadFeed *feed = load_feed_open(block, i, true, err);
        Text piece = TEXT("x");

        while (feed != NULL && piece.len > 0)
            if (!load_feed_read(feed, &piece, err))
                return false;
        if (feed == NULL)
            return false;
    }
    return true;
}

static bool
run(const char *directory, uint64_t changes, size_t table_count, Arena *arena, Error *err)
{
    BlockConfig block_config = {.compact = true, .compact_memory = INT64_C(1) << 30};
    ValuesConfig values = {0};
    BlockWriterConfig config = {.directory = directory,
        .service = "bench",
        .target_type = "postgres",
        .block = &block_config,
        .values = &values,
        .dialect = {.null_word = TEXT("null"),
            .notation = {.zone = ZONE_UTC, .fraction_digits = 6},
            .header = {HEADER_OPCODE, HEADER_SEQNO, HEADER_ROW_ID, HEADER_TIMESTAMP},
            .header_count = 4}};
    CLEANUP(block_writer_close) BlockWriter *writer = block_writer_open(&config, err);
    CLEANUP(block_free) Block *block = NULL;
    OutTable **tables = ARENA_ARRAY(arena, OutTable *, table_count);
    int64_t start = clock_monotonic_ms();

    for (size_t i = 0; i < table_count; i++)
        tables[i] = make_table(arena, i);
    if (writer == NULL || !write_changes(writer, tables, table_count, changes, err))
        return false;
    (void)printf("write   %6" PRId64 " ms\n", clock_monotonic_ms() - start);
    start = clock_monotonic_ms();
    block = block_writer_finish(writer, err);
    if (block == NULL)
        return false;
    (void)printf("finish  %6" PRId64 " ms\n", clock_monotonic_ms() - start);
    start = clock_monotonic_ms();
    if (!read_back(block, err))
        return false;
    (void)printf("feed    %6" PRId64 " ms\n", clock_monotonic_ms() - start);
    start = clock_monotonic_ms();
    if (!block_check(block, true, err))
        return false;
    (void)printf("check   %6" PRId64 " ms\n", clock_monotonic_ms() - start);
    (void)printf("%" PRIu64 " bytes in %zu files\n", block->manifest.files[0].bytes * table_count,
        block->manifest.file_count);
    return true;
}

int
main(int argc, char **argv)
{
    uint64_t changes = 1000000;
    uint64_t tables = 1;
    char directory[] = "/tmp/dray-bench-XXXXXX";
    CLEANUP(arena_free) Arena *arena = arena_new();
    Error err;
    bool ok;

    if ((argc > 1 && !text_to_u64(text_of(argv[1]), &changes)) ||
        (argc > 2 && !text_to_u64(text_of(argv[2]), &tables)) || tables == 0 ||
        mkdtemp(directory) == NULL) {
        (void)fprintf(stderr, "usage: bench_block [CHANGES [TABLES]]\n");
        return 2;
    }
    ok = run(directory, changes, tables, arena, &err);
    if (!ok)
        (void)fprintf(stderr, "%s\n", err.text);
    if (!file_remove_tree(directory, &err))
        (void)fprintf(stderr, "%s\n", err.text);
    return ok ? 0 : 1;
}
