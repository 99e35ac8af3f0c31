/*
 * fuzz_pgq_record.c - events of a queue: whatever they are, reading them ends in a record or an
 * error, and so does turning their values into canonical texts
 *
 * The input is events in lines; the bytes 0xFF part a line into ev_type, ev_data, ev_extra1 and
 * ev_extra2 (missing ones are null). All go through one record. Every value is taken for every
 * type. Type and data are also read as positions.
 */
#include <stdlib.h>

#include "source/pgq/position.h"
#include "source/pgq/record.h"
#include "source/pgq/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as long: a byte read behind it is found. */
static Text
copy_of(Text text)
{
    char *copy = malloc(text.len + (text.len == 0));

    if (copy == NULL)
        abort();
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    return (Text){copy, text.len};
}

static void
free_text(Text text)
{
    free((char *)(uintptr_t)text.data);
}

/* A canonical moment is one: taken once more it is the same. */
static void
touch_value(LogicalType logical, PgqStyle style, Text text, Arena *scratch)
{
    bool is_moment = logical == LOGICAL_DATE || logical == LOGICAL_TIMESTAMP ||
                     logical == LOGICAL_TIMESTAMPTZ || logical == LOGICAL_INTERVAL;
    Text bytes = copy_of(text);
    Value value = {VALUE_TEXT, bytes};
    Error err;

    if (pgq_value_canonical(logical, style, &value, scratch, &err)) {
        Text again = copy_of(value.text);
        Value twice = {VALUE_TEXT, again};

        if (logical == LOGICAL_BYTES && value.text.len % 2 != 0)
            abort();
        /* years past what the type holds are not limited twice */
        if (is_moment && pgq_value_canonical(logical, style, &twice, scratch, &err) &&
            !text_equal(twice.text, value.text))
            abort();
        free_text(again);
    } else if (err.kind != ERR_DATA) {
        abort();
    }
    free_text(bytes);
}

static void
touch_row(
    const PgqRecord *record, const Text *names, const Value *row, size_t count, Arena *scratch)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].len == 0 || !text_is_utf8(names[i], NULL))
            abort();
        for (size_t j = 0; j < i && count < 64; j++)
            if (text_equal(names[i], names[j]))
                abort();
        if (row[i].kind != VALUE_TEXT) {
            if (row[i].kind != VALUE_NULL)
                abort();
            continue;
        }
        if (!text_is_utf8(row[i].text, NULL))
            abort();
        for (int logical = LOGICAL_UNKNOWN; logical <= LOGICAL_GEOMETRY; logical++)
            touch_value((LogicalType)logical, record->style, row[i].text, scratch);
    }
}

static void
touch_record(const PgqRecord *record, Arena *scratch)
{
    if (record->kind == PGQ_RECORD_UNKNOWN)
        return;
    if (record->table.data == NULL || record->schema.data == NULL)
        abort();
    if (record->kind == PGQ_RECORD_TRUNCATE)
        return;
    touch_row(record, record->names, record->row, record->count, scratch);
    touch_row(record, record->old_names, record->old_row, record->old_count, scratch);
    for (size_t i = 0; i < record->key_count; i++) {
        size_t at = 0;

        while (at < record->count && !text_equal(record->names[at], record->keys[i]))
            at++;
        if (at == record->count)
            abort();
    }
}

static void
touch_positions(Text a, Text b)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    PgqPosition position;
    PgqPosition again;

    if (pgq_position_compare(a, a) != 0 && pgq_position_parse(a, &position) == false)
        abort();
    if (pgq_position_parse(a, &position)) {
        pgq_position_print(&position, &out);
        if (!pgq_position_parse(buf_text(&out), &again) || again.tick != position.tick ||
            again.txid != position.txid || !text_equal(again.snapshot, position.snapshot) ||
            pgq_position_compare(a, buf_text(&out)) != 0 || pgq_position_compare(a, TEXT("")) <= 0)
            abort();
        if (position.snapshot.data == NULL &&
            pgq_position_compare(a, b) != -pgq_position_compare(b, a))
            abort();
    }
}

static void
play(Text line, PgqRecord *record, Arena *scratch)
{
    Text fields[4] = {TEXT_NONE, TEXT_NONE, TEXT_NONE, TEXT_NONE};
    PgqEvent event = {.retry = -1};
    Error err;

    for (size_t i = 0; i < 4; i++) {
        size_t len = text_find(line, '\xFF');

        fields[i] = copy_of((Text){line.data, len});
        if (len == line.len)
            break;
        line = (Text){line.data + len + 1, line.len - len - 1};
    }
    if (fields[1].data != NULL)
        touch_positions(fields[0], fields[1]);
    event.type = fields[0];
    event.data = fields[1];
    event.extra1 = fields[2];
    event.extra2 = fields[3];
    if (pgq_record_read(&event, record, &err))
        touch_record(record, scratch);
    else if (err.kind != ERR_DATA)
        abort();
    for (size_t i = 0; i < 4; i++)
        free_text(fields[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_free) Arena *scratch = arena_new();
    PgqRecord record = {0};
    Text rest = {(const char *)data, size};

    while (rest.len > 0) {
        size_t len = text_find(rest, '\n');

        play((Text){rest.data, len}, &record, scratch);
        len = MIN(len + 1, rest.len);
        rest = (Text){rest.data + len, rest.len - len};
        arena_reset(scratch);
    }
    pgq_record_clear(&record);
    return 0;
}
