"""Writes Avro messages with fastavro, by writers' schemas of several versions, and compares the rows made of them with
fastavro's own reading.

  avro_messages.py make FOLDER SEED COUNT    schema-<id>.avsc and `messages`: per message its length (4 bytes) and bytes
  avro_messages.py canonical FILE            the schema's parsing canonical form, and its CRC-64-AVRO
  avro_messages.py read SCHEMA FILE          the record of a file, as JSON
  avro_messages.py judge FOLDER ROWS.arrow   rows in the order of messages; prints how many there were"""
import datetime
import decimal
import io
import json
import pathlib
import random
import struct
import sys
import uuid

import fastavro
import pyarrow as pa
from messages import messages, put

UTC = datetime.timezone.utc


def logical(kind, name, **more):
    return {"type": kind, "logicalType": name, **more}


KIND = {"type": "enum", "name": "Kind", "symbols": ["NEW", "PAID", "SENT"]}
ITEM = {"type": "record", "name": "Item", "fields": [{"name": "sku", "type": "string"}, {"name": "qty", "type": "int"}]}
FIRST = [
    ("id", "int"), ("big", "long"), ("ratio", "float"), ("exact", "double"), ("on", "boolean"), ("name", "string"),
    ("raw", "bytes"), ("hash", {"type": "fixed", "name": "Hash", "size": 4}), ("kind", KIND), ("note", ["null", "string"]),
    ("backwards", ["string", "null"]), ("day", logical("int", "date")), ("at", logical("long", "timestamp-micros")),
    ("at_ms", logical("long", "timestamp-millis")), ("local", logical("long", "local-timestamp-micros")),
    ("clock", logical("int", "time-millis")), ("clock_us", logical("long", "time-micros")),
    ("price", logical("bytes", "decimal", precision=12, scale=2)),
    ("fee", {"type": "fixed", "name": "Fee", "size": 6, "logicalType": "decimal", "precision": 10, "scale": 4}),
    ("key", logical("string", "uuid")), ("tags", {"type": "array", "items": "string"}),
    ("labels", {"type": "map", "values": ["null", "long"]}), ("items", {"type": "array", "items": ITEM}),
    ("home", ["null", {"type": "record", "name": "Address", "namespace": "org.example", "fields": [
        {"name": "city", "type": "string"}, {"name": "zip", "type": ["null", "int"]}]}]),
    ("either", ["null", "string", "long", {"type": "record", "name": "Pair", "fields": [{"name": "a", "type": "int"}]}]),
    ("matrix", {"type": "array", "items": {"type": "array", "items": "double"}}), ("nothing", "null"),
]


def versions():
    second = [(n, {"id": "long", "ratio": "double"}.get(n, t)) for n, t in FIRST if n not in ("big", "note")]
    second.insert(3, ("added", ["null", "string"]))
    second = [(n, logical("bytes", "decimal", precision=20, scale=2) if n == "price" else t) for n, t in second]
    third = [("late", {"type": "array", "items": ["null", "int"]})] + FIRST[::-1]
    fields = [[{"name": n, "type": t} for n, t in v] for v in (FIRST, second, third)]
    yield 1, {"type": "record", "name": "Order", "namespace": "shop", "fields": fields[0]}
    yield 7, {"type": "record", "name": "Order", "namespace": "shop", "fields": fields[1]}
    yield 70000, {"type": "record", "name": "Order", "namespace": "shop", "fields": named_once(fields[2])}


def named_once(fields):
    return json.loads(json.dumps(fields))


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def value(self, kind):
        pick = self.random
        if isinstance(kind, list):
            return self.value(pick.choice(kind))
        name = kind if isinstance(kind, str) else kind["type"]
        mark = None if isinstance(kind, str) else kind.get("logicalType")
        if mark == "date":
            return datetime.date(1, 1, 1) + datetime.timedelta(days=pick.randrange(3_000_000))
        if mark in ("timestamp-micros", "timestamp-millis", "local-timestamp-micros"):
            at = datetime.datetime(1800, 1, 1) + datetime.timedelta(microseconds=pick.randrange(10**16))
            if mark == "timestamp-millis":
                at = at.replace(microsecond=at.microsecond // 1000 * 1000)
            return at if mark.startswith("local") else at.replace(tzinfo=UTC)
        if mark in ("time-millis", "time-micros"):
            unit = 1000 if mark == "time-millis" else 1
            return (datetime.datetime.min + datetime.timedelta(microseconds=pick.randrange(86_400_000_000 // unit) * unit)).time()
        if mark == "decimal":
            digits = kind["precision"]
            return decimal.Decimal(pick.randrange(-(10**digits) + 1, 10**digits)).scaleb(-kind["scale"])
        if mark == "uuid":
            return uuid.UUID(int=pick.getrandbits(128))
        if name == "record":
            value = {f["name"]: self.value(f["type"]) for f in kind["fields"]}
            return value
        if name == "array":
            return [self.value(kind["items"]) for _ in range(pick.choice((0, 1, 3, 70)))]
        if name == "map":
            return {f"k{i}é": self.value(kind["values"]) for i in range(pick.choice((0, 1, 4)))}
        if name == "enum":
            return pick.choice(kind["symbols"])
        if name == "fixed":
            return pick.randbytes(kind["size"])
        return {
            "null": lambda: None, "boolean": lambda: pick.random() < 0.5,
            "int": lambda: pick.choice((0, -1, 2**31 - 1, -(2**31), pick.randrange(-500, 500))),
            "long": lambda: pick.choice((0, 2**63 - 1, -(2**63), pick.randrange(-(10**12), 10**12))),
            "float": lambda: struct.unpack("f", struct.pack("f", pick.uniform(-1e6, 1e6)))[0],
            "double": lambda: pick.choice((0.0, 1e308, pick.uniform(-1, 1))),
            "string": lambda: "".join(pick.choice("aZ é中😀\n\"") for _ in range(pick.choice((0, 3, 40)))),
            "bytes": lambda: pick.randbytes(pick.choice((0, 5, 300))),
        }[name]()


def make(folder, seed, count):
    maker = Maker(seed)
    schemas = dict(versions())
    for number, schema in schemas.items():
        (folder / f"schema-{number}.avsc").write_text(json.dumps(schema))
    parsed = {number: fastavro.parse_schema(json.loads(json.dumps(schema))) for number, schema in schemas.items()}
    with open(folder / "messages", "wb") as out:
        for _ in range(count):
            number = maker.random.choice(list(schemas))
            body = io.BytesIO()
            fastavro.schemaless_writer(body, parsed[number], maker.value(schemas[number]))
            message = b"\0" + struct.pack(">I", number) + body.getvalue()
            put(out, message)



def expected(value, kind):
    """What a column is to hold: members without a value are left out."""
    if isinstance(kind, list):
        if value is None:
            return None
        branches = [b for b in kind if b != "null"]
        if len(branches) == 1:
            return expected(value, branches[0])
        if isinstance(value, dict):
            return {"Pair": value}
        return {"string" if isinstance(value, str) else "long": value}
    name = kind if isinstance(kind, str) else kind["type"]
    if isinstance(value, uuid.UUID):
        return value.bytes
    if name == "record":
        return prune({f["name"]: expected(value[f["name"]], f["type"]) for f in kind["fields"]})
    if name == "array":
        return [expected(v, kind["items"]) for v in value]
    if name == "map":
        return {k: expected(v, kind["values"]) for k, v in value.items()}
    return value


def prune(value):
    return {k: v for k, v in value.items() if v is not None}


def plain(value):
    if isinstance(value, dict):
        return prune({k: plain(v) for k, v in value.items()})
    if isinstance(value, list) and value and all(isinstance(v, tuple) for v in value):
        return {k: plain(v) for k, v in value}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def judge(folder, files):
    schemas = {int(f.stem.split("-")[1]): json.loads(f.read_text()) for f in folder.glob("schema-*.avsc")}
    parsed = {number: fastavro.parse_schema(json.loads(json.dumps(schema))) for number, schema in schemas.items()}
    rows = [row for file in files for row in pa.ipc.open_stream(file).read_all().to_pylist()]
    count = 0
    for message, row in zip(messages(folder), rows, strict=True):
        (number,) = struct.unpack(">I", message[1:5])
        value = fastavro.schemaless_reader(io.BytesIO(message[5:]), parsed[number])
        wanted, got = expected(value, schemas[number]), plain(row)
        # An empty map comes out of Arrow as an empty list.
        for key, content in wanted.items():
            if content == {} and got.get(key) == []:
                got[key] = {}
        if wanted != got:
            raise AssertionError(f"message {count} of schema {number}:\n{wanted}\n{got}")
        count += 1
    print(f"rows={count}")


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "make":
        make(place, int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1] == "canonical":
        form = fastavro.schema.to_parsing_canonical_form(json.loads(place.read_text()))
        print(form)
        print(fastavro.schema.fingerprint(form, "CRC-64-AVRO"))
    elif sys.argv[1] == "read":
        with open(sys.argv[3], "rb") as data:
            print(json.dumps(fastavro.schemaless_reader(data, json.loads(place.read_text())), default=str, sort_keys=True))
            assert not data.read()
    else:
        judge(place, sys.argv[3:])
