/*
 * gtid_set.h - a set of MySQL's GTIDs: for each source and tag, intervals of numbers
 *
 * Kept in order: sources by their bytes, tags by theirs (the empty one first), intervals by their
 * numbers, with a gap between any two. Pure.
 *
 * Sources: MySQL reference manual, "GTID Format and Storage"; MySQL source documentation,
 * "COM_BINLOG_DUMP_GTID", Gtid_set::encode.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

#define GTID_SOURCE_SIZE 16
#define GTID_TAG_MAX     32

typedef struct GtidInterval {
    uint64_t first;
    uint64_t last; /* in the set, too */
} GtidInterval;

typedef struct GtidSource {
    uint8_t source[GTID_SOURCE_SIZE];
    char tag[GTID_TAG_MAX + 1]; /* lower case; "" none */
    GtidInterval *intervals;
    size_t count;
    size_t size;
} GtidSource;

typedef struct GtidSet {
    GtidSource *sources;
    size_t count;
    size_t size;
} GtidSet;

void gtid_set_clear(GtidSet *set);
void gtid_set_copy(const GtidSet *set, GtidSet *ret_set);
/* Add the numbers from first to last, 1 <= first <= last; tag is one (see gtid_tag_parse). False:
 * all of them were in the set. */
bool gtid_set_add(GtidSet *set, const uint8_t source[GTID_SOURCE_SIZE], const char *tag,
    uint64_t first, uint64_t last);

/* 32 digits, with or without hyphens where a UUID has them. */
bool gtid_source_parse(Text text, uint8_t ret_source[GTID_SOURCE_SIZE]) MUST_CHECK;
/* A letter or _, then letters, digits or _; at most 32. In lower case and with a NUL. */
bool gtid_tag_parse(Text text, char ret_tag[GTID_TAG_MAX + 1]) MUST_CHECK;

/* "uuid:1-5:7:tag:1-3,uuid:…", with white space anywhere between; nothing is the empty set. */
bool gtid_set_parse(Text text, GtidSet *ret_set, Error *err) MUST_CHECK;
void gtid_set_print(const GtidSet *set, Buf *out);
/* As COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS have it: with tags only when there is one. */
void gtid_set_encode(const GtidSet *set, Buf *out);

/* <0, 0, >0: a set comes before one that has all of it and more. Sets of which neither has the
 * other have the order of their sizes, so that the order is whole and never runs in a circle. */
int gtid_set_compare(const GtidSet *a, const GtidSet *b);
