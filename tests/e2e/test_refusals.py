"""What stops the program stops it with one sentence that names the cause and the mend, and loses nothing."""

import os
import pathlib
import subprocess
import time

import pytest

import conftest
import oracle

CONFIG = """
name: refusal
data_dir: {data}
sources:
  events: {{ generator: {{ kind: events, rows: {rows}, seed: 3 }} }}
tables:
  silver.events: {{ from: events }}
"""


def sentence(done):
    """The error is one line, and no stack of causes."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("millrace: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def unprivileged(command, folder):
    """Root may write anywhere; so that a read-only folder means something, run as nobody where we are root."""
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_a_second_process_on_the_same_data_directory(millrace):
    millrace.write("millrace.yaml", CONFIG.format(data="data", rows=10).replace("rows: 10", "rate: 50"))
    first = millrace.start("run")
    try:
        deadline = time.monotonic() + 30
        while not (millrace.folder / "data/catalog.db").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        said = sentence(millrace.run("run", "--until-idle", expect=69))
        assert str(first.pid) in said and "data" in said
        millrace.run("status")
    finally:
        first.terminate()
        first.wait()


def test_a_read_only_directory(millrace):
    millrace.write("millrace.yaml", CONFIG.format(data="locked/data", rows=10))
    (millrace.folder / "locked").mkdir(mode=0o555)
    for parent in [millrace.folder, *millrace.folder.parents]:
        if str(parent).startswith("/tmp/"):
            parent.chmod(0o755)
    done = unprivileged([conftest.BINARY, "run", "--until-idle"], millrace.folder)
    if done.returncode == 126 or "Permission denied" in done.stderr and "millrace:" not in done.stderr:
        pytest.fail(f"the binary cannot be run by another user from here: {done.stderr}")
    assert done.returncode not in (0, 86)
    assert "locked" in sentence(done)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_then_room_again(millrace):
    mount = millrace.folder / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mount], check=True)
    try:
        millrace.write("millrace.yaml", CONFIG.format(data="small/data", rows=400_000))
        said = sentence(millrace.run("run", "--until-idle", expect=1))
        assert "full" in said and "small" in said
        subprocess.run(["mount", "-o", "remount,size=1g", mount], check=True)
        millrace.run("run", "--until-idle")
        assert len(oracle.Lake(mount / "data").walk("silver.events")) == 400_000
    finally:
        subprocess.run(["umount", mount], check=True)


def test_a_data_directory_of_another_version(millrace):
    millrace.write("millrace.yaml", CONFIG.format(data="data", rows=10))
    millrace.run("run", "--until-idle")
    import sqlite3

    for name in ("stream.db", "state.db"):
        path = millrace.folder / "data" / name
        if path.exists():
            with sqlite3.connect(path) as db:
                db.execute("pragma user_version = 999")
    marker = [p for p in (millrace.folder / "data").iterdir() if "version" in p.name.lower() or p.name.endswith(".json")]
    for path in marker:
        path.write_text(path.read_text().replace("1", "999"))
    done = millrace.run("run", "--until-idle", expect=1)
    assert "version" in sentence(done)


def test_a_catalogue_file_that_is_something_else(millrace):
    millrace.write("millrace.yaml", CONFIG.format(data="data", rows=10))
    (millrace.folder / "data").mkdir()
    (millrace.folder / "data/catalog.db").write_text("not a database, and long enough to look like a page " * 100)
    done = millrace.run("run", "--until-idle", expect=None)
    assert done.returncode == 1 and "catalog.db" in sentence(done)
