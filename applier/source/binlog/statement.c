#include "source/binlog/statement.h"

#include <ctype.h>

#include "source/binlog/statement_lexer.h"

/* Bytes of Statement.words at most. */
#define WORDS_MAX 60

/* A statement, and the token that is looked at. */
typedef struct Parse {
    StatementLexer lexer;
    StatementToken token;
    Statement *statement;
} Parse;

static void
next(Parse *parse)
{
    parse->token = statement_lexer_next(&parse->lexer);
}

static bool
is(const Parse *parse, const char *word)
{
    return statement_token_is(&parse->token, word);
}

static bool
is_sign(const Parse *parse, char sign)
{
    return statement_token_is_sign(&parse->token, sign);
}

static bool
is_end(const Parse *parse)
{
    return parse->token.kind == STATEMENT_TOKEN_END;
}

static bool
accept(Parse *parse, const char *word)
{
    if (!is(parse, word))
        return false;
    next(parse);
    return true;
}

static bool
accept_sign(Parse *parse, char sign)
{
    if (!is_sign(parse, sign))
        return false;
    next(parse);
    return true;
}

static bool
is_one_of(const Parse *parse, const char *const words[])
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (is(parse, words[i]))
            return true;
    return false;
}

static void
pass_if_exists(Parse *parse)
{
    if (accept(parse, "IF")) {
        (void)accept(parse, "NOT");
        (void)accept(parse, "EXISTS");
    }
}

static bool
is_name(const Parse *parse)
{
    return parse->token.kind == STATEMENT_TOKEN_WORD || parse->token.kind == STATEMENT_TOKEN_NAME;
}

/* "table", "schema.table" */
static void
read_table(Parse *parse)
{
    Statement *statement = parse->statement;

    (void)accept_sign(parse, '.');
    if (!is_name(parse))
        return;
    statement_token_add_name(&parse->token, &statement->table);
    next(parse);
    if (!accept_sign(parse, '.') || !is_name(parse))
        return;
    buf_clear(&statement->schema);
    statement->schema = statement->table;
    statement->table = BUF_INIT;
    statement_token_add_name(&parse->token, &statement->table);
    next(parse);
}

static void
read_schema(Parse *parse)
{
    if (!is_name(parse))
        return;
    statement_token_add_name(&parse->token, &parse->statement->schema);
    next(parse);
}

/* "DEFINER = user@host", "DEFINER = CURRENT_USER()" */
static void
pass_definer(Parse *parse)
{
    (void)accept_sign(parse, '=');
    next(parse);
    if (accept_sign(parse, '('))
        (void)accept_sign(parse, ')');
    if (!accept_sign(parse, '@'))
        return;
    next(parse);
    while (accept_sign(parse, '.'))
        next(parse);
}

/* What may stand between CREATE, ALTER or DROP and the kind of the object. */
typedef struct Manner {
    bool is_temporary;
    bool is_replace;
    bool is_ignore;
} Manner;

static Manner
pass_manner(Parse *parse)
{
    static const char *const plain[] = {"OR", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR", "ONLINE",
        "OFFLINE", "AGGREGATE", "UNDO", "JSON", "RELATIONAL", "DUALITY", "MATERIALIZED", "EXTERNAL",
        NULL};
    Manner manner = {0};

    for (;;) {
        if (accept(parse, "TEMPORARY")) {
            manner.is_temporary = true;
        } else if (accept(parse, "REPLACE")) {
            manner.is_replace = true;
        } else if (accept(parse, "IGNORE")) {
            manner.is_ignore = true;
        } else if (accept(parse, "DEFINER")) {
            pass_definer(parse);
        } else if (accept(parse, "ALGORITHM")) {
            (void)accept_sign(parse, '=');
            next(parse);
        } else if (accept(parse, "SQL")) {
            (void)accept(parse, "SECURITY");
            next(parse);
        } else if (is_one_of(parse, plain)) {
            next(parse);
        } else {
            return manner;
        }
    }
}

/* Objects that have neither rows nor columns of tables. */
static bool
is_other_object(const Parse *parse)
{
    static const char *const objects[] = {"VIEW", "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT",
        "USER", "ROLE", "SERVER", "TABLESPACE", "LOGFILE", "PACKAGE", "LIBRARY", "RESOURCE",
        "REFERENCE", "PREPARE", "INSTANCE", NULL};

    return is_one_of(parse, objects);
}

/* Is there a SELECT, or a table or values instead? A name of a column that is one of these words
 * would be quoted. */
static bool
has_query(Parse *parse)
{
    unsigned depth = 0;

    for (; !is_end(parse); next(parse)) {
        if (is_sign(parse, '('))
            depth++;
        else if (is_sign(parse, ')') && depth > 0)
            depth--;
        else if (is(parse, "SELECT") || (depth == 0 && (is(parse, "TABLE") || is(parse, "VALUES"))))
            return true;
    }
    return false;
}

static StatementKind
read_create_table(Parse *parse, Manner manner)
{
    pass_if_exists(parse);
    read_table(parse);
    if (manner.is_temporary)
        return STATEMENT_OTHER;
    parse->statement->replaces = manner.is_replace;
    return has_query(parse) ? STATEMENT_DDL_ROWS : STATEMENT_DDL;
}

/* "[IF EXISTS] name … ON table" */
static StatementKind
read_index(Parse *parse)
{
    pass_if_exists(parse);
    if (is_name(parse)) /* the index, which may be called ON when it is quoted */
        next(parse);
    while (!is_end(parse) && !is(parse, "ON"))
        next(parse);
    next(parse);
    read_table(parse);
    return STATEMENT_DDL;
}

static StatementKind
read_create(Parse *parse)
{
    Manner manner = pass_manner(parse);

    if (accept(parse, "TABLE"))
        return read_create_table(parse, manner);
    if (accept(parse, "SEQUENCE")) {
        pass_if_exists(parse);
        read_table(parse);
        parse->statement->replaces = manner.is_replace;
        return manner.is_temporary ? STATEMENT_OTHER : STATEMENT_DDL;
    }
    if (accept(parse, "DATABASE") || accept(parse, "SCHEMA")) {
        pass_if_exists(parse);
        read_schema(parse);
        /* what the old one had is gone */
        parse->statement->drops = manner.is_replace;
        return STATEMENT_DDL;
    }
    if (accept(parse, "INDEX"))
        return read_index(parse);
    /* a kind of object that is new: to look at the shapes again does no harm */
    return is_other_object(parse) ? STATEMENT_OTHER : STATEMENT_DDL;
}

/* Two words of an ALTER TABLE by which rows come or go. */
static bool
moves_rows(const StatementToken *word, const StatementToken *behind)
{
    static const char *const pairs[][2] = {
        {"DROP", "PARTITION"},
        {"TRUNCATE", "PARTITION"},
        {"EXCHANGE", "PARTITION"},
        {"CONVERT", "PARTITION"},
        {"CONVERT", "TABLE"},
        {"DISCARD", "PARTITION"},
        {"DISCARD", "TABLESPACE"},
        {"IMPORT", "PARTITION"},
        {"IMPORT", "TABLESPACE"},
    };

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (statement_token_is(word, pairs[i][0]) && statement_token_is(behind, pairs[i][1]))
            return true;
    return false;
}

static StatementKind
read_alter_table(Parse *parse, Manner manner)
{
    pass_if_exists(parse);
    read_table(parse);
    /* rows that break a new unique key are removed */
    if (manner.is_ignore)
        return STATEMENT_DDL_ROWS;
    while (!is_end(parse)) {
        StatementToken word = parse->token;

        next(parse);
        if (moves_rows(&word, &parse->token))
            return STATEMENT_DDL_ROWS;
    }
    return STATEMENT_DDL;
}

static StatementKind
read_alter(Parse *parse)
{
    Manner manner = pass_manner(parse);

    if (accept(parse, "TABLE"))
        return read_alter_table(parse, manner);
    if (accept(parse, "SEQUENCE")) {
        pass_if_exists(parse);
        read_table(parse);
        return STATEMENT_DDL;
    }
    if (accept(parse, "DATABASE") || accept(parse, "SCHEMA")) {
        read_schema(parse);
        return STATEMENT_DDL;
    }
    return is_other_object(parse) ? STATEMENT_OTHER : STATEMENT_DDL;
}

static StatementKind
read_drop(Parse *parse)
{
    Manner manner = pass_manner(parse);
    bool is_schema = is(parse, "DATABASE") || is(parse, "SCHEMA");

    if (is(parse, "INDEX")) {
        next(parse);
        return read_index(parse);
    }
    if (!is_schema && !is(parse, "TABLE") && !is(parse, "TABLES") && !is(parse, "SEQUENCE"))
        return is_other_object(parse) ? STATEMENT_OTHER : STATEMENT_DDL;
    next(parse);
    pass_if_exists(parse);
    if (is_schema)
        read_schema(parse);
    else
        read_table(parse);
    parse->statement->drops = !manner.is_temporary;
    return manner.is_temporary ? STATEMENT_OTHER : STATEMENT_DDL;
}

static StatementKind
read_rename(Parse *parse)
{
    if (!accept(parse, "TABLE") && !accept(parse, "TABLES"))
        return STATEMENT_OTHER;
    pass_if_exists(parse);
    read_table(parse);
    return STATEMENT_DDL;
}

static StatementKind
read_truncate(Parse *parse)
{
    (void)accept(parse, "TABLE");
    read_table(parse);
    return STATEMENT_TRUNCATE;
}

/* What a server writes for a table in memory that it found empty: both names quoted, and nothing
 * behind them. */
static StatementKind
read_delete(Parse *parse)
{
    StatementLexer ahead = parse->lexer;
    StatementToken schema = statement_lexer_next(&ahead);
    StatementToken dot = statement_lexer_next(&ahead);
    StatementToken table = statement_lexer_next(&ahead);
    StatementToken end = statement_lexer_next(&ahead);

    if (!is(parse, "FROM") || schema.kind != STATEMENT_TOKEN_NAME ||
        !statement_token_is_sign(&dot, '.') || table.kind != STATEMENT_TOKEN_NAME ||
        end.kind != STATEMENT_TOKEN_END)
        return STATEMENT_ROWS;
    next(parse);
    read_table(parse);
    return STATEMENT_TRUNCATE;
}

/* Up to the end, or the words behind the name. */
static void
read_xid(Parse *parse)
{
    static const char *const behind[] = {"ONE", "JOIN", "RESUME", "SUSPEND", "CONVERT", NULL};
    size_t begin = parse->token.begin;
    size_t end = begin;

    for (; !is_end(parse) && !is_one_of(parse, behind) && !is_sign(parse, ';'); next(parse))
        end = parse->token.end;
    parse->statement->xid = (Text){parse->lexer.sql.data + begin, end - begin};
    parse->statement->one_phase = is(parse, "ONE");
}

static StatementKind
read_xa(Parse *parse)
{
    static const struct {
        const char *word;
        StatementKind kind;
    } verbs[] = {
        {"START", STATEMENT_XA_START},
        {"BEGIN", STATEMENT_XA_START},
        {"END", STATEMENT_XA_END},
        {"PREPARE", STATEMENT_XA_PREPARE},
        {"COMMIT", STATEMENT_XA_COMMIT},
        {"ROLLBACK", STATEMENT_XA_ROLLBACK},
    };

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (accept(parse, verbs[i].word)) {
            read_xid(parse);
            return verbs[i].kind;
        }
    return STATEMENT_OTHER;
}

static StatementKind
read_rollback(Parse *parse)
{
    (void)accept(parse, "WORK");
    return is(parse, "TO") ? STATEMENT_SAVEPOINT : STATEMENT_ROLLBACK;
}

/* BEGIN NOT ATOMIC … END is a block of statements, not a transaction. */
static StatementKind
read_begin(Parse *parse)
{
    (void)accept(parse, "WORK");
    return is_end(parse) || is_sign(parse, ';') ? STATEMENT_BEGIN : STATEMENT_ROWS;
}

static StatementKind
read_start(Parse *parse)
{
    return is(parse, "TRANSACTION") ? STATEMENT_BEGIN : STATEMENT_OTHER;
}

/* ANALYZE TABLE; MariaDB's ANALYZE before a statement runs it. */
static StatementKind
read_analyze(Parse *parse)
{
    if (is(parse, "LOCAL") || is(parse, "NO_WRITE_TO_BINLOG"))
        next(parse);
    return is(parse, "TABLE") || is(parse, "TABLES") ? STATEMENT_OTHER : STATEMENT_ROWS;
}

/* LOAD INDEX INTO CACHE */
static StatementKind
read_load(Parse *parse)
{
    return is(parse, "INDEX") ? STATEMENT_OTHER : STATEMENT_ROWS;
}

static StatementKind
read_commit(Parse *parse)
{
    (void)parse;
    return STATEMENT_COMMIT;
}

static StatementKind
read_savepoint(Parse *parse)
{
    (void)parse;
    return STATEMENT_SAVEPOINT;
}

static StatementKind
read_other(Parse *parse)
{
    (void)parse;
    return STATEMENT_OTHER;
}

/* First words; others are rows, or not known, which is the same. */
static const struct {
    const char *word;
    StatementKind (*read)(Parse *parse);
} readers[] = {
    {"ALTER", read_alter},
    {"ANALYZE", read_analyze},
    {"BEGIN", read_begin},
    {"BINLOG", read_other},
    {"CACHE", read_other},
    {"CHANGE", read_other},
    {"CHECK", read_other},
    {"CHECKSUM", read_other},
    {"COMMIT", read_commit},
    {"CREATE", read_create},
    {"DEALLOCATE", read_other},
    {"DELETE", read_delete},
    {"DROP", read_drop},
    {"FLUSH", read_other},
    {"GRANT", read_other},
    {"INSTALL", read_other},
    {"KILL", read_other},
    {"LOAD", read_load},
    {"LOCK", read_other},
    {"OPTIMIZE", read_other},
    {"PREPARE", read_other},
    {"PURGE", read_other},
    {"RELEASE", read_savepoint},
    {"RENAME", read_rename},
    {"REPAIR", read_other},
    {"RESET", read_other},
    {"REVOKE", read_other},
    {"ROLLBACK", read_rollback},
    {"SAVEPOINT", read_savepoint},
    {"SET", read_other},
    {"SHOW", read_other},
    {"START", read_start},
    {"STOP", read_other},
    {"TRUNCATE", read_truncate},
    {"UNINSTALL", read_other},
    {"UNLOCK", read_other},
    {"USE", read_other},
    {"XA", read_xa},
};

/* SET STATEMENT variable = value, … FOR statement: false where it is no such. */
static bool
pass_set_statement(Parse *parse)
{
    Parse ahead = *parse;

    if (!accept(&ahead, "SET") || !accept(&ahead, "STATEMENT"))
        return false;
    while (!is_end(&ahead) && !is(&ahead, "FOR"))
        next(&ahead);
    if (!accept(&ahead, "FOR"))
        return false;
    *parse = ahead;
    return true;
}

/* One more word, where it fits; no control characters, and nothing that is not UTF-8. */
static bool
add_word(Buf *words, const StatementToken *token, bool is_joined)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    bool is_utf8;

    statement_token_add_name(token, &name);
    is_utf8 = text_is_utf8(buf_text(&name), NULL);
    if (words->len + name.len + 1 > WORDS_MAX)
        return false;
    if (words->len > 0 && !is_joined)
        buf_add_char(words, ' ');
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];

        if (c < ' ' || c == 0x7f || (c >= 0x80 && !is_utf8))
            c = '?';
        buf_add_char(words, (char)c);
    }
    return true;
}

/* Words and names up to the first thing that may be a value. */
static void
read_words(const Parse *parse)
{
    Parse ahead = *parse;
    bool is_joined = false;

    while (!is_end(&ahead)) {
        StatementToken token = ahead.token;

        next(&ahead);
        if (token.kind == STATEMENT_TOKEN_STRING ||
            (token.kind == STATEMENT_TOKEN_WORD && isdigit((unsigned char)token.text.data[0])))
            return;
        if (token.kind == STATEMENT_TOKEN_SIGN && token.text.data[0] != '.')
            return;
        /* X'61', _utf8'a' */
        if (ahead.token.kind == STATEMENT_TOKEN_STRING && ahead.token.begin == token.end)
            return;
        if (!add_word(
                &parse->statement->words, &token, is_joined || token.kind == STATEMENT_TOKEN_SIGN))
            return;
        is_joined = token.kind == STATEMENT_TOKEN_SIGN;
    }
}

void
statement_read(Text sql, bool ansi_quotes, Statement *statement)
{
    Parse parse = {{sql, 0, ansi_quotes, 0}, {0}, statement};

    *statement = (Statement){.kind = STATEMENT_ROWS, .xid = TEXT("")};
    next(&parse);
    while (pass_set_statement(&parse))
        continue;
    read_words(&parse);
    if (is_end(&parse) || is_sign(&parse, ';')) { /* a comment in place of another event */
        statement->kind = STATEMENT_OTHER;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if (accept(&parse, readers[i].word)) {
            statement->kind = readers[i].read(&parse);
            return;
        }
}

void
statement_clear(Statement *statement)
{
    buf_clear(&statement->schema);
    buf_clear(&statement->table);
    buf_clear(&statement->words);
}

const char *
statement_kind_name(StatementKind kind)
{
    static const char *const names[] = {
        [STATEMENT_BEGIN] = "BEGIN",
        [STATEMENT_COMMIT] = "COMMIT",
        [STATEMENT_ROLLBACK] = "ROLLBACK",
        [STATEMENT_SAVEPOINT] = "SAVEPOINT",
        [STATEMENT_XA_START] = "XA START",
        [STATEMENT_XA_END] = "XA END",
        [STATEMENT_XA_PREPARE] = "XA PREPARE",
        [STATEMENT_XA_COMMIT] = "XA COMMIT",
        [STATEMENT_XA_ROLLBACK] = "XA ROLLBACK",
        [STATEMENT_TRUNCATE] = "TRUNCATE",
        [STATEMENT_DDL] = "DDL",
        [STATEMENT_DDL_ROWS] = "DDL of rows",
        [STATEMENT_OTHER] = "other",
        [STATEMENT_ROWS] = "rows",
    };

    return names[kind];
}

static int
hex_digit(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
add_hex(Text digits, Buf *bytes)
{
    if (digits.len % 2 != 0)
        return false;
    for (size_t i = 0; i < digits.len; i += 2) {
        int high = hex_digit(digits.data[i]);
        int low = hex_digit(digits.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        buf_add_char(bytes, (char)(high << 4 | low));
    }
    return true;
}

/* 'a', X'61', 0x61 */
static bool
read_xid_part(Parse *parse, Buf *bytes, size_t *ret_len)
{
    size_t begin = bytes->len;
    bool is_hex = accept(parse, "X");
    Text text = parse->token.text;

    if (parse->token.kind == STATEMENT_TOKEN_WORD && !is_hex && text.len >= 2 &&
        text_equal_nocase((Text){text.data, 2}, TEXT("0x"))) {
        text = (Text){text.data + 2, text.len - 2};
        is_hex = true;
    } else if (parse->token.kind != STATEMENT_TOKEN_STRING) {
        return false;
    }
    if (!is_hex)
        statement_token_add_name(&parse->token, bytes);
    else if (!add_hex(text, bytes))
        return false;
    next(parse);
    *ret_len = bytes->len - begin;
    return *ret_len <= 64;
}

bool
statement_xid(Text xid, Buf *bytes, BinlogXid *ret_xid)
{
    Parse parse = {{xid, 0, false, 0}, {0}, NULL};
    size_t begin = bytes->len;
    size_t gtrid_len = 0;
    size_t bqual_len = 0;
    uint64_t format = 1;

    next(&parse);
    if (!read_xid_part(&parse, bytes, &gtrid_len))
        return false;
    if (accept_sign(&parse, ',') && !read_xid_part(&parse, bytes, &bqual_len))
        return false;
    if (accept_sign(&parse, ',')) {
        if (!text_to_u64(parse.token.text, &format) || format > UINT32_MAX)
            return false;
        next(&parse);
    }
    if (!is_end(&parse))
        return false;
    (void)buf_reserve(bytes, 0);
    *ret_xid = (BinlogXid){(uint32_t)format, {bytes->data + begin, gtrid_len},
        {bytes->data + begin + gtrid_len, bqual_len}};
    return true;
}

static bool
is_name_byte(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 0x80 || isalnum(byte) || byte == '_' || byte == '$';
}

static bool
is_ascii(char c)
{
    return (unsigned char)c < 0x80;
}

static bool
is_same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Does the name stand at the beginning of text, where this quote is doubled? Where a letter is not
 * ASCII its other case is not known here, and the rest is taken to be equal. */
static bool
begins_with_name(Text text, Text name, char doubled)
{
    size_t at = 0;

    for (size_t i = 0; i < name.len; i++, at++) {
        if (at >= text.len)
            return false;
        if (!is_ascii(text.data[at]) || !is_ascii(name.data[i]))
            return true;
        if (!is_same_letter(text.data[at], name.data[i]))
            return false;
        if (name.data[i] == doubled && at + 1 < text.len && text.data[at + 1] == doubled)
            at++;
    }
    return at >= text.len || !is_name_byte(text.data[at]) || !is_name_byte(name.data[name.len - 1]);
}

bool
statement_mentions(Text sql, Text name)
{
    if (name.len == 0)
        return false;
    for (size_t at = 0; at < sql.len; at++) {
        unsigned char before = at == 0 ? ' ' : (unsigned char)sql.data[at - 1];
        Text rest = {sql.data + at, sql.len - at};

        /* a digit may be the end of a comment's version: / *!50100t * / */
        if (is_name_byte((char)before) && is_name_byte(name.data[0]) && before < 0x80 &&
            !isdigit(before))
            continue;
        if (begins_with_name(rest, name, '\0') || begins_with_name(rest, name, '`') ||
            begins_with_name(rest, name, '"'))
            return true;
    }
    return false;
}
