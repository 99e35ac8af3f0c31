#include "cli/cli.h"
#include "service/service.h"

static const Option options[] = {
    {"until-end", NULL, "End when the source has nothing more, even if it is told to wait."},
    {"until-seqno", "N", "End after the transaction with this seqno."},
    {"until-position", "POSITION",
        "End before the first transaction that begins at or behind this position of the source "
        "(PostgreSQL: an LSN)."},
    {NULL, NULL, NULL},
};

static int
run(const Arguments *arguments)
{
    RunOptions how = {.until_end = arguments_has(arguments, "until-end"),
        .until_position = text_of(arguments_value(arguments, "until-position"))};
    PipelineTotals totals;
    Error err;
    Config *config;
    bool is_logged;

    if (!arguments_seqno(arguments, "until-seqno", &how.until_seqno, &err))
        return cli_fail(&err);
    config = cli_config(arguments, &err);
    if (config == NULL)
        return cli_fail(&err);
    /* the service logs what ended it; on standard error once is enough */
    is_logged = config->log.file == NULL;
    if (service_run(arguments->operands[0], cli_schema(), config, &how, &totals, &err))
        return 0;
    return is_logged ? error_exit_code(err.kind) : cli_fail(&err);
}

const Command cli_run = {
    .name = "run",
    .summary = "carry changes from the source into the target",
    .operands = "CONFIG [--until-end] [--until-seqno N] [--until-position POSITION]",
    .doc = "Reads transactions from the source, writes them into commit blocks, merges each "
           "block into the target, and commits it together with the position. Goes on until it "
           "is told to stop, and begins where the position in the target says.\n\n"
           "SIGTERM and SIGINT end the service after the open block is committed; a second "
           "one rolls back and ends at once. SIGHUP reads the configuration again and reopens "
           "the log file.",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .run = run,
};
