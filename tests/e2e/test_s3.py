"""The lake in a bucket: a real S3 server, faults between it and the program, crashes, and readers of others."""

import gzip
import json
import pathlib
import random
import sys
import time

import pytest

import oracle

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "services"))
from fault_proxy import FaultProxy  # noqa: E402
from s3 import S3, SERVERS  # noqa: E402

pytestmark = pytest.mark.skipif(not SERVERS["versitygw"].exists(), reason="no versitygw is here: run scripts/setup --servers")

EVENTS = 4000
CONFIG = """
name: bucket
data_dir: data
memory: 128MiB
lake:
  warehouse: "s3://lake/some/prefix"
  s3: { endpoint: "%s", region: us-east-1, access_key: { secret: "env:LAKE_KEY" }, secret_key: { secret: "env:LAKE_SECRET" } }
sources:
  events: { file: { path: "in/*.ndjson" }, topic: events }
topics:
  events: { partitions: 2 }
tables:
  bronze.events: { from: events, files: { compression: gzip } }
  silver.events: { from: events, key: [id], iceberg: { partition_by: ["bucket(3, id)"] } }
models: models
"""
MODEL = """-- ---
-- materialized: incremental
-- over: silver.events
-- key: [id]
-- ---
SELECT id, n * 2 AS double_n FROM silver.events
"""
KEYS = {"LAKE_KEY": S3.access_key, "LAKE_SECRET": S3.secret_key}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with S3(tmp_path_factory.mktemp("s3"), kind="versitygw") as server:
        yield server


@pytest.fixture
def lake(server, millrace):
    """A program whose lake is an empty bucket behind a proxy without faults yet."""
    objects = server.folder / "objects"
    bucket = objects / "lake"
    if bucket.exists():
        bucket.rename(objects / f"old-{time.monotonic_ns()}")
    server.create_bucket("lake")
    oracle.buckets = str(objects)
    with FaultProxy("http", server.endpoint) as proxy:
        millrace.proxy = proxy
        millrace.objects = bucket / "some/prefix"
        millrace.write("millrace.yaml", CONFIG % proxy.url)
        millrace.write("models/gold/doubles.sql", MODEL)
        for part in range(3):
            lines = [json.dumps({"id": i, "n": i * 7}) for i in range(part, EVENTS, 3)]
            millrace.write(f"in/{part}.ndjson", "\n".join(lines) + "\n")
        yield millrace
    oracle.buckets = None


def check(lake):
    tables = oracle.Lake(lake.folder / "data")
    oracle.compare([(i, i * 7) for i in range(EVENTS)], [(r["id"], r["n"]) for r in tables.walk("silver.events")], "silver")
    oracle.compare([(i, i * 14) for i in range(EVENTS)], [(r["id"], r["double_n"]) for r in tables.walk("gold.doubles")], "gold")
    lines = []
    for path in sorted((lake.objects / "bronze/events").rglob("*.jsonl.gz")):
        lines += [json.loads(line) for line in gzip.open(path, "rt")]
    oracle.compare(range(EVENTS), [line["id"] for line in lines], "bronze")
    tables.positions("silver.events")


def test_tables_in_a_bucket_are_queried_and_read_by_others(lake, server):
    lake.run("run", "--until-idle", env=KEYS)
    check(lake)
    said = lake.run("query", "SELECT count(*) AS n, sum(double_n) AS s FROM gold.doubles", "--format", "json", env=KEYS)
    assert json.loads(said.stdout) == [{"n": EVENTS, "s": EVENTS * (EVENTS - 1) // 2 * 14}]
    again = lake.run("query", "SELECT n FROM silver.events WHERE id = 1234", "--format", "json", env=KEYS)
    assert json.loads(again.stdout) == [{"n": 1234 * 7}]
    shut_in = lake.run("query", "--sandbox", "SELECT count(*) AS n, sum(n) AS s FROM silver.events WHERE id >= 1000", "--format", "json", env=KEYS)
    assert json.loads(shut_in.stdout) == [{"n": EVENTS - 1000, "s": sum(range(1000, EVENTS)) * 7}]

    from pyiceberg.catalog.sql import SqlCatalog

    properties = {"s3.endpoint": server.endpoint, "s3.access-key-id": server.access_key, "s3.secret-access-key": server.secret_key, "s3.region": server.region}
    catalog = SqlCatalog("millrace", uri=f"sqlite:///{lake.folder}/data/catalog.db", warehouse="s3://lake/some/prefix", **properties)
    rows = catalog.load_table("silver.events").scan().to_arrow()
    assert sorted(rows["id"].to_pylist()) == list(range(EVENTS))


def test_a_keyed_model_merges_in_a_bucket(lake):
    lake.run("run", "--until-idle", env=KEYS)
    lake.write("in/more.ndjson", "".join(json.dumps({"id": EVENTS + i, "n": 0}) + "\n" for i in range(10)))
    lake.run("run", "--until-idle", env=KEYS)
    rows = [(r["id"], r["double_n"]) for r in oracle.Lake(lake.folder / "data").walk("gold.doubles")]
    oracle.compare([(i, i * 14 if i < EVENTS else 0) for i in range(EVENTS + 10)], rows, "gold")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kill_at_any_moment(lake, seed):
    moments = random.Random(seed)
    for _ in range(4):
        process = lake.start("run", "--until-idle", env=KEYS)
        try:
            process.wait(moments.uniform(0.05, 1.0))
        except Exception:
            process.kill()
            process.wait()
    lake.run("run", "--until-idle", env=KEYS)
    check(lake)
    before = oracle.Lake(lake.folder / "data").metadata_location("silver.events")
    lake.run("run", "--until-idle", env=KEYS)
    assert oracle.Lake(lake.folder / "data").metadata_location("silver.events") == before


@pytest.mark.parametrize("point", ["io.s3.put:1", "io.s3.put:2", "io.s3.put:6", "io.s3.put:9", "io.s3.put:14", "io.s3.put:20"])
def test_a_crash_around_a_put(lake, point):
    ended = lake.run("run", "--until-idle", env={**KEYS, "MILLRACE_FAULT": point}, expect=None)
    assert ended.returncode == 86, f"{point} was not passed: {ended.stderr}"
    lake.run("run", "--until-idle", env={**KEYS, "MILLRACE_FAULT": point}, expect=None)
    lake.run("run", "--until-idle", env=KEYS)
    check(lake)


FAULTS = {
    "lost answers of puts": dict(method="PUT", effect="lost", skip=2, times=6),
    "a gateway's 503 after success": dict(method="PUT", effect="answered", status=503, skip=3, times=5),
    "slow down": dict(effect="status", status=503, body="<Error><Code>SlowDown</Code></Error>", skip=4, times=6),
    "server errors": dict(effect="status", status=500, skip=1, times=6),
    "answers cut short": dict(method="GET", effect="reset", at=60, skip=1, times=6),
    "connections refused": dict(effect="refused", skip=5, times=6),
}


@pytest.mark.parametrize("name", FAULTS)
def test_passing_faults_change_nothing(lake, name):
    lake.proxy.inject(**FAULTS[name])
    lake.run("run", "--until-idle", env=KEYS)
    assert lake.proxy.hits()[0] > 1, "the fault was not met"
    check(lake)


@pytest.mark.skipif(not SERVERS["moto"].exists(), reason="no moto is here: run scripts/setup --servers")
def test_a_store_that_overwrites_is_refused(millrace, tmp_path):
    """moto checks no signatures, so that a header may be taken out on the way."""
    with S3(tmp_path / "moto", kind="moto") as server, FaultProxy("http", server.endpoint) as proxy:
        server.create_bucket("lake")
        millrace.write("millrace.yaml", CONFIG.replace("models: models", "") % proxy.url)
        proxy.inject(method="PUT", effect="strip", name="If-None-Match", times=-1)
        refused = millrace.run("run", "--until-idle", env=KEYS, expect=1)
        assert "ignores the condition of a put" in refused.stderr
        assert "or a local warehouse" in refused.stderr
        proxy.clear()
        millrace.run("run", "--until-idle", env=KEYS)


def test_refusals_name_the_mend_and_no_secret(lake):
    refused = lake.run("run", "--until-idle", env={**KEYS, "LAKE_SECRET": "hush-hush"}, expect=1)
    assert "check the access key" in refused.stderr
    assert "hush" not in refused.stderr
