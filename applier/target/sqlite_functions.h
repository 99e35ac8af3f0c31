/*
 * sqlite_functions.h - what dray verify needs and SQLite lacks, as SQL functions of a connection
 *
 *   dray_md5(x)      MD5 of a text's or blob's bytes, as md5() of PostgreSQL and MySQL
 *   dray_part(h)     the first 15 hexadecimal digits of a digest as a number
 *   dray_sum(n)      aggregate: the sum modulo 2^64, as decimal text
 *   dray_number(x)   CANONICAL_NUMBER of an integer, a real or a text
 *   dray_float8(x)   CANONICAL_FLOAT8 of an integer, a real or a text
 *   dray_float4(x)   CANONICAL_FLOAT4 of the same
 *   dray_geometry(x) CANONICAL_GEOMETRY of EWKT; of any other text the text itself
 *
 * NULL for NULL (dray_sum passes NULLs over).
 */
#pragma once

#include <sqlite3.h>

/* The code of SQLite. */
int sqlite_functions_add(sqlite3 *db);
