/*
 * tables.h - the catalogue of a MySQL or MariaDB source: SourceTable and what else it tells
 *
 * From information_schema, without locks on the tables. Takes MariaDB 10.5 and later, MySQL 8.0 and
 * later.
 *
 * SourceColumn.type is COLUMN_TYPE as the server shows it ("int(10) unsigned", "enum('a','b')"),
 * type_name its name alone, in lower case: "int", "varchar", "enum", "json" (also MariaDB's
 * longtext with json_valid), "geometry" and its kinds, "uuid", "inet6".
 */
#pragma once

#include "source/binlog/value.h"
#include "source/mysql/server.h"

/* A table; a SourceTable* of this catalogue may be taken for a MysqlTable*. */
typedef struct MysqlTable {
    SourceTable base;
    Text engine;
    BinlogValueType *types; /* by index in base.columns: how to read what the server shows */
    unsigned *collations;   /* by index in base.columns: collation number; 0: none */
    Text *defaults;         /* by index in base.columns: COLUMN_DEFAULT as the server shows it,
                               TEXT_NONE: none */
    Value *missing;         /* by index in base.columns: what rows have that do not name the column
                               (source/mysql/defaults.h) */
    Text cascade;           /* where has_cascades: the name of the first such key */
    Text generated_key;     /* a generated column of the key that would be taken, but cannot be: its
                               values are not carried; or TEXT_NONE */
    size_t row_end;         /* system-versioned: index of its column that tells when a row ended;
                               column_count: none, or one that is not shown (row_start and row_end are
                               behind the others) */
    size_t
        hash_count; /* MariaDB: hidden columns behind the others, of unique keys that are hashes */
    bool is_transactional; /* the engine has consistent views */
    bool key_has_prefix;   /* the key indexes only the beginning of a column */
    bool has_primary_key;
    bool has_triggers;   /* MariaDB, MySQL: their changes are in the log as well */
    bool has_cascades;   /* foreign keys that change or delete its rows when the parent's do, and of
                            which the log has nothing: InnoDB does it by itself */
    bool is_versioned;   /* MariaDB: WITH SYSTEM VERSIONING; the log has the rows of its history */
    bool by_transaction; /* is_versioned by numbers of transactions: logged as statements */
    bool may_select;     /* all of its columns */
} MysqlTable;

/* All tables that source_mysql_carries() says yes to, sorted by schema and name. In the arena. */
bool source_mysql_tables_list(MysqlServer *server, const MysqlSourceOptions *options, Arena *arena,
    MysqlTable ***ret_tables, size_t *ret_count, Error *err) MUST_CHECK;
/* One table, carried or not; *ret_table is NULL where there is none. Of schema and name the case
 * matters as it does for the server (lower_case_table_names). */
bool source_mysql_tables_find(MysqlServer *server, const MysqlSourceOptions *options, Text schema,
    Text name, Arena *arena, MysqlTable **ret_table, Error *err) MUST_CHECK;

/* source_mysql_tables_list() without what costs the server time: no estimates, engines, triggers
 * and foreign keys, and no problems. */
bool source_mysql_tables_list_columns(MysqlServer *server, const MysqlSourceOptions *options,
    Arena *arena, MysqlTable ***ret_tables, size_t *ret_count, Error *err) MUST_CHECK;
/* The same of source_mysql_tables_find(). */
bool source_mysql_tables_find_columns(MysqlServer *server, const MysqlSourceOptions *options,
    Text schema, Text name, Arena *arena, MysqlTable **ret_table, Error *err) MUST_CHECK;

/* SourceDriver.tables_open */
SourceTables *source_mysql_tables_open(const SourceStart *start, Error *err) MUST_CHECK;

/* The logical type of what columns.c made of a column: source/event's, one for catalogue and map.
 */
LogicalType source_mysql_column_logical(const BinlogColumn *column, BinlogSpecial special);
