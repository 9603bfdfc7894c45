"""Traces as a collector gets them over HTTP, read by OpenTelemetry's own protobuf package: the way of a chunk, runs of models; and a collector that is ill keeps
nobody from landing."""

import json
import pathlib
import sys
import urllib.error
import urllib.request

import pytest
import readers
from test_observe import CONFIG, of_table, running, wait_until, write_events

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))
from telemetry_receiver import Receiver, attributes  # noqa: E402

pytest.importorskip("opentelemetry.proto", reason="scripts/setup --servers fetches it")
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
SERVER = 2  # SPAN_KIND_SERVER
INGEST = """
name: intake
data_dir: data
sources: {{ web: {{ http_ingest: {{ routes: {{ "/orders": orders }} }} }} }}
server: {server}
"""


def trees(receiver):
    """Of each trace of the pipeline's own work the root, and its spans by name."""
    spans = [span for _, span in receiver.spans() if span.kind != SERVER]
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
        env = {**SOON, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test", "OTEL_SERVICE_NAME": "landing", "COLLECTOR": canary}
        traces = 'traces: {{ endpoint: "{endpoint}", token: {{ secret: "env:COLLECTOR" }}, service_name: not-this-one }}\n'
        with running(millrace, config=CONFIG + "models: models/\n" + traces, env=env, endpoint=receiver.url + "/") as pipeline:

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


def test_requests_are_part_of_the_trace_of_who_asks(millrace):
    """As OpenTelemetry's conventions for HTTP name them; who may not come in decides nothing; the query is told to nobody."""
    theirs, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    token = "token-of-who-sends-19c2"
    server = '{ listen: "127.0.0.1:0", tokens: { sender: { token: { secret: "env:SENDER" }, roles: [ingest, read] } } }'

    def ask(pipeline, path, flags="01", body=None, key=token, traceparent=None):
        headers = {"traceparent": traceparent or f"00-{theirs}-{parent}-{flags}", "User-Agent": "asker/1", "Content-Type": "application/json"}
        if key:
            headers["Authorization"] = "Bearer " + key
        request = urllib.request.Request(pipeline.url + path, data=body, headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=20).status
        except urllib.error.HTTPError as refused:
            return refused.code

    with Receiver() as receiver:
        env = {**SOON, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_TRACES_SAMPLER": "parentbased_always_off", "SENDER": token}
        with running(millrace, config=INGEST, server=server, env=env) as pipeline:
            for path, more in (("/orders", {"flags": "00"}), ("/orders", {"traceparent": "00-zz-01"})):  # not sampled there; from nowhere
                assert ask(pipeline, path, body=b"{}", **more) == 200
            assert ask(pipeline, "/api/v1/topics/orders", key=None) == 401
            assert ask(pipeline, "/health/ready", key=None) == 200
            assert ask(pipeline, "/orders?secret=in-the-query", body=b'[{"id": 1}, {"id": 2}]') == 200
            assert ask(pipeline, "/api/v1/topics/nowhere") == 400
            pipeline.stop()
        spans = {span.name: span for _, span in receiver.spans()}
        assert set(spans) == {"POST /orders", "append", "GET /api/v1/topics/{topic}"} and len(receiver.spans()) == 3
        post, append, get = (spans[name] for name in ("POST /orders", "append", "GET /api/v1/topics/{topic}"))
        assert {span.trace_id.hex() for span in spans.values()} == {theirs}
        assert post.parent_span_id.hex() == get.parent_span_id.hex() == parent and append.parent_span_id == post.span_id
        assert (post.kind, get.kind, append.kind) == (SERVER, SERVER, 1)
        port = int(pipeline.url.rpartition(":")[2])
        told = {"http.request.method": "POST", "http.route": "/orders", "url.path": "/orders", "url.scheme": "http", "network.protocol.version": "1.1",
                "client.address": "127.0.0.1", "server.address": "127.0.0.1", "server.port": port, "user_agent.original": "asker/1", "http.response.status_code": 200}  # fmt: skip
        assert attributes(post) == told
        assert attributes(append) == {"millrace.topic": "orders", "millrace.records": 2}
        assert attributes(get)["http.response.status_code"] == 400 and get.status.code == 0  # the asker's fault, and no error here
        assert post.start_time_unix_nano <= append.start_time_unix_nano <= append.end_time_unix_nano <= post.end_time_unix_nano
        assert not any("in-the-query" in str(span) or token in str(span) for span in spans.values())
