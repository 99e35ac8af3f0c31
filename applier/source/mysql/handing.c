#include "source/mysql/handing.h"

#include <inttypes.h>

void
handing_clear(Handing *handing)
{
    row_image_free(handing->image);
    buf_clear(&handing->schema);
    buf_clear(&handing->table);
    buf_clear(&handing->where);
    buf_clear(&handing->begin);
    buf_clear(&handing->position);
}

void
handing_ddl(MysqlChanges *changes)
{
    source_mysql_schema_ddl(changes->start.schema, changes->query.sql, changes->query.database);
    table_maps_forget(changes->maps);
}

bool
handing_refuse(MysqlChanges *changes, const char *what, Error *err)
{
    const char *words = buf_string(&changes->query.statement.words);

    if (changes->options->statements == MYSQL_STATEMENTS_SKIP) {
        changes->skipped.count++;
        buf_reset(&changes->skipped.last, SIZE_MAX);
        buf_addf(
            &changes->skipped.last, "\"%s\" at %s", words, buf_string(&changes->handing.where));
        return true;
    }
    return error_set(err, ERR_SOURCE,
        "the statement \"%s\" %s: set binlog_format = ROW for all sessions of the server; to go "
        "on, "
        "let source.statements: skip pass over it, and where it was about a table of this service, "
        "copy that again with dray bootstrap",
        words, what);
}

static void
take_truncate(MysqlChanges *changes)
{
    Handing *handing = &changes->handing;

    buf_reset(&handing->schema, SIZE_MAX);
    buf_add_text(&handing->schema, log_query_schema(&changes->query));
    buf_reset(&handing->table, SIZE_MAX);
    buf_add_text(&handing->table, buf_text(&changes->query.statement.table));
    handing->has_truncate = true;
}

static bool
take_query(MysqlChanges *changes, const BinlogFormat *format, const BinlogEvent *event,
    bool is_undone, Error *err)
{
    LogQuery *query = &changes->query;

    if (!log_query_read(query, format, event, changes->start.fold_names, err))
        return false;
    switch (query->statement.kind) {
    case STATEMENT_TRUNCATE:
        if (log_query_concerns(query, changes->options))
            take_truncate(changes);
        return true;
    case STATEMENT_DDL:
        handing_ddl(changes);
        return true;
    case STATEMENT_DDL_ROWS:
        handing_ddl(changes);
        return !log_query_concerns(query, changes->options) ||
               handing_refuse(changes,
                   "changes a table's rows without telling which: what it did cannot be carried",
                   err);
    case STATEMENT_ROWS:
        return is_undone || !log_query_concerns(query, changes->options) ||
               handing_refuse(changes, "changes rows as a statement, which cannot be carried", err);
    case STATEMENT_BEGIN:
    case STATEMENT_COMMIT:
    case STATEMENT_ROLLBACK:
    case STATEMENT_SAVEPOINT:
    case STATEMENT_XA_START:
    case STATEMENT_XA_END:
    case STATEMENT_XA_PREPARE:
    case STATEMENT_XA_COMMIT:
    case STATEMENT_XA_ROLLBACK:
    case STATEMENT_OTHER:
        return true;
    }
    return error_set(err, ERR_INTERNAL, "unknown kind of statement %d", (int)query->statement.kind);
}

/* Where the event stands: for errors, and as of where its table is described. */
static MysqlPlace
place_of(const MysqlChanges *changes, const BinlogEvent *event)
{
    const Group *group = &changes->group;
    MysqlPlace place = {buf_text(&changes->place.file), group->start};

    if (!group->is_compressed && !changes->is_replay && event->end_offset != 0) {
        uint64_t end = log_place_carry(group->start, event->end_offset);

        place.offset = end - MIN((uint64_t)event->size, end);
    }
    return place;
}

static bool
take_rows(MysqlChanges *changes, const BinlogFormat *format, const BinlogEvent *event, Error *err)
{
    MysqlPlace place;
    const MappedTable *table = table_maps_find(changes->maps, event);

    if (table == NULL)
        return table_maps_is_end_marker(event) ||
               error_set(err, ERR_SOURCE, "rows of a table that no event described");
    if (table->shape == NULL)
        return true;
    if (!row_image_open(changes->handing.image, format, event, table->shape, err))
        return false;
    place = place_of(changes, event);
    if (row_image_lacks_defaults(changes->handing.image) &&
        !source_mysql_schema_defaults(changes->start.schema, table->shape, &place, err))
        return false;
    changes->handing.has_rows = true;
    return true;
}

static MysqlPlace
stand(MysqlChanges *changes, const BinlogEvent *event)
{
    MysqlPlace place = place_of(changes, event);

    buf_reset(&changes->handing.where, SIZE_MAX);
    buf_addf(&changes->handing.where, TEXT_FMT ":%" PRIu64, TEXT_ARG(place.file), place.offset);
    return place;
}

void
handing_stand(MysqlChanges *changes, const BinlogEvent *event)
{
    (void)stand(changes, event);
}

bool
handing_take(MysqlChanges *changes, const BinlogEvent *event, uint64_t number, Error *err)
{
    const BinlogFormat *format = changes->is_replay ? &changes->replayed : &changes->place.format;
    MysqlPlace place = stand(changes, event);
    bool is_undone = transaction_is_undone(changes->group.kept, number);

    switch (event->type) {
    case BINLOG_TABLE_MAP:
        return table_maps_take(changes->maps, format, event, &place, err);
    case BINLOG_WRITE_ROWS_V1:
    case BINLOG_UPDATE_ROWS_V1:
    case BINLOG_DELETE_ROWS_V1:
    case BINLOG_WRITE_ROWS:
    case BINLOG_UPDATE_ROWS:
    case BINLOG_DELETE_ROWS:
    case BINLOG_PARTIAL_UPDATE_ROWS:
    case BINLOG_WRITE_ROWS_COMPRESSED_V1:
    case BINLOG_UPDATE_ROWS_COMPRESSED_V1:
    case BINLOG_DELETE_ROWS_COMPRESSED_V1:
    case BINLOG_WRITE_ROWS_COMPRESSED:
    case BINLOG_UPDATE_ROWS_COMPRESSED:
    case BINLOG_DELETE_ROWS_COMPRESSED:
        return is_undone || take_rows(changes, format, event, err);
    case BINLOG_QUERY:
    case BINLOG_QUERY_COMPRESSED:
    case BINLOG_EXECUTE_LOAD_QUERY:
        return take_query(changes, format, event, is_undone, err);
    default:
        return true;
    }
}

static Next
hand_begin(MysqlChanges *changes, Event *event)
{
    Handing *handing = &changes->handing;

    handing->has_begun = true;
    buf_reset(&handing->begin, SIZE_MAX);
    if (binlog_position_kind(changes->position) == BINLOG_POSITION_FILE) {
        /* events that are no transaction may stand before it */
        buf_addf(
            &handing->begin, "%s:%" PRIu64, buf_string(&changes->place.file), changes->group.start);
    } else {
        binlog_position_print(changes->position, &handing->begin);
    }
    event->kind = EVENT_BEGIN;
    event->commit_time_us = changes->group.time_us;
    event->position = buf_text(&handing->begin);
    return NEXT_ITEM;
}

static Next
hand_change(Handing *handing, Event *event)
{
    handing->has_change = false;
    event->kind = EVENT_CHANGE;
    event->change = handing->change;
    return NEXT_ITEM;
}

Next
handing_next(MysqlChanges *changes, Event *ret_event, Error *err)
{
    Handing *handing = &changes->handing;
    Next next = NEXT_IDLE;

    ret_event->where = buf_text(&handing->where);
    if (handing->has_change)
        return hand_change(handing, ret_event);
    if (handing->has_truncate) {
        if (!handing->has_begun)
            return hand_begin(changes, ret_event);
        handing->has_truncate = false;
        ret_event->kind = EVENT_TRUNCATE;
        ret_event->schema = buf_text(&handing->schema);
        ret_event->table = buf_text(&handing->table);
        return NEXT_ITEM;
    }
    if (!handing->has_rows)
        return NEXT_IDLE;
    next = row_image_next(handing->image, &handing->change, err);
    if (next == NEXT_END) {
        handing->has_rows = false;
        return NEXT_IDLE;
    }
    if (next != NEXT_ITEM)
        return next;
    handing->has_change = true;
    return handing->has_begun ? hand_change(handing, ret_event) : hand_begin(changes, ret_event);
}
