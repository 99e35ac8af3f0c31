"""dray ddl and create_tables: all: tables made from the catalogue of a live PostgreSQL source."""
import os

import pytest

import postgres_types
import targets
from postgres_source import source as live, source_server  # fixtures  # noqa: F401
from service import Service, dray


class Source:
    """A database with its publication; no slot is needed to read its catalogue."""

    def __init__(self, server):
        self.database = targets.PostgresTarget(server)
        self.execute = self.database.execute
        self.execute("create schema shop")
        self.execute("create publication dray for all tables")

    def options(self):
        return {"type": "postgres", "connection": self.database.options()["connection"],
                "publication": "dray"}


@pytest.fixture
def source(postgres_server):
    made = Source(postgres_server)
    yield made
    made.database.drop()


@pytest.fixture
def ddl(directory, target, source):
    made = Service(directory, target, "unused.jsonl")
    made.options["source"] = source.options()
    made.last_rule = {"match": "*", "target": "%%TABLE%%"}
    yield made
    made.kill()


def sqlite_only(target_kind):
    if target_kind != "sqlite":
        pytest.skip("the same for every target")


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


def schema_of(target):
    return {"sqlite": "", "postgres": "public.", "mysql": f"{getattr(target, 'name', '')}."}[target.kind]


def has_table(target, table):
    try:
        return bool(columns_of(target, table))
    except Exception as problem:  # PostgreSQL has no such relation
        assert "does not exist" in str(problem)
        return False


def test_every_type_gets_a_table_that_takes_its_values(ddl, source, target):
    source.execute(postgres_types.PREPARE)
    names = [f"c{i}" for i in range(len(postgres_types.TYPES))]
    source.execute("create table public.types (id int primary key, " + ", ".join(
        f"{name} {kind}" for name, (kind, _) in zip(names, postgres_types.TYPES)) + ")")
    done = ddl.command("ddl", "--execute", "--accept-loss")
    assert "made     " in done.stdout
    made = columns_of(target, "types")
    assert list(made) == ["id", *names]
    # the values as the source shows them: what the loader would bring
    for name, (kind, values) in zip(names, postgres_types.TYPES):
        for value in values:
            sent = postgres_types.as_sent(source.database, target.kind, kind, value)
            if sent is postgres_types.REFUSED:
                continue
            target.execute("delete from types")
            mark = "?" if target.kind == "sqlite" else "%s"
            target.execute(f"insert into types (id, {name}) values (1, {mark})", sent)
            if target.kind == "postgres":
                shown = target.value(f"select {name}::text from types")
                assert shown == source.database.value(f"select (%s::{kind})::text", value), kind
            elif isinstance(sent, str) and made[name].lower() in ("text", "longtext"):
                assert target.value(f"select {name} from types") == sent, kind


def test_the_tables_are_compared_when_they_are_there(ddl, source, target):
    source.execute("create table public.orders (id bigint primary key, amount numeric(10,2), "
                   "at timestamp(3), name varchar(20), twice int generated always as (1) stored)")
    first = ddl.command("ddl", "--execute")
    schema = schema_of(target)
    assert first.stdout == f"made     {schema}orders\nmade     {schema}stage_orders\n"
    assert list(columns_of(target, "orders")) == ["id", "amount", "at", "name"]
    assert list(columns_of(target, "stage_orders"))[-4:] == \
        ["id", "amount", "at", "name"]
    second = ddl.command("ddl", "--execute")
    assert second.stdout == f"exists   {schema}orders\nexists   {schema}stage_orders\n"

    source.execute("alter table public.orders alter column amount type bigint")
    source.execute("alter table public.orders add column added text default 'x'")
    third = ddl.command("ddl", "--execute", expect=5)
    quote = "`" if target.kind == "mysql" else '"'
    text = {"postgres": "text", "mysql": "longtext", "sqlite": "TEXT"}[target.kind]
    null = " NULL" if target.kind == "mysql" else ""
    default = "('x')" if target.kind == "mysql" else "'x'"
    alter = (f"ALTER TABLE {quote}orders{quote} ADD COLUMN {quote}added{quote} {text}{null} "
             f"DEFAULT {default}")
    assert f"lacks    {schema}orders: column added {text}: {alter}\n" in third.stdout
    assert f"differs  {schema}orders: column amount is " in third.stdout
    assert "1 table lacks columns that the service needs" in third.stderr
    target.execute(alter)
    if target.kind != "sqlite":
        change = [line for line in third.stdout.splitlines() if line.startswith("differs")][0]
        target.execute(change[change.index("ALTER TABLE"):])
        fourth = ddl.command("ddl", "--execute")
        assert "differs" not in fourth.stdout and "lacks" not in fourth.stdout


def test_columns_that_may_lose_stop_it_before_anything_is_made(ddl, source, target):
    if target.kind != "mysql":
        pytest.skip("only MySQL's mapping has such columns")
    source.execute("create table public.a (id int primary key)")
    source.execute("create table public.b (name text primary key)")
    done = ddl.command("ddl", "--execute", expect=1)
    assert "    -- warning: MySQL cannot index a text without a length" in done.stdout
    assert "1 column may lose values or refuse them" in done.stderr
    assert "nothing was made" in done.stderr
    assert not has_table(target, "a")
    # as text it is printed all the same
    text = ddl.command("ddl", expect=1)
    assert "CREATE TABLE `b`" in text.stdout
    ddl.command("ddl", "--accept-loss")
    ddl.command("ddl", "--execute", "--accept-loss")
    assert columns_of(target, "b") == {"name": "varchar(190)"}


def test_schemas_are_made(ddl, source, target):
    if target.kind == "sqlite":
        pytest.skip("has no schemas")
    source.execute("create table shop.item (id int primary key)")
    schema = f"{target.name}_dw"
    ddl.rules = [{"match": "shop.*", "target": f"{schema}.%%TABLE%%"}]
    ddl.options["stage"] = {"schema": f"{schema}_stage"}
    try:
        done = ddl.command("ddl", "--execute")
        assert done.stdout == f"made     {schema}.item\nmade     {schema}_stage.stage_{schema}_item\n"
        again = ddl.command("ddl", "--execute")
        assert again.stdout.count("exists") == 2
    finally:
        if target.kind == "mysql":
            target.execute(f"drop database if exists {schema}")
            target.execute(f"drop database if exists {schema}_stage")


def test_tables_of_other_scripts_have_what_these_need(ddl, source, target):
    source.execute("create table public.item (id int, part text not null, name text not null, "
                   "primary key (id, part))")
    for script, own in (("append", ["dray_opcode"]), ("history", ["valid_from", "valid_to"]),
                        ("soft_delete", ["deleted_at"])):
        ddl.rules = [{"match": "public.item", "target": f"item_{script}",
                      "merge_script": f"{script}.sql"}]
        done = ddl.command("ddl", "--execute", "--accept-loss")
        assert done.stdout.startswith(f"made     {schema_of(target)}item_{script}\n")
        made = columns_of(target, f"item_{script}")
        assert set(own) < set(made) and {"id", "part", "name"} < set(made), script
        # the text tells the same staging table as the one that was made
        printed = ddl.command("ddl", "--accept-loss").stdout
        staged = columns_of(target, f"stage_item_{script}")
        assert all(name in printed for name in staged)
        assert ddl.command("ddl", "--execute", "--accept-loss").stdout == \
            f"exists   {schema_of(target)}item_{script}\nexists   {schema_of(target)}stage_item_{script}\n"
    assert target.value("select count(*) from item_history") == 0


def test_the_text_runs_as_it_is_printed(ddl, source, target):
    source.execute('create table public."Odd ""name" ("ID" int primary key, "a b" text)')
    text = ddl.command("ddl").stdout
    assert text == ddl.command("ddl").stdout
    for statement in text.split(";\n"):
        if statement.strip():
            target.execute(statement.replace("%", "%%") if target.kind != "sqlite" else statement)
    assert ddl.command("ddl", "--execute").stdout.count("exists") == 2


def test_text_for_targets_without_a_driver(ddl, source, target_kind):
    sqlite_only(target_kind)
    source.execute("create table public.item (id bigint primary key, price numeric(10,2), at timestamptz)")
    for kind, word in (("vertica", '"price" numeric(10,2)'), ("redshift", '"at" timestamptz'),
                       ("clickhouse", "ORDER BY (`id`)")):
        done = ddl.command("ddl", "--target", kind, "--accept-loss")
        assert word in done.stdout, done.stdout
        refused = ddl.command("ddl", "--target", kind, "--execute", expect=2)
        assert "--execute makes tables in the target of the configuration" in refused.stderr
    assert 'is no type of a target' in ddl.command("ddl", "--target", "oracle", expect=2).stderr


def test_tables_are_chosen_by_globs_and_rules(ddl, source, target_kind):
    sqlite_only(target_kind)
    for name in ("public.a", "public.b", "shop.a"):
        source.execute(f"create table {name} (id int primary key)")
    ddl.rules = [{"match": "public.b", "skip": True}, {"match": "shop.*", "target": "shop_%%TABLE%%"}]
    everything = ddl.command("ddl").stdout
    assert [line for line in everything.splitlines() if " -> " in line] == [
        f"-- public.a -> a, for {script_path(ddl)}", f"-- shop.a -> shop_a, for {script_path(ddl)}"]
    assert "public.a" not in ddl.command("ddl", "shop.*").stdout
    missing = ddl.command("ddl", "shop.x*", expect=2)
    assert 'no table that the source publishes matches "shop.x*"' in missing.stderr
    ddl.rules = []
    both = ddl.command("ddl", expect=3)
    assert "tables public.a and shop.a both go to the target table a" in both.stderr


def script_path(service):
    text = service.command("check", expect=None).stdout
    return [line.split()[-1] for line in text.splitlines() if "merge script" in line][0]


def test_a_mapping_file_beside_the_configuration_wins_and_tells_all_its_mistakes(
        ddl, source, directory, target_kind):
    sqlite_only(target_kind)
    source.execute("create table public.a (id int primary key, n numeric)")
    os.makedirs(os.path.join(directory, "templates", "types"))
    path = os.path.join(directory, "templates", "types", "postgres-sqlite.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("- type: integer\n  to: BIGINT\n")
    done = ddl.command("ddl", expect=3)
    assert ("table public.a: column n: no entry of " + path + " fits its type numeric (numeric): "
            "add one") in done.stderr
    with open(path, "a", encoding="utf-8") as file:
        file.write("- type: numeric\n  to: number(%%LENGTH%%)\n  lenght: 3\n- to: x\n")
    done = ddl.command("ddl", expect=3)
    assert f"{path}:4:7: to: " in done.stderr and f"{path}:5:3: lenght: " in done.stderr
    assert f"{path}:6:3: type: " in done.stderr
    with open(path, "w", encoding="utf-8") as file:
        file.write("- type: [integer, numeric]\n  to: BIGINT\n")
    assert '"n" BIGINT' in ddl.command("ddl").stdout


def test_a_source_without_a_catalogue_is_told(directory, target, log, target_kind):
    sqlite_only(target_kind)
    service = Service(directory, target, log.path)
    done = service.command("ddl", expect=3)
    assert "jsonl has no catalogue that could describe tables" in done.stderr


def test_help_names_the_command():
    assert "print or make the target's tables" in dray("help").stdout


# ---- create_tables: all ----

def make_types_table(source):
    source.execute(postgres_types.PREPARE)
    names = [f"c{i}" for i in range(len(postgres_types.TYPES))]
    source.execute("create table types (id int primary key, " + ", ".join(
        f"{name} {kind}" for name, (kind, _) in zip(names, postgres_types.TYPES)) + ")")
    for row in range(max(len(values) for _, values in postgres_types.TYPES)):
        source.execute(
            "insert into types values (" + ", ".join(["%s"] * (len(names) + 1)) + ")", row,
            *(values[row % len(values)] for _, values in postgres_types.TYPES))
    source.execute("insert into types (id) values (-1)")
    return names


def making_service(live, directory, target, **more):
    service = live.service(directory, target, **more)
    service.options["target"]["create_tables"] = "all"
    service.options["values"] = {"nan": "null", "infinity": "null", "out_of_range": "null"} \
        if target.kind == "mysql" else {}
    return service


def test_rows_of_every_type_travel_into_tables_that_the_service_makes(live, target, directory):
    live.install()
    names = make_types_table(live)
    service = making_service(live, directory, target)
    service.run()
    order = " order by id"
    # not a cast to text, which leaves blanks and masks out
    as_text = ", ".join(f"case when {name} is not null then format('%s', {name}) end"
                        for name in names)
    texts = live.query(f"select id, {as_text} from types" + order)
    found = target.query(f"select id, {as_text if target.kind == 'postgres' else ', '.join(names)}"
                         " from types" + order)
    assert len(found) == len(texts) > 3
    wrong = [(kind, text[:60], value)
             for sent, shown in zip(texts, found)
             for (kind, _), text, value in zip(postgres_types.TYPES, sent[1:], shown[1:])
             if value != postgres_types.as_shown(target.kind, kind, text)]
    assert not wrong
    assert [row[0] for row in found] == [row[0] for row in texts]


def test_tables_are_made_with_their_schemas_and_scripts(live, target, directory):
    live.install()
    live.execute("create table item (id int primary key, name text not null)")
    service = making_service(live, directory, target)
    schema = "" if target.kind == "sqlite" else f"{target.name}_dw."
    service.rules = [{"match": "public.item", "target": f"{schema}item",
                      "merge_script": "history.sql"}]
    service.options["stage"] = {"schema": "" if target.kind == "sqlite" else f"{target.name}_dws"}
    live.execute("insert into item values (1, 'a')")
    live.execute("update item set name = 'b'")
    live.execute("delete from item")
    try:
        service.run()
        rows = target.query(f"select id, name, valid_to is null from {schema}item order by name")
        assert [tuple(map(str, row[:2])) for row in rows] == [("1", "a"), ("1", "b")]
        assert not any(row[2] for row in rows)
    finally:
        if target.kind == "mysql":
            target.execute(f"drop database if exists {target.name}_dw")
            target.execute(f"drop database if exists {target.name}_dws")


def test_types_that_may_lose_are_logged_once(live, target, directory):
    if target.kind != "mysql":
        pytest.skip("only MySQL's mapping has such columns")
    live.install()
    live.execute("create table item (code text primary key)")
    service = making_service(live, directory, target)
    for i in range(3):
        live.execute("insert into item values (%s)", f"x{i}")
        done = service.run()
        assert done.stderr.count("column code: text becomes varchar(190)") == (1 if i == 0 else 0)
    assert target.value("select count(*) from item") == 3


def test_two_services_that_need_a_table_at_once_both_get_it(live, target, directory):
    live.install(slot=False)
    tables = [f"t{i}" for i in range(8)]
    live.execute("create schema other")
    for table in tables:
        live.execute(f"create table {table} (id int primary key)")
        live.execute(f"create table other.{table} (id int primary key)")
    services = []
    for name, skipped in (("one", "other.*"), ("two", "public.*")):
        slot = f"{live.slot}_{name}"
        live.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", slot)
        services.append(making_service(live, directory, target, name=name, slot=slot))
        services[-1].rules = [{"match": skipped, "skip": True}]
    for table in tables:
        live.execute(f"insert into {table} values (1)")
        live.execute(f"insert into other.{table} values (2)")
    for service in services:
        service.options["stage"] = {"table_prefix": service.options["service"] + "_"}
        service.start("--until-end")
    for service in services:
        service.wait(expect=0)
    for table in tables:
        assert sorted(target.query(f"select id from {table}")) == [(1,), (2,)]
