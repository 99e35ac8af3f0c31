/*
 * value.h - a column's value in a row image, and as a server prints it, into the canonical text
 *
 * Both ways give the very same text for the same value (event/value.h), so that a row of a snapshot
 * and one of the stream cannot be told apart. Pure.
 *
 * Fractions of a second lose zeros at their end. Zero dates come as "0000-00-00" and partial ones
 * as they are ("2024-00-00"): the policy values.zero_date is applied when the CSV file is written.
 *
 * In a row image (MySQL source documentation, "Field metadata"; all little-endian unless said
 * otherwise):
 *
 *     TINY 1, SHORT 2, INT24 3, LONG 4, LONGLONG 8 bytes   two's complement
 *     FLOAT 4, DOUBLE 8                                    IEEE 754
 *     YEAR 1                                               0 or years since 1900
 *     NEWDECIMAL    groups of 9 digits in 4 bytes, big-endian, sign in the highest bit
 *     BIT           (bits + 7) / 8 bytes, big-endian
 *     DATE 3        day 5 bits, month 4, year
 *     TIME 3, DATETIME 8, TIMESTAMP 4                      from before 5.6, decimal or seconds
 *     TIME2 3, DATETIME2 5, TIMESTAMP2 4, each + (decimals + 1) / 2   big-endian, with an offset
 *     STRING, VARCHAR, VAR_STRING   Int8 or (above 255 bytes at most) Int16 length, bytes
 *     BLOB …, JSON, GEOMETRY, VECTOR   length of 1 to 4 bytes, bytes
 *     ENUM 1, 2     number of the member, from 1; 0: the empty error value
 *     SET 1 to 8    a bit a member
 */
#pragma once

#include "base/error.h"
#include "event/value.h"
#include "source/binlog/charset.h"
#include "source/binlog/memory.h"
#include "source/binlog/table_map.h"

/* What the image's own type does not tell. */
typedef enum BinlogSpecial {
    BINLOG_PLAIN,
    BINLOG_UUID,      /* MariaDB: BINARY(16) */
    BINLOG_INET6,     /* MariaDB: BINARY(16) */
    BINLOG_INET4,     /* MariaDB: BINARY(4) */
    BINLOG_JSON_TEXT, /* MariaDB: a text that a constraint calls JSON */
    BINLOG_VECTOR,    /* MariaDB: floats of 4 bytes in a VARBINARY */
} BinlogSpecial;

/* How to read a column's values, and what they are. */
typedef struct BinlogValueType {
    BinlogColumn column; /* type, length, decimals, is_unsigned, labels (in UTF-8 here) */
    LogicalType logical;
    BinlogSpecial special;
    const BinlogCharset *charset; /* character columns; NULL: the bytes are no text */
    bool is_left_out;             /* pass over it: a generated column */
    bool in_key;                  /* an old image is of no use without it */
} BinlogValueType;

/*
 * Read the value at *at, which goes on behind it. ERR_SOURCE where it goes past end; ERR_DATA where
 * it is no value of its type, or cannot be shown in UTF-8. The caller names table and column. The
 * text is valid until the memory is reset, and may be a view of the image.
 */
bool binlog_value_read(const BinlogValueType *type, const uint8_t **at, const uint8_t *end,
    BinlogMemory *memory, Value *ret_value, Error *err) MUST_CHECK;
/* Pass over it. */
bool binlog_value_skip(
    const BinlogColumn *column, const uint8_t **at, const uint8_t *end, Error *err) MUST_CHECK;

/*
 * The same from what a server sends for the column in a text result, in a session with
 * character_set_results = utf8mb4 and time_zone = '+00:00'. FLOAT and DOUBLE must be selected as
 * (column * 1e0), which gives all digits, of a FLOAT those of the double that it is (its bare name
 * gives 6; adding 0e0 instead would lose the sign of -0); everything else by its bare name. BIT,
 * binary, geometry and vector values are their bytes. YEAR(2) shows no century: '00' is taken as
 * 2000. The text may be a view of shown.
 */
bool binlog_value_from_text(const BinlogValueType *type, Text shown, BinlogMemory *memory,
    Value *ret_value, Error *err) MUST_CHECK;

/* Texts in a character set that has gaps: a server shows "?" for a byte that is no character, which
 * would go unnoticed. They are selected as CAST(column AS BINARY) and read as in a row image. */
bool binlog_value_is_by_bytes(const BinlogValueType *type);
bool binlog_value_from_bytes(const BinlogValueType *type, Text bytes, BinlogMemory *memory,
    Value *ret_value, Error *err) MUST_CHECK;
