"""Holds the rows of tables against what a test expects of them: check_snapshots.py [--all-readers] FOLDER...

Each folder is a lake with a file expected.json: [{"table", "snapshot", "columns", "rows", "said"}], no snapshot for the newest. pyiceberg reads each of the
snapshots; the newest of a table is also walked by hand, file by file (tests/e2e/oracle.py). Snapshots with equality deletes, which
pyiceberg refuses, are all walked by hand, and read by DuckDB's Iceberg extension. With --all-readers DuckDB's Iceberg
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
        by_value = any(file["content"] == 2 for file in lake.live_in(lake.snapshot(one["table"], one["snapshot"])))
        if by_value:
            rows = readers.duckdb_rows(lake.metadata_location(one["table"]), ", ".join(one["columns"]), snapshot=one["snapshot"])
        else:
            rows = catalog.load_table(one["table"]).scan(snapshot_id=one["snapshot"]).to_arrow().to_pylist()
        oracle.compare(wanted, taken(rows, one["columns"]), f"{one['said']}: rows as {'DuckDB' if by_value else 'pyiceberg'} reads them")
        if by_value or one["snapshot"] in (None, lake.snapshot(one["table"])["snapshot-id"]):
            by_hand = taken(lake.walk(one["table"], one["snapshot"]), one["columns"])
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
    return check_lineage(found)


LINEAGE = "SELECT id, _row_id, _last_updated_sequence_number FROM judge.t.t{} VERSION AS OF {}"
REWRITES_MAX = 4


def check_lineage(found):
    """As Spark reads it: in tables of format 3 every row has an id of its own, and neither that nor the number of the commit that
    changed it last is another one after its row was moved to another file."""
    wanted = []
    for i, (folder, one, metadata_file) in enumerate(found):
        metadata = oracle.Lake(folder).metadata(one["table"])
        if metadata["format-version"] < 3:
            continue
        numbered = {snapshot["snapshot-id"] for snapshot in metadata["snapshots"] if "first-row-id" in snapshot}
        moved = [s for s in metadata["snapshots"] if s["summary"]["operation"] == "replace" and s.get("parent-snapshot-id") in numbered]
        pairs = [(s["parent-snapshot-id"], s["snapshot-id"]) for s in moved[-REWRITES_MAX:]]
        newest = metadata["current-snapshot-id"]
        wanted += [(folder, i, before, after) for before, after in [*pairs, (newest, newest)] if after in numbered]
    if not wanted:
        return 0
    statements = [LINEAGE.format(i, snapshot) for _, i, *both in wanted for snapshot in both]
    rows = iter(readers.spark_on([metadata for _, _, metadata in found], statements))
    for folder, _, before, after in wanted:
        old, new = next(rows), next(rows)
        ids = [row["_row_id"] for row in new]
        if None in ids or len(set(ids)) != len(ids):
            raise oracle.Wrong(f"{folder}: snapshot {after} has rows without an id, or one id twice")
        same = [[json.dumps(row, sort_keys=True) for row in side] for side in (old, new)]
        oracle.compare(*same, f"{folder}: lineage of snapshot {before} and, rewritten, {after}")
    return len(wanted)


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
lineages = check_others(folders) if everyone else 0
print(f"{checked} snapshots hold what they should; lineages looked at: {lineages}")
