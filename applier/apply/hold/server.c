#include "apply/hold/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/hold/socket.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"

#define CLIENTS_MAX 16
/* Bytes of a request. A position may name every transaction that is open at the source. */
#define LINE_LIMIT 65536
#define READ_SIZE  4096

typedef struct Client {
    int fd; /* -1: free */
    Buf input;
    Buf position;   /* of the request that waits */
    bool waits;     /* its request is not the current one yet */
    uint64_t order; /* of its request among those that wait */
} Client;

struct HoldServer {
    char *path;
    int directory_fd;
    int listen_fd;
    int wake_fd; /* readable: there is an answer, or the end */
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    atomic_uint_fast64_t wanted; /* number of the current request, 0: none */

    /* with the mutex */
    uint64_t numbers; /* given so far */
    Buf position;     /* of the current request */
    Buf answer;       /* to the owner, not sent yet */
    bool closing;

    /* the thread's own */
    Client clients[CLIENTS_MAX];
    Client *owner; /* whose request is the current one, or is fulfilled; NULL: nobody's */
    uint64_t orders;
};

/* ---- the reader's side ---- */

uint64_t
hold_server_wanted(HoldServer *server, uint64_t known_number, Buf *position)
{
    uint64_t number = atomic_load(&server->wanted);

    if (number == known_number || number == 0)
        return number;
    (void)pthread_mutex_lock(&server->mutex);
    number = atomic_load(&server->wanted);
    buf_reset(position, SIZE_MAX);
    buf_add_text(position, buf_text(&server->position));
    (void)pthread_mutex_unlock(&server->mutex);
    return number;
}

bool
hold_server_wait(HoldServer *server, uint64_t number, int64_t wait_ms)
{
    struct timespec until;
    bool is_other;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&server->mutex);
    while (atomic_load(&server->wanted) == number)
        if (pthread_cond_timedwait(&server->changed, &server->mutex, &until) == ETIMEDOUT)
            break;
    is_other = atomic_load(&server->wanted) != number;
    (void)pthread_mutex_unlock(&server->mutex);
    return is_other;
}

static void
wake(HoldServer *server)
{
    uint64_t one = 1;

    (void)!write(server->wake_fd, &one, sizeof(one));
}

/* The answer, a line; is_over: there is no request any more. */
static void
answer(HoldServer *server, uint64_t number, bool is_over, const Buf *line)
{
    (void)pthread_mutex_lock(&server->mutex);
    if (atomic_load(&server->wanted) == number) {
        buf_add_text(&server->answer, buf_text(line));
        if (is_over)
            atomic_store(&server->wanted, 0);
        wake(server);
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

void
hold_server_held(HoldServer *server, uint64_t number, Text position, uint64_t seqno)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;

    buf_addf(&line, "held " TEXT_FMT " %" PRIu64 "\n", TEXT_ARG(position), seqno);
    answer(server, number, false, &line);
}

void
hold_server_past(HoldServer *server, uint64_t number, Text position)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;

    buf_addf(&line, "past " TEXT_FMT "\n", TEXT_ARG(position));
    answer(server, number, true, &line);
}

void
hold_server_refuse(HoldServer *server, uint64_t number, const char *reason)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;

    buf_addf(&line, "error %s\n", reason);
    answer(server, number, true, &line);
}

/* ---- the thread: clients ---- */

/* A new current request, or (position NULL) none. */
static void
set_wanted(HoldServer *server, const Buf *position)
{
    (void)pthread_mutex_lock(&server->mutex);
    buf_reset(&server->position, SIZE_MAX);
    /* an answer to the request before is nobody's */
    buf_reset(&server->answer, SIZE_MAX);
    if (position != NULL)
        buf_add_text(&server->position, buf_text(position));
    atomic_store(&server->wanted, position != NULL ? ++server->numbers : 0);
    (void)pthread_cond_broadcast(&server->changed);
    (void)pthread_mutex_unlock(&server->mutex);
}

/* A line to a client. One that does not read has a full buffer, and is lost with the client. */
static bool
tell(Client *client, Text line)
{
    return send(client->fd, line.data, line.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)line.len;
}

/* Nobody holds: the request that has waited longest is next. */
static void
next_owner(HoldServer *server)
{
    Client *next = NULL;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        Client *client = &server->clients[i];

        if (client->fd >= 0 && client->waits && (next == NULL || client->order < next->order))
            next = client;
    }
    server->owner = next;
    if (next != NULL)
        next->waits = false;
    set_wanted(server, next == NULL ? NULL : &next->position);
}

static void
hang_up(HoldServer *server, Client *client)
{
    if (client->fd < 0)
        return;
    file_close(client->fd);
    client->fd = -1;
    client->waits = false;
    buf_clear(&client->input);
    buf_clear(&client->position);
    if (server->owner == client)
        next_owner(server);
}

static void
on_hold(HoldServer *server, Client *client, Text position)
{
    buf_reset(&client->position, SIZE_MAX);
    buf_add_text(&client->position, position);
    if (server->owner == NULL || server->owner == client) {
        server->owner = client;
        client->waits = false;
        set_wanted(server, &client->position);
        return;
    }
    client->waits = true;
    client->order = ++server->orders;
}

/* False: hang up. */
static bool
on_line(HoldServer *server, Client *client, Text line)
{
    if (text_is(line, "release")) {
        client->waits = false;
        if (server->owner == client)
            next_owner(server);
        return tell(client, TEXT("released\n"));
    }
    if (text_is(line, "hold"))
        on_hold(server, client, TEXT(""));
    else if (text_starts_with(line, "hold ") &&
             text_find((Text){line.data + 5, line.len - 5}, ' ') == line.len - 5)
        on_hold(server, client, (Text){line.data + 5, line.len - 5});
    else
        return tell(client, TEXT("error the request is not understood\n"));
    return true;
}

static bool
on_input(HoldServer *server, Client *client)
{
    char *room = buf_reserve(&client->input, READ_SIZE);
    ssize_t len = recv(client->fd, room, READ_SIZE, MSG_DONTWAIT);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (len <= 0)
        return false;
    buf_grown(&client->input, (size_t)len);
    for (;;) {
        Text line = buf_text(&client->input);
        size_t end = text_find(line, '\n');

        if (end == line.len)
            return end <= LINE_LIMIT;
        line.len = end;
        if (!on_line(server, client, line))
            return false;
        client->input.len -= end + 1;
        memmove(client->input.data, client->input.data + end + 1, client->input.len + 1);
    }
}

static void
on_connection(HoldServer *server)
{
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < CLIENTS_MAX; i++)
        if (server->clients[i].fd < 0) {
            server->clients[i].fd = fd;
            return;
        }
    file_close(fd);
}

/* False: the end. */
static bool
on_wake(HoldServer *server)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    uint64_t count;
    bool is_over;
    bool closing;

    (void)!read(server->wake_fd, &count, sizeof(count));
    (void)pthread_mutex_lock(&server->mutex);
    buf_add_text(&line, buf_text(&server->answer));
    buf_reset(&server->answer, SIZE_MAX);
    is_over = atomic_load(&server->wanted) == 0;
    closing = server->closing;
    (void)pthread_mutex_unlock(&server->mutex);
    if (line.len > 0 && server->owner != NULL) {
        Client *owner = server->owner;

        if (!tell(owner, buf_text(&line)))
            hang_up(server, owner);
        else if (is_over)
            next_owner(server);
    }
    return !closing;
}

static void *
server_main(void *argument)
{
    HoldServer *server = argument;
    struct pollfd watched[CLIENTS_MAX + 2];

    for (;;) {
        watched[0] = (struct pollfd){.fd = server->wake_fd, .events = POLLIN};
        watched[1] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            watched[i + 2] = (struct pollfd){.fd = server->clients[i].fd, .events = POLLIN};
        if (poll(watched, CLIENTS_MAX + 2, -1) < 0)
            continue;
        if (watched[0].revents != 0 && !on_wake(server))
            return NULL;
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            if (server->clients[i].fd >= 0 && server->clients[i].fd == watched[i + 2].fd &&
                watched[i + 2].revents != 0 && !on_input(server, &server->clients[i]))
                hang_up(server, &server->clients[i]);
        if (watched[1].revents != 0)
            on_connection(server);
    }
}

/* ---- open and close ---- */

static bool
listen_at(HoldServer *server, const char *directory, Error *err)
{
    HoldAddress address;

    if (!hold_address(directory, &server->directory_fd, &address, err))
        return false;
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (FAULT("hold.socket") || server->listen_fd < 0)
        return error_set_errno(err, ERR_IO, "socket");
    if (unlink(server->path) != 0 && errno != ENOENT)
        return error_set_errno(err, ERR_IO, "remove %s", server->path);
    /* the mode of a socket's file is the socket's own, as it is when it is bound */
    if (fchmod(server->listen_fd, 0600) != 0 || FAULT("hold.bind") ||
        bind(server->listen_fd, (const struct sockaddr *)&address.name, address.len) != 0 ||
        listen(server->listen_fd, CLIENTS_MAX) != 0)
        return error_set_errno(err, ERR_IO, "listen at %s", server->path);
    return true;
}

HoldServer *
hold_server_open(const char *directory, Error *err)
{
    HoldServer *server = calloc(1, sizeof(*server));

    if (server == NULL)
        abort();
    server->path = file_join(directory, HOLD_SOCKET);
    server->directory_fd = -1;
    server->listen_fd = -1;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        server->clients[i].fd = -1;
    (void)pthread_mutex_init(&server->mutex, NULL);
    (void)pthread_cond_init(&server->changed, NULL);
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server->wake_fd < 0)
        (void)error_set_errno(err, ERR_IO, "eventfd");
    else if (listen_at(server, directory, err)) {
        server->started = pthread_create(&server->thread, NULL, server_main, server) == 0;
        if (server->started)
            return server;
        (void)error_set(err, ERR_INTERNAL, "no thread could be started");
    }
    hold_server_close(server);
    return NULL;
}

void
hold_server_close(HoldServer *server)
{
    if (server == NULL)
        return;
    if (server->started) {
        (void)pthread_mutex_lock(&server->mutex);
        server->closing = true;
        wake(server);
        (void)pthread_mutex_unlock(&server->mutex);
        (void)pthread_join(server->thread, NULL);
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        hang_up(server, &server->clients[i]);
    if (server->listen_fd >= 0)
        (void)unlink(server->path);
    file_close(server->listen_fd);
    file_close(server->wake_fd);
    file_close(server->directory_fd);
    (void)pthread_cond_destroy(&server->changed);
    (void)pthread_mutex_destroy(&server->mutex);
    buf_clear(&server->position);
    buf_clear(&server->answer);
    free(server->path);
    free(server);
}
