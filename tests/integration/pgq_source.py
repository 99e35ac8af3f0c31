"""A live PgQ source for tests: a database with the extension, a queue, a consumer, and services on it.

    from pgq_source import pgq_source, pgq_server, warehouse, file_target   # fixtures

    def test_it(pgq_source, target, directory):  # target: once on each kind; or warehouse, file_target
        pgq_source.execute("create table item (id int primary key, name text)")
        target.execute("create table item (id integer primary key, name text)")
        pgq_source.install("item")               # queue, consumer, and a logutriga trigger a table
        service = pgq_source.service(directory, target)
        pgq_source.execute("insert into item values (1, 'a')")
        pgq_source.tick()                        # what came since the last tick is a batch now
        service.run()                            # dray run --until-end
        assert pgq_source.same(target, "item")

There are no ticks but those of tick(), which PgQ's own ticker() makes; with pgq_source.ticker() the
real pgqd makes them. `install()` uses SQL; tests of `dray install` call that instead.
"""
import os
import signal
import subprocess

import pytest

import servers
import targets
from live_source import LiveSource
from postgres_source import PostgresSource, file_target, warehouse  # noqa: F401

TEMPLATE = "pgq_template"


def literal(text):
    return "'" + text.replace("'", "''") + "'"


class PgqServer(servers.Postgres):
    """Has a template database with the extension, which takes longer to make than a copy of it."""

    def __init__(self):
        super().__init__()
        connection = self.connect()
        connection.cursor().execute(f"create database {TEMPLATE} template template0")
        connection.close()
        connection = self.connect(TEMPLATE)
        connection.cursor().execute("create extension pgq")
        connection.close()


@pytest.fixture(scope="session")
def pgq_server():
    return servers.shared("pgq_source", PgqServer)


@pytest.fixture
def pgq_source(pgq_server):
    if not pgq_server.is_running():
        pgq_server.start()
    made = PgqSource(pgq_server)
    yield made
    made.drop()


class PgqSource(LiveSource, targets.PostgresTarget):
    """execute, query, value, restart, kill, start as a target's; each statement commits by itself."""

    texts = PostgresSource.texts
    same = PostgresSource.same
    transaction = PostgresSource.transaction

    def __init__(self, server, queue="sales", consumer="dray"):
        self.queue = queue
        self.consumer = consumer
        self.daemon = None
        super().__init__(server)

    def _make(self):
        connection = self.server.connect()
        connection.cursor().execute(f"create database {self.name} template {TEMPLATE}")
        connection.close()

    # the queue

    def make_queue(self):
        """Every call of ticker() makes a tick, whether there are events or not."""
        self.execute("select pgq.create_queue(%s)", self.queue)
        for name in ("ticker_max_count", "ticker_max_lag", "ticker_idle_period"):
            self.execute("select pgq.set_queue_config(%s, %s, '0')", self.queue, name)

    def drop_queue(self):
        self.execute("select pgq.drop_queue(%s, true)", self.queue)

    def register(self, consumer=None):
        self.execute("select pgq.register_consumer(%s, %s)", self.queue, consumer or self.consumer)

    def unregister(self, consumer=None):
        self.execute("select pgq.unregister_consumer(%s, %s)", self.queue,
                     consumer or self.consumer)

    def install(self, *tables, function="logutriga", arguments=(), truncate=True):
        """Queue, tick, consumer; then the triggers. arguments: behind the queue, such as "backup"."""
        if not self.query("select from pgq.queue where queue_name = %s", self.queue):
            self.make_queue()
            self.tick()
        self.register()
        for table in tables:
            self.add_trigger(table, function, arguments, truncate)

    def add_trigger(self, table, function="logutriga", arguments=(), truncate=True):
        quoted = ", ".join(literal(text) for text in (self.queue, *arguments))
        self.execute(f"create trigger queue_it after insert or update or delete on {table}"
                     f" for each row execute function pgq.{function}({quoted})")
        if truncate:
            self.execute(f"create trigger queue_truncate after truncate on {table} for each"
                         f" statement execute function pgq.{function}"
                         f"({literal(self.queue)})")

    def tick(self, time=None):
        """A tick now; its id. time: a timestamp's text, to be the tick's time (and the batch's)."""
        tick = self.value("select pgq.ticker(%s)", self.queue)
        assert tick is not None
        if time is not None:
            self.execute("update pgq.tick set tick_time = %s where tick_id = %s and tick_queue ="
                         " (select queue_id from pgq.queue where queue_name = %s)",
                         time, tick, self.queue)
        return tick

    def newest_tick(self):
        return self.value("select max(tick_id) from pgq.tick join pgq.queue"
                          " on queue_id = tick_queue where queue_name = %s", self.queue)

    def consumer_tick(self, consumer=None):
        """Where the consumer is; None where it is not registered."""
        rows = self.query("select last_tick from pgq.get_consumer_info(%s, %s)", self.queue,
                          consumer or self.consumer)
        return rows[0][0] if rows else None

    def consumers(self):
        return [row[0] for row in self.query(
            "select consumer_name from pgq.get_consumer_info(%s) order by 1", self.queue)]

    def insert_event(self, kind, data, *extra):
        """An event of some producer; its id. extra: ev_extra1 to 4."""
        extra = [*extra, None, None, None, None][:4]
        return self.value("select pgq.insert_event(%s, %s, %s, %s, %s, %s, %s)", self.queue, kind,
                          data, *extra)

    def events(self):
        """All events of the queue that are still there, in their order."""
        return self.query(
            "select ev_id, ev_type, ev_data, ev_extra1, ev_extra2 from pgq.event_"
            f"{self.value('select queue_id from pgq.queue where queue_name = %s', self.queue)}"
            " order by ev_id")

    # the ticker

    def ticker(self, directory, period=0.05):
        """Start the real pgqd, which ticks as the queue's settings say; drop() ends it."""
        path = os.path.join(str(directory), "pgqd.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[pgqd]\nlogfile = {path}.log\npidfile = {path}.pid\nsyslog = 0\n"
                       f"base_connstr = host={self.server.directory} user=postgres\n"
                       f"database_list = {self.name}\ninitial_database = {self.name}\n"
                       f"check_period = 1\nticker_period = {period}\nretry_period = 1\n"
                       "maint_period = 1\n")
        self.daemon = subprocess.Popen(["pgqd", path], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self.daemon

    def stop_ticker(self):
        if self.daemon is not None:
            self.daemon.send_signal(signal.SIGINT)
            try:
                self.daemon.wait(10)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
            self.daemon = None

    # services

    def options(self, **more):
        """The source: section of a configuration."""
        return {"type": "pgq", "connection": self.server.conninfo(self.name), "queue": self.queue,
                "consumer": self.consumer, "poll_interval": "20ms", **more}

    def drop(self):
        self.end_services()
        self.stop_ticker()
        super().drop()
