/*
 * wire.h - the integers of the binary log, read with a bounds-checked cursor (base/text.h)
 *
 * Fixed integers are little-endian. A length-encoded one (MySQL source documentation,
 * "Protocol::LengthEncodedInteger") is one byte below 251, or 252, 253, 254 and 2, 3, 8 bytes. A
 * number of variable length (the same, "MySQL Serialization Library") has as many ones at the end
 * of its first byte as bytes follow it; its value stands above these bits and one zero.
 */
#pragma once

#include "source/binlog/event.h"

/* An integer of 1 to 8 bytes; 0 after an overrun. */
uint64_t binlog_wire_int(Reader *reader, size_t len);
/* Length-encoded. What begins with 251 or 255 is none, and counts as an overrun. */
uint64_t binlog_wire_length(Reader *reader);
/* Of mysql::serialization, unsigned, and with its sign in the lowest bit. */
uint64_t binlog_wire_varint(Reader *reader);
int64_t binlog_wire_signed_varint(Reader *reader);
/* A length-encoded length, and as many bytes. */
Text binlog_wire_text(Reader *reader);
/* All that is left. */
Text binlog_wire_rest(Reader *reader);

/* A cursor over the event's body; its error, whose byte counts from the event's beginning; and that
 * error where the cursor went past the end. */
Reader binlog_event_reader(const BinlogEvent *event);
bool binlog_event_fail(const BinlogEvent *event, size_t at, const char *reason, Error *err);
bool binlog_event_check(const BinlogEvent *event, const Reader *reader, Error *err) MUST_CHECK;
