/*
 * python_ini.h - configuration files as Python 2's SafeConfigParser reads them
 *
 * Programs of Skytools 2 and 3 and hbrep were written for Python 2, so its rules count, to the
 * letter; where Python 3 reads a line in another way, a note tells.
 *
 *     line in column 1 with # or ;, or the word "rem"   comment
 *     [name]                   a section; what stands behind it is ignored. One that comes again is
 *                              gone on with
 *     name = value, name: value   an option: ASCII letters of the name become small, white space
 *                              around name and value goes. The last of two counts
 *     white space, then text   goes on with the value above, joined by a line feed; the white space
 *                              of the line's ends goes. An empty line does not end a value
 *     " ;" in the option's line   a comment from there to the line's end, where it is the first
 *                              semicolon of the value; not in the lines that go on with it
 *     # or ; behind white space   a line of the value
 *     ""                       as the whole value: empty
 *
 * In values %(name)s stands for another value of the section, of [DEFAULT], or of the program's own
 * presets, at most ten deep, and %% for %.
 *
 * Source: Python 2.7's library reference, "ConfigParser"; its behaviour where that is silent.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"

typedef struct PythonIniOption {
    Text name;
    Text value; /* as it stands, before %(…)s */
    size_t line;
    bool used; /* asked for, or part of a value that was */
} PythonIniOption;

typedef struct PythonIniSection {
    Text name;
    size_t line;
    Map options; /* of PythonIniOption */
} PythonIniSection;

typedef struct PythonIni {
    const char *path;
    Map sections;             /* of PythonIniSection, in the order of the file, without [DEFAULT] */
    PythonIniSection *shared; /* [DEFAULT] */
    Map presets;              /* of PythonIniOption */
    Arena *arena;
} PythonIni;

/*
 * Read a file's text (any bytes; path is only named). Append to notes, where given, a line
 * "path:line: …" for what Python 3 would read otherwise. ERR_CONFIG "path:line: reason" for lines
 * that are nothing of the above, all of them; never with a line's content, which may be a secret.
 */
PythonIni *python_ini_parse(const char *path, Text text, Buf *notes, Error *err) MUST_CHECK;
void python_ini_free(PythonIni *ini);
CLEANUP_DEFINE(PythonIni *, python_ini_free);

/* A value that the program has for an option that the file does not give. */
void python_ini_preset(PythonIni *ini, const char *name, Text value);
/* NULL when the file has no such section. */
PythonIniSection *python_ini_section(const PythonIni *ini, const char *name);
/* The option of the section, of [DEFAULT], or the preset; NULL when there is none. */
PythonIniOption *python_ini_find(
    const PythonIni *ini, const PythonIniSection *section, const char *name);
/* Its value with all that is put in; TEXT_NONE when there is no such option. In ini's arena. */
bool python_ini_get(PythonIni *ini, const PythonIniSection *section, const char *name,
    Text *ret_value, Error *err) MUST_CHECK;
