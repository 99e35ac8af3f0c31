/*
 * transaction.h - the events of one transaction of the log, and which of its rows were undone
 *
 * Servers write what ROLLBACK TO SAVEPOINT undid into the log where they cannot cut it off again
 * (MariaDB: after a table without transactions was changed, or a temporary table made), and a
 * replica undoes it in its tables. Rows that were handed out cannot be undone, so what will be
 * undone must be known before: a transaction's events are kept until its end is there, or until
 * they are too many; of those a second look at the log tells it (source/mysql/beside.h).
 *
 * Events have numbers, from 0 in the order in which they are added. Pure; one thread.
 */
#pragma once

#include "source/binlog/event.h"
#include "source/binlog/statement.h"

/* Is an event of this type one of a transaction's? Others (remarks, what belongs to the file) may
 * stand between them, and have no numbers. */
bool transaction_has_type(unsigned type);

typedef struct Transaction Transaction;

/* limit: bytes of events that are kept at most, but always one event. */
Transaction *transaction_new(size_t limit) MUST_CHECK;
void transaction_free(Transaction *transaction);
CLEANUP_DEFINE(Transaction *, transaction_free);

/* Forget everything; the next event is number 0. */
void transaction_reset(Transaction *transaction);
/* Keep a copy of an event. */
void transaction_add(Transaction *transaction, const BinlogEvent *event);
/* Is it time to take the kept events out, though the end is not there? */
bool transaction_is_full(const Transaction *transaction);
/* The next of the kept events and its number, valid until the next transaction_add or _reset;
 * false: no more. */
bool transaction_next(Transaction *transaction, BinlogEvent *ret_event, uint64_t *ret_number);
/* Number of the event that is added next. */
uint64_t transaction_count(const Transaction *transaction);
/* An event that goes by and is not kept has a number as well. */
uint64_t transaction_pass(Transaction *transaction);

/* Statement number number is STATEMENT_SAVEPOINT: SAVEPOINT, ROLLBACK TO or RELEASE SAVEPOINT.
 * ERR_SOURCE where it is none, or names a savepoint that the transaction has not. */
bool transaction_savepoint(Transaction *transaction, uint64_t number, Text statement, Error *err)
    MUST_CHECK;
/* Was what this event did undone by a ROLLBACK TO? Numbers must not go down from call to call. */
bool transaction_is_undone(Transaction *transaction, uint64_t number);
/* Has the transaction savepoints? */
bool transaction_has_savepoints(const Transaction *transaction);
/* Forget the events, not what was undone: they are added and passed once more, from number 0. */
void transaction_keep_undone(Transaction *transaction);
/* Take over what another look at the same transaction found out. */
void transaction_take_undone(Transaction *transaction, Transaction *other);
