/*
 * compress.h - MariaDB's compressed statements, rows and columns
 *
 *     Int8: highest bit set, bits 4 to 6 the algorithm (0: zlib), bits 0 to 2 the number of bytes
 *     of the size that follows; size unpacked, big-endian; zlib stream
 *
 * Columns with the attribute COMPRESSED: nothing for the empty value; else Int8, 0 for not
 * compressed, else 8 (zlib) in bits 4 to 7, with bit 3 for a raw deflate stream, and the number of
 * bytes of the size, which follows as above.
 *
 * The size is checked against what the packed bytes can hold before memory is taken.
 *
 * Source: MariaDB documentation, "Compressing Events to Reduce Size of the Binary Log",
 * "Storage-Engine Independent Column Compression".
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

/* Append what a log event holds. */
bool binlog_uncompress_event(Text packed, Buf *out, Error *err) MUST_CHECK;
/* Append what a column's value holds. */
bool binlog_uncompress_column(Text packed, Buf *out, Error *err) MUST_CHECK;
