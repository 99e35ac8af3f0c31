"""Random histories against a model in memory, for the shipped scripts on each target.

A history is the life of one table: inserts, updates, deletes, key changes, swaps and truncates of a
few keys, so that they meet often in one block. Many histories share a log, and so blocks whose size
and options are random too. A failure names its seed: DRAY_TEST_SEED=n repeats the run.
"""
import calendar
import datetime
import os
import random
import time

import pytest

from model import Log, Table, sort_key
from service import Service

HISTORIES = int(os.environ.get("DRAY_TEST_HISTORIES", "2000"))
AT_ONCE = 57  # tables of one log
SEED = int(os.environ.get("DRAY_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
TEXTS = ["", "null", "NULL", "\\N", "a", "A", "a ", 'say "hi"', "a\nb", "🐉", "x,y", "\\", None]


def time_type(target):
    return {"sqlite": "text", "postgres": "timestamp(6)", "mysql": "datetime(6)"}[target.kind]


def microseconds(value):
    """A time of any target as the log's clock tells it."""
    if isinstance(value, str):
        whole, _, fraction = value.partition(".")
        at = datetime.datetime.strptime(whole, "%Y-%m-%d %H:%M:%S")
        return calendar.timegm(at.timetuple()) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or 0)
    if value is None:
        return None
    return calendar.timegm(value.timetuple()) * 1_000_000 + value.microsecond


class History:
    """One table and what happens to it."""

    def __init__(self, rng, number, opcodes):
        self.random = rng
        self.opcodes = opcodes
        name = f"h{number}"
        shape = rng.randrange(4)
        if shape == 0:
            self.table = Table(name, [("id", "integer"), ("v", "text"), ("n", "integer")])
        elif shape == 1:
            self.table = Table(name, [("v", "text"), ("b", "integer"), ("n", "integer"),
                                      ("a", "text")], key=("a", "b"))
        elif shape == 2:
            self.table = Table(name, [("k", "text"), ("v", "text")], key=("k",))
        else:
            self.table = Table(name, [("a", "integer"), ("b", "integer")], key=("b", "a"))
        kinds = dict(self.table.columns)
        few = rng.choice([2, 3, 6])
        self.values = {name: (list(range(few)) if kinds[name] == "integer"
                              else rng.sample(TEXTS[:-1], few)) for name in self.table.names}
        self.lines = []     # of append.sql: (opcode, seqno, values)
        self.versions = []  # of history.sql: [row, from, to]
        self.soft = {}      # of soft_delete.sql: key -> [row, deleted at]

    # what the scripts that keep more than the current state must make of a change

    def _line(self, log, opcode, row):
        seqno, now, key = log.transactions + 1, log.time_us, self.table.key_of(row)
        if opcode in ("D", "UD"):
            kept = tuple(value if name in self.table.key else None
                         for name, value in zip(self.table.names, row))
            self.lines.append((opcode, seqno, kept))
        else:
            self.lines.append((opcode, seqno, row))
        for version in self.versions:
            if version[2] is None and self.table.key_of(version[0]) == key:
                version[2] = now
        if opcode in ("I", "U", "UI"):
            self.versions.append([row, now, None])
            self.soft[key] = [row, None]
        elif key in self.soft:
            self.soft[key][1] = now

    def insert(self, change, row):
        change.insert(self.table, *row)
        self._line(change.log, "I", row)

    def delete(self, change, key):
        row = change.log.state(self.table)[key]
        change.delete(self.table, key)
        self._line(change.log, "D", row)

    def update(self, change, key, row):
        old = change.log.state(self.table)[key]
        change.update_rows(self.table, (key, row))
        if self.opcodes.get("update_opcode") and key == self.table.key_of(row):
            self._line(change.log, "U", row)
            return
        apart = self.opcodes.get("distinguish_updates")
        self._line(change.log, "UD" if apart else "D", old)
        self._line(change.log, "UI" if apart else "I", row)

    def truncate(self, change):
        change.truncate(self.table)
        now = change.log.time_us
        for version in self.versions:
            version[2] = now if version[2] is None else version[2]
        for entry in self.soft.values():
            entry[1] = now if entry[1] is None else entry[1]

    # a step of the history

    def a_row(self, key=None):
        row = [self.random.choice(self.values[name]) if name in self.table.key
               else self.random.choice([*self.values[name], None]) for name in self.table.names]
        for name, value in zip(self.table.key, key or ()):
            row[self.table.names.index(name)] = value
        return tuple(row)

    def unused_key(self):
        kinds = dict(self.table.columns)
        return tuple(-1 if kinds[name] == "integer" else "on the way" for name in self.table.key)

    def step(self, change):
        rows = change.log.state(self.table)
        row = self.a_row()
        key = self.table.key_of(row)
        old = self.random.choice(list(rows)) if rows else None
        action = self.random.choices(
            ["insert", "update", "delete", "move", "swap", "truncate", "twice"],
            [6, 5, 4, 3, 1.5, 0.3, 1])[0]
        if action == "truncate":
            self.truncate(change)
        elif action in ("insert", "twice") and key not in rows:
            self.insert(change, row)
            if action == "twice":
                self.delete(change, key)
        elif old is None:
            return
        elif action == "update":
            self.update(change, old, self.a_row(old))
        elif action == "delete":
            self.delete(change, old)
        elif action == "move" and key not in rows:
            self.update(change, old, row)
        elif action == "swap" and len(rows) > 1:
            one, two = self.random.sample(list(rows), 2)
            aside = self.unused_key()
            self.update(change, one, self.a_row(aside))
            self.update(change, two, self.a_row(one))
            self.update(change, aside, self.a_row(two))


class Merge:
    """What a script makes of a history: the base table, what it must hold, what it holds."""
    script = "merge.sql"

    def create(self, target, table):
        target.create(table)

    def expected(self, log, history):
        return log.rows(history.table)

    def actual(self, target, table):
        return target.rows(table)


class Append(Merge):
    script = "append.sql"

    def create(self, target, table):
        target.create(Table(table.name, table.columns, key=()), more=(
            "dray_opcode varchar(2), dray_seqno bigint, dray_row_id bigint, dray_timestamp "
            + time_type(target)))

    def expected(self, log, history):
        return [(opcode, seqno, *row) for opcode, seqno, row in history.lines]

    def actual(self, target, table):
        columns = ", ".join(target.quote(name) for name in table.names)
        # row_id begins again with each file; two files of one table in one transaction are told
        # apart by nothing, so sort the lines of one transaction as the caller does
        return target.query(f"select dray_opcode, dray_seqno, {columns} from {table.name}")


class Versions(Merge):
    script = "history.sql"

    def create(self, target, table):
        kind = time_type(target)
        target.create(Table(table.name, table.columns, key=()),
                      more=f"valid_from {kind}, valid_to {kind}")

    def expected(self, log, history):
        return [(*row, begin, end) for row, begin, end in history.versions]

    def actual(self, target, table):
        columns = ", ".join(target.quote(name) for name in table.names)
        return [(*row, microseconds(begin), microseconds(end)) for *row, begin, end in
                target.query(f"select {columns}, valid_from, valid_to from {table.name}")]


class SoftDelete(Merge):
    script = "soft_delete.sql"

    def create(self, target, table):
        target.create(table, more=f"deleted_at {time_type(target)}")

    def expected(self, log, history):
        return [(*row, at) for row, at in history.soft.values()]

    def actual(self, target, table):
        columns = ", ".join(target.quote(name) for name in table.names)
        return [(*row, microseconds(at)) for *row, at in
                target.query(f"select {columns}, deleted_at from {table.name}")]


SCRIPTS = {kind.script: kind() for kind in (Merge, Append, Versions, SoftDelete)}


def run_histories(target, directory, seed, count, script):
    """One log of count tables, carried over in a few runs with random options."""
    rng = random.Random(f"{seed} {script}")
    kind = SCRIPTS[script]
    log = Log(os.path.join(directory, f"log{seed}.jsonl"))
    service = Service(directory, target, log.path, name=f"s{seed}")
    service.options["target"]["merge_script"] = script
    opcodes = rng.choice([{}, {"update_opcode": True}, {"distinguish_updates": True}])
    histories = [History(rng, f"{seed}_{number}", opcodes) for number in range(count)]
    for history in histories:
        kind.create(target, history.table)
    service.options["block"].update(
        opcodes, compact=rng.random() < 0.7, max_rows=rng.choice([1, 20, 100, 1000, 100000]),
        compact_memory=rng.choice(["0", "1KiB", "16KiB", "1MiB"]), retain="none")
    for _ in range(rng.choice([1, 2, 3])):
        for _ in range(rng.randrange(5, 25)):
            with log.transaction() as change:
                for history in rng.sample(histories, min(count, rng.choice([1, 3, 20, 60]))):
                    for _ in range(rng.choice([0, 1, 2, 3, 6])):
                        history.step(change)
        service.run()
        assert target.position(service.options["service"]) == log.transactions
        for history in histories:
            got = sorted(kind.actual(target, history.table), key=sort_key)
            assert got == sorted(kind.expected(log, history), key=sort_key), \
                f"seed {seed}, table {history.table}, options {service.options['block']}"
    log.close()


@pytest.mark.parametrize("script", SCRIPTS)
def test_random_histories_equal_the_model(target, directory, script, tell):
    print(f"DRAY_TEST_SEED={SEED} repeats these")  # shown when it fails
    rounds = max(1, round(HISTORIES / 3 / len(SCRIPTS) / AT_ONCE))
    start = time.monotonic()
    for number in range(rounds):
        run_histories(target, directory, SEED + number, AT_ONCE, script)
    tell(f"{target.kind}, {script}: {rounds * AT_ONCE} histories equal the model"
          f" ({time.monotonic() - start:.1f} s)")
