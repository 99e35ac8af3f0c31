/*
 * sqlite_db.h - a SQLite file in a temporary directory, for tests
 */
#pragma once

#include "base/file.h"
#include "support/test.h"
#include "target/sqlite.h"

typedef struct Db {
    char *directory;
    char *path;
    Target *target;
    Arena *arena;
    Error err;
} Db;

static inline Target *
db_connect(const Db *db, int64_t busy_timeout_ms)
{
    SqliteOptions options = {.path = db->path, .busy_timeout_ms = busy_timeout_ms};
    Error err = {0};
    Target *target = target_sqlite.open(&options, &err);

    if (target == NULL)
        fail_msg("%s", err.text);
    return target;
}

static inline int
db_setup(void **state)
{
    Db *db = calloc(1, sizeof(*db));

    assert_non_null(db);
    db->directory = test_directory();
    db->path = file_join(db->directory, "warehouse.db");
    db->target = db_connect(db, 2000);
    db->arena = arena_new();
    *state = db;
    return 0;
}

static inline int
db_teardown(void **state)
{
    Db *db = *state;
    Error err;

    target_close(db->target);
    arena_free(db->arena);
    assert_true(file_remove_tree(db->directory, &err));
    free(db->directory);
    free(db->path);
    free(db);
    return 0;
}

/* The call fails with this kind and whole text. */
#define assert_error(db, call, expected_kind, expected_text)  \
    do {                                                      \
        assert_false(call);                                   \
        assert_string_equal((db)->err.text, (expected_text)); \
        assert_int_equal((db)->err.kind, (expected_kind));    \
    } while (0)

static inline int64_t
db_run(Db *db, const char *sql)
{
    int64_t rows;

    assert_ok(target_sqlite.execute(db->target, text_of(sql), NULL, &rows, &db->err), db->err);
    return rows;
}

static inline bool
db_add_row(void *context, const Value *values, size_t count, Error *err)
{
    Buf *out = context;

    (void)err;
    for (size_t i = 0; i < count; i++) {
        buf_add_string(out, i == 0 ? (out->len == 0 ? "" : ";") : "|");
        if (values[i].kind == VALUE_NULL)
            buf_add_string(out, "<null>");
        else
            buf_add_text(out, values[i].text);
    }
    return true;
}

/* "a|b;c|d": rows and values; in the test's arena. */
static inline const char *
db_query(Db *db, const char *sql)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    assert_ok(target_sqlite.query(db->target, text_of(sql), db_add_row, &out, &db->err), db->err);
    return arena_string(db->arena, buf_string(&out));
}
