#include "block/block_output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/fault.h"
#include "base/file.h"

#define READ_SIZE ((size_t)16 * 1024)

struct BlockOutput {
    char *path;
    int fd;
    int read_fd; /* to read lines back; as long as fd may stay open */
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
    file->fd = file->read_fd = -1;
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
    file_close(file->read_fd);
    file->fd = file->read_fd = -1;
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

/* How much of data belongs to the line, its LF included; quotes are doubled inside values. */
static size_t
line_length(const char *data, size_t len, bool *in_quotes, bool *ret_ended)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '"')
            *in_quotes = !*in_quotes;
        if (data[i] != '\n' || *in_quotes)
            continue;
        *ret_ended = true;
        return i + 1;
    }
    return len;
}

static bool
read_piece(
    const BlockOutput *file, uint64_t offset, size_t size, Buf *line, size_t *ret_len, Error *err)
{
    char *to = buf_reserve(line, size);
    ssize_t n;

    do
        n = FAULT("block.read_back") ? -1 : pread(file->read_fd, to, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, ERR_IO, "read back %s", file->path);
    *ret_len = (size_t)n;
    return true;
}

/* Of what is on the disk. */
static bool
read_flushed(BlockOutput *file, uint64_t offset, Buf *line, Error *err)
{
    bool in_quotes = false;
    bool ended = false;
    size_t size = READ_SIZE;

    if (file->read_fd < 0 && !FAULT("block.open_back"))
        file->read_fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file->read_fd < 0)
        return error_set_errno(err, ERR_IO, "open %s to read it back", file->path);
    while (!ended) {
        size_t len = 0;

        if (!read_piece(file, offset, size, line, &len, err))
            return false;
        if (len == 0)
            return error_set(
                err, ERR_DATA, "%s: no whole line ends at byte %" PRIu64, file->path, offset);
        len = line_length(line->data + line->len, len, &in_quotes, &ended);
        buf_grown(line, len);
        offset += len;
        size = MIN(size * 2, READ_SIZE * 64);
    }
    return true;
}

bool
block_output_read_line(BlockOutput *file, uint64_t offset, Buf *line, Error *err)
{
    uint64_t flushed = file->bytes - file->len;
    bool in_quotes = false;
    bool ended = false;
    bool ok;

    if (offset >= flushed) {
        size_t at = (size_t)(offset - flushed);
        size_t len = at > file->len ? 0 : file->len - at;

        len = line_length(file->buffer + MIN(at, file->len), len, &in_quotes, &ended);
        buf_add(line, file->buffer + MIN(at, file->len), len);
        return ended || error_set(err, ERR_INTERNAL, "%s: no line begins at byte %" PRIu64,
                            file->path, offset);
    }
    ok = read_flushed(file, offset, line, err);
    if (!file->keeps_descriptor || file->buffer == NULL) {
        file_close(file->read_fd);
        file->read_fd = -1;
    }
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
