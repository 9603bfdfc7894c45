"""`millrace top` as a person at a terminal meets it: through a pty, drawn by another terminal emulator (pyte)."""

import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from conftest import BINARY
from test_observe import CONFIG, running, wait_until, write_events

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / ".deps/observers"))
pyte = pytest.importorskip("pyte", reason="scripts/setup --servers fetches it")

MODELS = CONFIG + "models: models/\n"


class Screen:
    """The program on a terminal of pyte's."""

    def __init__(self, folder, *arguments, width=160, height=40, env=None):
        self.shown = pyte.Screen(width, height)
        self.stream = pyte.ByteStream(self.shown)
        self.raw = b""
        self.master, slave = pty.openpty()
        self.resize(width, height)
        self.before = termios.tcgetattr(self.master)
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(
            [BINARY, "top", *arguments], cwd=folder, stdin=slave, stdout=slave, stderr=slave, env={**environment, "TERM": "xterm-256color", **(env or {})}
        )
        os.close(slave)

    def resize(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.shown.resize(height, width)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def read(self):
        while select.select([self.master], [], [], 0.05)[0]:
            try:
                more = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += more
            self.stream.feed(more)

    @property
    def lines(self):
        return [line.rstrip() for line in self.shown.display]

    def until(self, *wanted):
        """The lines, once each text stands among them."""

        def there():
            self.read()
            return all(any(text in line for line in self.lines) for text in wanted) and self.lines

        there.__doc__ = f"{wanted} on the screen"
        try:
            return wait_until(there)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *self.lines])) from None

    def colour(self, text):
        """Of the first letter of the text, where it is first shown."""
        row = next(i for i, line in enumerate(self.shown.display) if text in line)
        return self.shown.buffer[row][self.shown.display[row].index(text)].fg

    def end(self):
        self.read()
        status = self.process.wait(timeout=30)
        self.read()
        after = termios.tcgetattr(self.master)
        assert after[:4] == self.before[:4] and b"\x1b[?1049l" in self.raw and b"\x1b[?25h" in self.raw
        os.close(self.master)
        return status


@pytest.fixture
def pipeline(millrace):
    millrace.write("models/gold/count.sql", "SELECT count(*) AS n FROM silver.events\n")
    millrace.write("models/gold/broken.sql", "SELECT nothing_there FROM silver.events\n")
    write_events(millrace)
    with running(millrace, config=MODELS) as started:
        yield started


def cells(lines, first):
    """The words of the line that begins so."""
    return next(line.split() for line in lines if line.split()[:1] == [first])


def test_live(millrace, pipeline):
    config = {"connector.class": "FileStreamSource", "topic": "lines", "file": str(millrace.write("lines.txt", "a\nb\n"))}
    millrace.write("source.json", json.dumps({"name": "lines", "config": config}))
    millrace.run("connectors", "create", "source.json")
    top = Screen(millrace.folder, "--every", "200ms")
    lines = top.until("observed", "gold.broken", "silver.events  up_to_date", "507", "failed", "RUNNING")
    assert lines[0].startswith("observed  process ") and pipeline.url in lines[0] and "memory" in lines[1] and "open files" in lines[1]
    headings = cells(lines, "TABLE")
    assert headings[:6] == ["TABLE", "STATE", "IN/S", "OUT/S", "LAG", "AGE"]
    assert cells(lines, "events")[1] == "running" and cells(lines, "lines")[1] == "RUNNING"
    row = dict(zip(headings, cells(lines, "silver.events"), strict=False))
    assert row["LAG"] == "0" and "16" in cells(lines, "silver.events")
    assert top.colour("failed") == "red" and top.colour("RUNNING") == "green" and lines[-1].startswith("q quit  s sort: name")

    # In place, with rates.
    with open(millrace.folder / "in/more.jsonl", "w") as more:
        more.writelines(json.dumps({"id": 5000 + i, "n": i}) + "\n" for i in range(3000))

    def rates():
        """both what comes and what lands"""
        top.read()
        return all(cell not in ("-", "0") for cell in cells(top.lines, "silver.events")[2:4])

    wait_until(rates)
    lines = top.until("3507")
    assert sum(line.startswith("silver.events") for line in lines) == 1

    # Keys.
    top.type("s")
    top.until("s sort: lag")
    assert next(i for i, line in enumerate(top.lines) if line.startswith("TABLE")) < len(top.lines)
    top.type("sssssr")
    lines = top.until("s sort: name (reversed)")
    assert [line.split()[0] for line in lines if line.startswith(("silver.", "bronze."))] == ["silver.events", "bronze.events"]
    top.type(" ")
    top.until("paused")
    millrace.write("in/while-paused.jsonl", json.dumps({"id": 9000, "n": 1}) + "\n")
    wait_until(lambda: pipeline.status()["tables"]["silver.events"]["rows"] == 3508)
    looked_at = time.monotonic()
    wait_until(lambda: time.monotonic() - looked_at > 1)
    top.read()
    assert not any("3508" in line for line in top.lines)
    top.type("p")
    top.until("3508")

    # A small terminal: nothing wraps, the rest can be scrolled to.
    top.resize(60, 10)
    lines = top.until("more lines")
    assert lines[0].startswith("observed") and len(lines) == 10 and "FILES" not in cells(lines, "TABLE")
    assert not any(line.startswith("lines") for line in lines)
    top.type("\x1b[6~" * 8)
    top.until("CONNECTOR")
    top.resize(160, 40)
    top.until("TABLE", "CONNECTOR")

    # The process goes.
    pipeline.stop()
    lines = top.until("no newer answer", "silver.events")
    top.type("q")
    assert top.end() == 0


def test_ends_by_signals_and_without_colours(millrace, pipeline):
    for leave in (lambda top: top.type("\x03"), lambda top: top.process.send_signal(signal.SIGTERM)):
        top = Screen(millrace.folder, env={"NO_COLOR": "1"})
        top.until("failed")
        assert top.colour("failed") == "default"
        pipeline.process.send_signal(signal.SIGSTOP)  # an answer that does not come keeps nobody
        leave(top)
        assert top.end() == 0
        pipeline.process.send_signal(signal.SIGCONT)


def test_once(millrace, pipeline):

    def settled():
        """all has landed and both models have run"""
        told = json.loads(millrace.run("top", "--json", "--every", "100ms").stdout)
        rates = [row[rate] for row in told["tables"] for rate in ("in_per_second", "out_per_second")]
        ran = [row["model"] for row in told["models"] if row["outcome"]]
        # Up to date is also what nothing has come to yet.
        rows = {row["table"]: row["rows"] for row in told["tables"]}["silver.events"]
        return rows >= 507 and all(row["state"] == "up_to_date" for row in told["tables"]) and rates == [0, 0, 0, 0] and len(ran) == 2 and told

    told = wait_until(settled)
    status = pipeline.status()
    assert told["pid"] == pipeline.process.pid and told["server"] == pipeline.url and told["memory"]["limit_bytes"] == status["memory"]["limit_bytes"]
    table = {row["table"]: row for row in told["tables"]}["silver.events"]
    assert (table["rows"], table["rejected"], table["rescued_values"], table["lag_records"]) == (507, 16, 7, 0)
    assert table["in_per_second"] == 0 and table["freshness_seconds"] == 0.2
    models = {row["model"]: row["outcome"] for row in told["models"]}
    assert models["gold.broken"] == "failed" and models["gold.count"] in ("built", "nothing")
    assert [(row["source"], row["state"], row["topics"]) for row in told["sources"]] == [("events", "running", ["events"])]
    plain = millrace.run("top", "--once", "--every", "100ms", "--sort", "rejects").stdout
    assert "\x1b" not in plain and [line.split()[0] for line in plain.splitlines() if " up_to_date " in line] == ["silver.events", "bronze.events"]
    assert "silver.events" in millrace.run("top", "--url", pipeline.url, "--every", "100ms").stdout  # no terminal: once
    assert "--sort takes" in millrace.run("top", "--sort", "weight", expect=64).stderr
    pipeline.stop()
    assert "no process with a `server:` runs" in millrace.run("top", expect=69).stderr


def test_through_the_door(millrace, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    token = "a-token-of-more-than-sixteen"
    write_events(millrace)
    server = f'{{ listen: "127.0.0.1:0", tls: {{ certificate: {certificate}, key: {key} }}, tokens: {{ eyes: {{ token: {{ secret: "env:EYES" }} }} }} }}'
    with running(millrace, server=server, env={"EYES": token}) as pipeline:
        verb = ("top", "--once", "--every", "100ms", "--url", pipeline.url)
        assert "silver.events" in millrace.run(*verb, "--cacert", certificate, env={"MILLRACE_TOKEN": token}).stdout
        assert "answers 401" in millrace.run(*verb, "--cacert", certificate, expect=64).stderr
        assert millrace.run(*verb, expect=69, env={"MILLRACE_TOKEN": token}).stdout == ""
