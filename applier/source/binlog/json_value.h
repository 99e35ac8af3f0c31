/*
 * json_value.h - MySQL's binary JSON: its layout, and the text of one value that is no container
 *
 *     value       Int8 type, then by type:
 *      0, 1       object, small and large      2, 3   array, small and large
 *      4          literal: 0 null, 1 true, 2 false (Int8)
 *      5 to 10    Int16, its unsigned, Int32, its unsigned, Int64, its unsigned
 *      11         double, 8 bytes              12     text: length, UTF-8
 *      15         of another type: Int8 type of a column, length, bytes
 *     container   count, size of all of it (2 bytes each, large ones 4)
 *                 of objects, a key's entry each: offset (2 or 4), length (2)
 *                 a value's entry each: Int8 type, offset (2 or 4)
 *                 keys, values
 *     Offsets count from the container's count on. In the place of the offset stand literals,
 *     numbers of 2 bytes, and in large containers those of 4. A length is 7 bits a byte, the lowest
 *     first, the highest bit set where more follow, 5 bytes at most. All little-endian.
 *
 * Of other types: NEWDECIMAL has Int8 precision, Int8 scale and the digits of a row image
 * (binlog/decimal.h); DATE, TIME, DATETIME and TIMESTAMP 8 bytes: a fraction of a second in 24 bits
 * and above it hour, minute and second (10 or 5, 6, 6 bits), day (5) and year * 13 + month.
 *
 * Source: MySQL source documentation, json_binary.h ("JSON binary format"), json_dom.cc.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

#define BINLOG_JSON_DEPTH 100 /* containers in one another, as MySQL allows */

/* data goes as far as the value may: to the end of what it is in. */
typedef struct BinlogJson {
    unsigned type;
    Text data;
} BinlogJson;

typedef struct BinlogJsonContainer {
    bool is_object;
    size_t count;
    size_t header; /* bytes of the counts and entries */
    size_t width;  /* of counts and offsets: 2 or 4 */
    Text data;     /* all of it */
} BinlogJsonContainer;

/* The value that a column's bytes are; none: the literal null. */
BinlogJson binlog_json_value(Text binary);
bool binlog_json_is_container(const BinlogJson *value);
/* ERR_DATA where the entries do not fit. */
bool binlog_json_open(const BinlogJson *value, BinlogJsonContainer *ret, Error *err) MUST_CHECK;
/* index is below count. ERR_DATA where they are not in the container. */
bool binlog_json_key(const BinlogJsonContainer *container, size_t index, Text *ret_key, Error *err)
    MUST_CHECK;
bool binlog_json_child(const BinlogJsonContainer *container, size_t index, BinlogJson *ret_value,
    Error *err) MUST_CHECK;

/* Append the text of a value that is no container. *ret_len is how many bytes of its data it took.
 */
bool binlog_json_print_scalar(const BinlogJson *value, Buf *out, size_t *ret_len, Error *err)
    MUST_CHECK;
/* Append a text as a JSON string, quotes included. ERR_DATA where it is no UTF-8. */
bool binlog_json_print_string(Text text, Buf *out, Error *err) MUST_CHECK;
