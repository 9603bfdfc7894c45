"""The lake's tables in AWS Glue: pyiceberg reads them and commits to them at the same time, answers get lost on the way."""

import json
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "services"))
import glue as glue_service  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402

pytestmark = pytest.mark.skipif(bool(glue_service.lacks()), reason=glue_service.lacks())

CONFIG = """
name: clouded
data_dir: data
lake:
  warehouse: "s3://lake/wh"
  s3: {{ endpoint: "{s3}", region: us-east-1 }}
  catalog: {{ glue: {{ endpoint: "{glue}", region: us-east-1 }} }}
"""
PIPELINE = """
sources:
  events: { file: { path: "in/*.ndjson", follow: true } }
tables:
  silver.events: { from: events, freshness: 100ms }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with glue_service.Glue(tmp_path_factory.mktemp("glue")) as server:
        server.create_bucket("lake")
        yield server


def test_pyiceberg_commits_beside_us_and_nothing_is_lost(server, millrace):
    import pyarrow as pa
    from pyiceberg.exceptions import CommitFailedException

    with FaultProxy("http", server.endpoint) as proxy:
        millrace.write("millrace.yaml", CONFIG.format(s3=server.endpoint, glue=proxy.url) + PIPELINE)
        written = 0

        def more(rows=50):
            nonlocal written
            lines = [json.dumps({"id": i, "who": "us"}) for i in range(written, written + rows)]
            millrace.write(f"in/{written}.ndjson", "\n".join(lines) + "\n")
            written += rows

        more()
        millrace.run("run", "--until-idle", env=glue_service.KEYS)
        commits = dict(header="X-Amz-Target: AWSGlue.UpdateTable")
        proxy.inject(**commits, effect="lost", skip=1)
        proxy.inject(**commits, effect="answered", status=503, skip=2)
        proxy.inject(**commits, effect="status", status=400, body=json.dumps({"__type": "ThrottlingException"}), skip=3, times=2)
        running = millrace.start("run", env=glue_service.KEYS)
        judge = glue_service.pyiceberg_catalog(server.endpoint)
        theirs, conflicts = [], 0
        while len(theirs) < 12 or (proxy.hits() != [1, 1, 2] and len(theirs) < 100):
            more()
            time.sleep(0.2)
            table = judge.load_table("silver.events")
            row = {"id": 1_000_000 + len(theirs), "who": "them"}
            try:
                table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
                theirs.append(row["id"])
            except CommitFailedException:
                conflicts += 1
        deadline = time.monotonic() + 120
        expected = sorted([*range(written), *theirs])
        while time.monotonic() < deadline:
            ids = sorted(judge.load_table("silver.events").scan().to_arrow()["id"].to_pylist())
            if len(ids) >= len(expected):
                break
            time.sleep(0.2)
        running.terminate()
        said = running.communicate(timeout=30)
        assert ids == expected, said
        assert proxy.hits() == [1, 1, 2], "the faults were not met"
        count = millrace.run("query", "SELECT count(*) AS n, count(DISTINCT id) AS d FROM silver.events", "--format", "json", env=glue_service.KEYS)
        assert json.loads(count.stdout) == [{"n": len(expected), "d": len(expected)}]


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_crash_at_any_change_of_glue(server, millrace, point):
    table = f"crashed_{point}"
    millrace.write("millrace.yaml", CONFIG.format(s3=server.endpoint, glue=server.endpoint) + PIPELINE.replace(", follow: true", "").replace("silver.events", f"silver.{table}"))
    crashes = 0
    for round in range(30):
        millrace.write(f"in/{round}.ndjson", "".join(json.dumps({"id": round * 10 + i}) + "\n" for i in range(10)))
        ended = millrace.run("run", "--until-idle", env={**glue_service.KEYS, "MILLRACE_FAULT": f"catalog.glue_change.{point}:{round + 1}"}, expect=None)
        if ended.returncode == 0:
            break
        assert ended.returncode == 86, ended.stderr
        crashes += 1
    assert crashes >= 3 and ended.returncode == 0
    ids = glue_service.pyiceberg_catalog(server.endpoint).load_table(f"silver.{table}").scan().to_arrow()["id"].to_pylist()
    assert sorted(ids) == list(range(10 * (crashes + 1)))


def test_doctor_tries_glue_and_leaves_nothing(server, millrace):
    millrace.write("millrace.yaml", CONFIG.format(s3=server.endpoint, glue=server.endpoint) + PIPELINE)
    client = glue_service.client(server.endpoint)
    before = [database["Name"] for database in client.get_databases()["DatabaseList"]]
    (said,) = json.loads(millrace.run("doctor", "--only", "catalog", "--json", env=glue_service.KEYS).stdout)
    assert said["verdict"] == "ok" and "a commit whose requirement does not hold is refused" in said["says"], said
    assert [database["Name"] for database in client.get_databases()["DatabaseList"]] == before


def test_mistakes_in_the_configuration_are_named(millrace):
    both = CONFIG.format(s3="http://127.0.0.1:1", glue="http://127.0.0.1:1").replace("catalog: {", "catalog: { sqlite: { path: c.db },")
    millrace.write("millrace.yaml", both)
    assert "millrace.yaml:7: lake.catalog: is one of `rest`, `glue` and `sqlite`" in millrace.run("check", expect=78).stderr
    millrace.write("millrace.yaml", both.replace("sqlite: { path: c.db },", "").replace('glue: { endpoint: "http', 'glue: { endpoint: "ftp'))
    assert "lake.catalog.glue.endpoint: expected http://host:port" in millrace.run("check", expect=78).stderr
    millrace.write("millrace.yaml", "name: x\ntables: { bronze.e: { from: e, files: { record: bytes, error_path: bad, glue: {} } } }\ntopics: { e: {} }\n")
    refused = millrace.run("check", expect=78).stderr
    assert "files.glue: reads lines of JSON" in refused and "begins with an underscore where there is `glue`" in refused
    millrace.write("millrace.yaml", "name: x\ntables: { bronze.e: { from: e, files: { glue: {} } } }\ntopics: { e: {} }\n")
    assert "says nothing of how Glue is reached" in millrace.run("run", "--until-idle", expect=78).stderr


HIVE = """
sources:
  events: {{ file: {{ path: "in/*.ndjson" }}, topic: events }}
tables:
  bronze.{table}: {{ from: events, files: {{ path: "type={{topic}}/{{ingested:%Y/%m/%d/%H}}", buffer_size: 64KiB, glue: {{}} }} }}
"""


def hive_rows(server, table):
    """What engines read that go by Glue: the files below the places of its partitions, in its columns."""
    import gzip

    glue, s3 = glue_service.client(server.endpoint), glue_service.client(server.endpoint, "s3")
    described = glue.get_table(DatabaseName="bronze", Name=table)["Table"]
    partitions = glue.get_partitions(DatabaseName="bronze", TableName=table)["Partitions"]
    rows, places = [], set()
    for partition in partitions:
        place = partition["StorageDescriptor"]["Location"]
        places.add(place)
        assert place.endswith("/type={}/{}/{}/{}/{}/".format(*partition["Values"]))
        bucket, prefix = place.removeprefix("s3://").split("/", 1)
        for listed in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
            rows += [json.loads(line) for line in gzip.decompress(body).splitlines()]
    everything = s3.list_objects_v2(Bucket="lake", Prefix=f"wh/bronze/{table}/")["Contents"]
    assert {f"s3://lake/{o['Key'].rsplit('/', 1)[0]}/" for o in everything if o["Key"].endswith(".gz")} <= places
    assert [key["Name"] for key in described["PartitionKeys"]] == ["type", "year", "month", "day", "hour"]
    return rows, {c["Name"]: c["Type"] for c in described["StorageDescriptor"]["Columns"]}


CRASHES = ["", "files.before_register:1", "files.after_register:1", "catalog.glue_change.after:2", "files.before_object:1", "files.after_object:1"]


@pytest.mark.parametrize("crash", CRASHES)
def test_files_are_partitions_of_a_hive_table_as_soon_as_they_are_there(server, millrace, crash):
    table = "events_" + str(CRASHES.index(crash))
    millrace.write("millrace.yaml", CONFIG.format(s3=server.endpoint, glue=server.endpoint) + HIVE.format(table=table))
    first = [{"id": i, "at": "2026-01-02T03:04:05Z", "device": {"os": "x" * 100}} for i in range(2000)]
    millrace.write("in/1.ndjson", "".join(json.dumps(row) + "\n" for row in first))
    if crash:
        ended = millrace.run("run", "--until-idle", env={**glue_service.KEYS, "MILLRACE_FAULT": crash}, expect=None)
        assert ended.returncode == 86, f"{crash} was not passed: {ended.stderr}"
    millrace.run("run", "--until-idle", env=glue_service.KEYS)
    rows, columns = hive_rows(server, table)
    assert sorted(row["id"] for row in rows) == list(range(2000))
    assert columns["device"] == "struct<os:string>"
    second = [{"id": i, "device": {"os": "x", "v": 1}, "New One": True} for i in range(2000, 2010)]
    millrace.write("in/2.ndjson", "".join(json.dumps(row) + "\n" for row in second))
    millrace.run("run", "--until-idle", env=glue_service.KEYS)
    rows, columns = hive_rows(server, table)
    assert sorted(row["id"] for row in rows) == list(range(2010))
    ours = {"_topic": "string", "_partition": "int", "_offset": "bigint", "_event_time": "string", "_ingested_at": "string", "_key": "string"}
    assert columns == {**ours, "id": "bigint", "at": "string", "device": "struct<os:string,v:bigint>", "new_one": "boolean"}


PARQUET = """
sources:
  events: {{ file: {{ path: "in/*.ndjson" }}, topic: events }}
tables:
  bronze.{table}:
    from: events
    columns: {{ at: timestamptz, price: "decimal(9, 2)", day: date }}
    files: {{ encoding: parquet, path: "kind={{field:kind}}/day={{field_time:at:%Y-%m-%d}}", buffer_size: 64KiB, glue: {{}} }}
"""


@pytest.mark.parametrize("crash", ["files.before_register:1", "files.after_object:1"])
def test_parquet_files_are_partitions_of_a_hive_table_of_their_columns(server, millrace, crash):
    import io

    import pyarrow.parquet as pq

    table = "parquet_" + crash.split(":")[0].replace(".", "_")
    millrace.write("millrace.yaml", CONFIG.format(s3=server.endpoint, glue=server.endpoint) + PARQUET.format(table=table))
    first = [{"id": i, "kind": "ab"[i % 2], "at": f"2026-01-0{1 + i % 2}T03:04:05Z", "price": "1.50", "day": "2026-01-01", "device": {"os": "x" * 100}} for i in range(1000)]
    millrace.write("in/1.ndjson", "".join(json.dumps(row) + "\n" for row in first))
    ended = millrace.run("run", "--until-idle", env={**glue_service.KEYS, "MILLRACE_FAULT": crash}, expect=None)
    assert ended.returncode == 86, f"{crash} was not passed: {ended.stderr}"
    millrace.run("run", "--until-idle", env=glue_service.KEYS)
    second = [{"id": i, "kind": "c", "at": "2026-01-03T00:00:00Z", "device": {"os": "x", "v": 1}, "New One": True, "new": [1]} for i in range(1000, 1010)]
    millrace.write("in/2.ndjson", "".join(json.dumps(row) + "\n" for row in second))
    millrace.run("run", "--until-idle", env=glue_service.KEYS)

    glue, s3 = glue_service.client(server.endpoint), glue_service.client(server.endpoint, "s3")
    described = glue.get_table(DatabaseName="bronze", Name=table)["Table"]
    storage = described["StorageDescriptor"]
    assert storage["SerdeInfo"]["SerializationLibrary"] == "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    assert storage["InputFormat"].endswith("MapredParquetInputFormat") and described["Parameters"]["classification"] == "parquet"
    # `kind` and `day` are partitions, and "New One" is nothing that Hive can name.
    columns = {c["Name"]: c["Type"] for c in storage["Columns"]}
    ours = {"_topic": "string", "_partition": "int", "_offset": "bigint", "_event_time": "timestamp", "_ingested_at": "timestamp", "_key": "binary", "_rescued": "string"}
    assert columns == {**ours, "id": "bigint", "at": "timestamp", "price": "decimal(9,2)", "device": "struct<os:string,v:bigint>", "new": "array<bigint>"}
    partitions = glue.get_partitions(DatabaseName="bronze", TableName=table)["Partitions"]
    assert {tuple(p["Values"]) for p in partitions} == {("a", "2026-01-01"), ("b", "2026-01-02"), ("c", "2026-01-03")}
    ids = []
    for partition in partitions:
        bucket, prefix = partition["StorageDescriptor"]["Location"].removeprefix("s3://").split("/", 1)
        for listed in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
            file = pq.ParquetFile(io.BytesIO(s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()))
            assert {name.lower() for name in file.schema_arrow.names} - set(columns) <= {"kind", "day", "new one"}
            ids += file.read(columns=["id"])["id"].to_pylist()
    assert sorted(ids) == list(range(1010))
