/*
 * pipeline.h - a whole service in this process: a change log, block directory and SQLite target in
 * a temporary directory, for the pipeline's unit and fault tests
 */
#pragma once

#include <sqlite3.h>

#include "apply/pipeline.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "source/jsonl.h"
#include "support/test.h"
#include "target/sqlite.h"

typedef struct TestService {
    char *directory;
    Buf log; /* the change log's text */
    uint64_t transactions;
} TestService;

static inline void
test_service_init(TestService *service)
{
    *service = (TestService){.directory = test_directory(), .log = BUF_INIT};
}

static inline void
test_service_clear(TestService *service)
{
    Error err;

    assert_ok(file_remove_tree(service->directory, &err), err);
    free(service->directory);
    buf_clear(&service->log);
}

static inline char *
test_service_path(const TestService *service, const char *name)
{
    return file_join(service->directory, name);
}

static inline void
test_service_sql(const TestService *service, const char *sql)
{
    char *path = test_service_path(service, "target.db");
    sqlite3 *db = NULL;
    char *message = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    (void)sqlite3_close(db);
    free(path);
}

static inline int
test_service_append_row(void *context, int count, char **values, char **names)
{
    Buf *buf = context;

    (void)names;
    for (int i = 0; i < count; i++)
        buf_addf(buf, "%s%s", i == 0 ? "" : "|", values[i] == NULL ? "(null)" : values[i]);
    buf_add_char(buf, '\n');
    return 0;
}

/* Rows as "a|b\n" lines. */
static inline void
test_service_query(const TestService *service, const char *sql, Buf *rows)
{
    char *path = test_service_path(service, "target.db");
    sqlite3 *db = NULL;
    char *message = NULL;

    buf_reset(rows, SIZE_MAX);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, test_service_append_row, rows, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    (void)sqlite3_close(db);
    free(path);
}

static inline void
test_log_begin(TestService *service)
{
    service->transactions++;
    buf_addf(&service->log,
        "{\"action\":\"B\",\"xid\":%llu,\"timestamp\":\"2026-03-11 20:51:10.5+00\"}\n",
        (unsigned long long)service->transactions);
}

static inline void
test_log_commit(TestService *service)
{
    buf_addf(&service->log,
        "{\"action\":\"C\",\"xid\":%llu,\"timestamp\":\"2026-03-11 20:51:10.5+00\"}\n",
        (unsigned long long)service->transactions);
}

/* Table public.item (id integer key, name text): action I, U or D; old_id is the key of U and D. */
static inline void
test_log_change(TestService *service, char action, int old_id, int id, const char *name)
{
    buf_addf(&service->log, "{\"action\":\"%c\",\"schema\":\"public\",\"table\":\"item\"", action);
    if (action != 'D')
        buf_addf(&service->log,
            ",\"columns\":[{\"name\":\"id\",\"type\":\"integer\",\"value\":%d},"
            "{\"name\":\"name\",\"type\":\"text\",\"value\":\"%s\"}]",
            id, name);
    if (action != 'I')
        buf_addf(&service->log,
            ",\"identity\":[{\"name\":\"id\",\"type\":\"integer\",\"value\":%d}]", old_id);
    buf_add_string(&service->log, ",\"pk\":[{\"name\":\"id\",\"type\":\"integer\"}]}\n");
}

/* Write the log as it is now. */
static inline void
test_service_write_log(const TestService *service)
{
    char *path = test_service_path(service, "log.jsonl");
    Error err;

    assert_ok(file_write_durable(path, service->log.data, service->log.len, &err), err);
    free(path);
}

/* extra is YAML at the left margin. NULL on failure. */
static inline Config *
test_service_config(const TestService *service, const char *extra, Error *err)
{
    static DriverFields sources[] = {{.name = "jsonl"}, {.name = NULL}};
    static DriverFields targets[] = {{.name = "sqlite"}, {.name = NULL}};
    static const ConfigSchema schema = {sources, targets};
    char *path = test_service_path(service, "test.yaml");
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    Config *config;

    sources[0].fields = source_find("jsonl")->fields;
    sources[0].options_size = source_find("jsonl")->options_size;
    targets[0].fields = target_find("sqlite")->fields;
    targets[0].options_size = target_find("sqlite")->options_size;
    buf_addf(&yaml,
        "service: test\n"
        "source: {type: jsonl, path: log.jsonl}\n"
        "target: {type: sqlite, path: target.db}\n"
        "%s",
        strstr(extra, "block:") == NULL ? "block: {directory: blocks}\n" : "");
    buf_add_string(&yaml, extra);
    config = config_parse(path, buf_text(&yaml), &schema, err);
    free(path);
    return config;
}

/* A whole run to the end of the log that is on disk. */
static inline bool
test_service_start(
    const TestService *service, const char *extra, PipelineTotals *totals, Error *err)
{
    CLEANUP(config_free) Config *config = test_service_config(service, extra, err);
    CLEANUP(context_close) Context *context = NULL;
    RunOptions options = {.until_end = true};

    stop_reset();
    log_set_level(LOG_ERROR);
    if (config == NULL)
        return false;
    context = context_open(config, err);
    return context != NULL && pipeline_run(context, &options, totals, err);
}

static inline bool
test_service_run(const TestService *service, const char *extra, PipelineTotals *totals, Error *err)
{
    test_service_write_log(service);
    return test_service_start(service, extra, totals, err);
}
