#include "source/mysql/log_query.h"

#include <ctype.h>

#include "source/binlog/charset.h"

#define KEPT_MEMORY ((size_t)1 << 16)
/* EXECUTE_LOAD_QUERY's post-header: QUERY's 13 bytes, then which file and where its name stands */
#define LOAD_HEADER 26

void
log_query_clear(LogQuery *query)
{
    statement_clear(&query->statement);
    buf_clear(&query->unpacked);
    buf_clear(&query->converted);
    *query = (LogQuery){.sql = TEXT_NONE};
}

static bool
is_ascii(Text text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return true;
}

/* Names in the statement are compared with those of the catalogue, which are UTF-8. */
static Text
in_utf8(LogQuery *query, const BinlogQuery *read)
{
    const BinlogCharset *charset =
        read->charset == 0 ? NULL : binlog_charset_of_collation(read->charset);
    Error err;

    buf_reset(&query->converted, KEPT_MEMORY);
    if (is_ascii(read->statement) || charset == NULL || binlog_charset_is_utf8(charset) ||
        !binlog_charset_convert(charset, read->statement, &query->converted, &err))
        return read->statement;
    return buf_text(&query->converted);
}

static void
fold(Buf *name)
{
    for (size_t i = 0; i < name->len; i++)
        name->data[i] = (char)tolower((unsigned char)name->data[i]);
}

/* LOAD DATA INFILE as a statement: its schema is all that is wanted. */
static bool
read_load(LogQuery *query, const BinlogEvent *event, Error *err)
{
    const unsigned char *body = (const unsigned char *)event->body.data;
    size_t schema_at;

    if (event->body.len < LOAD_HEADER)
        return error_set(
            err, ERR_SOURCE, "an EXECUTE_LOAD_QUERY event of %zu bytes", event->body.len);
    schema_at = LOAD_HEADER + body[11] + ((size_t)body[12] << 8);
    if (schema_at + body[8] + 1 > event->body.len)
        return error_set(err, ERR_SOURCE, "an EXECUTE_LOAD_QUERY event ends before its statement");
    query->database = (Text){event->body.data + schema_at, body[8]};
    query->sql =
        (Text){query->database.data + body[8] + 1, event->body.len - schema_at - body[8] - 1};
    statement_clear(&query->statement);
    statement_read(query->sql, false, &query->statement);
    query->statement.kind = STATEMENT_ROWS;
    return true;
}

bool
log_query_read(LogQuery *query, const BinlogFormat *format, const BinlogEvent *event,
    bool fold_names, Error *err)
{
    BinlogQuery read;

    if (event->type == BINLOG_EXECUTE_LOAD_QUERY)
        return read_load(query, event, err);
    buf_reset(&query->unpacked, KEPT_MEMORY);
    if (!binlog_read_query(format, event, &query->unpacked, &read, err))
        return false;
    query->database = read.schema;
    query->sql = in_utf8(query, &read);
    statement_clear(&query->statement);
    statement_read(query->sql, read.ansi_quotes, &query->statement);
    if (fold_names) {
        fold(&query->statement.schema);
        fold(&query->statement.table);
    }
    return true;
}

Text
log_query_schema(const LogQuery *query)
{
    return query->statement.schema.len > 0 ? buf_text(&query->statement.schema) : query->database;
}

/* "mysql.*" of a glob over schema.table: its first part; TEXT_NONE where it has none. */
static Text
schema_glob(const char *glob)
{
    Text text = text_of(glob);
    size_t dot = text_find(text, '.');

    return dot == text.len ? TEXT_NONE : (Text){text.data, dot};
}

static bool
has_wildcard(Text glob)
{
    for (size_t i = 0; i < glob.len; i++)
        if (strchr("*?[\\", glob.data[i]) != NULL)
            return true;
    return false;
}

/* Could this statement, run in this database, change rows of a table that the glob matches? */
static bool
may_be_about(const LogQuery *query, const char *glob)
{
    CLEANUP(buf_clear) Buf pattern = BUF_INIT;
    Text schema = schema_glob(glob);

    if (schema.data == NULL)
        return true;
    buf_add_text(&pattern, schema);
    if (query->database.len > 0 && text_glob(query->database, pattern.data))
        return true;
    /* a schema that is not the session's must be named, with a dot behind it */
    if (text_find(query->sql, '.') == query->sql.len)
        return false;
    return has_wildcard(schema) || statement_mentions(query->sql, schema);
}

bool
log_query_concerns(const LogQuery *query, const MysqlSourceOptions *options)
{
    const Statement *statement = &query->statement;

    if (statement->kind != STATEMENT_ROWS && statement->table.len > 0 &&
        log_query_schema(query).len > 0)
        return source_mysql_carries(options, log_query_schema(query), buf_text(&statement->table));
    /* what a function does, none of its words says */
    if (options->tables.count == 0 || *options->tables.items[0] == '!' ||
        text_starts_with(buf_text(&statement->words), "SELECT") ||
        text_starts_with(buf_text(&statement->words), "select"))
        return true;
    for (size_t i = 0; i < options->tables.count; i++)
        if (*options->tables.items[i] != '!' && may_be_about(query, options->tables.items[i]))
            return true;
    return false;
}
