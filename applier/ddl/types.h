/*
 * types.h - which type a source column gets in a target: templates/types/<source>-<target>.yaml
 *
 * A mapping table is a list of entries, the first that fits wins; meant to be edited by a DBA:
 *
 *     - type: character varying     # SourceColumn.type_name; a glob; "[]" at the end: arrays
 *       length: 1..16383            # only where the length (precision, scale) is in the range
 *       to: varchar(%%LENGTH%%)     # %%LENGTH%% %%BYTES%% %%PRECISION%% %%SCALE%% %%TYPE%% …
 *       warning: text               # may lose: printed as a comment; ddl exits 1 unless accepted
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "source/source_table.h"

typedef struct TypeMap TypeMap;

/* data_directory/templates/types/<source>-<target>.yaml, or the same beside the configuration file,
 * which wins. All mistakes of the file in one ERR_CONFIG, file:line:column. */
TypeMap *type_map_load(const char *data_directory, const char *config_directory,
    const char *source_type, const char *target_type, Error *err) MUST_CHECK;
void type_map_free(TypeMap *map);
CLEANUP_DEFINE(TypeMap *, type_map_free);

typedef struct MappedType {
    Text type;    /* as the target's DDL spells it */
    Text warning; /* what may be lost; TEXT_NONE: nothing */
} MappedType;

/* ERR_CONFIG where no entry fits: names file, column and type. Texts in the arena. in_key: some
 * targets cannot have every type in a key (MySQL: text without length). */
bool type_map_column(const TypeMap *map, const SourceColumn *column, bool in_key, Arena *arena,
    MappedType *ret_type, Error *err) MUST_CHECK;
