#!/usr/bin/python3
"""Record pgoutput messages of a real server: tests/golden/pgoutput/record.py

Starts a server of its own, runs each scenario below, and writes into this directory
    NAME.stream   the messages, each with its length (4 bytes, big-endian) in front
    NAME.types    what the catalogue says: "type <oid> <modifier> <format_type> <base type> <length>"
                  and "key <table's oid> <column>", with tabs between
Read the difference of NAME.events (DRAY_GOLDEN_WRITE=1) before it is committed.
"""
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))

import servers  # noqa: E402  (found by the path above)

SETTINGS = ("set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres';"
            "set extra_float_digits = 3; set bytea_output = 'hex'; set search_path = ''")

SCENARIOS = {
    "changes": [
        "create table item (id int primary key, name text, note varchar(20))",
        "insert into item values (1, 'a', null), (2, 'quote '' \" \\ , ü €', '')",
        "update item set name = 'b' where id = 1",
        "update item set id = 10 where id = 1",
        "delete from item where id = 2",
        ["insert into item values (3, 'one', 'x')", "savepoint s", "delete from item",
         "rollback to s", "update item set note = 'y' where id = 3"],
        "truncate item",
    ],
    "identities": [
        "create table full_key (id int primary key, t text)",
        "alter table full_key replica identity full",
        "create table full_none (a int, b text)",
        "alter table full_none replica identity full",
        "create table by_index (a int, b text not null, c text)",
        "create unique index by_index_b on by_index (b)",
        "alter table by_index replica identity using index by_index_b",
        "create table by_nothing (a int primary key, b text)",
        "alter table by_nothing replica identity nothing",
        "insert into full_key values (1, 'a'), (2, null)",
        "update full_key set t = 'b'", "update full_key set id = id + 10",
        "delete from full_key where id = 11",
        "insert into full_none values (1, null), (null, 'x')",
        "update full_none set b = 'y'", "delete from full_none where a is null",
        "insert into by_index values (1, 'k', 'c')", "update by_index set c = 'd'",
        "update by_index set b = 'l'", "delete from by_index",
        "insert into by_nothing values (1, 'x')",
    ],
    "unchanged": [
        "create table doc (id int primary key, body text, n int, raw bytea)",
        "alter table doc alter body set storage external, alter raw set storage external",
        "insert into doc values (1, repeat('a', 2100), 1, decode(repeat('00ff', 1100), 'hex'))",
        "update doc set n = 2", "update doc set id = 2", "update doc set body = 'short'",
        "alter table doc replica identity full",
        "update doc set body = repeat('b', 2100)", "update doc set n = 3",
    ],
    "ddl": [
        "create table t (id int primary key, a text)",
        ["insert into t values (1, 'x')", "alter table t add b numeric(10,2) default 7",
         "insert into t values (2, 'y', 1.50)", "alter table t rename a to c",
         "update t set c = 'z'", "alter table t drop b",
         "insert into t values (3, 'w')", "alter table t alter c type varchar(8)",
         "insert into t values (4, 'v')"],
        "create table later (id int primary key)", "insert into later values (1)",
    ],
    "truncates": [
        "create table parent (id int primary key)",
        "create table child (id serial primary key, p int references parent)",
        "insert into parent values (1)", "insert into child (p) values (1)",
        "truncate parent restart identity cascade",
    ],
    "types": [
        "create type mood as enum ('sad', 'it''s ok')",
        "create type pair as (a int, b text)",
        "create domain positive as numeric(8,3) check (value > 0)",
        "create domain inner_raw as bytea", "create domain raw as inner_raw not null",
        "create table every (id int primary key, b bool, s smallint, l bigint, n numeric,"
        " r real, d double precision, m money, t text, v varchar(7), c char(5), y bytea,"
        " da date, ti time(3), tz timetz, ts timestamp, tt timestamptz, iv interval, j json,"
        " jb jsonb, u uuid, ip inet, ci cidr, ma macaddr, bi bit(4), vb varbit, tv tsvector,"
        " x xml, pt point, bx box, ra int4range, mr int4multirange, a int[], aa text[], ya bytea[],"
        " e mood, p pair, do1 positive, do2 raw, o oid, ch \"char\", g int generated always as"
        " identity, gs int generated always as (1 + 1) stored)",
        "insert into every values (1, true, -32768, 9223372036854775807, 'NaN', '-infinity', 1e-300,"
        " 12.5, E'tab\\there', 'v', 'c', '\\x00ff', '0044-03-15 BC', '23:59:59.5',"
        " '12:00+05:30', 'infinity', '2026-03-01 12:00+02', '1 year -2 mons 3 days 04:05:06.7',"
        " '{ \"a\" : 1 }', '{ \"a\" : 1.0 }', '00000000-0000-0000-0000-00000000000a', '10.0.0.1/8',"
        " '10.0.0.0/8', '08:00:2b:01:02:03', B'0101', B'1', 'a fat cat', '<a>b</a>', '(1,2)',"
        " '((0,0),(1,1))', '[1,5)', '{[1,2),[5,9)}', '{{1,2},{3,NULL}}', '{\"a,b\",\"\",NULL}',"
        " array['\\x00'::bytea], 'it''s ok', row(1, 'x y'), 1.5, '\\x01', 42, 'q')",
        "insert into every (id, do2) values (2, '\\x')",
    ],
}


def scenario(server, name, statements):
    connection = server.connect()
    connection.cursor().execute(f"create database {name}")
    connection.close()
    connection = server.connect(name)
    cursor = connection.cursor()
    cursor.execute("create publication p for all tables")
    cursor.execute(f"select pg_create_logical_replication_slot('s_{name}', 'pgoutput')")
    for statement in statements:
        if isinstance(statement, list):
            statement = "; ".join(["begin", *statement, "commit"])
        cursor.execute(statement)
    cursor.execute(SETTINGS)
    cursor.execute(f"select data from pg_logical_slot_get_binary_changes('s_{name}', null, null,"
                   " 'proto_version', '1', 'publication_names', 'p')")
    with open(os.path.join(HERE, f"{name}.stream"), "wb") as file:
        for (data,) in cursor.fetchall():
            file.write(struct.pack(">I", len(data)) + bytes(data))
    with open(os.path.join(HERE, f"{name}.types"), "w", encoding="utf-8") as file:
        cursor.execute(
            "with recursive w as (select distinct atttypid type, m modifier from pg_attribute,"
            " lateral (values (atttypmod), (-1)) as v (m) where attrelid >= 16384 and attnum > 0"
            " and not attisdropped union values (23::oid, -1), (25, -1), (1700, 655366)), b as (select w.type, w.modifier, t.oid, w.modifier as m,"
            " t.typtype, t.typbasetype, t.typtypmod, t.typlen from w join pg_type t on t.oid = type"
            " union all select b.type, b.modifier, t.oid, b.typtypmod, t.typtype, t.typbasetype,"
            " t.typtypmod, t.typlen from b join pg_type t on t.oid = b.typbasetype"
            " where b.typtype = 'd') select type, modifier, format_type(type, modifier),"
            " format_type(oid, m), typlen from b where typtype <> 'd' order by 1, 2")
        for row in cursor.fetchall():
            file.write("type\t" + "\t".join(map(str, row)) + "\n")
        cursor.execute(
            "select indrelid, attname from pg_index join pg_attribute on attrelid = indrelid and"
            " attnum = any(indkey) where indisprimary and indrelid >= 16384 order by 1, 2")
        for row in cursor.fetchall():
            file.write("key\t" + "\t".join(map(str, row)) + "\n")
    connection.close()


def main():
    server = servers.Postgres()
    try:
        for name, statements in SCENARIOS.items():
            scenario(server, name, statements)
    finally:
        server.remove()


main()
