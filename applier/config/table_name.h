/*
 * table_name.h - "schema.table" as a table rule's target spells it
 *
 * A name may stand in double quotes (a quote inside it doubled) and then hold dots. %%SCHEMA%% and
 * %%TABLE%% may stand anywhere, also in quotes; table_name_fill() puts the source's names in after
 * the split, so that a dot in one of them splits nothing. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/*
 * Split at the one dot outside quotes and take the quotes away. Without a dot *ret_schema is "".
 * The results, in the arena, still hold the parameters. ERR_CONFIG for more than one dot, an empty
 * name, a quote in the wrong place, an unknown parameter.
 */
bool table_name_split(Text text, Arena *arena, Text *ret_schema, Text *ret_name, Error *err)
    MUST_CHECK;

/* A part with its parameters replaced. */
Text table_name_fill(Text part, Text schema, Text table, Arena *arena);
