#include "source/binlog/position.h"

#include <inttypes.h>
#include <stdlib.h>

#include "source/binlog/gtid_set.h"

/* Where the first event of a file is. */
#define FIRST_OFFSET 4
/* The longest part of an XA transaction's name. */
#define XID_PART_MAX 64

/* The last transaction of a domain. */
typedef struct DomainGtid {
    uint32_t domain;
    uint32_t server;
    uint64_t sequence;
} DomainGtid;

struct BinlogPosition {
    BinlogPositionKind kind;
    Buf file;
    uint64_t offset;
    DomainGtid *domains; /* in the order of their numbers */
    size_t domain_count;
    size_t domain_size;
    GtidSet set;
    BinlogPrepared *prepared; /* the bytes of each are one piece, which xid.gtrid begins */
    size_t prepared_count;
    size_t prepared_size;
};

BinlogPosition *
binlog_position_new(BinlogPositionKind kind)
{
    BinlogPosition *position = calloc(1, sizeof(*position));

    if (position == NULL)
        abort();
    position->kind = kind;
    position->offset = FIRST_OFFSET;
    return position;
}

static void
free_prepared(BinlogPrepared *prepared)
{
    free((char *)(uintptr_t)prepared->xid.gtrid.data);
}

void
binlog_position_free(BinlogPosition *position)
{
    if (position == NULL)
        return;
    for (size_t i = 0; i < position->prepared_count; i++)
        free_prepared(&position->prepared[i]);
    free(position->prepared);
    free(position->domains);
    gtid_set_clear(&position->set);
    buf_clear(&position->file);
    free(position);
}

/* Room for one more. */
static void *
grow(void *items, size_t count, size_t *size, size_t item_size)
{
    if (count < *size)
        return items;
    *size = *size == 0 ? 4 : *size * 2;
    items = realloc(items, *size * item_size);
    if (items == NULL)
        abort();
    return items;
}

BinlogPosition *
binlog_position_copy(const BinlogPosition *position)
{
    BinlogPosition *copy = binlog_position_new(position->kind);

    buf_add_text(&copy->file, buf_text(&position->file));
    copy->offset = position->offset;
    for (size_t i = 0; i < position->domain_count; i++) {
        copy->domains =
            grow(copy->domains, copy->domain_count, &copy->domain_size, sizeof(*copy->domains));
        copy->domains[copy->domain_count++] = position->domains[i];
    }
    gtid_set_copy(&position->set, &copy->set);
    for (size_t i = 0; i < position->prepared_count; i++)
        binlog_position_add_prepared(copy, &position->prepared[i]);
    return copy;
}

BinlogPositionKind
binlog_position_kind(const BinlogPosition *position)
{
    return position->kind;
}

void
binlog_position_set_file(BinlogPosition *position, Text file, uint64_t offset)
{
    /* it may be our own */
    if (!text_equal(buf_text(&position->file), file)) {
        buf_reset(&position->file, SIZE_MAX);
        buf_add_text(&position->file, file);
    }
    position->offset = offset;
}

Text
binlog_position_file(const BinlogPosition *position, uint64_t *ret_offset)
{
    *ret_offset = position->offset;
    return buf_text(&position->file);
}

/* The domain's entry, or where it belongs. */
static size_t
find_domain(const BinlogPosition *position, uint32_t domain)
{
    size_t low = 0;
    size_t high = position->domain_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (position->domains[middle].domain < domain)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
binlog_position_add_mariadb(
    BinlogPosition *position, uint32_t domain, uint32_t server, uint64_t sequence, Error *err)
{
    size_t at = find_domain(position, domain);
    DomainGtid *entry;

    if (at < position->domain_count && position->domains[at].domain == domain) {
        entry = &position->domains[at];
        if (sequence <= entry->sequence)
            return error_set(err, ERR_SOURCE,
                "transaction %" PRIu32 "-%" PRIu32 "-%" PRIu64 " comes after %" PRIu32 "-%" PRIu32
                "-%" PRIu64 ": two servers wrote to domain %" PRIu32 " on their own; give each its "
                "own gtid_domain_id, or let one write and set gtid_strict_mode, then bootstrap "
                "anew",
                domain, server, sequence, domain, entry->server, entry->sequence, domain);
        *entry = (DomainGtid){domain, server, sequence};
        return true;
    }
    position->domains =
        grow(position->domains, position->domain_count, &position->domain_size, sizeof(*entry));
    entry = &position->domains[at];
    memmove(entry + 1, entry, (position->domain_count - at) * sizeof(*entry));
    position->domain_count++;
    *entry = (DomainGtid){domain, server, sequence};
    return true;
}

bool
binlog_position_add_mysql(
    BinlogPosition *position, const uint8_t source[16], Text tag, uint64_t number)
{
    char name[GTID_TAG_MAX + 1] = "";

    if (number == 0 || number > INT64_MAX || (tag.len > 0 && !gtid_tag_parse(tag, name)))
        return false;
    return gtid_set_add(&position->set, source, name, number, number);
}

void
binlog_position_encode(const BinlogPosition *position, Buf *out)
{
    gtid_set_encode(&position->set, out);
}

static char *
put(char *to, Text text)
{
    if (text.len > 0)
        memcpy(to, text.data, text.len);
    return to + text.len;
}

void
binlog_position_add_prepared(BinlogPosition *position, const BinlogPrepared *prepared)
{
    const BinlogXid *xid = &prepared->xid;
    char *bytes = malloc(xid->gtrid.len + xid->bqual.len + prepared->file.len + 1);
    BinlogPrepared entry = *prepared;

    if (bytes == NULL)
        abort();
    entry.xid.gtrid.data = bytes;
    entry.xid.bqual.data = put(bytes, xid->gtrid);
    entry.file.data = put(bytes + xid->gtrid.len, xid->bqual);
    (void)put(bytes + xid->gtrid.len + xid->bqual.len, prepared->file);
    binlog_position_remove_prepared(position, &entry.xid);
    position->prepared =
        grow(position->prepared, position->prepared_count, &position->prepared_size, sizeof(entry));
    position->prepared[position->prepared_count++] = entry;
}

static bool
is_same_xid(const BinlogXid *a, const BinlogXid *b)
{
    return a->format == b->format && text_equal(a->gtrid, b->gtrid) &&
           text_equal(a->bqual, b->bqual);
}

const BinlogPrepared *
binlog_position_find_prepared(const BinlogPosition *position, const BinlogXid *xid)
{
    for (size_t i = 0; i < position->prepared_count; i++)
        if (is_same_xid(&position->prepared[i].xid, xid))
            return &position->prepared[i];
    return NULL;
}

void
binlog_position_remove_prepared(BinlogPosition *position, const BinlogXid *xid)
{
    for (size_t i = 0; i < position->prepared_count; i++) {
        BinlogPrepared *entry = &position->prepared[i];

        if (!is_same_xid(&entry->xid, xid))
            continue;
        free_prepared(entry);
        position->prepared_count--;
        memmove(entry, entry + 1, (position->prepared_count - i) * sizeof(*entry));
        return;
    }
}

static void
print_hex(Text bytes, Buf *out)
{
    for (size_t i = 0; i < bytes.len; i++)
        buf_addf(out, "%02x", (unsigned char)bytes.data[i]);
}

static void
print_prepared(const BinlogPosition *position, Buf *out)
{
    for (size_t i = 0; i < position->prepared_count; i++) {
        const BinlogPrepared *entry = &position->prepared[i];

        buf_add_string(out, i == 0 ? ";xa=" : ",");
        buf_add_u64(out, entry->xid.format);
        buf_add_char(out, '.');
        print_hex(entry->xid.gtrid, out);
        buf_add_char(out, '.');
        print_hex(entry->xid.bqual, out);
        buf_add_char(out, '@');
        buf_add_text(out, entry->file);
        buf_add_char(out, ':');
        buf_add_u64(out, entry->offset);
    }
}

void
binlog_position_print(const BinlogPosition *position, Buf *out)
{
    if (position->kind == BINLOG_POSITION_FILE) {
        buf_add_text(out, buf_text(&position->file));
        buf_add_char(out, ':');
        buf_add_u64(out, position->offset);
    } else if (position->domain_count == 0 && position->set.count == 0) {
        buf_add_char(out, '-');
    }
    for (size_t i = 0; i < position->domain_count; i++)
        buf_addf(out, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64, i == 0 ? "" : ",",
            position->domains[i].domain, position->domains[i].server,
            position->domains[i].sequence);
    gtid_set_print(&position->set, out);
    print_prepared(position, out);
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
    return piece;
}

static bool
parse_u32(Text text, uint32_t *ret)
{
    uint64_t number;

    if (!text_to_u64(text, &number) || number > UINT32_MAX)
        return false;
    *ret = (uint32_t)number;
    return true;
}

/* "file:offset"; the offset is behind the last colon. */
static bool
parse_place(Text text, Text *ret_file, uint64_t *ret_offset)
{
    size_t at = text.len;

    while (at > 0 && text.data[at - 1] != ':')
        at--;
    if (at == 0)
        return false;
    *ret_file = (Text){text.data, at - 1};
    return text_to_u64((Text){text.data + at, text.len - at}, ret_offset);
}

/* The number behind the last dot; false: there is none. */
static bool
number_of_file(Text file, uint64_t *ret_number)
{
    size_t at = file.len;

    while (at > 0 && file.data[at - 1] != '.')
        at--;
    return at > 0 && text_to_u64((Text){file.data + at, file.len - at}, ret_number);
}

static bool
parse_hex(Text text, char bytes[XID_PART_MAX], Text *ret)
{
    static const char digits[] = "0123456789abcdef";

    if (text.len % 2 != 0 || text.len / 2 > XID_PART_MAX)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        size_t high = text_find((Text){digits, 16}, text.data[i]);
        size_t low = text_find((Text){digits, 16}, text.data[i + 1]);

        if (high == 16 || low == 16)
            return false;
        bytes[i / 2] = (char)(high << 4 | low);
    }
    *ret = (Text){bytes, text.len / 2};
    return true;
}

/* "format.gtrid.bqual@file:offset" */
static bool
parse_prepared(BinlogPosition *position, Text text)
{
    BinlogPrepared prepared;
    char gtrid[XID_PART_MAX];
    char bqual[XID_PART_MAX];
    uint64_t number;

    if (!parse_u32(cut(&text, '.'), &prepared.xid.format) ||
        !parse_hex(cut(&text, '.'), gtrid, &prepared.xid.gtrid) ||
        !parse_hex(cut(&text, '@'), bqual, &prepared.xid.bqual) ||
        !parse_place(text, &prepared.file, &prepared.offset) ||
        !number_of_file(prepared.file, &number))
        return false;
    binlog_position_add_prepared(position, &prepared);
    return true;
}

static bool
parse_domain(BinlogPosition *position, Text text)
{
    uint32_t domain;
    uint32_t server;
    uint64_t sequence;
    Error ignored;

    /* a domain that comes again with a larger number: its last one counts */
    return parse_u32(cut(&text, '-'), &domain) && parse_u32(cut(&text, '-'), &server) &&
           text_to_u64(text, &sequence) &&
           binlog_position_add_mariadb(position, domain, server, sequence, &ignored);
}

static bool
parse_domains(BinlogPosition *position, Text text)
{
    while (text.len > 0)
        if (!parse_domain(position, text_trim(cut(&text, ','))))
            return false;
    return true;
}

static bool
is_mysql(Text text)
{
    uint8_t source[GTID_SOURCE_SIZE];

    return text.len > 36 && (text.data[36] == ':' || text.data[36] == ' ') &&
           gtid_source_parse((Text){text.data, 36}, source);
}

/* What stands before ";xa=". */
static bool
parse_kind(BinlogPosition *position, Text text, BinlogPositionKind kind, Error *err)
{
    uint64_t number;
    Text file;

    if (text_is(text, "-")) {
        if (kind == BINLOG_POSITION_FILE)
            return error_set(
                err, ERR_SOURCE, "it has no GTIDs, and a file with an offset is asked");
        position->kind = kind;
        return true;
    }
    if (is_mysql(text)) {
        position->kind = BINLOG_POSITION_MYSQL;
        return gtid_set_parse(text, &position->set, err);
    }
    position->kind = BINLOG_POSITION_FILE;
    if (parse_place(text, &file, &number)) {
        uint64_t file_number;

        if (file.len > 0 && !number_of_file(file, &file_number))
            return error_set(err, ERR_SOURCE,
                "the name of a log file ends in a dot and a number: \"" TEXT_FMT "\" does not",
                TEXT_ARG(file));
        binlog_position_set_file(position, file, number);
        return true;
    }
    position->kind = BINLOG_POSITION_MARIADB;
    if (text.len > 0 && parse_domains(position, text))
        return true;
    return error_set(err, ERR_SOURCE,
        "neither a file with an offset (mariadb-bin.000004:1234) nor GTIDs (0-1-100 of MariaDB, "
        "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5 of MySQL, - for none)");
}

static bool
parse_all(BinlogPosition *position, Text text, BinlogPositionKind kind, Error *err)
{
    const char *found = text.len == 0 ? NULL : memmem(text.data, text.len, ";xa=", 4);
    Text list = TEXT("");

    if (found != NULL) {
        list = (Text){found + 4, text.len - (size_t)(found - text.data) - 4};
        text.len -= list.len + 4;
        if (list.len == 0)
            return error_set(err, ERR_SOURCE, "nothing stands behind \";xa=\"");
    }
    if (!parse_kind(position, text_trim(text), kind, err))
        return false;
    while (list.len > 0) {
        Text piece = cut(&list, ',');

        if (!parse_prepared(position, piece))
            return error_set(err, ERR_SOURCE,
                "\"" TEXT_FMT "\" is no prepared transaction "
                "(<format>.<gtrid hex>.<bqual hex>@<file>:<offset>)",
                TEXT_ARG(piece));
    }
    return true;
}

BinlogPosition *
binlog_position_parse(Text text, BinlogPositionKind kind, Error *err)
{
    BinlogPosition *position = binlog_position_new(kind);

    if (parse_all(position, text_trim(text), kind, err))
        return position;
    binlog_position_free(position);
    (void)error_wrap(err, "position \"" TEXT_FMT "\"", TEXT_ARG(text));
    return NULL;
}

static int
compare_file(const BinlogPosition *a, const BinlogPosition *b)
{
    uint64_t number_a = 0;
    uint64_t number_b = 0;

    /* before any file */
    if ((a->file.len == 0) != (b->file.len == 0))
        return a->file.len == 0 ? -1 : 1;
    (void)!number_of_file(buf_text(&a->file), &number_a);
    (void)!number_of_file(buf_text(&b->file), &number_b);
    if (number_a != number_b)
        return number_a < number_b ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* As gtid_set_compare(): by the number of transactions, which grows whenever one comes. */
static int
compare_domains(const BinlogPosition *a, const BinlogPosition *b)
{
    __extension__ unsigned __int128 sum_a = 0;
    __extension__ unsigned __int128 sum_b = 0;
    size_t count = MIN(a->domain_count, b->domain_count);

    for (size_t i = 0; i < a->domain_count; i++)
        sum_a += a->domains[i].sequence;
    for (size_t i = 0; i < b->domain_count; i++)
        sum_b += b->domains[i].sequence;
    if (sum_a != sum_b)
        return sum_a < sum_b ? -1 : 1;
    for (size_t i = 0; i < count; i++) {
        const DomainGtid *x = &a->domains[i];
        const DomainGtid *y = &b->domains[i];

        if (x->domain != y->domain)
            return x->domain < y->domain ? -1 : 1;
        if (x->sequence != y->sequence)
            return x->sequence < y->sequence ? -1 : 1;
        if (x->server != y->server)
            return x->server < y->server ? -1 : 1;
    }
    return (a->domain_count > b->domain_count) - (a->domain_count < b->domain_count);
}

/* No position, a file, no GTIDs of whichever kind, then those of each kind. */
static int
rank(const BinlogPosition *position)
{
    if (position == NULL)
        return 0;
    if (position->kind == BINLOG_POSITION_FILE)
        return 1;
    if (position->domain_count == 0 && position->set.count == 0)
        return 2;
    return position->kind == BINLOG_POSITION_MARIADB ? 3 : 4;
}

static int
compare(const BinlogPosition *a, const BinlogPosition *b)
{
    int rank_a = rank(a);

    if (rank_a != rank(b))
        return rank_a < rank(b) ? -1 : 1;
    switch (rank_a) {
    case 1:
        return compare_file(a, b);
    case 3:
        return compare_domains(a, b);
    case 4:
        return gtid_set_compare(&a->set, &b->set);
    default:
        return 0;
    }
}

int
binlog_position_compare(Text a, Text b)
{
    Error ignored;
    BinlogPosition *x = binlog_position_parse(a, BINLOG_POSITION_MARIADB, &ignored);
    BinlogPosition *y = binlog_position_parse(b, BINLOG_POSITION_MARIADB, &ignored);
    int order = compare(x, y);

    binlog_position_free(x);
    binlog_position_free(y);
    return order;
}
