"""Upserts into a bucket and a REST catalogue by two workers, of which one and then the other is killed while answers get lost: what the table holds is what
the changes say."""

import json
import random
import time

import oracle

TABLES = """
tables:
  {space}.merged: {{ from: {topic}, freshness: 200ms, key: [id], upsert: {{}} }}
  {space}.copied: {{ from: {topic}, freshness: 200ms, key: [id], upsert: {{ write: copy_on_write }} }}
  {space}.valued: {{ from: {topic}, freshness: 200ms, key: [id], upsert: {{ write: equality_deletes }}, iceberg: {{ partition_by: ["bucket(3, v)"] }} }}
maintenance: {{ interval: 0s }}
"""

SECRETS = {"LAKE_KEY": "millrace-test", "LAKE_SECRET": "millrace-test-secret"}


def test_two_workers_are_killed_while_they_upsert(field):
    field.create(partitions=3)
    held, version, dice = {}, 0, random.Random(3)

    def change(count):
        nonlocal version
        for _ in range(count):
            key = dice.randrange(150)
            version += 1
            if key in held and dice.random() < 0.2:
                field.send(None, key=str(key))
                del held[key]
            else:
                held[key] = {"id": key, "v": version, "text": "x" * dice.randrange(100)}
                field.send(held[key], key=str(key))
        assert field.producer.flush(60) == 0

    configs = [field.config(name, tables=TABLES) for name in ("one", "two")]
    change(300)
    workers = [field.start(config) for config in configs]
    field.wait_until(lambda: all(field.rows(table) > 0 for table in ("merged", "copied", "valued")))
    for cycle in range(4):
        field.grid.catalog.inject(method="POST", path="/tables/(merged|copied|valued)$", effect=["lost", "answered", "refused", "reset"][cycle], status=504, at=10)
        field.grid.bucket.inject(method="PUT", effect="lost", skip=2)
        change(150)
        time.sleep(0.3 * cycle)
        field.end(workers[cycle % 2])
        change(150)
        workers[cycle % 2] = field.start(configs[cycle % 2])
    field.grid.catalog.clear()
    field.grid.bucket.clear()

    def caught_up():
        done = field.millrace.run("offsets", "show", "--json", "-c", configs[0], env=SECRETS, expect=None)
        return done.returncode == 0 and all(row["lag"] == 0 for row in json.loads(done.stdout))

    field.wait_until(caught_up)
    for worker in workers:
        field.stop(worker)
    wanted = sorted((row["id"], row["v"], row["text"]) for row in held.values())
    oracle.compare(wanted, [(r["id"], r["v"], r["text"]) for r in field.walk("valued")], "deleted by value")
    # pyiceberg refuses it until its deletes are by position.
    field.millrace.run("maintain", f"{field.space}.valued", "-c", configs[0], env=SECRETS)
    for table in ("merged", "copied", "valued"):
        oracle.compare(wanted, [(r["id"], r["v"], r["text"]) for r in field.walk(table)], table)
        others = field.client().load_table((field.space, table)).scan().to_arrow().to_pylist()
        oracle.compare(wanted, [(r["id"], r["v"], r["text"]) for r in others], f"{table}, pyiceberg")
