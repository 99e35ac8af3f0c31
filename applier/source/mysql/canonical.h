/*
 * canonical.h - expressions by which MySQL and MariaDB show values for a comparison
 *
 * Pure. Used for them as a source (SnapshotDriver.canonical) and as a target (target/checksum.h).
 * The session must have time_zone '+00:00'.
 */
#pragma once

#include "event/canonical.h"

/*
 * Append an expression, in utf8mb4 with a binary collation, that shows expression (a column's
 * quoted name) in a form; NULL for NULL. type is the column's type as the server shows it.
 */
void source_mysql_canonical(
    const char *expression, Text type, LogicalType logical, Canonical canonical, Buf *sql);
