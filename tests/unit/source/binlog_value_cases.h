/*
 * binlog_value_cases.h - column types with generators of hard and random values, as SQL
 *
 * A generator appends an expression for one value; number counts the values of a column, so that
 * the first ones are the limits. All that it draws is from *random.
 */
#pragma once

#include "source/binlog/value.h"

typedef struct ValueCase ValueCase;

struct ValueCase {
    const char *type; /* as in CREATE TABLE */
    void (*add)(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql);
    unsigned size; /* what the generator makes of it: bits, digits, characters … */
    unsigned decimals;
    BinlogSpecial special;
    unsigned servers; /* which have the type */
};

enum {
    ON_MARIADB = 1,
    ON_MYSQL = 2,
    ON_BOTH = 3,
    ON_MARIADB_53 = 4, /* MariaDB with mysql56_temporal_format = OFF; decimals: the digits, which
                          only the catalogue knows */
};

extern const ValueCase value_cases[];
extern const size_t value_case_count;
