/*
 * table_map.h - TABLE_MAP: which columns the row events behind it have
 *
 *     Int48 table id   Int16 flags
 *     Int8 length, schema, NUL   Int8 length, name, NUL
 *     length-encoded number of columns   Int8 type of each
 *     length-encoded size of the metadata   metadata: by type, see BinlogColumn
 *     bits, one a column: may be null
 *     optional metadata (binlog_row_metadata): fields of Int8 kind, length-encoded length, bytes
 *        1 signedness: bits, one a numeric column or YEAR, the highest bit first; set: unsigned
 *        2 default charset, pairs (column among the character columns, collation) that differ
 *        3 charset of each character column (for MySQL vectors are such ones, for MariaDB
 * geometries) 4 names   5 members of sets   6 members of enums   7 kinds of geometries 8 columns of
 * the primary key   9 the same with prefix lengths 10, 11 as 2, 3 for enums and sets   12
 * visibility   13 dimensions of vectors Servers write 1 to 3, 7 (MINIMAL), all (FULL), or nothing
 * (MariaDB's default, NO_LOG).
 *
 * Sources: MySQL source documentation, class Table_map_event; MariaDB documentation,
 * "TABLE_MAP_EVENT".
 */
#pragma once

#include "base/arena.h"
#include "source/binlog/event.h"

/* Types of columns, as MySQL's protocol numbers them (enum_field_types). */
enum {
    MYSQL_COLUMN_DECIMAL = 0, /* of servers before 5.0 */
    MYSQL_COLUMN_TINY = 1,
    MYSQL_COLUMN_SHORT = 2,
    MYSQL_COLUMN_LONG = 3,
    MYSQL_COLUMN_FLOAT = 4,
    MYSQL_COLUMN_DOUBLE = 5,
    MYSQL_COLUMN_NULL = 6,
    MYSQL_COLUMN_TIMESTAMP = 7,
    MYSQL_COLUMN_LONGLONG = 8,
    MYSQL_COLUMN_INT24 = 9,
    MYSQL_COLUMN_DATE = 10,
    MYSQL_COLUMN_TIME = 11,
    MYSQL_COLUMN_DATETIME = 12,
    MYSQL_COLUMN_YEAR = 13,
    MYSQL_COLUMN_NEWDATE = 14,
    MYSQL_COLUMN_VARCHAR = 15,
    MYSQL_COLUMN_BIT = 16,
    MYSQL_COLUMN_TIMESTAMP2 = 17,
    MYSQL_COLUMN_DATETIME2 = 18,
    MYSQL_COLUMN_TIME2 = 19,
    MYSQL_COLUMN_BLOB_COMPRESSED = 140,    /* MariaDB: column attribute COMPRESSED */
    MYSQL_COLUMN_VARCHAR_COMPRESSED = 141, /* the same */
    MYSQL_COLUMN_VECTOR = 242,
    MYSQL_COLUMN_JSON = 245,
    MYSQL_COLUMN_NEWDECIMAL = 246,
    MYSQL_COLUMN_ENUM = 247,
    MYSQL_COLUMN_SET = 248,
    MYSQL_COLUMN_TINY_BLOB = 249,
    MYSQL_COLUMN_MEDIUM_BLOB = 250,
    MYSQL_COLUMN_LONG_BLOB = 251,
    MYSQL_COLUMN_BLOB = 252,
    MYSQL_COLUMN_VAR_STRING = 253,
    MYSQL_COLUMN_STRING = 254,
    MYSQL_COLUMN_GEOMETRY = 255,
};

typedef struct BinlogColumn {
    unsigned type; /* STRING is resolved: to ENUM and SET where it stands for them */
    /* What the metadata say:
     *   FLOAT, DOUBLE             length: bytes of a value
     *   VARCHAR, VAR_STRING       length: bytes at most
     *   STRING                    length: bytes at most
     *   ENUM, SET                 length: bytes of a value
     *   BLOB, JSON, GEOMETRY …    length: bytes of the length in front of a value
     *   BIT                       length: bits
     *   NEWDECIMAL                length: precision, decimals: scale
     *   TIME2, DATETIME2, TIMESTAMP2   decimals: digits of a second's fraction */
    unsigned length;
    unsigned decimals;
    bool may_be_null;
    bool is_unsigned;   /* where has_signs */
    unsigned collation; /* where has_collations, of character columns, enums and sets; 63: binary;
                           0: not told */
    Text name;          /* where has_names */
    const Text *labels; /* where has_labels: bytes in the column's character set */
    size_t label_count;
} BinlogColumn;

typedef struct BinlogTableMap {
    uint64_t id;
    Text schema;
    Text name;
    BinlogColumn *columns;
    size_t column_count;
    size_t *key; /* where has_key: the primary key's columns in its order; none: there is none, or
                    it is not told */
    size_t key_count;
    bool has_signs;
    bool has_collations;
    bool has_names;      /* FULL */
    bool has_labels;     /* of every enum and set; FULL */
    bool has_key;        /* FULL: key is what the table has */
    bool has_end_marker; /* id 0xFFFFFF: ends a statement's maps, names no table */
} BinlogTableMap;

/* All of it in the arena, copied. */
bool binlog_read_table_map(const BinlogFormat *format, const BinlogEvent *event, Arena *arena,
    BinlogTableMap *ret_map, Error *err) MUST_CHECK;
/*
 * MariaDB logs each change of a sequence as a row of a table of its name, with eight columns that
 * it names itself, none of which can be null. Could this be one? Where the map has names, it is.
 */
bool binlog_table_map_is_sequence(const BinlogTableMap *map);
/* Only the id, and whether body is the same, byte for byte, but for the id, as last (an earlier
 * event's body): most maps repeat an earlier one. */
uint64_t binlog_table_map_id(const BinlogEvent *event);
bool binlog_table_map_same(const BinlogEvent *event, Text last_body);
