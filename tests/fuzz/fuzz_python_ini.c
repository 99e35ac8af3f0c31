/*
 * fuzz_python_ini.c - any bytes as an ini file: read, with every value of it, and converted
 *
 * What a converter prints, whatever the file holds, is YAML: config_parse() may refuse a value, but
 * not for the file's form.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "convert/convert.h"
#include "convert/python_ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const DriverFields drivers[] = {
    {"none", "No option.", NULL, 0, NULL},
    {NULL},
};
static const ConfigSchema schema = {drivers, drivers};

static void
get_all(PythonIni *ini)
{
    map_each (&ini->sections, section) {
        map_each (&((PythonIniSection *)section->value)->options, entry) {
            char *name = text_dup(entry->key);
            Text value = TEXT_NONE;
            Error err = {ERR_NONE};

            /* a name may hold a zero byte; then it is another one */
            if (!python_ini_get(ini, section->value, name, &value, &err) &&
                (err.kind != ERR_CONFIG || err.text[0] == '\0'))
                abort();
            free(name);
        }
    }
}

static void
convert(const Converter *converter, Text text)
{
    CLEANUP(conversion_clear) Conversion made = {0};
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    Config *config;
    Error err = {ERR_NONE};
    int at = 0;

    if (!convert_text(converter, "f.ini", text, &made, &err)) {
        if (err.kind != ERR_CONFIG || err.text[0] == '\0')
            abort();
        return;
    }
    conversion_print(&made, &yaml);
    config = config_parse("/fuzz/f.yaml", buf_text(&yaml), &schema, &err);
    /* there is no driver: it is refused, and not for its form, "f.yaml:1:2: yaml: …" */
    if (config != NULL || err.kind != ERR_CONFIG)
        abort();
    (void)sscanf(err.text, "/fuzz/f.yaml:%*u:%*u: yaml%n", &at); /* NOLINT(cert-err34-c) */
    if (at > 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Text text = size == 0 ? TEXT("") : (Text){(const char *)data, size};
    CLEANUP(buf_clear) Buf notes = BUF_INIT;
    Error err = {ERR_NONE};
    PythonIni *ini;

    /* a large input only shows how long limits take */
    if (size > 16384)
        return 0;
    ini = python_ini_parse("f.ini", text, &notes, &err);
    if (ini == NULL && (err.kind != ERR_CONFIG || err.text[0] == '\0'))
        abort();
    if (ini != NULL)
        get_all(ini);
    python_ini_free(ini);
    for (size_t i = 0; converters[i] != NULL; i++)
        convert(converters[i], text);
    return 0;
}
