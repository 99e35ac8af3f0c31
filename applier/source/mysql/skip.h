/*
 * skip.h - places behind the first 4 GiB of a log file
 *
 * COM_BINLOG_DUMP has 32 bits for the offset. A file grows over that when a transaction is that
 * large: servers do not split them. Then the file is asked for from its beginning, and what lies
 * before the place is passed over here, by the sizes of the events. Pure.
 */
#pragma once

#include "base/text.h"

typedef struct MysqlSkip {
    uint64_t at;     /* of the next event of the file */
    uint64_t wanted; /* 0: nothing is passed over any more */
} MysqlSkip;

/* To be at offset. Returns the offset to ask for. */
uint32_t source_mysql_skip_start(MysqlSkip *skip, uint64_t offset);
/* Is this event of the stream (all its bytes) behind the place, or one that the events behind it
 * cannot be read without? */
bool source_mysql_skip_wants(MysqlSkip *skip, Text event);
