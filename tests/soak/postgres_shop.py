"""The workload of a PostgreSQL source: pgbench's TPC-B, and a shop.

Many tables, several kinds of key and replica identity, key changes, deletes, truncates, savepoints,
large values that updates leave unchanged, and columns that are added on the way.
"""
import os
import random
import subprocess
import threading
import time

import psycopg2

import servers

TABLES = 12
WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit".split()
LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)


class Shop:
    """The source's tables and what happens to them. Each worker has a connection and a random
    generator of its own."""

    def __init__(self, source, seed):
        self.source = source
        self.seed = seed
        self.columns = 0
        self.lock = threading.Lock()
        self.counts = {"statements": 0, "rows": 0, "truncates": 0, "columns": 0, "rollbacks": 0}

    def make(self):
        cursor = self.source.connect("shop").cursor()
        for number in range(TABLES):
            name = f"shop_{number:02}"
            key = "id" if number % 3 else "id, region"
            cursor.execute(
                f"create table {name} (id bigint not null, region text not null, body text, "
                "amount numeric(14,3), at timestamptz, doc jsonb, flag boolean, raw bytea, "
                f"primary key ({key}))")
            # large values go out of line, so that updates leave them unchanged
            cursor.execute(f"alter table {name} alter body set storage external")
            if number % 4 == 1:
                cursor.execute(f"alter table {name} replica identity full")
            if number % 4 == 2:
                cursor.execute(f"create unique index {name}_both on {name} (region, id)")
                cursor.execute(f"alter table {name} replica identity using index {name}_both")
            cursor.execute(f"insert into {name} select n, 'r' || n % 5, repeat('x', 10 * n), n, "
                           "now(), jsonb_build_object('n', n), true, '\\x00ff' "
                           "from generate_series(1, 300) as n")
        cursor.connection.close()

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    def worker(self, number, stop):
        rng = random.Random(f"{self.seed} {number}")
        connection = None
        while not stop.is_set():
            try:
                if connection is None:
                    connection = self.source.connect("shop")
                    connection.autocommit = False
                self.transaction(connection, rng)
            except LOST:
                connection = None
                time.sleep(0.1)
            except psycopg2.Error:
                # a key that is taken, a deadlock: part of the game
                self.count("rollbacks")
                try:
                    connection.rollback()
                except LOST:
                    connection = None

    def transaction(self, connection, rng):
        cursor = connection.cursor()
        for _ in range(rng.randrange(1, 12)):
            self.statement(cursor, rng, f"shop_{rng.randrange(TABLES):02}")
            self.count("statements")
        if rng.random() < 0.1:
            connection.rollback()
            self.count("rollbacks")
        else:
            connection.commit()
        time.sleep(rng.random() * 0.01)

    def statement(self, cursor, rng, name):
        kind, key = rng.random(), rng.randrange(1, 2000)
        if kind < 0.35:
            cursor.execute(
                f"insert into {name} (id, region, body, amount, at, doc, flag, raw) values "
                "(%s, %s, %s, %s, now(), %s, %s, %s) on conflict do nothing",
                (key, f"r{key % 5}", self.text(rng), rng.randrange(10 ** 9) / 1000,
                 f'{{"key": {key}, "word": "{rng.choice(WORDS)}"}}', rng.random() < 0.5,
                 rng.randbytes(rng.randrange(20))))
        elif kind < 0.70:
            # body stays as it is
            cursor.execute(f"update {name} set amount = amount + 1, flag = not flag, at = now() "
                           "where id between %s and %s", (key, key + rng.randrange(30)))
        elif kind < 0.78:
            cursor.execute(f"update {name} set body = %s where id = %s", (self.text(rng), key))
        elif kind < 0.84:
            cursor.execute(f"update {name} set id = %s where id = %s",
                           (rng.randrange(2000, 1000000), key))
        elif kind < 0.95:
            cursor.execute(f"delete from {name} where id between %s and %s", (key, key + 5))
        elif kind < 0.98:
            cursor.execute("savepoint s")
            cursor.execute(f"update {name} set region = region || 'x' where id = %s", (key,))
            cursor.execute(f"delete from {name} where id < 100")
            cursor.execute("rollback to savepoint s")
        elif kind < 0.982:
            other = f"shop_{rng.randrange(TABLES):02}"
            cursor.execute(f"truncate {', '.join({name, other})}")
            self.count("truncates")
        elif kind < 0.99:
            with self.lock:
                self.columns += 1
                column = f"extra_{self.columns}"
            if self.columns <= 40:
                cursor.execute(f"alter table {name} add column {column} text default 'since {key}'")
                self.count("columns")
        else:
            cursor.execute(
                f"insert into {name} (id, region, body) select n, 'bulk', repeat('b', 30) "
                "from generate_series(%s::bigint, %s::bigint) as n on conflict do nothing",
                (key * 1000, key * 1000 + 500))
        self.count("rows", max(cursor.rowcount, 0))

    @staticmethod
    def text(rng):
        if rng.random() < 0.3:
            return "".join(rng.choices(",\"'\\\n\t üß€😀null", k=rng.randrange(40)))
        return rng.choice(WORDS) * rng.choice((1, 5, 2000))


class Pgbench:
    """TPC-B, begun again whenever the server was away."""

    def __init__(self, source):
        self.source = source
        self.program = os.path.join(source.bin, "pgbench")
        self.transactions = 0

    def make(self):
        self._run("-i", "-q", "-s", "1")
        # a history without a key could only be appended
        cursor = self.source.connect("shop").cursor()
        cursor.execute("alter table pgbench_history add column id bigint "
                       "generated always as identity primary key")
        cursor.connection.close()

    def _run(self, *arguments):
        return subprocess.run([self.program, *arguments, "-h", self.source.directory, "-U",
                               "postgres", "shop"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)

    def worker(self, stop):
        while not stop.is_set():
            output = self._run("-n", "-c", "2", "-T", "2", "-R", "200").stdout
            for line in output.splitlines():
                if line.startswith("number of transactions actually processed"):
                    self.transactions += int(line.split(":")[1].split("/")[0])


class PostgresSource:
    """The server, its workers, and what can be done to it."""
    kind = "postgres"
    installs = False  # dray install comes first
    side_by_side = True  # several bootstraps and verifies at once

    def __init__(self, seed):
        self.server = servers.Postgres(max_replication_slots="20", max_wal_senders="20")
        self.shop = Shop(self.server, seed)
        self.pgbench = Pgbench(self.server)

    def make(self):
        connection = self.server.connect()
        connection.cursor().execute("create database shop")
        connection.close()
        self.shop.make()
        self.pgbench.make()

    def workers(self):
        """Functions that work until their argument, an event, is set."""
        return [lambda stop: self.shop.worker(1, stop), lambda stop: self.shop.worker(2, stop),
                self.pgbench.worker]

    def options(self):
        return {"type": "postgres", "connection": self.server.conninfo("shop")}

    def settle(self):
        """When the workers are gone: nothing is left open."""

    def cut(self):
        end_backends(self.server, "backend_type = 'walsender'", "shop")

    def close(self):
        """What is not the server's."""

    def report(self):
        counts = self.shop.counts
        return (f"{counts['rows']:,} rows of the shop in {counts['statements']:,} statements "
                f"({counts['truncates']} truncates, {counts['columns']} columns added, "
                f"{counts['rollbacks']} rollbacks), {self.pgbench.transactions:,} transactions of "
                "pgbench")


def end_backends(server, which, database):
    cursor = server.connect(database).cursor()
    cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity "
                   f"where pid <> pg_backend_pid() and {which}")
    cursor.connection.close()
