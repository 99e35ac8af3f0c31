"""dray verify: source and target are compared at an exact place, and what differs is named."""
import json
import os
import threading
import time

import pytest

import postgres_types
from postgres_source import (file_target, source, source_server,  # noqa: F401 (fixtures)
                             warehouse)
from service import dray

SHOP = "id integer primary key, name text, price numeric(12,2), note text"


def make_shop(source, target, rows=300):
    """A table that is equal on both sides."""
    source.execute(f"create table item ({SHOP})")
    key = "text" if target.kind != "mysql" else "longtext collate utf8mb4_nopad_bin"
    target.execute("create table item (id integer primary key, name %s, price numeric(12,2),"
                   " note %s)".replace("%s", key))
    source.install()
    source.execute("insert into item select n, 'name ' || n, n * 1.25,"
                   f" case when n % 3 = 0 then null else '' end from generate_series(1, {rows}) n")


@pytest.fixture
def shop(source, target, directory):
    make_shop(source, target)
    service = source.service(directory, target)
    service.options["verify"] = {"slice_rows": 20}
    service.run()
    source.execute("analyze item")
    return service


def lines(done):
    return done.stdout.splitlines()


def test_equal_tables_are_said_to_be_equal(shop):
    done = shop.command("verify")
    assert lines(done)[0].startswith("equal        public.item")
    assert "source_rows=300 target_rows=300" in done.stdout
    assert lines(done)[-1].endswith("tables=1 equal=1 different=0 not_compared=0")


# the change in the target, and what verify says of it
DIFFERENCES = [
    ("delete from item where id = 7", ["missing  id=7"]),
    ("insert into item values (1000, 'new', 1, null)", ["extra    id=1000"]),
    ("update item set name = 'name 12x' where id = 12", ["changed  id=12: name"]),
    ("update item set name = 'Name 12' where id = 12", ["changed  id=12: name"]),
    ("update item set name = 'name 12 ' where id = 12", ["changed  id=12: name"]),
    ("update item set note = '' where id = 3", ["changed  id=3: note"]),
    ("update item set note = null where id = 4", ["changed  id=4: note"]),
    ("update item set price = price + 0.01 where id = 5", ["changed  id=5: price"]),
    ("update item set price = case id when 8 then 11.25 else 10 end where id in (8, 9)",
     ["changed  id=8: price", "changed  id=9: price"]),
    ("update item set name = 'a', note = 'b' where id = 300", ["changed  id=300: name, note"]),
]


def test_each_kind_of_difference_is_found_and_named_and_a_repair_makes_it_equal(shop, target):
    for statement, expected in DIFFERENCES:
        target.execute(statement)
        done = shop.command("verify", expect=1)
        named = [line.strip() for line in lines(done) if line.startswith("  ")]
        assert sorted(named[:-1]) == sorted(expected), statement
        assert lines(done)[0].startswith("different    public.item")
        done = shop.command("verify", "--repair")
        assert f"repaired_rows={len(expected)}" in done.stdout, statement
        assert "equal=1 different=0" in done.stdout
        assert "tables=1 equal=1" in shop.command("verify").stdout
