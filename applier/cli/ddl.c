#include "apply/table_ddl.h"

#include <stdio.h>

#include "cli/cli.h"

static const Option options[] = {
    {"execute", NULL,
        "Make the tables that are missing, and compare those that are there; nothing that exists "
        "is changed."},
    {"accept-loss", NULL,
        "Columns whose type in the target may lose or refuse values are no error."},
    {"target", "TYPE",
        "Print the text for another target: postgres, mysql, sqlite, vertica, redshift or "
        "clickhouse."},
    {NULL, NULL, NULL},
};

static bool
find_dialect(
    const Arguments *arguments, const Context *context, const SqlDialect **ret_sql, Error *err)
{
    const char *name = arguments_value(arguments, "target");

    *ret_sql = context->target->sql;
    if (name == NULL || strcmp(name, (*ret_sql)->name) == 0)
        return true;
    *ret_sql = sql_dialect_find(name);
    if (*ret_sql == NULL)
        return error_set(err, ERR_USAGE,
            "dray ddl: --target: \"%s\" is no type of a target: see "
            "dray ddl --help",
            name);
    if (arguments_has(arguments, "execute"))
        return error_set(err, ERR_USAGE,
            "dray ddl: --execute makes tables in the target of the configuration, which is %s and "
            "not %s",
            context->target->name, name);
    return true;
}

static int
run(const Arguments *arguments)
{
    Error err;
    CLEANUP(config_free) Config *config = cli_config(arguments, &err);
    CLEANUP(context_close) Context *context = NULL;
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    TableDdl ddl = {
        .globs = arguments->operands + 1,
        .glob_count = arguments->operand_count - 1,
        .execute = arguments_has(arguments, "execute"),
        .accept_loss = arguments_has(arguments, "accept-loss"),
    };
    bool ok;

    if (config == NULL)
        return cli_fail(&err);
    context = context_open(config, &err);
    if (context == NULL || !find_dialect(arguments, context, &ddl.sql, &err))
        return cli_fail(&err);
    ok = table_ddl_run(context, &ddl, &out, &err);
    (void)fputs(buf_string(&out), stdout);
    (void)fflush(stdout);
    return ok ? 0 : cli_fail(&err);
}

const Command cli_ddl = {
    .name = "ddl",
    .summary = "print or make the target's tables",
    .operands = "CONFIG [TABLE…] [--execute] [--accept-loss] [--target TYPE]",
    .doc = "Prints the statements that make schemas, base tables and staging tables for every "
           "table that the source publishes and no rule skips, or for those whose schema.table "
           "matches one of the globs. Types come from the mapping tables in templates/types/, the "
           "statements from templates/<target>/; both are meant to be edited, in a copy beside the "
           "configuration file.\n"
           "\n"
           "A column that may lose or refuse values has a warning above it, and the command ends "
           "with 1, unless --accept-loss is given. With --execute nothing is made then. Columns "
           "that an existing table lacks are told, and the command ends with 5; types that differ "
           "from the mapping are told.",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options = options,
    .run = run,
};
