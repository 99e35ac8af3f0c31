#include "apply/bootstrap/bootstrap.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"

static const Option options[] = {
    {"again", NULL, "Also load tables that are ready already."},
    {"replace", NULL,
        "Empty the target table first (the merge script's @truncate); also tables that are ready."},
    {"keep", NULL, "Load over what is in the target table."},
    {NULL, NULL, NULL},
};

/* 1, not 0: what follows in a shell script must not take the tables for loaded. */
#define EXIT_UNFINISHED 1

typedef struct Shown {
    Progress *progress;
    ProgressFigures figures; /* the last ones */
} Shown;

static void
show_progress(void *context, const BootstrapFigures *figures)
{
    Shown *shown = context;

    shown->figures = (ProgressFigures){.rows = figures->rows,
        .all_rows = figures->all_rows,
        .bytes = figures->bytes,
        .tables = figures->tables,
        .all_tables = figures->all_tables};
    if (figures->all_tables > 0)
        progress_show(shown->progress, &shown->figures);
}

static void
tell(void *context, bool is_warning, const char *line)
{
    Shown *shown = context;

    progress_hide(shown->progress);
    log_line(is_warning ? LOG_WARN : LOG_INFO, "bootstrap", "%s", line);
}

static void
print_totals(const BootstrapTotals *totals)
{
    double seconds = (double)totals->elapsed_us / 1e6;

    (void)printf("tables=%" PRIu64 " left_alone=%" PRIu64 " unfinished=%" PRIu64 " rows=%" PRIu64
                 " bytes=%" PRIu64 " seconds=%.1f rows_per_second=%.0f position=%s\n",
        totals->tables, totals->left_alone, totals->unfinished, totals->rows, totals->bytes,
        seconds, seconds > 0 ? (double)totals->rows / seconds : 0, totals->position);
    (void)fflush(stdout);
}

static int
report(const Config *config, const BootstrapTotals *totals, const Error *err, bool ok)
{
    int code = 0;

    if (!ok && err->kind == ERR_STOPPED) {
        (void)fprintf(stderr, "dray: %s\n", err->text);
        code = EXIT_UNFINISHED;
    } else if (!ok) {
        code = cli_fail(err);
    }
    if (!ok && totals->unfinished > 0)
        (void)fprintf(stderr,
            "dray: %" PRIu64 " tables are not loaded, and dray run passes over their changes until "
            "they are: start dray bootstrap %s again\n",
            totals->unfinished, config->path);
    return code;
}

static int
run_bootstrap(const Config *config, BootstrapOptions how)
{
    CLEANUP(context_close) Context *context = NULL;
    CLEANUP(stop_signals_end) StopSignals *signals = NULL;
    CLEANUP(progress_free) Progress *progress = progress_new(stdout, "copied");
    Shown shown = {.progress = progress};
    BootstrapTotals totals = {0};
    Error err;
    bool ok;

    signals = stop_signals_start(&err);
    context = signals == NULL ? NULL : context_open(config, &err);
    if (context == NULL)
        return cli_fail(&err);
    how.progress = show_progress;
    how.tell = tell;
    how.progress_context = &shown;
    ok = bootstrap_run(context, &how, &totals, &err);
    shown.figures.ended = ok;
    if (shown.figures.all_tables > 0)
        progress_end(progress, &shown.figures);
    print_totals(&totals);
    return report(config, &totals, &err, ok);
}

static int
run(const Arguments *arguments)
{
    CLEANUP(config_free) Config *config = NULL;
    BootstrapOptions how = {.tables = arguments->operands + 1,
        .again = arguments_has(arguments, "again"),
        .replace = arguments_has(arguments, "replace"),
        .keep = arguments_has(arguments, "keep")};
    Error err;

    if (how.replace && how.keep) {
        (void)error_set(&err, ERR_USAGE, "dray bootstrap: --replace and --keep exclude each other");
        return cli_fail(&err);
    }
    config = cli_config(arguments, &err);
    return config == NULL ? cli_fail(&err) : run_bootstrap(config, how);
}

const Command cli_bootstrap = {
    .name = "bootstrap",
    .summary = "load the rows that are there, and hand over to the stream",
    .operands = "CONFIG [TABLE...] [--again] [--replace] [--keep]",
    .doc = "Loads the existing rows of the source's tables into the target, from a snapshot whose "
           "place in the change stream is known exactly, without a lock on the tables. A TABLE is "
           "a glob over schema.table of the source; without one all published tables are loaded "
           "that no table rule skips. Afterwards dray run goes on exactly behind the snapshot.\n\n"
           "Rows travel as changes do: table rules, CSV blocks (below block.directory/bootstrap), "
           "merge script. bootstrap.connections tables are copied side by side, in chunks of "
           "bootstrap.chunk_rows rows.\n\n"
           "The target tables must be there (dray ddl --execute, or create_tables: all) and "
           "empty, unless --replace or --keep is given. Tables that an earlier run loaded are left "
           "alone. Where it was interrupted, the same command goes on: it says of each table "
           "whether it starts that again or goes on where it was.\n\n"
           "Rows of a table with partition: in its rule go to the partition of the snapshot's "
           "time, all of them; that partition must be empty, and --replace empties it alone.\n\n"
           "The service may run meanwhile: a table that is added later is copied, brought to where "
           "the service stands, and handed over to it.\n\n"
           "SIGINT or SIGTERM: ends after the chunks that run, with exit code 1; a second one "
           "rolls them back.",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .options = options,
    .run = run,
};
