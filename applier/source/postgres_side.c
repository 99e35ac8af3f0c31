#include "source/postgres_side.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"

/* Looks are so many times rarer than feedback to the server. */
#define STATUS_PER_LOOK 6
/* The connection is looked at so often. */
#define ALIVE_INTERVAL_MS 1000
/* Tables named in one notice. */
#define NAMES_MAX 10

struct PostgresSide {
    const PostgresSourceOptions *options;
    PostgresConnection *connection;
    Buf slot;
    Buf publication;
    bool quiet;
    bool knows_tables;    /* tables was filled once */
    bool told_retained;   /* above the threshold, and said so */
    bool told_missing;    /* the publication is gone, and said so */
    bool told_failure;    /* the last piece of work failed, and said so */
    Map tables;           /* "schema.table" in the publication -> itself */
    int64_t heartbeat_ms; /* when the last one was written */
    int64_t look_ms;
    int64_t alive_ms; /* when the connection was looked at */
    Buf notices;      /* each ends in NUL */
    size_t told;      /* bytes of notices that were handed out */
};

PostgresSide *
postgres_side_new(const PostgresSideStart *start)
{
    PostgresSide *side = calloc(1, sizeof(*side));

    if (side == NULL)
        abort();
    side->options = start->options;
    side->quiet = start->quiet;
    buf_add_text(&side->slot, start->slot);
    buf_add_text(&side->publication, start->publication);
    return side;
}

void
postgres_side_free(PostgresSide *side)
{
    if (side == NULL)
        return;
    postgres_connection_close(side->connection);
    buf_clear(&side->slot);
    buf_clear(&side->publication);
    buf_clear(&side->notices);
    map_clear(&side->tables);
    free(side);
}

PostgresConnection *
postgres_side_connection(PostgresSide *side, Error *err)
{
    if (side->connection != NULL && PQstatus(side->connection->pq) == CONNECTION_BAD)
        postgres_connection_close(STEAL(side->connection));
    if (side->connection == NULL)
        side->connection = postgres_connection_open(side->options, POSTGRES_ORDINARY, err);
    return side->connection;
}

/* The next call connects anew where this one lost the connection. */
static bool
side_query(PostgresSide *side, const char *sql, const char *const *params, int param_count,
    PGresult **ret_result, Error *err)
{
    PostgresConnection *connection = postgres_side_connection(side, err);

    return connection != NULL &&
           postgres_connection_query(connection, sql, params, param_count, ret_result, err);
}

static bool
type_facts(PostgresSide *side, const PgoutputMessage *relation, Arena *arena,
    PostgresColumnFacts *facts, Error *err)
{
    CLEANUP(buf_clear) Buf types = BUF_INIT;
    CLEANUP(buf_clear) Buf modifiers = BUF_INIT;
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    const char *params[2];

    for (size_t i = 0; i < relation->column_count; i++) {
        buf_addf(&types, "%c%" PRIu32, i == 0 ? '{' : ',', relation->columns[i].type);
        buf_addf(&modifiers, "%c%" PRId32, i == 0 ? '{' : ',', relation->columns[i].modifier);
    }
    buf_add_char(&types, '}');
    buf_add_char(&modifiers, '}');
    params[0] = buf_string(&types);
    params[1] = buf_string(&modifiers);
    if (!side_query(side,
            "WITH RECURSIVE wanted AS (SELECT * FROM ROWS FROM (pg_catalog.unnest($1::oid[]),"
            " pg_catalog.unnest($2::int4[])) WITH ORDINALITY AS w (type, modifier, number)),"
            "base AS (SELECT w.number, t.oid, w.modifier, t.typtype, t.typbasetype, t.typtypmod,"
            " t.typlen FROM wanted w JOIN pg_catalog.pg_type t ON t.oid = w.type"
            " UNION ALL SELECT b.number, t.oid, b.typtypmod, t.typtype, t.typbasetype,"
            " t.typtypmod, t.typlen FROM base b JOIN pg_catalog.pg_type t"
            " ON t.oid = b.typbasetype WHERE b.typtype = 'd')"
            "SELECT w.number, pg_catalog.format_type(w.type, w.modifier),"
            " pg_catalog.format_type(b.oid, b.modifier), b.typlen = -1"
            " FROM wanted w JOIN base b ON b.number = w.number WHERE b.typtype <> 'd'",
            params, 2, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        uint64_t number;

        if (!text_to_u64(postgres_result_text(result, row, 0), &number) || number == 0 ||
            number > relation->column_count)
            continue;
        facts[number - 1].type = arena_text(arena, postgres_result_text(result, row, 1));
        facts[number - 1].base_type = arena_text(arena, postgres_result_text(result, row, 2));
        facts[number - 1].is_variable = *PQgetvalue(result, row, 3) == 't';
    }
    return true;
}

/* All of its columns, or none. */
static void
set_primary_key(const PGresult *result, const PgoutputMessage *relation, PostgresColumnFacts *facts)
{
    int found = 0;

    for (size_t i = 0; i < relation->column_count; i++)
        for (int row = 0; row < PQntuples(result); row++)
            if (text_equal(relation->columns[i].name, postgres_result_text(result, row, 0))) {
                facts[i].in_primary_key = true;
                found++;
            }
    for (size_t i = 0; found < PQntuples(result) && i < relation->column_count; i++)
        facts[i].in_primary_key = false;
}

bool
postgres_side_facts(void *context, const PgoutputMessage *relation, bool primary_key, Arena *arena,
    PostgresColumnFacts *facts, Error *err)
{
    PostgresSide *side = context;
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    char oid[16];
    const char *params[] = {oid};

    if (!type_facts(side, relation, arena, facts, err))
        return error_wrap(err, "types of the columns");
    if (!primary_key)
        return true;
    (void)snprintf(oid, sizeof(oid), "%" PRIu32, relation->oid);
    if (!side_query(side,
            "SELECT a.attname FROM pg_catalog.pg_index i"
            " JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid"
            " AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])"
            " WHERE i.indrelid = $1::oid AND i.indisprimary",
            params, 1, &result, err))
        return error_wrap(err, "primary key");
    set_primary_key(result, relation, facts);
    return true;
}

void
postgres_side_tell(PostgresSide *side, Text notice)
{
    buf_add_text(&side->notices, notice);
    buf_add_char(&side->notices, '\0');
}

Text
postgres_side_notice(PostgresSide *side)
{
    Text notice;

    if (side->told >= side->notices.len) {
        buf_reset(&side->notices, 0);
        side->told = 0;
        return TEXT_NONE;
    }
    notice = text_of(side->notices.data + side->told);
    side->told += notice.len + 1;
    return notice;
}

static void
look_at_retained(PostgresSide *side, int64_t bytes)
{
    CLEANUP(buf_clear) Buf notice = BUF_INIT;

    if (side->options->retained_warn <= 0 || bytes < side->options->retained_warn) {
        side->told_retained = false;
        return;
    }
    if (side->told_retained)
        return;
    side->told_retained = true;
    buf_addf(&notice,
        "the source retains %" PRId64
        " MiB of WAL for replication slot \"%s\" (warned above %" PRId64
        " MiB, retained_warn): the target is behind, or a transaction has been open for long",
        bytes >> 20, buf_string(&side->slot), side->options->retained_warn >> 20);
    postgres_side_tell(side, buf_text(&notice));
}

bool
postgres_side_sees_shutdown(PostgresSide *side)
{
    int64_t now_ms = clock_monotonic_ms();
    Error err;

    if (side->connection == NULL || now_ms - side->alive_ms < ALIVE_INTERVAL_MS)
        return false;
    side->alive_ms = now_ms;
    if (PQconsumeInput(side->connection->pq) == 1 &&
        PQstatus(side->connection->pq) == CONNECTION_OK)
        return false;
    return postgres_side_connection(side, &err) == NULL && strcmp(err.sqlstate, "57P03") == 0;
}

/* Names that are in one of the maps only. */
static void
add_difference(const Map *from, const Map *in, Buf *names)
{
    size_t count = 0;

    map_each (from, entry) {
        if (map_get(in, entry->key) != NULL)
            continue;
        if (count++ < NAMES_MAX)
            buf_addf(names, "%s" TEXT_FMT, count > 1 ? ", " : "", TEXT_ARG(entry->key));
    }
    if (count > NAMES_MAX)
        buf_addf(names, " and %zu more", count - NAMES_MAX);
}

static void
tell_tables(PostgresSide *side, const Map *now)
{
    CLEANUP(buf_clear) Buf notice = BUF_INIT;
    CLEANUP(buf_clear) Buf names = BUF_INIT;

    add_difference(&side->tables, now, &names);
    if (names.len > 0) {
        buf_addf(&notice,
            "not in publication \"%s\" any more, so that their changes do not reach the target: %s",
            buf_string(&side->publication), buf_string(&names));
        postgres_side_tell(side, buf_text(&notice));
    }
    buf_reset(&names, SIZE_MAX);
    buf_reset(&notice, SIZE_MAX);
    add_difference(now, &side->tables, &names);
    if (names.len > 0) {
        buf_addf(&notice,
            "now in publication \"%s\": %s. Rows that are older than that come by dray bootstrap",
            buf_string(&side->publication), buf_string(&names));
        postgres_side_tell(side, buf_text(&notice));
    }
}

static bool
look_at_tables(PostgresSide *side, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    const char *params[] = {buf_string(&side->publication)};
    Map now = MAP_INIT;

    if (!side_query(side,
            "SELECT schemaname || '.' || tablename FROM pg_catalog.pg_publication_tables"
            " WHERE pubname = $1 ORDER BY 1",
            params, 1, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++)
        (void)map_put(&now, postgres_result_text(result, row, 0), side);
    if (side->knows_tables)
        tell_tables(side, &now);
    side->knows_tables = true;
    map_clear(&side->tables);
    side->tables = now;
    return true;
}

static bool
look(PostgresSide *side, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf notice = BUF_INIT;
    const char *params[] = {buf_string(&side->slot), buf_string(&side->publication)};
    int64_t retained;

    if (!side_query(side,
            "SELECT (CASE WHEN pg_catalog.pg_is_in_recovery()"
            " THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END"
            " - restart_lsn)::bigint,"
            " EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = $2)"
            " FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
            params, 2, &result, err))
        return false;
    if (PQntuples(result) != 1)
        return true;
    if (text_to_i64(postgres_result_text(result, 0, 0), &retained))
        look_at_retained(side, retained);
    if (*PQgetvalue(result, 0, 1) == 't') {
        side->told_missing = false;
        return look_at_tables(side, err);
    }
    if (!side->told_missing) {
        buf_addf(&notice, "publication \"%s\" was dropped: the stream fails at the next change",
            buf_string(&side->publication));
        postgres_side_tell(side, buf_text(&notice));
    }
    side->told_missing = true;
    return true;
}

/* A message that no plugin's output has: WAL of this database, which the slot can be moved over. */
static bool
heartbeat(PostgresSide *side, Error *err)
{
    return side_query(side,
        "SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery()"
        " THEN pg_catalog.pg_logical_emit_message(false, 'dray', '') END",
        NULL, 0, NULL, err);
}

static void
tell_failure(PostgresSide *side, const char *what, const Error *err)
{
    CLEANUP(buf_clear) Buf notice = BUF_INIT;

    if (side->told_failure || err->kind == ERR_STOPPED)
        return;
    side->told_failure = true;
    buf_addf(&notice, "%s: %s", what, err->text);
    postgres_side_tell(side, buf_text(&notice));
}

int64_t
postgres_side_work(PostgresSide *side)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t look_interval_ms = side->options->status_interval_ms * STATUS_PER_LOOK;
    int64_t left_ms;
    Error err;

    if (side->quiet)
        return INT32_MAX;
    if (side->options->heartbeat_ms > 0 &&
        now_ms - side->heartbeat_ms >= side->options->heartbeat_ms) {
        side->heartbeat_ms = now_ms;
        if (!heartbeat(side, &err))
            tell_failure(side, "heartbeat", &err);
    }
    if (now_ms - side->look_ms >= look_interval_ms) {
        side->look_ms = now_ms;
        if (look(side, &err))
            side->told_failure = false;
        else
            tell_failure(side, "look at slot and publication", &err);
    }
    left_ms = side->look_ms + look_interval_ms - now_ms;
    if (side->options->heartbeat_ms > 0)
        left_ms = MIN(left_ms, side->heartbeat_ms + side->options->heartbeat_ms - now_ms);
    return MAX(left_ms, (int64_t)1);
}
