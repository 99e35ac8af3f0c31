/* A mapping table of column types from anywhere: what is taken answers for every kind of column. */
#include <stdlib.h>

#include "ddl/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static SourceColumn
column_of(const char *type, LogicalType logical)
{
    return (SourceColumn){.name = TEXT("c"),
        .type = text_of(type),
        .type_name = text_of(type),
        .logical = logical,
        .length = 20,
        .precision = 10,
        .scale = 2};
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const SourceColumn columns[] = {column_of("integer", LOGICAL_INT),
        column_of("character varying", LOGICAL_TEXT), column_of("numeric", LOGICAL_NUMERIC),
        column_of("text[]", LOGICAL_ARRAY), column_of("enum", LOGICAL_OTHER)};
    Error err;
    TypeMap *map =
        type_map_parse("fuzz", (Text){(const char *)data, size}, &sql_dialect_postgres, &err);
    Arena *arena = arena_new();

    for (size_t i = 0; map != NULL && i < 2 * ARRAY_LEN(columns); i++) {
        MappedType type;

        if (type_map_column(map, &columns[i / 2], i % 2 == 1, arena, &type, &err) &&
            type.type.len == 0)
            abort();
    }
    arena_free(arena);
    type_map_free(map);
    return 0;
}
