"""`millrace doctor` against real servers: all well, each of them ill, and nothing left behind whichever way it ends."""

import datetime
import email.utils
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import grid as grid_module
import pytest
from conftest import BINARY

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "services"))
sys.path.insert(0, str(HERE.parents[1] / ".deps/pymongo"))
import dynamodb  # noqa: E402
import kinesis  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from kafka import free_port  # noqa: E402
from mongodb import MongoDb  # noqa: E402
from s3 import S3, SERVERS  # noqa: E402

KEYS = grid_module.KEYS
LOCAL = """
name: shop
sources:
  orders: { file: { path: "in/*.jsonl" }, topic: orders }
tables:
  silver.orders: { from: orders }
"""
BUCKET = """
name: shop
lake:
  warehouse: "s3://%s/some/prefix"
  s3: { endpoint: "%s", region: us-east-1, access_key: { secret: "env:LAKE_KEY" }, secret_key: { secret: "env:LAKE_SECRET" } }
"""
APPENDS = """
sources:
  events: {{ generator: {{ kind: events, rows: 10 }}, topic: {topic} }}
tables:
  {space}.events: {{ from: {topic} }}
"""


def look(millrace, *arguments, expect=0, env=KEYS, **more):
    """What doctor finds, by check: [(verdict, says, do)]."""
    said = millrace.run("doctor", "--json", *arguments, env=env, expect=expect, **more)
    found = {}
    for finding in json.loads(said.stdout):
        found.setdefault(finding["check"], []).append((finding["verdict"], finding["says"], finding["do"]))
    return found


def fails(found):
    return {check: [(says, do) for verdict, says, do in findings if verdict == "fail"] for check, findings in found.items() if any(f[0] == "fail" for f in findings)}


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*"))


def objects(grid):
    bucket = grid.s3.folder / "objects/lake"
    return [path for path in tree(bucket) if (bucket / path).is_file() and ".sgwtmp" not in path]


def catalog_rows(grid):
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(grid.rest.folder / "rest.db")) as database:
        return [database.execute(f"SELECT * FROM {table}").fetchall() for table in ("iceberg_tables", "iceberg_namespace_properties")]


def traces(field):
    grid = field.grid
    topics = sorted(field.admin.list_topics(timeout=30).topics)
    groups = sorted(group.group_id for group in field.admin.list_consumer_groups().result(30).valid)
    return objects(grid), catalog_rows(grid), [t for t in topics if not t.startswith("__")], groups, tree(field.millrace.folder)


def test_all_is_well_and_nothing_stays(field, millrace):
    field.create()
    config = field.config(tables=APPENDS)
    before = traces(field)
    found = look(millrace, "-c", config)
    assert traces(field) == before
    assert set(found) == {"versions", "limits", "disk", "store", "clock", "catalog", "stream", "server"}
    assert not [f for check in ("store", "catalog", "stream", "server", "clock") for f in found[check] if f[0] != "ok"]
    said = " ".join(says for findings in found.values() for _, says, _ in findings)
    assert "put, get, list, write in parts, delete work" in said
    assert "never overwrites" in said
    assert "a commit whose requirement does not hold is refused" in said
    assert f"topic {field.topic}: this user may read and write" in said
    assert "written in a transaction and read in a consumer group" in said
    people = millrace.run("doctor", "-c", config, "--only", "versions", "--only", "store", env=KEYS)
    assert people.stdout.startswith("ok    versions   millrace ") and "ok    store      s3://" in people.stdout and "good to go" in people.stderr
    assert S3.secret_key not in people.stdout + people.stderr + said


def test_a_missing_topic_and_a_catalogue_that_is_away(field, millrace):
    spark = f'spark: {{{{ remote: "sc://127.0.0.1:{free_port()}" }}}}\n'
    config = field.config(tables="tables:\n  {space}.events: {{ from: {topic} }}\n" + spark)
    field.grid.catalog.inject(effect="refused", times=-1)
    found = look(millrace, "-c", config, expect=1)
    assert set(fails(found)) == {"stream", "catalog", "spark"}
    assert fails(found)["stream"][0][1].startswith(f"make it with `millrace topics create {field.topic}`")
    assert field.grid.catalog.url in fails(found)["catalog"][0][0]


def test_ctrl_c_takes_away_what_was_made(field, millrace):
    """The signal comes when the scratch table and the scratch object are there: everything after the first commit is held up."""
    field.create()
    config = field.config(tables=APPENDS)
    before = traces(field)
    field.grid.catalog.inject(method="POST", path="scratch", effect="late", delay=20)
    field.grid.bucket.inject(method="POST", path="uploads", effect="late", delay=20)
    process = millrace.start("doctor", "-c", config, "--timeout", "5m", env=KEYS)
    while sum(field.grid.catalog.hits()) < 1 or sum(field.grid.bucket.hits()) < 1:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    assert traces(field)[0] != before[0], "there is something to take away"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "stopped before it had ended" in out, out + err
    assert traces(field) == before, err


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not SERVERS["versitygw"].exists():
        pytest.skip("no versitygw is here: run scripts/setup --servers")
    with S3(tmp_path_factory.mktemp("s3"), kind="versitygw") as server:
        server.create_bucket("lake")
        yield server


@pytest.fixture
def bucket(server, millrace):
    with FaultProxy("http", server.endpoint) as proxy:
        millrace.write("millrace.yaml", BUCKET % ("lake", proxy.url))
        yield proxy


def test_wrong_keys_a_missing_bucket_and_missing_rights(server, bucket, millrace):
    found = look(millrace, env={**KEYS, "LAKE_SECRET": "hush-hush-hush"}, expect=1)
    assert "check the access key" in fails(found)["store"][0][1] and "hush" not in str(found)
    bucket.inject(method="DELETE", effect="status", status=403, body="<Error><Code>AccessDenied</Code></Error>", times=-1)
    found = look(millrace, "--only", "store", expect=1)
    assert "s3:DeleteObject" in fails(found)["store"][0][1] and found["store"][1][1].endswith("put, get, list, write in parts work")
    bucket.clear()
    millrace.write("millrace.yaml", BUCKET % ("nowhere", bucket.url))
    assert "create it" in fails(look(millrace, expect=1))["store"][0][1]


def test_clocks_and_patience(bucket, millrace):
    date = email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1), usegmt=True)
    bucket.inject(method="GET", path="^/lake$", effect="status", status=403, headers={"Date": date})
    found = look(millrace, "--only", "clock", expect=1)
    assert "differ by 3" in fails(found)["clock"][0][0] and "NTP" in fails(found)["clock"][0][1]
    bucket.inject(effect="late", delay=60, times=-1)
    found = look(millrace, "--timeout", "1s", "--only", "store", "--only", "disk", expect=1)
    assert fails(found) == {"store": [("no answer within 1s", "see whether what it asks is up, or give it more time with --timeout")]}


@pytest.mark.skipif(not SERVERS["moto"].exists(), reason="no moto is here: run scripts/setup --servers")
def test_a_store_that_overwrites(millrace, tmp_path):
    """moto checks no signatures, so that a header may be taken out on the way."""
    with S3(tmp_path / "moto", kind="moto") as server, FaultProxy("http", server.endpoint) as proxy:
        server.create_bucket("lake")
        millrace.write("millrace.yaml", BUCKET % ("lake", proxy.url))
        proxy.inject(method="PUT", effect="strip", name="If-None-Match", times=-1)
        found = look(millrace, "--only", "store", expect=1)
        assert "ignores the condition of a put" in fails(found)["store"][0][0] and "use one that keeps it" in fails(found)["store"][0][1]


def test_no_broker_and_a_port_that_is_taken(millrace):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        millrace.write("millrace.yaml", LOCAL + f'stream: {{ kafka: {{ brokers: "127.0.0.1:{free_port()}" }} }}\nserver: {{ listen: "127.0.0.1:{port}" }}\n')
        found = look(millrace, expect=1)
        millrace.write("silent.yaml", LOCAL + f'stream: {{ kafka: {{ brokers: "127.0.0.1:{port}" }} }}\n')
        silent = look(millrace, "-c", "silent.yaml", "--only", "stream", "--timeout", "1s", expect=1)
    assert fails(silent)["stream"][0][0] == "no answer within 1s", "whatever the library does meanwhile"
    assert set(fails(found)) == {"stream", "server"}
    assert "no broker" in fails(found)["stream"][0][0] and "start them" in fails(found)["stream"][0][1]
    assert f"another program listens on 127.0.0.1:{port}" == fails(found)["server"][0][0] and "ss -ltnp" in fails(found)["server"][0][1]


def test_a_pipeline_that_runs_is_left_alone(millrace):
    port = free_port()
    millrace.write("millrace.yaml", LOCAL.replace("in/*.jsonl\"", "in/*.jsonl\", follow: true") + f'server: {{ listen: "127.0.0.1:{port}" }}\n')
    millrace.write("in/a.jsonl", '{"id": 1}\n')
    before = tree(millrace.folder)
    look(millrace, "--only", "disk", "--only", "store", "--only", "catalog", "--only", "sources")
    assert tree(millrace.folder) == before, "it makes no data directory"
    process = millrace.start("run")
    try:
        while not (millrace.folder / "millrace-data/status.json").exists() or '"server"' not in (millrace.folder / "millrace-data/status.json").read_text():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        found = look(millrace)
        assert any("is running already" in says for _, says, _ in found["disk"])
        assert f"this pipeline serves on 127.0.0.1:{port} already, as process {process.pid}" == found["server"][0][1]
        assert "every user of it may read, ingest, operate and query" in found["server"][1][1]
        assert found["catalog"][0][1].startswith("millrace-data/catalog.db: namespaces"), "the file itself"
        millrace.write("registry.yaml", f'data_dir: elsewhere\nschema_registry: {{ url: "http://127.0.0.1:{port}" }}\n')
        assert "answers as a schema registry" in look(millrace, "-c", "registry.yaml", "--only", "registry")["registry"][0][1]
        tables = json.loads(millrace.run("tables", "list", "--json").stdout)
        assert all("doctor" not in table["table"] for table in tables)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert not [path for path in tree(millrace.folder) if "doctor" in path]


@pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"]).returncode != 0, reason="no mount namespaces for this user")
def test_a_full_disk(millrace):
    run = [sys.executable, HERE / "small_disk.py", BINARY, millrace.folder, "doctor"]
    told = subprocess.run(["unshare", "-rm", *map(str, run)], capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr
    little, full, good = json.loads(told.stdout)
    assert [f["do"] for f in little if f["verdict"] == "fail"] == ["free some space, or choose another disk"]
    assert [f["do"] for f in full if f["verdict"] == "fail"] == ["free some space"] and "is full" in str(full)
    assert not [f for f in good if f["verdict"] == "fail"] and "tmpfs, which is memory" in str(good)


def certificate(folder, days):
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=millrace.example", "-days", str(days)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl is here")
def test_the_server_that_others_reach(millrace):
    token = "0123456789abcdef0123"
    server = f'server:\n  listen: "0.0.0.0:0"\n  tls: {{ certificate: cert.pem, key: key.pem }}\n  tokens: {{ prometheus: {{ token: {{ secret: "env:TOKEN" }}, roles: [read] }} }}\n'
    millrace.write("millrace.yaml", LOCAL + server)
    certificate(millrace.folder, 90)
    found = look(millrace, "--only", "server", env={"TOKEN": token})["server"]
    assert found[1][1] == "reached from other machines over TLS; with a token: prometheus may read"
    assert "CN=millrace.example is good until" in found[2][1] and token not in str(found)
    certificate(millrace.folder, 3)
    assert [f[0] for f in look(millrace, "--only", "server", env={"TOKEN": token})["server"]][2] == "warn"
    shutil.copy(millrace.folder / "key.pem", millrace.folder / "old.pem")
    certificate(millrace.folder, 90)
    shutil.copy(millrace.folder / "old.pem", millrace.folder / "key.pem")
    assert "is not the key of" in fails(look(millrace, "--only", "server", env={"TOKEN": token}, expect=1))["server"][0][0]


def test_sources_and_document_stores(millrace, tmp_path):
    mongo_config = """
documents: { orders: { mongodb: { uri: { secret: "env:MONGO" }, database: shop } } }
"""
    api = f'  api: {{ http_poll: {{ url: "http://127.0.0.1:{free_port()}/users", allow_private: true }}, topic: users }}\n'
    millrace.write("millrace.yaml", LOCAL.replace("tables:", api + "tables:") + mongo_config)
    with MongoDb(tmp_path / "mongo") as mongo:
        found = look(millrace, "--only", "sources", "--only", "documents", env={"MONGO": mongo.uri}, expect=1)
        assert [f[0] for f in found["sources"]] == ["fail", "warn"], found
        assert "was written, read and dropped again" in found["documents"][0][1]
        import pymongo

        assert not [name for name in pymongo.MongoClient(mongo.uri)["shop"].list_collection_names() if "doctor" in name]
    found = look(millrace, "--only", "documents", env={"MONGO": "mongodb://me:hush-hush@127.0.0.1:1/"}, expect=1)
    assert "fail" == found["documents"][0][0] and "hush" not in str(found)


@pytest.mark.skipif(bool(kinesis.lacks() or dynamodb.lacks()), reason=kinesis.lacks() or dynamodb.lacks())
def test_what_costs_money_is_only_read(millrace, tmp_path):
    with kinesis.Kinesis(tmp_path / "kinesis") as stream, dynamodb.DynamoDb(tmp_path / "dynamo") as store:
        boto = dynamodb.client(stream.endpoint, "kinesis")
        boto.create_stream(StreamName="orders", ShardCount=1)
        tables = "tables: { silver.orders: { from: orders }, silver.users: { from: users } }\n"
        place = lambda server: f'endpoint: "{server.endpoint}", region: us-east-1'
        documents = f"documents: {{ orders: {{ key: [id], dynamodb: {{ {place(store)}, create: %s }} }} }}\n"
        for create in ("true", "false"):
            millrace.write("millrace.yaml", f"stream: {{ kinesis: {{ {place(stream)} }} }}\n" + tables + documents % create)
            found = look(millrace, "--only", "stream", "--only", "documents", env=dynamodb.KEYS, expect=1)
            assert [verdict for verdict, *_ in found["stream"]] == ["ok", "fail"] and "stream orders can be described and read" == found["stream"][0][1]
            assert found["documents"][0][0] == ("ok" if create == "true" else "fail"), found
        assert boto.list_streams()["StreamNames"] == ["orders"]
        assert dynamodb.client(store.endpoint).list_tables()["TableNames"] == []


def test_words_that_are_none(millrace):
    millrace.write("millrace.yaml", LOCAL)
    assert "did you mean 'store'" in millrace.run("doctor", "--only", "stroe", expect=64).stderr
    assert "a duration such as" in millrace.run("doctor", "--timeout", "soon", expect=64).stderr
    millrace.write("millrace.yaml", "nonsense: 1\n")
    assert "unknown key" in millrace.run("doctor", expect=78).stderr
