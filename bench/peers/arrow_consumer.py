"""arrow_consumer.py BOOTSTRAP TOPIC EVENTS FOLDER: what a good engineer writes in an hour. Parquet files, offsets committed after each."""

import io
import sys

import pyarrow.json
import pyarrow.parquet
from confluent_kafka import Consumer

bootstrap, topic, total, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
consumer = Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": "arrow-consumer-" + folder.rsplit("/", 1)[-1],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "fetch.queue.backoff.ms": 10,
        "queued.max.messages.kbytes": 262_144,
    }
)
consumer.subscribe([topic])
values, taken, files = [], 0, 0


def flush():
    global files
    if values:
        table = pyarrow.json.read_json(io.BytesIO(b"\n".join(values)))
        pyarrow.parquet.write_table(table, f"{folder}/part-{files:05d}.parquet", compression="zstd")
        files += 1
        values.clear()
    consumer.commit(asynchronous=False)


while taken < total:
    messages = consumer.consume(10_000, 1.0)
    for message in messages:
        if message.error():
            raise SystemExit(str(message.error()))
        values.append(message.value())
    taken += len(messages)
    if len(values) >= 500_000:
        flush()
flush()
consumer.close()
