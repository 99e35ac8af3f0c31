"""keep_latest.sql and keep_all.sql on each target: what they keep, and what they refuse."""
import re

import pytest

from model import Table, sort_key
from postgres_source import file_target, source, source_server  # noqa: F401 (fixtures)
from service import Service

VISITS = Table("visits", [("id", "integer"), ("page", "text"), ("n", "bigint")])
NO_KEY = Table("clicks", [("page", "text"), ("n", "bigint")], key=())
DAY = 86400 * 1_000_000
FIRST, SECOND = "visits_2023_11_14", "visits_2023_11_15"  # where the log's clock begins


@pytest.fixture
def keep_all(service):
    """service with keep_all.sql; keep_all(policy) sets what becomes of deletes."""
    service.rules = [{"match": "public.visits", "target": "visits"}]
    service.options["target"]["merge_script"] = "keep_all.sql"

    def say(policy):
        service.rules[0]["deletes"] = policy
    return say


def versions(target, columns="id, page, n", name="visits"):
    return sorted(target.query(f"select {columns} from {name}"), key=sort_key)


def create(target, opcode=False, name="visits"):
    """A base table of keep_all.sql: no key."""
    target.create(Table(name, VISITS.columns, key=()),
                  more="dray_opcode varchar(2)" if opcode else "")


def some_history(log):
    """Inserts, updates, a key that changes and a delete; what keep_all keeps of it, and the opcodes."""
    with log.transaction() as change:
        change.insert(VISITS, 1, "a", 1)
        change.insert(VISITS, 2, "b", None)
    with log.transaction() as change:
        change.update(VISITS, 1, page="a2")
        change.update(VISITS, 1, page="a2")
        change.update(VISITS, 2, id=3)
    return [("I", 1, "a", 1), ("I", 2, "b", None), ("UI", 1, "a2", 1), ("UI", 1, "a2", 1),
            ("UI", 3, "b", None)]


def delete_one(log):
    with log.transaction() as change:
        change.delete(VISITS, 3)
    return [("D", 3, None, None)]


def test_keep_all_keeps_every_new_row_as_it_came(target, log, service, keep_all):
    create(target)
    kept = some_history(log)
    service.run()
    assert versions(target) == sorted((row[1:] for row in kept), key=sort_key)


def test_keep_all_refuses_a_delete_and_goes_on_once_the_rule_says_what_to_do(
        target, log, service, keep_all):
    create(target)
    kept = some_history(log)
    service.run()
    with log.transaction() as change:
        change.insert(VISITS, 7, "line\nbreak, \"quoted\"", 7)
        change.update(VISITS, 7, n=8)
    delete_one(log)
    said = service.run(expect=1).stderr
    assert "table public.visits: CSV file public.visits.csv line 6 (row_id 4, seqno 4): " in said
    assert re.search(r"a row was deleted in the source: \S+/keep_all\.sql has no way to delete", said)
    for way_out in ("deletes: keep", "deletes: ignore", "another merge_script"):
        assert way_out in said
    assert "quoted" not in said
    assert target.position() == 2
    assert versions(target) == sorted((row[1:] for row in kept), key=sort_key)
    keep_all("ignore")
    service.run()
    kept += [("I", 7, "line\nbreak, \"quoted\"", 7), ("UI", 7, "line\nbreak, \"quoted\"", 8)]
    assert versions(target) == sorted((row[1:] for row in kept), key=sort_key)


def test_deletes_that_are_kept_are_rows_with_the_opcode(target, log, service, keep_all):
    create(target)
    kept = some_history(log) + delete_one(log)
    keep_all("keep")
    checked = service.command("check", expect=None)
    refused = service.run(expect=3)
    for said in (checked.stdout + checked.stderr, refused.stderr):
        assert "table public.visits: under deletes: keep its target table visits needs a column " \
            "dray_opcode" in said
    assert checked.returncode == 3
    target.execute("drop table visits")
    create(target, opcode=True)
    service.command("check")
    service.run()
    assert versions(target, "dray_opcode, id, page, n") == sorted(kept, key=sort_key)


def test_blocks_of_a_script_that_deletes_are_no_history_of_deletes(
        file_target, log, directory, service):
    service.target.create(VISITS)
    kept = some_history(log)
    service.run()
    create(file_target)
    other = Service(directory, file_target, log.path, "other")
    other.last_rule["merge_script"] = "keep_all.sql"
    said = other.replay(service.blocks_directory, expect=1).stderr
    assert "line 3 (row_id 3, seqno 2): a row was deleted in the source, or updated: a block that was " \
        "written for another merge script does not tell the two apart" in said
    other.last_rule["deletes"] = "ignore"
    other.replay(service.blocks_directory)
    assert versions(file_target) == sorted((row[1:] for row in kept), key=sort_key)


@pytest.mark.parametrize("policy", ["keep", "ignore"])
def test_a_truncate_is_refused_or_leaves_the_rows(target, log, service, keep_all, policy):
    create(target, opcode=policy == "keep")
    with log.transaction() as change:
        change.insert(VISITS, 1, "a", 1)
    with log.transaction() as change:
        change.truncate(VISITS)
        change.insert(VISITS, 1, "b", 2)
    said = service.run(expect=1).stderr
    assert "table public.visits: it was truncated in the source (seqno 2): " in said
    assert "deletes: ignore" in said
    keep_all(policy)
    service.run()
    assert versions(target) == [(1, "a", 1), (1, "b", 2)]


def test_a_script_that_deletes_is_not_asked_about_deletes(target, log, service):
    target.create(VISITS)
    service.rules = [{"match": "public.visits", "target": "visits", "deletes": "ignore"}]
    with log.transaction() as change:
        change.insert(VISITS, 1, "a", 1)
    for command in ("check", "run"):
        said = service.command(command, expect=3).stderr
        assert re.search(r"test\.yaml:\d+: deletes: says .* \S+/merge\.sql can", said)
    assert target.rows(VISITS) == []


def test_keep_all_needs_no_key_and_keep_latest_says_that_it_does(target, log, service):
    target.create(NO_KEY)
    with log.transaction() as change:
        change.insert(NO_KEY, "a", 1)
        change.insert(NO_KEY, "a", 1)
    service.options["target"]["merge_script"] = "keep_latest.sql"
    checked = service.command("check", expect=3)
    assert re.search(r"error +public\.clicks: table public\.clicks has no key, which "
                     r"\S+/keep_latest\.sql needs: write a rule with key: ", checked.stdout)
    assert "has no key" in service.run(expect=3).stderr
    service.options["target"]["merge_script"] = "keep_all.sql"
    service.command("check")
    service.run()
    assert versions(target, "page, n", "clicks") == [("a", 1), ("a", 1)]


def test_keep_latest_without_partitions_is_the_current_state(target, log, service):
    target.create(VISITS)
    service.options["target"]["merge_script"] = "keep_latest.sql"
    some_history(log)
    delete_one(log)
    service.run()
    with log.transaction() as change:
        change.insert(VISITS, 9, None, 9)
    service.run()
    assert target.rows(VISITS) == log.rows(VISITS) == [(1, "a2", 1), (9, None, 9)]


def two_days(log):
    with log.transaction() as change:
        change.insert(VISITS, 1, "a", 1)
        change.insert(VISITS, 2, "b", 2)
        change.insert(VISITS, 3, "c", 3)
    with log.transaction() as change:
        change.update(VISITS, 1, n=10)
    log.time_us += DAY
    with log.transaction() as change:
        change.update(VISITS, 1, page="a2")
        change.delete(VISITS, 2)
    with log.transaction() as change:
        change.update(VISITS, 1, page="a3")
        change.insert(VISITS, 4, "d", None)


def test_keep_latest_keeps_the_last_row_of_each_day(target, log, service):
    target.create(VISITS)
    service.options["target"]["merge_script"] = "keep_latest.sql"
    service.last_rule["partition"] = "day"
    two_days(log)
    service.run()
    first, second = [(1, "a", 10), (2, "b", 2), (3, "c", 3)], [(1, "a3", 10), (4, "d", None)]
    assert versions(target, name=FIRST) == first
    assert versions(target, name=SECOND) == second
    # a block may be loaded again, into the same partitions
    service.replay("--again", service.blocks_directory)
    assert versions(target, name=FIRST) == first
    assert versions(target, name=SECOND) == second
    assert target.rows(VISITS) == []


def test_keep_all_keeps_the_rows_of_each_day_under_no_key(target, log, service, keep_all):
    target.create(VISITS)  # with a primary key, which the partitions must not have
    service.rules[0]["partition"] = "day"
    keep_all("ignore")
    two_days(log)
    service.run()
    assert versions(target, name=FIRST) == [(1, "a", 1), (1, "a", 10), (2, "b", 2), (3, "c", 3)]
    assert versions(target, name=SECOND) == [(1, "a2", 10), (1, "a3", 10), (4, "d", None)]


def large(mark):
    return f"'{mark}' || repeat(' {mark}', 1500)"


def live_visits(source, target, directory, script):
    """A source that leaves large values out, and the first row of it in the target."""
    source.execute("create table visits (id int primary key, page text, n bigint)")
    source.execute("alter table visits alter page set storage external")
    source.install()
    target.create(VISITS if script == "keep_latest.sql" else Table("visits", VISITS.columns, key=()))
    service = source.service(directory, target)
    service.options["target"]["merge_script"] = script
    service.last_rule["partition"] = "YYYY_MM_DD_HH24_MI_SS"
    source.execute(f"insert into visits values (1, {large('a')}, 1)")
    service.run()
    now = "select date_trunc('second', clock_timestamp())"
    second = source.value(now)
    source.wait_for(lambda: source.value(now) != second)
    return service


def test_values_left_out_that_the_partition_lacks_are_missed_loudly(source, target, directory):
    service = live_visits(source, target, directory, "keep_latest.sql")
    # in one block the file itself has them
    source.transaction(f"insert into visits values (2, {large('b')}, 1)",
                       "update visits set n = 2 where id = 2")
    service.run()
    source.execute("update visits set n = 3 where id = 1")
    said = service.run(expect=1).stderr
    assert re.search(r"keep_latest\.sql:\d+: table public\.visits: CSV file public\.visits\.csv: 1 lines "
                     r"leave out values .* the partition has the rows of 0 of them only; .* "
                     r"REPLICA IDENTITY FULL", said)


def test_keep_all_does_not_take_a_row_with_values_left_out_for_a_whole_one(
        source, file_target, directory):
    service = live_visits(source, file_target, directory, "keep_all.sql")
    source.execute("update visits set n = 2 where id = 1")
    assert "REPLICA IDENTITY FULL" in service.run(expect=3).stderr


@pytest.mark.parametrize("policy", ["keep", "ignore"])
def test_dray_ddl_makes_the_table_that_keep_all_needs(source, target, directory, policy):
    source.execute("create table visits (id int primary key, page text, n bigint not null)")
    source.install()
    service = source.service(directory, target)
    service.last_rule = {"match": "public.visits", "target": "visits", "merge_script": "keep_all.sql",
                         "deletes": policy}
    service.command("ddl", "--execute", "--accept-loss")
    source.transaction("insert into visits values (1, 'a', 1)", "update visits set page = 'b'",
                       "delete from visits", "insert into visits values (1, null, 2)")
    service.command("check")
    service.run()
    kept = [("I", 1, "a", 1), ("UI", 1, "b", 1), ("D", 1, None, None), ("I", 1, None, 2)]
    if policy == "keep":
        assert versions(target, "dray_opcode, id, page, n") == sorted(kept, key=sort_key)
    else:
        assert versions(target) == sorted((row[1:] for row in kept if row[0] != "D"), key=sort_key)
