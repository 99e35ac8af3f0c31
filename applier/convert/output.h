/*
 * output.h - pieces of the YAML that converters write
 */
#pragma once

#include "base/text.h"

/* A scalar that is read back as exactly this text by any YAML reader: plain where that is safe,
 * else in double quotes. The text is UTF-8. */
void output_scalar(Buf *out, Text text);
/* The same for an option's value in Dray's configuration, where "${" would take a variable. */
void output_value(Buf *out, Text text);
/* "indent" + "name: value\n", by output_value(). */
void output_option(Buf *out, const char *indent, const char *name, Text value);
/* Each line of the text behind indent and "# "; control characters become "?". */
void output_comment(Buf *out, const char *indent, Text text);
/* Milliseconds as a duration: "0s", "200ms", "90s", "20min". */
void output_time(Buf *out, int64_t ms);
