#include "config/document.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

#define MISTAKES_MAX  200
#define FILE_SIZE_MAX ((size_t)1024 * 1024)
#define SHOWN_MAX     60
#define NESTING_MAX   1000

/* Line and column of a byte, for what has no mark. */
static void
find_place(Text text, size_t at, size_t *ret_line, size_t *ret_column)
{
    *ret_line = 1;
    *ret_column = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        if (text.data[i] == '\n') {
            (*ret_line)++;
            *ret_column = 1;
        } else if (((unsigned char)text.data[i] & 0xc0) != 0x80) {
            (*ret_column)++;
        }
    }
}

static bool
syntax_error(const Document *document, const yaml_parser_t *parser, Text text, Error *err)
{
    const char *context = parser->context == NULL ? "" : parser->context;
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
    size_t line = parser->problem_mark.line + 1;
    size_t column = parser->problem_mark.column + 1;

    /* the reader knows an offset only; the scanner and the parser have marks */
    if (parser->error == YAML_READER_ERROR)
        find_place(text, parser->problem_offset, &line, &column);
    return error_set(err, ERR_CONFIG, "%s:%zu:%zu: yaml: %s%s%s", document->path, line, column,
        context, context[0] == '\0' ? "" : ": ", problem);
}

static bool
check_utf8(const Document *document, Text text, Error *err)
{
    size_t at = 0;
    size_t line;
    size_t column;

    if (text_is_utf8(text, &at))
        return true;
    find_place(text, at, &line, &column);
    return error_set(err, ERR_CONFIG, "%s:%zu:%zu: yaml: not UTF-8", document->path, line, column);
}

/* One document is all a configuration has. */
static bool
check_end(const Document *document, yaml_parser_t *parser, Text text, Error *err)
{
    yaml_document_t next;
    const yaml_node_t *root;
    bool ok = true;

    if (!yaml_parser_load(parser, &next))
        return syntax_error(document, parser, text, err);
    root = yaml_document_get_root_node(&next);
    if (root != NULL)
        ok = error_set(err, ERR_CONFIG, "%s:%zu:%zu: yaml: a second document", document->path,
            root->start_mark.line + 1, root->start_mark.column + 1);
    yaml_document_delete(&next);
    return ok;
}

/*
 * libyaml looks through every open bracket at each token, so a file of brackets alone would keep it
 * busy for minutes. Brackets in texts count too: no configuration has a thousand of them open.
 */
static bool
check_nesting(const Document *document, Text text, Error *err)
{
    int open = 0;

    for (size_t i = 0; i < text.len; i++) {
        size_t line;
        size_t column;

        if (text.data[i] == '[' || text.data[i] == '{')
            open++;
        else if (open > 0 && (text.data[i] == ']' || text.data[i] == '}'))
            open--;
        if (open <= NESTING_MAX)
            continue;
        find_place(text, i, &line, &column);
        return error_set(err, ERR_CONFIG, "%s:%zu:%zu: yaml: more than %d open brackets",
            document->path, line, column, NESTING_MAX);
    }
    return true;
}

bool
document_open(Document *document, const char *path, const char *directory, Text text, Arena *arena,
    Error *err)
{
    yaml_parser_t parser;
    bool ok;

    *document = (Document){.path = path, .directory = directory, .arena = arena};
    if (text.len > FILE_SIZE_MAX)
        return error_set(
            err, ERR_CONFIG, "%s:1:1: yaml: larger than %zu bytes", path, FILE_SIZE_MAX);
    if (!check_utf8(document, text, err) || !check_nesting(document, text, err))
        return false;
    if (text_starts_with(text, "\xef\xbb\xbf"))
        text = (Text){text.data + 3, text.len - 3};
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.len);
    if (!yaml_parser_load(&parser, &document->yaml))
        ok = syntax_error(document, &parser, text, err);
    else
        ok = document_root(document) == NULL || check_end(document, &parser, text, err);
    yaml_parser_delete(&parser);
    return ok;
}

void
document_close(Document *document)
{
    if (document == NULL)
        return;
    yaml_document_delete(&document->yaml);
    free(document->mistakes);
    *document = (Document){NULL};
}

const yaml_node_t *
document_root(Document *document)
{
    return yaml_document_get_root_node(&document->yaml);
}

const yaml_node_t *
document_node(Document *document, int index)
{
    return yaml_document_get_node(&document->yaml, index);
}

static char *format_mistake(Document *document, const Mistake *mistake, const char *option,
    const char *fmt, va_list args) PRINTF(4, 0);

static char *
format_mistake(
    Document *document, const Mistake *mistake, const char *option, const char *fmt, va_list args)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    buf_addf(&text, "%s:%zu:%zu: %s: ", document->path, mistake->line, mistake->column, option);
    buf_addv(&text, fmt, args);
    return arena_string(document->arena, text.data);
}

void
document_mistake(
    Document *document, const yaml_node_t *node, const char *option, const char *fmt, ...)
{
    Mistake mistake = {.line = 1, .column = 1, .order = document->mistake_count};
    va_list args;

    if (document->mistake_count >= MISTAKES_MAX)
        return;
    if (node != NULL) {
        mistake.line = node->start_mark.line + 1;
        mistake.column = node->start_mark.column + 1;
    }
    va_start(args, fmt);
    mistake.text = format_mistake(document, &mistake, option, fmt, args);
    va_end(args);
    if (document->mistake_count == document->mistake_size) {
        document->mistake_size = document->mistake_size * 2 + 8;
        document->mistakes =
            reallocarray(document->mistakes, document->mistake_size, sizeof(*document->mistakes));
        if (document->mistakes == NULL)
            abort();
    }
    document->mistakes[document->mistake_count++] = mistake;
}

static int
by_place(const void *a, const void *b)
{
    const Mistake *left = a;
    const Mistake *right = b;

    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    if (left->column != right->column)
        return left->column < right->column ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

bool
document_finish(Document *document, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    size_t shown = 0;

    if (document->mistake_count == 0)
        return true;
    qsort(document->mistakes, document->mistake_count, sizeof(*document->mistakes), by_place);
    for (; shown < document->mistake_count; shown++) {
        const char *line = document->mistakes[shown].text;

        /* whole lines only, and room for the last one; the first is always shown */
        if (shown > 0 && text.len + strlen(line) > sizeof(err->text) - 100)
            break;
        buf_addf(&text, "%s%s", shown == 0 ? "" : "\n", line);
    }
    if (shown < document->mistake_count)
        buf_addf(&text, "\n%s: and %s%zu more mistakes", document->path,
            document->mistake_count == MISTAKES_MAX ? "at least " : "",
            document->mistake_count - shown);
    return error_set(err, ERR_CONFIG, "%s", text.data);
}

Text
document_raw(const yaml_node_t *node)
{
    assert(node->type == YAML_SCALAR_NODE);
    return (Text){(const char *)node->data.scalar.value, node->data.scalar.length};
}

void
document_add_shown(Buf *out, Text text)
{
    size_t len = text.len;

    if (len > SHOWN_MAX) {
        len = SHOWN_MAX;
        while (len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
            len--;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte < 0x20 || byte == 0x7f)
            buf_addf(out, "\\x%02x", byte);
        else
            buf_add_char(out, text.data[i]);
    }
    buf_add_string(out, len < text.len ? "…\"" : "\"");
}

/* One ${…} of a value. */
typedef struct Place {
    Document *document;
    const yaml_node_t *node;
    const char *option;
    Text name;   /* between ${ and } */
    bool hidden; /* the name may be part of a secret */
} Place;

static bool
is_variable(Text name)
{
    if (name.len == 0 || (name.data[0] >= '0' && name.data[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        if (!(c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                (c >= 'a' && c <= 'z')))
            return false;
    }
    return true;
}

static bool
place_mistake(const Place *place, const char *reason)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    if (place->hidden)
        buf_add_string(&name, "a ${…}");
    else
        document_add_shown(&name, place->name);
    document_mistake(place->document, place->node, place->option, "%s %s", name.data, reason);
    return false;
}

static bool
add_variable(const Place *place, Buf *out)
{
    char *name;
    const char *value;

    if (!is_variable(place->name))
        return place_mistake(
            place, "is neither an environment variable's name nor file:PATH (write $${ for ${)");
    name = text_dup(place->name);
    value = getenv(name);
    free(name);
    if (value == NULL)
        return place_mistake(place, "is not set in the environment");
    if (!text_is_utf8(text_of(value), NULL))
        return place_mistake(place, "is not UTF-8 in the environment");
    buf_add_string(out, value);
    return true;
}

static bool
add_file(const Place *place, Buf *out)
{
    CLEANUP(buf_clear) Buf content = BUF_INIT;
    char *name = text_dup((Text){place->name.data + 5, place->name.len - 5});
    char *path = file_join(place->document->directory, name);
    Error err;
    bool ok = strlen(name) == place->name.len - 5 && name[0] != '\0' &&
              file_read_all(path, FILE_SIZE_MAX, &content, &err);
    Text text = buf_text(&content);

    free(name);
    free(path);
    if (!ok)
        return place_mistake(place, "cannot be read");
    if (text_ends_with(text, "\n"))
        text.len--;
    if (text_ends_with(text, "\r"))
        text.len--;
    if (!text_is_utf8(text, NULL))
        return place_mistake(place, "is not UTF-8");
    buf_add_text(out, text);
    return true;
}

/* Inside a secret only what stands by itself, like password=${NAME}, is taken for a name. */
static bool
is_hidden(Text raw, size_t start, size_t end, Text name)
{
    const char *around = "=:/@'\" ";

    return !(is_variable(name) || text_starts_with(name, "file:")) ||
           (start > 0 && strchr(around, raw.data[start - 1]) == NULL) ||
           (end < raw.len && strchr(around, raw.data[end]) == NULL);
}

bool
document_text(
    Document *document, const yaml_node_t *node, const char *option, bool secret, Text *ret_text)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Text raw = document_raw(node);

    for (size_t i = 0; i < raw.len;) {
        Text rest = {raw.data + i, raw.len - i};
        Place place = {.document = document, .node = node, .option = option};
        size_t len = text_find(rest, '}');

        if (text_starts_with(rest, "$${")) {
            buf_add_string(&out, "${");
            i += 3;
            continue;
        }
        if (!text_starts_with(rest, "${")) {
            buf_add_char(&out, raw.data[i++]);
            continue;
        }
        if (len == rest.len) {
            document_mistake(
                document, node, option, "a ${ is not closed by a } (write $${ for ${)");
            return false;
        }
        place.name = (Text){rest.data + 2, len - 2};
        place.hidden = secret && is_hidden(raw, i, i + len + 1, place.name);
        if (text_starts_with(place.name, "file:") ? !add_file(&place, &out)
                                                  : !add_variable(&place, &out))
            return false;
        i += len + 1;
    }
    *ret_text = arena_text(document->arena, buf_text(&out));
    return true;
}
