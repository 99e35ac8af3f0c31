#include "source/postgres_install.h"

#include <stdarg.h>

#include "base/map.h"
#include "source/postgres_problem.h"
#include "source/postgres_report.h"
#include "source/postgres_slot.h"

#define VERSION_VIA_ROOT 130000
/* Tables that an error names. */
#define NAMED_MAX 5

typedef struct Install {
    const SourceInstall *wanted;
    const PostgresSourceOptions *options;
    PostgresConnection *connection;
    Arena *arena;
    Buf *report;
    Text slot;
    Text name; /* of the publication */
    PostgresPublication publication;
    PostgresMark mark;
    PostgresServer server;
    PostgresTableList all;    /* every table of the database that a publication might have */
    Map by_name;              /* "schema.table" -> PostgresTable, of all */
    Map members;              /* oid -> PostgresTable: named by the publication */
    const char *const *globs; /* of the tables that are wanted, ended by NULL */
    bool by_command;          /* the globs come from the command line */
    bool is_new;              /* the publication was not there before */
} Install;

static const char mark_text[] = "dray install: service ";

PostgresMark
postgres_install_read_mark(Text comment, const char *service)
{
    PostgresMark mark = {.is_ours = false};
    size_t skip = sizeof(mark_text) - 1 + strlen(service);
    Text rest;

    if (!text_starts_with(comment, mark_text) || comment.len < skip ||
        memcmp(comment.data + sizeof(mark_text) - 1, service, strlen(service)) != 0)
        return mark;
    rest = (Text){comment.data + skip, comment.len - skip};
    mark.is_ours = rest.len == 0;
    if (text_starts_with(rest, "; slot ")) {
        mark.is_ours = true;
        mark.slot = (Text){rest.data + strlen("; slot "), rest.len - strlen("; slot ")};
    }
    return mark;
}

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
execute(const Install *install, const Buf *sql, Error *err)
{
    if (install->wanted->dry_run) {
        buf_addf(install->report, "%s;\n", buf_string(sql));
        return true;
    }
    if (postgres_connection_query(install->connection, buf_string(sql), NULL, 0, NULL, err))
        return true;
    if (strcmp(err->sqlstate, "42501") == 0)
        return error_wrap(err,
            "role " TEXT_FMT " lacks a right that this needs (let a role that has it run: %s)",
            TEXT_ARG(install->server.user), buf_string(sql));
    return error_wrap(err, "%s", buf_string(sql));
}

static void
add_table_name(const PostgresTable *table, Buf *sql)
{
    postgres_add_identifier(sql, table->base.schema);
    buf_add_char(sql, '.');
    postgres_add_identifier(sql, table->base.name);
}

static Text
full_name(const Install *install, const PostgresTable *table)
{
    return text_of(arena_printf(install->arena, TEXT_FMT "." TEXT_FMT, TEXT_ARG(table->base.schema),
        TEXT_ARG(table->base.name)));
}

static const PostgresTable *
parent_of(const Install *install, const PostgresTable *table)
{
    return table->base.parent.data == NULL ? NULL : map_get(&install->by_name, table->base.parent);
}

static bool
matches(const Install *install, const PostgresTable *table)
{
    Text name = full_name(install, table);

    for (const char *const *glob = install->globs; *glob != NULL; glob++)
        if (text_glob(name, *glob))
            return true;
    return false;
}

/* Itself, or a parent that brings its partitions with it. */
static bool
is_covered(const Install *install, const PostgresTable *table)
{
    for (const PostgresTable *at = table; at != NULL; at = parent_of(install, at))
        if (matches(install, at))
            return true;
    return false;
}

/* Does the publication have it, by its own name or by a parent's? */
static bool
is_member(const Install *install, const PostgresTable *table)
{
    if (install->publication.all_tables || table->base.is_published)
        return true;
    for (const PostgresTable *at = table; at != NULL; at = parent_of(install, at))
        if (map_get(&install->members, at->oid) != NULL)
            return true;
    return false;
}

/* Is this one to be named in CREATE or ALTER PUBLICATION? */
static bool
is_to_name(const Install *install, const PostgresTable *table)
{
    const PostgresTable *parent = parent_of(install, table);

    if (!is_covered(install, table) || is_member(install, table))
        return false;
    /* 12 has no partitioned tables in publications: their partitions are named instead */
    if (PQserverVersion(install->connection->pq) < VERSION_VIA_ROOT)
        return table->kind == 'r';
    return parent == NULL || !is_covered(install, parent);
}

static bool
read_members(Install *install, Error *err)
{
    static const char sql[] = "SELECT r.prrelid FROM pg_publication_rel r"
                              " JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = $1";
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    const char *param = install->name.data;

    if (!postgres_connection_query(install->connection, sql, &param, 1, &result, err))
        return error_wrap(err, "read the tables of publication \"%s\"", param);
    for (int row = 0; row < PQntuples(result); row++)
        (void)map_put(&install->members, postgres_result_text(result, row, 0), install);
    return true;
}

static bool
read_server(Install *install, Error *err)
{
    if (!postgres_report_server(install->connection, install->arena, &install->server, err) ||
        !postgres_report_require(&install->server, false, err) ||
        !postgres_publication_read(
            install->connection, install->name, install->arena, &install->publication, err) ||
        !postgres_tables_candidates(
            install->connection, &install->publication, install->arena, &install->all, err) ||
        !read_members(install, err))
        return false;
    install->mark =
        postgres_install_read_mark(install->publication.comment, install->wanted->service);
    for (size_t i = 0; i < install->all.count; i++) {
        PostgresTable *table = install->all.items[i];

        (void)map_put(&install->by_name, full_name(install, table), table);
    }
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
            found = text_glob(full_name(install, install->all.items[i]), *glob);
        if (!found && install->by_command)
            return error_set(err, ERR_USAGE,
                "the source has no table that matches \"%s\" (schema.table, as a glob)", *glob);
        if (!found)
            tell(install, "warning: the source has no table that matches \"%s\" of source: tables",
                *glob);
    }
    return true;
}

/* Tables that become published now and whose UPDATE and DELETE the server would then refuse. */
static bool
check_refusals(const Install *install, bool all, Error *err)
{
    CLEANUP(buf_clear) Buf names = BUF_INIT;
    size_t count = 0;

    for (size_t i = 0; i < install->all.count; i++) {
        const PostgresTable *table = install->all.items[i];

        if (table->kind != 'r' || !postgres_problem_is_refusal(table) ||
            is_member(install, table) || (!all && !is_covered(install, table)))
            continue;
        if (count++ < NAMED_MAX) {
            buf_addf(&names, "%s" TEXT_FMT ": ", count == 1 ? "" : "; ",
                TEXT_ARG(full_name(install, table)));
            postgres_problem_add(table, &install->publication, &names);
        }
    }
    if (count == 0)
        return true;
    if (count > NAMED_MAX)
        buf_addf(&names, "; and %zu more", count - NAMED_MAX);
    return error_set(err, ERR_SOURCE,
        "nothing was changed: applications could not update or delete rows of %zu table%s any more "
        "once %s published (name other tables in source: tables, or help as said): %s",
        count, count == 1 ? "" : "s", count == 1 ? "it is" : "they are", buf_string(&names));
}

/* Appends " "s"."t", …"; returns how many. */
static size_t
add_named(const Install *install, Buf *sql)
{
    size_t count = 0;

    for (size_t i = 0; i < install->all.count; i++) {
        const PostgresTable *table = install->all.items[i];

        if (!is_to_name(install, table))
            continue;
        buf_add_string(sql, count++ == 0 ? " " : ", ");
        buf_add_string(sql, table->kind == 'r' ? "ONLY " : "");
        add_table_name(table, sql);
    }
    return count;
}

static void
add_comment(const Install *install, Text slot, Buf *sql)
{
    CLEANUP(buf_clear) Buf mark = BUF_INIT;

    buf_addf(&mark, "%s%s", mark_text, install->wanted->service);
    if (slot.data != NULL)
        buf_addf(&mark, "; slot " TEXT_FMT, TEXT_ARG(slot));
    buf_add_string(sql, "COMMENT ON PUBLICATION ");
    postgres_add_identifier(sql, install->name);
    buf_add_string(sql, " IS ");
    postgres_add_literal(sql, buf_text(&mark));
}

static bool
create_publication(Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    bool all = *install->globs == NULL;
    bool has_root = PQserverVersion(install->connection->pq) >= VERSION_VIA_ROOT;
    size_t count = 0;

    if (!check_refusals(install, all, err))
        return false;
    buf_add_string(&sql, "CREATE PUBLICATION ");
    postgres_add_identifier(&sql, install->name);
    buf_add_string(&sql, all ? " FOR ALL TABLES" : " FOR TABLE");
    if (!all)
        count = add_named(install, &sql);
    if (!all && count == 0)
        return error_set(err, ERR_SOURCE,
            "the source has no table that source: tables matches, so that there is nothing to "
            "publish");
    buf_addf(&sql, " WITH (publish = 'insert, update, delete, truncate'%s)",
        install->options->via_root && has_root ? ", publish_via_partition_root = true" : "");
    buf_add_string(&sql, "; ");
    add_comment(install, TEXT_NONE, &sql);
    if (!execute(install, &sql, err))
        return false;
    install->mark = (PostgresMark){.is_ours = true};
    install->is_new = true;
    if (!install->wanted->dry_run)
        tell(install, "publication " TEXT_FMT ": made", TEXT_ARG(install->name));
    return true;
}

static bool
add_tables(const Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (!check_refusals(install, false, err))
        return false;
    buf_add_string(&sql, "ALTER PUBLICATION ");
    postgres_add_identifier(&sql, install->name);
    buf_add_string(&sql, " ADD TABLE");
    if (add_named(install, &sql) == 0)
        return true;
    if (!execute(install, &sql, err))
        return false;
    if (!install->wanted->dry_run)
        tell(install, "publication " TEXT_FMT ": tables added", TEXT_ARG(install->name));
    return true;
}

/* What the globs want and the publication, which is not ours to change here, lacks. */
static size_t
tell_missing(const Install *install)
{
    size_t count = 0;

    for (size_t i = 0; i < install->all.count; i++) {
        const PostgresTable *table = install->all.items[i];
        CLEANUP(buf_clear) Buf sql = BUF_INIT;

        if (!is_to_name(install, table))
            continue;
        count++;
        buf_add_string(&sql, "ALTER PUBLICATION ");
        postgres_add_identifier(&sql, install->name);
        buf_add_string(&sql, " ADD TABLE ");
        add_table_name(table, &sql);
        tell(install, "warning: table " TEXT_FMT " is not in publication " TEXT_FMT ": %s%s",
            TEXT_ARG(full_name(install, table)), TEXT_ARG(install->name),
            install->mark.is_ours ? "name it on the command line of dray install, or " : "",
            buf_string(&sql));
    }
    return count;
}

static bool
check_publication(Install *install, Error *err)
{
    const PostgresPublication *publication = &install->publication;
    size_t missing;

    if (install->mark.is_ours && install->by_command)
        return publication->all_tables || add_tables(install, err);
    tell(install, "publication " TEXT_FMT ": is there%s, left as it is", TEXT_ARG(install->name),
        install->mark.is_ours ? "" : ", made by somebody else");
    if (publication->via_root != install->options->via_root &&
        PQserverVersion(install->connection->pq) >= VERSION_VIA_ROOT)
        tell(install,
            "warning: publication " TEXT_FMT
            " publishes partitions under %s, not as source: via_root says: ALTER PUBLICATION "
            "\"" TEXT_FMT "\" SET (publish_via_partition_root = %s)",
            TEXT_ARG(install->name),
            publication->via_root ? "their root's name" : "their own names",
            TEXT_ARG(install->name), install->options->via_root ? "true" : "false");
    if (*install->globs == NULL && !publication->all_tables)
        tell(install,
            "warning: publication " TEXT_FMT
            " has a list of tables, while source: tables names none, which means all",
            TEXT_ARG(install->name));
    missing = tell_missing(install);
    if (missing > 0 && install->by_command)
        return error_set(err, ERR_SOURCE,
            "publication \"" TEXT_FMT "\" was made by somebody else and lacks %zu of the tables: "
            "add them as the report says",
            TEXT_ARG(install->name), missing);
    return true;
}

static bool
create_slot(Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (install->mark.slot.data != NULL && !text_equal(install->mark.slot, install->slot))
        tell(install,
            "warning: slot " TEXT_FMT ", which dray install made earlier, is not in use any more: "
            "SELECT pg_drop_replication_slot('" TEXT_FMT "')",
            TEXT_ARG(install->mark.slot), TEXT_ARG(install->mark.slot));
    /* first, so that no slot of ours is ever without its mark */
    if (install->mark.is_ours) {
        add_comment(install, install->slot, &sql);
        if (!execute(install, &sql, err))
            return false;
        buf_reset(&sql, SIZE_MAX);
    }
    buf_add_string(&sql, "SELECT pg_create_logical_replication_slot(");
    postgres_add_literal(&sql, install->slot);
    buf_add_string(&sql, ", 'pgoutput')");
    if (!execute(install, &sql, err))
        return false;
    if (install->wanted->dry_run)
        return true;
    tell(install, "slot " TEXT_FMT ": made", TEXT_ARG(install->slot));
    if (!install->mark.is_ours)
        tell(install,
            "slot " TEXT_FMT ": dray uninstall will leave it, as the publication is somebody "
            "else's and cannot remember who made it",
            TEXT_ARG(install->slot));
    return true;
}

/* Not in a dry run, which has not made them. */
static bool
check_slot(Install *install, Error *err)
{
    const PostgresSlotWanted wanted = {.slot = install->slot, .publication = install->name};
    PostgresSlotFacts facts = {.notice = BUF_INIT};
    bool ok = postgres_slot_check(install->connection, &wanted, &facts, err);

    buf_clear(&facts.notice);
    return ok;
}

static bool
install_slot(Install *install, Error *err)
{
    PostgresSlot slot;

    if (!postgres_report_slot(install->connection, install->slot, install->arena, &slot, err))
        return false;
    if (!slot.exists)
        return postgres_report_require(&install->server, true, err) && create_slot(install, err);
    tell(install, "slot " TEXT_FMT ": is there, left as it is", TEXT_ARG(install->slot));
    if (install->is_new)
        tell(install,
            "warning: slot " TEXT_FMT
            " is older than the publication, and the server cannot stream it changes from before "
            "the publication was made: where it has such, SELECT "
            "pg_drop_replication_slot('" TEXT_FMT "'), and dray install again",
            TEXT_ARG(install->slot), TEXT_ARG(install->slot));
    return install->wanted->dry_run || check_slot(install, err);
}

static bool
report_tables(Install *install, Error *err)
{
    PostgresPublication publication;
    PostgresTableList list;

    if (!postgres_publication_read(
            install->connection, install->name, install->arena, &publication, err) ||
        !postgres_tables_published(install->connection, &publication, install->arena, &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++)
        postgres_report_table(list.items[i], install->server.user, install->report);
    return true;
}

static bool
run_install(Install *install, Error *err)
{
    if (!read_server(install, err) || !check_globs(install, err))
        return false;
    if (install->publication.exists ? !check_publication(install, err)
                                    : !create_publication(install, err))
        return false;
    if (!install_slot(install, err))
        return false;
    if (install->wanted->dry_run)
        return true;
    postgres_report_settings(&install->server, install->report);
    return report_tables(install, err);
}

static bool
remove_slot(Install *install, Text name, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    PostgresSlot slot;

    if (!postgres_report_slot(install->connection, name, install->arena, &slot, err))
        return false;
    if (!slot.exists || !slot.is_ours_to_use) {
        tell(install, "slot " TEXT_FMT ": is not there any more", TEXT_ARG(name));
        return true;
    }
    if (slot.is_active)
        return error_set_retriable(err, ERR_SOURCE,
            "replication slot \"" TEXT_FMT "\" is in use by process " TEXT_FMT
            " of the server: stop the service first; nothing was removed",
            TEXT_ARG(name), TEXT_ARG(slot.active_pid));
    buf_add_string(&sql, "SELECT pg_drop_replication_slot(");
    postgres_add_literal(&sql, name);
    buf_add_char(&sql, ')');
    if (!execute(install, &sql, err))
        return false;
    if (!install->wanted->dry_run)
        tell(install, "slot " TEXT_FMT ": removed", TEXT_ARG(name));
    return true;
}

static bool
tell_left_slot(Install *install, Error *err)
{
    PostgresSlot slot;

    if (!postgres_report_slot(install->connection, install->slot, install->arena, &slot, err))
        return false;
    if (slot.exists)
        tell(install,
            "warning: slot " TEXT_FMT ": left, as nothing says that dray install made it; it keeps "
            "WAL as long as it is there: SELECT pg_drop_replication_slot('" TEXT_FMT "')",
            TEXT_ARG(install->slot), TEXT_ARG(install->slot));
    return true;
}

static bool
run_uninstall(Install *install, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (!postgres_publication_read(
            install->connection, install->name, install->arena, &install->publication, err) ||
        !postgres_report_server(install->connection, install->arena, &install->server, err))
        return false;
    install->mark =
        postgres_install_read_mark(install->publication.comment, install->wanted->service);
    if (install->mark.slot.data != NULL && !remove_slot(install, install->mark.slot, err))
        return false;
    if (!text_equal(install->mark.slot, install->slot) && !tell_left_slot(install, err))
        return false;
    if (!install->publication.exists) {
        tell(install, "publication " TEXT_FMT ": is not there", TEXT_ARG(install->name));
        return true;
    }
    if (!install->mark.is_ours) {
        tell(install, "publication " TEXT_FMT ": left, as dray install did not make it for %s",
            TEXT_ARG(install->name), install->wanted->service);
        return true;
    }
    buf_add_string(&sql, "DROP PUBLICATION ");
    postgres_add_identifier(&sql, install->name);
    if (!execute(install, &sql, err))
        return false;
    if (!install->wanted->dry_run)
        tell(install, "publication " TEXT_FMT ": removed", TEXT_ARG(install->name));
    return true;
}

typedef bool RunFn(Install *install, Error *err);

static bool
with_connection(const SourceInstall *wanted, RunFn *run, Buf *report, Error *err)
{
    static const char *const none[] = {NULL};
    const PostgresSourceOptions *options = wanted->options;
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    CLEANUP(postgres_connection_close) PostgresConnection *connection = NULL;
    Install install = {
        .wanted = wanted, .options = options, .arena = arena, .report = report, .globs = none};
    const char **globs = ARENA_ARRAY(arena, const char *, options->tables.count + 1);
    bool ok;

    for (size_t i = 0; i < options->tables.count; i++)
        globs[i] = options->tables.items[i];
    install.by_command = wanted->tables != NULL && wanted->tables[0] != NULL;
    install.globs = install.by_command ? wanted->tables : globs;
    postgres_slot_name(wanted->service, options, &name);
    install.slot = arena_text(arena, buf_text(&name));
    postgres_publication_name(wanted->service, options, &name);
    install.name = arena_text(arena, buf_text(&name));
    connection = postgres_connection_open(options, POSTGRES_ORDINARY, err);
    if (connection == NULL)
        return false;
    install.connection = connection;
    ok = run(&install, err);
    map_clear(&install.by_name);
    map_clear(&install.members);
    return ok;
}

bool
postgres_install(const SourceInstall *install, Buf *report, Error *err)
{
    return with_connection(install, run_install, report, err);
}

bool
postgres_uninstall(const SourceInstall *install, Buf *report, Error *err)
{
    return with_connection(install, run_uninstall, report, err);
}
