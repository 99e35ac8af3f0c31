#!/usr/bin/python3
"""Record JSON values and JSON diffs of a real MySQL: tests/golden/mysql_json/record.py

    record.py [--seed N] [--documents N] [--updates N] [--into DIRECTORY]

Starts a server of its own (tools/install-mysql), makes random documents and updates of them, and
writes, each with its length (4 bytes, big-endian) in front,
    documents   a value as the binary log has it, and its text as CAST(doc AS CHAR) gives it
    updates     a value, the diffs of a statement as the log has them, and the text afterwards
Prints the seed. golden_mysql_json [DIRECTORY] checks a recording.
"""
import argparse
import json
import os
import random
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))

import pymysql  # noqa: E402  (found by the path above)

import mysql_source  # noqa: E402

WRITE_ROWS, UPDATE_ROWS, PARTIAL_UPDATE_ROWS = 30, 31, 39

INTEGERS = [0, 1, -1, 127, -128, 255, 32767, 32768, -32768, -32769, 65535, 65536, 2**31 - 1, 2**31,
            -2**31, -2**31 - 1, 2**32 - 1, 2**32, 2**63 - 1, 2**63, -2**63, 2**64 - 1]
DOUBLES = ["0e0", "-0e0", "1e14", "1e15", "1e16", "123456789012345e0", "1234567890123456e0", "0.1e0",
           "1e-14", "1.5e-14", "1e-15", "1.5e-15", "5e-324", "2.2250738585072014e-308",
           "1.7976931348623157e308", "-1e22", "1e21", "9007199254740993e0", "0.000001e0", "1e100",
           "4.35e0", "100e0", "12345.678e0", "-1e-7", "1088719553094707.5e0",
           "1.2345678901234567e-14", "1.2345678901234567e-13"]
DECIMALS = ["cast(0 as decimal(1,0))", "cast('0.00000' as decimal(10,5))", "1.10", "-1.5", "100.00",
            "99999999999999999999999999999999999.999999999999999999999999999999",
            "-0.000000000000000000000000000001", "cast('-12.5' as decimal(65,30))", "123456789.1",
            "cast(repeat('9', 65) as decimal(65,0))", "cast('0.1234567891' as decimal(30,30))"]
TIMES = ["date'0000-00-00'", "date'9999-12-31'", "date'2024-02-29'", "time'-838:59:59'",
         "time'838:59:59'", "time'00:00:00'", "time'-00:00:00.000001'", "time'12:34:56.7'",
         "timestamp'2024-01-02 03:04:05'", "timestamp'9999-12-31 23:59:59.999999'",
         "timestamp'0000-00-00 00:00:00'", "timestamp'2024-00-10 10:00:00.5'",
         "cast(from_unixtime(1.25) as datetime(6))"]
OTHERS = ["x''", "x'00'", "x'00ff7f'", "b'101'", "cast(repeat('x', 56) as binary)",
          "cast(repeat('y', 57) as binary)", "cast(repeat('z', 58) as binary)",
          "cast(repeat('ab', 300) as binary)"]
LITERALS = ["cast('null' as json)", "true", "false", "null"]
PIECES = ["a", "key", " ", "\"", "\\", "/", "\b", "\f", "\n", "\r", "\t", "\x00", "\x1f", "\x7f", "ü",
          "€", "\U0001f600", "\u2028", "'", "[", "]", ".", "$", "*", "{}", "0", "\ud7ff", "\uffff",
          "last", "é" * 40, "x" * 130]
NAMES = ["a", "b", "c", "dd", "a.b", "q\"q", "", "ž", "last", "0", "x y", "back\\slash", "longer name",
         "\x01", "_id", "$x", "\U0001f600"]


def quoted(text):
    return "convert(x'" + text.encode("utf-8").hex() + "' using utf8mb4)"


class Random(random.Random):
    def text(self):
        return "".join(self.choice(PIECES) for _ in range(self.choice([0, 1, 1, 2, 5, 12])))

    def scalar(self):
        kind = self.randrange(9)
        if kind == 0:
            return str(self.choice(INTEGERS))
        if kind == 1:
            return str(self.getrandbits(self.choice([8, 16, 31, 63])) * self.choice([1, -1]))
        if kind == 2:
            return self.choice(DOUBLES)
        if kind == 3:
            text = repr(self.uniform(-1, 1) * 10.0 ** self.randint(-30, 30))
            return text if "e" in text else text + "e0"
        if kind == 4:
            return self.choice(DECIMALS)
        if kind == 5:
            return self.choice(TIMES)
        if kind == 6:
            return self.choice(OTHERS)
        if kind == 7:
            return self.choice(LITERALS)
        return quoted(self.text())

    def value(self, depth):
        kind = self.randrange(4) if depth > 0 else 0
        if kind < 2:
            return self.scalar()
        count = self.choice([0, 1, 2, 3, 5])
        if kind == 2:
            return f"json_array({', '.join(self.value(depth - 1) for _ in range(count))})"
        return "json_object(" + ", ".join(
            quoted(self.choice(NAMES) if self.randrange(5) else self.text()) + ", "
            + self.value(depth - 1) for _ in range(count)) + ")"

    def document(self):
        if self.randrange(10) == 0:
            return f"cast({quoted(self.nested())} as json)"
        return f"json_extract(json_array({self.value(self.choice([1, 2, 4]))}), '$[0]')"

    def nested(self):
        """Deep: up to the 100 that MySQL allows."""
        text = self.choice(["1", '"x"', "[]"])
        for _ in range(self.randint(1, 99 if text == "[]" else 100)):
            text = self.choice(["[%s]", "[1, %s]", '{"a": %s}', '{"b": 2, "a": %s}']) % text
        return text

    def path(self, document):
        """Mostly one that the document has."""
        path = "$"
        here = document
        for _ in range(self.choice([0, 1, 1, 2, 3, 6])):
            if isinstance(here, dict) and here and self.randrange(8):
                name = self.choice(list(here))
                path += "." + json.dumps(name, ensure_ascii=False)
                here = here[name]
            elif isinstance(here, list) and here and self.randrange(8):
                place = self.randrange(len(here))
                path += self.choice([f"[{place}]", f"[{place}]", f"[last-{len(here) - 1 - place}]"])
                here = here[place]
            else:
                name = self.choice(NAMES + ["new1", "new2"])
                step = "." + json.dumps(name, ensure_ascii=False)
                path += self.choice([step, step, f"[{self.randrange(6)}]", "[last]", "[last-1]"])
                break
        return path

    def update(self, document):
        """Of the functions whose diffs MySQL writes, some in one another."""
        expression = "doc"
        for _ in range(self.choice([1, 1, 2, 4])):
            path = quoted(self.path(document))
            kind = self.randrange(5)
            if kind == 0:
                expression = f"json_remove({expression}, {path})"
            elif kind < 3:
                expression = f"json_set({expression}, {path}, {self.value(1)})"
            else:
                expression = f"json_replace({expression}, {path}, {self.value(1)})"
        return expression


# documents whose offsets need 4 bytes, or nearly
LARGE = [
    "cast(concat('[', repeat('1, ', 21842), '[2, 70000, -70000], 3000000000]') as json)",
    "json_object('a', repeat('x', 65500), 'b', json_array(1, 65536, -32769, 1.5), 'c', null)",
    "json_object('a', repeat('y', 65400), 'b', json_array(1, 65536, -32769, 1.5), 'c', true)",
    "json_array(repeat('z', 127), repeat('z', 128), repeat('z', 16383), repeat('z', 16384))",
]


class Log:
    """The rows of table d in the server's newest log."""

    def __init__(self, path):
        self.path = path
        self.at = 4

    def events(self):
        with open(self.path, "rb") as file:
            file.seek(self.at)
            data = file.read()
        at = 0
        while at + 19 <= len(data):
            size = struct.unpack_from("<I", data, at + 9)[0]
            if at + size > len(data):
                break
            yield data[at + 4], data[at + 19:at + size - 4]
            at += size
        self.at += at

    def rows(self):
        for kind, body in self.events():
            if kind in (WRITE_ROWS, UPDATE_ROWS, PARTIAL_UPDATE_ROWS):
                yield kind, _row(kind, body)


def _row(kind, body):
    """The document of a new row; of an update (before, diffs), or None where it has the whole."""
    is_diff = False
    at = 8 + struct.unpack_from("<H", body, 8)[0]
    assert body[at] == 2
    at += 2 if kind == WRITE_ROWS else 3
    images = []
    for number in range(1 if kind == WRITE_ROWS else 2):
        if kind == PARTIAL_UPDATE_ROWS and number == 1:
            is_diff = body[at] & 1 and body[at + 1] & 1
            at += 2 if body[at] & 1 else 1
        nulls = body[at]
        at += 1 + 4
        if nulls & 2:
            images.append(None)
            continue
        size = struct.unpack_from("<I", body, at)[0]
        images.append(body[at + 4:at + 4 + size])
        at += 4 + size
    assert at == len(body), (kind, at, len(body))
    if kind == WRITE_ROWS:
        return images[0]
    return images if is_diff else None


def put(file, *parts):
    for part in parts:
        file.write(struct.pack(">I", len(part)) + part)


class Recorder:
    def __init__(self, server, seed):
        self.random = Random(seed)
        self.connection = server.connect()
        self.cursor = self.connection.cursor()
        self.execute("create database golden")
        self.execute("use golden")
        self.execute("set sql_mode = ''")
        self.execute("set session binlog_row_value_options = 'PARTIAL_JSON'")
        self.execute("create table d (id int primary key, doc json)")
        self.execute("show binary log status")
        self.log = Log(os.path.join(server.data, self.cursor.fetchone()[0]))
        self.count = 0

    def execute(self, sql):
        self.cursor.execute(sql)

    def text(self):
        self.execute(f"select cast(doc as char) from d where id = {self.count}")
        return self.cursor.fetchone()[0]

    def insert(self, expression):
        self.count += 1
        self.execute(f"insert into d values ({self.count}, {expression})")

    def documents(self, count, path):
        expressions = LARGE + [self.random.document() for _ in range(count)]
        with open(path, "wb") as file:
            for expression in expressions:
                self.insert(expression)
                ((_, binary),) = list(self.log.rows())
                if binary is not None:
                    put(file, binary, self.text().encode("utf-8"))

    def updates(self, count, path):
        partial = 0
        with open(path, "wb") as file:
            while partial < count:
                large = LARGE[self.random.randrange(len(LARGE))] if partial % 400 == 399 else None
                self.insert(large or self.random.document())
                for _ in range(self.random.choice([1, 2, 5])):
                    partial += self.update(file)
        return partial

    def update(self, file):
        before = self.text()
        if before is None:
            return 0
        list(self.log.rows())
        try:
            self.execute(f"update d set doc = {self.random.update(json.loads(before))}"
                         f" where id = {self.count}")
        except pymysql.err.MySQLError as problem:
            if problem.args[0] not in (3153, 3154, 3157):  # the document itself removed; too deep
                raise
            return 0
        rows = list(self.log.rows())
        text = self.text()
        if not rows or rows[0][1] is None or text is None:
            return 0
        put(file, *rows[0][1], text.encode("utf-8"))
        return 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--documents", type=int, default=150)
    parser.add_argument("--updates", type=int, default=250)
    parser.add_argument("--into", default=HERE)
    chosen = parser.parse_args()
    server = mysql_source.make_mysql()
    try:
        recorder = Recorder(server, chosen.seed)
        recorder.documents(chosen.documents, os.path.join(chosen.into, "documents"))
        recorder.updates(chosen.updates, os.path.join(chosen.into, "updates"))
    finally:
        server.remove()
    print(f"seed {chosen.seed}: {chosen.documents} documents, {chosen.updates} updates")


if __name__ == "__main__":
    main()
