"""Traces as a collector gets them over HTTP, read by OpenTelemetry's own protobuf package: the way of a chunk, runs of models; and a collector that is ill keeps
nobody from landing."""

import json
import pathlib
import sys

import pytest
import readers
from test_observe import CONFIG, of_table, running, wait_until, write_events

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))
from telemetry_receiver import Receiver, attributes  # noqa: E402

pytest.importorskip("opentelemetry.proto", reason="scripts/setup --servers fetches it")
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


def trees(receiver):
    """Of each trace the root, and its spans by name."""
    spans = [span for _, span in receiver.spans()]
    by_trace = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    for trace_id, members in by_trace.items():
        assert len(trace_id) == 16 and len({span.span_id for span in members}) == len(members)
        roots = [span for span in members if not span.parent_span_id]
        if len(roots) == 1:
            yield roots[0], {span.name: span for span in members}


def test_the_way_of_a_chunk_and_runs_of_models(millrace):
    millrace.write("models/gold/count.sql", "SELECT count(*) AS n FROM silver.events\n")
    millrace.write("models/gold/broken.sql", "SELECT nothing_there FROM silver.events\n")
    write_events(millrace)
    canary = "canary-of-the-collector-3a71"
    with Receiver(answers=[503, 429]) as receiver:
        env = {**SOON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url + "/", "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{canary}",
               "OTEL_SERVICE_NAME": "landing", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"}  # fmt: skip
        with running(millrace, config=CONFIG + "models: models/\n", env=env) as pipeline:

            def there():
                """all rows of the table stand in traces, and both models"""
                found = list(trees(receiver))
                rows = sum(attributes(root)["millrace.rows"] for root, _ in found if root.name == "land" and attributes(root)["millrace.table"] == "silver.events")
                return rows == 507 and {attributes(root).get("millrace.model") for root, _ in found} >= {"gold.count", "gold.broken"} and found

            found = wait_until(there)
            metrics = pipeline.metrics()
            assert metrics["millrace_spans_exported_total", ()] >= len(found)
            assert sum(value for (name, _), value in metrics.items() if name == "millrace_spans_dropped_total") == 0
            pipeline.stop()
            assert canary not in pipeline.said
        assert {headers["authorization"] for headers in receiver.headers} == {"Bearer " + canary}
        of = receiver.spans()[0][0]
        assert (of["service.name"], of["millrace.pipeline"], of["deployment.environment"]) == ("landing", "observed", "test")
        snapshots = {snapshot.snapshot_id for snapshot in readers.pyiceberg_catalog(millrace.folder / "data").load_table("silver.events").snapshots()}
        landed = [(root, parts) for root, parts in trees(receiver) if root.name == "land"]
        assert sum(attributes(parts["poll"])["millrace.records"] for root, parts in landed if attributes(root)["millrace.table"] == "bronze.events") == 563
        for root, parts in landed:
            of_table_silver = attributes(root)["millrace.table"] == "silver.events"
            assert set(parts) == {"land", "poll", "commit"} | ({"decode", "encode", "catalog"} if of_table_silver else set())
            assert [event.name for event in root.events] == ["visible"] and root.status.code == 0
            for name, span in parts.items():
                assert span.start_time_unix_nano <= span.end_time_unix_nano
                assert root.start_time_unix_nano <= span.start_time_unix_nano and span.end_time_unix_nano <= root.end_time_unix_nano, name
                parent = {"land": b"", "catalog": parts["commit"].span_id}.get(name, root.span_id)
                assert span.parent_span_id == parent, name
            assert parts["poll"].start_time_unix_nano <= parts["commit"].start_time_unix_nano <= root.events[0].time_unix_nano <= root.end_time_unix_nano
            if of_table_silver:
                assert attributes(parts["commit"])["millrace.snapshot_id"] in snapshots
        models = {attributes(root)["millrace.model"]: root for root, _ in trees(receiver) if root.name == "model" and attributes(root)["millrace.outcome"] != "nothing"}
        assert models["gold.count"].status.code == 0 and attributes(models["gold.count"])["millrace.rows"] == 1
        assert models["gold.broken"].status.code == 2 and "nothing_there" in models["gold.broken"].status.message


def test_a_collector_that_is_ill_keeps_nobody(millrace):
    write_events(millrace)
    with Receiver(answers=["hang", 400]) as receiver:
        env = {**SOON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_MAX_QUEUE_SIZE": "2", "OTEL_EXPORTER_OTLP_TIMEOUT": "60000"}
        with running(millrace, freshness="100ms", env=env) as pipeline:
            for part in range(5):
                millrace.write(f"in/more{part}.jsonl", json.dumps({"id": 8000 + part, "n": 1}) + "\n")
                wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 508 + part)  # noqa: B023
            wait_until(lambda: pipeline.metrics()["millrace_spans_dropped_total", (("cause", "queue_full"),)] > 0)
            assert pipeline.stop() == 0
            assert pipeline.said.count("spans are dropped (queue_full)") == 1
            assert len(readers.pyiceberg_catalog(millrace.folder / "data").load_table("silver.events").scan().to_arrow()) == 512


def test_what_is_refused_is_counted_and_off_is_off(millrace):
    write_events(millrace)
    with Receiver(answers=[400] * 1000) as receiver:
        with running(millrace, env={**SOON, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.url + "/v1/traces"}) as pipeline:
            wait_until(lambda: pipeline.metrics()["millrace_spans_dropped_total", (("cause", "refused"),)] > 0)
        asked = len(receiver.headers)
        millrace.write("in/b.jsonl", json.dumps({"id": 7000, "n": 1}) + "\n")
        with running(millrace, env={**SOON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_TRACES_SAMPLER": "always_off"}) as pipeline:
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 1)
            assert not any(name.startswith("millrace_spans") for name, _ in pipeline.metrics())
        assert len(receiver.headers) == asked
    said = millrace.run("run", expect=78, env={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).stderr
    assert "OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf is spoken here" in said
