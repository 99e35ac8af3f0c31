#include "apply/queue.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/stop.h"
#include "support/test.h"

static Block *
block_of(uint64_t seqno)
{
    Block *block = calloc(1, sizeof(*block));

    block->arena = arena_new();
    block->manifest.first_seqno = block->manifest.last_seqno = seqno;
    return block;
}

static void *
push_many(void *argument)
{
    Queue *queue = argument;
    intptr_t pushed = 0;

    for (uint64_t seqno = 1; seqno <= 2000; seqno++)
        pushed += queue_push(queue, block_of(seqno));
    queue_close(queue);
    return (void *)pushed;
}

static void
blocks_come_out_in_order_and_each_once(void **state)
{
    CLEANUP(queue_free) Queue *queue = queue_new();
    CLEANUP(buf_clear) Buf position = BUF_INIT;
    pthread_t thread;
    uint64_t expected = 1;
    bool ended = false;
    void *pushed;

    (void)state;
    stop_reset();
    assert_int_equal(pthread_create(&thread, NULL, push_many, queue), 0);
    while (!ended) {
        CLEANUP(block_free) Block *block = queue_pop(queue, 1000, &ended);
        Text done = TEXT("position");

        if (block == NULL)
            continue;
        assert_int_equal(block->manifest.first_seqno, expected++);
        assert_false(queue_is_idle(queue));
        queue_done(queue, &done);
    }
    assert_int_equal(pthread_join(thread, &pushed), 0);
    assert_int_equal((intptr_t)pushed, 2000);
    assert_int_equal(expected, 2001);
    assert_true(queue_acknowledged(queue, &position));
    assert_text(buf_text(&position), "position");
    assert_false(queue_acknowledged(queue, &position));
}

static void
pushing_ends_when_the_loader_has_ended(void **state)
{
    CLEANUP(queue_free) Queue *queue = queue_new();

    (void)state;
    stop_reset();
    queue_end(queue);
    assert_false(queue_push(queue, block_of(1)));
}

static void
an_immediate_stop_ends_both_sides(void **state)
{
    CLEANUP(queue_free) Queue *queue = queue_new();
    bool ended = false;

    (void)state;
    stop_reset();
    assert_true(queue_push(queue, block_of(1)));
    stop_request(STOP_NOW);
    assert_false(queue_push(queue, block_of(2)));
    assert_null(queue_pop(queue, 1000, &ended));
    assert_true(ended);
    stop_reset();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(blocks_come_out_in_order_and_each_once),
    cmocka_unit_test(pushing_ends_when_the_loader_has_ended),
    cmocka_unit_test(an_immediate_stop_ends_both_sides),
};

TEST_MAIN(tests)
