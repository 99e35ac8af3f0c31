/*
 * value.h - a trigger's text of a value into the canonical one (event/value.h)
 *
 * logutriga prints a value with its type's output function in the session of whoever wrote the
 * row, so that DateStyle, IntervalStyle, TimeZone, bytea_output and extra_float_digits of that
 * session are in it. What can be told for certain is turned into the canonical text: times with any
 * zone into UTC, bytea in both notations. What cannot (a date that is not ISO's, a time with the
 * name of a zone, an interval not in the style postgres) is refused, naming the setting to mend
 * (ALTER ROLE … SET datestyle = 'ISO'). jsontriga's dates have a "T".
 *
 * Pure. Source: PostgreSQL documentation, "Date/Time Output", "bytea Data Type".
 */
#pragma once

#include "base/error.h"
#include "event/value.h"
#include "source/pgq/record.h"

/*
 * *value is VALUE_TEXT with the event's text, or VALUE_NULL. What must be made anew is made in the
 * arena scratch. ERR_DATA with the reason; the caller puts column and event in front.
 */
bool pgq_value_canonical(
    LogicalType logical, PgqStyle style, Value *value, Arena *scratch, Error *err) MUST_CHECK;
