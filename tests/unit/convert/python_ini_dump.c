/*
 * python_ini_dump.c - what our parser makes of files, for compare_python_ini.py
 *
 *     python_ini_dump FILE…
 *
 * A line "file" each; then "error" with the lines' numbers, or for each section "section NAME", and
 * for each option that is seen there "option NAME RAW VALUE", all texts in hexadecimal behind an x,
 * VALUE "-" where a name in it is wrong.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "convert/python_ini.h"

static void
print_hex(Text text)
{
    (void)fputs(" x", stdout);
    for (size_t i = 0; i < text.len; i++)
        (void)printf("%02x", (unsigned char)text.data[i]);
}

static void
print_options(PythonIni *ini, const PythonIniSection *section, const Map *options)
{
    map_each (options, entry) {
        const PythonIniOption *option = entry->value;
        char *name = text_dup(option->name);
        Text value;
        Error err;

        /* of [DEFAULT], and there is one of the section's own */
        if (python_ini_find(ini, section, name) != option) {
            free(name);
            continue;
        }
        (void)fputs("option", stdout);
        print_hex(option->name);
        print_hex(option->value);
        if (python_ini_get(ini, section, name, &value, &err))
            print_hex(value);
        else
            (void)fputs(" -", stdout);
        (void)putchar('\n');
        free(name);
    }
}

static void
print_ini(PythonIni *ini)
{
    map_each (&ini->sections, entry) {
        const PythonIniSection *section = entry->value;

        (void)fputs("section", stdout);
        print_hex(section->name);
        (void)putchar('\n');
        print_options(ini, section, &section->options);
        print_options(ini, section, &ini->shared->options);
    }
}

/* "path:3: reason\npath:7: reason" */
static void
print_error(const char *path, const Error *err)
{
    const char *line = err->text;

    (void)fputs("error", stdout);
    while (line != NULL) {
        (void)printf(" %lu", strtoul(line + strlen(path) + 1, NULL, 10));
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    (void)putchar('\n');
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        CLEANUP(buf_clear) Buf text = BUF_INIT;
        CLEANUP(python_ini_free) PythonIni *ini = NULL;
        Error err;

        if (!file_read_all(argv[i], (size_t)1024 * 1024, &text, &err)) {
            (void)fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        (void)puts("file");
        ini = python_ini_parse(argv[i], buf_text(&text), NULL, &err);
        if (ini == NULL)
            print_error(argv[i], &err);
        else
            print_ini(ini);
    }
    return 0;
}
