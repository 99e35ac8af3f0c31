#include "source/postgres_snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/stop.h"
#include "source/postgres_reader.h"

/* CREATE_REPLICATION_SLOT has its options in parentheses since this server. */
#define VERSION_SLOT_OPTIONS 150000
typedef struct PostgresSnapshot {
    Snapshot base;
    const PostgresSourceOptions *options; /* of the configuration */
    PostgresConnection *replication;      /* holds slot and snapshot; NULL once handed over */
    Buf publication;
    Buf slot;
    Buf name; /* of the exported snapshot */
    Buf position;
} PostgresSnapshot;

static void
close_snapshot(Snapshot *base)
{
    PostgresSnapshot *snapshot = (PostgresSnapshot *)base;

    if (snapshot == NULL)
        return;
    postgres_connection_close(snapshot->replication);
    buf_clear(&snapshot->publication);
    buf_clear(&snapshot->slot);
    buf_clear(&snapshot->name);
    buf_clear(&snapshot->position);
    free(snapshot);
}

/* For whom the server waits: "process 4711 (user app, application psql, since …)". */
static void
add_blockers(const PostgresSnapshot *snapshot, Buf *who)
{
    static const char sql[] =
        "SELECT b.pid, a.usename, a.application_name, a.xact_start::timestamptz(0) FROM"
        " unnest(pg_blocking_pids($1::int)) AS b(pid) LEFT JOIN pg_stat_activity a USING (pid)";
    CLEANUP(postgres_connection_close) PostgresConnection *connection = NULL;
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    char pid[24];
    const char *param = pid;
    Error ignored;

    (void)snprintf(pid, sizeof(pid), "%d", PQbackendPID(snapshot->replication->pq));
    connection = postgres_connection_open(snapshot->options, POSTGRES_ORDINARY, &ignored);
    if (connection == NULL ||
        !postgres_connection_query(connection, sql, &param, 1, &result, &ignored))
        return;
    for (int row = 0; row < PQntuples(result); row++) {
        buf_add_string(who, row == 0 ? ": " : ", ");
        if (text_is(postgres_result_text(result, row, 0), "0"))
            buf_add_string(who, "a prepared transaction (see pg_prepared_xacts)");
        else
            buf_addf(who, "process %s (user %s, application \"%s\", since %s)",
                PQgetvalue(result, row, 0), PQgetvalue(result, row, 1), PQgetvalue(result, row, 2),
                PQgetvalue(result, row, 3));
    }
}

static bool
stopped_waiting(PostgresSnapshot *snapshot, Error *err)
{
    CLEANUP(buf_clear) Buf who = BUF_INIT;
    char reason[256];
    PGcancel *cancel;

    if (stop_level() < STOP_NOW)
        add_blockers(snapshot, &who);
    /* the server would go on waiting, without anybody who wants the slot */
    cancel = PQgetCancel(snapshot->replication->pq);
    if (cancel != NULL)
        (void)PQcancel(cancel, reason, sizeof(reason));
    PQfreeCancel(cancel);
    return error_set(err, ERR_STOPPED,
        "stopped while the server waited for transactions to end that had begun before the "
        "snapshot%s",
        buf_string(&who));
}

static void
add_slot_statement(const PostgresSnapshot *snapshot, Buf *sql)
{
    buf_addf(sql, "CREATE_REPLICATION_SLOT \"%s\" TEMPORARY LOGICAL pgoutput %s",
        buf_string(&snapshot->slot),
        PQserverVersion(snapshot->replication->pq) >= VERSION_SLOT_OPTIONS ? "(SNAPSHOT 'export')"
                                                                           : "EXPORT_SNAPSHOT");
}

static bool
slot_error(Error *err)
{
    if (strcmp(err->sqlstate, "53400") == 0) {
        err->retriable = true;
        return error_wrap(err,
            "a snapshot needs a replication slot for a moment: drop one that nobody uses, or raise "
            "max_replication_slots");
    }
    return error_wrap(err, "make a temporary replication slot for a snapshot");
}

static bool
make_slot(PostgresSnapshot *snapshot, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(postgres_result_free) PGresult *end = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    PGconn *pq = snapshot->replication->pq;

    buf_addf(
        &snapshot->slot, "dray_snapshot_%ld_%" PRIx64, (long)getpid(), (uint64_t)clock_now_us());
    add_slot_statement(snapshot, &sql);
    if (PQsendQuery(pq, buf_string(&sql)) != 1)
        return postgres_connection_error(snapshot->replication, NULL, err);
    while (PQisBusy(pq) != 0 && postgres_connection_wait(snapshot->replication, -1))
        if (PQisBusy(pq) != 0 && stop_level() != STOP_NONE)
            return stopped_waiting(snapshot, err);
    if (!postgres_connection_result(snapshot->replication, &result, err))
        return slot_error(err);
    if (PQntuples(result) != 1 || PQnfields(result) < 3)
        return error_set(err, ERR_SOURCE, "the server told no snapshot for slot \"%s\"",
            buf_string(&snapshot->slot));
    buf_add_text(&snapshot->position, postgres_result_text(result, 0, 1));
    buf_add_text(&snapshot->name, postgres_result_text(result, 0, 2));
    return postgres_connection_result(snapshot->replication, &end, err);
}

static Snapshot *
open_snapshot(const SourceStart *start, Error *err)
{
    CLEANUP(snapshot_close) Snapshot *base = NULL;
    PostgresSnapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (snapshot == NULL)
        abort();
    base = &snapshot->base;
    base->driver = &postgres_snapshot;
    snapshot->options = start->options;
    postgres_publication_name(start->service, snapshot->options, &snapshot->publication);
    snapshot->replication = postgres_connection_open(start->options, POSTGRES_REPLICATION, err);
    if (snapshot->replication == NULL || !make_slot(snapshot, err))
        return NULL;
    return STEAL(base);
}

static Text
snapshot_position(const Snapshot *base)
{
    return buf_text(&((const PostgresSnapshot *)base)->position);
}

bool
postgres_snapshot_take(
    Snapshot *base, PostgresConnection **ret_connection, Buf *ret_slot, Error *err)
{
    PostgresSnapshot *snapshot = (PostgresSnapshot *)base;

    if (snapshot->replication == NULL)
        return error_set(err, ERR_INTERNAL, "the snapshot's slot was handed over before");
    buf_add_text(ret_slot, buf_text(&snapshot->slot));
    *ret_connection = STEAL(snapshot->replication);
    return true;
}

static bool
find_table(PostgresConnection *connection, Text published_by, Text schema, Text name, Arena *arena,
    PostgresTable **ret_table, Error *err)
{
    PostgresPublication publication;

    return postgres_publication_read(connection, published_by, arena, &publication, err) &&
           postgres_tables_find(connection, &publication, schema, name, arena, ret_table, err);
}

static SnapshotReader *
reader_open(Snapshot *base, Error *err)
{
    PostgresSnapshot *snapshot = (PostgresSnapshot *)base;
    PostgresReaderStart start = {.options = snapshot->options,
        .snapshot = buf_string(&snapshot->name),
        .find = find_table,
        .published_by = buf_text(&snapshot->publication)};

    if (snapshot->replication != NULL)
        return postgres_reader_open(&start, err);
    (void)error_set(err, ERR_INTERNAL, "the snapshot was handed over to a stream");
    return NULL;
}

const SnapshotDriver postgres_snapshot = {
    .open = open_snapshot,
    .close = close_snapshot,
    .position = snapshot_position,
    .reader_open = reader_open,
    .reader_close = postgres_reader_close,
    .describe = postgres_reader_describe,
    .read = postgres_reader_read,
    .next = postgres_reader_next,
    .query = postgres_reader_query,
    .canonical = postgres_reader_canonical,
    .identifier_quote = '"',
};
