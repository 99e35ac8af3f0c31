#include "convert/output.h"

#include <ctype.h>
#include <inttypes.h>

/* Words that YAML readers of either version take for something else than a text. */
static const char *const words[] = {
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".inf", ".nan"};

/* No sign of YAML's anywhere, a letter, "/", "_", "$" or "." in front. */
static bool
is_plain(Text text)
{
    if (text.len == 0 ||
        !(isalpha((unsigned char)text.data[0]) || strchr("/_$.", text.data[0]) != NULL) ||
        text.data[text.len - 1] == ' ' || text.data[0] == '\0')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '\0' || (!isalnum((unsigned char)c) && strchr("/_.=@+-' ${}", c) == NULL))
            return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_equal_nocase(text, text_of(words[i])))
            return false;
    }
    return true;
}

/* The code point of well-formed UTF-8 at text.data. */
static uint32_t
code_point(Text text, size_t *ret_len)
{
    unsigned char lead = (unsigned char)text.data[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t point = len == 1 ? lead : lead & (0xffU >> (len + 1));

    len = MIN(len, text.len);
    for (size_t i = 1; i < len; i++)
        point = point << 6 | ((unsigned char)text.data[i] & 0x3fU);
    *ret_len = len;
    return point;
}

/* May it stand in a YAML file as it is, and be seen? */
static bool
is_printable(uint32_t point)
{
    if (point < 0xa0)
        return point >= 0x20 && point < 0x7f;
    return point != 0x2028 && point != 0x2029 && point != 0xfeff && point != 0xfffe &&
           point != 0xffff;
}

static void
add_quoted(Buf *out, Text text)
{
    buf_add_char(out, '"');
    while (text.len > 0) {
        size_t len;
        uint32_t point = code_point(text, &len);

        if (point == '"' || point == '\\')
            buf_addf(out, "\\%c", (char)point);
        else if (point == '\n')
            buf_add_string(out, "\\n");
        else if (is_printable(point))
            buf_add(out, text.data, len);
        else
            buf_addf(out, "\\u%04" PRIx32, point);
        text = (Text){text.data + len, text.len - len};
    }
    buf_add_char(out, '"');
}

void
output_scalar(Buf *out, Text text)
{
    if (is_plain(text))
        buf_add_text(out, text);
    else
        add_quoted(out, text);
}

void
output_value(Buf *out, Text text)
{
    CLEANUP(buf_clear) Buf escaped = BUF_INIT;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '$' && i + 1 < text.len && text.data[i + 1] == '{')
            buf_add_char(&escaped, '$');
        buf_add_char(&escaped, text.data[i]);
    }
    output_scalar(out, buf_text(&escaped));
}

void
output_option(Buf *out, const char *indent, const char *name, Text value)
{
    buf_addf(out, "%s%s: ", indent, name);
    output_value(out, value);
    buf_add_char(out, '\n');
}

static void
add_comment_line(Buf *out, Text line)
{
    while (line.len > 0) {
        size_t len;
        uint32_t point = code_point(line, &len);

        if (point == '\t' || is_printable(point))
            buf_add(out, line.data, len);
        else
            buf_add_char(out, '?');
        line = (Text){line.data + len, line.len - len};
    }
}

void
output_comment(Buf *out, const char *indent, Text text)
{
    while (text.len > 0) {
        size_t len = text_find(text, '\n');

        buf_addf(out, "%s#%s", indent, len > 0 ? " " : "");
        add_comment_line(out, (Text){text.data, len});
        buf_add_char(out, '\n');
        len = MIN(len + 1, text.len);
        text = (Text){text.data + len, text.len - len};
    }
}

void
output_time(Buf *out, int64_t ms)
{
    if (ms % 1000 != 0)
        buf_addf(out, "%" PRId64 "ms", ms);
    else if (ms == 0 || ms % 60000 != 0)
        buf_addf(out, "%" PRId64 "s", ms / 1000);
    else
        buf_addf(out, "%" PRId64 "min", ms / 60000);
}
