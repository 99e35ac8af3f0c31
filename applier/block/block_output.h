/*
 * block_output.h - one CSV file of a block while it is written
 *
 * Lines go through a buffer that exists only while the file is open; size and checksum are counted
 * on the way to the disk. The file is created at the first flush, and a closed one can be opened
 * again to append. Owner: the block writer. Errors are ERR_IO and name the file. Fault points:
 * "block.append" and those of base/file.h.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct BlockOutput BlockOutput;

/* Not yet open. path is copied. */
BlockOutput *block_output_new(const char *path) MUST_CHECK;
/* Closes without flushing: what was not flushed is lost. */
void block_output_free(BlockOutput *file);
CLEANUP_DEFINE(BlockOutput *, block_output_free);

bool block_output_is_open(const BlockOutput *file);
/* Take buffer_size bytes of memory. Without keeps_descriptor the descriptor is open only during a
 * flush. */
void block_output_open(BlockOutput *file, size_t buffer_size, bool keeps_descriptor);
/* Whole lines. The file is open. */
bool block_output_add(BlockOutput *file, Text lines, Error *err) MUST_CHECK;
/* Flush, and give descriptor and buffer back. */
bool block_output_suspend(BlockOutput *file, Error *err) MUST_CHECK;
/* Flush, fsync, close; also where it is not open. */
bool block_output_finish(BlockOutput *file, Error *err) MUST_CHECK;

/* Append to *line the line that begins at this offset, its LF included, whether it was flushed or
 * not: a LF inside quotes ends none. Fault points "block.open_back" and "block.read_back". */
bool block_output_read_line(BlockOutput *file, uint64_t offset, Buf *line, Error *err) MUST_CHECK;

/* Of everything added, flushed or not. */
uint64_t block_output_bytes(const BlockOutput *file);
/* XXH3, 64 bits; complete once suspended or finished. */
uint64_t block_output_checksum(const BlockOutput *file);
