/*
 * event.h - one event of a MySQL or MariaDB binary log: header, checksum, and what is in it
 *
 * Pure: bytes in, a struct out. Texts are views into the event's bytes, or into the caller's
 * scratch where they had to be unpacked. Errors are ERR_SOURCE and name the event's type and the
 * byte; they are not retriable, but for a wrong checksum, which is.
 *
 * Sources: MySQL documentation, "MySQL Internals: The Binary Log" and the source documentation's
 * "Replication Protocol" (page "Binary Log Event"); MariaDB documentation, "Replication Protocol".
 *
 * All integers are little-endian. An event of version 4:
 *
 *     header, 19 bytes
 *       Int32 time (seconds since 1970)   Int8 type   Int32 server_id   Int32 size (all of it)
 *       Int32 offset behind it in its file, modulo 2^32; 0: made by the server for us
 *       Int16 flags
 *     post-header (its length by type is in the FORMAT_DESCRIPTION event), payload
 *     Int32 CRC-32 of all bytes before it, where the file has checksums
 *
 * The layout of each type is written above its struct below.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

#define BINLOG_HEADER_SIZE 19

/* The types that are known. Others are passed over where BINLOG_FLAG_IGNORABLE is set, and refused
 * where not. */
typedef enum BinlogEventType {
    BINLOG_QUERY = 2,
    BINLOG_STOP = 3,
    BINLOG_ROTATE = 4,
    BINLOG_INTVAR = 5,
    BINLOG_RAND = 13,
    BINLOG_USER_VAR = 14,
    BINLOG_FORMAT_DESCRIPTION = 15,
    BINLOG_XID = 16,
    BINLOG_BEGIN_LOAD_QUERY = 17,
    BINLOG_EXECUTE_LOAD_QUERY = 18,
    BINLOG_TABLE_MAP = 19,
    BINLOG_WRITE_ROWS_V1 = 23,
    BINLOG_UPDATE_ROWS_V1 = 24,
    BINLOG_DELETE_ROWS_V1 = 25,
    BINLOG_INCIDENT = 26,
    BINLOG_HEARTBEAT = 27,
    BINLOG_IGNORABLE = 28,
    BINLOG_ROWS_QUERY = 29,
    BINLOG_WRITE_ROWS = 30,
    BINLOG_UPDATE_ROWS = 31,
    BINLOG_DELETE_ROWS = 32,
    BINLOG_GTID = 33, /* MySQL */
    BINLOG_ANONYMOUS_GTID = 34,
    BINLOG_PREVIOUS_GTIDS = 35,
    BINLOG_TRANSACTION_CONTEXT = 36,
    BINLOG_VIEW_CHANGE = 37,
    BINLOG_XA_PREPARE = 38,
    BINLOG_PARTIAL_UPDATE_ROWS = 39, /* MySQL: JSON diffs */
    BINLOG_TRANSACTION_PAYLOAD = 40, /* MySQL: a whole transaction, compressed with zstd */
    BINLOG_HEARTBEAT_V2 = 41,
    BINLOG_GTID_TAGGED = 42, /* MySQL 8.3 and later */
    /* MariaDB */
    BINLOG_ANNOTATE_ROWS = 160,
    BINLOG_CHECKPOINT = 161,
    BINLOG_MARIADB_GTID = 162,
    BINLOG_GTID_LIST = 163,
    BINLOG_START_ENCRYPTION = 164,
    BINLOG_QUERY_COMPRESSED = 165,
    BINLOG_WRITE_ROWS_COMPRESSED_V1 = 166,
    BINLOG_UPDATE_ROWS_COMPRESSED_V1 = 167,
    BINLOG_DELETE_ROWS_COMPRESSED_V1 = 168,
    BINLOG_WRITE_ROWS_COMPRESSED = 169,
    BINLOG_UPDATE_ROWS_COMPRESSED = 170,
    BINLOG_DELETE_ROWS_COMPRESSED = 171,
} BinlogEventType;

enum {
    BINLOG_FLAG_IN_USE = 0x01,     /* FORMAT_DESCRIPTION: the file is being written */
    BINLOG_FLAG_ARTIFICIAL = 0x20, /* made by the server, not in the file */
    BINLOG_FLAG_IGNORABLE = 0x80,
};

/* "WRITE_ROWS_V1" …; "type 77" for one that is not known (in the buffer). */
const char *binlog_type_name(unsigned type, char buffer[16]);

/* What a file's FORMAT_DESCRIPTION event says of the events behind it. Zeroed before the first one:
 * then post-headers have the lengths of the current versions, and only an event that ends in its
 * own checksum is taken to have one (the ROTATE that a server makes up at the beginning has it when
 * the replica said that it knows checksums). */
typedef struct BinlogFormat {
    char server_version[51];
    bool is_mariadb;
    bool has_checksum;
    uint8_t post_header[256]; /* length by type; 0 where the file does not say */
} BinlogFormat;

typedef struct BinlogEvent {
    uint32_t time;
    unsigned type; /* BinlogEventType, or another */
    uint32_t server_id;
    uint32_t size;
    uint32_t end_offset; /* modulo 2^32; 0 where the event is not in the file */
    unsigned flags;
    Text body; /* post-header and payload, without the checksum; never NULL */
} BinlogEvent;

/* The size of an event whose header (BINLOG_HEADER_SIZE bytes) is there: how much to read. */
uint32_t binlog_event_size(Text header);

/* Split the header off, and check size and checksum. A FORMAT_DESCRIPTION event has a checksum
 * always, which is checked where it says that the file has them. */
bool binlog_event_read(const BinlogFormat *format, Text bytes, BinlogEvent *ret_event, Error *err)
    MUST_CHECK;

/*
 * FORMAT_DESCRIPTION   Int16 version (4)   byte[50] server version   Int32 time   Int8 19
 *                      Int8[] post-header lengths of the types from 1 on   Int8 checksum (0, 1)
 * (a server from before checksums has no last byte: none of those are supported).
 */
bool binlog_read_format(const BinlogEvent *event, BinlogFormat *ret_format, Error *err) MUST_CHECK;

/* ROTATE               Int64 offset   bytes: the next file's name */
typedef struct BinlogRotate {
    uint64_t offset;
    Text file;
} BinlogRotate;
bool binlog_read_rotate(const BinlogEvent *event, BinlogRotate *ret, Error *err) MUST_CHECK;

/*
 * QUERY                Int32 thread   Int32 seconds it took   Int8 length of the schema
 *                      Int16 error   Int16 length of the status variables
 *                      status variables   schema   NUL   the statement
 * QUERY_COMPRESSED     the statement as MariaDB compresses (binlog/compress.h)
 * Of the status variables only sql_mode (code 1) and the character set of the client (code 4) are
 * read.
 */
typedef struct BinlogQuery {
    Text schema;      /* the session's database; "" none */
    Text statement;   /* as the client sent it: in the character set of the client */
    unsigned error;   /* the statement failed in part with this number; 0: it did not */
    unsigned charset; /* collation number of the client's character set; 0: not told */
    bool ansi_quotes; /* sql_mode has ANSI_QUOTES: see statement_read() */
} BinlogQuery;
bool binlog_read_query(const BinlogFormat *format, const BinlogEvent *event, Buf *scratch,
    BinlogQuery *ret, Error *err) MUST_CHECK;

/* GTID of MariaDB      Int64 sequence   Int32 domain   Int8 flags
 *                      flags & 2: Int64 commit id
 *                      flags & (0x40 | 0x80): Int32 format   Int8 gtrid length
 *                      Int8 bqual length   bytes: gtrid and bqual
 *                      Int8 more flags, where the event goes on; zeros up to 19 bytes
 * (the server is the header's server_id) */
enum {
    MARIADB_GTID_STANDALONE = 0x01, /* one statement without BEGIN and COMMIT */
    MARIADB_GTID_COMMIT_ID = 0x02,  /* committed together with others */
    MARIADB_GTID_DDL = 0x20,
    MARIADB_GTID_PREPARED_XA = 0x40,
    MARIADB_GTID_COMPLETED_XA = 0x80,
};

/* An XA transaction's name, as XA statements write it. */
typedef struct BinlogXid {
    uint32_t format;
    Text gtrid;
    Text bqual;
} BinlogXid;

typedef struct BinlogMariadbGtid {
    uint64_t sequence;
    uint32_t domain;
    unsigned flags;
    BinlogXid xid;     /* of XA transactions */
    bool alter_starts; /* binlog_alter_two_phase: the ALTER TABLE behind it only begins, and comes
                          a second time when it has been done */
    bool alter_fails;  /* the same: it was rolled back */
} BinlogMariadbGtid;
bool binlog_read_mariadb_gtid(const BinlogEvent *event, BinlogMariadbGtid *ret, Error *err)
    MUST_CHECK;

/* GTID of MySQL        Int8 flags   byte[16] source   Int64 number   Int8 2
 *                      Int64 last committed   Int64 sequence
 *                      Int56 immediate commit time, microseconds; the highest bit: Int56 original
 *                      commit time follows …
 * GTID_TAGGED          fields as MySQL's library mysql::serialization writes them
 * ANONYMOUS_GTID       as GTID, source and number 0 */
typedef struct BinlogMysqlGtid {
    uint8_t source[16];
    uint64_t number;        /* 0: anonymous */
    Text tag;               /* "" none */
    int64_t commit_time_us; /* the original one; TIME_UNKNOWN where not told */
} BinlogMysqlGtid;
bool binlog_read_mysql_gtid(const BinlogEvent *event, BinlogMysqlGtid *ret, Error *err) MUST_CHECK;

/* HEARTBEAT            the name of the file; its offset is the header's
 * HEARTBEAT_V2         fields: Int8 kind, length-encoded length, bytes; 1: the file's name, 2: the
 *                      offset, a length-encoded integer; 0: the end */
typedef struct BinlogHeartbeat {
    Text file;
    uint64_t offset;
} BinlogHeartbeat;
bool binlog_read_heartbeat(const BinlogEvent *event, BinlogHeartbeat *ret, Error *err) MUST_CHECK;

/* XA_PREPARE           Int8 one phase   Int32 format   Int32 gtrid length   Int32 bqual length
 *                      bytes: gtrid and bqual */
typedef struct BinlogXaPrepare {
    bool one_phase; /* XA COMMIT … ONE PHASE: the transaction ends here */
    BinlogXid xid;
} BinlogXaPrepare;
bool binlog_read_xa_prepare(const BinlogEvent *event, BinlogXaPrepare *ret, Error *err) MUST_CHECK;

/* INCIDENT             Int16 number (1: lost events)   Int8 length   bytes: message */
bool binlog_read_incident(const BinlogEvent *event, Text *ret_message, Error *err) MUST_CHECK;
