#include "source/pgq/value.h"

#include "base/clock.h"

#define SHOWN_LEN 100 /* of a value in an error text */
#define DAY_S     86400

typedef struct Moment {
    int64_t year; /* as written, from 1 on */
    unsigned month;
    unsigned day;
    unsigned hour;
    unsigned minute;
    unsigned second;
    Text fraction; /* with its point; maybe empty */
    bool has_zone;
    bool bc;
    int zone_s; /* east of UTC */
} Moment;

typedef struct Cursor {
    const char *at;
    const char *end;
} Cursor;

static bool
refuse(Text value, const char *reason, Error *err)
{
    size_t len = MIN(value.len, (size_t)SHOWN_LEN);

    while (len > 0 && len < value.len && ((unsigned char)value.data[len] & 0xC0) == 0x80)
        len--;
    return error_set(err, ERR_DATA, "value \"%.*s\"%s: %s", (int)len, value.data,
        len < value.len ? "..." : "", reason);
}

static bool
refuse_style(Text value, Error *err)
{
    return refuse(value,
        "not in ISO notation, so that nobody can tell which date it is: the session that wrote the "
        "row has another DateStyle; ALTER ROLE ... SET datestyle = 'ISO' for who writes, and "
        "bootstrap the table anew",
        err);
}

static bool
take(Cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

static bool
is_digit(const Cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

/* Between min and max digits, max up to 9. */
static bool
take_digits(Cursor *cursor, size_t min, size_t max, unsigned *ret)
{
    const char *begin = cursor->at;
    unsigned number = 0;

    while (is_digit(cursor) && (size_t)(cursor->at - begin) < max)
        number = number * 10 + (unsigned)(*cursor->at++ - '0');
    *ret = number;
    return (size_t)(cursor->at - begin) >= min && !is_digit(cursor);
}

/* At least four digits come first: in every other DateStyle two do, or letters. */
static bool
take_date(Cursor *cursor, Moment *moment)
{
    unsigned year;

    if (!take_digits(cursor, 4, 9, &year) || !take(cursor, '-') ||
        !take_digits(cursor, 2, 2, &moment->month) || !take(cursor, '-') ||
        !take_digits(cursor, 2, 2, &moment->day))
        return false;
    moment->year = year;
    return year > 0 && moment->month >= 1 && moment->month <= 12 && moment->day >= 1 &&
           moment->day <= 31;
}

static bool
take_time(Cursor *cursor, Moment *moment)
{
    const char *point;
    unsigned ignored;

    if (!take_digits(cursor, 2, 2, &moment->hour) || !take(cursor, ':') ||
        !take_digits(cursor, 2, 2, &moment->minute) || !take(cursor, ':') ||
        !take_digits(cursor, 2, 2, &moment->second))
        return false;
    point = cursor->at;
    if (take(cursor, '.') && !take_digits(cursor, 1, 9, &ignored))
        return false;
    moment->fraction = (Text){point, (size_t)(cursor->at - point)};
    return moment->hour < 24 && moment->minute < 60 && moment->second < 60;
}

/* +HH[:MM[:SS]] or Z, or nothing. */
static bool
take_zone(Cursor *cursor, Moment *moment)
{
    unsigned part[3] = {0, 0, 0};
    bool is_west;

    if (take(cursor, 'Z')) {
        moment->has_zone = true;
        return true;
    }
    is_west = take(cursor, '-');
    if (!is_west && !take(cursor, '+'))
        return true;
    if (!take_digits(cursor, 2, 2, &part[0]))
        return false;
    for (size_t i = 1; i < 3 && take(cursor, ':'); i++)
        if (!take_digits(cursor, 2, 2, &part[i]))
            return false;
    moment->has_zone = true;
    moment->zone_s = (int)(part[0] * 3600 + part[1] * 60 + part[2]) * (is_west ? -1 : 1);
    return part[0] < 24 && part[1] < 60 && part[2] < 60;
}

static bool
take_end(Cursor *cursor, Moment *moment)
{
    if (cursor->end - cursor->at == 3 && memcmp(cursor->at, " BC", 3) == 0) {
        moment->bc = true;
        cursor->at += 3;
    }
    return cursor->at == cursor->end;
}

static bool
is_infinity(Text text)
{
    return text_equal(text, TEXT("infinity")) || text_equal(text, TEXT("-infinity"));
}

static bool
check_date(Text text, Error *err)
{
    Cursor cursor = {text.data, text.data + text.len};
    Moment moment = {0};

    if (is_infinity(text) || (take_date(&cursor, &moment) && take_end(&cursor, &moment)))
        return true;
    return refuse_style(text, err);
}

/* The event's bytes are the reader's to change. */
static char *
writable(Text text)
{
    return (char *)(uintptr_t)text.data;
}

/* A date and a time; "T" between them becomes a blank, which is as long. */
static bool
take_timestamp(Text text, Moment *moment, Error *err)
{
    Cursor cursor = {text.data, text.data + text.len};
    char *between;

    *moment = (Moment){0};
    if (!take_date(&cursor, moment))
        return refuse_style(text, err);
    between = writable((Text){cursor.at, 1});
    if ((!take(&cursor, ' ') && !take(&cursor, 'T')) || !take_time(&cursor, moment) ||
        !take_zone(&cursor, moment) || !take_end(&cursor, moment))
        return refuse_style(text, err);
    if (*between == 'T')
        *between = ' ';
    return true;
}

static bool
check_timestamp(Text text, Error *err)
{
    Moment moment;

    if (is_infinity(text))
        return true;
    if (!take_timestamp(text, &moment, err))
        return false;
    return !moment.has_zone ||
           refuse(text,
               "an offset, where the column is a timestamp without time zone: its type was changed "
               "after the row was written; bootstrap the table anew",
               err);
}

/* Year becomes astronomical on the way (1 BC is 0) and back. */
static void
shift_to_utc(Moment *moment)
{
    int64_t seconds = (int64_t)moment->hour * 3600 + (int64_t)moment->minute * 60 + moment->second -
                      moment->zone_s;
    int64_t days = seconds / DAY_S - (seconds % DAY_S < 0);

    seconds -= days * DAY_S;
    moment->hour = (unsigned)(seconds / 3600);
    moment->minute = (unsigned)(seconds / 60 % 60);
    moment->second = (unsigned)(seconds % 60);
    if (days == 0)
        return;
    if (moment->bc)
        moment->year = 1 - moment->year;
    days += clock_days(moment->year, moment->month, moment->day);
    clock_date(days, &moment->year, &moment->month, &moment->day);
    moment->bc = moment->year <= 0;
    if (moment->bc)
        moment->year = 1 - moment->year;
}

/* At least count digits, zeros in front. Returns the place behind. */
static char *
print_number(char *to, uint64_t number, unsigned count)
{
    char digits[20];
    unsigned len = 0;

    do {
        digits[len++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (unsigned i = len; i < count; i++)
        *to++ = '0';
    while (len > 0)
        *to++ = digits[--len];
    return to;
}

static char *
print_text(char *to, Text text)
{
    if (text.len > 0)
        memcpy(to, text.data, text.len);
    return to + text.len;
}

static Text
print_moment(const Moment *moment, char *text)
{
    const unsigned numbers[] = {
        moment->month, moment->day, moment->hour, moment->minute, moment->second};
    char *to = print_number(text, (uint64_t)moment->year, 4);

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        *to++ = "-- ::"[i];
        to = print_number(to, numbers[i], 2);
    }
    to = print_text(to, moment->fraction);
    to = print_text(to, moment->bc ? TEXT("+00 BC") : TEXT("+00"));
    return (Text){text, (size_t)(to - text)};
}

static bool
shift_timestamptz(Text *text, Arena *scratch, Error *err)
{
    char printed[64];
    Moment moment;
    Text result;

    if (is_infinity(*text))
        return true;
    if (!take_timestamp(*text, &moment, err))
        return false;
    if (!moment.has_zone)
        return refuse(*text,
            "no offset, where the column is a timestamp with time zone: its type was changed "
            "after the row was written; bootstrap the table anew",
            err);
    if (moment.zone_s == 0 && text_ends_with(*text, "+00"))
        return true;
    shift_to_utc(&moment);
    result = print_moment(&moment, printed);
    if (result.len > text->len) {
        *text = arena_text(scratch, result);
        return true;
    }
    memcpy(writable(*text), result.data, result.len);
    text->len = result.len;
    return true;
}

/* "1 year 2 mons -3 days +04:05:06.7", any part of it */
static bool
is_postgres_interval(Text text)
{
    static const char *const units[] = {"year", "mon", "day"};
    Cursor cursor = {text.data, text.data + text.len};
    size_t unit = 0;

    while (cursor.at < cursor.end) {
        unsigned ignored;
        const char *digits;

        if (!take(&cursor, '-'))
            (void)take(&cursor, '+');
        for (digits = cursor.at; is_digit(&cursor);)
            cursor.at++;
        if (take(&cursor, ':'))
            /* "4:05:06" is the style sql_standard's */
            return cursor.at - digits > 2 && take_digits(&cursor, 2, 2, &ignored) &&
                   take(&cursor, ':') && take_digits(&cursor, 2, 2, &ignored) &&
                   (!take(&cursor, '.') || take_digits(&cursor, 1, 9, &ignored)) &&
                   cursor.at == cursor.end;
        if (cursor.at == digits || !take(&cursor, ' '))
            return false;
        while (unit < ARRAY_LEN(units) &&
               !text_starts_with((Text){cursor.at, (size_t)(cursor.end - cursor.at)}, units[unit]))
            unit++;
        if (unit == ARRAY_LEN(units))
            return false;
        cursor.at += strlen(units[unit++]);
        (void)take(&cursor, 's');
        if (cursor.at < cursor.end && (!take(&cursor, ' ') || cursor.at == cursor.end))
            return false;
    }
    return text.len > 0;
}

static bool
check_interval(Text text, Error *err)
{
    return is_infinity(text) || is_postgres_interval(text) ||
           refuse(text,
               "not in the notation of IntervalStyle postgres: the session that wrote the row has "
               "another one; ALTER ROLE ... SET intervalstyle = 'postgres' for who writes, and "
               "bootstrap the table anew",
               err);
}

static bool
take_bool(Text *text, Error *err)
{
    if (text->len == 1 && (text->data[0] == 't' || text->data[0] == 'f'))
        return true;
    if (!text_equal(*text, TEXT("true")) && !text_equal(*text, TEXT("false")))
        return refuse(*text, "neither true nor false", err);
    text->len = 1;
    return true;
}

/* "\x00ff": the digits, of which none but small ones are written. */
static bool
take_hex(Text *text, Error *err)
{
    Text digits = {text->data + 2, text->len - 2};

    for (size_t i = 0; i < digits.len; i++)
        if (!((digits.data[i] >= '0' && digits.data[i] <= '9') ||
                (digits.data[i] >= 'a' && digits.data[i] <= 'f')))
            return refuse(*text, "no bytes in hexadecimal notation", err);
    if (digits.len % 2 != 0)
        return refuse(*text, "half a byte at its end", err);
    *text = digits;
    return true;
}

/* One byte of "a\\\377"; -1: none. */
static int
take_escaped(Cursor *cursor)
{
    unsigned char byte = (unsigned char)*cursor->at++;
    int number = 0;

    if (byte != '\\')
        return byte >= 0x20 && byte < 0x7F ? byte : -1;
    if (take(cursor, '\\'))
        return '\\';
    if (cursor->end - cursor->at < 3 || cursor->at[0] > '3')
        return -1;
    for (size_t i = 0; i < 3; i++, cursor->at++) {
        if (*cursor->at < '0' || *cursor->at > '7')
            return -1;
        number = number * 8 + (*cursor->at - '0');
    }
    return number;
}

static bool
take_escape_notation(Text *text, Arena *scratch, Error *err)
{
    static const char digits[] = "0123456789abcdef";
    Cursor cursor = {text->data, text->data + text->len};
    char *hex = arena_alloc(scratch, text->len * 2 + 1);
    size_t len = 0;

    while (cursor.at < cursor.end) {
        int byte = take_escaped(&cursor);

        if (byte < 0)
            return refuse(
                *text, "bytes in the notation of neither bytea_output hex nor escape", err);
        hex[len++] = digits[byte >> 4];
        hex[len++] = digits[byte & 15];
    }
    *text = (Text){hex, len};
    return true;
}

static bool
take_bytes(Text *text, Arena *scratch, Error *err)
{
    /* a backslash of the bytes is doubled in escape notation */
    if (text_starts_with(*text, "\\x"))
        return take_hex(text, err);
    return text->len == 0 || take_escape_notation(text, scratch, err);
}

bool
pgq_value_canonical(LogicalType logical, PgqStyle style, Value *value, Arena *scratch, Error *err)
{
    /* jsontriga's values of a domain are those of the other style */
    (void)style;
    if (value->kind != VALUE_TEXT)
        return true;
    switch (logical) {
    case LOGICAL_BOOL:
        return take_bool(&value->text, err);
    case LOGICAL_BYTES:
        return take_bytes(&value->text, scratch, err);
    case LOGICAL_DATE:
        return check_date(value->text, err);
    case LOGICAL_TIMESTAMP:
        return check_timestamp(value->text, err);
    case LOGICAL_TIMESTAMPTZ:
        return shift_timestamptz(&value->text, scratch, err);
    case LOGICAL_INTERVAL:
        return check_interval(value->text, err);
    case LOGICAL_UNKNOWN:
    case LOGICAL_INT:
    case LOGICAL_UINT:
    case LOGICAL_NUMERIC:
    case LOGICAL_FLOAT:
    case LOGICAL_TEXT:
    case LOGICAL_BIT:
    case LOGICAL_TIME:
    case LOGICAL_TIMETZ:
    case LOGICAL_JSON:
    case LOGICAL_UUID:
    case LOGICAL_ARRAY:
    case LOGICAL_OTHER:
    case LOGICAL_GEOMETRY:
        return true;
    }
    return true;
}
