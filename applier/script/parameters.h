/*
 * parameters.h - the sections and the parameters of merge scripts, for the checker, help and
 * reference
 */
#pragma once

#include <stdbool.h>

typedef enum ScriptSection {
    SECTION_PREPARE,
    SECTION_BEGIN,
    SECTION_LOAD,
    SECTION_TRUNCATE,
    SECTION_APPLY,
    SECTION_COMMIT,
    SECTION_RELEASE,
    SECTION_COUNT,
} ScriptSection;

const char *script_section_name(ScriptSection section); /* "prepare" … */

/* All the parameters there are, for the checker, help and reference; ended by name NULL. */
typedef struct ScriptParameter {
    const char *name;
    unsigned sections; /* bit 1 << ScriptSection where it has a value */
    bool needs_key;
    const char *doc;
} ScriptParameter;
extern const ScriptParameter script_parameters[];
