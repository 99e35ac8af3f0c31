#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)
#define DAY_S     INT64_C(86400)

static int64_t
clock_read_us(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

int64_t
clock_now_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

int64_t
clock_monotonic_ms(void)
{
    return clock_read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_monotonic_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

/* Both count years from March, so that the leap day is the last of a year, in cycles of 400 years
 * with 146097 days; day 0 of the count, 0000-03-01, is 719468 days before 1970-01-01. */
int64_t
clock_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

void
clock_date(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    *ret_day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (unsigned)(month < 10 ? month + 3 : month - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

Text
clock_format(int64_t time_us, char *text)
{
    int64_t seconds;
    int64_t fraction;
    int64_t year;
    unsigned month;
    unsigned day;
    int len;

    text[0] = '\0';
    if (time_us == TIME_UNKNOWN)
        return (Text){text, 0};
    seconds = time_us / SECOND_US - (time_us % SECOND_US < 0);
    fraction = time_us - seconds * SECOND_US;
    clock_date(seconds / DAY_S - (seconds % DAY_S < 0), &year, &month, &day);
    seconds = ((seconds % DAY_S) + DAY_S) % DAY_S;
    len = snprintf(text, TIME_TEXT_SIZE, "%04d-%02u-%02u %02d:%02d:%02d.%06d", (int)year, month,
        day, (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60), (int)fraction);
    if (fraction % 1000 == 0)
        text[len -= 3] = '\0';
    return (Text){text, (size_t)len};
}

/* Exactly count digits at *at. */
static bool
digits(Text text, size_t *at, size_t count, unsigned *ret)
{
    unsigned value = 0;

    if (text.len - *at < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        char c = text.data[*at + i];

        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (unsigned)(c - '0');
    }
    *at += count;
    *ret = value;
    return true;
}

static bool
take(Text text, size_t *at, const char *any_of)
{
    if (*at >= text.len || text.data[*at] == '\0' || strchr(any_of, text.data[*at]) == NULL)
        return false;
    (*at)++;
    return true;
}

static bool
parse_fraction(Text text, size_t *at, int64_t *ret_us)
{
    int64_t scale = SECOND_US;
    size_t start;

    *ret_us = 0;
    if (!take(text, at, "."))
        return true;
    for (start = *at; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++)
        *ret_us += (scale /= 10) * (text.data[*at] - '0');
    return *at > start;
}

static bool
parse_zone(Text text, size_t *at, int64_t *ret_s)
{
    int64_t sign;
    unsigned part[3] = {0, 0, 0};

    *ret_s = 0;
    (void)take(text, at, " ");
    if (*at == text.len || take(text, at, "Z"))
        return *at == text.len;
    sign = text.data[*at] == '-' ? -1 : 1;
    if (!take(text, at, "+-") || !digits(text, at, 2, &part[0]))
        return false;
    for (size_t i = 1; i < 3 && *at < text.len; i++) {
        (void)take(text, at, ":");
        if (!digits(text, at, 2, &part[i]))
            return false;
    }
    *ret_s = sign * ((int64_t)part[0] * 3600 + (int64_t)part[1] * 60 + part[2]);
    return *at == text.len && part[1] < 60 && part[2] < 60;
}

bool
clock_parse(Text text, int64_t *ret_time_us)
{
    unsigned part[6]; /* year, month, day, hour, minute, second */
    static const char *const before[6] = {NULL, "-", "-", " T", ":", ":"};
    size_t at = 0;
    int64_t fraction;
    int64_t zone;

    for (size_t i = 0; i < 6; i++)
        if ((before[i] != NULL && !take(text, &at, before[i])) ||
            !digits(text, &at, i == 0 ? 4 : 2, &part[i]))
            return false;
    if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 24 ||
        part[4] > 59 || part[5] > 60)
        return false;
    if (!parse_fraction(text, &at, &fraction) || !parse_zone(text, &at, &zone))
        return false;
    *ret_time_us = (clock_days(part[0], part[1], part[2]) * DAY_S + (int64_t)part[3] * 3600 +
                       (int64_t)part[4] * 60 + part[5] - zone) *
                       SECOND_US +
                   fraction;
    return true;
}
