/*
 * template.h - a file of SQL statements with parameters, as templates/<target>/ holds them
 *
 * A parameter %%NAME%% stands bare; its value is SQL text. Inside strings, quoted identifiers and
 * dollar quotes a parameter is refused, in comments it stays.
 *
 * Lines between "-- @if NAME" and "-- @end" count only where the flag NAME is set, "-- @if not
 * NAME" only where it is not.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "target/sql_dialect.h"

typedef struct TemplateParam {
    const char *name;
    Text sql;
} TemplateParam;

typedef struct TemplateFlag {
    const char *name;
    bool is_set;
} TemplateFlag;

typedef struct TemplateParams {
    const TemplateParam *items;
    size_t count;
    const TemplateFlag *flags;
    size_t flag_count;
} TemplateParams;

typedef struct TemplateStatements {
    Text *items; /* without the ";" */
    size_t count;
} TemplateStatements;

/*
 * Read the file, split it, fill the parameters. Texts in the arena. ERR_IO, or ERR_SCRIPT
 * "path:line:column: reason" for an unknown parameter or flag, SQL that does not end, or no
 * statement.
 */
bool template_load(const char *path, const SqlDialect *dialect, const TemplateParams *params,
    Arena *arena, TemplateStatements *ret_statements, Error *err) MUST_CHECK;
/* The same from memory; path is for error texts. */
bool template_fill(const char *path, Text text, const SqlDialect *dialect,
    const TemplateParams *params, Arena *arena, TemplateStatements *ret_statements, Error *err)
    MUST_CHECK;
