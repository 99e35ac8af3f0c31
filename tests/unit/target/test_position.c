#include "target/position.h"

#include <pthread.h>

#include "support/sqlite_db.h"

#define SERVICE TEXT("sales")

static Position
acquire(Db *db)
{
    Position position;

    assert_ok(position_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(
        position_acquire(db->target, TEXT(""), SERVICE, db->arena, &position, &db->err), db->err);
    return position;
}

static bool
move(Db *db, uint64_t before, Position to)
{
    bool unknown;

    assert_ok(target_sqlite.begin(db->target, &db->err), db->err);
    if (position_write(db->target, TEXT(""), SERVICE, before, &to, &db->err))
        return target_sqlite.commit(db->target, &unknown, &db->err);
    target_sqlite.rollback(db->target);
    return false;
}

static Position
position_to(uint64_t fence, uint64_t seqno)
{
    return (Position){fence, seqno, TEXT("0/1A2B'\\3C"), TEXT("00000000000000000001"),
        INT64_C(1457729470000123), 0};
}

static void
a_new_service_begins_at_fence_1_and_nothing_read(void **state)
{
    Db *db = *state;
    Position position = acquire(db);

    assert_int_equal(position.fence, 1);
    assert_int_equal(position.seqno, 0);
    assert_int_equal(position.source_position.len, 0);
    assert_int_equal(position.block.len, 0);
    assert_true(position.commit_us == TIME_UNKNOWN);
    assert_true(position.updated_us > 0);
}

static void
each_acquire_raises_the_fence_and_keeps_the_position(void **state)
{
    Db *db = *state;
    Position position;

    (void)acquire(db);
    assert_ok(move(db, 0, position_to(1, 7)), db->err);
    position = acquire(db);
    assert_int_equal(position.fence, 2);
    assert_int_equal(position.seqno, 7);
    assert_true(text_is(position.source_position, "0/1A2B'\\3C"));
    assert_true(text_is(position.block, "00000000000000000001"));
    assert_true(position.commit_us == INT64_C(1457729470000123));
}

static void
a_replaced_process_can_write_nothing_more(void **state)
{
    Db *db = *state;

    (void)acquire(db);
    (void)acquire(db);
    assert_error(db, move(db, 0, position_to(1, 7)), ERR_FENCED,
        "service sales: fence is 2, ours is 1: another process took the service over");
    assert_false(db->err.retriable);
    assert_string_equal(db_query(db, "SELECT fence, seqno FROM dray_position"), "2|0");
}

static void
a_block_that_is_in_already_is_refused(void **state)
{
    Db *db = *state;

    (void)acquire(db);
    assert_ok(move(db, 0, position_to(1, 7)), db->err);
    assert_error(db, move(db, 0, position_to(1, 7)), ERR_FENCED,
        "service sales: seqno is 7, expected 0: another process moved the position");
    assert_int_equal(db_run(db, "DELETE FROM dray_position"), 1);
    assert_error(db, move(db, 7, position_to(1, 8)), ERR_FENCED,
        "service sales: its row in dray_position is gone");
}

static void
reacquire_tells_whether_a_lost_commit_went_in(void **state)
{
    Db *db = *state;
    Position position;

    (void)acquire(db);
    assert_ok(move(db, 0, position_to(1, 7)), db->err);
    assert_ok(position_reacquire(db->target, TEXT(""), SERVICE, 1, db->arena, &position, &db->err),
        db->err);
    assert_int_equal(position.seqno, 7);
    (void)acquire(db);
    assert_error(db,
        position_reacquire(db->target, TEXT(""), SERVICE, 1, db->arena, &position, &db->err),
        ERR_FENCED, "service sales: fence is 2, ours is 1: another process took the service over");
    assert_false(target_sqlite.in_transaction(db->target));
    assert_error(db,
        position_reacquire(db->target, TEXT(""), TEXT("new"), 1, db->arena, &position, &db->err),
        ERR_FENCED, "service new: its row in dray_position is gone");
}

static void
reading_changes_nothing(void **state)
{
    Db *db = *state;
    Position position;
    bool found = true;

    assert_ok(position_read(db->target, TEXT(""), SERVICE, db->arena, &position, &found, &db->err),
        db->err);
    assert_false(found);
    assert_string_equal(db_query(db, "SELECT count(*) FROM sqlite_schema"), "0");
    assert_ok(position_prepare(db->target, TEXT(""), &db->err), db->err);
    assert_ok(position_read(db->target, TEXT(""), SERVICE, db->arena, &position, &found, &db->err),
        db->err);
    assert_false(found);
    (void)acquire(db);
    assert_ok(position_read(db->target, TEXT(""), SERVICE, db->arena, &position, &found, &db->err),
        db->err);
    assert_true(found);
    assert_int_equal(position.fence, 1);
}

static void
a_table_of_another_shape_is_refused(void **state)
{
    Db *db = *state;

    (void)db_run(db, "CREATE TABLE dray_position (service TEXT PRIMARY KEY, seqno INTEGER)");
    assert_error(db, position_prepare(db->target, TEXT(""), &db->err), ERR_TARGET,
        "table dray_position has no column fence: it is not a position table of this version");
    (void)db_run(db, "DROP TABLE dray_position");
    (void)db_run(db, "CREATE TABLE dray_position (service TEXT, fence INTEGER, seqno INTEGER, "
                     "source_position TEXT, block TEXT, commit_timestamp TEXT, updated_at TEXT)");
    assert_error(db, position_prepare(db->target, TEXT(""), &db->err), ERR_TARGET,
        "table dray_position: its primary key must be the column service alone");
}

static void
services_do_not_meet(void **state)
{
    Db *db = *state;
    Position position;

    (void)acquire(db);
    assert_ok(
        position_acquire(db->target, TEXT(""), TEXT("o'brien"), db->arena, &position, &db->err),
        db->err);
    assert_int_equal(position.fence, 1);
    assert_ok(move(db, 0, position_to(1, 7)), db->err);
    assert_string_equal(db_query(db, "SELECT service, seqno FROM dray_position ORDER BY service"),
        "o'brien|0;sales|7");
}

static void
a_seqno_past_63_bits_is_refused(void **state)
{
    Db *db = *state;

    (void)acquire(db);
    assert_error(db, move(db, 0, position_to(1, UINT64_MAX)), ERR_INTERNAL,
        "seqno 18446744073709551615 or fence 1 is past 63 bits");
    assert_ok(move(db, 0, position_to(1, INT64_MAX)), db->err);
    assert_int_equal(acquire(db).seqno, INT64_MAX);
}

typedef struct Racer {
    const Db *db;
    uint64_t fences[20];
} Racer;

static void *
race(void *context)
{
    Racer *racer = context;
    Target *target = db_connect(racer->db, 20000);
    CLEANUP(arena_free) Arena *arena = arena_new();
    Position position = {0};
    Error err;

    for (size_t i = 0; i < ARRAY_LEN(racer->fences); i++) {
        if (position_prepare(target, TEXT(""), &err) &&
            position_acquire(target, TEXT(""), SERVICE, arena, &position, &err))
            racer->fences[i] = position.fence;
    }
    target_close(target);
    return NULL;
}

static void
no_two_processes_get_the_same_fence(void **state)
{
    Db *db = *state;
    Racer racers[3] = {{db, {0}}, {db, {0}}, {db, {0}}};
    pthread_t threads[3];
    bool seen[61] = {false};

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 20; j++) {
            assert_in_range(racers[i].fences[j], 1, 60);
            assert_false(seen[racers[i].fences[j]]);
            seen[racers[i].fences[j]] = true;
        }
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, db_setup, db_teardown)

static const struct CMUnitTest tests[] = {
    WITH_DB(a_new_service_begins_at_fence_1_and_nothing_read),
    WITH_DB(each_acquire_raises_the_fence_and_keeps_the_position),
    WITH_DB(a_replaced_process_can_write_nothing_more),
    WITH_DB(a_block_that_is_in_already_is_refused),
    WITH_DB(reacquire_tells_whether_a_lost_commit_went_in),
    WITH_DB(reading_changes_nothing),
    WITH_DB(a_table_of_another_shape_is_refused),
    WITH_DB(services_do_not_meet),
    WITH_DB(a_seqno_past_63_bits_is_refused),
    WITH_DB(no_two_processes_get_the_same_fence),
};

TEST_MAIN(tests)
