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

static void
read_hex(const char *hex, Buf *out)
{
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        buf_add_char(out, (char)byte);
}

static void
answer_to_char(const char *line)
{
    CLEANUP(buf_clear) Buf format = BUF_INIT;
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    CivilTime local;
    int64_t time_us;
    int at = 0;

    (void)sscanf(line, "c %" SCNd64 " %n", &time_us, &at);
    read_hex(line + at, &format);
    if (!to_char_check(buf_text(&format), &text)) {
        (void)printf("! %s\n", text.data);
        return;
    }
    local = time_zone_local(zone_of("UTC"), time_us);
    to_char_add(buf_text(&format), &local, &text);
    for (size_t i = 0; i < text.len; i++)
        (void)printf("%02x", (unsigned char)text.data[i]);
    (void)printf("\n");
}

static void
answer_local(const char *line)
{
    char zone[100];
    CivilTime local;
    int64_t time_us;

    (void)sscanf(line, "l %99s %" SCNd64, zone, &time_us);
    local = time_zone_local(zone_of(zone), time_us);
    (void)printf("%" PRId64 " %u %u %u %u %u %u\n", local.year, local.month, local.day, local.hour,
        local.minute, local.second, local.microsecond);
}

static void
answer_utc(const char *line)
{
    char zone[100];
    CivilTime local = {0};

    (void)sscanf(line, "u %99s %" SCNd64 " %u %u %u %u %u", zone, &local.year, &local.month,
        &local.day, &local.hour, &local.minute, &local.second);
    (void)printf("%" PRId64 "\n", time_zone_utc(zone_of(zone), &local));
}

int
main(void)
{
    char line[4096];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (line[0] == 'c')
            answer_to_char(line);
        else if (line[0] == 'l')
            answer_local(line);
        else
            answer_utc(line);
    }
    time_zone_close(open_zone);
    free((void *)(uintptr_t)open_name);
    return 0;
}
