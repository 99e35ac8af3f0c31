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
