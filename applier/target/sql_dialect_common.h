/*
 * sql_dialect_common.h - what the dialects share; only sql_dialect*.c include it
 */
#pragma once

#include "target/sql_dialect.h"
#include "target/sql_scanner.h"

#define LEADING_WORDS 6

/* The first words of a statement, comments and parentheses in front left out; missing ones are
 * empty. A quoted identifier, string, parameter or other symbol counts as an empty word. */
typedef struct LeadingWords {
    Text words[LEADING_WORDS];
    SqlScanner rest; /* stands after the last of them */
} LeadingWords;

LeadingWords sql_leading_words(const SqlDialect *dialect, Text sql);
/* Without regard to case; keyword lower case. "" matches a missing word. */
bool sql_word_is(Text word, const char *keyword);
/* keywords ends in NULL. */
bool sql_word_in(Text word, const char *const *keywords);
/* Is there such a bare word anywhere in the statement? */
bool sql_has_word(const SqlDialect *dialect, Text sql, const char *keyword);

/* "alias"."column" with the alias as it is. */
void sql_add_column(const SqlDialect *dialect, const char *alias, Text name, Buf *out);
/* left.column = right.column */
void sql_add_equals(const SqlDialect *dialect, const TargetColumn *column, const char *left,
    const char *right, Buf *out);
/* header and columns as a list of identifiers */
void sql_add_load_columns(const SqlDialect *dialect, const Text *header, size_t header_count,
    const TargetColumn *const *columns, size_t column_count, Buf *list);

/* PostgreSQL's rules, which its relatives share. */
StatementKind sql_postgres_classify(Text sql);
