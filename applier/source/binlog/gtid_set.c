#include "source/binlog/gtid_set.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

/* Sums of numbers of transactions, beyond 64 bits. */
__extension__ typedef unsigned __int128 Sum;

void
gtid_set_clear(GtidSet *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->sources[i].intervals);
    free(set->sources);
    *set = (GtidSet){0};
}

static void *
grow(void *items, size_t *size, size_t item_size)
{
    *size = *size == 0 ? 4 : *size * 2;
    items = realloc(items, *size * item_size);
    if (items == NULL)
        abort();
    return items;
}

static int
compare_source(const GtidSource *entry, const uint8_t source[GTID_SOURCE_SIZE], const char *tag)
{
    int order = memcmp(entry->source, source, GTID_SOURCE_SIZE);

    return order != 0 ? order : strcmp(entry->tag, tag);
}

/* The first entry that is not before it. */
static size_t
find_source(const GtidSet *set, const uint8_t source[GTID_SOURCE_SIZE], const char *tag)
{
    size_t low = 0;
    size_t high = set->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_source(&set->sources[middle], source, tag) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static GtidSource *
get_source(GtidSet *set, const uint8_t source[GTID_SOURCE_SIZE], const char *tag)
{
    size_t at = find_source(set, source, tag);
    GtidSource *entry;

    if (at < set->count && compare_source(&set->sources[at], source, tag) == 0)
        return &set->sources[at];
    if (set->count == set->size)
        set->sources = grow(set->sources, &set->size, sizeof(*set->sources));
    entry = &set->sources[at];
    memmove(entry + 1, entry, (set->count - at) * sizeof(*entry));
    set->count++;
    *entry = (GtidSource){0};
    memcpy(entry->source, source, GTID_SOURCE_SIZE);
    memcpy(entry->tag, tag, strlen(tag));
    return entry;
}

void
gtid_set_copy(const GtidSet *set, GtidSet *ret_set)
{
    GtidSet copy = {.count = set->count, .size = set->count};

    if (set->count > 0) {
        copy.sources = malloc(set->count * sizeof(*copy.sources));
        if (copy.sources == NULL)
            abort();
    }
    for (size_t i = 0; i < set->count; i++) {
        const GtidSource *from = &set->sources[i];
        GtidSource *to = &copy.sources[i];
        size_t size = from->count * sizeof(*from->intervals);

        *to = *from;
        to->size = from->count;
        to->intervals = malloc(MAX(size, (size_t)1));
        if (to->intervals == NULL)
            abort();
        memcpy(to->intervals, from->intervals, size);
    }
    *ret_set = copy;
}

/* The first interval that ends at number or behind it. */
static size_t
find_interval(const GtidSource *entry, uint64_t number)
{
    size_t low = 0;
    size_t high = entry->count;

    /* mostly the newest one is meant */
    if (high > 0 && entry->intervals[high - 1].first <= number)
        low = high - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (entry->intervals[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
gtid_set_add(GtidSet *set, const uint8_t source[GTID_SOURCE_SIZE], const char *tag, uint64_t first,
    uint64_t last)
{
    GtidSource *entry = get_source(set, source, tag);
    /* what touches it is joined with it */
    size_t from = find_interval(entry, first - 1);
    size_t to = from;
    GtidInterval *interval;

    while (to < entry->count && entry->intervals[to].first <= last + 1)
        to++;
    if (from < to) {
        interval = &entry->intervals[from];
        if (to - from == 1 && interval->first <= first && last <= interval->last)
            return false;
        interval->first = MIN(interval->first, first);
        interval->last = MAX(entry->intervals[to - 1].last, last);
        memmove(interval + 1, entry->intervals + to, (entry->count - to) * sizeof(*interval));
        entry->count -= to - from - 1;
        return true;
    }
    if (entry->count == entry->size)
        entry->intervals = grow(entry->intervals, &entry->size, sizeof(*entry->intervals));
    interval = &entry->intervals[from];
    memmove(interval + 1, interval, (entry->count - from) * sizeof(*interval));
    entry->count++;
    *interval = (GtidInterval){first, last};
    return true;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
gtid_source_parse(Text text, uint8_t ret_source[GTID_SOURCE_SIZE])
{
    bool has_hyphens = text.len == 36;
    uint8_t source[GTID_SOURCE_SIZE];
    size_t at = 0;

    if (text.len != 36 && text.len != 32)
        return false;
    for (size_t i = 0; i < GTID_SOURCE_SIZE; i++) {
        int high;
        int low;

        if (has_hyphens && (i == 4 || i == 6 || i == 8 || i == 10) && text.data[at++] != '-')
            return false;
        high = hex_digit(text.data[at++]);
        low = hex_digit(text.data[at++]);
        if (high < 0 || low < 0)
            return false;
        source[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret_source, source, sizeof(source));
    return true;
}

static bool
is_tag_byte(char c, bool is_first)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    size_t count = is_first ? 27 : 37;

    return memchr(letters, c, count) != NULL;
}

bool
gtid_tag_parse(Text text, char ret_tag[GTID_TAG_MAX + 1])
{
    char tag[GTID_TAG_MAX + 1] = "";

    if (text.len == 0 || text.len > GTID_TAG_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!is_tag_byte(c, i == 0))
            return false;
        tag[i] = c;
    }
    memcpy(ret_tag, tag, sizeof(tag));
    return true;
}

/* The text up to the first of the letter, which goes with it. */
static Text
cut(Text *text, char letter)
{
    size_t len = text_find(*text, letter);
    Text piece = {text->data, len};
    size_t passed = MIN(len + 1, text->len);

    text->data += passed;
    text->len -= passed;
    return text_trim(piece);
}

static bool
parse_interval(Text text, GtidInterval *ret)
{
    Text rest = text;
    Text first = cut(&rest, '-');

    if (!text_to_u64(first, &ret->first))
        return false;
    ret->last = ret->first;
    if (first.len < text.len && !text_to_u64(text_trim(rest), &ret->last))
        return false;
    return ret->first > 0 && ret->first <= ret->last && ret->last < INT64_MAX;
}

/* "uuid:1-5:tag:1-3" */
static bool
parse_source(Text text, GtidSet *set, Error *err)
{
    uint8_t source[GTID_SOURCE_SIZE];
    char tag[GTID_TAG_MAX + 1] = "";
    Text rest = text;
    Text piece = cut(&rest, ':');
    bool has_interval = false;

    if (!gtid_source_parse(piece, source))
        return error_set(err, ERR_SOURCE, "\"" TEXT_FMT "\" is no UUID", TEXT_ARG(piece));
    while (rest.len > 0) {
        GtidInterval interval;

        piece = cut(&rest, ':');
        if (parse_interval(piece, &interval)) {
            (void)gtid_set_add(set, source, tag, interval.first, interval.last);
            has_interval = true;
        } else if ((has_interval || tag[0] == '\0') && gtid_tag_parse(piece, tag)) {
            has_interval = false;
        } else {
            return error_set(err, ERR_SOURCE,
                "\"" TEXT_FMT "\" is neither numbers of transactions nor a tag", TEXT_ARG(piece));
        }
    }
    if (!has_interval)
        return error_set(
            err, ERR_SOURCE, "\"" TEXT_FMT "\" has no numbers of transactions", TEXT_ARG(text));
    return true;
}

bool
gtid_set_parse(Text text, GtidSet *ret_set, Error *err)
{
    GtidSet set = {0};
    Text rest = text;

    while (rest.len > 0) {
        Text piece = cut(&rest, ',');

        if (piece.len == 0)
            continue;
        if (!parse_source(piece, &set, err)) {
            gtid_set_clear(&set);
            return false;
        }
    }
    *ret_set = set;
    return true;
}

static void
print_uuid(const uint8_t source[GTID_SOURCE_SIZE], Buf *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < GTID_SOURCE_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_add_char(out, '-');
        buf_add_char(out, digits[source[i] >> 4]);
        buf_add_char(out, digits[source[i] & 15]);
    }
}

void
gtid_set_print(const GtidSet *set, Buf *out)
{
    const GtidSource *last = NULL;

    for (size_t i = 0; i < set->count; i++) {
        const GtidSource *entry = &set->sources[i];

        if (last == NULL || memcmp(last->source, entry->source, GTID_SOURCE_SIZE) != 0) {
            if (last != NULL)
                buf_add_char(out, ',');
            print_uuid(entry->source, out);
        }
        last = entry;
        if (entry->tag[0] != '\0') {
            buf_add_char(out, ':');
            buf_add_string(out, entry->tag);
        }
        for (size_t j = 0; j < entry->count; j++) {
            buf_add_char(out, ':');
            buf_add_u64(out, entry->intervals[j].first);
            if (entry->intervals[j].last == entry->intervals[j].first)
                continue;
            buf_add_char(out, '-');
            buf_add_u64(out, entry->intervals[j].last);
        }
    }
}

static void
encode_int(uint64_t value, Buf *out)
{
    for (int i = 0; i < 8; i++)
        buf_add_char(out, (char)(value >> (8 * i)));
}

void
gtid_set_encode(const GtidSet *set, Buf *out)
{
    bool has_tags = false;

    for (size_t i = 0; i < set->count; i++)
        has_tags = has_tags || set->sources[i].tag[0] != '\0';
    /* with tags, the format is told in the first byte and in the last one */
    encode_int(
        has_tags ? UINT64_C(1) << 56 | (uint64_t)set->count << 8 | 1 : (uint64_t)set->count, out);
    for (size_t i = 0; i < set->count; i++) {
        const GtidSource *entry = &set->sources[i];

        buf_add(out, entry->source, GTID_SOURCE_SIZE);
        if (has_tags) {
            buf_add_char(out, (char)(strlen(entry->tag) << 1));
            buf_add_string(out, entry->tag);
        }
        encode_int(entry->count, out);
        for (size_t j = 0; j < entry->count; j++) {
            encode_int(entry->intervals[j].first, out);
            encode_int(entry->intervals[j].last + 1, out);
        }
    }
}

static Sum
count_numbers(const GtidSet *set)
{
    Sum sum = 0;

    for (size_t i = 0; i < set->count; i++)
        for (size_t j = 0; j < set->sources[i].count; j++)
            sum +=
                (Sum)(set->sources[i].intervals[j].last - set->sources[i].intervals[j].first) + 1;
    return sum;
}

static int
compare_interval(const GtidSource *a, const GtidSource *b)
{
    size_t count = MIN(a->count, b->count);

    for (size_t i = 0; i < count; i++) {
        const GtidInterval *x = &a->intervals[i];
        const GtidInterval *y = &b->intervals[i];

        if (x->first != y->first)
            return x->first < y->first ? -1 : 1;
        if (x->last != y->last)
            return x->last < y->last ? -1 : 1;
    }
    return (a->count > b->count) - (a->count < b->count);
}

int
gtid_set_compare(const GtidSet *a, const GtidSet *b)
{
    Sum sum_a = count_numbers(a);
    Sum sum_b = count_numbers(b);
    size_t count = MIN(a->count, b->count);

    if (sum_a != sum_b)
        return sum_a < sum_b ? -1 : 1;
    for (size_t i = 0; i < count; i++) {
        const GtidSource *x = &a->sources[i];
        const GtidSource *y = &b->sources[i];
        int order = compare_source(x, y->source, y->tag);

        if (order == 0)
            order = compare_interval(x, y);
        if (order != 0)
            return order < 0 ? -1 : 1;
    }
    return (a->count > b->count) - (a->count < b->count);
}
