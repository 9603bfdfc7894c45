"""Puts decoded rows and their `_rescued` together again and compares them with Python's own reading of the input.

Usage: json_rows.py INPUT VERDICTS ROWS.arrow...   VERDICTS: a line per record, "row", "blank" or the cause of its reject.
Prints how many records of each verdict there were."""
import collections
import datetime
import decimal
import json
import math
import re
import sys

import pyarrow as pa

sys.set_int_max_str_digits(0)


class Pairs(list):
    """An object that names a member twice."""


class Raw(str):
    """A number with a point or an exponent, as it is written."""


def unique(pairs):
    return dict(pairs) if len({k for k, _ in pairs}) == len(pairs) else Pairs(pairs)


def no_constant(_):
    raise ValueError("constant")


def parse(text):
    return json.loads(text, object_pairs_hook=unique, parse_float=Raw, parse_constant=no_constant)


def prune(value):
    if isinstance(value, dict):
        return {k: prune(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [prune(v) for v in value]
    return value


def steps(path):
    at = 0
    while at < len(path):
        quoted = re.compile(r'\["(?:[^"\\]|\\.)*"\]').match(path, at)
        index = re.compile(r"\[(\d+)\]").match(path, at)
        plain = re.compile(r'\.?([^.\[\]"]+)').match(path, at)
        if quoted:
            yield json.loads(quoted.group()[1:-1])
            at = quoted.end()
        elif index:
            yield int(index.group(1))
            at = index.end()
        else:
            yield plain.group(1)
            at = plain.end()


def put(row, path, value):
    *way, last = steps(path)
    for step in way:
        row = row[step]
    if isinstance(last, int) or row.get(last) is None:
        row[last] = value
    else:
        raise AssertionError(f"{path} is in its column and rescued")


def same(expected, actual):
    if isinstance(expected, dict):
        return isinstance(actual, dict) and expected.keys() == actual.keys() and all(same(v, actual[k]) for k, v in expected.items())
    if isinstance(expected, (list, tuple)):
        return isinstance(actual, (list, tuple)) and len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(actual, datetime.datetime):
        return isinstance(expected, str) and datetime.datetime.fromisoformat(expected) == actual
    if isinstance(expected, bool) or isinstance(actual, bool) or expected is None or actual is None:
        return expected is actual
    if isinstance(expected, Raw):
        if isinstance(actual, Raw):
            return expected == actual
        if isinstance(actual, int):
            return decimal.Decimal(expected) == actual
        return isinstance(actual, float) and float(expected) == actual and math.copysign(1, float(expected)) == math.copysign(1, actual)
    if isinstance(expected, int):
        return isinstance(actual, (int, float)) and expected == actual
    return type(actual) is str and expected == actual


def verdict_of(record):
    try:
        text = record.decode()
    except UnicodeDecodeError:
        return "invalid_utf8"
    if not text.strip(" \t\r"):
        return "blank"
    try:
        value = parse(text.removeprefix("\ufeff"))
    except ValueError:
        return "malformed"
    if isinstance(value, Pairs) or isinstance(value, dict) and twice(value):
        return "duplicate_key"
    return "row" if isinstance(value, dict) else "not_an_object"


def twice(value):
    if isinstance(value, dict):
        return any(map(twice, value.values()))
    return isinstance(value, Pairs) or isinstance(value, list) and any(map(twice, value))


def rows_of(paths):
    for path in paths:
        for batch in pa.ipc.open_stream(path):
            yield from batch.to_pylist()


def main():
    records = open(sys.argv[1], "rb").read().split(b"\n")[:-1]
    verdicts = open(sys.argv[2]).read().split()
    assert len(records) == len(verdicts), (len(records), len(verdicts))
    rows = rows_of(sys.argv[3:])
    counts = collections.Counter(verdicts)
    for number, (record, verdict) in enumerate(zip(records, verdicts)):
        expected = verdict_of(record)
        # A record may be wrong in two ways; which is named first is not fixed.
        if {expected, verdict} <= {"duplicate_key", "malformed"}:
            continue
        # Inside a value that is rescued whole, a member may stand twice: the text is kept as it is.
        assert expected == verdict or (expected, verdict) == ("duplicate_key", "row"), (number, record, expected, verdict)
        if verdict != "row":
            continue
        row = next(rows)
        rescued = row.pop("_rescued")
        counts["rescued"] += rescued is not None
        for path, value in (parse(rescued) if rescued else {}).items():
            put(row, path, value)
        assert same(prune(parse(record.decode().removeprefix("\ufeff"))), prune(row)), (number, record, row)
    assert next(rows, None) is None
    print(*(f"{name}={count}" for name, count in sorted(counts.items())))


main()
