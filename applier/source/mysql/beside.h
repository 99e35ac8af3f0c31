/*
 * beside.h - one transaction of the log, read from its place on a connection of its own
 *
 * For rows of XA transactions when they commit, and to learn what ROLLBACK TO undid in a
 * transaction that is too large to be kept. One at a time: the connection has the server id
 * MYSQL_ID_BESIDE.
 *
 * Errors are those of the stream (source/mysql/stream.h), and ERR_SOURCE where the transaction is
 * not at the place.
 */
#pragma once

#include "source/mysql/place.h"
#include "source/mysql/stream.h"
#include "source/mysql/transaction.h"

typedef struct BesidePlace {
    Text file;
    uint64_t offset;      /* of the transaction's first event (its GTID) */
    const BinlogXid *xid; /* NULL; or only a prepared XA transaction of this name will do */
} BesidePlace;

typedef struct Beside Beside;

Beside *beside_open(const SourceStart *start, const BesidePlace *place, Error *err) MUST_CHECK;
void beside_close(Beside *beside);
CLEANUP_DEFINE(Beside *, beside_close);

/* The next event behind the GTID, valid until the next call; NEXT_END behind the last one, which is
 * XID, XA_PREPARE, or a QUERY with COMMIT or ROLLBACK. Never NEXT_IDLE. */
Next beside_next(Beside *beside, BinlogEvent *ret_event, Error *err);
/* The format of its events. */
const BinlogFormat *beside_format(const Beside *beside);

/* Read all of the transaction: its events are added to transaction while that is not full, then
 * passed; savepoints are noted. transaction was reset. */
bool beside_scan(const SourceStart *start, const BesidePlace *place, Transaction *transaction,
    BinlogFormat *ret_format, Error *err) MUST_CHECK;
