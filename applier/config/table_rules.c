#include "config/table_rules.h"

#include "base/map.h"
#include "config/section.h"
#include "config/table_name.h"

/* A rule as the file has it. */
typedef struct RuleOptions {
    const char *match;
    bool skip;
    bool shared;
    const char *target;
    TextList key;
    const char *merge_script;
    int schema_changes;
    TextList skip_columns;
    TextMap renames;
} RuleOptions;

#define AT(member) offsetof(RuleOptions, member)

const Field config_table_rule_fields[] = {
    {"match", FIELD_TEXT, AT(match), NULL, 0, 0, NULL, FIELD_REQUIRED | FIELD_FILLED,
        "A glob (* ? [a-z]) over schema.table of the source; over the table's name alone where "
        "the source has no schemas."},
    {"skip", FIELD_BOOL, AT(skip), "false", 0, 0, NULL, 0, "Leave these tables out."},
    {"shared", FIELD_BOOL, AT(shared), "false", 0, 0, NULL, 0,
        "Several source tables may meet in one target table; every rule that leads there must "
        "say so."},
    {"target", FIELD_TEXT, AT(target), NULL, 0, 0, NULL, FIELD_FILLED,
        "The target table, schema.table or table alone (in the connection's own schema), with "
        "%%SCHEMA%% and %%TABLE%% for the source's names; a name that holds a dot stands in "
        "double quotes. Without it schema and name are the source's."},
    {"key", FIELD_LIST, AT(key), NULL, 0, 0, NULL, FIELD_FILLED,
        "The key columns by their names in the target. Without it the source's key is taken, and "
        "where the source tells none the primary key of the target table."},
    {"merge_script", FIELD_TEXT, AT(merge_script), NULL, 0, 0, NULL, FIELD_FILLED,
        "The merge script of these tables. Without it target.merge_script is taken."},
    {"schema_changes", FIELD_CHOICE, AT(schema_changes), "inherit", 0, 0,
        "inherit|stop|add_columns|ignore", 0,
        "As target.schema_changes, for these tables; inherit: as there."},
    {"columns.skip", FIELD_LIST, AT(skip_columns), NULL, 0, 0, NULL, 0,
        "Globs over source column names that are left out."},
    {"columns.rename", FIELD_MAP, AT(renames), NULL, 0, 0, NULL, 0,
        "Column names in the source and the names they have in the target."},
    {NULL},
};

/* Where in the file a rule's options stand, for what is found after they were read. */
typedef struct RuleNode {
    Document *document;
    const yaml_node_t *rule;
    const yaml_node_t *columns;
} RuleNode;

static const yaml_node_t *
option_node(const RuleNode *node, const char *name)
{
    const yaml_node_t *option = section_child(node->document, node->rule, name);

    return option == NULL ? node->rule : option;
}

static Text *
texts_of(const TextList *list, Arena *arena)
{
    Text *texts = ARENA_ARRAY(arena, Text, list->count);

    for (size_t i = 0; i < list->count; i++)
        texts[i] = text_of(list->items[i]);
    return texts;
}

static void
check_target(const RuleNode *node, const char *target)
{
    Text schema;
    Text table;
    Error err;

    if (target != NULL &&
        !table_name_split(text_of(target), node->document->arena, &schema, &table, &err))
        document_mistake(
            node->document, option_node(node, "target"), "tables.target", "%s", err.text);
}

static void
check_key(const RuleNode *node, const TextList *key)
{
    Map seen = MAP_INIT;

    for (size_t i = 0; i < key->count; i++) {
        if (map_put(&seen, text_of(key->items[i]), &seen) != NULL) {
            CLEANUP(buf_clear) Buf shown = BUF_INIT;

            document_add_shown(&shown, text_of(key->items[i]));
            document_mistake(node->document, option_node(node, "key"), "tables.key",
                "%s is given twice", shown.data);
        }
    }
    map_clear(&seen);
}

static const ColumnRename *
read_renames(const RuleNode *node, const TextMap *renames)
{
    ColumnRename *list = ARENA_ARRAY(node->document->arena, ColumnRename, renames->count);
    Map seen = MAP_INIT;

    for (size_t i = 0; i < renames->count; i++) {
        list[i] = (ColumnRename){text_of(renames->keys[i]), text_of(renames->values[i])};
        if (map_put(&seen, list[i].to, list) != NULL) {
            CLEANUP(buf_clear) Buf shown = BUF_INIT;

            document_add_shown(&shown, list[i].to);
            document_mistake(node->document, node->columns, "tables.columns.rename",
                "two columns become %s", shown.data);
        }
    }
    map_clear(&seen);
    return list;
}

static void
read_options(const RuleNode *node, RuleOptions *options)
{
    static const char *const others[] = {"columns", NULL};
    const SectionTable flat = {config_table_rule_fields, options, ""};
    const SectionTable nested = {config_table_rule_fields, options, "columns."};
    const Section rule = {.name = "tables", .tables = &flat, .table_count = 1, .others = others};
    const Section columns = {.name = "tables.columns", .tables = &nested, .table_count = 1};

    *options = (RuleOptions){NULL};
    section_read(node->document, node->rule, node->rule, &rule);
    if (node->columns != NULL)
        section_read(node->document, node->columns, node->rule, &columns);
}

static void
read_rule(const RuleNode *node, TableRule *rule)
{
    RuleOptions options;
    Arena *arena = node->document->arena;

    read_options(node, &options);
    check_target(node, options.target);
    check_key(node, &options.key);
    *rule = (TableRule){
        .match = text_of(options.match),
        .skip = options.skip,
        .shared = options.shared,
        .target = text_of(options.target),
        .merge_script = text_of(options.merge_script),
        .schema_changes = options.schema_changes,
        .key = texts_of(&options.key, arena),
        .key_count = options.key.count,
        .skip_columns = texts_of(&options.skip_columns, arena),
        .skip_column_count = options.skip_columns.count,
        .renames = read_renames(node, &options.renames),
        .rename_count = options.renames.count,
        .line = (int)node->rule->start_mark.line + 1,
    };
}

/* Two rules with the same match: the second one would never be asked. */
static void
check_match(const RuleNode *node, const TableRule *rule, Map *seen, TableRule **catch_all)
{
    const TableRule *earlier;
    CLEANUP(buf_clear) Buf shown = BUF_INIT;

    if (rule->match.data == NULL)
        return;
    earlier = *catch_all != NULL ? *catch_all : map_get(seen, rule->match);
    if (earlier == NULL)
        return;
    document_add_shown(&shown, rule->match);
    document_mistake(node->document, option_node(node, "match"), "tables.match",
        "%s never matches: the rule in line %d takes %s", shown.data, earlier->line,
        earlier == *catch_all ? "every table" : "the same tables");
}

void
table_rules_read(Document *document, const yaml_node_t *node, TableRules *ret_rules)
{
    Map seen = MAP_INIT;
    TableRule *catch_all = NULL;
    TableRule *rules;
    size_t count;

    if (node == NULL || section_is_empty(node))
        return;
    if (node->type != YAML_SEQUENCE_NODE) {
        document_mistake(document, node, "tables", "is not a list of rules");
        return;
    }
    count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    rules = ARENA_ARRAY(document->arena, TableRule, count);
    for (size_t i = 0; i < count; i++) {
        RuleNode at = {document, document_node(document, node->data.sequence.items.start[i]), NULL};

        if (at.rule->type != YAML_MAPPING_NODE) {
            document_mistake(document, at.rule, "tables", "a rule is not a mapping of options");
            continue;
        }
        at.columns = section_child(document, at.rule, "columns");
        read_rule(&at, &rules[i]);
        check_match(&at, &rules[i], &seen, &catch_all);
        if (rules[i].match.data != NULL && map_get(&seen, rules[i].match) == NULL)
            (void)map_put(&seen, rules[i].match, &rules[i]);
        if (rules[i].match.data != NULL && text_is(rules[i].match, "*") && catch_all == NULL)
            catch_all = &rules[i];
    }
    map_clear(&seen);
    *ret_rules = (TableRules){rules, count};
}
