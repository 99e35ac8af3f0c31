#include "config/table_rules.h"

#include "config/config.h"
#include "support/test.h"

static const DriverFields drivers[] = {
    {"plain", "Without options.", NULL, 0, NULL},
    {NULL},
};

static const ConfigSchema schema = {drivers, drivers};

/* The least that a file must have, with room for more. */
#define LEAST                 \
    "service: sales\n"        \
    "source: {type: plain}\n" \
    "target: {type: plain}\n" \
    "block:\n"                \
    "  directory: blocks\n"

static Config *
load(const char *yaml)
{
    Error err = {ERR_NONE};
    Config *config = config_parse("conf/sales.yaml", text_of(yaml), &schema, &err);

    if (config == NULL)
        print_error("%s\n", err.text);
    assert_non_null(config);
    return config;
}

static void
refused(const char *yaml, const char *text)
{
    Error err = {ERR_NONE};

    assert_null(config_parse("conf/sales.yaml", text_of(yaml), &schema, &err));
    assert_string_equal(err.text, text);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(err.retriable);
}

static void
table_rules_are_read_in_order(void **state)
{
    CLEANUP(config_free)
    Config *config = load(
        LEAST "tables:\n"
              "  - match: public.audit_*\n"
              "    skip: true\n"
              "  - match: public.orders\n"
              "    target: dw.orders\n"
              "    shared: true\n"
              "    key: [id, region]\n"
              "    merge_script: history.sql\n"
              "    columns: { skip: [card_number, 'x*'], rename: { descr: description, a: b } }\n"
              "  - match: 'public.*'\n"
              "    target: '\"d.w\".%%TABLE%%'\n"
              "    key: id\n"
              "    columns: {skip: one}\n");
    const TableRule *rules = config->tables.rules;

    (void)state;
    assert_int_equal(config->tables.count, 3);
    assert_true(text_is(rules[0].match, "public.audit_*"));
    assert_true(rules[0].skip);
    assert_null(rules[0].target.data);
    assert_null(rules[0].merge_script.data);
    assert_int_equal(rules[0].key_count, 0);
    assert_int_equal(rules[0].line, 7);
    assert_false(rules[1].skip);
    assert_true(rules[1].shared);
    assert_true(text_is(rules[1].target, "dw.orders"));
    assert_true(text_is(rules[1].merge_script, "history.sql"));
    assert_int_equal(rules[1].key_count, 2);
    assert_true(text_is(rules[1].key[1], "region"));
    assert_int_equal(rules[1].skip_column_count, 2);
    assert_true(text_is(rules[1].skip_columns[1], "x*"));
    assert_int_equal(rules[1].rename_count, 2);
    assert_true(text_is(rules[1].renames[0].from, "descr"));
    assert_true(text_is(rules[1].renames[0].to, "description"));
    assert_int_equal(rules[1].line, 9);
    assert_true(text_is(rules[2].target, "\"d.w\".%%TABLE%%"));
    assert_int_equal(rules[2].key_count, 1);
    assert_int_equal(rules[2].skip_column_count, 1);
    assert_false(rules[2].shared);
}

static void
mistakes_in_rules_are_found(void **state)
{
    (void)state;
    refused(LEAST "tables:\n"
                  "  - skip: true\n"
                  "  - match: ''\n"
                  "  - match: a.*\n"
                  "    columns.skip: [x]\n"
                  "  - match: a.*\n"
                  "    target: a.b.c\n"
                  "    key: [id, id]\n"
                  "  - match: b\n"
                  "    target: '%%NAME%%'\n"
                  "    columns: {skp: [x], rename: {a: c, b: c, '': d, a: d}}\n"
                  "  - match: '*'\n"
                  "    key: {a: b}\n"
                  "    columns: [a]\n"
                  "  - match: c\n"
                  "    columns: {rename: [a], skip: ['']}\n"
                  "  - plain\n",
        "conf/sales.yaml:7:5: tables.match: missing, it must be given\n"
        "conf/sales.yaml:8:12: tables.match: \"\" is empty\n"
        "conf/sales.yaml:10:5: tables.columns.skip: unknown option\n"
        "conf/sales.yaml:11:12: tables.match: \"a.*\" never matches: the rule in line 9 takes "
        "the same tables\n"
        "conf/sales.yaml:12:13: tables.target: more than one dot: a name that holds a dot must "
        "stand in quotes\n"
        "conf/sales.yaml:13:10: tables.key: \"id\" is given twice\n"
        "conf/sales.yaml:15:13: tables.target: an unknown parameter: only %%SCHEMA%% and "
        "%%TABLE%% have a value here\n"
        "conf/sales.yaml:16:14: tables.columns.rename: two columns become \"c\"\n"
        "conf/sales.yaml:16:15: tables.columns.skp: unknown option, did you mean skip?\n"
        "conf/sales.yaml:16:46: tables.columns.rename: an empty name\n"
        "conf/sales.yaml:16:53: tables.columns.rename: the same name is given twice\n"
        "conf/sales.yaml:18:10: tables.key: a mapping where a list belongs\n"
        "conf/sales.yaml:19:14: tables.columns: is not a mapping of options\n"
        "conf/sales.yaml:20:12: tables.match: \"c\" never matches: the rule in line 17 takes "
        "every table\n"
        "conf/sales.yaml:21:23: tables.columns.rename: is not a mapping such as {old: new}\n"
        "conf/sales.yaml:21:35: tables.columns.skip: an empty text in the list\n"
        "conf/sales.yaml:22:5: tables: a rule is not a mapping of options");
    refused(LEAST "tables: {a: b}\n", "conf/sales.yaml:6:9: tables: is not a list of rules");
}

static void
partitions_of_tables_are_read(void **state)
{
    CLEANUP(config_free)
    Config *config =
        load(LEAST "tables:\n"
                   "- match: a\n"
                   "  partition: {by: day, template: p.sql, time_zone: Europe/Berlin,\n"
                   "    retain: 90d, expire: detach}\n"
                   "  deletes: keep\n"
                   "- {match: b, partition: month, deletes: ignore}\n"
                   "- {match: c, partition: {by: 'IYYY_\"w\"IW'}}\n"
                   "- {match: d, partition: ''}\n"
                   "- {match: e, partition: {by: '', time_zone: Europe/Berlin}}\n"
                   "- {match: f, partition: {by: hour}}\n"
                   "- {match: g, partition: {by: week}}\n"
                   "- {match: h, partition: {by: year, retain: 0}}\n"
                   "- {match: i}\n");
    const TableRule *rules = config->tables.rules;
    const PartitionRule *partition = rules[0].partition;

    (void)state;
    assert_string_equal(partition->by, "YYYY_MM_DD");
    assert_string_equal(partition->template, "p.sql");
    assert_string_equal(partition->zone_name, "Europe/Berlin");
    assert_int_equal(time_zone_local(partition->zone, 0).hour, 1);
    assert_int_equal(partition->retain_ms, (int64_t)90 * 24 * 3600 * 1000);
    assert_int_equal(partition->expire, EXPIRE_DETACH);
    assert_int_equal(rules[0].deletes, DELETES_KEEP);
    partition = rules[1].partition;
    assert_string_equal(partition->by, "YYYY_MM");
    assert_null(partition->template);
    assert_string_equal(partition->zone_name, "UTC");
    assert_int_equal(time_zone_local(partition->zone, 0).hour, 0);
    assert_int_equal(partition->retain_ms, 0);
    assert_int_equal(partition->expire, EXPIRE_DROP);
    assert_int_equal(rules[1].deletes, DELETES_IGNORE);
    assert_string_equal(rules[2].partition->by, "IYYY_\"w\"IW");
    assert_null(rules[3].partition);
    assert_null(rules[4].partition);
    assert_string_equal(rules[5].partition->by, "YYYY_MM_DD_HH24");
    assert_string_equal(rules[6].partition->by, "IYYY\"w\"IW");
    assert_string_equal(rules[7].partition->by, "YYYY");
    assert_null(rules[8].partition);
    assert_int_equal(rules[8].deletes, DELETES_ERROR);
    assert_null(config->pidfile);
}

static void
mistakes_in_partitions_are_found(void **state)
{
    (void)state;
    setenv("DRAY_TEST_NAME", "TZ", 1);
    refused(LEAST "tables:\n"
                  "- {match: a, partition: {template: p.sql}}\n"
                  "- {match: b, partition: {by: YYYY_TZ, time_zone: Europe/Bonn, expire: keep}}\n"
                  "- {match: c, partition: [day]}\n"
                  "- {match: d, partition: }\n"
                  "- {match: e, partition: ~}\n"
                  "- {match: f, partition: {by: '\"\"'}}\n"
                  "- {match: g, partition: {by: YYYYMMDDHH24MISSMS}}\n"
                  "- {match: h, partition: {by: YYYY_IW, retain: 90d}}\n"
                  "- {match: i, partition: {by: MM, retain: x, templte: y, time_zone: ''}}\n"
                  "- {match: j, partition: '${DRAY_TEST_NAME}', deletes: error_}\n"
                  "- {match: k, partiton: day}\n"
                  "- {match: l, partition: {by: , template: ''}}\n",
        "conf/sales.yaml:7:25: tables.partition.by: missing, it must be given\n"
        "conf/sales.yaml:8:30: tables.partition.by: \"YYYY_TZ\": TZ at character 6 depends on the "
        "time zone: it cannot be a part of a name\n"
        "conf/sales.yaml:8:50: tables.partition.time_zone: \"Europe/Bonn\": there is no time zone "
        "of this name in /usr/share/zoneinfo (such as UTC or Europe/Berlin)\n"
        "conf/sales.yaml:8:71: tables.partition.expire: \"keep\" is not one of drop, detach\n"
        "conf/sales.yaml:9:25: tables.partition: is not a mapping of options\n"
        "conf/sales.yaml:10:25: tables.partition: no value (leave the option out, or write "
        "partition: \"\")\n"
        "conf/sales.yaml:11:25: tables.partition: no value (leave the option out, or write "
        "partition: \"\")\n"
        "conf/sales.yaml:12:30: tables.partition.by: \"\"\"\" gives no text\n"
        "conf/sales.yaml:13:30: tables.partition.by: \"YYYYMMDDHH24MISSMS\": partitions of less "
        "than a second are not to be had\n"
        "conf/sales.yaml:14:47: tables.partition.retain: \"YYYY_IW\" can name two times far apart "
        "alike, so that no partition is ever over: the format needs the year, and what lies "
        "between it and its smallest unit\n"
        "conf/sales.yaml:15:42: tables.partition.retain: \"x\" is not a duration such as 30s "
        "(units: ms, s, min, h, d)\n"
        "conf/sales.yaml:15:45: tables.partition.templte: unknown option, did you mean template?\n"
        "conf/sales.yaml:15:68: tables.partition.time_zone: \"\" is empty\n"
        "conf/sales.yaml:16:25: tables.partition.by: \"${DRAY_TEST_NAME}\": TZ at character 1 "
        "depends on the time zone: it cannot be a part of a name\n"
        "conf/sales.yaml:16:55: tables.deletes: \"error_\" is not one of error, keep, ignore\n"
        "conf/sales.yaml:17:14: tables.partiton: unknown option, did you mean partition?\n"
        "conf/sales.yaml:18:30: tables.partition.by: no value (leave the option out, or put a text "
        "in quotes)\n"
        "conf/sales.yaml:18:42: tables.partition.template: \"\" is empty");
}

static void
targets_that_cannot_be_split_are_refused(void **state)
{
    static const struct {
        const char *target;
        const char *reason;
    } cases[] = {
        {"a.", "an empty name"},
        {".a", "an empty name"},
        {"\"\"", "an empty name"},
        {"a\"b\"", "a quote in the middle of a name"},
        {"\"a", "a quote is not closed"},
        {"\"a\"\"", "a quote is not closed"},
        {"\"a\"b", "a quoted name is followed by something else"},
        {"\"a\"b\"", "a quoted name is followed by something else"},
        {"\"a\".\"b\".\"c\"", "more than one dot: a name that holds a dot must stand in quotes"},
        {"a%%b", "an unknown parameter: only %%SCHEMA%% and %%TABLE%% have a value here"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf yaml = BUF_INIT;
        CLEANUP(buf_clear) Buf text = BUF_INIT;

        buf_addf(&yaml, LEAST "tables:\n- match: a\n  target: '%s'\n", cases[i].target);
        buf_addf(&text, "conf/sales.yaml:8:11: tables.target: %s", cases[i].reason);
        refused(yaml.data, text.data);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(table_rules_are_read_in_order),
    cmocka_unit_test(mistakes_in_rules_are_found),
    cmocka_unit_test(partitions_of_tables_are_read),
    cmocka_unit_test(mistakes_in_partitions_are_found),
    cmocka_unit_test(targets_that_cannot_be_split_are_refused),
};

TEST_MAIN(tests)
