"""status, check, help, exit codes, signals: what a DBA sees of the program."""
import os
import re
import subprocess
import time

import pytest

from model import Table
from service import Service, dray, environment, program

ITEM = Table("item", [("id", "integer"), ("name", "text")])
OTHER = Table("other", [("id", "integer"), ("name", "text")])
NOKEY = Table("nokey", [("name", "text")], key=())
COMMANDS = ["run", "replay", "blocks", "check", "status", "help"]
FIELDS = {"service", "state", "seqno", "source_position", "commit_timestamp", "lag_seconds",
          "blocks", "block_bytes", "last_error"}
SECRET = "hunter2-xyz"


def follow(service):
    """Wait for more; the harness lets a block end only with the log."""
    service.options["source"]["follow"] = True
    service.options["block"]["max_interval"] = "50ms"


def add(log, count=1, table=ITEM):
    for _ in range(count):
        with log.transaction() as change:
            change.insert(table, log.transactions + 1, f"name {log.transactions}")


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def take_away(target, service):
    """No server at the configured address; returns what puts it back."""
    options = dict(service.options["target"])
    if target.kind == "sqlite":
        service.options["target"]["path"] = "/nonexistent/dir/file.sqlite"
    elif target.kind == "postgres":
        service.options["target"]["connection"] += " host=/nonexistent"
    else:
        service.options["target"]["socket"] = "/nonexistent"
    return lambda: service.options.update(target=options)


# ---- status ---------------------------------------------------------------------------------------

def test_status_tells_each_state_of_a_service(target, log, service):
    target.create(ITEM)
    status = service.status()
    assert FIELDS <= set(status)
    assert status["state"] == "never run"
    assert status["seqno"] == 0 and status["blocks"] == 0 and status["lag_seconds"] is None
    assert status["last_error"] is None and status["commit_timestamp"] is None
    add(log, 2)
    follow(service)
    service.start()
    service.wait_for_seqno(2)
    wait_for(lambda: service.status()["lag_seconds"] == 0)
    status = service.status()
    assert status["state"] == "running" and status["process_runs"] and status["target_answers"]
    assert status["seqno"] == 2
    assert status["commit_timestamp"].startswith("2023-11-14 22:13:20.003")
    assert status["blocks"] == len(service.block_directories()) > 0
    service.stop()
    status = service.status()
    assert status["state"] == "stopped" and not status["process_runs"]
    # nobody knows what the source has got since
    assert status["lag_seconds"] > 86400
    service.start()
    wait_for(lambda: service.status()["state"] == "running")
    service.kill()
    status = service.status()
    assert status["state"] == "killed" and not status["process_runs"]
    assert status["seqno"] == 2
    log.write("{")
    log.flush()
    service.options["source"]["follow"] = False
    log.write("nonsense")
    log.flush()
    service.run(expect=1)
    status = service.status()
    assert status["state"] == "failed"
    assert "log.jsonl:" in status["last_error"]
    assert status["last_error_at"]
    text = service.command("status").stdout
    for words in ("service            test", "state              failed", "seqno              2",
                  "last error         ", "process            does not run", "blocks             ", "block bytes        "):
        assert words in text, text


def test_status_tells_that_the_target_is_away_and_why(target, log, service):
    target.create(ITEM)
    add(log, 2)
    service.run()
    put_back = take_away(target, service)
    status = service.status()
    assert status["state"] == "stopped" and status["seqno"] == 2
    assert not status["target_answers"] and status["target_error"]
    if target.kind == "sqlite":
        return  # a missing directory does not come back by itself
    service.start()
    wait_for(lambda: service.status()["state"] == "retrying")
    status = service.status()
    assert status["process_runs"] and status["seqno"] == 2
    assert "/nonexistent" in status["last_error"]
    assert "state              retrying" in service.command("status").stdout
    service.stop(expect=None)
    assert service.status()["state"] == "stopped"
    service.options["retry"]["max_time"] = "100ms"
    service.run(expect=5)
    status = service.status()
    assert status["state"] == "failed" and "/nonexistent" in status["last_error"]
    assert status["seqno"] == 2
    put_back()
    assert service.status()["target_answers"]


def test_asking_for_the_status_never_keeps_a_service_from_starting(target, log, service):
    target.create(ITEM)
    service.run()
    asking = [subprocess.Popen(
        f"while :; do {program()} status {service.path} >/dev/null; done", shell=True,
        env=environment(), start_new_session=True) for _ in range(2)]
    try:
        for _ in range(8):
            add(log)
            service.run()
    finally:
        for process in asking:
            os.killpg(process.pid, 9)
            process.wait()


# ---- check ----------------------------------------------------------------------------------------

def checked(service, expect, *words):
    done = service.command("check", expect=expect)
    for word in words:
        assert word in done.stdout, done.stdout
    return done


def test_check_of_a_good_configuration_changes_nothing(target, log, service):
    target.create(ITEM)
    add(log)
    done = checked(service, 0, "ok       target ", "ok       source ", "ok       merge script ",
                   "ok       table public.item to item, key of 1 columns, staging table stage_item "
                   "(will be made)")
    assert "error" not in done.stdout
    assert all(re.match("ok |warning |         ", line) for line in done.stdout.splitlines())
    assert target.rows(ITEM) == []
    service.run()
    checked(service, 0, "staging table stage_item\n", "position seqno 1, fence 1")


def test_check_names_a_missing_base_table(target, log, service):
    add(log)
    done = checked(service, 5, "error    table public.item: ", "the target has no table item",
                   "create it, or write a rule with target: or skip: true")
    assert "target error" in done.stderr


def test_check_names_a_missing_base_table_of_a_rule_without_any_change(target, log, service):
    target.create(ITEM)
    service.rules += [{"match": "public.later", "target": "gone"},
                      {"match": "public.never", "skip": True},
                      {"match": "public.item", "target": "item"}]
    checked(service, 5, "error    table public.later: the target has no table gone",
            "skip: true in its rule", "ok       table public.item to item")


def test_check_looks_at_tables_of_retained_blocks(target, log, service):
    target.create(ITEM)
    target.create(OTHER)
    add(log, 1, OTHER)
    service.run()
    target.execute("drop table other")
    add(log)
    checked(service, 5, "error    table public.other: ", "has no table other",
            "ok       table public.item")


def test_check_names_a_missing_key_and_both_ways_out(target, log, service):
    target.create(NOKEY)
    with log.transaction() as change:
        change.insert(NOKEY, "x")
    checked(service, 3, "error    ", "table public.nokey has no key", "key: [column, …]",
            "merge_script: append.sql")
    service.rules.append({"match": "public.nokey", "target": "nokey",
                          "merge_script": "append.sql"})
    checked(service, 0)


def test_check_names_a_missing_column(target, log, service):
    target.create(Table("item", [("id", "integer")]))
    add(log)
    checked(service, 3, "column name is not in the target table item", "columns: {skip: [name]}")


def test_check_names_a_missing_or_unfit_staging_table_with_create_tables_none(target, log, service):
    target.create(ITEM)
    add(log)
    service.options["target"]["create_tables"] = "none"
    checked(service, 5, "the staging table stage_item is missing and target.create_tables is none: ",
            "set target.create_tables: stage")
    target.execute("create table stage_item (id integer)")
    checked(service, 5, "the staging table stage_item does not fit: ")


def test_check_names_two_tables_that_meet_in_one(target, log, service):
    target.create(ITEM)
    add(log, 1)
    add(log, 1, OTHER)
    service.rules.append({"match": "public.other", "target": "item"})
    checked(service, 3, "tables public.item and public.other both go to the target table item",
            "write a rule with another target: for one, or shared: true in the rules of both")
    service.rules[:] = [{"match": "public.*", "target": "item", "shared": True}]
    checked(service, 0)


def test_check_names_a_target_that_cannot_be_reached(target, log, service):
    target.create(ITEM)
    add(log)
    take_away(target, service)
    done = checked(service, 5, "error    target: ", "/nonexistent", "ok       source ")
    assert "target error" in done.stderr


def test_check_names_a_wrong_password(target, log, service):
    if target.kind != "mysql":
        pytest.skip("only MariaDB asks for one in these tests")
    user = f"u{target.name}"
    target.execute(f"create user {user}@localhost identified by 'right'")
    try:
        service.options["target"].update(user=user, password=SECRET)
        done = checked(service, 5, "error    target: ", user)
        assert SECRET not in done.stdout + done.stderr
    finally:
        target.execute(f"drop user {user}@localhost")


def test_check_names_a_missing_log(target, log, service):
    target.create(ITEM)
    service.options["source"]["path"] = "/nonexistent/log.jsonl"
    done = checked(service, 4, "error    source: ", "/nonexistent/log.jsonl", "ok       target ")
    assert "source error" in done.stderr


def test_check_names_a_mistake_in_a_script(target, log, service):
    target.create(ITEM)
    with open(os.path.join(service.directory, "mine.sql"), "w", encoding="utf-8") as file:
        file.write("-- @apply\nselect %%BASE_TABEL%%;\n")
    service.options["target"]["merge_script"] = "mine.sql"
    done = service.command("check", expect=1)
    assert "mine.sql:2:8: " in done.stderr and "BASE_TABEL" in done.stderr
    service.options["target"]["merge_script"] = "no.sql"
    done = service.command("check", expect=None)
    assert done.returncode in (1, 3) and "no.sql" in done.stderr


# ---- secrets --------------------------------------------------------------------------------------

def test_secrets_are_in_no_output_command_line_or_file(target, log, service):
    if target.kind == "sqlite":
        pytest.skip("SQLite has no password")
    target.create(ITEM)
    add(log, 2)
    with open(os.path.join(service.directory, "password"), "w", encoding="utf-8") as file:
        file.write(SECRET + "\n")
    if target.kind == "postgres":
        service.options["target"]["connection"] += " password=${file:password}"
    else:
        user = f"u{target.name}"
        target.execute(f"create user {user}@localhost identified by '{SECRET}'")
        target.execute(f"grant all on {target.name}.* to {user}@localhost")
        service.options["target"].update(user=user, password="${file:password}")
    service.options["log"] = {"level": "debug"}
    follow(service)
    seen = []
    try:
        service.start()
        service.wait_for_seqno(2)
        for name in ("cmdline", "comm"):
            with open(f"/proc/{service.process.pid}/{name}", "rb") as file:
                seen.append(file.read().decode())
        for command in (["status"], ["status", "--json"], ["blocks", "list"],
                        ["blocks", "show", "1", "--json"], ["check"]):
            done = service.command(*command)
            seen.append(done.stdout + done.stderr)
        service.stop()
        seen.append(service.output())
        put_back = take_away(target, service)
        service.options["retry"]["max_time"] = "100ms"
        for command in (["run"], ["check"], ["status"], ["replay", service.blocks_directory]):
            done = service.command(*command, expect=None)
            seen.append(done.stdout + done.stderr)
        put_back()
        # an unknown option right beside it
        service.options["target"]["pasword"] = "x"
        done = service.command("check", expect=3)
        seen.append(done.stdout + done.stderr)
        for root, _, files in os.walk(service.blocks_directory):
            for name in files:
                with open(os.path.join(root, name), encoding="utf-8") as file:
                    seen.append(file.read())
        assert not [text for text in seen if SECRET in text]
        assert len(seen) > 12
    finally:
        service.kill()
        if target.kind == "mysql":
            target.execute(f"drop user {user}@localhost")


def test_a_connection_string_with_a_mistake_does_not_show_its_password(directory, log):
    """libpq quotes what it cannot read."""
    class NoServer:
        kind = "postgres"

        @staticmethod
        def options():
            return {"type": "postgres", "connection": f"host=/tmp password={SECRET} {SECRET}"}
    service = Service(directory, NoServer(), log.path)
    for command in (["check"], ["run"], ["status"], ["blocks"]):
        done = service.command(*command, expect=None)
        assert SECRET not in done.stdout + done.stderr, command
    NoServer.options = staticmethod(lambda: {"type": "mysql", "socket": "/nonexistent",
                                             "user": "u", "password": SECRET})
    service = Service(directory, NoServer(), log.path)
    for command in (["check"], ["status"], ["blocks"]):
        done = service.command(*command, expect=None)
        assert SECRET not in done.stdout + done.stderr, command


# ---- help, usage, exit codes ------------------------------------------------------------------------

def test_help_and_version():
    text = dray("help").stdout
    assert dray("--help").stdout == dray("-h").stdout == text
    for name in COMMANDS:
        assert re.search(rf"^ +{name}\b", text, re.M), text
        own = dray(name, "--help").stdout
        assert own == dray("help", name).stdout
        assert f"dray {name} " in own.splitlines()[0] + own.splitlines()[1]
    assert re.fullmatch(r"dray \d+\.\d+\.\d+\n", dray("--version").stdout)
    assert "max_rows" in dray("help", "configuration").stdout
    assert "CSV_FILE" in dray("help", "scripts").stdout
    assert "--again" in dray("replay", "--help").stdout


@pytest.mark.parametrize("arguments, words", [
    ([], "no command"), (["rum"], "unknown command rum, did you mean run?"),
    (["--nonsense"], "unknown option --nonsense"), (["run"], "too few arguments"),
    (["run", "a", "b"], "too many arguments"), (["run", "a", "--untilend"], "did you mean --until-end?"),
    (["run", "a", "-x"], "unknown option -x"), (["run", "a", "--until-seqno"], "needs a value"),
    (["run", "a", "--until-seqno", "0"], "is not a seqno"),
    (["run", "a", "--until-end=1"], "takes no value"),
    (["run", "a", "--until-end", "--until-end"], "is given twice"),
    (["replay", "a"], "too few arguments"), (["help", "nonsense"], "is neither a command"),
])
def test_mistakes_on_the_command_line_have_exit_code_2(arguments, words):
    done = dray(*arguments, expect=2)
    assert words in done.stderr
    assert done.stdout == ""


def test_each_kind_of_error_has_its_exit_code(target, log, service, directory):
    """1 data or script, 2 usage, 3 configuration, 4 source, 5 target, 6 locked; 0 done."""
    target.create(ITEM)
    add(log)
    assert service.run().returncode == 0
    service.run("--until-seqno", "1", expect=2)
    service.options["nonsense"] = 1
    refused = service.run(expect=3)
    assert re.search(r"test\.yaml:\d+:1: nonsense: ", refused.stderr)
    del service.options["nonsense"]
    path = service.options["source"]["path"]
    service.options["source"]["path"] = "/nonexistent/log"
    service.run(expect=4)
    service.options["source"]["path"] = path
    put_back = take_away(target, service)
    service.options["retry"]["max_time"] = "1ms"
    service.run(expect=5)
    put_back()
    follow(service)
    service.start()
    wait_for(lambda: os.path.exists(service.output_path) and "service starts" in service.output())
    service.command("run", expect=6)
    service.stop()
    service.options["source"]["follow"] = False
    log.write("nonsense")
    log.flush()
    service.run(expect=1)
    dray("status", os.path.join(directory, "missing.yaml"), expect=3)


def test_a_full_standard_output_is_an_error(target, service):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([program(), "status", service.write()], env=environment(),
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "standard output could not be written" in done.stderr


# ---- SIGHUP -----------------------------------------------------------------------------------------

def hang_up(service, words, times=1):
    service.process.send_signal(1)
    wait_for(lambda: service.output().count(words) >= times)


def test_sighup_takes_a_new_configuration_over_and_refuses_a_bad_one(target, log, service):
    target.create(ITEM)
    add(log)
    follow(service)
    service.options["block"]["max_rows"] = 1
    service.start()
    service.wait_for_seqno(1)
    service.options["block"]["max_rows"] = "many"
    service.write()
    hang_up(service, "configuration not taken over: ")
    assert "max_rows" in service.output()
    add(log)
    service.wait_for_seqno(2)
    # a merge script with a mistake is as bad
    service.options["block"]["max_rows"] = 1
    with open(os.path.join(service.directory, "mine.sql"), "w", encoding="utf-8") as file:
        file.write("-- @apply\nselect %%BASE_TABEL%%;\n")
    service.options["target"]["merge_script"] = "mine.sql"
    service.write()
    hang_up(service, "configuration not taken over: ", 2)
    assert "mine.sql:2:8" in service.output()
    add(log)
    service.wait_for_seqno(3)
    service.options["target"]["merge_script"] = "merge.sql"
    service.options["block"].update(retain="1 blocks", max_rows=100)
    service.write()
    hang_up(service, "configuration read again")
    add(log)
    service.wait_for_seqno(4)
    wait_for(lambda: len(service.block_directories()) == 1)
    service.stop()
    assert target.rows(ITEM) == log.rows(ITEM)


def test_sighup_does_not_change_what_would_make_it_another_service(target, log, service):
    """Under another name it would begin anew, into tables that are filled."""
    target.create(ITEM)
    add(log, 2)
    follow(service)
    service.start()
    service.wait_for_seqno(2)
    service.options["service"] = "renamed"
    service.write()
    hang_up(service, "configuration not taken over: ")
    service.options["service"] = "test"
    add(log)
    service.wait_for_seqno(3)
    service.stop()
    assert target.position("renamed") == 0


def test_sighup_reopens_the_log_file(target, log, service):
    target.create(ITEM)
    path = os.path.join(service.directory, "dray.log")
    service.options["log"] = {"file": path}
    follow(service)
    add(log)
    service.start()
    service.wait_for_seqno(1)
    os.rename(path, path + ".1")
    service.process.send_signal(1)
    wait_for(lambda: os.path.exists(path))
    add(log)
    service.wait_for_seqno(2)
    service.stop()
    with open(path + ".1", encoding="utf-8") as file:
        assert "last_seqno=1 " in file.read()
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert "last_seqno=2 " in text and "last_seqno=1 " not in text
    assert service.output() == ""
