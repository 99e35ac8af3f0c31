#include "convert/skytools.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "convert/connection.h"
#include "convert/output.h"

#define SERVICE_MAX 100

/* Of all scripts. */
static const SkytoolsOption common_options[] = {
    {"use_skylog", "log lines go to log.file or to standard error; skylog.ini is not read"},
    {"skylog_locations", "skylog.ini is not read"},
    {"log_size", "log files are not rotated: let logrotate do it, and send SIGHUP then"},
    {"log_count", "log files are not rotated: let logrotate do it, and send SIGHUP then"},
    {"logfmt_*", "log lines have one form, see docs/operations.md"},
    {"logdatefmt_*", "log lines have one form, see docs/operations.md"},
    {"exception_sleep", "waits after faults are retry.first_wait and retry.max_wait"},
    {"exception_*", "every fault is logged; how long it is retried is retry.max_time"},
    {"sql_retry*", "waits after faults are retry.first_wait and retry.max_wait"},
    {"*_extra_connstr", "add it to the connection by hand"},
    {"pgq_lazy_fetch", "events are always streamed, in little memory"},
    {"pgq_autocommit", "batches are read in transactions of their own, always"},
    {"pgq_batch_collect_*",
        "small batches join into one block: see block.max_rows and block.max_interval"},
    {"pgq_keep_lag", "no distance from the queue's end is kept"},
    {"table_filter", "write a rule in tables: for each of these tables, and one with skip: true "
                     "for all others behind them"},
    {"keepalive_stats", "a quiet service logs nothing: see dray status"},
    {"service_name", "only the job's name counts"},
    {NULL, NULL},
};

static void
add_place(const Skytools *skytools, const PythonIniSection *section, const char *name, Buf *out)
{
    const PythonIniOption *option = python_ini_find(skytools->ini, section, name);
    size_t line = option != NULL && option->line > 0 ? option->line : section->line;

    buf_addf(out, "%s:%zu: %s: ", skytools->path, line, name);
}

void
skytools_note(
    Skytools *skytools, const PythonIniSection *section, const char *name, const char *fmt, ...)
{
    va_list args;

    add_place(skytools, section, name, &skytools->out->notes);
    va_start(args, fmt);
    buf_addv(&skytools->out->notes, fmt, args);
    va_end(args);
    buf_add_char(&skytools->out->notes, '\n');
}

void
skytools_mistake(
    Skytools *skytools, const PythonIniSection *section, const char *name, const char *fmt, ...)
{
    va_list args;

    if (skytools->problems.len > 0)
        buf_add_char(&skytools->problems, '\n');
    add_place(skytools, section, name, &skytools->problems);
    va_start(args, fmt);
    buf_addv(&skytools->problems, fmt, args);
    va_end(args);
}

Text
skytools_get_in(Skytools *skytools, const PythonIniSection *section, const char *name)
{
    Text value;
    Error err;

    if (!python_ini_get(skytools->ini, section, name, &value, &err)) {
        if (skytools->problems.len > 0)
            buf_add_char(&skytools->problems, '\n');
        buf_add_string(&skytools->problems, err.text);
        return TEXT_NONE;
    }
    return value.data == NULL ? value : text_trim(value);
}

Text
skytools_get(Skytools *skytools, const char *name)
{
    return skytools_get_in(skytools, skytools->section, name);
}

Text
skytools_need(Skytools *skytools, const PythonIniSection *section, const char *name)
{
    size_t problems = skytools->problems.len;
    Text value = skytools_get_in(skytools, section, name);

    if (value.len == 0 && problems == skytools->problems.len)
        skytools_mistake(skytools, section, name, "%s, and it is needed",
            value.data == NULL ? "not given" : "empty");
    return value.data == NULL ? TEXT("") : value;
}

/* What the scripts put into %(…)s of themselves. */
static void
add_presets(PythonIni *ini, const char *main_section, const char *path)
{
    char host[256] = "";
    char *directory = file_directory(path);

    (void)gethostname(host, sizeof(host) - 1);
    python_ini_preset(ini, "job_name", text_of(main_section));
    python_ini_preset(ini, "service_name", text_of(main_section));
    python_ini_preset(ini, "host_name", text_of(host));
    python_ini_preset(ini, "config_dir", text_of(directory));
    python_ini_preset(ini, "config_file", text_of(path));
    free(directory);
}

/* The service's name takes fewer characters than a job's. */
static void
set_service(Skytools *skytools)
{
    Buf *service = &skytools->out->service;

    for (size_t i = 0; i < skytools->job.len && service->len < SERVICE_MAX; i++) {
        char c = skytools->job.data[i];
        bool fits = isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';

        buf_add(service, fits ? &c : "_", 1);
    }
    if (service->len == 0 || text_is(buf_text(service), ".") || text_is(buf_text(service), ".."))
        buf_add_char(service, '_');
    if (!text_equal(buf_text(service), skytools->job))
        skytools_note(skytools, skytools->section, "job_name",
            "a service's name has 1 to %d of the characters A-Z a-z 0-9 _ . -: it is %s here",
            SERVICE_MAX, buf_string(service));
}

static void
note_job_name(Skytools *skytools)
{
    const char *slash = strrchr(skytools->path, '/');
    Text base = text_of(slash == NULL ? skytools->path : slash + 1);

    if (python_ini_find(skytools->ini, skytools->section, "job_name")->line > 0)
        return;
    if (text_ends_with(base, ".ini"))
        base.len -= strlen(".ini");
    skytools_note(skytools, skytools->section, "job_name",
        "not given: to Skytools 2.1 the name is " TEXT_FMT ", as here; to 3.x it would be " TEXT_FMT
        ". It is the consumer's name as well, where that is not given: see select * from "
        "pgq.get_consumer_info()",
        TEXT_ARG(skytools->section->name), TEXT_ARG(base));
}

/* The newer one of two names of the consumer and of the queue counts less. */
static Text
get_either(Skytools *skytools, const char *older, const char *newer)
{
    Text value = skytools_get(skytools, older);
    Text other = skytools_get(skytools, newer);

    if (value.len == 0)
        return other;
    if (other.data != NULL && !text_equal(value, other))
        skytools_note(skytools, skytools->section, newer, "left out, since %s counts", older);
    return value;
}

bool
skytools_open(Skytools *skytools, const char *main_section, const char *path, Text text,
    Conversion *out, Error *err)
{
    *skytools = (Skytools){.path = path, .out = out};
    skytools->ini = python_ini_parse(path, text, &out->notes, err);
    if (skytools->ini == NULL)
        return false;
    skytools->section = python_ini_section(skytools->ini, main_section);
    if (skytools->section == NULL)
        return error_set(err, ERR_CONFIG, "%s: there is no section [%s]", path, main_section);
    add_presets(skytools->ini, main_section, path);
    if (text_is(skytools_get(skytools, "config_format"), "2"))
        skytools_mistake(skytools, skytools->section, "config_format",
            "2 is another syntax, with ${…}: write the file in the first one");
    skytools->job = skytools_get(skytools, "job_name");
    if (skytools->job.len == 0)
        skytools->job = skytools->section->name;
    skytools->consumer = get_either(skytools, "pgq_consumer_id", "consumer_name");
    if (skytools->consumer.len == 0)
        skytools->consumer = skytools->job;
    note_job_name(skytools);
    set_service(skytools);
    return true;
}

void
skytools_clear(Skytools *skytools)
{
    python_ini_free(skytools->ini);
    buf_clear(&skytools->problems);
}

/* A path with "~" in front: the home directory, of whoever runs the service. */
static void
add_path(Skytools *skytools, const char *indent, const char *name, const char *option, Text path)
{
    Buf *yaml = &skytools->out->yaml;
    size_t len = text_find(path, '/');
    CLEANUP(buf_clear) Buf home = BUF_INIT;
    const struct passwd *user;

    if (path.data[0] != '~' && path.data[0] != '/')
        skytools_note(skytools, skytools->section, option,
            "to Dray the path begins where the configuration file is, not where the program was "
            "started");
    if (path.data[0] != '~') {
        output_option(yaml, indent, name, path);
        return;
    }
    if (len == 1) {
        buf_addf(&home, "${HOME}" TEXT_FMT, TEXT_ARG(((Text){path.data + 1, path.len - 1})));
        buf_addf(yaml, "%s%s: ", indent, name);
        output_scalar(yaml, buf_text(&home));
        buf_add_char(yaml, '\n');
        return;
    }
    buf_add(&home, path.data + 1, len - 1);
    user = getpwnam(buf_string(&home));
    if (user == NULL) {
        skytools_note(skytools, skytools->section, option,
            "the home directory of %s is not known here: write it into the path",
            buf_string(&home));
        output_option(yaml, indent, name, path);
        return;
    }
    buf_reset(&home, SIZE_MAX);
    buf_addf(
        &home, "%s" TEXT_FMT, user->pw_dir, TEXT_ARG(((Text){path.data + len, path.len - len})));
    output_option(yaml, indent, name, buf_text(&home));
}

void
skytools_add_service(Skytools *skytools)
{
    Text pidfile = skytools_get(skytools, "pidfile");

    output_option(&skytools->out->yaml, "", "service", buf_text(&skytools->out->service));
    if (pidfile.len > 0)
        add_path(skytools, "", "pidfile", "pidfile", pidfile);
}

void
skytools_add_connection(Skytools *skytools, const char *db, const char *variable)
{
    Text text = skytools_need(skytools, skytools->section, db);
    CLEANUP(buf_clear) Buf connection = BUF_INIT;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    size_t secrets;

    if (text.len == 0)
        return;
    if (!connection_without_secrets(text, variable, &connection, &secrets, &reason)) {
        skytools_mistake(skytools, skytools->section, db, "%s", buf_string(&reason));
        return;
    }
    if (secrets > 0)
        skytools_note(skytools, skytools->section, db,
            "its password is left out: put it into the environment as %s, or take it out of the "
            "connection and keep it in ~/.pgpass",
            variable);
    buf_add_string(&skytools->out->yaml, "  connection: ");
    output_scalar(&skytools->out->yaml, buf_text(&connection));
    buf_add_char(&skytools->out->yaml, '\n');
}

/* Seconds, with a fraction, as milliseconds. False when there are none, or a mistake was noted. */
static bool
get_seconds(Skytools *skytools, const char *name, int64_t *ret_ms)
{
    Text text = skytools_get(skytools, name);
    char *copy = text_dup(text);
    char *end = copy;
    double value;
    bool ok;

    if (text.data == NULL)
        return false;
    errno = 0;
    value = strtod(copy, &end);
    ok = text.len > 0 && *end == '\0' && errno == 0 && isfinite(value) && fabs(value) < 1e9;
    free(copy);
    if (!ok) {
        skytools_mistake(
            skytools, skytools->section, name, "\"" TEXT_FMT "\" is no number", TEXT_ARG(text));
        return false;
    }
    *ret_ms = (int64_t)(value * 1000 + (value < 0 ? -0.5 : 0.5));
    return true;
}

static void
add_time(Skytools *skytools, const char *name, int64_t ms)
{
    buf_addf(&skytools->out->yaml, "  %s: ", name);
    output_time(&skytools->out->yaml, ms);
    buf_add_char(&skytools->out->yaml, '\n');
}

static void
add_poll_interval(Skytools *skytools)
{
    int64_t ms;

    if (!get_seconds(skytools, "loop_delay", &ms))
        return;
    if (ms > 0)
        add_time(skytools, "poll_interval", ms);
    else
        skytools_note(skytools, skytools->section, "loop_delay", "%s: dray run --until-end does so",
            ms == 0 ? "0 means to end where the queue is empty" : "below 0 means one loop");
}

void
skytools_add_source(Skytools *skytools, const char *db)
{
    Buf *yaml = &skytools->out->yaml;
    Text queue = get_either(skytools, "pgq_queue_name", "queue_name");
    int64_t lifetime;

    buf_add_string(yaml, "\nsource:\n  type: pgq\n");
    skytools_add_connection(skytools, db, "DRAY_SOURCE_PASSWORD");
    if (queue.len == 0)
        (void)skytools_need(skytools, skytools->section, "pgq_queue_name");
    else
        output_option(yaml, "  ", "queue", queue);
    buf_add_string(yaml, "  # the consumer as it is registered: it goes on at its current tick\n");
    output_option(yaml, "  ", "consumer", skytools->consumer);
    add_poll_interval(skytools);
    if (get_seconds(skytools, "connection_lifetime", &lifetime))
        add_time(skytools, "connection_lifetime", MAX(lifetime, 0));
}

void
skytools_add_block(Skytools *skytools)
{
    CLEANUP(buf_clear) Buf directory = BUF_INIT;

    buf_addf(&directory, "/var/lib/dray/%s", buf_string(&skytools->out->service));
    buf_add_string(&skytools->out->yaml, "\nblock:\n  # one service alone; had no equal\n");
    output_option(&skytools->out->yaml, "  ", "directory", buf_text(&directory));
}

void
skytools_add_log(Skytools *skytools)
{
    Text logfile = skytools_get(skytools, "logfile");
    Text skylog = skytools_get(skytools, "use_skylog");

    if (skylog.len > 0 && !text_is(skylog, "0"))
        skytools_note(skytools, skytools->section, "use_skylog", "%s", common_options[0].advice);
    if (logfile.len == 0 || text_is(logfile, "-"))
        return;
    buf_add_string(&skytools->out->yaml, "\nlog:\n");
    add_path(skytools, "  ", "file", "logfile", logfile);
}

static const SkytoolsOption *
find_advice(const SkytoolsOption *options, Text name)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (text_glob(name, options->name))
            return options;
    }
    return NULL;
}

void
skytools_note_unused(Skytools *skytools, const SkytoolsOption *own)
{
    map_each (&skytools->section->options, entry) {
        const PythonIniOption *option = entry->value;
        const SkytoolsOption *advice = find_advice(own, option->name);

        if (option->used)
            continue;
        if (advice == NULL)
            advice = find_advice(common_options, option->name);
        buf_addf(&skytools->out->notes, "%s:%zu: " TEXT_FMT ": %s%s\n", skytools->path,
            option->line, TEXT_ARG(option->name),
            advice != NULL ? "left out: " : "not known, and left out",
            advice != NULL ? advice->advice : "");
    }
}

bool
skytools_finish(Skytools *skytools, Error *err)
{
    if (skytools->problems.len > 0)
        return error_set(err, ERR_CONFIG, "%s", buf_string(&skytools->problems));
    return true;
}
