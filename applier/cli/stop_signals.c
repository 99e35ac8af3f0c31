#include "cli/stop_signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/stop.h"

struct StopSignals {
    pthread_t thread;
    sigset_t set;
    atomic_bool ends;
};

static void *
signals_main(void *argument)
{
    static const struct timespec wait = {0, 200L * 1000 * 1000};
    StopSignals *signals = argument;
    unsigned count = 0;

    while (!atomic_load(&signals->ends))
        if (sigtimedwait(&signals->set, NULL, &wait) > 0)
            stop_request(count++ == 0 ? STOP_AFTER_BLOCK : STOP_NOW);
    return NULL;
}

StopSignals *
stop_signals_start(Error *err)
{
    StopSignals *signals = calloc(1, sizeof(*signals));

    if (signals == NULL)
        abort();
    (void)sigemptyset(&signals->set);
    (void)sigaddset(&signals->set, SIGINT);
    (void)sigaddset(&signals->set, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals->set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    if (pthread_create(&signals->thread, NULL, signals_main, signals) != 0) {
        free(signals);
        (void)error_set(err, ERR_INTERNAL, "no thread could be started");
        return NULL;
    }
    return signals;
}

void
stop_signals_end(StopSignals *signals)
{
    if (signals == NULL)
        return;
    atomic_store(&signals->ends, true);
    (void)pthread_join(signals->thread, NULL);
    free(signals);
}
