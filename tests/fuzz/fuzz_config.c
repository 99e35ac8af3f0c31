/*
 * fuzz_config.c - any bytes as a configuration file: a Config or an error of kind ERR_CONFIG
 */
#include <stdlib.h>

#include "config/config.h"

typedef struct Options {
    bool flag;
    int64_t number;
    int64_t bytes;
    int64_t time;
    const char *text;
    const char *secret;
    int choice;
    Retain retain;
    TextList list;
    TextMap map;
} Options;

#define AT(member) offsetof(Options, member)

static const Field fields[] = {
    {"flag", FIELD_BOOL, AT(flag), "true", 0, 0, NULL, 0, "A flag."},
    {"number", FIELD_INT, AT(number), "1", 1, 9, NULL, 0, "A number."},
    {"bytes", FIELD_BYTES, AT(bytes), "1MiB", 0, 0, NULL, 0, "A size."},
    {"time", FIELD_TIME, AT(time), "1s", 0, 0, NULL, 0, "A duration."},
    {"text", FIELD_TEXT, AT(text), NULL, 0, 0, NULL, 0, "A text."},
    {"secret", FIELD_TEXT, AT(secret), NULL, 0, 0, NULL, FIELD_SECRET, "A secret."},
    {"choice", FIELD_CHOICE, AT(choice), "a", 0, 0, "a|b|c", 0, "A choice."},
    {"retain", FIELD_RETAIN, AT(retain), "all", 0, 0, NULL, 0, "Retention."},
    {"list", FIELD_LIST, AT(list), "a, b", 0, 0, NULL, 0, "A list."},
    {"map", FIELD_MAP, AT(map), NULL, 0, 0, NULL, 0, "A mapping."},
    {NULL},
};

static const DriverFields drivers[] = {
    {"any", "Every type.", fields, sizeof(Options), NULL},
    {"none", "No option.", NULL, 0, NULL},
    {"absent", "Not built.", NULL, 0, "not built"},
    {NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ConfigSchema schema = {drivers, drivers};
    Text yaml = {(const char *)data, size};
    Config *config;
    Error err = {ERR_NONE};

    /* no file of this machine is read; a large input only shows libyaml's slowness */
    if (size > 16384 || (size > 0 && memmem(data, size, "{file:", 6) != NULL))
        return 0;
    config = config_parse("/fuzz/config.yaml", size == 0 ? TEXT("") : yaml, &schema, &err);
    if (config == NULL && (err.kind != ERR_CONFIG || err.text[0] == '\0'))
        abort();
    if (config != NULL && (config->service == NULL || config->block.directory == NULL))
        abort();
    config_free(config);
    return 0;
}
