#include "apply/check.h"

#include <stdio.h>

#include "cli/cli.h"

static const Option options[] = {
    {NULL, NULL, NULL},
};

static int
run(const Arguments *arguments)
{
    Error err;
    CLEANUP(config_free) Config *config = cli_config(arguments, &err);
    CLEANUP(context_close) Context *context = NULL;
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    bool ok;

    if (config == NULL)
        return cli_fail(&err);
    context = context_open(config, &err);
    if (context == NULL)
        return cli_fail(&err);
    ok = check_run(context, &report, &err);
    (void)fputs(buf_string(&report), stdout);
    (void)fflush(stdout);
    return ok ? 0 : cli_fail(&err);
}

const Command cli_check = {
    .name = "check",
    .summary = "tell everything that can be known before a run",
    .operands = "CONFIG",
    .doc = "Reads the configuration and the merge scripts, connects to source and target, and "
           "looks at rights, tables, keys, columns and staging tables. Nothing is changed. Each "
           "line of the output begins with ok, warning or error.",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .run = run,
};
