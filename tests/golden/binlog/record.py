#!/usr/bin/python3
"""Record binary logs of real servers: tests/golden/binlog/record.py [NAME …]

Starts MariaDB and MySQL, runs each scenario below in a log file of its own, and writes NAME.binlog
into this directory. golden_binlog.c makes NAME.events of it with DRAY_GOLDEN_WRITE=1: read the
difference before it is committed, beside what the servers' own mysqlbinlog -vv says.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "integration"))

import servers  # noqa: E402  (found by the path above)

ITEM = [
    "create table item (id int unsigned primary key, name varchar(40), note text, price decimal(9,3),"
    " y year, big bigint unsigned, tiny tinyint, at datetime(3), seen timestamp null, raw blob,"
    " bits bit(11), mood enum('sad','so ''so''','Ü') not null default 'sad', tags set('a','b b','c'),"
    " plain char(3) character set latin1, f float, d double, t time(6), place point)",
]
ROWS = [
    "insert into item (id, name, note, price, y, big, tiny, at, seen, raw, bits, mood, tags, plain,"
    " f, d, t, place) values (1, 'one', 'first note', -12.345, 2024, 18446744073709551615, -128,"
    " '2024-02-29 12:34:56.789', '2024-02-29 12:34:56', x'00ff', b'10000000001', 'Ü', 'a,c', 'äöü',"
    " 1.1, 1e300, '-838:59:58.999999', st_geomfromtext('POINT(1 2)')),"
    " (2, null, '', 0, 0, 0, 126, null, null, '', b'0', 'sad', '', '', 0, -0.5, '00:00:00', null),"
    " (4000000000, 'emoji 😀', null, 999999.999, 1901, 5, 0, '9999-12-31 23:59:59.999', null, null,"
    " null, 'so ''so''', null, null, null, null, null, null)",
    "update item set name = 'uno', price = 7 where id = 1",
    "update item set id = 3, note = 'moved' where id = 2",
    "update item set tiny = tiny + 1 where id in (1, 3)",
    "delete from item where id = 3",
]
KEYS = [
    "create table pair (a varchar(30) not null, n int, b smallint unsigned not null, c int,"
    " primary key (b, a(5)))",
    "insert into pair values ('key', 1, 2, null)", "update pair set n = 2",
    "create table bare (x int, y varchar(300) character set utf16)",
    "insert into bare values (1, 'ä€'), (null, null)", "update bare set x = 5 where x = 1",
    "delete from bare",
]
# columns that are, or are not, among those whose character sets are told; two tables, as servers tell
# the sets either one by one or as exceptions of one
CHARSETS = [
    "create table few (p point, j json, y year, u int unsigned, a varchar(10) character set latin1,"
    " q polygon, b char(4), raw binary(3), e enum('x','y') character set latin1, vb varbinary(9),"
    " s set('m','n'), t text character set latin1, bl longblob, tiny tinyint unsigned, small smallint)",
    "insert into few (a, b, t, e, s, u, tiny, small, raw) values ('ä', 'ä', 'ö', 'y', 'n', 4e9, 255, -1,"
    " 'r')",
    "create table many (g geometry, a varchar(10), j json, b varchar(10) character set latin1,"
    " c text, d text, h point, e text character set utf16, f text, e1 enum('ä') character set latin1,"
    " s1 set('ä'), e2 enum('ü'))",
    "insert into many (a, b, c, d, e, f, e1, s1, e2) values ('ä', 'ä', 'ö', 'ö', 'é', 'é', 1, 1, 1)",
]
STATEMENTS = [
    "create table if not exists s (id int primary key, v varchar(20)) engine=innodb",
    "create or replace table s2 like s", "create table copied as select 1 as one, 'x' as two",
    "insert into s values (1, 'a')", "alter table s add column w int default 5, comment 'drop it'",
    "rename table s to s3, s2 to s4", "truncate s4", "truncate table s3 /* all */",
    "create index by_v on s3 (v)", "create view seen as select * from s3",
    "create trigger tr before insert on s3 for each row set new.w = 1",
    "create procedure p() begin insert into s3 values (9, 'z', 9); end",
    "create table parts (id int) partition by range (id) (partition p0 values less than (10),"
    " partition p1 values less than maxvalue)",
    "insert into parts values (1), (20)", "alter table parts truncate partition p0",
    "alter table parts drop partition p0", "create sequence numbers", "select nextval(numbers)",
    "drop sequence numbers", "analyze table s3", "optimize table s3", "flush tables",
    "set statement sort_buffer_size = 100000 for insert into s3 values (3, 'c', 3)",
    "create temporary table temp (a int)", "insert into temp values (1)",
    "drop temporary table temp", "create user u@localhost identified by 'secret'",
    "drop user u@localhost",
    "begin", "insert into s3 values (4, 'd', 4)", "savepoint here", "insert into s3 values (5, '', 5)",
    "rollback to here", "insert into s4 values (6, 'f')", "commit",
    "create table mem (a int) engine=memory", "insert into mem values (1)",
    "set session binlog_format = statement", "insert into s3 values (7, 'seven', 7)",
    "delete from s3 where id = 7", "set session binlog_format = row",
    "set session binlog_alter_two_phase = 1", "alter table s3 add column late int",
    "drop table if exists s3, s4, nothing", "drop view seen", "create database other",
    "drop database other",
]
VECTORS = [
    "create table v (v vector(2), a text character set latin1, b varchar(5), u bigint unsigned)",
    "insert into v values (string_to_vector('[1,2]'), 'ä', 'ä', 18446744073709551615)",
]
XA = [
    "create table x (id int primary key, v text)",
    "xa start 'one'", "insert into x values (1, 'a')", "xa end 'one'", "xa prepare 'one'",
    "xa commit 'one'",
    "xa start 'two','branch',7", "insert into x values (2, 'b')", "xa end 'two','branch',7",
    "xa prepare 'two','branch',7", "xa rollback 'two','branch',7",
    "xa start x'00ff27','',2147483647", "insert into x values (3, 'c')",
    "xa end x'00ff27','',2147483647", "xa commit x'00ff27','',2147483647 one phase",
]
JSON = [
    "create table doc (id int primary key, a json, n int, b json, c json)",
    "insert into doc values (1, '{\"x\": 1, \"y\": [1, 2, 3]}', 5,"
    " '{\"q\": \"abc\", \"z\": \"a long enough string here\"}', '[1, 2]'), (2, null, 0, 'null', '7')",
    "update doc set b = json_set(b, '$.q', 'xyw'), n = 7 where id = 1",
    "update doc set b = json_remove(b, '$.q'), a = json_array_append(a, '$.y', 4) where id = 1",
    "update doc set a = json_set(a, '$.new', json_array(1.5, true, null, 'é')), c = '{}' where id = 1",
    "set session binlog_row_image = NOBLOB",
    "update doc set b = json_set(b, '$.z', 'new') where id = 1",
    "update doc set n = 9 where id = 1", "update doc set a = '{}' where id = 2",
    "delete from doc where id = 2",
]
PAYLOAD = [
    "create table big (id int primary key, v varchar(2000), w int)",
    "begin", *[f"insert into big values ({i}, repeat('row {i} ', 50), {i})" for i in range(12)],
    "update big set w = w + 1", "delete from big where id > 9", "commit",
    "insert into big values (100, 'alone', 1)",
]
COMPRESSED = [
    "create table packed (id int primary key, v varchar(2000) compressed, w text compressed,"
    " plain varchar(500))",
    "insert into packed values (1, repeat('abc', 200), repeat('x', 300), repeat('plain', 90)),"
    " (2, 'short', '', null)",
    "update packed set plain = repeat('other', 80)", "delete from packed where id = 2",
    "set session column_compression_zlib_wrap = 1",
    "insert into packed values (3, repeat('def', 200), null, 'p')",
]
TAGGED = [
    "create table t (id int primary key)", "insert into t values (1)",
    "set gtid_next = 'AUTOMATIC:nightly'", "insert into t values (2)", "insert into t values (3)",
    "set gtid_next = 'AUTOMATIC'", "insert into t values (4)",
    "set gtid_next = '00112233-4455-6677-8899-aabbccddeeff:other_tag_1:77'",
    "insert into t values (5)", "set gtid_next = 'AUTOMATIC'",
    # the next file says in front what all of these are
    "flush binary logs", "insert into t values (6)",
]

# name: (server, global variables, session variables, statements)
SCENARIOS = {
    "mariadb_full": ("mariadb", {"binlog_checksum": "CRC32", "binlog_row_metadata": "FULL"},
                     {"binlog_row_image": "FULL"}, ITEM + ROWS + KEYS + CHARSETS),
    "mariadb_minimal": ("mariadb", {"binlog_checksum": "NONE", "binlog_row_metadata": "NO_LOG"},
                        {"binlog_row_image": "MINIMAL"}, ITEM + ROWS + KEYS),
    "mariadb_noblob": ("mariadb", {"binlog_checksum": "CRC32", "binlog_row_metadata": "MINIMAL"},
                       {"binlog_row_image": "NOBLOB"}, ITEM + ROWS),
    "mariadb_compressed": ("mariadb", {"binlog_checksum": "CRC32", "binlog_row_metadata": "FULL",
                                       "log_bin_compress": "1", "log_bin_compress_min_len": "10"},
                           {}, COMPRESSED),
    "mariadb_statements": ("mariadb", {"binlog_row_metadata": "NO_LOG"}, {}, STATEMENTS),
    "mariadb_xa": ("mariadb", {"binlog_row_metadata": "NO_LOG"}, {}, XA),
    "mysql_full": ("mysql", {"binlog_checksum": "CRC32", "binlog_row_metadata": "FULL"},
                   {"binlog_row_image": "FULL"}, ITEM + ROWS + KEYS + CHARSETS + VECTORS),
    "mysql_json": ("mysql", {"binlog_checksum": "CRC32", "binlog_row_metadata": "FULL"},
                   {"binlog_row_value_options": "PARTIAL_JSON"}, JSON),
    "mysql_payload": ("mysql", {"binlog_checksum": "CRC32", "binlog_row_metadata": "MINIMAL"},
                      {"binlog_transaction_compression": "ON"}, PAYLOAD),
    "mysql_tagged": ("mysql", {"binlog_row_metadata": "MINIMAL"}, {}, TAGGED),
    "mysql_xa": ("mysql", {"binlog_row_metadata": "MINIMAL"}, {}, XA),
    # last: without GTIDs from here on
    "mysql_minimal": ("mysql", {"binlog_checksum": "NONE", "binlog_row_metadata": "MINIMAL",
                                "gtid_mode": ["ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF"]},
                      {"binlog_row_image": "MINIMAL", "binlog_rows_query_log_events": "1"},
                      ITEM + ROWS + KEYS),
}
DEFAULTS = {"mariadb": {"log_bin_compress": "0", "binlog_checksum": "CRC32"},
            "mysql": {"binlog_checksum": "CRC32"}}


def start(kind):
    if kind == "mariadb":
        return servers.MariaDB(**{"skip-log-bin": False, "log-bin": "log", "server-id": "7",
                                  "binlog-format": "ROW"})
    return servers.MySQL(**{"skip-log-bin": False, "log-bin": "log", "server-id": "8",
                            "gtid-mode": "ON", "enforce-gtid-consistency": "ON"})


def set_globals(cursor, variables):
    for name, values in variables.items():
        for value in values if isinstance(values, list) else [values]:
            cursor.execute(f"set global {name} = {value}")


def record(server, name, settings):
    kind, variables, session, statements = settings
    connection = server.connect()
    cursor = connection.cursor()
    set_globals(cursor, DEFAULTS[kind])
    set_globals(cursor, variables)
    cursor.execute(f"create database {name}")
    cursor.execute("flush binary logs")
    connection.close()
    # with the new global variables
    connection = server.connect(name)
    cursor = connection.cursor()
    cursor.execute("set timestamp = 1700000000.5, time_zone = '+00:00'")
    for variable, value in session.items():
        cursor.execute(f"set session {variable} = {value}")
    for statement in statements:
        cursor.execute(statement)
    cursor.execute("show binary logs")
    last = int(cursor.fetchall()[-1][0].rsplit(".", 1)[1])
    cursor.execute("flush binary logs")
    connection.close()
    files = 1 + statements.count("flush binary logs")
    with open(os.path.join(HERE, f"{name}.binlog"), "wb") as file:
        for number in range(last - files + 1, last + 1):
            with open(os.path.join(server.data, f"log.{number:06}"), "rb") as log:
                # one file of all: the magic number stands in front once
                file.write(log.read()[file.tell() and 4:])


def main():
    wanted = sys.argv[1:] or list(SCENARIOS)
    for kind in ("mariadb", "mysql"):
        names = [name for name in wanted if SCENARIOS[name][0] == kind]
        if not names:
            continue
        server = start(kind)
        try:
            for name in names:
                record(server, name, SCENARIOS[name])
                print(name)
        finally:
            server.remove()


if __name__ == "__main__":
    main()
