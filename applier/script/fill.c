#include "script/fill.h"

#include "script/merge_params.h"

/* A backslash before each of these. */
static void
add_shell_double(Text value, Buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        if (strchr("\\\"$`", value.data[i]) != NULL)
            buf_add_char(out, '\\');
        buf_add_char(out, value.data[i]);
    }
}

static void
add_shell_single(Text value, Buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '\'')
            buf_add_string(out, "'\\''");
        else
            buf_add_char(out, value.data[i]);
    }
}

static void
add_string(const ScriptPiece *piece, Text value, Buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];

        if (c == piece->quote || (piece->backslash && c == '\\'))
            buf_add_char(out, c);
        buf_add_char(out, c);
    }
}

static void
add_value(const ScriptPiece *piece, const ParamValue *value, Buf *out)
{
    switch (piece->context) {
    case CONTEXT_SQL:
        buf_add_text(out, value->sql);
        break;
    case CONTEXT_STRING:
    case CONTEXT_IDENTIFIER:
        add_string(piece, value->raw, out);
        break;
    case CONTEXT_SHELL:
        buf_add_char(out, '\'');
        add_shell_single(value->raw, out);
        buf_add_char(out, '\'');
        break;
    case CONTEXT_SHELL_SINGLE:
        add_shell_single(value->raw, out);
        break;
    case CONTEXT_SHELL_DOUBLE:
        add_shell_double(value->raw, out);
        break;
    }
}

/* Why a value cannot stand in this place, or NULL. */
static const char *
value_problem(const ScriptPiece *piece, const ParamValue *value)
{
    Text text = piece->context == CONTEXT_SQL ? value->sql : value->raw;

    /* the SQL form would leave it out */
    if (text_find(value->raw, '\0') < value->raw.len)
        return "holds a NUL byte";
    if (piece->in_dollar && text_find(text, '$') < text.len)
        return "holds a \"$\", which cannot stand inside dollar quotes";
    if (piece->context == CONTEXT_IDENTIFIER && piece->quote == '[' &&
        text_find(text, ']') < text.len)
        return "holds a \"]\", which cannot stand inside brackets";
    return NULL;
}

static bool
fill_piece(
    const Script *script, const ScriptPiece *piece, const MergeParams *params, Buf *out, Error *err)
{
    const ParamValue *value;
    const char *problem;

    if (piece->parameter.data == NULL) {
        buf_add_text(out, piece->text);
        return true;
    }
    value = merge_params_get(params, piece->parameter);
    problem = value == NULL ? "has no value here" : value_problem(piece, value);
    if (value == NULL || problem != NULL)
        return error_set(err, ERR_SCRIPT, "%s:%d:%d: %%%%" TEXT_FMT "%%%% %s", script->path,
            piece->line, piece->column, TEXT_ARG(piece->parameter), problem);
    add_value(piece, value, out);
    return true;
}

bool
script_fill(const Script *script, const ScriptStatement *statement, const MergeParams *params,
    Buf *out, Error *err)
{
    for (size_t i = 0; i < statement->piece_count; i++) {
        if (!fill_piece(script, &statement->pieces[i], params, out, err))
            return false;
    }
    return true;
}
