/*
 * processes.h - children of a test: each does one thing, says "ready", and goes on until it is told
 */
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "service/pidfile.h"
#include "support/test.h"

typedef struct World {
    char *directory;
    char *path; /* of the pidfile */
} World;

static inline int
world_setup(void **state)
{
    World *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->directory = test_directory();
    world->path = file_join(world->directory, "a.pid");
    *state = world;
    return 0;
}

static inline int
world_teardown(void **state)
{
    World *world = *state;
    Error err;

    assert_ok(file_remove_tree(world->directory, &err), err);
    free(world->path);
    free(world->directory);
    free(world);
    return 0;
}

/* What a child does before it is ready; it then waits for signals. */
typedef void (*ChildMain)(const World *world);

static inline void
child_idle(const World *world)
{
    (void)world;
}

static inline void
child_takes(const World *world)
{
    CLEANUP(buf_clear) Buf stale = BUF_INIT;
    Error err;
    Pidfile *pidfile = pidfile_take(world->path, &stale, &err);

    if (pidfile == NULL)
        _exit(9);
}

static inline void
child_takes_and_is_deaf(const World *world)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    child_takes(world);
}

static inline pid_t
child_start(const World *world, ChildMain child_main)
{
    int fds[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* nohup, or a shell's "&", may have had them ignored */
        (void)signal(SIGHUP, SIG_DFL);
        (void)signal(SIGINT, SIG_DFL);
        child_main(world);
        (void)!write(fds[1], "r", 1);
        for (;;)
            (void)pause();
    }
    assert_true(pid > 0);
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    (void)close(fds[0]);
    return pid;
}

/* How it ended, as of waitpid(2). */
static inline int
child_wait(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline void
child_kill(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    assert_true(WIFSIGNALED(child_wait(pid)));
}

static inline void
write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* As if it had been written long ago, before any process of now. */
static inline void
make_old(const char *path)
{
    static const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}
