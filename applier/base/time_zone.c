#include "base/time_zone.h"

#include <glib.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_S     ((int64_t)24 * 3600)
/* no zone was ever further from UTC */
#define OFFSET_MAX_S (DAY_S + (int64_t)2 * 3600)
#define NAME_MAX_LEN 100

struct TimeZone {
    GTimeZone *zone;
};

/* GLib takes offsets, rules and files as well, and makes a zone of "Europ5". */
static bool
is_name(Text name)
{
    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool other = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' || c == '/';

        if (!letter && (i == 0 || !other))
            return false;
    }
    return true;
}

static const char *
database_directory(void)
{
    const char *directory = getenv("TZDIR");

    return directory == NULL || directory[0] == '\0' ? "/usr/share/zoneinfo" : directory;
}

static bool
is_in_database(const char *name)
{
    char *path = file_join(database_directory(), name);
    bool found = file_exists(path);

    free(path);
    return found;
}

TimeZone *
time_zone_open(const char *name, Error *err)
{
    TimeZone *zone;
    GTimeZone *found = NULL;

    if (strcmp(name, "UTC") == 0)
        found = g_time_zone_new_utc();
    else if (is_name(text_of(name)) && is_in_database(name))
        found = g_time_zone_new_identifier(name);
    if (found == NULL) {
        (void)error_set(err, ERR_CONFIG,
            "there is no time zone of this name in %s (such as UTC or Europe/Berlin)",
            database_directory());
        return NULL;
    }
    zone = malloc(sizeof(*zone));
    if (zone == NULL)
        abort();
    zone->zone = found;
    return zone;
}

void
time_zone_close(TimeZone *zone)
{
    if (zone == NULL)
        return;
    g_time_zone_unref(zone->zone);
    free(zone);
}

static int64_t
divide_down(int64_t number, int64_t by)
{
    return number / by - (number % by < 0 ? 1 : 0);
}

static int
find_interval(const TimeZone *zone, int64_t time_s)
{
    return g_time_zone_find_interval(zone->zone, G_TIME_TYPE_UNIVERSAL, time_s);
}

CivilTime
time_zone_local(const TimeZone *zone, int64_t time_us)
{
    int64_t utc_s = divide_down(time_us, SECOND_US);
    int64_t local_s = utc_s + g_time_zone_get_offset(zone->zone, find_interval(zone, utc_s));
    int64_t days = divide_down(local_s, DAY_S);
    unsigned second = (unsigned)(local_s - days * DAY_S);
    int64_t fraction_us = time_us % SECOND_US;
    CivilTime local = {.hour = second / 3600,
        .minute = second / 60 % 60,
        .second = second % 60,
        .microsecond = (unsigned)(fraction_us + (fraction_us < 0 ? SECOND_US : 0))};

    clock_date(days, &local.year, &local.month, &local.day);
    return local;
}

/* The first second after low, up to high, that is in this interval or a later one. */
static int64_t
interval_start(const TimeZone *zone, int interval, int64_t low, int64_t high)
{
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (find_interval(zone, middle) < interval)
            low = middle;
        else
            high = middle;
    }
    return high;
}

int64_t
time_zone_utc(const TimeZone *zone, const CivilTime *local)
{
    int64_t local_s = clock_days(local->year, local->month, local->day) * DAY_S +
                      (int64_t)local->hour * 3600 + (int64_t)local->minute * 60 +
                      (int64_t)local->second;
    int interval = find_interval(zone, local_s - OFFSET_MAX_S);

    /* every interval that could show this time, from the earliest one */
    for (;; interval++) {
        int64_t utc_s = local_s - g_time_zone_get_offset(zone->zone, interval);
        int found = find_interval(zone, utc_s);

        if (found == interval)
            return utc_s * SECOND_US + (int64_t)local->microsecond;
        /* the interval before ended earlier than this, and this one begins later: skipped */
        if (found < interval)
            return interval_start(zone, interval, utc_s, local_s + OFFSET_MAX_S) * SECOND_US;
    }
}

bool
time_zone_is_steady(const TimeZone *zone, int64_t from_us, int64_t to_us)
{
    return find_interval(zone, divide_down(from_us, SECOND_US)) ==
           find_interval(zone, divide_down(to_us, SECOND_US));
}
