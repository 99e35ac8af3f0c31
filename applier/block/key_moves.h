/*
 * key_moves.h - keys that meet for a moment inside one transaction
 *
 * Under a deferrable key an update may bring a row to a key that another row still has: a swap of
 * 1 and 2 arrives as 1 -> 2 and 2 -> 1. Key 2 then has the lines I (row 1 comes) and D (row 2
 * goes), and the last line must not win: the key stays live, with the image of the I line. A row
 * that only passes through (1 -> 2, 2 -> 3) leaves the very same lines at key 2, and there the D
 * line ends the key. Only whether key 2 was live before the I line tells the two apart, and the
 * writer cannot know that. It finds the pairs; apply/contested.h decides them.
 *
 * Which D line belongs to which I line: read the I lines of one key as opening and the D lines as
 * closing brackets. A D line closes the youngest open I line. Between the two the lines are
 * balanced, so behind the D line the key has as many rows as it had before its I line: the D line
 * ends the key exactly when the key was not live before the I line. It need not be the row of that
 * I line that goes. Cases, with c0 rows before the transaction:
 *   I D      c0 = 0: 1 0, it ends. c0 = 1: 2 1, it stays.
 *   I D I    no second pair. c0 can only be 0, and the last line wins.
 *   I D I D  two pairs. c0 = 0: 1 0 1 0. c0 = 1: 2 1 2 1. Each has the answer of the one before it.
 *   I I D D  the inner pair stays (the outer I line is live), the outer one decides.
 *   I D D    the second D line has no open I line: c0 was 1, and the key ends.
 *   D I D    one pair, and the D line in front says that the key was not live.
 * Which image stays: that of the youngest I line. Within one statement a row changes once, so the
 * row that goes is the one from before. (Under SET CONSTRAINTS DEFERRED a second statement may send
 * the newcomer on and leave the old row behind: those lines are the same, and the newcomer's image
 * stays. Of a row that is inserted, not moved, to a taken key nothing is noted: its I line and a
 * later D line of the key are as good as always an insert and its delete.)
 *
 * An update that leaves the key alone (D I, or U) is no move: it neither opens nor closes. With
 * distinguish_updates read UI and UD; the D line may also be a delete's.
 * A transaction's end closes everything: then a key has at most one row, which its last line tells.
 * So does a generation's end: where the columns change inside a transaction the next file finds the
 * rows of this one in the base table.
 *
 * Memory, of one CSV file while a transaction that changes keys goes on: 24 bytes a slot in a table
 * that is at most 3/4 full and doubles, so that a key which a row came to costs 32 to 64 bytes, and
 * 96 for a moment while the table grows; 16 to 32 bytes more where two rows wait at one key. It
 * counts against the budget and goes at the transaction's end. Pairs stay to the block's end, 16
 * bytes each, at most CONTESTED_LIMIT of them. Where no update changes a key nothing is allocated
 * or hashed.
 */
#pragma once

#include "block/key_index.h"

typedef struct KeyMoves KeyMoves;

/* budget outlives it. */
KeyMoves *key_moves_new(KeyBudget *budget) MUST_CHECK;
/* Gives its memory back to the budget. */
void key_moves_free(KeyMoves *moves);
CLEANUP_DEFINE(KeyMoves *, key_moves_free);

/* An update brought a row to this key; its I line is row_id. False: over budget. */
bool key_moves_arrive(KeyMoves *moves, KeyHash hash, uint64_t row_id) MUST_CHECK;
/* A row leaves this key with the D line row_id. *ret_contested: it closes an I line of this
 * transaction, and the pair is noted. False: there are CONTESTED_LIMIT pairs already. */
bool key_moves_leave(KeyMoves *moves, KeyHash hash, uint64_t row_id, bool *ret_contested)
    MUST_CHECK;
/* The transaction ended: the keys are forgotten, the pairs stay. */
void key_moves_end(KeyMoves *moves);
/* Copy the pairs into the arena, by their D lines. */
void key_moves_list(const KeyMoves *moves, Arena *arena, BlockFile *file);
