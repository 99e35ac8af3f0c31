/*
 * fuzz_script.c - the merge script parser, and filling: the first byte chooses the dialect, the
 * second how many bytes behind it are the value of all parameters, what follows is the script
 *
 * Beyond not crashing: what a value holds must never change how the text is cut into statements.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "script/merge_params.h"
#include "script/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const SqlDialect *const dialects[] = {
    &sql_dialect_postgres, &sql_dialect_mysql, &sql_dialect_sqlite, &sql_dialect_vertica};

/* A filled statement is still one statement. */
static void
check_statement(const char *sql, const SqlDialect *dialect)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Error err = {0};
    Splitter splitter;
    SplitItem item;

    /* to MySQL this is a comment only where white space follows it */
    if (text_ends_with(text_of(sql), "--"))
        return;
    /* a byte order mark counts only at the very beginning */
    buf_addf(&text, "\n%s\n;\n", sql);
    splitter_init(&splitter, "f.sql", dialect, buf_text(&text));
    assert(splitter_next(&splitter, &item, &err));
    assert(item.kind == SPLIT_STATEMENT);
    if (sql[0] == '.')
        return;
    assert(splitter_next(&splitter, &item, &err));
    assert(item.kind == SPLIT_END);
}

static void
fill(const Script *script, const SqlDialect *dialect, Text value, Arena *arena)
{
    TargetColumn column = {.name = value};
    const TargetColumn *columns[] = {&column};
    TargetTable base = {.schema = value, .name = value, .columns = &column, .column_count = 1};
    BlockColumn file_column = {.name = value};
    BlockFile file = {.name = TEXT("x"), .columns = &file_column, .column_count = 1};
    Block block = {0};
    char *path = text_dup(value);
    const size_t key = 0;
    MergeTable table = {.dialect = dialect,
        .block = &block,
        .file = &file,
        .service = path,
        .csv_path = path,
        .block_path = path,
        .base = &base,
        .stage_schema = value,
        .stage_name = value,
        .columns = columns,
        .key = &key,
        .key_count = 1,
        .stage_is_compact = true};
    const MergeParams *params = merge_params_new(&table, arena);

    for (size_t i = 0; i < SECTION_COUNT; i++) {
        for (size_t j = 0; j < script->counts[i]; j++) {
            const ScriptStatement *statement = &script->sections[i][j];
            CLEANUP(buf_clear) Buf out = BUF_INIT;
            Error err = {0};

            if (!script_fill(script, statement, params, &out, &err))
                assert(err.kind == ERR_SCRIPT);
            else if (!statement->is_command && value.len > 0)
                check_statement(buf_string(&out), dialect);
        }
    }
    free(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_free) Arena *arena = NULL;
    CLEANUP(script_free) Script *script = NULL;
    const SqlDialect *dialect;
    Error err = {0};
    Text text;
    Text value;

    if (size < 2)
        return 0;
    dialect = dialects[data[0] % ARRAY_LEN(dialects)];
    value = (Text){(const char *)data + 2, MIN((size_t)data[1] % 32, size - 2)};
    text = (Text){value.data + value.len, size - 2 - value.len};
    script = script_parse("f.sql", text, dialect, &err);
    if (script == NULL) {
        assert(err.kind == ERR_SCRIPT);
        return 0;
    }
    arena = arena_new();
    fill(script, dialect, value, arena);
    return 0;
}
