"""cube_dispatcher's rules as a program of their own: one statement for each event, in the queue's order.

A model to compare Dray with. It reads the queue as any other consumer, batch by batch, and writes into a
database of its own on the target's server:

    model = Cube(database, KEEP_LATEST, "YYYY_MM_DD")     # a targets.PostgresTarget, with the parents
    for batch in read_batches(source, "model", {"YYYY_MM_DD": "UTC"}): model.apply(batch)

    keep_latest   insert, update: delete the row of the key, insert the new one; delete: delete the row
    keep_all      insert, update: insert the new row

All of a batch goes to <table>_<suffix>, the suffix being the time of the batch's last tick through
to_char(). A partition that is missing is made: create table (like parent), under keep_latest with the
parent's key. A batch is one transaction.

Where the original fails for ever, or keeps what nobody wants, the model does what Dray means to do:
  - an update that changes the key, and has the old row: keep_latest deletes the old key, too
  - a delete under keep_all: deletes="ignore" leaves it out, "keep" makes it a row of the key and the
    opcode (column dray_opcode: I insert, UI update, D delete)
  - a TRUNCATE (type R): keep_latest empties the partition of its batch, keep_all does nothing
  - a table without a key: keep_all inserts its rows
"""
import dataclasses
import urllib.parse

KEEP_LATEST = "keep_latest"
KEEP_ALL = "keep_all"
STATEMENTS = 100  # of one round trip


def decode(data):
    """PgQ's urlencoding: a name without "=" is NULL."""
    row = {}
    for part in (data or "").split("&"):
        if part:
            name, given, value = part.partition("=")
            row[urllib.parse.unquote_plus(name)] = urllib.parse.unquote_plus(value) if given else None
    return row


def encode(row):
    return "&".join(urllib.parse.quote_plus(name) if value is None else
                    f"{urllib.parse.quote_plus(name)}={urllib.parse.quote_plus(str(value))}"
                    for name, value in row.items())


@dataclasses.dataclass
class Event:
    operation: str
    key: list
    row: dict
    table: str    # schema.table
    before: dict  # the whole old row, where the event has it


@dataclasses.dataclass
class Batch:
    tick: int
    suffixes: dict  # format: suffix
    events: list


def event(kind, data, table, before):
    operation, _, key = kind.partition(":")
    return Event(operation, [name for name in key.split(",") if name], decode(data), table,
                 decode(before))


def read_batches(source, consumer, zones):
    """What the queue has for the consumer, which was registered before. zones: format: time zone."""
    with source.server.connect(source.name).cursor() as cursor:
        def rows(sql, *values):
            cursor.execute(sql, values)
            return cursor.fetchall()
        while True:
            ((batch,),) = rows("select pgq.next_batch(%s, %s)", source.queue, consumer)
            if batch is None:
                return
            ((tick,),) = rows("select tick_id from pgq.get_batch_info(%s)", batch)
            suffixes = {form: rows("select to_char(batch_end at time zone %s, %s)"
                                   " from pgq.get_batch_info(%s)", zone, form, batch)[0][0]
                        for form, zone in zones.items()}
            events = rows("select ev_type, ev_data, ev_extra1, ev_extra2"
                          " from pgq.get_batch_events(%s) order by ev_id", batch)
            yield Batch(tick, suffixes, [event(*found) for found in events])
            rows("select pgq.finish_batch(%s)", batch)


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def quote_table(name):
    return ".".join(quote(part) for part in name.split(".", 1))


class Cube:
    def __init__(self, database, mode, date_format, deletes="ignore", only=None):
        self.database = database
        self.mode = mode
        self.date_format = date_format
        self.deletes = deletes
        self.only = only  # a set of tables; None: all
        self.partitions = set()
        self.statements = 0

    def apply(self, batch):
        connection = self.database.server.connect(self.database.name)
        connection.autocommit = False
        with connection.cursor() as cursor:
            events = [one for one in batch.events if self.only is None or one.table in self.only]
            keys = {}
            for one in events:
                keys[one.table] = keys.get(one.table) or one.key
            for table, key in keys.items():
                self._make_partition(cursor, table, self._partition(table, batch), key)
            statements = [cursor.mogrify(sql, values).decode() for one in events
                          for sql, values in self._statements(one, self._partition(one.table, batch))]
            for start in range(0, len(statements), STATEMENTS):
                cursor.execute("\n".join(statements[start:start + STATEMENTS]))
            self.statements += len(statements)
        connection.commit()
        connection.close()

    def _partition(self, table, batch):
        return f"{table}_{batch.suffixes[self.date_format]}" if self.date_format else table

    def _make_partition(self, cursor, table, partition, key):
        if partition in self.partitions or partition == table:
            return
        self.partitions.add(partition)
        cursor.execute(f"create table {quote_table(partition)} (like {quote_table(table)})")
        if self.mode == KEEP_LATEST and key:
            cursor.execute(f"alter table {quote_table(partition)} add primary key"
                           f" ({', '.join(quote(name) for name in key)})")

    def _statements(self, one, partition):
        to = quote_table(partition)
        if one.operation == "R":
            if self.mode == KEEP_LATEST:
                yield f"delete from {to};", ()
        elif self.mode == KEEP_LATEST:
            keys = [[row[name] for name in one.key] for row in (one.before, one.row) if row]
            for values in keys:
                yield (f"delete from {to} where "
                       + " and ".join(f"{quote(name)} = %s" for name in one.key) + ";", values)
            if one.operation != "D":
                yield self._insert(to, one.row)
        elif one.operation != "D":
            more = {"dray_opcode": {"I": "I", "U": "UI"}[one.operation]} \
                if self.deletes == "keep" else {}
            yield self._insert(to, {**more, **one.row})
        elif self.deletes == "keep":
            yield self._insert(to, {"dray_opcode": "D", **{name: one.row[name] for name in one.key}})

    @staticmethod
    def _insert(to, row):
        return (f"insert into {to} ({', '.join(quote(name) for name in row)})"
                f" values ({', '.join(['%s'] * len(row))});", list(row.values()))


def contents(database, parents):
    """{table: its rows as texts, in order} of the parents and of what is named <parent>_…"""
    found = {}
    for (name,) in database.query("select tablename from pg_tables where schemaname = 'public'"):
        if any(name == parent or name.startswith(parent + "_") for parent in parents):
            found[name] = database.query(
                f"select r::text from public.{quote(name)} r order by 1")
    return found


def assert_same(dray, model, parents):
    """Both databases hold the same partitions, and these the same rows."""
    got, expected = contents(dray, parents), contents(model, parents)
    assert set(got) == set(expected)
    for name in sorted(expected):
        assert got[name] == expected[name], f"{name}: {differences(got[name], expected[name])}"


def differences(got, expected):
    got, expected = list(got), list(expected)
    for row in list(got):
        if row in expected:
            got.remove(row)
            expected.remove(row)
    return f"Dray has {got[:5]} (of {len(got)}), the model {expected[:5]} (of {len(expected)})"
