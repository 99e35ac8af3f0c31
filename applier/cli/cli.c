#include "cli/cli.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "cli/reference.h"
#include "config/section.h"

const Command *const commands[] = {
    &cli_run,
    &cli_bootstrap,
    &cli_replay,
    &cli_blocks,
    &cli_check,
    &cli_status,
    &cli_ddl,
    &cli_install,
    &cli_uninstall,
    &cli_verify,
    &cli_convert,
    &cli_help,
    NULL,
};

const Command *
command_find(const char *name)
{
    for (const Command *const *command = commands; *command != NULL; command++) {
        if (strcmp((*command)->name, name) == 0)
            return *command;
    }
    return NULL;
}

int
cli_fail(const Error *err)
{
    const char *line = err->text;

    for (;;) {
        int len = (int)strcspn(line, "\n");

        (void)fprintf(stderr, "dray: %s error: %.*s\n", error_kind_name(err->kind), len, line);
        if (line[len] == '\0')
            return error_exit_code(err->kind);
        line += len + 1;
    }
}

static size_t
option_index(const Command *command, Text name)
{
    size_t i = 0;

    while (command->options[i].name != NULL && !text_is(name, command->options[i].name))
        i++;
    return i;
}

const char *
arguments_value(const Arguments *arguments, const char *name)
{
    size_t i = option_index(arguments->command, text_of(name));

    assert(arguments->command->options[i].name != NULL);
    return arguments->values[i];
}

bool
arguments_has(const Arguments *arguments, const char *name)
{
    return arguments_value(arguments, name) != NULL;
}

bool
arguments_seqno(const Arguments *arguments, const char *name, uint64_t *ret_seqno, Error *err)
{
    const char *value = arguments_value(arguments, name);

    *ret_seqno = 0;
    if (value != NULL && (!text_to_u64(text_of(value), ret_seqno) || *ret_seqno == 0))
        return error_set(err, ERR_USAGE, "dray %s: --%s: \"%s\" is not a seqno (1, 2, 3 …)",
            arguments->command->name, name, value);
    return true;
}

static bool
unknown_option(const Command *command, Text name, Error *err)
{
    CLEANUP(buf_clear) Buf hint = BUF_INIT;
    Guess guess = {.wanted = name};

    for (const Option *option = command->options; option->name != NULL; option++) {
        if (option->doc != NULL)
            guess_name(&guess, option->name);
    }
    if (guess.best != NULL)
        buf_addf(&hint, ", did you mean --%s?", guess.best);
    return error_set(err, ERR_USAGE, "dray %s: unknown option --" TEXT_FMT "%s", command->name,
        TEXT_ARG(name), buf_string(&hint));
}

/* *argv stands behind the option's word; value is what the word itself holds, or NULL. */
static bool
take_option(const Command *command, size_t i, const char *value, char ***argv, const char **values,
    Error *err)
{
    const Option *option = &command->options[i];

    if (values[i] != NULL)
        return error_set(
            err, ERR_USAGE, "dray %s: --%s is given twice", command->name, option->name);
    if (option->argument == NULL && value != NULL)
        return error_set(
            err, ERR_USAGE, "dray %s: --%s takes no value", command->name, option->name);
    if (option->argument == NULL)
        value = "";
    else if (value == NULL && **argv != NULL)
        value = *(*argv)++;
    if (value == NULL)
        return error_set(err, ERR_USAGE, "dray %s: --%s needs a value: %s", command->name,
            option->name, option->argument);
    values[i] = value;
    return true;
}

/* One "--name", "--name=value" or "--name value"; *argv is moved past it. */
static bool
parse_option(const Command *command, char ***argv, const char **values, Error *err)
{
    Text text = text_of(*(*argv)++ + 2);
    size_t len = text_find(text, '=');
    Text name = {text.data, len};
    size_t i = option_index(command, name);

    if (command->options[i].name == NULL)
        return unknown_option(command, name, err);
    return take_option(command, i, len < text.len ? text.data + len + 1 : NULL, argv, values, err);
}

/* One word such as -d, -dv or -nVALUE, as getopt(3) reads it; *argv is moved past it. */
static bool
parse_letters(const Command *command, char ***argv, const char **values, bool *ret_help, Error *err)
{
    const char *letter = *(*argv)++ + 1;

    for (; *letter != '\0' && !*ret_help; letter++) {
        size_t i = 0;
        bool has_value;

        while (command->options[i].name != NULL && command->options[i].letter != *letter)
            i++;
        *ret_help = *letter == 'h';
        if (*ret_help)
            return true;
        if (command->options[i].name == NULL)
            return error_set(err, ERR_USAGE, "dray %s: unknown option -%c", command->name, *letter);
        has_value = command->options[i].argument != NULL && letter[1] != '\0';
        if (!take_option(command, i, has_value ? letter + 1 : NULL, argv, values, err))
            return false;
        if (has_value)
            return true;
    }
    return true;
}

static bool
check_operands(const Command *command, size_t count, Error *err)
{
    if (count < command->operands_min)
        return error_set(err, ERR_USAGE, "dray %s: too few arguments, it takes: %s", command->name,
            command->operands);
    if (count > command->operands_max)
        return error_set(err, ERR_USAGE, "dray %s: too many arguments, it takes: %s", command->name,
            command->operands);
    return true;
}

static bool
is_option(const char *word, const char *name)
{
    return word != NULL && strcmp(word, name) == 0;
}

/* argv stands behind the command's name and ends in NULL; *ret_help: only help was asked for. */
static bool
parse_arguments(const Command *command, char **argv, const char **values, const char **operands,
    bool *ret_help, Error *err)
{
    size_t count = 0;
    bool options_end = false;

    *ret_help = false;
    while (*argv != NULL) {
        if (!options_end && is_option(*argv, "--")) {
            options_end = true;
            argv++;
        } else if (!options_end && is_option(*argv, "--help")) {
            *ret_help = true;
            return true;
        } else if (!options_end && strncmp(*argv, "--", 2) == 0) {
            if (!parse_option(command, &argv, values, err))
                return false;
        } else if (!options_end && (*argv)[0] == '-' && (*argv)[1] != '\0') {
            if (!parse_letters(command, &argv, values, ret_help, err))
                return false;
            if (*ret_help)
                return true;
        } else {
            operands[count++] = *argv++;
        }
    }
    return check_operands(command, count, err);
}

static int
print_help(const Command *command)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    if (command == NULL)
        reference_help(&out);
    else
        reference_command_help(command, &out);
    (void)fputs(out.data, stdout);
    return 0;
}

int
cli_run_command(const Command *command, int argc, char **argv)
{
    size_t option_count = option_index(command, TEXT_NONE) + 1;
    const char **values = calloc(option_count, sizeof(*values));
    const char **operands = calloc((size_t)argc + 1, sizeof(*operands));
    Arguments arguments = {.command = command, .operands = operands, .values = values};
    Error err;
    bool help;
    int code;

    if (values == NULL || operands == NULL)
        abort();
    if (!parse_arguments(command, argv, values, operands, &help, &err)) {
        code = cli_fail(&err);
        (void)fprintf(stderr, "usage: dray %s %s (see dray %s --help)\n", command->name,
            command->operands, command->name);
    } else if (help) {
        code = print_help(command);
    } else {
        while (operands[arguments.operand_count] != NULL)
            arguments.operand_count++;
        code = command->run(&arguments);
    }
    free(values);
    free(operands);
    return code;
}

static int
dispatch(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    const Command *command = name == NULL ? NULL : command_find(name);
    Guess guess = {.wanted = text_of(name)};
    CLEANUP(buf_clear) Buf hint = BUF_INIT;
    Error err;

    if (command != NULL)
        return cli_run_command(command, argc, argv + 2);
    if (is_option(name, "--help") || is_option(name, "-h"))
        return print_help(NULL);
    if (is_option(name, "--version")) {
        (void)puts("dray " DRAY_VERSION);
        return 0;
    }
    if (name == NULL) {
        (void)error_set(&err, ERR_USAGE, "no command: see dray help");
        return cli_fail(&err);
    }
    for (const Command *const *one = commands; *one != NULL; one++)
        guess_name(&guess, (*one)->name);
    guess_print(&guess, &hint);
    (void)error_set(&err, ERR_USAGE, "unknown %s %s%s", name[0] == '-' ? "option" : "command", name,
        buf_string(&hint));
    return cli_fail(&err);
}

int
cli_main(int argc, char **argv)
{
    int code;
    Error err;

    fault_arm_from_environment();
    code = dispatch(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && code == 0) {
        (void)error_set(&err, ERR_IO, "standard output could not be written");
        return cli_fail(&err);
    }
    return code;
}

Config *
cli_config(const Arguments *arguments, Error *err)
{
    Config *config = config_load(arguments->operands[0], cli_schema(), err);

    if (config != NULL) {
        log_set_service(config->service);
        log_set_level((LogLevel)config->log.level);
    }
    return config;
}
