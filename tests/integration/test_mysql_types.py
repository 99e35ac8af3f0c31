"""Every type of MariaDB and MySQL, by the stream and by a snapshot, into each target: each value is
the source's, by our own comparison, and dray verify says the same."""
import pytest

import mysql_types
import targets
from conftest import chosen_targets
from mysql_source import (file_target, mysql_source,  # noqa: F401 (fixtures)
                          mysql_source_server, real_mysql_server, real_mysql_source)
from mysql_types import (FAMILIES, GEOMETRIES, KEYS, MARIADB_FAMILIES, MARIADB_KEYS, MYSQL_FAMILIES,
                         base, has_zero_date, in_mysql, of_mysql, of_postgres, of_sqlite)

FULL_IMAGES = {"binlog_row_metadata": "FULL", "binlog_row_image": "FULL"}
SERVERS = {
    "MariaDB": {**FULL_IMAGES, "log_bin_compress": 0},
    "MariaDB without metadata": {"binlog_row_metadata": "NO_LOG", "binlog_row_image": "MINIMAL",
                                 "log_bin_compress": 1, "log_bin_compress_min_len": 10},
    "MySQL": {**FULL_IMAGES, "binlog_transaction_compression": 1,
              "binlog_row_value_options": "PARTIAL_JSON"},
    "MySQL with the least": {"binlog_row_metadata": "MINIMAL", "binlog_row_image": "MINIMAL",
                             "binlog_transaction_compression": 0, "binlog_row_value_options": ""},
}
# what a log looks like does not matter to a target
PAIRS = [(name, kind) for name in SERVERS for kind in chosen_targets()
         if kind == "sqlite" or name in ("MariaDB", "MySQL")]


class Family:
    """A table with a column for each type. A column without values is generated."""

    def __init__(self, name, columns):
        self.name = name
        self.columns = [(f"c{i}", kind, values) for i, (kind, values) in enumerate(columns)]
        self.carried = [column for column in self.columns if column[2] is not None]
        self.rows = max(len(values) for _, _, values in self.carried)
        self.key = "id"
        self.key_kind = "int"

    def create(self):
        columns = "".join(f", {name} {kind}" for name, kind, _ in self.columns)
        return [f"create table {self.name} (id int primary key{columns})"]

    def _values(self, row):
        return [values[row % len(values)] for _, _, values in self.carried]

    def inserts(self):
        names = ", ".join(["id"] + [name for name, _, _ in self.carried])
        return [f"insert into {self.name} ({names}) values ({row}, {', '.join(self._values(row))})"
                for row in range(self.rows)] + [
            f"insert into {self.name} (id) values (90)",
            f"insert into {self.name} (id) values (91), (92)"]

    def changes(self):
        """Each row gets the values of the next one; some come, go, move, and lose a value."""
        first = self.carried[0][0]
        return [*(f"update {self.name} set " + ", ".join(
            f"{name} = {value}" for (name, _, _), value in zip(self.carried, self._values(row + 1)))
                  + f" where id = {row}" for row in range(self.rows)),
                *(f"update {self.name} set {name} = {values[-1]} where id = 90"
                  for name, _, values in self.carried[:10]),
                f"update {self.name} set {first} = null where id = 0",
                f"update {self.name} set id = 95 where id = {self.rows - 1}",
                f"delete from {self.name} where id = 92"]


class KeyTable(Family):
    def __init__(self, number, kind, values):
        super().__init__(f"k{number}", [("int", ["1", "2", "3"])])
        self.key = "k"
        self.key_kind = kind
        self.values = values

    def create(self):
        return [f"create table {self.name} (k {self.key_kind} not null primary key, c0 int)"]

    def inserts(self):
        return [f"insert into {self.name} values ({value}, {number})"
                for number, value in enumerate(self.values[:3])]

    def changes(self):
        return [f"update {self.name} set c0 = c0 + 10",
                f"delete from {self.name} where k = {self.values[0]}",
                f"update {self.name} set k = {self.values[3]} where k = {self.values[1]}",
                f"insert into {self.name} values ({self.values[0]}, 77)"]


def kept_by(source, charset):
    """The part of the sample that a character set has."""
    sample = mysql_types.SAMPLE
    back = source.value(f"select convert(convert(%s using {charset}) using utf8mb4)", sample)
    assert len(back) == len(sample)
    return "".join(ours for ours, theirs in zip(sample, back) if ours == theirs and ours != "?")


def charsets(source):
    """A column of each kind for each character set."""
    columns = []
    for charset in mysql_types.CHARSETS + ([] if source.is_mariadb else mysql_types.MYSQL_CHARSETS):
        text = kept_by(source, charset)
        assert len(text) > 3
        literal = f"_utf8mb4 x'{text.encode().hex()}'"
        columns += [(f"varchar(150) character set {charset}", [literal, "''"]),
                    (f"char(10) character set {charset}",
                     [f"_utf8mb4 x'{text[-10:].encode().hex()}'"]),
                    (f"text character set {charset}", [f"repeat({literal}, 20)"])]
    return columns


def families(source):
    made = {**FAMILIES, "charsets": charsets(source)}
    srid = ", 4326" if source.is_mariadb else ", 4326, 'axis-order=long-lat'"
    made["geometries"] = [(kind, [value % "" for value in values] + [values[0] % srid])
                          for kind, values in GEOMETRIES]
    made.update(MARIADB_FAMILIES if source.is_mariadb else MYSQL_FAMILIES)
    keys = KEYS + (MARIADB_KEYS if source.is_mariadb else [])
    return [Family(f"t_{name}", columns) for name, columns in made.items()] + [
        KeyTable(number, kind, values) for number, (kind, values) in enumerate(keys)]


# --- comparison

def rows_of_mysql(database, family):
    columns = [(family.key, family.key_kind)] + [(name, kind) for name, kind, _ in family.carried]
    found = database.query("select " + ", ".join(in_mysql(kind, name) for name, kind in columns)
                           + f" from {family.name}")
    return [[of_mysql(kind, value) for (_, kind), value in zip(columns, row)] for row in found]


def rows_of_target(source, target, family):
    columns = [(family.key, family.key_kind)] + [(name, kind) for name, kind, _ in family.carried]
    if target.kind == "mysql":
        return rows_of_mysql(target, family)
    if target.kind == "postgres":
        found = target.query("select " + ", ".join(f"{name}::text" for name, _ in columns)
                             + f" from {family.name}")
        return [[of_postgres(kind, value) for (_, kind), value in zip(columns, row)]
                for row in found]
    found = target.query(f"select {', '.join(name for name, _ in columns)} from {family.name}")
    return [[_geometry_of_text(source, value) if base(kind) in mysql_types.GEOMETRY
             else of_sqlite(kind, value) for (_, kind), value in zip(columns, row)]
            for row in found]


def _geometry_of_text(source, text):
    """EWKT: the source's server reads it."""
    if text is None:
        return None
    srid, text = text[5:].split(";") if text.startswith("SRID=") else ("0", text)
    axes = ", 'axis-order=long-lat'" if srid == "4326" and not source.is_mariadb else ""
    return of_mysql("point", source.value(f"select hex(st_geomfromtext(%s, {srid}{axes}))", text))


def expected(source, target, family):
    kinds = [family.key_kind] + [kind for _, kind, _ in family.carried]
    return [[None if target.kind == "postgres" and has_zero_date(kind, value) else value
             for kind, value in zip(kinds, row)] for row in rows_of_mysql(source, family)]


def assert_same(source, target, tables):
    problems = []
    for family in tables:
        here, there = ({repr(row[0]): row for row in rows} for rows in (
            expected(source, target, family), rows_of_target(source, target, family)))
        if here.keys() != there.keys():
            problems.append(f"{family.name}: keys {sorted(here)}, in the target {sorted(there)}")
            continue
        kinds = [family.key_kind] + [kind for _, kind, _ in family.carried]
        problems += [f"{family.name} {kind}, row {key}: {one!r:.200}, in the target {other!r:.200}"
                     for key, row in here.items()
                     for kind, one, other in zip(kinds, row, there[key]) if one != other]
    assert not problems, "\n".join(problems)


# --- the test

@pytest.fixture(params=PAIRS, ids=" to ".join)
def pair(request, directory):
    """(source, target)"""
    name, kind = request.param
    source = request.getfixturevalue(
        "mysql_source" if name.startswith("MariaDB") else "real_mysql_source")
    source.settings(**SERVERS[name], sql_mode="")
    if kind == "sqlite":
        target = targets.Sqlite(directory)
    elif kind == "postgres":
        target = targets.PostgresTarget(request.getfixturevalue("postgres_server"))
    else:
        target = targets.MysqlTarget(request.getfixturevalue("mariadb_server"))
    yield source, target
    if kind != "sqlite":
        target.drop()


def in_utc(database):
    if database.kind == "mysql":
        database.execute("set time_zone = '+00:00'")
        database.execute("set sql_mode = ''")
    elif database.kind == "postgres":
        database.execute("set timezone = 'UTC'")


def run_all(source, statements):
    """In a few transactions: a commit takes time."""
    for at in range(0, len(statements), 100):
        source.transaction(*statements[at:at + 100], time_zone="+00:00")


def service_into(source, directory, target, name, **more):
    in_utc(target)
    made = source.service(directory, target, name, **more)
    made.options["values"] = {
        "zero_date": "null" if target.kind == "postgres" else "text"}
    made.options["bootstrap"] = {"chunk_rows": 3, "connections": 2}
    made.command("ddl", "--execute", "--accept-loss")
    return made


def verified(service, tables):
    done = service.command("verify", expect=None)
    said = "\n".join(line for line in done.stdout.splitlines() if not line.startswith("equal "))
    assert done.returncode == 0, said + done.stderr
    assert f"tables={len(tables)} equal={len(tables)} " in said


def json_changes(source):
    """Small changes of a large document: diffs, where the server writes them."""
    if source.is_mariadb:
        return []
    return [f"update t_json set c0 = {expression} where json_valid(c0) and {condition}"
            for expression, condition in (
                ("json_set(c0, '$.b', 2, '$.\"new ž\"', json_array(1, 'x'))", "json_type(c0) = 'OBJECT'"),
                ("json_remove(c0, '$.a[0]')", "json_type(c0) = 'OBJECT'"),
                ("json_replace(c0, '$[0]', -1.50)", "json_type(c0) = 'ARRAY'"),
                ("json_set(c0, '$[last]', cast('2024-01-01 00:00:00' as datetime(6)))",
                 "json_length(c0) > 100"),
                ("json_remove(c0, '$[17]', '$[17]', '$[last]')", "json_length(c0) > 100"))]


def test_every_type_is_equal_by_the_stream_and_by_a_snapshot(pair, directory):
    source, target = pair
    in_utc(source)
    tables = families(source)
    run_all(source, [statement for family in tables for statement in family.create()])
    service = service_into(source, directory, target, "stream")
    run_all(source, [statement for family in tables for statement in family.inserts()])
    service.run()
    assert_same(source, target, tables)
    run_all(source, [statement for family in tables for statement in family.changes()]
            + json_changes(source))
    service.run()
    assert_same(source, target, tables)
    verified(service, tables)

    copied = target.another()
    try:
        service = service_into(source, directory, copied, "snapshot", start="now")
        service.command("bootstrap")
        assert_same(source, copied, tables)
        verified(service, tables)
    finally:
        if copied.kind != "sqlite":
            copied.drop()


@pytest.mark.parametrize("how", ["stream", "snapshot"])
def test_a_byte_that_is_no_character_is_refused_and_never_a_question_mark(
        mysql_source, file_target, directory, how):
    """MariaDB keeps such bytes and shows them as "?"."""
    mysql_source.settings(sql_mode="")
    mysql_source.execute(
        "create table item (id int primary key, name varchar(20) character set cp1250)")
    service = mysql_source.service(directory, file_target,
                                   start="oldest" if how == "stream" else "now")
    service.command("ddl", "--execute")
    mysql_source.execute("insert into item values (1, x'6181')")
    assert mysql_source.value("select name from item") == "a?"
    done = service.run(expect=1) if how == "stream" else service.command("bootstrap", expect=1)
    assert f"table {mysql_source.name}.item: " in done.stderr
    assert "byte 2 of the text (0x81) is no character of cp1250" in done.stderr
    assert file_target.query("select * from item") == []
    if how == "snapshot":
        mysql_source.execute("update item set name = 'a!'")
        service.command("bootstrap")
        assert mysql_source.same(file_target, "item")
