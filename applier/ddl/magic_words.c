#include "ddl/magic_words.h"

#include "ddl/stage_name.h"
#include "target/sql_scanner.h"

#define WORD_DEST   "_DEST_TABLE"
#define WORD_PARENT "_PARENT"
#define WORD_KEY    "_PKEY"
#define WORD_NAME   "_SCHEMA_TABLE"

/* Dollar quotes in dollar quotes; more of them are taken as plain text. */
#define DEEPEST 8

typedef struct Filler {
    const SqlDialect *dialect;
    const MagicWords *words;
    int depth;
} Filler;

/* ---- values --------------------------------------------------------------------------------- */

static void
add_bare_table(const MagicWords *words, Text name, Buf *out)
{
    buf_add_text(out, words->schema);
    if (words->schema.len > 0)
        buf_add_char(out, '.');
    buf_add_text(out, name);
}

/* Schema and partition as a part of a name: every dot becomes two underscores, as in the original.
 */
static void
add_name(const MagicWords *words, Buf *out)
{
    CLEANUP(buf_clear) Buf table = BUF_INIT;

    add_bare_table(words, words->partition, &table);
    for (size_t i = 0; i < table.len; i++)
        if (table.data[i] == '.')
            buf_add_string(out, "__");
        else
            buf_add_char(out, table.data[i]);
}

static void
add_keys(const Filler *filler, bool quoted, Buf *out)
{
    for (size_t i = 0; i < filler->words->key_count; i++) {
        if (i > 0)
            buf_add_string(out, ", ");
        if (quoted)
            sql_add_identifier(filler->dialect, filler->words->key[i], out);
        else
            buf_add_text(out, filler->words->key[i]);
    }
}

/* ---- words ---------------------------------------------------------------------------------- */

/* Where in the word _SCHEMA_TABLE begins, or its length. */
static size_t
find_name(Text word)
{
    const char *found = memmem(word.data, word.len, WORD_NAME, sizeof(WORD_NAME) - 1);

    return found == NULL ? word.len : (size_t)(found - word.data);
}

static bool
is_magic(Text word)
{
    return text_is(word, WORD_DEST) || text_is(word, WORD_PARENT) || text_is(word, WORD_KEY) ||
           find_name(word) < word.len;
}

/* A word that holds _SCHEMA_TABLE, with the bare names in its place. */
static void
add_built_name(const Filler *filler, Text word, Buf *out)
{
    while (word.len > 0) {
        size_t at = find_name(word);

        buf_add(out, word.data, at);
        if (at == word.len)
            return;
        add_name(filler->words, out);
        at += sizeof(WORD_NAME) - 1;
        word = (Text){word.data + at, word.len - at};
    }
}

/* The server would cut a name that is too long, and two partitions could get one. */
static void
add_quoted_name(const Filler *filler, Text word, Buf *out)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    add_built_name(filler, word, &name);
    sql_add_identifier(filler->dialect,
        name.len <= filler->dialect->name_limit
            ? buf_text(&name)
            : stage_table_name(filler->dialect, TEXT(""), buf_text(&name), 1, arena),
        out);
}

static void
add_code_word(const Filler *filler, Text word, Buf *out)
{
    const MagicWords *words = filler->words;

    if (text_is(word, WORD_DEST))
        sql_add_table(filler->dialect, words->schema, words->partition, out);
    else if (text_is(word, WORD_PARENT))
        sql_add_table(filler->dialect, words->schema, words->parent, out);
    else if (text_is(word, WORD_KEY))
        add_keys(filler, true, out);
    else if (find_name(word) < word.len)
        add_quoted_name(filler, word, out);
    else
        buf_add_text(out, word);
}

static void
add_bare_word(const Filler *filler, Text word, Buf *out)
{
    const MagicWords *words = filler->words;

    if (text_is(word, WORD_DEST))
        add_bare_table(words, words->partition, out);
    else if (text_is(word, WORD_PARENT))
        add_bare_table(words, words->parent, out);
    else if (text_is(word, WORD_KEY))
        add_keys(filler, false, out);
    else
        add_built_name(filler, word, out);
}

/* ---- quoted text ---------------------------------------------------------------------------- */

static bool
is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

/* The next run of word characters, or of others. */
static Text
take_run(Text *text)
{
    bool is_word = is_word_char(text->data[0]);
    size_t len = 1;
    Text run;

    while (len < text->len && is_word_char(text->data[len]) == is_word)
        len++;
    run = (Text){text->data, len};
    *text = (Text){text->data + len, text->len - len};
    return run;
}

static bool
holds_magic(Text text, const char *only)
{
    while (text.len > 0) {
        Text run = take_run(&text);

        if (only == NULL ? is_magic(run) : text_is(run, only))
            return true;
    }
    return false;
}

static void
add_escaped(Text text, char quote, bool backslash, Buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == quote || (backslash && text.data[i] == '\\'))
            buf_add_char(out, text.data[i]);
        buf_add_char(out, text.data[i]);
    }
}

/* The token has an end, and holds magic. [name] cannot hold a "]": it gets quotes that can. */
static void
add_quoted(const Filler *filler, const SqlToken *token, Buf *out)
{
    char quote = token->quote;
    Text inner = {token->text.data + 1, token->text.len - 2};

    if (quote == '[')
        quote = filler->dialect->identifier_quote;
    buf_add_char(out, quote);
    while (inner.len > 0) {
        Text run = take_run(&inner);
        CLEANUP(buf_clear) Buf bare = BUF_INIT;

        if (is_magic(run)) {
            add_bare_word(filler, run, &bare);
            add_escaped(buf_text(&bare), quote, token->backslash, out);
        } else if (token->quote == '[') {
            add_escaped(run, quote, false, out);
        } else {
            buf_add_text(out, run);
        }
    }
    buf_add_char(out, quote);
}

static void fill_text(const Filler *filler, Text sql, Buf *out);

/* The token has an end. */
static Text
dollar_content(const SqlToken *token)
{
    return (Text){token->text.data + token->tag.len, token->text.len - 2 * token->tag.len};
}

static bool
holds(const Buf *text, const Buf *part)
{
    return text->len > 0 && memmem(text->data, text->len, part->data, part->len) != NULL;
}

/* Text between dollar quotes is code nearly always. A name that holds the tag would end it: then it
 * gets another tag. */
static void
add_dollar(const Filler *filler, const SqlToken *token, Buf *out)
{
    CLEANUP(buf_clear) Buf filled = BUF_INIT;
    CLEANUP(buf_clear) Buf mark = BUF_INIT;
    Filler deeper = {filler->dialect, filler->words, filler->depth + 1};

    fill_text(&deeper, dollar_content(token), &filled);
    buf_add_text(&mark, token->tag);
    for (unsigned number = 1; holds(&filled, &mark); number++) {
        buf_reset(&mark, 64);
        buf_addf(&mark, "$dray_%u$", number);
    }
    buf_add_text(out, buf_text(&mark));
    buf_add_text(out, buf_text(&filled));
    buf_add_text(out, buf_text(&mark));
}

static void
add_token(const Filler *filler, const SqlToken *token, Buf *out)
{
    switch (token->kind) {
    case SQL_WORD:
        add_code_word(filler, token->text, out);
        return;
    case SQL_STRING:
    case SQL_IDENTIFIER:
        if (token->open || !holds_magic((Text){token->text.data + 1, token->text.len - 2}, NULL))
            break;
        add_quoted(filler, token, out);
        return;
    case SQL_DOLLAR:
        if (token->open || filler->depth >= DEEPEST || !holds_magic(dollar_content(token), NULL))
            break;
        add_dollar(filler, token, out);
        return;
    case SQL_SPACE:
    case SQL_SYMBOL:
    case SQL_LINE_COMMENT:
    case SQL_BLOCK_COMMENT:
    case SQL_PARAMETER:
    case SQL_END:
        break;
    }
    buf_add_text(out, token->text);
}

static void
fill_text(const Filler *filler, Text sql, Buf *out)
{
    SqlScanner scanner;
    SqlToken token;

    sql_scanner_init(&scanner, filler->dialect, sql);
    for (sql_scanner_next(&scanner, &token); token.kind != SQL_END;
         sql_scanner_next(&scanner, &token))
        add_token(filler, &token, out);
}

/* ---- the words of a text -------------------------------------------------------------------- */

void
magic_words_add(const SqlToken *token, const SqlDialect *dialect, const MagicWords *words, Buf *out)
{
    const Filler filler = {dialect, words, 0};

    add_token(&filler, token, out);
}

bool
magic_words_ask_key(const SqlToken *token)
{
    switch (token->kind) {
    case SQL_WORD:
    case SQL_STRING:
    case SQL_IDENTIFIER:
        return holds_magic(token->text, WORD_KEY);
    case SQL_DOLLAR:
        return !token->open && holds_magic(dollar_content(token), WORD_KEY);
    case SQL_SPACE:
    case SQL_SYMBOL:
    case SQL_LINE_COMMENT:
    case SQL_BLOCK_COMMENT:
    case SQL_PARAMETER:
    case SQL_END:
        break;
    }
    return false;
}

bool
magic_words_need_key(Text sql, const SqlDialect *dialect)
{
    SqlScanner scanner;
    SqlToken token;

    sql_scanner_init(&scanner, dialect, sql);
    for (sql_scanner_next(&scanner, &token); token.kind != SQL_END;
         sql_scanner_next(&scanner, &token))
        if (magic_words_ask_key(&token))
            return true;
    return false;
}

Text
magic_words_fill(Text sql, const SqlDialect *dialect, const MagicWords *words, Arena *arena)
{
    const Filler filler = {dialect, words, 0};
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    fill_text(&filler, sql, &out);
    return arena_text(arena, buf_text(&out));
}
