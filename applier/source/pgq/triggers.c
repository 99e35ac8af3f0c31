#include "source/pgq/triggers.h"

enum {
    ROW_TABLE,
    ROW_TRIGGER,
    ROW_NAME,
    ROW_COMMENT,
    ROW_FUNCTION,
    ROW_TYPE,
    ROW_ENABLED,
    ROW_CLONE,
    ROW_CONDITION,
    ROW_COLUMNS,
    ROW_NUMBER,
    ROW_ARGUMENT,
};

/* A row an argument. tgargs has a NUL behind each, which only hexadecimal digits survive. */
static const char triggers_sql[] =
    "SELECT t.tgrelid, t.oid, t.tgname, obj_description(t.oid, 'pg_trigger'), f.proname, t.tgtype,"
    " t.tgenabled, %s, t.tgqual IS NOT NULL, t.tgattr <> ''::int2vector, a.number,"
    " convert_from(decode(a.digits, 'hex'), getdatabaseencoding())"
    " FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid"
    " JOIN pg_namespace n ON n.oid = f.pronamespace, LATERAL regexp_split_to_table("
    "regexp_replace(encode(t.tgargs, 'hex'), '(..)', '\\1 ', 'g'), '00 ')"
    " WITH ORDINALITY AS a(digits, number)"
    " WHERE t.tgrelid = ANY ($1::oid[]) AND n.nspname = 'pgq'"
    " AND f.proname IN ('logutriga', 'jsontriga', 'sqltriga', 'logtriga')"
    " AND a.number <= t.tgnargs"
    " ORDER BY t.tgrelid, t.tgname COLLATE \"C\", t.oid, a.number";

/* tgparentid came with this server; before, clones were internal triggers. */
#define VERSION_PARENT 130000

/* ---- lists and arguments ---- */

bool
pgq_list_next(Text *list, Text *ret_name)
{
    size_t len;

    if (list->len == 0)
        return false;
    len = text_find(*list, ',');
    *ret_name = text_trim((Text){list->data, len});
    len += len < list->len ? 1 : 0;
    list->data += len;
    list->len -= len;
    return true;
}

bool
pgq_list_has(Text list, Text name)
{
    Text item;

    while (pgq_list_next(&list, &item))
        if (text_equal(item, name))
            return true;
    return false;
}

Text
pgq_trigger_argument(const PgqTableTrigger *trigger, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < trigger->argument_count; i++) {
        Text argument = trigger->arguments[i];

        if (text_is(argument, name))
            return TEXT("");
        if (argument.len > len && text_starts_with(argument, name) && argument.data[len] == '=')
            return (Text){argument.data + len + 1, argument.len - len - 1};
    }
    return TEXT_NONE;
}

static bool
has_argument(const PgqTableTrigger *trigger, const char *name)
{
    return pgq_trigger_argument(trigger, name).data != NULL;
}

/* ---- what they do ---- */

static bool
fires(const PgqTableTrigger *trigger)
{
    return trigger->enabled == 'O' || trigger->enabled == 'A';
}

bool
pgq_trigger_logs(const PgqTableTrigger *trigger)
{
    return fires(trigger) && trigger->function != PGQ_FUNCTION_OTHER &&
           !has_argument(trigger, "deny");
}

const PgqTableTrigger *
pgq_triggers_first(const PgqTriggers *triggers)
{
    for (size_t i = 0; i < triggers->count; i++) {
        const PgqTableTrigger *trigger = &triggers->items[i];

        if ((trigger->type & PGQ_ON_ROW) != 0 && pgq_trigger_logs(trigger))
            return trigger;
    }
    return NULL;
}

bool
pgq_triggers_deny(const PgqTriggers *triggers)
{
    for (size_t i = 0; i < triggers->count; i++)
        if (fires(&triggers->items[i]) && (triggers->items[i].type & PGQ_ON_ROW) != 0 &&
            has_argument(&triggers->items[i], "deny"))
            return true;
    return false;
}

bool
pgq_triggers_ignore(const PgqTriggers *triggers, Text column)
{
    static const char *const own[] = {"_pgq_ev_type", "_pgq_ev_data", "_pgq_ev_extra1",
        "_pgq_ev_extra2", "_pgq_ev_extra3", "_pgq_ev_extra4"};
    const PgqTableTrigger *first = pgq_triggers_first(triggers);

    if (first == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (text_is(column, own[i]))
            return true;
    return pgq_list_has(pgq_trigger_argument(first, "ignore"), column);
}

/* ---- reading ---- */

static bool
is_true(const PGresult *result, int row, int column)
{
    return *PQgetvalue(result, row, column) == 't';
}

static void
read_trigger(const PGresult *result, int first, int end, Arena *arena, PgqTableTrigger *trigger)
{
    Text function = postgres_result_text(result, first, ROW_FUNCTION);
    Text *arguments = ARENA_ARRAY(arena, Text, (size_t)(end - first));
    int64_t type = 0;

    *trigger = (PgqTableTrigger){
        .name = arena_text(arena, postgres_result_text(result, first, ROW_NAME)),
        .comment = arena_text(arena, postgres_result_text(result, first, ROW_COMMENT)),
        .function_name = arena_text(arena, function),
        .function = text_is(function, "logutriga")   ? PGQ_FUNCTION_LOGUTRIGA
                    : text_is(function, "jsontriga") ? PGQ_FUNCTION_JSONTRIGA
                                                     : PGQ_FUNCTION_OTHER,
        .enabled = *PQgetvalue(result, first, ROW_ENABLED),
        .is_clone = is_true(result, first, ROW_CLONE),
        .has_condition = is_true(result, first, ROW_CONDITION),
        .has_columns = is_true(result, first, ROW_COLUMNS),
        .arguments = arguments,
    };
    if (text_to_i64(postgres_result_text(result, first, ROW_TYPE), &type))
        trigger->type = (int)type;
    for (int row = first + 1; row < end; row++)
        arguments[trigger->argument_count++] =
            arena_text(arena, postgres_result_text(result, row, ROW_ARGUMENT));
}

static bool
same(const PGresult *result, int row, int other, int column)
{
    return text_equal(
        postgres_result_text(result, row, column), postgres_result_text(result, other, column));
}

/* The triggers of one table, from this row on; returns the row behind them. */
static int
read_table(const PGresult *result, int first, Text queue, Arena *arena, Map *by_oid)
{
    int rows = PQntuples(result);
    int end = first;
    PgqTriggers *triggers = ARENA_NEW(arena, PgqTriggers);

    while (end < rows && same(result, first, end, ROW_TABLE))
        end++;
    triggers->items = ARENA_ARRAY(arena, PgqTableTrigger, (size_t)(end - first));
    for (int row = first, next = first; row < end; row = next) {
        while (next < end && same(result, row, next, ROW_TRIGGER))
            next++;
        if (text_equal(postgres_result_text(result, row, ROW_ARGUMENT), queue))
            read_trigger(result, row, next, arena, &triggers->items[triggers->count++]);
    }
    if (triggers->count > 0)
        (void)map_put(by_oid, postgres_result_text(result, first, ROW_TABLE), triggers);
    return end;
}

bool
pgq_triggers_read(PostgresConnection *connection, Text queue, const char *oids, Arena *arena,
    Map *by_oid, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_addf(&sql, triggers_sql,
        PQserverVersion(connection->pq) >= VERSION_PARENT ? "t.tgparentid <> 0" : "t.tgisinternal");
    if (!postgres_connection_query(connection, buf_string(&sql), &oids, 1, &result, err))
        return error_wrap(err, "read the triggers of tables");
    for (int row = 0; row < PQntuples(result);)
        row = read_table(result, row, queue, arena, by_oid);
    return true;
}

/* ---- problems ---- */

typedef struct Problem {
    const PostgresTable *table;
    const PgqTriggers *triggers;
    Buf *out;
    size_t start;
} Problem;

static void
begin_reason(const Problem *problem)
{
    if (problem->out->len > problem->start)
        buf_add_string(problem->out, "; ");
}

static void
add_table(const Problem *problem)
{
    postgres_add_identifier(problem->out, problem->table->base.schema);
    buf_add_char(problem->out, '.');
    postgres_add_identifier(problem->out, problem->table->base.name);
}

static void
add_not_firing(const Problem *problem, const PgqTableTrigger *trigger)
{
    begin_reason(problem);
    buf_addf(problem->out, "trigger " TEXT_FMT " %s: ALTER TABLE ", TEXT_ARG(trigger->name),
        trigger->enabled == 'D' ? "is disabled"
                                : "fires only where session_replication_role is replica");
    add_table(problem);
    buf_add_string(problem->out, " ENABLE TRIGGER ");
    postgres_add_identifier(problem->out, trigger->name);
}

static void
add_unreadable(const Problem *problem, const PgqTableTrigger *trigger)
{
    begin_reason(problem);
    buf_addf(problem->out,
        "trigger " TEXT_FMT " calls pgq." TEXT_FMT
        ", whose events are parts of SQL and cannot be read: DROP TRIGGER ",
        TEXT_ARG(trigger->name), TEXT_ARG(trigger->function_name));
    postgres_add_identifier(problem->out, trigger->name);
    buf_add_string(problem->out, " ON ");
    add_table(problem);
    buf_add_string(problem->out, ", then dray install, which makes one of pgq.logutriga");
}

/* What an argument or a clause makes of a trigger that logs. */
static void
add_arguments(const Problem *problem, const PgqTableTrigger *trigger)
{
    static const struct {
        const char *name;
        const char *what;
    } reasons[] = {
        {"when", "when= logs only some changes: a row that no longer fulfils it stays in the "
                 "target"},
        {"ev_type", "ev_type= takes the place of what says INSERT, UPDATE or DELETE: its events "
                    "cannot be read"},
        {"ev_data", "ev_data= takes the place of the row: its events cannot be read"},
        {"ev_extra1", "ev_extra1= takes the place of the table's name: its events are another "
                      "table's"},
        {"SKIP", "SKIP keeps the changes out of the table itself, so that they are in the queue "
                 "alone: a bootstrap has none of them, and verify tells them as differences"},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (!has_argument(trigger, reasons[i].name))
            continue;
        begin_reason(problem);
        buf_addf(
            problem->out, "trigger " TEXT_FMT ": %s", TEXT_ARG(trigger->name), reasons[i].what);
    }
    if (trigger->has_condition) {
        begin_reason(problem);
        buf_addf(problem->out,
            "trigger " TEXT_FMT " has a condition (WHEN): other changes are lost",
            TEXT_ARG(trigger->name));
    }
    if (trigger->has_columns) {
        begin_reason(problem);
        buf_addf(problem->out,
            "trigger " TEXT_FMT " fires for updates of some columns only (UPDATE OF): others are "
            "lost",
            TEXT_ARG(trigger->name));
    }
}

static void
add_triggers(const Problem *problem)
{
    for (size_t i = 0; i < problem->triggers->count; i++) {
        const PgqTableTrigger *trigger = &problem->triggers->items[i];

        if (!fires(trigger))
            add_not_firing(problem, trigger);
        else if (trigger->function == PGQ_FUNCTION_OTHER && (trigger->type & PGQ_ON_TRUNCATE) == 0)
            add_unreadable(problem, trigger);
        else if (pgq_trigger_logs(trigger))
            add_arguments(problem, trigger);
    }
}

/* Does it tell of this operation? Of a TRUNCATE sqltriga tells as the others do. */
static bool
logs_operation(const PgqTableTrigger *trigger, int operation)
{
    if ((trigger->type & operation) == 0)
        return false;
    if (operation == PGQ_ON_TRUNCATE)
        return fires(trigger) && !has_argument(trigger, "deny");
    return (trigger->type & PGQ_ON_ROW) != 0 && pgq_trigger_logs(trigger);
}

static void
add_twice(const Problem *problem, const char *operation, const PgqTableTrigger *first,
    const PgqTableTrigger *second)
{
    begin_reason(problem);
    buf_addf(problem->out,
        "each %s is logged twice, by the triggers " TEXT_FMT " and " TEXT_FMT ": DROP TRIGGER ",
        operation, TEXT_ARG(first->name), TEXT_ARG(second->name));
    postgres_add_identifier(problem->out, second->name);
    buf_add_string(problem->out, " ON ");
    add_table(problem);
}

static void
add_operations(const Problem *problem)
{
    static const struct {
        const char *name;
        int bit;
    } operations[] = {
        {"INSERT", PGQ_ON_INSERT},
        {"UPDATE", PGQ_ON_UPDATE},
        {"DELETE", PGQ_ON_DELETE},
        {"TRUNCATE", PGQ_ON_TRUNCATE},
    };
    CLEANUP(buf_clear) Buf lost = BUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        const PgqTableTrigger *first = NULL;

        for (size_t j = 0; j < problem->triggers->count; j++) {
            const PgqTableTrigger *trigger = &problem->triggers->items[j];

            if (!logs_operation(trigger, operations[i].bit))
                continue;
            if (first == NULL)
                first = trigger;
            else if (pgq_trigger_argument(trigger, "when").data == NULL)
                add_twice(problem, operations[i].name, first, trigger);
        }
        if (first == NULL)
            buf_addf(&lost, "%s%s", lost.len > 0 ? ", " : "", operations[i].name);
    }
    if (lost.len == 0)
        return;
    begin_reason(problem);
    buf_addf(problem->out,
        "%s of it is lost, since no trigger logs it: DROP TRIGGER …, then dray "
        "install makes the triggers that do",
        lost.data);
}

void
pgq_triggers_problem(const PostgresTable *table, const PgqTriggers *triggers, Buf *out)
{
    const Problem problem = {table, triggers, out, out->len};
    const PgqTableTrigger *first = pgq_triggers_first(triggers);

    /* a parent's own rows are its partitions' */
    if (triggers->count == 0 || table->kind == 'p')
        return;
    if (pgq_triggers_deny(triggers)) {
        buf_add_string(out, "every change of it is refused (a trigger with deny), so that there "
                            "are none to carry");
        return;
    }
    add_triggers(&problem);
    if (first == NULL)
        return;
    if (!has_argument(first, "SKIP"))
        add_operations(&problem);
    if (table->base.identity == IDENTITY_NOTHING) {
        begin_reason(&problem);
        buf_add_string(out, "it has no primary key: the trigger makes UPDATE and DELETE of it "
                            "fail; ALTER TABLE ");
        add_table(&problem);
        buf_add_string(out, " ADD PRIMARY KEY (…), or a trigger with pkey=");
    }
    if (table->left_out.data != NULL) {
        begin_reason(&problem);
        buf_addf(out, "column%s " TEXT_FMT " never arrive%s, since no event has %s (ignore=)",
            memchr(table->left_out.data, ',', table->left_out.len) == NULL ? "" : "s",
            TEXT_ARG(table->left_out),
            memchr(table->left_out.data, ',', table->left_out.len) == NULL ? "s" : "",
            memchr(table->left_out.data, ',', table->left_out.len) == NULL ? "it" : "them");
    }
}
