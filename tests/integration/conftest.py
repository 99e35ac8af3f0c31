"""Fixtures of the integration tests.

    target      an empty database; a test that takes it runs once on each target
    log         a change log to write, with the model of its tables
    service     a configuration that carries the log into the target, and the program to run it

Servers start when a test first needs them and are shared by the whole run. TARGETS=sqlite,mysql in
the environment restricts the targets.
"""
import os
import shutil

import pytest

import model
import servers
import targets
from service import Service

ALL_TARGETS = ["sqlite", "postgres", "mysql"]


def chosen_targets():
    wanted = os.environ.get("TARGETS")
    return [kind for kind in ALL_TARGETS if not wanted or kind in wanted.split(",")]


def pytest_generate_tests(metafunc):
    if "target_kind" in metafunc.fixturenames:
        metafunc.parametrize("target_kind", chosen_targets(), scope="session")


# What the block writer does with these options is the same for every target, and SQLite shows it for
# all of them; the servers take those that their own scripts have to understand.
LEFT_TO_SQLITE = {
    ("test_key_moves.py", "postgres"): {"no memory", "update_opcode", "distinguish_updates",
                                        "one transaction a block"},
    ("test_key_moves.py", "mysql"): {"no memory", "update_opcode", "distinguish_updates",
                                     "one transaction a block"},
    ("test_hard_cases.py", "postgres"): {"distinguish_updates"},
    ("test_hard_cases.py", "mysql"): {"update_opcode"},
}


# At the end of a run these would keep one process busy for a minute and leave the other idle.
LONGEST = ["test_soak.py", "test_a_transaction_of_five_million_rows_stays_below_64_mib_resident",
           "test_killed_at_every_fault_point_of_a_run_nothing_is_lost_or_doubled"]


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: item.path.name not in LONGEST
               and getattr(item, "originalname", None) not in LONGEST)

    def is_left_out(item):
        params = item.callspec.params if hasattr(item, "callspec") else {}
        left_out = LEFT_TO_SQLITE.get((item.path.name, params.get("target_kind")), set())
        return params.get("block_options") in left_out

    left_out = [item for item in items if is_left_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not is_left_out(item)]


@pytest.fixture(scope="session")
def postgres_server():
    server = servers.Postgres()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def mariadb_server():
    server = servers.MariaDB()
    yield server
    server.remove()


@pytest.fixture
def directory():
    """Short-lived files of one test; short names, since sockets may live here."""
    path = servers.make_directory("dray-test-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def target(request, target_kind, directory):
    if target_kind == "sqlite":
        made = targets.Sqlite(directory)
    elif target_kind == "postgres":
        made = targets.PostgresTarget(request.getfixturevalue("postgres_server"))
    else:
        made = targets.MysqlTarget(request.getfixturevalue("mariadb_server"))
    yield made
    if target_kind != "sqlite":
        if not made.server.is_running():
            made.server.start()
        made.drop()


@pytest.fixture
def log(directory):
    writer = model.Log(os.path.join(directory, "log.jsonl"))
    yield writer
    writer.close()


@pytest.fixture
def service(directory, target, log):
    made = Service(directory, target, log.path)
    yield made
    made.kill()


@pytest.fixture
def recorder(postgres_server):
    """A source database and its real wal2json stream."""
    made = Recorder(postgres_server)
    yield made
    made.close()


class Recorder:
    def __init__(self, server):
        self.target = targets.PostgresTarget(server)
        self.slot = f"slot_{self.target.name}"
        self.target.execute(f"select pg_create_logical_replication_slot('{self.slot}', 'wal2json')")

    def execute(self, sql, *values):
        self.target.execute(sql, *values)

    def rows(self, sql):
        return self.target.query(sql)

    def take(self, path, mode="w", **options):
        """Write the changes since the last call to path; options are wal2json's."""
        wanted = {"format-version": "2", "include-xids": "true", "include-timestamp": "true",
                  "include-lsn": "true", "include-pk": "true", **options}
        flat = [text for pair in wanted.items() for text in pair]
        lines = self.target.query(
            "select data from pg_logical_slot_get_changes(%s, null, null, variadic %s)",
            self.slot, flat)
        with open(path, mode, encoding="utf-8", newline="\n") as file:
            for (line,) in lines:
                file.write(line + "\n")
        return len(lines)

    def close(self):
        self.target.execute(f"select pg_drop_replication_slot('{self.slot}')")
        self.target.drop()


@pytest.fixture
def tell(request):
    """tell(text): a line of the run's summary, such as how many kills a test survived."""
    return lambda text: request.node.user_properties.append(("told", text))


def pytest_terminal_summary(terminalreporter):
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, text in getattr(report, "user_properties", ()):
                if name == "told" and report.when == "call":
                    terminalreporter.write_line(text)


def pytest_report_header():
    return f"temporary files below {servers.temporary_root()}; targets {', '.join(chosen_targets())}"
