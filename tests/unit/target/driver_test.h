/*
 * driver_test.h - the test of a target driver against a server of its own
 *
 * Before it, a test defines D (the driver), OPTIONS (the type of its options) and CONNECTION (its
 * connection string, with %s for the server's socket); and CONNECTION_OPTION where it is not
 * options.connection that holds it.
 */
#pragma once

#include "base/fault.h"
#include "base/stop.h"
#include "feed.h"
#include "server.h"
#include "support/test.h"

#ifndef CONNECTION_OPTION
#define CONNECTION_OPTION options.connection
#endif

static Server server;
static Arena *arena;
static OPTIONS options;
static Target *target;

static inline const char *
conninfo(const char *more)
{
    return arena_printf(arena, CONNECTION "%s", server.socket, more);
}

static inline Target *
connect_with(const char *more)
{
    Error err = {0};
    Target *opened;

    CONNECTION_OPTION = conninfo(more);
    opened = D.open(&options, &err);
    if (opened == NULL)
        fail_msg("%s", err.text);
    return opened;
}

static inline int64_t
run_on(Target *on, const char *sql)
{
    Error err = {0};
    int64_t rows = -2;

    if (!D.execute(on, text_of(sql), NULL, &rows, &err))
        fail_msg("%s: %s", sql, err.text);
    return rows;
}

static inline int64_t
run(const char *sql)
{
    return run_on(target, sql);
}

static inline bool
keep_text(void *context, const Value *values, size_t count, Error *err)
{
    Buf *text = context;

    (void)err;
    for (size_t i = 0; i < count; i++) {
        buf_add_string(text, i == 0 ? "" : "|");
        buf_add_text(text, values[i].kind == VALUE_NULL ? TEXT("(null)") : values[i].text);
    }
    buf_add_char(text, '\n');
    return true;
}

/* All rows as "a|b\n", in the arena. */
static inline const char *
ask(const char *sql)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Error err = {0};

    if (!D.query(target, text_of(sql), keep_text, &text, &err))
        fail_msg("%s: %s", sql, err.text);
    return arena_text(arena, buf_text(&text)).data;
}

static inline Error
refused(const char *sql, LoadFeed *feed)
{
    Error err = {0};
    int64_t rows;

    assert_false(D.execute(target, text_of(sql), feed, &rows, &err));
    return err;
}

static inline void
begin(void)
{
    Error err = {0};

    if (!D.begin(target, &err))
        fail_msg("%s", err.text);
}

static inline int
set_up(void **state)
{
    (void)state;
    fault_arm(0);
    stop_reset();
    arena = arena_new();
    memset(&options, 0, sizeof(options));
    field_set_presets(D.fields, ".", arena, &options);
    target = connect_with("");
    return 0;
}

static inline int
tear_down(void **state)
{
    (void)state;
    fault_arm(0);
    stop_reset();
    if (target != NULL)
        D.close(target);
    target = NULL;
    arena_free(arena);
    return 0;
}

static inline const TargetTable *
describe(const char *schema, const char *name)
{
    TargetTable *table = NULL;
    Error err = {0};

    if (!D.describe(target, text_of(schema), text_of(name), arena, &table, &err))
        fail_msg("%s", err.text);
    return table;
}

static inline const char *
column_text(const TargetTable *table, const char *name)
{
    const TargetColumn *column = target_table_column(table, text_of(name), false);

    assert_non_null(column);
    return arena_printf(arena, TEXT_FMT ": %s%s%s%s%s", TEXT_ARG(column->type),
        logical_type_name(column->logical), column->not_null ? " filled" : "",
        column->generated ? " generated" : "", column->has_default ? " default" : "",
        column->is_text ? " text" : "");
}
