"""Deletion vectors as another implementation packs them: roaring.py START,STOP,STEP... prints the blob of these ranges of positions,
in hexadecimal, with runs where they are shorter and without. With `compare BLOB` behind them it says whether that blob holds the same."""

import struct
import sys
import zlib

from pyroaring import BitMap64

MAGIC = b"\xd1\xd3\x39\x64"
arguments = sys.argv[1:]
blob = None
if "compare" in arguments:
    blob = bytes.fromhex(arguments.pop())
    arguments.pop()
positions = [p for text in arguments for p in range(*map(int, text.split(",")))]
if blob is not None:
    body = blob[4:-4]
    framed = struct.unpack(">I", blob[:4])[0] == len(body) and struct.unpack(">I", blob[-4:])[0] == zlib.crc32(body)
    same = framed and body.startswith(MAGIC) and BitMap64.deserialize(body[4:]) == BitMap64(positions)
    print("equal" if same else "different")
    sys.exit()
for runs in (False, True):
    bitmap = BitMap64(positions)
    if runs:
        bitmap.run_optimize()
    body = MAGIC + bitmap.serialize()
    print((struct.pack(">I", len(body)) + body + struct.pack(">I", zlib.crc32(body))).hex())
