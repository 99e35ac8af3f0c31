/*
 * triggers.h - the triggers of a table that log to a queue, and what they would lose
 *
 * Found by their function (of schema pgq) and its first argument, the queue's name. Of a
 * partitioned table the row triggers stand at each partition as well (clones), since it is there
 * that they fire, under the partition's name; a TRUNCATE trigger has no clones.
 *
 * Source: PostgreSQL documentation, "pg_trigger"; PgQ 3.5, common.c (the arguments).
 */
#pragma once

#include "base/map.h"
#include "source/postgres_tables.h"

typedef enum PgqFunction {
    PGQ_FUNCTION_LOGUTRIGA,
    PGQ_FUNCTION_JSONTRIGA,
    PGQ_FUNCTION_OTHER, /* sqltriga, logtriga: SQL, which is refused */
} PgqFunction;

/* Bits of pg_trigger.tgtype. */
enum {
    PGQ_ON_ROW = 1,
    PGQ_BEFORE = 2,
    PGQ_ON_INSERT = 4,
    PGQ_ON_DELETE = 8,
    PGQ_ON_UPDATE = 16,
    PGQ_ON_TRUNCATE = 32,
};

typedef struct PgqTableTrigger {
    Text name;
    Text comment; /* TEXT_NONE: none */
    Text function_name;
    PgqFunction function;
    int type;
    char enabled;          /* pg_trigger.tgenabled: O, D, R or A */
    bool is_clone;         /* of the parent's */
    bool has_condition;    /* WHEN (…) */
    bool has_columns;      /* UPDATE OF … */
    const Text *arguments; /* behind the queue's name */
    size_t argument_count;
} PgqTableTrigger;

typedef struct PgqTriggers {
    PgqTableTrigger *items; /* by name */
    size_t count;
} PgqTriggers;

/* Does it fire, and is its event one that we can read? */
bool pgq_trigger_logs(const PgqTableTrigger *trigger);
/* The value of "name=value" among the arguments; TEXT_NONE: it is not there. For a word alone
 * ("backup") an empty text. */
Text pgq_trigger_argument(const PgqTableTrigger *trigger, const char *name);
/* The first row trigger that logs, or NULL. */
const PgqTableTrigger *pgq_triggers_first(const PgqTriggers *triggers);
/* Is the table's every change denied? */
bool pgq_triggers_deny(const PgqTriggers *triggers);
/* Is the column left out of the events? */
bool pgq_triggers_ignore(const PgqTriggers *triggers, Text column);

/* Is a name among those of a list "a,b"? */
bool pgq_list_has(Text list, Text name);
/* The next name of a list; false at its end. */
bool pgq_list_next(Text *list, Text *ret_name);

/* Triggers of these tables (an array of oids) for the queue: a Map from oid to PgqTriggers, in the
 * arena. */
bool pgq_triggers_read(PostgresConnection *connection, Text queue, const char *oids, Arena *arena,
    Map *by_oid, Error *err) MUST_CHECK;

/* Why changes of the table would be lost or refused, and the way out; appends nothing where there
 * is no reason. Pure. */
void pgq_triggers_problem(const PostgresTable *table, const PgqTriggers *triggers, Buf *problem);
