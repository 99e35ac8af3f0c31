#include "apply/replay/replay.h"

#include <inttypes.h>
#include <stdio.h>

#include "apply/bootstrap/replay.h"
#include "cli/cli.h"
#include "cli/progress.h"

static const Option options[] = {
    {"from", "N", "Begin with the block that starts at this seqno."},
    {"to", "N", "End with the block that ends at this seqno."},
    {"table", "GLOB", "Only tables whose schema.table in the source matches; needs --again."},
    {"again", NULL, "Also load what the position holds already; the position stays."},
    {"csv-type", "TYPE",
        "How Tungsten wrote its files: default, mysql, oracle, vertica or redshift."},
    {"gaps", NULL, "Accept that transactions between two blocks are missing."},
    {"bootstrap", NULL,
        "The directories are those of dray bootstrap: a table's, or block.directory/bootstrap."},
    {NULL, NULL, NULL},
};

typedef struct Shown {
    Progress *progress;
    ProgressFigures figures; /* the last ones; note is in text */
    char text[32];
} Shown;

static void
show_progress(void *context, uint64_t rows, uint64_t all_rows, uint64_t seqno)
{
    Shown *shown = context;

    (void)snprintf(shown->text, sizeof(shown->text), "seqno=%" PRIu64, seqno);
    shown->figures =
        (ProgressFigures){.rows = rows, .all_rows = all_rows, .note = text_of(shown->text)};
    progress_show(shown->progress, &shown->figures);
}

static bool
read_options(const Arguments *arguments, ReplayOptions *how, Error *err)
{
    *how = (ReplayOptions){
        .directories = arguments->operands + 1,
        .directory_count = arguments->operand_count - 1,
        .table = arguments_value(arguments, "table"),
        .again = arguments_has(arguments, "again"),
        .csv_type = arguments_value(arguments, "csv-type"),
        .gaps = arguments_has(arguments, "gaps"),
        .progress = show_progress,
    };
    if (how->table != NULL && !how->again)
        return error_set(err, ERR_USAGE, "dray replay: --table needs --again");
    return arguments_seqno(arguments, "from", &how->from_seqno, err) &&
           arguments_seqno(arguments, "to", &how->to_seqno, err);
}

static int
run_replay(const Config *config, ReplayOptions how, bool is_bootstrap)
{
    CLEANUP(context_close) Context *context = NULL;
    CLEANUP(progress_free) Progress *progress = progress_new(stdout, "replayed");
    Shown shown = {.progress = progress};
    ReplayTotals totals = {0};
    Error err;
    bool ok;

    how.progress_context = &shown;
    context = context_open(config, &err);
    if (context == NULL)
        return cli_fail(&err);
    ok = (is_bootstrap ? bootstrap_replay : replay_run)(context, &how, &totals, &err);
    shown.figures.ended = ok;
    if (totals.blocks > 0)
        progress_end(progress, &shown.figures);
    (void)printf("blocks=%" PRIu64 " skipped=%" PRIu64 " rows=%" PRIu64 " seqno=%" PRIu64 "\n",
        totals.blocks, totals.skipped, totals.rows, totals.seqno);
    return ok ? 0 : cli_fail(&err);
}

static int
run(const Arguments *arguments)
{
    CLEANUP(config_free) Config *config = NULL;
    ReplayOptions how;
    Error err;

    if (!read_options(arguments, &how, &err))
        return cli_fail(&err);
    config = cli_config(arguments, &err);
    return config == NULL ? cli_fail(&err)
                          : run_replay(config, how, arguments_has(arguments, "bootstrap"));
}

const Command cli_replay = {
    .name = "replay",
    .summary = "load retained blocks into the target",
    .operands =
        "CONFIG DIR... [--from N] [--to N] [--table GLOB] [--again] [--csv-type TYPE] [--gaps] "
        "[--bootstrap]",
    .doc = "Loads commit blocks that were kept on disk, in the order of their seqno, into the "
           "target of the configuration. A DIR is a block's directory, or a directory of them; "
           "another service, or Tungsten, may have written it.\n\n"
           "Every checksum is compared before the first block is loaded. Blocks that the position "
           "in the target holds already are skipped, unless --again is given. Where blocks "
           "overlap, or "
           "transactions are missing between them or behind the position, nothing is loaded; "
           "--gaps accepts that they are missing. Transactions that had no rows for any table "
           "leave no block, and look the same.\n\n"
           "With --bootstrap the blocks that dray bootstrap wrote are loaded once more, each "
           "directory with a position of its own: the service's stays. In a rebuilt warehouse they "
           "come first, then the service's own blocks.",
    .operands_min = 2,
    .operands_max = SIZE_MAX,
    .options = options,
    .run = run,
};
