/*
 * schema.h - table maps into Tables: names, types and keys as of the place in the log
 *
 * What a table map does not tell is asked from the catalogue (information_schema), which shows the
 * present: it may be ahead of the stream. Never guessed:
 *
 *   - With binlog_row_metadata = FULL the map tells names, signs, character sets, labels and the
 *     primary key. The catalogue adds what is not in the map (UUID, INET6, JSON of MariaDB,
 *     generated columns, unique keys), for a column of the same name and the same stored type. A
 *     column of which only the catalogue could say what its bytes mean, and which it does not have
 *     any more, is refused.
 *   - Without it the names come from the catalogue. It is taken only where number, types and
 *     metadata of the columns agree with the map, and where the log has no DDL of the table between
 *     the stream's place and the place where the log ended when the catalogue was read (lookahead.h
 *     reads that part of the log ahead). Otherwise ERR_SOURCE, not retriable, which names the
 * table, the statement and its place, and the way out.
 *
 * A DDL statement in the stream makes the tables it names be looked up again. The same description
 * gives the same Table.
 *
 * System-versioned tables of MariaDB: the log has their history, too. An update is logged as an
 * update and the insert of a history row, a delete as an update that ends the row, and DELETE
 * HISTORY as deletes. Only current rows are carried: source_mysql_shape_is_current().
 *
 * Defaults: an insert under binlog_row_image = MINIMAL leaves out the columns that it did not name,
 * unless a function or an expression filled them (so both servers do). What they have then is the
 * catalogue's knowledge, and under the same rule as names.
 */
#pragma once

#include "event/event.h"
#include "source/binlog/position.h"
#include "source/binlog/rows.h"
#include "source/mysql/mysql.h"

typedef struct MysqlShape {
    Table table;                  /* without generated columns */
    const BinlogValueType *types; /* of all columns of the image, image_count of them */
    size_t image_count;
    const size_t *image_of; /* by index in table.columns: index in the image */
    /* The columns by which updates and deletes are told (table.columns' in_key) are all of the
     * primary key, else of a unique key without nulls, else none: then old images are whole. */
    const Value *defaults; /* by index in table.columns: what an insert has that leaves the column
                              out; VALUE_ABSENT: not known */
    size_t row_end; /* system-versioned: index in the image of the column that tells when the row
                       ended; image_count: every row is carried. The value is read, and no column
                       of the table */
} MysqlShape;

/*
 * Is this row of the image one to carry? For tables with row_end < image_count; true for others.
 * before and after are the image's values (either may be NULL); *kind may become another one: an
 * update that ends a row is a delete of it. Pure.
 */
bool source_mysql_shape_is_current(
    const MysqlShape *shape, const Value *before, const Value *after, ChangeKind *kind);

typedef struct MysqlSchema MysqlSchema;

MysqlSchema *source_mysql_schema_new(const SourceStart *start) MUST_CHECK;
void source_mysql_schema_free(MysqlSchema *schema);
CLEANUP_DEFINE(MysqlSchema *, source_mysql_schema_free);

/*
 * Read the catalogue, all tables in one go, where the log does not name its columns; else it is
 * read when it is first needed. The earlier, the fewer DDL statements can come between the stream's
 * place and the catalogue: to be called before the stream begins.
 */
bool source_mysql_schema_open(MysqlSchema *schema, Error *err) MUST_CHECK;

/* Where the stream is; for error texts, and for looking ahead (file and offset of the event that is
 * being read, GTIDs do not matter). */
typedef struct MysqlPlace {
    Text file;
    uint64_t offset;
} MysqlPlace;

/* The shape of a table map's table. *ret_shape belongs to the schema and stays until it is freed.
 * Errors of the catalogue's connection are retriable. */
bool source_mysql_schema_table(MysqlSchema *schema, const BinlogTableMap *map,
    const MysqlPlace *place, const MysqlShape **ret_shape, Error *err) MUST_CHECK;
/* Has the catalogue a sequence of this name (MariaDB)? */
bool source_mysql_schema_is_sequence(
    MysqlSchema *schema, Text database, Text name, bool *ret_sequence, Error *err) MUST_CHECK;
/* An insert at the place leaves columns out whose defaults the shape does not have: set those that
 * can be told. */
bool source_mysql_schema_defaults(
    MysqlSchema *schema, const MysqlShape *shape, const MysqlPlace *place, Error *err) MUST_CHECK;
/* A DDL statement (in UTF-8) went by; database is the session's. Shapes stay valid, but ask
 * source_mysql_schema_table() again for every table map that comes behind it. */
void source_mysql_schema_ddl(MysqlSchema *schema, Text statement, Text database);
