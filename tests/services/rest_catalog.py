"""Apache Iceberg's own REST catalogue for tests and the demo, on loopback, from the jars of `scripts/setup --servers`.

As a module: `with RestCatalog(folder, warehouse="file:///...", properties={}) as rest: rest.uri`.
As a program: `rest_catalog.py start FOLDER WAREHOUSE [KEY=VALUE...]`, `rest_catalog.py stop FOLDER`.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
READY_SECONDS = 60


class RestCatalog:
    def __init__(self, folder, warehouse, properties=None, environment=None):
        self.folder = pathlib.Path(folder)
        self.warehouse = warehouse
        self.properties = properties or {}
        self.environment = environment or {}
        self.process = None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = {"uri": f"jdbc:sqlite:{self.folder}/rest.db", "warehouse": self.warehouse, **self.properties}
        log = open(self.folder / "rest.log", "ab")
        self.process = subprocess.Popen(
            ["java", "-Xmx512m", "-cp", f"{ROOT}/.deps/rest/*", HERE / "RestCatalog.java", str(self.port)]
            + [f"{k}={v}" for k, v in properties.items()],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **self.environment},
        )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.uri + "/v1/config", timeout=2).read()
                return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the REST catalogue did not start; see {self.folder}/rest.log")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def main():
    verb, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    state = folder / "rest.json"
    if verb == "start":
        properties = dict(pair.split("=", 1) for pair in sys.argv[4:])
        server = RestCatalog(folder, sys.argv[3], properties).start()
        state.write_text(json.dumps(server.process.pid))
        print(server.uri)
    elif verb == "stop":
        try:
            os.kill(json.loads(state.read_text()), signal.SIGKILL)
        except ProcessLookupError:
            pass
        state.unlink()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
