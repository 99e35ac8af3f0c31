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

    for (size_t i = 0; i < filler->params->count; i++)
        if (text_is(name, filler->params->items[i].name)) {
            buf_add_text(filler->out, filler->params->items[i].sql);
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

bool
template_fill(const char *path, Text text, const SqlDialect *dialect, const TemplateParams *params,
    Arena *arena, TemplateStatements *ret_statements, Error *err)
{
    SplitItem *items;
    size_t count;
    TemplateStatements statements;

    if (!sql_split(path, text, dialect, arena, &items, &count, err))
        return false;
    if (count == 0)
        return error_set(err, ERR_SCRIPT, "%s:1:1: no statement", path);
    statements = (TemplateStatements){ARENA_ARRAY(arena, Text, count), count};
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) Buf out = BUF_INIT;
        Filler filler = {path, dialect, params, &out};

        if (!fill_item(&filler, &items[i], err))
            return false;
        statements.items[i] = arena_text(arena, buf_text(&out));
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
