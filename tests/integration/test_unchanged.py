"""Large values that an update did not touch: PostgreSQL does not repeat them (TOAST).

doc has two columns that are stored apart from the row as soon as it is longer than 2 kB. Values of
one row are told from another's by their text.
"""
import random

import pytest

import targets
from postgres_source import file_target, source, source_server  # noqa: F401 (fixtures)

COLUMNS = "id, title, body, data"
IDENTITIES = {
    "default": "alter table doc add primary key (id)",
    "index": "create unique index doc_id on doc (id); alter table doc replica identity using index doc_id",
    "full": "alter table doc add primary key (id); alter table doc replica identity full",
}
EXTRA = {
    "merge.sql": "note varchar(9) default 'own'",
    "soft_delete.sql": "deleted_at {time} null",
    "history.sql": "valid_from {time} null, valid_to {time} null",
    "append.sql": "dray_opcode varchar(2), dray_seqno bigint, dray_row_id bigint,"
                  " dray_timestamp {time} null, dray_unchanged varchar(99)",
}


def large(mark):
    return f"'{mark}' || repeat(' {mark}', 1500)"


def large_bytes(mark):
    return f"convert_to({large(mark)}, 'UTF8')"


def create_source(source, identity="default"):
    source.execute("create table doc (id int not null, title text, body text, data bytea)")
    source.execute("alter table doc alter body set storage external, alter data set storage external")
    for statement in IDENTITIES[identity].split(";"):
        source.execute(statement)
    source.install()


def create_target(target, script="merge.sql"):
    time = "datetime(6)" if target.kind == "mysql" else "timestamp"
    text, data = ("longtext", "longblob") if target.kind == "mysql" else (
        "text", "bytea" if target.kind == "postgres" else "blob")
    key = ", primary key (id)" if script in ("merge.sql", "soft_delete.sql") else ""
    target.execute(f"create table doc (id int, title text, body {text}, data {data},"
                   f" {EXTRA[script].format(time=time)}{key})")


def insert(source, key, mark):
    source.execute(f"insert into doc values ({key}, '{mark}', {large(mark)}, {large_bytes(mark)})")


def same(source, target, where="true"):
    """Rows of the source, and of the target where the condition holds."""
    here = sorted(source.query(f"select {COLUMNS} from doc"), key=repr)
    there = sorted(target.query(f"select {COLUMNS} from doc where {where}"), key=repr)
    assert [short(row) for row in there] == [short(row) for row in here]
    assert there == here


def short(row):
    return tuple(value[:12] if isinstance(value, (str, bytes)) else value for value in row)


def origins(service):
    return sum(file["rows"].get("O", 0) for manifest in service.manifests()
               for file in manifest["files"])


def last_rows(service):
    return service.manifests()[-1]["files"][0]["rows"]


@pytest.mark.parametrize("identity", list(IDENTITIES))
def test_values_stay_whatever_the_update_touches(source, target, directory, identity):
    create_source(source, identity)
    create_target(target)
    service = source.service(directory, target)
    marked = identity != "full"
    for key in range(1, 10):
        insert(source, key, f"row {key}")
    source.execute("update doc set title = 'same block' where id = 1")
    service.run()
    same(source, target)
    assert origins(service) == 0

    # over a block boundary: only the target has the values
    source.execute("update doc set title = ',3,' where id = 1")
    source.execute("update doc set title = ',3,4,', data = null where id = 2")
    source.execute(f"update doc set body = {large('new')} where id = 3")
    service.run()
    same(source, target)
    assert last_rows(service).get("O", 0) == (3 if marked else 0)

    # the key changes, and goes on changing, and is used again
    source.execute("update doc set id = 104 where id = 4")
    source.execute("update doc set id = 105 where id = 5")
    source.transaction("update doc set id = 205 where id = 105", "update doc set title = 'x' where id = 205")
    source.execute("update doc set id = 106 where id = 6")
    insert(source, 6, "another row")
    source.execute("update doc set title = 'another' where id = 6")
    source.execute("update doc set id = 107, body = null where id = 7")
    service.run()
    same(source, target)
    assert last_rows(service).get("O", 0) == (6 if marked else 0)

    # gone and back, in one block, and a value that is one of the words of the files
    source.transaction("update doc set title = 'before' where id = 8", "delete from doc where id = 8")
    insert(source, 8, "back")
    source.execute("update doc set title = null where id = 8")
    source.execute("update doc set body = 'null' where id = 9")
    source.execute("update doc set title = 'O' where id = 9")
    service.run()
    same(source, target)
    if target.kind != "sqlite" or identity == "default":
        assert target.query("select distinct note from doc where id < 4") == [("own",)]
    service.command("blocks", "check")


@pytest.mark.parametrize("script", ["soft_delete.sql", "history.sql"])
def test_kept_rows_and_versions_are_whole(source, target, directory, script):
    create_source(source)
    create_target(target, script)
    live = "deleted_at is null" if script == "soft_delete.sql" else "valid_to is null"
    service = source.service(directory, target)
    service.options["target"]["merge_script"] = script
    for key in range(1, 6):
        insert(source, key, f"row {key}")
    service.run()
    for title in ("a", "b"):
        source.execute(f"update doc set title = '{title}'")
    source.execute("update doc set id = 12 where id = 2")
    source.execute("update doc set title = 'c' where id = 12")
    source.execute("delete from doc where id = 3")
    insert(source, 3, "back")
    source.execute("delete from doc where id = 4")
    service.run()
    same(source, target, live)
    assert target.query("select count(*) from doc where body is null or data is null") == [(0,)]
    assert origins(service) == 12
    if script == "history.sql":
        # 5 inserts, 10 updates, 2 of row 12, and the row that came back
        assert target.query("select count(*) from doc") == [(18,)]
        assert [row[0][:7] for row in target.query(
            "select body from doc where id = 12")] == ["row 2 r"] * 2
    else:
        assert [(row[0], row[1], row[2][:5]) for row in target.query(
            "select id, title, body from doc where deleted_at is not null order by id")] == [
                (2, "b", "row 2"), (4, "b", "row 4")]


def test_an_audit_table_says_what_it_was_not_told(source, target, directory):
    create_source(source)
    create_target(target, "append.sql")
    service = source.service(directory, target)
    service.options["target"]["merge_script"] = "append.sql"
    insert(source, 1, "one")
    service.run()
    source.execute("update doc set title = 'two' where id = 1")
    source.execute("update doc set title = 'three', data = null where id = 1")
    service.run()
    assert target.query("select dray_opcode, title, case when body is null then 1 else 0 end,"
                        " case when data is null then 1 else 0 end, dray_unchanged from doc"
                        " where dray_seqno > 1 order by dray_seqno, dray_row_id") == [
        ("D", None, 1, 1, None), ("I", "two", 1, 1, ",3,4,"),
        ("D", None, 1, 1, None), ("I", "three", 1, 1, ",3,")]


def test_an_audit_table_without_the_column_works_until_it_is_needed(source, file_target, directory):
    create_source(source)
    create_target(file_target, "append.sql")
    file_target.execute("alter table doc drop column dray_unchanged")
    service = source.service(directory, file_target)
    service.options["target"]["merge_script"] = "append.sql"
    insert(source, 1, "one")
    service.run()
    source.execute("update doc set title = 'two' where id = 1")
    failed = service.run(expect=3)
    assert "the target table doc needs a column dray_unchanged (of type TEXT, nullable)" in failed.stderr
    file_target.execute("alter table doc add column dray_unchanged text")
    service.run()
    assert file_target.value("select dray_unchanged from doc where title = 'two'") == ",3,4,"


def test_a_row_that_the_target_has_lost_stops_the_block(source, target, directory):
    create_source(source)
    create_target(target)
    service = source.service(directory, target)
    for key in (1, 2):
        insert(source, key, f"row {key}")
    service.run()
    target.execute("delete from doc where id = 1")
    source.execute("update doc set title = 'new'")
    failed = service.run(expect=1)
    assert ("table public.doc: CSV file public.doc.csv: 2 lines leave out values that updates left"
            " unchanged, and the target has the rows of 1 of them only") in failed.stderr
    assert target.query("select id, title from doc") == [(2, "row 2")]
    assert target.position() == 2
    # what the message names mends it
    target.execute("insert into doc (id) values (1)")
    source.execute(f"update doc set title = title, body = {large('again')}, data = null where id = 1")
    service.run()
    assert [short(row) for row in target.query(f"select {COLUMNS} from doc order by id")] == [
        (1, "new", "again again ", None), (2, "new", "row 2 row 2 ", b"row 2 row 2 ")]


def test_retained_blocks_are_replayed_into_another_target(source, target, directory):
    """Which holds the rows from before the first block; and then over what it has become."""
    create_source(source)
    create_target(target)
    service = source.service(directory, target)
    for key in range(1, 8):
        insert(source, key, f"row {key}")
    service.run()
    at_first = source.query(f"select {COLUMNS} from doc")
    for title in ("a", "b"):
        source.execute(f"update doc set title = '{title}' where id < 6")
        source.execute("delete from doc where id = 5")
        service.run()
    insert(source, 5, "back")
    service.run()
    before_moves = service.block_directories()
    source.execute("update doc set id = 16 where id = 6")
    source.execute("update doc set title = 'moved' where id = 16")
    service.run()
    moved = service.block_directories()[len(before_moves):]
    same(source, target)

    other = targets.Sqlite(directory)
    create_target(other)
    for row in at_first:
        other.execute("insert into doc (id, title, body, data) values (?, ?, ?, ?)", *row)
    replay = source.service(directory, other, "replay")
    replay.replay(*service.block_directories()[1:])
    same(source, other)
    assert origins(service) > 10

    service.replay("--again", *before_moves[1:])
    same(source, target)
    failed = service.replay("--again", *moved, expect=1)
    assert ("table public.doc: in the block an update changes a key and leaves other values out"
            ) in failed.stderr
    same(source, target)


def test_a_row_that_has_gone_since_does_not_come_back_in_parts(source, target, directory):
    create_source(source)
    create_target(target)
    service = source.service(directory, target)
    for key in (1, 2):
        insert(source, key, f"row {key}")
    service.run()
    source.execute("update doc set title = 'new'")
    service.run()
    block = service.block_directories()[-1]
    source.execute("delete from doc where id = 1")
    service.run()
    service.replay("--again", block)
    same(source, target)


def test_random_changes_arrive_whole(source, target, directory, tell):
    create_source(source)
    create_target(target)
    service = source.service(directory, target)
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    service.options["block"]["compact_memory"] = dice.choice(["1", "24MiB"])
    service.options["block"]["update_opcode"] = dice.choice([True, False])
    service.options["block"]["distinguish_updates"] = dice.choice([True, False])
    live = set()
    number = 0
    for _ in range(5):
        for _ in range(12):
            statements = []
            for _ in range(dice.randint(1, 4)):
                number += 1
                key, to = dice.randint(1, 9), dice.randint(1, 9)
                if key not in live:
                    statements.append(f"insert into doc values ({key}, 'n{number}',"
                                      f" {large(f'b{number}')}, {large_bytes(f'd{number}')})")
                    live.add(key)
                    continue
                kind = dice.randrange(8)
                if kind == 0:
                    statements.append(f"delete from doc where id = {key}")
                    live.discard(key)
                elif kind == 1 and to not in live:
                    statements.append(f"update doc set id = {to} where id = {key}")
                    live.discard(key)
                    live.add(to)
                elif kind == 2:
                    statements.append(f"update doc set body = {large(f'b{number}')} where id = {key}")
                elif kind == 3:
                    statements.append(f"update doc set data = null where id = {key}")
                else:
                    statements.append(f"update doc set title = 'u{number}' where id = {key}")
            source.transaction(*statements)
        service.run()
        same(source, target)
    tell(f"{target.kind}: {number} changes, {origins(service)} lines filled in from the target")
    assert origins(service) > 0
