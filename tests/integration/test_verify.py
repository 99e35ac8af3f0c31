"""dray verify: source and target are compared at an exact place, and what differs is named."""
import json
import os
import threading

import pytest

import postgres_types
from postgres_source import (file_target, source, source_server,  # noqa: F401 (fixtures)
                             warehouse)
from service import Watched, environment, program

SHOP = "id integer primary key, name text, price numeric(12,2), note text"


def make_shop(source, target, rows=300):
    """A table that is equal on both sides."""
    source.execute(f"create table item ({SHOP})")
    key = "text" if target.kind != "mysql" else "longtext collate utf8mb4_nopad_bin"
    target.execute("create table item (id integer primary key, name %s, price numeric(12,2),"
                   " note %s)".replace("%s", key))
    source.install()
    source.execute("insert into item select n, 'name ' || n, n * 1.25,"
                   f" case when n % 3 = 0 then null else '' end from generate_series(1, {rows}) n")


@pytest.fixture
def shop(source, target, directory):
    make_shop(source, target)
    service = source.service(directory, target)
    service.options["verify"] = {"slice_rows": 20}
    service.run()
    source.execute("analyze item")
    return service


def lines(done):
    return done.stdout.splitlines()


def test_equal_tables_are_said_to_be_equal(shop):
    done = shop.command("verify")
    assert lines(done)[0].startswith("equal        public.item")
    assert "source_rows=300 target_rows=300" in done.stdout
    assert lines(done)[-1].endswith("tables=1 equal=1 different=0 not_compared=0")


# the change in the target, and what verify says of it
DIFFERENCES = [
    ("delete from item where id = 7", ["missing  id=7"]),
    ("insert into item values (1000, 'new', 1, null)", ["extra    id=1000"]),
    ("update item set name = 'name 12x' where id = 12", ["changed  id=12: name"]),
    ("update item set name = 'Name 13' where id = 13", ["changed  id=13: name"]),
    ("update item set name = 'name 14 ' where id = 14", ["changed  id=14: name"]),
    ("update item set note = '' where id = 3", ["changed  id=3: note"]),
    ("update item set note = null where id = 4", ["changed  id=4: note"]),
    ("update item set price = price + 0.01 where id = 5", ["changed  id=5: price"]),
    ("update item set price = case id when 8 then 11.25 else 10 end where id in (8, 9)",
     ["changed  id=8: price", "changed  id=9: price"]),
    ("update item set name = 'a', note = 'b' where id = 300", ["changed  id=300: name, note"]),
]


def named_by(done):
    return sorted(line.strip() for line in lines(done)
                  if line.startswith("  ") and not line.startswith("  in all"))


def test_each_kind_of_difference_is_found_and_named_and_a_repair_makes_it_equal(shop, target):
    # SQLite, the quickest, shows that they are found one by one as well
    groups = [DIFFERENCES] if target.kind != "sqlite" else [[one] for one in DIFFERENCES]
    for group in groups:
        keys = {key for _, expected in group for key in expected}
        for statement, _ in group:
            target.execute(statement)
        done = shop.command("verify", expect=1)
        assert named_by(done) == sorted(keys)
        assert lines(done)[0].startswith("different    public.item")
        before = {row[0]: row for row in target.query("select * from item")}
        done = shop.command("verify", "--repair")
        assert f"repaired_rows={len(keys)}" in done.stdout
        assert "equal=1 different=0" in done.stdout
        after = {row[0]: row for row in target.query("select * from item")}
        assert sum(before.get(key) != after.get(key) for key in {*before, *after}) == len(keys)
    assert "tables=1 equal=1" in shop.command("verify").stdout


# --- types

def test_every_type_is_equal_after_its_way_through_dray(source, target, directory):
    source.execute(postgres_types.PREPARE)
    if target.kind == "postgres":
        target.execute(postgres_types.PREPARE)
    types = postgres_types.TYPES
    source.execute("create table kinds (id int primary key, " + ", ".join(
        f"c{i} {kind}" for i, (kind, _) in enumerate(types)) + ")")
    source.install()
    service = source.service(directory, target)
    service.options["values"] = {"infinity": "null", "nan": "null", "out_of_range": "null"}
    service.command("ddl", "--execute", "--accept-loss")
    for row in range(max(len(values) for _, values in types)):
        source.execute(f"insert into kinds values ({row}, " + ", ".join(
            f"%s::{kind}" for kind, _ in types) + ")",
            *(values[row % len(values)] for _, values in types))
    source.execute("insert into kinds (id) values (100)")
    service.run()
    done = service.command("verify", expect=None)
    assert done.returncode == 0, done.stdout
    # each column is compared: a change in any of them is found and named
    for i in (0, 3, 5, 12, 14, 22, 24, 26, 28, 31, 33):
        target.execute(f"update kinds set c{i} = null where id = 0")
    assert "changed  id=0: c0, c3, c5, c12, c14, c22, c24, c26, c28, c31, c33" in service.command(
        "verify", expect=1).stdout
    service.command("verify", "--repair")


def test_doubles_survive_the_way_to_the_last_bit(source, target, directory):
    source.execute("create table point (id int primary key, x double precision, y real)")
    target.execute("create table point (id integer primary key, x double precision, y double"
                   + (" precision)" if target.kind == "postgres" else ")"))
    source.install()
    source.execute("insert into point select n, sin(n) * power(10::float8, n % 600 - 300),"
                   " (cos(n) * power(10::float8, n % 60 - 30))::real"
                   " from generate_series(1, 20000) n")
    source.execute("insert into point values (0, '-0', '-0'), (-1, 5e-324, 1e-45),"
                   " (-2, 1.7976931348623157e308, 3.4028235e38), (-3, null, null)")
    service = source.service(directory, target)
    service.run()
    done = service.command("verify", expect=None)
    assert done.returncode == 0, done.stdout


# --- rules, scripts, tables that cannot be compared

def test_rules_rename_skip_and_move_and_the_targets_own_columns_do_not_count(
        source, warehouse, directory):
    source.execute("create table part (a int, b text, secret text, descr text, primary key (b, a))")
    warehouse.execute("create schema dw")
    warehouse.execute("create table dw.parts (b text, a int, description text, own int default 7,"
                      " primary key (a, b))")
    source.install()
    service = source.service(directory, warehouse)
    service.rules = [{"match": "public.part", "target": "dw.parts",
                      "columns": {"skip": ["secret"], "rename": {"descr": "description"}}}]
    source.execute("insert into part select n / 10, 'b' || n % 10, 's', 'd' || n"
                   " from generate_series(1, 100) n")
    service.run()
    assert "equal        public.part -> dw.parts" in service.command("verify").stdout
    source.execute("update part set secret = 'other'")
    assert "equal=1" in service.command("verify").stdout
    warehouse.execute("update dw.parts set description = 'x', own = 8 where a = 3 and b = 'b4'")
    warehouse.execute("insert into dw.parts values ('b,=', 3, null)")
    said = service.command("verify", expect=1).stdout
    assert "  changed  a=3, b=b4: description\n" in said
    assert "  extra    a=3, b=b,=\n" in said
    service.command("verify", "--repair")
    assert warehouse.query("select own, description from dw.parts where a = 3 and b = 'b4'") == [
        (8, "d34")]
    assert warehouse.value("select count(*) from dw.parts") == 100


def test_a_table_without_key_is_compared_as_a_whole(source, warehouse, directory):
    for database in (source, warehouse):
        database.execute("create table heap (a int, b text)")
        database.execute("insert into heap values (1, 'x'), (1, 'x'), (2, null), (3, '')")
    source.install()
    service = source.service(directory, warehouse)
    assert "equal        public.heap" in service.command("verify").stdout
    for change, undo in [
            ("insert into heap values (1, 'x')", "delete from heap where ctid ="
             " (select max(ctid) from heap where a = 1)"),
            ("update heap set b = '' where a = 2", "update heap set b = null where a = 2"),
            ("update heap set a = 5 - a where a in (2, 3)",
             "update heap set a = 5 - a where a in (2, 3)")]:
        warehouse.execute(change)
        said = service.command("verify", expect=1).stdout
        assert "different    public.heap" in said
        assert "no key by which its rows could be named" in said
        assert "bootstrap it again" in service.command("verify", "--repair", expect=1).stdout
        warehouse.execute(undo)
        service.command("verify")


def test_duplicates_of_a_key_in_the_target_are_extra_rows(source, warehouse, directory):
    source.execute("create table item (id int primary key, name text)")
    warehouse.execute("create table item (id int, name text)")
    source.install()
    service = source.service(directory, warehouse)
    source.execute("insert into item select n, 'n' from generate_series(1, 30) n")
    service.run()
    warehouse.execute("insert into item values (4, 'n'), (4, 'm'), (40, 'z'), (40, 'z')")
    said = service.command("verify", expect=1).stdout
    assert "missing=0 extra=4 changed=0" in said
    service.command("verify", "--repair")
    assert source.same(warehouse, "item")


@pytest.mark.parametrize("script, column", [("history.sql", "valid_from text, valid_to text"),
                                            ("soft_delete.sql", "deleted_at text")])
def test_of_kept_rows_the_current_ones_are_compared_and_repaired(
        source, file_target, directory, script, column):
    source.execute("create table item (id int primary key, name text)")
    file_target.execute(f"create table item (id integer, name text, {column})")
    source.install()
    service = source.service(directory, file_target)
    service.rules = [{"match": "public.item", "target": "item", "merge_script": script,
                      "key": ["id"]}]
    source.execute("insert into item select n, 'n' from generate_series(1, 30) n")
    service.run()
    source.execute("update item set name = 'm' where id > 20")
    source.execute("delete from item where id < 10")
    assert "source_rows=21 target_rows=21" in service.command("verify").stdout
    file_target.execute("update item set name = 'k' where id = 15")
    file_target.execute("delete from item where id = 30")
    file_target.execute("insert into item (id, name) values (3, 'extra')")
    assert "missing=1 extra=1 changed=1" in service.command("verify", expect=1).stdout
    service.command("verify", "--repair")
    assert "equal=1" in service.command("verify").stdout
    if script == "history.sql":
        assert file_target.value("select count(*) from item where id = 15") == 2


def test_what_cannot_be_compared_is_named_with_its_reason_and_counts_as_not_equal(
        source, file_target, directory):
    for table in ("audit", "gone", "good", "narrow"):
        source.execute(f"create table {table} (id int primary key, name text, more int)")
    for table in ("audit", "good"):
        file_target.execute(f"create table {table} (id integer primary key, name text, more int)")
    file_target.execute("create table narrow (id integer primary key)")
    source.install()
    service = source.service(directory, file_target)
    service.rules = [{"match": "public.audit", "target": "audit", "merge_script": "append.sql"},
                     {"match": "public.left", "skip": True}]
    source.execute("insert into good values (1, 'a', 2)")
    done = service.command("verify", expect=1)
    assert "not compared public.audit -> audit: " in done.stdout
    assert "--table '!public.audit'" in done.stdout
    assert "not compared public.gone -> gone: the target has no such table\n" in done.stdout
    assert "different    public.narrow -> narrow" in done.stdout
    assert ": the target has no columns name, more\n" in done.stdout
    assert "equal        public.good -> good source_rows=1 target_rows=1" in done.stdout
    assert "tables=4 equal=1 different=1 not_compared=2" in done.stdout
    assert "tables=1 equal=1" in service.command(
        "verify", "--table", "!public.audit,!public.gone,!public.narrow").stdout
    assert "tables=2 equal=1" in service.command(
        "verify", "--table", "public.g*", expect=1).stdout
    said = service.command("verify", "--table", "public.none", expect=2).stderr
    assert "no table of the source fits --table public.none" in said


def test_json_has_everything(shop, target):
    target.execute("delete from item where id = 7")
    target.execute("update item set name = 'x' where id = 8")
    report = json.loads(shop.command("verify", "--json", expect=1).stdout)
    table = report["tables"][0]
    assert report["equal"] is False
    assert (table["source"], table["result"], table["source_rows"], table["target_rows"]) == (
        "public.item", "different", 300, 299)
    assert (table["missing"], table["extra"], table["changed"]) == (1, 0, 1)
    assert sorted((key["kind"], key["key"], key["columns"]) for key in table["keys"]) == [
        ("changed", "id=8", "name"), ("missing", "id=7", None)]


def test_at_most_max_keys_are_printed_and_all_are_counted(source, file_target, directory):
    make_shop(source, file_target, rows=500)
    service = source.service(directory, file_target)
    service.options["verify"] = {"max_keys": 5}
    service.run()
    file_target.execute("update item set name = 'x'")
    said = service.command("verify", expect=1).stdout
    assert said.count("changed  id=") == 5
    assert "changed=500 (not all of them are printed: verify.max_keys)" in said


# --- the exact cut

class Load(threading.Thread):
    """Changes all rows of item all the time."""

    def __init__(self, source):
        super().__init__()
        self.server, self.name_of_database = source.server, source.name
        self.ended = False
        self.transactions = 0

    def run(self):
        connection = self.server.connect(self.name_of_database)
        with connection.cursor() as cursor:
            while not self.ended:
                n = self.transactions = self.transactions + 1
                cursor.execute(f"update item set note = 'n{n}' where id % 17 = {n % 17}")
                cursor.execute(f"delete from item where id = {n % 300}")
                cursor.execute(f"insert into item values ({n % 300}, 'new {n}', {n}, null)"
                               " on conflict do nothing")
        connection.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.join()


def test_a_running_service_under_load_is_equal_and_goes_on(source, target, directory):
    make_shop(source, target)
    service = source.service(directory, target)
    service.options["block"]["max_interval"] = "0s"
    service.start()
    source.wait_same(target, "item", "id")
    with Load(source) as load:
        for _ in range(4):
            done = service.command("verify", expect=None)
            assert done.returncode == 0, done.stdout + done.stderr
        before = load.transactions
        source.wait_for(lambda: load.transactions > before + 20)
    source.wait_same(target, "item")
    target.execute("delete from item where id = 100")
    target.execute("update item set name = 'wrong' where id = 101")
    with Load(source):
        done = service.command("verify", "--repair", expect=None)
        assert done.returncode == 0, done.stdout + done.stderr
        service.command("verify")
    source.wait_same(target, "item")
    service.stop()


def test_a_service_that_is_behind_is_brought_to_the_cut_first(shop, source, target):
    with Load(source):
        done = shop.command("verify", expect=None)
    assert done.returncode == 0, done.stdout + done.stderr
    shop.run()
    assert source.same(target, "item")


def test_a_table_that_may_not_be_read_does_not_hide_the_others(source, warehouse, directory):
    make_shop(source, warehouse)
    for database in (source, warehouse):
        database.execute("create table other (id int primary key)")
    service = source.service(directory, warehouse)
    service.run()
    role = f"reader_{warehouse.name}"
    warehouse.execute(f"create role {role} login")
    warehouse.execute(f"grant all on dray_position, other to {role}")
    warehouse.execute(f"grant all on schema public to {role}")
    service.options["target"]["connection"] = warehouse.server.conninfo(warehouse.name).replace(
        "user=postgres", f"user={role}")
    done = service.command("verify", expect=1)
    assert "not compared public.item" in done.stdout and "permission denied" in done.stdout
    assert "equal        public.other" in done.stdout


# --- size

def test_many_rows_and_differences_take_little_memory(source, warehouse, directory):
    for database, more in ((source, ""), (warehouse, "+ (n % 3 = 0)::int")):
        database.execute("create table big (id integer primary key, name text, price numeric)")
        database.execute(f"insert into big select n, 'name ' || n, n / 4.0 {more}"
                         " from generate_series(1, 300000) n")
    source.execute("analyze big")
    source.install()
    service = source.service(directory, warehouse)
    done = Watched([program(), "verify", service.write()], env=environment())
    print(done.stdout.splitlines()[0], f"{done.peak_kib / 1024:.0f} MiB")
    assert done.returncode == 1
    assert "changed=100000" in done.stdout
    assert done.peak_kib < 60 * 1024 or "ASAN_OPTIONS" in os.environ
