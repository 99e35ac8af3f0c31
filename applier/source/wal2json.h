/*
 * wal2json.h - one line of wal2json's format version 2 -> a decoded action
 *
 * The format is that of wal2json's README, section "format version 2": one JSON object a line.
 *
 *     {"action":"B","xid":745,"timestamp":"2026-11-21 09:06:59.17+00","lsn":"0/155DA80"}
 *     {"action":"I","schema":"public","table":"item","columns":[
 *         {"name":"id","type":"integer","value":1}, …],"pk":[{"name":"id","type":"integer"}]}
 *     {"action":"U", …, "columns":[the new row],"identity":[the old key, or the old row]}
 *     {"action":"D", …, "identity":[…]}     {"action":"T","schema":"public","table":"item"}
 *     {"action":"M", …}                     {"action":"C", …}
 *
 * All but action, table, columns and identity depends on options of the slot's reader
 * (include-xids, include-timestamp, include-lsn, include-schemas, include-types, include-pk …);
 * fields that are not needed (origin, nextlsn, optional, default, position, typeoid …) are passed
 * over.
 *
 * What the format cannot tell: NaN and infinite numbers are written as null by wal2json, so that
 * they arrive as null. Changes of a table without replica identity other than INSERT are not
 * written by it at all.
 *
 * Shapes. The decoder owns the Tables it hands out; they live until it is freed. Memory grows with
 * the number of different shapes of the log's tables, not with its rows. The last row of a table
 * with all columns (an INSERT, or an UPDATE that is not a part of it) is its full shape:
 *
 *   - An UPDATE that lacks columns of the full shape is one with unchanged TOAST values. They are
 *     taken from identity where it has them (REPLICA IDENTITY FULL); else the change has a shape of
 *     the columns that are there, so that the others keep their values in the target. Where such an
 *     update changes the key too, there is no row in the target that could keep them: an error.
 *   - A DELETE has the full shape, with VALUE_ABSENT for what identity does not have; a shape of
 *     identity's columns alone where the table is not known yet.
 *
 * The key is the pk array's (include-pk), else identity's where that is a part of the row. An
 * identity that lacks a column of pk (REPLICA IDENTITY USING INDEX) is the key instead of it,
 * because a DELETE tells nothing else.
 *
 * Columns without types (include-types=0) are LOGICAL_UNKNOWN, or LOGICAL_BOOL from the first true
 * or false on.
 */
#pragma once

#include "base/error.h"
#include "event/event.h"

typedef enum WalAction {
    WAL_BEGIN,
    WAL_COMMIT,
    WAL_CHANGE,
    WAL_TRUNCATE,
    WAL_MESSAGE,
} WalAction;

/* A decoded line. Texts and values are views into the line and the decoder. */
typedef struct WalLine {
    WalAction action;
    bool has_xid;
    bool has_lsn;
    uint64_t xid;
    uint64_t lsn;   /* BEGIN and COMMIT: of the commit; else of the change */
    Text timestamp; /* of the commit; TEXT_NONE where there is none */
    Change change;  /* CHANGE */
    Text schema;    /* CHANGE, TRUNCATE; "" without include-schemas */
    Text table;
} WalLine;

typedef struct Wal2json Wal2json;

Wal2json *wal2json_new(void) MUST_CHECK;
void wal2json_free(Wal2json *decoder);
CLEANUP_DEFINE(Wal2json *, wal2json_free);

/*
 * Decode a line, which has no line end. Escaped strings are decoded in place: the line's bytes are
 * not the same afterwards. What *ret_line points to is valid until the next call, as long as the
 * line is. Errors are ERR_DATA: "column N: …", or "table s.t: …".
 */
bool wal2json_decode(Wal2json *decoder, char *line, size_t len, WalLine *ret_line, Error *err)
    MUST_CHECK;

/* "16/B374D848" -> number; false when it is not one. */
bool wal2json_parse_lsn(Text text, uint64_t *ret_lsn) MUST_CHECK;
