"""The workload of a PgQ source: that of PostgreSQL's, logged by triggers into one queue.

The real pgqd makes the ticks. Each service is a consumer of its own; the first one's install makes
the triggers, which the others find. PgQ's triggers refuse an update of a key, so that some
transactions end in an error.
"""
import os
import signal
import subprocess

import postgres_shop

QUEUE = "shop"


class PgqSource(postgres_shop.PostgresSource):
    kind = "pgq"
    installs = True

    def __init__(self, seed):
        super().__init__(seed)
        self.ticker = None

    def make(self):
        super().make()
        cursor = self.server.connect("shop").cursor()
        cursor.execute("create extension pgq")
        cursor.execute("select pgq.create_queue(%s)", (QUEUE,))
        for name, value in (("ticker_max_lag", "200 milliseconds"), ("ticker_max_count", "500"),
                            ("ticker_idle_period", "500 milliseconds"),
                            ("rotation_period", "5 seconds")):
            cursor.execute("select pgq.set_queue_config(%s, %s, %s)", (QUEUE, name, value))
        cursor.execute("select pgq.ticker(%s)", (QUEUE,))
        cursor.connection.close()
        path = os.path.join(self.server.directory, "pgqd.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[pgqd]\nlogfile = {path}.log\npidfile = {path}.pid\nsyslog = 0\n"
                       f"base_connstr = host={self.server.directory} user=postgres\n"
                       "database_list = shop\ninitial_database = shop\ncheck_period = 1\n"
                       "ticker_period = 0.1\nretry_period = 1\nmaint_period = 1\n")
        self.ticker_file = path
        self.start_ticker()

    def start_ticker(self):
        self.ticker = subprocess.Popen(["pgqd", self.ticker_file], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def settle(self):
        """One that lost its connection waits for most of a minute before it looks again."""
        self.close()
        self.start_ticker()

    def options(self):
        return {"type": "pgq", "connection": self.server.conninfo("shop"), "queue": QUEUE,
                "poll_interval": "50ms", "tables": ["public.*"]}

    def cut(self):
        # the services' connections, not the workers'
        postgres_shop.end_backends(self.server, "application_name like 'dray%'", "shop")

    def close(self):
        if self.ticker is not None:
            self.ticker.send_signal(signal.SIGINT)
            try:
                self.ticker.wait(10)
            except subprocess.TimeoutExpired:
                self.ticker.kill()
                self.ticker.wait()
