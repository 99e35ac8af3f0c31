#include "source/binlog/temporal.h"

#include "source/binlog/digits.h"
#include "source/binlog/table_map.h"

#define MAX_DECIMALS  6
#define SECONDS_A_DAY 86400

static const unsigned powers[MAX_DECIMALS + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000};

size_t
binlog_temporal_size(unsigned type, unsigned decimals)
{
    static const uint8_t time_bytes[] = {3, 4, 4, 5, 5, 5, 6};
    static const uint8_t datetime_bytes[] = {8, 6, 6, 7, 7, 7, 8};

    if (decimals > MAX_DECIMALS)
        return 0;
    switch (type) {
    case MYSQL_COLUMN_DATE:
    case MYSQL_COLUMN_NEWDATE:
        return 3;
    case MYSQL_COLUMN_TIME:
        return time_bytes[decimals];
    case MYSQL_COLUMN_DATETIME:
        return datetime_bytes[decimals];
    case MYSQL_COLUMN_TIME2:
        return 3 + (decimals + 1) / 2;
    case MYSQL_COLUMN_TIMESTAMP:
    case MYSQL_COLUMN_TIMESTAMP2:
        return 4 + (decimals + 1) / 2;
    case MYSQL_COLUMN_DATETIME2:
        return 5 + (decimals + 1) / 2;
    default:
        return 0;
    }
}

static char *
print_date(char *to, unsigned year, unsigned month, unsigned day)
{
    to = binlog_print_two(to, year / 100);
    to = binlog_print_two(to, year % 100);
    *to++ = '-';
    to = binlog_print_two(to, month);
    *to++ = '-';
    return binlog_print_two(to, day);
}

static char *
print_clock(char *to, unsigned hour, unsigned minute, unsigned second)
{
    if (hour >= 100) {
        *to++ = (char)('0' + hour / 100);
        hour %= 100;
    }
    to = binlog_print_two(to, hour);
    *to++ = ':';
    to = binlog_print_two(to, minute);
    *to++ = ':';
    return binlog_print_two(to, second);
}

static char *
print_fraction(char *to, unsigned micros)
{
    if (micros == 0)
        return to;
    *to++ = '.';
    to = binlog_print_padded(to, micros, MAX_DECIMALS);
    while (to[-1] == '0')
        to--;
    return to;
}

/* A fraction's bytes, as many millionths as they are. */
static unsigned
micros_of(uint64_t fraction, unsigned decimals)
{
    static const unsigned units[] = {0, 10000, 100, 1};

    return (unsigned)fraction * units[(decimals + 1) / 2];
}

static bool
refuse(Error *err, const char *what, uint64_t number)
{
    return error_set(err, ERR_DATA, "%llu is no %s", (unsigned long long)number, what);
}

static bool
write_date(unsigned year, unsigned month, unsigned day, char **to, Error *err)
{
    if (year > 9999)
        return refuse(err, "year", year);
    if (month > 12)
        return refuse(err, "month", month);
    if (day > 31)
        return refuse(err, "day", day);
    *to = print_date(*to, year, month, day);
    return true;
}

static bool
write_clock(unsigned hour, unsigned minute, unsigned second, unsigned micros, char **to, Error *err)
{
    if (minute > 59)
        return refuse(err, "minute", minute);
    if (second > 59)
        return refuse(err, "second", second);
    if (micros > 999999)
        return refuse(err, "fraction of a second in millionths", micros);
    *to = print_fraction(print_clock(*to, hour, minute, second), micros);
    return true;
}

static bool
write_date_number(uint64_t date, char **to, Error *err)
{
    return write_date((unsigned)(date >> 9), date >> 5 & 15, date & 31, to, err);
}

static bool
write_time_number(int32_t number, char **to, Error *err)
{
    unsigned time = (unsigned)(number < 0 ? -number : number);

    if (time / 10000 > 838)
        return refuse(err, "hour of a time", time / 10000);
    if (number < 0)
        *(*to)++ = '-';
    return write_clock(time / 10000, time / 100 % 100, time % 100, 0, to, err);
}

static bool
write_datetime_number(uint64_t number, char **to, Error *err)
{
    uint64_t date = number / 1000000;
    unsigned clock = (unsigned)(number % 1000000);

    if (date > 99991231)
        return refuse(err, "date and time", number);
    if (clock / 10000 > 23)
        return refuse(err, "hour", clock / 10000);
    if (!write_date((unsigned)(date / 10000), (unsigned)(date / 100 % 100), (unsigned)(date % 100),
            to, err))
        return false;
    *(*to)++ = ' ';
    return write_clock(clock / 10000, clock / 100 % 100, clock % 100, 0, to, err);
}

/* Days since 1970 as a date of the Gregorian calendar, counted from 0000-03-01, so that the leap
 * day is a year's last one. */
static char *
print_day(char *to, unsigned days)
{
    unsigned day = days + 719468;
    unsigned era = day / 146097; /* of 400 years */
    unsigned of_era = day % 146097;
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 0: March */

    day = of_year - (153 * month + 2) / 5 + 1;
    year += era * 400;
    month = month < 10 ? month + 3 : month - 9;
    return print_date(to, month <= 2 ? year + 1 : year, month, day);
}

static bool
write_seconds(uint32_t seconds, unsigned micros, char **to, Error *err)
{
    unsigned clock = seconds % SECONDS_A_DAY;

    if (seconds == 0 && micros == 0) {
        memcpy(*to, "0000-00-00 00:00:00+00", 22);
        *to += 22;
        return true;
    }
    *to = print_day(*to, seconds / SECONDS_A_DAY);
    *(*to)++ = ' ';
    if (!write_clock(clock / 3600, clock / 60 % 60, clock % 60, micros, to, err))
        return false;
    memcpy(*to, "+00", 3);
    *to += 3;
    return true;
}

static bool
write_time2(const uint8_t *image, unsigned decimals, char **to, Error *err)
{
    unsigned fraction_bits = (decimals + 1) / 2 * 8;
    int64_t number = (int64_t)binlog_read_be(image, 3 + fraction_bits / 8) -
                     (INT64_C(1) << (23 + fraction_bits));
    uint64_t size = (uint64_t)(number < 0 ? -number : number);
    unsigned clock = (unsigned)(size >> fraction_bits);
    uint64_t fraction = size & ((UINT64_C(1) << fraction_bits) - 1);

    if (clock >> 12 > 838)
        return refuse(err, "hour of a time", clock >> 12);
    if (number < 0)
        *(*to)++ = '-';
    return write_clock(
        clock >> 12, clock >> 6 & 63, clock & 63, micros_of(fraction, decimals), to, err);
}

static bool
write_datetime2(const uint8_t *image, unsigned decimals, char **to, Error *err)
{
    uint64_t number = binlog_read_be(image, 5);
    uint64_t fraction = binlog_read_be(image + 5, (decimals + 1) / 2);
    unsigned months;

    if (number < UINT64_C(0x8000000000))
        return error_set(err, ERR_DATA, "a date and time below zero");
    number -= UINT64_C(0x8000000000);
    months = (unsigned)(number >> 22);
    if ((number >> 12 & 31) > 23)
        return refuse(err, "hour", number >> 12 & 31);
    if (!write_date(months / 13, months % 13, number >> 17 & 31, to, err))
        return false;
    *(*to)++ = ' ';
    return write_clock(
        number >> 12 & 31, number >> 6 & 63, number & 63, micros_of(fraction, decimals), to, err);
}

/* Whole seconds and a fraction of decimals digits, of a number that has both. */
static uint64_t
split_fraction(uint64_t number, unsigned decimals, unsigned *ret_micros)
{
    *ret_micros = (unsigned)(number % powers[decimals]) * powers[MAX_DECIMALS - decimals];
    return number / powers[decimals];
}

static bool
write_time53(const uint8_t *image, unsigned decimals, char **to, Error *err)
{
    int64_t number =
        (int64_t)binlog_read_be(image, binlog_temporal_size(MYSQL_COLUMN_TIME, decimals)) -
        INT64_C(3020400) * powers[decimals];
    unsigned micros;
    uint64_t seconds = split_fraction((uint64_t)(number < 0 ? -number : number), decimals, &micros);

    if (seconds / 3600 > 838)
        return refuse(err, "hour of a time", seconds / 3600);
    if (number < 0)
        *(*to)++ = '-';
    return write_clock((unsigned)(seconds / 3600), (unsigned)(seconds / 60 % 60),
        (unsigned)(seconds % 60), micros, to, err);
}

static bool
write_datetime53(const uint8_t *image, unsigned decimals, char **to, Error *err)
{
    size_t size = binlog_temporal_size(MYSQL_COLUMN_DATETIME, decimals);
    unsigned micros;
    uint64_t seconds = split_fraction(binlog_read_be(image, size), decimals, &micros);
    uint64_t days = seconds / SECONDS_A_DAY;
    uint64_t year = days / 32 / 13;
    unsigned clock = (unsigned)(seconds % SECONDS_A_DAY);

    if (year > 9999)
        return refuse(err, "year", year);
    if (!write_date((unsigned)year, (unsigned)(days / 32 % 13), (unsigned)(days % 32), to, err))
        return false;
    *(*to)++ = ' ';
    return write_clock(clock / 3600, clock / 60 % 60, clock % 60, micros, to, err);
}

static bool
write_timestamp53(const uint8_t *image, unsigned decimals, char **to, Error *err)
{
    unsigned micros;

    if (split_fraction(binlog_read_be(image + 4, (decimals + 1) / 2), decimals, &micros) != 0)
        return error_set(err, ERR_DATA, "a fraction that is a second or more");
    return write_seconds((uint32_t)binlog_read_be(image, 4), micros, to, err);
}

bool
binlog_temporal_print(unsigned type, unsigned decimals, const uint8_t *image, char **to, Error *err)
{
    switch (type) {
    case MYSQL_COLUMN_DATE:
    case MYSQL_COLUMN_NEWDATE:
        return write_date_number(binlog_read_le(image, 3), to, err);
    case MYSQL_COLUMN_TIME:
        if (decimals > 0)
            return write_time53(image, decimals, to, err);
        /* the sign's bit is moved to the top and back */
        return write_time_number((int32_t)(binlog_read_le(image, 3) << 8) >> 8, to, err);
    case MYSQL_COLUMN_DATETIME:
        if (decimals > 0)
            return write_datetime53(image, decimals, to, err);
        return write_datetime_number(binlog_read_le(image, 8), to, err);
    case MYSQL_COLUMN_TIMESTAMP:
        if (decimals > 0)
            return write_timestamp53(image, decimals, to, err);
        return write_seconds((uint32_t)binlog_read_le(image, 4), 0, to, err);
    case MYSQL_COLUMN_TIME2:
        return write_time2(image, decimals, to, err);
    case MYSQL_COLUMN_DATETIME2:
        return write_datetime2(image, decimals, to, err);
    case MYSQL_COLUMN_TIMESTAMP2:
        return write_seconds((uint32_t)binlog_read_be(image, 4),
            micros_of(binlog_read_be(image + 4, (decimals + 1) / 2), decimals), to, err);
    default:
        return error_set(err, ERR_INTERNAL, "column type %u is no date or time", type);
    }
}

Text
binlog_temporal_trim(Text shown)
{
    if (text_find(shown, '.') == shown.len)
        return shown;
    while (shown.len > 0 && shown.data[shown.len - 1] == '0')
        shown.len--;
    if (shown.len > 0 && shown.data[shown.len - 1] == '.')
        shown.len--;
    return shown;
}
