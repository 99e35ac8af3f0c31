/*
 * contested.h - decides which lines of keys that met inside one transaction are left out of a load
 *
 * The block writer notes pairs of an I and a D line of one key (block/key_moves.h, which has the
 * argument): the D line ends the key only if the key was not live before the I line. Here each pair
 * is decided, in the file's order: by the key's line before the I line (an image, or a D line that
 * is left out: live; a D line that counts: not live), and for a key without one by the base table.
 * Live: the D line is left out, as if it were superseded. Where the writer left out the superseded
 * lines (compaction), exactly one line of each such key stays.
 *
 * The base table is asked through the staging table: the script's own streamed load brings in the I
 * lines in question and nothing else, so that values are converted and keys compared exactly as in
 * the merge. Rows that the script's @live condition (script/script.h) does not hold for do not
 * count. The staging table is emptied before and after.
 *
 * A block that is loaded a second time (--again) comes to the same end. A key whose fate hangs on
 * the base table has as many rows behind a block as before it, for its lines there are balanced:
 * the base table gives the same answer whether it holds the block already or not. Where the base
 * table is further ahead, and the answer another one, a later line of that key made it so: its
 * block sets the key right when it is loaded again.
 *
 * Memory: the keys of the pairs, and 24 bytes for each line of such a key. The file is read twice,
 * and once more where the base table is asked. Files without pairs cost nothing.
 */
#pragma once

#include "apply/plan.h"

/*
 * For scripts without @load: inside the block's transaction, when the files in front are merged.
 * Sets plan->left_out, in the arena, where lines are left out beyond the block's superseded ones.
 * ERR_SCRIPT for a script whose load is not streamed, ERR_DATA for a damaged file: both name the
 * table.
 */
bool contested_resolve(const Context *context, Target *target, const Block *block, MergePlan *plan,
    Arena *arena, Error *err) MUST_CHECK;

/*
 * For the plans whose script has a @load: before the loads, outside a transaction. A pair that
 * hangs on the base table cannot be decided then if an earlier file or a TRUNCATE of this block
 * changes that table: ERR_SCRIPT.
 */
bool contested_resolve_loads(const Context *context, Target *target, const Block *block,
    const BlockPlan *plan, Arena *arena, Error *err) MUST_CHECK;
