"""The prompt of `millrace query`, as a person at a terminal meets it: through a pty."""

import json
import os
import pty
import re
import select
import signal
import struct
import termios
import fcntl
import time

import pytest

from conftest import BINARY

CONFIG = """
name: typed
data_dir: data
sources: { events: { file: { path: "in.jsonl" }, topic: events } }
tables: { silver.events: { from: events, columns: { id: long, kind: string } } }
"""


class Terminal:
    """The program on a terminal of 24 lines."""

    def __init__(self, folder, *arguments, env=None):
        self.process, self.screen = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.environ.update({"TERM": "xterm", "XDG_STATE_HOME": str(folder / "state"), "PAGER": "cat > paged; exit 0", "LC_ALL": "C.UTF-8", **(env or {})})
            os.execv(BINARY, [BINARY, "query", *arguments])
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.text = ""

    def type(self, text):
        os.write(self.screen, text.encode())

    def until(self, wanted, seconds=30):
        """What is shown up to the pattern, terminal controls taken away."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(wanted, self.text)):
            if not select.select([self.screen], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise AssertionError(f"no {wanted!r} in {self.text!r}")
            try:
                more = os.read(self.screen, 65536).decode("utf-8", "replace")
            except OSError:
                raise AssertionError(f"it ended before {wanted!r}: {self.text!r}") from None
            self.text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", more)
        shown, self.text = self.text[: found.end()], self.text[found.end():]
        return shown

    def ask(self, text, wanted):
        self.type(text + "\n")
        shown = self.until(wanted)
        return shown + self.until("millrace> ")

    def end(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                os.close(self.screen)
                return os.waitstatus_to_exitcode(status)
            if select.select([self.screen], [], [], 0.05)[0]:
                try:
                    os.read(self.screen, 65536)
                except OSError:
                    pass
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        raise AssertionError("it does not end")


@pytest.fixture
def lake(millrace):
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("in.jsonl", "".join(json.dumps({"id": i, "kind": f"k{i % 3}"}) + "\n" for i in range(90)))
    millrace.run("run", "--until-idle")
    return millrace


def test_a_conversation(lake):
    terminal = Terminal(lake.folder)
    terminal.until("millrace> ")
    # A statement of several lines, with a ';' in it that ends nothing.
    terminal.type("SELECT count(*) AS n, ';' AS semicolon\n")
    terminal.until("-> ")
    shown = terminal.ask("FROM silver.events;", r"\(1 row\)")
    assert re.search(r"90 +│ ;", shown), shown
    assert "silver" in terminal.ask("\\d", r"\(1 row\)")
    assert "kind" in terminal.ask("\\d silver.events", r"rows\)")
    assert "did you mean 'silver.events'" in terminal.ask("FROM silver.event;", "mean")
    assert "timing is on" in terminal.ask("\\timing", "timing is on")
    terminal.ask("SELECT 1 AS a;", r"\d\.\d{3} s")
    assert "\\timing" in terminal.ask("\\?", "Ctrl-D")

    # Tab: a table, a column of it, a keyword; two that fit are listed.
    terminal.type("SELECT max(id) FROM sil\t")
    terminal.until(r"ver\.events $")  # the rest of the word
    terminal.type("WHERE ki\t")
    terminal.until("nd $")
    terminal.type("= 'k1' LIM\t")
    terminal.until("IT $")
    assert "88" in terminal.ask("1;", r"\(1 row\)")

    # What is longer than the screen goes through the pager, what fits does not.
    assert not (lake.folder / "paged").exists()
    terminal.ask("SELECT id FROM silver.events ORDER BY id;", r"\d s")
    paged = (lake.folder / "paged").read_text()
    assert "(90 rows)" in paged and len(paged.splitlines()) == 93

    # Ctrl-C gives up what is typed, and what runs; the prompt stays.
    terminal.type("SELECT broken '")
    terminal.type("\x03")
    terminal.until("millrace> ")
    terminal.type("SELECT sum(a.range * b.range) FROM range(3000000) a, range(3000000) b;\n")
    terminal.until(r"b;\r?\n")
    time.sleep(0.5)
    terminal.type("\x03")
    terminal.until("stopped")
    terminal.until("millrace> ")
    assert "43" in terminal.ask("SELECT 42 + 1 AS a;", r"\(1 row\)")
    terminal.type("\\q\n")
    assert terminal.end() == 0

    # The history outlives the program, for its user alone.
    history = lake.folder / "state/millrace/query_history"
    assert history.stat().st_mode & 0o077 == 0
    again = Terminal(lake.folder)
    again.until("millrace> ")
    again.type("\x1b[A\x1b[A")
    again.until(r"SELECT 42 \+ 1 AS a;")
    again.type("\n")
    again.until(r"\(1 row\)")
    again.until("millrace> ")
    again.type("\x04")
    assert again.end() == 0


def test_without_a_terminal_sql_is_asked_for(lake):
    assert "SQL is missing" in lake.run("query", stdin="SELECT 1", expect=64).stderr
    assert lake.run("query", "--format", "csv", "-", stdin="SELECT 1 AS a").stdout == "a\n1\n"
