/*
 * reference.h - help, man pages and reference pages, all from the same tables
 *
 * The tables are commands[] (cli/cli.h), config_sections[] and config_table_rule_fields[]
 * (config/config.h), the drivers' fields, and script_parameters[] (script/script.h).
 */
#pragma once

#include "cli/cli.h"

/* Plain text for a terminal. */
void reference_help(Buf *out);
void reference_command_help(const Command *command, Buf *out);
void reference_configuration_help(Buf *out);
void reference_scripts_help(Buf *out);

/* Markdown: docs/reference/commands.md, configuration.md, merge-scripts.md. */
void reference_commands_markdown(Buf *out);
void reference_configuration_markdown(Buf *out);
void reference_scripts_markdown(Buf *out);

/* roff: dray(1), dray-run(1) …, dray.yaml(5). */
void reference_man(Buf *out);
void reference_command_man(const Command *command, Buf *out);
void reference_configuration_man(Buf *out);

/* Write all of the above below directory: docs/reference/, docs/man/. */
bool reference_write(const char *directory, Error *err) MUST_CHECK;

/* "-n, --name N": how an option is given. */
void reference_add_option(const Option *option, Buf *out);
/* "required", "default 64MiB", "" …: what a reader must know beside the type. */
void reference_add_preset(const Field *field, Buf *out);
/* Names of the script sections where a parameter has a value: "load, truncate, apply". */
void reference_add_sections(unsigned sections, Buf *out);
