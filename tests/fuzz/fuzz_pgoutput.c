/*
 * fuzz_pgoutput.c - messages of the plugin pgoutput: whatever they are, decoding ends in a change
 * or an error
 *
 * The input is messages with their lengths (4 bytes, big-endian) in front, as the recordings in
 * tests/golden/pgoutput. They go through one decoder, so that relations learned from one message
 * meet the rows of the next ones. All values of a change are touched.
 */
#include <stdlib.h>

#include "source/postgres_relation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Types by their oid, so that the input chooses them. */
static bool
made_up_facts(void *context, const PgoutputMessage *relation, bool primary_key, Arena *arena,
    PostgresColumnFacts *facts, Error *err)
{
    (void)context;
    (void)arena;
    if (relation->column_count > 1000)
        return error_set(err, ERR_SOURCE, "too many columns");
    for (size_t i = 0; i < relation->column_count; i++) {
        uint32_t type = relation->columns[i].type;

        facts[i].in_primary_key = primary_key && type % 2 == 1;
        facts[i].is_variable = type == 17 || type == 25;
        if (type == 0)
            continue;
        facts[i].type = type == 17 ? TEXT("bytea") : TEXT("text");
        facts[i].base_type = facts[i].type;
    }
    return true;
}

static size_t
touch(const Value *values, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; values != NULL && i < count; i++)
        for (size_t at = 0; values[i].kind == VALUE_TEXT && at < values[i].text.len; at++)
            sum += (unsigned char)values[i].text.data[at];
    return sum;
}

static void
take_change(const PostgresRelation *relation, PgoutputMessage *message)
{
    static volatile size_t sink;
    Change change;
    Error err;

    if (relation == NULL || !postgres_relation_change(relation, message, &change, &err))
        return;
    if ((change.before == NULL) != (change.kind == CHANGE_INSERT) ||
        (change.after == NULL) != (change.kind == CHANGE_DELETE))
        abort();
    sink = touch(change.before, change.table->column_count) +
           touch(change.after, change.table->column_count);
    (void)sink;
}

static void
take(Pgoutput *decoder, PostgresRelations *relations, Text raw)
{
    PgoutputMessage message;
    Error err;

    if (!pgoutput_decode(decoder, raw, &message, &err))
        return;
    if (message.kind == PGOUTPUT_RELATION)
        (void)!postgres_relations_take(relations, raw, &message, &err);
    else if (message.kind == PGOUTPUT_TYPE)
        postgres_relations_type(relations, &message);
    else if (message.kind == PGOUTPUT_INSERT || message.kind == PGOUTPUT_UPDATE ||
             message.kind == PGOUTPUT_DELETE)
        take_change(postgres_relations_find(relations, message.oid), &message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(pgoutput_free) Pgoutput *decoder = pgoutput_new();
    CLEANUP(postgres_relations_free)
    PostgresRelations *relations = postgres_relations_new(made_up_facts, NULL);
    Reader reader = reader_of(data, size);

    while (!reader.overrun && reader.at < size) {
        size_t len = reader_be32(&reader);
        Text message = reader_bytes(&reader, MIN(len, size - reader.at));
        /* exactly as long as the message: a byte read behind it is found */
        char *copy = malloc(message.len + (message.len == 0));

        if (copy == NULL)
            abort();
        memcpy(copy, message.data, message.len);
        take(decoder, relations, (Text){copy, message.len});
        free(copy);
    }
    return 0;
}
