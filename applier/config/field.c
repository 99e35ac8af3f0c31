#include "config/field.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "base/file.h"

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

#define KIB     ((int64_t)1024)
#define HOUR_MS ((int64_t)3600 * 1000)

/* The first name of a factor is the one that is printed. */
static const Unit byte_units[] = {
    {"TiB", KIB *KIB *KIB *KIB},
    {"GiB", KIB *KIB *KIB},
    {"MiB", KIB *KIB},
    {"KiB", KIB},
    {"B", 1},
    {"T", KIB *KIB *KIB *KIB},
    {"G", KIB *KIB *KIB},
    {"M", KIB *KIB},
    {"K", KIB},
    {"k", KIB},
    {"", 1},
    {NULL, 0},
};

static const Unit time_units[] = {
    {"d", 24 * HOUR_MS},
    {"h", HOUR_MS},
    {"min", (int64_t)60 * 1000},
    {"s", 1000},
    {"ms", 1},
    {NULL, 0},
};

#define SIZE_REASON "is not a size such as 64MiB (units: B, KiB, MiB, GiB, TiB)"
#define TIME_REASON "is not a duration such as 30s (units: ms, s, min, h, d)"

static bool
refuse(Buf *reason, const char *text)
{
    buf_add_string(reason, text);
    return false;
}

/* "12 MiB": a whole number, a unit behind it. */
static bool
parse_units(Text text, const Unit *units, const char *wrong, int64_t *ret, Buf *reason)
{
    size_t digits = 0;
    Text unit;

    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    unit = text_trim((Text){text.data + digits, text.len - digits});
    if (digits == 0)
        return refuse(reason, wrong);
    /* nothing is nothing in every unit */
    if (unit.len == 0 && digits == 1 && text.data[0] == '0') {
        *ret = 0;
        return true;
    }
    for (; units->name != NULL; units++) {
        int64_t number;

        if (!text_is(unit, units->name))
            continue;
        if (!text_to_i64((Text){text.data, digits}, &number) ||
            __builtin_mul_overflow(number, units->factor, &number))
            return refuse(reason, "is too large");
        *ret = number;
        return true;
    }
    return refuse(reason, wrong);
}

static void
add_units(Buf *out, int64_t number, const Unit *units)
{
    if (number == 0) {
        buf_add_char(out, '0');
        return;
    }
    while (number % units->factor != 0)
        units++;
    buf_addf(out, "%lld%s", (long long)(number / units->factor), units->name);
}

static void
add_number(Buf *out, FieldType type, int64_t number)
{
    if (type == FIELD_BYTES)
        add_units(out, number, byte_units);
    else if (type == FIELD_TIME)
        add_units(out, number, time_units);
    else
        buf_addf(out, "%lld", (long long)number);
}

static bool
check_bounds(const Field *field, int64_t number, Buf *reason)
{
    if (field->min == 0 && field->max == 0)
        return true;
    if (number < field->min) {
        buf_add_string(reason, "is less than ");
        add_number(reason, field->type, field->min);
        return false;
    }
    if (number > field->max) {
        buf_add_string(reason, "is more than ");
        add_number(reason, field->type, field->max);
        return false;
    }
    return true;
}

static bool
parse_number(const Field *field, Text value, void *to, Buf *reason)
{
    int64_t number = 0;

    if (field->type == FIELD_BYTES) {
        if (!parse_units(value, byte_units, SIZE_REASON, &number, reason))
            return false;
    } else if (field->type == FIELD_TIME) {
        if (!parse_units(value, time_units, TIME_REASON, &number, reason))
            return false;
    } else if (!text_to_i64(value, &number)) {
        return refuse(reason, "is not a whole number");
    }
    if (!check_bounds(field, number, reason))
        return false;
    memcpy(to, &number, sizeof(number));
    return true;
}

static bool
parse_bool(Text value, void *to, Buf *reason)
{
    bool flag = text_is(value, "true");

    if (!flag && !text_is(value, "false"))
        return refuse(reason, "is neither true nor false");
    memcpy(to, &flag, sizeof(flag));
    return true;
}

/* The next word of "a|b|c"; false at the end. */
static bool
next_choice(const char **choices, Text *ret_word)
{
    size_t len = strcspn(*choices, "|");

    if (**choices == '\0')
        return false;
    *ret_word = (Text){*choices, len};
    *choices += len + ((*choices)[len] == '|' ? 1 : 0);
    return true;
}

static void
add_choices(Buf *out, const char *choices)
{
    const char *between = "";
    Text word;

    while (next_choice(&choices, &word)) {
        buf_addf(out, "%s" TEXT_FMT, between, TEXT_ARG(word));
        between = ", ";
    }
}

static bool
parse_choice(const Field *field, Text value, void *to, Buf *reason)
{
    const char *choices = field->choices;
    Text word;

    for (int index = 0; next_choice(&choices, &word); index++) {
        if (text_equal(word, value)) {
            memcpy(to, &index, sizeof(index));
            return true;
        }
    }
    buf_add_string(reason, "is not one of ");
    add_choices(reason, field->choices);
    return false;
}

static bool
parse_retain(Text value, void *to, Buf *reason)
{
    Retain retain = {RETAIN_NONE, 0};
    CLEANUP(buf_clear) Buf ignored = BUF_INIT;
    Text number = value;

    if (text_is(value, "none")) {
        retain.kind = RETAIN_NONE;
    } else if (text_is(value, "all")) {
        retain.kind = RETAIN_ALL;
    } else if (text_ends_with(value, "blocks") || text_ends_with(value, "block")) {
        number.len -= text_ends_with(value, "blocks") ? 6 : 5;
        retain.kind = RETAIN_BLOCKS;
        if (!text_to_i64(text_trim(number), &retain.amount) || retain.amount < 1)
            return refuse(reason, "is not a number of blocks such as 100 blocks");
    } else if (parse_units(value, time_units, "", &retain.amount, &ignored)) {
        retain.kind = RETAIN_AGE;
    } else if (value.len > 0 &&
               (value.data[value.len - 1] < '0' || value.data[value.len - 1] > '9') &&
               parse_units(value, byte_units, "", &retain.amount, &ignored)) {
        retain.kind = RETAIN_BYTES;
    } else {
        return refuse(reason,
            "is none of: none, all, an age (7d), a number of blocks (100 blocks), "
            "a size (50GiB)");
    }
    if (retain.kind >= RETAIN_AGE && retain.amount == 0)
        return refuse(reason, "retains nothing: write none");
    memcpy(to, &retain, sizeof(retain));
    return true;
}

static bool
parse_text(
    const Field *field, Text value, const char *directory, Arena *arena, void *to, Buf *reason)
{
    const char *text;

    if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL)
        return refuse(reason, "holds a NUL byte");
    if (value.len == 0 && (field->type == FIELD_PATH || (field->flags & FIELD_FILLED) != 0))
        return refuse(reason, "is empty");
    text = arena_text(arena, value).data;
    if (field->type == FIELD_PATH && strcmp(text, "-") != 0) {
        char *path = file_join(directory, text);

        text = arena_string(arena, path);
        free(path);
    }
    memcpy(to, &text, sizeof(text));
    return true;
}

/* Only presets are lists in one text. */
static bool
parse_list(Text value, Arena *arena, void *to)
{
    TextList list = {NULL, 0};

    list.items = ARENA_ARRAY(arena, const char *, value.len + 1);
    while (value.len > 0) {
        size_t len = text_find(value, ',');

        list.items[list.count++] = arena_text(arena, text_trim((Text){value.data, len})).data;
        len = MIN(len + 1, value.len);
        value = (Text){value.data + len, value.len - len};
    }
    memcpy(to, &list, sizeof(list));
    return true;
}

bool
field_parse(
    const Field *field, Text value, const char *directory, Arena *arena, void *base, Buf *reason)
{
    void *to = (char *)base + field->offset;

    switch (field->type) {
    case FIELD_BOOL:
        return parse_bool(value, to, reason);
    case FIELD_INT:
    case FIELD_BYTES:
    case FIELD_TIME:
        return parse_number(field, value, to, reason);
    case FIELD_TEXT:
    case FIELD_PATH:
        return parse_text(field, value, directory, arena, to, reason);
    case FIELD_CHOICE:
        return parse_choice(field, value, to, reason);
    case FIELD_RETAIN:
        return parse_retain(value, to, reason);
    case FIELD_LIST:
        return parse_list(value, arena, to);
    case FIELD_MAP:
        break;
    }
    return refuse(reason, "is not a mapping");
}

void
field_set_presets(const Field *fields, const char *directory, Arena *arena, void *base)
{
    CLEANUP(buf_clear) Buf reason = BUF_INIT;

    for (const Field *field = fields; field->name != NULL; field++) {
        bool ok = field->preset == NULL ||
                  field_parse(field, text_of(field->preset), directory, arena, base, &reason);

        assert(ok);
        (void)ok;
    }
}

const Field *
field_find(const Field *fields, Text name)
{
    for (const Field *field = fields; field->name != NULL; field++) {
        if (text_is(name, field->name))
            return field;
    }
    return NULL;
}

#define DISTANCE_MAX 40

size_t
field_distance(Text a, Text b)
{
    /* rows i-2, i-1 and i of the matrix, for swapped neighbours */
    size_t rows[3][DISTANCE_MAX + 1];

    if (a.len > DISTANCE_MAX || b.len > DISTANCE_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *second = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = above[j - 1] + (a.data[i - 1] == b.data[j - 1] ? 0 : 1);

            row[j] = MIN(change, MIN(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = MIN(row[j], second[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *
field_preset(const Field *field)
{
    return field->preset == NULL ? "" : field->preset;
}

static void
describe_bounds(const Field *field, const char *name, Buf *out)
{
    buf_add_string(out, name);
    if (field->min == 0 && field->max == 0)
        return;
    if (field->max == INT64_MAX) {
        buf_add_string(out, ", at least ");
        add_number(out, field->type, field->min);
        return;
    }
    buf_add_string(out, ", ");
    add_number(out, field->type, field->min);
    buf_add_string(out, " to ");
    add_number(out, field->type, field->max);
}

void
field_describe_type(const Field *field, Buf *out)
{
    switch (field->type) {
    case FIELD_BOOL:
        buf_add_string(out, "true or false");
        break;
    case FIELD_INT:
        describe_bounds(field, "whole number", out);
        break;
    case FIELD_BYTES:
        describe_bounds(field, "size", out);
        break;
    case FIELD_TIME:
        describe_bounds(field, "duration", out);
        break;
    case FIELD_TEXT:
        buf_add_string(out, "text");
        break;
    case FIELD_PATH:
        buf_add_string(out, "path");
        break;
    case FIELD_CHOICE:
        buf_add_string(out, "one of ");
        add_choices(out, field->choices);
        break;
    case FIELD_RETAIN:
        buf_add_string(out, "none, all, a duration, a number of blocks or a size");
        break;
    case FIELD_LIST:
        buf_add_string(out, "list of texts");
        break;
    case FIELD_MAP:
        buf_add_string(out, "mapping of texts");
        break;
    }
}
