/*
 * bootstrap.h - loading the rows that are there before the stream, and handing over to it
 *
 * All tables of a run are read from one snapshot of the source (source/snapshot.h), whose position
 * C is an exact cut: it holds the transactions that begin before C. Rows travel as changes do:
 * table rules, CSV blocks (a chunk of rows is one transaction of one block), merge script,
 * position. Each table has a row of its own in dray_position while it is copied, and its blocks in
 * <block.directory>/bootstrap/<schema>.<table>/.
 *
 * bootstrap.c  the run: locks, snapshot, workers, the end
 * jobs.c       which tables, and how each is begun
 * copy.c       one table: chunks into blocks, blocks into the target
 * control.c    what the run itself writes in the target
 * handover.c   the tables' changes behind the snapshot, while a service runs
 *
 * Why no row is lost or doubled. A table is in dray_bootstrap (target/bootstrap_state.h) as copying
 * before its snapshot is taken or its changes can reach the stream, and as ready with a position P
 * once the target holds exactly the transactions before P. The service passes over what the table
 * already holds, so that it goes on exactly at P.
 *
 * Without a service running the run has the service's lock, and P is C. The main slot is there
 * before the snapshot, so that the stream has everything from C on:
 *
 *     killed before copying is written       nothing has happened
 *     killed before ready is written         the service passes over all changes of the table;
 *                                            its bootstrap must be started again
 *     killed after it                        the table is done
 *
 * A table that is started again is emptied by its first block (TRUNCATE, the script's @truncate).
 * Where that is not possible (append.sql and history.sql keep every line; --keep; a target table
 * that several source tables share; one with partitions, since all rows go to the partition of the
 * snapshot's time, and another snapshot may be of another partition), the whole table is first
 * written to blocks on disk, and only then loaded: killed while it is written, nothing of it is in
 * the target; killed while it is loaded, the next run goes on behind the last chunk that was
 * committed, exactly.
 *
 * With a service running, copying is written while the service is held (apply/hold/hold.h), so that
 * it has forgotten what it knew of the table when it goes on; a table that is not published yet is
 * published in the same hold. After the copy a pipeline of our own
 * streams the tables' changes behind the snapshot. Then the service is held at E; ours goes on to
 * the first transaction at or behind E and stops (if it was further already, at X, the service goes
 * on to X: E is X then). Now the target holds, of these tables, exactly what begins before E, and
 * the service has read nothing behind it: ready is written with E, and the service released. In
 * that transaction the service's own row in dray_position is locked and compared: a service that
 * was started again meanwhile has another fence, and may have passed over changes behind E; then
 * nothing is written, and the tables stay copying.
 *
 *     killed in the hold, before ready       as before ready above
 *     killed after it                        our end releases the service; it reads ready, E
 *     the service ends in the hold           its fence is the same until it is started again:
 * either ready comes first, and it reads that; or it comes first, and ready is not written
 *
 * Where the service at E has not come as far as the snapshot, our stream, which tells C before all
 * else, ends there: X is C, and the service passes over what is before it when it comes there.
 *
 * A source whose transactions may be in a snapshot in part (a PgQ batch is many transactions of
 * the database; SourceDriver.cut). Then C is a place inside of a transaction, "before C" is asked
 * of each change by its own place (router.h), and of the transaction only to know that all further
 * ones are behind. All of the above holds with changes in place of transactions: without a service
 * P is C, and the changes of the partly held transaction that are behind C pass; with one, our own
 * stream leaves out what C holds and ends with whole transactions, so that E is a place between two
 * of them, or C itself. What makes the order exact is the source's: changes are before C just if
 * the snapshot sees them.
 */
#pragma once

#include "apply/context.h"

typedef struct BootstrapFigures {
    uint64_t rows; /* committed in the target */
    uint64_t all_rows;
    uint64_t bytes; /* of their CSV files */
    uint64_t tables;
    uint64_t all_tables;
} BootstrapFigures;

typedef struct BootstrapOptions {
    const char *const *tables; /* globs over "schema.table" of the source, ended by NULL; none: all
                                  that are published */
    bool again;                /* also those that are ready */
    bool replace;              /* empty the target table first; also those that are ready */
    bool keep;                 /* what is in the target table stays */
    /* Both on the caller's thread, and with progress_context; NULL: not wanted. progress a few
     * times a second; tell for each line that a person should read. */
    void (*progress)(void *context, const BootstrapFigures *figures);
    void (*tell)(void *context, bool is_warning, const char *line);
    void *progress_context;
} BootstrapOptions;

typedef struct BootstrapTotals {
    uint64_t tables; /* ready now */
    uint64_t failed;
    uint64_t left_alone; /* ready before */
    uint64_t unfinished; /* in state copying: stopped, or failed */
    uint64_t rows;
    uint64_t bytes;
    int64_t elapsed_us;
    char position[256]; /* from where on the stream counts; "" where no table is ready */
} BootstrapTotals;

/*
 * False with the first failure; the other tables go on, each failure is told. ERR_STOPPED after a
 * stop request: STOP_AFTER_BLOCK ends after the chunks that run. ERR_FENCED while another bootstrap
 * of the service runs. *ret_totals is always set.
 */
bool bootstrap_run(const Context *context, const BootstrapOptions *options,
    BootstrapTotals *ret_totals, Error *err) MUST_CHECK;
