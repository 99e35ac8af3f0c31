#include "source/postgres_reader.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/map.h"
#include "base/stop.h"
#include "source/postgres_canonical.h"
#include "source/postgres_rows.h"
#include "source/postgres_value.h"

/* Keys in one statement. */
#define KEYS_AT_ONCE 300

/* A table as this reader reads it. */
typedef struct ReaderTable {
    const PostgresTable *source;
    Table shape;
    size_t *columns; /* by index in shape.columns: the index in source->base.columns */
} ReaderTable;

struct SnapshotReader {
    PostgresConnection *connection;
    PostgresFindFn *find;
    Text published_by;
    Arena *arena;
    Map tables; /* "schema.table" with a NUL between the names -> ReaderTable */
    Value *values;
    size_t value_size;

    ReaderTable *table; /* of the chunk; NULL: none */
    SnapshotChunk chunk;
    Arena *chunk_arena; /* copies of its keys */
    size_t key_at;      /* keys that were asked for */
    bool is_copying;
    char *line; /* of libpq */
};

void
postgres_reader_close(SnapshotReader *reader)
{
    if (reader == NULL)
        return;
    PQfreemem(reader->line);
    postgres_connection_close(reader->connection);
    map_clear(&reader->tables);
    arena_free(reader->arena);
    arena_free(reader->chunk_arena);
    free(reader->values);
    free(reader);
}

/* Whatever a statement does wrong, the transaction and its view go on at the savepoint. */
static bool
enter_view(SnapshotReader *reader, const char *name, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_addf(&sql,
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s';"
        "SET LOCAL row_security = off; SAVEPOINT dray",
        name);
    return postgres_connection_query(reader->connection, buf_string(&sql), NULL, 0, NULL, err) ||
           error_wrap(err, "take snapshot %s over", name);
}

SnapshotReader *
postgres_reader_open(const PostgresReaderStart *start, Error *err)
{
    SnapshotReader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL)
        abort();
    reader->arena = arena_new();
    reader->find = start->find;
    reader->published_by = arena_text(reader->arena, start->published_by);
    reader->connection = postgres_connection_open(start->options, POSTGRES_ORDINARY, err);
    if (reader->connection != NULL && enter_view(reader, start->snapshot, err))
        return reader;
    postgres_reader_close(reader);
    return NULL;
}

/* Stop a COPY in the middle, and forget its chunk. */
static bool
give_up(SnapshotReader *reader, Error *err)
{
    char reason[256];
    PGcancel *cancel;

    reader->table = NULL;
    PQfreemem(reader->line);
    reader->line = NULL;
    if (!reader->is_copying)
        return true;
    reader->is_copying = false;
    cancel = PQgetCancel(reader->connection->pq);
    if (cancel == NULL || PQcancel(cancel, reason, sizeof(reason)) != 1) {
        PQfreeCancel(cancel);
        return postgres_connection_error(reader->connection, NULL, err);
    }
    PQfreeCancel(cancel);
    for (;;) {
        PGresult *result = NULL;
        char *line = NULL;
        int len = PQgetCopyData(reader->connection->pq, &line, 0);

        PQfreemem(line);
        if (len > 0)
            continue;
        /* the cancelled statement's error is no news */
        while ((result = PQgetResult(reader->connection->pq)) != NULL &&
               PQstatus(reader->connection->pq) == CONNECTION_OK)
            PQclear(result);
        PQclear(result);
        return PQstatus(reader->connection->pq) == CONNECTION_OK ||
               postgres_connection_error(reader->connection, NULL, err);
    }
}

/* Ready for a statement. */
static bool
begin_statement(SnapshotReader *reader, Error *err)
{
    return give_up(reader, err) && postgres_connection_query(reader->connection,
                                       "ROLLBACK TO SAVEPOINT dray", NULL, 0, NULL, err);
}

/* Keep the table as it is, and be sure that its rows are still those of the view: the view has
 * pg_class as it was, pg_relation_filenode() tells what is true now. */
static bool
lock_table(SnapshotReader *reader, const PostgresTable *table, Error *err)
{
    static const char rewritten_sql[] =
        "WITH RECURSIVE m(oid) AS (SELECT $1::oid UNION ALL SELECT i.inhrelid FROM m"
        " JOIN pg_inherits i ON i.inhparent = m.oid WHERE $2 = 'p')"
        "SELECT l.relname FROM m JOIN pg_class l ON l.oid = m.oid WHERE l.relkind = 'r'"
        " AND l.relfilenode IS DISTINCT FROM pg_relation_filenode(l.oid) LIMIT 1";
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const char *params[] = {table->oid.data, table->kind == 'p' ? "p" : "r"};

    if (table->kind == 'f')
        return true;
    buf_add_string(&sql, "LOCK TABLE ");
    postgres_rows_relation(table, &sql);
    buf_add_string(&sql, " IN ACCESS SHARE MODE; RELEASE SAVEPOINT dray; SAVEPOINT dray");
    if (!postgres_connection_query(reader->connection, buf_string(&sql), NULL, 0, NULL, err) ||
        !postgres_connection_query(reader->connection, rewritten_sql, params, 2, &result, err))
        return false;
    if (PQntuples(result) > 0)
        return error_set_retriable(err, ERR_SOURCE,
            "its rows were rewritten after the snapshot was taken (ALTER TABLE, TRUNCATE, VACUUM "
            "FULL or CLUSTER of %s), so that the snapshot does not show them all: begin again with "
            "another snapshot",
            PQgetvalue(result, 0, 0));
    return true;
}

/* The columns as the change stream tells them. */
static ReaderTable *
make_table(SnapshotReader *reader, const PostgresTable *source)
{
    ReaderTable *table = ARENA_NEW(reader->arena, ReaderTable);
    Column *columns = ARENA_ARRAY(reader->arena, Column, source->base.column_count + 1);
    size_t count = 0;

    table->source = source;
    table->columns = ARENA_ARRAY(reader->arena, size_t, source->base.column_count + 1);
    for (size_t i = 0; i < source->base.column_count; i++) {
        const SourceColumn *column = &source->base.columns[i];
        bool in_key = false;

        if (column->is_generated)
            continue;
        for (size_t j = 0; j < source->identity_count; j++)
            in_key = in_key || source->identity[j] == i;
        columns[count] =
            (Column){column->name, column->type, column->logical, in_key, column->may_omit};
        table->columns[count++] = i;
    }
    table->shape = (Table){.id = source_next_table_id(),
        .schema = source->base.schema,
        .name = source->base.name,
        .columns = columns,
        .column_count = count,
        .has_key = source->identity_count > 0};
    if (count > reader->value_size) {
        free(reader->values);
        reader->values = calloc(count, sizeof(*reader->values));
        reader->value_size = count;
        if (reader->values == NULL)
            abort();
    }
    return table;
}

/* As the view has it, and kept so; *ret_table is NULL where there is none. */
static bool
look_up(SnapshotReader *reader, Text schema, Text name, Arena *arena, PostgresTable **ret_table,
    Error *err)
{
    if (!begin_statement(reader, err) || !reader->find(reader->connection, reader->published_by,
                                             schema, name, arena, ret_table, err))
        return false;
    return *ret_table == NULL || lock_table(reader, *ret_table, err) ||
           error_wrap(err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(name));
}

bool
postgres_reader_describe(SnapshotReader *reader, Text schema, Text name, Arena *arena,
    SourceTable **ret_table, Error *err)
{
    PostgresTable *table = NULL;

    if (!look_up(reader, schema, name, arena, &table, err))
        return false;
    *ret_table = table == NULL ? NULL : &table->base;
    return true;
}

static bool
find_table(SnapshotReader *reader, Text schema, Text name, ReaderTable **ret_table, Error *err)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    PostgresTable *source = NULL;

    buf_add_text(&key, schema);
    buf_add_char(&key, '\0');
    buf_add_text(&key, name);
    *ret_table = map_get(&reader->tables, buf_text(&key));
    if (*ret_table != NULL)
        return true;
    if (!look_up(reader, schema, name, reader->arena, &source, err))
        return false;
    if (source == NULL)
        return error_set(err, ERR_SOURCE,
            "table " TEXT_FMT "." TEXT_FMT " is not there in the snapshot", TEXT_ARG(schema),
            TEXT_ARG(name));
    *ret_table = make_table(reader, source);
    (void)map_put(&reader->tables, buf_text(&key), *ret_table);
    return true;
}

static bool
send_copy(SnapshotReader *reader, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    size_t left = reader->chunk.key_total - reader->key_at;
    size_t count = MIN(left, (size_t)KEYS_AT_ONCE);

    postgres_rows_statement(reader->table->source, &reader->chunk, reader->key_at, count, &sql);
    reader->key_at += count;
    if (!postgres_connection_query(reader->connection, buf_string(&sql), NULL, 0, &result, err))
        return false;
    if (PQresultStatus(result) != PGRES_COPY_OUT)
        return error_set(err, ERR_SOURCE, "the server does not copy rows out");
    reader->is_copying = true;
    return true;
}

/* Of reader->table. */
static bool
keep_chunk(SnapshotReader *reader, const SnapshotChunk *chunk, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();

    if (!snapshot_chunk_copy(chunk, &reader->table->source->base, arena, &reader->chunk, err))
        return false;
    arena_free(reader->chunk_arena);
    reader->chunk_arena = STEAL(arena);
    reader->key_at = 0;
    return true;
}

bool
postgres_reader_read(SnapshotReader *reader, const SnapshotChunk *chunk, Error *err)
{
    const SourceTable *wanted = chunk->table;
    ReaderTable *table;

    /* what the table is must be known before its rows are begun */
    if (!find_table(reader, wanted->schema, wanted->name, &table, err))
        return false;
    if (!begin_statement(reader, err))
        return false;
    reader->table = table;
    if (!keep_chunk(reader, chunk, err)) {
        reader->table = NULL;
        return false;
    }
    if ((chunk->keys == NULL || chunk->key_total > 0) && !send_copy(reader, err)) {
        reader->table = NULL;
        return error_wrap(err, "read table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(wanted->schema),
            TEXT_ARG(wanted->name));
    }
    /* it was needed for the statement only, and may be gone soon */
    reader->chunk.after = NULL;
    return true;
}

/* One line of the COPY into reader->line; NEXT_END after the last one. */
static Next
take_line(SnapshotReader *reader, size_t *ret_len, Error *err)
{
    PGresult *result = NULL;
    int len;

    PQfreemem(reader->line);
    reader->line = NULL;
    if (FAULT("source.postgres.copy")) {
        (void)postgres_connection_lose(reader->connection, err);
        return NEXT_FAILED;
    }
    while ((len = PQgetCopyData(reader->connection->pq, &reader->line, 1)) == 0) {
        if (stop_level() >= STOP_NOW) {
            (void)error_set(err, ERR_STOPPED, "stopped while reading rows");
            return NEXT_FAILED;
        }
        if (!postgres_connection_wait(reader->connection, -1)) {
            (void)postgres_connection_error(reader->connection, NULL, err);
            return NEXT_FAILED;
        }
    }
    if (len > 0) {
        *ret_len = (size_t)len;
        return NEXT_ITEM;
    }
    reader->is_copying = false;
    do {
        PQclear(result);
        if (!postgres_connection_result(reader->connection, &result, err))
            return NEXT_FAILED;
    } while (result != NULL);
    return NEXT_END;
}

static bool
decode_line(SnapshotReader *reader, size_t len, Error *err)
{
    const ReaderTable *table = reader->table;

    if (!postgres_rows_split(reader->line, len, reader->values, table->shape.column_count))
        return error_set(err, ERR_DATA, "the server sent a row of another number of columns");
    for (size_t i = 0; i < table->shape.column_count; i++)
        if (!postgres_value_canonical(table->shape.columns[i].logical, &reader->values[i], err))
            return error_wrap(err, "column " TEXT_FMT, TEXT_ARG(table->shape.columns[i].name));
    return true;
}

static Next
next_row(SnapshotReader *reader, Change *ret_change, Error *err)
{
    size_t len = 0;
    Next next = NEXT_END;

    for (;;) {
        if (reader->is_copying)
            next = take_line(reader, &len, err);
        if (next != NEXT_END || reader->key_at >= reader->chunk.key_total)
            break;
        if (!send_copy(reader, err))
            return NEXT_FAILED;
    }
    if (next != NEXT_ITEM)
        return next;
    if (!decode_line(reader, len, err))
        return NEXT_FAILED;
    *ret_change =
        (Change){.kind = CHANGE_INSERT, .table = &reader->table->shape, .after = reader->values};
    return NEXT_ITEM;
}

Next
postgres_reader_next(SnapshotReader *reader, Change *ret_change, Error *err)
{
    Next next;

    if (reader->table == NULL)
        return NEXT_END;
    next = next_row(reader, ret_change, err);
    if (next == NEXT_FAILED)
        (void)error_wrap(err, "read table " TEXT_FMT "." TEXT_FMT,
            TEXT_ARG(reader->table->shape.schema), TEXT_ARG(reader->table->shape.name));
    if (next != NEXT_ITEM && !reader->is_copying)
        reader->table = NULL;
    return next;
}

static bool
give_row(const PGresult *result, SnapshotRowFn *row, void *context, Error *err)
{
    size_t count = (size_t)PQnfields(result);
    Value *values = calloc(count + 1, sizeof(*values));
    bool ok;

    if (values == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        if (PQgetisnull(result, 0, (int)i) == 0)
            values[i] = (Value){VALUE_TEXT, postgres_result_text(result, 0, (int)i)};
        else
            values[i].kind = VALUE_NULL;
    ok = row(context, values, count, err);
    free(values);
    return ok;
}

/* After a row function gave up: the rest of the rows is passed over. */
static void
drain(SnapshotReader *reader)
{
    PGresult *result = NULL;
    Error ignored;

    do {
        PQclear(result);
        result = NULL;
        if (!postgres_connection_result(reader->connection, &result, &ignored) &&
            (PQstatus(reader->connection->pq) == CONNECTION_BAD || ignored.kind == ERR_STOPPED))
            return;
    } while (result != NULL || PQisBusy(reader->connection->pq) != 0);
}

bool
postgres_reader_query(
    SnapshotReader *reader, Text sql, SnapshotRowFn *row, void *context, Error *err)
{
    char *statement;
    bool ok = true;

    if (!begin_statement(reader, err))
        return false;
    statement = text_dup(sql);
    if (PQsendQuery(reader->connection->pq, statement) != 1)
        ok = postgres_connection_error(reader->connection, NULL, err);
    free(statement);
    if (ok)
        (void)PQsetSingleRowMode(reader->connection->pq);
    while (ok) {
        CLEANUP(postgres_result_free) PGresult *result = NULL;

        ok = postgres_connection_result(reader->connection, &result, err);
        if (ok && result == NULL)
            return true;
        if (ok && PQresultStatus(result) == PGRES_SINGLE_TUPLE)
            ok = give_row(result, row, context, err);
    }
    if (PQstatus(reader->connection->pq) == CONNECTION_OK && err->kind != ERR_STOPPED)
        drain(reader);
    return false;
}

void
postgres_reader_canonical(const SourceColumn *column, Canonical form, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    postgres_add_identifier(&name, column->name);
    postgres_canonical(buf_string(&name), column->type_name, column->logical, form, sql);
}
