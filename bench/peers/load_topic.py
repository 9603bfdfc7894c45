"""load_topic.py BOOTSTRAP TOPIC PARTITIONS EVENTS: makes the topic and fills it with JSON events of about 300 bytes, one object nested; keyed by user."""

import random
import sys
import uuid
from datetime import datetime, timedelta, timezone

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

TYPES = ["page_view", "click", "add_to_cart", "purchase", "search", "login", "logout", "signup"]
COUNTRIES = ["DE", "FR", "US", "BR", "IN", "JP", "GB", "NG", "MX", "PL"]
SYSTEMS = ["ios", "android", "windows", "macos", "linux"]
PAGES = ["home", "products", "cart", "checkout", "search", "account", "help", "blog"]
START = datetime(2026, 5, 28, tzinfo=timezone.utc)


def events(count, seed=7):
    """(key, value) in the order of `seq`; the same ones every time."""
    bits = random.Random(seed).getrandbits
    second, prefix = -1, ""
    for seq in range(count):
        a, b = bits(128), bits(128)
        if seq // 2000 != second:
            second = seq // 2000
            prefix = (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
        user = b % 200_000
        amount = f"{(b >> 20) % 500}.{(b >> 30) % 100:02d}" if (b >> 40) % 4 else "null"
        milliseconds = seq // 2 % 1000
        yield (
            str(user),
            f'{{"event_id":"{uuid.UUID(int=a, version=4)}","type":"{TYPES[(b >> 44) % 8]}","user_id":{user},"session":"{(b >> 48) & 0xFFFFFFFFFF:010x}",'
            f'"ts":"{prefix}.{milliseconds:03d}Z","sent_at":"{prefix}.{(milliseconds + (b >> 60) % 900) % 1000:03d}Z",'
            f'"url":"/{PAGES[(b >> 70) % 8]}/{1000 + (b >> 74) % 9000}","country":"{COUNTRIES[(b >> 90) % 10]}","amount":{amount},"qty":{1 + (b >> 96) % 9},'
            f'"member":{"true" if (b >> 100) & 1 else "false"},"device":{{"os":"{SYSTEMS[(b >> 104) % 5]}","version":{1 + (b >> 110) % 20}}},"seq":{seq}}}',
        )


def make_topic(bootstrap, topic, partitions):
    admin = AdminClient({"bootstrap.servers": bootstrap})  # its requests end with it
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()


def load(bootstrap, topic, count):
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 50,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 500_000,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
        }
    )
    failed = []

    def delivered(error, _):
        if error:
            failed.append(error)

    for seq, (key, value) in enumerate(events(count)):
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.1)
        if seq % 10_000 == 0:
            producer.poll(0)
    producer.flush()
    if failed:
        raise SystemExit(f"{len(failed)} events were not delivered: {failed[0]}")


if __name__ == "__main__":
    make_topic(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    load(sys.argv[1], sys.argv[2], int(sys.argv[4]))
