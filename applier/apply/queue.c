#include "apply/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/stop.h"

struct Queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    Block *waiting;
    bool loading;      /* the loader works on a popped block */
    bool closed;       /* no more blocks will come */
    atomic_bool ended; /* the loader takes no more */
    Buf committed;
    atomic_bool committed_new;
};

Queue *
queue_new(void)
{
    Queue *queue = calloc(1, sizeof(*queue));

    if (queue == NULL)
        abort();
    (void)pthread_mutex_init(&queue->mutex, NULL);
    (void)pthread_cond_init(&queue->changed, NULL);
    return queue;
}

void
queue_free(Queue *queue)
{
    if (queue == NULL)
        return;
    block_free(queue->waiting);
    buf_clear(&queue->committed);
    (void)pthread_cond_destroy(&queue->changed);
    (void)pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

/* A stop request signals no condition: look again at least five times a second. */
static void
queue_wait(Queue *queue)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&queue->changed, &queue->mutex, &until);
}

bool
queue_push(Queue *queue, Block *block)
{
    bool taken;

    (void)pthread_mutex_lock(&queue->mutex);
    while (queue->waiting != NULL && !queue->ended && stop_level() < STOP_NOW)
        queue_wait(queue);
    taken = !queue->ended && stop_level() < STOP_NOW;
    if (taken)
        queue->waiting = STEAL(block);
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->mutex);
    block_free(block);
    return taken;
}

/* With the mutex held. */
static bool
has_room(const Queue *queue)
{
    return queue->waiting == NULL || queue->ended || stop_level() >= STOP_NOW;
}

static bool
has_nothing(const Queue *queue)
{
    return (queue->waiting == NULL && !queue->loading) || queue->ended;
}

static bool
wait_until(Queue *queue, bool (*is_so)(const Queue *queue), int64_t wait_ms)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;
    bool so;

    (void)pthread_mutex_lock(&queue->mutex);
    while (!(so = is_so(queue)) && clock_monotonic_ms() < end_ms)
        queue_wait(queue);
    (void)pthread_mutex_unlock(&queue->mutex);
    return so;
}

bool
queue_wait_room(Queue *queue, int64_t wait_ms)
{
    return wait_until(queue, has_room, wait_ms);
}

bool
queue_wait_idle(Queue *queue, int64_t wait_ms)
{
    return wait_until(queue, has_nothing, wait_ms);
}

bool
queue_has_news(const Queue *queue)
{
    return atomic_load_explicit(&queue->committed_new, memory_order_relaxed);
}

bool
queue_has_ended(const Queue *queue)
{
    return atomic_load_explicit(&queue->ended, memory_order_relaxed);
}

bool
queue_is_idle(Queue *queue)
{
    bool idle;

    (void)pthread_mutex_lock(&queue->mutex);
    idle = queue->waiting == NULL && !queue->loading;
    (void)pthread_mutex_unlock(&queue->mutex);
    return idle;
}

bool
queue_acknowledged(Queue *queue, Buf *position)
{
    bool moved;

    (void)pthread_mutex_lock(&queue->mutex);
    moved = atomic_exchange(&queue->committed_new, false);
    if (moved) {
        buf_reset(position, SIZE_MAX);
        buf_add_text(position, buf_text(&queue->committed));
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    return moved;
}

void
queue_close(Queue *queue)
{
    (void)pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->mutex);
}

void
queue_end(Queue *queue)
{
    (void)pthread_mutex_lock(&queue->mutex);
    atomic_store(&queue->ended, true);
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->mutex);
}

Block *
queue_pop(Queue *queue, int64_t wait_ms, bool *ret_ended)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;
    Block *block = NULL;

    (void)pthread_mutex_lock(&queue->mutex);
    while (queue->waiting == NULL && !queue->closed && stop_level() < STOP_NOW &&
           clock_monotonic_ms() < end_ms)
        queue_wait(queue);
    if (stop_level() < STOP_NOW)
        block = STEAL(queue->waiting);
    *ret_ended = block == NULL && (queue->closed || stop_level() >= STOP_NOW);
    queue->loading = block != NULL;
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->mutex);
    return block;
}

void
queue_done(Queue *queue, const Text *position)
{
    (void)pthread_mutex_lock(&queue->mutex);
    queue->loading = false;
    if (position != NULL) {
        buf_reset(&queue->committed, SIZE_MAX);
        buf_add_text(&queue->committed, *position);
        atomic_store(&queue->committed_new, true);
    }
    (void)pthread_cond_broadcast(&queue->changed);
    (void)pthread_mutex_unlock(&queue->mutex);
}
