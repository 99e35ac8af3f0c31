#include "block/retention.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/fault.h"
#include "base/file.h"

#define NAME_LEN       20
#define COMMITTED_FILE "committed"

static int64_t
time_us(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000 + status->st_mtim.tv_nsec / 1000;
}

bool
block_space(const BlockConfig *block, int64_t *ret_available, Error *err)
{
    struct statvfs status;

    if (FAULT("block.statvfs") || statvfs(block->directory, &status) != 0)
        return error_set_errno(err, ERR_IO, "file system of %s", block->directory);
    *ret_available = (int64_t)status.f_bavail * (int64_t)status.f_frsize;
    return true;
}

/* 20 digits that fit 64 bits. */
static bool
is_block_name(const char *name, uint64_t *ret_seqno)
{
    Text text = text_of(name);

    return text.len == NAME_LEN && text_to_u64(text, ret_seqno);
}

static bool
entry_bytes(const char *path, uint64_t *ret_bytes, Error *err)
{
    FileList storage = {NULL, 0};
    CLEANUP(file_list_free) FileList *files = &storage;

    *ret_bytes = 0;
    if (!file_list(path, files, err))
        return !file_exists(path); /* a block that is removed meanwhile */
    for (size_t i = 0; i < files->count; i++) {
        CLEANUP(buf_clear) Buf file = BUF_INIT;
        struct stat status;

        buf_addf(&file, "%s/%s", path, files->names[i]);
        if (lstat(file.data, &status) == 0 && S_ISREG(status.st_mode))
            *ret_bytes += (uint64_t)status.st_size;
    }
    return true;
}

/* False when it is no directory. */
static bool
describe(BlockEntry *entry)
{
    CLEANUP(buf_clear) Buf manifest = BUF_INIT;
    struct stat status;

    if (lstat(entry->path, &status) != 0 || !S_ISDIR(status.st_mode))
        return false;
    entry->mtime_us = time_us(&status);
    buf_addf(&manifest, "%s/%s", entry->path, MANIFEST_FILE);
    if (lstat(manifest.data, &status) == 0 && S_ISREG(status.st_mode)) {
        entry->finished = true;
        entry->mtime_us = time_us(&status);
    }
    buf_reset(&manifest, SIZE_MAX);
    buf_addf(&manifest, "%s/%s", entry->path, COMMITTED_FILE);
    entry->committed = entry->finished && lstat(manifest.data, &status) == 0;
    return true;
}

/* Without the sizes, which cost a look at every file. */
static bool
list_entries(const char *directory, BlockList *list, Error *err)
{
    FileList storage = {NULL, 0};
    CLEANUP(file_list_free) FileList *names = &storage;

    if (!file_exists(directory))
        return true;
    if (!file_list(directory, names, err))
        return false;
    list->entries = calloc(names->count + 1, sizeof(*list->entries));
    if (list->entries == NULL)
        abort();
    for (size_t i = 0; i < names->count; i++) {
        BlockEntry *entry = &list->entries[list->count];

        if (!is_block_name(names->names[i], &entry->first_seqno))
            continue;
        entry->path = file_join(directory, names->names[i]);
        list->count++;
    }
    return true;
}

bool
block_list(const char *directory, BlockList *ret_list, Error *err)
{
    BlockList storage = {NULL, 0, 0};
    CLEANUP(block_list_free) BlockList *list = &storage;
    size_t kept = 0;

    if (!list_entries(directory, list, err))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        BlockEntry *entry = &list->entries[i];

        if (!describe(entry)) {
            free(STEAL(entry->path));
            continue;
        }
        if (!entry_bytes(entry->path, &entry->bytes, err))
            return false;
        list->bytes += entry->bytes;
        if (kept != i) {
            list->entries[kept] = *entry;
            *entry = (BlockEntry){0};
        }
        kept++;
    }
    list->count = kept;
    *ret_list = storage;
    storage = (BlockList){NULL, 0, 0};
    return true;
}

void
block_list_free(BlockList *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].path);
    free(list->entries);
    *list = (BlockList){NULL, 0, 0};
}

bool
retention_mark(const char *block_path, Error *err)
{
    char *path = file_join(block_path, COMMITTED_FILE);
    int fd = file_create(path, err);

    free(path);
    file_close(fd);
    return fd >= 0;
}

/* A block that was committed is past the position, and does not follow it: the target has gone back
 * in time further than the retained blocks reach. */
static bool
check_not_committed(const BlockEntry *entry, uint64_t committed_seqno, Error *err)
{
    if (!entry->committed)
        return true;
    return error_set(err, ERR_TARGET,
        "%s was committed once, but the target's position is seqno %" PRIu64
        " and the blocks between them are not here: the target lost what came after its position "
        "(restored from a backup, or another database?); replay the missing blocks with dray "
        "replay, or move this one away to read its transactions from the source again",
        entry->path, committed_seqno);
}

bool
retention_clean(const char *directory, uint64_t committed_seqno, size_t *ret_removed, Error *err)
{
    BlockList storage = {NULL, 0, 0};
    CLEANUP(block_list_free) BlockList *list = &storage;

    *ret_removed = 0;
    if (!list_entries(directory, list, err))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        BlockEntry *entry = &list->entries[i];

        if (!describe(entry) || (entry->finished && entry->first_seqno <= committed_seqno))
            continue;
        if (!check_not_committed(entry, committed_seqno, err) || !block_remove(entry->path, err))
            return false;
        (*ret_removed)++;
    }
    return true;
}

/* How many of the oldest count entries go; entries are described as far as that is needed. */
static bool
count_excess(BlockList *list, size_t count, const Retain *retain, size_t *ret_excess, Error *err)
{
    uint64_t limit = (uint64_t)MAX(retain->amount, 0);
    int64_t oldest_us = clock_now_us() - MIN(retain->amount, INT64_MAX / 2000) * 1000;
    uint64_t bytes = 0;
    size_t excess = 0;

    switch (retain->kind) {
    case RETAIN_ALL:
        break;
    case RETAIN_NONE:
        excess = count;
        break;
    case RETAIN_BLOCKS:
        excess = count - MIN((uint64_t)count, limit);
        break;
    case RETAIN_AGE:
        while (excess < count &&
               (!describe(&list->entries[excess]) || list->entries[excess].mtime_us < oldest_us))
            excess++;
        break;
    case RETAIN_BYTES:
        for (excess = count; excess > 0; excess--) {
            BlockEntry *entry = &list->entries[excess - 1];

            if (!entry_bytes(entry->path, &entry->bytes, err))
                return false;
            bytes += entry->bytes;
            if (bytes > limit)
                break;
        }
        break;
    }
    *ret_excess = excess;
    return true;
}

/* Cut the list down to the directories that retain does not keep. */
static bool
keep_excess(BlockList *list, const Retain *retain, uint64_t committed_seqno, Error *err)
{
    size_t committed = 0;
    size_t excess = 0;
    size_t kept = 0;

    while (committed < list->count && list->entries[committed].first_seqno <= committed_seqno)
        committed++;
    if (!count_excess(list, committed, retain, &excess, err))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        BlockEntry entry = list->entries[i];

        list->entries[i] = (BlockEntry){0};
        if (i < excess && describe(&entry))
            list->entries[kept++] = entry;
        else
            free(entry.path);
    }
    list->count = kept;
    return true;
}

bool
retention_excess(const char *directory, const Retain *retain, uint64_t committed_seqno,
    BlockList *ret_list, Error *err)
{
    BlockList storage = {NULL, 0, 0};
    CLEANUP(block_list_free) BlockList *list = &storage;

    if (retain->kind != RETAIN_ALL &&
        (!list_entries(directory, list, err) || !keep_excess(list, retain, committed_seqno, err)))
        return false;
    *ret_list = storage;
    storage = (BlockList){NULL, 0, 0};
    return true;
}

bool
retention_apply(const char *directory, const Retain *retain, uint64_t committed_seqno,
    size_t *ret_removed, Error *err)
{
    BlockList excess = {NULL, 0, 0};
    bool ok;

    *ret_removed = 0;
    ok = retention_excess(directory, retain, committed_seqno, &excess, err);
    for (size_t i = 0; ok && i < excess.count; i++) {
        ok = block_remove(excess.entries[i].path, err);
        *ret_removed += ok;
    }
    block_list_free(&excess);
    return ok;
}
