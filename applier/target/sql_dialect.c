#include "target/sql_dialect.h"

#include "target/sql_dialect_common.h"

const SqlDialect *const sql_dialects[] = {
    &sql_dialect_postgres,
    &sql_dialect_mysql,
    &sql_dialect_sqlite,
    &sql_dialect_vertica,
    &sql_dialect_redshift,
    &sql_dialect_clickhouse,
    NULL,
};

const SqlDialect *
sql_dialect_find(const char *name)
{
    for (size_t i = 0; sql_dialects[i] != NULL; i++)
        if (strcmp(sql_dialects[i]->name, name) == 0)
            return sql_dialects[i];
    return NULL;
}

static void
add_doubled(Text text, char quote, bool backslash, Buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '\0')
            continue;
        if (c == quote || (backslash && c == '\\'))
            buf_add_char(out, c);
        buf_add_char(out, c);
    }
}

void
sql_add_identifier(const SqlDialect *dialect, Text name, Buf *out)
{
    buf_add_char(out, dialect->identifier_quote);
    add_doubled(name, dialect->identifier_quote, false, out);
    buf_add_char(out, dialect->identifier_quote);
}

void
sql_add_table(const SqlDialect *dialect, Text schema, Text name, Buf *out)
{
    if (dialect->has_schemas && schema.len > 0) {
        sql_add_identifier(dialect, schema, out);
        buf_add_char(out, '.');
    }
    sql_add_identifier(dialect, name, out);
}

void
sql_add_string(const SqlDialect *dialect, Text text, Buf *out)
{
    buf_add_char(out, '\'');
    add_doubled(text, '\'', dialect->backslash_strings, out);
    buf_add_char(out, '\'');
}

static bool
is_in_front(const SqlToken *token)
{
    return token->kind == SQL_SPACE || token->kind == SQL_LINE_COMMENT ||
           token->kind == SQL_BLOCK_COMMENT;
}

LeadingWords
sql_leading_words(const SqlDialect *dialect, Text sql)
{
    LeadingWords leading = {0};
    size_t count = 0;
    SqlToken token;

    for (size_t i = 0; i < LEADING_WORDS; i++)
        leading.words[i] = TEXT("");
    sql_scanner_init(&leading.rest, dialect, sql);
    while (count < LEADING_WORDS) {
        sql_scanner_next(&leading.rest, &token);
        if (token.kind == SQL_END)
            break;
        if (is_in_front(&token))
            continue;
        if (count == 0 && token.kind == SQL_SYMBOL && token.text.data[0] == '(')
            continue;
        if (token.kind == SQL_WORD)
            leading.words[count] = token.text;
        count++;
    }
    return leading;
}

bool
sql_word_is(Text word, const char *keyword)
{
    return text_equal_nocase(word, text_of(keyword));
}

bool
sql_word_in(Text word, const char *const *keywords)
{
    for (; *keywords != NULL; keywords++) {
        if (sql_word_is(word, *keywords))
            return true;
    }
    return false;
}

bool
sql_has_word(const SqlDialect *dialect, Text sql, const char *keyword)
{
    SqlScanner scanner;
    SqlToken token;

    sql_scanner_init(&scanner, dialect, sql);
    for (sql_scanner_next(&scanner, &token); token.kind != SQL_END;
         sql_scanner_next(&scanner, &token)) {
        if (token.kind == SQL_WORD && sql_word_is(token.text, keyword))
            return true;
    }
    return false;
}

void
sql_add_column(const SqlDialect *dialect, const char *alias, Text name, Buf *out)
{
    buf_addf(out, "%s.", alias);
    sql_add_identifier(dialect, name, out);
}

void
sql_add_equals(const SqlDialect *dialect, const TargetColumn *column, const char *left,
    const char *right, Buf *out)
{
    sql_add_column(dialect, left, column->name, out);
    buf_add_string(out, " = ");
    sql_add_column(dialect, right, column->name, out);
}

void
sql_add_load_columns(const SqlDialect *dialect, const Text *header, size_t header_count,
    const TargetColumn *const *columns, size_t column_count, Buf *list)
{
    for (size_t i = 0; i < header_count + column_count; i++) {
        if (i > 0)
            buf_add_string(list, ", ");
        sql_add_identifier(
            dialect, i < header_count ? header[i] : columns[i - header_count]->name, list);
    }
}
