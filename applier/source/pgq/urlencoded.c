#include "source/pgq/urlencoded.h"

enum {
    BYTE_BAD, /* the encoding never leaves it raw */
    BYTE_PLAIN,
    BYTE_BLANK,  /* "+" */
    BYTE_HEX,    /* "%" */
    BYTE_VALUE,  /* "=" */
    BYTE_COLUMN, /* "&" */
};

/* What each byte is; the first table that a row's every byte goes through. */
static const uint8_t byte_kinds[256] = {
    ['0' ... '9'] = BYTE_PLAIN,
    ['A' ... 'Z'] = BYTE_PLAIN,
    ['a' ... 'z'] = BYTE_PLAIN,
    ['_'] = BYTE_PLAIN,
    ['.'] = BYTE_PLAIN,
    ['-'] = BYTE_PLAIN,
    ['~'] = BYTE_PLAIN,
    ['+'] = BYTE_BLANK,
    ['%'] = BYTE_HEX,
    ['='] = BYTE_VALUE,
    ['&'] = BYTE_COLUMN,
};

/* A hexadecimal digit's value plus 1; 0: none. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1,
    ['1'] = 2,
    ['2'] = 3,
    ['3'] = 4,
    ['4'] = 5,
    ['5'] = 6,
    ['6'] = 7,
    ['7'] = 8,
    ['8'] = 9,
    ['9'] = 10,
    ['a'] = 11,
    ['b'] = 12,
    ['c'] = 13,
    ['d'] = 14,
    ['e'] = 15,
    ['f'] = 16,
    ['A'] = 11,
    ['B'] = 12,
    ['C'] = 13,
    ['D'] = 14,
    ['E'] = 15,
    ['F'] = 16,
};

/* Counted from 1. */
static size_t
place_of(const UrlencodedScan *scan, const char *at)
{
    return (size_t)(at - scan->start) + 1;
}

static bool
fail_at(const UrlencodedScan *scan, const char *at, const char *reason, Error *err)
{
    return error_set(err, ERR_DATA, "byte %zu: %s", place_of(scan, at), reason);
}

static bool
fail_byte(const UrlencodedScan *scan, const char *at, Error *err)
{
    unsigned char byte = (unsigned char)*at;

    if (byte > 0x20 && byte < 0x7F)
        return error_set(err, ERR_DATA,
            "byte %zu: \"%c\" is never left as it is in urlencoded data", place_of(scan, at),
            (char)byte);
    return error_set(err, ERR_DATA, "byte %zu: 0x%02X is never left as it is in urlencoded data",
        place_of(scan, at), byte);
}

/* "%xx" at scan->at as its byte; 0: there is none (a NUL is no byte of a text either). */
static unsigned
take_hex(UrlencodedScan *scan, Error *err)
{
    unsigned high = 0;
    unsigned low = 0;
    unsigned byte;

    if (scan->end - scan->at >= 3) {
        high = hex_digits[(unsigned char)scan->at[1]];
        low = hex_digits[(unsigned char)scan->at[2]];
    }
    if (high == 0 || low == 0) {
        (void)fail_at(scan, scan->at, "\"%\" without two hexadecimal digits", err);
        return 0;
    }
    byte = (high - 1) << 4 | (low - 1);
    if (byte == 0)
        (void)fail_at(scan, scan->at, "%00: a text cannot hold the NUL character", err);
    return byte;
}

/* What begins there, which is not ASCII, in UTF-8: in its own place, since each byte above 127
 * stood as three, and its character takes no more. */
static bool
convert(UrlencodedScan *scan, char *begin, Text *text, Error *err)
{
    Text converted;

    if (!pgq_encoding_convert(scan->encoding, *text, &converted, err)) {
        scan->is_unconvertible = true;
        return false;
    }
    if (converted.len > (size_t)(scan->at - begin))
        return error_set(err, ERR_INTERNAL, "a text of %s became longer than its urlencoding",
            pgq_encoding_name(scan->encoding));
    memmove(begin, converted.data, converted.len);
    text->len = converted.len;
    return true;
}

/* Decode up to "=", "&" or the end. What is decoded is never longer than what it is made of. */
static bool
take_piece(UrlencodedScan *scan, Text *ret_text, Error *err)
{
    char *begin = scan->at;
    char *to;
    unsigned beyond_ascii = 0;

    while (scan->at < scan->end && byte_kinds[(unsigned char)*scan->at] == BYTE_PLAIN)
        scan->at++;
    to = scan->at;
    for (; scan->at < scan->end; scan->at++) {
        unsigned byte = (unsigned char)*scan->at;
        uint8_t kind = byte_kinds[byte];

        if (kind >= BYTE_VALUE)
            break;
        if (kind == BYTE_HEX) {
            byte = take_hex(scan, err);
            if (byte == 0)
                return false;
            beyond_ascii |= byte;
            scan->at += 2;
        } else if (kind == BYTE_BLANK) {
            byte = ' ';
        } else if (kind == BYTE_BAD) {
            return fail_byte(scan, scan->at, err);
        }
        *to++ = (char)byte;
    }
    *ret_text = (Text){begin, (size_t)(to - begin)};
    if (beyond_ascii < 0x80)
        return true;
    if (scan->encoding != NULL)
        return convert(scan, begin, ret_text, err);
    return text_is_utf8(*ret_text, NULL) ||
           fail_at(scan, begin,
               "what begins here is not UTF-8, the encoding of the source database: the event was "
               "written in another one",
               err);
}

void
urlencoded_init(UrlencodedScan *scan, char *text, size_t len, PgqEncoding *encoding)
{
    *scan = (UrlencodedScan){.start = text, .at = text, .end = text + len, .encoding = encoding};
}

Next
urlencoded_next(UrlencodedScan *scan, Text *ret_name, Value *ret_value, Error *err)
{
    Text name = TEXT_NONE;
    Text text = TEXT_NONE;
    const char *begin;

    while (scan->at < scan->end && *scan->at == '&')
        scan->at++;
    if (scan->at == scan->end)
        return NEXT_END;
    begin = scan->at;
    if (!take_piece(scan, &name, err)) {
        if (scan->is_unconvertible)
            (void)error_wrap(err, "byte %zu, a column's name", place_of(scan, begin));
        return NEXT_FAILED;
    }
    if (name.len == 0) {
        (void)fail_at(scan, begin, "a column without a name", err);
        return NEXT_FAILED;
    }
    if (scan->at == scan->end || *scan->at == '&') {
        *ret_name = name;
        *ret_value = (Value){VALUE_NULL, TEXT_NONE};
        return NEXT_ITEM;
    }
    begin = ++scan->at;
    if (!take_piece(scan, &text, err)) {
        if (scan->is_unconvertible)
            (void)error_wrap(
                err, "byte %zu, column " TEXT_FMT, place_of(scan, begin), TEXT_ARG(name));
        return NEXT_FAILED;
    }
    if (scan->at < scan->end && *scan->at == '=') {
        (void)fail_at(scan, scan->at, "a second \"=\" in one column", err);
        return NEXT_FAILED;
    }
    *ret_name = name;
    *ret_value = (Value){VALUE_TEXT, text};
    return NEXT_ITEM;
}
