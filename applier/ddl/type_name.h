/*
 * type_name.h - do two spellings mean the same type of a target? Pure.
 *
 * A catalogue spells types in its own way ("character varying(20)", "int(11)", "varchar(20)
 * CHARACTER SET utf8mb4 COLLATE …"), a mapping table in its author's ("varchar(20)", "INT").
 */
#pragma once

#include "base/text.h"

/*
 * Letters' case, blanks, the usual other names (int and integer, varchar and character varying …),
 * the display width of MySQL's integers, and its character set and collation do not count; length,
 * precision and scale do.
 */
bool type_name_equal(Text a, Text b);
