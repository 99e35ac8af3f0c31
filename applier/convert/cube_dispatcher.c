#include "convert/cube_dispatcher.h"

#include "base/to_char.h"
#include "convert/output.h"
#include "convert/skytools.h"

#define DATEFORMAT "YYYY_MM_DD"

static const SkytoolsOption own_options[] = {
    {"part_template", "without a dateformat there are no partitions to make; a table that is not "
                      "there is an error, see dray ddl"},
    {NULL, NULL},
};

static bool
keeps_all(Skytools *skytools)
{
    Text mode = skytools_get(skytools, "mode");

    if (mode.data == NULL || text_is(mode, "keep_latest"))
        return false;
    if (!text_is(mode, "keep_all"))
        skytools_mistake(skytools, skytools->section, "mode",
            "\"" TEXT_FMT "\" is neither keep_latest nor keep_all", TEXT_ARG(mode));
    return true;
}

static void
add_target(Skytools *skytools, bool keep_all)
{
    Buf *yaml = &skytools->out->yaml;

    buf_add_string(yaml, "\ntarget:\n  type: postgres\n");
    skytools_add_connection(skytools, "dst_db", "DRAY_TARGET_PASSWORD");
    buf_addf(yaml, "  merge_script: %s\n", keep_all ? "keep_all.sql" : "keep_latest.sql");
}

/* The template goes into a file of its own, its words as they are. */
static void
add_template(Skytools *skytools)
{
    Conversion *out = skytools->out;
    Text text = skytools_get(skytools, "part_template");

    if (text.len == 0)
        return;
    buf_addf(&out->template_name, "%s_partition.sql", buf_string(&out->service));
    buf_add_text(&out->template_text, text);
    buf_add_char(&out->template_text, '\n');
    output_option(&out->yaml, "      ", "template", buf_text(&out->template_name));
}

static void
note_time_zone(Skytools *skytools)
{
    skytools_note(skytools, skytools->section, "dateformat",
        "cube_dispatcher took the time zone of its connection to the source: compare time_zone: "
        "UTC with what SHOW timezone says there, as that user");
}

/* Three words are not formats to Dray, but names of some. */
static bool
is_word_of_ours(Text format)
{
    return text_is(format, "day") || text_is(format, "month") || text_is(format, "hour");
}

static void
add_partition(Skytools *skytools, bool keep_all)
{
    Buf *yaml = &skytools->out->yaml;
    Text format = skytools_get(skytools, "dateformat");
    CLEANUP(buf_clear) Buf reason = BUF_INIT;

    if (format.data == NULL)
        format = TEXT(DATEFORMAT);
    if (format.len == 0) {
        buf_add_string(yaml, "    # dateformat is empty: no partitions\n");
        return;
    }
    if (!to_char_check(format, &reason))
        skytools_note(
            skytools, skytools->section, "dateformat", "refused by Dray: %s", buf_string(&reason));
    buf_add_string(yaml, "    partition:\n");
    output_option(yaml, "      ", "by", format);
    if (is_word_of_ours(format))
        skytools_note(skytools, skytools->section, "dateformat",
            "\"" TEXT_FMT "\" is a word to Dray (one partition a " TEXT_FMT
            ", with digits in its name); to_char() made something else of it",
            TEXT_ARG(format), TEXT_ARG(format));
    add_template(skytools);
    buf_add_string(yaml, "      time_zone: UTC\n");
    note_time_zone(skytools);
    if (keep_all && skytools->out->template_name.len == 0)
        skytools_note(skytools, skytools->section, "part_template",
            "not given: cube_dispatcher's own gives partitions a primary key, which a second "
            "version of a row on the same day violates in keep_all; Dray's own, which is taken "
            "now, gives them none there");
}

static void
add_tables(Skytools *skytools, bool keep_all)
{
    Buf *yaml = &skytools->out->yaml;

    buf_add_string(yaml,
        "\n# every table of the queue goes to the table of the same name\ntables:\n"
        "  - match: \"*\"\n");
    if (keep_all)
        buf_add_string(yaml, "    deletes: error                # as before; or keep, or ignore\n");
    add_partition(skytools, keep_all);
}

/* What must be looked at before the service starts for the first time. */
static void
add_start_comment(Skytools *skytools)
{
    CLEANUP(buf_clear) Buf literal = BUF_INIT;
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    for (size_t i = 0; i < skytools->consumer.len; i++) {
        buf_add(&literal, skytools->consumer.data + i, 1);
        if (skytools->consumer.data[i] == '\'')
            buf_add_char(&literal, '\'');
    }
    buf_addf(&text,
        "Before the first start: stop cube_dispatcher, then ask the target which tick it holds,\n"
        "  select pgq_ext.get_last_tick('%s');\n"
        "and write it here. It may be one ahead of the consumer at the source.\n"
        "start_tick: …",
        buf_string(&literal));
    output_comment(&skytools->out->yaml, "  ", buf_text(&text));
}

static bool
run(const char *path, Text text, Conversion *out, Error *err)
{
    CLEANUP(skytools_clear) Skytools skytools;
    CLEANUP(buf_clear) Buf head = BUF_INIT;
    bool keep_all;

    if (!skytools_open(&skytools, "cube_dispatcher", path, text, out, err))
        return false;
    buf_addf(&head, "Made from %s by dray convert cube_dispatcher.", path);
    output_comment(&out->yaml, "", buf_text(&head));
    buf_add_char(&out->yaml, '\n');
    keep_all = keeps_all(&skytools);
    skytools_add_service(&skytools);
    skytools_add_source(&skytools, "src_db");
    add_start_comment(&skytools);
    skytools_add_block(&skytools);
    add_target(&skytools, keep_all);
    add_tables(&skytools, keep_all);
    skytools_add_log(&skytools);
    skytools_note_unused(&skytools, own_options);
    return skytools_finish(&skytools, err);
}

const Converter convert_cube_dispatcher = {
    .name = "cube_dispatcher",
    .summary = "partitions filled from a PgQ queue, of Skytools 2 and 3",
    .run = run,
};
