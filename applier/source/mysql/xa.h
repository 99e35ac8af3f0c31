/*
 * xa.h - XA transactions: what is prepared, and reading it again when it commits
 *
 * See source/mysql/changes.h and group.h.
 */
#pragma once

#include "source/mysql/group.h"

/* The group is prepared: note it in group.after. */
void xa_prepared(MysqlChanges *changes, const BinlogXid *xid);
/* changes->query is XA COMMIT or XA ROLLBACK. */
bool xa_end(MysqlChanges *changes, bool commits, Error *err) MUST_CHECK;
/* Read the rows of a transaction again from a place: xid as in BesidePlace. */
bool xa_replay(MysqlChanges *changes, const BesidePlace *place, Error *err) MUST_CHECK;
