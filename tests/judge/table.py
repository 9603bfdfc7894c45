"""pyiceberg's and DuckDB's word on a table.

table.py files DIR N ROWS            writes N real Parquet files below DIR/data and prints what each holds
table.py inspect METADATA [pyiceberg]  prints what pyiceberg and DuckDB, or pyiceberg alone, find in the table
table.py manifests LIST              prints a manifest list and its manifests, as fastavro (raw) and pyiceberg (typed) see them
table.py create DIR VERSION CODEC    makes a table of that format version with pyiceberg, in three commits of ten rows each;
                                     CODEC is write.avro.compression-codec
table.py write METADATA DIR STEP...  lets pyiceberg work on the table; each STEP is append, overwrite, delete, evolve or spec;
                                     prints the new metadata's path
"""

import collections.abc
import datetime
import decimal
import glob
import json
import os
import sys
import uuid

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

KINDS = ["click", "view", "buy it"]


def field(number, name, kind, nullable=True):
    return pa.field(name, kind, nullable=nullable, metadata={"PARQUET:field_id": str(number)})


SCHEMA = pa.schema(
    [
        field(1, "id", pa.int64(), nullable=False),
        field(2, "kind", pa.string()),
        field(3, "at", pa.timestamp("us", tz="UTC")),
        field(4, "value", pa.float64()),
    ]
)


def rows_of(number, rows):
    """Rows of file `number`: one kind, one day, ids that no other file has."""
    day = datetime.datetime(2021, 7, 1 + number % 4, 6, tzinfo=datetime.timezone.utc)
    ids = list(range(number * rows, (number + 1) * rows))
    return pa.table(
        {
            "id": ids,
            "kind": [KINDS[number % len(KINDS)]] * rows,
            "at": [day] * rows,
            "value": [float("nan") if i % 7 == 0 else i / 2 for i in ids],
        },
        schema=SCHEMA,
    )


def files(folder, count, rows):
    os.makedirs(f"{folder}/data", exist_ok=True)
    found = []
    for number in range(int(count)):
        path = f"{folder}/data/file-{number}.parquet"
        table = rows_of(number, int(rows))
        pq.write_table(table, path)
        found.append(
            {
                "path": "file://" + path,
                "size": os.path.getsize(path),
                "rows": table.num_rows,
                "kind": table["kind"][0].as_py(),
                "day": (table["at"][0].as_py().date() - datetime.date(1970, 1, 1)).days,
                "first": table["id"][0].as_py(),
                "last": table["id"][-1].as_py(),
            }
        )
    print(json.dumps(found))


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time, decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, float) and value != value:
        return "NaN"
    if isinstance(value, collections.abc.Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def duckdb_scan(metadata):
    site = os.path.dirname(os.path.dirname(duckdb.__file__))
    con = duckdb.connect()
    for name in ("avro", "iceberg"):
        (path,) = glob.glob(f"{site}/duckdb_extension_{name}/extensions/*/{name}.duckdb_extension")
        con.execute(f"LOAD '{path}'")
    return con.execute(f"SELECT count(*), coalesce(sum(id), 0)::BIGINT FROM iceberg_scan('{metadata}')").fetchone()


def inspect(metadata, only=None):
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(metadata)
    scan = table.scan()
    entries = table.inspect.entries().to_pylist() if table.current_snapshot() else []
    data = scan.to_arrow() if table.current_snapshot() else None
    print(
        json.dumps(
            plain(
                {
                    "snapshots": [
                        {"id": s.snapshot_id, "parent": s.parent_snapshot_id, "sequence": s.sequence_number, "summary": dict(s.summary.additional_properties), "operation": s.summary.operation.value, "schema": s.schema_id}
                        for s in table.metadata.snapshots
                    ],
                    "current": table.metadata.current_snapshot_id,
                    "main": table.metadata.refs["main"].snapshot_id if "main" in table.metadata.refs else None,
                    "log": [entry.snapshot_id for entry in table.metadata.snapshot_log],
                    "properties": table.metadata.properties,
                    "entries": sorted(
                        [e["status"], os.path.basename(e["data_file"]["file_path"]), e["snapshot_id"], e["sequence_number"], e["file_sequence_number"]]
                        for e in entries
                    ),
                    "files": sorted(os.path.basename(task.file.file_path) for task in scan.plan_files()) if data is not None else [],
                    "clicks": sorted(os.path.basename(task.file.file_path) for task in table.scan(row_filter="kind = 'click' and at < '2021-07-02T00:00:00+00:00'").plan_files()) if data is not None else [],
                    "high": sorted(os.path.basename(task.file.file_path) for task in table.scan(row_filter="id >= 25").plan_files()) if data is not None else [],
                    "partitions": sorted([str(p.get("partition")), p["record_count"], p["file_count"]] for p in table.inspect.partitions().to_pylist()) if data is not None else [],
                    "columns": [f"{f.field_id} {f.name} {f.field_type}" for f in table.schema().fields],
                    "rows": data.num_rows if data is not None else 0,
                    "sum": sum(data["id"].to_pylist()) if data is not None else 0,
                    "duckdb": duckdb_scan(metadata) if data is not None and not only else [0, 0],
                }
            )
        )
    )


def manifests(path):
    from pyiceberg.io.pyarrow import PyArrowFileIO
    from pyiceberg.manifest import read_manifest_list

    io = PyArrowFileIO()
    out = []
    for manifest in read_manifest_list(io.new_input(path)):
        with open(manifest.manifest_path.removeprefix("file://"), "rb") as file:
            reader = fastavro.reader(file)
            raw = list(reader)
            header = dict(reader.metadata)
        out.append(
            {
                "path": os.path.basename(manifest.manifest_path),
                "length": manifest.manifest_length,
                "size": os.path.getsize(manifest.manifest_path.removeprefix("file://")),
                "content": int(manifest.content),
                "sequence": [manifest.sequence_number, manifest.min_sequence_number],
                "counts": [manifest.added_files_count, manifest.existing_files_count, manifest.deleted_files_count],
                "rows": [manifest.added_rows_count, manifest.existing_rows_count, manifest.deleted_rows_count],
                "summaries": [[p.contains_null, p.contains_nan, p.lower_bound, p.upper_bound] for p in manifest.partitions],
                "header": header,
                "raw": raw,
                "entries": [
                    {
                        "status": int(entry.status),
                        "snapshot": entry.snapshot_id,
                        "sequence": [entry.sequence_number, entry.file_sequence_number],
                        "content": int(entry.data_file.content),
                        "path": entry.data_file.file_path,
                        "partition": list(entry.data_file.partition._data),
                        "counts": [entry.data_file.record_count, entry.data_file.file_size_in_bytes],
                        "column_sizes": entry.data_file.column_sizes,
                        "value_counts": entry.data_file.value_counts,
                        "null_value_counts": entry.data_file.null_value_counts,
                        "nan_value_counts": entry.data_file.nan_value_counts,
                        "lower_bounds": entry.data_file.lower_bounds,
                        "upper_bounds": entry.data_file.upper_bounds,
                        "split_offsets": entry.data_file.split_offsets,
                        "equality_ids": entry.data_file.equality_ids,
                        "sort_order_id": entry.data_file.sort_order_id,
                    }
                    for entry in manifest.fetch_manifest_entry(io, discard_deleted=False)
                ],
            }
        )
    with open(path.removeprefix("file://"), "rb") as file:
        header = dict(fastavro.reader(file).metadata)
    print(json.dumps(plain({"header": header, "manifests": out})))


def create(folder, version, codec):
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("judge", uri=f"sqlite:///{folder}/judge.db", warehouse=f"file://{folder}")
    catalog.create_namespace("judge")
    properties = {"format-version": version, "write.avro.compression-codec": codec}
    table = catalog.create_table("judge.t", schema=SCHEMA, location=f"file://{folder}/t", properties=properties)
    for number in range(3):
        table.append(rows_of(number, 10))
    assert table.metadata.format_version == int(version)
    print(table.metadata_location)


def write(metadata, folder, *steps):
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.transforms import BucketTransform
    from pyiceberg.types import StringType

    catalog = SqlCatalog("judge", uri=f"sqlite:///{folder}/judge.db", warehouse=f"file://{folder}")
    catalog.create_namespace_if_not_exists("judge")
    table = catalog.register_table("judge.t", metadata)
    for step in steps:
        if step == "append":
            table.append(rows_of(100, 10))
        elif step == "overwrite":
            table.overwrite(rows_of(101, 10), overwrite_filter="kind = 'view'")
        elif step == "delete":
            table.delete("id < 5")  # rewrites the file that holds them
        elif step == "evolve":
            with table.update_schema() as update:
                update.add_column("note", StringType())
        elif step == "spec":
            with table.update_spec() as update:
                update.remove_field("kind").add_field("id", BucketTransform(4), "id_bucket")
        else:
            raise SystemExit(f"no step {step}")
    print(table.metadata_location)


command, *arguments = sys.argv[1:]
{"files": files, "inspect": inspect, "manifests": manifests, "create": create, "write": write}[command](*arguments)
