#include "source/pgoutput.h"

#include <inttypes.h>
#include <stdlib.h>

#include "event/event.h"

/* Microseconds from 1970-01-01 to 2000-01-01. */
#define POSTGRES_EPOCH_US INT64_C(946684800000000)

typedef struct Tuple {
    Value *values;
    size_t size;
} Tuple;

struct Pgoutput {
    Tuple before;
    Tuple after;
    PgoutputColumn *columns;
    size_t column_size;
    uint32_t *oids;
    size_t oid_size;
};

/* The message that is being read. */
typedef struct Parse {
    Pgoutput *decoder;
    Reader reader;
    PgoutputMessage *ret;
    char letter;
    Error *err;
} Parse;

Pgoutput *
pgoutput_new(void)
{
    Pgoutput *decoder = calloc(1, sizeof(*decoder));

    if (decoder == NULL)
        abort();
    return decoder;
}

void
pgoutput_free(Pgoutput *decoder)
{
    if (decoder == NULL)
        return;
    free(decoder->before.values);
    free(decoder->after.values);
    free(decoder->columns);
    free(decoder->oids);
    free(decoder);
}

static bool
fail(Parse *parse, size_t at, const char *reason)
{
    return error_set(
        parse->err, ERR_SOURCE, "pgoutput message '%c', byte %zu: %s", parse->letter, at, reason);
}

static bool
fail_letter(Parse *parse, size_t at, const char *what, unsigned letter)
{
    return error_set(parse->err, ERR_SOURCE,
        "pgoutput message '%c', byte %zu: unknown %s 0x%02x ('%c')", parse->letter, at, what,
        letter, letter >= ' ' && letter < 0x7f ? (char)letter : '?');
}

/* Room for count items, of which each takes at least one byte of the message. */
static bool
grow(Parse *parse, void **items, size_t *size, size_t count, size_t item_size)
{
    if (count > parse->reader.len - parse->reader.at)
        return fail(parse, parse->reader.at, "more items are announced than the message has");
    if (count <= *size)
        return true;
    *items = realloc(*items, count * item_size);
    if (*items == NULL)
        abort();
    *size = count;
    return true;
}

/* Bytes up to a NUL. */
static Text
read_string(Parse *parse)
{
    Reader *reader = &parse->reader;
    Text rest = {(const char *)reader->data + reader->at, reader->len - reader->at};
    Text string;

    if (reader->overrun)
        return TEXT("");
    string = reader_bytes(reader, text_find(rest, '\0'));
    (void)reader_u8(reader);
    return string;
}

static int64_t
read_time(Parse *parse)
{
    int64_t time_us = (int64_t)reader_be64(&parse->reader);

    return time_us > INT64_MAX - POSTGRES_EPOCH_US ? TIME_UNKNOWN : time_us + POSTGRES_EPOCH_US;
}

static bool
read_value(Parse *parse, Value *ret_value)
{
    Reader *reader = &parse->reader;
    size_t at = reader->at;
    uint8_t letter = reader_u8(reader);

    switch (letter) {
    case 't':
        *ret_value = (Value){.kind = VALUE_TEXT};
        ret_value->text = reader_bytes(reader, reader_be32(reader));
        return true;
    case 'n':
        *ret_value = (Value){.kind = VALUE_NULL};
        return true;
    case 'u':
        *ret_value = (Value){.kind = VALUE_UNCHANGED};
        return true;
    default:
        return reader->overrun || fail_letter(parse, at, "kind of value", letter);
    }
}

static bool
read_tuple(Parse *parse, Tuple *tuple, Value **ret_values, size_t *ret_count)
{
    size_t count = reader_be16(&parse->reader);

    if (!grow(parse, (void **)&tuple->values, &tuple->size, count, sizeof(*tuple->values)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_value(parse, &tuple->values[i]))
            return false;
    *ret_values = tuple->values;
    *ret_count = count;
    return true;
}

static bool
read_change(Parse *parse)
{
    PgoutputMessage *ret = parse->ret;
    size_t at;
    uint8_t letter;

    ret->oid = reader_be32(&parse->reader);
    at = parse->reader.at;
    letter = reader_u8(&parse->reader);
    if (ret->kind != PGOUTPUT_INSERT && (letter == 'K' || letter == 'O')) {
        ret->old = letter == 'K' ? PGOUTPUT_OLD_KEY : PGOUTPUT_OLD_ROW;
        if (!read_tuple(parse, &parse->decoder->before, &ret->before, &ret->before_count))
            return false;
        if (ret->kind == PGOUTPUT_DELETE)
            return true;
        at = parse->reader.at;
        letter = reader_u8(&parse->reader);
    }
    if (ret->kind != PGOUTPUT_DELETE && letter == 'N')
        return read_tuple(parse, &parse->decoder->after, &ret->after, &ret->after_count);
    return parse->reader.overrun || fail_letter(parse, at, "kind of row", letter);
}

static Text
read_schema(Parse *parse)
{
    Text schema = read_string(parse);

    return schema.len == 0 ? TEXT("pg_catalog") : schema;
}

static bool
read_relation(Parse *parse)
{
    Pgoutput *decoder = parse->decoder;
    PgoutputMessage *ret = parse->ret;

    ret->oid = reader_be32(&parse->reader);
    ret->schema = read_schema(parse);
    ret->name = read_string(parse);
    ret->identity = (char)reader_u8(&parse->reader);
    ret->column_count = reader_be16(&parse->reader);
    if (!grow(parse, (void **)&decoder->columns, &decoder->column_size, ret->column_count,
            sizeof(*decoder->columns)))
        return false;
    for (size_t i = 0; i < ret->column_count; i++) {
        PgoutputColumn *column = &decoder->columns[i];

        column->in_identity = (reader_u8(&parse->reader) & 1) != 0;
        column->name = read_string(parse);
        column->type = reader_be32(&parse->reader);
        column->modifier = (int32_t)reader_be32(&parse->reader);
    }
    ret->columns = decoder->columns;
    return true;
}

static bool
read_truncate(Parse *parse)
{
    Pgoutput *decoder = parse->decoder;
    PgoutputMessage *ret = parse->ret;
    uint8_t options;

    ret->oid_count = reader_be32(&parse->reader);
    options = reader_u8(&parse->reader);
    ret->cascade = (options & 1) != 0;
    ret->restart_identity = (options & 2) != 0;
    if (!grow(parse, (void **)&decoder->oids, &decoder->oid_size, ret->oid_count,
            sizeof(*decoder->oids)))
        return false;
    for (size_t i = 0; i < ret->oid_count; i++)
        decoder->oids[i] = reader_be32(&parse->reader);
    ret->oids = decoder->oids;
    return true;
}

static bool
read_begin(Parse *parse)
{
    parse->ret->lsn = reader_be64(&parse->reader);
    parse->ret->time_us = read_time(parse);
    parse->ret->xid = reader_be32(&parse->reader);
    return true;
}

static bool
read_commit(Parse *parse)
{
    (void)reader_u8(&parse->reader);
    parse->ret->lsn = reader_be64(&parse->reader);
    parse->ret->end_lsn = reader_be64(&parse->reader);
    parse->ret->time_us = read_time(parse);
    return true;
}

static bool
read_origin(Parse *parse)
{
    parse->ret->lsn = reader_be64(&parse->reader);
    parse->ret->name = read_string(parse);
    return true;
}

static bool
read_type(Parse *parse)
{
    parse->ret->oid = reader_be32(&parse->reader);
    parse->ret->schema = read_schema(parse);
    parse->ret->name = read_string(parse);
    return true;
}

static bool
read_message(Parse *parse)
{
    parse->ret->transactional = (reader_u8(&parse->reader) & 1) != 0;
    parse->ret->lsn = reader_be64(&parse->reader);
    parse->ret->name = read_string(parse);
    parse->ret->content = reader_bytes(&parse->reader, reader_be32(&parse->reader));
    return true;
}

static const struct {
    char letter;
    PgoutputKind kind;
    bool (*read)(Parse *parse);
} kinds[] = {
    {'I', PGOUTPUT_INSERT, read_change},
    {'U', PGOUTPUT_UPDATE, read_change},
    {'D', PGOUTPUT_DELETE, read_change},
    {'B', PGOUTPUT_BEGIN, read_begin},
    {'C', PGOUTPUT_COMMIT, read_commit},
    {'R', PGOUTPUT_RELATION, read_relation},
    {'T', PGOUTPUT_TRUNCATE, read_truncate},
    {'Y', PGOUTPUT_TYPE, read_type},
    {'O', PGOUTPUT_ORIGIN, read_origin},
    {'M', PGOUTPUT_MESSAGE, read_message},
};

bool
pgoutput_decode(Pgoutput *decoder, Text message, PgoutputMessage *ret, Error *err)
{
    Parse parse = {
        .decoder = decoder, .reader = reader_of(message.data, message.len), .ret = ret, .err = err};
    unsigned letter = reader_u8(&parse.reader);

    if (message.len == 0)
        return error_set(err, ERR_SOURCE, "empty pgoutput message");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if ((unsigned char)kinds[i].letter != letter)
            continue;
        parse.letter = kinds[i].letter;
        *ret = (PgoutputMessage){.kind = kinds[i].kind};
        if (!kinds[i].read(&parse))
            return false;
        if (parse.reader.overrun)
            return fail(&parse, message.len, "the message ends too early");
        if (parse.reader.at != message.len)
            return fail(&parse, parse.reader.at, "the message goes on behind its end");
        return true;
    }
    return error_set(err, ERR_SOURCE,
        "pgoutput message 0x%02x ('%c'), byte 0: a kind that was not asked for", letter,
        letter >= ' ' && letter < 0x7f ? (char)letter : '?');
}

Text
lsn_format(uint64_t lsn, char text[LSN_TEXT_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t halves[2] = {(uint32_t)(lsn >> 32), (uint32_t)lsn};
    size_t len = 0;

    for (size_t i = 0; i < 2; i++) {
        int shift = 28;

        if (i == 1)
            text[len++] = '/';
        while (shift > 0 && halves[i] >> shift == 0)
            shift -= 4;
        for (; shift >= 0; shift -= 4)
            text[len++] = digits[halves[i] >> shift & 0xf];
    }
    text[len] = '\0';
    return (Text){text, len};
}

bool
lsn_parse(Text text, uint64_t *ret_lsn)
{
    uint64_t halves[2] = {0, 0};
    size_t half = 0;
    size_t digits = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        unsigned digit;

        if (c == '/' && half == 0 && digits > 0) {
            half = 1;
            digits = 0;
            continue;
        }
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            return false;
        if (++digits > 8)
            return false;
        halves[half] = halves[half] << 4 | digit;
    }
    if (half != 1 || digits == 0)
        return false;
    *ret_lsn = halves[0] << 32 | halves[1];
    return true;
}
