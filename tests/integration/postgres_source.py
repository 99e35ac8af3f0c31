"""A live PostgreSQL source for tests: a database, its publication and slot, and services on it.

    from postgres_source import source, source_server, warehouse   # fixtures; they work where imported

    def test_it(source, target, directory):     # target: once on each kind; or warehouse
        source.execute("create table item (id int primary key, name text)")
        target.execute("create table item (id integer primary key, name text)")
        source.install()                        # publication (all tables) and slot
        service = source.service(directory, target)
        source.execute("insert into item values (1, 'a')")
        service.run()                           # dray run --until-end
        assert source.same(target, "item")

The server is another one than that of the targets, so that it can be restarted alone.
`source.install()` uses SQL; tests of `dray install` call that instead. What a test leaves (slots
too) goes with its database.
"""
import time

import pytest

import servers
import targets
from live_source import WAIT_SECONDS, LiveSource
from service import Failed


@pytest.fixture(scope="session")
def source_server():
    return servers.shared("postgres_source", lambda: servers.Postgres(
        max_replication_slots="30", max_wal_senders="30"))


@pytest.fixture
def source(source_server):
    if not source_server.is_running():
        source_server.start()
    made = PostgresSource(source_server)
    yield made
    made.drop()


@pytest.fixture
def warehouse(postgres_server):
    """A PostgreSQL target, where a test needs only one kind."""
    made = targets.PostgresTarget(postgres_server)
    yield made
    if not made.server.is_running():
        made.server.start()
    made.drop()


@pytest.fixture
def file_target(directory):
    """An SQLite target, where a test needs only one kind: the quickest."""
    return targets.Sqlite(directory)


class PostgresSource(LiveSource, targets.PostgresTarget):
    """execute, query, value, restart, kill, start as a target's; each statement commits by itself."""

    def __init__(self, server, database_options=""):
        self.database_options = database_options
        super().__init__(server)
        self.slot = f"slot_{self.name}"
        self.publication = f"pub_{self.name}"

    def _make(self):
        connection = self.server.connect()
        connection.cursor().execute(
            f"create database {self.name} template template0 {self.database_options}")
        connection.close()

    def install(self, tables="all tables", slot=True, options=""):
        """tables: "all tables", or "table a, b"; options: "with (publish = 'insert')"."""
        self.execute(f"create publication {self.publication} for {tables} {options}")
        if slot:
            self.make_slot()

    def make_slot(self):
        self.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", self.slot)

    def drop_slot(self):
        """Waits until its walsender is gone, and ends it where that takes long."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            pids = self.query("select active_pid from pg_replication_slots where slot_name = %s"
                              " and active_pid is not null", self.slot)
            if not pids:
                break
            self.execute("select pg_terminate_backend(%s)", pids[0][0])
            if time.monotonic() > deadline:
                raise Failed(f"slot {self.slot} is still in use by {pids[0][0]}")
            time.sleep(0.02)
        self.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots"
                     " where slot_name = %s", self.slot)

    def options(self, **more):
        """The source: section of a configuration."""
        return {"type": "postgres", "connection": self.server.conninfo(self.name),
                "slot": self.slot, "publication": self.publication, **more}

    def transaction(self, *statements):
        """All statements in one transaction."""
        connection = self.server.connect(self.name)
        try:
            connection.autocommit = False
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            connection.commit()
        finally:
            connection.close()

    def confirmed(self):
        """The slot's confirmed position as a number of bytes."""
        return self.value("select (confirmed_flush_lsn - '0/0')::bigint from pg_replication_slots"
                          " where slot_name = %s", self.slot)

    def end_of_wal(self):
        return self.value("select (pg_current_wal_lsn() - '0/0')::bigint")

    def active_pid(self):
        return self.value("select active_pid from pg_replication_slots where slot_name = %s",
                          self.slot)

    def texts(self, database, table, columns="*"):
        """A table's rows of a PostgreSQL database, each as one text."""
        return sorted(row[0] for row in database.query(
            f"select t::text from (select {columns} from {table}) t"))

    def same(self, target, table, columns="*"):
        """Are source and target equal? Asserts it. By text in PostgreSQL, else by value."""
        if target.kind == "postgres":
            here, there = (self.texts(one, table, columns) for one in (self, target))
        else:
            here, there = (sorted(one.query(f"select {columns} from {table}"), key=repr)
                           for one in (self, target))
        assert there == here
        return True

    def drop(self):
        self.end_services()
        for (slot,) in self.query("select slot_name from pg_replication_slots"
                                  " where database = current_database() and not temporary"):
            self.slot = slot
            self.drop_slot()
        super().drop()
