/*
 * golden_pgoutput.c - messages that PostgreSQL 15 sent give the recorded changes:
 * pgoutput/NAME.stream and NAME.types -> pgoutput/NAME.events. pgoutput/record.py records them.
 *
 * DRAY_GOLDEN_WRITE=1 writes the .events anew; read the difference before it is committed.
 */
#include "../unit/source/events.h"

#include "base/file.h"
#include "source/postgres_relation.h"

#define FILE_MAX ((size_t)1 << 24)

/* The catalogue of a recording: lines of words with tabs between. */
static size_t
split(Text line, Text *words, size_t size)
{
    size_t count = 0;

    while (count < size) {
        size_t len = text_find(line, '\t');

        words[count++] = (Text){line.data, len};
        if (len == line.len)
            break;
        line = (Text){line.data + len + 1, line.len - len - 1};
    }
    return count;
}

static void
take_fact(const Text *words, size_t count, const PgoutputMessage *relation,
    PostgresColumnFacts *facts, Arena *arena)
{
    char oid[16];
    char modifier[16];

    for (size_t i = 0; i < relation->column_count; i++) {
        (void)snprintf(oid, sizeof(oid), "%" PRIu32, relation->columns[i].type);
        (void)snprintf(modifier, sizeof(modifier), "%" PRId32, relation->columns[i].modifier);
        if (count == 6 && text_is(words[0], "type") && text_is(words[1], oid) &&
            text_is(words[2], modifier)) {
            facts[i].type = arena_text(arena, words[3]);
            facts[i].base_type = arena_text(arena, words[4]);
            facts[i].is_variable = text_is(words[5], "-1");
        }
        (void)snprintf(oid, sizeof(oid), "%" PRIu32, relation->oid);
        if (count == 3 && text_is(words[0], "key") && text_is(words[1], oid) &&
            text_equal(words[2], relation->columns[i].name))
            facts[i].in_primary_key = true;
    }
}

static bool
recorded_facts(void *context, const PgoutputMessage *relation, bool primary_key, Arena *arena,
    PostgresColumnFacts *facts, Error *err)
{
    Text rest = buf_text(context);

    (void)err;
    (void)primary_key;
    while (rest.len > 0) {
        size_t len = text_find(rest, '\n');
        Text words[8];
        size_t count = split((Text){rest.data, len}, words, ARRAY_LEN(words));

        take_fact(words, count, relation, facts, arena);
        len = MIN(len + 1, rest.len);
        rest = (Text){rest.data + len, rest.len - len};
    }
    return true;
}

typedef struct Playback {
    EventDump dump;
    Pgoutput *decoder;
    PostgresRelations *relations;
} Playback;

static void
dump_relation(Playback *playback, const PgoutputMessage *message)
{
    buf_addf(&playback->dump.text, "RELATION " TEXT_FMT "." TEXT_FMT " %c",
        TEXT_ARG(message->schema), TEXT_ARG(message->name), message->identity);
    for (size_t i = 0; i < message->column_count; i++)
        buf_addf(&playback->dump.text, " " TEXT_FMT "%s", TEXT_ARG(message->columns[i].name),
            message->columns[i].in_identity ? "*" : "");
    buf_add_char(&playback->dump.text, '\n');
}

static void
play(Playback *playback, Text raw)
{
    Buf *out = &playback->dump.text;
    PgoutputMessage message;
    Change change;
    Error err;
    const PostgresRelation *relation;

    assert_ok(pgoutput_decode(playback->decoder, raw, &message, &err), err);
    relation = postgres_relations_find(playback->relations, message.oid);
    switch (message.kind) {
    case PGOUTPUT_BEGIN:
        buf_add_string(out, "BEGIN\n");
        assert_true(message.lsn > 0 && message.xid > 0 && message.time_us > 0);
        break;
    case PGOUTPUT_COMMIT:
        buf_add_string(out, "COMMIT\n");
        assert_true(message.end_lsn > message.lsn);
        break;
    case PGOUTPUT_RELATION:
        dump_relation(playback, &message);
        assert_ok(postgres_relations_take(playback->relations, raw, &message, &err), err);
        break;
    case PGOUTPUT_TYPE:
        buf_addf(out, "TYPE " TEXT_FMT "." TEXT_FMT "\n", TEXT_ARG(message.schema),
            TEXT_ARG(message.name));
        postgres_relations_type(playback->relations, &message);
        break;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        assert_non_null(relation);
        assert_ok(postgres_relation_change(relation, &message, &change, &err), err);
        dump_change(&playback->dump, &change);
        break;
    case PGOUTPUT_TRUNCATE:
        buf_addf(out, "TRUNCATE %zu%s%s\n", message.oid_count, message.cascade ? " cascade" : "",
            message.restart_identity ? " restart identity" : "");
        break;
    case PGOUTPUT_ORIGIN:
    case PGOUTPUT_MESSAGE:
        fail_msg("message of kind %d", (int)message.kind);
    }
}

static void
compare(const char *name)
{
    const char *root = getenv("DRAY_SOURCE_ROOT");
    CLEANUP(buf_clear) Buf stream = BUF_INIT;
    CLEANUP(buf_clear) Buf types = BUF_INIT;
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    CLEANUP(buf_clear) Buf path = BUF_INIT;
    Playback playback = {.decoder = pgoutput_new()};
    Reader reader;
    Error err;

    assert_non_null(root);
    buf_addf(&path, "%s/tests/golden/pgoutput/%s.types", root, name);
    assert_ok(file_read_all(path.data, FILE_MAX, &types, &err), err);
    path.len = 0;
    buf_addf(&path, "%s/tests/golden/pgoutput/%s.stream", root, name);
    assert_ok(file_read_all(path.data, FILE_MAX, &stream, &err), err);
    playback.relations = postgres_relations_new(recorded_facts, &types);
    reader = reader_of(stream.data, stream.len);
    while (reader.at < reader.len) {
        uint32_t len = reader_be32(&reader);

        play(&playback, reader_bytes(&reader, len));
        assert_false(reader.overrun);
    }
    path.len = 0;
    buf_addf(&path, "%s/tests/golden/pgoutput/%s.events", root, name);
    if (getenv("DRAY_GOLDEN_WRITE") != NULL)
        assert_ok(
            file_write_durable(path.data, playback.dump.text.data, playback.dump.text.len, &err),
            err);
    assert_ok(file_read_all(path.data, FILE_MAX, &expected, &err), err);
    assert_string_equal(buf_string(&playback.dump.text), buf_string(&expected));
    buf_clear(&playback.dump.text);
    postgres_relations_free(playback.relations);
    pgoutput_free(playback.decoder);
}

#define GOLDEN(name)               \
    static void name(void **state) \
    {                              \
        (void)state;               \
        compare(#name);            \
    }                              \
    struct name##_semicolon

GOLDEN(changes);
GOLDEN(identities);
GOLDEN(unchanged);
GOLDEN(ddl);
GOLDEN(truncates);
GOLDEN(types);

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(changes),
    cmocka_unit_test(identities),
    cmocka_unit_test(unchanged),
    cmocka_unit_test(ddl),
    cmocka_unit_test(truncates),
    cmocka_unit_test(types),
};

TEST_MAIN(tests)
