"""Writes Protobuf messages with Google's Python runtime, by writers' schemas of several versions that protoc compiled,
and compares the rows made of them with the runtime's own reading.

  protobuf_messages.py make FOLDER SEED COUNT    schema-<id>.proto and `messages`: per message its length (4 bytes) and bytes
  protobuf_messages.py judge FOLDER ROWS.arrow   rows in the order of messages; prints how many there were
  protobuf_messages.py read SCHEMA NAME FILE     the message of a file, as JSON"""
import datetime
import decimal
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import pyarrow as pa
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from messages import messages, put

SHARED = """
  enum Kind { NEW = 0; PAID = 1; SENT = -7; }
  message Item { string sku = 1; sint32 qty = 2; Money price = 3; message Money { int64 units = 1; fixed32 nanos = 300; } }
  int32 id = 1; %(big)s big = 2; uint64 unsigned = 3; %(ratio)s ratio = 4; double exact = 5; bool on = 6; string name = 7;
  bytes raw = 8; Kind kind = 9; optional string note = 10; sint64 zigzag = 11; fixed64 wide = 12; sfixed32 narrow = 13;
  sfixed64 deep = 14; uint32 small = 15; fixed32 hash = 16; sint32 turn = 17;
  repeated string tags = 20; repeated int32 counts = 21; repeated double ratios = 22 [packed = false]; repeated Kind kinds = 23;
  map<string, int64> labels = 24; map<sint32, Item> by_number = 25; repeated Item items = 26; Item home = 27;
  oneof either { string text = 30; int64 number = 31; Item item = 32; }
  google.protobuf.Timestamp at = 40; google.protobuf.Int64Value maybe = 41; google.protobuf.StringValue words = 42;
  google.protobuf.Struct free = 43; google.protobuf.Value any_json = 44; google.protobuf.Duration took = 45;
  repeated google.protobuf.Timestamp times = 46; map<bool, google.protobuf.DoubleValue> wrapped = 47;
"""
IMPORTS = "".join(f'import "google/protobuf/{n}.proto";\n' for n in ("timestamp", "wrappers", "struct", "duration"))
SCHEMAS = {
    1: ('syntax = "proto3"; package shop;\n' + IMPORTS + "message Order {" + SHARED % {"big": "int64", "ratio": "float"} + "}", [0]),
    7: (
        'syntax = "proto3"; package shop;\n' + IMPORTS + "message Other { int32 a = 1; } message Outer { message Skipped {} message Order {"
        + SHARED % {"big": "int32", "ratio": "double"} + " string added = 50; } }",
        [1, 1],
    ),
    70000: (
        'syntax = "proto2"; package shop;\nmessage Order { required int32 id = 1; optional string name = 7 [default = "né"]; optional int64 big = 2;'
        " repeated int32 counts = 21; optional group Extra = 60 { optional int32 deep = 1; repeated string more = 2; } }",
        [0],
    ),
}


def classes(folder):
    for number, (_, indexes) in SCHEMAS.items():
        made = message_class(folder / f"schema-{number}.proto")
        top = list(made.values())[indexes[0]]
        for index in indexes[1:]:
            top = top.nested_types[index]
        yield number, message_factory.GetMessageClass(top)


def message_class(path):
    """The messages at the top of a file, as protoc understands it."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"--proto_path={path.parent}", "--include_imports", f"--descriptor_set_out={out.name}", path.name], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool.FindFileByName(path.name).message_types_by_name


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        return "".join(self.random.choice("aZ é中😀\n\"") for _ in range(self.random.choice((0, 3, 40))))

    def scalar(self, field):
        pick = self.random
        bits = {field.CPPTYPE_INT32: 31, field.CPPTYPE_INT64: 63}.get(field.cpp_type)
        if bits:
            return pick.choice((0, -1, 2**bits - 1, -(2**bits), pick.randrange(-500, 500)))
        bits = {field.CPPTYPE_UINT32: 32, field.CPPTYPE_UINT64: 64}.get(field.cpp_type)
        if bits:
            return pick.choice((0, 2**bits - 1, 2 ** (bits - 1), pick.randrange(500)))
        if field.cpp_type == field.CPPTYPE_FLOAT:
            return struct.unpack("f", struct.pack("f", pick.uniform(-1e6, 1e6)))[0]
        if field.cpp_type == field.CPPTYPE_DOUBLE:
            return pick.choice((0.0, 1e308, pick.uniform(-1, 1)))
        if field.cpp_type == field.CPPTYPE_BOOL:
            return pick.random() < 0.5
        if field.cpp_type == field.CPPTYPE_ENUM:
            return pick.choice([v.number for v in field.enum_type.values] + [99])
        return pick.randbytes(pick.choice((0, 5, 300))) if field.type == field.TYPE_BYTES else self.text()

    def fill(self, message, share=0.7):
        pick = self.random
        name = message.DESCRIPTOR.full_name
        if name == "google.protobuf.Timestamp":
            message.seconds, message.nanos = pick.randrange(-(10**10), 10**11), pick.randrange(10**9)
        elif name == "google.protobuf.Struct":
            message.update({"a": pick.random(), "b": [None, True, {"c": self.text()}]})
        elif name == "google.protobuf.Value":
            json_format.ParseDict(pick.choice((1.5, "x", True, [1.0], {"a": None})), message)
        else:
            for field in message.DESCRIPTOR.fields:
                if pick.random() < share or (field.is_required if hasattr(field, "is_required") else field.label == 2):
                    self.fill_field(message, field)
        return message

    def fill_field(self, message, field):
        to = getattr(message, field.name)
        options = field.message_type.GetOptions() if field.message_type else None
        if options is not None and options.map_entry:
            key, value = field.message_type.fields
            for _ in range(self.random.choice((0, 1, 4))):
                if value.message_type:
                    self.fill(to[self.scalar(key)])
                else:
                    to[self.scalar(key)] = self.scalar(value)
        elif field.is_repeated:
            for _ in range(self.random.choice((0, 1, 3, 70))):
                if field.message_type:
                    self.fill(to.add())
                else:
                    to.append(self.scalar(field))
        elif field.message_type:
            to.SetInParent()
            self.fill(to)
        else:
            setattr(message, field.name, self.scalar(field))


def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def make(folder, seed, count):
    maker = Maker(seed)
    for number, (text, _) in SCHEMAS.items():
        (folder / f"schema-{number}.proto").write_text(text)
    types = dict(classes(folder))
    with open(folder / "messages", "wb") as out:
        for _ in range(count):
            number = maker.random.choice(list(types))
            body = maker.fill(types[number]()).SerializeToString()
            if maker.random.random() < 0.3:  # two, one after the other, are one message
                body += maker.fill(types[number](), 0.4).SerializeToString()
            indexes = SCHEMAS[number][1]
            framed = b"\0" if indexes == [0] else varint(2 * len(indexes)) + b"".join(varint(2 * i) for i in indexes)
            message = b"\0" + struct.pack(">I", number) + framed + body
            put(out, message)


def expected(message):
    """What a row is to hold: members without a value are left out."""
    row = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, kind = field.message_type.fields
            text = (lambda k: str(k).lower()) if key.cpp_type == key.CPPTYPE_BOOL else str
            row[field.name] = {text(k): one(kind, value[k]) for k in value}
        elif field.is_repeated:
            row[field.name] = [one(field, v) for v in value]
        elif not field.has_presence or message.HasField(field.name) or field.has_default_value:
            row[field.name] = one(field, value)
    return row


def one(field, value):
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else str(value)
    if field.type in (field.TYPE_UINT64, field.TYPE_FIXED64):
        return decimal.Decimal(value)
    if field.message_type is None:
        return value
    name = field.message_type.full_name
    if name == "google.protobuf.Timestamp":
        return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
    if name.endswith("Value") and name != "google.protobuf.Value":
        return one(value.DESCRIPTOR.fields[0], value.value)
    if name in ("google.protobuf.Struct", "google.protobuf.Value"):
        return json_format.MessageToDict(value)
    return expected(value)


def plain(value, wanted=None):
    if isinstance(wanted, dict) and isinstance(value, str):
        return json.loads(value)
    if isinstance(value, dict):
        return {k: plain(v, wanted.get(k) if isinstance(wanted, dict) else None) for k, v in value.items() if v is not None}
    if isinstance(value, list) and isinstance(wanted, dict):
        return {k: plain(v, wanted.get(k)) for k, v in value}
    if isinstance(value, list):
        return [plain(v, wanted[i] if isinstance(wanted, list) and i < len(wanted) else None) for i, v in enumerate(value)]
    return value


def judge(folder, files):
    types = dict(classes(folder))
    rows = [row for file in files for row in pa.ipc.open_stream(file).read_all().to_pylist()]
    count = 0
    for message, row in zip(messages(folder), rows, strict=True):
        (number,) = struct.unpack(">I", message[1:5])
        indexes = SCHEMAS[number][1]
        wanted = expected(types[number].FromString(message[5 + (1 if indexes == [0] else 1 + len(indexes)) :]))
        got = plain(row, wanted)
        if isinstance(wanted.get("any_json"), (float, str, bool, list)) and "any_json" in got:
            got["any_json"] = json.loads(got["any_json"])
        if wanted != got:
            different = {k: (wanted.get(k), got.get(k)) for k in wanted.keys() | got.keys() if wanted.get(k) != got.get(k)}
            raise AssertionError(f"message {count} of schema {number}: {different}")
        count += 1
    print(f"rows={count}")


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "make":
        make(place, int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1] == "read":
        kind = message_factory.GetMessageClass(message_class(place)[sys.argv[3]])
        read = kind.FromString(pathlib.Path(sys.argv[4]).read_bytes())
        print(json.dumps(json_format.MessageToDict(read, preserving_proto_field_name=True), sort_keys=True))
    else:
        judge(place, sys.argv[3:])
