"""Headers of records: from every producer into the column `_headers`, as pyiceberg reads it, and out again as kcat reads them."""

import base64
import contextlib
import json
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest

from conftest import ROOT
from readers import pyiceberg_rows
from test_http_ingest import Front

sys.path.insert(0, str(ROOT / "tests/services"))
sys.path.insert(0, str(ROOT / ".deps/pymongo"))
from server_process import free_port  # noqa: E402

CONFIG = """
name: headed
data_dir: data
server: {{ listen: "127.0.0.1:{port}", rest_proxy: {{ topics: [orders] }} }}
topics: {{ orders: {{ partitions: 1 }} }}
tables:
  silver.orders: {{ from: orders, headers: true, columns: {{ id: long }}, freshness: 300ms, contract: {{ types: discard_row }} }}
  silver.plain: {{ from: orders, columns: {{ id: long }}, freshness: 300ms, contract: {{ types: discard_row }} }}
"""


def header(key, value):
    return {"key": key, "value": value}


class Shop(Front):
    def __init__(self, millrace):
        self.millrace = millrace
        self.port = free_port()
        millrace.write("millrace.yaml", CONFIG.format(port=self.port))

    def headers(self, table="silver.orders", count=0):
        deadline = time.monotonic() + 60
        while True:
            try:
                rows = pyiceberg_rows(self.millrace.folder / "data", table)
            except Exception:  # the table is made with its first rows
                rows = []
            if len(rows) >= count or time.monotonic() > deadline:
                return {row["id"]: row["_headers"] or None for row in rows}  # pyiceberg reads a null list as an empty one
            time.sleep(0.1)


def test_headers_of_the_embedded_stream(millrace):
    shop = Shop(millrace)
    millrace.write("in.jsonl", '{"id": 1}\n{"id": 2}\n')
    millrace.run("produce", "--topic", "orders", "--source-path", "in.jsonl", "-H", "trace=a=b", "-H", "bare", "-H", "trace=")
    shop.start()
    cluster = shop.ask("/v3/clusters")[2]["data"][0]["cluster_id"]

    def send(value, *headers):
        headers = [{"name": name, **({} if value is None else {"value": base64.b64encode(value).decode()})} for name, value in headers]
        record = json.dumps({"value": {"type": "JSON", "data": value}, "headers": headers}).encode()
        assert shop.ask(f"/v3/clusters/{cluster}/topics/orders/records", record)[2]["error_code"] == 200

    send({"id": 3}, ("raw", b"\x00\xff"), ("none", None))
    send({"id": "no number"}, ("shop", b"8"))
    send({"id": 4})
    produced = [header("trace", b"a=b"), header("bare", None), header("trace", b"")]
    kept = [header("raw", b"\x00\xff"), header("none", None)]
    landed = shop.headers(count=4)
    assert landed == {1: produced, 2: produced, 3: kept, 4: None}
    looked = [r["headers"] for r in shop.ask("/api/v1/topics/orders/records?offset=0")[2]["records"]]
    text = [header("trace", "a=b"), header("bare", None), header("trace", "")]
    assert looked == [text, text, [{"key": "raw", "value_base64": "AP8="}, header("none", None)], [header("shop", "8")], []]
    shop.stop()
    tail = [json.loads(line) for line in millrace.run("topics", "tail", "orders", "--json").stdout.splitlines()]
    assert tail[0]["headers"] == text and "headers" not in tail[4]
    # A record keeps its headers in quarantine, and lands with them.
    (quarantined,) = pyiceberg_rows(millrace.folder / "data", "quarantine.silver_orders")
    assert quarantined["headers"] == [header("shop", b"8")]
    (plain,) = pyiceberg_rows(millrace.folder / "data", "quarantine.silver_plain")
    assert not plain["headers"]
    config = CONFIG.format(port=shop.port).replace("silver.orders: { from: orders, headers: true, columns: { id: long }", "silver.orders: { from: orders, headers: true, columns: { id: long, note: string }")
    millrace.write("millrace.yaml", config.replace(", contract: { types: discard_row }", "", 1))
    millrace.run("quarantine", "replay", "silver.orders")
    assert shop.headers(count=5)[None] == [header("shop", b"8")]
    # A stretch of the topic once more.
    millrace.run("offsets", "replay", "silver.orders", "0=2..4", "--append")
    rows = pyiceberg_rows(millrace.folder / "data", "silver.orders")
    assert [r["_headers"] for r in rows if r["id"] == 3] == [kept, kept]
    assert "_headers" not in pyiceberg_rows(millrace.folder / "data", "silver.plain")[0]


FORMS = """
name: headed
data_dir: data
server: { listen: "127.0.0.1:PORT", rest_proxy: { topics: [orders] } }
topics: { orders: { partitions: 1 } }
tables:
  bronze.lines: { from: orders, headers: true, files: { compression: none, buffer_time: 100ms } }
  bronze.bare: { from: orders, files: { compression: none, buffer_time: 100ms } }
  bronze.parquet: { from: orders, headers: true, files: { encoding: parquet, buffer_time: 100ms } }
  bronze.avro: { from: orders, headers: true, files: { encoding: avro, record: json, buffer_time: 100ms } }
"""


def test_headers_in_plain_files_and_documents(millrace, tmp_path_factory):
    """Values that are text, bytes, empty or missing, names that come twice, and a record that has a member called `_headers` itself."""
    import fastavro
    import pyarrow.parquet

    import mongodb

    config = FORMS
    with contextlib.ExitStack() as servers:
        environment = {}
        if (ROOT / ".deps/mongo").exists():
            mongo = servers.enter_context(mongodb.MongoDb(tmp_path_factory.mktemp("mongo")))
            environment["MONGO_URI"] = mongo.uri
            config += 'documents:\n  orders: { key: [id], headers: true, freshness: 100ms, mongodb: { uri: { secret: "env:MONGO_URI" }, database: shop } }\n'
        shop = Shop(millrace)
        millrace.write("millrace.yaml", config.replace("PORT", str(shop.port)))
        shop.start(env=environment)
        cluster = shop.ask("/v3/clusters")[2]["data"][0]["cluster_id"]
        sent = {
            1: [("trace", b'a"b'), ("raw", b"\x00\xff"), ("trace", b""), ("none", None)],
            2: [],
            3: [("n", b"1")],
        }
        for number, headers in sent.items():
            value = {"id": number, **({"_headers": "mine"} if number == 3 else {})}
            headers = [{"name": name, **({} if v is None else {"value": base64.b64encode(v).decode()})} for name, v in headers]
            record = json.dumps({"value": {"type": "JSON", "data": value}, "headers": headers}).encode()
            assert shop.ask(f"/v3/clusters/{cluster}/topics/orders/records", record)[2]["error_code"] == 200
        shop.stop()
        millrace.run("run", "--until-idle", env=environment)
        binary = {number: [header(k, v) for k, v in headers] or None for number, headers in sent.items()}
        text = [header("trace", 'a"b'), {"key": "raw", "value_base64": "AP8="}, header("trace", ""), header("none", None)]
        lake = millrace.folder / "data/lake/bronze"

        def lines(table):
            return {row["id"]: row for path in (lake / table).rglob("*.jsonl") for row in map(json.loads, path.read_text().splitlines())}

        told = lines("lines")
        assert {number: row["_headers"] for number, row in told.items()} == {1: text, 2: None, 3: [header("n", "1")]}
        assert told[3]["__headers"] == "mine" and lines("bare")[3]["_headers"] == "mine" and "_headers" not in lines("bare")[1]
        of_parquet = [row for path in (lake / "parquet").rglob("*.parquet") for row in pyarrow.parquet.read_table(path).to_pylist()]
        assert {row["id"]: row["_headers"] for row in of_parquet} == binary
        of_avro = [row for path in (lake / "avro").rglob("*.avro") for row in fastavro.reader(path.open("rb"))]
        assert {row["id"]: row["_headers"] for row in of_avro} == binary and "_offset" not in of_avro[0]
        if environment:
            pymongo = pytest.importorskip("pymongo")
            documents = {d["id"]: d for d in pymongo.MongoClient(mongo.uri)["shop"]["orders"].find()}
            assert {number: d["_headers"] for number, d in documents.items()} == {1: text, 2: None}
            (held,) = pymongo.MongoClient(mongo.uri)["shop"]["orders_quarantine"].find()
            assert "_headers" in held["detail"]


def test_what_cannot_be_kept(millrace):
    millrace.write("millrace.yaml", "tables: { bronze.orders: { from: orders, files: { record: json }, headers: true } }\ntopics: { orders: {} }")
    assert "bronze.orders.headers: lines have headers beside where a record came from" in millrace.run("check", expect=78).stderr


def test_headers_of_kafka(millrace, tmp_path_factory):
    confluent_kafka = pytest.importorskip("confluent_kafka")
    pytest.importorskip("confluent_kafka.admin")
    if shutil.which("kcat") is None or not (ROOT / ".deps/kafka").exists():
        pytest.skip("scripts/setup --servers fetches Kafka and kcat")
    from kafka import Kafka

    with Kafka(tmp_path_factory.mktemp("kafka")) as kafka:
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": kafka.bootstrap})
        admin.create_topics([confluent_kafka.admin.NewTopic("orders", 2, 1)])["orders"].result(30)
        producer = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap})
        wanted = {}
        for i in range(3000):  # several fetches
            headers = [("n", str(i).encode()), ("bytes", b"\x00\xff"), ("none", None), ("n", b"")] if i % 3 else None
            wanted[i] = [header(k, v) for k, v in headers] if headers else None
            producer.produce("orders", json.dumps({"id": i}).encode(), headers=headers)
        assert producer.flush(60) == 0
        subprocess.run(["kcat", "-P", "-b", kafka.bootstrap, "-t", "orders", "-p", "1", "-H", "by=kcat", "-H", "by=twice"], input=b'{"id": 3000}\n', check=True)
        wanted[3000] = [header("by", b"kcat"), header("by", b"twice")]
        config = f'name: headed\ndata_dir: data\nstream: {{ kafka: {{ brokers: "{kafka.bootstrap}" }} }}\n'
        millrace.write("millrace.yaml", config + "tables: { silver.orders: { from: orders, headers: true, metadata: true } }\n")
        millrace.write("in.jsonl", '{"id": 3001}\n')
        millrace.run("produce", "--topic", "orders", "--source-path", "in.jsonl", "-H", "from=millrace", "-H", "bare")
        wanted[3001] = [header("from", b"millrace"), header("bare", None)]
        millrace.run("run", "--until-idle")
        rows = pyiceberg_rows(millrace.folder / "data", "silver.orders")
        assert {row["id"]: row["_headers"] or None for row in rows} == wanted and len(rows) == 3002
        read = ["kcat", "-C", "-b", kafka.bootstrap, "-t", "orders", "-e", "-q", "-f", "%s %h\n"]
        said = subprocess.run(read, capture_output=True, check=True).stdout
        assert b'{"id": 3001} from=millrace,bare=NULL\n' in said
