/*
 * md5.h - the MD5 message digest, which PostgreSQL and MySQL have as a function and SQLite lacks
 *
 * For checksums of rows that are compared between databases; it protects nothing. Source: RFC 1321,
 * section 3.
 */
#pragma once

#include "base/text.h"

#define MD5_HEX_SIZE 33

/* 32 lower-case hexadecimal digits and a NUL. */
void md5_hex(Text text, char hex[MD5_HEX_SIZE]);
