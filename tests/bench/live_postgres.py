#!/usr/bin/python3
"""A live PostgreSQL source, beside PostgreSQL's own logical replication, in one run.

Two servers with full durability. A workload of mixed changes (50 % update, 30 % insert, 20 %
delete, keys at random, transactions of 50) is committed at the source, where two slots wait for it.
Then dray run carries it from its slot into a database of the second server; after that CREATE
SUBSCRIPTION carries the same changes from the other slot into another database there. Prints both
rates and their ratio, and whether the tables are equal.

Then the cost of a quiet service (processor time, resident memory), and how long after its COMMIT a
small transaction is visible in the target, again beside a subscription. Nothing here passes or
fails.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

# on a disk, as in main_job
os.environ.setdefault("DRAY_TEST_DIRECTORY", tempfile.gettempdir())
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import servers  # noqa: E402
from live import quiet  # noqa: E402
from main_job import machine  # noqa: E402
from service import Watched  # noqa: E402

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
           "shared_buffers": "1GB", "max_wal_size": "8GB", "work_mem": "64MB",
           "maintenance_work_mem": "256MB", "autovacuum": "on"}

TABLE = """
create table item (id bigint primary key, customer integer, status text, amount numeric(12,2),
                   quantity integer, created timestamp, note text, rate numeric(8,4))"""

FILL = """
insert into item
select n, (random() * 200000)::integer, 'new', (random() * 10000)::numeric(12,2),
       (random() * 20)::integer, timestamp '2026-03-11 20:51:10' + n * interval '1 second',
       'lorem ipsum dolor sit amet ' || n, (random() * 10)::numeric(8,4)
from generate_series(1, %(rows)s) as n"""

# one statement a change, as an application does
WORKLOAD = """
create procedure workload(changes integer, base integer) language plpgsql as $$
declare
    next_id bigint := base + 1;
    kind double precision;
    key bigint;
    done integer := 0;
begin
    perform setseed(0.20260311);
    while done < changes loop
        kind := random();
        key := 1 + (random() * (next_id - 2))::bigint;
        if kind < 0.5 then
            update item set status = 'paid', amount = (random() * 10000)::numeric(12,2),
                quantity = done % 20, note = 'consectetur adipiscing elit ' || done
            where id = key;
        elsif kind < 0.8 then
            insert into item values (next_id, done % 200000, 'new',
                (random() * 10000)::numeric(12,2), done % 20, timestamp '2026-03-12',
                'sed do eiusmod tempor ' || done, (random() * 10)::numeric(8,4));
            next_id := next_id + 1;
        else
            delete from item where id = key;
        end if;
        -- a key that is gone already is no change
        if found then
            done := done + 1;
            if done % 50 = 0 then
                commit;
            end if;
        end if;
    end loop;
end $$"""


def run_sql(server, database, *statements):
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


class Bench:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.source = servers.Postgres(**DURABLE)
        self.target = servers.Postgres(**DURABLE)
        run_sql(self.source, "postgres", "create database shop")
        for name in ("dw", "subscriber"):
            run_sql(self.target, "postgres", f"create database {name}")

    def remove(self):
        self.source.remove()
        self.target.remove()

    def config(self, name, interval):
        path = os.path.join(self.directory, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"service: {name}\n"
                f"source: {{type: postgres, connection: '{self.source.conninfo('shop')}',\n"
                f"         slot: {name}, publication: {name}}}\n"
                f"block: {{directory: {self.directory}/{name}-blocks, max_interval: {interval}}}\n"
                f"target: {{type: postgres, connection: '{self.target.conninfo('dw')}'}}\n")
        return path

    def dray(self, *arguments):
        done = subprocess.run([self.program, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"dray {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stderr

    def prepare(self, rows):
        run_sql(self.source, "shop", TABLE, FILL % {"rows": rows}, WORKLOAD)
        dump = os.path.join(self.source.directory, "item.copy")
        run_sql(self.source, "shop", f"copy item to '{dump}'")
        os.chmod(dump, 0o644)
        for name in ("dw", "subscriber"):
            run_sql(self.target, name, TABLE, f"copy item from '{dump}'", "vacuum analyze item")
        os.unlink(dump)
        run_sql(self.source, "shop", "vacuum analyze item", "checkpoint")
        run_sql(self.target, "dw", "checkpoint")

    def make_changes(self, changes, rows):
        start = time.monotonic()
        run_sql(self.source, "shop", f"call workload({changes}, {rows})")
        return time.monotonic() - start

    def run_dray(self, config):
        start = time.monotonic()
        done = Watched([self.program, "run", config, "--until-end"])
        elapsed = time.monotonic() - start
        if done.returncode != 0:
            sys.exit(f"dray failed:\n{done.stderr}")
        totals = {name: int(value) for name, value in
                  re.findall(r"(\w+)=(\d+)", done.stderr.strip().split("\n")[-1])}
        return elapsed, totals, done

    def subscribe(self, slot):
        """Seconds until the subscription has applied everything that is committed now."""
        ((end,),) = run_sql(self.source, "shop", "select pg_current_wal_insert_lsn()")
        connection = self.source.connect("shop")
        cursor = connection.cursor()
        start = time.monotonic()
        run_sql(self.target, "subscriber",
                f"create subscription peer connection '{self.source.conninfo('shop')}' "
                f"publication bench with (create_slot = false, slot_name = '{slot}', "
                "copy_data = false)")
        while True:
            cursor.execute("select confirmed_flush_lsn >= %s from pg_replication_slots "
                           "where slot_name = %s", (end, slot))
            if cursor.fetchone()[0]:
                break
            time.sleep(0.02)
        elapsed = time.monotonic() - start
        connection.close()
        return elapsed

    def differences(self):
        self.target_rows = {}
        for name in ("dw", "subscriber"):
            ((self.target_rows[name],),) = run_sql(
                self.target, name, "select md5(string_agg(md5(item::text), '' order by id)) "
                "from item")
        ((source,),) = run_sql(self.source, "shop",
                               "select md5(string_agg(md5(item::text), '' order by id)) from item")
        return {name: "equal to the source" if value == source else "DIFFERENT"
                for name, value in self.target_rows.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--changes", type=int, default=1000000)
    parser.add_argument("--interval", default="1s", help="block.max_interval of the long run")
    parser.add_argument("--latencies", type=int, default=200)
    parser.add_argument("--quiet-seconds", type=int, default=20)
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="dray-bench-", dir=os.environ.get("TMPDIR", "/tmp"))
    print(f"{machine()}\nlive PostgreSQL: table of {arguments.rows:,} rows, "
          f"{arguments.changes:,} changes in transactions of 50")
    bench = Bench(arguments.program, directory)
    try:
        bench.prepare(arguments.rows)
        config = bench.config("bench", arguments.interval)
        bench.dray("install", config)
        run_sql(bench.source, "shop",
                "select pg_create_logical_replication_slot('peer', 'pgoutput')")
        made = bench.make_changes(arguments.changes, arguments.rows)
        run_sql(bench.source, "shop", "checkpoint")
        elapsed, totals, done = bench.run_dray(config)
        run_sql(bench.target, "dw", "checkpoint")
        peer = bench.subscribe("peer")
        print(f"  {'':34} {'seconds':>8} {'changes/s':>11}")
        for name, seconds in (("made at the source", made), ("dray, slot to committed", elapsed),
                              ("subscription, slot to applied", peer)):
            print(f"  {name:34} {seconds:8.2f} {arguments.changes / seconds:11,.0f}")
        print("  of dray's: " + ", ".join(
            f"{name} {totals[name + '_ms'] / 1000:.2f}"
            for name in ("read", "write", "load", "merge", "commit") if name + "_ms" in totals)
            + f" s; {done.usage.ru_utime + done.usage.ru_stime:.2f} s of processor time, "
            f"peak {done.peak_kib / 1024:.1f} MiB")
        print(f"  rate, dray / subscription   {peer / elapsed:6.2f}   (aim: at least 1.50)")
        for name, text in bench.differences().items():
            print(f"  {name}: {text}")
        quiet(bench, bench.config("bench", "0"), ("subscription", "subscriber"),
              arguments.quiet_seconds, arguments.latencies)
    finally:
        bench.remove()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
