#include "source/mysql/beside.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/stop.h"
#include "source/binlog/payload.h"
#include "source/mysql/xid.h"

/* how long one wait for the server takes, between looks at the stop request */
#define WAIT_MS 1000

struct Beside {
    MysqlStream *stream;
    LogPlace place;
    Buf file; /* of the transaction */
    uint64_t offset;
    BinlogXid xid; /* format and lengths of it; the bytes are in name */
    Buf name;
    bool has_xid;
    bool began; /* the GTID was read */
    bool ended;
    BinlogPayload *payload; /* an event that holds others */
    Buf scratch;
};

void
beside_close(Beside *beside)
{
    if (beside == NULL)
        return;
    binlog_payload_close(beside->payload);
    source_mysql_stream_close(beside->stream);
    log_place_clear(&beside->place);
    buf_clear(&beside->file);
    buf_clear(&beside->name);
    buf_clear(&beside->scratch);
    free(beside);
}

static void
copy_xid(Beside *beside, const BinlogXid *xid)
{
    buf_add_text(&beside->name, xid->gtrid);
    buf_add_text(&beside->name, xid->bqual);
    beside->xid = *xid;
    beside->xid.gtrid.data = buf_string(&beside->name);
    beside->xid.bqual.data = buf_string(&beside->name) + xid->gtrid.len;
    beside->has_xid = true;
}

Beside *
beside_open(const SourceStart *start, const BesidePlace *place, Error *err)
{
    CLEANUP(binlog_position_free)
    BinlogPosition *position = binlog_position_new(BINLOG_POSITION_FILE);
    CLEANUP(beside_close) Beside *beside = calloc(1, sizeof(*beside));
    MysqlStreamStart stream = {.options = start->options,
        .server_id = source_mysql_server_id(start, MYSQL_ID_BESIDE),
        .until_end = true};

    if (beside == NULL)
        abort();
    buf_add_text(&beside->file, place->file);
    beside->offset = place->offset;
    if (place->xid != NULL)
        copy_xid(beside, place->xid);
    binlog_position_set_file(position, place->file, place->offset);
    stream.position = position;
    beside->stream = source_mysql_stream_open(&stream, err);
    return beside->stream == NULL ? NULL : STEAL(beside);
}

const BinlogFormat *
beside_format(const Beside *beside)
{
    return &beside->place.format;
}

static bool
not_there(const Beside *beside, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    if (beside->has_xid) {
        buf_add_string(&name, "XA transaction ");
        xid_print(&beside->xid, &name);
    } else {
        buf_add_string(&name, "transaction");
    }
    return error_set(err, ERR_SOURCE,
        "%s:%" PRIu64
        ": the %s is not there any more: another server's log has other places; where "
        "the source is another server now, copy the tables again: dray bootstrap",
        buf_string(&beside->file), beside->offset, name.data);
}

static bool
read_statement(Beside *beside, const BinlogEvent *event, Statement *statement, Error *err)
{
    BinlogQuery query;

    if (!binlog_read_query(&beside->place.format, event, &beside->scratch, &query, err))
        return false;
    statement_read(query.statement, query.ansi_quotes, statement);
    return true;
}

/* The first event must be the transaction's GTID, of that XA transaction where one is wanted.
 * MySQL's does not tell: XA START behind it does. */
static bool
check_begin(Beside *beside, const BinlogEvent *event, Error *err)
{
    BinlogMariadbGtid gtid;

    switch (event->type) {
    case BINLOG_MARIADB_GTID:
        if (!binlog_read_mariadb_gtid(event, &gtid, err))
            return false;
        return !beside->has_xid ||
               ((gtid.flags & MARIADB_GTID_PREPARED_XA) != 0 &&
                   xid_equal(&gtid.xid, &beside->xid)) ||
               not_there(beside, err);
    case BINLOG_GTID:
    case BINLOG_GTID_TAGGED:
    case BINLOG_ANONYMOUS_GTID:
        return true;
    default:
        return not_there(beside, err);
    }
}

/* What ends the transaction. */
static bool
take_end(Beside *beside, const BinlogEvent *event, Error *err)
{
    BinlogXaPrepare prepare;
    Statement statement;

    if (event->type == BINLOG_XID)
        beside->ended = true;
    if (event->type == BINLOG_XA_PREPARE) {
        beside->ended = true;
        if (!binlog_read_xa_prepare(event, &prepare, err))
            return false;
        return !beside->has_xid || xid_equal(&prepare.xid, &beside->xid) || not_there(beside, err);
    }
    if (event->type == BINLOG_QUERY || event->type == BINLOG_QUERY_COMPRESSED) {
        if (!read_statement(beside, event, &statement, err))
            return false;
        beside->ended = statement.kind == STATEMENT_COMMIT || statement.kind == STATEMENT_ROLLBACK;
        statement_clear(&statement);
    }
    return true;
}

/* An event of the transaction, or one that holds several. */
static bool
take_inside(Beside *beside, const BinlogEvent *event, bool *ret_counts, Error *err)
{
    if (event->type == BINLOG_TRANSACTION_PAYLOAD && beside->payload == NULL) {
        beside->payload = binlog_payload_open(event, err);
        return beside->payload != NULL;
    }
    *ret_counts = transaction_has_type(event->type);
    return take_end(beside, event, err);
}

static bool
take(Beside *beside, Text bytes, BinlogEvent *event, bool *ret_counts, Error *err)
{
    LogStep step;

    if (!binlog_event_read(&beside->place.format, bytes, event, err) ||
        !log_place_take(&beside->place, event, &step, err))
        return false;
    /* events that the server makes for us */
    if (step.is_inside || !step.has_moved)
        return true;
    if (beside->began)
        return take_inside(beside, event, ret_counts, err);
    beside->began = true;
    return check_begin(beside, event, err);
}

static bool
take_packed(Beside *beside, BinlogEvent *event, bool *ret_counts, Error *err)
{
    bool ends;

    if (!binlog_payload_next(beside->payload, event, &ends, err))
        return false;
    if (!ends)
        return take_inside(beside, event, ret_counts, err);
    binlog_payload_close(STEAL(beside->payload));
    return true;
}

/* One step; *ret_counts: *event is one of the transaction. */
static bool
step(Beside *beside, BinlogEvent *event, bool *ret_counts, Error *err)
{
    Text bytes;

    if (beside->payload != NULL)
        return take_packed(beside, event, ret_counts, err);
    switch (source_mysql_stream_next(beside->stream, WAIT_MS, &bytes, err)) {
    case NEXT_ITEM:
        return take(beside, bytes, event, ret_counts, err);
    case NEXT_IDLE:
        return stop_level() < STOP_NOW || error_set(err, ERR_STOPPED, "stopped");
    case NEXT_END:
        return not_there(beside, err);
    case NEXT_FAILED:
        break;
    }
    return false;
}

Next
beside_next(Beside *beside, BinlogEvent *ret_event, Error *err)
{
    while (!beside->ended) {
        bool counts = false;

        if (!step(beside, ret_event, &counts, err))
            return NEXT_FAILED;
        if (counts)
            return NEXT_ITEM;
    }
    return NEXT_END;
}

static bool
note_savepoint(
    Beside *beside, const BinlogEvent *event, Transaction *transaction, uint64_t number, Error *err)
{
    Statement statement;
    BinlogQuery query;
    bool ok = true;

    if (event->type != BINLOG_QUERY && event->type != BINLOG_QUERY_COMPRESSED)
        return true;
    if (!binlog_read_query(&beside->place.format, event, &beside->scratch, &query, err))
        return false;
    statement_read(query.statement, query.ansi_quotes, &statement);
    if (statement.kind == STATEMENT_SAVEPOINT)
        ok = transaction_savepoint(transaction, number, query.statement, err);
    statement_clear(&statement);
    return ok;
}

bool
beside_scan(const SourceStart *start, const BesidePlace *place, Transaction *transaction,
    BinlogFormat *ret_format, Error *err)
{
    CLEANUP(beside_close) Beside *beside = beside_open(start, place, err);

    if (beside == NULL)
        return false;
    for (;;) {
        uint64_t number = transaction_count(transaction);
        BinlogEvent event;
        Next next = beside_next(beside, &event, err);

        if (next != NEXT_ITEM) {
            *ret_format = beside->place.format;
            return next == NEXT_END;
        }
        if (transaction_is_full(transaction))
            (void)transaction_pass(transaction);
        else
            transaction_add(transaction, &event);
        if (!note_savepoint(beside, &event, transaction, number, err))
            return false;
    }
}
