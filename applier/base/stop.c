#include "base/stop.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

static atomic_int current;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int event_fd = -1;

static void
event_open(void)
{
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int
stop_fd(void)
{
    (void)pthread_once(&once, event_open);
    return event_fd;
}

void
stop_request(StopLevel level)
{
    int before = atomic_load(&current);
    uint64_t one = 1;

    while (before < (int)level && !atomic_compare_exchange_weak(&current, &before, (int)level))
        ;
    (void)!write(stop_fd(), &one, sizeof(one));
}

StopLevel
stop_level(void)
{
    return (StopLevel)atomic_load(&current);
}

void
stop_reset(void)
{
    uint64_t count;

    atomic_store(&current, STOP_NONE);
    (void)!read(stop_fd(), &count, sizeof(count));
}

bool
stop_wait(StopLevel level, int64_t wait_ms)
{
    int64_t end = clock_monotonic_ms() + wait_ms;

    while (stop_level() < level) {
        int64_t left = end - clock_monotonic_ms();
        struct pollfd watched = {
            .fd = stop_level() == STOP_NONE ? stop_fd() : -1, .events = POLLIN};

        if (left <= 0)
            return false;
        /* once the first request is in, the descriptor stays readable: look every 50 ms */
        (void)poll(&watched, 1, (int)(watched.fd < 0 && left > 50 ? 50 : left));
    }
    return true;
}
