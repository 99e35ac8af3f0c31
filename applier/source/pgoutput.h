/*
 * pgoutput.h - one message of PostgreSQL's logical decoding plugin pgoutput, decoded
 *
 * Pure: bytes in, a struct out. Source: PostgreSQL documentation, section "Logical Replication
 * Message Formats" (and "Logical Streaming Replication Protocol" for their order). Integers are
 * big-endian; a string ends in NUL; an LSN is an Int64, a time an Int64 of microseconds since
 * 2000-01-01 UTC.
 *
 *     Begin     'B'  Int64 LSN of the commit record   Int64 commit time   Int32 xid
 *     Commit    'C'  Int8 flags (0)   Int64 LSN of the commit record   Int64 LSN behind it
 *                    Int64 commit time
 *     Origin    'O'  Int64 LSN at the origin   String name
 *     Relation  'R'  Int32 oid   String schema ("" is pg_catalog)   String name
 *                    Int8 replica identity ('d' 'i' 'f' 'n')   Int16 columns
 *                    a column:  Int8 flags (1: part of the identity)   String name
 *                               Int32 type's oid   Int32 type modifier
 *     Type      'Y'  Int32 oid   String schema   String name
 *     Insert    'I'  Int32 oid   'N' tuple
 *     Update    'U'  Int32 oid   ['K' tuple | 'O' tuple]   'N' tuple
 *     Delete    'D'  Int32 oid   'K' tuple | 'O' tuple
 *     Truncate  'T'  Int32 relations   Int8 options (1: CASCADE, 2: RESTART IDENTITY)
 *                    Int32 oid each
 *     Message   'M'  Int8 flags (1: part of a transaction)   Int64 LSN   String prefix
 *                    Int32 length   bytes
 *     tuple          Int16 columns   a column:  'n' null
 *                                               'u' an unchanged value that lies outside the row
 *                                               't' Int32 length   bytes
 *     'K' is the old row with null in place of what is not part of the identity, 'O' the whole old
 *     row (REPLICA IDENTITY FULL).
 *
 * Protocol version. Version 1 is all that is needed, and every server from 12 to 17 speaks it;
 * later versions only add what is not asked for here:
 *   2  streaming of transactions in progress. A commit block has whole transactions in commit
 *      order: pieces of unfinished ones would have to be spooled here until they commit, or thrown
 *      away. The server spools them already (logical_decoding_work_mem), so that memory here stays
 *      flat as it is.
 *   3  prepared transactions before their end: they come at COMMIT PREPARED instead, like others.
 *   4  parallel apply of streamed transactions.
 * Binary values are off: they save the server little (text is what the CSV files need, so it would
 * be made here instead), and their formats may differ between versions and extensions. A message of
 * another kind, or a tuple with a binary value, is an error that names the letter and its place.
 */
#pragma once

#include "base/error.h"
#include "event/value.h"

typedef enum PgoutputKind {
    PGOUTPUT_BEGIN,
    PGOUTPUT_COMMIT,
    PGOUTPUT_ORIGIN,
    PGOUTPUT_RELATION,
    PGOUTPUT_TYPE,
    PGOUTPUT_INSERT,
    PGOUTPUT_UPDATE,
    PGOUTPUT_DELETE,
    PGOUTPUT_TRUNCATE,
    PGOUTPUT_MESSAGE,
} PgoutputKind;

typedef struct PgoutputColumn {
    Text name;
    uint32_t type;
    int32_t modifier;
    bool in_identity;
} PgoutputColumn;

/* Which old row a change has. */
typedef enum PgoutputOld {
    PGOUTPUT_OLD_NONE,
    PGOUTPUT_OLD_KEY, /* 'K' */
    PGOUTPUT_OLD_ROW, /* 'O' */
} PgoutputOld;

/* What belongs to the message's kind is set. Texts are views into the message, arrays belong to
 * the decoder; both are valid until the next call. */
typedef struct PgoutputMessage {
    PgoutputKind kind;
    PgoutputOld old;  /* UPDATE, DELETE */
    uint64_t lsn;     /* BEGIN, COMMIT: of the commit record; MESSAGE: its own; ORIGIN: there */
    uint64_t end_lsn; /* COMMIT: behind the commit record */
    int64_t time_us;  /* BEGIN, COMMIT: since 1970 */
    uint32_t xid;     /* BEGIN */
    uint32_t oid;     /* RELATION, INSERT, UPDATE, DELETE: of the table; TYPE: of the type */
    Text schema;      /* RELATION, TYPE; "pg_catalog" where the message has "" */
    Text name;        /* RELATION, TYPE, ORIGIN; MESSAGE: prefix */
    Text content;     /* MESSAGE */
    const PgoutputColumn *columns; /* RELATION */
    size_t column_count;
    Value *before;       /* UPDATE, DELETE with an old row: value_count values; 'K' as it came */
    Value *after;        /* INSERT, UPDATE */
    size_t before_count; /* values in before, 0 where there is none */
    size_t after_count;
    const uint32_t *oids; /* TRUNCATE */
    size_t oid_count;
    char identity;         /* RELATION */
    bool cascade;          /* TRUNCATE */
    bool restart_identity; /* TRUNCATE */
    bool transactional;    /* MESSAGE */
} PgoutputMessage;

typedef struct Pgoutput Pgoutput;

Pgoutput *pgoutput_new(void) MUST_CHECK;
void pgoutput_free(Pgoutput *decoder);
CLEANUP_DEFINE(Pgoutput *, pgoutput_free);

/* Errors are ERR_SOURCE: "pgoutput message 'I', byte 7: …". */
bool pgoutput_decode(Pgoutput *decoder, Text message, PgoutputMessage *ret, Error *err) MUST_CHECK;

/* "16/B374D848" from a number and back; the text is written with a NUL behind it, and returned. */
#define LSN_TEXT_SIZE 18
Text lsn_format(uint64_t lsn, char text[LSN_TEXT_SIZE]);
bool lsn_parse(Text text, uint64_t *ret_lsn) MUST_CHECK;
