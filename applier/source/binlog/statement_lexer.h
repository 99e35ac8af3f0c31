/*
 * statement_lexer.h - the words of an SQL statement as MySQL and MariaDB split them
 *
 * White space and comments are passed over: "-- ", #, / * … * /. The text of comments that servers
 * execute (/ *! … * / and / *M! … * /, with or without a version) counts as if it stood outside;
 * but for the versions 99999 and 999999, which no server has. Optimizer hints are comments. Quotes
 * that do not end go to the end of the text.
 *
 * Sources: MySQL reference manual, "Comments", "String Literals", "Schema Object Names"; MariaDB
 * documentation, "Comment Syntax", "Identifier Names".
 */
#pragma once

#include "base/text.h"

typedef enum StatementTokenKind {
    STATEMENT_TOKEN_END,
    STATEMENT_TOKEN_WORD,   /* keyword, unquoted name, number */
    STATEMENT_TOKEN_NAME,   /* quoted name */
    STATEMENT_TOKEN_STRING, /* quoted text */
    STATEMENT_TOKEN_SIGN,   /* any other byte */
} StatementTokenKind;

typedef struct StatementToken {
    StatementTokenKind kind;
    Text text;    /* without quotes around; quotes within are as they were written */
    char quote;   /* of a name or string */
    size_t begin; /* where it stands, with its quotes */
    size_t end;
} StatementToken;

typedef struct StatementLexer {
    Text sql;
    size_t at;
    bool ansi_quotes;
    unsigned executed; /* comments that are open, and executed */
} StatementLexer;

StatementToken statement_lexer_next(StatementLexer *lexer);

/* Append a name as it is, without its quotes doubled. */
void statement_token_add_name(const StatementToken *token, Buf *out);
/* A word of this spelling, in any case. */
bool statement_token_is(const StatementToken *token, const char *word);
bool statement_token_is_sign(const StatementToken *token, char sign);
