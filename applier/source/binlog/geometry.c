#include "source/binlog/geometry.h"

#include "source/binlog/digits.h"

#define SRID_FLAG  UINT32_C(0x20000000)
#define MAX_DEPTH  64
#define POINT_SIZE 16

enum {
    KIND_POINT = 1,
    KIND_LINESTRING = 2,
    KIND_POLYGON = 3,
    KIND_MULTIPOINT = 4,
    KIND_COLLECTION = 7,
};

typedef struct Walk {
    Reader reader;
    char *to;
    bool big_endian; /* of the geometry that was begun last: nothing of its holder follows */
    unsigned depth;
} Walk;

size_t
binlog_geometry_room(size_t len)
{
    return 2 * len + 16;
}

static void
put_u32(Walk *walk, uint32_t number)
{
    uint8_t bytes[4] = {
        (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), (uint8_t)(number >> 24)};

    walk->to = binlog_print_hex(walk->to, (Text){(const char *)bytes, sizeof(bytes)});
}

static uint32_t
take_u32(Walk *walk)
{
    Text bytes = reader_bytes(&walk->reader, 4);
    const uint8_t *at = (const uint8_t *)bytes.data;

    if (bytes.len < 4)
        return 0;
    return (uint32_t)(walk->big_endian ? binlog_read_be(at, 4) : binlog_read_le(at, 4));
}

static bool
ends_early(const Walk *walk, Error *err)
{
    return error_set(
        err, ERR_DATA, "a geometry of %zu bytes that ends too early", walk->reader.len);
}

static bool
copy_points(Walk *walk, uint32_t count, Error *err)
{
    Text points = reader_bytes(&walk->reader, (size_t)count * POINT_SIZE);

    if (walk->reader.overrun)
        return ends_early(walk, err);
    if (!walk->big_endian) {
        walk->to = binlog_print_hex(walk->to, points);
        return true;
    }
    for (size_t at = 0; at < points.len; at += 8) {
        char turned[8];

        for (size_t i = 0; i < 8; i++)
            turned[i] = points.data[at + 7 - i];
        walk->to = binlog_print_hex(walk->to, (Text){turned, 8});
    }
    return true;
}

/* A count, and that it was read. */
static bool
copy_count(Walk *walk, uint32_t *ret_count, Error *err)
{
    *ret_count = take_u32(walk);
    if (walk->reader.overrun)
        return ends_early(walk, err);
    put_u32(walk, *ret_count);
    return true;
}

static bool
copy_rings(Walk *walk, Error *err)
{
    uint32_t rings;
    uint32_t points;

    if (!copy_count(walk, &rings, err))
        return false;
    for (; rings > 0; rings--)
        if (!copy_count(walk, &points, err) || !copy_points(walk, points, err))
            return false;
    return true;
}

static bool copy_geometry(Walk *walk, uint32_t srid, Error *err);

static bool
copy_members(Walk *walk, Error *err)
{
    uint32_t count;

    if (!copy_count(walk, &count, err))
        return false;
    if (++walk->depth > MAX_DEPTH)
        return error_set(err, ERR_DATA, "a geometry with more than %d in each other", MAX_DEPTH);
    for (; count > 0; count--)
        if (!copy_geometry(walk, 0, err))
            return false;
    walk->depth--;
    return true;
}

/* From its byte order on. */
static bool
copy_geometry(Walk *walk, uint32_t srid, Error *err)
{
    uint8_t order = reader_u8(&walk->reader);
    uint32_t count = 1;
    uint32_t kind;
    bool done;

    walk->big_endian = order == 0;
    kind = take_u32(walk);
    if (walk->reader.overrun)
        return ends_early(walk, err);
    if (order > 1)
        return error_set(err, ERR_DATA, "a geometry with the byte order %u", order);
    if (kind < KIND_POINT || kind > KIND_COLLECTION)
        return error_set(err, ERR_DATA, "a geometry of kind %u", (unsigned)kind);
    *walk->to++ = '0';
    *walk->to++ = '1';
    put_u32(walk, srid == 0 ? kind : kind | SRID_FLAG);
    if (srid != 0)
        put_u32(walk, srid);
    if (kind == KIND_POLYGON)
        done = copy_rings(walk, err);
    else if (kind >= KIND_MULTIPOINT)
        done = copy_members(walk, err);
    else
        done =
            (kind == KIND_POINT || copy_count(walk, &count, err)) && copy_points(walk, count, err);
    return done;
}

bool
binlog_geometry_print(Text stored, char **to, Error *err)
{
    Walk walk = {.reader = reader_of(stored.data, stored.len), .to = *to};
    uint32_t srid = take_u32(&walk);

    if (stored.len == 0)
        return error_set(err, ERR_DATA,
            "a geometry of no bytes, as rows have in a column that was "
            "added to them without a default: give them a value in the source");
    if (!copy_geometry(&walk, srid, err))
        return false;
    if (walk.reader.at != stored.len)
        return error_set(err, ERR_DATA, "a geometry of %zu bytes with %zu more behind its end",
            stored.len, stored.len - walk.reader.at);
    *to = walk.to;
    return true;
}
