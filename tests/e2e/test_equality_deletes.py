"""Upserts that delete by the value of keys: the tables hold what the changes say, as every reader sees them that takes equality deletes (pyiceberg refuses them,
and reads the tables once maintenance has applied them), with other ways of writing before and after, and no index on the disk."""

import json
import random

import oracle
import pytest
import readers
from test_upserts import agree, canonical, changes, query

TABLES = {
    "silver.flat": "",
    "silver.moved": ", iceberg: { partition_by: [kind] }",
    "silver.keyed": ', iceberg: { partition_by: [region, "bucket(2, id)"], format_version: 3 }',
}
COLUMNS = ["region", "id", "kind", "v"]
CRASHED = 86


def config(write, more=""):
    tables = "".join(f"  {name}: {{ from: c, key: [region, id], upsert: {{ operation: op, write: {write} }}{rest} }}\n" for name, rest in TABLES.items())
    return f"name: e\ndata_dir: data\nsources: {{ c: {{ file: {{ path: 'in/*.ndjson' }} }} }}\nmaintenance: {{ interval: 0s, snapshots_keep: 1 }}\n{more}tables:\n{tables}"


class Changes:
    """Rows by key, and records of changes that make them: keys change twice in a commit, go and come again, rows move between partitions."""

    def __init__(self):
        self.rows, self.version, self.dice = {}, 0, random.Random(11)

    def some(self, count):
        for _ in range(count):
            key = (self.dice.choice(["eu", "us", "aß'\"\\"]), self.dice.randrange(25))
            self.version += 1
            if self.dice.random() < 0.3:
                self.rows.pop(key, None)
                yield {"region": key[0], "id": key[1], "op": "d"}
                continue
            row = {"region": key[0], "id": key[1], "kind": self.dice.choice("abc"), "v": self.version}
            self.rows[key] = row
            yield {**row, "op": "u"}


def readers_agree(millrace, table, rows):
    """By hand, DuckDB's extension and our own query; with pyiceberg, which refuses, where no delete by value is left."""
    data = millrace.folder / "data"
    lake = oracle.Lake(data)
    files = list(lake.live(table))
    contents = [file["content"] for file in files]
    if 2 not in contents:
        agree(millrace, table, rows, COLUMNS)
        return contents
    if min(file["sequence"] for file in files if file["content"] == 0) < max(file["sequence"] for file in files if file["content"] == 2):
        with pytest.raises(ValueError, match="equality deletes"):
            readers.pyiceberg_rows(data, table)
    select = ", ".join(COLUMNS)
    for name, found in (
        ("by hand", lake.walk(table)),
        ("DuckDB", readers.duckdb_rows(lake.metadata_location(table), select)),
        ("millrace", query(millrace, f"SELECT {select} FROM {table}")),
    ):
        oracle.compare(canonical(rows), canonical({column: row.get(column) for column in COLUMNS} for row in found), f"{table} {name}")
    return contents


def test_keys_are_deleted_by_value_and_readers_agree(millrace):
    data = millrace.folder / "data"
    lake = oracle.Lake(data)
    made = Changes()
    millrace.write("millrace.yaml", config("equality_deletes"))
    for number in range(5):
        records = list(made.some(60))
        changes(millrace, number, records + [{"region": None, "id": number, "v": 0}, {"id": 3, "op": "d"}])
        for table in TABLES if number in (0, 1, 4) else ():
            contents = readers_agree(millrace, table, made.rows.values())
            assert contents.count(2) == number, f"one delete file a commit, none when there was no row: {contents}"
    assert not (data / "keys").exists() or not list((data / "keys").rglob("*.run")), "nothing is known of the table's keys"
    assert {row["cause"] for row in query(millrace, "SELECT cause FROM quarantine.silver_flat")} == {"missing_key"}

    # Spark, which applies them as Iceberg does, is asked once: of the tables now, after maintenance, and as another way goes on.
    asked = [(table, lake.metadata_location(table), canonical(made.rows.values())) for table in TABLES]
    moved = lake.metadata("silver.moved")
    assert sorted(len(spec["fields"]) for spec in moved["partition-specs"]) == [0, 1] and moved["default-spec-id"] == 0
    spark = readers.spark_on([path for _, path, _ in asked], [f"SELECT {', '.join(COLUMNS)} FROM judge.t.t{n}" for n in range(len(asked))])
    for (table, _, wanted), found in zip(asked, spark):
        oracle.compare(wanted, canonical(found), f"{table} Spark")

    # Maintenance applies them, their files go, and pyiceberg reads the tables.
    first = set(data.rglob("*-equality-deletes.parquet"))
    assert len(first) == len(TABLES) * 4
    for point in ("maintain.before_delete_location", "maintain.after_delete_location"):
        assert millrace.run("maintain", env={"MILLRACE_FAULT": f"{point}:1"}, expect=None).returncode == CRASHED, point
        readers_agree(millrace, "silver.moved", made.rows.values())
    millrace.run("maintain")
    for table in TABLES:
        assert set(readers_agree(millrace, table, made.rows.values())) <= {0}

    # Other ways of writing go on over them, and back.
    for number, write in enumerate(("equality_deletes", "merge_on_read", "equality_deletes", "copy_on_write"), 10):
        millrace.write("millrace.yaml", config(write))
        changes(millrace, number, made.some(40))
        for table in TABLES:
            readers_agree(millrace, table, made.rows.values())
    millrace.run("maintain")
    for table in TABLES:
        assert set(readers_agree(millrace, table, made.rows.values())) <= {0}
    assert not first & set(data.rglob("*-equality-deletes.parquet")), "they expired with their snapshots"


def test_what_deletes_by_value_cannot_do_is_said(millrace):
    for table, word in (
        ("key: [id], upsert: { write: equality_deletes, order_by: at }", "merge_on_read"),
        ("key: [address.zip], upsert: { write: equality_deletes }", "top of the table"),
    ):
        millrace.write("millrace.yaml", f"name: e\ndata_dir: data\nsources: {{ c: {{ file: {{ path: 'in/*.ndjson' }} }} }}\ntables: {{ silver.t: {{ from: c, {table} }} }}\n")
        said = millrace.run("check", expect=78).stderr
        assert word in said and "millrace.yaml:4" in said, said
    millrace.write(
        "millrace.yaml",
        "name: e\ndata_dir: data\nsources: { c: { file: { path: 'in/*.ndjson' } } }\ntables: { silver.t: { from: c, key: [share], upsert: { write: equality_deletes } } }\n",
    )
    millrace.write("in/1.ndjson", '{"share": 0.5}\n')
    said = millrace.run("run", "--until-idle", expect=78).stderr
    assert "share is a double" in said and "merge_on_read" in said, said
    millrace.write("in/1.ndjson", '{"share": 1}\n')
