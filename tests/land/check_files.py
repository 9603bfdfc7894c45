"""Judges data files: check_files.py ROWS.arrow FILES.json

FILES.json is what the writer says of each file. The files must hold exactly the rows, with the field ids of the table, and
every statement on them must be true of the data as pyarrow reads it back.
"""

import collections
import datetime
import decimal
import json
import math
import struct
import sys
import uuid


import pyarrow as pa
import pyarrow.parquet as pq

decimal.getcontext().prec = 60
EPOCH = datetime.datetime(1970, 1, 1)


def fail(text):
    print(text)
    sys.exit(1)


def plain(value):
    """Comparable and hashable, NaN equal to NaN, -0.0 apart from 0.0."""
    if isinstance(value, float):
        return struct.pack(">d", value)
    if isinstance(value, uuid.UUID):
        return value.bytes
    if isinstance(value, dict):
        return tuple((k, plain(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(plain(v) for v in value)
    return value


def micros(value):
    return (value.replace(tzinfo=None) - EPOCH) // datetime.timedelta(microseconds=1)


def decode(kind, data):
    if kind == "boolean":
        return data != b"\0"
    if kind == "int":
        return struct.unpack("<i", data)[0]
    if kind == "date":
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=struct.unpack("<i", data)[0])
    if kind == "long":
        return struct.unpack("<q", data)[0]
    if kind == "time":
        return (EPOCH + datetime.timedelta(microseconds=struct.unpack("<q", data)[0])).time()
    if kind.startswith("timestamp"):
        return struct.unpack("<q", data)[0]
    if kind == "float":
        return struct.unpack("<f", data)[0]
    if kind == "double":
        return struct.unpack("<d", data)[0]
    if kind == "string":
        return data.decode()
    if kind.startswith("decimal"):
        scale = int(kind.split(",")[1].strip(" )"))
        return decimal.Decimal(int.from_bytes(data, "big", signed=True)).scaleb(-scale)
    return data


def comparable(kind, value):
    if kind.startswith("timestamp"):
        return micros(value)
    if isinstance(value, uuid.UUID):
        return value.bytes
    if kind in ("float", "double"):
        return (value, math.copysign(1, value))
    return value


def raised(text):
    points = [ord(c) for c in text[:16]]
    while points:
        last = points.pop()
        if last < 0x10FFFF:
            return "".join(map(chr, points + [0xE000 if last == 0xD7FF else last + 1]))
    return None


def raised_bytes(data):
    kept = bytearray(data[:16])
    while kept:
        last = kept.pop()
        if last < 0xFF:
            return bytes(kept + bytes([last + 1]))
    return None


def check_column(name, kind, values, said):
    present = [v for v in values if v is not None]
    if said["values"] != len(values):
        fail(f"{name}: {said['values']} values said, {len(values)} there")
    if said["nulls"] != len(values) - len(present):
        fail(f"{name}: {said['nulls']} nulls said, {len(values) - len(present)} there")
    if kind in ("float", "double"):
        nans = sum(math.isnan(v) for v in present)
        if said["nans"] != nans:
            fail(f"{name}: {said['nans']} NaNs said, {nans} there")
        present = [v for v in present if not math.isnan(v)]
    elif said["nans"] is not None:
        fail(f"{name}: NaNs of a {kind}")
    if not present:
        if said["lower"] is not None or said["upper"] is not None:
            fail(f"{name}: bounds of nothing")
        return
    least = min(present, key=lambda v: comparable(kind, v))
    most = max(present, key=lambda v: comparable(kind, v))
    expected_lower, expected_upper = comparable(kind, least), comparable(kind, most)
    if kind == "string":
        expected_lower = least[:16]
        expected_upper = most if len(most) <= 16 else raised(most)
    if kind == "binary":
        expected_lower = least[:16]
        expected_upper = most if len(most) <= 16 else raised_bytes(most)
    for what, expected in (("lower", expected_lower), ("upper", expected_upper)):
        got = said[what]
        got = None if got is None else decode(kind, bytes.fromhex(got))
        if kind in ("float", "double") and got is not None:
            got = (got, math.copysign(1, got))
        # Parquet widens a zero to the sign that holds for both: so may a bound.
        if kind in ("float", "double") and got is not None and got[0] == expected[0] == 0:
            continue
        if got != expected:
            fail(f"{name}: {what} bound {got!r}, the data say {expected!r}")


def leaf_values(rows, path):
    values = rows
    for name in path.split("."):
        values = [None if v is None else v[name] for v in values]
    return values


def main(rows_path, files_path):
    with pa.ipc.open_file(rows_path) as reader:
        expected = reader.read_all().to_pylist()
    with open(files_path, encoding="utf-8") as file:
        said = json.load(file)
    got = collections.Counter()
    for data_file in said["files"]:
        parquet = pq.ParquetFile(data_file["path"])
        rows = parquet.read().to_pylist()
        if len(rows) != data_file["records"]:
            fail(f"{len(rows)} rows, said {data_file['records']}")
        with open(data_file["path"], "rb") as raw:
            size = len(raw.read())
        if size != data_file["size"]:
            fail(f"{size} bytes, said {data_file['size']}")
        offsets = []
        for g in range(parquet.metadata.num_row_groups):
            column = parquet.metadata.row_group(g).column(0)
            offsets.append(min(o for o in (column.dictionary_page_offset, column.data_page_offset) if o))
        if offsets != data_file["split_offsets"]:
            fail(f"split offsets {data_file['split_offsets']}, the footer says {offsets}")
        ids = {}
        walk(parquet.schema_arrow, "", ids)
        for name, field_id in said["ids"].items():
            if ids.get(name) != field_id:
                fail(f"column {name} has id {ids.get(name)} in the file, {field_id} in the table")
        for name, column in data_file["columns"].items():
            check_column(name, column["type"], leaf_values(rows, name), column)
        if any(name.startswith(("tags", "scores")) for name in data_file["columns"]):
            fail("counts inside a list or map")
        for name, values in data_file.get("constant", {}).items():
            if any(str(row[name]) != values for row in rows):
                fail(f"a row of another {name} than {values}")
        if said.get("sorted_by"):
            for key in said["sorted_by"]:
                keys = [plain(row[key]) for row in rows]
                if keys != sorted(keys):
                    fail(f"not sorted by {key}")
        got.update(plain(row) for row in rows)
    want = collections.Counter(plain(row) for row in expected)
    if got != want:
        missing, extra = want - got, got - want
        fail(f"{sum(missing.values())} rows missing, {sum(extra.values())} too many: {list(missing)[:1]} {list(extra)[:1]}")
    print(f"{sum(got.values())} rows in {len(said['files'])} files agree")


def walk(fields, prefix, ids):
    for field in fields:
        name = prefix + field.name
        ids[name] = int(field.metadata[b"PARQUET:field_id"])
        if pa.types.is_struct(field.type):
            walk(field.type, name + ".", ids)
        if pa.types.is_list(field.type):
            ids[name + ".element"] = int(field.type.value_field.metadata[b"PARQUET:field_id"])
        if pa.types.is_map(field.type):
            ids[name + ".key"] = int(field.type.key_field.metadata[b"PARQUET:field_id"])
            ids[name + ".value"] = int(field.type.item_field.metadata[b"PARQUET:field_id"])


main(sys.argv[1], sys.argv[2])
