"""What the servers of this folder have in common: one process on loopback, its log in a folder, ready when it answers.

Subclasses give `command()`, `is_ready()` and `address`. As programs they take three verbs: `start FOLDER ...` leaves the server
running and prints its address, `stop FOLDER` ends it, `serve FOLDER ...` runs it until SIGTERM.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class ServerProcess:
    name = "server"
    ready_seconds = 60

    def __init__(self, folder, port=None, environment=None):
        self.folder = pathlib.Path(folder)
        self.port = port or free_port()
        self.environment = environment or {}
        self.process = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self):
        return accepts(self.port)

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in self.command()],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **self.environment},
            )
        deadline = time.monotonic() + self.ready_seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.is_ready():
                return self
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"the {self.name} server did not start; see {self.folder}/{self.name}.log")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def run_verb(make):
    """`make(folder, arguments)` gives the server; the verbs are in the module's own words."""
    verb, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    state = folder / "server.pid"
    if verb == "stop":
        try:
            os.kill(int(state.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            pass
        state.unlink()
        return
    if verb == "serve":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = make(folder, sys.argv[3:])
    try:
        server.start()
        print(server.address, flush=True)
        if verb == "serve":
            server.process.wait()
    finally:
        if verb == "serve":
            server.stop()
    state.write_text(str(server.process.pid))
