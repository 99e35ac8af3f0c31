#!/usr/bin/python3
"""Record the events of a real PgQ queue: tests/golden/pgq/record.py

Starts a PostgreSQL of its own with the extension pgq, runs each scenario below in a database of its
own, and writes into this directory
    NAME.queue    the events of one batch, as COPY (batch_event_sql()) TO STDOUT gives them: ev_id,
                  ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1 to ev_extra4
    NAME.types    what the catalogue says: table, column, type (of a domain its base type)
    NAME.rows     what the server itself shows of the rows in the session that other sources have
                  (UTC, ISO ...): ev_id, column, value; of tables with a column id, for I and U
all in COPY's text format. Read the difference of NAME.events (DRAY_GOLDEN_WRITE=1) before it is
committed. ev_time and ev_txid are another recording's each time.
"""
import io
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))

import servers  # noqa: E402  (found by the path above)

CANONICAL = ("set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres';"
             "set extra_float_digits = 3; set bytea_output = 'hex'")

EVERY = [
    "create type mood as enum ('sad', 'it''s ok')",
    "create type pair as (a int, b text)",
    "create domain positive as numeric(8,3) check (value > 0)",
    "create domain raw as bytea", "create domain flag as bool", "create domain big as int8",
    "create domain day as date", "create domain stamp as timestamptz",
    "create domain plain as timestamp", "create domain word as text",
    "create table every (id int primary key, b bool, s smallint, l bigint, n numeric,"
    " r real, d double precision, m money, t text, v varchar(7), c char(5), y bytea,"
    " da date, ti time(3), tz timetz, ts timestamp, tt timestamptz, iv interval, j json,"
    " jb jsonb, u uuid, ip inet, ci cidr, ma macaddr, bi bit(4), vb varbit, tv tsvector,"
    " x xml, pt point, bx box, ra int4range, mr int4multirange, a int[], aa text[], ab bool[],"
    " e mood, p pair, do1 positive, do2 raw, do3 flag, do4 big, do5 day, do6 stamp, do7 plain,"
    " do8 word, o oid, ch \"char\", g int generated always as identity,"
    " gs int generated always as (1 + 1) stored)",
]
EVERY_ROW = (
    "insert into every values (1, true, -32768, 9223372036854775807, 'NaN', '-infinity', 1e-300,"
    " 12.5, E'tab\\there', 'v', 'c', '\\x00ff5c41', '0044-03-15 BC', '23:59:59.5',"
    " '12:00+05:30', 'infinity', '2026-03-01 12:00+02', '1 year -2 mons 3 days 04:05:06.7',"
    " '{ \"a\" : 1 }', '{ \"a\" : 1.0 }', '00000000-0000-0000-0000-00000000000a', '10.0.0.1/8',"
    " '10.0.0.0/8', '08:00:2b:01:02:03', B'0101', B'1', 'a fat cat', '<a>b</a>', '(1,2)',"
    " '((0,0),(1,1))', '[1,5)', '{[1,2),[5,9)}', '{{1,2},{3,NULL}}', '{\"a,b\",\"\",NULL}',"
    " '{t,f}', 'it''s ok', row(1, 'x y'), 1.5, '\\x01', false, -7, '2024-02-29',"
    " '2024-07-01 00:00:00.000001+00', '1999-12-31 23:59:59.9', E'\\b\\f\\n\\r\\t\"\\\\/', 42, 'q')")
MORE_ROWS = [
    "insert into every (id) values (2)",
    "insert into every (id, t, v, c, y, do8) values (3, '', '', '', '', '')",
    # every year's end, in both eras and at their limits
    "insert into every (id, da, ts, tt, do6) values (4, '4713-01-01 BC', '4713-01-01 00:00 BC',"
    " '4713-01-02 00:00+00 BC', '0001-12-31 23:59:59.999999+00 BC')",
    "insert into every (id, da, ts, tt, do6) values (5, '5874897-12-31',"
    " '294276-12-31 23:59:59.999999', '294276-12-30 23:59:59.999999+00', '10000-01-01 00:00+00')",
    "insert into every (id, da, ts, tt, do5, do6, do7) values (6, 'infinity', '-infinity',"
    " '-infinity', '-infinity', 'infinity', 'infinity')",
    "insert into every (id, ti, tz, tt, iv) values (7, '24:00', '24:00+00',"
    " '2024-03-10 07:00:00+00', '-1 year 1 day -00:00:00.000001')",
    # an offset with seconds, in zones that have had one
    "insert into every (id, tt, do6, iv) values (8, '1800-01-01 00:00+00', '0001-01-01 00:00+00',"
    " '0')",
    "insert into every (id, n, r, d) values (9, 1e-20, 0.1, 0.30000000000000004),"
    " (10, 123456789012345678901234567890.123456789, 'NaN', 'Infinity'), (11, -0.0, '-0', '-0')",
    "insert into every (id, b, do3, tt) values (12, false, true, '9999-12-31 22:00+00')",
    "update every set tt = '2024-11-03 05:30:00+00', l = -9223372036854775808 where id = 2",
    "delete from every where id = 4",
    "delete from every where id = 1",
]
SESSIONS = [
    "set timezone = 'America/New_York'; set bytea_output = 'escape'; set datestyle = 'ISO, DMY'",
    "set timezone = 'Asia/Kathmandu'; set extra_float_digits = 3",
    "set timezone = 'Europe/Amsterdam'; set bytea_output = 'hex'",
    "set timezone = 'UTC'",
]


def every(function):
    yield from EVERY
    yield (f"create trigger t after insert or update or delete on every for each row"
           f" execute function pgq.{function}('q')")
    for session in SESSIONS:
        yield session
        yield EVERY_ROW
        yield from MORE_ROWS
        yield "delete from every"


def trigger(table, function, *arguments, when="insert or update or delete", row="row"):
    TRIGGER_NUMBER[0] += 1
    parameters = ", ".join("'" + a.replace("'", "''") + "'" for a in ("q", *arguments))
    return (f"create trigger t{TRIGGER_NUMBER[0]} after {when} on {table} for each {row}"
            f" execute function pgq.{function}({parameters})")


TRIGGER_NUMBER = [0]


def truncate_trigger(table, function):
    return trigger(table, function, when="truncate", row="statement")


def rows_and_names(function):
    """Names, NULLs, every byte, keys, and the triggers' arguments."""
    yield "create table item (id int primary key, name text, note varchar(20))"
    yield trigger("item", function)
    yield truncate_trigger("item", function)
    yield "insert into item values (1, 'a b+c', null), (2, 'quote '' \" \\ , ü € 😀', '')"
    yield ("insert into item select 3, string_agg(chr(c), '' order by c)"
           " from generate_series(1, 255) c")
    yield "update item set name = 'b' where id = 1"
    yield "update item set name = 'b' where id = 1"
    yield "delete from item where id = 2"
    yield ["insert into item values (4, 'one', 'x')", "savepoint s", "delete from item",
           "rollback to s", "update item set note = 'y' where id = 4"]
    yield "truncate item"
    yield 'create schema "Odd.Sch ""ema"'
    yield ('create table "Odd.Sch ""ema"."a.b ""c""" ("My Key" int, "k,2" text, "Größe=&%+" text,'
           ' "it\'s" text, primary key ("k,2", "My Key"))')
    yield trigger('"Odd.Sch ""ema"."a.b ""c"""', function)
    yield truncate_trigger('"Odd.Sch ""ema"."a.b ""c"""', function)
    yield ("insert into \"Odd.Sch \"\"ema\".\"a.b \"\"c\"\"\" values (1, 'x', '=&%+', null),"
           " (2, '', null, '')")
    yield "update \"Odd.Sch \"\"ema\".\"a.b \"\"c\"\"\" set \"it's\" = 'y' where \"My Key\" = 1"
    yield "delete from \"Odd.Sch \"\"ema\".\"a.b \"\"c\"\"\" where \"My Key\" = 2"
    yield "truncate \"Odd.Sch \"\"ema\".\"a.b \"\"c\"\"\""
    yield 'create table commas ("a,b" int, a int, b int, c int, primary key ("a,b", c))'
    yield trigger("commas", function)
    yield "insert into commas values (1, 2, 3, 4)"
    yield "create table kept (id int primary key, a text, b text)"
    yield trigger("kept", function, "backup")
    yield "insert into kept values (1, 'x', null), (2, '', 'y')"
    yield "update kept set a = 'z' where id = 1"
    yield "update kept set a = null, b = '' where id = 2"
    yield "delete from kept"
    yield "create table chosen (id int primary key, a text, b text not null, secret text)"
    yield trigger("chosen", function, "pkey=b, a", "ignore=secret,id")
    yield "insert into chosen values (1, 'x', 'y', 'never seen')"
    yield "update chosen set secret = 'nor this'"
    yield "update chosen set secret = 'nor this', id = 2"
    yield "delete from chosen"
    yield "create table bare (a int, b text)"
    yield trigger("bare", function)
    yield "insert into bare values (1, null), (null, '')"
    yield "create table nothing ()"
    yield trigger("nothing", function)
    yield "insert into nothing default values"
    yield ("create table said (id int primary key, a text, _pgq_ev_extra2 text,"
           " _pgq_ev_extra3 text default 'three', _pgq_ev_extra4 text)")
    yield trigger("said", function)
    yield "insert into said values (1, 'x', 'a note', 'third', 'fourth')"
    yield "update said set a = 'y', _pgq_ev_extra2 = 'a note'"
    yield ("create table typed (id int primary key, a text, _pgq_ev_type text default 'typed')")
    yield trigger("typed", function)
    yield "insert into typed values (1, 'x')"
    yield "create table told (id int primary key, a text)"
    yield trigger("told", function, "when=id > 1", "ev_extra3=a || '!'", "ev_extra1='else.where'")
    yield "insert into told values (1, 'x'), (2, 'y')"
    yield "create table parts (id int primary key, a text) partition by range (id)"
    yield "create table parts_1 partition of parts for values from (0) to (10)"
    yield "create table parts_2 partition of parts for values from (10) to (20)"
    yield trigger("parts", function)
    yield "insert into parts values (1, 'x'), (11, 'y')"
    yield "alter table item drop note, add later int default 7"
    yield "insert into item values (5, 'z')"


SCENARIOS = {
    "logutriga": list(rows_and_names("logutriga")),
    "jsontriga": list(rows_and_names("jsontriga")),
    "types_logutriga": list(every("logutriga")),
    "types_jsontriga": list(every("jsontriga")),
    # sessions whose texts cannot be told, and what of them can
    "styles": [
        "create domain day as date", "create domain moment as timestamptz",
        "create table style (id int primary key, d date, ts timestamp, tt timestamptz, iv interval,"
        " do1 day, do2 moment, ti time, tz timetz, f float8, y bytea, rt tstzrange, at date[])",
        trigger("style", "logutriga"), trigger("style", "jsontriga"),
        "set timezone = 'America/New_York'",
        *[statement for number, setting in enumerate([
            "datestyle = 'SQL, MDY'", "datestyle = 'SQL, DMY'", "datestyle = 'German'",
            "datestyle = 'Postgres, MDY'", "datestyle = 'Postgres, DMY'",
            "datestyle = 'ISO'; set intervalstyle = 'sql_standard'",
            "intervalstyle = 'postgres_verbose'", "intervalstyle = 'iso_8601'",
            "intervalstyle = 'postgres'; set extra_float_digits = 0",
            "bytea_output = 'escape'"])
            for statement in (f"set {setting}", f"insert into style values ({number}, '2024-06-01',"
                              " '2024-06-01 08:00', '2024-06-01 08:00-04', '1 mon 2 days 03:04:05',"
                              " '2024-06-01', '2024-06-01 08:00-04', '08:00', '08:00+02',"
                              " 0.1::float8 + 0.2, '\\x5cff41', '[2024-06-01,)', '{2024-06-01}')")],
        "insert into style (id, d, tt, iv) values (100, 'infinity', '-infinity', '0')",
        "set intervalstyle = 'sql_standard'",
        "insert into style (id, iv) values (101, '0'), (102, '14:05:06'), (103, '4:05:06'),"
        " (104, '1 year'), (105, '-1 day')",
    ],
    # what others put into the queue
    "others": [
        "create table item (id int, part text, a text, primary key (part, id))",
        trigger("item", "sqltriga"), truncate_trigger("item", "sqltriga"),
        "insert into item values (1, 'x', null), (2, 'it''s', 'y')", "update item set a = 'z'",
        "delete from item where id = 1", "truncate item",
        "select pgq.insert_event('q', 'I', 'id=1&a=x+y', 's.t', 'id', null, null)",
        "select pgq.insert_event('q', 'U', 'id=1&a', 's.t', 'id,a', null, null)",
        "select pgq.insert_event('q', 'U:id', 'id=2&a=x', 's.t', 'id=1&a=x', null, null)",
        "select pgq.insert_event('q', 'D', 'id=1', 't', 'id', null, null)",
        "select pgq.insert_event('q', 'welcome', '{\"to\": \"ann\"}')",
        "select pgq.insert_event('q', 'U:id', 'broken=%', 's.t', null, null, null)",
        "select pgq.insert_event('q', null, null)",
    ],
}
LATIN1 = [
    "create table item (id int primary key, a text, ü text)", trigger("item", "logutriga"),
    trigger("item", "jsontriga"), "insert into item values (1, 'é', '')",
]


def copied(cursor, query):
    out = io.StringIO()
    cursor.copy_expert(f"copy ({query}) to stdout", out)
    return out.getvalue()


def record_row(cursor, columns, event, out):
    """What the server shows of the row that the event is about."""
    ev_id, ev_type, ev_data, table = event
    key = re.search(r'(?:^|&|")id(?:=|":)(\d+)', ev_data or "")
    if not re.match(r'[IU]|{"op":"(INSERT|UPDATE)', ev_type or "") or table not in columns \
            or "id" not in columns[table] or not key:
        return
    row = copied(cursor, f"select * from {table} where id = {key[1]}")
    for name, value in zip(columns[table], row[:-1].split("\t")) if row else []:
        out.write(f"{ev_id}\t{name}\t{value}\n")


def read_columns(cursor):
    cursor.execute("select attrelid::regclass::text, array_agg(attname::text order by attnum)"
                   " from pg_attribute join pg_class on pg_class.oid = attrelid where"
                   " relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and attnum > 0"
                   " and not attisdropped group by 1")
    return {f"public.{table}": names for table, names in cursor.fetchall()}


TYPES = ("select nspname || '.' || relname, attname, format_type(case typtype when 'd' then"
         " typbasetype else atttypid end, -1) from pg_attribute join pg_type on pg_type.oid ="
         " atttypid join pg_class on pg_class.oid = attrelid join pg_namespace on"
         " pg_namespace.oid = relnamespace where attrelid >= 16384 and relkind in ('r', 'p') and"
         " attnum > 0 and not attisdropped and nspname not in ('pgq', 'pg_toast') order by"
         " attrelid, attnum")


def scenario(server, name, statements, options=""):
    connection = server.connect()
    connection.cursor().execute(f"create database {name} {options}")
    connection.close()
    writer = server.connect(name)
    writer.set_client_encoding("UTF8")
    reader = server.connect(name)
    reader.set_client_encoding("UTF8")
    cursor, look = writer.cursor(), reader.cursor()
    cursor.execute("create extension pgq; select pgq.create_queue('q');"
                   " select pgq.register_consumer('q', 'recorder')")
    cursor.execute("select queue_data_pfx from pgq.queue")
    events = cursor.fetchone()[0]
    look.execute(CANONICAL)
    last = 0
    with open(os.path.join(HERE, f"{name}.rows"), "w", encoding="utf-8") as out:
        for statement in statements:
            if isinstance(statement, list):
                statement = "; ".join(["begin", *statement, "commit"])
            cursor.execute(statement)
            columns = read_columns(look)
            look.execute(f"select ev_id, ev_type, ev_data, ev_extra1 from {events} where ev_id > %s"
                         " order by ev_id", (last,))
            for event in look.fetchall():
                last = event[0]
                record_row(look, columns, event, out)
    look.execute("select pgq.force_tick('q'); select pgq.ticker('q')")
    look.execute("select pgq.batch_event_sql(pgq.next_batch('q', 'recorder'))")
    sql = look.fetchone()[0]
    for suffix, query in (("queue", sql), ("types", TYPES)):
        with open(os.path.join(HERE, f"{name}.{suffix}"), "w", encoding="utf-8") as out:
            out.write(copied(look, query))
    writer.close()
    reader.close()


def main():
    server = servers.Postgres()
    try:
        for name, statements in SCENARIOS.items():
            scenario(server, name, statements)
        scenario(server, "latin1", LATIN1,
                 "encoding 'LATIN1' locale 'C' template template0")
    finally:
        server.remove()


main()
