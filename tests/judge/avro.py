"""fastavro's word on Avro containers.

avro.py read FILE                  prints {"metadata": ..., "records": [...]} of a container
avro.py write FILE CODEC N         writes N records under a schema with Iceberg's ids, and fields nobody asked for
avro.py names NAME...              prints each name as pyiceberg sanitises it, one a line
"""

import json
import sys

import fastavro
import fastavro._write_py
import zstandard

SCHEMA = {
    "type": "record",
    "name": "row",
    "fields": [
        {"name": "extra", "type": {"type": "map", "values": ["null", "double"]}, "field-id": 900},
        {"name": "text", "type": ["null", "string"], "default": None, "field-id": 2},
        {"name": "id", "type": "long", "field-id": 1},
        {
            "name": "more",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "inner",
                    "fields": [
                        {"name": "kind", "type": {"type": "enum", "name": "kinds", "symbols": ["A", "B"]}},
                        {"name": "hash", "type": {"type": "fixed", "name": "hash", "size": 3}},
                        {"name": "flag", "type": "boolean"},
                    ],
                },
            },
        },
        {"name": "sizes", "type": {"type": "array", "items": "int"}, "field-id": 3},
    ],
}


def text(value):
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {key: text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [text(item) for item in value]
    return value


def read(path):
    with open(path, "rb") as file:
        reader = fastavro.reader(file)
        records = [text(record) for record in reader]
        print(json.dumps({"metadata": reader.metadata, "records": records}, sort_keys=True))


def write(path, codec, count):
    records = [
        {
            "extra": {"a": 1.5, "b": None},
            "text": None if i % 3 == 0 else f"row {i}",
            "id": -i if i % 2 else i * 1_000_000_007,
            "more": [{"kind": "B", "hash": b"abc", "flag": True}] * (i % 4),
            "sizes": list(range(i % 5)),
        }
        for i in range(count)
    ]
    with open(path, "wb") as file:
        # fastavro wants one certain zstd binding, which is not among the pinned packages; any other does as well.
        fastavro._write_py.BLOCK_WRITERS["zstandard"] = write_zstandard
        fastavro._write_py.writer(file, fastavro.parse_schema(SCHEMA), records, codec=codec, sync_interval=1000)


def write_zstandard(encoder, data, level):
    compressed = zstandard.ZstdCompressor().compress(data)
    encoder.write_long(len(compressed))
    encoder._fo.write(compressed)


def names(*given):
    from pyiceberg.utils.schema_conversion import make_compatible_name

    for name in given:
        print(make_compatible_name(name))


command, *arguments = sys.argv[1:]
if command == "write":
    write(arguments[0], arguments[1], int(arguments[2]))
else:
    {"read": read, "names": names}[command](*arguments)
