#include "source/binlog/charset.h"

#include <stdio.h>

#include "source/binlog/charset_map.h"

/* MariaDB: NO PAD of the collation with 1024 less; from 2048 on those of Unicode 14 ("UCA-1400"),
 * 256 a character set */
enum {
    COLLATION_NO_PAD = 1024,
    COLLATION_UCA1400 = 2048,
    COLLATIONS_A_SET = 256,
};

/* What a character or a fault is. */
typedef struct Decoded {
    uint32_t character;
    size_t len; /* bytes of it; 0: they are no character */
} Decoded;

static const BinlogCharset *
find_by_range(unsigned collation)
{
    for (size_t i = 0; i < binlog_charset_count; i++) {
        const BinlogCharset *charset = &binlog_charsets[i];

        for (size_t at = 0; at < BINLOG_COLLATION_RANGES; at++)
            if (charset->collations[at].first <= collation &&
                collation <= charset->collations[at].last && collation != 0)
                return charset;
    }
    return NULL;
}

const BinlogCharset *
binlog_charset_of_collation(unsigned collation)
{
    static const char *const uca1400[] = {"utf8mb3", "utf8mb4", "ucs2", "utf16", "utf32"};

    if (collation >= COLLATION_UCA1400) {
        size_t at = (collation - COLLATION_UCA1400) / COLLATIONS_A_SET;

        return at < sizeof(uca1400) / sizeof(uca1400[0]) ? binlog_charset_find(text_of(uca1400[at]))
                                                         : NULL;
    }
    if (collation > COLLATION_NO_PAD && collation < COLLATION_NO_PAD + 256)
        return find_by_range(collation - COLLATION_NO_PAD);
    return find_by_range(collation);
}

const BinlogCharset *
binlog_charset_find(Text name)
{
    if (text_equal_nocase(name, TEXT("utf8")))
        name = TEXT("utf8mb3");
    for (size_t i = 0; i < binlog_charset_count; i++)
        if (text_equal_nocase(name, text_of(binlog_charsets[i].name)))
            return &binlog_charsets[i];
    return NULL;
}

const char *
binlog_charset_name(const BinlogCharset *charset)
{
    return charset->name;
}

bool
binlog_charset_is_utf8(const BinlogCharset *charset)
{
    return charset->encoding == BINLOG_ENCODING_UTF8;
}

static bool
no_character(const BinlogCharset *charset, Text text, size_t at, Error *err)
{
    char bytes[16] = "";
    size_t shown = MIN(text.len - at, 4U);

    for (size_t i = 0; i < shown; i++)
        (void)snprintf(bytes + 2 * i, 3, "%02X", (unsigned char)text.data[at + i]);
    return error_set(err, ERR_DATA,
        "byte %zu of the text (0x%s%s) is no character of %s; correct the value at the source",
        at + 1, bytes, text.len - at > shown ? "…" : "", charset->name);
}

/* Room for four bytes is at out. */
static size_t
put_utf8(uint32_t character, char *out)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xC0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (char)(0xE0 | character >> 12);
        out[1] = (char)(0x80 | (character >> 6 & 0x3F));
        out[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | character >> 18);
    out[1] = (char)(0x80 | (character >> 12 & 0x3F));
    out[2] = (char)(0x80 | (character >> 6 & 0x3F));
    out[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

static Decoded
decode_utf16(const uint8_t *at, size_t left, bool is_little)
{
    size_t high = is_little ? 1 : 0;
    uint32_t unit;
    uint32_t second;

    if (left < 2)
        return (Decoded){0, 0};
    unit = (uint32_t)(at[high] << 8 | at[1 - high]);
    if (unit < 0xD800 || unit > 0xDFFF)
        return (Decoded){unit, 2};
    if (unit > 0xDBFF || left < 4)
        return (Decoded){0, 0};
    second = (uint32_t)(at[2 + high] << 8 | at[3 - high]);
    if (second < 0xDC00 || second > 0xDFFF)
        return (Decoded){0, 0};
    return (Decoded){0x10000 + ((unit - 0xD800) << 10 | (second - 0xDC00)), 4};
}

static Decoded
decode_wide(BinlogEncoding encoding, const uint8_t *at, size_t left)
{
    Decoded decoded;
    uint32_t character;

    if (encoding == BINLOG_ENCODING_UTF32) {
        if (left < 4)
            return (Decoded){0, 0};
        character = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
            return (Decoded){0, 0};
        return (Decoded){character, 4};
    }
    decoded = decode_utf16(at, left, encoding == BINLOG_ENCODING_UTF16LE);
    /* ucs2 has no pairs of surrogates: the servers take each half for a character, which it is not
     */
    if (encoding == BINLOG_ENCODING_UCS2 && decoded.len != 2)
        return (Decoded){0, 0};
    return decoded;
}

static Decoded
decode_four(const BinlogCharmap *map, const uint8_t *at, size_t left)
{
    uint32_t index = left < 4 ? UINT32_MAX : binlog_charmap_gb_index(at);

    if (index < BINLOG_GB_BMP)
        return (Decoded){map->four[index], map->four[index] == 0 ? 0 : 4};
    if (index >= BINLOG_GB_HIGH && index < BINLOG_GB_HIGH + 0x100000)
        return (Decoded){0x10000 + (index - BINLOG_GB_HIGH), 4};
    return (Decoded){0, 0};
}

static Decoded
decode_mapped(const BinlogCharmap *map, const uint8_t *at, size_t left)
{
    uint32_t character = map->one[at[0]];

    if (character != 0 || at[0] == 0)
        return (Decoded){character, 1};
    if (map->two == NULL || left < 2)
        return (Decoded){0, 0};
    if (map->three != NULL && at[0] == 0x8F) {
        if (left < 3)
            return (Decoded){0, 0};
        character = map->three[at[1] << 8 | at[2]];
        return (Decoded){character, character == 0 ? 0 : 3};
    }
    if (map->four != NULL && at[1] >= 0x30 && at[1] <= 0x39)
        return decode_four(map, at, left);
    character = map->two[at[0] << 8 | at[1]];
    return (Decoded){character, character == 0 ? 0 : 2};
}

static bool
pass_utf8(const BinlogCharset *charset, Text text, Buf *out, Error *err)
{
    size_t bad_at;

    if (!text_is_utf8(text, &bad_at))
        return no_character(charset, text, bad_at, err);
    buf_add_text(out, text);
    return true;
}

/* A byte of a set becomes at most three of UTF-8, and where a character has two or more bytes, less
 * than three for each of them. */
#define MAX_GROWTH 3

bool
binlog_charset_convert(const BinlogCharset *charset, Text text, Buf *out, Error *err)
{
    const BinlogCharmap *map = NULL;
    const uint8_t *bytes = (const uint8_t *)text.data;
    char *to;
    size_t at = 0;
    size_t len = 0;

    if (charset->encoding == BINLOG_ENCODING_UTF8)
        return pass_utf8(charset, text, out, err);
    if (charset->iconv != NULL) {
        map = binlog_charmap_get(charset, err);
        if (map == NULL)
            return false;
    }
    to = buf_reserve(out, MAX_GROWTH * text.len + 1);
    while (at < text.len) {
        Decoded decoded = map != NULL ? decode_mapped(map, bytes + at, text.len - at)
                                      : decode_wide(charset->encoding, bytes + at, text.len - at);

        if (decoded.len == 0)
            return no_character(charset, text, at, err);
        len += put_utf8(decoded.character, to + len);
        at += decoded.len;
    }
    buf_grown(out, len);
    return true;
}
