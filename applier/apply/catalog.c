#include "apply/catalog.h"

#include <stdlib.h>

#define NEVER_READ (INT64_C(-2) * CATALOG_KEEP_MS)

typedef struct CatalogEntry {
    Arena *arena;
    TargetTable *table; /* NULL: the target has none */
    int64_t read_ms;
} CatalogEntry;

struct Catalog {
    const Context *context;
    Target *target;
    Map entries; /* "schema\0name" -> CatalogEntry */
};

Catalog *
catalog_new(const Context *context)
{
    Catalog *catalog = calloc(1, sizeof(*catalog));

    if (catalog == NULL)
        abort();
    catalog->context = context;
    return catalog;
}

void
catalog_forget_all(Catalog *catalog)
{
    map_each (&catalog->entries, entry) {
        arena_free(((CatalogEntry *)entry->value)->arena);
        free(entry->value);
    }
    map_clear(&catalog->entries);
}

void
catalog_free(Catalog *catalog)
{
    if (catalog == NULL)
        return;
    catalog_forget_all(catalog);
    target_close(catalog->target);
    free(catalog);
}

static void
entry_key(Text schema, Text name, Buf *key)
{
    buf_add_text(key, schema);
    buf_add_char(key, '\0');
    buf_add_text(key, name);
}

static CatalogEntry *
entry_find(const Catalog *catalog, Text schema, Text name)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;

    entry_key(schema, name, &key);
    return map_get(&catalog->entries, buf_text(&key));
}

bool
catalog_is_stale(const Catalog *catalog, Text schema, Text name)
{
    const CatalogEntry *entry = entry_find(catalog, schema, name);

    return entry == NULL || clock_monotonic_ms() - entry->read_ms > CATALOG_KEEP_MS;
}

void
catalog_forget(Catalog *catalog, Text schema, Text name)
{
    CatalogEntry *entry = entry_find(catalog, schema, name);

    if (entry != NULL)
        entry->read_ms = NEVER_READ;
}

Target *
catalog_target(Catalog *catalog, Error *err)
{
    if (catalog->target == NULL)
        catalog->target =
            catalog->context->target->open(catalog->context->config->target_options, err);
    return catalog->target;
}

void
catalog_disconnect(Catalog *catalog)
{
    target_close(STEAL(catalog->target));
}

static bool
entry_read(Catalog *catalog, CatalogEntry *entry, Text schema, Text name, Error *err)
{
    const TargetDriver *driver = catalog->context->target;

    if (catalog_target(catalog, err) == NULL)
        return false;
    arena_free(entry->arena);
    entry->arena = arena_new();
    entry->table = NULL;
    if (!driver->describe(catalog->target, schema, name, entry->arena, &entry->table, err)) {
        catalog_disconnect(catalog);
        return false;
    }
    entry->read_ms = clock_monotonic_ms();
    return true;
}

bool
catalog_table(Catalog *catalog, Text schema, Text name, const TargetTable **ret_table, Error *err)
{
    CatalogEntry *entry = entry_find(catalog, schema, name);

    if (entry == NULL) {
        CLEANUP(buf_clear) Buf key = BUF_INIT;

        entry = calloc(1, sizeof(*entry));
        if (entry == NULL)
            abort();
        entry->read_ms = NEVER_READ;
        entry_key(schema, name, &key);
        (void)map_put(&catalog->entries, buf_text(&key), entry);
    }
    if (clock_monotonic_ms() - entry->read_ms > CATALOG_KEEP_MS &&
        !entry_read(catalog, entry, schema, name, err))
        return false;
    *ret_table = entry->table;
    return true;
}
