"""dray blocks: what is on disk, what is wrong with it, and what may go."""
import json
import os
import shutil
import threading
import time

import pytest

from model import Table

ITEM = Table("item", [("id", "integer"), ("name", "text")])


def follow(service):
    """Wait for more; the harness lets a block end only with the log."""
    service.options["source"]["follow"] = True
    service.options["block"]["max_interval"] = "50ms"


def add(log, count):
    for _ in range(count):
        with log.transaction() as change:
            change.insert(ITEM, log.transactions + 1, f"name {log.transactions}")


@pytest.fixture
def names(target, log, service):
    """Five committed blocks; their names."""
    target.create(ITEM)
    service.options["block"]["max_rows"] = 1
    add(log, 5)
    service.run()
    assert len(names_of(service)) == 5
    return names_of(service)


def names_of(service):
    return [os.path.basename(path) for path in service.block_directories()]


def size_of(service, name):
    path = os.path.join(service.blocks_directory, name)
    return sum(os.path.getsize(os.path.join(path, file)) for file in os.listdir(path))


def blocks_json(service, *arguments, **more):
    return json.loads(service.command("blocks", *arguments, "--json", **more).stdout)


def test_list_tells_seqnos_rows_bytes_and_what_is_committed(target, service, names):
    unfinished = os.path.join(service.blocks_directory, f"{9:020}")
    os.mkdir(unfinished)
    target.execute("update dray_position set seqno = 4")
    listed = blocks_json(service, "list")
    assert [block["first_seqno"] for block in listed] == [1, 2, 3, 4, 5, 9]
    assert [block["state"] for block in listed] == ["committed"] * 4 + ["waiting", "unfinished"]
    assert listed[0]["last_seqno"] == 1
    assert listed[0]["rows"] == 1
    assert listed[0]["tables"] == 1
    assert listed[0]["bytes"] == size_of(service, names[0])
    assert listed[0]["path"] == os.path.join(service.blocks_directory, names[0])
    assert listed[0]["last_commit_timestamp"].startswith("2023-11-14 22:13:20")
    text = service.command("blocks").stdout
    assert text == service.command("blocks", "list").stdout
    lines = text.splitlines()
    assert lines[0].split()[:2] == ["block", "last"]
    assert lines[1].split()[:5] == [names[0], "1", "1", str(listed[0]["bytes"]), "1"]
    assert lines[1].endswith("committed") and lines[6].endswith("unfinished")
    assert lines[-1] == f"6 blocks, {sum(block['bytes'] for block in listed)} bytes"


def test_list_works_without_the_target(target, service, names):
    if target.kind == "sqlite":
        service.options["target"]["path"] = "/nonexistent/dir/file"
    elif target.kind == "postgres":
        service.options["target"]["connection"] += " host=/nonexistent"
    else:
        service.options["target"]["socket"] = "/nonexistent"
    done = service.command("blocks", "list")
    assert "the position in the target is not known" in done.stderr
    assert "unknown" in done.stdout
    assert {block["state"] for block in blocks_json(service, "list")} == {"unknown"}
    # nothing is removed where nobody knows what is committed
    service.options["block"]["retain"] = "none"
    service.command("blocks", "prune", expect=5)
    assert names_of(service) == names


def test_show_prints_a_manifest_by_name_or_seqno(service, names):
    shown = service.command("blocks", "show", names[2]).stdout
    assert shown == service.command("blocks", "show", "3").stdout
    for words in ("seqnos           3 to 3", "public.item", "public.item.csv, ", "rows       1 (I 1)",
                  "id int, name text", "key        id", "service          test"):
        assert words in shown, shown
    manifest = blocks_json(service, "show", "3")
    assert manifest["first_seqno"] == 3
    with open(os.path.join(service.blocks_directory, names[2], "manifest.json"),
              encoding="utf-8") as file:
        assert manifest == json.load(file)
    assert "no block begins with seqno 77" in service.command("blocks", "show", "77",
                                                              expect=2).stderr
    assert "show needs a block" in service.command("blocks", "show", expect=2).stderr
    assert "list takes no block" in service.command("blocks", "list", "1", expect=2).stderr
    assert "--dry-run belongs to prune" in service.command("blocks", "list", "--dry-run",
                                                           expect=2).stderr
    assert "is none of list, show, check, prune" in service.command("blocks", "burn",
                                                                    expect=2).stderr


def replace(path, old, new):
    with open(path, "rb") as file:
        content = file.read()
    assert old in content
    with open(path, "wb") as file:
        file.write(content.replace(old, new, 1))


def test_check_names_each_fault_and_not_only_the_first(service, names):
    root = service.blocks_directory
    assert "5 blocks, 0 faults\n" == service.command("blocks", "check").stdout
    assert blocks_json(service, "check") == {"blocks": 5, "faults": [], "notes": []}
    replace(f"{root}/{names[0]}/public.item.csv", b"name", b"mane")
    os.unlink(f"{root}/{names[1]}/public.item.csv")
    replace(f"{root}/{names[2]}/manifest.json", b'"first_seqno"', b'"fisrt_seqno"')
    shutil.rmtree(f"{root}/{names[3]}")
    shutil.copytree(f"{root}/{names[4]}", f"{root}/{7:020}")
    os.mkdir(f"{root}/{8:020}")
    done = service.command("blocks", "check", expect=1)
    lines = done.stdout.splitlines()
    faults = [line for line in lines if line.startswith("fault: ")]
    assert len(faults) == 4, done.stdout
    assert f"{names[0]}/public.item.csv" in faults[0] and "checksum" in faults[0]
    assert f"{names[1]}/public.item.csv" in faults[1] and "missing" in faults[1]
    assert f"{names[2]}/manifest.json" in faults[2] and "first_seqno" in faults[2]
    assert f"{7:020}" in faults[3] and "the manifest begins with seqno 5" in faults[3]
    assert f"note: {root}/{8:020}: unfinished, it is removed at the next start" in lines
    assert "4 faults in 6 blocks" in done.stderr
    found = blocks_json(service, "check", expect=1)
    assert [f"fault: {fault}" for fault in found["faults"]] == faults
    assert len(found["notes"]) == 1


def test_check_counts_lines_and_values(service, names):
    """Where size and checksum are right, that is: somebody repaired the manifest by hand."""
    import re
    root = service.blocks_directory
    path = f"{root}/{names[0]}/manifest.json"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r'"I": 1', '"D": 1', text))
    done = service.command("blocks", "check", expect=1)
    assert "lines with opcode" in done.stdout, done.stdout


@pytest.mark.parametrize("retain, kept", [
    ("all", [1, 2, 3, 4, 5]), ("none", []), ("2 blocks", [4, 5]), ("9 blocks", [1, 2, 3, 4, 5]),
    ("1h", [3, 4, 5]), ("{two} B", [4, 5])])
def test_prune_keeps_what_retain_says(service, names, retain, kept):
    for name in names[:2]:
        os.utime(os.path.join(service.blocks_directory, name, "manifest.json"), (1e9, 1e9))
    two = size_of(service, names[3]) + size_of(service, names[4])
    service.options["block"]["retain"] = retain.format(two=two)
    expected = [f"{seqno:020}" for seqno in kept]
    gone = [name for name in names if name not in expected]
    dry = service.command("blocks", "prune", "--dry-run").stdout
    assert names_of(service) == names
    told = blocks_json(service, "prune", "--dry-run")
    assert told["dry_run"] is True
    assert [block["path"].rsplit("/")[-1] for block in told["removed"]] == gone
    assert told["bytes"] == sum(size_of(service, name) for name in gone)
    done = service.command("blocks", "prune").stdout
    assert names_of(service) == expected
    assert [line.split("/")[-1][:20] for line in done.splitlines()[:-1]] == gone
    assert dry == done.replace("removed /", "would remove /").replace(" freed", " would be freed")
    assert f"{told['bytes']} bytes freed" in done
    assert blocks_json(service, "prune") == {"dry_run": False, "removed": [], "bytes": 0}


@pytest.mark.parametrize("retain", ["none", "1 blocks", "1ms", "1 B"])
def test_prune_never_removes_what_is_not_committed(target, service, names, retain):
    for name in names:
        os.utime(os.path.join(service.blocks_directory, name, "manifest.json"), (1e9, 1e9))
    target.execute("update dray_position set seqno = 3")
    service.options["block"]["retain"] = retain
    service.command("blocks", "prune")
    assert set(names[3:]) <= set(names_of(service))
    target.execute("delete from dray_position")
    service.command("blocks", "prune")
    assert set(names[3:]) <= set(names_of(service))


def test_the_service_itself_keeps_to_retain(target, log, service):
    target.create(ITEM)
    service.options["block"].update(max_rows=1, retain="2 blocks")
    add(log, 5)
    service.run()
    assert names_of(service) == [f"{4:020}", f"{5:020}"]
    service.options["block"]["retain"] = "none"
    add(log, 1)
    service.run()
    assert names_of(service) == []


def test_prune_list_and_status_while_a_service_runs(target, log, service):
    """Both remove the same blocks; neither minds, and no row is lost."""
    target.create(ITEM)
    follow(service)
    service.options["block"].update(max_rows=1, retain="3 blocks")
    service.start()
    end = time.monotonic() + 1.5
    problems = []

    def command(*arguments):
        while time.monotonic() < end and not problems:
            try:
                service_copy(service, *arguments)
            except Exception as problem:
                problems.append(problem)

    threads = [threading.Thread(target=command, args=arguments)
               for arguments in (("blocks", "prune"), ("status",), ("blocks", "list"))]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        add(log, 5)
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert not problems, problems[0]
    service.wait_for_seqno(log.transactions)
    assert "retention" not in service.output(), service.output()[-2000:]
    service.stop()
    assert target.rows(ITEM) == log.rows(ITEM)
    assert len(names_of(service)) == 3
    service.command("blocks", "check")


def service_copy(service, command, *arguments):
    """The same command without writing the configuration anew each time."""
    from service import dray
    return dray(command, service.path, *arguments)


def test_no_service_starts_while_prune_removes(service, names):
    """The lock is taken where it is free: a start meanwhile could go back to what is removed."""
    import fcntl
    service.options["block"]["retain"] = "none"
    path = os.path.join(service.blocks_directory, "lock")
    before = os.stat(path).st_mtime_ns
    service.command("blocks", "prune", "--dry-run")
    assert os.stat(path).st_mtime_ns == before
    service.command("blocks", "prune")
    assert os.stat(path).st_mtime_ns != before
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
