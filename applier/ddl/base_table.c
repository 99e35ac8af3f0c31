#include "ddl/base_table.h"

#include <stdlib.h>

#include "base/file.h"
#include "block/notation.h"
#include "ddl/shape_column.h"
#include "ddl/stage.h"

#define TEMPLATE_LIMIT (1 << 20)

#define COLUMN_DIRECTIVE "-- @column "
#define HEADER_PARAMETER "%%HEADER_COLUMNS%%"
#define OPCODE_PARAMETER "%%OPCODE_COLUMN%%"
#define KEY_INDEX_PREFIX "key_of_"

/* ---- templates ---- */

static char *
find_file(const char *const *directories, size_t count, const char *target, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) Buf path = BUF_INIT;

        buf_addf(&path, "%s/templates/%s/%s.sql", directories[i], target, name);
        if (file_exists(path.data))
            return buf_steal(&path);
    }
    return NULL;
}

/* "/etc/dray/history.sql" -> "history" */
static void
add_script_name(const char *script, Buf *out)
{
    const char *slash = strrchr(script, '/');
    Text name = text_of(slash == NULL ? script : slash + 1);

    if (text_ends_with(name, ".sql"))
        name.len -= 4;
    buf_add_text(out, name);
}

char *
base_table_template(const char *config_directory, const char *data_directory, const SqlDialect *sql,
    const char *name, const char *script, Error *err)
{
    const char *const directories[] = {config_directory, data_directory};
    CLEANUP(buf_clear) Buf special = BUF_INIT;
    char *path = NULL;

    if (script != NULL) {
        buf_addf(&special, "%s_", name);
        add_script_name(script, &special);
        path = find_file(directories, ARRAY_LEN(directories), sql->name, special.data);
    }
    if (path == NULL)
        path = find_file(directories, ARRAY_LEN(directories), sql->name, name);
    if (path == NULL)
        (void)error_set(err, ERR_CONFIG,
            "no template %s.sql: looked in %s/templates/%s and in "
            "%s/templates/%s",
            name, config_directory, sql->name, data_directory, sql->name);
    return path;
}

/* A column of the template's own: "-- @column valid_from timestamp(6)". */
typedef struct OwnColumn {
    Text name;
    Text type;
} OwnColumn;

typedef struct Template {
    const char *path;
    Text text;
    OwnColumn *columns;
    size_t column_count;
    bool has_header; /* the header columns are columns of the base table */
    bool has_opcode; /* the one with the opcode is, where deletes are kept */
} Template;

static bool
holds(Text text, const char *needle)
{
    return memmem(text.data, text.len, needle, strlen(needle)) != NULL;
}

static size_t
count_lines(Text text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

static bool
read_own_columns(Template *template, Arena *arena, Error *err)
{
    Text rest = template->text;

    template->columns = ARENA_ARRAY(arena, OwnColumn, count_lines(rest));
    for (int line = 1; rest.len > 0; line++) {
        size_t end = MIN(text_find(rest, '\n') + 1, rest.len);
        Text words = text_trim((Text){rest.data, end});
        size_t space;
        OwnColumn own;

        rest = (Text){rest.data + end, rest.len - end};
        if (!text_starts_with(words, COLUMN_DIRECTIVE))
            continue;
        words = text_trim(
            (Text){words.data + strlen(COLUMN_DIRECTIVE), words.len - strlen(COLUMN_DIRECTIVE)});
        space = text_find(words, ' ');
        own = (OwnColumn){
            {words.data, space}, text_trim((Text){words.data + MIN(space + 1, words.len),
                                     words.len - MIN(space + 1, words.len)})};
        if (own.type.len == 0)
            return error_set(err, ERR_SCRIPT,
                "%s:%d:1: \"" COLUMN_DIRECTIVE "NAME TYPE\" is expected", template->path, line);
        template->columns[template->column_count++] = own;
    }
    return true;
}

static bool
template_read(const char *path, Arena *arena, Template *ret_template, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Template template = {.path = path};

    if (!file_read_all(path, TEMPLATE_LIMIT, &text, err))
        return false;
    template.text = arena_text(arena, buf_text(&text));
    template.has_header = holds(template.text, HEADER_PARAMETER);
    template.has_opcode = !template.has_header && holds(template.text, OPCODE_PARAMETER);
    if (!read_own_columns(&template, arena, err))
        return false;
    *ret_template = template;
    return true;
}

/* ---- columns ---- */

static const char *
table_label(const BaseSpec *spec, Arena *arena)
{
    return arena_printf(arena, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(spec->out->source_schema),
        TEXT_ARG(spec->out->source_name));
}

static bool
describe_column(const BaseSpec *spec, const OutColumn *column, Arena *arena,
    SourceColumn *ret_column, Error *err)
{
    const Column *shape = &spec->table->columns[column->source_index];
    const SourceColumn *known =
        spec->source == NULL ? NULL : source_table_column(spec->source, shape->name);

    if (known != NULL) {
        *ret_column = *known;
        return true;
    }
    if (shape->type.data == NULL)
        return error_set(err, ERR_CONFIG,
            "column " TEXT_FMT ": the source does not tell its type: make the base table yourself",
            TEXT_ARG(shape->name));
    *ret_column = shape_column(shape->name, shape->type, shape->logical, arena);
    return true;
}

bool
base_table_column_type(
    const BaseSpec *spec, const OutColumn *column, Arena *arena, MappedType *ret_type, Error *err)
{
    SourceColumn source = {.length = -1};

    if (!describe_column(spec, column, arena, &source, err) ||
        !type_map_column(spec->types, &source, column->in_key, arena, ret_type, err))
        return error_wrap(err, "%s", table_label(spec, arena));
    return true;
}

/* One line, whatever the mapping file holds. */
static void
add_line(const char *what, Text text, Buf *out)
{
    if (text.data == NULL)
        return;
    buf_addf(out, "    -- %s", what);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n' || text.data[i] == '\r')
            buf_add_char(out, ' ');
        else
            buf_add_char(out, text.data[i]);
    }
    buf_add_char(out, '\n');
}

static void
warn(const BaseSpec *spec, const OutColumn *column, const SourceColumn *source,
    const MappedType *mapped, Buf *warnings)
{
    if (mapped->warning.data == NULL || warnings == NULL)
        return;
    buf_addf(warnings,
        "table " TEXT_FMT "." TEXT_FMT ": column " TEXT_FMT ": " TEXT_FMT " becomes " TEXT_FMT
        ": " TEXT_FMT "\n",
        TEXT_ARG(spec->out->source_schema), TEXT_ARG(spec->out->source_name),
        TEXT_ARG(column->name), TEXT_ARG(source->type), TEXT_ARG(mapped->type),
        TEXT_ARG(mapped->warning));
}

/* Which columns are NOT NULL. */
typedef enum NullRule {
    NULLS_KEY,    /* those of the key */
    NULLS_STRICT, /* as in the source */
    NULLS_ALL,    /* none */
    NULLS_COUNT,
} NullRule;

typedef struct ColumnTexts {
    Buf texts[NULLS_COUNT];
    Buf header;
    Buf opcode;
    Buf own;
} ColumnTexts;

static void
column_texts_clear(ColumnTexts *texts)
{
    for (size_t i = 0; i < NULLS_COUNT; i++)
        buf_clear(&texts->texts[i]);
    buf_clear(&texts->header);
    buf_clear(&texts->opcode);
    buf_clear(&texts->own);
}
CLEANUP_DEFINE(ColumnTexts *, column_texts_clear);

static void
add_definition(const SqlDialect *sql, Text name, Text type, bool not_null, Buf *out)
{
    buf_add_string(out, "    ");
    sql_add_identifier(sql, name, out);
    buf_addf(out, " " TEXT_FMT "%s", TEXT_ARG(type), not_null ? " NOT NULL" : sql->types.nullable);
}

static void
add_column(const BaseSpec *spec, const OutColumn *column, const SourceColumn *source,
    const MappedType *mapped, ColumnTexts *texts)
{
    const bool not_null[NULLS_COUNT] = {
        [NULLS_KEY] = column->in_key,
        [NULLS_STRICT] = column->in_key || source->not_null,
    };

    for (size_t i = 0; i < NULLS_COUNT; i++) {
        Buf *out = &texts->texts[i];

        if (out->len > 0)
            buf_add_string(out, ",\n");
        add_line("warning: ", mapped->warning, out);
        add_line("", mapped->note, out);
        add_definition(spec->sql, column->name, mapped->type, not_null[i], out);
    }
}

/* Are deletes rows of their own, which only the opcode tells from others? */
static bool
keeps_deletes(const BaseSpec *spec)
{
    return spec->out->rule != NULL && spec->out->rule->deletes == DELETES_KEEP;
}

static void
add_header_column(const BaseSpec *spec, HeaderColumn column, Buf *out)
{
    if (out->len > 0)
        buf_add_string(out, ",\n");
    add_definition(spec->sql, spec->csv->header_names[column],
        text_of(stage_header_type(spec->sql, column)), false, out);
}

static void
add_header_columns(const BaseSpec *spec, ColumnTexts *texts)
{
    const CsvDialect *csv = spec->csv;

    if (csv == NULL)
        return;
    for (size_t i = 0; i < csv->header_count; i++)
        add_header_column(spec, csv->header[i], &texts->header);
    add_header_column(spec, HEADER_OPCODE, &texts->opcode);
}

static bool
make_columns(const BaseSpec *spec, const Template *template, Arena *arena, ColumnTexts *texts,
    Buf *warnings, Error *err)
{
    for (size_t i = 0; i < spec->out->column_count; i++) {
        const OutColumn *column = &spec->out->columns[i];
        SourceColumn source = {.length = -1};
        MappedType mapped = {.type = TEXT_NONE};

        if (!describe_column(spec, column, arena, &source, err) ||
            !type_map_column(spec->types, &source, column->in_key, arena, &mapped, err))
            return error_wrap(err, "%s", table_label(spec, arena));
        warn(spec, column, &source, &mapped, warnings);
        add_column(spec, column, &source, &mapped, texts);
    }
    add_header_columns(spec, texts);
    for (size_t i = 0; i < template->column_count; i++) {
        const OwnColumn *own = &template->columns[i];

        buf_add_string(&texts->own, i == 0 ? "" : ",\n");
        add_definition(spec->sql, own->name, own->type, false, &texts->own);
    }
    return true;
}

static void
add_key(const BaseSpec *spec, Buf *out)
{
    for (size_t i = 0; i < spec->out->key_count; i++) {
        buf_add_string(out, i == 0 ? "" : ", ");
        sql_add_identifier(spec->sql, spec->out->columns[spec->out->key[i]].name, out);
    }
}

/* ---- statements ---- */

bool
base_table_create(const BaseSpec *spec, const char *template_path, Arena *arena,
    TemplateStatements *ret_statements, Buf *warnings, Error *err)
{
    ColumnTexts texts = {.header = BUF_INIT};
    CLEANUP(column_texts_clear) ColumnTexts *cleared = &texts;
    CLEANUP(buf_clear) Buf table = BUF_INIT;
    CLEANUP(buf_clear) Buf schema = BUF_INIT;
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    CLEANUP(buf_clear) Buf index = BUF_INIT;
    Template template;

    (void)cleared;
    if (!template_read(template_path, arena, &template, err) ||
        !make_columns(spec, &template, arena, &texts, warnings, err))
        return false;
    sql_add_table(spec->sql, spec->out->target_schema, spec->out->target_name, &table);
    if (spec->out->target_schema.len > 0)
        sql_add_identifier(spec->sql, spec->out->target_schema, &schema);
    add_key(spec, &key);
    sql_add_identifier(spec->sql,
        stage_table_name(spec->sql, TEXT(KEY_INDEX_PREFIX), spec->out->target_name, 1, arena),
        &index);
    {
        const TemplateFlag flags[] = {
            {"key", spec->out->key_count > 0}, {"deletes", keeps_deletes(spec)}};
        const TemplateParam params[] = {
            {"BASE_TABLE_FQN", buf_text(&table)},
            {"BASE_SCHEMA", buf_text(&schema)},
            {"COLUMNS", buf_text(&texts.texts[NULLS_KEY])},
            {"STRICT_COLUMNS", buf_text(&texts.texts[NULLS_STRICT])},
            {"NULLABLE_COLUMNS", buf_text(&texts.texts[NULLS_ALL])},
            {"HEADER_COLUMNS", buf_text(&texts.header)},
            {"OPCODE_COLUMN", buf_text(&texts.opcode)},
            {"OWN_COLUMNS", buf_text(&texts.own)},
            {"PKEY", buf_text(&key)},
            {"KEY_INDEX", buf_text(&index)},
        };

        return template_fill(template_path, template.text, spec->sql,
            &(TemplateParams){params, ARRAY_LEN(params), flags, ARRAY_LEN(flags)}, arena,
            ret_statements, err);
    }
}

bool
base_table_schema(const SqlDialect *sql, Text schema, const char *template_path, Arena *arena,
    TemplateStatements *ret_statements, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    TemplateParam params[1];

    sql_add_identifier(sql, schema, &name);
    params[0] = (TemplateParam){"BASE_SCHEMA", buf_text(&name)};
    return template_load(template_path, sql, &(TemplateParams){params, ARRAY_LEN(params), NULL, 0},
        arena, ret_statements, err);
}

/* The header columns that the base table has; how many. */
static size_t
list_header(const BaseSpec *spec, const Template *template, HeaderColumn *ret_columns)
{
    const CsvDialect *csv = spec->csv;

    if (csv != NULL && template->has_header) {
        memcpy(ret_columns, csv->header, csv->header_count * sizeof(*ret_columns));
        return csv->header_count;
    }
    if (csv == NULL || !template->has_opcode || !keeps_deletes(spec))
        return 0;
    ret_columns[0] = HEADER_OPCODE;
    return 1;
}

bool
base_table_describe(const BaseSpec *spec, const char *template_path, Arena *arena,
    TargetTable **ret_table, Error *err)
{
    const OutTable *out = spec->out;
    TargetTable *table = ARENA_NEW(arena, TargetTable);
    HeaderColumn header[HEADER_COUNT];
    Template template;
    size_t header_count;

    if (!template_read(template_path, arena, &template, err))
        return false;
    header_count = list_header(spec, &template, header);
    table->schema = spec->sql->has_schemas ? out->target_schema : TEXT("");
    table->name = out->target_name;
    table->columns = ARENA_ARRAY(
        arena, TargetColumn, header_count + out->column_count + template.column_count + 1);
    for (size_t i = 0; i < header_count; i++)
        table->columns[table->column_count++] =
            (TargetColumn){.name = spec->csv->header_names[header[i]],
                .type = text_of(stage_header_type(spec->sql, header[i]))};
    table->key = ARENA_ARRAY(arena, size_t, out->key_count + 1);
    for (size_t i = 0; i < out->key_count; i++)
        table->key[table->key_count++] = header_count + out->key[i];
    for (size_t i = 0; i < out->column_count; i++) {
        MappedType mapped = {.type = TEXT_NONE};

        if (!base_table_column_type(spec, &out->columns[i], arena, &mapped, err))
            return false;
        table->columns[table->column_count++] = (TargetColumn){.name = out->columns[i].name,
            .type = mapped.type,
            .logical = out->columns[i].logical,
            .not_null = out->columns[i].in_key};
    }
    for (size_t i = 0; i < template.column_count; i++)
        table->columns[table->column_count++] =
            (TargetColumn){.name = template.columns[i].name, .type = template.columns[i].type};
    *ret_table = table;
    return true;
}

/* ---- changes ---- */

/* A value as the target reads it in a DEFAULT. */
static bool
add_literal(const BaseSpec *spec, const SourceColumn *source, const MappedType *mapped, Buf *sql,
    Error *err)
{
    static const ValuesConfig policy = {.zero_date = POLICY_TEXT,
        .infinity = POLICY_TEXT,
        .nan = POLICY_TEXT,
        .out_of_range = POLICY_TEXT};
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    bool is_null = false;

    if (spec->csv == NULL)
        buf_add_text(&value, source->added_value);
    else if (!notation_write(&spec->csv->notation, &policy, source->logical, source->added_value,
                 &value, &is_null, err))
        return error_wrap(err, "the value of older rows");
    if (is_null) {
        buf_add_string(sql, "NULL");
        return true;
    }
    if (spec->sql->ddl.hex_strings &&
        (source->logical == LOGICAL_BYTES ||
            (source->logical == LOGICAL_GEOMETRY && spec->csv != NULL &&
                spec->csv->notation.geometry == GEOMETRY_SRID_WKB)))
        buf_add_char(sql, 'x');
    else if (spec->sql->ddl.hex_strings && source->logical == LOGICAL_BIT &&
             text_starts_with(mapped->type, "bit"))
        buf_add_char(sql, 'b');
    sql_add_string(spec->sql, buf_text(&value), sql);
    return true;
}

bool
base_table_add_column(
    const BaseSpec *spec, const OutColumn *column, Buf *sql, Buf *warnings, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf statement = BUF_INIT;
    SourceColumn source = {.length = -1};
    MappedType mapped = {.type = TEXT_NONE};

    if (!describe_column(spec, column, arena, &source, err) ||
        !type_map_column(spec->types, &source, column->in_key, arena, &mapped, err))
        return error_wrap(err, "%s", table_label(spec, arena));
    warn(spec, column, &source, &mapped, warnings);
    buf_add_string(&statement, "ALTER TABLE ");
    sql_add_table(spec->sql, spec->out->target_schema, spec->out->target_name, &statement);
    buf_add_string(&statement, " ADD COLUMN ");
    sql_add_identifier(spec->sql, column->name, &statement);
    buf_addf(&statement, " " TEXT_FMT "%s", TEXT_ARG(mapped.type), spec->sql->types.nullable);
    if (source.added_value.data != NULL) {
        buf_add_string(&statement, " DEFAULT ");
        if (spec->sql->ddl.default_in_parentheses)
            buf_add_char(&statement, '(');
        if (!add_literal(spec, &source, &mapped, &statement, err))
            return error_wrap(
                err, "%s: column " TEXT_FMT, table_label(spec, arena), TEXT_ARG(column->name));
        if (spec->sql->ddl.default_in_parentheses)
            buf_add_char(&statement, ')');
    }
    buf_add_text(sql, buf_text(&statement));
    return true;
}

bool
base_table_change_type(
    const BaseSpec *spec, const OutColumn *column, Buf *sql, Buf *warnings, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(buf_clear) Buf table = BUF_INIT;
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    CLEANUP(buf_clear) Buf statement = BUF_INIT;
    TemplateStatements statements;
    SourceColumn source = {.length = -1};
    MappedType mapped = {.type = TEXT_NONE};

    if (!describe_column(spec, column, arena, &source, err) ||
        !type_map_column(spec->types, &source, column->in_key, arena, &mapped, err))
        return error_wrap(err, "%s", table_label(spec, arena));
    warn(spec, column, &source, &mapped, warnings);
    sql_add_table(spec->sql, spec->out->target_schema, spec->out->target_name, &table);
    sql_add_identifier(spec->sql, column->name, &name);
    if (spec->sql->ddl.change_type == NULL) {
        buf_addf(sql,
            "-- %s cannot change a column's type: make %s anew with %s " TEXT_FMT
            ", copy the rows, and rename it",
            spec->sql->name, table.data, name.data, TEXT_ARG(mapped.type));
        return true;
    }
    {
        const TemplateParam params[] = {
            {"TABLE", buf_text(&table)}, {"COLUMN", buf_text(&name)}, {"TYPE", mapped.type}};

        buf_addf(&statement, "%s;", spec->sql->ddl.change_type);
        if (!template_fill("change of a type", buf_text(&statement), spec->sql,
                &(TemplateParams){params, ARRAY_LEN(params), NULL, 0}, arena, &statements, err))
            return false;
    }
    buf_add_text(sql, statements.items[0]);
    return true;
}

void
base_table_rename_column(const BaseSpec *spec, Text from, Text to, Buf *sql)
{
    buf_add_string(sql, "ALTER TABLE ");
    sql_add_table(spec->sql, spec->out->target_schema, spec->out->target_name, sql);
    buf_add_string(sql, " RENAME COLUMN ");
    sql_add_identifier(spec->sql, from, sql);
    buf_add_string(sql, " TO ");
    sql_add_identifier(spec->sql, to, sql);
}
