/*
 * stage_name.h - the name of a base table's staging table. Pure.
 */
#pragma once

#include "target/sql_dialect.h"

/*
 * prefix + base, in the arena. From ordinal 2 on (parallel loads, several files of one table) it
 * ends in
 * "~2", "~3" …. Where it is longer than the target's names may be, it is cut, not within a UTF-8
 * character, and gets "~" and the 16 hex digits of its XXH3. Two pairs of base and ordinal never
 * get one name: a base name that itself ends in such a suffix gets the hash too. Where stage.schema
 * is set, base tables of several schemas meet there: the caller puts the schema into base.
 */
Text stage_table_name(
    const SqlDialect *dialect, Text prefix, Text base, uint64_t ordinal, Arena *arena);
