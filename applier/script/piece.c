#include "script/piece.h"

static ScriptPiece *
piece_new(PieceList *list)
{
    ScriptPiece *piece;

    if (list->pieces == NULL || list->count == list->size) {
        size_t size = 2 * list->size + 8;
        ScriptPiece *larger = ARENA_ARRAY(list->arena, ScriptPiece, size);

        if (list->pieces != NULL)
            memcpy(larger, list->pieces, list->count * sizeof(*larger));
        list->pieces = larger;
        list->size = size;
    }
    piece = &list->pieces[list->count++];
    *piece = (ScriptPiece){.text = TEXT_NONE, .parameter = TEXT_NONE};
    return piece;
}

/* Literal text that follows literal text makes that longer. */
static void
add_literal(PieceList *list, Text text)
{
    ScriptPiece *last = list->count > 0 ? &list->pieces[list->count - 1] : NULL;

    if (text.len == 0)
        return;
    if (last != NULL && last->text.data != NULL && last->text.data + last->text.len == text.data) {
        last->text.len += text.len;
        return;
    }
    piece_new(list)->text = text;
}

static bool
refuse(const PieceList *list, const ScriptPiece *piece, const char *reason, Error *err)
{
    return error_set(err, ERR_SCRIPT, "%s:%d:%d: %%%%" TEXT_FMT "%%%% %s", list->path, piece->line,
        piece->column, TEXT_ARG(piece->parameter), reason);
}

/* Text inside quotes: like are its parameters, but for name and place. */
static void
add_quoted(PieceList *list, Text text, const ScriptPiece *like)
{
    int line = like->line;
    int column = like->column;
    size_t from = 0;
    size_t at = 0;

    while (at < text.len) {
        Text name;
        size_t len = sql_parameter_at(text, at, &name);
        ScriptPiece *piece;

        if (len == 0) {
            at++;
            continue;
        }
        add_literal(list, (Text){text.data + from, at - from});
        sql_advance((Text){text.data + from, at - from}, &line, &column);
        piece = piece_new(list);
        *piece = *like;
        piece->parameter = name;
        piece->line = line;
        piece->column = column;
        sql_advance((Text){text.data + at, len}, &line, &column);
        at += len;
        from = at;
    }
    add_literal(list, (Text){text.data + from, text.len - from});
}

static bool add_sql(PieceList *list, Text sql, int line, int column, bool in_dollar, Error *err)
    MUST_CHECK;

static bool
add_dollar(PieceList *list, const SqlToken *token, int line, int column, Error *err)
{
    size_t tag = token->tag.len;
    Text body = {token->text.data + tag, token->text.len - 2 * tag};
    int body_line = line;
    int body_column = column;

    sql_advance(token->tag, &body_line, &body_column);
    add_literal(list, token->tag);
    if (!add_sql(list, body, body_line, body_column, true, err))
        return false;
    add_literal(list, (Text){body.data + body.len, tag});
    return true;
}

/* A word before it would change what its first quote means: E'…', U&'…'. */
static bool
add_bare(PieceList *list, const SqlToken *token, SqlTokenKind before, const ScriptPiece *like,
    Error *err)
{
    ScriptPiece *piece = piece_new(list);

    *piece = *like;
    piece->context = CONTEXT_SQL;
    (void)sql_parameter_at(token->text, 0, &piece->parameter);
    if (before == SQL_WORD)
        return refuse(list, piece, "stands directly behind a word: put a space between them", err);
    return true;
}

static bool
has_parameter(Text text)
{
    Text name;

    for (size_t at = 0; at < text.len; at++) {
        if (sql_parameter_at(text, at, &name) > 0)
            return true;
    }
    return false;
}

static bool
add_token(
    PieceList *list, const SqlToken *token, SqlTokenKind before, const ScriptPiece *at, Error *err)
{
    ScriptPiece like = *at;

    like.quote = token->quote;
    like.backslash = token->backslash;
    switch (token->kind) {
    case SQL_PARAMETER:
        return add_bare(list, token, before, &like, err);
    case SQL_STRING:
    case SQL_IDENTIFIER:
        /* only inside dollar quotes: elsewhere the splitter has refused it */
        if (token->open && has_parameter(token->text))
            return error_set(err, ERR_SCRIPT,
                "%s:%d:%d: the quote that begins here does not end, "
                "and a parameter follows it",
                list->path, at->line, at->column);
        like.context = token->kind == SQL_STRING ? CONTEXT_STRING : CONTEXT_IDENTIFIER;
        add_quoted(list, token->text, &like);
        return true;
    case SQL_DOLLAR:
        if (token->open) {
            add_literal(list, token->text);
            return true;
        }
        return add_dollar(list, token, at->line, at->column, err);
    case SQL_END:
    case SQL_SPACE:
    case SQL_WORD:
    case SQL_SYMBOL:
    case SQL_LINE_COMMENT:
    case SQL_BLOCK_COMMENT:
        break;
    }
    add_literal(list, token->text);
    return true;
}

static bool
add_sql(PieceList *list, Text sql, int line, int column, bool in_dollar, Error *err)
{
    SqlTokenKind before = SQL_SPACE;
    SqlScanner scanner;
    SqlToken token;

    sql_scanner_init(&scanner, list->dialect, sql);
    for (sql_scanner_next(&scanner, &token); token.kind != SQL_END;
         sql_scanner_next(&scanner, &token)) {
        ScriptPiece at = {.line = line + token.line - 1, .in_dollar = in_dollar};

        at.column = token.line == 1 ? column + token.column - 1 : token.column;
        if (!add_token(list, &token, before, &at, err))
            return false;
        before = token.kind;
        /* U&'…' and U&"…" */
        if (token.kind == SQL_SYMBOL && token.text.data[0] == '&')
            before = SQL_WORD;
    }
    return true;
}

bool
pieces_add_sql(PieceList *list, Text sql, int line, int column, Error *err)
{
    return add_sql(list, sql, line, column, false, err);
}

/* ---- commands ---- */

typedef struct ShellState {
    Text command;
    size_t at;
    PieceContext context;
    bool expansion; /* $( ${ $' $" << or a backquote came: what follows may be read in ways that
                       this file does not follow */
} ShellState;

static char
shell_peek(const ShellState *state, size_t ahead)
{
    size_t at = state->at + ahead;

    if (at >= state->command.len)
        return '\0';
    return state->command.data[at];
}

static bool
shell_begins_word(const ShellState *state)
{
    return state->at == 0 || strchr(" \t;&|()", state->command.data[state->at - 1]) != NULL;
}

/* What one byte does to the state; how many bytes to take, 0 where a comment begins. */
static size_t
shell_step(ShellState *state)
{
    char c = shell_peek(state, 0);
    char next = shell_peek(state, 1);
    bool single = state->context == CONTEXT_SHELL_SINGLE;

    if (single) {
        if (c == '\'')
            state->context = CONTEXT_SHELL;
        return 1;
    }
    if (c == '\\')
        return state->at + 1 < state->command.len ? 2 : 1;
    if (c == '`' || (c == '$' && next != '\0' && strchr("({'\"[", next) != NULL) ||
        (c == '<' && next == '<'))
        state->expansion = true;
    if (c == '"')
        state->context = state->context == CONTEXT_SHELL ? CONTEXT_SHELL_DOUBLE : CONTEXT_SHELL;
    else if (c == '\'' && state->context == CONTEXT_SHELL)
        state->context = CONTEXT_SHELL_SINGLE;
    else if (c == '#' && state->context == CONTEXT_SHELL && shell_begins_word(state))
        return 0;
    return 1;
}

static bool
shell_check(const PieceList *list, const ShellState *state, const ScriptPiece *piece, Error *err)
{
    Text before = {state->command.data, state->at};

    if (state->expansion)
        return refuse(list, piece,
            "stands behind $(…), ${…}, backquotes, $'…' or <<: assign it to a shell variable "
            "before them, and use that",
            err);
    if (state->context != CONTEXT_SHELL_SINGLE &&
        (text_ends_with(before, "$") || text_ends_with(before, "\\")))
        return refuse(list, piece, "stands directly behind \"$\" or \"\\\"", err);
    return true;
}

bool
pieces_add_command(PieceList *list, Text command, int line, int column, Error *err)
{
    ShellState state = {.command = command, .context = CONTEXT_SHELL};

    while (state.at < command.len) {
        Text name;
        size_t len = sql_parameter_at(command, state.at, &name);
        Text taken;

        if (len > 0) {
            ScriptPiece *piece = piece_new(list);

            *piece = (ScriptPiece){
                .parameter = name, .context = state.context, .line = line, .column = column};
            if (!shell_check(list, &state, piece, err))
                return false;
        } else {
            len = shell_step(&state);
            if (len == 0)
                break;
            /* an escaped parameter is refused above, by what stands before it */
            if (len == 2 && sql_parameter_at(command, state.at + 1, &name) > 0)
                len = 1;
            add_literal(list, (Text){command.data + state.at, len});
        }
        taken = (Text){command.data + state.at, len};
        sql_advance(taken, &line, &column);
        state.at += len;
    }
    if (state.context == CONTEXT_SHELL)
        return true;
    return error_set(err, ERR_SCRIPT, "%s:%d:%d: a quote in this command does not end", list->path,
        line, column);
}
