#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <xxhash.h>

void
map_clear(Map *map)
{
    map_each (map, entry)
        free((void *)(uintptr_t)entry->key.data);
    free(map->entries);
    free(map->slots);
    *map = MAP_INIT;
}

/* The slot that holds the key, or the free one where it belongs. slot_count is a power of two. */
static uint32_t *
map_slot(const Map *map, Text key, uint64_t hash)
{
    size_t at = hash & (map->slot_count - 1);

    for (;; at = (at + 1) & (map->slot_count - 1)) {
        const MapEntry *entry;

        if (map->slots[at] == 0)
            return &map->slots[at];
        entry = &map->entries[map->slots[at] - 1];
        if (entry->hash == hash && text_equal(entry->key, key))
            return &map->slots[at];
    }
}

static void
map_grow(Map *map)
{
    map->size = MAX((size_t)8, map->size * 2);
    map->entries = realloc(map->entries, map->size * sizeof(*map->entries));
    free(map->slots);
    map->slot_count = map->size * 2;
    map->slots = calloc(map->slot_count, sizeof(*map->slots));
    if (map->entries == NULL || map->slots == NULL)
        abort();
    for (size_t i = 0; i < map->count; i++)
        *map_slot(map, map->entries[i].key, map->entries[i].hash) = (uint32_t)i + 1;
}

void *
map_get(const Map *map, Text key)
{
    const uint32_t *slot;

    if (map->count == 0)
        return NULL;
    slot = map_slot(map, key, XXH3_64bits(key.data, key.len));
    return *slot == 0 ? NULL : map->entries[*slot - 1].value;
}

void *
map_put(Map *map, Text key, void *value)
{
    uint64_t hash = XXH3_64bits(key.data, key.len);
    uint32_t *slot;

    assert(value != NULL && key.data != NULL);
    if (map->count == map->size)
        map_grow(map);
    slot = map_slot(map, key, hash);
    if (*slot != 0) {
        void *before = map->entries[*slot - 1].value;

        map->entries[*slot - 1].value = value;
        return before;
    }
    map->entries[map->count] = (MapEntry){{text_dup(key), key.len}, value, hash};
    *slot = (uint32_t)++map->count;
    return NULL;
}
