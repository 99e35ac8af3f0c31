/*
 * jsonl.h - source "jsonl": a transaction log that wal2json wrote, one JSON object a line
 *
 * The lines are those of source/wal2json.h, the files those of source/lines.h. Recorded for example
 * with pg_recvlogical -P wal2json -o format-version=2 -o include-xids=1 -o include-timestamp=1
 * -o include-lsn=1 -o include-pk=1.
 *
 * Transactions. With lines B and C (include-transaction) they are exactly those. Without them,
 * lines in a row that have the same xid (include-xids) are one transaction, which ends where the
 * xid changes, at the end of a log that is not followed, or, followed, after transaction_wait
 * without a further line. Without xid each line is a transaction of its own. Messages (M) are
 * passed over.
 *
 * The commit time is the timestamp of B, else of the transaction's first line.
 *
 * Position: "file:offset:line:check[:lsn]". offset bytes and line lines of the file are read, check
 * is XXH3 (16 hexadecimal digits) of up to 4096 bytes before the offset, lsn that of the commit
 * where the log has it. Opening there fails with ERR_SOURCE when the file is missing, shorter or
 * has other content. On standard input, which cannot seek, transactions up to the position's lsn
 * are passed over; without an lsn in the position, or in the log's B lines, going on is refused.
 *
 * Repeated transactions. pg_recvlogical, started anew after a stop, writes again what it had not
 * yet reported as flushed. With B lines that have lsn and timestamp such transactions are passed
 * over (skip_repeated), where a commit lsn goes back without its time going back as well the log is
 * refused; a transaction in the middle of which the recorder was stopped goes on where it was,
 * after a comparison of the lines that come again.
 *
 * Torn end: a last line without line end is taken when it is one whole JSON object. Otherwise a log
 * that is followed waits for the rest; else the source ends there, its transaction is left out, and
 * notice() tells. The same holds for a transaction without its C. Whether the run of one xid before
 * a torn line is complete is not known: it is left out too.
 */
#pragma once

#include "source/source.h"

typedef struct JsonlOptions {
    const char *path;
    const char *pattern;
    bool follow;
    int64_t poll_interval_ms;
    int64_t transaction_wait_ms;
    int64_t max_line;
    bool skip_repeated;
} JsonlOptions;

extern const SourceDriver source_jsonl;
