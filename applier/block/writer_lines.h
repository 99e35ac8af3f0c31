/*
 * writer_lines.h - the lines of one change, and what is noted of each
 */
#pragma once

#include "block/writer_state.h"

/* table->file takes them, and has room for the change's keys (writer_make_room()). */
bool writer_write_change(BlockWriter *writer, WriterTable *table, const Change *change, Error *err)
    MUST_CHECK;
