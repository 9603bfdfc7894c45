"""pyiceberg on table metadata.

metadata.py write DIR     makes a table that lives through appends, schema and partition evolution, a tag and an overwrite;
                          every version of its metadata is in DIR/<ns>/<table>/metadata, the paths are printed
metadata.py check FILE... validates each file and prints it as pyiceberg would write it, one JSON a line
"""
import glob
import pathlib
import sys

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadataUtil
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import DecimalType, FixedType, ListType, LongType, MapType, NestedField, StringType, StructType, TimestamptzType, UUIDType


def write(folder):
    catalog = SqlCatalog("judge", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    catalog.create_namespace("ns")
    schema = Schema(
        NestedField(1, "id", LongType(), required=True, doc="the key"),
        NestedField(2, "at", TimestamptzType()),
        NestedField(3, "device", StructType(NestedField(10, "os", StringType()), NestedField(11, "tags", ListType(12, StringType(), element_required=False)))),
        NestedField(4, "amounts", MapType(13, StringType(), 14, DecimalType(9, 2), value_required=True)),
        NestedField(5, "token", UUIDType()),
        NestedField(6, "code", FixedType(4)),
        identifier_field_ids=[1],
    )
    spec = PartitionSpec(PartitionField(2, 1000, DayTransform(), "at_day"), PartitionField(1, 1001, BucketTransform(8), "id_bucket"))
    table = catalog.create_table("ns.events", schema, partition_spec=spec, sort_order=SortOrder(SortField(1, IdentityTransform())), properties={"owner": "judge"})
    plain = catalog.create_table("ns.plain", pa.schema([("id", pa.int64()), ("name", pa.string())]))
    rows = pa.table({"id": [1, 2], "name": ["a", None]})
    plain.append(rows)
    plain.append(rows)
    with plain.update_schema() as update:
        update.add_column("extra", LongType())
    with plain.update_spec() as update:
        update.add_field("id", IdentityTransform(), "by_id")
    plain.manage_snapshots().create_tag(plain.current_snapshot().snapshot_id, "kept").commit()
    plain.manage_snapshots().create_branch(plain.current_snapshot().snapshot_id, "side").commit()
    plain.overwrite(rows)
    with table.update_schema() as update:
        update.add_column(("device", "model"), StringType())
    print("\n".join(sorted(glob.glob(f"{folder}/ns/*/metadata/*.metadata.json"))))


def check(files):
    for name in files:
        print(TableMetadataUtil.parse_raw(pathlib.Path(name).read_text()).model_dump_json())


if sys.argv[1] == "write":
    write(sys.argv[2])
else:
    check(sys.argv[2:])
