/*
 * geometry.h - a geometry's canonical value in the other spellings that targets take, and back
 *
 * Pure. Canonical is EWKB in lower-case hexadecimal, all of it little-endian (event/value.h):
 *
 *     geometry     Int8 1, Int32 kind (with the flag 0x20000000 an SRID follows), [Int32 SRID],
 *                  body; the flag only in front of the whole, never in front of a part
 *     1 POINT               Double x, Double y; both NaN: empty
 *     2 LINESTRING          Int32 count, points
 *     3 POLYGON             Int32 count of rings, each one as a line's body
 *     4 MULTIPOINT, 5 MULTILINESTRING, 6 MULTIPOLYGON, 7 GEOMETRYCOLLECTION
 *                           Int32 count, geometries with their own byte order and kind
 *
 * (OGC 06-103r4 "Simple feature access", part 8.2; PostGIS manual, "Geometry formats", for EWKB and
 * EWKT.) EWKT is "SRID=4326;MULTIPOINT((1 2),(3 4))", the SRID only where it is not 0, numbers as
 * the shortest text that reads back the same. MySQL and MariaDB keep an Int32 SRID with WKB behind
 * it ("Spatial data types: internal geometry storage format" of both manuals), which a geometry
 * column takes as its value.
 *
 * Z and M coordinates are refused: no source that has geometries knows them. So is what is nested
 * more than GEOMETRY_DEPTH deep.
 */
#pragma once

#include "base/text.h"

#define GEOMETRY_DEPTH 100

/*
 * Each returns NULL, or why the text is not what it takes; then nothing was appended. What they
 * append can be read back by the other function of the pair.
 */
const char *geometry_check(Text hex) MUST_CHECK;

/* Canonical to EWKT, and back. The way back takes any letter case and spacing, and points of a
 * multipoint without their parentheses. */
const char *geometry_to_ewkt(Text hex, Buf *out) MUST_CHECK;
const char *geometry_from_ewkt(Text ewkt, Buf *out) MUST_CHECK;

/* Canonical to MySQL's bytes in lower-case hexadecimal, and back. */
const char *geometry_to_mysql(Text hex, Buf *out) MUST_CHECK;
const char *geometry_from_mysql(Text hex, Buf *out) MUST_CHECK;
