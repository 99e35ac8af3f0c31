#include "source/mysql/stream.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"
#include "source/mysql/dump.h"

#define PIECE_BYTES ((size_t)1 << 20)
/* How long a wait is blind to the stop request where no descriptor tells of it. */
#define POLL_MS 200
/*
 * A consumer that is faster than the server would be woken for each event by itself. After a burst
 * of at least so many events it looks away for a moment and takes what came meanwhile in one go.
 */
#define BURST_EVENTS 32
#define NAP_NS       100000L

/*
 * Two pieces change hands: the reader fills one while the consumer empties the other; the consumer
 * swaps them when his is empty. A piece holds events, each behind its size_t length.
 */
struct MysqlStream {
    MysqlDump *dump; /* the reader's, but for source_mysql_dump_cut() */
    pthread_t reader;
    int ready_fd; /* an event counter: there is something for a consumer that waits */

    pthread_mutex_t mutex;
    pthread_cond_t emptied;
    Buf filling;   /* under the mutex, all of these: */
    bool waiting;  /* the consumer wants to be told by ready_fd */
    bool closing;  /* the reader shall end */
    Next end;      /* NEXT_ITEM: the reader is at it; else how it ended */
    Error problem; /* of NEXT_FAILED */

    Buf giving; /* the consumer's, all of these: */
    size_t at;
    size_t burst; /* events since he waited last */
    bool napped;
};

/* ---- the reader ---- */

static void
wake_consumer(MysqlStream *stream)
{
    uint64_t one = 1;

    if (!stream->waiting)
        return;
    stream->waiting = false;
    (void)!write(stream->ready_fd, &one, sizeof(one));
}

/* False: the stream is closed. */
static bool
hand_over(MysqlStream *stream, Text event)
{
    bool go_on;

    (void)pthread_mutex_lock(&stream->mutex);
    while (!stream->closing && stream->filling.len > 0 &&
           stream->filling.len + event.len > PIECE_BYTES)
        (void)pthread_cond_wait(&stream->emptied, &stream->mutex);
    go_on = !stream->closing;
    if (go_on) {
        buf_add(&stream->filling, &event.len, sizeof(event.len));
        buf_add_text(&stream->filling, event);
        wake_consumer(stream);
    }
    (void)pthread_mutex_unlock(&stream->mutex);
    return go_on;
}

static void *
read_events(void *context)
{
    MysqlStream *stream = context;
    Error err = {0};
    Text event;
    Next next;

    do
        next = source_mysql_dump_read(stream->dump, &event, &err);
    while (next == NEXT_ITEM && hand_over(stream, event));
    (void)pthread_mutex_lock(&stream->mutex);
    stream->end = next;
    stream->problem = err;
    wake_consumer(stream);
    (void)pthread_mutex_unlock(&stream->mutex);
    mysql_thread_end();
    return NULL;
}

/* ---- open and close ---- */

static MysqlStream *
stream_new(MysqlDump *dump)
{
    MysqlStream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL || pthread_mutex_init(&stream->mutex, NULL) != 0 ||
        pthread_cond_init(&stream->emptied, NULL) != 0)
        abort();
    stream->dump = dump;
    stream->end = NEXT_ITEM;
    stream->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return stream;
}

static void
stream_free(MysqlStream *stream)
{
    source_mysql_dump_close(stream->dump);
    if (stream->ready_fd >= 0)
        (void)close(stream->ready_fd);
    (void)pthread_cond_destroy(&stream->emptied);
    (void)pthread_mutex_destroy(&stream->mutex);
    buf_clear(&stream->filling);
    buf_clear(&stream->giving);
    free(stream);
}

MysqlStream *
source_mysql_stream_open(const MysqlStreamStart *start, Error *err)
{
    MysqlDump *dump = source_mysql_dump_open(start, err);
    MysqlStream *stream;

    if (dump == NULL)
        return NULL;
    stream = stream_new(dump);
    if (stream->ready_fd < 0)
        (void)error_set_errno(err, ERR_SOURCE, "an event counter for the stream");
    else if ((errno = pthread_create(&stream->reader, NULL, read_events, stream)) != 0)
        (void)error_set_errno(err, ERR_SOURCE, "a thread for the stream");
    else
        return stream;
    stream_free(stream);
    return NULL;
}

void
source_mysql_stream_close(MysqlStream *stream)
{
    if (stream == NULL)
        return;
    (void)pthread_mutex_lock(&stream->mutex);
    stream->closing = true;
    (void)pthread_cond_signal(&stream->emptied);
    (void)pthread_mutex_unlock(&stream->mutex);
    source_mysql_dump_cut(stream->dump);
    (void)pthread_join(stream->reader, NULL);
    stream_free(stream);
}

/* ---- the consumer ---- */

/* An event of the piece that is being emptied. */
static Text
take_event(MysqlStream *stream)
{
    Text event;

    memcpy(&event.len, stream->giving.data + stream->at, sizeof(event.len));
    event.data = stream->giving.data + stream->at + sizeof(event.len);
    stream->at += sizeof(event.len) + event.len;
    stream->burst++;
    stream->napped = false;
    return event;
}

/* Swap the pieces. NEXT_ITEM: there are events now; NEXT_IDLE: none yet, and the reader will tell
 * by ready_fd; else how the stream ended. */
static Next
take_piece(MysqlStream *stream, Error *err)
{
    Next next = NEXT_ITEM;
    Buf empty = stream->giving;

    buf_reset(&empty, 2 * PIECE_BYTES);
    stream->giving = BUF_INIT;
    stream->at = 0;
    (void)pthread_mutex_lock(&stream->mutex);
    if (stream->filling.len > 0) {
        stream->giving = stream->filling;
        stream->filling = empty;
        (void)pthread_cond_signal(&stream->emptied);
    } else {
        stream->giving = empty;
        next = stream->end == NEXT_ITEM ? NEXT_IDLE : stream->end;
        stream->waiting = next == NEXT_IDLE;
        if (next == NEXT_FAILED)
            *err = stream->problem;
    }
    (void)pthread_mutex_unlock(&stream->mutex);
    return next;
}

/* Until the reader has something, a stop is requested, or end_ms. */
static void
wait_for_reader(MysqlStream *stream, int64_t end_ms)
{
    /* once a stop was requested its descriptor stays readable: watch the level in short waits */
    bool watch = stop_level() == STOP_NONE && stop_fd() >= 0;
    struct pollfd fds[2] = {{.fd = stream->ready_fd, .events = POLLIN},
        {.fd = watch ? stop_fd() : -1, .events = POLLIN}};
    int64_t left_ms = MAX(end_ms - clock_monotonic_ms(), (int64_t)0);
    uint64_t count;

    if (stream->burst >= BURST_EVENTS && !stream->napped && left_ms > 0) {
        struct timespec nap = {.tv_nsec = NAP_NS};

        (void)nanosleep(&nap, NULL);
        stream->napped = true;
        return;
    }
    stream->burst = 0;
    (void)poll(fds, 2, (int)MIN(left_ms, (int64_t)(watch ? INT32_MAX : POLL_MS)));
    (void)!read(stream->ready_fd, &count, sizeof(count));
}

Next
source_mysql_stream_next(MysqlStream *stream, int64_t wait_ms, Text *ret_event, Error *err)
{
    int64_t end_ms = -1;

    if (FAULT("source.mysql.stream")) {
        source_mysql_dump_cut(stream->dump);
        (void)error_set_retriable(err, ERR_SOURCE, "connection to the source lost: injected fault");
        return NEXT_FAILED;
    }
    for (;;) {
        Next next = NEXT_ITEM;

        if (stream->at == stream->giving.len)
            next = take_piece(stream, err);
        if (next == NEXT_ITEM)
            *ret_event = take_event(stream);
        if (next != NEXT_IDLE)
            return next;
        if (end_ms < 0)
            end_ms = clock_monotonic_ms() + wait_ms;
        else if (clock_monotonic_ms() >= end_ms)
            return NEXT_IDLE;
        if (stop_level() >= STOP_AFTER_BLOCK)
            return NEXT_IDLE;
        wait_for_reader(stream, end_ms);
    }
}
