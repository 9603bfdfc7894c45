"""Messages with schemas through a real Kafka and a real registry (Apicurio; and the built-in one): what Confluent's serializers write lands in
columns, schema by schema; what `produce` writes, Confluent's deserializers read; what is damaged goes to quarantine."""

import datetime
import decimal
import json
import time
import uuid

import pytest
import readers
from test_kafka import Pipeline, confluent_kafka, kafka, pytestmark, topic  # noqa: F401
from test_schema_registry import ROOT, Apicurio, BuiltIn, protobuf_messages, sr

from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import message_factory

UTC = datetime.timezone.utc


def logical(kind, name, **more):
    return {"type": kind, "logicalType": name, **more}


def order(*more):
    fields = [
        {"name": "id", "type": "int"}, {"name": "price", "type": logical("bytes", "decimal", precision=9, scale=2)},
        {"name": "at", "type": logical("long", "timestamp-millis")}, {"name": "items", "type": {"type": "array", "items": "string"}},
    ]
    fields = [f for f in fields if f["name"] not in [m["name"] for m in more]] + list(more)
    return json.dumps({"type": "record", "name": "Order", "fields": fields})


def documented(doc):
    """The same bytes, another schema."""
    return json.dumps({**json.loads(order()), "doc": doc + uuid.uuid4().hex})


@pytest.fixture(scope="module", params=["built_in", "apicurio"])
def registry(request, tmp_path_factory):
    if request.param == "built_in":
        with BuiltIn(tmp_path_factory.mktemp("registry")) as server:
            yield server.url
        return
    if not (ROOT / ".deps/apicurio").exists():
        pytest.skip("scripts/setup --servers brings Apicurio")
    with Apicurio(tmp_path_factory.mktemp("apicurio")) as server:
        yield server.url


@pytest.fixture
def place(millrace, kafka, registry):  # noqa: F811
    pipeline = Pipeline(millrace, kafka, "t" + uuid.uuid4().hex)
    pipeline.registry = f'schema_registry: {{ url: "{registry}" }}\n'
    pipeline.url = registry
    pipeline.client = sr.SchemaRegistryClient({"url": registry})
    pipeline.create()
    return pipeline


def send(place, messages):
    producer = confluent_kafka.Producer({"bootstrap.servers": place.kafka.bootstrap, "linger.ms": 1})
    for key, value in messages:
        producer.produce(place.topic, value, key=key)
    assert producer.flush(60) == 0


def read(place):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": place.kafka.bootstrap, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest", "enable.partition.eof": True})
    consumer.subscribe([place.topic])
    messages, ends = [], set()
    deadline = time.monotonic() + 60
    while len(ends) < 3 and time.monotonic() < deadline:
        message = consumer.poll(1)
        if message and message.error():
            ends.add(message.partition())
        elif message:
            messages.append(message)
    consumer.close()
    return messages


def land(place, table, more=""):
    config = place.config(more=place.registry + more, tables="tables:\n  silver.orders: {{ from: {topic}, " + table + " }}\n")
    place.run(config)
    return sorted(readers.pyiceberg_rows(place.millrace.folder, "silver.orders"), key=lambda row: row["id"])


def test_three_writers_land_in_one_table(place):
    context = SerializationContext(place.topic, MessageField.VALUE)
    place.client.register_schema(place.topic + "-value", sr.Schema(order(), "AVRO"))
    place.client.set_compatibility(subject_name=place.topic + "-value", level="NONE")
    first = AvroSerializer(place.client, order())
    second = AvroSerializer(place.client, order({"name": "id", "type": "long"}, {"name": "note", "type": ["null", "string"], "default": None}))
    third = AvroSerializer(place.client, order({"name": "buyer", "type": {"type": "record", "name": "Buyer", "fields": [{"name": "city", "type": "string"}]}}))
    at = datetime.datetime(2024, 5, 1, 12, tzinfo=UTC)
    base = {"price": decimal.Decimal("12.50"), "at": at, "items": ["a", "é"]}
    sent = [(first, {"id": 1, **base}), (second, {"id": 2**40, "note": "x", **base}), (third, {"id": 3, "buyer": {"city": "Oslo"}, **base}), (first, {"id": 4, **base})]
    send(place, [(str(value["id"]), serialize(value, context)) for serialize, value in sent])
    good = first({"id": 9, **base}, context)
    unknown = place.client.register_schema(place.topic + "-other", sr.Schema(documented("other"), "AVRO")) + 1
    send(place, [("bad", good[:-1]), ("late", b"\0" + unknown.to_bytes(4, "big") + good[5:]), ("bad", b'{"id":1}'), ("gone", None)])
    rows = land(place, "format: avro, metadata: true")
    assert [row["id"] for row in rows] == [1, 3, 4, 2**40]
    assert all(row["price"] == decimal.Decimal("12.50") and row["at"] == at and row["items"] == ["a", "é"] for row in rows)
    assert [row["note"] for row in rows] == [None, None, None, "x"]
    assert [row["buyer"] for row in rows] == [None, {"city": "Oslo"}, None, None]
    kept = quarantined(place)
    assert sorted(row["cause"] for row in kept) == ["malformed"] * 3
    assert {row["offset"] is not None for row in kept} == {True}
    # A message of a schema that nobody knew lands once it is known.
    assert place.client.register_schema(place.topic + "-late", sr.Schema(documented("late"), "AVRO")) == unknown
    place.millrace.run("quarantine", "replay", "silver.orders", "-c", "one.yaml")
    rows = sorted(readers.pyiceberg_rows(place.millrace.folder, "silver.orders"), key=lambda row: row["id"])
    assert [row["id"] for row in rows] == [1, 3, 4, 9, 2**40]
    assert len(quarantined(place)) == 2


def quarantined(place):
    done = place.millrace.run("quarantine", "show", "silver.orders", "--json", "-c", "one.yaml")
    return json.loads(done.stdout)


def test_json_schema_messages_land_without_their_prefix(place):
    schema = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object", "properties": {"id": {"type": "integer"}, "note": {"type": "string"}}})
    serialize = JSONSerializer(schema, place.client)
    context = SerializationContext(place.topic, MessageField.VALUE)
    send(place, [("a", serialize({"id": i, "note": f"n{i}"}, context)) for i in range(20)] + [("a", b'{"id": 99}')])
    rows = land(place, "format: json_schema")
    assert [(row["id"], row["note"]) for row in rows] == [(i, f"n{i}") for i in range(20)]
    assert [row["cause"] for row in quarantined(place)] == ["malformed"]


def test_what_produce_writes_others_read(place, registry):
    schema = order({"name": "note", "type": ["null", "string"], "default": None})
    place.millrace.write("order.avsc", schema)
    lines = [{"id": i, "price": f"{i}.25", "at": "2024-05-01T12:00:00Z", "items": ["x"] * (i % 3)} for i in range(500)]
    place.millrace.write("orders.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    produce = ["produce", "--topic", place.topic, "--source-path", "orders.jsonl", "--bootstrap-servers", place.kafka.bootstrap, "--schema-registry", registry, "--key", "id"]
    place.millrace.run(*produce, "--schema-path", "order.avsc", "--rows", 400)
    place.millrace.run(*produce, "--rows", 7)  # by the schema that is there
    messages = read(place)
    assert len(messages) == 407
    context = SerializationContext(place.topic, MessageField.VALUE)
    values = {}
    for message in messages:
        value = AvroDeserializer(place.client)(message.value(), context) if len(values) < 20 else None
        if value:
            values[message.key()] = value
    for key, value in values.items():
        assert value == {"id": int(key), "price": decimal.Decimal(f"{int(key)}.25"), "at": datetime.datetime(2024, 5, 1, 12, tzinfo=UTC), "items": ["x"] * (int(key) % 3), "note": None}
    assert [row["id"] for row in land(place, "format: avro, key: [id]")] == list(range(400))


def test_a_record_that_fails_its_schema_is_named_and_not_sent(place, registry):
    place.millrace.write("order.json", json.dumps({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 0}}}))
    place.millrace.write("orders.jsonl", '{"id": 1}\n\n{"id": 2}\n{"id": -3}\n')
    produce = ["produce", "--topic", place.topic, "--source-path", "orders.jsonl", "--bootstrap-servers", place.kafka.bootstrap, "--schema-registry", registry]
    refused = place.millrace.run(*produce, "--schema-path", "order.json", expect=None)
    assert refused.returncode == 1 and "orders.jsonl:4: " in refused.stderr and "id" in refused.stderr, refused.stderr
    assert read(place) == []
    place.millrace.write("orders.jsonl", '{"id": 1}\n{"id": 2}\n')
    place.millrace.run(*produce, "--schema-path", "order.json", "--rate", 1000)
    values = [JSONDeserializer(json.dumps({"type": "object"}), schema_registry_client=place.client)(m.value(), SerializationContext(place.topic, MessageField.VALUE)) for m in read(place)]
    assert sorted(v["id"] for v in values) == [1, 2]


PROTO = """syntax = "proto3"; package shop;
import "google/protobuf/timestamp.proto";
message Ignored {}
message Order {
  enum State { NEW = 0; PAID = 1; }
  int64 id = 1; string note = 2; State state = 3; google.protobuf.Timestamp at = 4; repeated string items = 5; map<string, double> prices = 6;
  optional uint64 big = 7; Buyer buyer = 8;
  message Buyer { string city = 1; }
}
"""


def proto_class(place, text, name):
    path = place.millrace.folder / f"{uuid.uuid4().hex}.proto"
    path.write_text(text)
    return message_factory.GetMessageClass(protobuf_messages.message_class(path)[name])


def test_protobuf_messages_of_two_writers_land(place):
    context = SerializationContext(place.topic, MessageField.VALUE)
    first = proto_class(place, PROTO, "Order")
    second = proto_class(place, PROTO.replace("Buyer buyer = 8;", "Buyer buyer = 8; bool gift = 9;"), "Order")
    conf = {"use.deprecated.format": False}
    by_first, by_second = ProtobufSerializer(first, place.client, conf), ProtobufSerializer(second, place.client, conf)
    at = datetime.datetime(2024, 5, 1, 12, tzinfo=UTC)
    one = first(id=1, note="é", state=1, items=["a", "b"], prices={"x": 1.5}, big=2**64 - 1, buyer={"city": "Oslo"})
    one.at.FromDatetime(at)
    sent = [by_first(one, context), by_first(first(id=2), context), by_second(second(id=3, gift=True), context)]
    send(place, [("k", message) for message in sent] + [("bad", sent[0][:-3]), ("gone", None)])
    rows = land(place, "format: protobuf")
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert [(row["note"], row["state"], row["gift"]) for row in rows] == [("é", "PAID", None), ("", "NEW", None), ("", "NEW", True)]
    assert rows[0]["at"] == at and rows[0]["items"] == ["a", "b"] and rows[0]["prices"] in ({"x": 1.5}, [("x", 1.5)])
    assert [row["big"] for row in rows] == [decimal.Decimal(2**64 - 1), None, None] and rows[0]["buyer"] == {"city": "Oslo"}
    assert [row["cause"] for row in quarantined(place)] == ["malformed"]


def test_protobuf_that_produce_writes_others_read(place, registry):
    place.millrace.write("order.proto", PROTO)
    lines = [{"id": i, "note": f"n{i}", "state": "PAID", "at": "2024-05-01T12:00:00Z", "items": ["x"] * (i % 3), "buyer": {"city": "Rom"}} for i in range(200)]
    place.millrace.write("orders.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    produce = ["produce", "--topic", place.topic, "--source-path", "orders.jsonl", "--bootstrap-servers", place.kafka.bootstrap, "--schema-registry", registry, "--key", "id"]
    place.millrace.run(*produce, "--schema-path", "order.proto", "--message", "Order")
    read_as = ProtobufDeserializer(proto_class(place, PROTO, "Order"), {"use.deprecated.format": False})
    context = SerializationContext(place.topic, MessageField.VALUE)
    values = [read_as(message.value(), context) for message in read(place)]
    assert sorted((v.id, v.note, v.state, v.at.seconds, len(v.items), v.buyer.city) for v in values) == [(i, f"n{i}", 1, 1714564800, i % 3, "Rom") for i in range(200)]
    assert [row["id"] for row in land(place, "format: protobuf, key: [id]")] == list(range(200))
    place.millrace.write("orders.jsonl", '{"id": 1}\n{"id": "x"}\n')
    refused = place.millrace.run(*produce, "--schema-path", "order.proto", "--message", "shop.Order", expect=None)
    assert refused.returncode == 1 and "orders.jsonl:2: is no shop.Order" in refused.stderr, refused.stderr
    assert "Orders" in place.millrace.run(*produce, "--schema-path", "order.proto", "--message", "Orders", expect=None).stderr


ENVELOPE = {"type": "record", "name": "Envelope", "namespace": "db.t", "fields": [
    {"name": "before", "type": ["null", {"type": "record", "name": "Value", "fields": [
        {"name": "id", "type": "long"}, {"name": "name", "type": "string", "default": ""}, {"name": "at", "type": ["null", logical("long", "timestamp-millis")], "default": None},
        {"name": "balance", "type": ["null", logical("bytes", "decimal", precision=9, scale=2)], "default": None}]}]},
    {"name": "after", "type": ["null", "Value"]}, {"name": "source", "type": {"type": "record", "name": "Source", "fields": [{"name": "lsn", "type": "long"}]}}, {"name": "op", "type": "string"}]}
CHANGES = """syntax = "proto3"; package db;
import "google/protobuf/timestamp.proto";
message Value { int64 id = 1; string name = 2; google.protobuf.Timestamp at = 3; }
message Source { int64 lsn = 1; }
message Envelope { Value before = 1; Value after = 2; Source source = 3; string op = 4; }
message Key { int64 id = 1; }
"""
LANDED = datetime.datetime(2024, 5, 1, 12, tzinfo=UTC)


def avro_changes(place):
    value, key = AvroSerializer(place.client, json.dumps(ENVELOPE)), AvroSerializer(place.client, json.dumps({"type": "record", "name": "Key", "fields": [{"name": "id", "type": "long"}]}))
    row = lambda r: r and {"balance": decimal.Decimal("7.25"), "at": LANDED, **r}  # noqa: E731
    return lambda op, before, after, lsn: value({"op": op, "before": row(before), "after": row(after), "source": {"lsn": lsn}}, SerializationContext(place.topic, MessageField.VALUE)), lambda id: key({"id": id}, SerializationContext(place.topic, MessageField.KEY))


def protobuf_changes(place):
    classes = protobuf_messages.message_class(place.millrace.write("changes.proto", CHANGES))
    Envelope, Key = (message_factory.GetMessageClass(classes[name]) for name in ("Envelope", "Key"))
    conf = {"use.deprecated.format": False}
    value, key = ProtobufSerializer(Envelope, place.client, conf), ProtobufSerializer(Key, place.client, conf)

    def change(op, before, after, lsn):
        message = Envelope(op=op, before=before, after=after, source={"lsn": lsn})
        if after:
            message.after.at.FromDatetime(LANDED)
        return value(message, SerializationContext(place.topic, MessageField.VALUE))

    return change, lambda id: key(Key(id=id), SerializationContext(place.topic, MessageField.KEY))


@pytest.mark.parametrize("form", ["avro", "protobuf"])
def test_changes_of_a_database_by_schema(place, form):
    change, key = (avro_changes if form == "avro" else protobuf_changes)(place)
    ada, bob, eve = {"id": 1, "name": "ada"}, {"id": 2, "name": "bob"}, {"id": 3, "name": "eve"}
    sent = [(1, change("c", None, ada, 1)), (1, change("u", ada, {"id": 1, "name": "ada 2"}, 2)), (1, change("u", None, ada, 1)), (2, change("r", None, bob, 3)), (2, change("d", bob, None, 4)), (2, None),
            (3, change("c", None, eve, 5)), (3, change("d", None, None, 6)), (4, change("c", None, {"id": 4, "name": "d"}, 7)), (5, change("u", {"id": 4, "name": "d"}, {"id": 5, "name": "d"}, 8)),
            (7, change("c", None, {"id": 7, "name": "g"}, 11)), (8, change("c", None, {"id": 8}, 12)), (1, change("t", None, None, 13))]
    send(place, [(key(id), value) for id, value in sent])
    upsert = "key: [id], upsert: {{ envelope: debezium, order_by: source.lsn, add_fields: [op] }}"
    rows = land(place, f"format: {form}, {upsert}")
    kept = [(1, "ada 2", "u", 2), (5, "d", "u", 8), (7, "g", "c", 11), (8, "", "c", 12)]
    assert [(row["id"], row["name"], row["__op"], row["__source_lsn"]) for row in rows] == kept
    assert {row["at"] for row in rows} == {LANDED} and "op" not in rows[0] and "before" not in rows[0]
    if form == "avro":
        assert {row["balance"] for row in rows} == {decimal.Decimal("7.25")}
    assert [row["cause"] for row in quarantined(place)] == ["operation"]
    # Tombstones by themselves, with keys of a schema and of text, in a run of their own.
    send(place, [(key(7), None), ("8", None), (key(99), None), (b"\0" * 8, None)])
    assert [row["id"] for row in land(place, f"format: {form}, {upsert}")] == [1, 5]
    assert sorted(row["cause"] for row in quarantined(place)) == ["missing_key", "operation"]


MONEY = 'syntax = "proto3"; package common; import "common/unit.proto"; message Money { int64 cents = 1; Unit unit = 2; }'
UNIT = 'syntax = "proto3"; package common; enum Unit { EUR = 0; NOK = 1; }'
PAID = 'syntax = "proto3"; package shop; import "common/money.proto"; import public "common/unit.proto"; import "google/protobuf/timestamp.proto"; message Paid { int64 id = 1; common.Money price = 2; google.protobuf.Timestamp at = 3; common.Unit in = 4; }'


def test_protobuf_with_imports(place, registry):
    for name, text in {"common/money.proto": MONEY, "common/unit.proto": UNIT, "paid.proto": PAID}.items():
        place.millrace.write("protos/" + name, text)
    Paid = message_factory.GetMessageClass(protobuf_messages.message_class(place.millrace.folder / "protos/paid.proto")["Paid"])
    context = SerializationContext(place.topic, MessageField.VALUE)
    conf = {"use.deprecated.format": False}
    lines = [{"id": i, "price": {"cents": i, "unit": "NOK"}, "in": "NOK"} for i in range(20)]
    place.millrace.write("in.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    produce = ["produce", "--topic", place.topic, "--source-path", "in.jsonl", "--bootstrap-servers", place.kafka.bootstrap, "--schema-registry", registry]
    for _ in range(2):  # the second finds everything registered
        place.millrace.run(*produce, "--schema-path", "protos/paid.proto", "--rows", 10)
    values = [ProtobufDeserializer(Paid, conf)(m.value(), context) for m in read(place)]
    assert sorted((v.id, v.price.cents, v.price.unit, getattr(v, "in")) for v in values) == sorted([(i, i, 1, 1) for i in range(10)] * 2)
    registered = place.client.get_latest_version(place.topic + "-value").schema
    assert sorted((r.name, r.subject) for r in registered.references) == [("common/money.proto", "common/money.proto"), ("common/unit.proto", "common/unit.proto")]
    send(place, [("k", ProtobufSerializer(Paid, place.client, conf)(Paid(id=100, price={"cents": 5, "unit": 1}), context))])
    rows = land(place, "format: protobuf, key: [id]")
    assert [(row["id"], row["price"]) for row in rows] == [(i, {"cents": i, "unit": "NOK"}) for i in range(10)] + [(100, {"cents": 5, "unit": "NOK"})]
    # Without a registry: the files beside the one that is named.
    bare = Pipeline(place.millrace, place.kafka, "t" + uuid.uuid4().hex)
    bare.create()
    send(bare, [("k", Paid(id=7, price={"cents": 1}).SerializeToString())])
    bare.registry = ""
    config = bare.config("bare", tables="tables:\n  silver.bare: {{ from: {topic}, format: protobuf, protobuf: {{ framing: none, schemas: [protos/paid.proto] }} }}\n")
    bare.run(config)
    assert [(row["id"], row["price"]) for row in readers.pyiceberg_rows(place.millrace.folder, "silver.bare")] == [(7, {"cents": 1, "unit": "EUR"})]
    place.millrace.write("protos/common/unit.proto", UNIT.replace("enum", 'import "paid.proto"; enum'))
    assert "in a circle" in place.millrace.run(*produce, "--schema-path", "protos/paid.proto", expect=78).stderr
    (place.millrace.folder / "protos/common/unit.proto").unlink()
    assert 'imports "common/unit.proto", which is neither in' in place.millrace.run(*produce, "--schema-path", "protos/paid.proto", expect=78).stderr
