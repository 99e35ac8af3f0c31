#include "source/binlog/payload.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zstd.h>

#include "source/binlog/wire.h"

/* Bytes taken out of the stream at once; and what is kept for the next event. */
#define PIECE_SIZE ((size_t)128 * 1024)
#define KEEP_SIZE  ((size_t)1024 * 1024)
/* No server writes a larger event (max_allowed_packet is at most 1 GiB, and a row's header). */
#define EVENT_MAX (UINT32_C(1) << 30 | UINT32_C(1) << 20)

enum { FIELD_END = 0, FIELD_SIZE = 1, FIELD_COMPRESSION = 2, FIELD_UNPACKED_SIZE = 3 };
enum { COMPRESSION_ZSTD = 0, COMPRESSION_NONE = 255 };

struct BinlogPayload {
    ZSTD_DCtx *stream; /* NULL: not compressed */
    ZSTD_inBuffer in;
    uint64_t unpacked_size; /* as the event says */
    uint64_t taken;         /* bytes unpacked so far */
    bool is_frame_open;     /* the stream stands within a frame */
    Buf bytes;              /* unpacked; from start on not handed out */
    size_t start;
    size_t number; /* of the event that is read next, from 0 */
};

typedef struct PayloadFields {
    uint64_t size;
    uint64_t compression;
    uint64_t unpacked_size;
    bool has_size;
} PayloadFields;

static bool
read_fields(const BinlogEvent *event, Reader *reader, PayloadFields *fields, Error *err)
{
    while (!reader->overrun) {
        uint64_t kind = binlog_wire_length(reader);
        Text bytes;
        Reader field;
        uint64_t value;

        if (kind == FIELD_END)
            break;
        bytes = binlog_wire_text(reader);
        field = reader_of(bytes.data, bytes.len);
        if (kind > FIELD_UNPACKED_SIZE) /* of a later version */
            continue;
        value = binlog_wire_length(&field);
        if (field.overrun)
            return binlog_event_fail(event, reader->at, "a field is no number", err);
        if (kind == FIELD_SIZE) {
            fields->size = value;
            fields->has_size = true;
        } else if (kind == FIELD_COMPRESSION) {
            fields->compression = value;
        } else {
            fields->unpacked_size = value;
        }
    }
    if (!binlog_event_check(event, reader, err))
        return false;
    if (!fields->has_size)
        return binlog_event_fail(event, reader->at, "the payload's size is missing", err);
    return true;
}

BinlogPayload *
binlog_payload_open(const BinlogEvent *event, Error *err)
{
    Reader reader = binlog_event_reader(event);
    PayloadFields fields = {.compression = COMPRESSION_NONE};
    BinlogPayload *payload;
    Text packed;

    if (!read_fields(event, &reader, &fields, err))
        return NULL;
    packed = reader_bytes(&reader, fields.size);
    if (!binlog_event_check(event, &reader, err))
        return NULL;
    if (fields.compression != COMPRESSION_ZSTD && fields.compression != COMPRESSION_NONE) {
        (void)binlog_event_fail(
            event, 0, "compressed in a way that is not known (zstd and none are)", err);
        return NULL;
    }
    payload = calloc(1, sizeof(*payload));
    if (payload == NULL)
        abort();
    payload->in = (ZSTD_inBuffer){packed.data, packed.len, 0};
    payload->unpacked_size =
        fields.compression == COMPRESSION_NONE ? packed.len : fields.unpacked_size;
    if (fields.compression == COMPRESSION_ZSTD) {
        payload->stream = ZSTD_createDCtx();
        if (payload->stream == NULL)
            abort();
    }
    return payload;
}

void
binlog_payload_close(BinlogPayload *payload)
{
    if (payload == NULL)
        return;
    (void)ZSTD_freeDCtx(payload->stream);
    buf_clear(&payload->bytes);
    free(payload);
}

static size_t
copy_plain(BinlogPayload *payload, char *to, size_t len)
{
    size_t taken = MIN(len, payload->in.size - payload->in.pos);

    if (taken > 0)
        memcpy(to, (const char *)payload->in.src + payload->in.pos, taken);
    payload->in.pos += taken;
    return taken;
}

/* Some more bytes; *ret_end where there are none. */
static bool
unpack_piece(BinlogPayload *payload, bool *ret_end, Error *err)
{
    char *to = buf_reserve(&payload->bytes, PIECE_SIZE);
    ZSTD_outBuffer out = {to, PIECE_SIZE, 0};
    size_t code = 0;

    if (payload->stream == NULL)
        out.pos = copy_plain(payload, to, PIECE_SIZE);
    else if (payload->is_frame_open || payload->in.pos < payload->in.size)
        code = ZSTD_decompressStream(payload->stream, &out, &payload->in);
    if (ZSTD_isError(code))
        return error_set(err, ERR_SOURCE, "byte %zu of the compressed ones: %s", payload->in.pos,
            ZSTD_getErrorName(code));
    payload->is_frame_open = code != 0;
    buf_grown(&payload->bytes, out.pos);
    payload->taken += out.pos;
    if (payload->taken > payload->unpacked_size)
        return error_set(err, ERR_SOURCE, "unpacks to more than the %" PRIu64 " bytes it says",
            payload->unpacked_size);
    *ret_end = out.pos == 0 && payload->in.pos == payload->in.size;
    return true;
}

static size_t
bytes_left(const BinlogPayload *payload)
{
    return payload->bytes.len - payload->start;
}

/* Unpack until len bytes are there, or the end. */
static bool
fill(BinlogPayload *payload, size_t len, Error *err)
{
    bool end = false;

    while (bytes_left(payload) < len && !end)
        if (!unpack_piece(payload, &end, err))
            return false;
    return true;
}

/* What was handed out goes; the rest, which is less than an event, moves to the front. */
static void
drop_handed_out(BinlogPayload *payload)
{
    size_t left = bytes_left(payload);

    if (payload->start == 0 || payload->bytes.data == NULL)
        return;
    if (left == 0) {
        buf_reset(&payload->bytes, KEEP_SIZE);
    } else {
        memmove(payload->bytes.data, payload->bytes.data + payload->start, left);
        payload->bytes.len = left;
    }
    payload->start = 0;
}

static bool
check_end(const BinlogPayload *payload, Error *err)
{
    if (payload->is_frame_open)
        return error_set(err, ERR_SOURCE, "the compressed bytes end early");
    if (bytes_left(payload) > 0)
        return error_set(err, ERR_SOURCE, "ends within the header of an event");
    if (payload->taken != payload->unpacked_size)
        return error_set(err, ERR_SOURCE,
            "unpacks to %" PRIu64 " bytes, not to the %" PRIu64 " it says", payload->taken,
            payload->unpacked_size);
    return true;
}

static bool
read_next(BinlogPayload *payload, BinlogEvent *ret_event, bool *ret_end, Error *err)
{
    /* as in a file without checksums */
    static const BinlogFormat format = {.server_version = "payload"};
    uint32_t size;

    if (bytes_left(payload) < BINLOG_HEADER_SIZE) {
        drop_handed_out(payload);
        if (!fill(payload, BINLOG_HEADER_SIZE, err))
            return false;
    }
    if (bytes_left(payload) < BINLOG_HEADER_SIZE) {
        *ret_end = true;
        return check_end(payload, err);
    }
    size = binlog_event_size((Text){payload->bytes.data + payload->start, BINLOG_HEADER_SIZE});
    if (size < BINLOG_HEADER_SIZE || size > EVENT_MAX)
        return error_set(err, ERR_SOURCE, "its header says %" PRIu32 " bytes", size);
    if (bytes_left(payload) < size) {
        drop_handed_out(payload);
        if (!fill(payload, size, err))
            return false;
    }
    if (bytes_left(payload) < size)
        return error_set(err, ERR_SOURCE, "its header says %" PRIu32 " bytes, %zu are left", size,
            bytes_left(payload));
    if (!binlog_event_read(
            &format, (Text){payload->bytes.data + payload->start, size}, ret_event, err))
        return false;
    payload->start += size;
    *ret_end = false;
    return true;
}

bool
binlog_payload_next(BinlogPayload *payload, BinlogEvent *ret_event, bool *ret_end, Error *err)
{
    if (!read_next(payload, ret_event, ret_end, err))
        return error_wrap(err, "TRANSACTION_PAYLOAD, event %zu in it", payload->number);
    payload->number++;
    return true;
}
