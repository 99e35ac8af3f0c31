#include "source/binlog/statement_lexer.h"

#include <ctype.h>

static bool
is_word_byte(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 0x80 || isalnum(byte) != 0 || byte == '_' || byte == '$';
}

/* The byte so far ahead; NUL behind the end. */
static char
peek(const StatementLexer *lexer, size_t ahead)
{
    if (ahead >= lexer->sql.len - lexer->at)
        return '\0';
    return lexer->sql.data[lexer->at + ahead];
}

static void
pass(StatementLexer *lexer, size_t len)
{
    lexer->at += MIN(len, lexer->sql.len - lexer->at);
}

static void
pass_line(StatementLexer *lexer)
{
    while (lexer->at < lexer->sql.len && lexer->sql.data[lexer->at] != '\n')
        lexer->at++;
}

static void
pass_comment(StatementLexer *lexer)
{
    pass(lexer, 2);
    while (lexer->at < lexer->sql.len && !(peek(lexer, 0) == '*' && peek(lexer, 1) == '/'))
        lexer->at++;
    pass(lexer, 2);
}

/* At a comment's beginning. */
static void
enter_comment(StatementLexer *lexer)
{
    size_t mark = peek(lexer, 2) == '!'                            ? 3
                  : peek(lexer, 2) == 'M' && peek(lexer, 3) == '!' ? 4
                                                                   : 0;
    unsigned version = 0;
    size_t digits = 0;

    while (mark > 0 && digits < 6 && isdigit((unsigned char)peek(lexer, mark + digits))) {
        version = version * 10 + (unsigned)(peek(lexer, mark + digits) - '0');
        digits++;
    }
    if (mark == 0 || version == 99999 || version == 999999) {
        pass_comment(lexer);
        return;
    }
    /* a version has five digits or six; less of them are text */
    pass(lexer, mark + (digits >= 5 ? digits : 0));
    lexer->executed++;
}

/* False: a token begins, or the text ends. */
static bool
pass_space(StatementLexer *lexer)
{
    char c = peek(lexer, 0);
    char next = peek(lexer, 1);

    if (lexer->at >= lexer->sql.len)
        return false;
    if (isspace((unsigned char)c) || c == '\0')
        lexer->at++;
    else if (c == '#' || (c == '-' && next == '-' && (unsigned char)peek(lexer, 2) <= ' '))
        pass_line(lexer);
    else if (c == '/' && next == '*')
        enter_comment(lexer);
    else if (c == '*' && next == '/' && lexer->executed > 0) {
        pass(lexer, 2);
        lexer->executed--;
    } else {
        return false;
    }
    return true;
}

static void
read_quoted(StatementLexer *lexer, StatementToken *token)
{
    char quote = peek(lexer, 0);
    size_t begin = ++lexer->at;
    bool is_string = token->kind == STATEMENT_TOKEN_STRING;

    token->quote = quote;
    while (lexer->at < lexer->sql.len) {
        char c = peek(lexer, 0);

        if (c == quote && peek(lexer, 1) != quote)
            break;
        /* a doubled quote, or an escaped byte */
        pass(lexer, c == quote || (is_string && c == '\\') ? 2 : 1);
    }
    token->text = (Text){lexer->sql.data + begin, lexer->at - begin};
    pass(lexer, 1);
}

StatementToken
statement_lexer_next(StatementLexer *lexer)
{
    StatementToken token = {STATEMENT_TOKEN_END, TEXT(""), '\0', 0, 0};
    char c;

    while (pass_space(lexer))
        continue;
    token.begin = lexer->at;
    token.end = lexer->at;
    if (lexer->at >= lexer->sql.len)
        return token;
    c = peek(lexer, 0);
    if (c == '`' || (c == '"' && lexer->ansi_quotes)) {
        token.kind = STATEMENT_TOKEN_NAME;
        read_quoted(lexer, &token);
    } else if (c == '\'' || c == '"') {
        token.kind = STATEMENT_TOKEN_STRING;
        read_quoted(lexer, &token);
    } else if (is_word_byte(c)) {
        token.kind = STATEMENT_TOKEN_WORD;
        while (lexer->at < lexer->sql.len && is_word_byte(peek(lexer, 0)))
            lexer->at++;
        token.text = (Text){lexer->sql.data + token.begin, lexer->at - token.begin};
    } else {
        token.kind = STATEMENT_TOKEN_SIGN;
        token.text = (Text){lexer->sql.data + lexer->at++, 1};
    }
    token.end = lexer->at;
    return token;
}

void
statement_token_add_name(const StatementToken *token, Buf *out)
{
    for (size_t i = 0; i < token->text.len; i++) {
        char c = token->text.data[i];

        buf_add_char(out, c);
        if (c == token->quote && i + 1 < token->text.len && token->text.data[i + 1] == c)
            i++;
    }
}

bool
statement_token_is(const StatementToken *token, const char *word)
{
    return token->kind == STATEMENT_TOKEN_WORD && text_equal_nocase(token->text, text_of(word));
}

bool
statement_token_is_sign(const StatementToken *token, char sign)
{
    return token->kind == STATEMENT_TOKEN_SIGN && token->text.data[0] == sign;
}
