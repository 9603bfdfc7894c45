"""An independent judge of a lake: reads it without the product, by SQLite, fastavro and pyarrow alone.

`Lake.walk` follows catalogue row -> metadata JSON -> manifest list -> manifests -> Parquet files by hand and checks what it passes:
every file exists once, with the size and the row count that its manifest entry states, and the snapshot's totals are the sums.
`compare` takes what went in and what came out as lists and says how they differ.
"""

import collections
import gzip
import json
import os
import sqlite3
import urllib.parse

import fastavro
import pyarrow.parquet as pq


class Wrong(AssertionError):
    """The lake does not hold what it says, or not what went in."""


# Where the server of a test keeps buckets as plain folders: s3://bucket/key is a file there, read without any client.
buckets = None


def path_of(uri):
    """A path out of what writers put into metadata: ours and pyiceberg's file:///x, Spark's file:/x, or plain. Taken as it is, like the
    readers do; only what is not there under that name may be percent-encoded."""
    if uri.startswith("s3://") and buckets is not None:
        return os.path.join(buckets, uri[len("s3://") :])
    if not uri.startswith("file:"):
        return uri
    literal = "/" + uri[len("file:") :].lstrip("/")
    return literal if os.path.exists(literal) else urllib.parse.unquote(literal)


class Lake:
    def __init__(self, data_dir, catalog="millrace"):
        self.data_dir = str(data_dir)
        self.database = os.path.join(self.data_dir, "catalog.db")
        self.catalog = catalog

    def tables(self):
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=60) as db:
            rows = db.execute(
                "select table_namespace, table_name from iceberg_tables where catalog_name = ? order by 1, 2", (self.catalog,)
            )
            return [f"{space}.{name}" for space, name in rows]

    def metadata_location(self, table):
        space, name = table.rsplit(".", 1)
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=60) as db:
            row = db.execute(
                "select metadata_location from iceberg_tables where catalog_name = ? and table_namespace = ? and table_name = ?",
                (self.catalog, space, name),
            ).fetchone()
        if row is None:
            raise Wrong(f"no table {table}; there are {self.tables()}")
        return path_of(row[0])

    def metadata(self, table):
        path = self.metadata_location(table)
        opener = gzip.open if path.endswith(".gz.metadata.json") else open
        with opener(path, "rt", encoding="utf-8") as file:
            return json.load(file)

    def snapshot(self, table):
        metadata = self.metadata(table)
        current = metadata.get("current-snapshot-id")
        return next((s for s in metadata.get("snapshots", []) if s["snapshot-id"] == current), None)

    def entries(self, table):
        """Live manifest entries of the current snapshot."""
        snapshot = self.snapshot(table)
        if snapshot is None:
            return
        for manifest in avro(snapshot["manifest-list"]):
            counted = collections.Counter()
            for entry in avro(manifest["manifest_path"]):
                counted[entry["status"]] += 1
                if entry["status"] != 2:
                    yield entry["data_file"]
            stated = (manifest["existing_files_count"], manifest["added_files_count"], manifest["deleted_files_count"])
            if stated != (counted[0], counted[1], counted[2]):
                raise Wrong(f"{manifest['manifest_path']} holds {dict(counted)} entries, its list says {stated}")

    def walk(self, table):
        """Every row of a table, as dicts; raises Wrong where a file is not what its entry says."""
        rows, seen = [], set()
        files = 0
        for file in self.entries(table):
            path = path_of(file["file_path"])
            if path in seen:
                raise Wrong(f"{path} is in the table twice")
            seen.add(path)
            if not os.path.exists(path):
                raise Wrong(f"{path} is referred to and missing")
            if os.path.getsize(path) != file["file_size_in_bytes"]:
                raise Wrong(f"{path} has {os.path.getsize(path)} bytes, its entry says {file['file_size_in_bytes']}")
            try:
                data = pq.ParquetFile(path).read()
            except Exception as error:
                raise Wrong(f"{path} cannot be read: {error}") from error
            if data.num_rows != file["record_count"]:
                raise Wrong(f"{path} has {data.num_rows} rows, its entry says {file['record_count']}")
            rows += data.to_pylist()
            files += 1
        self._check_totals(table, len(rows), files)
        return rows

    def _check_totals(self, table, rows, files):
        snapshot = self.snapshot(table)
        summary = snapshot["summary"] if snapshot else {}
        for name, value in (("total-records", rows), ("total-data-files", files)):
            if name in summary and int(summary[name]) != value:
                raise Wrong(f"{table}: {name} is {summary[name]}, {value} were found")

    def positions(self, table, scope=None):
        """The stored positions: newest ancestor that states them, checked against the property that mirrors them."""
        metadata = self.metadata(table)
        by_id = {s["snapshot-id"]: s for s in metadata.get("snapshots", [])}
        found, at = {}, metadata.get("current-snapshot-id")
        while at in by_id:
            for key, value in by_id[at]["summary"].items():
                if key.startswith("millrace.positions.") and (scope is None or key.endswith("." + scope)):
                    found.setdefault(key, json.loads(value))
            at = by_id[at].get("parent-snapshot-id")
        for key, value in found.items():
            mirror = metadata["properties"].get(key)
            if mirror is None or json.loads(mirror) != value:
                raise Wrong(f"{table}: {key} is {value} in the snapshot and {mirror} in the property")
        return found


def avro(uri):
    with open(path_of(uri), "rb") as file:
        return list(fastavro.reader(file))


def compare(sent, landed, what="records"):
    """Both are iterables of hashable things: nothing may be missing, extra, or there twice more than it was sent."""
    sent, landed = collections.Counter(sent), collections.Counter(landed)
    missing, extra = sent - landed, landed - sent
    if missing or extra:
        raise Wrong(
            f"{what}: {sum(sent.values())} in, {sum(landed.values())} out; "
            f"missing {sum(missing.values())}: {list(missing)[:3]}; extra {sum(extra.values())}: {list(extra)[:3]}"
        )
