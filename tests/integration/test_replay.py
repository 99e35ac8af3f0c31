"""Retained blocks go into any target, whoever wrote them, or are refused before anything is loaded."""
import datetime
import os
import shutil
import signal
import subprocess
import time

import pytest

import targets
from conftest import chosen_targets
from model import Table
from service import Service, environment, program

ITEM = Table("item", [("id", "integer"), ("name", "text")])
WIDE = Table("wide", [("id", "integer"), ("t", "text"), ("b", "bytea"), ("ok", "boolean"),
                      ("at", "timestamp with time zone"), ("n", "numeric"), ("d", "date")])
# the audit table of append.sql
TRAIL = Table("trail", [("id", "integer"), ("v", "text")])

WIDE_ROWS = [
    (1, "plain", b"\x00\xff\x41", True, "2016-03-11 20:51:10.123456+02", "1.50", "2016-03-11"),
    (2, None, None, None, None, None, None),
    (3, "null", b"", False, "2016-01-01 00:30:00+05:30", "-123456789.125", "1999-12-31"),
    (4, "NULL", b"\\x41", True, "2020-02-29 23:59:59-08", "0", "2020-02-29"),
    (5, "\\N", b"\\N", False, "1970-01-01 00:00:00+00", "7", "1970-01-01"),
    (6, "", b"'\"\\\r\n\t", True, "2038-01-19 03:14:08.000001+00", "1e3", "2038-01-19"),
    (7, 'quo"te, com\\ma\r\nline\ttab\'', b"\x80\x81", False, "2016-03-11 20:51:10+00", "3",
     "2016-03-11"),
    (8, "\U0001F600 grüße \u4e2d", b"\xf0\x9f\x98\x80", True, "2016-03-11 20:51:10+00", "4",
     "2016-03-11"),
]


def follow(service):
    """Wait for more; the harness lets a block end only with the log."""
    service.options["source"]["follow"] = True
    service.options["block"]["max_interval"] = "50ms"


def other_targets(kind):
    return [other for other in chosen_targets() if other != kind]


def position_of(target, service="test"):
    """0 also where the table of positions was never made."""
    try:
        return target.position(service)
    except Exception:
        return 0


def make_target(kind, request, directory):
    if kind == "sqlite":
        return targets.Sqlite(directory)
    if kind == "postgres":
        return targets.PostgresTarget(request.getfixturevalue("postgres_server"))
    return targets.MysqlTarget(request.getfixturevalue("mariadb_server"))


@pytest.fixture
def another(target):
    """A second, empty target of the same type."""
    made = target.another()
    yield made
    made.drop()


def reader_of(directory, target, log, name="second"):
    return Service(directory, target, log.path, name=name)


def fill(log, count=6, start=1):
    """A transaction, and with max_rows 1 a block, for each number."""
    for number in range(start, start + count):
        with log.transaction() as change:
            change.insert(ITEM, number, f"name {number}")
            if number > 1:
                change.update(ITEM, number - 1, name=f"changed by {number}")


@pytest.fixture
def blocks(target, log, service):
    """Six retained blocks of a transaction each; their directories."""
    target.create(ITEM)
    fill(log)
    service.options["block"]["max_rows"] = 1
    service.run()
    assert len(service.block_directories()) == 6
    return service.block_directories()


def as_instant(value):
    """A timestamp with zone as this target holds it: text, aware or UTC datetime."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.timezone.utc)
    return value.astimezone(datetime.timezone.utc)


def canonical(rows):
    return sorted((
        (i, t, b, None if ok is None else bool(ok), as_instant(at),
         None if n is None else float(n), None if d is None else str(d))
        for i, t, b, ok, at, n, d in rows), key=lambda row: row[0])


# ---- into the same and into other targets --------------------------------------------------------

def test_blocks_into_an_empty_target_give_equal_rows_and_position(
        target, log, service, blocks, another, directory):
    another.create(ITEM)
    second = reader_of(directory, another, log)
    done = second.replay(service.blocks_directory)
    assert another.rows(ITEM) == target.rows(ITEM) == log.rows(ITEM)
    assert another.position("second") == 6
    position = "select seqno, source_position, block, commit_timestamp from dray_position"
    assert another.query(position) == target.query(position)
    assert "blocks=6 skipped=0 rows=16 seqno=6" in done.stdout
    assert "replayed seqno=6 rows=16/16" in done.stdout
    # the other service's name stays in the other service's target
    assert position_of(target, "second") == 0


def test_values_are_equal_in_every_other_kind_of_target(target, log, service, directory, request):
    target.create(WIDE)
    with log.transaction() as change:
        for row in WIDE_ROWS[:4]:
            change.insert(WIDE, *row)
    with log.transaction() as change:
        for row in WIDE_ROWS[4:]:
            change.insert(WIDE, *row)
        change.update(WIDE, 5, t="again \\N \U0001F680")
        change.delete(WIDE, 2)
        change.insert(WIDE, *WIDE_ROWS[1])
    service.options["block"]["max_rows"] = 1
    service.run()
    expected = canonical(log.rows(WIDE))
    assert canonical(target.rows(WIDE)) == expected
    for kind in other_targets(target.kind):
        other = make_target(kind, request, directory)
        try:
            other.create(WIDE)
            second = reader_of(directory, other, log, name=f"to-{kind}")
            second.replay(service.blocks_directory)
            assert canonical(other.rows(WIDE)) == expected, f"{target.kind} to {kind}"
            assert not os.path.exists(os.path.join(second.blocks_directory, "replay.tmp"))
        finally:
            other.drop()


def test_header_columns_of_another_order_and_prefix_are_converted(
        target, log, service, blocks, another, directory):
    another.create(ITEM)
    second = reader_of(directory, another, log)
    second.options["stage"] = {"column_prefix": "x_", "header_columns": [
        "seqno", "service", "opcode", "row_id", "timestamp"]}
    second.replay(service.blocks_directory)
    assert another.rows(ITEM) == log.rows(ITEM)


# ---- what is loaded, and what is not --------------------------------------------------------------

def test_what_the_position_holds_is_skipped_unless_again(
        target, log, service, blocks, another, directory):
    another.create(ITEM)
    second = reader_of(directory, another, log)
    second.replay(*blocks[:3])
    assert another.position("second") == 3
    done = second.replay(service.blocks_directory)
    assert "blocks=3 skipped=3" in done.stdout
    another.execute("delete from item")
    done = second.replay(service.blocks_directory)
    assert "blocks=0 skipped=6" in done.stdout
    assert another.rows(ITEM) == []
    done = second.replay(service.blocks_directory, "--again")
    assert "blocks=6 skipped=0 rows=16 seqno=6" in done.stdout
    assert another.rows(ITEM) == log.rows(ITEM)
    assert another.position("second") == 6


def test_again_goes_past_the_position_but_not_over_a_hole(
        target, log, service, blocks, another, directory):
    another.create(ITEM)
    second = reader_of(directory, another, log)
    second.replay(*blocks[:2])
    refused = second.replay("--again", *blocks[:2], *blocks[3:], expect=1)
    assert blocks[3] in refused.stderr and blocks[1] in refused.stderr
    assert another.position("second") == 2
    second.replay("--again", *blocks)
    assert another.position("second") == 6
    assert another.rows(ITEM) == log.rows(ITEM)


def test_from_and_to_choose_blocks_and_refuse_a_limit_inside_one(
        target, log, service, another, directory):
    target.create(ITEM)
    fill(log)
    service.options["block"].update(max_rows=4, max_interval="1h")
    service.run()
    firsts = [(manifest["first_seqno"], manifest["last_seqno"]) for manifest in service.manifests()]
    assert firsts == [(1, 2), (3, 4), (5, 6)]
    another.create(ITEM)
    second = reader_of(directory, another, log)
    for option, value in [("--from", 2), ("--to", 3), ("--to", 5)]:
        refused = second.replay(service.blocks_directory, option, value, expect=2)
        assert "can only be replayed whole: choose --from and --to at its limits" in refused.stderr
        assert f"block {value if value % 2 else value - 1} to " in refused.stderr
    refused = second.replay(service.blocks_directory, "--from", 5, "--to", 4, expect=2)
    assert "--to 4 is before --from 5" in refused.stderr
    refused = second.replay(service.blocks_directory, "--from", 7, expect=2)
    assert "no block in the directories given" in refused.stderr
    refused = second.replay(service.blocks_directory, "--from", "x", expect=2)
    assert '--from: "x" is not a seqno' in refused.stderr
    assert another.query("select count(*) from item") == [(0,)]
    second.replay(service.blocks_directory, "--to", 2)
    assert another.position("second") == 2
    refused = second.replay(service.blocks_directory, "--from", 5, expect=1)
    assert "but the target's position ends at 2" in refused.stderr
    second.replay(service.blocks_directory, "--from", 3, "--to", 6)
    assert another.position("second") == 6
    assert another.rows(ITEM) == log.rows(ITEM)


def test_table_needs_again_and_leaves_the_position(target, log, service, another, directory):
    for database in (target, another):
        database.create(ITEM)
        database.create(WIDE)
    with log.transaction() as change:
        change.insert(ITEM, 1, "one")
        change.insert(WIDE, *WIDE_ROWS[0])
    service.run()
    (block,) = service.block_directories()
    refused = service.replay(block, "--table", "public.item", expect=2)
    assert "--table needs --again" in refused.stderr
    for table in (ITEM, WIDE):
        target.execute(f"delete from {table.name}")
    service.replay(block, "--table", "public.it*", "--again")
    assert target.rows(ITEM) == log.rows(ITEM)
    assert target.rows(WIDE) == []
    assert target.position() == 1
    # what the position does not hold would come once more with the next run
    fill(log, 1, start=2)
    target.execute("update dray_position set seqno = 1")
    shutil.copytree(service.blocks_directory, os.path.join(directory, "copy"))
    service.run()
    newest = service.block_directories()[-1]
    target.execute("update dray_position set seqno = 1")
    before = target.rows(ITEM)
    refused = service.replay(service.blocks_directory, "--table", "public.item", "--again",
                             expect=2)
    assert newest in refused.stderr and "past the position, seqno 1" in refused.stderr
    assert target.rows(ITEM) == before


def test_a_missing_block_in_the_middle_is_refused_with_both_names_unless_gaps(
        target, log, service, blocks, another, directory):
    another.create(ITEM)
    second = reader_of(directory, another, log)
    chosen = blocks[:2] + blocks[3:]
    refused = second.replay(*chosen, expect=1)
    assert (f"{blocks[3]} begins at seqno 4, but {blocks[1]} ends at 2: transactions are missing "
            "between them; --gaps") in refused.stderr
    assert another.rows(ITEM) == []
    assert position_of(another, "second") == 0
    second.replay("--gaps", *chosen)
    assert another.position("second") == 6


def test_a_block_of_transactions_without_rows_is_no_hole(
        target, log, service, another, directory):
    """A block of skipped tables only is a manifest alone: a replay can tell it from a lost one."""
    skipped = Table("skipped", ITEM.columns)
    for database in (target, another):
        database.create(ITEM)
    service.rules.append({"match": "public.skipped", "skip": True})
    service.options["block"].update(max_rows=1)
    fill(log, 2)
    for number in range(5):
        with log.transaction() as change:
            change.insert(skipped, number, "x")
    service.run()
    fill(log, 2, start=3)
    service.run()
    second = reader_of(directory, another, log)
    second.replay(service.blocks_directory)
    assert another.rows(ITEM) == log.rows(ITEM)
    checked = service.command("blocks", "check").stdout
    assert "no block holds" not in checked and "0 faults" in checked


def test_overlapping_blocks_are_refused_with_both_names(
        target, log, service, blocks, another, directory):
    another.create(ITEM)
    copy = os.path.join(directory, "copy")
    shutil.copytree(blocks[2], copy)
    second = reader_of(directory, another, log)
    refused = second.replay(service.blocks_directory, copy, expect=1)
    assert copy in refused.stderr and blocks[2] in refused.stderr
    assert "overlap: both hold seqno 3" in refused.stderr
    refused = second.replay("--again", service.blocks_directory, copy, expect=1)
    assert "overlap" in refused.stderr
    assert another.rows(ITEM) == []


# ---- damage --------------------------------------------------------------------------------------

def change_file(path, change):
    with open(path, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write(change(content))


DAMAGES = {
    "flipped byte": lambda block: change_file(
        f"{block}/public.item.csv", lambda c: c[:40] + bytes([c[40] ^ 1]) + c[41:]),
    "truncated file": lambda block: change_file(f"{block}/public.item.csv", lambda c: c[:-5]),
    "missing file": lambda block: os.unlink(f"{block}/public.item.csv"),
    "edited manifest": lambda block: change_file(
        f"{block}/manifest.json", lambda c: c.replace(b'"bytes": ', b'"bytes": 1', 1)),
    "manifest cut short": lambda block: change_file(
        f"{block}/manifest.json", lambda c: c[:len(c) // 2]),
    "manifest that leaves the directory": lambda block: change_file(
        f"{block}/manifest.json", lambda c: c.replace(b"public.item.csv", b"../../item.csv")),
}


@pytest.mark.parametrize("again", [False, True], ids=["", "again"])
def test_any_damage_in_a_later_block_is_refused_before_anything_is_loaded(
        target, log, service, blocks, another, directory, again):
    another.create(ITEM)
    second = reader_of(directory, another, log)
    for name, damage in DAMAGES.items():
        copy = os.path.join(directory, "damaged")
        shutil.copytree(service.blocks_directory, copy)
        hurt = os.path.join(copy, os.path.basename(blocks[4]))
        damage(hurt)
        refused = second.replay(copy, *(["--again"] if again else []), expect=1)
        assert hurt in refused.stderr, name
        assert another.rows(ITEM) == [], name
        assert position_of(another, "second") == 0, name
        shutil.rmtree(copy)


# ---- killed, interrupted, together with a service ---------------------------------------------------

def needs_faults():
    done = subprocess.run([program(), "help"], env=environment({"DRAY_FAULT": "nonsense"}),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if done.returncode >= 0:
        pytest.skip("this build has no fault points (-Dfaults=true)")


def header_columns(target):
    return (f"dray_opcode varchar(2), dray_seqno bigint, dray_row_id bigint, "
            f"dray_timestamp {target.type_of('timestamp with time zone', False)}")


def test_killed_at_every_fault_point_and_run_again_nothing_is_lost_or_doubled(
        target, log, service, directory, request):
    """Blocks of another dialect, so that the conversion is killed too; one table is append.sql."""
    needs_faults()
    audit = Table("trail", TRAIL.columns, key=())
    target.create(ITEM)
    target.create(audit, more=header_columns(target))
    rule = {"match": "public.trail", "target": "trail", "merge_script": "append.sql"}
    service.rules.append(rule)
    service.options["block"]["max_rows"] = 1
    service.options["stage"] = {"header_columns": ["opcode", "row_id", "seqno", "timestamp"]}
    for number in range(3):
        with log.transaction() as change:
            change.insert(ITEM, number, f"name {number}")
            change.insert(audit, number, f"line {number}")
    service.run()
    other = target.another()
    try:
        other.create(ITEM)
        other.create(audit, more=header_columns(other))
        second = reader_of(directory, other, log)
        second.rules.append(rule)
        path = second.write()
        point = kills = 0
        while True:
            point += 1 + point // 8  # closer together at the beginning
            for name in ["item", "trail", "dray_position"][:3 if kills else 2]:
                other.execute(f"delete from {name}")
            done = subprocess.run([program(), "replay", path, service.blocks_directory],
                                  env=environment({"DRAY_FAULT": f"kill:{point}"}),
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
            killed = done.returncode == -signal.SIGKILL
            assert killed or done.returncode == 0, done.stderr
            kills += killed
            second.replay(service.blocks_directory)
            assert other.rows(ITEM) == log.rows(ITEM)
            assert other.query("select dray_seqno, id, v from trail order by 1") == [
                (n + 1, n, f"line {n}") for n in range(3)]
            assert other.position("second") == 3
            if not killed:
                break
        assert kills > 10
        assert not os.path.exists(os.path.join(second.blocks_directory, "replay.tmp"))
    finally:
        other.drop()


def test_a_run_goes_on_where_the_replay_ended(target, log, service, blocks, another, directory):
    another.create(ITEM)
    second = reader_of(directory, another, log)
    second.replay(*blocks[:4])
    assert another.position("second") == 4
    fill(log, 2, start=7)
    second.run()
    assert another.position("second") == 8
    assert another.rows(ITEM) == log.rows(ITEM)
    assert [m["first_seqno"] for m in second.manifests()][0] == 5


def test_a_replay_while_the_service_runs_is_refused(target, log, service, blocks):
    follow(service)
    service.start()
    deadline = time.monotonic() + 20
    while not service.status()["process_runs"]:
        assert service.process.poll() is None and time.monotonic() < deadline, service.output()
        time.sleep(0.02)
    refused = service.replay(service.blocks_directory, "--again", expect=6)
    assert f"pid {service.process.pid}" in refused.stderr
    service.stop()
    service.replay(service.blocks_directory, "--again")


# ---- Tungsten -------------------------------------------------------------------------------------

SITES = Table("sites", [("id", "integer"), ("url", "text"), ("sold", "boolean"),
                        ("at", "timestamp with time zone")], schema="shop")


def put(directory, name, text):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "w", encoding="utf-8", newline="") as file:
        file.write(text)


def sites(target):
    return [(i, url, None if sold is None else bool(sold), as_instant(at))
            for i, url, sold, at in target.rows(SITES)]


def utc(text):
    return datetime.datetime.fromisoformat(text + "+00:00")


# One line a value; null, an empty text, the null words as text, quotes, backslashes, commas.
MYSQL_LINES = (
    '"I","84900","1","2016-03-11 20:51:10.000","1","http://e.org/\\"a\\"","1","2016-03-11 20:51:10.5"\n'
    '"I","84900","2","2016-03-11 20:51:10.000","2",\\N,\\N,\\N\n'
    '"I","84901","3","2016-03-11 20:51:10.000","3","","0","2016-03-11 20:51:10"\n'
    '"I","84901","4","2016-03-11 20:51:10.000","4","\\\\N","0",\\N\n'
    '"I","84903","5","2016-03-11 20:51:10.000","5","c:\\\\dir, \u00fc \U0001F600\nline","0",\\N\n'
    '"D","84903","6","2016-03-11 20:51:10.000","3",\\N,\\N,\\N\n')
MYSQL_ROWS = [(1, 'http://e.org/"a"', True, utc("2016-03-11 20:51:10.500000")),
              (2, None, None, None), (4, "\\N", False, None),
              (5, "c:\\dir, \u00fc \U0001F600\nline", False, None)]
REDSHIFT_LINES = (
    '"I","10","1","2016-03-11 20:51:10.000","1","say ""hi"" \\ a,b","1","2016-03-11 20:51:10.123"\n'
    '"I","10","2","2016-03-11 20:51:10.000","2","null","0",null\n'
    '"UD","11","3","2016-03-11 20:51:10.000","2",null,null,null\n'
    '"UI","11","4","2016-03-11 20:51:10.000","2",null,"1",null\n')
REDSHIFT_ROWS = [(1, 'say "hi" \\ a,b', True, utc("2016-03-11 20:51:10.123000")),
                 (2, None, True, None)]
DEFAULT_LINES = (
    "I,10,1,2016-03-11 20:51:10.000,1,http://e.org/a\\b\"c,1,2016-03-11 20:51:10.0\n"
    "I,10,2,2016-03-11 20:51:10.000,2,null,0,null\n"
    "I,12,3,2016-03-11 20:51:10.000,3,,null,null\n")
DEFAULT_ROWS = [(1, 'http://e.org/a\\b"c', True, utc("2016-03-11 20:51:10")),
                (2, None, False, None), (3, "", None, None)]


@pytest.mark.parametrize("csv_type, seqno, lines, rows, last", [
    ("mysql", 84900, MYSQL_LINES, MYSQL_ROWS, 84903),
    ("oracle", 84900, MYSQL_LINES, MYSQL_ROWS, 84903),
    ("vertica", 84900, MYSQL_LINES.replace(",\\N", ",null"), MYSQL_ROWS, 84903),
    ("redshift", 10, REDSHIFT_LINES, REDSHIFT_ROWS, 11),
    (None, 10, DEFAULT_LINES, DEFAULT_ROWS, 12),
])
def test_each_csv_type_of_tungsten_is_read(target, service, directory, csv_type, seqno, lines, rows,
                                           last):
    target.create(SITES)
    where = os.path.join(directory, "staging0")
    put(where, f"shop-sites-{seqno}.csv", lines)
    put(where, "notes.txt", "left alone")
    done = service.replay(where, *(["--csv-type", csv_type] if csv_type else []))
    assert sites(target) == rows
    assert target.position() == last
    count = len(lines.replace("\nline", "").splitlines())
    assert f"rows={count} seqno={last}" in done.stdout
    assert f"rows={count}/{count}" in done.stdout
    # again: skipped
    assert "blocks=0 skipped=1" in service.replay(
        where, *(["--csv-type", csv_type] if csv_type else [])).stdout


def test_an_unknown_csv_type_is_an_error_of_usage(target, service, directory):
    target.create(SITES)
    put(f"{directory}/s", "shop-sites-10.csv", DEFAULT_LINES)
    refused = service.replay(f"{directory}/s", "--csv-type", "hive", expect=2)
    assert "one of default, mysql, oracle, vertica, redshift is expected" in refused.stderr


def test_seqnos_without_rows_between_tungstens_blocks_are_no_hole(target, service, directory):
    target.create(SITES)
    put(f"{directory}/a", "shop-sites-10.csv", DEFAULT_LINES)
    put(f"{directory}/a", "shop-sites-40.csv", "I,44,1,2016-03-11 20:51:10.000,7,x,1,null\n")
    put(f"{directory}/b", "shop-sites-50.csv", "D,50,1,2016-03-11 20:51:10.000,7,null,null,null\n")
    service.replay(f"{directory}/b", f"{directory}/a")
    assert sites(target) == DEFAULT_ROWS
    assert target.position() == 50


def test_the_staging_table_tells_the_columns(target, service, directory):
    """Made by a DBA with Tungsten's header columns: its columns, not the base table's order."""
    columns = ", ".join(f"{name} {target.type_of(kind, False)}" for name, kind in [
        ("tungsten_opcode", "text"), ("tungsten_seqno", "bigint"), ("tungsten_row_id", "bigint"),
        ("tungsten_commit_timestamp", "timestamp with time zone"),
        ("url", "text"), ("id", "integer")])
    target.create(SITES)
    target.execute(f"create table stage_sites ({columns})")
    where = f"{directory}/s"
    put(where, "shop-sites-10.csv", "I,10,1,2016-03-11 20:51:10.000,http://e.org,1\n")
    service.options["stage"] = {"column_prefix": "tungsten_",
                                "timestamp_column": "commit_timestamp"}
    service.replay(where)
    assert sites(target) == [(1, "http://e.org", None, None)]


def test_our_own_staging_table_tells_the_columns_with_any_header(target, service, directory):
    target.create(SITES)
    service.options["stage"] = {
        "header_columns": ["opcode", "seqno", "row_id", "timestamp", "service"]}
    put(f"{directory}/s", "shop-sites-10.csv", DEFAULT_LINES)
    service.replay(f"{directory}/s")
    put(f"{directory}/s", "shop-sites-20.csv", "D,20,1,2016-03-11 20:51:10.000,1,null,null,null\n")
    service.replay(f"{directory}/s")
    assert sites(target) == DEFAULT_ROWS[1:]


def test_a_bad_line_of_tungstens_is_named_before_anything_is_loaded(target, service, directory):
    target.create(SITES)
    where = f"{directory}/s"
    for line, words in [
            ("I,20,1,2016-03-11 20:51:10.000,1,a,b,c,d", "9 values where 8 are expected"),
            ("X,20,1,2016-03-11 20:51:10.000,1,a,1,null", "opcode"),
            ("I,x,1,2016-03-11 20:51:10.000,1,a,1,null", "seqno"),
            ("I,20,1,2016-03-11 20:51:10.000,1,a,1,yesterday", "column at")]:
        if words == "column at" and target.kind == "sqlite":
            continue  # a text column takes it
        put(where, "shop-sites-10.csv", DEFAULT_LINES)
        put(where, "shop-sites-20.csv", f"I,20,1,2016-03-11 20:51:10.000,9,x,1,null\n{line}\n")
        refused = service.replay(where, expect=1)
        assert f"{where}/shop-sites-20.csv:2: " in refused.stderr, refused.stderr
        assert words in refused.stderr
        assert target.rows(SITES) == []
        assert position_of(target) == 0
    put(where, "shop-sites-10.csv", DEFAULT_LINES.replace("I,12,", "I,25,"))
    put(where, "shop-sites-20.csv", "I,20,1,2016-03-11 20:51:10.000,9,x,1,null\n")
    refused = service.replay(where, expect=1)
    assert "go up to seqno 25, but another block begins at 20" in refused.stderr
    assert target.rows(SITES) == []


def test_a_dash_in_a_name_needs_a_rule_that_names_the_table(target, service, directory):
    target.create(Table("web-sites", SITES.columns))
    where = f"{directory}/s"
    put(where, "shop-web-sites-10.csv", DEFAULT_LINES)
    refused = service.replay(where, expect=1)
    assert "shop-web-sites-10.csv: ambiguous" in refused.stderr
    service.rules.append({"match": "shop.web-sites", "target": "web-sites"})
    service.replay(where)
    assert len(target.rows(SITES, name="web-sites")) == 3


def test_tungstens_files_may_be_larger_than_a_buffer(target, service, directory):
    target.create(SITES)
    lines = [f"I,{10 + n // 1000},{n + 1},2016-03-11 20:51:10.000,{n},{'u' * 150}{n},1,null\n"
             for n in range(6000)]
    put(f"{directory}/s", "shop-sites-10.csv", "".join(lines))
    service.replay(f"{directory}/s")
    assert target.query("select count(*), max(id) from sites") == [(6000, 5999)]
    assert target.position() == 15


def test_a_directory_of_neither_kind_is_refused(target, service, directory):
    empty = os.path.join(directory, "empty")
    os.mkdir(empty)
    refused = service.replay(empty, expect=1)
    assert "neither a block, nor a directory of blocks, nor CSV files of Tungsten's" in \
        refused.stderr
    refused = service.replay(os.path.join(directory, "nowhere"), expect=1)
    assert "nowhere" in refused.stderr
