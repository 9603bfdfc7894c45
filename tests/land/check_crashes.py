"""Judges lakes that a killed and restarted sink left: check_crashes.py FOLDER...

Each was fed the 60 records of crash_test.cc. Whatever the crash: every sound record with a key not seen before is one row, every
broken record is in quarantine once, and every file of every manifest is what its entry says.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))

import oracle

RECORDS = 60
broken = [i for i in range(RECORDS) if i % 10 == 3]
repeated = [i for i in range(RECORDS) if i % 15 == 14]
sound = [i for i in range(RECORDS) if i not in broken and i not in repeated]
# A repeat of a record that was broken itself is the first sound one of its key.
sound += [i for i in repeated if i not in broken and (i - 14) in broken]

for folder in sys.argv[1:]:
    try:
        lake = oracle.Lake(folder)
        rows = lake.walk("silver.events")
        oracle.compare(sound, [row["record"] for row in rows], "rows")
        for row in rows:
            late = f"l{row['record']}" if row["record"] >= 30 else None
            if row.get("late") != late:
                raise oracle.Wrong(f"record {row['record']} has late={row.get('late')}")
        kept = lake.walk("quarantine.silver_events")
        oracle.compare([f"{{broken {i}" for i in broken], [row["record"].decode() for row in kept], "quarantine")
        oracle.compare(broken, [row["offset"] for row in kept], "offsets in quarantine")
        positions = lake.positions("silver.events")
        if positions != {"millrace.positions.pipe": {"topic:t/0": "60"}}:
            raise oracle.Wrong(f"positions are {positions}")
    except Exception as error:
        print(f"{folder}: {error}")
        sys.exit(1)
print(f"{len(sys.argv) - 1} lakes hold every record once")
