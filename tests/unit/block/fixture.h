/*
 * fixture.h - a block writer in a temporary directory, and short ways to hand it changes
 */
#pragma once

#include "base/arena.h"
#include "base/file.h"
#include "block/block_writer.h"
#include "block/load_feed.h"
#include "support/test.h"

#define TX(string) ((Value){VALUE_TEXT, text_of(string)})
#define NUL        ((Value){VALUE_NULL, TEXT_NONE})
#define ABSENT     ((Value){VALUE_ABSENT, TEXT_NONE})
#define UNCHANGED  ((Value){VALUE_UNCHANGED, TEXT_NONE})
#define ROW(...)   ((const Value[]){__VA_ARGS__})

typedef struct Fixture {
    char *directory;
    Arena *arena;
    BlockConfig block;
    ValuesConfig values;
    BlockWriterConfig config;
    BlockWriter *writer;
    uint64_t seqno;
} Fixture;

static inline CsvDialect
fixture_dialect(void)
{
    return (CsvDialect){
        .style = CSV_QUOTED,
        .null_word = TEXT("null"),
        .notation = {.bytes = BYTES_BACKSLASH_HEX,
            .numeric_nan = true,
            .numeric_infinity = true,
            .float_special = true,
            .infinite_dates = true,
            .bc_dates = true,
            .fraction_digits = 6,
            .max_hours = 24},
        .header = {HEADER_OPCODE, HEADER_SEQNO, HEADER_ROW_ID, HEADER_TIMESTAMP},
        .header_count = 4,
        .header_names = {TEXT("dray_opcode"), TEXT("dray_seqno"), TEXT("dray_row_id"),
            TEXT("dray_timestamp"), TEXT("dray_service")},
    };
}

static inline void
fixture_init(Fixture *f)
{
    *f = (Fixture){.directory = test_directory(), .arena = arena_new()};
    f->block = (BlockConfig){
        .max_rows = 1000000, .max_bytes = 1 << 30, .compact = true, .compact_memory = 64 << 20};
    f->config = (BlockWriterConfig){
        f->directory, "sales", "postgres", 7, &f->block, &f->values, fixture_dialect()};
}

static inline void
fixture_open(Fixture *f)
{
    Error err;

    f->writer = block_writer_open(&f->config, &err);
    if (f->writer == NULL)
        fail_msg("%s", err.text);
}

static inline void
fixture_clear(Fixture *f)
{
    Error err;

    block_writer_close(f->writer);
    assert_ok(file_remove_tree(f->directory, &err), err);
    free(f->directory);
    arena_free(f->arena);
}

/* A table of text columns "id", "a", "b" …; the first key_count are the key. */
static inline OutTable *
fixture_table(Fixture *f, const char *schema, const char *name, size_t columns, size_t key_count)
{
    OutTable *out = ARENA_NEW(f->arena, OutTable);

    out->source_schema = text_of(schema);
    out->source_name = text_of(name);
    out->columns = ARENA_ARRAY(f->arena, OutColumn, columns);
    out->column_count = columns;
    out->key = ARENA_ARRAY(f->arena, size_t, key_count + 1);
    out->key_count = key_count;
    for (size_t i = 0; i < columns; i++) {
        char *column = arena_printf(f->arena, "%c", (char)('a' + i - 1));

        out->columns[i] = (OutColumn){
            i == 0 ? TEXT("id") : text_of(column), TEXT("text"), LOGICAL_TEXT, i, i < key_count};
        if (i < key_count)
            out->key[i] = i;
    }
    return out;
}

#define FIXTURE_TIME INT64_C(1457729470000000) /* 2016-03-11 20:51:10 */

static inline void
fixture_begin(Fixture *f)
{
    Error err;

    f->seqno++;
    assert_ok(block_writer_begin(f->writer, f->seqno, FIXTURE_TIME, TEXT("before"), &err), err);
}

static inline void
fixture_commit(Fixture *f)
{
    Error err;

    assert_ok(block_writer_commit(f->writer, TEXT("after"), &err), err);
}

static inline bool
fixture_try(Fixture *f, const OutTable *out, const Value *before, const Value *after, Error *err)
{
    ChangeKind kind = after == NULL    ? CHANGE_DELETE
                      : before == NULL ? CHANGE_INSERT
                                       : CHANGE_UPDATE;
    Change change = {kind, NULL, after, before};

    return block_writer_change(f->writer, out, &change, err);
}

static inline void
fixture_insert(Fixture *f, const OutTable *out, const Value *after)
{
    Error err;

    assert_ok(fixture_try(f, out, NULL, after, &err), err);
}

static inline void
fixture_delete(Fixture *f, const OutTable *out, const Value *before)
{
    Error err;

    assert_ok(fixture_try(f, out, before, NULL, &err), err);
}

/* before may be NULL: the key did not change. */
static inline void
fixture_update(Fixture *f, const OutTable *out, const Value *before, const Value *after)
{
    Change change = {CHANGE_UPDATE, NULL, after, before};
    Error err;

    assert_ok(block_writer_change(f->writer, out, &change, &err), err);
}

static inline Block *
fixture_finish(Fixture *f)
{
    Error err;
    Block *block = block_writer_finish(f->writer, &err);

    if (block == NULL)
        fail_msg("%s", err.text);
    return block;
}

/* What a load of the file reads. */
static inline void
fixture_serve(const Block *block, size_t file, bool skip, Buf *ret)
{
    Error err;
    LoadFeed *feed = load_feed_open(block, file, skip, &err);
    Text piece;

    if (feed == NULL)
        fail_msg("%s", err.text);
    do {
        assert_ok(load_feed_read(feed, &piece, &err), err);
        buf_add_text(ret, piece);
    } while (piece.len > 0);
    assert_true(load_feed_is_finished(feed));
    load_feed_close(feed);
}

#define assert_served(block, file, skip, expected)             \
    do {                                                       \
        Buf served_ = BUF_INIT;                                \
        fixture_serve((block), (file), (skip), &served_);      \
        assert_string_equal(buf_string(&served_), (expected)); \
        buf_clear(&served_);                                   \
    } while (0)
