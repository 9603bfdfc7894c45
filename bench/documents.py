"""A collection of a server that speaks MongoDB's protocol, filled and read by Millrace and by hand-written pymongo, in one run. The server is the same and on
the same machine, so its share is in every wall time; CPU seconds and memory are of the client alone."""

import json
import os
import pathlib
import sys

import measure
import pipelines

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".deps/venv/bin/python"
ROWS = int(os.environ.get("MILLRACE_BENCH_DOCUMENTS", 20_000))

LOADER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import pymongo
collection = pymongo.MongoClient(sys.argv[2], w="majority", journal=True)["bench"][sys.argv[4]]
keyed, batch = sys.argv[5] == "keyed", []
def write():
    if keyed:
        collection.bulk_write([pymongo.ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in batch], ordered=False)
    else:
        collection.insert_many(batch, ordered=False)
    batch.clear()
for line in open(sys.argv[3], "rb"):
    document = json.loads(line)
    if keyed:
        document["_id"] = document["event_id"]
    batch.append(document)
    if len(batch) == 1000:
        write()
if batch:
    write()
"""
READER = """
import sys
sys.path.insert(0, sys.argv[1])
import pymongo
from bson import json_util
with open(sys.argv[3], "w") as out:
    for document in pymongo.MongoClient(sys.argv[2])["bench"][sys.argv[4]].find().sort("_id", 1):
        out.write(json_util.dumps(document) + "\\n")
"""


def configured(folder, text):
    path = pipelines.fresh(folder) / "millrace.yaml"
    path.write_text(json.dumps({"data_dir": str(folder / "data"), **text}))
    return [pipelines.BINARY, "run", "--until-idle", "-c", path]


def compare(what, runs, ours, theirs):
    """Both as functions of the run's number; the medians of the runs, which take turns."""
    found = [(ours(run), theirs(run)) for run in range(runs)]
    ours, theirs = (measure.median(list(costs)) for costs in zip(*found))
    print(f"{what}: {ours.line(ROWS)}")
    print(f"  pymongo: {theirs.line(ROWS)}")
    memory = ours.peak_bytes / theirs.peak_bytes
    print(f"  Millrace has {theirs.wall / ours.wall:.2f} of its rate, {theirs.cpu / ours.cpu:.1f} of its events per CPU-second, {memory:.2f} of its memory")


def documents(scratch, runs):
    """Into a collection without a key and with one, and out again. Not documents that are there already: this server reads its whole collection for each
    condition, so that it alone would be measured."""
    sys.path[:0] = [str(ROOT / "tests/services"), str(ROOT / ".deps/pymongo")]
    import mongodb
    import pymongo

    events = pipelines.generated(scratch, ROWS)
    with mongodb.MongoDb(pipelines.fresh(scratch / "mongo"), heap="4g") as server:
        print(f"documents: {ROWS} events, mongo-java-server")
        database = pymongo.MongoClient(server.uri)["bench"]
        os.environ["MONGO_URI"] = server.uri
        place = {"uri": {"secret": "env:MONGO_URI"}, "database": "bench"}

        def ours(name, **more):
            command = configured(
                scratch / name,
                {
                    "name": name,
                    "sources": {"events": {"file": {"path": str(events)}, "topic": "events"}},
                    "documents": {"events": {"mongodb": {**place, "collection": name}, **more}},
                },
            )
            cost = measure.run(command)
            assert database[name].count_documents({}) == ROWS
            return cost

        def theirs(name, kind):
            cost = measure.run([PYTHON, "-c", LOADER, ROOT / ".deps/pymongo", server.uri, events, name, kind])
            assert database[name].count_documents({}) == ROWS
            return cost

        def compare_loads(what, name, kind, **more):
            compare(what, runs, lambda run: ours(f"ours-{name}-{run}", **more), lambda run: theirs(f"theirs-{name}-{run}", kind))

        compare_loads("append, from a file through the stream", "plain", "plain")
        compare_loads("by key, all new", "keyed", "keyed", key=["event_id"])
        lines = scratch / "read.jsonl"

        def read(_):
            command = configured(
                scratch / "read",
                {
                    "sources": {"events": {"mongodb": {**place, "collection": "theirs-plain-0"}}},
                    "tables": {"bronze.events": {"from": "events", "files": {"compression": "none"}}},
                },
            )
            return measure.run(command)

        reader = [PYTHON, "-c", READER, ROOT / ".deps/pymongo", server.uri, lines, "theirs-plain-0"]
        compare("out of the collection into JSON lines", runs, read, lambda _: measure.run(reader))
