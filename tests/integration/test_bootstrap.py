"""dray bootstrap: the rows that are there, exactly once, and the stream behind them."""
import os
import pty
import random
import signal
import subprocess
import threading
import time

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


def start_service(source, service):
    """Until it has its lock and can be asked."""
    service.start()
    source.wait_for(lambda: os.path.exists(os.path.join(service.blocks_directory, "control")))


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


def test_no_chunk_is_begun_without_the_room_that_min_free_asks_for(source, file_target, directory):
    make_item(source, file_target, 10)
    source.install()
    service = configure(source, directory, file_target)
    service.options["block"]["min_free"] = "1000TiB"
    done = bootstrap(service, expect=1)
    assert "block.min_free is 1099511627776000: make room" in done.stderr
    assert file_target.query("select * from item") == []
    service.options["block"]["min_free"] = "0"
    bootstrap(service)
    assert source.same(file_target, "item")


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
    # SQLite shows all of it, the servers a part
    faults = wanted.sample(faults, len(faults) if target.kind == "sqlite" else 6)
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


def make_audited(source, target, rows):
    make_item(source, target, rows)
    text = TEXT[target.kind]
    target.execute("drop table item")
    target.execute(f"create table item (dray_opcode {text}, dray_seqno bigint, dray_row_id bigint,"
                   f" dray_timestamp {text}, id integer, name {text})")
    source.execute("create table version (id integer primary key, name text)")
    target.execute(f"create table version (id integer, name {text}, valid_from {text},"
                   f" valid_to {text})")
    source.execute("insert into version select * from item")


AUDIT_RULES = [{"match": "public.item", "merge_script": "append.sql", "target": "item"},
               {"match": "public.version", "merge_script": "history.sql", "target": "version"}]
SPOOL_POINTS = ["bootstrap.spooling", "bootstrap.spooled", "bootstrap.block_loaded",
                "loader.before_commit", "loader.after_commit", "bootstrap.ready"]


def test_scripts_that_keep_every_line_get_each_row_once(source, target, directory, tell):
    make_audited(source, target, 900)
    source.install()
    service = configure(source, directory, target, chunk_rows=100)
    service.rules = AUDIT_RULES
    kills = sum(bootstrap_killed(service, f"kill:{point}:{n % 3 + 1}").returncode == KILLED
                for n, point in enumerate(SPOOL_POINTS))
    bootstrap(service)
    for table, more in (("item", "dray_opcode = 'I'"), ("version", "valid_to is null")):
        assert target.query(f"select count(*), count(distinct id) from {table} where {more}") \
            == [(900, 900)]
        assert target.value(f"select count(*) from {table}") == 900
    source.execute("update version set name = 'new' where id <= 10")
    service.run()
    assert target.value("select count(*) from version") == 910
    assert target.value("select count(*) from version where valid_to is null") == 900
    tell(f"{target.kind}: {kills} kills of {len(SPOOL_POINTS)}")


def test_a_spooled_table_goes_on_exactly_where_its_loading_was(source, file_target, directory):
    make_audited(source, file_target, 900)
    source.install()
    service = configure(source, directory, file_target, chunk_rows=100)
    service.rules = AUDIT_RULES
    assert bootstrap_killed(service, "kill:bootstrap.block_loaded:4",
                            "public.item").returncode == KILLED
    assert file_target.value("select count(*) from item") == 400
    source.execute("insert into item values (5000, 'behind the snapshot')")
    done = bootstrap(service, "public.item")
    assert "it goes on behind the last chunk that was committed" in done.stderr
    assert file_target.value("select count(*) from item") == 900
    service.run()
    assert file_target.value("select count(*) from item") == 901


def test_a_spooled_table_whose_changes_were_passed_over_is_not_gone_on_with(
        source, file_target, directory):
    make_audited(source, file_target, 900)
    source.install()
    service = configure(source, directory, file_target, chunk_rows=100)
    service.rules = AUDIT_RULES
    assert bootstrap_killed(service, "kill:bootstrap.block_loaded:4",
                            "public.item").returncode == KILLED
    source.execute("insert into item values (5000, 'passed over')")
    service.run()
    refused = bootstrap(service, "public.item", expect=5)
    assert "or the service has run since" in refused.stderr
    file_target.execute("delete from item")
    bootstrap(service, "public.item", "--keep")
    service.run()
    assert file_target.value("select count(*) from item") == 901


# ---- beside one another ---------------------------------------------------------------------------

def start_bootstrap(service, *arguments, env=None, **more):
    return subprocess.Popen([program(), "bootstrap", service.write(), *arguments],
                            env=environment(env), stdin=subprocess.DEVNULL, text=True,
                            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})


def blocking(source, table):
    """A transaction that keeps a table locked: who reads it waits."""
    connection = source.server.connect(source.name)
    connection.autocommit = False
    connection.cursor().execute(f"lock table {table} in access exclusive mode")
    return connection


def wait_for_reader(source, table):
    source.wait_for(lambda: source.value(
        "select count(*) from pg_locks l join pg_class c on c.oid = l.relation"
        " where c.relname = %s and not l.granted", table) > 0)


def test_two_bootstraps_at_once_and_a_service_beside_one(source, file_target, directory):
    make_item(source, file_target, 100)
    source.install()
    service = configure(source, directory, file_target)
    lock = blocking(source, "item")
    first = start_bootstrap(service)
    try:
        # the slot is made, the copy waits for the table
        source.wait_for(lambda: os.path.exists(os.path.join(service.blocks_directory, "lock")))
        source.wait_for(lambda: bootstrap(service, expect=None).returncode == 6)
        refused = bootstrap(service, expect=6)
        assert "another dray bootstrap of this service runs" in refused.stderr
        assert "is locked" in service.run(expect=6).stderr
    finally:
        lock.close()
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err
    assert source.same(file_target, "item")


def test_a_signal_ends_it_after_the_chunks_that_run(source, file_target, directory):
    make_item(source, file_target, 20000)
    source.install()
    service = configure(source, directory, file_target, chunk_rows=10)
    running = start_bootstrap(service)
    source.wait_for(lambda: file_target.value(
        "select count(*) from sqlite_schema where name = 'dray_bootstrap'")
        and file_target.value("select count(*) from item") > 0)
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 1, out + err
    assert "stopped: 1 of 1 tables are not loaded" in err
    assert "start dray bootstrap" in err
    assert states(file_target) == {"public.item": "copying"}
    service.options["bootstrap"]["chunk_rows"] = 5000
    done = bootstrap(service)
    assert "was interrupted: the target table is emptied and the copy started again" in done.stderr
    assert source.same(file_target, "item")


def test_beside_a_running_service_killed_at_every_step(source, warehouse, directory, tell):
    make_shop(source, warehouse, rows=1000)
    service = configure(source, directory, warehouse, chunk_rows=150,
                        tables=["public.account", "public.log"])
    bootstrap(service)
    start_service(source, service)
    points = ["bootstrap.published", "bootstrap.mark", "bootstrap.marked",
              "bootstrap.block_loaded", "bootstrap.caught_up",
              "bootstrap.ready", "bootstrap.handed_over"]
    kills = 0
    with Load(source, rows=1000, truncates=False) as load:
        for point in points:
            done = bootstrap_killed(service, f"kill:{point}:1", "public.note", "public.pair",
                                    *["--replace"] * (len(states(warehouse)) == 4 and set(
                                        states(warehouse).values()) == {"ready"}))
            kills += done.returncode == KILLED
        bootstrap(service, "public.note", "public.pair")
    for table in SHOP:
        source.wait_same(warehouse, table)
    service.stop()
    assert positions(warehouse) == ["test"]
    tell(f"{kills} kills of {len(points)}, {load.count} transactions")


def test_the_service_is_killed_while_a_table_is_handed_over(source, warehouse, directory):
    make_shop(source, warehouse, rows=1000)
    service = configure(source, directory, warehouse, chunk_rows=150,
                        tables=["public.account", "public.log"])
    bootstrap(service)
    with Load(source, rows=1000, truncates=False):
        for wait in (0.2, 0.5):
            service.start()
            service.wait_for_seqno(1)
            running = start_bootstrap(service, "public.note", "public.pair", "--replace")
            time.sleep(wait)
            service.kill()
            service.start()
            out, err = running.communicate(timeout=60)
            assert running.returncode == 0, out + err
            service.stop(expect=None)  # 6 where the bootstrap had its lock meanwhile
        bootstrap(service, "public.note", "public.pair", "--replace")
    service.run()
    assert same_shop(source, warehouse)


# ---- what it shows --------------------------------------------------------------------------------

def test_a_terminal_gets_a_bar_and_a_pipe_plain_lines(source, file_target, directory):
    make_item(source, file_target, 3000)
    source.execute("analyze item")
    source.install()
    service = configure(source, directory, file_target)
    master, slave = pty.openpty()
    running = start_bootstrap(service, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            got = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not got:
            break
        shown += got
    running.wait(60)
    os.close(master)
    assert running.returncode == 0, shown
    assert b"\rcopied [" in shown and b"] 100% 1/1 tables 3.0k rows" in shown
    assert max(len(line) for line in shown.replace(b"\r", b"\n").split(b"\n")
               if line.startswith(b"copied")) <= 79 + len("\033[K")
    plain = bootstrap(service, "--replace")
    assert "\r" not in plain.stdout + plain.stderr
    first, last = plain.stdout.strip().splitlines()
    assert first.startswith("copied rows=3000/3000 tables=1/1 bytes=")
    assert last.startswith("tables=1 left_alone=0 unfinished=0 rows=3000 bytes=")
    assert totals(plain)["position"].count("/") == 1


# ---- tables of all kinds --------------------------------------------------------------------------

def test_odd_names_keys_and_partitions_into_tables_that_are_made(source, target, directory):
    source.execute("create schema \"Odd.Schema\"")
    names = ['public."sp ace"', 'public."quote""d"', '"Odd.Schema"."do.t"', 'public."Über%"']
    for name in names:
        source.execute(f"create table {name} (\"a b\" integer primary key, \"select\" varchar(20))")
        source.execute(f"insert into {name} select n, 'v' || n from generate_series(1, 250) n")
    source.execute("create table composite (a varchar(20), b integer, c date, v numeric(20,5),"
                   " primary key (c, a, b))")
    source.execute("insert into composite select 'k''\\' || n % 9, n, date '2020-01-01' + n % 13,"
                   " n / 7.0 from generate_series(1, 700) n")
    source.execute("create table part (id integer, region integer, primary key (id, region))"
                   " partition by list (region)")
    for region in range(3):
        source.execute(f"create table part_{region} partition of part for values in ({region})")
    source.execute("insert into part select n, n % 3 from generate_series(1, 300) n")
    source.execute("create table generated (id integer primary key, twice integer generated always"
                   " as (id * 2) stored, v varchar(10))")
    source.execute("insert into generated (id, v) select n, 'g' from generate_series(1, 250) n")
    source.install(options="with (publish_via_partition_root = true)")
    service = configure(source, directory, target)
    service.options["target"]["create_tables"] = "all"
    done = totals(bootstrap(service))
    assert (done["tables"], done["rows"]) == ("7", str(4 * 250 + 700 + 300 + 250))
    quoted = target.quote
    for name in ("sp ace", 'quote"d', "do.t", "Über%"):
        assert target.value(f"select count(distinct {quoted('a b')}) from {quoted(name)}") == 250
    assert [(a, b, str(c)[:10], round(float(v), 5)) for a, b, c, v in sorted(
        target.query("select a, b, c, v from composite"), key=lambda row: row[1])] == \
        [(a, b, str(c), round(float(v), 5)) for a, b, c, v in
         source.query("select a, b, c, v from composite order by b")]
    assert source.same(target, "part", "id, region")
    assert target.value("select count(*) from generated") == 250
    source.execute("update \"Odd.Schema\".\"do.t\" set \"select\" = 'new' where \"a b\" = 7")
    service.run()
    assert target.query(f"select {quoted('select')} from {quoted('do.t')}"
                        f" where {quoted('a b')} = 7") == [("new",)]


def test_rules_of_the_tables_hold_for_their_rows(source, file_target, directory):
    source.execute("create table person (nr integer, code varchar(10), descr text, secret text)")
    source.execute("alter table person replica identity full")
    source.execute("create table left_out (id integer primary key)")
    source.execute("create table keyless (v text)")
    source.execute("insert into person select n, 'c' || n, 'd', 's' from generate_series(1, 210) n")
    source.execute("insert into left_out values (1)")
    source.execute("insert into keyless select 'v' || n % 10 from generate_series(1, 230) n")
    file_target.execute("create table people (nr integer, code text, description text)")
    file_target.execute("create table keyless (dray_opcode text, dray_seqno bigint,"
                        " dray_row_id bigint, dray_timestamp text, v text)")
    source.install()
    service = configure(source, directory, file_target)
    service.rules = [
        {"match": "public.person", "target": "people", "key": ["nr", "code"],
         "columns": {"skip": ["secret"], "rename": {"descr": "description"}}},
        {"match": "public.left_out", "skip": True},
        {"match": "public.keyless", "target": "keyless", "merge_script": "append.sql"}]
    done = totals(bootstrap(service))
    assert (done["tables"], done["rows"]) == ("2", "440")
    assert file_target.query("select count(distinct nr), min(description) from people") \
        == [(210, "d")]
    assert file_target.query("select count(*), count(distinct v) from keyless") == [(230, 10)]
    assert sorted(states(file_target)) == ["public.keyless", "public.person"]


def test_a_table_without_a_key_and_a_shared_target_are_refused_with_the_way_out(
        source, file_target, directory):
    source.execute("create table keyless (v text)")
    source.execute("create table a (id integer primary key)")
    source.execute("create table b (id integer primary key)")
    source.execute("insert into a select generate_series(1, 150)")
    source.execute("insert into b select generate_series(1001, 1150)")
    file_target.execute("create table keyless (v text)")
    file_target.execute("create table both_of (id integer primary key)")
    source.install()
    service = configure(source, directory, file_target)
    service.rules = [{"match": "public.[ab]", "target": "both_of", "shared": True}]
    refused = bootstrap(service, expect=3)
    assert "table public.keyless has no key, which" in refused.stderr
    assert "merge_script: append.sql" in refused.stderr
    assert states(file_target) == {}
    assert totals(bootstrap(service, "public.[ab]"))["rows"] == "300"
    assert file_target.value("select count(*) from both_of") == 300
    refused = bootstrap(service, "public.a", "--replace", expect=2)
    assert "which other source tables share" in refused.stderr
    refused = bootstrap(service, "public.no*", expect=2)
    assert "no table that matches \"public.no*\"" in refused.stderr


def test_the_source_is_restarted_while_tables_are_copied(source, file_target, directory):
    make_item(source, file_target, 20000)
    source.install()
    service = configure(source, directory, file_target, chunk_rows=50)
    running = start_bootstrap(service)
    source.wait_for(lambda: file_target.value(
        "select count(*) from sqlite_schema where name = 'dray_bootstrap'")
        and file_target.value("select count(*) from item") > 100)
    source.restart()
    service.options["bootstrap"]["chunk_rows"] = 5000
    out, err = running.communicate(timeout=100)
    assert running.returncode == 0, out + err
    assert "the table is copied again from another snapshot" in err
    assert source.same(file_target, "item")


def test_the_blocks_of_a_bootstrap_can_be_replayed(source, file_target, directory):
    make_shop(source, file_target, rows=1000)
    service = configure(source, directory, file_target, chunk_rows=150,
                        tables=["public.account", "public.log"])
    bootstrap(service)
    start_service(source, service)
    with Load(source, rows=1000, truncates=False):
        bootstrap(service, "public.note", "public.pair")
        time.sleep(0.3)
    for table in SHOP:
        source.wait_same(file_target, table)
    service.stop()
    empty = file_target.another()
    for table in SHOP:
        (sql,) = file_target.query(f"select sql from sqlite_schema where name = '{table}'")[0]
        empty.execute(sql)
    service.options["target"] = {**empty.options(), "merge_script": "merge.sql"}
    where = os.path.join(service.blocks_directory, "bootstrap")
    killed = service.replay(where, "--bootstrap", expect=None,
                            env={"DRAY_FAULT": "kill:loader.after_commit:5"})
    assert killed.returncode == KILLED
    service.replay(where, "--bootstrap")
    assert positions(empty) == []
    service.replay(service.blocks_directory)
    assert same_shop(source, empty)
    assert "no other option" in service.replay(where, "--bootstrap", "--again", expect=2).stderr
