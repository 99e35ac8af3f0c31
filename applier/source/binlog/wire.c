#include "source/binlog/wire.h"

uint64_t
binlog_wire_int(Reader *reader, size_t len)
{
    Text bytes = reader_bytes(reader, len);
    uint64_t value = 0;

    for (size_t i = bytes.len; i > 0; i--)
        value = value << 8 | (uint8_t)bytes.data[i - 1];
    return value;
}

uint64_t
binlog_wire_length(Reader *reader)
{
    uint8_t first = reader_u8(reader);

    if (first < 251)
        return first;
    if (first == 252)
        return binlog_wire_int(reader, 2);
    if (first == 253)
        return binlog_wire_int(reader, 3);
    if (first == 254)
        return binlog_wire_int(reader, 8);
    reader->overrun = true;
    return 0;
}

uint64_t
binlog_wire_varint(Reader *reader)
{
    uint8_t first = reader_u8(reader);
    unsigned more = 0;

    while (more < 8 && (first >> more & 1) != 0)
        more++;
    if (more == 8)
        return binlog_wire_int(reader, 8);
    /* what the first byte has above its mark are the lowest bits */
    return (binlog_wire_int(reader, more) << (7 - more)) | (uint64_t)(first >> (more + 1));
}

int64_t
binlog_wire_signed_varint(Reader *reader)
{
    uint64_t value = binlog_wire_varint(reader);
    int64_t half = (int64_t)(value >> 1);

    return (value & 1) != 0 ? -half - 1 : half;
}

Text
binlog_wire_text(Reader *reader)
{
    return reader_bytes(reader, binlog_wire_length(reader));
}

Text
binlog_wire_rest(Reader *reader)
{
    return reader_bytes(reader, reader->len - reader->at);
}

bool
binlog_event_fail(const BinlogEvent *event, size_t at, const char *reason, Error *err)
{
    char buffer[16];

    return error_set(err, ERR_SOURCE, "%s event, byte %zu: %s",
        binlog_type_name(event->type, buffer), BINLOG_HEADER_SIZE + at, reason);
}

Reader
binlog_event_reader(const BinlogEvent *event)
{
    return reader_of(event->body.data, event->body.len);
}

bool
binlog_event_check(const BinlogEvent *event, const Reader *reader, Error *err)
{
    if (!reader->overrun)
        return true;
    return binlog_event_fail(event, reader->at, "the event ends early, or a length is wrong", err);
}
