"""Expectations of models and a pipeline's own tests, judged by other readers of the same tables."""

import json
import re
import shutil

import duckdb
import pyarrow
import readers

CONFIG = """
name: shop
data_dir: data
sources: { orders: { file: { path: "in/*.ndjson" }, topic: orders } }
tables: { bronze.orders: { from: orders, columns: { id: long, amount: double, day: string } } }
models: models
"""
ORDERS = """/* ---
materialized: incremental
over: bronze.orders
expect:
  - amount >= 0: quarantine
  - id IS NOT NULL: quarantine
  - day <> '2026-01-03': drop
  - amount < 40: warn
  - unique: [id, amount]
--- */
SELECT id, amount, day FROM bronze.orders
"""
BY_DAY = """/* ---
expect:
  - rows: {min: 3}
    then: fail
--- */
SELECT day, count(*) AS orders FROM silver.orders GROUP BY day
"""
POINTS = ["refine.before_quarantine", "refine.after_quarantine", "refine.before_results", "refine.after_results", "refine.before_commit", "refine.after_commit"]


def land(millrace, number):
    rows = []
    for i in range(number * 100, number * 100 + 100):
        rows.append({"id": None if i % 17 == 0 else i, "amount": None if i % 13 == 0 else (i % 50) - 4, "day": f"2026-01-{i % 5 + 1:02}"})
    millrace.write(f"in/{number}.ndjson", "".join(json.dumps(row) + "\n" for row in rows))


def count(rows, condition):
    """Rows that do not meet a condition, by DuckDB over what pyiceberg read."""
    found = pyarrow.Table.from_pylist(rows)  # noqa: F841, the query names it
    return duckdb.sql(f"SELECT count(*) FROM found WHERE NOT coalesce({condition}, false)").fetchone()[0]


def judge(millrace):
    data = millrace.folder / "data"
    bronze = readers.pyiceberg_rows(data, "bronze.orders")
    silver = readers.pyiceberg_rows(data, "silver.orders")
    kept = readers.pyiceberg_rows(data, "quarantine.silver_orders")
    good = "amount >= 0 AND id IS NOT NULL"
    key = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
    wrong = [json.loads(row["record"]) for row in kept]
    names = ("id", "amount", "day")
    expected = duckdb.from_arrow(pyarrow.Table.from_pylist(bronze)).filter(f"NOT coalesce({good}, false)").project("id, amount, day").fetchall()
    assert sorted(key(row) for row in wrong) == sorted(key(dict(zip(names, row))) for row in expected)
    assert len(silver) == len(bronze) - count(bronze, f"{good} AND day <> '2026-01-03'")
    assert {row["cause"] for row in kept} == {"amount >= 0", "id IS NOT NULL"} and {row["scope"] for row in kept} == {"model:silver.orders"}
    results = [row for row in readers.pyiceberg_rows(data, "millrace.expectations") if row["model"] == "silver.orders"]
    broken = {}
    for row in results:
        broken[row["expectation"]] = broken.get(row["expectation"], 0) + row["rows_broken"]
    for condition in ("amount >= 0", "id IS NOT NULL", "day <> '2026-01-03'", "amount < 40"):
        assert broken[condition] == count(bronze, condition), condition
    assert len({(row["run_id"], row["expectation"]) for row in results}) == len(results)
    assert sum(row["rows_checked"] for row in results if row["expectation"] == "amount < 40") == len(bronze)


def test_rows_that_break_expectations_are_kept_once_whatever_dies(millrace):
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("models/silver/orders.sql", ORDERS)
    land(millrace, 0)
    millrace.run("run", "--until-idle")
    judge(millrace)
    for number, point in enumerate(POINTS, 1):
        land(millrace, number)
        millrace.run("run", "--until-idle", env={"MILLRACE_FAULT": f"{point}:1"}, expect=86)
        millrace.run("run", "--until-idle")
        judge(millrace)
    millrace.run("refine", "--full-refresh")
    data = millrace.folder / "data"
    assert len(readers.pyiceberg_rows(data, "quarantine.silver_orders")) == count(
        readers.pyiceberg_rows(data, "bronze.orders"), "amount >= 0 AND id IS NOT NULL"
    )


def test_what_was_found_is_shown(millrace):
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("models/silver/orders.sql", ORDERS)
    millrace.write("models/gold/by_day.sql", BY_DAY)
    land(millrace, 0)
    said = millrace.run("run", "--until-idle").stderr
    assert re.search(r"silver.orders: \d+ rows do not meet: amount >= 0 \(quarantine\)", said)
    found = json.loads(millrace.run("models", "expectations", "silver.orders", "--json").stdout)
    assert [row["verdict"] for row in found] == ["broken"] * 4 + ["met"] and found[4]["expectation"] == "unique id, amount"
    causes = json.loads(millrace.run("quarantine", "list", "--json").stdout)
    assert {row["table"] for row in causes} == {"silver.orders"} and {row["cause"] for row in causes} == {"amount >= 0", "id IS NOT NULL"}
    shown = json.loads(millrace.run("quarantine", "show", "silver.orders", "-n", "3", "--json").stdout)
    assert set(json.loads(shown[0]["record"])) == {"id", "amount", "day"} and shown[0]["split"].startswith("1.0/")
    refused = millrace.run("quarantine", "replay", "silver.orders", expect=64).stderr
    assert "`millrace refine silver.orders`" in refused
    millrace.write("models/gold/by_day.sql", BY_DAY.replace("min: 3", "min: 30"))
    failed = millrace.run("refine", expect=1).stderr
    assert "the table breaks the expectation `rows: min 30`: 4 rows, which says fail; nothing was written" in failed
    status = json.loads(millrace.run("status", "--json").stdout)["models"]
    of = {row["model"]: row for row in status}
    assert of["gold.by_day"]["outcome"] == "failed" and of["gold.by_day"]["broken"] == "rows: min 30 (fail)"
    assert "amount < 40 (warn)" in of["silver.orders"]["broken"] and of["silver.orders"]["why"] is None
    millrace.write("models/gold/by_day.sql", BY_DAY.replace("then: fail", "then: drop"))
    assert "by_day.sql:4: `then` is warn or fail" in millrace.run("check", expect=78).stderr


def test_a_pipeline_tests_itself(millrace, root):
    shutil.copytree(root / "examples/orders", millrace.folder, dirs_exist_ok=True)
    assert millrace.run("test").stderr.endswith("3 of 3 tests passed\n")
    assert not (millrace.folder / "millrace-data").exists(), "the pipeline's own data are not touched"
    millrace.run("run", "--until-idle")
    ids = sorted(row["id"] for row in readers.pyiceberg_rows(millrace.folder / "millrace-data", "silver.orders"))
    assert ids == [1, 2, 4]
    tests = millrace.folder / "tests/orders.yaml"
    text = tests.read_text()
    tests.write_text(text.replace("orders: 2, amount: 12.5", "orders: 3, amount: 12.5").replace('"amount >= 0": 1', '"amount >= 0": 2'))
    failed = millrace.run("test", expect=1)
    assert "FAILED  tests/orders.yaml:16: days are counted from today" in failed.stdout
    assert "row 1: differs     {day: 2026-01-01, amount: 12.50, days_ago: 9}: orders expected 3, got 2" in failed.stdout
    assert "broken      `amount >= 0` expected 2, got 1" in failed.stdout
    listed = json.loads(millrace.run("test", "--filter", "today", "--json", expect=1).stdout)
    assert [row["verdict"] for row in listed] == ["failed"] and listed[0]["line"] == 16
    millrace.run("test", "--filter", "no such", expect=64)
    tests.write_text(text.replace("2026-01-10T12:00:00Z", "tomorrow"))
    assert "tests/orders.yaml:17: 'tomorrow' is no time" in millrace.run("test", expect=78).stderr
    tests.write_text(
        "tests:\n"
        "  - name: values are compared, not texts\n"
        "    given: {orders: [{id: 1, amount: 1.50, email: a@b, ts: '2026-01-01T00:00:00+01:00'}]}\n"
        "    expect: {bronze.orders: [{id: 1.0, amount: 1.5, ts: '2025-12-31 23:00:00Z'}]}\n"
        "  - name: a wrong one\n"
        "    given: {orders: [{id: 1, amount: 1.50, email: a@b, ts: '2026-01-01T00:00:00+01:00'}]}\n"
        "    expect: {bronze.orders: [{id: 1.4, amount: 1.5}, {id: 7, amount: 8}]}\n"
        "  - name: an error is expected\n"
        "    given: {silver.orders: [{id: 1, amount: a lot}]}\n"
        "    models: gold.by_day\n"
        "    expect_error: Referenced column\n"
    )
    failed = millrace.run("test", expect=1).stdout
    assert "passed  values are compared" in failed and "passed  an error is expected" in failed
    assert "differs     {amount: 1.50}: id expected 1.4, got 1" in failed and "missing     {id: 7, amount: 8.00}" in failed
