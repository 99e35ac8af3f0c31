/*
 * unchanged.h - values that an update left as they were and that the source did not repeat
 *
 * A source may leave out a value that an update did not touch (VALUE_UNCHANGED: a PostgreSQL column
 * that is stored out of line, later MySQL's minimal row images). The writer takes it from the row's
 * last line in the same file, which it reads back. Where the file has no line of the row yet, only
 * the target has the value: the image line leaves it out, and says so:
 *
 *   - its header column "unchanged" is ",2,5,": the numbers, from 1, of the file's columns whose
 *     value is null in this line but unchanged in truth. In all other lines it is null. No value of
 *     a row can be taken for such a mark, for it stands in a column of its own.
 *   - a line with opcode O (origin) stands directly before it. It has the key under which the base
 *     table holds the row before this file, and no other value.
 *
 * The merge script fills the values in from the base table through the O lines, before it changes
 * anything there. An update of a row whose last line is marked itself is marked in the same way,
 * with the same origin: every marked line has its own O line, directly before it.
 *
 * Such sources tell rows apart by a unique key that is checked at once, so that at every moment a
 * key belongs to one row, and the row's last line is the last line of its key.
 */
#pragma once

#include "block/block_output.h"
#include "block/csv.h"
#include "block/row_index.h"
#include "event/rule.h"

/* Set marks[i] for each column i that the list ",2,5," names. False: it is no such list, in
 * ascending order, of a table with this many columns. */
bool unchanged_parse(Text list, size_t column_count, bool *marks) MUST_CHECK;

/* The lines that a file has so far. */
typedef struct EarlierLines {
    const RowIndex *index;
    BlockOutput *csv;
    const OutTable *out;
} EarlierLines;

/* Finds the values of one row at a time. */
typedef struct Unchanged Unchanged;

/* dialect outlives it. */
Unchanged *unchanged_new(const CsvDialect *dialect) MUST_CHECK;
void unchanged_free(Unchanged *unchanged);
CLEANUP_DEFINE(Unchanged *, unchanged_free);

/*
 * Find what row leaves out (VALUE_UNCHANGED). key is the row's key before the update, hash its
 * hash; key and row stay the caller's, and key must stay valid while the result is used. ERR_DATA
 * names the column where the value cannot be known.
 */
bool unchanged_resolve(Unchanged *unchanged, const EarlierLines *lines, KeyHash hash,
    const Text *key, const Value *row, Error *err) MUST_CHECK;

/* The rest is about the last row resolved; views are valid until the next one. */

/* Put what was found in place of VALUE_UNCHANGED, and null where only the target has it; sets
 * written[i] for each value put, which is in the target's notation. */
void unchanged_fill(const Unchanged *unchanged, Value *row, bool *written);
/* ",2,5,", or TEXT_NONE where all values were found. */
Text unchanged_marks(const Unchanged *unchanged);
/* Is column index one of them? */
bool unchanged_is_marked(const Unchanged *unchanged, size_t index);
/* Has the row changed its key since the origin's, as far as earlier lines tell? */
bool unchanged_has_moved(const Unchanged *unchanged);
/* Make row the O line's values; sets written[i] as above. */
void unchanged_set_origin(const Unchanged *unchanged, Value *row, bool *written);
