"""Run the program under test."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import yaml

RUN_SECONDS = 120


def program():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = os.environ.get("DRAY") or os.path.join(root, "build-check", "dray")
    assert os.access(path, os.X_OK), f"{path} is missing: build it, or set DRAY"
    return path


def environment(more=None):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DRAY")}
    for name in ("DRAY_DATA",):
        if name in os.environ:
            kept[name] = os.environ[name]
    return {**kept, "TZ": "Asia/Kolkata", **(more or {})}


class Failed(AssertionError):
    pass


def dray(*arguments, expect=0, env=None, stdin=None, timeout=RUN_SECONDS, cwd=None,
         preexec_fn=None):
    """Run a command to its end; expect is its exit code, or None for any."""
    done = subprocess.run([program(), *map(str, arguments)], env=environment(env), cwd=cwd,
                          preexec_fn=preexec_fn,
                          stdin=stdin if stdin is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          text=True, errors="replace", check=False)
    if expect is not None and done.returncode != expect:
        raise Failed(f"dray {' '.join(map(str, arguments))}: exit code {done.returncode}, "
                     f"expected {expect}\n--- stdout\n{done.stdout[-6000:]}"
                     f"\n--- stderr\n{done.stderr[-6000:]}")
    return done


def peak_resident_kib(pid):
    """The most memory that a process ever had; ru_maxrss would begin with its parent's."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            found = re.search(r"VmHWM:\s+(\d+) kB", file.read())
    except OSError:
        found = None
    return int(found.group(1)) if found else 0


class Watched:
    """A process that is run to its end: returncode, stdout, stderr, peak_kib, usage."""

    def __init__(self, arguments, **options):
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, **options)
        outputs = ["", ""]
        readers = [threading.Thread(target=self._read, args=(outputs, number, stream))
                   for number, stream in enumerate((process.stdout, process.stderr))]
        for reader in readers:
            reader.start()
        self.peak_kib = 0
        while True:
            # it has only grown: the last look before the end has nearly all of it
            self.peak_kib = max(self.peak_kib, peak_resident_kib(process.pid))
            pid, status, self.usage = os.wait4(process.pid, os.WNOHANG)
            if pid != 0:
                break
            time.sleep(0.02)
        process.returncode = self.returncode = os.waitstatus_to_exitcode(status)
        for reader in readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()
        self.stdout, self.stderr = outputs

    @staticmethod
    def _read(outputs, number, stream):
        outputs[number] = stream.read()


class Service:
    """A configuration in a directory of its own, with a log as source and a target."""

    def __init__(self, directory, target, log_path, name="test"):
        self.directory = str(directory)
        self.target = target
        self.path = os.path.join(self.directory, f"{name}.yaml")
        self.blocks_directory = os.path.join(self.directory, f"{name}-blocks")
        self.rules = []
        self.process = None
        self.options = {
            "service": name,
            "source": {"type": "jsonl", "path": str(log_path)},
            # blocks end where the log does: a slow machine must not make more of them
            "block": {"directory": self.blocks_directory, "retain": "all",
                      "max_interval": "10min"},
            "target": {**target.options(), "merge_script": "merge.sql"},
            "retry": {"first_wait": "50ms", "max_wait": "500ms"},
        }
        # a target without schemas of that name takes the table by its name alone
        self.last_rule = {"match": "*", "target": "%%TABLE%%"}

    def write(self):
        options = {**self.options, "tables": [*self.rules, self.last_rule]}
        # whole or not at all: a service that starts meanwhile may be reading it
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            # the same text as safe_dump's, several times as fast
            file.write(yaml.dump(options, Dumper=yaml.CSafeDumper, allow_unicode=True,
                                 sort_keys=False))
        os.replace(self.path + ".new", self.path)
        return self.path

    def command(self, command, *arguments, **more):
        return dray(command, self.write(), *arguments, **more)

    def run(self, *arguments, **more):
        return self.command("run", "--until-end", *arguments, **more)

    def replay(self, *arguments, **more):
        return self.command("replay", *arguments, **more)

    def status(self):
        return json.loads(self.command("status", "--json").stdout)

    def block_directories(self):
        if not os.path.isdir(self.blocks_directory):
            return []
        return sorted(os.path.join(self.blocks_directory, name)
                      for name in os.listdir(self.blocks_directory) if name.isdigit())

    def manifests(self):
        found = []
        for directory in self.block_directories():
            with open(os.path.join(directory, "manifest.json"), encoding="utf-8") as file:
                found.append(json.load(file))
        return found

    def remove_blocks(self):
        shutil.rmtree(self.blocks_directory, ignore_errors=True)

    # in the background

    def start(self, *arguments, env=None):
        self.output_path = os.path.join(self.directory, "output")
        with open(self.output_path, "ab") as output:
            self.process = subprocess.Popen(
                [program(), "run", self.write(), *arguments], env=environment(env),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        return self.process

    def output(self):
        with open(self.output_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, number=signal.SIGTERM, expect=0):
        self.process.send_signal(number)
        code = self.process.wait(RUN_SECONDS)
        self.process = None
        if expect is not None and code != expect:
            raise Failed(f"exit code {code}, expected {expect}\n{self.output()[-6000:]}")

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wait(self, expect=0, timeout=RUN_SECONDS):
        code = self.process.wait(timeout)
        self.process = None
        if expect is not None and code != expect:
            raise Failed(f"exit code {code}, expected {expect}\n{self.output()[-6000:]}")
        return code

    def wait_for_seqno(self, seqno, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            try:
                reached = self.target.position(self.options["service"])
            except Exception:  # the table is not there yet, or the server is away
                reached = 0
            if reached >= seqno:
                return
            if self.process is not None and self.process.poll() is not None:
                raise Failed(f"ended with {self.process.returncode} at seqno {reached}\n"
                             f"{self.output()[-6000:]}")
            if time.monotonic() > deadline:
                raise Failed(f"seqno {reached} after {seconds} s, expected {seqno}\n"
                             f"{self.output()[-6000:]}")
            time.sleep(0.05)
