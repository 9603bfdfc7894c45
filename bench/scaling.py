"""What stays flat and what grows: partitions, tables, a backlog, compaction beside landing."""

import json
import os
import signal
import sqlite3
import subprocess
import time

import kafka_landing
import measure
import pipelines

TIMES = {"ts": "timestamptz"}
RATE = 50_000
EVENTS = int(os.environ.get("MILLRACE_BENCH_EVENTS", 5_000_000))


def flat(scratch, runs):
    """CPU an event: 1 and 1,000 partitions of a topic, 1 and 100 tables, of the same events."""
    rows = EVENTS
    for partitions in (1, 1000):
        costs = []
        for _ in range(runs):
            folder = pipelines.fresh(scratch / "flat")
            table = {"silver.events": {"from": "events", "columns": TIMES}}
            topics = {"events": {"partitions": partitions}}
            source = {"events": {"generator": {"kind": "events", "rows": rows}, "topic": "events"}}
            costs.append(landing(folder, {"tables": table, "topics": topics, "sources": source}))
            assert pipelines.rows_of(folder, "silver.events") == rows
        print(f"flat, {partitions:>5} partitions: {measure.median(costs).line(rows)}", flush=True)
    for tables in (1, 100):
        costs = []
        for number in range(runs):
            # A folder of its own: ext4 looks for a long time before it gives numbers of files that were just deleted to new ones.
            folder = pipelines.fresh(scratch / f"flat-{tables}-{number}")
            names = [f"events_{number}" for number in range(tables)]
            sources = {name: {"generator": {"kind": "events", "rows": rows // tables}} for name in names}
            costs.append(landing(folder, {"tables": {f"silver.{name}": {"from": name, "columns": TIMES} for name in names}, "sources": sources}))
            assert sum(pipelines.rows_of(folder, f"silver.{name}") for name in names) == rows
        print(f"flat, {tables:>5} tables: {measure.median(costs).line(rows)}", flush=True)


def snapshots(scratch, runs):
    """CPU an event: a table of 10 and of 10,000 snapshots, each of which a commit writes again."""
    costs = {10: [], 10_000: []}
    for _ in range(runs):
        for count in costs:
            folder = pipelines.fresh(scratch / "snapshots")
            keeps = {"maintenance": {"snapshots_keep": 100_000, "snapshots_age": "1000d"}}
            landing(folder, {**keeps, **generator(1000)})
            give_snapshots(folder, count)
            costs[count].append(landing(folder, {**keeps, **generator(EVENTS)}))
            assert pipelines.rows_of(folder, "silver.events") == EVENTS
    few, many = (measure.median(found) for found in costs.values())
    for count, cost in zip(costs, (few, many)):
        print(f"flat, {count:>6,} snapshots: {cost.line(EVENTS)}", flush=True)
    print(f"flat, snapshots: {many.cpu / few.cpu:.2f} of the CPU")


def generator(rows):
    """The first so many events; a later run goes on behind those that it finds."""
    return {"tables": {"silver.events": {"from": "events", "columns": TIMES}}, "sources": {"events": {"generator": {"kind": "events", "rows": rows}}}}


def give_snapshots(folder, count):
    """The table's one snapshot again and again, each the parent of the next."""
    with sqlite3.connect(folder / "data/catalog.db") as db:
        (location,) = db.execute("select metadata_location from iceberg_tables where table_name = 'events'").fetchone()
        metadata = json.loads(open(location.removeprefix("file://")).read())
        (last,) = metadata["snapshots"]
        chain = []
        for number in range(count):
            one = {**last, "snapshot-id": last["snapshot-id"] // 2 - count + number, "sequence-number": number + 1, "timestamp-ms": last["timestamp-ms"] - count + number}
            if chain:
                one["parent-snapshot-id"] = chain[-1]["snapshot-id"]
            chain.append(one)
        head = chain[-1]
        metadata["snapshots"] = chain
        metadata["snapshot-log"] = [{"snapshot-id": one["snapshot-id"], "timestamp-ms": one["timestamp-ms"]} for one in chain]
        metadata["current-snapshot-id"] = metadata["refs"]["main"]["snapshot-id"] = head["snapshot-id"]
        metadata["last-sequence-number"] = head["sequence-number"]
        longer = location.replace("/0000", "/1000", 1)
        open(longer.removeprefix("file://"), "w").write(json.dumps(metadata))
        db.execute("update iceberg_tables set metadata_location = ? where table_name = 'events'", (longer,))


def landing(folder, blocks):
    (folder / "millrace.yaml").write_text(json.dumps({"name": "bench", "data_dir": str(folder / "data"), "memory": "256MiB", **blocks}))
    return measure.run([pipelines.BINARY, "run", "--until-idle", "-c", folder / "millrace.yaml"])


def backlog(scratch, runs):
    """A backlog is drained while more arrives, and a worker that was killed goes on."""
    with kafka_landing.Topic.empty(scratch) as topic:
        kafka = {"stream": {"kafka": {"brokers": topic.bootstrap}}, "topics": {"events": {"partitions": 4}}}
        feeder = pipelines.fresh(scratch / "feeder")
        landing(feeder, {**kafka, "name": "feeder", "sources": {"events": {"generator": {"kind": "events", "rows": EVENTS}, "topic": "events"}}})
        folder = pipelines.fresh(scratch / "backlog")
        config = {
            "name": "bench",
            "data_dir": str(folder / "data"),
            "memory": "256MiB",
            **kafka,
            "tables": {"silver.events": {"from": "events", "columns": TIMES, "freshness": "1s"}},
        }
        (folder / "millrace.yaml").write_text(json.dumps(config))
        steady = {**kafka, "name": "steady", "data_dir": str(feeder / "steady"), "sources": {"events": {"generator": {"kind": "events", "rate": RATE}, "topic": "events"}}}
        (feeder / "steady.yaml").write_text(json.dumps(steady))
        feed = subprocess.Popen([pipelines.BINARY, "run", "-c", feeder / "steady.yaml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()

        def start():
            return measure.Watched([pipelines.BINARY, "run", "-c", folder / "millrace.yaml"], kafka_landing.millrace_rows(folder), folder / "log")

        worker = start()
        drained = None
        while drained is None and time.monotonic() - began < 300:
            time.sleep(0.1)
            worker.sample()
            if worker.rows() >= EVENTS + RATE * (time.monotonic() - began - 2):
                drained = time.monotonic() - began
        print(f"backlog of {EVENTS / 1e6:.0f} M while {RATE / 1e3:.0f} k/s arrive: freshness is back under 2 s after {drained:.1f} s, {worker.peak_bytes / 1e6:.0f} MB", flush=True)
        for _ in range(max(runs, 3)):
            os.killpg(worker.process.pid, signal.SIGKILL)
            worker.process.wait()
            before = worker.rows()
            worker = start()
            while worker.rows() <= before and worker.now < 60:
                time.sleep(0.02)
            print(f"backlog, killed and started: the next rows are seen after {worker.now:.2f} s, freshness 1 s included", flush=True)
            time.sleep(3)
        worker.stop()
        feed.terminate()
        feed.wait()


def beside(scratch, runs):
    """Landing alone, and while another table's small files are compacted."""
    rows, parts = 5_000_000, 24
    events = pipelines.generated(scratch, rows)
    pieces = [pipelines.generated_piece(scratch, number, 250_000) for number in range(parts)]
    costs = {False: [], True: []}
    merged = []
    for _ in range(runs):
        for compacts in (False, True):
            folder = pipelines.fresh(scratch / "beside")
            (folder / "in").mkdir()
            small = {"silver.small": {"from": "small", "columns": TIMES}}
            sources = {"small": {"file": {"path": str(folder / "in/*.ndjson")}}}
            blocks = {"tables": small, "sources": sources, "maintenance": {"compact": False}}
            for piece in pieces:
                os.link(piece, folder / "in" / piece.name)
                landing(folder, blocks)
            blocks["tables"] = {**small, "silver.events": {"from": "events", "columns": TIMES, "freshness": "2s"}}
            blocks["sources"] = {**sources, "events": {"file": {"path": str(events)}}}
            blocks["maintenance"] = {"compact": compacts, "interval": "1s"}
            (folder / "millrace.yaml").write_text(json.dumps({"name": "bench", "data_dir": str(folder / "data"), "memory": "256MiB", **blocks}))
            watched = measure.Watched([pipelines.BINARY, "run", "-c", folder / "millrace.yaml"], kafka_landing.millrace_rows(folder), folder / "log")
            assert watched.until(rows) == rows
            costs[compacts].append(watched.cost())
            while compacts and watched.now < 60 and small_files(folder) > parts:
                time.sleep(0.1)
            merged.append(small_files(folder))
            watched.stop()
    alone, with_it = measure.median(costs[False]), measure.median(costs[True])
    print(f"beside, landing alone: {alone.line(rows)}")
    print(f"beside, landing while {2 * parts} files became {merged[-1]}: {with_it.line(rows)}; {with_it.wall / alone.wall:.2f} of the time")


def small_files(folder):
    listed = measure.run([pipelines.BINARY, "tables", "files", "silver.small", "--json", "-c", folder / "millrace.yaml"])
    return len(json.loads(listed.stdout))
