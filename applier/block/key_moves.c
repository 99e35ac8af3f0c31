#include "block/key_moves.h"

#include <stdlib.h>

#define FIRST_SLOTS 64

/* What waits at a key: 0 a free slot, NOBODY no I line (any more), else the row_id of the one open
 * I line, or STACKED and the index of the youngest one's node. */
#define NOBODY  UINT64_MAX
#define STACKED (UINT64_C(1) << 63)

typedef struct Slot {
    KeyHash hash;
    uint64_t top;
} Slot;

typedef struct Node {
    uint64_t row_id;
    uint64_t below; /* as Slot.top; of a free node the next free one, or NOBODY */
} Node;

struct KeyMoves {
    KeyBudget *budget;
    Slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t used;
    Node *nodes;
    size_t node_count;
    size_t node_size;
    uint64_t free_node; /* NOBODY: none */
    ContestedPair *pairs;
    size_t pair_count;
    size_t pair_size;
};

KeyMoves *
key_moves_new(KeyBudget *budget)
{
    KeyMoves *moves = calloc(1, sizeof(*moves));

    if (moves == NULL)
        abort();
    moves->budget = budget;
    moves->free_node = NOBODY;
    return moves;
}

void
key_moves_end(KeyMoves *moves)
{
    moves->budget->used -=
        moves->slot_count * sizeof(Slot) + moves->node_size * sizeof(*moves->nodes);
    free(STEAL(moves->slots));
    free(STEAL(moves->nodes));
    moves->slot_count = moves->used = 0;
    moves->node_count = moves->node_size = 0;
    moves->free_node = NOBODY;
}

void
key_moves_free(KeyMoves *moves)
{
    if (moves == NULL)
        return;
    key_moves_end(moves);
    free(moves->pairs);
    free(moves);
}

static bool
take_memory(KeyBudget *budget, uint64_t bytes)
{
    if (budget->limit - MIN(budget->used, budget->limit) < bytes)
        return false;
    budget->used += bytes;
    return true;
}

/* The slot of a hash, or the free one where it belongs. */
static Slot *
find(Slot *slots, size_t slot_count, KeyHash hash)
{
    size_t at = hash.low & (slot_count - 1);

    while (
        slots[at].top != 0 && (slots[at].hash.low != hash.low || slots[at].hash.high != hash.high))
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

/* A key where nobody waits is as good as one that was never seen. */
static bool
is_waiting(const Slot *slot)
{
    return slot->top != 0 && slot->top != NOBODY;
}

/* Make the table anew without the keys where nobody waits; twice as large unless those were many.
 */
static bool
grow(KeyMoves *moves)
{
    size_t slot_count = MAX(moves->slot_count, (size_t)FIRST_SLOTS);
    size_t waiting = 0;
    Slot *slots;

    for (size_t i = 0; i < moves->slot_count; i++)
        waiting += is_waiting(&moves->slots[i]);
    if (waiting >= slot_count / 8 * 3)
        slot_count *= 2;
    if (!take_memory(moves->budget, slot_count * sizeof(Slot)))
        return false;
    slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL)
        abort();
    moves->used = 0;
    for (size_t i = 0; i < moves->slot_count; i++) {
        if (!is_waiting(&moves->slots[i]))
            continue;
        *find(slots, slot_count, moves->slots[i].hash) = moves->slots[i];
        moves->used++;
    }
    moves->budget->used -= moves->slot_count * sizeof(Slot);
    free(moves->slots);
    moves->slots = slots;
    moves->slot_count = slot_count;
    return true;
}

/* Room for a node in *ret_index; one that is free again first. */
static bool
take_node(KeyMoves *moves, uint64_t *ret_index)
{
    if (moves->free_node != NOBODY) {
        *ret_index = moves->free_node;
        moves->free_node = moves->nodes[*ret_index].below;
        return true;
    }
    if (moves->node_count == moves->node_size) {
        size_t size = moves->node_size == 0 ? FIRST_SLOTS : moves->node_size * 2;

        if (!take_memory(moves->budget, (size - moves->node_size) * sizeof(Node)))
            return false;
        moves->nodes = realloc(moves->nodes, size * sizeof(*moves->nodes));
        if (moves->nodes == NULL)
            abort();
        moves->node_size = size;
    }
    *ret_index = moves->node_count++;
    return true;
}

bool
key_moves_arrive(KeyMoves *moves, KeyHash hash, uint64_t row_id)
{
    Slot *slot;
    uint64_t node;

    if (moves->used >= moves->slot_count / 4 * 3 && !grow(moves))
        return false;
    slot = find(moves->slots, moves->slot_count, hash);
    if (slot->top == 0) {
        slot->hash = hash;
        moves->used++;
    }
    if (!is_waiting(slot)) {
        slot->top = row_id;
        return true;
    }
    if (!take_node(moves, &node))
        return false;
    moves->nodes[node] = (Node){row_id, slot->top};
    slot->top = STACKED | node;
    return true;
}

static bool
add_pair(KeyMoves *moves, uint64_t image, uint64_t end)
{
    if (moves->pair_count == CONTESTED_LIMIT)
        return false;
    if (moves->pair_count == moves->pair_size) {
        moves->pair_size = moves->pair_size == 0 ? 16 : moves->pair_size * 2;
        moves->pairs = realloc(moves->pairs, moves->pair_size * sizeof(*moves->pairs));
        if (moves->pairs == NULL)
            abort();
    }
    moves->pairs[moves->pair_count++] = (ContestedPair){image, end};
    return true;
}

bool
key_moves_leave(KeyMoves *moves, KeyHash hash, uint64_t row_id, bool *ret_contested)
{
    Slot *slot = moves->slot_count == 0 ? NULL : find(moves->slots, moves->slot_count, hash);
    uint64_t image;

    *ret_contested = slot != NULL && is_waiting(slot);
    if (!*ret_contested)
        return true;
    if ((slot->top & STACKED) == 0) {
        image = slot->top;
        slot->top = NOBODY;
    } else {
        uint64_t index = slot->top & ~STACKED;
        Node *node = &moves->nodes[index];

        image = node->row_id;
        slot->top = node->below;
        node->below = moves->free_node;
        moves->free_node = index;
    }
    return add_pair(moves, image, row_id);
}

void
key_moves_list(const KeyMoves *moves, Arena *arena, BlockFile *file)
{
    file->contested_count = moves->pair_count;
    file->contested = ARENA_ARRAY(arena, ContestedPair, moves->pair_count + 1);
    if (moves->pair_count > 0)
        memcpy(file->contested, moves->pairs, moves->pair_count * sizeof(*moves->pairs));
}
