/*
 * lines.h - the lines of a log: one file, a directory of rotated files, or standard input
 *
 * One read buffer, which grows to the longest line and shrinks again. Belongs to one source.
 *
 * Directory: files whose name matches the pattern, in the order of their names by bytes, so that a
 * name must sort behind all earlier ones (a date, a number with leading zeros) and is never
 * changed. A file is left for the next one when a later file has content and no more comes; a line
 * does not go over two files. A file that turns up later with a name before the one being read is
 * an error.
 *
 * One file, followed: when the file is renamed and another one with content stands under its name
 * (logrotate with "create"), the old one is read to its end and the new one from its start.
 * Truncation in place (copytruncate) is an error. While the reader does not run, only the
 * directory form survives a rotation.
 */
#pragma once

#include "base/error.h"
#include "base/next.h"
#include "base/text.h"

/* The bytes before a place, up to this number, are what its check is made of. */
#define LINES_CHECK_SIZE 4096

typedef struct LinesConfig {
    const char *path;    /* "-" (or a path that ends in "/-") is standard input */
    const char *pattern; /* glob of names in a directory */
    bool follow;         /* wait at the end for more */
    int64_t max_line;    /* bytes */
} LinesConfig;

/* A place between two lines. */
typedef struct LinesPlace {
    Text file;       /* name without directory; "-" is standard input */
    uint64_t offset; /* bytes before it */
    uint64_t line;   /* lines before it */
    uint64_t check;  /* XXH3 of up to LINES_CHECK_SIZE bytes before it */
} LinesPlace;

typedef struct Line {
    char *data; /* without line end; may be written to; valid until the next call */
    size_t len;
    bool torn;  /* the file ends without a line end */
    bool later; /* torn, and there is a later file */
} Line;

typedef struct Lines Lines;

/*
 * Open at the place, NULL is the beginning. ERR_SOURCE where the place's file is missing, too short
 * or has other content. A place in standard input is not sought: it begins where it stands.
 */
Lines *lines_open(const LinesConfig *config, const LinesPlace *place, Error *err) MUST_CHECK;
void lines_close(Lines *lines);
CLEANUP_DEFINE(Lines *, lines_close);

bool lines_is_stream(const Lines *lines);

/* The next line that is not empty. Does not wait: NEXT_IDLE where more may come. Errors:
 * ERR_SOURCE, ERR_DATA for a line above max_line. */
Next lines_next(Lines *lines, Line *ret_line, Error *err);
/* Wait until more may be there, wait_ms have passed or a stop is requested (true). */
bool lines_wait(Lines *lines, int64_t wait_ms);

/* Number of the line given last, from 1, and its file. */
uint64_t lines_number(const Lines *lines);
Text lines_file(const Lines *lines);
/* The places before and after the line given last; their texts are valid until the next call. */
LinesPlace lines_before(const Lines *lines);
LinesPlace lines_after(const Lines *lines);

/* Up to limit bytes of whole lines that stand before the place where lines_open() was told to
 * begin, appended to *buf; none for standard input. */
bool lines_history(const Lines *lines, size_t limit, Buf *buf, Error *err) MUST_CHECK;
/* Does the buffer hold the beginning of a line whose end is not there yet? */
bool lines_has_part(const Lines *lines);
