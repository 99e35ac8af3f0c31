"""What the live sources of the tests have in common: their services, and waiting for them.

A class of a source takes this one first, then the class of the target that is the same kind of
server (targets.py): execute, query, value, restart, kill, start are those of the target.
"""
import os
import time

from service import Failed, Service

WAIT_SECONDS = 60


class LiveSource:
    """Needs options(**more), the source: section, and same(target, table, columns)."""

    def __init__(self, *arguments, **options):
        self.services = []
        super().__init__(*arguments, **options)

    def service(self, directory, target, name="test", **more):
        """A Service from this source into target; more are options of source:."""
        made = Service(directory, target, os.devnull, name)
        made.options["source"] = self.options(**more)
        self.services.append(made)
        return made

    def wait_same(self, target, table, columns="*", seconds=WAIT_SECONDS):
        """Until a running service has brought the target there."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.same(target, table, columns)
            except Exception:  # not yet, or one of the servers is away
                if time.monotonic() > deadline:
                    raise
            self._check_services()
            time.sleep(0.05)

    def _check_services(self):
        for service in self.services:
            if service.process is not None and service.process.poll() is not None:
                raise Failed(f"ended with {service.process.returncode}\n"
                             f"{service.output()[-6000:]}")

    def wait_for(self, condition, seconds=WAIT_SECONDS):
        """Until condition() is true. Fails as soon as a service has ended."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                said = "".join(service.output()[-3000:] for service in self.services
                               if hasattr(service, "output_path"))
                raise Failed(f"not within {seconds} s\n{said}")
            self._check_services()
            time.sleep(0.05)

    def end_services(self):
        """Kill them, and have the server there: a test is over."""
        for service in self.services:
            service.kill()
        if not self.server.is_running():
            self.server.start()
            self._connection = None
