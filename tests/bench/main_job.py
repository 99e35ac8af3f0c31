#!/usr/bin/python3
"""How fast the main job is, beside the same work by hand, in one run.

A recorded log of mixed changes (50 % update, 30 % insert, 20 % delete) goes into PostgreSQL and
MariaDB tables of 8 columns. Then psql, or the mariadb client, loads the very same CSV files and runs
the statements of merge.sql on a copy of the table. Prints a time for each phase, changes a second,
the peak of resident memory, and the ratios; nothing here passes or fails.
"""
import argparse
import glob
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

# on a disk, where fsync costs what it costs; the tests keep their servers in memory
os.environ.setdefault("DRAY_TEST_DIRECTORY", tempfile.gettempdir())
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import servers  # noqa: E402
from service import Watched  # noqa: E402

COLUMNS = [("id", "bigint"), ("customer", "integer"), ("status", "text"),
           ("amount", "numeric(12,2)"), ("quantity", "integer"),
           ("created", "timestamp without time zone"), ("note", "text"), ("rate", "numeric(8,4)")]
NAMES = [name for name, _ in COLUMNS]
STATES = ["new", "paid", "packed", "sent", "returned"]
WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor".split()


def row(number, rng):
    return (number, rng.randrange(200000), rng.choice(STATES),
            f"{rng.randrange(1000000) / 100:.2f}", rng.randrange(1, 20),
            f"2026-0{rng.randrange(1, 10)}-{rng.randrange(10, 29)} 1{rng.randrange(10)}:4{rng.randrange(10)}:07",
            " ".join(rng.choices(WORDS, k=5)), f"{rng.randrange(100000) / 10000:.4f}")


def write_base(path, rows, rng):
    with open(path, "w", encoding="utf-8") as file:
        for number in range(1, rows + 1):
            file.write(",".join(map(str, row(number, rng))) + "\n")


def json_values(values):
    parts = []
    for (name, kind), value in zip(COLUMNS, values):
        text = f'"{value}"' if kind in ("text", "timestamp without time zone") else value
        parts.append(f'{{"name":"{name}","type":"{kind}","value":{text}}}')
    return "[" + ",".join(parts) + "]"


def write_log(path, rows, changes, rng):
    """One transaction of 50 changes after the other, as wal2json writes them."""
    next_id = rows + 1
    live = list(range(1, rows + 1))
    pk = '"pk":[{"name":"id","type":"bigint"}]'
    head = '"schema":"public","table":"item"'
    stamp = '"timestamp":"2026-03-11 20:51:10.123456+00"'
    with open(path, "w", encoding="utf-8") as file:
        for done in range(changes):
            xid = done // 50 + 1000
            if done % 50 == 0:
                file.write(f'{{"action":"B","xid":{xid},{stamp}}}\n')
            kind = rng.random()
            if kind < 0.5:
                key = live[rng.randrange(len(live))]
                file.write(f'{{"action":"U","xid":{xid},{stamp},{head},'
                           f'"columns":{json_values(row(key, rng))},'
                           f'"identity":[{{"name":"id","type":"bigint","value":{key}}}],{pk}}}\n')
            elif kind < 0.8:
                file.write(f'{{"action":"I","xid":{xid},{stamp},{head},'
                           f'"columns":{json_values(row(next_id, rng))},{pk}}}\n')
                live.append(next_id)
                next_id += 1
            else:
                at = rng.randrange(len(live))
                key, live[at] = live[at], live[-1]
                live.pop()
                file.write(f'{{"action":"D","xid":{xid},{stamp},{head},'
                           f'"identity":[{{"name":"id","type":"bigint","value":{key}}}],{pk}}}\n')
            if done % 50 == 49 or done == changes - 1:
                file.write(f'{{"action":"C","xid":{xid},{stamp}}}\n')


class PostgresBench:
    kind = "postgres"

    def __init__(self, directory):
        self.server = servers.Postgres(
            fsync="on", synchronous_commit="on", full_page_writes="on", wal_level="replica",
            max_wal_senders="0", shared_buffers="1GB", max_wal_size="8GB", work_mem="64MB",
            maintenance_work_mem="256MB", autovacuum="on")
        self.version = self._psql("show server_version").strip()
        del directory

    def _psql(self, sql):
        return subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.server.directory,
             "-U", "postgres", "-f", "-"], input=sql, check=True, capture_output=True,
            text=True).stdout

    def options(self):
        return f"{{type: postgres, connection: '{self.server.conninfo('postgres')}'}}"

    def load_base(self, path):
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
        self._psql(f"create table item ({columns}, primary key (id));\n"
                   f"\\copy item from '{path}' with (format csv)\n"
                   "create table by_hand (like item including all);\n"
                   "insert into by_hand select * from item order by id;\n"
                   "vacuum analyze item; vacuum analyze by_hand; checkpoint;")

    def by_hand(self, files):
        names = ", ".join(NAMES)
        self._psql("create unlogged table hand_stage (dray_opcode varchar(2), dray_seqno bigint, "
                   "dray_row_id bigint, dray_timestamp timestamp, like item); checkpoint;")
        sql = []
        for path in files:
            sql.append(f"""begin;
truncate hand_stage;
\\copy hand_stage from '{path}' with (format csv, null 'null')
delete from by_hand as base using hand_stage as stage where base.id = stage.id;
insert into by_hand ({names}) select {names} from hand_stage as stage
where stage.dray_opcode in ('I', 'U', 'UI')
and stage.dray_row_id in (select max(dray_row_id) from hand_stage group by id);
commit;
""")
        return timed(lambda: self._psql("".join(sql)))

    def settle(self):
        self._psql("vacuum; checkpoint;")

    def differences(self):
        return int(self._psql("select count(*) from ((table item except all table by_hand) "
                              "union all (table by_hand except all table item)) as d"))


class MariaBench:
    kind = "mysql"

    def __init__(self, directory):
        del directory
        self.server = servers.MariaDB(**{
            "innodb-flush-log-at-trx-commit": "1", "innodb-doublewrite": "1",
            "innodb-buffer-pool-size": "2G", "innodb-log-file-size": "2G"})
        connection = self.server.connect()
        connection.cursor().execute("create database bench")
        connection.close()
        self.version = self._client("select version()").split("\n")[1]

    def _client(self, sql):
        return subprocess.run(
            ["mariadb", "--no-defaults", "--local-infile=1", "-S", self.server.socket, "-u", "root",
             "--default-character-set=utf8mb4", "--batch", "bench"], input=sql, check=True,
            capture_output=True, text=True).stdout

    def options(self):
        return (f"{{type: mysql, socket: {self.server.socket}, user: root, database: bench}}")

    def load_base(self, path):
        kinds = {"bigint": "bigint", "integer": "int", "text": "varchar(200)",
                 "timestamp without time zone": "datetime(6)"}
        columns = ", ".join(f"{name} {kinds.get(kind, kind.replace('numeric', 'decimal'))}"
                            for name, kind in COLUMNS)
        self.columns = columns
        self._client(f"create table item ({columns}, primary key (id)) engine=InnoDB "
                     "character set utf8mb4 collate utf8mb4_bin;"
                     f"load data local infile '{path}' into table item fields terminated by ',';"
                     "create table by_hand like item; insert into by_hand select * from item;"
                     "analyze table item; analyze table by_hand;")

    def by_hand(self, files):
        names = ", ".join(NAMES)
        self._client("create table hand_stage (dray_opcode varchar(2), dray_seqno bigint, "
                     f"dray_row_id bigint, dray_timestamp datetime(6), {self.columns}) "
                     "engine=InnoDB character set utf8mb4 collate utf8mb4_bin;")
        sql = ["set session transaction isolation level read committed;"]
        for path in files:
            sql.append(f"""start transaction;
delete from hand_stage;
load data local infile '{path}' into table hand_stage character set utf8mb4
fields terminated by ',' enclosed by '"' escaped by '' lines terminated by '\\n';
delete base from by_hand as base join hand_stage as stage on base.id = stage.id;
insert into by_hand ({names}) select {names} from hand_stage as stage
where stage.dray_opcode in ('I', 'U', 'UI')
and stage.dray_row_id in (select max(dray_row_id) from hand_stage group by id);
commit;
""")
        return timed(lambda: self._client("".join(sql)))

    def settle(self):
        self._client("set global innodb_max_dirty_pages_pct = 0;")
        time.sleep(5)
        self._client("set global innodb_max_dirty_pages_pct = 90;")

    def differences(self):
        names = ", ".join(NAMES)
        return int(self._client(f"select count(*) from (select {names} from item except "
                                f"select {names} from by_hand) as d").split("\n")[1])


def timed(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


def run_dray(program, bench, directory, log):
    config = os.path.join(directory, f"{bench.kind}.yaml")
    blocks = os.path.join(directory, f"{bench.kind}-blocks")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"service: bench\nsource: {{type: jsonl, path: {log}}}\n"
                   f"block: {{directory: {blocks}, retain: all}}\n"
                   f"target: {bench.options()}\n"
                   "tables: [{match: public.item, target: item}]\n")
    start = time.monotonic()
    done = Watched([program, "run", config, "--until-end"])
    elapsed = time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"dray failed:\n{done.stderr}")
    totals = {name: int(value) for name, value in
              re.findall(r"(\w+)=(\d+)", done.stderr.strip().split("\n")[-1])}
    return blocks, elapsed, totals, done


def csv_files(blocks):
    files = []
    for manifest in sorted(glob.glob(os.path.join(blocks, "*", "manifest.json"))):
        with open(manifest, encoding="utf-8") as file:
            for entry in json.load(file)["files"]:
                files.append(os.path.join(os.path.dirname(manifest), entry["name"]))
    return files


def report(bench, changes, elapsed, totals, done, hand, different):
    seconds = {name: totals[name + "_ms"] / 1000
               for name in ("read", "write", "load", "merge", "commit")}
    print(f"\n{bench.kind} {bench.version}")
    print(f"  {'phase':28} {'seconds':>9} {'changes/s':>11}")
    for name, label in (("read", "decode (reader thread)"), ("write", "CSV write, keys, fsync"),
                        ("load", "load into staging"), ("merge", "merge"),
                        ("commit", "position and commit")):
        rate = f"{changes / seconds[name]:11,.0f}" if seconds[name] > 0 else f"{'-':>11}"
        print(f"  {label:28} {seconds[name]:9.2f} {rate}")
    print(f"  {'whole run':28} {elapsed:9.2f} {changes / elapsed:11,.0f}")
    print(f"  {'by hand, the same files':28} {hand:9.2f} {changes / hand:11,.0f}")
    reading = seconds["read"] + seconds["write"]
    loading = seconds["load"] + seconds["merge"]
    print(f"  decode + CSV / load + merge    {reading / loading:6.2f}   (aim: at most 0.50)")
    print(f"  whole run / by hand            {elapsed / hand:6.2f}   (aim: at most 1.15)")
    print(f"  peak resident memory           {done.peak_kib / 1024:6.1f} MiB, "
          f"{done.usage.ru_utime + done.usage.ru_stime:.2f} s of processor time")
    print(f"  rows that differ from by hand  {different:6d}")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
    return (f"{os.cpu_count()} x {model.group(1) if model else platform.machine()}, "
            f"{memory:.0f} GiB, Linux {platform.release()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=2000000)
    parser.add_argument("--changes", type=int, default=1000000)
    parser.add_argument("--targets", default="postgres,mysql")
    parser.add_argument("--seed", type=int, default=20260311)
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="dray-bench-", dir=os.environ.get("TMPDIR", "/tmp"))
    os.chmod(directory, 0o755)
    rng = random.Random(arguments.seed)
    base, log = os.path.join(directory, "base.csv"), os.path.join(directory, "log.jsonl")
    print(f"{machine()}\nseed {arguments.seed}: base of {arguments.rows:,} rows, "
          f"log of {arguments.changes:,} changes")
    try:
        write_base(base, arguments.rows, rng)
        write_log(log, arguments.rows, arguments.changes, rng)
        for kind in (PostgresBench, MariaBench):
            if kind.kind not in arguments.targets.split(","):
                continue
            bench = kind(directory)
            try:
                bench.load_base(base)
                bench.settle()
                blocks, elapsed, totals, done = run_dray(arguments.program, bench, directory, log)
                bench.settle()
                hand = bench.by_hand(csv_files(blocks))
                report(bench, arguments.changes, elapsed, totals, done, hand,
                       bench.differences())
            finally:
                bench.server.remove()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
