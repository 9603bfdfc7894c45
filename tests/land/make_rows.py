"""Rows of every type for the data file writer's test, as an Arrow IPC file: make_rows.py OUT ROWS SEED."""

import datetime
import decimal
import math
import random
import sys
import uuid

import pyarrow as pa

out, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
words = ["", "a", "click", "view", "Größe", "日本語の本", "x" * 40, "\U0010ffff" * 20, "퟿" * 30, "zzzzzzzzzzzzzzzzzzzzzz"]
start = datetime.datetime(1969, 12, 30, 22, 0, tzinfo=datetime.timezone.utc)


def sometimes(make, share=0.9):
    return make() if rng.random() < share else None


def row(i):
    when = start + datetime.timedelta(seconds=i * 37, microseconds=rng.randrange(1_000_000))
    return {
        "id": uuid.UUID(int=rng.getrandbits(128)).bytes,
        "seq": i,
        "kind": rng.choice(words[:4]),
        "flag": sometimes(lambda: rng.random() < 0.5),
        "small": sometimes(lambda: rng.randrange(-(2**31), 2**31)),
        "big": sometimes(lambda: rng.randrange(-(2**63), 2**63)),
        "ratio": sometimes(lambda: rng.choice([math.nan, 0.0, -0.0, 1.5, -2.25, math.inf, rng.random()])),
        "real": sometimes(lambda: rng.choice([math.nan, -0.0, 7.5])),
        "price": sometimes(lambda: decimal.Decimal(rng.randrange(-99999, 99999)) / 100),
        "wide": sometimes(lambda: decimal.Decimal(rng.randrange(-(10**30), 10**30))),
        "day": sometimes(lambda: when.date()),
        "clock": sometimes(lambda: when.time()),
        "ts": when,
        "local": sometimes(lambda: when.replace(tzinfo=None)),
        "word": sometimes(lambda: rng.choice(words)),
        "blob": sometimes(lambda: rng.choice([b"", b"\xff" * 20, rng.randbytes(rng.randrange(30))])),
        "nothing": None,
        "device": sometimes(lambda: {"os": rng.choice(["iOS", None, "Linux"]), "version": sometimes(lambda: rng.randrange(9))}),
        "tags": sometimes(lambda: [sometimes(lambda: rng.choice(words)) for _ in range(rng.randrange(4))]),
        "scores": sometimes(lambda: [(rng.choice("abc") + str(k), sometimes(rng.random)) for k in range(rng.randrange(3))]),
    }


types = pa.schema([
    pa.field("id", pa.binary(16)),
    ("seq", pa.int64()),
    ("kind", pa.string()),
    ("flag", pa.bool_()),
    ("small", pa.int32()),
    ("big", pa.int64()),
    ("ratio", pa.float64()),
    ("real", pa.float32()),
    ("price", pa.decimal128(7, 2)),
    ("wide", pa.decimal128(31, 0)),
    ("day", pa.date32()),
    ("clock", pa.time64("us")),
    ("ts", pa.timestamp("us", "UTC")),
    ("local", pa.timestamp("us")),
    ("word", pa.string()),
    ("blob", pa.binary()),
    ("nothing", pa.string()),
    ("device", pa.struct([("os", pa.string()), ("version", pa.int64())])),
    ("tags", pa.list_(pa.string())),
    ("scores", pa.map_(pa.string(), pa.float64())),
])
table = pa.Table.from_pylist([row(i) for i in range(count)], schema=types)
with pa.ipc.new_file(out, types) as writer:
    for batch in table.to_batches(max_chunksize=1000):
        writer.write_batch(batch)
