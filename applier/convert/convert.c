#include "convert/convert.h"

#include "base/file.h"
#include "convert/cube_dispatcher.h"
#include "convert/hbrep.h"
#include "convert/output.h"

#define FILE_SIZE_MAX ((size_t)1024 * 1024)

const Converter *const converters[] = {&convert_cube_dispatcher, &convert_hbrep, NULL};

const Converter *
converter_find(const char *name)
{
    for (size_t i = 0; converters[i] != NULL; i++) {
        if (strcmp(converters[i]->name, name) == 0)
            return converters[i];
    }
    return NULL;
}

static size_t
line_at(Text text, size_t at)
{
    size_t line = 1;

    for (size_t i = 0; i < at; i++)
        line += text.data[i] == '\n' ? 1 : 0;
    return line;
}

bool
convert_text(const Converter *converter, const char *path, Text text, Conversion *out, Error *err)
{
    size_t nul = text_find(text, '\0');
    size_t bad;

    if (nul < text.len)
        return error_set(
            err, ERR_CONFIG, "%s:%zu: a zero byte: this is no text file", path, line_at(text, nul));
    if (!text_is_utf8(text, &bad))
        return error_set(err, ERR_CONFIG,
            "%s:%zu: not UTF-8, which Dray's configuration is: convert the file with iconv first",
            path, line_at(text, bad));
    return converter->run(path, text, out, err);
}

bool
convert_file(const Converter *converter, const char *path, Conversion *out, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    if (!file_read_all(path, FILE_SIZE_MAX, &text, err)) {
        err->kind = ERR_CONFIG;
        return false;
    }
    return convert_text(converter, path, buf_text(&text), out, err);
}

void
conversion_print(const Conversion *conversion, Buf *out)
{
    buf_add_text(out, buf_text(&conversion->yaml));
    if (conversion->template_name.len == 0)
        return;
    buf_addf(out,
        "\n# The file %s, which belongs beside this one (dray convert --output DIR\n"
        "# writes both):\n#\n",
        buf_string(&conversion->template_name));
    output_comment(out, "", buf_text(&conversion->template_text));
}

void
conversion_clear(Conversion *conversion)
{
    buf_clear(&conversion->service);
    buf_clear(&conversion->yaml);
    buf_clear(&conversion->template_name);
    buf_clear(&conversion->template_text);
    buf_clear(&conversion->notes);
}
