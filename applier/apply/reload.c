#include "apply/reload.h"

#include <inttypes.h>

#include "apply/replay/source.h"
#include "base/log.h"
#include "block/retention.h"

static bool
reload_block(const Context *context, Loader *loader, const Block *block, Error *err)
{
    static const ReplayOptions plain = {0};
    static const LoaderMode live = {false, NULL, false};
    CLEANUP(block_free) Block *converted = NULL;
    LoaderTiming timing = {0, 0, 0};
    bool ok;

    if (!block_check(block, false, err) || !replay_convert(context, &plain, block, &converted, err))
        return false;
    ok = loader_apply(loader, converted != NULL ? converted : block, &live, &timing, err);
    if (converted != NULL)
        replay_convert_clean(context);
    if (ok)
        log_line(LOG_WARN, "main",
            "the target had forgotten a committed block: loaded again first_seqno=%" PRIu64
            " last_seqno=%" PRIu64,
            block->manifest.first_seqno, block->manifest.last_seqno);
    return ok;
}

bool
reload_retained(const Context *context, Loader *loader, Error *err)
{
    BlockList storage = {0};
    CLEANUP(block_list_free) BlockList *blocks = &storage;

    if (!block_list(context->config->block.directory, blocks, err))
        return false;
    for (size_t i = 0; i < blocks->count; i++) {
        const BlockEntry *entry = &blocks->entries[i];
        CLEANUP(block_free) Block *block = NULL;

        if (!entry->committed || entry->first_seqno != loader_position(loader)->seqno + 1)
            continue;
        block = block_open(entry->path, err);
        if (block == NULL || !reload_block(context, loader, block, err))
            return error_wrap(err, "reload %s", entry->path);
    }
    return true;
}
