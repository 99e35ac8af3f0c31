"""Tables under a partition rule in other commands than dray run: bootstrap, verify, ddl, check; and
where a source tells no commit times."""
import os
import re
import time

import pytest

from model import Table
from postgres_source import file_target, source, source_server, warehouse  # noqa: F401

ITEM = Table("item", [("id", "integer"), ("name", "text")])
SECONDS = "YYYYMMDD_HH24MISS"
KILLED = -9
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def configure(source, directory, target, by, **more):
    """Table item under a partition rule, table plain without one; both are installed."""
    for table in ("item", "plain"):
        source.execute(f"create table {table} (id integer primary key, name text)")
        target.execute(f"create table {table} (id integer primary key, name text)")
    source.install()
    service = source.service(directory, target)
    service.options["block"]["max_interval"] = "0s"
    service.options["bootstrap"] = {"chunk_rows": 100}
    service.rules = [{"match": "public.item", "target": "item", "merge_script": "keep_latest.sql",
                      "partition": {"by": by}, **more}, {"match": "public.plain", "target": "plain"}]
    return service


def fill(source, count=450):
    source.execute(f"insert into item select n, 'name ' || n from generate_series(1, {count}) n")
    source.execute("insert into plain values (1, 'a'), (2, 'b')")


def slow_script(directory):
    """keep_latest.sql with a rest before each chunk."""
    with open(os.path.join(os.environ.get("DRAY_DATA") or ROOT, "merge-scripts", "sqlite",
                           "keep_latest.sql"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(directory, "slow.sql"), "w", encoding="utf-8") as file:
        file.write(text.replace("-- @apply\n", "-- @apply\n\\! sleep 0.3\n\n"))
    return "slow.sql"


def partitions(target):
    return sorted(name for (name,) in target.query(
        "select name from sqlite_master where type = 'table' and name like 'item\\__%' escape '\\'"))


def rows(target, table):
    return target.query(f"select id, name from {table} order by id")


def all_rows(source, table="item"):
    return source.query(f"select id, name from {table} order by id")


def test_a_bootstrap_puts_all_rows_into_the_partition_of_its_snapshot(source, file_target, directory):
    """However long it takes: here a partition is a second, and the copy is made to last longer."""
    service = configure(source, directory, file_target, SECONDS)
    service.rules[0]["merge_script"] = slow_script(directory)
    fill(source)
    service.command("bootstrap")
    (partition,) = partitions(file_target)
    assert rows(file_target, partition) == all_rows(source)
    assert rows(file_target, "item") == []
    source.execute("update item set name = 'new' where id = 7")
    service.run()
    later = [name for name in partitions(file_target) if name != partition]
    assert [rows(file_target, name) for name in later] == [[(7, "new")]]
    assert rows(file_target, partition)[6] == (7, "name 7")


def test_an_interrupted_bootstrap_goes_on_in_the_partition_that_it_began_with(
        source, file_target, directory):
    service = configure(source, directory, file_target, SECONDS)
    fill(source)
    killed = service.command("bootstrap", expect=None,
                             env={"DRAY_FAULT": "kill:bootstrap.block_loaded:3"})
    assert killed.returncode == KILLED
    (partition,) = partitions(file_target)
    assert 0 < len(rows(file_target, partition)) < 450
    time.sleep(1.1)
    assert "it goes on behind the last chunk" in service.command("bootstrap").stderr
    assert partitions(file_target) == [partition]
    assert rows(file_target, partition) == all_rows(source)
    assert rows(file_target, "plain") == all_rows(source, "plain")


@pytest.mark.parametrize("fault", ["bootstrap.snapshot", "bootstrap.spooled", "partition.committed",
                                   "loader.after_commit"])
def test_killed_anywhere_a_bootstrap_leaves_no_row_in_two_partitions(
        source, file_target, directory, fault):
    service = configure(source, directory, file_target, SECONDS)
    fill(source, 150)
    service.command("bootstrap", expect=None, env={"DRAY_FAULT": f"kill:{fault}:1"})
    time.sleep(1.1)
    service.command("bootstrap")
    assert sum((rows(file_target, name) for name in partitions(file_target)), []) == all_rows(source)


def test_a_bootstrap_needs_its_partition_empty_and_replaces_that_alone(source, file_target, directory):
    service = configure(source, directory, file_target, "year")
    this_year = f"item_{time.gmtime().tm_year}"
    fill(source, 5)
    for name in (this_year, "item_1999"):
        file_target.execute(f"create table {name} (id integer primary key, name text)")
        file_target.execute(f"insert into {name} values (-1, 'mine')")
    refused = service.command("bootstrap", "public.item", expect=5)
    assert f"the target table {this_year} is not empty: --replace empties it first" in refused.stderr
    service.command("bootstrap", "--replace")
    assert rows(file_target, this_year) == all_rows(source)
    assert rows(file_target, "item_1999") == [(-1, "mine")]


def test_keep_all_gets_each_row_of_a_bootstrap_once_and_a_second_one_is_refused(
        source, target, directory):
    source.execute("create table item (id integer primary key, name text)")
    source.execute("insert into item select n, 'name ' || n from generate_series(1, 50) n")
    target.create(Table("item", ITEM.columns, key=()))
    source.install()
    service = source.service(directory, target)
    service.options["bootstrap"] = {"chunk_rows": 20}
    service.rules = [{"match": "public.item", "target": "item", "merge_script": "keep_all.sql",
                      "partition": "year"}]
    service.command("bootstrap")
    source.execute("update item set name = 'new' where id = 7")
    service.run()
    this_year = f"item_{time.gmtime().tm_year}"
    assert sorted(rows(target, this_year)) == sorted(
        [(n, f"name {n}") for n in range(1, 51)] + [(7, "new")])
    refused = service.command("bootstrap", "--again", expect=5)
    assert f"the target table {this_year} is not empty" in refused.stderr


def test_verify_leaves_tables_with_partitions_out_by_name(source, file_target, directory):
    service = configure(source, directory, file_target, "day")
    fill(source, 5)
    service.run()
    done = service.command("verify", expect=1)
    assert re.search(r"^not compared public\.item -> item: its rule has partition:, so that its rows "
                     r"are spread over tables by the time of their changes: leave the table out with "
                     r"--table '!public\.item'$", done.stdout, re.M), done.stdout
    assert re.search(r"^equal +public\.plain ", done.stdout, re.M), done.stdout
    service.command("verify", "--table", "!public.item")


def test_ddl_makes_the_parent_and_check_names_the_partition(source, warehouse, directory):
    source.execute("create table item (id integer primary key, name text)")
    source.install()
    service = source.service(directory, warehouse)
    service.rules = [{"match": "public.item", "merge_script": "keep_latest.sql",
                      "partition": {"by": "month"}}]
    service.command("ddl", "--execute")
    assert warehouse.query("select count(*) from item") == [(0,)]
    source.execute("insert into item values (1, 'a')")
    month = time.strftime("item_%Y_%m", time.gmtime())
    assert f"partition {month} will be made" in service.command("check").stdout
    service.run()
    assert warehouse.query(f"select id, name from {month}") == [(1, "a")]
    assert f"partition {month} is there" in service.command("check").stdout


def test_without_commit_times_the_first_change_of_such_a_table_is_refused_by_name(
        target, log, service):
    target.create(ITEM)
    plain = Table("plain", ITEM.columns)
    target.create(plain)
    service.rules = [{"match": "public.item", "target": "item", "merge_script": "keep_latest.sql",
                      "partition": "day"}, {"match": "public.plain", "target": "plain"}]
    with log.transaction() as change:
        change.insert(plain, 1, "a")
    with log.transaction() as change:
        change.insert(ITEM, 1, "a")
    log.close()
    with open(log.path, encoding="utf-8") as file:
        lines = file.read()
    with open(log.path, "w", encoding="utf-8") as file:
        file.write(re.sub(r'"timestamp":"[^"]*",', "", lines))
    failed = service.run(expect=1)
    assert ("table public.item: the source tells no commit time of this transaction, so that the "
            "partition its rows belong to is not known (the table's rule in line ") in failed.stderr
    # what came before is there
    assert target.rows(plain) == [(1, "a")]
