#include "feed.h"

#include <stdlib.h>

#define PART  7
#define CHUNK ((size_t)64 * 1024)

struct LoadFeed {
    Text head;
    Text piece;
    uint64_t count;
    Text tail;
    size_t part; /* pieces of the head are this long */
    char *owned;

    size_t head_at;
    uint64_t at;
    bool tail_served;
    uint64_t served;
    uint64_t fail_after;
    uint64_t call_after;
    void (*function)(void *);
    void *context;
};

static LoadFeed *
feed_new(void)
{
    LoadFeed *feed = calloc(1, sizeof(*feed));

    if (feed == NULL)
        abort();
    feed->fail_after = UINT64_MAX;
    feed->call_after = UINT64_MAX;
    return feed;
}

LoadFeed *
feed_of(const char *text)
{
    LoadFeed *feed = feed_new();

    feed->head = text_of(text);
    feed->part = PART;
    return feed;
}

LoadFeed *
feed_repeat(const char *piece, uint64_t count)
{
    LoadFeed *feed = feed_new();

    feed->piece = text_of(piece);
    feed->count = count;
    return feed;
}

LoadFeed *
feed_large(const char *head, size_t megabytes, const char *tail)
{
    LoadFeed *feed = feed_new();

    feed->owned = malloc(CHUNK);
    if (feed->owned == NULL)
        abort();
    memset(feed->owned, 'x', CHUNK);
    feed->head = text_of(head);
    feed->part = SIZE_MAX;
    feed->piece = (Text){feed->owned, CHUNK};
    feed->count = (uint64_t)megabytes * 1024 * 1024 / CHUNK;
    feed->tail = text_of(tail);
    return feed;
}

void
feed_fail_after(LoadFeed *feed, uint64_t count)
{
    feed->fail_after = count;
}

void
feed_call_after(LoadFeed *feed, uint64_t count, void (*function)(void *), void *context)
{
    feed->call_after = count;
    feed->function = function;
    feed->context = context;
}

uint64_t
feed_served(const LoadFeed *feed)
{
    return feed->served;
}

void
load_feed_close(LoadFeed *feed)
{
    if (feed == NULL)
        return;
    free(feed->owned);
    free(feed);
}

bool
load_feed_read(LoadFeed *feed, Text *ret_piece, Error *err)
{
    if (feed->served == feed->fail_after)
        return error_set(err, ERR_DATA, "the file's checksum differs from the manifest");
    if (feed->served == feed->call_after)
        feed->function(feed->context);
    feed->served++;
    if (feed->head_at < feed->head.len) {
        size_t len = MIN(feed->part, feed->head.len - feed->head_at);

        *ret_piece = (Text){feed->head.data + feed->head_at, len};
        feed->head_at += len;
    } else if (feed->at < feed->count) {
        *ret_piece = feed->piece;
        feed->at++;
    } else if (!feed->tail_served && feed->tail.len > 0) {
        *ret_piece = feed->tail;
        feed->tail_served = true;
    } else {
        *ret_piece = TEXT("");
    }
    return true;
}

bool
load_feed_rewind(LoadFeed *feed, Error *err)
{
    (void)err;
    feed->head_at = 0;
    feed->at = 0;
    feed->tail_served = false;
    feed->served = 0;
    return true;
}

/* Nobody may fall back on the library's module: then every name would be there twice. */
LoadFeed *
load_feed_open(const Block *block, size_t file_index, bool skip_superseded, Error *err)
{
    (void)block;
    (void)file_index;
    (void)skip_superseded;
    (void)error_set(err, ERR_INTERNAL, "this feed has no file");
    return NULL;
}

bool
load_feed_is_finished(const LoadFeed *feed)
{
    return feed->head_at == feed->head.len && feed->at == feed->count;
}

uint64_t
load_feed_rows(const LoadFeed *feed)
{
    (void)feed;
    return 0;
}

const BlockFile *
load_feed_file(const LoadFeed *feed)
{
    (void)feed;
    return NULL;
}

const CsvDialect *
load_feed_dialect(const LoadFeed *feed)
{
    (void)feed;
    return NULL;
}

const char *
load_feed_path(const LoadFeed *feed)
{
    (void)feed;
    return "/nowhere/public.orders.csv";
}

bool
load_feed_locate(LoadFeed *feed, uint64_t served_line, uint64_t *ret_row_id, uint64_t *ret_seqno,
    uint64_t *ret_file_line, Error *err)
{
    (void)feed;
    (void)served_line;
    (void)ret_row_id;
    (void)ret_seqno;
    (void)ret_file_line;
    return error_set(err, ERR_INTERNAL, "this feed has no file");
}
