/*
 * tungsten.h - blocks out of directories that Tungsten wrote
 *
 * Such a directory has no manifest: the columns come from the staging table in the target (behind
 * its header columns), or from the base table where there is none; the key from the table rule, or
 * the base table. One first seqno is one block; where it ends only its lines tell.
 */
#pragma once

#include "apply/replay/source.h"

/* Lists the blocks of the directory: their manifests name files, tables and seqnos only. ERR_DATA
 * where it is no such directory. */
bool replay_tungsten_list(
    const Context *context, const char *directory, ReplayList *list, Error *err) MUST_CHECK;
/* Is this block one of those? */
bool replay_is_tungsten(const Block *block);
/* Convert it into parent_directory; csv_type is "default", "mysql", "vertica" … */
Block *replay_tungsten_convert(const Context *context, const Block *block, const char *csv_type,
    const char *parent_directory, Error *err) MUST_CHECK;
