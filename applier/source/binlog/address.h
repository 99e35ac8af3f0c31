/*
 * address.h - MariaDB's UUID, INET6 and INET4 as it shows them
 *
 * In a row image they are BINARY(16) and BINARY(4), without the zero bytes at their end. UUIDs are
 * in the order of their text: the other order in which tables keep them does not get into the log.
 *
 * Source: MariaDB documentation, "UUID Data Type", "INET6", "INET4".
 */
#pragma once

#include <stdint.h>

#include "base/text.h"

#define BINLOG_ADDRESS_TEXT 48 /* bytes of a text at most */

/* Write at to, without a NUL; the place behind. */
char *binlog_print_uuid(char *to, const uint8_t bytes[16]);
char *binlog_print_inet4(char *to, const uint8_t bytes[4]);
/* The longest run of zero words as "::", also of a single one, the first of several; "::1.2.3.4"
 * and "::ffff:1.2.3.4" with an IPv4 address. */
char *binlog_print_inet6(char *to, const uint8_t bytes[16]);
