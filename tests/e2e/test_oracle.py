"""The judge is judged: each way of spoiling a lake must be found. A judge that finds nothing proves nothing."""

import json
import pathlib

import fastavro
import pyarrow.parquet as pq
import pytest

import oracle

CONFIG = """
name: judged
data_dir: data
sources:
  events: { generator: { kind: events, rows: 2000, seed: 5 } }
tables:
  silver.events: { from: events }
"""


@pytest.fixture
def lake(millrace):
    millrace.write("millrace.yaml", CONFIG)
    millrace.run("run", "--until-idle")
    judge = oracle.Lake(millrace.folder / "data")
    assert len(judge.walk("silver.events")) == 2000
    return judge


def first_file(lake):
    return pathlib.Path(oracle.path_of(next(lake.entries("silver.events"))["file_path"]))


def rewrite_entries(lake, change):
    """Rewrites the first manifest of the current snapshot with its entries changed."""
    manifest = oracle.avro(lake.snapshot("silver.events")["manifest-list"])[0]
    path = oracle.path_of(manifest["manifest_path"])
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        entries, schema, header = list(reader), reader.writer_schema, reader.metadata
    keep = {k: v for k, v in header.items() if not k.startswith("avro.")}
    with open(path, "wb") as file:
        fastavro.writer(file, schema, change(entries), metadata=keep)


def test_a_dropped_row_group_is_found(lake):
    path = first_file(lake)
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows // 2), path)
    with pytest.raises(oracle.Wrong):
        lake.walk("silver.events")


def test_a_file_registered_twice_is_found(lake):
    rewrite_entries(lake, lambda entries: entries + [entries[0]])
    with pytest.raises(oracle.Wrong):
        lake.walk("silver.events")


def test_a_flipped_byte_is_found(lake):
    path = first_file(lake)
    before = sorted(json.dumps(r, default=str) for r in lake.walk("silver.events"))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 0x40
    path.write_bytes(raw)
    try:
        after = sorted(json.dumps(r, default=str) for r in lake.walk("silver.events"))
    except (oracle.Wrong, UnicodeDecodeError):
        return
    with pytest.raises(oracle.Wrong):
        oracle.compare(before, after)


def test_a_missing_file_is_found(lake):
    first_file(lake).unlink()
    with pytest.raises(oracle.Wrong):
        lake.walk("silver.events")


def test_a_shifted_position_is_found(lake):
    location = pathlib.Path(lake.metadata_location("silver.events"))
    metadata = json.loads(location.read_text())
    for snapshot in metadata["snapshots"]:
        for key, value in snapshot["summary"].items():
            if key.startswith("millrace.positions."):
                snapshot["summary"][key] = json.dumps({k: v + "1" for k, v in json.loads(value).items()})
    location.write_text(json.dumps(metadata))
    with pytest.raises(oracle.Wrong):
        lake.positions("silver.events")


def test_lost_and_doubled_records_are_found():
    with pytest.raises(oracle.Wrong):
        oracle.compare([1, 2, 3], [1, 2])
    with pytest.raises(oracle.Wrong):
        oracle.compare([1, 2, 3], [1, 2, 3, 3])
    oracle.compare([3, 2, 1], [1, 2, 3])
