/*
 * dialect.h - how the CSV files of a block spell lines, nulls and values
 *
 * A target driver presets one; the configuration may change the null word and the header columns.
 * The manifest carries it whole, so that a replay into another target can read the files back into
 * canonical values (event/value.h) and write them in its own dialect.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "event/value.h"

typedef enum BytesNotation {
    BYTES_HEX,           /* 00ff */
    BYTES_BACKSLASH_HEX, /* \x00ff */
} BytesNotation;

typedef enum BoolNotation {
    BOOL_LETTERS, /* t, f */
    BOOL_DIGITS,  /* 1, 0 */
} BoolNotation;

typedef enum ZoneNotation {
    ZONE_KEPT, /* 2016-03-11 20:51:10+01 as the source wrote it */
    ZONE_UTC,  /* 2016-03-11 19:51:10: shifted to UTC, no zone written */
} ZoneNotation;

typedef enum GeometryNotation {
    GEOMETRY_EWKB,     /* EWKB in hexadecimal, as the canonical value */
    GEOMETRY_EWKT,     /* SRID=4326;POINT(1 2) */
    GEOMETRY_SRID_WKB, /* MySQL's own bytes in hexadecimal: the SRID, then WKB (block/geometry.h) */
} GeometryNotation;

/* How a file is quoted and escaped. Dray writes only CSV_QUOTED; the others are Tungsten's. */
typedef enum CsvStyle {
    CSV_QUOTED,           /* every value quoted, quotes doubled, null is the bare null word */
    CSV_TUNGSTEN_MYSQL,   /* values quoted, backslash escapes, null is bare \N */
    CSV_TUNGSTEN_DEFAULT, /* nothing quoted or escaped, null is the word null */
} CsvStyle;

/* How canonical values are spelled, and what the target can hold at all. */
typedef struct Notation {
    BytesNotation bytes;
    BoolNotation bools;
    ZoneNotation zone;
    GeometryNotation geometry;
    bool numeric_nan;      /* NUMERIC can hold NaN */
    bool numeric_infinity; /* NUMERIC can hold Infinity */
    bool float_special;    /* floats can hold NaN and infinities */
    bool infinite_dates;   /* dates and timestamps: infinity, -infinity */
    bool bc_dates;
    bool zero_dates;     /* 0000-00-00 */
    int max_year;        /* of dates and timestamps; 0: any */
    int fraction_digits; /* of a second; more in the source is out of range, unless they are 0 */
    int64_t max_hours;   /* of LOGICAL_TIME, that many included (838:59:59); 24 or less: only a time
                            of day, 00:00:00 to 24:00:00; 0: any, also negative */
    bool long_times;     /* columns of another type than a time's can hold what max_hours leaves
                            out (PostgreSQL: interval): the target judges it, unless the policy
                            makes NULL of it */
    bool nul_texts;      /* texts can hold the character NUL */
} Notation;

/* The header columns a line may begin with. */
typedef enum HeaderColumn {
    HEADER_OPCODE,
    HEADER_SEQNO,
    HEADER_ROW_ID,
    HEADER_TIMESTAMP,
    HEADER_SERVICE,
    HEADER_UNCHANGED, /* which values the line does not tell: null, or ",2,5," (block/unchanged.h)
                       */
    HEADER_COUNT,
} HeaderColumn;

typedef struct CsvDialect {
    CsvStyle style;
    Text null_word;
    Notation notation;
    HeaderColumn header[HEADER_COUNT]; /* their order */
    size_t header_count;
    Text header_names[HEADER_COUNT]; /* by HeaderColumn, the prefix included */
} CsvDialect;

/* "opcode", "seqno", "row_id", "timestamp", "service", "unchanged". */
const char *header_column_name(HeaderColumn column);
bool header_column_parse(Text name, HeaderColumn *ret_column) MUST_CHECK;
/* Where in a line the header column stands; header_count where the dialect has it not. */
size_t dialect_header_at(const CsvDialect *dialect, HeaderColumn column);
