#include "config/table_name.h"

#define SCHEMA_PARAMETER "%%SCHEMA%%"
#define TABLE_PARAMETER  "%%TABLE%%"

/* One name from *at on, to its end or to a dot outside quotes; unquoted into out. */
static bool
read_name(Text text, size_t *at, Buf *out, Error *err)
{
    size_t i = *at;
    bool quoted = i < text.len && text.data[i] == '"';

    buf_add_string(out, "");
    if (!quoted) {
        for (; i < text.len && text.data[i] != '.'; i++) {
            if (text.data[i] == '"')
                return error_set(err, ERR_CONFIG, "a quote in the middle of a name");
            buf_add_char(out, text.data[i]);
        }
    } else {
        for (i++;; i++) {
            if (i >= text.len)
                return error_set(err, ERR_CONFIG, "a quote is not closed");
            if (text.data[i] == '"' && (i + 1 >= text.len || text.data[++i] != '"'))
                break;
            buf_add_char(out, text.data[i]);
        }
        if (i + 1 >= text.len && text.data[text.len - 1] == '"')
            i = text.len;
        else if (text.data[i] != '.')
            return error_set(err, ERR_CONFIG, "a quoted name is followed by something else");
    }
    if (out->len == 0)
        return error_set(err, ERR_CONFIG, "an empty name");
    *at = i;
    return true;
}

static bool
check_parameters(Text name, Error *err)
{
    for (size_t i = 0; i + 1 < name.len; i++) {
        Text rest = {name.data + i, name.len - i};

        if (!text_starts_with(rest, "%%"))
            continue;
        if (text_starts_with(rest, SCHEMA_PARAMETER))
            i += sizeof(SCHEMA_PARAMETER) - 2;
        else if (text_starts_with(rest, TABLE_PARAMETER))
            i += sizeof(TABLE_PARAMETER) - 2;
        else
            return error_set(err, ERR_CONFIG, "%s",
                "an unknown parameter: only " SCHEMA_PARAMETER " and " TABLE_PARAMETER
                " have a value here");
    }
    return true;
}

bool
table_name_split(Text text, Arena *arena, Text *ret_schema, Text *ret_name, Error *err)
{
    CLEANUP(buf_clear) Buf first = BUF_INIT;
    CLEANUP(buf_clear) Buf second = BUF_INIT;
    size_t at = 0;

    if (!read_name(text, &at, &first, err))
        return false;
    if (at == text.len) {
        buf_add(&second, first.data, first.len);
        buf_reset(&first, SIZE_MAX);
    } else {
        at++;
        if (!read_name(text, &at, &second, err))
            return false;
    }
    if (at < text.len)
        return error_set(
            err, ERR_CONFIG, "more than one dot: a name that holds a dot must stand in quotes");
    if (!check_parameters(buf_text(&first), err) || !check_parameters(buf_text(&second), err))
        return false;
    *ret_schema = arena_text(arena, buf_text(&first));
    *ret_name = arena_text(arena, buf_text(&second));
    return true;
}

Text
table_name_fill(Text part, Text schema, Text table, Arena *arena)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    for (size_t i = 0; i < part.len;) {
        Text rest = {part.data + i, part.len - i};

        if (text_starts_with(rest, SCHEMA_PARAMETER)) {
            buf_add_text(&out, schema);
            i += sizeof(SCHEMA_PARAMETER) - 1;
        } else if (text_starts_with(rest, TABLE_PARAMETER)) {
            buf_add_text(&out, table);
            i += sizeof(TABLE_PARAMETER) - 1;
        } else {
            buf_add_char(&out, part.data[i++]);
        }
    }
    return arena_text(arena, buf_text(&out));
}
