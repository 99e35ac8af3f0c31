#include "script/script.h"

#include <stdlib.h>

#include "base/file.h"
#include "script/piece.h"
#include "script/statement.h"

#define SCRIPT_MAX_BYTES ((size_t)16 * 1024 * 1024)

typedef struct Parser {
    Script *script;
    const SqlDialect *dialect;
    ScriptSection section;            /* SECTION_COUNT: none yet */
    int section_lines[SECTION_COUNT]; /* 0: not seen */
    size_t sizes[SECTION_COUNT];
    ScriptCondition condition; /* for the next statement */
    SplitItem item;            /* the one being read */
    int condition_line, condition_column;
    SplitItem asks_deletes; /* the first "@if deletes" or "@if no deletes"; line 0: none */
    bool reads_file;        /* CSV_FILE or BLOCK_DIR outside streamed loads */
    bool has_streamed;
} Parser;

static bool fail(const Parser *parser, Error *err, const char *fmt, ...) PRINTF(3, 4);

/* At the item being read. */
static bool
fail(const Parser *parser, Error *err, const char *fmt, ...)
{
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    va_list args;

    va_start(args, fmt);
    buf_addv(&reason, fmt, args);
    va_end(args);
    return error_set(err, ERR_SCRIPT, "%s:%d:%d: %s", parser->script->path, parser->item.line,
        parser->item.column, buf_string(&reason));
}

/* ---- statements ---- */

static const ScriptParameter *
find_parameter(Text name)
{
    for (const ScriptParameter *parameter = script_parameters; parameter->name != NULL;
         parameter++) {
        if (text_is(name, parameter->name))
            return parameter;
    }
    return NULL;
}

static bool
fail_piece(const Parser *parser, const ScriptPiece *piece, Error *err, const char *reason,
    const char *section)
{
    return error_set(err, ERR_SCRIPT, "%s:%d:%d: %%%%" TEXT_FMT "%%%% %s%s", parser->script->path,
        piece->line, piece->column, TEXT_ARG(piece->parameter), reason, section);
}

static bool
check_parameter(
    Parser *parser, const ScriptStatement *statement, const ScriptPiece *piece, Error *err)
{
    const ScriptParameter *parameter = find_parameter(piece->parameter);

    if (parameter == NULL)
        return fail_piece(parser, piece, err, "is not a parameter", "");
    if ((parameter->sections & 1u << parser->section) == 0)
        return fail_piece(
            parser, piece, err, "has no value in section @", script_section_name(parser->section));
    if (text_starts_with(piece->parameter, "KEPT_") && statement->condition != CONDITION_KEPT)
        return fail_piece(parser, piece, err,
            "is empty for most tables: write \"-- @if kept\" in front of this statement", "");
    if ((text_starts_with(piece->parameter, "UNCHANGED") ||
            text_is(piece->parameter, "ORIGIN_JOIN")) &&
        statement->condition != CONDITION_UNCHANGED && statement->condition != CONDITION_AGAIN)
        return fail_piece(parser, piece, err,
            "has a value only where lines leave values out: write \"-- @if unchanged\" in front of "
            "this statement",
            "");
    if (text_is(piece->parameter, "UNCHANGED_SET"))
        parser->script->fills_unchanged = true;
    if (parameter->needs_key)
        parser->script->needs_key = true;
    if (statement->kind != STATEMENT_LOAD_STREAMED &&
        (text_is(piece->parameter, "CSV_FILE") || text_is(piece->parameter, "BLOCK_DIR")))
        parser->reads_file = true;
    return true;
}

static bool
is_inside_transaction(ScriptSection section)
{
    return section != SECTION_PREPARE && section != SECTION_LOAD && section != SECTION_RELEASE;
}

static bool
check_kind(Parser *parser, const ScriptStatement *statement, Error *err)
{
    const char *section = script_section_name(parser->section);

    if (statement->kind == STATEMENT_ENDS_TRANSACTION && is_inside_transaction(parser->section))
        return fail(parser, err,
            "this statement would end the block's transaction, so it cannot stand in section @%s",
            section);
    if (statement->kind != STATEMENT_LOAD_STREAMED)
        return true;
    if (parser->section != SECTION_LOAD && parser->section != SECTION_APPLY)
        return fail(parser, err, "there is no CSV file to load in section @%s", section);
    parser->has_streamed = true;
    return true;
}

static ScriptStatement *
statement_new(Parser *parser)
{
    Script *script = parser->script;
    size_t count = script->counts[parser->section]++;
    ScriptStatement **array = &script->sections[parser->section];

    if (count == parser->sizes[parser->section]) {
        size_t size = 2 * count + 8;
        ScriptStatement *larger = ARENA_ARRAY(script->arena, ScriptStatement, size);

        if (*array != NULL)
            memcpy(larger, *array, count * sizeof(*larger));
        *array = larger;
        parser->sizes[parser->section] = size;
    }
    return &(*array)[count];
}

static bool
parse_statement(Parser *parser, Error *err)
{
    const SplitItem *item = &parser->item;
    PieceList list = {
        .path = parser->script->path, .dialect = parser->dialect, .arena = parser->script->arena};
    ScriptStatement *statement;
    bool ok;

    if (parser->section == SECTION_COUNT)
        return fail(parser, err, "a section must begin before the first statement: \"-- @apply\"");
    if (item->kind == SPLIT_COMMAND && item->text.len == 0)
        return fail(parser, err, "there is no command behind \"\\!\"");
    statement = statement_new(parser);
    statement->is_command = item->kind == SPLIT_COMMAND;
    statement->line = item->line;
    statement->condition = parser->condition;
    parser->condition = CONDITION_NONE;
    if (statement->is_command) {
        ok = pieces_add_command(&list, item->text, item->line, item->column + item->offset, err);
    } else {
        statement->kind = parser->dialect->classify(item->text);
        ok = pieces_add_sql(&list, item->text, item->line, item->column, err);
    }
    if (!ok || !check_kind(parser, statement, err))
        return false;
    statement->pieces = list.pieces;
    statement->piece_count = list.count;
    for (size_t i = 0; i < list.count; i++) {
        if (list.pieces[i].parameter.data != NULL &&
            !check_parameter(parser, statement, &list.pieces[i], err))
            return false;
    }
    return true;
}

/* ---- directives ---- */

static Text
take_word(Text *rest)
{
    Text word = text_trim(*rest);
    size_t len = 0;

    while (len < word.len && word.data[len] != ' ' && word.data[len] != '\t')
        len++;
    *rest = text_trim((Text){word.data + len, word.len - len});
    word.len = len;
    return word;
}

static bool
check_condition_used(const Parser *parser, Error *err)
{
    if (parser->condition == CONDITION_NONE)
        return true;
    return error_set(err, ERR_SCRIPT, "%s:%d:%d: no statement follows this @if",
        parser->script->path, parser->condition_line, parser->condition_column);
}

static bool
parse_expect(Parser *parser, Text rest, Error *err)
{
    Script *script = parser->script;
    size_t count = parser->section == SECTION_COUNT ? 0 : script->counts[parser->section];
    ScriptStatement *statement = count == 0 ? NULL : &script->sections[parser->section][count - 1];
    Text what = take_word(&rest);
    Text number = take_word(&rest);
    ScriptPiece *piece = ARENA_NEW(script->arena, ScriptPiece);
    uint64_t rows;

    *piece = (ScriptPiece){.text = number,
        .parameter = TEXT_NONE,
        .line = parser->item.line,
        .column = parser->item.column + (int)(number.data - parser->item.text.data)};
    if (!text_is(what, "rows") || number.len == 0 || rest.len > 0)
        return fail(parser, err, "\"@expect rows NUMBER\" is expected");
    if (!check_condition_used(parser, err))
        return false;
    if (statement == NULL || statement->is_command)
        return fail(parser, err, "there is no statement in front of this @expect");
    if (statement->expect_rows != NULL)
        return fail(parser, err, "the statement in front has an @expect already");
    statement->expect_rows = piece;
    if (sql_parameter_at(number, 0, &piece->parameter) == number.len) {
        piece->text = TEXT_NONE;
        return check_parameter(parser, statement, piece, err);
    }
    piece->parameter = TEXT_NONE;
    if (!text_to_u64(number, &rows))
        return fail(
            parser, err, "a number or a parameter is expected, not " TEXT_FMT, TEXT_ARG(number));
    return true;
}

/* CONDITION_NONE where the words are no condition. */
static ScriptCondition
find_condition(Text words)
{
    static const struct {
        const char *words;
        ScriptCondition condition;
    } conditions[] = {
        {"kept", CONDITION_KEPT},
        {"values", CONDITION_VALUES},
        {"unchanged", CONDITION_UNCHANGED},
        {"again", CONDITION_AGAIN},
        {"deletes", CONDITION_DELETES},
        {"no deletes", CONDITION_NO_DELETES},
    };

    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        if (text_is(words, conditions[i].words))
            return conditions[i].condition;
    return CONDITION_NONE;
}

static bool
parse_if(Parser *parser, Text rest, Error *err)
{
    if (parser->section == SECTION_COUNT)
        return fail(parser, err, "@if stands before the first section");
    if (!check_condition_used(parser, err))
        return false;
    parser->condition = find_condition(rest);
    if (parser->condition == CONDITION_NONE)
        return fail(
            parser, err, "@if kept, values, unchanged, again, deletes or no deletes is expected");
    parser->script->has_unchanged |= parser->condition == CONDITION_UNCHANGED;
    if (parser->asks_deletes.line == 0 &&
        (parser->condition == CONDITION_DELETES || parser->condition == CONDITION_NO_DELETES))
        parser->asks_deletes = parser->item;
    if (parser->section != SECTION_APPLY && parser->section != SECTION_LOAD)
        return fail(
            parser, err, "@if has no meaning in section @%s", script_section_name(parser->section));
    parser->condition_line = parser->item.line;
    parser->condition_column = parser->item.column;
    return true;
}

static bool
parse_section(Parser *parser, ScriptSection section, Text rest, Error *err)
{
    if (rest.len > 0)
        return fail(
            parser, err, "nothing is expected behind \"@%s\"", script_section_name(section));
    if (parser->section_lines[section] > 0)
        return fail(parser, err, "section @%s began already in line %d",
            script_section_name(section), parser->section_lines[section]);
    if (!check_condition_used(parser, err))
        return false;
    parser->section = section;
    parser->section_lines[section] = parser->item.line;
    return true;
}

/* It is put behind an AND as it stands: it cannot take parameters. */
static bool
parse_live(Parser *parser, Text rest, Error *err)
{
    size_t at = 0;

    if (rest.len == 0)
        return fail(parser, err, "\"@live CONDITION\" is expected");
    if (parser->script->live.data != NULL)
        return fail(parser, err, "there is a @live already");
    while (at + 1 < rest.len && !(rest.data[at] == '%' && rest.data[at + 1] == '%'))
        at++;
    if (at + 1 < rest.len)
        return fail(parser, err, "@live takes no parameters");
    parser->script->live = rest;
    return true;
}

/* A directive of one word: what it sets, or NULL. */
static bool *
find_flag(Script *script, Text name)
{
    if (text_is(name, "all_lines"))
        return &script->all_lines;
    if (text_is(name, "distinguish_updates"))
        return &script->distinguishes;
    if (text_is(name, "deletes"))
        return &script->has_deletes;
    return NULL;
}

static bool
parse_directive(Parser *parser, Error *err)
{
    Text rest = {parser->item.text.data + 1, parser->item.text.len - 1};
    Text name = take_word(&rest);
    bool *flag;

    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (text_is(name, script_section_name((ScriptSection)i)))
            return parse_section(parser, (ScriptSection)i, rest, err);
    }
    if (text_is(name, "expect"))
        return parse_expect(parser, rest, err);
    if (text_is(name, "if"))
        return parse_if(parser, rest, err);
    if (text_is(name, "live"))
        return parse_live(parser, rest, err);
    flag = find_flag(parser->script, name);
    if (flag == NULL)
        return fail(
            parser, err, "@" TEXT_FMT " is neither a section nor a directive", TEXT_ARG(name));
    if (rest.len > 0)
        return fail(parser, err, "nothing is expected behind \"@" TEXT_FMT "\"", TEXT_ARG(name));
    *flag = true;
    return true;
}

/* ---- scripts ---- */

static bool
check_text(const char *path, Text text, Error *err)
{
    int line = 1;
    int column = 1;
    size_t at;
    const char *reason = NULL;

    if (!text_is_utf8(text, &at)) {
        reason = "this byte is not UTF-8";
    } else {
        at = text_find(text, '\0');
        if (at < text.len)
            reason = "a NUL byte stands here";
    }
    if (reason == NULL)
        return true;
    sql_advance((Text){text.data, at}, &line, &column);
    return error_set(err, ERR_SCRIPT, "%s:%d:%d: %s", path, line, column, reason);
}

static bool
parse_items(Parser *parser, Text text, Error *err)
{
    Splitter splitter;

    splitter_init(&splitter, parser->script->path, parser->dialect, text);
    for (;;) {
        if (!splitter_next(&splitter, &parser->item, err))
            return false;
        if (parser->item.kind == SPLIT_END)
            break;
        if (parser->item.kind == SPLIT_DIRECTIVE ? !parse_directive(parser, err)
                                                 : !parse_statement(parser, err))
            return false;
    }
    if (!check_condition_used(parser, err))
        return false;
    if (parser->asks_deletes.line != 0 && !parser->script->has_deletes) {
        parser->item = parser->asks_deletes;
        return fail(parser, err,
            "@if deletes and @if no deletes need a line \"-- @deletes\" in the script");
    }
    if (parser->section_lines[SECTION_APPLY] == 0)
        return fail(parser, err, "the script has no section \"-- @apply\"");
    return true;
}

Script *
script_parse(const char *path, Text text, const SqlDialect *dialect, Error *err)
{
    CLEANUP(script_free) Script *script = NULL;
    Arena *arena = arena_new();
    Parser parser = {.dialect = dialect, .section = SECTION_COUNT};

    script = ARENA_NEW(arena, Script);
    script->arena = arena;
    script->path = arena_string(arena, path);
    parser.script = script;
    /* the pieces are views into the script's own copy */
    text = arena_text(arena, text.data == NULL ? TEXT("") : text);
    if (!check_text(path, text, err) || !parse_items(&parser, text, err))
        return NULL;
    script->has_load = script->counts[SECTION_LOAD] > 0;
    script->streams = parser.has_streamed && !parser.reads_file;
    return STEAL(script);
}

Script *
script_load(const char *path, const SqlDialect *dialect, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    if (!file_read_all(path, SCRIPT_MAX_BYTES, &text, err))
        return NULL;
    return script_parse(path, buf_text(&text), dialect, err);
}

void
script_free(Script *script)
{
    if (script != NULL)
        arena_free(script->arena);
}

char *
script_find(const char *name, const char *config_directory, const char *data_directory,
    const char *target_type, Error *err)
{
    CLEANUP(buf_clear) Buf installed = BUF_INIT;
    char *beside;

    beside = file_join(config_directory, name);
    if (name[0] == '/' || file_exists(beside))
        return beside;
    buf_addf(&installed, "%s/merge-scripts/%s/%s", data_directory, target_type, name);
    if (file_exists(buf_string(&installed))) {
        free(beside);
        return buf_steal(&installed);
    }
    (void)error_set(err, ERR_CONFIG, "merge script %s is neither %s nor %s", name, beside,
        buf_string(&installed));
    free(beside);
    return NULL;
}
