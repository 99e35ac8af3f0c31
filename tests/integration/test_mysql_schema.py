"""The columns of a MariaDB or MySQL source change: in its log, and ahead of it."""
import re
import time

import pytest

from mysql_source import (each_mysql_source, file_target, mysql_source,  # noqa: F401
                          mysql_source_server, real_mysql_server, real_mysql_source, warehouse)
from service import Failed

WAIT_SECONDS = 40
STATEMENT = re.compile(r"run (ALTER TABLE .*?);(?= |$)", re.MULTILINE)

ITEM = "create table item (id int primary key, name varchar(20), n int)"


@pytest.fixture(params=["FULL", "MINIMAL", "NO_LOG"])
def metadata_source(request, each_mysql_source):
    """Each server under each setting of its own."""
    if request.param == "NO_LOG" and not each_mysql_source.is_mariadb:
        pytest.skip("MariaDB only")
    each_mysql_source.settings(binlog_row_metadata=request.param)
    return each_mysql_source


def follow(source, directory, target, policy="stop", **more):
    service = source.service(directory, target, **more)
    service.options["target"]["schema_changes"] = policy
    service.options["block"]["max_interval"] = "0s"
    return service


def columns_of(target, table):
    return [row[1] for row in target.query(f"pragma table_info({table})")]


def stop_reason(service):
    """Run to the end, which fails; returns what it said."""
    done = service.run(expect=None)
    assert done.returncode == 4, f"{done.returncode}\n{done.stderr[-3000:]}"
    return done.stderr


def ready(source, directory, target, **more):
    """item in source and target, equal, and a service that is not running."""
    source.execute(ITEM)
    target.execute(ITEM)
    service = follow(source, directory, target, **more)
    source.execute("insert into item values (1, 'a', 1), (2, 'b', 2)")
    service.run()
    assert source.same(target, "item")
    return service


# ---- DDL in the stream


def test_a_service_that_is_up_to_date_follows_ddl(metadata_source, file_target, directory):
    source, target = metadata_source, file_target
    source.execute(ITEM)
    target.execute(ITEM)
    service = follow(source, directory, target, "add_columns")
    source.execute("insert into item values (1, 'a', 1), (2, 'b', 2)")
    service.start()
    source.wait_same(target, "item")
    source.execute("alter table item add column m int")
    source.execute("insert into item values (3, 'c', 3, 33)")
    source.wait_same(target, "item")
    # the same columns at other places: values must go where their names say
    source.execute("alter table item modify m int after id")
    source.execute("insert into item values (4, 44, 'd', 4)")
    source.execute("update item set m = 11 where id = 1")
    source.wait_same(target, "item", "id, name, n, m")
    source.execute("alter table item drop column n")
    target.execute("alter table item drop column n")
    source.execute("insert into item values (5, 55, 'e')")
    source.execute("delete from item where id = 2")
    source.wait_same(target, "item", "id, name, m")
    service.stop()


def test_another_type_and_another_key_are_followed(each_mysql_source, file_target, directory):
    source, target = each_mysql_source, file_target
    source.settings(binlog_row_metadata="FULL")
    source.execute("create table item (id int, code varchar(5) not null, n int, primary key (id))")
    target.execute("create table item (id integer primary key, code text, n text)")
    service = follow(source, directory, target)
    source.execute("insert into item values (1, 'a', 1), (2, 'b', 2)")
    service.start()
    source.wait_same(target, "item", "id, code")
    source.execute("alter table item modify n varchar(30)")
    source.execute("update item set n = 'text' where id = 1")
    source.wait_same(target, "item", "id, code, n")
    source.execute("alter table item drop primary key, add primary key (code)")
    source.execute("update item set id = 20 where code = 'b'")
    source.execute("delete from item where code = 'a'")
    source.wait_same(target, "item", "id, code, n")
    assert "its key is (" in service.output()
    service.stop()


def test_a_renamed_table_goes_on_under_its_new_name(metadata_source, file_target, directory):
    source, target = metadata_source, file_target
    source.execute(ITEM)
    for name in ("item", "thing"):
        target.execute(ITEM.replace("item", name))
    service = follow(source, directory, target)
    source.execute("insert into item values (1, 'a', 1)")
    service.start()
    source.wait_same(target, "item")
    source.execute("rename table item to thing")
    source.execute("insert into thing values (2, 'b', 2)")
    source.execute(ITEM)
    source.execute("insert into item values (3, 'c', 3)")
    source.wait_for(lambda: target.query("select id from thing") == [(2,)])
    source.wait_for(lambda: target.query("select id from item order by id") == [(1,), (3,)])
    service.stop()


def test_one_transaction_can_have_rows_of_two_shapes(each_mysql_source, warehouse, directory):
    source, target = each_mysql_source, warehouse
    source.settings(binlog_row_metadata="FULL")
    source.execute(ITEM)
    target.execute(ITEM)
    service = follow(source, directory, target, "add_columns")
    service.options["block"]["max_interval"] = "10min"
    # one block has them all
    source.execute("insert into item values (1, 'a', 1), (2, 'b', 2)")
    source.execute("alter table item add column d varchar(9) default 'x' after id")
    source.execute("insert into item (id, d) values (3, 'new')")
    source.execute("update item set name = 'aa' where id = 1")
    source.execute("alter table item add column e int")
    source.execute("update item set e = 5 where id = 3")
    service.run()
    assert len(service.block_directories()) == 1
    assert source.same(target, "item", "id, name, n, d, e")


# ---- a service that is behind


CHANGES = ["insert into item values (3, 'c', 3)", "alter table item drop column name, add b int",
           "insert into item values (4, 4, 44)", "update item set b = 11 where id = 1"]


def test_full_metadata_are_enough_for_rows_before_ddl(each_mysql_source, file_target, directory):
    source, target = each_mysql_source, file_target
    source.settings(binlog_row_metadata="FULL")
    service = ready(source, directory, target, policy="add_columns")
    for statement in CHANGES:
        source.execute(statement)
    target.execute("alter table item add b int")
    service.run()
    assert source.same(target, "item", "id, n, b")
    assert target.query("select name from item where id = 3") == [("c",)]


SWAP = "alter table pair rename column a to b, rename column b to a"


@pytest.mark.parametrize("metadata", ["MINIMAL", "NO_LOG"])
def test_without_full_metadata_rows_before_ddl_are_refused(
        metadata, mysql_source, file_target, directory):
    """Number and types of the columns are the same before and after: only the statement tells."""
    source, target = mysql_source, file_target
    source.settings(binlog_row_metadata=metadata)
    source.execute("create table pair (id int primary key, a int, b int)")
    target.execute("create table pair (id integer primary key, a int, b int)")
    service = follow(source, directory, target)
    source.execute("insert into pair values (1, 1, 2)")
    service.run()
    source.execute("insert into pair values (2, 1, 2)")
    file, offset = source.place()
    source.execute(SWAP)
    said = stop_reason(service)
    place = re.search(rf"table {source.name}\.pair: the log has rows of it at {file}:(\d+)", said)
    assert place and int(place.group(1)) < offset, said
    # at the statement, or at the GTID in front of it
    place = re.search(rf'the log has "alter table pair[^"]*" at {file}:(\d+)', said, re.IGNORECASE)
    assert place and offset <= int(place.group(1)) < source.place()[1], said
    assert "dray bootstrap" in said and "binlog_row_metadata = FULL" in said, said
    assert target.query("select * from pair") == [(1, 1, 2)]


def test_columns_that_change_their_names_are_followed(metadata_source, file_target, directory):
    """The rows before and after look the same without names."""
    source, target = metadata_source, file_target
    source.execute("create table pair (id int primary key, a int, b int)")
    target.execute("create table pair (id integer primary key, a int, b int)")
    service = follow(source, directory, target)
    source.execute("insert into pair values (1, 1, 2)")
    service.start()
    source.wait_same(target, "pair")
    source.execute(SWAP)
    # a column keeps its values under the new name, in the target it is done by hand
    target.execute("update pair set a = b, b = a")
    source.execute("insert into pair (id, a, b) values (2, 3, 4)")
    source.execute("update pair set a = 5 where id = 1")
    source.wait_same(target, "pair", "id, a, b")
    service.stop()


def test_mysql_without_full_metadata_refuses_rows_before_ddl(
        real_mysql_source, file_target, directory):
    source, target = real_mysql_source, file_target
    service = ready(source, directory, target)
    source.execute("insert into item values (3, 'c', 3)")
    source.execute("alter table item rename column n to m, add x int")
    said = stop_reason(service)
    assert f"table {source.name}.item: the log has rows of it at " in said, said
    assert '"alter table item' in said.lower(), said


def test_without_full_metadata_rows_are_carried_where_no_ddl_follows(
        metadata_source, file_target, directory):
    source, target = metadata_source, file_target
    service = ready(source, directory, target, policy="add_columns")
    # DDL before the rows, and of other tables: the catalogue is that of the place
    source.execute("alter table item add m int")
    source.execute("create table other (id int primary key, name varchar(3))")
    source.execute("insert into item values (3, 'c', 3, 33)")
    source.execute("alter table other add items int")
    source.execute("drop table other")
    source.execute("analyze table item")
    service.run()
    assert source.same(target, "item")


def test_a_table_that_was_dropped_is_carried_with_full_metadata(
        metadata_source, file_target, directory):
    source, target = metadata_source, file_target
    service = ready(source, directory, target)
    full = source.value("select @@global.binlog_row_metadata") == "FULL"
    source.execute("insert into item values (3, 'c', 3)")
    source.execute("update item set n = 11 where id = 1")
    source.execute("drop table item")
    if full:
        service.run()
        assert target.query("select id, n from item order by id") == [(1, 11), (2, 2), (3, 3)]
        return
    said = stop_reason(service)
    assert f"table {source.name}.item: the log has rows of it at " in said, said
    assert "drop table" in said.lower() and "dray bootstrap" in said, said
    # the way out
    source.execute("create table kept (id int primary key)")
    target.execute("create table kept (id integer primary key)")
    source.execute("insert into kept values (1)")
    service.options["source"]["tables"] = [f"{source.name}.kept"]
    service.run()
    assert source.same(target, "kept")


# ---- what the catalogue adds to the log


def test_columns_that_an_insert_leaves_out_have_their_defaults(
        metadata_source, file_target, directory):
    """binlog_row_image = MINIMAL: an insert tells only what was named, or made by a function."""
    source, target = metadata_source, file_target
    source.settings(binlog_row_image="MINIMAL", sql_mode="")
    source.execute(
        "create table d (id int auto_increment primary key, a int default 5, b varchar(10) not null,"
        " c datetime(3) default current_timestamp(3) on update current_timestamp(3), e enum('x',"
        " 'y') not null, f decimal(5,2) default 1.5, g varchar(9) default 'it''s', h int, i int"
        " default (1 + 2), j int as (a + 1) stored, k int as (a + 1) virtual, l double default 0.1)")
    target.execute("create table d (id integer primary key, a int, b text, c text, e text, f real,"
                   " g text, h int, i int, l real)")
    columns = "id, a, b, e, f, g, h, i, l"
    service = follow(source, directory, target)
    source.execute("insert into d () values ()")
    source.execute("insert into d (a, b) values (7, 'x')")
    source.execute("insert into d (g, h) values (default, 1), (null, 2)")
    source.execute("update d set h = 9 where id = 1")
    service.run()
    assert source.same(target, "d", columns)
    assert [row[0][:19] for row in target.query("select c from d order by id")] == [
        str(row[0])[:19] for row in source.query("select c from d order by id")]
    # the default of the place, not of now
    source.execute("insert into d (h) values (3)")
    service.run()
    source.execute("alter table d alter a set default 6")
    source.execute("insert into d (h) values (4)")
    service.run()
    assert source.same(target, "d", columns)


def test_defaults_that_were_changed_since_are_not_taken_for_those_of_the_place(
        each_mysql_source, file_target, directory):
    source, target = each_mysql_source, file_target
    source.settings(binlog_row_metadata="FULL", binlog_row_image="MINIMAL")
    service = ready(source, directory, target)
    source.execute("insert into item (id, name) values (3, 'c')")
    source.execute("alter table item alter n set default 7")
    said = stop_reason(service)
    assert f"{source.name}.item" in said and "column n" in said, said
    assert "default" in said and "dray bootstrap" in said, said


def test_columns_that_servers_hide_or_show_in_their_own_way(
        metadata_source, file_target, directory):
    source, target = metadata_source, file_target
    target.execute("create table t (id integer primary key, a text, b text, u text)")
    if source.is_mariadb:
        source.execute("create table t (id int primary key, a text unique, g int as (id + 1) virtual,"
                       " b varchar(200) compressed invisible, u uuid)")
        rows = ["(id, a, b, u) values (1, 'x', repeat('y', 150), uuid())"]
    else:
        source.execute("create table t (id int primary key, a text, g int as (id + 1) virtual,"
                       " b varchar(200) invisible, u json, key ((id + 3)))")
        rows = ["(id, a, b, u) values (1, 'x', repeat('y', 150), '[1, \"a\"]')"]
    service = follow(source, directory, target)
    for row in rows:
        source.execute(f"insert into t {row}")
    source.execute("insert into t (id, a) values (2, 'z')")
    source.execute("update t set a = 'zz' where id = 2")
    service.run()
    assert source.same(target, "t", "id, a, b, u")


def test_a_table_without_a_key_is_found_by_the_one_that_the_server_made(
        real_mysql_source, file_target, directory):
    source, target = real_mysql_source, file_target
    source.settings(binlog_row_metadata="FULL")
    source.statements("create table t (a int)", sql_generate_invisible_primary_key=1)
    target.execute("create table t (my_row_id integer primary key, a int)")
    service = follow(source, directory, target)
    source.execute("insert into t values (1), (1), (2)")
    source.execute("update t set a = 3 where a = 1 limit 1")
    source.execute("delete from t where a = 2")
    service.run()
    assert source.same(target, "t", "my_row_id, a")


def test_unique_keys_without_nulls_are_keys(metadata_source, file_target, directory):
    source, target = metadata_source, file_target
    source.settings(binlog_row_image="MINIMAL")
    source.execute("create table t (a int not null, b int not null, c int, unique u2 (b),"
                   " unique u1 (a))")
    target.execute("create table t (a int, b integer primary key, c int)")
    service = follow(source, directory, target)
    source.execute("insert into t values (1, 10, 100), (2, 20, 200)")
    source.execute("update t set c = 111 where a = 1")
    source.execute("update t set b = 21 where a = 2")
    source.execute("delete from t where a = 1")
    service.run()
    assert source.same(target, "t")


@pytest.mark.parametrize("image", ["FULL", "MINIMAL"])
@pytest.mark.parametrize("definition", [
    "(id int primary key, a int) with system versioning",
    "(id int primary key, rs timestamp(6) generated always as row start, re timestamp(6) generated"
    " always as row end, a int, period for system_time (rs, re)) with system versioning"])
def test_of_system_versioned_tables_the_current_rows_are_carried(
        image, definition, metadata_source, file_target, directory):
    source, target = metadata_source, file_target
    if not source.is_mariadb:
        pytest.skip("MariaDB only")
    source.settings(binlog_row_image=image)
    source.execute(f"create table v {definition}")
    target.execute("create table v (id integer primary key, a int)")
    service = follow(source, directory, target, "add_columns")
    source.execute("insert into v (id, a) values (1, 1), (2, 2), (3, 3)")
    source.execute("update v set a = 10 where id = 1")
    source.execute("update v set id = 20 where id = 2")
    source.execute("delete from v where id = 3")
    source.execute("insert into v (id, a) values (3, 33)")
    source.execute("replace into v (id, a) values (1, 11)")
    source.execute("delete history from v")
    service.run()
    assert source.same(target, "v", "id, a")
    source.statements("alter table v add column b int", "insert into v (id, a, b) values (5, 5, 5)",
                      "update v set b = 1 where id = 1", system_versioning_alter_history="KEEP")
    service.run()
    assert source.same(target, "v", "id, a, b")
    source.execute("delete from v")
    service.run()
    assert source.same(target, "v", "id, a, b")


def test_a_uuid_that_is_gone_from_the_catalogue_is_refused(mysql_source, file_target, directory):
    source, target = mysql_source, file_target
    source.settings(binlog_row_metadata="FULL")
    source.execute("create table t (id int primary key, u uuid)")
    target.execute("create table t (id integer primary key, u text)")
    service = follow(source, directory, target)
    source.execute("insert into t values (1, uuid())")
    service.run()
    assert source.same(target, "t")
    source.execute("insert into t values (2, uuid())")
    source.execute("alter table t modify u binary(16)")
    said = stop_reason(service)
    assert f"table {source.name}.t" in said and "alter table t modify u" in said.lower(), said
    assert target.query("select id from t") == [(1,)]


# ---- policies


def asked(source, service, target, table):
    """Run what the service asks for until source and target are equal; returns the statements."""
    done = []
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            assert source.same(target, table)
            return done
        except Exception:
            if time.monotonic() > deadline:
                raise Failed(service.output()[-4000:])
        for text in re.findall(r"[^\n]*which must follow first[^\n]*\n", service.output()):
            for statement in STATEMENT.findall(text):
                if statement not in done:
                    target.execute(statement)
                    done.append(statement)
        time.sleep(0.05)


def test_stop_asks_for_a_renamed_column_whether_it_was_added(
        each_mysql_source, warehouse, directory):
    """MySQL's columns have no numbers: a rename cannot be told from a drop and an add."""
    source, target = each_mysql_source, warehouse
    source.settings(binlog_row_metadata="FULL")
    source.execute(ITEM)
    target.execute(ITEM)
    service = follow(source, directory, target, "add_columns")
    source.execute("insert into item values (1, 'a', 1)")
    service.start()
    source.wait_same(target, "item")
    source.execute("alter table item rename column n to m")
    source.execute("insert into item values (2, 'b', 2)")
    source.wait_for(lambda: "is new in the source, and it is not known whether it was added or "
                            "renamed" in service.output())
    assert target.query("select count(*) from item") == [(1,)]
    target.execute("alter table item rename column n to m")
    source.wait_same(target, "item")
    service.stop()


def test_add_columns_gives_older_rows_the_default(each_mysql_source, warehouse, directory):
    source, target = each_mysql_source, warehouse
    source.settings(binlog_row_metadata="FULL")
    source.execute(ITEM)
    target.execute(ITEM)
    service = follow(source, directory, target, "add_columns")
    source.execute("insert into item values (1, 'a', 1)")
    service.start()
    source.wait_same(target, "item")
    for column in ("p int not null default 7", "q varchar(9) default 'it''s'",
                   "r decimal(5,2) not null", "s datetime(3) default '2020-01-02 03:04:05.12'",
                   "t double default 0.1"):
        source.execute(f"alter table item add {column}")
    source.execute("insert into item (id, name, r) values (2, 'b', 1)")
    source.wait_same(target, "item", "id, name, n, p, q, r, s, t")
    source.execute("update item set name = 'aa' where id = 1")
    source.wait_same(target, "item", "id, name, n, p, q, r, s, t")
    service.stop()


def test_ignore_leaves_a_new_column_out(each_mysql_source, file_target, directory):
    source, target = each_mysql_source, file_target
    source.settings(binlog_row_metadata="FULL")
    service = ready(source, directory, target, policy="ignore")
    source.execute("alter table item add m int")
    source.execute("insert into item values (3, 'c', 3, 33)")
    said = service.run().stderr
    assert "column m is not in the target table" in said, said
    assert source.same(target, "item", "id, name, n")
    assert columns_of(target, "item") == ["id", "name", "n"]


# ---- many tables


def test_a_transaction_of_many_tables_is_carried(mysql_source, file_target, directory):
    source, target = mysql_source, file_target
    count = 100
    source.statements(*(f"create table t{i} (id int primary key, name varchar(9))"
                        for i in range(count)))
    for i in range(count):
        target.execute(f"create table t{i} (id integer primary key, name text)")
    service = follow(source, directory, target)
    source.transaction(*(f"insert into t{i} values (1, 'x{i}')" for i in range(count)))
    service.run()
    for i in range(0, count, 9):
        assert source.same(target, f"t{i}")
