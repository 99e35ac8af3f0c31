#include "source/mysql/group.h"

#include "source/mysql/handing.h"
#include "source/mysql/xa.h"

void
group_reset(MysqlChanges *changes)
{
    Group *group = &changes->group;
    Transaction *kept = group->kept;

    binlog_position_free(group->after);
    beside_close(STEAL(changes->beside));
    changes->is_replay = false;
    transaction_reset(kept);
    *group = (Group){.kept = kept, .time_us = TIME_UNKNOWN};
    changes->handing.has_begun = false;
    changes->handing.has_rows = false;
    changes->handing.has_change = false;
    changes->handing.has_truncate = false;
}

void
group_cut_off(MysqlChanges *changes)
{
    Group *group = &changes->group;

    transaction_reset(group->kept);
    changes->handing.has_rows = false;
    group->rolls_back = true;
    group->state = GROUP_ENDED;
    /* it was never committed: its GTID belongs to nobody, or to another one */
    binlog_position_free(group->after);
    group->after = binlog_position_copy(changes->position);
}

static bool
is_query(const BinlogEvent *event)
{
    return event->type == BINLOG_QUERY || event->type == BINLOG_QUERY_COMPRESSED;
}

/* MySQL's first QUERY tells what the group is; MariaDB's GTID did. */
static GroupEnd
end_of_first_query(Group *group, StatementKind kind)
{
    group->has_begun = true;
    if (kind == STATEMENT_XA_START)
        group->is_xa = true;
    else if (kind != STATEMENT_BEGIN)
        return GROUP_COMMITS;
    return GROUP_GOES_ON;
}

static GroupEnd
end_of_query(Group *group, StatementKind kind)
{
    switch (kind) {
    case STATEMENT_XA_COMMIT:
        return GROUP_COMMITS_XA;
    case STATEMENT_XA_ROLLBACK:
        return GROUP_ROLLS_BACK_XA;
    case STATEMENT_COMMIT:
        return GROUP_COMMITS;
    case STATEMENT_ROLLBACK:
        return GROUP_ROLLS_BACK;
    case STATEMENT_BEGIN:
    case STATEMENT_SAVEPOINT:
    case STATEMENT_XA_START:
    case STATEMENT_XA_END:
    case STATEMENT_XA_PREPARE:
    case STATEMENT_TRUNCATE:
    case STATEMENT_DDL:
    case STATEMENT_DDL_ROWS:
    case STATEMENT_OTHER:
    case STATEMENT_ROWS:
        break;
    }
    if (!group->has_begun)
        return end_of_first_query(group, kind);
    return group->is_statement ? GROUP_COMMITS : GROUP_GOES_ON;
}

static bool
find_end(MysqlChanges *changes, const BinlogEvent *event, GroupEnd *ret_end, BinlogXid *ret_xid,
    Error *err)
{
    BinlogXaPrepare prepare;

    *ret_end = GROUP_GOES_ON;
    if (event->type == BINLOG_XID)
        *ret_end = GROUP_COMMITS;
    if (is_query(event)) {
        if (!log_query_read(
                &changes->query, &changes->place.format, event, changes->start.fold_names, err))
            return false;
        *ret_end = end_of_query(&changes->group, changes->query.statement.kind);
    }
    if (event->type == BINLOG_XA_PREPARE) {
        if (!binlog_read_xa_prepare(event, &prepare, err))
            return false;
        *ret_end = prepare.one_phase ? GROUP_COMMITS : GROUP_PREPARES;
        *ret_xid = prepare.xid;
    }
    return true;
}

static BesidePlace
own_place(const MysqlChanges *changes)
{
    return (BesidePlace){buf_text(&changes->place.file), changes->group.start, NULL};
}

/* The group has savepoints, and is not kept: what will be undone? */
static bool
scan(MysqlChanges *changes, Error *err)
{
    CLEANUP(transaction_free) Transaction *found = transaction_new(1);
    BesidePlace place = own_place(changes);
    BinlogFormat format;

    if (!beside_scan(changes->start.source, &place, found, &format, err))
        return error_wrap(err, "looking ahead for ROLLBACK TO");
    transaction_take_undone(changes->group.kept, found);
    changes->group.was_scanned = true;
    return true;
}

/* What is kept has become too much. */
static bool
open_group(MysqlChanges *changes, Error *err)
{
    Group *group = &changes->group;

    if (group->is_xa) {
        transaction_reset(group->kept);
        group->state = GROUP_PASS;
        return true;
    }
    group->state = GROUP_OPEN;
    return !transaction_has_savepoints(group->kept) || scan(changes, err);
}

static bool
keep(MysqlChanges *changes, const BinlogEvent *event, Error *err)
{
    Transaction *kept = changes->group.kept;
    uint64_t number = transaction_count(kept);

    transaction_add(kept, event);
    return !is_query(event) || changes->query.statement.kind != STATEMENT_SAVEPOINT ||
           transaction_savepoint(kept, number, changes->query.sql, err);
}

static bool
hand(MysqlChanges *changes, const BinlogEvent *event, Error *err)
{
    uint64_t number = transaction_pass(changes->group.kept);

    if (!changes->group.was_scanned && is_query(event) &&
        changes->query.statement.kind == STATEMENT_SAVEPOINT && !scan(changes, err))
        return false;
    return handing_take(changes, event, number, err);
}

static void
pass(MysqlChanges *changes, const BinlogEvent *event)
{
    if (is_query(event) && (changes->query.statement.kind == STATEMENT_DDL ||
                               changes->query.statement.kind == STATEMENT_DDL_ROWS))
        handing_ddl(changes);
}

static bool
end_group(MysqlChanges *changes, GroupEnd end, const BinlogXid *xid, Error *err)
{
    Group *group = &changes->group;
    BesidePlace place = own_place(changes);
    bool was_passed = group->state == GROUP_PASS;

    group->state = GROUP_ENDED;
    switch (end) {
    case GROUP_COMMITS:
        /* too large to be kept as long as nobody knew that it commits in one phase */
        return !was_passed || group->is_ignored || xa_replay(changes, &place, err);
    case GROUP_ROLLS_BACK:
        transaction_reset(group->kept);
        group->rolls_back = true;
        return true;
    case GROUP_PREPARES:
        transaction_reset(group->kept);
        if (!group->is_ignored)
            xa_prepared(changes, xid);
        return true;
    case GROUP_COMMITS_XA:
        return xa_end(changes, true, err);
    case GROUP_ROLLS_BACK_XA:
        return xa_end(changes, false, err);
    case GROUP_GOES_ON:
        break;
    }
    return error_set(err, ERR_INTERNAL, "a group that goes on does not end");
}

bool
group_take(MysqlChanges *changes, const BinlogEvent *event, Error *err)
{
    Group *group = &changes->group;
    BinlogXid xid = {0, TEXT_NONE, TEXT_NONE};
    GroupEnd end;
    bool ok = true;

    handing_stand(changes, event);
    if (group->state == GROUP_ENDED)
        return error_set(err, ERR_SOURCE, "an event behind the end of its transaction");
    if (!find_end(changes, event, &end, &xid, err))
        return false;
    if (group->state == GROUP_KEEP)
        ok = keep(changes, event, err);
    else if (group->state == GROUP_OPEN)
        ok = hand(changes, event, err);
    else
        pass(changes, event);
    if (!ok)
        return false;
    if (end != GROUP_GOES_ON)
        return end_group(changes, end, &xid, err);
    return group->state != GROUP_KEEP || !transaction_is_full(group->kept) ||
           open_group(changes, err);
}
