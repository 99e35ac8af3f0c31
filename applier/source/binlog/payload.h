/*
 * payload.h - TRANSACTION_PAYLOAD: a whole transaction of MySQL in one event, compressed
 *
 *     fields as in HEARTBEAT_V2, 1: payload size, 2: compression (0: zstd, 255: none), 3: size
 *     unpacked, 0: the end; then the payload: the events of the transaction, one behind the other,
 *     without checksums
 *
 * Unpacked piece by piece: memory grows with the largest event, not with the transaction. What a
 * size claims is not believed: bytes are taken as they come out of the payload.
 *
 * Source: MySQL source documentation, class Transaction_payload_event.
 */
#pragma once

#include "source/binlog/event.h"

typedef struct BinlogPayload BinlogPayload;
BinlogPayload *binlog_payload_open(const BinlogEvent *event, Error *err) MUST_CHECK;
void binlog_payload_close(BinlogPayload *payload);
CLEANUP_DEFINE(BinlogPayload *, binlog_payload_close);
/* The next event, valid until the next call; *ret_end at the end. The bytes of event must stay. */
bool binlog_payload_next(BinlogPayload *payload, BinlogEvent *ret_event, bool *ret_end, Error *err)
    MUST_CHECK;
