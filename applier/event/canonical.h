/*
 * canonical.h - in which text two databases show one value, so that their checksums can be compared
 *
 * dray verify lets source and target each turn a column into a text in SQL; equal values give equal
 * bytes. The form follows from the source column's logical type and the target column's type
 * (target/checksum.h); source/postgres_canonical.h and target/checksum_*.c write the expressions.
 */
#pragma once

#include "event/value.h"

typedef enum CanonicalForm {
    CANONICAL_TEXT,   /* the text as it is, in UTF-8 */
    CANONICAL_PADDED, /* the text without spaces at its end: of CHAR(n), which pads or cuts them */
    CANONICAL_JSONB,  /* PostgreSQL only: json as jsonb prints it */
    CANONICAL_BOOL,   /* "t", "f" */
    CANONICAL_NUMBER, /* decimal without zeros behind the last digit of a fraction; NaN, Infinity */
    CANONICAL_FLOAT8, /* the IEEE 754 bits as 16 lower-case hexadecimal digits, -0 as 0; NaN. A
                         single-precision source column counts as the double of its shortest text,
                         which is what the target reads */
    CANONICAL_FLOAT4, /* the same of the value rounded to single precision */
    CANONICAL_BYTES,  /* lower-case hexadecimal */
    CANONICAL_BIT,    /* "0101" */
    CANONICAL_DATE,   /* as event/value.h */
    CANONICAL_TIME,   /* as event/value.h, without zeros at the fraction's end */
    CANONICAL_TIMETZ, /* the same with its zone */
    CANONICAL_TIME_UTC,    /* of a time with zone: shifted to UTC, no zone */
    CANONICAL_TIMESTAMP,   /* as event/value.h, without zeros at the fraction's end */
    CANONICAL_TIMESTAMPTZ, /* the same in UTC, without a zone */
    CANONICAL_GEOMETRY,    /* as event/value.h */
} CanonicalForm;

/* Values that the configuration's "values:" turned into NULL on the way, because the target cannot
 * hold them. */
enum {
    CANONICAL_NULL_INFINITY = 1,
    CANONICAL_NULL_NAN = 2,
    CANONICAL_NULL_RANGE = 4, /* dates BC and past the year 9999 */
    CANONICAL_NULL_ZERO = 8,  /* dates with a year, month or day of 0 (MySQL's) */
    CANONICAL_NULL_TIME = 16, /* times that are no time of day: negative, or past 24:00:00 */
};

typedef struct Canonical {
    CanonicalForm form;
    unsigned nulls;
} Canonical;
