#include "source/mysql/report.h"

#include "source/mysql/settings.h"

/* What SHOW GRANTS says of the rights that matter, roles that are in force included. */
typedef struct Rights {
    bool all;
    bool reads_log;    /* REPLICATION SLAVE */
    bool monitors_log; /* REPLICATION CLIENT, BINLOG MONITOR */
    bool locks_tables; /* RELOAD, FLUSH_TABLES */
    Text user;         /* for GRANT … TO */
} Rights;

typedef struct Reading {
    MysqlSettings *settings;
    Rights *rights;
    Arena *arena;
    size_t rows;
} Reading;

static Text
shown(Value value)
{
    return value.kind == VALUE_TEXT ? value.text : TEXT("");
}

static bool
take_variable(void *context, const Value *values, size_t count, Error *err)
{
    Reading *reading = context;

    (void)err;
    if (count >= 2 && values[0].kind == VALUE_TEXT)
        (void)map_put(&reading->settings->variables, values[0].text,
            (char *)(uintptr_t)arena_text(reading->arena, shown(values[1])).data);
    return true;
}

static bool
take_status(void *context, const Value *values, size_t count, Error *err)
{
    Reading *reading = context;

    (void)err;
    if (count >= 4) {
        reading->settings->do_db = arena_text(reading->arena, shown(values[2]));
        reading->settings->ignore_db = arena_text(reading->arena, shown(values[3]));
    }
    return true;
}

static bool
take_row(void *context, const Value *values, size_t count, Error *err)
{
    Reading *reading = context;

    (void)values;
    (void)count;
    (void)err;
    reading->rows++;
    return true;
}

static bool
has_words(Text text, const char *words)
{
    return memmem(text.data, text.len, words, strlen(words)) != NULL;
}

static bool
take_grant(void *context, const Value *values, size_t count, Error *err)
{
    Reading *reading = context;
    Rights *rights = reading->rights;
    Text grant = count > 0 ? shown(values[0]) : TEXT("");

    (void)err;
    if (!has_words(grant, " ON *.* "))
        return true;
    rights->all |= text_starts_with(grant, "GRANT ALL PRIVILEGES ");
    rights->reads_log |=
        has_words(grant, "REPLICATION SLAVE,") || has_words(grant, "REPLICATION SLAVE ON");
    rights->monitors_log |=
        has_words(grant, "REPLICATION CLIENT") || has_words(grant, "BINLOG MONITOR");
    rights->locks_tables |= has_words(grant, "RELOAD") || has_words(grant, "FLUSH_TABLES");
    return true;
}

/* Rows of a statement for which a right may be missing; not known then. */
static bool
count_rows(MysqlServer *server, Text sql, Reading *reading, int64_t *ret_count, Error *err)
{
    reading->rows = 0;
    if (source_mysql_server_query(server, sql, take_row, reading, err))
        *ret_count = (int64_t)reading->rows;
    else if (server->lost || err->kind == ERR_STOPPED)
        return false;
    else
        *ret_count = -1;
    return true;
}

static bool
read_user(MysqlServer *server, Arena *arena, Rights *rights, Error *err)
{
    CLEANUP(buf_clear) Buf user = BUF_INIT;
    CLEANUP(buf_clear) Buf quoted = BUF_INIT;
    bool found;
    const char *at;

    if (!source_mysql_server_value(server, TEXT("SELECT CURRENT_USER()"), &user, &found, err))
        return false;
    at = user.len == 0 ? NULL : memrchr(user.data, '@', user.len);
    if (at == NULL) {
        rights->user = arena_text(arena, buf_text(&user));
        return true;
    }
    source_mysql_add_string(&quoted, (Text){user.data, (size_t)(at - user.data)});
    buf_add_char(&quoted, '@');
    source_mysql_add_string(&quoted, (Text){at + 1, (size_t)(user.data + user.len - at - 1)});
    rights->user = arena_text(arena, buf_text(&quoted));
    return true;
}

/* ---- rights ---- */

static const char *
monitor_right(const MysqlServer *server)
{
    return server->is_mariadb ? "BINLOG MONITOR" : "REPLICATION CLIENT";
}

static bool
require_rights(const MysqlServer *server, const Rights *rights, Error *err)
{
    const char *missing = !rights->reads_log ? "REPLICATION SLAVE" : monitor_right(server);

    if (rights->all || (rights->reads_log && rights->monitors_log))
        return true;
    return error_set(err, ERR_SOURCE, TEXT_FMT " lacks the right %s: GRANT %s ON *.* TO " TEXT_FMT,
        TEXT_ARG(rights->user), missing, missing, TEXT_ARG(rights->user));
}

static void
report_rights(
    const MysqlServer *server, const SourceStart *start, const Rights *rights, Buf *report)
{
    const MysqlSourceOptions *options = start->options;

    if (rights->all || rights->locks_tables || (server->is_mariadb && !options->snapshot_lock))
        return;
    buf_addf(report,
        "warning: " TEXT_FMT
        " lacks the right RELOAD, with which dray bootstrap and dray verify take their views at "
        "one place: GRANT RELOAD ON *.* TO " TEXT_FMT "%s\n",
        TEXT_ARG(rights->user), TEXT_ARG(rights->user),
        server->is_mariadb ? "; or give snapshot_lock: false" : "");
}

/* ---- tables ---- */

static void
add_key(const MysqlTable *table, Buf *report)
{
    const SourceTable *base = &table->base;

    if (base->key_count == 0) {
        buf_add_string(report,
            "no primary key, nor a unique one of columns that are NOT NULL: a rule in tables: must "
            "name a key");
        return;
    }
    buf_add_string(report, table->has_primary_key ? "primary key (" : "unique key (");
    for (size_t i = 0; i < base->key_count; i++)
        buf_addf(
            report, "%s" TEXT_FMT, i == 0 ? "" : ", ", TEXT_ARG(base->columns[base->key[i]].name));
    buf_add_char(report, ')');
}

static void
report_table(const MysqlTable *table, const Rights *rights, Buf *report)
{
    bool is_warning = table->base.problem.data != NULL || !table->may_select;

    buf_addf(report, "%stable " TEXT_FMT "." TEXT_FMT ": ", is_warning ? "warning: " : "",
        TEXT_ARG(table->base.schema), TEXT_ARG(table->base.name));
    add_key(table, report);
    if (table->is_versioned && !table->by_transaction)
        buf_add_string(report, ", system-versioned: its current rows are carried");
    if (table->base.problem.data != NULL)
        buf_addf(report, ": " TEXT_FMT, TEXT_ARG(table->base.problem));
    if (!table->may_select) {
        buf_addf(report,
            "; " TEXT_FMT
            " may not read all of its columns, which dray bootstrap and dray verify must: GRANT "
            "SELECT ON ",
            TEXT_ARG(rights->user));
        source_mysql_add_name(report, table->base.schema);
        buf_add_char(report, '.');
        source_mysql_add_name(report, table->base.name);
        buf_addf(report, " TO " TEXT_FMT, TEXT_ARG(rights->user));
    }
    buf_add_char(report, '\n');
}

static bool
report_tables(MysqlServer *server, const SourceStart *start, const Rights *rights, Arena *arena,
    Buf *report, Error *err)
{
    MysqlTable **tables;
    size_t count;

    if (!source_mysql_tables_list(server, start->options, arena, &tables, &count, err))
        return false;
    if (count == 0)
        buf_addf(report,
            "warning: no table is carried now: none fits source: tables, or " TEXT_FMT
            " has no rights on them (GRANT SELECT ON … TO " TEXT_FMT ")\n",
            TEXT_ARG(rights->user), TEXT_ARG(rights->user));
    for (size_t i = 0; i < count; i++)
        report_table(tables[i], rights, report);
    return true;
}

/* ---- all of it ---- */

/* MySQL names these statements anew in 8.0.22 and 8.2. */
static bool
read_replication(MysqlServer *server, Reading *reading, Error *err)
{
    bool is_new = !server->is_mariadb && server->version >= 80200;
    Text replica = server->is_mariadb         ? TEXT("SHOW ALL SLAVES STATUS")
                   : server->version >= 80022 ? TEXT("SHOW REPLICA STATUS")
                                              : TEXT("SHOW SLAVE STATUS");

    if (!source_mysql_server_query(server,
            is_new ? TEXT("SHOW BINARY LOG STATUS") : TEXT("SHOW MASTER STATUS"), take_status,
            reading, err) ||
        !count_rows(server, replica, reading, &reading->settings->sources, err) ||
        !count_rows(server, TEXT("XA RECOVER"), reading, &reading->settings->prepared, err))
        return false;
    return true;
}

static bool
report_all(MysqlServer *server, const SourceStart *start, Reading *reading, Buf *report, Error *err)
{
    MysqlSettings *settings = reading->settings;

    if (!source_mysql_server_query(
            server, TEXT("SHOW GLOBAL VARIABLES"), take_variable, reading, err) ||
        !read_user(server, reading->arena, reading->rights, err) ||
        !source_mysql_server_query(server, TEXT("SHOW GRANTS"), take_grant, reading, err))
        return error_wrap(err, "read the server's settings");
    buf_addf(report, "server: %s %s, server_id " TEXT_FMT "\n",
        server->is_mariadb ? "MariaDB" : "MySQL", buf_string(&server->version_text),
        TEXT_ARG(source_mysql_settings_value(settings, "server_id")));
    if (!source_mysql_settings_require(settings, err) ||
        !require_rights(server, reading->rights, err))
        return false;
    if (!read_replication(server, reading, err))
        return error_wrap(err, "read the server's settings");
    source_mysql_settings_report(settings, report);
    report_rights(server, start, reading->rights, report);
    if (!source_mysql_server_has_md5(server))
        buf_add_string(report, "warning: dray verify cannot compare: " MYSQL_MD5_WAY_OUT "\n");
    return report_tables(server, start, reading->rights, reading->arena, report, err);
}

bool
source_mysql_report(MysqlServer *server, const SourceStart *start, Buf *report, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Rights rights = {.user = TEXT("")};
    MysqlSettings settings = {.is_mariadb = server->is_mariadb,
        .options = start->options,
        .server_id = source_mysql_server_id(start, MYSQL_ID_STREAM),
        .do_db = TEXT(""),
        .ignore_db = TEXT(""),
        .prepared = -1};
    Reading reading = {.settings = &settings, .rights = &rights, .arena = arena};
    bool ok = report_all(server, start, &reading, report, err);

    map_clear(&settings.variables);
    return ok;
}
