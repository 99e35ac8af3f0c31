/*
 * pidfile.h - the file that tells which process runs a service
 *
 * One line: the process's number. It appears whole, under its name, and is removed at the end. The
 * process holds flock(2) on it for as long as it lives. That, and not the number, tells whether the
 * service runs: the kernel gives the lock back however the process ends, and a number may belong to
 * another process by then.
 *
 * Other programs write such files without a lock. One whose process was there before the file was
 * last changed can only be that process's own: it is left alone, and its process gets no signal.
 * Every other file without a lock is stale, whatever is in it.
 *
 * The lock is no use where the process is in another container or on another machine that shares
 * the file: it is seen, but there is nobody here to send a signal to.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

typedef struct Pidfile Pidfile;

/*
 * Write this process's number, and take the lock. A stale file is taken over; what was found is
 * appended to *stale then. ERR_FENCED when another process has it, ERR_IO when the file cannot be
 * read or written. NULL on failure.
 */
Pidfile *pidfile_take(const char *path, Buf *stale, Error *err) MUST_CHECK;
/* Remove the file, unless another one is there meanwhile. */
void pidfile_release(Pidfile *pidfile);
CLEANUP_DEFINE(Pidfile *, pidfile_release);

/* The process that has a pidfile; no other one can get its signals, whatever becomes of it. */
typedef struct PidfileHolder PidfileHolder;

/* *ret_holder NULL: no process has it, and *reason, which is empty before, is why ("there is no
 * pidfile …"). ERR_FENCED when a process has it that cannot be told anything. */
bool pidfile_find_holder(const char *path, PidfileHolder **ret_holder, Buf *reason, Error *err)
    MUST_CHECK;
pid_t pidfile_holder_pid(const PidfileHolder *holder);
/* True, too, when it has ended meanwhile. */
bool pidfile_holder_signal(PidfileHolder *holder, int number, Error *err) MUST_CHECK;
/* Until it has ended, but no longer than wait_ms; -1: without end. True when it has. */
bool pidfile_holder_wait(PidfileHolder *holder, int wait_ms);
void pidfile_holder_free(PidfileHolder *holder);
CLEANUP_DEFINE(PidfileHolder *, pidfile_holder_free);
