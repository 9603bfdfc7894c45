"""The program is ended at every named fault point in turn, then run again: the tables are those of an undisturbed run."""

import json

import pyarrow.parquet as pq
import pytest

import oracle

EVENTS = 3000
CONFIG = """
name: crash
data_dir: data
memory: 128MiB
sources:
  events: { file: { path: "in/*.ndjson" }, topic: events }
topics:
  events: { partitions: 2 }
tables:
  bronze.events: { from: events, files: { compression: none } }
  bronze.columns: { from: events, files: { encoding: parquet } }
  silver.events: { from: events, key: [id], iceberg: { partition_by: ["bucket(3, id)"] } }
models: models
"""
MODEL = """-- ---
-- materialized: incremental
-- over: silver.events
-- ---
SELECT id, n * 2 AS double_n FROM silver.events
"""


def prepare(millrace):
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("models/gold/doubles.sql", MODEL)
    for part in range(3):
        lines = [json.dumps({"id": i, "n": i * 7, "late": None if part < 2 else "new column"}) for i in range(part, EVENTS, 3)]
        if part == 1:
            lines.insert(10, "poison")
        millrace.write(f"in/{part}.ndjson", "\n".join(lines) + "\n")


def check(millrace):
    lake = oracle.Lake(millrace.folder / "data")
    rows = lake.walk("silver.events")
    oracle.compare([(i, i * 7) for i in range(EVENTS)], [(r["id"], r["n"]) for r in rows], "silver")
    oracle.compare([(i, i * 14) for i in range(EVENTS)], [(r["id"], r["double_n"]) for r in lake.walk("gold.doubles")], "gold")
    (quarantine,) = [t for t in lake.tables() if t.startswith("quarantine.") and "silver" in t]
    assert [bytes(r["record"]) for r in lake.walk(quarantine)] == [b"poison"]
    lines = []
    for path in sorted((millrace.folder / "data/lake/bronze/events").rglob("*.jsonl")):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    oracle.compare(range(EVENTS), [line["id"] for line in lines if "id" in line], "bronze")
    files = [path for path in (millrace.folder / "data/lake/bronze/columns").rglob("*.parquet") if "_millrace" not in path.parts]
    rows = [row for path in files for row in pq.ParquetFile(path).read().to_pylist()]
    oracle.compare([(i, i * 7) for i in range(EVENTS)], [(row["id"], row["n"]) for row in rows], "bronze columns")
    lake.positions("silver.events")


def fault_points(folder):
    from conftest import Millrace

    folder.mkdir()
    program = Millrace(folder)
    prepare(program)
    program.run("run", "--until-idle", env={"MILLRACE_FAULT_LOG": str(folder / "points")})
    check(program)
    return (folder / "points").read_text().split()


def test_a_crash_at_every_fault_point_loses_and_duplicates_nothing(tmp_path):
    from conftest import Millrace

    points = fault_points(tmp_path / "undisturbed")
    for folder in ("io.", "stream.", "land.", "table.", "catalog."):
        assert any(p.startswith(folder) for p in points), f"no fault point of {folder} was passed: {points}"
    for number, point in enumerate(points):
        for nth in (1, 3):
            program = Millrace(tmp_path / f"{number}-{nth}")
            program.folder.mkdir()
            prepare(program)
            ended = program.run("run", "--until-idle", env={"MILLRACE_FAULT": f"{point}:{nth}"}, expect=None)
            assert ended.returncode in (0, 86), f"{point}:{nth}: {ended.stderr}"
            assert nth > 1 or ended.returncode == 86, f"{point} was not passed"
            # The second life dies too, in its recovery; the third ends.
            program.run("run", "--until-idle", env={"MILLRACE_FAULT": f"{point}:1"}, expect=None)
            program.run("run", "--until-idle")
            try:
                check(program)
                before = {t: oracle.Lake(program.folder / "data").metadata_location(t) for t in ("silver.events", "gold.doubles")}
                program.run("run", "--until-idle")
                after = {t: oracle.Lake(program.folder / "data").metadata_location(t) for t in ("silver.events", "gold.doubles")}
                assert before == after, "a further recovery changed the tables"
            except AssertionError as error:
                pytest.fail(f"after a crash at {point}:{nth}: {error}")


@pytest.mark.parametrize("moment", [0.05, 0.15, 0.3, 0.5, 0.8])
def test_kill_at_any_moment(millrace, moment):
    prepare(millrace)
    for _ in range(3):
        process = millrace.start("run", "--until-idle")
        try:
            process.wait(moment)
        except Exception:
            process.kill()
            process.wait()
    millrace.run("run", "--until-idle")
    check(millrace)


def test_an_interrupted_run_drains_and_says_what_it_did(millrace):
    import signal
    import time

    prepare(millrace)
    process = millrace.start("run")
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "silver.events" in said
    millrace.run("run", "--until-idle")
    check(millrace)
