/*
 * digits.h - numbers as decimal and hexadecimal digits, without printf
 *
 * Each function writes at to, without a NUL, and returns the place behind; the caller has room.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define BINLOG_DIGITS_I64 20 /* bytes that a number of 64 bits takes at most */

/* Decimal, as many digits as needed. */
char *binlog_print_u64(char *to, uint64_t number);
char *binlog_print_i64(char *to, int64_t number);
/* Exactly count digits, with zeros in front; number is below 10^count, count up to 9. */
char *binlog_print_padded(char *to, uint32_t number, unsigned count);
/* Two digits; number is below 100. */
char *binlog_print_two(char *to, unsigned number);

/* Two lower-case hexadecimal digits a byte. */
char *binlog_print_hex(char *to, Text bytes);

/* A row image's integers, from bytes of any alignment; size up to 8. */
uint64_t binlog_read_le(const uint8_t *at, size_t size);
uint64_t binlog_read_be(const uint8_t *at, size_t size);
