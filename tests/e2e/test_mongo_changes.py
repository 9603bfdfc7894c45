"""Changes of a collection by its change stream: tables and copies follow it through kills, deletes too. The server is mongo-java-server with its oplog, whose limits tests/services/mongodb.py
names; what it cannot show is that a place is lost from the oplog (error 286), `invalidate`, and tokens of quiet collections."""

import json
import pathlib
import random
import sys
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".deps/pymongo"))
sys.path.insert(0, str(ROOT / "tests/services"))

import mongodb  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402

pymongo = pytest.importorskip("pymongo")
if not (ROOT / ".deps/mongo").exists():
    pytest.skip("scripts/setup --servers fetches the server", allow_module_level=True)
import bson  # noqa: E402


def let_a_second_pass():
    """Times of this server's oplog have whole seconds: it tells again what changed in the second in which somebody begins to follow."""
    time.sleep(1.1)


@pytest.fixture(scope="module")
def mongo(tmp_path_factory):
    with mongodb.MongoDb(tmp_path_factory.mktemp("mongo"), oplog=True) as server:
        yield server


class Writer(threading.Thread):
    """Changes a collection at random, and knows what it must hold: text and ObjectIds as ids, which a table can have in one column."""

    def __init__(self, collection, seed):
        super().__init__(daemon=True)
        self.collection, self.random, self.model, self.stopped = collection, random.Random(seed), {}, threading.Event()
        self.deleted = 0

    def any_id(self):
        number = self.random.randrange(400)
        return str(number) if number % 2 else bson.ObjectId(f"{number:024x}")

    def change(self, number):
        key, what = self.any_id(), self.random.randrange(10)
        if what < 2:
            self.collection.delete_one({"_id": key})
            self.deleted += self.model.pop(key, None) is not None
        elif what < 5 and key in self.model:
            self.collection.update_one({"_id": key}, {"$set": {"n": number, "in.deep": number}})
            self.model[key] = {**self.model[key], "n": number, "in": {**self.model[key]["in"], "deep": number}}
        else:
            self.model[key] = {"_id": key, "n": number, "in": {"x": "q\"\n"}}
            self.collection.replace_one({"_id": key}, self.model[key], upsert=True)

    def run(self):
        number = 0
        while not self.stopped.is_set():
            self.change(number := number + 1)
            if number % 20 == 0:
                time.sleep(0.01)

    def end(self):
        self.stopped.set()
        self.join()


CONFIG = """
name: follow
data_dir: data
sources:
  plain: {{ mongodb: {{ {place}, changes: documents, ranges: {ranges} }}, topic: plain }}
  exact: {{ mongodb: {{ {place}, changes: documents, form: extended }}, topic: exact }}
  told: {{ mongodb: {{ {place}, changes: envelope }}, topic: told }}
topics:
  plain: {{ partitions: 3 }}
  exact: {{ partitions: 3 }}
tables:
  silver.plain: {{ from: plain, key: [_id], upsert: {{}} }}
  silver.told: {{ from: told, key: [_id], upsert: {{ envelope: debezium, add_fields: [op] }} }}
documents:
  exact: {{ key: [_id], freshness: 100ms, mongodb: {{ uri: {{ secret: "env:MONGO_URI" }}, database: {database}, collection: copy }} }}
"""


def place_of(database, collection="original"):
    return f'uri: {{ secret: "env:MONGO_URI" }}, database: {database}, collection: {collection}'


def kill_again_and_again(millrace, environment, chance):
    for fault in ("app.source_ack:1", "app.source_ack:4", "stream.before_commit:9", "documents.before_move:1", *[None] * 3):
        if fault:
            millrace.run("run", "--until-idle", env={**environment, "MILLRACE_FAULT": fault}, expect=86)
            continue
        process = millrace.start("run", env=environment)
        time.sleep(chance.uniform(0.3, 1.5))
        process.kill()
        process.communicate()


def test_tables_and_copies_follow_a_collection_through_kills(millrace, mongo):
    """Three ways of following at once, one of them with its first read in ranges; the writer goes on all the while, and connections to the server break."""
    client = pymongo.MongoClient(mongo.uri)
    database = "follow"
    original = client[database]["original"]
    writer = Writer(original, seed=5)
    for number in range(600):  # documents that are there before anybody follows
        writer.change(-number)
    original.insert_many({"_id": f"fat{n}", "n": n, "in": {"x": "y" * 20_000}} for n in range(60))
    writer.model.update({f"fat{n}": {"_id": f"fat{n}", "n": n, "in": {"x": "y" * 20_000}} for n in range(60)})
    millrace.write("millrace.yaml", CONFIG.format(place=place_of(database), database=database, ranges=3))
    let_a_second_pass()
    writer.start()
    chance = random.Random(5)
    with FaultProxy("tcp", f"127.0.0.1:{mongo.port}") as between:
        environment = {"MONGO_URI": f"mongodb://127.0.0.1:{between.port}/"}
        between.inject(effect="reset", at=30_000, skip=3, times=12)
        try:
            kill_again_and_again(millrace, environment, chance)
        finally:
            writer.end()
        millrace.run("run", "--until-idle", env=environment)
        assert between.hits()[0] > 3, "connections broke"
    environment = {"MONGO_URI": mongo.uri}
    assert {d["_id"]: d for d in original.find()} == writer.model and writer.deleted > 20, "the writer knows what is there"

    def rows(table, more=""):
        said = millrace.run("query", f'SELECT "_id", n, "in"."x" AS x, "in".deep AS deep{more} FROM {table}', "--format", "json", env=environment).stdout
        return {row.pop("_id"): row for row in json.loads(said)}

    wanted = {str(key): {"n": d["n"], "x": d["in"]["x"], "deep": d["in"].get("deep")} for key, d in writer.model.items()}
    assert rows("silver.plain") == wanted
    told = rows("silver.told", ', "__op"')
    assert {row.pop("__op") for row in told.values()} == {"r", "c", "u"} and told == wanted
    copy = {d["_id"]: {k: v for k, v in d.items() if k != "_millrace"} for d in client[database]["copy"].find({"_deleted": {"$ne": True}})}
    assert copy == writer.model
    before = millrace.run("query", "SELECT count(*) FROM silver.plain", "--format", "csv", env=environment).stdout
    millrace.run("run", "--until-idle", env=environment)
    assert millrace.run("query", "SELECT count(*) FROM silver.plain", "--format", "csv", env=environment).stdout == before


def test_ids_that_look_alike_are_deleted_each_by_itself(millrace, mongo):
    """17 and "17" are two documents; keys of records say which."""
    client = pymongo.MongoClient(mongo.uri)
    original = client["alike"]["original"]
    original.insert_many([{"_id": 17, "n": 1}, {"_id": "17", "n": 2}, {"_id": bson.Int64(2**40), "n": 3}, {"_id": {"a": 1}, "n": 4}])
    millrace.write(
        "millrace.yaml",
        f"""
sources:
  all: {{ mongodb: {{ {place_of("alike")}, changes: documents, form: extended }}, topic: all }}
documents:
  all: {{ key: [_id], mongodb: {{ uri: {{ secret: "env:MONGO_URI" }}, database: alike, collection: copy }} }}
""",
    )
    environment = {"MONGO_URI": mongo.uri}

    def followed():
        millrace.run("run", "--until-idle", env=environment)
        return [{k: v for k, v in d.items() if k != "_millrace"} for d in client["alike"]["copy"].find({"_deleted": {"$ne": True}}).sort("n", 1)]

    assert followed() == list(original.find().sort("n", 1))
    original.delete_one({"_id": "17"})
    original.delete_one({"_id": {"a": 1}})
    assert followed() == list(original.find().sort("n", 1)) and original.count_documents({}) == 2


def test_what_ends_a_change_stream_is_said_with_what_to_do(millrace, mongo, tmp_path_factory):
    """A server without change streams, a collection that is dropped, and what `changes` does not go with."""
    text = f"sources:\n  all:\n    mongodb: {{ {place_of('ends')}, changes: documents }}\n    topic: all\ntables:\n  silver.all: {{ from: all, key: [_id], upsert: {{}} }}\n"
    millrace.write("millrace.yaml", text)
    with mongodb.MongoDb(tmp_path_factory.mktemp("alone")) as alone:
        said = millrace.run("run", "--until-idle", env={"MONGO_URI": alone.uri}, expect=78).stderr
    assert "millrace.yaml:3: sources.all.mongodb.changes: the server gives no change stream" in said and "replica set" in said
    environment = {"MONGO_URI": mongo.uri}
    client = pymongo.MongoClient(mongo.uri)
    client["ends"]["original"].insert_one({"_id": "a", "n": 1})
    millrace.run("run", "--until-idle", env=environment)
    client["ends"]["original"].insert_one({"_id": "b", "n": 2})
    client["ends"]["original"].drop()
    client["ends"]["original"].insert_one({"_id": "c", "n": 3})
    for _ in range(2):
        said = millrace.run("run", "--until-idle", env=environment, expect=1).stderr
        assert "the collection original is gone" in said and "another name" in said

    def ids():
        return json.loads(millrace.run("query", 'SELECT "_id" FROM silver.all ORDER BY 1', "--format", "json", env=environment).stdout)

    let_a_second_pass()
    millrace.write("millrace.yaml", text.replace("  all:\n    mongodb", "  again:\n    mongodb"))
    millrace.run("run", "--until-idle", env=environment)
    assert [row["_id"] for row in ids()] == ["a", "b", "c"], "what changed before the drop was taken, and the source of another name goes on"
    millrace.write("millrace.yaml", text.replace("changes: documents", "changes: documents, cursor: at, every: 1s, filter: '{}'").replace("    topic: all\n", ""))
    said = millrace.run("check", env=environment, expect=78).stderr
    for word in ("cursor", "every", "filter"):
        assert f"millrace.yaml:3: sources.all.mongodb.{word}: " in said
    assert "sources.all.mongodb.changes: needs a `topic`" in said
