/*
 * source.h - finding the blocks to replay, and turning those of another dialect into ours
 */
#pragma once

#include "apply/replay/replay.h"

typedef struct ReplayList {
    Block **blocks; /* by first seqno */
    size_t count;
} ReplayList;

/*
 * The blocks of the directories given, each a block directory or a directory of them. Only those
 * that hold a seqno from from_seqno to to_seqno; a limit inside a block is ERR_USAGE naming the
 * block. A directory of Tungsten's becomes one block a commit, with target_type "tungsten".
 */
bool replay_list(const Context *context, const ReplayOptions *options, ReplayList *ret_list,
    Error *err) MUST_CHECK;
void replay_list_free(ReplayList *list);
/* Takes the block over. */
void replay_list_add(ReplayList *list, Block *block);

/* *ret_block is NULL where the block can be loaded as it is; else a converted copy below
 * block.directory/replay.tmp. */
bool replay_convert(const Context *context, const ReplayOptions *options, const Block *block,
    Block **ret_block, Error *err) MUST_CHECK;
/* Removes the copies. */
void replay_convert_clean(const Context *context);
