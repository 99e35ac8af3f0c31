#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static struct {
    pthread_mutex_t mutex;
    atomic_int level;
    char service[128];
    int fd;
} logger = {.mutex = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO, .fd = STDERR_FILENO};

static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG"};
static const char *const journal_levels[] = {"<3>", "<4>", "<6>", "<7>"};

void
log_set_level(LogLevel level)
{
    atomic_store(&logger.level, (int)level);
}

bool
log_enabled(LogLevel level)
{
    return (int)level <= atomic_load(&logger.level);
}

void
log_set_service(const char *service)
{
    (void)pthread_mutex_lock(&logger.mutex);
    (void)snprintf(logger.service, sizeof(logger.service), "%s", service);
    (void)pthread_mutex_unlock(&logger.mutex);
}

bool
log_set_file(const char *path, Error *err)
{
    int fd = STDERR_FILENO;

    if (path != NULL)
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        return error_set_errno(err, ERR_IO, "open log file %s", path);
    (void)pthread_mutex_lock(&logger.mutex);
    if (logger.fd != STDERR_FILENO)
        (void)close(logger.fd);
    logger.fd = fd;
    (void)pthread_mutex_unlock(&logger.mutex);
    return true;
}

static void
add_one_line(Buf *buf, Text message)
{
    for (size_t i = 0; i < message.len; i++) {
        unsigned char c = (unsigned char)message.data[i];

        if (c < 0x20 || c == 0x7f)
            buf_addf(buf, "\\x%02x", c);
        else
            buf_add_char(buf, (char)c);
    }
}

void
log_line(LogLevel level, const char *stage, const char *fmt, ...)
{
    CLEANUP(buf_clear) Buf message = BUF_INIT;
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    char time[TIME_TEXT_SIZE];
    va_list args;
    bool journal = getenv("JOURNAL_STREAM") != NULL;

    if (!log_enabled(level))
        return;
    va_start(args, fmt);
    buf_addv(&message, fmt, args);
    va_end(args);
    (void)pthread_mutex_lock(&logger.mutex);
    if (journal && logger.fd == STDERR_FILENO)
        buf_add_string(&line, journal_levels[level]);
    else
        buf_addf(&line, "%s ", clock_format(clock_now_us() / 1000 * 1000, time).data);
    buf_addf(&line, "%s %s%s%s: ", level_names[level], logger.service,
        logger.service[0] == '\0' ? "" : " ", stage);
    add_one_line(&line, buf_text(&message));
    buf_add_char(&line, '\n');
    for (size_t at = 0; at < line.len;) {
        ssize_t n = write(logger.fd, line.data + at, line.len - at);

        if (n < 0 && errno != EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    (void)pthread_mutex_unlock(&logger.mutex);
}
