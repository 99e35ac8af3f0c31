#include "block/key_index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include <xxhash.h>

#include "base/fault.h"

#define FIRST_SLOTS 64
#define HAS_ORIGIN  (UINT64_C(1) << 63)

typedef struct Slot {
    KeyHash hash;
    uint64_t line; /* row_id, and HAS_ORIGIN; 0: free */
} Slot;

struct KeyIndex {
    KeyBudget *budget;
    Slot *slots;
    size_t slot_count; /* a power of two, or 0 */
    uint64_t count;
    uint64_t *words;
    size_t word_count;
    uint64_t set_count;
    uint64_t origin_count; /* of them, O lines */
};

bool
key_seed(uint64_t *ret_seed, Error *err)
{
    ssize_t n;

    do
        n = FAULT("block.random") ? -1 : getrandom(ret_seed, sizeof(*ret_seed), 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(*ret_seed))
        return error_set_errno(err, ERR_IO, "getrandom");
    return true;
}

KeyHash
key_hash(uint64_t seed, const Text *values, size_t count, Buf *scratch)
{
    XXH128_hash_t hash;

    scratch->len = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t len = values[i].len;

        buf_add(scratch, &len, sizeof(len));
        buf_add_text(scratch, values[i]);
    }
    hash = XXH3_128bits_withSeed(buf_string(scratch), scratch->len, seed);
    return (KeyHash){hash.low64, hash.high64};
}

KeyIndex *
key_index_new(KeyBudget *budget)
{
    KeyIndex *index = calloc(1, sizeof(*index));

    if (index == NULL)
        abort();
    index->budget = budget;
    return index;
}

bool
key_budget_take(KeyBudget *budget, uint64_t bytes)
{
    if (budget->limit - MIN(budget->used, budget->limit) < bytes)
        return false;
    budget->used += bytes;
    return true;
}

static void
drop(KeyIndex *index)
{
    index->budget->used -= index->slot_count * sizeof(Slot) + index->word_count * sizeof(uint64_t);
    free(STEAL(index->slots));
    free(STEAL(index->words));
    index->slot_count = index->word_count = 0;
    index->count = index->set_count = index->origin_count = 0;
}

void
key_index_free(KeyIndex *index)
{
    if (index == NULL)
        return;
    drop(index);
    free(index);
}

/* The slot of a hash, or the free one where it belongs. */
static Slot *
find(Slot *slots, size_t slot_count, KeyHash hash)
{
    size_t at = hash.low & (slot_count - 1);

    while (
        slots[at].line != 0 && (slots[at].hash.low != hash.low || slots[at].hash.high != hash.high))
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static bool
grow(KeyIndex *index)
{
    size_t slot_count = index->slot_count == 0 ? FIRST_SLOTS : index->slot_count * 2;
    Slot *slots;

    if (!key_budget_take(index->budget, slot_count * sizeof(Slot)))
        return false;
    slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL)
        abort();
    for (size_t i = 0; i < index->slot_count; i++)
        if (index->slots[i].line != 0)
            *find(slots, slot_count, index->slots[i].hash) = index->slots[i];
    index->budget->used -= index->slot_count * sizeof(Slot);
    free(index->slots);
    index->slots = slots;
    index->slot_count = slot_count;
    return true;
}

static bool
supersede(KeyIndex *index, uint64_t row_id)
{
    uint64_t bit = row_id - 1;

    if (bit / 64 >= index->word_count) {
        size_t count = MAX((size_t)(bit / 64 + 1), index->word_count * 2);
        uint64_t *words;

        if (!key_budget_take(index->budget, (count - index->word_count) * sizeof(uint64_t)))
            return false;
        words = realloc(index->words, count * sizeof(uint64_t));
        if (words == NULL)
            abort();
        memset(words + index->word_count, 0, (count - index->word_count) * sizeof(uint64_t));
        index->words = words;
        index->word_count = count;
    }
    index->words[bit / 64] |= UINT64_C(1) << (bit % 64);
    index->set_count++;
    return true;
}

static bool
supersede_line(KeyIndex *index, uint64_t line)
{
    uint64_t row_id = line & ~HAS_ORIGIN;

    if ((line & HAS_ORIGIN) != 0) {
        if (!supersede(index, row_id - 1))
            return false;
        index->origin_count++;
    }
    return supersede(index, row_id);
}

bool
key_index_add(KeyIndex *index, KeyHash hash, uint64_t row_id, unsigned flags)
{
    Slot *slot;

    if (index->count >= index->slot_count / 4 * 3 && !grow(index))
        return false;
    slot = find(index->slots, index->slot_count, hash);
    if (slot->line != 0) {
        if ((flags & KEY_LINE_BESIDE) == 0 && !supersede_line(index, slot->line))
            return false;
    } else {
        slot->hash = hash;
        index->count++;
    }
    slot->line = row_id | ((flags & KEY_LINE_ORIGIN) != 0 ? HAS_ORIGIN : 0);
    return true;
}

uint64_t
key_index_count(const KeyIndex *index)
{
    return index->count;
}

LineSet
key_index_take(KeyIndex *index, uint64_t line_count)
{
    LineSet set = {NULL, line_count, index->set_count, index->origin_count};

    if (index->set_count > 0) {
        size_t needed = (size_t)((line_count + 63) / 64);

        /* the set goes up to the file's last line */
        set.words = realloc(index->words, MAX(needed, index->word_count) * sizeof(uint64_t));
        if (set.words == NULL)
            abort();
        for (size_t i = index->word_count; i < needed; i++)
            set.words[i] = 0;
        index->words = NULL;
        index->budget->used -= index->word_count * sizeof(uint64_t);
        index->word_count = 0;
    }
    drop(index);
    return set;
}
