#include "ddl/types.h"

#include <stdlib.h>

#include "base/file.h"
#include "config/section.h"
#include "target/sql_scanner.h"

#define FILE_LIMIT (1 << 20)

/* Bytes of a character in UTF-8, in which all values travel. */
#define BYTES_PER_CHARACTER 4

/* What an entry may ask a number for. */
typedef enum Measure {
    MEASURE_LENGTH,
    MEASURE_PRECISION,
    MEASURE_SCALE,
    MEASURE_DIGITS,
    MEASURE_COUNT,
} Measure;

static const char *const measure_names[MEASURE_COUNT] = {
    [MEASURE_LENGTH] = "length",
    [MEASURE_PRECISION] = "precision",
    [MEASURE_SCALE] = "scale",
    [MEASURE_DIGITS] = "digits",
};

typedef struct Range {
    bool is_asked;
    bool is_none; /* asked for having none */
    int64_t min, max;
} Range;

typedef enum Wish {
    WISH_ANY,
    WISH_NO,
    WISH_YES,
} Wish;

typedef struct Entry {
    const char **types;
    size_t type_count;
    Range ranges[MEASURE_COUNT];
    Wish is_unsigned;
    Wish in_key;
    Text to;
    Text warning;
    Text note;
    size_t line;
} Entry;

struct TypeMap {
    char *path;
    Arena *arena;
    Entry *entries;
    size_t entry_count;
    const SqlDialect *sql;
};

/* ---- reading ---- */

typedef struct EntryOptions {
    TextList types;
    const char *ranges[MEASURE_COUNT];
    int is_unsigned; /* Wish */
    int in_key;      /* Wish */
    const char *to;
    const char *warning;
    const char *note;
} EntryOptions;

#define WISHES "any|false|true"

static const Field entry_fields[] = {
    {.name = "type",
        .type = FIELD_LIST,
        .offset = offsetof(EntryOptions, types),
        .flags = FIELD_REQUIRED | FIELD_FILLED,
        .doc = "The source's type, or a list of types."},
    {.name = "length",
        .type = FIELD_TEXT,
        .offset = offsetof(EntryOptions, ranges[MEASURE_LENGTH]),
        .doc = "Range of lengths."},
    {.name = "precision",
        .type = FIELD_TEXT,
        .offset = offsetof(EntryOptions, ranges[MEASURE_PRECISION]),
        .doc = "Range of precisions."},
    {.name = "scale",
        .type = FIELD_TEXT,
        .offset = offsetof(EntryOptions, ranges[MEASURE_SCALE]),
        .doc = "Range of scales."},
    {.name = "digits",
        .type = FIELD_TEXT,
        .offset = offsetof(EntryOptions, ranges[MEASURE_DIGITS]),
        .doc = "Range of digits."},
    {.name = "unsigned",
        .type = FIELD_CHOICE,
        .offset = offsetof(EntryOptions, is_unsigned),
        .preset = "any",
        .choices = WISHES,
        .doc = "Only unsigned numbers."},
    {.name = "in_key",
        .type = FIELD_CHOICE,
        .offset = offsetof(EntryOptions, in_key),
        .preset = "any",
        .choices = WISHES,
        .doc = "Only columns of the key."},
    {.name = "to",
        .type = FIELD_TEXT,
        .offset = offsetof(EntryOptions, to),
        .flags = FIELD_REQUIRED | FIELD_FILLED,
        .doc = "The target's type."},
    {.name = "warning",
        .type = FIELD_TEXT,
        .offset = offsetof(EntryOptions, warning),
        .flags = FIELD_FILLED,
        .doc = "What may be lost."},
    {.name = "note",
        .type = FIELD_TEXT,
        .offset = offsetof(EntryOptions, note),
        .flags = FIELD_FILLED,
        .doc = "A comment."},
    {.name = NULL},
};

typedef struct EntryNode {
    Document *document;
    const yaml_node_t *node;
} EntryNode;

static void
mistake(const EntryNode *at, const char *option, const char *reason, Text shown)
{
    CLEANUP(buf_clear) Buf value = BUF_INIT;

    document_add_shown(&value, shown);
    document_mistake(at->document, section_child(at->document, at->node, option), option, "%s %s",
        value.data, reason);
}

/* "1..255", "1..", "..255", "7", "none" */
static bool
parse_range(Text text, Range *range)
{
    size_t dots = 0;
    Text first;
    Text last;

    *range = (Range){.is_asked = true, .min = INT64_MIN, .max = INT64_MAX};
    if (text_is(text, "none")) {
        range->is_none = true;
        return true;
    }
    while (dots + 1 < text.len && (text.data[dots] != '.' || text.data[dots + 1] != '.'))
        dots++;
    if (dots + 1 >= text.len)
        return text_to_i64(text, &range->min) && text_to_i64(text, &range->max);
    first = (Text){text.data, dots};
    last = (Text){text.data + dots + 2, text.len - dots - 2};
    if (first.len + last.len == 0 || (first.len > 0 && !text_to_i64(first, &range->min)) ||
        (last.len > 0 && !text_to_i64(last, &range->max)))
        return false;
    return range->min <= range->max;
}

static void
read_ranges(const EntryNode *at, const EntryOptions *options, Entry *entry)
{
    for (size_t i = 0; i < MEASURE_COUNT; i++) {
        Text text = text_of(options->ranges[i]);

        if (text.data == NULL || parse_range(text, &entry->ranges[i]))
            continue;
        mistake(at, measure_names[i], "is no range such as 1..255, 1.., ..255, 7 or none", text);
    }
}

/* The number that a parameter stands for; MEASURE_COUNT: none. False: no parameter of that name. */
static bool
parameter_measure(Text name, Measure *ret_measure)
{
    static const struct {
        const char *name;
        Measure measure;
    } parameters[] = {
        {"TYPE", MEASURE_COUNT},
        {"NAME", MEASURE_COUNT},
        {"LABELS", MEASURE_COUNT},
        {"LENGTH", MEASURE_LENGTH},
        {"BYTES", MEASURE_LENGTH},
        {"PRECISION", MEASURE_PRECISION},
        {"SCALE", MEASURE_SCALE},
        {"DIGITS", MEASURE_DIGITS},
    };

    for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
        if (text_is(name, parameters[i].name)) {
            *ret_measure = parameters[i].measure;
            return true;
        }
    return false;
}

static void
check_parameters(const EntryNode *at, const Entry *entry, const char *option, Text text)
{
    for (size_t i = 0; i < text.len;) {
        Text name;
        Measure measure;
        size_t len = sql_parameter_at(text, i, &name);
        const Range *range;

        if (len == 0) {
            i++;
            continue;
        }
        if (!parameter_measure(name, &measure)) {
            mistake(at, option,
                "is no parameter: there are TYPE, NAME, LENGTH, BYTES, PRECISION, SCALE, DIGITS "
                "and LABELS",
                (Text){text.data + i, len});
        } else if (measure != MEASURE_COUNT) {
            range = &entry->ranges[measure];
            if (!range->is_asked || range->is_none)
                document_mistake(at->document, section_child(at->document, at->node, option),
                    option, TEXT_FMT " needs a range, since not every column has one: %s: 0..",
                    (int)len, text.data + i, measure_names[measure]);
        }
        i += len;
    }
}

static void
read_entry(const EntryNode *at, Entry *entry)
{
    EntryOptions options = {.to = NULL};
    const SectionTable table = {entry_fields, &options, ""};
    const Section section = {.name = "", .tables = &table, .table_count = 1};

    if (at->node->type != YAML_MAPPING_NODE) {
        document_mistake(at->document, at->node, "type", "an entry is a mapping: type: …, to: …");
        return;
    }
    field_set_presets(entry_fields, at->document->directory, at->document->arena, &options);
    section_read(at->document, at->node, at->node, &section);
    entry->types = options.types.items;
    entry->type_count = options.types.count;
    entry->is_unsigned = (Wish)options.is_unsigned;
    entry->in_key = (Wish)options.in_key;
    entry->to = text_of(options.to);
    entry->warning = text_of(options.warning);
    entry->note = text_of(options.note);
    entry->line = at->node->start_mark.line + 1;
    read_ranges(at, &options, entry);
    check_parameters(at, entry, "to", entry->to);
    check_parameters(at, entry, "warning", entry->warning);
    check_parameters(at, entry, "note", entry->note);
}

static bool
asks_nothing(const Entry *entry)
{
    for (size_t i = 0; i < MEASURE_COUNT; i++)
        if (entry->ranges[i].is_asked)
            return false;
    return entry->is_unsigned == WISH_ANY && entry->in_key == WISH_ANY;
}

static bool
pattern_covers(const char *wide, const char *narrow)
{
    bool arrays = text_ends_with(text_of(wide), "[]");

    if (arrays != text_ends_with(text_of(narrow), "[]"))
        return false;
    return strcmp(wide, narrow) == 0 || strcmp(wide, arrays ? "*[]" : "*") == 0;
}

/* An entry behind one that takes every column of the type. */
static void
check_reached(const EntryNode *at, const TypeMap *map, const Entry *entry)
{
    for (size_t t = 0; t < entry->type_count; t++)
        for (const Entry *earlier = map->entries; earlier < entry; earlier++) {
            bool covered = false;

            for (size_t i = 0; asks_nothing(earlier) && i < earlier->type_count; i++)
                covered |= pattern_covers(earlier->types[i], entry->types[t]);
            if (!covered)
                continue;
            document_mistake(at->document, section_child(at->document, at->node, "type"), "type",
                "%s never fits: the entry in line %zu takes all of it", entry->types[t],
                earlier->line);
            break;
        }
}

static void
read_map(Document *document, TypeMap *map)
{
    const yaml_node_t *root = document_root(document);
    size_t count;

    if (root == NULL || root->type != YAML_SEQUENCE_NODE || section_is_empty(root)) {
        document_mistake(document, root, "types", "the file is not a list of entries");
        return;
    }
    count = (size_t)(root->data.sequence.items.top - root->data.sequence.items.start);
    map->entries = ARENA_ARRAY(map->arena, Entry, count + 1);
    for (size_t i = 0; i < count; i++) {
        EntryNode at = {document, document_node(document, root->data.sequence.items.start[i])};

        read_entry(&at, &map->entries[i]);
        check_reached(&at, map, &map->entries[i]);
        map->entry_count++;
    }
    if (count == 0)
        document_mistake(document, root, "types", "the list of entries is empty");
}

static bool
read_text(TypeMap *map, Text yaml, Error *err)
{
    Document document = {.path = NULL};
    CLEANUP(document_close) Document *closed = &document;

    (void)closed;
    if (!document_open(&document, map->path, ".", yaml, map->arena, err))
        return false;
    read_map(&document, map);
    return document_finish(&document, err);
}

TypeMap *
type_map_parse(const char *path, Text yaml, const SqlDialect *sql, Error *err)
{
    TypeMap *map = calloc(1, sizeof(*map));

    if (map == NULL)
        abort();
    map->path = text_dup(text_of(path));
    map->arena = arena_new();
    map->sql = sql;
    if (read_text(map, yaml, err))
        return map;
    type_map_free(map);
    return NULL;
}

TypeMap *
type_map_load(const char *data_directory, const char *config_directory, const char *source_type,
    const SqlDialect *sql, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    const char *name = arena_printf(arena, "templates/types/%s-%s.yaml", source_type, sql->name);
    const char *own = arena_printf(arena, "%s/%s", config_directory, name);
    const char *shipped = arena_printf(arena, "%s/%s", data_directory, name);
    const char *path = file_exists(own) ? own : shipped;

    if (!file_exists(path)) {
        (void)error_set(err, ERR_CONFIG,
            "no mapping table from source %s to target %s: looked for %s and %s", source_type,
            sql->name, own, shipped);
        return NULL;
    }
    if (!file_read_all(path, FILE_LIMIT, &yaml, err))
        return NULL;
    return type_map_parse(path, buf_text(&yaml), sql, err);
}

void
type_map_free(TypeMap *map)
{
    if (map == NULL)
        return;
    arena_free(map->arena);
    free(map->path);
    free(map);
}

/* ---- asking ---- */

/* The number of a column; false: it has none. */
static bool
column_measure(const SourceColumn *column, Measure measure, int64_t *ret)
{
    switch (measure) {
    case MEASURE_LENGTH:
        *ret = column->length;
        return column->length >= 0;
    case MEASURE_PRECISION:
        *ret = column->precision;
        return column->precision >= 0;
    case MEASURE_SCALE:
        /* -1 may be a scale: a precision comes with one */
        *ret = column->scale;
        return column->precision >= 0;
    case MEASURE_DIGITS:
        *ret = MAX(column->precision, column->scale);
        if (column->scale < 0)
            *ret = column->precision - column->scale;
        return column->precision >= 0;
    case MEASURE_COUNT:
        break;
    }
    return false;
}

static bool
fits_range(const Range *range, const SourceColumn *column, Measure measure)
{
    int64_t number;

    if (!range->is_asked)
        return true;
    if (!column_measure(column, measure, &number))
        return range->is_none;
    return !range->is_none && number >= range->min && number <= range->max;
}

static bool
fits_wish(Wish wish, bool is)
{
    return wish == WISH_ANY || (wish == WISH_YES) == is;
}

/* "[]" behind a glob is no part of it: to fnmatch it would begin a bracket expression. */
static bool
fits_name(const char *pattern, Text name, Arena *arena)
{
    size_t len = strlen(pattern);
    bool array = text_ends_with(text_of(pattern), "[]");

    if (array != text_ends_with(name, "[]"))
        return false;
    if (array) {
        pattern = arena_text(arena, (Text){pattern, len - 2}).data;
        name = arena_text(arena, (Text){name.data, name.len - 2});
    }
    return text_glob(name, pattern);
}

static bool
fits(const Entry *entry, const SourceColumn *column, bool in_key, Arena *arena)
{
    bool named = false;

    for (size_t i = 0; !named && i < entry->type_count; i++)
        named = fits_name(entry->types[i], column->type_name, arena);
    if (!named || !fits_wish(entry->is_unsigned, column->is_unsigned) ||
        !fits_wish(entry->in_key, in_key))
        return false;
    for (size_t i = 0; i < MEASURE_COUNT; i++)
        if (!fits_range(&entry->ranges[i], column, (Measure)i))
            return false;
    return true;
}

static void
add_labels(const TypeMap *map, const SourceColumn *column, Buf *out)
{
    for (size_t i = 0; i < column->label_count; i++) {
        if (i > 0)
            buf_add_string(out, ", ");
        sql_add_string(map->sql, column->labels[i], out);
    }
}

static void
add_parameter(const TypeMap *map, const SourceColumn *column, Text name, Buf *out)
{
    Measure measure = MEASURE_COUNT;
    int64_t number = 0;

    /* the file was checked for unknown ones */
    (void)parameter_measure(name, &measure);
    if (text_is(name, "TYPE")) {
        buf_add_text(out, column->type);
    } else if (text_is(name, "NAME")) {
        buf_add_text(out, column->type_name);
    } else if (text_is(name, "LABELS")) {
        add_labels(map, column, out);
    } else {
        (void)column_measure(column, measure, &number);
        buf_addf(out, "%lld",
            (long long)(text_is(name, "BYTES") ? number * BYTES_PER_CHARACTER : number));
    }
}

static Text
fill(const TypeMap *map, const SourceColumn *column, Text text, Arena *arena)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    if (text.data == NULL)
        return TEXT_NONE;
    for (size_t i = 0; i < text.len;) {
        Text name;
        size_t len = sql_parameter_at(text, i, &name);

        if (len == 0)
            buf_add_char(&out, text.data[i]);
        else
            add_parameter(map, column, name, &out);
        i += len == 0 ? 1 : len;
    }
    return arena_text(arena, buf_text(&out));
}

bool
type_map_column(const TypeMap *map, const SourceColumn *column, bool in_key, Arena *arena,
    MappedType *ret_type, Error *err)
{
    for (size_t i = 0; i < map->entry_count; i++) {
        const Entry *entry = &map->entries[i];

        if (!fits(entry, column, in_key, arena))
            continue;
        *ret_type = (MappedType){
            .type = fill(map, column, entry->to, arena),
            .warning = fill(map, column, entry->warning, arena),
            .note = fill(map, column, entry->note, arena),
        };
        return true;
    }
    return error_set(err, ERR_CONFIG,
        "column " TEXT_FMT ": no entry of %s fits its type " TEXT_FMT " (" TEXT_FMT
        "%s): add one, in a copy of the file beside the configuration file",
        TEXT_ARG(column->name), map->path, TEXT_ARG(column->type), TEXT_ARG(column->type_name),
        in_key ? ", in the key" : "");
}
