/*
 * shape.h - the shapes of a source's tables, and what is known of their keys
 *
 * A decoder hands in the columns that a line of its log has (Cells); the same columns with the same
 * types and the same key always give the same Table, which lives until shapes_free(). Memory grows
 * with the number of different shapes, not with the rows. Belongs to one source.
 */
#pragma once

#include "base/error.h"
#include "event/event.h"

/* What a value without a type says about its column. */
typedef enum CellHint {
    CELL_NULL,
    CELL_BOOL,
    CELL_OTHER,
} CellHint;

typedef struct Cell {
    Text name;
    Text type; /* TEXT_NONE where the source does not tell */
    CellHint hint;
} Cell;

/* A row, or a part of one, as a line has it; views. values[i] belongs to cells[i]. */
typedef struct Cells {
    bool given; /* the line has it, maybe empty */
    size_t count;
    size_t size;
    Cell *cells;
    Value *values;
} Cells;

/* Forget the cells, keep the memory. */
void cells_reset(Cells *cells);
/* Room for one more cell; its fields are not set. Returns its index. */
size_t cells_add(Cells *cells);
void cells_clear(Cells *cells);
/* Index of the column, or cells->count. guess is where it probably is. */
size_t cells_find(const Cells *cells, Text name, size_t guess);
/* Has it each column of the other one? */
bool cells_cover(const Cells *cells, const Cells *other);

/* Names of key columns, kept once per table: equal lists are the same pointer. */
typedef struct KeyNames KeyNames;
struct KeyNames {
    KeyNames *next;
    size_t count;
    Text *names;
};

typedef struct Shape Shape;
struct Shape {
    Table table;
    Shape *next;
    const KeyNames *key; /* the key that table's flags were last compared with */
};

/* One source table. */
typedef struct TableShapes {
    Text schema;
    Text name;
    Shape *shapes; /* all; the one used last comes first */
    Shape *full;   /* of the last row with all columns, or NULL */
    KeyNames *keys;
    const KeyNames *primary;  /* as the source names it; NULL: never told */
    const KeyNames *identity; /* a replica identity that is a part of the row, or NULL */
    const KeyNames *key;      /* what follows from both, or NULL */
    bool full_identity;       /* the old row of the full shape was seen whole */
} TableShapes;

typedef struct Shapes Shapes;

Shapes *shapes_new(void) MUST_CHECK;
void shapes_free(Shapes *shapes);

/* The table's entry, made where it is new. */
TableShapes *shapes_table(Shapes *shapes, Text schema, Text name);
/* The shape of these cells under the table's key; ERR_DATA where a column is there twice. */
Shape *shapes_find(Shapes *shapes, TableShapes *table, const Cells *cells, Error *err) MUST_CHECK;
/* The table's full shape under its present key; NULL where there is none. */
Shape *shapes_full(Shapes *shapes, TableShapes *table);
/* The row has all columns of its table. */
void shapes_set_full(TableShapes *table, Shape *shape);
/* Are these the shape's columns, in this order, or (shapes_is_part) some of them? */
bool shape_fits(const Shape *shape, const Cells *cells);
bool shape_has_part(const Shape *shape, const Cells *cells);

/* Learn the primary key (cells without values) or a replica identity. */
void shapes_learn_primary(Shapes *shapes, TableShapes *table, const Cells *primary);
void shapes_learn_identity(Shapes *shapes, TableShapes *table, const Cells *identity);
bool key_has(const KeyNames *key, Text name);
