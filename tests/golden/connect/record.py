"""Records what a worker of Kafka Connect answers to tests/e2e/connect_dialogue.py: record.py writes *.json beside itself.

Needs `scripts/setup --servers --peers` (a broker, and Connect with its file connectors). A distributed worker, as that one knows every route."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "tests/services"), str(ROOT / "tests/e2e")]
import connect_dialogue  # noqa: E402
from confluent_kafka import Producer  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402
from kafka import CLASS_PATH, Kafka, free_port  # noqa: E402

WORKER = """bootstrap.servers={bootstrap}
group.id=recorded
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1
offset.flush.interval.ms=500
consumer.auto.offset.reset=earliest
listeners=http://127.0.0.1:{port}
plugin.discovery=hybrid_warn
"""
CLASSES = {"{SINK}": "org.apache.kafka.connect.file.FileStreamSinkConnector", "{SOURCE}": "org.apache.kafka.connect.file.FileStreamSourceConnector"}


def make_numbers(bootstrap):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for made in admin.create_topics([NewTopic(topic, 1, 1) for topic in ("numbers", "made")]).values():
        made.result()
    producer = Producer({"bootstrap.servers": bootstrap})
    for n in range(5):
        producer.produce("numbers", json.dumps({"id": n}))
    producer.flush()


def record(folder):
    with Kafka(folder / "kafka") as kafka:
        make_numbers(kafka.bootstrap)
        port = free_port()
        worker = folder / "worker.properties"
        worker.write_text(WORKER.format(bootstrap=kafka.bootstrap, port=port))
        (folder / "in.txt").write_text("a\nb\n")
        java = [
            "java",
            "-Xmx600m",
            f"-Dlog4j2.configurationFile={folder}/kafka/log4j2.properties",
            "-cp",
            f"{CLASS_PATH}:{ROOT}/.deps/connect/*",
            "org.apache.kafka.connect.cli.ConnectDistributed",
            str(worker),
        ]
        with open(folder / "worker.log", "wb") as log:
            process = subprocess.Popen(java, stdout=log, stderr=log)
            try:
                url = f"http://127.0.0.1:{port}"
                answers(url, folder)
            finally:
                process.kill()
                process.wait()


def answers(url, folder):
    needs = {CLASSES["{SINK}"]: {"file": str(folder / "out.txt")}, CLASSES["{SOURCE}"]: {"file": str(folder / "in.txt")}}

    def has_read(name):
        said = connect_dialogue.ask(url, "GET", f"/connectors/{name}/offsets")[1]
        return said.get("offsets") and said["offsets"][0]["offset"].get("kafka_offset") == 5

    asker = connect_dialogue.Asker(url, CLASSES, needs, has_read)
    for _ in range(600):
        try:
            if connect_dialogue.ask(url, "GET", "/health")[0] == 200:
                break
        except OSError:
            pass
        time.sleep(0.2)
    for name, steps in connect_dialogue.DIALOGUES.items():
        recorded = [{"request": {key: step[key] for key in ("method", "path", "body")}, "answer": asker.ask(step)} for step in steps]
        (HERE / f"{name}.json").write_text(json.dumps(recorded, indent=1) + "\n")
        print(f"{name}: {len(recorded)} answers")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        record(pathlib.Path(folder))
