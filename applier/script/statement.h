/*
 * statement.h - splits a file of SQL into statements, commands and directives
 *
 * Pure. Rules: a statement ends with ";", which is not part of its text, unless the ";" stands in a
 * string, comment or body (BEGIN ATOMIC … END; the BEGIN … END of a CREATE TRIGGER, PROCEDURE,
 * FUNCTION or EVENT; MariaDB's BEGIN NOT ATOMIC … END; PostgreSQL: parentheses). At the beginning
 * of a statement "\!" at a line's start is an operating-system command to the end of the line, and
 * with dot_commands a line that begins with "." is a statement of its own. Comments in front of a
 * statement are left out, except optimizer hints. Empty statements are skipped.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "target/sql_scanner.h"

typedef enum SplitKind {
    SPLIT_END,
    SPLIT_STATEMENT,
    SPLIT_COMMAND,   /* the text behind "\!", trimmed */
    SPLIT_DIRECTIVE, /* a comment line "-- @…": the text from "@" on, trimmed */
} SplitKind;

typedef struct SplitItem {
    SplitKind kind;
    Text text; /* a view into the file */
    int line, column;
    int offset; /* SPLIT_COMMAND: characters between column and the text */
} SplitItem;

typedef struct Splitter {
    const char *path; /* for error texts */
    SqlScanner scanner;
} Splitter;

/* All views must outlive the splitter. */
void splitter_init(Splitter *splitter, const char *path, const SqlDialect *dialect, Text text);
/* ERR_SCRIPT "path:line:column: reason" for a string, comment or statement that does not end. */
bool splitter_next(Splitter *splitter, SplitItem *ret_item, Error *err) MUST_CHECK;

/*
 * All the statements of a plain SQL file, such as a template. Items are in the arena, their texts
 * views into text. Directives are comments here; a command is an error.
 */
bool sql_split(const char *path, Text text, const SqlDialect *dialect, Arena *arena,
    SplitItem **ret_items, size_t *ret_count, Error *err) MUST_CHECK;
