/*
 * verify.h - are source and target equal at an exact place of the change stream?
 *
 * A snapshot of the source is taken at a position C, the target is brought to hold exactly the
 * transactions before C (by the running service, which then stands still for a moment, or by a run
 * of the pipeline up to C), and one view of the target is opened. Both stay as they are from then
 * on, whatever happens beside, and are compared table by table: checksums of slices first
 * (target/checksum.h), then the rows of the slices that differ. Each connection compares one table
 * at a time; the two databases work at the same time.
 */
#pragma once

#include "apply/context.h"

typedef enum VerifyResult {
    VERIFY_EQUAL,
    VERIFY_DIFFERENT,
    VERIFY_NOT_COMPARED, /* cannot be: the reason tells why. Not equal */
} VerifyResult;

typedef enum VerifyKind {
    VERIFY_MISSING, /* a row that only the source has */
    VERIFY_EXTRA,   /* a row that only the target has */
    VERIFY_CHANGED, /* a row that both have, with other values */
    VERIFY_KIND_COUNT,
} VerifyKind;

typedef struct VerifyKey {
    VerifyKind kind;
    Text key;     /* "id=5, name=abc" */
    Text columns; /* CHANGED: the names of the columns that differ, "price, note" */
} VerifyKey;

typedef struct VerifyTable {
    Text source; /* "schema.table" */
    Text target;
    VerifyResult result;
    Text reason; /* NOT_COMPARED, and what else is to be said of a difference; TEXT_NONE: nothing */
    uint64_t source_rows;
    uint64_t target_rows;
    bool has_key; /* else only the rows' number and sum are compared */
    uint64_t counts[VERIFY_KIND_COUNT];
    VerifyKey *keys; /* the first verify.max_keys */
    size_t key_count;
    uint64_t repaired; /* rows that were written and removed */
    int64_t elapsed_us;
} VerifyTable;

typedef struct VerifyReport {
    Text position; /* C */
    VerifyTable *tables;
    size_t table_count;
    uint64_t counts[VERIFY_NOT_COMPARED + 1]; /* tables by result */
    bool repaired;                            /* the tables are what they are after the repair */
    Arena *arena;                             /* has the report itself */
    Arena **arenas;                           /* of the threads */
    size_t arena_count;
} VerifyReport;

typedef struct VerifyOptions {
    const char *tables; /* globs over the source's "schema.table", with commas between them; one
                           with "!" in front leaves tables out. NULL: all */
    bool repair;        /* write what differs through the merge scripts, and compare again */
    /* Both may be called from any thread, one call at a time; NULL: not wanted. */
    void (*told)(void *context, const char *what);             /* a stage, a line */
    void (*compared)(void *context, const VerifyTable *table); /* a table is done */
    void (*progress)(void *context, uint64_t rows, uint64_t all_rows, size_t tables, size_t all);
    void *context;
} VerifyOptions;

/*
 * False where it could not be found out. A difference is no error. *ret_report is set on success;
 * free it with verify_report_free().
 */
bool verify_run(const Context *context, const VerifyOptions *options, VerifyReport **ret_report,
    Error *err) MUST_CHECK;
void verify_report_free(VerifyReport *report);
CLEANUP_DEFINE(VerifyReport *, verify_report_free);

/* Everything compared, and nothing different. */
bool verify_report_is_equal(const VerifyReport *report);
