#include "source/mysql/changes.h"

#include <inttypes.h>
#include <stdlib.h>

#include "source/mysql/group.h"
#include "source/mysql/handing.h"

/* Events of a transaction that are kept until its end is there. */
#define KEPT_BYTES ((size_t)1 << 20)
/* A stream without changes for us tells its position this often. */
#define MOVED_MS 1000
/* The clock is looked at once in so many calls. */
#define MANY_CALLS 64
/* Statements that were passed over are told of this often. */
#define SKIPPED_MS 60000

MysqlChanges *
source_mysql_changes_new(const MysqlChangesStart *start)
{
    SourceStart own = *start->source;
    MysqlChanges *changes = calloc(1, sizeof(*changes));

    if (changes == NULL)
        abort();
    changes->start = *start;
    changes->options = start->source->options;
    own.snapshot = NULL;
    changes->own_id = source_mysql_server_id(&own, MYSQL_ID_STREAM);
    changes->position = binlog_position_copy(start->position);
    changes->has_moved = start->source->position.len == 0;
    changes->position_was_told = !changes->has_moved;
    changes->moved_ms = clock_monotonic_ms();
    changes->group.kept = transaction_new(KEPT_BYTES);
    changes->handing.image = row_image_new();
    changes->maps = table_maps_new(changes->options, start->schema);
    return changes;
}

void
source_mysql_changes_free(MysqlChanges *changes)
{
    if (changes == NULL)
        return;
    binlog_payload_close(changes->payload);
    beside_close(changes->beside);
    transaction_free(changes->group.kept);
    binlog_position_free(changes->group.after);
    binlog_position_free(changes->position);
    handing_clear(&changes->handing);
    table_maps_free(changes->maps);
    log_query_clear(&changes->query);
    log_place_clear(&changes->place);
    buf_clear(&changes->skipped.last);
    buf_clear(&changes->notice);
    free(changes);
}

/* ---- between groups ------------------------------------------------------------------------- */

/* Events that are no group went by. */
static void
move(MysqlChanges *changes)
{
    uint64_t offset;

    if (changes->group.state != GROUP_NONE ||
        binlog_position_kind(changes->position) != BINLOG_POSITION_FILE ||
        (text_equal(
             binlog_position_file(changes->position, &offset), buf_text(&changes->place.file)) &&
            offset == changes->place.offset))
        return;
    binlog_position_set_file(
        changes->position, buf_text(&changes->place.file), changes->place.offset);
    changes->has_moved = true;
}

static void
take_file(MysqlChanges *changes, const LogStep *step)
{
    if (step->restarted && changes->group.state != GROUP_NONE)
        group_cut_off(changes);
    if (step->has_moved)
        move(changes);
}

/* The server is at the end of its log, and there. */
static bool
take_heartbeat(MysqlChanges *changes, const BinlogEvent *event, Error *err)
{
    LogPlace *place = &changes->place;
    BinlogHeartbeat heartbeat;

    if (!binlog_read_heartbeat(event, &heartbeat, err))
        return false;
    if (changes->group.state != GROUP_NONE || !text_equal(heartbeat.file, buf_text(&place->file)))
        return true;
    /* the old kind has 32 bits of it */
    if (event->type == BINLOG_HEARTBEAT && (uint32_t)place->offset <= (uint32_t)heartbeat.offset)
        heartbeat.offset = log_place_carry(place->offset, (uint32_t)heartbeat.offset);
    if (heartbeat.offset <= place->offset)
        return true;
    place->offset = heartbeat.offset;
    move(changes);
    return true;
}

static bool
is_ignored(const MysqlChanges *changes, uint32_t server_id)
{
    const TextList *ignored = &changes->options->ignore_server_ids;

    if (server_id == changes->own_id)
        return true;
    for (size_t i = 0; i < ignored->count; i++) {
        uint64_t id;

        if (text_to_u64(text_of(ignored->items[i]), &id) && id == server_id)
            return true;
    }
    return false;
}

static bool
begin_mariadb(MysqlChanges *changes, const BinlogEvent *event, Error *err)
{
    Group *group = &changes->group;
    BinlogMariadbGtid gtid;

    if (!binlog_read_mariadb_gtid(event, &gtid, err))
        return false;
    group->has_begun = true;
    group->is_statement = (gtid.flags & MARIADB_GTID_STANDALONE) != 0;
    group->is_xa = (gtid.flags & MARIADB_GTID_PREPARED_XA) != 0;
    if (binlog_position_kind(group->after) == BINLOG_POSITION_FILE)
        return true;
    return binlog_position_add_mariadb(
        group->after, gtid.domain, event->server_id, gtid.sequence, err);
}

static bool
begin_mysql(MysqlChanges *changes, const BinlogEvent *event, Error *err)
{
    Group *group = &changes->group;
    BinlogMysqlGtid gtid;

    if (!binlog_read_mysql_gtid(event, &gtid, err))
        return false;
    if (gtid.commit_time_us != TIME_UNKNOWN)
        group->time_us = gtid.commit_time_us;
    if (binlog_position_kind(group->after) == BINLOG_POSITION_FILE)
        return true;
    if (gtid.number == 0)
        return error_set(err, ERR_SOURCE,
            "a transaction without a GTID (gtid_mode is not ON): set source.position: file for a "
            "service that begins anew, or gtid_mode = ON before it begins");
    /* one that the service has is not for us, whoever sends it */
    if (!binlog_position_add_mysql(group->after, gtid.source, gtid.tag, gtid.number))
        group->is_ignored = true;
    return true;
}

/* A group begins with this event, which may be its GTID. */
static bool
begin_group(MysqlChanges *changes, const BinlogEvent *event, uint64_t start, Error *err)
{
    Group *group = &changes->group;
    bool ok = true;

    if (group->state != GROUP_NONE)
        return error_set(err, ERR_SOURCE, "the transaction at %s:%" PRIu64 " has no end",
            buf_string(&changes->place.file), group->start);
    group_reset(changes);
    table_maps_trim(changes->maps);
    group->after = binlog_position_copy(changes->position);
    group->start = start;
    group->time_us = (int64_t)event->time * 1000000;
    if (event->type == BINLOG_MARIADB_GTID)
        ok = begin_mariadb(changes, event, err);
    else if (event->type == BINLOG_GTID || event->type == BINLOG_GTID_TAGGED ||
             event->type == BINLOG_ANONYMOUS_GTID)
        ok = begin_mysql(changes, event, err);
    else if (binlog_position_kind(group->after) != BINLOG_POSITION_FILE)
        ok = error_set(err, ERR_SOURCE, "a transaction without a GTID");
    group->is_ignored |= is_ignored(changes, event->server_id);
    group->state = group->is_ignored ? GROUP_PASS : GROUP_KEEP;
    return ok;
}

/* ---- events --------------------------------------------------------------------------------- */

static bool
take_payload(MysqlChanges *changes, const BinlogEvent *event, uint64_t start, Error *err)
{
    if (changes->group.state == GROUP_NONE && !begin_group(changes, event, start, err))
        return false;
    changes->group.is_compressed = true;
    changes->payload = binlog_payload_open(event, err);
    return changes->payload != NULL;
}

static bool
take_incident(const BinlogEvent *event, Error *err)
{
    Text message;

    return binlog_read_incident(event, &message, err) &&
           error_set(err, ERR_SOURCE,
               "the server says that changes are missing in its log here (\"" TEXT_FMT
               "\"): begin anew behind this place, and copy the tables again: dray bootstrap",
               TEXT_ARG(message));
}

/* Events without anything for us. */
static bool
is_no_change(unsigned type)
{
    static const unsigned char types[] = {BINLOG_STOP, BINLOG_INTVAR, BINLOG_RAND, BINLOG_USER_VAR,
        BINLOG_BEGIN_LOAD_QUERY, BINLOG_IGNORABLE, BINLOG_ROWS_QUERY, BINLOG_PREVIOUS_GTIDS,
        BINLOG_TRANSACTION_CONTEXT, BINLOG_VIEW_CHANGE, BINLOG_ANNOTATE_ROWS, BINLOG_CHECKPOINT,
        BINLOG_GTID_LIST, BINLOG_START_ENCRYPTION};

    return memchr(types, (int)type, sizeof(types)) != NULL;
}

static bool
refuse_unknown(const BinlogEvent *event, Error *err)
{
    char name[16];

    return (event->flags & BINLOG_FLAG_IGNORABLE) != 0 ||
           error_set(err, ERR_SOURCE,
               "an event of %s, which is not known here: what it holds could not be carried",
               binlog_type_name(event->type, name));
}

static bool
take_event(MysqlChanges *changes, const BinlogEvent *event, uint64_t start, Error *err)
{
    if (transaction_has_type(event->type))
        return (changes->group.state != GROUP_NONE || begin_group(changes, event, start, err)) &&
               group_take(changes, event, err);
    switch (event->type) {
    case BINLOG_MARIADB_GTID:
    case BINLOG_GTID:
    case BINLOG_GTID_TAGGED:
    case BINLOG_ANONYMOUS_GTID:
        return begin_group(changes, event, start, err);
    case BINLOG_TRANSACTION_PAYLOAD:
        return take_payload(changes, event, start, err);
    case BINLOG_INCIDENT:
        return take_incident(event, err);
    case BINLOG_HEARTBEAT:
    case BINLOG_HEARTBEAT_V2:
        return take_heartbeat(changes, event, err);
    default:
        move(changes);
        return is_no_change(event->type) || refuse_unknown(event, err);
    }
}

static bool
fail(const MysqlChanges *changes, uint64_t offset, Error *err)
{
    if (err->kind == ERR_STOPPED)
        return false;
    return error_wrap(err, "%s:%" PRIu64, buf_string(&changes->place.file), offset);
}

bool
source_mysql_changes_take(MysqlChanges *changes, Text bytes, Error *err)
{
    BinlogEvent event;
    LogStep step = {.start = changes->place.offset};

    if (!binlog_event_read(&changes->place.format, bytes, &event, err) ||
        !log_place_take(&changes->place, &event, &step, err))
        return fail(changes, step.start, err);
    if (step.is_inside) {
        take_file(changes, &step);
        return true;
    }
    return take_event(changes, &event, step.start, err) || fail(changes, step.start, err);
}

/* ---- what is handed out --------------------------------------------------------------------- */

static void
tell_position(MysqlChanges *changes, EventKind kind, Event *event)
{
    Handing *handing = &changes->handing;

    changes->has_moved = false;
    changes->position_was_told = true;
    changes->moved_ms = clock_monotonic_ms();
    buf_reset(&handing->position, SIZE_MAX);
    binlog_position_print(changes->position, &handing->position);
    event->kind = kind;
    event->position = buf_text(&handing->position);
    if (kind == EVENT_POSITION)
        event->where = event->position;
}

bool
source_mysql_changes_position(MysqlChanges *changes, Event *ret_event)
{
    if (!changes->has_moved || changes->group.state != GROUP_NONE)
        return false;
    *ret_event = (Event){.kind = EVENT_POSITION};
    tell_position(changes, EVENT_POSITION, ret_event);
    return true;
}

/* The group is over. True: it had begun, and *event ends it. */
static bool
end_group(MysqlChanges *changes, Event *event)
{
    Group *group = &changes->group;
    EventKind kind = group->rolls_back ? EVENT_ROLLBACK : EVENT_COMMIT;
    bool has_begun = changes->handing.has_begun;

    binlog_position_free(changes->position);
    changes->position = STEAL(group->after);
    if (binlog_position_kind(changes->position) == BINLOG_POSITION_FILE)
        binlog_position_set_file(
            changes->position, buf_text(&changes->place.file), changes->place.offset);
    group_reset(changes);
    changes->has_moved = true;
    if (has_begun)
        tell_position(changes, kind, event);
    return has_begun;
}

/* Take the group's next event that is here already. *ret_taken false: there is none. */
static bool
take_waiting(MysqlChanges *changes, bool *ret_taken, Error *err)
{
    Group *group = &changes->group;
    BinlogEvent event;
    uint64_t number;
    bool ends = false;

    *ret_taken = true;
    if (group->state == GROUP_OPEN || group->state == GROUP_ENDED) {
        if (transaction_next(group->kept, &event, &number))
            return handing_take(changes, &event, number, err);
        if (changes->beside != NULL) {
            Next next = beside_next(changes->beside, &event, err);

            if (next == NEXT_ITEM)
                return handing_take(changes, &event, transaction_pass(group->kept), err);
            beside_close(STEAL(changes->beside));
            return next == NEXT_END;
        }
    }
    if (changes->payload != NULL) {
        if (!binlog_payload_next(changes->payload, &event, &ends, err))
            return false;
        if (!ends)
            return take_event(changes, &event, group->start, err);
        binlog_payload_close(STEAL(changes->payload));
        return true;
    }
    *ret_taken = false;
    return true;
}

static bool
position_is_due(MysqlChanges *changes)
{
    if (!changes->has_moved || changes->group.state != GROUP_NONE)
        return false;
    if (changes->position_was_told && ++changes->calls < MANY_CALLS)
        return false;
    changes->calls = 0;
    return !changes->position_was_told || clock_monotonic_ms() - changes->moved_ms >= MOVED_MS;
}

static Next
next_event(MysqlChanges *changes, Event *ret_event, Error *err)
{
    for (;;) {
        Next next = handing_next(changes, ret_event, err);
        bool taken;

        if (next != NEXT_IDLE)
            return next;
        if (!take_waiting(changes, &taken, err))
            return NEXT_FAILED;
        if (taken)
            continue;
        if (changes->group.state == GROUP_ENDED) {
            if (end_group(changes, ret_event))
                return NEXT_ITEM;
            continue;
        }
        return NEXT_IDLE;
    }
}

Next
source_mysql_changes_next(MysqlChanges *changes, Event *ret_event, Error *err)
{
    Next next;

    *ret_event = (Event){.kind = EVENT_POSITION};
    next = next_event(changes, ret_event, err);
    if (next == NEXT_FAILED && err->kind != ERR_STOPPED)
        (void)error_wrap(err, "%s", buf_string(&changes->handing.where));
    if (next == NEXT_IDLE && position_is_due(changes) &&
        source_mysql_changes_position(changes, ret_event))
        return NEXT_ITEM;
    return next;
}

Text
source_mysql_changes_notice(MysqlChanges *changes)
{
    Skipped *skipped = &changes->skipped;
    int64_t now_ms = clock_monotonic_ms();

    if (skipped->count == skipped->told ||
        (skipped->told > 0 && now_ms - skipped->told_ms < SKIPPED_MS))
        return TEXT_NONE;
    skipped->told = skipped->count;
    skipped->told_ms = now_ms;
    buf_reset(&changes->notice, SIZE_MAX);
    buf_addf(&changes->notice,
        "%" PRIu64 " statements that change rows were passed over (source.statements: skip), the "
        "last one was %s",
        skipped->count, buf_string(&skipped->last));
    return buf_text(&changes->notice);
}
