"""What stops the program stops it with one sentence that names the cause and the mend, and loses nothing."""

import contextlib
import pathlib
import sqlite3
import subprocess
import sys
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


def on_a_small_disk(millrace, how):
    script = pathlib.Path(__file__).with_name("small_disk.py")
    command = ["unshare", "--map-root-user", "--mount", sys.executable, script, conftest.BINARY, millrace.folder, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("how, word", [("full", "full"), ("readonly", "read-only")])
def test_a_disk_that_cannot_be_written_then_can(millrace, how, word):
    said = on_a_small_disk(millrace, how)
    first, _, rest = said.partition("exit 0")
    assert first.startswith("exit 1") and word in first and "disk" in first, said
    assert len([line for line in first.splitlines() if line.startswith("millrace: ")]) == 1, said
    assert rest.rstrip().endswith("rows 300000"), said


def test_what_a_newer_version_wrote_is_left_alone(millrace):
    """Each file of the data directory and the warehouse that has a format of its own; with the older one back, it goes on."""
    millrace.write("millrace.yaml", CONFIG.format(data="data", rows=10) + "models: models\nserver: { listen: '127.0.0.1:0' }\n")
    millrace.write("models/gold/n.sql", "SELECT count(*) AS n FROM silver.events\n")
    millrace.run("run", "--until-idle")
    data = millrace.folder / "data"
    for name in ("stream.db", "state.db", "schemas.db"):
        with contextlib.closing(sqlite3.connect(data / name)) as db:
            (known,) = db.execute("PRAGMA user_version").fetchone()
            assert known >= 1
            db.execute("PRAGMA user_version = 999")
            said = sentence(millrace.run("run", "--until-idle", expect=1))
            assert name in said and "999" in said and "version" in said
            assert db.execute("PRAGMA user_version").fetchone() == (999,)
            db.execute(f"PRAGMA user_version = {known}")
    for path in (data / "format", data / "lake/.millrace-format"):
        known = path.read_text()
        path.write_text(known.replace(" 1", " 999"))
        assert "has format 999" in sentence(millrace.run("run", "--until-idle", expect=1))
        path.write_text(known)
    millrace.run("run", "--until-idle")


def test_a_catalogue_file_that_is_something_else(millrace):
    millrace.write("millrace.yaml", CONFIG.format(data="data", rows=10))
    (millrace.folder / "data").mkdir()
    (millrace.folder / "data/catalog.db").write_text("not a database, and long enough to look like a page " * 100)
    done = millrace.run("run", "--until-idle", expect=None)
    assert done.returncode == 1 and "catalog.db" in sentence(done)


def test_a_table_that_was_rolled_back_waits_for_a_person(millrace):
    """The pipeline stops, names the verb that mends it, and goes on exactly where it is told to."""
    import readers

    millrace.write(
        "millrace.yaml",
        "name: rolled\ndata_dir: data\nsources: { in: { file: { path: 'in/*.jsonl' }, topic: t } }\ntables: { silver.t: { from: t } }\n",
    )
    for part, ids in enumerate((range(0, 10), range(10, 20))):
        millrace.write(f"in/{part}.jsonl", "".join('{"id":%d}\n' % i for i in ids))
        millrace.run("run", "--until-idle")
    table = readers.pyiceberg_catalog(millrace.folder / "data").load_table("silver.t")
    with table.manage_snapshots() as change:
        change.rollback_to_snapshot(table.metadata.snapshots[0].snapshot_id)
    said = sentence(millrace.run("run", "--until-idle", expect=1))
    assert "rolled back" in said and "millrace offsets set" in said
    assert "PARTITION=OFFSET" in sentence(millrace.run("offsets", "set", "silver.t", "nonsense", expect=64))
    millrace.run("offsets", "set", "silver.t", "0=10")
    millrace.run("run", "--until-idle")
    rows = oracle.Lake(millrace.folder / "data").walk("silver.t")
    oracle.compare(range(20), [r["id"] for r in rows])
