"""From a Kafka topic to Iceberg, beside the programs people use for it: one broker, one topic, one run."""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

import measure
import pipelines

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench/peers"
DEPS = ROOT / ".deps"
PYTHON = DEPS / "venv/bin/python"
sys.path.insert(0, str(ROOT / "tests/services"))
from kafka import Kafka  # noqa: E402

EVENTS = int(os.environ.get("MILLRACE_BENCH_EVENTS", 5_000_000))
PARTITIONS = 4


class Topic:
    """A broker with the topic `events`, filled once; of `empty`, without it."""

    def __init__(self, scratch, events=EVENTS):
        self.kafka = Kafka(pipelines.fresh(scratch / "kafka"), heap="1g", settings={"log.retention.hours": 168})
        self.events = events

    @classmethod
    def empty(cls, scratch):
        return cls(scratch, 0)

    def __enter__(self):
        self.kafka.start()
        if self.events == 0:
            return self
        subprocess.run([PYTHON, PEERS / "load_topic.py", self.bootstrap, "events", str(PARTITIONS), str(self.events)], check=True)
        return self

    def __exit__(self, *_):
        self.kafka.stop()

    @property
    def bootstrap(self):
        return self.kafka.bootstrap


# ---- Rows that a reader sees


def rows_by_metadata(metadata):
    """Of the current snapshot of an Iceberg table, by its metadata file; 0 when there is none yet."""
    try:
        table = json.loads(pathlib.Path(metadata).read_text())
        current = next(s for s in table["snapshots"] if s["snapshot-id"] == table["current-snapshot-id"])
        return int(current["summary"]["total-records"])
    except (OSError, ValueError, KeyError, StopIteration):
        return 0


def hadoop_rows(table):
    """Of a table whose metadata files are numbered."""

    def rows():
        numbered = [(int(m[1]), p) for p in (table / "metadata").glob("v*.metadata.json") if (m := re.match(r"v(\d+)", p.name))]
        return rows_by_metadata(max(numbered)[1]) if numbered else 0

    return rows


def parquet_rows(folder):
    import pyarrow
    import pyarrow.parquet

    known = {}

    def rows():
        for path in folder.glob("*.parquet"):
            if path not in known:
                try:
                    known[path] = pyarrow.parquet.read_metadata(path).num_rows
                except (pyarrow.ArrowInvalid, OSError):
                    pass  # not whole yet
        return sum(known.values())

    return rows


def millrace_rows(folder):
    def rows():
        try:
            return pipelines.rows_of(folder, "silver.events")
        except Exception:  # noqa: BLE001  (no catalogue, no table, no snapshot yet)
            return 0

    return rows


# ---- The programs


def millrace_config(topic, folder, table=None, extra=None):
    return {
        "name": "bench-" + os.urandom(4).hex(),  # a round is nobody's heir: a member that was here before is waited for
        "data_dir": str(folder / "data"),
        "memory": "128MiB",
        "stream": {"kafka": {"brokers": topic.bootstrap}},
        "tables": {"silver.events": {"from": "events", "columns": {"ts": "timestamptz", "sent_at": "timestamptz"}, "freshness": "10s", **(table or {})}},
        **(extra or {}),
    }


def millrace(topic, folder):
    config = millrace_config(topic, folder)
    (folder / "millrace.yaml").write_text(json.dumps(config))
    return measure.Watched([pipelines.BINARY, "run", "-c", folder / "millrace.yaml"], millrace_rows(folder), folder / "log")


def arrow_consumer(topic, folder):
    command = [PYTHON, PEERS / "arrow_consumer.py", topic.bootstrap, "events", topic.events, folder]
    return measure.Watched(command, parquet_rows(folder), folder / "log")


def iceberg_sink(topic, folder):
    sys.path.insert(0, str(PEERS))
    import connect
    from load_topic import make_topic

    try:
        make_topic(topic.bootstrap, "control-iceberg", 1)
    except Exception:  # noqa: BLE001  (an earlier round made it)
        pass
    command = connect.command(topic.bootstrap, "events", folder, DEPS / "connect")
    return measure.Watched(command, hadoop_rows(folder / "warehouse/db/events"), folder / "log")


def spark(topic, folder):
    jars = f"{DEPS}/sparkkafka:{DEPS}/jars"
    command = [PYTHON, PEERS / "spark_job.py", topic.bootstrap, "events", folder, jars]
    return measure.Watched(command, hadoop_rows(folder / "db/events"), folder / "log")


PROGRAMS = {"millrace": millrace, "arrow_consumer": arrow_consumer, "iceberg_sink": iceberg_sink, "spark": spark}


def land(topic, scratch, name):
    folder = pipelines.fresh(scratch / name)
    watched = PROGRAMS[name](topic, folder)
    rows = watched.until(topic.events)
    watched.stop()
    if rows != topic.events:
        print(watched.log.read_text(errors="replace")[-2000:], file=sys.stderr)
        raise SystemExit(f"{name} landed {rows:,} of {topic.events:,} events")
    shutil.rmtree(folder, ignore_errors=True)
    return watched


def peers(scratch, runs):
    """Each program lands the whole topic, start-up included, taking turns."""
    missing = [name for name in ("connect", "sparkkafka") if not (DEPS / name).exists()]
    if missing:
        raise SystemExit("run `scripts/setup --peers` first: it fetches " + ", ".join(missing))
    with Topic(scratch) as topic:
        found = {name: [] for name in PROGRAMS}
        for _ in range(runs):
            for name in PROGRAMS:
                found[name].append(land(topic, scratch, name))
    costs = {name: measure.median([w.cost() for w in watched]) for name, watched in found.items()}
    ours = costs["millrace"]
    for name, cost in costs.items():
        first = statistics.median(w.seen[0][0] for w in found[name])
        line = f"kafka, {name}: {cost.line(topic.events)}, {cost.cpu / topic.events * 1e6:.2f} CPU-s/M, first row after {first:.1f} s"
        if name != "millrace":
            line += f"; millrace: {cost.wall / ours.wall:.1f} x its rate, 1/{cost.cpu / ours.cpu:.1f} of its CPU, 1/{cost.peak_bytes / ours.peak_bytes:.1f} of its memory"
        print(line, flush=True)
