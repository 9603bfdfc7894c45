"""Transforms by pyiceberg of seeded random values: one line each of type, value, transform, result, result's text."""
import datetime
import decimal
import random
import uuid

from pyiceberg import transforms as t
from pyiceberg import types as ty

rng = random.Random(20)
EPOCH = datetime.date(1970, 1, 1)


def integers(bits, n):
    top = 1 << (bits - 1)
    return [0, 1, -1, top - 1, -top + 1000] + [rng.randrange(-top + 1000, top) >> rng.randrange(bits - 2) for _ in range(n)]


def texts(n):
    alphabet = "aZ09 /=%é漢😀"
    return ["", "iceberg"] + ["".join(rng.choice(alphabet) for _ in range(rng.randrange(12))) for _ in range(n)]


def micros(n):
    # pyiceberg prints only years 1 to 9999
    return [0, -1, 1, -86_400_000_000] + [rng.randrange(-62_000_000_000_000_000, 250_000_000_000_000_000) for _ in range(n)]


VALUES = {
    "int": (ty.IntegerType(), integers(32, 60)),
    "long": (ty.LongType(), integers(64, 60)),
    "date": (ty.DateType(), [0, -1, -365] + [rng.randrange(-700_000, 2_900_000) for _ in range(60)]),
    "time": (ty.TimeType(), [rng.randrange(86_400_000_000) for _ in range(20)]),
    "timestamp": (ty.TimestampType(), micros(80)),
    "timestamptz": (ty.TimestamptzType(), micros(80)),
    "string": (ty.StringType(), texts(60)),
    "uuid": (ty.UUIDType(), [uuid.UUID(int=rng.getrandbits(128)) for _ in range(20)]),
    "fixed[5]": (ty.FixedType(5), [rng.randbytes(5) for _ in range(20)]),
    "binary": (ty.BinaryType(), [rng.randbytes(rng.randrange(9)) for _ in range(20)]),
    "decimal(38, 4)": (ty.DecimalType(38, 4), [decimal.Decimal(v).scaleb(-4) for v in integers(64, 40)]),
    "decimal(9, 2)": (ty.DecimalType(9, 2), [decimal.Decimal(v).scaleb(-2) for v in integers(29, 40)]),
}
TRANSFORMS = ["identity", "bucket[1]", "bucket[16]", "bucket[1000003]", "truncate[1]", "truncate[4]", "truncate[10]", "year", "month", "day", "hour"]


def show(value):
    if isinstance(value, bytes):
        return "x" + value.hex()
    if isinstance(value, str):
        return "x" + value.encode().hex()
    if isinstance(value, uuid.UUID):
        return "x" + value.bytes.hex()
    if isinstance(value, decimal.Decimal):
        sign, digits, _ = value.as_tuple()
        number = int("".join(map(str, digits)))
        return str(-number if sign else number)
    if isinstance(value, datetime.date):
        return str((value - EPOCH).days)
    return str(value)


decimal.getcontext().prec = 60
for type_name, (iceberg_type, values) in VALUES.items():
    for name in TRANSFORMS:
        transform = t.parse_transform(name)
        if not transform.can_transform(iceberg_type):
            continue
        apply = transform.transform(iceberg_type)
        for value in values:
            result = apply(value)
            text = transform.to_human_string(iceberg_type, result)
            print(type_name, show(value), name, show(result), "x" + text.encode().hex(), sep="\t")
