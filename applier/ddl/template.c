#include "ddl/template.h"

#include <string.h>

#include "base/file.h"
#include "script/statement.h"

#define TEMPLATE_LIMIT (1 << 20)

typedef struct Filler {
    const char *path;
    const SqlDialect *dialect;
    const TemplateParams *params;
    Buf *out;
} Filler;

static bool
fill_parameter(const Filler *filler, Text token, int line, int column, Error *err)
{
    Text name = {token.data + 2, token.len - 4};

    for (size_t i = 0; i < filler->params->count; i++) {
        const TemplateParam *param = &filler->params->items[i];

        if (!text_is(name, param->name))
            continue;
        if (param->missing != NULL)
            return error_set(err, ERR_CONFIG, "%s:%d:%d: " TEXT_FMT " has no value: %s",
                filler->path, line, column, TEXT_ARG(token), param->missing);
        buf_add_text(filler->out, param->sql);
        return true;
    }
    return error_set(err, ERR_SCRIPT, "%s:%d:%d: unknown parameter " TEXT_FMT, filler->path, line,
        column, TEXT_ARG(token));
}

/* Where in a quoted token a parameter begins; its length, or 0. */
static bool
holds_parameter(Text text)
{
    Text name;

    for (size_t at = 0; at < text.len; at++)
        if (sql_parameter_at(text, at, &name) > 0)
            return true;
    return false;
}

/* Lines between that a condition took out leave none behind. */
static void
add_space(Text space, Buf *out)
{
    size_t first = text_find(space, '\n');
    size_t last = space.len;

    while (last > 0 && space.data[last - 1] != '\n')
        last--;
    buf_add(out, space.data, MIN(first + 1, space.len));
    if (first < space.len && last < space.len)
        buf_add(out, space.data + last, space.len - last);
}

static bool
fill_words(const Filler *filler, const SqlToken *token, int line, int column, Error *err)
{
    const TemplateParams *params = filler->params;

    if (params->no_key != NULL && magic_words_ask_key(token))
        return error_set(err, ERR_CONFIG, "%s:%d:%d: _PKEY has no value: %s", filler->path, line,
            column, params->no_key);
    magic_words_add(token, filler->dialect, params->words, filler->out);
    return true;
}

static bool
fill_token(const Filler *filler, const SqlToken *token, int line, int column, Error *err)
{
    if (token->kind == SQL_PARAMETER)
        return fill_parameter(filler, token->text, line, column, err);
    if ((token->kind == SQL_STRING || token->kind == SQL_IDENTIFIER || token->kind == SQL_DOLLAR) &&
        holds_parameter(token->text))
        return error_set(err, ERR_SCRIPT,
            "%s:%d:%d: a parameter of a template cannot stand inside quotes: " TEXT_FMT,
            filler->path, line, column, TEXT_ARG(token->text));
    if (token->kind == SQL_SPACE)
        add_space(token->text, filler->out);
    else if (filler->params->words != NULL)
        return fill_words(filler, token, line, column, err);
    else
        buf_add_text(filler->out, token->text);
    return true;
}

static bool
fill_item(const Filler *filler, const SplitItem *item, Error *err)
{
    SqlScanner scanner;
    SqlToken token;

    sql_scanner_init(&scanner, filler->dialect, item->text);
    for (;;) {
        int line, column;

        sql_scanner_next(&scanner, &token);
        if (token.kind == SQL_END)
            return true;
        /* the scanner counts from the statement's beginning */
        line = item->line + token.line - 1;
        column = token.line == 1 ? item->column + token.column - 1 : token.column;
        if (!fill_token(filler, &token, line, column, err))
            return false;
    }
}

/* ---- conditions ---- */

static Text
take_line(Text *text)
{
    size_t end = text_find(*text, '\n');
    Text line = {text->data, MIN(end + 1, text->len)};

    text->data += line.len;
    text->len -= line.len;
    return line;
}

/* "-- @if key", "-- @if not key": *ret_counts tells whether the lines below it count. */
static bool
read_condition(const char *path, Text words, int line, const TemplateParams *params,
    bool *ret_counts, Error *err)
{
    Text name = text_trim(words);
    bool is_not = text_starts_with(name, "not ");

    if (is_not)
        name = text_trim((Text){name.data + 4, name.len - 4});
    for (size_t i = 0; i < params->flag_count; i++)
        if (text_is(name, params->flags[i].name)) {
            *ret_counts = params->flags[i].is_set != is_not;
            return true;
        }
    return error_set(
        err, ERR_SCRIPT, "%s:%d:1: unknown condition \"" TEXT_FMT "\"", path, line, TEXT_ARG(name));
}

/* Lines that do not count become empty ones, so that the others keep their numbers. */
static bool
apply_conditions(const char *path, Text text, const TemplateParams *params, Buf *out, Error *err)
{
    static const char begin[] = "-- @if ";
    bool counts = true;
    bool inside = false;
    int opened = 0;

    for (int line = 1; text.len > 0; line++) {
        Text full = take_line(&text);
        Text trimmed = text_trim(full);
        bool is_end = text_is(trimmed, "-- @end");

        if (text_starts_with(trimmed, begin) && !inside) {
            Text words = {trimmed.data + strlen(begin), trimmed.len - strlen(begin)};

            if (!read_condition(path, words, line, params, &counts, err))
                return false;
            inside = true;
            opened = line;
        } else if (text_starts_with(trimmed, begin) || (is_end && !inside)) {
            return error_set(err, ERR_SCRIPT, "%s:%d:1: %s", path, line,
                is_end ? "@end without @if" : "@if within @if");
        } else if (is_end) {
            inside = false;
            counts = true;
        } else if (counts) {
            buf_add_text(out, full);
            continue;
        }
        buf_add_char(out, '\n');
    }
    if (inside)
        return error_set(err, ERR_SCRIPT, "%s:%d:1: @if without @end", path, opened);
    return true;
}

bool
template_fill(const char *path, Text text, const SqlDialect *dialect, const TemplateParams *params,
    Arena *arena, TemplateStatements *ret_statements, Error *err)
{
    SplitItem *items;
    size_t count;
    CLEANUP(buf_clear) Buf lines = BUF_INIT;
    TemplateStatements statements;

    if (!apply_conditions(path, text, params, &lines, err) ||
        !sql_split(path, arena_text(arena, buf_text(&lines)), dialect, arena, &items, &count, err))
        return false;
    if (count == 0 && !params->may_be_empty)
        return error_set(err, ERR_SCRIPT, "%s:1:1: no statement", path);
    statements = (TemplateStatements){
        ARENA_ARRAY(arena, Text, count + 1), count, ARENA_ARRAY(arena, int, count + 1)};
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) Buf out = BUF_INIT;
        Filler filler = {path, dialect, params, &out};

        if (!fill_item(&filler, &items[i], err))
            return false;
        statements.items[i] = arena_text(arena, buf_text(&out));
        statements.lines[i] = items[i].line;
    }
    *ret_statements = statements;
    return true;
}

bool
template_load(const char *path, const SqlDialect *dialect, const TemplateParams *params,
    Arena *arena, TemplateStatements *ret_statements, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    return file_read_all(path, TEMPLATE_LIMIT, &text, err) &&
           template_fill(path, arena_text(arena, buf_text(&text)), dialect, params, arena,
               ret_statements, err);
}
