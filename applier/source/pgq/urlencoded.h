/*
 * urlencoded.h - PgQ's own urlencoding of a row: name=value&null_column&empty_column=
 *
 * A name without "=" is NULL, one with "=" and nothing behind it the empty text. Letters, digits
 * and _ . - stand as they are, a space is "+", every other byte %xx in hexadecimal (either case is
 * read). Names are encoded as values are. "&&" holds nothing between. A name that comes twice, a
 * "%" without two hexadecimal digits, a second raw "=", a byte that the encoding never leaves raw,
 * a NUL, and an empty name are errors: "byte N: reason", N counted from 1.
 *
 * Pure; decodes in place. Source: PgQ's trigger sources (stringutil.c) and Skytools' db_urldecode.
 */
#pragma once

#include "base/error.h"
#include "base/next.h"
#include "event/value.h"

typedef struct UrlencodedScan {
    char *start;
    char *at;
    char *end;
} UrlencodedScan;

/* text is changed. */
void urlencoded_init(UrlencodedScan *scan, char *text, size_t len);
/* The next column. Both are views into the text. ERR_DATA. */
Next urlencoded_next(UrlencodedScan *scan, Text *ret_name, Value *ret_value, Error *err);
