/*
 * key_index.h - compaction: the last line of each key of one CSV file
 *
 * A table of open addressing from the 128-bit XXH3 of a key's canonical values to the row_id of the
 * last line with this key. Each value goes into the hash behind its length, so that ('a', 'bc') and
 * ('ab', 'c') differ; the seed differs from process to process, so that nobody can prepare keys
 * that meet. The table knows no kind of line: a delete is superseded only by a later line of the
 * same key, like any other line, and the merge script deletes every key it finds.
 *
 * Memory: a slot has 24 bytes and the table is at most 3/4 full and doubles, so that a key costs 32
 * to 64 bytes, and 96 for a moment while the table grows (the old one and the new one). One more
 * bit for each line once a line is superseded. All of it counts against the budget, which the files
 * of a block share; a file whose index does not fit is given up and is loaded with all its lines.
 */
#pragma once

#include "block/block.h"

typedef struct KeyBudget {
    uint64_t limit;
    uint64_t used;
} KeyBudget;

typedef struct KeyHash {
    uint64_t low;
    uint64_t high;
} KeyHash;

/* Random, from the system. */
bool key_seed(uint64_t *ret_seed, Error *err) MUST_CHECK;
/* scratch is emptied and holds the hashed bytes afterwards. */
KeyHash key_hash(uint64_t seed, const Text *values, size_t count, Buf *scratch);

/* Take memory from the budget. False: there is not so much left. */
bool key_budget_take(KeyBudget *budget, uint64_t bytes) MUST_CHECK;

typedef struct KeyIndex KeyIndex;

/* budget outlives the index. */
KeyIndex *key_index_new(KeyBudget *budget) MUST_CHECK;
/* Gives its memory back to the budget. */
void key_index_free(KeyIndex *index);
CLEANUP_DEFINE(KeyIndex *, key_index_free);
enum {
    KEY_LINE_BESIDE = 1, /* the key's line before is not superseded, nor by any later one: which of
                            the two stands is not known yet (key_moves.h) */
    KEY_LINE_ORIGIN = 2, /* an O line stands before this one, and is superseded when it is */
};
/* The line with this row_id, the largest so far, has this key. False: over budget; free the index.
 */
bool key_index_add(KeyIndex *index, KeyHash hash, uint64_t row_id, unsigned flags) MUST_CHECK;
/* Keys seen. */
uint64_t key_index_count(const KeyIndex *index);
/* Hand the superseded lines over (words is on the heap); the index is empty afterwards. */
LineSet key_index_take(KeyIndex *index, uint64_t line_count);
