#include "source/snapshot.h"

void
snapshot_close(Snapshot *snapshot)
{
    if (snapshot != NULL)
        snapshot->driver->close(snapshot);
}

static bool
has_same_key(const SourceTable *a, const SourceTable *b)
{
    if (a->key_count != b->key_count)
        return false;
    for (size_t i = 0; i < a->key_count; i++)
        if (!text_equal(a->columns[a->key[i]].name, b->columns[b->key[i]].name))
            return false;
    return true;
}

bool
snapshot_chunk_copy(const SnapshotChunk *chunk, const SourceTable *table, Arena *arena,
    SnapshotChunk *ret_copy, Error *err)
{
    size_t total = chunk->key_total * chunk->table->key_count;
    Value *keys;

    if ((chunk->after != NULL || chunk->keys != NULL) && !has_same_key(chunk->table, table))
        return error_set(err, ERR_SOURCE,
            "table " TEXT_FMT "." TEXT_FMT " has another key in the snapshot",
            TEXT_ARG(chunk->table->schema), TEXT_ARG(chunk->table->name));
    *ret_copy = *chunk;
    ret_copy->table = table;
    if (chunk->keys == NULL)
        return true;
    keys = ARENA_ARRAY(arena, Value, total + 1);
    for (size_t i = 0; i < total; i++)
        keys[i] = (Value){chunk->keys[i].kind, arena_text(arena, chunk->keys[i].text)};
    ret_copy->keys = keys;
    return true;
}
