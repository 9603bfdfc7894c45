"""Sums per hour and day stay right as late rows come: partitions are made anew out of all rows, once, whatever ends the program. DuckDB's own reader, by other SQL, and pyiceberg judge."""

import json
import signal
import time

import oracle
import pytest
import readers

CRASHED = 86
CONFIG = """
name: shop
data_dir: data
memory: 256MiB
sources:
  orders: { file: { path: "in/*.ndjson" }, topic: orders }
tables:
  bronze.orders: { from: orders, columns: { id: long, amount: long, ts: timestamptz } }
models: models
"""
MODEL = """/* ---
materialized: incremental
over: bronze.orders
incremental_strategy: replace_partitions
partition_by: [day(hour)]
expect:
  - date_part('hour', hour) < 4: quarantine
--- */
SELECT date_trunc('hour', ts) AS hour, count(*) AS orders, sum(amount) AS amount FROM bronze.orders GROUP BY ALL
"""


def orders(first, end, day=None):
    return [
        {"id": i, "amount": i * i % 97, "ts": f"2026-01-{day or i // 100 % 9 + 1:02}T{i % 5:02}:{i % 60:02}:00Z"} for i in range(first, end)
    ]


def write(millrace, name, rows):
    millrace.write(name, "".join(json.dumps(row) + "\n" for row in rows))


def by_hand(sent):
    hours = {}
    for row in sent:
        hour = row["ts"][:13]
        count, amount = hours.get(hour, (0, 0))
        hours[hour] = (count + 1, amount + row["amount"])
    return hours


def check(millrace, sent):
    """The table and its quarantine are what was sent, hour by hour."""
    lake = oracle.Lake(millrace.folder / "data")
    wanted = by_hand(sent)
    found = readers.pyiceberg_rows(millrace.folder / "data", "gold.hours")
    kept = {hour: both for hour, both in wanted.items() if not hour.endswith("T04")}
    assert sorted((r["hour"].strftime("%Y-%m-%dT%H"), r["orders"], r["amount"]) for r in found) == sorted((h, *both) for h, both in kept.items())
    duck = readers.duckdb_rows(lake.metadata_location("gold.hours"), select="orders, amount")
    assert sorted((r["orders"], r["amount"]) for r in duck) == sorted(kept.values())
    broken = [json.loads(r["record"]) for r in readers.pyiceberg_rows(millrace.folder / "data", "quarantine.gold_hours")]
    out = {h: both for h, both in wanted.items() if h.endswith("T04")}
    assert sorted((r["hour"][:13].replace(" ", "T"), r["orders"], r["amount"]) for r in broken) == sorted((h, *both) for h, both in out.items())
    assert kept and out


@pytest.fixture
def shop(millrace):
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("models/gold/hours.sql", MODEL)
    write(millrace, "in/1.ndjson", orders(0, 300))
    millrace.run("run", "--until-idle")
    return millrace



def test_late_rows_change_their_day_and_no_other(shop):
    sent = orders(0, 300)
    check(shop, sent)
    late = orders(300, 310, day=2)
    config = shop.folder / "millrace.yaml"
    config.write_text(CONFIG.replace("models: models", ""))
    write(shop, "in/2.ndjson", late)
    shop.run("run", "--until-idle")
    config.write_text(CONFIG)
    plan = json.loads(shop.run("refine", "--dry-run", "--json").stdout)
    assert [entry["action"] for entry in plan] == ["replace"], plan
    described = json.loads(shop.run("models", "describe", "gold.hours", "--json").stdout)
    assert described["incremental_strategy"] == "replace_partitions" and described["replace_by"] == "day(hour)"
    assert "gold.hours: 4 rows" in shop.run("refine").stderr, "the hours of one day"
    check(shop, sent + late)
    assert "nothing new" in shop.run("refine").stderr
    lake = oracle.Lake(shop.folder / "data")
    newest = max(lake.metadata("gold.hours")["snapshots"], key=lambda s: s["sequence-number"])
    assert newest["summary"]["operation"] == "overwrite" and int(newest["summary"]["deleted-data-files"]) == 1
    # The same by millrace's tests.
    shop.write(
        "tests/hours.yaml",
        """tests:
  - name: per hour
    given: { bronze.orders: [{id: 1, amount: 5, ts: "2026-01-01T00:10:00Z"}, {id: 2, amount: 6, ts: "2026-01-01T00:20:00Z"}] }
    expect: { gold.hours: [{hour: "2026-01-01T00:00:00Z", orders: 2, amount: 11}] }
""",
    )
    config.write_text(CONFIG + "tests: tests\n")
    shop.run("test")


def test_killed_at_any_time_beside_another(shop):
    """Two pipelines of one lake are killed again and again while late rows come."""
    sent = orders(0, 300)
    for number in range(4):
        late = orders(1000 + number * 40, 1040 + number * 40, day=number % 3 + 1)
        sent += late
        write(shop, f"in/late{number}.ndjson", late)
        runs = [shop.start("refine") if number % 2 else shop.start("run", "--until-idle") for _ in range(2)]
        time.sleep(0.1 * (number + 1))
        for run in runs:
            run.send_signal(signal.SIGKILL)
            run.wait()
    shop.run("run", "--until-idle")
    shop.run("refine")
    check(shop, sent)
    at = oracle.Lake(shop.folder / "data").metadata_location("gold.hours")
    shop.run("refine")
    assert oracle.Lake(shop.folder / "data").metadata_location("gold.hours") == at


def test_a_crash_at_each_point_of_replacing(shop):
    sent = orders(0, 300)
    points = ["refine.before_quarantine", "refine.after_quarantine", "refine.before_commit", "refine.after_commit", "refine.before_replaced_rows_go", "refine.after_replaced_rows_went"]
    for number, point in enumerate(points):
        late = orders(2000 + number * 9, 2009 + number * 9, day=number % 3 + 1)
        sent += late
        write(shop, f"in/{point}.ndjson", late)
        shop.run("run", "--until-idle", env={"MILLRACE_FAULT": f"{point}:1"}, expect=CRASHED)
        shop.run("run", "--until-idle")
        check(shop, sent)


LATE = MODEL.replace("expect:\n  - date_part('hour', hour) < 4: quarantine\n", "watermark: {column: ts, delay: 6h, late: quarantine}\n")


def test_late_rows_are_kept_once_whatever_ends_the_program(millrace):
    """The watermark goes on with what it decided: a run that is repeated calls the same rows late. The source gets columns meanwhile."""
    row = lambda number, ts, **more: {"id": number, "amount": number % 7, "ts": ts, **more}  # noqa: E731
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("models/gold/hours.sql", LATE)
    taken = [row(i, f"2026-01-{1 + i % 2:02}T{i % 24:02}:00:00Z") for i in range(100)] + [row(100, "2026-01-03T08:00:00Z")]
    write(millrace, "in/1.ndjson", taken)
    millrace.run("run", "--until-idle")
    late = []
    for number, point in enumerate(("refine.before_quarantine", "refine.after_quarantine", "refine.before_commit", "refine.after_commit")):
        first = 200 + 10 * number
        more = {} if number < 2 else {"note": "new", f"only{number}": number}
        came = [row(first, "2026-01-01T05:30:00Z", **more), row(first + 1, "2026-01-02T23:59:59Z", **more)]
        stays = [row(first + 2, f"2026-01-03T{9 + number:02}:00:00Z", **more)]
        write(millrace, f"in/{point}.ndjson", came + stays)
        millrace.run("run", "--until-idle", env={"MILLRACE_FAULT": f"{point}:1"}, expect=CRASHED)
        millrace.run("run", "--until-idle")
        late, taken = late + came, taken + stays
        found = readers.pyiceberg_rows(millrace.folder / "data", "gold.hours")
        assert sorted((r["hour"].strftime("%Y-%m-%dT%H"), r["orders"], r["amount"]) for r in found) == sorted((h, *both) for h, both in by_hand(taken).items())
        kept = readers.pyiceberg_rows(millrace.folder / "data", "quarantine.gold_hours")
        assert sorted(json.loads(r["record"])["id"] for r in kept) == sorted(r["id"] for r in late) and {r["cause"] for r in kept} == {"late"}
    described = json.loads(millrace.run("models", "describe", "gold.hours", "--json").stdout)
    assert described["watermark_at"] == "2026-01-03T06:00:00Z" and described["watermark"].startswith("ts less 6h")
    millrace.run("refine", "--full-refresh")
    found = readers.pyiceberg_rows(millrace.folder / "data", "gold.hours")
    assert sorted((r["hour"].strftime("%Y-%m-%dT%H"), r["orders"], r["amount"]) for r in found) == sorted((h, *both) for h, both in by_hand(taken + late).items())
    assert readers.pyiceberg_rows(millrace.folder / "data", "quarantine.gold_hours") == []
