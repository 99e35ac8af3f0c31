/*
 * json.h - MySQL's binary JSON into the text that MySQL prints, and JSON diffs
 *
 * Source: MySQL source documentation, "JSON binary format" (json_binary.h), "JSON diffs"
 * (json_diff.h). The text is what CAST(column AS CHAR) gives: keys in MySQL's order, ", " and ": "
 * between, numbers, dates and opaque values ("base64:type15:…") as MySQL prints them.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* Append the text of a value. An empty value is the JSON null, as MySQL reads it. */
bool binlog_json_print(Text binary, Buf *out, Error *err) MUST_CHECK;

/*
 * Append the text of binary after a list of diffs:
 *     Int8 operation (0 replace, 1 insert, 2 remove)   length-encoded length, path ("$.a[2]")
 *     unless removed: length-encoded length, value in binary form
 * As MySQL applies them: a diff whose path does not exist where it must is ERR_DATA.
 */
bool binlog_json_apply(Text binary, Text diffs, Buf *out, Error *err) MUST_CHECK;
