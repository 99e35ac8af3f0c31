/*
 * csv.h - CSV lines through libcsv, and Tungsten's two escaped styles
 *
 * Writing: values are appended to a Buf, quoted with csv_write2(). Reading is by push:
 * block_csv_feed() takes any piece of a file and calls back once a record. A bare null word is
 * told from a quoted one.
 */
#pragma once

#include "block/dialect.h"

/* Append one value, quoted; a comma goes in front unless the buffer is at a line's start. */
void block_csv_add_value(Buf *line, Text value);
void block_csv_add_null(Buf *line, Text null_word);
/* End the line with LF. */
void block_csv_end_line(Buf *line);

/* One record: count values, VALUE_NULL or VALUE_TEXT; views valid during the call. Return false
 * (with *err set) to end the reading. */
typedef bool CsvRecordFn(void *context, const Value *values, size_t count, Error *err);

typedef struct CsvReader CsvReader;

/* path is for error texts: "path:line: reason", ERR_DATA. */
CsvReader *block_csv_new(
    const CsvDialect *dialect, const char *path, CsvRecordFn *record, void *context) MUST_CHECK;
void block_csv_free(CsvReader *reader);
CLEANUP_DEFINE(CsvReader *, block_csv_free);
bool block_csv_feed(CsvReader *reader, Text piece, Error *err) MUST_CHECK;
/* At the end of the input: a torn last line is an error. */
bool block_csv_finish(CsvReader *reader, Error *err) MUST_CHECK;
/* Physical line where the current record began, from 1. */
uint64_t block_csv_line(const CsvReader *reader);
