/*
 * field.h - typed option tables and the YAML reader that fills them
 *
 * One table describes one struct. Reading, defaults, bounds, error texts, "dray help", the man
 * page and docs/reference/configuration.md all come from it; nothing is written twice.
 * Every mistake of a file is reported, not only the first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

typedef enum FieldType {
    FIELD_BOOL,   /* bool */
    FIELD_INT,    /* int64_t */
    FIELD_BYTES,  /* int64_t, bytes; accepts B, k/KiB, M/MiB, G/GiB, T/TiB */
    FIELD_TIME,   /* int64_t, milliseconds; accepts ms, s, min, h, d */
    FIELD_TEXT,   /* const char * */
    FIELD_PATH,   /* const char *; a relative path is made relative to the configuration file; "-"
                     (standard input) stays */
    FIELD_CHOICE, /* int; choices lists the words, the value is the index */
    FIELD_RETAIN, /* Retain: none | all | 7d | 100 blocks | 50GiB */
    FIELD_LIST,   /* TextList, a YAML sequence of texts; a single text is a list of one */
    FIELD_MAP,    /* TextMap, a YAML mapping of texts */
} FieldType;

enum {
    FIELD_SECRET = 1,     /* never printed */
    FIELD_REQUIRED = 2,   /* no default: must be given */
    FIELD_RELOADABLE = 4, /* SIGHUP takes a new value over */
    FIELD_NULL_WORD = 8,  /* a bare null is a text like any other, not "no value" */
    FIELD_FILLED = 16,    /* must not be empty: FIELD_TEXT, _PATH, _LIST, _MAP */
};

/* In the order in which tables read best. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
typedef struct Field {
    const char *name; /* NULL ends a table */
    FieldType type;
    size_t offset;
    const char *preset;  /* default as text; NULL: none (zero, NULL) */
    int64_t min, max;    /* numbers only; both 0: any */
    const char *choices; /* FIELD_CHOICE: "a|b|c" */
    unsigned flags;
    const char *doc; /* one sentence, shown by help and in the reference */
} Field;

typedef struct TextList {
    const char **items;
    size_t count;
} TextList;

typedef struct TextMap {
    const char **keys; /* in the order of the file, each once */
    const char **values;
    size_t count;
} TextMap;

typedef enum RetainKind {
    RETAIN_NONE,
    RETAIN_ALL,
    RETAIN_AGE,    /* amount is milliseconds */
    RETAIN_BLOCKS, /* amount is a number of blocks */
    RETAIN_BYTES,  /* amount is bytes */
} RetainKind;

typedef struct Retain {
    RetainKind kind;
    int64_t amount;
} Retain;

/*
 * Read one value into the struct at base. Every type but FIELD_MAP; a FIELD_LIST takes words
 * with commas between them, as presets are written. directory is where relative paths begin. Texts
 * go to the arena. On failure *reason holds why ("is not a size such as 64MiB"), to be put behind
 * the value: the value itself is not in it.
 */
bool field_parse(const Field *field, Text value, const char *directory, Arena *arena, void *base,
    Buf *reason) MUST_CHECK;
/* Fill the struct at base with the table's presets; a field without one is left as it is. */
void field_set_presets(const Field *fields, const char *directory, Arena *arena, void *base);
/* The entry of a table, or NULL. */
const Field *field_find(const Field *fields, Text name);

/* Number of changed, added, removed or swapped letters between two names: for "did you mean". */
size_t field_distance(Text a, Text b);

/* Text for "64MiB", "30s", "7d" … as the reference prints a default; "" where there is none. */
const char *field_preset(const Field *field);
/* "size", "duration", "true or false", "one of a, b, c" … for help and reference. */
void field_describe_type(const Field *field, Buf *out);
