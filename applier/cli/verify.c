#include "apply/verify/verify.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/progress.h"

static const Option options[] = {
    {"table", "GLOBS",
        "Only these tables: globs over the source's \"schema.table\" with commas between them; one "
        "with \"!\" in front leaves tables out."},
    {"repair", NULL,
        "Write the rows that differ into the target through the merge scripts, and compare again."},
    {"json", NULL, "Print one JSON object."},
    {NULL, NULL, NULL},
};

typedef struct Output {
    bool json;
    Progress *progress;
    ProgressFigures figures;
} Output;

static const char *
result_name(VerifyResult result)
{
    static const char *const names[] = {
        [VERIFY_EQUAL] = "equal",
        [VERIFY_DIFFERENT] = "different",
        [VERIFY_NOT_COMPARED] = "not compared",
    };

    return names[result];
}

static const char *
kind_name(VerifyKind kind)
{
    static const char *const names[] = {
        [VERIFY_MISSING] = "missing",
        [VERIFY_EXTRA] = "extra",
        [VERIFY_CHANGED] = "changed",
        [VERIFY_KIND_COUNT] = "",
    };

    return names[kind];
}

/* ---- plain text, as it comes ---- */

static void
print_key(const VerifyKey *key)
{
    (void)printf("  %-8s " TEXT_FMT, kind_name(key->kind), TEXT_ARG(key->key));
    if (key->kind == VERIFY_CHANGED)
        (void)printf(": " TEXT_FMT, TEXT_ARG(key->columns));
    (void)putchar('\n');
}

static void
print_differences(const VerifyTable *table)
{
    uint64_t all = 0;

    for (size_t i = 0; i < table->key_count; i++)
        print_key(&table->keys[i]);
    for (size_t i = 0; i < VERIFY_KIND_COUNT; i++)
        all += table->counts[i];
    if (all > 0)
        (void)printf("  in all   missing=%" PRIu64 " extra=%" PRIu64 " changed=%" PRIu64 "%s\n",
            table->counts[VERIFY_MISSING], table->counts[VERIFY_EXTRA],
            table->counts[VERIFY_CHANGED],
            table->key_count < all ? " (not all of them are printed: verify.max_keys)" : "");
    else if (table->result == VERIFY_DIFFERENT && !table->has_key)
        (void)puts("  the table has no key by which its rows could be named");
}

static void
print_table(void *context, const VerifyTable *table)
{
    Output *output = context;

    if (output->json)
        return;
    progress_hide(output->progress);
    (void)printf("%-12s " TEXT_FMT, result_name(table->result), TEXT_ARG(table->source));
    if (!text_equal(table->source, table->target))
        (void)printf(" -> " TEXT_FMT, TEXT_ARG(table->target));
    if (table->result != VERIFY_NOT_COMPARED)
        (void)printf(" source_rows=%" PRIu64 " target_rows=%" PRIu64 " seconds=%.1f",
            table->source_rows, table->target_rows, (double)table->elapsed_us / 1e6);
    if (table->repaired > 0)
        (void)printf(" repaired_rows=%" PRIu64, table->repaired);
    if (table->reason.data != NULL)
        (void)printf(": " TEXT_FMT, TEXT_ARG(table->reason));
    (void)putchar('\n');
    print_differences(table);
    (void)fflush(stdout);
}

static void
print_stage(void *context, const char *what)
{
    Output *output = context;

    progress_hide(output->progress);
    (void)fprintf(stderr, "%s\n", what);
}

static void
show_progress(void *context, uint64_t rows, uint64_t all_rows, size_t tables, size_t all_tables)
{
    Output *output = context;

    output->figures = (ProgressFigures){.rows = rows,
        .all_rows = all_rows,
        .tables = tables,
        .all_tables = all_tables,
        .note = TEXT_NONE};
    progress_show(output->progress, &output->figures);
}

static void
print_summary(const VerifyReport *report)
{
    (void)printf("position=" TEXT_FMT " tables=%zu equal=%" PRIu64 " different=%" PRIu64
                 " not_compared=%" PRIu64 "\n",
        TEXT_ARG(report->position), report->table_count, report->counts[VERIFY_EQUAL],
        report->counts[VERIFY_DIFFERENT], report->counts[VERIFY_NOT_COMPARED]);
}

/* ---- JSON ---- */

static void
set(json_t *object, const char *name, json_t *value)
{
    if (value == NULL || json_object_set_new(object, name, value) != 0)
        abort();
}

static json_t *
text_value(Text text)
{
    return text.data == NULL ? json_null() : json_stringn_nocheck(text.data, text.len);
}

static json_t *
count_value(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *
key_value(const VerifyKey *key)
{
    json_t *object = json_object();

    set(object, "kind", json_string(kind_name(key->kind)));
    set(object, "key", text_value(key->key));
    set(object, "columns", text_value(key->columns));
    return object;
}

static json_t *
table_value(const VerifyTable *table)
{
    json_t *object = json_object();
    json_t *keys = json_array();

    set(object, "source", text_value(table->source));
    set(object, "target", text_value(table->target));
    set(object, "result", json_string(result_name(table->result)));
    set(object, "reason", text_value(table->reason));
    set(object, "source_rows", count_value(table->source_rows));
    set(object, "target_rows", count_value(table->target_rows));
    for (size_t i = 0; i < VERIFY_KIND_COUNT; i++)
        set(object, kind_name((VerifyKind)i), count_value(table->counts[i]));
    set(object, "repaired_rows", count_value(table->repaired));
    set(object, "seconds", json_real((double)table->elapsed_us / 1e6));
    for (size_t i = 0; i < table->key_count; i++)
        if (json_array_append_new(keys, key_value(&table->keys[i])) != 0)
            abort();
    set(object, "keys", keys);
    return object;
}

static void
print_json(const VerifyReport *report)
{
    json_t *object = json_object();
    json_t *tables = json_array();
    char *text;

    set(object, "position", text_value(report->position));
    set(object, "equal", json_boolean(verify_report_is_equal(report)));
    for (size_t i = 0; i < report->table_count; i++)
        if (json_array_append_new(tables, table_value(&report->tables[i])) != 0)
            abort();
    set(object, "tables", tables);
    text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    if (text == NULL)
        abort();
    (void)puts(text);
    free(text);
    json_decref(object);
}

/* ---- the command ---- */

static bool
verify(
    const Arguments *arguments, const Config *config, Output *output, bool *ret_equal, Error *err)
{
    CLEANUP(context_close) Context *context = context_open(config, err);
    CLEANUP(verify_report_free) VerifyReport *report = NULL;
    VerifyOptions how = {.tables = arguments_value(arguments, "table"),
        .repair = arguments_has(arguments, "repair"),
        .told = print_stage,
        .compared = print_table,
        .progress = show_progress,
        .context = output};

    if (context == NULL || !verify_run(context, &how, &report, err)) {
        progress_hide(output->progress);
        return false;
    }
    output->figures.ended = true;
    progress_end(output->progress, &output->figures);
    if (output->json)
        print_json(report);
    else
        print_summary(report);
    *ret_equal = verify_report_is_equal(report);
    return true;
}

static int
run(const Arguments *arguments)
{
    Error err;
    CLEANUP(config_free) Config *config = cli_config(arguments, &err);
    CLEANUP(progress_free) Progress *progress = progress_new(stderr, "compared");
    Output output = {.json = arguments_has(arguments, "json"), .progress = progress};
    bool equal = false;

    if (config == NULL || !verify(arguments, config, &output, &equal, &err))
        return cli_fail(&err);
    return equal ? 0 : 1;
}

const Command cli_verify = {
    .name = "verify",
    .summary = "compare source and target at an exact place of the change stream",
    .operands = "CONFIG [--table GLOBS] [--repair] [--json]",
    .doc =
        "Takes a snapshot of the source, lets the target come to exactly the same place, and "
        "compares both, table by table: row counts and checksums of slices first, computed in "
        "both databases, then the rows of the slices that differ. Prints the keys of the rows "
        "that are missing in the target, extra there, or changed, and the names of the columns "
        "that differ.\n\n"
        "A service that runs stands still for a moment, and goes on while the comparison works on "
        "its views of that moment. Where none runs, the changes up to the place are carried "
        "first, as dray run does.\n\n"
        "With --repair the rows that differ are read from the snapshot, written as a commit "
        "block, and merged by the tables' own scripts; then these tables are compared again. The "
        "service stands still until that is done.\n\n"
        "The exit code is 0 only when every table was compared and is equal, 1 when one was not. "
        "Tables whose script keeps every change (append.sql), and those with partition: in their "
        "rule, cannot be compared: leave them out with --table '!schema.table'.",
    .operands_min = 1,
    .operands_max = 1,
    .options = options,
    .run = run,
};
