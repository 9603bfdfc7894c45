"""Python's own readers and DuckDB's own client on what the printers wrote.

query_output.py FORMAT SQL_FILE OUTPUT
"""

import csv
import datetime as dt
import decimal
import json
import math
import pathlib
import re
import struct
import sys
import unicodedata
import uuid

import duckdb
import pyarrow
import pyarrow.ipc
import pyarrow.parquet


def iso(value):
    if isinstance(value, dt.datetime):
        text = value.replace(tzinfo=None).isoformat()
        if "." in text:
            text = text.rstrip("0")
        return text + ("Z" if value.tzinfo else "")
    if isinstance(value, dt.time):
        text = value.isoformat()
        return text.rstrip("0") if "." in text else text
    return value.isoformat()


def plain(value):
    """What JSON holds of a value."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return iso(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def same_cell(text, value):
    if value is None:
        return text == ""
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, float):
        return (math.isnan(value) and text == "nan") or float(text) == value
    if isinstance(value, (int, decimal.Decimal)):
        return decimal.Decimal(text) == value
    if isinstance(value, (list, dict, tuple)):
        return json.loads(text) == plain(value)
    return text == plain(value)


def in_sheet(value):
    """What a sheet holds: numbers of 15 digits, dates that every program counts alike, no time zones, everything else as text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, decimal.Decimal)):
        digits = len(str(abs(value)).replace(".", "").lstrip("0"))
        return float(value) if digits <= 15 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None) if value.year > 1900 else iso(value)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day) if (value.year, value.month) >= (1900, 3) else iso(value)
    if isinstance(value, (bytes, bytearray, uuid.UUID)):
        return plain(value)
    if isinstance(value, (list, dict, tuple)):
        return json.loads(json.dumps(plain(value)))
    return value


def same_in_sheet(cell, value):
    wanted = in_sheet(value)
    if wanted == "":
        return cell in (None, "")
    if isinstance(wanted, (list, dict)):
        return json.loads(cell) == wanted
    if isinstance(wanted, dt.time):
        return abs(dt.datetime.combine(dt.date.min, cell) - dt.datetime.combine(dt.date.min, wanted)) < dt.timedelta(milliseconds=1)
    if isinstance(wanted, dt.datetime):
        return isinstance(cell, dt.datetime) and abs(cell - wanted) < dt.timedelta(milliseconds=1)
    if isinstance(wanted, float) and not isinstance(cell, str):
        return not isinstance(cell, bool) and math.isclose(cell, wanted, rel_tol=1e-15)
    if isinstance(wanted, str):
        # Office's escapes of characters that XML has not; openpyxl leaves them.
        return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), cell) == wanted
    return type(cell) is type(wanted) and cell == wanted


def width(text):
    return sum(0 if unicodedata.combining(c) or c in "\u200d\ufe0f" else 2 if unicodedata.east_asian_width(c) in "WF"
               else 1 for c in text)


def shortest(value):
    """The shortest decimal that is this 32-bit float again, as its printers choose it."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", value):
            return float(text)
    return value


def rows_of(table):
    columns = [column.to_pylist(maps_as_pydicts="strict") for column in table.columns]
    for i, field in enumerate(table.schema):
        if pyarrow.types.is_float32(field.type):
            columns[i] = [value if value is None else shortest(value) for value in columns[i]]
    return table.column_names, [list(row) for row in zip(*columns)] if table.num_rows else []


def same(read, expected):
    assert len(read) == len(expected), (len(read), len(expected))
    for left, right in zip(read, expected):
        assert left == right, (left, right)


def main(form, sql_file, output):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    sql = open(sql_file, encoding="utf-8").read()
    names, rows = rows_of(connection.execute(sql).to_arrow_table())
    if form == "csv":
        with open(output, encoding="utf-8", newline="") as file:
            raw = file.read()
        assert raw.count("\r\n") >= len(rows) + 1
        read = list(csv.reader(raw.splitlines(keepends=True), strict=True))
        assert read[0] == names, (read[0], names)
        assert len(read) == len(rows) + 1
        for got, row in zip(read[1:], rows):
            for text, value, name in zip(got, row, names):
                assert same_cell(text, value), (name, text, value)
    elif form in ("json", "jsonl"):
        text = open(output, encoding="utf-8").read()
        read = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
        same(read, [dict(zip(names, map(plain, row))) for row in rows])
    elif form in ("arrow", "parquet"):
        table = pyarrow.ipc.open_stream(output).read_all() if form == "arrow" else pyarrow.parquet.read_table(output)
        again = duckdb.connect()
        again.execute("SET TimeZone = 'UTC'")
        again.register("t", table)
        def shown(values):
            return [repr(plain(value)) for value in values]
        same([shown(row) for row in rows_of(again.execute("FROM t").to_arrow_table())[1]], [shown(row) for row in rows])
    elif form == "xlsx":
        sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / ".deps/openpyxl"))
        import openpyxl

        sheet = openpyxl.load_workbook(open(output, "rb"))["rows"]
        read = [list(row) for row in sheet.iter_rows(values_only=True)]
        assert read[0] == names and sheet.freeze_panes == "A2" and sheet["A1"].font.bold
        assert len(read) == len(rows) + 1
        for got, row in zip(read[1:], rows):
            for cell, value, name in zip(got, row, names):
                assert same_in_sheet(cell, value), (name, cell, value)
    else:
        lines = open(output, encoding="utf-8").read().splitlines()
        assert lines[-1] == f"({len(rows)} rows)", lines[-1]
        assert len(lines) == len(rows) + 3
        columns = [position for position, c in enumerate(lines[1]) if c == "┼"]
        for line in (lines[0], *lines[2:-1]):
            cells = line.split("│")
            at = -1
            for cell, column in zip(cells, columns):
                at += width(cell) + 1
                assert at == column, (line, at, column)


main(*sys.argv[1:])
