#include "source/binlog/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <zlib.h>

#include "base/clock.h"
#include "source/binlog/compress.h"
#include "source/binlog/tagged_gtid.h"
#include "source/binlog/wire.h"

#define CHECKSUM_SIZE 4
/* FORMAT_DESCRIPTION: version, server version, time, header size */
#define FORMAT_FIXED_SIZE 57
/* The longest gtrid and the longest bqual (XA specification, XIDDATASIZE is both). */
#define XID_PART_MAX 64
/* Of sql_mode. */
#define SQL_MODE_ANSI_QUOTES 4

enum { CHECKSUM_NONE = 0, CHECKSUM_CRC32 = 1 };

static const char *const type_names[256] = {
    [BINLOG_QUERY] = "QUERY",
    [BINLOG_STOP] = "STOP",
    [BINLOG_ROTATE] = "ROTATE",
    [BINLOG_INTVAR] = "INTVAR",
    [BINLOG_RAND] = "RAND",
    [BINLOG_USER_VAR] = "USER_VAR",
    [BINLOG_FORMAT_DESCRIPTION] = "FORMAT_DESCRIPTION",
    [BINLOG_XID] = "XID",
    [BINLOG_BEGIN_LOAD_QUERY] = "BEGIN_LOAD_QUERY",
    [BINLOG_EXECUTE_LOAD_QUERY] = "EXECUTE_LOAD_QUERY",
    [BINLOG_TABLE_MAP] = "TABLE_MAP",
    [BINLOG_WRITE_ROWS_V1] = "WRITE_ROWS_V1",
    [BINLOG_UPDATE_ROWS_V1] = "UPDATE_ROWS_V1",
    [BINLOG_DELETE_ROWS_V1] = "DELETE_ROWS_V1",
    [BINLOG_INCIDENT] = "INCIDENT",
    [BINLOG_HEARTBEAT] = "HEARTBEAT",
    [BINLOG_IGNORABLE] = "IGNORABLE",
    [BINLOG_ROWS_QUERY] = "ROWS_QUERY",
    [BINLOG_WRITE_ROWS] = "WRITE_ROWS",
    [BINLOG_UPDATE_ROWS] = "UPDATE_ROWS",
    [BINLOG_DELETE_ROWS] = "DELETE_ROWS",
    [BINLOG_GTID] = "GTID",
    [BINLOG_ANONYMOUS_GTID] = "ANONYMOUS_GTID",
    [BINLOG_PREVIOUS_GTIDS] = "PREVIOUS_GTIDS",
    [BINLOG_TRANSACTION_CONTEXT] = "TRANSACTION_CONTEXT",
    [BINLOG_VIEW_CHANGE] = "VIEW_CHANGE",
    [BINLOG_XA_PREPARE] = "XA_PREPARE",
    [BINLOG_PARTIAL_UPDATE_ROWS] = "PARTIAL_UPDATE_ROWS",
    [BINLOG_TRANSACTION_PAYLOAD] = "TRANSACTION_PAYLOAD",
    [BINLOG_HEARTBEAT_V2] = "HEARTBEAT_V2",
    [BINLOG_GTID_TAGGED] = "GTID_TAGGED",
    [BINLOG_ANNOTATE_ROWS] = "ANNOTATE_ROWS",
    [BINLOG_CHECKPOINT] = "CHECKPOINT",
    [BINLOG_MARIADB_GTID] = "MARIADB_GTID",
    [BINLOG_GTID_LIST] = "GTID_LIST",
    [BINLOG_START_ENCRYPTION] = "START_ENCRYPTION",
    [BINLOG_QUERY_COMPRESSED] = "QUERY_COMPRESSED",
    [BINLOG_WRITE_ROWS_COMPRESSED_V1] = "WRITE_ROWS_COMPRESSED_V1",
    [BINLOG_UPDATE_ROWS_COMPRESSED_V1] = "UPDATE_ROWS_COMPRESSED_V1",
    [BINLOG_DELETE_ROWS_COMPRESSED_V1] = "DELETE_ROWS_COMPRESSED_V1",
    [BINLOG_WRITE_ROWS_COMPRESSED] = "WRITE_ROWS_COMPRESSED",
    [BINLOG_UPDATE_ROWS_COMPRESSED] = "UPDATE_ROWS_COMPRESSED",
    [BINLOG_DELETE_ROWS_COMPRESSED] = "DELETE_ROWS_COMPRESSED",
};

const char *
binlog_type_name(unsigned type, char buffer[16])
{
    if (type < ARRAY_LEN(type_names) && type_names[type] != NULL)
        return type_names[type];
    (void)snprintf(buffer, 16, "type %u", type);
    return buffer;
}

uint32_t
binlog_event_size(Text header)
{
    Reader reader = reader_of(header.data, header.len);

    (void)reader_bytes(&reader, 9);
    return (uint32_t)binlog_wire_int(&reader, 4);
}

/* Of all bytes but the last four. */
static uint32_t
checksum(Text bytes, unsigned type)
{
    const Bytef *data = (const Bytef *)bytes.data;
    size_t len = bytes.len - CHECKSUM_SIZE;
    Bytef flags;
    uLong crc;

    if (type != BINLOG_FORMAT_DESCRIPTION)
        return (uint32_t)crc32_z(0, data, len);
    /* the flag is set and taken away in the file without a new checksum */
    flags = (Bytef)(data[17] & ~(unsigned)BINLOG_FLAG_IN_USE);
    crc = crc32_z(0, data, 17);
    crc = crc32_z(crc, &flags, 1);
    return (uint32_t)crc32_z(crc, data + 18, len - 18);
}

/* Does the event have a checksum, and is it to be checked? */
static bool
wants_checksum(
    const BinlogFormat *format, const BinlogEvent *event, Text bytes, bool *ret_is_checked)
{
    size_t least = event->type == BINLOG_FORMAT_DESCRIPTION ? CHECKSUM_SIZE + 1 : CHECKSUM_SIZE;
    Reader end = reader_of(bytes.data + bytes.len - CHECKSUM_SIZE, CHECKSUM_SIZE);

    *ret_is_checked = format->has_checksum;
    if (event->type == BINLOG_FORMAT_DESCRIPTION) {
        *ret_is_checked = bytes.len >= BINLOG_HEADER_SIZE + least &&
                          bytes.data[bytes.len - least] == CHECKSUM_CRC32;
        return true;
    }
    if (format->server_version[0] != '\0' || format->has_checksum)
        return format->has_checksum;
    return bytes.len >= BINLOG_HEADER_SIZE + least &&
           binlog_wire_int(&end, CHECKSUM_SIZE) == checksum(bytes, event->type);
}

static bool
take_checksum(const BinlogFormat *format, Text bytes, BinlogEvent *event, Error *err)
{
    Reader end = reader_of(bytes.data + bytes.len - CHECKSUM_SIZE, CHECKSUM_SIZE);
    uint32_t told = (uint32_t)binlog_wire_int(&end, CHECKSUM_SIZE);
    bool is_checked = false;
    char buffer[16];

    if (!wants_checksum(format, event, bytes, &is_checked))
        return true;
    if (event->body.len < CHECKSUM_SIZE)
        return binlog_event_fail(event, event->body.len, "no room for the checksum", err);
    event->body.len -= CHECKSUM_SIZE;
    if (is_checked && told != checksum(bytes, event->type))
        return error_set_retriable(err, ERR_SOURCE,
            "%s event of %zu bytes: wrong checksum %08" PRIx32 ", the bytes give %08" PRIx32,
            binlog_type_name(event->type, buffer), bytes.len, told, checksum(bytes, event->type));
    return true;
}

static BinlogEvent
read_header(Text bytes)
{
    Reader reader = reader_of(bytes.data, bytes.len);
    BinlogEvent event = {0};

    event.time = (uint32_t)binlog_wire_int(&reader, 4);
    event.type = reader_u8(&reader);
    event.server_id = (uint32_t)binlog_wire_int(&reader, 4);
    event.size = (uint32_t)binlog_wire_int(&reader, 4);
    event.end_offset = (uint32_t)binlog_wire_int(&reader, 4);
    event.flags = (unsigned)binlog_wire_int(&reader, 2);
    event.body = binlog_wire_rest(&reader);
    return event;
}

bool
binlog_event_read(const BinlogFormat *format, Text bytes, BinlogEvent *ret_event, Error *err)
{
    char buffer[16];
    BinlogEvent event;

    if (bytes.len < BINLOG_HEADER_SIZE)
        return error_set(err, ERR_SOURCE, "an event of %zu bytes has no room for its header of %d",
            bytes.len, BINLOG_HEADER_SIZE);
    event = read_header(bytes);
    if (event.size != bytes.len)
        return error_set(err, ERR_SOURCE, "%s event: its header says %" PRIu32 " bytes, it has %zu",
            binlog_type_name(event.type, buffer), event.size, bytes.len);
    if (!take_checksum(format, bytes, &event, err))
        return false;
    *ret_event = event;
    return true;
}

static bool
contains_nocase(Text text, const char *piece)
{
    size_t len = strlen(piece);

    for (size_t at = 0; at + len <= text.len; at++)
        if (text_equal_nocase((Text){text.data + at, len}, (Text){piece, len}))
            return true;
    return false;
}

bool
binlog_read_format(const BinlogEvent *event, BinlogFormat *ret_format, Error *err)
{
    Reader reader = binlog_event_reader(event);
    unsigned version = (unsigned)binlog_wire_int(&reader, 2);
    Text server = reader_bytes(&reader, 50);
    BinlogFormat format = {0};
    uint8_t header_size;
    uint8_t algorithm;
    Text lengths;

    (void)reader_bytes(&reader, 4);
    header_size = reader_u8(&reader);
    if (event->body.len < FORMAT_FIXED_SIZE + 1)
        return binlog_event_fail(event, event->body.len, "the event ends early", err);
    lengths = reader_bytes(&reader, event->body.len - FORMAT_FIXED_SIZE - 1);
    algorithm = reader_u8(&reader);
    if (version != 4 || header_size != BINLOG_HEADER_SIZE)
        return error_set(err, ERR_SOURCE,
            "the log has version %u and headers of %u bytes: only version 4 with %d is known",
            version, header_size, BINLOG_HEADER_SIZE);
    if (algorithm != CHECKSUM_NONE && algorithm != CHECKSUM_CRC32)
        return error_set(err, ERR_SOURCE,
            "the log's checksum algorithm %u is not known; set binlog_checksum to CRC32 or NONE",
            algorithm);
    server.len = text_find(server, '\0');
    memcpy(format.server_version, server.data, server.len);
    format.is_mariadb = contains_nocase(server, "MariaDB");
    format.has_checksum = algorithm == CHECKSUM_CRC32;
    for (size_t i = 0; i < lengths.len && i + 1 < ARRAY_LEN(format.post_header); i++)
        format.post_header[i + 1] = (uint8_t)lengths.data[i];
    *ret_format = format;
    return true;
}

bool
binlog_read_rotate(const BinlogEvent *event, BinlogRotate *ret, Error *err)
{
    Reader reader = binlog_event_reader(event);
    BinlogRotate rotate;

    rotate.offset = binlog_wire_int(&reader, 8);
    rotate.file = binlog_wire_rest(&reader);
    if (!binlog_event_check(event, &reader, err))
        return false;
    if (rotate.file.len == 0 || rotate.file.len > 512 ||
        text_find(rotate.file, '\0') < rotate.file.len)
        return binlog_event_fail(event, 8, "no name of a file", err);
    *ret = rotate;
    return true;
}

bool
binlog_read_mariadb_gtid(const BinlogEvent *event, BinlogMariadbGtid *ret, Error *err)
{
    Reader reader = binlog_event_reader(event);
    BinlogMariadbGtid gtid = {.xid = {0, TEXT(""), TEXT("")}};

    gtid.sequence = binlog_wire_int(&reader, 8);
    gtid.domain = (uint32_t)binlog_wire_int(&reader, 4);
    gtid.flags = reader_u8(&reader);
    if ((gtid.flags & MARIADB_GTID_COMMIT_ID) != 0)
        (void)reader_bytes(&reader, 8);
    if ((gtid.flags & (MARIADB_GTID_PREPARED_XA | MARIADB_GTID_COMPLETED_XA)) != 0) {
        size_t gtrid_len;
        size_t bqual_len;

        gtid.xid.format = (uint32_t)binlog_wire_int(&reader, 4);
        gtrid_len = reader_u8(&reader);
        bqual_len = reader_u8(&reader);
        if (gtrid_len > XID_PART_MAX || bqual_len > XID_PART_MAX)
            return binlog_event_fail(
                event, reader.at, "the name of an XA transaction is too long", err);
        gtid.xid.gtrid = reader_bytes(&reader, gtrid_len);
        gtid.xid.bqual = reader_bytes(&reader, bqual_len);
    }
    if (!binlog_event_check(event, &reader, err))
        return false;
    if (reader.at < reader.len) {
        uint8_t more = reader_u8(&reader);

        gtid.alter_starts = (more & 0x02) != 0;
        gtid.alter_fails = (more & 0x08) != 0;
    }
    *ret = gtid;
    return true;
}

/* Fields of HEARTBEAT_V2 until the one of kind 0. */
static bool
read_heartbeat_fields(const BinlogEvent *event, BinlogHeartbeat *heartbeat, Error *err)
{
    Reader reader = binlog_event_reader(event);

    while (!reader.overrun) {
        uint8_t kind = reader_u8(&reader);
        Text bytes;
        Reader field;

        if (reader.overrun || kind == 0)
            break;
        bytes = binlog_wire_text(&reader);
        field = reader_of(bytes.data, bytes.len);
        if (kind == 1)
            heartbeat->file = bytes;
        else if (kind == 2)
            heartbeat->offset = binlog_wire_length(&field);
        if (field.overrun)
            return binlog_event_fail(event, reader.at, "the offset is no number", err);
    }
    return binlog_event_check(event, &reader, err);
}

bool
binlog_read_heartbeat(const BinlogEvent *event, BinlogHeartbeat *ret, Error *err)
{
    BinlogHeartbeat heartbeat = {.file = event->body, .offset = event->end_offset};

    if (event->type == BINLOG_HEARTBEAT_V2) {
        heartbeat = (BinlogHeartbeat){.file = TEXT("")};
        if (!read_heartbeat_fields(event, &heartbeat, err))
            return false;
    }
    *ret = heartbeat;
    return true;
}

bool
binlog_read_xa_prepare(const BinlogEvent *event, BinlogXaPrepare *ret, Error *err)
{
    Reader reader = binlog_event_reader(event);
    BinlogXaPrepare prepare;
    size_t gtrid_len;
    size_t bqual_len;

    prepare.one_phase = reader_u8(&reader) != 0;
    prepare.xid.format = (uint32_t)binlog_wire_int(&reader, 4);
    gtrid_len = binlog_wire_int(&reader, 4);
    bqual_len = binlog_wire_int(&reader, 4);
    if (gtrid_len > XID_PART_MAX || bqual_len > XID_PART_MAX)
        return binlog_event_fail(
            event, reader.at, "the name of an XA transaction is too long", err);
    prepare.xid.gtrid = reader_bytes(&reader, gtrid_len);
    prepare.xid.bqual = reader_bytes(&reader, bqual_len);
    if (!binlog_event_check(event, &reader, err))
        return false;
    *ret = prepare;
    return true;
}

bool
binlog_read_incident(const BinlogEvent *event, Text *ret_message, Error *err)
{
    Reader reader = binlog_event_reader(event);
    Text message;

    (void)binlog_wire_int(&reader, 2);
    message = reader_bytes(&reader, reader_u8(&reader));
    if (!binlog_event_check(event, &reader, err))
        return false;
    *ret_message = message;
    return true;
}

/* Bytes of a status variable of QUERY; false: not known, or it ends early. */
static bool
pass_status_variable(Reader *reader, uint8_t code)
{
    /* 0: another rule, or not known */
    static const uint8_t sizes[256] = {
        [0] = 4,
        [1] = 8,
        [3] = 4,
        [4] = 6,
        [7] = 2,
        [8] = 2,
        [9] = 8,
        [10] = 4,
        [13] = 3,
    };

    if (code == 2) /* catalog, with a NUL */
        (void)reader_bytes(reader, (size_t)reader_u8(reader) + 1);
    else if (code == 5 || code == 6 || code == 11) /* time zone, catalog, user and host */
        (void)reader_bytes(reader, reader_u8(reader));
    else if (sizes[code] > 0)
        (void)reader_bytes(reader, sizes[code]);
    else
        return false;
    if (code == 11)
        (void)reader_bytes(reader, reader_u8(reader));
    return !reader->overrun;
}

/* Servers write those that are read here first; reading ends at one that is not known. */
static void
read_status_variables(Text variables, BinlogQuery *query)
{
    Reader reader = reader_of(variables.data, variables.len);

    while (reader.at < reader.len) {
        uint8_t code = reader_u8(&reader);
        Reader value = reader;

        if (!pass_status_variable(&reader, code))
            return;
        if (code == 1)
            query->ansi_quotes = (binlog_wire_int(&value, 8) & SQL_MODE_ANSI_QUOTES) != 0;
        else if (code == 4)
            query->charset = (unsigned)binlog_wire_int(&value, 2);
    }
}

bool
binlog_read_query(const BinlogFormat *format, const BinlogEvent *event, Buf *scratch,
    BinlogQuery *ret, Error *err)
{
    Reader reader = binlog_event_reader(event);
    size_t fixed = format->post_header[BINLOG_QUERY];
    BinlogQuery query = {0};
    size_t schema_len;
    Text variables;

    (void)reader_bytes(&reader, 8);
    schema_len = reader_u8(&reader);
    query.error = (unsigned)binlog_wire_int(&reader, 2);
    variables.len = binlog_wire_int(&reader, 2);
    if (fixed > reader.at) /* of a later version */
        (void)reader_bytes(&reader, fixed - reader.at);
    variables = reader_bytes(&reader, variables.len);
    query.schema = reader_bytes(&reader, schema_len);
    (void)reader_bytes(&reader, 1);
    query.statement = binlog_wire_rest(&reader);
    if (!binlog_event_check(event, &reader, err))
        return false;
    read_status_variables(variables, &query);
    if (event->type == BINLOG_QUERY_COMPRESSED) {
        scratch->len = 0;
        if (!binlog_uncompress_event(query.statement, scratch, err))
            return error_wrap(err, "QUERY_COMPRESSED event");
        query.statement = buf_text(scratch);
    }
    *ret = query;
    return true;
}

/* Microseconds of 7 bytes, whose highest bit says that another time follows. */
static bool
read_commit_time(Reader *reader, int64_t *ret_time)
{
    uint64_t time = binlog_wire_int(reader, 7);

    *ret_time = (int64_t)(time & ((UINT64_C(1) << 55) - 1));
    return (time >> 55) != 0;
}

bool
binlog_read_mysql_gtid(const BinlogEvent *event, BinlogMysqlGtid *ret, Error *err)
{
    Reader reader = binlog_event_reader(event);
    BinlogMysqlGtid gtid = {.tag = TEXT(""), .commit_time_us = TIME_UNKNOWN};
    Text source;

    if (event->type == BINLOG_GTID_TAGGED)
        return binlog_read_tagged_gtid(event, ret, err);
    (void)reader_u8(&reader);
    source = reader_bytes(&reader, sizeof(gtid.source));
    gtid.number = binlog_wire_int(&reader, 8);
    if (!binlog_event_check(event, &reader, err))
        return false;
    memcpy(gtid.source, source.data, sizeof(gtid.source));
    if (event->type == BINLOG_ANONYMOUS_GTID)
        gtid.number = 0;
    else if (gtid.number == 0 || gtid.number > INT64_MAX)
        return binlog_event_fail(event, 17, "the transaction's number is out of range", err);
    /* times came with MySQL 8 */
    (void)reader_bytes(&reader, 17);
    if (reader.len - reader.at >= 7 && read_commit_time(&reader, &gtid.commit_time_us))
        (void)read_commit_time(&reader, &gtid.commit_time_us);
    if (!binlog_event_check(event, &reader, err))
        return false;
    *ret = gtid;
    return true;
}
