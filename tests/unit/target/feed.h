/*
 * feed.h - a load feed out of memory, in the place of block/load_feed.c
 *
 * A test that links feed.c gets these functions instead of the library's: no block, no file.
 */
#pragma once

#include "block/load_feed.h"

/* One piece, handed out in parts of 7 bytes. */
LoadFeed *feed_of(const char *text);
/* piece again and again. */
LoadFeed *feed_repeat(const char *piece, uint64_t count);
/* head, then 64 KiB of "x" so often that it makes megabytes, then tail. */
LoadFeed *feed_large(const char *head, size_t megabytes, const char *tail);
/* The piece after the first count fails, as a file whose checksum is wrong. */
void feed_fail_after(LoadFeed *feed, uint64_t count);
/* Called before the piece after the first count. */
void feed_call_after(LoadFeed *feed, uint64_t count, void (*function)(void *), void *context);
/* Pieces handed out since the start or the last rewind. */
uint64_t feed_served(const LoadFeed *feed);
