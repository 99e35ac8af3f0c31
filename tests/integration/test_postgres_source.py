"""Source postgres: changes of a live PostgreSQL database arrive, whatever happens on the way."""
import os
import socket
import time

import psycopg2
import pytest

import targets
from postgres_source import (PostgresSource, file_target, source,  # noqa: F401 (fixtures)
                             source_server, warehouse)
from proxy import CuttingProxy
from service import Watched, environment, program


def make_item(source, target, identity="default"):
    source.execute("create table item (id integer primary key, name text, big text)")
    source.execute(f"alter table item replica identity {identity}")
    target.execute("create table item (id integer primary key, name text, big text)")


def test_insert_update_delete_key_change_and_truncate(source, target, directory):
    make_item(source, target)
    source.install()
    service = source.service(directory, target)
    source.execute("insert into item select n, 'row ' || n, null from generate_series(1, 100) n")
    source.execute("update item set name = 'changed' where id % 3 = 0")
    source.execute("update item set id = id + 1000 where id % 5 = 0")
    source.execute("delete from item where id % 7 = 0")
    service.run()
    assert source.same(target, "item")
    source.transaction("truncate item", "insert into item values (1, 'after', 'x')")
    service.run()
    assert target.query("select * from item") == [(1, "after", "x")]


@pytest.fixture
def running(source, file_target, directory):
    """A service from table item into SQLite, started, with the first row there."""
    make_item(source, file_target)
    source.install()
    service = source.service(directory, file_target)
    service.options["block"]["max_interval"] = "0s"
    service.options["source"]["status_interval"] = "100ms"
    service.start()
    source.execute("insert into item values (1, 'first', 'x')")
    assert source.wait_same(file_target, "item")
    return service


# --- replica identities

def test_identity_index_deletes_and_updates_by_the_columns_of_the_index(source, warehouse, directory):
    for database in (source, warehouse):
        database.execute("create table part (id int, code text not null, note text)")
        database.execute("create unique index part_code on part (code)")
    source.execute("alter table part replica identity using index part_code")
    source.install()
    service = source.service(directory, warehouse)
    source.execute("insert into part select n, 'c' || n, 'n' from generate_series(1, 20) n")
    source.execute("update part set note = 'm', id = null where id < 5")
    source.execute("update part set code = 'k' || code where id between 6 and 9")
    source.execute("delete from part where id > 15")
    service.run()
    assert source.same(warehouse, "part")


def test_identity_full_takes_the_key_of_the_table(source, warehouse, directory):
    make_item(source, warehouse, "full")
    source.install()
    service = source.service(directory, warehouse)
    source.execute("insert into item select n, 'row', repeat(md5(n::text), 500)"
                   " from generate_series(1, 10) n")
    source.execute("update item set name = null where id = 3")
    source.execute("update item set id = 40 where id = 4")
    source.execute("delete from item where id in (5, 6)")
    service.run()
    assert source.same(warehouse, "item")


def test_identity_nothing_carries_inserts_and_the_server_refuses_updates(source, warehouse, directory):
    make_item(source, warehouse, "nothing")
    source.install()
    service = source.service(directory, warehouse)
    service.rules = [{"match": "public.item", "target": "item", "key": ["id"]}]
    source.execute("insert into item values (1, 'a', 'b'), (2, 'c', null)")
    with pytest.raises(psycopg2.Error, match="does not have a replica identity"):
        source.execute("update item set name = 'd' where id = 1")
    service.run()
    assert source.same(warehouse, "item")


def test_a_table_without_any_key_is_an_error_that_names_it_and_the_way_out(
        source, file_target, directory):
    source.execute("create table heap (a int, b text)")
    file_target.execute("create table heap (a int, b text)")
    source.install()
    service = source.service(directory, file_target)
    source.execute("insert into heap values (1, 'x')")
    said = service.run(expect=3).stderr
    assert "table public.heap has no key" in said and "key: [column" in said


# --- transactions

def test_rows_of_rolled_back_savepoints_never_come(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    service = source.service(directory, file_target)
    source.transaction("insert into item values (1, 'kept', null)", "savepoint a",
                       "insert into item select n, 'gone', null from generate_series(2, 5000) n",
                       "savepoint b", "update item set name = 'gone' where id = 1",
                       "rollback to a", "insert into item values (2, 'kept', null)",
                       "savepoint c", "insert into item values (3, 'kept', null)", "release c")
    service.run()
    assert file_target.query("select id, name from item order by id") == [
        (1, "kept"), (2, "kept"), (3, "kept")]
    assert service.status()["seqno"] == 1


def test_commits_without_a_flushed_wal_are_there_until_the_end(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    service = source.service(directory, file_target)
    for number in range(1, 4):
        source.execute("set synchronous_commit = off")
        source.execute("insert into item values (%s, 'a', null)", number)
        service.run()
        assert source.same(file_target, "item")


def test_a_truncate_of_several_tables_empties_each(source, warehouse, directory):
    for database in (source, warehouse):
        database.execute("create table parent (id int primary key)")
    source.execute("create table child (id serial primary key, p int references parent)")
    warehouse.execute("create table child (id int primary key, p int)")
    source.install()
    service = source.service(directory, warehouse)
    source.execute("insert into parent values (1), (2)")
    source.execute("insert into child (p) values (1), (2), (2)")
    service.run()
    source.transaction("insert into parent values (3)",
                       "truncate parent restart identity cascade",
                       "insert into parent values (4)", "insert into child (p) values (4)")
    service.run()
    assert source.same(warehouse, "parent") and source.same(warehouse, "child")
    assert warehouse.query("select id, p from child") == [(1, 4)]


def test_memory_does_not_grow_with_the_rows_of_a_transaction(source, file_target, directory, tell):
    """3 bytes a row would be seen."""
    source.execute("create table big (id int primary key, n int)")
    file_target.execute("create table big (id integer primary key, n integer)")
    source.install()
    service = source.service(directory, file_target)
    # what may grow up to a limit has reached it with the fewer rows
    service.options["block"].update(retain="none", compact_memory="1MiB")
    peaks = []
    for first, last in ((1, 100_000), (100_001, 700_000)):
        source.execute(f"insert into big select n, -n from generate_series({first}, {last}) n")
        done = Watched([program(), "run", service.write(), "--until-end"], env=environment())
        assert done.returncode == 0, done.stderr
        peaks.append(done.peak_kib)
        assert file_target.query("select count(*), sum(n) from big") == [
            (last, -last * (last + 1) // 2)]
        assert service.status()["seqno"] == len(peaks)
    tell(f"peak resident {peaks[0]} KiB with 100,000 rows in one transaction, {peaks[1]} KiB with "
         "600,000")
    assert 0 < peaks[1] < peaks[0] + 2048
    assert peaks[1] < 60 * 1024


# --- what is lost, and comes again

def test_kills_of_the_program_lose_and_double_nothing(source, file_target, directory):
    make_item(source, file_target)
    file_target.execute("create table line (id integer primary key, item integer)")
    source.execute("create table line (id int primary key, item int)")
    source.install()
    service = source.service(directory, file_target)
    service.options["block"]["max_interval"] = "0s"
    for number in range(6):
        service.start()
        for step in range(30):
            key = number * 30 + step
            source.transaction(f"insert into item values ({key}, 'a', null)",
                               f"insert into line values ({key}, {key})",
                               f"update item set name = 'b' where id = {key - 1}")
        service.kill()
    service.run()
    assert source.same(file_target, "item") and source.same(file_target, "line")


def test_a_restart_of_the_server_is_survived_and_not_held_up(source, file_target, running):
    started = time.monotonic()
    source.restart()
    assert time.monotonic() - started < 15
    source.execute("insert into item values (2, 'second', 'y')")
    assert source.wait_same(file_target, "item")
    source.kill()
    source.start()
    source.execute("insert into item values (3, 'third', 'z')")
    assert source.wait_same(file_target, "item")
    running.stop()


def test_a_fast_shutdown_does_not_wait_for_a_target_that_is_away(source, warehouse, directory):
    make_item(source, warehouse)
    source.install()
    service = source.service(directory, warehouse)
    service.options["block"]["max_interval"] = "0s"
    service.start()
    source.execute("insert into item values (1, 'first', null)")
    assert source.wait_same(warehouse, "item")
    blocker = warehouse.server.connect(warehouse.name)
    blocker.autocommit = False
    blocker.cursor().execute("lock table item")
    source.execute("insert into item values (2, 'second', null)")
    time.sleep(0.3)
    started = time.monotonic()
    source.restart()
    took = time.monotonic() - started
    blocker.close()
    assert took < 20
    assert source.wait_same(warehouse, "item")
    service.stop()


def test_a_connection_cut_inside_of_a_transaction_loses_nothing(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    os.mkdir(os.path.join(directory, "s"))
    proxy = CuttingProxy(os.path.join(directory, "s", ".s.PGSQL.5432"),
                         os.path.join(source.server.directory, ".s.PGSQL.5432"), 400000, 3)
    service = source.service(directory, file_target)
    service.options["source"]["connection"] = (
        f"host={directory}/s user=postgres dbname={source.name}")
    source.execute("insert into item select n, 'small', null from generate_series(1, 10) n")
    source.execute("insert into item select n, 'row ' || n, repeat('x', 50)"
                   " from generate_series(100, 8000) n")
    source.execute("update item set name = 'after' where id < 20")
    said = service.run().stderr
    proxy.close()
    assert proxy.cuts == 3 and "connection to the source lost" in said
    assert source.same(file_target, "item")


def test_a_walsender_that_is_terminated_is_replaced(source, file_target, running):
    for number in range(2, 5):
        source.execute("select pg_terminate_backend(%s)", source.active_pid())
        source.execute("insert into item values (%s, 'again', 'y')", number)
        assert source.wait_same(file_target, "item")
    running.stop()


# --- the confirmed position

def test_the_confirmed_position_waits_for_the_target(source, warehouse, directory):
    make_item(source, warehouse)
    source.install()
    service = source.service(directory, warehouse, status_interval="50ms")
    service.options["block"]["max_interval"] = "0s"
    service.start()
    source.execute("insert into item values (1, 'a', null)")
    assert source.wait_same(warehouse, "item")
    blocker = warehouse.server.connect(warehouse.name)
    blocker.autocommit = False
    blocker.cursor().execute("lock table item")
    source.execute("insert into item values (2, 'b', null)")
    after = source.end_of_wal()
    time.sleep(1)
    assert source.confirmed() < after
    blocker.close()
    assert source.wait_same(warehouse, "item")
    source.wait_for(lambda: source.confirmed() >= after - 200)
    service.stop()


def test_opening_the_stream_again_confirms_nothing_that_is_only_on_its_way(
        source, warehouse, directory):
    make_item(source, warehouse)
    source.install()
    service = source.service(directory, warehouse, status_interval="50ms")
    service.options["block"]["max_interval"] = "0s"
    service.start()
    source.execute("insert into item values (1, 'a', null)")
    assert source.wait_same(warehouse, "item")
    before = source.end_of_wal()
    blocker = warehouse.server.connect(warehouse.name)
    blocker.autocommit = False
    blocker.cursor().execute("lock table item in exclusive mode")
    source.execute("insert into item values (2, 'b', null)")
    # two blocks are written, the first one waits for the lock
    source.wait_for(lambda: len(service.block_directories()) >= 2)
    source.execute("insert into item values (3, 'c', null)")
    pid = source.active_pid()
    source.execute("select pg_terminate_backend(%s)", pid)
    source.wait_for(lambda: source.active_pid() not in (None, pid))
    time.sleep(0.5)
    assert source.confirmed() <= before
    blocker.close()
    assert source.wait_same(warehouse, "item")
    service.stop()


def test_the_heartbeat_writes_wal(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    service = source.service(directory, file_target, heartbeat="20ms")
    service.start()
    source.wait_for(lambda: source.active_pid() is not None)
    before = source.end_of_wal()
    source.wait_for(lambda: source.end_of_wal() > before + 200)
    service.stop()


def test_much_retained_wal_is_told(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    source.execute("insert into item select n, 'row', repeat('x', 100)"
                   " from generate_series(1, 20000) n")
    service = source.service(directory, file_target, retained_warn="1MiB")
    service.start()
    source.wait_for(lambda: "MiB of WAL for replication slot" in service.output())
    assert f'"{source.slot}" (warned above 1 MiB, retained_warn)' in service.output()
    service.stop()


# --- slots and publications that do not fit

def failing(source, target, directory, expect=4, **options):
    service = source.service(directory, target, **options)
    return service.run(expect=expect).stderr


def test_a_missing_slot_says_how_it_is_made(source, file_target, directory):
    make_item(source, file_target)
    source.install(slot=False)
    said = failing(source, file_target, directory)
    assert f'replication slot "{source.slot}" does not exist: dray install makes it' in said


def test_a_slot_that_was_dropped_says_that_changes_are_lost(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    service = source.service(directory, file_target)
    source.execute("insert into item values (1, 'a', null)")
    service.run()
    source.drop_slot()
    said = service.run(expect=4).stderr
    assert "does not exist any more, and with it the changes" in said and "dray bootstrap" in said
    source.make_slot()
    said = service.run(expect=4).stderr
    assert "is ahead of the target's position" in said


def test_a_slot_ahead_of_the_target_is_refused_and_loses_nothing(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    service = source.service(directory, file_target)
    source.execute("insert into item values (1, 'a', null)")
    service.run()
    source.execute("insert into item values (2, 'b', null)")
    source.execute("select pg_replication_slot_advance(%s, pg_current_wal_lsn())", source.slot)
    said = service.run(expect=4).stderr
    assert "which is ahead of the target's position" in said
    assert "dray replay" in said and "dray bootstrap" in said
    assert file_target.query("select id from item") == [(1,)]


def test_a_slot_in_use_is_waited_for(source, file_target, directory, running):
    other = source.service(directory, file_target, "other")
    other.options["retry"]["max_time"] = "300ms"
    said = other.run(expect=4).stderr
    assert f'replication slot "{source.slot}" is active for PID {source.active_pid()}' in said
    running.stop()


def test_slots_of_another_plugin_kind_or_database_are_named(source, file_target, directory):
    make_item(source, file_target)
    source.install(slot=False)
    source.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", source.slot)
    said = failing(source, file_target, directory)
    assert "belongs to the plugin test_decoding, not to pgoutput" in said
    source.drop_slot()
    source.execute("select pg_create_physical_replication_slot(%s)", source.slot)
    said = failing(source, file_target, directory)
    source.execute("select pg_drop_replication_slot(%s)", source.slot)
    assert "is a physical one" in said
    source.make_slot()
    said = failing(source, file_target, directory,
                   connection=source.server.conninfo("postgres"))
    assert f'belongs to database "{source.name}", the connection leads to "postgres"' in said


def test_a_missing_publication_is_named(source, file_target, directory):
    make_item(source, file_target)
    source.make_slot()
    said = failing(source, file_target, directory)
    assert f'publication "{source.publication}" does not exist: dray install makes it' in said


def test_a_publication_that_is_younger_than_the_slot_is_explained(source, file_target, directory):
    make_item(source, file_target)
    source.make_slot()
    source.execute("insert into item values (1, 'a', null)")
    source.install(slot=False)
    said = failing(source, file_target, directory)
    assert "is younger than changes that the slot has still to send" in said


def test_an_invalidated_slot_says_why_and_the_way_out(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    try:
        source.execute("alter system set max_slot_wal_keep_size = '1MB'")
        source.execute("select pg_reload_conf()")
        for _ in range(3):
            source.execute("insert into item select n, 'x', repeat('y', 100)"
                           " from generate_series(1, 5000) n on conflict do nothing")
            source.execute("select pg_switch_wal()")
            source.execute("checkpoint")
        said = failing(source, file_target, directory)
    finally:
        source.execute("alter system reset max_slot_wal_keep_size")
        source.execute("select pg_reload_conf()")
    assert "was invalidated" in said and "max_slot_wal_keep_size" in said
    assert "dray bootstrap" in said


def test_a_publication_altered_while_running_is_told_and_followed(source, warehouse, directory):
    for database in (source, warehouse):
        database.execute("create table a (id int primary key)")
        database.execute("create table b (id int primary key)")
    source.install("table a")
    service = source.service(directory, warehouse, status_interval="50ms")
    service.options["block"]["max_interval"] = "0s"
    service.start()
    source.execute("insert into a values (1)")
    assert source.wait_same(warehouse, "a")
    source.wait_for(lambda: source.value("select count(*) from pg_stat_activity"
                                         " where application_name = 'dray'") >= 2)
    time.sleep(0.6)
    source.execute(f"alter publication {source.publication} add table b")
    source.execute("insert into b values (1)")
    assert source.wait_same(warehouse, "b")
    source.wait_for(lambda: "now in publication" in service.output())
    source.execute(f"alter publication {source.publication} drop table a")
    source.execute("insert into a values (2)")
    source.wait_for(lambda: "do not reach the target: public.a" in service.output())
    source.execute("insert into b values (2)")
    assert source.wait_same(warehouse, "b")
    assert warehouse.query("select id from a") == [(1,)]
    service.stop()


def test_what_a_publication_does_not_publish_is_told(source, file_target, directory):
    make_item(source, file_target)
    source.install(options="with (publish = 'insert, update')")
    service = source.service(directory, file_target)
    said = service.run().stderr
    assert "does not publish delete, truncate" in said


def test_check_tells_server_slot_and_wal(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    said = source.service(directory, file_target).command("check").stdout
    assert "source: PostgreSQL 15" in said
    assert source.slot in said and source.publication in said


def test_passwords_are_in_no_message(source, file_target, directory):
    make_item(source, file_target)
    said = failing(source, file_target, directory,
                   connection=f"host={source.server.directory} user=nobody password=s3cret-word "
                              f"dbname={source.name}")
    assert 'role "nobody" does not exist' in said and "s3cret" not in said
    said = failing(source, file_target, directory, expect=3,
                   connection="host = = s3cret-word password")
    assert "not a connection string" in said and "s3cret" not in said


def test_a_role_without_the_replication_right_is_told(source, file_target, directory):
    make_item(source, file_target)
    source.install()
    role = f"r_{source.name}"
    source.execute(f"create role {role} login")
    try:
        said = failing(source, file_target, directory,
                       connection=f"host={source.server.directory} user={role} "
                                  f"dbname={source.name}")
    finally:
        source.execute(f"drop role {role}")
    assert "the role needs the right to replicate (ALTER ROLE" in said


def test_text_of_an_unknown_encoding_is_refused_by_name(source_server, file_target, directory):
    source = PostgresSource(source_server, "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
    try:
        make_item(source, file_target)
        source.install()
        service = source.service(directory, file_target)
        source.execute("insert into item values (1, 'fine', null)")
        service.run()
        source.execute("insert into item values (2, convert_from('\\xe4', 'SQL_ASCII'), null)")
        said = service.run(expect=4).stderr
        assert "invalid byte sequence" in said and "encoding SQL_ASCII" in said
    finally:
        source.drop()


# --- values, partitions, columns

def test_values_outside_of_the_row_survive_updates_that_do_not_touch_them(
        source, warehouse, directory):
    make_item(source, warehouse)
    source.execute("alter table item alter big set storage external")
    source.install()
    service = source.service(directory, warehouse)
    source.execute("insert into item select n, 'new', repeat(md5(n::text), 200)"
                   " from generate_series(1, 8) n")
    source.execute("update item set name = 'same block' where id < 3")
    service.run()
    source.execute("update item set name = 'later block' where id in (2, 3)")
    source.transaction("update item set id = 40, name = 'moved' where id = 4",
                       "update item set name = 'moved and changed' where id = 40")
    source.execute("update item set big = 'short' where id = 5")
    service.run()
    assert source.same(warehouse, "item")


@pytest.mark.parametrize("via_root", [False, True])
def test_partitions_come_under_their_own_name_or_the_roots(source, warehouse, directory, via_root):
    source.execute("create table sale (id int primary key, n int) partition by range (id)")
    source.execute("create table sale_1 partition of sale for values from (1) to (100)")
    source.execute("create table sale_2 partition of sale for values from (100) to (200)")
    for name in ["sale"] if via_root else ["sale_1", "sale_2"]:
        warehouse.execute(f"create table {name} (id int primary key, n int)")
    source.install(options=f"with (publish_via_partition_root = {str(via_root).lower()})")
    service = source.service(directory, warehouse)
    source.execute("insert into sale select n, n from generate_series(50, 150) n")
    source.execute("update sale set id = id + 120 where id between 60 and 70")
    source.execute("delete from sale where n % 4 = 0")
    service.run()
    for name in ["sale"] if via_root else ["sale_1", "sale_2"]:
        assert source.same(warehouse, name)


def test_every_built_in_type_arrives_with_the_same_text(source, warehouse, directory):
    for database in (source, warehouse):
        database.execute("create type mood as enum ('sad', 'it''s ok')")
        database.execute("create type pair as (a int, b text)")
        database.execute("create domain raw as bytea")
        database.execute(
            "create table every (id int primary key, b bool, n numeric, r real, d double precision,"
            " m money, c char(5), y bytea, da date, tz timetz, ts timestamp, tt timestamptz,"
            " iv interval, j json, jb jsonb, u uuid, ip inet, bi bit(4), vb varbit, tv tsvector,"
            " x xml, pt point, pg polygon, ra int4range, mr int4multirange, a int[], aa text[][],"
            " ya bytea[], e mood, ea mood[], p pair, do2 raw)")
    source.install()
    source.execute(
        "insert into every values (1, true, 'NaN', '-infinity', 1e-300, -12.5, 'c', '\\x00ff',"
        " '0044-03-15 BC', '12:00+05:30', 'infinity', '0001-01-01 12:00+02 BC',"
        " '-1 year 2 mons -3 days 04:05:06.7', '{ \"a\" : 1 }', '{ \"a\" : 1.0 }',"
        " '00000000-0000-0000-0000-00000000000a', '10.0.0.1/8', B'0101', B'1', 'a fat cat:3A',"
        " '<a>b</a>', '(1,2)', '((0,0),(1,1),(2,0))', '[1,5)', '{[1,2),[5,9)}', '{{1,2},{3,NULL}}',"
        " '{{\"a,b\",\"\"},{NULL,\"NULL\"}}', array['\\x00'::bytea], 'it''s ok', '{sad}',"
        " row(1, 'x \"y'), '\\x01')")
    source.execute("insert into every (id, n) values (2, repeat('9', 1000)::numeric / 7)")
    source.execute("insert into every (id) values (3)")
    source.service(directory, warehouse).run()
    assert source.same(warehouse, "every")


def test_generated_columns_are_left_to_the_target_and_identity_columns_come(
        source, warehouse, directory):
    source.execute("create table item (id int generated always as identity primary key, a int,"
                   " b int generated always as (a * 2) stored)")
    warehouse.execute("create table item (id int primary key, a int,"
                      " b int generated always as (a * 2) stored)")
    source.install()
    service = source.service(directory, warehouse)
    source.execute("insert into item (a) values (1), (2)")
    source.execute("update item set a = 5 where id = 2")
    service.run()
    assert source.same(warehouse, "item")


def test_columns_added_inside_of_a_transaction_divide_its_rows(source, warehouse, directory):
    for database in (source, warehouse):
        database.execute("create table item (id int primary key, a text)")
    warehouse.execute("alter table item add b int default 7")
    source.install()
    service = source.service(directory, warehouse)
    source.transaction("insert into item values (1, 'before')",
                       "alter table item add b int default 7",
                       "insert into item values (2, 'after', 8)",
                       "update item set a = 'late' where id = 1")
    service.run()
    assert source.same(warehouse, "item")


@pytest.mark.parametrize("point", ["open:1", "open:3", "query:2", "query:7", "stream:20",
                                   "stream:2000"])
def test_a_connection_lost_at_any_call_is_made_again(source, file_target, directory, point):
    make_item(source, file_target)
    source.install()
    service = source.service(directory, file_target)
    source.execute("insert into item select n, 'row', null from generate_series(1, 3000) n")
    source.execute("update item set name = 'after' where id < 1000")
    said = service.run(env={"DRAY_FAULT": f"fail:source.postgres.{point}"}).stderr
    assert "will try again" in said and "injected fault" in said
    assert source.same(file_target, "item")
