"""Updates that change keys so that two rows have one key for a moment, on each target.

PostgreSQL allows that under a deferrable key, which is no replica identity: the log has whole old
rows, and the rule names the key.
"""
import os
import random
import time

import pytest

from model import Table
from service import Service

SEED = int(os.environ.get("DRAY_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
COLUMNS = [("id", "integer"), ("v", "text")]
PAIR = Table("pair", COLUMNS, full_identity=True)
KEYED = Table("pair", COLUMNS)
OPTIONS = {
    "compact": {}, "every line": {"compact": False}, "no memory": {"compact_memory": 1},
    "update_opcode": {"update_opcode": True}, "distinguish_updates": {"distinguish_updates": True},
    "one transaction a block": {"max_rows": 1},
}


@pytest.fixture(params=OPTIONS)
def block_options(request, service):
    service.options["block"].update(OPTIONS[request.param])


@pytest.fixture(autouse=True)
def rule(service):
    service.rules.append({"match": "public.*", "target": "%%TABLE%%", "key": ["id"]})


def start(target, log, service, count=3):
    target.create(KEYED)
    with log.transaction() as change:
        for number in range(1, count + 1):
            change.insert(PAIR, number, f"row {number}")
    service.run()


def move(change, *moves):
    """One statement; the rows keep their values."""
    rows = change.log.state(PAIR)
    change.update_rows(PAIR, *[(old, (new, *rows[(old,)][1:])) for old, new in moves])


def swap(change):
    move(change, (1, 2), (2, 1))


def chain(change):
    move(change, (1, 10))
    move(change, (10, 20))
    move(change, (20, 30))


def there_and_back(change):
    move(change, (1, 10))
    move(change, (10, 1))


def three_cycle(change):
    move(change, (1, 2), (2, 3), (3, 1))


def three_cycle_the_other_way(change):
    move(change, (3, 1), (2, 3), (1, 2))


def shift(change):
    move(change, *[(number, number + 1) for number in (1, 2, 3)])


def shift_downwards(change):
    move(change, *[(number, number - 1) for number in (3, 2, 1)])


def swap_after_insert(change):
    change.insert(PAIR, 4, "new")
    change.insert(PAIR, 5, "newer")
    move(change, (4, 5), (5, 4))


def swap_twice(change):
    swap(change)
    move(change, (2, 1), (1, 2))


def swap_and_move_on(change):
    swap(change)
    move(change, (2, 9))


def swap_and_delete(change):
    swap(change)
    change.delete(PAIR, 2)


def delete_after_key_change(change):
    move(change, (1, 10))
    change.delete(PAIR, 10)


def delete_insert_and_pass_through(change):
    change.delete(PAIR, 2)
    move(change, (1, 2))
    move(change, (2, 7))
    change.insert(PAIR, 2, "new")
    move(change, (2, 3), (3, 2))


def swap_with_updates_between(change):
    change.update(PAIR, 2, v="before")
    swap(change)
    change.update(PAIR, 2, v="after")
    change.update(PAIR, 1, v="after too")
    swap(change)


def chain_into_a_key_that_is_free_again(change):
    move(change, (2, 8))
    move(change, (1, 2))
    move(change, (2, 9))
    move(change, (8, 2), (9, 1))


CASES = [swap, chain, there_and_back, three_cycle, three_cycle_the_other_way, shift,
         shift_downwards, swap_after_insert, swap_twice, swap_and_move_on, swap_and_delete,
         delete_after_key_change, delete_insert_and_pass_through, swap_with_updates_between,
         chain_into_a_key_that_is_free_again]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_keys_move_within_one_transaction(target, log, service, case, block_options):
    start(target, log, service)
    with log.transaction() as change:
        case(change)
    service.run()
    assert target.rows(KEYED) == log.rows(PAIR)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_replay_ends_the_same_from_nothing_and_a_second_time(
        target, log, service, directory, case):
    start(target, log, service)
    with log.transaction() as change:
        case(change)
    with log.transaction() as change:
        change.insert(PAIR, 100, "later")
    service.run()
    assert target.rows(KEYED) == log.rows(PAIR)
    other = target.another()
    try:
        other.create(KEYED)
        second = Service(directory, other, log.path, name="second")
        second.rules.append(service.rules[0])
        second.replay(service.blocks_directory)
        assert other.rows(KEYED) == log.rows(PAIR)
        for _ in range(2):
            second.replay(service.block_directories()[-1], "--again")
            assert other.rows(KEYED) == log.rows(PAIR)
        second.replay(service.blocks_directory, "--again")
        assert other.rows(KEYED) == log.rows(PAIR)
    finally:
        other.drop()


def test_a_thousand_keys_move_up_by_one(target, log, service, block_options):
    start(target, log, service, 1000)
    with log.transaction() as change:
        move(change, *[(number, number + 1) for number in range(1, 1001)])
    service.run()
    assert target.rows(KEYED) == log.rows(PAIR)
    assert log.rows(PAIR)[0] == (2, "row 1")


def test_more_keys_than_can_be_resolved_are_refused_by_name(target, log, service):
    if target.kind != "sqlite":
        pytest.skip("the block writer refuses them, before any target has a part in it")
    service.options["block"]["compact"] = False
    target.create(KEYED)
    with log.transaction() as change:
        rows = [(number, f"{number}") for number in range(100_003)]
        log.state(PAIR).update({(row[0],): row for row in rows})
        move(change, *[(number, number + 1) for number in range(100_003)])
    refused = service.run(expect=1)
    assert "public.pair" in refused.stderr
    assert "more than 100000 times" in refused.stderr
    assert target.rows(KEYED) == []


def test_moves_after_a_truncate_in_the_same_transaction(target, log, service, block_options):
    start(target, log, service)
    with log.transaction() as change:
        swap(change)
        change.truncate(PAIR)
        change.insert(PAIR, 1, "a")
        change.insert(PAIR, 5, "b")
        move(change, (1, 2))
        move(change, (2, 3))
        move(change, (3, 5), (5, 3))
    service.run()
    assert target.rows(KEYED) == log.rows(PAIR) == [(3, "b"), (5, "a")]


def test_text_keys_that_need_quoting_and_differ_by_case(target, log, service, block_options):
    named = Table("word", [("id", "text"), ("v", "integer")], full_identity=True)
    target.create(Table("word", named.columns))
    words = ["a", "A", "a ", "it's", 'say "x"', "null", "", "back\\slash", "ä,\n"]
    with log.transaction() as change:
        for number, word in enumerate(words):
            change.insert(named, word, number)
    service.run()
    with log.transaction() as change:
        rows = [(word, (words[number - 1], number)) for number, word in enumerate(words)]
        change.update_rows(named, *rows)
        change.update_rows(named, (words[0], ("aside", -1)))
        change.update_rows(named, ("aside", ("b", -1)))
    service.run()
    assert target.rows(named) == log.rows(named)


def test_bytes_as_keys(target, log, service):
    if target.kind == "mysql":
        pytest.skip("MySQL has no key on a whole LONGBLOB")
    blob = Table("blob", [("id", "bytea"), ("v", "integer")], full_identity=True)
    target.create(Table("blob", blob.columns))
    keys = [b"\x00\xff", b"'\\x", b"", b"abc"]
    with log.transaction() as change:
        for number, key in enumerate(keys):
            change.insert(blob, key, number)
    service.run()
    with log.transaction() as change:
        change.update_rows(
            blob, *[(key, (keys[number - 1], number)) for number, key in enumerate(keys)])
    service.run()
    assert target.rows(blob) == log.rows(blob)


def test_composite_keys(target, log, service, block_options):
    line = Table("line", [("a", "integer"), ("v", "text"), ("b", "text")], key=("b", "a"),
                 full_identity=True)
    service.rules.insert(0, {"match": "public.line", "target": "line", "key": ["b", "a"]})
    target.create(Table("line", line.columns, key=("b", "a")))
    with log.transaction() as change:
        change.insert(line, 1, "first", "x")
        change.insert(line, 1, "second", "y")
        change.insert(line, 2, "third", "x")
    service.run()
    with log.transaction() as change:
        change.update_rows(line, (("x", 1), (1, "first", "y")), (("y", 1), (2, "second", "x")),
                           (("x", 2), (3, "third", "x")))
        change.update(line, ("x", 3), a=4)
        change.update(line, ("x", 4), a=5)
    service.run()
    assert target.rows(line) == log.rows(line)


# -- other scripts ----------------------------------------------------------------------------------

TIMES = {"sqlite": "text", "postgres": "timestamp(6)", "mysql": "datetime(6)"}


def test_soft_delete_knows_its_dead_rows(target, log, service, block_options):
    """A row that is marked as deleted is not live: one that passes through its key leaves none."""
    service.rules[0]["merge_script"] = "soft_delete.sql"
    target.create(KEYED, more=f"deleted_at {TIMES[target.kind]}")
    with log.transaction() as change:
        for number in (1, 2, 3, 4):
            change.insert(PAIR, number, f"row {number}")
    with log.transaction() as change:
        change.delete(PAIR, 4)
    service.run()
    with log.transaction() as change:
        swap(change)
        move(change, (3, 4))
        move(change, (4, 5))
    service.run()
    rows = target.query("select id, v from pair where deleted_at is null order by id")
    assert rows == log.rows(PAIR) == [(1, "row 2"), (2, "row 1"), (5, "row 3")]


def test_history_knows_its_ended_versions(target, log, service, block_options):
    service.rules[0]["merge_script"] = "history.sql"
    kind = TIMES[target.kind]
    target.execute(f"create table pair (id integer, v text, valid_from {kind} null,"
                   f" valid_to {kind} null)")
    with log.transaction() as change:
        for number in (1, 2, 3, 4):
            change.insert(PAIR, number, f"row {number}")
    with log.transaction() as change:
        change.delete(PAIR, 4)
    service.run()
    with log.transaction() as change:
        swap(change)
        move(change, (3, 4))
        move(change, (4, 5))
    service.run()
    rows = target.query("select id, v from pair where valid_to is null order by id")
    assert rows == log.rows(PAIR) == [(1, "row 2"), (2, "row 1"), (5, "row 3")]


def test_append_keeps_every_line(target, log, service):
    service.rules[0]["merge_script"] = "append.sql"
    types = {"dray_opcode": "varchar(2)", "dray_seqno": "bigint", "dray_row_id": "bigint",
             "dray_timestamp": TIMES[target.kind]}
    more = ", ".join(f"{name} {kind}" for name, kind in types.items())
    target.execute(f"create table pair (id integer, v text, {more})")
    log.state(PAIR).update({(1,): (1, "a"), (2,): (2, "b")})
    with log.transaction() as change:
        swap(change)
    service.run()
    assert target.query("select dray_opcode, id from pair order by dray_row_id") == [
        ("D", 1), ("I", 2), ("D", 2), ("I", 1)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_parallel_loads(target, log, service, case):
    if target.kind == "sqlite":
        pytest.skip("SQLite has one writer")
    service.options["target"].update(merge_script="merge_parallel.sql", loaders=2)
    start(target, log, service)
    with log.transaction() as change:
        case(change)
    service.run()
    assert target.rows(KEYED) == log.rows(PAIR)


def test_parallel_loads_refuse_what_they_cannot_know(target, log, service):
    if target.kind == "sqlite":
        pytest.skip("SQLite has one writer")
    service.options["target"].update(merge_script="merge_parallel.sql", loaders=2)
    start(target, log, service)
    position = target.position()
    with log.transaction() as change:
        change.truncate(PAIR)
        change.insert(PAIR, 1, "a")
        move(change, (1, 2))
        move(change, (2, 3))
    refused = service.run(expect=1)
    assert "public.pair" in refused.stderr and "merge.sql" in refused.stderr
    assert target.position() == position
    service.options["target"].update(merge_script="merge.sql", loaders=1)
    service.run()
    assert target.rows(KEYED) == log.rows(PAIR) == [(3, "a")]


def test_a_script_that_reads_the_file_by_itself_is_refused(target, log, service, directory):
    start(target, log, service)
    shipped = os.path.join(os.path.dirname(__file__), "../../merge-scripts", target.kind)
    with open(os.path.join(shipped, "merge.sql"), encoding="utf-8") as file:
        script = file.read()
    with open(os.path.join(directory, "reads.sql"), "w", encoding="utf-8") as file:
        file.write(script + "\n\\! test -s %%CSV_FILE%%\n")
    service.options["target"]["merge_script"] = "reads.sql"
    with log.transaction() as change:
        swap(change)
    refused = service.run(expect=1)
    assert "public.pair" in refused.stderr and "streamed load" in refused.stderr
    assert target.rows(KEYED) == [(1, "row 1"), (2, "row 2"), (3, "row 3")]
    service.options["target"]["merge_script"] = "merge.sql"
    service.run()
    assert target.rows(KEYED) == log.rows(PAIR)


# -- by chance --------------------------------------------------------------------------------------

def statement(rng, change, number):
    rows = change.log.state(PAIR)
    live = sorted(key for (key,) in rows)
    free = [key for key in range(7) if key not in live]
    kind = rng.randrange(8)
    if kind == 0 and free:
        change.insert(PAIR, rng.choice(free), f"inserted {number}")
    elif kind == 1 and live:
        change.delete(PAIR, rng.choice(live))
    elif kind == 2 and live:
        change.update(PAIR, rng.choice(live), v=f"updated {number}")
    elif live:
        chosen = rng.sample(live, rng.randrange(1, len(live) + 1))
        places = free + chosen
        move(change, *zip(chosen, rng.sample(places, len(chosen))))


@pytest.mark.parametrize("script", ["merge.sql", "soft_delete.sql", "history.sql"])
@pytest.mark.parametrize("options", ["compact", "every line", "update_opcode"])
def test_random_moves(target, log, service, script, options):
    rng = random.Random(f"{SEED} {script} {options}")
    kind = TIMES[target.kind]
    alive = {"merge.sql": "1 = 1", "soft_delete.sql": "deleted_at is null",
             "history.sql": "valid_to is null"}[script]
    # blocks that stay would make each start slower
    service.options["block"].update(OPTIONS[options], retain="none")
    service.rules[0]["merge_script"] = script
    if script == "history.sql":
        target.execute(f"create table pair (id integer, v text, valid_from {kind} null,"
                       f" valid_to {kind} null)")
    else:
        target.create(KEYED, more=f"deleted_at {kind}" if script == "soft_delete.sql" else "")
    number = 0
    end = time.monotonic() + float(os.environ.get("DRAY_TEST_SECONDS", "3.5"))
    while time.monotonic() < end:
        service.options["block"]["max_rows"] = rng.choice([1, 5, 50])
        for _ in range(rng.randrange(1, 40)):
            with log.transaction() as change:
                for _ in range(rng.randrange(1, 6)):
                    number += 1
                    statement(rng, change, number)
        service.run()
        rows = sorted(target.query(f"select id, v from pair where {alive}"))
        assert rows == log.rows(PAIR), f"DRAY_TEST_SEED={SEED}"
