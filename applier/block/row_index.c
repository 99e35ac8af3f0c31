#include "block/row_index.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_SLOTS 64
#define FLAG_BITS   4
#define FLAG_MASK   ((UINT64_C(1) << FLAG_BITS) - 1)

typedef struct Slot {
    KeyHash hash;
    uint64_t place; /* offset + 1 and the flags; 0: free */
} Slot;

struct RowIndex {
    KeyBudget *budget;
    Slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    size_t count;
};

RowIndex *
row_index_new(KeyBudget *budget)
{
    RowIndex *index = calloc(1, sizeof(*index));

    if (index == NULL)
        abort();
    index->budget = budget;
    return index;
}

uint64_t
row_index_bytes(const RowIndex *index)
{
    return index->slot_count * sizeof(Slot);
}

void
row_index_free(RowIndex *index)
{
    if (index == NULL)
        return;
    index->budget->used -= row_index_bytes(index);
    free(index->slots);
    free(index);
}

/* The slot of a hash, or the free one where it belongs. */
static Slot *
find(Slot *slots, size_t slot_count, KeyHash hash)
{
    size_t at = hash.low & (slot_count - 1);

    while (slots[at].place != 0 &&
           (slots[at].hash.low != hash.low || slots[at].hash.high != hash.high))
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

bool
row_index_reserve(RowIndex *index, size_t keys)
{
    size_t slot_count = MAX(index->slot_count, (size_t)FIRST_SLOTS);
    Slot *slots;

    while (index->count + keys > slot_count / 4 * 3)
        slot_count *= 2;
    if (slot_count == index->slot_count)
        return true;
    if (!key_budget_take(index->budget, slot_count * sizeof(Slot))) {
        if (index->slot_count > 0)
            return false;
        index->budget->used += slot_count * sizeof(Slot);
    }
    slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL)
        abort();
    for (size_t i = 0; i < index->slot_count; i++)
        if (index->slots[i].place != 0)
            *find(slots, slot_count, index->slots[i].hash) = index->slots[i];
    index->budget->used -= row_index_bytes(index);
    free(index->slots);
    index->slots = slots;
    index->slot_count = slot_count;
    return true;
}

void
row_index_put(RowIndex *index, KeyHash hash, RowPlace place)
{
    Slot *slot;

    assert(index->count < index->slot_count);
    slot = find(index->slots, index->slot_count, hash);
    index->count += slot->place == 0;
    *slot = (Slot){hash, (place.offset + 1) << FLAG_BITS | place.flags};
}

bool
row_index_find(const RowIndex *index, KeyHash hash, RowPlace *ret_place)
{
    const Slot *slot;

    if (index->slot_count == 0)
        return false;
    slot = find(index->slots, index->slot_count, hash);
    if (slot->place == 0)
        return false;
    *ret_place = (RowPlace){(slot->place >> FLAG_BITS) - 1, (unsigned)(slot->place & FLAG_MASK)};
    return true;
}
