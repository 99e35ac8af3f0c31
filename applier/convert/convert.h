/*
 * convert.h - other systems' configuration files into Dray's
 *
 * A converter is a const Converter in the registry (convert/convert.c). Nothing is connected to and
 * nothing is written but the text; passwords of connection strings are left out of it
 * (password=${NAME}), and said so.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct Converter {
    const char *name;    /* "cube_dispatcher" */
    const char *summary; /* half a sentence, for help */
    /* Append the YAML to out, and a line each to notes for what has no equal, or needs a look.
     * ERR_CONFIG "file:line: reason" for what is wrong in the file, all of it in one go. */
    bool (*run)(const char *path, Buf *out, Buf *notes, Error *err);
} Converter;

/* All of them, ended by NULL. */
extern const Converter *const converters[];
/* NULL when there is none of that name. */
const Converter *converter_find(const char *name);
