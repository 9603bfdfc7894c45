"""One suite of a schema registry's API, with Confluent's own Python client, on the built-in registry and on Apicurio; then what only the built-in
one is asked, by Confluent's rules and error codes."""

import itertools
import json
import pathlib
import sys
import time
import uuid

import pytest
import requests

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "services"))
sys.path.insert(0, str(HERE.parent / "judge"))
import protobuf_messages  # noqa: E402
from apicurio import Apicurio  # noqa: E402
from server_process import free_port  # noqa: E402

sr = pytest.importorskip("confluent_kafka.schema_registry")
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer  # noqa: E402
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer  # noqa: E402
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer  # noqa: E402
from confluent_kafka.serialization import MessageField, SerializationContext  # noqa: E402
from google.protobuf import message_factory  # noqa: E402

from conftest import Millrace  # noqa: E402


class BuiltIn:
    """The registry of a running pipeline."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.millrace = Millrace(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.millrace.write("pipeline.yaml", f'name: registry\ntopics: {{ t: {{}} }}\ntables: {{ silver.t: {{ from: t }} }}\nserver: {{ listen: "127.0.0.1:{self.port}" }}\n')

    def __enter__(self):
        self.process = self.millrace.start("run", "-c", "pipeline.yaml")
        for _ in range(600):
            try:
                if requests.get(self.url + "/subjects", timeout=2).status_code == 200:
                    return self
            except requests.ConnectionError:
                assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.1)
        raise AssertionError("the registry does not answer")

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(30) == 0, self.process.stderr.read()


@pytest.fixture(scope="module")
def built_in(tmp_path_factory):
    with BuiltIn(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="module", params=["built_in", "apicurio"])
def url(request, tmp_path_factory):
    if request.param == "built_in":
        yield request.getfixturevalue("built_in").url
        return
    if not (ROOT / ".deps/apicurio").exists():
        pytest.skip("scripts/setup --servers brings Apicurio")
    with Apicurio(tmp_path_factory.mktemp("apicurio")) as registry:
        yield registry.url


@pytest.fixture
def client(url):
    return sr.SchemaRegistryClient({"url": url})


@pytest.fixture
def subject():
    return f"s-{uuid.uuid4()}"


def record(*fields, name="Order"):
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": list(fields)})


ID = {"name": "id", "type": "long"}
V1 = record(ID, {"name": "note", "type": "string"})
DEFAULTED = record(ID, {"name": "note", "type": "string"}, {"name": "level", "type": "int", "default": 3})
BARE = record(ID, {"name": "note", "type": "string"}, {"name": "level", "type": "int"})
DROPPED = record(ID)
RETYPED = record({"name": "id", "type": "string"}, {"name": "note", "type": "string"})


def avro(text):
    return sr.Schema(text, "AVRO")


def code_of(call):
    with pytest.raises(sr.error.SchemaRegistryError) as refused:
        call()
    return refused.value.http_status_code, refused.value.error_code


def set_level(client, subject, level):
    client.set_compatibility(subject_name=subject, level=level)


def test_versions_ids_and_lookup(client, subject):
    first = client.register_schema(subject, avro(V1))
    set_level(client, subject, "NONE")
    assert client.register_schema(subject, avro(V1)) == first
    second = client.register_schema(subject, avro(RETYPED))
    assert second != first
    assert client.get_versions(subject) == [1, 2]
    latest = client.get_latest_version(subject)
    assert (latest.version, latest.schema_id) == (2, second)
    assert json.loads(client.get_version(subject, 1).schema.schema_str) == json.loads(V1)
    assert json.loads(client.get_schema(first).schema_str) == json.loads(V1)
    found = client.lookup_schema(subject, avro(V1))
    assert (found.version, found.schema_id) == (1, first)
    assert subject in client.get_subjects()
    # The same schema under another subject has the same number.
    other = subject + "-other"
    assert client.register_schema(other, avro(V1)) == first


def test_what_is_not_there_has_its_code(client, subject):
    assert code_of(lambda: client.get_versions(subject)) == (404, 40401)
    client.register_schema(subject, avro(V1))
    assert code_of(lambda: client.get_version(subject, 9)) == (404, 40402)
    assert code_of(lambda: client.get_schema(2_000_000)) == (404, 40403)
    assert code_of(lambda: client.lookup_schema(subject, avro(BARE))) == (404, 40403)
    assert code_of(lambda: client.register_schema(subject, avro('{"type":"nonsense"}')))[0] == 422


CASES = [
    # level, before, added, fits
    ("BACKWARD", [V1], DEFAULTED, True),
    ("BACKWARD", [V1], BARE, False),
    ("BACKWARD", [V1], DROPPED, True),
    ("BACKWARD", [V1], RETYPED, False),
    ("BACKWARD", [DROPPED, DEFAULTED], BARE, True),
    ("BACKWARD_TRANSITIVE", [DROPPED, DEFAULTED], BARE, False),
    ("FORWARD", [V1], BARE, True),
    ("FORWARD", [V1], DROPPED, False),
    ("FORWARD", [DEFAULTED], V1, True),
    ("FORWARD_TRANSITIVE", [BARE, DEFAULTED], V1, False),
    ("FULL", [V1], DEFAULTED, True),
    ("FULL", [V1], BARE, False),
    ("FULL", [V1], DROPPED, False),
    ("FULL_TRANSITIVE", [V1, DEFAULTED], RETYPED, False),
    ("NONE", [V1], RETYPED, True),
]


@pytest.mark.parametrize("level, before, added, fits", CASES)
def test_avro_compatibility(client, subject, level, before, added, fits):
    for text in before:
        client.register_schema(subject, avro(text))
        set_level(client, subject, "NONE")  # Apicurio knows no level of a subject that is not there
    set_level(client, subject, level)
    assert client.get_compatibility(subject) == level
    if "TRANSITIVE" not in level:
        assert client.test_compatibility(subject, avro(added)) == fits
    if fits:
        client.register_schema(subject, avro(added))
        assert client.get_versions(subject) == list(range(1, len(before) + 2))
    else:
        assert code_of(lambda: client.register_schema(subject, avro(added)))[0] == 409


def closed(properties, required=()):
    return sr.Schema(json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": properties, "required": list(required), "additionalProperties": False}), "JSON")


JSON_CASES = [
    ({"a": {"type": "integer"}}, {"a": {"type": "number"}}, True),
    ({"a": {"type": "number"}}, {"a": {"type": "integer"}}, False),
    ({"a": {"type": "string"}}, {"a": {"type": "integer"}}, False),
    ({"a": {"type": "string", "maxLength": 10}}, {"a": {"type": "string", "maxLength": 5}}, False),
    ({"a": {"type": "string", "maxLength": 5}}, {"a": {"type": "string", "maxLength": 10}}, True),
    ({"a": {"enum": ["x"]}}, {"a": {"enum": ["x", "y"]}}, True),
    ({"a": {"enum": ["x", "y"]}}, {"a": {"enum": ["x"]}}, False),
]


def proto(fields, more=""):
    return sr.Schema('syntax = "proto3"; package shop; message Order { ' + fields + " } " + more, "PROTOBUF")


PROTO_CASES = [
    ("int64 id = 1;", "int64 id = 1; string note = 2;", True),
    ("int64 id = 1;", "string id = 1;", False),
    ("int64 id = 1;", "Other id = 1; message Other {}", False),
]


@pytest.mark.parametrize("of, before, added, fits", [(closed, *case) for case in JSON_CASES] + [(proto, *case) for case in PROTO_CASES])
def test_json_and_protobuf_compatibility(client, subject, of, before, added, fits):
    client.register_schema(subject, of(before))
    set_level(client, subject, "BACKWARD")
    assert client.test_compatibility(subject, of(added)) == fits
    if not fits:
        assert code_of(lambda: client.register_schema(subject, of(added)))[0] == 409


def test_protobuf_serializers_go_round(client, subject, tmp_path):
    item = sr.Schema('syntax = "proto3"; package shop; message Item { string sku = 1; }', "PROTOBUF")
    client.register_schema(subject + "-item", item)
    uses = sr.Schema('syntax = "proto3"; package shop; import "shop/item.proto"; message Order { Item item = 1; }', "PROTOBUF", [sr.SchemaReference("shop/item.proto", subject + "-item", 1)])
    number = client.register_schema(subject, uses)
    assert [(r.name, r.subject, r.version) for r in client.get_schema(number).references] == [("shop/item.proto", subject + "-item", 1)]
    (tmp_path / "order.proto").write_text('syntax = "proto3"; package shop; message Other {} message Order { int64 id = 7; string note = 8; }')
    order = message_factory.GetMessageClass(protobuf_messages.message_class(tmp_path / "order.proto")["Order"])
    conf = {"use.deprecated.format": False}
    context = SerializationContext(subject + "-round", MessageField.VALUE)
    sent = ProtobufSerializer(order, client, conf)(order(id=7, note="é"), context)
    assert ProtobufDeserializer(order, conf)(sent, context) == order(id=7, note="é")


def test_references(client, subject):
    item = json.dumps({"type": "record", "name": "Item", "namespace": "shop", "fields": [{"name": "sku", "type": "string"}]})
    client.register_schema(subject + "-item", avro(item))
    uses = sr.Schema(record(ID, {"name": "item", "type": "shop.Item"}), "AVRO", [sr.SchemaReference("shop.Item", subject + "-item", 1)])
    number = client.register_schema(subject, uses)
    back = client.get_schema(number)
    assert [(r.name, r.subject, r.version) for r in back.references] == [("shop.Item", subject + "-item", 1)]
    serialize = AvroSerializer(client, uses, conf={"auto.register.schemas": False, "subject.name.strategy": lambda context, name: subject})
    read = AvroDeserializer(client)
    context = SerializationContext("orders", MessageField.VALUE)
    value = {"id": 1, "item": {"sku": "x"}}
    assert read(serialize(value, context), context) == value


def test_soft_and_permanent_deletion(client, url, subject):
    first = client.register_schema(subject, avro(V1))
    set_level(client, subject, "NONE")
    client.register_schema(subject, avro(RETYPED))
    assert client.delete_version(subject, 1) == 1
    assert client.get_versions(subject) == [2]
    assert code_of(lambda: client.get_version(subject, 1)) == (404, 40402)
    assert client.get_schema(first).schema_str, "messages that name it are still read"
    assert client.delete_subject(subject) == [2]
    assert subject not in client.get_subjects()
    assert code_of(lambda: client.get_versions(subject)) == (404, 40401)


def test_serializers_go_round(client, subject):
    context = SerializationContext(subject, MessageField.VALUE)
    order = {"id": 7, "note": "é"}
    for _ in range(2):
        serialize = AvroSerializer(client, V1)
        assert AvroDeserializer(client)(serialize(order, context), context) == order
    schema = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "O", "type": "object", "properties": {"id": {"type": "integer"}}})
    context = SerializationContext(subject + "-json", MessageField.VALUE)
    serialize = JSONSerializer(schema, client)
    assert JSONDeserializer(schema, schema_registry_client=client)(serialize({"id": 7}, context), context) == {"id": 7}


# ---- The built-in registry alone


@pytest.fixture
def api(built_in):
    def call(method, path, status=200, **body):
        answer = requests.request(method, built_in.url + path, json=body or None, timeout=10)
        assert answer.headers["content-type"] == "application/vnd.schemaregistry.v1+json"
        assert answer.status_code == status, answer.text
        return answer.json()

    return call


def test_deletion_by_confluents_codes(api, subject):
    path = f"/subjects/{subject}"
    number = api("POST", path + "/versions", schema=V1)["id"]
    assert api("DELETE", path + "/versions/1?permanent=true", 404)["error_code"] == 40407
    assert api("DELETE", path + "?permanent=true", 404)["error_code"] == 40405
    assert api("DELETE", path + "/versions/latest") == 1
    assert api("DELETE", path + "/versions/1", 404)["error_code"] == 40406
    assert api("GET", path + "/versions?deleted=true") == [1]
    assert subject in api("GET", "/subjects?deleted=true") and subject not in api("GET", "/subjects")
    assert api("POST", path + "/versions", schema=V1)["id"] == number, "what comes back has its number"
    assert api("GET", path + "/versions") == [2]
    assert api("DELETE", path) == [2]
    assert api("DELETE", path, 404)["error_code"] == 40404
    assert api("DELETE", path + "?permanent=true") == [1, 2]
    assert api("GET", path + "/versions?deleted=true", 404)["error_code"] == 40401
    unique = record(ID, {"name": "x" + uuid.uuid4().hex, "type": "int"})
    gone = api("POST", path + "/versions", schema=unique)["id"]
    api("DELETE", path)
    api("DELETE", path + "?permanent=true")
    assert api("GET", f"/schemas/ids/{gone}", 404)["error_code"] == 40403
    assert api("POST", path + "/versions", schema=unique)["id"] > gone, "numbers are never given twice"


def test_references_hold_what_they_name(api, subject):
    api("POST", f"/subjects/{subject}-item/versions", schema=json.dumps({"type": "enum", "name": "Item", "symbols": ["A"]}))
    uses = {"schema": record({"name": "item", "type": "Item"}, name="Uses"), "references": [{"name": "Item", "subject": f"{subject}-item", "version": 1}]}
    uses["schema"] = uses["schema"].replace('"shop"', '""')
    number = api("POST", f"/subjects/{subject}/versions", **uses)["id"]
    assert api("GET", f"/subjects/{subject}-item/versions/1/referencedby") == [number]
    assert api("DELETE", f"/subjects/{subject}-item", 422)["error_code"] == 42206
    uses["references"][0]["version"] = 9
    assert api("POST", f"/subjects/{subject}/versions", 422, **uses)["error_code"] == 42201


def test_levels_and_modes(api, subject):
    assert api("GET", "/config") == {"compatibilityLevel": "BACKWARD"}
    assert api("GET", f"/config/{subject}", 404)["error_code"] == 40408
    assert api("GET", f"/config/{subject}?defaultToGlobal=true") == {"compatibilityLevel": "BACKWARD"}
    assert api("PUT", f"/config/{subject}", compatibility="FULL") == {"compatibility": "FULL"}
    assert api("PUT", f"/config/{subject}", 422, compatibility="X")["error_code"] == 42203
    assert api("DELETE", f"/config/{subject}") == {"compatibilityLevel": "FULL"}
    assert api("GET", f"/mode/{subject}", 404)["error_code"] == 40409
    assert api("PUT", f"/mode/{subject}", 422, mode="X")["error_code"] == 42204
    assert api("PUT", f"/mode/{subject}", mode="READONLY") == {"mode": "READONLY"}
    assert api("POST", f"/subjects/{subject}/versions", 422, schema=V1)["error_code"] == 42205
    api("PUT", f"/mode/{subject}", mode="IMPORT")
    assert api("POST", f"/subjects/{subject}/versions", schema=record(ID, name="Imported"), id=5_000, version=7) == {"id": 5_000}
    assert api("GET", f"/subjects/{subject}/versions/7")["id"] == 5_000
    assert api("GET", f"/subjects/{subject}/versions/0", 422)["error_code"] == 42202
    assert api("GET", "/schemas/ids/5000/versions") == [{"subject": subject, "version": 7}]


def test_a_transitive_check_by_the_api_says_why(api, subject):
    api("PUT", f"/config/{subject}", compatibility="BACKWARD")
    api("POST", f"/subjects/{subject}/versions", schema=V1)
    verdict = api("POST", f"/compatibility/subjects/{subject}/versions/latest?verbose=true", schema=BARE)
    assert verdict["is_compatible"] is False and "READER_FIELD_MISSING_DEFAULT_VALUE" in verdict["messages"][0]
    refused = api("POST", f"/subjects/{subject}/versions", 409, schema=BARE)
    assert refused["error_code"] == 409 and "level" in refused["message"]


OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
OPEN_CASES = [
    ({"properties": {"b": {"type": "integer"}}}, "PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL"),
    ({"properties": {"b": {}}}, None),
    ({"required": ["a"]}, "REQUIRED_ATTRIBUTE_ADDED"),
    ({"additionalProperties": False}, "ADDITIONAL_PROPERTIES_REMOVED"),
    ({"properties": {"a": {"type": ["string", "null"]}}}, None),
    ({"properties": {"a": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}}, None),
    ({"properties": {"a": {"type": "string", "pattern": "^x"}}}, "CONSTRAINT_ADDED"),
]


@pytest.mark.parametrize("change, why", OPEN_CASES)
def test_json_rules_are_confluents(api, subject, change, why):
    api("POST", f"/subjects/{subject}/versions", schemaType="JSON", schema=json.dumps(OPEN))
    after = {**OPEN, **change, "properties": {**OPEN["properties"], **change.get("properties", {})}}
    verdict = api("POST", f"/compatibility/subjects/{subject}/versions/latest?verbose=true", schemaType="JSON", schema=json.dumps(after))
    assert (verdict["is_compatible"], why is None) in ((True, True), (False, False)), verdict
    assert why is None or why in verdict["messages"][0]


@pytest.mark.parametrize("before, added", [("int64 id = 1; string note = 2;", "int64 id = 1;"), ("int64 id = 1;", "int64 number = 1;")])
def test_protobuf_rules_are_confluents(built_in, subject, before, added):
    """Apicurio asks for `reserved` where a field goes, and takes no new names."""
    client = sr.SchemaRegistryClient({"url": built_in.url})
    client.register_schema(subject, proto(before))
    assert client.test_compatibility(subject, proto(added))


def test_what_is_no_schema_is_refused(api, subject):
    bad = [
        record(ID, ID), record({"name": "1x", "type": "int"}), record({"name": "x", "type": "Unknown"}),
        record({"name": "x", "type": "int", "default": "no"}), '{"type":"enum","name":"E","symbols":["A","A"]}', "{", "",
        '["null","null"]', '{"type":"fixed","name":"int","size":4}',
    ]
    for text in bad:
        assert api("POST", f"/subjects/{subject}/versions", 422, schema=text)["error_code"] == 42201, text
    assert api("POST", f"/subjects/{subject}/versions", 422, schemaType="JSON", schema='{"type": 7}')["error_code"] == 42201
    assert api("POST", f"/subjects/{subject}/versions", 422, schemaType="THRIFT", schema="x")["error_code"] == 42201


def test_restarted_it_knows_everything(tmp_path):
    number = None
    for text, _ in itertools.product((V1,), range(2)):
        with BuiltIn(tmp_path / "again") as registry:
            client = sr.SchemaRegistryClient({"url": registry.url})
            got = client.register_schema("kept", avro(text))
            assert number in (None, got)
            number = got
