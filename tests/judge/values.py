"""Appendix D by pyiceberg: one line each of type, value (its own hex form), hex of the bytes."""
import decimal
import random
import struct

from pyiceberg import conversions as c
from pyiceberg import types as ty

rng = random.Random(21)


def emit(name, text, iceberg_type, value):
    print(name, text, "x" + c.to_bytes(iceberg_type, value).hex(), sep="\t")


for value in (True, False):
    emit("boolean", str(value).lower(), ty.BooleanType(), value)
for name, kind, bits in (("int", ty.IntegerType(), 32), ("date", ty.DateType(), 32), ("long", ty.LongType(), 64), ("time", ty.TimeType(), 64), ("timestamptz", ty.TimestamptzType(), 64)):
    for value in [0, 1, -1, 2 ** (bits - 1) - 1, -(2 ** (bits - 1))] + [rng.randrange(-(2 ** (bits - 1)), 2 ** (bits - 1)) for _ in range(20)]:
        emit(name, value, kind, value)
for value in [0.0, -0.0, 1.5, -1e300, 5e-324] + [struct.unpack("<d", rng.randbytes(8))[0] for _ in range(20)]:
    if value == value:
        emit("double", value.hex(), ty.DoubleType(), value)
for value in [0, 1, -1, 127, 128, -128, -129, 255, 256, 10**37, -(10**37)] + [rng.randrange(-(10**38) + 1, 10**38) >> rng.randrange(120) for _ in range(60)]:
    emit("decimal(38, 3)", value, ty.DecimalType(38, 3), decimal.Decimal(value).scaleb(-3, context=decimal.Context(prec=60)))
