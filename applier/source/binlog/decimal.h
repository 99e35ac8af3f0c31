/*
 * decimal.h - DECIMAL values of a row image
 *
 *     the digits before the point, then the ones behind it, each side on its own in groups of 9
 *     digits in 4 bytes, big-endian; what is no whole group (it stands first before the point, last
 *     behind it) takes 1 byte for 1 or 2 digits, 2 for 3 or 4, 3 for 5 or 6, 4 for 7 to 9
 *     the highest bit of the first byte is turned over; below zero all bits are
 *
 * Source: MySQL source documentation, "decimal2bin" (strings/decimal.cc).
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* Precision at most: of a column 65, but JSON counts whole groups. */
#define BINLOG_DECIMAL_DIGITS 81
/* Bytes of a text at most: sign, a zero before the point, the point. */
#define BINLOG_DECIMAL_TEXT (BINLOG_DECIMAL_DIGITS + 3)

/* Bytes of an image; 0: there is no such precision and scale. */
size_t binlog_decimal_size(unsigned precision, unsigned scale);

/*
 * Write the text as the server shows it: at least one digit before the point, scale digits behind
 * it. image has binlog_decimal_size() bytes. *to goes on; ERR_DATA where a group has too many
 * digits.
 */
bool binlog_decimal_print(
    const uint8_t *image, unsigned precision, unsigned scale, char **to, Error *err) MUST_CHECK;
