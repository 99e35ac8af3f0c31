/*
 * shortest.h - floating-point numbers as the shortest text that reads back as the same number
 *
 * Of the shortest texts the one that is closest to the number, byte for byte what PostgreSQL writes
 * (src/common/d2s.c): an exponent, of two digits at least, where the first digit's power of ten is
 * below -4, or 15 (double precision) or 6 (single) and above; and no text that lies in the middle
 * between two numbers, which a reader might round the other way.
 *
 * Source of the method: R. Giulietti, "The Schubfach way to render doubles", 2020.
 */
#pragma once

#include "base/text.h"

#define BINLOG_SHORTEST_TEXT 32 /* bytes of a text at most */

/* Write at to, without a NUL; the place behind. NaN, Infinity, -Infinity where it is no number. */
char *binlog_print_double(char *to, double number);
char *binlog_print_float(char *to, float number);
/* With the digits that MySQL prints (strings/dtoa.cc): a text in the middle as well, where readers
 * that round to even find the number again. */
char *binlog_print_mysql_double(char *to, double number);

/* A decimal text to the nearest double, as strtod() does in the C locale, but faster for most.
 * False where the text is no number. */
bool binlog_parse_double(Text text, double *ret) MUST_CHECK;
