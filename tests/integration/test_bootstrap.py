"""dray bootstrap: the rows that are there, exactly once, and the stream behind them."""
import glob
import os
import pty
import random
import select
import signal
import subprocess
import threading
import time

import pytest

from postgres_source import file_target, source, source_server, warehouse  # noqa: F401
from service import Failed, dray, environment, program

TEXT = {"postgres": "text", "sqlite": "text",
        "mysql": "longtext character set utf8mb4 collate utf8mb4_nopad_bin"}
KEY_TEXT = {**TEXT, "mysql": "varchar(190) character set utf8mb4 collate utf8mb4_nopad_bin"}


def configure(source, directory, target, chunk_rows=100, connections=3, **more):
    service = source.service(directory, target, **more)
    service.options["bootstrap"] = {"chunk_rows": chunk_rows, "connections": connections}
    service.options["block"]["max_interval"] = "0s"
    return service


def bootstrap(service, *arguments, **more):
    return service.command("bootstrap", *arguments, **more)


def totals(done):
    """The last line of the output as a dict."""
    return dict(word.split("=", 1) for word in done.stdout.strip().splitlines()[-1].split(" "))


def states(target, service="test"):
    return {f"{row[0]}.{row[1]}": row[2] for row in target.query(
        "select source_schema, source_table, state from dray_bootstrap"
        f" where service = '{service}'")}


def positions(target):
    return [row[0] for row in target.query("select service from dray_position order by service")]


def make_item(source, target, rows):
    source.execute("create table item (id integer primary key, name text)")
    target.execute(f"create table item (id integer primary key, name {TEXT[target.kind]})")
    source.execute(f"insert into item select n, 'name ' || n from generate_series(1, {rows}) n")


def test_rows_that_are_there_come_once_and_changes_follow(source, target, directory):
    make_item(source, target, 1234)
    source.install()
    service = configure(source, directory, target)
    done = totals(bootstrap(service))
    assert (done["tables"], done["rows"], done["unfinished"]) == ("1", "1234", "0")
    assert source.same(target, "item")
    assert states(target) == {"public.item": "ready"}
    assert positions(target) == []
    source.execute("update item set name = 'new' where id % 7 = 0")
    source.execute("delete from item where id % 11 = 0")
    source.execute("insert into item values (5000, 'later')")
    service.run()
    assert source.same(target, "item")
    again = bootstrap(service)
    assert totals(again)["left_alone"] == "1"
    assert "ready since position" in again.stderr


def test_a_chunk_that_ends_with_the_table_and_an_empty_table(source, file_target, directory):
    make_item(source, file_target, 200)
    source.execute("create table empty_one (id integer primary key)")
    file_target.execute("create table empty_one (id integer primary key)")
    source.install()
    service = configure(source, directory, file_target)
    done = totals(bootstrap(service))
    assert (done["tables"], done["rows"]) == ("2", "200")
    assert source.same(file_target, "item") and source.same(file_target, "empty_one")
    blocks = sorted(os.listdir(os.path.join(service.blocks_directory, "bootstrap", "public.item")))
    assert blocks == ["00000000000000000001", "00000000000000000002"]


def test_what_is_in_the_target_needs_replace_or_keep(source, file_target, directory):
    make_item(source, file_target, 250)
    file_target.execute("insert into item values (-1, 'mine')")
    source.install()
    service = configure(source, directory, file_target)
    refused = bootstrap(service, expect=5)
    assert "the target table item is not empty: --replace empties it first" in refused.stderr
    assert states(file_target) == {}
    bootstrap(service, "--keep")
    assert file_target.value("select count(*) from item") == 251
    bootstrap(service, "public.item", "--replace")
    assert source.same(file_target, "item")
    assert bootstrap(service, "--replace", "--keep", expect=2)


def test_a_missing_target_table_is_told_before_anything_is_copied(source, file_target, directory):
    make_item(source, file_target, 10)
    source.execute("create table missing (id integer primary key)")
    source.install()
    service = configure(source, directory, file_target)
    refused = bootstrap(service, expect=5)
    assert "dray ddl" in refused.stderr and "missing" in refused.stderr
    assert file_target.value("select count(*) from item") == 0
