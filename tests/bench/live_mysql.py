#!/usr/bin/python3
"""A live MariaDB source, beside MariaDB's own replica, in one run.

Two servers with full durability: a source that writes a row log, and one for what is compared. A
workload of mixed changes (50 % update, 30 % insert, 20 % delete, keys at random, transactions of 50)
is committed at the source. Then, one after the other, each from the same place of the log to its
end: dray run carries it into a database of the second server; the second server, as a replica,
applies the same log serially, and again with parallel threads. Prints the rates, their ratios, and
whether the tables are equal.

Then the cost of a quiet service (processor time, resident memory), and how long after its COMMIT a
small transaction is visible in the target, beside the replica. Nothing here passes or fails.
"""
import argparse
import os
import re
import shutil
import socket
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

DURABLE = {"innodb-flush-log-at-trx-commit": "1", "innodb-doublewrite": "1",
           "innodb-buffer-pool-size": "1G", "innodb-log-file-size": "2G",
           "secure-file-priv": "", "skip-networking": "0", "bind-address": "127.0.0.1"}

TABLE = """
create table item (id bigint primary key, customer integer, status varchar(20),
                   amount decimal(12,2), quantity integer, created datetime, note varchar(120),
                   rate decimal(8,4)) character set utf8mb4 collate utf8mb4_bin"""

FILL = """
insert into item
select seq, floor(rand(1) * 200000), 'new', rand(2) * 10000, floor(rand(3) * 20),
       timestamp('2026-03-11 20:51:10') + interval seq second,
       concat('lorem ipsum dolor sit amet ', seq), rand(4) * 10
from seq_1_to_{rows}"""

# one statement a change, as an application does
WORKLOAD = """
create procedure workload(changes integer, base integer)
begin
    declare next_id bigint default base + 1;
    declare done integer default 0;
    declare kind, item_id bigint;
    start transaction;
    while done < changes do
        set kind = floor(rand() * 10), item_id = 1 + floor(rand() * (next_id - 2));
        if kind < 5 then
            update item set status = 'paid', amount = rand() * 10000, quantity = done % 20,
                note = concat('consectetur adipiscing elit ', done) where id = item_id;
        elseif kind < 8 then
            insert into item values (next_id, done % 200000, 'new', rand() * 10000, done % 20,
                '2026-03-12', concat('sed do eiusmod tempor ', done), rand() * 10);
            set next_id = next_id + 1;
        else
            delete from item where id = item_id;
        end if;
        -- a key that is gone already is no change
        if row_count() > 0 then
            set done = done + 1;
            if done % 50 = 0 then
                commit;
                start transaction;
            end if;
        end if;
    end while;
    commit;
end"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_sql(server, database, *statements):
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


class Bench:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.port = free_port()
        self.source = servers.MariaDB(**DURABLE, **{
            "port": str(self.port), "log-bin": "bin", "server-id": "1", "sync-binlog": "1",
            "binlog-format": "ROW", "binlog-row-metadata": "FULL"})
        self.target = servers.MariaDB(**DURABLE, **{
            "port": str(free_port()), "server-id": "2", "slave-parallel-mode": "optimistic",
            "relay-log": "relay"})
        run_sql(self.source, None, "create user replica@'127.0.0.1' identified by 'replica'",
                "grant replication slave on *.* to replica@'127.0.0.1'", "create database shop")
        run_sql(self.target, None, "create database dw", "create database shop")

    def remove(self):
        self.source.remove()
        self.target.remove()

    def config(self, name, interval):
        path = os.path.join(self.directory, f"{name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                f"service: bench\n"
                f"source: {{type: mysql, socket: {self.source.socket}, user: root,\n"
                f"         tables: [shop.*]}}\n"
                f"block: {{directory: {self.directory}/{name}-blocks, max_interval: {interval}}}\n"
                f"target: {{type: mysql, socket: {self.target.socket}, user: root, database: dw}}\n"
                f"tables: [{{match: '*', target: 'dw.%%TABLE%%'}}]\n")
        return path

    def dray(self, *arguments):
        done = Watched([self.program, *arguments])
        if done.returncode != 0:
            sys.exit(f"dray {' '.join(arguments)} failed:\n{done.stderr}")
        return done

    def prepare(self, rows, config):
        run_sql(self.source, "shop", TABLE, FILL.format(rows=rows), WORKLOAD)
        self.start = run_sql(self.source, None, "select @@gtid_binlog_pos")[0][0]
        self.fill_targets()
        # the service has a position from here on
        self.dray("run", config, "--until-end")

    def fill_targets(self):
        dump = os.path.join(self.source.directory, "item.txt")
        run_sql(self.source, "shop", f"select * from item into outfile '{dump}'")
        for database in ("dw", "shop"):
            run_sql(self.target, database, "drop table if exists item", TABLE,
                    f"load data infile '{dump}' into table item")
        os.unlink(dump)
        run_sql(self.target, "shop", "create table item_start like item",
                "insert into item_start select * from item")

    def make_changes(self, changes, rows):
        start = time.monotonic()
        run_sql(self.source, "shop", f"call workload({changes}, {rows})")
        return time.monotonic() - start

    def run_dray(self, config):
        start = time.monotonic()
        done = self.dray("run", config, "--until-end")
        elapsed = time.monotonic() - start
        totals = {name: int(value) for name, value in
                  re.findall(r"(\w+)=(\d+)", done.stderr.strip().split("\n")[-1])}
        return elapsed, totals, done

    def replicate(self, threads):
        """Seconds until the replica has fetched and applied all that is committed now. It begins
        again from the place where the workload began, with the table as it was there."""
        end = run_sql(self.source, None, "select @@gtid_binlog_pos")[0][0]
        run_sql(self.target, "shop", "truncate table item",
                "insert into item select * from item_start")
        run_sql(self.target, None, f"set global slave_parallel_threads = {threads}",
                f"set global gtid_slave_pos = '{self.start}'",
                f"change master to master_host = '127.0.0.1', master_port = {self.port}, "
                "master_user = 'replica', master_password = 'replica', "
                "master_use_gtid = slave_pos")
        start = time.monotonic()
        ((failed,),) = run_sql(self.target, None, "start slave",
                               f"select master_gtid_wait('{end}', 3600)")
        elapsed = time.monotonic() - start
        if failed:
            sys.exit("the replica did not get there")
        return elapsed

    def stop_replica(self):
        run_sql(self.target, None, "stop slave", "reset slave all")

    def checksum(self, server, database):
        return run_sql(server, database, "checksum table item")[0][1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--changes", type=int, default=1000000)
    parser.add_argument("--threads", type=int, default=4, help="of the parallel replica")
    parser.add_argument("--interval", default="1s", help="block.max_interval of the long run")
    parser.add_argument("--latencies", type=int, default=200)
    parser.add_argument("--quiet-seconds", type=int, default=20)
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="dray-bench-", dir=os.environ.get("TMPDIR", "/tmp"))
    print(f"{machine()}\nlive MariaDB: table of {arguments.rows:,} rows, "
          f"{arguments.changes:,} changes in transactions of 50")
    bench = Bench(arguments.program, directory)
    try:
        config = bench.config("bench", arguments.interval)
        bench.prepare(arguments.rows, config)
        made = bench.make_changes(arguments.changes, arguments.rows)
        elapsed, totals, done = bench.run_dray(config)
        times = [("made at the source", made), ("dray, log to committed", elapsed)]
        source = bench.checksum(bench.source, "shop")
        equal = {"dray": bench.checksum(bench.target, "dw") == source}
        ratios = []
        for name, threads in (("serial replica", 0), (f"replica, {arguments.threads} threads",
                                                      arguments.threads)):
            seconds = bench.replicate(threads)
            equal[name] = bench.checksum(bench.target, "shop") == source
            if threads == 0:
                bench.stop_replica()
            times.append((f"{name}, log to applied", seconds))
            ratios.append((name, seconds / elapsed))
        print(f"  {'':34} {'seconds':>8} {'changes/s':>11}")
        for name, seconds in times:
            print(f"  {name:34} {seconds:8.2f} {arguments.changes / seconds:11,.0f}")
        print("  of dray's: " + ", ".join(
            f"{name} {totals[name + '_ms'] / 1000:.2f}"
            for name in ("read", "write", "load", "merge", "commit") if name + "_ms" in totals)
            + f" s; {done.usage.ru_utime + done.usage.ru_stime:.2f} s of processor time, "
            f"peak {done.peak_kib / 1024:.1f} MiB")
        for name, ratio in ratios:
            print(f"  rate, dray / {name:22} {ratio:6.2f}"
                  + ("   (aim: at least 1.50)" if name.startswith("serial") else ""))
        for name, is_equal in equal.items():
            print(f"  {name}: {'equal to the source' if is_equal else 'DIFFERENT'}")
        quiet(bench, bench.config("quiet", "0"), ("replica", "shop"),
              arguments.quiet_seconds, arguments.latencies)
    finally:
        bench.remove()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
