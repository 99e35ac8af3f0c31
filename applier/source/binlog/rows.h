/*
 * rows.h - the row images of WRITE_ROWS, UPDATE_ROWS and DELETE_ROWS events
 *
 *     Int48 table id   Int16 flags (1: the statement ends)
 *     version 2: Int16 length, itself counted, extra data
 *     length-encoded number of columns
 *     bits: columns in the image (updates: two of them, old and new)
 *     rows: an image, or for updates the old one and the new one
 *         PARTIAL_UPDATE_ROWS: before the new image a length-encoded number of value options;
 *         where 1 is set in it, bits: one a JSON column of the table, set: a diff stands there
 * (none where it is empty: the value is the old one) bits: one a column in the image, set: null
 *         values of the columns in the image that are not null (binlog/value.h)
 *     MariaDB's compressed events have all behind the bits compressed (binlog/compress.h)
 *
 * Which columns are in the images follows from binlog_row_image: FULL has all; MINIMAL the key in
 * the old one and what was assigned in the new one; NOBLOB all but blobs and texts that are not
 * needed.
 *
 * Source: MySQL source documentation, class Rows_event; MariaDB documentation, "ROWS_EVENT_V1/V2".
 */
#pragma once

#include "base/next.h"
#include "source/binlog/value.h"

typedef enum BinlogRowsKind {
    BINLOG_ROWS_WRITE,
    BINLOG_ROWS_UPDATE,
    BINLOG_ROWS_DELETE,
} BinlogRowsKind;

typedef struct BinlogRows {
    BinlogRowsKind kind;
    uint64_t table_id;
    bool ends_statement;
    bool is_partial;
    size_t column_count;
    const uint8_t *in_before; /* bits, column_count of them; NULL: no old image */
    const uint8_t *in_after;  /* NULL: no new image */
    size_t before_count;      /* columns in them */
    size_t after_count;
    Text rows;  /* what is left of them */
    size_t row; /* number of the row that is read next, from 0: for error texts */
} BinlogRows;

static inline bool
binlog_bit(const uint8_t *bits, size_t index)
{
    return (bits[index / 8] >> (index % 8) & 1) != 0;
}

/* Begin; scratch is for what must be unpacked, and stays in use until the event is read. The caller
 * compares table_id and column_count with the table map's. */
bool binlog_rows_open(const BinlogFormat *format, const BinlogEvent *event, Buf *scratch,
    BinlogRows *ret_rows, Error *err) MUST_CHECK;

/*
 * The next row. types has column_count entries; before and after have room for as many values and
 * are set in full: VALUE_ABSENT for columns that are not in the image, or left out by their type.
 * Texts are valid until the memory is reset, by the caller. ERR_DATA and ERR_SOURCE name row and
 * column; an old value that cannot be shown is VALUE_ABSENT, unless the column is in the key; where
 * a JSON diff cannot be applied (its old value is not in the image), ERR_DATA
 * with the way out.
 */
Next binlog_rows_next(BinlogRows *rows, const BinlogValueType *types, BinlogMemory *memory,
    Value *before, Value *after, Error *err);
