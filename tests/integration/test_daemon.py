"""dray run -d, -r, -s, -k, -q, -v: a service in the background, told through its pidfile.

The daemons' parents end, so they become children of this process (a subreaper): their exit codes are
seen, and one that is left behind is ended.
"""
import ctypes
import fcntl
import os
import re
import signal
import sqlite3
import subprocess
import termios
import time

import pytest

import targets
from model import Table
from service import Service, dray, environment, program

ITEM = Table("item", [("id", "integer"), ("name", "text")])
SECRET = "hunter2-xyz"


def adopt_orphans(yes):
    ctypes.CDLL(None).prctl(36, int(yes), 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def of_program(path):
    """Processes of a configuration that run, and zombies of ours."""
    running, ended = [], []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, parent = stat_of(pid)[:2]
            if path.encode() in read_bytes(f"/proc/{pid}/cmdline"):
                running.append(int(pid))
            elif state == "Z" and int(parent) == os.getpid() and read(f"/proc/{pid}/comm") == "dray\n":
                ended.append(int(pid))
        except (OSError, IndexError):
            pass  # gone meanwhile
    return running, ended


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Daemon(Service):
    """A service that follows a log into SQLite, with pidfile and log file."""

    def __init__(self, directory, log):
        super().__init__(directory, targets.Sqlite(directory), log.path)
        self.log = log
        self.pidfile = os.path.join(directory, "test.pid")
        self.log_path = os.path.join(directory, "test.log")
        self.options.update(pidfile=self.pidfile, log={"file": self.log_path})
        self.options["source"]["follow"] = True
        self.options["block"]["max_interval"] = "20ms"
        self.pids = set()
        self.target.create(ITEM)
        self.write()

    def tell(self, *words, expect=0, **more):
        """dray run with this configuration as it is on disk."""
        done = dray("run", self.path, *words, expect=expect, **more)
        if self.pid():
            self.pids.add(self.pid())
        return done

    def pid(self):
        text = read(self.pidfile)
        return int(text) if re.fullmatch(r"[0-9]+\n", text) else None

    def exit_code(self):
        """Of the daemon that ran last; it is gone then."""
        return os.waitstatus_to_exitcode(os.waitpid(max(self.pids), 0)[1])

    def says(self, words, times=1):
        wait_for(lambda: read(self.log_path).count(words) >= times)

    def add(self, count=1):
        for _ in range(count):
            with self.log.transaction() as change:
                change.insert(ITEM, self.log.transactions + 1, "a name")

    def holds_all(self):
        return self.target.rows(ITEM) == self.log.rows(ITEM)

    def make_slow(self):
        """The merge waits for a file; returns what makes it."""
        go = os.path.join(self.directory, "go")
        begun = os.path.join(self.directory, "begun")
        with open(os.path.join(os.path.dirname(__file__), "../../merge-scripts/sqlite/merge.sql"),
                  encoding="utf-8") as file:
            script = file.read()
        slow = f"-- @commit\n\\! touch {begun}; while [ ! -e {go} ]; do sleep 0.02; done\n"
        assert "-- @commit" not in script
        write(os.path.join(self.directory, "slow.sql"), script + "\n" + slow)
        self.options["target"]["merge_script"] = "slow.sql"
        self.write()
        return begun, lambda: write(go, "")

    def clean(self):
        for pid in of_program(self.path)[0]:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not of_program(self.path)[0])
        for pid in of_program(self.path)[1]:
            os.waitpid(pid, 0)


@pytest.fixture
def daemon(directory, log):
    adopt_orphans(True)
    made = Daemon(directory, log)
    yield made
    made.kill()
    made.clean()
    adopt_orphans(False)


def stat_of(pid):
    """pid's entry of /proc/PID/stat from the state on."""
    return read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()


def file_mode_mask(pid):
    return int(re.search(r"Umask:\s+(\d+)", read(f"/proc/{pid}/status")).group(1), 8)


# ---- start and stop ---------------------------------------------------------------------------------

def test_it_goes_into_the_background_carries_rows_and_ends_in_order(daemon):
    daemon.add()
    done = daemon.tell("-d", preexec_fn=lambda: os.umask(0o027))
    assert (done.stdout, done.stderr) == ("", "")
    pid = daemon.pid()
    assert pid and os.stat(daemon.pidfile).st_mode & 0o777 == 0o640
    state, parent, group, session, terminal = stat_of(pid)[:5]
    assert state in "SR" and int(parent) == os.getpid()
    assert int(group) == int(session) == pid and terminal == "0"
    assert [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
    assert os.readlink(f"/proc/{pid}/cwd") == os.getcwd()
    assert file_mode_mask(pid) == 0o027
    daemon.wait_for_seqno(1)
    daemon.add()
    daemon.wait_for_seqno(2)
    assert daemon.holds_all()
    assert daemon.status()["state"] == "running"
    done = daemon.tell("-s", "--wait")
    assert (done.stdout, done.stderr) == ("", "")
    assert stat_of(pid)[0] == "Z"  # gone, and waits for us, its parent
    assert daemon.exit_code() == 0
    assert not os.path.exists(daemon.pidfile)
    assert "service ends seqno=2 " in read(daemon.log_path)
    assert daemon.status()["state"] == "stopped"
    # nothing to stop is no failure, nothing to reload is one
    done = daemon.tell("-s")
    assert done.stderr == (f"dray: warning: there is no pidfile {daemon.pidfile}: the service does "
                           "not run, nothing to stop\n")
    assert "nothing to stop" in daemon.tell("--kill").stderr
    assert "does not run, nothing to reload" in daemon.tell("-r", expect=1).stderr


def test_it_outlives_its_terminal(daemon):
    master, slave = os.openpty()

    def control():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    done = subprocess.run([program(), "run", daemon.path, "-d"], env=environment(), stdin=slave,
                          stdout=slave, stderr=slave, preexec_fn=control, timeout=60, check=False)
    assert done.returncode == 0
    daemon.pids.add(daemon.pid())
    assert stat_of(daemon.pid())[4] == "0"
    os.close(slave)
    os.set_blocking(master, False)
    with pytest.raises(OSError):
        # nobody has the other end: EIO, and nothing was written
        os.read(master, 100)
    os.close(master)
    daemon.add()
    daemon.wait_for_seqno(1)
    assert "configuration" not in read(daemon.log_path)  # no SIGHUP came
    daemon.tell("-s", "--wait")
    assert daemon.exit_code() == 0


def test_it_starts_with_its_standard_streams_closed(daemon):
    def close():
        for fd in range(3):
            os.close(fd)
    done = subprocess.run([program(), "run", daemon.path, "-d"], env=environment(),
                          preexec_fn=close, timeout=60, check=False)
    assert done.returncode == 0
    daemon.pids.add(daemon.pid())
    daemon.add()
    daemon.wait_for_seqno(1)
    assert [os.readlink(f"/proc/{daemon.pid()}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
    daemon.tell("-s", "--wait")
    assert daemon.exit_code() == 0


def test_a_second_start_is_refused_and_the_first_ones_log_is_not_frightened(daemon):
    daemon.tell("-d")
    pid = daemon.pid()
    before = read(daemon.log_path)
    for words in (["-d"], [], ["--until-end"]):
        done = daemon.tell(*words, expect=6)
        assert done.stderr == (f"dray: fenced error: pidfile {daemon.pidfile}: the service already "
                               f"runs, pid {pid}\n")
    assert read(daemon.log_path) == before and daemon.pid() == pid
    # under another pidfile the lock of the block directory tells, behind the fork
    daemon.options["pidfile"] = daemon.pidfile + "2"
    daemon.write()
    done = daemon.tell("-d", expect=6)
    assert re.fullmatch(r"dray: fenced error: .*/lock is locked: another process of this service "
                        rf"runs, pid {pid}\n", done.stderr)
    assert not os.path.exists(daemon.pidfile + "2")
    os.kill(pid, 0)


def test_stop_finishes_the_open_block_and_kill_rolls_it_back(daemon):
    begun, go = daemon.make_slow()
    daemon.tell("-d")
    first = daemon.pid()
    daemon.add(3)
    wait_for(lambda: os.path.exists(begun))
    daemon.tell("-k")
    assert not os.path.exists(daemon.pidfile)
    assert daemon.exit_code() == 0
    assert daemon.target.rows(ITEM) == [] and daemon.target.position() == 0
    # the same block again, now stopped in order
    os.remove(begun)
    daemon.tell("-d")
    assert daemon.pid() != first
    wait_for(lambda: os.path.exists(begun))
    daemon.tell("-s")
    daemon.says("SIGINT: ends after the open block", 2)
    assert stat_of(daemon.pid())[0] in "SR" and daemon.target.position() == 0
    daemon.tell("-d", expect=6)
    go()
    assert daemon.exit_code() == 0
    assert daemon.target.position() > 0 and not os.path.exists(daemon.pidfile)
    daemon.tell("-d")
    daemon.wait_for_seqno(3)
    assert daemon.holds_all()


def test_a_service_is_stopped_whatever_has_become_of_its_configuration(daemon):
    daemon.tell("-d")
    daemon.options.update(nonsense=1, service="${NOT_SET}")
    del daemon.options["source"]
    daemon.write()
    assert "nonsense: unknown option" in daemon.tell("-d", expect=3).stderr
    daemon.tell("-s", "--wait")
    assert daemon.exit_code() == 0


# ---- what goes wrong --------------------------------------------------------------------------------

def refused(daemon, code, *patterns, words=("-d",), left=()):
    """It does not start; says so once, on the terminal; and leaves no process and no file."""
    before = set(os.listdir(daemon.directory))
    done = daemon.tell(*words, expect=code)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == len(patterns), done.stderr
    for line, pattern in zip(lines, patterns):
        assert re.fullmatch("dray: " + pattern, line), line
    assert set(os.listdir(daemon.directory)) - before <= set(left)
    assert of_program(daemon.path)[0] == []


def test_before_the_fork_the_configuration_must_be_whole(daemon):
    path = re.escape(daemon.path)
    del daemon.options["pidfile"], daemon.options["log"]
    daemon.write()
    refused(daemon, 3, f"configuration error: {path}: pidfile: missing, dray run --daemon needs it",
            f"configuration error: {path}: log.file: missing, dray run --daemon needs it")
    for words in (["-s"], ["-k"], ["-r"]):
        refused(daemon, 3, f"configuration error: {path}: pidfile is not set", words=words)
    daemon.options.update(pidfile=daemon.pidfile)
    daemon.write()
    refused(daemon, 3, f"configuration error: {path}: log.file: missing, .*")
    daemon.options.update(pidfile="", log={"file": daemon.log_path, "level": "loud"})
    daemon.write()
    refused(daemon, 3, rf"configuration error: {path}:\d+:\d+: pidfile: .*",
            rf"configuration error: {path}:\d+:\d+: log.level: .*")
    refused(daemon, 2, "usage error: dray run: --daemon and --stop exclude each other",
            words=["-ds"])


def test_behind_the_fork_the_childs_error_and_code_come_to_the_terminal(daemon):
    lost = os.path.join(daemon.directory, "lost")
    daemon.options["pidfile"] = os.path.join(lost, "x.pid")
    daemon.write()
    refused(daemon, 1, f"file error: write pidfile {lost}/x.pid: No such file or directory")
    daemon.options.update(pidfile=daemon.pidfile, log={"file": os.path.join(lost, "x.log")})
    daemon.write()
    refused(daemon, 1, f"file error: open log file {lost}/x.log: No such file or directory")
    daemon.options["log"]["file"] = daemon.log_path
    daemon.options["target"]["merge_script"] = "lost.sql"
    daemon.write()
    refused(daemon, 3, "configuration error: target.merge_script: .*lost.sql.*",
            left=["test.log"])
    daemon.options["target"]["merge_script"] = "merge.sql"
    daemon.options["source"].update(path=os.path.join(lost, "log.jsonl"), follow=False)
    daemon.write()
    refused(daemon, 4, "source error: .*lost/log.jsonl: No such file or directory",
            left=["test-blocks"])
    assert "ERROR test main: service stops, source error: " in read(daemon.log_path)
    assert dray("status", daemon.path).returncode == 0
    daemon.options["source"]["path"] = daemon.log.path
    daemon.options["target"]["password"] = SECRET
    daemon.write()
    done = daemon.tell("-d", expect=3)
    assert "target.password: unknown option" in done.stderr and SECRET not in done.stderr


def test_a_target_that_is_away_does_not_keep_the_terminal(daemon):
    other = sqlite3.connect(daemon.target.path, isolation_level=None)
    other.execute("begin exclusive")
    daemon.options["target"]["busy_timeout"] = "50ms"
    daemon.write()
    daemon.add()
    daemon.tell("-d")
    daemon.says("will try again in ")
    assert daemon.status()["state"] == "retrying"
    other.execute("rollback")
    other.close()
    daemon.wait_for_seqno(1)
    daemon.tell("-s", "--wait")
    assert daemon.exit_code() == 0


@pytest.mark.parametrize("point", ["pidfile.create", "pidfile.link", "pidfile.rename",
                                   "file.lock", "file.mkdir", "daemon.detach"])
def test_a_death_during_the_start_is_told_and_survived(daemon, point):
    if point == "pidfile.rename":
        write(daemon.pidfile, "2147483647\n")
    done = daemon.tell("-d", expect=70, env={"DRAY_FAULT": f"kill:{point}:1"})
    assert done.stderr == ("dray: internal error: the daemon was ended by signal 9 as it "
                           "started\n")
    daemon.tell("-d")
    daemon.add()
    daemon.wait_for_seqno(1)
    assert daemon.holds_all()


# ---- stale pidfiles ---------------------------------------------------------------------------------

def test_a_stale_pidfile_is_taken_over(daemon):
    daemon.add()
    daemon.tell("-d")
    daemon.wait_for_seqno(1)
    killed = daemon.pid()
    os.kill(killed, signal.SIGKILL)
    assert daemon.exit_code() == -signal.SIGKILL
    assert daemon.pid() == killed
    assert f"is stale: process {killed}, which wrote it, is gone: the service does not run" in \
        daemon.tell("-s").stderr
    daemon.add()
    daemon.tell("-d")
    assert daemon.pid() != killed
    daemon.says(f"WARN test main: pidfile {daemon.pidfile} is stale: process {killed}, which wrote "
                "it, is gone: taken over")
    daemon.wait_for_seqno(2)
    daemon.tell("-s", "--wait")
    # in the foreground, over whatever may be in it
    for content in ("", "\n", "what is this\n", "-1\n", "1 2\n", "\0\1\2" * 30000):
        write(daemon.pidfile, content)
        assert "there is no process number in it" in daemon.tell("-k").stderr
        daemon.tell("--until-end")
        assert not os.path.exists(daemon.pidfile)


def test_a_number_that_belongs_to_another_process_by_now_is_stale_and_gets_no_signal(daemon):
    with subprocess.Popen(["sleep", "600"]) as bystander:
        try:
            write(daemon.pidfile, f"{bystander.pid}\n")
            # older than the process, as a file that a dead service left
            os.utime(daemon.pidfile, (1e9, 1e9))
            for words in (["-k"], ["-s"]):
                assert "is stale" in daemon.tell(*words).stderr
            assert "is stale" in daemon.tell("-r", expect=1).stderr
            daemon.tell("--until-end")
            assert not os.path.exists(daemon.pidfile)
            # written since: it is that program's own
            write(daemon.pidfile, f"{bystander.pid}\n")
            for words in (["-k"], ["-s"], ["-r"], ["-d"], []):
                done = daemon.tell(*words, expect=6)
                assert (f"{daemon.pidfile} is in use: process {bystander.pid} (sleep) wrote it, "
                        "runs, and is not dray") in done.stderr
            assert bystander.poll() is None
        finally:
            bystander.kill()


# ---- in the foreground ------------------------------------------------------------------------------

def test_the_foreground_has_the_pidfile_too(daemon):
    del daemon.options["log"]
    daemon.start()
    wait_for(lambda: daemon.pid() == daemon.process.pid)
    done = daemon.tell(expect=6)
    assert re.fullmatch(r".* ERROR test main: service does not start, fenced error: pidfile .* "
                        r"already runs, pid \d+\n", done.stderr)
    daemon.pids.clear()
    daemon.tell("-r")
    wait_for(lambda: "configuration read again" in daemon.output())
    assert daemon.pid() == daemon.process.pid
    daemon.pids.clear()
    daemon.tell("-s")
    daemon.pids.clear()
    daemon.wait()
    assert not os.path.exists(daemon.pidfile)


@pytest.mark.parametrize("word, configured", [("-q", "debug"), ("-v", "error")])
def test_quiet_and_verbose_win_over_the_configuration_also_after_a_reload(daemon, word, configured):
    daemon.options["log"]["level"] = configured
    daemon.write()
    daemon.tell("-d" + word[1:])
    daemon.add()
    daemon.wait_for_seqno(1)
    daemon.options["block"]["max_rows"] = 7
    daemon.write()
    fence = daemon.target.value("select fence from dray_position")
    daemon.tell("-r")
    wait_for(lambda: daemon.target.value("select fence from dray_position") > fence)
    daemon.add()
    daemon.wait_for_seqno(2)
    daemon.tell("-s", "--wait")
    text = read(daemon.log_path)
    assert text.count("INFO test main: service starts") == (2 if word == "-v" else 0)
    assert ("INFO" in text) == (word == "-v")


# ---- reload -----------------------------------------------------------------------------------------

def test_reload_takes_over_what_it_can_and_names_what_it_cannot(daemon):
    daemon.tell("-d")
    pid = daemon.pid()
    daemon.options["log"]["level"] = "debug"
    daemon.write()
    daemon.tell("-r")
    daemon.says("configuration read again")
    daemon.says("service starts", 2)
    good = dict(daemon.options)
    for change, words, code in [
            ({"pidfile": daemon.pidfile + "2"}, "pidfile: {0}2 instead of {0} takes effect only", 0),
            ({"pidfile": None}, "pidfile: none instead of {0} takes effect only", 0),
            ({"log": {"level": "debug"}}, "log.file: is missing, and a daemon has no other log", 0),
            ({"log": {"file": "/nonexistent/x.log"}}, "open log file /nonexistent/x.log: No such", 0),
            ({"block": {**good["block"], "max_rows": "many"}}, "block.max_rows: ", 3)]:
        daemon.options = {name: value for name, value in {**good, **change}.items()
                          if value is not None}
        # -r goes where the pidfile was when the service started
        daemon.write()
        count = read(daemon.log_path).count("not taken over")
        if "pidfile" in change:
            os.kill(pid, signal.SIGHUP)
        else:
            done = daemon.tell("-r", expect=code)
            assert (code == 0) == (done.stderr == "")
            assert code == 0 or re.match(
                "dray: configuration error: the service keeps its configuration, only the log file "
                "is reopened: .*: block.max_rows: ", done.stderr)
        daemon.says("not taken over", count + 1)
        assert "not taken over: " in read(daemon.log_path).splitlines()[-1]
        assert words.format(daemon.pidfile) in read(daemon.log_path).splitlines()[-1]
        assert daemon.pid() == pid
    daemon.add()
    daemon.wait_for_seqno(1)
    # another log file is used from then on
    daemon.options = {**good, "log": {"file": daemon.log_path + ".new"}}
    daemon.write()
    daemon.tell("-r")
    wait_for(lambda: "service starts" in read(daemon.log_path + ".new"))
    daemon.tell("-s", "--wait")
    assert daemon.exit_code() == 0 and not os.path.exists(daemon.pidfile)
    assert "service ends" in read(daemon.log_path + ".new")
    assert "service ends" not in read(daemon.log_path)


def test_reload_after_a_rotation_goes_on_in_a_new_log_file(daemon):
    daemon.add()
    daemon.tell("-d")
    daemon.wait_for_seqno(1)
    for number in (1, 2):
        os.rename(daemon.log_path, f"{daemon.log_path}.{number}")
        daemon.tell("-r")
        daemon.says("configuration read again")
        daemon.add()
        daemon.wait_for_seqno(1 + number)
    # also when the configuration is wrong
    os.rename(daemon.log_path, daemon.log_path + ".3")
    daemon.options["nonsense"] = 1
    daemon.write()
    daemon.tell("-r", expect=3)
    daemon.says("not taken over")
    assert "last_seqno=1 " in read(daemon.log_path + ".1")
    assert "last_seqno=2 " in read(daemon.log_path + ".2")
    daemon.add()
    daemon.says("last_seqno=4 ")
    daemon.wait_for_seqno(4)
    assert daemon.holds_all()


def test_reloads_and_stops_at_any_moment_lose_nothing(daemon):
    """Signals as fast as they come, while rows come: each reload is used, the end is in order."""
    daemon.tell("-d")
    for _ in range(12):
        daemon.add(2)
        daemon.tell("-r")
    daemon.tell("-s", "--wait")
    assert daemon.exit_code() == 0
    assert "ERROR" not in read(daemon.log_path)
    daemon.tell("-d")
    daemon.wait_for_seqno(24)
    daemon.tell("-k")
    assert daemon.exit_code() == 0
    assert daemon.holds_all()
