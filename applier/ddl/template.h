/*
 * template.h - a file of SQL statements with parameters, as templates/<target>/ holds them
 *
 * A parameter %%NAME%% stands bare; its value is SQL text. Inside strings, quoted identifiers and
 * dollar quotes a parameter is refused, in comments it stays.
 *
 * Lines between "-- @if NAME" and "-- @end" count only where the flag NAME is set, "-- @if not
 * NAME" only where it is not.
 *
 * Where words are given they are replaced too, in strings and quoted names as well
 * (ddl/magic_words.h).
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "ddl/magic_words.h"
#include "target/sql_dialect.h"

typedef struct TemplateParam {
    const char *name;
    Text sql;
    const char *missing; /* why it has no value here (ERR_CONFIG where it is used), or NULL */
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
    const MagicWords *words; /* NULL: none */
    const char *no_key;      /* why words has no key, as TemplateParam.missing */
    bool may_be_empty;       /* no statement at all is fine */
} TemplateParams;

typedef struct TemplateStatements {
    Text *items; /* without the ";" */
    size_t count;
    int *lines; /* of the file, where each begins */
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
