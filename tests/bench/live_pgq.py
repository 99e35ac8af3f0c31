#!/usr/bin/python3
"""A PgQ queue, beside what else empties one, in one run on one machine.

Two servers with full durability. 1,000,000 changes (50 % insert, 40 % update, 10 % delete, keys at
random) are logged by pgq.logutriga into one queue, in batches of 10,000, while nobody reads it.
Then each of these takes the queue from its own consumer's tick, one after the other, into a
database of its own at the second server:

    dray, keep_latest          the table itself (partition: "")
    dray, keep_latest by day   into a day's partition
    statements                 what cube_dispatcher does: one statement (or delete and insert) an
                               event, 101 to a round trip, tick and data in one transaction
    statements, SQL only       the same statements, made beforehand, sent by a loop that does nothing
                               else: the limit of any program that applies statement by statement
    londiste, default          one statement an event
    londiste, bulk             compaction by key, COPY into temporary tables

Prints events a second, and dray's as a multiple. All tables but the partition are compared with the
source. Nothing here passes or fails.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# on a disk, as in main_job
os.environ.setdefault("DRAY_TEST_DIRECTORY", tempfile.gettempdir())
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402
import skytools  # noqa: E402
from live_postgres import DURABLE, run_sql  # noqa: E402
from main_job import machine  # noqa: E402
from service import Watched  # noqa: E402

QUEUE = "bench"
STATEMENTS_A_ROUND_TRIP = 101

TABLE = """
create table item (id bigint primary key, customer integer, status text, amount numeric(12,2),
                   created timestamp, note text)"""

FILL = """
insert into item
select n, (random() * 200000)::integer, 'new', (random() * 10000)::numeric(12,2),
       timestamp '2026-03-11 20:51:10' + n * interval '1 second', 'lorem ipsum dolor sit amet ' || n
from generate_series(1, %(rows)s) as n"""

# one statement a change, as an application does; a batch ends where the caller ticks
WORKLOAD = """
create sequence next_item;
create function workload(changes integer) returns void language plpgsql as $$
declare
    kind double precision;
    key bigint;
    done integer := 0;
begin
    while done < changes loop
        kind := random();
        key := 1 + (random() * (select last_value - 1 from next_item))::bigint;
        if kind < 0.5 then
            insert into item values (nextval('next_item'), done % 200000, 'new',
                (random() * 10000)::numeric(12,2), timestamp '2026-03-12',
                'sed do eiusmod tempor ' || done);
        elsif kind < 0.9 then
            update item set status = 'paid', amount = (random() * 10000)::numeric(12,2),
                note = 'consectetur adipiscing elit ' || done
            where id = key;
        else
            delete from item where id = key;
        end if;
        -- a key that is gone already is no change
        if found then
            done := done + 1;
        end if;
    end loop;
end $$"""

TARGETS = ("dw", "daily", "statements", "sqlonly", "plain", "bulk")


def literal(value):
    return "null" if value is None else skytools.quote_literal(value)


def statements_of(event):
    """What keep_latest does with an event of logutriga, table by table: SQL texts."""
    kind, keys = event[4].split(":", 1)
    row = skytools.db_urldecode(event[5])
    table = skytools.quote_fqident(event[6])
    where = " and ".join(f"{skytools.quote_ident(key)} = {literal(row[key])}"
                         for key in keys.split(","))
    delete = f"delete from only {table} where {where};"
    if kind == "D":
        return delete
    columns = ", ".join(skytools.quote_ident(name) for name in row)
    values = ", ".join(literal(value) for value in row.values())
    return f"{delete} insert into {table} ({columns}) values ({values});"


class Bench:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.source = servers.Postgres(**DURABLE)
        self.target = servers.Postgres(**DURABLE)
        run_sql(self.source, "postgres", "create database shop")
        for name in TARGETS:
            run_sql(self.target, "postgres", f"create database {name}")

    def remove(self):
        self.source.remove()
        self.target.remove()

    # ---- set-up

    def londiste(self, ini, *arguments):
        done = subprocess.run(["londiste", self.path(f"{ini}.ini"), *arguments], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            sys.exit(f"londiste {ini} {' '.join(arguments)}:\n{done.stdout}{done.stderr}")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def londiste_ini(self, name, database, loop_delay):
        self.write(f"{name}.ini",
                   f"[londiste]\njob_name = {name}\ndb = {database}\nqueue_name = {QUEUE}\n"
                   f"logfile = {self.path(name)}.log\npidfile = {self.path(name)}.pid\n"
                   f"loop_delay = {loop_delay}\nhandler_modules = londiste.handlers.bulk\n")

    def tick(self):
        run_sql(self.source, "shop", f"select pgq.force_tick('{QUEUE}')",
                f"select pgq.ticker('{QUEUE}')")

    def prepare(self, rows):
        run_sql(self.source, "shop", "create extension pgq", TABLE, FILL % {"rows": rows}, WORKLOAD,
                f"select setval('next_item', {rows})", "select setseed(0.20260311)")
        dump = os.path.join(self.source.directory, "item.copy")
        run_sql(self.source, "shop", f"copy item to '{dump}'")
        os.chmod(dump, 0o644)
        for name in TARGETS:
            run_sql(self.target, name, TABLE, f"copy item from '{dump}'", "vacuum analyze item")
        os.unlink(dump)
        run_sql(self.source, "shop", "vacuum analyze item")
        self.prepare_londiste()
        run_sql(self.source, "shop", *(f"select pgq.register_consumer('{QUEUE}', '{name}')"
                                       for name in ("dw", "daily", "statements", "sqlonly")))
        self.tick()
        for server, name in ((self.source, "shop"), (self.target, "dw")):
            run_sql(server, name, "checkpoint")

    def prepare_londiste(self):
        root = self.source.conninfo("shop")
        self.londiste_ini("root", root, 0)
        self.londiste("root", "create-root", "root", root)
        run_sql(self.source, "shop",
                f"select pgq.set_queue_config('{QUEUE}', 'ticker_max_lag', '0')",
                f"select pgq.set_queue_config('{QUEUE}', 'ticker_max_count', '1')")
        self.tick()
        self.londiste("root", "add-table", "public.item")
        for name, handler in (("plain", []), ("bulk", ["--handler=bulk"])):
            self.londiste_ini(name, self.target.conninfo(name), 0)
            self.londiste(name, "create-leaf", name, self.target.conninfo(name),
                          f"--provider={root}")
            self.tick()
            # a loop_delay of 0 ends it when there is nothing more: the leaf has learnt of the table
            self.londiste(name, "worker")
            self.londiste(name, "add-table", "public.item", "--expect-sync", *handler)
            self.tick()
            self.londiste(name, "worker")
            self.londiste_ini(name, self.target.conninfo(name), 0.1)

    def make_changes(self, changes, batch):
        start = time.monotonic()
        connection = self.source.connect("shop")
        cursor = connection.cursor()
        for _ in range(changes // batch):
            cursor.execute("select workload(%s)", (batch,))
            cursor.execute("select pgq.ticker(%s)", (QUEUE,))
        connection.close()
        return time.monotonic() - start

    def ticks(self, consumer):
        """(where the consumer is, the newest tick)"""
        (found,) = run_sql(
            self.source, "shop",
            "select s.sub_last_tick, (select max(tick_id) from pgq.tick where tick_queue = sub_queue)"
            " from pgq.subscription as s join pgq.consumer on co_id = sub_consumer"
            f" join pgq.queue on queue_id = sub_queue where co_name = '{consumer}'"
            f" and queue_name = '{QUEUE}'")
        return found

    # ---- contestants: seconds each

    def dray(self, name, rule):
        # other events in the queue are londiste's own
        config = self.write(
            f"{name}.yaml",
            f"service: {name}\n"
            f"source: {{type: pgq, connection: '{self.source.conninfo('shop')}', queue: {QUEUE},\n"
            f"         unknown_events: skip}}\n"
            f"block: {{directory: {self.path(name)}-blocks}}\n"
            f"target: {{type: postgres, connection: '{self.target.conninfo(name)}',\n"
            "         merge_script: keep_latest.sql}\n"
            f"tables:\n  - {{match: public.item, {rule}}}\n")
        start = time.monotonic()
        done = Watched([self.program, "run", config, "--until-end"])
        elapsed = time.monotonic() - start
        if done.returncode != 0:
            sys.exit(f"dray failed:\n{done.stderr}")
        totals = {key: int(value) for key, value in
                  re.findall(r"(\w+)=(\d+)", done.stderr.strip().split("\n")[-1])}
        print(f"    {name}: " + ", ".join(
            f"{part} {totals[part + '_ms'] / 1000:.2f}"
            for part in ("read", "write", "load", "merge", "commit") if part + "_ms" in totals)
            + f" s; {done.usage.ru_utime + done.usage.ru_stime:.2f} s of processor time, "
            f"peak {done.peak_kib / 1024:.1f} MiB")
        return elapsed

    def batches(self, cursor, consumer):
        while True:
            cursor.execute("select pgq.next_batch(%s, %s)", (QUEUE, consumer))
            ((batch,),) = cursor.fetchall()
            if batch is None:
                return
            cursor.execute("select tick_id from pgq.get_batch_info(%s)", (batch,))
            ((tick,),) = cursor.fetchall()
            cursor.execute("select * from pgq.get_batch_events(%s) where ev_extra1 = 'public.item'"
                           " and ev_type ~ '^[IUD]:'", (batch,))
            yield tick, cursor.fetchall()
            cursor.execute("select pgq.finish_batch(%s)", (batch,))

    def statements(self):
        source = self.source.connect("shop")
        target = self.target.connect("statements")
        target.autocommit = False
        run_sql(self.target, "statements", "create table tick (id bigint)",
                "insert into tick values (0)")
        cursor = target.cursor()
        start = time.monotonic()
        for tick, events in self.batches(source.cursor(), "statements"):
            texts = [statements_of(event) for event in events]
            for at in range(0, len(texts), STATEMENTS_A_ROUND_TRIP):
                cursor.execute("\n".join(texts[at:at + STATEMENTS_A_ROUND_TRIP]))
            cursor.execute("update tick set id = %s", (tick,))
            target.commit()
        elapsed = time.monotonic() - start
        source.close()
        target.close()
        return elapsed

    def sql_only(self):
        source = self.source.connect("shop")
        target = self.target.connect("sqlonly")
        target.autocommit = False
        cursor = target.cursor()
        elapsed = 0
        for _, events in self.batches(source.cursor(), "sqlonly"):
            texts = [statements_of(event) for event in events]
            blocks = ["\n".join(texts[at:at + STATEMENTS_A_ROUND_TRIP])
                      for at in range(0, len(texts), STATEMENTS_A_ROUND_TRIP)]
            start = time.monotonic()
            for block in blocks:
                cursor.execute(block)
            target.commit()
            elapsed += time.monotonic() - start
        source.close()
        target.close()
        return elapsed

    def run_londiste(self, name):
        start = time.monotonic()
        with open(self.path(f"{name}.out"), "wb") as output:
            worker = subprocess.Popen(["londiste", self.path(f"{name}.ini"), "worker"],
                                      stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        while True:
            done, newest = self.ticks(name)
            if done == newest:
                break
            if worker.poll() is not None:
                sys.exit(f"londiste ended: {self.path(name)}.out")
            time.sleep(0.05)
        elapsed = time.monotonic() - start
        worker.send_signal(signal.SIGINT)
        worker.wait()
        return elapsed

    def differences(self, databases):
        content = "select md5(string_agg(md5(item::text), '' order by id)) from item"
        ((source,),) = run_sql(self.source, "shop", content)
        for name in databases:
            if name != "daily":
                ((found,),) = run_sql(self.target, name, content)
                print(f"  {name}: {'equal to the source' if found == source else 'DIFFERENT'}")
        if "daily" not in databases:
            return
        ((tables, rows),) = run_sql(
            self.target, "daily", "select count(*), sum((xpath('/row/c/text()', query_to_xml(format("
            "'select count(*) as c from %I', relname), true, true, '')))[1]::text::bigint)"
            " from pg_class where relkind = 'r' and relname like 'item\\_2%'")
        print(f"  daily: {tables} partition, {rows:,} rows")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--events", type=int, default=1000000)
    parser.add_argument("--batch", type=int, default=10000)
    parser.add_argument("--only", help="databases of the contestants, with commas between")
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="dray-bench-", dir=os.environ.get("TMPDIR", "/tmp"))
    print(f"{machine()}\nPgQ: table of {arguments.rows:,} rows, {arguments.events:,} events in "
          f"batches of {arguments.batch:,}")
    bench = Bench(arguments.program, directory)
    contestants = {
        "dw": ("dray, keep_latest", lambda: bench.dray("dw", 'partition: {by: ""}')),
        "daily": ("dray, keep_latest by day", lambda: bench.dray("daily", "partition: {by: day}")),
        "statements": ("statements", bench.statements),
        "sqlonly": ("statements, SQL only", bench.sql_only),
        "plain": ("londiste, default", lambda: bench.run_londiste("plain")),
        "bulk": ("londiste, bulk", lambda: bench.run_londiste("bulk")),
    }
    wanted = arguments.only.split(",") if arguments.only else list(contestants)
    try:
        bench.prepare(arguments.rows)
        made = bench.make_changes(arguments.events, arguments.batch)
        run_sql(bench.source, "shop", "checkpoint", "vacuum analyze item")
        found = {}
        for database in wanted:
            name, run = contestants[database]
            run_sql(bench.target, "dw", "checkpoint")
            found[name] = run()
        print(f"  {'':28} {'seconds':>8} {'events/s':>10} {'dray is':>8}  aim")
        print(f"  {'made at the source':28} {made:8.2f} {arguments.events / made:10,.0f}")
        aims = {"statements": 4, "londiste, default": 4, "londiste, bulk": 2.5}
        for name, seconds in found.items():
            ours = found.get("dray, keep_latest")
            ratio = f"{seconds / ours:7.2f}x" if ours else ""
            print(f"  {name:28} {seconds:8.2f} {arguments.events / seconds:10,.0f} {ratio:>8}  "
                  f"{aims.get(name, '')}")
        bench.differences(wanted)
    finally:
        bench.remove()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
