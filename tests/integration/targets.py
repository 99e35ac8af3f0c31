"""The three targets behind one interface: an empty database for each test."""
import itertools
import os
import sqlite3

from model import sort_key

# PostgreSQL's type -> the type of a base table's column in each target
TYPES = {
    "sqlite": {"integer": "integer", "bigint": "integer", "text": "text", "numeric": "numeric",
               "boolean": "integer", "bytea": "blob", "timestamp with time zone": "text",
               "double precision": "real", "date": "text"},
    "postgres": {},
    "mysql": {"integer": "int", "bigint": "bigint", "numeric": "decimal(60,20)",
              "boolean": "tinyint(1)", "bytea": "longblob", "double precision": "double",
              "timestamp with time zone": "datetime(6)", "date": "date",
              # no padding, no folding: a key is equal where its bytes are
              "text": "longtext character set utf8mb4 collate utf8mb4_nopad_bin",
              "text in a key": "varchar(190) character set utf8mb4 collate utf8mb4_nopad_bin"},
}
_numbers = itertools.count(1)


def canonical(value):
    if isinstance(value, memoryview):
        return bytes(value)
    return value


class TargetDatabase:
    kind = None
    quote_character = '"'

    def quote(self, name):
        mark = self.quote_character
        return mark + name.replace(mark, mark + mark) + mark

    def type_of(self, kind, in_key):
        types = TYPES[self.kind]
        if in_key and kind + " in a key" in types:
            return types[kind + " in a key"]
        return types.get(kind, kind)

    def create(self, table, more="", name=None):
        """The base table of a model.Table; more is further columns or constraints."""
        columns = [f"{self.quote(column)} {self.type_of(kind, column in table.key)}"
                   for column, kind in table.columns]
        if more:
            columns.append(more)
        if table.key:
            columns.append(f"primary key ({', '.join(self.quote(key) for key in table.key)})")
        self.execute(f"create table {self.quote(name or table.name)} ({', '.join(columns)})")

    def rows(self, table, name=None):
        columns = ", ".join(self.quote(column) for column in table.names)
        return sorted(self.query(f"select {columns} from {self.quote(name or table.name)}"),
                      key=sort_key)

    def query(self, sql, *values):
        return [tuple(canonical(value) for value in row) for row in self._fetch(sql, values)]

    def value(self, sql, *values):
        ((value,),) = self.query(sql, *values)
        return value

    def position(self, service="test"):
        """seqno of the position row, 0 where there is none yet."""
        found = self.query(f"select seqno from dray_position where service = '{service}'")
        return found[0][0] if found else 0

    def dump(self, tables):
        return {table.name: self.rows(table) for table in tables}


class Sqlite(TargetDatabase):
    kind = "sqlite"

    def __init__(self, directory):
        self.path = os.path.join(directory, f"target{next(_numbers)}.sqlite")
        self._run("select 1")

    def options(self):
        return {"type": "sqlite", "path": self.path}

    def _run(self, sql, values=()):
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            rows = connection.execute(sql, values).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    def execute(self, sql, *values):
        self._run(sql, values)

    def _fetch(self, sql, values):
        return self._run(sql, values)

    def another(self):
        return Sqlite(os.path.dirname(self.path))

    def drop(self):
        pass


class ServerTarget(TargetDatabase):
    """A database of its own on a server that all tests share."""

    def __init__(self, server):
        self.server = server
        self.name = f"t{os.getpid()}_{next(_numbers)}"
        self._connection = None
        self._make()

    def connection(self):
        if self._connection is None:
            self._connection = self.server.connect(self.name)
        return self._connection

    def disconnect(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def execute(self, sql, *values):
        with self.connection().cursor() as cursor:
            cursor.execute(sql, values or None)

    def _fetch(self, sql, values):
        with self.connection().cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall()

    def restart(self):
        self._connection = None
        self.server.restart()

    def kill(self):
        self._connection = None
        self.server.kill()

    def start(self):
        self.server.start()

    def another(self):
        return type(self)(self.server)


class PostgresTarget(ServerTarget):
    kind = "postgres"

    def _make(self):
        connection = self.server.connect()
        connection.cursor().execute(f"create database {self.name} template template0")
        connection.close()

    def options(self):
        return {"type": "postgres", "connection": self.server.conninfo(self.name)}

    def drop(self):
        self.disconnect()
        connection = self.server.connect()
        connection.cursor().execute(f"drop database {self.name} with (force)")
        connection.close()


class MysqlTarget(ServerTarget):
    kind = "mysql"
    quote_character = "`"

    def _make(self):
        connection = self.server.connect()
        connection.cursor().execute(f"create database {self.name}")
        connection.close()

    def options(self):
        return {"type": "mysql", "socket": self.server.socket, "user": "root",
                "database": self.name}

    def drop(self):
        self.disconnect()
        connection = self.server.connect()
        connection.cursor().execute(f"drop database {self.name}")
        connection.close()


