"""The workload of a MariaDB source: a shop.

Many tables and many types, several kinds of key, row images of all three sorts (a session changes
its own), key changes, deletes, truncates, savepoints, XA transactions, LOAD DATA, large values that
updates leave unchanged, columns that are added on the way, small logs that rotate often.
"""
import os
import random
import threading
import time

import pymysql

import servers

TABLES = 12
WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit".split()
LOST = (pymysql.err.OperationalError, pymysql.err.InterfaceError)
# of pymysql's OperationalError those that are no lost connection
LOCK_WAITED = 1205
REFUSED = {LOCK_WAITED, 1213, 1020, 1399, 1397, 1440, 1402, 1406, 1264, 3024, 1614}


class Shop:
    """The source's tables and what happens to them. Each worker has a connection and a random
    generator of its own."""

    def __init__(self, server, seed):
        self.server = server
        self.seed = seed
        self.columns = 0
        self.lock = threading.Lock()
        self.counts = {"statements": 0, "rows": 0, "transactions": 0, "truncates": 0, "columns": 0,
                       "rollbacks": 0, "xa": 0, "files": 0}
        self.xids = 0

    def make(self):
        connection = self.server.connect()
        cursor = connection.cursor()
        cursor.execute("create database shop character set utf8mb4 collate utf8mb4_bin")
        cursor.execute("use shop")
        for number in range(TABLES):
            name = f"shop_{number:02}"
            key = "id" if number % 3 else "id, region"
            more = ", unique key both_ways (region, id)" if number % 4 == 2 else ""
            cursor.execute(f"""
                create table {name} (
                    id bigint unsigned not null, region varchar(60) not null, body longtext,
                    amount decimal(14,3), at timestamp(6) null, seen datetime(3), doc json,
                    flag tinyint(1), raw varbinary(40), kind enum('new','paid','über'),
                    tags set('a','b','c'), bits bit(11), d double, f float, day date,
                    spent time(2), born year, u uuid,
                    western varchar(80) character set latin1,
                    wide varchar(80) character set utf16,
                    total decimal(15,3) as (amount * 2) virtual, primary key ({key}){more})""")
            for key in range(1, 301):
                self.insert(cursor, random.Random(key), name, key)
        cursor.execute("create table account (id int primary key, balance bigint not null)")
        cursor.execute("insert into account select seq, 0 from seq_1_to_1000")
        cursor.execute("create table history (id bigint auto_increment primary key, account int, "
                       "delta int, at timestamp(3) not null default current_timestamp(3))")
        connection.close()

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    def worker(self, number, stop):
        self.repeat(f"{self.seed} {number}", self.transaction, stop)

    def tpcb(self, stop):
        """As TPC-B does: two updates' worth of one account and its history."""
        self.repeat(f"{self.seed} tpcb", self.transfer, stop)

    def repeat(self, seed, work, stop):
        rng = random.Random(seed)
        connection = None
        while not stop.is_set():
            try:
                if connection is None:
                    connection = self.connect()
                if rng.random() < 0.02:
                    image = rng.choice(("full", "noblob", "minimal"))
                    connection.cursor().execute(f"set session binlog_row_image = '{image}'")
                work(connection, rng)
            except pymysql.err.MySQLError as problem:
                lost = isinstance(problem, LOST) and problem.args[0] not in REFUSED
                # a key that is taken, a deadlock: part of the game
                self.count("rollbacks")
                connection = None if lost else self.roll_back(connection)
                if lost:
                    time.sleep(0.1)
                elif connection is not None and problem.args[0] == LOCK_WAITED:
                    self.end_prepared(connection)
            except OSError:
                connection = None
                time.sleep(0.1)

    def connect(self):
        connection = self.server.connect("shop")
        connection.autocommit(False)
        self.end_prepared(connection)
        return connection

    @staticmethod
    def roll_back(connection):
        try:
            connection.rollback()
            return connection
        except pymysql.err.MySQLError:
            connection.close()
            return None

    def end_prepared(self, connection):
        """What a lost connection left prepared is committed by whoever finds it."""
        cursor = connection.cursor()
        cursor.execute("xa recover")
        for _, length, _, data in cursor.fetchall():
            name = (data if isinstance(data, str) else data.decode())[:length]
            try:
                cursor.execute(f"xa commit '{name}'")
                self.count("xa")
            except pymysql.err.MySQLError:
                pass  # another one was quicker, or its session is still there

    def transaction(self, connection, rng):
        cursor = connection.cursor()
        xid = None
        if rng.random() < 0.05:
            with self.lock:
                self.xids += 1
                xid = f"x{self.xids}"
            cursor.execute(f"xa start '{xid}'")
        for _ in range(rng.randrange(1, 12)):
            self.statement(cursor, rng, f"shop_{rng.randrange(TABLES):02}", xid is not None)
            self.count("statements")
        if xid is not None:
            cursor.execute(f"xa end '{xid}'")
            cursor.execute(f"xa prepare '{xid}'")
            time.sleep(rng.random() * 0.05)
            cursor.execute(f"xa {'rollback' if rng.random() < 0.2 else 'commit'} '{xid}'")
            self.count("xa")
        elif rng.random() < 0.1:
            connection.rollback()
            self.count("rollbacks")
        else:
            connection.commit()
        self.count("transactions")
        time.sleep(rng.random() * 0.01)

    def transfer(self, connection, rng):
        cursor = connection.cursor()
        account, delta = rng.randrange(1, 1001), rng.randrange(-5000, 5000)
        cursor.execute("update account set balance = balance + %s where id = %s", (delta, account))
        cursor.execute("insert into history (account, delta) values (%s, %s)", (account, delta))
        connection.commit()
        self.count("transactions")
        self.count("rows", 2)
        time.sleep(0.004)

    def insert(self, cursor, rng, name, key):
        cursor.execute(
            f"insert ignore into {name} (id, region, body, amount, at, seen, doc, flag, raw, kind, "
            "tags, bits, d, f, day, spent, born, u, western, wide) values (%s, %s, %s, %s, "
            "now(6), now(3), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, uuid(), %s, %s)",
            (key, f"r{key % 5}", self.text(rng), rng.randrange(10 ** 9) / 1000,
             f'{{"key": {key}, "word": "{rng.choice(WORDS)}"}}', rng.random() < 0.5,
             rng.randbytes(rng.randrange(20)), rng.choice(("new", "paid", "über", None)),
             rng.choice(("", "a", "a,c", "b", None)), rng.randrange(2048),
             rng.uniform(-1, 1) * 10 ** rng.randrange(-300, 300), rng.uniform(-1000, 1000),
             f"20{rng.randrange(100):02}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
             f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.uniform(0, 59):05.2f}",
             rng.randrange(1901, 2155), rng.choice(("garçon", "€uro", "plain", "ÿ")),
             rng.choice(("wide 😀", "ß", "漢字"))))

    def statement(self, cursor, rng, name, in_xa):
        kind, key = rng.random(), rng.randrange(1, 2000)
        if kind < 0.35:
            self.insert(cursor, rng, name, key)
        elif kind < 0.70:
            # body stays as it is
            cursor.execute(f"update {name} set amount = amount + 1, flag = 1 - flag, at = now(6) "
                           "where id between %s and %s", (key, key + rng.randrange(30)))
        elif kind < 0.78:
            cursor.execute(f"update {name} set body = %s where id = %s", (self.text(rng), key))
        elif kind < 0.84:
            cursor.execute(f"update {name} set id = %s where id = %s",
                           (rng.randrange(2000, 1000000), key))
        elif kind < 0.95:
            cursor.execute(f"delete from {name} where id between %s and %s", (key, key + 5))
        elif kind < 0.97 and not in_xa:
            cursor.execute("savepoint s")
            cursor.execute(f"update {name} set region = concat(region, 'x') where id = %s", (key,))
            cursor.execute(f"delete from {name} where id < 100")
            cursor.execute("rollback to savepoint s")
        elif kind < 0.98 and not in_xa:
            self.load_file(cursor, rng, name, key)
        elif kind < 0.982 and not in_xa:
            cursor.execute(f"truncate table {name}")
            self.count("truncates")
        elif kind < 0.99 and not in_xa:
            with self.lock:
                self.columns += 1
                column = f"extra_{self.columns}"
            if self.columns <= 40:
                cursor.execute(f"alter table {name} add column {column} varchar(40) "
                               f"default 'since {key}'")
                self.count("columns")
        else:
            cursor.execute(
                f"insert ignore into {name} (id, region, body) select seq + %s, 'bulk', "
                "repeat('b', 30) from seq_0_to_500", (key * 1000,))
        self.count("rows", max(cursor.rowcount, 0))

    def load_file(self, cursor, rng, name, key):
        path = os.path.join(self.server.directory, f"load-{threading.get_ident()}")
        with open(path, "w", encoding="utf-8") as file:
            for row in range(rng.randrange(1, 50)):
                file.write(f"{key * 100 + row}\tfile\t{rng.choice(WORDS)}\n")
        cursor.execute(f"load data local infile '{path}' ignore into table {name} "
                       "(id, region, body)")
        self.count("files")

    @staticmethod
    def text(rng):
        if rng.random() < 0.3:
            return "".join(rng.choices(",\"'\\\n\t üß€😀null", k=rng.randrange(40)))
        return rng.choice(WORDS) * rng.choice((1, 5, 2000))


class MysqlSource:
    """The server, its workers, and what can be done to it."""
    kind = "mysql"
    installs = False  # dray install comes first
    side_by_side = False  # each bootstrap and verify has a moment of the log for itself

    def __init__(self, seed):
        options = {"log-bin": "bin", "server-id": "1", "binlog-format": "ROW",
                   "binlog-row-metadata": "FULL", "max-binlog-size": "4M",
                   "gtid-strict-mode": "1", "sync-binlog": "0",
                   # nobody stands still behind what a lost connection left prepared
                   "innodb-lock-wait-timeout": "1", "lock-wait-timeout": "2"}
        # half of the runs with a compressed log
        if random.Random(f"{seed} server").random() < 0.5:
            options["log-bin-compress"] = "1"
        self.server = servers.MariaDB(**options)
        self.shop = Shop(self.server, seed)

    def make(self):
        self.shop.make()

    def workers(self):
        """Functions that work until their argument, an event, is set."""
        return [lambda stop: self.shop.worker(1, stop), lambda stop: self.shop.worker(2, stop),
                self.shop.tpcb]

    def options(self):
        return {"type": "mysql", "socket": self.server.socket, "user": "root",
                "tables": ["shop.*"]}

    def settle(self):
        """When the workers are gone: end what they left prepared."""
        connection = self.server.connect("shop")
        self.shop.end_prepared(connection)
        connection.close()

    def cut(self):
        end_threads(self.server, "command like 'Binlog Dump%'")

    def close(self):
        """What is not the server's."""

    def report(self):
        counts = self.shop.counts
        return (f"{counts['rows']:,} rows of the shop in {counts['statements']:,} statements and "
                f"{counts['transactions']:,} transactions ({counts['xa']} XA, "
                f"{counts['truncates']} truncates, {counts['columns']} columns added, "
                f"{counts['files']} files loaded, {counts['rollbacks']} rollbacks)")


def end_threads(server, which):
    connection = server.connect()
    cursor = connection.cursor()
    cursor.execute(f"select id from information_schema.processlist where {which}")
    for (number,) in cursor.fetchall():
        try:
            cursor.execute(f"kill {number}")
        except pymysql.err.MySQLError:
            pass  # gone already
    connection.close()
