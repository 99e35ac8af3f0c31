#include "source/shape.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "source/source.h"

struct Shapes {
    Arena *arena;
    Map tables; /* "schema\0table" -> TableShapes, in the arena */
    Buf key;
    TableShapes *last;
};

void
cells_reset(Cells *cells)
{
    cells->given = false;
    cells->count = 0;
}

size_t
cells_add(Cells *cells)
{
    if (cells->count == cells->size) {
        cells->size = MAX((size_t)32, cells->size * 2);
        cells->cells = realloc(cells->cells, cells->size * sizeof(*cells->cells));
        cells->values = realloc(cells->values, cells->size * sizeof(*cells->values));
        if (cells->cells == NULL || cells->values == NULL)
            abort();
    }
    return cells->count++;
}

void
cells_clear(Cells *cells)
{
    free(cells->cells);
    free(cells->values);
    *cells = (Cells){0};
}

size_t
cells_find(const Cells *cells, Text name, size_t guess)
{
    if (guess < cells->count && text_equal(cells->cells[guess].name, name))
        return guess;
    for (size_t i = 0; i < cells->count; i++)
        if (text_equal(cells->cells[i].name, name))
            return i;
    return cells->count;
}

bool
cells_cover(const Cells *cells, const Cells *other)
{
    size_t guess = 0;

    for (size_t i = 0; i < other->count; i++) {
        size_t at = cells_find(cells, other->cells[i].name, guess);

        if (at == cells->count)
            return false;
        guess = at + 1;
    }
    return true;
}

Shapes *
shapes_new(void)
{
    Shapes *shapes = calloc(1, sizeof(*shapes));

    if (shapes == NULL)
        abort();
    shapes->arena = arena_new();
    return shapes;
}

void
shapes_free(Shapes *shapes)
{
    if (shapes == NULL)
        return;
    map_clear(&shapes->tables);
    buf_clear(&shapes->key);
    arena_free(shapes->arena);
    free(shapes);
}

TableShapes *
shapes_table(Shapes *shapes, Text schema, Text name)
{
    TableShapes *table = shapes->last;

    if (table != NULL && text_equal(table->name, name) && text_equal(table->schema, schema))
        return table;
    shapes->key.len = 0;
    buf_add_text(&shapes->key, schema);
    buf_add_char(&shapes->key, '\0');
    buf_add_text(&shapes->key, name);
    table = map_get(&shapes->tables, buf_text(&shapes->key));
    if (table == NULL) {
        table = ARENA_NEW(shapes->arena, TableShapes);
        table->schema = arena_text(shapes->arena, schema);
        table->name = arena_text(shapes->arena, name);
        (void)map_put(&shapes->tables, buf_text(&shapes->key), table);
    }
    shapes->last = table;
    return table;
}

/* A column without a type is LOGICAL_BOOL once a true or false was seen in it. */
static bool
column_fits(const Column *column, const Cell *cell)
{
    if (!text_equal(column->name, cell->name))
        return false;
    if (cell->type.data != NULL)
        return column->type.data != NULL && text_equal(column->type, cell->type);
    return column->type.data == NULL &&
           (cell->hint == CELL_NULL ||
               (cell->hint == CELL_BOOL) == (column->logical == LOGICAL_BOOL));
}

bool
shape_fits(const Shape *shape, const Cells *cells)
{
    if (shape->table.column_count != cells->count)
        return false;
    for (size_t i = 0; i < cells->count; i++)
        if (!column_fits(&shape->table.columns[i], &cells->cells[i]))
            return false;
    return true;
}

bool
shape_has_part(const Shape *shape, const Cells *cells)
{
    size_t at = 0;

    for (size_t i = 0; i < cells->count; i++, at++) {
        while (at < shape->table.column_count &&
               !column_fits(&shape->table.columns[at], &cells->cells[i]))
            at++;
        if (at == shape->table.column_count)
            return false;
    }
    return true;
}

bool
key_has(const KeyNames *key, Text name)
{
    for (size_t i = 0; i < key->count; i++)
        if (text_equal(key->names[i], name))
            return true;
    return false;
}

/* Does each of the key's columns stand in the row? A key of other columns is not known to hold. */
static bool
key_within(const KeyNames *key, const Column *columns, size_t count)
{
    size_t found = 0;

    if (key == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        found += key_has(key, columns[i].name);
    return found == key->count;
}

/* Has the shape the flags that this key gives it? */
static bool
key_fits(Shape *shape, const KeyNames *key)
{
    const Table *table = &shape->table;
    bool within;

    if (shape->key == key)
        return true;
    within = key_within(key, table->columns, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].in_key != (within && key_has(key, table->columns[i].name)))
            return false;
    shape->key = key;
    return true;
}

static Shape *
shape_add(Shapes *shapes, TableShapes *table, Column *columns, size_t count)
{
    Shape *shape = ARENA_NEW(shapes->arena, Shape);
    bool within = key_within(table->key, columns, count);

    for (size_t i = 0; i < count; i++)
        columns[i].in_key = within && key_has(table->key, columns[i].name);
    shape->table = (Table){
        .id = source_next_table_id(),
        .schema = table->schema,
        .name = table->name,
        .columns = columns,
        .column_count = count,
        .has_key = within,
    };
    shape->key = table->key;
    shape->next = table->shapes;
    table->shapes = shape;
    return shape;
}

/* Take it out of the list, of which *link is a part, and put it in front. */
static Shape *
shape_used(TableShapes *table, Shape **link)
{
    Shape *shape = *link;

    if (link != &table->shapes) {
        *link = shape->next;
        shape->next = table->shapes;
        table->shapes = shape;
    }
    return shape;
}

static LogicalType
cell_logical(const Cell *cell)
{
    if (cell->type.data != NULL)
        return logical_type_of_postgres(cell->type);
    return cell->hint == CELL_BOOL ? LOGICAL_BOOL : LOGICAL_UNKNOWN;
}

Shape *
shapes_find(Shapes *shapes, TableShapes *table, const Cells *cells, Error *err)
{
    Column *columns;

    for (Shape **link = &table->shapes; *link != NULL; link = &(*link)->next)
        if (shape_fits(*link, cells) && key_fits(*link, table->key))
            return shape_used(table, link);
    for (size_t i = 0; i < cells->count; i++)
        if (cells_find(cells, cells->cells[i].name, 0) != i) {
            (void)error_set(err, ERR_DATA, "column " TEXT_FMT " is there twice",
                TEXT_ARG(cells->cells[i].name));
            return NULL;
        }
    columns = ARENA_ARRAY(shapes->arena, Column, cells->count);
    for (size_t i = 0; i < cells->count; i++)
        columns[i] = (Column){
            .name = arena_text(shapes->arena, cells->cells[i].name),
            .type = arena_text(shapes->arena, cells->cells[i].type),
            .logical = cell_logical(&cells->cells[i]),
        };
    return shape_add(shapes, table, columns, cells->count);
}

static bool
same_columns(const Table *a, const Table *b)
{
    if (a->column_count != b->column_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++)
        if (!text_equal(a->columns[i].name, b->columns[i].name) ||
            !text_equal(a->columns[i].type, b->columns[i].type) ||
            a->columns[i].logical != b->columns[i].logical)
            return false;
    return true;
}

Shape *
shapes_full(Shapes *shapes, TableShapes *table)
{
    const Table *full;
    Column *columns;

    if (table->full == NULL || key_fits(table->full, table->key))
        return table->full;
    full = &table->full->table;
    for (Shape **link = &table->shapes; *link != NULL; link = &(*link)->next)
        if (same_columns(&(*link)->table, full) && key_fits(*link, table->key))
            return table->full = shape_used(table, link);
    columns = ARENA_ARRAY(shapes->arena, Column, full->column_count);
    if (full->column_count > 0)
        memcpy(columns, full->columns, full->column_count * sizeof(*columns));
    return table->full = shape_add(shapes, table, columns, full->column_count);
}

void
shapes_set_full(TableShapes *table, Shape *shape)
{
    if (table->full != shape && table->full != NULL &&
        !same_columns(&table->full->table, &shape->table))
        table->full_identity = false;
    table->full = shape;
}

static bool
key_equals(const KeyNames *key, const Cells *cells)
{
    if (key->count != cells->count)
        return false;
    for (size_t i = 0; i < cells->count; i++)
        if (!text_equal(key->names[i], cells->cells[i].name))
            return false;
    return true;
}

static const KeyNames *
key_names(Shapes *shapes, TableShapes *table, const Cells *cells)
{
    KeyNames *key;

    for (key = table->keys; key != NULL; key = key->next)
        if (key_equals(key, cells))
            return key;
    key = ARENA_NEW(shapes->arena, KeyNames);
    key->count = cells->count;
    key->names = ARENA_ARRAY(shapes->arena, Text, cells->count);
    for (size_t i = 0; i < cells->count; i++)
        key->names[i] = arena_text(shapes->arena, cells->cells[i].name);
    key->next = table->keys;
    table->keys = key;
    return key;
}

static void
key_conclude(TableShapes *table)
{
    const KeyNames *primary = table->primary;
    bool told = primary != NULL && primary->count > 0;
    bool reached = told;

    if (table->identity != NULL)
        for (size_t i = 0; told && i < primary->count; i++)
            reached = reached && key_has(table->identity, primary->names[i]);
    if (table->identity != NULL && !reached)
        table->key = table->identity;
    else
        table->key = told ? primary : NULL;
}

void
shapes_learn_primary(Shapes *shapes, TableShapes *table, const Cells *primary)
{
    if (table->primary != NULL && key_equals(table->primary, primary))
        return;
    table->primary = key_names(shapes, table, primary);
    key_conclude(table);
}

void
shapes_learn_identity(Shapes *shapes, TableShapes *table, const Cells *identity)
{
    if (table->identity != NULL && key_equals(table->identity, identity))
        return;
    table->identity = key_names(shapes, table, identity);
    key_conclude(table);
}
