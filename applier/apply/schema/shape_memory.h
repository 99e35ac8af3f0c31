/*
 * shape_memory.h - which columns the source's tables had, and since when
 *
 * A change stream tells the columns of a table as they are, never how they came about: from the
 * shapes alone a renamed column cannot be told from a dropped and an added one. What tells is the
 * column's number in the source's catalogue (SourceColumn.number), if it was noted before the
 * change. So each shape is remembered with its numbers when it is first admitted, in memory and in
 * the file shapes.jsonl of the block directory, which outlives the process.
 *
 * Shapes are kept in the order of the positions of the transactions that they were first met in,
 * since a stream that is read again goes back to older shapes. The last SHAPES_KEPT of each table
 * are kept.
 *
 * The file has one JSON object a line, only ever appended to, and is written anew when it is read
 * and has grown. It is not flushed to disk: a crash of the machine may lose the end of it, then
 * less is known and schema_change.h asks the DBA instead. A line that cannot be read is passed
 * over.
 */
#pragma once

#include "event/event.h"
#include "source/source_table.h"

#define SHAPES_KEPT 8

typedef struct KnownColumn {
    Text name;
    Text type; /* "" where the source told none */
    bool in_key;
    int number; /* SourceColumn.number; 0: not known */
} KnownColumn;

typedef struct KnownShape {
    Text since; /* position of the transaction, "" where the source has none */
    const KnownColumn *columns;
    size_t column_count;
    bool has_key;
} KnownShape;

typedef struct ShapeMemory ShapeMemory;

/* path NULL: nothing is kept on disk. compare is the source's, or NULL. A file that cannot be read
 * is told once as a warning: this never fails. */
ShapeMemory *shape_memory_open(const char *path, int (*compare)(Text a, Text b)) MUST_CHECK;
void shape_memory_close(ShapeMemory *memory);
CLEANUP_DEFINE(ShapeMemory *, shape_memory_close);

/*
 * The shape that the table had before, seen from a transaction at this position; NULL where none is
 * known. *ret_same: it is this very shape, which was admitted once already. Valid until the next
 * shape_memory_add().
 */
const KnownShape *shape_memory_before(
    const ShapeMemory *memory, const Table *table, Text position, bool *ret_same);
/* Remember a shape as admitted. source (may be NULL) tells the columns' numbers; one that it does
 * not have any more keeps the number that it had in the shape before. */
void shape_memory_add(
    ShapeMemory *memory, const Table *table, Text position, const SourceTable *source);

/* Remember that the target's column from may have been renamed: what the DBA was asked for. */
void shape_memory_add_rename(ShapeMemory *memory, const Table *table, Text from, Text to);
/* What from may be called now; TEXT_NONE for the index behind the last one. */
Text shape_memory_renamed(const ShapeMemory *memory, const Table *table, Text from, size_t index);
