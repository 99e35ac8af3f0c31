/*
 * bench_binlog.c - how fast values of row images become canonical texts
 *
 *     bench_binlog [values]
 *
 * Reads so many values of each type (default 5000000) from an image in memory, a thousand of them
 * to a reset of the memory, and prints values a second; then rows of WRITE_ROWS events with eight
 * columns. Its numbers belong into a change's description when the decoder changes.
 *
 *     gcc -O2 -DNDEBUG -D_GNU_SOURCE -std=gnu11 -Iapplier tests/bench/bench_binlog.c \
 *         build-bench/libdray.a -ljansson -lzstd -lz -o bench_binlog
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "source/binlog/rows.h"

#define IMAGE_VALUES 1000

typedef struct Kind {
    const char *name;
    unsigned type;
    unsigned length;
    unsigned decimals;
    const char *charset;
} Kind;

static const Kind kinds[] = {
    {"INT", MYSQL_COLUMN_LONG, 0, 0, NULL},
    {"BIGINT", MYSQL_COLUMN_LONGLONG, 0, 0, NULL},
    {"DECIMAL(10,2)", MYSQL_COLUMN_NEWDECIMAL, 10, 2, NULL},
    {"DECIMAL(65,30)", MYSQL_COLUMN_NEWDECIMAL, 65, 30, NULL},
    {"FLOAT", MYSQL_COLUMN_FLOAT, 4, 0, NULL},
    {"DOUBLE", MYSQL_COLUMN_DOUBLE, 8, 0, NULL},
    {"DATE", MYSQL_COLUMN_DATE, 0, 0, NULL},
    {"DATETIME(6)", MYSQL_COLUMN_DATETIME2, 0, 6, NULL},
    {"TIMESTAMP", MYSQL_COLUMN_TIMESTAMP2, 0, 0, NULL},
    {"TIME(3)", MYSQL_COLUMN_TIME2, 0, 3, NULL},
    {"BIT(64)", MYSQL_COLUMN_BIT, 64, 0, NULL},
    {"ENUM", MYSQL_COLUMN_ENUM, 1, 0, NULL},
    {"VARCHAR(255) utf8mb4", MYSQL_COLUMN_VARCHAR, 255, 0, "utf8mb4"},
    {"VARCHAR(255) latin1", MYSQL_COLUMN_VARCHAR, 255, 0, "latin1"},
    {"VARBINARY(255)", MYSQL_COLUMN_VARCHAR, 255, 0, NULL},
    {"BINARY(16)", MYSQL_COLUMN_STRING, 16, 0, NULL},
};

static const Text labels[] = {{"new", 3}, {"paid", 4}, {"sent", 4}};

static uint64_t
next_random(void)
{
    static uint64_t random = UINT64_C(0x9E3779B97F4A7C15);

    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
}

static void
add_big_endian(Buf *image, uint64_t number, size_t size)
{
    while (size > 0)
        buf_add_char(image, (char)(number >> (8 * --size)));
}

static BinlogValueType
type_of(const Kind *kind)
{
    return (BinlogValueType){.column = {.type = kind->type,
                                 .length = kind->length,
                                 .decimals = kind->decimals,
                                 .labels = labels,
                                 .label_count = ARRAY_LEN(labels)},
        .logical = LOGICAL_OTHER,
        .charset = kind->charset == NULL ? NULL : binlog_charset_find(text_of(kind->charset))};
}

static void
add_value(const Kind *kind, Buf *image)
{
    uint64_t any = next_random();
    int32_t small = (int32_t)any >> any % 24;
    int64_t large = (int64_t)next_random() >> any % 48;
    double amount = (double)(int64_t)(any % 100000000) / 100;
    float single = (float)amount;

    switch (kind->type) {
    case MYSQL_COLUMN_LONG:
        buf_add(image, &small, sizeof(small));
        break;
    case MYSQL_COLUMN_LONGLONG:
        buf_add(image, &large, sizeof(large));
        break;
    case MYSQL_COLUMN_NEWDECIMAL:
        add_big_endian(image, 0x80000000 + any % 100000000, 4);
        for (unsigned i = 0; kind->length == 65 && i < 6; i++)
            add_big_endian(image, next_random() % 1000000000, 4);
        if (kind->length == 65)
            add_big_endian(image, any % 1000, 2);
        else
            add_big_endian(image, any % 100, 1);
        break;
    case MYSQL_COLUMN_FLOAT:
        buf_add(image, &single, sizeof(single));
        break;
    case MYSQL_COLUMN_DOUBLE:
        buf_add(image, &amount, sizeof(amount));
        break;
    case MYSQL_COLUMN_DATE:
        large = (int64_t)((2000 + any % 30) << 9 | (1 + any % 12) << 5 | (1 + any % 28));
        buf_add(image, &large, 3);
        break;
    case MYSQL_COLUMN_DATETIME2:
        add_big_endian(image,
            UINT64_C(0x8000000000) + (((2000 + any % 30) * 13 + 1 + any % 12) << 22 |
                                         (1 + any % 28) << 17 | any % 24 << 12 | any % 60 << 6),
            5);
        add_big_endian(image, any % 1000000, 3);
        break;
    case MYSQL_COLUMN_TIMESTAMP2:
        add_big_endian(image, any & 0x7FFFFFFF, 4);
        break;
    case MYSQL_COLUMN_TIME2:
        add_big_endian(image, 0x800000 + (any % 24 << 12 | any % 60 << 6), 3);
        add_big_endian(image, any % 1000 * 10, 2);
        break;
    case MYSQL_COLUMN_BIT:
        add_big_endian(image, any, 8);
        break;
    case MYSQL_COLUMN_ENUM:
        buf_add_char(image, (char)(1 + any % 3));
        break;
    default:
        buf_add_char(image, 16);
        for (int i = 0; i < 16; i++)
            buf_add_char(image, (char)('a' + next_random() % 26));
        break;
    }
}

static bool
measure(const Kind *kind, uint64_t count, Error *err)
{
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    CLEANUP(buf_clear) Buf image = BUF_INIT;
    BinlogValueType type = type_of(kind);
    int64_t begin_us;
    uint64_t bytes = 0;

    for (unsigned i = 0; i < IMAGE_VALUES; i++)
        add_value(kind, &image);
    begin_us = clock_monotonic_us();
    for (uint64_t done = 0; done < count; done += IMAGE_VALUES) {
        const uint8_t *at = (const uint8_t *)image.data;
        const uint8_t *end = at + image.len;
        Value value;

        while (at < end) {
            if (!binlog_value_read(&type, &at, end, memory, &value, err))
                return error_wrap(err, "%s", kind->name);
            bytes += value.text.len;
        }
        binlog_memory_reset(memory);
    }
    begin_us = clock_monotonic_us() - begin_us;
    (void)printf("%-22s %6.1f million values/s, %5.0f MB/s of text\n", kind->name,
        (double)count / (double)begin_us, (double)bytes / (double)begin_us);
    return true;
}

/* A statement's rows: eight columns of the kinds above. */
static bool
measure_rows(uint64_t count, Error *err)
{
    static const size_t columns[] = {1, 0, 2, 12, 11, 13, 8, 5};
    CLEANUP(binlog_memory_free) BinlogMemory *memory = binlog_memory_new();
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    CLEANUP(buf_clear) Buf scratch = BUF_INIT;
    BinlogValueType types[ARRAY_LEN(columns)];
    BinlogFormat format = {.server_version = "10.11"};
    BinlogEvent event = {.type = BINLOG_WRITE_ROWS_V1};
    Value before[ARRAY_LEN(columns)];
    Value after[ARRAY_LEN(columns)];
    uint64_t done = 0;
    int64_t begin_us;

    buf_add(&body, "\1\0\0\0\0\0\1\0\10\377", 10); /* table 1, 8 columns, all of them there */
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        types[i] = type_of(&kinds[columns[i]]);
    for (unsigned row = 0; row < IMAGE_VALUES; row++) {
        buf_add_char(&body, 0); /* no nulls */
        for (size_t i = 0; i < ARRAY_LEN(columns); i++)
            add_value(&kinds[columns[i]], &body);
    }
    event.body = buf_text(&body);
    event.size = (uint32_t)body.len + BINLOG_HEADER_SIZE;
    begin_us = clock_monotonic_us();
    while (done < count) {
        BinlogRows rows;
        Next next;

        if (!binlog_rows_open(&format, &event, &scratch, &rows, err))
            return false;
        while ((next = binlog_rows_next(&rows, types, memory, before, after, err)) == NEXT_ITEM) {
            done++;
            binlog_memory_reset(memory);
        }
        if (next == NEXT_FAILED)
            return false;
    }
    begin_us = clock_monotonic_us() - begin_us;
    (void)printf("rows of %zu columns     %6.2f million rows/s, %.1f million values/s\n",
        ARRAY_LEN(columns), (double)done / (double)begin_us,
        (double)(done * ARRAY_LEN(columns)) / (double)begin_us);
    return true;
}

int
main(int argc, char **argv)
{
    uint64_t count = 5000000;
    Error err;

    if (argc > 1 && !text_to_u64(text_of(argv[1]), &count))
        return 2;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!measure(&kinds[i], count, &err)) {
            (void)fprintf(stderr, "%s\n", err.text);
            return 1;
        }
    }
    if (!measure_rows(count / 5, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return 0;
}
