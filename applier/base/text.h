/*
 * text.h - views, growing buffers and a bounds-checked cursor
 *
 * Text is a view: it owns nothing, need not end in NUL, and may hold any byte. data is NULL only
 * for "no text" (TEXT_NONE); an empty text has data and len 0.
 * Buf owns its bytes, grows, and always ends in a NUL that len does not count.
 * Reader is a cursor over bytes that remembers the first overrun instead of failing each call.
 * Out of memory aborts.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

typedef struct Text {
    const char *data;
    size_t len;
} Text;

#define TEXT_NONE   ((Text){NULL, 0})
#define TEXT(lit)   ((Text){"" lit, sizeof(lit) - 1})
#define TEXT_FMT    "%.*s"
#define TEXT_ARG(t) (int)(t).len, (t).data

/* View of a C string; NULL gives TEXT_NONE. */
static inline Text
text_of(const char *string)
{
    return (Text){string, string == NULL ? 0 : strlen(string)};
}

static inline bool
text_equal(Text a, Text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool
text_is(Text a, const char *string)
{
    return text_equal(a, text_of(string));
}

/* ASCII letters only. */
bool text_equal_nocase(Text a, Text b);
bool text_starts_with(Text a, const char *prefix);
bool text_ends_with(Text a, const char *suffix);
/* Order by bytes, as memcmp; a prefix comes first. */
int text_compare(Text a, Text b);
/* Without leading and trailing ASCII white space. */
Text text_trim(Text a);
/* Position of needle in a, or a.len. */
size_t text_find(Text a, char needle);
/* Glob with * ? [..] over the whole text (fnmatch, no special slash or dot). */
bool text_glob(Text a, const char *pattern);
/* Whole decimal number; false when it is not one or does not fit. */
bool text_to_u64(Text a, uint64_t *ret) MUST_CHECK;
bool text_to_i64(Text a, int64_t *ret) MUST_CHECK;
/* Heap copy ending in NUL; the caller frees it. TEXT_NONE gives NULL. */
char *text_dup(Text a) MUST_CHECK;
/* Is it well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)? On false *ret_at is the
 * offset of the first bad byte, when ret_at is not NULL. */
bool text_is_utf8(Text a, size_t *ret_at);

typedef struct Buf {
    char *data; /* never NULL after the first append */
    size_t len;
    size_t size;
} Buf;

#define BUF_INIT ((Buf){NULL, 0, 0})

void buf_clear(Buf *buf); /* free; usable again */
/* Empty it, and give memory back when it holds more than keep bytes. */
void buf_reset(Buf *buf, size_t keep);
/* Room for len more bytes and the NUL; returns where they go. Set len with buf_grown(). */
char *buf_reserve(Buf *buf, size_t len);
void buf_grown(Buf *buf, size_t len);
void buf_add(Buf *buf, const void *data, size_t len);
void buf_add_text(Buf *buf, Text text);
void buf_add_string(Buf *buf, const char *string);
void buf_add_char(Buf *buf, char c);
void buf_add_u64(Buf *buf, uint64_t number);
void buf_addf(Buf *buf, const char *fmt, ...) PRINTF(2, 3);
void buf_addv(Buf *buf, const char *fmt, va_list args) PRINTF(2, 0);

static inline Text
buf_text(const Buf *buf)
{
    return (Text){buf->data == NULL ? "" : buf->data, buf->len};
}
static inline const char *
buf_string(const Buf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}
/* Hand the bytes (ending in NUL) to the caller, who frees them; the buffer is empty afterwards. */
char *buf_steal(Buf *buf) MUST_CHECK;

static inline void
buf_clear_auto(Buf *buf)
{
    buf_clear(buf);
}

typedef struct Reader {
    const uint8_t *data;
    size_t len;
    size_t at;
    bool overrun; /* a read went past the end; every later read gives 0 */
} Reader;

static inline Reader
reader_of(const void *data, size_t len)
{
    return (Reader){data, len, 0, false};
}
uint8_t reader_u8(Reader *reader);
uint16_t reader_be16(Reader *reader);
uint32_t reader_be32(Reader *reader);
uint64_t reader_be64(Reader *reader);
/* The next len bytes, or an empty text on overrun. */
Text reader_bytes(Reader *reader, size_t len);
