"""The main job, end to end: a change log in, CSV files and a merge script, rows in the target."""
import json
import os
import re

import pytest

from model import Log, Table
from service import Service, dray

ITEM = Table("item", [("id", "integer"), ("name", "text"), ("price", "numeric"),
                      ("picture", "bytea"), ("sold", "boolean")])


def write_every_change(log):
    """Inserts, updates, deletes, a key change and a TRUNCATE, in several transactions."""
    with log.transaction() as change:
        for number in range(1, 21):
            change.insert(ITEM, number, f"item {number}", number * 3, bytes([number, 0, 255]),
                          number % 2 == 0)
    with log.transaction() as change:
        change.update(ITEM, 3, name="third", price=99)
        change.update(ITEM, 4, picture=None, name='a "quoted", text')
        change.delete(ITEM, 5)
    with log.transaction() as change:
        change.update(ITEM, 6, id=600)
        change.insert(ITEM, 5, "back again", None, b"", False)


def test_inserts_updates_deletes_and_key_changes_arrive(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    service.run()
    assert target.rows(ITEM) == log.rows(ITEM)
    assert target.position() == log.transactions == 3


def test_truncate_empties_the_table(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    with log.transaction() as change:
        change.truncate(ITEM)
        change.insert(ITEM, 1, "after", 1, None, True)
    service.run()
    assert target.rows(ITEM) == log.rows(ITEM) == [(1, "after", 1, None, True)]


def test_several_tables_of_one_transaction_arrive_together(target, log, service):
    tables = [Table(f"t{number}", [("id", "integer"), ("v", "text")]) for number in range(5)]
    for table in tables:
        target.create(table)
    with log.transaction() as change:
        for table in tables:
            change.insert(table, 1, table.name)
    service.run()
    assert target.dump(tables) == {table.name: log.rows(table) for table in tables}
    assert len(service.block_directories()) == 1


@pytest.mark.parametrize("max_rows", [1, 7, 1000])
def test_block_size_does_not_change_the_result(target, log, service, max_rows):
    target.create(ITEM)
    write_every_change(log)
    service.options["block"]["max_rows"] = max_rows
    service.run()
    assert target.rows(ITEM) == log.rows(ITEM)
    assert len(service.block_directories()) == {1: 3, 7: 2, 1000: 1}[max_rows]


@pytest.mark.parametrize("options", [
    {"compact": False}, {"update_opcode": True}, {"distinguish_updates": True},
    {"update_opcode": True, "compact": False}, {"distinguish_updates": True, "compact": False}],
    ids=lambda options: "+".join(f"{name}={value}" for name, value in options.items()))
def test_opcode_options_do_not_change_the_result(target, log, service, options):
    target.create(ITEM)
    write_every_change(log)
    service.options["block"].update(options)
    service.run()
    assert target.rows(ITEM) == log.rows(ITEM)


def test_a_second_run_goes_on_where_the_first_stopped(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    service.run()
    service.run()
    assert target.position() == 3
    with log.transaction() as change:
        change.update(ITEM, 1, name="later")
    service.run()
    assert target.rows(ITEM) == log.rows(ITEM)
    assert target.position() == 4


def test_until_seqno_stops_after_that_transaction(target, log, service):
    target.create(ITEM)
    with log.transaction() as change:
        change.insert(ITEM, 1, "one", 1, None, True)
    so_far = log.rows(ITEM)
    with log.transaction() as change:
        change.insert(ITEM, 2, "two", 2, None, True)
    service.command("run", "--until-seqno", "1")
    assert target.rows(ITEM) == so_far
    service.run()
    assert target.rows(ITEM) == log.rows(ITEM)


def test_follow_waits_for_more_and_sigterm_ends_in_order(target, log, service):
    target.create(ITEM)
    service.options["source"]["follow"] = True
    service.options["block"]["max_interval"] = "50ms"
    write_every_change(log)
    service.start()
    service.wait_for_seqno(3)
    with log.transaction() as change:
        change.insert(ITEM, 77, "while it runs", 7, None, True)
    service.wait_for_seqno(4)
    assert target.rows(ITEM) == log.rows(ITEM)
    service.stop()
    assert target.position() == 4


def test_append_keeps_every_line(target, log, service):
    header = {"dray_opcode": "varchar(2)", "dray_seqno": "bigint", "dray_row_id": "bigint",
              "dray_timestamp": target.type_of("timestamp with time zone", False)}
    target.create(Table("item", [("id", "integer"), ("name", "text")], key=()),
                  more=", ".join(f"{name} {kind}" for name, kind in header.items()))
    table = Table("item", [("id", "integer"), ("name", "text")])
    with log.transaction() as change:
        change.insert(table, 1, "one")
        change.update(table, 1, name="uno")
        change.delete(table, 1)
    service.options["target"]["merge_script"] = "append.sql"
    service.run()
    assert target.query("select dray_opcode, id, name from item order by dray_row_id") == [
        ("I", 1, "one"), ("D", 1, None), ("I", 1, "uno"), ("D", 1, None)]


def test_retained_blocks_replayed_into_an_empty_target_give_the_same_rows(
        target, log, service, directory):
    target.create(ITEM)
    write_every_change(log)
    service.options["block"]["max_rows"] = 5
    service.run()
    empty = target.another()
    try:
        empty.create(ITEM)
        second = Service(directory, empty, log.path, name="second")
        second.options["service"] = "test"
        second.replay(service.blocks_directory)
        assert empty.rows(ITEM) == target.rows(ITEM) == log.rows(ITEM)
        assert empty.position() == 3
        # what the position holds is skipped, unless --again
        empty.execute("delete from item")
        second.replay(service.blocks_directory)
        assert empty.rows(ITEM) == []
        second.replay(service.blocks_directory, "--again")
        assert empty.rows(ITEM) == log.rows(ITEM)
    finally:
        empty.drop()


def test_status_tells_state_position_and_disk_use(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    service.run()
    status = service.status()
    assert status["service"] == "test"
    assert status["seqno"] == 3
    assert status["last_error"] in (None, "")
    assert status["source_position"]
    assert status["commit_timestamp"].startswith("2023-11-14")
    assert status["blocks"] == len(service.block_directories())
    assert status["block_bytes"] == sum(
        os.path.getsize(os.path.join(block, name))
        for block in service.block_directories() for name in os.listdir(block))
    assert {"state", "lag_seconds"} <= set(status)
    assert "seqno" in service.command("status").stdout


def test_blocks_lists_shows_checks_and_prunes(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    service.options["block"]["max_rows"] = 1
    service.run()
    names = [os.path.basename(path) for path in service.block_directories()]
    listed = service.command("blocks", "list").stdout
    assert all(name.lstrip("0") in listed or name in listed for name in names)
    shown = service.command("blocks", "show", names[0]).stdout
    assert "public.item.csv" in shown
    service.command("blocks", "check")
    service.options["block"]["retain"] = "1 blocks"
    service.command("blocks", "prune")
    assert [os.path.basename(path) for path in service.block_directories()] == names[-1:]


@pytest.mark.parametrize("damage", ["flipped byte", "cut short", "manifest edited"])
def test_a_damaged_block_is_refused_and_nothing_of_it_is_loaded(
        target, log, service, directory, damage):
    target.create(ITEM)
    write_every_change(log)
    service.run()
    (block,) = service.block_directories()
    csv = os.path.join(block, "public.item.csv")
    with open(csv, "rb") as file:
        content = file.read()
    if damage == "flipped byte":
        content = content[:200] + bytes([content[200] ^ 1]) + content[201:]
    elif damage == "cut short":
        content = content[:-30]
    with open(csv, "wb") as file:
        file.write(content)
    if damage == "manifest edited":
        path = os.path.join(block, "manifest.json")
        with open(path, encoding="utf-8") as file:
            manifest = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r'("bytes": ?)(\d+)', r"\g<1>1\2", manifest, count=1))
    checked = service.command("blocks", "check", expect=1)
    assert "public.item.csv" in checked.stdout + checked.stderr
    empty = target.another()
    try:
        empty.create(ITEM)
        second = Service(directory, empty, log.path, name="second")
        second.options["service"] = "test"
        refused = second.replay(service.blocks_directory, expect=1)
        assert "public.item.csv" in refused.stderr
        assert empty.rows(ITEM) == []
    finally:
        empty.drop()


def test_csv_files_are_as_documented(target, log, service):
    table = Table("link", [("id", "integer"), ("url", "text")])
    target.create(table)
    with log.transaction() as change:
        change.insert(table, 986, "http://example.org/a,b")
    with log.transaction() as change:
        change.insert(table, 143, None)
        change.update(table, 143, url='say "hi"')
        change.delete(table, 986)
    service.run()
    (block,) = service.block_directories()
    assert sorted(os.listdir(block)) == ["committed", "manifest.json", "public.link.csv"]
    with open(os.path.join(block, "public.link.csv"), encoding="utf-8") as file:
        text = file.read()
    null = "NULL" if target.kind == "mysql" else "null"
    at = '"2023-11-14 22:13:20.0015'
    lines = text.split("\n")
    assert [re.sub(r'"2023-11-14 22:13:20\.\d+"', "TIME", line) for line in lines] == [
        '"I","1","1",TIME,"986","http://example.org/a,b"',
        f'"I","2","2",TIME,"143",{null}',
        f'"D","2","3",TIME,"143",{null}',
        '"I","2","4",TIME,"143","say ""hi"""',
        f'"D","2","5",TIME,"986",{null}',
        ""]
    assert at in lines[0]


def test_the_manifest_tells_what_a_replay_needs(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    service.run()
    (manifest,) = service.manifests()
    text = json.dumps(manifest)
    for word in ("public", "item", "integer", "bytea"):
        assert word in text
    assert manifest["service"] == "test"
    assert manifest["first_seqno"] == 1
    assert manifest["last_seqno"] == 3
    assert manifest["transactions"] == 3


def test_a_real_wal2json_stream_arrives(target, service, recorder, directory):
    recorder.execute("create table public.item (id integer primary key, name text, price numeric,"
                     " picture bytea, sold boolean)")
    target.create(ITEM)
    for statement in [
            "insert into item select n, 'item ' || n, n * 1.25, decode(lpad(to_hex(n), 4, '0'),"
            " 'hex'), n % 2 = 0 from generate_series(1, 500) n",
            "update item set price = price + 1 where id % 3 = 0",
            "update item set id = id + 1000 where id % 10 = 0",
            "delete from item where id % 7 = 0",
            "insert into item values (7, E'back\\n\"again\"\\\\', null, '', null)",
            # keys change hands within one statement
            "begin; update item set id = -id; update item set id = 502 + id where id < 0; commit"]:
        recorder.execute(statement)
    recorder.take(os.path.join(directory, "log.jsonl"))
    service.options["block"]["max_rows"] = 300
    service.run()
    columns = ", ".join(ITEM.names)
    expected = recorder.rows(f"select {columns} from item order by id")
    assert len(expected) > 400
    assert sorted(target.rows(ITEM)) == expected


def test_replay_goes_into_another_kind_of_target(target, log, service, directory):
    """The CSV dialect is in the manifest, so blocks of any target load into SQLite."""
    import targets
    target.create(ITEM)
    write_every_change(log)
    service.run()
    other = targets.Sqlite(directory)
    other.create(ITEM)
    second = Service(directory, other, log.path, name="second")
    second.options["service"] = "test"
    second.replay(service.blocks_directory)
    assert other.rows(ITEM) == log.rows(ITEM)


def test_check_finds_nothing_wrong_with_a_good_configuration(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    service.command("check")
    assert target.rows(ITEM) == []


def test_standard_input_is_a_source(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    service.options["source"]["path"] = "-"
    with open(log.path, encoding="utf-8") as file:
        service.run(stdin=file)
    assert target.rows(ITEM) == log.rows(ITEM)


def test_a_directory_of_rotated_files_is_read_in_name_order(target, directory):
    target.create(ITEM)
    files = os.path.join(directory, "logs")
    os.mkdir(files)
    log = Log(os.path.join(directory, "whole.jsonl"))
    write_every_change(log)
    with open(log.path, encoding="utf-8") as file:
        lines = file.readlines()
    for number, start in enumerate(range(0, len(lines), 6)):
        with open(os.path.join(files, f"log-{number:03}.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(lines[start:start + 6])
    service = Service(directory, target, files)
    service.run()
    assert target.rows(ITEM) == log.rows(ITEM)


def test_errors_have_their_exit_codes(directory):
    dray("run", expect=2)
    dray("no-such-command", expect=2)
    path = os.path.join(directory, "bad.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("service: x\nnonsense: 1\n")
    refused = dray("run", path, expect=3)
    assert re.search(r"bad\.yaml:2:1: nonsense: ", refused.stderr)


def test_a_bad_line_is_named_by_file_and_line(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    log.frame("B")
    log.write('{"action":"I","schema":"public","table":"item","columns":[{"name":')
    log.frame("C")
    log.flush()
    with open(log.path, encoding="utf-8") as file:
        bad = [number for number, line in enumerate(file, 1) if line.endswith('"name":\n')][0]
    refused = service.run(expect=1)
    assert f"log.jsonl:{bad}" in refused.stderr
    # the transactions before it are not held back
    assert target.position() == 3
    assert target.rows(ITEM) == log.rows(ITEM)


def test_a_torn_last_line_is_recognised_and_read_when_it_is_whole(target, log, service):
    target.create(ITEM)
    write_every_change(log)
    whole = os.path.getsize(log.path)
    with log.transaction() as change:
        change.insert(ITEM, 99, "torn", 1, None, True)
    with open(log.path, "rb") as file:
        content = file.read()
    with open(log.path, "wb") as file:
        file.write(content[:whole + 120])
    service.run()
    assert target.position() == 3
    with open(log.path, "wb") as file:
        file.write(content)
    service.run()
    assert target.rows(ITEM) == log.rows(ITEM)


def test_passwords_are_not_logged(target, log, service):
    if target.kind == "sqlite":
        pytest.skip("SQLite has no password")
    target.create(ITEM)
    write_every_change(log)
    if target.kind == "postgres":
        service.options["target"]["connection"] += " password=${SECRET} port=1"
    else:
        service.options["target"].update({"password": "${SECRET}", "socket": "/nonexistent"})
    service.options["retry"]["max_time"] = "300ms"
    service.options["log"] = {"level": "debug"}
    failed = service.run(env={"SECRET": "hunter2-xyz"}, expect=5)
    assert "hunter2-xyz" not in failed.stdout + failed.stderr
