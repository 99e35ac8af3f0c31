/*
 * json.h - a strict pull scanner over one line of JSON (RFC 8259)
 *
 * Pure: no input, output or allocation. Escaped strings are decoded in place, so that the line must
 * be writable and every text is a view into it. Numbers keep their exact text. Refused: invalid
 * UTF-8, control bytes in a string, lone surrogates, \u0000 where a text is taken, anything nested
 * deeper than JSON_DEPTH, and bytes after the value.
 *
 * Errors are ERR_DATA, "column N: reason", where N counts the line's bytes from 1. After an error
 * the scanner is of no further use.
 *
 *     source_json_init(&scan, line, len);
 *     if (!source_json_open(&scan, '{', err))
 *         return false;
 *     while ((next = source_json_member(&scan, &key, err)) == NEXT_ITEM)
 *         if (!source_json_scalar(&scan, &value, err)) …
 */
#pragma once

#include "base/error.h"
#include "base/next.h"
#include "base/text.h"

#define JSON_DEPTH 32

typedef enum JsonKind {
    JSON_KIND_NULL,
    JSON_KIND_TRUE,
    JSON_KIND_FALSE,
    JSON_KIND_NUMBER, /* text is the number as it stands in the line */
    JSON_KIND_TEXT,   /* text is decoded UTF-8 without NUL */
} JsonKind;

typedef struct JsonScalar {
    JsonKind kind;
    Text text;
} JsonScalar;

typedef struct JsonScan {
    char *start;
    char *at;
    char *end;
    unsigned depth; /* open brackets */
    bool first;     /* nothing was taken from the innermost bracket yet */
} JsonScan;

void source_json_init(JsonScan *scan, char *line, size_t len);
/* Take the bracket, '{' or '['. */
bool source_json_open(JsonScan *scan, char bracket, Error *err) MUST_CHECK;
/* Inside '{': the next key; its value must be taken next. NEXT_END takes the '}'. */
Next source_json_member(JsonScan *scan, Text *ret_key, Error *err) MUST_CHECK;
/* Inside '[': NEXT_ITEM where a value follows, to be taken next. NEXT_END takes the ']'. */
Next source_json_element(JsonScan *scan, Error *err) MUST_CHECK;
/* A value that is neither object nor array. */
bool source_json_scalar(JsonScan *scan, JsonScalar *ret_scalar, Error *err) MUST_CHECK;
/* Any value, checked but not decoded: the line stays as it is. */
bool source_json_skip(JsonScan *scan, Error *err) MUST_CHECK;
/* Nothing but white space is left. */
bool source_json_end(JsonScan *scan, Error *err) MUST_CHECK;

/* Is it one whole, valid object? Does not change the line. */
bool source_json_is_object(Text line, Error *err) MUST_CHECK;

/* ERR_DATA "column N: …", for the place where the scanner stands, or for column. */
#define source_json_error(scan, err, ...) \
    source_json_error_at((size_t)((scan)->at - (scan)->start) + 1, (err), __VA_ARGS__)
#define source_json_error_at(column, err, fmt, ...) \
    error_set((err), ERR_DATA, "column %zu: " fmt, (size_t)(column), ##__VA_ARGS__)
