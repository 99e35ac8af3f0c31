#include "source/mysql/xa.h"

#include "source/mysql/handing.h"
#include "source/mysql/xid.h"

void
xa_prepared(MysqlChanges *changes, const BinlogXid *xid)
{
    binlog_position_add_prepared(changes->group.after,
        &(BinlogPrepared){*xid, buf_text(&changes->place.file), changes->group.start});
}

bool
xa_replay(MysqlChanges *changes, const BesidePlace *place, Error *err)
{
    Transaction *kept = changes->group.kept;

    transaction_reset(kept);
    changes->is_replay = true;
    if (!beside_scan(changes->start.source, place, kept, &changes->replayed, err))
        return false;
    changes->group.was_scanned = true;
    if (!transaction_is_full(kept))
        return true;
    /* too large: its rows come while it is read a second time */
    transaction_keep_undone(kept);
    changes->beside = beside_open(changes->start.source, place, err);
    return changes->beside != NULL;
}

bool
xa_end(MysqlChanges *changes, bool commits, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    Group *group = &changes->group;
    const BinlogPrepared *prepared;
    BinlogXid xid;
    bool ok;

    transaction_reset(group->kept);
    if (!xid_read(changes->query.statement.xid, &name, &xid, err))
        return false;
    prepared = binlog_position_find_prepared(group->after, &xid);
    if (prepared == NULL)
        return !commits || group->is_ignored ||
               handing_refuse(changes,
                   "commits rows that were prepared before the place where this service began, so "
                   "they never came",
                   err);
    ok = !commits || group->is_ignored ||
         xa_replay(changes, &(BesidePlace){prepared->file, prepared->offset, &xid}, err);
    if (!ok)
        return error_wrap(err, "%s", buf_string(&changes->query.statement.words));
    binlog_position_remove_prepared(group->after, &xid);
    return true;
}
