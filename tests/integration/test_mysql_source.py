"""Source mysql: changes of a live MariaDB or MySQL database arrive, whatever stands in its log."""
import os
import re
import time

import pymysql
import pytest

import mysql_source as sources
import targets
from mysql_source import (each_mysql_source, file_target, mysql_source,  # noqa: F401 (fixtures)
                          mysql_source_server, real_mysql_server, real_mysql_source, warehouse)
from service import Failed

ITEM = "create table item (id integer primary key, name varchar(50), big longtext)"


def make_item(source, target, more=""):
    source.execute(ITEM + more)
    target.execute("create table item (id integer primary key, name varchar(50),"
                   f" big {'longtext' if target.kind == 'mysql' else 'text'})")


def insert(source, first, last, name="row"):
    source.statements(*(f"insert into item values ({n}, '{name} {n}', null)"
                        for n in range(first, last + 1)))


# --- changes

def test_insert_update_delete_key_change_and_truncate(mysql_source, target, directory):
    make_item(mysql_source, target)
    service = mysql_source.service(directory, target)
    mysql_source.execute("insert into item select seq, concat('row ', seq), null from seq_1_to_100")
    mysql_source.execute("update item set name = 'changed' where id % 3 = 0")
    mysql_source.execute("update item set id = id + 1000 where id % 5 = 0")
    mysql_source.execute("delete from item where id % 7 = 0")
    service.run()
    assert mysql_source.same(target, "item")
    mysql_source.execute("truncate item")
    mysql_source.execute("insert into item values (1, 'after', 'x')")
    service.run()
    assert target.query("select * from item") == [(1, "after", "x")]


@pytest.mark.parametrize("position", ["gtid", "file"])
def test_a_service_goes_on_where_it_stood(each_mysql_source, file_target, directory, position):
    source = each_mysql_source
    make_item(source, file_target)
    service = source.service(directory, file_target, position=position)
    for round_number in range(3):
        insert(source, round_number * 10, round_number * 10 + 9)
        source.execute("update item set name = upper(name) where id % 10 = 4")
        service.run()
        assert source.same(file_target, "item")
        expected = source.gtids() if position == "gtid" else "%s:%s" % source.place()
        assert source.position(file_target) == expected
    source.rotate()
    source.execute("delete from item where id < 5")
    service.run()
    assert source.same(file_target, "item")
    assert service.status()["seqno"] == 34


def test_a_service_that_starts_now_begins_where_the_log_ends(each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    insert(source, 1, 3)
    service = source.service(directory, file_target, start="now")
    service.run()
    # committed at once: a transaction that comes before the next start must not be lost
    assert source.position(file_target) == source.gtids()
    assert file_target.query("select * from item") == []
    insert(source, 4, 5)
    service.run()
    assert file_target.query("select id from item order by id") == [(4,), (5,)]


def test_transactions_of_other_tables_move_the_position_only(each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    source.execute("create table other (id int primary key)")
    service = source.service(directory, file_target, tables=[f"{source.name}.item"],
                             position="file")
    insert(source, 1, 1)
    for number in range(30):
        source.execute("insert into other values (%s)", number)
    service.run()
    assert source.position(file_target) == "%s:%s" % source.place()
    source.execute("delete from other")
    service.run()
    assert source.position(file_target) == "%s:%s" % source.place()
    assert service.status()["seqno"] == 1


@pytest.mark.parametrize("metadata", ["NO_LOG", "FULL"])
@pytest.mark.parametrize("image", ["FULL", "NOBLOB", "MINIMAL"])
def test_row_images(each_mysql_source, file_target, directory, image, metadata):
    source = each_mysql_source
    if not source.is_mariadb and metadata == "NO_LOG":
        metadata = "MINIMAL"
    source.settings(binlog_row_image=image, binlog_row_metadata=metadata)
    source.execute("create table item (id int primary key, name varchar(50) default 'none',"
                   " n int not null default 7, big longtext)")
    file_target.execute("create table item (id integer primary key, name text, n int, big text)")
    service = source.service(directory, file_target)
    source.statements(
        "insert into item values (1, 'a', 1, repeat('x', 70000)), (2, 'b', 2, null)",
        "insert into item (id) values (3), (4)", "insert into item (id, big) values (5, 'big')",
        "update item set n = n + 10 where id < 4", "update item set name = null where id = 2",
        "update item set id = id + 100 where id in (1, 5)", "update item set big = 'new' where id = 3",
        "delete from item where id = 4")
    service.run()
    assert source.same(file_target, "item")
    # in another block than the row's insert
    source.statements("update item set n = n + 1", "update item set id = 200 where id = 101")
    service.run()
    assert source.same(file_target, "item")


def test_row_images_of_single_sessions(each_mysql_source, warehouse, directory):
    source = each_mysql_source
    make_item(source, warehouse)
    service = source.service(directory, warehouse)
    source.execute("insert into item values (1, 'a', 'long'), (2, 'b', 'long'), (3, 'c', null)")
    for number, image in enumerate(["MINIMAL", "FULL", "NOBLOB"], 1):
        source.statements(f"update item set name = '{image}' where id = {number}",
                          f"update item set big = '{image}' where id = 3",
                          binlog_row_image=image)
    service.run()
    assert source.same(warehouse, "item")


def test_tables_without_a_key_need_a_rule(mysql_source, file_target, directory):
    mysql_source.execute("create table heap (a int, b varchar(10))")
    file_target.execute("create table heap (a int, b text)")
    service = mysql_source.service(directory, file_target)
    mysql_source.execute("insert into heap values (1, 'x'), (2, 'y')")
    said = service.run(expect=3).stderr
    assert f"table {mysql_source.name}.heap has no key" in said
    service.rules = [{"match": "*.heap", "target": "heap", "key": ["a"]}]
    mysql_source.execute("update heap set b = 'z' where a = 1")
    mysql_source.execute("delete from heap where a = 2")
    service.run()
    assert mysql_source.same(file_target, "heap")


def test_create_table_as_select_brings_its_rows(each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    file_target.execute("create table copy (id integer primary key, name text)")
    service = source.service(directory, file_target)
    insert(source, 1, 5)
    source.execute("create table copy (primary key (id)) select id, name from item")
    source.execute("update copy set name = 'changed' where id = 2")
    service.run()
    assert source.same(file_target, "copy")


def test_columns_that_are_added_later_come_with_their_values(each_mysql_source, warehouse, directory):
    source = each_mysql_source
    make_item(source, warehouse)
    service = source.service(directory, warehouse)
    insert(source, 1, 2)
    service.run()
    source.execute("alter table item add column more int, drop column big")
    warehouse.execute("alter table item add column more int")
    source.execute("insert into item values (3, 'c', 30)")
    source.execute("update item set more = 10 where id = 1")
    service.run()
    assert source.same(warehouse, "item", "id, name, more")


# --- statements

def test_truncates_in_all_spellings(each_mysql_source, file_target, directory):
    source = each_mysql_source
    for table in ("one", "two", "three"):
        source.execute(f"create table {table} (id int primary key)")
        file_target.execute(f"create table {table} (id integer primary key)")
    service = source.service(directory, file_target)
    for table in ("one", "two", "three"):
        source.execute(f"insert into {table} values (1), (2)")
    connection = source.server.connect()
    with connection.cursor() as cursor:
        cursor.execute(f"truncate table `{source.name}`.`one`")
        cursor.execute(f"/* a remark */ truncate {source.name} . two")
    connection.close()
    source.execute("insert into one values (3)")
    service.run()
    for table in ("one", "two", "three"):
        assert source.same(file_target, table)


def test_a_table_in_memory_is_empty_after_a_restart(mysql_source, file_target, directory):
    mysql_source.execute("create table item (id int primary key) engine = memory")
    file_target.execute("create table item (id integer primary key)")
    service = mysql_source.service(directory, file_target)
    mysql_source.execute("insert into item values (1), (2)")
    service.run()
    mysql_source.restart()
    mysql_source.execute("insert into item values (3)")
    service.run()
    assert file_target.query("select id from item") == [(3,)]


def test_statements_without_rows_are_of_no_account(each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    service = source.service(directory, file_target)
    user = f"'{source.name}'@'localhost'"
    insert(source, 1, 1)
    for statement in (f"create user {user}", f"grant select on *.* to {user}", f"drop user {user}",
                      "create view seen as select * from item", "analyze table item",
                      "create procedure one() select 1", "flush tables", "optimize table item",
                      "create trigger t before insert on item for each row set new.name = 'by t'",
                      "create temporary table scratch (a int)", "drop temporary table scratch"):
        source.execute(statement)
    insert(source, 2, 2)
    service.run()
    assert source.same(file_target, "item")


def test_a_statement_that_changes_rows_is_refused_by_name_or_skipped(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    service = source.service(directory, file_target)
    insert(source, 1, 1)
    source.statements("insert into item values (2, 'secret', null)",
                      "update item set name = 'secret' where id = 1", binlog_format="STATEMENT")
    insert(source, 3, 3)
    said = service.run(expect=4).stderr
    assert re.search(r'log-bin\.\d+:\d+: the statement "insert into item', said)
    assert "binlog_format = ROW" in said and "source.statements: skip" in said
    assert "secret" not in said
    assert file_target.query("select id from item") == [(1,)]
    service.options["source"]["statements"] = "skip"
    said = service.run().stderr
    assert "2 statements that change rows were passed over" in said and '"update item' in said
    assert file_target.query("select id from item order by id") == [(1,), (3,)]


def test_statements_about_other_schemas_do_not_matter(mysql_source, file_target, directory):
    make_item(mysql_source, file_target)
    service = mysql_source.service(directory, file_target)
    mysql_source.execute(f"create database {mysql_source.name}_x")
    try:
        connection = mysql_source.server.connect(f"{mysql_source.name}_x")
        with connection.cursor() as cursor:
            cursor.execute("set session binlog_format = 'STATEMENT'")
            cursor.execute("create table t (id int primary key)")
            cursor.execute("insert into t values (1), (2)")
            cursor.execute(f"update {mysql_source.name}_x.t set id = 5 where id = 1")
            cursor.execute("truncate t")
        connection.close()
        insert(mysql_source, 1, 1)
        service.run()
        assert mysql_source.same(file_target, "item")
        # but from there it can change a table of ours
        connection = mysql_source.server.connect(f"{mysql_source.name}_x")
        with connection.cursor() as cursor:
            cursor.execute("set session binlog_format = 'STATEMENT'")
            cursor.execute(f"delete from {mysql_source.name}.item")
        connection.close()
        assert 'the statement "delete from' in service.run(expect=4).stderr
    finally:
        mysql_source.execute(f"drop database {mysql_source.name}_x")


def test_partitions_that_are_dropped_with_their_rows_are_refused(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    source.settings(binlog_row_metadata="FULL")
    make_item(source, file_target, " partition by range (id) (partition a values less than (10),"
                                   " partition b values less than (100))")
    service = source.service(directory, file_target)
    source.execute("insert into item values (1, 'a', null), (50, 'b', null)")
    source.execute("alter table item truncate partition a")
    said = service.run(expect=4).stderr
    assert 'the statement "alter table item truncate partition' in said
    assert "dray bootstrap" in said
    service.options["source"]["statements"] = "skip"
    source.execute("delete from item where id = 50")
    service.run()
    assert file_target.query("select id from item") == [(1,)]


# --- transactions

def test_tables_without_transactions(each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target, " engine = myisam")
    service = source.service(directory, file_target)
    source.execute("insert into item values (1, 'a', null)")
    source.execute("update item set name = 'b'")
    with pytest.raises(pymysql.err.IntegrityError):
        source.execute("insert into item values (2, 'in', null), (1, 'twice', null)")
    service.run()
    assert source.same(file_target, "item")
    assert file_target.value("select count(*) from item") == 2


# Rows that are rolled back and stand in the log all the same: MariaDB only.
UNDONE = {
    "back to a savepoint": ["insert into item values (1, 'in', null)", "savepoint a",
                            "insert into noted values (1)",
                            "insert into item values (2, 'out', %(big)s)",
                            "update item set name = 'out'", "rollback to a",
                            "insert into item values (3, 'in', null)", "savepoint `b c`",
                            "insert into item values (4, 'in', null)", "savepoint `d``e`",
                            "delete from item", "rollback to `D``E`", "savepoint a",
                            "delete from item where id = 1", "rollback to `b c`",
                            "insert into item values (5, 'in', null)", "commit"],
    "to the last one of a name": ["savepoint a", "insert into item values (1, 'in', %(big)s)",
                                  "savepoint a", "insert into noted values (1)",
                                  "insert into item values (2, 'out', null)", "rollback to a",
                                  "insert into item values (3, 'in', null)", "commit"],
    "all of it": ["insert into item values (1, 'out', %(big)s)", "insert into noted values (1)",
                  "create temporary table scratch (a int)", "insert into scratch values (1)",
                  "insert into item values (2, 'out', null)", "rollback"],
}


@pytest.mark.parametrize("size", [10, 3000000], ids=["small", "large"])
@pytest.mark.parametrize("kind", UNDONE)
def test_rows_that_were_rolled_back_never_come(mysql_source, file_target, directory, kind, size):
    make_item(mysql_source, file_target)
    mysql_source.execute("create table noted (id int primary key) engine = myisam")
    file_target.execute("create table noted (id integer primary key)")
    service = mysql_source.service(directory, file_target)
    mysql_source.execute("insert into item values (10, 'before', null)")
    mysql_source.statements("begin", *(statement % {"big": f"repeat('x', {size})"}
                                       for statement in UNDONE[kind]))
    mysql_source.execute("insert into item values (11, 'after', null)")
    service.run()
    assert mysql_source.same(file_target, "item")
    assert mysql_source.same(file_target, "noted")
    assert mysql_source.value("select count(*) from item where name = 'out'") == 0


def test_savepoints_that_nobody_goes_back_to(each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target)
    service = source.service(directory, file_target)
    source.transaction("insert into item values (1, 'in', null)", "savepoint a",
                       "insert into item values (2, 'in', repeat('x', 2000000))",
                       "savepoint b", "insert into item values (3, 'out', null)", "rollback to b",
                       "insert into item values (4, 'in', null)", "release savepoint a")
    service.run()
    assert source.same(file_target, "item")
    assert service.status()["seqno"] == 1
