/*
 * position.h - where a service stands in the binary log, as text and as a value
 *
 *     mariadb-bin.000004:1234                        a file's name and an offset in it
 *     0-1-100,1-1-7                                  MariaDB's GTIDs: the last one of each domain
 *     3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7,…   MySQL's: the set of all that are executed
 *                                                    (with tags: uuid:1-5:tag:1-3)
 *     -                                              GTIDs, and none yet
 *
 * Behind it, where XA transactions are prepared and not ended: ";xa=" and a list of
 * <format>.<gtrid hex>.<bqual hex>@<file>:<offset of its first event>, with commas between. Their
 * rows come when they commit, from that place; the position goes on without them.
 *
 * Order: positions of one kind in one history. A position with GTIDs is before another one when the
 * other has all of its transactions and more; with file and offset, by the number behind the last
 * dot of the name, then the offset. A text that is none, or of another kind, comes before all.
 * What is prepared does not matter for the order. Pure.
 */
#pragma once

#include "base/error.h"
#include "source/binlog/event.h"

typedef enum BinlogPositionKind {
    BINLOG_POSITION_FILE,
    BINLOG_POSITION_MARIADB,
    BINLOG_POSITION_MYSQL,
} BinlogPositionKind;

typedef struct BinlogPosition BinlogPosition;

/* At nothing: file "" and offset 4, or no GTIDs. */
BinlogPosition *binlog_position_new(BinlogPositionKind kind) MUST_CHECK;
BinlogPosition *binlog_position_copy(const BinlogPosition *position) MUST_CHECK;
void binlog_position_free(BinlogPosition *position);
CLEANUP_DEFINE(BinlogPosition *, binlog_position_free);

/* ERR_SOURCE names what is wrong with the text. "-" needs a kind that has GTIDs: kind is what it
 * then becomes; for other texts the kind is in the text. Also what servers print (@@gtid_executed
 * with line ends, upper-case letters). */
BinlogPosition *binlog_position_parse(Text text, BinlogPositionKind kind, Error *err) MUST_CHECK;
void binlog_position_print(const BinlogPosition *position, Buf *out);
BinlogPositionKind binlog_position_kind(const BinlogPosition *position);

/* FILE: set; the name is copied. */
void binlog_position_set_file(BinlogPosition *position, Text file, uint64_t offset);
Text binlog_position_file(const BinlogPosition *position, uint64_t *ret_offset);

/* MARIADB: the transaction is done. ERR_SOURCE, with the way out, when its number is not above the
 * domain's last one: two servers wrote to one domain on their own. */
bool binlog_position_add_mariadb(BinlogPosition *position, uint32_t domain, uint32_t server,
    uint64_t sequence, Error *err) MUST_CHECK;
/* MYSQL: the transaction is done. False: it was in the set already. */
bool binlog_position_add_mysql(
    BinlogPosition *position, const uint8_t source[16], Text tag, uint64_t number);
/* MYSQL: the set as COM_BINLOG_DUMP_GTID takes it (binary). */
void binlog_position_encode(const BinlogPosition *position, Buf *out);

typedef struct BinlogPrepared {
    BinlogXid xid;
    Text file;
    uint64_t offset;
} BinlogPrepared;
void binlog_position_add_prepared(BinlogPosition *position, const BinlogPrepared *prepared);
/* NULL: not there. Valid until the position changes. */
const BinlogPrepared *binlog_position_find_prepared(
    const BinlogPosition *position, const BinlogXid *xid);
void binlog_position_remove_prepared(BinlogPosition *position, const BinlogXid *xid);

/* SourceDriver.compare */
int binlog_position_compare(Text a, Text b);
