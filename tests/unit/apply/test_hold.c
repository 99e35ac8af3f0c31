/* Holding a running service: real sockets, a played source. */
#include "apply/hold/hold.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "apply/hold/server.h"
#include "apply/hold/socket.h"
#include "support/live_source.h"

#define SMALL "block: {directory: blocks, max_interval: 0s}\n"
#define SLOW  "block: {directory: blocks, max_interval: 10min}\n"

static HoldClient *
connect_to(const TestService *service)
{
    char *directory = test_service_path(service, "blocks");
    HoldClient *client = NULL;
    bool running = false;
    Error err;

    /* the service may not have its lock yet */
    for (int i = 0; i < 1000 && !running; i++) {
        client = hold_connect(directory, &running, &err);
        if (!running)
            (void)stop_wait(STOP_NOW, 5);
    }
    free(directory);
    if (client == NULL)
        fail_msg("%s", err.text);
    return client;
}

static void
check_held(HoldClient *client, const char *at, const char *position, uint64_t seqno)
{
    CLEANUP(buf_clear) Buf held = BUF_INIT;
    uint64_t held_seqno = 0;
    Error err;

    assert_ok(hold_at(client, text_of(at), &held, &held_seqno, &err), err);
    assert_string_equal(buf_string(&held), position);
    assert_int_equal(held_seqno, seqno);
}

static void
check_position(const TestService *service, const char *expected)
{
    CLEANUP(buf_clear) Buf rows = BUF_INIT;

    test_service_query(service, "SELECT seqno FROM dray_position", &rows);
    assert_string_equal(buf_string(&rows), expected);
}

static void
a_held_service_commits_what_it_has_and_reads_nothing_until_it_is_released(void **state)
{
    TestService service;
    LiveRun run;
    HoldClient *client;
    struct stat status;
    char *path;
    Error err;

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_start(&run, &service, SLOW);
    client = connect_to(&service);
    path = test_service_path(&service, "blocks/control");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    /* the open block would have waited for ten minutes */
    check_held(client, "", "15", 1);
    check_position(&service, "1\n");
    live_add(20, 25, 2);
    (void)stop_wait(STOP_NOW, 1200);
    check_position(&service, "1\n");
    assert_ok(hold_release(client, &err), err);
    check_held(client, "22", "22", 2);
    check_position(&service, "2\n");
    hold_disconnect(client);
    live_stop(&run);
    assert_false(file_exists(path));
    free(path);
    test_service_clear(&service);
}

static void
a_service_goes_on_to_the_position_and_holds_before_the_next_transaction(void **state)
{
    TestService service;
    LiveRun run;
    HoldClient *client;
    CLEANUP(buf_clear) Buf held = BUF_INIT;
    uint64_t seqno = 0;
    Error err;

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_start(&run, &service, SMALL);
    client = connect_to(&service);
    check_held(client, "", "15", 1);
    for (uint64_t i = 2; i <= 5; i++)
        live_add(i * 10, i * 10 + 5, (int)i);
    /* held already: on to a later one, which is a transaction's own place, or lies between two */
    check_held(client, "30", "30", 2);
    check_position(&service, "2\n");
    check_held(client, "37", "37", 3);
    check_position(&service, "3\n");
    /* no transaction comes: progress alone is enough */
    live_set(idle, 100);
    check_held(client, "90", "90", 5);
    check_held(client, "100", "100", 5);
    /* there is no way back, and then nothing is held */
    assert_false(hold_at(client, TEXT("50"), &held, &seqno, &err));
    assert_string_equal(err.text, "past: the service is at 100 already, behind 50");
    assert_int_equal(err.kind, ERR_SOURCE);
    live_add(110, 115, 6);
    live_wait(&service, "SELECT seqno FROM dray_position", "6\n");
    assert_false(hold_at(client, TEXT("nonsense"), &held, &seqno, &err));
    assert_string_equal(err.text, "the service cannot hold: this is no position of the source");
    hold_disconnect(client);
    live_stop(&run);
    test_service_clear(&service);
}

static void
a_client_that_dies_releases_and_the_next_one_gets_its_turn(void **state)
{
    TestService service;
    LiveRun run;
    HoldClient *first;
    HoldClient *second;
    CLEANUP(buf_clear) Buf held = BUF_INIT;
    uint64_t seqno = 0;
    Error err;

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_start(&run, &service, SMALL);
    first = connect_to(&service);
    second = connect_to(&service);
    check_held(first, "", "15", 1);
    /* a stop of the asking process ends its waiting */
    stop_request(STOP_AFTER_BLOCK);
    assert_false(hold_at(second, TEXT(""), &held, &seqno, &err));
    assert_int_equal(err.kind, ERR_STOPPED);
    assert_int_equal(pthread_join(run.thread, NULL), 0);
    hold_disconnect(second);
    hold_disconnect(first);
    assert_true(run.ok);
    stop_reset();

    live_start(&run, &service, SMALL);
    first = connect_to(&service);
    second = connect_to(&service);
    check_held(first, "", "15", 1);
    live_add(20, 25, 2);
    hold_disconnect(first);
    live_wait(&service, "SELECT seqno FROM dray_position", "2\n");
    check_held(second, "", "25", 2);
    hold_disconnect(second);
    live_add(30, 35, 3);
    live_wait(&service, "SELECT seqno FROM dray_position", "3\n");
    live_stop(&run);
    test_service_clear(&service);
}

static void
a_stop_of_the_service_ends_a_hold_and_the_client_is_told(void **state)
{
    TestService service;
    LiveRun run;
    HoldClient *client;
    Error err;

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_start(&run, &service, SMALL);
    client = connect_to(&service);
    check_held(client, "", "15", 1);
    live_stop(&run);
    assert_false(hold_release(client, &err));
    assert_int_equal(err.kind, ERR_SOURCE);
    hold_disconnect(client);
    test_service_clear(&service);
}

static void
a_service_that_waits_for_the_target_can_be_held_where_it_stands(void **state)
{
    TestService service;
    LiveRun run;
    HoldClient *client;
    Error err;

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_add(20, 25, 2);
    live.fail_at = 20;
    live.fail_times = -1;
    live.fail_kind = ERR_SCHEMA;
    log_set_level((LogLevel)-1);
    live_start(&run, &service, SMALL);
    live_wait(&service, "SELECT count(*) FROM item", "1\n");
    client = connect_to(&service);
    check_held(client, "", "15", 1);
    live_set(fail_times, 0);
    assert_ok(hold_release(client, &err), err);
    live_wait(&service, "SELECT count(*) FROM item", "2\n");
    hold_disconnect(client);
    live_stop(&run);
    test_service_clear(&service);
}

static void
no_service_no_hold(void **state)
{
    TestService service;
    char *directory;
    bool running = true;
    Error err;

    (void)state;
    live_init(&service);
    directory = test_service_path(&service, "blocks");
    assert_null(hold_connect(directory, &running, &err));
    assert_false(running);
    free(directory);
    test_service_clear(&service);
}

static void
a_long_path_and_a_dead_socket_are_no_hindrance(void **state)
{
    TestService service;
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    CLEANUP(buf_clear) Buf position = BUF_INIT;
    CLEANUP(file_close) int lock = -1;
    HoldServer *server;
    HoldClient *client;
    char *directory;
    char *path;
    bool running;
    int directory_fd;
    HoldAddress address;
    int dead;
    Error err;

    (void)state;
    live_init(&service);
    for (int i = 0; i < 200; i++)
        buf_add_char(&name, 'd');
    directory = test_service_path(&service, name.data);
    assert_ok(file_make_directory(directory, &err), err);
    /* what a killed process left */
    assert_ok(hold_address(directory, &directory_fd, &address, &err), err);
    assert_true(directory_fd >= 0);
    dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (const struct sockaddr *)&address.name, address.len), 0);
    (void)close(dead);
    (void)close(directory_fd);
    path = file_join(directory, "lock");
    lock = file_lock(path, &err);
    assert_true(lock >= 0);
    server = hold_server_open(directory, &err);
    if (server == NULL)
        fail_msg("%s", err.text);
    client = hold_connect(directory, &running, &err);
    if (client == NULL)
        fail_msg("%s", err.text);
    assert_int_equal(hold_server_wanted(server, 0, &position), 0);
    hold_disconnect(client);
    hold_server_close(server);
    free(path);
    free(directory);
    test_service_clear(&service);
}

static void
what_is_no_request_is_answered_and_what_is_no_line_is_hung_up_on(void **state)
{
    TestService service;
    HoldServer *server;
    char *directory;
    HoldAddress address;
    int directory_fd;
    char answer[128];
    static char flood[70000];
    ssize_t len;
    int fd;
    Error err;

    (void)state;
    live_init(&service);
    directory = test_service_path(&service, "");
    server = hold_server_open(directory, &err);
    assert_non_null(server);
    assert_ok(hold_address(directory, &directory_fd, &address, &err), err);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address.name, address.len), 0);
    assert_int_equal(write(fd, "hold 1 2\nhurry\n", 15), 15);
    len = recv(fd, answer, sizeof(answer) - 1, 0);
    for (size_t want = 72; len > 0 && (size_t)len < want;) {
        ssize_t more = recv(fd, answer + len, sizeof(answer) - 1 - (size_t)len, 0);

        if (more <= 0)
            break;
        len += more;
    }
    answer[len] = '\0';
    assert_string_equal(
        answer, "error the request is not understood\nerror the request is not understood\n");
    memset(flood, 'x', sizeof(flood));
    (void)!send(fd, flood, sizeof(flood), MSG_NOSIGNAL);
    /* hung up on, with or without what was not read */
    assert_true(recv(fd, answer, sizeof(answer), 0) <= 0);
    (void)close(fd);
    hold_server_close(server);
    free(directory);
    test_service_clear(&service);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_held_service_commits_what_it_has_and_reads_nothing_until_it_is_released),
    cmocka_unit_test(a_service_goes_on_to_the_position_and_holds_before_the_next_transaction),
    cmocka_unit_test(a_client_that_dies_releases_and_the_next_one_gets_its_turn),
    cmocka_unit_test(a_stop_of_the_service_ends_a_hold_and_the_client_is_told),
    cmocka_unit_test(a_service_that_waits_for_the_target_can_be_held_where_it_stands),
    cmocka_unit_test(no_service_no_hold),
    cmocka_unit_test(a_long_path_and_a_dead_socket_are_no_hindrance),
    cmocka_unit_test(what_is_no_request_is_answered_and_what_is_no_line_is_hung_up_on),
};

TEST_MAIN(tests)
