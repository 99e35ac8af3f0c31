#include "source/pgq/arguments.h"

typedef struct Known {
    const char *name;
    bool has_value;
} Known;

static const Known known[] = {
    {"backup", false},
    {"deny", false},
    {"SKIP", false},
    {"ignore", true},
    {"pkey", true},
    {"when", true},
    {"ev_type", true},
    {"ev_data", true},
    {"ev_extra1", true},
    {"ev_extra2", true},
    {"ev_extra3", true},
    {"ev_extra4", true},
};

static Text
argument_at(const TextList *arguments, size_t at)
{
    return (Text){arguments->items[at], strlen(arguments->items[at])};
}

static Text
name_of(Text argument)
{
    return (Text){argument.data, text_find(argument, '=')};
}

static const Known *
find_known(Text name)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (text_is(name, known[i].name))
            return &known[i];
    return NULL;
}

static bool
check_one(const TextList *arguments, size_t at, Error *err)
{
    Text argument = argument_at(arguments, at);
    Text name = name_of(argument);
    const Known *one = find_known(name);

    if (one == NULL)
        return error_set(err, ERR_CONFIG,
            "source: trigger_arguments: \"" TEXT_FMT
            "\" is none of PgQ's: backup, deny, SKIP, ignore=, pkey=, when=, ev_type=, ev_data=, "
            "ev_extra1= to ev_extra4=",
            TEXT_ARG(argument));
    if (one->has_value && name.len + 1 >= argument.len)
        return error_set(err, ERR_CONFIG,
            "source: trigger_arguments: \"" TEXT_FMT "\" lacks its value (%s=…)",
            TEXT_ARG(argument), one->name);
    if (!one->has_value && name.len != argument.len)
        return error_set(err, ERR_CONFIG,
            "source: trigger_arguments: \"" TEXT_FMT "\": %s is a word alone", TEXT_ARG(argument),
            one->name);
    for (size_t i = 0; i < at; i++)
        if (text_equal(name_of(argument_at(arguments, i)), name))
            return error_set(err, ERR_CONFIG, "source: trigger_arguments: " TEXT_FMT " comes twice",
                TEXT_ARG(name));
    return true;
}

bool
pgq_arguments_check(const TextList *arguments, Error *err)
{
    for (size_t i = 0; i < arguments->count; i++)
        if (!check_one(arguments, i, err))
            return false;
    return true;
}

Text
pgq_arguments_find(const TextList *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->count; i++) {
        Text argument = argument_at(arguments, i);
        Text found = name_of(argument);

        if (!text_is(found, name))
            continue;
        return found.len == argument.len
                   ? TEXT("")
                   : (Text){argument.data + found.len + 1, argument.len - found.len - 1};
    }
    return TEXT_NONE;
}
