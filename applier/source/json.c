#include "source/json.h"

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(JsonScan *scan)
{
    while (scan->at < scan->end && is_space(*scan->at))
        scan->at++;
}

/* Set an error for the byte at; the scanner moves there. */
static bool
fail_at(JsonScan *scan, char *at, const char *reason, Error *err)
{
    scan->at = at;
    return source_json_error(scan, err, "%s", reason);
}

static bool
fail_expected(JsonScan *scan, const char *expected, Error *err)
{
    unsigned char byte;

    if (scan->at >= scan->end)
        return source_json_error(scan, err, "the line ends where %s should stand", expected);
    byte = (unsigned char)*scan->at;
    if (byte < 0x20 || byte >= 0x7F)
        return source_json_error(scan, err, "byte 0x%02X where %s should stand", byte, expected);
    return source_json_error(scan, err, "\"%c\" where %s should stand", (char)byte, expected);
}

void
source_json_init(JsonScan *scan, char *line, size_t len)
{
    *scan = (JsonScan){.start = line, .at = line, .end = line + len};
    skip_space(scan);
}

bool
source_json_open(JsonScan *scan, char bracket, Error *err)
{
    if (scan->at >= scan->end || *scan->at != bracket)
        return fail_expected(scan, bracket == '{' ? "an object" : "an array", err);
    if (scan->depth == JSON_DEPTH)
        return source_json_error(scan, err, "nested deeper than %d", JSON_DEPTH);
    scan->at++;
    scan->depth++;
    scan->first = true;
    skip_space(scan);
    return true;
}

/* A value is taken: what follows is a comma or the closing bracket. */
static void
value_taken(JsonScan *scan)
{
    scan->first = false;
    skip_space(scan);
}

static char
peek(const JsonScan *scan)
{
    if (scan->at < scan->end)
        return *scan->at;
    return '\0';
}

static char
closing_of(char bracket)
{
    if (bracket == '{')
        return '}';
    return ']';
}

/* NEXT_END on the closing bracket; NEXT_ITEM where an item follows. */
static Next
item_next(JsonScan *scan, char closing, Error *err)
{
    if (scan->at < scan->end && *scan->at == closing) {
        scan->at++;
        scan->depth--;
        value_taken(scan);
        return NEXT_END;
    }
    if (scan->first)
        return NEXT_ITEM;
    if (scan->at >= scan->end || *scan->at != ',') {
        (void)fail_expected(scan, closing == '}' ? "\",\" or \"}\"" : "\",\" or \"]\"", err);
        return NEXT_FAILED;
    }
    scan->at++;
    skip_space(scan);
    return NEXT_ITEM;
}

/*
 * The first byte at or after at that ends a run of plain string bytes: quote, backslash, control
 * byte, or end. Bytes above 0x7F are passed over and reported.
 */
static char *
plain_run(char *at, char *end, bool *ret_high)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t high = 0;

    while (end - at >= 8) {
        uint64_t word;
        uint64_t quote;
        uint64_t slash;
        uint64_t stops;

        memcpy(&word, at, sizeof(word));
        quote = word ^ (ones * '"');
        slash = word ^ (ones * '\\');
        /* a top bit is set for each byte that stops the run; a borrow may set one more, but only
         * above a true one */
        stops = (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
                    ((word - ones * 0x20) & ~word)) &
                tops;
        if (stops != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            high |= word & tops & ((stops & -stops) - 1);
            *ret_high = high != 0;
            return at + (__builtin_ctzll(stops) >> 3);
#else
            break;
#endif
        }
        high |= word & tops;
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        high |= (unsigned char)*at & 0x80U;
        at++;
    }
    *ret_high = high != 0;
    return at;
}

static bool
hex4(const char *at, const char *end, unsigned *ret)
{
    unsigned value = 0;

    if (end - at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = at[i];

        value <<= 4;
        if (c >= '0' && c <= '9')
            value |= (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value |= (unsigned)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            value |= (unsigned)(c - 'A' + 10);
        else
            return false;
    }
    *ret = value;
    return true;
}

static char *
put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

/* At a "\u": its code point, from one or two escapes. */
static bool
take_unicode(JsonScan *scan, unsigned *ret_code, Error *err)
{
    char *at = scan->at;
    unsigned low;

    if (!hex4(at + 2, scan->end, ret_code))
        return fail_at(scan, at, "\\u without four hexadecimal digits", err);
    if (*ret_code >= 0xDC00 && *ret_code <= 0xDFFF)
        return fail_at(scan, at, "low surrogate without a high one before it", err);
    scan->at += 6;
    if (*ret_code < 0xD800 || *ret_code > 0xDBFF)
        return true;
    if (scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u' ||
        !hex4(scan->at + 2, scan->end, &low) || low < 0xDC00 || low > 0xDFFF)
        return fail_at(scan, at, "high surrogate without a low one behind it", err);
    *ret_code = 0x10000 + ((*ret_code - 0xD800) << 10) + (low - 0xDC00);
    scan->at += 6;
    return true;
}

/* At a backslash: take the escape; decoded to *out unless out is NULL. */
static bool
take_escape(JsonScan *scan, char **out, Error *err)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    char *at = scan->at;
    const char *found;
    unsigned code;

    if (scan->end - at < 2)
        return fail_at(scan, scan->end, "the line ends inside a string", err);
    if (at[1] == 'u') {
        if (!take_unicode(scan, &code, err))
            return false;
        if (out != NULL && code == 0)
            return fail_at(scan, at, "\\u0000: a text cannot hold the NUL character", err);
        if (out != NULL)
            *out = put_utf8(*out, code);
        return true;
    }
    found = at[1] == '\0' ? NULL : strchr(from, at[1]);
    if (found == NULL)
        return fail_at(scan, at, "unknown escape in a string", err);
    if (out != NULL)
        *(*out)++ = to[found - from];
    scan->at += 2;
    return true;
}

/* Plain bytes up to stop are well-formed UTF-8. */
static bool
check_run(JsonScan *scan, char *stop, bool high, Error *err)
{
    size_t bad;

    if (high && !text_is_utf8((Text){scan->at, (size_t)(stop - scan->at)}, &bad))
        return fail_at(scan, scan->at + bad, "invalid UTF-8 in a string", err);
    if (stop >= scan->end)
        return fail_at(scan, stop, "the line ends inside a string", err);
    if ((unsigned char)*stop < 0x20)
        return fail_at(scan, stop, "control byte in a string", err);
    return true;
}

/* At the opening quote. With decode the text is decoded in place; else ret_text is not set. */
static bool
take_string(JsonScan *scan, bool decode, Text *ret_text, Error *err)
{
    char *begin = ++scan->at;
    char *out = begin;

    for (;;) {
        bool high;
        char *stop = plain_run(scan->at, scan->end, &high);
        size_t len = (size_t)(stop - scan->at);

        if (!check_run(scan, stop, high, err))
            return false;
        if (decode) {
            if (out != scan->at)
                memmove(out, scan->at, len);
            out += len;
        }
        scan->at = stop;
        if (*stop == '"')
            break;
        if (!take_escape(scan, decode ? &out : NULL, err))
            return false;
    }
    scan->at++;
    if (decode)
        *ret_text = (Text){begin, (size_t)(out - begin)};
    return true;
}

static char *
skip_digits(char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static bool
take_number(JsonScan *scan, Text *ret_text, Error *err)
{
    char *begin = scan->at;
    char *at = begin;
    char *digits;

    if (*at == '-')
        at++;
    digits = at;
    at = skip_digits(at, scan->end);
    if (at == digits)
        return fail_at(scan, begin, "not a number", err);
    if (*digits == '0' && at - digits > 1)
        return fail_at(scan, begin, "number with a leading zero", err);
    if (at < scan->end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, scan->end);
        if (at == digits)
            return fail_at(scan, begin, "number without digits behind its point", err);
    }
    if (at < scan->end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < scan->end && (*at == '+' || *at == '-'))
            at++;
        digits = at;
        at = skip_digits(at, scan->end);
        if (at == digits)
            return fail_at(scan, begin, "number without digits in its exponent", err);
    }
    *ret_text = (Text){begin, (size_t)(at - begin)};
    scan->at = at;
    return true;
}

static bool
take_word(JsonScan *scan, Text word)
{
    if ((size_t)(scan->end - scan->at) < word.len || memcmp(scan->at, word.data, word.len) != 0)
        return false;
    scan->at += word.len;
    return true;
}

Next
source_json_member(JsonScan *scan, Text *ret_key, Error *err)
{
    Next next = item_next(scan, '}', err);

    if (next != NEXT_ITEM)
        return next;
    if (scan->at >= scan->end || *scan->at != '"') {
        (void)fail_expected(scan, scan->first ? "a key or \"}\"" : "a key", err);
        return NEXT_FAILED;
    }
    if (!take_string(scan, true, ret_key, err))
        return NEXT_FAILED;
    skip_space(scan);
    if (scan->at >= scan->end || *scan->at != ':') {
        (void)fail_expected(scan, "\":\"", err);
        return NEXT_FAILED;
    }
    scan->at++;
    skip_space(scan);
    return NEXT_ITEM;
}

Next
source_json_element(JsonScan *scan, Error *err)
{
    return item_next(scan, ']', err);
}

static bool
take_scalar(JsonScan *scan, bool decode, JsonScalar *ret_scalar, Error *err)
{
    char c = peek(scan);
    bool ok = true;

    ret_scalar->text = TEXT_NONE;
    if (c == '"') {
        ret_scalar->kind = JSON_KIND_TEXT;
        ok = take_string(scan, decode, &ret_scalar->text, err);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        ret_scalar->kind = JSON_KIND_NUMBER;
        ok = take_number(scan, &ret_scalar->text, err);
    } else if (take_word(scan, TEXT("null"))) {
        ret_scalar->kind = JSON_KIND_NULL;
    } else if (take_word(scan, TEXT("true"))) {
        ret_scalar->kind = JSON_KIND_TRUE;
    } else if (take_word(scan, TEXT("false"))) {
        ret_scalar->kind = JSON_KIND_FALSE;
    } else {
        return fail_expected(scan, "a value", err);
    }
    if (ok)
        value_taken(scan);
    return ok;
}

bool
source_json_scalar(JsonScan *scan, JsonScalar *ret_scalar, Error *err)
{
    if (scan->at < scan->end && (*scan->at == '{' || *scan->at == '['))
        return source_json_error(scan, err, "%s where a single value should stand",
            *scan->at == '{' ? "an object" : "an array");
    return take_scalar(scan, true, ret_scalar, err);
}

static bool
skip_key(JsonScan *scan, Error *err)
{
    Text unused;

    if (scan->at >= scan->end || *scan->at != '"')
        return fail_expected(scan, scan->first ? "a key or \"}\"" : "a key", err);
    if (!take_string(scan, false, &unused, err))
        return false;
    skip_space(scan);
    if (scan->at >= scan->end || *scan->at != ':')
        return fail_expected(scan, "\":\"", err);
    scan->at++;
    skip_space(scan);
    return true;
}

/* Recursion ends at JSON_DEPTH. */
bool
source_json_skip(JsonScan *scan, Error *err)
{
    char bracket = peek(scan);
    JsonScalar unused;
    Next next;

    if (bracket != '{' && bracket != '[')
        return take_scalar(scan, false, &unused, err);
    if (!source_json_open(scan, bracket, err))
        return false;
    while ((next = item_next(scan, closing_of(bracket), err)) == NEXT_ITEM)
        if ((bracket == '{' && !skip_key(scan, err)) || !source_json_skip(scan, err))
            return false;
    return next == NEXT_END;
}

bool
source_json_end(JsonScan *scan, Error *err)
{
    skip_space(scan);
    if (scan->at < scan->end)
        return source_json_error(scan, err, "bytes behind the end of the object");
    return true;
}

bool
source_json_is_object(Text line, Error *err)
{
    JsonScan scan;

    /* skipping does not write */
    source_json_init(&scan, (char *)(uintptr_t)line.data, line.len);
    if (scan.at >= scan.end || *scan.at != '{')
        return fail_expected(&scan, "an object", err);
    return source_json_skip(&scan, err) && source_json_end(&scan, err);
}
