#include "ddl/type_name.h"

typedef struct TypeAlias {
    const char *name;
    const char *usual;
} TypeAlias;

static const TypeAlias aliases[] = {
    {"int", "integer"},
    {"int4", "integer"},
    {"int8", "bigint"},
    {"int2", "smallint"},
    {"bool", "boolean"},
    {"float8", "double precision"},
    {"double", "double precision"},
    {"float4", "real"},
    {"decimal", "numeric"},
    {"dec", "numeric"},
    {"varchar", "character varying"},
    {"char", "character"},
    {"varbit", "bit varying"},
    {"timestamptz", "timestamp with time zone"},
    {"timestamp without time zone", "timestamp"},
    {"timetz", "time with time zone"},
    {"time without time zone", "time"},
};

/* MySQL shows integers with a width that means nothing. */
static const char *const widths[] = {
    "tinyint", "smallint", "mediumint", "int", "integer", "bigint"};

/* A type in its parts: the name, what stands in parentheses, and the rest behind the name. */
typedef struct TypeParts {
    Buf name;
    Buf modifier;
} TypeParts;

static void
type_parts_clear(TypeParts *parts)
{
    buf_clear(&parts->name);
    buf_clear(&parts->modifier);
}
CLEANUP_DEFINE(TypeParts *, type_parts_clear);

/* One blank between two words, none in front. */
static void
add_to_name(char c, Buf *name)
{
    bool after_blank = name->len == 0 || name->data[name->len - 1] == ' ';

    if (c != ' ' || !after_blank)
        buf_add_char(name, c);
}

static char
lower(char c)
{
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *at = c == '\0' ? NULL : strchr(capitals, c);

    if (at != NULL)
        c = "abcdefghijklmnopqrstuvwxyz"[at - capitals];
    return c;
}

static void
split(Text type, TypeParts *parts)
{
    bool inside = false;

    for (size_t i = 0; i < type.len; i++) {
        char c = lower(type.data[i]);

        inside |= c == '(';
        if (!inside)
            add_to_name(c, &parts->name);
        else if (c != ' ')
            buf_add_char(&parts->modifier, c);
        inside &= c != ')';
    }
}

static Text
usual_name(Text name)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (text_is(name, aliases[i].name))
            return text_of(aliases[i].usual);
    return name;
}

static Text
without_charset(Text type)
{
    static const char word[] = " character set ";

    for (size_t i = 0; i + sizeof(word) - 1 <= type.len; i++)
        if (text_equal_nocase((Text){type.data + i, sizeof(word) - 1}, text_of(word)))
            return (Text){type.data, i};
    return type;
}

static bool
has_width(Text name)
{
    Text word = {name.data, text_find(name, ' ')};

    for (size_t i = 0; i < ARRAY_LEN(widths); i++)
        if (text_is(word, widths[i]))
            return true;
    return false;
}

bool
type_name_equal(Text a, Text b)
{
    TypeParts left = {BUF_INIT, BUF_INIT};
    TypeParts right = {BUF_INIT, BUF_INIT};
    CLEANUP(type_parts_clear) TypeParts *clear_left = &left;
    CLEANUP(type_parts_clear) TypeParts *clear_right = &right;
    Text name;

    (void)clear_left;
    (void)clear_right;
    split(without_charset(a), &left);
    split(without_charset(b), &right);
    name = usual_name(text_trim(buf_text(&left.name)));
    if (!text_equal(name, usual_name(text_trim(buf_text(&right.name)))))
        return false;
    return has_width(name) || text_equal(buf_text(&left.modifier), buf_text(&right.modifier));
}
