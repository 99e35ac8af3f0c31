/*
 * postgres_tables.h - the catalogue of a PostgreSQL source: SourceTable and what else it tells
 *
 * Works on the catalogues of PostgreSQL 12 to 17. Takes no locks on the tables, so that an ALTER
 * TABLE that is not committed yet keeps nobody waiting; sizes are the exception, which are left out
 * for tables that are locked.
 *
 * Which columns a table has: those that the change stream sends (and generated ones, which it does
 * not). A column that the publication's column list leaves out is not there as long as the table is
 * published.
 *
 * Source: PostgreSQL documentation, chapter "System Catalogs"; chapter "Logical Replication",
 * sections "Publication", "Row Filters", "Column Lists".
 */
#pragma once

#include "source/postgres_connection.h"
#include "source/source_table.h"

typedef struct PostgresPublication {
    Text name;
    bool exists;
    bool all_tables;
    bool publishes_insert;
    bool publishes_update;
    bool publishes_delete;
    bool publishes_truncate;
    bool via_root;
    Text comment; /* TEXT_NONE: none */
} PostgresPublication;

/* A unique index by which rows can be told apart, columns that are not expressions. */
typedef struct PostgresIndex {
    size_t *columns; /* indexes into columns of the table */
    size_t count;
    Text *collations; /* as PostgresTable.key_collations */
    Text *operators;  /* as PostgresTable.key_operators */
    Text generated;   /* a generated column, which cannot be part of a key for us; or TEXT_NONE */
    bool left_out;    /* a column is not among the table's */
    bool usual_order;
    bool is_primary;
    bool is_immediate;
} PostgresIndex;

/* A table; a SourceTable* of this catalogue may be taken for a PostgresTable*. */
typedef struct PostgresTable {
    SourceTable base;
    Text oid;              /* decimal */
    char kind;             /* pg_class.relkind: r, p or f */
    char persistence;      /* pg_class.relpersistence: p, u or t */
    char replica_identity; /* pg_class.relreplident: d, i, f or n */
    bool may_select;       /* the role may read it */
    bool has_deferrable_key;
    size_t *identity; /* columns that updates and deletes are told by: of the primary key, or of the
                         identity index; indexes into columns. FULL: those of the primary key, as
                         long as there is one */
    size_t identity_count;
    Text *key_collations; /* by index in base.key: the index's own where it is not the column's, as
                             SQL; else TEXT_NONE */
    Text *key_operators;  /* by index in base.key: the schema of the operators =, > and >= by which
                             the index orders, as SQL: "pg_catalog", or an extension's */
    Text left_out;        /* columns that the publication leaves out, "a, b"; else TEXT_NONE */
    Text generated_key; /* a generated column in the identity, which is not sent; else TEXT_NONE */
    bool identity_left_out; /* a column of the identity is among those left out */
    Text odd_partition;     /* a partition with another replica identity than this parent, published
                               under the parent's name; "schema.table", else TEXT_NONE */
} PostgresTable;

typedef struct PostgresTableList {
    PostgresTable **items; /* sorted by schema and name, by bytes */
    size_t count;
} PostgresTableList;

/* The publication's row of the catalogue; exists is false where there is none. */
bool postgres_publication_read(PostgresConnection *connection, Text name, Arena *arena,
    PostgresPublication *ret_publication, Error *err) MUST_CHECK;

/* The tables of a publication. */
bool postgres_tables_published(PostgresConnection *connection,
    const PostgresPublication *publication, Arena *arena, PostgresTableList *ret_list, Error *err)
    MUST_CHECK;
/* One table, published or not; *ret_table is NULL where there is none. */
bool postgres_tables_find(PostgresConnection *connection, const PostgresPublication *publication,
    Text schema, Text name, Arena *arena, PostgresTable **ret_table, Error *err) MUST_CHECK;
/* Every table a publication might have: those of users, permanent ones, with partitions. */
bool postgres_tables_candidates(PostgresConnection *connection,
    const PostgresPublication *publication, Arena *arena, PostgresTableList *ret_list, Error *err)
    MUST_CHECK;

/*
 * Where something else than a publication brings the changes (PgQ's triggers), it says here what of
 * a table comes. The catalogue then leaves is_published, identity, key and problem to finish().
 */
typedef struct PostgresTablesView {
    void *context;
    /* Which tables: a condition on pg_class c and pg_namespace n, which may use $2 and $3. */
    const char *condition;
    const char *params[2]; /* NULL: not used */
    /* The tables are found, their columns not read yet. oids is an array of them as PostgreSQL
     * writes arrays. */
    bool (*begin)(void *context, PostgresConnection *connection, const char *oids, Error *err);
    /* Does this column come? */
    bool (*has_column)(void *context, const PostgresTable *table, Text column);
    /* indexes: all that could tell rows apart, the primary key first. */
    void (*finish)(void *context, PostgresTable *table, PostgresIndex *const *indexes,
        size_t index_count, Arena *arena);
} PostgresTablesView;

bool postgres_tables_view(PostgresConnection *connection, const PostgresTablesView *view,
    Arena *arena, PostgresTableList *ret_list, Error *err) MUST_CHECK;
/* Rows of the table are read in the order of this index, where that is possible. */
void postgres_tables_use_key(PostgresTable *table, const PostgresIndex *index);

/* SourceDriver.tables_open */
SourceTables *postgres_tables_open(const SourceStart *start, Error *err) MUST_CHECK;
