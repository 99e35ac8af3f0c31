/*
 * clock.h - wall time as microseconds since 1970-01-01 00:00:00 UTC, monotonic time, and their text
 *
 * TIME_UNKNOWN marks a time that nobody told. Texts are UTC: "2016-03-11 20:51:10.000123".
 */
#pragma once

#include "base/text.h"

#define TIME_UNKNOWN   INT64_MIN
#define TIME_TEXT_SIZE 32

/* Wall clock, microseconds since the epoch. */
int64_t clock_now_us(void);
/* Monotonic clock, milliseconds and microseconds since some start. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);

/*
 * "YYYY-MM-DD HH:MM:SS.ffffff": six digits, or three where the rest is zero. TIME_UNKNOWN gives "".
 * text has TIME_TEXT_SIZE bytes; returns it as a view. Years 0001 to 9999.
 */
Text clock_format(int64_t time_us, char *text);

/*
 * Read "YYYY-MM-DD[ T]HH:MM:SS[.f…][ ][+-HH[[:]MM[[:]SS]]|Z]"; without a zone it is UTC. Digits
 * after the sixth are cut. False when it is anything else.
 */
bool clock_parse(Text text, int64_t *ret_time_us) MUST_CHECK;

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back. */
int64_t clock_days(int64_t year, unsigned month, unsigned day);
void clock_date(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);
