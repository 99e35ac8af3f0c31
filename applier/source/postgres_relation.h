/*
 * postgres_relation.h - Relation messages into Tables, and changes of them into Changes
 *
 * The server sends a Relation message before the first change of a table, and again after whatever
 * might have changed it. A message equal to an earlier one gives the same Table; another one a new
 * Table with an id of its own. Tables live as long as the PostgresRelations: memory grows with the
 * number of different shapes, not with changes or messages.
 *
 * The message has names, type oids and which columns tell the identity; the names of the types, the
 * base types of domains and the primary key come from a function that asks the catalogue. The
 * catalogue may be ahead of the stream: a type that is gone keeps the name of its Type message (of
 * a domain: of its base type); where that is not a built-in one it is LOGICAL_OTHER.
 *
 * Key and old row, by the replica identity in the message:
 *
 *     DEFAULT, INDEX   in_key: the columns flagged in the message. before: these columns, of the
 *                      old row where the server sent it (the key changed), else of the new one; all
 *                      others are VALUE_ABSENT. Where no column is flagged there is no key.
 *     FULL             in_key: the primary key's columns as the catalogue has them, as long as the
 *                      message has all of them. before: the whole old row. Values that the update
 *                      left as they were are taken from it.
 *     NOTHING          no key; the server sends inserts only.
 */
#pragma once

#include "base/arena.h"
#include "source/pgoutput.h"
#include "source/postgres_value.h"
#include "source/source.h"

/* What the catalogue says of a column of a Relation message. */
typedef struct PostgresColumnFacts {
    Text type;        /* as format_type() prints it; TEXT_NONE: no such type any more */
    Text base_type;   /* of a domain: what it is made of; else the same as type */
    bool is_variable; /* of variable length: may be stored outside the row */
    bool in_primary_key;
} PostgresColumnFacts;

/* Fill facts (column_count of them, zeroed) for a Relation message; texts go to the arena.
 * primary_key: the primary key is wanted. */
typedef bool PostgresFactsFn(void *context, const PgoutputMessage *relation, bool primary_key,
    Arena *arena, PostgresColumnFacts *facts, Error *err);

typedef struct PostgresRelations PostgresRelations;
typedef struct PostgresRelation PostgresRelation;

PostgresRelations *postgres_relations_new(PostgresFactsFn *facts, void *context) MUST_CHECK;
void postgres_relations_free(PostgresRelations *relations);
CLEANUP_DEFINE(PostgresRelations *, postgres_relations_free);

/* Take a Type message. */
void postgres_relations_type(PostgresRelations *relations, const PgoutputMessage *type);
/* Take a Relation message; raw are its bytes. */
bool postgres_relations_take(
    PostgresRelations *relations, Text raw, const PgoutputMessage *relation, Error *err) MUST_CHECK;
/* The last shape of the table; NULL where no Relation message had this oid. */
const PostgresRelation *postgres_relations_find(const PostgresRelations *relations, uint32_t oid);

const Table *postgres_relation_table(const PostgresRelation *relation);
/*
 * An Insert, Update or Delete message of this table into a Change, with canonical values. The
 * message's values are changed; the Change points into them and into relation, until the next call.
 */
bool postgres_relation_change(const PostgresRelation *relation, PgoutputMessage *message,
    Change *ret_change, Error *err) MUST_CHECK;
