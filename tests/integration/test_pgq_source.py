"""Source pgq: events of real triggers into a target, exactly once by the tick."""
import os

import pytest

from pgq_source import pgq_source, pgq_server, file_target, warehouse  # noqa: F401
from service import Watched, environment, program
from test_reliability import needs_faults, run_with_fault

ITEM = "create table item (id int primary key, name text)"
REFUSED = 4  # the exit code of an error of the source
BAD_DATA = 1


@pytest.fixture
def item(pgq_source, file_target, directory):  # noqa: F811
    """A service from a queue with table item to SQLite."""
    pgq_source.execute(ITEM)
    file_target.execute("create table item (id integer primary key, name text)")
    pgq_source.install("item")
    yield pgq_source.service(directory, file_target)


@pytest.fixture
def ran(item, pgq_source):  # noqa: F811
    """The same, and row 1 of it is in the target."""
    pgq_source.execute("insert into item values (1, 'a')")
    pgq_source.tick()
    item.run()
    yield item


def refused(service, *texts, code=REFUSED):
    said = service.run(expect=code).stderr
    for text in texts:
        assert text in said, said
    return said


def position_tick(target, none=2):
    try:
        return int(target.value("select source_position from dray_position").split(":")[1])
    except Exception:  # no table, or no row, yet
        return none


def keep_all_lines(service, target):
    """Table item keeps every line that comes, so that a doubled one shows."""
    target.execute("drop table item")
    target.execute("create table item (id integer, name text, dray_opcode text,"
                   " dray_seqno integer, dray_row_id integer, dray_timestamp text)")
    service.rules.append({"match": "public.item", "target": "item", "merge_script": "append.sql"})


# what arrives

def test_changes_of_all_kinds_arrive_a_batch_a_transaction(
        item, pgq_source, file_target):  # noqa: F811
    pgq_source.execute("insert into item values (1, 'a'), (2, null), (3, '')")
    pgq_source.tick()
    pgq_source.execute("update item set name = 'x & y=z %41+ \\ €' where id = 1")
    pgq_source.execute("delete from item where id = 3")
    last = pgq_source.tick("2024-02-03 04:05:06.123456+00")
    item.run()
    assert pgq_source.same(file_target, "item")
    # small batches join in one block
    assert file_target.position() == 2
    assert len(item.manifests()) == 1
    assert pgq_source.consumer_tick() == last
    position = file_target.value("select source_position from dray_position")
    assert position == f"1:{last}:1706933106123456"
    assert item.status()["commit_timestamp"] == "2024-02-03 04:05:06.123456"


def test_json_triggers_old_rows_and_generated_columns(
        pgq_source, warehouse, directory):  # noqa: F811
    columns = ("id int primary key, flag bool, amount numeric(10,2), at timestamptz, raw bytea,"
               " list int[], doc jsonb, day date, odd text")
    for table, function, arguments in (("one", "jsontriga", ()), ("two", "logutriga", ["backup"]),
                                       ("three", "jsontriga", ["backup"])):
        pgq_source.execute(f"create table {table} ({columns},"
                           " twice int generated always as (id * 2) stored)")
        pgq_source.install(table, function=function, arguments=arguments)
        warehouse.execute(f"create table {table} ({columns}, twice int)")
        pgq_source.execute(
            f"insert into {table} values (1, true, 1.50, '2024-01-01 12:00:00.123+02', '\\x00ff',"
            " '{1,null}', '{\"a\": 1}', '2024-02-29', E'\"quo\\\\ted\"\\n'),"
            " (2, null, null, null, null, null, null, null, null),"
            " (3, false, -0.01, '1999-12-31 23:59:59.999999-11', '', '{}', '[]', '0044-03-15 BC',"
            " '')")
        pgq_source.execute(f"update {table} set odd = 'new', flag = not flag where id in (1, 2)")
        pgq_source.execute(f"delete from {table} where id = 3")
        pgq_source.tick()
    pgq_source.service(directory, warehouse).run()
    for table in ("one", "two", "three"):
        pgq_source.same(warehouse, table, "id, flag, amount, at, raw, list, doc, day, odd")


def test_a_truncate_empties_the_table_in_its_order(item, pgq_source, file_target):  # noqa: F811
    pgq_source.transaction("insert into item values (1, 'a'), (2, 'b')", "truncate item",
                           "insert into item values (2, 'c')")
    pgq_source.tick()
    item.run()
    pgq_source.same(file_target, "item")


def test_an_update_of_the_key_is_told_by_its_old_row(item, pgq_source, file_target):  # noqa: F811
    """PgQ's own triggers refuse it, those of old versions did not."""
    pgq_source.insert_event("I:id", "id=1&name=a", "public.item")
    pgq_source.insert_event("I:id", "id=2&name=b", "public.item")
    pgq_source.insert_event("U:id", "id=10&name=c", "public.item", "id=1&name=a")
    pgq_source.insert_event("U:id", "id=20&name=d", "public.item")  # without it
    pgq_source.tick()
    item.run()
    assert sorted(file_target.query("select * from item")) == [(2, "b"), (10, "c"), (20, "d")]


def test_a_transaction_that_outlives_a_tick_comes_with_the_batch_it_committed_in(
        item, pgq_source, file_target):  # noqa: F811
    long = pgq_source.server.connect(pgq_source.name)
    long.autocommit = False
    long.cursor().execute("insert into item values (1, 'long')")
    pgq_source.execute("insert into item values (2, 'short')")
    pgq_source.tick()
    pgq_source.tick()
    item.run()
    assert file_target.query("select * from item") == [(2, "short")]
    long.commit()
    long.close()
    pgq_source.tick()
    item.run()
    pgq_source.same(file_target, "item")


def test_batches_without_events_move_the_consumer_in_one_block(
        ran, pgq_source, file_target):  # noqa: F811
    blocks = len(ran.block_directories())
    for _ in range(120):
        last = pgq_source.tick()
    ran.run()
    assert pgq_source.consumer_tick() == last
    assert len(ran.block_directories()) == blocks + 1


def test_a_run_to_the_end_ends_at_the_tick_that_was_the_newest_when_it_began(
        item, pgq_source, file_target, directory):  # noqa: F811
    item.options["source"]["poll_interval"] = "1ms"
    pgq_source.execute("insert into item values (1, 'a')")
    pgq_source.tick()
    daemon = pgq_source.ticker(directory, 0.001)
    for number in range(3):
        pgq_source.execute("insert into item values (%s, 'x')", 10 + number)
        item.run(timeout=20)
    assert daemon.poll() is None


def test_a_running_service_with_the_real_ticker(item, pgq_source, file_target, directory):  # noqa: F811
    pgq_source.execute("select pgq.set_queue_config(%s, 'ticker_idle_period', '1 minute')",
                       pgq_source.queue)
    item.options["block"].update(max_interval="0s", retain="none")
    pgq_source.ticker(directory)
    item.start()
    for number in range(30):
        pgq_source.execute("insert into item values (%s, 'x')", number)
        pgq_source.execute("update item set name = name || 'y' where id %% 3 = %s", number % 3)
    pgq_source.wait_same(file_target, "item")
    item.stop()


def test_status_tells_how_much_waits_in_the_queue(ran, pgq_source):  # noqa: F811
    pgq_source.execute("insert into item select g, 'x' from generate_series(10, 29) g")
    pgq_source.execute("update pgq.tick set tick_time = now() - interval '90 s' where tick_id = %s",
                       pgq_source.consumer_tick())
    status = ran.status()
    assert status["source_pending"] == 20
    assert 89 < status["source_behind_seconds"] < 120
    said = ran.command("status").stdout
    assert " s behind, about 20 changes pending\n" in said, said
    pgq_source.unregister()
    assert "consumer dray is not registered at queue sales" in ran.status()["source_error"]
    ran.options["source"]["connection"] = "host=/nowhere user=x"
    status = ran.status()
    assert status["source_pending"] is None
    assert "cannot connect" in status["source_error"]


def test_memory_does_not_grow_with_a_batch(item, pgq_source, file_target, tell):  # noqa: F811
    def peak_with(first, count, note):
        pgq_source.execute("insert into item select g, %s || g from generate_series(%s, %s) g",
                           note, first, first + count - 1)
        pgq_source.tick()
        watched = Watched([program(), "run", item.write(), "--until-end"], env=environment())
        assert watched.returncode == 0, watched.stderr
        return watched.peak_kib / 1024
    small, many = peak_with(1, 2000, "x" * 100), peak_with(10000, 30000, "x" * 100)
    one, some = (peak_with(first, count, "a&b=" * 250000)
                 for first, count in ((100000, 1), (200000, 12)))
    tell(f"pgq: peak {small:.0f} MiB with 2000 events in a batch, {many:.0f} with 30000;"
         f" {one:.0f} MiB with one event of 1 MB, {some:.0f} with twelve")
    assert (many < small + 30 and some < one + 40) or "ASAN_OPTIONS" in os.environ
    assert file_target.value("select count(*) from item") == 32013


# exactly once

@pytest.mark.parametrize("point", ["before_finish", "after_finish"])
def test_a_batch_that_was_committed_but_not_finished_is_finished_and_not_applied_again(
        item, pgq_source, file_target, point):  # noqa: F811
    needs_faults()
    keep_all_lines(item, file_target)
    pgq_source.execute("insert into item values (1, 'a')")
    first = pgq_source.tick()
    item.run()
    pgq_source.execute("insert into item values (2, 'b')")
    last = pgq_source.tick()
    # the first pass is at the start: it tells the position that the target has
    code, said = run_with_fault(item, f"kill:source.pgq.{point}:2")
    assert code == -9, said
    assert file_target.query("select id, name from item") == [(1, "a"), (2, "b")]
    assert pgq_source.consumer_tick() == (first if point == "before_finish" else last)
    item.run()
    assert pgq_source.consumer_tick() == last
    assert file_target.query("select id, name from item") == [(1, "a"), (2, "b")]
    assert file_target.position() == 2


def test_the_consumer_is_never_ahead_of_the_target(item, pgq_source, file_target):  # noqa: F811
    item.options["block"].update(max_interval="0s", max_rows=50)
    item.start()
    for number in range(40):
        pgq_source.execute("insert into item select g, 'x' from generate_series(%s, %s) g",
                           number * 100, number * 100 + 99)
        pgq_source.tick()
        at = pgq_source.consumer_tick()
        assert at <= position_tick(file_target)
    pgq_source.wait_same(file_target, "item")
    item.stop()


def test_start_tick_takes_over_where_another_consumer_stood(item, pgq_source, file_target):  # noqa: F811
    pgq_source.execute("insert into item values (1, 'a')")
    had = pgq_source.tick()
    pgq_source.execute("insert into item values (2, 'b')")
    last = pgq_source.tick()
    item.options["source"]["start_tick"] = had
    item.run()
    assert file_target.query("select * from item") == [(2, "b")]
    assert pgq_source.consumer_tick() == last
    # the position counts from now on
    pgq_source.execute("insert into item values (3, 'c')")
    pgq_source.tick()
    item.run()
    assert len(file_target.query("select * from item")) == 2


# what is refused

def test_refused_without_pgq_queue_or_consumer(item, pgq_source):  # noqa: F811
    pgq_source.unregister()
    refused(item, "consumer dray is not registered at queue sales: dray install registers it")
    pgq_source.drop_queue()
    refused(item, "queue sales does not exist: dray install makes it")
    pgq_source.execute("drop extension pgq cascade")
    refused(item, "the source's database has no PgQ: CREATE EXTENSION pgq there")


def test_refused_when_a_start_tick_is_not_there_or_was_passed(
        item, pgq_source, file_target):  # noqa: F811
    item.options["source"]["start_tick"] = 99
    refused(item, "tick 99 of queue sales is not there, the newest one is 2")
    pgq_source.execute("insert into item values (1, 'a')")
    passed = pgq_source.tick()
    pgq_source.execute("select pgq.register_consumer_at('sales', 'dray', %s)", passed)
    item.options["source"]["start_tick"] = passed - 1
    refused(item, f"consumer dray of queue sales is at tick {passed} already, the target at "
            f"{passed - 1}")
    assert file_target.query("select * from item") == []


def test_refused_when_the_queue_was_dropped_or_made_again(ran, pgq_source):  # noqa: F811
    tick = pgq_source.consumer_tick()
    pgq_source.drop_queue()
    refused(ran, f"queue sales was dropped, and events since its tick {tick} are gone with it: "
            "make it again with dray install, then begin anew")
    pgq_source.make_queue()
    pgq_source.tick()
    pgq_source.register()
    refused(ran, "queue sales was dropped and made again (its id was 1 and is 2)")
    pgq_source.execute("drop extension pgq cascade")
    refused(ran, "has no PgQ any more, or is another one", f"events since tick {tick}")


def test_refused_when_the_consumer_was_unregistered(ran, pgq_source):  # noqa: F811
    tick = pgq_source.consumer_tick()
    pgq_source.unregister()
    refused(ran, "consumer dray was unregistered from queue sales",
            f"SELECT pgq.register_consumer_at('sales', 'dray', {tick})")
    # behind a gap
    pgq_source.execute("insert into item values (2, 'b')")
    last = pgq_source.tick()
    pgq_source.register()
    refused(ran, f"consumer dray of queue sales is at tick {last} already, the target at {tick}")
    # the way out that it tells
    pgq_source.execute(f"SELECT pgq.register_consumer_at('sales', 'dray', {tick})")
    ran.run()
    assert pgq_source.consumer_tick() == last


def test_refused_when_ticks_were_set_back(ran, pgq_source):  # noqa: F811
    tick = pgq_source.consumer_tick()
    pgq_source.execute("update pgq.tick set tick_time = tick_time - interval '1 us'"
                       " where tick_id = %s", tick)
    refused(ran, f"tick {tick} of queue sales is another one than it was",
            "the source's database was set back")
    pgq_source.execute("update pgq.subscription set sub_last_tick = 2")
    pgq_source.execute("delete from pgq.tick where tick_id = %s", tick)
    refused(ran, f"tick {tick} of queue sales is not there, the newest one is {tick - 1}")
    pgq_source.tick()
    refused(ran, f"tick {tick} of queue sales is gone")


def test_refused_when_the_position_is_another_sources(ran, file_target):  # noqa: F811
    file_target.execute("update dray_position set source_position = '0/1A2B'")
    refused(ran, "the target's position \"0/1A2B\" is no tick of a queue")


def test_refused_without_the_rights_of_a_reader(item, pgq_source):  # noqa: F811
    pgq_source.execute("create role nobody login")
    item.options["source"]["connection"] = \
        item.options["source"]["connection"].replace("user=postgres", "user=nobody")
    pgq_source.execute("insert into item values (1, 'a')")
    pgq_source.tick()
    try:
        refused(item, "the role needs the rights of pgq_reader (GRANT pgq_reader TO …)")
        pgq_source.execute("grant pgq_reader to nobody")
        item.run()
    finally:
        pgq_source.execute("drop role nobody")


@pytest.mark.parametrize("how", ["unregister", "drop_queue", "move"])
def test_a_running_service_ends_when_its_place_is_taken_away(ran, pgq_source, how):  # noqa: F811
    ran.options["block"]["max_interval"] = "0s"
    ran.start()
    pgq_source.execute("insert into item values (2, 'b')")
    pgq_source.tick()
    ran.wait_for_seqno(2)
    if how == "move":
        pgq_source.wait_for(lambda: pgq_source.consumer_tick() == pgq_source.newest_tick())
        pgq_source.transaction(
            "select pgq.ticker('sales')",
            "select pgq.register_consumer_at('sales', 'dray', (select max(tick_id) from pgq.tick))")
    else:
        getattr(pgq_source, how)()
    ran.wait(expect=REFUSED, timeout=20)
    said = ran.output()
    assert {"unregister": "was unregistered from queue sales", "drop_queue": "was dropped",
            "move": "is at tick"}[how] in said, said[-2000:]


def test_events_that_were_cleaned_away_while_they_were_read_are_an_error(
        ran, pgq_source, file_target):  # noqa: F811
    """Unregistered, and the queue rotated, between the look for batches and the reading of one."""
    pgq_source.execute("insert into item select g, 'x' from generate_series(2, 3000) g")
    pgq_source.tick()
    pgq_source.execute("insert into item values (5000, 'y')")
    pgq_source.tick()
    # the first batch waits for its reader as long as the table is locked
    lock = pgq_source.server.connect(pgq_source.name)
    lock.autocommit = False
    ran.options["source"]["poll_interval"] = "5ms"
    lock.cursor().execute("lock table pgq.event_1_0 in access exclusive mode")
    ran.start()
    pgq_source.wait_for(lambda: pgq_source.query(
        "select from pg_locks where not granted and relation = 'pgq.event_1_0'::regclass"))
    lock.cursor().execute("select pgq.unregister_consumer('sales', 'dray')")
    lock.cursor().execute("truncate pgq.event_1_0")
    lock.commit()
    lock.close()
    ran.wait(expect=REFUSED, timeout=20)
    assert "batch 3-4: the consumer was moved or unregistered while its events were read" \
        in ran.output()
    assert "was unregistered from queue sales" in ran.output()
    assert file_target.position() == 1


# events that are no changes

def test_unknown_events_are_an_error_or_left_out(item, pgq_source, file_target):  # noqa: F811
    pgq_source.execute("insert into item values (1, 'a')")
    pgq_source.insert_event("mail", "to=me")
    event = pgq_source.insert_event("login", "user=1", "x")
    pgq_source.execute("insert into item values (2, 'b')")
    pgq_source.tick()
    refused(item, f"queue sales, batch 2-3, event {event - 1}: type \"mail\" is none that "
            "pgq.logutriga or pgq.jsontriga write", code=BAD_DATA)
    item.options["source"]["unknown_events"] = "skip"
    said = item.run().stderr
    assert f"queue sales: 2 events of unknown types were left out, the last one was event {event}" \
        " (type \"login\")" in said, said
    pgq_source.same(file_target, "item")


def test_retried_events_are_an_error_applied_or_left_out(item, pgq_source, file_target):  # noqa: F811
    pgq_source.execute("insert into item values (1, 'a'), (2, 'b')")
    pgq_source.tick()
    batch = pgq_source.value("select pgq.next_batch('sales', 'dray')")
    pgq_source.execute("select pgq.event_retry(%s, ev_id, 0) from pgq.get_batch_events(%s)"
                       " where ev_data like '%%name=b'", batch, batch)
    pgq_source.execute("select pgq.maint_retry_events()")
    pgq_source.tick()
    # it comes with the batch of its time, and again
    said = refused(item, "it came back from the retry queue (ev_retry 1)", "retried_events",
                   code=BAD_DATA)
    assert "event 2: " in said
    item.options["source"]["retried_events"] = "skip"
    said = item.run().stderr
    assert "queue sales: 1 events of the retry queue were left out, the last one was event 2" \
        in said
    pgq_source.same(file_target, "item")


def test_errors_name_queue_batch_event_table_and_column(
        pgq_source, warehouse, directory):  # noqa: F811
    pgq_source.execute("create table log (id int primary key, at date)")
    warehouse.execute("create table log (id int primary key, at date)")
    pgq_source.install("log")
    pgq_source.execute("insert into log values (1, '2024-01-01')")
    pgq_source.tick()
    pgq_source.execute("set datestyle = 'SQL, DMY'")
    pgq_source.execute("insert into log values (2, '2024-01-02')")
    tick = pgq_source.tick()
    service = pgq_source.service(directory, warehouse)
    said = service.run(expect=BAD_DATA).stderr
    assert f"queue sales, batch {tick - 1}-{tick}, event 2: table public.log, column at: " in said, said
    # what came before is not held back
    assert warehouse.query("select id from log") == [(1,)]


def test_sql_triggers_are_refused_by_name(item, pgq_source):  # noqa: F811
    pgq_source.execute("create table old (id int primary key)")
    pgq_source.add_trigger("old", "sqltriga")
    pgq_source.execute("insert into old values (1)")
    pgq_source.tick()
    said = item.run(expect=BAD_DATA).stderr
    assert "pgq.sqltriga" in said and "event 1" in said


# the source's tables change

def test_columns_and_types_that_change_make_another_shape(
        pgq_source, warehouse, directory):  # noqa: F811
    pgq_source.execute("create table doc (id int primary key, raw bytea)")
    warehouse.execute("create table doc (id int primary key, raw bytea, more text)")
    pgq_source.install("doc")
    pgq_source.execute("insert into doc values (1, '\\xff00')")
    pgq_source.execute("alter table doc add more text")
    pgq_source.execute("insert into doc values (2, '\\x01', 'm')")
    pgq_source.execute("alter table doc drop more")
    pgq_source.execute("insert into doc values (3, '\\x02')")
    pgq_source.tick()
    pgq_source.service(directory, warehouse).run()
    assert [(key, bytes(raw), more) for key, raw, more in
            warehouse.query("select * from doc order by id")] == \
        [(1, b"\xff\0", None), (2, b"\1", "m"), (3, b"\2", None)]


def test_a_table_that_is_gone_from_the_source_is_read_all_the_same(
        item, pgq_source, file_target):  # noqa: F811
    pgq_source.execute("insert into item values (1, 'a')")
    pgq_source.tick()
    pgq_source.execute("drop table item")
    item.run()
    assert file_target.query("select * from item") == [(1, "a")]


# the connection

def test_connections_are_made_anew_when_they_are_old(item, pgq_source, file_target):  # noqa: F811
    item.options["source"]["connection_lifetime"] = "100ms"
    item.options["block"]["max_interval"] = "0s"
    item.start()

    def backends():
        return {row[0] for row in pgq_source.query(
            "select pid from pg_stat_activity where application_name = 'dray'"
            " and datname = current_database()")}
    pgq_source.wait_for(lambda: len(backends()) == 2)
    first = backends()
    pgq_source.wait_for(lambda: len(backends()) == 2 and not backends() & first)
    pgq_source.execute("insert into item values (1, 'a')")
    pgq_source.tick()
    pgq_source.wait_same(file_target, "item")
    item.stop()


def test_the_server_goes_away_and_comes_back(ran, pgq_source, file_target):  # noqa: F811
    ran.options["block"]["max_interval"] = "0s"
    ran.start()
    for number in range(3):
        pgq_source.execute("insert into item values (%s, 'a')", 10 + number)
        pgq_source.tick()
        (pgq_source.kill if number % 2 else pgq_source.server.restart)()
        if number % 2:
            pgq_source.start()
        pgq_source._connection = None
        pgq_source.wait_same(file_target, "item")
    ran.stop()


def test_warnings_of_a_queue_that_is_behind_or_has_no_ticker(ran, pgq_source):  # noqa: F811
    ran.options["source"]["lag_warn"] = "1s"
    ran.options["block"]["max_interval"] = "0s"
    pgq_source.execute("insert into item values (2, 'b')")
    pgq_source.execute("update pgq.queue set queue_ticker_paused = true")
    ran.start()
    pgq_source.wait_for(lambda: "events wait for the next one" in ran.output(), 20)
    said = ran.output()
    assert "about 1 events wait for the next one: its ticker is paused" in said
    ran.stop()
