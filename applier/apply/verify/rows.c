#include "apply/verify/rows.h"

#include <pthread.h>
#include <stdlib.h>

#define BATCH_ROWS  200
#define BATCH_BYTES ((size_t)1 << 20)

/* Rows that go over at once: their values, copied. */
typedef struct Batch {
    Arena *arena;
    Value *values[BATCH_ROWS];
    size_t count;
    size_t bytes;
} Batch;

struct VerifyRows {
    Target *target;
    char *sql;
    pthread_t thread;
    Batch batches[2]; /* one is filled while the other one is read */
    size_t filling;
    size_t read_at;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_full; /* the batch that is not filled can be read */
    bool ended;   /* nothing more comes */
    bool stop;    /* the reader goes away */
    bool failed;
    Error error;
};

/* Hand the filled batch over as soon as the reader is done with the other one. */
static bool
hand_over(VerifyRows *rows)
{
    Batch *next;
    bool stop;

    (void)pthread_mutex_lock(&rows->mutex);
    while (rows->is_full && !rows->stop)
        (void)pthread_cond_wait(&rows->changed, &rows->mutex);
    stop = rows->stop;
    if (!stop) {
        rows->filling = 1 - rows->filling;
        rows->is_full = true;
        (void)pthread_cond_broadcast(&rows->changed);
    }
    (void)pthread_mutex_unlock(&rows->mutex);
    if (stop)
        return false;
    next = &rows->batches[rows->filling];
    arena_free(next->arena);
    next->arena = arena_new();
    next->count = next->bytes = 0;
    return true;
}

static bool
take_row(void *context, const Value *values, size_t count, Error *err)
{
    VerifyRows *rows = context;
    Batch *batch = &rows->batches[rows->filling];
    Value *copy = ARENA_ARRAY(batch->arena, Value, count + 1);

    for (size_t i = 0; i < count; i++) {
        copy[i] = (Value){values[i].kind, arena_text(batch->arena, values[i].text)};
        batch->bytes += values[i].text.len;
    }
    batch->values[batch->count++] = copy;
    if (batch->count < BATCH_ROWS && batch->bytes < BATCH_BYTES)
        return true;
    return hand_over(rows) || error_set(err, ERR_STOPPED, "not needed any more");
}

static void *
run(void *context)
{
    VerifyRows *rows = context;
    Error err;
    bool ok = rows->target->driver->query(rows->target, text_of(rows->sql), take_row, rows, &err);

    if (ok && rows->batches[rows->filling].count > 0)
        (void)hand_over(rows);
    (void)pthread_mutex_lock(&rows->mutex);
    rows->ended = true;
    rows->failed = !ok;
    if (!ok)
        rows->error = err;
    (void)pthread_cond_broadcast(&rows->changed);
    (void)pthread_mutex_unlock(&rows->mutex);
    return NULL;
}

VerifyRows *
verify_rows_open(Target *target, Text sql, Error *err)
{
    VerifyRows *rows = calloc(1, sizeof(*rows));

    if (rows == NULL)
        abort();
    rows->target = target;
    rows->sql = text_dup(sql);
    rows->batches[0].arena = arena_new();
    rows->batches[1].arena = arena_new();
    (void)pthread_mutex_init(&rows->mutex, NULL);
    (void)pthread_cond_init(&rows->changed, NULL);
    if (pthread_create(&rows->thread, NULL, run, rows) == 0)
        return rows;
    (void)error_set_errno(err, ERR_INTERNAL, "start a thread");
    rows->target = NULL;
    verify_rows_close(rows);
    return NULL;
}

Next
verify_rows_next(VerifyRows *rows, const Value **ret_values, Error *err)
{
    Next next = NEXT_ITEM;

    (void)pthread_mutex_lock(&rows->mutex);
    for (;;) {
        const Batch *batch = &rows->batches[1 - rows->filling];

        if (rows->is_full && rows->read_at < batch->count) {
            *ret_values = batch->values[rows->read_at++];
            break;
        }
        if (rows->is_full) {
            rows->is_full = false;
            rows->read_at = 0;
            (void)pthread_cond_broadcast(&rows->changed);
        }
        if (rows->ended) {
            next = rows->failed ? NEXT_FAILED : NEXT_END;
            if (rows->failed)
                *err = rows->error;
            break;
        }
        (void)pthread_cond_wait(&rows->changed, &rows->mutex);
    }
    (void)pthread_mutex_unlock(&rows->mutex);
    return next;
}

void
verify_rows_close(VerifyRows *rows)
{
    bool ended;

    if (rows == NULL)
        return;
    (void)pthread_mutex_lock(&rows->mutex);
    ended = rows->ended;
    rows->stop = true;
    (void)pthread_cond_broadcast(&rows->changed);
    (void)pthread_mutex_unlock(&rows->mutex);
    if (rows->target != NULL) {
        if (!ended && rows->target->driver->cancel != NULL)
            rows->target->driver->cancel(rows->target);
        (void)pthread_join(rows->thread, NULL);
    }
    (void)pthread_cond_destroy(&rows->changed);
    (void)pthread_mutex_destroy(&rows->mutex);
    arena_free(rows->batches[0].arena);
    arena_free(rows->batches[1].arena);
    free(rows->sql);
    free(rows);
}
