"""A stretch of a model's table is made again: all of it at once, once, whatever ends the program; other readers compare with what it should be."""

import datetime
import json
import shutil

import oracle
import pytest
import readers

CRASHED = 86
DAYS = 6
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
# What it is looked up in may change without a run of the model: that is what a backfill is for.
HEADER = "/* ---\nmaterialized: incremental\nover: bronze.orders\nevent_time: ts\n%s--- */\n"
CHECKED = "expect:\n  - value < 300 OR id % 2 = 0: quarantine\n"
SQL = "SELECT o.id, o.ts, o.amount * (SELECT max(rate) FROM bronze.rates) AS value FROM bronze.orders AS o"
ARGUMENTS = ("--from", "2026-01-02", "--to", "2026-01-04T12:00:00Z")


def orders(first, end):
    return [
        {"id": i, "amount": i % 7 + 1, "ts": f"2026-01-{i % DAYS + 1:02}T{i % 24:02}:00:00Z"}
        for i in range(first, end)
    ]


def write(millrace, name, rows):
    millrace.write(name, "".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def filled(millrace):
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("models/gold/plain.sql", HEADER % "" + SQL)
    millrace.write("models/gold/keyed.sql", HEADER % "key: [id]\n" + SQL)
    millrace.write("models/gold/checked.sql", HEADER % CHECKED + SQL)
    for name, rows in (("rates/1", [{"rate": 1}]), ("in/1", orders(0, 240)), ("rates/2", [{"rate": 100}]), ("in/2", orders(240, 300))):
        write(millrace, name + ".ndjson", rows)
        millrace.run("run", "--until-idle")
    millrace.data = millrace.folder / "data"
    return millrace


def expected(first_rate_until=240, end=300, backfilled=False):
    """What the table should hold, made by hand: orders that came with the first rate have it unless they were made again."""
    begin = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
    stop = datetime.datetime(2026, 1, 4, 12, tzinfo=datetime.timezone.utc)
    rows = []
    for order in orders(0, end):
        ts = datetime.datetime.fromisoformat(order["ts"].replace("Z", "+00:00"))
        again = backfilled and begin <= ts < stop
        rows.append((order["id"], ts, order["amount"] * (1 if order["id"] < first_rate_until and not again else 100)))
    return rows


def rows(millrace, table):
    """By pyiceberg, by DuckDB, and by hand; of the table that is checked with what is in quarantine."""
    if table == "gold.checked":
        kept = readers.pyiceberg_rows(millrace.data, table)
        broken = [json.loads(r["record"]) for r in readers.pyiceberg_rows(millrace.data, "quarantine.gold_checked")]
        assert all(r["value"] < 300 or r["id"] % 2 == 0 for r in kept) and not any(r["value"] < 300 or r["id"] % 2 == 0 for r in broken)
        both = [(r["id"], r["ts"], r["value"]) for r in kept]
        return both + [(r["id"], datetime.datetime.fromisoformat(r["ts"].replace("+00", "+00:00")), r["value"]) for r in broken]
    by_hand = [(r["id"], r["ts"].astimezone(datetime.timezone.utc), r["value"]) for r in readers.pyiceberg_rows(millrace.data, table)]
    lake = oracle.Lake(millrace.data)
    duck = readers.duckdb_rows(lake.metadata_location(table), select="id, value")
    oracle.compare([(i, v) for i, _, v in by_hand], [(r["id"], r["value"]) for r in duck], table)
    oracle.compare([i for i, _, _ in by_hand], [r["id"] for r in lake.walk(table)], table)
    return by_hand


def test_a_stretch_is_made_again_and_equals_a_rebuild(filled):
    for table in ("gold.plain", "gold.keyed"):
        oracle.compare(expected(), rows(filled, table), table)
        before = oracle.Lake(filled.data).metadata_location(table)
        plan = json.loads(filled.run("refine", table, *ARGUMENTS, "--window", "1d", "--dry-run", "--json").stdout)
        assert [w["from"] for w in plan] == [f"2026-01-0{d}T00:00:00Z" for d in (2, 3, 4)] and plan[-1]["to"] == "2026-01-04T12:00:00Z"
        assert all(w["action"] == "replace range" and w["rows"] > 0 and w["bytes_replaced_max"] > 0 for w in plan)
        assert oracle.Lake(filled.data).metadata_location(table) == before
        said = filled.run("refine", table, *ARGUMENTS).stderr
        assert "in 3 windows" in said and "is part of the table" in said
        oracle.compare(expected(backfilled=True), rows(filled, table), table)
        assert list(oracle.Lake(filled.data).metadata(table)["refs"]) == ["main"]
        assert "is done" in filled.run("refine", table, *ARGUMENTS).stderr
        # The model's own position did not move, and what comes next is taken once.
        assert "as it was" in filled.run("refine", table).stderr
        filled.run("refine", table, "--from", "2026-01-01", "--to", "2026-01-07", "--window", "2d")
        everything = rows(filled, table)
        filled.run("refine", table, "--full-refresh")
        oracle.compare(rows(filled, table), everything, "all days made again and a rebuild")
    for wrong in (("--from", "2026-01-02"), ("--from", "2026-01-02", "--to", "2026-01-01"), (*ARGUMENTS, "--window", "soon")):
        filled.run("refine", "gold.plain", *wrong, expect=64)
    assert "for one model" in filled.run("refine", *ARGUMENTS, expect=64).stderr


def test_a_crash_at_every_fault_point(filled):
    backup = filled.folder / "backup"
    shutil.copytree(filled.data, backup)
    for table in ("gold.plain", "gold.keyed", "gold.checked"):
        arguments = ("refine", table, *ARGUMENTS)
        log = filled.folder / f"points-{table}"
        filled.run(*arguments, env={"MILLRACE_FAULT_LOG": str(log)})
        points = log.read_text().split()
        needed = {"replay.before_begin", "replay.after_begin", "backfill.before_window", "backfill.after_window", "replay.before_publish", "replay.after_publish"}
        if table == "gold.checked":
            needed |= {"backfill.before_quarantine", "backfill.after_quarantine", "backfill.before_mark", "backfill.after_mark", "refine.before_replaced_rows_go", "refine.after_replaced_rows_went"}
        assert needed <= set(points)
        # What is the same for every table is passed by each of them; of those some by each model.
        some = [p for n, p in enumerate(points) if p in needed or table != "gold.checked" and n % 3 == (0 if table == "gold.plain" else 1)]
        for point in some:
            shutil.rmtree(filled.data)
            shutil.copytree(backup, filled.data)
            for nth in (1, 2):
                filled.run(*arguments, env={"MILLRACE_FAULT": f"{point}:{nth}"}, expect=CRASHED if nth == 1 else None)
                seen = sorted(rows(filled, table))
                # Quarantine is another table: until the command is run again it may have rows of both.
                if table != "gold.checked":
                    assert seen in (sorted(expected()), sorted(expected(backfilled=True))), f"after a crash at {point} a part is seen"
            filled.run(*arguments)
            oracle.compare(expected(backfilled=True), rows(filled, table), f"after a crash at {point}")
            at = oracle.Lake(filled.data).metadata_location(table)
            filled.run(*arguments)
            assert oracle.Lake(filled.data).metadata_location(table) == at, "a further run changed the table"


def test_beside_a_pipeline_that_goes_on(filled):
    """Killed in the middle; the pipeline lands and refines before it is gone on with: what came meanwhile stays."""
    for table in ("gold.plain", "gold.keyed"):
        filled.run("refine", table, *ARGUMENTS, env={"MILLRACE_FAULT": "backfill.after_window:2"}, expect=CRASHED)
    write(filled, "in/3.ndjson", orders(300, 360))
    filled.run("run", "--until-idle")
    running = filled.start("run")
    try:
        for table in ("gold.plain", "gold.keyed"):
            oracle.compare(expected(end=360), rows(filled, table), table)
            filled.run("refine", table, *ARGUMENTS)
            oracle.compare(expected(end=360, backfilled=True), rows(filled, table), table)
    finally:
        running.terminate()
        running.communicate(timeout=60)
    staged = ("refine", "gold.plain", "--from", "2026-01-05", "--to", "2026-01-06")
    assert "on the branch" in filled.run(*staged, "--stage").stderr
    assert len(oracle.Lake(filled.data).metadata("gold.plain")["refs"]) == 2
    filled.run(*staged, "--abandon")
    assert list(oracle.Lake(filled.data).metadata("gold.plain")["refs"]) == ["main"]
    oracle.compare(expected(end=360, backfilled=True), rows(filled, "gold.plain"), "given up")
