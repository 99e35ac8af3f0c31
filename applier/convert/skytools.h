/*
 * skytools.h - what the ini files of all Skytools scripts have in common: the job, its files and
 * connections, the PgQ consumer
 *
 * A Skytools value collects mistakes: its functions go on after one, and skytools_finish() tells
 * them all.
 *
 * Source: Skytools' manual pages ("Common configuration parameters", "Common PgQ consumer
 * parameters"), python3-skytools 3.8.
 */
#pragma once

#include "convert/convert.h"
#include "convert/python_ini.h"

/* An option that has no equal in Dray, and what to do about it. */
typedef struct SkytoolsOption {
    const char *name; /* a glob; NULL ends a table */
    const char *advice;
} SkytoolsOption;

typedef struct Skytools {
    PythonIni *ini;
    const PythonIniSection *section; /* of the script */
    const char *path;
    Text job;
    Text consumer;
    Conversion *out;
    Buf problems;
} Skytools;

/* Read the file. main_section is the script's, which is also its job's name where the file gives
 * none; it must be there. Sets out->service. Call skytools_clear() also after a failure. */
bool skytools_open(Skytools *skytools, const char *main_section, const char *path, Text text,
    Conversion *out, Error *err) MUST_CHECK;
void skytools_clear(Skytools *skytools);
static inline void
skytools_clear_auto(Skytools *skytools)
{
    skytools_clear(skytools);
}

/* The option's value, without white space around it; TEXT_NONE where it is not given. A mistake in
 * it is noted, and gives TEXT_NONE. */
Text skytools_get(Skytools *skytools, const char *name);
Text skytools_get_in(Skytools *skytools, const PythonIniSection *section, const char *name);
/* The same; a missing or empty one is a mistake, and gives an empty text. */
Text skytools_need(Skytools *skytools, const PythonIniSection *section, const char *name);

/* Append to the notes, or to the mistakes, with the option's place in the file. */
void skytools_note(Skytools *skytools, const PythonIniSection *section, const char *name,
    const char *fmt, ...) PRINTF(4, 5);
void skytools_mistake(Skytools *skytools, const PythonIniSection *section, const char *name,
    const char *fmt, ...) PRINTF(4, 5);

/* "service:" and "pidfile:". */
void skytools_add_service(Skytools *skytools);
/* "source:" with type, connection (of the option db), queue, consumer, poll_interval,
 * connection_lifetime. */
void skytools_add_source(Skytools *skytools, const char *db);
/* "  connection:" of the option; variable: for its password. */
void skytools_add_connection(Skytools *skytools, const char *db, const char *variable);
/* "block:" with its directory. */
void skytools_add_block(Skytools *skytools);
/* "log:" where there is a log file. */
void skytools_add_log(Skytools *skytools);

/* Note each option of the script's section that nobody asked for, with the advice of one of the
 * tables: the scripts' own (or NULL), and that of all. */
void skytools_note_unused(Skytools *skytools, const SkytoolsOption *own);
/* False with all mistakes. */
bool skytools_finish(Skytools *skytools, Error *err) MUST_CHECK;
