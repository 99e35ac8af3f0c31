#include "block/block_output.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>

#include <xxhash.h>

#include "base/fault.h"
#include "base/file.h"

struct BlockOutput {
    char *path;
    int fd;
    bool exists;
    bool keeps_descriptor;
    char *buffer;
    size_t len;
    size_t size;
    uint64_t bytes;
    XXH3_state_t *state;
};

BlockOutput *
block_output_new(const char *path)
{
    BlockOutput *file = calloc(1, sizeof(*file));

    if (file == NULL)
        abort();
    file->path = text_dup(text_of(path));
    file->fd = -1;
    file->state = XXH3_createState();
    if (file->state == NULL)
        abort();
    (void)XXH3_64bits_reset(file->state);
    return file;
}

static void
release(BlockOutput *file)
{
    file_close(file->fd);
    file->fd = -1;
    free(STEAL(file->buffer));
    file->len = file->size = 0;
}

void
block_output_free(BlockOutput *file)
{
    if (file == NULL)
        return;
    release(file);
    (void)XXH3_freeState(file->state);
    free(file->path);
    free(file);
}

bool
block_output_is_open(const BlockOutput *file)
{
    return file->buffer != NULL;
}

void
block_output_open(BlockOutput *file, size_t buffer_size, bool keeps_descriptor)
{
    assert(file->buffer == NULL);
    file->buffer = malloc(buffer_size);
    if (file->buffer == NULL)
        abort();
    file->size = buffer_size;
    file->keeps_descriptor = keeps_descriptor;
}

static bool
open_descriptor(BlockOutput *file, Error *err)
{
    if (file->fd >= 0)
        return true;
    if (!file->exists) {
        file->fd = file_create(file->path, err);
        file->exists = file->fd >= 0;
        return file->exists;
    }
    if (!FAULT("block.append"))
        file->fd = open(file->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    return file->fd >= 0 || error_set_errno(err, ERR_IO, "open %s to append", file->path);
}

static bool
write_out(BlockOutput *file, Text data, Error *err)
{
    if (!open_descriptor(file, err))
        return false;
    (void)XXH3_64bits_update(file->state, data.data, data.len);
    if (!file_write(file->fd, data.data, data.len, file->path, err))
        return false;
    if (!file->keeps_descriptor) {
        file_close(file->fd);
        file->fd = -1;
    }
    return true;
}

static bool
flush(BlockOutput *file, Error *err)
{
    Text data = {file->buffer, file->len};

    file->len = 0;
    return data.len == 0 || write_out(file, data, err);
}

bool
block_output_add(BlockOutput *file, Text lines, Error *err)
{
    assert(file->buffer != NULL);
    file->bytes += lines.len;
    if (lines.len > file->size - file->len && !flush(file, err))
        return false;
    if (lines.len > file->size)
        return write_out(file, lines, err);
    memcpy(file->buffer + file->len, lines.data, lines.len);
    file->len += lines.len;
    return true;
}

bool
block_output_suspend(BlockOutput *file, Error *err)
{
    bool ok = flush(file, err);

    release(file);
    return ok;
}

bool
block_output_finish(BlockOutput *file, Error *err)
{
    bool ok;

    file->keeps_descriptor = true;
    ok = flush(file, err) && open_descriptor(file, err) && file_sync(file->fd, file->path, err);
    release(file);
    return ok;
}

uint64_t
block_output_bytes(const BlockOutput *file)
{
    return file->bytes;
}

uint64_t
block_output_checksum(const BlockOutput *file)
{
    return XXH3_64bits_digest(file->state);
}
