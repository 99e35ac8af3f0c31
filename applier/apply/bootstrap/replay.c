#include "apply/bootstrap/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/file.h"
#include "block/retention.h"
#include "target/position.h"

typedef struct Part {
    char *path;
    Block *first;
} Part;

typedef struct PartList {
    Part *parts;
    size_t count;
} PartList;

static void
part_list_clear(PartList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->parts[i].path);
        block_free(list->parts[i].first);
    }
    free(list->parts);
}

static void
add_part(PartList *list, const char *path, Block *first)
{
    list->parts = realloc(list->parts, (list->count + 1) * sizeof(*list->parts));
    if (list->parts == NULL)
        abort();
    list->parts[list->count++] = (Part){text_dup(text_of(path)), first};
}

/* *ret_any: the directory has blocks itself. */
static bool
find_blocks(PartList *list, const char *directory, bool *ret_any, Error *err)
{
    BlockList blocks = {0};
    bool ok = block_list(directory, &blocks, err);

    *ret_any = ok && blocks.count > 0;
    if (*ret_any) {
        Block *first = block_open(blocks.entries[0].path, err);

        ok = first != NULL;
        if (ok)
            add_part(list, directory, first);
    }
    block_list_free(&blocks);
    return ok;
}

/* A file is no directory of blocks. */
static bool
find_blocks_in(PartList *list, const char *directory, const char *name, Error *err)
{
    char *path = file_join(directory, name);
    FileList inside;
    bool any;
    bool ok = true;

    if (file_list(path, &inside, err)) {
        file_list_free(&inside);
        ok = find_blocks(list, path, &any, err);
    }
    free(path);
    return ok;
}

/* A table's directory, or a directory of them. */
static bool
find_parts(PartList *list, const char *directory, Error *err)
{
    FileList names;
    size_t before = list->count;
    bool any;
    bool ok = true;

    if (!find_blocks(list, directory, &any, err))
        return false;
    if (any)
        return true;
    if (!file_list(directory, &names, err))
        return false;
    for (size_t i = 0; ok && i < names.count; i++)
        ok = find_blocks_in(list, directory, names.names[i], err);
    file_list_free(&names);
    if (!ok)
        return false;
    return list->count > before ||
           error_set(err, ERR_USAGE, "%s: no blocks of a bootstrap are there", directory);
}

/* All blocks of a table stand at its snapshot's position, those of changes behind it. */
static int
compare_parts(const Context *context, const Part *a, const Part *b)
{
    int order = context->source->compare(
        a->first->manifest.position_after, b->first->manifest.position_after);

    return order != 0 ? order : strcmp(a->path, b->path);
}

static void
sort_parts(const Context *context, PartList *list)
{
    for (size_t i = 1; i < list->count; i++)
        for (size_t j = i;
             j > 0 && compare_parts(context, &list->parts[j - 1], &list->parts[j]) > 0; j--) {
            Part part = list->parts[j];

            list->parts[j] = list->parts[j - 1];
            list->parts[j - 1] = part;
        }
}

static bool
forget_position(const Context *context, const char *service, Error *err)
{
    CLEANUP(target_close)
    Target *target = context->target->open(context->config->target_options, err);

    return target != NULL &&
           position_remove(
               target, text_of(context->config->target.position_schema), text_of(service), err);
}

/* The same for the same directory, so that an interrupted replay goes on. */
static void
name_position(const Context *context, const Part *part, char *name, size_t size)
{
    CLEANUP(buf_clear) Buf identity = BUF_INIT;
    const char *slash = strrchr(part->path, '/');

    buf_addf(&identity, "%s\n%s\n" TEXT_FMT, context->config->service,
        slash == NULL ? part->path : slash + 1, TEXT_ARG(part->first->manifest.position_after));
    (void)snprintf(
        name, size, "+replay/%016" PRIx64, (uint64_t)XXH3_64bits(identity.data, identity.len));
}

static bool
replay_part(const Context *context, const ReplayOptions *options, const Part *part,
    ReplayTotals *totals, Error *err)
{
    const char *directories[] = {part->path};
    ReplayOptions one = *options;
    Config config = *context->config;
    Context derived = *context;
    ReplayTotals done;
    char name[64];

    if (part->first->manifest.first_seqno != 1)
        return error_set(err, ERR_DATA,
            "%s begins at seqno %" PRIu64 ": its first blocks are gone (block.retain), and their "
            "rows with them",
            part->path, part->first->manifest.first_seqno);
    name_position(context, part, name, sizeof(name));
    one.directories = directories;
    one.directory_count = 1;
    config.position_service = name;
    derived.config = &config;
    if (!replay_run(&derived, &one, &done, err))
        return error_wrap(err, "%s", part->path);
    totals->blocks += done.blocks;
    totals->skipped += done.skipped;
    totals->rows += done.rows;
    return forget_position(context, name, err);
}

static bool
check_options(const Context *context, const ReplayOptions *options, Error *err)
{
    if (context->source->compare == NULL)
        return error_set(err, ERR_CONFIG,
            "source.type: %s makes no bootstraps whose blocks could be replayed",
            context->source->name);
    if (options->from_seqno > 0 || options->to_seqno > 0 || options->table != NULL ||
        options->again || options->gaps)
        return error_set(err, ERR_USAGE,
            "--bootstrap replays directories as they are: it goes with no other option");
    return true;
}

bool
bootstrap_replay(
    const Context *context, const ReplayOptions *options, ReplayTotals *ret_totals, Error *err)
{
    PartList list = {NULL, 0};
    bool ok = check_options(context, options, err);

    *ret_totals = (ReplayTotals){0};
    for (size_t i = 0; ok && i < options->directory_count; i++)
        ok = find_parts(&list, options->directories[i], err);
    if (ok)
        sort_parts(context, &list);
    for (size_t i = 0; ok && i < list.count; i++)
        ok = replay_part(context, options, &list.parts[i], ret_totals, err);
    part_list_clear(&list);
    return ok;
}
