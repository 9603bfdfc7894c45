"""Two processes with the same models over one lake: one runs a model at a time, and takes over from one that dies; the table is right anyway."""

import datetime
import json
import os
import signal
import time

import grid

CONFIG = """
name: %(name)s
data_dir: %(name)s
memory: 256MiB
model_lease: 2s
lake: { warehouse: lake, catalog: { sqlite: { path: catalog.db } } }
sources: { %(name)s_orders: { file: { path: "in-%(name)s/*.ndjson", follow: true }, topic: orders } }
tables: { silver.%(name)s: { from: orders, columns: { id: long, day: string } } }
models: models
"""
# Long enough to be seen at work: the numbers that are hashed change nothing.
SLOW = """SELECT day, count(*) AS orders, (SELECT count(*) FILTER (hash(range) = 0) FROM range(%d)) * 0 AS worked
FROM silver.one GROUP BY day"""


def land(millrace, name, number, rows=100):
    lines = [{"id": number * rows + i, "day": f"2026-01-{i % 5 + 1:02}"} for i in range(rows)]
    millrace.write(f"in-{name}/{number}.ndjson", "".join(json.dumps(line) + "\n" for line in lines))


def holder(millrace):
    """Who has the lease now; None when nobody has."""
    now = datetime.datetime.now(datetime.timezone.utc)
    for path in sorted((millrace.folder / "lake/.millrace-leases/gold.slow").glob("*"), reverse=True):
        try:
            lease = json.loads(path.read_text())
        except (OSError, ValueError):
            continue  # renewed meanwhile
        return lease["holder"] if datetime.datetime.fromisoformat(lease["until"].replace("Z", "+00:00")) > now else None
    return None


def wait_for(what, process=None):
    patience = time.monotonic() + 120
    while not what():
        assert time.monotonic() < patience, "it never came"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def history(millrace, name):
    return json.loads(millrace.run("models", "history", "gold.slow", "--json", "-c", f"{name}.yaml").stdout)


def built(millrace, name):
    return [run["outcome"] for run in history(millrace, name)].count("built")


def load(millrace, name):
    from pyiceberg.catalog.sql import SqlCatalog

    folder = millrace.folder
    return SqlCatalog("millrace", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/lake").load_table(name)


def check(millrace, orders, snapshots):
    gold = load(millrace, "gold.slow")
    assert sum(row["orders"] for row in gold.scan().to_arrow().to_pylist()) == orders
    assert len(gold.metadata.snapshots) == snapshots, "each state of the input was made once"


def test_one_of_two_processes_runs_a_model(millrace):
    for name in ("one", "two"):
        millrace.write(f"{name}.yaml", CONFIG % {"name": name})
        land(millrace, name, 0)
    millrace.write("models/gold/slow.sql", SLOW % 1000)
    for name in ("one", "two"):
        millrace.run("run", "--until-idle", "-c", f"{name}.yaml")
    check(millrace, 100, 1)
    millrace.write("models/gold/slow.sql", SLOW % 400_000_000)

    # While the holder lives: the other waits, and then finds nothing to do.
    land(millrace, "one", 1)
    one = millrace.start("run", "-c", "one.yaml")
    works = lambda: (holder(millrace) or "").endswith(f":{one.pid}")
    wait_for(works, one)
    waited = millrace.run("refine", "gold.slow", "-c", "two.yaml").stderr
    assert f":{one.pid} runs it; waiting" in waited and "nothing new" in waited
    check(millrace, 200, 2)
    assert (built(millrace, "one"), built(millrace, "two")) == (2, 0)

    # Killed in the middle: the other takes over when the time of the lease is over.
    land(millrace, "one", 2)
    wait_for(works, one)
    one.kill()
    one.communicate()
    said = millrace.run("refine", "gold.slow", "-c", "two.yaml").stderr
    assert f":{one.pid} runs it; waiting" in said
    check(millrace, 300, 3)
    assert (built(millrace, "one"), built(millrace, "two")) == (2, 1)

    # Suspended past its time and woken as a zombie: its run is overtaken, and changes nothing.
    land(millrace, "one", 3)
    one = millrace.start("run", "-c", "one.yaml")
    wait_for(works, one)
    os.kill(one.pid, signal.SIGSTOP)
    try:
        assert f":{one.pid} runs it; waiting" in millrace.run("refine", "gold.slow", "-c", "two.yaml").stderr
        check(millrace, 400, 4)
    finally:
        os.kill(one.pid, signal.SIGCONT)
    wait_for(lambda: history(millrace, "one")[0]["why"] == "another run of it was faster", one)
    one.terminate()
    one.communicate(timeout=120)
    check(millrace, 400, 4)
    assert (built(millrace, "one"), built(millrace, "two")) == (2, 2)


TOPIC_TABLES = """
tables:
  {space}.orders: {{ from: {topic}, freshness: 200ms }}
maintenance: {{ interval: 0s }}
model_lease: 2s
models: models
"""
EACH = """/* ---
materialized: incremental
over: %(space)s.orders
--- */
SELECT id, id %% 3 AS kind FROM %(space)s.orders
"""
BY_KIND = "SELECT kind, count(*) AS orders FROM %(space)s.each GROUP BY kind"


def test_two_workers_run_models_over_a_bucket(field):
    """Each lands its partitions of one topic, and either runs the models; what they made is what one would have made."""
    field.create(partitions=4)
    for name, sql in (("each", EACH), ("by_kind", BY_KIND)):
        field.millrace.write(f"models/{field.space}/{name}.sql", sql % {"space": field.space})
    workers = {name: field.start(field.config(name, tables=TOPIC_TABLES)) for name in ("one", "two")}
    table = lambda name: field.client().load_table(f"{field.space}.{name}")
    counted = lambda: sum(row["orders"] for row in field.walk("by_kind")) if field.rows("by_kind") else 0
    sent = 0
    for _ in range(4):
        field.produce([{"id": i} for i in range(sent, sent + 200)])
        sent += 200
        field.wait_until(lambda: counted() == sent)
    runs = [run for name in workers for run in json.loads(field.millrace.run("models", "history", "--json", "-c", f"{name}.yaml", env=grid.KEYS).stdout)]
    assert not [run for run in runs if run["outcome"] == "failed"], runs
    for name in ("each", "by_kind"):
        mine = [run for run in runs if run["model"] == f"{field.space}.{name}" and run["outcome"] == "built"]
        assert len(mine) == len(table(name).metadata.snapshots), "what was made was made by one of them"
    listed = {str(path.relative_to(field.grid.s3.folder / "objects")) for path in (field.grid.s3.folder / "objects").rglob("*") if ".millrace-leases" in str(path)}
    assert any(f"{field.space}.by_kind" in path for path in listed), listed
    field.end(workers["one"])
    field.produce([{"id": i} for i in range(sent, sent + 200)])
    sent += 200
    field.wait_until(lambda: counted() == sent)
    field.stop(workers["two"])
    assert sorted(row["id"] for row in field.walk("each")) == list(range(sent))
    assert {row["kind"]: row["orders"] for row in field.walk("by_kind")} == {kind: len(range(kind, sent, 3)) for kind in range(3)}
