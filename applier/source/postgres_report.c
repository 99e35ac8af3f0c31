#include "source/postgres_report.h"

#include <inttypes.h>

static int64_t
number_of(const PGresult *result, int column)
{
    int64_t number;

    return text_to_i64(postgres_result_text(result, 0, column), &number) ? number : -1;
}

bool
postgres_report_server(
    PostgresConnection *connection, Arena *arena, PostgresServer *ret_server, Error *err)
{
    /* services that rent servers out have a role of their own for replication */
    static const char sql[] =
        "SELECT current_setting('wal_level'), current_user,"
        " current_setting('max_slot_wal_keep_size', true),"
        " current_setting('idle_replication_slot_timeout', true),"
        " (SELECT count(*) FROM pg_replication_slots), current_setting('max_replication_slots'),"
        " current_setting('max_wal_senders'),"
        " rolsuper OR rolreplication OR EXISTS (SELECT FROM pg_roles g WHERE g.rolname IN"
        " ('rds_replication', 'rds_superuser', 'cloudsqlsuperuser') AND pg_has_role(g.oid, "
        "'MEMBER')),"
        " pg_is_in_recovery() FROM pg_roles WHERE rolname = current_user";
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (!postgres_connection_query(connection, sql, NULL, 0, &result, err))
        return error_wrap(err, "read the server's settings");
    if (PQntuples(result) != 1)
        return error_set(err, ERR_SOURCE, "the server does not know the role that is connected");
    *ret_server = (PostgresServer){
        .wal_level = arena_text(arena, postgres_result_text(result, 0, 0)),
        .user = arena_text(arena, postgres_result_text(result, 0, 1)),
        .keep_size = arena_text(arena, postgres_result_text(result, 0, 2)),
        .idle_timeout = arena_text(arena, postgres_result_text(result, 0, 3)),
        .slots = number_of(result, 4),
        .max_slots = number_of(result, 5),
        .max_senders = number_of(result, 6),
        .may_replicate = *PQgetvalue(result, 0, 7) == 't',
        .is_standby = *PQgetvalue(result, 0, 8) == 't',
    };
    return true;
}

bool
postgres_report_require(const PostgresServer *server, bool need_slot, Error *err)
{
    if (!text_is(server->wal_level, "logical"))
        return error_set(err, ERR_SOURCE,
            "wal_level of the source is " TEXT_FMT
            ": ALTER SYSTEM SET wal_level = logical, and restart the server",
            TEXT_ARG(server->wal_level));
    if (need_slot && server->is_standby)
        return error_set(err, ERR_SOURCE,
            "the source is a standby, where no publication can be made: let source: connection "
            "lead to the primary");
    if (!server->may_replicate)
        return error_set(err, ERR_SOURCE,
            "role " TEXT_FMT " lacks the right to replicate: ALTER ROLE \"" TEXT_FMT
            "\" REPLICATION",
            TEXT_ARG(server->user), TEXT_ARG(server->user));
    if (server->max_senders == 0)
        return error_set(err, ERR_SOURCE,
            "max_wal_senders of the source is 0: ALTER SYSTEM SET max_wal_senders = 10, and "
            "restart "
            "the server");
    if (need_slot && server->slots >= server->max_slots)
        return error_set(err, ERR_SOURCE,
            "all %" PRId64 " replication slots of the source are in use: drop one that nobody "
            "needs, or raise max_replication_slots and restart the server",
            server->max_slots);
    return true;
}

void
postgres_report_settings(const PostgresServer *server, Buf *report)
{
    if (server->slots >= server->max_slots)
        buf_addf(report,
            "warning: all %" PRId64 " replication slots of the server are in use: dray bootstrap "
            "and dray verify need one more for a moment; raise max_replication_slots\n",
            server->max_slots);
    if (text_is(server->keep_size, "-1"))
        buf_add_string(report,
            "warning: max_slot_wal_keep_size is -1: while the service does not run, the WAL kept "
            "for its slot may fill the server's disk\n");
    else if (server->keep_size.data != NULL)
        buf_addf(report,
            "max_slot_wal_keep_size is " TEXT_FMT
            ": a slot that is further behind is invalidated, and the tables must be loaded again\n",
            TEXT_ARG(server->keep_size));
    if (server->idle_timeout.data != NULL && !text_is(server->idle_timeout, "0"))
        buf_addf(report,
            "warning: idle_replication_slot_timeout is " TEXT_FMT
            ": when the service is down longer, its slot is invalidated\n",
            TEXT_ARG(server->idle_timeout));
}

static void
add_columns(const SourceTable *table, const size_t *columns, size_t count, Buf *report)
{
    for (size_t i = 0; i < count; i++)
        buf_addf(
            report, "%s" TEXT_FMT, i == 0 ? " (" : ", ", TEXT_ARG(table->columns[columns[i]].name));
    buf_add_string(report, count == 0 ? "" : ")");
}

static void
add_identity(const PostgresTable *table, Buf *report)
{
    const SourceTable *base = &table->base;

    switch (base->identity) {
    case IDENTITY_KEY:
        buf_add_string(report, "primary key");
        add_columns(base, table->identity, table->identity_count, report);
        break;
    case IDENTITY_INDEX:
        buf_add_string(report, "unique index");
        add_columns(base, table->identity, table->identity_count, report);
        break;
    case IDENTITY_FULL:
        buf_add_string(report, "whole old row");
        if (base->key_count > 0) {
            buf_add_string(report, ", primary key");
            add_columns(base, base->key, base->key_count, report);
        } else {
            buf_add_string(report, ", no primary key: a rule in tables: must name a key");
        }
        break;
    case IDENTITY_NOTHING:
        buf_add_string(report, "no replica identity");
        break;
    }
}

void
postgres_report_table(const PostgresTable *table, Text user, Buf *report)
{
    bool is_warning = table->base.problem.data != NULL || !table->may_select;

    buf_addf(report, "%stable " TEXT_FMT "." TEXT_FMT ": ", is_warning ? "warning: " : "",
        TEXT_ARG(table->base.schema), TEXT_ARG(table->base.name));
    add_identity(table, report);
    if (table->base.problem.data != NULL)
        buf_addf(report, ": " TEXT_FMT, TEXT_ARG(table->base.problem));
    if (!table->may_select) {
        buf_addf(report,
            "; role " TEXT_FMT " may not read it, which dray bootstrap and dray verify must: GRANT "
            "USAGE ON SCHEMA ",
            TEXT_ARG(user));
        postgres_add_identifier(report, table->base.schema);
        buf_add_string(report, " TO ");
        postgres_add_identifier(report, user);
        buf_add_string(report, "; GRANT SELECT ON ");
        postgres_add_identifier(report, table->base.schema);
        buf_add_char(report, '.');
        postgres_add_identifier(report, table->base.name);
        buf_add_string(report, " TO ");
        postgres_add_identifier(report, user);
    }
    buf_add_char(report, '\n');
}

bool
postgres_report_slot(
    PostgresConnection *connection, Text name, Arena *arena, PostgresSlot *ret_slot, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const char *param = arena_text(arena, name).data;

    *ret_slot = (PostgresSlot){.retained = -1};
    buf_addf(&sql,
        "SELECT active, slot_type = 'logical' AND plugin = 'pgoutput' AND database ="
        " current_database(), %s, active_pid, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery()"
        " THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::bigint"
        " FROM pg_replication_slots WHERE slot_name = $1",
        PQserverVersion(connection->pq) >= 130000 ? "wal_status" : "NULL");
    if (!postgres_connection_query(connection, buf_string(&sql), &param, 1, &result, err))
        return error_wrap(err, "read replication slot \"%s\"", param);
    if (PQntuples(result) == 0)
        return true;
    ret_slot->exists = true;
    ret_slot->is_active = *PQgetvalue(result, 0, 0) == 't';
    ret_slot->is_ours_to_use = *PQgetvalue(result, 0, 1) == 't';
    ret_slot->status = arena_text(arena, postgres_result_text(result, 0, 2));
    ret_slot->active_pid = arena_text(arena, postgres_result_text(result, 0, 3));
    if (PQgetisnull(result, 0, 4) == 0)
        ret_slot->retained = number_of(result, 4);
    return true;
}

void
postgres_report_add_bytes(Buf *out, int64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes;
    size_t unit = 0;

    while (amount >= 1024 && unit + 1 < ARRAY_LEN(units)) {
        amount /= 1024;
        unit++;
    }
    buf_addf(out, unit == 0 ? "%.0f %s" : "%.1f %s", amount, units[unit]);
}

static void
add_slot(Text name, const PostgresSlot *slot, Buf *report)
{
    buf_addf(report, "slot " TEXT_FMT ": ", TEXT_ARG(name));
    if (slot->retained >= 0) {
        postgres_report_add_bytes(report, slot->retained);
        buf_add_string(report, " of WAL kept for it");
    } else {
        buf_add_string(report, "no WAL kept for it");
    }
    if (slot->status.data != NULL)
        buf_addf(report, ", wal_status " TEXT_FMT, TEXT_ARG(slot->status));
    buf_add_char(report, '\n');
}

bool
postgres_report_all(
    PostgresConnection *connection, const SourceStart *start, Buf *report, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    PostgresPublication publication;
    PostgresTableList list;
    PostgresServer server = {0};
    PostgresSlot slot;

    if (!postgres_report_server(connection, arena, &server, err) ||
        !postgres_report_require(&server, false, err))
        return false;
    postgres_report_settings(&server, report);
    postgres_slot_name(start->service, start->options, &name);
    if (!postgres_report_slot(connection, buf_text(&name), arena, &slot, err))
        return false;
    if (slot.exists)
        add_slot(buf_text(&name), &slot, report);
    postgres_publication_name(start->service, start->options, &name);
    if (!postgres_publication_read(connection, buf_text(&name), arena, &publication, err) ||
        !postgres_tables_published(connection, &publication, arena, &list, err))
        return false;
    if (publication.exists)
        buf_addf(report, "publication %s: %s, %zu now\n", buf_string(&name),
            publication.all_tables ? "all tables" : "a list of tables", list.count);
    for (size_t i = 0; i < list.count; i++)
        postgres_report_table(list.items[i], server.user, report);
    return true;
}

bool
postgres_report_retained(const SourceStart *start, int64_t *ret_bytes, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    CLEANUP(postgres_connection_close)
    PostgresConnection *connection =
        postgres_connection_open(start->options, POSTGRES_ORDINARY, err);
    PostgresSlot slot;

    if (connection == NULL)
        return false;
    postgres_slot_name(start->service, start->options, &name);
    if (!postgres_report_slot(connection, buf_text(&name), arena, &slot, err))
        return false;
    *ret_bytes = slot.retained;
    return true;
}
