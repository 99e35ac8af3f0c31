/*
 * row_index.h - where in an open CSV file each row's last line stands
 *
 * For tables whose updates may leave values out (OutColumn.may_omit): the value may stand in an
 * earlier line of the same file, which is then read back (block/unchanged.h). A table of open
 * addressing as in key_index.h, from the hash of a key to the place of the last line with it, in
 * this generation of the table. It knows every key, with compaction or without.
 *
 * Memory: as key_index.h, 32 to 64 bytes a key, and 96 for a moment while it grows. A file whose
 * index does not fit ends its generation: behind it the base table has every row.
 */
#pragma once

#include "block/key_index.h"

enum {
    ROW_GONE = 1,     /* the line is a D: there is no row of this key */
    ROW_MARKED = 2,   /* the line at the offset is the O line in front of the row's image */
    ROW_MOVED = 4,    /* with ROW_MARKED: the row has changed its key since the one in the O line */
    ROW_DISPUTED = 8, /* a key change brought this image to a key that was taken */
};

typedef struct RowPlace {
    uint64_t offset; /* in the file, of the line */
    unsigned flags;
} RowPlace;

typedef struct RowIndex RowIndex;

/* budget outlives the index. */
RowIndex *row_index_new(KeyBudget *budget) MUST_CHECK;
/* Gives its memory back to the budget. */
void row_index_free(RowIndex *index);
CLEANUP_DEFINE(RowIndex *, row_index_free);

/* Make sure of room for this many more keys. False: over budget; the index stays as it is. An index
 * that is empty takes the little it needs all the same. */
bool row_index_reserve(RowIndex *index, size_t keys) MUST_CHECK;
/* There is room for the key. */
void row_index_put(RowIndex *index, KeyHash hash, RowPlace place);
/* False: the file has no line of this key. */
bool row_index_find(const RowIndex *index, KeyHash hash, RowPlace *ret_place);
uint64_t row_index_bytes(const RowIndex *index);
