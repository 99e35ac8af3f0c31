#include "target/own_table.h"

#include "base/fault.h"

static void
add_create(
    const Target *target, Text schema, const OwnTable *table, const char *const *types, Buf *sql)
{
    const SqlDialect *dialect = target->driver->sql;

    buf_add_string(sql, "CREATE TABLE IF NOT EXISTS ");
    sql_add_table(dialect, schema, text_of(table->name), sql);
    buf_add_string(sql, " (");
    for (size_t i = 0; i < table->column_count; i++) {
        sql_add_identifier(dialect, text_of(table->columns[i]), sql);
        buf_addf(sql, " %s %s, ", types[i], i < table->not_null_count ? "NOT NULL" : "NULL");
    }
    buf_add_string(sql, "PRIMARY KEY (");
    for (size_t i = 0; i < table->key_count; i++) {
        buf_add_string(sql, i == 0 ? "" : ", ");
        sql_add_identifier(dialect, text_of(table->columns[i]), sql);
    }
    buf_addf(sql, "))%s", dialect->types.table_tail);
}

bool
own_table_check(const Target *target, const OwnTable *table, const TargetTable *found, Error *err)
{
    bool fold = target->driver->sql->fold_names;

    for (size_t i = 0; i < table->column_count; i++)
        if (target_table_column(found, text_of(table->columns[i]), fold) == NULL)
            return error_set(err, ERR_TARGET,
                "table %s has no column %s: it is not %s of this version", table->name,
                table->columns[i], table->what);
    return true;
}

bool
own_table_describe(Target *target, Text schema, const OwnTable *table, Arena *arena,
    TargetTable **ret_table, Error *err)
{
    return target->driver->describe(target, schema, text_of(table->name), arena, ret_table, err);
}

/* IF NOT EXISTS loses a race against another process with an error of the catalogue: the table that
 * is there afterwards counts. */
static bool
create_table(Target *target, Text schema, const OwnTable *table, const char *const *types,
    Arena *arena, TargetTable **ret_table, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    Error failure;
    int64_t rows;
    bool created;

    add_create(target, schema, table, types, &sql);
    CRASH_POINT(table->crash_point);
    created = target->driver->execute(target, buf_text(&sql), NULL, &rows, &failure);
    if (!own_table_describe(target, schema, table, arena, ret_table, err))
        return false;
    if (*ret_table != NULL)
        return true;
    if (created)
        return error_set(err, ERR_TARGET,
            "table %s was created but is not found: check target.position_schema", table->name);
    *err = failure;
    return error_wrap(err, "create table %s", table->name);
}

bool
own_table_prepare(Target *target, Text schema, const OwnTable *table, const char *const *types,
    Arena *arena, TargetTable **ret_table, Error *err)
{
    /* asked first: whoever may not create tables can still use one that is there */
    if (!own_table_describe(target, schema, table, arena, ret_table, err))
        return false;
    return *ret_table != NULL || create_table(target, schema, table, types, arena, ret_table, err);
}
