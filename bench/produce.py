"""A file of JSON lines to a Kafka topic, by `millrace produce` and by kcat, with the same acknowledgements and compression, in one run. The broker is the same
and on the same machine, so its share is in every wall time; CPU seconds and memory are of the program alone."""

import json
import os
import shutil
import sys

import measure
import pipelines

sys.path[:0] = [str(pipelines.ROOT / "tests/services"), str(pipelines.ROOT / "bench/peers")]
from kafka import Kafka  # noqa: E402

EVENTS = int(os.environ.get("MILLRACE_BENCH_EVENTS", 1_000_000))
PARTITIONS = 4
COMPRESSIONS = ("none", "lz4", "zstd")


def landed(bootstrap, topic):
    """Records of a topic that only grew."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench"})
    try:
        return sum(consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1] for p in range(PARTITIONS))
    finally:
        consumer.close()


def millrace(folder, bootstrap, topic, compression, events):
    config = {"data_dir": str(folder / "data"), "stream": {"kafka": {"brokers": bootstrap, "compression": compression}}}
    (folder / "millrace.yaml").write_text(json.dumps(config))
    return [pipelines.BINARY, "produce", "--topic", topic, "--source-path", events, "-c", folder / "millrace.yaml"]


def kcat(folder, bootstrap, topic, compression, events):
    # What `produce` asks of the brokers.
    settings = [f"compression.type={compression}", "acks=all", "enable.idempotence=true", "batch.num.messages=100000"]
    return ["kcat", "-q", "-b", bootstrap, "-P", "-t", topic, *(part for setting in settings for part in ("-X", setting)), "-l", events]


PROGRAMS = {"millrace": millrace, "kcat": kcat}


def produce(scratch, runs):
    if not shutil.which("kcat"):
        raise SystemExit("run `scripts/setup --peers` first: it brings kcat")
    from load_topic import make_topic

    events = pipelines.generated(scratch, EVENTS)
    print(f"produce: {EVENTS:,} events, {events.stat().st_size / EVENTS:.0f} bytes each, {PARTITIONS} partitions, load average {os.getloadavg()[0]:.1f}")
    with Kafka(scratch / "produce-kafka", heap="1g") as kafka:
        for compression in COMPRESSIONS:
            costs = {name: [] for name in PROGRAMS}
            for number in range(runs):
                for name, command in PROGRAMS.items():
                    topic = f"{name}-{compression}-{number}"
                    make_topic(kafka.bootstrap, topic, PARTITIONS)
                    folder = pipelines.fresh(scratch / "produce")
                    costs[name].append(measure.run(command(folder, kafka.bootstrap, topic, compression, events)))
                    if (found := landed(kafka.bootstrap, topic)) != EVENTS:
                        raise SystemExit(f"{name} sent {found:,} of {EVENTS:,} events")
            ours, theirs = (measure.median(costs[name]) for name in PROGRAMS)
            print(f"produce, millrace, {compression}: {ours.line(EVENTS)}")
            print(
                f"produce, kcat, {compression}: {theirs.line(EVENTS)}; millrace: {theirs.wall / ours.wall:.2f} of its rate, "
                f"{theirs.cpu / ours.cpu:.2f} of its events per CPU-second, {ours.peak_bytes / theirs.peak_bytes:.1f} of its memory",
                flush=True,
            )
