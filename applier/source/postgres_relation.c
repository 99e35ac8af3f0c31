#include "source/postgres_relation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

#define CATALOG_PREFIX "pg_catalog."

struct PostgresRelation {
    Table table;
    char identity;
    size_t *bytes; /* columns whose text has to be changed */
    size_t byte_count;
    size_t *keys; /* columns of the identity, where it is not FULL */
    size_t key_count;
    Value *image; /* an old row that the server did not send: all absent but keys */
};

typedef struct Slot {
    uint32_t oid; /* 0: free; no table has it */
    PostgresRelation *relation;
} Slot;

struct PostgresRelations {
    PostgresFactsFn *facts;
    void *context;
    Arena *arena;
    Map shapes; /* bytes of a message -> PostgresRelation */
    Map types;  /* oid -> name, NUL at its end */
    Slot *slots;
    size_t slot_count; /* a power of two */
    size_t used;
};

PostgresRelations *
postgres_relations_new(PostgresFactsFn *facts, void *context)
{
    PostgresRelations *relations = calloc(1, sizeof(*relations));

    if (relations == NULL)
        abort();
    relations->facts = facts;
    relations->context = context;
    relations->arena = arena_new();
    return relations;
}

void
postgres_relations_free(PostgresRelations *relations)
{
    if (relations == NULL)
        return;
    map_clear(&relations->shapes);
    map_clear(&relations->types);
    arena_free(relations->arena);
    free(relations->slots);
    free(relations);
}

static size_t
slot_of(const Slot *slots, size_t slot_count, uint32_t oid)
{
    /* Fibonacci hashing: oids come in runs */
    size_t at = (size_t)(oid * UINT32_C(2654435769)) & (slot_count - 1);

    while (slots[at].oid != 0 && slots[at].oid != oid)
        at = (at + 1) & (slot_count - 1);
    return at;
}

static void
grow_slots(PostgresRelations *relations)
{
    size_t count = relations->slot_count == 0 ? 64 : relations->slot_count * 2;
    Slot *slots = calloc(count, sizeof(*slots));

    if (slots == NULL)
        abort();
    for (size_t i = 0; i < relations->slot_count; i++)
        if (relations->slots[i].oid != 0)
            slots[slot_of(slots, count, relations->slots[i].oid)] = relations->slots[i];
    free(relations->slots);
    relations->slots = slots;
    relations->slot_count = count;
}

static void
put_relation(PostgresRelations *relations, uint32_t oid, PostgresRelation *relation)
{
    Slot *slot;

    if (relations->used * 2 >= relations->slot_count)
        grow_slots(relations);
    slot = &relations->slots[slot_of(relations->slots, relations->slot_count, oid)];
    relations->used += slot->oid == 0;
    *slot = (Slot){oid, relation};
}

const PostgresRelation *
postgres_relations_find(const PostgresRelations *relations, uint32_t oid)
{
    if (relations->slot_count == 0)
        return NULL;
    return relations->slots[slot_of(relations->slots, relations->slot_count, oid)].relation;
}

void
postgres_relations_type(PostgresRelations *relations, const PgoutputMessage *type)
{
    char oid[16];
    char *name = arena_printf(
        relations->arena, TEXT_FMT "." TEXT_FMT, TEXT_ARG(type->schema), TEXT_ARG(type->name));
    const char *known;

    (void)snprintf(oid, sizeof(oid), "%" PRIu32, type->oid);
    known = map_get(&relations->types, text_of(oid));
    if (known == NULL || strcmp(known, name) != 0)
        (void)map_put(&relations->types, text_of(oid), name);
}

/* A type that the catalogue does not know any more. The Type message of a domain names what it is
 * made of: "pg_catalog.numeric", and "pg_catalog._numeric" for an array. */
static void
set_forgotten_type(const PostgresRelations *relations, uint32_t type, Column *column)
{
    char oid[16];
    Text name;

    (void)snprintf(oid, sizeof(oid), "%" PRIu32, type);
    column->type = name = text_of(map_get(&relations->types, text_of(oid)));
    column->logical = LOGICAL_OTHER;
    if (!text_starts_with(name, CATALOG_PREFIX))
        return;
    name.data += strlen(CATALOG_PREFIX);
    name.len -= strlen(CATALOG_PREFIX);
    column->logical = text_starts_with(name, "_") ? LOGICAL_ARRAY : logical_type_of_postgres(name);
}

static void
set_column(PostgresRelations *relations, const PgoutputMessage *message, size_t index,
    const PostgresColumnFacts *facts, Column *column)
{
    const PgoutputColumn *from = &message->columns[index];

    column->name = arena_text(relations->arena, from->name);
    column->type = facts->type;
    if (facts->type.data == NULL)
        set_forgotten_type(relations, from->type, column);
    else
        column->logical = logical_type_of_postgres(facts->base_type);
    column->in_key = message->identity == 'f' ? facts->in_primary_key : from->in_identity;
    column->may_omit = message->identity != 'f' && !column->in_key &&
                       (facts->is_variable || facts->type.data == NULL);
}

static void
set_indexes(PostgresRelations *relations, const Column *columns, PostgresRelation *relation)
{
    size_t count = relation->table.column_count;

    relation->bytes = ARENA_ARRAY(relations->arena, size_t, count);
    relation->keys = ARENA_ARRAY(relations->arena, size_t, count);
    relation->image = ARENA_ARRAY(relations->arena, Value, count);
    for (size_t i = 0; i < count; i++) {
        relation->image[i] = (Value){.kind = VALUE_ABSENT};
        if (columns[i].logical == LOGICAL_BYTES)
            relation->bytes[relation->byte_count++] = i;
        if (columns[i].in_key) {
            relation->table.has_key = true;
            relation->keys[relation->key_count++] = i;
        }
    }
}

/* The catalogue's key is of use only where the stream's table still has all of it. */
static bool
make_relation(PostgresRelations *relations, const PgoutputMessage *message,
    PostgresRelation **ret_relation, Error *err)
{
    size_t count = message->column_count;
    PostgresRelation *relation = ARENA_NEW(relations->arena, PostgresRelation);
    PostgresColumnFacts *facts = ARENA_ARRAY(relations->arena, PostgresColumnFacts, count);
    Column *columns = ARENA_ARRAY(relations->arena, Column, count);

    if (!relations->facts(
            relations->context, message, message->identity == 'f', relations->arena, facts, err))
        return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(message->schema),
            TEXT_ARG(message->name));
    for (size_t i = 0; i < count; i++)
        set_column(relations, message, i, &facts[i], &columns[i]);
    relation->identity = message->identity;
    relation->table = (Table){.id = source_next_table_id(),
        .schema = arena_text(relations->arena, message->schema),
        .name = arena_text(relations->arena, message->name),
        .columns = columns,
        .column_count = count};
    set_indexes(relations, columns, relation);
    *ret_relation = relation;
    return true;
}

bool
postgres_relations_take(
    PostgresRelations *relations, Text raw, const PgoutputMessage *relation, Error *err)
{
    PostgresRelation *known = map_get(&relations->shapes, raw);

    if (relation->oid == 0)
        return error_set(err, ERR_SOURCE, "pgoutput message 'R', byte 1: no table has the oid 0");
    if (known == NULL) {
        if (!make_relation(relations, relation, &known, err))
            return false;
        (void)map_put(&relations->shapes, raw, known);
    }
    put_relation(relations, relation->oid, known);
    return true;
}

const Table *
postgres_relation_table(const PostgresRelation *relation)
{
    return &relation->table;
}

static bool
column_error(const PostgresRelation *relation, size_t index, Error *err)
{
    const Table *table = &relation->table;

    return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT ", column " TEXT_FMT,
        TEXT_ARG(table->schema), TEXT_ARG(table->name), TEXT_ARG(table->columns[index].name));
}

static bool
make_canonical(const PostgresRelation *relation, Value *values, size_t count, Error *err)
{
    const Table *table = &relation->table;

    if (count != table->column_count)
        return error_set(err, ERR_SOURCE,
            "table " TEXT_FMT "." TEXT_FMT ": a row of %zu columns, where the table has %zu",
            TEXT_ARG(table->schema), TEXT_ARG(table->name), count, table->column_count);
    for (size_t i = 0; i < relation->byte_count; i++) {
        size_t index = relation->bytes[i];

        if (!postgres_value_canonical(LOGICAL_BYTES, &values[index], err))
            return column_error(relation, index, err);
    }
    return true;
}

/* The old row of an update or delete. Null stands in 'K' for what is not part of the identity. */
static const Value *
old_row(const PostgresRelation *relation, const PgoutputMessage *message)
{
    Value *image = relation->image;

    if (message->old == PGOUTPUT_OLD_ROW)
        return message->before;
    for (size_t i = 0; i < relation->key_count; i++) {
        size_t index = relation->keys[i];

        image[index] =
            message->old == PGOUTPUT_OLD_KEY ? message->before[index] : message->after[index];
    }
    return image;
}

/* What the server did not repeat is in the old row, as far as that was sent. */
static void
fill_unchanged(const PostgresRelation *relation, const PgoutputMessage *message)
{
    if (message->old == PGOUTPUT_OLD_ROW) {
        for (size_t i = 0; i < message->after_count; i++)
            if (message->after[i].kind == VALUE_UNCHANGED)
                message->after[i] = message->before[i];
        return;
    }
    for (size_t i = 0; message->old == PGOUTPUT_OLD_KEY && i < relation->key_count; i++) {
        size_t index = relation->keys[i];

        if (message->after[index].kind == VALUE_UNCHANGED)
            message->after[index] = message->before[index];
    }
}

bool
postgres_relation_change(
    const PostgresRelation *relation, PgoutputMessage *message, Change *ret_change, Error *err)
{
    static const ChangeKind kinds[] = {
        [PGOUTPUT_INSERT] = CHANGE_INSERT,
        [PGOUTPUT_UPDATE] = CHANGE_UPDATE,
        [PGOUTPUT_DELETE] = CHANGE_DELETE,
    };
    Change change = {.kind = kinds[message->kind], .table = &relation->table};

    if (message->kind != PGOUTPUT_DELETE &&
        !make_canonical(relation, message->after, message->after_count, err))
        return false;
    if (message->old != PGOUTPUT_OLD_NONE &&
        !make_canonical(relation, message->before, message->before_count, err))
        return false;
    if (message->kind == PGOUTPUT_UPDATE)
        fill_unchanged(relation, message);
    if (message->kind != PGOUTPUT_DELETE)
        change.after = message->after;
    if (message->kind != PGOUTPUT_INSERT)
        change.before = old_row(relation, message);
    *ret_change = change;
    return true;
}
