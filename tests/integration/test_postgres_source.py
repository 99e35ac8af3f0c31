"""Source postgres: changes of a live PostgreSQL database arrive, whatever happens on the way."""
import pytest

from postgres_source import source, source_server  # noqa: F401 (fixtures)
from service import dray


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
