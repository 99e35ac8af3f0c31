/*
 * temporal.h - dates and times of a row image
 *
 *     DATE 3        little-endian: day 5 bits, month 4, year 15
 *     TIME 3        from before 5.6: little-endian, signed, decimal HHMMSS
 *     DATETIME 8    the same: decimal YYYYMMDDHHMMSS
 *     TIMESTAMP 4   the same: seconds since 1970, 0: the zero date
 *     TIME, DATETIME, TIMESTAMP with a fraction are MariaDB's own of 5.3 (mysql56_temporal_format
 *     = OFF). The table map does not tell them apart, nor the digits: the catalogue does, whose
 *     COLUMN_TYPE has the comment "mariadb-5.3". Big-endian, in units of the last digit:
 *     TIME 4 4 5 5 5 6, by digits       seconds and 3020400 more, before the fraction is added
 *     DATETIME 6 6 7 7 7 8              (((year * 13 + month) * 32 + day) * 24 + hour) and so on
 *     TIMESTAMP 4 + 1 1 2 2 3 3         seconds since 1970, then the fraction
 *     TIME2 3       big-endian, 0x800000 more: unused 1 bit, hour 10, minute 6, second 6; with the
 *                   fraction it is one number in two's complement
 *     DATETIME2 5   big-endian, 0x8000000000 more: year * 13 + month 17 bits, day 5, hour 5,
 *                   minute 6, second 6
 *     TIMESTAMP2 4  big-endian: seconds since 1970, 0: the zero date
 *     the last three: + 1, 2 or 3 bytes fraction, big-endian, in units of 1/100, 1/10000, 1/1000000
 *     second, for 1 or 2, 3 or 4, 5 or 6 digits
 *
 * Zero dates and partial ones are shown as they are. What is outside of what the servers take
 * (month 13, second 60) is ERR_DATA.
 *
 * Sources: MySQL source documentation, my_time.cc ("In-memory and on-disk formats"); MariaDB
 * documentation, "mysql56_temporal_format", and what 10.11 writes.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

#define BINLOG_TEMPORAL_TEXT 32 /* bytes of a text at most */

/* Bytes of an image, by one of the types above and its digits of a fraction (0 for types that have
 * none); 0: not one of them, or no such number of digits. */
size_t binlog_temporal_size(unsigned type, unsigned decimals);

/* Write the canonical text at *to, which goes on. image has binlog_temporal_size() bytes. */
bool binlog_temporal_print(
    unsigned type, unsigned decimals, const uint8_t *image, char **to, Error *err) MUST_CHECK;

/* What a server shows, without zeros at the end of a fraction. */
Text binlog_temporal_trim(Text shown);
