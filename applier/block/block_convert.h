/*
 * block_convert.h - CSV files of another target's dialect, or of Tungsten, into a block in this one
 *
 * Each line is read back into canonical values and written as the block writer writes them. Lines,
 * their order and their opcodes (I, D, U, UI, UD) stay; row_id counts anew from 1. The files are
 * streamed. Nothing is known of superseded lines in the result.
 *
 * Errors name file, line and column: "/d/shop-items-5.csv:3: column price: …". A failed conversion
 * leaves no directory.
 */
#pragma once

#include "block/block.h"
#include "config/config.h"

/* One file to read. */
typedef struct ConvertFile {
    const char *path; /* NULL: a TRUNCATE without a file */
    BlockFile table; /* schema, table, generation, truncate, columns and key; the rest is counted */
    bool is_verified; /* bytes and checksum in table are known, and are compared */
} ConvertFile;

typedef struct ConvertRequest {
    Manifest manifest; /* service, fence, positions, seqnos, times: taken over; dialect is what the
                          files are written in; files are not used */
    const ConvertFile *files;
    size_t file_count;
    bool counts_seqnos; /* first and last seqno and time, and transactions, from the lines instead
                           (transactions are then last - first + 1: the most it can be) */
    const char
        *directory; /* the block's directory is made in it, named by the first seqno in manifest */
    const CsvDialect *to;
    const char *target_type;
    const ValuesConfig *values;
} ConvertRequest;

Block *block_convert(const ConvertRequest *request, Error *err) MUST_CHECK;

/* The same for a block that has a manifest. */
Block *block_convert_block(const Block *from, const char *directory, const CsvDialect *to,
    const char *target_type, const ValuesConfig *values, Error *err) MUST_CHECK;
