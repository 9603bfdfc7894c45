"""Models that run at times, as an external scheduler and an operator see them."""

import hashlib
import json
import re
import xml.etree.ElementTree

import readers

CONFIG = """
name: shop
data_dir: data
sources: { orders: { file: { path: "in/*.ndjson" }, topic: orders } }
tables: { silver.orders: { from: orders, columns: { id: long, amount: double, day: string } } }
models: models
"""
DAILY = """/* ---
schedule: "@daily"
time_zone: Europe/Berlin
tags: [daily]
timeout: 5m
--- */
SELECT day, count(*) AS orders, sum(amount) AS amount FROM silver.orders GROUP BY day
"""
TOP = "SELECT day FROM gold.by_day ORDER BY amount DESC LIMIT 1"


def make(millrace):
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("models/gold/by_day.sql", DAILY)
    millrace.write("models/gold/best_day.sql", TOP)
    land(millrace, 0)


def land(millrace, number):
    rows = [{"id": i, "amount": i * 0.5, "day": f"2026-01-{i % 5 + 1:02}"} for i in range(number * 100, number * 100 + 100)]
    millrace.write(f"in/{number}.ndjson", "".join(json.dumps(row) + "\n" for row in rows))


def ask(millrace, sql):
    return json.loads(millrace.run("query", sql, "--format", "json").stdout)


def history(millrace, *model):
    return [(run["model"], run["outcome"]) for run in json.loads(millrace.run("models", "history", *model, "--json").stdout)]


def test_a_model_of_times_runs_once_for_what_it_missed(millrace):
    make(millrace)
    crashed = millrace.run("run", "--until-idle", env={"MILLRACE_FAULT": "refine.after_commit:1"}, expect=86)
    assert "gold" not in crashed.stdout
    millrace.run("run", "--until-idle")
    assert ask(millrace, "SELECT sum(orders) AS n FROM gold.by_day") == [{"n": 100}]
    assert len(ask(millrace, "SELECT * FROM gold.best_day")) == 1
    land(millrace, 1)
    millrace.run("run", "--until-idle")  # its next moment is midnight: nobody asks for it before
    assert ask(millrace, "SELECT sum(orders) AS n FROM gold.by_day") == [{"n": 100}]
    assert ask(millrace, "SELECT count(*) AS n FROM silver.orders") == [{"n": 200}]
    millrace.run("refine", "tag:daily")
    assert ask(millrace, "SELECT sum(orders) AS n FROM gold.by_day") == [{"n": 200}]
    assert history(millrace, "gold.by_day")[0] == ("gold.by_day", "built")


def test_models_are_listed_with_what_became_of_them(millrace):
    make(millrace)
    before = json.loads(millrace.run("models", "list", "--json").stdout) if (millrace.folder / "data").exists() else None
    assert before is None
    millrace.run("run", "--until-idle")
    listed = {row["model"]: row for row in json.loads(millrace.run("models", "list", "--json").stdout)}
    assert listed["gold.by_day"]["schedule"] == "@daily Europe/Berlin" and listed["gold.best_day"]["schedule"] == "on_commit"
    assert re.fullmatch(r"....-..-..T2[23]:00:00Z", listed["gold.by_day"]["next_run"]), "midnight in Berlin"
    assert listed["gold.by_day"]["outcome"] == "built" and listed["gold.best_day"]["next_run"] is None
    assert ("gold.by_day", "built") in history(millrace)
    edges = json.loads(millrace.run("models", "graph", "--json").stdout)
    assert {(e["from"], e["to"]) for e in edges} == {("silver.orders", "gold.by_day"), ("gold.by_day", "gold.best_day")}
    assert '"gold.by_day" -> "gold.best_day"' in millrace.run("models", "graph", "--dot").stdout
    picture = xml.etree.ElementTree.fromstring(millrace.run("models", "graph", "--svg").stdout)
    names = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert names == {name for edge in edges for name in (edge["from"], edge["to"])}
    lines = [path for path in picture.iter("{http://www.w3.org/2000/svg}path") if path.get("marker-end")]
    assert len(lines) == len(edges)
    wrong = millrace.run("refine", "gold.by_dy", expect=64).stderr
    assert "did you mean 'gold.by_day'?" in wrong
    millrace.write("models/gold/by_day.sql", DAILY.replace("Berlin", "Berlim"))
    assert "by_day.sql:3: schedule: there is no time zone" in millrace.run("check", expect=78).stderr


FED = """/* ---
materialized: incremental
over: silver.orders
schedule: manual
key: [id]
--- */
SELECT id, amount, day FROM silver.orders
"""


def bytes_of(folder):
    """Every file below a folder, by what it holds."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_dry_run_says_what_a_run_would_do_and_changes_nothing(millrace):
    make(millrace)
    millrace.write("models/gold/latest.sql", FED)
    millrace.run("run", "--until-idle")
    millrace.run("refine", "gold.latest")
    tables = readers.pyiceberg_catalog(millrace.folder / "data")
    before = tables.load_table("silver.orders").current_snapshot().snapshot_id
    land(millrace, 1)
    millrace.run("run", "--until-idle")
    orders = tables.load_table("silver.orders")
    added = [file.file for file in orders.scan().plan_files()]
    tree = bytes_of(millrace.folder / "data")
    plan = json.loads(millrace.run("refine", "--dry-run", "--json").stdout)
    shown = millrace.run("refine", "--dry-run")
    assert bytes_of(millrace.folder / "data") == tree
    assert "3 of 3 models would write" in shown.stderr and "changes before" in shown.stdout
    by_name = {entry["model"]: entry for entry in plan}
    names = [entry["model"] for entry in plan]
    assert names.index("gold.by_day") < names.index("gold.best_day") and len(names) == 3
    fed = by_name["gold.latest"]
    assert fed["action"] == "merge" and fed["why"] == "silver.orders has new rows"
    (read,) = fed["inputs"]
    assert (read["table"], read["from"], read["to"], read["rows"], read["files"]) == ("silver.orders", str(before), str(orders.current_snapshot().snapshot_id), 100, 1)
    assert read["bytes"] in [file.file_size_in_bytes for file in added] and fed["bytes_read"] == read["bytes"]
    own = sum(task.file.file_size_in_bytes for task in tables.load_table("gold.latest").scan().plan_files())
    assert fed["bytes_replaced_max"] == own
    by_day = by_name["gold.by_day"]
    assert by_day["action"] == "full" and by_day["why"] == "an input has changed"
    assert by_day["inputs"][0]["rows"] == 200 and by_day["bytes_read"] == sum(file.file_size_in_bytes for file in added)
    best = by_name["gold.best_day"]
    assert best["action"] == "full" and best["why"] == "gold.by_day, which it is made of, runs before it" and best["inputs"][0]["changes_before"]
    millrace.run("refine")
    idle = json.loads(millrace.run("refine", "--dry-run", "--json").stdout)
    assert {entry["action"] for entry in idle} == {"nothing"} and all("nothing new" in entry["why"] for entry in idle)
    assert "--json belongs to --dry-run" in millrace.run("refine", "--json", expect=64).stderr


TESTED = """/* ---
description: Orders, looked at closely.
columns:
  id: {doc: What the shop calls the order., tests: [not_null, unique]}
  day: {tests: [accepted_values: {values: ["2026-01-01", "2026-01-02", "2026-01-03"], then: quarantine}]}
--- */
SELECT id, amount, day FROM silver.orders
"""


def test_columns_are_described_and_tested_by_the_header(millrace):
    make(millrace)
    millrace.write("models/gold/tested.sql", TESTED)
    millrace.run("run", "--until-idle")
    table = readers.pyiceberg_catalog(millrace.folder / "data").load_table("gold.tested")
    assert {f.name: f.doc for f in table.schema().fields} == {"id": "What the shop calls the order.", "amount": None, "day": None}
    assert table.properties["comment"] == "Orders, looked at closely."
    assert len(readers.pyiceberg_rows(millrace.folder / "data", "gold.tested")) == 60
    assert len(readers.pyiceberg_rows(millrace.folder / "data", "quarantine.gold_tested")) == 40
    found = {e["expectation"]: (e["severity"], e["verdict"]) for e in json.loads(millrace.run("models", "expectations", "gold.tested", "--json").stdout)}
    accepted = "\"day\" IS NULL OR \"day\" IN ('2026-01-01', '2026-01-02', '2026-01-03')"
    assert found == {'"id" IS NOT NULL': ("fail", "met"), "unique id": ("fail", "met"), accepted: ("quarantine", "broken")}
    millrace.write("models/gold/tested.sql", TESTED.replace("day: {", "day: {doc: In Berlin., "))
    assert "as it was" in millrace.run("refine", "gold.tested").stderr
    after = table.refresh()
    assert after.schema().find_field("day").doc == "In Berlin." and after.schema().find_field("day").field_id == 3
    assert len(after.metadata.snapshots) == 1, "words make no row anew"
    shown = json.loads(millrace.run("models", "describe", "gold.tested", "--json").stdout)
    assert shown["description"] == "Orders, looked at closely." and shown["made_of"] == "silver.orders"
    day = next(column for column in shown["columns"] if column["column"] == "day")
    assert day == {"column": "day", "type": "string", "doc": "In Berlin.", "tests": accepted}
    assert "What the shop calls the order." in millrace.run("models", "describe", "gold.tested").stdout
    with open(millrace.folder / "in/9.ndjson", "w") as file:
        file.write('{"id": 5, "amount": 1, "day": "2026-01-01"}\n')
    failed = millrace.run("run", "--until-idle", expect=1).stderr
    assert "unique id" in failed and len(readers.pyiceberg_rows(millrace.folder / "data", "gold.tested")) == 60
    millrace.write("models/gold/tested.sql", TESTED.replace("unique]", "uniq]"))
    assert "tested.sql:4: 'uniq' is none of not_null, unique, accepted_values; did you mean 'unique'?" in millrace.run("check", expect=78).stderr


LOOKS_UP = """/* ---
materialized: incremental
over: silver.orders
--- */
SELECT id, (SELECT count(*) FROM reference.users) AS users FROM silver.orders
"""
SLOW_LOOKUP = """
name: lookup
data_dir: data
sources:
  orders: { file: { path: "in/*.ndjson" }, topic: orders }
  users: { generator: { kind: users, rows: 200, rate: 100 }, topic: users }
tables:
  silver.orders: { from: orders, freshness: 100ms }
  reference.users: { from: users, freshness: 100ms }
models: models
"""


def test_a_drain_looks_up_in_whole_tables(millrace):
    millrace.write("millrace.yaml", SLOW_LOOKUP)
    millrace.write("models/gold/met.sql", LOOKS_UP)
    land(millrace, 0)
    millrace.run("run", "--until-idle")
    met = readers.pyiceberg_rows(millrace.folder / "data", "gold.met")
    assert sorted((row["id"], row["users"]) for row in met) == [(id, 200) for id in range(100)]
