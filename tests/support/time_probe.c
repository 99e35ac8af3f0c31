/*
 * time_probe - base/to_char.h and base/time_zone.h for tests/integration/test_to_char.py
 *
 * One question a line on standard input, one answer a line:
 *     c TIME_US FORMAT_IN_HEX        the text in hex, or "! " and the reason why it is refused
 *     l ZONE TIME_US                 the zone's clock: year month day hour minute second us
 *     u ZONE YEAR MONTH DAY HOUR MINUTE SECOND    the first moment of that time, microseconds
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time_zone.h"
#include "base/to_char.h"

static const char *open_name;
static TimeZone *open_zone;

static TimeZone *
zone_of(const char *name)
{
    Error err;

    if (open_name != NULL && strcmp(open_name, name) == 0)
        return open_zone;
    time_zone_close(open_zone);
    free((void *)(uintptr_t)open_name);
    open_zone = time_zone_open(name, &err);
    open_name = strdup(name);
    if (open_zone == NULL) {
        (void)fprintf(stderr, "%s: %s\n", name, err.text);
        exit(1);
    }
    return open_zone;
}

static int64_t
next_number(char **rest)
{
    const char *word = strsep(rest, " \n");

    return word == NULL ? 0 : strtoll(word, NULL, 10);
}

static void
read_hex(const char *hex, Buf *out)
{
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        const char digits[] = {hex[0], hex[1], '\0'};
        const char byte = (char)strtoul(digits, NULL, 16);

        buf_add(out, &byte, 1);
    }
}

static void
answer_to_char(char *rest)
{
    int64_t time_us = next_number(&rest);
    const char *hex = strsep(&rest, " \n");
    CivilTime local = time_zone_local(zone_of("UTC"), time_us);
    CLEANUP(buf_clear) Buf format = BUF_INIT;
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    read_hex(hex == NULL ? "" : hex, &format);
    if (!to_char_check(buf_text(&format), &text)) {
        (void)printf("! %s\n", text.data);
        return;
    }
    to_char_add(buf_text(&format), &local, &text);
    for (size_t i = 0; i < text.len; i++)
        (void)printf("%02x", (unsigned char)text.data[i]);
    (void)printf("\n");
}

static void
answer_local(char *rest)
{
    const TimeZone *zone = zone_of(strsep(&rest, " "));
    CivilTime local = time_zone_local(zone, next_number(&rest));

    (void)printf("%" PRId64 " %u %u %u %u %u %u\n", local.year, local.month, local.day, local.hour,
        local.minute, local.second, local.microsecond);
}

static void
answer_utc(char *rest)
{
    const TimeZone *zone = zone_of(strsep(&rest, " "));
    CivilTime local = {.year = next_number(&rest)};

    local.month = (unsigned)next_number(&rest);
    local.day = (unsigned)next_number(&rest);
    local.hour = (unsigned)next_number(&rest);
    local.minute = (unsigned)next_number(&rest);
    local.second = (unsigned)next_number(&rest);
    (void)printf("%" PRId64 "\n", time_zone_utc(zone, &local));
}

int
main(void)
{
    char line[4096];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *rest = line;
        const char *kind = strsep(&rest, " ");

        if (strcmp(kind, "c") == 0)
            answer_to_char(rest);
        else if (strcmp(kind, "l") == 0)
            answer_local(rest);
        else
            answer_utc(rest);
    }
    time_zone_close(open_zone);
    free((void *)(uintptr_t)open_name);
    return 0;
}
