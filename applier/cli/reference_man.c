#include <ctype.h>

#include "cli/reference.h"

/* Text for roff: backslashes and hyphens escaped, no line begins with a control character. */
static void
add_escaped(Buf *out, const char *text)
{
    bool at_start = true;

    for (; *text != '\0'; text++) {
        if (text[0] == '\n' && text[1] == '\n') {
            buf_add_string(out, "\n.PP\n");
            text++;
            at_start = true;
            continue;
        }
        if (at_start && (*text == '.' || *text == '\''))
            buf_add_string(out, "\\&");
        if (*text == '\\')
            buf_add_string(out, "\\e");
        else if (*text == '-')
            buf_add_string(out, "\\-");
        else
            buf_add_char(out, *text);
        at_start = *text == '\n';
    }
    buf_add_char(out, '\n');
}

/* The date is left out, so that the page changes only with the program. */
static void
add_title(Buf *out, const char *name, int section, const char *summary)
{
    buf_add_string(out, ".\\\" Printed by \"dray help --write-reference\": do not edit.\n.TH ");
    for (const char *c = name; *c != '\0'; c++)
        buf_add_char(out, (char)toupper((unsigned char)*c));
    buf_addf(out, " %d \"\" \"dray " DRAY_VERSION "\" \"Dray\"\n.SH NAME\n%s \\- ", section, name);
    add_escaped(out, summary);
}

static void
add_item(Buf *out, const char *name)
{
    buf_add_string(out, ".TP\n.B ");
    add_escaped(out, name);
}

static void
add_exit_codes(Buf *out)
{
    buf_add_string(out, ".SH EXIT STATUS\n0 done, 1 data, script or local file, 2 usage, "
                        "3 configuration, 4 source, 5 target,\n6 fenced or locked, 70 a fault of "
                        "Dray itself.\n");
}

void
reference_man(Buf *out)
{
    add_title(out, "dray", 1, "carry row changes into warehouses in batches");
    buf_add_string(out, ".SH SYNOPSIS\n.B dray\n.I COMMAND\n\\&...\n.SH COMMANDS\n");
    for (const Command *const *command = commands; *command != NULL; command++) {
        add_item(out, (*command)->name);
        add_escaped(out, (*command)->summary);
    }
    add_exit_codes(out);
    buf_add_string(out, ".SH SEE ALSO\n");
    for (const Command *const *command = commands; *command != NULL; command++)
        buf_addf(out, ".BR dray\\-%s (1),\n", (*command)->name);
    buf_add_string(out, ".BR dray.yaml (5)\n");
}

void
reference_command_man(const Command *command, Buf *out)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    bool first = true;

    buf_addf(&name, "dray-%s", command->name);
    add_title(out, name.data, 1, command->summary);
    buf_addf(out, ".SH SYNOPSIS\n.B dray %s\n", command->name);
    add_escaped(out, command->operands);
    buf_add_string(out, ".SH DESCRIPTION\n");
    add_escaped(out, command->doc);
    for (const Option *option = command->options; option->name != NULL; option++) {
        CLEANUP(buf_clear) Buf usage = BUF_INIT;

        if (option->doc == NULL)
            continue;
        if (first)
            buf_add_string(out, ".SH OPTIONS\n");
        first = false;
        reference_add_option(option, &usage);
        add_item(out, usage.data);
        add_escaped(out, option->doc);
    }
    add_exit_codes(out);
    buf_add_string(out, ".SH SEE ALSO\n.BR dray (1),\n.BR dray.yaml (5)\n");
}

static void
add_fields(const Field *fields, Buf *out)
{
    for (const Field *field = fields; field != NULL && field->name != NULL; field++) {
        CLEANUP(buf_clear) Buf type = BUF_INIT;
        CLEANUP(buf_clear) Buf preset = BUF_INIT;

        add_item(out, field->name);
        field_describe_type(field, &type);
        reference_add_preset(field, &preset);
        buf_addf(&type, "%s%s.", preset.len > 0 ? "; " : "", buf_string(&preset));
        add_escaped(out, field->doc);
        buf_add_string(out, ".br\n");
        add_escaped(out, type.data);
    }
}

static void
add_drivers(const char *section, const DriverFields *drivers, Buf *out)
{
    for (const DriverFields *driver = drivers; driver->name != NULL; driver++) {
        buf_addf(out, ".SS %s of type %s\n", section, driver->name);
        add_escaped(out, driver->summary);
        add_fields(driver->fields, out);
    }
}

void
reference_configuration_man(Buf *out)
{
    add_title(out, "dray.yaml", 5, "configuration of a Dray service");
    buf_add_string(out, ".SH DESCRIPTION\n");
    add_escaped(out,
        "One YAML file a service. A relative path is relative to the file. ${NAME} takes an "
        "environment variable, ${file:PATH} a file's content without its last newline, $${ is a "
        "literal ${. Sizes have a unit (512MiB, 64M, 10GiB) or are bytes; durations need one "
        "(500ms, 30s, 5min, 2h, 7d). Mistakes are told all at once as file:line:column: option: "
        "reason.");
    for (const ConfigSection *section = config_sections; section->name != NULL; section++) {
        buf_addf(out, ".SH %s\n", section->name[0] == '\0' ? "TOP LEVEL" : section->name);
        add_escaped(out, section->doc);
        add_fields(section->fields, out);
        if (strcmp(section->name, "source") == 0)
            add_drivers("source", cli_schema()->sources, out);
        if (strcmp(section->name, "target") == 0)
            add_drivers("target", cli_schema()->targets, out);
    }
    buf_add_string(out, ".SH tables\nA list of rules; the first one that matches a source table "
                        "wins.\n");
    add_fields(config_table_rule_fields, out);
    buf_add_string(out, ".SH SEE ALSO\n.BR dray (1)\n");
}
