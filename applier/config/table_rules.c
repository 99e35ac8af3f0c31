#include "config/table_rules.h"

#include "base/map.h"
#include "base/to_char.h"
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
    int deletes;
    TextList skip_columns;
    TextMap renames;
    PartitionRule partition;
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
    {"deletes", FIELD_CHOICE, AT(deletes), "error", 0, 0, "error|keep|ignore", 0,
        "What a merge script that cannot delete, such as keep_all.sql, does with deletes: error "
        "stops the service, keep loads them as rows of their own, ignore leaves them out. Other "
        "scripts do not ask."},
    {"columns.skip", FIELD_LIST, AT(skip_columns), NULL, 0, 0, NULL, 0,
        "Globs over source column names that are left out."},
    {"columns.rename", FIELD_MAP, AT(renames), NULL, 0, 0, NULL, 0,
        "Column names in the source and the names they have in the target."},
    {"partition.by", FIELD_TEXT, AT(partition.by), NULL, 0, 0, NULL, FIELD_REQUIRED,
        "Rows go to the table <target>_<suffix>, and the suffix is the time at which their "
        "transaction was committed, in this format: year, month, week, day, hour, or a format of "
        "PostgreSQL's to_char such as YYYY_MM_DD. Empty: no partitions. \"partition: month\" alone "
        "is enough where nothing else is to be said."},
    {"partition.template", FIELD_TEXT, AT(partition.template), NULL, 0, 0, NULL, FIELD_FILLED,
        "The statements that make a partition, a file beside the configuration file or among "
        "those that are installed for the target type. Without it partition.sql."},
    {"partition.time_zone", FIELD_TEXT, AT(partition.zone_name), "UTC", 0, 0, NULL, FIELD_FILLED,
        "The zone of the suffix, a name of the tz database such as Europe/Berlin. Where Dray takes "
        "over from cube_dispatcher it should be what SHOW timezone says in the source, in the "
        "session of that job."},
    {"partition.retain", FIELD_TIME, AT(partition.retain_ms), "0", 0, 0, NULL, 0,
        "How long a partition stays after the end of its period; 0: for ever. Older ones go when a "
        "new one is made."},
    {"partition.expire", FIELD_CHOICE, AT(partition.expire), "drop", 0, 0, "drop|detach", 0,
        "What becomes of them: drop the table, or detach it, so that it stays as a table of its "
        "own."},
    {NULL},
};

/* What "by" may say beside a format. */
typedef struct PartitionWord {
    const char *word;
    const char *format;
} PartitionWord;

static const PartitionWord partition_words[] = {
    {"year", "YYYY"},
    {"month", "YYYY_MM"},
    {"week", "IYYY\"w\"IW"},
    {"day", "YYYY_MM_DD"},
    {"hour", "YYYY_MM_DD_HH24"},
};

/* Where in the file a rule's options stand, for what is found after they were read. */
typedef struct RuleNode {
    Document *document;
    const yaml_node_t *rule;
    const yaml_node_t *columns;
    const yaml_node_t *partition;
} RuleNode;

static const yaml_node_t *
option_node(const RuleNode *node, const char *name)
{
    const yaml_node_t *option = section_child(node->document, node->rule, name);

    return option == NULL ? node->rule : option;
}

/* The same of partition:, which may be a text. */
static const yaml_node_t *
partition_node(const RuleNode *node, const char *name)
{
    const yaml_node_t *option = section_child(node->document, node->partition, name);

    return option == NULL ? node->partition : option;
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

/* ---- partition: ---- */

static const char *
partition_format(const char *by)
{
    for (size_t i = 0; i < ARRAY_LEN(partition_words); i++) {
        if (strcmp(by, partition_words[i].word) == 0)
            return partition_words[i].format;
    }
    return by;
}

/* Does it give a text? Any time will do. */
static bool
is_blank(Text format)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    const CivilTime time = {.year = 2000, .month = 1, .day = 1};

    to_char_add(format, &time, &text);
    return text_trim(buf_text(&text)).len == 0;
}

static void
check_format(const RuleNode *node, const PartitionRule *partition)
{
    Text format = text_of(partition->by);
    const yaml_node_t *by = partition_node(node, "by");
    const char *option = "tables.partition.by";
    CLEANUP(buf_clear) Buf shown = BUF_INIT;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;

    /* as the file has it: a variable's value is in no error */
    document_add_shown(&shown, document_raw(by));
    if (!to_char_check(format, &reason))
        document_mistake(node->document, by, option, "%s: %s", shown.data, reason.data);
    else if (is_blank(format))
        document_mistake(node->document, by, option, "%s gives no text", shown.data);
    else if (to_char_unit(format) == TO_CHAR_FRACTION)
        document_mistake(node->document, by, option,
            "%s: partitions of less than a second are not to be had", shown.data);
    else if (partition->retain_ms > 0 && !to_char_is_unique(format))
        document_mistake(node->document, partition_node(node, "retain"), "tables.partition.retain",
            "%s can name two times far apart alike, so that no partition is ever over: the format "
            "needs the year, and what lies between it and its smallest unit",
            shown.data);
}

static TimeZone *
open_zone(const RuleNode *node, const char *name)
{
    CLEANUP(buf_clear) Buf shown = BUF_INIT;
    Error err;
    TimeZone *zone = time_zone_open(name, &err);

    if (zone != NULL)
        return zone;
    document_add_shown(&shown, text_of(name));
    document_mistake(node->document, partition_node(node, "time_zone"),
        "tables.partition.time_zone", "%s: %s", shown.data, err.text);
    return NULL;
}

static bool
is_null(const yaml_node_t *node)
{
    Text raw = document_raw(node);

    return section_is_empty(node) || (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                                         (text_is(raw, "~") || text_is(raw, "null")));
}

/* "partition: month" */
static void
read_short_partition(const RuleNode *node, PartitionRule *partition)
{
    Text by;

    if (is_null(node->partition)) {
        document_mistake(node->document, node->partition, "tables.partition",
            "no value (leave the option out, or write partition: \"\")");
    } else if (document_text(node->document, node->partition, "tables.partition", false, &by)) {
        if (memchr(by.data, '\0', by.len) == NULL)
            partition->by = by.data;
        else
            document_mistake(
                node->document, node->partition, "tables.partition", "a text holds a NUL byte");
    }
}

static const PartitionRule *
read_partition(const RuleNode *node, RuleOptions *options)
{
    const SectionTable nested = {config_table_rule_fields, options, "partition."};
    const Section section = {.name = "tables.partition", .tables = &nested, .table_count = 1};
    PartitionRule *partition = &options->partition;
    PartitionRule *rule;
    TimeZone *zone;

    if (node->partition == NULL)
        return NULL;
    if (node->partition->type == YAML_SCALAR_NODE)
        read_short_partition(node, partition);
    else
        section_read(node->document, node->partition, node->rule, &section);
    zone = open_zone(node, partition->zone_name);
    if (partition->by == NULL || partition->by[0] == '\0') {
        time_zone_close(zone);
        return NULL;
    }
    partition->by = partition_format(partition->by);
    check_format(node, partition);
    rule = ARENA_NEW(node->document->arena, PartitionRule);
    *rule = *partition;
    rule->zone = zone;
    return rule;
}

/* ---- a rule ---- */

static void
read_options(const RuleNode *node, RuleOptions *options)
{
    static const char *const others[] = {"columns", "partition", NULL};
    const SectionTable flat = {config_table_rule_fields, options, ""};
    const SectionTable nested = {config_table_rule_fields, options, "columns."};
    const Section rule = {.name = "tables", .tables = &flat, .table_count = 1, .others = others};
    const Section columns = {.name = "tables.columns", .tables = &nested, .table_count = 1};

    *options = (RuleOptions){NULL};
    field_set_presets(
        config_table_rule_fields, node->document->directory, node->document->arena, options);
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
        .deletes = options.deletes,
        .partition = read_partition(node, &options),
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
        RuleNode at = {.document = document,
            .rule = document_node(document, node->data.sequence.items.start[i])};

        if (at.rule->type != YAML_MAPPING_NODE) {
            document_mistake(document, at.rule, "tables", "a rule is not a mapping of options");
            continue;
        }
        at.columns = section_child(document, at.rule, "columns");
        at.partition = section_child(document, at.rule, "partition");
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

void
table_rules_close(const TableRules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (rules->rules[i].partition != NULL)
            time_zone_close(rules->rules[i].partition->zone);
    }
}
