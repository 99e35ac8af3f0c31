/* hbrep's configurations. */
#include "converted.h"

#define FORMAT "hbrep"
#define MAIN                     \
    "[HBaseReplic]\n"            \
    "job_name = j\n"             \
    "postgresql_db = dbname=s\n" \
    "pgq_queue_name = q\n"
#define NOTES                                                                                    \
    "f.ini: this Dray has no target for HBase: write a target: of another type, and tables for " \
    "it\n"                                                                                       \
    "f.ini: hbrep took the named columns alone: leave others out with columns: {skip: […]}\n"  \
    "f.ini: hbrep's triggers (hbase_replic) can stay as they are; dray install adds none to a "  \
    "table that has one\n"

static const char readme[] =
    "[HBaseReplic]\n"
    "job_name = hbase_replic_job\n"
    "logfile = %(job_name)s.log\n"
    "pidfile = %(job_name)s.pid\n"
    "postgresql_db = dbname=source_database user=dbuser\n"
    "pgq_queue_name = hbase_replic_queue\n"
    "hbase_hostname = localhost\n"
    "hbase_port = 9090\n"
    "# If omitted, default is 10000\n"
    "max_batch_size = 10000\n"
    "# file to use when copying a table, if omitted a select columns will be done instead.\n"
    "bootstrap_tmpfile = tabledump.dat\n"
    "\n"
    "# For each table mapping, there must be the same number psql_columns as "
    "hbase_column_descriptors\n"
    "[public.users]\n"
    "psql_schema = public\n"
    "psql_table_name = users\n"
    "psql_key_column = user_id\n"
    "psql_columns = dob\n"
    "hbase_table_name = stuff\n"
    "hbase_column_descriptors = users:dob\n"
    "hbase_row_prefix = user_id:\n";

static void
the_sample_of_its_readme_becomes_a_source_and_rules(void **state)
{
    (void)state;
    check_converted(FORMAT, readme,
        "# Made from f.ini by dray convert hbrep.\n"
        "\n"
        "service: hbase_replic_job\n"
        "pidfile: hbase_replic_job.pid\n"
        "\n"
        "source:\n"
        "  type: pgq\n"
        "  connection: dbname=source_database user=dbuser\n"
        "  queue: hbase_replic_queue\n"
        "  # the consumer as it is registered: it goes on at its current tick\n"
        "  consumer: hbase_replic_job\n"
        "\n"
        "block:\n"
        "  # one service alone; had no equal\n"
        "  directory: /var/lib/dray/hbase_replic_job\n"
        "  max_rows: 10000\n"
        "\n"
        "# This Dray has no target for HBase. What hbrep wrote to:\n"
        "# target:\n"
        "#   type: hbase\n"
        "#   host: localhost\n"
        "#   port: 9090\n"
        "\n"
        "tables:\n"
        "  - match: public.users\n"
        "    key: [user_id]\n"
        "    # table: stuff\n"
        "    # row: \"user_id:\"\n"
        "    # columns, and their cells:\n"
        "    #   dob: \"users:dob\"\n"
        "  # hbrep left all other tables of the queue out\n"
        "  - match: \"*\"\n"
        "    skip: true\n"
        "\n"
        "log:\n"
        "  file: hbase_replic_job.log\n",
        "f.ini:4: pidfile: to Dray the path begins where the configuration file is, not where the "
        "program was started\n"
        "f.ini:3: logfile: to Dray the path begins where the configuration file is, not where the "
        "program was started\n" NOTES
        "f.ini:12: bootstrap_tmpfile: left out: dray bootstrap reads the table without a file "
        "between\n");
}

static void
with_a_target_it_is_read_as_a_configuration(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, MAIN "max_batch_size = 7\n"
                                            "[a?.b*]\n"
                                            "psql_schema = a?\n"
                                            "psql_table_name = b*\n"
                                            "psql_key_column = Id\n"
                                            "psql_columns = x\n"
                                            "   z\n"
                                            "hbase_table_name = t\n"
                                            "hbase_column_descriptors = f:x   f:z\n"
                                            "hbase_row_prefix = p\n");
    CLEANUP(config_free) Config *config = NULL;

    (void)state;
    if (!converted_can_be_read())
        skip();
    assert_ok(made.ok, made.err);
    assert_non_null(strstr(made.conversion.yaml.data, "    #   x: \"f:x\"\n    #   z: \"f:z\"\n"));
    config = converted_config(&made, "target: {type: sqlite, path: x}\n", &made.err);
    assert_ok(config != NULL, made.err);
    assert_int_equal(config->block.max_rows, 7);
    assert_int_equal(config->tables.count, 2);
    assert_text(config->tables.rules[0].match, "a\\?.b\\*");
    assert_int_equal(config->tables.rules[0].key_count, 1);
    assert_text(config->tables.rules[0].key[0], "Id");
    assert_true(config->tables.rules[1].skip);
}

static void
all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    check_refused(FORMAT, "[x]\n", "f.ini: there is no section [HBaseReplic]");
    check_refused(FORMAT,
        MAIN "max_batch_size = 0\n"
             "[a.b]\n"
             "psql_schema = a\n"
             "psql_table_name = b\n"
             "psql_key_column = x, y\n"
             "psql_columns = x y\n"
             "hbase_column_descriptors = fam\n"
             "hbase_row_prefix = p\n",
        "f.ini:5: max_batch_size: \"0\" is no number from 1 on\n"
        "f.ini:6: hbase_table_name: not given, and it is needed\n"
        "f.ini:11: hbase_column_descriptors: 1 of them for 2 psql_columns\n"
        "f.ini:9: psql_key_column: hbrep takes one column's name, without , { }\n"
        "f.ini:11: hbase_column_descriptors: \"fam\" has not exactly one \":\"");
}

static void
a_section_of_another_name_than_its_table_is_told(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, MAIN "[users]\n"
                                            "psql_schema = public\n"
                                            "psql_table_name = users\n"
                                            "psql_key_column = id\n"
                                            "psql_columns = x\n"
                                            "hbase_table_name = t\n"
                                            "hbase_column_descriptors = f:x\n"
                                            "hbase_row_prefix = p\n");

    (void)state;
    assert_ok(made.ok, made.err);
    assert_string_equal(made.conversion.notes.data,
        "f.ini:7: psql_table_name: the events of public.users never came to section [users]: its "
        "name must be the table's, and the rule here is for the section's\n" NOTES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_of_its_readme_becomes_a_source_and_rules),
        cmocka_unit_test(with_a_target_it_is_read_as_a_configuration),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(a_section_of_another_name_than_its_table_is_told),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
