"""Schedulers that are not ours start the program as examples/schedulers has it: a real Airflow, and units that systemd looks at."""

import collections
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import threading
import time

import oracle
import pytest
import readers
from conftest import BINARY, ROOT

UNITS = ROOT / "examples/schedulers"
AIRFLOW = ROOT / ".deps/airflow/bin/python"
SECONDS_MAX = 100  # of a command: one that waits to be tried again, when it should not be, takes longer
MIDNIGHT = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)


def snapshots(data_dir):
    lake = oracle.Lake(data_dir)
    return {table: [s["snapshot-id"] for s in lake.metadata(table).get("snapshots", [])] for table in lake.tables()}


class Airflow:
    """Its command line over a database of its own in a folder; no server and no scheduler."""

    def __init__(self, folder, config):
        self.home = folder / "airflow"
        (self.home / "dags").mkdir(parents=True)
        shutil.copy(UNITS / "airflow/millrace_dag.py", self.home / "dags")
        self.log = open(self.home / "said", "w+")
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "MILLRACE": BINARY,
            "MILLRACE_CONFIG": str(config),
        }
        command = [AIRFLOW, ROOT / "tests/services/airflow_cli.py"]
        self.process = subprocess.Popen(command, cwd=self.home, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def run(self, *words, expect=0):
        """Runs `airflow WORDS`; returns what it said."""
        begin = (self.home / "said").stat().st_size
        self.process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self.process.stdin.flush()
        watch = threading.Timer(SECONDS_MAX, self.process.kill)
        watch.start()
        code = self.process.stdout.readline().strip()
        watch.cancel()
        said = (self.home / "said").read_bytes()[begin:].decode(errors="replace")
        assert code == str(expect), f"airflow {words}: {code or 'it has ended'}\n{said[-6000:]}"
        return said

    def tasks(self, logical_date):
        """The id of a run, and of its tasks the states and the number of tries, read from Airflow's own database."""
        query = """SELECT r.run_id, task_id, t.state, t.try_number FROM task_instance t JOIN dag_run r USING (dag_id, run_id)
                   WHERE r.logical_date LIKE ?"""
        with contextlib.closing(sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True)) as database:
            rows = database.execute(query, (f"{logical_date:%Y-%m-%d %H:%M}%",)).fetchall()
        (run,) = {row[0] for row in rows}
        return run, {row[1]: row[2] for row in rows}, {row[1]: row[3] for row in rows}

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()


CONFIG = """
name: shop
data_dir: data
memory: 256MiB
sources:
  orders: { file: { path: "in/*.ndjson" }, topic: orders }
  rates: { file: { path: "rates/*.ndjson" }, topic: rates }
tables:
  bronze.orders: { from: orders, columns: { id: long, amount: long, ts: timestamptz } }
  bronze.rates: { from: rates, columns: { rate: long } }
models: models
"""
# What it looks up changes without a run of it: an hour that is made again shows by the rate.
ORDERS = """/* ---
materialized: incremental
over: bronze.orders
event_time: ts
--- */
SELECT o.id, o.ts, o.amount * (SELECT max(rate) FROM bronze.rates) AS value FROM bronze.orders AS o"""
BY_DAY = """/* ---
schedule: manual
tags: [daily]
--- */
SELECT CAST(ts AS DATE) AS day, count(*) AS orders, sum(value) AS value FROM silver.orders GROUP BY day"""


class Shop:
    """A small pipeline, and what its tables should hold, by hand."""

    def __init__(self, millrace):
        self.millrace = millrace
        self.data = millrace.folder / "data"
        self.orders = {}
        self.rates = {}  # by order
        millrace.write("millrace.yaml", CONFIG)
        millrace.write("models/silver/orders.sql", ORDERS)
        millrace.write("models/gold/by_day.sql", BY_DAY)

    def has_rate(self, rate):
        """What new orders, and hours that are made again, are multiplied by."""
        self.rate = rate
        self.millrace.write(f"rates/{rate}.ndjson", json.dumps({"rate": rate}) + "\n")
        self.millrace.run("run", "--until-idle")

    def sends(self, count):
        """Orders of 36 hours, 24 of them before midnight."""
        first = len(self.orders)
        new = {i: (i % 7 + 1, MIDNIGHT + datetime.timedelta(hours=i % 36 - 24, minutes=i % 60)) for i in range(first, first + count)}
        self.orders.update(new)
        self.rates.update({i: self.rate for i in new})
        lines = [json.dumps({"id": i, "amount": amount, "ts": ts.isoformat()}) + "\n" for i, (amount, ts) in new.items()]
        self.millrace.write(f"in/{first}.ndjson", "".join(lines))

    def remakes_the_hour_before(self, end):
        self.rates.update({i: self.rate for i, (_, ts) in self.orders.items() if end - datetime.timedelta(hours=1) <= ts < end})

    def is_right(self):
        """By pyiceberg and by DuckDB."""
        silver = [(i, ts, amount * self.rates[i]) for i, (amount, ts) in self.orders.items()]
        found = [(r["id"], r["ts"], r["value"]) for r in readers.pyiceberg_rows(self.data, "silver.orders")]
        oracle.compare(silver, found, "silver.orders")
        duck = readers.duckdb_rows(oracle.Lake(self.data).metadata_location("silver.orders"), select="id, value")
        oracle.compare([(i, value) for i, _, value in silver], [(r["id"], r["value"]) for r in duck], "silver.orders to DuckDB")
        return silver

    def gold(self):
        return {r["day"]: (r["orders"], r["value"]) for r in readers.pyiceberg_rows(self.data, "gold.by_day")}


def by_day(silver):
    days = collections.defaultdict(list)
    for _, ts, value in silver:
        days[ts.date()].append(value)
    return {day: (len(values), sum(values)) for day, values in days.items()}


@pytest.mark.skipif(not AIRFLOW.exists(), reason="scripts/setup --servers brings Airflow")
def test_airflow(millrace):
    """An hour by Airflow, the same again, the hour once more when it is cleared, and failures that are tried again and that are not."""
    shop = Shop(millrace)
    airflow = Airflow(millrace.folder, millrace.folder / "millrace.yaml")
    try:
        airflow.run("db", "migrate")
        an_hour(shop, airflow)
        cleared(shop, airflow)
        failures(shop, airflow)
    finally:
        airflow.close()


def an_hour(shop, airflow):
    shop.has_rate(1)
    shop.sends(200)
    shop.millrace.run("run", "--until-idle")
    shop.is_right()
    shop.has_rate(100)
    shop.sends(80)
    shop.remakes_the_hour_before(MIDNIGHT)
    airflow.run("dags", "test", "millrace_hourly", "2026-01-02")
    _, states, _ = airflow.tasks(MIDNIGHT)
    assert states == {"land": "success", "again_silver.orders": "success", "daily_tag_daily": "success"}
    assert shop.gold() == by_day(shop.is_right())
    before = snapshots(shop.data)
    said = airflow.run("dags", "test", "millrace_hourly", "2026-01-02")
    assert "0 rows in 0 commits" in said and "is done and part of the table" in said and "as it was" in said
    assert before and snapshots(shop.data) == before, "the same run again changes nothing"


def cleared(shop, airflow):
    shop.has_rate(1000)
    airflow.run("tasks", "clear", "millrace_hourly", "-y", "-t", "again", "-s", "2026-01-01", "-e", "2026-01-03")
    run, states, _ = airflow.tasks(MIDNIGHT)
    assert states == {"land": "success", "again_silver.orders": None, "daily_tag_daily": "success"}
    airflow.run("tasks", "test", "millrace_hourly", "again_silver.orders", run)
    shop.remakes_the_hour_before(MIDNIGHT)
    shop.is_right()


def failures(shop, airflow):
    two = MIDNIGHT + datetime.timedelta(hours=2)
    before, gold = snapshots(shop.data), shop.gold()
    shop.millrace.write("millrace.yaml", CONFIG.replace("models: models", "model: models"))
    said = airflow.run("dags", "test", "millrace_hourly", two.isoformat(), expect=1)
    run, states, tries = airflow.tasks(two)
    assert states == {"land": "failed", "again_silver.orders": "upstream_failed", "daily_tag_daily": "upstream_failed"}
    assert tries["land"] == 1 and "exit 78 (configuration)" in said and "millrace.yaml:11: unknown key" in said, "a person has to mend it"
    shop.millrace.write("millrace.yaml", CONFIG)
    running = shop.millrace.start("run")
    try:
        while (shop.data / "lock").read_text() != f"{running.pid}\n":
            assert running.poll() is None
            time.sleep(0.05)
        said = airflow.run("tasks", "test", "millrace_hourly", "land", run)
    finally:
        running.terminate()
        running.communicate(timeout=60)
    assert "exit 69" in said and f"pid {running.pid}" in said and airflow.tasks(two)[1]["land"] == "up_for_retry"
    airflow.run("tasks", "test", "millrace_hourly", "daily_tag_daily", run)
    assert airflow.tasks(two)[1]["daily_tag_daily"] == "skipped", "the hour does not end at midnight"
    assert (snapshots(shop.data), shop.gold()) == (before, gold)


def test_the_units_of_systemd(millrace):
    """systemd finds them sound and the service confined; what they start does an hour's work and nothing twice."""
    service = (UNITS / "millrace@.service").read_text()
    for unit in UNITS.glob("millrace@.*"):
        millrace.write(unit.name, unit.read_text().replace("/usr/bin/millrace", BINARY))
    looks = lambda *words: subprocess.run(["systemd-analyze", *words], cwd=millrace.folder, capture_output=True, text=True)
    verified = looks("verify", "./millrace@shop.service", "./millrace@shop.timer")
    assert (verified.returncode, verified.stderr) == (0, "")
    scored = looks("security", "--offline=true", "--threshold=20", "./millrace@.service")  # tenths; 100 is bare
    assert scored.returncode == 0, scored.stdout[-2000:] + scored.stderr
    shutil.copytree(UNITS.parent / "orders", millrace.folder / "orders")
    command = re.search(r"^ExecStart=/usr/bin/millrace (.*)$", service, re.M)[1]
    started = command.replace("/etc/millrace/%i.yaml", "orders/millrace.yaml").split()
    millrace.run(*started)
    before = snapshots(millrace.folder / "orders/millrace-data")
    millrace.run(*started)
    assert before and snapshots(millrace.folder / "orders/millrace-data") == before
