#include "convert/python_ini.h"

#include <ctype.h>

#define DEPTH_MAX 10
/* a value may name others, which name others: an end to what grows with the power of that */
#define EXPANDED_MAX ((size_t)1024 * 1024)
#define STEPS_MAX    100000

typedef struct Parsing {
    PythonIni *ini;
    PythonIniSection *section; /* NULL before the first one */
    PythonIniOption *option;   /* whose value goes on; NULL behind a section's line */
    Buf value;
    size_t line;
    Buf *notes;
    Buf problems;
} Parsing;

static void
add_note(Parsing *parsing, const char *text)
{
    if (parsing->notes != NULL)
        buf_addf(parsing->notes, "%s:%zu: %s\n", parsing->ini->path, parsing->line, text);
}

static void
add_problem(Parsing *parsing, const char *text)
{
    buf_addf(&parsing->problems, "%s%s:%zu: %s", parsing->problems.len > 0 ? "\n" : "",
        parsing->ini->path, parsing->line, text);
}

static PythonIniSection *
section_new(PythonIni *ini, Text name, size_t line)
{
    PythonIniSection *section = ARENA_NEW(ini->arena, PythonIniSection);

    section->name = arena_text(ini->arena, name);
    section->line = line;
    section->options = MAP_INIT;
    return section;
}

static void
end_option(Parsing *parsing)
{
    if (parsing->option != NULL)
        parsing->option->value = arena_text(parsing->ini->arena, buf_text(&parsing->value));
    parsing->option = NULL;
}

/* Length of the name between the brackets; 0 when the line is no section's. */
static size_t
section_name_len(Text line)
{
    size_t end;

    if (line.len == 0 || line.data[0] != '[')
        return 0;
    end = text_find(line, ']');
    return end < line.len ? end - 1 : 0;
}

static void
begin_section(Parsing *parsing, Text name)
{
    PythonIni *ini = parsing->ini;

    end_option(parsing);
    if (text_is(name, "DEFAULT")) {
        parsing->section = ini->shared;
        return;
    }
    parsing->section = map_get(&ini->sections, name);
    if (parsing->section == NULL) {
        parsing->section = section_new(ini, name, parsing->line);
        (void)map_put(&ini->sections, name, parsing->section);
    }
}

static void
lower(Text text, Buf *out)
{
    for (size_t i = 0; i < text.len; i++)
        buf_add_char(out, (char)tolower((unsigned char)text.data[i]));
}

/* The value of the option's own line. */
static Text
first_value(Parsing *parsing, Text value)
{
    size_t at = text_find(value, ';');

    if (at < value.len && at > 0 && isspace((unsigned char)value.data[at - 1])) {
        add_note(parsing,
            "what stands behind \" ;\" is a comment, as to Python 2; to Python 3 it is a part of "
            "the value");
        value.len = at;
    }
    value = text_trim(value);
    return text_is(value, "\"\"") ? TEXT("") : value;
}

/* "name = value"; false when the line is none. */
static bool
begin_option(Parsing *parsing, Text line)
{
    size_t equals = text_find(line, '=');
    size_t colon = text_find(line, ':');
    size_t at = MIN(equals, colon);
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    Text value = {line.data + at + 1, line.len - at - 1};
    PythonIniOption *option;

    if (at == line.len || at == 0 || isspace((unsigned char)line.data[0]))
        return false;
    end_option(parsing);
    lower(text_trim((Text){line.data, at}), &name);
    option = ARENA_NEW(parsing->ini->arena, PythonIniOption);
    option->name = arena_text(parsing->ini->arena, buf_text(&name));
    option->line = parsing->line;
    if (map_put(&parsing->section->options, option->name, option) != NULL)
        add_note(parsing, "the option is given again: this one counts; to Python 3 it is an error");
    parsing->option = option;
    buf_reset(&parsing->value, 4096);
    /* white space in front goes first, so that a semicolon behind it begins the value */
    while (value.len > 0 && isspace((unsigned char)value.data[0])) {
        value.data++;
        value.len--;
    }
    buf_add_text(&parsing->value, first_value(parsing, value));
    return true;
}

static void
continue_option(Parsing *parsing, Text value)
{
    if (value.data[0] == '#' || value.data[0] == ';')
        add_note(parsing,
            "the line is a part of the value above, as to Python 2; to Python 3 it is a comment");
    buf_add_char(&parsing->value, '\n');
    buf_add_text(&parsing->value, value);
}

static bool
is_comment(Text line)
{
    return line.data[0] == '#' || line.data[0] == ';' ||
           (line.len >= 3 && strncasecmp(line.data, "rem", 3) == 0 &&
               (line.len == 3 || isspace((unsigned char)line.data[3])));
}

static void
parse_line(Parsing *parsing, Text line)
{
    Text trimmed = text_trim(line);
    size_t name_len = section_name_len(line);

    if (trimmed.len == 0 || is_comment(line))
        return;
    if (isspace((unsigned char)line.data[0]) && parsing->option != NULL)
        continue_option(parsing, trimmed);
    else if (name_len > 0)
        begin_section(parsing, (Text){line.data + 1, name_len});
    else if (parsing->section == NULL)
        add_problem(parsing, "a line in front of the first [section]");
    else if (!begin_option(parsing, line))
        add_problem(parsing, "the line is no [section], no option = value, and no comment");
}

static Text
without_byte_order_mark(Text text)
{
    return text_starts_with(text, "\xef\xbb\xbf") ? (Text){text.data + 3, text.len - 3} : text;
}

PythonIni *
python_ini_parse(const char *path, Text text, Buf *notes, Error *err)
{
    Arena *arena = arena_new();
    CLEANUP(python_ini_free) PythonIni *ini = ARENA_NEW(arena, PythonIni);
    Parsing parsing = {.ini = ini, .notes = notes};
    Text rest = without_byte_order_mark(text);
    bool ok;

    ini->arena = arena;
    ini->path = arena_string(arena, path);
    ini->shared = section_new(ini, TEXT("DEFAULT"), 0);
    while (rest.len > 0) {
        size_t len = text_find(rest, '\n');

        parsing.line++;
        parse_line(&parsing, (Text){rest.data, len});
        len = MIN(len + 1, rest.len);
        rest = (Text){rest.data + len, rest.len - len};
    }
    end_option(&parsing);
    ok = parsing.problems.len == 0;
    if (!ok)
        (void)error_set(err, ERR_CONFIG, "%s", buf_string(&parsing.problems));
    buf_clear(&parsing.value);
    buf_clear(&parsing.problems);
    return ok ? STEAL(ini) : NULL;
}

void
python_ini_free(PythonIni *ini)
{
    if (ini == NULL)
        return;
    map_each (&ini->sections, entry)
        map_clear(&((PythonIniSection *)entry->value)->options);
    map_clear(&ini->shared->options);
    map_clear(&ini->sections);
    map_clear(&ini->presets);
    /* ini itself lives in it */
    arena_free(ini->arena);
}

void
python_ini_preset(PythonIni *ini, const char *name, Text value)
{
    PythonIniOption *option = ARENA_NEW(ini->arena, PythonIniOption);

    option->name = arena_text(ini->arena, text_of(name));
    option->value = arena_text(ini->arena, value);
    (void)map_put(&ini->presets, option->name, option);
}

PythonIniSection *
python_ini_section(const PythonIni *ini, const char *name)
{
    return map_get(&ini->sections, text_of(name));
}

static PythonIniOption *
find_option(const PythonIni *ini, const PythonIniSection *section, Text name)
{
    PythonIniOption *option = section == NULL ? NULL : map_get(&section->options, name);

    if (option == NULL)
        option = map_get(&ini->shared->options, name);
    return option != NULL ? option : map_get(&ini->presets, name);
}

PythonIniOption *
python_ini_find(const PythonIni *ini, const PythonIniSection *section, const char *name)
{
    return find_option(ini, section, text_of(name));
}

typedef struct Expansion {
    const PythonIni *ini;
    const PythonIniSection *section;
    const PythonIniOption *option; /* that was asked for */
    Buf *out;
    size_t steps;
    Error *err;
} Expansion;

static bool
expansion_fail(const Expansion *expansion, const char *reason, Text name)
{
    return error_set(expansion->err, ERR_CONFIG, "%s:%zu: " TEXT_FMT ": %s" TEXT_FMT,
        expansion->ini->path, expansion->option->line, TEXT_ARG(expansion->option->name), reason,
        TEXT_ARG(name));
}

static bool expand(Expansion *expansion, Text value, unsigned depth);

/* value begins with "%("; *ret_len: what of it was used up. */
static bool
expand_reference(Expansion *expansion, Text value, unsigned depth, size_t *ret_len)
{
    size_t end = text_find(value, ')');
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    PythonIniOption *option;

    if (end + 1 >= value.len || end == 2 || value.data[end + 1] != 's')
        return expansion_fail(
            expansion, "%( begins no %(name)s; for a percent sign write %%", TEXT_NONE);
    lower((Text){value.data + 2, end - 2}, &name);
    *ret_len = end + 2;
    if (expansion->section != NULL && text_is(buf_text(&name), "__name__")) {
        buf_add_text(expansion->out, expansion->section->name);
        return true;
    }
    option = find_option(expansion->ini, expansion->section, buf_text(&name));
    if (option == NULL)
        return expansion_fail(expansion, "there is no option ", buf_text(&name));
    option->used = true;
    return expand(expansion, option->value, depth + 1);
}

static bool
expand(Expansion *expansion, Text value, unsigned depth)
{
    if (depth > DEPTH_MAX)
        return expansion_fail(expansion, "options name each other more than ten deep", TEXT_NONE);
    while (value.len > 0) {
        size_t at = text_find(value, '%');
        size_t len = 0;

        if (++expansion->steps > STEPS_MAX || expansion->out->len > EXPANDED_MAX)
            return expansion_fail(expansion, "the value becomes too long", TEXT_NONE);
        buf_add(expansion->out, value.data, at);
        value = (Text){value.data + at, value.len - at};
        if (value.len == 0)
            break;
        if (value.len >= 2 && value.data[1] == '%') {
            buf_add_char(expansion->out, '%');
            len = 2;
        } else if (value.len < 2 || value.data[1] != '(') {
            return expansion_fail(
                expansion, "% stands alone; for a percent sign write %%", TEXT_NONE);
        } else if (!expand_reference(expansion, value, depth, &len)) {
            return false;
        }
        value = (Text){value.data + len, value.len - len};
    }
    return true;
}

bool
python_ini_get(
    PythonIni *ini, const PythonIniSection *section, const char *name, Text *ret_value, Error *err)
{
    PythonIniOption *option = python_ini_find(ini, section, name);
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Expansion expansion = {
        .ini = ini, .section = section, .option = option, .out = &out, .err = err};

    if (option == NULL) {
        *ret_value = TEXT_NONE;
        return true;
    }
    option->used = true;
    if (!expand(&expansion, option->value, 1))
        return false;
    *ret_value = arena_text(ini->arena, buf_text(&out));
    return true;
}
