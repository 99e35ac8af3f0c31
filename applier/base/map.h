/*
 * map.h - from text to pointer, in insertion order
 *
 * Keys are copied; values belong to the caller. Iterate with map_each().
 */
#pragma once

#include "base/text.h"

typedef struct MapEntry {
    Text key;
    void *value;
    uint64_t hash;
} MapEntry;

typedef struct Map {
    MapEntry *entries; /* in the order of insertion */
    size_t count;
    size_t size;
    uint32_t *slots; /* index + 1 into entries, 0 is free */
    size_t slot_count;
} Map;

#define MAP_INIT ((Map){NULL, 0, 0, NULL, 0})

/* an empty map has no entries at all, and NULL + 0 is not defined */
#define map_each(map, entry)                                                                       \
    for (MapEntry *entry = (map)->entries; entry != NULL && entry < (map)->entries + (map)->count; \
         entry++)

/* Free keys and tables, not the values; usable again. */
void map_clear(Map *map);
/* NULL when the key is absent. */
void *map_get(const Map *map, Text key);
/* Add or replace; returns the value that was there, or NULL. value is not NULL. */
void *map_put(Map *map, Text key, void *value);
