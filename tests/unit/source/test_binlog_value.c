/* Images written by hand from the layouts in binlog/value.h, temporal.h, decimal.h, geometry.h. */
#include "source/binlog/value.h"

#include <time.h>

#include "binlog_random.h"
#include "support/test.h"

typedef struct Golden {
    const char *image; /* hexadecimal */
    const char *text;
} Golden;

static uint8_t
nibble(char digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Exactly as long as it is, so that ASan sees a read behind it; the caller frees. */
static uint8_t *
unhex(const char *digits, size_t *ret_len)
{
    size_t len = strlen(digits) / 2;
    uint8_t *bytes = malloc(len == 0 ? 1 : len);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]));
    *ret_len = len;
    return bytes;
}

static bool
read_image(const BinlogValueType *type, const char *image, BinlogMemory *memory, Value *ret_value,
    Error *err)
{
    size_t len;
    uint8_t *bytes = unhex(image, &len);
    const uint8_t *at = bytes;
    const uint8_t *skipped = bytes;
    Error skip_err;
    bool ok = binlog_value_read(type, &at, bytes + len, memory, ret_value, err);

    if (ok) {
        assert_ok(binlog_value_skip(&type->column, &skipped, bytes + len, &skip_err), skip_err);
        assert_ptr_equal(at, skipped);
        assert_ptr_equal(at, bytes + len);
        ret_value->text = binlog_memory_copy(memory, ret_value->text); /* may be a view of it */
    } else {
        assert_ptr_equal(at, bytes);
    }
    free(bytes);
    return ok;
}

static void
check_all(const BinlogValueType *type, const Golden *goldens, size_t count)
{
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();

    for (size_t i = 0; i < count; i++) {
        Value value;
        Error err;

        assert_ok(read_image(type, goldens[i].image, memory, &value, &err), err);
        assert_int_equal(value.kind, VALUE_TEXT);
        assert_text(value.text, goldens[i].text);
        /* every image that is cut anywhere is refused */
        for (size_t cut = strlen(goldens[i].image) / 2; cut > 0; cut--) {
            char *part = strndup(goldens[i].image, 2 * (cut - 1));

            assert_false(read_image(type, part, memory, &value, &err));
            assert_int_equal(err.kind, ERR_SOURCE);
            free(part);
        }
    }
}

#define CHECK(type, ...)                                  \
    do {                                                  \
        static const Golden goldens_[] = {__VA_ARGS__};   \
        check_all((type), goldens_, ARRAY_LEN(goldens_)); \
    } while (0)

static BinlogValueType
type_of(unsigned type, unsigned length, unsigned decimals)
{
    return (BinlogValueType){
        .column = {.type = type, .length = length, .decimals = decimals}, .logical = LOGICAL_OTHER};
}

static BinlogValueType
characters(unsigned type, unsigned length, const char *charset)
{
    BinlogValueType result = type_of(type, length, 0);

    result.charset = binlog_charset_find(text_of(charset));
    assert_non_null(result.charset);
    return result;
}

static void
refused(const BinlogValueType *type, const char *image, ErrorKind kind, const char *text)
{
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    Value value;
    Error err;

    assert_false(read_image(type, image, memory, &value, &err));
    assert_string_equal(err.text, text);
    assert_int_equal(err.kind, kind);
}

static void
shown(const BinlogValueType *type, const char *server_text, const char *text)
{
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    Value value;
    Error err;

    assert_ok(binlog_value_from_text(type, text_of(server_text), memory, &value, &err), err);
    assert_text(value.text, text);
}

static void
integers_of_every_size_reach_their_limits(void **state)
{
    BinlogValueType tiny = type_of(MYSQL_COLUMN_TINY, 0, 0);
    BinlogValueType small = type_of(MYSQL_COLUMN_SHORT, 0, 0);
    BinlogValueType medium = type_of(MYSQL_COLUMN_INT24, 0, 0);
    BinlogValueType normal = type_of(MYSQL_COLUMN_LONG, 0, 0);
    BinlogValueType big = type_of(MYSQL_COLUMN_LONGLONG, 0, 0);

    (void)state;
    CHECK(&tiny, {"00", "0"}, {"7f", "127"}, {"80", "-128"}, {"ff", "-1"});
    CHECK(&small, {"ff7f", "32767"}, {"0080", "-32768"}, {"ffff", "-1"});
    CHECK(&medium, {"ffff7f", "8388607"}, {"000080", "-8388608"}, {"ffffff", "-1"});
    CHECK(&normal, {"ffffff7f", "2147483647"}, {"00000080", "-2147483648"}, {"9cffffff", "-100"});
    CHECK(&big, {"ffffffffffffff7f", "9223372036854775807"},
        {"0000000000000080", "-9223372036854775808"}, {"64000000000000ff", "-72057594037927836"});
    tiny.column.is_unsigned = small.column.is_unsigned = medium.column.is_unsigned = true;
    normal.column.is_unsigned = big.column.is_unsigned = true;
    CHECK(&tiny, {"ff", "255"}, {"80", "128"}, {"09", "9"}, {"0a", "10"}, {"63", "99"});
    CHECK(&small, {"ffff", "65535"});
    CHECK(&medium, {"ffffff", "16777215"});
    CHECK(&normal, {"ffffffff", "4294967295"});
    CHECK(&big, {"ffffffffffffffff", "18446744073709551615"});
    shown(&normal, "0000000042", "42");
    shown(&normal, "0000000000", "0");
    shown(&big, "-5", "-5");
}

static void
decimals_keep_every_digit(void **state)
{
    BinlogValueType small = type_of(MYSQL_COLUMN_NEWDECIMAL, 5, 2);
    BinlogValueType whole = type_of(MYSQL_COLUMN_NEWDECIMAL, 10, 0);
    BinlogValueType fraction = type_of(MYSQL_COLUMN_NEWDECIMAL, 10, 10);
    BinlogValueType middle = type_of(MYSQL_COLUMN_NEWDECIMAL, 14, 4);
    BinlogValueType large = type_of(MYSQL_COLUMN_NEWDECIMAL, 65, 30);

    (void)state;
    CHECK(&small, {"800000", "0.00"}, {"800105", "1.05"}, {"83e763", "999.99"}, {"7ffefa", "-1.05"},
        {"7c189c", "-999.99"});
    CHECK(&whole, {"8000000000", "0"}, {"813b9ac9ff", "1999999999"}, {"7ec4653600", "-1999999999"});
    CHECK(&fraction, {"8000000000", "0.0000000000"}, {"bb9ac9ff09", "0.9999999999"},
        {"7ffffffffe", "-0.0000000001"});
    /* the documentation's own example of the format: 1234567890.1234 */
    CHECK(&middle, {"810dfb38d204d2", "1234567890.1234"}, {"7ef204c72dfb2d", "-1234567890.1234"});
    CHECK(&large,
        {"85f5e0ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff03e7",
            "99999999999999999999999999999999999.999999999999999999999999999999"},
        {"7a0a1f00c4653600c4653600c4653600c4653600c4653600c4653600fc18",
            "-99999999999999999999999999999999999.999999999999999999999999999999"},
        {"800000000000000000000000000000000000000000000000000000000001",
            "0.000000000000000000000000000001"});
    shown(&small, "000.50", "0.50");
    shown(&small, "-0.50", "-0.50");
    shown(&whole, "0000000000", "0");
    shown(&small, "0123.45", "123.45");
    refused(&small, "8fffff", ERR_DATA,
        "a decimal number with the group 4095, which has more than 3 digits");
}

static void
floats_are_the_shortest_text_that_reads_back(void **state)
{
    BinlogValueType single = type_of(MYSQL_COLUMN_FLOAT, 4, 0);
    BinlogValueType twice = type_of(MYSQL_COLUMN_DOUBLE, 8, 0);

    (void)state;
    CHECK(&single, {"00000000", "0"}, {"00000080", "-0"}, {"cdcccc3d", "0.1"},
        {"ffff7f7f", "3.4028234663852886e+38"}, {"01000000", "1e-45"}, {"0000803f", "1"},
        {"00247449", "1e+06"}, {"f0234249", "795199"}, {"0000807f", "Infinity"},
        /* 1.0028514e+08 reads back, too, but lies in the middle between two numbers */
        {"5a47bf4c", "1.00285136e+08"});
    CHECK(&twice, {"0000000000000000", "0"}, {"0000000000000080", "-0"},
        {"9a9999999999b93f", "0.1"}, {"ffffffffffffef7f", "1.7976931348623157e+308"},
        {"0100000000000000", "5e-324"}, {"ffffffffffff0f00", "2.225073858507201e-308"},
        {"0000000000001000", "2.2250738585072014e-308"}, {"00003426f56b0c43", "1e+15"},
        {"0080e03779c31143", "1.25e+15"}, {"100000000000e042", "140737488355328.5"},
        {"2d431cebe2361a3f", "0.0001"}, {"f168e388b5f8e43e", "1e-05"}, {"000000000000f0bf", "-1"},
        {"000000000000b03c", "2.220446049250313e-16"},
        {"000000000000303d", "5.684341886080802e-14"}, {"000000000000f07f", "Infinity"},
        {"000000000000f0ff", "-Infinity"}, {"000000000000f87f", "NaN"});
    shown(&single, "0.10000000149011612", "0.1");
    shown(&single, "3.4028234663852886e38", "3.4028234663852886e+38");
    shown(&single, "-0", "-0");
    shown(&twice, "1e15", "1e+15");
    shown(&twice, "1.7976931348623157e308", "1.7976931348623157e+308");
    shown(&twice, "0.00001", "1e-05");
    shown(&twice, "1234.5", "1234.5");
    shown(&twice, "-0.25", "-0.25");
}

static void
bits_are_shown_from_the_highest(void **state)
{
    BinlogValueType one = type_of(MYSQL_COLUMN_BIT, 1, 0);
    BinlogValueType nine = type_of(MYSQL_COLUMN_BIT, 9, 0);
    BinlogValueType all = type_of(MYSQL_COLUMN_BIT, 64, 0);
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    Value value;
    Error err;

    (void)state;
    CHECK(&one, {"00", "0"}, {"01", "1"});
    CHECK(&nine, {"0101", "100000001"}, {"0000", "000000000"});
    CHECK(&all,
        {"8000000000000001", "1000000000000000000000000000000000000000000000000000000000000001"});
    assert_ok(binlog_value_from_text(&nine, TEXT("\1\2"), memory, &value, &err), err);
    assert_text(value.text, "100000010");
    assert_false(binlog_value_from_text(&one, TEXT("\1\2"), memory, &value, &err));
    assert_string_equal(err.text, "2 bytes where there can be 1 bits");
}

static void
dates_may_be_zero_in_whole_or_in_part(void **state)
{
    BinlogValueType date = type_of(MYSQL_COLUMN_DATE, 0, 0);
    BinlogValueType year = type_of(MYSQL_COLUMN_YEAR, 0, 0);

    (void)state;
    CHECK(&date, {"000000", "0000-00-00"}, {"22d00f", "2024-01-02"}, {"9f1f4e", "9999-12-31"},
        {"00d00f", "2024-00-00"}, {"20d00f", "2024-01-00"}, {"210000", "0000-01-01"},
        {"5fce0f", "2023-02-31"});
    CHECK(&year, {"00", "0000"}, {"01", "1901"}, {"ff", "2155"}, {"7c", "2024"});
    refused(&date, "a0d10f", ERR_DATA, "13 is no month");
    refused(&date, "ffffff", ERR_DATA, "32767 is no year");
    shown(&date, "2024-00-00", "2024-00-00");
    shown(&year, "0000", "0000");
    shown(&year, "69", "2069");
    shown(&year, "70", "1970");
}

static void
times_and_fractions_are_shown_without_zeros_at_the_end(void **state)
{
    BinlogValueType time = type_of(MYSQL_COLUMN_TIME2, 0, 0);
    BinlogValueType time1 = type_of(MYSQL_COLUMN_TIME2, 0, 1);
    BinlogValueType time2 = type_of(MYSQL_COLUMN_TIME2, 0, 2);
    BinlogValueType time3 = type_of(MYSQL_COLUMN_TIME2, 0, 3);
    BinlogValueType time6 = type_of(MYSQL_COLUMN_TIME2, 0, 6);

    (void)state;
    CHECK(&time, {"800000", "00:00:00"}, {"801083", "01:02:03"}, {"b46efb", "838:59:59"},
        {"4b9105", "-838:59:59"}, {"7fffff", "-00:00:01"});
    CHECK(&time1, {"80000132", "00:00:01.5"}, {"7ffffece", "-00:00:01.5"},
        {"7ffffff6", "-00:00:00.1"}, {"7fffff00", "-00:00:01"});
    CHECK(&time2, {"8000005a", "00:00:00.9"}, {"7fffffff", "-00:00:00.01"});
    CHECK(&time3, {"8000012706", "00:00:01.999"}, {"7fffffec78", "-00:00:00.5"});
    CHECK(&time6, {"b46efb0f423f", "838:59:59.999999"}, {"4b9104f0bdc1", "-838:59:59.999999"},
        {"7fffffffffff", "-00:00:00.000001"}, {"8000000493e0", "00:00:00.3"});
    shown(&time6, "-838:59:59.999999", "-838:59:59.999999");
    shown(&time6, "00:00:01.500000", "00:00:01.5");
    shown(&time6, "10:00:00.000000", "10:00:00");
    shown(&time, "10:00:00", "10:00:00");
    refused(&time, "80003c", ERR_DATA, "60 is no second");
    refused(&time, "b47000", ERR_DATA, "839 is no hour of a time");
}

static void
datetimes_and_timestamps_are_read_with_every_number_of_digits(void **state)
{
    BinlogValueType datetime = type_of(MYSQL_COLUMN_DATETIME2, 0, 0);
    BinlogValueType datetime6 = type_of(MYSQL_COLUMN_DATETIME2, 0, 6);
    BinlogValueType datetime3 = type_of(MYSQL_COLUMN_DATETIME2, 0, 3);
    BinlogValueType stamp = type_of(MYSQL_COLUMN_TIMESTAMP2, 0, 0);
    BinlogValueType stamp2 = type_of(MYSQL_COLUMN_TIMESTAMP2, 0, 2);
    BinlogValueType stamp6 = type_of(MYSQL_COLUMN_TIMESTAMP2, 0, 6);

    (void)state;
    CHECK(&datetime, {"8000000000", "0000-00-00 00:00:00"}, {"99b2443105", "2024-01-02 03:04:05"},
        {"fef3ff7efb", "9999-12-31 23:59:59"});
    CHECK(&datetime6, {"fef3ff7efb0f423f", "9999-12-31 23:59:59.999999"},
        {"99b244310507a120", "2024-01-02 03:04:05.5"},
        {"8000420000000001", "0000-01-01 00:00:00.000001"});
    CHECK(&datetime3, {"99b244310504ce", "2024-01-02 03:04:05.123"});
    CHECK(&stamp, {"00000000", "0000-00-00 00:00:00+00"}, {"00000001", "1970-01-01 00:00:01+00"},
        {"7fffffff", "2038-01-19 03:14:07+00"}, {"ffffffff", "2106-02-07 06:28:15+00"},
        {"659f0c80", "2024-01-10 21:30:40+00"}, {"65dfcb60", "2024-02-29 00:10:08+00"});
    CHECK(&stamp2, {"0000000163", "1970-01-01 00:00:01.99+00"},
        {"0000000000", "0000-00-00 00:00:00+00"});
    CHECK(&stamp6, {"7fffffff0f423f", "2038-01-19 03:14:07.999999+00"});
    shown(&stamp6, "2024-01-02 03:04:05.500000", "2024-01-02 03:04:05.5+00");
    shown(&stamp, "0000-00-00 00:00:00", "0000-00-00 00:00:00+00");
    shown(&datetime6, "2024-01-02 03:04:05.000000", "2024-01-02 03:04:05");
    refused(
        &stamp6, "7fffffff0f4240", ERR_DATA, "1000000 is no fraction of a second in millionths");
    refused(&datetime, "7fffffffff", ERR_DATA, "a date and time below zero");
}

static void
every_day_of_a_timestamp_is_the_calendars(void **state)
{
    BinlogValueType stamp = type_of(MYSQL_COLUMN_TIMESTAMP2, 0, 0);
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();

    (void)state;
    for (uint32_t day = 0; day <= UINT32_MAX / 86400; day++) {
        time_t seconds = (time_t)day * 86400 + 1;
        uint8_t image[4] = {(uint8_t)(seconds >> 24), (uint8_t)(seconds >> 16),
            (uint8_t)(seconds >> 8), (uint8_t)seconds};
        const uint8_t *at = image;
        struct tm moment;
        char expected[64];
        Value value;
        Error err;

        assert_non_null(gmtime_r(&seconds, &moment));
        assert_true(strftime(expected, sizeof(expected), "%Y-%m-%d %H:%M:%S+00", &moment) > 0);
        assert_ok(binlog_value_read(&stamp, &at, at + 4, memory, &value, &err), err);
        assert_text(value.text, expected);
        binlog_memory_reset(memory);
    }
}

static void
temporals_from_before_5_6_are_read(void **state)
{
    BinlogValueType time = type_of(MYSQL_COLUMN_TIME, 0, 0);
    BinlogValueType datetime = type_of(MYSQL_COLUMN_DATETIME, 0, 0);
    BinlogValueType stamp = type_of(MYSQL_COLUMN_TIMESTAMP, 0, 0);

    (void)state;
    CHECK(&time, {"000000", "00:00:00"}, {"8b2700", "01:01:23"}, {"ffffff", "-00:00:01"},
        {"a7f57f", "838:59:59"}, {"590a80", "-838:59:59"}, {"25d8ff", "-01:02:03"});
    CHECK(&datetime, {"0000000000000000", "0000-00-00 00:00:00"},
        {"457c178468120000", "2024-01-02 03:04:05"}, {"7787d105f15a0000", "9999-12-31 23:59:59"});
    CHECK(&stamp, {"00000000", "0000-00-00 00:00:00+00"}, {"ffffff7f", "2038-01-19 03:14:07+00"});
}

/* As MariaDB 10.11 has written them. */
static void
temporals_of_mariadb_5_3_have_fractions_of_their_own(void **state)
{
    BinlogValueType time1 = type_of(MYSQL_COLUMN_TIME, 0, 1);
    BinlogValueType time3 = type_of(MYSQL_COLUMN_TIME, 0, 3);
    BinlogValueType time6 = type_of(MYSQL_COLUMN_TIME, 0, 6);
    BinlogValueType datetime3 = type_of(MYSQL_COLUMN_DATETIME, 0, 3);
    BinlogValueType datetime6 = type_of(MYSQL_COLUMN_DATETIME, 0, 6);
    BinlogValueType stamp2 = type_of(MYSQL_COLUMN_TIMESTAMP, 0, 2);
    BinlogValueType stamp6 = type_of(MYSQL_COLUMN_TIMESTAMP, 0, 6);

    (void)state;
    CHECK(&time1, {"01c5f6f9", "-12:34:56.7"});
    CHECK(&time3, {"00b15478eb", "-12:34:56.789"});
    CHECK(&time6, {"02b4b1f855ec", "-12:34:56.789012"});
    CHECK(&datetime3, {"00422a83bcc32e", "2024-01-02 03:04:05.678"});
    CHECK(&datetime6, {"01027612995a6f35", "2024-01-02 03:04:05.678901"});
    CHECK(&stamp2, {"65937d2543", "2024-01-02 03:04:05.67+00"},
        {"0000000000", "0000-00-00 00:00:00+00"});
    CHECK(&stamp6, {"65937d250a5bf5", "2024-01-02 03:04:05.678901+00"});
    refused(&stamp2, "65937d2564", ERR_DATA, "a fraction that is a second or more");
    refused(&time1, "ffffffff", ERR_DATA, "118465 is no hour of a time");
}

static void
characters_come_in_utf8_from_any_set(void **state)
{
    BinlogValueType utf8 = characters(MYSQL_COLUMN_VARCHAR, 100, "utf8mb4");
    BinlogValueType full = characters(MYSQL_COLUMN_VARCHAR, 255, "utf8mb4");
    BinlogValueType wide = characters(MYSQL_COLUMN_VARCHAR, 256, "utf8mb4");
    BinlogValueType latin1 = characters(MYSQL_COLUMN_BLOB, 2, "latin1");
    BinlogValueType utf16 = characters(MYSQL_COLUMN_STRING, 40, "utf16");
    BinlogValueType fixed = characters(MYSQL_COLUMN_STRING, 20, "latin1");
    BinlogValueType huge = characters(MYSQL_COLUMN_LONG_BLOB, 4, "utf8mb3");

    (void)state;
    CHECK(&utf8, {"00", ""}, {"0161", "a"}, {"04f09f9880", "\xF0\x9F\x98\x80"}, {"026120", "a "});
    CHECK(&full, {"00", ""}, {"026162", "ab"});
    CHECK(&wide, {"0000", ""}, {"02006162", "ab"});
    CHECK(&latin1, {"0000", ""},
        {"0300e98061", "\xC3\xA9\xE2\x82\xAC"
                       "a"});
    CHECK(&utf16,
        {"0800e90061d83dde00", "\xC3\xA9"
                               "a\xF0\x9F\x98\x80"},
        {"0400610020", "a"});
    CHECK(&fixed, {"00", ""}, {"0161", "a"}, {"0461202020", "a"}, {"03206120", " a"});
    CHECK(&huge, {"00000000", ""}, {"02000000c3a9", "\xC3\xA9"});
    refused(&utf8, "0261c3", ERR_DATA, "byte 2 of the text, 0xc3, is not UTF-8");
    shown(&fixed, "a  ", "a");
    shown(&utf8, "a  ", "a  ");
}

static void
bytes_are_hexadecimal_and_binary_is_padded(void **state)
{
    BinlogValueType binary = type_of(MYSQL_COLUMN_STRING, 4, 0);
    BinlogValueType wide = type_of(MYSQL_COLUMN_STRING, 256, 0);
    BinlogValueType varbinary = type_of(MYSQL_COLUMN_VARCHAR, 300, 0);
    BinlogValueType tiny = type_of(MYSQL_COLUMN_BLOB, 1, 0);
    BinlogValueType medium = type_of(MYSQL_COLUMN_BLOB, 3, 0);
    BinlogValueType any = type_of(MYSQL_COLUMN_BLOB, 4, 0);
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    Value value;
    Error err;

    (void)state;
    CHECK(&binary, {"00", "00000000"}, {"0120", "20000000"}, {"0400ff0a7f", "00ff0a7f"});
    CHECK(&varbinary, {"0000", ""}, {"020000ff", "00ff"});
    CHECK(&tiny, {"00", ""}, {"0220ef", "20ef"});
    CHECK(&medium, {"010000ab", "ab"});
    CHECK(&any, {"01000000cd", "cd"});
    refused(&binary, "050102030405", ERR_DATA, "5 bytes where there can be 4 at most");
    assert_ok(read_image(&wide, "0100ff", memory, &value, &err), err);
    assert_int_equal(value.text.len, 512);
    assert_memory_equal(value.text.data, "ff0000", 6);
    shown(&binary, "ab\x7f.", "61627f2e");
}

static void
addresses_of_mariadb_get_their_zeros_back(void **state)
{
    BinlogValueType type = type_of(MYSQL_COLUMN_STRING, 16, 0);
    BinlogValueType inet4 = type_of(MYSQL_COLUMN_STRING, 4, 0);

    (void)state;
    type.special = BINLOG_UUID;
    CHECK(&type, {"00", "00000000-0000-0000-0000-000000000000"},
        {"10123e4567e89b12d3a456426655440000", "123e4567-e89b-12d3-a456-426655440000"},
        {"0e123e4567e89b12d3a45642665544", "123e4567-e89b-12d3-a456-426655440000"});
    type.special = BINLOG_INET6;
    CHECK(&type, {"00", "::"}, {"1000000000000000000000000000000001", "::1"},
        {"0420010db8", "2001:db8::"}, {"1000000000000000000000ffffc0000280", "::ffff:192.0.2.128"},
        {"10000000000000000000000000c0000280", "::192.0.2.128"}, {"022001", "2001::"},
        {"1020010db8000000010000000000000001", "2001:db8:0:1::1"},
        {"1000010000000000020000000000030004", "1::2:0:0:3:4"},
        {"1000010000000200030004000500060007", "1::2:3:4:5:6:7"},
        {"1000010002000300040005000600070008", "1:2:3:4:5:6:7:8"});
    inet4.special = BINLOG_INET4;
    CHECK(&inet4, {"00", "0.0.0.0"}, {"04c0000280", "192.0.2.128"}, {"010a", "10.0.0.0"});
    refused(&inet4, "050102030405", ERR_DATA, "5 bytes where there can be 4 at most");
    type.special = BINLOG_UUID;
    shown(&type, "123e4567-e89b-12d3-a456-426655440000", "123e4567-e89b-12d3-a456-426655440000");
}

static void
members_of_enumerations_and_sets_are_named(void **state)
{
    static Text labels[64];
    static char names[64][4];
    BinlogValueType small = type_of(MYSQL_COLUMN_ENUM, 1, 0);
    BinlogValueType large = type_of(MYSQL_COLUMN_ENUM, 2, 0);
    BinlogValueType set = type_of(MYSQL_COLUMN_SET, 1, 0);
    BinlogValueType full = type_of(MYSQL_COLUMN_SET, 8, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "m%zu", i);
        labels[i] = text_of(names[i]);
    }
    small.column.labels = large.column.labels = set.column.labels = full.column.labels = labels;
    small.column.label_count = large.column.label_count = set.column.label_count = 3;
    full.column.label_count = 64;
    CHECK(&small, {"00", ""}, {"01", "m0"}, {"03", "m2"});
    CHECK(&large, {"0000", ""}, {"0300", "m2"});
    CHECK(&set, {"00", ""}, {"01", "m0"}, {"05", "m0,m2"}, {"07", "m0,m1,m2"});
    CHECK(&full, {"0000000000000080", "m63"}, {"0100000000000080", "m0,m63"});
    refused(&small, "04", ERR_DATA, "member 4 of an enumeration of 3");
    refused(&set, "08", ERR_DATA, "the members 0x8 of a set of 3");
    shown(&set, "m0,m2", "m0,m2");
}

static void
geometries_are_ewkb_of_little_endian_whatever_they_were(void **state)
{
    BinlogValueType type = type_of(MYSQL_COLUMN_GEOMETRY, 4, 0);

    (void)state;
    CHECK(&type,
        /* POINT(1 2), without and with an SRID, and big-endian */
        {"19000000000000000101000000000000000000f03f0000000000000040",
            "0101000000000000000000f03f0000000000000040"},
        {"19000000e61000000101000000000000000000f03f0000000000000040",
            "0101000020e6100000000000000000f03f0000000000000040"},
        {"190000000000000000000000013ff00000000000004000000000000000",
            "0101000000000000000000f03f0000000000000040"},
        /* GEOMETRYCOLLECTION EMPTY */
        {"0d00000000000000010700000000000000", "010700000000000000"},
        /* MULTIPOINT((1 2)) with SRID 1, of a big-endian one within a little-endian one */
        {"22000000010000000104000000010000000000000001"
         "3ff00000000000004000000000000000",
            "01040000200100000001000000"
            "0101000000000000000000f03f0000000000000040"},
        /* POLYGON with one ring of one point */
        {"2100000000000000010300000001000000010000000000000000000000"
         "0000000000000000",
            "01030000000100000001000000"
            "00000000000000000000000000000000"});
    refused(&type, "00000000", ERR_DATA,
        "a geometry of no bytes, as rows have in a column that was added to them without a "
        "default: "
        "give them a value in the source");
    refused(&type, "0900000000000000010800000000", ERR_DATA, "a geometry of kind 8");
    refused(&type, "0900000000000000020100000000", ERR_DATA, "a geometry with the byte order 2");
    refused(&type, "0d00000000000000010200000001000000", ERR_DATA,
        "a geometry of 13 bytes that ends too early");
    refused(&type, "0e0000000000000001070000000000000000", ERR_DATA,
        "a geometry of 14 bytes with 1 more behind its end");
}

static void
a_geometry_nested_without_end_is_refused(void **state)
{
    BinlogValueType type = type_of(MYSQL_COLUMN_GEOMETRY, 4, 0);
    Buf image = BUF_INIT;

    (void)state;
    buf_add_string(&image, "8a03000000000000");
    for (int i = 0; i < 100; i++)
        buf_add_string(&image, "010700000001000000");
    buf_add_string(&image, "0000");
    refused(&type, image.data, ERR_DATA, "a geometry with more than 64 in each other");
    buf_clear(&image);
}

static void
vectors_are_lists_or_bytes_as_their_logical_type_says(void **state)
{
    BinlogValueType mysql = type_of(MYSQL_COLUMN_VECTOR, 4, 0);
    BinlogValueType mariadb = type_of(MYSQL_COLUMN_VARCHAR, 12, 0);

    (void)state;
    mariadb.special = BINLOG_VECTOR;
    CHECK(&mysql, {"00000000", "[]"}, {"0c0000000000803f0000c03fcdcccc3d", "[1,1.5,0.1]"});
    CHECK(&mariadb, {"080000803f000000c0", "[1,-2]"});
    refused(&mariadb, "03000080", ERR_DATA, "a vector of 3 bytes: no multiple of 4");
    mysql.logical = mariadb.logical = LOGICAL_BYTES;
    CHECK(&mysql, {"040000000000803f", "0000803f"});
    CHECK(&mariadb, {"040000803f", "0000803f"});
}

static void
compressed_columns_are_unpacked(void **state)
{
    BinlogValueType text = characters(MYSQL_COLUMN_VARCHAR_COMPRESSED, 101, "latin1");
    BinlogValueType blob = type_of(MYSQL_COLUMN_BLOB_COMPRESSED, 2, 0);
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    Value value;
    Error err;

    (void)state;
    CHECK(&text, {"00", ""},
        {"0400e96162", "\xC3\xA9"
                       "ab"});
    CHECK(&blob, {"0000", ""}, {"030000ff00", "ff00"});
    /* 300 times "a", as a raw deflate stream */
    assert_ok(read_image(&text, "0a8a012c4b4c1c05c40200", memory, &value, &err), err);
    assert_int_equal(value.text.len, 300);
    for (size_t i = 0; i < value.text.len; i++)
        assert_int_equal(value.text.data[i], 'a');
}

static void
unknown_types_and_metadata_are_refused(void **state)
{
    BinlogValueType old = type_of(MYSQL_COLUMN_DECIMAL, 0, 0);
    BinlogValueType decimal = type_of(MYSQL_COLUMN_NEWDECIMAL, 5, 6);
    BinlogValueType bit = type_of(MYSQL_COLUMN_BIT, 65, 0);
    BinlogValueType time = type_of(MYSQL_COLUMN_TIME2, 0, 7);

    (void)state;
    refused(&old, "00", ERR_SOURCE, "column type 0 with length 0 and 0 decimals is not known");
    refused(
        &decimal, "00", ERR_SOURCE, "column type 246 with length 5 and 6 decimals is not known");
    refused(&bit, "00", ERR_SOURCE, "column type 16 with length 65 and 0 decimals is not known");
    refused(&time, "00", ERR_SOURCE, "column type 19 with length 0 and 7 decimals is not known");
}

static void
texts_of_a_row_stay_until_the_memory_is_reset(void **state)
{
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    CLEANUP(buf_clear) Buf large = BUF_INIT;
    Text kept[3000];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
            large.len = 0;
            for (size_t n = 0; n < (i % 100 == 0 ? 5000U : 10U); n++)
                buf_addf(&large, "%zu,", i);
            kept[i] = i % 3 == 0 ? binlog_memory_take(memory, &large)
                                 : binlog_memory_copy(memory, buf_text(&large));
        }
        for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
            char number[32];

            (void)snprintf(number, sizeof(number), "%zu,%zu,", i, i);
            assert_true(text_starts_with(kept[i], number));
            assert_true(text_ends_with(kept[i], number));
        }
        binlog_memory_reset(memory);
    }
}

/* Every type with every metadata, on bytes that mean nothing: a value or an error, no more. */
static void
random_images_and_metadata_never_crash(void **state)
{
    static const Text labels[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    uint64_t random = random_seed();

    (void)state;
    for (int i = 0; i < 300000; i++) {
        size_t len = next_random(&random) % 64;
        uint8_t *bytes = malloc(MAX(len, (size_t)1)); /* no byte more, for ASan to see */
        const uint8_t *at = bytes;
        BinlogValueType type = type_of((unsigned)next_random(&random) % 256,
            (unsigned)next_random(&random) % 70, (unsigned)next_random(&random) % 8);
        Value value;
        Error err;

        assert_non_null(bytes);
        for (size_t n = 0; n < len; n++)
            bytes[n] = (uint8_t)(next_random(&random) % 3 == 0 ? 0 : next_random(&random));
        type.special = (BinlogSpecial)(next_random(&random) % 6);
        type.charset = next_random(&random) % 2 == 0 ? NULL : binlog_charset_find(TEXT("latin1"));
        type.column.is_unsigned = next_random(&random) % 2 == 0;
        type.column.labels = labels;
        type.column.label_count = 3;
        if (binlog_value_read(&type, &at, bytes + len, memory, &value, &err)) {
            assert_true(at <= bytes + len);
            if (type.charset == NULL) /* UTF-8 always, and so no surprise later */
                assert_true(text_is_utf8(value.text, NULL));
        }
        if (!binlog_value_from_text(&type, (Text){(char *)bytes, len}, memory, &value, &err))
            assert_int_equal(err.kind, ERR_DATA);
        free(bytes);
        binlog_memory_reset(memory);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_size_reach_their_limits),
        cmocka_unit_test(decimals_keep_every_digit),
        cmocka_unit_test(floats_are_the_shortest_text_that_reads_back),
        cmocka_unit_test(bits_are_shown_from_the_highest),
        cmocka_unit_test(dates_may_be_zero_in_whole_or_in_part),
        cmocka_unit_test(times_and_fractions_are_shown_without_zeros_at_the_end),
        cmocka_unit_test(datetimes_and_timestamps_are_read_with_every_number_of_digits),
        cmocka_unit_test(every_day_of_a_timestamp_is_the_calendars),
        cmocka_unit_test(temporals_from_before_5_6_are_read),
        cmocka_unit_test(temporals_of_mariadb_5_3_have_fractions_of_their_own),
        cmocka_unit_test(characters_come_in_utf8_from_any_set),
        cmocka_unit_test(bytes_are_hexadecimal_and_binary_is_padded),
        cmocka_unit_test(addresses_of_mariadb_get_their_zeros_back),
        cmocka_unit_test(members_of_enumerations_and_sets_are_named),
        cmocka_unit_test(geometries_are_ewkb_of_little_endian_whatever_they_were),
        cmocka_unit_test(a_geometry_nested_without_end_is_refused),
        cmocka_unit_test(vectors_are_lists_or_bytes_as_their_logical_type_says),
        cmocka_unit_test(compressed_columns_are_unpacked),
        cmocka_unit_test(unknown_types_and_metadata_are_refused),
        cmocka_unit_test(texts_of_a_row_stay_until_the_memory_is_reset),
        cmocka_unit_test(random_images_and_metadata_never_crash),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
