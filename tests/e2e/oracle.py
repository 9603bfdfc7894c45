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
import struct
import urllib.parse
import zlib

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pyroaring


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
            if not db.execute("select 1 from sqlite_master where name = 'iceberg_tables'").fetchall():
                return []  # the file is there a moment before what is in it
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

    def snapshot(self, table, wanted=None):
        """The current snapshot, or one by its id; None when there is none."""
        metadata = self.metadata(table)
        current = wanted or metadata.get("current-snapshot-id")
        return next((s for s in metadata.get("snapshots", []) if s["snapshot-id"] == current), None)

    def entries(self, table):
        """The data files of the current snapshot, as their manifest entries state them."""
        return (file for file in self.live(table) if file["content"] == 0)

    def live(self, table):
        """The same for data and delete files; each with the data sequence number and the spec it has ("sequence", "spec")."""
        return self.live_in(self.snapshot(table))

    def live_in(self, snapshot):
        if snapshot is None:
            return
        for manifest in avro(snapshot["manifest-list"]):
            counted = collections.Counter()
            for entry in avro(manifest["manifest_path"]):
                counted[entry["status"]] += 1
                file = {"content": 0, **entry["data_file"], "spec": manifest["partition_spec_id"]}
                if (file["content"] != 0) != (manifest.get("content", 0) == 1):
                    raise Wrong(f"{manifest['manifest_path']} mixes data and deletes")
                inherited = manifest.get("sequence_number", 0)
                file["sequence"] = inherited if entry.get("sequence_number") is None else entry["sequence_number"]
                if entry["status"] != 2:
                    yield file
            stated = (manifest["existing_files_count"], manifest["added_files_count"], manifest["deleted_files_count"])
            if stated != (counted[0], counted[1], counted[2]):
                raise Wrong(f"{manifest['manifest_path']} holds {dict(counted)} entries, its list says {stated}")

    def walk(self, table, wanted=None):
        """Every row of a table, or of one of its snapshots, as dicts; raises Wrong where a file is not what its entry says. The table may be written meanwhile."""
        files, contents = [], []
        snapshot = self.snapshot(table, wanted)
        for file in self.live_in(snapshot):
            files.append(file)
            contents.append(content_of(file))
        paths = [(path_of(file["file_path"]), file.get("content_offset")) for file in files]
        if len(set(paths)) != len(paths):
            raise Wrong(f"{[path for path in paths if paths.count(path) > 1][0]} is in the table twice")
        vectors = [file["referenced_data_file"] for file in files if file.get("content_offset") is not None]
        if len(set(vectors)) != len(vectors):
            raise Wrong(f"{table}: a data file has two deletion vectors")
        self._check_totals(table, snapshot, files)
        deletes = [(file, data) for file, data in zip(files, contents) if file["content"] != 0]
        rows = []
        for file, data in zip(files, contents):
            if file["content"] == 0:
                rows += remaining(file, data, deletes, self._fields(table))
        return rows

    def _fields(self, table):
        """Names of the columns by id, newest first."""
        return {field["id"]: field["name"] for schema in self.metadata(table)["schemas"] for field in schema["fields"]}

    def _check_totals(self, table, snapshot, files):
        summary = snapshot["summary"] if snapshot else {}
        of = {content: [file for file in files if file["content"] == content] for content in (0, 1, 2)}
        for name, value in (
            ("total-records", sum(file["record_count"] for file in of[0])),
            ("total-data-files", len(of[0])),
            ("total-delete-files", len(of[1]) + len(of[2])),
            ("total-position-deletes", sum(file["record_count"] for file in of[1])),
            ("total-equality-deletes", sum(file["record_count"] for file in of[2])),
            ("total-files-size", sum(file.get("content_size_in_bytes") or file["file_size_in_bytes"] for file in files)),
        ):
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


def content_of(file):
    """A Parquet file, or a deletion vector as a table of paths and positions, held against what its entry says."""
    path = path_of(file["file_path"])
    if not os.path.exists(path):
        raise Wrong(f"{path} is referred to and missing")
    if os.path.getsize(path) != file["file_size_in_bytes"]:
        raise Wrong(f"{path} has {os.path.getsize(path)} bytes, its entry says {file['file_size_in_bytes']}")
    if file["file_format"].upper() == "PUFFIN":
        return vector_of(file, path)
    try:
        data = pq.ParquetFile(path).read()
    except Exception as error:
        raise Wrong(f"{path} cannot be read: {error}") from error
    if data.num_rows != file["record_count"]:
        raise Wrong(f"{path} has {data.num_rows} rows, its entry says {file['record_count']}")
    if file["content"] == 1:
        check_position_deletes(file, data)
    if file["content"] == 2:
        check_equality_deletes(file, data)
    return data


def vector_of(file, path):
    """What the specifications ask of Puffin files and deletion vectors."""
    with open(path, "rb") as puffin:
        data = puffin.read()
    size, flags = struct.unpack("<ii", data[-12:-4])
    footer = json.loads(data[-12 - size : -12])
    if data[:4] != b"PFA1" or data[-4:] != b"PFA1" or data[-16 - size : -12 - size] != b"PFA1" or flags:
        raise Wrong(f"{path} is no Puffin file")
    where = (file["content_offset"], file["content_size_in_bytes"])
    (blob,) = [blob for blob in footer["blobs"] if (blob["offset"], blob["length"]) == where]
    said = blob["properties"]
    if blob["type"] != "deletion-vector-v1" or (blob["snapshot-id"], blob["sequence-number"]) != (-1, -1) or "compression-codec" in blob:
        raise Wrong(f"{path} says of a vector {blob}")
    if said != {"referenced-data-file": file["referenced_data_file"], "cardinality": str(file["record_count"])}:
        raise Wrong(f"{path} says of a vector {said}, its entry {file}")
    vector = data[where[0] : sum(where)]
    body = vector[4:-4]
    if struct.unpack(">I", vector[:4])[0] != len(body) or struct.unpack(">I", vector[-4:])[0] != zlib.crc32(body) or body[:4] != b"\xd1\xd3\x39\x64":
        raise Wrong(f"a vector of {path} is damaged")
    positions = list(pyroaring.BitMap64.deserialize(body[4:]))
    if len(positions) != file["record_count"]:
        raise Wrong(f"a vector of {path} has {len(positions)} positions, its entry says {file['record_count']}")
    return pa.table({"file_path": [file["referenced_data_file"]] * len(positions), "pos": positions})


PATH_FIELD, POSITION_FIELD = 2147483546, 2147483545


def check_position_deletes(file, data):
    """What the specification asks of a position delete file."""
    ids = [int(field.metadata[b"PARQUET:field_id"]) for field in data.schema]
    if ids != [PATH_FIELD, POSITION_FIELD] or any(field.nullable for field in data.schema):
        raise Wrong(f"{file['file_path']} has the columns {data.schema}")
    places = list(zip(data["file_path"].to_pylist(), data["pos"].to_pylist()))
    if places != sorted(set(places)):
        raise Wrong(f"{file['file_path']} is not sorted by path and position")
    bounds = [{bound["key"]: bound["value"] for bound in file[name] or []} for name in ("lower_bounds", "upper_bounds")]
    named = [bound.get(PATH_FIELD, b"").decode() for bound in bounds]
    if named != [places[0][0], places[-1][0]]:
        raise Wrong(f"{file['file_path']}: the bounds of its paths are {named}")
    if named[0] == named[1] and file.get("referenced_data_file") != named[0]:
        raise Wrong(f"{file['file_path']} is of one data file and does not say so")
    if file.get("sort_order_id"):
        raise Wrong(f"{file['file_path']} states a sort order")


def check_equality_deletes(file, data):
    """What the specification asks of an equality delete file: its columns have the ids that it compares, and none is a fraction."""
    ids = [int(field.metadata[b"PARQUET:field_id"]) for field in data.schema]
    if not file["equality_ids"] or not set(file["equality_ids"]) <= set(ids):
        raise Wrong(f"{file['file_path']} has the columns {ids} and compares {file['equality_ids']}")
    compared = [field for field, number in zip(data.schema, ids) if number in file["equality_ids"]]
    if any(pa.types.is_floating(field.type) or pa.types.is_nested(field.type) for field in compared):
        raise Wrong(f"{file['file_path']} compares {data.schema}")


def remaining(file, data, deletes, names):
    """The rows of a data file that no delete file of the table takes away."""
    rows = list(enumerate(data.to_pylist()))
    for of, deleted in deletes:
        same = (of["spec"], of["partition"]) == (file["spec"], file["partition"])
        if of["content"] == 1 and same and of["sequence"] >= file["sequence"]:
            gone = {position for path, position in zip(*map(pylist, deleted.columns)) if path == file["file_path"]}
            rows = [(position, row) for position, row in rows if position not in gone]
        if of["content"] == 2 and (same or not of["partition"]) and of["sequence"] > file["sequence"]:
            columns = [names[field] for field in of["equality_ids"]]
            gone = {tuple(row[name] for name in columns) for row in deleted.to_pylist()}
            rows = [(position, row) for position, row in rows if tuple(row.get(name) for name in columns) not in gone]
    return [row for _, row in rows]


def pylist(column):
    return column.to_pylist()


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
