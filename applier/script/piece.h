/*
 * piece.h - cuts a statement or command into literal text and parameters; only script/ includes it
 *
 * Pure. Pieces are in the arena, their texts views. ERR_SCRIPT "file:line:column: reason" for a
 * parameter in a place where no value can be written safely.
 */
#pragma once

#include "script/script.h"
#include "target/sql_scanner.h"

typedef struct PieceList {
    const char *path; /* for error texts */
    const SqlDialect *dialect;
    Arena *arena;
    ScriptPiece *pieces;
    size_t count;
    size_t size;
} PieceList;

/* line and column: where the text begins in the file. */
bool pieces_add_sql(PieceList *list, Text sql, int line, int column, Error *err) MUST_CHECK;
bool pieces_add_command(PieceList *list, Text command, int line, int column, Error *err) MUST_CHECK;
