#include "source/mysql/lookahead.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/stop.h"
#include "source/mysql/log_query.h"
#include "source/mysql/place.h"
#include "source/mysql/server.h"
#include "source/mysql/stream.h"

#define WAIT_MS 1000
/* Behind a first request to stop a stream does not wait any more. */
#define STOPPING_WAIT_MS 20

typedef struct Known {
    char *sql;
    char *database; /* the session's */
    bool has_table; /* it names a table, and is not about a whole database */
    bool alters;    /* ALTER TABLE */
    char *file;
    uint64_t offset;
    size_t sql_len;
} Known;

/* What is read lies between begin and end; statements before the stream's place are forgotten. */
struct MysqlLookahead {
    const SourceStart *start;
    Known *known;
    size_t count;
    size_t size;
    bool has_read;
    Buf begin_file;
    uint64_t begin_offset;
    LogPlace end;
    LogQuery query;
};

MysqlLookahead *
source_mysql_lookahead_new(const SourceStart *start)
{
    MysqlLookahead *lookahead = calloc(1, sizeof(*lookahead));

    if (lookahead == NULL)
        abort();
    lookahead->start = start;
    return lookahead;
}

static void
forget(MysqlLookahead *lookahead, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(lookahead->known[i].sql);
        free(lookahead->known[i].database);
        free(lookahead->known[i].file);
    }
    if (count > 0)
        memmove(lookahead->known, lookahead->known + count,
            (lookahead->count - count) * sizeof(*lookahead->known));
    lookahead->count -= count;
}

void
source_mysql_lookahead_free(MysqlLookahead *lookahead)
{
    if (lookahead == NULL)
        return;
    forget(lookahead, lookahead->count);
    free(lookahead->known);
    buf_clear(&lookahead->begin_file);
    log_place_clear(&lookahead->end);
    log_query_clear(&lookahead->query);
    free(lookahead);
}

/* ---- places ---- */

/* The number behind the name's last dot. */
static uint64_t
file_number(Text file)
{
    const char *dot = file.len == 0 ? NULL : memrchr(file.data, '.', file.len);
    uint64_t number = 0;

    if (dot == NULL ||
        !text_to_u64((Text){dot + 1, (size_t)(file.data + file.len - dot - 1)}, &number))
        return 0;
    return number;
}

static bool
is_before(Text file, uint64_t offset, Text other_file, uint64_t other_offset)
{
    uint64_t number = file_number(file);
    uint64_t other = file_number(other_file);

    return number != other ? number < other : offset < other_offset;
}

/* ---- reading ---- */

static Text
first_word(Text words)
{
    return (Text){words.data, text_find(words, ' ')};
}

static void
remember(MysqlLookahead *lookahead, uint64_t offset)
{
    const LogQuery *query = &lookahead->query;
    Known known = {
        .sql = text_dup(query->sql),
        .sql_len = query->sql.len,
        .database = text_dup(query->database),
        .has_table = query->statement.table.len > 0,
        .alters = text_equal_nocase(first_word(buf_text(&query->statement.words)), TEXT("ALTER")),
        .file = text_dup(buf_text(&lookahead->end.file)),
        .offset = offset,
    };

    if (lookahead->count == lookahead->size) {
        lookahead->size = MAX(lookahead->size * 2, (size_t)16);
        lookahead->known = realloc(lookahead->known, lookahead->size * sizeof(*lookahead->known));
        if (lookahead->known == NULL)
            abort();
    }
    lookahead->known[lookahead->count++] = known;
}

static bool
take_event(MysqlLookahead *lookahead, Text bytes, Error *err)
{
    BinlogEvent event;
    LogStep step;

    if (!binlog_event_read(&lookahead->end.format, bytes, &event, err) ||
        !log_place_take(&lookahead->end, &event, &step, err))
        return false;
    if (event.type != BINLOG_QUERY && event.type != BINLOG_QUERY_COMPRESSED)
        return true;
    if (!log_query_read(&lookahead->query, &lookahead->end.format, &event, false, err))
        return false;
    if (lookahead->query.statement.kind == STATEMENT_DDL ||
        lookahead->query.statement.kind == STATEMENT_DDL_ROWS)
        remember(lookahead, step.start);
    return true;
}

/* Up to a place that was the log's end when it was asked for: of a busy server the end runs away.
 */
static bool
read_to(MysqlLookahead *lookahead, MysqlStream *stream, Text file, uint64_t offset, Error *err)
{
    while (is_before(buf_text(&lookahead->end.file), lookahead->end.offset, file, offset)) {
        Text bytes;
        Next next = source_mysql_stream_next(stream, WAIT_MS, &bytes, err);

        if (next == NEXT_FAILED || (next == NEXT_ITEM && !take_event(lookahead, bytes, err)))
            return false;
        if (next == NEXT_END)
            return true;
        if (stop_level() >= STOP_NOW ||
            (next == NEXT_IDLE && stop_wait(STOP_NOW, STOPPING_WAIT_MS)))
            return error_set(err, ERR_STOPPED, "stopped while the log was read ahead");
    }
    return true;
}

static bool
read_log(MysqlLookahead *lookahead, Text file, uint64_t offset, Error *err)
{
    const MysqlSourceOptions *options = lookahead->start->options;
    CLEANUP(binlog_position_free)
    BinlogPosition *position = binlog_position_new(BINLOG_POSITION_FILE);
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    MysqlStreamStart start = {
        .options = options,
        .server_id = source_mysql_server_id(lookahead->start, MYSQL_ID_LOOKAHEAD),
        .position = position,
        .until_end = true,
    };

    binlog_position_set_file(position, buf_text(&lookahead->end.file), lookahead->end.offset);
    stream = source_mysql_stream_open(&start, err);
    return stream != NULL && read_to(lookahead, stream, file, offset, err);
}

/* Until everything between begin and the log's present end is read. */
static bool
read_ahead(MysqlLookahead *lookahead, Error *err)
{
    CLEANUP(source_mysql_server_close)
    MysqlServer *server = source_mysql_server_open(lookahead->start->options, err);
    CLEANUP(binlog_position_free) BinlogPosition *end = NULL;
    uint64_t offset;
    Text file;

    if (server == NULL)
        return false;
    end = source_mysql_server_file_position(server, err);
    if (end == NULL)
        return false;
    file = binlog_position_file(end, &offset);
    if (!is_before(buf_text(&lookahead->end.file), lookahead->end.offset, file, offset))
        return true;
    return read_log(lookahead, file, offset, err);
}

/* ---- looking ---- */

/* Names without a schema are of the session's database. */
static bool
names_table(const Known *known, const MysqlLookedFor *wanted)
{
    Text sql = {known->sql, known->sql_len};

    if (!known->has_table && statement_mentions(sql, wanted->schema))
        return true;
    return statement_mentions(sql, wanted->table) &&
           (text_equal_nocase(text_of(known->database), wanted->schema) ||
               statement_mentions(sql, wanted->schema));
}

/* Does it leave the columns alone that are looked for? */
static bool
leaves_columns(const Known *known, const MysqlLookedFor *wanted)
{
    static const char *const words[] = {"rename", "partition", "system"};
    Text sql = {known->sql, known->sql_len};

    if (!wanted->only_columns || !known->alters)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (statement_mentions(sql, text_of(words[i])))
            return false;
    for (size_t i = 0; i < wanted->column_count; i++)
        if (statement_mentions(sql, wanted->columns[i]))
            return false;
    return true;
}

/* Read what is not read yet; begin anew where the place is none that follows on. */
static void
move_to(MysqlLookahead *lookahead, const MysqlPlace *from)
{
    Text begin = buf_text(&lookahead->begin_file);
    size_t passed = 0;

    if (!lookahead->has_read ||
        is_before(from->file, from->offset, begin, lookahead->begin_offset) ||
        is_before(
            buf_text(&lookahead->end.file), lookahead->end.offset, from->file, from->offset)) {
        forget(lookahead, lookahead->count);
        buf_reset(&lookahead->end.file, SIZE_MAX);
        buf_add_text(&lookahead->end.file, from->file);
        lookahead->end.offset = from->offset;
        lookahead->has_read = true;
    }
    while (
        passed < lookahead->count && is_before(text_of(lookahead->known[passed].file),
                                         lookahead->known[passed].offset, from->file, from->offset))
        passed++;
    forget(lookahead, passed);
    buf_reset(&lookahead->begin_file, SIZE_MAX);
    buf_add_text(&lookahead->begin_file, from->file);
    lookahead->begin_offset = from->offset;
}

static bool
has_read_until(const MysqlLookahead *lookahead, const MysqlLookedFor *wanted)
{
    uint64_t number = file_number(buf_text(&lookahead->end.file));

    return number > wanted->until_file
               ? wanted->until_file > 0
               : number == wanted->until_file && lookahead->end.offset >= wanted->until_offset;
}

bool
source_mysql_lookahead_find(MysqlLookahead *lookahead, const MysqlPlace *from,
    const MysqlLookedFor *wanted, Text *ret_statement, MysqlPlace *ret_place, Error *err)
{
    move_to(lookahead, from);
    if (!has_read_until(lookahead, wanted) && !read_ahead(lookahead, err)) {
        /* what was read of it may end inside a file's description */
        lookahead->has_read = false;
        return error_wrap(err, "reading the log ahead of " TEXT_FMT ":%" PRIu64,
            TEXT_ARG(from->file), from->offset);
    }
    *ret_statement = TEXT_NONE;
    for (size_t i = 0; i < lookahead->count; i++) {
        const Known *known = &lookahead->known[i];

        if (!names_table(known, wanted) || leaves_columns(known, wanted))
            continue;
        *ret_statement = (Text){known->sql, known->sql_len};
        *ret_place = (MysqlPlace){text_of(known->file), known->offset};
        break;
    }
    return true;
}
