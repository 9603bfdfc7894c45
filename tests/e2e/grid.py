"""A Kafka broker, a bucket and Apache's REST catalogue, each behind a proxy that faults can be scripted on; started once for all tests that take them.

A test has a topic, a namespace and a folder of its own: `Field`. What landed is read from the files that the catalogue's database leads to, by oracle.py.
"""

import collections
import json
import os
import pathlib
import signal
import sys
import time
import urllib.request

import oracle

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

from fault_proxy import FaultProxy  # noqa: E402
from kafka import Kafka, free_port  # noqa: E402
from rest_catalog import RestCatalog  # noqa: E402
from s3 import S3, SERVERS  # noqa: E402

ARE_HERE = (ROOT / ".deps/kafka").exists() and (ROOT / ".deps/rest").exists() and SERVERS["versitygw"].exists()
CONFIG = """
name: grid
data_dir: data-{worker}
memory: {memory}
stream:
  kafka: {{ brokers: "{brokers}", group_prefix: "{topic}.", session_timeout: 6s, revoke_patience: 3s, refresh: 1s }}
lake:
  warehouse: "s3://lake/wh"
  s3: {{ endpoint: "{s3}", region: us-east-1, access_key: {{ secret: "env:LAKE_KEY" }}, secret_key: {{ secret: "env:LAKE_SECRET" }} }}
  catalog: {{ rest: {{ uri: "{rest}" }} }}
server: {{ listen: "127.0.0.1:0" }}
"""
KEYS = {"LAKE_KEY": S3.access_key, "LAKE_SECRET": S3.secret_key}


class Grid:
    def __init__(self, folder):
        self.kafka = Kafka(folder / "kafka", heap="384m", settings={"broker.session.timeout.ms": 60_000})  # nobody takes over from it
        self.s3 = S3(folder / "s3", kind="versitygw")
        s3 = {"s3.access-key-id": S3.access_key, "s3.secret-access-key": S3.secret_key, "s3.path-style-access": "true", "client.region": S3.region}
        io = {"io-impl": "org.apache.iceberg.aws.s3.S3FileIO", "s3.endpoint": self.s3.endpoint, **s3}
        self.rest = RestCatalog(folder / "rest", "s3://lake/wh", properties=io)
        self.started = []

    def __enter__(self):
        try:
            for server in (self.kafka, self.s3, self.rest):
                server.start()
                self.started.append(server)
        except BaseException:
            self.__exit__()
            raise
        self.s3.create_bucket("lake")
        self.bucket = FaultProxy("http", self.s3.endpoint).__enter__()
        self.catalog = FaultProxy("http", self.rest.uri).__enter__()
        return self

    def __exit__(self, *_):
        for proxy in ("bucket", "catalog"):
            if hasattr(self, proxy):
                getattr(self, proxy).__exit__()
        for server in reversed(self.started):
            server.stop()


class Field:
    """One test's part of the grid."""

    def __init__(self, grid, millrace, name):
        import confluent_kafka
        import confluent_kafka.admin

        self.grid, self.millrace = grid, millrace
        self.topic = self.space = name
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": grid.kafka.bootstrap})
        self.new_topic = confluent_kafka.admin.NewTopic
        self.producer = confluent_kafka.Producer({"bootstrap.servers": grid.kafka.bootstrap, "linger.ms": 2, "enable.idempotence": True})
        self.sent = collections.Counter()
        self.running = []
        grid.bucket.clear()
        grid.catalog.clear()
        oracle.buckets = str(grid.s3.folder / "objects")

    def close(self):
        self.grid.bucket.clear()
        self.grid.catalog.clear()
        for process in self.running:
            process.kill()
            process.wait()
        oracle.buckets = None

    def create(self, partitions=3):
        self.admin.create_topics([self.new_topic(self.topic, partitions, 1)])[self.topic].result(30)

    def config(self, worker="one", tables="", memory="192MiB", rest=None, change=lambda text: text):
        addresses = {"brokers": self.grid.kafka.bootstrap, "s3": self.grid.bucket.url, "rest": rest or self.grid.catalog.url}
        text = change(CONFIG.format(worker=worker, memory=memory, topic=self.topic, **addresses))
        self.millrace.write(f"{worker}.yaml", text + tables.format(topic=self.topic, space=self.space))
        return f"{worker}.yaml"

    def produce(self, values, key=None):
        for value in values:
            self.send(value, key=None if key is None else str(value[key]))
        assert self.producer.flush(120) == 0

    def send(self, value, **more):
        data = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        while True:
            try:
                return self.producer.produce(self.topic, data, **more)
            except BufferError:
                self.producer.poll(0.05)

    def start(self, config, env=None):
        process = self.millrace.start("run", "-c", config, env={**KEYS, **(env or {})})
        self.running.append(process)
        return process

    def run(self, config, **more):
        return self.millrace.run("run", "--until-idle", "-c", config, env={**KEYS, **more.pop("env", {})}, **more)

    def stop(self, process, expect=0, seconds=60):
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=seconds)
        self.running.remove(process)
        assert process.returncode == expect, said
        return said

    def end(self, process):
        process.kill()
        process.wait()
        self.running.remove(process)

    def status(self, worker="one"):
        path = self.millrace.folder / f"data-{worker}/status.json"
        return json.loads(path.read_text()) if path.exists() else {"tables": {}}

    def metrics(self, worker="one"):
        from prometheus_client.parser import text_string_to_metric_families

        text = urllib.request.urlopen(self.status(worker)["server"] + "/metrics", timeout=20).read().decode()
        families = text_string_to_metric_families(text)
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}

    def lake(self):
        lake = oracle.Lake(self.millrace.folder, catalog="rest")
        lake.database = str(self.grid.rest.folder / "rest.db")
        return lake

    def rows(self, table):
        """How many the snapshot of the moment has."""
        lake = self.lake()
        if not os.path.exists(lake.database) or f"{self.space}.{table}" not in lake.tables():
            return 0
        snapshot = lake.snapshot(f"{self.space}.{table}")
        return int(snapshot["summary"]["total-records"]) if snapshot else 0

    def walk(self, table):
        return self.lake().walk(f"{self.space}.{table}")

    def client(self):
        """pyiceberg, straight to the servers."""
        from pyiceberg.catalog.rest import RestCatalog as Client

        s3 = {"s3.endpoint": self.grid.s3.endpoint, "s3.access-key-id": S3.access_key, "s3.secret-access-key": S3.secret_key, "s3.region": S3.region}
        return Client("judge", uri=self.grid.rest.uri, **s3)

    def wait_until(self, what, seconds=90):
        deadline = time.monotonic() + seconds
        while True:
            found = what()
            if found:
                return found
            ended = [process for process in self.running if process.poll() is not None]
            assert not ended, f"a worker ended with {ended[0].returncode}: {ended[0].communicate()[1]}"
            assert time.monotonic() < deadline, f"never true: {what.__doc__ or what}; {json.dumps(self.status().get('tables'), indent=1)}"
            time.sleep(0.1)
