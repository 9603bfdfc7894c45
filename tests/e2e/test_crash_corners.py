"""Crashes at the points that an ordinary run does not pass: old metadata goes, a table's layout changes, a file is put in parts, files of a chunk that another
worker landed are dropped. The next run lands every record once, and a run after that changes nothing."""

import json
import pathlib
import random
import sys
import time

import oracle
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "services"))
from fault_proxy import FaultProxy  # noqa: E402
from s3 import S3, SERVERS  # noqa: E402
from test_rest_catalog import config as rest_config  # noqa: E402
from test_rest_catalog import ids_in, rest, write_rows  # noqa: E402, F401

CRASHED = 86
CONFIG = """
name: corners
data_dir: data
sources: {{ in: {{ file: {{ path: "in/*.jsonl" }}, topic: t }} }}
tables: {{ silver.t: {{ from: t, {table} }} }}
"""


def write(millrace, name, ids):
    millrace.write(f"in/{name}.jsonl", "".join(json.dumps({"id": i, "n": i * 7}) + "\n" for i in ids))


def crash(program, point, **more):
    ended = program.run("run", "--until-idle", expect=None, env={"MILLRACE_FAULT": point, **more})
    assert ended.returncode == CRASHED, f"{point} was not passed: {ended.stderr}"


def settled(program, ids):
    lake = oracle.Lake(program.folder / "data")
    program.run("run", "--until-idle")
    oracle.compare([(i, i * 7) for i in ids], [(r["id"], r["n"]) for r in lake.walk("silver.t")], "silver")
    lake.positions("silver.t")
    before = lake.metadata_location("silver.t")
    program.run("run", "--until-idle")
    assert lake.metadata_location("silver.t") == before, "a further run changed the table"
    return lake


@pytest.mark.parametrize("moment", ["before", "after"])
def test_old_metadata_goes(millrace, moment):
    properties = 'iceberg: { properties: { write.metadata.delete-after-commit.enabled: "true", write.metadata.previous-versions-max: "1" } }'
    millrace.write("millrace.yaml", CONFIG.format(table=properties))
    for part in range(3):
        write(millrace, f"a{part}", range(part * 10, part * 10 + 10))
        millrace.run("run", "--until-idle")
    write(millrace, "b", range(30, 40))
    crash(millrace, f"catalog.metadata_delete.{moment}:1")
    settled(millrace, range(40))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_table_gets_another_layout(millrace, moment):
    millrace.write("millrace.yaml", CONFIG.format(table=""))
    write(millrace, "a", range(100))
    millrace.run("run", "--until-idle")
    millrace.write("millrace.yaml", CONFIG.format(table='iceberg: { partition_by: ["bucket(3, id)"], sort_by: [id] }'))
    write(millrace, "b", range(100, 200))
    crash(millrace, f"land.{moment}_arrange:1")
    lake = settled(millrace, range(200))
    metadata = lake.metadata("silver.t")
    assert metadata["default-spec-id"] == 1 and metadata["default-sort-order-id"] == 1
    assert {file["spec"] for file in lake.entries("silver.t")} == {0, 1}


@pytest.mark.skipif(not SERVERS["versitygw"].exists(), reason="no versitygw is here: run scripts/setup --servers")
def test_a_file_in_parts(millrace, tmp_path):
    keys = {"LAKE_KEY": S3.access_key, "LAKE_SECRET": S3.secret_key}
    with S3(tmp_path / "s3", kind="versitygw") as server:
        oracle.buckets = str(server.folder / "objects")
        try:
            dice = random.Random(1)
            lines = [json.dumps({"id": i, "text": dice.randbytes(3000).hex()}) for i in range(7000)]  # two files of about 10 MB
            # The first passes are those of the probe at the start.
            for name, point in enumerate(["io.s3.part:3", "io.s3.part:6", "io.s3.complete:3", "io.s3.complete:4"]):
                bucket = f"lake{name}"
                server.create_bucket(bucket)
                lake = f'lake: {{ warehouse: "s3://{bucket}/wh", s3: {{ endpoint: "{server.endpoint}", access_key: {{ secret: "env:LAKE_KEY" }}, secret_key: {{ secret: "env:LAKE_SECRET" }} }} }}\n'
                folder = tmp_path / bucket
                folder.mkdir()
                program = type(millrace)(folder)
                program.write("millrace.yaml", CONFIG.format(table="freshness: 1h") + lake)
                program.write("in/a.jsonl", "\n".join(lines) + "\n")
                crash(program, point, **keys)
                program.run("run", "--until-idle", env=keys)
                tables = oracle.Lake(folder / "data")
                assert sorted(row["id"] for row in tables.walk("silver.t")) == list(range(7000)), point
                before = tables.metadata_location("silver.t")
                program.run("run", "--until-idle", env=keys)
                assert tables.metadata_location("silver.t") == before
        finally:
            oracle.buckets = None


@pytest.mark.skipif(not (pathlib.Path(__file__).resolve().parents[2] / ".deps/rest").exists(), reason="scripts/setup --servers fetches the catalogue")
def test_files_of_a_chunk_that_another_landed_are_dropped(millrace, rest):  # noqa: F811
    """Two workers read one file into one table; the commit of the first is on its way for long, the second is faster."""
    with FaultProxy("http", rest.uri.removeprefix("http://")) as proxy:
        write_rows(millrace, "a", 0, 1000)
        text = rest_config(millrace, rest, proxy.url)
        config = (millrace.folder / "millrace.yaml").read_text().replace("topic: clicks }", "}").replace("topics: { clicks: { partitions: 2 } }\n", "")
        assert text is None
        millrace.write("slow.yaml", "data_dir: slow\n" + config)
        millrace.write("fast.yaml", "data_dir: fast\n" + config.replace(proxy.url, rest.uri))
        write_rows(millrace, "b", 1000, 1000)
        proxy.inject(method="POST", path="/tables/clicks", effect="late", delay=4.0)
        slow = millrace.start("run", "--until-idle", "-c", "slow.yaml", env={"MILLRACE_FAULT": "land.before_drop_file:1"})
        deadline = time.monotonic() + 60
        while not proxy.hits()[0]:
            assert time.monotonic() < deadline and slow.poll() is None, slow.communicate()
            time.sleep(0.02)
        millrace.run("run", "--until-idle", "-c", "fast.yaml")
        _, said = slow.communicate(timeout=60)
        assert slow.returncode == CRASHED, said
        for _ in range(2):
            millrace.run("run", "--until-idle", "-c", "slow.yaml")
            assert ids_in(rest) == list(range(2000))
