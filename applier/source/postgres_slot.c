#include "source/postgres_slot.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/stop.h"
#include "source/pgoutput.h"

/* The WAL writer flushes at least this often, unless it was told to be lazy. */
#define FLUSH_WAIT_MS 1000
#define FLUSH_STEP_MS 20

static const char begin_anew[] =
    "make a new one and load the tables again (dray uninstall, dray install, dray bootstrap)";

static bool
missing_slot(const PostgresSlotWanted *wanted, Error *err)
{
    if (wanted->position == 0)
        return error_set(err, ERR_SOURCE,
            "replication slot \"" TEXT_FMT "\" does not exist: dray install makes it",
            TEXT_ARG(wanted->slot));
    return error_set(err, ERR_SOURCE,
        "replication slot \"" TEXT_FMT "\" does not exist any more, and with it the changes since "
        "the target's position are lost: %s",
        TEXT_ARG(wanted->slot), begin_anew);
}

static bool
slot_ahead(const PostgresSlotWanted *wanted, uint64_t confirmed, Error *err)
{
    char at[LSN_TEXT_SIZE];
    char from[LSN_TEXT_SIZE];

    (void)lsn_format(confirmed, at);
    (void)lsn_format(wanted->position, from);
    return error_set(err, ERR_SOURCE,
        "replication slot \"" TEXT_FMT "\" was confirmed up to %s, which is ahead of the target's "
        "position %s: the server does not send again what lies between, so it would be missing in "
        "the target. Was the target restored, or the slot advanced by somebody else? Bring the "
        "target there with retained blocks (dray replay), or load the tables again (dray "
        "bootstrap)",
        TEXT_ARG(wanted->slot), at, from);
}

enum {
    SLOT_TYPE,
    SLOT_PLUGIN,
    SLOT_DATABASE,
    SLOT_HERE, /* the connection's database */
    SLOT_CONFIRMED,
    SLOT_STATUS,
    SLOT_RETAINED,
};

static bool
check_slot_row(
    const PGresult *row, const PostgresSlotWanted *wanted, uint64_t *ret_confirmed, Error *err)
{
    const char *plugin = PQgetvalue(row, 0, SLOT_PLUGIN);
    Text database = postgres_result_text(row, 0, SLOT_DATABASE);
    Text here = postgres_result_text(row, 0, SLOT_HERE);

    if (strcmp(PQgetvalue(row, 0, SLOT_TYPE), "logical") != 0)
        return error_set(err, ERR_SOURCE,
            "replication slot \"" TEXT_FMT "\" is a physical one, of a standby: name another in "
            "source: slot",
            TEXT_ARG(wanted->slot));
    if (strcmp(plugin, "pgoutput") != 0)
        return error_set(err, ERR_SOURCE,
            "replication slot \"" TEXT_FMT "\" belongs to the plugin %s, not to pgoutput: name "
            "another in source: slot",
            TEXT_ARG(wanted->slot), plugin);
    if (!text_equal(database, here))
        return error_set(err, ERR_SOURCE,
            "replication slot \"" TEXT_FMT "\" belongs to database \"" TEXT_FMT
            "\", the connection leads to \"" TEXT_FMT
            "\": name another in source: slot, or correct source: connection",
            TEXT_ARG(wanted->slot), TEXT_ARG(database), TEXT_ARG(here));
    if (strcmp(PQgetvalue(row, 0, SLOT_STATUS), "lost") == 0 ||
        PQgetisnull(row, 0, SLOT_CONFIRMED) != 0)
        return error_set(err, ERR_SOURCE,
            "replication slot \"" TEXT_FMT "\" was invalidated: it retained more WAL than "
            "max_slot_wal_keep_size allows (or what it needs was removed), and the server dropped "
            "what the target does not have yet. Raise max_slot_wal_keep_size, %s",
            TEXT_ARG(wanted->slot), begin_anew);
    if (!lsn_parse(postgres_result_text(row, 0, SLOT_CONFIRMED), ret_confirmed))
        return error_set(err, ERR_SOURCE, "replication slot \"" TEXT_FMT "\": \"%s\" is no LSN",
            TEXT_ARG(wanted->slot), PQgetvalue(row, 0, SLOT_CONFIRMED));
    if (wanted->position != 0 && *ret_confirmed > wanted->position)
        return slot_ahead(wanted, *ret_confirmed, err);
    return true;
}

static bool
check_slot(PostgresConnection *connection, const PostgresSlotWanted *wanted,
    PostgresSlotFacts *facts, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *row = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_addf(&sql,
        "SELECT slot_type, plugin, database, pg_catalog.current_database(), confirmed_flush_lsn,"
        " %s, (CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()"
        " ELSE pg_catalog.pg_current_wal_lsn() END - restart_lsn)::bigint"
        " FROM pg_catalog.pg_replication_slots WHERE slot_name = ",
        PQserverVersion(connection->pq) >= 130000 ? "wal_status" : "''");
    postgres_add_literal(&sql, wanted->slot);
    if (!postgres_connection_query(connection, buf_string(&sql), NULL, 0, &row, err))
        return false;
    if (PQntuples(row) != 1)
        return missing_slot(wanted, err);
    if (!check_slot_row(row, wanted, &facts->confirmed, err))
        return false;
    if (PQgetisnull(row, 0, SLOT_RETAINED) != 0 ||
        !text_to_i64(postgres_result_text(row, 0, SLOT_RETAINED), &facts->retained))
        facts->retained = -1;
    return true;
}

static bool
check_publication(PostgresConnection *connection, const PostgresSlotWanted *wanted,
    PostgresSlotFacts *facts, Error *err)
{
    static const char *const kinds[] = {"insert", "update", "delete", "truncate"};
    CLEANUP(postgres_result_free) PGresult *row = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "SELECT pubinsert, pubupdate, pubdelete, pubtruncate"
                         " FROM pg_catalog.pg_publication WHERE pubname = ");
    postgres_add_literal(&sql, wanted->publication);
    if (!postgres_connection_query(connection, buf_string(&sql), NULL, 0, &row, err))
        return false;
    if (PQntuples(row) != 1)
        return error_set(err, ERR_SOURCE,
            "publication \"" TEXT_FMT "\" does not exist: dray install makes it",
            TEXT_ARG(wanted->publication));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (*PQgetvalue(row, 0, (int)i) == 't')
            continue;
        if (facts->notice.len == 0)
            buf_addf(&facts->notice, "publication \"" TEXT_FMT "\" does not publish",
                TEXT_ARG(wanted->publication));
        else
            buf_add_char(&facts->notice, ',');
        buf_addf(&facts->notice, " %s", kinds[i]);
    }
    if (facts->notice.len > 0)
        buf_addf(&facts->notice,
            ": such changes never reach the target (ALTER PUBLICATION … SET (publish = 'insert, "
            "update, delete, truncate'))");
    return true;
}

static bool
check_server(PostgresConnection *connection, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *row = NULL;

    if (!postgres_connection_query(connection, "SHOW wal_level", NULL, 0, &row, err))
        return false;
    if (PQntuples(row) == 1 && strcmp(PQgetvalue(row, 0, 0), "logical") != 0)
        return error_set(err, ERR_SOURCE,
            "wal_level of the source is %s: set wal_level = logical and restart the server",
            PQgetvalue(row, 0, 0));
    return true;
}

bool
postgres_slot_check(PostgresConnection *connection, const PostgresSlotWanted *wanted,
    PostgresSlotFacts *ret_facts, Error *err)
{
    return check_server(connection, err) && check_slot(connection, wanted, ret_facts, err) &&
           check_publication(connection, wanted, ret_facts, err);
}

static bool
read_wal(PostgresConnection *connection, uint64_t *ret_flushed, uint64_t *ret_inserted, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *row = NULL;

    if (!postgres_connection_query(connection,
            "SELECT CASE WHEN pg_catalog.pg_is_in_recovery()"
            " THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_flush_lsn()"
            " END, CASE WHEN pg_catalog.pg_is_in_recovery()"
            " THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_insert_lsn()"
            " END",
            NULL, 0, &row, err))
        return false;
    if (PQntuples(row) != 1 || !lsn_parse(postgres_result_text(row, 0, 0), ret_flushed) ||
        !lsn_parse(postgres_result_text(row, 0, 1), ret_inserted))
        return error_set(err, ERR_SOURCE, "the source does not tell the end of its WAL");
    return true;
}

bool
postgres_slot_end_of_wal(PostgresConnection *connection, uint64_t *ret_lsn, Error *err)
{
    int64_t end_ms = clock_monotonic_ms() + FLUSH_WAIT_MS;
    uint64_t flushed = 0;
    uint64_t wanted = 0;
    uint64_t ignored;

    if (!read_wal(connection, &flushed, &wanted, err))
        return false;
    while (flushed < wanted && clock_monotonic_ms() < end_ms &&
           !stop_wait(STOP_AFTER_BLOCK, FLUSH_STEP_MS))
        if (!read_wal(connection, &flushed, &ignored, err))
            return false;
    *ret_lsn = flushed;
    return true;
}

void
postgres_slot_explain(const PostgresSlotWanted *wanted, Error *err)
{
    static const struct {
        const char *begin; /* of the SQLSTATE */
        const char *way_out;
        bool anew;
    } known[] = {
        {"42704",
            "the publication was dropped, or is younger than changes that the slot has still to "
            "send. Make it again with dray install; where the slot is older than it, ",
            true},
        {"55000", "the server cannot go on with this slot. Where that stays so, ", true},
        {"58", "the server cannot go on with this slot. Where that stays so, ", true},
        {"22021",
            "the database's encoding SQL_ASCII lets texts through that are not UTF-8: correct the "
            "value at the source, or leave the column out of the publication",
            false},
    };
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Error before = *err;

    for (size_t i = 0; err->kind == ERR_SOURCE && i < ARRAY_LEN(known) && text.len == 0; i++)
        if (strncmp(err->sqlstate, known[i].begin, strlen(known[i].begin)) == 0)
            buf_addf(&text, "replication slot \"" TEXT_FMT "\": %s: %s%s", TEXT_ARG(wanted->slot),
                before.text, known[i].way_out, known[i].anew ? begin_anew : "");
    if (text.len == 0)
        return;
    (void)error_set(err, before.kind, "%s", buf_string(&text));
    err->retriable = before.retriable;
    memcpy(err->sqlstate, before.sqlstate, sizeof(err->sqlstate));
}
