/*
 * arena.h - memory that is freed all at once
 *
 * One arena per commit block, per configuration, per command. Not shared between threads without
 * handing it over. Out of memory aborts.
 */
#pragma once

#include <stddef.h>

#include "base/text.h"

typedef struct Arena Arena;

Arena *arena_new(void) MUST_CHECK;
void arena_free(Arena *arena);
CLEANUP_DEFINE(Arena *, arena_free);
/* Empty it, and keep a little of its memory: for what is made anew with each row. Costs nothing
 * where nothing was taken. */
void arena_reset(Arena *arena);

/* Zeroed memory, aligned for any type. */
void *arena_alloc(Arena *arena, size_t size) MUST_CHECK;
#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

/* Copies end in NUL (len does not count it). TEXT_NONE stays TEXT_NONE. */
Text arena_text(Arena *arena, Text text);
char *arena_string(Arena *arena, const char *string);
char *arena_printf(Arena *arena, const char *fmt, ...) PRINTF(2, 3);
