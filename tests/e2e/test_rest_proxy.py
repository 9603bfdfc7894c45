"""Confluent's REST Proxy: what its clients send is on the topic once for each acknowledgement, where the answer says it is."""

import base64
import collections
import http.client
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

import oracle
from conftest import ROOT, Millrace
from test_http_ingest import Front

sys.path.insert(0, str(ROOT / "tests/services"))
from kafka import Kafka  # noqa: E402
from server_process import free_port  # noqa: E402

confluent_kafka = pytest.importorskip("confluent_kafka")
sr = pytest.importorskip("confluent_kafka.schema_registry")
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from confluent_kafka.schema_registry.avro import AvroDeserializer  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402

CONFIG = """
name: shop
data_dir: data
memory: 256MiB
{stream}
server:
  listen: 127.0.0.1:{port}
  {tokens}
  rest_proxy: {{ topics: {topics}, create_topics: {create} }}
{more}
"""
TABLES = """
topics:
  orders: { partitions: 3 }
tables:
  silver.orders: { from: orders, metadata: true, freshness: 300ms }
  silver.people: { from: people, format: avro, freshness: 300ms }
  silver.checked: { from: checked, format: json_schema, freshness: 300ms }
"""
V2 = "application/vnd.kafka.v2+json"
PERSON = json.dumps({"type": "record", "name": "Person", "fields": [{"name": "id", "type": "long"}, {"name": "nick", "type": ["null", "string"]}]})


class Proxy(Front):
    def __init__(self, millrace, stream="", tokens="", topics='[orders, people, checked, "new-*"]', create="true", more=TABLES):
        self.millrace = millrace
        self.port = free_port()
        self.process = None
        millrace.write("millrace.yaml", CONFIG.format(stream=stream, port=self.port, tokens=tokens, topics=topics, create=create, more=more))

    def post(self, path, body, content_type="application/vnd.kafka.json.v2+json", timeout=30, **headers):
        """Status, headers and bytes."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def v2(self, topic, body, form="json", **more):
        status, headers, said = self.post(f"/topics/{topic}", body, f"application/vnd.kafka.{form}.v2+json", **more)
        assert headers["Content-Type"] == V2, said
        return status, json.loads(said)

    def v3(self, topic, *records, cluster="shop", **more):
        """The status and the objects of an answer."""
        body = records[0] if isinstance(records[0], bytes) else b"".join(json.dumps(record).encode() for record in records)
        status, headers, said = self.post(f"/v3/clusters/{cluster}/topics/{topic}/records", body, "application/json", **more)
        assert headers["Content-Type"] == "application/json"
        return status, objects_of(said)


def objects_of(said):
    decoder, objects, text = json.JSONDecoder(), [], said.decode().strip()
    while text:
        value, end = decoder.raw_decode(text)
        objects.append(value)
        text = text[end:].strip()
    return objects


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """One that most tests share: each has ids, or topics, of its own."""
    front = Proxy(Millrace(tmp_path_factory.mktemp("proxy"))).start()
    yield front
    front.stop()


def places(front, ids):
    """Where the rows with these ids came from, once all are there."""
    deadline = time.monotonic() + 60
    while True:
        found = {}
        if "silver.orders" in oracle.Lake(front.millrace.folder / "data").tables():
            rows = [row for row in front.rows("silver.orders") if row["id"] in ids]
            found = {row["id"]: (row["_partition"], row["_offset"], row["_key"]) for row in rows}
            assert len(found) == len(rows), "a record is there twice"
        if len(found) == len(ids):
            return found
        assert time.monotonic() < deadline, (len(found), len(ids))
        time.sleep(0.1)


def test_v2_says_where_each_record_went(proxy):
    records = [{"value": {"id": 1}}, {"key": "k", "value": {"id": 2}}, {"key": {"a": 1}, "value": {"id": 3}, "partition": 2}]
    status, said = proxy.v2("orders", {"records": records})
    assert status == 200 and said["key_schema_id"] is None and said["value_schema_id"] is None
    assert all(offset["error_code"] is None and offset["error"] is None for offset in said["offsets"])
    packed = base64.b64encode(b'{"id":4}').decode()
    status, more = proxy.v2("orders", {"records": [{"key": base64.b64encode(b"k").decode(), "value": packed, "partition": None}]}, form="binary")
    assert status == 200
    status, _, third = proxy.post("/topics/orders/partitions/1", {"records": [{"value": {"id": 5}}]})
    third = json.loads(third)
    assert status == 200 and third["offsets"][0]["partition"] == 1
    answered = [(o["partition"], o["offset"]) for o in said["offsets"] + more["offsets"] + third["offsets"]]
    landed = places(proxy, range(1, 6))
    assert [landed[i][:2] for i in range(1, 6)] == answered
    assert answered[2][0] == 2
    assert [landed[i][2] for i in range(1, 6)] == [None, b'"k"', b'{"a":1}', b"k", None]


def test_v2_refuses_with_confluents_codes(proxy):
    good = {"records": [{"value": 1}]}
    for path, body, form, code in (
        ("/topics/other", good, "json", 40301),
        ("/topics/orders/partitions/3", good, "json", 40402),
        ("/topics/orders", {"records": [{"value": 1, "partition": 7}]}, "json", 40402),
        ("/topics/orders/partitions/x", good, "json", 40402),
        ("/topics/orders", {"records": []}, "json", 422),
        ("/topics/orders", {}, "json", 422),
        ("/topics/orders", {"records": [{"vlaue": 1}]}, "json", 422),
        ("/topics/orders", {"records": [1]}, "json", 422),
        ("/topics/orders", [1], "json", 400),
        ("/topics/orders", b'{"records":[{"value":1}', "json", 400),
        ("/topics/orders", b"", "json", 42206),
        ("/topics/orders", {"records": [{"value": "=?"}]}, "binary", 400),
        ("/topics/orders", {"records": [{"value": 5}]}, "binary", 400),
        ("/topics/people", {"records": [{"value": {"id": 1}}]}, "avro", 42202),
        ("/topics/people", {"records": [{"key": 1}]}, "avro", 42201),
        ("/topics/people", {"records": [{"value": 1}], "value_schema": "no schema"}, "avro", 42205),
        ("/topics/people", {"records": [{"value": 1}], "value_schema_id": 4711}, "avro", 42205),
        ("/topics/people", {"records": [{"value": {"id": "x"}}], "value_schema": PERSON}, "avro", 42203),
        ("/topics/orders", good, "protobuf", 415),
    ):
        status, _, said = proxy.post(path, body, f"application/vnd.kafka.{form}.v2+json")
        said = json.loads(said)
        assert said["error_code"] == code and status == (code if code < 1000 else code // 100) and said["message"], (path, body, said)
    assert proxy.ask("/topics/none")[::2] == (404, {"error_code": 40401, "message": "Topic not found."})
    assert proxy.ask("/topics/orders/partitions/9")[2]["error_code"] == 40402


def test_v2_shows_topics_and_makes_those_it_may(proxy):
    assert {"orders", "people", "checked"} <= set(proxy.ask("/topics")[2])
    assert "new-one" not in proxy.ask("/topics")[2]
    status, said = proxy.v2("new-one", {"records": [{"value": {"id": 1}}, {"value": {"id": 2}}]})
    assert status == 200 and [(o["partition"], o["offset"]) for o in said["offsets"]] == [(0, 0), (0, 1)]
    topic = proxy.ask("/topics/new-one")[2]
    assert topic["name"] == "new-one" and [p["partition"] for p in topic["partitions"]] == [0]
    assert proxy.ask("/topics/new-one/partitions")[2] == topic["partitions"]
    assert proxy.ask("/topics/new-one/partitions/0")[2] == topic["partitions"][0]
    assert proxy.ask("/topics/new-one/partitions/0/offsets")[2] == {"beginning_offset": 0, "end_offset": 2}
    assert proxy.ask("/brokers")[2] == {"brokers": [0]}


def test_v2_writes_what_schemas_say(proxy):
    body = {"value_schema": PERSON, "key_schema": '"string"', "records": [{"key": "a", "value": {"id": 1, "nick": {"string": "x"}}}, {"value": {"id": 2, "nick": None}}]}
    status, said = proxy.v2("people", body, form="avro")
    assert status == 200, said
    registered = proxy.ask("/subjects/people-value/versions/latest")[2]
    assert said["value_schema_id"] == registered["id"] and json.loads(registered["schema"]) == json.loads(PERSON)
    assert said["key_schema_id"] == proxy.ask("/subjects/people-key/versions/latest")[2]["id"]
    again = {"value_schema_id": said["value_schema_id"], "records": [{"value": {"id": 3, "nick": "y"}}]}
    assert proxy.v2("people", again, form="avro")[1]["value_schema_id"] == said["value_schema_id"]
    schema = json.dumps({"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]})
    assert proxy.v2("checked", {"value_schema": schema, "records": [{"value": {"id": 1}}]}, form="jsonschema")[0] == 200
    assert proxy.v2("checked", {"value_schema": schema, "records": [{"value": {}}]}, form="jsonschema")[1]["error_code"] == 42203
    proxy.wait_for("silver.people", 3)
    assert sorted((r["id"], r["nick"]) for r in proxy.rows("silver.people")) == [(1, "x"), (2, None), (3, "y")]
    proxy.wait_for("silver.checked", 1)
    assert [r["id"] for r in proxy.rows("silver.checked")] == [1]


def test_an_idempotency_key_is_answered_without_a_place(proxy):
    body = {"records": [{"value": {"id": 900}}]}
    assert proxy.v2("orders", body, Idempotency_Key="nine")[1]["offsets"][0]["offset"] is not None
    status, said = proxy.v2("orders", body, Idempotency_Key="nine")
    assert status == 200 and said["offsets"] == [{"partition": None, "offset": None, "error_code": None, "error": None}]
    places(proxy, [900])


def test_v3_answers_each_record(proxy):
    clusters = proxy.ask("/v3/clusters")[2]
    assert clusters["kind"] == "KafkaClusterList" and [c["cluster_id"] for c in clusters["data"]] == ["shop"]
    assert proxy.ask(clusters["data"][0]["metadata"]["self"].split(str(proxy.port))[1])[2]["cluster_id"] == "shop"
    assert "orders" in [t["topic_name"] for t in proxy.ask("/v3/clusters/shop/topics")[2]["data"]]
    assert proxy.ask("/v3/clusters/shop/topics/orders")[2]["partitions_count"] == 3
    schema = {"type": "AVRO", "schema": PERSON, "subject": "people-v3", "data": {"id": 50, "nick": "v3"}}
    records = [
        {"value": {"type": "JSON", "data": {"id": 10}}, "partition_id": 1, "timestamp": "2021-02-05T19:14:42Z"},
        {"value": {"type": "BINARY", "data": base64.b64encode(b'{"id":11}').decode()}, "key": {"type": "STRING", "data": "s"}},
        {"value": {"type": "STRING", "data": '{"id":12}'}},
        {"value": {"type": "JSON", "data": 1}, "headers": [{"name": "h", "value": "YQ=="}]},
        {"value": {"type": "JSON", "data": 1}, "partition_id": 3},
        {"value": {"type": "PROTOBUF", "data": 1}},
        {"value": {"data": {"id": 1}}},
    ]
    status, said = proxy.v3("orders", *records)
    assert status == 200 and [s["error_code"] for s in said] == [200, 200, 200, 200, 40402, 400, 42207], said
    assert said[0]["partition_id"] == 1 and said[0]["timestamp"].startswith("2021-02-05T19:14:42")
    assert said[0]["value"] == {"type": "JSON", "size": 9} and said[1]["key"] == {"type": "STRING", "size": 1}
    assert {s["topic_name"] for s in said[:3]} == {"orders"} and {s["cluster_id"] for s in said[:3]} == {"shop"}
    landed = places(proxy, [10, 11, 12])
    assert [landed[i][:2] for i in (10, 11, 12)] == [(s["partition_id"], s["offset"]) for s in said[:3]]
    assert landed[11][2] == b"s"
    assert proxy.v3("new-people", {"value": schema})[1][0]["value"]["subject"] == "people-v3"
    known = proxy.ask("/subjects/people-v3/versions/1")[2]["id"]
    for data in ({"schema_id": known}, {"subject": "people-v3"}, {"subject": "people-v3", "schema_version": 1}):
        status, said = proxy.v3("new-people", {"value": {**data, "data": {"id": 51, "nick": None}}})
        assert status == 200 and said[0]["error_code"] == 200 and said[0]["value"]["schema_id"] == known, said
    proto = json.dumps({"schemaType": "PROTOBUF", "schema": 'syntax = "proto3"; message M { int64 id = 1; }'}).encode()
    foreign = proxy.ask("/subjects/proto-value/versions", proto)[2]["id"]
    assert proxy.v3("orders", {"value": {"schema_id": foreign, "data": {"id": 1}}})[1][0]["error_code"] == 42205
    assert proxy.v3("orders", records[0], cluster="other")[0] == 404
    assert proxy.v3("other", records[0])[1][0]["error_code"] == 40301
    assert proxy.v3("orders", b"  ")[1][0]["error_code"] == 42206
    assert [s["error_code"] for s in proxy.v3("orders", b'{"value":{"type":"JSON","data":{"id":13}}} x')[1]] == [200, 400]
    assert [s["error_code"] for s in proxy.v3("orders", b'{"value":{"type":"JSON","data":{"id":14}}}\n{"value":')[1]] == [200, 400]
    places(proxy, [13, 14])


class Chunked:
    """A client that sends a record when it has the answer to the one before."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        self.answer = None

    def send(self, piece):
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))

    def read(self):
        if self.answer is None:
            self.answer = http.client.HTTPResponse(self.socket)
            self.answer.begin()
            assert self.answer.status == 200
        return json.loads(self.answer.readline())

    def end(self):
        self.socket.sendall(b"0\r\n\r\n")
        return objects_of(self.answer.read())


def test_v3_streams(proxy):
    client = Chunked(proxy.port, "/v3/clusters/shop/topics/orders/records")
    client.send(b'{"value":{"type":"JSON","data":{"id":20}}}{"value":{"type":"JS')
    first = client.read()
    assert first["error_code"] == 200, "it is answered while the rest is on its way"
    client.send(b'ON","data":{"id":21}}}\n{"val')
    second = client.read()
    client.send(b'ue":{"type":"JSON","data":{"id":22}},"partition_id":9}')
    assert client.read()["error_code"] == 40402
    client.send(b'{"value":')
    assert [problem["error_code"] for problem in client.end()] == [400]
    landed = places(proxy, [20, 21])
    assert [landed[20][:2], landed[21][:2]] == [(s["partition_id"], s["offset"]) for s in (first, second)]


def test_a_token_is_good_for_its_roles(millrace):
    os.environ.update(SENDER="sender-token-sender", WATCHER="watcher-token-watcher")
    tokens = "tokens: { sender: { token: { secret: env:SENDER }, roles: [ingest] }, watcher: { token: { secret: env:WATCHER } } }"
    front = Proxy(millrace, tokens=tokens, create="false").start()
    body = {"records": [{"value": 1}]}
    sender, watcher = "Bearer sender-token-sender", "Bearer watcher-token-watcher"
    assert front.post("/topics/orders", body)[0] == 401
    assert front.post("/topics/orders", body, Authorization=watcher)[0] == 403
    assert front.post("/topics/orders", body, Authorization=sender)[0] == 200
    assert front.ask("/topics", Authorization=sender)[0] == 403
    assert "orders" in front.ask("/topics", Authorization=watcher)[2]
    status, _, said = front.post("/topics/new-one", body, Authorization=sender)
    assert status == 404 and json.loads(said)["error_code"] == 40401
    front.kill()


class Posters:
    """Send numbered events over both APIs, each once; remember which were acknowledged, and where they are said to be."""

    def __init__(self, front, topic="orders", cluster="shop", threads=4):
        self.front, self.topic, self.cluster = front, topic, cluster
        self.lock = threading.Lock()
        self.next = 0
        self.acked = {}
        self.stopping = False
        self.threads = [threading.Thread(target=self.send, args=(n,)) for n in range(threads)]
        for thread in self.threads:
            thread.start()

    def send(self, number):
        while not self.stopping:
            with self.lock:
                ids = list(range(self.next, self.next + 3))
                self.next += 3
            try:
                if number % 2:
                    said = self.front.v2(self.topic, {"records": [{"key": str(i % 7), "value": {"id": i}} for i in ids]}, timeout=20)[1].get("offsets", [])
                    answers = [(o["partition"], o["offset"], o["error_code"]) for o in said]
                else:
                    records = [{"key": {"type": "STRING", "data": str(i % 7)}, "value": {"type": "JSON", "data": {"id": i}}} for i in ids]
                    said = self.front.v3(self.topic, *records, cluster=self.cluster, timeout=20)[1]
                    answers = [(o.get("partition_id"), o.get("offset"), None if o["error_code"] == 200 else o["error_code"]) for o in said]
            except (OSError, http.client.HTTPException, json.JSONDecodeError, UnicodeDecodeError):
                time.sleep(0.02)
                continue
            with self.lock:
                self.acked.update({i: (partition, offset) for i, (partition, offset, code) in zip(ids, answers) if code is None})

    def wait_for_more(self, count):
        deadline, want = time.monotonic() + 60, len(self.acked) + count
        while len(self.acked) < want:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()

    def judge(self, landed):
        """`landed`: (id, partition, offset) of every record there is."""
        counts = collections.Counter(i for i, _, _ in landed)
        assert not [i for i, n in counts.items() if n > 1], "what was sent once is there twice"
        there = {i: (partition, offset) for i, partition, offset in landed}
        assert {i: there.get(i) for i in self.acked} == self.acked
        assert set(there) <= set(range(self.next))


def test_kills_lose_and_double_nothing_that_was_acknowledged(millrace):
    front = Proxy(millrace).start()
    posters = Posters(front)
    for _ in range(3):
        posters.wait_for_more(120)
        front.kill()
        front.start()
    posters.wait_for_more(120)
    posters.stop()
    front.kill()
    millrace.run("run", "--until-idle")
    posters.judge([(r["id"], r["_partition"], r["_offset"]) for r in front.rows("silver.orders")])


# ---- on Kafka

needs_kafka = pytest.mark.skipif(not (ROOT / ".deps/kafka").exists(), reason="scripts/setup --servers fetches Kafka")


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    with Kafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


def on_kafka(millrace, kafka, topics):
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for made in admin.create_topics([NewTopic(name, 3, 1) for name in topics]).values():
        made.result(30)
    stream = f'stream: {{ kafka: {{ brokers: "{kafka.bootstrap}" }} }}'
    return Proxy(millrace, stream=stream, topics='["*"]', create="false", more="").start(), admin


def messages_of(kafka, topic, partitions=3):
    """All there are, as another client reads them."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "judge", "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in range(partitions)])
    ends = {p: consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, p), timeout=20)[1] for p in range(partitions)}
    messages, deadline = [], time.monotonic() + 60
    while any(at.offset < ends[at.partition] for at in consumer.position([confluent_kafka.TopicPartition(topic, p) for p in range(partitions)]) if ends[at.partition] > 0):
        assert time.monotonic() < deadline
        messages += [m for m in consumer.consume(1000, 0.2) if not m.error()]
    consumer.close()
    return messages


@needs_kafka
def test_kafka_has_what_was_sent(millrace, kafka):
    front, admin = on_kafka(millrace, kafka, ["sent"])
    began = time.time() * 1000
    cluster = admin.describe_cluster().result(20).cluster_id
    assert front.ask("/v3/clusters")[2]["data"][0]["cluster_id"] == cluster
    status, said = front.v2("sent", {"records": [{"key": "k", "value": {"b": 1.50}}, {"key": "k", "value": None}, {"value": "x", "partition": 2}]})
    assert status == 200
    places_v2 = [(o["partition"], o["offset"]) for o in said["offsets"]]
    headers = [{"name": "trace", "value": base64.b64encode(b"\x00\x01").decode()}, {"name": "none"}]
    records = [
        {"value": {"type": "BINARY", "data": "AAEC"}, "headers": headers, "timestamp": "2021-02-05T19:14:42.5Z"},
        {"value": {"type": "AVRO", "schema": PERSON, "data": {"id": 7, "nick": "n"}}},
        {"value": {"type": "STRING", "data": ""}},
        {"key": {"type": "STRING", "data": "gone"}},
    ]
    status, more = front.v3("sent", *records, cluster=cluster)
    assert status == 200 and [m["error_code"] for m in more] == [200] * 4, more
    there = {(m.partition(), m.offset()): m for m in messages_of(kafka, "sent")}
    assert len(there) == 7
    v2 = [there[place] for place in places_v2]
    assert [(m.key(), m.value()) for m in v2] == [(b'"k"', b'{"b":1.5}'), (b'"k"', None), (None, b'"x"')]
    assert v2[2].partition() == 2 and began - 1000 < v2[0].timestamp()[1] <= time.time() * 1000
    binary, avro, empty, tombstone = (there[m["partition_id"], m["offset"]] for m in more)
    assert binary.value() == b"\x00\x01\x02" and binary.headers() == [("trace", b"\x00\x01"), ("none", None)]
    assert binary.timestamp()[1] == 1612552482500
    assert (empty.value(), tombstone.value(), tombstone.key()) == (b"", None, b"gone")
    client = sr.SchemaRegistryClient({"url": f"http://127.0.0.1:{front.port}"})
    assert AvroDeserializer(client)(avro.value(), SerializationContext("sent", MessageField.VALUE)) == {"id": 7, "nick": "n"}
    too_large = {"records": [{"value": base64.b64encode(os.urandom(1_500_000)).decode()}, {"value": "small"}]}
    status, said = front.v2("sent", too_large)
    assert status == 200 and [o["error_code"] for o in said["offsets"]] == [50002, None], said
    front.stop()


@needs_kafka
def test_kills_before_kafka_lose_and_double_nothing(millrace, kafka):
    front, _ = on_kafka(millrace, kafka, ["killed"])
    posters = Posters(front, "killed", cluster=front.ask("/v3/clusters")[2]["data"][0]["cluster_id"])
    for _ in range(2):
        posters.wait_for_more(90)
        front.kill()
        front.start()
    posters.wait_for_more(90)
    posters.stop()
    front.stop()
    posters.judge([(json.loads(m.value())["id"], m.partition(), m.offset()) for m in messages_of(kafka, "killed")])
