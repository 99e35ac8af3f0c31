"""Values of MariaDB and MySQL that a target may have no room for: zero dates, times that are none
of the day, texts with NUL characters, numbers past 63 bits, geometries. What the policies of
values: make of them, by the stream and as dray verify sees it."""
import re

import pytest

from mysql_source import (each_mysql_source, file_target, mysql_source,  # fixtures  # noqa: F401
                          mysql_source_server, real_mysql_server)
from service import Service

MAKE_ALL = {"create_tables": "all"}


def service_into(source, directory, target, name="test", **values):
    made = source.service(directory, target, name)
    made.options["target"].update(MAKE_ALL)
    made.options["values"] = values
    return made


def texts(target, columns, table="item"):
    """The rows as the target's own texts."""
    kind = "char" if target.kind == "mysql" else "text"
    shown = ", ".join(f"cast({column} as {kind})" for column in columns.split(", "))
    return target.query(f"select {shown} from {table} order by id")


# ---- zero dates ----

ZERO_DATES = [("0000-00-00", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
              ("2024-00-00", "2024-05-00 10:20:30", None),
              ("2024-05-06", "2024-05-06 10:20:30.5", "2024-05-06 10:20:30")]


def fill_dates(source):
    source.execute("create table item (id int primary key, d date, t datetime(6), s timestamp null)")
    for number, row in enumerate(ZERO_DATES):
        source.transaction("insert into item values (%d, %s)" % (number, ", ".join(
            "null" if value is None else f"'{value}'" for value in row)), sql_mode="")


def test_zero_dates_stop_the_service_and_are_named(mysql_source, target, directory):
    fill_dates(mysql_source)
    service = service_into(mysql_source, directory, target)
    if target.kind == "sqlite":
        service.run()
        assert texts(target, "d, t")[:2] == [("0000-00-00", "0000-00-00 00:00:00"),
                                             ("2024-00-00", "2024-05-00 10:20:30")]
        assert "equal=1" in service.command("verify").stdout
        return
    done = service.run(expect=1)
    assert 'column d: value "0000-00-00": the target has no zero dates' in done.stderr
    assert f"{mysql_source.name}.item" in done.stderr


def test_zero_dates_become_null(each_mysql_source, target, directory):
    fill_dates(each_mysql_source)
    service = service_into(each_mysql_source, directory, target, zero_date="null")
    service.run()
    rows = target.query("select d, t, s from item order by id")
    if target.kind != "sqlite":  # which holds them, so that nothing is to be decided
        assert rows[0] == (None, None, None) and rows[1] == (None, None, None)
    assert None not in rows[2]
    assert "equal=1" in service.command("verify").stdout


def test_zero_dates_are_passed_on(each_mysql_source, target, directory):
    fill_dates(each_mysql_source)
    service = service_into(each_mysql_source, directory, target, zero_date="text")
    if target.kind == "postgres":
        # a date column cannot take it; one of text does
        done = service.run(expect=1)
        assert re.search('"0000-00-00"', done.stderr) and "item" in done.stderr
        target.execute("drop table item; drop table stage_item")
        target.execute("create table item (id int primary key, d text, t text, s text)")
    service.run()
    assert [row[:2] for row in texts(target, "d, t")][:2] in (
        [("0000-00-00", "0000-00-00 00:00:00"), ("2024-00-00", "2024-05-00 10:20:30")],
        [("0000-00-00", "0000-00-00 00:00:00.000000"),
         ("2024-00-00", "2024-05-00 10:20:30.000000")])
    assert "equal=1" in service.command("verify").stdout


# ---- times ----

def fill_times(source):
    source.execute("create table item (id int primary key, t time(6))")
    source.execute("insert into item values (1, '-838:59:59'), (2, '24:00:01'), "
                   "(3, '-00:00:00.000001'), (4, '12:34:56.5'), (5, '24:00:00')")


def test_times_of_more_than_a_day_and_negative_ones_are_kept(mysql_source, target, directory):
    fill_times(mysql_source)
    service = service_into(mysql_source, directory, target)
    service.run()
    found = [re.sub(r"(\.\d*?)0+$", r"\1", value).rstrip(".") if "." in value else value
             for (value,) in texts(target, "t")]
    assert found == ["-838:59:59", "24:00:01", "-00:00:00.000001", "12:34:56.5", "24:00:00"]
    assert "equal=1" in service.command("verify").stdout


def test_a_time_that_is_none_of_the_day_is_refused_or_null_in_a_column_of_times(
        mysql_source, target, directory):
    if target.kind != "postgres":
        pytest.skip("the others have times of any length")
    fill_times(mysql_source)
    target.execute("create table item (id int primary key, t time(6))")
    service = service_into(mysql_source, directory, target)
    done = service.run(expect=1)
    assert 'out of range: "-838:59:59"' in done.stderr and "item" in done.stderr
    service.options["values"] = {"out_of_range": "null"}
    service.remove_blocks()
    service.run()
    assert texts(target, "t") == [(None,), (None,), (None,), ("12:34:56.5",), ("24:00:00",)]
    assert "equal=1" in service.command("verify").stdout


# ---- texts and numbers ----

def test_a_text_with_a_nul_character_is_carried_refused_or_null(each_mysql_source, target, directory):
    source = each_mysql_source
    source.execute("create table item (id int primary key, name varchar(20))")
    source.execute("insert into item values (1, concat('a', char(0), 'b')), (2, 'c')")
    service = service_into(source, directory, target)
    if target.kind == "mysql":
        service.run()
        assert target.query("select name from item order by id") == [("a\0b",), ("c",)]
        assert "equal=1" in service.command("verify").stdout
        return
    done = service.run(expect=1)
    assert ("column name: a NUL character at offset 1, which no text of the target can hold"
            in done.stderr)
    assert f"{source.name}.item" in done.stderr
    service.options["values"] = {"out_of_range": "null"}
    service.remove_blocks()
    service.run()
    assert target.query("select name from item order by id") == [(None,), ("c",)]


def test_a_number_past_63_bits_is_kept_or_named(mysql_source, target, directory):
    mysql_source.execute("create table item (id bigint unsigned primary key, n bigint unsigned)")
    mysql_source.execute("insert into item values (18446744073709551615, 9223372036854775808)")
    service = service_into(mysql_source, directory, target)
    service.run()
    assert [tuple(map(str, row)) for row in target.query("select id, n from item")] == [
        ("18446744073709551615", "9223372036854775808")]
    assert "equal=1" in service.command("verify").stdout
    if target.kind != "sqlite":
        return
    other = target.another()
    other.execute("create table item (id integer primary key, n integer)")
    second = service_into(mysql_source, directory, other, "second")
    done = second.run(expect=1)
    assert "an integer past 64 bits would lose digits" in done.stderr
    assert "18446744073709551615" in done.stderr and "item" in done.stderr


# ---- geometries ----

SHAPES = ["POINT(1.5 -2)", "LINESTRING(0 0,1 1,2.25 1e10)", "POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))",
          "MULTIPOINT(1 2,3 4)", "MULTILINESTRING((1 2,3 4),(5 6,7 8))",
          "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))",
          "GEOMETRYCOLLECTION(POINT(0.1 0.2),LINESTRING(1 2,3 4))"]


def fill_shapes(source):
    source.execute("create table item (id int primary key, g geometry, p point)")
    for number, shape in enumerate(SHAPES):
        srid = 0 if number % 2 else 3857
        source.execute("insert into item values (%s, st_geomfromtext(%s, %s), null)",
                       number, shape, srid)
    source.execute("update item set p = g where id = 0")


def ewkt(number):
    text = SHAPES[number].replace("1e10", "10000000000").replace("(1 2,3 4)", "((1 2),(3 4))") \
        if SHAPES[number].startswith("MULTIPOINT") else SHAPES[number].replace("1e10", "10000000000")
    return text if number % 2 else f"SRID=3857;{text}"


def shapes_of(target):
    """SRID and WKT of each row's geometry as the target (or its text) tells."""
    if target.kind == "sqlite":
        return [row[0] for row in target.query("select g from item order by id")]
    if target.kind == "mysql":
        rows = target.query("select st_srid(g), st_astext(g) from item order by id")
        return [(f"SRID={srid};" if srid else "")
                + text.replace("MULTIPOINT(1 2,3 4)", "MULTIPOINT((1 2),(3 4))")
                for srid, text in rows]
    return [row[0] for row in target.query("select g from item order by id")]


def expected_shapes(source, target):
    if target.kind != "postgres":
        return [ewkt(number) for number in range(len(SHAPES))]
    found = []
    for srid, wkb in source.query("select st_srid(g), lower(hex(st_aswkb(g))) from item order by id"):
        found.append(wkb if not srid else
                     wkb[:8] + "20" + srid.to_bytes(4, "little").hex() + wkb[10:])
    return found


def test_geometries_are_what_the_target_takes(each_mysql_source, target, directory):
    source = each_mysql_source
    fill_shapes(source)
    service = service_into(source, directory, target)
    service.run()
    assert shapes_of(target) == expected_shapes(source, target)
    assert "equal=1" in service.command("verify").stdout
    # one coordinate less
    target.execute("delete from item where id = 3")
    assert "different=1" in service.command("verify", expect=1).stdout
    service.command("verify", "--repair")
    assert shapes_of(target) == expected_shapes(source, target)


def test_blocks_with_geometries_are_replayed_into_every_other_kind(
        mysql_source, target, directory, request):
    fill_shapes(mysql_source)
    service = service_into(mysql_source, directory, target)
    service.run()
    for fixture in ("sqlite", "mysql", "postgres"):
        if fixture == target.kind:
            continue
        other = make_target(fixture, directory, request)
        try:
            other.execute({"sqlite": "create table item (id integer primary key, g text, p text)",
                           "mysql": "create table item (id int primary key, g geometry, p point)",
                           "postgres": "create table item (id int primary key, g text, p text)"}[fixture])
            second = Service(directory, other, "unused.jsonl", name=f"second_{fixture}")
            second.replay(service.blocks_directory)
            assert shapes_of(other) == expected_shapes(mysql_source, other), fixture
        finally:
            other.drop()


def make_target(kind, directory, request):
    import targets
    if kind == "sqlite":
        return targets.Sqlite(directory).another()
    server = request.getfixturevalue(f"{kind}_server" if kind == "postgres" else "mariadb_server")
    return (targets.PostgresTarget if kind == "postgres" else targets.MysqlTarget)(server)


def test_geometries_go_into_bytes_and_texts_of_mysql(mysql_source, target, directory):
    if target.kind != "mysql":
        pytest.skip("of MySQL")
    fill_shapes(mysql_source)
    target.execute("create table item (id int primary key, g longblob, p longtext)")
    service = service_into(mysql_source, directory, target)
    service.run()
    assert shapes_of(target) == expected_shapes(mysql_source, target)
    assert target.value("select p from item where id = 0") == \
        mysql_source.value("select lower(hex(p)) from item where id = 0")
    assert "equal=1" in service.command("verify").stdout
