#include "ddl/shape_column.h"

/* A type's text in its parts: "timestamp(3) with time zone" -> "timestamp with time zone", "3" */
typedef struct TypeParts {
    Text name;
    Text modifier; /* what stood in the parentheses; TEXT_NONE: none stood there */
    bool is_array;
} TypeParts;

static TypeParts
split_type(Text type, Arena *arena)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    TypeParts parts = {.modifier = TEXT_NONE};
    size_t open;
    size_t close;

    if (text_starts_with(type, "enum(") || text_starts_with(type, "set(")) {
        parts.name = (Text){type.data, text_find(type, '(')};
        return parts;
    }
    while (text_ends_with(type, "[]")) {
        parts.is_array = true;
        type.len -= 2;
    }
    open = text_find(type, '(');
    close = text_find(type, ')');
    buf_add(&name, type.data, open);
    if (open < close && close < type.len) {
        parts.modifier = (Text){type.data + open + 1, close - open - 1};
        buf_add(&name, type.data + close + 1, type.len - close - 1);
    }
    parts.name = arena_text(arena, text_trim(buf_text(&name)));
    return parts;
}

/* "int unsigned zerofill" -> "int" */
static Text
without_sign(Text name, bool *ret_is_unsigned)
{
    static const char *const words[] = {" zerofill", " unsigned"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (text_ends_with(name, words[i])) {
            *ret_is_unsigned = true;
            name.len -= strlen(words[i]);
        }
    return name;
}

/* "public.mood" -> "mood"; PostgreSQL's own types stand without their schema. */
static Text
plain_name(Text name)
{
    if (text_starts_with(name, "interval "))
        return TEXT("interval");
    if (text_is(name, "bpchar"))
        return TEXT("character");
    for (size_t i = name.len; i > 0; i--)
        if (name.data[i - 1] == '.') {
            name = (Text){name.data + i, name.len - i};
            break;
        }
    if (name.len > 2 && name.data[0] == '"' && !text_is(name, "\"char\""))
        name = (Text){name.data + 1, name.len - 2};
    return name;
}

static void
read_modifier(Text modifier, SourceColumn *column)
{
    size_t comma = text_find(modifier, ',');
    int64_t first = -1;
    int64_t second = 0;

    if (modifier.data == NULL || !text_to_i64(text_trim((Text){modifier.data, comma}), &first))
        return;
    if (comma < modifier.len &&
        !text_to_i64(
            text_trim((Text){modifier.data + comma + 1, modifier.len - comma - 1}), &second))
        return;
    if (text_starts_with(column->type_name, "numeric") ||
        text_starts_with(column->type_name, "decimal")) {
        column->precision = (int)first;
        column->scale = (int)second;
    } else if (text_starts_with(column->type_name, "time") ||
               text_starts_with(column->type_name, "interval") ||
               text_starts_with(column->type_name, "datetime")) {
        column->precision = (int)first;
    } else if (column->logical != LOGICAL_INT && column->logical != LOGICAL_UINT &&
               column->logical != LOGICAL_FLOAT) { /* that of MySQL's numbers is for display */
        column->length = first;
    }
}

SourceColumn
shape_column(Text name, Text type, LogicalType logical, Arena *arena)
{
    SourceColumn column = {
        .name = name,
        .type = arena_text(arena, type),
        .logical = logical,
        .length = -1,
        .precision = -1,
        .scale = -1,
    };
    TypeParts parts = split_type(column.type, arena);

    column.type_name = plain_name(without_sign(parts.name, &column.is_unsigned));
    if (parts.is_array)
        column.type_name = text_of(arena_printf(arena, TEXT_FMT "[]", TEXT_ARG(column.type_name)));
    read_modifier(parts.modifier, &column);
    return column;
}
