#include "block/notation.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "block/geometry.h"

#define SHOWN_LEN 100 /* of a value in an error text */
#define DAY_S     86400

static bool
bad_value(Text value, const char *reason, Error *err)
{
    size_t len = value.len;

    if (len > SHOWN_LEN) {
        len = SHOWN_LEN;
        while (len > 0 && ((unsigned char)value.data[len] & 0xC0) == 0x80)
            len--;
    }
    return error_set(err, ERR_DATA, "value \"%.*s\"%s: %s", (int)len,
        value.len == 0 ? "" : value.data, len < value.len ? "..." : "", reason);
}

/* A value that is well formed, but not for this notation. */
static bool
refuse(int policy, Text value, const char *reason, Buf *out, bool *ret_null, Error *err)
{
    switch ((ValuePolicy)policy) {
    case POLICY_NULL:
        *ret_null = true;
        return true;
    case POLICY_TEXT:
        buf_add_text(out, value);
        return true;
    case POLICY_ERROR:
        break;
    }
    return bad_value(value, reason, err);
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
has_nul(const Notation *notation, Text value)
{
    return !notation->nul_texts && value.len > 0 && memchr(value.data, '\0', value.len) != NULL;
}

static bool
refuse_nul(Text value, Error *err)
{
    return error_set(err, ERR_DATA,
        "a NUL character at offset %zu, which no text of the target can hold",
        text_find(value, '\0'));
}

static bool
is_text(Text value, Error *err)
{
    size_t at;

    if (!text_is_utf8(value, &at))
        return error_set(err, ERR_DATA, "not UTF-8 at offset %zu (byte 0x%02x)", at,
            (unsigned char)value.data[at]);
    return true;
}

static size_t
skip_digits(Text value, size_t at)
{
    while (at < value.len && is_digit(value.data[at]))
        at++;
    return at;
}

static bool
is_integer(Text value, bool may_be_negative)
{
    size_t start = may_be_negative && value.len > 0 && value.data[0] == '-' ? 1 : 0;

    return value.len > start && skip_digits(value, start) == value.len;
}

/* [-]digits[.digits][e[+-]digits], with digits on at least one side of the point. */
static bool
is_number(Text value)
{
    size_t start = value.len > 0 && value.data[0] == '-' ? 1 : 0;
    size_t at = skip_digits(value, start);
    size_t digits = at - start;

    if (at < value.len && value.data[at] == '.') {
        start = ++at;
        at = skip_digits(value, at);
        digits += at - start;
    }
    if (digits == 0)
        return false;
    if (at < value.len && (value.data[at] == 'e' || value.data[at] == 'E')) {
        at++;
        if (at < value.len && (value.data[at] == '+' || value.data[at] == '-'))
            at++;
        start = at;
        at = skip_digits(value, at);
        if (at == start)
            return false;
    }
    return at == value.len;
}

static bool
is_infinity(Text value)
{
    return text_is(value, "Infinity") || text_is(value, "-Infinity");
}

static bool
is_infinite_date(Text value)
{
    return text_is(value, "infinity") || text_is(value, "-infinity");
}

/* A date, a time or both, in their parts. */
typedef struct Moment {
    bool has_date;
    bool has_time;
    bool has_zone;
    bool bc;
    bool negative; /* a time below zero */
    bool zero;     /* year, month or day is 0: MySQL's zero dates */
    int64_t year;  /* as written; 0 only in a zero date */
    unsigned month;
    unsigned day;
    int64_t hours;
    unsigned minute;
    unsigned second;
    Text fraction; /* its digits; empty when there is none */
    Text head;     /* everything before the fraction's point */
    Text tail;     /* everything after the fraction's digits */
    int zone_s;    /* east of UTC */
} Moment;

typedef struct Cursor {
    Text text;
    size_t at;
} Cursor;

static bool
take(Cursor *cursor, char c)
{
    if (cursor->at >= cursor->text.len || cursor->text.data[cursor->at] != c)
        return false;
    cursor->at++;
    return true;
}

/* Between min and max digits. */
static bool
take_digits(Cursor *cursor, size_t min, size_t max, int64_t *ret)
{
    size_t end = skip_digits(cursor->text, cursor->at);
    size_t len = end - cursor->at;
    int64_t value = 0;

    if (len < min || len > max)
        return false;
    while (cursor->at < end)
        value = value * 10 + (cursor->text.data[cursor->at++] - '0');
    *ret = value;
    return true;
}

static bool
take_two(Cursor *cursor, unsigned *ret)
{
    int64_t value;

    if (!take_digits(cursor, 2, 2, &value))
        return false;
    *ret = (unsigned)value;
    return true;
}

static bool
take_date(Cursor *cursor, Moment *moment)
{
    if (!take_digits(cursor, 4, 9, &moment->year) || !take(cursor, '-') ||
        !take_two(cursor, &moment->month) || !take(cursor, '-') || !take_two(cursor, &moment->day))
        return false;
    moment->has_date = true;
    moment->zero = moment->year == 0 || moment->month == 0 || moment->day == 0;
    return moment->month <= 12 && moment->day <= 31;
}

static bool
take_time(Cursor *cursor, Moment *moment)
{
    moment->has_time = true;
    if (!moment->has_date)
        moment->negative = take(cursor, '-');
    if (!take_digits(cursor, 2, moment->has_date ? 2 : 9, &moment->hours) || !take(cursor, ':') ||
        !take_two(cursor, &moment->minute) || !take(cursor, ':') ||
        !take_two(cursor, &moment->second))
        return false;
    moment->head = (Text){cursor->text.data, cursor->at};
    moment->fraction = TEXT("");
    if (take(cursor, '.')) {
        size_t start = cursor->at;

        cursor->at = skip_digits(cursor->text, start);
        moment->fraction = (Text){cursor->text.data + start, cursor->at - start};
        if (moment->fraction.len == 0)
            return false;
    }
    moment->tail = (Text){cursor->text.data + cursor->at, cursor->text.len - cursor->at};
    return moment->minute < 60 && moment->second < 60 && (!moment->has_date || moment->hours < 24);
}

/* +HH[:MM[:SS]]; PostgreSQL allows up to 15:59:59. */
static bool
take_zone(Cursor *cursor, Moment *moment)
{
    unsigned part[3] = {0, 0, 0};
    int sign;

    if (cursor->at >= cursor->text.len ||
        (cursor->text.data[cursor->at] != '+' && cursor->text.data[cursor->at] != '-'))
        return true;
    sign = cursor->text.data[cursor->at++] == '-' ? -1 : 1;
    if (!take_two(cursor, &part[0]))
        return false;
    for (size_t i = 1; i < 3 && take(cursor, ':'); i++)
        if (!take_two(cursor, &part[i]))
            return false;
    moment->has_zone = true;
    moment->zone_s = sign * (int)(part[0] * 3600 + part[1] * 60 + part[2]);
    return part[0] < 16 && part[1] < 60 && part[2] < 60;
}

static bool
has_date(LogicalType type)
{
    return type == LOGICAL_DATE || type == LOGICAL_TIMESTAMP || type == LOGICAL_TIMESTAMPTZ;
}

static bool
has_zone(LogicalType type)
{
    return type == LOGICAL_TIMETZ || type == LOGICAL_TIMESTAMPTZ;
}

/* The canonical text of one of the five date and time types; the zone may be missing. */
static bool
parse_moment(LogicalType type, Text value, Moment *ret)
{
    Cursor cursor = {value, 0};

    memset(ret, 0, sizeof(*ret));
    ret->head = value;
    if (has_date(type) && !take_date(&cursor, ret))
        return false;
    if (type != LOGICAL_DATE) {
        if (ret->has_date && !take(&cursor, ' '))
            return false;
        if (!take_time(&cursor, ret))
            return false;
    }
    if (has_zone(type) && !take_zone(&cursor, ret))
        return false;
    if (ret->has_date && value.len - cursor.at == 3 &&
        memcmp(value.data + cursor.at, " BC", 3) == 0) {
        ret->bc = true;
        cursor.at += 3;
    }
    return cursor.at == value.len && !(ret->bc && ret->zero);
}

static unsigned
month_days(int64_t year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/* Shift to UTC; year becomes astronomical on the way (1 BC is 0) and back. */
static void
shift_to_utc(Moment *moment)
{
    int64_t seconds =
        moment->hours * 3600 + (int64_t)moment->minute * 60 + moment->second - moment->zone_s;
    int64_t days = seconds / DAY_S - (seconds % DAY_S < 0);

    if (moment->zone_s == 0)
        return;
    seconds -= days * DAY_S;
    moment->hours = seconds / 3600;
    moment->minute = (unsigned)(seconds / 60 % 60);
    moment->second = (unsigned)(seconds % 60);
    if (!moment->has_date || days == 0)
        return;
    if (moment->bc)
        moment->year = 1 - moment->year;
    days += clock_days(moment->year, moment->month, moment->day);
    clock_date(days, &moment->year, &moment->month, &moment->day);
    moment->bc = moment->year <= 0;
    if (moment->bc)
        moment->year = 1 - moment->year;
}

/* NULL, or why the notation cannot hold the moment. */
static const char *
out_of_range(
    const Notation *notation, const ValuesConfig *policy, LogicalType type, const Moment *moment)
{
    bool any_time = notation->long_times && policy->out_of_range != POLICY_NULL;
    int64_t max_hours = any_time ? 0 : notation->max_hours;
    bool time_of_day = max_hours > 0 && max_hours <= 24;
    size_t held = (size_t)MAX(notation->fraction_digits, 0);

    if (moment->has_date) {
        int64_t year = moment->bc ? 1 - moment->year : moment->year;

        if (!moment->zero && moment->day > month_days(year, moment->month))
            return "no such day in this month";
        if (moment->bc && !notation->bc_dates)
            return "the target has no years BC";
        if (!moment->bc && notation->max_year > 0 && moment->year > notation->max_year)
            return "the year is past what the target can hold";
    } else if (type == LOGICAL_TIMETZ || time_of_day) {
        bool over = moment->hours > 24 ||
                    (moment->hours == 24 && (moment->minute > 0 || moment->second > 0));

        if (moment->negative || over)
            return "not a time of day, which is all the target can hold";
    } else if (max_hours > 0 && moment->hours > max_hours) {
        return "more hours than the target can hold";
    }
    for (size_t i = held; i < moment->fraction.len; i++)
        if (moment->fraction.data[i] != '0')
            return "more fraction digits than the target can hold";
    return NULL;
}

static void
add_fraction(const Notation *notation, const Moment *moment, Buf *out)
{
    size_t held = MIN(moment->fraction.len, (size_t)MAX(notation->fraction_digits, 0));

    if (held == 0)
        return;
    buf_add_char(out, '.');
    buf_add(out, moment->fraction.data, held);
}

static void
add_moment(const Notation *notation, LogicalType type, const Moment *moment, Buf *out)
{
    char text[64];
    int len = 0;

    if (!has_zone(type) || notation->zone == ZONE_KEPT) {
        buf_add_text(out, moment->head);
        if (moment->has_time) {
            add_fraction(notation, moment, out);
            buf_add_text(out, moment->tail);
        }
        return;
    }
    if (moment->has_date)
        len = snprintf(text, sizeof(text), "%04" PRId64 "-%02u-%02u ", moment->year, moment->month,
            moment->day);
    len += snprintf(text + len, sizeof(text) - (size_t)len, "%02" PRId64 ":%02u:%02u",
        moment->hours, moment->minute, moment->second);
    buf_add(out, text, (size_t)len);
    add_fraction(notation, moment, out);
    if (moment->bc)
        buf_add(out, " BC", 3);
}

static bool
write_moment(const Notation *notation, const ValuesConfig *policy, LogicalType type, Text value,
    Buf *out, bool *ret_null, Error *err)
{
    Moment moment;
    const char *reason;

    if (has_date(type) && is_infinite_date(value)) {
        if (!notation->infinite_dates)
            return refuse(
                policy->infinity, value, "the target has no infinite dates", out, ret_null, err);
        buf_add_text(out, value);
        return true;
    }
    if (!parse_moment(type, value, &moment) || (has_zone(type) && !moment.has_zone && !moment.zero))
        return bad_value(value, "malformed date or time", err);
    if (moment.zero) {
        /* passed on it is still spelled for the target: MySQL takes no zone */
        if (!notation->zero_dates && policy->zero_date != POLICY_TEXT)
            return refuse(
                policy->zero_date, value, "the target has no zero dates", out, ret_null, err);
        moment.zone_s = 0; /* no point in time that could be shifted */
    }
    if (has_zone(type) && notation->zone == ZONE_UTC)
        shift_to_utc(&moment);
    reason = out_of_range(notation, policy, type, &moment);
    if (reason != NULL)
        return refuse(policy->out_of_range, value, reason, out, ret_null, err);
    add_moment(notation, type, &moment, out);
    return true;
}

static bool
write_number(const Notation *notation, const ValuesConfig *policy, LogicalType type, Text value,
    Buf *out, bool *ret_null, Error *err)
{
    bool is_float = type == LOGICAL_FLOAT;

    if (is_number(value)) {
        buf_add_text(out, value);
        return true;
    }
    if (text_is(value, "NaN")) {
        if (!(is_float ? notation->float_special : notation->numeric_nan))
            return refuse(policy->nan, value, "the target has no NaN", out, ret_null, err);
    } else if (is_infinity(value)) {
        if (!(is_float ? notation->float_special : notation->numeric_infinity))
            return refuse(
                policy->infinity, value, "the target has no infinity", out, ret_null, err);
    } else {
        return bad_value(value, "malformed number", err);
    }
    buf_add_text(out, value);
    return true;
}

static bool
is_hex(Text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_digit(value.data[i]) && (value.data[i] < 'a' || value.data[i] > 'f'))
            return false;
    return value.len % 2 == 0;
}

static bool
is_bits(Text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] != '0' && value.data[i] != '1')
            return false;
    return true;
}

static bool
write_bool(const Notation *notation, Text value, Buf *out, Error *err)
{
    bool is_true = text_is(value, "t");

    if (!is_true && !text_is(value, "f"))
        return bad_value(value, "malformed bool: neither t nor f", err);
    if (notation->bools == BOOL_LETTERS)
        buf_add_char(out, is_true ? 't' : 'f');
    else
        buf_add_char(out, is_true ? '1' : '0');
    return true;
}

static bool
bad_geometry(Text value, const char *problem, Error *err)
{
    char reason[100];

    (void)snprintf(reason, sizeof(reason), "malformed geometry: %s", problem);
    return bad_value(value, reason, err);
}

static bool
write_geometry(const Notation *notation, Text value, Buf *out, Error *err)
{
    const char *problem = NULL;

    switch (notation->geometry) {
    case GEOMETRY_EWKB:
        problem = geometry_check(value);
        if (problem == NULL)
            buf_add_text(out, value);
        break;
    case GEOMETRY_EWKT:
        problem = geometry_to_ewkt(value, out);
        break;
    case GEOMETRY_SRID_WKB:
        problem = geometry_to_mysql(value, out);
        break;
    }
    return problem == NULL || bad_geometry(value, problem, err);
}

static bool
read_geometry(const Notation *notation, Text value, Buf *out, Error *err)
{
    const char *problem = NULL;

    switch (notation->geometry) {
    case GEOMETRY_EWKB:
        problem = geometry_check(value);
        if (problem == NULL)
            buf_add_text(out, value);
        break;
    case GEOMETRY_EWKT:
        problem = geometry_from_ewkt(value, out);
        break;
    case GEOMETRY_SRID_WKB:
        problem = geometry_from_mysql(value, out);
        break;
    }
    return problem == NULL || bad_geometry(value, problem, err);
}

static bool
write_checked(bool is_valid, const char *reason, Text value, Buf *out, Error *err)
{
    if (!is_valid)
        return bad_value(value, reason, err);
    buf_add_text(out, value);
    return true;
}

bool
notation_write(const Notation *notation, const ValuesConfig *policy, LogicalType type, Text value,
    Buf *out, bool *ret_null, Error *err)
{
    *ret_null = false;
    if (!is_text(value, err))
        return false;
    if (has_nul(notation, value)) {
        *ret_null = policy->out_of_range == POLICY_NULL;
        return *ret_null || refuse_nul(value, err);
    }
    switch (type) {
    case LOGICAL_BOOL:
        return write_bool(notation, value, out, err);
    case LOGICAL_INT:
        return write_checked(is_integer(value, true), "malformed integer", value, out, err);
    case LOGICAL_UINT:
        return write_checked(
            is_integer(value, false), "malformed unsigned integer", value, out, err);
    case LOGICAL_NUMERIC:
    case LOGICAL_FLOAT:
        return write_number(notation, policy, type, value, out, ret_null, err);
    case LOGICAL_BYTES:
        if (!is_hex(value))
            return bad_value(value, "malformed bytes: not pairs of lower-case hex digits", err);
        if (notation->bytes == BYTES_BACKSLASH_HEX)
            buf_add(out, "\\x", 2);
        buf_add_text(out, value);
        return true;
    case LOGICAL_BIT:
        return write_checked(is_bits(value), "malformed bits: not 0 and 1 only", value, out, err);
    case LOGICAL_DATE:
    case LOGICAL_TIME:
    case LOGICAL_TIMETZ:
    case LOGICAL_TIMESTAMP:
    case LOGICAL_TIMESTAMPTZ:
        return write_moment(notation, policy, type, value, out, ret_null, err);
    case LOGICAL_GEOMETRY:
        return write_geometry(notation, value, out, err);
    case LOGICAL_UNKNOWN:
    case LOGICAL_TEXT:
    case LOGICAL_INTERVAL:
    case LOGICAL_JSON:
    case LOGICAL_UUID:
    case LOGICAL_ARRAY:
    case LOGICAL_OTHER:
        break;
    }
    buf_add_text(out, value);
    return true;
}

static bool
read_bool(const Notation *notation, Text value, Buf *out, Error *err)
{
    bool letters = notation->bools == BOOL_LETTERS;
    bool is_true = text_is(value, letters ? "t" : "1");

    if (!is_true && !text_is(value, letters ? "f" : "0"))
        return bad_value(value,
            letters ? "malformed bool: neither t nor f" : "malformed bool: neither 1 nor 0", err);
    buf_add_char(out, is_true ? 't' : 'f');
    return true;
}

static bool
read_bytes(const Notation *notation, Text value, Buf *out, Error *err)
{
    Text hex = value;
    size_t start = out->len;

    if (notation->bytes == BYTES_BACKSLASH_HEX) {
        if (!text_starts_with(value, "\\x"))
            return bad_value(value, "malformed bytes: no \\x in front", err);
        hex.data += 2;
        hex.len -= 2;
    }
    buf_add_text(out, hex);
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] >= 'A' && out->data[i] <= 'F')
            out->data[i] = (char)(out->data[i] - 'A' + 'a');
    if (!is_hex((Text){out->data + start, hex.len})) {
        out->len = start;
        out->data[start] = '\0';
        return bad_value(value, "malformed bytes: not pairs of hex digits", err);
    }
    return true;
}

/* A policy may have passed a value on that the notation cannot hold: it is canonical as it is. */
static bool
read_moment(const Notation *notation, LogicalType type, Text value, Buf *out, Error *err)
{
    Moment moment;
    bool zone_added;

    if (has_date(type) && is_infinite_date(value)) {
        buf_add_text(out, value);
        return true;
    }
    if (!parse_moment(type, value, &moment))
        return bad_value(value, "malformed date or time", err);
    zone_added = has_zone(type) && !moment.has_zone;
    if (zone_added && notation->zone == ZONE_KEPT)
        return bad_value(value, "malformed date or time: no zone", err);
    buf_add(out, value.data, value.len - (moment.bc ? 3 : 0));
    if (zone_added)
        buf_add(out, "+00", 3);
    if (moment.bc)
        buf_add(out, " BC", 3);
    return true;
}

bool
notation_read(const Notation *notation, LogicalType type, Text value, Buf *out, Error *err)
{
    if (!is_text(value, err))
        return false;
    if (has_nul(notation, value))
        return refuse_nul(value, err);
    switch (type) {
    case LOGICAL_BOOL:
        return read_bool(notation, value, out, err);
    case LOGICAL_BYTES:
        return read_bytes(notation, value, out, err);
    case LOGICAL_DATE:
    case LOGICAL_TIME:
    case LOGICAL_TIMETZ:
    case LOGICAL_TIMESTAMP:
    case LOGICAL_TIMESTAMPTZ:
        return read_moment(notation, type, value, out, err);
    case LOGICAL_INT:
        return write_checked(is_integer(value, true), "malformed integer", value, out, err);
    case LOGICAL_UINT:
        return write_checked(
            is_integer(value, false), "malformed unsigned integer", value, out, err);
    case LOGICAL_NUMERIC:
    case LOGICAL_FLOAT:
        return write_checked(is_number(value) || text_is(value, "NaN") || is_infinity(value),
            "malformed number", value, out, err);
    case LOGICAL_BIT:
        return write_checked(is_bits(value), "malformed bits: not 0 and 1 only", value, out, err);
    case LOGICAL_GEOMETRY:
        return read_geometry(notation, value, out, err);
    case LOGICAL_UNKNOWN:
    case LOGICAL_TEXT:
    case LOGICAL_INTERVAL:
    case LOGICAL_JSON:
    case LOGICAL_UUID:
    case LOGICAL_ARRAY:
    case LOGICAL_OTHER:
        break;
    }
    buf_add_text(out, value);
    return true;
}
