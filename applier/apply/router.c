#include "apply/router.h"

#include <stdlib.h>

#include "apply/schema/change.h"
#include "base/log.h"
#include "target/bootstrap_state.h"

/* Do changes of a source table count? */
typedef enum GateKind {
    GATE_OPEN,
    GATE_SHUT,   /* never */
    GATE_BEHIND, /* only those at or behind a position */
} GateKind;

typedef struct Gate {
    GateKind kind;
    Text position; /* GATE_BEHIND, and GATE_OPEN that was it; else TEXT_NONE */
} Gate;

typedef struct Route {
    Gate *gate;
    Arena *arena;
    const OutTable *out; /* NULL as long as no change of this shape counted */
} Route;

/* The source table that a target table belongs to. */
typedef struct RouteOwner {
    char *source; /* "schema.table" */
    bool shared;
} RouteOwner;

struct Router {
    const Context *context;
    RouterOptions options;
    Catalog *catalog;
    SchemaWatch *watch;
    Map routes; /* id of a shape, its bytes -> Route */
    Route *last;
    uint64_t last_id;
    Map gates;        /* "schema\0table" in the source -> Gate */
    Arena *arena;     /* of gates and states */
    int64_t asked_ms; /* when the oldest of all this was made; 0: there is nothing */
    const BootstrapState *states;
    size_t state_count;
    bool states_known;
    Buf position;        /* of the last transaction that was asked for */
    size_t opened_count; /* gates that a position opened */
    Map told;            /* "schema.table": its bootstrap is not ready, which was logged */
    Map targets;         /* "schema\0table" in the target -> RouteOwner */
};

Router *
router_new(const Context *context, const RouterOptions *options)
{
    Router *router = calloc(1, sizeof(*router));

    if (router == NULL)
        abort();
    router->context = context;
    if (options != NULL)
        router->options = *options;
    router->catalog = catalog_new(context);
    router->watch =
        schema_watch_new(context, !router->options.embedded && !router->options.look_only);
    return router;
}

static void
forget_routes(Router *router)
{
    map_each (&router->routes, entry) {
        Route *route = entry->value;

        arena_free(route->arena);
        free(route);
    }
    map_clear(&router->routes);
    map_clear(&router->gates);
    arena_free(STEAL(router->arena));
    router->last = NULL;
    router->states = NULL;
    router->state_count = 0;
    router->states_known = false;
    router->opened_count = 0;
    router->asked_ms = 0;
}

void
router_free(Router *router)
{
    if (router == NULL)
        return;
    forget_routes(router);
    map_each (&router->targets, entry) {
        RouteOwner *owner = entry->value;

        free(owner->source);
        free(owner);
    }
    map_clear(&router->targets);
    map_clear(&router->told);
    buf_clear(&router->position);
    schema_watch_free(router->watch);
    catalog_free(router->catalog);
    free(router);
}

void
router_forget_old(Router *router)
{
    if (router->asked_ms != 0 && clock_monotonic_ms() - router->asked_ms > CATALOG_KEEP_MS)
        forget_routes(router);
}

void
router_forget_all(Router *router)
{
    forget_routes(router);
    catalog_forget_all(router->catalog);
}

/* ---- gates ---------------------------------------------------------------------------------- */

static bool
is_left_out(const Router *router, Text schema, Text table)
{
    const TableRule *rule = rule_find(&router->context->config->tables, schema, table);
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    if (rule != NULL && rule->skip)
        return true;
    if (router->options.only == NULL)
        return false;
    buf_addf(&name, TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(table));
    for (size_t i = 0; i < router->options.only_count; i++)
        if (text_equal(router->options.only[i], buf_text(&name)))
            return false;
    return true;
}

static bool
read_states(Router *router, Error *err)
{
    const Context *context = router->context;
    BootstrapState *states = NULL;
    Target *target;

    if (router->states_known || router->options.embedded || router->options.look_only ||
        context->source->compare == NULL)
        return true;
    target = catalog_target(router->catalog, err);
    if (target == NULL)
        return false;
    if (!bootstrap_state_read(target, text_of(context->config->target.position_schema),
            text_of(context->config->service), router->arena, &states, &router->state_count, err)) {
        router->state_count = 0;
        catalog_disconnect(router->catalog);
        return error_wrap(err, "dray_bootstrap");
    }
    router->states = states;
    router->states_known = true;
    return true;
}

static void
tell_copying(Router *router, Text schema, Text table)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_addf(&name, TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(table));
    if (map_put(&router->told, buf_text(&name), router) != NULL)
        return;
    log_line(LOG_WARN, "reader",
        "table %s: its bootstrap is not finished, its changes are passed over until it is: where "
        "dray bootstrap is not running any more, run it again for this table",
        name.data);
}

static void
set_gate(Router *router, Text schema, Text table, Gate *gate)
{
    if (is_left_out(router, schema, table)) {
        gate->kind = GATE_SHUT;
        return;
    }
    for (size_t i = 0; i < router->state_count; i++) {
        const BootstrapState *state = &router->states[i];

        if (!text_equal(state->schema, schema) || !text_equal(state->table, table))
            continue;
        if (state->phase == BOOTSTRAP_COPYING) {
            gate->kind = GATE_SHUT;
            tell_copying(router, schema, table);
        } else {
            gate->kind = GATE_BEHIND;
            gate->position = state->position;
        }
        return;
    }
}

static bool
find_gate(Router *router, Text schema, Text table, Gate **ret_gate, Error *err)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;

    if (router->arena == NULL) {
        router->arena = arena_new();
        router->asked_ms = clock_monotonic_ms();
    }
    buf_add_text(&key, schema);
    buf_add_char(&key, '\0');
    buf_add_text(&key, table);
    *ret_gate = map_get(&router->gates, buf_text(&key));
    if (*ret_gate != NULL)
        return true;
    if (!read_states(router, err))
        return false;
    *ret_gate = ARENA_NEW(router->arena, Gate);
    set_gate(router, schema, table, *ret_gate);
    (void)map_put(&router->gates, buf_text(&key), *ret_gate);
    return true;
}

/* Transactions come in the order of their positions, but for a source that was opened again. */
static void
note_position(Router *router, Text position)
{
    int (*compare)(Text a, Text b) = router->context->source->compare;

    if (position.len == 0 || compare == NULL || text_equal(position, buf_text(&router->position)))
        return;
    if (router->opened_count > 0 && compare(position, buf_text(&router->position)) < 0) {
        map_each (&router->gates, entry) {
            Gate *gate = entry->value;

            if (gate->position.data != NULL)
                gate->kind = GATE_BEHIND;
        }
        router->opened_count = 0;
    }
    buf_reset(&router->position, SIZE_MAX);
    buf_add_text(&router->position, position);
}

static bool
gate_lets_pass(Router *router, Gate *gate, Text position, Text own)
{
    int (*compare)(Text a, Text b) = router->context->source->compare;

    if (gate->kind != GATE_BEHIND || position.len == 0)
        return gate->kind == GATE_OPEN;
    if (compare(position, gate->position) >= 0) {
        gate->kind = GATE_OPEN;
        router->opened_count++;
        return true;
    }
    /* others of this transaction may be in the snapshot: the gate stays as it is */
    return own.len > 0 && compare(own, gate->position) >= 0;
}

bool
router_truncates(
    Router *router, Text schema, Text table, Text position, Text own, bool *ret_counts, Error *err)
{
    Gate *gate;

    note_position(router, position);
    if (!find_gate(router, schema, table, &gate, err))
        return false;
    *ret_counts = gate_lets_pass(router, gate, position, own);
    return true;
}

/* ---- routes --------------------------------------------------------------------------------- */

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

/* shape has its table, places and arena; NULL on failure. */
static OutTable *
route_make(Router *router, SchemaShape *shape, Error *err)
{
    const Context *context = router->context;
    const Table *table = shape->table;
    const TableRule *rule = rule_find(&context->config->tables, table->schema, table->name);
    const Script *script = context_script(context, rule);
    const TargetTable *base = NULL;
    OutTable *out;
    Text schema;
    Text name;
    Text *key;
    size_t key_count;

    rule_target(rule, table->schema, table->name, shape->arena, &schema, &name);
    if (!catalog_table(router->catalog, schema, name, &base, err))
        return NULL;
    target_key(base, shape->arena, &key, &key_count);
    out = rule_apply(rule, table, key, key_count, shape->arena, err);
    if (out == NULL || !claim_target(router, out, err))
        return NULL;
    shape->out = out;
    shape->target = base;
    if (!router->options.look_only &&
        !schema_watch_admit(router->watch, router->catalog, shape, &base, err)) {
        catalog_forget(router->catalog, schema, name);
        return NULL;
    }
    resolve_types(context, out, base);
    out->all_lines = script->all_lines || !script->streams;
    out->distinguish_updates = script->distinguishes;
    if (out->key_count == 0 && script->needs_key) {
        (void)error_set(err, ERR_CONFIG,
            "table " TEXT_FMT "." TEXT_FMT
            " has no key, which %s needs: write a rule with key: [column, …], or with "
            "merge_script: append.sql",
            TEXT_ARG(table->schema), TEXT_ARG(table->name), script->path);
        return NULL;
    }
    return out;
}

static Text
id_key(const uint64_t *id)
{
    return (Text){(const char *)id, sizeof(*id)};
}

static bool
find_route(Router *router, const Table *table, Route **ret_route, Error *err)
{
    Gate *gate;

    *ret_route = map_get(&router->routes, id_key(&table->id));
    if (*ret_route != NULL)
        return true;
    if (!find_gate(router, table->schema, table->name, &gate, err))
        return false;
    *ret_route = calloc(1, sizeof(**ret_route));
    if (*ret_route == NULL)
        abort();
    (*ret_route)->gate = gate;
    (void)map_put(&router->routes, id_key(&table->id), *ret_route);
    return true;
}

bool
router_table(Router *router, const Table *table, Text position, Text own, const OutTable **ret_out,
    Error *err)
{
    CLEANUP(arena_free) Arena *arena = NULL;
    Route *route = router->last;

    note_position(router, position);
    if ((route == NULL || router->last_id != table->id) && !find_route(router, table, &route, err))
        return false;
    router->last = route;
    router->last_id = table->id;
    *ret_out = NULL;
    if (!gate_lets_pass(router, route->gate, position, own))
        return true;
    if (route->out == NULL) {
        SchemaShape shape = {
            .table = table, .position = position, .snapshot = route->gate->position};

        arena = arena_new();
        shape.arena = arena;
        route->out = route_make(router, &shape, err);
        if (route->out == NULL)
            return false;
        route->arena = STEAL(arena);
    }
    *ret_out = route->out;
    return true;
}
