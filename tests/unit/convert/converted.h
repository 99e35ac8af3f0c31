/*
 * converted.h - convert a text and read what comes out as a configuration
 */
#pragma once

#include "config/config.h"
#include "convert/convert.h"
#include "source/source.h"
#include "support/test.h"
#include "target/target.h"

typedef struct Converted {
    Conversion conversion;
    Error err;
    bool ok;
} Converted;

static inline Converted
converted(const char *format, const char *text)
{
    Converted made = {.ok = false};
    const Converter *converter = converter_find(format);

    assert_non_null(converter);
    made.ok = convert_text(converter, "f.ini", text_of(text), &made.conversion, &made.err);
    return made;
}

static inline void
converted_clear(Converted *made)
{
    conversion_clear(&made->conversion);
}

static inline void
converted_clear_auto(Converted *made)
{
    converted_clear(made);
}

/* The drivers' own option tables: what is written must be known to them. */
static inline const ConfigSchema *
converted_schema(void)
{
    static DriverFields sources[32];
    static DriverFields targets[32];
    static const ConfigSchema schema = {sources, targets};

    for (size_t i = 0; source_drivers[i] != NULL && i < 31; i++)
        sources[i] = (DriverFields){source_drivers[i]->name, source_drivers[i]->summary,
            source_drivers[i]->fields, source_drivers[i]->options_size, source_drivers[i]->missing};
    for (size_t i = 0; target_drivers[i] != NULL && i < 31; i++)
        targets[i] = (DriverFields){target_drivers[i]->name, target_drivers[i]->summary,
            target_drivers[i]->fields, target_drivers[i]->options_size, target_drivers[i]->missing};
    return &schema;
}

/* Is the source of what converters write in this build? */
static inline bool
converted_can_be_read(void)
{
    const SourceDriver *driver = source_find("pgq");

    return driver != NULL && driver->missing == NULL;
}

/* The whole of the YAML as configuration; more is appended to it. */
static inline Config *
converted_config(const Converted *made, const char *more, Error *err)
{
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;

    conversion_print(&made->conversion, &yaml);
    buf_add_string(&yaml, more);
    return config_parse("/etc/dray/f.yaml", buf_text(&yaml), converted_schema(), err);
}

static inline void
check_converted(
    const char *format, const char *text, const char *expected_yaml, const char *expected_notes)
{
    CLEANUP(converted_clear) Converted made = converted(format, text);

    assert_ok(made.ok, made.err);
    assert_string_equal(made.conversion.yaml.data, expected_yaml);
    assert_string_equal(buf_string(&made.conversion.notes), expected_notes);
}

static inline void
check_refused(const char *format, const char *text, const char *expected)
{
    CLEANUP(converted_clear) Converted made = converted(format, text);

    assert_false(made.ok);
    assert_int_equal(made.err.kind, ERR_CONFIG);
    assert_string_equal(made.err.text, expected);
}
