"""Source pgq, killed and cut off at every point: afterwards source and target are equal, each once.

Each transaction changes table item, which is merged (a lost change shows), and adds a line to table
trail, of which every line is kept (a doubled one shows). See test_reliability.py.
"""
import os
import random
import signal
import subprocess

import pytest

from pgq_source import pgq_source, pgq_server, warehouse  # noqa: F401
from test_reliability import SEED, needs_faults, run_with_fault

# every point where it is set to 1; points lie close together, so that others are hit each time
STRIDE = int(os.environ.get("DRAY_TEST_FAULT_STRIDE", "5"))
POINTS = ["source.pgq.ahead", "source.pgq.copy", "source.pgq.finish", "source.pgq.before_finish",
          "source.pgq.after_finish", "source.postgres.open", "source.postgres.query"]


class Work:
    """Random transactions and ticks at the source."""

    def __init__(self, source, target, service):
        print(f"seed {SEED}: DRAY_TEST_SEED={SEED} repeats it")
        self.random = random.Random(SEED)
        self.source, self.target, self.service = source, target, service
        self.lines = 0
        for database in (source, target):
            database.execute("create table item (id int primary key, v text)")
        source.execute("create table trail (id int primary key, v text)")
        target.execute("create table trail (id int, v text, dray_opcode text, dray_seqno bigint,"
                       " dray_row_id bigint, dray_timestamp timestamptz)")
        source.install("item", "trail", arguments=["backup"])
        service.rules.append({"match": "public.trail", "target": "public.trail",
                              "merge_script": "append.sql"})
        service.options["retry"].update(first_wait="1ms", max_wait="5ms")
        service.options["block"].update(max_rows=4, retain="2 blocks")

    def _change(self):
        key = self.random.randrange(30)
        return self.random.choice([
            f"insert into item values ({key}, 'new {self.lines}')"
            f" on conflict (id) do update set v = 'again {self.lines}'",
            f"update item set v = 'x {self.lines}' where id % 7 = {key % 7}",
            f"delete from item where id = {key}"])

    def add(self, ticks=3):
        for _ in range(ticks):
            for _ in range(self.random.choice([0, 1, 3])):
                self.lines += 1
                self.source.transaction(
                    *(self._change() for _ in range(self.random.randint(1, 3))),
                    f"insert into trail values ({self.lines}, 'line')")
            self.source.tick()

    def check(self, finished=True):
        """finished: the server was told of the last commit."""
        self.source.same(self.target, "item")
        kept = [row[0] for row in self.target.query("select id from trail order by id")]
        assert kept == list(range(1, self.lines + 1)), "lines are lost or doubled"
        position = self.target.value("select source_position from dray_position")
        assert int(position.split(":")[1]) == self.source.newest_tick()
        told = self.source.consumer_tick()
        assert told == self.source.newest_tick() or (not finished and told < self.source.newest_tick())


@pytest.fixture
def work(pgq_source, warehouse, directory):  # noqa: F811
    needs_faults()
    return Work(pgq_source, warehouse, pgq_source.service(directory, warehouse))


def test_killed_at_every_fault_point_of_a_run_nothing_is_lost_or_doubled(work, tell):
    work.add()
    work.service.run()
    point = survived = 0
    while True:
        point += STRIDE
        work.add()
        code, said = run_with_fault(work.service, f"kill:{point}")
        if code == 0:
            break
        assert code == -signal.SIGKILL, said[-3000:]
        survived += 1
        # every third time killed while it recovers, too
        if survived % 3 != 0 or run_with_fault(
                work.service, f"kill:{work.random.randint(1, point)}")[0] != 0:
            work.service.run()
        work.check()
    work.check()
    assert survived > 5
    tell(f"pgq: survived {survived} kills at fault points, up to the {point}th passed")


def test_killed_and_cut_off_at_each_point_of_the_source(work):
    work.add()
    work.service.run()
    for point in POINTS:
        for fault in ("fail:{}:1", "fail:{}:4", "kill:{}:2"):
            work.add(2)
            code, said = run_with_fault(work.service, fault.format(point))
            # a lost connection is opened again, whatever it was doing
            assert code == 0 or (fault[0] == "k" and code == -signal.SIGKILL), \
                f"{fault.format(point)}\n{said[-3000:]}"
            if code != 0:
                work.service.run()
            # the last word of a run may be lost: the next one begins with it
            work.check(finished=code != 0)
    work.service.run()
    work.check()


def test_a_failing_call_at_any_fault_point_is_an_error_or_a_retry(work):
    work.add()
    work.service.run()
    for point in range(1, 220, STRIDE):
        work.add(1)
        code, said = run_with_fault(work.service, f"fail:{point}")
        assert code in (0, 1, 3, 4, 5), f"{point}: exit code {code}\n{said[-3000:]}"
        if code != 0:
            assert " error: " in said, f"{point}: no word of it\n{said[-3000:]}"
            work.service.run()
        work.check(finished=code != 0)


def test_killed_at_random_moments_while_the_real_ticker_runs_and_rotates(work, directory, tell):
    work.source.execute("select pgq.set_queue_config('sales', 'rotation_period', '0')")
    before = work.source.value("select queue_switch_step1 from pgq.queue")
    work.service.options["block"]["max_interval"] = "5ms"
    work.source.ticker(directory)
    kills = 0
    for _ in range(10):
        process = work.service.start()
        for _ in range(work.random.randint(1, 4)):
            work.add(1)
        try:
            assert process.wait(work.random.uniform(0.02, 0.4)) == 0, work.service.output()[-3000:]
        except subprocess.TimeoutExpired:
            work.service.kill()
            kills += 1
    work.source.stop_ticker()
    work.service.run()
    work.check()
    assert work.source.value("select queue_switch_step1 from pgq.queue") > before, "no rotation"
    tell(f"pgq: survived {kills} kills at random moments")
