"""From and to a real Kafka: what others produce lands once, what we produce others read; crashes, zombies, more partitions, topics made anew."""

import collections
import json
import os
import pathlib
import signal
import sys
import time

import pytest

from oracle import Lake, compare
from test_bad_input import HOSTILE

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

from kafka import Kafka  # noqa: E402

confluent_kafka = pytest.importorskip("confluent_kafka")
pytest.importorskip("confluent_kafka.admin")
pytestmark = pytest.mark.skipif(not (ROOT / ".deps/kafka").exists(), reason="scripts/setup --servers fetches Kafka")

CONFIG = """
name: shop
data_dir: {data_dir}
memory: 256MiB
stream:
  kafka: {{ brokers: "{brokers}", group_prefix: "{prefix}", session_timeout: 6s, revoke_patience: 3s, refresh: 1s }}
lake:
  warehouse: {folder}/lake
  catalog: {{ sqlite: {{ path: {folder}/catalog.db }} }}
"""
TABLES = """
tables:
  bronze.clicks: {{ from: {topic}, files: {{ compression: none, buffer_time: 300ms }} }}
  silver.clicks: {{ from: {topic}, freshness: 300ms, metadata: true, columns: {{ id: long, name: string }} }}
"""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    with Kafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def topic(request):
    return "t" + str(abs(hash(request.node.name)) % 10**9)


class Pipeline:
    """One topic into a bronze and a silver table, by any number of workers with a data directory each."""

    def __init__(self, millrace, kafka, topic):
        self.millrace, self.kafka, self.topic = millrace, kafka, topic
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": kafka.bootstrap})

    def config(self, worker="one", more="", tables=None):
        text = CONFIG.format(data_dir=f"data-{worker}", brokers=self.kafka.bootstrap, prefix=f"{self.topic}.", folder=self.millrace.folder)
        text += (TABLES if tables is None else tables).format(topic=self.topic) + more
        self.millrace.write(f"{worker}.yaml", text)
        return f"{worker}.yaml"

    def create(self, partitions=3, replication=1, **settings):
        new = confluent_kafka.admin.NewTopic(self.topic, partitions, replication, config=settings)
        self.admin.create_topics([new])[self.topic].result(30)

    def delete(self):
        self.admin.delete_topics([self.topic])[self.topic].result(30)

    def produce(self, ids, **settings):
        producer = confluent_kafka.Producer({"bootstrap.servers": self.kafka.bootstrap, "linger.ms": 1, "enable.idempotence": True, **settings})
        for i in ids:
            while True:
                try:
                    producer.produce(self.topic, json.dumps({"id": i, "name": f"n{i}"}).encode(), key=str(i % 97).encode())
                    break
                except BufferError:
                    producer.poll(0.05)
        assert producer.flush(60) == 0

    def run(self, config, **more):
        return self.millrace.run("run", "--until-idle", "-c", config, **more)

    def start(self, config, env=None):
        return self.millrace.start("run", "-c", config, env=env)

    def silver(self):
        lake = Lake(self.millrace.folder)
        if not os.path.exists(lake.database):
            return []
        return lake.walk("silver.clicks") if "silver.clicks" in lake.tables() else []

    def silver_count(self):
        """Of the snapshot of the moment: a walk takes longer than the time between two commits."""
        lake = Lake(self.millrace.folder)
        if not os.path.exists(lake.database) or "silver.clicks" not in lake.tables():
            return 0
        snapshot = lake.snapshot("silver.clicks")
        return int(snapshot["summary"]["total-records"]) if snapshot else 0

    def bronze(self):
        rows = []
        for path in pathlib.Path(self.millrace.folder, "lake/bronze/clicks").rglob("*.jsonl"):
            rows += [json.loads(line) for line in path.read_text().splitlines()]
        return rows

    def landed(self):
        return collections.Counter(row["id"] for row in self.silver())

    def wait_for(self, count, seconds=90):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.silver_count() >= count and len(self.bronze()) >= count:
                return
            time.sleep(0.3)
        raise AssertionError(f"{self.silver_count()} rows in silver, {len(self.bronze())} in bronze after {seconds} s, {count} expected")

    def judge(self, ids):
        compare(ids, (row["id"] for row in self.silver()), "silver")
        compare(ids, (row["id"] for row in self.bronze()), "bronze")
        places = [(row["_topic"], row["_partition"], row["_offset"]) for row in self.silver()]
        assert len(set(places)) == len(places)
        assert set(places) == {(row["_topic"], row["_partition"], row["_offset"]) for row in self.bronze()}


@pytest.fixture
def pipeline(millrace, kafka, topic):
    return Pipeline(millrace, kafka, topic)


def stop(process, expect=0):
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == expect, err
    return err


def read_all(kafka, topic, count):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "judge", "auto.offset.reset": "earliest"})
    parts = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in parts])
    messages, deadline = [], time.monotonic() + 30
    while time.monotonic() < deadline and len(messages) < count:
        messages += [m for m in consumer.consume(10_000, 0.5) if not m.error()]
    messages += [m for m in consumer.consume(10, 0.5) if not m.error()]
    consumer.close()
    return messages


def test_a_file_through_kafka_into_tables(pipeline, millrace):
    rows = [{"id": i, "name": f"n{i}"} for i in range(20_000)]
    millrace.write("in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    source = f"sources: {{ in: {{ file: {{ path: in.jsonl }}, topic: {pipeline.topic} }} }}\ntopics: {{ {pipeline.topic}: {{ partitions: 3 }} }}\n"
    config = pipeline.config(more=source)
    pipeline.run(config)
    pipeline.judge(range(20_000))
    sent = read_all(pipeline.kafka, pipeline.topic, 20_000)
    compare((json.dumps(row) for row in rows), (m.value().decode() for m in sent))
    pipeline.run(config)  # the file is done, and so is the topic
    pipeline.judge(range(20_000))
    listed = json.loads(millrace.run("topics", "list", "--json", "-c", config).stdout)
    assert [t["partitions"] for t in listed if t["topic"] == pipeline.topic] == [3]
    described = json.loads(millrace.run("topics", "describe", pipeline.topic, "--json", "-c", config).stdout)
    assert {r["reader"] for r in described["readers"]} == {"shop/bronze.clicks", "shop/silver.clicks"}
    assert sum(r["lag"] for r in described["readers"]) == 0
    tail = millrace.run("topics", "tail", pipeline.topic, "-n", "2", "-c", config).stdout.splitlines()
    assert tail and all("id" in json.loads(line) for line in tail)  # the marker of a transaction has an offset too
    shown = json.loads(millrace.run("offsets", "show", "--json", "-c", config).stdout)
    assert len(shown) == 6 and all(row["lag"] == 0 for row in shown)
    status = json.loads(millrace.run("status", "--json", "-c", config).stdout)
    assert {row["lag"] for row in status["tables"]} == {0}


def test_what_others_produce(pipeline, millrace):
    pipeline.create(partitions=2)
    for n, codec in enumerate(["none", "gzip", "snappy", "lz4", "zstd"]):
        pipeline.produce(range(n * 1000, n * 1000 + 1000), **{"compression.type": codec})
    aborted = confluent_kafka.Producer({"bootstrap.servers": pipeline.kafka.bootstrap, "transactional.id": "a" + pipeline.topic})
    aborted.init_transactions()
    for committed, base in ((False, 90_000), (True, 5_000), (False, 91_000)):
        aborted.begin_transaction()
        for i in range(base, base + 500):
            aborted.produce(pipeline.topic, json.dumps({"id": i, "name": "x"}), partition=i % 2)
        aborted.flush()
        aborted.commit_transaction() if committed else aborted.abort_transaction()
    plain = confluent_kafka.Producer({"bootstrap.servers": pipeline.kafka.bootstrap})
    plain.produce(pipeline.topic, b'{"id": 6000, "name": "with headers"}', headers=[("trace", b"abc"), ("empty", None)], timestamp=1_700_000_000_123)
    plain.produce(pipeline.topic, None, key=b"tombstone")
    plain.produce(pipeline.topic, b'{"id": 6001,\n "name": "on two lines"}', key=b"")
    plain.produce(pipeline.topic, b"{broken", key=b"\xff\x00")
    plain.flush()
    config = pipeline.config()
    pipeline.run(config)
    pipeline.judge([*range(5500), 6000, 6001])
    row = next(r for r in pipeline.silver() if r["id"] == 6000)
    assert row["_event_time"].timestamp() == 1_700_000_000.123
    quarantined = json.loads(millrace.run("quarantine", "show", "silver.clicks", "--json", "-c", config).stdout)
    assert [q["record"] for q in quarantined] == ["{broken"]
    shown = json.loads(millrace.run("offsets", "show", "--json", "-c", config).stdout)
    assert all(row["lag"] == 0 for row in shown), "markers of transactions are behind us too"
    # A transaction that stays open keeps what comes after it, and nothing is lost when it ends.
    held = confluent_kafka.Producer({"bootstrap.servers": pipeline.kafka.bootstrap, "transactional.id": "o" + pipeline.topic})
    held.init_transactions()
    held.begin_transaction()
    held.produce(pipeline.topic, b'{"id": 7000, "name": "open"}', partition=0)
    held.flush()
    pipeline.produce(range(7001, 7101))
    pipeline.run(config)
    assert 7000 not in pipeline.landed()
    held.commit_transaction()
    pipeline.run(config)
    pipeline.judge([*range(5500), 6000, 6001, *range(7000, 7101)])


def test_poison_lands_in_quarantine_and_the_topic_goes_on(pipeline, millrace):
    """The corpus of hostile records, and what only Kafka has: no key, no value, nothing in it, more than a file may have."""
    pipeline.create(partitions=2, **{"max.message.bytes": str(40 << 20)})
    producer = confluent_kafka.Producer({"bootstrap.servers": pipeline.kafka.bootstrap, "message.max.bytes": 40 << 20})
    too_large = b'{"id":9000,"text":"' + b"x" * (17 << 20) + b'"}'
    poison = [record for record, fate in HOSTILE.values() if fate == "quarantined"]
    good, lines = 0, []
    for record in [record for record, _ in HOSTILE.values()] + [too_large]:
        lines += [json.dumps({"id": good, "n": good}).encode(), record]
        good += 1
    for i, line in enumerate(lines):
        producer.produce(pipeline.topic, line, key=[None, b"", b"\xff\x00key"][i % 3])
        producer.produce(pipeline.topic, None, key=b"tombstone")
        producer.produce(pipeline.topic, b"", key=None)
        producer.produce(pipeline.topic, b" \n", key=None)
        producer.poll(0)
    assert producer.flush(60) == 0
    tables = """
tables:
  bronze.clicks: {{ from: {topic}, files: {{ compression: none, buffer_time: 300ms }} }}
  silver.clicks: {{ from: {topic}, freshness: 300ms, metadata: true, columns: {{ n: long }} }}
"""
    config = pipeline.config(tables=tables)
    pipeline.run(config)
    lake = Lake(millrace.folder)
    rows = pipeline.silver()
    quarantined = [bytes(r["record"]) for r in lake.walk("quarantine.silver_clicks")]
    compare(poison, quarantined, "quarantine of silver")
    assert len(rows) + len(quarantined) == len(lines)
    assert [r["n"] for r in sorted(rows, key=lambda r: r["id"]) if r["id"] < good] == list(range(good))
    assert len(next(r["text"] for r in rows if r["id"] == 9000)) == 17 << 20
    kept = lake.walk("quarantine.bronze_clicks")
    bronze = sum(path.read_bytes().count(b"\n") for path in pathlib.Path(millrace.folder, "lake/bronze/clicks").rglob("*.jsonl"))
    assert "too_large" in {r["cause"] for r in kept} and len(kept) + bronze == len(lines)
    pipeline.produce(range(good, good + 100))
    pipeline.run(config)
    assert {row["id"] for row in pipeline.silver()} >= set(range(good + 100))
    status = json.loads(millrace.run("status", "--json", "-c", config).stdout)
    assert {row["lag"] for row in status["tables"]} == {0}


FAULTS = ["kafka.before_init", "kafka.after_init", "kafka.before_begin", "kafka.after_send", "kafka.before_commit", "kafka.after_commit", "app.source_ack"]


def test_a_producer_that_crashes_anywhere_neither_loses_nor_doubles(pipeline, millrace):
    count = 6000
    millrace.write("in.jsonl", "".join(json.dumps({"id": i, "name": "x" * 1000}) + "\n" for i in range(count)))
    config = pipeline.config(more=f"sources: {{ in: {{ file: {{ path: in.jsonl }}, topic: {pipeline.topic} }} }}\ntopics: {{ {pipeline.topic}: {{ partitions: 2 }} }}\n", tables="")
    for fault in FAULTS:
        crashed = pipeline.run(config, env={"MILLRACE_FAULT": f"{fault}:1"}, expect=None)
        assert crashed.returncode == 86, f"{fault} was not passed: {crashed.stderr}"
    pipeline.run(config)
    sent = read_all(pipeline.kafka, pipeline.topic, count)
    compare(range(count), (json.loads(m.value())["id"] for m in sent))


def test_two_workers_share_a_table_through_kills_and_stops(pipeline):
    pipeline.create(partitions=3)
    configs = [pipeline.config("one"), pipeline.config("two")]
    workers = [pipeline.start(c) for c in configs]
    next_id = 0

    def more(count=1500):
        nonlocal next_id
        pipeline.produce(range(next_id, next_id + count))
        next_id += count

    more()
    pipeline.wait_for(next_id)
    for cycle in range(int(os.environ.get("MILLRACE_KAFKA_CYCLES", 3))):
        victim = cycle % 2
        more()
        workers[victim].kill()
        workers[victim].wait()
        more()
        workers[victim] = pipeline.start(configs[victim])
        more()
        pipeline.wait_for(next_id)
    new = confluent_kafka.admin.NewPartitions(pipeline.topic, 12)
    pipeline.admin.create_partitions([new])[pipeline.topic].result(30)
    workers[0].send_signal(signal.SIGSTOP)  # past its session: the other one takes all
    more()
    time.sleep(8)
    more()
    pipeline.wait_for(next_id)
    workers[0].send_signal(signal.SIGCONT)  # a zombie, with what it had read
    more()
    pipeline.wait_for(next_id)
    time.sleep(1)
    for worker in workers:
        stop(worker)
    pipeline.judge(range(next_id))
    assert len({row["_partition"] for row in pipeline.silver()}) > 3


def test_messages_carry_headers(pipeline, millrace):
    pipeline.create(partitions=2)
    millrace.write("in.jsonl", "".join(f'{{"id": {i}}}\n' for i in range(100)))
    produce = ["produce", "--source-path", "in.jsonl", "--key", "id", "-H", "trace=a=b", "--header", "bare", "-H", "empty="]
    millrace.run(*produce, "--topic", pipeline.topic, "--bootstrap-servers", pipeline.kafka.bootstrap)
    messages = read_all(pipeline.kafka, pipeline.topic, 100)
    assert sorted(int(m.key()) for m in messages) == list(range(100))
    assert all(m.headers() == [("trace", b"a=b"), ("bare", None), ("empty", b"")] for m in messages)
    assert "has no name" in millrace.run(*produce, "-H", "=x", "--topic", "t", expect=64).stderr


def test_a_partition_that_was_on_its_way_to_another_worker_is_read_again(pipeline):
    """A worker that dies between letting go of a partition and telling the group, and is back before it was missed, gets what it had without the partition, and nobody else has it."""
    pipeline.create(partitions=2)
    configs = [pipeline.config("one"), pipeline.config("two")]
    first = pipeline.start(configs[0], env={"MILLRACE_FAULT": "kafka.before_give_back:1"})
    pipeline.produce(range(500))
    pipeline.wait_for(500)
    second = pipeline.start(configs[1])
    assert first.wait(60) == 86
    first = pipeline.start(configs[0])
    pipeline.produce(range(500, 1000))
    pipeline.wait_for(1000)
    said = [stop(worker) for worker in (first, second)]
    assert any("asking it to share anew" in text for text in said), said
    pipeline.judge(range(1000))


def test_a_topic_made_anew_is_read_from_its_beginning(pipeline):
    pipeline.create(partitions=2)
    pipeline.produce(range(100))
    worker = pipeline.start(pipeline.config())
    pipeline.wait_for(100)
    pipeline.delete()
    time.sleep(1)
    pipeline.create(partitions=2)
    pipeline.produce(range(1000, 3000))
    pipeline.wait_for(2100)
    stop(worker)
    compare([*range(100), *range(1000, 3000)], (row["id"] for row in pipeline.silver()), "silver")
    compare([*range(100), *range(1000, 3000)], (row["id"] for row in pipeline.bronze()), "bronze")


def test_a_retention_overrun_stops_with_the_range_or_lands_a_note(pipeline, millrace):
    pipeline.create(partitions=1)
    pipeline.produce(range(100))
    config = pipeline.config()
    pipeline.run(config)
    pipeline.produce(range(100, 150))
    gone = confluent_kafka.TopicPartition(pipeline.topic, 0, 130)
    for future in pipeline.admin.delete_records([gone]).values():
        future.result(30)
    said = pipeline.run(config, expect=1).stderr
    assert "records [100, 130) are gone" in said and "offsets set" in said
    land = pipeline.config(tables=TABLES.replace("from: {topic},", "from: {topic}, on_gap: land,"))
    pipeline.run(land)
    pipeline.judge([*range(100), *range(130, 150)])
    notes = json.loads(millrace.run("quarantine", "show", "silver.clicks", "--json", "-c", land).stdout)
    assert [(n["cause"], n["offset"]) for n in notes] == [("gap", 100)]


def test_a_start_that_is_fixed_does_not_move(pipeline, millrace):
    pipeline.create(partitions=2)
    pipeline.produce(range(100))
    config = pipeline.config(tables=TABLES.replace("from: {topic},", "from: {topic}, start: latest,"))
    for point in ("app.before_start:1", "app.after_start:2"):
        crashed = pipeline.run(config, env={"MILLRACE_FAULT": point}, expect=None)
        assert crashed.returncode == 86, crashed.stderr
    pipeline.produce(range(100, 200))  # after the start was fixed, before anything landed
    pipeline.run(config)
    pipeline.judge(range(100, 200))
    pipeline.run(config)
    pipeline.judge(range(100, 200))


def test_brokers_that_do_not_answer_are_one_sentence(pipeline, millrace):
    config = pipeline.config()
    text = pathlib.Path(millrace.folder, config).read_text().replace(pipeline.kafka.bootstrap, "127.0.0.1:1")
    millrace.write(config, text)
    said = millrace.run("run", "-c", config, expect=69).stderr
    assert "no broker of 127.0.0.1:1 answers" in said and len(said.strip().splitlines()) == 1
