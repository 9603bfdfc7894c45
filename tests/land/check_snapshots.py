"""Holds the rows of tables against what a test expects of them: check_snapshots.py [--all-readers] FOLDER...

Each folder is a lake with a file expected.json: [{"table", "snapshot", "columns", "rows", "said"}], no snapshot for the newest. pyiceberg reads each of the
snapshots; the newest of a table is also walked by hand, file by file (tests/e2e/oracle.py). With --all-readers DuckDB's Iceberg
extension and Spark read the newest too, Spark all folders in one session.
"""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))

import oracle
import readers
from pyiceberg.catalog.sql import SqlCatalog


def taken(rows, columns):
    return [json.dumps([row.get(column) for column in columns], default=str) for row in rows]


def expected_of(folder):
    with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
        return json.load(file)


def check(folder):
    expected = expected_of(folder)
    catalog = SqlCatalog("millrace", uri=f"sqlite:///{folder}/catalog.db")
    lake = oracle.Lake(folder)
    for one in expected:
        wanted = [json.dumps(row) for row in one["rows"]]
        rows = catalog.load_table(one["table"]).scan(snapshot_id=one["snapshot"]).to_arrow().to_pylist()
        oracle.compare(wanted, taken(rows, one["columns"]), f"{one['said']}: rows as pyiceberg reads them")
        if one["snapshot"] in (None, lake.snapshot(one["table"])["snapshot-id"]):
            by_hand = taken(lake.walk(one["table"]), one["columns"])
            oracle.compare(wanted, by_hand, f"{one['said']}: rows by hand")
    return len(expected)


def newest(folder):
    """What is expected of the table as it stands, and its metadata file."""
    lake = oracle.Lake(folder)
    for one in reversed(expected_of(folder)):
        if lake.snapshot(one["table"])["snapshot-id"] == one["snapshot"]:
            return one, lake.metadata_location(one["table"])
    return None


def check_others(folders):
    found = [(folder, *newest(folder)) for folder in folders if newest(folder)]
    for folder, one, metadata in found:
        rows = readers.duckdb_rows(metadata, ", ".join(one["columns"]))
        oracle.compare([json.dumps(row) for row in one["rows"]], taken(rows, one["columns"]), f"{folder}: rows as DuckDB reads them")
    statements = [f"SELECT {', '.join(one['columns'])} FROM judge.t.t{i}" for i, (_, one, _) in enumerate(found)]
    results = readers.spark_on([metadata for _, _, metadata in found], statements)
    for (folder, one, _), rows in zip(found, results):
        oracle.compare([json.dumps(row) for row in one["rows"]], taken(rows, one["columns"]), f"{folder}: rows as Spark reads them")
    if len(found) != len(folders):
        raise oracle.Wrong("a folder says nothing of its newest snapshot")


arguments = sys.argv[1:]
everyone = "--all-readers" in arguments
folders = [argument for argument in arguments if argument != "--all-readers"]
checked = 0
for folder in folders:
    try:
        checked += check(folder)
    except Exception as error:
        print(f"{folder}: {type(error).__name__}: {error}")
        sys.exit(1)
if everyone:
    check_others(folders)
print(f"{checked} snapshots hold what they should")
