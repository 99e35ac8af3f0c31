"""dray bootstrap and dray verify from a PgQ queue: exact, though a batch may be partly in a snapshot."""
import os
import random
import signal
import threading
import time

import pytest

from pgq_source import file_target, pgq_server, pgq_source, warehouse  # noqa: F401 (fixtures)
from service import Failed
from test_reliability import needs_faults
from test_bootstrap import configure, positions, start_bootstrap, states, totals

KILLED = -signal.SIGKILL

# log has every line that comes, so that a doubled row shows
RULES = [{"match": "public.log", "target": "log", "merge_script": "append.sql"}]
TABLES = ["account", "pair"]


def make_shop(source, target, rows=600):
    text = "text"
    source.execute("create table account (id int primary key, balance bigint, name text)")
    source.execute("create table pair (left_part text, right_part int, amount bigint,"
                   " primary key (right_part, left_part))")
    source.execute("create table log (id bigint primary key, line text)")
    target.execute(f"create table account (id integer primary key, balance bigint, name {text})")
    target.execute(f"create table pair (left_part {text}, right_part integer, amount bigint,"
                   " primary key (right_part, left_part))")
    target.execute(f"create table log (dray_opcode {text}, dray_seqno bigint, dray_row_id bigint,"
                   f" dray_timestamp {text}, id bigint, line {text})")
    source.execute(f"insert into account select n, n, 'name ' || n from generate_series(1, {rows}) n")
    source.execute("insert into pair select chr(97 + n % 26), n / 20, n"
                   f" from generate_series(1, {rows}) n on conflict do nothing")
    source.execute(f"insert into log select -n, 'line' from generate_series(1, {rows}) n")


def service_of(source, directory, target, **more):
    service = configure(source, directory, target, chunk_rows=50, **more)
    service.rules = RULES
    return service


def bootstrap(service, *arguments, **more):
    return service.command("bootstrap", *arguments, **more)


class Writers:
    """Transactions of several sessions, short and long ones, and ticks between them, until it ends."""

    def __init__(self, source, count=4, rows=600, ticks=True, seed=None):
        self.source, self.rows = source, rows
        self.seed = random.randrange(1 << 30) if seed is None else seed
        self.count = 0
        self.failed = None
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=self._guard, args=(self._write, n))
                        for n in range(count)]
        if ticks:
            self.threads.append(threading.Thread(target=self._guard, args=(self._tick, count)))

    def __enter__(self):
        print(f"seed {self.seed}")
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        for thread in self.threads:
            thread.join()
        assert self.failed is None, self.failed

    def _guard(self, function, number):
        connection = self.source.server.connect(self.source.name)
        try:
            function(connection, random.Random(self.seed + number), number)
        except Exception as problem:  # told by the main thread
            self.failed = problem
        finally:
            connection.close()

    def _tick(self, connection, chance, _):
        while not self.ends.is_set():
            connection.cursor().execute("select pgq.ticker(%s)", (self.source.queue,))
            time.sleep(chance.choice([0, 0.002, 0.02, 0.1]))

    def _write(self, connection, chance, number):
        connection.autocommit = False
        step = 0
        while not self.ends.is_set():
            with connection.cursor() as cursor:
                # rows of one's own, so that sessions do not wait for each other
                for _ in range(chance.choice([1, 1, 1, 3, 8])):
                    step += 1
                    self._change(cursor, chance, number, step)
                    time.sleep(chance.choice([0, 0, 0.001, 0.01]))
            time.sleep(chance.choice([0, 0, 0, 0.03]))
            if chance.random() < 0.1:
                connection.rollback()
            else:
                connection.commit()
            self.count += 1

    def _change(self, cursor, chance, number, step):
        n = chance.randrange(1, self.rows // 4) * 4 + number
        kind = chance.randrange(10)
        if kind < 3:
            cursor.execute("update account set balance = balance + 1 where id = %s", (n,))
        elif kind < 4:
            cursor.execute("delete from account where id = %s", (n,))
        elif kind < 5:
            cursor.execute("insert into account values (%s, 0, 'new') on conflict do nothing", (n,))
        elif kind < 7:
            cursor.execute("update pair set amount = -amount - 1 where right_part = %s", (n // 20 * 4
                                                                                         + number,))
        else:
            cursor.execute("insert into log values (%s, 'new')",
                           (step * 10 + number + self.seed * 1000000,))


def assert_same(source, target):
    for table in TABLES:
        assert source.same(target, table)
    lines = sorted(row[0] for row in target.query("select id from log"))
    rows = sorted(row[0] for row in source.query("select id from log"))
    doubled = sorted({one for one, next_one in zip(lines, lines[1:]) if one == next_one})
    assert not doubled, f"doubled: {doubled[:10]}"
    assert lines == rows, f"lost: {sorted(set(rows) - set(lines))[:10]}"


def finish(source, target, service):
    source.tick()
    service.run()
    assert_same(source, target)


def snapshots_left(source):
    return [name for name in source.consumers() if ".snapshot." in name]


def start(source, service):
    service.start()
    source.wait_for(lambda: os.path.exists(os.path.join(service.blocks_directory, "control")))


@pytest.fixture
def shop(pgq_source, file_target, directory):  # noqa: F811
    make_shop(pgq_source, file_target)
    pgq_source.install("account", "pair", "log")
    return service_of(pgq_source, directory, file_target)


def test_rows_that_are_there_come_once_and_batches_follow(
        shop, pgq_source, file_target):  # noqa: F811
    pgq_source.execute("insert into log values (1, 'before the snapshot, in no batch yet')")
    done = totals(bootstrap(shop))
    assert (done["tables"], done["unfinished"]) == ("3", "0")
    assert states(file_target) == {f"public.{table}": "ready" for table in [*TABLES, "log"]}
    pgq_source.execute("insert into log values (2, 'behind it, in the same batch')")
    pgq_source.execute("update account set name = 'new' where id % 7 = 0")
    pgq_source.execute("delete from pair where amount % 11 = 0")
    finish(pgq_source, file_target, shop)
    assert snapshots_left(pgq_source) == []
    assert "left_alone=3" in bootstrap(shop).stdout


def test_a_transaction_over_the_snapshot_comes_by_the_stream_and_one_before_it_does_not(
        shop, pgq_source, file_target):  # noqa: F811
    """Both lie in batches that the other is in, too; the long one ends two ticks later."""
    long_one = pgq_source.server.connect(pgq_source.name)
    long_one.autocommit = False
    long_one.cursor().execute("insert into log values (10, 'long'); update account set name = 'l'"
                              " where id = 1")
    pgq_source.execute("insert into log values (11, 'short'); update account set name = 's'"
                       " where id = 2")
    pgq_source.tick()
    pgq_source.execute("insert into log values (12, 'between tick and snapshot')")
    bootstrap(shop)
    pgq_source.execute("insert into log values (13, 'behind')")
    pgq_source.tick()
    pgq_source.execute("insert into log values (14, 'next batch')")
    pgq_source.tick()
    shop.run()
    assert sorted(row[0] for row in file_target.query("select id from log where id > 0")) == [
        11, 12, 13, 14]
    long_one.commit()
    long_one.close()
    finish(pgq_source, file_target, shop)


def test_rows_change_and_batches_are_ticked_during_the_whole_bootstrap(
        shop, pgq_source, file_target, tell):  # noqa: F811
    with Writers(pgq_source) as writers:
        time.sleep(0.1)
        bootstrap(shop)
        time.sleep(0.1)
        shop.run()
        time.sleep(0.1)
    finish(pgq_source, file_target, shop)
    assert snapshots_left(pgq_source) == []
    tell(f"{writers.count} transactions")


def test_the_same_on_a_server_with_a_truncate_now_and_then(
        pgq_source, warehouse, directory):  # noqa: F811
    make_shop(pgq_source, warehouse)
    pgq_source.install("account", "pair", "log")
    service = service_of(pgq_source, directory, warehouse)
    with Writers(pgq_source):
        time.sleep(0.05)
        pgq_source.execute("truncate pair")
        running = start_bootstrap(service)
        time.sleep(0.1)
        pgq_source.execute("truncate pair")
        pgq_source.execute("insert into pair values ('z', 1, 1)")
        out, err = running.communicate(timeout=60)
        assert running.returncode == 0, out + err
    finish(pgq_source, warehouse, service)


def test_tables_are_added_beside_a_running_service(
        shop, pgq_source, file_target, tell):  # noqa: F811
    for table in ("pair", "log"):
        pgq_source.execute(f"drop trigger queue_it on {table}; drop trigger queue_truncate on {table}")
    bootstrap(shop)
    with Writers(pgq_source) as writers:
        start(pgq_source, shop)
        # their triggers are made in the hold
        done = totals(bootstrap(shop, "public.pair", "public.log"))
        assert done["tables"] == "2"
        done = totals(bootstrap(shop, "public.account", "--replace"))
        assert done["tables"] == "1"
    pgq_source.tick()
    for table in TABLES:
        pgq_source.wait_same(file_target, table)
    shop.stop()
    finish(pgq_source, file_target, shop)
    assert set(states(file_target).values()) == {"ready"}
    assert positions(file_target) == ["test"]
    assert snapshots_left(pgq_source) == []
    tell(f"{writers.count} transactions")


def test_a_service_that_is_behind_the_snapshot_takes_the_table_over_at_it(
        shop, pgq_source, file_target):  # noqa: F811
    """No tick comes: the stream has nothing behind the snapshot, and the service stands before it."""
    bootstrap(shop, "public.account", "public.pair")
    start(pgq_source, shop)
    pgq_source.execute("insert into log values (21, 'in the snapshot, in no batch yet')")
    bootstrap(shop, "public.log")
    pgq_source.execute("insert into log values (22, 'behind it, in the same batch')")
    pgq_source.tick()
    pgq_source.wait_for(lambda: file_target.query("select id from log where id = 22"))
    shop.stop()
    finish(pgq_source, file_target, shop)


POINTS = ["source.pgq.snapshot_registered:1", "bootstrap.snapshot:1", "bootstrap.mark:1",
          "bootstrap.begun:1", "bootstrap.block_written:3", "loader.before_commit:2",
          "loader.after_commit:5", "bootstrap.spooled:1", "bootstrap.ready:2"]


def killed(service, fault, *arguments):
    done = bootstrap(service, *arguments, expect=None, env={"DRAY_FAULT": fault})
    if done.returncode not in (KILLED, 0):
        raise Failed(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode == KILLED


def test_killed_at_every_step_and_started_again(shop, pgq_source, file_target, tell):  # noqa: F811
    needs_faults()
    kills = 0
    with Writers(pgq_source, count=3):
        for point in POINTS:
            kills += killed(shop, f"kill:{point}", *(
                ["public.account", "public.pair", "--replace"] if kills % 2 else []))
        bootstrap(shop)
    finish(pgq_source, file_target, shop)
    assert kills >= 6
    assert snapshots_left(pgq_source) == []
    tell(f"{kills} kills of {len(POINTS)}")


def test_killed_beside_a_running_service(shop, pgq_source, file_target):  # noqa: F811
    needs_faults()
    bootstrap(shop, "public.log")
    with Writers(pgq_source, count=3):
        start(pgq_source, shop)
        for point in ("bootstrap.marked", "bootstrap.snapshot", "bootstrap.caught_up",
                      "bootstrap.ready", "bootstrap.handed_over"):
            killed(shop, f"kill:{point}:1", "public.account", "public.pair", "--replace")
        bootstrap(shop, "public.account", "public.pair", "--replace")
    pgq_source.tick()
    for table in TABLES:
        pgq_source.wait_same(file_target, table)
    shop.stop()
    finish(pgq_source, file_target, shop)
    assert snapshots_left(pgq_source) == []


# verify

def make_verified(source, target, directory):
    make_shop(source, target)
    target.execute("drop table log")
    target.execute("create table log (id bigint primary key, line text)")
    source.install("account", "pair", "log")
    service = service_of(source, directory, target)
    service.rules = []
    service.options["verify"] = {"slice_rows": 40}
    bootstrap(service)
    return service


@pytest.mark.parametrize("runs", [False, True], ids=["stopped", "running"])
def test_verify_is_exact_though_snapshots_lie_inside_of_batches(
        runs, pgq_source, warehouse, directory):  # noqa: F811
    service = make_verified(pgq_source, warehouse, directory)
    with Writers(pgq_source):
        if runs:
            start(pgq_source, service)
        for _ in range(4):
            done = service.command("verify")
            assert "tables=3 equal=3 different=0" in done.stdout, done.stdout
    pgq_source.tick()
    if runs:
        service.stop()
    warehouse.execute("delete from account where id = (select min(id) from account)")
    pgq_source.execute("insert into log values (99, 'in the snapshot, in no batch yet')")
    pgq_source.tick()
    done = service.command("verify", expect=None)
    assert "equal=2 different=1" in done.stdout, done.stdout
    assert done.stdout.count("missing  id=") == 1, done.stdout
    done = service.command("verify", "--repair")
    assert "equal=3 different=0" in done.stdout, done.stdout
    finish_without_log(pgq_source, warehouse, service)


def finish_without_log(source, target, service):
    source.tick()
    service.run()
    for table in [*TABLES, "log"]:
        assert source.same(target, table)


def test_verify_needs_no_tick_where_nothing_waits_for_one(
        pgq_source, warehouse, directory):  # noqa: F811
    service = make_verified(pgq_source, warehouse, directory)
    for _ in range(2):
        done = service.command("verify", timeout=20)
        assert "equal=3 different=0" in done.stdout, done.stdout
    # a batch that is in two parts for the service goes on behind the first one
    pgq_source.execute("insert into log values (5, 'in the cut')")
    running = threading.Timer(0.7, pgq_source.tick)
    running.start()
    done = service.command("verify", timeout=20)
    running.join()
    assert "equal=3 different=0" in done.stdout, done.stdout
    finish_without_log(pgq_source, warehouse, service)
