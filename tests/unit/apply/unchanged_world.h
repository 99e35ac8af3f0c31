/*
 * unchanged_world.h - a source table and its rows as a model, the block writer that its changes go
 * to, and a real target with one of the shipped scripts
 */
#pragma once

#include "apply/loader.h"
#include "apply/replay/replay.h"
#include "base/log.h"
#include "cli/cli.h"
#include "unit/block/fixture.h"
#include "unit/target/server.h"

#define KEYS      9
#define COLUMNS   4 /* id, a, big, bin: the last two may be left out */
#define INITIAL   4 /* rows 1 to 4 are in both databases before the first change */
#define TEXT_SIZE 64

static const char *target_type = "sqlite";
static Server server;

/* ---- the model ---- */

typedef struct Row {
    bool is_live;
    char values[COLUMNS][TEXT_SIZE]; /* "" is NULL */
} Row;

typedef struct Version {
    Row row;
    bool omitted[COLUMNS];
} Version;

typedef struct World {
    Fixture f;
    Config *config;
    Context *context;
    Loader *loader;
    Target *target;
    OutTable *out;
    const char *script;
    unsigned seed;
    unsigned random;
    bool moves; /* keys may change */
    Row rows[KEYS + 1];
    Row dead[KEYS + 1];     /* is_live: deleted, with its last values */
    Version versions[4000]; /* every image, in order */
    size_t version_count;
} World;

static inline unsigned
roll(World *world, unsigned sides)
{
    world->random = world->random * 1103515245u + 12345u;
    return (world->random >> 16) % sides;
}

static inline bool
is_script(const World *world, const char *name)
{
    return strcmp(world->script, name) == 0;
}

/* ---- the target ---- */

static inline void
run(const World *world, const char *sql)
{
    Error err;
    int64_t rows;

    if (!world->context->target->execute(world->target, text_of(sql), NULL, &rows, &err))
        fail_msg("%s: %s", sql, err.text);
}

static inline bool
add_row(void *context, const Value *values, size_t count, Error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == VALUE_TEXT)
            buf_addf(context, "%s" TEXT_FMT, i > 0 ? "|" : "", TEXT_ARG(values[i].text));
        else
            buf_addf(context, "%s-", i > 0 ? "|" : "");
    }
    buf_add_char(context, '\n');
    return true;
}

static inline void
expect_rows(const World *world, const char *sql, const Buf *expected, const char *when)
{
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    if (!world->context->target->query(world->target, text_of(sql), add_row, &rows, &err))
        fail_msg("%s: %s", sql, err.text);
    if (!text_equal(buf_text(&rows), buf_text(expected)))
        fail_msg("%s, %s, seed %u, %s:\n%sis not\n%s", target_type, world->script, world->seed,
            when, buf_string(&rows), buf_string(expected));
}

static inline const char *
hex_of_bin(void)
{
    return strcmp(target_type, "postgres") == 0 ? "encode(bin, 'hex')"
                                                : "NULLIF(LOWER(HEX(bin)), '')";
}

static inline void
create_tables(const World *world)
{
    bool is_mysql = strcmp(target_type, "mysql") == 0;
    bool is_postgres = strcmp(target_type, "postgres") == 0;
    const char *time = is_mysql ? "DATETIME(6)" : "TIMESTAMP";
    const char *extra = is_script(world, "soft_delete.sql") ? ", deleted_at %s NULL"
                        : is_script(world, "history.sql") ? ", valid_from %s NULL, valid_to %s NULL"
                        : is_script(world, "append.sql")
                            ? ", dray_opcode VARCHAR(2), dray_seqno BIGINT, dray_row_id BIGINT, "
                              "dray_timestamp %s NULL, dray_unchanged VARCHAR(99)"
                            : ", note VARCHAR(9) DEFAULT 'new'";
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    run(world, "DROP TABLE IF EXISTS doc");
    run(world, "DROP TABLE IF EXISTS stage_doc");
    run(world, "DROP TABLE IF EXISTS dray_position");
    buf_addf(&sql, "CREATE TABLE doc (id BIGINT, a VARCHAR(99), big %s, bin %s",
        is_mysql ? "LONGTEXT" : "TEXT",
        is_mysql      ? "LONGBLOB"
        : is_postgres ? "BYTEA"
                      : "BLOB");
    for (const char *at = extra; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            buf_add_string(&sql, time);
            at++;
        } else {
            buf_add_char(&sql, *at);
        }
    }
    buf_addf(&sql, "%s)",
        is_script(world, "history.sql") || is_script(world, "append.sql") ? ""
                                                                          : ", PRIMARY KEY (id)");
    run(world, sql.data);
}

/* The rows that the target has before the first block. */
static inline void
fill_table(const World *world)
{
    bool is_postgres = strcmp(target_type, "postgres") == 0;

    run(world, "DELETE FROM doc");
    for (int i = 1; i <= INITIAL && !is_script(world, "append.sql"); i++) {
        CLEANUP(buf_clear) Buf sql = BUF_INIT;

        buf_addf(&sql,
            "INSERT INTO doc (id, a, big, bin) VALUES (%d, 'first', 'big %d', %s00ff0%d')", i, i,
            is_postgres ? "'\\x" : "X'", i);
        run(world, sql.data);
    }
}

/* ---- comparing ---- */

static inline void
add_values(Buf *out, const Row *row)
{
    for (size_t i = 0; i < COLUMNS; i++)
        buf_addf(out, "%s%s", i > 0 ? "|" : "", row->values[i][0] == '\0' ? "-" : row->values[i]);
}

static inline int
compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted by bytes: collations differ. */
static inline void
sort_lines(Buf *text)
{
    char *lines[5000];
    char *copy = text_dup(buf_text(text));
    char *rest = copy;
    size_t count = 0;
    char *end;

    while (copy != NULL && (end = strchr(rest, '\n')) != NULL && count < ARRAY_LEN(lines)) {
        *end = '\0';
        lines[count++] = rest;
        rest = end + 1;
    }
    qsort(lines, count, sizeof(*lines), compare_lines);
    text->len = 0;
    for (size_t i = 0; i < count; i++)
        buf_addf(text, "%s\n", lines[i]);
    free(copy);
}

static inline void
expect_sorted(const World *world, const char *tail, Buf *expected, const char *when)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    buf_addf(&sql, "SELECT id, a, big, %s%s", hex_of_bin(), tail);
    if (!world->context->target->query(world->target, buf_text(&sql), add_row, &rows, &err))
        fail_msg("%s: %s", sql.data, err.text);
    sort_lines(&rows);
    sort_lines(expected);
    if (!text_equal(buf_text(&rows), buf_text(expected)))
        fail_msg("%s, %s, seed %u, %s:\n%sis not\n%s", target_type, world->script, world->seed,
            when, buf_string(&rows), buf_string(expected));
}

static inline void
expect_history(const World *world, const char *when)
{
    CLEANUP(buf_clear) Buf every = BUF_INIT;
    CLEANUP(buf_clear) Buf current = BUF_INIT;

    for (int i = 1; i <= INITIAL; i++)
        buf_addf(&every, "%d|first|big %d|00ff0%d\n", i, i, i);
    for (size_t i = 0; i < world->version_count; i++) {
        add_values(&every, &world->versions[i].row);
        buf_add_char(&every, '\n');
    }
    for (size_t i = 1; i <= KEYS; i++) {
        if (!world->rows[i].is_live)
            continue;
        add_values(&current, &world->rows[i]);
        buf_add_char(&current, '\n');
    }
    expect_sorted(world, " FROM doc", &every, when);
    expect_sorted(world, " FROM doc WHERE valid_to IS NULL", &current, when);
}

/* Each image line in order: what it left out is NULL and is named. */
static inline void
expect_audit(const World *world, const char *when)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    const char *at;
    Error err;

    buf_addf(&sql,
        "SELECT id, a, big, %s, COALESCE(dray_unchanged, '') FROM doc WHERE dray_opcode IN ('I', "
        "'U', 'UI') ORDER BY dray_seqno, dray_row_id",
        hex_of_bin());
    if (!world->context->target->query(world->target, buf_text(&sql), add_row, &rows, &err))
        fail_msg("%s: %s", sql.data, err.text);
    at = buf_string(&rows);
    for (size_t i = 0; i < world->version_count; i++) {
        const Version *version = &world->versions[i];
        Row row = version->row;
        CLEANUP(buf_clear) Buf whole = BUF_INIT;
        const char *end = strchr(at, '\n');
        const char *marks = end;
        Text line;

        assert_non_null(end);
        line = (Text){at, (size_t)(end - at)};
        while (marks > at && marks[-1] != '|')
            marks--;
        for (size_t column = 2; column < COLUMNS; column++) {
            char mark[4] = {',', (char)('1' + column), ',', '\0'};
            const char *found = strstr(marks, mark);

            if (found == NULL || found >= end)
                continue;
            assert_true(version->omitted[column]);
            row.values[column][0] = '\0';
        }
        add_values(&whole, &row);
        buf_addf(&whole, "|%.*s", (int)(end - marks), marks);
        if (!text_equal(line, buf_text(&whole)))
            fail_msg("%s, seed %u, %s: image %zu: %.*s is not %s", target_type, world->seed, when,
                i, TEXT_ARG(line), whole.data);
        at = end + 1;
    }
    assert_int_equal(*at, '\0');
    buf_reset(&sql, 0);
    buf_add_string(&sql, "SELECT COUNT(*) FROM doc WHERE dray_opcode = 'O'");
    buf_reset(&rows, 0);
    buf_add_string(&rows, "0\n");
    expect_rows(world, sql.data, &rows, when);
}

static inline void
compare(const World *world, const char *when)
{
    CLEANUP(buf_clear) Buf live = BUF_INIT;
    CLEANUP(buf_clear) Buf dead = BUF_INIT;

    if (is_script(world, "history.sql")) {
        expect_history(world, when);
        return;
    }
    if (is_script(world, "append.sql")) {
        expect_audit(world, when);
        return;
    }
    for (size_t i = 1; i <= KEYS; i++) {
        const Row *row = world->rows[i].is_live ? &world->rows[i] : &world->dead[i];

        if (!row->is_live)
            continue;
        add_values(world->rows[i].is_live ? &live : &dead, row);
        buf_add_char(world->rows[i].is_live ? &live : &dead, '\n');
    }
    if (!is_script(world, "soft_delete.sql")) {
        expect_sorted(world, " FROM doc", &live, when);
        return;
    }
    expect_sorted(world, " FROM doc WHERE deleted_at IS NULL", &live, when);
    expect_sorted(world, " FROM doc WHERE deleted_at IS NOT NULL", &dead, when);
}

/* ---- changes ---- */

static inline void
set_value(World *world, Row *row, size_t column)
{
    static const char *const texts[] = {",3,", ",3,4,", "null", "O", "NULL", "say \"x\", y", "k"};

    if (roll(world, 8) == 0)
        row->values[column][0] = '\0';
    else if (column == 3)
        (void)snprintf(row->values[column], TEXT_SIZE, "%04x00", roll(world, 65536));
    else if (roll(world, 2) == 0)
        (void)snprintf(row->values[column], TEXT_SIZE, "v%u", roll(world, 1000));
    else
        (void)snprintf(row->values[column], TEXT_SIZE, "%s", texts[roll(world, ARRAY_LEN(texts))]);
}

static inline Value
value_of(const char *text)
{
    return text[0] == '\0' ? NUL : TX(text);
}

static inline void
note_dead(World *world, size_t key)
{
    world->dead[key] = world->rows[key];
    world->rows[key].is_live = false;
}

static inline void
send(World *world, size_t old_key, const Version *version)
{
    char old_text[TEXT_SIZE];
    Value before[COLUMNS] = {NUL, ABSENT, ABSENT, ABSENT};
    Value after[COLUMNS];
    Change change = {CHANGE_INSERT, NULL, NULL, NULL};
    Error err;

    (void)snprintf(old_text, sizeof(old_text), "%zu", old_key);
    before[0] = TX(old_text);
    if (old_key > 0)
        change.before = before;
    if (version != NULL) {
        for (size_t i = 0; i < COLUMNS; i++)
            after[i] = version->omitted[i] ? UNCHANGED : value_of(version->row.values[i]);
        change.after = after;
        assert_true(world->version_count < ARRAY_LEN(world->versions));
        world->versions[world->version_count++] = *version;
    }
    change.kind = version == NULL ? CHANGE_DELETE : old_key > 0 ? CHANGE_UPDATE : CHANGE_INSERT;
    if (!block_writer_change(world->f.writer, world->out, &change, &err))
        fail_msg("%s, %s, seed %u: %s", target_type, world->script, world->seed, err.text);
}

static inline void
insert_row(World *world, size_t key)
{
    Version version = {.row.is_live = true};

    (void)snprintf(version.row.values[0], TEXT_SIZE, "%zu", key);
    for (size_t i = 1; i < COLUMNS; i++)
        set_value(world, &version.row, i);
    world->rows[key] = version.row;
    world->dead[key].is_live = false;
    send(world, 0, &version);
}

/* A source repeats an untouched value sometimes. */
static inline void
update_row(World *world, size_t key, size_t to)
{
    Version version = {.row = world->rows[key]};

    set_value(world, &version.row, 1);
    for (size_t i = 2; i < COLUMNS; i++) {
        if (roll(world, 4) == 0)
            set_value(world, &version.row, i);
        else
            version.omitted[i] = roll(world, 8) > 0;
    }
    if (to != key)
        note_dead(world, key);
    (void)snprintf(version.row.values[0], TEXT_SIZE, "%zu", to);
    world->rows[to] = version.row;
    world->dead[to].is_live = false;
    send(world, key, &version);
}

static inline void
change_something(World *world)
{
    size_t key = 1 + roll(world, KEYS);
    size_t to = 1 + roll(world, KEYS);
    Error err;

    if (roll(world, 60) == 0 && !is_script(world, "append.sql")) {
        assert_ok(block_writer_truncate(world->f.writer, TEXT(""), TEXT("doc"), &err), err);
        for (size_t i = 1; i <= KEYS; i++)
            if (world->rows[i].is_live)
                note_dead(world, i);
        return;
    }
    if (!world->rows[key].is_live) {
        insert_row(world, key);
    } else if (roll(world, 6) == 0) {
        send(world, key, NULL);
        note_dead(world, key);
    } else if (world->moves && roll(world, 3) == 0 && !world->rows[to].is_live) {
        update_row(world, key, to);
    } else {
        update_row(world, key, key);
    }
}

/* ---- a world ---- */

static inline void
open_config(World *world)
{
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    char *path = file_join(world->f.directory, "test.yaml");
    Error err;

    buf_addf(&yaml,
        "service: test\nsource: {type: postgres, connection: dbname=none}\n"
        "block: {directory: blocks, retain: all}\n"
        "target:\n  type: %s\n  merge_script: %s\n",
        target_type, world->script);
    if (strcmp(target_type, "sqlite") == 0)
        buf_add_string(&yaml, "  path: target.db\n");
    else if (strcmp(target_type, "postgres") == 0)
        buf_addf(&yaml, "  connection: host=%s user=postgres dbname=postgres\n", server.socket);
    else
        buf_addf(&yaml, "  connection: socket=%s user=root dbname=dw\n", server.socket);
    world->config = config_parse(path, buf_text(&yaml), cli_schema(), &err);
    free(path);
    assert_ok(world->config != NULL, err);
    world->context = context_open(world->config, &err);
    assert_ok(world->context != NULL, err);
    assert_int_equal(world->context->dialect.header[4], HEADER_UNCHANGED);
}

static inline void
world_init(World *world, const char *script, unsigned seed)
{
    Error err;

    *world = (World){.script = script, .seed = seed, .random = seed, .moves = seed % 3 > 0};
    fixture_init(&world->f);
    open_config(world);
    world->f.block = world->config->block;
    world->f.block.compact = roll(world, 4) > 0;
    world->f.block.update_opcode = roll(world, 3) == 0;
    world->f.block.distinguish_updates = roll(world, 3) == 0;
    /* row_id counts anew in a new generation: an audit's order is told within one */
    if (roll(world, 3) == 0 && !is_script(world, "append.sql"))
        world->f.block.compact_memory = 1;
    world->f.config = (BlockWriterConfig){world->config->block.directory, "test", target_type, 1,
        &world->f.block, &world->config->values, world->context->dialect};
    fixture_open(&world->f);
    world->out = fixture_table(&world->f, "", "doc", COLUMNS, 1);
    world->out->columns[0].logical = LOGICAL_INT;
    world->out->columns[1].name = TEXT("a");
    world->out->columns[2].name = TEXT("big");
    world->out->columns[3].name = TEXT("bin");
    world->out->columns[3].logical = LOGICAL_BYTES;
    world->out->columns[2].may_omit = world->out->columns[3].may_omit = true;
    world->out->all_lines = context_script(world->context, NULL)->all_lines;
    world->target = world->context->target->open(world->config->target_options, &err);
    if (world->target == NULL)
        fail_msg("%s", err.text);
    create_tables(world);
    fill_table(world);
    world->loader = loader_open(world->context, NULL, NULL, &err);
    if (world->loader == NULL)
        fail_msg("%s", err.text);
    for (int i = 1; i <= INITIAL; i++) {
        Row *row = &world->rows[i];

        row->is_live = true;
        (void)snprintf(row->values[0], TEXT_SIZE, "%d", i);
        (void)snprintf(row->values[1], TEXT_SIZE, "first");
        (void)snprintf(row->values[2], TEXT_SIZE, "big %d", i);
        (void)snprintf(row->values[3], TEXT_SIZE, "00ff0%d", i);
    }
}

static inline void
world_clear(World *world)
{
    loader_close(world->loader);
    target_close(world->target);
    context_close(world->context);
    fixture_clear(&world->f);
    config_free(world->config);
}

static inline Block *
write_block(World *world)
{
    Block *block;
    Error err;

    for (unsigned i = 1 + roll(world, 4); i > 0; i--) {
        fixture_begin(&world->f);
        for (unsigned j = 1 + roll(world, 6); j > 0; j--)
            change_something(world);
        fixture_commit(&world->f);
    }
    block = fixture_finish(&world->f);
    assert_ok(block_check(block, true, &err), err);
    return block;
}

static inline void
load(const World *world, const Block *block)
{
    LoaderMode mode = {.again = false};
    LoaderTiming timing = {0, 0, 0};
    Error err;

    if (!loader_apply(world->loader, block, &mode, &timing, &err))
        fail_msg("%s, %s, seed %u: %s", target_type, world->script, world->seed, err.text);
}

static inline bool
replay(const World *world, bool again, Error *err)
{
    const char *directories[] = {world->config->block.directory};
    ReplayOptions options = {.directories = directories, .directory_count = 1, .again = again};
    ReplayTotals totals;

    return replay_run(world->context, &options, &totals, err);
}

/* Once more from the disk: into a target as it was at first, and over one that is further ahead. */
static inline void
replay_twice(World *world, uint64_t moved)
{
    bool fills = !is_script(world, "append.sql");
    Error err;
    bool ok;

    loader_close(STEAL(world->loader));
    fill_table(world);
    run(world, "DELETE FROM dray_position");
    if (!replay(world, false, &err))
        fail_msg("%s, %s, seed %u: replay: %s", target_type, world->script, world->seed, err.text);
    compare(world, "replayed into a target as it was at first");
    ok = replay(world, true, &err);
    if (fills && moved > 0) {
        assert_false(ok);
        assert_int_equal(err.kind, ERR_DATA);
        if (strstr(err.text, "table .doc: in the block an update changes a key and leaves other "
                             "values out") == NULL)
            fail_msg("%s", err.text);
        return;
    }
    if (!ok)
        fail_msg("%s, %s, seed %u: again: %s", target_type, world->script, world->seed, err.text);
    /* the other scripts say themselves that a block comes in twice */
    if (strncmp(world->script, "merge", 5) == 0)
        compare(world, "replayed over itself");
}
