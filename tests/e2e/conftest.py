"""What the end-to-end tests share: the release binary, and a folder of its own for each test."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MILLRACE_BINARY", str(ROOT / "build/release/millrace"))


class Millrace:
    """Runs the program in a folder; keeps what it said for the failure message."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, *arguments, env=None):
        return subprocess.Popen(
            [BINARY, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, env=None, expect=0, timeout=300, stdin=None):
        done = subprocess.run(
            [BINARY, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            input=stdin,
        )
        if expect is not None:
            assert done.returncode == expect, f"millrace {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture
def millrace(tmp_path):
    return Millrace(tmp_path)


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def grid(tmp_path_factory):
    """A broker, a bucket and a catalogue for all tests that want them."""
    import grid

    if not grid.ARE_HERE:
        pytest.skip("scripts/setup --servers fetches Kafka, the catalogue and the S3 server")
    pytest.importorskip("confluent_kafka.admin")
    with grid.Grid(tmp_path_factory.mktemp("grid")) as started:
        yield started


@pytest.fixture
def field(grid, millrace, request):
    import grid as grid_module

    own = grid_module.Field(grid, millrace, "f" + str(abs(hash(request.node.nodeid)) % 10**9))
    yield own
    own.close()
