"""Source pgq: events of real triggers into a target, exactly once by the tick."""
import os
import re
import time

import pytest

from pgq_source import pgq_source, pgq_server, file_target, warehouse  # noqa: F401
from service import dray

ITEM = "create table item (id int primary key, name text)"


@pytest.fixture
def item(pgq_source, file_target, directory):  # noqa: F811
    """A service from a queue with table item to SQLite."""
    pgq_source.execute(ITEM)
    file_target.execute("create table item (id integer primary key, name text)")
    pgq_source.install("item")
    yield pgq_source.service(directory, file_target)


def same(pgq_source, target):  # noqa: F811
    assert pgq_source.same(target, "item")


def test_changes_of_all_kinds_arrive_a_batch_a_transaction(item, pgq_source, file_target):  # noqa: F811
    pgq_source.execute("insert into item values (1, 'a'), (2, null), (3, '')")
    pgq_source.tick()
    pgq_source.execute("update item set name = 'x & y=z %41+' where id = 1")
    pgq_source.execute("delete from item where id = 3")
    last = pgq_source.tick()
    item.run()
    same(pgq_source, file_target)
    # two batches: two transactions in one block
    assert file_target.position() == 2
    assert len(item.manifests()) == 1
    assert pgq_source.consumer_tick() == last
