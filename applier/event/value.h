/*
 * value.h - a column's value as it travels from a source to the block writer
 *
 * Every source hands values over in one canonical text per logical type; block/notation.h turns it
 * into the target's own notation. The canonical texts are PostgreSQL's output with datestyle ISO
 * and intervalstyle postgres, except where said otherwise:
 *
 *   LOGICAL_BOOL         "t" or "f"
 *   LOGICAL_INT, _UINT   decimal digits, "-" in front where negative; no limit of length
 *   LOGICAL_NUMERIC      decimal text, as many digits as the source sent; NaN, Infinity, -Infinity
 *   LOGICAL_FLOAT        shortest text that reads back the same; NaN, Infinity, -Infinity
 *   LOGICAL_TEXT         UTF-8; the character NUL only where Notation.nul_texts says so
 *   LOGICAL_BYTES        lower-case hexadecimal, two digits a byte, no prefix
 *   LOGICAL_BIT          "0101"
 *   LOGICAL_DATE         "YYYY-MM-DD", optional " BC", "infinity", "-infinity"; MySQL's 0000-00-00
 *   LOGICAL_TIME         "HH:MM:SS[.f]", MySQL's also negative and above 24 hours
 *   LOGICAL_TIMETZ       the same with "+HH[:MM[:SS]]"
 *   LOGICAL_TIMESTAMP    "YYYY-MM-DD HH:MM:SS[.f]", optional " BC", infinity, zero dates as above
 *   LOGICAL_TIMESTAMPTZ  the same with "+HH[:MM[:SS]]" before " BC"
 *   LOGICAL_GEOMETRY     EWKB in lower-case hexadecimal, little-endian, with the SRID flag and the
 *                        SRID where it is not 0
 *   LOGICAL_INTERVAL, _JSON, _UUID, _ARRAY, _OTHER   the source's own text, UTF-8
 */
#pragma once

#include "base/text.h"

typedef enum LogicalType {
    LOGICAL_UNKNOWN, /* the source did not say; the target column's type decides */
    LOGICAL_BOOL,
    LOGICAL_INT,
    LOGICAL_UINT,
    LOGICAL_NUMERIC,
    LOGICAL_FLOAT,
    LOGICAL_TEXT,
    LOGICAL_BYTES,
    LOGICAL_BIT,
    LOGICAL_DATE,
    LOGICAL_TIME,
    LOGICAL_TIMETZ,
    LOGICAL_TIMESTAMP,
    LOGICAL_TIMESTAMPTZ,
    LOGICAL_INTERVAL,
    LOGICAL_JSON,
    LOGICAL_UUID,
    LOGICAL_ARRAY,
    LOGICAL_OTHER,
    LOGICAL_GEOMETRY,
} LogicalType;

typedef enum ValueKind {
    VALUE_ABSENT, /* the source says nothing of this column (not part of the old image) */
    VALUE_NULL,
    VALUE_TEXT,      /* text holds the canonical text; maybe empty */
    VALUE_UNCHANGED, /* an update left it as it was and the source does not repeat it */
} ValueKind;

typedef struct Value {
    ValueKind kind;
    Text text; /* VALUE_TEXT only; a view, valid as long as the event */
} Value;

/* "bool", "int" … as the manifest spells them. */
const char *logical_type_name(LogicalType type);
/* False when no type has this name. */
bool logical_type_parse(Text name, LogicalType *ret_type) MUST_CHECK;
/* The logical type of a PostgreSQL type name as format_type() prints it, with or without length,
 * precision and []: "numeric(10,2)", "character varying(20)", "timestamp with time zone",
 * "integer[]". A name of no built-in type (enum, domain, composite) is LOGICAL_OTHER. */
LogicalType logical_type_of_postgres(Text type);
/* The same of a MySQL or MariaDB column type as the server shows it: "int(10) unsigned",
 * "varchar(20)", "bit(1)", "point". TIMESTAMP is LOGICAL_TIMESTAMPTZ, YEAR LOGICAL_INT with four
 * digits, TINYINT(1) LOGICAL_INT. */
LogicalType logical_type_of_mysql(Text type);
