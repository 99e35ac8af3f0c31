/*
 * cli.h - the command line: commands as tables, their arguments, their errors
 *
 * One file and one const Command a command. Help, man pages and docs/reference/ are printed from
 * the same tables (cli/reference.h).
 */
#pragma once

#include "base/error.h"
#include "config/config.h"

typedef struct Option {
    const char *name;     /* without "--"; NULL ends a table */
    const char *argument; /* "N", "GLOB" …; NULL: a flag */
    const char *doc;      /* one sentence; NULL: not shown in help and reference */
    char letter;          /* "-x" is the same; 0: none. Not h, which is --help */
} Option;

typedef struct Arguments Arguments;

typedef struct Command {
    const char *name;
    const char *summary;  /* half a sentence, lower case */
    const char *operands; /* behind the name in the usage line: "CONFIG DIR…" */
    const char *doc;      /* paragraphs with an empty line between them */
    size_t operands_min;
    size_t operands_max;
    const Option *options;
    /* The process's exit code. */
    int (*run)(const Arguments *arguments);
} Command;

struct Arguments {
    const Command *command;
    const char *const *operands; /* ended by NULL */
    size_t operand_count;
    const char *const *values; /* by index in options: NULL not given, "" a flag */
};

extern const Command cli_run;
extern const Command cli_replay;
extern const Command cli_bootstrap;
extern const Command cli_blocks;
extern const Command cli_check;
extern const Command cli_status;
extern const Command cli_ddl;
extern const Command cli_install;
extern const Command cli_uninstall;
extern const Command cli_verify;
extern const Command cli_convert;
extern const Command cli_help;

/* All commands in the order of the help, ended by NULL. */
extern const Command *const commands[];
const Command *command_find(const char *name);

/* The program; returns the exit code. */
int cli_main(int argc, char **argv);
/* One command; argv are the words behind its name, ended by NULL. */
int cli_run_command(const Command *command, int argc, char **argv);

/* Is an option given; its value, NULL where it is not. The name must be in the table. */
bool arguments_has(const Arguments *arguments, const char *name);
const char *arguments_value(const Arguments *arguments, const char *name);
/* A seqno option; 0 where it is not given. ERR_USAGE for anything but a number from 1 on. */
bool arguments_seqno(const Arguments *arguments, const char *name, uint64_t *ret_seqno, Error *err)
    MUST_CHECK;

/* "dray: data error: text" on standard error, a line each; returns the exit code. */
int cli_fail(const Error *err);

/* What the configuration may hold in this build. */
const ConfigSchema *cli_schema(void);
/* Read the file that the first operand names, and set the log up as it says (without log.file). */
Config *cli_config(const Arguments *arguments, Error *err) MUST_CHECK;
