/*
 * sql_dialect.h - what differs between the SQL of the targets: quoting, splitting, kinds of
 * statement. Pure; no connection.
 */
#pragma once

#include "target/table.h"

typedef enum StatementKind {
    STATEMENT_PLAIN,
    STATEMENT_LOAD_STREAMED, /* a load that the driver feeds: COPY … FROM STDIN, LOAD DATA LOCAL,
                                .import */
    STATEMENT_ENDS_TRANSACTION, /* COMMIT, ROLLBACK, BEGIN …, or a statement that commits
                                   implicitly: never allowed inside the block's transaction */
} StatementKind;

/* How the tables that Dray itself makes are spelled: dray_position and the staging tables. */
typedef struct SqlTypes {
    const char *opcode;     /* up to 2 letters */
    const char *number;     /* an integer of 64 bits */
    const char *service;    /* up to 100 bytes, told apart byte by byte */
    const char *block;      /* up to 255 bytes */
    const char *position;   /* any length */
    const char *unchanged;  /* a list of column numbers, any length */
    const char *time;       /* UTC, microseconds, no zone */
    const char *nullable;   /* behind the type of a nullable column: " NULL" or "" */
    const char *table_tail; /* behind the column list of a table that takes part in transactions */
    const char *latest;     /* behind a SELECT: read what is committed now, not the snapshot */
} SqlTypes;

/* What ALTER TABLE and its like need to know (ddl/base_table.h). */
typedef struct SqlDdl {
    const char *find_schema; /* a query of one row where the schema is there; its name as a string
                                goes behind it. NULL: no schemas */
    const char
        *change_type; /* a statement with %%TABLE%% %%COLUMN%% %%TYPE%%; NULL: there is none */
    const char *drop_not_null;   /* the same for a column that may be NULL from now on */
    const char *limit_wait;      /* a statement that lets the session's DDL wait only seconds for
                                    locks, so that it does not keep others waiting behind it; NULL:
                                    the driver's own limit */
    bool hex_strings;            /* bytes are x'00ff', and bits b'01' where there is a type bit */
    bool default_in_parentheses; /* DEFAULT ('x') is an expression, which any type may have */
} SqlDdl;

/* What making partitions needs (apply/partition/partition.h). Every member may be NULL. */
typedef struct SqlPartition {
    /* A query of one value, true ("t", "1") where this session has the lock of this number now,
     * without waiting for it; NULL: a transaction that writes is the lock. */
    void (*try_lock)(uint64_t number, Buf *out);
    void (*unlock)(uint64_t number, Buf *out); /* NULL: the end of the transaction does */
    /* A query of one row where partition belongs to parent (both quoted): true where it is
     * attached, else it inherits. NULL: tables here know nothing of each other. */
    void (*attachment)(Text partition, Text parent, Buf *out);
    /* A query of one value: the DEFAULT of a column as DDL spells it, or NULL. */
    void (*column_default)(Text schema, Text table, Text column, Buf *out);
    /* A statement that lets the DDL that follows wait only seconds for locks, and one that undoes
     * it, if the transaction's end does not. */
    const char *limit_wait;
    const char *unlimit_wait;
} SqlPartition;

typedef struct SqlDialect {
    const char *name;
    char identifier_quote;      /* doubled inside: " or ` */
    bool backslash_strings;     /* '\'' is a quote inside a plain string (MySQL) */
    bool double_quoted_strings; /* "x" is a string (MySQL without ANSI_QUOTES) */
    bool escape_strings;        /* E'…' takes backslashes (PostgreSQL) */
    bool dollar_quotes;         /* $tag$ … $tag$ */
    bool hash_comments;         /* # to the end of the line */
    bool dash_needs_space;      /* -- begins a comment only before white space or end of line */
    bool nested_comments;       /* block comments nest */
    bool backtick_identifiers;
    bool bracket_identifiers; /* [name] (SQLite) */
    bool dot_commands;        /* a line beginning with "." is a statement of its own (SQLite) */
    bool fold_names;          /* column names are compared without regard to ASCII case */
    bool has_schemas;
    bool executable_comments; /* the content of a comment that begins with "!" is code (MySQL) */
    bool qualified_set; /* SET names the table's alias: UPDATE a JOIN b … SET a.x = b.x (MySQL) */
    const char *empty_table; /* in front of a table's name: a statement that gives all of its room
                                back; NULL: DELETE does */
    size_t name_limit;       /* bytes of a table's name; 0: any length */
    bool name_limit_is_characters;
    SqlTypes types;
    SqlDdl ddl;
    SqlPartition partition;

    /* What kind of statement this is, comments and white space in front skipped. */
    StatementKind (*classify)(Text sql);
    /* Append a predicate that is true only where the two columns are equal byte by byte, and that
     * can use an index on the left one: "base.k = stage.k AND BINARY base.k = stage.k". */
    void (*key_equals)(const TargetColumn *column, const char *left, const char *right, Buf *out);
    /* Append an expression of the column by which GROUP BY tells byte-different keys apart. */
    void (*key_group)(const TargetColumn *column, const char *alias, Buf *out);
    /* Append the column list and the SET part of a streamed load for the file's columns (header
     * columns first): LOAD DATA … (`a`, @dray_1) SET `b` = UNHEX(@dray_1). set may stay empty. */
    void (*load_columns)(const Text *header, size_t header_count,
        const TargetColumn *const *columns, const LogicalType *logical, size_t column_count,
        Buf *list, Buf *set);
} SqlDialect;

extern const SqlDialect sql_dialect_postgres;
extern const SqlDialect sql_dialect_mysql;
extern const SqlDialect sql_dialect_sqlite;
/* Text-only targets, for the script checker and dray ddl: Vertica and Redshift follow PostgreSQL's
 * quoting. */
extern const SqlDialect sql_dialect_vertica;
extern const SqlDialect sql_dialect_redshift;
extern const SqlDialect sql_dialect_clickhouse;

/* All of them, ended by NULL. */
extern const SqlDialect *const sql_dialects[];
/* NULL when there is none of that name. */
const SqlDialect *sql_dialect_find(const char *name);

/* "name", quotes doubled. */
void sql_add_identifier(const SqlDialect *dialect, Text name, Buf *out);
/* "schema"."name", or "name" where schema is empty or the dialect has none. */
void sql_add_table(const SqlDialect *dialect, Text schema, Text name, Buf *out);
/* 'text', escaped for the dialect's plain strings. A NUL byte cannot be written: it is left out, so
 * callers refuse it first. */
void sql_add_string(const SqlDialect *dialect, Text text, Buf *out);
