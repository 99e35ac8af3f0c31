/*
 * to_char.h - PostgreSQL's to_char(timestamp, format), for names of partitions
 *
 * All patterns and modifiers that PostgreSQL 15 takes for a timestamp, with the same text for every
 * time (years 1 to 9999), but those that depend on a locale or a zone (TM, TZ, tz, TZH, TZM, OF),
 * which are refused by name. What is no pattern stands for itself; "…" is text.
 *
 * Pure. Source: PostgreSQL documentation, "Data Type Formatting Functions", table "Template
 * Patterns for Date/Time Formatting".
 */
#pragma once

#include "base/text.h"
#include "base/time_zone.h"

/* The finest unit that a format shows. */
typedef enum ToCharUnit {
    TO_CHAR_NOTHING, /* only text, or only units that do not tell periods apart (a day's name) */
    TO_CHAR_YEAR,
    TO_CHAR_QUARTER,
    TO_CHAR_MONTH,
    TO_CHAR_WEEK, /* ISO weeks, from Monday */
    TO_CHAR_DAY,
    TO_CHAR_HOUR,
    TO_CHAR_MINUTE,
    TO_CHAR_SECOND,
    TO_CHAR_FRACTION,
} ToCharUnit;

/* False with the reason ("TZ at character 9 depends on a zone: …"). */
bool to_char_check(Text format, Buf *reason) MUST_CHECK;
/* The format must have passed the check. */
void to_char_add(Text format, const CivilTime *time, Buf *out);
ToCharUnit to_char_unit(Text format);
