/*
 * binlog_events.h - events of a binary log, built by hand for tests
 */
#pragma once

#include <zlib.h>

#include "source/binlog/event.h"
#include "support/test.h"

static inline void
put_int(Buf *out, uint64_t number, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_add_char(out, (char)(number >> (8 * i)));
}

static inline void
put_bytes(Buf *out, const char *hex)
{
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};

        if (hex[0] == ' ') {
            hex--;
            continue;
        }
        buf_add_char(out, (char)strtoul(digits, NULL, 16));
    }
}

/* Header, body, and the checksum where there is one. */
static inline void
put_event(Buf *out, unsigned type, unsigned flags, Text body, bool has_checksum)
{
    size_t begin = out->len;
    size_t size = BINLOG_HEADER_SIZE + body.len + (has_checksum ? 4 : 0);

    put_int(out, 1700000000, 4);
    put_int(out, type, 1);
    put_int(out, 77, 4);
    put_int(out, size, 4);
    put_int(out, 1000 + size, 4);
    put_int(out, flags, 2);
    buf_add_text(out, body);
    if (has_checksum)
        put_int(out, crc32_z(0, (const Bytef *)out->data + begin, out->len - begin), 4);
}

static inline BinlogEvent
event_of(unsigned type, const Buf *body)
{
    return (BinlogEvent){.type = type, .end_offset = 555, .server_id = 9, .body = buf_text(body)};
}
