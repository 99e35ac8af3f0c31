#include "apply/status.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

static const Option options[] = {
    {"json", NULL, "Print one JSON object."},
    {NULL, NULL, NULL},
};

static void
set_text(json_t *object, const char *key, Text text)
{
    json_t *value = text.len == 0 ? json_null() : json_stringn(text.data, text.len);

    if (value == NULL || json_object_set_new(object, key, value) != 0)
        abort();
}

static void
set_value(json_t *object, const char *key, json_t *value)
{
    if (value == NULL || json_object_set_new(object, key, value) != 0)
        abort();
}

static void
set_time(json_t *object, const char *key, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    set_text(object, key, clock_format(time_us, text));
}

static void
print_json(const ServiceStatus *status)
{
    json_t *object = json_object();
    char *text;

    set_text(object, "service", status->service);
    set_text(object, "state", status->state);
    set_value(object, "process_runs", json_boolean(status->process_runs));
    set_value(object, "target_answers", json_boolean(status->target_answers));
    set_value(object, "seqno", json_integer((json_int_t)status->seqno));
    set_text(object, "source_position", status->source_position);
    set_time(object, "commit_timestamp", status->commit_us);
    set_time(object, "updated_at", status->updated_us);
    set_value(object, "lag_seconds",
        status->lag_seconds < 0 ? json_null() : json_real(status->lag_seconds));
    set_value(object, "blocks", json_integer((json_int_t)status->block_count));
    set_value(object, "block_bytes", json_integer((json_int_t)status->block_bytes));
    set_text(object, "last_error", status->last_error);
    set_time(object, "last_error_at", status->last_error_us);
    set_text(object, "target_error", status->target_error);
    set_value(object, "retained_bytes",
        status->retained_bytes < 0 ? json_null() : json_integer(status->retained_bytes));
    set_value(object, "source_behind_seconds",
        status->source_behind_us < 0 ? json_null()
                                     : json_real((double)status->source_behind_us / 1e6));
    set_value(object, "source_pending",
        status->source_pending < 0 ? json_null() : json_integer(status->source_pending));
    set_text(object, "source_error", status->source_error);
    text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    if (text == NULL)
        abort();
    (void)puts(text);
    free(text);
    json_decref(object);
}

static void
print_line(const char *name, Text text)
{
    (void)printf("%-18s " TEXT_FMT "\n", name, TEXT_ARG(text.len == 0 ? TEXT("-") : text));
}

static void
print_time(const char *name, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];

    print_line(name, clock_format(time_us, text));
}

static void
print_source(const ServiceStatus *status)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    /* the place of a queue that is quiet is as old as its last change */
    if (status->source_pending == 0)
        buf_add_string(&text, "no changes pending");
    else if (status->source_behind_us >= 0)
        buf_addf(&text, "%.0f s behind", (double)status->source_behind_us / 1e6);
    if (status->source_pending > 0)
        buf_addf(&text, "%sabout %" PRId64 " changes pending", text.len == 0 ? "" : ", ",
            status->source_pending);
    if (text.len > 0)
        print_line("source", buf_text(&text));
}

static void
print_text(const ServiceStatus *status)
{
    print_line("service", status->service);
    print_line("state", status->state);
    print_line("process", status->process_runs ? TEXT("runs") : TEXT("does not run"));
    (void)printf("%-18s %" PRIu64 "\n", "seqno", status->seqno);
    print_line("source position", status->source_position);
    print_time("commit timestamp", status->commit_us);
    print_time("updated at", status->updated_us);
    if (status->lag_seconds < 0)
        print_line("lag", TEXT("unknown"));
    else
        (void)printf("%-18s %.1f s\n", "lag", status->lag_seconds);
    (void)printf("%-18s %" PRIu64 "\n", "blocks", status->block_count);
    (void)printf("%-18s %" PRIu64 "\n", "block bytes", status->block_bytes);
    if (status->retained_bytes >= 0)
        (void)printf("%-18s %" PRId64 "\n", "retained bytes", status->retained_bytes);
    print_source(status);
    print_line("last error", status->last_error);
    if (status->last_error.len > 0)
        print_time("last error at", status->last_error_us);
    if (!status->target_answers)
        print_line("target error", status->target_error);
    if (status->source_error.len > 0)
        print_line("source error", status->source_error);
}

static int
run(const Arguments *arguments)
{
    Error err;
    CLEANUP(config_free) Config *config = cli_config(arguments, &err);
    CLEANUP(context_close) Context *context = NULL;
    CLEANUP(arena_free) Arena *arena = arena_new();
    ServiceStatus status;

    if (config == NULL)
        return cli_fail(&err);
    context = context_open(config, &err);
    if (context == NULL || !status_read(context, arena, &status, &err))
        return cli_fail(&err);
    if (arguments_has(arguments, "json"))
        print_json(&status);
    else
        print_text(&status);
    return 0;
}

const Command cli_status = {
    .name = "status",
    .summary = "tell what a service is doing",
    .operands = "CONFIG [--json]",
    .doc = "Tells whether a process of the service runs, how far the target has got, how old its "
           "data is, how much log the source keeps for it or how many changes wait there, and the "
           "last error. The position is asked of the target; where that does not answer, the "
           "service's own last word is shown, with the reason. The source is given 5 seconds to "
           "answer.",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .run = run,
};
