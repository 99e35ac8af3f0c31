#include <stdio.h>

#include "cli/reference.h"

static const Option options[] = {
    {"write-reference", "DIR", NULL},
    {NULL, NULL, NULL},
};

static int
run(const Arguments *arguments)
{
    const char *topic = arguments->operand_count > 0 ? arguments->operands[0] : NULL;
    const char *directory = arguments_value(arguments, "write-reference");
    const Command *command = topic == NULL ? NULL : command_find(topic);
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Error err;

    if (directory != NULL)
        return reference_write(directory, &err) ? 0 : cli_fail(&err);
    if (topic == NULL) {
        reference_help(&out);
    } else if (command != NULL) {
        reference_command_help(command, &out);
    } else if (strcmp(topic, "configuration") == 0) {
        reference_configuration_help(&out);
    } else if (strcmp(topic, "scripts") == 0) {
        reference_scripts_help(&out);
    } else {
        (void)error_set(&err, ERR_USAGE,
            "dray help: %s is neither a command nor configuration nor scripts", topic);
        return cli_fail(&err);
    }
    (void)fputs(out.data, stdout);
    return 0;
}

const Command cli_help = {
    .name = "help",
    .summary = "tell about commands, the configuration and merge scripts",
    .operands = "[COMMAND | configuration | scripts]",
    .doc = "Without a word it lists the commands; with a command's name it tells about that "
           "command. configuration lists every option of the configuration file, scripts every "
           "parameter of merge scripts.",
    .operands_min = 0,
    .operands_max = 1,
    .options = options,
    .run = run,
};
