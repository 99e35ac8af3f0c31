/*
 * bench_wal2json.c - how fast lines of wal2json are decoded
 *
 *     bench_wal2json [rows]
 *
 * Decodes so many inserts of 8 columns (default 1000000) from memory and prints seconds, rows and
 * megabytes a second. Its number belongs into a change's description when the decoder changes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "source/wal2json.h"

static void
add_line(Buf *line, unsigned number)
{
    line->len = 0;
    buf_addf(line,
        "{\"action\":\"I\",\"xid\":%u,\"timestamp\":\"2026-11-21 09:06:59.173449+00\",\"lsn\":"
        "\"0/155D890\",\"schema\":\"public\",\"table\":\"orders\",\"columns\":["
        "{\"name\":\"id\",\"type\":\"bigint\",\"value\":%u},"
        "{\"name\":\"customer\",\"type\":\"integer\",\"value\":%u},"
        "{\"name\":\"amount\",\"type\":\"numeric(10,2)\",\"value\":%u.50},"
        "{\"name\":\"state\",\"type\":\"character varying(20)\",\"value\":\"shipped\"},"
        "{\"name\":\"paid\",\"type\":\"boolean\",\"value\":%s},"
        "{\"name\":\"note\",\"type\":\"text\",\"value\":\"line \\\"%u\\\" with an escape\"},"
        "{\"name\":\"placed\",\"type\":\"timestamp with time zone\",\"value\":"
        "\"2026-11-21 09:06:59.173449+00\"},"
        "{\"name\":\"ref\",\"type\":\"uuid\",\"value\":"
        "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"}],"
        "\"pk\":[{\"name\":\"id\",\"type\":\"bigint\"}]}",
        number / 100, number, number % 1000, number % 10000, number % 2 == 0 ? "true" : "false",
        number);
}

int
main(int argc, char **argv)
{
    uint64_t rows = 1000000;
    CLEANUP(wal2json_free) Wal2json *decoder = wal2json_new();
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    int64_t spent_us = 0;
    uint64_t bytes = 0;
    Error err;

    if (argc > 1 && !text_to_u64(text_of(argv[1]), &rows))
        return 2;
    for (uint64_t row = 0; row < rows; row += 1000) {
        static char block[1000][1024];
        static size_t lens[1000];
        int64_t begin_us;

        for (unsigned i = 0; i < 1000; i++) {
            add_line(&line, (unsigned)row + i);
            lens[i] = line.len;
            memcpy(block[i], line.data, line.len);
        }
        begin_us = clock_monotonic_us();
        for (unsigned i = 0; i < 1000; i++) {
            WalLine decoded;

            bytes += lens[i];
            if (!wal2json_decode(decoder, block[i], lens[i], &decoded, &err)) {
                (void)fprintf(stderr, "%s\n", err.text);
                return 1;
            }
        }
        spent_us += clock_monotonic_us() - begin_us;
    }
    (void)printf("%" PRIu64 " rows in %.3f s: %.0f rows/s, %.0f MB/s\n", rows,
        (double)spent_us / 1e6, (double)rows * 1e6 / (double)spent_us,
        (double)bytes / (double)spent_us);
    return 0;
}
