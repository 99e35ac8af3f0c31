#include <stdio.h>

#include "cli/cli.h"
#include "source/source.h"

static const Option options[] = {
    {"dry-run", NULL, "Print the statements and change nothing."},
    {NULL, NULL, NULL},
};

typedef bool InstallFn(const SourceInstall *install, Buf *report, Error *err);

/* The report is of use where it failed, too. */
static int
run_on_source(const Arguments *arguments, const Config *config, InstallFn *function)
{
    const SourceInstall install = {.service = config->service,
        .options = config->source_options,
        .tables = arguments->operands + 1,
        .dry_run = arguments_has(arguments, "dry-run")};
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    Error err;
    bool ok;

    if (function == NULL) {
        (void)printf(
            "source %s: there is nothing to %s\n", config->source_type, arguments->command->name);
        return 0;
    }
    ok = function(&install, &report, &err);
    (void)fputs(buf_string(&report), stdout);
    (void)fflush(stdout);
    return ok ? 0 : cli_fail(&err);
}

static int
install_run(const Arguments *arguments)
{
    Error err;
    CLEANUP(config_free) Config *config = cli_config(arguments, &err);

    if (config == NULL)
        return cli_fail(&err);
    return run_on_source(arguments, config, source_find(config->source_type)->install);
}

static int
uninstall_run(const Arguments *arguments)
{
    Error err;
    CLEANUP(config_free) Config *config = cli_config(arguments, &err);

    const SourceDriver *source;

    if (config == NULL)
        return cli_fail(&err);
    source = source_find(config->source_type);
    if (arguments->operands[1] != NULL && (source->abilities & SOURCE_UNINSTALLS_TABLES) == 0) {
        (void)error_set(&err, ERR_USAGE,
            "dray uninstall: what source type %s has installed is removed as a whole: name no "
            "tables",
            source->name);
        return cli_fail(&err);
    }
    return run_on_source(arguments, config, source->uninstall);
}

const Command cli_install = {
    .name = "install",
    .summary = "make at the source what the service needs, or check what is there",
    .operands = "CONFIG [TABLE…] [--dry-run]",
    .doc =
        "Makes the publication and the replication slot of a PostgreSQL source, or the queue, the "
        "consumer and the tables' triggers of a PgQ source, and says of each table by what its "
        "updates and deletes are told, and which changes would be lost or refused, why, and what "
        "helps. A line that begins with warning is to be looked at.\n\n"
        "TABLE is a glob over schema.table; without one the tables are those of source: tables, "
        "or (PostgreSQL) all. What is there already is checked and left as it is, except that "
        "tables named here are added to a publication that install made. Nothing is made that "
        "would let the applications' UPDATE and DELETE, or other writes, fail from then on.",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options = options,
    .run = install_run,
};

const Command cli_uninstall = {
    .name = "uninstall",
    .summary = "remove from the source what install made",
    .operands = "CONFIG [TABLE…] [--dry-run]",
    .doc = "Removes the replication slot and the publication that dray install made for this "
           "service, or the triggers, the consumer and, where nobody else uses it, the queue of "
           "a PgQ source, and says what it leaves because somebody else made it. With TABLE, a "
           "glob over schema.table, only the triggers of these tables (PgQ). The service must not "
           "run. The target keeps its tables and its position: to follow the source again "
           "afterwards, load the tables again with dray bootstrap.",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options = options,
    .run = uninstall_run,
};
