#include "script/statement.h"

/* How deep the statement being read is inside a body that has ";" of its own. */
typedef struct Body {
    bool is_create;   /* begins with CREATE */
    bool has_body;    /* … TRIGGER, PROCEDURE, FUNCTION, EVENT; or MariaDB's BEGIN NOT ATOMIC */
    bool after_begin; /* the last word was a BEGIN that may open */
    bool after_end;   /* the last word was END */
    bool skip_word;   /* a "." or "@" stands before the next word: a name, no keyword */
    size_t words;
    size_t depth;
    size_t parentheses;
} Body;

static bool
fail(const Splitter *splitter, int line, int column, Error *err, const char *reason)
{
    return error_set(err, ERR_SCRIPT, "%s:%d:%d: %s", splitter->path, line, column, reason);
}

static bool
word_is(Text word, const char *keyword)
{
    return text_equal_nocase(word, text_of(keyword));
}

static bool
word_in(Text word, const char *const *keywords)
{
    for (; *keywords != NULL; keywords++) {
        if (word_is(word, *keywords))
            return true;
    }
    return false;
}

/* What the word or symbol after BEGIN or END makes of it; word is empty for a symbol. */
static void
body_settle(Body *body, const SqlDialect *dialect, Text word)
{
    static const char *const flow[] = {"if", "loop", "while", "repeat", "for", NULL};

    if (body->after_begin) {
        if (!dialect->dollar_quotes || word_is(word, "atomic"))
            body->depth++;
        body->after_begin = false;
    }
    if (body->after_end) {
        if (body->depth > 0 && !word_in(word, flow))
            body->depth--;
        body->after_end = false;
    }
}

static void
body_word(Body *body, const SqlDialect *dialect, Text word)
{
    static const char *const objects[] = {"trigger", "procedure", "function", "event", NULL};
    bool after_end = body->after_end;

    body_settle(body, dialect, word);
    body->words++;
    if (body->words == 1)
        body->is_create = word_is(word, "create");
    if (body->is_create && word_in(word, objects))
        body->has_body = true;
    if (word_is(word, "begin"))
        body->after_begin = body->has_body;
    else if (word_is(word, "end"))
        body->after_end = body->depth > 0;
    else if (word_is(word, "case") && body->depth > 0 && !after_end)
        body->depth++;
}

/* BEGIN NOT ATOMIC … END as a statement of its own; only MySQL's family has it. */
static void
body_begin_not_atomic(Body *body, const SqlDialect *dialect, const SqlScanner *scanner)
{
    SqlScanner ahead = *scanner;
    SqlToken token;

    do
        sql_scanner_next(&ahead, &token);
    while (token.kind == SQL_SPACE);
    if (dialect->backslash_strings && token.kind == SQL_WORD && word_is(token.text, "not"))
        body->has_body = true;
}

static void
body_take(Body *body, const SqlScanner *scanner, const SqlToken *token)
{
    const SqlDialect *dialect = scanner->dialect;

    if (token->kind == SQL_SPACE || token->kind == SQL_LINE_COMMENT ||
        token->kind == SQL_BLOCK_COMMENT)
        return;
    if (token->kind == SQL_WORD && !body->skip_word) {
        if (body->words == 0 && word_is(token->text, "begin"))
            body_begin_not_atomic(body, dialect, scanner);
        body_word(body, dialect, token->text);
    } else {
        body_settle(body, dialect, TEXT(""));
    }
    body->skip_word =
        token->kind == SQL_SYMBOL && (token->text.data[0] == '.' || token->text.data[0] == '@');
    if (token->kind == SQL_SYMBOL && dialect->dollar_quotes) {
        if (token->text.data[0] == '(')
            body->parentheses++;
        else if (token->text.data[0] == ')' && body->parentheses > 0)
            body->parentheses--;
    }
}

static bool
is_symbol(const SqlToken *token, char symbol)
{
    return token->kind == SQL_SYMBOL && token->text.data[0] == symbol;
}

/* "-- @name …" alone on its line: the text from "@" on. */
static bool
directive_of(const SqlToken *token, Text *ret_text)
{
    Text text = token->text;

    if (token->kind != SQL_LINE_COMMENT || !token->starts_line || text.data[0] != '-')
        return false;
    text = text_trim((Text){text.data + 2, text.len - 2});
    if (text.len == 0 || text.data[0] != '@')
        return false;
    *ret_text = text;
    return true;
}

static bool
check_open(const Splitter *splitter, const SqlToken *token, Error *err)
{
    static const char *const reasons[] = {
        [SQL_STRING] = "this string does not end",
        [SQL_IDENTIFIER] = "this quoted identifier does not end",
        [SQL_DOLLAR] = "this dollar-quoted text does not end",
        [SQL_BLOCK_COMMENT] = "this comment does not end",
    };

    if (!token->open)
        return true;
    return fail(splitter, token->line, token->column, err, reasons[token->kind]);
}

static bool
is_command_mark(const SqlScanner *scanner, const SqlToken *token)
{
    return token->starts_line && is_symbol(token, '\\') && scanner->at < scanner->text.len &&
           scanner->text.data[scanner->at] == '!';
}

static bool
no_end(const Splitter *splitter, const SplitItem *item, Error *err)
{
    return fail(splitter, item->line, item->column, err, "this statement does not end with \";\"");
}

/* The rest of a statement whose first token is already taken. */
static bool
read_statement(Splitter *splitter, const SqlToken *first, SplitItem *item, Error *err)
{
    SqlScanner *scanner = &splitter->scanner;
    SqlToken token = *first;
    Body body = {false};
    Text directive;

    *item = (SplitItem){SPLIT_STATEMENT, first->text, first->line, first->column, 0};
    for (;;) {
        if (!check_open(splitter, &token, err))
            return false;
        if (token.kind == SQL_END || is_command_mark(scanner, &token) ||
            directive_of(&token, &directive))
            return no_end(splitter, item, err);
        body_take(&body, scanner, &token);
        if (is_symbol(&token, ';') && !token.in_executable && body.depth == 0 &&
            body.parentheses == 0)
            break;
        sql_scanner_next(scanner, &token);
    }
    item->text.len = (size_t)(token.text.data - item->text.data);
    item->text = text_trim(item->text);
    return true;
}

static bool
is_skipped(const SqlScanner *scanner, const SqlToken *token)
{
    switch (token->kind) {
    case SQL_SPACE:
        /* the mark of an executable comment begins a statement */
        return !(token->text.len > 2 && token->text.data[0] == '/');
    case SQL_LINE_COMMENT:
        return true;
    case SQL_BLOCK_COMMENT:
        return !(token->text.len > 2 && token->text.data[2] == '+');
    case SQL_SYMBOL:
        return token->text.data[0] == ';' && !scanner->in_executable;
    case SQL_END:
    case SQL_WORD:
    case SQL_STRING:
    case SQL_IDENTIFIER:
    case SQL_DOLLAR:
    case SQL_PARAMETER:
        break;
    }
    return false;
}

void
splitter_init(Splitter *splitter, const char *path, const SqlDialect *dialect, Text text)
{
    splitter->path = path;
    /* a byte order mark is no part of the text */
    if (text_starts_with(text, "\xef\xbb\xbf"))
        text = (Text){text.data + 3, text.len - 3};
    sql_scanner_init(&splitter->scanner, dialect, text);
}

bool
splitter_next(Splitter *splitter, SplitItem *ret_item, Error *err)
{
    SqlScanner *scanner = &splitter->scanner;
    SqlToken token;
    Text text;

    for (;;) {
        sql_scanner_next(scanner, &token);
        if (!check_open(splitter, &token, err))
            return false;
        if (directive_of(&token, &text)) {
            *ret_item = (SplitItem){SPLIT_DIRECTIVE, text, token.line,
                token.column + (int)(text.data - token.text.data), 0};
            return true;
        }
        if (!is_skipped(scanner, &token))
            break;
    }
    if (token.kind == SQL_END) {
        *ret_item = (SplitItem){SPLIT_END, token.text, token.line, token.column, 0};
        return true;
    }
    if (is_command_mark(scanner, &token)) {
        text = sql_scanner_take_line(scanner, &token);
        text = text_trim((Text){text.data + 2, text.len - 2});
        *ret_item = (SplitItem){
            SPLIT_COMMAND, text, token.line, token.column, (int)(text.data - token.text.data)};
        return true;
    }
    if (scanner->dialect->dot_commands && token.starts_line && is_symbol(&token, '.')) {
        text = sql_scanner_take_line(scanner, &token);
        *ret_item = (SplitItem){SPLIT_STATEMENT, text_trim(text), token.line, token.column, 0};
        return true;
    }
    return read_statement(splitter, &token, ret_item, err);
}

bool
sql_split(const char *path, Text text, const SqlDialect *dialect, Arena *arena,
    SplitItem **ret_items, size_t *ret_count, Error *err)
{
    SplitItem *items = NULL;
    size_t count = 0;
    size_t size = 0;
    Splitter splitter;
    SplitItem item;

    splitter_init(&splitter, path, dialect, text);
    for (;;) {
        if (!splitter_next(&splitter, &item, err))
            return false;
        if (item.kind == SPLIT_END)
            break;
        if (item.kind == SPLIT_DIRECTIVE)
            continue;
        if (item.kind == SPLIT_COMMAND)
            return fail(&splitter, item.line, item.column, err, "a command is not allowed here");
        if (count == size) {
            SplitItem *larger = ARENA_ARRAY(arena, SplitItem, 2 * size + 8);

            if (items != NULL)
                memcpy(larger, items, count * sizeof(*items));
            items = larger;
            size = 2 * size + 8;
        }
        items[count++] = item;
    }
    *ret_items = items;
    *ret_count = count;
    return true;
}
