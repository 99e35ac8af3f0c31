#include "source/postgres_problem.h"

static void
begin_reason(Buf *problem, size_t start)
{
    if (problem->len > start)
        buf_add_string(problem, "; ");
}

static void
add_name(Buf *out, const PostgresTable *table)
{
    postgres_add_identifier(out, table->base.schema);
    buf_add_char(out, '.');
    postgres_add_identifier(out, table->base.name);
}

bool
postgres_problem_is_refusal(const PostgresTable *table)
{
    return table->base.identity == IDENTITY_NOTHING && table->kind != 'f' &&
           table->persistence == 'p';
}

/* A table that cannot be in a publication at all. */
static bool
add_kind(const PostgresTable *table, Buf *problem)
{
    if (table->kind == 'f') {
        buf_add_string(problem, "it is a foreign table, whose changes are not in this server's "
                                "WAL: publish it on the server where its rows are");
        return true;
    }
    if (table->persistence == 't') {
        buf_add_string(problem, "it is a temporary table, which no publication can have");
        return true;
    }
    if (table->persistence == 'u') {
        buf_add_string(problem,
            "it is unlogged: its changes are not in the WAL and do not arrive; ALTER TABLE ");
        add_name(problem, table);
        buf_add_string(problem, " SET LOGGED");
        return true;
    }
    return false;
}

static void
add_no_identity(const PostgresTable *table, Buf *problem)
{
    if (table->has_deferrable_key && table->replica_identity == 'd')
        buf_add_string(problem, "its primary key is deferrable, which cannot tell rows apart for "
                                "replication");
    else if (table->replica_identity == 'd')
        buf_add_string(problem, "it has no primary key, and its replica identity is the default");
    else if (table->replica_identity == 'i')
        buf_add_string(problem, "the index of its replica identity is not there any more");
    else
        buf_add_string(problem, "its replica identity is NOTHING");
    buf_add_string(problem,
        ": the server refuses UPDATE and DELETE of it as long as it is published; ALTER TABLE ");
    add_name(problem, table);
    if (table->replica_identity != 'd' && table->base.key_count > 0)
        buf_add_string(problem, " REPLICA IDENTITY DEFAULT");
    else if (table->replica_identity == 'd' && !table->has_deferrable_key)
        buf_add_string(problem, " ADD PRIMARY KEY (…), or REPLICA IDENTITY FULL");
    else
        buf_add_string(problem, " REPLICA IDENTITY FULL");
}

static void
add_identity(const PostgresTable *table, Buf *problem, size_t start)
{
    if (table->base.identity == IDENTITY_NOTHING) {
        begin_reason(problem, start);
        add_no_identity(table, problem);
    }
    if (table->generated_key.data != NULL) {
        begin_reason(problem, start);
        buf_addf(problem,
            "column " TEXT_FMT " of its replica identity is generated, and generated columns are "
            "not sent: updates and deletes cannot be told; ALTER TABLE ",
            TEXT_ARG(table->generated_key));
        add_name(problem, table);
        buf_add_string(problem, " REPLICA IDENTITY USING INDEX … of other columns");
    }
    if (table->odd_partition.data != NULL) {
        begin_reason(problem, start);
        buf_addf(problem,
            "its partition " TEXT_FMT " has another replica identity than itself, and it is the "
            "partition's that counts; ALTER TABLE " TEXT_FMT " REPLICA IDENTITY …",
            TEXT_ARG(table->odd_partition), TEXT_ARG(table->odd_partition));
    }
}

static void
add_operations(const PostgresPublication *publication, Buf *problem, size_t start)
{
    const struct {
        const char *name;
        bool published;
    } operations[] = {
        {"INSERT", publication->publishes_insert},
        {"UPDATE", publication->publishes_update},
        {"DELETE", publication->publishes_delete},
        {"TRUNCATE", publication->publishes_truncate},
    };
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (operations[i].published)
            continue;
        if (count == 0)
            begin_reason(problem, start);
        buf_addf(problem, "%s%s", count == 0 ? "" : ", ", operations[i].name);
        count++;
    }
    if (count == 0)
        return;
    buf_add_string(problem, " of it is lost, since the publication leaves it out; ALTER "
                            "PUBLICATION ");
    postgres_add_identifier(problem, publication->name);
    buf_add_string(problem, " SET (publish = 'insert, update, delete, truncate')");
}

static void
add_parts(
    const PostgresTable *table, const PostgresPublication *publication, Buf *problem, size_t start)
{
    if (table->left_out.data != NULL) {
        begin_reason(problem, start);
        buf_addf(problem,
            "column%s " TEXT_FMT " never arrive%s, since the publication has a list of columns",
            memchr(table->left_out.data, ',', table->left_out.len) == NULL ? "" : "s",
            TEXT_ARG(table->left_out),
            memchr(table->left_out.data, ',', table->left_out.len) == NULL ? "s" : "");
        if (table->identity_left_out)
            buf_add_string(problem, " which lacks a column of the replica identity: the server "
                                    "refuses UPDATE and DELETE of it");
    }
    if (table->base.filter.data != NULL) {
        begin_reason(problem, start);
        buf_addf(problem,
            "only rows that fulfil " TEXT_FMT " arrive, since the publication has a row filter",
            TEXT_ARG(table->base.filter));
    }
    if (table->left_out.data == NULL && table->base.filter.data == NULL)
        return;
    buf_add_string(problem, "; ALTER PUBLICATION ");
    postgres_add_identifier(problem, publication->name);
    buf_add_string(problem, " DROP TABLE ");
    add_name(problem, table);
    buf_add_string(problem, ", then ADD TABLE ");
    add_name(problem, table);
    buf_add_string(problem, " without it");
}

void
postgres_problem_add(
    const PostgresTable *table, const PostgresPublication *publication, Buf *problem)
{
    size_t start = problem->len;

    if (add_kind(table, problem))
        return;
    add_identity(table, problem, start);
    if (!publication->exists || !table->base.is_published)
        return;
    add_operations(publication, problem, start);
    add_parts(table, publication, problem, start);
}
