/*
 * fixture.h - a table to merge, and scripts in memory; for the tests of script/
 */
#pragma once

#include "script/merge_params.h"

typedef struct Fixture {
    Arena *arena;
    Block block;
    BlockFile file;
    TargetTable base;
    MergeTable table;
    const TargetColumn *columns[8];
} Fixture;

/* Table shop.orders (a, b, v, g) and staging table stage_orders; the file has a, b, v and g
 * (generated) under the key (a, b); the base table also has note. */
static inline void
fixture_init(Fixture *fixture, const SqlDialect *dialect)
{
    static const size_t key[] = {0, 1};
    static const char *const names[] = {"a", "b", "v", "g", "note"};

    memset(fixture, 0, sizeof(*fixture));
    fixture->arena = arena_new();
    fixture->base =
        (TargetTable){.schema = TEXT("shop"), .name = TEXT("orders"), .column_count = 5};
    fixture->base.columns = ARENA_ARRAY(fixture->arena, TargetColumn, 5);
    for (size_t i = 0; i < 5; i++)
        fixture->base.columns[i].name = text_of(names[i]);
    fixture->base.columns[1].is_text = true;
    fixture->base.columns[3].generated = true;
    fixture->file = (BlockFile){.name = TEXT("shop.orders.csv"),
        .schema = TEXT("shop"),
        .table = TEXT("orders"),
        .generation = 2,
        .truncate = true,
        .truncate_seqno = 77,
        .truncate_time_us = 1000000,
        .column_count = 4};
    fixture->file.columns = ARENA_ARRAY(fixture->arena, BlockColumn, 4);
    for (size_t i = 0; i < 4; i++)
        fixture->columns[i] = &fixture->base.columns[i];
    fixture->block.manifest.first_seqno = 5;
    fixture->block.manifest.last_seqno = 9;
    fixture->block.manifest.dialect = (CsvDialect){.null_word = TEXT("null"),
        .header = {HEADER_OPCODE, HEADER_ROW_ID},
        .header_count = 2,
        .header_names = {TEXT("d_opcode"), TEXT("d_seqno"), TEXT("d_row_id"), TEXT("d_timestamp"),
            TEXT("d_service")}};
    fixture->table = (MergeTable){.dialect = dialect,
        .block = &fixture->block,
        .file = &fixture->file,
        .service = "sales",
        .csv_path = "/blocks/1/shop.orders.csv",
        .block_path = "/blocks/1",
        .base = &fixture->base,
        .stage_schema = TEXT("stage"),
        .stage_name = TEXT("stage_orders"),
        .columns = fixture->columns,
        .key = key,
        .key_count = 2,
        .rows = 3};
}

static inline void
fixture_clear(Fixture *fixture)
{
    arena_free(fixture->arena);
}

/* The first statement of @apply, filled in; or "error …". */
static inline void
fixture_fill(const Fixture *fixture, const char *sql, Buf *out)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    CLEANUP(script_free) Script *script = NULL;
    Error err = {0};

    buf_addf(&text, "-- @apply\n%s", sql);
    script = script_parse("m.sql", buf_text(&text), fixture->table.dialect, &err);
    if (script == NULL || !script_fill(script, &script->sections[SECTION_APPLY][0],
                              merge_params_new(&fixture->table, fixture->arena), out, &err)) {
        buf_reset(out, 0);
        buf_addf(out, "error %s", err.text);
    }
}
