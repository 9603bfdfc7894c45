"""A lake that pyiceberg wrote, and its word on what is in it.

query_lake.py make ROOT              catalog.db and wh/ below ROOT, with the tables below
query_lake.py equal ROOT TABLE ARROW the rows of ARROW (an IPC stream) are those of the table, by its own scan
query_lake.py snapshots ROOT TABLE   snapshot ids and times (ms), oldest first
query_lake.py plan ROOT TABLE FILE   for each line of FILE, a filter: files and bytes in all, and those it plans to read
query_lake.py deletes ROOT PATH      writes a position delete file for rows 0 and 2 of each data file of silver.mor
"""

import datetime as dt
import decimal
import json
import os
import sys
import uuid

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BinaryType, BooleanType, DateType, DecimalType, DoubleType, FloatType, IntegerType, ListType, LongType, MapType,
    NestedField, StringType, StructType, TimestamptzType, UUIDType,
)


def catalog(root):
    return SqlCatalog("millrace", uri=f"sqlite:///{root}/catalog.db", warehouse=f"file://{root}/wh")


EVENTS = Schema(
    NestedField(1, "id", LongType()),
    NestedField(2, "type", StringType()),
    NestedField(3, "ts", TimestamptzType()),
    NestedField(4, "amount", DecimalType(9, 2)),
    NestedField(5, "n", IntegerType()),
    NestedField(6, "f", DoubleType()),
    NestedField(7, "s", StructType(NestedField(8, "a", IntegerType()), NestedField(9, "b", StringType()))),
    NestedField(10, "l", ListType(11, IntegerType(), element_required=False)),
    NestedField(12, "m", MapType(13, StringType(), 14, IntegerType(), value_required=False)),
    NestedField(15, "u", UUIDType()),
    NestedField(16, "d", DateType()),
    NestedField(17, "bin", BinaryType()),
    NestedField(18, "ok", BooleanType()),
    NestedField(19, "r", FloatType()),
)


def event(k, i, kind, day):
    return {
        "id": k * 1000 + i,
        "type": kind,
        "ts": dt.datetime(2024, 1, 1 + day, i % 24, i, tzinfo=dt.timezone.utc),
        "amount": None if i % 5 == 0 else decimal.Decimal(i * 100 + k).scaleb(-2),
        "n": i if k != 2 else None,
        "f": [float(i) / 3, float("nan"), -0.0, None, float("inf")][i % 5] if k in (1, 3) else i / 4,
        "s": None if i % 4 == 0 else {"a": i + k, "b": f"b{i}"},
        "l": None if i % 3 == 0 else [i, None],
        "m": None if i % 6 == 0 else [("k", i)],
        "u": uuid.UUID(int=(k << 120) + i).bytes,
        "d": dt.date(2024, 1, 1 + day),
        "bin": bytes([i % 256, 255, k]),
        "ok": i % 2 == 0 if k % 2 else None,
        "r": i / 8,
    }


def append(table, rows):
    table.append(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()))


def make_events(cat):
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "type"),
                         PartitionField(16, 1001, IdentityTransform(), "d"))
    cat.create_table("silver.events", schema=EVENTS, partition_spec=spec)
    table = cat.load_table("silver.events")
    for k, (kind, day) in enumerate([("Push", 0), ("Push", 1), ("Pull", 0), ('Öl, "x"/%y', 2), (None, 3), ("Push", 9)]):
        append(table, [event(k, i, kind, day) for i in range(50)])
    with table.update_schema() as change:
        change.update_column("n", LongType())
        change.update_column("r", DoubleType())
        change.update_column("amount", DecimalType(18, 2))
    with table.update_schema() as change:
        change.rename_column("n", "num")
        change.add_column("extra", StringType())
        change.add_column(("s", "c"), DoubleType())
        change.delete_column("bin")
    table = cat.load_table("silver.events")
    with table.update_spec() as change:
        change.remove_field("d")
    table = cat.load_table("silver.events")
    rows = []
    for i in range(20):
        row = event(7, i, "Push", 5)
        row["num"] = row.pop("n") + 2**40
        row["s"] = {"a": i, "b": "q", "c": i / 2}
        row["extra"] = "e" if i % 2 else None
        row.pop("bin")
        rows.append(row)
    append(table, rows)
    cat.load_table("silver.events").delete("id = 3 or num = 11")


def make_nested(cat):
    """Members renamed, and a name that passes from one member to another: nothing may be matched by name."""
    schema = Schema(
        NestedField(1, "id", LongType()),
        NestedField(2, "s", StructType(NestedField(3, "a", IntegerType()), NestedField(4, "b", StringType()))),
        NestedField(5, "l", ListType(6, StructType(NestedField(7, "x", IntegerType())), element_required=False)),
        NestedField(8, "m", MapType(9, StringType(), 10, StructType(NestedField(11, "v", IntegerType())),
                                    value_required=False)),
    )
    table = cat.create_table("silver.nested", schema=schema)
    append(table, [{"id": 1, "s": {"a": 1, "b": "b"}, "l": [{"x": 1}, None], "m": [("k", {"v": 1})]},
                   {"id": 2, "s": None, "l": [], "m": None}])
    with table.update_schema() as change:
        change.update_column(("s", "a"), LongType())
    with table.update_schema() as change:
        change.rename_column(("s", "a"), "a2")
        change.rename_column(("l", "element", "x"), "x2")
        change.add_column(("l", "y"), StringType())
        change.rename_column(("m", "value", "v"), "w")
    with table.update_schema(allow_incompatible_changes=True) as change:
        change.delete_column(("s", "b"))
    with table.update_schema() as change:
        change.add_column(("s", "b"), IntegerType())
    table = cat.load_table("silver.nested")
    append(table, [{"id": 3, "s": {"a2": 2**40, "b": 7}, "l": [{"x2": 5, "y": "y"}], "m": [("z", {"w": 9})]}])


def make_added(cat, root):
    """Files that were there before the table: no field ids, read by the name mapping."""
    os.makedirs(f"{root}/wh/raw")
    pq.write_table(pa.table({"id": [1, 2], "name": ["a", "b"], "s": [{"a": 1}, {"a": 2}]}), f"{root}/wh/raw/x.parquet")
    table = cat.create_table("silver.added", schema=Schema(
        NestedField(1, "id", LongType()), NestedField(2, "name", StringType()),
        NestedField(3, "s", StructType(NestedField(4, "a", LongType())))))
    table.add_files([f"file://{root}/wh/raw/x.parquet"])
    with cat.load_table("silver.added").update_schema() as change:
        change.rename_column("name", "title")
        change.add_column("z", LongType())
    append(cat.load_table("silver.added"), [{"id": 3, "title": "c", "s": {"a": 3}, "z": 3}])


def make(root):
    os.makedirs(f"{root}/wh")
    cat = catalog(root)
    cat.create_namespace("silver")
    cat.create_namespace("deep.er")
    make_events(cat)
    make_nested(cat)
    make_added(cat, root)
    one = Schema(NestedField(1, "id", LongType()))
    cat.create_table("silver.empty", schema=one)
    append(cat.create_table("deep.er.Table One", schema=one), [{"id": 1}])
    mor = cat.create_table("silver.mor", schema=one)
    append(mor, [{"id": i} for i in range(5)])
    append(mor, [{"id": 10 + i} for i in range(5)])


def deletes(root, path):
    table = catalog(root).load_table("silver.mor")
    files = sorted(task.file.file_path for task in table.scan().plan_files())
    rows = [{"file_path": file, "pos": pos} for file in files for pos in (0, 2)]
    fields = [pa.field("file_path", pa.string(), False, {"PARQUET:field_id": "2147483546"}),
              pa.field("pos", pa.int64(), False, {"PARQUET:field_id": "2147483545"})]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), path)


def canonical(value):
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.timezone.utc).isoformat()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def equal(root, name, arrow):
    expected = catalog(root).load_table(name).scan().to_arrow()
    with pa.OSFile(arrow) as source:
        actual = pa.ipc.open_stream(source).read_all()
    assert expected.column_names == actual.column_names, (expected.column_names, actual.column_names)
    def rows(table):
        return sorted((json.dumps(canonical(row), sort_keys=True) for row in table.to_pylist()))
    left, right = rows(expected), rows(actual)
    assert len(left) > 0 or name == "silver.empty"
    assert left == right, [pair for pair in zip(left, right) if pair[0] != pair[1]][:3]


def snapshots(root, name):
    for entry in catalog(root).load_table(name).history():
        print(entry.snapshot_id, entry.timestamp_ms)


def plan(root, name, file):
    table = catalog(root).load_table(name)
    for condition in open(file, encoding="utf-8").read().splitlines():
        for scan in (table.scan(), table.scan(row_filter=condition)):
            sizes = [task.file.file_size_in_bytes for task in scan.plan_files()]
            print(len(sizes), sum(sizes))


if __name__ == "__main__":
    {"make": make, "equal": equal, "deletes": deletes, "snapshots": snapshots, "plan": plan}[sys.argv[1]](*sys.argv[2:])
