"""Models on a real Spark cluster, through Spark Connect, over Apache's REST catalogue; pyiceberg reads what came of it."""

import json
import math
import pathlib
import re
import shutil
import signal
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

import spark_connect  # noqa: E402
from certificates import certificates  # noqa: E402
from rest_catalog import RestCatalog  # noqa: E402
from tls_door import TlsDoor  # noqa: E402

pytestmark = pytest.mark.skipif(not spark_connect.ARE_HERE, reason="scripts/setup --servers fetches the catalogue")

LAKE = """
lake:
  warehouse: {warehouse}
  catalog: {{ rest: {{ uri: "{uri}" }} }}
spark: {{ remote: "{remote}", token: {{ secret: "file:{token}" }}, ca_file: "{ca}" }}
"""
TOKEN = "a-key-that-both-sides-know"

SHOP = """
name: shop
model_lease: 1s
sources:
  {source}: {{ file: {{ path: in/*.jsonl }}, topic: {source} }}
tables:
  {space}.orders: {{ from: {source}, columns: {{ ts: timestamptz }} }}
models: models/
"""

APPENDED = """/* ---
materialized: incremental
over: {space}.orders
engine: spark
partition_by: [day(ts)]
sort_by: [id]
expect:
  - amount >= 0: drop
  - id % 10 > 0: warn
--- */
SELECT id, name, amount, ts FROM {space}.orders WHERE orders.id >= 0   -- {space}.nothing
"""

MERGED = """/* ---
materialized: incremental
over: {space}.orders
engine: spark
key: [name]
newest_by: [id]
--- */
SELECT name, id, amount FROM {space}.orders
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A master, a worker, a Spark Connect server that asks for a token, TLS before it, and the catalogue that it shares with the pipelines."""
    folder = tmp_path_factory.mktemp("spark")
    certificates(folder, "door")
    (folder / "token").write_text(TOKEN)
    with RestCatalog(folder / "rest", warehouse=f"file://{folder}/warehouse") as rest:
        with spark_connect.SparkConnect(folder / "cluster", rest.uri, {"SPARK_CONNECT_AUTHENTICATE_TOKEN": TOKEN}) as spark:
            with TlsDoor(folder, spark.port) as spark.door:
                spark.secure = f"sc://127.0.0.1:{spark.door.port}/;use_ssl=true"
                spark.lake = LAKE.format(warehouse=folder / "warehouse", uri=rest.uri, remote=spark.secure, token=folder / "token", ca=folder / "ca.pem")
                yield spark


def table_of(cluster, name):
    from pyiceberg.catalog.rest import RestCatalog as Client

    return Client("judge", uri=cluster.catalog_uri).load_table(name)


def rows_of(cluster, name):
    return table_of(cluster, name).scan().to_arrow().to_pylist()


class Shop:
    """A pipeline with tables in a namespace of its own."""

    def __init__(self, millrace, cluster, space):
        self.millrace, self.cluster, self.space, self.sent = millrace, cluster, space, []
        millrace.write("millrace.yaml", SHOP.format(source=space, space=space) + cluster.lake)
        (millrace.folder / "models").mkdir()

    def model(self, name, sql, suffix=".sql"):
        return self.millrace.write(f"models/{self.space}/{name}{suffix}", sql.format(space=self.space))

    def land(self, count):
        """New rows, without a run of the models."""
        first = len(self.sent)
        rows = [
            {"id": i, "name": f"n{i % 7 + first // 100}", "amount": i % 50 - 2, "ts": f"2026-01-{1 + i % 3:02d}T00:00:00Z"}
            for i in range(first, first + count)
        ]
        self.sent += rows
        self.millrace.write(f"in/{first:06d}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        config = self.millrace.folder / "millrace.yaml"
        text = config.read_text()
        config.write_text(text.replace("models: models/", ""))
        self.millrace.run("run", "--until-idle")
        config.write_text(text)

    def refine(self, *arguments, **more):
        return self.millrace.run("refine", *arguments, **more)

    def rows(self, name):
        return rows_of(self.cluster, f"{self.space}.{name}")

    def expect(self):
        """What the two models make of what was sent, computed here."""
        appended = sorted(row["id"] for row in self.sent if row["amount"] >= 0)
        newest = {row["name"]: row for row in self.sent}
        return appended, {name: (row["id"], row["amount"]) for name, row in newest.items()}

    def check(self):
        appended, merged = self.expect()
        assert sorted(row["id"] for row in self.rows("appended")) == appended
        found = self.rows("merged")
        assert {row["name"]: (row["id"], row["amount"]) for row in found} == merged and len(found) == len(merged)


def same(left, right):
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-12)
    return left == right


def test_examples_are_the_same_by_duckdb_and_by_spark(millrace, cluster):
    shutil.copytree(ROOT / "examples", millrace.folder / "examples", ignore=shutil.ignore_patterns("github*"))
    # What Spark says otherwise stands beside the model.
    for_spark = {
        "cards/models/gold/high_limits": """SELECT * FROM (
  SELECT brand, id, client_id, type, credit_limit, row_number() OVER (PARTITION BY brand ORDER BY credit_limit DESC, id) AS place
  FROM silver.cards) AS ranked
WHERE place <= 10 AND brand <> "" """,
    }
    for name, sql in for_spark.items():
        millrace.write(f"examples/{name}.spark.sql", sql)
    tables = {
        "cards": {"gold.by_brand": ("brand", "type"), "gold.by_limit": ("band",), "gold.high_limits": ("brand", "place")},
        "medallion": {"gold.events": ("id",), "gold.by_type_and_day": ("type", "day")},
    }
    for example, keys in tables.items():
        config = millrace.folder / "examples" / example / "millrace.yaml"
        config.write_text(config.read_text() + cluster.lake)
        millrace.run("run", "--until-idle", "-c", config)

        def rows():
            read = {table: rows_of(cluster, table) for table in keys}
            return {table: sorted(read[table], key=lambda row: [str(row[k]) for k in keys[table]]) for table in keys}

        by_duckdb = rows()
        told = millrace.run("refine", *keys, "--engine", "spark", "--full-refresh", "-c", config).stderr
        by_spark = rows()
        for table in keys:
            assert f"{table}: {len(by_duckdb[table])} rows" in told
            assert len(by_duckdb[table]) > 3 and len(by_duckdb[table]) == len(by_spark[table])
            for left, right in zip(by_duckdb[table], by_spark[table]):
                assert left.keys() == right.keys() and all(same(left[k], right[k]) for k in left), (left, right)
            summary = table_of(cluster, table).current_snapshot().summary
            assert f"millrace.positions.model:{table}" in summary.additional_properties


def test_each_row_once_whatever_dies(millrace, cluster):
    shop = Shop(millrace, cluster, "killed")
    shop.model("appended", APPENDED)
    shop.model("merged", MERGED)
    shop.land(100)
    told = shop.refine().stderr
    # The first fifty amounts begin at -2: two of fifty are dropped.
    assert "4 rows do not meet: amount >= 0 (drop)" in told and "10 rows do not meet: id % 10 > 0 (warn)" in told
    shop.check()
    assert "nothing new" in shop.refine().stderr
    shop.land(60)
    log = millrace.folder / "passed"
    ends = ["refine.before_commit", "refine.after_commit"]
    points = {"appended": ["spark.before_branch", "spark.after_branch", "spark.before_write", "spark.after_write", *ends], "merged": ["spark.after_write", *ends]}
    for model, names in points.items():
        for number, point in enumerate(names):
            # Half of them die over the same rows as the one before, so that several dead attempts lie under one run.
            if number % 2 == 0:
                shop.refine(f"killed.{model}")
                shop.land(60)
            shop.refine(f"killed.{model}", env={"MILLRACE_FAULT": f"{point}:1", "MILLRACE_FAULT_LOG": str(log)}, expect=86)
            assert point in log.read_text()
        shop.refine(f"killed.{model}")
        before = table_of(cluster, f"killed.{model}").metadata.current_snapshot_id
        shop.refine(f"killed.{model}")
        table = table_of(cluster, f"killed.{model}")
        assert table.metadata.current_snapshot_id == before
        assert list(table.metadata.refs) == ["main"], "branches of dead attempts are gone"
    shop.refine()
    shop.check()


KEPT = """/* ---
{kind}
schedule: manual
expect:
  - id % 10 > 0: warn
  - amount >= 0: quarantine
  - name <> 'n3': drop
  - id % 4 < 3: quarantine
--- */
SELECT id, name, amount, ts, {{{{'a': amount, 'none': CAST(NULL AS VARCHAR)}}}} AS inner FROM {{space}}.orders"""


def quarantined(cluster, space, model):
    """The rows that are in quarantine, and the runs that they came from."""
    rows = [row for row in rows_of(cluster, f"quarantine.{space}_{model}") if row["table"] == f"{space}.{model}"]
    records = [{**json.loads(row["record"]), "cause": row["cause"], "detail": row["detail"]} for row in rows]
    # The engines print times in ways of their own.
    return sorted(({**record, "ts": record["ts"][:10]} for record in records), key=lambda r: r["id"]), {row["split"] for row in rows}


def test_quarantine_is_the_same_by_duckdb_and_by_spark(millrace, cluster):
    shop = Shop(millrace, cluster, "kept")
    spark_sql = "SELECT id, name, amount, ts, named_struct('a', amount, 'none', CAST(NULL AS STRING)) AS inner FROM {space}.orders"
    kinds = {"whole": "materialized: table", "appended": "materialized: incremental\nover: kept.orders", "merged": "materialized: incremental\nover: kept.orders\nkey: [name]\nnewest_by: id"}
    for engine in ("spark", "duckdb"):
        for name, kind in kinds.items():
            shop.model(f"{name}_{engine}", KEPT.format(kind=f"engine: {engine}\n{kind}"))
            if engine == "spark":
                shop.model(f"{name}_{engine}", spark_sql, suffix=".spark.sql")
    shop.land(60)
    shop.refine()
    shop.land(30)
    # Dies with its rows in quarantine and the table as it was: the next run takes them back and makes them again.
    shop.refine("kept.appended_spark", env={"MILLRACE_FAULT": "refine.after_quarantine:1"}, expect=86)
    told = shop.refine().stderr
    assert "go into quarantine" in told or "quarantine" in told
    for name in kinds:
        by_spark, spark_runs = quarantined(cluster, "kept", f"{name}_spark")
        by_duckdb, duckdb_runs = quarantined(cluster, "kept", f"{name}_duckdb")
        assert by_spark == by_duckdb and len(by_spark) > 15
        assert len(spark_runs) == len(duckdb_runs) == (1 if name == "whole" else 2)
        key = lambda row: row["id"]
        assert sorted(shop.rows(f"{name}_spark"), key=key) == sorted(shop.rows(f"{name}_duckdb"), key=key)
    # Not the same when it is read twice; by chance it may be, once in ninety.
    shop.model("drawn", "/* ---\nengine: spark\nschedule: manual\nexpect:\n  - kept: quarantine\n--- */\nSELECT id, id < unix_micros(current_timestamp()) % 90 AS kept FROM {space}.orders", suffix=".sql")
    for _ in range(4):
        done = shop.refine("kept.drawn", "--full-refresh", expect=None)
        if done.returncode != 0:
            break
    assert done.returncode == 1 and "models/kept/drawn.sql: " in done.stderr and "what it makes is not the same each time" in done.stderr


def test_errors_name_the_line_and_what_to_do(millrace, cluster):
    shop = Shop(millrace, cluster, "wrong")
    shop.land(10)
    table = "/* ---\nengine: spark\nschedule: manual\n--- */\n"
    shop.model("column", table + "SELECT id\nFROM {space}.orders\nWHERE length(name, id) > 0")
    shop.model("divided", table + "SELECT id,\n  amount % (id - id) AS x\nFROM {space}.orders")
    shop.model("dialect", table + "SELECT id FROM {space}.orders")
    shop.model("dialect", "SELECT id\nFROM {space}.orders WHER id > 0 AND", suffix=".spark.sql")
    shop.model("strict", table.replace("schedule", "expect:\n  - amount > 0: fail\nschedule") + "SELECT * FROM {space}.orders")
    told = shop.refine(expect=1).stderr
    assert "models/wrong/column.sql:7: Spark at 127.0.0.1" in told and "put SQL for it beside the file, as .spark.sql" in told
    assert "models/wrong/divided.sql:6: Spark at" in told and "REMAINDER_BY_ZERO" in told
    assert "models/wrong/dialect.spark.sql:2: Spark at" in told and "PARSE_SYNTAX_ERROR" in told
    assert "3 of 10 rows break the expectation `amount > 0`, which says fail; nothing was written" in told
    strict = table_of(cluster, "wrong.strict")
    assert strict.scan().to_arrow().num_rows == 0 and "main" not in strict.metadata.refs and not strict.metadata.refs

    shutil.rmtree(millrace.folder / "models/wrong")
    shop.model("plain", "SELECT id FROM {space}.orders")
    config = (millrace.folder / "millrace.yaml").read_text()
    millrace.write("wrong-token", "a-key-that-one-side-knows")
    config_with = lambda line: re.sub(r"\nspark: .*", "\n" + line, config)
    millrace.write("millrace.yaml", config_with(f'spark: {{ remote: "{cluster.secure}", token: {{ secret: "file:wrong-token" }}, ca_file: "{cluster.door.folder}/ca.pem" }}'))
    told = shop.refine("--engine", "spark", expect=78).stderr
    assert "Spark at 127.0.0.1" in told and "token" in told and "a-key-that" not in told
    millrace.write("millrace.yaml", config_with(f'spark: {{ remote: "{cluster.secure}", token: {{ secret: "file:wrong-token" }} }}'))
    told = shop.refine("--engine", "spark", expect=69).stderr
    assert "certificate" in told and "a-key-that" not in told
    millrace.write("millrace.yaml", config_with('spark: { remote: "sc://127.0.0.1:1" }'))
    told = shop.refine("--engine", "spark", expect=69).stderr
    assert "Spark at 127.0.0.1:1 does not answer" in told and "check `spark.remote`" in told
    millrace.write("millrace.yaml", config_with(""))
    told = shop.refine("--engine", "spark", expect=78).stderr
    assert "models/wrong/plain.sql:1: it runs on Spark, and nothing says where that is" in told


def wait_for(what, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


def test_a_statement_goes_on_when_its_connection_breaks(millrace, cluster):
    shop = Shop(millrace, cluster, "cut")
    shop.land(10)
    shop.model("slow", "/* ---\nengine: spark\nschedule: manual\n--- */\nSELECT id FROM {space}.orders")
    # Some seconds of work in several tasks.
    shop.model("slow", "SELECT o.id, count(*) AS n FROM {space}.orders AS o, range(0, 20000, 1, 8) AS a, range(300) AS b WHERE (a.id * b.id + o.id) % 7 = 3 GROUP BY o.id", suffix=".spark.sql")
    before = cluster.door.taken
    running = millrace.start("refine")
    wait_for(lambda: cluster.jobs("running"))
    cluster.door.cut()
    wait_for(lambda: not cluster.jobs("running"), 120)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 0 and cluster.door.taken > before + 1, told
    assert "the connection to a statement broke; going on with it" in told
    assert sorted(row["id"] for row in shop.rows("slow")) == list(range(10))


def test_what_is_stopped_stops_in_spark(millrace, cluster):
    shop = Shop(millrace, cluster, "stopped")
    shop.land(10)
    header = "/* ---\nengine: spark\nschedule: manual\ntimeout: {timeout}\n--- */\nSELECT id FROM {{space}}.orders"
    # Without a stage before it: Spark does not cancel one that it submits in the very moment in which its statement is interrupted.
    endless = "SELECT count(*) AS n FROM range(9000000000000000) AS a WHERE a.id % 7 = 8"
    shop.model("endless", header.format(timeout="10m"))
    shop.model("endless", endless, suffix=".spark.sql")
    running = millrace.start("refine")
    (job,) = wait_for(lambda: [one for one in cluster.jobs("running") if one["numActiveTasks"] > 0])
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert running.returncode == 1
    ended = lambda number: [one for one in cluster.jobs("failed") if one["jobId"] == number]
    wait_for(lambda: ended(job["jobId"]))

    shop.model("endless", header.format(timeout="2s"))
    told = shop.refine(expect=1).stderr
    assert "it took longer than its timeout of 2s; nothing was written" in told
    wait_for(lambda: not cluster.jobs("running"))
    assert shop.rows("endless") == [] and not table_of(cluster, "stopped.endless").metadata.refs


def test_doctor_asks_spark_for_the_catalogue(millrace, cluster):
    look = lambda expect: json.loads(millrace.run("doctor", "--json", "--only", "spark", "--only", "catalog", "--timeout", "2m", expect=expect).stdout)
    millrace.write("millrace.yaml", "name: doctor\n" + cluster.lake)
    found = look(0)
    assert {one["verdict"] for one in found} == {"ok"} and found[-1]["says"] == "Spark lists the catalogue `lake`"
    millrace.write("millrace.yaml", "name: doctor\n" + cluster.lake.replace("remote:", "catalog: nowhere, remote:"))
    assert "spark.sql.catalog.nowhere" in next(one["do"] for one in look(1) if one["verdict"] == "fail")


DAYS = """/* ---
materialized: incremental
over: {{space}}.orders
engine: {engine}
incremental_strategy: replace_partitions
partition_by: [day(day)]
watermark: {{{{column: ts, delay: {delay}, late: quarantine, emit: {emit}}}}}
expect:
  - orders % 2 = 0: quarantine
--- */
SELECT date_trunc('day', ts) AS day, name, count(*) AS orders, sum(amount) AS amount FROM {{space}}.orders GROUP BY date_trunc('day', ts), name
"""

TIMED = """/* ---
materialized: incremental
over: {{space}}.orders
engine: {engine}
event_time: ts
{key}expect:
  - amount * factor < 400: quarantine
--- */
SELECT o.id, o.name, o.ts, o.amount, f.factor FROM {{space}}.orders AS o CROSS JOIN {{space}}.factors AS f
"""


def in_quarantine(cluster, space, name):
    """Rows by what they say, and why; times without their zone, which each engine writes in its own way."""
    try:
        kept = rows_of(cluster, f"quarantine.{space}_{name}")
    except Exception as gone:
        assert "NoSuchTable" in type(gone).__name__
        return []
    rows = []
    for row in kept:
        said = json.loads(row["record"])
        rows.append((row["cause"], sorted((k, v[:19].replace("T", " ") if k in ("ts", "day") else v) for k, v in said.items() if not k.startswith("_"))))
    return sorted(rows, key=str)


def alike(shop, left, right, columns):
    def table(name):
        return sorted((tuple(row[column] for column in columns) for row in shop.rows(name)), key=str)

    assert table(left) == table(right) and len(table(left)) > 2, (left, table(left), table(right))
    assert in_quarantine(shop.cluster, shop.space, left) == in_quarantine(shop.cluster, shop.space, right)


def test_partitions_are_replaced_as_by_duckdb(millrace, cluster):
    shop = Shop(millrace, cluster, "replaced")
    for engine in ("spark", "duckdb"):
        shop.model(f"open_{engine}", DAYS.format(engine=engine, delay="30d", emit="on_update"))
        shop.model(f"late_{engine}", DAYS.format(engine=engine, delay="1d", emit="on_update"))
        shop.model(f"closed_{engine}", DAYS.format(engine=engine, delay="0s", emit="on_close"))
    columns = ("day", "name", "orders", "amount")
    shop.land(50)
    shop.refine()
    shop.land(41)
    # Dead attempts of both sides of the write, over the same new rows.
    for point in ("spark.after_write", "refine.after_quarantine", "refine.before_commit"):
        shop.refine("replaced.late_spark", env={"MILLRACE_FAULT": f"{point}:1"}, expect=86)
    told = shop.refine().stderr
    assert "nothing new" in shop.refine().stderr and "failed" not in told
    for name in ("open", "late", "closed"):
        alike(shop, f"{name}_spark", f"{name}_duckdb", columns)
    late = [row for row in in_quarantine(cluster, "replaced", "late_spark") if row[0] == "late"]
    assert len(late) == sum(1 for row in shop.sent[50:] if row["ts"].startswith("2026-01-01"))
    by_hand = {}
    for row in shop.sent:
        orders, amount = by_hand.get((row["ts"][:10], row["name"]), (0, 0))
        by_hand[row["ts"][:10], row["name"]] = (orders + 1, amount + row["amount"])
    found = {(row["day"].strftime("%Y-%m-%d"), row["name"]): (row["orders"], row["amount"]) for row in shop.rows("open_spark")}
    assert found == {key: both for key, both in by_hand.items() if both[0] % 2 == 0}
    assert {row["day"].strftime("%d") for row in shop.rows("closed_spark")} == {"01", "02"}


def test_a_stretch_of_time_is_made_again_as_by_duckdb(millrace, cluster):
    shop = Shop(millrace, cluster, "stretch")
    for engine in ("spark", "duckdb"):
        shop.model(f"plain_{engine}", TIMED.format(engine=engine, key=""))
        shop.model(f"keyed_{engine}", TIMED.format(engine=engine, key="key: [name]\nnewest_by: [id]\n"))
    shop.model("factors", "SELECT 10 AS factor")
    shop.land(100)
    shop.refine()
    shop.model("factors", "SELECT 9 AS factor")
    shop.refine("stretch.factors")
    for name in ("plain", "keyed"):
        stretch = ("--from", "2026-01-02", "--to", "2026-01-04", "--window", "1d")
        shop.refine(f"stretch.{name}_duckdb", *stretch)
        for point in ("spark.after_write", "backfill.after_window", "backfill.after_quarantine"):
            shop.refine(f"stretch.{name}_spark", *stretch, env={"MILLRACE_FAULT": f"{point}:1"}, expect=86)
        assert "is part of the table" in shop.refine(f"stretch.{name}_spark", *stretch).stderr
        alike(shop, f"{name}_spark", f"{name}_duckdb", ("id", "name", "ts", "amount", "factor"))
        assert {row["factor"] for row in shop.rows(f"{name}_spark")} >= {9}
        assert list(table_of(cluster, f"stretch.{name}_spark").metadata.refs) == ["main"]
    assert {row["factor"] for row in shop.rows("plain_spark")} == {9, 10}
    staged = ("stretch.plain_spark", "--from", "2026-01-01", "--to", "2026-01-02")
    shop.refine(*staged, "--stage")
    shop.refine(*staged, "--abandon")
    alike(shop, "plain_spark", "plain_duckdb", ("id", "factor"))
