/*
 * column_origin.h - was a column that the target lacks added in the source, or renamed?
 *
 * It matters: a renamed column's values are in the target already, under the old name; added beside
 * it, it would have none of them. So a rename must be excluded before a column is added.
 *
 * A column of the target can be the older name of the new one only if the stream does not carry it
 * any more. Where the shape before is known (apply/schema/shape_memory.h), it must have been
 * carried there, and
 * - with both numbers known, it was renamed if they are equal, and was not if they differ;
 * - else the order decides: a source gives its columns in the order in which they were added, so a
 *   column that stands before one which the old name stood before was there earlier: if it is new
 *   by name, some older name became it; and a column behind one that stood behind the old name is
 *   younger than the old name, so it is another one.
 * Where no shape before is known, only the target's own order is left. If the columns that both
 * have stand in the same order there, an older name that stands before a common column, which the
 * new column stands behind, is excluded in the same way. Anything else cannot be excluded.
 *
 * The order counts only for sources whose numbers grow along it (PostgreSQL; not MySQL, where a
 * column may be added anywhere).
 *
 * Pure.
 */
#pragma once

#include "apply/schema/shape_memory.h"
#include "event/rule.h"
#include "target/table.h"

typedef enum OriginKind {
    ORIGIN_ADDED,   /* surely */
    ORIGIN_RENAMED, /* surely, from names[0] */
    ORIGIN_UNKNOWN, /* added, or one of names renamed */
} OriginKind;

typedef struct ColumnOrigin {
    OriginKind kind;
    Text *names; /* columns of the target */
    size_t count;
} ColumnOrigin;

typedef struct OriginQuestion {
    const Table *table;
    const OutTable *out;
    const TargetTable *target;
    const KnownShape *before;  /* NULL: not known */
    const SourceTable *source; /* NULL: not known */
    bool fold_names;           /* as in SqlDialect */
} OriginQuestion;

/* column is one of out's that the target does not have. In the arena. */
ColumnOrigin column_origin(const OriginQuestion *question, const OutColumn *column, Arena *arena);
