"""dray install, uninstall and check on a live PostgreSQL source: what they make, say, and leave."""
import itertools
import os

import psycopg2
import pytest
import yaml

import servers
from service import dray, environment

_numbers = itertools.count(1)
MADE = "dray install: service sales"


class SourceDatabase:
    """An empty database, and a configuration whose source it is."""

    def __init__(self, server, directory):
        self.server = server
        self.directory = directory
        self.name = f"source_{os.getpid()}_{next(_numbers)}"
        # slots belong to the whole server
        self.slot = f"dray_{self.name}"
        self.options = {}
        self.user = "postgres"
        admin = server.connect()
        with admin.cursor() as cursor:
            cursor.execute(f"create database {self.name}")
        admin.close()
        self.connection = server.connect(self.name)

    def sql(self, *statements):
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, sql, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall()

    def conninfo(self):
        return f"host={self.server.directory} user={self.user} dbname={self.name}"

    def config(self, **options):
        path = os.path.join(self.directory, "sales.yaml")
        source = {"type": "postgres", "connection": self.conninfo(), "slot": self.slot,
                  "publication": "sales", **self.options, **options}
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump({
                "service": "sales", "source": source,
                "block": {"directory": os.path.join(self.directory, "blocks")},
                "target": {"type": "sqlite", "path": os.path.join(self.directory, "target.db"),
                           "merge_script": "merge.sql"}}, file)
        return path

    def install(self, *tables, expect=0, **options):
        return dray("install", self.config(**options), *tables, expect=expect)

    def uninstall(self, *arguments, expect=0, **options):
        return dray("uninstall", self.config(**options), *arguments, expect=expect)

    def publications(self):
        return self.rows("select pubname, puballtables, obj_description(oid, 'pg_publication')"
                         " from pg_publication order by 1")

    def published(self):
        return [row[0] for row in self.rows(
            "select schemaname || '.' || tablename from pg_publication_tables order by 1")]

    def slots(self):
        return [row[0] for row in self.rows(
            "select slot_name from pg_replication_slots where database = %s order by 1", self.name)]

    def drop(self):
        for slot in self.slots():
            self.rows("select pg_drop_replication_slot(%s)", slot)
        self.connection.close()
        admin = self.server.connect()
        with admin.cursor() as cursor:
            cursor.execute(f"drop database {self.name} with (force)")
        admin.close()


@pytest.fixture
def source(postgres_server, directory):
    made = SourceDatabase(postgres_server, directory)
    yield made
    made.drop()


def line_of(text, start):
    found = [line for line in text.splitlines() if line.startswith(start)]
    assert len(found) == 1, f"{len(found)} lines begin with {start!r}:\n{text}"
    return found[0]


def test_install_makes_publication_and_slot_and_says_what_it_did_to_whom(source):
    source.sql("create table item (id int primary key, name text)")
    done = source.install()
    assert source.publications() == [("sales", True, f"{MADE}; slot {source.slot}")]
    assert source.slots() == [source.slot]
    assert "publication sales: made\n" in done.stdout
    assert f"slot {source.slot}: made\n" in done.stdout
    assert line_of(done.stdout, "table public.item") == "table public.item: primary key (id)"


def test_a_second_install_changes_nothing(source):
    source.sql("create table item (id int primary key)")
    source.install()
    before = source.publications(), source.slots(), source.rows(
        "select confirmed_flush_lsn from pg_replication_slots where slot_name = %s", source.slot)
    done = source.install()
    assert "publication sales: is there, left as it is\n" in done.stdout
    assert f"slot {source.slot}: is there, left as it is\n" in done.stdout
    assert before == (source.publications(), source.slots(), source.rows(
        "select confirmed_flush_lsn from pg_replication_slots where slot_name = %s", source.slot))


def test_a_dry_run_changes_nothing_and_prints_statements_that_do_the_same(source):
    source.sql("create table item (id int primary key)")
    done = source.install("--dry-run")
    assert source.publications() == [] and source.slots() == []
    # psql would take it as it is
    for statement in done.stdout.split(";\n"):
        for part in "\n".join(line for line in statement.splitlines()
                              if not line.startswith("--")).split("; C"):
            if part.strip():
                source.sql(part if part.startswith(("CREATE", "SELECT", "COMMENT")) else "C" + part)
    by_hand = source.publications(), source.slots()
    source.rows("select pg_drop_replication_slot(%s)", source.slot)
    source.sql("drop publication sales")
    source.install()
    assert by_hand[1] == source.slots()
    assert by_hand[0][0][:2] == source.publications()[0][:2]
    dry = source.uninstall("--dry-run")
    assert "DROP PUBLICATION \"sales\";\n" in dry.stdout
    assert len(source.publications()) == 1 and source.slots() == [source.slot]


def test_uninstall_removes_both_and_a_second_one_finds_nothing(source):
    source.sql("create table item (id int primary key)")
    source.install()
    done = source.uninstall()
    assert done.stdout == f"slot {source.slot}: removed\npublication sales: removed\n"
    assert source.publications() == [] and source.slots() == []
    assert source.uninstall().stdout == "publication sales: is not there\n"


def test_a_publication_and_a_slot_of_somebody_else_are_left_alone(source):
    source.sql("create table item (id int primary key)", "create table other (id int primary key)",
               "create publication sales for table item")
    source.rows("select 1 from pg_create_logical_replication_slot(%s, 'pgoutput')", source.slot)
    done = source.install(tables=["public.*"])
    assert "publication sales: is there, made by somebody else, left as it is\n" in done.stdout
    assert line_of(done.stdout, "warning: table public.other") == (
        "warning: table public.other is not in publication sales: "
        'ALTER PUBLICATION "sales" ADD TABLE "public"."other"')
    failed = source.install("public.other", expect=4)
    assert failed.stderr == (
        'dray: source error: publication "sales" was made by somebody else and lacks 1 of the '
        "tables: add them as the report says\n")
    done = source.uninstall()
    assert f"warning: slot {source.slot}: left, as nothing says that dray install made it" \
        in done.stdout
    assert "publication sales: left, as dray install did not make it for sales\n" in done.stdout
    assert source.publications() == [("sales", False, None)]
    assert source.slots() == [source.slot] and source.published() == ["public.item"]


def test_a_publication_of_another_service_is_not_ours(source):
    source.sql("create table item (id int primary key)",
               "create publication sales for table item",
               "comment on publication sales is 'dray install: service sales2; slot x'")
    done = source.uninstall()
    assert "publication sales: left, as dray install did not make it for sales\n" in done.stdout
    assert len(source.publications()) == 1


def test_tables_named_on_the_command_line_are_added_to_a_publication_of_ours(source):
    source.sql("create schema shop", "create table shop.a (id int primary key)",
               "create table shop.b (id int primary key)", "create table c (id int primary key)")
    source.install(tables=["shop.a"])
    assert source.published() == ["shop.a"]
    done = source.install(tables=["shop.*"])
    assert source.published() == ["shop.a"], "the file alone changes nothing that is there"
    assert line_of(done.stdout, "warning: table shop.b").startswith(
        "warning: table shop.b is not in publication sales: name it on the command line")
    done = source.install("shop.*", tables=["shop.*"])
    assert "publication sales: tables added\n" in done.stdout
    assert source.published() == ["shop.a", "shop.b"]
    failed = source.install("shop.nothing", expect=2)
    assert failed.stderr == ('dray: usage error: the source has no table that matches '
                             '"shop.nothing" (schema.table, as a glob)\n')


def test_a_table_that_applications_could_not_update_any_more_is_not_published(source):
    source.sql("create table item (id int primary key)", "create table log (line text)",
               "create table quiet (id int primary key)",
               "alter table quiet replica identity nothing")
    failed = source.install(expect=4)
    assert failed.stderr == (
        "dray: source error: nothing was changed: applications could not update or delete rows of "
        "2 tables any more once they are published (name other tables in source: tables, or help "
        "as said): public.log: it has no primary key, and its replica identity is the default: the "
        "server refuses UPDATE and DELETE of it as long as it is published; ALTER TABLE "
        '"public"."log" ADD PRIMARY KEY (…), or REPLICA IDENTITY FULL; public.quiet: its replica '
        "identity is NOTHING: the server refuses UPDATE and DELETE of it as long as it is "
        'published; ALTER TABLE "public"."quiet" REPLICA IDENTITY DEFAULT\n')
    assert source.publications() == [] and source.slots() == []
    source.install(tables=["public.item"])
    assert source.published() == ["public.item"]
    failed = source.install("public.log", expect=4)
    assert "1 table any more once it is published" in failed.stderr
    assert source.published() == ["public.item"]


def test_every_replica_identity_is_named_with_its_problem(source):
    source.sql(
        "create table by_key (a int, b text, v text, primary key (b, a))",
        "create table by_index (id int primary key, code text not null unique)",
        "alter table by_index replica identity using index by_index_code_key",
        "create table by_row (id int primary key, v text)",
        "alter table by_row replica identity full",
        "create table by_row_only (v text)", "alter table by_row_only replica identity full",
        "create table no_key (v text)",
        "create table deferred (id int primary key deferrable)",
        "create table gone (id int, code int not null unique)",
        "alter table gone replica identity using index gone_code_key",
        "create table computed (a int, b int generated always as (a + 1) stored primary key)",
        "create publication sales for all tables",
        # refused at once by the server from now on, and so a warning each
        "alter table gone drop constraint gone_code_key")
    out = source.install().stdout
    assert line_of(out, "table public.by_key") == "table public.by_key: primary key (b, a)"
    assert line_of(out, "table public.by_index") == "table public.by_index: unique index (code)"
    assert line_of(out, "table public.by_row:") == (
        "table public.by_row: whole old row, primary key (id)")
    assert line_of(out, "table public.by_row_only") == (
        "table public.by_row_only: whole old row, no primary key: a rule in tables: must name a key")
    refuses = ": the server refuses UPDATE and DELETE of it as long as it is published; ALTER TABLE "
    assert line_of(out, "warning: table public.no_key") == (
        "warning: table public.no_key: no replica identity: it has no primary key, and its replica "
        f'identity is the default{refuses}"public"."no_key" ADD PRIMARY KEY (…), or REPLICA '
        "IDENTITY FULL")
    assert line_of(out, "warning: table public.deferred") == (
        "warning: table public.deferred: no replica identity: its primary key is deferrable, which "
        f'cannot tell rows apart for replication{refuses}"public"."deferred" REPLICA IDENTITY FULL')
    assert line_of(out, "warning: table public.gone") == (
        "warning: table public.gone: no replica identity: the index of its replica identity is not "
        f'there any more{refuses}"public"."gone" REPLICA IDENTITY FULL')
    assert "column b of its replica identity is generated" in line_of(
        out, "warning: table public.computed")
    for table in ("no_key", "deferred", "gone"):
        source.sql(f"insert into {table} default values" if table == "no_key"
                   else f"insert into {table} values (1)" if table == "deferred"
                   else f"insert into {table} values (1, 1)")
        with pytest.raises(psycopg2.Error, match="does not have a replica identity"):
            source.sql(f"delete from {table}")


def test_what_a_publication_leaves_out_is_named(source):
    source.sql(
        "create table cut (id int primary key, a text, b text, c int generated always as (id) stored)",
        "create table part (id int primary key, size int)",
        "create publication sales for table cut (id), part where (id > 5)"
        " with (publish = 'insert, update')")
    out = source.install().stdout
    assert line_of(out, "warning: table public.cut") == (
        "warning: table public.cut: primary key (id): DELETE, TRUNCATE of it is lost, since the "
        'publication leaves it out; ALTER PUBLICATION "sales" SET (publish = \'insert, update, '
        "delete, truncate'); columns a, b never arrive, since the publication has a list of columns; "
        'ALTER PUBLICATION "sales" DROP TABLE "public"."cut", then ADD TABLE "public"."cut" '
        "without it")
    assert "; only rows that fulfil (id > 5) arrive, since the publication has a row filter; " in \
        line_of(out, "warning: table public.part")


def test_a_column_list_without_the_identity_is_told(source):
    source.sql("create table cut (id int primary key, a text)",
               "create publication sales for table cut (a)")
    assert "list of columns which lacks a column of the replica identity: the server refuses" in \
        line_of(source.install().stdout, "warning: table public.cut")


@pytest.mark.parametrize("via_root", [False, True])
def test_partitions_are_published_under_the_name_that_is_asked_for(source, via_root):
    source.sql("create table sale (id int, day date, primary key (id, day)) partition by range (day)",
               "create table sale_1 partition of sale for values from ('2026-01-01') to"
               " ('2026-07-01')",
               "create table sale_2 partition of sale for values from ('2026-07-01') to"
               " ('2027-01-01')",
               "create table parent (id int primary key)", "create table child () inherits (parent)",
               "create unlogged table scratch (id int)", "create table \"Odd.N\"\"ame\" (id int primary key)")
    out = source.install(tables=["public.sale", "public.parent", "public.Odd*"],
                         via_root=via_root).stdout
    sales = ["public.sale"] if via_root else ["public.sale_1", "public.sale_2"]
    assert source.published() == ['public.Odd.N"ame', "public.parent", *sales]
    for table in sales:
        assert line_of(out, f"table {table}:") == f"table {table}: primary key (id, day)"
    out = source.install(tables=["public.sale", "public.parent", "public.Odd*"],
                         via_root=not via_root).stdout
    assert "not as source: via_root says: ALTER PUBLICATION" in out
    assert "warning: table" not in out, "partitions that are carried are not missing"


def test_a_partition_with_another_identity_than_its_root_is_told(source):
    source.sql("create table sale (id int not null, day date) partition by range (day)",
               "create table sale_1 partition of sale default",
               "alter table sale replica identity full",
               "create publication sales for table sale with (publish_via_partition_root)")
    assert ("its partition public.sale_1 has another replica identity than itself, and it is the "
            "partition's that counts; ALTER TABLE public.sale_1 REPLICA IDENTITY …") in \
        line_of(source.install().stdout, "warning: table public.sale:")


def test_unlogged_and_temporary_tables_are_never_published(source):
    source.sql("create table item (id int primary key)", "create unlogged table fast (id int)",
               "create temporary table passing (id int)")
    source.install()
    assert source.published() == ["public.item"]


def test_rights_that_are_missing_are_named_before_anything_is_changed(source):
    role = source.name
    source.sql(f"create role {role} login", "create table item (id int primary key)",
               f"grant create on database {source.name} to {role}",
               f"grant create, usage on schema public to {role}")
    source.user = role
    try:
        assert source.install(expect=4).stderr == (
            f"dray: source error: role {role} lacks the right to replicate: "
            f'ALTER ROLE "{role}" REPLICATION\n')
        source.sql(f"alter role {role} replication")
        failed = source.install(expect=4)
        assert f"role {role} lacks a right that this needs (let a role that has it run: " \
            'CREATE PUBLICATION "sales" FOR ALL TABLES' in failed.stderr
        assert source.publications() == [] and source.slots() == []
        failed = source.install("public.item", expect=4)
        assert "must be owner of table item" in failed.stderr
        source.sql("create publication sales for table item")
        out = source.install().stdout
        assert line_of(out, "warning: table public.item") == (
            f"warning: table public.item: primary key (id); role {role} may not read it, which dray "
            f'bootstrap and dray verify must: GRANT USAGE ON SCHEMA "public" TO "{role}"; '
            f'GRANT SELECT ON "public"."item" TO "{role}"')
        source.sql(f"grant select on item to {role}")
        assert "may not read it" not in source.install().stdout
    finally:
        source.user = "postgres"
        source.sql(f"drop owned by {role}", f"drop role {role}")


def test_an_active_slot_is_not_removed(source):
    source.sql("create table item (id int primary key)")
    source.install()
    from psycopg2.extras import LogicalReplicationConnection
    walsender = psycopg2.connect(source.conninfo(), connection_factory=LogicalReplicationConnection)
    cursor = walsender.cursor()
    cursor.start_replication(source.slot, decode=False,
                             options={"proto_version": "1", "publication_names": "sales"})
    failed = source.uninstall(expect=4)
    walsender.close()
    assert f'replication slot "{source.slot}" is in use by process ' in failed.stderr
    assert failed.stderr.endswith(": stop the service first; nothing was removed\n")
    assert len(source.publications()) == 1 and source.slots() == [source.slot]


def test_check_repeats_the_report(source):
    source.sql("create table item (id int primary key)", "create table log (line text)",
               "create publication sales for all tables")
    source.install()
    done = dray("check", source.config(), expect=None)
    assert "\nwarning  table public.log: no replica identity: it has no primary key" in done.stdout
    assert "\n         table public.item: primary key (id)\n" in done.stdout
    assert "\n         publication sales: all tables, 2 now\n" in done.stdout
    assert "of WAL kept for it, wal_status reserved\n" in done.stdout


def test_a_password_is_in_no_output(source):
    source.sql("create table item (id int primary key)")
    config = source.config(connection=source.conninfo() + " password=hunter2secret")
    for command in (["install", config], ["check", config], ["uninstall", config],
                    ["install", source.config(connection="host=/nowhere password=hunter2secret")]):
        done = dray(*command, expect=None)
        assert "hunter2secret" not in done.stdout + done.stderr


def test_a_slot_of_another_plugin_is_refused(source):
    source.sql("create table item (id int primary key)")
    source.rows("select 1 from pg_create_logical_replication_slot(%s, 'test_decoding')", source.slot)
    failed = source.install(expect=4)
    assert "belongs to the plugin test_decoding, not to pgoutput" in failed.stderr
    source.uninstall()
    assert source.slots() == [source.slot]


def test_a_server_whose_settings_do_not_do(directory):
    server = servers.Postgres(wal_level="replica", max_replication_slots="1")
    try:
        source = SourceDatabase(server, directory)
        source.sql("create table item (id int primary key)")
        assert source.install(expect=4).stderr == (
            "dray: source error: wal_level of the source is replica: ALTER SYSTEM SET wal_level = "
            "logical, and restart the server\n")
        assert source.publications() == []
        source.connection.close()
        source.sql_after_restart = None
        with open(os.path.join(server.data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            file.write("wal_level = logical\nmax_slot_wal_keep_size = 64MB\n")
        server.restart()
        source.connection = server.connect(source.name)
        source.rows("select 1 from pg_create_physical_replication_slot('taken')")
        assert source.install(expect=4).stderr == (
            "dray: source error: all 1 replication slots of the source are in use: drop one that "
            "nobody needs, or raise max_replication_slots and restart the server\n")
        source.rows("select pg_drop_replication_slot('taken')")
        out = source.install().stdout
        assert "max_slot_wal_keep_size is 64MB: a slot that is further behind is invalidated" in out
        done = dray("check", source.config(), expect=None)
        assert "warning  all 1 replication slots of the server are in use: dray bootstrap" in \
            done.stdout
        source.drop()
    finally:
        server.remove()


def test_install_of_a_source_that_needs_none_says_so(directory):
    path = os.path.join(directory, "log.yaml")
    with open(path, "w", encoding="utf-8") as file:
        yaml.safe_dump({
            "service": "sales", "source": {"type": "jsonl", "path": "log.jsonl"},
            "block": {"directory": "blocks"},
            "target": {"type": "sqlite", "path": "target.db", "merge_script": "merge.sql"}}, file)
    assert dray("install", path).stdout == "source jsonl: there is nothing to install\n"
    assert dray("uninstall", path).stdout == "source jsonl: there is nothing to uninstall\n"
    assert environment()["TZ"], "run with another zone than the server's"
