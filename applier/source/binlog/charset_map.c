#include "source/binlog/charset_map.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Windows-1252, with what it leaves undefined as control characters */
static const BinlogException LATIN1[] = {
    {0x81, 1, 0x81}, {0x8D, 1, 0x8D}, {0x8F, 2, 0x8F}, {0x9D, 1, 0x9D}, {0, 0, 0}};
static const BinlogException DEC8[] = {{0xA0, 1, 0xA0}, {0, 0, 0}};
static const BinlogException SWE7[] = {{0x24, 1, 0x24}, {0x7F, 1, 0}, {0, 0, 0}};
static const BinlogException GREEK[] = {
    {0xA1, 1, 0x02BD}, {0xA2, 1, 0x02BC}, {0xA4, 2, 0}, {0xAA, 1, 0}, {0, 0, 0}};
static const BinlogException HEBREW[] = {{0xAF, 1, 0x203E}, {0, 0, 0}};
static const BinlogException KOI8U[] = {{0x95, 1, 0x2022}, {0, 0, 0}};
static const BinlogException CP866[] = {{0xFC, 1, 0x207F}, {0xFD, 1, 0xB2}, {0, 0, 0}};
static const BinlogException MACROMAN[] = {{0xC6, 1, 0x2206}, {0xF0, 1, 0xF8FF}, {0, 0, 0}};
static const BinlogException CP1256[] = {{0x8A, 1, 0}, {0x8F, 1, 0}, {0x98, 1, 0}, {0x9A, 1, 0},
    {0x9F, 1, 0}, {0xAA, 1, 0}, {0xC0, 1, 0}, {0xFF, 1, 0}, {0, 0, 0}};
static const BinlogException ARMSCII8[] = {{0xA1, 1, 0x2741}, {0xA2, 1, 0xA7}, {0xAD, 1, 0x055F},
    {0xFE, 1, 0x2019}, {0xFF, 1, 0x27}, {0, 0, 0}};
static const BinlogException GEOSTD8[] = {{0x80, 1, 0x20AC}, {0x81, 1, 0}, {0x83, 1, 0},
    {0x88, 1, 0}, {0x8A, 1, 0}, {0x8C, 5, 0}, {0x98, 3, 0}, {0x9C, 4, 0}, {0xE6, 23, 0},
    {0xFD, 1, 0x2116}, {0xFE, 2, 0}, {0, 0, 0}};
/* the servers show what the standard leaves undefined as U+FFFD */
static const BinlogException TIS620[] = {{0xA0, 1, 0xFFFD}, {0xDB, 1, 0xFFFD}, {0xDC, 1, 0xFFFD},
    {0xDD, 1, 0xFFFD}, {0xDE, 1, 0xFFFD}, {0xFC, 1, 0xFFFD}, {0xFD, 1, 0xFFFD}, {0xFE, 1, 0xFFFD},
    {0xFF, 1, 0xFFFD}, {0, 0, 0}};
/* the encoding of the brothers Kamenický, which iconv lacks: DOS's 437 with Czech and Slovak */
static const BinlogException KEYBCS2[] = {{0x80, 1, 0x010C}, {0x83, 1, 0x010F}, {0x85, 1, 0x010E},
    {0x86, 1, 0x0164}, {0x87, 1, 0x010D}, {0x88, 1, 0x011B}, {0x89, 1, 0x011A}, {0x8A, 1, 0x0139},
    {0x8B, 1, 0xCD}, {0x8C, 1, 0x013E}, {0x8D, 1, 0x013A}, {0x8F, 1, 0xC1}, {0x91, 1, 0x017E},
    {0x92, 1, 0x017D}, {0x95, 1, 0xD3}, {0x96, 1, 0x016F}, {0x97, 1, 0xDA}, {0x98, 1, 0xFD},
    {0x9B, 1, 0x0160}, {0x9C, 1, 0x013D}, {0x9D, 1, 0xDD}, {0x9E, 1, 0x0158}, {0x9F, 1, 0x0165},
    {0xA4, 1, 0x0148}, {0xA5, 1, 0x0147}, {0xA6, 1, 0x016E}, {0xA7, 1, 0xD4}, {0xA8, 1, 0x0161},
    {0xA9, 1, 0x0159}, {0xAA, 1, 0x0155}, {0xAB, 1, 0x0154}, {0, 0, 0}};
/* the characters of ETEN between the two levels, and some signs, as in older Unicode tables */
static const BinlogException BIG5[] = {{0xA145, 1, 0x2022}, {0xA14E, 1, 0xFF64},
    {0xA15A, 1, 0xFFFD}, {0xA1C2, 1, 0x203E}, {0xA1C3, 1, 0xFFFD}, {0xA1C5, 1, 0xFFFD},
    {0xA1E3, 1, 0x223C}, {0xA1F2, 1, 0x2641}, {0xA1F3, 1, 0x2609}, {0xA1FE, 1, 0xFFFD},
    {0xA240, 1, 0xFFFD}, {0xA241, 1, 0xFF0F}, {0xA242, 1, 0xFF3C}, {0xA244, 1, 0xA5},
    {0xA246, 2, 0xA2}, {0xA2CC, 1, 0xFFFD}, {0xA2CE, 1, 0xFFFD}, {0xA3E1, 1, 0},
    {0xC6A1, 1, 0x30FE}, {0xC6A2, 2, 0x309D}, {0xC6A4, 1, 0x3005}, {0xC6A5, 83, 0x3041},
    {0xC6F8, 7, 0x30A1}, {0xC740, 63, 0x30A8}, {0xC7A1, 16, 0x30E7}, {0xC7B1, 2, 0x0414},
    {0xC7B3, 1, 0x0401}, {0xC7B4, 7, 0x0416}, {0xC7BB, 19, 0x0423}, {0xC7CE, 1, 0x0451},
    {0xC7CF, 26, 0x0436}, {0xC7E9, 10, 0x2460}, {0xC7F3, 10, 0x2474}, {0xC7FD, 2, 0},
    {0xC840, 63, 0}, {0xC8A1, 94, 0}, {0xF9DD, 34, 0}, {0, 0, 0}};
static const BinlogException SJIS[] = {
    {0x5C, 1, 0x5C}, {0x7E, 1, 0x7E}, {0x815F, 1, 0x5C}, {0, 0, 0}};
static const BinlogException UJIS[] = {{0xA1C0, 1, 0x5C}, {0xA1C1, 1, 0x301C}, {0xA1C2, 1, 0x2016},
    {0xA1DD, 1, 0x2212}, {0xA1F1, 2, 0xA2}, {0xA2CC, 1, 0xAC}, {0xADA1, 30, 0}, {0xADC0, 23, 0},
    {0xADDF, 30, 0}, {0x8FA2B7, 1, 0x7E}, {0x8FA2C3, 1, 0xA6}, {0x8FF3F3, 12, 0}, {0x8FF4A1, 94, 0},
    {0, 0, 0}};
/* the standard of 2005; later versions of the C library have that of 2022 */
static const BinlogException GB18030[] = {{0xA6D9, 7, 0xE78D}, {0xA6EC, 2, 0xE794},
    {0xA6F3, 1, 0xE796}, {0xFE51, 3, 0xE816}, {0xFE59, 1, 0xE81E}, {0xFE61, 1, 0xE826},
    {0xFE66, 2, 0xE82B}, {0xFE6C, 2, 0xE831}, {0xFE76, 1, 0xE83B}, {0xFE7E, 1, 0xE843},
    {0xFE90, 2, 0xE854}, {0xFEA0, 1, 0xE864}, {0x82359037, 3, 0x9FB4}, {0x82359130, 5, 0x9FB7},
    {0x84318236, 4, 0xFE10}, {0x84318330, 6, 0xFE14}, {0, 0, 0}};

#define BYTES BINLOG_ENCODING_BYTES
#define PAIRS BINLOG_ENCODING_PAIRS

const BinlogCharset binlog_charsets[] = {
    {"utf8mb4", BINLOG_ENCODING_UTF8, NULL, {{45, 46}, {224, 247}, {255, 323}, {608, 610}}, NULL},
    {"utf8mb3", BINLOG_ENCODING_UTF8, NULL,
        {{33, 33}, {76, 76}, {83, 83}, {192, 215}, {223, 223}, {576, 578}}, NULL},
    {"ucs2", BINLOG_ENCODING_UCS2, NULL, {{35, 35}, {90, 90}, {128, 151}, {159, 159}, {640, 642}},
        NULL},
    {"utf16", BINLOG_ENCODING_UTF16, NULL, {{54, 55}, {101, 124}, {672, 674}}, NULL},
    {"utf16le", BINLOG_ENCODING_UTF16LE, NULL, {{56, 56}, {62, 62}}, NULL},
    {"utf32", BINLOG_ENCODING_UTF32, NULL, {{60, 61}, {160, 183}, {736, 738}}, NULL},
    {"latin1", BYTES, "CP1252", {{5, 5}, {8, 8}, {15, 15}, {31, 31}, {47, 49}, {94, 94}}, LATIN1},
    {"ascii", BYTES, "ASCII", {{11, 11}, {65, 65}}, NULL},
    {"latin2", BYTES, "ISO-8859-2", {{2, 2}, {9, 9}, {21, 21}, {27, 27}, {77, 77}}, NULL},
    {"latin5", BYTES, "ISO-8859-9", {{30, 30}, {78, 78}}, NULL},
    {"latin7", BYTES, "ISO-8859-13", {{20, 20}, {41, 42}, {79, 79}}, NULL},
    {"cp1250", BYTES, "CP1250", {{26, 26}, {34, 34}, {44, 44}, {66, 66}, {99, 99}}, NULL},
    {"cp1251", BYTES, "CP1251", {{14, 14}, {23, 23}, {50, 52}}, NULL},
    {"cp1256", BYTES, "CP1256", {{57, 57}, {67, 67}}, CP1256},
    {"cp1257", BYTES, "CP1257", {{29, 29}, {58, 59}}, NULL},
    {"cp850", BYTES, "CP850", {{4, 4}, {80, 80}}, NULL},
    {"cp852", BYTES, "CP852", {{40, 40}, {81, 81}}, NULL},
    {"cp866", BYTES, "CP866", {{36, 36}, {68, 68}}, CP866},
    {"koi8r", BYTES, "KOI8-R", {{7, 7}, {74, 74}}, NULL},
    {"koi8u", BYTES, "KOI8-U", {{22, 22}, {75, 75}}, KOI8U},
    {"greek", BYTES, "ISO-8859-7", {{25, 25}, {70, 70}}, GREEK},
    {"hebrew", BYTES, "ISO-8859-8", {{16, 16}, {71, 71}}, HEBREW},
    {"tis620", BYTES, "ISO-8859-11", {{18, 18}, {89, 89}}, TIS620},
    {"armscii8", BYTES, "ARMSCII-8", {{32, 32}, {64, 64}}, ARMSCII8},
    {"geostd8", BYTES, "GEORGIAN-PS", {{92, 93}}, GEOSTD8},
    {"macroman", BYTES, "MACINTOSH", {{39, 39}, {53, 53}}, MACROMAN},
    {"macce", BYTES, "MAC-CENTRALEUROPE", {{38, 38}, {43, 43}}, NULL},
    {"keybcs2", BYTES, "CP437", {{37, 37}, {73, 73}}, KEYBCS2},
    {"hp8", BYTES, "HP-ROMAN8", {{6, 6}, {72, 72}}, NULL},
    {"dec8", BYTES, "DEC-MCS", {{3, 3}, {69, 69}}, DEC8},
    {"swe7", BYTES, "SEN_850200_C", {{10, 10}, {82, 82}}, SWE7},
    {"big5", PAIRS, "BIG5", {{1, 1}, {84, 84}}, BIG5},
    {"gbk", PAIRS, "GBK", {{28, 28}, {87, 87}}, NULL},
    {"gb2312", PAIRS, "GB2312", {{24, 24}, {86, 86}}, NULL},
    {"gb18030", BINLOG_ENCODING_GB, "GB18030", {{248, 250}}, GB18030},
    {"sjis", PAIRS, "SJIS", {{13, 13}, {88, 88}}, SJIS},
    {"cp932", PAIRS, "CP932", {{95, 96}}, NULL},
    {"euckr", PAIRS, "UHC", {{19, 19}, {85, 85}}, NULL},
    {"ujis", BINLOG_ENCODING_EUC, "EUC-JP-MS", {{12, 12}, {91, 91}}, UJIS},
    {"eucjpms", BINLOG_ENCODING_EUC, "EUC-JP-MS", {{97, 98}}, NULL},
};

#define CHARSET_COUNT (sizeof(binlog_charsets) / sizeof(binlog_charsets[0]))

const size_t binlog_charset_count = CHARSET_COUNT;

/* Made when a set is first used, and never freed: they say the same for ever. */
static _Atomic(BinlogCharmap *) maps[CHARSET_COUNT];
static pthread_mutex_t maps_lock = PTHREAD_MUTEX_INITIALIZER;

uint32_t
binlog_charmap_gb_index(const uint8_t code[4])
{
    if (code[0] < 0x81 || code[0] > 0xFE || code[1] < 0x30 || code[1] > 0x39 || code[2] < 0x81 ||
        code[2] > 0xFE || code[3] < 0x30 || code[3] > 0x39)
        return UINT32_MAX;
    return (((code[0] - 0x81U) * 10 + (code[1] - 0x30U)) * 126 + (code[2] - 0x81U)) * 10 +
           (code[3] - 0x30U);
}

/* The character that these bytes are, alone and exactly, in the basic plane; else 0. */
static uint16_t
ask_iconv(iconv_t converter, const uint8_t *code, size_t len)
{
    char in[4];
    uint8_t out[8];
    char *from = in;
    char *to = (char *)out;
    size_t in_left = len;
    size_t out_left = sizeof(out);

    memcpy(in, code, len);
    (void)iconv(converter, NULL, NULL, NULL, NULL);
    if (iconv(converter, &from, &in_left, &to, &out_left) == (size_t)-1 || in_left > 0)
        return 0;
    (void)iconv(converter, NULL, NULL, &to, &out_left);
    if (out_left != sizeof(out) - 4 || out[0] != 0 || out[1] != 0)
        return 0;
    return (uint16_t)(out[2] << 8 | out[3]);
}

static uint16_t *
new_table(size_t count)
{
    uint16_t *table = calloc(count, sizeof(*table));

    if (table == NULL)
        abort();
    return table;
}

static uint16_t *
table_of_pairs(iconv_t converter, const uint16_t *one, int prefix)
{
    uint16_t *table = new_table(65536);

    for (unsigned code = 0x8020; code < 65536; code++) {
        uint8_t bytes[3] = {(uint8_t)prefix, (uint8_t)(code >> 8), (uint8_t)code};

        if (prefix >= 0)
            table[code] = ask_iconv(converter, bytes, 3);
        else if (one[code >> 8] == 0)
            table[code] = ask_iconv(converter, bytes + 1, 2);
    }
    return table;
}

static uint16_t *
table_of_fours(iconv_t converter)
{
    uint16_t *table = new_table(BINLOG_GB_BMP);

    for (unsigned i = 0; i < BINLOG_GB_BMP; i++) {
        uint8_t bytes[4] = {(uint8_t)(0x81 + i / 12600), (uint8_t)(0x30 + i / 1260 % 10),
            (uint8_t)(0x81 + i / 10 % 126), (uint8_t)(0x30 + i % 10)};

        table[i] = ask_iconv(converter, bytes, 4);
    }
    return table;
}

static void
take_exception(BinlogCharmap *map, uint32_t code, uint16_t to)
{
    uint8_t bytes[4] = {
        (uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8), (uint8_t)code};

    if (code < 0x100)
        map->one[code] = to;
    else if (code < 0x10000 && map->two != NULL)
        map->two[code] = to;
    else if (code < 0x1000000 && map->three != NULL)
        map->three[code & 0xFFFF] = to;
    else if (map->four != NULL)
        map->four[binlog_charmap_gb_index(bytes)] = to;
}

static BinlogCharmap *
make_map(const BinlogCharset *charset, iconv_t converter)
{
    BinlogCharmap *map = calloc(1, sizeof(*map));

    if (map == NULL)
        abort();
    for (unsigned byte = 1; byte < 256; byte++) {
        uint8_t code = (uint8_t)byte;

        map->one[byte] = ask_iconv(converter, &code, 1);
    }
    if (charset->encoding != BYTES)
        map->two = table_of_pairs(converter, map->one, -1);
    if (charset->encoding == BINLOG_ENCODING_EUC)
        map->three = table_of_pairs(converter, NULL, 0x8F);
    if (charset->encoding == BINLOG_ENCODING_GB)
        map->four = table_of_fours(converter);
    for (const BinlogException *e = charset->exceptions; e != NULL && e->count > 0; e++)
        for (unsigned i = 0; i < e->count; i++)
            take_exception(map, e->first + i, e->to == 0 ? 0 : (uint16_t)(e->to + i));
    return map;
}

static BinlogCharmap *
map_of_iconv(const BinlogCharset *charset, Error *err)
{
    iconv_t converter = iconv_open("UCS-4BE", charset->iconv);
    BinlogCharmap *map;

    if (converter == (iconv_t)-1) { /* NOLINT(performance-no-int-to-ptr): as POSIX says */
        error_set(err, ERR_SOURCE,
            "character set %s: the C library of this machine cannot convert %s; install its "
            "converters (gconv modules; packages libc6 or glibc-gconv-extra)",
            charset->name, charset->iconv);
        return NULL;
    }
    map = make_map(charset, converter);
    (void)iconv_close(converter);
    return map;
}

const BinlogCharmap *
binlog_charmap_get(const BinlogCharset *charset, Error *err)
{
    _Atomic(BinlogCharmap *) *place = &maps[charset - binlog_charsets];
    BinlogCharmap *map = atomic_load_explicit(place, memory_order_acquire);

    if (map != NULL)
        return map;
    pthread_mutex_lock(&maps_lock);
    map = atomic_load_explicit(place, memory_order_relaxed);
    if (map == NULL) {
        map = map_of_iconv(charset, err);
        atomic_store_explicit(place, map, memory_order_release);
    }
    pthread_mutex_unlock(&maps_lock);
    return map;
}
