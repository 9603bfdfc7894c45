"""Models that run at times, as an external scheduler and an operator see them."""

import json
import re
import xml.etree.ElementTree

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
