/*
 * xid.h - the name of an XA transaction, as servers write it into their statements
 *
 * Pure.
 */
#pragma once

#include "source/binlog/event.h"

/* "X'61',X'62',7", as Statement.xid has it; strings in quotes as well. The name's bytes go to
 * scratch. ERR_SOURCE where it is none. */
bool xid_read(Text text, Buf *scratch, BinlogXid *ret_xid, Error *err) MUST_CHECK;
bool xid_equal(const BinlogXid *a, const BinlogXid *b);
/* Append it as it stands in a statement. */
void xid_print(const BinlogXid *xid, Buf *out);
