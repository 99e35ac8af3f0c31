#include "source/mysql/schema.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"
#include "source/binlog/statement.h"
#include "source/mysql/lookahead.h"
#include "source/mysql/map_shape.h"

/* A place of the log as a number: names of files differ in what is behind the last dot. */
typedef struct LogNumber {
    uint64_t file;
    uint64_t offset;
} LogNumber;

/* One shape of a table. */
typedef struct Node Node;
struct Node {
    MysqlShape shape;
    Arena *arena;
    Text map;          /* the map that it was made of */
    Text made;         /* what was made of it */
    size_t *catalogue; /* see map_shape_make() */
    Value *defaults;
    Arena *default_texts;
    bool is_current; /* made or confirmed since the last DDL of the table */
    Node *next;
};

/* A table of the source. */
typedef struct Entry {
    Text schema;
    Text name;
    const MysqlTable *table; /* NULL: the catalogue had none */
    Arena *arena;            /* of table; NULL: it is the list's */
    LogNumber since;         /* the log's end before table was read: all DDL up to it is in it */
    LogNumber as_of;         /* the log's end after that: no DDL behind it is */
    bool is_sure;            /* the stream's place has no DDL of the table up to there */
    bool is_stale;           /* DDL went by since table was read or looked at last */
    Node *nodes;
} Entry;

struct MysqlSchema {
    SourceStart start;
    MysqlServer *server;
    MysqlLookahead *lookahead;
    Arena *arena;      /* entries */
    Arena *list_arena; /* the catalogue as it was read at the beginning */
    Map entries;       /* "schema" NUL "name" */
    bool is_loaded;
    bool images_are_full; /* binlog_row_image, as sessions begin with it */
    bool lacks_names;     /* a map had none: the catalogue matters much */
    bool is_ahead;        /* the catalogue is newer than the stream's last place */
    LogNumber since;      /* of the list */
    LogNumber as_of;
    Buf scratch;
};

MysqlSchema *
source_mysql_schema_new(const SourceStart *start)
{
    MysqlSchema *schema = calloc(1, sizeof(*schema));

    if (schema == NULL)
        abort();
    schema->start = *start;
    schema->arena = arena_new();
    schema->list_arena = arena_new();
    schema->lookahead = source_mysql_lookahead_new(start);
    return schema;
}

static void
free_node(Node *node)
{
    arena_free(node->default_texts);
    arena_free(node->arena);
    free(node);
}

void
source_mysql_schema_free(MysqlSchema *schema)
{
    if (schema == NULL)
        return;
    map_each (&schema->entries, at) {
        Entry *entry = at->value;

        for (Node *node = entry->nodes, *next; node != NULL; node = next) {
            next = node->next;
            free_node(node);
        }
        arena_free(entry->arena);
    }
    map_clear(&schema->entries);
    source_mysql_lookahead_free(schema->lookahead);
    source_mysql_server_close(schema->server);
    buf_clear(&schema->scratch);
    arena_free(schema->list_arena);
    arena_free(schema->arena);
    free(schema);
}

/* ---- places ---- */

static LogNumber
number_of_place(Text file, uint64_t offset)
{
    const char *dot = file.len == 0 ? NULL : memrchr(file.data, '.', file.len);
    LogNumber number = {0, offset};
    Text digits;

    if (dot == NULL)
        return number;
    digits = (Text){dot + 1, (size_t)(file.data + file.len - dot - 1)};
    if (!text_to_u64(digits, &number.file))
        number.file = 0;
    return number;
}

static LogNumber
number_of(const MysqlPlace *place)
{
    return number_of_place(place->file, place->offset);
}

static bool
is_before(LogNumber a, LogNumber b)
{
    return a.file != b.file ? a.file < b.file : a.offset < b.offset;
}

/* ---- the catalogue ---- */

static const MysqlSourceOptions *
options_of(const MysqlSchema *schema)
{
    return schema->start.options;
}

static bool
connect(MysqlSchema *schema, Error *err)
{
    if (schema->server == NULL)
        schema->server = source_mysql_server_open(options_of(schema), err);
    return schema->server != NULL;
}

/* After an error the next question is asked on a new connection. */
static bool
disconnect(MysqlSchema *schema)
{
    source_mysql_server_close(schema->server);
    schema->server = NULL;
    return false;
}

static bool
read_end(MysqlSchema *schema, LogNumber *ret_end, Error *err)
{
    CLEANUP(binlog_position_free)
    BinlogPosition *position = source_mysql_server_file_position(schema->server, err);
    uint64_t offset;
    Text file;

    if (position == NULL)
        return false;
    file = binlog_position_file(position, &offset);
    *ret_end = number_of_place(file, offset);
    return true;
}

static Text
key_of(MysqlSchema *schema, Text database, Text name)
{
    buf_reset(&schema->scratch, SIZE_MAX);
    buf_add_text(&schema->scratch, database);
    buf_add_char(&schema->scratch, '\0');
    buf_add_text(&schema->scratch, name);
    return buf_text(&schema->scratch);
}

static Entry *
entry_of(MysqlSchema *schema, Text database, Text name)
{
    Entry *entry = map_get(&schema->entries, key_of(schema, database, name));

    if (entry != NULL)
        return entry;
    entry = ARENA_NEW(schema->arena, Entry);
    entry->schema = arena_text(schema->arena, database);
    entry->name = arena_text(schema->arena, name);
    entry->since = schema->since;
    entry->as_of = schema->as_of;
    (void)map_put(&schema->entries, key_of(schema, database, name), entry);
    return entry;
}

static bool
read_image_setting(MysqlSchema *schema, Error *err)
{
    CLEANUP(buf_clear) Buf image = BUF_INIT;
    bool found;

    if (!source_mysql_server_value(
            schema->server, TEXT("SELECT @@global.binlog_row_image"), &image, &found, err))
        return false;
    schema->images_are_full = text_equal_nocase(buf_text(&image), TEXT("FULL"));
    return true;
}

/* All tables in one go. */
static bool
load(MysqlSchema *schema, Error *err)
{
    MysqlTable **tables;
    size_t count;

    if (schema->is_loaded)
        return true;
    if (!connect(schema, err))
        return false;
    if (!read_end(schema, &schema->since, err) ||
        !source_mysql_tables_list_columns(
            schema->server, options_of(schema), schema->list_arena, &tables, &count, err) ||
        !read_image_setting(schema, err) || !read_end(schema, &schema->as_of, err))
        return disconnect(schema);
    for (size_t i = 0; i < count; i++)
        entry_of(schema, tables[i]->base.schema, tables[i]->base.name)->table = tables[i];
    schema->is_loaded = true;
    schema->is_ahead = true;
    return true;
}

bool
source_mysql_schema_open(MysqlSchema *schema, Error *err)
{
    CLEANUP(buf_clear) Buf metadata = BUF_INIT;
    bool found;

    if (!connect(schema, err))
        return false;
    if (!source_mysql_server_value(
            schema->server, TEXT("SELECT @@global.binlog_row_metadata"), &metadata, &found, err))
        return disconnect(schema);
    return text_equal_nocase(buf_text(&metadata), TEXT("FULL")) || load(schema, err);
}

/* Read one table again. */
static bool
refresh(MysqlSchema *schema, Entry *entry, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MysqlTable *table;
    LogNumber begin;
    LogNumber end;

    if (!connect(schema, err))
        return false;
    if (!read_end(schema, &begin, err) ||
        !source_mysql_tables_find_columns(
            schema->server, options_of(schema), entry->schema, entry->name, arena, &table, err) ||
        !read_end(schema, &end, err))
        return disconnect(schema);
    arena_free(entry->arena);
    entry->arena = STEAL(arena);
    entry->table = table;
    entry->since = begin;
    entry->as_of = end;
    entry->is_sure = false;
    return true;
}

/* ---- is the catalogue still, or already, that of the stream's place? ---- */

typedef struct Conflict {
    Buf words; /* empty: there is none */
    Buf file;
    uint64_t offset;
} Conflict;

static void
conflict_clear(Conflict *conflict)
{
    buf_clear(&conflict->words);
    buf_clear(&conflict->file);
}

static MysqlLookedFor
looked_for(const Entry *entry)
{
    return (MysqlLookedFor){.schema = entry->schema,
        .table = entry->name,
        .until_file = entry->as_of.file,
        .until_offset = entry->as_of.offset};
}

/* The log names the columns: only what may have changed those that the catalogue must explain
 * matters. */
static bool
look_for_columns(MysqlSchema *schema, const Entry *entry, const BinlogTableMap *map,
    const MysqlPlace *place, Text *statement, MysqlPlace *at, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MapShapeInput input = {
        .map = map, .table = entry->table, .is_mariadb = schema->server->is_mariadb};
    Text *names = ARENA_ARRAY(arena, Text, map->column_count + 2);
    MysqlLookedFor wanted = looked_for(entry);

    wanted.only_columns = true;
    wanted.columns = names;
    wanted.column_count = map_shape_ambiguous(&input, names);

    return source_mysql_lookahead_find(schema->lookahead, place, &wanted, statement, at, err);
}

/* Where the log has the statement matters: behind the place where the catalogue had been read
 * already, it is none of its. */
static bool
look_ahead(MysqlSchema *schema, Entry *entry, const BinlogTableMap *map, const MysqlPlace *place,
    Conflict *conflict, Error *err)
{
    MysqlLookedFor any = looked_for(entry);
    Text statement;
    MysqlPlace at;
    Statement words = {0};

    if (entry->is_sure)
        return true;
    if (is_before(number_of(place), entry->as_of)) {
        if (!source_mysql_lookahead_find(schema->lookahead, place, &any, &statement, &at, err))
            return false;
        if (statement.data != NULL && is_before(number_of(&at), entry->as_of)) {
            if (map->has_names &&
                !look_for_columns(schema, entry, map, place, &statement, &at, err))
                return false;
            if (statement.data == NULL || !is_before(number_of(&at), entry->as_of))
                return true;
            statement_read(statement, false, &words);
            buf_add_text(&conflict->words, buf_text(&words.words));
            if (conflict->words.len == 0)
                buf_add_string(&conflict->words, "DDL");
            buf_add_text(&conflict->file, at.file);
            conflict->offset = at.offset;
            statement_clear(&words);
            return true;
        }
    }
    entry->is_sure = true;
    return true;
}

/* ---- errors ---- */

#define WAY_OUT                                                                                    \
    "leave the table out (source: tables: takes !schema.table) until the service has passed this " \
    "place, then dray bootstrap loads it anew"

static const char *
way_out(const BinlogTableMap *map)
{
    if (map->has_names)
        return WAY_OUT;
    return WAY_OUT "; with binlog_row_metadata = FULL the log tells such things itself";
}

static bool
refuse_behind(
    const BinlogTableMap *map, const MysqlPlace *place, const Conflict *conflict, Error *err)
{
    return error_set(err, ERR_SOURCE,
        "the log has rows of it at " TEXT_FMT ":%" PRIu64
        ", and only the catalogue could tell %s (binlog_row_metadata %s FULL there); the "
        "catalogue is newer: the log has \"%s\" at %s:%" PRIu64 "; %s",
        TEXT_ARG(place->file), place->offset,
        map->has_names ? "what its columns are" : "the names of their columns",
        map->has_names ? "is" : "was not", buf_string(&conflict->words),
        buf_string(&conflict->file), conflict->offset, way_out(map));
}

static bool
refuse_unknown(MysqlSchema *schema, const Entry *entry, const BinlogTableMap *map,
    const MysqlPlace *place, Error *err)
{
    CLEANUP(buf_clear) Buf user = BUF_INIT;
    Error ignored;
    Error cause;
    bool found = false;

    if (entry->table == NULL && schema->server != NULL &&
        !source_mysql_server_value(
            schema->server, TEXT("SELECT CURRENT_USER()"), &user, &found, &ignored))
        (void)disconnect(schema);
    if (entry->table == NULL && found)
        return error_set(err, ERR_SOURCE,
            "the log has rows of it at " TEXT_FMT ":%" PRIu64
            ", and the catalogue does not show it: it was dropped, or %s may not SELECT from it; "
            "GRANT SELECT, or %s",
            TEXT_ARG(place->file), place->offset, buf_string(&user), way_out(map));
    cause = *err;
    return error_set(err, ERR_SOURCE, "the log has rows of it at " TEXT_FMT ":%" PRIu64 ": %s; %s",
        TEXT_ARG(place->file), place->offset, cause.text, way_out(map));
}

/* ---- shapes ---- */

static Text
copy_texts(Arena *arena, const Buf *buf)
{
    return arena_text(arena, buf_text(buf));
}

/* The defaults as of now, where they are known to be those of the place. */
static void
set_defaults(Entry *entry, Node *node)
{
    arena_free(node->default_texts);
    node->default_texts = arena_new();
    for (size_t i = 0; i < node->shape.table.column_count; i++) {
        size_t at = node->catalogue[i];

        node->defaults[i] = (Value){.kind = VALUE_ABSENT};
        if (!entry->is_sure || entry->table == NULL || at == MAP_SHAPE_NONE)
            continue;
        node->defaults[i] = entry->table->missing[at];
        node->defaults[i].text = arena_text(node->default_texts, entry->table->missing[at].text);
    }
}

static bool
make_node(
    MysqlSchema *schema, const Entry *entry, const BinlogTableMap *map, Node **ret_node, Error *err)
{
    MapShapeInput input = {
        .map = map, .table = entry->table, .is_mariadb = schema->server->is_mariadb};
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Node *node = calloc(1, sizeof(*node));

    if (node == NULL)
        abort();
    node->arena = arena_new();
    if (!map_shape_make(&input, node->arena, &node->shape, &node->catalogue, err)) {
        free_node(node);
        return false;
    }
    node->defaults = ARENA_ARRAY(node->arena, Value, node->shape.table.column_count);
    node->shape.defaults = node->defaults;
    map_shape_add_map(map, &text);
    node->map = copy_texts(node->arena, &text);
    buf_reset(&text, SIZE_MAX);
    map_shape_add_shape(&node->shape, &text);
    node->made = copy_texts(node->arena, &text);
    *ret_node = node;
    return true;
}

/* The same outcome as before: the shape of before. The map, and where the catalogue has the
 * columns, may be others now. */
static Node *
keep_node(Entry *entry, Node *made)
{
    for (Node *node = entry->nodes; node != NULL; node = node->next) {
        if (!text_equal(node->made, made->made))
            continue;
        if (!text_equal(node->map, made->map))
            node->map = arena_text(node->arena, made->map);
        memcpy(node->catalogue, made->catalogue,
            made->shape.table.column_count * sizeof(*made->catalogue));
        free_node(made);
        return node;
    }
    made->shape.table.id = source_next_table_id();
    made->next = entry->nodes;
    entry->nodes = made;
    return made;
}

static bool
needs_catalogue(const MysqlSchema *schema, const Entry *entry, const BinlogTableMap *map)
{
    MapShapeInput input = {
        .map = map, .table = entry->table, .is_mariadb = schema->server->is_mariadb};

    return map_shape_needs_catalogue(&input);
}

/* What is said of the table at the place, and whether that may be used. */
static bool
prepare(MysqlSchema *schema, Entry *entry, const BinlogTableMap *map, const MysqlPlace *place,
    Error *err)
{
    Conflict conflict = {0};
    bool needed;
    bool ok = true;

    if ((entry->is_stale || entry->table == NULL) && !is_before(number_of(place), entry->since) &&
        !refresh(schema, entry, err))
        return false;
    if (!connect(schema, err))
        return false;
    needed = needs_catalogue(schema, entry, map);
    schema->lacks_names |= !map->has_names;
    /* reading ahead takes as long as the service is behind: only where it is needed */
    if (needed || !schema->images_are_full || !is_before(number_of(place), entry->as_of))
        ok = look_ahead(schema, entry, map, place, &conflict, err);
    if (ok && needed && conflict.words.len > 0)
        ok = refuse_behind(map, place, &conflict, err);
    conflict_clear(&conflict);
    return ok;
}

static bool
make_shape(MysqlSchema *schema, Entry *entry, const BinlogTableMap *map, const MysqlPlace *place,
    const MysqlShape **ret_shape, Error *err)
{
    Node *node;

    if (!prepare(schema, entry, map, place, err))
        return false;
    if (!make_node(schema, entry, map, &node, err)) {
        /* without a DDL statement in the log: one that was not logged, or a server that was away */
        if (is_before(number_of(place), entry->since))
            return refuse_unknown(schema, entry, map, place, err);
        if (!refresh(schema, entry, err))
            return false;
        if (!make_node(schema, entry, map, &node, err))
            return refuse_unknown(schema, entry, map, place, err);
    }
    node = keep_node(entry, node);
    set_defaults(entry, node);
    node->is_current = true;
    entry->is_stale = false;
    *ret_shape = &node->shape;
    return true;
}

bool
source_mysql_schema_table(MysqlSchema *schema, const BinlogTableMap *map, const MysqlPlace *place,
    const MysqlShape **ret_shape, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Entry *entry;

    if (!load(schema, err))
        return false;
    schema->is_ahead = is_before(number_of(place), schema->as_of);
    entry = entry_of(schema, map->schema, map->name);
    map_shape_add_map(map, &text);
    for (Node *node = entry->nodes; node != NULL; node = node->next) {
        if (!node->is_current || !text_equal(node->map, buf_text(&text)))
            continue;
        *ret_shape = &node->shape;
        return true;
    }
    return make_shape(schema, entry, map, place, ret_shape, err);
}

/* Is the catalogue's column still, or already, the one of the place? */
static bool
is_column_sure(MysqlSchema *schema, const Entry *entry, const MysqlPlace *place, Text name,
    bool *ret_sure, Error *err)
{
    MysqlLookedFor wanted = looked_for(entry);
    Text statement = TEXT_NONE;
    MysqlPlace at;

    *ret_sure = true;
    if (!is_before(number_of(place), entry->as_of))
        return true;
    wanted.only_columns = true;
    wanted.columns = &name;
    wanted.column_count = 1;
    if (!source_mysql_lookahead_find(schema->lookahead, place, &wanted, &statement, &at, err))
        return false;
    *ret_sure = statement.data == NULL || !is_before(number_of(&at), entry->as_of);
    return true;
}

bool
source_mysql_schema_defaults(
    MysqlSchema *schema, const MysqlShape *shape, const MysqlPlace *place, Error *err)
{
    Entry *entry = entry_of(schema, shape->table.schema, shape->table.name);
    Node *node = entry->nodes;

    while (node != NULL && &node->shape != shape)
        node = node->next;
    if (node == NULL || entry->table == NULL)
        return true;
    for (size_t i = 0; i < shape->table.column_count; i++) {
        size_t at = node->catalogue[i];
        bool is_sure;

        if (node->defaults[i].kind != VALUE_ABSENT || at == MAP_SHAPE_NONE ||
            entry->table->missing[at].kind == VALUE_ABSENT)
            continue;
        if (!is_column_sure(schema, entry, place, shape->table.columns[i].name, &is_sure, err))
            return false;
        if (!is_sure)
            continue;
        node->defaults[i] = entry->table->missing[at];
        node->defaults[i].text = arena_text(node->default_texts, entry->table->missing[at].text);
    }
    return true;
}

bool
source_mysql_schema_is_sequence(
    MysqlSchema *schema, Text database, Text name, bool *ret_sequence, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf found = BUF_INIT;

    if (!connect(schema, err))
        return false;
    buf_add_string(&sql, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_TYPE = 'SEQUENCE' AND"
                         " TABLE_SCHEMA = ");
    source_mysql_add_string(&sql, database);
    buf_add_string(&sql, " AND TABLE_NAME = ");
    source_mysql_add_string(&sql, name);
    return source_mysql_server_value(schema->server, buf_text(&sql), &found, ret_sequence, err) ||
           disconnect(schema);
}

/* ---- DDL ---- */

static void
forget(Entry *entry)
{
    entry->is_stale = true;
    entry->is_sure = false;
    for (Node *node = entry->nodes; node != NULL; node = node->next)
        node->is_current = false;
}

/* Where the log has no names the catalogue is read at once: the next statement may come soon. What
 * fails here is tried again when the table's rows come. */
static void
refresh_early(MysqlSchema *schema, Entry *entry)
{
    Error ignored;

    if (schema->lacks_names && !schema->is_ahead)
        (void)!refresh(schema, entry, &ignored);
}

void
source_mysql_schema_ddl(MysqlSchema *schema, Text statement, Text database)
{
    Statement read = {0};
    bool names_table;

    statement_read(statement, false, &read);
    names_table = read.table.len > 0;
    map_each (&schema->entries, at) {
        Entry *entry = at->value;

        if (!statement_mentions(statement, entry->name) &&
            (names_table || !statement_mentions(statement, entry->schema)))
            continue;
        forget(entry);
        refresh_early(schema, entry);
    }
    if (names_table && schema->is_loaded) {
        Text in = read.schema.len > 0 ? buf_text(&read.schema) : database;

        if (map_get(&schema->entries, key_of(schema, in, buf_text(&read.table))) == NULL &&
            source_mysql_carries(options_of(schema), in, buf_text(&read.table)))
            refresh_early(schema, entry_of(schema, in, buf_text(&read.table)));
    }
    statement_clear(&read);
}

/* ---- system-versioned tables ---- */

/* Row ends of rows that have not ended: of servers up to 11.4, and of later ones. */
static bool
is_open_end(const MysqlShape *shape, const Value *image)
{
    const Value *end = &image[shape->row_end];

    return end->kind != VALUE_TEXT || text_is(end->text, "2038-01-19 03:14:07.999999+00") ||
           text_is(end->text, "2106-02-07 06:28:15.999999+00");
}

bool
source_mysql_shape_is_current(
    const MysqlShape *shape, const Value *before, const Value *after, ChangeKind *kind)
{
    if (shape->row_end >= shape->image_count)
        return true;
    if (before != NULL && !is_open_end(shape, before))
        return false;
    if (after == NULL || is_open_end(shape, after))
        return true;
    if (*kind == CHANGE_INSERT)
        return false;
    *kind = CHANGE_DELETE;
    return true;
}
