"""dray verify of MariaDB and MySQL as sources: compared at one place of the log, and repaired."""
import threading
import time

import pytest

from mysql_source import (each_mysql_source, file_target, mysql_source,  # noqa: F401 (fixtures)
                          mysql_source_server, real_mysql_server, real_mysql_source, warehouse)

TEXT = {"postgres": "text", "sqlite": "text", "mysql": "longtext collate utf8mb4_nopad_bin"}


def make_shop(source, target, rows=300):
    """A table that is equal on both sides."""
    text = TEXT[target.kind]
    source.execute("create table item (id integer primary key, name varchar(50) character set latin1,"
                   " price decimal(12,2), note text)")
    target.execute(f"create table item (id integer primary key, name {text}, price numeric(12,2),"
                   f" note {text})")
    connection = source.session()
    with connection.cursor() as cursor:
        cursor.executemany("insert into item values (%s, %s, %s, %s)", [
            (number, f"naïve {number}", f"{number * 1.25 + 0.01:.2f}", None if number % 3 == 0 else "")
            for number in range(1, rows + 1)])
    connection.close()


@pytest.fixture
def shop(mysql_source, target, directory):
    make_shop(mysql_source, target)
    service = mysql_source.service(directory, target)
    service.options["verify"] = {"slice_rows": 20}
    service.run()
    mysql_source.execute("analyze table item")
    return service


DIFFERENCES = [
    ("delete from item where id = 7", ["missing  id=7"]),
    ("insert into item values (1000, 'new', 1, null)", ["extra    id=1000"]),
    ("update item set name = 'naïve 12x' where id = 12", ["changed  id=12: name"]),
    ("update item set name = 'Naïve 13' where id = 13", ["changed  id=13: name"]),
    ("update item set name = 'naïve 14 ' where id = 14", ["changed  id=14: name"]),
    ("update item set note = '' where id = 3", ["changed  id=3: note"]),
    ("update item set note = null where id = 4", ["changed  id=4: note"]),
    ("update item set price = price + 0.01 where id = 5", ["changed  id=5: price"]),
    ("update item set name = 'a', note = 'b' where id = 300", ["changed  id=300: name, note"]),
]


def named_by(done):
    return sorted(line.strip() for line in done.stdout.splitlines()
                  if line.startswith("  ") and not line.startswith("  in all"))


def test_each_kind_of_difference_is_found_and_named_and_a_repair_makes_it_equal(shop, target):
    assert "tables=1 equal=1" in shop.command("verify").stdout
    keys = {key for _, expected in DIFFERENCES for key in expected}
    for statement, _ in DIFFERENCES:
        target.execute(statement)
    done = shop.command("verify", expect=1)
    assert named_by(done) == sorted(keys)
    done = shop.command("verify", "--repair")
    assert f"repaired_rows={len(keys)}" in done.stdout
    assert "equal=1 different=0" in done.stdout
    assert "tables=1 equal=1" in shop.command("verify").stdout


class Writer:
    """Changes of the shop until it is stopped."""

    def __init__(self, source):
        self.source, self.count, self.failed = source, 0, None
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()
        assert self.failed is None, self.failed

    def _run(self):
        connection = self.source.session()
        try:
            with connection.cursor() as cursor:
                while not self.ends.is_set():
                    self.count += 1
                    cursor.execute("update item set price = price + 1 where id = %s",
                                   (self.count % 300,))
                    cursor.execute("replace into item values (%s, 'new', 1.01, null)",
                                   (1000 + self.count % 50,))
                    cursor.execute("delete from item where id = %s", (1000 + self.count * 7 % 50,))
                    time.sleep(0.001)
        except Exception as problem:  # told by the main thread
            self.failed = problem
        finally:
            connection.close()


def test_beside_a_running_service_and_its_changes(each_mysql_source, file_target, directory, tell):
    source = each_mysql_source
    make_shop(source, file_target)
    service = source.service(directory, file_target)
    service.options["block"]["max_interval"] = "0s"
    service.options["verify"] = {"slice_rows": 20, "connections": 3}
    service.start()
    source.wait_same(file_target, "item")
    with Writer(source) as writer:
        for _ in range(3):
            done = service.command("verify")
            assert "equal=1 different=0" in done.stdout
        # a row that the writer leaves alone: else the next change of it repairs it
        file_target.execute("update item set name = 'wrong' where id = 300")
        done = service.command("verify", expect=1)
        assert named_by(done) == ["changed  id=300: name"]
        assert "repaired_rows=1" in service.command("verify", "--repair").stdout
        assert "equal=1 different=0" in service.command("verify").stdout
    source.wait_same(file_target, "item")
    service.stop()
    tell(f"{writer.count * 3} statements meanwhile")


def test_floats_survive_the_way_to_the_last_bit(each_mysql_source, target, directory):
    source = each_mysql_source
    double = "double precision" if target.kind == "postgres" else "double"
    single = {"postgres": "real", "mysql": "float", "sqlite": "real"}[target.kind]
    source.execute("create table point (id integer primary key, x double, y float, z float)")
    # z: a single-precision number where the target has doubles
    target.execute(f"create table point (id integer primary key, x {double}, y {single},"
                   f" z {double})")
    connection = source.session()
    with connection.cursor() as cursor:
        values = []
        for number in range(2000):
            exponent = number % 600 - 300
            values.append((number, f"{(number * 7919 % 1000003) / 1000003 - 0.5!r}e{exponent}",
                           f"{(number * 104729 % 1000003) / 1000003 - 0.5!r}e{number % 70 - 35}"))
        values += [(-1, "5e-324", "1e-45"), (-2, "1.7976931348623157e308", "3.4028234663852886e38"),
                   (-3, "-0e0", "-0e0"), (-4, "16777216", "16777217"), (-5, "0.1", "0.1")]
        for number, x, y in values:
            cursor.execute(f"insert into point values ({number}, {x}, {y}, {y})")
    connection.close()
    service = source.service(directory, target)
    service.run()
    done = service.command("verify", expect=None)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_configuration_made_null_on_the_way_is_equal(
        mysql_source, warehouse, directory):
    mysql_source.settings(sql_mode="")
    mysql_source.execute("create table moment (id integer primary key, d date, dt datetime(3),"
                         " ts timestamp null, t time)")
    for number, (d, dt) in enumerate([("0000-00-00", "0000-00-00 00:00:00"),
                                      ("2024-00-10", "2024-02-00 01:02:03"),
                                      ("2024-02-29", "2024-02-29 01:02:03.250")]):
        mysql_source.execute("insert into moment values (%s, %s, %s, %s, '-838:59:59')", number, d,
                             dt, dt if number != 1 else None)
    service = mysql_source.service(directory, warehouse)
    service.options["values"] = {"zero_date": "null"}
    service.options["target"]["create_tables"] = "all"
    service.run()
    assert warehouse.value("select count(*) from moment where d is null") == 2
    service.command("verify")
    warehouse.execute("update moment set d = '2024-01-10' where id = 1")
    assert named_by(service.command("verify", expect=1)) == ["changed  id=1: d"]
    service.command("verify", "--repair")


def test_a_view_that_is_shared_compares_and_says_what_a_repair_needs(
        mysql_source, file_target, directory):
    source = mysql_source
    make_shop(source, file_target, rows=1200)
    service = source.service(directory, file_target, snapshot_lock=False)
    service.options["verify"] = {"connections": 2}
    service.run()
    shared = {"DRAY_FAULT": "fail:source.mysql.views:1"}
    done = service.command("verify", env=shared)
    assert "equal=1" in done.stdout
    assert "one connection reads all tables" in done.stderr + done.stdout
    file_target.execute("delete from item where id > 5")
    refused = service.command("verify", "--repair", expect=4, env=shared)
    assert "two views of one place of the log are needed" in refused.stderr
    assert "RELOAD" in refused.stderr
    # without commits in between the views come to one place by themselves
    assert "repaired_rows=1195" in service.command("verify", "--repair").stdout


def test_a_table_without_consistent_views_is_not_compared_and_the_others_are(
        mysql_source, file_target, directory):
    make_shop(mysql_source, file_target, rows=10)
    mysql_source.execute("create table old (id integer primary key) engine = myisam")
    file_target.execute("create table old (id integer primary key)")
    service = mysql_source.service(directory, file_target)
    service.run()
    done = service.command("verify", expect=1)
    assert "its engine MyISAM has no consistent views" in done.stdout
    assert "tables=2 equal=1 different=0 not_compared=1" in done.stdout


def test_a_lost_connection_is_an_error_and_no_difference(mysql_source, file_target, directory):
    make_shop(mysql_source, file_target, rows=20)
    service = mysql_source.service(directory, file_target)
    service.run()
    results = []
    for number in range(15, 75, 4):
        done = service.command("verify", expect=None,
                               env={"DRAY_FAULT": f"fail:source.mysql.query:{number}"})
        results.append(done.returncode)
        assert "different=1" not in done.stdout
        assert done.returncode == 0 or "connection to the source lost" in done.stderr, done.stderr
    assert set(results) == {0, 4}
    assert "equal=1" in service.command("verify").stdout
