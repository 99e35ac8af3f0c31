#include "service/service.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "service/pidfile.h"

typedef struct Service {
    const char *path;
    const ConfigSchema *schema;
    const ServiceOptions *options;
    Config *config;   /* in use */
    Config *reloaded; /* to go on with, or NULL */
    int signal_fd;
    unsigned stops; /* stop signals so far */
} Service;

static int
signals_block(Error *err)
{
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        (void)error_set_errno(err, ERR_INTERNAL, "signalfd");
    return fd;
}

static void
use_log_level(const Service *service)
{
    int given = service->options->log_level;

    log_set_service(service->config->service);
    log_set_level((LogLevel)(given >= 0 ? given : service->config->log.level));
}

/* What makes it this service: with another name it would begin anew, into tables that are filled.
 */
static bool
check_same_service(const Config *old, const Config *new, Error *err)
{
    const char *const names[] = {
        "service", "block.directory", "source.type", "target.type", "pidfile"};
    const char *const before[] = {
        old->service, old->block.directory, old->source_type, old->target_type, old->pidfile};
    const char *const after[] = {
        new->service, new->block.directory, new->source_type, new->target_type, new->pidfile};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *was = before[i] == NULL ? "none" : before[i];
        const char *is = after[i] == NULL ? "none" : after[i];

        if (strcmp(was, is) != 0)
            return error_set(err, ERR_CONFIG,
                "%s: %s instead of %s takes effect only when the service is started again",
                names[i], is, was);
    }
    return true;
}

/* The last question, since its answer is in use at once. */
static bool
reopen_log(const Service *service, const Config *config, Error *err)
{
    if (service->options->is_daemon && config->log.file == NULL)
        return error_set(err, ERR_CONFIG, "log.file: is missing, and a daemon has no other log");
    return log_set_file(config->log.file, err);
}

/* SIGHUP */
static void
on_reload(Service *service)
{
    Error err;
    Config *config = config_load(service->path, service->schema, &err);
    CLEANUP(context_close) Context *context = config == NULL ? NULL : context_open(config, &err);

    /* a merge script with a mistake is no better than an option with one */
    if (context == NULL || !check_same_service(service->config, config, &err) ||
        !reopen_log(service, config, &err)) {
        Error log_error;

        config_free(config);
        if (!log_set_file(service->config->log.file, &log_error))
            log_line(LOG_ERROR, "main", "%s", log_error.text);
        log_line(LOG_ERROR, "main", "configuration not taken over: %s", err.text);
        return;
    }
    config_free(service->reloaded);
    service->reloaded = config;
    log_line(LOG_INFO, "main", "configuration read again: it is used after the open block");
    stop_request(STOP_AFTER_BLOCK);
}

static void
on_signal(Service *service)
{
    struct signalfd_siginfo info;

    if (read(service->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP) {
        on_reload(service);
        return;
    }
    service->stops++;
    log_line(LOG_INFO, "main", "%s: %s", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT",
        service->stops == 1 ? "ends after the open block" : "rolls back and ends");
    stop_request(service->stops == 1 ? STOP_AFTER_BLOCK : STOP_NOW);
}

static void
add_totals(PipelineTotals *sum, const PipelineTotals *one)
{
    sum->blocks += one->blocks;
    sum->transactions += one->transactions;
    sum->rows += one->rows;
    sum->seqno = one->seqno;
    sum->read_us += one->read_us;
    sum->write_us += one->write_us;
    sum->load_us += one->load_us;
    sum->merge_us += one->merge_us;
    sum->commit_us += one->commit_us;
    sum->elapsed_us += one->elapsed_us;
    sum->complete = one->complete;
}

/* The pipeline on a thread of its own, so that main is free for signals even while the target
 * cannot be reached. */
typedef struct Run {
    const Config *config;
    const RunOptions *options;
    int done_fd;
    PipelineTotals totals;
    bool ok;
    Error error;
} Run;

static void *
run_main(void *argument)
{
    Run *run = argument;
    CLEANUP(context_close) Context *context = context_open(run->config, &run->error);
    uint64_t one = 1;

    run->ok = context != NULL && pipeline_run(context, run->options, &run->totals, &run->error);
    (void)!write(run->done_fd, &one, sizeof(one));
    return NULL;
}

static void
wait_for_end(Service *service, const Run *run)
{
    struct pollfd watched[2] = {
        {.fd = run->done_fd, .events = POLLIN}, {.fd = service->signal_fd, .events = POLLIN}};

    for (;;) {
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            return;
        if (watched[0].revents != 0)
            return;
        if (watched[1].revents != 0)
            on_signal(service);
    }
}

static bool
run_once(Service *service, PipelineTotals *totals, Error *err)
{
    Run run = {.config = service->config, .options = &service->options->run};
    CLEANUP(file_close) int done_fd = eventfd(0, EFD_CLOEXEC);
    pthread_t thread;

    run.done_fd = done_fd;
    if (done_fd < 0)
        return error_set_errno(err, ERR_INTERNAL, "eventfd");
    if (pthread_create(&thread, NULL, run_main, &run) != 0)
        return error_set(err, ERR_INTERNAL, "no thread could be started");
    wait_for_end(service, &run);
    (void)pthread_join(thread, NULL);
    add_totals(totals, &run.totals);
    if (!run.ok)
        *err = run.error;
    return run.ok || run.error.kind == ERR_STOPPED;
}

static bool
run_until_stopped(Service *service, PipelineTotals *totals, Error *err)
{
    for (;;) {
        use_log_level(service);
        if (!run_once(service, totals, err))
            return false;
        if (service->reloaded == NULL || service->stops > 0)
            return true;
        config_free(service->config);
        service->config = STEAL(service->reloaded);
        stop_reset();
    }
}

static void
log_end(const PipelineTotals *totals)
{
    log_line(LOG_INFO, "main",
        "service ends seqno=%" PRIu64 " blocks=%" PRIu64 " transactions=%" PRIu64 " rows=%" PRIu64
        " read_ms=%" PRId64 " write_ms=%" PRId64 " load_ms=%" PRId64 " merge_ms=%" PRId64
        " commit_ms=%" PRId64 " elapsed_ms=%" PRId64,
        totals->seqno, totals->blocks, totals->transactions, totals->rows, totals->read_us / 1000,
        totals->write_us / 1000, totals->load_us / 1000, totals->merge_us / 1000,
        totals->commit_us / 1000, totals->elapsed_us / 1000);
}

static bool
run_with_log(Service *service, const Buf *stale, Error *err)
{
    PipelineTotals totals = {0};
    bool ok = log_set_file(service->config->log.file, err);

    if (ok && stale->len > 0)
        log_line(LOG_WARN, "main", "%s: taken over", stale->data);
    if (ok && run_until_stopped(service, &totals, err)) {
        log_end(&totals);
        return true;
    }
    log_line(
        LOG_ERROR, "main", "service stops, %s error: %s", error_kind_name(err->kind), err->text);
    return false;
}

static bool
run_with_signals(Service *service, Error *err)
{
    CLEANUP(buf_clear) Buf stale = BUF_INIT;
    CLEANUP(pidfile_release) Pidfile *pidfile = NULL;

    use_log_level(service);
    if (service->config->pidfile != NULL) {
        pidfile = pidfile_take(service->config->pidfile, &stale, err);
        if (pidfile == NULL) {
            if (service->config->log.file == NULL)
                log_line(LOG_ERROR, "main", "service does not start, %s error: %s",
                    error_kind_name(err->kind), err->text);
            return false;
        }
    }
    return run_with_log(service, &stale, err);
}

bool
service_run(const char *path, const ConfigSchema *schema, Config *config,
    const ServiceOptions *options, Error *err)
{
    Service service = {.path = path, .schema = schema, .options = options, .config = config};
    bool ok;

    service.signal_fd = signals_block(err);
    ok = service.signal_fd >= 0 && run_with_signals(&service, err);
    config_free(service.config);
    config_free(service.reloaded);
    file_close(service.signal_fd);
    return ok;
}
