#include "apply/schema/shape_memory.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/map.h"

#define LINES_KEPT  64 /* more than these and twice what is known: the file is written anew */
#define RENAMES_MAX 64

typedef struct Rename {
    char *from;
    char *to;
} Rename;

typedef struct Entry {
    KnownShape shape;
    Arena *arena;
} Entry;

/* All that is known of a source table. */
typedef struct Past {
    Entry shapes[SHAPES_KEPT]; /* by since */
    size_t shape_count;
    Rename *renames;
    size_t rename_count;
} Past;

struct ShapeMemory {
    int (*compare)(Text a, Text b);
    char *path; /* NULL: none */
    Map tables; /* "schema\0table" -> Past */
    size_t lines;
    bool told; /* that the file cannot be written */
};

static void
past_key(Text schema, Text name, Buf *key)
{
    buf_add_text(key, schema);
    buf_add_char(key, '\0');
    buf_add_text(key, name);
}

static const Past *
past_find(const ShapeMemory *memory, const Table *table)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;

    past_key(table->schema, table->name, &key);
    return map_get(&memory->tables, buf_text(&key));
}

static Past *
past_make(ShapeMemory *memory, Text schema, Text name)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    Past *past;

    past_key(schema, name, &key);
    past = map_get(&memory->tables, buf_text(&key));
    if (past == NULL) {
        past = calloc(1, sizeof(*past));
        if (past == NULL)
            abort();
        (void)map_put(&memory->tables, buf_text(&key), past);
    }
    return past;
}

static int
compare(const ShapeMemory *memory, Text a, Text b)
{
    /* without an order, or a position, everything is as late as the last */
    if (memory->compare == NULL || a.len == 0 || b.len == 0)
        return 0;
    return memory->compare(a, b);
}

static bool
is_same(const KnownShape *shape, const Table *table)
{
    if (shape->column_count != table->column_count || shape->has_key != table->has_key)
        return false;
    for (size_t i = 0; i < table->column_count; i++) {
        const KnownColumn *known = &shape->columns[i];
        const Column *column = &table->columns[i];

        if (!text_equal(known->name, column->name) || !text_equal(known->type, column->type) ||
            known->in_key != column->in_key)
            return false;
    }
    return true;
}

/*
 * Shapes of one transaction have one position, so that a transaction that is read again may stand
 * at any of them.
 */
const KnownShape *
shape_memory_before(const ShapeMemory *memory, const Table *table, Text position, bool *ret_same)
{
    const Past *past = past_find(memory, table);
    const KnownShape *before = NULL;
    bool open = true; /* no shape between here and the position */

    *ret_same = false;
    for (size_t i = past == NULL ? 0 : past->shape_count; i > 0; i--) {
        const KnownShape *shape = &past->shapes[i - 1].shape;
        int order = compare(memory, shape->since, position);

        if (order <= 0 && before == NULL)
            before = shape;
        if (open && is_same(shape, table)) {
            *ret_same = true;
            return shape;
        }
        if (order < 0 || position.len == 0 || memory->compare == NULL)
            open = false;
    }
    return before;
}

static void
past_insert(const ShapeMemory *memory, Past *past, const Entry *entry)
{
    size_t at = past->shape_count;

    if (past->shape_count == SHAPES_KEPT) {
        arena_free(past->shapes[0].arena);
        memmove(past->shapes, past->shapes + 1, (SHAPES_KEPT - 1) * sizeof(*past->shapes));
        past->shape_count--;
        at--;
    }
    while (at > 0 && compare(memory, past->shapes[at - 1].shape.since, entry->shape.since) > 0)
        at--;
    memmove(
        past->shapes + at + 1, past->shapes + at, (past->shape_count - at) * sizeof(*past->shapes));
    past->shapes[at] = *entry;
    past->shape_count++;
}

/* False where it is there already. */
static bool
past_add_rename(Past *past, Text from, Text to)
{
    for (size_t i = 0; i < past->rename_count; i++)
        if (text_is(from, past->renames[i].from) && text_is(to, past->renames[i].to))
            return false;
    if (past->rename_count == RENAMES_MAX) {
        free(past->renames[0].from);
        free(past->renames[0].to);
        memmove(past->renames, past->renames + 1, (RENAMES_MAX - 1) * sizeof(*past->renames));
        past->rename_count--;
    }
    past->renames = realloc(past->renames, (past->rename_count + 1) * sizeof(*past->renames));
    if (past->renames == NULL)
        abort();
    past->renames[past->rename_count++] = (Rename){text_dup(from), text_dup(to)};
    return true;
}

/* ---- the file ------------------------------------------------------------------------------- */

static json_t *
as_json(Text text)
{
    return json_stringn(text.data == NULL ? "" : text.data, text.len);
}

static json_t *
line_of_shape(Text schema, Text name, const KnownShape *shape)
{
    json_t *columns = json_array();

    for (size_t i = 0; i < shape->column_count; i++) {
        const KnownColumn *column = &shape->columns[i];

        (void)json_array_append_new(
            columns, json_pack("{s:o, s:o, s:b, s:i}", "name", as_json(column->name), "type",
                         as_json(column->type), "key", column->in_key, "number", column->number));
    }
    return json_pack("{s:o, s:o, s:o, s:b, s:o}", "schema", as_json(schema), "table", as_json(name),
        "since", as_json(shape->since), "key", shape->has_key, "columns", columns);
}

static json_t *
line_of_rename(Text schema, Text name, const Rename *rename)
{
    return json_pack("{s:o, s:o, s:s, s:s}", "schema", as_json(schema), "table", as_json(name),
        "from", rename->from, "to", rename->to);
}

/* Takes line over. */
static void
buf_add_line(Buf *out, json_t *line)
{
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);

    if (text != NULL) {
        buf_add_string(out, text);
        buf_add_char(out, '\n');
    }
    free(text);
    json_decref(line);
}

static void
append(ShapeMemory *memory, json_t *line)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    FILE *file;
    bool ok;

    buf_add_line(&text, line);
    if (memory->path == NULL)
        return;
    file = fopen(memory->path, "ae");
    ok = file != NULL && fwrite(text.data, 1, text.len, file) == text.len;
    if ((file == NULL || fclose(file) != 0 || !ok) && !memory->told) {
        log_line(LOG_WARN, "reader",
            "%s cannot be written (%s): after a restart a renamed column may not be told from an "
            "added one",
            memory->path, strerror(errno));
        memory->told = true;
    }
    memory->lines++;
}

static Text
text_member(const json_t *line, const char *name)
{
    const json_t *value = json_object_get(line, name);

    return json_is_string(value) ? (Text){json_string_value(value), json_string_length(value)}
                                 : TEXT_NONE;
}

/* False where the line is none. */
static bool
read_shape(const json_t *line, Arena *arena, KnownShape *shape)
{
    const json_t *list = json_object_get(line, "columns");
    Text since = text_member(line, "since");
    KnownColumn *columns = ARENA_ARRAY(arena, KnownColumn, json_array_size(list) + 1);

    *shape = (KnownShape){.since = arena_text(arena, since),
        .columns = columns,
        .column_count = json_array_size(list),
        .has_key = json_is_true(json_object_get(line, "key"))};
    for (size_t i = 0; i < shape->column_count; i++) {
        const json_t *item = json_array_get(list, i);

        columns[i] = (KnownColumn){.name = arena_text(arena, text_member(item, "name")),
            .type = arena_text(arena, text_member(item, "type")),
            .in_key = json_is_true(json_object_get(item, "key")),
            .number = (int)json_integer_value(json_object_get(item, "number"))};
        if (columns[i].name.data == NULL || columns[i].type.data == NULL)
            return false;
    }
    return since.data != NULL && shape->column_count > 0;
}

static void
read_line(ShapeMemory *memory, const json_t *line)
{
    Text schema = text_member(line, "schema");
    Text name = text_member(line, "table");
    Text from = text_member(line, "from");
    Text to = text_member(line, "to");
    Entry entry = {.arena = NULL};

    if (schema.data == NULL || name.data == NULL)
        return;
    if (from.data != NULL && to.data != NULL) {
        (void)past_add_rename(past_make(memory, schema, name), from, to);
        return;
    }
    entry.arena = arena_new();
    if (read_shape(line, entry.arena, &entry.shape))
        past_insert(memory, past_make(memory, schema, name), &entry);
    else
        arena_free(entry.arena);
}

static size_t
write_all(const ShapeMemory *memory, Buf *out)
{
    size_t lines = 0;

    map_each (&memory->tables, entry) {
        const Past *past = entry->value;
        size_t len = text_find(entry->key, '\0');
        Text schema = {entry->key.data, len};
        Text name = {entry->key.data + len + 1, entry->key.len - len - 1};

        for (size_t i = 0; i < past->shape_count; i++)
            buf_add_line(out, line_of_shape(schema, name, &past->shapes[i].shape));
        for (size_t i = 0; i < past->rename_count; i++)
            buf_add_line(out, line_of_rename(schema, name, &past->renames[i]));
        lines += past->shape_count + past->rename_count;
    }
    return lines;
}

/* Lines of shapes that are not kept any more must not let the file grow; a torn last line would
 * take the next one with it. */
static void
shrink(ShapeMemory *memory, bool torn)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    size_t lines = write_all(memory, &text);
    Error err;

    if (!torn && (memory->lines <= LINES_KEPT || memory->lines <= 2 * lines))
        return;
    if (file_write_durable(memory->path, text.data, text.len, &err))
        memory->lines = lines;
    else
        log_line(LOG_WARN, "reader", "%s", err.text);
}

static void
read_file(ShapeMemory *memory)
{
    FILE *file = fopen(memory->path, "re");
    char *line = NULL;
    size_t size = 0;
    bool torn = false;

    if (file == NULL) {
        if (errno != ENOENT)
            log_line(LOG_WARN, "reader", "%s: %s", memory->path, strerror(errno));
        return;
    }
    for (ssize_t len; (len = getline(&line, &size, file)) > 0;) {
        json_t *object = json_loadb(line, (size_t)len, 0, NULL);

        if (object != NULL)
            read_line(memory, object);
        json_decref(object);
        torn = line[len - 1] != '\n';
        memory->lines++;
    }
    free(line);
    (void)fclose(file);
    shrink(memory, torn);
}

/* ---- the module's own ----------------------------------------------------------------------- */

ShapeMemory *
shape_memory_open(const char *path, int (*compare_positions)(Text a, Text b))
{
    ShapeMemory *memory = calloc(1, sizeof(*memory));

    if (memory == NULL)
        abort();
    memory->compare = compare_positions;
    if (path != NULL) {
        memory->path = text_dup(text_of(path));
        read_file(memory);
    }
    return memory;
}

static void
past_free(Past *past)
{
    for (size_t i = 0; i < past->shape_count; i++)
        arena_free(past->shapes[i].arena);
    for (size_t i = 0; i < past->rename_count; i++) {
        free(past->renames[i].from);
        free(past->renames[i].to);
    }
    free(past->renames);
    free(past);
}

void
shape_memory_close(ShapeMemory *memory)
{
    if (memory == NULL)
        return;
    map_each (&memory->tables, entry)
        past_free(entry->value);
    map_clear(&memory->tables);
    free(memory->path);
    free(memory);
}

static int
number_of(const KnownShape *before, const SourceTable *source, Text name)
{
    const SourceColumn *told = source == NULL ? NULL : source_table_column(source, name);

    if (told != NULL)
        return told->number;
    for (size_t i = 0; before != NULL && i < before->column_count; i++)
        if (text_equal(before->columns[i].name, name))
            return before->columns[i].number;
    return 0;
}

void
shape_memory_add(ShapeMemory *memory, const Table *table, Text position, const SourceTable *source)
{
    Entry entry = {.arena = arena_new()};
    KnownColumn *columns = ARENA_ARRAY(entry.arena, KnownColumn, table->column_count + 1);
    bool same;
    const KnownShape *before = shape_memory_before(memory, table, position, &same);

    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];
        columns[i] = (KnownColumn){.name = arena_text(entry.arena, column->name),
            .type = arena_text(entry.arena, column->type.data == NULL ? TEXT("") : column->type),
            .in_key = column->in_key,
            .number = number_of(before, source, column->name)};
    }
    entry.shape =
        (KnownShape){.since = arena_text(entry.arena, position.data == NULL ? TEXT("") : position),
            .columns = columns,
            .column_count = table->column_count,
            .has_key = table->has_key};
    past_insert(memory, past_make(memory, table->schema, table->name), &entry);
    append(memory, line_of_shape(table->schema, table->name, &entry.shape));
}

void
shape_memory_add_rename(ShapeMemory *memory, const Table *table, Text from, Text to)
{
    Past *past = past_make(memory, table->schema, table->name);

    if (past_add_rename(past, from, to))
        append(memory,
            line_of_rename(table->schema, table->name, &past->renames[past->rename_count - 1]));
}

Text
shape_memory_renamed(const ShapeMemory *memory, const Table *table, Text from, size_t index)
{
    const Past *past = past_find(memory, table);

    for (size_t i = 0; past != NULL && i < past->rename_count; i++)
        if (text_is(from, past->renames[i].from) && index-- == 0)
            return text_of(past->renames[i].to);
    return TEXT_NONE;
}
