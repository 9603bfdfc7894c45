"""Workers on one table of a bucket and a REST catalogue, fed by three Kafka brokers, while all of them are killed, stopped and cut off.

`Chaos` has the servers, the workers and the list of what was acknowledged; each method named in CYCLES does one kind of harm while records come. What landed is
read from the files that the catalogue's own database leads to, by oracle.py: never through Millrace, and through none of the proxies.
"""

import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import confluent_kafka
import confluent_kafka.admin
import conftest
import oracle
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

from fault_proxy import FaultProxy  # noqa: E402
from kafka import Kafka  # noqa: E402
from rest_catalog import RestCatalog  # noqa: E402
from s3 import S3  # noqa: E402

TOPIC = "clicks"
CONFIG = """
name: chaos
data_dir: data-{worker}
memory: 192MiB
stream:
  kafka: {{ brokers: "{brokers}", session_timeout: 6s, revoke_patience: 3s, refresh: 1s }}
lake:
  warehouse: "s3://lake/wh"
  s3: {{ endpoint: "{s3}", region: us-east-1, access_key: {{ secret: "env:LAKE_KEY" }}, secret_key: {{ secret: "env:LAKE_SECRET" }} }}
  catalog: {{ rest: {{ uri: "{rest}" }} }}
maintenance: {{ interval: {maintenance}, snapshots_keep: 100 }}
tables:
  bronze.clicks: {{ from: {topic}, files: {{ compression: none, buffer_time: 400ms }} }}
  bronze.columns: {{ from: {topic}, files: {{ encoding: parquet, buffer_time: 400ms }} }}
  silver.clicks: {{ from: {topic}, freshness: 400ms, metadata: true, columns: {{ id: long, name: string }} }}
"""
# Where a worker is ended from within, by what a run passes on its way from a record to an acknowledged commit.
CRASHES = [
    "land.before_commit",
    "land.after_commit",
    "catalog.rest_commit.before",
    "catalog.rest_commit.after",
    "io.s3.put",
    "files.before_plan",
    "files.after_plan",
    "files.after_object",
    "quarantine.before_commit",
    "quarantine.after_commit",
    "app.table_ack",
]
# Every kind of harm once, in the order of the short form; the long form draws from them.
CYCLES = [
    "kill_a_worker",
    "kill_a_broker",
    "crash_inside_a_commit",
    "lose_answers_of_the_catalogue",
    "more_partitions",
    "stall_the_bucket_in_a_commit",
    "suspend_a_worker_past_its_session",
    "come_and_go_in_a_commit",
    "make_the_topic_anew",
]


class Chaos:
    def __init__(self, folder, workers=2, seed=1, records=1500):
        self.folder = pathlib.Path(folder)
        self.random = random.Random(seed)
        self.records = records
        self.names = [f"w{i}" for i in range(workers)]
        self.kafka = Kafka(self.folder / "kafka", brokers=3, heap="256m")
        self.s3 = S3(self.folder / "s3", kind="versitygw")
        s3 = {"s3.access-key-id": S3.access_key, "s3.secret-access-key": S3.secret_key, "s3.path-style-access": "true", "client.region": S3.region}
        io = {"io-impl": "org.apache.iceberg.aws.s3.S3FileIO", "s3.endpoint": self.s3.endpoint, **s3}
        self.rest = RestCatalog(self.folder / "rest", "s3://lake/wh", properties=io)
        self.workers = {}
        self.sent = collections.Counter()  # (id, partition, offset) of what the brokers acknowledged
        self.poison = collections.Counter()
        self.next_id = 0
        self.partitions = 0
        self.next_broker = 0
        self.did = collections.Counter()

    # ---- servers and workers

    def __enter__(self):
        started = []
        try:
            for server in (self.kafka, self.s3, self.rest):
                server.start()
                started.append(server)
            self.s3.create_bucket("lake")
            self.bucket_proxy = FaultProxy("http", self.s3.endpoint).__enter__()
            self.catalog_proxy = FaultProxy("http", self.rest.uri).__enter__()
            oracle.buckets = str(self.s3.folder / "objects")
            self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.kafka.bootstrap, "logger": QUIET})
            self.create_topic()
            for name in self.names:
                self.start(name)
        except BaseException:
            for server in started:
                server.stop()
            raise
        return self

    def __exit__(self, *_):
        for process in self.workers.values():
            process.kill()
            process.wait()
        oracle.buckets = None
        for proxy in (self.bucket_proxy, self.catalog_proxy):
            proxy.__exit__()
        for server in (self.rest, self.s3, self.kafka):
            server.stop()

    def start(self, name, fault=None):
        config = self.folder / f"{name}.yaml"
        if not config.exists():
            maintenance = "5s" if name == self.names[0] else "0s"
            addresses = {"brokers": self.kafka.bootstrap, "s3": self.bucket_proxy.url, "rest": self.catalog_proxy.url}
            config.write_text(CONFIG.format(worker=name, topic=TOPIC, maintenance=maintenance, **addresses))
        environment = {"LAKE_KEY": S3.access_key, "LAKE_SECRET": S3.secret_key, **({"MILLRACE_FAULT": fault} if fault else {})}
        with open(self.folder / f"{name}.log", "ab") as log:
            self.workers[name] = subprocess.Popen(
                [conftest.BINARY, "run", "-c", config.name], cwd=self.folder, stdout=log, stderr=log, env={**os.environ, **environment}
            )

    def end(self, name):
        self.workers[name].kill()
        self.workers[name].wait()

    def leave(self, name):
        self.workers[name].send_signal(signal.SIGTERM)
        assert self.workers[name].wait(60) == 0, self.log_of(name)
        del self.workers[name]

    def any_worker(self):
        return self.random.choice(self.names)

    def log_of(self, name):
        return "\n".join((self.folder / f"{name}.log").read_text().splitlines()[-15:])

    def look_after_workers(self):
        """Those that a fault point ended start again; to end in any other way is wrong."""
        for name, process in list(self.workers.items()):
            status = process.poll()
            if status == 86:
                self.did["crashes"] += 1
                self.start(name)
            assert status in (None, 86), f"{name} ended with {status}:\n{self.log_of(name)}"

    # ---- the topic and its records

    def create_topic(self, partitions=3):
        new = confluent_kafka.admin.NewTopic(TOPIC, partitions, 3, config={"min.insync.replicas": "2"})
        self.admin.create_topics([new])[TOPIC].result(60)
        self.partitions = partitions
        self.wait_until(lambda: self.leaders() == partitions, 60, "leaders of a new topic")

    def leaders(self):
        topic = self.admin.list_topics(TOPIC, 10).topics[TOPIC]
        return sum(p.leader >= 0 for p in topic.partitions.values()) if topic.error is None else 0

    def produce(self):
        """Records of every kind. Returns when all are acknowledged, whatever becomes of the brokers meanwhile."""
        settings = {"bootstrap.servers": self.kafka.bootstrap, "enable.idempotence": True, "linger.ms": 5, "delivery.timeout.ms": 180_000, "logger": QUIET}
        producer = confluent_kafka.Producer(settings)
        failures = []

        def landed(counter, key):
            def called(error, message):
                if error:
                    failures.append(str(error))
                else:
                    counter[(*key, message.partition(), message.offset())] += 1

            return called

        for _ in range(self.records):
            value = json.dumps({"id": self.next_id, "name": "x" * self.random.randrange(200)})
            producer.produce(TOPIC, value, key=str(self.next_id % 97), on_delivery=landed(self.sent, [self.next_id]))
            self.next_id += 1
            producer.poll(0)
        for record in (b"no json %d" % self.next_id, b'{"id":%d,"name":' % self.next_id, b'\xff{"id":%d}' % self.next_id, b"{%d}" % self.next_id):
            producer.produce(TOPIC, record, on_delivery=landed(self.poison, [record]))
        producer.produce(TOPIC, None, key="tombstone")
        producer.produce(TOPIC, b"", key=None)
        assert producer.flush(200) == 0 and not failures, failures[:3]

    # ---- harm; each leaves everything running again

    def kill_a_worker(self):
        name = self.any_worker()
        self.produce()
        self.end(name)
        self.produce()
        self.start(name)

    def kill_a_broker(self):
        broker = self.next_broker % 3
        self.next_broker += 1
        self.produce()
        self.kafka.kill_broker(broker)
        self.produce()
        self.wait_landed()
        self.kafka.restart_broker(broker)
        self.wait_until(self.in_sync, 120, "brokers in sync")

    def in_sync(self):
        topics = self.admin.list_topics(timeout=10).topics
        return all(len(p.isrs) == 3 for topic in topics.values() for p in topic.partitions.values())

    def crash_inside_a_commit(self):
        name = self.any_worker()
        self.end(name)
        point = f"{self.random.choice(CRASHES)}:{self.random.randrange(1, 4)}"
        self.start(name, fault=point)
        self.produce()
        time.sleep(0.5)
        self.produce()

    def lose_answers_of_the_catalogue(self):
        effects = ["lost", "answered", "reset", "refused", "late"]
        self.random.shuffle(effects)
        for effect in effects:
            self.catalog_proxy.inject(method="POST", path="/tables/", effect=effect, status=504, at=10, skip=1, delay=2.0)
        self.bucket_proxy.inject(method="PUT", effect="lost", skip=3, times=2)
        self.bucket_proxy.inject(effect="status", status=503, skip=5, times=4)
        self.produce()
        self.produce()
        self.wait_landed()
        self.did["faults_on_the_wire"] += sum(self.catalog_proxy.hits()) + sum(self.bucket_proxy.hits())
        self.catalog_proxy.clear()
        self.bucket_proxy.clear()

    def more_partitions(self):
        if self.partitions >= 12:
            return self.kill_a_worker()
        self.partitions += 3
        new = confluent_kafka.admin.NewPartitions(TOPIC, self.partitions)
        self.admin.create_partitions([new])[TOPIC].result(60)
        self.wait_until(lambda: self.leaders() == self.partitions, 60, "leaders of new partitions")
        self.produce()

    def stall_the_bucket_in_a_commit(self):
        self.bucket_proxy.inject(method="PUT", path="metadata|_millrace|parquet|jsonl", effect="late", delay=8.0, times=6)
        self.produce()
        time.sleep(1)
        self.produce()
        self.wait_landed()
        self.did["stalled_puts"] += sum(self.bucket_proxy.hits())
        self.bucket_proxy.clear()

    def suspend_a_worker_past_its_session(self):
        name = self.any_worker()
        self.produce()
        self.workers[name].send_signal(signal.SIGSTOP)
        self.produce()
        time.sleep(8)
        self.produce()
        self.wait_landed()  # the others have its partitions
        self.workers[name].send_signal(signal.SIGCONT)  # with what it had read
        self.produce()

    def come_and_go_in_a_commit(self):
        """Rebalances while commits wait for the bucket."""
        self.bucket_proxy.inject(method="PUT", effect="late", delay=0.5, times=40)
        self.produce()
        self.start("guest")
        self.produce()
        time.sleep(self.random.uniform(0.2, 3))
        self.leave("guest") if self.random.random() < 0.5 else self.end("guest")
        self.workers.pop("guest", None)
        self.produce()
        self.bucket_proxy.clear()

    def make_the_topic_anew(self):
        self.wait_landed()
        self.admin.delete_topics([TOPIC])[TOPIC].result(60)
        self.wait_until(lambda: TOPIC not in self.admin.list_topics(timeout=10).topics, 60, "the topic to be gone")
        time.sleep(1)
        self.create_topic()
        self.produce()

    def cycle(self, harm):
        getattr(self, harm)()
        self.did[harm] += 1
        self.wait_landed()

    # ---- the verdict

    def lake(self):
        lake = oracle.Lake(self.folder, catalog="rest")
        lake.database = str(self.rest.folder / "rest.db")
        return lake

    def rows_in_silver(self):
        lake = self.lake()
        if not os.path.exists(lake.database) or "silver.clicks" not in lake.tables():
            return 0
        snapshot = lake.snapshot("silver.clicks")
        return int(snapshot["summary"]["total-records"]) if snapshot else 0

    def bronze(self):
        """Lines of all objects, whose number alone is asked for while they are written."""
        lines = []
        for path in sorted((self.s3.folder / "objects/lake/wh/bronze/clicks").rglob("*.jsonl")):
            lines += path.read_text().splitlines()
        return lines

    def columns(self):
        """The Parquet files; one that is still being put is none yet."""
        files = []
        for path in sorted((self.s3.folder / "objects/lake/wh/bronze/columns").rglob("*.parquet")):
            try:
                files.append(pq.ParquetFile(path))
            except pa.ArrowException:
                continue
        return files

    def wait_until(self, is_so, seconds, what):
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}; {dict(self.did)}\n" + self.situation()
            self.look_after_workers()
            time.sleep(0.2)

    def wait_landed(self, seconds=150):
        wanted = sum(self.sent.values())
        self.wait_until(lambda: self.rows_in_silver() >= wanted, seconds, f"{wanted} rows in silver")
        self.wait_until(lambda: len(self.bronze()) >= wanted, seconds, f"{wanted} lines in bronze")
        self.wait_until(lambda: sum(file.metadata.num_rows for file in self.columns()) >= wanted, seconds, f"{wanted} rows in Parquet files")

    def situation(self):
        said = [f"{self.rows_in_silver()} rows in silver, {len(self.bronze())} lines in bronze"]
        for name in self.workers:
            said.append(f"-- {name}\n{self.log_of(name)}")
            status = self.folder / f"data-{name}/status.json"
            if status.exists():
                said.append("\n".join(f"{t}: {s.get('why')}" for t, s in json.loads(status.read_text())["tables"].items()))
        return "\n".join(said)

    def judge(self):
        """Every acknowledged record once in each table, what is no record once in each quarantine, positions as the property says."""
        self.wait_landed()
        for name in list(self.workers):
            self.leave(name)
        lake = self.lake()
        rows = lake.walk("silver.clicks")
        oracle.compare(self.sent.elements(), ((r["id"], r["_partition"], r["_offset"]) for r in rows), "silver")
        lines = [json.loads(line) for line in self.bronze()]
        oracle.compare(self.sent.elements(), ((r["id"], r["_partition"], r["_offset"]) for r in lines), "bronze")
        rows_of_files = [row for file in self.columns() for row in file.read(columns=["id", "_partition", "_offset"]).to_pylist()]
        oracle.compare(self.sent.elements(), ((r["id"], r["_partition"], r["_offset"]) for r in rows_of_files), "bronze columns")
        lake.positions("silver.clicks")
        quarantines = [t for t in lake.tables() if t.startswith("quarantine.")]
        assert len(quarantines) == 3, quarantines
        for table in quarantines:
            oracle.compare(self.poison.elements(), ((bytes(r["record"]), r["partition"], r["offset"]) for r in lake.walk(table)), table)
        return len(rows)


class Quiet:
    """Brokers that die are what is wanted; clients of the test need not tell."""

    def log(self, *_, **__):
        pass

    debug = info = warning = error = critical = log


QUIET = Quiet()
