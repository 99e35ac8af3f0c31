"""A live MySQL or MariaDB source for tests: a database in a server that writes a row log.

    from mysql_source import mysql_source, mysql_source_server     # fixtures; they work where imported

    def test_it(mysql_source, target, directory):   # target: once on each kind; or file_target
        mysql_source.execute("create table item (id int primary key, name varchar(20))")
        target.execute("create table item (id integer primary key, name text)")
        service = mysql_source.service(directory, target)
        mysql_source.execute("insert into item values (1, 'a')")
        service.run()                               # dray run --until-end
        assert mysql_source.same(target, "item")

    mysql_source         MariaDB
    real_mysql_source    MySQL itself; the test is skipped where there is none (servers.MySQL)
    each_mysql_source    both: the test runs twice

Import the servers of the fixtures that are used as well: mysql_source_server, real_mysql_server.

A service without a position begins with the oldest log that the server has (start: oldest), and a
test begins by purging the logs: so it carries all that the test does. start="now" says otherwise.
The server is another one than that of the targets, so that it can be restarted alone. Its settings
are changed with settings(), which is undone at the end of the test.
"""
import contextlib
import datetime
import decimal
import itertools
import time

import pytest

import servers
import targets
from live_source import LiveSource

# what a server needs that is read from
LOGGING = {
    "skip-log-bin": False, "log-bin": "log-bin", "server-id": "11", "binlog-format": "ROW",
    # what is committed survives a kill of the server, though not of the machine
    "sync-binlog": "0",
    "character-set-server": "utf8mb4", "max-binlog-size": "1G",
}
REAL_MYSQL = {**LOGGING, "server-id": "12", "gtid-mode": "ON", "enforce-gtid-consistency": "ON"}
del REAL_MYSQL["binlog-format"]  # the only one, and deprecated

_server_ids = itertools.count(900001)


def make_mariadb(**settings):
    return servers.MariaDB(**{**LOGGING, "log-slave-updates": None, **settings})


def make_mysql(**settings):
    """Skips the test where there is no MySQL."""
    if servers.mysql_root() is None:
        pytest.skip(servers.NO_MYSQL)
    server = servers.MySQL(**{**REAL_MYSQL, **settings})
    connection = server.connect()
    with connection.cursor() as cursor:
        try:
            cursor.execute("select md5('')")
        except Exception:  # from 9.6 on it is in a component; dray verify needs it
            cursor.execute("install component 'file://component_classic_hashing'")
    connection.close()
    return server


@pytest.fixture(scope="session")
def mysql_source_server():
    return servers.shared("mysql_source", make_mariadb)


@pytest.fixture(scope="session")
def real_mysql_server():
    return servers.shared("real_mysql_source", make_mysql)


def _source_on(server):
    if not server.is_running():
        server.start()
    made = MysqlSource(server)
    yield made
    made.drop()


@pytest.fixture
def mysql_source(mysql_source_server):
    yield from _source_on(mysql_source_server)


@pytest.fixture
def real_mysql_source(real_mysql_server):
    yield from _source_on(real_mysql_server)


@pytest.fixture(params=["mariadb", "mysql"])
def each_mysql_source(request):
    name = "mysql_source_server" if request.param == "mariadb" else "real_mysql_server"
    yield from _source_on(request.getfixturevalue(name))


@pytest.fixture
def file_target(directory):
    """An SQLite target, where a test needs only one kind: the quickest."""
    return targets.Sqlite(directory)


@pytest.fixture
def warehouse(postgres_server):
    """A PostgreSQL target, where a test needs only one kind."""
    made = targets.PostgresTarget(postgres_server)
    yield made
    if not made.server.is_running():
        made.server.start()
    made.drop()


class MysqlSource(LiveSource, targets.MysqlTarget):
    """execute, query, value, restart, kill, start as a target's; each statement commits by itself."""

    def __init__(self, server, fresh=True):
        """fresh: forget what other tests left in the log."""
        self._settings = {}
        self.is_mariadb = isinstance(server, servers.MariaDB)
        self.fresh = fresh
        super().__init__(server)

    def _make(self):
        if self.fresh:
            self.purge()
        super()._make()

    def install(self, **_):
        """Nothing: the server keeps nothing for a service. As PostgresSource has it."""

    def options(self, **more):
        """The source: section of a configuration. Only this test's database is carried."""
        return {"type": "mysql", "socket": self.server.socket, "user": "root",
                "tables": [f"{self.name}.*"], "server_id": next(_server_ids) * 8,
                "start": "oldest", "heartbeat": "1s", **more}

    def transaction(self, *statements, **session):
        """All statements in one transaction of a session of its own: session(sql_log_bin=0)."""
        connection = self.session(**session)
        try:
            with connection.cursor() as cursor:
                cursor.execute("begin")
                for statement in statements:
                    cursor.execute(statement)
                cursor.execute("commit")
        finally:
            connection.close()

    def session(self, **variables):
        """A connection of its own, with session variables."""
        connection = self.server.connect(self.name)
        with connection.cursor() as cursor:
            for name, value in variables.items():
                cursor.execute(f"set session {name} = %s", value)
        return connection

    def statements(self, *statements, **session):
        """Each by itself, in a session of its own."""
        connection = self.session(**session)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def settings(self, **wanted):
        """Set global variables of the server until the test ends; later connections have them.

        settings(binlog_row_image="MINIMAL", binlog_row_metadata="FULL")
        """
        for name, value in wanted.items():
            before = self.value(f"select @@global.{name}")
            self._settings.setdefault(name, before)
            self.execute(f"set global {name} = %s", value)
        self.disconnect()

    def place(self):
        """Where the log ends: (file, offset)."""
        command = "show master status" if self.is_mariadb else "show binary log status"
        return self.query(command)[0][:2]

    def gtids(self):
        """Where the log ends, as GTIDs."""
        return self.value("select @@gtid_binlog_pos" if self.is_mariadb
                          else "select @@global.gtid_executed").replace("\n", "")

    def position(self, target, service="test"):
        """The source's position in a target, as text; None where there is none."""
        rows = target.query("select source_position from dray_position"
                            f" where service = '{service}'")
        return rows[0][0] if rows else None

    def rotate(self):
        self.execute("flush binary logs")

    def purge(self):
        """Only the log that is written now is left. One that the server still sends to a service
        that has ended is not purged at once."""
        deadline = time.monotonic() + 20
        with contextlib.closing(self.server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("flush binary logs")
            while True:
                cursor.execute("show binary logs")
                logs = [row[0] for row in cursor.fetchall()]
                if len(logs) == 1:
                    return
                assert time.monotonic() < deadline, logs
                cursor.execute("purge binary logs to %s", logs[-1])
                time.sleep(0.05)

    def same(self, target, table, columns="*"):
        """Are source and target equal, value for value? Asserts it."""
        here, there = (sorted((tuple(plain(value) for value in row)
                               for row in one.query(f"select {columns} from {table}")), key=repr)
                       for one in (self, target))
        assert there == here
        return True

    def end_prepared(self):
        """Roll XA transactions of this server back that nobody ends."""
        for kind, gtrid_length, _, data in self.query("xa recover"):
            data = data.encode("latin-1", "replace") if isinstance(data, str) else data
            gtrid, bqual = data[:gtrid_length].hex(), data[gtrid_length:].hex()
            self.execute(f"xa rollback x'{gtrid}', x'{bqual}', {kind}")

    def drop(self):
        self.end_services()
        self.disconnect()
        self.end_prepared()
        for name, value in self._settings.items():
            self.execute(f"set global {name} = %s", value)
        super().drop()


def plain(value):
    """The same for the same value from each kind of target: SQLite has texts and floats only."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (decimal.Decimal, float)):
        return str(decimal.Decimal(str(value)).normalize() + 0)
    if isinstance(value, int):
        return str(decimal.Decimal(value).normalize())
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        text = str(value).removesuffix("+00:00")
        return text.rstrip("0") if "." in text else text
    if isinstance(value, (memoryview, bytearray)):
        return bytes(value)
    return value
