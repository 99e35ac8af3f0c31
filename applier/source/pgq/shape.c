#include "source/pgq/shape.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "source/postgres_tables.h"
#include "source/source.h"

/* So long what the catalogue said is good; looked at once in so many records. */
#define SHAPE_KEEP_MS 60000
#define CLOCK_RECORDS 256

typedef struct Shape Shape;

struct Shape {
    PgqShape shape;
    Table table;
    Shape *next;
    Text *names; /* of the event's columns */
    size_t count;
    Text *keys;
    size_t key_count;
    unsigned generation; /* of the catalogue's answer that the table agrees with */
};

/* One source table. */
typedef struct Entry {
    Text schema;
    Text name;
    Shape *shapes;            /* the one used last comes first */
    Arena *arena;             /* of facts */
    const SourceTable *facts; /* NULL: the catalogue has no such table */
    int64_t looked_ms;
    unsigned generation; /* counts the looks; 0: none yet */
    unsigned session;    /* of the last one */
} Entry;

struct PgqShapes {
    PostgresConnection *connection;
    unsigned session; /* counts the connections */
    Arena *arena;
    Map entries; /* schema, NUL, table -> Entry */
    Entry *last;
    Buf key;
    unsigned unwatched;
    int64_t now_ms;
};

PgqShapes *
pgq_shapes_new(void)
{
    PgqShapes *shapes = calloc(1, sizeof(*shapes));

    if (shapes == NULL)
        abort();
    shapes->arena = arena_new();
    shapes->now_ms = clock_monotonic_ms();
    return shapes;
}

void
pgq_shapes_free(PgqShapes *shapes)
{
    if (shapes == NULL)
        return;
    map_each (&shapes->entries, entry)
        arena_free(((Entry *)entry->value)->arena);
    map_clear(&shapes->entries);
    arena_free(shapes->arena);
    buf_clear(&shapes->key);
    free(shapes);
}

void
pgq_shapes_use(PgqShapes *shapes, PostgresConnection *connection)
{
    shapes->session += shapes->connection != connection;
    shapes->connection = connection;
}

static Entry *
find_entry(PgqShapes *shapes, Text schema, Text name)
{
    Entry *entry = shapes->last;

    if (entry != NULL && text_equal(entry->name, name) && text_equal(entry->schema, schema))
        return entry;
    buf_reset(&shapes->key, SIZE_MAX);
    buf_add_text(&shapes->key, schema);
    buf_add_char(&shapes->key, '\0');
    buf_add_text(&shapes->key, name);
    entry = map_get(&shapes->entries, buf_text(&shapes->key));
    if (entry == NULL) {
        entry = ARENA_NEW(shapes->arena, Entry);
        entry->schema = arena_text(shapes->arena, schema);
        entry->name = arena_text(shapes->arena, name);
        (void)map_put(&shapes->entries, buf_text(&shapes->key), entry);
    }
    shapes->last = entry;
    return entry;
}

/* Ask the catalogue, where that was not done or is long ago. */
static bool
look(PgqShapes *shapes, Entry *entry, Error *err)
{
    static const PostgresPublication none = {.name = {"", 0}};
    CLEANUP(arena_free) Arena *arena = NULL;
    PostgresTable *table = NULL;

    if (entry->session == shapes->session && shapes->now_ms - entry->looked_ms < SHAPE_KEEP_MS)
        return true;
    arena = arena_new();
    if (!postgres_tables_find(
            shapes->connection, &none, entry->schema, entry->name, arena, &table, err))
        return error_wrap(err, "look at the catalogue");
    arena_free(entry->arena);
    entry->arena = STEAL(arena);
    entry->facts = table == NULL ? NULL : &table->base;
    entry->looked_ms = shapes->now_ms;
    entry->session = shapes->session;
    entry->generation++;
    return true;
}

static bool
same_texts(const Text *a, size_t a_count, const Text *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!text_equal(a[i], b[i]))
            return false;
    return true;
}

static Text *
copy_texts(Arena *arena, const Text *texts, size_t count)
{
    Text *copies = ARENA_ARRAY(arena, Text, count + 1);

    for (size_t i = 0; i < count; i++)
        copies[i] = arena_text(arena, texts[i]);
    return copies;
}

static const SourceColumn *
column_of(const Entry *entry, Text name)
{
    return entry->facts == NULL ? NULL : source_table_column(entry->facts, name);
}

static bool
has_text(const Text *texts, size_t count, Text wanted)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(texts[i], wanted))
            return true;
    return false;
}

/* Is what the catalogue says now what the shape was made of? What it does not know any more, since
 * the event is older than a DROP, it has not changed. */
static bool
is_current(const Entry *entry, const Shape *shape)
{
    size_t at = 0;

    for (size_t i = 0; i < shape->count; i++) {
        const SourceColumn *column = column_of(entry, shape->names[i]);
        bool is_there = at < shape->table.column_count && shape->shape.places[at] == i;

        if (column != NULL && column->is_generated == is_there)
            return false;
        if (is_there) {
            const Column *known = &shape->table.columns[at++];

            if (column != NULL &&
                (column->logical != known->logical || !text_equal(column->type, known->type)))
                return false;
        }
    }
    return true;
}

static Shape *
make_shape(PgqShapes *shapes, const Entry *entry, const PgqRecord *record)
{
    Arena *arena = shapes->arena;
    Shape *shape = ARENA_NEW(arena, Shape);
    Column *columns = ARENA_ARRAY(arena, Column, record->count + 1);
    size_t *places = ARENA_ARRAY(arena, size_t, record->count + 1);
    size_t count = 0;
    bool has_key = false;

    shape->names = copy_texts(arena, record->names, record->count);
    shape->count = record->count;
    shape->keys = copy_texts(arena, record->keys, record->key_count);
    shape->key_count = record->key_count;
    for (size_t i = 0; i < record->count; i++) {
        const SourceColumn *column = column_of(entry, record->names[i]);

        if (column != NULL && column->is_generated)
            continue;
        columns[count] = (Column){.name = shape->names[i],
            .type = column == NULL ? TEXT_NONE : arena_text(arena, column->type),
            .logical = column == NULL ? LOGICAL_UNKNOWN : column->logical,
            .in_key = has_text(shape->keys, shape->key_count, shape->names[i])};
        has_key |= columns[count].in_key;
        places[count++] = i;
    }
    shape->table = (Table){.id = source_next_table_id(),
        .schema = entry->schema,
        .name = entry->name,
        .columns = columns,
        .column_count = count,
        .has_key = has_key};
    shape->shape = (PgqShape){.table = &shape->table, .places = places};
    shape->generation = entry->generation;
    return shape;
}

static bool
fits(const Shape *shape, const PgqRecord *record)
{
    return same_texts(shape->names, shape->count, record->names, record->count) &&
           same_texts(shape->keys, shape->key_count, record->keys, record->key_count);
}

/* The known shape of these names and this key, taken out of the list; or NULL. */
static Shape *
take_known(Entry *entry, const PgqRecord *record)
{
    for (Shape **at = &entry->shapes; *at != NULL; at = &(*at)->next) {
        Shape *shape = *at;

        if (!fits(shape, record))
            continue;
        *at = shape->next;
        if (shape->generation == entry->generation || is_current(entry, shape)) {
            shape->generation = entry->generation;
            return shape;
        }
        /* its table stays, for the rows of it that are on their way */
        return NULL;
    }
    return NULL;
}

bool
pgq_shapes_find(PgqShapes *shapes, const PgqRecord *record, const PgqShape **ret_shape, Error *err)
{
    Entry *entry = find_entry(shapes, record->schema, record->table);
    Shape *shape = entry->shapes;

    if (++shapes->unwatched >= CLOCK_RECORDS) {
        shapes->unwatched = 0;
        shapes->now_ms = clock_monotonic_ms();
    }
    if (!look(shapes, entry, err))
        return false;
    if (shape == NULL || shape->generation != entry->generation || !fits(shape, record)) {
        shape = take_known(entry, record);
        if (shape == NULL)
            shape = make_shape(shapes, entry, record);
        shape->next = entry->shapes;
        entry->shapes = shape;
    }
    *ret_shape = &shape->shape;
    return true;
}
