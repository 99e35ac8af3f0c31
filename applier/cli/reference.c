#include "cli/reference.h"

#include <stdlib.h>

#include "base/file.h"
#include "script/script.h"

#define WIDTH 90

/* Words of text from column indent on; the cursor stands there already. */
static void
add_wrapped(Buf *out, const char *text, size_t indent)
{
    size_t column = indent;

    while (*text != '\0') {
        size_t len = strcspn(text, " \n");

        if (len > 0) {
            if (column > indent && column + 1 + len > WIDTH) {
                buf_addf(out, "\n%*s", (int)indent, "");
                column = indent;
            } else if (column > indent) {
                buf_add_char(out, ' ');
                column++;
            }
            buf_add(out, text, len);
            column += len;
        }
        text += len;
        if (text[0] == '\n' && text[1] == '\n') {
            buf_addf(out, "\n\n%*s", (int)indent, "");
            column = indent;
        }
        text += strspn(text, " \n");
    }
    buf_add_char(out, '\n');
}

/* "  name  text", the text in a column of its own. */
static void
add_entry(Buf *out, const char *name, const char *text, size_t indent)
{
    size_t len = strlen(name) + 2;

    buf_addf(out, "  %s", name);
    if (len + 2 > indent)
        buf_addf(out, "\n%*s", (int)indent, "");
    else
        buf_addf(out, "%*s", (int)(indent - len), "");
    add_wrapped(out, text, indent);
}

void
reference_add_option(const Option *option, Buf *out)
{
    if (option->letter != '\0')
        buf_addf(out, "-%c, ", option->letter);
    buf_addf(out, "--%s", option->name);
    if (option->argument != NULL)
        buf_addf(out, " %s", option->argument);
}

void
reference_add_preset(const Field *field, Buf *out)
{
    if ((field->flags & FIELD_REQUIRED) != 0)
        buf_add_string(out, "required");
    else if (field->preset != NULL)
        buf_addf(out, "default %s", field->preset[0] == '\0' ? "empty" : field_preset(field));
}

void
reference_add_sections(unsigned sections, Buf *out)
{
    const char *between = "";

    for (int section = 0; section < SECTION_COUNT; section++) {
        if ((sections & (1U << section)) != 0) {
            buf_addf(out, "%s%s", between, script_section_name((ScriptSection)section));
            between = ", ";
        }
    }
}

void
reference_help(Buf *out)
{
    buf_add_string(out, "Dray carries row changes from live databases into warehouses, in "
                        "batches.\n\nusage: dray COMMAND ...\n\n");
    for (const Command *const *command = commands; *command != NULL; command++)
        add_entry(out, (*command)->name, (*command)->summary, 12);
    buf_add_string(out, "\n  dray COMMAND --help         help on one command\n"
                        "  dray help configuration     every option of the configuration file\n"
                        "  dray help scripts           the parameters of merge scripts\n"
                        "  dray --version              the version\n");
}

void
reference_command_help(const Command *command, Buf *out)
{
    bool first = true;

    buf_addf(out, "usage: dray %s %s\n\n", command->name, command->operands);
    add_wrapped(out, command->doc, 0);
    for (const Option *option = command->options; option->name != NULL; option++) {
        CLEANUP(buf_clear) Buf name = BUF_INIT;

        if (option->doc == NULL)
            continue;
        if (first)
            buf_add_string(out, "\noptions:\n");
        first = false;
        reference_add_option(option, &name);
        add_entry(out, name.data, option->doc, 20);
    }
}

static void
add_fields(const Field *fields, Buf *out)
{
    for (const Field *field = fields; field != NULL && field->name != NULL; field++) {
        CLEANUP(buf_clear) Buf text = BUF_INIT;
        CLEANUP(buf_clear) Buf preset = BUF_INIT;

        buf_addf(&text, "%s (", field->doc);
        field_describe_type(field, &text);
        reference_add_preset(field, &preset);
        buf_addf(&text, "%s%s)", preset.len > 0 ? "; " : "", buf_string(&preset));
        add_entry(out, field->name, text.data, 24);
    }
}

static void
add_drivers(const char *section, const DriverFields *drivers, Buf *out)
{
    for (const DriverFields *driver = drivers; driver->name != NULL; driver++) {
        buf_addf(out, "\n%s of type %s: ", section, driver->name);
        add_wrapped(out, driver->summary, 0);
        if (driver->missing != NULL)
            buf_addf(out, "  (not in this build: %s)\n", driver->missing);
        add_fields(driver->fields, out);
    }
}

void
reference_configuration_help(Buf *out)
{
    for (const ConfigSection *section = config_sections; section->name != NULL; section++) {
        if (section->name[0] != '\0')
            buf_addf(out, "\n%s: ", section->name);
        add_wrapped(out, section->doc, 0);
        add_fields(section->fields, out);
        if (strcmp(section->name, "source") == 0)
            add_drivers("source", cli_schema()->sources, out);
        if (strcmp(section->name, "target") == 0)
            add_drivers("target", cli_schema()->targets, out);
    }
    buf_add_string(out, "\ntables: A list of rules; the first one that matches a source table "
                        "wins.\n");
    add_fields(config_table_rule_fields, out);
}

void
reference_scripts_help(Buf *out)
{
    buf_add_string(out, "Parameters of merge scripts, written %%NAME%%, and the sections where "
                        "they have a value:\n\n");
    for (const ScriptParameter *parameter = script_parameters; parameter->name != NULL;
         parameter++) {
        CLEANUP(buf_clear) Buf text = BUF_INIT;

        buf_addf(&text, "%s (", parameter->doc);
        reference_add_sections(parameter->sections, &text);
        buf_addf(&text, "%s)", parameter->needs_key ? "; needs a key" : "");
        add_entry(out, parameter->name, text.data, 20);
    }
}

typedef struct Page {
    const char *path; /* below docs/ */
    void (*print)(Buf *out);
} Page;

static const Page pages[] = {
    {"reference/commands.md", reference_commands_markdown},
    {"reference/configuration.md", reference_configuration_markdown},
    {"reference/merge-scripts.md", reference_scripts_markdown},
    {"man/dray.1", reference_man},
    {"man/dray.yaml.5", reference_configuration_man},
};

static bool
write_page(const char *directory, const char *path, const Buf *page, Error *err)
{
    CLEANUP(buf_clear) Buf whole = BUF_INIT;
    char *folder;
    bool ok;

    buf_addf(&whole, "%s/docs/%s", directory, path);
    folder = file_directory(whole.data);
    ok = file_make_directory(folder, err) &&
         file_write_durable(whole.data, page->data, page->len, err);
    free(folder);
    return ok;
}

bool
reference_write(const char *directory, Error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        CLEANUP(buf_clear) Buf page = BUF_INIT;

        pages[i].print(&page);
        if (!write_page(directory, pages[i].path, &page, err))
            return false;
    }
    for (const Command *const *command = commands; *command != NULL; command++) {
        CLEANUP(buf_clear) Buf page = BUF_INIT;
        CLEANUP(buf_clear) Buf path = BUF_INIT;

        buf_addf(&path, "man/dray-%s.1", (*command)->name);
        reference_command_man(*command, &page);
        if (!write_page(directory, path.data, &page, err))
            return false;
    }
    return true;
}
