/*
 * error.h - the one way a function says that it failed
 *
 * A function that can fail returns bool (or a pointer, NULL on failure) and takes "Error *err"
 * last. It sets *err only when it fails, once, where the fault is known; each caller that knows
 * more prepends it with error_wrap(). Nothing below service/ and cli/ logs an error or exits.
 *
 * Texts: lower case, no full stop, the object named, a value quoted. The kind and the retriable
 * flag alone decide about retry, exit code and metric.
 *
 * An Error owns no memory: it may be copied and handed to another thread.
 */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

typedef enum ErrorKind {
    ERR_NONE,
    ERR_USAGE,    /* command line */
    ERR_CONFIG,   /* configuration file */
    ERR_SOURCE,   /* the source: connection, log file, position */
    ERR_TARGET,   /* the target: connection, rights, missing table */
    ERR_SCRIPT,   /* the merge script or a statement of it */
    ERR_DATA,     /* a value, a row, a block's file */
    ERR_IO,       /* a local file or directory: open, write, fsync, rename … */
    ERR_FENCED,   /* another process owns the service: the lock or the fence */
    ERR_STOPPED,  /* a stop was asked for; not a fault */
    ERR_SCHEMA,   /* the source's columns changed and the target's must follow first; retriable */
    ERR_INTERNAL, /* our bug */
} ErrorKind;

typedef struct Error {
    ErrorKind kind;
    bool retriable;   /* the same call may succeed later */
    char sqlstate[6]; /* as the server sent it, or "" */
    const char *file; /* where it was set; static storage */
    int line;
    char text[4096]; /* "outer: inner: cause", cut with "..." where too long */
} Error;

/* Set *err; returns false so that a caller can write "return error_set(...)". */
#define error_set(err, kind, ...) error_set_at((err), (kind), __FILE__, __LINE__, __VA_ARGS__)

/* The same for a fault that may pass by itself: lost connection, deadlock, server starting. */
#define error_set_retriable(err, kind, ...) \
    error_set_retriable_at((err), (kind), __FILE__, __LINE__, __VA_ARGS__)

/* The same, with ": " and the text of errno at the end. Not retriable. */
#define error_set_errno(err, kind, ...) \
    error_set_errno_at((err), (kind), __FILE__, __LINE__, __VA_ARGS__)

bool error_set_at(Error *err, ErrorKind kind, const char *file, int line, const char *fmt, ...)
    PRINTF(5, 6);
bool error_set_retriable_at(
    Error *err, ErrorKind kind, const char *file, int line, const char *fmt, ...) PRINTF(5, 6);
bool error_set_errno_at(
    Error *err, ErrorKind kind, const char *file, int line, const char *fmt, ...) PRINTF(5, 6);

/* Prepend "context: "; kind, retriable and origin stay. Returns false. */
bool error_wrap(Error *err, const char *fmt, ...) PRINTF(2, 3);

/* "configuration", "data", … as log lines and status print it. */
const char *error_kind_name(ErrorKind kind);

/* The process's exit code for a kind: 1 data, script or local file, 2 usage, 3 configuration,
 * 4 source, 5 target or schema, 6 fenced or locked, 70 our bug; 0 for ERR_NONE and ERR_STOPPED. */
int error_exit_code(ErrorKind kind);
