"""The program itself, whole: start-up, the way through every layer under a small budget, and cost in proportion."""

import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import time

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/millrace"
GIB = 1 << 30

MODEL = """-- ---
-- materialized: incremental
-- over: silver.events
-- partition_by: [type]
-- ---
SELECT event_id, type, user_id, ts, price * qty AS amount FROM silver.events
"""


def config(folder, *, events, tables, memory="256MiB", models=None, topic=None, **more):
    source = {"file": {"path": str(events)}} if isinstance(events, pathlib.Path) else {"generator": events}
    if topic:
        source["topic"] = topic
    text = {"name": "bench", "data_dir": str(folder / "data"), "memory": memory, "sources": {"events": source}, "tables": tables, **more}
    if topic:
        text["topics"] = {topic: {"partitions": 4}}
    if models:
        text["models"] = str(models)
    path = folder / "millrace.yaml"
    path.write_text(json.dumps(text))  # JSON is YAML
    return path


def generated(folder, rows):
    """A file of `rows` events of the 13-field, 359-byte kind; kept for the next run."""
    path = folder / f"events-{rows}.ndjson"
    if not path.exists():
        measure.run([BINARY, "generate", "events", "--rows", rows, "--seed", 42, "-o", path])
    return path


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def rows_of(folder, table):
    space, name = table.split(".")
    with sqlite3.connect(folder / "data/catalog.db") as db:
        (location,) = db.execute(
            "select metadata_location from iceberg_tables where table_namespace = ? and table_name = ?", (space, name)
        ).fetchone()
    metadata = json.loads(pathlib.Path(location.removeprefix("file://")).read_text())
    current = next(s for s in metadata["snapshots"] if s["snapshot-id"] == metadata["current-snapshot-id"])
    return int(current["summary"]["total-records"])


def start(scratch, runs):
    """Start of the binary alone, and from nothing to the first row that a reader can see."""
    alone = [measure.run([BINARY, "version"]) for _ in range(4 * runs)]
    print(f"start, binary alone: {measure.median(alone).wall * 1e3:.0f} ms")
    walls = []
    for _ in range(runs):
        folder = fresh(scratch / "first-row")
        path = config(folder, events={"kind": "events", "rows": 1}, tables={"silver.events": {"from": "events", "freshness": "100ms"}})
        began = time.monotonic()
        process = subprocess.Popen([BINARY, "run", "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not seen(folder):
            time.sleep(0.002)
        walls.append(time.monotonic() - began)
        process.terminate()
        process.wait()
    print(f"start, to the first landed row: {sorted(walls)[len(walls) // 2] * 1e3:.0f} ms (freshness 100 ms)")


def seen(folder):
    try:
        return rows_of(folder, "silver.events") > 0
    except (OSError, TypeError, KeyError, StopIteration, sqlite3.Error, ValueError):
        return False


def whole(scratch, runs):
    """1 GiB of JSON: file -> stream -> bronze -> silver -> gold under a budget of 256 MiB."""
    rows = 3_000_000
    events = generated(scratch, rows)
    while events.stat().st_size < GIB:
        rows += 100_000
        events = generated(scratch, rows)
    costs = []
    for _ in range(runs):
        folder = fresh(scratch / "whole")
        models = folder / "models/gold"
        models.mkdir(parents=True)
        (models / "sales.sql").write_text(MODEL)
        path = config(
            folder,
            events=events,
            topic="events",
            models=folder / "models",
            tables={
                "bronze.events": {"from": "events", "files": {"compression": "gzip"}},
                "silver.events": {"from": "events", "iceberg": {"partition_by": ["day(ts)"]}, "key": ["event_id"]},
            },
        )
        costs.append(measure.run([BINARY, "run", "--until-idle", "-c", path]))
        for table in ("silver.events", "gold.sales"):
            assert rows_of(folder, table) == rows, f"{table}: {rows_of(folder, table)} of {rows}"
    cost = measure.median(costs)
    print(f"whole way, {events.stat().st_size / GIB:.2f} GiB, memory: 256MiB: {cost.line(rows)}")


def proportion(scratch, runs):
    """File -> silver for 1, 10 and 100 times the events: CPU per event should stay."""
    for rows in (50_000, 500_000, 5_000_000):
        costs = [landed(scratch, generated(scratch, rows), rows, {}) for _ in range(runs)]
        cost = measure.median(costs)
        print(f"proportion, {rows:>9,} events: {cost.line(rows)}")


def partitions(scratch, runs):
    """1 and 1,000 open partitions under one budget: peak memory should stay."""
    rows = 2_000_000
    peaks = {}
    for count in (1, 1000):
        iceberg = {"partition_by": [f"bucket({count}, event_id)"]}
        costs = [landed(scratch, generated(scratch, rows), rows, {"iceberg": iceberg}) for _ in range(runs)]
        cost = measure.median(costs)
        peaks[count] = cost.peak_bytes
        print(f"partitions, {count:>5} open: {cost.line(rows)}")
    print(f"partitions, peak memory 1,000 to 1: {peaks[1000] / peaks[1]:.2f}")


def compaction(scratch, runs):
    """Many small files of one partition into few: megabytes of Parquet that go in, by the second and by the CPU second."""
    parts, rows = 24, 250_000
    pieces = [generated_piece(scratch, number, rows) for number in range(parts)]
    costs, sizes = [], []
    for _ in range(runs):
        folder = fresh(scratch / "compaction")
        (folder / "in").mkdir()
        table = {"silver.events": {"from": "events", "columns": {"ts": "timestamptz"}}}
        path = config(folder, events=folder / "in/*.ndjson", tables=table, maintenance={"compact": False})
        for piece in pieces:
            os.link(piece, folder / "in" / piece.name)
            measure.run([BINARY, "run", "--until-idle", "-c", path])
        before = list((folder / "data/lake").rglob("*.parquet"))
        sizes.append(sum(file.stat().st_size for file in before))
        config(folder, events=folder / "in/*.ndjson", tables=table)
        costs.append(measure.run([BINARY, "maintain", "-c", path]))
        assert rows_of(folder, "silver.events") == parts * rows
        assert len(files_of(folder, path)) < len(before), "nothing was merged"
    cost = measure.median(costs)
    megabytes = statistics.median(sizes) / 1e6
    print(f"compaction, {len(before)} files of {megabytes:.0f} MB: {cost.line(parts * rows)}, {megabytes / cost.wall:.0f} MB/s, {megabytes / cost.cpu:.0f} MB/CPU-s")


def generated_piece(folder, number, rows):
    path = folder / f"piece-{number}-{rows}.ndjson"
    if not path.exists():
        measure.run([BINARY, "generate", "events", "--rows", rows, "--seed", number, "-o", path])
    return path


def files_of(folder, path):
    listed = measure.run([BINARY, "tables", "files", "silver.events", "--json", "-c", path])
    return json.loads(listed.stdout)


def landed(scratch, events, rows, table):
    folder = fresh(scratch / "landed")
    path = config(folder, events=events, tables={"silver.events": {"from": "events", "columns": {"ts": "timestamptz"}, **table}})
    cost = measure.run([BINARY, "run", "--until-idle", "-c", path])
    assert rows_of(folder, "silver.events") == rows
    return cost
