"""Records into documents of servers that speak the protocols of MongoDB, DynamoDB and Firestore, judged by pymongo, boto3 and Google's own client: the last change of each key stands and no deleted document
comes back, whatever is killed on the way and however often it is done again."""

import json
import pathlib
import random
import subprocess
import sys
import time
import urllib.request

import pytest

from oracle import compare
from test_kafka import Pipeline, confluent_kafka, kafka, pipeline, stop, topic  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".deps/pymongo"))
sys.path.insert(0, str(ROOT / "tests/services"))

import dynamodb  # noqa: E402
import firestore  # noqa: E402
import mongodb  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402

pymongo = pytest.importorskip("pymongo")


NOBODY = 1  # a port that nobody answers at


class Mongo:
    """A store as the tests see it: how it is configured, and what another client finds in it. Documents come without ids and versions of the store's own."""

    changes, keys = 2000, 300

    def __init__(self, folder):
        self.server = mongodb.MongoDb(folder).start()
        self.client = pymongo.MongoClient(self.server.uri)
        self.number = 0

    def stop(self):
        self.server.stop()

    def fresh(self):
        """A place that is empty at first."""
        self.number += 1
        self.port = self.server.port  # where the program is to find it
        self.database = self.client[f"shop{self.number}"]

    def config(self, table, key=None):
        return f'mongodb: {{ uri: {{ secret: "env:MONGO_URI" }}, database: {self.database.name}, collection: {table} }}'

    def environment(self):
        where = "user:hidden@127.0.0.1:1/?serverSelectionTimeoutMS=300" if self.port == NOBODY else f"127.0.0.1:{self.port}/"
        return {"MONGO_URI": f"mongodb://{where}"}

    word = "mongodb"

    def raw(self, table):
        return sorted(self.database[table].find(), key=lambda document: str(document["_id"]))

    def documents(self, table):
        return [{name: value for name, value in d.items() if name not in ("_id", "_millrace")} for d in self.raw(table) if not d.get("_deleted")]

    def deleted(self, table):
        return [d for d in self.raw(table) if d.get("_deleted")]

    def held(self, table):
        return self.raw(table + "_quarantine")

    def lose_positions(self):
        assert self.database["_millrace_positions"].delete_many({}).deleted_count > 0


class Dynamo:
    """Tables of the same face; their names have a number in front, as there are no databases."""

    changes, keys = 400, 60

    def __init__(self, folder):
        self.server = dynamodb.DynamoDb(folder).start()
        self.client = dynamodb.client(self.server.endpoint)
        self.number = 0

    def fresh(self):
        self.number += 1
        self.port = self.server.port

    def config(self, table, key=None):
        numbers = "number_keys: [id], " if key == "number" else ""
        return (
            f'dynamodb: {{ endpoint: "http://127.0.0.1:{self.port}", region: us-east-1, access_key: {{ secret: "env:DYNAMO_KEY" }}, secret_key: {{ secret: "env:DYNAMO_SECRET" }}, '
            f"table: n{self.number}.{table}, positions_table: n{self.number}.positions, {numbers}create: true }}"
        )

    def environment(self):
        return {"DYNAMO_KEY": "test", "DYNAMO_SECRET": "hidden"}

    word = "dynamodb"

    def raw(self, table):
        return sorted(dynamodb.items(self.client, f"n{self.number}.{table}"), key=lambda item: json.dumps(item, sort_keys=True))

    stop, documents, deleted, held = Mongo.stop, Mongo.documents, Mongo.deleted, Mongo.held

    def lose_positions(self):
        table = f"n{self.number}.positions"
        lost = dynamodb.items(self.client, table)
        assert lost
        for item in lost:
            self.client.delete_item(TableName=table, Key={name: {"S": item[name]} for name in ("scope", "split")})


class Firestore:
    """Collections of the same face; Google's client runs in a Python of its own."""

    changes, keys = 600, 80

    def __init__(self, folder):
        self.server = firestore.Firestore(folder).start()
        self.number = 0
        reader = [sys.executable, "-u", ROOT / "tests/services/firestore_reader.py", self.server.address]
        self.reader = subprocess.Popen(reader, stdout=subprocess.PIPE, text=True)
        self.judge = self.reader.stdout.readline().strip()

    def stop(self):
        self.reader.kill()
        self.reader.wait()
        self.server.stop()

    def fresh(self):
        self.number += 1
        self.port = self.server.port

    def ask(self, **asked):
        with urllib.request.urlopen(self.judge, json.dumps(asked).encode()) as answer:
            return json.load(answer)

    def config(self, table, key=None):
        endpoint = f'endpoint: "http://127.0.0.1:{self.port}", project: {firestore.PROJECT}'
        return f"firestore: {{ {endpoint}, collection: n{self.number}_{table}, positions_collection: n{self.number}_positions }}"

    def environment(self):
        return {}

    word = "firestore"

    def raw(self, table):
        return self.ask(collection=f"n{self.number}_{table}")

    documents, deleted, held = Mongo.documents, Mongo.deleted, Mongo.held

    def lose_positions(self):
        assert self.ask(call="clear", arguments=[f"n{self.number}_positions"]) > 0


LACKS = {Mongo: "" if (ROOT / ".deps/mongo").exists() else "scripts/setup --servers fetches the servers", Dynamo: dynamodb.lacks(), Firestore: firestore.lacks()}


@pytest.fixture(scope="module", params=[pytest.param(kind, marks=pytest.mark.skipif(bool(why), reason=why), id=kind.word) for kind, why in LACKS.items()])
def stores(request, tmp_path_factory):
    store = request.param(tmp_path_factory.mktemp("store"))
    yield store
    store.stop()


@pytest.fixture
def store(stores):
    stores.fresh()
    return stores


@pytest.fixture(scope="module")
def mongo(tmp_path_factory):
    if LACKS[Mongo]:
        pytest.skip(LACKS[Mongo])
    with mongodb.MongoDb(tmp_path_factory.mktemp("mongo")) as server:
        yield server


CONFIG = """
name: docs
data_dir: data
sources:
  orders: {{ file: {{ path: "in/*.ndjson" }}, topic: orders }}
topics:
  orders: {{ partitions: 2 }}
documents:
  orders: {{ key: [id], {orders} }}
  log:    {{ from: orders, {log} }}
"""


class Shop:
    """A pipeline of files into two places of a store that are empty at first."""

    def __init__(self, millrace, store):
        self.millrace, self.store = millrace, store
        store.fresh()
        self.configure()
        rows = [{"id": f"k{i * 7 % store.keys}", "n": i, "of": {"list": [i, None, "ü"]}} for i in range(store.changes)]
        millrace.write("in/a.ndjson", "".join(json.dumps(row) + "\n" for row in rows) + '{"n": "no id"}\nno json\n')
        self.last = {row["id"]: row for row in rows}
        self.rows = rows

    def configure(self):
        where = {name: self.store.config(table) for name, table in (("orders", "orders"), ("log", "every_order"))}
        self.millrace.write("millrace.yaml", CONFIG.format(**where))

    def run(self, fault=None, expect=0):
        environment = {**self.store.environment(), **({"MILLRACE_FAULT": fault} if fault else {})}
        return self.millrace.run("run", "--until-idle", env=environment, expect=expect)

    def check(self):
        def lines(documents):
            return [json.dumps(document, sort_keys=True) for document in documents]

        compare(lines(self.last.values()), lines(self.store.documents("orders")), "orders")
        compare(lines(self.rows + [{"n": "no id"}]), lines(self.store.documents("every_order")), "every order")
        held = sorted((d["cause"], d["value"]) for d in self.store.held("orders"))
        assert held == [("malformed", "no json"), ("missing_key", '{"n": "no id"}')]
        assert [d["value"] for d in self.store.held("every_order")] == ["no json"]


def test_the_last_change_of_each_key_stands(millrace, store):
    shop = Shop(millrace, store)
    said = shop.run().stderr
    shop.check()
    assert "documents.orders" in said and "2 records to quarantine" in said
    before = store.raw("orders")
    shop.run()
    assert store.raw("orders") == before
    status = json.loads(millrace.run("status", "--why", "--json", env=store.environment()).stdout)
    assert {row["table"] for row in status["tables"]} == {"documents.orders", "documents.log"}


def test_a_crash_at_every_fault_point_changes_nothing_in_the_end(millrace, store):
    shop = Shop(millrace, store)
    points = millrace.folder / "points"
    millrace.run("run", "--until-idle", env={**store.environment(), "MILLRACE_FAULT_LOG": str(points)})
    shop.check()
    ours = [point for point in points.read_text().split() if point.startswith("documents.")]
    assert len(ours) == 8, ours
    for number, point in enumerate(ours):
        folder = millrace.folder / str(number)
        folder.mkdir()
        again = Shop(type(millrace)(folder), store)
        assert again.run(f"{point}:1", expect=None).returncode == 86, f"{point} was not passed"
        again.run(f"{point}:1", expect=None)
        again.run()
        try:
            again.check()
        except AssertionError as error:
            pytest.fail(f"after a crash at {point}: {error}")


def test_an_old_stretch_that_is_written_again_changes_nothing(millrace, store):
    shop = Shop(millrace, store)
    shop.run()
    before = store.raw("orders")
    store.lose_positions()
    shop.run()
    shop.check()
    assert store.raw("orders") == before


def test_errors_say_what_to_do(millrace, store):
    shop = Shop(millrace, store)
    store.port = NOBODY
    shop.configure()
    away = shop.run(expect=69)
    assert "documents" in away.stderr and "hidden" not in away.stderr
    config = (millrace.folder / "millrace.yaml").read_text()
    millrace.write("millrace.yaml", config.replace(f"{store.word}: {{", f"{store.word[:-2]}: {{"))
    wrong = millrace.run("check", env=store.environment(), expect=78)
    assert "millrace.yaml:" in wrong.stderr and store.word in wrong.stderr
    other = "firestore: { project: p }" if store.word == "dynamodb" else "dynamodb: { table: t }"
    millrace.write("millrace.yaml", config.replace("key: [id]", f"key: [id], {other}"))
    assert "exactly one store" in millrace.run("check", env=store.environment(), expect=78).stderr


def test_dynamodb_says_what_is_missing_and_what_does_not_fit(millrace, store):
    if store.word != "dynamodb":
        pytest.skip("of DynamoDB alone")
    shop = Shop(millrace, store)
    config = (millrace.folder / "millrace.yaml").read_text()
    millrace.write("millrace.yaml", config.replace("create: true", "create: false"))
    missing = shop.run(expect=78)
    assert f"no table n{store.number}." in missing.stderr and "aws dynamodb create-table" in missing.stderr
    millrace.write("millrace.yaml", config)
    shop.run()
    millrace.write("millrace.yaml", config.replace("key: [id]", "key: [n]"))
    assert "`key: [id]`" in shop.run(expect=78).stderr
    millrace.write("millrace.yaml", config.replace("key: [id]", "key: [a, b, c]"))
    assert "one or two members" in millrace.run("check", env=store.environment(), expect=78).stderr


@pytest.fixture
def proxy(store):
    with FaultProxy("tcp", f"127.0.0.1:{store.port}") as between:
        store.port = between.port
        yield between


def test_documents_follow_a_topic_through_kills_of_workers_and_cuts_of_connections(pipeline, store, proxy, monkeypatch):  # noqa: F811
    """Keyed rows and tombstones through a real Kafka, two workers, each killed; the connections to the server are cut in the middle of writes."""
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    pipeline.create(partitions=3)
    block = "  {name}: {{{{ from: {{topic}}, freshness: 100ms, key: [id], {where} }}}}\n"
    blocks = [("people", "people"), ("big", "copy")]
    documents = "documents:\n" + "".join(block.format(name=name, where=store.config(table, "number").replace("{", "{{").replace("}", "}}")) for name, table in blocks)
    configs = [pipeline.config(name, tables=documents) for name in ("one", "two")]
    producer = confluent_kafka.Producer({"bootstrap.servers": pipeline.kafka.bootstrap, "linger.ms": 1, "enable.idempotence": True})
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

    def held(name):
        return {d["id"]: d["v"] for d in store.documents(name)}

    wanted = {key: row["v"] for key, row in rows.items()}
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and (held("people") != wanted or held("copy") != wanted):
        time.sleep(0.3)
    for worker in workers:
        stop(worker)
    assert refused > 0, "nobody asked while the server was away"
    assert held("people") == wanted and held("copy") == wanted
    assert store.deleted("people")
    assert store.held("people") == []


def test_conditions_and_transforms_shape_what_is_deposited(millrace, store):
    config = f"""
sources: {{ somedata: {{ file: {{ path: in.ndjson }}, topic: somedata }} }}
documents:
  somedata: {{ where: "length(value) > 0", {store.config("somedata")} }}
  people:
    from: somedata
    key: [id]
    transform: "SELECT who.id AS id, upper(who.name) AS name, CAST(value AS INTEGER) + 1 AS next FROM batch WHERE who.id IS NOT NULL"
    {store.config("people", "number")}
"""
    millrace.write("millrace.yaml", config)
    rows = [{"value": "7", "who": {"id": 1, "name": "ann"}}, {"value": ""}, {"other": 1}, {"value": "x", "who": {"id": 2, "name": "bob"}}]
    millrace.write("in.ndjson", "".join(json.dumps(row) + "\n" for row in rows) + "no json\n")
    millrace.run("run", "--until-idle", env=store.environment())
    assert sorted(store.documents("somedata"), key=lambda one: json.dumps(one, sort_keys=True)) == [rows[0], rows[3]]
    assert store.documents("people") == [{"id": 1, "name": "ANN", "next": 8}]
    held = {d["value"]: (d["cause"], d["offset"]) for d in store.held("people")}
    assert held == {json.dumps(rows[3]): ("contract", 3), "no json": ("malformed", 4)}
    millrace.write("millrace.yaml", config.replace("length(value)", "nosuch(value)"))
    wrong = millrace.run("check", env=store.environment(), expect=78)
    assert "millrace.yaml:4" in wrong.stderr and "nosuch" in wrong.stderr


def test_positions_are_shown_and_set(millrace, store):
    """What was deleted from the collection behind the program's back comes again; what is newer stays."""
    millrace.write(
        "millrace.yaml",
        f"""
sources: {{ in: {{ file: {{ path: in.ndjson }}, topic: people }} }}
tables: {{ silver.people: {{ from: people }} }}
documents: {{ people: {{ key: [id], {store.config("people", "number")} }} }}
""",
    )
    millrace.write("in.ndjson", "".join(json.dumps({"id": i % 5, "n": i}) + "\n" for i in range(20)))
    millrace.run("run", "--until-idle", env=store.environment())
    show = lambda expect=0: [(row["table"], row["partition"], row["position"], row["lag"]) for row in json.loads(millrace.run("offsets", "show", "--json", env=store.environment(), expect=expect).stdout)]  # noqa: E731
    last = [{"id": i, "n": 15 + i} for i in range(5)]
    assert show() == [("silver.people", 0, "20", 0), ("documents.people", 0, "20", 0)]
    said = millrace.run("offsets", "set", "documents.people", "0=3", env=store.environment()).stderr
    assert "documents.people: the next run goes on at 0=3" in said and show()[1] == ("documents.people", 0, "3", 17)
    if store.word == "mongodb":
        store.database["people"].delete_one({"id": 2})
    millrace.run("run", "--until-idle", env=store.environment())
    assert sorted(store.documents("people"), key=lambda one: json.dumps(one, sort_keys=True)) == last and show()[1] == ("documents.people", 0, "20", 0)
    assert "no partition 7" in millrace.run("offsets", "set", "people", "7=1", env=store.environment(), expect=64).stderr
    if store.word == "mongodb":
        there, store.port = store.port, NOBODY
        assert show(expect=69) == [("silver.people", 0, "20", 0)]
        store.port = there


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


@pytest.mark.parametrize("cursor", ["", "cursor: at, "], ids=["by_id", "by_cursor"])
def test_ranges_of_a_collection_are_killed_and_go_on(millrace, mongo, cursor):
    """Killed within a first read by four ranges, at fault points and from outside, while documents are added and changed: each state comes once, in the order of the changes."""
    client = pymongo.MongoClient(mongo.uri)
    client.drop_database("ranges")
    original = client["ranges"]["original"]
    environment = {"MONGO_URI": mongo.uri}
    original.insert_many({"_id": n * 7919 % 1200, "n": n, "at": n, "padding": "x" * 20_000} for n in range(1200))
    millrace.write(
        "millrace.yaml",
        f"""
sources:
  parts: {{ mongodb: {{ uri: {{ secret: "env:MONGO_URI" }}, database: ranges, collection: original, {cursor}ranges: 4 }}, topic: parts }}
tables:
  bronze.parts: {{ from: parts }}
  silver.parts: {{ from: parts, key: [_id], upsert: {{}} }}
""",
    )
    for kill in (1, 2, 3, "outside"):
        if kill == "outside":
            process = millrace.start("run", "--until-idle", env=environment)
            time.sleep(0.3)
            process.kill()
            process.wait()
        else:
            millrace.run("run", "--until-idle", env={**environment, "MILLRACE_FAULT": f"app.source_ack:{kill}"}, expect=86)
    if cursor:
        original.update_many({"_id": {"$lt": 40}}, {"$set": {"n": -1, "at": 5000}})
    original.insert_many({"_id": n, "n": n, "at": n} for n in range(6000, 6010))
    millrace.run("run", "--until-idle", env=environment)
    millrace.run("run", "--until-idle", env=environment)

    def rows(table):
        return json.loads(millrace.run("query", f'SELECT "_id", n FROM {table} ORDER BY 1, 2', "--format", "json", env=environment).stdout)

    assert [(row["_id"], row["n"]) for row in rows("silver.parts")] == [(d["_id"], d["n"]) for d in original.find().sort("_id", 1)]
    states = [(row["_id"], row["n"]) for row in rows("bronze.parts")]
    assert len(states) == len(set(states)), "nothing comes twice"
    assert len(states) >= 1210
