"""Source mysql: rows of XA transactions come when they commit, whatever happens in between."""
import re

import pytest

from mysql_source import (each_mysql_source, file_target, mysql_source,  # noqa: F401 (fixtures)
                          mysql_source_server, real_mysql_server, real_mysql_source)


@pytest.fixture
def source(each_mysql_source, file_target):
    for database in (each_mysql_source, file_target):
        database.execute("create table item (id integer primary key, name varchar(50))")
    each_mysql_source.execute("create table large (id int primary key, big longtext)")
    file_target.execute("create table large (id integer primary key, big text)")
    return each_mysql_source


def prepare(source, name, *statements, **session):
    """XA START … XA PREPARE; the session goes."""
    source.statements(f"xa start {name}", *statements, f"xa end {name}", f"xa prepare {name}",
                      **session)


def items(target):
    return [row[0] for row in target.query("select id from item order by id")]


@pytest.mark.parametrize("position", ["gtid", "file"])
def test_rows_come_with_the_commit_and_never_with_a_rollback(source, file_target, directory, position):
    service = source.service(directory, file_target, position=position)
    prepare(source, "'a', 'b', 7", "insert into item values (1, 'a'), (2, 'a')")
    prepare(source, "'gone'", "insert into item values (3, 'gone')")
    source.execute("insert into item values (4, 'in between')")
    service.run()
    assert items(file_target) == [4]
    assert ";xa=7.61.62@log-bin." in source.position(file_target)
    source.execute("xa commit 'a', 'b', 7")
    source.execute("xa rollback 'gone'")
    source.execute("update item set name = upper(name)")
    service.run()
    assert source.same(file_target, "item")
    assert ";xa=" not in source.position(file_target)


def test_commit_in_one_phase(source, file_target, directory):
    service = source.service(directory, file_target)
    source.statements("xa start 'a'", "insert into item values (1, 'a')", "xa end 'a'",
                      "xa commit 'a' one phase")
    source.statements("xa start 'b'", "insert into large values (1, repeat('x', 3000000))",
                      "insert into large values (2, 'after')",
                      "xa end 'b'", "xa commit 'b' one phase")
    service.run()
    assert source.same(file_target, "item")
    assert source.same(file_target, "large")
    assert service.status()["seqno"] == 2


def test_many_at_a_time_and_out_of_order(source, file_target, directory):
    service = source.service(directory, file_target)
    for number in range(8):
        prepare(source, f"'t{number}'", f"insert into item values ({number}, 't{number}')",
                f"insert into item values ({number + 100}, 'second')")
    for number in (3, 1, 7):
        source.execute(f"xa commit 't{number}'")
    service.run()
    assert items(file_target) == [1, 3, 7, 101, 103, 107]
    source.rotate()
    for number in (0, 2, 4):
        source.execute(f"xa commit 't{number}'")
    source.execute("insert into item values (50, 'between')")
    for number in (5, 6):
        source.execute(f"xa rollback 't{number}'")
    service.run()
    assert source.same(file_target, "item")


def test_the_service_is_killed_between_prepare_and_commit(source, file_target, directory):
    service = source.service(directory, file_target)
    service.options["block"]["max_interval"] = "0s"
    service.start()
    prepare(source, "'a'", "insert into item values (1, 'a')")
    source.execute("insert into item values (2, 'b')")
    source.wait_for(lambda: items(file_target) == [2])
    service.kill()
    source.restart()
    service.start()
    source.execute("insert into item values (3, 'c')")
    source.wait_for(lambda: items(file_target) == [2, 3])
    source.execute("xa commit 'a'")
    assert source.wait_same(file_target, "item")
    service.kill()
    service.run()
    assert source.same(file_target, "item")


def test_a_large_one_comes_whole(source, file_target, directory):
    service = source.service(directory, file_target)
    big = [f"insert into large values ({n}, repeat('x', 700000))" for n in range(5)]
    prepare(source, "'a'", *big, "savepoint s", "insert into large values (10, 'out')",
            "rollback to s", "insert into large values (11, 'in')")
    service.run()
    assert file_target.value("select count(*) from large") == 0
    source.execute("xa commit 'a'")
    service.run()
    assert source.same(file_target, "large")
    assert service.status()["seqno"] == 1


def test_names_of_any_bytes(source, file_target, directory):
    service = source.service(directory, file_target)
    name = "x'00ff2c27', x'3b3d40', 2147483647"
    prepare(source, name, "insert into item values (1, 'a')")
    service.run()
    source.execute(f"xa commit {name}")
    service.run()
    assert source.same(file_target, "item")


def test_one_that_was_prepared_before_the_service_began_is_refused(source, file_target, directory):
    service = source.service(directory, file_target, start="now")
    prepare(source, "'a'", "insert into item values (1, 'a')")
    said = service.run(expect=4).stderr
    assert "1 XA transactions are prepared at the server and not ended (XA RECOVER shows them)" in said
    # one that nobody could see
    service.options["source"]["start"] = "oldest"
    service.run()
    position = source.position(file_target)
    file_target.execute("update dray_position set source_position = ?", position.split(";")[0])
    source.execute("insert into item values (2, 'b')")
    source.execute("xa commit 'a'")
    said = service.run(expect=4).stderr
    assert re.search(r'log-bin\.\d+:\d+: the statement "XA COMMIT.*" commits rows that were prepared'
                     " before the place where this service began", said)
    assert items(file_target) == [2]
    service.options["source"]["statements"] = "skip"
    source.execute("insert into item values (3, 'c')")
    service.run()
    assert items(file_target) == [2, 3]


def test_rows_that_were_purged_before_the_commit_are_an_error(
        real_mysql_source, file_target, directory):
    # MariaDB keeps such a log
    source = real_mysql_source
    for database in (source, file_target):
        database.execute("create table item (id integer primary key, name varchar(50))")
    service = source.service(directory, file_target)
    prepare(source, "'a'", "insert into item values (1, 'a')")
    service.run()
    source.rotate()
    service.run()
    source.purge()
    source.execute("xa commit 'a'")
    said = service.run(expect=4).stderr
    assert "XA COMMIT" in said and "purge" in said.lower()


def test_compressed_ones(source, file_target, directory):
    if source.is_mariadb:
        source.settings(log_bin_compress=1, log_bin_compress_min_len=10)
        session = {}
    else:
        session = {"binlog_transaction_compression": 1}
    service = source.service(directory, file_target)
    prepare(source, "'a'", "insert into item values (1, repeat('a', 40))", **session)
    prepare(source, "'b'", "insert into large values (1, repeat('x', 3000000))",
            "insert into large values (2, repeat('y', 3000000))", **session)
    source.statements("xa start 'c'", "insert into large values (3, repeat('x', 3000000))",
                      "insert into large values (4, 'c')", "xa end 'c'", "xa commit 'c' one phase",
                      **session)
    service.run()
    assert items(file_target) == []
    source.execute("xa commit 'b'")
    source.execute("xa commit 'a'")
    service.run()
    assert source.same(file_target, "item")
    assert source.same(file_target, "large")
