"""Maintenance changes how a table is stored and never what it holds: judged by pyiceberg, DuckDB and our own walk, also when it is killed at
every step, and beside a pipeline that goes on landing."""

import json
import os
import pathlib
import shutil
import time

import oracle
import pyarrow.parquet as pq
import readers

TABLE = "silver.events"
CRASHED = 86


def pipeline(rows, rate=4000, table="", maintenance="interval: 0s"):
    return f"""
name: m
data_dir: data
sources: {{ e: {{ generator: {{ kind: events, rows: {rows}, rate: {rate} }}, topic: ev }} }}
tables:
  {TABLE}: {{ from: ev, iceberg: {{ partition_by: [type], sort_by: [ts] }}, freshness: 100ms{table} }}
maintenance: {{ {maintenance} }}
"""


def land(millrace, **options):
    """Many small files."""
    millrace.write("millrace.yaml", pipeline(**options))
    millrace.run("run", "--until-idle")
    return millrace.folder / "data"


def canonical(rows):
    return sorted(repr(sorted((k, str(v)) for k, v in row.items() if v is not None)) for row in rows)


def held(data):
    """The rows, as pyiceberg and the walk by hand agree on them."""
    by_hand = canonical(oracle.Lake(data).walk(TABLE))
    assert by_hand == canonical(readers.pyiceberg_rows(data, TABLE))
    return by_hand


def files(data):
    return [oracle.path_of(entry["file_path"]) for entry in oracle.Lake(data).entries(TABLE)]


def stored(data):
    """Data files and manifests below the table's folder."""
    return {str(path) for path in (data / "lake").rglob("*") if path.suffix in (".parquet", ".avro")}


def report(done):
    return {one["table"]: one for one in json.loads(done.stdout)}[TABLE]


def test_rows_stay_and_files_become_few_and_sorted(millrace):
    data = land(millrace, rows=4000)
    before, many, positions = held(data), files(data), oracle.Lake(data).positions(TABLE)
    planned = report(millrace.run("maintain", "--dry-run", "--json"))
    assert files(data) == many, "a dry run changes nothing"
    done = report(millrace.run("maintain", TABLE, "--json"))
    assert done["files_merged"] == planned["files_merged"] == len(many)
    assert len(files(data)) == done["into"] < len(many) / 4
    assert held(data) == before
    assert oracle.Lake(data).positions(TABLE) == positions
    for entry in oracle.Lake(data).entries(TABLE):
        times = pq.read_table(oracle.path_of(entry["file_path"]))["ts"].to_pylist()
        assert times == sorted(times)
        assert entry["sort_order_id"] == 1
    assert len(readers.duckdb_rows(oracle.Lake(data).metadata_location(TABLE), "event_id")) == len(before)
    assert report(millrace.run("maintain", "--json"))["files_merged"] == 0
    millrace.write("millrace.yaml", pipeline(rows=4100))
    millrace.run("run", "--until-idle")
    assert len(held(data)) > len(before), "landing goes on from the same position"


def test_killed_at_every_step(millrace):
    data = land(millrace, rows=1200, rate=3000)
    before = held(data)
    millrace.write("millrace.yaml", pipeline(rows=1200, maintenance="interval: 0s, snapshots_keep: 2, manifests: 1"))
    backup = millrace.folder / "backup"
    shutil.copytree(data, backup)
    log = millrace.folder / "points"
    millrace.run("maintain", "--orphans", "--older-than", "0s", env={"MILLRACE_FAULT_LOG": str(log)})
    points = [point for point in log.read_text().split() if point.startswith(("maintain.", "table.", "land.", "catalog."))]
    assert {"maintain.before_commit", "maintain.after_journal", "maintain.before_delete", "maintain.after_expiry"} <= set(points)
    for point in points:
        for nth in (1, 3):
            shutil.rmtree(data)
            shutil.copytree(backup, data)
            ended = millrace.run("maintain", env={"MILLRACE_FAULT": f"{point}:{nth}"}, expect=None)
            assert ended.returncode in (0, CRASHED), ended.stderr
            assert held(data) == before, f"after {point}:{nth}"
            millrace.run("maintain")
            assert held(data) == before, f"after {point}:{nth} and a run"
            at = oracle.Lake(data).metadata_location(TABLE)
            millrace.run("maintain")
            assert oracle.Lake(data).metadata_location(TABLE) == at, "a second recovery does nothing"
            assert not list((data / "maintenance").glob("*.deleting"))


def test_expired_files_go_and_orphans_after_them(millrace):
    data = land(millrace, rows=2000, maintenance="interval: 0s, snapshots_keep: 1, manifests: 1")
    many = files(data)
    millrace.run("maintain")
    # The snapshot that states the positions stays with all its files, until the next one states them.
    millrace.write("millrace.yaml", pipeline(rows=2100, maintenance="interval: 0s, snapshots_keep: 1, manifests: 1"))
    millrace.run("run", "--until-idle")
    before = held(data)
    expired = report(millrace.run("maintain", "--json"))
    assert expired["snapshots_expired"] > 0 and expired["objects_deleted"] > len(many)
    assert not any(os.path.exists(path) for path in many)
    live = set(files(data))
    stray = pathlib.Path(min(live)).with_name("stray.parquet")
    stray.write_bytes(b"PAR1")
    foreign = data / "lake" / "mine.parquet"
    foreign.write_bytes(b"PAR1")
    young = report(millrace.run("maintain", "--orphans", "--json"))
    assert young["orphans"] == 0 and young["orphans_young"] > 0 and stray.exists(), "three days have not passed"
    assert report(millrace.run("maintain", "--orphans", "--older-than", "0s", "--dry-run", "--json"))["orphans"] > 0
    assert stray.exists()
    assert report(millrace.run("maintain", "--orphans", "--older-than", "0s", "--json"))["orphans"] > 0
    assert not stray.exists() and foreign.exists(), "what is not the table's is left alone"
    assert held(data) == before


def test_beside_a_pipeline_that_lands(millrace):
    data = land(millrace, rows=12000, rate=12000)
    quiet = held(data)
    shutil.rmtree(data)
    millrace.write("millrace.yaml", pipeline(rows=12000, rate=3000, maintenance="interval: 300ms, small_files: 4, snapshots_keep: 5, manifests: 3"))
    running = millrace.start("run")
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.5)
            if not (data / "catalog.db").exists() or TABLE not in oracle.Lake(data).tables():
                continue
            snapshot = oracle.Lake(data).snapshot(TABLE)
            landed = snapshot and snapshot["summary"].get("total-records") == str(len(quiet))
            # On a busy machine maintenance comes later than the last row.
            if landed and len(files(data)) < 60 and len(oracle.Lake(data).metadata(TABLE)["snapshots"]) < 40:
                break
    finally:
        running.terminate()
        said = running.communicate(timeout=60)
    assert held(data) == quiet, said
    operations = [s["summary"]["operation"] for s in oracle.Lake(data).metadata(TABLE)["snapshots"]]
    assert "replace" in operations, said
    assert len(operations) < 40, "old snapshots have gone"
    assert len(files(data)) < 60


def test_files_that_pyiceberg_appended_are_merged_too(millrace):
    data = land(millrace, rows=500)
    table = readers.pyiceberg_catalog(data).load_table(TABLE)
    rows = table.scan().to_arrow()
    for _ in range(2):
        table.append(rows)
    before = sorted(map(str, readers.pyiceberg_catalog(data).load_table(TABLE).scan().to_arrow()["event_id"].to_pylist()))
    assert len(before) == 3 * rows.num_rows
    assert report(millrace.run("maintain", "--json"))["files_merged"] > 0
    after = sorted(map(str, readers.pyiceberg_catalog(data).load_table(TABLE).scan().to_arrow()["event_id"].to_pylist()))
    assert after == before
    oracle.Lake(data).walk(TABLE)


WORDS = """
name: m
data_dir: data
sources: { w: { file: { path: "in/*.ndjson" }, topic: words } }
tables: { silver.events: { from: words } }
"""


def test_columns_that_are_dictionaries_stay_so(millrace):
    """Few values, in a struct too; a column that grows out of its dictionary, one that files of before lack, one that is all null, a file of several row groups."""
    millrace.write("millrace.yaml", WORDS)
    for part in range(4):
        rows = []
        for i in range(part * 3000, part * 3000 + 3000):
            row = {"id": i, "kind": ["click", "view", "", "ü"][i % 4], "at": {"os": ["Linux", None][i % 7 == 0], "app": f"{i % 5}.{part}"}}
            row["tags"] = [f"t{i % 3}"] * (i % 3)
            row["grows"] = f"value {i % 3}" if part < 2 else f"one of its own, the number {i}"
            if part > 1:
                row["late"] = None if i % 2 else f"late {i % 10}"
            rows.append(row)
        millrace.write(f"in/{part}.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
        millrace.run("run", "--until-idle")
    data = millrace.folder / "data"
    table = readers.pyiceberg_catalog(data).load_table(TABLE)
    with table.transaction() as change:
        change.set_properties({"write.parquet.row-group-limit": "1000"})
    others = table.scan().to_arrow().slice(0, 5000)
    table.append(others)
    assert max(pq.ParquetFile(path).metadata.num_row_groups for path in files(data)) > 2
    before = held(data)
    assert report(millrace.run("maintain", TABLE, "--json"))["into"] == 1
    assert held(data) == before
    assert canonical(pq.read_table(files(data)[0]).to_pylist()) == before
    file = pq.ParquetFile(files(data)[0]).metadata
    columns = {file.row_group(0).column(i).path_in_schema: file.row_group(0).column(i) for i in range(file.num_columns)}
    for path in ("kind", "at.os", "at.app"):
        assert columns[path].has_dictionary_page, path
    bounds = {path: (columns[path].statistics.min, columns[path].statistics.max, columns[path].statistics.null_count) for path in ("kind", "at.os", "late")}
    assert bounds == {"kind": ("", "ü", 0), "at.os": ("Linux", "Linux", 1715 + others["at"].combine_chunks().field("os").null_count), "late": ("late 0", "late 8", 9000 + others["late"].null_count)}
