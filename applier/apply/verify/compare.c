#include "apply/verify/compare.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apply/verify/rows.h"

#define SHOWN_LEN 100 /* of a key's value */

typedef struct Slice {
    uint64_t rows;
    uint64_t sum;
} Slice;

typedef struct Slices {
    Slice *slices;
    uint64_t count;
    uint64_t rows; /* of all */
} Slices;

/* A row as checksum_rows() tells it, kept beyond the query's next row. */
typedef struct KeptRow {
    Buf text; /* the values one behind the other, each with a NUL */
    Value *values;
    bool is_set;
} KeptRow;

typedef struct Comparison {
    const VerifyCompare *compare;
    VerifyTable *result;
    size_t value_count;
    size_t key_size; /* of result->keys */
    VerifyRows *target;
    const Value *row; /* the target's next one; NULL: none is left */

    /* the rows of one key, as they come */
    Buf key;
    KeptRow kept[2]; /* the first row of each side that the other one lacks */
    uint64_t lone[2];
    bool matched; /* both sides have a row that is the same */
} Comparison;

static void
comparison_clear(Comparison *comparison)
{
    verify_rows_close(comparison->target);
    buf_clear(&comparison->key);
    for (size_t i = 0; i < 2; i++)
        buf_clear(&comparison->kept[i].text);
}

static void
comparison_clear_auto(Comparison *comparison)
{
    comparison_clear(comparison);
}

/* ---- slices ---- */

static bool
take_slice(void *context, const Value *values, size_t count, Error *err)
{
    Slices *slices = context;
    uint64_t index, rows;
    uint64_t sum = 0;

    if (count != 3 || !text_to_u64(values[0].text, &index) || index >= slices->count ||
        !text_to_u64(values[1].text, &rows) ||
        (values[2].kind == VALUE_TEXT && !text_to_u64(values[2].text, &sum)))
        return error_set(err, ERR_INTERNAL, "the checksum of a slice is not understood");
    slices->slices[index] = (Slice){rows, sum};
    slices->rows += rows;
    return true;
}

static bool
read_target_slices(VerifyRows *rows, Slices *slices, Error *err)
{
    const Value *values = NULL;
    Next next;

    while ((next = verify_rows_next(rows, &values, err)) == NEXT_ITEM)
        if (!take_slice(slices, values, 3, err))
            return false;
    return next == NEXT_END;
}

/* Both databases at the same time. */
static bool
read_slices(const VerifyCompare *compare, Slices slices[2], Error *err)
{
    CLEANUP(buf_clear) Buf source_sql = BUF_INIT;
    CLEANUP(buf_clear) Buf target_sql = BUF_INIT;
    CLEANUP(verify_rows_close) VerifyRows *rows = NULL;
    SnapshotReader *reader = compare->pair->reader;
    const SnapshotDriver *driver;

    checksum_slices(&compare->plan->sides[SIDE_SOURCE], &source_sql);
    checksum_slices(&compare->plan->sides[SIDE_TARGET], &target_sql);
    driver = compare->driver;
    rows = verify_rows_open(compare->pair->target, buf_text(&target_sql), err);
    return rows != NULL &&
           (driver->query(reader, buf_text(&source_sql), take_slice, &slices[SIDE_SOURCE], err) ||
               error_wrap(err, "source")) &&
           (read_target_slices(rows, &slices[SIDE_TARGET], err) || error_wrap(err, "target"));
}

/* ---- rows: what differs ---- */

static bool
add_limited(Buf *out, Text text)
{
    size_t len = MIN(text.len, (size_t)SHOWN_LEN);

    while (len > 0 && len < text.len && ((unsigned char)text.data[len] & 0xC0) == 0x80)
        len--;
    buf_add(out, text.data, len);
    return len < text.len;
}

/* "id=5, name=abc" */
static Text
key_text(const Comparison *comparison, const Value *values)
{
    const VerifyPlan *plan = comparison->compare->plan;
    const ChecksumTable *side = &plan->sides[SIDE_SOURCE];
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    for (size_t i = 0; i < side->key_count; i++) {
        const Value *value = &values[CHECKSUM_ROW_VALUES + i];

        buf_addf(&text, "%s" TEXT_FMT "=", i == 0 ? "" : ", ", TEXT_ARG(plan->names[side->key[i]]));
        if (value->kind == VALUE_NULL)
            buf_add_string(&text, "NULL");
        else if (add_limited(&text, value->text))
            buf_add_string(&text, "...");
    }
    return arena_text(comparison->compare->arena, buf_text(&text));
}

/* The names of the columns whose own checksums differ. */
static Text
column_names(const Comparison *comparison, Text source, Text target)
{
    const VerifyPlan *plan = comparison->compare->plan;
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    for (size_t i = 0; i < plan->sides[SIDE_SOURCE].column_count; i++) {
        size_t at = i * CHECKSUM_DIGITS;

        if (at + CHECKSUM_DIGITS <= MIN(source.len, target.len) &&
            memcmp(source.data + at, target.data + at, CHECKSUM_DIGITS) != 0)
            buf_addf(&text, "%s" TEXT_FMT, text.len == 0 ? "" : ", ", TEXT_ARG(plan->names[i]));
    }
    return arena_text(comparison->compare->arena, buf_text(&text));
}

static void
tell(Comparison *comparison, VerifyKind kind, uint64_t count, const KeptRow *row)
{
    VerifyTable *result = comparison->result;
    const KeptRow *kept = comparison->kept;

    result->counts[kind] += count;
    if (count == 0 || result->key_count >= comparison->compare->max_keys)
        return;
    if (result->key_count == comparison->key_size) {
        VerifyKey *old = result->keys;

        comparison->key_size = MAX(comparison->key_size * 2, (size_t)16);
        result->keys = ARENA_ARRAY(comparison->compare->arena, VerifyKey, comparison->key_size);
        if (old != NULL)
            memcpy(result->keys, old, result->key_count * sizeof(*old));
    }
    result->keys[result->key_count++] = (VerifyKey){.kind = kind,
        .key = key_text(comparison, row->values),
        .columns = kind == VERIFY_CHANGED ? column_names(comparison,
                                                kept[SIDE_SOURCE].values[CHECKSUM_ROW_COLUMNS].text,
                                                kept[SIDE_TARGET].values[CHECKSUM_ROW_COLUMNS].text)
                                          : TEXT_NONE};
}

/* The rows of a key are all seen. */
static bool
end_key(Comparison *comparison, Error *err)
{
    const VerifyCompare *compare = comparison->compare;
    KeptRow *kept = comparison->kept;
    uint64_t *lone = comparison->lone;
    uint64_t changed = MIN(lone[SIDE_SOURCE], lone[SIDE_TARGET]);
    bool is_there = lone[SIDE_SOURCE] > 0 || comparison->matched;
    const KeptRow *any = kept[SIDE_SOURCE].is_set ? &kept[SIDE_SOURCE] : &kept[SIDE_TARGET];

    if (lone[SIDE_SOURCE] + lone[SIDE_TARGET] > 0) {
        tell(comparison, VERIFY_CHANGED, changed, any);
        tell(comparison, VERIFY_MISSING, lone[SIDE_SOURCE] - changed, any);
        tell(comparison, VERIFY_EXTRA, lone[SIDE_TARGET] - changed, any);
        if (compare->repair != NULL && !compare->repair(compare->repair_context,
                                           any->values + CHECKSUM_ROW_VALUES, is_there, err))
            return false;
    }
    lone[SIDE_SOURCE] = lone[SIDE_TARGET] = 0;
    kept[SIDE_SOURCE].is_set = kept[SIDE_TARGET].is_set = false;
    comparison->matched = false;
    comparison->key.len = 0;
    return true;
}

static void
keep_row(Comparison *comparison, KeptRow *kept, const Value *values)
{
    size_t len = 0;
    size_t at = 0;

    for (size_t i = 0; i < comparison->value_count; i++)
        len += values[i].text.len + 1;
    kept->text.len = 0;
    (void)buf_reserve(&kept->text, len);
    for (size_t i = 0; i < comparison->value_count; i++) {
        buf_add_text(&kept->text, values[i].text);
        buf_add_char(&kept->text, '\0');
        kept->values[i] = (Value){values[i].kind, (Text){kept->text.data + at, values[i].text.len}};
        at += values[i].text.len + 1;
    }
    kept->is_set = true;
}

static bool
enter_key(Comparison *comparison, Text key, Error *err)
{
    if (comparison->key.len > 0 && text_equal(buf_text(&comparison->key), key))
        return true;
    if (!end_key(comparison, err))
        return false;
    buf_add_text(&comparison->key, key);
    return true;
}

/* A row that only one side has. */
static bool
lone_row(Comparison *comparison, int side, const Value *values, Error *err)
{
    if (!enter_key(comparison, values[CHECKSUM_ROW_KEY].text, err))
        return false;
    if (comparison->lone[side]++ == 0)
        keep_row(comparison, &comparison->kept[side], values);
    return true;
}

static bool
step_target(Comparison *comparison, Error *err)
{
    Next next = verify_rows_next(comparison->target, &comparison->row, err);

    if (next == NEXT_END)
        comparison->row = NULL;
    return next != NEXT_FAILED || error_wrap(err, "target");
}

static int
row_order(const Value *a, const Value *b)
{
    int order = text_compare(a[CHECKSUM_ROW_KEY].text, b[CHECKSUM_ROW_KEY].text);

    return order != 0 ? order : text_compare(a[CHECKSUM_ROW_ROW].text, b[CHECKSUM_ROW_ROW].text);
}

/* A row of the source, in the order of both queries. */
static bool
take_source_row(void *context, const Value *values, size_t count, Error *err)
{
    Comparison *comparison = context;

    if (count != comparison->value_count)
        return error_set(err, ERR_INTERNAL, "a row of checksums is not understood");
    while (comparison->row != NULL && row_order(comparison->row, values) < 0)
        if (!lone_row(comparison, SIDE_TARGET, comparison->row, err) ||
            !step_target(comparison, err))
            return false;
    if (comparison->row == NULL || row_order(comparison->row, values) != 0)
        return lone_row(comparison, SIDE_SOURCE, values, err);
    if (!enter_key(comparison, values[CHECKSUM_ROW_KEY].text, err))
        return false;
    comparison->matched = true;
    return step_target(comparison, err);
}

static bool
finish_rows(Comparison *comparison, Error *err)
{
    while (comparison->row != NULL)
        if (!lone_row(comparison, SIDE_TARGET, comparison->row, err) ||
            !step_target(comparison, err))
            return false;
    return end_key(comparison, err);
}

static bool
compare_rows(Comparison *comparison, const uint64_t *slices, size_t count, Arena *arena, Error *err)
{
    const VerifyCompare *compare = comparison->compare;
    const VerifyPlan *plan = compare->plan;
    CLEANUP(buf_clear) Buf source_sql = BUF_INIT;
    CLEANUP(buf_clear) Buf target_sql = BUF_INIT;

    checksum_rows(&plan->sides[SIDE_SOURCE], slices, count, &source_sql);
    checksum_rows(&plan->sides[SIDE_TARGET], slices, count, &target_sql);
    comparison->value_count = CHECKSUM_ROW_VALUES + plan->sides[SIDE_SOURCE].key_count;
    for (size_t i = 0; i < 2; i++)
        comparison->kept[i].values = ARENA_ARRAY(arena, Value, comparison->value_count);
    comparison->target = verify_rows_open(compare->pair->target, buf_text(&target_sql), err);
    if (comparison->target == NULL || !step_target(comparison, err))
        return false;
    return compare->driver->query(
               compare->pair->reader, buf_text(&source_sql), take_source_row, comparison, err) &&
           finish_rows(comparison, err);
}

/* ---- a table ---- */

/* The slices that differ; none where most of them do: then all rows are looked at. */
static uint64_t *
unlike_slices(const Slices slices[2], Arena *arena, size_t *ret_count, bool *ret_differ)
{
    uint64_t *unlike = ARENA_ARRAY(arena, uint64_t, slices[0].count);
    size_t count = 0;

    for (uint64_t i = 0; i < slices[0].count; i++)
        if (slices[0].slices[i].rows != slices[1].slices[i].rows ||
            slices[0].slices[i].sum != slices[1].slices[i].sum)
            unlike[count++] = i;
    *ret_differ = count > 0;
    *ret_count = count > slices[0].count / 2 ? 0 : count;
    return unlike;
}

static bool
compare_unlike(const VerifyCompare *compare, const Slices slices[2], Arena *arena, Error *err)
{
    CLEANUP(comparison_clear)
    Comparison comparison = {.compare = compare, .result = compare->plan->result};
    size_t count;
    bool differ;
    const uint64_t *unlike = unlike_slices(slices, arena, &count, &differ);

    if (!differ)
        return true;
    compare->plan->result->result = VERIFY_DIFFERENT;
    return !compare->plan->result->has_key || compare_rows(&comparison, unlike, count, arena, err);
}

bool
verify_compare(const VerifyCompare *compare, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const VerifyPlan *plan = compare->plan;
    VerifyTable *result = plan->result;
    Slices slices[2];
    bool ok;

    for (size_t i = 0; i < 2; i++) {
        uint64_t count = plan->sides[i].slices;

        slices[i] = (Slices){ARENA_ARRAY(arena, Slice, count), count, 0};
    }
    result->keys = NULL;
    result->key_count = 0;
    memset(result->counts, 0, sizeof(result->counts));
    ok = read_slices(compare, slices, err);
    result->source_rows = slices[SIDE_SOURCE].rows;
    result->target_rows = slices[SIDE_TARGET].rows;
    return ok && compare_unlike(compare, slices, arena, err);
}
