#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_SIZE ((size_t)8192)

typedef struct Chunk Chunk;

struct Chunk {
    Chunk *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char data[];
};

struct Arena {
    Chunk *chunks; /* the one that is being filled comes first */
};

Arena *
arena_new(void)
{
    Arena *arena = calloc(1, sizeof(*arena));

    if (arena == NULL)
        abort();
    return arena;
}

void
arena_free(Arena *arena)
{
    if (arena == NULL)
        return;
    for (Chunk *chunk = arena->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(arena);
}

void
arena_reset(Arena *arena)
{
    Chunk *kept = NULL;

    for (Chunk *chunk = arena->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        if (kept == NULL && chunk->size == CHUNK_SIZE)
            kept = chunk;
        else
            free(chunk);
    }
    arena->chunks = kept;
    if (kept == NULL)
        return;
    memset(kept->data, 0, kept->used);
    kept->used = 0;
    kept->next = NULL;
}

static Chunk *
chunk_add(Arena *arena, size_t size)
{
    Chunk *chunk = calloc(1, sizeof(*chunk) + size);

    if (chunk == NULL)
        abort();
    chunk->size = size;
    if (size > CHUNK_SIZE && arena->chunks != NULL) {
        /* a large piece has a chunk of its own; the open one stays open */
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
    } else {
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    return chunk;
}

void *
arena_alloc(Arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    Chunk *chunk = arena->chunks;
    void *memory;

    if (rounded < size)
        abort();
    if (chunk == NULL || chunk->size - chunk->used < rounded)
        chunk = chunk_add(arena, MAX(rounded, CHUNK_SIZE));
    memory = chunk->data + chunk->used;
    chunk->used += rounded;
    return memory;
}

Text
arena_text(Arena *arena, Text text)
{
    char *copy;

    if (text.data == NULL)
        return TEXT_NONE;
    copy = arena_alloc(arena, text.len + 1);
    memcpy(copy, text.data, text.len);
    return (Text){copy, text.len};
}

char *
arena_string(Arena *arena, const char *string)
{
    size_t size = strlen(string) + 1;

    return memcpy(arena_alloc(arena, size), string, size);
}

char *
arena_printf(Arena *arena, const char *fmt, ...)
{
    va_list args;
    va_list again;
    int len;
    char *memory;

    assert(fmt != NULL);
    va_start(args, fmt);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0)
        abort();
    memory = arena_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(memory, (size_t)len + 1, fmt, args);
    va_end(args);
    return memory;
}
