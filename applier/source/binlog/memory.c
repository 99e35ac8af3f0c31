#include "source/binlog/memory.h"

#include <assert.h>
#include <stdlib.h>

/* Size of the piece that stays. A text of more than a quarter of it gets its own, so that at most
 * a quarter is lost at the end of a piece. */
#define PIECE_SIZE 65536
#define LARGE_SIZE (PIECE_SIZE / 4)
/* What the scratch buffer may keep. */
#define SCRATCH_SIZE 65536

typedef struct Piece {
    struct Piece *next;
    char *data;
} Piece;

struct BinlogMemory {
    char *piece; /* PIECE_SIZE bytes */
    size_t used;
    char *room;   /* where the text that is being written begins */
    Piece *other; /* full pieces, and large texts */
    Buf scratch;
};

static void *
allocate(size_t size)
{
    void *data = malloc(size);

    if (data == NULL)
        abort();
    return data;
}

BinlogMemory *
binlog_memory_new(void)
{
    BinlogMemory *memory = allocate(sizeof(*memory));

    *memory = (BinlogMemory){.piece = allocate(PIECE_SIZE)};
    return memory;
}

static void
free_others(BinlogMemory *memory)
{
    while (memory->other != NULL) {
        Piece *piece = memory->other;

        memory->other = piece->next;
        free(piece->data);
        free(piece);
    }
}

void
binlog_memory_free(BinlogMemory *memory)
{
    if (memory == NULL)
        return;
    free_others(memory);
    buf_clear(&memory->scratch);
    free(memory->piece);
    free(memory);
}

void
binlog_memory_reset(BinlogMemory *memory)
{
    free_others(memory);
    buf_reset(&memory->scratch, SCRATCH_SIZE);
    memory->used = 0;
    memory->room = NULL;
}

static void
keep_other(BinlogMemory *memory, char *data)
{
    Piece *piece = allocate(sizeof(*piece));

    *piece = (Piece){memory->other, data};
    memory->other = piece;
}

static char *
new_room(BinlogMemory *memory, size_t max)
{
    if (max > LARGE_SIZE) {
        memory->room = allocate(max);
        keep_other(memory, memory->room);
        return memory->room;
    }
    keep_other(memory, memory->piece);
    memory->piece = allocate(PIECE_SIZE);
    memory->used = 0;
    memory->room = memory->piece;
    return memory->room;
}

char *
binlog_memory_room(BinlogMemory *memory, size_t max)
{
    if (PIECE_SIZE - memory->used < max)
        return new_room(memory, max);
    memory->room = memory->piece + memory->used;
    return memory->room;
}

Text
binlog_memory_end(BinlogMemory *memory, const char *end)
{
    size_t len = (size_t)(end - memory->room);

    if (memory->room == memory->piece + memory->used)
        memory->used += len;
    assert(memory->used <= PIECE_SIZE);
    return (Text){memory->room, len};
}

Text
binlog_memory_copy(BinlogMemory *memory, Text text)
{
    char *room = binlog_memory_room(memory, text.len);

    if (text.len > 0)
        memcpy(room, text.data, text.len);
    return binlog_memory_end(memory, room + text.len);
}

Text
binlog_memory_take(BinlogMemory *memory, Buf *buf)
{
    Text text = buf_text(buf);

    if (text.len <= LARGE_SIZE) {
        text = binlog_memory_copy(memory, text);
        buf_reset(buf, SCRATCH_SIZE);
        return text;
    }
    keep_other(memory, buf_steal(buf));
    return (Text){memory->other->data, text.len};
}

Buf *
binlog_memory_scratch(BinlogMemory *memory)
{
    buf_reset(&memory->scratch, SCRATCH_SIZE);
    return &memory->scratch;
}
