"""A proxy between the program and a database server, which cuts the connection on purpose.

It watches what the client sends for a word (COMMIT) and, the nth time, closes both sides either
before the server has seen it ("unsent"), or after the server has answered ("unanswered").
"""
import os
import socket
import threading


class Proxy:
    def __init__(self, listen_path, server_path, word, nth=1, answered=True):
        self.word = word
        self.nth = nth
        self.answered = answered
        self.seen = 0
        self.cuts = 0
        self.server_path = server_path
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(listen_path)
        os.chmod(listen_path, 0o777)
        self._listener.listen(20)
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.server_path)
            except OSError:
                client.close()
                server.close()
                continue
            state = {"cut": False}
            self._open += [client, server]
            for source, sink, from_client in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, sink, from_client, state),
                                 daemon=True).start()

    def _is_the_one(self, data):
        if self.word not in data:
            return False
        with self._lock:
            self.seen += 1
            if self.seen != self.nth:
                return False
            self.cuts += 1
            return True

    def _pump(self, source, sink, from_client, state):
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            if data and from_client and self._is_the_one(data):
                if not self.answered:
                    data = b""
                state["cut"] = True
            elif data and not from_client and state["cut"]:
                # the server has done it; the client is never told
                data = b""
            if not data:
                break
            try:
                sink.sendall(data)
            except OSError:
                break
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def close(self):
        self._listener.close()
        for one in self._open:
            one.close()


class CuttingProxy(Proxy):
    """Cuts the connection after so many bytes from the server, a few times."""

    def __init__(self, listen_path, server_path, after, times):
        self.after = after
        self.times = times
        super().__init__(listen_path, server_path, b"\x00 no such word")

    def _pump(self, source, sink, from_client, state):
        if from_client:
            super()._pump(source, sink, from_client, state)
            return
        left = self.after
        while True:
            try:
                data = source.recv(65536)
                left -= len(data)
                if self.cuts < self.times and left <= 0:
                    self.cuts += 1
                    data = b""
                if not data:
                    break
                sink.sendall(data)
            except OSError:
                break
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
