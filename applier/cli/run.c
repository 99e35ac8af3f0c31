#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/cli.h"
#include "service/daemon.h"
#include "service/service.h"

#define KILL_WAIT_MS 10000

static const Option options[] = {
    {"daemon", NULL,
        "Go into the background; the command ends when the service has started. Needs pidfile and "
        "log.file in the configuration.",
        'd'},
    {"reload", NULL,
        "Tell the service that runs to read its configuration again and to reopen its log file "
        "(SIGHUP).",
        'r'},
    {"stop", NULL, "Tell the service that runs to end after the open block (SIGINT).", 's'},
    {"wait", NULL, "With --stop: end only when the service has."},
    {"kill", NULL,
        "Have the service that runs roll back and end at once; SIGKILL where it does not within 10 "
        "seconds. Ends when the service has.",
        'k'},
    {"quiet", NULL, "Log errors and warnings only, whatever log.level says.", 'q'},
    {"verbose", NULL, "Log everything, whatever log.level says.", 'v'},
    {"until-end", NULL, "End when the source has nothing more, even if it is told to wait."},
    {"until-seqno", "N", "End after the transaction with this seqno."},
    {"until-position", "POSITION",
        "End before the first transaction that begins at or behind this position of the source "
        "(PostgreSQL: an LSN)."},
    {NULL, NULL, NULL},
};

/* ---- the service itself -----------------------------------------------------------------------
 */

static bool
check_daemon(const Config *config, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    const char *const names[] = {"pidfile", "log.file"};
    const char *const values[] = {config->pidfile, config->log.file};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (values[i] == NULL)
            buf_addf(&text, "%s%s: %s: missing, dray run --daemon needs it",
                text.len == 0 ? "" : "\n", config->path, names[i]);
    return text.len == 0 || error_set(err, ERR_CONFIG, "%s", text.data);
}

static int
run_in_background(const Arguments *arguments, Config *config, ServiceOptions *how)
{
    Daemon *daemon = NULL;
    Error err;
    bool ok = check_daemon(config, &err) && daemon_fork(&daemon, &err);

    if (daemon == NULL) {
        config_free(config);
        return ok ? 0 : cli_fail(&err);
    }
    how->is_daemon = true;
    how->run.reached = daemon_reached;
    how->run.reached_context = daemon;
    ok = service_run(arguments->operands[0], cli_schema(), config, how, &err);
    daemon_end(daemon, ok ? NULL : &err);
    return ok ? 0 : error_exit_code(err.kind);
}

static int
run_service(const Arguments *arguments)
{
    ServiceOptions how = {
        .run = {.until_end = arguments_has(arguments, "until-end"),
            .until_position = text_of(arguments_value(arguments, "until-position"))},
        .log_level = -1};
    Error err;
    Config *config;
    bool is_logged;

    if (arguments_has(arguments, "quiet"))
        how.log_level = LOG_WARN;
    else if (arguments_has(arguments, "verbose"))
        how.log_level = LOG_DEBUG;
    if (!arguments_seqno(arguments, "until-seqno", &how.run.until_seqno, &err))
        return cli_fail(&err);
    config = cli_config(arguments, &err);
    if (config == NULL)
        return cli_fail(&err);
    if (arguments_has(arguments, "daemon"))
        return run_in_background(arguments, config, &how);
    /* the service logs what ended it; on standard error once is enough */
    is_logged = config->log.file == NULL;
    if (service_run(arguments->operands[0], cli_schema(), config, &how, &err))
        return 0;
    return is_logged ? error_exit_code(err.kind) : cli_fail(&err);
}

/* ---- telling the one that runs ----------------------------------------------------------------
 */

/* The signal goes out in any case, so that the log file is reopened; what is wrong with the
 * configuration stands in the log as well, but who waits here is to see it. */
static bool
reload(const Arguments *arguments, const char *pidfile, Error *err)
{
    CLEANUP(config_free) Config *config = NULL;

    if (!daemon_reload(pidfile, err))
        return false;
    config = config_load(arguments->operands[0], cli_schema(), err);
    return config != NULL ||
           error_wrap(err, "the service keeps its configuration, only the log file is reopened");
}

static int
tell_service(const Arguments *arguments)
{
    CLEANUP(buf_clear) Buf note = BUF_INIT;
    Error err;
    char *pidfile = config_load_pidfile(arguments->operands[0], &err);
    bool ok = pidfile != NULL;

    if (ok && arguments_has(arguments, "reload"))
        ok = reload(arguments, pidfile, &err);
    else if (ok && arguments_has(arguments, "stop"))
        ok = daemon_stop(pidfile, arguments_has(arguments, "wait"), &note, &err);
    else if (ok)
        ok = daemon_kill(pidfile, KILL_WAIT_MS, &note, &err);
    free(pidfile);
    if (note.len > 0)
        (void)fprintf(stderr, "dray: warning: %s\n", note.data);
    return ok ? 0 : cli_fail(&err);
}

/* ---- the command ------------------------------------------------------------------------------
 */

/* At most one of them; NULL ends the names. *ret_given is that one, or NULL. */
static bool
check_one_of(
    const Arguments *arguments, const char *const *names, const char **ret_given, Error *err)
{
    *ret_given = NULL;
    for (; *names != NULL; names++) {
        if (!arguments_has(arguments, *names))
            continue;
        if (*ret_given != NULL)
            return error_set(
                err, ERR_USAGE, "dray run: --%s and --%s exclude each other", *ret_given, *names);
        *ret_given = *names;
    }
    return true;
}

static bool
check_options(const Arguments *arguments, bool *ret_tells, Error *err)
{
    static const char *const what[] = {"daemon", "reload", "stop", "kill", NULL};
    static const char *const levels[] = {"quiet", "verbose", NULL};
    static const char *const of_a_run[] = {"until-end", "until-seqno", "until-position", NULL};
    const char *given;
    const char *level;

    if (!check_one_of(arguments, what, &given, err) ||
        !check_one_of(arguments, levels, &level, err))
        return false;
    *ret_tells = given != NULL && strcmp(given, "daemon") != 0;
    for (const char *const *name = of_a_run; *ret_tells && *name != NULL; name++)
        if (arguments_has(arguments, *name))
            return error_set(
                err, ERR_USAGE, "dray run: --%s and --%s exclude each other", given, *name);
    if (arguments_has(arguments, "wait") && !arguments_has(arguments, "stop"))
        return error_set(err, ERR_USAGE, "dray run: --wait belongs to --stop");
    return true;
}

static int
run(const Arguments *arguments)
{
    bool tells;
    Error err;

    if (!check_options(arguments, &tells, &err))
        return cli_fail(&err);
    return tells ? tell_service(arguments) : run_service(arguments);
}

const Command cli_run = {
    .name = "run",
    .summary = "carry changes from the source into the target",
    .operands = "CONFIG [-d | -r | -s [--wait] | -k] [-q | -v] [--until-end] [--until-seqno N] "
                "[--until-position POSITION]",
    .doc = "Reads transactions from the source, writes them into commit blocks, merges each "
           "block into the target, and commits it together with the position. Goes on until it "
           "is told to stop, and begins where the position in the target says.\n\n"
           "SIGTERM and SIGINT end the service after the open block is committed; a second "
           "one rolls back and ends at once. SIGHUP reads the configuration again and reopens "
           "the log file.\n\n"
           "It stays in the foreground, as systemd and containers want it; -d puts it into the "
           "background. -r, -s and -k do not start a service: they send a signal to the one whose "
           "process has the configuration's pidfile. Nothing but the option pidfile is read for "
           "that. Where no process has it, -s and -k warn and end with 0, -r is an error.",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .run = run,
};
