#include "target/sql_scanner.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static bool
is_tag(char c)
{
    return is_word(c) && c != '$';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_parameter_char(char c)
{
    return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/* 0 past the end, which no rule below takes for anything. */
static char
peek(const SqlScanner *scanner, size_t ahead)
{
    size_t at = scanner->at + ahead;

    if (at >= scanner->text.len)
        return '\0';
    return scanner->text.data[at];
}

size_t
sql_parameter_at(Text text, size_t at, Text *ret_name)
{
    size_t end = at + 2;

    if (text.len - at < 5 || text.data[at] != '%' || text.data[at + 1] != '%')
        return 0;
    while (end < text.len && is_parameter_char(text.data[end]))
        end++;
    if (end == at + 2 || text.len - end < 2 || text.data[end] != '%' || text.data[end + 1] != '%')
        return 0;
    *ret_name = (Text){text.data + at + 2, end - at - 2};
    return end + 2 - at;
}

void
sql_advance(Text text, int *line, int *column)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n') {
            *line += 1;
            *column = 1;
        } else if (((unsigned char)text.data[i] & 0xc0) != 0x80) {
            *column += 1;
        }
    }
}

void
sql_scanner_init(SqlScanner *scanner, const SqlDialect *dialect, Text text)
{
    *scanner = (SqlScanner){.dialect = dialect,
        .text = text,
        .line = 1,
        .column = 1,
        .line_is_blank = true,
        .last_word = TEXT("")};
}

static size_t
scan_line_comment(const SqlScanner *scanner)
{
    const SqlDialect *dialect = scanner->dialect;
    size_t len = 0;

    if (peek(scanner, 0) == '#' && dialect->hash_comments) {
        len = 1;
    } else if (peek(scanner, 0) == '-' && peek(scanner, 1) == '-') {
        /* past the end there is no character, which also begins a comment */
        bool at_end = scanner->at + 2 >= scanner->text.len;
        unsigned char next = (unsigned char)peek(scanner, 2);

        if (!dialect->dash_needs_space || at_end || next <= ' ' || next == 0x7f)
            len = 2;
    }
    if (len == 0)
        return 0;
    while (scanner->at + len < scanner->text.len && peek(scanner, len) != '\n')
        len++;
    return len;
}

static size_t
scan_block_comment(const SqlScanner *scanner, SqlToken *token)
{
    size_t left = scanner->text.len - scanner->at;
    size_t depth = 1;
    size_t len = 2;

    while (len < left && depth > 0) {
        if (peek(scanner, len) == '*' && peek(scanner, len + 1) == '/') {
            depth--;
            len += 2;
        } else if (scanner->dialect->nested_comments && peek(scanner, len) == '/' &&
                   peek(scanner, len + 1) == '*') {
            depth++;
            len += 2;
        } else {
            len++;
        }
    }
    token->open = depth > 0;
    return MIN(len, left);
}

/* "!", "!50100" or MariaDB's "M!" behind the comment's begin: the mark's length, 0 where it is
 * none. */
static size_t
scan_executable_mark(const SqlScanner *scanner)
{
    size_t len = peek(scanner, 2) == 'M' ? 3 : 2;

    if (!scanner->dialect->executable_comments || peek(scanner, len) != '!')
        return 0;
    len++;
    while (is_digit(peek(scanner, len)))
        len++;
    return len;
}

static size_t
scan_quoted(const SqlScanner *scanner, char close, bool backslash, SqlToken *token)
{
    size_t left = scanner->text.len - scanner->at;
    size_t len = 1;

    while (len < left) {
        char c = peek(scanner, len);

        bool doubled = close != ']' && peek(scanner, len + 1) == close;

        if (c == close && !doubled)
            return len + 1;
        /* a backslash and a quote take the next byte with them */
        len += c == close || (c == '\\' && backslash) ? 2 : 1;
    }
    token->open = true;
    return left;
}

static size_t
scan_string(const SqlScanner *scanner, SqlToken *token)
{
    const SqlDialect *dialect = scanner->dialect;
    bool escape = dialect->escape_strings && text_equal_nocase(scanner->last_word, TEXT("e"));
    /* in U&'…' a backslash means a code point, but never hides the quote */
    bool unicode = dialect->escape_strings && scanner->at >= 2 &&
                   (scanner->text.data[scanner->at - 2] | 0x20) == 'u' &&
                   scanner->text.data[scanner->at - 1] == '&';

    token->kind = SQL_STRING;
    token->quote = peek(scanner, 0);
    token->backslash = dialect->backslash_strings || escape || unicode;
    return scan_quoted(scanner, token->quote, dialect->backslash_strings || escape, token);
}

static size_t
scan_dollar(const SqlScanner *scanner, SqlToken *token)
{
    size_t left = scanner->text.len - scanner->at;
    const char *data = scanner->text.data + scanner->at;
    size_t tag = 1;
    const char *end;

    if (is_digit(peek(scanner, 1)))
        return 0;
    while (tag < left && is_tag(data[tag]))
        tag++;
    if (tag >= left || data[tag] != '$')
        return 0;
    tag++;
    token->kind = SQL_DOLLAR;
    token->tag = (Text){data, tag};
    end = memmem(data + tag, left - tag, data, tag);
    token->open = end == NULL;
    return end == NULL ? left : (size_t)(end - data) + tag;
}

static size_t
scan_quotes(SqlScanner *scanner, SqlToken *token)
{
    const SqlDialect *dialect = scanner->dialect;
    char c = peek(scanner, 0);

    if (c == '\'' || (c == '"' && dialect->double_quoted_strings))
        return scan_string(scanner, token);
    if (c == '$' && dialect->dollar_quotes)
        return scan_dollar(scanner, token);
    if (c == '"' || (c == '`' && dialect->backtick_identifiers) ||
        (c == '[' && dialect->bracket_identifiers)) {
        token->kind = SQL_IDENTIFIER;
        token->quote = c;
        if (c == '[')
            c = ']';
        return scan_quoted(scanner, c, false, token);
    }
    return 0;
}

static size_t
scan_comment(SqlScanner *scanner, SqlToken *token)
{
    size_t len = scan_line_comment(scanner);

    if (len > 0) {
        token->kind = SQL_LINE_COMMENT;
        return len;
    }
    if (scanner->in_executable && peek(scanner, 0) == '*' && peek(scanner, 1) == '/') {
        token->kind = SQL_SPACE;
        scanner->in_executable = false;
        return 2;
    }
    if (peek(scanner, 0) != '/' || peek(scanner, 1) != '*')
        return 0;
    len = scan_executable_mark(scanner);
    if (len > 0) {
        token->kind = SQL_SPACE;
        scanner->in_executable = true;
        return len;
    }
    token->kind = SQL_BLOCK_COMMENT;
    return scan_block_comment(scanner, token);
}

static size_t
scan_plain(const SqlScanner *scanner, SqlToken *token)
{
    size_t left = scanner->text.len - scanner->at;
    size_t len = 0;
    Text name;

    while (len < left && is_space(peek(scanner, len)))
        len++;
    if (len > 0) {
        token->kind = SQL_SPACE;
        return len;
    }
    while (len < left && is_word(peek(scanner, len)))
        len++;
    if (len > 0) {
        token->kind = SQL_WORD;
        return len;
    }
    len = sql_parameter_at(scanner->text, scanner->at, &name);
    if (len > 0) {
        token->kind = SQL_PARAMETER;
        return len;
    }
    token->kind = SQL_SYMBOL;
    return 1;
}

static void
take(SqlScanner *scanner, SqlToken *token)
{
    scanner->at += token->text.len;
    sql_advance(token->text, &scanner->line, &scanner->column);
    if (token->kind != SQL_SPACE)
        scanner->line_is_blank = false;
    else if (scanner->line != token->line)
        scanner->line_is_blank = true;
    scanner->last_word = token->kind == SQL_WORD ? token->text : TEXT("");
}

void
sql_scanner_next(SqlScanner *scanner, SqlToken *ret_token)
{
    SqlToken *token = ret_token;
    size_t len;

    *token = (SqlToken){.kind = SQL_END,
        .text = {scanner->text.data + scanner->at, 0},
        .starts_line = scanner->line_is_blank,
        .in_executable = scanner->in_executable,
        .line = scanner->line,
        .column = scanner->column};
    if (scanner->at >= scanner->text.len)
        return;
    len = scan_comment(scanner, token);
    if (len == 0)
        len = scan_quotes(scanner, token);
    if (len == 0)
        len = scan_plain(scanner, token);
    token->text.len = len;
    take(scanner, token);
}

Text
sql_scanner_take_line(SqlScanner *scanner, const SqlToken *token)
{
    const char *end;
    Text line = {token->text.data, 0};
    size_t start = (size_t)(token->text.data - scanner->text.data);

    end = memchr(token->text.data, '\n', scanner->text.len - start);
    line.len = end == NULL ? scanner->text.len - start : (size_t)(end - token->text.data);
    scanner->at = start + line.len;
    scanner->line = token->line;
    scanner->column = token->column;
    sql_advance(line, &scanner->line, &scanner->column);
    scanner->line_is_blank = false;
    scanner->last_word = TEXT("");
    return line;
}
