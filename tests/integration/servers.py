"""Database servers of the tests' own, in temporary directories.

Each server listens on a Unix socket in its own directory only, runs as an unprivileged user where
the tests run as root, dies with the process that started it, and is stopped by its own pid.
"""
import atexit
import ctypes
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg2
import pymysql

START_SECONDS = 60
MEMORY_WANTED = 8 << 30


_shared = {}


def shared(name, make):
    """The server of this name, made when it is first wanted, for the rest of the run. A fixture that
    several test files import is one fixture a file: servers of their own would fill the memory."""
    if name not in _shared:
        _shared[name] = make()
        atexit.register(_shared[name].remove)
    return _shared[name]


def temporary_root():
    """DRAY_TEST_DIRECTORY, else memory where there is plenty: the tests wait for fsync a lot."""
    given = os.environ.get("DRAY_TEST_DIRECTORY")
    if given:
        return given
    try:
        if shutil.disk_usage("/dev/shm").free >= MEMORY_WANTED:
            return "/dev/shm"
    except OSError:
        pass
    return "/tmp"


def make_directory(prefix):
    """Short (a socket's path has at most 107 bytes), and readable for the servers' users."""
    path = tempfile.mkdtemp(prefix=prefix, dir=temporary_root())
    os.chmod(path, 0o755)
    return path


def _die_with_parent(signal_number):
    """For preexec_fn: the kernel sends the signal when we are gone, however that happens."""
    libc = ctypes.CDLL(None)

    def set_it():
        libc.prctl(1, signal_number)
    return set_it


class Server:
    """What PostgreSQL and MariaDB have in common."""

    def __init__(self, kind, user):
        self.directory = make_directory(f"dray-{kind}-")
        self.data = os.path.join(self.directory, "data")
        self.log_path = os.path.join(self.directory, "log")
        self.user = user if os.geteuid() == 0 else None
        self.process = None
        if self.user:
            account = pwd.getpwnam(self.user)
            os.chown(self.directory, account.pw_uid, account.pw_gid)

    def _as_user(self):
        if not self.user:
            return {}
        account = pwd.getpwnam(self.user)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _run(self, arguments):
        done = subprocess.run(arguments, cwd=self.directory, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, **self._as_user())
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]}: {done.stdout}{done.stderr}")

    def _spawn(self, arguments, parent_death_signal):
        with open(self.log_path, "ab") as log:
            # a session of its own: Ctrl-C goes to pytest, which then stops the server in order
            self.process = subprocess.Popen(
                arguments, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=_die_with_parent(parent_death_signal),
                **self._as_user())
        self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except (psycopg2.OperationalError, pymysql.err.OperationalError) as problem:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"server did not start: {problem}\n{self.log()}") from problem
                time.sleep(0.05)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def _signal(self, number):
        if self.is_running():
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Postgres(Server):
    def __init__(self, **settings):
        super().__init__("pg", "postgres")
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.settings = {
            "listen_addresses": "", "unix_socket_directories": self.directory,
            # what is committed survives a kill of the server, though not of the machine
            "fsync": "off", "synchronous_commit": "on", "full_page_writes": "off",
            "wal_level": "logical", "max_wal_senders": "8", "max_replication_slots": "8",
            "max_connections": "60", "shared_buffers": "64MB", "max_wal_size": "2GB",
            "autovacuum": "off", "log_min_messages": "warning", **settings}
        # C.UTF-8: sorts by bytes, as the tests compare
        self._run([f"{self.bin}/initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
                   "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            for name, value in self.settings.items():
                file.write(f"{name} = '{value}'\n")
        self.start()

    def start(self):
        self._spawn([f"{self.bin}/postgres", "-D", self.data], signal.SIGQUIT)

    def stop(self):
        self._signal(signal.SIGINT)

    def kill(self):
        """As in a crash: every server process goes at once, without a word to its clients."""
        if self.is_running():
            os.killpg(self.process.pid, signal.SIGKILL)
            self._children_gone()
        self._signal(signal.SIGKILL)

    def _children_gone(self):
        # backends are sessions of their own: the postmaster's death makes them exit
        pid = self.process.pid
        self.process.wait()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if not _processes_in(self.data):
                return
            time.sleep(0.02)
        raise RuntimeError(f"children of {pid} are still there")

    def connect(self, database="postgres", **more):
        connection = psycopg2.connect(host=self.directory, user="postgres", dbname=database, **more)
        connection.autocommit = True
        return connection

    def conninfo(self, database):
        return f"host={self.directory} user=postgres dbname={database}"


class MariaDB(Server):
    """Settings are options of the server; False takes one of ours away: **{"skip-log-bin": False}."""

    def __init__(self, **settings):
        super().__init__("my", "mysql")
        self.socket = os.path.join(self.directory, "sock")
        self.settings = {
            # a tmpdir of its own: a server removes what others left in it when it starts
            "skip-networking": None, "socket": self.socket, "datadir": self.data,
            "tmpdir": self.directory,
            "pid-file": os.path.join(self.directory, "pid"), "local-infile": "1",
            "character-set-server": "utf8mb4", "innodb-flush-log-at-trx-commit": "2",
            "innodb-buffer-pool-size": "256M", "innodb-log-file-size": "256M",
            "innodb-doublewrite": "0", "max-allowed-packet": "256M", "skip-log-bin": None,
            "innodb-lock-wait-timeout": "20", "log-warnings": "1", **settings}
        self.settings = _without_false(self.settings)
        self._run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}",
                   # of its own, as above: here a server starts as well
                   f"--tmpdir={self.directory}",
                   "--auth-root-authentication-method=normal", "--skip-test-db",
                   "--innodb-log-file-size=256M"])
        self.start()

    def start(self):
        binary = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        self._spawn([binary, "--no-defaults", *_as_options(self.settings)], signal.SIGTERM)

    def stop(self):
        self._signal(signal.SIGTERM)

    def kill(self):
        self._signal(signal.SIGKILL)

    def connect(self, database=None, **more):
        return pymysql.connect(unix_socket=self.socket, user="root", database=database,
                               charset="utf8mb4", autocommit=True, local_infile=True, **more)


class MySQL(Server):
    """MySQL itself, from a directory tree of its own: DRAY_MYSQL_ROOT, else /opt/dray-mysql.

    tools/install-mysql makes such a tree. The server runs with the tree's own C library, so that it
    does not matter which system the tests run on, and needs no rights.
    """

    def __init__(self, **settings):
        self.root = mysql_root()
        if self.root is None:
            raise RuntimeError(NO_MYSQL)
        super().__init__("ms", "mysql")
        self.socket = os.path.join(self.directory, "sock")
        self.settings = _without_false({
            "skip-networking": None, "socket": self.socket, "datadir": self.data,
            "tmpdir": self.directory, "pid-file": os.path.join(self.directory, "pid"),
            "mysqlx": "OFF", "secure-file-priv": "", "local-infile": "1",
            "innodb-flush-log-at-trx-commit": "2", "innodb-buffer-pool-size": "256M",
            "innodb-doublewrite": "0", "max-allowed-packet": "256M", "skip-log-bin": None,
            "innodb-lock-wait-timeout": "20", "log-error-verbosity": "1", **settings})
        share = f"{self.root}/usr/share/mysql"
        (libraries,) = glob.glob(f"{self.root}/usr/lib/*-linux-gnu")
        self.program = [
            glob.glob(f"{libraries}/ld-linux-*.so.*")[0], "--library-path", libraries,
            f"{self.root}/usr/sbin/mysqld", "--no-defaults", f"--basedir={self.root}/usr",
            f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets",
            f"--plugin-dir={self.root}/usr/lib/mysql/plugin"]
        self._run([*self.program, "--initialize-insecure", f"--datadir={self.data}"])
        self.start()

    def start(self):
        self._spawn([*self.program, *_as_options(self.settings)], signal.SIGTERM)

    def stop(self):
        self._signal(signal.SIGTERM)

    def kill(self):
        self._signal(signal.SIGKILL)

    def connect(self, database=None, **more):
        return pymysql.connect(unix_socket=self.socket, user="root", database=database,
                               charset="utf8mb4", autocommit=True, local_infile=True, **more)


NO_MYSQL = "no tree of MySQL: tools/install-mysql makes one; or name one in DRAY_MYSQL_ROOT"


def mysql_root():
    """The directory tree that MySQL is started from, or None."""
    root = os.environ.get("DRAY_MYSQL_ROOT") or "/opt/dray-mysql"
    return os.path.realpath(root) if os.path.exists(f"{root}/usr/sbin/mysqld") else None


def _without_false(settings):
    return {name: value for name, value in settings.items() if value is not False}


def _as_options(settings):
    return ["--" + name + ("" if value is None else f"={value}")
            for name, value in settings.items()]


def _processes_in(data):
    """Pids whose working directory is a server's data directory."""
    found = []
    for link in glob.glob("/proc/[0-9]*/cwd"):
        try:
            if os.readlink(link) == data:
                found.append(int(link.split("/")[2]))
        except OSError:
            pass
    return found
