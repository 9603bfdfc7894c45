"""A collection of a server that speaks MongoDB's protocol, read whole: by Millrace in one range and in four, into a table and into JSON lines, beside
hand-written pymongo into JSON lines. One run for all; the server is the same and on the same machine, so its share is in every wall time; CPU seconds and
memory are of the client alone."""

import os
import sys

import documents
import measure
import pipelines

ROWS = int(os.environ.get("MILLRACE_BENCH_COLLECTION", 20_000))
RANGES = (1, 4)


def collection(scratch, runs):
    sys.path[:0] = [str(documents.ROOT / "tests/services"), str(documents.ROOT / ".deps/pymongo")]
    import mongodb

    events = pipelines.generated(scratch, ROWS)
    pymongo = [documents.PYTHON, "-c"]
    with mongodb.MongoDb(pipelines.fresh(scratch / "mongo")) as server:
        measure.run([*pymongo, documents.LOADER, documents.ROOT / ".deps/pymongo", server.uri, events, "events", "plain"])
        os.environ["MONGO_URI"] = server.uri
        place = {"uri": {"secret": "env:MONGO_URI"}, "database": "bench", "collection": "events"}
        lines = scratch / "collection.jsonl"
        costs = {"pymongo, JSON lines": []}
        for _ in range(runs):
            costs["pymongo, JSON lines"].append(measure.run([*pymongo, documents.READER, documents.ROOT / ".deps/pymongo", server.uri, lines, "events"]))
            check("pymongo", sum(1 for _ in open(lines, "rb")))
            for kind, table in (("a table", {}), ("JSON lines", {"files": {"compression": "none"}})):
                for ranges in RANGES:
                    folder = scratch / "collection"
                    command = documents.configured(
                        folder,
                        {"sources": {"events": {"mongodb": {**place, "ranges": ranges}}}, "tables": {"bronze.events": {"from": "events", **table}}},
                    )
                    name = f"millrace, {kind}, ranges: {ranges}"
                    costs.setdefault(name, []).append(measure.run(command))
                    check(name, rows(folder, command[-1], bool(table)))
        print(f"collection: {ROWS:,} documents, mongo-java-server")
        theirs = measure.median(costs.pop("pymongo, JSON lines"))
        print(f"  pymongo, JSON lines: {theirs.line(ROWS)}")
        for name, all_of_it in costs.items():
            ours = measure.median(all_of_it)
            print(f"  {name}: {ours.line(ROWS)}; {theirs.wall / ours.wall:.2f} of pymongo's rate, {theirs.cpu / ours.cpu:.1f} of its documents per CPU-second")


def rows(folder, config, files):
    """What came out."""
    if files:
        written = [path for path in folder.rglob("*.ndjson") if path.is_file()] or [path for path in folder.rglob("*.json*") if path.is_file() and "events" in str(path)]
        return sum(sum(1 for _ in open(path, "rb")) for path in written)
    counted = measure.run([pipelines.BINARY, "query", "--format", "csv", "-c", config, "SELECT count(*) FROM bronze.events"])
    return int(counted.stdout.splitlines()[-1])


def check(name, found):
    if found != ROWS:
        raise SystemExit(f"{name} read {found} of {ROWS} documents")
