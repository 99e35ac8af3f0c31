/*
 * events.h - a source's events as lines of text, for comparison
 *
 *     BEGIN 2026-11-21 09:06:59.173449
 *     UPDATE public.item #2 (id* int integer, name text text) old 1, - new 2, "a\nb"
 *     TRUNCATE public.item
 *     COMMIT
 *
 * Shapes are numbered from 1 in the order in which they come. Values: - is absent, ~ unchanged.
 */
#pragma once

#include <inttypes.h>

#include "source/jsonl.h"
#include "support/test.h"

typedef struct EventDump {
    Buf text;
    uint64_t ids[256];
    size_t id_count;
    bool positions; /* print those of COMMIT */
} EventDump;

static inline void
dump_text(Buf *out, Text text)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F)
            buf_addf(out, "\\x%02X", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_char(out, '"');
}

static inline void
dump_values(Buf *out, const char *label, const Value *values, size_t count)
{
    if (values == NULL)
        return;
    buf_addf(out, " %s ", label);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_string(out, ", ");
        switch (values[i].kind) {
        case VALUE_ABSENT:
            buf_add_char(out, '-');
            break;
        case VALUE_NULL:
            buf_add_string(out, "null");
            break;
        case VALUE_UNCHANGED:
            buf_add_char(out, '~');
            break;
        case VALUE_TEXT:
            dump_text(out, values[i].text);
            break;
        }
    }
}

static inline size_t
dump_id(EventDump *dump, uint64_t id)
{
    for (size_t i = 0; i < dump->id_count; i++)
        if (dump->ids[i] == id)
            return i + 1;
    assert_true(dump->id_count < ARRAY_LEN(dump->ids));
    dump->ids[dump->id_count] = id;
    return ++dump->id_count;
}

static inline void
dump_change(EventDump *dump, const Change *change)
{
    static const char *const kinds[] = {"INSERT", "UPDATE", "DELETE"};
    const Table *table = change->table;
    bool any_key = false;

    buf_addf(&dump->text, "%s " TEXT_FMT "." TEXT_FMT " #%zu (", kinds[change->kind],
        TEXT_ARG(table->schema), TEXT_ARG(table->name), dump_id(dump, table->id));
    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];

        buf_addf(&dump->text, "%s" TEXT_FMT "%s %s", i == 0 ? "" : ", ", TEXT_ARG(column->name),
            column->in_key ? "*" : "", logical_type_name(column->logical));
        if (column->type.data != NULL)
            buf_addf(&dump->text, " " TEXT_FMT, TEXT_ARG(column->type));
        any_key = any_key || column->in_key;
    }
    assert_int_equal(any_key, table->has_key);
    buf_add_char(&dump->text, ')');
    dump_values(&dump->text, "old", change->before, table->column_count);
    dump_values(&dump->text, "new", change->after, table->column_count);
    buf_add_char(&dump->text, '\n');
}

static inline void
dump_event(EventDump *dump, const Event *event)
{
    char time[TIME_TEXT_SIZE];

    switch (event->kind) {
    case EVENT_BEGIN:
        buf_addf(&dump->text, "BEGIN %s\n",
            event->commit_time_us == TIME_UNKNOWN ? "unknown"
                                                  : clock_format(event->commit_time_us, time).data);
        break;
    case EVENT_CHANGE:
        dump_change(dump, &event->change);
        break;
    case EVENT_TRUNCATE:
        buf_addf(&dump->text, "TRUNCATE " TEXT_FMT "." TEXT_FMT "\n", TEXT_ARG(event->schema),
            TEXT_ARG(event->table));
        break;
    case EVENT_ROLLBACK:
        buf_add_string(&dump->text, "ROLLBACK\n");
        break;
    case EVENT_COMMIT:
        buf_add_string(&dump->text, "COMMIT");
        if (dump->positions)
            buf_addf(&dump->text, " " TEXT_FMT, TEXT_ARG(event->position));
        buf_add_char(&dump->text, '\n');
        break;
    case EVENT_POSITION:
        if (dump->positions)
            buf_addf(&dump->text, "POSITION " TEXT_FMT "\n", TEXT_ARG(event->position));
        break;
    }
}

static inline JsonlOptions
jsonl_options(const char *path)
{
    return (JsonlOptions){.path = path,
        .pattern = "*.jsonl",
        .poll_interval_ms = 5,
        .transaction_wait_ms = 50,
        .max_line = INT64_C(1) << 30,
        .skip_repeated = true};
}

static inline Source *
jsonl_open_at(const JsonlOptions *options, const char *position, Error *err)
{
    SourceStart start = {.service = "test", .options = options, .position = text_of(position)};

    return source_jsonl.open(&start, err);
}

/* Take all events; the last answer is returned. */
static inline Next
dump_all(EventDump *dump, Source *source, int64_t wait_ms, Error *err)
{
    Event event;
    Next next;

    while ((next = source->driver->next(source, wait_ms, &event, err)) == NEXT_ITEM)
        dump_event(dump, &event);
    return next;
}
