#include "source/pgq/install.h"

#include <inttypes.h>
#include <stdarg.h>
#include <xxhash.h>

#include "source/pgq/arguments.h"
#include "source/pgq/queue.h"
#include "source/pgq/report.h"
#include "source/pgq/snapshot.h"

/* Of an identifier in the server. */
#define NAME_LIMIT 63
/* Tables that an error names. */
#define NAMED_MAX 5
/* A trigger's statement waits no longer for transactions that write, since all others that want to
 * write to the table wait behind it. */
#define LOCK_TIMEOUT "SET LOCAL lock_timeout = '10s'; "

static const char truncate_suffix[] = "_truncate";

typedef struct Install {
    const SourceInstall *wanted;
    const PgqSourceOptions *options;
    PostgresConnection *connection;
    Arena *arena;
    Buf *report;
    const char *consumer;
    Text trigger; /* its name */
    Text truncate_trigger;
    Text mark; /* the comment of our triggers */
    PgqQueueFacts facts;
    PgqTableList all;
    Map by_name; /* "schema.table" -> PgqTable, of all */
    const char *const *globs;
    bool by_command;
} Install;

/* A finding; in a dry run a comment between the statements. */
static void PRINTF(2, 3) tell(const Install *install, const char *fmt, ...)
{
    va_list args;

    if (install->wanted->dry_run)
        buf_add_string(install->report, "-- ");
    va_start(args, fmt);
    buf_addv(install->report, fmt, args);
    va_end(args);
    buf_add_char(install->report, '\n');
}

/* Run it, or only print it. Several statements at once are one transaction. */
static bool
execute(const Install *install, const char *front, const Buf *sql, Error *err)
{
    CLEANUP(buf_clear) Buf all = BUF_INIT;

    if (install->wanted->dry_run) {
        buf_addf(install->report, "%s;\n", buf_string(sql));
        return true;
    }
    buf_addf(&all, "%s%s", front, buf_string(sql));
    if (postgres_connection_query(install->connection, buf_string(&all), NULL, 0, NULL, err))
        return true;
    if (strcmp(err->sqlstate, "42501") == 0)
        return error_wrap(err,
            "role %s lacks a right that this needs (let a role that has it run what --dry-run "
            "prints): %s",
            PQuser(install->connection->pq), buf_string(sql));
    if (strcmp(err->sqlstate, "55P03") == 0) {
        err->retriable = true;
        return error_wrap(err,
            "transactions that write to the table did not end within 10 s, and were not kept "
            "waiting longer: try again: %s",
            buf_string(sql));
    }
    return error_wrap(err, "%s", buf_string(sql));
}

static void
add_table_name(const PgqTable *item, Buf *sql)
{
    postgres_add_identifier(sql, item->table->base.schema);
    buf_add_char(sql, '.');
    postgres_add_identifier(sql, item->table->base.name);
}

static Text
full_name(const Install *install, const PgqTable *item)
{
    return text_of(arena_printf(install->arena, TEXT_FMT "." TEXT_FMT,
        TEXT_ARG(item->table->base.schema), TEXT_ARG(item->table->base.name)));
}

static const PgqTable *
parent_of(const Install *install, const PgqTable *item)
{
    Text parent = item->table->base.parent;

    return parent.data == NULL ? NULL : map_get(&install->by_name, parent);
}

static bool
matches(const Install *install, const PgqTable *item)
{
    Text name = full_name(install, item);

    for (const char *const *glob = install->globs; *glob != NULL; glob++)
        if (text_glob(name, *glob))
            return true;
    return false;
}

/* Itself, or a parent whose trigger the server makes at its partitions. */
static bool
is_covered(const Install *install, const PgqTable *item)
{
    for (const PgqTable *at = item; at != NULL; at = parent_of(install, at))
        if (matches(install, at))
            return true;
    return false;
}

static bool
is_ours(const Install *install, const PgqTableTrigger *trigger)
{
    return text_equal(trigger->comment, install->mark);
}

static const PgqTableTrigger *
find_trigger(const PgqTable *item, int bit)
{
    for (size_t i = 0; i < item->triggers->count; i++)
        if ((item->triggers->items[i].type & bit) != 0)
            return &item->triggers->items[i];
    return NULL;
}

/* ---- what is there ----------------------------------------------------------------------------
 */

static bool
read_server(Install *install, Error *err)
{
    if (!pgq_queue_facts(
            install->connection, install->options->queue, install->consumer, &install->facts, err))
        return false;
    if (!install->facts.has_pgq)
        return error_set(err, ERR_SOURCE,
            "database %s has no PgQ: let a superuser run CREATE EXTENSION pgq there",
            PQdb(install->connection->pq));
    if (!pgq_tables_candidates(install->connection, text_of(install->options->queue),
            install->arena, &install->all, err))
        return false;
    for (size_t i = 0; i < install->all.count; i++)
        (void)map_put(
            &install->by_name, full_name(install, &install->all.items[i]), &install->all.items[i]);
    return true;
}

/* A glob of the command line that nothing matches is a slip; one of the file may be meant for
 * later. */
static bool
check_globs(const Install *install, Error *err)
{
    for (const char *const *glob = install->globs; *glob != NULL; glob++) {
        bool found = false;

        for (size_t i = 0; i < install->all.count && !found; i++)
            found = text_glob(full_name(install, &install->all.items[i]), *glob);
        if (!found && install->by_command)
            return error_set(err, ERR_USAGE,
                "the source has no table that matches \"%s\" (schema.table, as a glob)", *glob);
        if (!found)
            tell(install, "warning: the source has no table that matches \"%s\" of source: tables",
                *glob);
    }
    return true;
}

/* Is a row trigger to be made? A parent's comes to its partitions by itself. */
static bool
needs_row_trigger(const Install *install, const PgqTable *item)
{
    const PgqTable *parent = parent_of(install, item);

    return is_covered(install, item) && find_trigger(item, PGQ_ON_ROW) == NULL &&
           (parent == NULL || !is_covered(install, parent) ||
               find_trigger(parent, PGQ_ON_ROW) != NULL);
}

/* Is the row trigger one that we made, here or at a parent, or are about to make? */
static bool
has_own_row_trigger(const Install *install, const PgqTable *item)
{
    for (const PgqTable *at = item; at != NULL; at = parent_of(install, at)) {
        const PgqTableTrigger *trigger = find_trigger(at, PGQ_ON_ROW);

        if (needs_row_trigger(install, at) || (trigger != NULL && is_ours(install, trigger)))
            return true;
    }
    return false;
}

static bool
needs_truncate_trigger(const Install *install, const PgqTable *item)
{
    return item->table->kind == 'r' && is_covered(install, item) &&
           find_trigger(item, PGQ_ON_TRUNCATE) == NULL && has_own_row_trigger(install, item) &&
           pgq_arguments_find(&install->options->trigger_arguments, "SKIP").data == NULL;
}

/* ---- what would fail --------------------------------------------------------------------------
 */

/* Does ignore= leave this column out of the events? */
static bool
is_ignored(const Install *install, Text name)
{
    Text list = pgq_arguments_find(&install->options->trigger_arguments, "ignore");
    Text ignored;

    while (list.data != NULL && pgq_list_next(&list, &ignored))
        if (text_equal(ignored, name))
            return true;
    return false;
}

static const char *
refuse_ignored(const Install *install, Text name)
{
    return arena_printf(install->arena,
        "its key column " TEXT_FMT " is among ignore= of trigger_arguments: no event would have it",
        TEXT_ARG(name));
}

/* Why the table cannot get the trigger, or NULL. */
static const char *
find_refusal(const Install *install, const PgqTable *item)
{
    const SourceTable *base = &item->table->base;
    Text key = pgq_arguments_find(&install->options->trigger_arguments, "pkey");
    Text name;

    if (pgq_arguments_find(&install->options->trigger_arguments, "deny").data != NULL)
        return NULL;
    if (key.data == NULL && item->table->identity_count == 0)
        return "it has no primary key, and the triggers make UPDATE and DELETE of such tables "
               "fail: ALTER TABLE … ADD PRIMARY KEY (…), or trigger_arguments: "
               "[\"pkey=column,…\"]";
    for (size_t i = 0; key.data == NULL && i < item->table->identity_count; i++) {
        name = base->columns[item->table->identity[i]].name;
        if (is_ignored(install, name))
            return refuse_ignored(install, name);
    }
    while (key.data != NULL && pgq_list_next(&key, &name)) {
        if (source_table_column(base, name) == NULL)
            return arena_printf(install->arena,
                "it has no column " TEXT_FMT ", which pkey= of trigger_arguments names",
                TEXT_ARG(name));
        if (is_ignored(install, name))
            return refuse_ignored(install, name);
    }
    return NULL;
}

static bool
check_keys(const Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf names = BUF_INIT;
    size_t count = 0;

    for (size_t i = 0; i < install->all.count; i++) {
        const PgqTable *item = &install->all.items[i];
        const char *refusal = needs_row_trigger(install, item) ? find_refusal(install, item) : NULL;

        if (refusal != NULL && count++ < NAMED_MAX)
            buf_addf(&names, "%s" TEXT_FMT ": %s", count == 1 ? "" : "; ",
                TEXT_ARG(full_name(install, item)), refusal);
    }
    if (count == 0)
        return true;
    if (count > NAMED_MAX)
        buf_addf(&names, "; and %zu more", count - NAMED_MAX);
    return error_set(err, ERR_SOURCE,
        "nothing was changed: %zu table%s cannot have the trigger (name other tables, or help as "
        "said): %s",
        count, count == 1 ? "" : "s", buf_string(&names));
}

static bool
check_writers(const Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf oids = BUF_INIT;
    CLEANUP(buf_clear) Buf roles = BUF_INIT;
    size_t count = 0;
    size_t role_count = 0;

    buf_add_char(&oids, '{');
    for (size_t i = 0; i < install->all.count; i++)
        if (needs_row_trigger(install, &install->all.items[i]))
            buf_addf(&oids, "%s" TEXT_FMT, count++ == 0 ? "" : ",",
                TEXT_ARG(install->all.items[i].table->oid));
    buf_add_char(&oids, '}');
    if (count == 0)
        return true;
    if (!pgq_report_writers(install->connection, buf_string(&oids), &roles, &role_count, err))
        return false;
    if (role_count == 0)
        return true;
    if (install->wanted->dry_run) {
        tell(install, "before the triggers, since these roles write to the tables:");
        buf_addf(install->report, "GRANT pgq_writer TO %s;\n", buf_string(&roles));
        return true;
    }
    return error_set(err, ERR_SOURCE,
        "nothing was changed: %zu role%s may write to the tables but not to the queue, so that "
        "their writes would fail: GRANT pgq_writer TO %s",
        role_count, role_count == 1 ? "" : "s", buf_string(&roles));
}

/* ---- making -----------------------------------------------------------------------------------
 */

/* SELECT pgq.function('queue', …) */
static void
begin_call(const Install *install, const char *function, Buf *sql)
{
    buf_addf(sql, "SELECT pgq.%s(", function);
    postgres_add_literal(sql, text_of(install->options->queue));
}

static bool
make_queue(const Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (install->facts.has_queue && install->facts.newest_tick > 0) {
        tell(install, "queue %s: is there", install->options->queue);
        return true;
    }
    /* it makes the first tick, too */
    begin_call(install, install->facts.has_queue ? "ticker" : "create_queue", &sql);
    buf_add_char(&sql, ')');
    if (!execute(install, "", &sql, err))
        return false;
    if (!install->wanted->dry_run)
        tell(install, "queue %s: %s", install->options->queue,
            install->facts.has_queue ? "its first tick made" : "made");
    return true;
}

static bool
make_consumer(const Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (install->facts.is_registered) {
        tell(install, "consumer %s: is there, at tick %" PRIu64, install->consumer,
            install->facts.last_tick);
        return true;
    }
    begin_call(install, "register_consumer", &sql);
    buf_add_string(&sql, ", ");
    postgres_add_literal(&sql, text_of(install->consumer));
    buf_add_char(&sql, ')');
    if (!execute(install, "", &sql, err))
        return false;
    if (!install->wanted->dry_run)
        tell(install, "consumer %s: registered", install->consumer);
    return true;
}

static void
add_function(const Install *install, bool with_arguments, Buf *sql)
{
    const TextList *arguments = &install->options->trigger_arguments;

    buf_addf(sql, " EXECUTE %s pgq.%s(",
        PQserverVersion(install->connection->pq) >= 110000 ? "FUNCTION" : "PROCEDURE",
        install->options->trigger == PGQ_TRIGGER_JSONTRIGA ? "jsontriga" : "logutriga");
    postgres_add_literal(sql, text_of(install->options->queue));
    for (size_t i = 0; with_arguments && i < arguments->count; i++) {
        buf_add_string(sql, ", ");
        postgres_add_literal(sql, text_of(arguments->items[i]));
    }
    buf_add_char(sql, ')');
}

static void
add_comment(const Install *install, const PgqTable *item, Text name, Buf *sql)
{
    buf_add_string(sql, "; COMMENT ON TRIGGER ");
    postgres_add_identifier(sql, name);
    buf_add_string(sql, " ON ");
    add_table_name(item, sql);
    buf_add_string(sql, " IS ");
    postgres_add_literal(sql, install->mark);
}

static bool
create_trigger(const Install *install, const PgqTable *item, bool truncates, Error *err)
{
    const TextList *arguments = &install->options->trigger_arguments;
    bool skips = pgq_arguments_find(arguments, "SKIP").data != NULL;
    bool denies = pgq_arguments_find(arguments, "deny").data != NULL;
    Text name = truncates ? install->truncate_trigger : install->trigger;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "CREATE TRIGGER ");
    postgres_add_identifier(&sql, name);
    buf_addf(&sql, " %s %s ON ", skips ? "BEFORE" : "AFTER",
        truncates ? "TRUNCATE" : "INSERT OR UPDATE OR DELETE");
    add_table_name(item, &sql);
    buf_addf(&sql, " FOR EACH %s", truncates ? "STATEMENT" : "ROW");
    /* of the arguments a TRUNCATE trigger takes deny alone */
    add_function(install, !truncates, &sql);
    if (truncates && denies) {
        sql.len--;
        buf_add_string(&sql, ", 'deny')");
    }
    add_comment(install, item, name, &sql);
    if (!execute(install, LOCK_TIMEOUT, &sql, err))
        return error_wrap(err, "table " TEXT_FMT, TEXT_ARG(full_name(install, item)));
    if (!install->wanted->dry_run)
        tell(install, "trigger " TEXT_FMT " on " TEXT_FMT ": made", TEXT_ARG(name),
            TEXT_ARG(full_name(install, item)));
    if (!truncates && denies)
        tell(install, "warning: every change of " TEXT_FMT " is refused from now on (deny)",
            TEXT_ARG(full_name(install, item)));
    if (!truncates && item->table->kind == 'p')
        tell(install,
            "warning: table " TEXT_FMT
            " is partitioned: changes come under the names of its partitions (write table rules "
            "for these); a TRUNCATE of a partition that is made later is not told before dray "
            "install is run again",
            TEXT_ARG(full_name(install, item)));
    return true;
}

/* Other arguments than the options', which are for new triggers only. */
static bool
has_other_arguments(const Install *install, const PgqTableTrigger *trigger)
{
    const TextList *arguments = &install->options->trigger_arguments;
    bool wants_json = install->options->trigger == PGQ_TRIGGER_JSONTRIGA;

    if (trigger->argument_count != arguments->count ||
        (trigger->function == PGQ_FUNCTION_JSONTRIGA) != wants_json)
        return true;
    for (size_t i = 0; i < arguments->count; i++)
        if (!text_is(trigger->arguments[i], arguments->items[i]))
            return true;
    return false;
}

static void
tell_left(const Install *install, const PgqTable *item)
{
    const PgqTableTrigger *trigger = find_trigger(item, PGQ_ON_ROW);
    Text name = full_name(install, item);

    if (trigger == NULL || trigger->is_clone)
        return;
    if (!is_ours(install, trigger))
        tell(install,
            "table " TEXT_FMT ": has trigger " TEXT_FMT
            " of somebody else for this queue, left as it is",
            TEXT_ARG(name), TEXT_ARG(trigger->name));
    else if (has_other_arguments(install, trigger))
        tell(install,
            "warning: table " TEXT_FMT ": its trigger " TEXT_FMT
            " was made with other options than source: trigger and trigger_arguments say now: dray "
            "uninstall for this table, then dray install again, and bootstrap what came between",
            TEXT_ARG(name), TEXT_ARG(trigger->name));
}

static bool
make_triggers(const Install *install, Error *err)
{
    bool made = false;

    for (size_t i = 0; i < install->all.count; i++) {
        const PgqTable *item = &install->all.items[i];
        bool needs_row = needs_row_trigger(install, item);

        if (is_covered(install, item))
            tell_left(install, item);
        if (needs_row && !create_trigger(install, item, false, err))
            return false;
        if (needs_truncate_trigger(install, item) && !create_trigger(install, item, true, err))
            return false;
        made |= needs_row;
    }
    if (made)
        tell(install, "from now on the triggers refuse an UPDATE that changes a key: delete and "
                      "insert such rows");
    return true;
}

static bool
report_tables(const Install *install, Error *err)
{
    PgqTableList list;

    if (!pgq_tables_with_triggers(
            install->connection, text_of(install->options->queue), install->arena, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++)
        pgq_report_table(&list.items[i], text_of(PQuser(install->connection->pq)), install->report);
    return true;
}

static bool
run_install(Install *install, Error *err)
{
    if (!pgq_arguments_check(&install->options->trigger_arguments, err) ||
        !read_server(install, err) || !check_globs(install, err) || !check_keys(install, err) ||
        !check_writers(install, err) || !make_queue(install, err) || !make_consumer(install, err) ||
        !make_triggers(install, err))
        return false;
    if (*install->globs == NULL)
        tell(
            install, "no table is named (source: tables, or the command line): no trigger is made");
    if (install->wanted->dry_run)
        return true;
    return pgq_report_queue(install->connection, install->options->queue, install->report, err) &&
           report_tables(install, err);
}

/* ---- removing ---------------------------------------------------------------------------------
 */

static bool
drop_trigger(
    const Install *install, const PgqTable *item, const PgqTableTrigger *trigger, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "DROP TRIGGER ");
    postgres_add_identifier(&sql, trigger->name);
    buf_add_string(&sql, " ON ");
    add_table_name(item, &sql);
    if (!execute(install, LOCK_TIMEOUT, &sql, err))
        return error_wrap(err, "table " TEXT_FMT, TEXT_ARG(full_name(install, item)));
    if (!install->wanted->dry_run)
        tell(install, "trigger " TEXT_FMT " on " TEXT_FMT ": removed", TEXT_ARG(trigger->name),
            TEXT_ARG(full_name(install, item)));
    return true;
}

/* ret_others: the triggers that stay, "a on public.x, …". */
static bool
drop_triggers(const Install *install, Buf *ret_others, Error *err)
{
    for (size_t i = 0; i < install->all.count; i++) {
        const PgqTable *item = &install->all.items[i];

        for (size_t j = 0; j < item->triggers->count; j++) {
            const PgqTableTrigger *trigger = &item->triggers->items[j];

            if (trigger->is_clone)
                continue;
            if (is_ours(install, trigger) && (!install->by_command || is_covered(install, item))) {
                if (!drop_trigger(install, item, trigger, err))
                    return false;
                continue;
            }
            buf_addf(ret_others, "%strigger " TEXT_FMT " on " TEXT_FMT,
                ret_others->len > 0 ? ", " : "", TEXT_ARG(trigger->name),
                TEXT_ARG(full_name(install, item)));
        }
    }
    return true;
}

static bool
unregister(const Install *install, const char *consumer, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    begin_call(install, "unregister_consumer", &sql);
    buf_add_string(&sql, ", ");
    postgres_add_literal(&sql, text_of(consumer));
    buf_add_char(&sql, ')');
    if (!execute(install, "", &sql, err))
        return false;
    if (!install->wanted->dry_run)
        tell(install, "consumer %s: unregistered", consumer);
    return true;
}

/* Ours, and what snapshots that were killed left; others are appended to the list of who stays. */
static bool
unregister_all(const Install *install, Buf *ret_others, Error *err)
{
    static const char sql[] =
        "SELECT c.co_name, c.co_name = $2 OR (starts_with(c.co_name, $3)"
        " AND substr(c.co_name, length($3) + 1) ~ '^[0-9]{1,9}$')"
        " FROM pgq.queue q JOIN pgq.subscription s ON s.sub_queue = q.queue_id"
        " JOIN pgq.consumer c ON c.co_id = s.sub_consumer"
        " WHERE q.queue_name = $1 ORDER BY 1";
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf prefix = BUF_INIT;
    const char *params[] = {install->options->queue, install->consumer, NULL};

    buf_addf(&prefix, "%s" PGQ_SNAPSHOT_CONSUMER, install->consumer);
    params[2] = buf_string(&prefix);
    if (!postgres_connection_query(install->connection, sql, params, 3, &result, err))
        return error_wrap(err, "look for the consumers of queue \"%s\"", params[0]);
    if (!install->facts.is_registered)
        tell(install, "consumer %s: is not registered", install->consumer);
    for (int row = 0; row < PQntuples(result); row++) {
        if (*PQgetvalue(result, row, 1) != 't')
            buf_addf(ret_others, "%sconsumer %s", ret_others->len > 0 ? ", " : "",
                PQgetvalue(result, row, 0));
        else if (!unregister(install, PQgetvalue(result, row, 0), err))
            return false;
    }
    return true;
}

static bool
drop_queue(const Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    begin_call(install, "drop_queue", &sql);
    buf_add_char(&sql, ')');
    if (!execute(install, "", &sql, err))
        return false;
    if (!install->wanted->dry_run)
        tell(install, "queue %s: dropped", install->options->queue);
    return true;
}

static bool
run_uninstall(Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf others = BUF_INIT;

    if (!read_server(install, err))
        return false;
    if (install->by_command && !check_globs(install, err))
        return false;
    if (!drop_triggers(install, &others, err))
        return false;
    if (install->by_command)
        return true;
    if (!install->facts.has_queue) {
        tell(install, "queue %s: is not there", install->options->queue);
        return true;
    }
    if (!unregister_all(install, &others, err))
        return false;
    if (others.len == 0)
        return drop_queue(install, err);
    tell(install, "queue %s: left, since others use it: %s", install->options->queue,
        buf_string(&others));
    return true;
}

/* ---- both -------------------------------------------------------------------------------------
 */

/* "dray_sales"; a long name is cut, with a hash of the whole behind it. */
static void
name_triggers(Install *install)
{
    const size_t limit = NAME_LIMIT - (sizeof(truncate_suffix) - 1);
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_addf(&name, "dray_%s", install->wanted->service);
    if (name.len > limit) {
        uint64_t hash = XXH3_64bits(name.data, name.len);
        size_t len = limit - 17;

        /* not in the middle of a character */
        while (len > 0 && ((unsigned char)name.data[len] & 0xC0) == 0x80)
            len--;
        name.len = len;
        buf_addf(&name, "_%016" PRIx64, hash);
    }
    install->trigger = arena_text(install->arena, buf_text(&name));
    buf_add_string(&name, truncate_suffix);
    install->truncate_trigger = arena_text(install->arena, buf_text(&name));
    install->mark =
        text_of(arena_printf(install->arena, "dray install: service %s", install->wanted->service));
}

typedef bool RunFn(Install *install, Error *err);

static bool
with_connection(const SourceInstall *wanted, RunFn *run, Buf *report, Error *err)
{
    const PgqSourceOptions *options = wanted->options;
    PostgresSourceOptions how = pgq_connection_options(options);
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf consumer = BUF_INIT;
    CLEANUP(postgres_connection_close) PostgresConnection *connection = NULL;
    Install install = {.wanted = wanted, .options = options, .arena = arena, .report = report};
    const char **globs = ARENA_ARRAY(arena, const char *, options->tables.count + 1);
    bool ok;

    for (size_t i = 0; i < options->tables.count; i++)
        globs[i] = options->tables.items[i];
    globs[options->tables.count] = NULL;
    install.by_command = wanted->tables != NULL && wanted->tables[0] != NULL;
    install.globs = install.by_command ? wanted->tables : globs;
    pgq_consumer_name(wanted->service, options, &consumer);
    install.consumer = buf_string(&consumer);
    name_triggers(&install);
    connection = postgres_connection_open(&how, POSTGRES_ORDINARY, err);
    if (connection == NULL)
        return false;
    install.connection = connection;
    ok = run(&install, err);
    map_clear(&install.by_name);
    return ok;
}

bool
pgq_install(const SourceInstall *install, Buf *report, Error *err)
{
    return with_connection(install, run_install, report, err);
}

bool
pgq_uninstall(const SourceInstall *install, Buf *report, Error *err)
{
    return with_connection(install, run_uninstall, report, err);
}
