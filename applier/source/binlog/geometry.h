/*
 * geometry.h - the servers' form of a geometry into EWKB
 *
 *     Int32 SRID, little-endian
 *     Int8 byte order (0: big-endian, 1: little-endian)   Int32 kind, 1 to 7
 *     POINT: two doubles   LINESTRING: Int32 count, points   POLYGON: Int32 count, LINESTRINGs
 *     without byte order and kind   others: Int32 count, whole geometries from the byte order on
 *
 * EWKB (PostGIS) has the SRID behind the outermost kind, and a flag in the kind that says so.
 *
 * Source: MySQL reference manual, "Internal Geometry Storage Format", "Well-Known Binary (WKB)
 * Format"; PostGIS manual, "Extended WKB".
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* Bytes of the EWKB in hexadecimal digits, at most, for a geometry of so many bytes. */
size_t binlog_geometry_room(size_t len);

/* Write EWKB as lower-case hexadecimal digits, all of it little-endian, without an SRID where it is
 * 0. *to goes on. ERR_DATA where it is no geometry. */
bool binlog_geometry_print(Text stored, char **to, Error *err) MUST_CHECK;
