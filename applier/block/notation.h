/*
 * notation.h - canonical values into a target's notation, and back. Pure.
 */
#pragma once

#include "block/dialect.h"
#include "config/config.h"

/*
 * Append the canonical text (VALUE_TEXT) as notation spells it. *ret_null is set to true, and
 * nothing appended, where a policy turns the value into NULL. Fails with ERR_DATA where the value
 * is malformed for its type, or the notation cannot hold it and the policy is error; the text has
 * the value (at most 100 bytes of it) and the reason; the caller prepends table and column.
 */
bool notation_write(const Notation *notation, const ValuesConfig *policy, LogicalType type,
    Text value, Buf *out, bool *ret_null, Error *err) MUST_CHECK;

/* The way back: append the canonical text of what notation_write() wrote. */
bool notation_read(const Notation *notation, LogicalType type, Text value, Buf *out, Error *err)
    MUST_CHECK;
