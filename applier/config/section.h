/*
 * section.h - reads one mapping of the configuration file by its option tables
 *
 * Notes every unknown, doubled, missing and wrong option in the document.
 */
#pragma once

#include "config/document.h"
#include "config/field.h"

/* One table and the struct that it fills; prefix is left out of the names in the file ("columns."
 * picks "columns.skip" as "skip"), "" picks the names without a dot. */
typedef struct SectionTable {
    const Field *fields;
    void *base;
    const char *prefix;
} SectionTable;

typedef struct Section {
    const char *name; /* "block"; "" is the top level; in front of the options in errors */
    const SectionTable *tables;
    size_t table_count;
    const char *const *others; /* options that the caller reads, ended by NULL; or NULL */
    bool open;                 /* options that no table has are not judged */
} Section;

/*
 * Read node (NULL: the section is absent, or empty) into the tables' structs. Presets are already
 * in them. Mistakes are noted; above is where a missing option is reported when there is no node.
 */
void section_read(
    Document *document, const yaml_node_t *node, const yaml_node_t *above, const Section *section);

/* The value of a key of a mapping; NULL when it is absent, or node is no mapping. */
const yaml_node_t *section_child(Document *document, const yaml_node_t *node, const char *name);

/* A plain scalar without text: "block:" and nothing behind it. */
bool section_is_empty(const yaml_node_t *node);

/* The closest of several names, for "did you mean". */
typedef struct Guess {
    Text wanted;
    const char *best; /* NULL: none is close */
    size_t distance;
} Guess;
/* One more candidate. */
void guess_name(Guess *guess, const char *name);
/* Append ", did you mean x?", or nothing. */
void guess_print(const Guess *guess, Buf *out);
