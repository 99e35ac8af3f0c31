#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "config/config.h"
#include "support/test.h"

typedef struct FakeOptions {
    const char *connection;
    const char *password;
    const char *file;
    int64_t port;
    bool wait;
} FakeOptions;

#define AT(member) offsetof(FakeOptions, member)

static const Field fake_fields[] = {
    {"connection", FIELD_TEXT, AT(connection), NULL, 0, 0, NULL, FIELD_REQUIRED | FIELD_SECRET,
        "A connection."},
    {"password", FIELD_TEXT, AT(password), NULL, 0, 0, NULL, FIELD_SECRET, "A password."},
    {"file", FIELD_PATH, AT(file), NULL, 0, 0, NULL, 0, "A file."},
    {"port", FIELD_INT, AT(port), "5432", 1, 65535, NULL, FIELD_SECRET, "A port."},
    {"wait", FIELD_BOOL, AT(wait), "true", 0, 0, NULL, 0, "A flag."},
    {NULL},
};

static const DriverFields drivers[] = {
    {"fake", "A fake.", fake_fields, sizeof(FakeOptions), NULL},
    {"plain", "Without options.", NULL, 0, NULL},
    {"absent", "Not built.", NULL, 0, "built without libabsent"},
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
refused_text(Text yaml, const char *text)
{
    Error err = {ERR_NONE};

    assert_null(config_parse("conf/sales.yaml", yaml, &schema, &err));
    assert_string_equal(err.text, text);
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(err.retriable);
}

static void
refused(const char *yaml, const char *text)
{
    refused_text(text_of(yaml), text);
}

static void
the_least_file_has_every_default(void **state)
{
    CLEANUP(config_free) Config *config = load(LEAST);

    (void)state;
    assert_string_equal(config->path, "conf/sales.yaml");
    assert_string_equal(config->directory, "conf");
    assert_string_equal(config->service, "sales");
    assert_string_equal(config->source_type, "plain");
    assert_string_equal(config->target_type, "plain");
    assert_string_equal(config->block.directory, "conf/blocks");
    assert_int_equal(config->block.max_rows, 500000);
    assert_int_equal(config->block.max_bytes, 512 << 20);
    assert_int_equal(config->block.max_interval_ms, 1000);
    assert_true(config->block.compact);
    assert_int_equal(config->block.compact_memory, 24 << 20);
    assert_int_equal(config->block.retain.kind, RETAIN_NONE);
    assert_int_equal(config->block.min_free, 64 << 20);
    assert_false(config->block.update_opcode);
    assert_false(config->block.distinguish_updates);
    assert_null(config->csv.null_word);
    assert_int_equal(config->values.zero_date, POLICY_ERROR);
    assert_int_equal(config->values.infinity, POLICY_ERROR);
    assert_int_equal(config->values.nan, POLICY_ERROR);
    assert_int_equal(config->values.out_of_range, POLICY_ERROR);
    assert_string_equal(config->stage.schema, "");
    assert_string_equal(config->stage.table_prefix, "stage_");
    assert_string_equal(config->stage.column_prefix, "dray_");
    assert_int_equal(config->stage.header_columns.count, 4);
    assert_string_equal(config->stage.header_columns.items[0], "opcode");
    assert_string_equal(config->stage.header_columns.items[3], "timestamp");
    assert_string_equal(config->stage.opcode_column, "opcode");
    assert_string_equal(config->stage.seqno_column, "seqno");
    assert_string_equal(config->stage.row_id_column, "row_id");
    assert_string_equal(config->stage.timestamp_column, "timestamp");
    assert_string_equal(config->stage.service_column, "service");
    assert_string_equal(config->stage.unchanged_column, "unchanged");
    assert_string_equal(config->target.merge_script, "merge.sql");
    assert_int_equal(config->target.loaders, 1);
    assert_int_equal(config->target.create_tables, CREATE_STAGE);
    assert_int_equal(config->target.command_time_limit_ms, 600000);
    assert_string_equal(config->target.position_schema, "");
    assert_int_equal(config->retry.first_wait_ms, 200);
    assert_int_equal(config->retry.max_wait_ms, 30000);
    assert_int_equal(config->retry.max_time_ms, 0);
    assert_int_equal(config->log.level, LOG_INFO);
    assert_null(config->log.file);
    assert_int_equal(config->tables.count, 0);
}

static void
every_option_is_read(void **state)
{
    CLEANUP(config_free)
    Config *config =
        load("service: sales-2.eu_1\n"
             "source:\n"
             "  type: fake\n"
             "  connection: host=a\n"
             "  password: ''\n"
             "  file: data/rows.jsonl\n"
             "  wait: false\n"
             "target:\n"
             "  type: fake\n"
             "  connection: \"host=b\"\n"
             "  port: 33\n"
             "  merge_script: history.sql\n"
             "  loaders: 8\n"
             "  create_tables: all\n"
             "  command_time_limit: 0\n"
             "  position_schema: admin\n"
             "block: {directory: /var/lib/dray, max_rows: 10, max_bytes: 1M, max_interval: 250ms,\n"
             "  compact: false, compact_memory: 1GiB, retain: 100 blocks, min_free: 0,\n"
             "  update_opcode: true, distinguish_updates: true}\n"
             "csv: {null: null}\n"
             "values: {zero_date: 'null', infinity: \"null\", nan: text, out_of_range: error}\n"
             "stage: {schema: st, table_prefix: '', column_prefix: '', header_columns: [service,\n"
             "  row_id, seqno, timestamp, opcode], opcode_column: op, seqno_column: s,\n"
             "  row_id_column: r, timestamp_column: t, service_column: v}\n"
             "retry: {first_wait: 1s, max_wait: 1s, max_time: 1d}\n"
             "log: {level: debug, file: /var/log/dray.log}\n");
    const FakeOptions *source = config->source_options;
    const FakeOptions *target = config->target_options;

    (void)state;
    assert_string_equal(config->service, "sales-2.eu_1");
    assert_string_equal(source->connection, "host=a");
    assert_string_equal(source->password, "");
    assert_string_equal(source->file, "conf/data/rows.jsonl");
    assert_int_equal(source->port, 5432);
    assert_false(source->wait);
    assert_string_equal(target->connection, "host=b");
    assert_null(target->password);
    assert_int_equal(target->port, 33);
    assert_true(target->wait);
    assert_string_equal(config->target.merge_script, "history.sql");
    assert_int_equal(config->target.loaders, 8);
    assert_int_equal(config->target.create_tables, CREATE_ALL);
    assert_int_equal(config->target.command_time_limit_ms, 0);
    assert_string_equal(config->target.position_schema, "admin");
    assert_string_equal(config->block.directory, "/var/lib/dray");
    assert_int_equal(config->block.max_rows, 10);
    assert_int_equal(config->block.max_bytes, 1 << 20);
    assert_int_equal(config->block.max_interval_ms, 250);
    assert_false(config->block.compact);
    assert_int_equal(config->block.compact_memory, 1 << 30);
    assert_int_equal(config->block.retain.kind, RETAIN_BLOCKS);
    assert_int_equal(config->block.retain.amount, 100);
    assert_int_equal(config->block.min_free, 0);
    assert_true(config->block.update_opcode);
    assert_true(config->block.distinguish_updates);
    assert_string_equal(config->csv.null_word, "null");
    assert_int_equal(config->values.zero_date, POLICY_NULL);
    assert_int_equal(config->values.infinity, POLICY_NULL);
    assert_int_equal(config->values.nan, POLICY_TEXT);
    assert_int_equal(config->values.out_of_range, POLICY_ERROR);
    assert_string_equal(config->stage.schema, "st");
    assert_string_equal(config->stage.table_prefix, "");
    assert_string_equal(config->stage.column_prefix, "");
    assert_int_equal(config->stage.header_columns.count, 5);
    assert_string_equal(config->stage.header_columns.items[0], "service");
    assert_string_equal(config->stage.header_columns.items[4], "opcode");
    assert_string_equal(config->stage.opcode_column, "op");
    assert_string_equal(config->stage.seqno_column, "s");
    assert_string_equal(config->stage.row_id_column, "r");
    assert_string_equal(config->stage.timestamp_column, "t");
    assert_string_equal(config->stage.service_column, "v");
    assert_int_equal(config->retry.first_wait_ms, 1000);
    assert_int_equal(config->retry.max_wait_ms, 1000);
    assert_int_equal(config->retry.max_time_ms, 86400000);
    assert_int_equal(config->log.level, LOG_DEBUG);
    assert_string_equal(config->log.file, "/var/log/dray.log");
}

static void
empty_sections_are_as_good_as_none(void **state)
{
    CLEANUP(config_free) Config *config = load(LEAST "csv:\nvalues: {}\nlog:\ntables:\n");
    CLEANUP(config_free) Config *other = load(LEAST "tables: []\n");

    (void)state;
    assert_int_equal(config->log.level, LOG_INFO);
    assert_int_equal(config->tables.count, 0);
    assert_int_equal(other->tables.count, 0);
}

static void
an_alias_is_what_it_stands_for(void **state)
{
    CLEANUP(config_free)
    Config *config =
        load("service: &name sales\nsource: &s {type: fake, connection: *name}\ntarget: *s\n"
             "block: {directory: *name}\n");
    const FakeOptions *options = config->target_options;

    (void)state;
    assert_string_equal(options->connection, "sales");
}

static void
variables_and_files_are_put_in(void **state)
{
    char directory[] = "/tmp/dray-config-XXXXXX";
    char path[64];
    Error err;
    const FakeOptions *options;
    CLEANUP(config_free) Config *config = NULL;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/password", directory);
    assert_true(file_write_durable(path, "se cret\n\n", 9, &err));
    setenv("DRAY_TEST_NAME", "sales", 1);
    setenv("DRAY_TEST_TRICK", "x\nservice: ${DRAY_TEST_NAME}", 1);
    (void)snprintf(path, sizeof(path), "%s/sales.yaml", directory);
    config = config_parse(path,
        TEXT("service: ${DRAY_TEST_NAME}_${DRAY_TEST_NAME}\n"
             "source: {type: fake, connection: 'a=${file:password}b', password: '$${X} $$ $',\n"
             "  port: \"${DRAY_TEST_PORT}\"}\n"
             "target: {type: fake, connection: '${DRAY_TEST_TRICK}'}\n"
             "block: {directory: '${DRAY_TEST_NAME}'}\n"
             "tables: [{match: '${DRAY_TEST_NAME}.*', key: ['${DRAY_TEST_NAME}']}]\n"),
        &schema, &err);
    assert_null(config);
    setenv("DRAY_TEST_PORT", "77", 1);
    config = config_parse(path,
        TEXT("service: ${DRAY_TEST_NAME}_${DRAY_TEST_NAME}\n"
             "source: {type: fake, connection: 'a=${file:password}b', password: '$${X} $$ $',\n"
             "  port: \"${DRAY_TEST_PORT}\"}\n"
             "target: {type: fake, connection: '${DRAY_TEST_TRICK}'}\n"
             "block: {directory: '${DRAY_TEST_NAME}'}\n"
             "tables: [{match: '${DRAY_TEST_NAME}.*', key: ['${DRAY_TEST_NAME}']}]\n"),
        &schema, &err);
    assert_true(file_remove_tree(directory, &err));
    assert_non_null(config);
    options = config->source_options;
    assert_string_equal(config->service, "sales_sales");
    assert_string_equal(options->connection, "a=se cret\nb");
    assert_string_equal(options->password, "${X} $$ $");
    assert_int_equal(options->port, 77);
    options = config->target_options;
    assert_string_equal(options->connection, "x\nservice: ${DRAY_TEST_NAME}");
    assert_true(text_ends_with(text_of(config->block.directory), "/sales"));
    assert_true(text_is(config->tables.rules[0].match, "sales.*"));
    assert_true(text_is(config->tables.rules[0].key[0], "sales"));
}

static void
what_cannot_be_put_in_is_named(void **state)
{
    (void)state;
    unsetenv("DRAY_TEST_UNSET");
    setenv("DRAY_TEST_LATIN", "\xe4", 1);
    refused(LEAST "stage:\n"
                  "  schema: ${DRAY_TEST_UNSET}\n"
                  "  table_prefix: ${DRAY_TEST_LATIN}\n"
                  "  column_prefix: ${not a name}\n"
                  "  opcode_column: x${\n"
                  "  seqno_column: ${file:/nonexistent/file}\n"
                  "  row_id_column: ${file:}\n",
        "conf/sales.yaml:7:11: stage.schema: \"DRAY_TEST_UNSET\" is not set in the environment\n"
        "conf/sales.yaml:8:17: stage.table_prefix: \"DRAY_TEST_LATIN\" is not UTF-8 in the "
        "environment\n"
        "conf/sales.yaml:9:18: stage.column_prefix: \"not a name\" is neither an environment "
        "variable's name nor file:PATH (write $${ for ${)\n"
        "conf/sales.yaml:10:18: stage.opcode_column: a ${ is not closed by a } (write $${ for "
        "${)\n"
        "conf/sales.yaml:11:17: stage.seqno_column: \"file:/nonexistent/file\" cannot be read\n"
        "conf/sales.yaml:12:18: stage.row_id_column: \"file:\" cannot be read");
}

static void
a_secret_is_in_no_error(void **state)
{
    (void)state;
    unsetenv("DRAY_TEST_UNSET");
    refused("service: sales\n"
            "source:\n"
            "  type: fake\n"
            "  connection: [hunter2]\n"
            "  password: hunter${hunter2}\n"
            "  port: hunter2\n"
            "target:\n"
            "  type: fake\n"
            "  connection: password=${DRAY_TEST_UNSET}\n"
            "  password: ${hunter\n"
            "  port: 99999999\n"
            "block: {directory: d}\n",
        "conf/sales.yaml:4:15: source.connection: a list where one value belongs (text)\n"
        "conf/sales.yaml:5:13: source.password: a ${…} is not set in the environment\n"
        "conf/sales.yaml:6:9: source.port: the value is not a whole number\n"
        "conf/sales.yaml:9:15: target.connection: \"DRAY_TEST_UNSET\" is not set in the "
        "environment\n"
        "conf/sales.yaml:10:13: target.password: a ${ is not closed by a } (write $${ for ${)\n"
        "conf/sales.yaml:11:9: target.port: the value is more than 65535");
}

static void
a_variables_value_is_in_no_error(void **state)
{
    (void)state;
    setenv("DRAY_TEST_NAME", "hunter2", 1);
    refused(LEAST "  max_rows: ${DRAY_TEST_NAME}\n",
        "conf/sales.yaml:6:13: block.max_rows: \"${DRAY_TEST_NAME}\" is not a whole number");
}

static void
all_mistakes_come_in_one_go(void **state)
{
    (void)state;
    refused("servce: sales\n"
            "source: {type: fake}\n"
            "block:\n"
            "  max_row: 5\n"
            "  max_rows: many\n"
            "  max_rows: 6\n"
            "  max_bytes: 0\n"
            "  compact: 1\n"
            "  retain: [7d]\n"
            "  max_interval: {a: b}\n"
            "  min_free:\n"
            "values: {nan: maybe, zero_date: ~}\n"
            "target: fake\n"
            "log: [a]\n"
            "quite_unknown: 1\n",
        "conf/sales.yaml:1:1: servce: unknown option, did you mean service?\n"
        "conf/sales.yaml:1:1: service: missing, it must be given\n"
        "conf/sales.yaml:2:9: source.connection: missing, it must be given\n"
        "conf/sales.yaml:4:3: block.max_row: unknown option, did you mean max_rows?\n"
        "conf/sales.yaml:4:3: block.directory: missing, it must be given\n"
        "conf/sales.yaml:5:13: block.max_rows: \"many\" is not a whole number\n"
        "conf/sales.yaml:6:3: block.max_rows: given twice, first in line 5\n"
        "conf/sales.yaml:7:14: block.max_bytes: \"0\" is less than 1B\n"
        "conf/sales.yaml:8:12: block.compact: \"1\" is neither true nor false\n"
        "conf/sales.yaml:9:11: block.retain: a list where one value belongs (none, all, a "
        "duration, a number of blocks or a size)\n"
        "conf/sales.yaml:10:17: block.max_interval: a mapping where one value belongs "
        "(duration)\n"
        "conf/sales.yaml:11:12: block.min_free: no value (leave the option out, or put a text in "
        "quotes)\n"
        "conf/sales.yaml:12:15: values.nan: \"maybe\" is not one of error, null, text\n"
        "conf/sales.yaml:12:33: values.zero_date: no value (leave the option out, or put a text "
        "in quotes)\n"
        "conf/sales.yaml:13:9: target: is not a mapping of options\n"
        "conf/sales.yaml:14:6: log: is not a mapping of options\n"
        "conf/sales.yaml:15:1: quite_unknown: unknown option");
}

static void
an_empty_file_misses_what_is_needed(void **state)
{
    static const char *text = "conf/sales.yaml:1:1: service: missing, it must be given\n"
                              "conf/sales.yaml:1:1: source.type: missing, it must be given\n"
                              "conf/sales.yaml:1:1: target.type: missing, it must be given\n"
                              "conf/sales.yaml:1:1: block.directory: missing, it must be given";

    (void)state;
    refused("", text);
    refused("# only a comment\n", text);
}

static void
types_are_those_of_the_drivers(void **state)
{
    (void)state;
    (void)setenv("DRAY_TEST_KIND", "plain", 1);
    refused("service: s\nsource: {type: fak, connection: c}\ntarget: {type: absent, x: y}\n"
            "block: {directory: d}\n",
        "conf/sales.yaml:2:16: source.type: \"fak\" is not one of fake, plain, absent, did you "
        "mean fake?\n"
        "conf/sales.yaml:3:16: target.type: absent is not in this build: built without "
        "libabsent");
    refused("service: s\nsource: {type: '${DRAY_TEST_KIND}'}\ntarget: {type: [plain]}\n"
            "block: {directory: d}\n",
        "conf/sales.yaml:2:16: source.type: must be written out, without ${\n"
        "conf/sales.yaml:3:16: target.type: a list where one value belongs (text)");
    refused("service: s\nsource: {type: plain, file: x}\ntarget: {type: fake, connection: c, "
            "fill: x}\nblock: {directory: d}\n",
        "conf/sales.yaml:2:23: source.file: unknown option\n"
        "conf/sales.yaml:3:37: target.fill: unknown option, did you mean file?");
}

static void
service_names_are_plain(void **state)
{
    static const char *const bad[] = {"a b", "a/b", "..", ".", "ä"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_clear) Buf yaml = BUF_INIT;
        CLEANUP(buf_clear) Buf text = BUF_INIT;

        buf_addf(&yaml,
            "service: %s\nsource: {type: plain}\ntarget: {type: plain}\n"
            "block: {directory: d}\n",
            bad[i]);
        buf_addf(&text,
            "conf/sales.yaml:1:10: service: \"%s\" is not 1 to 100 of the "
            "characters A-Z a-z 0-9 _ . -",
            bad[i]);
        refused(yaml.data, text.data);
    }
}

static void
the_null_word_is_one_word(void **state)
{
    static const char *const bad[] = {"''", "a b", "'a,b'", "'\"'", "\"a\\nb\"", "ä"};
    CLEANUP(config_free) Config *config = load(LEAST "csv: {null: \\N}\n");

    (void)state;
    assert_string_equal(config->csv.null_word, "\\N");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_clear) Buf yaml = BUF_INIT;
        Error err = {ERR_NONE};

        buf_addf(&yaml, LEAST "csv:\n  null: %s\n", bad[i]);
        assert_null(config_parse("s.yaml", buf_text(&yaml), &schema, &err));
        assert_non_null(strstr(err.text, "s.yaml:7:9: csv.null: \""));
        assert_non_null(strstr(err.text,
            "\" is not a word of 1 to 64 ASCII characters without blank, comma and quote"));
    }
}

static void
header_columns_are_the_known_ones_each_once(void **state)
{
    (void)state;
    refused(LEAST "stage: {header_columns: [opcode, seqno, opcode, rowid]}\n",
        "conf/sales.yaml:6:25: stage.header_columns: \"rowid\" is not one of opcode, seqno, "
        "row_id, timestamp, service, unchanged\n"
        "conf/sales.yaml:6:25: stage.header_columns: opcode is given twice\n"
        "conf/sales.yaml:6:25: stage.header_columns: row_id is missing\n"
        "conf/sales.yaml:6:25: stage.header_columns: timestamp is missing");
    refused(LEAST "stage: {header_columns: []}\n",
        "conf/sales.yaml:6:25: stage.header_columns: the list is empty");
    refused(LEAST "stage: {header_columns: [[a]], schema: {}}\n",
        "conf/sales.yaml:6:25: stage.header_columns: opcode is missing\n"
        "conf/sales.yaml:6:25: stage.header_columns: seqno is missing\n"
        "conf/sales.yaml:6:25: stage.header_columns: row_id is missing\n"
        "conf/sales.yaml:6:25: stage.header_columns: timestamp is missing\n"
        "conf/sales.yaml:6:26: stage.header_columns: a list where one value belongs (text)\n"
        "conf/sales.yaml:6:40: stage.schema: a mapping where one value belongs (text)");
}

static void
staging_names_must_differ(void **state)
{
    (void)state;
    refused(LEAST "stage: {opcode_column: Seqno, table_prefix: ''}\n",
        "conf/sales.yaml:6:8: stage.seqno_column: the same name as opcode_column\n"
        "conf/sales.yaml:6:45: stage.table_prefix: table_prefix and schema are both empty: a "
        "staging table would be its base table");
    refused(LEAST "stage: {opcode_column: ''}\n",
        "conf/sales.yaml:6:24: stage.opcode_column: \"\" is empty");
}

static void
waits_must_grow(void **state)
{
    (void)state;
    refused(LEAST "retry: {first_wait: 1min}\n",
        "conf/sales.yaml:6:21: retry.first_wait: more than retry.max_wait");
}

static void
what_is_not_yaml_is_told_with_its_place(void **state)
{
    (void)state;
    refused("service: [\n",
        "conf/sales.yaml:2:1: yaml: while parsing a flow node: did not find expected node "
        "content");
    refused("a: b\n  c: d\n", "conf/sales.yaml:2:4: yaml: mapping values are not allowed in this "
                              "context");
    refused("a: *b\n", "conf/sales.yaml:1:4: yaml: found undefined alias");
    refused("a: b\n---\nc: d\n", "conf/sales.yaml:3:1: yaml: a second document");
    refused("a: ä\nb: \xff\n", "conf/sales.yaml:2:4: yaml: not UTF-8");
    refused_text((Text){"a: \0", 4}, "conf/sales.yaml:1:4: yaml: control characters are not "
                                     "allowed");
    refused("- a\n", "conf/sales.yaml:1:1: top level: is not a mapping of options");
    refused("text\n", "conf/sales.yaml:1:1: top level: is not a mapping of options");
    refused(LEAST "[a]: b\n", "conf/sales.yaml:6:1: top level: an option's name must be a text");
    refused(LEAST "stage: {schema: \"a\\0b\", header_columns: [opcode, seqno, row_id, timestamp, "
                  "\"a\\0b\"]}\n",
        "conf/sales.yaml:6:17: stage.schema: \"a\\x00b\" holds a NUL byte\n"
        "conf/sales.yaml:6:76: stage.header_columns: a text holds a NUL byte");
    refused(LEAST "? \"new\\nline\"\n: b\n", "conf/sales.yaml:6:3: new\\x0aline: unknown option");
}

static void
a_byte_order_mark_does_no_harm(void **state)
{
    CLEANUP(config_free) Config *config = load("\xef\xbb\xbf" LEAST);

    (void)state;
    assert_string_equal(config->service, "sales");
}

static void
deep_nesting_and_size_are_refused(void **state)
{
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    Error err = {ERR_NONE};

    (void)state;
    for (int i = 0; i < 200000; i++)
        buf_add_char(&yaml, '[');
    assert_null(config_parse("s.yaml", buf_text(&yaml), &schema, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, "s.yaml:1:1001: yaml: more than 1000 open brackets");
    buf_clear(&yaml);
    for (int i = 0; i < 2000; i++)
        buf_add_string(&yaml, "- ");
    assert_null(config_parse("s.yaml", buf_text(&yaml), &schema, &err));
    buf_clear(&yaml);
    while (yaml.len <= (size_t)1024 * 1024)
        buf_add_string(&yaml, "# a comment\n");
    assert_null(config_parse("s.yaml", buf_text(&yaml), &schema, &err));
    assert_string_equal(err.text, "s.yaml:1:1: yaml: larger than 1048576 bytes");
}

static void
more_mistakes_than_fit_are_counted(void **state)
{
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    Error err = {ERR_NONE};
    size_t lines = 1;
    const char *last;

    (void)state;
    buf_add_string(&yaml, LEAST);
    for (int i = 0; i < 150; i++)
        buf_addf(&yaml, "unknown_option_%d: 1\n", i);
    assert_null(config_parse("s.yaml", buf_text(&yaml), &schema, &err));
    for (const char *at = err.text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    last = strrchr(err.text, '\n');
    assert_non_null(last);
    (void)snprintf(yaml.data, yaml.size, "\ns.yaml: and %zu more mistakes", 150 - (lines - 1));
    assert_string_equal(last, yaml.data);

    buf_clear(&yaml);
    for (int i = 0; i < 1000; i++)
        buf_addf(&yaml, "unknown_option_%d: 1\n", i);
    assert_null(config_parse("s.yaml", buf_text(&yaml), &schema, &err));
    assert_non_null(strstr(err.text, "\ns.yaml: and at least "));
}

static void
a_file_is_loaded_and_a_missing_one_named(void **state)
{
    char directory[] = "/tmp/dray-config-XXXXXX";
    char path[64];
    Error err = {ERR_NONE};
    CLEANUP(config_free) Config *config = NULL;

    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/s.yaml", directory);
    assert_true(file_write_durable(path, LEAST, sizeof(LEAST) - 1, &err));
    config = config_load(path, &schema, &err);
    assert_true(file_remove_tree(directory, &err));
    assert_non_null(config);
    assert_string_equal(config->directory, directory);
    assert_null(config_load("/nonexistent/s.yaml", &schema, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, "open /nonexistent/s.yaml: No such file or directory");
    config_free(NULL);
}

/* A service must be stopped whatever has become of its configuration. */
static void
the_pidfile_is_read_out_of_a_file_with_mistakes(void **state)
{
    static const char *const good[] = {
        "pidfile: x.pid\n",
        "service: [no, text]\nnonsense: 1\npidfile: x.pid\nblock: 7\n",
        "service: ${NOT_SET}\nsource: {type: lost}\npidfile: ${PIDFILE_HERE}\n",
    };
    static const char *const bad[] = {"service: a\n", "", "pidfile: ''\n", "pidfile: ${NOT_SET}\n",
        "pidfile: [a]\n", "pidfile: a\npidfile: b\n", "- pidfile\n", "pidfile: {\n"};
    char *directory = test_directory();
    char *path = file_join(directory, "s.yaml");
    char *expected = file_join(directory, "x.pid");
    Error err;

    (void)state;
    (void)unsetenv("NOT_SET");
    assert_int_equal(setenv("PIDFILE_HERE", "x.pid", 1), 0);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char *pidfile;

        assert_ok(file_write_durable(path, good[i], strlen(good[i]), &err), err);
        pidfile = config_load_pidfile(path, &err);
        assert_ok(pidfile != NULL, err);
        assert_string_equal(pidfile, expected);
        free(pidfile);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_ok(file_write_durable(path, bad[i], strlen(bad[i]), &err), err);
        assert_null(config_load_pidfile(path, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_non_null(strstr(err.text, "s.yaml"));
    }
    assert_null(config_load_pidfile("/nonexistent/s.yaml", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_ok(file_remove_tree(directory, &err), err);
    free(expected);
    free(path);
    free(directory);
}

static void
every_option_has_a_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; config_sections[i].name != NULL; i++) {
        assert_true(text_ends_with(text_of(config_sections[i].doc), "."));
        for (const Field *field = config_sections[i].fields; field->name != NULL; field++)
            assert_true(text_ends_with(text_of(field->doc), "."));
    }
    for (const Field *field = config_table_rule_fields; field->name != NULL; field++)
        assert_true(text_ends_with(text_of(field->doc), "."));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_file_has_every_default),
        cmocka_unit_test(every_option_is_read),
        cmocka_unit_test(empty_sections_are_as_good_as_none),
        cmocka_unit_test(an_alias_is_what_it_stands_for),
        cmocka_unit_test(variables_and_files_are_put_in),
        cmocka_unit_test(what_cannot_be_put_in_is_named),
        cmocka_unit_test(a_secret_is_in_no_error),
        cmocka_unit_test(a_variables_value_is_in_no_error),
        cmocka_unit_test(all_mistakes_come_in_one_go),
        cmocka_unit_test(an_empty_file_misses_what_is_needed),
        cmocka_unit_test(types_are_those_of_the_drivers),
        cmocka_unit_test(service_names_are_plain),
        cmocka_unit_test(the_null_word_is_one_word),
        cmocka_unit_test(header_columns_are_the_known_ones_each_once),
        cmocka_unit_test(staging_names_must_differ),
        cmocka_unit_test(waits_must_grow),
        cmocka_unit_test(what_is_not_yaml_is_told_with_its_place),
        cmocka_unit_test(a_byte_order_mark_does_no_harm),
        cmocka_unit_test(deep_nesting_and_size_are_refused),
        cmocka_unit_test(more_mistakes_than_fit_are_counted),
        cmocka_unit_test(a_file_is_loaded_and_a_missing_one_named),
        cmocka_unit_test(the_pidfile_is_read_out_of_a_file_with_mistakes),
        cmocka_unit_test(every_option_has_a_sentence),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
