/*
 * progress.h - how far a long command is: a bar on a terminal, plain lines elsewhere
 *
 * On a terminal one line is redrawn, a few times a second, no wider than the terminal: what does
 * not fit is left out, the least needed first. Elsewhere (a file, a pipe, a journal) there is a
 * line at most every PROGRESS_LINE_MS, and one at the end. Belongs to one thread.
 *
 *     copied [##########          ]  49% 3/12 tables 1.5M rows 340 MiB 85k rows/s 0:18 left
 *     copied rows=1500000/3061000 tables=3/12 bytes=356515840 rate=85000/s left=18s
 */
#pragma once

#include <stdio.h>

#include "base/text.h"

#define PROGRESS_DRAW_MS 200
#define PROGRESS_LINE_MS 3000

/* What is done of what there is. 0 in an all_… or bytes: not known, or not wanted. */
typedef struct ProgressFigures {
    uint64_t rows;
    uint64_t all_rows; /* may be an estimate: the end is told by progress_end() alone */
    uint64_t bytes;
    uint64_t tables;
    uint64_t all_tables;
    Text note;  /* a word more, for the plain lines: "seqno=84901"; TEXT_NONE: none */
    bool ended; /* all of it is done: 100 %, also where the estimate was wrong */
} ProgressFigures;

typedef struct Progress Progress;

/* verb is what each line begins with, a literal: "copied". A terminal is found out by itself. */
Progress *progress_new(FILE *stream, const char *verb) MUST_CHECK;
void progress_free(Progress *progress); /* a bar that is on the screen gets its line end */
CLEANUP_DEFINE(Progress *, progress_free);

/* May be called as often as one likes. */
void progress_show(Progress *progress, const ProgressFigures *figures);
/* The last figures, shown in any case; then the line ends. */
void progress_end(Progress *progress, const ProgressFigures *figures);
/* Take the bar off the screen, so that something else may be printed; it comes back with the next
 * progress_show(). */
void progress_hide(Progress *progress);

/* The bar's line for a terminal of this width, without line end; rate in rows a second, below 0 not
 * known. Pure. */
void progress_bar(
    const char *verb, const ProgressFigures *figures, double rate, size_t width, Buf *out);
/* The plain line, without line end. Pure. */
void progress_plain(const char *verb, const ProgressFigures *figures, double rate, Buf *out);
