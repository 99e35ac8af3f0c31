#include "source/mysql/xid.h"

#include <inttypes.h>

static int
digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
add_hex(Text digits, Buf *out)
{
    if (digits.len % 2 != 0)
        return false;
    for (size_t i = 0; i < digits.len; i += 2) {
        int high = digit_of(digits.data[i]);
        int low = digit_of(digits.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        buf_add_char(out, (char)(high * 16 + low));
    }
    return true;
}

/* X'6162', 0x6162 or 'ab' at the beginning of *rest, which goes on behind it. */
static bool
read_string(Text *rest, Buf *out)
{
    Text text = text_trim(*rest);
    bool is_hex = text_starts_with(text, "X'") || text_starts_with(text, "x'");
    size_t begin = is_hex ? 2 : 1;
    size_t end = begin;

    if (text_starts_with(text, "0x")) {
        for (end = 2; end < text.len && digit_of(text.data[end]) >= 0;)
            end++;
        *rest = (Text){text.data + end, text.len - end};
        return add_hex((Text){text.data + 2, end - 2}, out);
    }
    if (!is_hex && !text_starts_with(text, "'"))
        return false;
    while (end < text.len && text.data[end] != '\'')
        end++;
    if (end == text.len)
        return false;
    *rest = (Text){text.data + end + 1, text.len - end - 1};
    text = (Text){text.data + begin, end - begin};
    if (is_hex)
        return add_hex(text, out);
    buf_add_text(out, text);
    return true;
}

static bool
pass_comma(Text *rest)
{
    Text text = text_trim(*rest);

    if (!text_starts_with(text, ","))
        return false;
    *rest = (Text){text.data + 1, text.len - 1};
    return true;
}

bool
xid_read(Text text, Buf *scratch, BinlogXid *ret_xid, Error *err)
{
    Text rest = text;
    uint64_t format = 1;
    size_t gtrid_len;
    bool ok;

    buf_reset(scratch, SIZE_MAX);
    ok = read_string(&rest, scratch);
    gtrid_len = scratch->len;
    if (ok && pass_comma(&rest)) {
        ok = read_string(&rest, scratch);
        if (ok && pass_comma(&rest)) {
            ok = text_to_u64(text_trim(rest), &format) && format <= UINT32_MAX;
            rest = TEXT("");
        }
    }
    ok = ok && text_trim(rest).len == 0;
    if (!ok)
        return error_set(
            err, ERR_SOURCE, "\"" TEXT_FMT "\" is no name of an XA transaction", TEXT_ARG(text));
    ret_xid->format = (uint32_t)format;
    ret_xid->gtrid = (Text){buf_string(scratch), gtrid_len};
    ret_xid->bqual = (Text){buf_string(scratch) + gtrid_len, scratch->len - gtrid_len};
    return true;
}

bool
xid_equal(const BinlogXid *a, const BinlogXid *b)
{
    return a->format == b->format && text_equal(a->gtrid, b->gtrid) &&
           text_equal(a->bqual, b->bqual);
}

static void
print_hex(Text bytes, Buf *out)
{
    buf_add_string(out, "X'");
    for (size_t i = 0; i < bytes.len; i++)
        buf_addf(out, "%02x", (unsigned char)bytes.data[i]);
    buf_add_char(out, '\'');
}

void
xid_print(const BinlogXid *xid, Buf *out)
{
    print_hex(xid->gtrid, out);
    buf_add_char(out, ',');
    print_hex(xid->bqual, out);
    buf_addf(out, ",%" PRIu32, xid->format);
}
