#include "source/pgq/position.h"

/* A txid_snapshot's text, read from left to right. */
typedef struct Snapshot {
    uint64_t xmin;
    uint64_t xmax;
    Text list; /* what is not read yet of the transactions that were running */
} Snapshot;

/* The text up to the first of the letter, which goes with it. */
static Text
cut(Text *text, char letter)
{
    size_t len = text_find(*text, letter);
    Text piece = {text->data, len};
    size_t passed = MIN(len + 1, text->len);

    text->data += passed;
    text->len -= passed;
    return piece;
}

static bool
snapshot_begin(Text text, Snapshot *ret_snapshot)
{
    Text rest = text;

    if (text.len == 0 || !text_to_u64(cut(&rest, ':'), &ret_snapshot->xmin))
        return false;
    if (text_find(rest, ':') == rest.len || !text_to_u64(cut(&rest, ':'), &ret_snapshot->xmax))
        return false;
    ret_snapshot->list = rest;
    return ret_snapshot->xmin > 0 && ret_snapshot->xmin <= ret_snapshot->xmax;
}

/* The next running transaction; UINT64_MAX where there is no further one. */
static uint64_t
snapshot_next(Snapshot *snapshot)
{
    uint64_t txid;

    if (snapshot->list.len == 0 || !text_to_u64(cut(&snapshot->list, ','), &txid))
        return UINT64_MAX;
    return txid;
}

/* Do the running transactions ascend, within the bounds? */
static bool
is_snapshot(Text text)
{
    Snapshot snapshot;
    uint64_t before = 0;

    if (!snapshot_begin(text, &snapshot))
        return false;
    if (snapshot.list.len > 0 && snapshot.list.data[snapshot.list.len - 1] == ',')
        return false;
    while (snapshot.list.len > 0) {
        uint64_t txid = snapshot_next(&snapshot);

        if (txid < snapshot.xmin || txid >= snapshot.xmax || txid < before)
            return false;
        before = txid;
    }
    return true;
}

bool
pgq_snapshot_sees(Text snapshot, uint64_t txid)
{
    Snapshot scan;
    uint64_t running;

    if (!is_snapshot(snapshot) || !snapshot_begin(snapshot, &scan) || txid >= scan.xmax)
        return false;
    if (txid < scan.xmin)
        return true;
    while ((running = snapshot_next(&scan)) < txid)
        continue;
    return running != txid;
}

/*
 * What b sees and a does not is either a transaction that was running for a and not for b, or one
 * that a's upper bound leaves out: of these b must have been waiting for every single one.
 */
bool
pgq_snapshot_covers(Text a, Text b)
{
    Snapshot x;
    Snapshot y;
    uint64_t before = 0;
    uint64_t waiting = 0;
    uint64_t of_x;
    uint64_t of_y;

    if (!is_snapshot(a) || !is_snapshot(b) || !snapshot_begin(a, &x) || !snapshot_begin(b, &y))
        return false;
    of_x = snapshot_next(&x);
    of_y = snapshot_next(&y);
    while (of_x < y.xmax || of_y != UINT64_MAX) {
        if (of_x < of_y)
            return false;
        if (of_y >= x.xmax && of_y != before)
            waiting++;
        before = of_y;
        while (of_x == of_y)
            of_x = snapshot_next(&x);
        of_y = snapshot_next(&y);
    }
    return y.xmax <= x.xmax || waiting == y.xmax - x.xmax;
}

bool
pgq_position_parse(Text text, PgqPosition *ret_position)
{
    PgqPosition position = {.snapshot = TEXT_NONE};
    size_t slash = text_find(text, '/');
    size_t hash = text_find(text, '#');
    Text place = {text.data, MIN(slash, hash)};
    Text more;

    /* no text has no place to count from */
    if (text.len == 0)
        return false;
    more = (Text){text.data + place.len, text.len - place.len};
    if (!text_to_u64(cut(&place, ':'), &position.queue_id) ||
        !text_to_u64(cut(&place, ':'), &position.tick) || !text_to_i64(place, &position.time_us))
        return false;
    if (more.len > 0) {
        Text rest = {more.data + 1, more.len - 1};

        if (more.data[0] == '/') {
            if (!is_snapshot(rest))
                return false;
            position.snapshot = rest;
        } else {
            if (!text_to_u64(rest, &position.txid))
                return false;
            position.has_txid = true;
        }
    }
    *ret_position = position;
    return true;
}

void
pgq_position_print(const PgqPosition *position, Buf *out)
{
    uint64_t distance = (uint64_t)position->time_us;

    buf_add_u64(out, position->queue_id);
    buf_add_char(out, ':');
    buf_add_u64(out, position->tick);
    buf_add_char(out, ':');
    if (position->time_us < 0) {
        buf_add_char(out, '-');
        distance = 0 - distance;
    }
    buf_add_u64(out, distance);
    if (position->snapshot.data != NULL) {
        buf_add_char(out, '/');
        buf_add_text(out, position->snapshot);
    } else if (position->has_txid) {
        buf_add_char(out, '#');
        buf_add_u64(out, position->txid);
    }
}

static int
order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int
compare_snapshots(const PgqPosition *a, const PgqPosition *b)
{
    if (!pgq_snapshot_covers(a->snapshot, b->snapshot))
        return -1;
    return pgq_snapshot_covers(b->snapshot, a->snapshot) ? 0 : 1;
}

static int
compare(const PgqPosition *a, const PgqPosition *b)
{
    bool a_has_snapshot = a->snapshot.data != NULL;
    bool b_has_snapshot = b->snapshot.data != NULL;

    if (a->queue_id != b->queue_id)
        return order(a->queue_id, b->queue_id);
    if (a->has_txid && b_has_snapshot)
        return pgq_snapshot_sees(b->snapshot, a->txid) ? -1 : 1;
    if (b->has_txid && a_has_snapshot)
        return pgq_snapshot_sees(a->snapshot, b->txid) ? 1 : -1;
    if (a_has_snapshot && b_has_snapshot)
        return compare_snapshots(a, b);
    if (a->tick != b->tick || a->has_txid || b->has_txid)
        return order(a->tick, b->tick);
    return (int)a_has_snapshot - (int)b_has_snapshot;
}

int
pgq_position_compare(Text a, Text b)
{
    PgqPosition x;
    PgqPosition y;
    bool is_a = pgq_position_parse(a, &x);
    bool is_b = pgq_position_parse(b, &y);

    if (!is_a || !is_b)
        return (int)is_a - (int)is_b;
    return compare(&x, &y);
}
