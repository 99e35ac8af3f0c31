/*
 * csv_file.h - one CSV file of a block while it is written
 *
 * Lines go through a buffer that exists only while the file is open; size and checksum are counted
 * on the way to the disk. A closed file can be opened again to append. Owner: the block writer.
 * Errors are ERR_IO and name the file. Fault points: "block.append" and those of base/file.h.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct CsvFile CsvFile;

/* Not yet open. path is copied. */
CsvFile *csv_file_new(const char *path) MUST_CHECK;
/* Closes without flushing: what was not flushed is lost. */
void csv_file_free(CsvFile *file);
CLEANUP_DEFINE(CsvFile *, csv_file_free);

bool csv_file_is_open(const CsvFile *file);
/* Create it the first time, append afterwards; buffer_size bytes of memory while it is open. */
bool csv_file_open(CsvFile *file, size_t buffer_size, Error *err) MUST_CHECK;
/* Whole lines. The file is open. */
bool csv_file_add(CsvFile *file, Text lines, Error *err) MUST_CHECK;
/* Flush, and give descriptor and buffer back. */
bool csv_file_suspend(CsvFile *file, Error *err) MUST_CHECK;
/* Flush, fsync, close. Opens the file again where it is not open. */
bool csv_file_finish(CsvFile *file, Error *err) MUST_CHECK;

/* Of everything added, flushed or not. */
uint64_t csv_file_bytes(const CsvFile *file);
/* XXH3, 64 bits; complete once suspended or finished. */
uint64_t csv_file_checksum(const CsvFile *file);
