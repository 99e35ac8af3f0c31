#include "event/rule.h"

#include <stdlib.h>

#include "config/table_name.h"

static void
add_full_name(Buf *out, Text schema, Text table)
{
    if (schema.len > 0) {
        buf_add_text(out, schema);
        buf_add_char(out, '.');
    }
    buf_add_text(out, table);
}

static bool
glob(Text text, Text pattern)
{
    char *copy = text_dup(pattern);
    bool match = copy != NULL && text_glob(text, copy);

    free(copy);
    return match;
}

const TableRule *
rule_find(const TableRules *rules, Text schema, Text table)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    add_full_name(&name, schema, table);
    for (size_t i = 0; i < rules->count; i++) {
        if (glob(buf_text(&name), rules->rules[i].match))
            return &rules->rules[i];
    }
    return NULL;
}

void
rule_target(
    const TableRule *rule, Text schema, Text table, Arena *arena, Text *ret_schema, Text *ret_table)
{
    Text schema_part;
    Text table_part;
    Error ignored;

    /* config_load() refuses a target that cannot be split */
    if (rule == NULL || rule->target.data == NULL ||
        !table_name_split(rule->target, arena, &schema_part, &table_part, &ignored)) {
        *ret_schema = arena_text(arena, schema.data == NULL ? TEXT("") : schema);
        *ret_table = arena_text(arena, table);
        return;
    }
    *ret_schema = table_name_fill(schema_part, schema, table, arena);
    *ret_table = table_name_fill(table_part, schema, table, arena);
}

/* "table public.orders: rule in line 12" in front of what was set. */
static bool
wrap(Error *err, const TableRule *rule, const Table *table)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    add_full_name(&name, table->schema, table->name);
    if (rule == NULL)
        return error_wrap(err, "table %s", name.data);
    return error_wrap(err, "table %s: rule in line %d", name.data, rule->line);
}

bool
rule_skips_column(const TableRule *rule, Text column)
{
    for (size_t i = 0; rule != NULL && i < rule->skip_column_count; i++) {
        if (glob(column, rule->skip_columns[i]))
            return true;
    }
    return false;
}

Text
rule_column_name(const TableRule *rule, Text column)
{
    for (size_t i = 0; rule != NULL && i < rule->rename_count; i++) {
        if (text_equal(rule->renames[i].from, column))
            return rule->renames[i].to;
    }
    return column;
}

static OutColumn *
find_column(const OutTable *out, Text name)
{
    for (size_t i = 0; i < out->column_count; i++) {
        if (text_equal(out->columns[i].name, name))
            return &out->columns[i];
    }
    return NULL;
}

static bool
fill_columns(const TableRule *rule, const Table *table, OutTable *out, Arena *arena, Error *err)
{
    out->columns = ARENA_ARRAY(arena, OutColumn, table->column_count);
    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];
        Text name = rule_column_name(rule, column->name);
        const OutColumn *other;

        if (rule_skips_column(rule, column->name))
            continue;
        other = find_column(out, name);
        if (other != NULL)
            return error_set(err, ERR_CONFIG,
                "columns " TEXT_FMT " and " TEXT_FMT " both become " TEXT_FMT,
                TEXT_ARG(table->columns[other->source_index].name), TEXT_ARG(column->name),
                TEXT_ARG(name));
        out->columns[out->column_count++] = (OutColumn){
            .name = arena_text(arena, name),
            .source_type = arena_text(arena, column->type),
            .logical = column->logical,
            .source_index = i,
            .may_omit = column->may_omit,
        };
    }
    if (table->column_count == 0)
        return error_set(err, ERR_CONFIG, "the table has no columns");
    if (out->column_count == 0)
        return error_set(err, ERR_CONFIG, "columns.skip leaves no column");
    return true;
}

static void
add_key(OutTable *out, OutColumn *column)
{
    column->in_key = true;
    out->key[out->key_count++] = (size_t)(column - out->columns);
}

/* The rule's key: names after renaming. */
static bool
key_of_rule(const TableRule *rule, const Table *table, OutTable *out, Error *err)
{
    for (size_t i = 0; i < rule->key_count; i++) {
        OutColumn *column = find_column(out, rule->key[i]);

        if (column != NULL && column->in_key)
            continue;
        if (column != NULL) {
            add_key(out, column);
            continue;
        }
        for (size_t j = 0; j < table->column_count; j++) {
            if (text_equal(rule_column_name(rule, table->columns[j].name), rule->key[i]))
                return error_set(err, ERR_CONFIG, "key column " TEXT_FMT " is in columns.skip",
                    TEXT_ARG(rule->key[i]));
        }
        return error_set(
            err, ERR_CONFIG, "key column " TEXT_FMT " is not in the table", TEXT_ARG(rule->key[i]));
    }
    return true;
}

static bool
key_of_source(const Table *table, OutTable *out, Error *err)
{
    size_t at = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        bool kept = at < out->column_count && out->columns[at].source_index == i;

        if (table->columns[i].in_key && !kept)
            return error_set(err, ERR_CONFIG,
                "key column " TEXT_FMT " is in columns.skip, and the rule names no other key",
                TEXT_ARG(table->columns[i].name));
        if (table->columns[i].in_key)
            add_key(out, &out->columns[at]);
        at += kept ? 1 : 0;
    }
    return true;
}

/* The target's key counts only when all of it is carried: a key that the target fills by itself
 * (an identity column) tells nothing about source rows. */
static void
key_of_target(const Text *names, size_t count, OutTable *out)
{
    for (size_t i = 0; i < count; i++) {
        OutColumn *column = find_column(out, names[i]);

        for (size_t j = 0; column == NULL && j < out->column_count; j++) {
            if (text_equal_nocase(out->columns[j].name, names[i]))
                column = &out->columns[j];
        }
        if (column == NULL || column->in_key) {
            for (size_t j = 0; j < out->key_count; j++)
                out->columns[out->key[j]].in_key = false;
            out->key_count = 0;
            return;
        }
        add_key(out, column);
    }
}

OutTable *
rule_apply(const TableRule *rule, const Table *table, const Text *target_key,
    size_t target_key_count, Arena *arena, Error *err)
{
    OutTable *out = ARENA_NEW(arena, OutTable);
    bool ok = true;

    out->id = table->id;
    out->rule = rule;
    out->source_schema = arena_text(arena, table->schema.data == NULL ? TEXT("") : table->schema);
    out->source_name = arena_text(arena, table->name);
    rule_target(rule, table->schema, table->name, arena, &out->target_schema, &out->target_name);
    if (!fill_columns(rule, table, out, arena, err)) {
        (void)wrap(err, rule, table);
        return NULL;
    }
    out->key = ARENA_ARRAY(arena, size_t, out->column_count);
    if (rule != NULL && rule->key_count > 0)
        ok = key_of_rule(rule, table, out, err);
    else if (table->has_key)
        ok = key_of_source(table, out, err);
    else
        key_of_target(target_key, target_key_count, out);
    if (!ok) {
        (void)wrap(err, rule, table);
        return NULL;
    }
    return out;
}
