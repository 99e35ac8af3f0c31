#include "apply/contested.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/file.h"
#include "block/csv.h"
#include "block/load_feed.h"
#include "script/runner.h"

#define READ_SIZE ((size_t)256 * 1024)

/* What is known of a key that has a pair, at the line that is being looked at. */
typedef struct KeyState {
    bool is_known; /* a line of it went by, or the base table was asked */
    bool is_live;
    uint64_t last; /* its last line that is not left out */
} KeyState;

typedef struct KeyLine {
    KeyState *key;
    uint64_t row_id;
    bool is_image;
    bool has_origin; /* an O line stands before it, and is left out with it */
} KeyLine;

/* A pair in the order of the I lines. */
typedef struct Opening {
    uint64_t row_id;
    size_t pair;
} Opening;

typedef struct Question {
    uint64_t row_id;
    KeyState *key;
} Question;

typedef struct Resolver {
    const Context *context;
    Target *target;
    const Block *block;
    MergePlan *plan;
    const BlockFile *file;
    Arena *arena;         /* of the caller */
    Arena *work;          /* of this file */
    const char *obstacle; /* why the base table cannot be asked, or NULL */

    /* reading */
    Opening *openings;
    size_t opcode_at;
    bool collects; /* first reading: which keys are in pairs */
    size_t next_opening;
    size_t next_pair;
    uint64_t row_id;
    bool is_origin; /* the line before is an O line */
    Map keys;       /* lengths and values to KeyState */
    Buf key;

    KeyLine *lines; /* of those keys */
    size_t line_count;
    size_t line_size;
    KeyState **pair_keys;
    bool *was_live;
    Question *questions;
    size_t question_count;
    size_t answer_count;
    LineSet left_out;
} Resolver;

static void
resolver_clear(Resolver *resolver)
{
    map_clear(&resolver->keys);
    buf_clear(&resolver->key);
    free(STEAL(resolver->lines));
    arena_free(STEAL(resolver->work));
}

static int
compare_openings(const void *a, const void *b)
{
    const Opening *left = a;
    const Opening *right = b;

    if (left->row_id != right->row_id)
        return left->row_id < right->row_id ? -1 : 1;
    return left->pair < right->pair ? -1 : left->pair > right->pair;
}

static bool
resolver_init(Resolver *resolver, Error *err)
{
    const CsvDialect *dialect = &resolver->block->manifest.dialect;
    size_t count = resolver->file->contested_count;
    bool has_row_id = false;

    resolver->work = arena_new();
    resolver->openings = ARENA_ARRAY(resolver->work, Opening, count);
    resolver->pair_keys = ARENA_ARRAY(resolver->work, KeyState *, count);
    resolver->was_live = ARENA_ARRAY(resolver->work, bool, count);
    resolver->questions = ARENA_ARRAY(resolver->work, Question, count);
    for (size_t i = 0; i < count; i++)
        resolver->openings[i] = (Opening){resolver->file->contested[i].image, i};
    qsort(resolver->openings, count, sizeof(*resolver->openings), compare_openings);
    resolver->opcode_at = dialect->header_count;
    for (size_t i = 0; i < dialect->header_count; i++) {
        if (dialect->header[i] == HEADER_OPCODE)
            resolver->opcode_at = i;
        has_row_id = has_row_id || dialect->header[i] == HEADER_ROW_ID;
    }
    return (has_row_id && resolver->opcode_at < dialect->header_count) ||
           error_set(err, ERR_DATA, "the lines have no opcode or no row_id");
}

/* ---- reading ---- */

static void
add_line(Resolver *resolver, KeyState *key, bool is_image)
{
    if (resolver->line_count == resolver->line_size) {
        resolver->line_size = resolver->line_size == 0 ? 256 : resolver->line_size * 2;
        resolver->lines = realloc(resolver->lines, resolver->line_size * sizeof(*resolver->lines));
        if (resolver->lines == NULL)
            abort();
    }
    resolver->lines[resolver->line_count++] =
        (KeyLine){key, resolver->row_id, is_image, resolver->is_origin};
}

static bool
bad_line(const Resolver *resolver, const char *reason, Error *err)
{
    return error_set(err, ERR_DATA, "CSV file " TEXT_FMT ": row_id %" PRIu64 ": %s",
        TEXT_ARG(resolver->file->name), resolver->row_id, reason);
}

static bool
read_key(Resolver *resolver, const Value *values, Error *err)
{
    const BlockFile *file = resolver->file;
    size_t header_count = resolver->block->manifest.dialect.header_count;

    resolver->key.len = 0;
    for (size_t i = 0; i < file->key_count; i++) {
        const Value *value = &values[header_count + file->key[i]];
        uint64_t len = value->text.len;

        if (value->kind != VALUE_TEXT)
            return bad_line(resolver, "a key column is null", err);
        buf_add(&resolver->key, &len, sizeof(len));
        buf_add_text(&resolver->key, value->text);
    }
    return true;
}

/* Is this line in a pair? */
static bool
take_mark(Resolver *resolver)
{
    const BlockFile *file = resolver->file;
    bool marked = false;

    while (resolver->next_opening < file->contested_count &&
           resolver->openings[resolver->next_opening].row_id == resolver->row_id) {
        resolver->next_opening++;
        marked = true;
    }
    if (resolver->next_pair < file->contested_count &&
        file->contested[resolver->next_pair].end == resolver->row_id) {
        resolver->next_pair++;
        marked = true;
    }
    return marked;
}

static bool
collect_record(Resolver *resolver, const Value *values, Error *err)
{
    if (!take_mark(resolver))
        return true;
    if (!read_key(resolver, values, err))
        return false;
    if (map_get(&resolver->keys, buf_text(&resolver->key)) == NULL)
        (void)map_put(
            &resolver->keys, buf_text(&resolver->key), ARENA_NEW(resolver->work, KeyState));
    return true;
}

static bool
follow_record(Resolver *resolver, const Value *values, Error *err)
{
    const Value *opcode = &values[resolver->opcode_at];
    KeyState *key;
    Opcode code;

    if (opcode->kind != VALUE_TEXT || !opcode_parse(opcode->text, &code))
        return bad_line(resolver, "unknown opcode", err);
    /* an O line's key is where the values are, and tells nothing of who has the key */
    if (code != OPCODE_O) {
        if (!read_key(resolver, values, err))
            return false;
        key = map_get(&resolver->keys, buf_text(&resolver->key));
        if (key != NULL)
            add_line(resolver, key, opcode_is_image(code));
    }
    resolver->is_origin = code == OPCODE_O;
    return true;
}

static bool
on_record(void *context, const Value *values, size_t count, Error *err)
{
    Resolver *resolver = context;

    resolver->row_id++;
    if (count != resolver->block->manifest.dialect.header_count + resolver->file->column_count)
        return bad_line(resolver, "wrong number of values", err);
    return resolver->collects ? collect_record(resolver, values, err)
                              : follow_record(resolver, values, err);
}

static bool
read_file(Resolver *resolver, bool collects, Error *err)
{
    char *path = file_join(resolver->block->path, resolver->file->name.data);
    CLEANUP(file_close) int fd = file_open(path, O_NOFOLLOW, err);
    CLEANUP(buf_clear) Buf piece = BUF_INIT;
    CsvReader *reader =
        block_csv_new(&resolver->block->manifest.dialect, path, on_record, resolver);
    size_t len = 1;
    bool ok = fd >= 0;

    resolver->collects = collects;
    resolver->row_id = 0;
    resolver->is_origin = false;
    while (ok && len > 0) {
        char *to = buf_reserve(&piece, READ_SIZE);

        ok = file_read(fd, to, READ_SIZE, path, &len, err) &&
             block_csv_feed(reader, (Text){to, len}, err);
    }
    ok = ok && block_csv_finish(reader, err);
    block_csv_free(reader);
    free(path);
    if (ok && resolver->row_id != resolver->file->row_count)
        return error_set(err, ERR_DATA,
            "CSV file " TEXT_FMT ": %" PRIu64 " lines, but the manifest says %" PRIu64,
            TEXT_ARG(resolver->file->name), resolver->row_id, resolver->file->row_count);
    return ok;
}

/* ---- the base table ---- */

/* Keys whose first line in the file is the I line of a pair. */
static void
list_questions(Resolver *resolver)
{
    size_t opening = 0;

    for (size_t i = 0; i < resolver->line_count; i++) {
        const KeyLine *line = &resolver->lines[i];
        bool opens = false;

        while (opening < resolver->file->contested_count &&
               resolver->openings[opening].row_id <= line->row_id)
            opens = resolver->openings[opening++].row_id == line->row_id;
        if (opens && !line->key->is_known)
            resolver->questions[resolver->question_count++] = (Question){line->row_id, line->key};
        line->key->is_known = true;
    }
}

static LineSet
line_set_new(Arena *arena, uint64_t bit_count)
{
    size_t words = (size_t)((bit_count + 63) / 64);

    return (LineSet){ARENA_ARRAY(arena, uint64_t, words + 1), bit_count, 0, 0};
}

static bool
line_set_add(LineSet *set, uint64_t row_id)
{
    if (line_set_has(set, row_id))
        return false;
    set->words[(row_id - 1) / 64] |= UINT64_C(1) << ((row_id - 1) % 64);
    set->set_count++;
    return true;
}

/* A line, and its O line with it. */
static void
leave_out(LineSet *set, const KeyLine *line)
{
    (void)line_set_add(set, line->row_id);
    if (line->has_origin && line_set_add(set, line->row_id - 1))
        set->origin_count++;
}

/* The staging table gets the lines that ask, and no other. */
static bool
load_questions(const Resolver *resolver, Error *err)
{
    const MergePlan *plan = resolver->plan;
    const Script *script = plan->script;
    size_t index = (size_t)(plan->file - resolver->block->manifest.files);
    LineSet *sets = ARENA_ARRAY(resolver->work, LineSet, index + 1);
    Block view = *resolver->block;
    LoadFeed *feed;
    MergeTable table;
    ScriptRun run = {.script = script, .loads_only = true, .in_transaction = true};
    bool ok;

    sets[index] = line_set_new(resolver->work, plan->file->row_count);
    memset(sets[index].words, 0xff, (size_t)((plan->file->row_count + 63) / 64) * 8);
    sets[index].set_count = plan->file->row_count - resolver->question_count;
    for (size_t i = 0; i < resolver->question_count; i++) {
        uint64_t bit = resolver->questions[i].row_id - 1;

        sets[index].words[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
    }
    view.superseded = sets;
    feed = load_feed_open(&view, index, true, err);
    if (feed == NULL)
        return false;
    table = plan_merge_table(resolver->context, resolver->block, plan);
    table.rows = load_feed_rows(feed);
    table.csv_path = load_feed_path(feed);
    run.feed = feed;
    run.params = merge_params_new(&table, resolver->work);
    ok = script_run(
        resolver->target, &run, script->has_load ? SECTION_LOAD : SECTION_APPLY, NULL, err);
    load_feed_close(feed);
    return ok;
}

/* Which of the lines in the staging table have a live row in the base table? */
static void
add_question(const Resolver *resolver, Buf *sql)
{
    const MergePlan *plan = resolver->plan;
    const SqlDialect *dialect = resolver->context->target->sql;
    Text row_id = resolver->block->manifest.dialect.header_names[HEADER_ROW_ID];

    buf_add_string(sql, "SELECT stage.");
    sql_add_identifier(dialect, row_id, sql);
    buf_add_string(sql, ", CASE WHEN EXISTS (SELECT 1 FROM ");
    sql_add_table(dialect, plan->base->schema, plan->base->name, sql);
    buf_add_string(sql, " AS base WHERE ");
    for (size_t i = 0; i < plan->key_count; i++) {
        if (i > 0)
            buf_add_string(sql, " AND ");
        dialect->key_equals(plan->columns[plan->key[i]], "base", "stage", sql);
    }
    if (plan->script->live.data != NULL)
        buf_addf(sql, " AND (" TEXT_FMT "\n)", TEXT_ARG(plan->script->live)); /* or a comment */
    buf_add_string(sql, ") THEN 1 ELSE 0 END FROM ");
    sql_add_table(dialect, plan->stage_schema, plan->stage_name, sql);
    buf_add_string(sql, " AS stage");
}

static int
compare_question(const void *wanted, const void *question)
{
    uint64_t row_id = *(const uint64_t *)wanted;
    uint64_t other = ((const Question *)question)->row_id;

    return row_id < other ? -1 : row_id > other;
}

static bool
on_answer(void *context, const Value *values, size_t count, Error *err)
{
    Resolver *resolver = context;
    const Question *question = NULL;
    uint64_t row_id;

    if (count == 2 && values[0].kind == VALUE_TEXT && text_to_u64(values[0].text, &row_id))
        question = bsearch(&row_id, resolver->questions, resolver->question_count,
            sizeof(*resolver->questions), compare_question);
    if (question == NULL || question->key->is_known)
        return error_set(
            err, ERR_SCRIPT, "the staging table has lines that the load was not given");
    question->key->is_known = true;
    question->key->is_live = values[1].kind == VALUE_TEXT && text_is(values[1].text, "1");
    resolver->answer_count++;
    return true;
}

static bool
ask_base(Resolver *resolver, Error *err)
{
    const MergePlan *plan = resolver->plan;
    const TargetDriver *driver = resolver->context->target;
    CLEANUP(buf_clear) Buf empty = BUF_INIT;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    buf_add_string(&empty, "DELETE FROM ");
    sql_add_table(driver->sql, plan->stage_schema, plan->stage_name, &empty);
    add_question(resolver, &sql);
    if (!driver->execute(resolver->target, buf_text(&empty), NULL, &rows, err) ||
        !load_questions(resolver, err) ||
        !driver->query(resolver->target, buf_text(&sql), on_answer, resolver, err) ||
        !driver->execute(resolver->target, buf_text(&empty), NULL, &rows, err))
        return false;
    if (resolver->answer_count == resolver->question_count)
        return true;
    return error_set(err, ERR_SCRIPT,
        "%s does not load the lines into the staging table, so that the base table cannot be asked "
        "which keys were live",
        plan->script->path);
}

/* ---- deciding ---- */

static bool
decide_line(Resolver *resolver, const KeyLine *line, Error *err)
{
    const BlockFile *file = resolver->file;
    KeyState *key = line->key;
    bool was_live = key->is_known && key->is_live;
    size_t pair;

    for (; resolver->next_opening < file->contested_count &&
           resolver->openings[resolver->next_opening].row_id <= line->row_id;
         resolver->next_opening++) {
        const Opening *opening = &resolver->openings[resolver->next_opening];

        if (opening->row_id != line->row_id || !line->is_image)
            continue;
        resolver->pair_keys[opening->pair] = key;
        resolver->was_live[opening->pair] = was_live;
    }
    key->is_known = true;
    key->is_live = line->is_image;
    pair = resolver->next_pair;
    if (pair < file->contested_count && file->contested[pair].end == line->row_id) {
        if (line->is_image || resolver->pair_keys[pair] != key)
            return error_set(err, ERR_DATA,
                "row_ids %" PRIu64 " and %" PRIu64 ": no two lines of one key that meet",
                file->contested[pair].image, file->contested[pair].end);
        resolver->next_pair++;
        key->is_live = resolver->was_live[pair];
        if (key->is_live && file->unchanged_count > 0)
            return error_set(err, ERR_DATA,
                "row_ids %" PRIu64 " and %" PRIu64 ": two rows have the key for a moment, so that "
                "values which updates left out cannot be told: give the source table REPLICA "
                "IDENTITY FULL",
                file->contested[pair].image, file->contested[pair].end);
        if (key->is_live) {
            leave_out(&resolver->left_out, line);
            return true;
        }
    }
    key->last = line->row_id;
    return true;
}

/* The block's superseded lines, where the script's loads leave them out. */
static const LineSet *
superseded_lines(const Resolver *resolver)
{
    const MergePlan *plan = resolver->plan;

    if (!plan_is_compact(resolver->block, plan))
        return NULL;
    return &resolver->block->superseded[plan->file - resolver->block->manifest.files];
}

static bool
decide(Resolver *resolver, Error *err)
{
    const LineSet *superseded = superseded_lines(resolver);
    uint64_t row_count = resolver->file->row_count;
    LineSet *set = &resolver->left_out;

    *set = line_set_new(resolver->arena, row_count);
    if (superseded != NULL && superseded->words != NULL) {
        memcpy(set->words, superseded->words, (size_t)((row_count + 63) / 64) * 8);
        set->set_count = superseded->set_count;
        set->origin_count = superseded->origin_count;
    }
    resolver->next_opening = resolver->next_pair = 0;
    for (size_t i = 0; i < resolver->line_count; i++)
        if (!decide_line(resolver, &resolver->lines[i], err))
            return false;
    for (size_t i = 0; superseded != NULL && i < resolver->line_count; i++)
        if (resolver->lines[i].row_id != resolver->lines[i].key->last)
            leave_out(set, &resolver->lines[i]);
    return true;
}

static bool
needs_stream(const Resolver *resolver, Error *err)
{
    return error_set(err, ERR_SCRIPT,
        "%s reads the CSV file by itself, and a line of it must be left out: that needs a streamed "
        "load, and CSV_FILE and BLOCK_DIR in no other statement or command",
        resolver->plan->script->path);
}

static bool
resolve_file(Resolver *resolver, Error *err)
{
    MergePlan *plan = resolver->plan;

    if (!resolver_init(resolver, err) || !read_file(resolver, true, err) ||
        !read_file(resolver, false, err))
        return false;
    list_questions(resolver);
    map_each (&resolver->keys, entry)
        ((KeyState *)entry->value)->is_known = false;
    if (resolver->question_count > 0) {
        if (!plan->script->streams)
            return needs_stream(resolver, err);
        if (resolver->obstacle != NULL)
            return error_set(err, ERR_SCRIPT,
                "%s; %s loads before the block's transaction, when it cannot be known which keys "
                "are live: use merge.sql, or another script without @load",
                resolver->obstacle, plan->script->path);
        if (!ask_base(resolver, err))
            return false;
    }
    if (!decide(resolver, err))
        return false;
    if (resolver->left_out.set_count == 0)
        return true;
    if (!plan->script->streams)
        return needs_stream(resolver, err);
    plan->left_out = ARENA_NEW(resolver->arena, LineSet);
    *plan->left_out = resolver->left_out;
    return true;
}

static bool
is_concerned(const MergePlan *plan)
{
    return plan->script != NULL && plan->file->contested_count > 0 &&
           (plan->script->needs_key || !plan->script->all_lines);
}

static bool
resolve(Resolver resolver, Error *err)
{
    bool ok;

    resolver.file = resolver.plan->file;
    ok = resolve_file(&resolver, err);
    resolver_clear(&resolver);
    return ok ||
           error_wrap(err, "table " TEXT_FMT "." TEXT_FMT ": keys that meet in one transaction",
               TEXT_ARG(resolver.file->schema), TEXT_ARG(resolver.file->table));
}

bool
contested_resolve(const Context *context, Target *target, const Block *block, MergePlan *plan,
    Arena *arena, Error *err)
{
    Resolver resolver = {
        .context = context, .target = target, .block = block, .plan = plan, .arena = arena};

    if (!is_concerned(plan) || plan->script->has_load)
        return true;
    return resolve(resolver, err);
}

/* NULL: nothing in the block changes the base table before this file. */
static const char *
find_obstacle(const BlockPlan *plan, size_t index)
{
    const MergePlan *one = &plan->plans[index];

    if (one->file->truncate)
        return "the block truncates the table";
    for (size_t i = 0; i < index; i++)
        if (plan->plans[i].script != NULL && plan->plans[i].base == one->base)
            return "the block has several CSV files for the table";
    return NULL;
}

bool
contested_resolve_loads(const Context *context, Target *target, const Block *block,
    const BlockPlan *plan, Arena *arena, Error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        Resolver resolver = {.context = context,
            .target = target,
            .block = block,
            .plan = &plan->plans[i],
            .arena = arena,
            .obstacle = find_obstacle(plan, i)};
        bool ok;

        if (!is_concerned(resolver.plan) || !resolver.plan->script->has_load)
            continue;
        /* what the question leaves in the staging table goes with this transaction */
        if (!context->target->begin(target, err))
            return false;
        ok = resolve(resolver, err);
        context->target->rollback(target);
        if (!ok)
            return false;
    }
    return true;
}
