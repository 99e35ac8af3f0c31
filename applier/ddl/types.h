/*
 * types.h - which type a source column gets in a target: templates/types/<source>-<target>.yaml
 *
 * A mapping table is a list of entries; the first one that fits a column wins. Meant to be edited
 * by a DBA, in a copy beside the configuration file.
 *
 *     - type: character varying     # SourceColumn.type_name, or a list of them; globs. "[]" at the
 *                                   # end takes arrays, a glob without it takes none
 *       length: 1..255              # only where length, precision, scale or digits are in the
 *                                   # range ("1..", "..255", "7"); "none": has none
 *       unsigned: true              # only unsigned (or only signed) numbers
 *       in_key: true                # only columns of the key (or only others)
 *       to: varchar(%%LENGTH%%)
 *       warning: text               # may lose: a comment above the column; dray ddl exits with 1
 *                                   # unless that is accepted
 *       note: text                  # a comment only
 *
 * Parameters in to, warning and note: TYPE as the source's DDL spells it, NAME the type's name
 * alone, LENGTH, BYTES the length in UTF-8 (4 a character; values travel in UTF-8, whatever the
 * source's encoding is; for binary types write LENGTH), PRECISION, SCALE, DIGITS what a decimal
 * type needs that knows neither a negative scale nor one above its precision, LABELS the members of
 * an enum as SQL strings. An entry that uses a number must ask for it by a range.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "source/source_table.h"
#include "target/sql_dialect.h"

typedef struct TypeMap TypeMap;

/* data_directory/templates/types/<source>-<target>.yaml, or the same beside the configuration file,
 * which wins. source_type is what source_type_names() (source/source.h) gives for a driver. All
 * mistakes of the file in one ERR_CONFIG, file:line:column. */
TypeMap *type_map_load(const char *data_directory, const char *config_directory,
    const char *source_type, const SqlDialect *sql, Error *err) MUST_CHECK;
/* The same from memory; path is for error texts. */
TypeMap *type_map_parse(const char *path, Text yaml, const SqlDialect *sql, Error *err) MUST_CHECK;
void type_map_free(TypeMap *map);
CLEANUP_DEFINE(TypeMap *, type_map_free);

typedef struct MappedType {
    Text type;    /* as the target's DDL spells it */
    Text warning; /* what may be lost; TEXT_NONE: nothing */
    Text note;    /* worth knowing; TEXT_NONE */
} MappedType;

/* ERR_CONFIG where no entry fits: names file, column and type. Texts in the arena. in_key: some
 * targets cannot have every type in a key (MySQL: text without length). */
bool type_map_column(const TypeMap *map, const SourceColumn *column, bool in_key, Arena *arena,
    MappedType *ret_type, Error *err) MUST_CHECK;
