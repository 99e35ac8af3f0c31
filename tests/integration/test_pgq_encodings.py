"""Source databases that are not UTF-8: logutriga writes their bytes, which come as UTF-8 all the same.

Each case is one source database of that encoding, with the real trigger and its "backup", and a
warehouse in SQLite; the tables' and columns' names are not ASCII either.
"""
import pytest

import targets
from pgq_source import PgqSource, pgq_server  # noqa: F401

BAD_DATA = 1

# encoding, a table's name, a column's name, values that the encoding has
CASES = {
    "LATIN1": ("preis", "größe", ["café", "ÄÖÜ äöü ß", "Ã©", "£ ¥ §", "x" * 30 + "é" * 3000,
                                  "a&b=c%41+d é", "\n\t\\ é"]),
    "EUC_JP": ("商品", "名前", ["日本語", "ｱｲｳ カナ", "丂丄", "ABC 漢字 abc", "～ － ∥ ￠",
                             "表" * 3000, "a=b&c 日"]),
}


class EncodedSource(PgqSource):
    def __init__(self, server, encoding):
        self.encoding = encoding
        super().__init__(server)

    def _make(self):
        connection = self.server.connect()
        connection.cursor().execute(
            f"create database {self.name} template template0 encoding '{self.encoding}'"
            " lc_collate 'C' lc_ctype 'C'")
        connection.close()
        connection = self.server.connect(self.name)
        connection.cursor().execute("create extension pgq")
        connection.close()
        if self.encoding != "SQL_ASCII":  # else psycopg2 talks in the database's own
            self.connection().set_client_encoding("UTF8")


@pytest.fixture
def make_source(pgq_server):  # noqa: F811
    made = []

    def make(encoding):
        if not pgq_server.is_running():
            pgq_server.start()
        made.append(EncodedSource(pgq_server, encoding))
        return made[-1]

    yield make
    for source in made:
        source.drop()


@pytest.mark.parametrize("encoding", CASES)
def test_values_and_names_of_a_database_in_another_encoding_come_as_they_are(
        encoding, make_source, directory):
    table, column, values = CASES[encoding]
    source = make_source(encoding)
    warehouse = targets.Sqlite(directory)
    source.execute(f'create table "{table}" (id int, "{column}" text, other text,'
                   f' primary key (id, "{column}"))')
    warehouse.execute(f'create table "{table}" (id integer, "{column}" text, other text,'
                      f' primary key (id, "{column}"))')
    source.install(f'"{table}"', arguments=["backup"])
    service = source.service(directory, warehouse)
    for i, value in enumerate(values):
        source.execute(f'insert into "{table}" values (%s, %s, %s)', i, value[:300], value)
    source.execute(f'insert into "{table}" values (100, %s, null), (101, %s, %s)',
                   values[0], values[0], "")
    source.tick()
    service.run()
    assert source.same(warehouse, table)
    source.execute(f'update "{table}" set other = %s || other where id < 3', values[1])
    source.execute(f'delete from "{table}" where id in (3, 100)')
    source.tick()
    service.run()
    assert source.same(warehouse, table)
    # and not only as equal as two mistakes would be
    assert warehouse.value(f'select other from "{table}" where id = 0') == values[1] + values[0]


def test_a_byte_that_the_encoding_does_not_have_stops_with_its_column(make_source, directory):
    source = make_source("WIN1252")
    warehouse = targets.Sqlite(directory)
    for database in (source, warehouse):
        database.execute("create table item (id int primary key, name text)")
    source.install("item")
    service = source.service(directory, warehouse)
    source.execute("insert into item values (1, 'A' || chr(129))")
    source.tick()
    said = service.run(expect=BAD_DATA).stderr
    assert "event 1: table public.item: ev_data: byte 11, column name: what begins with 0x81 is" \
        " no character of WIN1252" in said
    assert "warning" not in service.command("check", expect=None).stdout


def test_sql_ascii_is_taken_for_utf8_and_check_warns(make_source, directory):
    source = make_source("SQL_ASCII")
    warehouse = targets.Sqlite(directory)
    for database in (source, warehouse):
        database.execute("create table item (id int primary key, name text)")
    source.install("item")
    service = source.service(directory, warehouse)
    source.execute("insert into item values (1, 'caf' || chr(195) || chr(169))")
    source.tick()
    service.run()
    assert warehouse.value("select name from item") == "café"
    assert "the database's encoding is SQL_ASCII" in service.command("check", expect=None).stdout
    source.execute("insert into item values (2, 'caf' || chr(233))")
    source.tick()
    said = service.run(expect=BAD_DATA).stderr
    assert "event 2: table public.item: ev_data: byte 11, column name: it is not UTF-8, and the" \
        " encoding of the source database, SQL_ASCII, does not say what it is" in said
