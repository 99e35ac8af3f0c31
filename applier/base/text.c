#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool
text_equal_nocase(Text a, Text b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

bool
text_starts_with(Text a, const char *prefix)
{
    size_t len = strlen(prefix);

    return a.len >= len && memcmp(a.data, prefix, len) == 0;
}

bool
text_ends_with(Text a, const char *suffix)
{
    size_t len = strlen(suffix);

    return a.len >= len && memcmp(a.data + a.len - len, suffix, len) == 0;
}

int
text_compare(Text a, Text b)
{
    size_t len = MIN(a.len, b.len);
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

Text
text_trim(Text a)
{
    while (a.len > 0 && isspace((unsigned char)a.data[0])) {
        a.data++;
        a.len--;
    }
    while (a.len > 0 && isspace((unsigned char)a.data[a.len - 1]))
        a.len--;
    return a;
}

size_t
text_find(Text a, char needle)
{
    const char *found = a.len == 0 ? NULL : memchr(a.data, needle, a.len);

    return found == NULL ? a.len : (size_t)(found - a.data);
}

bool
text_glob(Text a, const char *pattern)
{
    char *copy = text_dup(a);
    bool match = copy != NULL && fnmatch(pattern, copy, 0) == 0;

    free(copy);
    return match;
}

bool
text_to_u64(Text a, uint64_t *ret)
{
    uint64_t value = 0;

    if (a.len == 0)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (a.data[i] < '0' || a.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(a.data[i] - '0'), &value))
            return false;
    }
    *ret = value;
    return true;
}

bool
text_to_i64(Text a, int64_t *ret)
{
    bool negative = a.len > 0 && a.data[0] == '-';
    uint64_t value;

    if (negative) {
        a.data++;
        a.len--;
    }
    if (!text_to_u64(a, &value) || value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

char *
text_dup(Text a)
{
    char *copy;

    if (a.data == NULL)
        return NULL;
    copy = malloc(a.len + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, a.data, a.len);
    copy[a.len] = '\0';
    return copy;
}

/* Length of the well-formed sequence at p, 0 when there is none (RFC 3629, section 4). */
static size_t
utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (p[0] == 0xE0)
        low = 0xA0;
    else if (p[0] == 0xED)
        high = 0x9F;
    else if (p[0] == 0xF0)
        low = 0x90;
    else if (p[0] == 0xF4)
        high = 0x8F;
    if (left < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool
text_is_utf8(Text a, size_t *ret_at)
{
    for (size_t i = 0; i < a.len;) {
        uint64_t word;
        size_t len;

        if (a.len - i >= sizeof(word)) {
            memcpy(&word, a.data + i, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        len = utf8_sequence((const unsigned char *)a.data + i, a.len - i);
        if (len == 0) {
            if (ret_at != NULL)
                *ret_at = i;
            return false;
        }
        i += len;
    }
    return true;
}

void
buf_clear(Buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT;
}

void
buf_reset(Buf *buf, size_t keep)
{
    if (buf->size > keep) {
        buf_clear(buf);
        return;
    }
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

char *
buf_reserve(Buf *buf, size_t len)
{
    size_t needed = buf->len + len + 1;

    if (needed > buf->size) {
        size_t size = MAX(needed, MAX((size_t)64, buf->size + buf->size / 2));
        char *data = realloc(buf->data, size);

        if (data == NULL)
            abort();
        buf->data = data;
        buf->size = size;
    }
    return buf->data + buf->len;
}

void
buf_grown(Buf *buf, size_t len)
{
    assert(buf->len + len < buf->size);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void
buf_add(Buf *buf, const void *data, size_t len)
{
    char *to = buf_reserve(buf, len);

    if (len > 0)
        memcpy(to, data, len);
    buf_grown(buf, len);
}

void
buf_add_text(Buf *buf, Text text)
{
    buf_add(buf, text.data, text.len);
}

void
buf_add_string(Buf *buf, const char *string)
{
    buf_add(buf, string, strlen(string));
}

void
buf_add_char(Buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void
buf_add_u64(Buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    buf_add(buf, digits + at, sizeof(digits) - at);
}

void
buf_addv(Buf *buf, const char *fmt, va_list args)
{
    va_list again;
    int len;

    assert(fmt != NULL);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0)
        abort();
    (void)vsnprintf(buf_reserve(buf, (size_t)len), (size_t)len + 1, fmt, args);
    buf_grown(buf, (size_t)len);
}

void
buf_addf(Buf *buf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    buf_addv(buf, fmt, args);
    va_end(args);
}

char *
buf_steal(Buf *buf)
{
    (void)buf_reserve(buf, 0);
    buf_grown(buf, 0);
    buf->len = buf->size = 0;
    return STEAL(buf->data);
}

Text
reader_bytes(Reader *reader, size_t len)
{
    Text bytes = TEXT("");

    if (reader->overrun || reader->len - reader->at < len) {
        reader->overrun = true;
        return bytes;
    }
    bytes = (Text){(const char *)reader->data + reader->at, len};
    reader->at += len;
    return bytes;
}

static uint64_t
reader_be(Reader *reader, size_t len)
{
    Text bytes = reader_bytes(reader, len);
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (uint8_t)bytes.data[i];
    return value;
}

uint8_t
reader_u8(Reader *reader)
{
    return (uint8_t)reader_be(reader, 1);
}

uint16_t
reader_be16(Reader *reader)
{
    return (uint16_t)reader_be(reader, 2);
}

uint32_t
reader_be32(Reader *reader)
{
    return (uint32_t)reader_be(reader, 4);
}

uint64_t
reader_be64(Reader *reader)
{
    return reader_be(reader, 8);
}
