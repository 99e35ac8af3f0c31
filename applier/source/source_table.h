/*
 * source_table.h - the source's tables as its own catalogue describes them now
 *
 * Made by a driver that has a catalogue (SourceDriver.tables_open), for dray ddl, bootstrap, check,
 * verify and schema changes. It is the present state, which may be ahead of the change stream.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "event/value.h"

typedef enum RowIdentity {
    IDENTITY_KEY,     /* the primary key (PostgreSQL: DEFAULT with a primary key) */
    IDENTITY_INDEX,   /* the columns of another unique index */
    IDENTITY_FULL,    /* the whole old row */
    IDENTITY_NOTHING, /* updates and deletes cannot be told: none, or the key is missing */
} RowIdentity;

typedef struct SourceColumn {
    Text name;
    Text type; /* as the source's DDL spells it, length and precision included */
    /* What the mapping tables in templates/types/ are asked with: the type's name without length
     * and precision, domains resolved to their base type; "enum", "composite", "range" for types
     * that a user made. Arrays have "[]" behind the element's type. */
    Text type_name;
    int64_t length; /* characters, or bytes of binary types; -1: none */
    LogicalType logical;
    int precision; /* digits, or digits of a second's fraction; -1: none */
    int scale;     /* -1: none */
    int number;    /* grows with each column ever added to the table, and is never given again */
    bool is_unsigned;
    bool not_null;
    bool has_default;  /* it has a DEFAULT: rows older than the column may have other values than
                          NULL even where added_value tells none */
    bool is_generated; /* computed; not in the change stream */
    bool is_identity;  /* the source fills it (identity, serial, auto_increment) */
    bool may_omit;     /* see Column.may_omit */
    Text added_value; /* what rows have that are older than the column (ADD COLUMN … DEFAULT), the
                         canonical text; TEXT_NONE: null or not known */
    const Text *labels; /* members of an enum or set */
    size_t label_count;
} SourceColumn;

typedef struct SourceTable {
    Text schema;
    Text name;
    /* In the source's order; dropped ones are not among them, nor, where the table is published,
     * those that the publication leaves out. */
    SourceColumn *columns;
    size_t column_count;
    size_t *key; /* the primary key, else the identity index: indexes into columns, in key order */
    size_t key_count;
    RowIdentity identity;
    bool is_published;     /* its changes reach this service's stream */
    bool is_partitioned;   /* the parent; its rows are in its partitions */
    Text parent;           /* of a partition: "schema.table"; else TEXT_NONE */
    int64_t row_estimate;  /* -1: not known */
    int64_t byte_estimate; /* -1: not known */
    Text filter;  /* an SQL condition: only rows that fulfil it reach the stream and are in a
                     snapshot; TEXT_NONE: all */
    Text problem; /* why changes of this table would be lost or refused, and the way out; or
                     TEXT_NONE */
} SourceTable;

typedef struct SourceTables SourceTables;

/* A connection to the source's catalogue; belongs to one thread. */
typedef struct SourceTablesDriver {
    void (*close)(SourceTables *tables);
    /* The tables whose rows and changes a service of these options carries (published ones; each
     * under the name that the stream uses for it), sorted by schema and name. In the arena. */
    bool (*list)(SourceTables *tables, Arena *arena, SourceTable ***ret_tables, size_t *ret_count,
        Error *err);
    /* One table, published or not; *ret_table is NULL where there is none. In the arena. */
    bool (*describe)(SourceTables *tables, Text schema, Text name, Arena *arena,
        SourceTable **ret_table, Error *err);
} SourceTablesDriver;

struct SourceTables {
    const SourceTablesDriver *driver;
};

void source_tables_close(SourceTables *tables);
CLEANUP_DEFINE(SourceTables *, source_tables_close);

/* By name, exactly; NULL when absent. */
const SourceColumn *source_table_column(const SourceTable *table, Text name);
