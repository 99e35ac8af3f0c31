/*
 * binlog_dump.h - a binary log as text, one line an event and a row: for golden tests and fuzzing
 *
 * Everything that source/binlog decodes is decoded and shown. What cannot be is an "ERROR" line,
 * and reading goes on with the next event.
 */
#pragma once

#include "base/arena.h"
#include "source/binlog/event.h"
#include "source/binlog/memory.h"
#include "source/binlog/table_map.h"

#define BINLOG_DUMP_MAPS 8

typedef struct BinlogDump {
    Buf out;
    BinlogFormat format;
    bool ignores_checksums; /* wrong ones are no error */
    bool keeps_maps;        /* what an event says is remembered for the next ones */
    Arena *arenas[BINLOG_DUMP_MAPS];
    BinlogTableMap maps[BINLOG_DUMP_MAPS]; /* the last ones, with their arenas */
    size_t next_map;
    BinlogMemory *memory;
    Buf scratch;
    size_t errors;
} BinlogDump;

void binlog_dump_init(BinlogDump *dump);
void binlog_dump_clear(BinlogDump *dump);
/* One event, whose place in its file is shown in front. */
void binlog_dump_event(BinlogDump *dump, size_t at, const BinlogEvent *event);
/* The bytes of an event at the beginning of bytes; *ret_size is what it takes of them, 0: no event
 * can be there. */
bool binlog_dump_find(BinlogDump *dump, Text bytes, BinlogEvent *ret_event, size_t *ret_size);
/* A whole file, with its magic number. */
void binlog_dump_file(BinlogDump *dump, Text file);
