/*
 * document.h - one YAML file being read: its nodes, its substitutions, and the mistakes found
 *
 * Nodes are libyaml's (yaml_document_t), with their marks. A mistake does not end the reading:
 * document_finish() tells them all, in the order of the file, one line each. Deep nesting is
 * refused by libyaml; an alias is the node it stands for.
 */
#pragma once

#include <yaml.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct Mistake {
    size_t line, column; /* from 1 */
    size_t order;        /* in which it was found */
    const char *text;
} Mistake;

typedef struct Document {
    const char *path;      /* as given; for error texts */
    const char *directory; /* where relative paths begin */
    Arena *arena;          /* the caller's: texts that are read live there */
    yaml_document_t yaml;
    Mistake *mistakes;
    size_t mistake_count;
    size_t mistake_size;
} Document;

/* Texts are UTF-8; at most one document. ERR_CONFIG "file:line:column: yaml: reason". Close it even
 * after a failure. */
bool document_open(Document *document, const char *path, const char *directory, Text text,
    Arena *arena, Error *err) MUST_CHECK;
void document_close(Document *document);
CLEANUP_DEFINE(Document *, document_close);

/* The topmost node, or NULL in an empty file. */
const yaml_node_t *document_root(Document *document);
const yaml_node_t *document_node(Document *document, int index);

/* "path:line:column: option: reason"; node NULL is the beginning of the file. Only the first few
 * hundred are kept. */
void document_mistake(Document *document, const yaml_node_t *node, const char *option,
    const char *fmt, ...) PRINTF(4, 5);
/* True when there was no mistake; else ERR_CONFIG with all that fit into an error. */
bool document_finish(Document *document, Error *err) MUST_CHECK;

/* The node's text as it stands in the file; node is a scalar. */
Text document_raw(const yaml_node_t *node);
/*
 * The node's text with ${NAME} and ${file:PATH} replaced and "$${" made "${"; in the arena. False
 * after a mistake was noted. With secret no part of the value gets into the mistake, but for a
 * name that clearly is one.
 */
bool document_text(Document *document, const yaml_node_t *node, const char *option, bool secret,
    Text *ret_text) MUST_CHECK;
/* A quoted value for error texts: in double quotes, control bytes as \xHH, cut when long. */
void document_add_shown(Buf *out, Text text);
