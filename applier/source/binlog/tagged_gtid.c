#include "source/binlog/tagged_gtid.h"

#include "base/clock.h"
#include "source/binlog/wire.h"

/* The longest tag (MySQL reference manual, "GTID Format and Storage"). */
#define TAG_MAX 32

enum {
    FIELD_FLAGS,
    FIELD_SOURCE,
    FIELD_NUMBER,
    FIELD_TAG,
    FIELD_LAST_COMMITTED,
    FIELD_SEQUENCE,
    FIELD_IMMEDIATE_TIME,
    FIELD_ORIGINAL_TIME,
    FIELD_COUNT = 12, /* that are known */
};

static bool
read_source(Reader *reader, BinlogMysqlGtid *gtid)
{
    for (size_t i = 0; i < sizeof(gtid->source); i++) {
        uint64_t byte = binlog_wire_varint(reader);

        if (byte > UINT8_MAX)
            return false;
        gtid->source[i] = (uint8_t)byte;
    }
    return true;
}

/* False: the value is none. */
static bool
read_field(Reader *reader, uint64_t field, BinlogMysqlGtid *gtid)
{
    if (field == FIELD_SOURCE)
        return read_source(reader, gtid);
    if (field == FIELD_NUMBER) {
        gtid->number = (uint64_t)binlog_wire_signed_varint(reader);
        return gtid->number > 0 && gtid->number <= INT64_MAX;
    }
    if (field == FIELD_TAG) {
        gtid->tag = reader_bytes(reader, binlog_wire_varint(reader));
        return gtid->tag.len <= TAG_MAX;
    }
    if (field == FIELD_IMMEDIATE_TIME || field == FIELD_ORIGINAL_TIME)
        gtid->commit_time_us = (int64_t)(binlog_wire_varint(reader) & INT64_MAX);
    else
        (void)binlog_wire_varint(reader);
    return true;
}

bool
binlog_read_tagged_gtid(const BinlogEvent *event, BinlogMysqlGtid *ret, Error *err)
{
    Reader reader = binlog_event_reader(event);
    BinlogMysqlGtid gtid = {.tag = TEXT(""), .commit_time_us = TIME_UNKNOWN};
    uint64_t version = binlog_wire_varint(&reader);
    uint64_t size = binlog_wire_varint(&reader);
    uint64_t last_needed = binlog_wire_varint(&reader);
    unsigned seen = 0;

    if (!binlog_event_check(event, &reader, err))
        return false;
    /* the last needed one is told as its number and one */
    if (version != 1 || last_needed > FIELD_COUNT)
        return binlog_event_fail(
            event, 0, "written by a later version of the server than is known", err);
    if (size != event->body.len)
        return binlog_event_fail(event, 1, "the size is not the event's", err);
    while (reader.at < reader.len) {
        size_t at = reader.at;
        uint64_t field = binlog_wire_varint(&reader);

        if (field >= FIELD_COUNT) /* of a later version, and of no importance */
            break;
        if (!read_field(&reader, field, &gtid) && !reader.overrun)
            return binlog_event_fail(event, at, "a field's value is out of range", err);
        if (!binlog_event_check(event, &reader, err))
            return false;
        seen |= 1U << field;
    }
    if ((seen & 1U << FIELD_SOURCE) == 0 || (seen & 1U << FIELD_NUMBER) == 0)
        return binlog_event_fail(event, reader.at, "source or number is missing", err);
    *ret = gtid;
    return true;
}
