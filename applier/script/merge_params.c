#include "script/merge_params.h"

#include <assert.h>

struct MergeParams {
    ParamValue *values; /* one for each of script_parameters[]; raw is TEXT_NONE: no value */
    bool has_kept;
    bool has_values;
    bool has_unchanged;
    bool keeps_deletes;
    bool is_partition;
    bool again;
};

typedef struct Builder {
    MergeParams *params;
    const MergeTable *table;
    const SqlDialect *dialect;
    Arena *arena;
} Builder;

/* Which columns a list is of. */
typedef bool ColumnTest(const MergeTable *table, size_t index);

static void
put(Builder *builder, const char *name, Text sql, Text raw)
{
    size_t at = 0;

    while (strcmp(script_parameters[at].name, name) != 0) {
        at++;
        assert(script_parameters[at].name != NULL);
    }
    builder->params->values[at] =
        (ParamValue){arena_text(builder->arena, sql), arena_text(builder->arena, raw)};
}

/* The same in both forms: conditions, numbers, parts of statements. */
static void
put_plain(Builder *builder, const char *name, const Buf *value)
{
    put(builder, name, buf_text(value), buf_text(value));
}

static void
put_number(Builder *builder, const char *name, uint64_t number)
{
    CLEANUP(buf_clear) Buf value = BUF_INIT;

    buf_add_u64(&value, number);
    put_plain(builder, name, &value);
}

static void
put_string(Builder *builder, const char *name, Text text)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    sql_add_string(builder->dialect, text, &sql);
    put(builder, name, buf_text(&sql), text);
}

/* Empty where there is no such name. */
static void
put_name(Builder *builder, const char *name, Text text)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (text.len > 0)
        sql_add_identifier(builder->dialect, text, &sql);
    put(builder, name, buf_text(&sql), text.data == NULL ? TEXT("") : text);
}

static void
put_table(Builder *builder, const char *name, Text schema, Text table)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf raw = BUF_INIT;

    sql_add_table(builder->dialect, schema, table, &sql);
    if (builder->dialect->has_schemas && schema.len > 0)
        buf_addf(&raw, TEXT_FMT ".", TEXT_ARG(schema));
    buf_add_text(&raw, table);
    put(builder, name, buf_text(&sql), buf_text(&raw));
}

static void
list_add(const Builder *builder, Text name, Buf *sql, Buf *raw)
{
    if (sql->len > 0) {
        buf_add_string(sql, ", ");
        buf_add_string(raw, ", ");
    }
    sql_add_identifier(builder->dialect, name, sql);
    buf_add_text(raw, name);
}

/* An empty list has no value: it would not fit into any statement. */
static void
put_list(Builder *builder, const char *name, const Buf *sql, const Buf *raw)
{
    if (sql->len > 0)
        put(builder, name, buf_text(sql), buf_text(raw));
}

/* ---- columns ---- */

static bool
is_in_key(const MergeTable *table, size_t index)
{
    for (size_t i = 0; i < table->key_count; i++) {
        if (table->key[i] == index)
            return true;
    }
    return false;
}

static bool
is_written(const MergeTable *table, size_t index)
{
    return !table->columns[index]->generated;
}

static bool
is_value(const MergeTable *table, size_t index)
{
    return is_written(table, index) && !is_in_key(table, index);
}

static bool
is_kept(const MergeTable *table, size_t index)
{
    const TargetColumn *column = &table->base->columns[index];

    if (column->generated)
        return false;
    for (size_t i = 0; i < table->file->column_count; i++) {
        if (table->columns[i] == column || text_equal(table->columns[i]->name, column->name))
            return false;
    }
    return true;
}

static Text
header_name(const MergeTable *table, HeaderColumn column)
{
    return table->block->manifest.dialect.header_names[column];
}

static bool
has_header(const MergeTable *table, HeaderColumn column)
{
    const CsvDialect *dialect = &table->block->manifest.dialect;

    for (size_t i = 0; i < dialect->header_count; i++) {
        if (dialect->header[i] == column)
            return true;
    }
    return false;
}

static void
put_headers(Builder *builder)
{
    static const struct {
        HeaderColumn column;
        const char *name;
    } headers[] = {
        {HEADER_OPCODE, "OPCODE"},
        {HEADER_SEQNO, "SEQNO"},
        {HEADER_ROW_ID, "ROW_ID"},
        {HEADER_TIMESTAMP, "TIMESTAMP"},
    };

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        if (has_header(builder->table, headers[i].column))
            put_name(builder, headers[i].name, header_name(builder->table, headers[i].column));
    }
}

/* Has an audit table the column? Only marked lines have something in it, and apply/plan.h asks for
 * it where there are any. */
static bool
base_keeps_unchanged(const MergeTable *table)
{
    return target_table_column(table->base, header_name(table, HEADER_UNCHANGED),
               table->dialect->fold_names) != NULL;
}

/* HEADER_COLUMNS and STAGE_COLUMNS */
static void
put_file_columns(Builder *builder)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf raw = BUF_INIT;
    const MergeTable *table = builder->table;
    const CsvDialect *dialect = &table->block->manifest.dialect;

    for (size_t i = 0; i < dialect->header_count; i++)
        if (dialect->header[i] != HEADER_UNCHANGED || base_keeps_unchanged(table))
            list_add(builder, header_name(table, dialect->header[i]), &sql, &raw);
    put_list(builder, "HEADER_COLUMNS", &sql, &raw);
    sql.len = raw.len = 0;
    for (size_t i = 0; i < dialect->header_count; i++)
        list_add(builder, header_name(table, dialect->header[i]), &sql, &raw);
    for (size_t i = 0; i < table->file->column_count; i++)
        list_add(builder, table->columns[i]->name, &sql, &raw);
    put_list(builder, "STAGE_COLUMNS", &sql, &raw);
}

static void
put_load(Builder *builder)
{
    CLEANUP(buf_clear) Buf list = BUF_INIT;
    CLEANUP(buf_clear) Buf set = BUF_INIT;
    const MergeTable *table = builder->table;
    const CsvDialect *dialect = &table->block->manifest.dialect;
    size_t count = table->file->column_count;
    Text *header = ARENA_ARRAY(builder->arena, Text, dialect->header_count + 1);
    LogicalType *logical = ARENA_ARRAY(builder->arena, LogicalType, count + 1);

    for (size_t i = 0; i < dialect->header_count; i++)
        header[i] = header_name(table, dialect->header[i]);
    for (size_t i = 0; i < count; i++)
        logical[i] = table->file->columns[i].logical;
    builder->dialect->load_columns(
        header, dialect->header_count, table->columns, logical, count, &list, &set);
    put_plain(builder, "LOAD_COLUMNS", &list);
    put_plain(builder, "LOAD_SET", &set);
}

static void
put_base_columns(Builder *builder)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf raw = BUF_INIT;
    const MergeTable *table = builder->table;

    for (size_t i = 0; i < table->file->column_count; i++) {
        if (is_written(table, i))
            list_add(builder, table->columns[i]->name, &sql, &raw);
    }
    put_list(builder, "BASE_COLUMNS", &sql, &raw);
}

/* "col = from.col"; col with its alias where the target's UPDATE wants that. */
static void
set_add(const Builder *builder, const char *to, const char *from, Text name, Buf *sql)
{
    if (sql->len > 0)
        buf_add_string(sql, ", ");
    if (builder->dialect->qualified_set)
        buf_addf(sql, "%s.", to);
    sql_add_identifier(builder->dialect, name, sql);
    buf_addf(sql, " = %s.", from);
    sql_add_identifier(builder->dialect, name, sql);
}

static void
put_set_columns(Builder *builder)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const MergeTable *table = builder->table;

    for (size_t i = 0; i < table->file->column_count; i++) {
        if (is_value(table, i))
            set_add(builder, "base", "stage", table->columns[i]->name, &sql);
    }
    builder->params->has_values = sql.len > 0;
    put_list(builder, "SET_COLUMNS", &sql, &sql);
}

static void
put_kept(Builder *builder)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf raw = BUF_INIT;
    CLEANUP(buf_clear) Buf set = BUF_INIT;
    const MergeTable *table = builder->table;

    for (size_t i = 0; i < table->base->column_count; i++) {
        Text name = table->base->columns[i].name;

        if (!is_kept(table, i))
            continue;
        list_add(builder, name, &sql, &raw);
        set_add(builder, "stage", "base", name, &set);
    }
    builder->params->has_kept = sql.len > 0;
    put_list(builder, "KEPT_COLUMNS", &sql, &raw);
    put_list(builder, "KEPT_SET", &set, &set);
}

/* UNCHANGED, UNCHANGED_SET and UNCHANGED_ROWS */
static void
put_unchanged(Builder *builder)
{
    CLEANUP(buf_clear) Buf set = BUF_INIT;
    CLEANUP(buf_clear) Buf marks = BUF_INIT;
    const MergeTable *table = builder->table;
    const SqlDialect *dialect = builder->dialect;

    if (table->origins == 0)
        return;
    builder->params->has_unchanged = true;
    builder->params->again = table->again;
    put_name(builder, "UNCHANGED", header_name(table, HEADER_UNCHANGED));
    put_number(builder, "UNCHANGED_ROWS", table->origins);
    buf_add_string(&marks, "stage.");
    sql_add_identifier(dialect, header_name(table, HEADER_UNCHANGED), &marks);
    for (size_t i = 0; i < table->file->unchanged_count; i++) {
        size_t index = table->file->unchanged[i];
        CLEANUP(buf_clear) Buf name = BUF_INIT;

        sql_add_identifier(dialect, table->columns[index]->name, &name);
        buf_addf(&set, "%s%s%s = CASE WHEN %s LIKE '%%,%zu,%%' THEN base.%s ELSE stage.%s END",
            i > 0 ? ", " : "", dialect->qualified_set ? "stage." : "", name.data, marks.data,
            index + 1, name.data, name.data);
    }
    put_list(builder, "UNCHANGED_SET", &set, &set);
}

/* ---- the key ---- */

static const TargetColumn *
key_column(const MergeTable *table, size_t index)
{
    return table->columns[table->key[index]];
}

static void
put_key_list(Builder *builder)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf raw = BUF_INIT;

    for (size_t i = 0; i < builder->table->key_count; i++)
        list_add(builder, key_column(builder->table, i)->name, &sql, &raw);
    put_list(builder, "PKEY", &sql, &raw);
}

/* table.key, or (table.a, table.b), which compares as a whole. */
static void
put_key_of_table(Builder *builder, const char *name, Text owner)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf raw = BUF_INIT;
    size_t count = builder->table->key_count;

    for (size_t i = 0; i < count; i++) {
        Text column = key_column(builder->table, i)->name;
        const char *before = i > 0 ? ", " : count > 1 ? "(" : "";

        buf_add_string(&sql, before);
        sql_add_identifier(builder->dialect, owner, &sql);
        buf_add_char(&sql, '.');
        sql_add_identifier(builder->dialect, column, &sql);
        buf_addf(&raw, "%s" TEXT_FMT "." TEXT_FMT, before, TEXT_ARG(owner), TEXT_ARG(column));
    }
    if (count > 1) {
        buf_add_char(&sql, ')');
        buf_add_char(&raw, ')');
    }
    put_list(builder, name, &sql, &raw);
}

static void
add_group(const Builder *builder, Buf *group)
{
    for (size_t i = 0; i < builder->table->key_count; i++) {
        if (i > 0)
            buf_add_string(group, ", ");
        builder->dialect->key_group(key_column(builder->table, i), "stage", group);
    }
}

/* The outer SELECT makes MySQL accept it in a statement that changes the staging table. */
static void
add_last(const Builder *builder, const Buf *group, Buf *last)
{
    const MergeTable *table = builder->table;
    CLEANUP(buf_clear) Buf row_id = BUF_INIT;

    if (table->stage_is_compact) {
        buf_add_string(last, "1 = 1");
        return;
    }
    sql_add_identifier(builder->dialect, header_name(table, HEADER_ROW_ID), &row_id);
    buf_addf(last, "stage.%s IN (SELECT last_row FROM (SELECT MAX(stage.%s) AS last_row FROM ",
        row_id.data, row_id.data);
    sql_add_table(builder->dialect, table->stage_schema, table->stage_name, last);
    buf_add_string(last, " AS stage GROUP BY ");
    buf_add_text(last, buf_text(group));
    buf_add_string(last, ") AS last_rows)");
}

static void
put_key(Builder *builder)
{
    CLEANUP(buf_clear) Buf join = BUF_INIT;
    CLEANUP(buf_clear) Buf origin = BUF_INIT;
    CLEANUP(buf_clear) Buf group = BUF_INIT;
    CLEANUP(buf_clear) Buf last = BUF_INIT;
    const MergeTable *table = builder->table;

    if (table->key_count == 0)
        return;
    put_key_list(builder);
    put_key_of_table(builder, "BASE_PKEY", table->base->name);
    put_key_of_table(builder, "STAGE_PKEY", table->stage_name);
    for (size_t i = 0; i < table->key_count; i++) {
        if (i > 0) {
            buf_add_string(&join, " AND ");
            buf_add_string(&origin, " AND ");
        }
        builder->dialect->key_equals(key_column(table, i), "base", "stage", &join);
        builder->dialect->key_equals(key_column(table, i), "base", "origin", &origin);
    }
    put_plain(builder, "PKEY_JOIN", &join);
    if (table->origins > 0)
        put_plain(builder, "ORIGIN_JOIN", &origin);
    add_group(builder, &group);
    put_plain(builder, "PKEY_GROUP", &group);
    if (!table->stage_is_compact && !has_header(table, HEADER_ROW_ID))
        return;
    add_last(builder, &group, &last);
    put_plain(builder, "STAGE_LAST", &last);
}

/* ---- all of it ---- */

static void
put_block(Builder *builder)
{
    const Block *block = builder->table->block;

    if (builder->table->block_path != NULL)
        put_string(builder, "BLOCK_DIR", text_of(builder->table->block_path));
    put_number(builder, "FIRST_SEQNO", block->manifest.first_seqno);
    put_number(builder, "LAST_SEQNO", block->manifest.last_seqno);
}

static void
put_tables(Builder *builder)
{
    const MergeTable *table = builder->table;

    put_table(builder, "BASE_TABLE", table->base->schema, table->base->name);
    put_table(builder, "BASE_TABLE_FQN", table->base->schema, table->base->name);
    put_name(builder, "BASE_SCHEMA", table->base->schema);
    put_table(builder, "STAGE_TABLE_FQN", table->stage_schema, table->stage_name);
    put_name(builder, "STAGE_SCHEMA", table->stage_schema);
    put_name(builder, "STAGE_TABLE", table->stage_name);
    put_number(builder, "GENERATION", table->file->generation);
    put_headers(builder);
}

static void
put_truncate(Builder *builder)
{
    const BlockFile *file = builder->table->file;
    char text[TIME_TEXT_SIZE];

    if (!file->truncate)
        return;
    put_number(builder, "TRUNCATE_SEQNO", file->truncate_seqno);
    if (file->truncate_time_us == TIME_UNKNOWN)
        put(builder, "TRUNCATE_TIMESTAMP", TEXT("NULL"), TEXT(""));
    else
        put_string(builder, "TRUNCATE_TIMESTAMP", clock_format(file->truncate_time_us, text));
}

MergeParams *
merge_params_new(const MergeTable *table, Arena *arena)
{
    Builder builder = {ARENA_NEW(arena, MergeParams), table, table->dialect, arena};
    size_t count = 0;

    while (script_parameters[count].name != NULL)
        count++;
    builder.params->values = ARENA_ARRAY(arena, ParamValue, count);
    builder.params->keeps_deletes = table->keeps_deletes;
    builder.params->is_partition = table->is_partition;
    put_string(&builder, "SERVICE", text_of(table->service));
    if (table->block == NULL)
        return builder.params;
    put_block(&builder);
    if (table->file == NULL)
        return builder.params;
    put_tables(&builder);
    put_truncate(&builder);
    /* a TRUNCATE with no row after it */
    if (table->file->name.data == NULL)
        return builder.params;
    if (table->csv_path != NULL)
        put_string(&builder, "CSV_FILE", text_of(table->csv_path));
    put_string(&builder, "CSV_NULL", table->block->manifest.dialect.null_word);
    put_number(&builder, "CSV_ROWS", table->rows);
    put_file_columns(&builder);
    put_load(&builder);
    put_base_columns(&builder);
    put_set_columns(&builder);
    put_kept(&builder);
    put_unchanged(&builder);
    put_key(&builder);
    return builder.params;
}

const ParamValue *
merge_params_get(const MergeParams *params, Text name)
{
    for (size_t i = 0; script_parameters[i].name != NULL; i++) {
        if (text_is(name, script_parameters[i].name))
            return params->values[i].raw.data == NULL ? NULL : &params->values[i];
    }
    return NULL;
}

bool
merge_params_allow(const MergeParams *params, ScriptCondition condition)
{
    switch (condition) {
    case CONDITION_NONE:
        return true;
    case CONDITION_KEPT:
        return params->has_kept;
    case CONDITION_VALUES:
        return params->has_values;
    case CONDITION_UNCHANGED:
        return params->has_unchanged;
    case CONDITION_DELETES:
        return params->keeps_deletes;
    case CONDITION_NO_DELETES:
        return !params->keeps_deletes;
    case CONDITION_AGAIN:
        return params->has_unchanged && params->again;
    }
    return true;
}

bool
merge_params_in_partition(const MergeParams *params)
{
    return params->is_partition;
}
