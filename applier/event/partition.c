#include "event/partition.h"

#include "base/clock.h"
#include "base/to_char.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_S     ((int64_t)24 * 3600)
/* more than any clock was ever set forth or back */
#define SHIFT_MAX_US (2 * DAY_S * SECOND_US)
#define YEAR_MIN     1
#define YEAR_MAX     9999

/* ---- periods on the wall clock ---- */

/* Seconds as on a clock that shows UTC. */
typedef struct Span {
    int64_t start;
    int64_t end; /* not of it any more */
} Span;

static Span
days(int64_t first, int64_t end)
{
    return (Span){first * DAY_S, end * DAY_S};
}

static int64_t
first_of_month(int64_t year, unsigned month)
{
    return month > 12 ? clock_days(year + 1, month - 12, 1) : clock_days(year, month, 1);
}

static Span
months(int64_t year, unsigned first, unsigned count)
{
    return days(first_of_month(year, first), first_of_month(year, first + count));
}

static int64_t
monday_of(int64_t day)
{
    /* the first day of 1970 was a Thursday */
    int64_t after = (day + 3) % 7;

    return day - (after < 0 ? after + 7 : after);
}

/* The first week of an ISO year is that of January 4. */
static int64_t
iso_year_start(int64_t year)
{
    return monday_of(clock_days(year, 1, 4));
}

static Span
iso_year(int64_t day, int64_t year)
{
    int64_t found = year + 1;

    while (iso_year_start(found) > day)
        found--;
    return days(iso_year_start(found), iso_year_start(found + 1));
}

/* Weeks that begin with the longer period, whose last one may be short. */
static Span
week_within(int64_t day, Span longer)
{
    int64_t first = longer.start / DAY_S;
    int64_t start = first + (day - first) / 7 * 7;

    return days(start, MIN(start + 7, longer.end / DAY_S));
}

/* A part of a day that divides it. */
static Span
part_of_day(int64_t day, const CivilTime *time, int64_t seconds)
{
    int64_t at = ((int64_t)time->hour * 60 + time->minute) * 60 + time->second;
    int64_t start = day * DAY_S + at / seconds * seconds;

    return (Span){start, start + seconds};
}

static Span
span_of(ToCharUnit unit, const CivilTime *time)
{
    int64_t day = clock_days(time->year, time->month, time->day);
    int64_t year = time->year;

    switch (unit) {
    case TO_CHAR_CENTURY: {
        int64_t first = (year - 1) / 100 * 100 + 1;

        return days(clock_days(first, 1, 1), clock_days(first + 100, 1, 1));
    }
    case TO_CHAR_YEAR:
        return months(year, 1, 12);
    case TO_CHAR_ISO_YEAR:
        return iso_year(day, year);
    case TO_CHAR_QUARTER:
        return months(year, (time->month - 1) / 3 * 3 + 1, 3);
    case TO_CHAR_MONTH:
        return months(year, time->month, 1);
    case TO_CHAR_YEAR_WEEK:
        return week_within(day, months(year, 1, 12));
    case TO_CHAR_MONTH_WEEK:
        return week_within(day, months(year, time->month, 1));
    case TO_CHAR_WEEK:
        return days(monday_of(day), monday_of(day) + 7);
    case TO_CHAR_DAY:
        return days(day, day + 1);
    case TO_CHAR_HALF_DAY:
        return part_of_day(day, time, DAY_S / 2);
    case TO_CHAR_HOUR:
        return part_of_day(day, time, 3600);
    case TO_CHAR_MINUTE:
        return part_of_day(day, time, 60);
    case TO_CHAR_SECOND:
    case TO_CHAR_FRACTION:
        return part_of_day(day, time, 1);
    case TO_CHAR_NOTHING:
    case TO_CHAR_UNITS:
        break;
    }
    return days(clock_days(YEAR_MIN, 1, 1), clock_days(YEAR_MAX + 1, 1, 1));
}

/* What all units of the format have in common: a week that ends in another month is cut in two by
 * a format that shows both. */
static Span
common_span(Text format, const CivilTime *time)
{
    unsigned units = to_char_units(format);
    Span common = span_of(TO_CHAR_NOTHING, time);

    for (unsigned unit = 0; unit < TO_CHAR_UNITS; unit++) {
        if ((units & (1U << unit)) != 0) {
            Span span = span_of((ToCharUnit)unit, time);

            common.start = MAX(common.start, span.start);
            common.end = MIN(common.end, span.end);
        }
    }
    return common;
}

static CivilTime
civil_of(int64_t wall_s)
{
    int64_t day = wall_s / DAY_S - (wall_s % DAY_S < 0 ? 1 : 0);
    unsigned second = (unsigned)(wall_s - day * DAY_S);
    CivilTime time = {.hour = second / 3600, .minute = second / 60 % 60, .second = second % 60};

    clock_date(day, &time.year, &time.month, &time.day);
    return time;
}

static int64_t
wall_seconds(const CivilTime *time)
{
    return part_of_day(clock_days(time->year, time->month, time->day), time, 1).start;
}

/* A clock that is put back shows a period twice: then it is the one of the two that the time is
 * in. */
static void
set_period(const PartitionRule *rule, int64_t time_us, const CivilTime *local, Partition *partition)
{
    Span span = common_span(text_of(rule->by), local);
    CivilTime start = civil_of(span.start);
    CivilTime end = civil_of(span.end);
    int64_t second_us = time_us - local->microsecond;
    int64_t wall_s = wall_seconds(local);

    partition->start_us = time_zone_utc(rule->zone, &start);
    partition->end_us = time_zone_utc(rule->zone, &end);
    if (time_us < partition->start_us || time_us >= partition->end_us) {
        partition->start_us = second_us - (wall_s - span.start) * SECOND_US;
        partition->end_us = second_us + (span.end - wall_s) * SECOND_US;
    }
}

/* ---- partitions ---- */

bool
partition_of(const PartitionRule *rule, int64_t commit_time_us, Arena *arena,
    Partition *ret_partition, Error *err)
{
    CLEANUP(buf_clear) Buf suffix = BUF_INIT;
    CivilTime local;

    if (commit_time_us == TIME_UNKNOWN)
        return error_set(err, ERR_DATA,
            "the commit time is not known, so neither is the partition \"%s\"", rule->by);
    local = time_zone_local(rule->zone, commit_time_us);
    if (local.year < YEAR_MIN || local.year > YEAR_MAX)
        return error_set(err, ERR_DATA,
            "the commit time is not of the years 1 to 9999, so it has no partition \"%s\"",
            rule->by);
    to_char_add(text_of(rule->by), &local, &suffix);
    ret_partition->suffix = arena_text(arena, buf_text(&suffix));
    set_period(rule, commit_time_us, &local, ret_partition);
    return true;
}

static bool
rule_differs(const PartitionRule *rule, int64_t a_us, int64_t b_us)
{
    CLEANUP(buf_clear) Buf a = BUF_INIT;
    CLEANUP(buf_clear) Buf b = BUF_INIT;
    CivilTime a_local = time_zone_local(rule->zone, a_us);
    CivilTime b_local = time_zone_local(rule->zone, b_us);

    to_char_add(text_of(rule->by), &a_local, &a);
    to_char_add(text_of(rule->by), &b_local, &b);
    return !text_equal(buf_text(&a), buf_text(&b));
}

bool
partition_differs(const TableRules *rules, int64_t a_us, int64_t b_us)
{
    if (a_us == b_us || a_us == TIME_UNKNOWN || b_us == TIME_UNKNOWN)
        return false;
    for (size_t i = 0; i < rules->count; i++) {
        const TableRule *rule = &rules->rules[i];

        if (rule->partition != NULL && !rule->skip && rule_differs(rule->partition, a_us, b_us))
            return true;
    }
    return false;
}

/* A clock that is set back near the edge of a period can show the period's neighbour inside of it.
 */
static PartitionPeriod
rule_period(const PartitionRule *rule, int64_t time_us)
{
    CivilTime local = time_zone_local(rule->zone, time_us);
    Partition partition = {.suffix = TEXT_NONE};
    PartitionPeriod inner;

    if (local.year < YEAR_MIN || local.year > YEAR_MAX)
        return (PartitionPeriod){time_us, time_us + 1};
    set_period(rule, time_us, &local, &partition);
    if (time_zone_is_steady(rule->zone, partition.start_us, partition.end_us))
        return (PartitionPeriod){partition.start_us, partition.end_us};
    inner = (PartitionPeriod){partition.start_us + SHIFT_MAX_US, partition.end_us - SHIFT_MAX_US};
    if (time_us >= inner.start_us && time_us < inner.end_us)
        return inner;
    return (PartitionPeriod){time_us, time_us + 1};
}

PartitionPeriod
partition_period(const TableRules *rules, int64_t time_us)
{
    PartitionPeriod common = {INT64_MIN, INT64_MAX};

    for (size_t i = 0; i < rules->count; i++) {
        const TableRule *rule = &rules->rules[i];
        PartitionPeriod period;

        if (rule->partition == NULL || rule->skip)
            continue;
        period = rule_period(rule->partition, time_us);
        common.start_us = MAX(common.start_us, period.start_us);
        common.end_us = MIN(common.end_us, period.end_us);
    }
    return common;
}

Text
partition_name(Text table, Text suffix, Arena *arena)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    buf_add_text(&name, table);
    buf_add_char(&name, '_');
    buf_add_text(&name, suffix);
    return arena_text(arena, buf_text(&name));
}
