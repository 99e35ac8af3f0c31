/*
 * Every fault point of taking a service over and of committing a block: whatever fails, rows and
 * position are both there or both absent, and the next try comes through.
 */
#include "target/position.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "support/sqlite_db.h"

#define SERVICE TEXT("sales")

static Position
position_at(uint64_t fence, uint64_t seqno)
{
    return (Position){fence, seqno, TEXT("p"), TEXT("b"), TIME_UNKNOWN, 0};
}

/* One block: a row and the position, in one transaction. */
static bool
commit_block(Db *db, uint64_t fence, uint64_t seqno, bool *ret_unknown)
{
    Position position = position_at(fence, seqno);
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    *ret_unknown = false;
    buf_addf(&sql, "INSERT INTO items VALUES (%llu)", (unsigned long long)seqno);
    if (!target_sqlite.begin(db->target, &db->err))
        return false;
    if (target_sqlite.execute(db->target, buf_text(&sql), NULL, &rows, &db->err) &&
        position_write(db->target, TEXT(""), SERVICE, seqno - 1, &position, &db->err) &&
        target_sqlite.commit(db->target, ret_unknown, &db->err))
        return true;
    target_sqlite.rollback(db->target);
    return false;
}

static void
reconnect(Db *db)
{
    target_close(db->target);
    db->target = db_connect(db, 2000);
}

static uint64_t
seqno_now(Db *db, uint64_t fence)
{
    Position position;

    assert_ok(
        position_reacquire(db->target, TEXT(""), SERVICE, fence, db->arena, &position, &db->err),
        db->err);
    return position.seqno;
}

static uint64_t
take_over(Db *db)
{
    Position position;

    assert_ok(position_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(
        position_acquire(db->target, TEXT(""), SERVICE, db->arena, &position, &db->err), db->err);
    return position.fence;
}

/* Number of points that were hit. */
static int
take_over_under_faults(Db *db, bool fresh)
{
    uint64_t before = 0;

    for (int nth = 1;; nth++) {
        Position position = {0};
        uint64_t next;
        bool ok;
        bool hit;

        if (fresh) {
            (void)db_run(db, "DROP TABLE IF EXISTS dray_position");
            before = 0;
        }
        fault_arm(nth);
        ok = position_prepare(db->target, TEXT(""), &db->err) &&
             position_acquire(db->target, TEXT(""), SERVICE, db->arena, &position, &db->err);
        hit = fault_was_hit();
        fault_arm(0);
        assert_true(ok || hit);
        assert_false(target_sqlite.in_transaction(db->target));
        if (ok)
            assert_true(position.fence > before);
        /* whatever happened, the next owner is newer than everyone before it */
        next = take_over(db);
        assert_true(next > before && next > position.fence);
        before = next;
        if (!hit)
            return nth - 1;
    }
}

static void
taking_over_is_whole_or_absent(void **state)
{
    /* describe, create, describe, begin, update, insert, select, three of the commit */
    assert_int_equal(take_over_under_faults(*state, true), 10);
    /* describe, begin, update, select, three of the commit */
    assert_int_equal(take_over_under_faults(*state, false), 7);
}

static void
rows_and_position_are_committed_together(void **state)
{
    Db *db = *state;
    uint64_t fence = take_over(db);
    uint64_t seqno = 1;
    int hits = 0;
    int unknowns = 0;

    (void)db_run(db, "CREATE TABLE items (id INTEGER PRIMARY KEY)");
    for (int nth = 1;; nth++) {
        bool unknown;
        bool ok;
        bool hit;
        uint64_t now;

        fault_arm(nth);
        ok = commit_block(db, fence, seqno, &unknown);
        hit = fault_was_hit();
        fault_arm(0);
        assert_int_equal(ok, !hit);
        hits += hit;
        unknowns += unknown;
        if (unknown) {
            assert_true(db->err.retriable);
            reconnect(db);
        }
        now = seqno_now(db, fence);
        if (!ok && !unknown)
            assert_int_equal(now, seqno - 1);
        assert_string_equal(db_query(db, "SELECT coalesce(max(id), 0), count(*) FROM items"),
            arena_printf(db->arena, "%llu|%llu", (unsigned long long)now, (unsigned long long)now));
        assert_int_equal(target_sqlite.in_transaction(db->target), false);
        seqno = now + 1;
        if (!hit)
            break;
    }
    /* begin, execute, position, commit, unsent, lost */
    assert_int_equal(hits, 6);
    assert_int_equal(unknowns, 2);
}

/* A child dies at the nth point; whoever comes next finds rows and position in step. */
static void
a_kill_at_any_point_keeps_rows_and_position_in_step(void **state)
{
    Db *db = *state;
    uint64_t seqno = 0;
    bool killed = true;

    (void)db_run(db, "CREATE TABLE items (id INTEGER PRIMARY KEY)");
    for (int nth = 1; killed; nth++) {
        pid_t child;
        int status;
        uint64_t fence;

        target_close(STEAL(db->target));
        child = fork();
        if (child == 0) {
            Db own = *db;
            Position position;
            bool unknown;

            own.target = db_connect(&own, 2000);
            fault_arm_kill(NULL, nth);
            if (!position_prepare(own.target, TEXT(""), &own.err) ||
                !position_acquire(own.target, TEXT(""), SERVICE, own.arena, &position, &own.err) ||
                !commit_block(&own, position.fence, seqno + 1, &unknown))
                _exit(1);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        killed = WIFSIGNALED(status);
        if (killed)
            assert_int_equal(WTERMSIG(status), SIGKILL);
        else
            assert_int_equal(WEXITSTATUS(status), 0);
        db->target = db_connect(db, 2000);
        fence = take_over(db);
        seqno = seqno_now(db, fence);
        assert_string_equal(db_query(db, "SELECT coalesce(max(id), 0), count(*) FROM items"),
            arena_printf(
                db->arena, "%llu|%llu", (unsigned long long)seqno, (unsigned long long)seqno));
        assert_true(nth < 100);
    }
    /* killed after the commit once or more, and the last child came through */
    assert_true(seqno >= 2);
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, db_setup, db_teardown)

static const struct CMUnitTest tests[] = {
    WITH_DB(taking_over_is_whole_or_absent),
    WITH_DB(rows_and_position_are_committed_together),
    WITH_DB(a_kill_at_any_point_keeps_rows_and_position_in_step),
};

TEST_MAIN(tests)
