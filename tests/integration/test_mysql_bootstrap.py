"""dray bootstrap from MariaDB and MySQL: the rows that are there, exactly once, and the log behind."""
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from mysql_source import (each_mysql_source, file_target, mysql_source,  # noqa: F401 (fixtures)
                          mysql_source_server, real_mysql_server, real_mysql_source, warehouse)
from service import Failed, environment, program

TEXT = {"postgres": "text", "sqlite": "text",
        "mysql": "longtext character set utf8mb4 collate utf8mb4_nopad_bin"}
KEY_TEXT = {**TEXT, "mysql": "varchar(190) character set utf8mb4 collate utf8mb4_nopad_bin"}
KILLED = -signal.SIGKILL
SHOP = ["account", "note", "pair", "log"]


def configure(source, directory, target, chunk_rows=100, connections=3, **more):
    service = source.service(directory, target, start="now", **more)
    service.options["bootstrap"] = {"chunk_rows": chunk_rows, "connections": connections}
    service.options["block"]["max_interval"] = "0s"
    return service


def bootstrap(service, *arguments, **more):
    return service.command("bootstrap", *arguments, **more)


def totals(done):
    """The last line of the output as a dict."""
    return dict(word.split("=", 1) for word in done.stdout.strip().splitlines()[-1].split(" "))


def states(target, service="test"):
    return {row[0]: row[1] for row in target.query(
        f"select source_table, state from dray_bootstrap where service = '{service}'")}


def positions(target):
    return [row[0] for row in target.query("select service from dray_position order by service")]


def numbers(count, start=1):
    """A table of numbers, for each server."""
    return (f"(with recursive s(n) as (select {start} union all select n + 1 from s"
            f" where n < {count + start - 1}) select n from s)")


def fill(source, statement, count):
    """statement has "from n"."""
    connection = source.session()
    with connection.cursor() as cursor:
        if source.is_mariadb:
            cursor.execute("set max_recursive_iterations = 1000000")
        else:
            cursor.execute("set cte_max_recursion_depth = 1000000")
        cursor.execute(statement.replace("from n", f"from {numbers(count)} as n"))
    connection.close()


def make_item(source, target, rows):
    source.execute("create table item (id integer primary key, name varchar(100))")
    target.execute(f"create table item (id integer primary key, name {TEXT[target.kind]})")
    fill(source, "insert into item select n, concat('name ', n) from n", rows)


def only(source, *tables):
    return [f"{source.name}.{table}" for table in tables]


# ---- at one place of the log ----------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["gtid", "file"])
def test_rows_come_once_and_a_service_that_starts_later_goes_on_from_the_snapshot(
        each_mysql_source, file_target, directory, mode):
    source = each_mysql_source
    make_item(source, file_target, 1234)
    service = configure(source, directory, file_target, position=mode)
    done = bootstrap(service)
    assert (totals(done)["tables"], totals(done)["rows"]) == ("1", "1234")
    assert source.same(file_target, "item")
    assert states(file_target) == {"item": "ready"}
    place = f"{source.place()[0]}:{source.place()[1]}" if mode == "file" else source.gtids()
    assert source.position(file_target) == place
    # what happens before the service is first started is in the log behind that place
    source.execute("update item set name = 'new' where id % 7 = 0")
    source.execute("delete from item where id % 11 = 0")
    source.execute("insert into item values (5000, 'later')")
    source.rotate()
    service.run()
    assert source.same(file_target, "item")
    again = bootstrap(service)
    assert totals(again)["left_alone"] == "1"


def test_a_service_that_has_a_position_keeps_it(mysql_source, file_target, directory):
    source = mysql_source
    make_item(source, file_target, 10)
    source.execute("create table other (id integer primary key)")
    file_target.execute("create table other (id integer primary key)")
    service = configure(source, directory, file_target)
    bootstrap(service, *only(source, "item"))
    before = source.position(file_target)
    source.execute("insert into item values (11, 'between the snapshots')")
    bootstrap(service, *only(source, "other"))
    assert source.position(file_target) == before
    service.run()
    assert source.same(file_target, "item")


# ---- under load -----------------------------------------------------------------------------------

def make_shop(source, target, rows=4000):
    """Tables with large values, a composite text key, and one that is truncated now and then."""
    text, key = TEXT[target.kind], KEY_TEXT[target.kind]
    source.execute("create table account (id integer primary key, balance bigint, name text)")
    source.execute("create table note (id integer primary key, body longtext, title text)")
    # in this order "a-1" and "A-1" are one
    source.execute("create table pair (left_part varchar(60), right_part integer, amount bigint,"
                   " primary key (right_part, left_part)) character set latin1")
    source.execute("create table log (id integer primary key, line text)")
    target.execute(f"create table account (id integer primary key, balance bigint, name {text})")
    target.execute(f"create table note (id integer primary key, body {text}, title {text})")
    target.execute(f"create table pair (left_part {key}, right_part integer, amount bigint,"
                   " primary key (right_part, left_part))")
    target.execute(f"create table log (id integer primary key, line {text})")
    fill(source, "insert into account select n, n, concat('name ', n) from n", rows)
    fill(source, "insert into note select n, repeat(md5(concat('n', n)), 100), 'title' from n", rows // 8)
    fill(source, "insert ignore into pair select concat(char(65 + n % 26 + 32 * (n % 2)), '-',"
         " n % 97, 'é'), n div 40, n from n", rows)
    fill(source, "insert into log select n, 'line' from n", rows // 4)


class Load:
    """Changes of the shop, until it is stopped; longest is the longest wait for one of them."""

    def __init__(self, source, rows=4000, truncates=True, pause=0.0005):
        self.source, self.rows, self.truncates, self.pause = source, rows, truncates, pause
        self.count = 0
        self.longest = 0
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
                    began = time.monotonic()
                    self._step(cursor)
                    self.longest = max(self.longest, time.monotonic() - began)
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
            cursor.execute("update note set title = concat(title, 'x') where id = %s", (n // 8,))
        elif kind < 14:
            cursor.execute("update note set body = %s where id = %s", ("y" * 3000, n // 8))
        elif kind < 15:
            cursor.execute("update note set id = %s, title = 'moved' where id = %s", (new, n // 8))
        elif kind < 18:
            cursor.execute("update ignore pair set left_part = concat(left_part, 'z'),"
                           " amount = -amount where right_part = %s and length(left_part) < 50",
                           (n // 40,))
        elif kind < 19:
            cursor.execute("insert into log values (%s, 'new'), (%s, 'too')", (new, -new))
        elif self.truncates and self.random.randrange(10) == 0:
            cursor.execute("truncate table log")


def same_shop(source, target):
    return all(source.same(target, table) for table in SHOP)


def snapshots_told(done):
    return [line for line in done.stderr.splitlines() if "snapshot at" in line]


def test_rows_change_during_the_whole_bootstrap(mysql_source, target, directory, tell):
    source = mysql_source
    make_shop(source, target)
    service = configure(source, directory, target, chunk_rows=200)
    with Load(source) as load:
        time.sleep(0.2)
        done = bootstrap(service)
        time.sleep(0.2)
    assert set(states(target).values()) == {"ready"}
    service.run()
    assert same_shop(source, target)
    assert snapshots_told(done)
    tell(f"{target.kind}: {load.count} transactions during the bootstrap")


def test_rows_of_mysql_change_during_the_whole_bootstrap(
        real_mysql_source, file_target, directory, tell):
    source = real_mysql_source
    make_shop(source, file_target, rows=2000)
    service = configure(source, directory, file_target, chunk_rows=200)
    with Load(source, rows=2000) as load:
        time.sleep(0.2)
        done = bootstrap(service)
        time.sleep(0.2)
    assert "commits were kept waiting for" in done.stderr
    service.run()
    assert same_shop(source, file_target)
    tell(f"{load.count} transactions during the bootstrap; {snapshots_told(done)[0]}")


@pytest.mark.parametrize("views", ["tried", "locked", "shared"])
def test_commits_wait_for_no_longer_than_the_views_take(
        mysql_source, file_target, directory, tell, views):
    """However several readers come to one place of the log, beside many writers."""
    source = mysql_source
    make_shop(source, file_target, rows=3000)
    service = configure(
        source, directory, file_target, connections=4, snapshot_lock=views != "shared")
    writers = [Load(source, rows=3000, truncates=False, pause=0) for _ in range(3)]
    for number, writer in enumerate(writers):
        writer.random = random.Random(number)
        writer.count = number * 100000
        writer.__enter__()
    try:
        with Watch(source) as watch:
            done = bootstrap(service, env=WITHOUT_TRIES if views != "tried" else None)
    finally:
        for writer in writers:
            writer.__exit__()
    service.run()
    assert same_shop(source, file_target)
    told = snapshots_told(done)[0].split("snapshot at ")[1]
    assert {"tried": "4 connections of one view", "locked": "commits were kept waiting for",
            "shared": "one connection reads all tables"}[views] in told
    # the copy takes far longer than this: nothing of it was done under a lock
    assert watch.waits < watch.looks / 4
    tell(f"{told}; longest statement of a writer"
         f" {max(writer.longest for writer in writers) * 1000:.1f} ms; {watch.waits} of"
         f" {watch.looks} looks at the server's processes saw one that waited for a backup's lock")


class Watch:
    """How often is somebody seen to wait for a backup's lock?"""

    def __init__(self, source):
        self.source, self.looks, self.waits = source, 0, 0
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()

    def _run(self):
        connection = self.source.session()
        with connection.cursor() as cursor:
            while not self.ends.is_set():
                cursor.execute("show full processlist")
                self.waits += any("backup" in (row[6] or "").lower() for row in cursor.fetchall())
                self.looks += 1
                time.sleep(0.005)
        connection.close()


def test_a_table_is_added_while_the_service_runs(mysql_source, target, directory, tell):
    source = mysql_source
    make_shop(source, target)
    service = configure(source, directory, target, chunk_rows=200)
    bootstrap(service, *only(source, "account", "log"))
    service.start()
    with Load(source, truncates=False) as load:
        service.wait_for_seqno(20)
        done = bootstrap(service, *only(source, "note", "pair"), "--replace")
        assert totals(done)["tables"] == "2"
        time.sleep(0.2)
        again = bootstrap(service, *only(source, "note"), "--replace")
        assert totals(again)["tables"] == "1"
        time.sleep(0.2)
    for table in SHOP:
        source.wait_same(target, table)
    service.stop()
    assert set(states(target).values()) == {"ready"} and len(states(target)) == 4
    assert positions(target) == ["test"]
    tell(f"{target.kind}: {load.count} transactions beside the running service")


# ---- interrupted ----------------------------------------------------------------------------------

def bootstrap_killed(service, fault, *arguments):
    """Its exit code: killed, or 0 where it came through without meeting the fault."""
    done = bootstrap(service, *arguments, expect=None, env={"DRAY_FAULT": fault})
    if done.returncode not in (KILLED, 0):
        raise Failed(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


POINTS = ["bootstrap.snapshot", "bootstrap.mark", "bootstrap.begun", "bootstrap.block_written",
          "loader.after_commit", "bootstrap.block_loaded", "bootstrap.ready", "position.remove"]


def test_killed_at_every_step_and_started_again(mysql_source, file_target, directory, tell):
    source, target = mysql_source, file_target
    make_shop(source, target, rows=2000)
    service = configure(source, directory, target, chunk_rows=150)
    wanted = random.Random(11)
    faults = [f"kill:{point}:{wanted.randrange(1, 4)}" for point in POINTS]
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
    tell(f"{kills} kills of {len(faults)}, {load.count} transactions")


def test_beside_a_running_service_killed_at_every_step(mysql_source, file_target, directory, tell):
    source, target = mysql_source, file_target
    make_shop(source, target, rows=1000)
    service = configure(source, directory, target, chunk_rows=150)
    bootstrap(service)
    service.start()
    source.wait_for(lambda: os.path.exists(os.path.join(service.blocks_directory, "control")))
    points = ["bootstrap.mark", "bootstrap.marked", "bootstrap.block_loaded",
              "bootstrap.caught_up", "bootstrap.ready", "bootstrap.handed_over"]
    kills = 0
    with Load(source, rows=1000, truncates=False) as load:
        for point in points:
            done = bootstrap_killed(service, f"kill:{point}:1", *only(source, "note", "pair"),
                                    "--replace")
            kills += done.returncode == KILLED
        bootstrap(service, *only(source, "note", "pair"), "--replace")
    for table in SHOP:
        source.wait_same(target, table)
    service.stop()
    assert positions(target) == ["test"]
    tell(f"{kills} kills of {len(points)}, {load.count} transactions")


def test_a_lost_connection_makes_it_take_another_snapshot(mysql_source, file_target, directory):
    make_item(mysql_source, file_target, 1000)
    service = configure(mysql_source, directory, file_target)
    for fault in ("fail:source.mysql.copy:700", "fail:source.mysql.copy:1", "fail:source.mysql.open:3"):
        done = bootstrap(service, "--replace", env={"DRAY_FAULT": fault})
        assert "will try again" in done.stderr or "copied again" in done.stderr, done.stderr
        assert mysql_source.same(file_target, "item")


def test_a_table_that_is_changed_after_the_snapshot_is_read_from_another_one(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target, 20000)
    source.execute("create table later (id integer primary key, n bigint)")
    file_target.execute("create table later (id integer primary key, n bigint)")
    fill(source, "insert into later select n, n from n", 300)
    service = configure(source, directory, file_target, chunk_rows=500, connections=1)
    running = start_bootstrap(service)
    # one connection: the larger table first
    source.wait_for(lambda: file_target.value(
        "select count(*) from sqlite_schema where name = 'dray_bootstrap'")
        and file_target.value("select count(*) from item") > 0)
    source.execute("alter table later force")
    source.execute("insert into later values (1000, 1)")
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, out + err
    assert "later: its definition was changed after the snapshot was taken" in err, err
    assert "the table is copied again from another snapshot" in err
    assert source.same(file_target, "item") and source.same(file_target, "later")


def test_a_table_that_is_copied_can_be_changed_while_others_are_read(
        mysql_source, file_target, directory):
    source = mysql_source
    make_item(source, file_target, 20000)
    source.execute("create table quick (id integer primary key)")
    file_target.execute("create table quick (id integer primary key)")
    fill(source, "insert into quick select n from n", 50)
    service = configure(source, directory, file_target, chunk_rows=100, connections=2)
    running = start_bootstrap(service)
    source.wait_for(lambda: file_target.value(
        "select count(*) from sqlite_schema where name = 'dray_bootstrap'")
        and states(file_target).get("quick") == "ready")
    assert running.poll() is None and states(file_target)["item"] == "copying"
    source.execute("set session lock_wait_timeout = 1")
    source.execute("alter table quick force")
    source.disconnect()
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, out + err
    assert source.same(file_target, "item")


# ---- what a snapshot refuses ----------------------------------------------------------------------

def start_bootstrap(service, *arguments, **more):
    return subprocess.Popen([program(), "bootstrap", service.write(), *arguments],
                            env=environment(), stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def test_a_prepared_xa_transaction_is_waited_for_and_named(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target, 10)
    service = configure(source, directory, file_target)
    connection = source.session()
    with connection.cursor() as cursor:
        for statement in ("xa start 'in doubt'", "insert into item values (100, 'in doubt')",
                          "xa end 'in doubt'", "xa prepare 'in doubt'"):
            cursor.execute(statement)
    connection.close()
    service.options["retry"]["max_time"] = "500ms"
    refused = bootstrap(service, expect=4)
    assert "1 XA transaction is prepared and not ended ('in\\x20doubt')" in refused.stderr
    source.execute("xa commit 'in doubt'")
    bootstrap(service)
    assert source.same(file_target, "item")


WITHOUT_TRIES = {"DRAY_FAULT": "fail:source.mysql.views:1"}


def test_who_keeps_the_lock_away_is_named_without_the_values_of_his_statement(
        each_mysql_source, file_target, directory):
    """MySQL's lock waits for statements that write, MariaDB's for DDL and other backups."""
    source = each_mysql_source
    make_item(source, file_target, 10)
    source.execute("create table other (id integer primary key)")
    file_target.execute("create table other (id integer primary key)")
    service = configure(source, directory, file_target)
    service.options["retry"]["max_time"] = "100ms"
    writer = source.session()
    if source.is_mariadb:
        with writer.cursor() as cursor:
            cursor.execute("backup stage start")
        wanted = "a connection holds FLUSH TABLES WITH READ LOCK or a backup's locks"
        thread = threading.Thread(target=lambda: None)
    else:
        wanted = f"connection {writer.thread_id()} of user root (update item"
        thread = threading.Thread(target=lambda: writer.cursor().execute(
            "update item set name = concat(sleep(6), 'secret') where id = 1"))
    thread.start()
    try:
        time.sleep(0.5)
        refused = bootstrap(service, expect=4, env=WITHOUT_TRIES)
    finally:
        thread.join()
        writer.close()
    assert "the lock for it was not to be had within 3 s" in refused.stderr
    assert wanted in refused.stderr, refused.stderr
    assert "secret" not in refused.stderr
    bootstrap(service)
    assert source.same(file_target, "item")


def test_a_table_without_consistent_views_is_refused_by_name_and_the_others_are_loaded(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_item(source, file_target, 10)
    source.execute("create table old (id integer primary key) engine = myisam")
    file_target.execute("create table old (id integer primary key)")
    service = configure(source, directory, file_target)
    refused = bootstrap(service, expect=4)
    assert "old: its engine MyISAM has no consistent views" in refused.stderr
    assert "ENGINE = InnoDB" in refused.stderr
    assert states(file_target) == {"item": "ready", "old": "copying"}


def test_a_user_without_reload_gets_one_view_in_mariadb_and_the_way_out_in_mysql(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_shop(source, file_target, rows=500)
    user = f"u{source.name}"
    source.execute(f"create user {user} identified by ''")
    source.execute(f"grant select on {source.name}.* to {user}")
    source.execute(f"grant replication client, replication slave on *.* to {user}")
    if source.is_mariadb:
        source.execute(f"grant binlog monitor on *.* to {user}")
    service = configure(source, directory, file_target)
    service.options["source"]["user"] = user
    try:
        with Load(source, rows=500, truncates=False, pause=0):
            done = bootstrap(service, expect=None)
        if source.is_mariadb:
            assert done.returncode == 0, done.stderr
            service.run()
            assert same_shop(source, file_target)
        else:
            assert done.returncode == 4
            assert "RELOAD" in done.stderr
    finally:
        source.execute(f"drop user {user}")


# ---- keys of every kind ---------------------------------------------------------------------------

KEYS = {
    "tiny": ("tinyint", "n - 128", 250), "big": ("bigint unsigned", "18446744073709551615 - n", 250),
    "deci": ("decimal(30,10)", "n / 7 - 20", 250), "single": ("float", "n / 7 - 20", 250),
    "dbl": ("double", "n / 7 - 20", 250),
    "dat": ("date", "date '2024-01-01' + interval n day", 250),
    "dt": ("datetime(6)", "timestamp '2024-01-01 00:00:00.25' + interval n second", 250),
    "ts": ("timestamp(3)", "timestamp '2024-01-01 00:00:00.25' + interval n second", 250),
    "tim": ("time(2)", "sec_to_time(n * 997.25 - 100000)", 250),
    "yr": ("year", "1901 + n % 254", 250), "bits": ("bit(20)", "n * 977", 250),
    "bin": ("binary(3)", "unhex(lpad(hex(n * 977), 6, '0'))", 250),
    "varb": ("varbinary(9)", "unhex(hex(n * 977))", 250),
    "txt": ("varchar(20) character set latin1", "concat(char(65 + n % 26 using latin1), n, 'é')",
            250),
    "utf16": ("varchar(20) character set utf16", "concat('ß', n)", 250),
    "folded": ("varchar(20) character set utf8mb4 collate utf8mb4_general_ci",
               "concat(if(n % 2, 'a', 'B'), n, '😀')", 250),
    "quoted": ("varchar(40)", "concat('k''\\\\\"', n)", 250),
    "en": ("enum('zebra', 'apple', '', 'mango')", "n", 4),
    "st": ("set('x', 'b', 'm')", "n", 7),
}


def make_keys(source, target):
    for name, (kind, expression, count) in KEYS.items():
        source.execute(f"create table k_{name} (k {kind} primary key, n integer)")
        fill(source, f"insert into k_{name} select {expression}, n from n", count)
    source.execute("create table k_uniq (a integer not null, b varchar(10) not null, unique (b, a))")
    fill(source, "insert into k_uniq select n, concat('b', n % 3) from n", 250)
    source.execute("create table k_many (e enum('b', 'a'), d date, s varchar(5), f float,"
                   " primary key (e, d, s, f))")
    fill(source, "insert into k_many select 1 + n % 2, date '2024-01-01' + interval n % 5 day,"
         " concat('s', n % 4), n / 3 from n", 400)
    del target


def test_chunks_by_keys_of_every_type_have_each_row_once(
        each_mysql_source, file_target, directory):
    source = each_mysql_source
    make_keys(source, file_target)
    service = configure(source, directory, file_target, chunk_rows=3)
    service.options["bootstrap"]["chunk_rows"] = 7
    service.options["target"]["create_tables"] = "all"
    done = totals(bootstrap(service))
    counts = {table: source.value(f"select count(*) from {table}")
              for table in [*(f"k_{name}" for name in KEYS), "k_uniq", "k_many"]}
    assert {table: file_target.value(f"select count(*) from {table}") for table in counts} == counts
    assert done["rows"] == str(sum(counts.values()))
    assert service.command("verify", expect=None).returncode == 0, service.command(
        "verify", expect=None).stdout


def test_a_chunk_begins_where_the_last_one_ended_and_reads_nothing_before_it(
        each_mysql_source, file_target, directory, tell):
    source = each_mysql_source
    source.execute("create table wide (kind enum('b', 'a') not null, name varchar(20) not null,"
                   " id integer not null, v integer, primary key (kind, name, id))")
    file_target.execute("create table wide (kind text, name text, id integer, v integer,"
                        " primary key (kind, name, id))")
    rows, chunk_rows = 6000, 100
    fill(source, "insert into wide select 1 + n % 2, concat('n', n div 500), n, n from n", rows)
    source.execute("analyze table wide")

    def read():
        return sum(int(value) for name, value in source.query(
            "show global status like 'Handler_read%'") if "rnd" not in name)
    before = read()
    service = configure(source, directory, file_target, chunk_rows=chunk_rows)
    bootstrap(service)
    steps = read() - before
    assert source.same(file_target, "wide")
    # each chunk from the table's beginning would be rows * chunks / 2
    assert steps < rows * 4 < rows * rows / chunk_rows / 2
    tell(f"{steps} steps in indexes for {rows} rows in chunks of {chunk_rows}")


def test_odd_names_generated_columns_and_large_rows_into_tables_that_are_made(
        mysql_source, target, directory):
    source = mysql_source
    names = ["sp ace", "quo`te", "do.t", "Über%"]
    for name in names:
        quoted = source.quote(name)
        source.execute(
            f"create table {quoted} (`a b` integer primary key, `select` varchar(20))")
        fill(source, f"insert into {quoted} select n, concat('v', n) from n", 250)
    source.execute("create table generated (id integer primary key, twice integer as (id * 2)"
                   " stored, v varchar(10), half integer as (id div 2) virtual)")
    fill(source, "insert into generated (id, v) select n, 'g' from n", 250)
    source.execute("create table large (id integer primary key, body longtext, raw_bytes longblob)")
    fill(source, "insert into large select n, repeat('ä', 2000000), repeat(x'00ff', 1000000)"
         " from n", 3)
    service = configure(source, directory, target)
    service.options["target"]["create_tables"] = "all"
    done = totals(bootstrap(service))
    assert (done["tables"], done["rows"]) == ("6", str(4 * 250 + 250 + 3))
    for name in names:
        quoted = target.quote(name)
        assert target.value(f"select count(distinct {target.quote('a b')}) from {quoted}") == 250
    assert target.query("select id, length(body) from large order by id") \
        == source.query("select id, " + ("length(body)" if target.kind == "mysql" else
                                         "char_length(body)") + " from large order by id")
    source.execute("update `do.t` set `select` = 'new' where `a b` = 7")
    service.run()
    assert service.command("verify", expect=None).returncode == 0
