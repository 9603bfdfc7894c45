"""Commits a second of a REST catalogue on a SQLite file: Millrace's beside Apache's own (the fixture of its compatibility tests), asked by the same clients.

Each client commits properties to a table of its own, or all to one, one request after another over a kept connection; only what was committed counts, and nothing is
required of the table, so that whoever is refused just tries again. The load comes from wrk, which takes little of the cores that the server has too."""

import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

import measure
import pipelines

PEERS = pathlib.Path(__file__).resolve().parent / "peers"
SECONDS = int(os.environ.get("MILLRACE_BENCH_SECONDS", 5))
FORMS = {"1 client": (1, False), "8 clients, a table each": (8, False), "50 clients, a table each": (50, False), "50 clients, one table": (50, True)}
SCHEMA = {"type": "struct", "fields": [{"id": 1, "name": "id", "type": "long", "required": False}]}


class Client:
    def __init__(self, uri):
        parts = urllib.parse.urlsplit(uri)
        self.connection, self.path = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120), parts.path

    def ask(self, method, path, body=None):
        self.connection.request(method, self.path + path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None


def rate(uri, clients, one_table, number):
    """Commits a second."""
    maker = Client(uri)
    tables = [f"t{number}"] if one_table else [f"t{number}_{client}" for client in range(clients)]
    for table in tables:
        status, answer = maker.ask("POST", "/v1/namespaces/bench/tables", {"name": table, "schema": SCHEMA, "properties": {"write.metadata.delete-after-commit.enabled": "true", "write.metadata.previous-versions-max": "5"}})
        assert status == 200, answer
    load = ["wrk", "--threads", clients, "--connections", clients, "--duration", f"{SECONDS}s", "--timeout", "30s", "--script", PEERS / "catalog.lua", uri, "--", *tables]
    said = subprocess.run(list(map(str, load)), capture_output=True, text=True, check=True).stdout
    counted, seconds = re.search(r"committed (\d+), refused", said), re.search(r"requests in ([\d.]+)s,", said)
    if not counted or not seconds or "failed: " in said or "Socket errors" in said:
        raise SystemExit(f"{uri}: not every request had an answer:\n{said}")
    return int(counted[1]) / float(seconds[1])


def measured(uri, runs):
    assert Client(uri).ask("POST", "/v1/namespaces", {"namespace": ["bench"]})[0] == 200
    rates = {}
    for name, (clients, one_table) in FORMS.items():
        found = sorted(rate(uri, clients, one_table, f"{len(rates)}_{run}") for run in range(runs))
        rates[name] = found[len(found) // 2]
    return rates


def ours(scratch, runs):
    folder = pipelines.fresh(scratch / "catalog")
    (folder / "millrace.yaml").write_text('name: bench\ndata_dir: data\nserver: { listen: "127.0.0.1:0", connections_max: 200 }\nmaintenance: { interval: 0s }\n')
    watched = measure.Watched([pipelines.BINARY, "run", "-c", folder / "millrace.yaml"], lambda: 0, folder / "log")
    try:
        status = folder / "data/status.json"
        while not status.exists() or not json.loads(status.read_text()).get("server"):
            time.sleep(0.05)
        return measured(json.loads(status.read_text())["server"] + "/iceberg", runs)
    finally:
        watched.stop()


def theirs(scratch, runs):
    sys.path.insert(0, str(pipelines.ROOT / "tests/services"))
    import rest_catalog

    folder = pipelines.fresh(scratch / "apache")
    with rest_catalog.RestCatalog(folder / "rest", f"file://{folder}/warehouse") as server:
        return measured(server.uri, runs)


def catalog(scratch, runs):
    fast, slow = ours(scratch, runs), theirs(scratch, runs)
    for name in FORMS:
        print(f"catalog, {name}: {fast[name]:,.0f} commits/s; Apache's fixture on SQLite {slow[name]:,.0f}: {fast[name] / max(slow[name], 1e-9):.1f} x", flush=True)
