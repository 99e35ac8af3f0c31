#include "source/pgq/report.h"

#include <inttypes.h>

#include "base/clock.h"
#include "source/pgq/arguments.h"
#include "source/pgq/encoding.h"
#include "source/pgq/queue.h"

/* A ticker is missed when the newest tick is this much older than the queue's settings explain. */
#define TICKER_GRACE_S 30

#define MICROSECONDS(time) "(extract(epoch FROM " time ") * 1000000)::bigint"

static int64_t
number_of(const PGresult *result, int row, int column)
{
    int64_t number;

    return text_to_i64(postgres_result_text(result, row, column), &number) ? number : -1;
}

/* ---- tables ---- */

static void
add_key(const PostgresTable *table, Buf *report)
{
    const SourceTable *base = &table->base;

    if (base->identity == IDENTITY_NOTHING) {
        buf_add_string(report, "no key");
        return;
    }
    buf_add_string(report, base->identity == IDENTITY_KEY ? "primary key" : "key");
    for (size_t i = 0; i < table->identity_count; i++)
        buf_addf(report, "%s" TEXT_FMT, i == 0 ? " (" : ", ",
            TEXT_ARG(base->columns[table->identity[i]].name));
    buf_add_char(report, ')');
}

void
pgq_report_table(const PgqTable *item, Text user, Buf *report)
{
    const PostgresTable *table = item->table;
    const SourceTable *base = &table->base;
    bool reads = table->may_select || table->kind == 'p';

    buf_addf(report, "%stable " TEXT_FMT "." TEXT_FMT ": ",
        base->problem.data != NULL || !reads ? "warning: " : "", TEXT_ARG(base->schema),
        TEXT_ARG(base->name));
    if (table->kind == 'p')
        buf_add_string(report, "partitioned: its partitions log under their own names");
    else
        add_key(table, report);
    for (size_t i = 0; i < item->triggers->count; i++)
        buf_addf(report, "%s" TEXT_FMT " (" TEXT_FMT ")", i == 0 ? ", triggers " : ", ",
            TEXT_ARG(item->triggers->items[i].name),
            TEXT_ARG(item->triggers->items[i].function_name));
    if (base->problem.data != NULL)
        buf_addf(report, ": " TEXT_FMT, TEXT_ARG(base->problem));
    if (!reads) {
        buf_addf(report,
            "; role " TEXT_FMT " may not read it, which dray bootstrap and dray verify must: GRANT "
            "SELECT ON ",
            TEXT_ARG(user));
        postgres_add_identifier(report, base->schema);
        buf_add_char(report, '.');
        postgres_add_identifier(report, base->name);
        buf_add_string(report, " TO ");
        postgres_add_identifier(report, user);
    }
    buf_add_char(report, '\n');
}

bool
pgq_report_writers(
    PostgresConnection *connection, const char *oids, Buf *roles, size_t *ret_count, Error *err)
{
    static const char sql[] =
        "SELECT DISTINCT r.rolname COLLATE \"C\" FROM pg_class c, pg_roles r"
        " WHERE c.oid = ANY ($1::oid[]) AND r.rolcanlogin AND NOT r.rolsuper"
        " AND has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
        " AND has_schema_privilege(r.oid, c.relnamespace, 'USAGE')"
        " AND NOT has_function_privilege(r.oid,"
        " 'pgq.insert_event(text,text,text,text,text,text,text)', 'EXECUTE') ORDER BY 1";
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (!postgres_connection_query(connection, sql, &oids, 1, &result, err))
        return error_wrap(err, "look for roles that write to the tables");
    *ret_count = (size_t)PQntuples(result);
    for (int row = 0; row < PQntuples(result); row++) {
        buf_add_string(roles, row == 0 ? "" : ", ");
        postgres_add_identifier(roles, postgres_result_text(result, row, 0));
    }
    return true;
}

/* ---- the queue ---- */

enum {
    QUEUE_VERSION,
    QUEUE_ID,
    QUEUE_PAUSED,
    QUEUE_EXTERNAL,
    QUEUE_INSERT_DISABLED,
    QUEUE_AGE,
    QUEUE_DUE,
    QUEUE_ROTATION,
    QUEUE_ROTATED,
};

static const char queue_sql[] =
    "SELECT pgq.version(), q.queue_id, q.queue_ticker_paused, q.queue_external_ticker,"
    " q.queue_disable_insert,"
    " extract(epoch FROM clock_timestamp() - n.tick_time)::bigint,"
    " extract(epoch FROM greatest(q.queue_ticker_idle_period, q.queue_ticker_max_lag))::bigint,"
    " q.queue_rotation_period::text,"
    " extract(epoch FROM clock_timestamp() - q.queue_switch_time - 3 * q.queue_rotation_period)"
    "::bigint FROM pgq.queue q LEFT JOIN LATERAL (SELECT t.tick_time FROM pgq.tick t"
    " WHERE t.tick_queue = q.queue_id ORDER BY t.tick_queue DESC, t.tick_id DESC LIMIT 1) n ON true"
    " WHERE q.queue_name = $1";

static bool
is_true(const PGresult *result, int column)
{
    return *PQgetvalue(result, 0, column) == 't';
}

static void
add_ticker(const PGresult *result, const char *queue, Buf *report)
{
    int64_t age_s = number_of(result, 0, QUEUE_AGE);

    if (is_true(result, QUEUE_PAUSED))
        buf_addf(report,
            "warning: queue %s: its ticker is paused, so that no batch is made: SELECT "
            "pgq.set_queue_config('%s', 'ticker_paused', 'false')\n",
            queue, queue);
    else if (PQgetisnull(result, 0, QUEUE_AGE) != 0)
        buf_addf(report, "warning: queue %s: it has no tick: does pgqd run?\n", queue);
    else if (age_s > number_of(result, 0, QUEUE_DUE) + TICKER_GRACE_S)
        buf_addf(report,
            "warning: queue %s: the newest tick is %" PRId64
            " s old, and without ticks there are no batches: does %s run?\n",
            queue, age_s, is_true(result, QUEUE_EXTERNAL) ? "its external ticker" : "pgqd");
    if (is_true(result, QUEUE_INSERT_DISABLED))
        buf_addf(report,
            "warning: queue %s: inserts are disabled (queue_disable_insert): whoever writes to a "
            "table with its triggers fails\n",
            queue);
}

/* Consumers that keep the queue from letting events go. */
static bool
add_slow_consumers(PostgresConnection *connection, const char *queue, Buf *report, Error *err)
{
    static const char sql[] =
        "SELECT c.co_name, extract(epoch FROM clock_timestamp() - t.tick_time)::bigint"
        " FROM pgq.queue q JOIN pgq.subscription s ON s.sub_queue = q.queue_id"
        " JOIN pgq.consumer c ON c.co_id = s.sub_consumer LEFT JOIN pgq.tick t"
        " ON t.tick_queue = q.queue_id AND t.tick_id = s.sub_last_tick WHERE q.queue_name = $1"
        " AND t.tick_time < (SELECT max(n.tick_time) FROM pgq.tick n"
        " WHERE n.tick_queue = q.queue_id) - q.queue_rotation_period ORDER BY 1";
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (!postgres_connection_query(connection, sql, &queue, 1, &result, err))
        return error_wrap(err, "look at the consumers of queue \"%s\"", queue);
    for (int row = 0; row < PQntuples(result); row++)
        buf_addf(report,
            "warning: queue %s: consumer %s is %s s behind, and the queue keeps every event since: "
            "let it go on, or unregister it where nobody needs it: SELECT "
            "pgq.unregister_consumer('%s', '%s')\n",
            queue, PQgetvalue(result, row, 0), PQgetvalue(result, row, 1), queue,
            PQgetvalue(result, row, 0));
    return true;
}

bool
pgq_report_queue(PostgresConnection *connection, const char *queue, Buf *report, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (!postgres_connection_query(connection, queue_sql, &queue, 1, &result, err))
        return error_wrap(err, "look at queue \"%s\"", queue);
    if (PQntuples(result) == 0)
        return error_set(
            err, ERR_SOURCE, "queue \"%s\" does not exist: make it with dray install", queue);
    buf_addf(report, "queue %s: PgQ %s, queue id %s, rotation period %s\n", queue,
        PQgetvalue(result, 0, QUEUE_VERSION), PQgetvalue(result, 0, QUEUE_ID),
        PQgetvalue(result, 0, QUEUE_ROTATION));
    add_ticker(result, queue, report);
    if (number_of(result, 0, QUEUE_ROTATED) > 0)
        buf_addf(report,
            "warning: queue %s: its tables were not rotated for more than three times the rotation "
            "period, so that events which nobody needs stay: does pgqd do its maintenance, and is "
            "no old transaction open?\n",
            queue);
    return add_slow_consumers(connection, queue, report, err);
}

/* ---- settings of sessions ---- */

/* Whoever writes prints the values with his own session's settings. */
static bool
add_settings(PostgresConnection *connection, Buf *report, Error *err)
{
    static const char sql[] =
        "WITH s(role, base, name, value) AS (SELECT NULL, NULL, lower(name), reset_val"
        " FROM pg_settings WHERE name IN ('DateStyle', 'IntervalStyle', 'extra_float_digits')"
        " UNION ALL SELECT r.rolname, d.datname, lower(split_part(c, '=', 1)),"
        " substr(c, strpos(c, '=') + 1) FROM pg_db_role_setting x CROSS JOIN unnest(x.setconfig) c"
        " LEFT JOIN pg_roles r ON r.oid = x.setrole LEFT JOIN pg_database d"
        " ON d.oid = x.setdatabase WHERE x.setdatabase = 0 OR d.datname = current_database())"
        "SELECT DISTINCT role, base, name, value FROM s WHERE"
        " (name = 'datestyle' AND value !~* 'iso')"
        " OR (name = 'intervalstyle' AND lower(value) <> 'postgres')"
        " OR (name = 'extra_float_digits' AND value ~ '^(0|-[0-9]+)$') ORDER BY 3, 1, 2";
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (!postgres_connection_query(connection, sql, NULL, 0, &result, err))
        return error_wrap(err, "look at the settings of sessions");
    for (int row = 0; row < PQntuples(result); row++) {
        Text role = postgres_result_text(result, row, 0);
        Text base = postgres_result_text(result, row, 1);
        const char *name = PQgetvalue(result, row, 2);
        bool is_float = strcmp(name, "extra_float_digits") == 0;

        buf_add_string(report, "warning: ");
        if (role.data != NULL)
            buf_addf(report, "role " TEXT_FMT, TEXT_ARG(role));
        if (base.data != NULL)
            buf_addf(
                report, "%sdatabase " TEXT_FMT, role.data != NULL ? " in " : "", TEXT_ARG(base));
        if (role.data == NULL && base.data == NULL)
            buf_add_string(report, "a session as ours");
        buf_addf(report, " has %s = %s, with which its rows are logged: %s; ", name,
            PQgetvalue(result, row, 3),
            is_float ? "floating-point numbers lose digits"
                     : "their values cannot be read for certain, and are refused");
        buf_add_string(report, role.data != NULL ? "ALTER ROLE " : "ALTER DATABASE ");
        if (role.data != NULL || base.data != NULL)
            postgres_add_identifier(report, role.data != NULL ? role : base);
        else
            postgres_add_identifier(report, text_of(PQdb(connection->pq)));
        if (role.data != NULL && base.data != NULL) {
            buf_add_string(report, " IN DATABASE ");
            postgres_add_identifier(report, base);
        }
        buf_addf(report, " SET %s = %s\n", name,
            is_float                         ? "1"
            : strcmp(name, "datestyle") == 0 ? "'ISO'"
                                             : "'postgres'");
    }
    return true;
}

/* logutriga writes the bytes that the database has. */
static void
add_encoding(PostgresConnection *connection, Buf *report)
{
    const char *name = PQparameterStatus(connection->pq, "server_encoding");
    CLEANUP(pgq_encoding_free) PgqEncoding *encoding = NULL;

    if (name == NULL || strcmp(name, "UTF8") == 0)
        return;
    encoding = pgq_encoding_new(name);
    if (strcmp(name, "SQL_ASCII") == 0)
        buf_add_string(report,
            "warning: the database's encoding is SQL_ASCII, which does not say what its bytes are: "
            "they are taken for UTF-8, and a row where they are not stops the service\n");
    else if (!pgq_encoding_is_known(encoding))
        buf_addf(report,
            "warning: the database's encoding is %s, which cannot be converted here: rows of "
            "logutriga that are not ASCII stop the service; use trigger: jsontriga\n",
            name);
}

/* ---- check ---- */

typedef struct Check {
    const SourceStart *start;
    const PgqSourceOptions *options;
    PostgresConnection *connection;
    const char *consumer;
    Arena *arena;
    Buf *report;
} Check;

static bool
check_consumer(const Check *check, Error *err)
{
    const PgqQueue queue = {check->connection, check->options, check->consumer};
    PgqPosition place;
    PgqPosition ours;
    CLEANUP(buf_clear) Buf tick = BUF_INIT;
    Text position = check->start->position;
    PgqQueueFacts facts;

    if (pgq_position_parse(position, &ours) && ours.snapshot.data != NULL) {
        ours.snapshot = TEXT_NONE;
        pgq_position_print(&ours, &tick);
        position = buf_text(&tick);
    }
    if (!pgq_queue_begin(&queue, position, &place, err) ||
        !pgq_queue_facts(check->connection, check->options->queue, check->consumer, &facts, err))
        return false;
    buf_addf(check->report, "consumer %s: at tick %" PRIu64 ", newest tick %" PRIu64,
        check->consumer, facts.last_tick, facts.newest_tick);
    if (facts.pending_events >= 0)
        buf_addf(check->report, ", about %" PRId64 " events behind it", facts.pending_events);
    buf_add_char(check->report, '\n');
    if (check->options->lag_warn_ms > 0 && facts.last_tick_us != TIME_UNKNOWN &&
        facts.newest_tick_us - facts.last_tick_us > check->options->lag_warn_ms * 1000)
        buf_addf(check->report,
            "warning: consumer %s is %" PRId64 " s behind the newest tick (lag_warn)\n",
            check->consumer, (facts.newest_tick_us - facts.last_tick_us) / 1000000);
    return true;
}

static bool
is_wanted(const PgqSourceOptions *options, const PgqTable *item)
{
    const SourceTable *base = &item->table->base;
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_addf(&name, TEXT_FMT "." TEXT_FMT, TEXT_ARG(base->schema), TEXT_ARG(base->name));
    for (size_t i = 0; i < options->tables.count; i++)
        if (text_glob(buf_text(&name), options->tables.items[i]))
            return true;
    return false;
}

static bool
check_tables(const Check *check, Error *err)
{
    CLEANUP(buf_clear) Buf oids = BUF_INIT;
    CLEANUP(buf_clear) Buf roles = BUF_INIT;
    PgqTableList list = {.count = 0};
    size_t count = 0;
    size_t role_count = 0;

    if (!pgq_tables_candidates(
            check->connection, text_of(check->options->queue), check->arena, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        const PgqTable *item = &list.items[i];

        if (item->triggers->count > 0) {
            pgq_report_table(item, text_of(PQuser(check->connection->pq)), check->report);
            buf_addf(&oids, "%s" TEXT_FMT, count++ == 0 ? "{" : ",", TEXT_ARG(item->table->oid));
        } else if (is_wanted(check->options, item)) {
            buf_addf(check->report,
                "warning: table " TEXT_FMT "." TEXT_FMT
                ": source: tables names it, and it has no trigger for the queue: dray install\n",
                TEXT_ARG(item->table->base.schema), TEXT_ARG(item->table->base.name));
        }
    }
    if (count == 0) {
        buf_addf(check->report,
            "no table of this database has a trigger for queue %s: its events come from elsewhere, "
            "or dray install is to be run\n",
            check->options->queue);
        return true;
    }
    buf_add_char(&oids, '}');
    if (!pgq_report_writers(check->connection, buf_string(&oids), &roles, &role_count, err))
        return false;
    if (role_count > 0)
        buf_addf(check->report,
            "warning: %zu role%s may write to these tables and not to the queue, so that the "
            "triggers make their writes fail: GRANT pgq_writer TO %s\n",
            role_count, role_count == 1 ? "" : "s", buf_string(&roles));
    return true;
}

bool
pgq_check(const SourceStart *start, Buf *report, Error *err)
{
    const PgqSourceOptions *options = start->options;
    PostgresSourceOptions how = pgq_connection_options(options);
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf consumer = BUF_INIT;
    CLEANUP(postgres_connection_close)
    PostgresConnection *connection = postgres_connection_open(&how, POSTGRES_ORDINARY, err);
    Check check = {start, options, connection, NULL, arena, report};
    PgqQueueFacts facts;

    if (connection == NULL)
        return false;
    pgq_consumer_name(start->service, options, &consumer);
    check.consumer = buf_string(&consumer);
    buf_addf(report, "source: PostgreSQL %s, database %s\n",
        PQparameterStatus(connection->pq, "server_version"), PQdb(connection->pq));
    if (!pgq_queue_facts(connection, options->queue, check.consumer, &facts, err))
        return false;
    if (!facts.has_pgq)
        return error_set(
            err, ERR_SOURCE, "database %s has no PgQ: CREATE EXTENSION pgq", PQdb(connection->pq));
    add_encoding(connection, report);
    return pgq_arguments_check(&options->trigger_arguments, err) &&
           pgq_report_queue(connection, options->queue, report, err) &&
           check_consumer(&check, err) && check_tables(&check, err) &&
           add_settings(connection, report, err);
}
