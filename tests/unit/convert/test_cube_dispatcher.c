/* cube_dispatcher's configurations: what each option becomes. */
#include "converted.h"

#include "source/pgq/pgq.h"

#define FORMAT "cube_dispatcher"
/* what every file needs */
#define NEEDED            \
    "[cube_dispatcher]\n" \
    "job_name = j\n"      \
    "src_db = dbname=s\n" \
    "dst_db = dbname=d\n" \
    "pgq_queue_name = q\n"
#define ZONE_NOTE                                                                              \
    "dateformat: cube_dispatcher took the time zone of its connection to the source: compare " \
    "time_zone: UTC with what SHOW timezone says there, as that user\n"

static void
the_sample_of_its_manual_page_becomes_a_service(void **state)
{
    (void)state;
    check_converted(FORMAT,
        "[cube_dispatcher]\n"
        "job_name = some_queue_to_cube\n"
        "src_db = dbname=sourcedb_test\n"
        "dst_db = dbname=dataminedb_test\n"
        "pgq_queue_name = udata.some_queue\n"
        "logfile = ~/log/%(job_name)s.log\n"
        "pidfile = ~/pid/%(job_name)s.pid\n"
        "# how many rows are kept: keep_latest, keep_all\n"
        "mode = keep_latest\n"
        "# to_char() fmt for table suffix\n"
        "#dateformat = YYYY_MM_DD\n"
        "part_template =\n"
        "    create table _DEST_TABLE (like _PARENT);\n"
        "    alter table only _DEST_TABLE add primary key (_PKEY);\n",
        "# Made from f.ini by dray convert cube_dispatcher.\n"
        "\n"
        "service: some_queue_to_cube\n"
        "pidfile: ${HOME}/pid/some_queue_to_cube.pid\n"
        "\n"
        "source:\n"
        "  type: pgq\n"
        "  connection: dbname=sourcedb_test\n"
        "  queue: udata.some_queue\n"
        "  # the consumer as it is registered: it goes on at its current tick\n"
        "  consumer: some_queue_to_cube\n"
        "  # Before the first start: stop cube_dispatcher, then ask the target which tick it "
        "holds,\n"
        "  #   select pgq_ext.get_last_tick('some_queue_to_cube');\n"
        "  # and write it here. It may be one ahead of the consumer at the source.\n"
        "  # start_tick: …\n"
        "\n"
        "block:\n"
        "  # one service alone; had no equal\n"
        "  directory: /var/lib/dray/some_queue_to_cube\n"
        "\n"
        "target:\n"
        "  type: postgres\n"
        "  connection: dbname=dataminedb_test\n"
        "  merge_script: keep_latest.sql\n"
        "\n"
        "# every table of the queue goes to the table of the same name\n"
        "tables:\n"
        "  - match: \"*\"\n"
        "    partition:\n"
        "      by: YYYY_MM_DD\n"
        "      template: some_queue_to_cube_partition.sql\n"
        "      time_zone: UTC\n"
        "\n"
        "log:\n"
        "  file: ${HOME}/log/some_queue_to_cube.log\n",
        "f.ini:1: " ZONE_NOTE);
}

static void
its_template_becomes_a_file_or_comments(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, NEEDED "part_template =\n"
                                              "    create table _DEST_TABLE (like _PARENT);\n\n"
                                              "    -- 100%% _PKEY: done\n");
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    const char *comments;

    (void)state;
    assert_ok(made.ok, made.err);
    assert_string_equal(made.conversion.template_name.data, "j_partition.sql");
    assert_string_equal(made.conversion.template_text.data,
        "create table _DEST_TABLE (like _PARENT);\n-- 100% _PKEY: done\n");
    conversion_print(&made.conversion, &out);
    comments = strstr(out.data, "\n# The file");
    assert_non_null(comments);
    assert_string_equal(comments,
        "\n# The file j_partition.sql, which belongs beside this one (dray convert --output DIR\n"
        "# writes both):\n"
        "#\n"
        "# create table _DEST_TABLE (like _PARENT);\n"
        "# -- 100% _PKEY: done\n");
}

static void
what_it_prints_is_read_as_a_configuration(void **state)
{
    CLEANUP(converted_clear)
    Converted made =
        converted(FORMAT, NEEDED "pgq_consumer_id = it's %(job_name)s\n"
                                 "mode = keep_all\n"
                                 "dateformat = YYYY_MM\n"
                                 "loop_delay = 0.25\n"
                                 "connection_lifetime = 600\n"
                                 "logfile = /var/log/a: b #1.log\n"
                                 "pidfile = /run/j.pid\n"
                                 "part_template = create table _DEST_TABLE (like _PARENT)\n");
    CLEANUP(config_free) Config *config = NULL;
    const PgqSourceOptions *source;
    const TableRule *rule;

    (void)state;
    if (!converted_can_be_read())
        skip();
    assert_ok(made.ok, made.err);
    config = converted_config(&made, "", &made.err);
    assert_ok(config != NULL, made.err);
    source = config->source_options;
    assert_string_equal(config->service, "j");
    assert_string_equal(config->pidfile, "/run/j.pid");
    assert_string_equal(config->log.file, "/var/log/a: b #1.log");
    assert_string_equal(config->source_type, "pgq");
    assert_string_equal(source->connection, "dbname=s");
    assert_string_equal(source->queue, "q");
    assert_string_equal(source->consumer, "it's j");
    assert_int_equal(source->poll_interval_ms, 250);
    assert_int_equal(source->connection_lifetime_ms, 600000);
    assert_string_equal(config->target.merge_script, "keep_all.sql");
    assert_int_equal(config->tables.count, 1);
    rule = &config->tables.rules[0];
    assert_text(rule->match, "*");
    assert_int_equal(rule->deletes, DELETES_ERROR);
    assert_non_null(rule->partition);
    assert_string_equal(rule->partition->by, "YYYY_MM");
    assert_string_equal(rule->partition->zone_name, "UTC");
    assert_non_null(strstr(rule->partition->template, "j_partition.sql"));
}

static void
an_empty_dateformat_makes_no_partitions(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, NEEDED "dateformat =\npart_template = create table x\n");

    (void)state;
    assert_ok(made.ok, made.err);
    assert_null(strstr(made.conversion.yaml.data, "partition:"));
    assert_int_equal(made.conversion.template_name.len, 0);
    assert_string_equal(made.conversion.notes.data,
        "f.ini:7: part_template: left out: without a dateformat there are no partitions to make; a "
        "table that is not there is an error, see dray ddl\n");
}

static void
formats_that_dray_takes_otherwise_are_noted(void **state)
{
    static const struct {
        const char *format, *note;
    } cases[] = {
        {"YYYY_TZ", "f.ini:6: dateformat: refused by Dray: TZ at character 6"},
        {"month", "f.ini:6: dateformat: \"month\" is a word to Dray (one partition a month, with "
                  "digits in its name); to_char() made something else of it\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf text = BUF_INIT;
        CLEANUP(converted_clear) Converted made = {.ok = false};

        buf_addf(&text, NEEDED "dateformat = %s\nmode = keep_all\n", cases[i].format);
        made = converted(FORMAT, text.data);
        assert_ok(made.ok, made.err);
        assert_true(text_starts_with(buf_text(&made.conversion.notes), cases[i].note));
        assert_true(text_ends_with(buf_text(&made.conversion.notes),
            "f.ini:1: part_template: not given: cube_dispatcher's own gives partitions a primary "
            "key, which a second version of a row on the same day violates in keep_all; Dray's "
            "own, which is taken now, gives them none there\n"));
    }
}

static void
passwords_are_never_printed(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, "[cube_dispatcher]\n"
                                       "job_name = j\n"
                                       "pw = s3cret\n"
                                       "src_db = dbname=s password=%(pw)s\n"
                                       "dst_db = postgres://u:s3cret@h/d\n"
                                       "pgq_queue_name = q\n"
                                       "dateformat =\n");
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    assert_ok(made.ok, made.err);
    conversion_print(&made.conversion, &out);
    buf_add_text(&out, buf_text(&made.conversion.notes));
    assert_null(strstr(out.data, "s3cret"));
    assert_non_null(
        strstr(out.data, "  connection: dbname=s password='${DRAY_SOURCE_PASSWORD}'\n"));
    assert_non_null(
        strstr(out.data, "  connection: \"postgres://u:${DRAY_TARGET_PASSWORD}@h/d\"\n"));
    assert_string_equal(made.conversion.notes.data,
        "f.ini:4: src_db: its password is left out: put it into the environment as "
        "DRAY_SOURCE_PASSWORD, or take it out of the connection and keep it in ~/.pgpass\n"
        "f.ini:5: dst_db: its password is left out: put it into the environment as "
        "DRAY_TARGET_PASSWORD, or take it out of the connection and keep it in ~/.pgpass\n");
}

static void
the_names_of_skytools_3_are_taken_as_well(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, "[cube_dispatcher]\n"
                                       "job_name = j\n"
                                       "src_db = dbname=s\n"
                                       "dst_db = dbname=d\n"
                                       "queue_name = new_q\n"
                                       "pgq_consumer_id = old_c\n"
                                       "consumer_name = new_c\n"
                                       "dateformat =\n");

    (void)state;
    assert_ok(made.ok, made.err);
    assert_non_null(strstr(made.conversion.yaml.data, "  queue: new_q\n"));
    assert_non_null(strstr(made.conversion.yaml.data, "  consumer: old_c\n"));
    assert_string_equal(made.conversion.notes.data,
        "f.ini:7: consumer_name: left out, since pgq_consumer_id counts\n");
}

static void
without_a_job_name_it_is_the_sections(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, "[cube_dispatcher]\n"
                                       "src_db = dbname=s\n"
                                       "dst_db = dbname=d\n"
                                       "pgq_queue_name = q_%(job_name)s\n"
                                       "dateformat =\n");

    (void)state;
    assert_ok(made.ok, made.err);
    assert_non_null(strstr(made.conversion.yaml.data, "service: cube_dispatcher\n"));
    assert_non_null(strstr(made.conversion.yaml.data, "  queue: q_cube_dispatcher\n"));
    assert_string_equal(made.conversion.notes.data,
        "f.ini:1: job_name: not given: to Skytools 2.1 the name is cube_dispatcher, as here; to "
        "3.x it would be f. It is the consumer's name as well, where that is not given: see select "
        "* from pgq.get_consumer_info()\n");
}

static void
a_job_name_that_no_service_may_have_stays_the_consumers(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, NEEDED "dateformat =\njob_name = queue to cube/ä\n");

    (void)state;
    assert_ok(made.ok, made.err);
    assert_non_null(strstr(made.conversion.yaml.data, "service: queue_to_cube___\n"));
    assert_non_null(strstr(made.conversion.yaml.data, "  consumer: \"queue to cube/ä\"\n"));
    assert_string_equal(made.conversion.notes.data,
        "f.ini:7: the option is given again: this one counts; to Python 3 it is an error\n"
        "f.ini:7: job_name: a service's name has 1 to 100 of the characters A-Z a-z 0-9 _ . -: it "
        "is queue_to_cube___ here\n");
}

static void
options_without_an_equal_are_named(void **state)
{
    (void)state;
    CLEANUP(converted_clear)
    Converted made = converted(FORMAT, NEEDED "dateformat =\n"
                                              "use_skylog = 1\n"
                                              "loop_delay = 0\n"
                                              "log_count = 5\n"
                                              "pgq_lazy_fetch = 300\n"
                                              "src_db_extra_connstr = x\n"
                                              "colour = blue\n"
                                              "base = /var\n"
                                              "pidfile = %(base)s/x\n"
                                              "logfile = log/x.log\n");

    assert_ok(made.ok, made.err);
    assert_string_equal(made.conversion.notes.data,
        "f.ini:8: loop_delay: 0 means to end where the queue is empty: dray run --until-end does "
        "so\n"
        "f.ini:7: use_skylog: log lines go to log.file or to standard error; skylog.ini is not "
        "read\n"
        "f.ini:15: logfile: to Dray the path begins where the configuration file is, not where the "
        "program was started\n"
        "f.ini:9: log_count: left out: log files are not rotated: let logrotate do it, and send "
        "SIGHUP then\n"
        "f.ini:10: pgq_lazy_fetch: left out: events are always streamed, in little memory\n"
        "f.ini:11: src_db_extra_connstr: left out: add it to the connection by hand\n"
        "f.ini:12: colour: not known, and left out\n");
}

static void
home_directories_are_those_of_the_services_user_or_of_the_one_named(void **state)
{
    CLEANUP(converted_clear)
    Converted made = converted(
        FORMAT, NEEDED "dateformat =\npidfile = ~root/x.pid\nlogfile = ~no_such_user/x.log\n");

    (void)state;
    assert_ok(made.ok, made.err);
    assert_non_null(strstr(made.conversion.yaml.data, "pidfile: /root/x.pid\n"));
    assert_non_null(strstr(made.conversion.yaml.data, "  file: \"~no_such_user/x.log\"\n"));
    assert_string_equal(made.conversion.notes.data,
        "f.ini:8: logfile: the home directory of no_such_user is not known here: write it into the "
        "path\n");
}

static void
all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    check_refused(FORMAT, "[other]\na = 1\n", "f.ini: there is no section [cube_dispatcher]");
    check_refused(FORMAT, "[cube_dispatcher]\nx\n",
        "f.ini:2: the line is no [section], no option = value, and no comment");
    check_refused(FORMAT,
        "[cube_dispatcher]\n"
        "src_db = password='s3cret\n"
        "dst_db =\n"
        "mode = keep\n"
        "loop_delay = fast\n"
        "logfile = %(nothing)s\n"
        "config_format = 2\n",
        "f.ini:7: config_format: 2 is another syntax, with ${…}: write the file in the first one\n"
        "f.ini:4: mode: \"keep\" is neither keep_latest nor keep_all\n"
        "f.ini:2: src_db: a quote in the connection string does not end\n"
        "f.ini:1: pgq_queue_name: not given, and it is needed\n"
        "f.ini:5: loop_delay: \"fast\" is no number\n"
        "f.ini:3: dst_db: empty, and it is needed\n"
        "f.ini:6: logfile: there is no option nothing");
    check_refused(FORMAT, NEEDED "x = \xff\n",
        "f.ini:6: not UTF-8, which Dray's configuration is: convert the file with iconv first");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_of_its_manual_page_becomes_a_service),
        cmocka_unit_test(its_template_becomes_a_file_or_comments),
        cmocka_unit_test(what_it_prints_is_read_as_a_configuration),
        cmocka_unit_test(an_empty_dateformat_makes_no_partitions),
        cmocka_unit_test(formats_that_dray_takes_otherwise_are_noted),
        cmocka_unit_test(passwords_are_never_printed),
        cmocka_unit_test(the_names_of_skytools_3_are_taken_as_well),
        cmocka_unit_test(without_a_job_name_it_is_the_sections),
        cmocka_unit_test(a_job_name_that_no_service_may_have_stays_the_consumers),
        cmocka_unit_test(options_without_an_equal_are_named),
        cmocka_unit_test(home_directories_are_those_of_the_services_user_or_of_the_one_named),
        cmocka_unit_test(all_mistakes_are_told_at_once),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
