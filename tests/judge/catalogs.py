"""pyiceberg on a catalogue: FILE is that of a SQL catalogue, or the address (http://...) of a REST catalogue, or that of Glue behind "glue=".

catalogs.py show FILE WAREHOUSE             every table: name, uuid, columns, partition fields, sort fields, owner, rows
catalogs.py make FILE WAREHOUSE             makes judge.made with two rows
catalogs.py append FILE WAREHOUSE TABLE     appends one row (id) to a table without partitions
catalogs.py v0 FILE                         makes an empty catalogue as pyiceberg did before 0.12, without iceberg_type
"""
import pathlib
import sqlite3
import sys

import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog


sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "services"))


def catalog():
    if sys.argv[2].startswith("glue="):
        import glue

        return glue.pyiceberg_catalog(sys.argv[2].removeprefix("glue="))
    if sys.argv[2].startswith("http://"):
        return RestCatalog("millrace", uri=sys.argv[2])
    return SqlCatalog("millrace", uri=f"sqlite:///{sys.argv[2]}", warehouse=f"file://{sys.argv[3]}")


def show():
    for namespace in catalog().list_namespaces():
        for name in catalog().list_tables(namespace):
            table = catalog().load_table(name)
            columns = [f"{f.field_id}:{f.name}:{f.field_type}:{f.required}" for f in table.schema().fields]
            spec = [f"{f.name}:{f.transform}" for f in table.spec().fields]
            order = [f"{f.source_id}:{f.transform}:{f.direction}" for f in table.sort_order().fields]
            print(".".join(name), table.metadata.table_uuid, columns, spec, order, table.properties.get("owner"), len(table.scan().to_arrow()), sep="|")


def make():
    catalog().create_namespace_if_not_exists("judge")
    table = catalog().create_table("judge.made", pa.schema([("id", pa.int64()), ("name", pa.string())]))
    table.append(pa.table({"id": [1, 2], "name": ["a", "b"]}))
    print(table.metadata.table_uuid)


def append():
    table = catalog().load_table(sys.argv[4])
    schema = table.schema().as_arrow()
    table.append(pa.Table.from_pylist([{"id": 1}], schema=schema))
    print(table.metadata_location)


def v0():
    db = sqlite3.connect(sys.argv[2])
    db.execute(
        "CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL, "
        "metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), PRIMARY KEY (catalog_name, table_namespace, table_name))"
    )
    db.execute(
        "CREATE TABLE iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL, "
        "property_value VARCHAR(1000) NOT NULL, PRIMARY KEY (catalog_name, namespace, property_key))"
    )
    db.commit()


{"show": show, "make": make, "append": append, "v0": v0}[sys.argv[1]]()
