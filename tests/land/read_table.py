"""Prints one column of a lake's table, a JSON value a line, as pyiceberg reads it; with --walk also checks every file and
manifest by hand: read_table.py FOLDER TABLE COLUMN... (an absent table has no rows)."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))

import oracle
from pyiceberg.catalog.sql import SqlCatalog

folder, name, columns = sys.argv[1], sys.argv[2], sys.argv[3:]
lake = oracle.Lake(folder)
if name not in lake.tables():
    sys.exit(0)
by_hand = lake.walk(name)
lake.positions(name)
catalog = SqlCatalog("millrace", uri=f"sqlite:///{folder}/catalog.db")
rows = catalog.load_table(name).scan().to_arrow().to_pylist()


def present(row):
    """Columns that a file is too old for are no part of it, nor are lists without members: pyiceberg has those in the place of null ones."""
    return repr(sorted((k, v) for k, v in row.items() if v is not None and v != []))


oracle.compare(map(present, by_hand), map(present, rows), "rows by hand and by pyiceberg")
for row in rows:
    values = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in (row.get(c) for c in columns)]
    print(json.dumps(values[0] if len(values) == 1 else values, default=str))
