#include "apply/router.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct Route {
    uint64_t id; /* of the shape */
    int64_t made_ms;
    Arena *arena;
    OutTable *out; /* NULL: skipped */
} Route;

struct Router {
    const Context *context;
    Catalog *catalog;
    Route *routes; /* few: one a table shape; the last one used is tried first */
    size_t count;
    size_t last;
    Map targets; /* "schema\0table" in the target -> RouteOwner */
};

/* The source table that a target table belongs to. */
typedef struct RouteOwner {
    char *source; /* "schema.table" */
    bool shared;
} RouteOwner;

Router *
router_new(const Context *context)
{
    Router *router = calloc(1, sizeof(*router));

    if (router == NULL)
        abort();
    router->context = context;
    router->catalog = catalog_new(context);
    return router;
}

void
router_free(Router *router)
{
    if (router == NULL)
        return;
    for (size_t i = 0; i < router->count; i++)
        arena_free(router->routes[i].arena);
    free(router->routes);
    map_each (&router->targets, entry) {
        RouteOwner *owner = entry->value;

        free(owner->source);
        free(owner);
    }
    map_clear(&router->targets);
    catalog_free(router->catalog);
    free(router);
}

bool
router_skips(const Router *router, Text schema, Text table)
{
    const TableRule *rule = rule_find(&router->context->config->tables, schema, table);

    return rule != NULL && rule->skip;
}

/* A target table has one source table, unless every rule that leads to it says shared. */
static bool
claim_target(Router *router, const OutTable *out, Error *err)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    CLEANUP(buf_clear) Buf source = BUF_INIT;
    bool shared = out->rule != NULL && out->rule->shared;
    RouteOwner *owner;

    if (router->context->target->sql->has_schemas)
        buf_add_text(&key, out->target_schema);
    buf_add_char(&key, '\0');
    buf_add_text(&key, out->target_name);
    buf_addf(
        &source, TEXT_FMT "." TEXT_FMT, TEXT_ARG(out->source_schema), TEXT_ARG(out->source_name));
    owner = map_get(&router->targets, buf_text(&key));
    if (owner == NULL) {
        owner = calloc(1, sizeof(*owner));
        if (owner == NULL)
            abort();
        owner->source = buf_steal(&source);
        owner->shared = shared;
        (void)map_put(&router->targets, buf_text(&key), owner);
        return true;
    }
    if (text_is(buf_text(&source), owner->source) || (shared && owner->shared))
        return true;
    return error_set(err, ERR_CONFIG,
        "tables %s and %s both go to the target table " TEXT_FMT
        ": write a rule with another target: for one, or shared: true in the rules of both",
        owner->source, source.data, TEXT_ARG(out->target_name));
}

static void
target_key(const TargetTable *base, Arena *arena, Text **ret_names, size_t *ret_count)
{
    *ret_count = base == NULL ? 0 : base->key_count;
    *ret_names = ARENA_ARRAY(arena, Text, *ret_count + 1);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_names)[i] = base->columns[base->key[i]].name;
}

/* Types that the source did not tell come from the target's column. */
static void
resolve_types(const Context *context, OutTable *out, const TargetTable *base)
{
    for (size_t i = 0; base != NULL && i < out->column_count; i++) {
        OutColumn *column = &out->columns[i];
        const TargetColumn *target =
            target_table_column(base, column->name, context->target->sql->fold_names);

        if (column->logical == LOGICAL_UNKNOWN && target != NULL)
            column->logical = target->logical;
    }
}

static bool
route_make(Router *router, const Table *table, Route *route, Error *err)
{
    const Context *context = router->context;
    const TableRule *rule = rule_find(&context->config->tables, table->schema, table->name);
    const Script *script = context_script(context, rule);
    const TargetTable *base = NULL;
    Text schema;
    Text name;
    Text *key;
    size_t key_count;

    if (rule != NULL && rule->skip)
        return true;
    rule_target(rule, table->schema, table->name, route->arena, &schema, &name);
    if (!catalog_table(router->catalog, schema, name, &base, err))
        return false;
    target_key(base, route->arena, &key, &key_count);
    route->out = rule_apply(rule, table, key, key_count, route->arena, err);
    if (route->out == NULL || !claim_target(router, route->out, err))
        return false;
    resolve_types(context, route->out, base);
    route->out->all_lines = script->all_lines || !script->streams;
    if (route->out->key_count == 0 && script->needs_key)
        return error_set(err, ERR_CONFIG,
            "table " TEXT_FMT "." TEXT_FMT
            " has no key, which %s needs: write a rule with key: [column, …], or with "
            "merge_script: append.sql",
            TEXT_ARG(table->schema), TEXT_ARG(table->name), script->path);
    return true;
}

bool
router_table(Router *router, const Table *table, const OutTable **ret_out, Error *err)
{
    Route route = {.id = table->id, .made_ms = clock_monotonic_ms()};

    if (router->last < router->count && router->routes[router->last].id == table->id) {
        *ret_out = router->routes[router->last].out;
        return true;
    }
    for (size_t i = 0; i < router->count; i++)
        if (router->routes[i].id == table->id) {
            router->last = i;
            *ret_out = router->routes[i].out;
            return true;
        }
    route.arena = arena_new();
    if (!route_make(router, table, &route, err)) {
        arena_free(route.arena);
        return false;
    }
    router->routes = realloc(router->routes, (router->count + 1) * sizeof(*router->routes));
    if (router->routes == NULL)
        abort();
    router->last = router->count;
    router->routes[router->count++] = route;
    *ret_out = route.out;
    return true;
}

void
router_forget_old(Router *router)
{
    int64_t now = clock_monotonic_ms();

    for (size_t i = 0; i < router->count;) {
        if (now - router->routes[i].made_ms <= CATALOG_KEEP_MS) {
            i++;
            continue;
        }
        arena_free(router->routes[i].arena);
        router->routes[i] = router->routes[--router->count];
    }
}
