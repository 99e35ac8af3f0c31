"""dray ddl and create_tables: all: tables made from the catalogue of MariaDB and MySQL."""
import os

import pytest

from mysql_source import (each_mysql_source, file_target, mysql_source,  # fixtures  # noqa: F401
                          mysql_source_server, real_mysql_server)
from service import Service

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "ddl")

TYPES = [
    "tinyint", "tinyint(1)", "tinyint unsigned", "smallint", "smallint unsigned", "mediumint",
    "mediumint unsigned", "int", "int unsigned zerofill", "bigint", "bigint unsigned", "boolean",
    "decimal(65,30)", "decimal(30,30)", "decimal(10,2) unsigned", "decimal", "float", "float(7,4)",
    "float unsigned", "double", "double(12,3)", "bit", "bit(64)",
    "date", "time", "time(6)", "datetime", "datetime(3)", "datetime(6)", "timestamp null",
    "timestamp(6) null", "year",
    "char", "char(0)", "char(255)", "varchar(0)", "varchar(20)", "varchar(1024)",
    "varchar(1025)", "varchar(12000)", "varchar(200) character set latin1",
    "char(10) character set utf16", "tinytext", "text", "mediumtext", "longtext",
    "text character set latin1",
    "binary", "binary(16)", "binary(255)", "varbinary(20)", "varbinary(5000)", "tinyblob",
    "blob", "mediumblob", "longblob",
    "enum('a','it''s','b c')", "set('x','y','z')", "json",
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring",
    "multipolygon", "geometrycollection",
]
OF_MARIADB = ["uuid", "inet6", "inet4"]
OF_MYSQL = ["vector(3)"]


def types_of(source):
    return TYPES + (OF_MARIADB if source.is_mariadb else OF_MYSQL)


def make_types_table(source):
    names = [f"c{i:02}" for i in range(len(types_of(source)))]
    source.execute("create table types (id int primary key, " + ", ".join(
        f"{name} {kind}" for name, kind in zip(names, types_of(source))) + ")")
    return names


def service_on(source, directory, target, **options):
    made = Service(directory, target, "unused.jsonl")
    made.options["source"] = source.options()
    made.last_rule = {"match": "*", "target": "%%TABLE%%"}
    made.options.update(options)
    return made


def columns_of(target, table):
    """name -> type of a target's table"""
    if target.kind == "sqlite":
        return {row[1]: row[2] for row in target.query(f'pragma table_info("{table}")')}
    if target.kind == "postgres":
        return dict(target.query(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped", f'"{table}"'))
    return dict(target.query("select column_name, column_type from information_schema.columns"
                             " where table_schema = database() and table_name = %s", table))


def test_every_type_gets_a_table_in_every_target(each_mysql_source, target, directory):
    source = each_mysql_source
    names = make_types_table(source)
    ddl = service_on(source, directory, target)
    done = ddl.command("ddl", "--execute")
    assert done.stdout.count("made     ") == 2, done.stdout
    assert list(columns_of(target, "types")) == ["id", *names]
    assert list(columns_of(target, "stage_types"))[-len(names):] == names
    # what was made is what the mapping says: nothing differs, nothing lacks
    again = ddl.command("ddl", "--execute")
    assert again.stdout.count("exists   ") == 2 and "differs" not in again.stdout, again.stdout


def expected_text(source, directory, target, kind):
    """What dray ddl prints for another target, without the paths of this test."""
    ddl = service_on(source, directory, target)
    done = ddl.command("ddl", "--target", kind, "--accept-loss")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("-- ")]
    return "\n".join(lines).replace(source.name, "shop") + "\n"


def test_the_text_for_every_target_is_the_golden_one(mysql_source, file_target, directory):
    source = mysql_source
    make_types_table(source)
    source.execute("create table keys_of_types (a varchar(300), b char(5), c enum('x'), "
                   "d bigint unsigned, e timestamp null, f binary(4), g varchar(20) as (b), "
                   "primary key (b, c, d, f))")
    for kind in ("postgres", "mysql", "sqlite", "vertica", "redshift", "clickhouse"):
        text = expected_text(source, directory, file_target, kind)
        path = os.path.join(GOLDEN, f"from-mysql-{kind}.sql")
        if os.environ.get("DRAY_WRITE_GOLDEN"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        with open(path, encoding="utf-8") as file:
            assert text == file.read(), kind


def test_keys_that_may_not_fit_are_told_before_anything_is_made(mysql_source, target, directory):
    source = mysql_source
    source.execute("create table a (name text, b varchar(1000), primary key (name(20)))")
    source.execute("create table b (name varchar(900) character set latin1 primary key)")
    ddl = service_on(source, directory, target)
    ddl.rules = [{"match": f"{source.name}.a", "target": "a", "key": ["name"]}]
    if target.kind != "mysql":
        ddl.command("ddl", "--execute")
        return
    done = ddl.command("ddl", "--execute", expect=1)
    assert "2 columns may lose values or refuse them" in done.stderr
    assert "a key of more than 190 characters stops the service" in done.stdout
    assert "a key of more than 768 characters stops the service" in done.stdout
    ddl.command("ddl", "--execute", "--accept-loss")
    assert columns_of(target, "a") == {"name": "varchar(190)", "b": "varchar(1000)"}
    assert columns_of(target, "b") == {"name": "varchar(768)"}


def test_tables_that_the_service_makes_take_rows_of_every_type(each_mysql_source, target, directory):
    source = each_mysql_source
    names = make_types_table(source)
    source.execute("insert into types (id) values (1)")
    service = source.service(directory, target)
    service.options["target"]["create_tables"] = "all"
    service.run()
    assert list(columns_of(target, "types")) == ["id", *names]
    assert target.value("select count(*) from types where c00 is null and c66 is null") == 1
