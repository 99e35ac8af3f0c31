/*
 * value.h - a trigger's text of a value into the canonical one (event/value.h)
 *
 * Triggers print a value with its type's output function in the session of whoever wrote the row,
 * so that DateStyle, IntervalStyle, TimeZone, bytea_output and extra_float_digits of that session
 * are in it; jsontriga prints booleans, whole numbers, and dates (with a "T") by itself, but not
 * those of domains. What can be told for certain becomes the text that any other source gives for
 * the same value:
 *
 *     LOGICAL_BOOL         t, f, true, false
 *     LOGICAL_BYTES        \x00ff and \000\377 (bytea_output hex and escape)
 *     LOGICAL_DATE         ISO, "BC", infinity
 *     LOGICAL_TIMESTAMP    the same with a time behind " " or "T"
 *     LOGICAL_TIMESTAMPTZ  the same with any offset, which becomes +00
 *     LOGICAL_INTERVAL     IntervalStyle postgres
 *
 * Everything else is left as it is: numbers (what a smaller extra_float_digits has cut off is
 * lost), times of a day, text, JSON, UUIDs, and also arrays, ranges and composites, in which
 * dates, times and bytes stay in the notation of the writer's session.
 *
 * What cannot be told is refused, never guessed: a date that is not ISO's (01/06/2024 is January or
 * June), a time with a zone's name, an interval in another style, a timestamptz without an offset
 * or a timestamp with one (a type that was changed while events were waiting). The reason names the
 * setting to mend.
 *
 * Pure. Source: PostgreSQL documentation, "Date/Time Output", "Interval Output", "bytea Data Type".
 */
#pragma once

#include "base/error.h"
#include "event/value.h"
#include "source/pgq/record.h"

/*
 * *value is VALUE_TEXT with the event's text, or VALUE_NULL. The text is changed in place; only
 * what gets longer than it is made in the arena scratch (bytes in escape notation, and a year that
 * takes more digits in UTC). ERR_DATA, "value \"…\": reason"; the caller puts event, table and
 * column in front.
 */
bool pgq_value_canonical(
    LogicalType logical, PgqStyle style, Value *value, Arena *scratch, Error *err) MUST_CHECK;
