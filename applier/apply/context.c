#include "apply/context.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static char *
data_beside_program(void)
{
    static const char *const places[] = {"../share/dray", ".."};
    char program[4096];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    char *directory;
    char *found = NULL;

    if (len <= 0)
        return NULL;
    program[len] = '\0';
    directory = file_directory(program);
    for (size_t i = 0; found == NULL && i < ARRAY_LEN(places); i++) {
        CLEANUP(buf_clear) Buf scripts = BUF_INIT;

        buf_addf(&scripts, "%s/%s/merge-scripts", directory, places[i]);
        if (file_exists(scripts.data))
            found = file_join(directory, places[i]);
    }
    free(directory);
    return found;
}

char *
context_data_directory(void)
{
    const char *given = getenv("DRAY_DATA");
    char *found;

    if (given != NULL && given[0] != '\0')
        return text_dup(text_of(given));
    found = data_beside_program();
    return found != NULL ? found : text_dup(text_of(DRAY_DATA_DIRECTORY));
}

static void
build_dialect(Context *context)
{
    const StageConfig *stage = &context->config->stage;
    const char *const names[HEADER_COUNT] = {
        [HEADER_OPCODE] = stage->opcode_column,
        [HEADER_SEQNO] = stage->seqno_column,
        [HEADER_ROW_ID] = stage->row_id_column,
        [HEADER_TIMESTAMP] = stage->timestamp_column,
        [HEADER_SERVICE] = stage->service_column,
        [HEADER_UNCHANGED] = stage->unchanged_column,
    };
    bool omits = (context->source->abilities & SOURCE_OMITS_VALUES) != 0;
    CsvDialect *dialect = &context->dialect;

    dialect->style = CSV_QUOTED;
    dialect->notation = context->target->notation;
    dialect->null_word = context->config->csv.null_word != NULL
                             ? text_of(context->config->csv.null_word)
                             : context->target->null_word;
    for (size_t i = 0; i < stage->header_columns.count; i++) {
        HeaderColumn column;

        if (header_column_parse(text_of(stage->header_columns.items[i]), &column) &&
            (omits || column != HEADER_UNCHANGED))
            dialect->header[dialect->header_count++] = column;
    }
    if (omits && dialect_header_at(dialect, HEADER_UNCHANGED) == dialect->header_count)
        dialect->header[dialect->header_count++] = HEADER_UNCHANGED;
    for (size_t i = 0; i < HEADER_COUNT; i++)
        dialect->header_names[i] =
            text_of(arena_printf(context->arena, "%s%s", stage->column_prefix, names[i]));
}

static bool
load_script(Context *context, const char *name, Error *err)
{
    char *path = script_find(
        name, context->config->directory, context->data_directory, context->target->name, err);

    if (path == NULL)
        return false;
    context->scripts[context->script_count] = script_load(path, context->target->sql, err);
    free(path);
    return context->scripts[context->script_count] != NULL && ++context->script_count > 0;
}

/* scripts[0] is target.merge_script; scripts[1 + i] is that of rule i, or NULL. */
static bool
load_scripts(Context *context, Error *err)
{
    const TableRules *rules = &context->config->tables;

    context->scripts = calloc(rules->count + 1, sizeof(Script *));
    if (context->scripts == NULL)
        abort();
    if (!load_script(context, context->config->target.merge_script, err))
        return error_wrap(err, "target.merge_script");
    for (size_t i = 0; i < rules->count; i++) {
        const TableRule *rule = &rules->rules[i];

        if (rule->merge_script.data == NULL)
            context->script_count++;
        else if (!load_script(context, rule->merge_script.data, err))
            return error_wrap(err, "%s:%d: merge_script", context->config->path, rule->line);
    }
    return true;
}

/* A script that deletes does not ask what else could be done. */
static bool
check_deletes(const Context *context, Error *err)
{
    const TableRules *rules = &context->config->tables;

    for (size_t i = 0; i < rules->count; i++) {
        const TableRule *rule = &rules->rules[i];
        const Script *script = context_script(context, rule);

        if (!rule->skip && rule->deletes != DELETES_ERROR && !script->has_deletes)
            return error_set(err, ERR_CONFIG,
                "%s:%d: deletes: says what becomes of deletes where the merge script cannot "
                "delete, as keep_all.sql; %s can (it has no \"-- @deletes\"): leave it out",
                context->config->path, rule->line, script->path);
    }
    return true;
}

static bool
find_drivers(Context *context, Error *err)
{
    const Config *config = context->config;

    context->source = source_find(config->source_type);
    context->target = target_find(config->target_type);
    if (context->source == NULL)
        return error_set(err, ERR_CONFIG, "source.type: no driver %s", config->source_type);
    if (context->target == NULL)
        return error_set(err, ERR_CONFIG, "target.type: no driver %s", config->target_type);
    if (context->source->missing != NULL)
        return error_set(err, ERR_CONFIG, "source.type: %s is not in this build: %s",
            config->source_type, context->source->missing);
    if (context->target->missing != NULL)
        return error_set(err, ERR_CONFIG, "target.type: %s is not in this build: %s",
            config->target_type, context->target->missing);
    if (context->target->null_word_fixed && config->csv.null_word != NULL &&
        !text_is(context->target->null_word, config->csv.null_word))
        return error_set(err, ERR_CONFIG, "csv.null: target %s knows no other word than " TEXT_FMT,
            config->target_type, TEXT_ARG(context->target->null_word));
    return true;
}

/* templates/<target>/stage.sql beside the configuration wins over the installed one. */
static const char *
find_template(const Context *context)
{
    const char *own = arena_printf(context->arena, "%s/templates/%s/stage.sql",
        context->config->directory, context->target->name);

    if (file_exists(own))
        return own;
    return arena_printf(context->arena, "%s/templates/%s/stage.sql", context->data_directory,
        context->target->name);
}

static bool
context_fill(Context *context, Error *err)
{
    char *data = context_data_directory();

    context->data_directory = arena_string(context->arena, data);
    free(data);
    if (!find_drivers(context, err))
        return false;
    build_dialect(context);
    context->stage_template = find_template(context);
    return load_scripts(context, err) && check_deletes(context, err);
}

Context *
context_open(const Config *config, Error *err)
{
    Context *context = calloc(1, sizeof(*context));

    if (context == NULL)
        abort();
    context->config = config;
    context->arena = arena_new();
    if (!context_fill(context, err)) {
        context_close(context);
        return NULL;
    }
    return context;
}

void
context_close(Context *context)
{
    if (context == NULL)
        return;
    for (size_t i = 0; i < context->script_count; i++)
        script_free(context->scripts[i]);
    free(context->scripts);
    arena_free(context->arena);
    free(context);
}

const Script *
context_script(const Context *context, const TableRule *rule)
{
    const Script *own = NULL;

    if (rule != NULL)
        own = context->scripts[1 + (size_t)(rule - context->config->tables.rules)];
    return own != NULL ? own : context->scripts[0];
}
