/*
 * block_row.h - the values of the lines that a change makes. Pure.
 *
 * row has a value for each of the table's columns, keys one for each key column in key order; both
 * are views of the change.
 */
#pragma once

#include "base/error.h"
#include "event/rule.h"

/* The key before the change; where an update has no old image the key did not change. ERR_DATA
 * where the source does not tell it. */
bool block_row_old_key(const OutTable *out, const Change *change, Text *keys, Error *err)
    MUST_CHECK;
/* The D line's values: the old key, or without a key all that is known of the old row. */
void block_row_set_old(const OutTable *out, const Change *change, const Text *keys, Value *row);
/* The new row's values and key. What an update did not touch and the source did not repeat is
 * taken from the old image, where that has it; else it is ERR_DATA, or with may_omit
 * VALUE_UNCHANGED is left in the row. */
bool block_row_set_new(const OutTable *out, const Change *change, bool may_omit, Value *row,
    Text *keys, Error *err) MUST_CHECK;
/* False for a table without a key. */
bool block_row_same_key(const OutTable *out, const Text *a, const Text *b);
