/*
 * daemon.h - a service in the background, and the signals that one is told by
 *
 * The child has a session of its own and /dev/null for the three standard streams; it keeps its
 * directory, its umask and its environment, so that a configuration means the same as in the
 * foreground. The parent stays until the child has told how its start went.
 */
#pragma once

#include "apply/pipeline.h"

typedef struct Daemon Daemon;

/*
 * Fork, before there is any other thread. In the child *ret_daemon is set, and each call below is
 * for it. In the parent it is NULL once the child has reached RUN_STARTED, or has been past
 * RUN_LOCKED for a few seconds (a source may take long to open). False, in the parent, with the
 * child's own error when it ended before; in the child when it could not be set up, which the
 * parent tells as well.
 */
bool daemon_fork(Daemon **ret_daemon, Error *err) MUST_CHECK;
/* For RunOptions.reached; context is the Daemon. */
void daemon_reached(void *context, RunStage stage);
/* The run has ended; err is NULL when it ended well. Frees it; NULL is fine. */
void daemon_end(Daemon *daemon, const Error *err);

/*
 * The process that has the pidfile gets SIGHUP; ERR_IO when there is none.
 */
bool daemon_reload(const char *pidfile, Error *err) MUST_CHECK;
/* SIGINT, the stop after the open block. With wait it returns when the process has ended. Where no
 * process runs *note tells so, and that is no failure. */
bool daemon_stop(const char *pidfile, bool wait, Buf *note, Error *err) MUST_CHECK;
/* Roll back and end at once: SIGINT and SIGTERM, which are two stops, and SIGKILL after wait_ms; it
 * returns when the process has ended. *note as above, and when SIGKILL was needed. */
bool daemon_kill(const char *pidfile, int wait_ms, Buf *note, Error *err) MUST_CHECK;
