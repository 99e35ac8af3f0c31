/*
 * Every fault point of making a staging table, and making it again: afterwards there is the old
 * one, the new one, or none, never a half one, and the next try comes through.
 */
#include "ddl/stage.h"

#include "base/fault.h"
#include "support/sqlite_db.h"

static const CsvDialect csv = {
    .header = {HEADER_OPCODE, HEADER_SEQNO, HEADER_ROW_ID},
    .header_count = 3,
    .header_names = {{"dray_opcode", 11}, {"dray_seqno", 10}, {"dray_row_id", 11}},
};

static TargetTable *
describe(Db *db, const char *name)
{
    TargetTable *table = NULL;

    assert_ok(
        target_sqlite.describe(db->target, TEXT(""), text_of(name), db->arena, &table, &db->err),
        db->err);
    return table;
}

static void
a_staging_table_is_whole_old_or_absent(void **state)
{
    Db *db = *state;
    char *path = file_join(db->directory, "stage.sql");
    static const char template[] = "CREATE TABLE %%STAGE_TABLE_FQN%% (%%COLUMNS%%);"
                                   "CREATE INDEX second ON %%STAGE_TABLE_FQN%% (id);";
    int hits = 0;

    assert_ok(file_write_durable(path, template, sizeof(template) - 1, &db->err), db->err);
    (void)db_run(db, "CREATE TABLE items (id INTEGER PRIMARY KEY, c0 TEXT)");
    for (int nth = 1; nth > 0; nth++) {
        StageSpec spec = {describe(db, "items"), TEXT(""), TEXT("stage_items"), &csv};
        const char *before = db_query(db, "SELECT name, sql FROM sqlite_schema ORDER BY name");
        const char *after;
        bool ok;
        bool hit;

        fault_arm(nth);
        ok = stage_prepare(db->target, &spec, path, true, &db->err);
        hit = fault_was_hit();
        fault_arm(0);
        hits += hit;
        assert_true(ok || hit);
        assert_false(target_sqlite.in_transaction(db->target));
        after = db_query(db, "SELECT name, sql FROM sqlite_schema ORDER BY name");
        /* a commit whose answer was lost has gone in */
        if (!ok && strcmp(after, before) != 0)
            assert_non_null(strstr(after, "CREATE INDEX second"));
        assert_ok(stage_prepare(db->target, &spec, path, true, &db->err), db->err);
        /* from now on it has to be dropped and made again */
        (void)db_run(db, arena_printf(db->arena, "ALTER TABLE items ADD COLUMN c%d TEXT", nth));
        if (!hit)
            break;
    }
    /* describe, read the template (open, read, read), begin, drop, two statements, three of the
     * commit, describe */
    assert_int_equal(hits, 12);
    free(path);
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, db_setup, db_teardown)

static const struct CMUnitTest tests[] = {
    WITH_DB(a_staging_table_is_whole_old_or_absent),
};

TEST_MAIN(tests)
