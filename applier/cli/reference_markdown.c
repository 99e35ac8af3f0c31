#include "cli/reference.h"
#include "script/script.h"

/* A cell or a sentence: what Markdown would take for markup is escaped. */
static void
add_escaped(Buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("|*<_[\\`", *text) != NULL)
            buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

static void
add_origin(Buf *out)
{
    buf_add_string(out, "<!-- Printed by \"dray help --write-reference\": do not edit. -->\n\n");
}

static void
add_fields(const Field *fields, Buf *out)
{
    if (fields == NULL || fields->name == NULL)
        return;
    buf_add_string(out, "| option | type | default | meaning |\n|---|---|---|---|\n");
    for (const Field *field = fields; field->name != NULL; field++) {
        CLEANUP(buf_clear) Buf type = BUF_INIT;

        field_describe_type(field, &type);
        buf_addf(out, "| `%s` | ", field->name);
        add_escaped(out, type.data);
        buf_add_string(out, " | ");
        if ((field->flags & FIELD_REQUIRED) != 0)
            buf_add_string(out, "required");
        else if (field->preset != NULL && field->preset[0] == '\0')
            buf_add_string(out, "empty");
        else if (field->preset != NULL)
            buf_addf(out, "`%s`", field->preset);
        buf_add_string(out, " | ");
        add_escaped(out, field->doc);
        if ((field->flags & FIELD_SECRET) != 0)
            buf_add_string(out, " Never printed.");
        buf_add_string(out, " |\n");
    }
    buf_add_char(out, '\n');
}

static void
add_drivers(const char *section, const DriverFields *drivers, Buf *out)
{
    for (const DriverFields *driver = drivers; driver->name != NULL; driver++) {
        buf_addf(out, "### %s of type %s\n\n", section, driver->name);
        add_escaped(out, driver->summary);
        buf_add_string(out, "\n\n");
        add_fields(driver->fields, out);
    }
}

void
reference_configuration_markdown(Buf *out)
{
    add_origin(out);
    buf_add_string(out,
        "# The configuration file\n\n"
        "One YAML file a service. A relative path is relative to the file. `${NAME}` takes an "
        "environment variable,\n`${file:PATH}` a file's content without its last newline, "
        "`$${` is a literal `${`. Sizes have a unit\n(`512MiB`, `64M`, `10GiB`) or are bytes; "
        "durations need one (`500ms`, `30s`, `5min`, `2h`, `7d`). Mistakes are\ntold all at once "
        "as `file:line:column: option: reason`.\n\n");
    for (const ConfigSection *section = config_sections; section->name != NULL; section++) {
        buf_addf(out, "## %s\n\n", section->name[0] == '\0' ? "The top level" : section->name);
        add_escaped(out, section->doc);
        buf_add_string(out, "\n\n");
        add_fields(section->fields, out);
        if (strcmp(section->name, "source") == 0)
            add_drivers("source", cli_schema()->sources, out);
        if (strcmp(section->name, "target") == 0)
            add_drivers("target", cli_schema()->targets, out);
    }
    buf_add_string(out, "## tables\n\nA list of rules; the first one that matches a source table "
                        "wins. A table that no rule matches is\ncarried as it is.\n\n");
    add_fields(config_table_rule_fields, out);
}

void
reference_commands_markdown(Buf *out)
{
    add_origin(out);
    buf_add_string(out, "# Commands\n\nExit codes: 0 done, 1 data, script or local file, 2 usage, "
                        "3 configuration, 4 source, 5 target, 6 fenced or\nlocked, 70 a fault of "
                        "Dray itself.\n\n");
    for (const Command *const *command = commands; *command != NULL; command++) {
        bool first = true;

        buf_addf(out, "## dray %s\n\n", (*command)->name);
        buf_addf(out, "```\ndray %s %s\n```\n\n", (*command)->name, (*command)->operands);
        add_escaped(out, (*command)->doc);
        buf_add_string(out, "\n\n");
        for (const Option *option = (*command)->options; option->name != NULL; option++) {
            if (option->doc == NULL)
                continue;
            if (first)
                buf_add_string(out, "| option | meaning |\n|---|---|\n");
            first = false;
            buf_add_string(out, "| `");
            reference_add_option(option, out);
            buf_add_string(out, "` | ");
            add_escaped(out, option->doc);
            buf_add_string(out, " |\n");
        }
        if (!first)
            buf_add_char(out, '\n');
    }
}

void
reference_scripts_markdown(Buf *out)
{
    add_origin(out);
    buf_add_string(out,
        "# Parameters of merge scripts\n\n"
        "Written `%%NAME%%`. Identifiers come quoted for the target; inside quotes of the script "
        "the bare name is put\nin and escaped; in an operating-system command the value is quoted "
        "for the shell. A parameter that is\nunknown, or has no value in its section, is an error "
        "before anything runs.\n\n"
        "| parameter | sections | needs a key | value |\n|---|---|---|---|\n");
    for (const ScriptParameter *parameter = script_parameters; parameter->name != NULL;
         parameter++) {
        buf_addf(out, "| `%%%%%s%%%%` | ", parameter->name);
        reference_add_sections(parameter->sections, out);
        buf_addf(out, " | %s | ", parameter->needs_key ? "yes" : "");
        add_escaped(out, parameter->doc);
        buf_add_string(out, " |\n");
    }
}
