/*
 * lookahead.h - is there a DDL statement that names a table between two places of the log?
 *
 * Reads the log once, on a connection of its own, from where it read last to where the log ends
 * when it is asked; only QUERY events are looked at. Remembers the statements that name tables
 * until the stream has passed them.
 */
#pragma once

#include "source/mysql/schema.h"

typedef struct MysqlLookahead MysqlLookahead;

MysqlLookahead *source_mysql_lookahead_new(const SourceStart *start) MUST_CHECK;
void source_mysql_lookahead_free(MysqlLookahead *lookahead);
CLEANUP_DEFINE(MysqlLookahead *, source_mysql_lookahead_free);

typedef struct MysqlLookedFor {
    Text schema;
    Text table;
    /* Where only some columns matter: an ALTER TABLE that names none of them, and does nothing that
     * needs no names (RENAME, PARTITION, SYSTEM VERSIONING), is passed over. */
    bool only_columns;
    const Text *columns;
    size_t column_count;
    /* Only what is before this place matters, of the file with this number: where the log was read
     * up to it already, it is not read again. 0: up to the log's present end. */
    uint64_t until_file;
    uint64_t until_offset;
} MysqlLookedFor;

/* The first statement behind from and up to the log's present end that mentions the table (or its
 * whole database); TEXT_NONE in *ret_statement where there is none. Texts until the next call. */
bool source_mysql_lookahead_find(MysqlLookahead *lookahead, const MysqlPlace *from,
    const MysqlLookedFor *wanted, Text *ret_statement, MysqlPlace *ret_place, Error *err)
    MUST_CHECK;
