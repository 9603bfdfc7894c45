"""Change events of a database through a real Kafka: rows, deletes and tombstones (no value at all), two workers killed on the way; what the tables
hold in the end is what the events say, in all ways of writing, and every reader agrees."""

import json
import random
import time

import readers
from oracle import Lake, compare
from test_kafka import Pipeline, confluent_kafka, kafka, pipeline, pytestmark, stop, topic  # noqa: F401

TABLES = """
tables:
  silver.merged: {{ from: {topic}, freshness: 200ms, key: [id], upsert: {{ envelope: debezium, add_fields: [source.lsn] }} }}
  silver.copied: {{ from: {topic}, freshness: 200ms, key: [id], upsert: {{ envelope: debezium, order_by: source.lsn, write: copy_on_write }} }}
  silver.valued: {{ from: {topic}, freshness: 200ms, key: [id], upsert: {{ envelope: debezium, add_fields: [source.lsn], write: equality_deletes }} }}
maintenance: {{ interval: 0s }}
"""
COLUMNS = ["id", "name", "cents", "__source_lsn"]


class Database:
    """Makes changes and says them as Debezium does: keyed, a delete followed by a tombstone, now and then a new key for a row."""

    def __init__(self, pipeline):
        self.topic = pipeline.topic
        # Idempotent: another one puts what it sends again, while a broker has no leader, behind what came after.
        self.producer = confluent_kafka.Producer({"bootstrap.servers": pipeline.kafka.bootstrap, "linger.ms": 1, "enable.idempotence": True})
        self.rows = {}
        self.lsn = 0
        self.random = random.Random(7)

    def say(self, op, before, after):
        self.lsn += 1
        event = {"before": before, "after": after, "op": op, "source": {"lsn": self.lsn}, "ts_ms": self.lsn}
        event = {"schema": {"type": "struct"}, "payload": event} if self.lsn % 2 else event
        self.producer.produce(self.topic, json.dumps(event), key=json.dumps({"id": (before or after)["id"]}))

    def tombstone(self, key):
        self.producer.produce(self.topic, None, key=json.dumps({"id": key}))

    def change(self, count, keys=400):
        for _ in range(count):
            key = self.random.randrange(keys)
            before = self.rows.get(key)
            if before and self.random.random() < 0.25:
                self.say("d", before, None)
                self.tombstone(key)
                del self.rows[key]
                continue
            after = {"id": key, "name": f"n{self.lsn}", "cents": self.lsn * 3}
            self.say("u" if before else "c", before, after)
            self.rows[key] = {**after, "__source_lsn": self.lsn}
        assert self.producer.flush(60) == 0


def canonical(rows):
    return [json.dumps({column: row[column] for column in COLUMNS}) for row in rows]


def judge(pipeline, rows):
    lake, folder = Lake(pipeline.millrace.folder), pipeline.millrace.folder
    tables = ("silver.merged", "silver.copied", "silver.valued")
    locations = {table: lake.metadata_location(table) for table in tables}
    spark = readers.spark_on(list(locations.values()), [f"SELECT {', '.join(COLUMNS)} FROM judge.t.t{n}" for n in range(len(tables))])
    for table, by_spark in zip(tables, spark):
        compare(canonical(rows), canonical(lake.walk(table)), f"{table} by hand")
        if table != "silver.valued":  # which pyiceberg refuses
            compare(canonical(rows), canonical(readers.pyiceberg_rows(folder, table)), f"{table} pyiceberg")
        compare(canonical(rows), canonical(readers.duckdb_rows(locations[table], ", ".join(COLUMNS))), f"{table} DuckDB")
        compare(canonical(rows), canonical(by_spark), f"{table} Spark")


def caught_up(pipeline, config, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done = pipeline.millrace.run("offsets", "show", "--json", "-c", config, expect=None)
        shown = json.loads(done.stdout) if done.returncode == 0 else done.stderr  # before the first start there is nothing to show
        if done.returncode == 0 and len(shown) == 9 and all(row["lag"] == 0 for row in shown):
            return
        time.sleep(0.3)
    raise AssertionError(shown)


def test_tables_follow_a_database_through_kills(pipeline):  # noqa: F811
    pipeline.create(partitions=3)
    database = Database(pipeline)
    configs = [pipeline.config(name, tables=TABLES) for name in ("one", "two")]
    database.change(1000)
    workers = [pipeline.start(config) for config in configs]
    caught_up(pipeline, configs[0])
    for cycle in range(3):
        database.change(400)
        time.sleep(0.2 * cycle)
        workers[cycle % 2].kill()
        workers[cycle % 2].wait()
        database.change(400)
        workers[cycle % 2] = pipeline.start(configs[cycle % 2])
        database.change(400)
    caught_up(pipeline, configs[0])
    for worker in workers:
        stop(worker)
    judge(pipeline, database.rows.values())
    lake = Lake(pipeline.millrace.folder)
    assert any(file["content"] == 1 for file in lake.live("silver.merged"))
    assert all(file["content"] == 0 for file in lake.live("silver.copied"))
    assert any(file["content"] == 2 for file in lake.live("silver.valued"))
    assert not [table for table in lake.tables() if table.startswith("quarantine.")], "nothing was refused"


def test_a_tombstone_alone_deletes_and_what_names_no_row_is_kept(pipeline, millrace):  # noqa: F811
    pipeline.create(partitions=1)
    producer = confluent_kafka.Producer({"bootstrap.servers": pipeline.kafka.bootstrap, "enable.idempotence": True})
    tables = "tables:\n  silver.t: {{ from: {topic}, key: [id], upsert: {{}} }}\n  silver.valued: {{ from: {topic}, key: [id], upsert: {{ write: equality_deletes }} }}\n"
    config = pipeline.config(tables=tables)

    def held_by(table):
        return {row["id"]: row["v"] for row in Lake(millrace.folder).walk(table)}

    producer.produce(pipeline.topic, None, key=b"1")  # before there is a table
    for key in range(1, 7):
        producer.produce(pipeline.topic, json.dumps({"id": key, "v": key}), key=str(key))
    producer.produce(pipeline.topic, None, key=b"2")
    producer.flush()
    pipeline.run(config)
    assert held_by("silver.t") == held_by("silver.valued") == {1: 1, 3: 3, 4: 4, 5: 5, 6: 6}
    producer.produce(pipeline.topic, None, key=b'{"id": 3}')
    producer.produce(pipeline.topic, None, key=b"4")
    producer.produce(pipeline.topic, json.dumps({"id": 4, "v": 40}), key=b"4")  # gone and there again, in one commit
    producer.produce(pipeline.topic, json.dumps({"id": 5, "v": 50}), key=b"5")
    producer.produce(pipeline.topic, None, key=b"5")  # changed and gone, in one commit
    producer.produce(pipeline.topic, None, key=b'{"other": 6}')
    producer.produce(pipeline.topic, b'{"v": 7}', key=b"7")
    producer.flush()
    pipeline.run(config)
    assert held_by("silver.t") == held_by("silver.valued") == {1: 1, 4: 40, 6: 6}
    kept = json.loads(millrace.run("quarantine", "show", "silver.t", "--json", "-c", config).stdout)
    assert sorted((row["cause"], row["offset"]) for row in kept) == [("missing_key", 13), ("missing_key", 14)]
