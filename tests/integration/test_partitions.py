"""Partitions in the target: made when they are first needed, once, by whoever is first; let go when
they are old. The source is a change log, whose lines tell the commit times."""
import datetime
import os
import re
import signal
import subprocess
import threading
import time

import pytest

import targets
from model import Log, Table, sort_key
from service import Service, dray, environment, program

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ORDERS = Table("orders", [("id", "integer"), ("item", "text"), ("n", "integer")])
LINES = Table("lines", [("order_id", "integer"), ("line", "integer"), ("v", "text")],
              key=("order_id", "line"))


def at(text):
    """Microseconds since 1970 of a time in UTC."""
    moment = datetime.datetime.fromisoformat(text)
    return round((moment - datetime.datetime(1970, 1, 1)).total_seconds() * 1_000_000)


class Days:
    """What keep_latest and keep_all make of a log: rows by partition."""

    def __init__(self, log):
        self.log = log
        self.latest = {}
        self.all = {}

    def write(self, time, suffix, *changes, table=ORDERS):
        """One transaction of ("I", row), ("U", row) and ("D", key)."""
        # the log's clock goes on a little with each transaction
        self.log.time_us = at(time) - 1500
        latest = self.latest.setdefault((table.name, suffix), {})
        every = self.all.setdefault((table.name, suffix), [])
        with self.log.transaction() as change:
            for kind, row in changes:
                if kind == "I":
                    change.insert(table, *row)
                elif kind == "U":
                    change.update_rows(table, (table.key_of(row), row))
                else:
                    change.delete(table, row)
                if kind == "D":
                    latest.pop(row if isinstance(row, tuple) else (row,), None)
                else:
                    latest[table.key_of(row)] = row
                    every.append(row)

    def check_latest(self, target):
        for (name, suffix), rows in self.latest.items():
            table = {"orders": ORDERS, "lines": LINES}[name]
            assert target.rows(table, name=f"{name}_{suffix}") == sorted(rows.values(), key=sort_key)

    def check_all(self, target):
        for (name, suffix), rows in self.all.items():
            assert target.rows(ORDERS, name=f"{name}_{suffix}") == sorted(rows, key=sort_key)


@pytest.fixture
def days(log):
    return Days(log)


def tables_of(target):
    sql = {"sqlite": "select name from sqlite_master where type = 'table'",
           "postgres": "select relname from pg_class c join pg_namespace n on n.oid = relnamespace"
                       " where relkind in ('r', 'p') and nspname not like 'pg_%'"
                       " and nspname <> 'information_schema'",
           "mysql": "select table_name from information_schema.tables"
                    " where table_schema = database()"}[target.kind]
    return {name for (name,) in target.query(sql)}


def partitions_of(target, table="orders"):
    return sorted(name for name in tables_of(target) if name.startswith(table + "_"))


def known(target):
    """What dray_partition says."""
    name = '`partition`' if target.kind == "mysql" else "partition"
    return sorted(target.query(f"select {name}, state from dray_partition"))


def rule_for(service, table="orders", **partition):
    rule = {"match": f"public.{table}", "target": table, "merge_script": "keep_latest.sql",
            "partition": {"by": "day", **partition}}
    service.rules.append(rule)
    return rule


def follow(service):
    service.options["source"]["follow"] = True
    service.options["block"]["max_interval"] = "10ms"


def write_template(service, text, name="own.sql"):
    path = os.path.join(service.directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def run_killed(service, fault):
    done = subprocess.run([program(), "run", service.write(), "--until-end"],
                          env=environment({"DRAY_FAULT": fault}), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def needs_faults():
    text = subprocess.run([program(), "help"], env=environment({"DRAY_FAULT": "nonsense"}),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if text.returncode >= 0 and b"DRAY_FAULT" not in text.stdout:
        pytest.skip("this build has no fault points (-Dfaults=true)")


# ---- by time ------------------------------------------------------------------------------------

def test_rows_go_to_the_partition_of_their_day_over_midnight_and_a_replay_changes_nothing(
        target, service, days):
    target.create(ORDERS)
    target.create(LINES)
    rule_for(service)
    rule_for(service, "lines", by="month")
    days.write("2024-02-28 23:59:59", "2024_02_28", ("I", (1, "a", 1)), ("I", (2, "b", 1)))
    days.write("2024-02-28 23:59:59.900", "2024_02", ("I", (1, 1, "x")), ("I", (1, 2, "y")),
               table=LINES)
    days.write("2024-02-29 00:00:00.000", "2024_02_29", ("U", (1, "a2", 2)), ("D", 2))
    days.write("2024-02-29 12:00:00", "2024_02", ("U", (1, 2, "y2")), table=LINES)
    days.write("2024-03-01 00:00:00", "2024_03_01", ("U", (1, "a3", 3)))
    days.write("2024-03-01 00:00:01", "2024_03", ("D", (1, 1)), table=LINES)
    service.run()
    days.check_latest(target)
    assert partitions_of(target) == ["orders_2024_02_28", "orders_2024_02_29", "orders_2024_03_01"]
    assert partitions_of(target, "lines") == ["lines_2024_02", "lines_2024_03"]
    # a row is as it was at the end of each day; the parents stay empty
    assert target.rows(ORDERS, name="orders_2024_02_28") == [(1, "a", 1), (2, "b", 1)]
    assert target.rows(ORDERS) == [] and target.rows(LINES) == []
    assert {name for name, _ in known(target)} == {
        *partitions_of(target), *partitions_of(target, "lines")}

    service.replay("--again", service.blocks_directory)
    days.check_latest(target)
    # all of it anew from the blocks, and then the stream goes on
    for name in [*partitions_of(target), *partitions_of(target, "lines")]:
        target.execute(f"drop table {name}")
    target.execute("delete from dray_position")
    service.replay(service.blocks_directory)
    days.check_latest(target)
    days.write("2024-03-01 00:00:02", "2024_03_01", ("I", (9, "i", 9)))
    service.run()
    days.check_latest(target)


@pytest.mark.parametrize("by, zone, expected", [
    ("hour", "UTC", ["2024_03_31_00", "2024_03_31_01", "2024_03_31_22"]),
    ('"d"IYYY"w"IW', "UTC", ["d2024w13"]),
    ("day", "Asia/Kolkata", ["2024_03_31", "2024_04_01"]),
    ("FMMonth", "UTC", ["March"]),
])
def test_formats_and_zones_name_the_partitions(target, service, days, by, zone, expected):
    if target.kind != "sqlite" and zone == "UTC" and by != "hour":
        pytest.skip("SQLite shows it for all")
    target.create(ORDERS)
    rule_for(service, by=by, time_zone=zone)
    for number, hour in enumerate(("00", "01", "22")):
        days.write(f"2024-03-31 {hour}:30:00", "any", ("I", (number, "x", 0)))
    service.run()
    assert partitions_of(target) == [f"orders_{suffix}" for suffix in expected]
    rows = [row for suffix in expected for row in target.rows(ORDERS, name=f"orders_{suffix}")]
    assert rows == [(0, "x", 0), (1, "x", 0), (2, "x", 0)]


def test_an_empty_format_is_no_partition(target, service, days):
    target.create(ORDERS)
    rule_for(service, by="")
    days.write("2024-02-28 23:59:59", "any", ("I", (1, "a", 1)))
    service.run()
    assert target.rows(ORDERS) == [(1, "a", 1)]
    assert partitions_of(target) == []
    assert "dray_partition" not in tables_of(target)


def test_keep_all_keeps_every_image_whether_or_not_the_parent_has_a_primary_key(
        target, service, days):
    target.create(ORDERS)
    rule_for(service)["merge_script"] = "keep_all.sql"
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)), ("U", (1, "b", 2)),
               ("U", (1, "c", 3)))
    days.write("2024-02-29 12:00:00", "2024_02_29", ("U", (1, "d", 4)), ("U", (1, "e", 5)))
    service.run()
    days.check_all(target)


def test_keep_latest_gets_a_primary_key_where_the_parent_has_none(target, service, days):
    target.create(Table("orders", [("id", "integer"), ("item", "text"), ("n", "integer")], key=()))
    rule_for(service)
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    service.run()
    with pytest.raises(Exception, match="(?i)unique|duplicate"):
        target.execute("insert into orders_2024_02_28 values (1, 'b', 2)")


def test_a_block_with_transactions_of_two_partitions_is_refused_by_name(target, service, days):
    target.create(ORDERS)
    service.rules.append({"match": "public.orders", "target": "orders"})
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    days.write("2024-02-29 12:00:00", "2024_02_29", ("U", (1, "b", 2)))
    service.run()
    target.execute("delete from dray_position")
    service.rules.clear()
    rule_for(service)
    failed = service.replay(service.blocks_directory, expect=1)
    assert ("table public.orders: the block has transactions of two partitions, orders_2024_02_28 "
            "and orders_2024_02_29: it was written under another rule") in failed.stderr


# ---- what is there already ----------------------------------------------------------------------

def test_a_table_of_the_name_is_taken_over_as_it_is(target, service, days):
    target.create(ORDERS)
    target.create(ORDERS, name="orders_2024_02_28",
                  more="note varchar(10) default 'kept'")
    target.execute("insert into orders_2024_02_28 values (7, 'old', 7, 'mine')")
    rule_for(service)
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    service.run()
    assert sorted(target.query("select id, note from orders_2024_02_28")) == [
        (1, "kept"), (7, "mine")]
    assert known(target) == [("orders_2024_02_28", "ready")]


def test_a_partition_that_is_dropped_by_hand_is_made_again_while_the_service_runs(
        target, service, days):
    target.create(ORDERS)
    rule_for(service)
    follow(service)
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    service.start()
    service.wait_for_seqno(1)
    days.write("2024-02-28 12:00:01", "2024_02_28", ("I", (2, "b", 2)))
    service.wait_for_seqno(2)
    target.execute("drop table orders_2024_02_28")
    days.write("2024-02-28 12:00:02", "2024_02_28", ("I", (3, "c", 3)))
    service.wait_for_seqno(3)
    service.stop()
    assert target.rows(ORDERS, name="orders_2024_02_28") == [(3, "c", 3)]
    assert service.output().count("partition orders_2024_02_28 of orders made from") == 2
    assert " error" not in service.output() and "WARN" not in service.output()


def test_columns_that_the_parent_has_got_are_added_or_asked_for(target, service, days):
    wide = Table("orders", [*ORDERS.columns, ("more", "integer"), ("word", "text")])
    target.create(ORDERS)
    rule = rule_for(service)
    follow(service)
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    service.start()
    service.wait_for_seqno(1)
    text = "varchar(20)" if target.kind == "mysql" else "text"
    target.execute("alter table orders add column more integer default 5")
    # an expression, as dray itself writes it
    value = "('it''s')" if target.kind == "mysql" else "'it''s'"
    target.execute(f"alter table orders add column word {text} default {value}")
    days.log.time_us = at("2024-02-28 12:00:01")
    with days.log.transaction() as change:
        change.insert(wide, 2, "b", 2, 7, "x")
    # it waits, and names what to do
    deadline = time.monotonic() + 30
    while "it lacks the column more" not in service.output():
        assert time.monotonic() < deadline, service.output()
        assert service.process.poll() is None, service.output()
        time.sleep(0.02)
    assert "ADD COLUMN" in service.output() and " DEFAULT " in service.output()
    service.stop(signal.SIGKILL, expect=None)
    rule["schema_changes"] = "add_columns"
    service.run()
    assert target.rows(wide, name="orders_2024_02_28") == [(1, "a", 1, 5, "it's"),
                                                           (2, "b", 2, 7, "x")]


# ---- mistakes -----------------------------------------------------------------------------------

def test_a_missing_parent_a_long_name_and_a_missing_key_are_told(target, service, days):
    rule_for(service)
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    failed = service.run(expect=3)
    assert ("table public.orders: partition orders_2024_02_28: the target has no table orders, of "
            "which it would be a partition: create that") in failed.stderr
    failed = service.command("check", expect=None)
    assert failed.returncode != 0 and "orders" in failed.stdout + failed.stderr

    target.create(ORDERS)
    found = service.command("check")
    today = f"{datetime.datetime.now(datetime.timezone.utc):%Y_%m}"
    assert f"partition orders_{today}" in found.stdout and "will be made, from" in found.stdout
    assert partitions_of(target) == []

    if target.kind == "sqlite":
        return  # names of any length
    long_name = "o" * 60
    target.create(ORDERS, name=long_name)
    service.rules[0]["target"] = long_name
    failed = service.run(expect=3)
    assert "its name has 71 " in failed.stderr and "takes 6" in failed.stderr
    assert service.command("check", expect=3).stdout.count("its name has 71 ") == 1


ERRORS = {
    "sqlite": ("create table _DEST_TABLE (id integer primary key, item text, n integer);\n"
               "-- @if key\n-- @end\n"
               "create index x on _DEST_TABLE\n  (nowhere);\n", "no such column: nowhere"),
    "postgres": ("create table _DEST_TABLE (like _PARENT);\n-- @if key\n-- @end\n"
                 "create index x on _DEST_TABLE\n  (nowhere);\n",
                 'column "nowhere" does not exist'),
    "mysql": ("create table _DEST_TABLE like _PARENT;\n-- @if key\n-- @end\n"
              "create index x on _DEST_TABLE\n  (nowhere);\n",
              "Key column 'nowhere' doesn't exist in table"),
}


def test_a_template_that_fails_names_itself_its_line_and_the_servers_text_and_leaves_nothing(
        target, service, days):
    target.create(ORDERS)
    text, reason = ERRORS[target.kind]
    path = write_template(service, text)
    rule_for(service, template="own.sql")
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    failed = service.run(expect=1)
    assert f"table public.orders: partition orders_2024_02_28: {path}:4: " in failed.stderr
    assert reason in failed.stderr
    assert partitions_of(target) == [] and known(target) == []
    # corrected, it works
    write_template(service, text.replace("nowhere", "item" if target.kind != "mysql"
                                         else "item(10)"))
    service.run()
    days.check_latest(target)

    write_template(service, "create table\n%%WRONG%%;\n")
    days.write("2024-02-29 12:00:00", "2024_02_29", ("I", (2, "a", 1)))
    failed = service.run(expect=1)
    assert f"{path}:2:1: unknown parameter %%WRONG%%" in failed.stderr
    write_template(service, "create table somewhere_else (id integer);\n")
    failed = service.run(expect=1)
    assert f"{path} has made no table orders_2024_02_29" in failed.stderr
    assert partitions_of(target) == ["orders_2024_02_28"]
    if target.kind != "mysql":
        assert "somewhere_else" not in tables_of(target)
        write_template(service, "create table y (id integer);\ncommit;\n")
        failed = service.run(expect=1)
        assert f"{path}:2: this statement cannot run inside a transaction" in failed.stderr


# ---- templates ----------------------------------------------------------------------------------

def test_a_template_of_cube_dispatcher_works_as_it_is(request, directory):
    target = targets.PostgresTarget(request.getfixturevalue("postgres_server"))
    log = Log(os.path.join(directory, "log.jsonl"))
    service = Service(directory, target, log.path)
    days = Days(log)
    target.create(ORDERS)
    write_template(service, "create table _DEST_TABLE (like _PARENT);\n"
                   "alter table only _DEST_TABLE add primary key (_PKEY);\n"
                   "create index _SCHEMA_TABLE_idx on _DEST_TABLE (item);\n"
                   "do $$ begin execute 'comment on table _DEST_TABLE is ''of _PARENT'''; end $$;\n")
    rule_for(service, template="own.sql", by="YYYY_MM_DD")["target"] = "public.orders"
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    days.write("2024-02-29 12:00:00", "2024_02_29", ("U", (1, "b", 1)))
    service.run()
    days.check_latest(target)
    assert target.query("select tablename, indexname from pg_indexes where tablename like 'orders_%'"
                        " order by 2") == [
        ("orders_2024_02_28", "orders_2024_02_28_pkey"),
        ("orders_2024_02_29", "orders_2024_02_29_pkey"),
        ("orders_2024_02_28", "public__orders_2024_02_28_idx"),
        ("orders_2024_02_29", "public__orders_2024_02_29_idx")]
    assert target.value("select obj_description('orders_2024_02_28'::regclass)") == \
        "of public.orders"
    log.close()
    target.drop()


def test_partitions_of_a_parent_by_range_as_the_template_says_in_its_comment(request, directory):
    target = targets.PostgresTarget(request.getfixturevalue("postgres_server"))
    log = Log(os.path.join(directory, "log.jsonl"))
    service = Service(directory, target, log.path)
    days = Days(log)
    target.execute("create table orders (id integer, item text, n integer, part timestamp not null,"
                   " primary key (id, part)) partition by range (part)")
    with open(os.path.join(ROOT, "templates", "postgres", "partition_declarative.sql"),
              encoding="utf-8") as file:
        text = file.read()
    # the two statements of the comment take the place of the two that they are for
    default, attach = re.findall(r"^--   \.\.\. (.*?;)$", text, flags=re.M | re.S)
    default, attach = (re.sub(r"\n-- +", " ", part) for part in (default, attach))
    text = re.sub(r"ALTER COLUMN part .*?;\n", lambda _: default + "\n", text.split("-- @if key", 1)[1],
                  count=1, flags=re.S)
    text = re.sub(r"ATTACH PARTITION (%%\w+%%) FOR.*?;\n",
                  lambda found: attach.replace("...", found.group(1)) + "\n", text, flags=re.S)
    write_template(service, "-- @if key" + text, "by_range.sql")
    rule_for(service, template="by_range.sql", time_zone="Europe/Berlin")
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    days.write("2024-02-29 12:00:00", "2024_02_29", ("U", (1, "b", 2)))
    service.run()
    days.check_latest(target)
    # the day begins at midnight of the rule's zone
    assert target.query("select part::text, id, item from orders order by 1") == [
        ("2024-02-27 23:00:00", 1, "a"), ("2024-02-28 23:00:00", 1, "b")]
    assert target.value("select count(*) from pg_inherits where inhparent = 'orders'::regclass") == 2
    log.close()
    target.drop()


@pytest.mark.parametrize("key", ["primary key (id, part)", "no key"])
def test_partitions_of_a_declarative_parent(request, directory, key):
    target = targets.PostgresTarget(request.getfixturevalue("postgres_server"))
    log = Log(os.path.join(directory, "log.jsonl"))
    service = Service(directory, target, log.path)
    days = Days(log)
    target.execute("create table orders (id integer, item text, n integer, part text not null"
                   f"{', ' + key if key != 'no key' else ''}) partition by list (part)")
    rule = rule_for(service, template="partition_declarative.sql", retain="1d", expire="detach")
    days.write("2024-02-27 12:00:00", "2024_02_27", ("I", (1, "a", 1)))
    days.write("2024-02-28 12:00:00", "2024_02_28", ("U", (1, "b", 2)))
    service.run()
    days.check_latest(target)
    assert target.query("select part, id, item from orders order by 1") == [
        ("2024_02_27", 1, "a"), ("2024_02_28", 1, "b")]
    # the one that is over is detached, and stays
    days.write("2024-02-29 12:00:00", "2024_02_29", ("U", (1, "c", 3)))
    service.run()
    assert target.query("select part from orders order by 1") == [("2024_02_28",), ("2024_02_29",)]
    assert "orders_2024_02_27" in tables_of(target)
    assert [name for name, _ in known(target)] == ["orders_2024_02_28", "orders_2024_02_29"]
    # a long reader of the parent keeps neither the new partition from being made …
    reader = target.server.connect(target.name)
    reader.autocommit = False
    reader.cursor().execute("select count(*) from orders")
    days.write("2024-03-01 12:00:00", "2024_03_01", ("U", (1, "d", 4)))
    done = service.run()
    days.check_latest(target)
    # … nor the service from going on: the old one is let go later
    assert "cannot detach it: table public.orders: partition orders_2024_02_28" in done.stderr
    assert "will try again" in done.stderr
    reader.close()
    rule["partition"]["expire"] = "drop"
    days.write("2024-03-01 12:00:01", "2024_03_01", ("U", (1, "e", 5)))
    service.run()
    assert target.query("select part from orders order by 1") == [("2024_02_29",), ("2024_03_01",)]
    assert "orders_2024_02_28" not in tables_of(target)
    log.close()
    target.drop()


def test_names_that_look_like_magic_words_or_need_quotes(target, service, log):
    odd = Table('x_PARENT "_PKEY" \'q\'', [('Code "x"', "text"), ("_DEST_TABLE", "integer")],
                key=('Code "x"',))
    target.create(odd)
    like = {"sqlite": "create table _DEST_TABLE (\n%%COLUMNS%%);\n",
            "mysql": "create table _DEST_TABLE like _PARENT;\n",
            "postgres": "create table _DEST_TABLE (like _PARENT);\n"}[target.kind]
    keyed = {"postgres": "alter table only _DEST_TABLE add primary key (_PKEY);\n"}
    write_template(service, like + keyed.get(target.kind, "") +
                   "create index _SCHEMA_TABLE_i on _DEST_TABLE (_PKEY);\n")
    service.rules.append({"match": "public.x*", "target": "%%TABLE%%",
                          "merge_script": "keep_latest.sql",
                          "partition": {"by": "YYYY", "template": "own.sql"}})
    with log.transaction() as change:
        change.insert(odd, "_PKEY", 1)
    service.run()
    assert target.rows(odd, name=odd.name + "_2023") == [("_PKEY", 1)]
    # and by the shipped template
    target.execute(f"drop table {target.quote(odd.name + '_2023')}")
    service.rules[0]["partition"].pop("template")
    with log.transaction() as change:
        change.insert(odd, "_PARENT", 2)
    service.run()
    assert target.rows(odd, name=odd.name + "_2023") == [("_PARENT", 2)]


# ---- several at once ----------------------------------------------------------------------------

def test_services_that_make_the_same_partitions_at_once_make_each_once(target, directory):
    # without a key: a template of two statements, between which the table could be seen half made
    target.create(Table("orders", ORDERS.columns, key=()))
    services = []
    logs = []
    for number in range(3):
        log = Log(os.path.join(directory, f"log{number}.jsonl"))
        made = Service(directory, target, log.path, name=f"s{number}")
        made.options["stage"] = {"table_prefix": f"stage{number}_"}
        made.rules.append({"match": "public.orders", "target": "orders", "shared": True,
                           "merge_script": "keep_latest.sql", "partition": {"by": "hour"}})
        days = Days(log)
        for hour in range(12):
            days.write(f"2024-02-28 {hour:02}:00:00", f"2024_02_28_{hour:02}",
                       ("I", (100 * number + hour, f"s{number}", hour)))
        services.append(made)
        logs.append(log)
    errors = []

    def run(made):
        try:
            errors.append(made.run().stderr)
        except Exception as problem:  # reported below, in the test's own thread
            errors.append(str(problem))
    threads = [threading.Thread(target=run, args=(made,)) for made in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = "".join(errors)
    assert " error" not in text and "exit code" not in text, text
    for hour in range(12):
        name = f"orders_2024_02_28_{hour:02}"
        assert text.count(f"partition {name} of orders made") == 1
        assert target.rows(ORDERS, name=name) == [(100 * number + hour, f"s{number}", hour)
                                                  for number in range(3)]
        with pytest.raises(Exception, match="(?i)unique|duplicate"):
            target.execute(f"insert into {name} select * from {name}")
    assert {state for _, state in known(target)} == {"ready"}
    for log in logs:
        log.close()


# ---- retention ----------------------------------------------------------------------------------

def test_old_partitions_are_dropped_by_the_blocks_time_and_no_table_that_dray_does_not_know(
        target, service, days):
    target.create(ORDERS)
    for name in ("orders_2020_01_01", "orders_2020_01_02"):
        target.create(ORDERS, name=name)
    rule_for(service, retain="2d")
    days.write("2024-02-26 12:00:00", "2024_02_26", ("I", (1, "a", 1)))
    days.write("2024-02-27 12:00:00", "2024_02_27", ("U", (1, "b", 2)))
    days.write("2024-02-28 12:00:00", "2024_02_28", ("U", (1, "c", 3)))
    days.write("2024-02-28 23:59:59", "2024_02_28", ("U", (1, "d", 4)))
    service.run()
    alien = ["orders_2020_01_01", "orders_2020_01_02"]
    assert partitions_of(target) == [*alien, "orders_2024_02_26", "orders_2024_02_27",
                                     "orders_2024_02_28"]
    # exactly two days after its end
    days.write("2024-02-29 00:00:00", "2024_02_29", ("U", (1, "e", 5)))
    done = service.run()
    assert partitions_of(target) == [*alien, "orders_2024_02_27", "orders_2024_02_28",
                                     "orders_2024_02_29"]
    assert "partition orders_2024_02_26 of orders dropped: its time is over" in done.stderr
    # one that was dropped by hand leaves only its row
    target.execute("drop table orders_2024_02_27")
    days.write("2024-03-03 00:00:00", "2024_03_03", ("U", (1, "f", 6)))
    service.run()
    assert partitions_of(target) == [*alien, "orders_2024_03_03"]
    assert [name for name, _ in known(target)] == ["orders_2024_03_03"]
    # an old block that is replayed makes its own partition again, and nothing younger goes
    service.replay("--again", service.block_directories()[0])
    assert "orders_2024_03_03" in partitions_of(target)
    assert "orders_2024_02_26" in partitions_of(target)


def test_detaching_where_the_target_knows_no_partitions_is_refused_unless_told_how(
        target, service, days):
    target.create(ORDERS)
    rule_for(service, retain="1d", expire="detach")
    days.write("2024-02-26 12:00:00", "2024_02_26", ("I", (1, "a", 1)))
    if target.kind == "postgres":
        # a table of its own is only forgotten
        service.run()
    else:
        failed = service.run(expect=3)
        assert "partition_detach.sql" in failed.stderr and f"target {target.kind}" in failed.stderr
        assert partitions_of(target) == []
        assert service.command("check", expect=3).stdout.count("partition_detach.sql") >= 1
        write_template(service, "alter table %%PARTITION_TABLE_FQN%% rename to kept_apart;\n",
                       "partition_detach.sql")
        service.run()
    days.write("2024-02-29 12:00:00", "2024_02_29", ("I", (2, "b", 2)))
    service.run()
    kept = "orders_2024_02_26" if target.kind == "postgres" else "kept_apart"
    assert target.rows(ORDERS, name=kept) == [(1, "a", 1)]
    assert [name for name, _ in known(target)] == ["orders_2024_02_29"]


# ---- kills --------------------------------------------------------------------------------------

POINTS = ["partition_state.create", "partition.making", "partition.statement", "partition.made", "partition.committed",
          "partition.retired", "partition.column_added", "partition_state.write"]


def test_killed_at_every_point_of_making_and_dropping_partitions(target, service, days, tell):
    needs_faults()
    target.create(Table("orders", ORDERS.columns, key=()))
    rule_for(service, retain="1d")["schema_changes"] = "add_columns"
    day = datetime.date(2024, 1, 1)
    killed = set()
    for point in POINTS:
        for _ in range(2):
            day += datetime.timedelta(days=1)
            if point == "partition.column_added" and point not in killed:
                # it is there, without a column of its parent
                target.execute("create table orders_" + day.strftime("%Y_%m_%d") +
                               " (id integer primary key, item varchar(10))")
            days.write(f"{day} 12:00:00", day.strftime("%Y_%m_%d"), ("I", (days.log.xid, "x", 1)))
            code, output = run_killed(service, f"kill:{point}:1")
            assert code in (0, -signal.SIGKILL), output[-3000:]
            if code != 0:
                killed.add(point)
            done = service.run()
            assert " error" not in done.stderr
            rows = list(days.latest.values())[-1].values()
            assert target.rows(ORDERS, name=f"orders_{day:%Y_%m_%d}") == sorted(rows)
            with pytest.raises(Exception, match="(?i)unique|duplicate"):
                target.execute("insert into orders_{0} select * from orders_{0}".format(
                    day.strftime("%Y_%m_%d")))
            assert {state for _, state in known(target)} == {"ready"}
            assert len(partitions_of(target)) <= 3
    expected = set(POINTS) - (set() if target.kind == "mysql"
                              else {"partition.making", "partition_state.write"})
    assert killed == expected
    tell(f"{target.kind}: killed at {', '.join(sorted(killed))}")


def test_a_half_made_partition_with_rows_is_not_dropped(request, directory):
    needs_faults()
    target = targets.MysqlTarget(request.getfixturevalue("mariadb_server"))
    log = Log(os.path.join(directory, "log.jsonl"))
    service = Service(directory, target, log.path)
    days = Days(log)
    target.create(ORDERS)
    rule_for(service)
    days.write("2024-02-28 12:00:00", "2024_02_28", ("I", (1, "a", 1)))
    code, output = run_killed(service, "kill:partition.made:1")
    assert code == -signal.SIGKILL, output
    assert known(target) == [("orders_2024_02_28", "making")]
    target.execute("insert into orders_2024_02_28 values (7, 'mine', 7)")
    failed = service.run(expect=5)
    assert "is half made" in failed.stderr and "has rows" in failed.stderr
    target.execute("update dray_partition set state = 'ready'")
    service.run()
    assert target.rows(ORDERS, name="orders_2024_02_28") == [(1, "a", 1), (7, "mine", 7)]
    log.close()
    target.drop()
