#!/usr/bin/python3
"""Dray under load while everything around it breaks, and a verify at the end.

    tests/soak/soak.py PROGRAM [--seconds 600] [--targets postgres,mysql,sqlite] [--seed N]

A PostgreSQL source runs pgbench's TPC-B and a shop: many tables, several kinds of key and replica
identity, key changes, deletes, truncates, savepoints, large values that updates leave unchanged, and
columns that are added on the way. A service a target follows it. At random a service is killed with
-9, the source or a target server is stopped, started or killed, connections are cut. In the end
everything is let to catch up, and dray verify must call each target equal to the source.
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import psycopg2
import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import servers  # noqa: E402
import targets as target_kinds  # noqa: E402

TABLES = 12
WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit".split()
LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)


class Failed(AssertionError):
    pass


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


class Follower:
    """A service and its target."""

    def __init__(self, program, source, target, directory):
        self.program = program
        self.target = target
        self.name = f"soak_{target.kind}"
        self.path = os.path.join(directory, f"{self.name}.yaml")
        self.log_path = os.path.join(directory, f"{self.name}.log")
        self.process = None
        self.kills = 0
        options = {
            "service": self.name,
            "source": {"type": "postgres", "connection": source.conninfo("shop")},
            "block": {"directory": os.path.join(directory, self.name), "max_interval": "200ms"},
            "target": {**target.options(), "create_tables": "all",
                       "schema_changes": "add_columns"},
            "bootstrap": {"chunk_rows": 5000},
            "retry": {"first_wait": "50ms", "max_wait": "500ms"},
            "tables": [{"match": "*", "target": "%%TABLE%%"}],
        }
        with open(self.path, "w", encoding="utf-8") as file:
            yaml.safe_dump(options, file, sort_keys=False)

    def command(self, *arguments, timeout=600):
        done = subprocess.run([self.program, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False)
        return done.returncode, done.stdout + done.stderr

    def must(self, *arguments):
        code, output = self.command(*arguments)
        if code != 0:
            raise Failed(f"{self.name}: dray {' '.join(arguments)}: exit code {code}\n"
                         f"{output[-5000:]}")
        return output

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.program, "run", self.path],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def check_alive(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} ended with {self.process.returncode}\n{self.log()}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()[-5000:]

    def kill(self):
        self.check_alive()
        self.process.kill()
        self.process.wait()
        self.kills += 1
        self.start()

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(120)
        self.process = None
        if code != 0:
            raise Failed(f"{self.name} stopped with {code}\n{self.log()}")


class Soak:
    def __init__(self, program, seconds, kinds, seed, directory):
        self.program, self.seconds, self.seed = program, seconds, seed
        self.rng = random.Random(seed)
        self.directory = directory
        self.servers = []
        self.source = self._server(servers.Postgres(max_replication_slots="20",
                                                    max_wal_senders="20"))
        self.followers = []
        self.events = {"service killed": 0, "source restarted": 0, "source killed": 0,
                       "target restarted": 0, "target killed": 0, "connections cut": 0}
        makers = {"postgres": lambda: target_kinds.PostgresTarget(self._server(servers.Postgres())),
                  "mysql": lambda: target_kinds.MysqlTarget(self._server(servers.MariaDB())),
                  "sqlite": lambda: target_kinds.Sqlite(directory)}
        self.targets = [makers[kind]() for kind in kinds]

    def _server(self, server):
        self.servers.append(server)
        return server

    def close(self):
        for follower in self.followers:
            if follower.process is not None:
                follower.process.kill()
                follower.process.wait()
        for server in self.servers:
            server.remove()

    def run(self):
        connection = self.source.connect()
        connection.cursor().execute("create database shop")
        connection.close()
        shop, pgbench = Shop(self.source, self.seed), Pgbench(self.source)
        shop.make()
        pgbench.make()
        stop = threading.Event()
        threads = [threading.Thread(target=shop.worker, args=(number, stop)) for number in (1, 2)]
        threads.append(threading.Thread(target=pgbench.worker, args=(stop,)))
        for thread in threads:
            thread.start()
        try:
            # the tables are copied while they change
            for target in self.targets:
                follower = Follower(self.program, self.source, target, self.directory)
                self.followers.append(follower)
                follower.must("bootstrap", follower.path)
                follower.start()
            self.disturb()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.finish()
        return self.report(shop, pgbench)

    def disturb(self):
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            time.sleep(self.rng.uniform(0.3, 1.5) if self.seconds < 120 else
                       self.rng.uniform(1, 5))
            for follower in self.followers:
                follower.check_alive()
            self.disturb_once(self.rng.random(), self.rng.choice(self.followers))

    def disturb_once(self, kind, follower):
        has_server = isinstance(follower.target, target_kinds.ServerTarget)
        if kind < 0.45:
            follower.kill()
            self.events["service killed"] += 1
        elif kind < 0.65:
            self.cut(follower, has_server)
        elif kind < 0.75:
            self.source.restart()
            self.events["source restarted"] += 1
        elif kind < 0.80:
            self.source.kill()
            self.source.start()
            self.events["source killed"] += 1
        elif has_server and kind < 0.92:
            follower.target.restart()
            self.events["target restarted"] += 1
        elif has_server:
            follower.target.kill()
            follower.target.start()
            self.events["target killed"] += 1

    def cut(self, follower, has_server):
        self.events["connections cut"] += 1
        if has_server and self.rng.random() < 0.5:
            if follower.target.kind == "postgres":
                self.end_backends(follower.target.server, "datname = current_database()",
                                  follower.target.name)
            else:
                self.end_threads(follower.target)
        else:
            self.end_backends(self.source, "backend_type = 'walsender'", "shop")

    @staticmethod
    def end_backends(server, which, database):
        cursor = server.connect(database).cursor()
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity "
                       f"where pid <> pg_backend_pid() and {which}")
        cursor.connection.close()

    @staticmethod
    def end_threads(target):
        connection = target.server.connect()
        cursor = connection.cursor()
        cursor.execute("select id from information_schema.processlist where db = %s",
                       (target.name,))
        for (number,) in cursor.fetchall():
            try:
                cursor.execute(f"kill {number}")
            except Exception:  # gone already
                pass
        connection.close()

    def finish(self):
        for follower in self.followers:
            follower.stop()
            output = follower.must("verify", follower.path)
            print(f"{follower.name}: verify says\n{output}")

    def report(self, shop, pgbench):
        events = ", ".join(f"{what} {count}" for what, count in self.events.items())
        return (f"seed {self.seed}: {shop.counts['rows']:,} rows of the shop in "
                f"{shop.counts['statements']:,} statements ({shop.counts['truncates']} truncates, "
                f"{shop.counts['columns']} columns added, {shop.counts['rollbacks']} rollbacks), "
                f"{pgbench.transactions:,} transactions of pgbench; survived: {events}")


def soak(program, seconds, kinds, seed):
    directory = servers.make_directory("dray-soak-")
    run = None
    try:
        run = Soak(program, seconds, kinds, seed, directory)
        return run.run()
    finally:
        if run is not None:
            run.close()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--targets", default="postgres,mysql,sqlite")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 9))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    print(soak(os.path.abspath(arguments.program), arguments.seconds,
               arguments.targets.split(","), arguments.seed))


if __name__ == "__main__":
    main()
