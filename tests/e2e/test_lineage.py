"""OpenLineage events of commits and runs of models, over HTTP and in a file, read by OpenLineage's own client."""

import json
import pathlib
import sys

import pytest
import readers
from test_observe import CONFIG, of_table, running, wait_until, write_events

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))
from telemetry_receiver import Receiver, parse_lineage  # noqa: E402

pytest.importorskip("openlineage.client.event_v2", reason="scripts/setup --servers fetches it")


def runs_of(events, job):
    """Its runs in order: (start, end) of each that has ended."""
    by_run = {}
    for event in events:
        if event.job.name == job:
            by_run.setdefault(event.run.runId, []).append(event)
    for members in by_run.values():
        assert [each.eventType.value for each in members][:1] == ["START"] and len(members) <= 2
        assert len(members) < 2 or members[0].eventTime <= members[1].eventTime
    return [tuple(members) for members in by_run.values() if len(members) == 2]


def test_what_was_made_of_what(millrace):
    millrace.write("models/gold/count.sql", "SELECT id % 2 AS odd, count(*) AS n FROM silver.events GROUP BY 1\n")
    millrace.write("models/gold/broken.sql", "SELECT 1 / nothing_there FROM silver.events\n")
    write_events(millrace)
    canary = "canary-of-lineage-8b13"
    lineage = 'lineage: {{ url: "{url}", api_key: {{ secret: "env:LINEAGE" }} }}\n'
    with Receiver(answers=[503]) as receiver:
        with running(millrace, config=CONFIG + "models: models/\n" + lineage, url=receiver.url, env={"LINEAGE": canary, "OPENLINEAGE_NAMESPACE": "lake"}) as pipeline:

            def told():
                """all rows, and both models"""
                events = receiver.lineage()
                landed = runs_of(events, "land.silver.events")
                rows = sum(end.outputs[0].outputFacets["outputStatistics"].rowCount for _, end in landed if end.eventType.value == "COMPLETE")
                return rows == 507 and runs_of(events, "model.gold.count") and runs_of(events, "model.gold.broken") and events

            events = wait_until(told)
            metrics = pipeline.metrics()
            assert metrics["millrace_lineage_events_sent_total", ()] >= len(events)
            pipeline.stop()
            assert canary not in pipeline.said
    events = receiver.lineage()
    assert {headers["Authorization"] for headers in receiver.headers} == {"Bearer " + canary} and {event.job.namespace for event in events} == {"lake"}
    catalog = readers.pyiceberg_catalog(millrace.folder / "data")
    table, count = catalog.load_table("silver.events"), catalog.load_table("gold.count")
    versions = {str(snapshot.snapshot_id) for snapshot in table.snapshots()}

    for start, end in runs_of(events, "land.silver.events"):
        assert (end.eventType.value, end.job.facets["jobType"].processingType) == ("COMPLETE", "STREAMING")
        assert [(each.namespace, each.name) for each in end.inputs] == [("millrace://observed", "events")] == [(each.namespace, each.name) for each in start.inputs]
        (output,) = end.outputs
        assert (output.namespace, output.name) == ("file", table.location().removeprefix("file://"))
        assert output.facets["version"].datasetVersion in versions
        assert [field.name for field in output.facets["schema"].fields] == [field.name for field in table.schema().fields]
        assert [(each.namespace, each.name, each.type) for each in output.facets["symlinks"].identifiers] == [("lake", "silver.events", "TABLE")]
    ((_, files),) = [runs_of(events, "land.bronze.events")[0]]
    assert [(each.namespace, each.name) for each in files.outputs] == [("lake", "bronze.events")]

    built = [end for _, end in runs_of(events, "model.gold.count") if end.eventType.value == "COMPLETE"]
    assert built and str(count.current_snapshot().snapshot_id) in {end.outputs[0].facets["version"].datasetVersion for end in built}
    for end in built:
        (read,), (made,) = end.inputs, end.outputs
        assert read.name == table.location().removeprefix("file://") and read.facets["version"].datasetVersion in versions
        assert [field.name for field in made.facets["schema"].fields] == ["odd", "n"] and made.outputFacets["outputStatistics"].rowCount == 2
        assert end.job.facets["sql"].query.startswith("SELECT id % 2 AS odd") and end.job.facets["jobType"].processingType == "BATCH"
    failed = [end for _, end in runs_of(events, "model.gold.broken")]
    assert failed and all(end.eventType.value == "FAIL" and "nothing_there" in end.run.facets["errorMessage"].message for end in failed)


def test_into_a_file_and_nowhere(millrace):
    write_events(millrace)
    with running(millrace, config=CONFIG + "lineage: {{ file: lineage.jsonl }}\n") as pipeline:
        wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 507)
    events = [parse_lineage(json.loads(line)) for line in (millrace.folder / "lineage.jsonl").read_text().splitlines()]
    ended = [end for _, end in runs_of(events, "land.silver.events")]
    assert sum(end.outputs[0].outputFacets["outputStatistics"].rowCount for end in ended) == 507
    millrace.write("in/b.jsonl", json.dumps({"id": 7000, "n": 1}) + "\n")
    gone = {"OPENLINEAGE_URL": "http://127.0.0.1:9"}
    with running(millrace, env=gone) as pipeline:  # nobody listens: landing goes on
        wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 1)
        assert pipeline.stop() == 0


@pytest.mark.parametrize(
    "block, sentence",
    [
        ("lineage: {{ url: collector }}", "lineage.url: expected an http:// or https:// address"),
        ("lineage: {{ url: \"http://far.example\", api_key: {{ secret: \"env:KEY\" }} }}", "lineage.url: a token goes over TLS alone"),
        ("lineage: {{ url: \"http://localhost:1\", file: x }}", "lineage.file: events go to one place"),
        ("lineage: {{ file: x, api_key: {{ secret: \"env:KEY\" }} }}", "lineage.api_key: it belongs to `url`"),
        ("traces: {{ endpoint: \"http://localhost.far.example:4318\", token: {{ secret: \"env:KEY\" }} }}", "traces.endpoint: a token goes over TLS alone"),
        ("traces: {{ endpoint: \"http://far.example\", token: {{ secret: \"env:KEY\" }} }}", "traces.endpoint: a token goes over TLS alone"),
        ("traces: {{ endpoint: \"http://localhost:4318\", sample: 2 }}", "traces.sample"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(millrace, block, sentence):
    millrace.write("millrace.yaml", (CONFIG + block + "\n").format(freshness="1s", server='{ listen: "127.0.0.1:0" }'))
    done = millrace.run("check", expect=78, env={"KEY": "key-of-some-length"})
    assert sentence in done.stderr and "millrace.yaml:" in done.stderr
