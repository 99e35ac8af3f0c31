/*
 * golden_pgq.c - events that PgQ 3.5's triggers wrote on PostgreSQL 15 give the recorded rows:
 * pgq/NAME.queue, NAME.types and NAME.rows -> pgq/NAME.events. pgq/record.py records them.
 *
 *     7 UPDATE json public.item (id) old id="1" new id="1", name=null
 *
 * Every value is compared with what the server itself shows of it in the session that source
 * postgres has. Where the triggers' text cannot tell that, .events has both, or the reason of the
 * refusal behind "!".
 *
 * DRAY_GOLDEN_WRITE=1 writes the .events anew; read the difference before it is committed.
 */
#include <inttypes.h>

#include "../unit/source/events.h"

#include "base/file.h"
#include "source/pgq/record.h"
#include "source/pgq/value.h"
#include "source/postgres_value.h"

#define FILE_MAX    ((size_t)1 << 24)
#define FIELD_COUNT 10 /* of an event */

typedef struct Playback {
    Buf queue;
    Buf types;
    Buf rows;
    Buf out;
    PgqRecord record;
    Arena *scratch;
    size_t compared;
    size_t different;
} Playback;

/* A field of COPY's text format, unescaped into memory of its own that is exactly as long. */
static Text
unescape(Text field)
{
    static const char letters[] = "bfnrtv\\";
    static const char bytes[] = "\b\f\n\r\t\v\\";
    char *copy;
    size_t len = 0;

    if (text_is(field, "\\N"))
        return TEXT_NONE;
    copy = malloc(field.len + (field.len == 0));
    assert_non_null(copy);
    for (size_t i = 0; i < field.len; i++) {
        copy[len] = field.data[i];
        if (field.data[i] == '\\' && i + 1 < field.len) {
            const char *letter = strchr(letters, field.data[++i]);

            assert_non_null(letter);
            copy[len] = bytes[letter - letters];
        }
        len++;
    }
    copy = realloc(copy, len + (len == 0));
    assert_non_null(copy);
    return (Text){copy, len};
}

static void
free_text(Text text)
{
    free((char *)(uintptr_t)text.data);
}

/* The next line's fields, still escaped. */
static bool
next_line(Text *rest, Text *fields, size_t count)
{
    size_t len = text_find(*rest, '\n');
    Text line = {rest->data, len};

    if (rest->len == 0)
        return false;
    *rest = (Text){rest->data + MIN(len + 1, rest->len), rest->len - MIN(len + 1, rest->len)};
    for (size_t i = 0; i < count; i++) {
        size_t end = text_find(line, '\t');

        assert_true(i + 1 == count ? end == line.len : end < line.len);
        fields[i] = (Text){line.data, end};
        line = (Text){line.data + MIN(end + 1, line.len), line.len - MIN(end + 1, line.len)};
    }
    return true;
}

/* The column's logical type; unknown for a table that the catalogue does not have. */
static LogicalType
type_of(const Playback *playback, const PgqRecord *record, Text column)
{
    CLEANUP(buf_clear) Buf table = BUF_INIT;
    Text rest = buf_text(&playback->types);
    LogicalType logical = LOGICAL_UNKNOWN;
    Text fields[3];

    buf_addf(&table, TEXT_FMT "." TEXT_FMT, TEXT_ARG(record->schema), TEXT_ARG(record->table));
    while (next_line(&rest, fields, 3)) {
        Text name = unescape(fields[1]);

        if (text_equal(fields[0], buf_text(&table)) && text_equal(name, column))
            logical = logical_type_of_postgres(fields[2]);
        free_text(name);
    }
    return logical;
}

/* What the server shows of the value, as source postgres hands it over. */
static bool
shown_by_server(
    const Playback *playback, int64_t event, Text column, LogicalType logical, Value *ret_value)
{
    CLEANUP(buf_clear) Buf prefix = BUF_INIT;
    Text rest = buf_text(&playback->rows);
    Text fields[3];
    Error err;

    buf_add_u64(&prefix, (uint64_t)event);
    while (next_line(&rest, fields, 3))
        if (text_equal(fields[0], buf_text(&prefix)) && text_equal(fields[1], column)) {
            Text text = unescape(fields[2]);

            *ret_value = (Value){text.data == NULL ? VALUE_NULL : VALUE_TEXT, text};
            assert_ok(postgres_value_canonical(logical, ret_value, &err), err);
            return true;
        }
    return false;
}

static void
dump_value(Buf *out, const Value *value)
{
    if (value->kind == VALUE_NULL)
        buf_add_string(out, "null");
    else
        dump_text(out, value->text);
}

/* The value in its canonical text, and where it is not what the server shows, that as well. */
static void
play_value(Playback *playback, int64_t event, Text name, const Value *value, bool is_new)
{
    LogicalType logical = type_of(playback, &playback->record, name);
    Value canonical = *value;
    Value shown;
    Error err;

    buf_addf(&playback->out, TEXT_FMT "=", TEXT_ARG(name));
    if (!pgq_value_canonical(
            logical, playback->record.style, &canonical, playback->scratch, &err)) {
        assert_int_equal(err.kind, ERR_DATA);
        buf_addf(&playback->out, "!%s", err.text);
        return;
    }
    dump_value(&playback->out, &canonical);
    if (!is_new || !shown_by_server(playback, event, name, logical, &shown))
        return;
    playback->compared++;
    if (shown.kind != canonical.kind || !text_equal(shown.text, canonical.text)) {
        playback->different++;
        buf_add_string(&playback->out, " (server: ");
        dump_value(&playback->out, &shown);
        buf_add_char(&playback->out, ')');
    }
    if (shown.text.data != NULL)
        free((char *)(uintptr_t)(shown.text.data -
                                 (logical == LOGICAL_BYTES && shown.kind == VALUE_TEXT ? 2 : 0)));
}

static void
play_change(Playback *playback, int64_t event)
{
    static const char *const changes[] = {"INSERT", "UPDATE", "DELETE"};
    const PgqRecord *record = &playback->record;
    Buf *out = &playback->out;

    buf_addf(out, "%s%s " TEXT_FMT "." TEXT_FMT " (", changes[record->change],
        record->style == PGQ_STYLE_JSON ? " json" : "", TEXT_ARG(record->schema),
        TEXT_ARG(record->table));
    for (size_t i = 0; i < record->key_count; i++)
        buf_addf(out, "%s" TEXT_FMT, i == 0 ? "" : " | ", TEXT_ARG(record->keys[i]));
    buf_add_char(out, ')');
    for (size_t i = 0; i < record->old_count; i++) {
        buf_add_string(out, i == 0 ? " old " : ", ");
        play_value(playback, event, record->old_names[i], &record->old_row[i], false);
    }
    buf_add_string(out, record->change == CHANGE_DELETE ? " old" : " new");
    for (size_t i = 0; i < record->count; i++) {
        buf_add_string(out, i == 0 ? " " : ", ");
        play_value(
            playback, event, record->names[i], &record->row[i], record->change != CHANGE_DELETE);
    }
    buf_add_char(out, '\n');
}

static void
play_record(Playback *playback, PgqEvent *event)
{
    const PgqRecord *record = &playback->record;
    Buf *out = &playback->out;
    Error err;

    buf_addf(out, "%" PRId64 " ", event->id);
    if (!pgq_record_read(event, &playback->record, &err)) {
        assert_int_equal(err.kind, ERR_DATA);
        buf_addf(out, "ERROR %s\n", err.text);
        return;
    }
    switch (record->kind) {
    case PGQ_RECORD_CHANGE:
        play_change(playback, event->id);
        break;
    case PGQ_RECORD_TRUNCATE:
        buf_addf(out, "TRUNCATE " TEXT_FMT "." TEXT_FMT "\n", TEXT_ARG(record->schema),
            TEXT_ARG(record->table));
        break;
    case PGQ_RECORD_UNKNOWN:
        buf_addf(out, "UNKNOWN %s" TEXT_FMT "\n", event->type.data == NULL ? "(null)" : "",
            TEXT_ARG(event->type));
        break;
    }
}

static void
play(Playback *playback)
{
    Text rest = buf_text(&playback->queue);
    Text fields[FIELD_COUNT];
    int64_t before = 0;

    while (next_line(&rest, fields, FIELD_COUNT)) {
        PgqEvent event = {.retry = -1};
        Text *texts[] = {
            &event.type, &event.data, &event.extra1, &event.extra2, &event.extra3, &event.extra4};

        assert_true(text_to_i64(fields[0], &event.id) && event.id > before);
        before = event.id;
        assert_true(clock_parse(fields[1], &event.time_us));
        assert_true(text_to_u64(fields[2], &event.txid));
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            *texts[i] = unescape(fields[i + 4]);
        play_record(playback, &event);
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            free_text(*texts[i]);
    }
}

static void
read_recorded(const char *name, const char *suffix, Buf *ret_bytes)
{
    const char *root = getenv("DRAY_SOURCE_ROOT");
    CLEANUP(buf_clear) Buf path = BUF_INIT;
    Error err;

    assert_non_null(root);
    buf_addf(&path, "%s/tests/golden/pgq/%s.%s", root, name, suffix);
    if (getenv("DRAY_GOLDEN_WRITE") != NULL && strcmp(suffix, "events") == 0)
        assert_ok(file_write_durable(path.data, ret_bytes->data, ret_bytes->len, &err), err);
    buf_clear(ret_bytes);
    assert_ok(file_read_all(path.data, FILE_MAX, ret_bytes, &err), err);
}

/* The numbers of values that the server's own are to be compared with, and that differ. */
static void
compare(const char *name, size_t compared, size_t different)
{
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    Playback playback = {.scratch = arena_new()};
    CLEANUP(pgq_encoding_free) PgqEncoding *latin1 = pgq_encoding_new("LATIN1");

    read_recorded(name, "queue", &playback.queue);
    read_recorded(name, "types", &playback.types);
    read_recorded(name, "rows", &playback.rows);
    if (strcmp(name, "latin1") == 0)
        playback.record.encoding = latin1;
    play(&playback);
    buf_add_text(&expected, buf_text(&playback.out));
    read_recorded(name, "events", &expected);
    assert_string_equal(buf_string(&playback.out), buf_string(&expected));
    assert_int_equal(playback.compared, compared);
    assert_int_equal(playback.different, different);
    pgq_record_clear(&playback.record);
    arena_free(playback.scratch);
    buf_clear(&playback.queue);
    buf_clear(&playback.types);
    buf_clear(&playback.rows);
    buf_clear(&playback.out);
}

static void
rows_names_and_arguments_of_logutriga(void **state)
{
    (void)state;
    /* a row that was updated in the same transaction: the server shows what became of it */
    compare("logutriga", 44, 1);
}

static void
rows_names_and_arguments_of_jsontriga(void **state)
{
    (void)state;
    compare("jsontriga", 44, 1);
}

static void
every_type_in_several_sessions_by_logutriga_is_what_the_server_shows(void **state)
{
    (void)state;
    compare("types_logutriga", 2548, 0);
}

static void
every_type_in_several_sessions_by_jsontriga_is_what_the_server_shows(void **state)
{
    (void)state;
    compare("types_jsontriga", 2548, 0);
}

static void
styles_that_cannot_be_told_are_refused(void **state)
{
    (void)state;
    /* what differs: dates in arrays and ranges, and numbers cut by extra_float_digits */
    compare("styles", 367, 34);
}

static void
events_of_others(void **state)
{
    (void)state;
    compare("others", 0, 0);
}

static void
a_database_that_is_not_utf8(void **state)
{
    (void)state;
    compare("latin1", 6, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_names_and_arguments_of_logutriga),
    cmocka_unit_test(rows_names_and_arguments_of_jsontriga),
    cmocka_unit_test(every_type_in_several_sessions_by_logutriga_is_what_the_server_shows),
    cmocka_unit_test(every_type_in_several_sessions_by_jsontriga_is_what_the_server_shows),
    cmocka_unit_test(styles_that_cannot_be_told_are_refused),
    cmocka_unit_test(events_of_others),
    cmocka_unit_test(a_database_that_is_not_utf8),
};

TEST_MAIN(tests)
