#include "config/section.h"

#include "base/map.h"

typedef struct Reading {
    Document *document;
    const Section *section;
} Reading;

static const char *
option_name(const Reading *reading, Text key)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    /* a key of the file: one line, whatever it holds */
    document_add_shown(&name, key);
    name.data[name.len - 1] = '\0';
    return arena_printf(reading->document->arena, "%s%s%s", reading->section->name,
        reading->section->name[0] == '\0' ? "" : ".", name.data + 1);
}

bool
section_is_empty(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

const yaml_node_t *
section_child(Document *document, const yaml_node_t *node, const char *name)
{
    if (node == NULL || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = document_node(document, pair->key);

        if (key->type == YAML_SCALAR_NODE && text_is(document_raw(key), name))
            return document_node(document, pair->value);
    }
    return NULL;
}

void
guess_name(Guess *guess, const char *name)
{
    size_t distance = field_distance(guess->wanted, text_of(name));

    if (distance <= 1 + guess->wanted.len / 4 &&
        (guess->best == NULL || distance < guess->distance)) {
        guess->best = name;
        guess->distance = distance;
    }
}

void
guess_print(const Guess *guess, Buf *out)
{
    if (guess->best != NULL)
        buf_addf(out, ", did you mean %s?", guess->best);
}

/* A field's name as the file spells it under this prefix, or NULL when it belongs elsewhere. */
static const char *
name_in_file(const SectionTable *table, const Field *field)
{
    const char *name;

    if (!text_starts_with(text_of(field->name), table->prefix))
        return NULL;
    name = field->name + strlen(table->prefix);
    return strchr(name, '.') == NULL ? name : NULL;
}

static const Field *
find_field(const Section *section, Text key, const SectionTable **ret_table)
{
    for (size_t i = 0; i < section->table_count; i++) {
        const SectionTable *table = &section->tables[i];

        for (const Field *field = table->fields; field->name != NULL; field++) {
            const char *name = name_in_file(table, field);

            if (name != NULL && text_is(key, name)) {
                *ret_table = table;
                return field;
            }
        }
    }
    return NULL;
}

static void
note_unknown(const Reading *reading, const yaml_node_t *key)
{
    const Section *section = reading->section;
    CLEANUP(buf_clear) Buf hint = BUF_INIT;
    Guess guess = {.wanted = document_raw(key)};

    if (section->open)
        return;
    for (size_t i = 0; i < section->table_count; i++) {
        for (const Field *field = section->tables[i].fields; field->name != NULL; field++) {
            const char *name = name_in_file(&section->tables[i], field);

            if (name != NULL)
                guess_name(&guess, name);
        }
    }
    for (size_t i = 0; section->others != NULL && section->others[i] != NULL; i++)
        guess_name(&guess, section->others[i]);
    guess_print(&guess, &hint);
    document_mistake(reading->document, key, option_name(reading, guess.wanted), "unknown option%s",
        buf_string(&hint));
}

static bool
is_other(const Section *section, Text key)
{
    for (size_t i = 0; section->others != NULL && section->others[i] != NULL; i++) {
        if (text_is(key, section->others[i]))
            return true;
    }
    return false;
}

/* "option: ", that is: nothing or YAML's null. */
static bool
is_null(const Field *field, const yaml_node_t *node)
{
    Text raw = document_raw(node);

    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    if (raw.len == 0)
        return true;
    return (field->flags & FIELD_NULL_WORD) == 0 && (text_is(raw, "~") || text_is(raw, "null"));
}

/* A text or a number; a mistake is noted when it is none. */
static bool
read_text(const Reading *reading, const Field *field, const yaml_node_t *node, const char *option,
    Text *ret_text)
{
    Document *document = reading->document;

    if (node->type != YAML_SCALAR_NODE) {
        CLEANUP(buf_clear) Buf type = BUF_INIT;

        if (field->type == FIELD_LIST || field->type == FIELD_MAP)
            buf_add_string(&type, "text");
        else
            field_describe_type(field, &type);
        document_mistake(document, node, option, "a %s where one value belongs (%s)",
            node->type == YAML_MAPPING_NODE ? "mapping" : "list", type.data);
        return false;
    }
    if (is_null(field, node)) {
        document_mistake(
            document, node, option, "no value (leave the option out, or put a text in quotes)");
        return false;
    }
    return document_text(document, node, option, (field->flags & FIELD_SECRET) != 0, ret_text);
}

static bool
has_nul(Document *document, const yaml_node_t *node, const char *option, Text text)
{
    if (text.len == 0 || memchr(text.data, '\0', text.len) == NULL)
        return false;
    document_mistake(document, node, option, "a text holds a NUL byte");
    return true;
}

static void
read_list(const Reading *reading, const Field *field, const yaml_node_t *node, const char *option,
    TextList *list)
{
    Document *document = reading->document;
    bool single = node->type == YAML_SCALAR_NODE;
    size_t count = 1;
    Text text;

    if (node->type == YAML_MAPPING_NODE) {
        document_mistake(document, node, option, "a mapping where a list belongs");
        return;
    }
    if (!single)
        count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (count == 0 && (field->flags & FIELD_FILLED) != 0) {
        document_mistake(document, node, option, "the list is empty");
        return;
    }
    *list = (TextList){ARENA_ARRAY(document->arena, const char *, count + 1), 0};
    for (size_t i = 0; i < count; i++) {
        const yaml_node_t *item =
            single ? node : document_node(document, node->data.sequence.items.start[i]);

        if (!read_text(reading, field, item, option, &text) ||
            has_nul(document, item, option, text))
            continue;
        if (text.len == 0)
            document_mistake(document, item, option, "an empty text in the list");
        else
            list->items[list->count++] = text.data;
    }
}

static void
read_map(const Reading *reading, const Field *field, const yaml_node_t *node, const char *option,
    TextMap *map)
{
    Document *document = reading->document;
    Map seen = MAP_INIT;
    size_t count;

    if (section_is_empty(node))
        return;
    if (node->type != YAML_MAPPING_NODE) {
        document_mistake(document, node, option, "is not a mapping such as {old: new}");
        return;
    }
    count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    *map = (TextMap){ARENA_ARRAY(document->arena, const char *, count + 1),
        ARENA_ARRAY(document->arena, const char *, count + 1), 0};
    for (size_t i = 0; i < count; i++) {
        const yaml_node_pair_t *pair = node->data.mapping.pairs.start + i;
        const yaml_node_t *key_node = document_node(document, pair->key);
        const yaml_node_t *value_node = document_node(document, pair->value);
        Text key;
        Text value;

        if (!read_text(reading, field, key_node, option, &key) ||
            !read_text(reading, field, value_node, option, &value) ||
            has_nul(document, key_node, option, key) ||
            has_nul(document, value_node, option, value))
            continue;
        if (key.len == 0 || value.len == 0) {
            document_mistake(document, key_node, option, "an empty name");
        } else if (map_put(&seen, key, map) != NULL) {
            document_mistake(document, key_node, option, "the same name is given twice");
        } else {
            map->keys[map->count] = key.data;
            map->values[map->count++] = value.data;
        }
    }
    map_clear(&seen);
}

static void
read_field(const Reading *reading, const Field *field, void *base, const yaml_node_t *node,
    const char *option)
{
    Document *document = reading->document;
    CLEANUP(buf_clear) Buf shown = BUF_INIT;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    void *to = (char *)base + field->offset;
    Text text;

    if (field->type == FIELD_LIST) {
        read_list(reading, field, node, option, to);
        return;
    }
    if (field->type == FIELD_MAP) {
        read_map(reading, field, node, option, to);
        return;
    }
    if (!read_text(reading, field, node, option, &text))
        return;
    if (field_parse(field, text, document->directory, document->arena, base, &reason))
        return;
    /* what a variable or a file gave is not shown: it may be meant for a secret option */
    if ((field->flags & FIELD_SECRET) != 0)
        buf_add_string(&shown, "the value");
    else
        document_add_shown(&shown, document_raw(node));
    document_mistake(document, node, option, "%s %s", shown.data, reason.data);
}

static void
read_pair(const Reading *reading, const yaml_node_t *key, const yaml_node_t *value, Map *seen)
{
    const SectionTable *table = NULL;
    const Field *field;
    const yaml_node_t *first;
    Text name;

    if (key->type != YAML_SCALAR_NODE) {
        document_mistake(reading->document, key,
            reading->section->name[0] == '\0' ? "top level" : reading->section->name,
            "an option's name must be a text");
        return;
    }
    name = document_raw(key);
    first = map_get(seen, name);
    if (first != NULL) {
        document_mistake(reading->document, key, option_name(reading, name),
            "given twice, first in line %zu", first->start_mark.line + 1);
        return;
    }
    /* the map only points at the node */
    (void)map_put(seen, name, (void *)(uintptr_t)key);
    field = find_field(reading->section, name, &table);
    if (field != NULL)
        read_field(reading, field, table->base, value, option_name(reading, name));
    else if (!is_other(reading->section, name))
        note_unknown(reading, key);
}

static void
note_missing(const Reading *reading, const yaml_node_t *node, const Map *seen)
{
    const Section *section = reading->section;

    for (size_t i = 0; i < section->table_count; i++) {
        for (const Field *field = section->tables[i].fields; field->name != NULL; field++) {
            const char *name = name_in_file(&section->tables[i], field);

            if (name != NULL && (field->flags & FIELD_REQUIRED) != 0 &&
                map_get(seen, text_of(name)) == NULL)
                document_mistake(reading->document, node, option_name(reading, text_of(name)),
                    "missing, it must be given");
        }
    }
}

void
section_read(
    Document *document, const yaml_node_t *node, const yaml_node_t *above, const Section *section)
{
    Reading reading = {document, section};
    Map seen = MAP_INIT;

    if (node != NULL && node->type != YAML_MAPPING_NODE && !section_is_empty(node)) {
        document_mistake(document, node, section->name[0] == '\0' ? "top level" : section->name,
            "is not a mapping of options");
        return;
    }
    if (node != NULL && node->type == YAML_MAPPING_NODE) {
        for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
             pair < node->data.mapping.pairs.top; pair++)
            read_pair(&reading, document_node(document, pair->key),
                document_node(document, pair->value), &seen);
    }
    note_missing(&reading, node == NULL ? above : node, &seen);
    map_clear(&seen);
}
