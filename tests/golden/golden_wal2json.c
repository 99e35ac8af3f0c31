/*
 * golden_wal2json.c - logs that wal2json 2.5 wrote on PostgreSQL 15, with several option sets, give
 * the recorded events: wal2json/NAME.jsonl -> wal2json/NAME.events
 *
 * DRAY_GOLDEN_WRITE=1 writes the .events anew; read the difference before it is committed.
 */
#include "../unit/source/events.h"

#include "base/file.h"

static void
compare(const char *name)
{
    const char *root = getenv("DRAY_SOURCE_ROOT");
    CLEANUP(buf_clear) Buf log = BUF_INIT;
    CLEANUP(buf_clear) Buf path = BUF_INIT;
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    CLEANUP(source_close) Source *source = NULL;
    EventDump dump = {0};
    JsonlOptions options;
    Error err;

    assert_non_null(root);
    buf_addf(&log, "%s/tests/golden/wal2json/%s.jsonl", root, name);
    buf_addf(&path, "%s/tests/golden/wal2json/%s.events", root, name);
    options = jsonl_options(log.data);
    source = jsonl_open_at(&options, "", &err);
    assert_ok(source != NULL, err);
    assert_ok(dump_all(&dump, source, 0, &err) == NEXT_END, err);
    if (getenv("DRAY_GOLDEN_WRITE") != NULL)
        assert_ok(file_write_durable(path.data, dump.text.data, dump.text.len, &err), err);
    assert_ok(file_read_all(path.data, (size_t)1 << 24, &expected, &err), err);
    assert_string_equal(buf_string(&dump.text), buf_string(&expected));
    buf_clear(&dump.text);
}

static void
with_default_options(void **state)
{
    (void)state;
    compare("default");
}

static void
with_xid_timestamp_lsn_and_keys(void **state)
{
    (void)state;
    compare("full");
}

static void
without_transaction_lines_but_with_xids(void **state)
{
    (void)state;
    compare("xids");
}

static void
without_types_schemas_and_transactions(void **state)
{
    (void)state;
    compare("bare");
}

static void
with_every_option_there_is(void **state)
{
    (void)state;
    compare("everything");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(with_default_options),
    cmocka_unit_test(with_xid_timestamp_lsn_and_keys),
    cmocka_unit_test(without_transaction_lines_but_with_xids),
    cmocka_unit_test(without_types_schemas_and_transactions),
    cmocka_unit_test(with_every_option_there_is),
};

TEST_MAIN(tests)
