"""Cases in which replication in batches goes wrong when it is done simply; each on each target."""
import os
import re
import subprocess
import threading
import time

import pytest

from model import Table
from service import environment, peak_resident_kib, program

PAIR = Table("pair", [("id", "integer"), ("v", "text")])
OPTIONS = {
    "compact": {}, "every line": {"compact": False},
    "update_opcode": {"update_opcode": True}, "distinguish_updates": {"distinguish_updates": True},
}


@pytest.fixture(params=OPTIONS)
def block_options(request, service):
    service.options["block"].update(OPTIONS[request.param])


def one_block(service):
    """The case only counts where everything met in one block."""
    assert len(service.block_directories()) == 1


# -- one key in one block, in every order -----------------------------------------------------------

ORDERS = {
    # name: (is the key in the base before?, steps)
    "insert then update": (False, "IU"),
    "insert then delete": (False, "ID"),
    "delete then insert": (True, "DI"),
    "insert, delete, insert": (False, "IDI"),
    "update then delete": (True, "UD"),
    "delete, insert, update": (True, "DIU"),
    "delete, insert, delete": (True, "DID"),
    "update twice": (True, "UU"),
}


@pytest.mark.parametrize("in_one_transaction", [True, False], ids=["one transaction", "several"])
@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_changes_to_one_key_in_one_block(
        target, log, service, order, in_one_transaction, block_options):
    present, steps = ORDERS[order]
    target.create(PAIR)
    with log.transaction() as change:
        change.insert(PAIR, 100, "bystander")
        if present:
            change.insert(PAIR, 1, "base")
    service.run()

    def step(change, number, action):
        if action == "I":
            change.insert(PAIR, 1, f"inserted {number}")
        elif action == "U":
            change.update(PAIR, 1, v=f"updated {number}")
        else:
            change.delete(PAIR, 1)
    if in_one_transaction:
        with log.transaction() as change:
            for number, action in enumerate(steps):
                step(change, number, action)
    else:
        for number, action in enumerate(steps):
            with log.transaction() as change:
                step(change, number, action)
    service.remove_blocks()
    service.run()
    one_block(service)
    assert target.rows(PAIR) == log.rows(PAIR)


def test_update_of_a_key_absent_in_the_base_inserts_it(target, log, service, block_options):
    target.create(PAIR)
    with log.transaction() as change:
        change.update_unseen(PAIR, 7, (7, "never inserted here"))
    service.run()
    assert target.rows(PAIR) == [(7, "never inserted here")]


def test_delete_of_a_key_absent_in_the_base_is_no_error(target, log, service, block_options):
    target.create(PAIR)
    log.state(PAIR)[(7,)] = (7, "only in the model")
    with log.transaction() as change:
        change.delete(PAIR, 7)
        change.insert(PAIR, 8, "eight")
    service.run()
    assert target.rows(PAIR) == log.rows(PAIR)


# -- keys that change -------------------------------------------------------------------------------

def base_of_three(target, log, service, table=PAIR):
    target.create(table)
    with log.transaction() as change:
        for number in (1, 2, 3):
            change.insert(table, number, f"row {number}")
    service.run()
    service.remove_blocks()


def test_key_change_to_a_key_deleted_before_in_the_same_block(
        target, log, service, block_options):
    base_of_three(target, log, service)
    with log.transaction() as change:
        change.delete(PAIR, 2)
        change.update(PAIR, 1, id=2)
    service.run()
    one_block(service)
    assert target.rows(PAIR) == log.rows(PAIR) == [(2, "row 1"), (3, "row 3")]


# PostgreSQL allows these two only under a deferrable primary key, which is no replica identity: the
# log then has whole old rows, and the rule names the key.
DEFERRABLE = Table("pair", PAIR.columns, full_identity=True)


def test_two_keys_are_swapped_in_one_statement(target, log, service, block_options):
    service.rules.append({"match": "public.pair", "target": "pair", "key": ["id"]})
    base_of_three(target, log, service, DEFERRABLE)
    with log.transaction() as change:
        change.update_rows(DEFERRABLE, (1, (2, "row 1")), (2, (1, "row 2")))
    service.run()
    one_block(service)
    assert target.rows(PAIR) == [(1, "row 2"), (2, "row 1"), (3, "row 3")]


def test_all_keys_move_up_by_one_in_one_statement(target, log, service, block_options):
    service.rules.append({"match": "public.pair", "target": "pair", "key": ["id"]})
    base_of_three(target, log, service, DEFERRABLE)
    with log.transaction() as change:
        change.update_rows(DEFERRABLE, *[(number, (number + 1, f"row {number}"))
                                         for number in (1, 2, 3)])
    service.run()
    one_block(service)
    assert target.rows(PAIR) == [(2, "row 1"), (3, "row 2"), (4, "row 3")]


def test_two_keys_are_swapped_by_way_of_a_third(target, log, service, block_options):
    base_of_three(target, log, service)
    with log.transaction() as change:
        change.update(PAIR, 1, id=-1)
        change.update(PAIR, 2, id=1)
        change.update(PAIR, -1, id=2)
    service.run()
    one_block(service)
    assert target.rows(PAIR) == log.rows(PAIR) == [(1, "row 2"), (2, "row 1"), (3, "row 3")]


def test_a_chain_of_key_changes_leaves_only_the_last_key(target, log, service, block_options):
    base_of_three(target, log, service)
    with log.transaction() as change:
        change.update(PAIR, 1, id=10)
        change.update(PAIR, 10, id=20)
        change.update(PAIR, 20, id=30, v="moved")
    service.run()
    one_block(service)
    assert target.rows(PAIR) == log.rows(PAIR) == [(2, "row 2"), (3, "row 3"), (30, "moved")]


def test_a_row_inserted_into_the_key_that_another_left(target, log, service, block_options):
    base_of_three(target, log, service)
    with log.transaction() as change:
        change.update(PAIR, 1, id=10)
        change.insert(PAIR, 1, "new one")
        change.delete(PAIR, 10)
    service.run()
    assert target.rows(PAIR) == log.rows(PAIR) == [(1, "new one"), (2, "row 2"), (3, "row 3")]


def test_values_of_a_secondary_unique_key_are_swapped(target, log, service, block_options):
    table = Table("mail", [("id", "integer"), ("address", "text")])
    unique = "address(190)" if target.kind == "mysql" else "address"
    target.create(table, more=f"unique ({unique})")
    with log.transaction() as change:
        change.insert(table, 1, "a@example.org")
        change.insert(table, 2, "b@example.org")
        change.insert(table, 3, None)
    service.run()
    with log.transaction() as change:
        change.update(table, 1, address=None)
        change.update(table, 2, address="a@example.org")
        change.update(table, 1, address="b@example.org")
    service.run()
    assert target.rows(table) == log.rows(table)
    assert (1, "b@example.org") in target.rows(table)


def test_a_secondary_unique_value_passes_from_a_deleted_row_to_a_new_one(
        target, log, service, block_options):
    table = Table("mail", [("id", "integer"), ("address", "text")])
    unique = "address(190)" if target.kind == "mysql" else "address"
    target.create(table, more=f"unique ({unique})")
    with log.transaction() as change:
        change.insert(table, 1, "a@example.org")
    service.run()
    with log.transaction() as change:
        change.delete(table, 1)
        change.insert(table, 2, "a@example.org")
    with log.transaction() as change:
        change.update(table, 2, id=1)
    service.run()
    assert target.rows(table) == log.rows(table) == [(1, "a@example.org")]


# -- what keys are made of --------------------------------------------------------------------------

def test_composite_keys(target, log, service, block_options):
    table = Table("line", [("order id", "integer"), ("v", "text"), ("number", "integer")],
                  key=("order id", "number"))
    target.create(table)
    with log.transaction() as change:
        for order in range(3):
            for number in range(3):
                change.insert(table, order, f"{order}/{number}", number)
    service.run()
    service.remove_blocks()
    with log.transaction() as change:
        change.update(table, (2, 1), v="changed")
        change.update(table, (1, 2), v="not to be mixed up")
        change.delete(table, (2, 0))
        change.update(table, (1, 0), number=9)
        change.update(table, (0, 1), number=-1)
        change.update(table, (0, 2), number=1)
        change.update(table, (0, -1), number=2)
    service.run()
    one_block(service)
    assert target.rows(table) == log.rows(table)


WORDS = ["a", "A", "a ", "a  ", "ä", "Ä", "ae", "ß", "ss", " a", "a\t", "ａ", "", " ", "NULL",
         "null", "\\N", "\u00e1", "a\u0301"]


def test_keys_that_differ_only_by_case_or_trailing_space_stay_apart(
        target, log, service, block_options):
    table = Table("word", [("word", "text"), ("v", "integer")], key=("word",))
    target.create(table)
    with log.transaction() as change:
        for number, word in enumerate(WORDS):
            change.insert(table, word, number)
    service.run()
    assert target.rows(table) == log.rows(table)
    with log.transaction() as change:
        change.delete(table, "a")
        change.update(table, "A", v=100)
        change.update(table, "a ", v=101)
        change.delete(table, "")
        change.update(table, "ss", word="SS")
    service.run()
    assert target.rows(table) == log.rows(table)
    assert len(target.rows(table)) == len(WORDS) - 2


def test_a_base_table_that_cannot_tell_two_keys_apart_loses_no_row_silently(target, log, service):
    """A collation that ignores case, under a key that is compared by case in the source."""
    folding = {"sqlite": "text collate nocase", "mysql": "varchar(50) collate utf8mb4_general_ci"}
    if target.kind == "postgres":
        target.execute("create collation folding (provider = icu, locale = 'und-u-ks-level2',"
                       " deterministic = false)")
        folding["postgres"] = "text collate folding"
    table = Table("word", [("word", "text"), ("v", "integer")], key=("word",))
    target.execute(f"create table word (word {folding[target.kind]} primary key, v integer)")
    with log.transaction() as change:
        change.insert(table, "a", 1)
    result = service.run(expect=None)
    with log.transaction() as change:
        change.insert(table, "A", 2)
    result = service.run(expect=None) if result.returncode == 0 else result
    assert result.returncode != 0, f"nobody said that {target.rows(table)} lacks a row"
    assert "word" in result.stderr


def test_a_table_without_a_key_is_an_error_that_names_the_way_out(target, log, service):
    table = Table("event", [("at", "integer"), ("what", "text")], key=())
    target.create(table)
    with log.transaction() as change:
        change.insert(table, 1, "started")
    for refused in (service.command("check", expect=None), service.run(expect=None)):
        assert refused.returncode in (1, 3)
        said = refused.stdout + refused.stderr
        assert "event" in said
        assert "key:" in said and "append.sql" in said
    assert target.rows(table) == []
    assert target.position() == 0


def test_a_table_without_a_key_gets_one_by_rule(target, log, service):
    bare = Table("event", [("at", "integer"), ("what", "text")], key=())
    target.create(bare)
    with log.transaction() as change:
        change.insert(bare, 1, "started")
        change.insert(bare, 2, "went on")
    service.rules.append({"match": "public.event", "target": "event", "key": ["at"]})
    service.run()
    assert target.rows(bare) == log.rows(bare)


def test_a_table_without_a_key_is_kept_line_by_line_by_append(target, log, service):
    bare = Table("event", [("at", "integer"), ("what", "text")], key=())
    types = {"dray_opcode": "varchar(2)", "dray_seqno": "bigint", "dray_row_id": "bigint",
             "dray_timestamp": target.type_of("timestamp with time zone", False)}
    target.create(bare, more=", ".join(f"{name} {kind}" for name, kind in types.items()))
    with log.transaction() as change:
        change.insert(bare, 1, "started")
        change.insert(bare, 1, "started")
    service.rules.append({"match": "public.event", "target": "event",
                          "merge_script": "append.sql"})
    service.run()
    assert target.rows(bare) == [(1, "started"), (1, "started")]


# -- columns on one side only -----------------------------------------------------------------------

def test_values_of_a_column_that_only_the_target_has_survive_updates(
        target, log, service, block_options):
    target.create(PAIR, more="remark varchar(100) default 'none'")
    with log.transaction() as change:
        for number in (1, 2, 3):
            change.insert(PAIR, number, "x")
    service.run()
    target.execute("update pair set remark = 'by hand'")
    with log.transaction() as change:
        change.update(PAIR, 1, v="updated")
        change.insert(PAIR, 4, "new")
    with log.transaction() as change:
        change.update(PAIR, 1, v="updated again")
    service.run()
    assert target.rows(PAIR) == log.rows(PAIR)
    assert target.query("select id, remark from pair order by id") == [
        (1, "by hand"), (2, "by hand"), (3, "by hand"), (4, "none")]


def test_a_column_that_only_the_source_has_is_an_error_naming_it(target, log, service):
    target.create(PAIR)
    wide = Table("pair", [("id", "integer"), ("v", "text"), ("secret_number", "text")])
    with log.transaction() as change:
        change.insert(wide, 1, "x", "4711")
    refused = service.run(expect=None)
    assert refused.returncode in (1, 3)
    assert "secret_number" in refused.stderr and "pair" in refused.stderr
    assert target.rows(PAIR) == []
    assert target.position() == 0


def test_a_column_that_only_the_source_has_is_left_out_by_rule(target, log, service):
    target.create(PAIR)
    wide = Table("pair", [("id", "integer"), ("v", "text"), ("secret_number", "text")])
    with log.transaction() as change:
        change.insert(wide, 1, "x", "4711")
    service.rules.append({"match": "public.pair", "target": "pair",
                          "columns": {"skip": ["secret_*"]}})
    service.run()
    assert target.rows(PAIR) == [(1, "x")]
    for block in service.block_directories():
        for name in os.listdir(block):
            with open(os.path.join(block, name), encoding="utf-8") as file:
                assert "4711" not in file.read()


def test_columns_are_renamed_by_rule(target, log, service):
    target.create(Table("pair", [("id", "integer"), ("description", "text")]))
    with log.transaction() as change:
        change.insert(PAIR, 1, "x")
    service.rules.append({"match": "public.pair", "target": "pair",
                          "columns": {"rename": {"v": "description"}}})
    service.run()
    assert target.query("select id, description from pair") == [(1, "x")]


def test_columns_in_another_order_than_the_targets_arrive_by_name(target, log, service):
    target.create(Table("pair", [("v", "text"), ("id", "integer")]))
    with log.transaction() as change:
        change.insert(PAIR, 1, "x")
    service.run()
    assert target.rows(PAIR) == [(1, "x")]


def test_a_column_added_in_the_middle_of_a_block_begins_a_generation(target, log, service):
    old = Table("grown", [("id", "integer"), ("v", "text")])
    new = Table("grown", [("id", "integer"), ("v", "text"), ("w", "text")])
    target.create(new)
    with log.transaction() as change:
        change.insert(old, 1, "before")
    with log.transaction() as change:
        change.insert(new, 2, "after", "w")
    with log.transaction() as change:
        log.state(new)[(1,)] = (1, "before", None)
        change.update(new, 1, w="filled")
    service.run()
    assert target.rows(new) == log.rows(new) == [(1, "before", "filled"), (2, "after", "w")]
    one_block(service)
    (block,) = service.block_directories()
    assert {"public.grown.csv", "public.grown.2.csv"} <= set(os.listdir(block))


# -- transactions -----------------------------------------------------------------------------------

def test_truncate_between_inserts_of_one_transaction(target, log, service, block_options):
    target.create(PAIR)
    with log.transaction() as change:
        change.insert(PAIR, 1, "base")
        change.insert(PAIR, 2, "base")
    service.run()
    service.remove_blocks()
    with log.transaction() as change:
        change.insert(PAIR, 3, "before")
        change.update(PAIR, 1, v="before")
        change.truncate(PAIR)
        change.insert(PAIR, 1, "after")
        change.truncate(PAIR)
        change.insert(PAIR, 3, "after")
        change.insert(PAIR, 4, "after")
    service.run()
    one_block(service)
    assert target.rows(PAIR) == log.rows(PAIR) == [(3, "after"), (4, "after")]


def test_truncate_as_the_last_change_leaves_an_empty_table(target, log, service):
    target.create(PAIR)
    with log.transaction() as change:
        change.insert(PAIR, 1, "base")
    with log.transaction() as change:
        change.truncate(PAIR)
    service.run()
    assert target.rows(PAIR) == []
    with log.transaction() as change:
        change.truncate(PAIR)
    service.run()
    assert target.position() == 3


def test_a_block_that_fails_after_its_truncate_leaves_the_old_rows(target, log, service):
    """TRUNCATE commits by itself in MySQL: the scripts must not use it there."""
    target.create(PAIR, more="check (v <> 'forbidden')")
    with log.transaction() as change:
        change.insert(PAIR, 1, "base")
    service.run()
    with log.transaction() as change:
        change.truncate(PAIR)
        change.insert(PAIR, 2, "forbidden")
    refused = service.run(expect=1)
    assert "pair" in refused.stderr
    assert target.rows(PAIR) == [(1, "base")]
    assert target.position() == 1


def test_an_empty_transaction_moves_the_position(target, log, service):
    target.create(PAIR)
    with log.transaction() as change:
        change.insert(PAIR, 1, "x")
    with log.transaction():
        pass
    with log.transaction():
        pass
    service.run()
    assert target.position() == 3
    with log.transaction():
        pass
    service.run()
    assert target.position() == 4
    assert target.rows(PAIR) == log.rows(PAIR)


MANY_ROWS = int(os.environ.get("DRAY_TEST_MANY_ROWS", "5000000"))
RESIDENT_LIMIT_KIB = 64 * 1024


def feed_one_transaction(pipe, number, rows):
    """A transaction of many inserts, written as fast as it is read."""
    frame = f'"xid":{number},"timestamp":"2024-01-01 00:00:00+00","lsn":"0/{number}0"'
    head = '{"action":"I","schema":"public","table":"many","columns":[' \
           '{"name":"id","type":"integer","value":'
    tail = '}],"pk":[{"name":"id","type":"integer"}]}\n'
    try:
        pipe.write(('{"action":"B",' + frame + "}\n").encode())
        for start in range(rows.start, rows.stop, 20000):
            pipe.write("".join([head + str(key) + tail for key in range(
                start, min(start + 20000, rows.stop))]).encode())
        pipe.write(('{"action":"C",' + frame + "}\n").encode())
        pipe.close()
    except BrokenPipeError:
        pass


def peak_of_one_transaction(service, number, rows):
    """What a run has resident at most that carries a range of keys in its transaction; in KiB."""
    service.options["source"]["path"] = "-"
    errors = os.path.join(service.directory, "errors")
    with open(errors, "wb") as error_file:
        process = subprocess.Popen(
            [program(), "run", service.write(), "--until-end"], env=environment(),
            stdin=subprocess.PIPE, stdout=error_file, stderr=error_file)
    feeder = threading.Thread(target=feed_one_transaction, args=(process.stdin, number, rows))
    feeder.start()
    peak = 0
    deadline = time.monotonic() + 400
    try:
        while process.poll() is None:
            # a value that has only grown: the last look before the end has nearly all of it
            peak = max(peak, peak_resident_kib(process.pid))
            assert time.monotonic() < deadline, "took too long"
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
        feeder.join()
    with open(errors, encoding="utf-8", errors="replace") as file:
        assert process.returncode == 0, file.read()[-4000:]
    assert service.target.query("select count(*), min(id), max(id) from many") == [
        (rows.stop, 0, rows.stop - 1)]
    assert service.target.position() == number
    return peak


def test_a_transaction_of_five_million_rows_stays_below_64_mib_resident(target, service, tell):
    if target.kind != "sqlite" and "DRAY_TEST_MANY_ROWS" not in os.environ:
        pytest.skip("minutes; what grows is found by the next test as well")
    target.create(Table("many", [("id", "integer")]))
    service.options["block"]["retain"] = "none"
    peak = peak_of_one_transaction(service, 1, range(0, MANY_ROWS))
    tell(f"{target.kind}: {MANY_ROWS} rows in one transaction, peak resident {peak} KiB")
    assert 0 < peak < RESIDENT_LIMIT_KIB


def test_memory_does_not_grow_with_the_rows_of_a_transaction(target, service, tell):
    """3 bytes a row would be seen (with SQLite 5, whose own cache still grows); the limit of the
    test above is passed by 5 to 10."""
    target.create(Table("many", [("id", "integer")]))
    # what may grow up to a limit has reached it with the fewer rows
    service.options["block"].update(retain="none", compact_memory="1MiB")
    few = peak_of_one_transaction(service, 1, range(0, 100_000))
    many = peak_of_one_transaction(service, 2, range(100_000, 600_000))
    tell(f"{target.kind}: peak resident {few} KiB with 100,000 rows in one transaction, "
         f"{many} KiB with 500,000")
    assert 0 < many < few + (2048 if target.kind == "sqlite" else 1024)


def test_three_hundred_tables_in_one_block(target, log, service):
    tables = [Table(f"t{number:03}", [("id", "integer"), ("v", "text")]) for number in range(300)]
    for table in tables:
        target.create(table)
    with log.transaction() as change:
        for turn in range(3):
            for table in tables:
                change.insert(table, turn, f"{table.name} {turn}")
    with log.transaction() as change:
        for table in tables:
            change.delete(table, 1)
    service.run()
    one_block(service)
    assert target.dump(tables) == {table.name: log.rows(table) for table in tables}


def test_three_hundred_tables_with_few_file_descriptors(target, log, service):
    import resource
    tables = [Table(f"t{number:03}", [("id", "integer")]) for number in range(300)]
    for table in tables:
        target.create(table)
    with log.transaction() as change:
        for table in tables:
            change.insert(table, 1)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
    try:
        service.run()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert all(target.rows(table) == [(1,)] for table in tables)


# -- values -----------------------------------------------------------------------------------------

HARD_TEXTS = {
    "empty": "", "space": " ", "null": "null", "NULL": "NULL", "backslash N": "\\N",
    "quoted null": '"null"', "dot": "\\.", "dot line": "a\n\\.\nb", "quote": "'", "double quote": '"',
    "only quotes": '""""', "backslash": "\\", "two backslashes": "\\\\", "backslash quote": "\\'",
    "backslash at end": "ends with \\", "comma": ",", "separators": '","', "cr": "\r", "lf": "\n",
    "crlf": "a\r\nb", "lf at end": "a\n", "tab": "\t", "semicolon": "; drop table pair; --",
    "percent": "%%CSV_FILE%%", "format": "%s%n%d", "dollar": "$$ $1 ${HOME} $tag$", "comment": "/* --",
    "backtick": "`touch /tmp/x`", "brackets": "{}[]()", "control": "\x01\x02\x1f\x7f",
    "latin": "äöüß", "chinese": "李小龍", "four bytes": "🐉🍵𝄞", "joined": "👩‍👩‍👧", "right to left": "שלום",
    "bom": "\ufeff", "line separators": "\u2028\u2029\u0085", "combining": "e\u0301",
    "last code point": "\U0010FFFF", "json": '{"a":"\\u0041"}', "spaces around": "  a  ",
    "csv line": '"I","1","1","now",null\n', "hash": "#", "long": "x" * 100_000,
}


def test_hard_texts_arrive_byte_for_byte(target, log, service, block_options):
    table = Table("texts", [("id", "integer"), ("v", "text"), ("w", "text")])
    target.create(table)
    with log.transaction() as change:
        for number, text in enumerate(HARD_TEXTS.values()):
            change.insert(table, number, text, None)
            change.insert(table, 1000 + number, None, text)
    with log.transaction() as change:
        for number, text in enumerate(HARD_TEXTS.values()):
            change.update(table, number, w=text)
    service.run()
    # as bytes, so that no client library's decoding hides a difference
    got = {row[0]: row for row in target.rows(table)}
    for number, (name, text) in enumerate(HARD_TEXTS.items()):
        assert got[number] == (number, text, text), name
        assert got[1000 + number] == (1000 + number, None, text), name
    assert len(got) == 2 * len(HARD_TEXTS)


@pytest.mark.parametrize("word", ["null", "NULL", "\\N", "", "none", "a,b"])
def test_a_text_equal_to_the_null_word_is_not_null(target, log, service, word):
    """Whatever csv.null is, where the target's load can read it."""
    target.create(PAIR)
    service.options["csv"] = {"null": word}
    with log.transaction() as change:
        change.insert(PAIR, 1, word)
        change.insert(PAIR, 2, None)
        change.insert(PAIR, 3, f'"{word}"')
    done = service.run(expect=None)
    if done.returncode == 3:
        # a word that this target's load, or a CSV file, cannot have is refused, not misread
        assert "null" in done.stderr
        assert target.query("select count(*) from pair") == [(0,)]
        assert word != {"mysql": "NULL"}.get(target.kind, "null")
        return
    assert done.returncode == 0, done.stderr
    assert target.rows(PAIR) == log.rows(PAIR)


HARD_BYTES = {
    "empty": b"", "nul": b"\0", "nul inside": b"a\0b", "all": bytes(range(256)),
    "not utf-8": b"\xff\xfe\xc3\x28", "quotes": b"\"'\\", "newlines": b"\r\n\n\r", "hex text": b"00ff",
    "escape text": b"\\x00", "null word": b"null", "long": bytes(range(256)) * 500,
}


def test_hard_bytes_arrive_byte_for_byte(target, log, service, block_options):
    table = Table("bytes", [("id", "integer"), ("v", "bytea")])
    target.create(table)
    with log.transaction() as change:
        for number, value in enumerate(HARD_BYTES.values()):
            change.insert(table, number, value)
        change.insert(table, 1000, None)
    service.run()
    got = dict(target.rows(table))
    for number, (name, value) in enumerate(HARD_BYTES.items()):
        assert got[number] == value, name
    assert got[1000] is None


def test_bytes_are_a_key(target, log, service, block_options):
    table = Table("digest", [("k", "bytea"), ("v", "integer")], key=("k",))
    kind = {"sqlite": "blob", "postgres": "bytea", "mysql": "varbinary(100)"}[target.kind]
    target.execute(f"create table digest (k {kind} primary key, v integer)")
    keys = [b"\0", b"\0\0", b"", b"a", b"A", b"a\0", b"\xff\xfe", b'"', b"a "]
    with log.transaction() as change:
        for number, key in enumerate(keys):
            change.insert(table, key, number)
    with log.transaction() as change:
        change.delete(table, b"\0")
        change.update(table, b"a", v=100)
        change.update(table, b"A", k=b"B")
    service.run()
    assert target.rows(table) == log.rows(table)


def test_numbers_keep_every_digit(target, log, service):
    from decimal import Decimal
    numeric = {"sqlite": "text", "postgres": "numeric", "mysql": "decimal(65,20)"}[target.kind]
    target.execute(f"create table digits (id bigint primary key, n {numeric})")
    table = Table("digits", [("id", "bigint"), ("n", "numeric")])
    values = {9223372036854775807: Decimal("12345678901234567890123456789012345678.90123456789"),
              -9223372036854775808: Decimal("-0.00000000000000000001"),
              9007199254740993: Decimal("9007199254740993"), 0: Decimal("0.10")}
    with log.transaction() as change:
        for number, value in values.items():
            change.insert(table, number, value)
    service.run()
    got = {key: Decimal(value) for key, value in target.query("select id, n from digits")}
    assert got == values


def test_a_value_that_the_target_cannot_hold_is_an_error_naming_column_and_value(
        target, log, service):
    table = Table("small", [("id", "integer"), ("amount", "numeric")])
    kind = {"sqlite": "integer check (typeof(amount) = 'integer')", "postgres": "smallint",
            "mysql": "smallint"}[target.kind]
    target.execute(f"create table small (id integer primary key, amount {kind})")
    with log.transaction() as change:
        change.insert(table, 1, 5)
    service.run()
    with log.transaction() as change:
        change.insert(table, 2, 99999999999999999999)
    refused = service.run(expect=1)
    assert "small" in refused.stderr and "amount" in refused.stderr
    assert target.query("select id, amount from small") == [(1, 5)]
    assert target.position() == 1


def test_not_null_is_not_turned_into_an_empty_value(target, log, service):
    target.execute("create table pair (id integer primary key, v varchar(20) not null)")
    with log.transaction() as change:
        change.insert(PAIR, 1, None)
    refused = service.run(expect=1)
    assert "pair" in refused.stderr and "v" in refused.stderr
    assert target.query("select count(*) from pair") == [(0,)]


def test_a_text_longer_than_its_column_is_not_cut(target, log, service):
    if target.kind == "sqlite":
        pytest.skip("SQLite's columns have no length")
    target.execute("create table pair (id integer primary key, v varchar(10))")
    with log.transaction() as change:
        change.insert(PAIR, 1, "longer than ten")
    refused = service.run(expect=1)
    assert "pair" in refused.stderr
    assert target.query("select count(*) from pair") == [(0,)]


def test_a_value_of_50_mb(target, log, service):
    target.create(PAIR)
    piece = 'fifty MB, "quoted", \\ and 🐉\n'
    value = piece * (50_000_000 // len(piece.encode()))
    with log.transaction() as change:
        change.insert(PAIR, 1, value)
        change.insert(PAIR, 2, "small")
    service.run()
    ((number, got), small) = sorted(target.rows(PAIR))
    assert number == 1 and small == (2, "small")
    assert len(got) == len(value)
    assert got == value


# -- names ------------------------------------------------------------------------------------------

HARD_NAMES = {
    "dot": "a.b", "two dots": "a..b", "upper case": "Orders", "space": "order lines",
    "space at the ends": " x ", "double quote": 'say"hi', "single quote": "it's", "backtick": "a`b",
    "percent": "100%", "percents": "%%TABLE%%", "format": "%s%n", "slash": "a/b", "backslash": "a\\b",
    "up": "../../etc/passwd", "dots only": "..", "dash": "-rf", "semicolon": "x; drop table y",
    "dollar": "$(touch x)", "reserved": "select", "hash": "#x", "star": "a*b?[c]",
    "four bytes": "🐉 table", "comment": "--x", "newline": "a\nb", "long": "n" * 50,
}
# MySQL: a name cannot end in a space, nor have code points past U+FFFF
NOT_IN_MYSQL = {"space at the ends", "four bytes"}


@pytest.mark.parametrize("case", HARD_NAMES)
def test_hard_table_and_column_names(target, log, service, directory, case):
    if target.kind == "mysql" and case in NOT_IN_MYSQL:
        pytest.skip("MySQL cannot have such a name")
    name = HARD_NAMES[case]
    table = Table(name, [("id", "integer"), (name, "text"), ("key " + name, "text")],
                  key=("id", "key " + name))
    target.create(table)
    before = set(os.listdir(directory))
    with log.transaction() as change:
        change.insert(table, 1, "one", "k")
        change.insert(table, 2, "two", "k")
        change.insert(table, 3, "three", "k")
    service.run()
    with log.transaction() as change:
        change.update(table, (1, "k"), **{name: "changed"})
        change.delete(table, (2, "k"))
        change.update(table, (3, "k"), id=4)
    service.run()
    assert target.rows(table) == log.rows(table)
    # nothing was written beside the block directory
    new = set(os.listdir(directory)) - before
    assert new <= {"test.yaml", "test-blocks"} | {
        entry for entry in new if entry.startswith("target")}
    for block in service.block_directories():
        for entry in os.listdir(block):
            assert re.fullmatch(r"(?:[A-Za-z0-9_%-]+\.)+csv|manifest\.json|committed", entry), entry


@pytest.mark.parametrize("case", HARD_NAMES)
def test_hard_schema_names(target, log, service, case):
    if target.kind == "mysql" and case in NOT_IN_MYSQL | {"long"}:
        pytest.skip("MySQL cannot have such a name")
    schema = HARD_NAMES[case]
    if target.kind == "mysql":
        # the schema is a database there, which the whole server shares
        schema = f"{target.name}{schema}"[:64]
    table = Table("pair", PAIR.columns, schema=schema)
    service.last_rule = {"match": "nothing", "skip": True}
    if target.kind == "sqlite":
        place = "pair"
    else:
        place = f"{target.quote(schema)}.pair"
        word = "schema" if target.kind == "postgres" else "database"
        target.execute(f"create {word} {target.quote(schema)}")
    text = target.type_of("text", False)
    try:
        target.execute(f"create table {place} (id integer primary key, v {text})")
        with log.transaction() as change:
            change.insert(table, 1, "x")
            change.insert(table, 2, "x")
        service.run()
        with log.transaction() as change:
            change.update(table, 1, v="y")
            change.delete(table, 2)
        service.run()
        assert target.query(f"select id, v from {place}") == [(1, "y")]
    finally:
        if target.kind == "mysql":
            target.execute(f"drop database {target.quote(schema)}")


def test_tables_whose_names_differ_only_by_case_or_dots_do_not_meet(target, log, service):
    if target.kind != "postgres":
        pytest.skip("needs schemas and names that differ by case")
    pairs = [("a.b", "c"), ("a", "b.c"), ("A", "b"), ("a", "B"), ("a", "b")]
    service.last_rule = {"match": "nothing", "skip": True}
    tables = []
    for schema, name in pairs:
        table = Table(name, PAIR.columns, schema=schema)
        tables.append(table)
        target.execute(f"create schema if not exists {target.quote(schema)}")
        target.execute(f"create table {target.quote(schema)}.{target.quote(name)}"
                       " (id integer primary key, v text)")
    with log.transaction() as change:
        for number, table in enumerate(tables):
            change.insert(table, number, repr(table))
    service.run()
    for number, table in enumerate(tables):
        place = f"{target.quote(table.schema)}.{target.quote(table.name)}"
        assert target.query(f"select id, v from {place}") == [(number, repr(table))]


def test_two_source_tables_do_not_meet_in_one_target_table_unasked(target, log, service):
    one, two = Table("pair", PAIR.columns, schema="one"), Table("pair", PAIR.columns, schema="two")
    target.create(PAIR)
    with log.transaction() as change:
        change.insert(one, 1, "x")
        change.insert(two, 2, "x")
    refused = service.run(expect=3)
    assert "one.pair" in refused.stderr and "two.pair" in refused.stderr
    assert "shared" in refused.stderr
    assert target.rows(PAIR) == []
    service.last_rule["shared"] = True
    service.run()
    assert target.rows(PAIR) == [(1, "x"), (2, "x")]


# -- an unchanged large value that the source does not send -------------------------------------------

def test_an_update_without_unchanged_large_values_keeps_them(target, log, service, block_options):
    """wal2json leaves out a TOASTed column that an update did not touch."""
    table = Table("doc", [("id", "integer"), ("title", "text"), ("body", "text")])
    target.create(table)
    with log.transaction() as change:
        change.insert(table, 1, "old", "large " * 1000)
        change.insert(table, 2, "other", "large " * 1000)
    service.run()
    with log.transaction() as change:
        change.update_partly(table, 1, title="new")
    service.run()
    assert target.rows(table) == log.rows(table)


def test_an_update_without_large_values_of_a_row_inserted_in_the_same_block(
        target, log, service, block_options):
    table = Table("doc", [("id", "integer"), ("title", "text"), ("body", "text")])
    target.create(table)
    with log.transaction() as change:
        change.insert(table, 1, "old", "large " * 1000)
        change.update_partly(table, 1, title="new")
    with log.transaction() as change:
        change.insert(table, 2, "second", "large " * 1000)
    service.run()
    assert target.rows(table) == log.rows(table)
