#include "source/mysql/problem.h"

static void
begin_reason(Buf *problem)
{
    if (problem->len > 0)
        buf_add_string(problem, "; ");
}

static void
add_table(Buf *out, const MysqlTable *table)
{
    source_mysql_add_name(out, table->base.schema);
    buf_add_char(out, '.');
    source_mysql_add_name(out, table->base.name);
}

static void
add_engine(const MysqlTable *table, Buf *problem)
{
    if (table->is_transactional)
        return;
    begin_reason(problem);
    buf_addf(problem,
        "its engine " TEXT_FMT
        " has no transactions and no consistent views: changes are carried, but dray bootstrap "
        "and dray verify cannot read it; ALTER TABLE ",
        TEXT_ARG(table->engine.data == NULL ? TEXT("(none)") : table->engine));
    add_table(problem, table);
    buf_add_string(problem, " ENGINE=InnoDB");
}

static void
add_versions(const MysqlTable *table, Buf *problem)
{
    if (!table->by_transaction)
        return;
    begin_reason(problem);
    buf_add_string(problem,
        "its rows are versioned by numbers of transactions, and the server logs changes of such a "
        "table as statements, which are refused; let ROW START and ROW END be TIMESTAMP(6), or "
        "leave the table out (source: tables:)");
}

static void
add_cascade(const MysqlTable *table, bool is_mariadb, Buf *problem)
{
    if (!table->has_cascades)
        return;
    begin_reason(problem);
    buf_addf(problem,
        "foreign key " TEXT_FMT
        " changes or deletes its rows when the parent's do (CASCADE, SET NULL), and what InnoDB "
        "does there is not in the log: these changes are lost; make the key RESTRICT and do it in "
        "statements or triggers, or run dray verify --repair after such changes%s",
        TEXT_ARG(table->cascade),
        is_mariadb ? "" : "; MySQL 9.6 and later log them (innodb_native_foreign_keys = OFF)");
}

static void
add_key(const MysqlTable *table, Buf *problem)
{
    const SourceTable *base = &table->base;

    if (table->generated_key.data != NULL) {
        begin_reason(problem);
        buf_addf(problem,
            "column " TEXT_FMT
            " of its key is generated, and values of generated columns are not carried: rows are "
            "found by all of their columns, and under binlog_row_image = MINIMAL not at all; a "
            "rule in tables: must name another key",
            TEXT_ARG(table->generated_key));
    }
    if (table->key_has_prefix) {
        begin_reason(problem);
        buf_add_string(problem,
            "its primary key indexes only the beginning of a column: rows are found by the whole "
            "value, and reading it in pieces for dray bootstrap may be slow");
    }
    for (size_t i = 0; i < base->key_count; i++) {
        const SourceColumn *column = &base->columns[base->key[i]];

        if (column->logical != LOGICAL_FLOAT)
            continue;
        begin_reason(problem);
        buf_addf(problem,
            "column " TEXT_FMT " of its key is " TEXT_FMT
            ", which other databases may round: a row that is not found there again is doubled; "
            "make it DECIMAL, or give the table another primary key",
            TEXT_ARG(column->name), TEXT_ARG(column->type));
    }
}

/* A character set that this program does not know would come as bytes. */
static void
add_charsets(const MysqlTable *table, Buf *problem)
{
    for (size_t i = 0; i < table->base.column_count; i++) {
        const BinlogColumn *column = &table->types[i].column;

        if (table->base.columns[i].is_generated || table->types[i].charset != NULL ||
            column->collation == 0 || column->collation == BINLOG_COLLATION_BINARY)
            continue;
        begin_reason(problem);
        buf_addf(problem,
            "column " TEXT_FMT
            " has collation number %u, whose character set cannot be made UTF-8: the service stops "
            "at its rows; convert the column to utf8mb4",
            TEXT_ARG(table->base.columns[i].name), column->collation);
    }
}

void
source_mysql_problem_set(MysqlTable *table, bool is_mariadb, Arena *arena)
{
    CLEANUP(buf_clear) Buf problem = BUF_INIT;

    add_engine(table, &problem);
    add_versions(table, &problem);
    add_cascade(table, is_mariadb, &problem);
    add_key(table, &problem);
    add_charsets(table, &problem);
    table->base.problem = problem.len == 0 ? TEXT_NONE : arena_text(arena, buf_text(&problem));
}
