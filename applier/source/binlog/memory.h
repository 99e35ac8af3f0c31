/*
 * memory.h - texts of a row that is being decoded: they stay until reset, whatever is added
 *
 * One piece of memory is filled again and again, so that a value costs no allocation; what does not
 * fit gets a piece of its own, which the reset gives back. One thread.
 */
#pragma once

#include "base/text.h"

typedef struct BinlogMemory BinlogMemory;

BinlogMemory *binlog_memory_new(void) MUST_CHECK;
void binlog_memory_free(BinlogMemory *memory);
CLEANUP_DEFINE(BinlogMemory *, binlog_memory_free);

/* Forget all texts; gives back what a large row took. */
void binlog_memory_reset(BinlogMemory *memory);

/* Room for max bytes. Write there, then binlog_memory_end() with the place behind the last byte,
 * before anything else is asked of the memory; or leave it, and nothing is taken. */
char *binlog_memory_room(BinlogMemory *memory, size_t max);
Text binlog_memory_end(BinlogMemory *memory, const char *end);

/* Keep a copy of a text. */
Text binlog_memory_copy(BinlogMemory *memory, Text text);
/* Keep what a buffer holds, which is empty afterwards: a large one is taken over, not copied. */
Text binlog_memory_take(BinlogMemory *memory, Buf *buf);
/* An empty buffer of the memory's own, to write into and then take. */
Buf *binlog_memory_scratch(BinlogMemory *memory);
