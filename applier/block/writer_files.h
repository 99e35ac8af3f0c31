/*
 * writer_files.h - the block writer's tables, their generations, and the few files that are open
 */
#pragma once

#include "block/writer_state.h"

/* Never NULL. Source names. */
WriterTable *writer_find_table(BlockWriter *writer, Text schema, Text name);
/* Make the block's directory, once. */
bool writer_make_directory(BlockWriter *writer, Error *err) MUST_CHECK;
/* Begin a generation; out may be NULL for a TRUNCATE of a table that had no line. */
WriterFile *writer_add_generation(BlockWriter *writer, WriterTable *table, const OutTable *out);
/* The file is complete: give its descriptor and buffer back. */
bool writer_end_file(BlockWriter *writer, WriterTable *table, Error *err) MUST_CHECK;
/* The table of a change, with the file that takes its lines; NULL on failure. */
WriterTable *writer_table_for(BlockWriter *writer, const OutTable *out, Error *err) MUST_CHECK;
/*
 * Room for the keys of one more change. Where the rows do not fit into memory, the largest file
 * ends its generation: the base table then has its rows, when the next one is merged. That is so
 * in the middle of a transaction too, since the keys of such tables never meet (block/unchanged.h).
 */
bool writer_make_room(BlockWriter *writer, WriterTable *table, Error *err) MUST_CHECK;
/* Open, at the cost of the file that had no line for the longest time. */
bool writer_open_file(BlockWriter *writer, WriterFile *file, Error *err) MUST_CHECK;
