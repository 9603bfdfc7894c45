"""Rows out of the lake as files: one file, folders and buckets of parts, judged by pyarrow, Python's csv and openpyxl."""

import csv
import json
import pathlib
import sys

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))
sys.path.insert(0, str(ROOT / ".deps/openpyxl"))
from s3 import S3, SERVERS  # noqa: E402

openpyxl = pytest.importorskip("openpyxl")

ROWS = 30000
CONFIG = """
name: export
data_dir: data
sources: { events: { file: { path: "in.jsonl" }, topic: events } }
tables: { silver.events: { from: events, columns: { id: long, kind: string, price: "decimal(12,2)", ts: timestamptz, ok: boolean } } }
"""


def wanted(i):
    return {"id": i, "kind": f"k{i % 7}, \"ü\"", "price": f"{i}.25", "ok": i % 2 == 0}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    from conftest import Millrace

    millrace = Millrace(tmp_path_factory.mktemp("export"))
    millrace.write("millrace.yaml", CONFIG)
    rows = [{**wanted(i), "ts": f"2026-01-{1 + i % 28:02}T10:00:00.{i % 1000:03}Z"} for i in range(ROWS)]
    millrace.write("in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    millrace.run("run", "--until-idle")
    return millrace


COLUMNS = "SELECT id, kind, price, ts, ok FROM silver.events ORDER BY id"


def test_one_file_of_every_format(lake):
    out = lake.folder / "one"
    for name in ("rows.json", "rows.ndjson", "rows.csv", "rows.parquet", "rows.arrow", "rows.xlsx"):
        lake.run("export", "--sql", COLUMNS, "--to", out / name)
    assert sorted(path.name for path in out.iterdir()) == ["rows.arrow", "rows.csv", "rows.json", "rows.ndjson", "rows.parquet", "rows.xlsx"]
    expected = [(i, wanted(i)["kind"], float(wanted(i)["price"]), wanted(i)["ok"]) for i in range(ROWS)]

    def same(rows):
        assert [(int(row["id"]), row["kind"], float(row["price"]), row["ok"] in (True, "true")) for row in rows] == expected

    same(json.loads((out / "rows.json").read_text()))
    same(map(json.loads, (out / "rows.ndjson").read_text().splitlines()))
    with open(out / "rows.csv", newline="", encoding="utf-8") as file:
        same(csv.DictReader(file, strict=True))
    table = pyarrow.parquet.read_table(out / "rows.parquet")
    assert table.schema.field("price").type == pyarrow.decimal128(12, 2) and str(table.schema.field("ts").type) == "timestamp[us, tz=UTC]"
    same(table.to_pylist())
    same(pyarrow.ipc.open_stream(out / "rows.arrow").read_all().to_pylist())
    sheet = openpyxl.load_workbook(out / "rows.xlsx", read_only=True)["rows"].iter_rows(values_only=True)
    names = next(sheet)
    rows = [dict(zip(names, row)) for row in sheet]
    same(rows)
    assert rows[3]["ts"].isoformat(timespec="milliseconds") == "2026-01-04T10:00:00.003" and rows[3]["ok"] is False

    # A table by its name has all of its rows, those it was not told of among them.
    lake.run("export", "silver.events", "--to", out / "all.parquet")
    assert pyarrow.parquet.read_metadata(out / "all.parquet").num_rows == ROWS
    assert "_rescued" in pyarrow.parquet.read_schema(out / "all.parquet").names
    day = lake.run("export", "--sql", "FROM silver.events WHERE id < $n", "--param", "n=5", "--to", out / "five.csv")
    assert "wrote 5 rows" in day.stderr and day.stdout == ""


def test_what_is_there_is_not_touched_without_a_word(lake):
    place = lake.folder / "kept"
    lake.write("kept/rows.csv", "mine")
    assert "is there already" in lake.run("export", "--sql", "SELECT 1 AS a", "--to", "kept/rows.csv", expect=64).stderr
    assert (place / "rows.csv").read_text() == "mine"
    # Whoever dies on the way, or fails, leaves the old file whole.
    lake.run("export", "--sql", "SELECT 1 AS a", "--to", "kept/rows.csv", "--overwrite", env={"MILLRACE_FAULT": "export.before_finish:1"}, expect=86)
    failing = "SELECT CAST(CASE WHEN range = 900000 THEN 'x' ELSE '1' END AS INT) AS a FROM range(1000000)"
    lake.run("export", "--sql", failing, "--to", "kept/rows.csv", "--overwrite", expect=1)
    assert (place / "rows.csv").read_text() == "mine"
    lake.run("export", "--sql", "SELECT 1 AS a", "--to", "kept/rows.csv", "--overwrite")
    assert (place / "rows.csv").read_bytes() == b"a\r\n1\r\n"

    for arguments, says in ((["silver.events", "--to", "x"], "--format"), (["silver.events", "--to", "x/"], "--format is missing"),
                            (["--to", "x.csv"], "name a table"), (["silver.events", "--to", "x.csv", "--format", "table"], "--format is"),
                            (["silver.events", "--to", "http://h/x.csv"], "s3://"), (["silver.events", "--to", "s3://bucket"], "bucket"),
                            (["silver.events", "--to", "x/", "--format", "csv", "--part-size", "0"], "--part-size")):
        assert says in lake.run("export", *arguments, expect=64).stderr
    assert "did you mean 'silver.events'" in lake.run("export", "silver.event", "--to", "x.csv", expect=1).stderr
    assert not (lake.folder / "x.csv").exists()
    told = lake.run("export", "--sql", "SELECT range FROM range(2000000)", "--to", "x.xlsx", expect=1).stderr
    assert "1048576 rows" in told and "folder" in told and not (lake.folder / "x.xlsx").exists()


def parts(folder):
    return sorted(path.name for path in folder.iterdir())


def test_folders_of_parts(lake):
    place = lake.folder / "parts"
    export = ["export", "--sql", COLUMNS, "--to", "parts/", "--part-size", "300kB"]
    lake.run(*export, "--format", "csv")
    names = parts(place)
    assert names[0] == "_SUCCESS" and names[1:] == [f"part-{i:05}.csv" for i in range(len(names) - 1)] and len(names) > 4
    assert all(150_000 < (place / name).stat().st_size < 600_000 for name in names[1:-1])
    rows = [row for name in names[1:] for row in csv.DictReader(open(place / name, newline="", encoding="utf-8"))]
    assert [int(row["id"]) for row in rows] == list(range(ROWS))

    assert "earlier export" in lake.run(*export, "--format", "parquet", expect=64).stderr
    assert parts(place) == names
    # Half of an export is without the marker, and gives way.
    lake.run(*export, "--format", "parquet", "--overwrite", env={"MILLRACE_FAULT": "export.after_finish:1"}, expect=86)
    assert parts(place) == ["part-00000.parquet"]
    lake.run(*export, "--format", "parquet", "--overwrite")
    assert all(name.endswith(".parquet") for name in parts(place)[1:])
    assert pyarrow.parquet.read_table(place)["id"].to_pylist() == list(range(ROWS))
    lake.write("parts/notes.txt", "mine")
    told = lake.run(*export, "--format", "parquet", "--overwrite", expect=64).stderr
    assert "notes.txt" in told and (place / "notes.txt").read_text() == "mine"


@pytest.mark.skipif(not SERVERS["versitygw"].exists(), reason="no versitygw is here: run scripts/setup --servers")
def test_buckets(lake, tmp_path):
    with S3(tmp_path / "s3", kind="versitygw") as server:
        server.create_bucket("out")
        s3 = f'lake: {{ s3: {{ endpoint: "{server.endpoint}", region: us-east-1, access_key: {{ secret: "env:K" }}, secret_key: {{ secret: "env:S" }} }} }}\n'
        lake.write("bucket.yaml", CONFIG + s3)
        env = {"K": S3.access_key, "S": S3.secret_key}
        objects = server.folder / "objects/out"
        export = ["export", "-c", "bucket.yaml", "--sql", COLUMNS]
        for _ in range(2):
            lake.run(*export, "--to", "s3://out/a/b/", "--format", "parquet", "--part-size", "200kB", "--overwrite", env=env)
            names = parts(objects / "a/b")
            assert names[0] == "_SUCCESS" and len(names) > 2
            assert [i for name in names[1:] for i in pyarrow.parquet.read_table(objects / "a/b" / name)["id"].to_pylist()] == list(range(ROWS))
        assert "earlier export" in lake.run(*export, "--to", "s3://out/a/b/", "--format", "csv", env=env, expect=64).stderr
        lake.run(*export, "--to", "s3://out/a/rows.csv", env=env)
        assert "is there already" in lake.run(*export, "--to", "s3://out/a/rows.csv", env=env, expect=64).stderr
        lake.run("export", "-c", "bucket.yaml", "--sql", "SELECT 1 AS a", "--to", "s3://out/a/rows.csv", "--overwrite", env=env)
        assert (objects / "a/rows.csv").read_bytes() == b"a\r\n1\r\n"
        assert "a/b/" not in lake.run(*export, "--to", "s3://out/new/rows.ndjson", env=env).stderr
        assert "s3://out/a/b/" in lake.run(*export, "--to", "s3://out/a/", "--format", "csv", "--overwrite", env=env, expect=64).stderr
