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
