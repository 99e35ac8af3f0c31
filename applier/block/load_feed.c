#include "block/load_feed.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/fault.h"
#include "base/file.h"
#include "block/csv.h"

#define READ_SIZE ((size_t)256 * 1024)

struct LoadFeed {
    const Block *block;
    const BlockFile *file;
    const LineSet *superseded; /* NULL: every line is served */
    char *path;
    int fd;
    char *buffer;
    XXH3_state_t *state;
    uint64_t bytes;
    bool finished;

    /* where the reading stands: only followed while lines are left out */
    uint64_t row_id;
    bool in_quotes;
    bool is_left_out;
};

static bool
open_file(LoadFeed *feed, Error *err)
{
    struct stat status;

    feed->fd = file_open(feed->path, O_NOFOLLOW, err);
    if (feed->fd < 0)
        return false;
    if (FAULT("block.stat") || fstat(feed->fd, &status) != 0)
        return error_set_errno(err, ERR_IO, "stat %s", feed->path);
    if ((uint64_t)status.st_size != feed->file->bytes)
        return error_set(err, ERR_DATA, "%s: %" PRIu64 " bytes, but the manifest says %" PRIu64,
            feed->path, (uint64_t)status.st_size, feed->file->bytes);
    return true;
}

static void
reset(LoadFeed *feed)
{
    (void)XXH3_64bits_reset(feed->state);
    feed->bytes = 0;
    feed->finished = false;
    feed->row_id = 1;
    feed->in_quotes = false;
    feed->is_left_out = line_set_has(feed->superseded, 1);
}

/* Absolute, so that a client library that changes directory finds it as well. */
static bool
find_path(LoadFeed *feed, Error *err)
{
    const Block *block = feed->block;
    char *directory;
    Buf path = BUF_INIT;

    if (feed->file->name.data == NULL || block->path == NULL)
        return error_set(err, ERR_INTERNAL, "no file to load for a table without rows");
    directory = FAULT("block.realpath") ? NULL : realpath(block->path, NULL);
    if (directory == NULL)
        return error_set_errno(err, ERR_IO, "open block %s", block->path);
    buf_addf(&path, "%s/%s", directory, feed->file->name.data);
    free(directory);
    feed->path = buf_steal(&path);
    return true;
}

LoadFeed *
load_feed_open(const Block *block, size_t file_index, bool skip_superseded, Error *err)
{
    LoadFeed *feed = calloc(1, sizeof(*feed));

    if (feed == NULL)
        abort();
    feed->fd = -1;
    feed->block = block;
    feed->file = &block->manifest.files[file_index];
    feed->buffer = malloc(READ_SIZE);
    feed->state = XXH3_createState();
    if (feed->buffer == NULL || feed->state == NULL)
        abort();
    if (skip_superseded && block->superseded != NULL && block->superseded[file_index].set_count > 0)
        feed->superseded = &block->superseded[file_index];
    reset(feed);
    if (find_path(feed, err) && open_file(feed, err))
        return feed;
    load_feed_close(feed);
    return NULL;
}

void
load_feed_close(LoadFeed *feed)
{
    if (feed == NULL)
        return;
    file_close(feed->fd);
    (void)XXH3_freeState(feed->state);
    free(feed->buffer);
    free(feed->path);
    free(feed);
}

/*
 * Where the line that the reading is in ends: the byte behind its LF, or len. Quotes are doubled
 * inside a value, so that a LF ends a line exactly when the number of quotes before it is even.
 */
static size_t
line_end(LoadFeed *feed, size_t at, size_t len, bool *ret_ended)
{
    const char *data = feed->buffer;

    *ret_ended = false;
    while (at < len) {
        if (feed->in_quotes) {
            const char *quote = memchr(data + at, '"', len - at);

            if (quote == NULL)
                return len;
            at = (size_t)(quote - data) + 1;
            feed->in_quotes = false;
        } else {
            while (at < len && data[at] != '"' && data[at] != '\n')
                at++;
            if (at == len)
                return len;
            if (data[at++] == '\n') {
                *ret_ended = true;
                return at;
            }
            feed->in_quotes = true;
        }
    }
    return len;
}

/* Move the lines that are served together; returns how many bytes they are. */
static size_t
leave_out(LoadFeed *feed, size_t len)
{
    size_t kept = 0;
    size_t at = 0;

    while (at < len) {
        bool ended;
        size_t end = line_end(feed, at, len, &ended);

        if (!feed->is_left_out) {
            if (kept != at)
                memmove(feed->buffer + kept, feed->buffer + at, end - at);
            kept += end - at;
        }
        if (ended)
            feed->is_left_out = line_set_has(feed->superseded, ++feed->row_id);
        at = end;
    }
    return kept;
}

static bool
check_whole(LoadFeed *feed, Error *err)
{
    uint64_t checksum = XXH3_64bits_digest(feed->state);

    if (feed->bytes != feed->file->bytes)
        return error_set(err, ERR_DATA, "%s: %" PRIu64 " bytes, but the manifest says %" PRIu64,
            feed->path, feed->bytes, feed->file->bytes);
    if (checksum != feed->file->checksum)
        return error_set(err, ERR_DATA,
            "%s: checksum %016" PRIx64 ", but the manifest says %016" PRIx64, feed->path, checksum,
            feed->file->checksum);
    feed->finished = true;
    return true;
}

bool
load_feed_read(LoadFeed *feed, Text *ret_piece, Error *err)
{
    size_t kept = 0;

    while (kept == 0) {
        size_t len;

        if (feed->finished) {
            *ret_piece = TEXT("");
            return true;
        }
        if (!file_read(feed->fd, feed->buffer, READ_SIZE, feed->path, &len, err))
            return false;
        if (len == 0) {
            if (!check_whole(feed, err))
                return false;
            continue;
        }
        (void)XXH3_64bits_update(feed->state, feed->buffer, len);
        feed->bytes += len;
        kept = feed->superseded == NULL ? len : leave_out(feed, len);
    }
    *ret_piece = (Text){feed->buffer, kept};
    return true;
}

bool
load_feed_rewind(LoadFeed *feed, Error *err)
{
    if (FAULT("block.seek") || lseek(feed->fd, 0, SEEK_SET) != 0)
        return error_set_errno(err, ERR_IO, "seek %s", feed->path);
    reset(feed);
    return true;
}

bool
load_feed_is_finished(const LoadFeed *feed)
{
    return feed->finished;
}

uint64_t
load_feed_rows(const LoadFeed *feed)
{
    return feed->file->row_count - (feed->superseded == NULL ? 0 : feed->superseded->set_count);
}

uint64_t
load_feed_origins(const LoadFeed *feed)
{
    return feed->file->rows[OPCODE_O] -
           (feed->superseded == NULL ? 0 : feed->superseded->origin_count);
}

const BlockFile *
load_feed_file(const LoadFeed *feed)
{
    return feed->file;
}

const CsvDialect *
load_feed_dialect(const LoadFeed *feed)
{
    return &feed->block->manifest.dialect;
}

const char *
load_feed_path(const LoadFeed *feed)
{
    return feed->path;
}

/* The search of load_feed_locate(). */
typedef struct Search {
    const LoadFeed *feed;
    const CsvReader *reader;
    uint64_t wanted; /* served line */
    uint64_t served; /* lines served before this record */
    uint64_t row;
    bool found;
    uint64_t row_id;
    uint64_t seqno;
    uint64_t file_line;
} Search;

static uint64_t
physical_lines(const Value *values, size_t count)
{
    uint64_t lines = 1;

    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; values[i].kind == VALUE_TEXT && at < values[i].text.len; at++)
            lines += values[i].text.data[at] == '\n';
    return lines;
}

static bool
search_record(void *context, const Value *values, size_t count, Error *err)
{
    Search *search = context;
    const CsvDialect *dialect = &search->feed->block->manifest.dialect;
    uint64_t lines = physical_lines(values, count);

    search->row++;
    if (line_set_has(search->feed->superseded, search->row))
        return true;
    if (search->wanted > search->served + lines) {
        search->served += lines;
        return true;
    }
    search->found = true;
    search->row_id = search->row;
    search->file_line = block_csv_line(search->reader) + (search->wanted - search->served - 1);
    for (size_t i = 0; i < dialect->header_count && i < count; i++) {
        uint64_t *to = dialect->header[i] == HEADER_SEQNO    ? &search->seqno
                       : dialect->header[i] == HEADER_ROW_ID ? &search->row_id
                                                             : NULL;

        if (to != NULL && !text_to_u64(values[i].text, to))
            return error_set(err, ERR_DATA, "%s: line %" PRIu64 ": malformed header columns",
                search->feed->path, block_csv_line(search->reader));
    }
    return error_set(err, ERR_STOPPED, "found");
}

bool
load_feed_locate(LoadFeed *feed, uint64_t served_line, uint64_t *ret_row_id, uint64_t *ret_seqno,
    uint64_t *ret_file_line, Error *err)
{
    CLEANUP(file_close) int fd = file_open(feed->path, O_NOFOLLOW, err);
    CLEANUP(buf_clear) Buf piece = BUF_INIT;
    Search search = {.feed = feed, .wanted = MAX(served_line, (uint64_t)1)};
    CLEANUP(block_csv_free) CsvReader *reader = NULL;
    size_t len = 1;

    if (fd < 0)
        return false;
    reader = block_csv_new(&feed->block->manifest.dialect, feed->path, search_record, &search);
    search.reader = reader;
    while (!search.found && len > 0) {
        char *to = buf_reserve(&piece, READ_SIZE);

        if (!file_read(fd, to, READ_SIZE, feed->path, &len, err))
            return false;
        if (!block_csv_feed(reader, (Text){to, len}, err) && err->kind != ERR_STOPPED)
            return false;
    }
    if (!search.found)
        return error_set(
            err, ERR_DATA, "%s: it has no served line %" PRIu64, feed->path, served_line);
    *ret_row_id = search.row_id;
    *ret_seqno = search.seqno;
    *ret_file_line = search.file_line;
    return true;
}
