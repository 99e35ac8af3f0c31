/*
 * table_ddl.h - dray ddl: the target's tables from the source's catalogue, as text or made
 */
#pragma once

#include "apply/context.h"

typedef struct TableDdl {
    const SqlDialect *sql;    /* whose SQL; another than the target's only as text */
    const char *const *globs; /* over the source's "schema.table" */
    size_t glob_count;        /* 0: all tables */
    bool execute;             /* make what is missing, compare what is there */
    bool accept_loss;         /* columns that may lose values are no error */
} TableDdl;

/*
 * Schemas, base tables and staging tables of every table that the source publishes and no rule
 * skips. What is found is appended to out, also before a failure: SQL text, or with execute a line
 * for each table. ERR_DATA where columns may lose values and that is not accepted; then nothing was
 * made. ERR_TARGET where tables that exist lack something.
 */
bool table_ddl_run(const Context *context, const TableDdl *ddl, Buf *out, Error *err) MUST_CHECK;
