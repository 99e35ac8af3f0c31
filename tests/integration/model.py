"""Tables in memory, and the change log that leads to them.

A Log writes wal2json's format version 2 and applies each change to its own rows as well, so that a
test compares a target with log.rows(table).
"""
import contextlib
import datetime
import decimal
import json

MICROSECONDS = 1_000_000


class Table:
    """A source table. columns: [(name, PostgreSQL type)]; key: names, or () for none.

    full_identity: REPLICA IDENTITY FULL under a deferrable primary key: the log has whole old rows,
    and names no key, so that the configuration must.
    """

    def __init__(self, name, columns, key=("id",), schema="public", full_identity=False):
        self.full_identity = full_identity
        self.schema = schema
        self.name = name
        self.columns = list(columns)
        self.key = tuple(key)
        self.names = [column for column, _ in self.columns]

    def key_of(self, row):
        return tuple(row[self.names.index(name)] for name in self.key)

    def __repr__(self):
        return f"{self.schema}.{self.name}"


def value_json(value):
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float, decimal.Decimal)):
        return str(value)
    if isinstance(value, bytes):
        return f'"{value.hex()}"'
    return json.dumps(value, ensure_ascii=False)


def columns_json(columns, values):
    return "[" + ",".join(
        f'{{"name":{json.dumps(name, ensure_ascii=False)},"type":{json.dumps(kind)},'
        f'"value":{value_json(value)}}}'
        for (name, kind), value in zip(columns, values)) + "]"


class Transaction:
    def __init__(self, log):
        self.log = log

    def _line(self, action, table, rest=""):
        log = self.log
        log.lsn += 0x60
        log.write(f'{{"action":"{action}","xid":{log.xid},"timestamp":"{log.timestamp()}",'
                  f'"lsn":"{log.lsn_text()}","schema":{json.dumps(table.schema)},'
                  f'"table":{json.dumps(table.name, ensure_ascii=False)}{rest}}}')

    def _pk(self, table):
        if not self.log.with_pk:
            return ""
        return ',"pk":[' + ",".join(
            f'{{"name":{json.dumps(name, ensure_ascii=False)},"type":{json.dumps(kind)}}}'
            for name, kind in table.columns
            if name in table.key and not table.full_identity) + "]"

    def _identity(self, table, key, row):
        """The old key, or the old row; in the table's order, as wal2json has it."""
        old = dict(zip(table.names, row), **dict(zip(table.key, key)))
        sent = [column for column in table.columns
                if table.full_identity or column[0] in table.key]
        return ',"identity":' + columns_json(sent, [old[name] for name, _ in sent])

    def insert(self, table, *row):
        assert len(row) == len(table.columns), row
        rows = self.log.state(table)
        if table.key:
            assert table.key_of(row) not in rows, f"key of {row} is there already"
            rows[table.key_of(row)] = row
        else:
            rows[len(rows)] = row
        self._line("I", table, ',"columns":' + columns_json(table.columns, row) + self._pk(table))

    def update_rows(self, table, *pairs):
        """One statement: (old key, new row) of each row; keys may be swapped."""
        rows = self.log.state(table)
        pairs = [((key if isinstance(key, tuple) else (key,)), row) for key, row in pairs]
        old_rows = [rows.pop(key) for key, _ in pairs]
        for (key, row), old_row in zip(pairs, old_rows):
            assert table.key_of(row) not in rows, f"key of {row} is there already"
            rows[table.key_of(row)] = row
            self._line("U", table, ',"columns":' + columns_json(table.columns, row)
                       + self._identity(table, key, old_row) + self._pk(table))

    def update(self, table, key, **changes):
        """One row, some of its columns."""
        key = key if isinstance(key, tuple) else (key,)
        row = list(self.log.state(table)[key])
        for name, value in changes.items():
            row[table.names.index(name)] = value
        self.update_rows(table, (key, tuple(row)))

    def update_partly(self, table, key, **changes):
        """As wal2json writes an update that left large (TOASTed) values alone: without them. Here:
        with the key and the changed columns only."""
        key = key if isinstance(key, tuple) else (key,)
        row = dict(zip(table.names, self.log.state(table)[key]), **changes)
        self.log.state(table)[key] = tuple(row[name] for name in table.names)
        sent = [column for column in table.columns if column[0] in (*table.key, *changes)]
        self._line("U", table, ',"columns":' + columns_json(sent, [row[name] for name, _ in sent])
                   + self._identity(table, key, row.values()) + self._pk(table))

    def update_unseen(self, table, key, row):
        """An update of a row that the model (and so the target) does not have."""
        self.log.state(table)[key if isinstance(key, tuple) else (key,)] = row
        self.update_rows(table, (key, row))

    def delete(self, table, key):
        key = key if isinstance(key, tuple) else (key,)
        row = self.log.state(table).pop(key)
        self._line("D", table, self._identity(table, key, row) + self._pk(table))

    def truncate(self, table):
        self.log.state(table).clear()
        self._line("T", table)


class Log:
    """A change log in a file. with_pk: as wal2json writes it with include-pk."""

    def __init__(self, path, with_pk=True):
        self.path = path
        self.with_pk = with_pk
        self.xid = 1000
        self.lsn = 0x1000000
        self.time_us = 1_700_000_000 * MICROSECONDS
        self.transactions = 0
        self.tables = {}
        self._file = open(path, "w", encoding="utf-8", newline="\n")

    def state(self, table):
        return self.tables.setdefault(table, {})

    def rows(self, table):
        """What the target must hold, sorted as TargetDatabase.rows() does."""
        return sorted(self.state(table).values(), key=sort_key)

    def write(self, line):
        self._file.write(line + "\n")

    def flush(self):
        self._file.flush()

    def lsn_text(self):
        return f"{self.lsn >> 32:X}/{self.lsn & 0xFFFFFFFF:X}"

    def timestamp(self):
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=self.time_us)
        return at.strftime("%Y-%m-%d %H:%M:%S.%f") + "+00"

    def frame(self, action):
        self.lsn += 0x30
        self.write(f'{{"action":"{action}","xid":{self.xid},"timestamp":"{self.timestamp()}",'
                   f'"lsn":"{self.lsn_text()}","nextlsn":"{self.lsn_text()}"}}')

    @contextlib.contextmanager
    def transaction(self):
        self.xid += 1
        self.time_us += 1500
        self.frame("B")
        yield Transaction(self)
        self.frame("C")
        self.transactions += 1
        self.flush()

    def close(self):
        self._file.close()


def sort_key(row):
    """Any values of a column side by side: NULL, numbers, texts, bytes."""
    def of(value):
        if value is None:
            return (0, 0)
        if isinstance(value, (bool, int, float, decimal.Decimal)):
            return (1, decimal.Decimal(value))
        return (3, value) if isinstance(value, bytes) else (2, value)
    return tuple(of(value) for value in row)
