"""Merge scripts as a DBA uses them: copied, edited, with commands, and with mistakes."""
import os
import re
import time

import pytest

from model import Table

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAIR = Table("pair", [("id", "integer"), ("v", "text")])


@pytest.fixture
def edited(target, log, service, directory):
    """edited(extra, section) puts lines at a section's beginning in a copy of merge.sql."""
    def edit(extra, section="apply", script="merge.sql"):
        path = os.path.join(ROOT, "merge-scripts", target.kind, script)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        mark = f"-- @{section}\n"
        if mark in text:
            text = text.replace(mark, mark + extra + "\n", 1)
        else:
            text = text.replace("-- @apply\n", f"{mark}{extra}\n\n-- @apply\n", 1) \
                if section in ("prepare", "begin") else f"{text}\n{mark}{extra}\n"
        with open(os.path.join(directory, "mine.sql"), "w", encoding="utf-8") as file:
            file.write(text)
        service.options["target"]["merge_script"] = "mine.sql"
        return 1 + text[:text.index(extra)].count("\n")
    return edit


def one_row(target, log):
    target.create(PAIR)
    with log.transaction() as change:
        change.insert(PAIR, 1, "x")


def test_a_script_beside_the_configuration_is_used(target, log, service, edited):
    one_row(target, log)
    target.execute("create table seen (n integer)")
    edited("INSERT INTO seen VALUES (%%CSV_ROWS%%);")
    service.run()
    assert target.rows(PAIR) == log.rows(PAIR)
    assert target.query("select n from seen") == [(1,)]


@pytest.mark.parametrize("section, expected", [("begin", 1), ("commit", 1), ("apply", 3)])
def test_sections_run_as_often_as_documented(target, log, service, edited, section, expected):
    tables = [Table(f"t{number}", PAIR.columns) for number in range(3)]
    for table in tables:
        target.create(table)
    target.execute("create table seen (n integer)")
    with log.transaction() as change:
        for table in tables:
            change.insert(table, 1, "x")
    edited("INSERT INTO seen VALUES (%%FIRST_SEQNO%%);", section)
    service.run()
    assert target.value("select count(*) from seen") == expected


def test_what_sections_do_is_part_of_the_transaction(target, log, service, edited):
    one_row(target, log)
    target.execute("create table seen (n integer)")
    edited("INSERT INTO seen VALUES (1);\nINSERT INTO no_such_table VALUES (1);", "commit")
    service.run(expect=1)
    assert target.value("select count(*) from seen") == 0
    assert target.rows(PAIR) == []
    assert target.position() == 0


def test_an_error_names_script_line_table_file_and_the_servers_words(
        target, log, service, edited):
    one_row(target, log)
    line = edited("SELECT no_such_column FROM %%BASE_TABLE_FQN%%;")
    said = service.run(expect=1).stderr
    assert re.search(rf"mine\.sql:{line}\b", said)
    assert "public.pair.csv" in said
    assert "no_such_column" in said
    assert target.rows(PAIR) == []


@pytest.mark.parametrize("mistake, reason", [
    ("SELECT %%NO_SUCH_PARAMETER%%;", "NO_SUCH_PARAMETER"),
    ("SELECT 1 /* never closed;", "mine.sql"),
    ("-- @no_such_section", "no_such_section"),
    ("COMMIT;", "end the block's transaction"),
    ("ROLLBACK;", "end the block's transaction"),
])
def test_a_mistake_in_a_script_is_found_before_anything_runs(
        target, log, service, edited, mistake, reason):
    one_row(target, log)
    line = edited(mistake)
    for refused in (service.command("check", expect=None), service.run(expect=None)):
        assert refused.returncode in (1, 3)
        said = refused.stdout + refused.stderr
        assert reason in said
        assert re.search(rf"mine\.sql:{line}:\d+: ", said)
    assert target.rows(PAIR) == []


@pytest.mark.parametrize("statement", [
    "TRUNCATE TABLE pair;", "CREATE TABLE z (a int);", "ALTER TABLE pair ADD z int;",
    "LOCK TABLES pair WRITE;", "SET autocommit = 1;", "START TRANSACTION;", "/*!40000 COMMIT */;",
    "DROP TABLE pair;", "RENAME TABLE pair TO p;", "GRANT SELECT ON pair TO x;", "commit and chain;"])
def test_a_statement_that_commits_implicitly_is_refused(target, log, service, edited, statement):
    if target.kind != "mysql":
        pytest.skip("DDL is transactional, or commits nothing, there")
    one_row(target, log)
    with_base = log.rows(PAIR)
    service.run()
    with log.transaction() as change:
        change.insert(PAIR, 2, "y")
    edited(statement)
    refused = service.run(expect=None)
    assert refused.returncode in (1, 3)
    assert "mine.sql" in refused.stderr
    assert target.rows(PAIR) == with_base


def test_a_commit_hidden_in_a_procedure_is_noticed(target, log, service, edited):
    if target.kind != "mysql":
        pytest.skip("only MySQL's procedures commit inside a caller's transaction")
    one_row(target, log)
    target.execute("create procedure sly() begin commit; end")
    edited("CALL sly();", "commit")
    refused = service.run(expect=1)
    assert "transaction" in refused.stderr
    # the rows it committed are there; the position is not, and nobody believes it is
    assert target.position() == 0


def test_expect_rows_fails_the_block_when_the_count_differs(target, log, service, edited):
    one_row(target, log)
    target.execute("create table seen (n integer)")
    line = edited("INSERT INTO seen VALUES (1);\n-- @expect rows 2")
    said = service.run(expect=1).stderr
    assert re.search(rf"mine\.sql:{line}\b", said)
    assert "2" in said and "1" in said
    assert target.value("select count(*) from seen") == 0
    edited("INSERT INTO seen VALUES (1), (2);\n-- @expect rows 2")
    service.run()
    assert target.value("select count(*) from seen") == 2


HOSTILE = ["plain", "two words", "it's", 'say"hi', "$(touch owned)", "`touch owned`", "a;touch owned",
           "-rf", "*", "~", "a\\b", "a\nb", "%%BLOCK_DIR%%", "&& touch owned", "| touch owned"]


def test_parameters_of_a_command_are_quoted_for_the_shell(
        target, log, service, edited, directory):
    names = [name for name in HOSTILE if target.kind != "mysql" or name != "two words "]
    tables = [Table(name, PAIR.columns) for name in names]
    for table in tables:
        target.create(table)
    with log.transaction() as change:
        for table in tables:
            change.insert(table, 1, "x")
    out = os.path.join(directory, "out")
    edited(f"\\! cd {directory}; for word in %%BASE_TABLE%%; do printf '%s\\0' \"$word\" >>{out}; done")
    service.run()
    with open(out, encoding="utf-8") as file:
        words = file.read().split("\0")[:-1]
    # each one word, whole; with its schema where the target has schemas
    assert sorted(word.split(".", 1)[-1] for word in words) == sorted(names)
    assert not os.path.exists(os.path.join(directory, "owned"))
    assert all(target.rows(table) == [(1, "x")] for table in tables)


def test_hostile_values_stay_values(target, log, service, edited, directory):
    """Inside a quoted string of the script, too."""
    table = Table("it's; drop table pair; --\\", PAIR.columns)
    target.create(PAIR)
    target.create(table)
    target.execute("create table seen (n varchar(200))")
    with log.transaction() as change:
        change.insert(table, 1, "x'); drop table pair; --")
    edited("INSERT INTO seen VALUES ('%%BASE_TABLE%%');")
    service.run()
    # raw: the table's full name, which has a schema where the target has schemas
    ((name,),) = target.query("select n from seen")
    assert name.split(".", 1)[-1] == table.name
    assert target.rows(PAIR) == []
    assert target.rows(table) == log.rows(table)


def test_a_command_that_fails_fails_the_block(target, log, service, edited):
    one_row(target, log)
    line = edited("\\! echo words of the command; exit 3")
    said = service.run(expect=1).stderr
    assert re.search(rf"mine\.sql:{line}\b", said)
    assert "3" in said and "words of the command" in said
    assert target.rows(PAIR) == []


def test_a_command_is_ended_with_its_children_at_the_time_limit(
        target, log, service, edited, directory):
    one_row(target, log)
    service.options["target"]["command_time_limit"] = "300ms"
    late = os.path.join(directory, "late")
    edited(f"\\! (sleep 2; touch {late}) & sleep 60")
    start = time.monotonic()
    said = service.run(expect=1).stderr
    assert time.monotonic() - start < 20
    assert "300" in said or "time" in said
    time.sleep(2.2)
    assert not os.path.exists(late)


def test_a_command_does_not_inherit_secrets(target, log, service, edited, directory):
    one_row(target, log)
    out = os.path.join(directory, "out")
    edited(f"\\! env >{out}")
    secrets = {"PGPASSWORD": "hunter2", "MYSQL_PWD": "hunter3", "DB_PASSWORD": "hunter4"}
    if target.kind == "mysql":
        del secrets["MYSQL_PWD"]  # the client library would use it
    service.run(env=secrets)
    with open(out, encoding="utf-8") as file:
        text = file.read()
    assert "PATH=" in text
    assert "hunter" not in text


def test_parallel_loads_end_in_one_transaction(target, log, service):
    if target.kind == "sqlite":
        pytest.skip("SQLite has one writer")
    tables = [Table(f"t{number}", PAIR.columns) for number in range(8)]
    for table in tables:
        target.create(table)
    service.options["target"].update(merge_script="merge_parallel.sql", loaders=3)
    for turn in range(3):
        with log.transaction() as change:
            for table in tables:
                for number in range(50):
                    if turn == 0:
                        change.insert(table, number, f"{turn}")
                    elif number % (turn + 2) == 0:
                        change.update(table, number, v=f"{turn}")
        service.run()
        assert target.dump(tables) == {table.name: log.rows(table) for table in tables}


def test_the_scripts_of_targets_that_cannot_run_here_say_so():
    for kind in ("vertica", "redshift"):
        with open(os.path.join(ROOT, "merge-scripts", kind, "merge.sql"), encoding="utf-8") as file:
            text = file.read()
        assert "-- @apply" in text
        assert re.search(r"not (been )?(run|tested)", text.lower()), kind
