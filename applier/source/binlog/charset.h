/*
 * charset.h - MySQL's and MariaDB's collation numbers, and texts in their character sets to UTF-8
 *
 * A collation number (information_schema.COLLATIONS.ID, also MariaDB's of two bytes) tells the
 * character set. Conversion is iconv's, but for what MySQL does in its own way: its latin1 is
 * Windows-1252 with the five undefined bytes as control characters; utf8mb3 and utf8mb4 are checked
 * and passed on as they are.
 *
 * Source: MySQL reference manual, "Character Sets, Collations, Unicode"; MariaDB documentation,
 * "Supported Character Sets and Collations".
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

#define BINLOG_COLLATION_BINARY 63

typedef struct BinlogCharset BinlogCharset;

/* The character set of a collation number; NULL: not known, or binary. */
const BinlogCharset *binlog_charset_of_collation(unsigned collation);
/* By name: "latin1", "utf8mb4", "utf8" …; NULL: not known, or binary. */
const BinlogCharset *binlog_charset_find(Text name);
const char *binlog_charset_name(const BinlogCharset *charset);
/* Are its texts UTF-8 already, so that no byte changes? */
bool binlog_charset_is_utf8(const BinlogCharset *charset);

/* Append text in UTF-8. ERR_DATA names the first byte that is none of the set. Any thread. */
bool binlog_charset_convert(const BinlogCharset *charset, Text text, Buf *out, Error *err)
    MUST_CHECK;
