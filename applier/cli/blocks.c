#include "cli/cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "block/retention.h"
#include "cli/block_report.h"
#include "target/position.h"

static const Option options[] = {
    {"json", NULL, "Print JSON."},
    {"dry-run", NULL, "prune: only tell what would be removed."},
    {NULL, NULL, NULL},
};

/* The seqno that the target has committed; 0 where it holds no position yet. */
static bool
read_committed(const Config *config, uint64_t *ret_seqno, Error *err)
{
    const TargetDriver *driver = target_find(config->target_type);
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(target_close) Target *target = driver->open(config->target_options, err);
    Position position;
    bool found;

    if (target == NULL || !position_read(target, text_of(config->target.position_schema),
                              text_of(config->service), arena, &position, &found, err))
        return false;
    *ret_seqno = found ? position.seqno : 0;
    return true;
}

static int
list_blocks(const Arguments *arguments, const Config *config, const BlockList *list)
{
    bool json = arguments_has(arguments, "json");
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    uint64_t committed = 0;
    Error err;
    bool known = read_committed(config, &committed, &err);

    if (!known)
        (void)fprintf(
            stderr, "dray: note: the position in the target is not known: %s\n", err.text);
    if (json)
        block_report_json(list, known ? &committed : NULL, &out);
    else
        block_report_text(list, known ? &committed : NULL, &out);
    (void)fputs(out.data, stdout);
    return 0;
}

static int
show_block(const Arguments *arguments, const BlockList *list)
{
    const char *name = arguments->operand_count > 2 ? arguments->operands[2] : "";
    CLEANUP(block_free) Block *block = NULL;
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    uint64_t seqno = 0;
    Error err;

    if (!text_to_u64(text_of(name), &seqno)) {
        (void)error_set(&err, ERR_USAGE,
            "dray blocks: show needs a block: its directory's name, or its first seqno");
        return cli_fail(&err);
    }
    for (size_t i = 0; i < list->count && block == NULL; i++) {
        if (list->entries[i].first_seqno != seqno)
            continue;
        block = block_open(list->entries[i].path, &err);
        if (block == NULL)
            return cli_fail(&err);
    }
    if (block == NULL) {
        (void)error_set(&err, ERR_USAGE, "dray blocks: no block begins with seqno %s", name);
        return cli_fail(&err);
    }
    if (arguments_has(arguments, "json"))
        manifest_print(&block->manifest, &out);
    else
        block_report_manifest(block, &out);
    (void)fputs(out.data, stdout);
    if (out.data[out.len - 1] != '\n')
        (void)putchar('\n');
    return 0;
}

static int
check_blocks(const Arguments *arguments, const BlockList *list)
{
    CLEANUP(buf_clear) Buf lines = BUF_INIT;
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    size_t faults = block_report_check(list, &lines);
    Error err;

    if (arguments_has(arguments, "json"))
        block_report_check_json(list, buf_text(&lines), &out);
    else
        buf_addf(&out, "%s%zu blocks, %zu faults\n", buf_string(&lines), list->count, faults);
    (void)fputs(out.data, stdout);
    if (faults == 0)
        return 0;
    (void)fflush(stdout);
    (void)error_set(&err, ERR_DATA, "%zu faults in %zu blocks", faults, list->count);
    return cli_fail(&err);
}

/* Nobody may start meanwhile, and go back to a seqno that is removed here. A service that runs
 * already only goes forward, and does not mind blocks that disappear. -1 where one runs. */
static bool
hold_lock(const Config *config, int *ret_fd, Error *err)
{
    char *path;

    if (!file_make_directory(config->block.directory, err))
        return false;
    path = file_join(config->block.directory, "lock");
    *ret_fd = file_lock(path, err);
    free(path);
    return *ret_fd >= 0 || err->kind == ERR_FENCED;
}

static uint64_t
bytes_of(const BlockList *list, uint64_t first_seqno)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].first_seqno == first_seqno)
            return list->entries[i].bytes;
    return 0;
}

/* Stops at the first block that cannot be removed; *ret_count are gone. */
static bool
remove_blocks(const BlockList *excess, bool dry_run, size_t *ret_count, Error *err)
{
    for (*ret_count = 0; *ret_count < excess->count; (*ret_count)++)
        if (!dry_run && !block_remove(excess->entries[*ret_count].path, err))
            return false;
    return true;
}

static int
prune_blocks(const Arguments *arguments, const Config *config, const BlockList *list)
{
    const bool dry_run = arguments_has(arguments, "dry-run");
    BlockList storage = {NULL, 0, 0};
    CLEANUP(block_list_free) BlockList *excess = &storage;
    CLEANUP(file_close) int lock_fd = -1;
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    uint64_t committed;
    size_t count;
    Error err = {ERR_NONE};
    bool ok;

    if ((!dry_run && !hold_lock(config, &lock_fd, &err)) ||
        !read_committed(config, &committed, &err) ||
        !retention_excess(config->block.directory, &config->block.retain, committed, excess, &err))
        return cli_fail(&err);
    for (size_t i = 0; i < excess->count; i++)
        excess->entries[i].bytes = bytes_of(list, excess->entries[i].first_seqno);
    /* tell what is gone even when not all of it could be removed */
    ok = remove_blocks(excess, dry_run, &count, &err);
    while (excess->count > count)
        free(excess->entries[--excess->count].path);
    if (arguments_has(arguments, "json"))
        block_report_prune_json(excess, dry_run, &out);
    else
        block_report_prune(excess, dry_run, &out);
    (void)fputs(out.data, stdout);
    return ok ? 0 : cli_fail(&err);
}

static int
run_action(const Arguments *arguments, const Config *config)
{
    const char *action = arguments->operand_count > 1 ? arguments->operands[1] : "list";
    BlockList storage = {NULL, 0, 0};
    CLEANUP(block_list_free) BlockList *list = &storage;
    Error err;

    if (arguments->operand_count > 2 && strcmp(action, "show") != 0) {
        (void)error_set(&err, ERR_USAGE, "dray blocks: %s takes no block", action);
        return cli_fail(&err);
    }
    if (arguments_has(arguments, "dry-run") && strcmp(action, "prune") != 0) {
        (void)error_set(&err, ERR_USAGE, "dray blocks: --dry-run belongs to prune");
        return cli_fail(&err);
    }
    if (!block_list(config->block.directory, list, &err))
        return cli_fail(&err);
    if (strcmp(action, "list") == 0)
        return list_blocks(arguments, config, list);
    if (strcmp(action, "show") == 0)
        return show_block(arguments, list);
    if (strcmp(action, "check") == 0)
        return check_blocks(arguments, list);
    if (strcmp(action, "prune") == 0)
        return prune_blocks(arguments, config, list);
    (void)error_set(&err, ERR_USAGE, "dray blocks: %s is none of list, show, check, prune", action);
    return cli_fail(&err);
}

static int
run(const Arguments *arguments)
{
    Error err;
    CLEANUP(config_free) Config *config = cli_config(arguments, &err);

    return config == NULL ? cli_fail(&err) : run_action(arguments, config);
}

const Command cli_blocks = {
    .name = "blocks",
    .summary = "list, show, check or prune the blocks on disk",
    .operands = "CONFIG [list | show BLOCK | check | prune] [--json] [--dry-run]",
    .doc = "list (without a word the same) prints the blocks in block.directory: seqnos, rows, "
           "bytes, tables, the last commit at the source, and whether the target holds them.\n\n"
           "show prints one block's manifest; BLOCK is its directory's name, or its first "
           "seqno.\n\n"
           "check reads every file and compares it with its manifest: presence, size, checksum, "
           "number of values, counts by opcode. It also tells where seqnos overlap or do not "
           "follow each other. Exit code 1 when there is a fault.\n\n"
           "prune removes the committed blocks that block.retain does not keep. A service may run "
           "meanwhile; where none does, none can start before prune has ended.",
    .operands_min = 1,
    .operands_max = 3,
    .options = options,
    .run = run,
};
