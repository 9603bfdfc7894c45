"""Metrics, alert rules and the dashboard, judged by a real Prometheus: it scrapes a pipeline, loads the rules and answers every query of the dashboard."""

import json
import pathlib
import re
import sys

import pytest
from test_observe import CONFIG, running, wait_until, write_events

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))
import prometheus  # noqa: E402

ALERTS = ROOT / "deploy/prometheus/alerts.yml"
NAME = re.compile(r"\b(?:millrace|process)_[a-z_]+\b")
needs_prometheus = pytest.mark.skipif(bool(prometheus.lacks()), reason=prometheus.lacks())


def queries():
    """(where, expression) of the dashboard, with what Grafana fills in."""
    dashboard = json.loads((ROOT / "deploy/grafana/millrace.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            filled = target["expr"]
            for variable, value in {"$__rate_interval": "1m", "$job": "millrace", "$instance": ".*", "$table": ".*"}.items():
                filled = filled.replace(variable, value)
            assert "$" not in filled, filled
            yield panel["title"], filled


def test_rules_and_dashboard_name_what_there_is():
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+)", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    known = set(listed) | {name + part for name, kind in listed.items() if kind == "histogram" for part in ("_bucket", "_sum", "_count")}
    rules = re.findall(r"alert: (\w+)\n +expr: (.*?)\n +(?:for|labels):", ALERTS.read_text(), re.DOTALL)
    named = [(where, name) for where, expression in [*rules, *queries()] for name in NAME.findall(expression)]
    assert len(rules) > 15 and len(named) > 70
    assert [each for each in named if each[1] not in known] == []
    headings = {line.removeprefix("### ").lower() for line in (ROOT / "docs/operations.md").read_text().splitlines() if line.startswith("### ")}
    runbooks = re.findall(r"alert: (\w+)|runbook: docs/operations.md#(\w+)", ALERTS.read_text())
    assert [a.lower() for a, _ in runbooks[::2]] == [b for _, b in runbooks[1::2]] and {b for _, b in runbooks[1::2]} <= headings


@needs_prometheus
def test_no_metric_breaks_the_conventions():
    """Every declared one, in the text that a process would show of it."""
    text = ""
    for name, kind, labels, meaning in re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) \| (.*) \|$", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE):
        shown = ",".join(f'{label}="x"' for label in labels.split(", ") if label.strip())
        text += f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"
        if kind == "histogram":
            text += f'{name}_bucket{{{shown}{"," if shown else ""}le="+Inf"}} 1\n'
        for part in ("_sum", "_count") if kind == "histogram" else ("",):
            text += f"{name}{part}{{{shown}}} 1\n"
    assert text.count("# TYPE") > 40
    status, said = prometheus.promtool("check", "metrics", stdin=text)
    assert (status, said.strip()) == (0, "")


@needs_prometheus
def test_each_alert_fires_and_does_not():
    assert prometheus.promtool("check", "rules", ALERTS)[0] == 0
    status, said = prometheus.promtool("test", "rules", "alerts_test.yml", cwd=ALERTS.parent)
    assert status == 0, said
    tested = (ALERTS.parent / "alerts_test.yml").read_text()
    for alert in re.findall(r"alert: (\w+)", ALERTS.read_text()):
        assert f"- name: {alert} fires" in tested and f"{{ alertname: {alert}, eval_time: 190m, exp_alerts: [] }}" in tested, alert


@needs_prometheus
def test_a_real_prometheus_reads_it(millrace, tmp_path):
    millrace.write("models/gold/count.sql", "SELECT count(*) AS n FROM silver.events\n")
    millrace.write("models/gold/broken.sql", "SELECT nothing_there FROM silver.events\n")
    write_events(millrace)
    with running(millrace, config=CONFIG + "models: models/\n") as pipeline:
        with prometheus.Prometheus(tmp_path / "prometheus", pipeline.url.removeprefix("http://"), [ALERTS]) as server:

            def landed():
                """Prometheus has what landed, and a second scrape"""
                rows = {labels["table"]: value for labels, value in server.query("millrace_table_rows_total")}
                runs = server.query("millrace_model_runs_total")
                scrapes = server.query('count_over_time(up{job="millrace"}[1m])')
                return rows.get("silver.events") == 507 and len(runs) >= 2 and scrapes and scrapes[0][1] >= 3

            wait_until(landed)
            status, said = prometheus.promtool("check", "metrics", stdin=pipeline.get("/metrics")[1])
            assert (status, said.strip()) == (0, "")
            (target,) = server.ask("targets")["activeTargets"]
            assert target["health"] == "up" and target["lastError"] == ""
            families = {each for each in server.ask("label/__name__/values") if each.startswith("millrace_")}
            assert {"millrace_table_commit_seconds_bucket", "millrace_build_info", "millrace_model_last_run_success"} <= families
            answered = {title: 0 for title, _ in queries()}
            for title, expression in queries():
                answered[title] += len(server.query(expression))
            silent = {title for title, count in answered.items() if count == 0}
            assert silent <= {"Tasks by state", "Object store: requests", "Object store and catalogue: 99 % of requests", "Taken in over HTTP", "Expectations broken",
                              "Traces and lineage lost", "Data files", "Files merged", "Ambiguous commits and retries"}, silent  # fmt: skip

            def judged():
                """all rules were evaluated, and what is wrong waits to fire"""
                rules = {rule["name"]: rule for group in server.ask("rules")["groups"] for rule in group["rules"]}
                assert all(rule["health"] != "err" for rule in rules.values()), rules
                ill = {name for name, rule in rules.items() if rule["state"] != "inactive"}
                return all(rule["health"] == "ok" for rule in rules.values()) and {"MillraceRejects", "MillraceModelFails"} <= ill and ill

            assert not wait_until(judged) & {"MillraceDown", "MillraceTableDown", "MillraceCommitConflicts", "MillraceAmbiguousCommits"}
