"""A collection of a server that speaks MongoDB's protocol, read whole: by Millrace in one range and in four, into a table and into JSON lines, beside
hand-written pymongo into JSON lines, and dlt into JSON lines and Parquet where `scripts/setup --peers` fetched it. One run for all; the server is the same and on the same machine, so its share is in every wall time; CPU seconds and
memory are of the client alone."""

import os
import sys

import documents
import measure
import pipelines

ROWS = int(os.environ.get("MILLRACE_BENCH_COLLECTION", 20_000))
RANGES = (1, 4)
DLT = documents.ROOT / ".deps/dlt"
DLT_FORMS = {"dlt, JSON lines": "jsonl", "dlt, Parquet": "parquet"}


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
        peers = DLT_FORMS if DLT.exists() else {}
        if not peers:
            print("collection: dlt is not here, run `scripts/setup --peers`")
        for _ in range(runs):
            costs["pymongo, JSON lines"].append(measure.run([*pymongo, documents.READER, documents.ROOT / ".deps/pymongo", server.uri, lines, "events"]))
            check("pymongo", sum(1 for _ in open(lines, "rb")))
            for name, form in peers.items():
                folder = pipelines.fresh(scratch / "dlt")
                command = [documents.PYTHON, documents.ROOT / "bench/peers/dlt_collection.py", DLT, server.uri, "bench", "events", folder, form]
                costs.setdefault(name, []).append(measure.run(command))
                check(name, dlt_rows(folder, form))
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
        medians = {name: measure.median(all_of_it) for name, all_of_it in costs.items()}
        others = {name: medians.pop(name) for name in ["pymongo, JSON lines", *peers]}
        for name, cost in others.items():
            print(f"  {name}: {cost.line(ROWS)}")
        for name, ours in medians.items():
            print(f"  {name}: {ours.line(ROWS)}")
            for other, theirs in others.items():
                memory = ours.peak_bytes / theirs.peak_bytes
                print(f"    beside {other}: {theirs.wall / ours.wall:.2f} of its rate, {theirs.cpu / ours.cpu:.1f} of its documents per CPU-second, {memory:.2f} of its memory")


def dlt_rows(folder, form):
    files = [path for path in (folder / "out").rglob(f"*.{form}") if "/_dlt" not in str(path)]
    if form == "parquet":
        import pyarrow.parquet

        return sum(pyarrow.parquet.read_metadata(path).num_rows for path in files)
    return sum(sum(1 for _ in open(path, "rb")) for path in files)


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
