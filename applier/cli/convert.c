#include "convert/convert.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/cli.h"

static const Option options[] = {
    {"output", "DIR",
        "Write the files into this directory; none that exists is written over. Without it all "
        "comes to standard output."},
    {NULL, NULL, NULL},
};

static void
print_notes(const Buf *notes)
{
    const char *line = buf_string(notes);

    while (*line != '\0') {
        int len = (int)strcspn(line, "\n");

        (void)fprintf(stderr, "note: %.*s\n", len, line);
        line += len + 1;
    }
}

static bool
unknown_format(const char *name, Error *err)
{
    CLEANUP(buf_clear) Buf names = BUF_INIT;

    for (size_t i = 0; converters[i] != NULL; i++)
        buf_addf(&names, "%s%s", i > 0 ? ", " : "", converters[i]->name);
    return error_set(err, ERR_USAGE, "dray convert: \"%s\" is none of %s", name, names.data);
}

static bool
check_absent(const char *path, Error *err)
{
    if (file_exists(path))
        return error_set(
            err, ERR_USAGE, "dray convert: --output: %s exists, and is left as it is", path);
    return true;
}

static bool
write_files(const Conversion *conversion, const char *yaml, const char *template, Error *err)
{
    if (!check_absent(yaml, err))
        return false;
    if (template != NULL) {
        if (!check_absent(template, err) ||
            !file_write_durable(
                template, conversion->template_text.data, conversion->template_text.len, err))
            return false;
        (void)printf("%s\n", template);
    }
    if (!file_write_durable(yaml, conversion->yaml.data, conversion->yaml.len, err))
        return false;
    (void)printf("%s\n", yaml);
    return true;
}

static bool
write_below(const Conversion *conversion, const char *directory, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    bool has_template = conversion->template_name.len > 0;
    char *template;
    char *yaml;
    bool ok;

    if (!file_make_directory(directory, err))
        return false;
    buf_addf(&name, "%s.yaml", buf_string(&conversion->service));
    yaml = file_join(directory, name.data);
    template = has_template ? file_join(directory, conversion->template_name.data) : NULL;
    ok = write_files(conversion, yaml, template, err);
    free(template);
    free(yaml);
    return ok;
}

static int
run(const Arguments *arguments)
{
    const Converter *converter = converter_find(arguments->operands[0]);
    const char *directory = arguments_value(arguments, "output");
    CLEANUP(conversion_clear) Conversion conversion = {0};
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Error err;

    if (converter == NULL) {
        (void)unknown_format(arguments->operands[0], &err);
        return cli_fail(&err);
    }
    if (!convert_file(converter, arguments->operands[1], &conversion, &err))
        return cli_fail(&err);
    if (directory == NULL) {
        conversion_print(&conversion, &out);
        (void)fputs(buf_string(&out), stdout);
    } else if (!write_below(&conversion, directory, &err)) {
        return cli_fail(&err);
    }
    (void)fflush(stdout);
    print_notes(&conversion.notes);
    return 0;
}

const Command cli_convert = {
    .name = "convert",
    .summary = "print another program's configuration as Dray's",
    .operands = "cube_dispatcher|hbrep FILE [--output DIR]",
    .doc = "Reads the ini file of a program of Skytools and prints the equal configuration. What "
           "has no equal, or must be looked at, is told on standard error, a line each that "
           "begins with note: and the place in the file. Nothing is connected to. Passwords are "
           "never printed: the configuration takes them from the environment.\n"
           "\n"
           "cube_dispatcher: source pgq with the same consumer, so that it goes on at its current "
           "tick; partitions; keep_latest.sql or keep_all.sql. A part_template becomes a file of "
           "its own: with --output DIR it is written beside the configuration, which is "
           "<service>.yaml there; without it stands in comments at the end.\n"
           "\n"
           "hbrep: source pgq and a rule for each table; there is no target for HBase, its part "
           "stands in comments.",
    .operands_min = 2,
    .operands_max = 2,
    .options = options,
    .run = run,
};
