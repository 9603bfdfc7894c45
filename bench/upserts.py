"""The ways in which upserts take rows away, side by side: what it costs to write changes, to read the table after them, and to maintain it."""

import json
import random

import measure
import pipelines

BINARY = pipelines.BINARY
ROWS = 2_000_000
CHANGES = 500_000
CHUNK = 25_000  # one file, one commit
WAYS = ("merge_on_read", "copy_on_write", "equality_deletes")


def written(path, keys, version):
    with path.open("w") as file:
        for key in keys:
            file.write(json.dumps({"id": key, "v": version, "name": f"name {key * 7919 % 1_000_003}", "cents": key % 9973}) + "\n")


def upserts(scratch, runs):
    """A table of 2 million rows takes changes of random keys, a commit for each 25,000; then it is read, maintained and read again."""
    dice = random.Random(5)
    first, changes = scratch / "upserts-rows", scratch / "upserts-changes"
    for folder in (first, changes):
        folder.mkdir(exist_ok=True)
    if not list(first.glob("*")):
        written(first / "0.ndjson", range(ROWS), 0)
        for number in range(CHANGES // CHUNK):
            written(changes / f"{number:03d}.ndjson", (dice.randrange(ROWS) for _ in range(CHUNK)), number + 1)
    for way in WAYS:
        costs = {"changes": [], "read before": [], "maintain": [], "read after": []}
        for _ in range(runs):
            folder = pipelines.fresh(scratch / "upserts")
            feed = folder / "in"
            feed.mkdir()
            path = pipelines.config(
                folder,
                events=feed / "*.ndjson",
                tables={"silver.t": {"from": "events", "key": ["id"], "upsert": {"write": way}}},
                maintenance={"interval": "0s"},
            )
            run = [BINARY, "run", "--until-idle", "-c", path]
            (feed / "0.ndjson").symlink_to(first / "0.ndjson")
            measure.run(run)
            total = None
            for number, file in enumerate(sorted(changes.glob("*.ndjson"))):
                (feed / f"1{number:03d}.ndjson").symlink_to(file)
                one = measure.run(run)
                total = one if total is None else measure.Cost(total.wall + one.wall, total.cpu + one.cpu, max(total.peak_bytes, one.peak_bytes))
            costs["changes"].append(total)
            read = [BINARY, "query", "SELECT count(*), sum(v), sum(cents) FROM silver.t", "-c", path]
            costs["read before"].append(measure.run(read))
            costs["maintain"].append(measure.run([BINARY, "maintain", "-c", path]))
            costs["read after"].append(measure.run(read))
        cost = {what: measure.median(each) for what, each in costs.items()}
        print(f"upserts, {way}: {cost['changes'].cpu / CHANGES * 1e6:.1f} CPU-s a million changes ({cost['changes'].line(CHANGES)})")
        for what in ("read before", "maintain", "read after"):
            print(f"upserts, {way}, {what}: {cost[what].line()}")
