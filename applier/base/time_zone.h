/*
 * time_zone.h - times of the zones of the tz database ("Europe/Berlin", "UTC")
 *
 * Through GLib's GTimeZone, which reads the system's files ($TZDIR, else /usr/share/zoneinfo). A
 * TimeZone is const and may be used by any thread.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

typedef struct TimeZone TimeZone;

/* A moment on a wall clock, proleptic Gregorian calendar. */
typedef struct CivilTime {
    int64_t year;
    unsigned month; /* 1 to 12 */
    unsigned day;   /* 1 to 31 */
    unsigned hour;  /* 0 to 23 */
    unsigned minute;
    unsigned second;
    unsigned microsecond;
} CivilTime;

/* ERR_CONFIG where there is no zone of that name. "UTC" is there without a tz database too. */
TimeZone *time_zone_open(const char *name, Error *err) MUST_CHECK;
void time_zone_close(TimeZone *zone);
CLEANUP_DEFINE(TimeZone *, time_zone_close);

CivilTime time_zone_local(const TimeZone *zone, int64_t time_us);
/* The first moment at which the zone's clock shows this time, or, where it skips it, the first
 * moment after. The time is of the years -9999 to 99999. */
int64_t time_zone_utc(const TimeZone *zone, const CivilTime *local);
/* Does the zone's clock go on evenly between the two times, not set forth or back? */
bool time_zone_is_steady(const TimeZone *zone, int64_t from_us, int64_t to_us);
