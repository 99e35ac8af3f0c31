#include "source/pgq/encoding.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>

/* A character of n bytes becomes at most 3n of UTF-8. */
#define MAX_GROWTH 3
#define NO_ICONV   ((iconv_t)-1) /* NOLINT(performance-no-int-to-ptr): as POSIX says */

typedef enum Form {
    FORM_NONE,  /* cannot be converted */
    FORM_ASCII, /* SQL_ASCII: whatever the clients sent */
    FORM_BYTES, /* one byte a character */
    FORM_PAIRS, /* EUC of one or two bytes */
    FORM_JAPANESE,
    FORM_JIS_2004,
    FORM_TAIWAN,
    FORM_JOHAB,
} Form;

typedef struct Known {
    const char *name;
    const char *iconv;
    Form form;
} Known;

static const Known known[] = {
    {"SQL_ASCII", NULL, FORM_ASCII},
    {"LATIN1", "ISO-8859-1", FORM_BYTES},
    {"LATIN2", "ISO-8859-2", FORM_BYTES},
    {"LATIN3", "ISO-8859-3", FORM_BYTES},
    {"LATIN4", "ISO-8859-4", FORM_BYTES},
    {"LATIN5", "ISO-8859-9", FORM_BYTES},
    {"LATIN6", "ISO-8859-10", FORM_BYTES},
    {"LATIN7", "ISO-8859-13", FORM_BYTES},
    {"LATIN8", "ISO-8859-14", FORM_BYTES},
    {"LATIN9", "ISO-8859-15", FORM_BYTES},
    {"LATIN10", "ISO-8859-16", FORM_BYTES},
    {"ISO_8859_5", "ISO-8859-5", FORM_BYTES},
    {"ISO_8859_6", "ISO-8859-6", FORM_BYTES},
    {"ISO_8859_7", "ISO-8859-7", FORM_BYTES},
    {"ISO_8859_8", "ISO-8859-8", FORM_BYTES},
    {"KOI8R", "KOI8-R", FORM_BYTES},
    {"KOI8U", "KOI8-U", FORM_BYTES},
    {"WIN866", "CP866", FORM_BYTES},
    {"WIN874", "CP874", FORM_BYTES},
    {"WIN1250", "CP1250", FORM_BYTES},
    {"WIN1251", "CP1251", FORM_BYTES},
    {"WIN1252", "CP1252", FORM_BYTES},
    {"WIN1253", "CP1253", FORM_BYTES},
    {"WIN1254", "CP1254", FORM_BYTES},
    {"WIN1255", "CP1255", FORM_BYTES},
    {"WIN1256", "CP1256", FORM_BYTES},
    {"WIN1257", "CP1257", FORM_BYTES},
    {"WIN1258", "CP1258", FORM_BYTES},
    {"EUC_CN", "EUC-CN", FORM_PAIRS},
    {"EUC_KR", "EUC-KR", FORM_PAIRS},
    {"EUC_JP", "EUC-JP-MS", FORM_JAPANESE},
    {"EUC_JIS_2004", "EUC-JISX0213", FORM_JIS_2004},
    {"EUC_TW", "EUC-TW", FORM_TAIWAN},
    {"JOHAB", "JOHAB", FORM_JOHAB},
};

/* How many bytes a character has that begins with 0x8E or 0x8F (0: there is none), and the first
 * byte that begins one of two; the bytes behind the first are always 0xA1 to 0xFE. */
static const struct {
    uint8_t after_8e;
    uint8_t after_8f;
    uint8_t first;
} lengths[] = {
    [FORM_PAIRS] = {0, 0, 0xA1},
    [FORM_JAPANESE] = {2, 3, 0xA1},
    [FORM_JIS_2004] = {2, 3, 0xA1},
    [FORM_TAIWAN] = {4, 0, 0xA1},
    [FORM_JOHAB] = {2, 0, 0x80},
};

/* A byte above 127 in UTF-8. */
typedef struct High {
    uint8_t len; /* 0: it is no character */
    char bytes[MAX_GROWTH];
} High;

struct PgqEncoding {
    char *name;
    Form form;
    iconv_t converter; /* or NO_ICONV */
    bool is_lacking;   /* the C library does not have it */
    High high[128];    /* FORM_BYTES */
    Buf out;
};

/* ---- the C library ---- */

/* Its type for what it reads is not const. */
static char *
writable(const char *bytes)
{
    return (char *)(uintptr_t)bytes;
}

/* Append the bytes; false: they hold something that is no character, from *ret_at on. */
static bool
run_iconv(PgqEncoding *encoding, Text text, size_t *ret_at)
{
    size_t room = text.len * MAX_GROWTH + 1;
    char *begin = buf_reserve(&encoding->out, room);
    char *from = writable(text.data);
    char *to = begin;
    size_t left = text.len;

    (void)iconv(encoding->converter, NULL, NULL, NULL, NULL);
    if (iconv(encoding->converter, &from, &left, &to, &room) == (size_t)-1 || left > 0 ||
        iconv(encoding->converter, NULL, NULL, &to, &room) == (size_t)-1) {
        *ret_at = text.len - left;
        return false;
    }
    buf_grown(&encoding->out, (size_t)(to - begin));
    return true;
}

/* Byte by byte, because iconv joins a letter and the accent behind it in some encodings, which
 * PostgreSQL does not. */
static void
make_table(PgqEncoding *encoding)
{
    for (unsigned i = 0; i < ARRAY_LEN(encoding->high); i++) {
        char byte = (char)(0x80 + i);
        size_t at;

        buf_reset(&encoding->out, SIZE_MAX);
        if (!run_iconv(encoding, (Text){&byte, 1}, &at) || encoding->out.len > MAX_GROWTH)
            continue;
        encoding->high[i].len = (uint8_t)encoding->out.len;
        memcpy(encoding->high[i].bytes, encoding->out.data, encoding->out.len);
    }
}

PgqEncoding *
pgq_encoding_new(const char *name)
{
    PgqEncoding *encoding = calloc(1, sizeof(*encoding));

    if (encoding == NULL)
        abort();
    encoding->name = text_dup(text_of(name));
    encoding->converter = NO_ICONV;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        encoding->form = known[i].form;
        if (known[i].iconv == NULL)
            break;
        encoding->converter = iconv_open("UTF-8", known[i].iconv);
        encoding->is_lacking = encoding->converter == NO_ICONV;
    }
    if (encoding->is_lacking)
        encoding->form = FORM_NONE;
    if (encoding->form == FORM_BYTES)
        make_table(encoding);
    return encoding;
}

void
pgq_encoding_free(PgqEncoding *encoding)
{
    if (encoding == NULL)
        return;
    if (encoding->converter != NO_ICONV)
        (void)iconv_close(encoding->converter);
    free(encoding->name);
    buf_clear(&encoding->out);
    free(encoding);
}

const char *
pgq_encoding_name(const PgqEncoding *encoding)
{
    return encoding->name;
}

bool
pgq_encoding_is_known(const PgqEncoding *encoding)
{
    return encoding->form != FORM_NONE;
}

/* ---- errors ---- */

static bool
fail_bytes(const PgqEncoding *encoding, Text text, size_t at, Error *err)
{
    char shown[16] = "";
    size_t count = MIN(text.len - at, (size_t)4);

    for (size_t i = 0; i < count; i++)
        (void)snprintf(shown + 2 * i, 3, "%02X", (unsigned char)text.data[at + i]);
    return error_set(err, ERR_DATA,
        "what begins with 0x%s is no character of %s, the encoding of the source database, that "
        "PostgreSQL has in UTF-8 too: correct the value at the source",
        shown, encoding->name);
}

static bool
fail_encoding(const PgqEncoding *encoding, Error *err)
{
    return error_set(err, ERR_DATA,
        "the encoding of the source database is %s, which %s: make a trigger of pgq.jsontriga in "
        "place of pgq.logutriga, whose events the server converts",
        encoding->name,
        encoding->is_lacking ? "the C library of this machine cannot convert (its gconv modules "
                               "are in the packages libc6 or glibc-gconv-extra)"
                             : "is not converted here");
}

/* ---- texts ---- */

static bool
convert_bytes(PgqEncoding *encoding, Text text, Error *err)
{
    char *to = buf_reserve(&encoding->out, text.len * MAX_GROWTH + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned byte = (unsigned char)text.data[i];
        const High *high = &encoding->high[byte & 0x7F];

        if (byte < 0x80) {
            to[len++] = (char)byte;
            continue;
        }
        if (high->len == 0)
            return fail_bytes(encoding, text, i, err);
        memcpy(to + len, high->bytes, high->len);
        len += high->len;
    }
    buf_grown(&encoding->out, len);
    return true;
}

/* Codes that iconv knows and PostgreSQL does not convert. */
static bool
is_refused(Form form, const uint8_t *at)
{
    unsigned code = (unsigned)at[0] << 8 | at[1];

    if (form == FORM_JAPANESE) /* rows of users' own characters, and a second tilde */
        return at[0] >= 0xF5 ||
               (at[0] == 0x8F && (at[1] >= 0xF5 || (at[1] == 0xA2 && at[2] == 0xB7)));
    if (form != FORM_TAIWAN)
        return false;
    if (at[0] == 0x8E) { /* planes 1 and 2 only; the first one has both a short and a long form */
        if (at[1] > 0xA2)
            return true;
        code = at[1] == 0xA1 ? (unsigned)at[2] << 8 | at[3] : 0;
    }
    return code == 0xA7A8 || code == 0xA7AF || code == 0xA7B4;
}

/* Bytes of the character that is there; 0: none. */
static size_t
character_len(Form form, const uint8_t *at, size_t left)
{
    size_t len = 2;

    if (at[0] < 0x80)
        return 1;
    if (at[0] == 0x8E)
        len = lengths[form].after_8e;
    else if (at[0] == 0x8F)
        len = lengths[form].after_8f;
    else if (at[0] < lengths[form].first)
        len = 0;
    if (len == 0 || len > left || at[0] == 0xFF)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (at[i] < 0xA1 || at[i] == 0xFF)
            return 0;
    return is_refused(form, at) ? 0 : len;
}

/* What PostgreSQL maps to another character than iconv does; NULL: it does not. */
static const char *
own_character(Form form, const uint8_t *at)
{
    if (form == FORM_JOHAB && at[0] == '\\')
        return "\\"; /* not the won sign */
    if (form != FORM_JIS_2004 || at[0] != 0xA1)
        return NULL;
    if (at[1] == 0xB1)
        return "\xE2\x80\xBE"; /* overline U+203E */
    return at[1] == 0xEF ? "\xC2\xA5" /* yen sign U+00A5 */ : NULL;
}

static bool
convert_run(PgqEncoding *encoding, Text text, size_t from, size_t to, Error *err)
{
    size_t at;

    return from == to || run_iconv(encoding, (Text){text.data + from, to - from}, &at) ||
           fail_bytes(encoding, text, from + at, err);
}

static bool
convert_characters(PgqEncoding *encoding, Text text, Error *err)
{
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t from = 0; /* up to here it is converted */
    size_t at = 0;

    while (at < text.len) {
        size_t len = character_len(encoding->form, bytes + at, text.len - at);
        const char *own;

        if (len == 0)
            return fail_bytes(encoding, text, at, err);
        own = own_character(encoding->form, bytes + at);
        if (own != NULL) {
            if (!convert_run(encoding, text, from, at, err))
                return false;
            buf_add_string(&encoding->out, own);
            from = at + len;
        }
        at += len;
    }
    return convert_run(encoding, text, from, at, err);
}

bool
pgq_encoding_convert(PgqEncoding *encoding, Text text, Text *ret_text, Error *err)
{
    buf_reset(&encoding->out, SIZE_MAX);
    switch (encoding->form) {
    case FORM_NONE:
        return fail_encoding(encoding, err);
    case FORM_ASCII:
        if (!text_is_utf8(text, NULL))
            return error_set(err, ERR_DATA,
                "it is not UTF-8, and the encoding of the source database, SQL_ASCII, does not say "
                "what it is: correct the value at the source");
        *ret_text = text;
        return true;
    case FORM_BYTES:
        if (!convert_bytes(encoding, text, err))
            return false;
        break;
    case FORM_PAIRS:
    case FORM_JAPANESE:
    case FORM_JIS_2004:
    case FORM_TAIWAN:
    case FORM_JOHAB:
        if (!convert_characters(encoding, text, err))
            return false;
        break;
    }
    *ret_text = buf_text(&encoding->out);
    return true;
}
