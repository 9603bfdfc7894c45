"""From Kafka into a bucket: plain JSON lines, and tables while the bucket stalls."""

import contextlib
import json
import mmap
import os
import pathlib
import signal
import sys
import threading
import time

import kafka_landing
import measure
import pipelines

sys.path.insert(0, str(kafka_landing.ROOT / "tests/services"))
from s3 import S3  # noqa: E402

KEYS = {"BENCH_KEY": S3.access_key, "BENCH_SECRET": S3.secret_key}
STALL = 0.5
BETWEEN = 1.5


@contextlib.contextmanager
def bucket(scratch):
    with S3(pipelines.fresh(scratch / "s3"), kind="versitygw") as server:
        server.create_bucket("lake")
        yield server


def land(topic, server, scratch, table=None, extra=None):
    """One run from an empty place to the end of the topic. Its cost, and the folder that the objects are in."""
    folder = pipelines.fresh(scratch / "landing")
    space = "wh-" + os.urandom(4).hex()
    keys = {"access_key": {"secret": "env:BENCH_KEY"}, "secret_key": {"secret": "env:BENCH_SECRET"}}
    lake = {
        "warehouse": f"s3://lake/{space}",
        "s3": {"endpoint": server.endpoint, "region": S3.region, **keys},
        "catalog": {"sqlite": {"path": str(folder / "catalog.db")}},
    }
    config = kafka_landing.millrace_config(topic, folder, table, {"lake": lake, **(extra or {})})
    (folder / "millrace.yaml").write_text(json.dumps(config))
    cost = measure.run([pipelines.BINARY, "run", "--until-idle", "-c", folder / "millrace.yaml"], environment=KEYS)
    return cost, server.folder / "objects/lake" / space


def lines_in(folder):
    count = 0
    for path in folder.rglob("*.jsonl"):
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            count += sum(text[at : at + (1 << 24)].count(b"\n") for at in range(0, len(text), 1 << 24))
    return count


def bronze(scratch, runs):
    """A topic into plain JSON lines in a bucket, not compressed."""
    tables = {"bronze.events": {"from": "events", "files": {"compression": "none"}}}
    with kafka_landing.Topic(scratch) as topic, bucket(scratch) as server:
        costs = []
        for _ in range(runs):
            cost, objects = land(topic, server, scratch, extra={"tables": tables})
            assert lines_in(objects) == topic.events, lines_in(objects)
            costs.append(cost)
    cost = measure.median(costs)
    print(f"bronze, Kafka to JSON lines on S3: {cost.line(topic.events)}, {cost.cpu / topic.events * 1e6:.2f} CPU-s a million")


class Stalls:
    """Half a second at a time, the server of the bucket answers nothing."""

    def __init__(self, process):
        self.process = process
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.seconds = 0.0

    def run(self):
        while not self.ended.wait(BETWEEN):
            os.kill(self.process.pid, signal.SIGSTOP)
            began = time.monotonic()
            self.ended.wait(STALL)
            os.kill(self.process.pid, signal.SIGCONT)
            self.seconds += time.monotonic() - began

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def rows_in(objects):
    newest = max((objects / "silver/events/metadata").glob("*.metadata.json"))
    return kafka_landing.rows_by_metadata(newest)


def stalls(scratch, runs):
    """A topic into a table in a bucket, alone and while the bucket stalls half a second at a time."""
    found = {False: [], True: []}
    stalled = []
    with kafka_landing.Topic(scratch) as topic, bucket(scratch) as server:
        for _ in range(runs):
            for stalling in found:
                with Stalls(server.process) if stalling else contextlib.nullcontext() as faults:
                    cost, objects = land(topic, server, scratch, {"freshness": "1s"}, {"memory": "256MiB"})
                assert rows_in(objects) == topic.events, rows_in(objects)
                found[stalling].append(cost)
                if stalling:
                    stalled.append(faults.seconds / cost.wall)
    alone, beside = measure.median(found[False]), measure.median(found[True])
    share = sorted(stalled)[len(stalled) // 2]
    print(f"stalls, alone: {alone.line(topic.events)}")
    print(
        f"stalls, {STALL} s at a time, {share:.0%} of the time: {beside.line(topic.events)}; {beside.wall / alone.wall:.2f} of the time, "
        f"where nothing but the stalls would make it {1 / (1 - share):.2f}"
    )
