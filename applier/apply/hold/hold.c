#include "apply/hold/hold.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "apply/hold/socket.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/stop.h"

#define CONNECT_MS   10000 /* a service that has just begun opens its socket behind its lock */
#define RELEASE_MS   10000
#define ANSWER_LIMIT ((size_t)65536)

struct HoldClient {
    char *path; /* for errors */
    int fd;
    Buf input;
};

static bool
try_connect(HoldClient *client, const char *directory, Error *err)
{
    CLEANUP(file_close) int directory_fd = -1;
    HoldAddress address;

    if (!hold_address(directory, &directory_fd, &address, err))
        return false;
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return error_set_errno(err, ERR_IO, "socket");
    if (!FAULT("hold.connect") &&
        connect(client->fd, (const struct sockaddr *)&address.name, address.len) == 0)
        return true;
    (void)error_set_errno(err, ERR_SOURCE, "connect to %s", client->path);
    file_close(client->fd);
    client->fd = -1;
    return false;
}

HoldClient *
hold_connect(const char *block_directory, bool *ret_running, Error *err)
{
    CLEANUP(hold_disconnect) HoldClient *client = calloc(1, sizeof(*client));
    char *lock = file_join(block_directory, "lock");
    int64_t end_ms = clock_monotonic_ms() + CONNECT_MS;

    if (client == NULL)
        abort();
    client->fd = -1;
    client->path = file_join(block_directory, HOLD_SOCKET);
    for (;;) {
        *ret_running = file_is_locked(lock);
        if (!*ret_running || try_connect(client, block_directory, err))
            break;
        if (clock_monotonic_ms() >= end_ms || stop_wait(STOP_AFTER_BLOCK, 50)) {
            (void)error_wrap(err,
                "a process of this service runs and cannot be asked to hold (is it dray replay, or "
                "another version?)");
            break;
        }
    }
    free(lock);
    if (client->fd < 0)
        hold_disconnect(STEAL(client));
    return STEAL(client);
}

void
hold_disconnect(HoldClient *client)
{
    if (client == NULL)
        return;
    file_close(client->fd);
    free(client->path);
    buf_clear(&client->input);
    free(client);
}

static bool
send_line(HoldClient *client, Text line, Error *err)
{
    if (FAULT("hold.send") ||
        send(client->fd, line.data, line.len, MSG_NOSIGNAL) != (ssize_t)line.len)
        return error_set_errno(err, ERR_SOURCE, "%s: the service cannot be asked", client->path);
    return true;
}

/* until_stop: a stop request ends it. */
static bool
wait_input(HoldClient *client, bool until_stop, int64_t end_ms, Error *err)
{
    for (;;) {
        bool asked = until_stop && stop_level() != STOP_NONE;
        int64_t left = end_ms - clock_monotonic_ms();
        struct pollfd watched[2] = {{.fd = client->fd, .events = POLLIN},
            {.fd = until_stop ? stop_fd() : -1, .events = POLLIN}};

        if (asked)
            return error_set(err, ERR_STOPPED, "stopped while the service was to hold");
        if (left <= 0)
            return error_set(err, ERR_SOURCE, "%s: the service does not answer", client->path);
        (void)poll(watched, 2, (int)MIN(left, 60000));
        if (watched[0].revents != 0)
            return true;
    }
}

/* The next line, without its end, appended to *line. */
static bool
read_line(HoldClient *client, bool until_stop, int64_t wait_ms, Buf *line, Error *err)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;

    for (;;) {
        size_t end = text_find(buf_text(&client->input), '\n');
        ssize_t len;

        if (end < client->input.len) {
            buf_add(line, client->input.data, end);
            client->input.len -= end + 1;
            memmove(client->input.data, client->input.data + end + 1, client->input.len + 1);
            return true;
        }
        if (end > ANSWER_LIMIT)
            return error_set(err, ERR_SOURCE, "%s: the answer is no line", client->path);
        if (!wait_input(client, until_stop, end_ms, err))
            return false;
        len = recv(client->fd, buf_reserve(&client->input, 1024), 1024, 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return error_set(err, ERR_SOURCE, "%s: the service has ended", client->path);
        buf_grown(&client->input, (size_t)len);
    }
}

/* "held POSITION SEQNO"; the position may be empty. */
static bool
parse_held(const HoldClient *client, Text line, Buf *ret_position, uint64_t *ret_seqno, Error *err)
{
    Text rest = {line.data + 5, line.len - 5};
    size_t space = text_find(rest, ' ');

    if (space == rest.len ||
        !text_to_u64((Text){rest.data + space + 1, rest.len - space - 1}, ret_seqno))
        return error_set(
            err, ERR_SOURCE, "%s: \"" TEXT_FMT "\" is no answer", client->path, TEXT_ARG(line));
    buf_reset(ret_position, SIZE_MAX);
    buf_add_text(ret_position, (Text){rest.data, space});
    return true;
}

bool
hold_at(HoldClient *client, Text position, Buf *ret_position, uint64_t *ret_seqno, Error *err)
{
    CLEANUP(buf_clear) Buf request = BUF_INIT;
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    Text answer;

    buf_addf(&request, "hold%s" TEXT_FMT "\n", position.len > 0 ? " " : "", TEXT_ARG(position));
    if (!send_line(client, buf_text(&request), err) ||
        !read_line(client, true, (int64_t)1 << 60, &line, err))
        return false;
    answer = buf_text(&line);
    if (text_starts_with(answer, "held "))
        return parse_held(client, answer, ret_position, ret_seqno, err);
    if (text_starts_with(answer, "past "))
        return error_set(err, ERR_SOURCE, "past: the service is at %s already, behind " TEXT_FMT,
            answer.data + 5, TEXT_ARG(position));
    if (text_starts_with(answer, "error "))
        return error_set(err, ERR_SOURCE, "the service cannot hold: %s", answer.data + 6);
    return error_set(err, ERR_SOURCE, "%s: \"%s\" is no answer", client->path, answer.data);
}

bool
hold_release(HoldClient *client, Error *err)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;

    if (!send_line(client, TEXT("release\n"), err))
        return false;
    /* an answer to a hold that was given up may stand before it */
    do {
        buf_reset(&line, SIZE_MAX);
        if (!read_line(client, false, RELEASE_MS, &line, err))
            return false;
    } while (!text_is(buf_text(&line), "released"));
    return true;
}
