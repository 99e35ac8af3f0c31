/*
 * fuzz_pgq_urlencoded.c - a row in PgQ's urlencoding: whatever it is, it ends in columns or an
 * error
 *
 * What decodes is encoded again as PgQ's triggers do, and decoded once more: the same columns. Then
 * all again as of databases in other encodings: columns in UTF-8, whose urlencoding is UTF-8's.
 */
#include <stdlib.h>

#include "source/pgq/urlencoded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
encode(Buf *out, Text text)
{
    static const char kept[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-";

    if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL || !text_is_utf8(text, NULL))
        abort();
    for (size_t i = 0; i < text.len; i++)
        if (strchr(kept, text.data[i]) != NULL)
            buf_add_char(out, text.data[i]);
        else if (text.data[i] == ' ')
            buf_add_char(out, '+');
        else
            buf_addf(out, "%%%02x", (unsigned char)text.data[i]);
}

/* Encode all columns; false where the row is none. */
static bool
turn(char *bytes, size_t len, PgqEncoding *encoding, Buf *out)
{
    const char *end = bytes;
    UrlencodedScan scan;
    Value value;
    Error err;
    Text name;
    Next next;

    urlencoded_init(&scan, bytes, len, encoding);
    while ((next = urlencoded_next(&scan, &name, &value, &err)) == NEXT_ITEM) {
        if (name.data < end || name.data + name.len > bytes + len)
            abort();
        end = name.data + name.len;
        if (out->len > 0)
            buf_add_char(out, '&');
        encode(out, name);
        if (value.kind == VALUE_NULL)
            continue;
        if (value.text.data < end || value.text.data + value.text.len > bytes + len)
            abort();
        end = value.text.data + value.text.len;
        buf_add_char(out, '=');
        if (value.text.len > 0)
            encode(out, value.text);
    }
    if (next == NEXT_FAILED && (err.kind != ERR_DATA || strncmp(err.text, "byte ", 5) != 0))
        abort();
    return next == NEXT_END;
}

static void
play(const uint8_t *data, size_t size, PgqEncoding *encoding)
{
    CLEANUP(buf_clear) Buf first = BUF_INIT;
    CLEANUP(buf_clear) Buf copy = BUF_INIT;
    CLEANUP(buf_clear) Buf second = BUF_INIT;
    /* exactly as long: a byte read behind it is found */
    char *bytes = malloc(size + (size == 0));

    if (bytes == NULL)
        abort();
    if (size > 0)
        memcpy(bytes, data, size);
    if (turn(bytes, size, encoding, &first)) {
        buf_add_text(&copy, buf_text(&first));
        if (first.len > 0 && !turn(copy.data, copy.len, NULL, &second))
            abort();
        if (!text_equal(buf_text(&first), buf_text(&second)))
            abort();
    }
    free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {
        "SQL_ASCII", "WIN1255", "EUC_JP", "EUC_JIS_2004", "EUC_TW", "JOHAB"};
    static PgqEncoding *encodings[ARRAY_LEN(names)];

    play(data, size, NULL);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (encodings[i] == NULL)
            encodings[i] = pgq_encoding_new(names[i]);
        play(data, size, encodings[i]);
    }
    return 0;
}
