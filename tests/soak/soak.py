#!/usr/bin/python3
"""Dray under load while everything around it breaks, and a verify at the end.

    tests/soak/soak.py PROGRAM [--source postgres|mysql|pgq] [--targets postgres,mysql,sqlite]
                       [--seconds 600] [--seed N]

A source works (postgres_shop.py, mysql_shop.py, pgq_shop.py say at what), and a service a target
follows it. At random a service is killed with -9, the source or a target server is stopped, started
or killed, connections are cut. In the end everything is let to catch up, and dray verify must call
each target equal to the source.
"""
import argparse
import concurrent.futures
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration")]
import mysql_shop  # noqa: E402
import pgq_shop  # noqa: E402
import postgres_shop  # noqa: E402
import servers  # noqa: E402
import targets as target_kinds  # noqa: E402

SOURCES = {"postgres": postgres_shop.PostgresSource, "mysql": mysql_shop.MysqlSource,
           "pgq": pgq_shop.PgqSource}


class Failed(AssertionError):
    pass


class Follower:
    """A service and its target."""

    def __init__(self, program, source, target, directory):
        self.program = program
        self.target = target
        self.name = f"soak_{source.kind}_{target.kind}"
        self.path = os.path.join(directory, f"{self.name}.yaml")
        self.log_path = os.path.join(directory, f"{self.name}.log")
        self.process = None
        self.kills = 0
        options = {
            "service": self.name,
            "source": source.options(),
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

    def bootstrap_and_start(self):
        self.must("bootstrap", self.path)
        self.start()

    def stop_and_verify(self):
        self.stop()
        return self.must("verify", self.path)

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
    def __init__(self, program, seconds, source, kinds, seed, directory):
        self.program, self.seconds, self.seed = program, seconds, seed
        self.rng = random.Random(seed)
        self.directory = directory
        self.servers = []
        self.source = SOURCES[source](seed)
        self._server(self.source.server)
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
        self.source.close()
        for server in self.servers:
            server.remove()

    def run(self):
        self.source.make()
        stop = threading.Event()
        threads = [threading.Thread(target=worker, args=(stop,))
                   for worker in self.source.workers()]
        for thread in threads:
            thread.start()
        try:
            for target in self.targets:
                follower = Follower(self.program, self.source, target, self.directory)
                self.followers.append(follower)
                if self.source.installs:
                    follower.must("install", follower.path)
            # the tables are copied while they change
            self.each(Follower.bootstrap_and_start)
            self.disturb()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.finish()
        return self.report()

    def each(self, action):
        """All followers side by side, if the source's server likes that."""
        with concurrent.futures.ThreadPoolExecutor(
                len(self.followers) if self.source.side_by_side else 1) as pool:
            return list(pool.map(action, self.followers))

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
            self.source.server.restart()
            self.events["source restarted"] += 1
        elif kind < 0.80:
            self.source.server.kill()
            self.source.server.start()
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
                postgres_shop.end_backends(follower.target.server, "datname = current_database()",
                                           follower.target.name)
            else:
                mysql_shop.end_threads(follower.target.server, f"db = '{follower.target.name}'")
        else:
            self.source.cut()

    def finish(self):
        self.source.settle()
        for follower, output in zip(self.followers, self.each(Follower.stop_and_verify)):
            print(f"{follower.name}: verify says\n{output}")

    def report(self):
        events = ", ".join(f"{what} {count}" for what, count in self.events.items())
        return f"seed {self.seed}: {self.source.report()}; survived: {events}"


def soak(program, seconds, source, kinds, seed):
    directory = servers.make_directory("dray-soak-")
    run = None
    try:
        run = Soak(program, seconds, source, kinds, seed, directory)
        return run.run()
    finally:
        if run is not None:
            run.close()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--source", choices=sorted(SOURCES), default="postgres")
    parser.add_argument("--targets", default="postgres,mysql,sqlite")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 9))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    print(soak(os.path.abspath(arguments.program), arguments.seconds, arguments.source,
               arguments.targets.split(","), arguments.seed))


if __name__ == "__main__":
    main()
