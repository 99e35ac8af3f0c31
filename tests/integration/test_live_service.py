"""A service on a live source: what it costs, how soon it is there, what it tells the source, holds."""
import os
import socket
import statistics
import time

import pytest

import targets
from postgres_source import source, source_server, warehouse, file_target  # noqa: F401

ITEM = "create table item (id int primary key, name text)"


def wait_until(condition, seconds=30, what=""):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what or "not in time"
        time.sleep(0.02)


@pytest.fixture
def live(source, warehouse, directory):  # noqa: F811
    """A running service from PostgreSQL to PostgreSQL, with table item."""
    source.execute(ITEM)
    warehouse.execute(ITEM)
    source.install()
    service = source.service(directory, warehouse)
    service.options["block"].update({"max_interval": "0s", "retain": "none"})
    yield service
    service.kill()


def cpu_seconds(pid):
    """Of all threads, to the nanosecond: /proc/PID/stat counts in hundredths of a second."""
    used = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            used += int(file.read().split()[0])
    return used / 1e9


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024


def test_an_idle_service_costs_next_to_nothing(live, source, tell):  # noqa: F811
    source.execute("insert into item values (1, 'a')")
    process = live.start()
    live.wait_for_seqno(1)
    time.sleep(1)
    before = cpu_seconds(process.pid)
    time.sleep(3)
    used = (cpu_seconds(process.pid) - before) / 3
    size = resident_mib(process.pid)
    tell(f"idle service: {used * 100:.2f} % of a core, {size:.1f} MiB resident")
    assert used < 0.005
    assert size < 30


def test_a_small_transaction_is_visible_soon(live, source, warehouse, tell):  # noqa: F811
    live.start()
    source.execute("insert into item values (0, 'a')")
    live.wait_for_seqno(1)
    waits = []
    for number in range(1, 41):
        time.sleep(0.02)
        source.execute("insert into item values (%s, 'a')", number)
        start = time.monotonic()
        while not warehouse.query(f"select 1 from item where id = {number}"):
            pass
        waits.append(time.monotonic() - start)
    median = statistics.median(waits) * 1000
    tell(f"visible in the target {median:.1f} ms after the commit (median of {len(waits)}, "
         f"longest {max(waits) * 1000:.1f} ms)")
    assert median < 150  # 50 on a quiet machine, as the benchmark prints


def test_the_slot_follows_a_commit_within_about_a_second_and_is_never_ahead(
        live, source, warehouse):  # noqa: F811
    live.start()
    source.execute("insert into item values (1, 'a')")
    end = source.end_of_wal()
    live.wait_for_seqno(1)
    wait_until(lambda: source.confirmed() >= end - 64, 3, "the slot does not follow")
    position = warehouse.value("select source_position from dray_position")
    assert source.confirmed() <= source.value("select (%s::pg_lsn - '0/0')::bigint", position)


def test_writes_elsewhere_in_the_database_and_in_other_databases_move_the_slot(
        live, source, warehouse):  # noqa: F811
    live.start()
    source.execute("insert into item values (1, 'a')")
    live.wait_for_seqno(1)
    other = targets.PostgresTarget(source.server)
    other.execute("create table noise (n int)")
    other.execute("insert into noise select generate_series(1, 20000)")
    other.drop()
    source.execute("select pg_logical_emit_message(false, 'x', repeat('x', 100000))")
    source.execute("select pg_switch_wal()")
    end = source.end_of_wal()
    wait_until(lambda: source.confirmed() >= end - 8192, 25, "the slot stays behind")
    # no transaction of ours: no seqno, no block
    assert warehouse.position() == 1
    assert live.block_directories() == []
    position = warehouse.value("select source_position from dray_position")
    assert source.confirmed() <= source.value("select (%s::pg_lsn - '0/0')::bigint", position)
    live.stop()
    source.execute("insert into item values (2, 'b')")
    live.run()
    source.same(warehouse, "item")


def test_a_run_to_the_end_tells_the_slot_of_its_last_commit(live, source):  # noqa: F811
    source.execute("insert into item values (1, 'a')")
    end = source.end_of_wal()
    live.run()
    # the server reads our last word when it comes to it
    wait_until(lambda: source.confirmed() >= end - 64, 5, "the slot does not follow")


class Control:
    """A client of the control socket."""

    def __init__(self, service):
        self.socket = socket.socket(socket.AF_UNIX)
        path = os.path.join(service.blocks_directory, "control")
        wait_until(lambda: os.path.exists(path))
        self.socket.connect(path)
        self.file = self.socket.makefile("r", encoding="ascii")

    def ask(self, line):
        self.socket.sendall(line.encode("ascii") + b"\n")
        return self.file.readline().rstrip("\n").split(" ")

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def impatient(source):  # noqa: F811
    """A server that ends who does not speak for 4 seconds."""
    source.execute("alter system set wal_sender_timeout = '4s'")
    source.execute("select pg_reload_conf()")
    yield
    source.execute("alter system reset wal_sender_timeout")
    source.execute("select pg_reload_conf()")


def test_a_target_that_takes_long_does_not_cost_the_connection_to_the_source(
        live, source, warehouse, impatient):  # noqa: F811
    live.options["block"]["max_rows"] = 1
    live.start()
    source.execute("insert into item values (1, 'a')")
    live.wait_for_seqno(1)
    pid = source.active_pid()
    blocker = warehouse.server.connect(warehouse.name)
    blocker.autocommit = False
    blocker.cursor().execute("lock table item in exclusive mode")
    for number in range(2, 7):
        source.execute("insert into item values (%s, 'b')", number)
    time.sleep(5.5)
    assert warehouse.position() == 1
    blocker.rollback()
    blocker.close()
    live.wait_for_seqno(6)
    source.same(warehouse, "item")
    assert source.active_pid() == pid
    assert "will try again" not in live.output()


def test_a_hold_outlasts_the_servers_patience_and_nothing_is_lost(
        live, source, warehouse, impatient):  # noqa: F811
    live.start()
    source.execute("insert into item values (1, 'a')")
    live.wait_for_seqno(1)
    control = Control(live)
    word, position, seqno = control.ask("hold")
    assert word == "held" and seqno == "1"
    wait_until(lambda: live.status()["state"] == "holding")
    pid = source.active_pid()
    source.execute("insert into item select generate_series(2, 1000), 'b'")
    time.sleep(5.5)
    assert warehouse.position() == 1
    assert source.active_pid() == pid
    assert control.ask("release") == ["released"]
    live.wait_for_seqno(2)
    later = source.value("select pg_current_wal_lsn()")
    source.execute("insert into item values (2000, 'c')")
    # it may have gone past the position before the question came
    assert control.ask(f"hold {later}")[0] in ("held", "past")
    control.close()
    live.wait_for_seqno(3)
    source.same(warehouse, "item")
    assert "will try again" not in live.output()


def test_a_run_ends_at_a_position(live, source, warehouse):  # noqa: F811
    source.execute("insert into item values (1, 'a')")
    between = source.value("select pg_current_wal_lsn()")
    source.execute("insert into item values (2, 'b')")
    live.command("run", "--until-position", between)
    assert warehouse.query("select id from item") == [(1,)]
    assert "is none of source type" in live.command(
        "run", "--until-position", "nonsense", expect=2).stderr
    live.run()
    source.same(warehouse, "item")


def test_the_status_tells_the_retained_wal_and_does_not_hang_on_a_dead_source(
        live, source, file_target):  # noqa: F811
    live.start()
    live.wait_for_seqno(0)
    wait_until(lambda: live.status()["retained_bytes"] is not None)
    assert live.status()["retained_bytes"] >= 0
    assert "retained bytes" in live.command("status").stdout
    live.kill()
    # an address that takes connections and never says a word
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        live.options["source"]["connection"] = (
            f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=x user=x")
        start = time.monotonic()
        status = live.status()
        assert time.monotonic() - start < 8
        assert status["retained_bytes"] is None and status["source_error"]
