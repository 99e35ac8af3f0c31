#include "source/binlog/compress.h"

#include <stdlib.h>
#include <zlib.h>

/* A deflate stream holds at most 1032 bytes in one (zlib's technical details). */
#define DEFLATE_MOST 1032

/* The stream is all of packed, and gives size bytes. */
static bool
inflate_all(Text packed, size_t size, bool is_raw, Buf *out, Error *err)
{
    z_stream stream = {0};
    int code;

    if (packed.len > UINT32_MAX || size > UINT32_MAX || size / DEFLATE_MOST > packed.len)
        return error_set(err, ERR_SOURCE, "%zu compressed bytes cannot hold %zu", packed.len, size);
    if (inflateInit2(&stream, is_raw ? -MAX_WBITS : MAX_WBITS) != Z_OK)
        abort();
    /* zlib's interface is older than const */
    stream.next_in = (Bytef *)(uintptr_t)packed.data;
    stream.avail_in = (uInt)packed.len;
    stream.next_out = (Bytef *)buf_reserve(out, size);
    stream.avail_out = (uInt)size;
    code = inflate(&stream, Z_FINISH);
    (void)inflateEnd(&stream);
    if (code != Z_STREAM_END || stream.total_out != size)
        return error_set(err, ERR_SOURCE,
            "%zu compressed bytes give %lu, not the %zu that they say", packed.len,
            stream.total_out, size);
    buf_grown(out, size);
    return true;
}

/* Behind the first byte: the size unpacked in len bytes, then the stream. */
static bool
unpack_sized(Text packed, size_t len, bool is_raw, Buf *out, Error *err)
{
    Reader reader = reader_of(packed.data, packed.len);
    uint64_t size = 0;

    (void)reader_u8(&reader);
    if (len == 0 || len > 4 || packed.len - 1 < len)
        return error_set(err, ERR_SOURCE, "compressed bytes without a size");
    for (size_t i = 0; i < len; i++)
        size = size << 8 | reader_u8(&reader);
    return inflate_all(
        (Text){packed.data + reader.at, packed.len - reader.at}, size, is_raw, out, err);
}

bool
binlog_uncompress_event(Text packed, Buf *out, Error *err)
{
    unsigned head = packed.len == 0 ? 0 : (unsigned char)packed.data[0];

    if ((head & 0x80) == 0 || (head >> 4 & 7) != 0)
        return error_set(err, ERR_SOURCE, "compressed in a way that is not known (0x%02x)", head);
    return unpack_sized(packed, head & 7, false, out, err);
}

bool
binlog_uncompress_column(Text packed, Buf *out, Error *err)
{
    unsigned head = packed.len == 0 ? 0 : (unsigned char)packed.data[0];

    if (head == 0) {
        if (packed.len > 0)
            buf_add(out, packed.data + 1, packed.len - 1);
        return true;
    }
    if (head >> 4 != 8)
        return error_set(err, ERR_SOURCE, "compressed in a way that is not known (0x%02x)", head);
    return unpack_sized(packed, head & 7, (head & 8) != 0, out, err);
}
