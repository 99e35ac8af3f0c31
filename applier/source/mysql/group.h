/*
 * group.h - the inside of MysqlChanges, for changes.c, group.c, handing.c and xa.c alone
 *
 * A group is what stands in the log behind one GTID: a transaction, a statement, or half of an XA
 * transaction.
 *
 *     changes.c   the log's events: places, GTIDs, heartbeats; positions
 *     group.c     the events of the open group: where it ends, and what then happens to it
 *     xa.c        what is prepared, and reading it again when it commits
 *     handing.c   what an event comes to: tables, rows, statements into source events
 */
#pragma once

#include "source/binlog/payload.h"
#include "source/mysql/beside.h"
#include "source/mysql/changes.h"
#include "source/mysql/log_query.h"
#include "source/mysql/place.h"
#include "source/mysql/row_image.h"
#include "source/mysql/table_maps.h"
#include "source/mysql/transaction.h"

typedef enum GroupState {
    GROUP_NONE,  /* between groups */
    GROUP_KEEP,  /* its events are kept, nothing was handed out */
    GROUP_OPEN,  /* too large for that: handed out as they come, the kept ones first */
    GROUP_PASS,  /* passed over up to its end */
    GROUP_ENDED, /* its end was read: what is kept is handed out, then the group is over */
} GroupState;

/* How a group ends, when it does. */
typedef enum GroupEnd {
    GROUP_GOES_ON,
    GROUP_COMMITS,
    GROUP_ROLLS_BACK,
    GROUP_PREPARES,      /* XA */
    GROUP_COMMITS_XA,    /* a statement that ends another group's XA transaction */
    GROUP_ROLLS_BACK_XA, /* the same */
} GroupEnd;

typedef struct Group {
    GroupState state;
    bool is_ignored;       /* nothing of it matters */
    bool is_statement;     /* MariaDB says that it is one QUERY */
    bool has_begun;        /* its first QUERY was read: BEGIN, XA START */
    bool is_xa;            /* XA START … XA PREPARE */
    bool is_compressed;    /* its events came in one */
    bool was_scanned;      /* what was undone in it is known */
    bool rolls_back;       /* what was handed out did not happen */
    uint64_t start;        /* offset of its first event in place.file */
    int64_t time_us;       /* when it was committed */
    Transaction *kept;     /* its events, or as many as are kept */
    BinlogPosition *after; /* where the source goes on behind it */
} Group;

/* What follows from the last event. */
typedef struct Handing {
    bool has_begun; /* EVENT_BEGIN was handed out */
    bool has_rows;  /* image has rows */
    bool has_change;
    bool has_truncate;
    RowImage *image;
    Change change; /* has_change: read, and waits behind EVENT_BEGIN */
    Buf schema;    /* has_truncate */
    Buf table;
    Buf where;
    Buf begin;    /* position of EVENT_BEGIN */
    Buf position; /* of EVENT_COMMIT and EVENT_POSITION */
} Handing;

/* Statements that were passed over (source.statements: skip). */
typedef struct Skipped {
    uint64_t count;
    uint64_t told;
    int64_t told_ms;
    Buf last;
} Skipped;

struct MysqlChanges {
    MysqlChangesStart start;
    const MysqlSourceOptions *options;
    uint32_t own_id;
    LogPlace place;
    BinlogPosition *position; /* behind the last whole group, or further */
    bool has_moved;           /* since a position was told */
    bool position_was_told;   /* false: a new service's first one is due at once */
    int64_t moved_ms;         /* when one was told */
    unsigned calls;           /* since the clock was looked at */
    Group group;
    Handing handing;
    TableMaps *maps;
    LogQuery query;
    BinlogPayload *payload; /* the event that is being unpacked; NULL: none */
    Beside *beside;        /* where the group's events come from behind the kept ones; NULL: here */
    BinlogFormat replayed; /* format of the log in which an XA transaction was prepared */
    bool is_replay;        /* the group's events are of that log */
    Buf scratch;
    Skipped skipped;
    Buf notice;
};

/* An event of the open group, from the stream or out of a compressed one. */
bool group_take(MysqlChanges *changes, const BinlogEvent *event, Error *err) MUST_CHECK;
/* The server started anew: what is open never ends. */
void group_cut_off(MysqlChanges *changes);
/* The group is over; forget it. */
void group_reset(MysqlChanges *changes);
