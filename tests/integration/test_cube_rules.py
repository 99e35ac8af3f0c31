"""Dray beside cube_dispatcher's rules (cube_model.py): a real queue, real triggers, the same partitions.

What the two do differently on purpose, and is therefore different in the model too, or not made here:
  - keep_latest, an update that changes the key and tells the old row: Dray deletes the old key. Where
    two rows swap their keys (a deferrable key) none gets lost on the way. Not made here
  - keep_all, a delete: Dray does what deletes: says (ignore, keep; error is in test_keep_scripts.py)
  - TRUNCATE: keep_latest empties the partition of its time, keep_all under ignore and keep does nothing
  - a table without a key: keep_all takes it, keep_latest refuses it (test_keep_scripts.py)
  - NULL in a key column: Dray refuses it; the original piles up rows. Not made here
  - under deletes: keep a deleted row keeps its key alone
"""
import datetime
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from cube_model import (KEEP_ALL, KEEP_LATEST, Cube, assert_same, contents, encode, quote,
                        read_batches)
from pgq_source import pgq_server, pgq_source, warehouse  # noqa: F401
from service import environment, program

SEED = int(os.environ.get("DRAY_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
STRIDE = int(os.environ.get("DRAY_TEST_FAULT_STRIDE", "3"))  # 1: at every fault point
SEQUENCES = int(os.environ.get("DRAY_TEST_SEQUENCES", "240"))
STEPS = 12
DAY, MONTH = "YYYY_MM_DD", "YYYY_MM"

# name: (columns, key)
SHAPES = {
    "plain": ([("id", "int"), ("v", "text"), ("n", "numeric(12,3)")], ["id"]),
    "pair": ([("a", "int"), ("v", "bytea"), ("b", "text"), ("w", "timestamptz")], ["b", "a"]),
    "word": ([("v", "text"), ("k", "text"), ("d", "date"), ("f", "float8"), ("yes", "boolean")], ["k"]),
    "Odd Na.me": ([("Key Col", "bigint"), ("va=l & more", "text"), ("list", "int[]")], ["Key Col"]),
}
NO_KEY = ("diary", [("at", "timestamptz"), ("said", "text")])
TEXTS = ["", "null", "NULL", "\\N", "a", "A", "a ", 'say "hi"', "it's", "a\nb", "\r", "🐉 é", "x,y", "\\",
         "100%", "%41", "a+b", "a=b&c", "x:y", "\t", "_PKEY"]


def value(dice, kind):
    if dice.random() < 0.15:
        return None
    if kind == "text":
        return dice.choice(TEXTS)
    return {
        "int": lambda: dice.randint(-5, 5),
        "numeric(12,3)": lambda: dice.randint(-10**6, 10**6) / 1000,
        "bytea": lambda: "\\x" + bytes(dice.randrange(256) for _ in range(dice.randrange(5))).hex(),
        "timestamptz": lambda: f"2024-0{dice.randint(1, 9)}-11 12:34:56.{dice.randrange(10**6):06d}+02",
        "date": lambda: f"19{dice.randint(10, 99)}-12-31",
        "float8": lambda: dice.choice([0.1, 1e300, -0.0, 2.5, 1 / 3]),
        "boolean": lambda: dice.choice(["t", "f"]),
        "int[]": lambda: dice.choice(["{}", "{1,2}", "{NULL,3}"]),
    }[kind]()


def definition(columns, key=None, more=""):
    parts = [f"{quote(name)} {kind}" for name, kind in columns]
    if key:
        parts.append(f"primary key ({', '.join(quote(name) for name in key)})")
    return f"({more}{', '.join(parts)})"


class Sequence:
    """The life of a few keys of one table, in statements or in events of a producer's own."""

    def __init__(self, dice, number):
        self.random = dice
        self.name = dice.choice(list(SHAPES))
        self.columns, self.key = SHAPES[self.name]
        self.producer = ("trigger", "trigger", "moves", "nonsense")[number % 4]
        self.keys = [self._key(number * 10 + at) for at in range(dice.choice([1, 2, 3]))]
        self.live = {}

    def _key(self, number):
        kinds = dict(self.columns)
        return tuple(f"{self.random.choice(TEXTS)}{number}" if kinds[name] == "text" else number
                     for name in self.key)

    def _row(self, key):
        given = dict(zip(self.key, key))
        return {name: given[name] if name in given else value(self.random, kind)
                for name, kind in self.columns}

    def step(self, execute):
        if self.producer == "trigger":
            self._change(execute)
        elif self.producer == "moves":
            self._move(execute)
        else:
            self._nonsense(execute)

    def _change(self, execute):
        key = self.random.choice(self.keys)
        table = f"public.{quote(self.name)}"
        where = " and ".join(f"{quote(name)} = %s" for name in self.key)
        row = self._row(key)
        if key not in self.live:
            self.live[key] = row
            execute(f"insert into {table} ({', '.join(map(quote, row))}) values"
                    f" ({', '.join(['%s'] * len(row))})", *row.values())
        elif self.random.random() < 0.3:
            del self.live[key]
            execute(f"delete from {table} where {where}", *key)
        else:
            changed = {name: row[name] for name in row if name not in self.key}
            if self.random.random() < 0.2:  # an update of nothing
                changed = {self.key[0]: key[0]}
            execute(f"update {table} set {', '.join(quote(name) + ' = %s' for name in changed)}"
                    f" where {where}", *changed.values(), *key)

    def _insert_event(self, execute, operation, row, before=None):
        execute("select pgq.insert_event(%s, %s, %s, %s, %s, null, null)", "sales",
                f"{operation}:{','.join(self.key)}", encode(row), f"public.{self.name}",
                None if before is None else encode(before))

    def _move(self, execute):
        """As PgQ 2's triggers with "backup" told it: the old row in every update, keys change."""
        key = self.random.choice(self.keys)
        if key not in self.live:
            old = self.random.choice([None, *self.live])  # a key that is free takes a row, or a new one
        else:
            old = key
        row = self._row(key)
        if old is None:
            self._insert_event(execute, "I", row)
        elif old == key and self.random.random() < 0.3:
            self._insert_event(execute, "D", self.live.pop(key))
            return
        else:
            self._insert_event(execute, "U", row, self.live.pop(old))
        self.live[key] = row

    def _nonsense(self, execute):
        """A second insert, an update or a delete of what is not there, a key that changed unseen."""
        self._insert_event(execute, self.random.choice("IUUD"), self._row(self.random.choice(self.keys)))


class Producer:
    """Runs sequences against the source, in transactions of any length, and ticks in between."""

    def __init__(self, source, dice):
        self.source, self.random = source, dice
        self.sequences = [Sequence(dice, number) for number in range(SEQUENCES)]
        self.clock = datetime.datetime(2024, 3, 30, 20, 0, tzinfo=datetime.timezone.utc)
        self.connections = [source.server.connect(source.name) for _ in range(2)]
        for connection in self.connections:
            connection.autocommit = False

    def execute(self, which):
        cursor = self.connections[which].cursor()
        return lambda sql, *values: cursor.execute(sql, values)

    def run(self, steps):
        """steps of each sequence; those of every eighth are committed late, after other batches."""
        order = [one for one in self.sequences for _ in range(steps)]
        self.random.shuffle(order)
        late = set(self.sequences[::8])
        until_tick = 0
        for one in order:
            one.step(self.execute(one in late))
            if self.random.random() < 0.05:
                self._without_key()
            if self.random.random() < 0.3:
                self.connections[0].commit()
            until_tick -= 1
            if until_tick <= 0:
                until_tick = self.random.randint(5, 90)
                self._end_batch()
        for connection in self.connections:
            connection.commit()
        self._end_batch()

    def _without_key(self):
        self.execute(0)("insert into diary values (%s, %s)", "2024-05-01 00:00+00",
                        self.random.choice(TEXTS))

    def _end_batch(self):
        if self.random.random() < 0.05:
            self._truncate()
        self.connections[0].commit()
        if self.random.random() < 0.3:
            self.connections[1].commit()
        self.clock += datetime.timedelta(minutes=self.random.choice([1, 10, 60, 90]))
        if self.random.random() < 0.2:  # midnight itself, in one of the two zones
            self.clock = self.clock.replace(hour=self.random.choice([22, 23]), minute=0, second=0)
            self.clock += datetime.timedelta(hours=self.random.choice([0, 1]),
                                             microseconds=-self.random.choice([0, 1]))
        self.clock = max(self.clock, self.last + datetime.timedelta(microseconds=1)) \
            if hasattr(self, "last") else self.clock
        self.last = self.clock
        self.source.tick(self.clock.isoformat())

    def _truncate(self):
        """It waits for the other connection's rows."""
        name = self.random.choice(list(SHAPES))
        for connection in self.connections:
            connection.commit()
        self.execute(0)(f"truncate public.{quote(name)}")
        for one in self.sequences:
            if one.name == name:
                one.live.clear()

    def close(self):
        for connection in self.connections:
            connection.close()


def make_tables(source, targets, keeps):
    """keeps: the tables whose deletes are kept."""
    for name, (columns, key) in [*SHAPES.items(), (NO_KEY[0], (NO_KEY[1], None))]:
        source.execute(f"create table {quote(name)} {definition(columns, key)}")
        for target, mode in targets:
            more = "dray_opcode varchar(2), " if mode == KEEP_ALL and name in keeps else ""
            target.execute(f"create table {quote(name)} "
                           f"{definition(columns, key if mode == KEEP_LATEST else None, more)}")


def configure(service, mode, by, keeps=(), time_zone="UTC", **partition):
    service.options["target"]["merge_script"] = f"{mode}.sql"
    service.last_rule = {"match": "*", "target": "%%TABLE%%",
                         "partition": {"by": by, "time_zone": time_zone, **partition}}
    if mode == KEEP_ALL:
        service.rules = [{**service.last_rule, "match": f"public.{name}", "deletes": "keep"}
                         for name in keeps]
        service.last_rule["deletes"] = "ignore"
    else:
        service.rules = [{"match": f"public.{NO_KEY[0]}", "skip": True}]
    return service


def test_random_sequences_end_as_one_statement_for_each_event_would(
        pgq_source, warehouse, directory, tell):
    print(f"seed {SEED}: DRAY_TEST_SEED={SEED} repeats it")
    dice = random.Random(SEED)
    keeps = {"pair"}
    all_rows, latest_model, all_model, rebuilt = (warehouse.another() for _ in range(4))
    make_tables(pgq_source, [(warehouse, KEEP_LATEST), (latest_model, KEEP_LATEST),
                             (all_rows, KEEP_ALL), (all_model, KEEP_ALL), (rebuilt, KEEP_ALL)], keeps)
    pgq_source.install(*(f"public.{quote(name)}" for name in [*SHAPES, NO_KEY[0]] if name != "word"))
    pgq_source.add_trigger("public.word", arguments=["backup"])
    for consumer in ("all", "model"):
        pgq_source.register(consumer)
    services = [
        configure(pgq_source.service(directory, warehouse, "latest"), KEEP_LATEST, "day",
                  time_zone="Europe/Berlin"),
        configure(pgq_source.service(directory, all_rows, "all", consumer="all"), KEEP_ALL, MONTH,
                  keeps)]
    for service in services:
        service.options["block"]["max_rows"] = dice.choice([100, 1000])
    names = {f"public.{name}" for name in SHAPES}
    models = [Cube(latest_model, KEEP_LATEST, DAY, only=names),
              Cube(all_model, KEEP_ALL, MONTH, only={f"public.{name}" for name in (*SHAPES, NO_KEY[0])
                                                     if name not in keeps}),
              Cube(all_model, KEEP_ALL, MONTH, "keep", only={f"public.{name}" for name in keeps})]
    producer = Producer(pgq_source, dice)
    batches = events = 0
    for steps in (STEPS // 3, STEPS - STEPS // 3):
        producer.run(steps)
        for service in services:
            service.run()
        for batch in read_batches(pgq_source, "model", {DAY: "Europe/Berlin", MONTH: "UTC"}):
            batches += 1
            events += len(batch.events)
            for model in models:
                model.apply(batch)
        assert_same(warehouse, latest_model, SHAPES)
        assert_same(all_rows, all_model, [*SHAPES, NO_KEY[0]])
    producer.close()
    # the blocks alone make the same partitions in another warehouse
    again = configure(pgq_source.service(directory, rebuilt, "rebuilt", consumer="all"), KEEP_ALL, MONTH,
                      keeps)
    again.replay(services[1].blocks_directory)
    assert_same(rebuilt, all_model, [*SHAPES, NO_KEY[0]])
    partitions = len(contents(warehouse, SHAPES)), len(contents(all_rows, SHAPES))
    assert SEQUENCES >= 200 and min(partitions) >= len(SHAPES)
    tell(f"{SEQUENCES} sequences, {events} events in {batches} batches, {partitions[0]} partitions by"
         f" day and {partitions[1]} by month, {sum(model.statements for model in models)} statements")


# ---- a shop, and the real ticker ----

SHOP = {
    "customers": ([("id", "int"), ("name", "text"), ("city", "text")], ["id"]),
    "orders": ([("id", "int"), ("customer", "int"), ("state", "text"), ("total", "numeric(10,2)"),
                ("placed", "timestamptz")], ["id"]),
    "items": ([("line", "int"), ("order_id", "int"), ("sku", "text"), ("count", "int")],
              ["order_id", "line"]),
}
SHOP_SECONDS = 3
# how the ticker's clock goes: a month, and a day, ends while the shop is open
MIDNIGHT = "2024-02-01 00:00+00"


class Shop(threading.Thread):
    """One clerk: places, fills, ships and cancels orders of its own in transactions."""

    def __init__(self, source, dice, number):
        super().__init__()
        self.random = dice
        self.connection = source.server.connect(source.name)
        self.connection.autocommit = False
        self.next = number * 1_000_000
        self.open = {}
        self.customers = []
        self.transactions = 0
        self.problem = None
        self.end = time.monotonic() + SHOP_SECONDS

    def run(self):
        try:
            while time.monotonic() < self.end:
                with self.connection.cursor() as cursor:
                    for _ in range(self.random.randint(1, 3)):
                        self._work(cursor.execute)
                if self.random.random() < 0.1:
                    time.sleep(0.1)  # batches end meanwhile
                self.connection.commit()
                self.transactions += 1
                time.sleep(0.004)
        except Exception as problem:  # told in the main thread
            self.problem = problem
        self.connection.close()

    def _work(self, execute):
        kind = self.random.random()
        if not self.customers or kind < 0.1:
            self.next += 1
            self.customers.append(self.next)
            execute("insert into customers values (%s, %s, %s)",
                    (self.next, f"name {self.next}", self.random.choice(["Ålesund", None, "Köln & co"])))
        elif kind < 0.15:
            execute("update customers set city = %s where id = %s",
                    (self.random.choice(["Oslo", ""]), self.random.choice(self.customers)))
        elif not self.open or kind < 0.4:
            self.next += 1
            self.open[self.next] = self.random.randint(1, 4)
            execute("insert into orders values (%s, %s, 'new', %s, now())",
                    (self.next, self.random.choice(self.customers), self.random.randint(1, 9999) / 100))
            for line in range(self.open[self.next]):
                execute("insert into items values (%s, %s, %s, 1)",
                        (line, self.next, self.random.choice(TEXTS)))
        else:
            order = self.random.choice(list(self.open))
            if kind < 0.7:
                execute("update items set count = count + 1 where order_id = %s", (order,))
                execute("update orders set state = 'changed', total = total + 1 where id = %s", (order,))
            elif kind < 0.85:
                execute("update orders set state = 'shipped' where id = %s", (order,))
            else:
                del self.open[order]
                execute("delete from items where order_id = %s", (order,))
                execute("delete from orders where id = %s", (order,))


def set_clock(source, before_midnight):
    """Ticks of now on have times that begin so long before midnight."""
    source.execute(f"""
        create or replace function clock_of_ticks() returns trigger language plpgsql as $$
        begin
            new.tick_time := timestamptz '{MIDNIGHT}' - interval '{before_midnight}'
                + (clock_timestamp() - timestamptz '{source.value("select clock_timestamp()")}');
            return new;
        end $$""")


def test_a_shop_over_midnight_by_the_real_ticker(pgq_source, warehouse, directory, tell):
    print(f"seed {SEED}: DRAY_TEST_SEED={SEED} repeats it")
    latest, everything = warehouse, warehouse.another()
    latest_model, all_model = warehouse.another(), warehouse.another()
    forms = {"latest": {"customers": DAY, "orders": MONTH, "items": DAY},
             "all": {"customers": MONTH, "orders": DAY, "items": MONTH}}
    for name, (columns, key) in SHOP.items():
        pgq_source.execute(f"create table {name} {definition(columns, key)}")
        for database in (latest, latest_model):
            database.execute(f"create table {name} {definition(columns, key)}")
        for database in (everything, all_model):
            more = "dray_opcode varchar(2), " if name == "items" else ""
            database.execute(f"create table {name} {definition(columns, more=more)}")
    set_clock(pgq_source, "1 hour")
    pgq_source.execute("create trigger clock before insert on pgq.tick for each row"
                       " execute function clock_of_ticks()")
    pgq_source.install(*SHOP)
    for consumer in ("all", "model"):
        pgq_source.register(consumer)
    services = []
    for name, target in (("latest", latest), ("all", everything)):
        service = pgq_source.service(directory, target, name,
                                     consumer="all" if name == "all" else "dray")
        service.options["target"]["merge_script"] = f"keep_{name}.sql"
        service.options["block"]["max_interval"] = "100ms"
        service.rules = [{"match": f"public.{table}", "target": table, "partition": form}
                         for table, form in forms[name].items()]
        if name == "all":
            for rule in service.rules:
                rule["deletes"] = "keep" if rule["target"] == "items" else "ignore"
        services.append(service)
    set_clock(pgq_source, f"{SHOP_SECONDS / 2} seconds")
    pgq_source.ticker(directory)
    for service in services:
        service.start()
    clerks = [Shop(pgq_source, random.Random(SEED + number), number) for number in range(3)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
        assert clerk.problem is None
    pgq_source.stop_ticker()
    last = pgq_source.tick()
    for service, consumer in zip(services, ("dray", "all")):
        pgq_source.wait_for(lambda: pgq_source.consumer_tick(consumer) == last)
        service.stop()
    models = [Cube(latest_model, KEEP_LATEST, form, only={f"public.{name}"})
              for name, form in forms["latest"].items()]
    models += [Cube(all_model, KEEP_ALL, form, "keep" if name == "items" else "ignore",
                    only={f"public.{name}"}) for name, form in forms["all"].items()]
    events = batches = 0
    for batch in read_batches(pgq_source, "model", {DAY: "UTC", MONTH: "UTC"}):
        batches += 1
        events += len(batch.events)
        for model in models:
            model.apply(batch)
    assert_same(latest, latest_model, SHOP)
    assert_same(everything, all_model, SHOP)
    for database in (latest, everything):
        made = contents(database, SHOP)
        assert len(made) == 3 * len(SHOP)  # the parents, and two partitions of each
        assert all((name in SHOP) == (not rows) for name, rows in made.items()), \
            {name: len(rows) for name, rows in made.items()}
    tell(f"shop: {sum(clerk.transactions for clerk in clerks)} transactions, {events} events in"
         f" {batches} batches of the real ticker")


# ---- kills ----

STATE, TRAIL = "state", "trail"


class Killed:
    """A table that is merged and one that keeps all, each by day; every change goes into both."""

    def __init__(self, source, target, directory):
        print(f"seed {SEED}: DRAY_TEST_SEED={SEED} repeats it")
        self.random = random.Random(SEED)
        self.source, self.target, self.model = source, target, target.another()
        for database in (source, target, self.model):
            database.execute(f"create table {STATE} (id int primary key, v text)")
            database.execute(f"create table {TRAIL} (id int{' primary key' if database is source else ''},"
                             " v text)")
        source.install(STATE, TRAIL)
        source.register("model")
        self.service = source.service(directory, target)
        self.service.options["block"].update(max_rows=20, retain="2 blocks")
        self.service.rules = [
            {"match": f"public.{STATE}", "target": STATE, "merge_script": "keep_latest.sql",
             "partition": "day"},
            {"match": f"public.{TRAIL}", "target": TRAIL, "merge_script": "keep_all.sql",
             "partition": "day", "deletes": "ignore"}]
        self.models = [Cube(self.model, KEEP_LATEST, DAY, only={f"public.{STATE}"}),
                       Cube(self.model, KEEP_ALL, DAY, only={f"public.{TRAIL}"})]
        self.clock = datetime.datetime(2024, 1, 1, 23, 0, tzinfo=datetime.timezone.utc)
        self.lines = 0

    def add(self, batches=2):
        for _ in range(batches):
            statements = []
            for _ in range(self.random.randint(1, 4)):
                self.lines += 1
                key = self.random.randint(1, 9)
                statements += [
                    f"delete from {STATE} where id = {key}" if self.random.random() < 0.3 else
                    f"insert into {STATE} values ({key}, 'line {self.lines}')"
                    f" on conflict (id) do update set v = excluded.v",
                    f"insert into {TRAIL} values ({self.lines}, 'line {self.lines}')"]
            self.source.transaction(*statements)
            self.clock += datetime.timedelta(hours=self.random.choice([0, 0, 1, 24]), seconds=1)
            self.source.tick(self.clock.isoformat())

    def run_killed_at(self, point):
        """Is it over before that?"""
        done = subprocess.run([program(), "run", self.service.write(), "--until-end"],
                              env=environment({"DRAY_FAULT": f"kill:{point}"}),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120, text=True, errors="replace",
                              check=False)
        assert done.returncode in (0, -signal.SIGKILL), done.stdout[-3000:]
        return done.returncode == 0

    def check(self):
        for batch in read_batches(self.source, "model", {DAY: "UTC"}):
            for model in self.models:
                model.apply(batch)
        assert_same(self.target, self.model, [STATE, TRAIL])
        assert sum(len(rows) for name, rows in contents(self.target, [TRAIL]).items()) == self.lines
        assert self.source.consumer_tick() == self.source.newest_tick()


def test_killed_at_fault_points_nothing_is_lost_or_doubled(pgq_source, warehouse, directory, tell):
    text = subprocess.run([program(), "help"], env=environment({"DRAY_FAULT": "nonsense"}),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if text.returncode >= 0 and b"DRAY_FAULT" not in text.stdout:
        pytest.skip("this build has no fault points (-Dfaults=true)")
    work = Killed(pgq_source, warehouse, directory)
    work.add()
    work.service.run()
    first = point = 1 + SEED % STRIDE
    kills = 0
    while True:
        work.add()
        if work.run_killed_at(point):
            break
        kills += 1
        point += STRIDE
        if kills % 4 == 0:
            work.service.run()
            work.check()
    work.service.run()
    work.check()
    assert kills > 10
    tell(f"cube rules: survived {kills} kills at fault points {first}, {first + STRIDE} … {point - STRIDE}")


def test_kills_at_any_time_lose_and_double_nothing(pgq_source, warehouse, directory):
    work = Killed(pgq_source, warehouse, directory)
    for _ in range(12):
        work.service.start()
        end = time.monotonic() + work.random.uniform(0.02, 0.25)
        while time.monotonic() < end:
            work.add(1)
        work.service.kill()
    work.add()
    work.service.run()
    work.check()
