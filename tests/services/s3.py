"""A real S3 server for tests and the demo, on loopback (`scripts/setup --servers`): versitygw over a folder, where objects are plain
files under FOLDER/objects, or moto, which keeps them in memory and runs where there is no Go compiler.

As a module: `with S3(folder) as s3: s3.endpoint, s3.access_key, s3.secret_key`. As a program: `s3.py start FOLDER BUCKET`, `s3.py stop FOLDER`,
or `s3.py serve KIND FOLDER`, which prints its address and serves until it is killed.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.request

from server_process import ServerProcess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVERS = {"versitygw": ROOT / ".deps/s3server/versitygw", "moto": ROOT / ".deps/moto/bin/moto_server"}


class S3(ServerProcess):
    name = "s3"
    ready_seconds = 20
    access_key = "millrace-test"
    secret_key = "millrace-test-secret"
    region = "us-east-1"

    def __init__(self, folder, port=None, kind=None):
        """versitygw knows more keys than its own: add_keys, drop_keys."""
        super().__init__(folder, port)
        self.kind = kind or next((k for k, server in SERVERS.items() if server.exists()), None)
        if self.kind is None:
            raise RuntimeError("no S3 server is here; run scripts/setup --servers")

    @property
    def endpoint(self):
        return self.address

    def start(self):
        for name in ("objects", "keys"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        return super().start()

    def command(self):
        server = SERVERS[self.kind]
        if self.kind == "moto":
            return [server, "-H", "127.0.0.1", "-p", self.port]
        keys = ["--access", self.access_key, "--secret", self.secret_key, "--region", self.region]
        keys += ["--iam-dir", self.folder / "keys"]
        return [server, "--port", f"127.0.0.1:{self.port}", *keys, "posix", self.folder / "objects"]

    def _admin(self, *arguments):
        keys = ["--access", self.access_key, "--secret", self.secret_key, "--endpoint-url", self.endpoint]
        subprocess.run([SERVERS["versitygw"], "admin", *keys, *arguments], check=True, capture_output=True)

    def add_keys(self, access_key, secret_key):
        self._admin("create-user", "--access", access_key, "--secret", secret_key, "--role", "admin")

    def drop_keys(self, access_key):
        self._admin("delete-user", "--access", access_key)

    def create_bucket(self, name):
        if self.kind == "moto":  # takes requests without a signature
            urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")).close()
        else:  # a bucket is a folder
            (self.folder / "objects" / name).mkdir(exist_ok=True)


def main():
    verb, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    state = folder / "s3.json"
    if verb == "start":
        server = S3(folder).start()
        server.create_bucket(sys.argv[3])
        state.write_text(json.dumps(server.process.pid))
        print(server.endpoint)
    elif verb == "serve":
        with S3(sys.argv[3], kind=folder.name) as server:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            print(server.endpoint, flush=True)
            server.process.wait()
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
