"""Source mysql: where a service stands in the log, through kills, restarts, rotation, other servers."""
import os
import re
import socket
import time

import pytest

import mysql_source as sources
from mysql_source import (each_mysql_source, file_target, mysql_source,  # noqa: F401 (fixtures)
                          mysql_source_server, real_mysql_server, real_mysql_source)
from proxy import CuttingProxy
from service import Watched, environment, program

ITEM = "create table item (id integer primary key, name varchar(50))"


def make_item(source, target):
    for database in (source, target):
        database.execute(ITEM)


def insert(source, first, last):
    source.statements(*(f"insert into item values ({n}, 'row')" for n in range(first, last + 1)))


def live(source, target, directory, **more):
    """A started service that commits each transaction by itself."""
    service = source.service(directory, target, **more)
    service.options["block"]["max_interval"] = "0s"
    service.start()
    return service


@pytest.mark.parametrize("position", ["gtid", "file"])
def test_kills_of_the_service_lose_and_double_nothing(
        each_mysql_source, file_target, directory, position):
    source = each_mysql_source
    make_item(source, file_target)
    service = live(source, file_target, directory, position=position)
    for number in range(8):
        insert(source, number * 100, number * 100 + 30)
        source.execute("update item set name = concat(name, '+') where id % 4 = 0")
        source.wait_for(lambda: file_target.value("select count(*) from item") > number * 31)
        service.kill()
        if number % 3 == 0:
            source.rotate()
        service.start()
    service.kill()
    service.run()
    assert source.same(file_target, "item")
    assert service.status()["seqno"] == 8 * 32


def test_the_server_is_killed_and_restarted_below_a_running_service(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    service = live(source, file_target, directory)
    for number in range(2):
        insert(source, number * 100, number * 100 + 20)
        assert source.wait_same(file_target, "item")
        source.kill()
        source.start()
        insert(source, number * 100 + 21, number * 100 + 40)
        source.restart()
    insert(source, 1000, 1010)
    assert source.wait_same(file_target, "item")
    service.stop()


def test_a_transaction_that_is_cut_off_comes_again_from_its_beginning(
        mysql_source, file_target, directory):
    make_item(mysql_source, file_target)
    path = os.path.join(directory, "proxy")
    proxy = CuttingProxy(path, mysql_source.server.socket, 1500000, 3)
    service = mysql_source.service(directory, file_target, socket=path)
    insert(mysql_source, 1, 3)
    mysql_source.execute("insert into item select seq, 'row' from seq_1001_to_200000")
    mysql_source.execute("update item set name = 'after' where id < 3")
    said = service.run().stderr
    proxy.close()
    assert proxy.cuts == 3 and said.count(" WARN ") >= 1, said
    assert mysql_source.same(file_target, "item")
    assert service.status()["seqno"] == 5


def test_a_position_that_was_purged_is_an_error_with_the_way_out(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    for position in ("gtid", "file"):
        service = source.service(directory, file_target, f"by_{position}", position=position)
        service.options["source"]["start"] = "now"
        service.run()
    insert(source, 1, 3)
    source.rotate()
    insert(source, 4, 5)
    source.purge()
    for service in source.services:
        said = service.run(expect=4).stderr
        assert "purge" in said.lower() and "dray bootstrap" in said
        assert service.command("check", expect=4).returncode == 4


def test_an_idle_service_stays_connected_and_hears_where_the_log_ends(
        mysql_source, file_target, directory):
    source = mysql_source
    make_item(source, file_target)
    service = live(source, file_target, directory, position="file", heartbeat="100ms")
    insert(source, 1, 1)
    assert source.wait_same(file_target, "item")
    # several times the silence after which a connection is given up
    time.sleep(1.2)
    source.rotate()
    source.wait_for(lambda: source.position(file_target) == "%s:%s" % source.place())
    insert(source, 2, 2)
    assert source.wait_same(file_target, "item")
    service.stop()
    assert "WARN" not in service.output()


def test_another_kind_of_position_is_refused(each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    service = source.service(directory, file_target)
    service.run()
    service.options["source"]["position"] = "file"
    said = service.run(expect=4).stderr
    assert "GTIDs of M" in said and "a file's name and an offset would be needed" in said
    assert "set source.position back" in said
    file_target.execute("update dray_position set source_position = '0/1A2B3C'")
    said = service.run(expect=4).stderr
    assert 'position' in said and '0/1A2B3C' in said


def test_compressed_logs(each_mysql_source, file_target, directory):
    source = each_mysql_source
    source.execute("create table item (id int primary key, big longtext)")
    file_target.execute("create table item (id integer primary key, big text)")
    if source.is_mariadb:
        source.settings(log_bin_compress=1, log_bin_compress_min_len=10)
    else:
        source.settings(binlog_transaction_compression=1)
    service = source.service(directory, file_target)
    source.execute("insert into item values (1, repeat('a', 1000)), (2, 'b')")
    source.transaction("insert into item values (3, repeat('c', 5000000))",
                       "update item set big = concat(big, 'x')", "savepoint s",
                       "insert into item values (4, repeat('d', 5000000))", "rollback to s",
                       "delete from item where id = 2")
    source.execute("create table other_table_with_a_long_statement (id int primary key,"
                   " some_column_of_it int, another_column_of_it int)")
    source.execute("insert into item values (5, 'e')")
    service.run()
    assert source.same(file_target, "item")
    assert service.status()["seqno"] == 3


# --- several servers

def test_gtids_of_several_domains(mysql_source, file_target, directory):
    make_item(mysql_source, file_target)
    service = mysql_source.service(directory, file_target)
    for number in range(12):
        mysql_source.statements(f"insert into item values ({number}, 'domain')",
                                gtid_domain_id=number % 3 * 7)
        if number % 5 == 4:
            service.run()
            assert mysql_source.same(file_target, "item")
    service.run()
    assert mysql_source.same(file_target, "item")
    position = mysql_source.position(file_target)
    assert re.fullmatch(r"0-11-\d+,7-11-\d+,14-11-\d+", position)
    assert position == mysql_source.gtids()


def test_transactions_of_other_servers_that_are_ignored(mysql_source, file_target, directory):
    mysql_source.settings(binlog_row_metadata="FULL")
    make_item(mysql_source, file_target)
    service = mysql_source.service(directory, file_target, ignore_server_ids=["77", "78"])
    own = service.options["source"]["server_id"]
    for number, server_id in enumerate([11, 77, 11, own, 78, 79], 1):
        mysql_source.statements(f"insert into item values ({number}, '{server_id}')",
                                server_id=server_id)
    mysql_source.statements("truncate item", server_id=78)
    # a table that they made is one that we know
    mysql_source.statements("alter table item add column more int", server_id=77)
    file_target.execute("alter table item add column more int")
    mysql_source.execute("insert into item values (10, 'more', 5)")
    service.run()
    assert file_target.query("select id from item order by id") == [(1,), (3,), (6,), (10,)]
    assert mysql_source.position(file_target) == mysql_source.gtids()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_a_replica_becomes_the_source(file_target, directory):
    networking = {"skip-networking": False, "bind-address": "127.0.0.1",
                  "innodb-buffer-pool-size": "64M"}
    port = free_port()
    first = sources.make_mariadb(port=port, **networking)
    second = sources.make_mariadb(**{"server-id": "21", "port": free_port(), **networking})
    try:
        source = sources.MysqlSource(first)
        for statement in ("create user replica@'127.0.0.1' identified by 'x'",
                          "grant replication slave on *.* to replica@'127.0.0.1'"):
            source.execute(statement)
        connection = second.connect()
        cursor = connection.cursor()
        cursor.execute(f"change master to master_host = '127.0.0.1', master_port = {port},"
                       " master_user = 'replica', master_password = 'x',"
                       " master_use_gtid = slave_pos")
        cursor.execute("start slave")
        make_item(source, file_target)
        service = live(source, file_target, directory)
        insert(source, 1, 20)
        assert source.wait_same(file_target, "item")
        service.kill()
        insert(source, 21, 40)
        cursor.execute("select master_gtid_wait(%s, 60)", source.gtids())
        assert cursor.fetchone() == (0,)
        cursor.execute("stop slave")
        source.kill()
        # the same transactions are at other places in this server's log
        source.server = second
        source.disconnect()
        insert(source, 41, 50)
        service.options["source"]["socket"] = second.socket
        service.start()
        assert source.wait_same(file_target, "item")
        service.stop()
        assert re.fullmatch(r"0-21-\d+", source.position(file_target))
        assert service.status()["seqno"] == 50
        connection.close()
        source.drop()
    finally:
        first.remove()
        second.remove()


def test_a_large_transaction_does_not_need_much_memory(mysql_source, file_target, directory, tell):
    for database in (mysql_source, file_target):
        database.execute("create table small (id integer primary key)")
    rows = 700_000
    peaks = {}
    for name, first, last in (("few", 1, 100_000), ("many", 100_001, rows)):
        service = mysql_source.service(directory, file_target)
        # what may grow up to a limit has reached it with the fewer rows
        service.options["block"]["compact_memory"] = "1MiB"
        mysql_source.execute(f"insert into small select seq from seq_{first}_to_{last}")
        done = Watched([program(), "run", service.write(), "--until-end"], env=environment())
        assert done.returncode == 0, done.stderr
        peaks[name] = done.peak_kib
    assert file_target.value("select count(*) from small") == rows
    tell(f"a transaction of 600,000 rows took {peaks['many']} KiB, one of 100,000 rows"
         f" {peaks['few']} KiB")
    # 8 bytes a row would be seen; SQLite's own cache still grows by some of that
    assert peaks["many"] < peaks["few"] + 4096
