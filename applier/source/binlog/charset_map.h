/*
 * charset_map.h - what is known of the servers' character sets, and tables from their codes to
 * Unicode
 *
 * The tables are made once for a set that is used, and stay. Most of what is in them comes from the
 * C library (iconv); where the servers map a code in another way, or not at all, the facts are
 * here. They were taken from both servers, which agree: MariaDB 10.11 and MySQL 9.7. A test asks a
 * real server for each code of each set (tests/integration/test_mysql_charset.py).
 *
 * Any thread.
 */
#pragma once

#include <iconv.h>

#include "base/error.h"
#include "base/text.h"

typedef enum BinlogEncoding {
    BINLOG_ENCODING_UTF8,
    BINLOG_ENCODING_UCS2,
    BINLOG_ENCODING_UTF16,
    BINLOG_ENCODING_UTF16LE,
    BINLOG_ENCODING_UTF32,
    BINLOG_ENCODING_BYTES, /* one byte a character */
    BINLOG_ENCODING_PAIRS, /* one or two */
    BINLOG_ENCODING_EUC,   /* and three, of which the first is 0x8F */
    BINLOG_ENCODING_GB,    /* and four, of which the second is a digit */
} BinlogEncoding;

/* Codes that the servers map otherwise than iconv: count codes from first on are the characters
 * from to on; 0: they are none. */
typedef struct BinlogException {
    uint32_t first;
    uint16_t count;
    uint16_t to;
} BinlogException;

typedef struct BinlogCollations {
    uint16_t first;
    uint16_t last;
} BinlogCollations;

#define BINLOG_COLLATION_RANGES 6

struct BinlogCharset {
    const char *name;
    BinlogEncoding encoding;
    const char *iconv; /* of sets with a table */
    /* Of PAD SPACE collations below 1024. MariaDB has the same with 1024 added (NO PAD). */
    BinlogCollations collations[BINLOG_COLLATION_RANGES];
    const BinlogException *exceptions; /* ends with a count of 0; NULL: none */
};

typedef struct BinlogCharset BinlogCharset;

extern const BinlogCharset binlog_charsets[];
extern const size_t binlog_charset_count;

/* Code points; 0: no character (but for the byte 0). */
typedef struct BinlogCharmap {
    uint16_t one[256];
    uint16_t *two;   /* by both bytes; NULL: the set has none */
    uint16_t *three; /* by the second and third byte */
    uint16_t *four;  /* by binlog_charmap_gb_index() */
} BinlogCharmap;

/* The number of a code of four bytes among those of gb18030: up to BINLOG_GB_BMP in the table, from
 * BINLOG_GB_HIGH on U+10000 and up; UINT32_MAX: not well-formed. */
#define BINLOG_GB_BMP  39420
#define BINLOG_GB_HIGH 189000
uint32_t binlog_charmap_gb_index(const uint8_t code[4]);

/* The table of a set that has one. ERR_SOURCE, with the way out, where the C library does not know
 * the set. */
const BinlogCharmap *binlog_charmap_get(const BinlogCharset *charset, Error *err) MUST_CHECK;
