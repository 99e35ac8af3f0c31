/*
 * postgres_canonical.h - expressions by which PostgreSQL shows values for a comparison
 *
 * Pure. Used for PostgreSQL as a source (SnapshotDriver.canonical) and as a target
 * (target/checksum.h). The session must have TimeZone UTC, DateStyle ISO, IntervalStyle postgres,
 * extra_float_digits 1 or more, bytea_output hex.
 */
#pragma once

#include "event/canonical.h"

/*
 * Append an expression of type text that shows expression (a column's quoted name) in a form; NULL
 * for NULL. type is the column's type as format_type() spells it, what follows the name does not
 * matter; logical is its logical type.
 */
void postgres_canonical(
    const char *expression, Text type, LogicalType logical, Canonical canonical, Buf *sql);
