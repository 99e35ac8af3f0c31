#include "convert/connection.h"

#include <ctype.h>

typedef struct Scan {
    Text text;
    size_t at;
    const char *variable;
    Buf *out;
    size_t secrets;
} Scan;

static void
add_escaped(Buf *out, Text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '$' && i + 1 < text.len && text.data[i + 1] == '{')
            buf_add_char(out, '$');
        buf_add_char(out, text.data[i]);
    }
}

static void
add_range(Scan *scan, size_t from, size_t to)
{
    add_escaped(scan->out, (Text){scan->text.data + from, to - from});
}

static void
add_secret(Scan *scan, const char *quote, bool ssl)
{
    buf_addf(scan->out, "%s${%s%s}%s", quote, scan->variable, ssl ? "_SSL" : "", quote);
    scan->secrets++;
}

static char
char_at(const Scan *scan)
{
    if (scan->at >= scan->text.len)
        return '\0';
    return scan->text.data[scan->at];
}

static void
skip_space(Scan *scan)
{
    while (isspace((unsigned char)char_at(scan)))
        scan->at++;
}

/* Behind the value that begins here; false when its quote does not end. *ret_empty: it is ''. */
static bool
skip_value(Scan *scan, bool *ret_empty)
{
    size_t start = scan->at;
    bool quoted = char_at(scan) == '\'';

    scan->at += quoted ? 1 : 0;
    while (scan->at < scan->text.len) {
        char c = char_at(scan);

        if (quoted ? c == '\'' : isspace((unsigned char)c) != 0)
            break;
        scan->at += c == '\\' && scan->at + 1 < scan->text.len ? 2 : 1;
    }
    if (quoted && scan->at >= scan->text.len)
        return false;
    scan->at += quoted ? 1 : 0;
    *ret_empty = scan->at - start == (quoted ? 2 : 0);
    return true;
}

static bool
is_secret(Text name, bool *ret_ssl)
{
    *ret_ssl = text_is(name, "sslpassword");
    return *ret_ssl || text_is(name, "password");
}

/* One "name = value" with the space in front. */
static bool
scan_pair(Scan *scan, Buf *reason)
{
    size_t start = scan->at;
    size_t name_at;
    size_t value_at;
    Text name;
    bool ssl;
    bool empty;

    skip_space(scan);
    name_at = scan->at;
    while (
        scan->at < scan->text.len && char_at(scan) != '=' && !isspace((unsigned char)char_at(scan)))
        scan->at++;
    name = (Text){scan->text.data + name_at, scan->at - name_at};
    skip_space(scan);
    if (name.len == 0 && scan->at == scan->text.len) {
        add_range(scan, start, scan->at);
        return true;
    }
    if (char_at(scan) != '=') {
        buf_add_string(reason, "an option of the connection string has no \"=\"");
        return false;
    }
    scan->at++;
    skip_space(scan);
    value_at = scan->at;
    if (!skip_value(scan, &empty)) {
        buf_add_string(reason, "a quote in the connection string does not end");
        return false;
    }
    if (!is_secret(name, &ssl) || empty) {
        add_range(scan, start, scan->at);
        return true;
    }
    add_range(scan, start, value_at);
    add_secret(scan, "'", ssl);
    return true;
}

/* "user:password@" of a URI, where there is one. */
static bool
scan_user(Scan *scan, Buf *reason)
{
    Text rest = {scan->text.data + scan->at, scan->text.len - scan->at};
    size_t at = text_find(rest, '@');
    size_t slash = text_find(rest, '/');
    size_t query = text_find(rest, '?');
    size_t colon = text_find(rest, ':');

    if (at == rest.len || (slash < at && query < at))
        return true;
    if (at + 1 < rest.len && at + 1 < slash &&
        text_find((Text){rest.data + at + 1, slash - at - 1}, '@') < slash - at - 1) {
        buf_add_string(reason, "in the URI \"@\" stands twice: write the first one as %40");
        return false;
    }
    if (slash < at) {
        /* taken for a database's name by libpq, and more likely a password */
        buf_add_string(reason, "in the URI \"/\" stands before \"@\": write them as %2F and %40");
        return false;
    }
    if (colon + 1 < at) {
        add_range(scan, scan->at, scan->at + colon + 1);
        add_secret(scan, "", false);
        scan->at += at;
    }
    return true;
}

/* "?name=value&name=value", up to the end. */
static void
scan_query(Scan *scan)
{
    while (scan->at < scan->text.len) {
        size_t start = scan->at++;
        Text rest = {scan->text.data + scan->at, scan->text.len - scan->at};
        size_t len = text_find(rest, '&');
        size_t equals = text_find((Text){rest.data, len}, '=');
        bool ssl;

        if (is_secret((Text){rest.data, equals}, &ssl) && equals + 1 < len) {
            add_range(scan, start, scan->at + equals + 1);
            add_secret(scan, "", ssl);
        } else {
            add_range(scan, start, scan->at + len);
        }
        scan->at += len;
    }
}

static bool
scan_uri(Scan *scan, Buf *reason)
{
    Text rest;
    size_t path;

    scan->at = text_find(scan->text, ':') + strlen("://");
    add_range(scan, 0, scan->at);
    if (!scan_user(scan, reason))
        return false;
    rest = (Text){scan->text.data + scan->at, scan->text.len - scan->at};
    path = text_find(rest, '?');
    add_range(scan, scan->at, scan->at + path);
    scan->at += path;
    scan_query(scan);
    return true;
}

bool
connection_without_secrets(
    Text text, const char *variable, Buf *out, size_t *ret_secrets, Buf *reason)
{
    Scan scan = {.text = text, .variable = variable, .out = out};
    bool ok = true;

    if (text_starts_with(text, "postgresql://") || text_starts_with(text, "postgres://")) {
        ok = scan_uri(&scan, reason);
    } else {
        while (ok && scan.at < text.len)
            ok = scan_pair(&scan, reason);
    }
    *ret_secrets = scan.secrets;
    return ok;
}
