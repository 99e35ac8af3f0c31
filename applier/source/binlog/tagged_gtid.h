/*
 * tagged_gtid.h - GTID_TAGGED, as MySQL's library mysql::serialization writes it
 *
 *     number 1, the version   number: size of all of it   number: the last field that must be known
 *     fields, each a number and its value:
 *         0 flags: number        1 source: 16 numbers    2 number: signed
 *         3 tag: number, bytes   4 last committed, 5 sequence: signed
 *         6 immediate, 7 original commit time, microseconds   8 length of the transaction
 *         9 immediate, 10 original server version             11 commit group
 * All numbers are of variable length (binlog/wire.h). A field that has no value is left out; later
 * versions add fields behind these.
 *
 * Source: MySQL source documentation, "MySQL Serialization Library", class Gtid_event.
 */
#pragma once

#include "source/binlog/event.h"

bool binlog_read_tagged_gtid(const BinlogEvent *event, BinlogMysqlGtid *ret, Error *err) MUST_CHECK;
