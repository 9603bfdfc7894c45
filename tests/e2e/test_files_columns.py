"""Parquet files instead of lines: judged by pyarrow, DuckDB and Spark; columns that drift; topics with a registry's schemas."""

import datetime
import decimal
import json
import random
import time

import duckdb
import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

import oracle
import readers

CONFIG = """
name: columns
data_dir: data
sources:
  events: {{ file: {{ path: "in/*.ndjson" }}, topic: events }}
topics: {{ events: {{ partitions: 2 }} }}
tables:
  lake.events:
    from: events
    columns: {{ price: "decimal(9, 2)", at: timestamptz, tags: list<string>, payload: json }}
    files: {{ encoding: parquet, compression: {compression}, path: "kind={{field:kind}}/{{field_time:at:%Y-%m-%d}}", buffer_time: 300ms }}
"""


def event(i):
    row = {"id": i, "kind": ["buy", "view"][i % 2], "price": f"{i}.25", "at": f"2026-03-0{1 + i % 3}T12:00:00Z", "tags": ["a", str(i)], "payload": {"x": [i]}}
    return {**row, "where": {"city": "Bern"}} if i >= 500 else row


def parquet(folder):
    return [p for p in sorted(folder.rglob("*.parquet")) if "_millrace" not in p.parts]


def test_events_become_columns_that_others_read(millrace):
    millrace.write("millrace.yaml", CONFIG.format(compression="snappy"))
    for part in range(2):
        lines = [json.dumps(event(i)) for i in range(part * 500, part * 500 + 500)]
        odd = [json.dumps({**event(1), "id": "text"}), "no json", json.dumps({"id": 7, "at": "2026-03-01T00:00:00Z"})]
        millrace.write(f"in/{part}.ndjson", "\n".join(lines + odd * part) + "\n")
        millrace.run("run", "--until-idle")
    folder = millrace.folder / "data/lake/lake/events"
    files = parquet(folder)
    assert {p.relative_to(folder).parts[:2] for p in files} == {(f"kind={k}", f"2026-03-0{d}") for k in ("buy", "view") for d in (1, 2, 3)}
    glob = f"read_parquet('{folder}/kind=*/*/*.parquet', union_by_name=true, hive_partitioning=false)"
    found = duckdb.sql(f"SELECT id, kind, price, \"at\", tags, payload, \"where\".city, _offset, _partition, _rescued FROM {glob} ORDER BY id NULLS LAST").fetchall()
    assert len(found) == 1001
    for i in (0, 499, 500, 999):
        utc = datetime.datetime(2026, 3, 1 + i % 3, 12, tzinfo=datetime.timezone.utc)
        row = found[i]
        assert row[:3] == (i, event(i)["kind"], decimal.Decimal(f"{i}.25")) and row[3].astimezone(datetime.timezone.utc) == utc
        assert row[4] == ["a", str(i)] and json.loads(row[5]) == {"x": [i]} and row[6] == ("Bern" if i >= 500 else None) and row[9] is None
    assert found[1000][0] is None and json.loads(found[1000][9]) == {"id": "text"}
    types = pa.unify_schemas([pq.read_schema(p) for p in files])
    assert types.field("price").type == pa.decimal128(9, 2) and types.field("at").type == pa.timestamp("us", "UTC")
    group = pq.ParquetFile(files[0]).metadata.row_group(0)
    assert "SNAPPY" in {group.column(c).compression for c in range(group.num_columns)}
    # What has no kind has no folder; what is no JSON is no row.
    causes = duckdb_rows(millrace, "SELECT cause, count(*) AS n FROM quarantine.lake_events GROUP BY ALL ORDER BY ALL")
    assert causes == [{"cause": "malformed", "n": 1}, {"cause": "partition_value", "n": 1}], causes
    count = json.loads(millrace.run("tables", "list", "--json").stdout)
    assert [(t["table"], t["rows"]) for t in count if t["table"] == "lake.events"] == [("lake.events", 1001)]


def duckdb_rows(millrace, sql):
    return json.loads(millrace.run("query", sql, "--format", "json").stdout)


def test_spark_reads_files_whose_columns_grew(millrace):
    millrace.write("millrace.yaml", CONFIG.format(compression="zstd"))
    millrace.write("in/0.ndjson", "".join(json.dumps(event(i)) + "\n" for i in range(495, 505)))
    millrace.run("run", "--until-idle")
    millrace.write("in/1.ndjson", json.dumps({**event(1), "new": True}) + "\n")
    millrace.run("run", "--until-idle")
    table = f"parquet.`{millrace.folder}/data/lake/lake/events`"
    statements = ["SET spark.sql.parquet.mergeSchema=true", f"SELECT id, price, at, tags, `where`.city AS city, new FROM {table} ORDER BY id"]
    _, rows = readers.spark(millrace.folder / "data", statements)
    assert [row["id"] for row in rows] == [1, *range(495, 505)]
    assert rows[0] == {"id": 1, "price": "1.25", "at": "2026-03-02 12:00:00", "tags": ["a", "1"], "city": None, "new": True}
    assert rows[6]["city"] == "Bern" and rows[6]["new"] is None and rows[6]["price"] == "500.25"


FOLLOWED = """
name: killed
data_dir: data
sources:
  events: { file: { path: "in/*.ndjson", follow: true }, topic: events }
topics: { events: { partitions: 2 } }
tables:
  lake.parquet: { from: events, files: { encoding: parquet, path: "{field:kind}", buffer_time: 100ms } }
  lake.avro: { from: events, files: { encoding: avro, compression: gzip, path: "{field:kind}", buffer_time: 100ms } }
"""


def test_killed_again_and_again_while_columns_come_each_event_is_there_once(millrace):
    """kill -9 while records bring columns; what is there is what was sent, and every file can be read beside every other."""
    millrace.write("millrace.yaml", FOLLOWED)
    chance = random.Random(7)
    sent = 0
    for life in range(6):
        running = millrace.start("run")
        for _ in range(3):
            rows = [{"id": i, "kind": ["a", "b"][i % 2], f"c{sent // 300}": f"v{i}", "n": i * 7} for i in range(sent, sent + 100)]
            millrace.write(f"in/{sent:06}.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
            sent += 100
            time.sleep(chance.uniform(0.1, 0.6))
        running.kill()
        running.wait()
    millrace.write("millrace.yaml", FOLLOWED.replace(", follow: true", ""))
    millrace.run("run", "--until-idle")
    expected = [(i, i * 7, f"v{i}") for i in range(sent)]

    def what(row):
        (drifted,) = [row[f"c{k}"] for k in range(sent // 300) if row.get(f"c{k}") is not None]
        return row["id"], row["n"], drifted

    files = parquet(millrace.folder / "data/lake/lake/parquet")
    pa.unify_schemas([pq.read_schema(path) for path in files])
    oracle.compare(expected, [what(row) for path in files for row in pq.ParquetFile(path).read().to_pylist()], "parquet")
    (count,) = duckdb.sql(f"SELECT count(DISTINCT id) FROM read_parquet('{millrace.folder}/data/lake/lake/parquet/*/*.parquet', union_by_name=true)").fetchone()
    assert count == sent
    containers = [p for p in sorted((millrace.folder / "data/lake/lake/avro").rglob("*.avro"))]
    rows = [row for path in containers for row in fastavro.reader(path.open("rb"))]
    oracle.compare(expected, [what(row) for row in rows], "avro")
    assert rows[0]["_topic"] == "events" and {row["_partition"] for row in rows} == {0, 1}


def test_mistakes_in_the_configuration_are_named(millrace):
    table = "name: x\ntopics: {{ e: {{}} }}\ntables:\n  bronze.e: {{ from: e, {} }}\n"

    def refused(words):
        millrace.write("millrace.yaml", table.format(words))
        return millrace.run("check", expect=78).stderr

    assert "millrace.yaml:4: tables.bronze.e.files.compression: lines are packed with none, gzip or zstd" in refused("files: { compression: snappy }")
    assert "it needs `iceberg`, or `files.encoding: parquet` or `avro`" in refused("columns: { a: long }, files: {}")
    assert "key: files are never changed" in refused("key: [a], files: { encoding: avro }")
    assert "files of columns have `origin`" in refused("files: { encoding: parquet, record: text }")
    assert "reads lines of JSON and Parquet, not Avro" in refused("files: { encoding: avro, glue: {} }")
    assert "goes to quarantine" in refused("files: { encoding: parquet, error_path: _errors }")
