#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int exit_code;
} kinds[] = {
    [ERR_NONE] = {"none", 0},
    [ERR_USAGE] = {"usage", 2},
    [ERR_CONFIG] = {"configuration", 3},
    [ERR_SOURCE] = {"source", 4},
    [ERR_TARGET] = {"target", 5},
    [ERR_SCRIPT] = {"script", 1},
    [ERR_DATA] = {"data", 1},
    [ERR_IO] = {"file", 1},
    [ERR_FENCED] = {"fenced", 6},
    [ERR_SCHEMA] = {"schema", 5},
    [ERR_STOPPED] = {"stopped", 0},
    [ERR_INTERNAL] = {"internal", 70},
};

static void error_format(Error *err, size_t used, const char *fmt, va_list args) PRINTF(3, 0);

static void
error_format(Error *err, size_t used, const char *fmt, va_list args)
{
    int len = vsnprintf(err->text + used, sizeof(err->text) - used, fmt, args);

    if (len >= (int)(sizeof(err->text) - used))
        memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

static void
error_append(Error *err, const char *text)
{
    size_t used = strlen(err->text);

    if (snprintf(err->text + used, sizeof(err->text) - used, ": %s", text) >=
        (int)(sizeof(err->text) - used))
        memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

static void
error_start(Error *err, ErrorKind kind, const char *file, int line)
{
    assert(err != NULL && kind != ERR_NONE);
    err->kind = kind;
    err->retriable = false;
    err->sqlstate[0] = '\0';
    err->file = file;
    err->line = line;
}

bool
error_set_at(Error *err, ErrorKind kind, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    error_start(err, kind, file, line);
    va_start(args, fmt);
    error_format(err, 0, fmt, args);
    va_end(args);
    return false;
}

bool
error_set_retriable_at(Error *err, ErrorKind kind, const char *file, int line, const char *fmt, ...)
{
    va_list args;

    error_start(err, kind, file, line);
    err->retriable = true;
    va_start(args, fmt);
    error_format(err, 0, fmt, args);
    va_end(args);
    return false;
}

bool
error_set_errno_at(Error *err, ErrorKind kind, const char *file, int line, const char *fmt, ...)
{
    int saved = errno;
    va_list args;

    error_start(err, kind, file, line);
    va_start(args, fmt);
    error_format(err, 0, fmt, args);
    va_end(args);
    error_append(err, strerror(saved));
    return false;
}

bool
error_wrap(Error *err, const char *fmt, ...)
{
    char inner[sizeof(err->text)];
    va_list args;

    assert(err->kind != ERR_NONE);
    memcpy(inner, err->text, sizeof(inner));
    va_start(args, fmt);
    error_format(err, 0, fmt, args);
    va_end(args);
    error_append(err, inner);
    return false;
}

const char *
error_kind_name(ErrorKind kind)
{
    return kinds[kind].name;
}

int
error_exit_code(ErrorKind kind)
{
    return kinds[kind].exit_code;
}
