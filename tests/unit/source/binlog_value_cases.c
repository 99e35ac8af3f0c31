#include "binlog_value_cases.h"

#include <inttypes.h>

#include "binlog_random.h"

static unsigned
below(uint64_t *random, unsigned limit)
{
    return (unsigned)(next_random(random) >> 20) % limit;
}

/* size bits, signed. */
static void
add_integer(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    unsigned unused = 64 - value_case->size;
    int64_t min = INT64_MIN >> unused;
    int64_t max = INT64_MAX >> unused;
    int64_t any = (int64_t)next_random(random) >> (unused + below(random, value_case->size));
    const int64_t limits[] = {min, max, 0, -1, 1, 9, 10, 99, 100, -10};

    if (number < ARRAY_LEN(limits))
        any = limits[number];
    buf_addf(sql, "%" PRId64, any);
}

static void
add_unsigned(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    unsigned unused = 64 - value_case->size;
    uint64_t any = next_random(random) >> (unused + below(random, value_case->size));

    if (number == 0)
        any = UINT64_MAX >> unused;
    else if (number == 1)
        any = 0;
    buf_addf(sql, "%" PRIu64, any);
}

static void
add_digits(Buf *sql, unsigned count, uint64_t *random)
{
    for (; count > 0; count--)
        buf_add_char(sql, (char)('0' + below(random, 10)));
}

static void
add_decimal(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    unsigned whole = value_case->size - value_case->decimals;

    if (number % 2 != 0)
        buf_add_char(sql, '-');
    if (number < 2) {
        for (unsigned i = 0; i < value_case->size; i++) {
            if (i == whole)
                buf_add_char(sql, '.');
            buf_add_char(sql, '9');
        }
        return;
    }
    buf_add_char(sql, '0');
    if (whole > 0 && number > 3)
        add_digits(sql, below(random, whole + 1), random);
    buf_add_char(sql, '.');
    if (number > 3)
        add_digits(sql, below(random, value_case->decimals + 1), random);
    buf_add_char(sql, '0');
}

/* size: bytes of a number. */
static void
add_float(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    static const char *const hard[] = {"0", "-0e0", "1e15", "1e14", "123456", "1234567", "0.0001",
        "0.00001", "-1.5", "1e-30", "3.402823466e38", "1.17549435e-38", "1.401298464e-45",
        "9007199254740993", "16777217", "0.1", "100", "1e6", "1e5"};
    uint64_t bits = next_random(random);
    uint32_t low = (uint32_t)bits;
    float single;
    double any;

    if (number < ARRAY_LEN(hard)) {
        buf_add_string(sql, hard[number]);
        return;
    }
    memcpy(&any, &bits, sizeof(any));
    memcpy(&single, &low, sizeof(single));
    if (value_case->size == sizeof(single))
        any = (double)single;
    if (number % 3 == 0 || any - any != 0)
        any = (double)((int)below(random, 2000000) - 1000000) / 1000;
    buf_addf(sql, "%.17e", any);
}

static void
add_bits(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    buf_add_string(sql, "b'");
    for (unsigned i = 0; i < value_case->size; i++)
        buf_add_char(sql, (char)(number == 0   ? '1'
                                 : number == 1 ? '0'
                                               : '0' + (int)below(random, 2)));
    buf_add_char(sql, '\'');
}

static void
add_date_words(unsigned number, uint64_t *random, Buf *sql)
{
    static const char *const hard[] = {"0000-00-00", "9999-12-31", "2024-00-00", "2024-05-00",
        "0000-01-01", "0001-01-01", "2023-02-31", "1582-10-10", "0000-00-01"};

    if (number < ARRAY_LEN(hard))
        buf_add_string(sql, hard[number]);
    else
        buf_addf(sql, "%04u-%02u-%02u", below(random, 10000), below(random, 13), below(random, 32));
}

static void
add_fraction(unsigned number, uint64_t *random, Buf *sql)
{
    if (number % 4 == 0)
        return;
    buf_add_char(sql, '.');
    add_digits(sql, 1 + below(random, 6), random);
}

static void
add_date(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    (void)value_case;
    buf_add_char(sql, '\'');
    add_date_words(number, random, sql);
    buf_add_char(sql, '\'');
}

static void
add_datetime(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    (void)value_case;
    buf_add_char(sql, '\'');
    add_date_words(number, random, sql);
    if (number != 0)
        buf_addf(sql, " %02u:%02u:%02u", below(random, 24), below(random, 60), below(random, 60));
    add_fraction(number, random, sql);
    buf_add_char(sql, '\'');
}

static void
add_timestamp(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    static const char *const hard[] = {"0000-00-00 00:00:00", "1970-01-01 00:00:01",
        "2038-01-19 03:14:07", "2024-02-29 23:59:59", "2000-03-01 00:00:00",
        "1999-12-31 23:59:59.999999", "2000-02-29 00:00:00.5"};

    (void)value_case;
    buf_add_char(sql, '\'');
    if (number < ARRAY_LEN(hard)) {
        buf_add_string(sql, hard[number]);
    } else {
        buf_addf(sql, "%04u-%02u-%02u %02u:%02u:%02u", 1970 + below(random, 68),
            1 + below(random, 12), 1 + below(random, 31), below(random, 24), below(random, 60),
            below(random, 60));
        add_fraction(number, random, sql);
    }
    buf_add_char(sql, '\'');
}

static void
add_time(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    static const char *const hard[] = {"00:00:00", "838:59:59.999999", "-838:59:59.999999",
        "838:59:59", "-838:59:59", "-00:00:00.1", "-00:00:00.000001", "-00:00:01", "-00:00:59.99",
        "24:00:00", "-1:00:00.5"};

    (void)value_case;
    buf_add_char(sql, '\'');
    if (number < ARRAY_LEN(hard)) {
        buf_add_string(sql, hard[number]);
    } else {
        buf_addf(sql, "%s%u:%02u:%02u", number % 2 == 0 ? "-" : "",
            below(random, number % 3 == 0 ? 2 : 839), below(random, 60), below(random, 60));
        add_fraction(number, random, sql);
    }
    buf_add_char(sql, '\'');
}

static void
add_year(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    (void)value_case;
    buf_addf(sql, "%u", number == 0 ? 0 : 1901 + below(random, 255));
}

/* A character that size says: 1 ASCII, 2 Latin-1, 3 of the first plane, 4 any. */
static unsigned
random_character(unsigned size, uint64_t *random)
{
    static const unsigned limits[] = {0x80, 0x80, 0x100, 0xD800, 0x20000};
    unsigned kind = 1 + below(random, size);
    unsigned character;

    do
        character = 0x20 + below(random, limits[kind] - 0x20);
    while ((character >= 0xD800 && character <= 0xDFFF) || character == 0x7F);
    return character;
}

/* decimals: how many at most; blanks at the end, too. */
static void
add_characters(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    unsigned count = number == 0 ? 0 : below(random, value_case->decimals + 1);
    unsigned blanks = number % 5 == 1 ? below(random, value_case->decimals - count + 1) : 0;

    if (number == 2)
        count = value_case->decimals;
    buf_add_string(sql, "CONVERT(_utf32 x'");
    for (; count > blanks; count--)
        buf_addf(sql, "%08x", random_character(value_case->size, random));
    for (; blanks > 0; blanks--)
        buf_add_string(sql, "00000020");
    buf_add_string(sql, "' USING utf8mb4)");
}

/* decimals: bytes at most, or with size of them all: random ones, with zeros and blanks at the end.
 */
static void
add_bytes(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    unsigned count =
        value_case->size != 0 ? value_case->decimals : below(random, value_case->decimals + 1);
    unsigned tail = number % 3 == 0 ? below(random, count + 1) : 0;

    buf_add_string(sql, "x'");
    for (unsigned i = 0; i < count; i++) {
        if (i >= count - tail)
            buf_add_string(sql, number % 2 == 0 ? "00" : "20");
        else
            buf_addf(sql, "%02x", below(random, 256));
    }
    buf_add_char(sql, '\'');
}

/* Words of zeros, and of small numbers. */
static void
add_address(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    bool mapped = value_case->size == 16 && number % 7 == 3;

    buf_add_string(sql, "x'");
    if (mapped)
        buf_add_string(
            sql, number % 2 == 0 ? "00000000000000000000ffff" : "000000000000000000000000");
    for (unsigned i = mapped ? 6 : 0; i < value_case->size / 2; i++)
        buf_addf(sql, "%04x",
            below(random, 2) == 0 ? 0 : below(random, below(random, 2) == 0 ? 0x10000 : 0x100));
    buf_add_char(sql, '\'');
}

static void
add_uuid(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    static const char *const hard[] = {"00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "123e4567-e89b-12d3-a456-426655440000",
        "00112233-4455-6677-8899-aabbccddeeff", "123e4567-e89b-72d3-a456-000000000000",
        "123e4567-e89b-02d3-0456-426655440000"};

    (void)value_case;
    if (number < ARRAY_LEN(hard)) {
        buf_addf(sql, "'%s'", hard[number]);
        return;
    }
    buf_addf(sql, "'%08x-%04x-%x%03x-%x%03x-%04x%08x'", below(random, 1U << 30),
        below(random, 0x10000), below(random, 8), below(random, 0x1000), 8 + below(random, 8),
        below(random, 0x1000), below(random, 0x10000), below(random, 1U << 31));
}

/* size: number of members. */
static void
add_member(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    buf_addf(sql, "%u", number == 0 ? value_case->size : 1 + below(random, value_case->size));
}

static void
add_members(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    uint64_t all = UINT64_MAX >> (64 - value_case->size);
    uint64_t some = next_random(random);

    some &= next_random(random);
    buf_addf(sql, "%" PRIu64, number == 0 ? all : number == 1 ? 0 : some & all);
}

static void
add_json_value(unsigned depth, uint64_t *random, Buf *sql)
{
    static const char *const plain[] = {"null", "true", "false", "0", "-1", "1.5", "1e30",
        "18446744073709551615", "-9223372036854775808", "65536", "\"\"", "\"a\"", "[]", "{}", "0.1",
        "\"\\\\u00e9\\\\n\\\\\"\"", "100000.0", "1e-7"};
    unsigned kind = below(random, 4);

    if (depth == 0 || kind < 2) {
        buf_add_string(sql, plain[below(random, ARRAY_LEN(plain))]);
        return;
    }
    buf_add_char(sql, kind == 2 ? '[' : '{');
    for (unsigned i = 0, count = below(random, 6); i < count; i++) {
        if (i > 0)
            buf_add_string(sql, ", ");
        if (kind == 3)
            buf_addf(sql, "\"k%u\": ", below(random, 1000));
        add_json_value(depth - 1, random, sql);
    }
    buf_add_char(sql, kind == 2 ? ']' : '}');
}

static void
add_json(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    (void)value_case;
    (void)number;
    buf_add_char(sql, '\'');
    add_json_value(4, random, sql);
    buf_add_char(sql, '\'');
}

static void
add_points(unsigned count, uint64_t *random, Buf *sql)
{
    buf_add_char(sql, '(');
    for (unsigned i = 0; i < count; i++)
        buf_addf(sql, "%d %d.%u,", (int)below(random, 89), (int)below(random, 179) - 89,
            below(random, 1000));
    buf_add_string(sql, "1 1)");
}

static void
add_shape(unsigned kind, unsigned depth, uint64_t *random, Buf *sql)
{
    switch (kind) {
    case 0:
        buf_addf(sql, "POINT(%d %d.25)", (int)below(random, 90), (int)below(random, 90));
        break;
    case 1:
        buf_add_string(sql, "LINESTRING");
        add_points(1 + below(random, 5), random, sql);
        break;
    case 2:
        buf_add_string(sql, "POLYGON((0 0,0 50,50 50,50 0,0 0),(1 1,1 2,2 2,2 1,1 1))");
        break;
    case 3:
        buf_add_string(sql, "MULTIPOINT(1 1,2 2,-3 4.5)");
        break;
    case 4:
        buf_add_string(sql, "MULTILINESTRING((1 1,2 2),(3 3,4 4,5 5))");
        break;
    case 5:
        buf_add_string(sql, "MULTIPOLYGON(((0 0,0 1,1 1,1 0,0 0)),((5 5,5 6,6 6,6 5,5 5)))");
        break;
    default:
        buf_add_string(sql, "GEOMETRYCOLLECTION(POINT(1 1)");
        for (unsigned i = 0; depth > 0 && i < below(random, 4); i++) {
            buf_add_char(sql, ',');
            add_shape(below(random, 7), depth - 1, random, sql);
        }
        buf_add_char(sql, ')');
        break;
    }
}

static void
add_geometry(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    (void)value_case;
    buf_add_string(sql, "ST_GeomFromText('");
    add_shape(number < 7 ? number : below(random, 7), 2, random, sql);
    buf_addf(sql, "', %u)", below(random, 2) == 0 ? 0 : 4326);
}

/* decimals: numbers. As bytes, which both servers take. */
static void
add_vector(const ValueCase *value_case, unsigned number, uint64_t *random, Buf *sql)
{
    (void)number;
    buf_add_string(sql, "x'");
    for (unsigned i = 0; i < value_case->decimals; i++)
        buf_addf(sql, "%02x%02x%02x%02x", below(random, 256), below(random, 256),
            below(random, 256), below(random, 2) * 128 + 0x30 + below(random, 32));
    buf_add_char(sql, '\'');
}

#define LABELS_64                                                                                 \
    "'a','b','c','d e','f''g','\xC3\xA9','h1','h2','h3','h4','h5','h6','h7','h8','h9','i0','i1'," \
    "'i2','i3','i4','i5','i6','i7','i8','i9','j0','j1','j2','j3','j4','j5','j6','j7','j8','j9',"  \
    "'k0','k1','k2','k3','k4','k5','k6','k7','k8','k9','l0','l1','l2','l3','l4','l5','l6','l7',"  \
    "'l8','l9','m0','m1','m2','m3','m4','m5','m6','m7','m8'"

const ValueCase value_cases[] = {
    {"TINYINT", add_integer, 8, 0, BINLOG_PLAIN, ON_BOTH},
    {"SMALLINT", add_integer, 16, 0, BINLOG_PLAIN, ON_BOTH},
    {"MEDIUMINT", add_integer, 24, 0, BINLOG_PLAIN, ON_BOTH},
    {"INT", add_integer, 32, 0, BINLOG_PLAIN, ON_BOTH},
    {"BIGINT", add_integer, 64, 0, BINLOG_PLAIN, ON_BOTH},
    {"TINYINT UNSIGNED", add_unsigned, 8, 0, BINLOG_PLAIN, ON_BOTH},
    {"SMALLINT UNSIGNED", add_unsigned, 16, 0, BINLOG_PLAIN, ON_BOTH},
    {"MEDIUMINT UNSIGNED", add_unsigned, 24, 0, BINLOG_PLAIN, ON_BOTH},
    {"INT UNSIGNED", add_unsigned, 32, 0, BINLOG_PLAIN, ON_BOTH},
    {"BIGINT UNSIGNED", add_unsigned, 64, 0, BINLOG_PLAIN, ON_BOTH},
    {"INT(12) ZEROFILL", add_unsigned, 32, 0, BINLOG_PLAIN, ON_BOTH},
    {"BIGINT ZEROFILL", add_unsigned, 64, 0, BINLOG_PLAIN, ON_BOTH},
    {"BOOLEAN", add_integer, 8, 0, BINLOG_PLAIN, ON_BOTH},
    {"DECIMAL(65,30)", add_decimal, 65, 30, BINLOG_PLAIN, ON_BOTH},
    {"DECIMAL(65,0)", add_decimal, 65, 0, BINLOG_PLAIN, ON_BOTH},
    {"DECIMAL(38,38)", add_decimal, 38, 38, BINLOG_PLAIN, ON_MARIADB},
    {"DECIMAL(30,30)", add_decimal, 30, 30, BINLOG_PLAIN, ON_BOTH},
    {"DECIMAL(10,2)", add_decimal, 10, 2, BINLOG_PLAIN, ON_BOTH},
    {"DECIMAL(1,1)", add_decimal, 1, 1, BINLOG_PLAIN, ON_BOTH},
    {"DECIMAL(18,9)", add_decimal, 18, 9, BINLOG_PLAIN, ON_BOTH},
    {"DECIMAL(12,4) ZEROFILL", add_decimal, 12, 4, BINLOG_PLAIN, ON_BOTH},
    {"DECIMAL(9,9) UNSIGNED", add_decimal, 9, 9, BINLOG_PLAIN, ON_BOTH},
    {"FLOAT", add_float, 4, 0, BINLOG_PLAIN, ON_BOTH},
    {"DOUBLE", add_float, 8, 0, BINLOG_PLAIN, ON_BOTH},
    {"FLOAT(10,3)", add_float, 4, 0, BINLOG_PLAIN, ON_BOTH},
    {"DOUBLE(20,5)", add_float, 8, 0, BINLOG_PLAIN, ON_BOTH},
    {"DOUBLE UNSIGNED ZEROFILL", add_float, 8, 0, BINLOG_PLAIN, ON_BOTH},
    {"FLOAT ZEROFILL", add_float, 4, 0, BINLOG_PLAIN, ON_BOTH},
    {"BIT(1)", add_bits, 1, 0, BINLOG_PLAIN, ON_BOTH},
    {"BIT(8)", add_bits, 8, 0, BINLOG_PLAIN, ON_BOTH},
    {"BIT(9)", add_bits, 9, 0, BINLOG_PLAIN, ON_BOTH},
    {"BIT(64)", add_bits, 64, 0, BINLOG_PLAIN, ON_BOTH},
    {"DATE", add_date, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"YEAR", add_year, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIME", add_time, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIME(1)", add_time, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIME(2)", add_time, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIME(3)", add_time, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIME(4)", add_time, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIME(5)", add_time, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIME(6)", add_time, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"DATETIME", add_datetime, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"DATETIME(1)", add_datetime, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"DATETIME(2)", add_datetime, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"DATETIME(3)", add_datetime, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"DATETIME(4)", add_datetime, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"DATETIME(5)", add_datetime, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"DATETIME(6)", add_datetime, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIMESTAMP NULL", add_timestamp, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIMESTAMP(1) NULL", add_timestamp, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIMESTAMP(3) NULL", add_timestamp, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"TIMESTAMP(6) NULL", add_timestamp, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"CHAR(20) CHARACTER SET latin1", add_characters, 2, 20, BINLOG_PLAIN, ON_BOTH},
    {"CHAR(20) CHARACTER SET utf8mb4", add_characters, 4, 20, BINLOG_PLAIN, ON_BOTH},
    {"CHAR(255) CHARACTER SET utf8mb4", add_characters, 4, 60, BINLOG_PLAIN, ON_BOTH},
    {"CHAR(20) CHARACTER SET utf16", add_characters, 4, 20, BINLOG_PLAIN, ON_BOTH},
    {"CHAR(20) CHARACTER SET ucs2", add_characters, 3, 20, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET latin1", add_characters, 2, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(300) CHARACTER SET latin1", add_characters, 2, 300, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET ascii", add_characters, 1, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET utf8mb3", add_characters, 3, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET utf8mb4", add_characters, 4, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(500) CHARACTER SET utf8mb4", add_characters, 4, 500, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET utf32", add_characters, 4, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET latin2", add_characters, 3, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET cp1251", add_characters, 3, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET sjis", add_characters, 3, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET ujis", add_characters, 3, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET gbk", add_characters, 3, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET big5", add_characters, 3, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET euckr", add_characters, 3, 40, BINLOG_PLAIN, ON_BOTH},
    {"VARCHAR(40) CHARACTER SET gb18030", add_characters, 4, 40, BINLOG_PLAIN, ON_MYSQL},
    {"TINYTEXT CHARACTER SET latin1", add_characters, 2, 100, BINLOG_PLAIN, ON_BOTH},
    {"TEXT CHARACTER SET utf8mb4", add_characters, 4, 300, BINLOG_PLAIN, ON_BOTH},
    {"MEDIUMTEXT CHARACTER SET utf16le", add_characters, 4, 100, BINLOG_PLAIN, ON_BOTH},
    {"LONGTEXT CHARACTER SET utf8mb3", add_characters, 3, 100, BINLOG_PLAIN, ON_BOTH},
    {"BINARY(16)", add_bytes, 0, 16, BINLOG_PLAIN, ON_BOTH},
    {"BINARY(255)", add_bytes, 0, 255, BINLOG_PLAIN, ON_BOTH},
    {"VARBINARY(20)", add_bytes, 0, 20, BINLOG_PLAIN, ON_BOTH},
    {"VARBINARY(400)", add_bytes, 0, 400, BINLOG_PLAIN, ON_BOTH},
    {"TINYBLOB", add_bytes, 0, 255, BINLOG_PLAIN, ON_BOTH},
    {"BLOB", add_bytes, 0, 400, BINLOG_PLAIN, ON_BOTH},
    {"MEDIUMBLOB", add_bytes, 0, 100, BINLOG_PLAIN, ON_BOTH},
    {"LONGBLOB", add_bytes, 0, 100, BINLOG_PLAIN, ON_BOTH},
    {"ENUM('a','b c','d''e')", add_member, 3, 0, BINLOG_PLAIN, ON_BOTH},
    {"ENUM(" LABELS_64 ") CHARACTER SET latin1", add_member, 64, 0, BINLOG_PLAIN, ON_BOTH},
    {"SET('a','b','c') CHARACTER SET latin1", add_members, 3, 0, BINLOG_PLAIN, ON_BOTH},
    {"SET(" LABELS_64 ") CHARACTER SET utf8mb4", add_members, 64, 0, BINLOG_PLAIN, ON_BOTH},
    {"JSON", add_json, 0, 0, BINLOG_JSON_TEXT, ON_MARIADB},
    {"JSON", add_json, 0, 0, BINLOG_PLAIN, ON_MYSQL},
    {"GEOMETRY", add_geometry, 0, 0, BINLOG_PLAIN, ON_BOTH},
    {"UUID", add_uuid, 16, 0, BINLOG_UUID, ON_MARIADB},
    {"INET6", add_address, 16, 0, BINLOG_INET6, ON_MARIADB},
    {"INET4", add_address, 4, 0, BINLOG_INET4, ON_MARIADB},
    {"VARCHAR(200) COMPRESSED CHARACTER SET latin1", add_characters, 2, 200, BINLOG_PLAIN,
        ON_MARIADB},
    {"VARCHAR(255) COMPRESSED CHARACTER SET latin1", add_characters, 2, 255, BINLOG_PLAIN,
        ON_MARIADB},
    {"VARCHAR(900) COMPRESSED CHARACTER SET utf8mb4", add_characters, 1, 900, BINLOG_PLAIN,
        ON_MARIADB},
    {"VARBINARY(500) COMPRESSED", add_bytes, 0, 500, BINLOG_PLAIN, ON_MARIADB},
    {"TEXT COMPRESSED CHARACTER SET utf8mb4", add_characters, 1, 700, BINLOG_PLAIN, ON_MARIADB},
    {"TINYBLOB COMPRESSED", add_bytes, 0, 250, BINLOG_PLAIN, ON_MARIADB},
    {"LONGBLOB COMPRESSED", add_bytes, 0, 700, BINLOG_PLAIN, ON_MARIADB},
    {"TIME", add_time, 0, 0, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIME(1)", add_time, 0, 1, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIME(2)", add_time, 0, 2, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIME(3)", add_time, 0, 3, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIME(4)", add_time, 0, 4, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIME(5)", add_time, 0, 5, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIME(6)", add_time, 0, 6, BINLOG_PLAIN, ON_MARIADB_53},
    {"DATETIME", add_datetime, 0, 0, BINLOG_PLAIN, ON_MARIADB_53},
    {"DATETIME(1)", add_datetime, 0, 1, BINLOG_PLAIN, ON_MARIADB_53},
    {"DATETIME(2)", add_datetime, 0, 2, BINLOG_PLAIN, ON_MARIADB_53},
    {"DATETIME(3)", add_datetime, 0, 3, BINLOG_PLAIN, ON_MARIADB_53},
    {"DATETIME(4)", add_datetime, 0, 4, BINLOG_PLAIN, ON_MARIADB_53},
    {"DATETIME(5)", add_datetime, 0, 5, BINLOG_PLAIN, ON_MARIADB_53},
    {"DATETIME(6)", add_datetime, 0, 6, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIMESTAMP NULL", add_timestamp, 0, 0, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIMESTAMP(1) NULL", add_timestamp, 0, 1, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIMESTAMP(2) NULL", add_timestamp, 0, 2, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIMESTAMP(4) NULL", add_timestamp, 0, 4, BINLOG_PLAIN, ON_MARIADB_53},
    {"TIMESTAMP(6) NULL", add_timestamp, 0, 6, BINLOG_PLAIN, ON_MARIADB_53},
    {"VECTOR(5)", add_vector, 0, 5, BINLOG_PLAIN, ON_MYSQL},
};
const size_t value_case_count = ARRAY_LEN(value_cases);
