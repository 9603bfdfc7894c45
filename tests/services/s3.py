"""A real S3 server for tests and the demo: versitygw (`scripts/setup --servers`) over a folder, on loopback. Objects are plain files under FOLDER/objects.

As a module: `with S3(folder) as s3: s3.endpoint, s3.access_key, s3.secret_key`. As a program: `s3.py start FOLDER BUCKET`, `s3.py stop FOLDER`.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = ROOT / ".deps/s3server/versitygw"


class S3:
    access_key = "millrace-test"
    secret_key = "millrace-test-secret"
    region = "us-east-1"

    def __init__(self, folder, port=None):
        self.folder = pathlib.Path(folder)
        self.port = port
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        (self.folder / "objects").mkdir(parents=True, exist_ok=True)
        if self.port is None:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                self.port = s.getsockname()[1]
        log = open(self.folder / "s3.log", "ab")
        command = [SERVER, "--port", f"127.0.0.1:{self.port}", "--access", self.access_key, "--secret", self.secret_key]
        self.process = subprocess.Popen(
            [*command, "--region", self.region, "posix", self.folder / "objects"],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the S3 server did not start; see {self.folder}/s3.log")

    def create_bucket(self, name):
        """A bucket is a folder."""
        (self.folder / "objects" / name).mkdir(exist_ok=True)

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
    state = folder / "s3.json"
    if verb == "start":
        server = S3(folder).start()
        server.create_bucket(sys.argv[3])
        state.write_text(json.dumps(server.process.pid))
        print(server.endpoint)
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
