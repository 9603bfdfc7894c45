"""Records into documents of a server that speaks MongoDB's protocol, judged by pymongo: the last change of each key stands and no deleted document
comes back, whatever is killed on the way and however often it is done again."""

import json
import pathlib
import random
import sys
import time

import pytest

from oracle import compare
from test_kafka import Pipeline, confluent_kafka, kafka, pipeline, stop, topic  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".deps/pymongo"))
sys.path.insert(0, str(ROOT / "tests/services"))

import mongodb  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402

pymongo = pytest.importorskip("pymongo")
pytestmark = pytest.mark.skipif(not (ROOT / ".deps/mongo").exists(), reason="scripts/setup --servers fetches the servers")

CONFIG = """
name: docs
data_dir: data
sources:
  orders: {{ file: {{ path: "in/*.ndjson" }}, topic: orders }}
topics:
  orders: {{ partitions: 2 }}
documents:
  orders: {{ key: [id], mongodb: {{ uri: {{ secret: "env:MONGO_URI" }}, database: shop }} }}
  log:    {{ from: orders, mongodb: {{ uri: {{ secret: "env:MONGO_URI" }}, database: shop, collection: every_order }} }}
"""
CHANGES, KEYS = 2000, 300


@pytest.fixture(scope="module")
def mongo(tmp_path_factory):
    with mongodb.MongoDb(tmp_path_factory.mktemp("mongo")) as server:
        yield server


class Shop:
    """A pipeline of files into two collections of a database that is empty at first."""

    def __init__(self, millrace, mongo):
        self.millrace = millrace
        self.environment = {"MONGO_URI": mongo.uri}
        self.client = pymongo.MongoClient(mongo.uri)
        self.client.drop_database("shop")
        self.database = self.client["shop"]
        millrace.write("millrace.yaml", CONFIG.format())
        rows = [{"id": f"k{i * 7 % KEYS}", "n": i, "of": {"list": [i, None, "ü"]}} for i in range(CHANGES)]
        millrace.write("in/a.ndjson", "".join(json.dumps(row) + "\n" for row in rows) + '{"n": "no id"}\nno json\n')
        self.last = {row["id"]: row for row in rows}
        self.rows = rows

    def run(self, fault=None, expect=0):
        environment = {**self.environment, **({"MILLRACE_FAULT": fault} if fault else {})}
        return self.millrace.run("run", "--until-idle", env=environment, expect=expect)

    def documents(self, collection, query=None):
        found = []
        for document in self.database[collection].find(query or {}):
            document.pop("_millrace")
            found.append(document)
        return found

    def check(self):
        compare([json.dumps({"_id": k, **row}) for k, row in self.last.items()], [json.dumps(d) for d in self.documents("orders")], "orders")
        every = self.documents("every_order")
        assert len(every) == CHANGES + 1
        compare([json.dumps(row) for row in self.rows + [{"n": "no id"}]], [json.dumps({k: v for k, v in d.items() if k != "_id"}) for d in every], "every order")
        held = sorted((d["cause"], d["value"]) for d in self.database["orders_quarantine"].find())
        assert held == [("malformed", "no json"), ("missing_key", '{"n": "no id"}')]
        assert [d["value"] for d in self.database["every_order_quarantine"].find()] == ["no json"]


def test_the_last_change_of_each_key_stands(millrace, mongo):
    shop = Shop(millrace, mongo)
    said = shop.run().stderr
    shop.check()
    assert "documents.orders" in said and "2 records to quarantine" in said
    before = list(shop.database["orders"].find())
    shop.run()
    assert list(shop.database["orders"].find()) == before
    status = json.loads(millrace.run("status", "--why", "--json", env=shop.environment).stdout)
    assert {row["table"] for row in status["tables"]} == {"documents.orders", "documents.log"}


def test_a_crash_at_every_fault_point_changes_nothing_in_the_end(millrace, mongo):
    shop = Shop(millrace, mongo)
    points = millrace.folder / "points"
    millrace.run("run", "--until-idle", env={**shop.environment, "MILLRACE_FAULT_LOG": str(points)})
    shop.check()
    ours = [point for point in points.read_text().split() if point.startswith("documents.")]
    assert len(ours) == 8, ours
    for number, point in enumerate(ours):
        folder = millrace.folder / str(number)
        folder.mkdir()
        again = Shop(type(millrace)(folder), mongo)
        assert again.run(f"{point}:1", expect=None).returncode == 86, f"{point} was not passed"
        again.run(f"{point}:1", expect=None)
        again.run()
        try:
            again.check()
        except AssertionError as error:
            pytest.fail(f"after a crash at {point}: {error}")


def test_an_old_stretch_that_is_written_again_changes_nothing(millrace, mongo):
    shop = Shop(millrace, mongo)
    shop.run()
    before = sorted(shop.database["orders"].find(), key=lambda d: d["_id"])
    # As if every position had been lost.
    shop.database["_millrace_positions"].delete_many({})
    shop.run()
    shop.check()
    assert sorted(shop.database["orders"].find(), key=lambda d: d["_id"]) == before


def test_errors_say_what_to_do(millrace, mongo):
    shop = Shop(millrace, mongo)
    away = millrace.run("run", "--until-idle", env={"MONGO_URI": "mongodb://user:hidden@127.0.0.1:1/?serverSelectionTimeoutMS=300"}, expect=69)
    assert "documents" in away.stderr and "hidden" not in away.stderr
    millrace.write("millrace.yaml", CONFIG.format().replace("mongodb: { uri", "mongo: { uri"))
    wrong = millrace.run("check", env=shop.environment, expect=78)
    assert "millrace.yaml:" in wrong.stderr and "mongodb" in wrong.stderr


DOCUMENTS = """
documents:
  people: {{ from: {topic}, freshness: 100ms, key: [id], mongodb: {{ uri: {{ secret: "env:MONGO_URI" }}, database: DATABASE, collection: people }} }}
  big:    {{ from: {topic}, freshness: 100ms, key: [id], mongodb: {{ uri: {{ secret: "env:MONGO_URI" }}, database: DATABASE, collection: copy }} }}
"""


@pytest.fixture
def proxy(mongo):
    with FaultProxy("tcp", f"127.0.0.1:{mongo.port}") as between:
        yield between


def test_collections_follow_a_topic_through_kills_of_workers_and_cuts_of_connections(pipeline, mongo, proxy, monkeypatch):  # noqa: F811
    """Keyed rows and tombstones through a real Kafka, two workers, each killed; the connections to the server are cut in the middle of writes."""
    monkeypatch.setenv("MONGO_URI", f"mongodb://127.0.0.1:{proxy.port}/")
    pipeline.create(partitions=3)
    configs = [pipeline.config(name, tables=DOCUMENTS.replace("DATABASE", "d" + pipeline.topic)) for name in ("one", "two")]
    producer = confluent_kafka.Producer({"bootstrap.servers": pipeline.kafka.bootstrap, "linger.ms": 1})
    chance, rows, count = random.Random(11), {}, 0

    def change(number):
        nonlocal count
        for _ in range(number):
            count += 1
            key = chance.randrange(150)
            if key in rows and chance.random() < 0.3:
                producer.produce(pipeline.topic, None, key=str(key))
                del rows[key]
            else:
                rows[key] = {"id": key, "v": count}
                producer.produce(pipeline.topic, json.dumps(rows[key]), key=str(key))
        assert producer.flush(60) == 0

    workers, refused = [pipeline.start(config) for config in configs], 0
    change(500)
    for cycle in range(3):
        change(300)
        time.sleep(0.5)
        workers[cycle % 2].kill()
        workers[cycle % 2].wait()
        change(200)
        proxy.inject(effect="refused", times=-1)
        proxy.cut()
        time.sleep(1)
        change(200)
        refused += sum(proxy.hits())
        proxy.clear()
        workers[cycle % 2] = pipeline.start(configs[cycle % 2])
        time.sleep(1)
    database = pymongo.MongoClient(mongo.uri)["d" + pipeline.topic]

    def held(name):
        return {d["id"]: d["v"] for d in database[name].find({"_deleted": {"$ne": True}})}

    wanted = {key: row["v"] for key, row in rows.items()}
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and (held("people") != wanted or held("copy") != wanted):
        time.sleep(0.3)
    for worker in workers:
        stop(worker)
    assert refused > 0, "nobody asked while the server was away"
    assert held("people") == wanted and held("copy") == wanted
    assert database["people"].count_documents({"_deleted": True}) > 0
    assert database["people_quarantine"].count_documents({}) == 0


def test_conditions_and_transforms_shape_what_is_deposited(millrace, mongo):
    client = pymongo.MongoClient(mongo.uri)
    client.drop_database("shaped")
    config = """
sources: { somedata: { file: { path: in.ndjson }, topic: somedata } }
documents:
  somedata: { where: "length(value) > 0", mongodb: { uri: { secret: "env:MONGO_URI" }, database: shaped } }
  people:
    from: somedata
    key: [_id]
    transform: "SELECT who.id AS _id, upper(who.name) AS name, CAST(value AS INTEGER) + 1 AS next FROM batch WHERE who.id IS NOT NULL"
    mongodb: { uri: { secret: "env:MONGO_URI" }, database: shaped }
"""
    millrace.write("millrace.yaml", config)
    rows = [{"value": "7", "who": {"id": 1, "name": "ann"}}, {"value": ""}, {"other": 1}, {"value": "x", "who": {"id": 2, "name": "bob"}}]
    millrace.write("in.ndjson", "".join(json.dumps(row) + "\n" for row in rows) + "no json\n")
    environment = {"MONGO_URI": mongo.uri}
    millrace.run("run", "--until-idle", env=environment)
    shaped = client["shaped"]
    assert [{k: v for k, v in d.items() if not k.startswith("_")} for d in shaped["somedata"].find()] == [rows[0], rows[3]]
    assert [{k: v for k, v in d.items() if k != "_millrace"} for d in shaped["people"].find()] == [{"_id": 1, "name": "ANN", "next": 8}]
    held = {d["value"]: (d["cause"], d["offset"]) for d in shaped["people_quarantine"].find()}
    assert held == {json.dumps(rows[3]): ("contract", 3), "no json": ("malformed", 4)}
    millrace.write("millrace.yaml", config.replace("length(value)", "nosuch(value)"))
    wrong = millrace.run("check", env=environment, expect=78)
    assert "millrace.yaml:4" in wrong.stderr and "nosuch" in wrong.stderr


def test_a_collection_goes_through_a_topic_into_a_table_and_another_collection(millrace, mongo):
    """Documents of all types, changed between runs and read through kills; the table has the last of each, the copy is the original."""
    import bson
    import datetime

    client = pymongo.MongoClient(mongo.uri)
    client.drop_database("whole")
    original = client["whole"]["original"]
    environment = {"MONGO_URI": mongo.uri}
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)
    documents = {n: {"_id": bson.ObjectId(f"{n:024x}"), "n": n, "at": n, "when": now, "of": [n, {"x": None}]} for n in range(500)}
    original.insert_many(documents.values())
    place = 'uri: { secret: "env:MONGO_URI" }, database: whole'
    millrace.write(
        "millrace.yaml",
        f"""
sources:
  plain: {{ mongodb: {{ {place}, collection: original, cursor: at }}, topic: plain }}
  exact: {{ mongodb: {{ {place}, collection: original, cursor: at, form: extended }}, topic: exact }}
tables:
  silver.original: {{ from: plain, key: [_id], upsert: {{}}, columns: {{ when: timestamptz }} }}
documents:
  exact: {{ key: [_id], mongodb: {{ {place}, collection: copy }} }}
""",
    )
    for fault in ("app.source_ack:1", "stream.before_commit:3", "documents.before_move:1", None):
        millrace.run("run", "--until-idle", env={**environment, **({"MILLRACE_FAULT": fault} if fault else {})}, expect=86 if fault else 0)
    for n in range(0, 500, 7):
        documents[n] = {**documents[n], "n": -n, "at": 1000 + n}
        original.replace_one({"_id": documents[n]["_id"]}, documents[n])
    millrace.run("run", "--until-idle", env=environment)
    copy = {d["_id"]: {k: v for k, v in d.items() if k != "_millrace"} for d in client["whole"]["copy"].find()}
    assert copy == {d["_id"]: d for d in original.find()}
    rows = json.loads(millrace.run("query", 'SELECT "_id", n, "when" FROM silver.original ORDER BY "_id"', "--format", "json", env=environment).stdout)
    assert [(row["_id"], row["n"]) for row in rows] == [(str(d["_id"]), d["n"]) for d in sorted(documents.values(), key=lambda d: d["_id"])]
    topic = millrace.run("topics", "describe", "plain", "--json", env=environment).stdout
    assert "572" in topic, "500 documents, and 72 that were changed, each once"
