/*
 * convert.h - other systems' configuration files into Dray's
 *
 * A converter is a const Converter in the registry (convert/convert.c). Nothing is connected to and
 * no file is written: that is the caller's. Passwords of connection strings are left out
 * (password=${NAME}), and said so.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* What became of a file. */
typedef struct Conversion {
    Buf service;       /* the service's name, made fit to be one */
    Buf yaml;          /* the configuration */
    Buf template_name; /* of a file that belongs beside it; empty: none */
    Buf template_text;
    Buf notes; /* "file:line: option: what has no equal, or needs a look", a line each */
} Conversion;

typedef struct Converter {
    const char *name;    /* "cube_dispatcher" */
    const char *summary; /* half a sentence, for help */
    /* text is UTF-8 without NUL; path is only named. ERR_CONFIG "file:line: option: reason" for
     * what is wrong in the file, all of it in one go. */
    bool (*run)(const char *path, Text text, Conversion *out, Error *err);
} Converter;

/* All of them, ended by NULL. */
extern const Converter *const converters[];
/* NULL when there is none of that name. */
const Converter *converter_find(const char *name);

/* Read the file and convert it. *out must be zeroed; conversion_clear() also after a failure.
 * ERR_CONFIG. */
bool convert_file(const Converter *converter, const char *path, Conversion *out, Error *err)
    MUST_CHECK;
/* The same from memory. */
bool convert_text(const Converter *converter, const char *path, Text text, Conversion *out,
    Error *err) MUST_CHECK;
/* The configuration, with the template as comments at its end, for one stream of text. */
void conversion_print(const Conversion *conversion, Buf *out);

void conversion_clear(Conversion *conversion);
static inline void
conversion_clear_auto(Conversion *conversion)
{
    conversion_clear(conversion);
}
