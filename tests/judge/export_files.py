"""pyarrow's and Python's readers on exported files.

export_files.py FORMAT FILE...      the parts hold rows 0..199999 of (i, md5(i)) once each, in order; FORMAT is the number of the output format
export_files.py rows N M FILE FILE  two workbooks of so many rows below the names
"""

import csv
import hashlib
import json
import pathlib
import sys
import zipfile

import pyarrow
import pyarrow.ipc
import pyarrow.parquet


def read(form, path):
    if form == "5":
        return pyarrow.parquet.read_table(path).to_pylist()
    if form == "4":
        return pyarrow.ipc.open_stream(path).read_all().to_pylist()
    if form == "3":
        with open(path, encoding="utf-8", newline="") as file:
            return [{"i": int(row["i"]), "t": row["t"]} for row in csv.DictReader(file, strict=True)]
    text = pathlib.Path(path).read_text("utf-8")
    return json.loads(text) if form == "1" else [json.loads(line) for line in text.splitlines()]


def parts(form, *files):
    rows = [row for path in files for row in read(form, path)]
    assert [row["i"] for row in rows] == list(range(200000))
    assert all(row["t"] == hashlib.md5(str(row["i"]).encode()).hexdigest() for row in rows[::97])


def workbooks(first, second, *files):
    for count, path in zip((first, second), files):
        rows = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").count(b"<row ")
        assert rows == int(count) + 1, (path, rows, count)


if sys.argv[1] == "rows":
    workbooks(*sys.argv[2:])
else:
    parts(*sys.argv[1:])
