/*
 * row_image.h - the rows of a WRITE_ROWS, UPDATE_ROWS or DELETE_ROWS event as Changes of a Table
 *
 * What a new image leaves out (binlog_row_image NOBLOB, MINIMAL): a column of an insert has its
 * default; one of an update is what the old image has, else VALUE_UNCHANGED. Pure; one thread.
 */
#pragma once

#include "base/next.h"
#include "source/mysql/schema.h"

typedef struct RowImage RowImage;

RowImage *row_image_new(void) MUST_CHECK;
void row_image_free(RowImage *image);
CLEANUP_DEFINE(RowImage *, row_image_free);

/* Begin with an event of the shape's table. Its bytes must stay until NEXT_END. */
bool row_image_open(RowImage *image, const BinlogFormat *format, const BinlogEvent *event,
    const MysqlShape *shape, Error *err) MUST_CHECK;
/* Do the event's inserts leave a column out whose default the shape does not have? */
bool row_image_lacks_defaults(const RowImage *image);
/* The next row, valid until the next call. Errors name the table. */
Next row_image_next(RowImage *image, Change *ret_change, Error *err);
