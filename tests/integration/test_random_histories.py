"""Random histories against a model in memory, for the shipped scripts on each target.

A history is the life of one table: inserts, updates, deletes, key changes, swaps and truncates of a
few keys, so that they meet often in one block. Many histories share a log, and so blocks whose size
and options are random too. A failure names its seed: DRAY_TEST_SEED=n repeats the run.
"""
import os
import random
import time

from model import Log, Table
from service import Service

HISTORIES = int(os.environ.get("DRAY_TEST_HISTORIES", "2000"))
AT_ONCE = 60  # tables of one log
SEED = int(os.environ.get("DRAY_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
TEXTS = ["", "null", "NULL", "\\N", "a", "A", "a ", 'say "hi"', "a\nb", "🐉", "x,y", "\\", None]


class History:
    """One table and what happens to it."""

    def __init__(self, rng, number):
        self.random = rng
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
        self.lines = []  # what append.sql keeps: (opcode of the line, seqno, values)
        kinds = dict(self.table.columns)
        few = rng.choice([2, 3, 6])
        self.values = {name: (list(range(few)) if kinds[name] == "integer"
                              else rng.sample(TEXTS[:-1], few)) for name in self.table.names}

    def a_row(self, key=None):
        row = [self.random.choice(self.values[name]) if name in self.table.key
               else self.random.choice([*self.values[name], None]) for name in self.table.names]
        for name, value in zip(self.table.key, key or ()):
            row[self.table.names.index(name)] = value
        return tuple(row)

    def step(self, change):
        rows = change.log.state(self.table)
        row = self.a_row()
        key = self.table.key_of(row)
        old = self.random.choice(list(rows)) if rows else None
        action = self.random.choices(
            ["insert", "update", "delete", "move", "swap", "truncate", "twice"],
            [6, 5, 4, 3, 1.5, 0.3, 1])[0]
        if action == "truncate":
            change.truncate(self.table)
        elif action in ("insert", "twice") and key not in rows:
            change.insert(self.table, *row)
            if action == "twice":
                change.delete(self.table, key)
        elif old is None:
            return
        elif action == "update":
            change.update_rows(self.table, (old, self.a_row(old)))
        elif action == "delete":
            change.delete(self.table, old)
        elif action == "move" and key not in rows:
            change.update_rows(self.table, (old, row))
        elif action == "swap" and len(rows) > 1:
            one, two = self.random.sample(list(rows), 2)
            change.update_rows(self.table, (one, self.a_row(two)), (two, self.a_row(one)))


def run_histories(target, directory, seed, count, script="merge.sql"):
    """One log of count tables, carried over in a few runs with random options."""
    rng = random.Random(seed)
    log = Log(os.path.join(directory, f"log{seed}.jsonl"))
    service = Service(directory, target, log.path, name=f"s{seed}")
    service.options["target"]["merge_script"] = script
    histories = [History(rng, f"{seed}_{number}") for number in range(count)]
    for history in histories:
        target.create(history.table)
    opcodes = rng.choice([{}, {"update_opcode": True}, {"distinguish_updates": True}])
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
            got = target.rows(history.table)
            assert got == log.rows(history.table), \
                f"seed {seed}, table {history.table}, options {service.options['block']}"
    log.close()


def test_random_histories_equal_the_model(target, directory):
    print(f"DRAY_TEST_SEED={SEED} repeats these")
    histories = HISTORIES // 3
    rounds = max(1, histories // AT_ONCE)
    start = time.monotonic()
    for number in range(rounds):
        run_histories(target, directory, SEED + number, AT_ONCE)
    print(f"{target.kind}: {rounds * AT_ONCE} histories equal the model"
          f" ({time.monotonic() - start:.1f} s)")
