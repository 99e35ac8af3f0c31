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


# ---- under load -----------------------------------------------------------------------------------

SHOP = ["account", "note", "pair", "log"]


def make_shop(source, target, rows=4000):
    """Tables with large values, a composite text key, and one that is truncated now and then."""
    text, key = TEXT[target.kind], KEY_TEXT[target.kind]
    source.execute("create table account (id integer primary key, balance bigint, name text)")
    source.execute("create table note (id integer primary key, body text, title text)")
    source.execute("alter table note alter column body set storage external")
    source.execute("create table pair (left_part text, right_part integer, amount bigint,"
                   " primary key (right_part, left_part))")
    source.execute("create table log (id integer primary key, line text)")
    target.execute(f"create table account (id integer primary key, balance bigint, name {text})")
    target.execute(f"create table note (id integer primary key, body {text}, title {text})")
    target.execute(f"create table pair (left_part {key}, right_part integer, amount bigint,"
                   " primary key (right_part, left_part))")
    target.execute(f"create table log (id integer primary key, line {text})")
    source.execute("insert into account select n, n, 'name ' || n"
                   f" from generate_series(1, {rows}) n")
    source.execute("insert into note select n, repeat(md5(n::text), 100), 'title'"
                   f" from generate_series(1, {rows // 8}) n")
    source.execute("insert into pair select chr(97 + n % 26) || '-' || n % 97, n / 40, n"
                   f" from generate_series(1, {rows}) n on conflict do nothing")
    source.execute(f"insert into log select n, 'line' from generate_series(1, {rows // 4}) n")


class Load:
    """Changes of the shop, until it is stopped."""

    def __init__(self, source, rows=4000, truncates=True, pause=0.0005):
        self.source, self.rows, self.truncates, self.pause = source, rows, truncates, pause
        self.count = 0
        self.failed = None
        self.ends = threading.Event()
        self.random = random.Random(7)
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()
        assert self.failed is None, self.failed

    def _run(self):
        connection = self.source.server.connect(self.source.name)
        try:
            with connection.cursor() as cursor:
                while not self.ends.is_set():
                    self._step(cursor)
                    self.count += 1
                    time.sleep(self.pause)
        except Exception as problem:  # told by the main thread
            self.failed = problem
        finally:
            connection.close()

    def _step(self, cursor):
        n = self.random.randrange(1, self.rows)
        new = self.rows + 1000000 + self.count
        kind = self.random.randrange(20)
        if kind < 5:
            cursor.execute("update account set balance = balance + 1 where id = %s", (n,))
        elif kind < 7:
            cursor.execute("insert into account values (%s, 0, 'new')", (new,))
        elif kind < 9:
            cursor.execute("delete from account where id = %s", (n,))
        elif kind < 11:
            cursor.execute("update account set id = %s where id = %s", (new, n))
        elif kind < 13:
            cursor.execute("update note set title = title || 'x' where id = %s", (n // 8,))
        elif kind < 14:
            cursor.execute("update note set body = %s where id = %s", ("y" * 3000, n // 8))
        elif kind < 15:
            cursor.execute("update note set id = %s, title = 'moved' where id = %s", (new, n // 8))
        elif kind < 18:
            cursor.execute("update pair set left_part = left_part || 'z', amount = -amount"
                           " where right_part = %s", (n // 40,))
        elif kind < 19:
            cursor.execute("insert into log values (%s, 'new'), (%s, 'too')", (new, -new))
        elif self.truncates and self.random.randrange(10) == 0:
            cursor.execute("truncate log")


def same_shop(source, target):
    return all(source.same(target, table) for table in SHOP)


def test_rows_change_during_the_whole_bootstrap(source, target, directory, tell):
    make_shop(source, target)
    source.install()
    service = configure(source, directory, target, chunk_rows=200)
    with Load(source) as load:
        time.sleep(0.2)
        bootstrap(service)
        time.sleep(0.2)
    assert set(states(target).values()) == {"ready"}
    service.run()
    assert same_shop(source, target)
    tell(f"{target.kind}: {load.count} transactions during the bootstrap")


def test_a_table_is_added_while_the_service_runs(source, target, directory, tell):
    make_shop(source, target)
    service = configure(source, directory, target, chunk_rows=200,
                        tables=["public.account", "public.log"])
    bootstrap(service)
    assert sorted(states(target)) == ["public.account", "public.log"]
    service.start()
    with Load(source, truncates=False) as load:
        service.wait_for_seqno(20)
        done = bootstrap(service, "public.note", "public.pair")
        assert totals(done)["tables"] == "2"
        time.sleep(0.2)
        again = bootstrap(service, "public.note", "--replace")
        assert totals(again)["tables"] == "1"
        time.sleep(0.2)
    for table in SHOP:
        source.wait_same(target, table)
    service.stop()
    assert set(states(target).values()) == {"ready"} and len(states(target)) == 4
    assert positions(target) == ["test"]
    assert "passed over until it is" in service.output()
    tell(f"{target.kind}: {load.count} transactions beside the running service")


# ---- interrupted ----------------------------------------------------------------------------------

KILLED = -signal.SIGKILL


def bootstrap_killed(service, fault, *arguments):
    """Its exit code: killed, or 0 where it came through without meeting the fault."""
    done = bootstrap(service, *arguments, expect=None, env={"DRAY_FAULT": fault})
    if done.returncode not in (KILLED, 0):
        raise Failed(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


POINTS = ["bootstrap.snapshot", "bootstrap.mark", "bootstrap.begun", "bootstrap.block_written",
          "loader.file_merged", "loader.before_commit", "loader.after_commit",
          "bootstrap.block_loaded", "bootstrap.ready", "position.remove"]


def test_killed_at_every_step_and_started_again(source, target, directory, tell):
    make_shop(source, target, rows=2000)
    source.install()
    service = configure(source, directory, target, chunk_rows=150)
    wanted = random.Random(11)
    faults = [f"kill:{point}:{wanted.randrange(1, 5)}" for point in POINTS]
    faults += [f"kill:{wanted.randrange(1, 2500)}" for _ in range(4)]
    wanted.shuffle(faults)
    kills = 0
    with Load(source, rows=2000) as load:
        for fault in faults:
            try:
                all_ready = set(states(target).values()) == {"ready"}
            except Exception:  # the table is not there yet
                all_ready = False
            done = bootstrap_killed(service, fault, *["--replace"] * all_ready)
            kills += done.returncode == KILLED
            if kills % 4 == 3:
                service.run()  # a service that ran in between makes no difference
        bootstrap(service)
    service.run()
    assert same_shop(source, target)
    assert positions(target) == ["test"]
    tell(f"{target.kind}: {kills} kills of {len(faults)}, {load.count} transactions")
