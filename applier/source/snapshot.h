/*
 * snapshot.h - reading a source's rows as they were at an exact position of its change stream
 *
 *     snapshot = driver->open(start)            one view of all tables, without locks on them
 *     driver->position(snapshot)                transactions whose BEGIN position is before it are
 *                                               in the view, all others come by the stream
 *     reader = driver->reader_open(snapshot)    a connection of its own into the same view
 *     driver->read(reader, what); driver->next(reader, &change)   a chunk of a table's rows
 *
 * A reader, once open, does not need the snapshot any more: it holds the view itself. A Snapshot
 * belongs to one thread; each reader to one thread. Used by dray bootstrap and dray verify.
 */
#pragma once

#include "event/canonical.h"
#include "source/source.h"
#include "source/source_table.h"

typedef struct SnapshotReader SnapshotReader;

/* Which rows to read. The columns are those of the table, but generated ones. */
typedef struct SnapshotChunk {
    const SourceTable *table;
    const Value *after; /* key_count values: only rows whose key is greater; NULL: from the start */
    int64_t limit;      /* rows at most, in the order of the key; 0: no limit. A table without a
                           key is read as a whole */
    const Value *keys;  /* NULL; or key_total keys of key_count values each, one behind the other:
                           only the rows with these keys */
    size_t key_total;
} SnapshotChunk;

/* One row of a query; false (with *err set) ends it. */
typedef bool SnapshotRowFn(void *context, const Value *values, size_t count, Error *err);

struct SnapshotDriver {
    /* start as for SourceDriver.open; position and until_end do not matter. */
    Snapshot *(*open)(const SourceStart *start, Error *err);
    void (*close)(Snapshot *snapshot);
    /* Valid as long as the snapshot. */
    Text (*position)(const Snapshot *snapshot);
    /* What there is to say of how it was taken (locks, for how long), or TEXT_NONE; valid as long
     * as the snapshot. NULL: nothing. */
    Text (*notice)(const Snapshot *snapshot);
    SnapshotReader *(*reader_open)(Snapshot *snapshot, Error *err);
    void (*reader_close)(SnapshotReader *reader);
    /* Tables as the view has them. */
    bool (*describe)(SnapshotReader *reader, Text schema, Text name, Arena *arena,
        SourceTable **ret_table, Error *err);
    /* Begin a chunk. An unfinished one is given up. */
    bool (*read)(SnapshotReader *reader, const SnapshotChunk *chunk, Error *err);
    /* The next row as CHANGE_INSERT of a Table (owned by the reader, the same one for the same
     * table as long as the reader lives), valid until the next call; NEXT_END at the chunk's end.
     * Values are canonical (event/value.h), the very texts that the change stream would have. */
    Next (*next)(SnapshotReader *reader, Change *ret_change, Error *err);
    /* Any SELECT inside the view; values are VALUE_NULL or the server's text. */
    bool (*query)(SnapshotReader *reader, Text sql, SnapshotRowFn *row, void *context, Error *err);
    /* Append a SELECT list item, an expression of the column (by its bare name) whose text is the
     * same on every target for the same value. */
    void (*canonical)(const SourceColumn *column, Canonical canonical, Buf *sql);
    /* How the source quotes an identifier. */
    char identifier_quote;
};

struct Snapshot {
    const SnapshotDriver *driver;
};

/*
 * For drivers, at the begin of a chunk. table is the chunk's table as the view has it: the caller's
 * key values are in the order of its own description, so that both must have the same key
 * (ERR_SOURCE). The copy is of that table, and has the keys in the arena; after stays a view.
 */
bool snapshot_chunk_copy(const SnapshotChunk *chunk, const SourceTable *table, Arena *arena,
    SnapshotChunk *ret_copy, Error *err) MUST_CHECK;

void snapshot_close(Snapshot *snapshot);
CLEANUP_DEFINE(Snapshot *, snapshot_close);
