/*
 * to_char.h - PostgreSQL's to_char(timestamp, format), for names of partitions
 *
 * All patterns and modifiers that PostgreSQL 15 takes for a timestamp, with the same text for every
 * time (years 1 to 9999), but those that depend on a locale or a zone (TM, TZ, tz, TZH, TZM, OF),
 * which are refused by name. What is no pattern stands for itself; "…" is text.
 *
 * Pure. Source: PostgreSQL documentation, "Data Type Formatting Functions", tables "Template
 * Patterns for Date/Time Formatting" and "Template Pattern Modifiers for Date/Time Formatting". Not
 * told there: a prefix stands before one pattern only (of "FMFM" the second one is text), FM
 * changes nothing in fractions of a second and in Y,YYY, and TH nothing in names.
 */
#pragma once

#include "base/text.h"
#include "base/time_zone.h"

/* What a format shows of a time, from coarse to fine: each is a sort of periods, and two times of
 * one period look alike. */
typedef enum ToCharUnit {
    TO_CHAR_NOTHING, /* only text */
    TO_CHAR_CENTURY,
    TO_CHAR_YEAR,
    TO_CHAR_ISO_YEAR,
    TO_CHAR_QUARTER,
    TO_CHAR_MONTH,
    TO_CHAR_YEAR_WEEK,  /* seven days, from January 1 */
    TO_CHAR_MONTH_WEEK, /* seven days, from the month's first */
    TO_CHAR_WEEK,       /* ISO weeks, from Monday */
    TO_CHAR_DAY,
    TO_CHAR_HALF_DAY,
    TO_CHAR_HOUR,
    TO_CHAR_MINUTE,
    TO_CHAR_SECOND,
    TO_CHAR_FRACTION,
    TO_CHAR_UNITS,
} ToCharUnit;

/* False with the reason ("TZ at character 9 depends on a zone: …"). */
bool to_char_check(Text format, Buf *reason) MUST_CHECK;
/* The format must have passed the check. */
void to_char_add(Text format, const CivilTime *time, Buf *out);
/* The finest unit that a format shows, and all of them, a bit (1 << unit) each. */
ToCharUnit to_char_unit(Text format);
unsigned to_char_units(Text format);
/* Does the text name one period only? False where it comes again: "MM" every year, "HH12" without
 * AM twice a day, a calendar year with an ISO week. Years of at least two digits are enough. */
bool to_char_is_unique(Text format);
