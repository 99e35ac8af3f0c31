"""Source mysql: what a schema may hold beside tables, and rows that hold what they should not."""
import pytest

from mysql_source import file_target, mysql_source, mysql_source_server  # noqa: F401 (fixtures)


@pytest.mark.parametrize("metadata", ["FULL", "NO_LOG"])
def test_sequences_of_mariadb_are_no_tables(mysql_source, file_target, directory, metadata):
    mysql_source.settings(binlog_row_metadata=metadata)
    mysql_source.execute("create table item (id integer primary key, name varchar(50))")
    file_target.execute("create table item (id integer primary key, name text)")
    service = mysql_source.service(directory, file_target)
    mysql_source.execute("create sequence numbers")
    for _ in range(3):
        mysql_source.execute("insert into item values (next value for numbers, 'a')")
    mysql_source.execute("select setval(numbers, 5000)")
    mysql_source.execute("insert into item values (nextval(numbers), 'b')")
    if metadata == "FULL":
        mysql_source.execute("drop sequence numbers")
    service.run()
    assert mysql_source.same(file_target, "item")


def test_a_byte_that_is_no_character_does_not_matter_in_a_row_that_puts_it_right(
        mysql_source, file_target, directory):
    """cp1250 has no character 0x81, and the server takes it all the same."""
    mysql_source.settings(binlog_row_metadata="FULL", sql_mode="")
    mysql_source.execute("create table item (id integer primary key,"
                         " name varchar(50) character set cp1250)")
    mysql_source.execute("insert into item values (1, x'6181'), (2, 'good')")
    file_target.execute("create table item (id integer primary key, name text)")
    file_target.execute("insert into item values (1, null), (2, 'good')")
    service = mysql_source.service(directory, file_target, start="now")
    service.run()
    mysql_source.execute("update item set name = 'right' where id = 1")
    mysql_source.execute("delete from item where id = 2")
    service.run()
    assert file_target.query("select * from item") == [(1, "right")]
    mysql_source.execute("update item set name = x'6181' where id = 1")
    done = service.run(expect=1)
    assert "column name of the new image: byte 2 of the text (0x81) is no character of cp1250" \
        in done.stderr


def test_globs_with_an_exclamation_mark_leave_tables_out(mysql_source, file_target, directory):
    for name in ("item", "log_1", "log_2"):
        mysql_source.execute(f"create table {name} (id integer primary key)")
        mysql_source.execute(f"insert into {name} values (1)")
        file_target.execute(f"create table {name} (id integer primary key)")

    def counts(service, tables):
        made = mysql_source.service(directory, file_target, name=service, tables=[
            glob.replace("SHOP", mysql_source.name) for glob in tables])
        made.run()
        found = [file_target.value(f"select count(*) from {name}")
                 for name in ("item", "log_1", "log_2")]
        for name in ("item", "log_1", "log_2"):
            file_target.execute(f"delete from {name}")
        return found

    assert counts("a", ["SHOP.*", "!SHOP.log_*", "SHOP.log_2"]) == [1, 0, 1]
    assert counts("b", ["!SHOP.log_1"]) == [1, 0, 1]
    assert counts("c", ["SHOP.log_1"]) == [0, 1, 0]


@pytest.mark.parametrize("ahead, is_carried", [
    ("alter table item add column more integer default 5", True),
    ("alter table item modify u binary(16)", False),
    ("alter table item rename column u to v", False),
])
def test_of_ddl_ahead_only_that_matters_which_could_change_what_the_log_does_not_tell(
        mysql_source, file_target, directory, ahead, is_carried):
    """Sixteen bytes in the log may be a UUID: the catalogue says so, which is newer."""
    mysql_source.settings(binlog_row_metadata="FULL", binlog_row_image="MINIMAL")
    mysql_source.execute("create table item (id integer primary key, u uuid, n integer default 7)")
    file_target.execute("create table item (id integer primary key, u text, n integer, more integer,"
                        " v text)")
    service = mysql_source.service(directory, file_target)
    mysql_source.execute("insert into item (id, u) values (1, '6ccd780c-baba-1026-9564-5b8c656024db')")
    mysql_source.execute(ahead)
    done = service.run(expect=0 if is_carried else 4)
    found = file_target.query("select id, u, n from item")
    if is_carried:
        # the insert left n out, too: its default is known for the same reason
        assert found == [(1, "6ccd780c-baba-1026-9564-5b8c656024db", 7)]
    else:
        assert found == []
        assert f"table {mysql_source.name}.item: " in done.stderr
        assert ahead[:30] in done.stderr and "takes !schema.table" in done.stderr
        # the setting is right already: it is not the way out
        assert "with binlog_row_metadata = FULL" not in done.stderr
