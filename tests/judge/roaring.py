"""Deletion vectors as another implementation packs them: roaring.py START,STOP,STEP... prints the blob of these ranges of positions,
in hexadecimal, with runs where they are shorter and without."""

import struct
import sys
import zlib

from pyroaring import BitMap64

positions = [p for text in sys.argv[1:] for p in range(*map(int, text.split(",")))]
for runs in (False, True):
    bitmap = BitMap64(positions)
    if runs:
        bitmap.run_optimize()
    body = b"\xd1\xd3\x39\x64" + bitmap.serialize()
    print((struct.pack(">I", len(body)) + body + struct.pack(">I", zlib.crc32(body))).hex())
