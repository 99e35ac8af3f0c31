/*
 * urlencoded.h - PgQ's own urlencoding of a row: name=value&null_column&empty_column=
 *
 * A name without "=" is NULL, one with "=" and nothing behind it the empty text. Letters, digits
 * and _ . - stand as they are (and ~, which other writers leave), a space is "+", every other byte
 * %xx in hexadecimal (either case is read). Names are encoded as values are. "&&" holds nothing
 * between. A "%" without two hexadecimal digits, a second raw "=", a byte that the encoding never
 * leaves raw, a NUL, an empty name, and what cannot be had in UTF-8 are errors: "byte N: reason", N
 * counted from 1. A name that comes twice is for the caller to find (record.h does).
 *
 * The bytes are those of the source database's own encoding: no client_encoding converts what is
 * encoded. Names and values that are not ASCII are converted here, when they are decoded.
 *
 * Pure but for that; decodes in place. Source: PgQ's trigger sources (stringutil.c) and Skytools'
 * db_urldecode.
 */
#pragma once

#include "base/error.h"
#include "base/next.h"
#include "event/value.h"
#include "source/pgq/encoding.h"

typedef struct UrlencodedScan {
    char *start;
    char *at;
    char *end;
    PgqEncoding *encoding;
    bool is_unconvertible; /* it failed because of the encoding */
} UrlencodedScan;

/* text is changed. encoding: of the source database, stays the caller's; NULL: UTF-8. */
void urlencoded_init(UrlencodedScan *scan, char *text, size_t len, PgqEncoding *encoding);
/* The next column. Both are views into the text. ERR_DATA. */
Next urlencoded_next(UrlencodedScan *scan, Text *ret_name, Value *ret_value, Error *err);
