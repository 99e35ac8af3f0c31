/*
 * script.h - a merge script: sections of SQL with %%PARAMETERS%%, read and checked once
 *
 * Pure but for script_load(), which reads the file. Sections are named by comment lines "-- @name";
 * text before the first section may only be comments. Directives, comment lines too:
 *   -- @all_lines            the script needs every line: no compaction
 *   -- @distinguish_updates  the script tells deletes from updates: its tables' updates are written
 *                            as UD and UI
 *   -- @deletes              the script has no way to delete: the table rule's deletes: says what
 *                            becomes of D lines and of TRUNCATE. Under error a block with one is
 *                            refused, naming its first line
 *   -- @live CONDITION       which rows of the base table (alias base) are rows of the source now;
 *                            without it all are
 *   -- @expect rows N        after a statement: it must have changed N rows (N may be a parameter)
 *   -- @if kept              the next statement runs only where the base table has columns that
 *                            the file lacks (generated ones do not count)
 *   -- @if values            … only where the file has columns beside the key
 *   -- @if unchanged         … only where the file has lines that leave values out, each behind its
 *                            O line (block/unchanged.h)
 *   -- @if deletes           … only where the table rule says deletes: keep
 *   -- @if no deletes        … only where it says another
 *   -- @if again             the same, and only where the block is loaded once more: rows that the
 *                            base table lacks are dealt with in a later block
 * A statement ends with ";" as the SQL dialect sees it; "\!" at a line's start is an
 * operating-system command to the end of the line; with dot_commands a line that begins with "." is
 * a statement. BEGIN ATOMIC … END and CREATE TRIGGER/PROCEDURE/FUNCTION … BEGIN … END bodies are
 * one statement.
 *
 * Unknown sections, directives and parameters, an unterminated string or comment, a statement that
 * ends the transaction (outside @prepare, @load and @release), a missing @apply: ERR_SCRIPT
 * "file:line:column: reason".
 */
#pragma once

#include "base/error.h"
#include "script/parameters.h"
#include "target/sql_dialect.h"

/*
 * Where a parameter stands, which decides how its value is escaped. A text between dollar quotes is
 * nearly always code (DO, CREATE FUNCTION): it is read as SQL itself, its parameters stand bare or
 * in its strings as anywhere else, and a value that holds a "$" is refused there.
 */
typedef enum PieceContext {
    CONTEXT_SQL,          /* bare: the value's SQL form */
    CONTEXT_STRING,       /* inside '…' (or "…" where that is a string): raw form, escaped */
    CONTEXT_IDENTIFIER,   /* inside a quoted identifier: raw form, quotes doubled */
    CONTEXT_SHELL,        /* bare in a command: shell-quoted */
    CONTEXT_SHELL_SINGLE, /* inside '…' of a command */
    CONTEXT_SHELL_DOUBLE, /* inside "…" of a command */
} PieceContext;

typedef struct ScriptPiece {
    Text text;      /* literal text, when parameter is TEXT_NONE */
    Text parameter; /* name without %% */
    PieceContext context;
    char quote;     /* CONTEXT_STRING, _IDENTIFIER: the quote character */
    bool backslash; /* CONTEXT_STRING: backslashes escape */
    bool in_dollar; /* inside $tag$ … $tag$ */
    int line, column;
} ScriptPiece;

typedef enum ScriptCondition {
    CONDITION_NONE,
    CONDITION_KEPT,       /* -- @if kept */
    CONDITION_VALUES,     /* -- @if values */
    CONDITION_UNCHANGED,  /* -- @if unchanged */
    CONDITION_AGAIN,      /* -- @if again */
    CONDITION_DELETES,    /* -- @if deletes */
    CONDITION_NO_DELETES, /* -- @if no deletes */
} ScriptCondition;

typedef struct ScriptStatement {
    bool is_command; /* "\!" */
    StatementKind kind;
    ScriptCondition condition;
    ScriptPiece *pieces;
    size_t piece_count;
    ScriptPiece *expect_rows; /* NULL: none; a literal number or one parameter */
    int line;                 /* where it begins */
} ScriptStatement;

typedef struct Script {
    const char *path;
    ScriptStatement *sections[SECTION_COUNT];
    size_t counts[SECTION_COUNT];
    bool all_lines;
    bool distinguishes;   /* @distinguish_updates */
    bool has_deletes;     /* @deletes */
    Text live;            /* @live; TEXT_NONE: none */
    bool needs_key;       /* uses a parameter that is made of the key */
    bool has_load;        /* has a @load section */
    bool has_unchanged;   /* has a statement under @if unchanged */
    bool fills_unchanged; /* and fills the values in: uses UNCHANGED_SET */
    bool streams; /* the file is read only by streamed loads, so that superseded lines can be
                     skipped: no   other statement or command uses CSV_FILE or BLOCK_DIR */
    Arena *arena;
} Script;

Script *script_load(const char *path, const SqlDialect *dialect, Error *err) MUST_CHECK;
Script *script_parse(const char *path, Text text, const SqlDialect *dialect, Error *err) MUST_CHECK;
void script_free(Script *script);
CLEANUP_DEFINE(Script *, script_free);

/*
 * The file of a merge script: an absolute name is taken as it is; else beside the configuration
 * file, then in data_directory/merge-scripts/<target type>/. On the heap; NULL with ERR_CONFIG
 * naming both places.
 */
char *script_find(const char *name, const char *config_directory, const char *data_directory,
    const char *target_type, Error *err) MUST_CHECK;
