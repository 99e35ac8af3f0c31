"""dray install, check and uninstall of a PgQ source: what they make, refuse, tell and remove."""
import subprocess

import pytest

from pgq_source import file_target, pgq_server, pgq_source  # noqa: F401 (fixtures)

ITEM = "create table item (id int primary key, name text)"
SOURCE, USAGE, CONFIG = 4, 2, 3


@pytest.fixture
def service(pgq_source, file_target, directory):  # noqa: F811
    pgq_source.execute(ITEM)
    file_target.execute("create table item (id integer primary key, name text)")
    return pgq_source.service(directory, file_target, tables=["public.*"])


def triggers(source, table="item"):
    return [row[0] for row in source.query(
        "select pg_get_triggerdef(oid) from pg_trigger where tgrelid = %s::regclass order by tgname",
        table)]


def install(service, *tables, **more):
    return service.command("install", *tables, **more)


def test_install_makes_queue_consumer_and_triggers_and_changes_arrive(
        service, pgq_source, file_target):  # noqa: F811
    said = install(service).stdout
    assert "queue sales: made" in said and "consumer dray: registered" in said
    assert "trigger dray_test on public.item: made" in said
    assert triggers(pgq_source) == [
        "CREATE TRIGGER dray_test AFTER INSERT OR DELETE OR UPDATE ON public.item FOR EACH ROW"
        " EXECUTE FUNCTION pgq.logutriga('sales')",
        "CREATE TRIGGER dray_test_truncate AFTER TRUNCATE ON public.item FOR EACH STATEMENT"
        " EXECUTE FUNCTION pgq.logutriga('sales')"]
    pgq_source.execute("insert into item values (1, 'a'), (2, 'b'); truncate item;"
                       " insert into item values (3, 'c')")
    for name in ("ticker_max_count", "ticker_max_lag", "ticker_idle_period"):
        pgq_source.execute("select pgq.set_queue_config('sales', %s, '0')", name)
    pgq_source.tick()
    service.run()
    assert pgq_source.same(file_target, "item")
    # once more: nothing to do
    again = install(service).stdout
    assert "queue sales: is there" in again and "made" not in again
    assert len(triggers(pgq_source)) == 2


def test_a_dry_run_prints_what_psql_can_run_as_it_is(
        service, pgq_source, directory):  # noqa: F811
    pgq_source.execute("create table \"Odd \"\"Name\" (id int primary key)")
    sql = install(service, "--dry-run").stdout
    assert pgq_source.query("select from pgq.queue") == []
    subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", "-q", pgq_source.options()["connection"]],
                   input=sql, text=True, check=True, stdout=subprocess.DEVNULL)
    again = install(service, "--dry-run").stdout
    assert all(line.startswith("--") for line in again.splitlines()), again
    assert len(triggers(pgq_source, '"Odd ""Name"')) == 2
    sql = service.command("uninstall", "--dry-run").stdout
    subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", "-q", pgq_source.options()["connection"]],
                   input=sql, text=True, check=True, stdout=subprocess.DEVNULL)
    assert triggers(pgq_source) == [] and pgq_source.query("select from pgq.queue") == []


def test_uninstall_removes_just_what_install_made(service, pgq_source):  # noqa: F811
    pgq_source.execute("create table other (id int primary key)")
    pgq_source.execute("create table third (id int primary key)")
    install(service, "public.item", "public.other")
    pgq_source.add_trigger("third")
    said = service.command("uninstall", "public.other").stdout
    assert "trigger dray_test on public.other: removed" in said
    assert triggers(pgq_source, "other") == [] and len(triggers(pgq_source)) == 2
    pgq_source.register("somebody")
    pgq_source.register("dray.snapshot.1")
    said = service.command("uninstall").stdout
    assert ("queue sales: left, since others use it: trigger queue_it on public.third, trigger"
            " queue_truncate on public.third, consumer somebody") in said
    assert triggers(pgq_source) == [] and len(triggers(pgq_source, "third")) == 2
    assert pgq_source.consumers() == ["somebody"]
    pgq_source.unregister("somebody")
    pgq_source.execute("drop table third")
    assert "queue sales: dropped" in service.command("uninstall").stdout
    assert "queue sales: is not there" in service.command("uninstall").stdout


def test_triggers_of_others_are_left_and_told(service, pgq_source):  # noqa: F811
    pgq_source.install("item", arguments=["backup"])
    said = install(service).stdout
    assert "has trigger queue_it of somebody else for this queue, left as it is" in said
    assert len(triggers(pgq_source)) == 2


def test_tables_that_applications_could_not_write_to_any_more_are_refused(
        service, pgq_source):  # noqa: F811
    pgq_source.execute("create table keyless (id int not null, name text)")
    said = install(service, expect=SOURCE).stderr
    assert "nothing was changed: 1 table cannot have the trigger" in said
    assert "public.keyless: it has no primary key" in said
    assert triggers(pgq_source) == [] and pgq_source.query("select from pgq.queue") == []
    service.options["source"]["trigger_arguments"] = ["pkey=nr"]
    said = install(service, "public.keyless", expect=SOURCE).stderr
    assert "it has no column nr, which pkey= of trigger_arguments names" in said
    for arguments in (["pkey=id", "ignore=name,id"], ["ignore=id"]):
        service.options["source"]["trigger_arguments"] = arguments
        said = install(service, "public.keyless" if len(arguments) == 2 else "public.item",
                       expect=SOURCE).stderr
        assert "its key column id is among ignore= of trigger_arguments" in said
    assert triggers(pgq_source) == []
    service.options["source"]["trigger_arguments"] = ["pkey=id", "backup"]
    install(service, "public.keyless")
    pgq_source.execute("insert into keyless values (1, 'a'); update keyless set name = 'b'")
    assert [row[1] for row in pgq_source.events()] == ["I:id", "U:id"]


def test_roles_that_may_write_and_not_log_are_told_before_their_writes_fail(
        service, pgq_source):  # noqa: F811
    role = f"writer_{pgq_source.name}"
    pgq_source.execute(f"create role {role} login; grant insert on item to {role}")
    try:
        said = install(service, expect=SOURCE).stderr
        assert f"their writes would fail: GRANT pgq_writer TO \"{role}\"" in said
        assert triggers(pgq_source) == []
        assert f"GRANT pgq_writer TO \"{role}\";" in install(service, "--dry-run").stdout
        pgq_source.execute(f"grant pgq_writer to {role}")
        install(service)
        pgq_source.execute(f"set role {role}; insert into item values (1); reset role")
        pgq_source.execute(f"revoke pgq_writer from {role}")
        assert f"GRANT pgq_writer TO \"{role}\"" in service.command("check", expect=None).stdout
    finally:
        pgq_source.execute(f"reset role; drop owned by {role}; drop role {role}")


@pytest.mark.parametrize("argument, reason", [
    ("bogus", '"bogus" is none of PgQ\'s: backup, deny, SKIP, ignore='),
    ("skip", '"skip" is none of PgQ\'s'),
    ("pkey=", '"pkey=" lacks its value'),
    ("ignore", '"ignore" lacks its value'),
    ("backup=1", "backup is a word alone"),
])
def test_a_wrong_argument_is_refused_by_its_name(
        argument, reason, service, pgq_source):  # noqa: F811
    service.options["source"]["trigger_arguments"] = [argument]
    said = install(service, expect=CONFIG).stderr
    assert reason in said, said
    service.options["source"]["trigger_arguments"] = ["backup", "backup"]
    assert "backup comes twice" in install(service, expect=CONFIG).stderr
    assert pgq_source.query("select from pgq.queue") == []


def test_arguments_do_what_pgq_says(service, pgq_source):  # noqa: F811
    pgq_source.execute("create table j (id int primary key, a text, b text)")
    pgq_source.execute("create table d (id int primary key)")
    pgq_source.execute("create table s (id int primary key)")
    source = service.options["source"]
    source["trigger"] = "jsontriga"
    source["trigger_arguments"] = ["ignore=b"]
    install(service, "public.j")
    source["trigger"] = "logutriga"
    source["trigger_arguments"] = ["deny"]
    assert "every change of public.d is refused from now on" in install(service, "public.d").stdout
    source["trigger_arguments"] = ["SKIP"]
    install(service, "public.s")
    for statement in ("insert into d values (1)", "truncate d"):
        with pytest.raises(Exception, match="change not allowed"):
            pgq_source.execute(statement)
    pgq_source.execute("insert into s values (1)")
    pgq_source.execute("insert into j values (1, 'x', 'y'); update j set b = 'z'")
    assert pgq_source.query("select * from s") == []
    assert [row[2] for row in pgq_source.events()] == ["id=1", '{"id":1,"a":"x"}']
    said = service.command("check", expect=None).stdout
    assert "table public.j: primary key (id)" in said and "column b never arrives" in said
    assert "every change of it is refused (a trigger with deny)" in said
    assert "SKIP keeps the changes out of the table itself" in said


def test_partitions_log_under_their_own_names_and_tell_of_truncate(
        service, pgq_source):  # noqa: F811
    pgq_source.execute("create table p (id int primary key) partition by range (id)")
    pgq_source.execute("create table p1 partition of p for values from (0) to (10)")
    pgq_source.execute("create table p2 partition of p for values from (10) to (20)")
    said = install(service, "public.p").stdout
    assert "table public.p is partitioned: changes come under the names of its partitions" in said
    pgq_source.execute("insert into p values (1), (11); truncate p")
    assert sorted((row[1], row[3]) for row in pgq_source.events()) == [
        ("I:id", "public.p1"), ("I:id", "public.p2"), ("R", "public.p1"), ("R", "public.p2")]
    pgq_source.execute("create table p3 partition of p for values from (20) to (30)")
    assert "table public.p3: primary key (id), triggers dray_test (logutriga): TRUNCATE of it is" \
        " lost" in service.command("check", expect=None).stdout
    assert "trigger dray_test_truncate on public.p3: made" in install(service, "public.p").stdout
    service.command("uninstall", "public.p")
    assert [triggers(pgq_source, name) for name in ("p", "p1", "p2", "p3")] == [[], [], [], []]


def test_check_tells_what_loses_changes_and_the_way_out(
        service, pgq_source, file_target):  # noqa: F811
    pgq_source.install("item")
    for table in ("a", "b", "c", "d", "e"):
        pgq_source.execute(f"create table {table} (id int primary key)")
        file_target.execute(f"create table {table} (id integer primary key)")
    pgq_source.execute("create trigger x after insert or update on a for each row execute function"
                       " pgq.logutriga('sales')")
    pgq_source.add_trigger("b", function="sqltriga")
    pgq_source.add_trigger("c")
    pgq_source.execute("alter table c disable trigger queue_it")
    pgq_source.add_trigger("d", arguments=["when=id > 5"])
    pgq_source.add_trigger("e")
    pgq_source.execute("create trigger second after insert on e for each row execute function"
                       " pgq.logutriga('sales')")
    said = service.command("check", expect=None).stdout
    for text in ("public.a: primary key (id), triggers x (logutriga): DELETE, TRUNCATE of it is lost",
                 "trigger queue_it calls pgq.sqltriga, whose events are parts of SQL",
                 'trigger queue_it is disabled: ALTER TABLE "public"."c" ENABLE TRIGGER "queue_it"',
                 "when= logs only some changes",
                 "each INSERT is logged twice, by the triggers queue_it and second"):
        assert text in said, said


def test_check_tells_of_ticker_queue_consumers_and_settings(service, pgq_source):  # noqa: F811
    assert "queue \"sales\" does not exist" in service.command("check", expect=SOURCE).stderr \
        + service.command("check", expect=SOURCE).stdout
    pgq_source.install("item")
    role = f"german_{pgq_source.name}"
    pgq_source.execute(f"create role {role}; alter role {role} set datestyle = 'German'")
    pgq_source.execute(f"alter database {pgq_source.name} set extra_float_digits = 0")
    pgq_source.register("lazy")
    pgq_source.execute("update pgq.tick set tick_time = now() - interval '3 hours'")
    try:
        said = service.command("check", expect=None).stdout
        assert "queue sales: PgQ 3.5, queue id" in said
        assert "does pgqd run?" in said
        assert f"role {role} has datestyle = German" in said
        assert f"ALTER ROLE \"{role}\" SET datestyle = 'ISO'" in said
        assert f"database {pgq_source.name} has extra_float_digits = 0" in said
        pgq_source.tick()
        said = service.command("check", expect=None).stdout
        assert "consumer lazy is 108" in said and "does pgqd run?" not in said
        pgq_source.execute("select pgq.set_queue_config('sales', 'ticker_paused', 'true')")
        assert "its ticker is paused" in service.command("check", expect=None).stdout
    finally:
        pgq_source.execute(f"drop role {role}")


def test_ddl_makes_the_tables_of_the_queue(pgq_source, file_target, directory):  # noqa: F811
    pgq_source.execute("create table item (id int primary key, name varchar(20), at timestamptz,"
                       " twice int generated always as (id * 2) stored)")
    pgq_source.install("item")
    service = pgq_source.service(directory, file_target)
    service.command("ddl", "--execute")
    pgq_source.execute("insert into item values (1, 'a', '2024-01-02 03:04:05+00')")
    pgq_source.tick()
    service.run()
    assert file_target.query("select id, name from item") == [(1, "a")]


def test_a_database_without_pgq_is_named(service, pgq_source):  # noqa: F811
    pgq_source.execute("drop extension pgq")
    for command in ("install", "check", "bootstrap"):
        done = service.command(command, expect=SOURCE)
        assert "has no PgQ" in done.stderr + done.stdout, done
