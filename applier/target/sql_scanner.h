/*
 * sql_scanner.h - cuts SQL text into tokens as the dialect reads it
 *
 * Pure; owns nothing; views into the text. It knows strings, quoted identifiers, comments, dollar
 * quotes, MySQL's executable comments (whose content is code) and Dray's bare parameters %%NAME%%;
 * nothing of grammar. Concatenating the tokens' texts gives the input again.
 */
#pragma once

#include "target/sql_dialect.h"

typedef enum SqlTokenKind {
    SQL_END,          /* of the text */
    SQL_SPACE,        /* white space, and the begin and end marks of an executable comment */
    SQL_WORD,         /* keyword, bare identifier, number */
    SQL_SYMBOL,       /* one byte of anything else */
    SQL_STRING,       /* with its quotes; a prefix such as E stands before it as a word */
    SQL_IDENTIFIER,   /* with its quotes */
    SQL_DOLLAR,       /* $tag$ … $tag$ */
    SQL_LINE_COMMENT, /* without the line's end */
    SQL_BLOCK_COMMENT,
    SQL_PARAMETER, /* %%NAME%% */
} SqlTokenKind;

typedef struct SqlToken {
    SqlTokenKind kind;
    Text text;
    char quote;         /* SQL_STRING, SQL_IDENTIFIER: the opening quote */
    bool backslash;     /* SQL_STRING: backslashes have a meaning, so that they must be doubled */
    Text tag;           /* SQL_DOLLAR: "$tag$" */
    bool open;          /* the text ended before the token did */
    bool starts_line;   /* nothing but blanks before it on its line */
    bool in_executable; /* inside an executable comment */
    int line, column;   /* from 1; columns count characters */
} SqlToken;

typedef struct SqlScanner {
    const SqlDialect *dialect;
    Text text;
    size_t at;
    int line, column;
    bool line_is_blank;
    bool in_executable;
    Text last_word; /* directly before at, or empty: E and U& change the string that follows */
} SqlScanner;

void sql_scanner_init(SqlScanner *scanner, const SqlDialect *dialect, Text text);
/* Take the next token; after the end SQL_END again and again. */
void sql_scanner_next(SqlScanner *scanner, SqlToken *ret_token);
/* Take the rest of the line from token on, which must be the last one taken and on one line. */
Text sql_scanner_take_line(SqlScanner *scanner, const SqlToken *token);

/* Is there a parameter %%NAME%% (A-Z, 0-9, _) at this offset? Its whole length, else 0; *ret_name
 * is the name without the signs. */
size_t sql_parameter_at(Text text, size_t at, Text *ret_name);
/* Move line and column over the text. */
void sql_advance(Text text, int *line, int *column);
