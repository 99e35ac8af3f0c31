/*
 * retention.h - the block directories on disk: list, start-up cleaning, retain or remove, prune
 */
#pragma once

#include "block/block.h"
#include "config/config.h"

typedef struct BlockEntry {
    char *path;
    uint64_t first_seqno;
    bool finished;    /* has a manifest */
    bool committed;   /* marked by retention_mark() */
    uint64_t bytes;   /* of all files in the directory */
    int64_t mtime_us; /* of the manifest, or of the directory */
} BlockEntry;

typedef struct BlockList {
    BlockEntry *entries; /* by first seqno */
    size_t count;
    uint64_t bytes;
} BlockList;

/* Directories named by 20 digits; anything else is left alone and not listed. A missing directory
 * gives an empty list. */
bool block_list(const char *directory, BlockList *ret_list, Error *err) MUST_CHECK;
void block_list_free(BlockList *list);
CLEANUP_DEFINE(BlockList *, block_list_free);

/* Bytes that the file system of block.directory still has for us. */
bool block_space(const BlockConfig *block, int64_t *ret_available, Error *err) MUST_CHECK;

/* The block is committed and stays: note that in its directory (an empty file "committed"). */
bool retention_mark(const char *block_path, Error *err) MUST_CHECK;

/* At start: remove unfinished directories, and finished ones past the committed seqno (they are
 * read again from the source). *ret_removed counts both. A block past it that was committed once is
 * never removed: ERR_TARGET, since the target must have lost it. */
bool retention_clean(
    const char *directory, uint64_t committed_seqno, size_t *ret_removed, Error *err) MUST_CHECK;
/* The blocks that retain does not keep: all (RETAIN_NONE), else the oldest ones past the limit;
 * none that is newer than committed_seqno. Their bytes are not filled in. */
bool retention_excess(const char *directory, const Retain *retain, uint64_t committed_seqno,
    BlockList *ret_list, Error *err) MUST_CHECK;
/* After a commit: remove those. Another process may remove blocks of the directory meanwhile. */
bool retention_apply(const char *directory, const Retain *retain, uint64_t committed_seqno,
    size_t *ret_removed, Error *err) MUST_CHECK;
