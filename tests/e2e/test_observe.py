"""What a pipeline says of itself: /metrics against the oracle, health, status --why, and a door that is shut. Asked by real clients; the text of
/metrics is judged by Prometheus' own parser."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import oracle
import pytest
import readers
from prometheus_client.parser import text_string_to_metric_families

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))
from fault_proxy import FaultProxy  # noqa: E402
from s3 import S3, SERVERS  # noqa: E402

CONFIG = """
name: observed
data_dir: data
sources: {{ events: {{ file: {{ path: "in/*.jsonl", follow: true }}, topic: events }} }}
topics: {{ events: {{ partitions: 3 }} }}
tables:
  silver.events: {{ from: events, columns: {{ id: long, n: long }}, key: [id], freshness: {freshness} }}
  bronze.events: {{ from: events, files: {{ compression: none, buffer_time: {freshness} }} }}
server: {server}
"""
LOCAL = '{ listen: "127.0.0.1:0" }'


def wait_until(what, seconds=60):
    """What `what` returns once it is true; a failure names it."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"never true: {what.__doc__ or what}"
        time.sleep(0.05)


class Running:
    """A pipeline that runs, and its server."""

    def __init__(self, millrace, process):
        self.millrace, self.process = millrace, process
        self.said = ""

        def served():
            """the server's address stands in the status file"""
            assert process.poll() is None, process.communicate()
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                status = json.loads((millrace.folder / "data/status.json").read_text())
                return status["pid"] == process.pid and status.get("server")

        self.url = wait_until(served)

    def get(self, path, headers=None, context=None):
        """(status, body)"""
        request = urllib.request.Request(self.url.replace("0.0.0.0", "127.0.0.1") + path, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self):
        status, text = self.get("/metrics")
        assert status == 200, text
        return samples(text)

    def status(self):
        return json.loads(self.get("/api/v1/status")[1])

    def why(self, table="silver.events", env=None):
        listed = json.loads(self.millrace.run("status", "--why", "--json", env=env).stdout)
        return {row["table"]: row for row in listed["tables"]}[table]

    def stop(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            _, self.said = self.process.communicate(timeout=60)
        return self.process.returncode


def samples(text):
    """(name, labels) -> value, as Prometheus' parser reads them."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@contextlib.contextmanager
def running(millrace, freshness="200ms", server=LOCAL, config=CONFIG, env=None, **more):
    millrace.write("millrace.yaml", config.format(freshness=freshness, server=server, **more))
    process = millrace.start("run", env=env)
    try:
        started = Running(millrace, process)
        yield started
        started.stop()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.communicate()


def write_events(millrace):
    """500 good rows, 40 of them twice, 7 values that do not fit, 11 and 5 records that cannot be read."""
    lines = [json.dumps({"id": i, "n": i, "text": f"event {i}"}) for i in range(500)]
    lines += lines[:40]
    lines += [json.dumps({"id": 1000 + i, "n": "seven", "text": "rescued"}) for i in range(7)]
    lines += ["not json at all"] * 11 + ["[1, 2]"] * 5
    millrace.write("in/a.jsonl", "\n".join(lines) + "\n")
    return lines


def of_table(metrics, name, table="silver.events", **labels):
    return metrics.get((name, tuple(sorted({"table": table, **labels}.items()))), 0)


def test_metrics_equal_what_the_oracle_counts(millrace):
    lines = write_events(millrace)
    with running(millrace) as pipeline:

        def landed():
            """every event is covered by a commit"""
            metrics = pipeline.metrics()
            tables = ("silver.events", "bronze.events")
            return all(of_table(metrics, "millrace_table_landed_events_total", t) == len(lines) for t in tables) and metrics

        metrics = wait_until(landed)
        lake = oracle.Lake(millrace.folder / "data")
        rows = lake.walk("silver.events")
        quarantine = lake.walk("quarantine.silver_events")
        causes = [record["cause"] for record in quarantine]
        assert of_table(metrics, "millrace_table_rows_total") == len(rows) == 507
        assert of_table(metrics, "millrace_table_rescued_values_total") == sum(1 for row in rows if row["_rescued"]) == 7
        for cause in set(causes):
            assert of_table(metrics, "millrace_table_rejected_total", cause=cause) == causes.count(cause)
        assert sum(v for (name, labels), v in metrics.items() if name == "millrace_table_rejected_total" and ("table", "silver.events") in labels) == 16
        assert of_table(metrics, "millrace_table_duplicates_total") == len(lines) - len(rows) - len(quarantine) == 40
        files = list(lake.entries("silver.events"))
        assert of_table(metrics, "millrace_table_files_written_total") == len(files)
        assert of_table(metrics, "millrace_table_written_bytes_total") == sum(entry["file_size_in_bytes"] for entry in files)
        commits = of_table(metrics, "millrace_table_commits_total", outcome="committed")
        assert commits >= 1 and of_table(metrics, "millrace_table_commit_seconds_count") == commits
        assert of_table(metrics, "millrace_commit_requests_total", answer="committed") >= commits
        source = (("source", "events"),)
        assert metrics["millrace_source_events_total", source] == len(lines)
        assert metrics["millrace_source_bytes_total", source] >= sum(map(len, lines))
        assert metrics["millrace_topic_appended_events_total", (("topic", "events"),)] == len(lines)
        assert metrics["millrace_topic_read_events_total", (("topic", "events"),)] == 2 * len(lines)
        assert metrics["millrace_stream_records", (("topic", "events"),)] == len(lines)
        assert metrics["millrace_stream_bytes", (("topic", "events"),)] > 0
        groups = [labels for name, labels in metrics if name == "millrace_table_unread_records" and ("table", "silver.events") in labels]
        assert sorted(dict(labels)["partitions"] for labels in groups) == ["0", "1", "2"]

        def caught_up():
            """nothing is behind, and freshness says so"""
            now = pipeline.metrics()
            return of_table(now, "millrace_table_lag_records") == 0 and of_table(now, "millrace_table_lag_seconds") == 0

        wait_until(caught_up)
        assert of_table(metrics, "millrace_table_freshness_target_seconds") == 0.2
        assert abs(of_table(metrics, "millrace_table_newest_visible_timestamp_seconds") - time.time()) < 600


def test_a_restart_counts_what_the_new_process_does(millrace):
    write_events(millrace)
    millrace.write("millrace.yaml", CONFIG.format(freshness="200ms", server=LOCAL).replace(", follow: true", ""))
    millrace.run("run", "--until-idle")
    with running(millrace) as pipeline:
        wait_until(lambda: pipeline.get("/health/ready")[0] == 200)
        assert of_table(pipeline.metrics(), "millrace_table_rows_total") == 0
        millrace.write("in/b.jsonl", json.dumps({"id": 5000, "n": 1}) + "\n" + json.dumps({"id": 3, "n": 1}) + "\n")
        wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_landed_events_total") == 2)
        metrics = pipeline.metrics()
        assert of_table(metrics, "millrace_table_rows_total") == 1
        assert of_table(metrics, "millrace_table_duplicates_total") == 1


def test_the_text_is_well_formed_and_the_page_knows_every_metric(millrace):
    write_events(millrace)
    with running(millrace) as pipeline:
        wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 507)
        text = pipeline.get("/metrics")[1]
    families = list(text_string_to_metric_families(text))
    page = (ROOT / "docs/metrics.md").read_text()
    for family in families:
        name = family.name + ("_total" if family.type == "counter" else "")
        assert f"`{name}`" in page, f"{name} is not on docs/metrics.md"
        assert family.documentation.endswith(".") or family.name == "millrace_build_info"
        if family.type == "histogram":
            assert_is_histogram(family)
    counters = re.findall(r"^# TYPE (\S+) counter", text, re.MULTILINE)
    assert len(counters) > 15 and all(name.endswith("_total") for name in counters)
    if shutil.which("promtool"):
        judged = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        assert judged.returncode == 0, judged.stdout + judged.stderr


def assert_is_histogram(family):
    """Buckets rise up to +Inf, which equals the count."""
    series = {}
    for sample in family.samples:
        labels = dict(sample.labels)
        bound = labels.pop("le", None)
        series.setdefault(tuple(sorted(labels.items())), []).append((sample.name, bound, sample.value))
    for found in series.values():
        buckets = [(float(bound), value) for name, bound, value in found if name.endswith("_bucket")]
        assert buckets == sorted(buckets) and [v for _, v in buckets] == sorted(v for _, v in buckets)
        assert buckets[-1] == (float("inf"), dict((n, v) for n, _, v in found)[family.name + "_count"])


def test_every_declared_metric_is_on_the_page():
    declared = set()
    for path in (ROOT / "src").rglob("*.h"):
        declared |= set(re.findall(r'inline constexpr Metric \w+\{\s*MetricKind::\w+,\s*"(\w+)"', path.read_text()))
    listed = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    assert len(declared) > 40 and declared == listed


def test_live_ready_and_status_answer(millrace):
    write_events(millrace)
    with running(millrace) as pipeline:
        wait_until(lambda: pipeline.get("/health/ready")[0] == 200)
        assert json.loads(pipeline.get("/health/ready")[1]) == {"status": "ready"}
        assert pipeline.get("/health/live")[0] == 200
        wait_until(lambda: millrace.run("status", "--ready", expect=None).returncode == 0)
        status = pipeline.status()
        assert status["pipeline"] == "observed" and set(status["tables"]) == {"silver.events", "bronze.events"}
        assert curl(pipeline.url + "/health/live").strip().startswith("{")
        marker = millrace.folder / "data/lake/.millrace-format"
        marker.rename(millrace.folder / "elsewhere")

        def not_ready():
            """the lake is gone, and ready says so"""
            code, body = pipeline.get("/health/ready")
            return code == 503 and "lake" in body and json.loads(body)["reasons"]

        reasons = wait_until(not_ready)
        assert any("cannot be reached" in reason for reason in reasons), reasons
        assert pipeline.get("/health/live")[0] == 200
        (millrace.folder / "elsewhere").rename(marker)
        wait_until(lambda: pipeline.get("/health/ready")[0] == 200)


def curl(*arguments):
    return subprocess.run(["curl", "-sS", "--max-time", "20", *arguments], capture_output=True, text=True, check=True).stdout


def test_status_says_what_a_table_waits_for(millrace):
    write_events(millrace)
    with running(millrace, freshness="1h") as pipeline:

        def waits():
            """both tables hold records that wait for freshness"""
            return pipeline.why()["state"] == "buffering" and pipeline.why("bronze.events")["state"] == "buffering"

        wait_until(waits)
        assert re.search(r"563 records wait for freshness \([\d.]+ s of 180.0 s gone\)", pipeline.why()["why"])
        assert "are buffered; files are written at" in pipeline.why("bronze.events")["why"]
        pipeline.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: pipeline.why()["state"] == "silent", 40)
        assert "suspended, or stuck" in pipeline.why()["why"]
        pipeline.process.send_signal(signal.SIGCONT)
        wait_until(waits)
        pipeline.process.kill()
        pipeline.process.wait()
        why = pipeline.why()
        assert why["state"] == "killed" and "goes on from the last commit; 563 records wait in its topic" in why["why"]
    with running(millrace) as pipeline:
        wait_until(lambda: pipeline.why()["state"] == "up_to_date")
        why = pipeline.why()["why"]
        assert "no new events since" in why
        assert re.search(r"16 records of the last commit went to quarantine \((malformed 11, not_an_object 5|.*)\)", why)
        assert pipeline.stop() == 0
    why = pipeline.why()
    assert why["state"] == "not_running" and "everything in its topic has landed" in why["why"]
    said = millrace.run("status", "--why").stdout
    assert "does not run; it ended at" in said


def test_status_names_the_error_that_stopped_it(millrace):
    with running(millrace) as pipeline:
        for part in (1, 2):
            millrace.write(f"in/{part}.jsonl", json.dumps({"id": part, "n": 1}) + "\n")
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == part)
        table = readers.pyiceberg_catalog(millrace.folder / "data").load_table("silver.events")
        with table.manage_snapshots() as change:
            change.rollback_to_snapshot(table.metadata.snapshots[0].snapshot_id)
        millrace.write("in/3.jsonl", json.dumps({"id": 3, "n": 1}) + "\n")
        _, said = pipeline.process.communicate(timeout=60)
        assert pipeline.process.returncode == 1 and "rolled back" in said
    why = pipeline.why()
    assert why["state"] == "failed" and "rolled back" in why["why"] and "millrace offsets set" in why["why"]


def test_small_files_are_told(millrace):
    config = CONFIG + "maintenance: {{ interval: 1s, small_files: 1000 }}\n"
    with running(millrace, freshness="100ms", config=config) as pipeline:
        for part in range(4):
            millrace.write(f"in/{part}.jsonl", json.dumps({"id": part, "n": 1}) + "\n")
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == part + 1)
        wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_small_files") == 4)
        assert of_table(pipeline.metrics(), "millrace_table_data_files") == 4
        wait_until(lambda: "4 of 4 files are small, a partition's are merged from 1000 on" in pipeline.why()["why"])
        assert of_table(pipeline.metrics(), "millrace_maintenance_runs_total", outcome="nothing") > 0
    assert "4 of 4 files are small, `millrace maintain` merges" in pipeline.why()["why"]


def test_models_count(millrace):
    millrace.write("models/gold/count.sql", "SELECT count(*) AS n FROM silver.events\n")
    millrace.write("models/gold/broken.sql", "SELECT nothing_there FROM silver.events\n")
    write_events(millrace)
    with running(millrace, config=CONFIG + "models: models/\n") as pipeline:

        def ran():
            """one model was built and one failed"""
            metrics = pipeline.metrics()
            runs = lambda model, outcome: metrics.get(("millrace_model_runs_total", (("model", model), ("outcome", outcome))), 0)  # noqa: E731
            return runs("gold.count", "built") >= 1 and runs("gold.broken", "failed") >= 1

        wait_until(ran)


def test_the_door(millrace, tmp_path):
    """Beyond loopback: TLS, tokens, and nothing of a secret anywhere."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    canary = "canary-5f2a9c1e7b3d4860"
    server = f'{{ listen: "0.0.0.0:0", tls: {{ certificate: {certificate}, key: {key} }}, tokens: {{ scraper: {{ token: {{ secret: "env:SCRAPE" }} }} }} }}'
    write_events(millrace)
    env = {"SCRAPE": canary}
    with running(millrace, server=server, env=env) as pipeline:
        context = ssl.create_default_context(cafile=certificate)
        assert pipeline.get("/metrics", context=context)[0] == 401
        assert pipeline.get("/metrics", {"Authorization": "Bearer wrong-" + canary}, context)[0] == 401
        wait_until(lambda: pipeline.get("/health/ready", context=context)[0] == 200)
        allowed = {"Authorization": "Bearer " + canary}
        shown = "".join(pipeline.get(path, allowed, context)[1] for path in ("/metrics", "/api/v1/status", "/health/ready", "/nothing"))
        assert "millrace_table_rows_total" in shown and canary not in shown
        with pytest.raises((urllib.error.URLError, http.client.HTTPException, ConnectionError)):
            urllib.request.urlopen(pipeline.url.replace("https://0.0.0.0", "http://127.0.0.1") + "/metrics", timeout=20)
        said = [millrace.run(*verb, env=env) for verb in (("check",), ("status", "--why", "--json"))]
        pipeline.stop()
        assert canary not in pipeline.said + "".join(done.stdout + done.stderr for done in said)
    for path in (millrace.folder / "data").rglob("*"):
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    "server, sentence",
    [
        ('{ listen: "0.0.0.0:8080" }', "server.listen: 0.0.0.0 can be reached from other machines, so it needs server.tls and a token in server.tokens; or listen on 127.0.0.1"),
        ('{ listen: "[::]:8080" }', "can be reached from other machines"),
        ('{ listen: "8080" }', "expected an IP address and a port, such as 127.0.0.1:8080"),
        ('{ listen: "example.com:80" }', "expected an IP address and a port"),
        ('{ tokens: { x: { token: { secret: "env:SHORT" } } } }', "a token has at least 16 characters"),
        ("{ tls: { certificate: cert.pem } }", "server.tls: 'key' is missing"),
    ],
)  # fmt: skip
def test_doors_that_would_stand_open_are_refused(millrace, server, sentence):
    millrace.write("millrace.yaml", CONFIG.format(freshness="1s", server=server))
    done = millrace.run("check", expect=78, env={"SHORT": "short"})
    assert sentence in done.stderr and "millrace.yaml:" in done.stderr


def test_an_address_in_use_is_one_sentence(millrace):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        millrace.write("millrace.yaml", CONFIG.format(freshness="1s", server=f'{{ listen: "127.0.0.1:{taken.getsockname()[1]}" }}'))
        done = millrace.run("run", expect=69)
    assert done.stderr.count("\n") == 1 and "in use" in done.stderr


def test_sockets_that_never_ask_lock_nobody_out(millrace):
    """More of them than connections are allowed; a good client, and the pipeline, go on."""
    write_events(millrace)
    with running(millrace, server='{ listen: "127.0.0.1:0", connections_max: 64 }') as pipeline, contextlib.ExitStack() as sockets:
        port = int(pipeline.url.rsplit(":", 1)[1])
        for i in range(500):
            slow = sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
            if i % 50 == 0:
                assert pipeline.get("/health/live")[0] == 200
        wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 507)
        connections = pipeline.metrics()["millrace_http_connections", ()]
        assert connections <= 66
        assert pipeline.metrics()["millrace_http_connections_ended_total", (("cause", "made_room"),)] >= 400


@pytest.mark.skipif(not (ROOT / ".deps/rest").exists(), reason="scripts/setup --servers fetches the catalogue")
def test_a_catalogue_that_fails_is_said_and_waited_for(millrace, tmp_path):
    from rest_catalog import RestCatalog

    warehouse = tmp_path / "warehouse"
    canary = "canary-of-the-catalogue-91c4"
    config = CONFIG + 'lake: {{ warehouse: {warehouse}, catalog: {{ rest: {{ uri: "{uri}", token: {{ secret: "env:CATALOG" }} }} }} }}\n'
    with RestCatalog(tmp_path / "rest", warehouse=f"file://{warehouse}") as server, FaultProxy("http", server.uri.removeprefix("http://")) as proxy:
        write_events(millrace)
        with running(millrace, config=config, warehouse=warehouse, uri=proxy.url, env={"CATALOG": canary}) as pipeline:
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 507)
            proxy.inject(method="POST", path="/tables/events", effect="lost", times=1)
            millrace.write("in/b.jsonl", json.dumps({"id": 7000, "n": 1}) + "\n")
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_ambiguous_commits_total", found="landed") == 1)
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 508)
            proxy.inject(method=".", path="", effect="status", status=503, times=-1)
            millrace.write("in/c.jsonl", json.dumps({"id": 7001, "n": 1}) + "\n")
            why = lambda: pipeline.why(env={"CATALOG": canary})  # noqa: E731
            wait_until(lambda: why()["state"] in ("catalog", "outcome_unknown"))
            assert re.search(r"503.*, for [\d.]+ s", why()["why"]), why()
            wait_until(lambda: pipeline.get("/health/ready")[0] == 503)
            assert pipeline.get("/health/live")[0] == 200
            metrics = pipeline.metrics()
            assert metrics["millrace_landing_retries_total", (("peer", "catalog"),)] >= 1
            assert any(name == "millrace_catalog_requests_total" and ("status", "503") in labels for name, labels in metrics)
            assert of_table(metrics, "millrace_table_lag_seconds") > 0
            millrace.write("in/d.jsonl", "".join(json.dumps({"id": 7100 + i, "n": 1}) + "\n" for i in range(20)))
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_lag_records") == 21)
            proxy.clear()
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 529)
            wait_until(lambda: why()["state"] == "up_to_date")
            shown = pipeline.get("/metrics")[1] + pipeline.get("/api/v1/status")[1] + (millrace.folder / "data/status.json").read_text()
            pipeline.stop()
            assert "503" in pipeline.said and canary not in pipeline.said + shown


@pytest.mark.skipif(not SERVERS["moto"].exists(), reason="no moto is here: run scripts/setup --servers")
def test_requests_to_a_bucket_are_counted_as_the_bucket_sees_them(millrace, tmp_path):
    canary = "canary-of-the-bucket-7e02"
    keys = '{{ secret: "env:LAKE_KEY" }}, secret_key: {{ secret: "env:LAKE_SECRET" }}'
    config = CONFIG + 'lake: {{ warehouse: "s3://lake/x", s3: {{ endpoint: "{endpoint}", region: us-east-1, access_key: ' + keys + " }} }}\n"
    with S3(tmp_path / "moto", kind="moto") as bucket, FaultProxy("http", bucket.endpoint) as proxy:
        bucket.create_bucket("lake")
        proxy.inject(method="PUT", path=r"\.parquet", effect="status", status=503, body="<Error><Code>SlowDown</Code></Error>", times=2)
        proxy.inject(effect="late", delay=0, times=-1)  # passes everything on, and counts it
        write_events(millrace)
        with running(millrace, config=config, endpoint=proxy.url, env={"LAKE_KEY": "key", "LAKE_SECRET": canary}) as pipeline:
            wait_until(lambda: of_table(pipeline.metrics(), "millrace_table_rows_total") == 507)

            def counted_alike():
                """what the program counted is what came to the bucket, faults included"""
                seen = sum(proxy.hits())
                metrics = pipeline.metrics()
                counted = sum(v for (name, _), v in metrics.items() if name == "millrace_object_store_requests_total")
                # Rows may be visible while another file, of the rows in quarantine, still waits before its second attempt.
                settled = metrics.get(("millrace_object_store_retries_total", (("verb", "PUT"),))) == 2
                return settled and seen == sum(proxy.hits()) == counted

            wait_until(counted_alike)
            metrics = pipeline.metrics()
            assert metrics["millrace_object_store_requests_total", (("status", "503"), ("verb", "PUT"))] == 2
            assert metrics["millrace_object_store_retries_total", (("verb", "PUT"),)] == 2
            seconds = sum(v for (name, _), v in metrics.items() if name == "millrace_object_store_request_seconds_count")
            assert seconds == sum(v for (name, _), v in metrics.items() if name == "millrace_object_store_requests_total")
            shown = pipeline.get("/metrics")[1] + pipeline.get("/api/v1/status")[1]
            pipeline.stop()
            assert canary not in pipeline.said + shown + (millrace.folder / "data/status.json").read_text()
