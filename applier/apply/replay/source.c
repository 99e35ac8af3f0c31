#include "apply/replay/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "apply/replay/tungsten.h"
#include "base/file.h"
#include "block/block_convert.h"
#include "block/retention.h"

void
replay_list_add(ReplayList *list, Block *block)
{
    list->blocks = realloc(list->blocks, (list->count + 1) * sizeof(Block *));
    if (list->blocks == NULL)
        abort();
    list->blocks[list->count++] = block;
}

void
replay_list_free(ReplayList *list)
{
    for (size_t i = 0; i < list->count; i++)
        block_free(list->blocks[i]);
    free(list->blocks);
    *list = (ReplayList){NULL, 0};
}

static bool
has_manifest(const char *directory)
{
    char *path = file_join(directory, MANIFEST_FILE);
    bool found = file_exists(path);

    free(path);
    return found;
}

static bool
add_block(ReplayList *list, const char *path, Error *err)
{
    Block *block = block_open(path, err);

    if (block == NULL)
        return false;
    replay_list_add(list, block);
    return true;
}

/* A directory of block directories. */
static bool
add_blocks(ReplayList *list, const char *directory, size_t *ret_found, Error *err)
{
    BlockList storage = {0};
    CLEANUP(block_list_free) BlockList *blocks = &storage;

    if (!block_list(directory, blocks, err))
        return false;
    *ret_found = blocks->count;
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks->entries[i].finished && !add_block(list, blocks->entries[i].path, err))
            return false;
    return true;
}

static bool
add_directory(const Context *context, ReplayList *list, const char *directory, Error *err)
{
    struct stat status;
    size_t found = 0;

    if (stat(directory, &status) != 0)
        return error_set_errno(err, ERR_DATA, "replay %s", directory);
    if (!S_ISDIR(status.st_mode))
        return error_set(err, ERR_DATA, "replay %s: not a directory", directory);
    if (has_manifest(directory))
        return add_block(list, directory, err);
    if (!add_blocks(list, directory, &found, err))
        return false;
    if (found == 0)
        return replay_tungsten_list(context, directory, list, err);
    return true;
}

static int
by_seqno(const void *a, const void *b)
{
    uint64_t first = (*(Block *const *)a)->manifest.first_seqno;
    uint64_t second = (*(Block *const *)b)->manifest.first_seqno;

    return (first > second) - (first < second);
}

/* Keep the blocks from from_seqno to to_seqno. */
static bool
limit_list(ReplayList *list, uint64_t from, uint64_t to, Error *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        const Manifest *manifest = &list->blocks[i]->manifest;
        bool inside = manifest->first_seqno >= from && (to == 0 || manifest->last_seqno <= to);
        bool outside = manifest->last_seqno < from || (to != 0 && manifest->first_seqno > to);

        if (!inside && !outside)
            return error_set(err, ERR_USAGE,
                "block %" PRIu64 " to %" PRIu64
                " can only be replayed whole: choose --from and --to at its limits",
                manifest->first_seqno, manifest->last_seqno);
        if (inside) {
            Block *block = list->blocks[i];

            list->blocks[i] = list->blocks[kept];
            list->blocks[kept++] = block;
        }
    }
    while (list->count > kept)
        block_free(list->blocks[--list->count]);
    return true;
}

bool
replay_list(const Context *context, const ReplayOptions *options, ReplayList *ret_list, Error *err)
{
    for (size_t i = 0; i < options->directory_count; i++)
        if (!add_directory(context, ret_list, options->directories[i], err))
            return false;
    if (ret_list->count > 0)
        qsort(ret_list->blocks, ret_list->count, sizeof(Block *), by_seqno);
    if (!limit_list(ret_list, options->from_seqno, options->to_seqno, err))
        return false;
    if (ret_list->count == 0)
        return error_set(err, ERR_USAGE, "replay: no block in the directories given");
    return true;
}

/* What the block must be written in: ours, with the header column that says which values are left
 * out where the block leaves any out. */
static CsvDialect
wanted_dialect(const Context *context, const Block *block)
{
    CsvDialect dialect = context->dialect;

    for (size_t i = 0; i < block->manifest.file_count; i++)
        if (block->manifest.files[i].unchanged_count > 0 &&
            dialect_header_at(&dialect, HEADER_UNCHANGED) == dialect.header_count)
            dialect.header[dialect.header_count++] = HEADER_UNCHANGED;
    return dialect;
}

/* Can the files be loaded as they are? */
static bool
dialect_fits(const Context *context, const CsvDialect *ours, const Block *block)
{
    const CsvDialect *theirs = &block->manifest.dialect;
    bool same = text_is(block->manifest.target_type, context->target->name) &&
                ours->style == theirs->style && text_equal(ours->null_word, theirs->null_word) &&
                ours->header_count == theirs->header_count;

    for (size_t i = 0; same && i < ours->header_count; i++)
        same =
            ours->header[i] == theirs->header[i] && text_equal(ours->header_names[ours->header[i]],
                                                        theirs->header_names[theirs->header[i]]);
    return same;
}

static char *
convert_directory(const Context *context)
{
    return file_join(context->config->block.directory, "replay.tmp");
}

bool
replay_convert(const Context *context, const ReplayOptions *options, const Block *block,
    Block **ret_block, Error *err)
{
    CsvDialect dialect = wanted_dialect(context, block);
    char *directory;

    *ret_block = NULL;
    if (!replay_is_tungsten(block) && dialect_fits(context, &dialect, block))
        return true;
    directory = convert_directory(context);
    if (file_remove_tree(directory, err) && file_make_directory(directory, err))
        *ret_block =
            replay_is_tungsten(block)
                ? replay_tungsten_convert(context, block,
                      options->csv_type == NULL ? "default" : options->csv_type, directory, err)
                : block_convert_block(block, directory, &dialect, context->target->name,
                      &context->config->values, err);
    free(directory);
    return *ret_block != NULL || error_wrap(err, "convert %s", block->path);
}

void
replay_convert_clean(const Context *context)
{
    char *directory = convert_directory(context);
    Error ignored;

    (void)!file_remove_tree(directory, &ignored);
    free(directory);
}
